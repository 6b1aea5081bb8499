package site

import (
	"html/template"
	"strings"
)

// Snippet is a text of the search engine for Card.Snippet: escaped HTML with mark
// elements around what was found. Whatever else stands in it is escaped.
func Snippet(text string) template.HTML {
	var b strings.Builder
	open := false
	for rest := text; rest != ""; {
		at := strings.IndexAny(rest, "<>\"'")
		if at < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:at])
		rest = rest[at:]
		switch {
		case !open && strings.HasPrefix(rest, "<mark>"):
			open, rest = true, rest[len("<mark>"):]
			b.WriteString("<mark>")
		case open && strings.HasPrefix(rest, "</mark>"):
			open, rest = false, rest[len("</mark>"):]
			b.WriteString("</mark>")
		default:
			b.WriteString(template.HTMLEscapeString(rest[:1]))
			rest = rest[1:]
		}
	}
	if open {
		b.WriteString("</mark>")
	}
	return template.HTML(b.String())
}
