package schemas

// DefaultMaxBytes bounds Markdown whose declaration does not: what the renderer
// takes by default.
const DefaultMaxBytes = 64 << 10

// markdownKind is text in Markdown, kept as written but for line ends and NFC.
// It is rendered and sanitised elsewhere.
type markdownKind struct{ base }

func (markdownKind) Name() string { return "markdown" }
func (markdownKind) Options() []string {
	return []string{"max_chars", "min_chars", "max_bytes", "max_words"}
}

func (markdownKind) Check(f *Field) error {
	if f.MaxBytes == 0 {
		f.MaxBytes = DefaultMaxBytes
	}
	return nil
}

func (markdownKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	s, issues := stringOf(v, env)
	if issues != nil {
		return nil, issues
	}
	if len(s) > 2*f.MaxBytes {
		return nil, tooLong(f.MaxBytes, len(s), "bytes")
	}
	s, issues = cleanBlock(s)
	if issues != nil {
		return nil, issues
	}
	if s == "" {
		return nil, nil
	}
	if len(s) > f.MaxBytes {
		return nil, tooLong(f.MaxBytes, len(s), "bytes")
	}
	if issues := checkLength(f, s); issues != nil {
		return nil, issues
	}
	return s, nil
}

func (markdownKind) JSONSchema(f *Field) map[string]any {
	limit := f.MaxBytes
	if f.MaxChars > 0 {
		limit = min(limit, f.MaxChars)
	}
	return map[string]any{
		"type": "string", "contentMediaType": "text/markdown",
		"minLength": max(1, f.MinChars), "maxLength": limit,
	}
}
