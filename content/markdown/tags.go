package markdown

import (
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// tag is an HTML tag as an author wrote it.
type tag struct {
	name    string // in lower case
	closing bool
	attrs   map[string]string // only the few that are looked at
}

// wanted are the attributes that may mean something to untag.
var wanted = map[string]bool{"dir": true, "class": true, "href": true, "src": true, "alt": true, "title": true}

// readTag reads one tag at the start of b after CommonMark 0.31 §6.6 (open and
// closing tags) and returns its length.
func readTag(b []byte) (t tag, n int, ok bool) {
	if len(b) < 3 || b[0] != '<' {
		return t, 0, false
	}
	i := 1
	if b[i] == '/' {
		t.closing = true
		i++
	}
	start := i
	for i < len(b) && (isASCIILetter(b[i]) || i > start && (b[i] >= '0' && b[i] <= '9' || b[i] == '-')) {
		i++
	}
	if i == start {
		return t, 0, false
	}
	t.name = strings.ToLower(string(b[start:i]))
	for {
		gap := i
		i = skipBlank(b, i)
		if i >= len(b) {
			return t, 0, false
		}
		if b[i] == '>' {
			return t, i + 1, true
		}
		if t.closing {
			return t, 0, false
		}
		if b[i] == '/' {
			if i+1 < len(b) && b[i+1] == '>' {
				return t, i + 2, true
			}
			return t, 0, false
		}
		if i == gap {
			return t, 0, false
		}
		start = i
		for i < len(b) && isAttributeByte(b[i], i == start) {
			i++
		}
		if i == start {
			return t, 0, false
		}
		name := strings.ToLower(string(b[start:i]))
		value := ""
		if k := skipBlank(b, i); k < len(b) && b[k] == '=' {
			i = skipBlank(b, k+1)
			if i >= len(b) {
				return t, 0, false
			}
			var raw []byte
			if q := b[i]; q == '"' || q == '\'' {
				end := bytes.IndexByte(b[i+1:], q)
				if end < 0 {
					return t, 0, false
				}
				raw = b[i+1 : i+1+end]
				i += end + 2
			} else {
				start = i
				for i < len(b) && b[i] > ' ' && !bytes.ContainsRune([]byte("\"'=<>`"), rune(b[i])) {
					i++
				}
				if i == start {
					return t, 0, false
				}
				raw = b[start:i]
			}
			if wanted[name] {
				value = html.UnescapeString(string(raw))
			}
		}
		if wanted[name] {
			if t.attrs == nil {
				t.attrs = map[string]string{}
			}
			if _, twice := t.attrs[name]; !twice {
				t.attrs[name] = value
			}
		}
	}
}

func isASCIILetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isAttributeByte(c byte, first bool) bool {
	return isASCIILetter(c) || c == '_' || c == ':' || !first && (c >= '0' && c <= '9' || c == '.' || c == '-')
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// blockTags part paragraphs, as they do in HTML.
var blockTags = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`address article aside base basefont blockquote body caption center col
		colgroup dd details dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4
		h5 h6 head header hr html iframe legend li link main menu menuitem meta nav noframes noscript object ol
		optgroup option p param pre script search section style summary svg table tbody td template textarea tfoot
		th thead title tr track ul video audio math`) {
		m[name] = true
	}
	return m
}()

// mark is a block tag at the start of a line. What follows it on the line is
// parsed as its children; untag puts them after it and takes it out.
type mark struct {
	ast.BaseBlock
	tag tag
}

var kindMark = ast.NewNodeKind("Mark")

func (*mark) Kind() ast.NodeKind           { return kindMark }
func (m *mark) Dump(src []byte, level int) { ast.DumpHelper(m, src, level, nil, nil) }

// markParser reads a block tag at the start of a line as a mark. Where the
// whole tag is not on the line, it is left to the paragraph.
type markParser struct{}

func (markParser) Trigger() []byte { return []byte{'<'} }

func (markParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, _ := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 {
		return nil, parser.NoChildren
	}
	t, n, ok := readTag(line[pos:])
	if !ok || !blockTags[t.name] {
		return nil, parser.NoChildren
	}
	n += pos
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	reader.Advance(n)
	return &mark{tag: t}, parser.HasChildren
}

func (markParser) Continue(ast.Node, text.Reader, parser.Context) parser.State { return parser.Close }
func (markParser) Close(ast.Node, text.Reader, parser.Context)                 {}
func (markParser) CanInterruptParagraph() bool                                 { return true }
func (markParser) CanAcceptIndentedLine() bool                                 { return false }

// comment is an HTML comment that begins a line. It is a note among authors and
// not shown.
type comment struct {
	ast.BaseBlock
	closed bool
}

var kindComment = ast.NewNodeKind("Comment")

func (*comment) Kind() ast.NodeKind           { return kindComment }
func (c *comment) Dump(src []byte, level int) { ast.DumpHelper(c, src, level, nil, nil) }

// commentParser reads a comment that begins a line, over as many lines as it
// has. One that is never closed is text.
type commentParser struct{}

var (
	commentOpen  = []byte("<!--")
	commentClose = []byte("-->")
	// noCloseKey remembers that no comment ends after here, so that the
	// search is made once.
	noCloseKey = parser.NewContextKey()
)

func (commentParser) Trigger() []byte { return []byte{'<'} }

func (commentParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 || !bytes.HasPrefix(line[pos:], commentOpen) {
		return nil, parser.NoChildren
	}
	inside := pos + len(commentOpen)
	if end := bytes.Index(line[inside:], commentClose); end >= 0 {
		reader.Advance(inside + end + len(commentClose))
		return &comment{closed: true}, parser.HasChildren
	}
	if pc.Get(noCloseKey) != nil {
		return nil, parser.NoChildren
	}
	if !bytes.Contains(reader.Source()[segment.Start:], commentClose) {
		pc.Set(noCloseKey, true)
		return nil, parser.NoChildren
	}
	reader.AdvanceToEOL()
	return &comment{}, parser.NoChildren
}

func (commentParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	c := node.(*comment)
	if c.closed {
		return parser.Close
	}
	line, _ := reader.PeekLine()
	if end := bytes.Index(line, commentClose); end >= 0 {
		// What follows on the line is a block of its own.
		c.closed = true
		reader.Advance(end + len(commentClose))
		return parser.Close
	}
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

func (commentParser) Close(ast.Node, text.Reader, parser.Context) {}
func (commentParser) CanInterruptParagraph() bool                 { return true }
func (commentParser) CanAcceptIndentedLine() bool                 { return false }
