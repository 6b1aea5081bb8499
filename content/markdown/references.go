package markdown

import (
	"bytes"
	"sort"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/prassi-cms/prassi/content/markdown/citation"
)

// link lists the legal citations of the text and lets them lead to the acts.
// Headings, code and the author's own links are left alone; an address that is
// itself one of an act is listed and stays the link it is.
func (d *document) link() {
	var l line // used for one block after the other
	d.linkBlock(d.root, &l)
}

func (d *document) linkBlock(n ast.Node, l *line) {
	if _, isHeading := n.(*ast.Heading); isHeading || n.IsRaw() {
		return
	}
	if isInlineHolder(n) {
		d.linkLine(n, l)
		return
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		d.linkBlock(c, l)
	}
}

// barrier stands in the flat text for what is not read: no citation goes on
// across it.
const barrier = 0

// piece says where a part of the flat text comes from.
type piece struct {
	flat     int // offset in the flat text
	flatEnd  int
	src      int // offset in the source
	srcEnd   int // differs from src+flatEnd-flat where characters were decoded
	verbatim bool
	text     *ast.Text
	auto     *ast.AutoLink
}

// line is one block of text, made flat.
type line struct {
	flat   []byte
	pieces []piece
}

func (l *line) bar() { l.flat = append(l.flat, barrier) }

// add appends the text of n and what is in it.
func (l *line) add(n ast.Node, src []byte) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			l.addText(c, src)
		case *ast.AutoLink:
			l.bar()
			if c.AutoLinkType == ast.AutoLinkURL {
				// The position may be that of a blank or "<" before it.
				at := max(c.Pos(), 0)
				at += max(bytes.Index(src[at:], c.Label(src)), 0)
				p := piece{flat: len(l.flat), src: at, auto: c}
				l.flat = append(l.flat, c.URL(src)...)
				p.flatEnd, p.srcEnd = len(l.flat), p.src+len(l.flat)-p.flat
				l.pieces = append(l.pieces, p)
			}
			l.bar()
		case *ast.Emphasis, *east.Strikethrough, *span, *task:
			l.add(c, src)
		case *ast.String:
			l.flat = append(l.flat, c.Value...) // read, but not linked
		default:
			l.bar()
		}
	}
}

func (l *line) addText(t *ast.Text, src []byte) {
	seg := t.Segment
	from := seg.Start
	flush := func(to int) {
		if to > from {
			l.pieces = append(l.pieces, piece{len(l.flat), len(l.flat) + to - from, from, to, true, t, nil})
			l.flat = append(l.flat, src[from:to]...)
		}
	}
	if plainText(src[seg.Start:seg.Stop]) {
		flush(seg.Stop)
		from = seg.Stop
	}
	for i := from; i < seg.Stop; {
		if c := src[i]; c != '\\' && c != '&' && c != 0 {
			i++
			continue
		}
		flush(i)
		start := len(l.flat)
		n := decodeOne(&l.flat, src[i:seg.Stop])
		l.pieces = append(l.pieces, piece{start, len(l.flat), i, i + n, false, t, nil})
		i += n
		from = i
	}
	flush(seg.Stop)
	if t.SoftLineBreak() || t.HardLineBreak() {
		l.flat = append(l.flat, '\n')
	}
}

// source maps offset i of the flat text to the source, as the start or the end
// of a span. Between two pieces it takes the next, or the previous, one.
func (l *line) source(i int, end bool) int {
	if end {
		k := sort.Search(len(l.pieces), func(k int) bool { return l.pieces[k].flat >= i }) - 1
		if k < 0 {
			return 0
		}
		p := l.pieces[k]
		if p.verbatim {
			return p.src + min(i, p.flatEnd) - p.flat
		}
		return p.srcEnd
	}
	k := sort.Search(len(l.pieces), func(k int) bool { return l.pieces[k].flatEnd > i })
	if k == len(l.pieces) {
		return 0
	}
	p := l.pieces[k]
	if p.verbatim {
		return p.src + max(i, p.flat) - p.flat
	}
	return p.src
}

// linkLine finds the citations in one block and puts links around them.
func (d *document) linkLine(n ast.Node, l *line) {
	l.flat, l.pieces = l.flat[:0], l.pieces[:0]
	l.add(n, d.src)
	found := citation.Find(string(l.flat))
	if len(found) == 0 {
		return
	}
	base := len(d.references)
	spans := make([][2]int, len(found))
	for i := range found {
		spans[i] = [2]int{found[i].Start, found[i].End}
		found[i].Start, found[i].End = l.source(found[i].Start, false), l.source(found[i].End, true)
	}
	d.references = append(d.references, found...)

	next := 0       // first citation that may still reach the pieces
	var last *legal // the link made last, to be continued
	for k := 0; k < len(l.pieces); {
		p := l.pieces[k]
		for next < len(found) && spans[next][1] <= p.flat {
			next++
		}
		if p.text == nil {
			if next < len(found) && spans[next][0] < p.flatEnd && found[next].URL != "" {
				p.auto.SetAttributeString("class", []byte("ref"))
			}
			k++
			continue
		}
		// All pieces of one text node together.
		e := k
		for e < len(l.pieces) && l.pieces[e].text == p.text {
			e++
		}
		last = d.cut(p.text, l, l.pieces[k].flat, l.pieces[e-1].flatEnd, found, spans, next, base, last)
		k = e
	}
}

// cut replaces text node t, which is flat[from:to], by the parts inside and
// outside citations. A citation that goes on from the node before is continued
// in the same link where they are neighbours.
func (d *document) cut(t *ast.Text, l *line, from, to int, found []citation.Reference, spans [][2]int, next, base int, last *legal) *legal {
	parent := t.Parent()
	at := t.Segment.Start
	part := func(start, stop int) *ast.Text { return ast.NewTextSegment(text.NewSegment(start, stop)) }
	touched := false
	var final ast.Node = parent // where the last part goes, with its line break
	for ; next < len(found) && spans[next][0] < to; next++ {
		if found[next].URL == "" {
			continue
		}
		touched = true
		start, stop := l.source(max(spans[next][0], from), false), l.source(min(spans[next][1], to), true)
		if start > at {
			parent.InsertBefore(parent, t, part(at, start))
		}
		if last == nil || last.index != base+next || t.PreviousSibling() != ast.Node(last) {
			last = &legal{url: found[next].URL, index: base + next}
			parent.InsertBefore(parent, t, last)
		}
		at = stop
		if spans[next][1] > to {
			final = last // goes on in the next node
			at = start
			break
		}
		last.AppendChild(last, part(start, stop))
	}
	if !touched {
		return last
	}
	rest := part(at, t.Segment.Stop)
	rest.SetSoftLineBreak(t.SoftLineBreak())
	rest.SetHardLineBreak(t.HardLineBreak())
	switch {
	case final == ast.Node(last) && last != nil:
		last.AppendChild(last, rest)
	case !rest.Segment.IsEmpty() || rest.SoftLineBreak() || rest.HardLineBreak():
		parent.InsertBefore(parent, t, rest)
	}
	parent.RemoveChild(parent, t)
	return last
}
