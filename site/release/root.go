package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// root is what builds/ID holds: a line of JSON and a line with its SHA-256.
type root struct {
	Meta
	Version int    `json:"version"`
	Tree    string `json:"tree"` // hexadecimal; empty for a build without files
	tree    Hash
}

const rootVersion = 1

var rootName = regexp.MustCompile(`^[0-9]{8}-[0-9a-f]{8}$`)

// nextID follows the number of the build before. The digits of the manifest are
// for people: they show which builds are the same.
func nextID(before string, tree Hash) string {
	n := 0
	if before != "" {
		n, _ = strconv.Atoi(before[:8])
	}
	return fmt.Sprintf("%08d-%s", n+1, hex.EncodeToString(tree[:4]))
}

func (s *Store) rootPath(id string) string { return filepath.Join(s.dir, "builds", id) }

// unnamed is what a root is called until it is durable.
func (s *Store) unnamed() string { return filepath.Join(s.dir, "builds", "new.tmp") }

// writeRoot writes a root that has no name yet, and leaves it open.
func (s *Store) writeRoot(r root) (device, error) {
	r.Version = rootVersion
	if r.tree != (Hash{}) {
		r.Tree = r.tree.String()
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	sum := sha256.Sum256(b)
	b = append(b, Hash(sum).String()+"\n"...)
	s.disk.step("write root")
	f, err := s.disk.open(s.unnamed(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		f.Close()
		return nil, errors.Join(err, s.disk.remove(s.unnamed()))
	}
	return f, nil
}

var errRoot = errors.New("release: the root is not whole, or not of this version")

// readRoot reads and checks a root.
func (s *Store) readRoot(id string) (r root, err error) {
	b, err := os.ReadFile(s.rootPath(id))
	if err != nil {
		return r, err
	}
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	sum := sha256.Sum256(b[:min(len(b), len(line)+1)])
	if string(rest) != Hash(sum).String()+"\n" {
		return r, errRoot
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, errRoot
	}
	if r.Tree != "" {
		h, err := hex.DecodeString(r.Tree)
		if err != nil || len(h) != sha256.Size {
			return r, errRoot
		}
		r.tree = Hash(h)
	}
	if r.Version != rootVersion || r.ID != id {
		return r, errRoot
	}
	return r, nil
}
