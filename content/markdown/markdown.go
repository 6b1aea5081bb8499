package markdown

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/prassi-cms/prassi/content/markdown/citation"
)

// Version names the behaviour of this package: what it accepts, the HTML it
// writes, the policy it applies and the citations it knows. It changes whenever
// the result for some source may change, so that caches of rendered bodies know
// what to render again.
const Version = "1"

// DefaultMaxBytes is the size of the longest body that Render accepts when the
// options do not say.
const DefaultMaxBytes = 64 << 10

// Options are the facts about a body that its text does not tell. The zero
// Options are safe.
type Options struct {
	// Locale is the language of the document as a BCP 47 tag: it decides
	// the base direction and the language of the words that Render adds.
	// Without it the direction comes from the text and the words are Italian.
	Locale string
	// MaxBytes bounds the source; 0 means DefaultMaxBytes.
	MaxBytes int
}

// Heading is an entry of the table of contents.
type Heading struct {
	Level int    `json:"level"` // 1 to 6
	ID    string `json:"id"`    // the value of the heading's id attribute
	Text  string `json:"text"`  // plain text
}

// Result is a rendered body.
type Result struct {
	// HTML is safe to put into a page as it is. Every element is closed,
	// every id begins with IDPrefix.
	HTML string
	// TOC lists the headings outside quotations and lists, in order. It is
	// empty, not nil, when there are none.
	TOC []Heading
	// References lists the legal citations in order, one entry for each
	// place; Start and End are offsets into the source. It is empty, not
	// nil, when there are none.
	References []citation.Reference
	// Dir is the base direction of the document: "ltr" or "rtl".
	Dir string
	// Text is the body as plain text, a line for each block, for search.
	Text string
	// Words counts the words of Text; ideographs count one each.
	Words int
}

// The reasons why a body is refused. Errors from Render match one of them with
// errors.Is, and *Error with errors.As.
var (
	ErrTooLarge    = errors.New("markdown: source too large")
	ErrTooDeep     = errors.New("markdown: source nested too deeply")
	ErrInvalidUTF8 = errors.New("markdown: source is not valid UTF-8")
)

// Error says why a body was refused. Code is stable and meant for messages
// shown to people: "markdown_too_large", "markdown_too_deep" or "invalid_utf8".
type Error struct {
	Code string
	// Limit is the bound that was passed: bytes for markdown_too_large, 0
	// where it has no meaning to an author.
	Limit int
	// Line is the first line at fault, from 1, or 0 when it is not known.
	Line int
	err  error
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%v (line %d)", e.err, e.Line)
	case e.Limit > 0:
		return fmt.Sprintf("%v (limit %d)", e.err, e.Limit)
	}
	return e.err.Error()
}

// Unwrap returns one of the reasons above.
func (e *Error) Unwrap() error { return e.err }

func tooLarge(limit int) error {
	return &Error{Code: "markdown_too_large", Limit: limit, err: ErrTooLarge}
}

func tooDeep() error { return &Error{Code: "markdown_too_deep", err: ErrTooDeep} }

// Render turns Markdown into HTML and what else is known from the text. The
// only errors are *Error: the source is longer than the options allow, is not
// UTF-8, or is nested so deeply that no author can have meant it.
func Render(src []byte, opt Options) (Result, error) {
	d, err := read(src, opt)
	if err != nil {
		return Result{}, err
	}
	d.toc, d.references = []Heading{}, []citation.Reference{}
	d.shape()
	d.numberFootnotes()
	d.nameHeadings()
	d.link()
	d.direct(opt.Locale)
	res := Result{
		HTML:       sanitize(d.html()),
		TOC:        d.toc,
		References: d.references,
		Dir:        d.dir,
		Text:       d.plain(),
	}
	res.Words = countWords(res.Text)
	return res, nil
}

// document is a body on its way from tree to HTML.
type document struct {
	src        []byte
	root       ast.Node
	words      *labels
	dir        string
	toc        []Heading
	anchors    map[string]string // identifiers as authors write them → ours
	references []citation.Reference
}

// parse reads src; the guard ends it by a panic of its own type.
func parse(src []byte) (root ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ours := r.(stop); !ours {
				panic(r)
			}
			root, err = nil, tooDeep()
		}
	}()
	pc := parser.NewContext()
	pc.Set(guardKey, new(guard))
	return theParser.Parse(text.NewReader(src), parser.WithContext(pc)), nil
}

// invalidLine is the line of the first byte that is no UTF-8.
func invalidLine(src []byte) int {
	line := 1
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		i += n
	}
	return line
}
