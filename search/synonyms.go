package search

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSynonymWords bounds the words of one synonym (pairs, in Chinese).
const maxSynonymWords = 12

// Synonyms are groups of words that mean the same, in several languages. A
// reader's word finds the words of its group in the locale that is searched.
type Synonyms struct {
	groups []group
	// byKey finds, by locale and key, the groups of a run of words.
	byKey map[string]map[string][]int
}

type group struct {
	Name  string              `yaml:"name"`
	Words map[string][]string `yaml:",inline"`
}

// LoadSynonyms reads synonyms/*.yaml of the declarations: each a list of groups
// with a name and, by locale, the words. A declaration without the folder has
// none. An error names the file.
func LoadSynonyms(files fs.FS) (*Synonyms, error) {
	s := &Synonyms{byKey: map[string]map[string][]int{}}
	names, err := fs.Glob(files, "synonyms/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		var file struct {
			Groups []group `yaml:"groups"`
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			return nil, fmt.Errorf("search: %s: %w", path.Base(name), err)
		}
		for _, g := range file.Groups {
			if err := s.add(g); err != nil {
				return nil, fmt.Errorf("search: %s: group %q: %w", path.Base(name), g.Name, err)
			}
		}
	}
	return s, nil
}

func (s *Synonyms) add(g group) error {
	if g.Name == "" || slices.ContainsFunc(s.groups, func(o group) bool { return o.Name == g.Name }) {
		return fmt.Errorf("the name is missing or taken")
	}
	for locale, words := range g.Words {
		if s.byKey[locale] == nil {
			s.byKey[locale] = map[string][]int{}
		}
		for _, word := range words {
			key, n := synonymKey(locale, termsOf(word))
			if n == 0 || n > maxSynonymWords {
				return fmt.Errorf("%s: %q has no words that say something, or more than %d", locale, word, maxSynonymWords)
			}
			if at := s.byKey[locale][key]; !slices.Contains(at, len(s.groups)) {
				s.byKey[locale][key] = append(at, len(s.groups))
			}
		}
	}
	s.groups = append(s.groups, g)
	return nil
}

func termsOf(text string) (out []string) {
	for _, t := range Tokens(nil, text) {
		out = append(out, t.Term)
	}
	return out
}

// synonymKey is how words are compared: their stems, without stop words.
func synonymKey(locale string, terms []string) (key string, n int) {
	var b strings.Builder
	for _, t := range terms {
		if Stop(locale, t) {
			continue
		}
		if n++; n > 1 {
			b.WriteByte(' ')
		}
		b.WriteString(Stem(locale, t))
	}
	return b.String(), n
}

// Group is a group of synonyms: a name, and words by locale.
type Group struct {
	Name  string
	Words map[string][]string
}

// Groups gives all groups, for engines that keep synonyms themselves. They must
// not be changed.
func (s *Synonyms) Groups() []Group {
	out := make([]Group, len(s.groups))
	for i, g := range s.groups {
		out[i] = Group(g)
	}
	return out
}

// find gives the groups of a run of folded words, in the language of the reader
// or of what is searched.
func (s *Synonyms) find(terms []string, locales ...string) (out []int) {
	for _, l := range locales {
		m := s.byKey[l]
		if m == nil {
			continue
		}
		key, n := synonymKey(l, terms)
		if n == 0 {
			continue
		}
		for _, g := range m[key] {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}
