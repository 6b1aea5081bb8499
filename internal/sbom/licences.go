package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// licenceFile is the name of a file that says under which terms a folder is.
var licenceFile = regexp.MustCompile(`(?i)^(?:un)?licen[cs]e(?:[._-].*)?$|^copying(?:[._-].*)?$`)

// covered is how much of a licence file, in percent of its words, must be the
// text of known licences. The rest is names and years; a condition that somebody
// added is longer.
const covered = 75

// errNoLicence: nothing says under which terms a component is.
var errNoLicence = errors.New("it has no licence")

// licencesIn reads the licence files of a module: those in its folder and in the
// folders of the packages that the program links, and between the two. It
// returns SPDX identifiers, sorted. A file that is not, for the greater part, the
// text of known licences and that nobody has read is an error: nobody knows what
// it asks for.
func (p *Policy) licencesIn(root string, folders []string) (found []string, err error) {
	seen := map[string]bool{}
	for _, folder := range append([]string{root}, folders...) {
		for !seen[folder] && (folder == root || strings.HasPrefix(folder, root+string(filepath.Separator))) {
			seen[folder] = true
			ids, err := p.licencesOfFolder(root, folder)
			if err != nil {
				return nil, err
			}
			found = append(found, ids...)
			folder = filepath.Dir(folder)
		}
	}
	if len(found) == 0 {
		return nil, errNoLicence
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func (p *Policy) licencesOfFolder(root, folder string) (found []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenceFile.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" {
			continue
		}
		name := filepath.Join(folder, entry.Name())
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		hash := sha256.Sum256(text)
		sum := hex.EncodeToString(hash[:])
		if reading, ok := p.reading(sum); ok {
			found = append(found, reading.Licences...)
			continue
		}
		ids := licencesOf(text)
		if len(ids) == 0 {
			relative, _ := filepath.Rel(root, name)
			return nil, fmt.Errorf("%s (sha256 %s) is not the text of a known licence: read it, and say so in internal/sbom/policy.yaml", relative, sum)
		}
		found = append(found, ids...)
	}
	return found, nil
}

// licencesOf names the licences whose texts a file is made of, or none when too
// much of it is something else.
func licencesOf(text []byte) (ids []string) {
	result := licensecheck.Scan(text)
	if result.Percent < covered {
		return nil
	}
	for _, match := range result.Match {
		if !match.IsURL {
			ids = append(ids, match.ID)
		}
	}
	return ids
}
