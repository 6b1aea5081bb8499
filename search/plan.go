package search

import "slices"

// Plan is what a query asks of the documents of one locale.
type Plan struct {
	// Units must all be found; when no document has all, as many as possible.
	Units []Unit
	// Phrases must be found side by side; Exclude must not be found, a word in
	// any form of its stem, several words side by side. Neither is relaxed.
	Phrases, Exclude [][]string
	Truncated        bool
}

// Unit is found when one of its alternatives is.
type Unit struct {
	// Words is how the unit was typed.
	Words []Word
	// Act is a key or identifier of Document.Acts; empty: none.
	Act string
	// Alternatives are words that must all be there: the first as typed, the
	// others synonyms.
	Alternatives [][]string
	// Prefix: the last word may be unfinished.
	Prefix bool
	// Run: the alternatives are pairs of characters of a text without spaces.
	Run bool
}

// Plan turns a parsed query into units for a locale, for a reader of another or
// the same.
func (s *Settings) Plan(p Parsed, reader, locale string) Plan {
	plan := Plan{Phrases: p.Phrases, Exclude: p.Exclude, Truncated: p.Truncated}
	stop := func(w Word) bool {
		return len(w.Terms) == 1 && !w.Prefix && (Stop(reader, w.Terms[0]) || Stop(locale, w.Terms[0]))
	}
	onlyStops := !slices.ContainsFunc(p.Words, func(w Word) bool { return !stop(w) })
	for i := 0; i < len(p.Words); {
		if len(plan.Units) == MaxWords {
			plan.Truncated = true
			break
		}
		w := p.Words[i]
		if w.Act != "" {
			words := p.Words[i : i+w.Span]
			u := Unit{Words: words, Act: w.Act}
			var terms []string
			for _, w := range words {
				if !stop(w) {
					terms = append(terms, w.Terms...)
				}
			}
			if len(terms) > 0 {
				u.Alternatives = [][]string{terms}
			}
			plan.Units = append(plan.Units, u)
			i += w.Span
			continue
		}
		if stop(w) && !onlyStops {
			i++
			continue
		}
		u, n := s.unit(p.Words[i:], reader, locale)
		plan.Units = append(plan.Units, u)
		i += n
	}
	return plan
}

// unit reads the longest synonym at the beginning of the words, or one word.
func (s *Settings) unit(words []Word, reader, locale string) (Unit, int) {
	for n := min(len(words), 8); n >= 1; n-- {
		var terms []string
		for _, w := range words[:n] {
			terms = append(terms, w.Terms...)
		}
		last := words[n-1]
		if n > 1 && len(last.Terms) == 1 && Stop(reader, last.Terms[0]) {
			continue
		}
		groups := s.Synonyms.find(terms, reader, locale)
		if len(groups) == 0 && n > 1 {
			continue
		}
		u := Unit{Words: words[:n], Prefix: last.Prefix, Run: n == 1 && len(last.Terms) > 1}
		var typed []string
		for _, w := range words[:n] {
			if n == 1 || !(len(w.Terms) == 1 && Stop(reader, w.Terms[0])) {
				typed = append(typed, w.Terms...)
			}
		}
		u.Alternatives = append(u.Alternatives, typed)
		for _, g := range groups {
			for _, word := range s.Synonyms.groups[g].Words[locale] {
				var alternative []string
				for _, t := range termsOf(word) {
					if !Stop(locale, t) {
						alternative = append(alternative, t)
					}
				}
				if !slices.ContainsFunc(u.Alternatives, func(a []string) bool { return slices.Equal(a, alternative) }) {
					u.Alternatives = append(u.Alternatives, alternative)
				}
			}
		}
		return u, n
	}
	panic("unreachable: one word is always a unit")
}
