package markdown

import (
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// untag takes the raw HTML out of the tree. No text is lost with it: only tags
// and comments go.
func (d *document) untag() { d.untagBlocks(d.root) }

func (d *document) untagBlocks(parent ast.Node) {
	if parent.IsRaw() {
		return
	}
	if isInlineHolder(parent) {
		if d.untagInlines(parent) {
			d.trimInlines(parent)
		}
		return
	}
	hoist(parent)
	for c := parent.FirstChild(); c != nil; {
		next := c.NextSibling()
		d.untagBlocks(c)
		if p, ok := c.(*ast.Paragraph); ok && !p.HasChildren() {
			parent.RemoveChild(parent, c) // it had only tags
		}
		c = next
	}
	pairMarks(parent)
}

// trimInlines takes away what tags have left at the ends of a block: blank text
// and line breaks.
func (d *document) trimInlines(parent ast.Node) {
	for c := parent.FirstChild(); c != nil && d.blank(c); c = parent.FirstChild() {
		parent.RemoveChild(parent, c)
	}
	for c := parent.LastChild(); c != nil && d.blank(c); c = parent.LastChild() {
		parent.RemoveChild(parent, c)
	}
	if t, ok := parent.LastChild().(*ast.Text); ok {
		t.SetSoftLineBreak(false)
		t.SetHardLineBreak(false)
	}
}

// blank reports whether an inline shows nothing.
func (d *document) blank(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Text:
		return len(bytes.TrimSpace(n.Segment.Value(d.src))) == 0
	case *lineBreak:
		return true
	}
	return false
}

// hoist puts what stood on the line of a mark or comment after it, at the level
// of the mark.
func hoist(parent ast.Node) {
	for c := parent.FirstChild(); c != nil; c = c.NextSibling() {
		switch c.Kind() {
		case kindMark, kindComment:
			after := c
			for k := c.FirstChild(); k != nil; {
				next := k.NextSibling()
				c.RemoveChild(c, k)
				parent.InsertAfter(parent, after, k)
				after, k = k, next
			}
		}
	}
}

// pairMarks finds which opening mark belongs to which closing one among the
// children of parent, gives meaning to those that have one, and takes all marks
// out.
func pairMarks(parent ast.Node) {
	var open []*mark
	for c := parent.FirstChild(); c != nil; {
		next := c.NextSibling()
		switch c := c.(type) {
		case *comment:
			parent.RemoveChild(parent, c)
		case *mark:
			if !c.tag.closing {
				open = append(open, c)
				break
			}
			for k := len(open) - 1; k >= 0; k-- {
				if open[k].tag.name == c.tag.name {
					closeMark(parent, open[k], c)
					// What was opened in between is never closed.
					for _, m := range open[k+1:] {
						m.Parent().RemoveChild(m.Parent(), m)
					}
					open = open[:k]
					break
				}
			}
			parent.RemoveChild(parent, c)
		}
		c = next
	}
	for _, m := range open {
		parent.RemoveChild(parent, m)
	}
}

// closeMark replaces the mark, and the nodes up to end, by what they mean.
func closeMark(parent ast.Node, m *mark, end ast.Node) {
	holder := holderFor(m.tag)
	first := m.NextSibling()
	if holder != nil && first != end {
		wrap(parent, holder, first, end)
	}
	parent.RemoveChild(parent, m)
}

// holderFor is the block that a pair of tags makes of what is between them, or
// nil for none.
func holderFor(t tag) ast.Node {
	dir := direction(t.attrs["dir"])
	classes := strings.Fields(t.attrs["class"])
	has := func(class string) bool {
		for _, c := range classes {
			if c == class {
				return true
			}
		}
		return false
	}
	switch {
	case t.name == "blockquote":
		return ast.NewBlockquote()
	case t.name == "aside" && has("pquote"):
		return &container{element: "aside", class: "pullquote", dir: dir}
	case t.name == "aside":
		return &container{element: "aside", dir: dir}
	case has("pquote-credit"):
		return &container{element: "div", class: "credit", dir: dir}
	case dir != "":
		return &container{element: "div", dir: dir}
	}
	return nil
}

func direction(s string) string {
	switch s = strings.ToLower(strings.TrimSpace(s)); s {
	case "ltr", "rtl":
		return s
	}
	return ""
}

