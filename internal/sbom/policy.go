package sbom

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed policy.yaml
var policyFile []byte

// Policy says what a release may carry; see policy.yaml.
type Policy struct {
	// Licences are the SPDX identifiers allowed, with the reason for each.
	Licences map[string]string `yaml:"licences"`
	// ReadByAPerson are licence files that no program reads right.
	ReadByAPerson []Reading `yaml:"read_by_a_person"`
	// Carries are, for some folders, the only packages of the lock file of which
	// something is in a release, with the reason for each.
	Carries map[string]map[string]string `yaml:"carries"`
	// NotShipped are folders, under the root, whose lock file is for tests and
	// tools only, with the reason for each.
	NotShipped map[string]string `yaml:"not_shipped"`
}

// Reading is what a person found in a licence file.
type Reading struct {
	File     string   `yaml:"file"`   // module and name, for people
	SHA256   string   `yaml:"sha256"` // of the file, hexadecimal: what counts
	Licences []string `yaml:"licences"`
	Why      string   `yaml:"why"`
}

// ReadPolicy gives the project's own policy.
func ReadPolicy() (*Policy, error) {
	var p Policy
	decoder := yaml.NewDecoder(bytes.NewReader(policyFile))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("policy.yaml: %w", err)
	}
	for _, reading := range p.ReadByAPerson {
		if len(reading.SHA256) != 64 || reading.Why == "" || reading.File == "" {
			return nil, fmt.Errorf("policy.yaml: the reading of %q lacks its file, sha256 or why", reading.File)
		}
	}
	return &p, nil
}

// reading finds what a person read in the file of that sum.
func (p *Policy) reading(sum string) (Reading, bool) {
	for _, reading := range p.ReadByAPerson {
		if reading.SHA256 == sum {
			return reading, true
		}
	}
	return Reading{}, false
}

// allow returns nil when a program under the EUPL-1.2 may carry a component
// under this licence expression: of every AND all must be allowed, of an OR one.
// Anything more tangled is for a person to read and so an error.
func (p *Policy) allow(expression string) error {
	flat := strings.TrimSpace(expression)
	if strings.HasPrefix(flat, "(") && strings.HasSuffix(flat, ")") {
		flat = flat[1 : len(flat)-1]
	}
	alternatives := strings.Split(flat, " OR ")
	var refused string
	for _, alternative := range alternatives {
		parts := strings.Split(alternative, " AND ")
		if len(parts) > 1 && len(alternatives) > 1 {
			return fmt.Errorf("the licence %q is too tangled to judge", expression)
		}
		refused = ""
		for _, id := range parts {
			if p.Licences[id] == "" {
				refused = id
				break
			}
		}
		if refused == "" && flat != "" {
			return nil
		}
	}
	if flat == "" {
		return errNoLicence
	}
	return fmt.Errorf("the licence %q is not one that a release may carry (internal/sbom/policy.yaml)", refused)
}
