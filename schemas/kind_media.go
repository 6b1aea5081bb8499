package schemas

import (
	"path"
	"slices"
	"strings"
)

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

// imageExtensions are what the file of an image ends in.
var imageExtensions = []string{
	".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jpeg", ".jpg", ".jxl", ".png", ".svg", ".tif", ".tiff", ".webp",
}

// lacks: an image is published only with words for those who cannot see it
// (WCAG 2.1, success criterion 1.1.1; required of public bodies by Law 4/2004).
func (mediaKind) lacks(m map[string]any) []Issue {
	if alt, _ := m["alt"].(string); strings.TrimSpace(alt) != "" || !isImage(m) {
		return nil
	}
	return under("alt", issue(CodeAltRequired, nil))
}

// isImage goes by the media type and by the name of the file: either is enough.
func isImage(m map[string]any) bool {
	if typ, _ := m["type"].(string); strings.HasPrefix(strings.ToLower(typ), "image/") {
		return true
	}
	src, _ := m["src"].(string)
	src, _, _ = strings.Cut(src, "#")
	src, _, _ = strings.Cut(src, "?")
	return slices.Contains(imageExtensions, strings.ToLower(path.Ext(src)))
}
