package opendata

import (
	"regexp"
	"strings"
)

// DefaultLicence is Creative Commons Attribution 4.0, by its SPDX identifier.
const DefaultLicence = "CC-BY-4.0"

// licences are those that the European Union's authority table has, by their SPDX
// identifiers, folded; harvesters know them by these names.
var licences = map[string]string{
	"cc-by-4.0": "CC_BY_4_0", "cc-by-sa-4.0": "CC_BYSA_4_0", "cc0-1.0": "CC0", "odbl-1.0": "ODC_BL", "odc-by-1.0": "ODC_BY", "pddl-1.0": "ODC_PDDL",
}

var spdx = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$`)

// Licence gives the IRI of a licence that is named by its IRI (http or https) or its
// SPDX identifier (ISO/IEC 5962); empty is DefaultLicence. It is false for anything
// else.
func Licence(name string) (iri string, ok bool) {
	if name == "" {
		name = DefaultLicence
	}
	if code := licences[strings.ToLower(name)]; code != "" {
		return authority + "licence/" + code, true
	}
	if spdx.MatchString(name) {
		return "https://spdx.org/licenses/" + name, true
	}
	return webIRI(name)
}
