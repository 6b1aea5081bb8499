package catalog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/schemas"
)

// codeUnknownPlace is an issue of the parameter near: nothing is called so, or
// more than one place is.
const codeUnknownPlace = "unknown_place" // value, candidates

// maxCandidates bounds what an unknown place may have meant, maxPlaceName what
// is looked up, in bytes.
const (
	maxCandidates = 8
	maxPlaceName  = 120
)

// toponyms finds places of Italy by the names that people write: municipalities,
// and provinces for names that no municipality has. Case, accents, apostrophes
// and hyphens do not count; of a name in two languages either will do.
type toponyms struct {
	territories *schemas.Territories
	byName      map[string][]schemas.Territory // folded
	names       []string                       // folded, sorted
}

func newToponyms(t *schemas.Territories) *toponyms {
	out := &toponyms{territories: t, byName: map[string][]schemas.Territory{}}
	for _, m := range t.Municipalities() {
		for _, name := range foldedNames(m.Name) {
			out.byName[name] = append(out.byName[name], m)
		}
	}
	for _, p := range t.Provinces() {
		for _, name := range foldedNames(p.Name) {
			if out.byName[name] == nil {
				out.byName[name] = []schemas.Territory{p}
			}
		}
	}
	for name := range out.byName {
		out.names = append(out.names, name)
	}
	slices.Sort(out.names)
	return out
}

// foldedNames gives a name, and its parts when it is one in two languages.
func foldedNames(name string) []string {
	var out []string
	for _, part := range append([]string{name}, strings.Split(name, "/")...) {
		if f := foldName(part); f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func foldName(s string) string {
	var b strings.Builder
	foldWords(&b, s)
	return strings.TrimSuffix(b.String(), " ")
}

// nameAndProvince takes "Firenze (FI)" and "Firenze, FI" apart.
var nameAndProvince = regexp.MustCompile(`^(.*\S)\s*(?:\(\s*([A-Za-z]{2})\s*\)|,\s*([A-Za-z]{2}))$`)

// find gives the one place that a text names: by the ISTAT code of a municipality
// or province, a province's acronym, or a name. Otherwise it answers what the
// text may have meant.
func (t *toponyms) find(text string) (at Point, candidates []string, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) > maxPlaceName {
		return at, nil, false
	}
	if x, ok := t.territories.Lookup(text); ok && x.Level != schemas.LevelRegion {
		return Point{Lat: x.Lat, Lon: x.Lon}, nil, true
	}
	name, province := text, ""
	if m := nameAndProvince.FindStringSubmatch(text); m != nil {
		if p, ok := t.territories.Lookup(m[2] + m[3]); ok {
			name, province = m[1], p.ISTAT
		}
	}
	name = foldName(name)
	var found []schemas.Territory
	for _, x := range t.byName[name] {
		if province == "" || x.ISTAT == province || x.Parent == province {
			found = append(found, x)
		}
	}
	if len(found) == 1 {
		return Point{Lat: found[0].Lat, Lon: found[0].Lon}, nil, true
	}
	if len(found) == 0 { // the name without its province, or the beginning of longer ones
		found = append(found, t.byName[name]...)
		i, _ := slices.BinarySearch(t.names, name)
		for ; name != "" && i < len(t.names) && strings.HasPrefix(t.names[i], name) && len(found) < maxCandidates; i++ {
			found = append(found, t.byName[t.names[i]]...)
		}
	}
	for _, x := range found {
		if label := t.label(x); len(candidates) < maxCandidates && !slices.Contains(candidates, label) {
			candidates = append(candidates, label)
		}
	}
	return at, candidates, false
}

// label is a name that find understands: "Castro (BG)".
func (t *toponyms) label(x schemas.Territory) string {
	acronym := x.Acronym
	if p, ok := t.territories.Lookup(x.Parent); ok && acronym == "" {
		acronym = p.Acronym
	}
	return x.Name + " (" + acronym + ")"
}

// near reads the parameter near: "lat,lon" in degrees, or a place of Italy by
// its name ("Prato", "Castro (LE)") or ISTAT code. An empty text gives nil. What
// is wrong goes to bad: not_a_number for coordinates, unknown_place (value,
// candidates) for names.
func (c *Catalog) near(text string, bad *fault) *Point {
	if text == "" {
		return nil
	}
	if strings.Contains(text, ",") && strings.ContainsRune("+-.0123456789", rune(strings.TrimSpace(text)[0])) {
		if n := numbers(text, "near", 2, bad); n != nil {
			return &Point{Lat: n[0], Lon: n[1]}
		}
		return nil
	}
	at, candidates, ok := c.toponyms.find(text)
	if !ok {
		params := map[string]any{"value": excerpt(text)}
		if candidates != nil {
			params["candidates"] = candidates
		}
		bad.add("near", codeUnknownPlace, params)
		return nil
	}
	return &at
}
