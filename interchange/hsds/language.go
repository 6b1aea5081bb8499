package hsds

import (
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/prassi-cms/prassi/schemas"
)

// named are the languages that are found by their name in English, Italian or
// their own words, for files that give no code.
var named = []string{
	"am", "ar", "bm", "bn", "ber", "bg", "bs", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fil", "fr", "ff", "gu", "ha", "he",
	"hi", "hr", "hu", "hy", "id", "ig", "it", "ja", "ka", "kk", "km", "ko", "ku", "lo", "lt", "lv", "mk", "mn", "ms", "mt", "my", "ne",
	"nl", "no", "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk", "sl", "sn", "so", "sq", "sr", "sv", "sw", "ta", "te", "th", "ti", "tl",
	"tr", "uk", "ur", "uz", "vi", "wo", "xh", "yo", "zh", "zu",
}

var languageNames = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, tag := range named {
		t := language.Make(tag)
		for _, n := range []string{display.English.Languages().Name(t), display.Italian.Languages().Name(t), display.Self.Name(t)} {
			if key := fold(n); key != "" && out[key] == "" {
				out[key] = tag
			}
		}
	}
	return out
})

// languageOf gives the tag of a language object; empty when it is not known.
func languageOf(o map[string]any) string {
	for _, word := range []string{text(o["code"]), text(o["name"])} {
		if tag, ok := languageNames()[fold(word)]; ok {
			if c, ok := schemas.CanonicalTag(tag); ok {
				return c
			}
		}
		if len(word) >= 2 && len(word) <= 3 || len(word) > 3 && (word[2] == '-' || word[3] == '-') {
			if c, ok := schemas.CanonicalTag(word); ok {
				return c
			}
		}
	}
	return ""
}

// spoken are the languages in which a service is offered.
func spoken() piece {
	return piece{
		field: "languages", path: "languages[].code",
		get: func(r *reader, o map[string]any) any {
			var out []any
			for _, l := range objects(o["languages"]) {
				if tag := languageOf(l); tag != "" {
					out = append(out, tag)
				} else if filled(l["code"]) || filled(l["name"]) {
					r.kept("languages[].code", schemas.CodeInvalidLanguage, first(text(l["code"]), text(l["name"])))
				}
			}
			if out == nil {
				return nil
			}
			return out
		},
		put: func(w *writer, o map[string]any, want any) {
			byTag := map[string]any{}
			var rest []any
			for _, x := range listOf(o["languages"]) {
				tag := ""
				if l, ok := x.(map[string]any); ok {
					tag = languageOf(l)
				}
				if tag == "" {
					rest = append(rest, x)
				} else if byTag[tag] == nil {
					byTag[tag] = x
				}
			}
			var list []any
			for _, x := range listOf(want) {
				tag := words1(x)
				l := byTag[tag]
				if l == nil {
					name := display.English.Languages().Name(language.Make(tag))
					if name == "" {
						name = tag
					}
					l = map[string]any{"id": w.newID("language", tag), "name": name, "code": tag}
				}
				list = append(list, l)
			}
			setList(o, "languages", append(list, rest...))
		},
	}
}
