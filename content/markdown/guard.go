package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// goldmark takes no context and is quadratic, or worse, in the nesting of
// blocks, in the brackets and emphasis marks of one paragraph and in the empty
// cells of a table. The guard sits among its parsers, never parses anything,
// and stops the whole parse when one of these counts passes what people write.
// Because it counts what the parser really does, no disguise of the input
// changes the count.
const (
	// maxOpenBlocks bounds quotations, lists and items open at once: a list
	// level takes two, so twenty levels of lists.
	maxOpenBlocks = 40
	// maxMarks bounds brackets, emphasis marks, backquotes and angle
	// brackets in one paragraph.
	maxMarks = 3000
	// maxCells bounds the cells of all tables, those included that goldmark
	// adds to short rows.
	maxCells = 20_000
	// maxWork bounds the continuations of open blocks, line by line.
	maxWork = 400_000
	// maxDepth bounds the depth of the finished tree. Browsers and HTML
	// parsers stop at 512 elements.
	maxDepth = 100
	// maxExpansion bounds the bytes of addresses and titles: a reference
	// definition is written once and used often.
	maxExpansion = 1 << 20
)

// stop is what the guard panics with; parse recovers it and nothing else.
type stop struct{}

var guardKey = parser.NewContextKey()

// guard counts during one parse.
type guard struct {
	paragraph ast.Node // whose marks are counted
	marks     int
	work      int
	cells     int
}

func guardOf(pc parser.Context) *guard {
	if g, ok := pc.Get(guardKey).(*guard); ok {
		return g
	}
	g := new(guard)
	pc.Set(guardKey, g)
	return g
}

// blockGuard is asked first wherever a container could open.
type blockGuard struct{}

func (blockGuard) Trigger() []byte { return []byte(">-+*0123456789:[<") }

func (blockGuard) Open(_ ast.Node, _ text.Reader, pc parser.Context) (ast.Node, parser.State) {
	open := len(pc.OpenedBlocks())
	g := guardOf(pc)
	g.work += open
	if open > maxOpenBlocks || g.work > maxWork {
		panic(stop{})
	}
	return nil, parser.NoChildren
}

func (blockGuard) Continue(ast.Node, text.Reader, parser.Context) parser.State { return parser.Close }
func (blockGuard) Close(ast.Node, text.Reader, parser.Context)                 {}
func (blockGuard) CanInterruptParagraph() bool                                 { return true }
func (blockGuard) CanAcceptIndentedLine() bool                                 { return true }

// inlineGuard is asked first at every mark.
type inlineGuard struct{}

func (inlineGuard) Trigger() []byte { return []byte("[]*_~`<!") }

func (inlineGuard) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	g := guardOf(pc)
	if g.paragraph != parent {
		g.paragraph, g.marks = parent, 0
	}
	if g.marks++; g.marks > maxMarks {
		panic(stop{})
	}
	return nil
}

// tableGuard is asked about every paragraph before it is read as a table.
type tableGuard struct{}

func (tableGuard) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines := node.Lines()
	g := guardOf(pc)
	cells := 0 // of the largest table that any line can begin
	for i := 1; i < lines.Len(); i++ {
		line := lines.At(i)
		v := line.Value(reader.Source())
		if len(bytes.Trim(v, "|:- \t\r\n")) > 0 {
			continue
		}
		columns := bytes.Count(bytes.Trim(bytes.TrimSpace(v), "|"), []byte{'|'}) + 1
		cells = max(cells, columns*(lines.Len()-i))
	}
	if g.cells += cells; g.cells > maxCells {
		panic(stop{})
	}
}

// measure refuses trees that are too deep to show and addresses that are used
// so often that the page would be many times its source.
func (d *document) measure() error {
	expansion := 0
	var deep func(n ast.Node, depth int) bool
	deep = func(n ast.Node, depth int) bool {
		if depth > maxDepth {
			return true
		}
		switch n := n.(type) {
		case *ast.Link:
			expansion += len(n.Destination) + len(n.Title)
		case *ast.Image:
			expansion += len(n.Destination) + len(n.Title)
		}
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if deep(c, depth+1) {
				return true
			}
		}
		return false
	}
	switch {
	case deep(d.root, 0):
		return tooDeep()
	case expansion > maxExpansion:
		return tooLarge(maxExpansion)
	}
	return nil
}
