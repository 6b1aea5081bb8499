package search

import (
	"strings"
	"unicode"
)

// urduLetters are those of Urdu that Arabic has not.
const urduLetters = "ٹڈڑںےہھگچپکی"

// Script gives the language in whose letters a text is written, where these tell:
// the first letter of a script that Italian has not decides. Otherwise it is empty.
func Script(text string) string {
	for _, r := range text {
		switch {
		case r < 0x0600:
		case unicode.Is(unicode.Han, r):
			return "zh-Hans"
		case unicode.Is(unicode.Bengali, r):
			return "bn"
		case unicode.Is(unicode.Arabic, r) && unicode.IsLetter(r):
			if strings.ContainsAny(text, urduLetters) {
				return "ur"
			}
			return "ar"
		}
	}
	return ""
}
