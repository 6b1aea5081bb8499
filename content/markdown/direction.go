package markdown

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"golang.org/x/text/unicode/bidi"
)

const (
	ltr = "ltr"
	rtl = "rtl"
)

// rtlLanguages are written from right to left unless their tag says otherwise.
var rtlLanguages = map[string]bool{
	"ar": true, "arc": true, "ary": true, "arz": true, "ckb": true, "dv": true, "fa": true, "prs": true, "pes": true,
	"he": true, "iw": true, "ji": true, "yi": true, "ps": true, "pbt": true, "sd": true, "ug": true, "ur": true,
	"nqo": true, "syr": true, "lrc": true, "mzn": true, "pnb": true, "bal": true, "rhg": true,
}

var rtlScripts = map[string]bool{"arab": true, "aran": true, "hebr": true, "syrc": true, "thaa": true, "nkoo": true, "adlm": true, "rohg": true}

// baseDirection is the direction of documents in a locale, "" when there is no
// locale.
func baseDirection(locale string) string {
	lang, script := splitLocale(locale)
	switch {
	case lang == "":
		return ""
	case script != "" && rtlScripts[script] || script == "" && rtlLanguages[lang]:
		return rtl
	}
	return ltr
}

// direct sets the direction of the document, and dir and lang on the blocks
// whose first strong character (Unicode Bidirectional Algorithm, rule P2) goes
// the other way from what surrounds them.
func (d *document) direct(locale string) {
	first := map[ast.Node]string{}
	if hasRTL(d.src) || baseDirection(locale) == rtl {
		d.firstStrong(d.root, first)
	} else {
		d.dir = ltr
		return
	}
	if d.dir = baseDirection(locale); d.dir == "" {
		if d.dir = first[d.root]; d.dir == "" {
			d.dir = ltr
		}
	}
	d.setDirection(d.root, d.dir, first)
}

// hasRTL reports whether the source may hold a character written from right to
// left. All of them lie beyond U+0590, so Latin text is passed over quickly.
// A character reference may stand for one as well.
func hasRTL(src []byte) bool {
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '&' && i+1 < len(src) && src[i+1] != ' ':
			var out []byte
			if n := reference(&out, src[i:]); n > 0 {
				if r, _ := utf8.DecodeRune(out); strong(r) == rtl {
					return true
				}
				i += n
				continue
			}
			i++
		case c < 0xD6:
			i++
		default:
			r, n := utf8.DecodeRune(src[i:])
			if strong(r) == rtl {
				return true
			}
			i += n
		}
	}
	return false
}

// strong is the direction of a strong character, or "".
func strong(r rune) string {
	if r < utf8.RuneSelf {
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return ltr
		}
		return ""
	}
	p, _ := bidi.LookupRune(r)
	switch p.Class() {
	case bidi.L:
		return ltr
	case bidi.R, bidi.AL:
		return rtl
	}
	return ""
}

// firstStrong fills in the direction of each block by its first strong
// character, blocks without one left out, and returns that of n.
func (d *document) firstStrong(n ast.Node, first map[ast.Node]string) string {
	if isInlineHolder(n) {
		dir := d.strongInline(n)
		if dir != "" {
			first[n] = dir
		}
		return dir
	}
	found := ""
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if dir := d.firstStrong(c, first); found == "" {
			found = dir
		}
	}
	if f, ok := n.(*figure); ok {
		found = strongIn([]byte(f.caption))
	}
	if c, ok := n.(*container); ok && c.dir != "" {
		found = c.dir // the author knows
	}
	if found != "" {
		first[n] = found
	}
	return found
}

// strongInline is the direction of the first strong character that readers see
// as text: addresses, code and descriptions of images do not count.
func (d *document) strongInline(n ast.Node) string {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		dir := ""
		switch c := c.(type) {
		case *ast.Text:
			value := c.Segment.Value(d.src)
			if bytes.IndexByte(value, '&') >= 0 {
				value = decode(nil, value)
			}
			dir = strongIn(value)
		case *ast.String:
			dir = strongIn(c.Value)
		case *ast.Image, *ast.CodeSpan, *ast.AutoLink, *east.FootnoteLink, *east.FootnoteBacklink:
		case *span:
			if dir = c.dir; dir == "" {
				dir = d.strongInline(c)
			}
		default:
			dir = d.strongInline(c)
		}
		if dir != "" {
			return dir
		}
	}
	return ""
}

func strongIn(text []byte) string {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if dir := strong(r); dir != "" {
			return dir
		}
		i += n
	}
	return ""
}

// setDirection marks the outermost blocks that go the other way.
func (d *document) setDirection(n ast.Node, around string, first map[ast.Node]string) {
	switch n.(type) {
	case *ast.Document, *ast.TextBlock, *east.TableHeader, *east.TableRow, *east.FootnoteList, *calloutTitle:
		// They have no element of their own, or none that text lies in.
	default:
		if dir := first[n]; dir != "" && dir != around {
			n.SetAttributeString("dir", []byte(dir))
			if dir == rtl {
				if lang := guessLanguage(d.appendText(nil, n)); lang != "" {
					n.SetAttributeString("lang", []byte(lang))
				}
			}
			around = dir
		}
	}
	for c := n.FirstChild(); c != nil && c.Type() == ast.TypeBlock; c = c.NextSibling() {
		d.setDirection(c, around, first)
	}
}

// guessLanguage names the language of a text from right to left by its script,
// and among those in Arabic script by letters that only some of them have: for
// a screen reader the likeliest voice is better than one that cannot read the
// script at all.
func guessLanguage(text []byte) string {
	lang := ""
	const enough = 2000
	for i := 0; i < len(text) && i < enough; {
		r, n := utf8.DecodeRune(text[i:])
		i += n
		switch {
		case r < 0x0590:
		case unicode.Is(unicode.Hebrew, r):
			return "he"
		case unicode.Is(unicode.Syriac, r):
			return "syr"
		case unicode.Is(unicode.Thaana, r):
			return "dv"
		case unicode.Is(unicode.Nko, r):
			return "nqo"
		case r == 'ٹ' || r == 'ڈ' || r == 'ڑ' || r == 'ے' || r == 'ں':
			return "ur"
		case r == 'ټ' || r == 'ډ' || r == 'ړ' || r == 'ښ' || r == 'ڼ' || r == 'ۍ':
			return "ps"
		case r == 'پ' || r == 'چ' || r == 'ژ' || r == 'گ' || r == 'ک' || r == 'ی':
			lang = "fa" // Urdu and Pashto have these too, and may follow
		case lang == "" && unicode.Is(unicode.Arabic, r) && unicode.IsLetter(r):
			lang = "ar"
		}
	}
	return lang
}
