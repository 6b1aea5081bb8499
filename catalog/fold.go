package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// foldWords makes text comparable: words in lower case, without accents, vowel
// points and the Arabic lengthening mark, each followed by a space. Anything but
// letters and digits parts words, apostrophes included, so "l'accoglienza" is
// found by "accoglienza". Each ideograph is a word, since Chinese and Japanese
// put no spaces between theirs.
func foldWords(b *strings.Builder, text string) {
	in := false
	end := func() {
		if in {
			b.WriteByte(' ')
			in = false
		}
	}
	// After a broken character the normaliser leaves the next one as it is.
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(text, "\ufffd")) {
		switch {
		case r < 0x80:
			switch {
			case r >= 'A' && r <= 'Z':
				b.WriteRune(r + 'a' - 'A')
				in = true
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
				b.WriteByte(byte(r))
				in = true
			default:
				end()
			}
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r), r == 'ـ':
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			end()
			b.WriteRune(r)
			b.WriteByte(' ')
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.Mc, r):
			b.WriteRune(unicode.ToLower(r))
			in = true
		default:
			end()
		}
	}
	end()
}

// wordsOf folds several texts into one string in which " word " and " begin"
// can be searched for.
func wordsOf(texts ...string) string {
	var b strings.Builder
	b.WriteByte(' ')
	for _, t := range texts {
		foldWords(&b, t)
	}
	return b.String()
}

// needles turns a query into what each item's words must contain. The last word
// may be the beginning of one, unless something that parts words follows it.
func needles(q string) []string {
	var b strings.Builder
	foldWords(&b, q)
	words := strings.Fields(b.String())
	for i, w := range words {
		words[i] = " " + w + " "
	}
	if n := len(words); n > 0 {
		words[n-1] = strings.TrimSuffix(words[n-1], " ")
	}
	return words
}
