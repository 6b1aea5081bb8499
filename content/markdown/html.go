package markdown

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
)

// html writes the tree. What is written here, and nothing else, is the
// vocabulary that policy.go lets through.
func (d *document) html() []byte {
	w := &writer{d: d, b: make([]byte, 0, len(d.src)+len(d.src)/2+256)}
	w.children(d.root)
	return w.b
}

type writer struct {
	d      *document
	b      []byte
	inLink bool // links do not nest
}

func (w *writer) s(s string) { w.b = append(w.b, s...) }

// text writes plain text.
func (w *writer) text(s []byte) {
	from := 0
	for i, c := range s {
		var esc string
		switch c {
		case '<':
			esc = "&lt;"
		case '>':
			esc = "&gt;"
		case '&':
			esc = "&amp;"
		case '"':
			esc = "&#34;"
		case 0:
			esc = "\uFFFD"
		case '\r':
			esc = "" // HTML has line feeds only
		default:
			continue
		}
		w.b = append(w.b, s[from:i]...)
		w.b = append(w.b, esc...)
		from = i + 1
	}
	w.b = append(w.b, s[from:]...)
}

// attr writes one attribute with a value in plain text.
func (w *writer) attr(name string, value []byte) {
	w.b = append(w.b, ' ')
	w.s(name)
	w.s(`="`)
	w.text(value)
	w.s(`"`)
}

// open writes a start tag with what direction.go and headings.go found out
// about n.
func (w *writer) open(n ast.Node, element, class string) {
	w.s("<")
	w.s(element)
	for _, name := range [...]string{"id", "lang", "dir"} {
		if v, ok := n.AttributeString(name); ok {
			w.attr(name, v.([]byte))
		}
	}
	if class != "" {
		w.attr("class", []byte(class))
	}
	w.s(">")
}

func (w *writer) close(element string) {
	w.s("</")
	w.s(element)
	w.s(">")
}

// line writes an element with its children on a line of its own.
func (w *writer) line(n ast.Node, element, class string) {
	w.open(n, element, class)
	w.children(n)
	w.close(element)
	w.s("\n")
}

// group writes an element whose children are blocks.
func (w *writer) group(n ast.Node, element, class string) {
	w.open(n, element, class)
	w.s("\n")
	w.children(n)
	w.close(element)
	w.s("\n")
}

func (w *writer) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.node(c)
	}
}

var headingElements = [...]string{"h1", "h2", "h3", "h4", "h5", "h6"}

func (w *writer) node(n ast.Node) {
	switch n := n.(type) {
	// Blocks.
	case *ast.Heading:
		w.line(n, headingElements[min(max(n.Level, 1), 6)-1], "")
	case *ast.Paragraph:
		w.line(n, "p", "")
	case *ast.TextBlock:
		w.children(n)
		if n.NextSibling() != nil {
			w.s("\n")
		}
	case *ast.CodeBlock:
		w.code(n, "")
	case *ast.FencedCodeBlock:
		w.code(n, languageClass(n.Language(w.d.src)))
	case *ast.ThematicBreak:
		w.s("<hr>\n")
	case *ast.Blockquote:
		w.group(n, "blockquote", "")
	case *ast.List:
		w.list(n)
	case *ast.ListItem:
		w.open(n, "li", "")
		if _, tight := n.FirstChild().(*ast.TextBlock); !tight && n.HasChildren() {
			w.s("\n")
		}
		w.children(n)
		w.s("</li>\n")
	case *east.Table:
		w.table(n)
	case *east.DefinitionList:
		w.group(n, "dl", "")
	case *east.DefinitionTerm:
		w.line(n, "dt", "")
	case *east.DefinitionDescription:
		w.line(n, "dd", "")
	case *container:
		if _, turned := n.AttributeString("dir"); !turned && n.element == "div" && n.class == "" {
			w.children(n) // it goes the way of what is around it
			break
		}
		w.group(n, n.element, n.class)
	case *callout:
		w.callout(n)
	case *calloutTitle:
		w.open(n, "p", "callout-title")
		if n.HasChildren() {
			w.children(n)
		} else {
			w.s(w.d.words.callouts[n.kind])
		}
		w.s("</p>\n")
	case *figure:
		w.open(n, "figure", "")
		w.s("\n")
		w.children(n)
		w.s("\n<figcaption>")
		w.text([]byte(n.caption))
		w.s("</figcaption>\n</figure>\n")
	case *east.FootnoteList:
		w.s(`<section class="footnotes" role="doc-endnotes"`)
		w.attr("aria-label", []byte(w.d.words.footnotes))
		w.s(">\n<ol>\n")
		w.children(n)
		w.s("</ol>\n</section>\n")
	case *east.Footnote:
		n.SetAttributeString("id", footnoteID(n.Index))
		w.group(n, "li", "")

	// Inlines.
	case *ast.Text:
		w.inline(n)
	case *ast.String:
		w.text(n.Value)
	case *ast.Emphasis:
		element := "em"
		if n.Level == 2 {
			element = "strong"
		}
		w.wrapped(n, element)
	case *east.Strikethrough:
		w.wrapped(n, "del")
	case *ast.CodeSpan:
		w.codeSpan(n)
	case *span:
		if n.dir == "" {
			w.wrapped(n, n.element)
			break
		}
		w.s("<" + n.element)
		w.attr("dir", []byte(n.dir))
		w.s(">")
		w.children(n)
		w.close(n.element)
	case *lineBreak:
		w.s("<br>")
	case *task:
		w.s(`<label class="task"><input type="checkbox" disabled=""`)
		if n.done {
			w.s(` checked=""`)
		}
		w.s("> ")
		w.children(n)
		w.s("</label>")
	case *ast.Link:
		w.link(n, resolve(n.Destination), n.Title, "")
	case *ast.AutoLink:
		w.autoLink(n)
	case *legal:
		w.link(n, []byte(n.url), nil, "ref")
	case *ast.Image:
		w.image(n)
	case *east.FootnoteLink:
		w.footnoteLink(n)
	case *east.FootnoteBacklink:
		w.footnoteBacklink(n)
	default:
		// Nothing else is left in the tree; if it were, its text would
		// still be shown.
		w.children(n)
	}
}

