package golden

import (
	"errors"
	"math"
	"testing"

	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
)

// The file is as large as promised, without repetition, and every question could
// be asked.
func TestQuestions(t *testing.T) {
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	settings, err := search.Derive(schemas.Default())
	if err != nil {
		t.Fatal(err)
	}
	locales, kinds, used := map[string]int{}, map[string]int{}, map[string]bool{}
	seen := map[string]bool{}
	for _, q := range s.Questions {
		if q.Place != "" {
			q.Query.Near = &search.Point{}
		}
		if _, err := settings.Check(q.Query); err != nil {
			t.Errorf("%q: %v", q.Query.Text, err)
		}
		locales[q.Query.Locale]++
		kinds[q.Kind]++
		for _, name := range q.Want {
			used[name] = true
		}
		key := q.Query.Locale + " " + q.Kind + " " + q.Place + " " + q.Query.Text
		if q.Query.Text != "" && seen[key] {
			t.Errorf("%s is asked twice", key)
		}
		seen[key] = true
	}
	if len(s.Questions) < 150 || kinds["none"] < 12 {
		t.Errorf("%d questions, %d without an answer", len(s.Questions), kinds["none"])
	}
	for _, locale := range []string{"it", "en", "fr", "es", "ar", "bn", "zh-Hans"} {
		if locales[locale] < 7 {
			t.Errorf("%d questions in %s", locales[locale], locale)
		}
	}
	for _, kind := range Kinds {
		if kinds[kind] < 3 {
			t.Errorf("%d questions of kind %s", kinds[kind], kind)
		}
	}
	for name := range s.Documents {
		if !used[name] {
			t.Errorf("nobody wants %s", name)
		}
	}
}

func TestScore(t *testing.T) {
	s := &Set{Documents: map[string]string{"a": "A", "b": "B"}, Questions: []Question{
		{Query: search.Query{Text: "1", Locale: "it"}, Kind: "word", Want: []string{"a", "b"}},
		{Query: search.Query{Text: "2", Locale: "en"}, Kind: "word", Want: []string{"a"}},
		{Query: search.Query{Text: "3", Locale: "it"}, Kind: "none"},
		{Query: search.Query{Text: "4", Locale: "it"}, Kind: "none"},
		{Query: search.Query{Text: "5", Locale: "it"}, Kind: "typo", Want: []string{"b"}},
	}}
	answers := map[string][]string{"1": {"x", "A", "y"}, "2": {"A"}, "3": {"x"}, "5": {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "B"}}
	r, err := s.Score(func(q Question) ([]string, int, error) {
		return answers[q.Query.Text], len(answers[q.Query.Text]), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	if f := r.All; f.Questions != 3 || f.Empty != 2 || f.False != 1 || !near(f.Recall, 0.5) || !near(f.MRR, 0.5) {
		t.Errorf("all: %+v", f)
	}
	if f := r.Locale["it"]; f.Questions != 2 || !near(f.Recall, 0.25) || !near(f.MRR, 0.25) {
		t.Errorf("it: %+v", f)
	}
	if f := r.Kind["word"]; f.Questions != 2 || !near(f.Recall, 0.75) || !near(f.MRR, 0.75) {
		t.Errorf("word: %+v", f)
	}
	if len(r.Misses) != 3 {
		t.Errorf("misses %q", r.Misses)
	}
	broken := errors.New("down")
	if _, err := s.Score(func(Question) ([]string, int, error) { return nil, 0, broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
