package target

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/prassi-cms/prassi/site/release"
)

// manifestPath is where a target says what Prassi put into it.
const manifestPath = release.Reserved + "/manifest.json"

// manifest is what it says.
type manifest struct {
	Format string            `json:"format"`
	Files  map[string]string `json:"files"` // by path: what it was made of; empty when that is uncertain
}

const manifestFormat = "prassi site 1"

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// newManifest describes a plan; key says by what a file is known.
func newManifest(p *plan, key func(*item) string) *manifest {
	m := &manifest{Format: manifestFormat, Files: make(map[string]string, len(p.items))}
	for i := range p.items {
		m.Files[p.items[i].path] = key(&p.items[i])
	}
	return m
}

func (m *manifest) encode() ([]byte, error) {
	b, err := json.Marshal(m) // sorts by path
	return append(b, '\n'), err
}

var errManifest = errors.New("target: " + manifestPath + " is not one of this version of Prassi")

// parseManifest reads a manifest. A path in it that is none of ours is refused, so
// that nobody can have other files removed by writing them into it.
func parseManifest(b []byte) (*manifest, error) {
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil || m.Format != manifestFormat {
		return nil, errManifest
	}
	for path := range m.Files {
		if release.CheckPath(path) != nil {
			return nil, errManifest
		}
	}
	return &m, nil
}

// holds reports that the place has a file as it shall be.
func (m *manifest) holds(path, key string) bool {
	return m != nil && key != "" && m.Files[path] == key
}
