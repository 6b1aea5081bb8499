package markdown

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
)

// decode appends to dst the text that src stands for: backslash escapes and
// character references of CommonMark 0.31 §2.4 and §2.5 are resolved.
func decode(dst, src []byte) []byte {
	if plainText(src) {
		return append(dst, src...)
	}
	for i := 0; i < len(src); {
		n := decodeOne(&dst, src[i:])
		i += n
	}
	return dst
}

// plainText reports whether src stands for itself.
func plainText(src []byte) bool {
	return bytes.IndexByte(src, '\\') < 0 && bytes.IndexByte(src, '&') < 0 && bytes.IndexByte(src, 0) < 0
}

// decodeOne appends what the first character of src stands for and returns how
// many bytes of src it took.
func decodeOne(dst *[]byte, src []byte) int {
	switch c := src[0]; c {
	case 0:
		*dst = append(*dst, "\uFFFD"...)
		return 1
	case '\\':
		if len(src) > 1 && util.IsPunct(src[1]) {
			*dst = append(*dst, src[1])
			return 2
		}
	case '&':
		if n := reference(dst, src); n > 0 {
			return n
		}
	}
	*dst = append(*dst, src[0])
	return 1
}

// maxReference bounds the length of a character reference: the longest name of
// HTML has 31 letters.
const maxReference = 34

// reference appends the characters of the reference at the start of src and
// returns its length, or 0 when there is none.
func reference(dst *[]byte, src []byte) int {
	end := bytes.IndexByte(src[:min(len(src), maxReference)], ';')
	if end < 2 {
		return 0
	}
	name := src[1:end]
	if name[0] != '#' {
		e, ok := util.LookUpHTML5EntityByName(string(name))
		if !ok {
			return 0
		}
		*dst = append(*dst, e.Characters...)
		return end + 1
	}
	digits, base, most := string(name[1:]), 10, 7
	if len(digits) > 0 && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base, most = digits[1:], 16, 6
	}
	if digits == "" || len(digits) > most {
		return 0
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0
	}
	r := rune(v)
	if v == 0 || v > unicode.MaxRune || !utf8.ValidRune(r) {
		r = utf8.RuneError
	}
	*dst = utf8.AppendRune(*dst, r)
	return end + 1
}

// appendText appends the plain text of n and what is in it. Blocks end with a
// line break, except where the text ends.
func (d *document) appendText(dst []byte, n ast.Node) []byte {
	switch n := n.(type) {
	case *ast.Text:
		if n.IsRaw() {
			dst = append(dst, n.Segment.Value(d.src)...)
		} else {
			dst = decode(dst, n.Segment.Value(d.src))
		}
		if n.SoftLineBreak() || n.HardLineBreak() {
			dst = append(dst, ' ')
		}
		return dst
	case *ast.String:
		return append(dst, n.Value...)
	case *lineBreak:
		return append(dst, ' ')
	case *ast.AutoLink:
		return append(dst, n.Label(d.src)...)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		lines := n.Lines()
		for i := 0; i < lines.Len(); i++ {
			s := lines.At(i)
			dst = append(dst, s.Value(d.src)...)
		}
		return dst
	case *east.FootnoteLink, *east.FootnoteBacklink:
		return dst
	case *figure:
		dst = d.appendText(dst, n.FirstChild())
		dst = append(dst, '\n')
		return append(append(dst, n.caption...), '\n')
	case *calloutTitle:
		if !n.HasChildren() {
			return dst // a label, not the author's text
		}
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		dst = d.appendText(dst, c)
	}
	if n.Type() == ast.TypeBlock && len(dst) > 0 && dst[len(dst)-1] != '\n' {
		dst = append(dst, '\n')
	}
	return dst
}

// plain is the text of the whole document.
func (d *document) plain() string {
	text := d.appendText(make([]byte, 0, len(d.src)), d.root)
	return string(bytes.TrimSpace(text))
}

// inlineText is the text of one line: a heading, a label.
func (d *document) inlineText(n ast.Node) string {
	return strings.Join(strings.Fields(string(d.appendText(nil, n))), " ")
}

// countWords counts runs of letters, digits and marks; apostrophes and hyphens
// inside a run do not part it. An ideograph is a word.
func countWords(s string) int {
	n := 0
	inside := false
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf && ('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'):
			if !inside {
				n++
			}
			inside = true
		case r == '-' || r == '\'' || r == '’' || r == '\u200c' || r == '\u200d':
			// Inside only if a letter comes next.
			next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
			inside = inside && (unicode.IsLetter(next) || unicode.IsDigit(next) || unicode.IsMark(next))
		case r < utf8.RuneSelf:
			inside = false
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			n++
			inside = false
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if !inside {
				n++
			}
			inside = true
		default:
			inside = false
		}
	}
	return n
}
