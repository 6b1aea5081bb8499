package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxTerm bounds a word, in runes: what is longer is no word.
const maxTerm = 40

// Token is a word of a text.
type Token struct {
	// Term is the word folded; for Chinese and Japanese a pair of characters.
	Term string
	// Start and End are bytes of the text.
	Start, End int
	// Joined: the token overlaps the one before, in a run without spaces.
	Joined bool
}

// Tokens cuts a text into folded words and appends them to dst. Any bytes are
// fine; the time is linear in their number.
func Tokens(dst []Token, text string) []Token {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && !alphanumeric(c) {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case ideograph(r):
			end := i + n
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if !ideograph(r) {
					break
				}
				end += n
			}
			dst = pairs(dst, text, i, end)
			i = end
		case letter(r):
			end, plain := i+n, r < utf8.RuneSelf
			for end < len(text) {
				if c := text[end]; c < utf8.RuneSelf {
					if !alphanumeric(c) {
						break
					}
					end++
					continue
				}
				r, n := utf8.DecodeRuneInString(text[end:])
				if ideograph(r) || !letter(r) && !unicode.In(r, unicode.M, unicode.Cf) {
					break
				}
				plain = false
				end += n
			}
			if term := foldWord(text[i:end], plain); term != "" {
				dst = append(dst, Token{Term: term, Start: i, End: end})
			}
			i = end
		default:
			i += n
		}
	}
	return dst
}

// Fold gives the folded words of a text with one space between them.
func Fold(text string) string {
	var b strings.Builder
	for i, t := range Tokens(nil, text) {
		term := t.Term
		if t.Joined { // of overlapping pairs only the last character is new
			_, n := utf8.DecodeRuneInString(term)
			term = term[n:]
		} else if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(term)
	}
	return b.String()
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func letter(r rune) bool {
	if r < utf8.RuneSelf {
		return alphanumeric(byte(r))
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.Is(unicode.Nd, r))
}

// ideograph reports the scripts that put no spaces between words.
func ideograph(r rune) bool {
	return r >= 0x2E80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// pairs appends the overlapping pairs of a run, or its only character.
func pairs(dst []Token, text string, start, end int) []Token {
	_, n := utf8.DecodeRuneInString(text[start:end])
	if start+n == end {
		return append(dst, Token{Term: foldWord(text[start:end], false), Start: start, End: end})
	}
	for at, joined := start, false; ; joined = true {
		_, first := utf8.DecodeRuneInString(text[at:end])
		if at+first == end {
			return dst
		}
		_, second := utf8.DecodeRuneInString(text[at+first : end])
		to := at + first + second
		dst = append(dst, Token{Term: foldWord(text[at:to], false), Start: at, End: to, Joined: joined})
		at += first
	}
}

// letters are written as one for those who search: variants that keyboards of
// different languages type for the same letter, ligatures, and letters that are
// confused in spelling. Decomposition (NFKD) has done the rest before.
var letters = func() map[rune]string {
	m := map[rune]string{}
	for to, from := range map[string]string{
		"ss": "ß", "ae": "æ", "oe": "œ", "o": "ø", "l": "ł", "d": "đð", "th": "þ", "i": "ı", "h": "ħ",
		"ا": "ٱ", "ي": "ىیې", "ك": "ک", "ه": "ةہەۃھ", "": "ـ", // Arabic, Persian, Urdu; tatweel
		"ি": "ী", "ু": "ূ", "ন": "ণ", "ত": "ৎ", "স": "শষ", // Bengali, sounded alike
	} {
		for _, r := range from {
			m[r] = to
		}
	}
	for _, zero := range []rune{'٠', '۰', '०', '০', '੦', '௦', '෦'} {
		for i := range rune(10) {
			m[zero+i] = string('0' + i)
		}
	}
	return m
}()

// silent marks are dropped: accents and vowel points of alphabets; in Indic
// scripts, where marks are vowels, only the nukta and the candrabindu.
func silent(r rune) bool {
	switch {
	case unicode.Is(unicode.Cf, r):
		return true
	case !unicode.Is(unicode.M, r):
		return false
	case r < 0x0900, r >= 0x1AB0 && r < 0x2100, r >= 0xFE00 && r < 0xFE30: // combining, Arabic, Hebrew, variation selectors
		return true
	}
	switch r {
	case 0x093C, 0x0901, 0x09BC, 0x0981, 0x0A3C, 0x0A70, 0x3099, 0x309A:
		return true
	}
	return false
}

func foldWord(word string, plain bool) string {
	if plain {
		return strings.ToLower(word[:min(len(word), maxTerm)])
	}
	var b strings.Builder
	n := 0
	for _, r := range norm.NFKD.String(strings.ToLower(word)) {
		if n++; n > maxTerm {
			break
		}
		if to, ok := letters[r]; ok {
			b.WriteString(to)
		} else if !silent(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}
