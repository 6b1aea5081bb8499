package schemas

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// cleanLine is text on one line: NFC, trimmed, runs of spaces, tabs and line
// ends as one space. Text with nothing visible in it is empty.
func cleanLine(s string) (string, []Issue) {
	if plainLine(s) {
		return s, nil
	}
	s, issues := cleanRunes(s)
	if issues != nil {
		return "", issues
	}
	return visible(strings.TrimSpace(collapse(s))), nil
}

// cleanBlock is text on several lines: NFC, line ends as \n, no blank lines at
// the start and no white space at the end. Inner white space stays, since it
// means something in Markdown.
func cleanBlock(s string) (string, []Issue) {
	s, issues := cleanRunes(s)
	if issues != nil {
		return "", issues
	}
	s = strings.TrimRightFunc(s, unicode.IsSpace)
	for {
		i := strings.IndexByte(s, '\n')
		if i < 0 || strings.TrimSpace(s[:i]) != "" {
			return visible(s), nil
		}
		s = s[i+1:]
	}
}

// plainLine reports whether s is printable ASCII that cleanLine would not change.
func plainLine(s string) bool {
	if s == "" {
		return true
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == ' ' && s[i+1] == ' ' {
			return false
		}
	}
	return true
}

// cleanRunes checks encoding and characters, makes every line end \n, drops
// byte-order marks and normalises to NFC.
func cleanRunes(s string) (string, []Issue) {
	if !utf8.ValidString(s) {
		return "", issue(CodeInvalidEncoding, nil)
	}
	odd := false
	bidi := false
	for _, r := range s {
		switch {
		case r >= 0x20 && r < 0x7f, r == '\n', r == '\t':
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029', r == '\ufeff':
			odd = true
		case forbidden(r):
			return "", badCharacter(r)
		case isBidiControl(r):
			bidi = true
		}
	}
	if odd {
		s = lineEnds.Replace(s)
	}
	if bidi {
		if r := unbalanced(s); r != 0 {
			return "", badCharacter(r)
		}
	}
	return norm.NFC.String(s), nil
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n", "\ufeff", "")

func badCharacter(r rune) []Issue {
	return issue(CodeControlCharacter, map[string]any{"character": fmt.Sprintf("U+%04X", r)})
}

// forbidden reports characters that no text needs: control characters but for
// tab and line ends, non-characters, and the bidirectional overrides, which show
// a text in another order than it is stored in (Unicode TR 36, section 3.4).
func forbidden(r rune) bool {
	switch {
	case r == '\n', r == '\t', r == '\r', r == '\u0085':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r == '\u202d', r == '\u202e':
		return true
	case r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe:
		return true
	}
	return false
}

// isBidiControl reports embeddings and isolates and what closes them.
func isBidiControl(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// unbalanced answers the first embedding or isolate that does not close on its
// own line, or the first closing mark with nothing to close; 0 when all match.
// Arabic text from word processors carries matched ones, which do no harm; an
// open one would turn what follows it on the page.
func unbalanced(s string) rune {
	var open []rune
	for _, r := range s {
		switch r {
		case '\u202a', '\u202b', '\u2066', '\u2067', '\u2068':
			open = append(open, r)
		case '\u202c', '\u2069':
			if len(open) == 0 || (open[len(open)-1] >= '\u2066') != (r == '\u2069') {
				return r
			}
			open = open[:len(open)-1]
		case '\n':
			if len(open) > 0 {
				return open[0]
			}
		}
	}
	if len(open) > 0 {
		return open[0]
	}
	return 0
}

// collapse makes one space of every run of spaces, tabs and line ends.
// No-break spaces stay: French typography needs them.
func collapse(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if r == ' ' || r == '\n' || r == '\t' {
			space = true
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	if space {
		b.WriteByte(' ')
	}
	return b.String()
}

// visible answers s, or nothing when no character of it can be seen.
func visible(s string) string {
	for _, r := range s {
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Mn, r) {
			return s
		}
	}
	return ""
}

// CountWords counts words as an author would: runs of letters and digits
// between white space, and every Han, Hiragana or Katakana character as a word,
// since those scripts put no spaces between words. Punctuation and Markdown
// marks that stand alone do not count.
func CountWords(s string) int {
	n := 0
	in := false
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if r == ' ' || r == '\n' || r == '\t' || r == '\r' {
				in = false
			} else if !in && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
				n++
				in = true
			}
		case unicode.IsSpace(r):
			in = false
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			n++
			in = false
		case !in && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			n++
			in = true
		}
	}
	return n
}
