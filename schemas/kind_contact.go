package schemas

// contactKind is whom to turn to: a person or an office with its role, and how
// to reach them.
type contactKind struct{ structured }

func (contactKind) Name() string { return "contact" }

func (contactKind) Parts(f *Field) []*Field {
	return []*Field{
		part("contact", Field{Name: "name", Kind: "text", MaxChars: 200}),
		part("contact", Field{Name: "role", Kind: "text", MaxChars: 200}),
		part("contact", Field{Name: "email", Kind: "text", Format: "email"}),
		part("contact", Field{Name: "phone", Kind: "text", Format: "phone"}),
		part("contact", Field{Name: "web", Kind: "text", Format: "link"}),
	}
}

func (contactKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	m, issues := parseParts(f, v, env)
	return orNil(m), issues
}
