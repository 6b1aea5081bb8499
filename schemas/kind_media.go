package schemas

// mediaKind is an image, recording or file: where it is, what replaces it for
// those who cannot see or hear it, a caption, who made it, and its media type.
type mediaKind struct{ structured }

func (mediaKind) Name() string { return "media" }

func (mediaKind) Parts(f *Field) []*Field {
	return []*Field{
		part("media", Field{Name: "src", Kind: "text", Format: "source", Required: Always}),
		part("media", Field{Name: "alt", Kind: "text", MaxChars: 300}),
		part("media", Field{Name: "caption", Kind: "text", MaxChars: 500}),
		part("media", Field{Name: "credit", Kind: "text", MaxChars: 200}),
		part("media", Field{Name: "type", Kind: "text", Format: "media_type"}),
	}
}

func (mediaKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if s, ok := v.(string); ok && env.loose() {
		v = map[string]any{"src": s}
	}
	m, issues := parseParts(f, v, env)
	if issues != nil {
		return nil, issues
	}
	return orNil(m), nil
}
