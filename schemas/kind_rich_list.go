package schemas

// richListKind is a list of rows, each with a title on one line and text in Markdown.
type richListKind struct{ structured }

func (richListKind) Name() string      { return "rich_list" }
func (richListKind) List() bool        { return true }
func (richListKind) Options() []string { return []string{"max_chars", "max_words"} }

// Parts: the field's limits hold for the text of each row.
func (richListKind) Parts(f *Field) []*Field {
	return []*Field{
		part("rich_list", Field{Name: "title", Kind: "text", MaxChars: 200}),
		part("rich_list", Field{Name: "text", Kind: "markdown", MaxChars: f.MaxChars, MaxWords: f.MaxWords, MaxBytes: 16 << 10}),
	}
}

func (richListKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if s, ok := v.(string); ok && env.loose() {
		v = map[string]any{"text": s}
	}
	m, issues := parseParts(f, v, env)
	return orNil(m), issues
}
