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
// hide. Everything that leaves the house (answers, map, index, exports) takes its
// values from here.
//
// Of a private document's places there remain the municipality and its central
// point, marked as approximate; the province's where the municipality is not
// imported; without a municipality the point of the one municipality, else the
// one province, that the document's territories name. Equal places appear once,
// a place of which nothing remains not at all. Values of kind attributes are
// left out. Where a text says the street address or the coordinates of one of
// its places, an ellipsis stands: publication refuses such texts ([Type.Revealed]),
// but a text may have been on the air before the document became private.
//
// The answer shares what did not change with v; neither must be changed. nil
// territories are those of the registry. known are other values of the same
// document, of earlier and newer revisions: what their places say is no less a
// secret. Who declares a shelter private often takes its address away at once, and
// leaves it in a translation.
func (t *Type) Public(v Values, territories *Territories, known ...Values) Values {
	if !t.Private(v) {
		return v
	}
	if territories == nil {
		territories = t.Fields[0].reg.Territories()
	}
	hidden := t.secrets(territories, v, known)
	out := make(Values, len(v))
	for _, f := range t.Fields {
		value := v[f.Name]
		switch f.Kind {
		case AttributesKind:
			continue
		case "place":
			value = t.hidePlaces(v, value, territories)
		default:
			value = f.redact(value, hidden)
		}
		if value != nil {
			out[f.Name] = value
		}
	}
	return out
}

// Revealed finds what a private document's own texts give away: an issue
// CodeAddressInText at each text that says the street address of one of its
// places, or its coordinates to three decimals. It finds nothing in documents
// that are not private. known are as in [Type.Public].
func (t *Type) Revealed(v Values, known ...Values) []Issue {
	if !t.Private(v) {
		return nil
	}
	hidden := t.secrets(t.Fields[0].reg.Territories(), v, known)
	var issues []Issue
	for _, f := range t.Fields {
		if value := v[f.Name]; value != nil {
			issues = append(issues, under(f.Name, f.revealed(value, hidden))...)
		}
	}
	return capped(issues)
}

// Redact is a text that stands beside a private document's values, such as a note
// or a slug, with an ellipsis where it gives one of its places away. known are as
// in [Type.Public].
func (t *Type) Redact(text string, v Values, known ...Values) string {
	if !t.Private(v) {
		return text
	}
	return t.secrets(t.Fields[0].reg.Territories(), v, known).redact(text)
}

// secrets collects what the places of a document say that its public places do not.
func (t *Type) secrets(territories *Territories, v Values, known []Values) *secrets {
	s := new(secrets)
	t.learn(s, v, territories)
	for _, k := range known {
		t.learn(s, k, territories)
	}
	return s
}

func (t *Type) learn(s *secrets, v Values, territories *Territories) {
	for _, f := range t.Fields {
		if f.Kind != "place" {
			continue
		}
		list, repeated := v[f.Name].([]any)
		if !repeated {
			list = []any{v[f.Name]}
		}
		for _, item := range list {
			m, _ := item.(map[string]any)
			address, _ := m["address"].(string)
			label, _ := m["label"].(string)
			if address != "" || label != "" {
				known := t.townNames(v, m, territories)
				s.add(address, known)
				// A name is no secret, but some write the address there.
				var named secrets
				named.add(label, known)
				for _, st := range named.streets {
					if st.number != "" && odonyms[st.words[0]] {
						s.streets = append(s.streets, st)
					}
				}
			}
			lat, ok := m["lat"].(float64)
			lon, _ := m["lon"].(float64)
			p := t.hidePlace(v, m, territories)
			if ok && !(p.At && p.Lat == lat && p.Lon == lon) {
				s.points = append(s.points, [2]float64{lat, lon})
			}
		}
	}
}

// townNames are the folded words that name the territories of a place and of its
// document, which the public knows.
func (t *Type) townNames(v Values, place map[string]any, territories *Territories) map[string]bool {
	words := map[string]bool{}
	for w := range townWords {
		words[w] = true
	}
	add := func(code string) {
		for _, c := range append([]string{code}, territories.Ancestors(code)...) {
			if found, ok := territories.Lookup(c); ok {
				for _, t := range append(foldText(found.Name).tokens(), foldText(found.Acronym).tokens()...) {
					words[t.word] = true
				}
			}
		}
	}
	if code, ok := place["municipality"].(string); ok {
		add(code)
	}
	list, _ := v["territories"].([]any)
	for _, item := range list {
		if code, ok := item.(string); ok {
			add(code)
		}
	}
	return words
}

// spoken reports a kind whose strings people write freely.
func (f *Field) spoken() bool { return f.Kind == "text" || f.Kind == "markdown" }

// redact answers the value without what is hidden: with an ellipsis in a free
// text, and without the part where a format leaves no room for one.
func (f *Field) redact(value any, hidden *secrets) any {
	switch value := value.(type) {
	case string:
		if !f.spoken() {
			return value
		}
		s := hidden.redact(value)
		if s != value && f.Format != "" {
			return nil
		}
		return s
	case []any:
		out := make([]any, 0, len(value))
		for _, item := range value {
			if item = f.redact(item, hidden); item != nil {
				out = append(out, item)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(value))
		for _, p := range f.Parts {
			x, ok := value[p.Name]
			if !ok {
				continue
			}
			if x = p.redact(x, hidden); x != nil {
				out[p.Name] = x
			} else if p.Required == Always {
				return nil
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return value
}

// revealed are the issues of one value, with paths relative to it.
func (f *Field) revealed(value any, hidden *secrets) []Issue {
	var issues []Issue
	switch value := value.(type) {
	case string:
		if f.spoken() && hidden.find(value) != nil {
			return issue(CodeAddressInText, nil)
		}
	case []any:
		for i, item := range value {
			issues = append(issues, underIndex(i, f.revealed(item, hidden))...)
		}
	case map[string]any:
		if f.Kind == "place" {
			return nil
		}
		for _, p := range f.Parts {
			if x := value[p.Name]; x != nil {
				issues = append(issues, under(p.Name, p.revealed(x, hidden))...)
			}
		}
	}
	return issues
}

// hidePlaces replaces one place or a list by what may be known of them.
func (t *Type) hidePlaces(v Values, value any, territories *Territories) any {
	if value == nil {
		return nil
	}
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
