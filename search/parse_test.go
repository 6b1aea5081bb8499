package search_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/search"
)

// Quotes and hyphens are all that has a meaning.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		text             string
		words            string
		phrases, exclude [][]string
		act              string
	}{
		{text: `corso "permesso di soggiorno" milano`, words: "corso milano+", phrases: [][]string{{"permesso", "di", "soggiorno"}}},
		{text: `«lavoro nero» -stagionale `, phrases: [][]string{{"lavoro", "nero"}}, exclude: [][]string{{"stagionale"}}},
		{text: `casa -"posto letto"`, words: "casa", exclude: [][]string{{"posto", "letto"}}},
		{text: `"a b" "a b" "c" -"d e" "f" "g"`, phrases: [][]string{{"a", "b"}, {"c"}, {"f"}}, exclude: [][]string{{"d", "e"}}},
		{text: `e-mail`, words: "e mail+"},
		{text: `casa - milano`, words: "casa milano+"},
		{text: `"mai chiusa`, words: "mai chiusa+"},
		{text: `title:lavoro^3 AND (x OR *) ~2 /re.*/ +a`, words: "title lavoro 3 and x or 2 re a+"},
		{text: `type = "x' OR 1=1`, words: "type x or 1 1+"},
		{text: `-`, words: ""}, {text: `""`, words: ""}, {text: `🙂`, words: ""},
		{text: `d.lgs. 286/1998`, words: "d lgs 286 1998+", act: "286/1998"},
		{text: `286/98`, words: "286 98+", act: "286/1998"},
		{text: `24/7`, words: "24 7+"},
		{text: `居留许可`, words: "居留·留许·许可+"},
		{text: "مَرْكَز", words: "مركز+"},
	} {
		p := search.Parse(c.text)
		var words []string
		act := ""
		for _, w := range p.Words {
			s := strings.Join(w.Terms, "·")
			if w.Prefix {
				s += "+"
			}
			words = append(words, s)
			if w.Act != "" {
				act = w.Act
			}
		}
		if got := strings.Join(words, " "); got != c.words || !reflect.DeepEqual(p.Phrases, c.phrases) || !reflect.DeepEqual(p.Exclude, c.exclude) || act != c.act {
			t.Errorf("%s: words %q, phrases %q, exclude %q, act %q", c.text, got, p.Phrases, p.Exclude, act)
		}
	}
}

// A reader's words lead to those of the language that is searched.
func TestPlanKnowsSynonyms(t *testing.T) {
	s := settings(t)
	for _, c := range []struct{ text, reader, locale, want string }{
		{"pds ", "it", "it", "permesso soggiorno"},
		{"permessi di soggiorno ", "it", "it", "pds"},
		{"police immigration office", "en", "it", "questura"},
		{"questura", "en", "en", "police immigration office"},
		{"titre de séjour", "fr", "it", "permesso soggiorno"},
		{"تصريح الإقامة", "ar", "it", "permesso soggiorno"},
		{"居留许可", "zh-Hans", "it", "permesso soggiorno"},
	} {
		plan := s.Plan(search.Parse(c.text), c.reader, c.locale)
		found := false
		for _, u := range plan.Units {
			for _, a := range u.Alternatives {
				found = found || strings.Join(a, " ") == c.want
			}
		}
		if !found || len(plan.Units) != 1 {
			t.Errorf("%s: %s for %s: %+v", c.text, c.reader, c.locale, plan.Units)
		}
	}
	if plan := s.Plan(search.Parse("come rinnovare la patente a milano "), "it", "it"); len(plan.Units) != 3 {
		t.Errorf("stop words are units: %+v", plan.Units)
	}
	if plan := s.Plan(search.Parse("di "), "it", "it"); len(plan.Units) != 1 {
		t.Error("a query of stop words alone finds nothing")
	}
}

