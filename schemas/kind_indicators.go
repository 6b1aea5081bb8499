package schemas

// indicatorsKind is a table of indicators: what is measured and in which unit,
// its value before, the value aimed at, the value reached, and where that comes
// from.
type indicatorsKind struct{ structured }

func (indicatorsKind) Name() string { return "indicators" }
func (indicatorsKind) List() bool   { return true }

func (indicatorsKind) Parts(f *Field) []*Field {
	return []*Field{
		part("indicators", Field{Name: "name", Kind: "text", MaxChars: 200, Required: Always}),
		part("indicators", Field{Name: "unit", Kind: "text", MaxChars: 60}),
		part("indicators", Field{Name: "baseline", Kind: "number"}),
		part("indicators", Field{Name: "target", Kind: "number"}),
		part("indicators", Field{Name: "value", Kind: "number"}),
		part("indicators", Field{Name: "source", Kind: "text", MaxChars: 300}),
	}
}

func (indicatorsKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	m, issues := parseParts(f, v, env)
	return orNil(m), issues
}