// untagInlines does the same inside a paragraph, and reports whether it had any
// tags. Those with a Markdown equivalent become that; of the others block tags
// leave a line break between two words, and nothing else.
func (d *document) untagInlines(parent ast.Node) (found bool) {
	type opened struct {
		raw *ast.RawHTML
		tag tag
	}
	var open []opened
	for c := parent.FirstChild(); c != nil; {
		next := c.NextSibling()
		raw, ok := c.(*ast.RawHTML)
		if !ok {
			if !c.IsRaw() && c.HasChildren() {
				found = d.untagInlines(c) || found
			}
			c = next
			continue
		}
		found = true
		source := rawSource(raw, d.src)
		t, _, ok := readTag(source)
		switch {
		case !ok:
			// A comment, declaration or instruction goes; what a CDATA
			// section holds is text.
			if data, isData := bytes.CutPrefix(source, []byte("<![CDATA[")); isData {
				parent.InsertBefore(parent, c, ast.NewString(bytes.TrimSuffix(data, []byte("]]>"))))
			}
		case t.closing:
			for k := len(open) - 1; k >= 0; k-- {
				if open[k].tag.name != t.name {
					continue
				}
				if holder := inlineFor(open[k].tag); holder != nil && open[k].raw.NextSibling() != c {
					wrap(parent, holder, open[k].raw.NextSibling(), c)
				}
				for _, o := range open[k:] {
					o.raw.Parent().RemoveChild(o.raw.Parent(), o.raw)
				}
				open = open[:k]
				break
			}
			if blockTags[t.name] {
				d.breakLine(parent, c)
			}
		case t.name == "br":
			parent.InsertBefore(parent, c, &lineBreak{})
		case blockTags[t.name]:
			d.breakLine(parent, c)
		case t.name == "img" && t.attrs["src"] != "":
			link := ast.NewLink()
			link.Destination = plainDestination(t.attrs["src"])
			link.Title = plainDestination(t.attrs["title"])
			img := ast.NewImage(link)
			if alt := t.attrs["alt"]; alt != "" {
				img.AppendChild(img, ast.NewString([]byte(alt)))
			}
			parent.InsertBefore(parent, c, img)
		default:
			if inlineFor(t) != nil {
				open = append(open, opened{raw, t})
				c = next
				continue // stays until it is closed
			}
		}
		parent.RemoveChild(parent, c)
		c = next
	}
	for _, o := range open {
		if p := o.raw.Parent(); p != nil {
			p.RemoveChild(p, o.raw)
		}
	}
	return found
}

// breakLine leaves a line break before c where the line is not broken already.
func (d *document) breakLine(parent, c ast.Node) {
	switch before := c.PreviousSibling().(type) {
	case nil:
		return
	case *lineBreak:
		return
	case *ast.Text:
		if before.SoftLineBreak() || before.HardLineBreak() {
			return
		}
	}
	parent.InsertBefore(parent, c, &lineBreak{})
}

func rawSource(n *ast.RawHTML, src []byte) []byte {
	if n.Segments.Len() == 1 {
		s := n.Segments.At(0)
		return s.Value(src)
	}
	var b []byte
	for i := 0; i < n.Segments.Len(); i++ {
		s := n.Segments.At(i)
		b = append(b, s.Value(src)...)
	}
	return b
}

// inlineFor is the inline that a pair of tags makes of what is between them, or
// nil for none.
func inlineFor(t tag) ast.Node {
	switch t.name {
	case "b", "strong":
		return ast.NewEmphasis(2)
	case "i", "em", "cite":
		return ast.NewEmphasis(1)
	case "sub", "sup":
		return &span{element: t.name}
	case "a":
		if href := t.attrs["href"]; href != "" {
			link := ast.NewLink()
			link.Destination = plainDestination(href)
			link.Title = plainDestination(t.attrs["title"])
			return link
		}
	case "span", "bdi", "bdo", "q", "small", "mark", "u":
		if dir := direction(t.attrs["dir"]); dir != "" {
			return &span{element: "span", dir: dir}
		}
	}
	return nil
}

// plainDestination writes a decoded attribute the way Markdown would have it,
// so that it is decoded to itself.
func plainDestination(s string) []byte {
	s = html.EscapeString(s)
	return []byte(strings.ReplaceAll(s, `\`, `&#92;`))
}
