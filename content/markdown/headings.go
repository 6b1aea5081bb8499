package markdown

import (
	"bytes"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/text/unicode/norm"
)

// IDPrefix begins every id in the HTML. An element with an id becomes a
// property of window and document; with the prefix none can take the place of
// a property that scripts use.
const IDPrefix = "s-"

// maxSlug bounds the bytes of an identifier after the prefix.
const maxSlug = 96

// nameHeadings gives every heading an id, lists those of the document itself in
// the table of contents, and lets links within the document lead to them.
func (d *document) nameHeadings() {
	taken := map[string]int{}
	d.anchors = map[string]string{}
	var links []*ast.Link
	var walk func(n ast.Node, outline bool)
	walk = func(n ast.Node, outline bool) {
		switch n := n.(type) {
		case *ast.Heading:
			given := d.takeID(n)
			label := d.inlineText(n)
			base := slug(given)
			if base == "" {
				base = slug(label)
			}
			id := unique(taken, base)
			n.SetAttributeString("id", []byte(id))
			if given != "" {
				d.anchor(given, id)
			}
			d.anchor(base, id)
			if outline && label != "" {
				d.toc = append(d.toc, Heading{Level: n.Level, ID: id, Text: label})
			}
		case *ast.Link:
			if bytes.HasPrefix(n.Destination, []byte("#")) {
				links = append(links, n)
			}
		case *ast.Blockquote, *ast.List, *callout:
			outline = false
		}
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			walk(c, outline)
		}
	}
	walk(d.root, true)
	for _, l := range links {
		if id := d.target(string(l.Destination[1:])); id != "" {
			l.Destination = []byte("#" + id)
		}
	}
}

// anchor remembers the first heading for a name.
func (d *document) anchor(name, id string) {
	if _, known := d.anchors[name]; !known {
		d.anchors[name] = id
	}
}

// target is the id that a link to fragment means, or "".
func (d *document) target(fragment string) string {
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	if id, ok := d.anchors[fragment]; ok {
		return id
	}
	return d.anchors[slug(fragment)]
}

// takeID cuts "{#name}" from the end of a heading and returns the name.
func (d *document) takeID(h *ast.Heading) string {
	lines := h.Lines()
	if lines.Len() == 0 {
		return ""
	}
	last := lines.At(lines.Len() - 1)
	line := bytes.TrimRight(last.Value(d.src), " \t\r\n")
	open := bytes.LastIndex(line, []byte("{#"))
	if open < 0 || len(line) == 0 || line[len(line)-1] != '}' {
		return ""
	}
	name := line[open+2 : len(line)-1]
	if len(name) == 0 || bytes.ContainsAny(name, " \t{}<>[]()`\\&\"'") {
		return ""
	}
	// The line was parsed as inlines already: cut them at the same place, if
	// the cut goes through plain text.
	cut := last.Start + open
	edge := h.LastChild()
	for edge != nil && startOf(edge) >= cut {
		edge = edge.PreviousSibling()
	}
	t, plain := edge.(*ast.Text)
	if edge == nil || edge == h.LastChild() && !plain {
		return ""
	}
	for c := h.LastChild(); c != edge; c = h.LastChild() {
		h.RemoveChild(h, c)
	}
	if plain {
		rest := t.Segment.WithStop(min(t.Segment.Stop, cut))
		t.Segment = rest.TrimRightSpace(d.src)
	}
	return string(name)
}

// startOf is where the first text in n stands in the source, or beyond it when
// there is none.
func startOf(n ast.Node) int {
	if t, ok := n.(*ast.Text); ok {
		return t.Segment.Start
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		return startOf(c)
	}
	return math.MaxInt
}

// slug makes an identifier of a text: letters, digits and marks of any script
// in lower case and normal form C, with single hyphens between the words.
func slug(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	gap := false
	for _, r := range norm.NFC.String(s) {
		keep := r < utf8.RuneSelf && ('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') ||
			r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
		if !keep {
			gap = b.Len() > 0
			continue
		}
		r = unicode.ToLower(r)
		if b.Len()+utf8.RuneLen(r)+1 > maxSlug {
			break
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unique is the id for a slug that no other heading has.
func unique(taken map[string]int, base string) string {
	if base == "" {
		base = "section"
	}
	id := base
	for {
		n := taken[id]
		if n == 0 {
			taken[id] = 1
			return IDPrefix + id
		}
		// The next number for this base: no search from the start.
		taken[base]++
		id = base + "-" + strconv.Itoa(taken[base])
	}
}