// What is out of bounds is refused with a code and the name of the parameter.
func TestCheckRefuses(t *testing.T) {
	s := settings(t)
	many := map[string][]string{}
	for i := range 1000 {
		many[fmt.Sprint("f", i)] = []string{"x"}
	}
	now := time.Now()
	for _, c := range []struct {
		name, path, code string
		q                search.Query
	}{
		{"long", "/q", "too_long", search.Query{Text: strings.Repeat("a ", 5000)}},
		{"bytes", "/q", "invalid_encoding", search.Query{Text: "a\xff"}},
		{"filters", "/filters", "too_many_items", search.Query{Filters: many}},
		{"values", "/type", "too_many_items", search.Query{Filters: map[string][]string{"type": make([]string, 1000)}}},
		{"facet", "/filters", "unknown_facet", search.Query{Filters: map[string][]string{`type = "x"`: {"y"}}}},
		{"count", "/facets", "unknown_facet", search.Query{Facets: []string{"nothing"}}},
		{"control", "/type", "unknown_term", search.Query{Filters: map[string][]string{"type": {"a\x00b"}}}},
		{"limit", "/limit", "out_of_range", search.Query{Limit: 1e9}},
		{"negative", "/limit", "out_of_range", search.Query{Limit: -1}},
		{"offset", "/offset", "out_of_range", search.Query{Offset: 1e9}},
		{"overflow", "/offset", "out_of_range", search.Query{Offset: math.MaxInt}},
		{"sort", "/sort", "unknown_sort", search.Query{Sort: "score desc"}},
		{"distance", "/near", "required", search.Query{Sort: "distance"}},
		{"world", "/near", "out_of_range", search.Query{Near: &search.Point{Lat: 91}}},
		{"nan", "/near", "out_of_range", search.Query{Near: &search.Point{Lat: math.NaN()}}},
		{"radius", "/radius", "out_of_range", search.Query{Near: &search.Point{}, RadiusMetres: math.Inf(1)}},
		{"box", "/bbox", "out_of_range", search.Query{Box: &search.Box{West: -181}}},
		{"box order", "/bbox", "wrong_order", search.Query{Box: &search.Box{South: 2, North: 1}}},
		{"locale", "/locale", "invalid_language", search.Query{Locale: "xx"}},
		{"locales", "/locales", "too_many_items", search.Query{Locale: "it", Locales: make([]string, 100)}},
		{"dates", "/to", "wrong_order", search.Query{From: now, To: now.Add(-1)}},
	} {
		_, err := s.Check(c.q)
		bad, ok := err.(*search.Invalid)
		if !ok || bad.Issues[0].Path != c.path || bad.Issues[0].Code != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	q, err := s.Check(search.Query{Locale: "zh", Box: &search.Box{West: 179, East: -179, North: 1}, Filters: map[string][]string{"type": {"b", "a", "b"}}})
	if err != nil || q.Locale != "zh-Hans" || q.Limit != search.DefaultLimit || q.Sort != "relevance" || len(q.Filters["type"]) != 2 {
		t.Errorf("%+v %v", q, err)
	}
	if again, err := s.Check(q); err != nil || !reflect.DeepEqual(q, again) {
		t.Errorf("checking twice changes a query: %+v %v", again, err)
	}
}

// Snippets are escaped, marked where they should be, and never longer than said.
func TestSnippets(t *testing.T) {
	m := &search.Marks{Words: map[string]string{"soggiorno": search.ByWord, "citta": search.ByTypo, "居留": search.ByWord, "留许": search.ByWord}, Phrases: [][]string{{"a", "b"}}}
	for _, c := range []struct{ text, want string }{
		{`<b onclick="x">Soggiorno</b> & città`, `&lt;b onclick=&#34;x&#34;&gt;<mark>Soggiorno</mark>&lt;/b&gt; &amp; <mark>città</mark>`},
		{"申请居留许可", "申请<mark>居留许</mark>可"},
		{"b a b", "b <mark>a</mark> <mark>b</mark>"},
		{"\u202esoggiorno\u202c", "<mark>soggiorno</mark>"},
		{"x\xffy", "x\ufffdy"},
	} {
		if got, _ := m.Snippet(c.text, search.InBody); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	long := strings.Repeat("parola altra ", 400) + "il soggiorno in città " + strings.Repeat("e ancora ", 400)
	got, why := m.Snippet(long, search.InBody)
	if !strings.Contains(got, "<mark>soggiorno</mark> in <mark>città</mark>") || utf8.RuneCountInString(got) > 280 || len(why) != 2 || why[1].Match != search.ByTypo {
		t.Errorf("%q %v", got, why)
	}
}

// Whatever is typed, the parser ends quickly and gives words that fold to
// themselves, and a snippet of it is safe.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`a "b c" -d -"e f" 286/1998`, "«x» „y“", "居留许可 مَرْكَز", `"`, "-", "\xff\"", "art. 5, comma 2, d.lgs. 286/1998"} {
		f.Add(text)
	}
	s := settings(f)
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.RuneCountInString(text) > search.MaxChars {
			t.Skip("longer than any query") // Check refuses it before Parse
		}
		p := search.Parse(text)
		if len(p.Phrases)+len(p.Exclude) > search.MaxWords || len(p.Words) > 3*search.MaxWords {
			t.Fatalf("%d words, %d phrases, %d exclusions", len(p.Words), len(p.Phrases), len(p.Exclude))
		}
		m := &search.Marks{Words: map[string]string{}, Phrases: p.Phrases}
		for i, w := range p.Words {
			if len(w.Terms) == 0 || w.Act != "" && (w.Span < 1 || i+w.Span > len(p.Words)) {
				t.Fatalf("word %+v", w)
			}
			m.Words[w.Terms[0]] = search.ByWord
		}
		if plan := s.Plan(p, "it", "en"); len(plan.Units) > search.MaxWords {
			t.Fatalf("%d units", len(plan.Units))
		}
		marked, _ := m.Snippet(text, search.InBody)
		bare := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(marked)
		if strings.ContainsAny(bare, "<>\"'") || strings.Count(marked, "<mark>") != strings.Count(marked, "</mark>") || !utf8.ValidString(marked) {
			t.Fatalf("snippet %q", marked)
		}
	})
}
