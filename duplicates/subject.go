package duplicates

import (
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/schemas"
)

// Subject is what is known of one document. The zero Subject is like nothing.
type Subject struct {
	ID   string
	Type string // only subjects of one type are compared
	// Names are its titles in all languages.
	Names []string
	// TaxCodes and Phones are as they were written.
	TaxCodes, Phones []string
	Places           []Place
	// Within are ids of what it belongs to: a service's provider, a branch's
	// parent.
	Within []string
	// Sensitive subjects are compared by municipality only.
	Sensitive bool
}

// Place is where a subject is.
type Place struct {
	Municipality string     // ISTAT code
	At           *geo.Point // nil when it is not known or not exact
}

// prepared is a Subject made comparable.
type prepared struct {
	id, typ string
	names   []name
	taxes   []string
	phones  []string
	points  []point
	towns   []string // municipalities of all places
	coarse  []string // of those that have no exact point
	within  []string

	seen, found uint64 // by Finder: in which look and round last
}

// point is an exact place, and the cell of the grid that it lies in.
type point struct {
	at   geo.Point
	cell cell
}

func prepare(s *Subject) *prepared {
	p := &prepared{id: s.ID, typ: s.Type, within: s.Within}
	for _, n := range s.Names {
		parsed := parseName(n)
		if len(parsed.words) > 0 && !slices.ContainsFunc(p.names, func(x name) bool {
			return x.joined == parsed.joined && slices.Equal(x.words, parsed.words)
		}) {
			p.names = append(p.names, parsed)
		}
	}
	for _, t := range s.TaxCodes {
		if t = TaxCode(t); t != "" {
			p.taxes = addOnce(p.taxes, t)
		}
	}
	for _, t := range s.Phones {
		for _, n := range phones(t) {
			p.phones = addOnce(p.phones, n)
		}
	}
	for _, place := range s.Places {
		if place.Municipality != "" {
			p.towns = addOnce(p.towns, place.Municipality)
		}
		switch {
		case place.At != nil && !s.Sensitive:
			p.points = append(p.points, point{*place.At, cellOf(*place.At)})
		case place.Municipality != "":
			p.coarse = addOnce(p.coarse, place.Municipality)
		}
	}
	slices.Sort(p.taxes)
	slices.Sort(p.phones)
	slices.Sort(p.towns)
	slices.Sort(p.coarse)
	return p
}

func addOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// TaxCode gives the tax code of a body in one spelling (11 digits), or "" for what is none.
func TaxCode(s string) string {
	s = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, s))
	s = strings.TrimPrefix(s, "IT")
	if strings.Trim(s, "0") == "" || !schemas.ValidTaxCode(s) {
		return ""
	}
	return s
}

// Bounds of a telephone number in digits, with its country (ITU-T E.164, section
// 6: 15 at most). Shorter ones are public services such as 112 and 1522.
const (
	minPhone = 8
	maxPhone = 15
	// maxPhones bounds the numbers that one text holds.
	maxPhones = 8
)

// phones gives the telephone numbers in a text in their international form
// ("+390574123456"). Without a country they are Italian; the leading zero of
// Italian numbers stays. Extensions are left out.
func phones(s string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == ',' || r == '|' || r == '\n' }) {
		var digits strings.Builder
		flush := func() {
			if n, ok := international(digits.String()); ok && len(out) < maxPhones {
				out = addOnce(out, n)
			}
			digits.Reset()
		}
		foreign := false // letters before the number are a label, after it an extension
	scan:
		for _, r := range part {
			switch {
			case r >= '0' && r <= '9':
				digits.WriteRune(r)
			case r == '+':
				if digits.Len() > 0 {
					flush()
				}
				digits.WriteByte('+')
			case r == '/' && digits.Len() >= minPhone: // two numbers; 0574/123456 is one
				flush()
			case r == '(' && digits.Len() >= 3 && strings.HasPrefix(digits.String(), "+"): // +44 (0)20
				foreign = true
			case r == ')':
				if foreign {
					n := digits.String()
					digits.Reset()
					digits.WriteString(strings.TrimSuffix(n, "0"))
					foreign = false
				}
			case r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '#':
				if digits.Len() >= minPhone-2 {
					break scan
				}
				digits.Reset()
			}
		}
		flush()
	}
	return out
}

func international(digits string) (string, bool) {
	switch {
	case strings.HasPrefix(digits, "+"):
	case strings.HasPrefix(digits, "00"):
		digits = "+" + digits[2:]
	case strings.HasPrefix(digits, "39") && len(digits) > 11: // longer than any Italian mobile number
		digits = "+" + digits
	default:
		digits = "+39" + digits
	}
	if n := len(digits) - 1; n < minPhone || n > maxPhone {
		return "", false
	}
	return digits, true
}
