package meiliindex

import (
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/search"
)

// ends gives where Meilisearch's filter parser ends a value that begins with a
// double quote: at the next one; a backslash is taken with what follows it.
func ends(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"": `""`, "a": `"a"`, `a"b`: `"a\"b"`, `\`: `"\\"`, `\"`: `"\\\""`, "' OR x = 'y": `"' OR x = 'y"`, "é居": `"é居"`,
	} {
		if got := quote(value); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

// Words come folded, as letters and digits; if one ever does not, it still ends
// nothing and excludes nothing.
func TestPhrase(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"a", "b"}, `"a b"`}, {[]string{`a"b`}, `"ab"`}, {[]string{"-a", "b c"}, `"a bc"`}, {[]string{"\xff\n居"}, `"居"`},
	} {
		if got := phrase(c.words...); got != c.want {
			t.Errorf("%q: %s, want %s", c.words, got, c.want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, `\"`, `\\"`, `a" OR part = "1`, "] OR [", "\x00\xff", "“”"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := quote(s)
		if at := ends(q); at != len(q)-1 {
			t.Fatalf("%q leaves its quotes at %d: %s", s, at, q)
		}
		if !strings.ContainsRune(s, '\\') && strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) != s {
			t.Fatalf("%q becomes another value: %s", s, q)
		}
	})
}

// What is typed reaches the server as words and quotes in pairs.
func FuzzCompose(f *testing.F) {
	settings, err := search.Derive(defaults())
	if err != nil {
		f.Fatal(err)
	}
	x := &Index{settings: settings, groups: newGroups(settings)}
	for _, s := range []string{`permesso "di soggiorno" -visto`, `-"`, `a"b`, "居留许可", "d.lgs. 286/1998", "- -- ---", "“x” «y»", "\u200f\"-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := settings.Check(search.Query{Text: s, Locales: []string{"it", "zh-Hans"}})
		if err != nil {
			return
		}
		a := &asker{x: x, q: &q, parsed: search.Parse(q.Text), unknown: map[string]bool{}}
		for _, locale := range q.Locales {
			a.plans = append(a.plans, settings.Plan(a.parsed, q.Locale, locale))
		}
		for _, k := range a.all() {
			if strings.Count(k.text, `"`)%2 != 0 {
				t.Fatalf("%q: an open quote: %s", s, k.text)
			}
			for i, part := range strings.Split(k.text, `"`) {
				for _, word := range strings.Fields(part) {
					bad := strings.ContainsAny(strings.TrimPrefix(word, "-"), `-\`)
					if i%2 == 1 {
						bad = strings.ContainsAny(word, `-\`)
					}
					if bad {
						t.Fatalf("%q: syntax in a word: %s", s, k.text)
					}
				}
			}
		}
	})
}
