package citation

import (
	"unicode"
	"unicode/utf8"
)

// This file holds the small readers that every parser of the package is made
// of. Each takes a text and a byte offset, never moves outside the text, and
// returns the offset after what it read; ok tells whether it read anything.

// maxSpace bounds the white space between two words of one citation.
const maxSpace = 16

// space skips white space, including the non-breaking kinds that word
// processors put after "art.", and at most one line break: an empty line ends
// a citation.
func space(s string, i int) int {
	lines := 0
	for limit := i + maxSpace; i < len(s) && i < limit; {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '\n':
			if lines++; lines > 1 {
				return i
			}
			i++
		case c == 0xC2 && hasAt(s, i, "\u00a0"):
			i += 2
		case c == 0xE2 && (hasAt(s, i, "\u202f") || hasAt(s, i, "\u2009")):
			i += 3
		default:
			return i
		}
	}
	return i
}

func hasAt(s string, i int, lit string) bool {
	return i >= 0 && i <= len(s) && len(s)-i >= len(lit) && s[i:i+len(lit)] == lit
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// wordEnds reports whether no word or number goes on at offset i.
func wordEnds(s string, i int) bool {
	if i >= len(s) {
		return true
	}
	c := s[i]
	if c < utf8.RuneSelf {
		return !isDigit(c) && !isLetter(c) && c != '_'
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

// apostrophe reads any of the characters that people use for one, with a
// space after it forgiven.
func apostrophe(s string, i int) (int, bool) {
	switch {
	case i < len(s) && (s[i] == '\'' || s[i] == '`'):
		i++
	case hasAt(s, i, "’"), hasAt(s, i, "‘"), hasAt(s, i, "ʼ"), hasAt(s, i, "´"):
		_, n := utf8.DecodeRuneInString(s[i:])
		i += n
	default:
		return i, false
	}
	if i < len(s) && s[i] == ' ' {
		i++
	}
	return i, true
}

// hyphen reads any of the dashes used inside words and ranges.
func hyphen(s string, i int) (int, bool) {
	if i < len(s) && s[i] == '-' {
		return i + 1, true
	}
	for _, h := range [...]string{"‐", "‑", "–", "−", "—"} {
		if hasAt(s, i, h) {
			return i + len(h), true
		}
	}
	return i, false
}

// phrase reads the words of pattern without regard to ASCII case. A blank in
// the pattern stands for white space or one hyphen ("decreto legge",
// "decreto-legge"), an apostrophe for any apostrophe. The phrase must end
// where a word ends, unless it ends with an apostrophe.
func phrase(s string, i int, pattern string) (int, bool) {
	for k := 0; k < len(pattern); k++ {
		switch p := pattern[k]; p {
		case ' ':
			j, ok := hyphen(s, i)
			if !ok {
				j = space(s, i)
			}
			if j == i {
				return i, false
			}
			i = j
		case '\'':
			j, ok := apostrophe(s, i)
			if !ok {
				return i, false
			}
			i = j
		default:
			if i >= len(s) || lower(s[i]) != p {
				return i, false
			}
			i++
		}
	}
	if pattern[len(pattern)-1] != '\'' && !wordEnds(s, i) {
		return i, false
	}
	return i, true
}

// anyPhrase reads the first of the patterns that fits; put longer ones first.
func anyPhrase(s string, i int, patterns ...string) (int, bool) {
	for _, p := range patterns {
		if j, ok := phrase(s, i, p); ok {
			return j, true
		}
	}
	return i, false
}

// dot skips the full stop of an abbreviation, if there is one.
func dot(s string, i int) int {
	if i < len(s) && s[i] == '.' {
		return i + 1
	}
	return i
}

// commaSpace skips white space and one comma.
func commaSpace(s string, i int) int {
	i = space(s, i)
	if i < len(s) && s[i] == ',' {
		i = space(s, i+1)
	}
	return i
}

// digits reads one to max digits that no further digit follows.
func digits(s string, i, max int) (int, bool) {
	j := i
	for j < len(s) && isDigit(s[j]) {
		if j++; j-i > max {
			return i, false
		}
	}
	return j, j > i
}

// atoi converts a short run of digits.
func atoi(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// trimZeros drops the leading zeros of a number.
func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// abbreviation reads letters that may be parted by full stops and blanks
// ("D.Lgs.", "d. lgs.", "DLgs") and returns the value of the longest run of
// them in table. The last full stop belongs to the abbreviation.
func abbreviation[V any](s string, i int, table map[string]V) (v V, end int, ok bool) {
	var key [12]byte
	n := 0
	for pieces := 0; pieces < 6; pieces++ {
		j := i
		for j < len(s) && isLetter(s[j]) && n < len(key) {
			key[n] = lower(s[j])
			n++
			j++
		}
		if j == i || !wordEnds(s, j) {
			break
		}
		i = dot(s, j)
		if found, hit := table[string(key[:n])]; hit {
			v, end, ok = found, i, true
		}
		i = space(s, i)
	}
	return v, end, ok
}
