package schemas

import (
	"regexp"
	"strings"
)

// legalReferenceKind names a law, an act or a judgment by an identifier:
//
//   - urn:nir, the Italian URN of legal documents (AgID, URN:NIR; RFC 8141)
//   - eli, the European Legislation Identifier (Council conclusions 2017/C 441/05)
//   - celex, the number of EUR-Lex (32016R0679)
//   - ecli, the European Case Law Identifier (Council conclusions 2011/C 127/01)
//
// The scheme may be left out, since each identifier shows its own.
type legalReferenceKind struct{ structured }

func (legalReferenceKind) Name() string { return "legal_reference" }

func (legalReferenceKind) Parts(f *Field) []*Field {
	return []*Field{
		part("legal_reference", Field{Name: "identifier", Kind: "text", MaxChars: 500, Required: Always}),
		part("legal_reference", Field{Name: "scheme", Kind: "choice", Options: optionsOf("legal_schemes"), Required: Always}),
		part("legal_reference", Field{Name: "label", Kind: "text", MaxChars: 300}),
		part("legal_reference", Field{Name: "url", Kind: "text", Format: "url"}),
	}
}

// legalSchemes recognise identifiers and write them in canonical case.
var legalSchemes = []struct {
	name    string
	pattern *regexp.Regexp
	fold    func(string) string
}{
	// urn:nir:authority:type[:date[;number]][...][~partition][@version]
	{"urn:nir", regexp.MustCompile(`^urn:nir:[a-z0-9.;,+-]+:[a-z0-9.;,+-]+(:[a-z0-9.;,/+-]+)*([~@!*$][a-z0-9.;,:=_/+-]+)*$`), strings.ToLower},
	{"celex", regexp.MustCompile(`^[0-9CE](1[89]|20)[0-9]{2}[A-Z]{1,2}([0-9]{3,4}[A-Z]?(\([0-9]{2}\))?(R\([0-9]{2}\))?(-[0-9]{8})?|/[A-Z]{3}(/[A-Z0-9]+)?)$`), strings.ToUpper},
	{"ecli", regexp.MustCompile(`^ECLI:[A-Z]{2}:[A-Z0-9]{1,7}:[0-9]{4}:[A-Z0-9.]{1,25}$`), strings.ToUpper},
	{"eli", regexp.MustCompile(`^(https?://[A-Za-z0-9.-]+(/[A-Za-z0-9_.-]+)*/)?eli(/[A-Za-z0-9_.,()~-]+)+$`), func(s string) string { return s }},
}

// LegalScheme recognises the scheme of an identifier and answers the identifier
// in canonical case; ok is false when no scheme fits.
func LegalScheme(identifier string) (scheme, canonical string, ok bool) {
	for _, s := range legalSchemes {
		if c := s.fold(identifier); s.pattern.MatchString(c) {
			return s.name, c, true
		}
	}
	return "", "", false
}

func (legalReferenceKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if s, ok := v.(string); ok && env.loose() {
		v = map[string]any{"identifier": s}
	}
	in, ok := v.(map[string]any)
	if !ok {
		return nil, wrongType("object")
	}
	identifier, _ := in["identifier"].(string)
	scheme, canonical, known := "", "", false
	if len(identifier) <= 2000 {
		scheme, canonical, known = LegalScheme(strings.TrimSpace(identifier))
	}
	if known && in["scheme"] == nil {
		full := make(map[string]any, len(in)+1)
		for k, x := range in {
			full[k] = x
		}
		full["scheme"] = scheme
		in = full
	} else if !known && identifier != "" {
		said, _ := in["scheme"].(string)
		return nil, under("identifier", badIdentifier(identifier, said))
	}
	m, issues := parseParts(f, in, env)
	if m == nil || issues != nil {
		return nil, issues
	}
	if m["scheme"] != scheme {
		said, _ := m["scheme"].(string)
		return nil, under("identifier", badIdentifier(identifier, said))
	}
	m["identifier"] = canonical
	return m, nil
}

func badIdentifier(identifier, scheme string) []Issue {
	return issue(CodeInvalidIdentifier, map[string]any{"value": echo(identifier), "scheme": echo(scheme)})
}
