// Package golden scores a search engine by questions whose answers people have
// judged. queries.yaml has the questions and says how; Load reads it, and Score
// asks each of them and compares:
//
//	recall@10  of the documents wanted, how many are among the first ten
//	MRR        1 / the place of the first wanted document; 0 when it is not among ten
//	false      questions to which nothing is right and something was found
//
// The package is pure: it knows no engine and no store. Package bench brings both.
package golden

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/search"
)

//go:embed queries.yaml
var file []byte

// Depth is how many hits of an answer count.
const Depth = 10

// Kinds of questions: what each is about.
var Kinds = []string{"word", "typo", "accent", "prefix", "synonym", "phrase", "exclude", "act", "near", "facet", "cross", "none"}

// Question is one question and what a reader wants for it.
type Question struct {
	Query search.Query
	// Place is the name or code of the municipality that Query.Near is to be,
	// which only whoever asks can tell; empty: Query is as it is.
	Place string
	Kind  string
	// Want are names of documents (Set.Documents); none: nothing is right.
	Want []string
	// Note explains an expectation.
	Note string
}

// Set is what queries.yaml says.
type Set struct {
	// Documents gives, by name, the slug of a document's Italian variant, or of
	// its only one.
	Documents map[string]string
	Questions []Question
}

type line struct {
	Q       string
	Kind    string
	Locale  string
	Locales []string
	Filters map[string][]string
	Near    *struct {
		Lat, Lng, Radius float64
		Place            string
	}
	Box  *struct{ West, South, East, North float64 }
	Note string
	Want []string
}

// Load reads the questions; an error names the first that is wrong.
func Load() (*Set, error) {
	var doc struct {
		Documents map[string]string
		Queries   []line
	}
	d := yaml.NewDecoder(bytes.NewReader(file))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	s := &Set{Documents: doc.Documents}
	for _, l := range doc.Queries {
		q := Question{Kind: l.Kind, Want: l.Want, Note: l.Note, Query: search.Query{
			Text: l.Q, Locale: l.Locale, Locales: l.Locales, Filters: l.Filters, Limit: Depth,
		}}
		if q.Query.Locale == "" {
			q.Query.Locale = "it"
		}
		if n := l.Near; n != nil {
			if q.Place, q.Query.RadiusMetres = n.Place, n.Radius; n.Place == "" {
				q.Query.Near = &search.Point{Lat: n.Lat, Lon: n.Lng}
			}
		}
		if b := l.Box; b != nil {
			q.Query.Box = &search.Box{West: b.West, South: b.South, East: b.East, North: b.North}
		}
		switch {
		case !slices.Contains(Kinds, q.Kind):
			return nil, fmt.Errorf("golden: %q has the unknown kind %q", l.Q, q.Kind)
		case (q.Kind == "none") != (len(q.Want) == 0):
			return nil, fmt.Errorf("golden: %q of kind %s wants %d documents", l.Q, q.Kind, len(q.Want))
		}
		for _, name := range q.Want {
			if _, ok := s.Documents[name]; !ok {
				return nil, fmt.Errorf("golden: %q wants %q, which is no document", l.Q, name)
			}
		}
		s.Questions = append(s.Questions, q)
	}
	return s, nil
}

// Figures are the means over some questions.
type Figures struct {
	Questions   int // that want something
	Recall, MRR float64
	Empty       int // questions to which nothing is right
	False       int // of those, how many found something
}

func (f *Figures) add(q *Question, recall, reciprocal float64, found int) {
	if len(q.Want) == 0 {
		f.Empty++
		if found > 0 {
			f.False++
		}
		return
	}
	n := float64(f.Questions)
	f.Recall, f.MRR = (f.Recall*n+recall)/(n+1), (f.MRR*n+reciprocal)/(n+1)
	f.Questions++
}

// Report is what a run gave.
type Report struct {
	All    Figures
	Locale map[string]*Figures // by the reader's locale
	Kind   map[string]*Figures
	Misses []string // one line for each question that was not answered in full
}

// Answer gives the slugs (Set.Documents) of the documents found, in order, and
// how many there are in all.
type Answer func(q Question) (slugs []string, total int, err error)

// Score asks all questions; an error is the engine's, with the question.
func (s *Set) Score(answer Answer) (*Report, error) {
	r := &Report{Locale: map[string]*Figures{}, Kind: map[string]*Figures{}}
	for i := range s.Questions {
		q := &s.Questions[i]
		slugs, total, err := answer(*q)
		if err != nil {
			return nil, fmt.Errorf("golden: %q (%s): %w", q.Query.Text, q.Query.Locale, err)
		}
		recall, reciprocal, missed := s.judge(q, slugs)
		for _, in := range []struct {
			of   map[string]*Figures
			name string
		}{{r.Locale, q.Query.Locale}, {r.Kind, q.Kind}} {
			if in.of[in.name] == nil {
				in.of[in.name] = &Figures{}
			}
			in.of[in.name].add(q, recall, reciprocal, total)
		}
		r.All.add(q, recall, reciprocal, total)
		if len(missed) > 0 || len(q.Want) == 0 && total > 0 {
			r.Misses = append(r.Misses, fmt.Sprintf("%s %s %q: lacks [%s], found %d: %s",
				q.Query.Locale, q.Kind, q.Query.Text, strings.Join(missed, " "), total, strings.Join(slugs, " ")))
		}
	}
	return r, nil
}

// judge compares one answer with what is wanted.
func (s *Set) judge(q *Question, slugs []string) (recall, reciprocal float64, missed []string) {
	slugs = slugs[:min(len(slugs), Depth)]
	for _, name := range q.Want {
		at := slices.Index(slugs, s.Documents[name])
		if at < 0 {
			missed = append(missed, name)
			continue
		}
		recall++
		reciprocal = max(reciprocal, 1/float64(at+1))
	}
	if len(q.Want) > 0 {
		recall /= float64(min(len(q.Want), Depth))
	}
	return recall, reciprocal, missed
}
