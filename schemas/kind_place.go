package schemas

// placeKind is a place: what it is called, its postal address, its municipality
// (ISTAT code) and its coordinates (WGS84 degrees). approximate says that the
// coordinates stand for an area, such as the municipality. It hides nothing: what
// must not be known is replaced by Type.Public.
type placeKind struct{ structured }

func (placeKind) Name() string { return "place" }

func (placeKind) Parts(f *Field) []*Field {
	return []*Field{
		part("place", Field{Name: "label", Kind: "text", MaxChars: 200}),
		part("place", Field{Name: "address", Kind: "text", MaxChars: 300}),
		part("place", Field{Name: "municipality", Kind: "territory", Levels: []string{LevelMunicipality}}),
		part("place", Field{Name: "lat", Kind: "number", Min: new(-90.0), Max: new(90.0)}),
		part("place", Field{Name: "lon", Kind: "number", Min: new(-180.0), Max: new(180.0)}),
		part("place", Field{Name: "approximate", Kind: "boolean"}),
	}
}

func (placeKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if s, ok := v.(string); ok && env.loose() {
		v = map[string]any{"address": s}
	}
	m, issues := parseParts(f, v, env)
	if m == nil || issues != nil {
		return nil, issues
	}
	_, lat := m["lat"]
	_, lon := m["lon"]
	for name, missing := range map[string]bool{"lat": lon && !lat, "lon": lat && !lon} {
		if missing {
			return nil, under(name, issue(CodeRequired, map[string]any{"field": name}))
		}
	}
	return m, nil
}

func (placeKind) JSONSchema(f *Field) map[string]any {
	s := partsSchema(f)
	s["dependentRequired"] = map[string]any{"lat": []any{"lon"}, "lon": []any{"lat"}}
	return s
}