// wrapped writes an inline element, left out when it is empty.
func (w *writer) wrapped(n ast.Node, element string) {
	if !n.HasChildren() {
		return
	}
	w.s("<" + element + ">")
	w.children(n)
	w.close(element)
}

func (w *writer) inline(n *ast.Text) {
	value := n.Segment.Value(w.d.src)
	if n.IsRaw() || bytes.IndexByte(value, '\\') < 0 && bytes.IndexByte(value, '&') < 0 {
		w.text(value)
	} else {
		w.text(decode(nil, value))
	}
	switch {
	case n.HardLineBreak():
		w.s("<br>\n")
	case n.SoftLineBreak():
		w.s("\n")
	}
}

func (w *writer) list(n *ast.List) {
	class := ""
	for i := n.FirstChild(); i != nil && class == ""; i = i.NextSibling() {
		if b := i.FirstChild(); b != nil {
			if _, ok := b.FirstChild().(*task); ok {
				class = "tasks"
			}
		}
	}
	element := "ul"
	if n.IsOrdered() {
		element = "ol"
	}
	w.open(n, element, class)
	if n.IsOrdered() && n.Start != 1 {
		w.b = w.b[:len(w.b)-1]
		w.attr("start", strconv.AppendInt(nil, int64(n.Start), 10))
		w.s(">")
	}
	w.s("\n")
	w.children(n)
	w.close(element)
	w.s("\n")
}

func (w *writer) code(n ast.Node, class string) {
	w.s("<pre")
	if w.d.dir == rtl {
		w.s(` dir="ltr"`) // programs are written from left to right
	}
	w.s("><code")
	if class != "" {
		w.attr("class", []byte(class))
	}
	w.s(">")
	lines := n.Lines()
	for i := 0; i < lines.Len(); i++ {
		line := lines.At(i)
		w.text(line.Value(w.d.src))
	}
	w.s("</code></pre>\n")
}

// languageClass is the class that highlighters look for.
func languageClass(lang []byte) string {
	if len(lang) == 0 || len(lang) > 24 {
		return ""
	}
	for _, c := range lang {
		if !isASCIILetter(c) && (c < '0' || c > '9') && c != '-' && c != '+' && c != '#' {
			return ""
		}
	}
	return "language-" + strings.ToLower(string(lang))
}

func (w *writer) codeSpan(n *ast.CodeSpan) {
	w.s("<code>")
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			value := t.Segment.Value(w.d.src)
			if bytes.HasSuffix(value, []byte("\n")) {
				w.text(bytes.TrimRight(value, "\r\n"))
				w.s(" ")
				continue
			}
			w.text(value)
		}
	}
	w.s("</code>")
}

