package hsds

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/prassi-cms/prassi/schemas"
)

// istat is the type of identifier by which a location names its municipality,
// and the type of extent by which a service area names a territory.
const istat = "ISTAT"

// gazetteer finds Italian territories by name.
type gazetteer struct {
	*schemas.Territories
	byName   map[string][]schemas.Territory
	detailed bool // municipalities are known
}

func newGazetteer(t *schemas.Territories) *gazetteer {
	g := &gazetteer{Territories: t, byName: map[string][]schemas.Territory{}, detailed: len(t.Municipalities()) > 0}
	for _, list := range [][]schemas.Territory{t.Regions(), t.Provinces(), t.Municipalities()} {
		for _, x := range list {
			for _, name := range strings.Split(x.Name, "/") { // Bolzano/Bozen
				if key := fold(name); key != "" {
					g.byName[key] = append(g.byName[key], x)
				}
			}
		}
	}
	return g
}

// municipality finds one by its exact name, and by its province where several
// have it.
func (g *gazetteer) municipality(city, province string) (schemas.Territory, bool) {
	var found []schemas.Territory
	for _, t := range g.byName[fold(city)] {
		if t.Level == schemas.LevelMunicipality {
			found = append(found, t)
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	for _, t := range found {
		if p, ok := g.Lookup(t.Parent); ok && (strings.EqualFold(province, p.Acronym) || fold(province) == fold(p.Name)) {
			return t, true
		}
	}
	return schemas.Territory{}, false
}

// fold makes names comparable: lower case, no accents, single hyphens for the rest.
func fold(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return b.String()
}

func foldedSet(words ...string) map[string]bool {
	out := map[string]bool{}
	for _, w := range words {
		out[fold(w)] = true
	}
	return out
}

var italy = foldedSet("IT", "ITA", "Italia", "Italy", "Italie", "Repubblica Italiana")

// spots are the places where one goes. list names the member with the places,
// member that of the location inside each (empty: the elements are locations).
func spots(list, member string) piece {
	return piece{
		field: "places", path: list + "[]",
		get: func(r *reader, o map[string]any) any {
			rows, _ := r.spots(o, list, member)
			if rows == nil {
				return nil
			}
			return rows
		},
		same: func(a, b any) bool {
			x, y := listOf(a), listOf(b)
			if len(x) != len(y) {
				return false
			}
			for i := range x {
				if !sameSpot(x[i].(map[string]any), y[i].(map[string]any)) {
					return false
				}
			}
			return true
		},
		put: func(w *writer, o map[string]any, want any) { w.spots(o, list, member, listOf(want)) },
	}
}

// sameSpot compares two places. The approximate coordinates of one municipality
// are the same, whichever list they come from.
func sameSpot(a, b map[string]any) bool {
	near := a["approximate"] == true && b["approximate"] == true && a["municipality"] != nil && a["municipality"] == b["municipality"]
	for _, key := range keysOf(a, b) {
		if (key == "lat" || key == "lon") && near {
			continue
		}
		if a[key] != b[key] {
			return false
		}
	}
	return true
}

// spots reads rows, and the element that each came from.
func (r *reader) spots(o map[string]any, list, member string) (rows []any, from []map[string]any) {
	f, _ := r.typ.Field("places")
	path := list + "[]"
	if member != "" {
		path += "." + member
	}
	for _, e := range objects(o[list]) {
		at := holderOf(e, member)
		if at == nil || text(at["location_type"]) == "virtual" {
			continue
		}
		if row := r.spot(f, at, path); len(row) > 0 {
			if len(rows) == f.MaxItems {
				r.kept(path, schemas.CodeTooManyItems, at["name"])
				break
			}
			rows, from = append(rows, row), append(from, e)
		}
	}
	return rows, from
}

func (r *reader) spot(f *schemas.Field, at map[string]any, path string) map[string]any {
	row := map[string]any{}
	r.part(f, row, "label", at["name"], path+".name")
	address := addressOf(at)
	town, found := r.town(at, address)
	if found {
		row["municipality"] = town
	}
	r.part(f, row, "address", line(address, found), path+".addresses[]")
	lat, lon := at["latitude"], at["longitude"]
	switch {
	case filled(lat) && filled(lon) && !(idText(lat) == "0" && idText(lon) == "0"):
		r.part(f, row, "lat", lat, path+".latitude")
		r.part(f, row, "lon", lon, path+".longitude")
		if row["lat"] == nil || row["lon"] == nil {
			delete(row, "lat")
			delete(row, "lon")
		} else if at["approximate"] == true {
			row["approximate"] = true
		}
	case found && at["approximate"] != false && !r.omits(leftTowns):
		if t, ok := r.places.Lookup(town); !ok {
			r.leave(leftTowns)
		} else {
			row["lat"], row["lon"], row["approximate"] = t.Lat, t.Lon, true
			r.note(CodeGeocoded, path, t.Name)
		}
	}
	return row
}

// addressOf picks the address of a location: where it is, before where it gets
// its mail.
func addressOf(at map[string]any) map[string]any {
	list := objects(at["addresses"])
	for _, a := range list {
		if t := text(a["address_type"]); t == "physical" || t == "" {
			return a
		}
	}
	if len(list) > 0 && text(list[0]["address_type"]) != "virtual" {
		return list[0]
	}
	return nil
}

// town gives the ISTAT code of a location's municipality.
func (r *reader) town(at, address map[string]any) (string, bool) {
	if strings.EqualFold(text(at["external_identifier_type"]), istat) {
		if f, ok := r.typ.Field("places"); ok {
			if p, ok := f.Part("municipality"); ok {
				if got, bad := p.Parse(idText(at["external_identifier"]), r.env); bad == nil && got != nil {
					return got.(string), true
				}
			}
		}
	}
	city, country := text(address["city"]), text(address["country"])
	if city == "" || country != "" && !italy[fold(country)] {
		return "", false
	}
	if r.omits(leftTowns) {
		return "", false
	}
	if !r.places.detailed {
		r.leave(leftTowns)
		return "", false
	}
	for _, province := range []string{text(address["state_province"]), text(address["region"])} {
		if t, ok := r.places.municipality(city, province); ok {
			return t.ISTAT, true
		}
	}
	return "", false
}

// leftTowns says that no municipalities were known at the import.
const leftTowns = "municipalities"

// line writes an address on one line. What the municipality says is not repeated.
func line(a map[string]any, placed bool) string {
	var parts []string
	for _, m := range []string{"address_1", "address_2"} {
		if s := text(a[m]); s != "" {
			parts = append(parts, s)
		}
	}
	city := strings.TrimSpace(text(a["postal_code"]) + " " + text(a["city"]))
	if placed {
		city = text(a["postal_code"])
	}
	if city != "" {
		parts = append(parts, city)
	}
	if !placed {
		if s := text(a["state_province"]); s != "" {
			parts = append(parts, s)
		}
		if s := text(a["country"]); s != "" && !italy[fold(s)] {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

func (w *writer) spots(o map[string]any, list, member string, rows []any) {
	r := &reader{Lens: w.Lens, kind: w.kind, typ: w.types[w.kind], keep: w.keep}
	was, from := r.spots(o, list, member)
	used := make([]bool, len(was))
	find := func(fits func(i int, old map[string]any) bool) int {
		for i := range was {
			if old := was[i].(map[string]any); !used[i] && fits(i, old) {
				used[i] = true
				return i
			}
		}
		return -1
	}
	silent := without(o[list], from)
	at := make([]int, len(rows))
	for j, x := range rows {
		at[j] = find(func(_ int, old map[string]any) bool { return sameSpot(old, x.(map[string]any)) })
	}
	var out []any
	for j, x := range rows {
		row := x.(map[string]any)
		if at[j] >= 0 {
			out = append(out, from[at[j]])
			continue
		}
		i := find(func(_ int, old map[string]any) bool {
			return old["label"] != nil && old["label"] == row["label"] || old["address"] != nil && old["address"] == row["address"]
		})
		if i < 0 {
			i = find(func(i int, _ map[string]any) bool { return i == j && len(rows) == len(was) })
		}
		var e, loc, old map[string]any
		if i >= 0 {
			e, old = from[i], was[i].(map[string]any)
			loc = holderOf(e, member)
		} else {
			key := []string{words1(row["label"]), words1(row["address"]), words1(row["municipality"])}
			loc = map[string]any{"id": w.newID(append([]string{"location"}, key...)...), "location_type": "physical"}
			e = loc
			if member != "" {
				e = map[string]any{"id": w.newID(append([]string{list}, key...)...), member: loc}
			}
		}
		w.spot(loc, old, row)
		out = append(out, e)
	}
	setList(o, list, append(out, silent...))
}

// spot writes what differs between old and row into a location.
func (w *writer) spot(at, old, row map[string]any) {
	if old["label"] != row["label"] {
		set(at, "name", row["label"])
	}
	town := words1(row["municipality"])
	if old["address"] != row["address"] || old["municipality"] != row["municipality"] {
		w.address(at, row["address"], town)
	}
	centre, known := w.places.Lookup(town)
	switch {
	case row["lat"] == nil:
		delete(at, "latitude")
		delete(at, "longitude")
		delete(at, "approximate")
		if known {
			at["approximate"] = false // not to be placed by its municipality
		}
	case known && row["approximate"] == true && row["lat"] == centre.Lat && row["lon"] == centre.Lon:
		delete(at, "latitude")
		delete(at, "longitude")
		delete(at, "approximate")
	default:
		at["latitude"], at["longitude"] = row["lat"], row["lon"]
		delete(at, "approximate")
		if row["approximate"] == true {
			at["approximate"] = true
		}
	}
}

// address makes a location have one line of address and one municipality.
func (w *writer) address(at map[string]any, address any, town string) {
	if strings.EqualFold(text(at["external_identifier_type"]), istat) || !filled(at["external_identifier"]) {
		set(at, "external_identifier", town)
		set(at, "external_identifier_type", map[bool]string{true: istat}[town != ""])
	}
	if address == nil && town == "" {
		delete(at, "addresses")
		return
	}
	a := addressOf(at)
	if a == nil {
		a = map[string]any{"id": derive(IDOf(at), "address"), "address_type": "physical"}
		at["addresses"] = append([]any{a}, listOf(at["addresses"])...)
	}
	for _, m := range []string{"address_2", "city", "region", "state_province", "postal_code", "country"} {
		delete(a, m)
	}
	set(a, "address_1", address)
	if t, ok := w.places.Lookup(town); ok {
		a["city"], a["country"] = t.Name, "IT"
		if p, ok := w.places.Lookup(t.Parent); ok {
			a["state_province"] = p.Acronym
		}
	}
	for _, m := range []string{"address_1", "city", "state_province", "postal_code", "country"} {
		if a[m] == nil {
			a[m] = "" // an address must have them
		}
	}
	if text(a["address_type"]) == "" {
		a["address_type"] = "physical"
	}
}

// areas are the territories that a service is for.
func areas() piece {
	return piece{
		field: "territories", path: "service_areas[].name",
		get: func(r *reader, o map[string]any) any {
			var out []any
			for _, a := range objects(o["service_areas"]) {
				code, known := r.area(a)
				switch {
				case code != "":
					out = append(out, code)
				case !known:
					r.note(CodeArea, "service_areas[].name", first(text(a["name"]), text(a["extent"])))
				}
			}
			if out == nil {
				return nil
			}
			return out
		},
		put: func(w *writer, o map[string]any, want any) {
			r := &reader{Lens: w.Lens, kind: w.kind, typ: w.types[w.kind], keep: w.keep}
			byCode := map[string]any{}
			var rest []any
			for _, x := range listOf(o["service_areas"]) {
				a, ok := x.(map[string]any)
				code := ""
				if ok {
					code, _ = r.area(a)
				}
				if code == "" {
					rest = append(rest, x)
				} else if byCode[code] == nil {
					byCode[code] = x
				}
			}
			var list []any
			for _, x := range listOf(want) {
				code := words1(x)
				a := byCode[code]
				if a == nil {
					name := code
					if t, ok := w.places.Lookup(code); ok {
						name = t.Name
					}
					a = map[string]any{"id": w.newID("service_area", code), "name": name, "extent": code, "extent_type": istat}
				}
				list = append(list, a)
			}
			setList(o, "service_areas", append(list, rest...))
		},
	}
}

// area gives the code of the territory that a service area names. known says
// that it was understood: all of Italy has no code.
func (r *reader) area(a map[string]any) (code string, known bool) {
	if strings.EqualFold(text(a["extent_type"]), istat) {
		if t, ok := r.places.Lookup(idText(a["extent"])); ok {
			return t.ISTAT, true
		}
	}
	name := text(a["name"])
	if italy[fold(name)] {
		return "", true
	}
	level, name := levelOf(name)
	var found []schemas.Territory
	for _, t := range r.places.byName[fold(name)] {
		if level == "" || t.Level == level {
			found = append(found, t)
		}
	}
	// Regions come first: Aosta's valley before its town. A name that a province
	// shares with its seat means the province unless it says otherwise; one that
	// several municipalities have means none.
	if len(found) == 1 || len(found) > 1 && found[0].Level != schemas.LevelMunicipality {
		if found[0].Level == schemas.LevelMunicipality && r.omits(leftTowns) {
			return "", false
		}
		return found[0].ISTAT, true
	}
	if len(found) == 0 && !r.places.detailed && name != "" && level != schemas.LevelRegion && level != schemas.LevelProvince {
		r.leave(leftTowns)
	}
	return "", false
}

// omits says that the import that kept this original left something out.
func (r *reader) omits(part string) bool {
	return slices.Contains(r.keep, part)
}

// levels of territory as names say them.
var levels = map[string]string{
	"regione": schemas.LevelRegion, "region": schemas.LevelRegion,
	"provincia di": schemas.LevelProvince, "province of": schemas.LevelProvince, "città metropolitana di": schemas.LevelProvince,
	"comune di": schemas.LevelMunicipality, "municipality of": schemas.LevelMunicipality, "città di": schemas.LevelMunicipality,
}

func levelOf(name string) (level, rest string) {
	for words, level := range levels {
		if n := len(words); len(name) > n && strings.EqualFold(name[:n], words) && name[n] == ' ' {
			return level, strings.TrimSpace(name[n:])
		}
	}
	return "", name
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
