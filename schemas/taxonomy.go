package schemas

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Taxonomy is a closed list of terms.
type Taxonomy struct {
	Name  string  `yaml:"name" json:"name"`
	Label Text    `yaml:"label" json:"label"`
	Help  Text    `yaml:"help" json:"help,omitempty"`
	Terms []*Term `yaml:"terms" json:"terms"`

	byID   map[string]*Term
	byWord map[string]*Term // words as fold makes them
}

// Term is one entry of a taxonomy or of a field's own options.
type Term struct {
	ID    string `yaml:"id" json:"id"`
	Label Text   `yaml:"label" json:"label"`
	Help  Text   `yaml:"help" json:"help,omitempty"`
	// Aliases are other words for the term in any language, such as the tags
	// that other systems use.
	Aliases []string `yaml:"aliases" json:"aliases,omitempty"`
}

// Term finds a term by its identifier.
func (t *Taxonomy) Term(id string) (*Term, bool) {
	term, ok := t.byID[id]
	return term, ok
}

// Find finds a term by identifier, label in any language or alias, whatever the
// case, accents or punctuation.
func (t *Taxonomy) Find(words string) (*Term, bool) { return findTerm(t.byWord, words) }

var idPattern = regexp.MustCompile(`^[a-z0-9]+([:-][a-z0-9]+)*$`)

// checkTerms refuses terms without proper identifier or label, repeated
// identifiers, and words that would find two terms.
func checkTerms(terms []*Term) error {
	if len(terms) == 0 {
		return fmt.Errorf("there are no terms")
	}
	ids := map[string]bool{}
	words := map[string]string{}
	for _, t := range terms {
		switch {
		case t == nil:
			return fmt.Errorf("a term is empty")
		case !idPattern.MatchString(t.ID) || len(t.ID) > 60:
			return fmt.Errorf("term %q is not kebab-case of at most 60 characters", t.ID)
		case ids[t.ID]:
			return fmt.Errorf("term %q is declared twice", t.ID)
		case t.Label["it"] == "":
			return fmt.Errorf("term %q has no label in it", t.ID)
		}
		ids[t.ID] = true
		for _, w := range t.words() {
			if w == "" {
				return fmt.Errorf("term %q has a label or alias without letters", t.ID)
			}
			if other, ok := words[w]; ok && other != t.ID {
				return fmt.Errorf("%q names both term %q and term %q", w, other, t.ID)
			}
			words[w] = t.ID
		}
	}
	return nil
}

// words are the folded identifier, labels and aliases of a term.
func (t *Term) words() []string {
	out := make([]string, 0, 1+len(t.Label)+len(t.Aliases))
	for _, w := range append([]string{t.ID}, t.Aliases...) {
		out = append(out, fold(w))
	}
	for _, w := range t.Label {
		out = append(out, fold(w))
	}
	return out
}

// indexTerms maps every word of every term to its term.
func indexTerms(terms []*Term) map[string]*Term {
	index := make(map[string]*Term, 8*len(terms))
	for _, t := range terms {
		for _, w := range t.words() {
			index[w] = t
		}
	}
	return index
}

func findTerm(index map[string]*Term, words string) (*Term, bool) {
	if len(words) > 400 {
		return nil, false
	}
	t, ok := index[fold(words)]
	return t, ok
}

// fold makes words comparable: lower case, without accents, and everything but
// letters, digits and vowel signs as one hyphen.
func fold(s string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case r >= 0x300 && r <= 0x36f || r >= 0x64b && r <= 0x65f: // accents, Arabic vowel points
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if hyphen && b.Len() > 0 {
				b.WriteByte('-')
			}
			hyphen = false
			b.WriteRune(r)
		default:
			hyphen = true
		}
	}
	return b.String()
}