func (w *writer) table(n *east.Table) {
	w.open(n, "table", "")
	w.s("\n")
	body := false
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		_, head := row.(*east.TableHeader)
		cell := "td"
		switch {
		case head:
			w.s("<thead>\n")
			cell = "th"
		case !body:
			w.s("<tbody>\n")
			body = true
		}
		w.s("<tr>\n")
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			class := ""
			if t, ok := c.(*east.TableCell); ok && t.Alignment != east.AlignNone {
				class = "align-" + t.Alignment.String()
			}
			w.open(c, cell, class)
			if head {
				w.b = w.b[:len(w.b)-1]
				w.s(` scope="col">`)
			}
			w.children(c)
			w.close(cell)
			w.s("\n")
		}
		w.s("</tr>\n")
		if head {
			w.s("</thead>\n")
		}
	}
	if body {
		w.s("</tbody>\n")
	}
	w.s("</table>\n")
}

func (w *writer) callout(n *callout) {
	w.open(n, "aside", "callout callout-"+n.kind)
	w.b = w.b[:len(w.b)-1]
	w.attr("aria-label", []byte(w.d.words.callouts[n.kind]))
	w.s(">\n")
	w.children(n)
	w.s("</aside>\n")
}

// resolve is a destination as an address: escapes resolved, other characters
// percent-encoded.
func resolve(destination []byte) []byte { return util.URLEscape(destination, true) }

// link writes a link, or only what is in it when the address is none that
// readers may be sent to, or when it lies inside another link.
func (w *writer) link(n ast.Node, url, title []byte, class string) {
	kind := addressKind(url)
	if w.inLink || kind == addressRefused {
		w.children(n)
		return
	}
	w.s("<a")
	if class != "" {
		w.attr("class", []byte(class))
	}
	w.attr("href", url)
	if len(title) > 0 {
		w.attr("title", decode(nil, title))
	}
	if kind == addressOutside {
		w.s(` rel="noopener noreferrer"`)
	}
	w.s(">")
	w.inLink = true
	w.children(n)
	w.inLink = false
	w.s("</a>")
}

func (w *writer) autoLink(n *ast.AutoLink) {
	url := util.URLEscape(n.URL(w.d.src), false)
	if n.AutoLinkType == ast.AutoLinkEmail && !bytes.HasPrefix(bytes.ToLower(url), []byte("mailto:")) {
		url = append([]byte("mailto:"), url...)
	}
	kind := addressKind(url)
	label := n.Label(w.d.src)
	if w.inLink || kind == addressRefused {
		w.text(label)
		return
	}
	w.s("<a")
	if class, ok := n.AttributeString("class"); ok {
		w.attr("class", class.([]byte))
	}
	w.attr("href", url)
	if kind == addressOutside {
		w.s(` rel="noopener noreferrer"`)
	}
	w.s(">")
	w.text(label)
	w.s("</a>")
}

// image writes an image; one whose address is refused leaves its alternative
// text.
func (w *writer) image(n *ast.Image) {
	alt := w.d.appendText(nil, n)
	url := resolve(n.Destination)
	if !showable(url) {
		w.text(alt)
		return
	}
	w.s("<img")
	w.attr("src", url)
	w.attr("alt", alt)
	if len(n.Title) > 0 {
		w.attr("title", decode(nil, n.Title))
	}
	w.s(` loading="lazy">`)
}

// The ids of footnotes hold an underscore, which no heading's does.
func footnoteID(index int) []byte { return []byte(IDPrefix + "fn_" + strconv.Itoa(index)) }

func footnoteRefID(index, ref int) []byte {
	id := IDPrefix + "fnref_" + strconv.Itoa(index)
	if ref > 0 {
		id += "_" + strconv.Itoa(ref+1)
	}
	return []byte(id)
}

// showable reports whether an image may be loaded from an address.
func showable(url []byte) bool {
	kind := addressKind(url)
	return len(url) > 0 && (kind == addressInside || kind == addressOutside)
}

func (w *writer) footnoteLink(n *east.FootnoteLink) {
	number := strconv.Itoa(n.Index)
	w.s(`<sup class="footnote-ref">`)
	if w.inLink {
		w.s(number + "</sup>")
		return
	}
	w.s("<a")
	w.attr("id", footnoteRefID(n.Index, n.RefIndex))
	w.attr("href", append([]byte("#"), footnoteID(n.Index)...))
	w.s(` role="doc-noteref"`)
	w.attr("aria-label", []byte(w.d.words.footnoteRef+" "+number))
	w.s(">" + number + "</a></sup>")
}

func (w *writer) footnoteBacklink(n *east.FootnoteBacklink) {
	label := w.d.words.footnoteUp + " " + strconv.Itoa(n.Index)
	w.s(` <a class="footnote-back"`)
	w.attr("href", append([]byte("#"), footnoteRefID(n.Index, n.RefIndex)...))
	w.s(` role="doc-backlink"`)
	if n.RefIndex > 0 {
		label += "-" + strconv.Itoa(n.RefIndex+1)
	}
	w.attr("aria-label", []byte(label))
	w.s(">↩︎</a>")
}
