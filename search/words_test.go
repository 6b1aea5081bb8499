package search_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/search"
)

func terms(text string) (out []string) {
	for _, t := range search.Tokens(nil, text) {
		out = append(out, t.Term)
	}
	return out
}

// People type words in many ways; they fold to one.
func TestWordsThatAreTypedDifferently(t *testing.T) {
	for _, words := range [][]string{
		{"città", "citta", "CITTÀ", "citta\u0300"},
		{"l'alloggio", "L’alloggio", "l alloggio"},
		{"français", "Francais"}, {"niño", "nino"}, {"Straße", "strasse"}, {"œuvre", "oeuvre"},
		{"تصريح", "تَصْرِيح", "تصـــريح"}, {"إقامة", "اقامه", "أقامة"}, {"على", "علي"},
		{"پاکستانی", "پاكستاني"}, {"ہسپتال", "هسپتال"}, {"لائحة", "لایحه"},
		{"বাড়ি", "বাড়ী"}, {"ড়", "\u09a1\u09bc"},
		{"286/1998", "٢٨٦/١٩٩٨", "۲۸۶/۱۹۹۸", "২৮৬/১৯৯৮"},
		{"e\u200bmail", "email"}, {"\u202eabc\u202c", "abc"}, {"ＰＤＳ", "pds"},
	} {
		for _, other := range words[1:] {
			if a, b := terms(words[0]), terms(other); !slices.Equal(a, b) {
				t.Errorf("%q is %q, %q is %q", words[0], a, other, b)
			}
		}
	}
	if got := terms("居留许可 A2"); !slices.Equal(got, []string{"居留", "留许", "许可", "a2"}) {
		t.Errorf("pairs: %q", got)
	}
	for _, nothing := range []string{"", "🙂🚀", "!?…", "\u064b\u064c", "\xff\xfe", "\u200f\u202e"} {
		if got := terms(nothing); len(got) != 0 {
			t.Errorf("%q has words: %q", nothing, got)
		}
	}
}

// Forms of one word have one stem in their language, and other words another.
func TestStems(t *testing.T) {
	for locale, groups := range map[string][]string{
		"it": {"permesso permessi", "ufficio uffici", "straniera straniere straniero stranieri", "lavoratore lavoratori lavoratrice lavoratrici", "banca banche", "servizio servizi"},
		"en": {"permit permits", "city cities", "study studies studied studying", "house houses housing", "service services", "worker workers"},
		"fr": {"permis", "étranger étrangère étrangers étrangères", "travailleur travailleurs travailleuse", "bureau bureaux", "réfugié réfugiée réfugiés réfugiées"},
		"es": {"permiso permisos", "extranjero extranjera extranjeros extranjeras", "ciudad ciudades", "trabajador trabajadora trabajadores", "habitación habitaciones", "inmigrante inmigrantes"},
		"ar": {"الإقامة إقامة والإقامة للإقامة بالإقامة", "مهاجرون المهاجرين مهاجر", "مركز المركز"},
		"bn": {"অভিবাসী অভিবাসীদের অভিবাসীরা", "কেন্দ্র কেন্দ্রের"},
	} {
		stems := map[string]string{}
		for _, forms := range groups {
			words := strings.Fields(forms)
			stem := search.Stem(locale, terms(words[0])[0])
			if other := stems[stem]; other != "" {
				t.Errorf("%s: %s and %s have the stem %s", locale, words[0], other, stem)
			}
			stems[stem] = words[0]
			for _, w := range words[1:] {
				if got := search.Stem(locale, terms(w)[0]); got != stem {
					t.Errorf("%s: %s has the stem %q, %s %q", locale, words[0], stem, w, got)
				}
			}
		}
	}
}

// Tokens point into the text, in order, and folding is stable.
func TestTokensPointIntoTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		last := 0
		for _, token := range search.Tokens(nil, text) {
			if token.Start < last || token.End <= token.Start || token.End > len(text) || token.Term == "" {
				t.Fatalf("token %+v after %d in %d bytes", token, last, len(text))
			}
			if again := search.Fold(token.Term); search.Fold(again) != again {
				t.Fatalf("%q folds to %q and then to %q", token.Term, again, search.Fold(again))
			}
			last = token.Start
		}
	})
}

// The distance is what it says, whatever the limit.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		prefix bool
		want   int
	}{
		{"soggiorno", "sogiorno", false, 1}, {"permesso", "permseso", false, 1}, {"casa", "cosa", false, 1},
		{"lavoro", "lavoro", false, 0}, {"sogior", "soggiorno", true, 1}, {"casa", "casetta", true, 1}, {"abc", "xyz", false, 3},
		{"رخصة", "رخصه", false, 1},
	} {
		if got := search.Distance([]rune(c.a), []rune(c.b), 3, c.prefix); got != c.want {
			t.Errorf("%s → %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 9, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []rune(letters.Draw(t, "a")), []rune(letters.Draw(t, "b"))
		full := search.Distance(a, b, 20, false)
		if back := search.Distance(b, a, 20, false); back != full {
			t.Fatalf("there %d, back %d", full, back)
		}
		for limit := range 4 {
			if got := search.Distance(a, b, limit, false); got != min(full, limit+1) {
				t.Fatalf("limit %d: %d, the distance is %d", limit, got, full)
			}
			best := full
			for i := range b {
				best = min(best, search.Distance(a, b[:i], 20, false))
			}
			if got := search.Distance(a, b, limit, true); got != min(best, limit+1) {
				t.Fatalf("prefix, limit %d: %d, the distance is %d", limit, got, best)
			}
		}
	})
}

// Only whole words are put right, and what is right stays as it was typed.
func TestCorrect(t *testing.T) {
	right := map[string]string{"permes": "permesso", "arta": "carta"}
	for text, want := range map[string]string{
		"Permessi  permes": "Permessi  permesso", "carta d'arta": "carta d'carta", " -permes \"arta\"": "-permesso \"carta\"", "permesso": "", "": "",
	} {
		if got := search.Correct(text, right); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// An act has one name, whether it is cited by its date or by its year.
func TestActName(t *testing.T) {
	const day, year = "urn:nir:stato:decreto.legislativo:1998-07-25;286", "urn:nir:stato:decreto.legislativo:1998;286"
	for identifier, want := range map[string]string{
		day: "urn:nir:stato:decreto.legislativo:286/1998", year: "urn:nir:stato:decreto.legislativo:286/1998",
		"urn:nir:stato:legge:1998;286": "urn:nir:stato:legge:286/1998", "32016R0679": "32016R0679", "urn:nir:stato:costituzione": "urn:nir:stato:costituzione",
	} {
		if got := (search.Act{Identifier: identifier}).Name(); got != want {
			t.Errorf("%s: %s, want %s", identifier, got, want)
		}
	}
}

// The letters tell the language, where they do.
func TestScript(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "permesso é ß": "", "дом": "", "居留": "zh-Hans", "pds 居留": "zh-Hans", "বাড়ি": "bn", "تصريح": "ar", "تَصْرِيح": "ar", "پاسپورٹ": "ur", "🙂\u064b": "", "\xff": "",
	} {
		if got := search.Script(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
