package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// shape turns quotations that begin with "[!NOTE]" into callouts, images alone
// in a paragraph with a title into figures, and puts the text of a task into
// the label of its checkbox.
func (d *document) shape() { d.shapeBlock(d.root) }

func (d *document) shapeBlock(n ast.Node) {
	for c := n.FirstChild(); c != nil; {
		next := c.NextSibling()
		switch c := c.(type) {
		case *ast.Blockquote:
			if k := d.calloutOf(c); k != nil {
				n.ReplaceChild(n, c, k)
				d.shapeBlock(k)
				break
			}
			d.shapeBlock(c)
		case *ast.Paragraph:
			if f := d.figureOf(c); f != nil {
				n.ReplaceChild(n, c, f)
				break
			}
			labelTask(c)
		case *ast.TextBlock:
			labelTask(c)
		default:
			if c.Type() == ast.TypeBlock && !isInlineHolder(c) {
				d.shapeBlock(c)
			}
		}
		c = next
	}
}

// calloutOf makes a callout of a quotation whose first line is "[!KIND]", with
// a title of the author's own if the line goes on.
func (d *document) calloutOf(q *ast.Blockquote) *callout {
	p, ok := q.FirstChild().(*ast.Paragraph)
	if !ok || p.Lines().Len() == 0 {
		return nil
	}
	first := p.Lines().At(0)
	line := bytes.TrimLeft(first.Value(d.src), " \t")
	if !bytes.HasPrefix(line, []byte("[!")) {
		return nil
	}
	end := bytes.IndexByte(line, ']')
	if end < 0 {
		return nil
	}
	kind := strings.ToLower(string(line[2:end]))
	if _, known := allLabels[0].callouts[kind]; !known {
		return nil
	}
	// Where the title starts in the source, and where the first line ends.
	start := first.Stop - len(line) + end + 1
	title := &calloutTitle{kind: kind}
	for c := p.FirstChild(); c != nil; {
		next := c.NextSibling()
		t, isText := c.(*ast.Text)
		if isText && t.Segment.Start < start {
			if t.Segment.Stop <= start {
				ended := t.SoftLineBreak() || t.HardLineBreak()
				p.RemoveChild(p, c)
				if ended {
					break
				}
				c = next
				continue
			}
			rest := text.NewSegment(start, t.Segment.Stop)
			t.Segment = rest.TrimLeftSpace(d.src)
		}
		p.RemoveChild(p, c)
		title.AppendChild(title, c)
		if isText && (t.SoftLineBreak() || t.HardLineBreak()) {
			t.SetSoftLineBreak(false)
			t.SetHardLineBreak(false)
			break
		}
		c = next
	}
	k := &callout{kind: kind}
	k.AppendChild(k, title)
	if !p.HasChildren() {
		q.RemoveChild(q, p)
	}
	for c := q.FirstChild(); c != nil; {
		next := c.NextSibling()
		q.RemoveChild(q, c)
		k.AppendChild(k, c)
		c = next
	}
	return k
}

// figureOf makes a figure of a paragraph that is one image with a title.
func (d *document) figureOf(p *ast.Paragraph) *figure {
	img, ok := p.FirstChild().(*ast.Image)
	if !ok || len(bytes.TrimSpace(img.Title)) == 0 || !showable(resolve(img.Destination)) {
		return nil
	}
	for c := img.NextSibling(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); !ok || len(bytes.TrimSpace(t.Segment.Value(d.src))) > 0 {
			return nil
		}
	}
	f := &figure{caption: string(decode(nil, img.Title))}
	img.Title = nil
	p.RemoveChild(p, img)
	f.AppendChild(f, img)
	return f
}

// labelTask puts the line of a task into the label of its checkbox.
func labelTask(n ast.Node) {
	box, ok := n.FirstChild().(*east.TaskCheckBox)
	if !ok {
		return
	}
	t := &task{done: box.IsChecked}
	first := box.NextSibling()
	n.RemoveChild(n, box)
	if first == nil {
		n.AppendChild(n, t)
		return
	}
	wrap(n, t, first, nil)
}
