package feed

import (
	"strings"

	"golang.org/x/net/html"
)

// inline are the elements that do not part words.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "code": true, "del": true, "em": true, "i": true, "ins": true,
	"kbd": true, "mark": true, "q": true, "s": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "u": true,
}

// plain gives the words of the published HTML: without elements, references to
// footnotes and the links back from them.
func plain(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(text))
	hidden := ""  // the element whose end is awaited
	space := true // nothing, or a space, is at the end
	for {
		switch z.Next() {
		case html.ErrorToken: // the end
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if hidden != "" {
				continue
			}
			for _, r := range string(z.Text()) {
				if r == ' ' || r == '\n' || r == '\t' || r == '\r' {
					if !space {
						b.WriteByte(' ')
					}
					space = true
					continue
				}
				b.WriteRune(r)
				space = false
			}
		case html.StartTagToken:
			name, attributes := z.TagName()
			tag := string(name)
			if hidden == "" && attributes && footnote(z) {
				hidden = tag
			}
			space = part(&b, tag, space)
		case html.EndTagToken:
			name, _ := z.TagName()
			if string(name) == hidden {
				hidden = ""
			}
			space = part(&b, string(name), space)
		case html.SelfClosingTagToken:
			name, _ := z.TagName()
			space = part(&b, string(name), space)
		}
	}
}

// part writes a space where an element ends a word.
func part(b *strings.Builder, tag string, space bool) bool {
	if !space && !inline[tag] {
		b.WriteByte(' ')
		return true
	}
	return space
}

// footnote reports a link to a footnote or back from one.
func footnote(z *html.Tokenizer) bool {
	for {
		key, value, more := z.TagAttr()
		if string(key) == "role" && (string(value) == "doc-noteref" || string(value) == "doc-backlink") {
			return true
		}
		if !more {
			return false
		}
	}
}
