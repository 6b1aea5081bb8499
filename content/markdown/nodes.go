package markdown

import "github.com/yuin/goldmark/ast"

// The nodes that Markdown does not have. Each says only what html.go needs.

// container groups blocks: an <aside>, or a part with a direction of its own.
type container struct {
	ast.BaseBlock
	element string // "aside" or "div"
	class   string
	dir     string // as the author gave it, or ""
}

// callout is a note set apart: "> [!WARNING]". Its first child is the title.
type callout struct {
	ast.BaseBlock
	kind string // "note", "tip", "important", "warning", "caution"
}

// calloutTitle holds the inlines of the title; without any the label of the
// kind is shown.
type calloutTitle struct {
	ast.BaseBlock
	kind string
}

// figure is an image alone in a paragraph, with a title that is its caption.
type figure struct {
	ast.BaseBlock
	caption string
}

// span is a part of a line: with a direction of its own, or raised or lowered.
type span struct {
	ast.BaseInline
	element string // "span", "sub", "sup"
	dir     string
}

// lineBreak is a <br> that an author wrote, or what is left of a block tag in
// the middle of a paragraph.
type lineBreak struct{ ast.BaseInline }

// task is the text of a task, with its checkbox.
type task struct {
	ast.BaseInline
	done bool
}

// legal is a citation that leads to the act.
type legal struct {
	ast.BaseInline
	url   string
	index int // in document.references
}

var (
	kindContainer    = ast.NewNodeKind("Container")
	kindCallout      = ast.NewNodeKind("Callout")
	kindCalloutTitle = ast.NewNodeKind("CalloutTitle")
	kindFigure       = ast.NewNodeKind("Figure")
	kindSpan         = ast.NewNodeKind("Span")
	kindLineBreak    = ast.NewNodeKind("LineBreak")
	kindTask         = ast.NewNodeKind("Task")
	kindLegal        = ast.NewNodeKind("Legal")
)

func (*container) Kind() ast.NodeKind    { return kindContainer }
func (*callout) Kind() ast.NodeKind      { return kindCallout }
func (*calloutTitle) Kind() ast.NodeKind { return kindCalloutTitle }
func (*figure) Kind() ast.NodeKind       { return kindFigure }
func (*span) Kind() ast.NodeKind         { return kindSpan }
func (*lineBreak) Kind() ast.NodeKind    { return kindLineBreak }
func (*task) Kind() ast.NodeKind         { return kindTask }
func (*legal) Kind() ast.NodeKind        { return kindLegal }

func (n *container) Dump(src []byte, level int)    { ast.DumpHelper(n, src, level, nil, nil) }
func (n *callout) Dump(src []byte, level int)      { ast.DumpHelper(n, src, level, nil, nil) }
func (n *calloutTitle) Dump(src []byte, level int) { ast.DumpHelper(n, src, level, nil, nil) }
func (n *figure) Dump(src []byte, level int)       { ast.DumpHelper(n, src, level, nil, nil) }
func (n *span) Dump(src []byte, level int)         { ast.DumpHelper(n, src, level, nil, nil) }
func (n *lineBreak) Dump(src []byte, level int)    { ast.DumpHelper(n, src, level, nil, nil) }
func (n *task) Dump(src []byte, level int)         { ast.DumpHelper(n, src, level, nil, nil) }
func (n *legal) Dump(src []byte, level int)        { ast.DumpHelper(n, src, level, nil, nil) }

// wrap moves the nodes from first up to, but not including, end under holder,
// which takes their place.
func wrap(parent, holder, first, end ast.Node) {
	parent.InsertBefore(parent, first, holder)
	for c := first; c != nil && c != end; {
		next := c.NextSibling()
		parent.RemoveChild(parent, c)
		holder.AppendChild(holder, c)
		c = next
	}
}

// isInlineHolder reports whether the children of n are inlines.
func isInlineHolder(n ast.Node) bool {
	c := n.FirstChild()
	return c != nil && c.Type() == ast.TypeInline
}
