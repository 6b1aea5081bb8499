package bleveindex

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/prassi-cms/prassi/search"
)

var errGone = errors.New("a document of the columns is not in the index")

// page makes the hits of slots.
func (f *finder) page(slots []uint32) ([]search.Hit, error) {
	hits := make([]search.Hit, 0, len(slots))
	for _, slot := range slots {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		hit, err := f.hit(slot)
		if err != nil {
			return nil, err
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

func (f *finder) hit(slot uint32) (search.Hit, error) {
	c := f.g.columns
	r := &c.rows[slot]
	locale := c.settings.Locales[c.hot[slot].locale]
	hit := search.Hit{
		ID: r.id, Document: r.document, Type: c.values[r.typ].value, Locale: locale, Slug: r.slug,
		Title: r.title, Version: r.version, Score: float64(f.score[slot]),
	}
	if f.q.Near != nil {
		if d, ok := nearest(f.q, r.points); ok {
			hit.Distance = &d
		}
	}
	stored, err := f.g.stored(r.id)
	if err != nil {
		return hit, err
	}
	other := make([]string, len(stored.Other))
	for i, t := range stored.Other {
		other[i] = t.Text
	}
	f.marks[locale].Explain(&hit, &f.parsed, r.acts, stored.Summary, stored.Body, other)
	return hit, nil
}

// didYouMean writes the query anew with the words that were found instead of
// those that do not exist, as the documents write them.
func (f *finder) didYouMean(hits []search.Hit) string {
	if len(f.wrong) == 0 || len(hits) == 0 {
		return ""
	}
	right := map[string]string{}
	for _, c := range f.wrong {
		if c.locale != hits[0].Locale {
			continue
		}
		right[c.raw] = c.word
	spelling:
		for _, h := range hits {
			for _, r := range h.Why {
				if r.Match == search.ByTypo && search.Fold(r.Text) == c.word {
					right[c.raw] = strings.ToLower(r.Text)
					break spelling
				}
			}
		}
	}
	return search.Correct(f.q.Text, right)
}

// suggested is a candidate of suggest.
type suggested struct {
	slot   uint32
	offset uint16
}

// suggest completes titles and acts. The caller holds g.mu.
func (g *generation) suggest(ctx context.Context, q *search.SuggestQuery) ([]search.Suggestion, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text := search.Fold(q.Text)
	out := []search.Suggestion{}
	if text == "" {
		return out, nil
	}
	out = g.suggestActs(text, q)
	found := g.startsWith(text, q)
	if len(found) == 0 {
		found = g.startsWith(g.corrected(text, q.Locales), q)
	}
	for _, s := range found {
		if len(out) == q.Limit {
			break
		}
		r := &g.columns.rows[s.slot]
		out = append(out, search.Suggestion{
			Kind: search.InTitle, Text: r.title, HTML: search.MarkBeginnings(r.title, strings.Fields(text)), Document: r.document,
			Type: g.columns.values[r.typ].value, Locale: g.settings.Locales[g.columns.hot[s.slot].locale], Slug: r.slug,
		})
	}
	return out, nil
}

// startsWith gives the titles in which the text begins a word, or, when there
// are none, which have its words in any order; the best first.
func (g *generation) startsWith(text string, q *search.SuggestQuery) []suggested {
	order := g.columns.order(q.Locales)
	rows, hot, folded := g.columns.rows, g.columns.hot, g.columns.folded
	collect := func(prefix string, more []string) (out []suggested) {
		found := g.titles.find(prefix, g.folded)
		best := top(func(yield func(uint32)) {
			for i, s := range found {
				if answers(&hot[s.slot], order) >= 0 && holdsAll(folded[s.slot], more) {
					yield(uint32(i))
				}
			}
		}, 4*search.MaxSuggestions, func(i, j uint32) int {
			a, b := found[i], found[j]
			x, y := folded[a.slot], folded[b.slot]
			if c := cmp.Or(
				cmp.Compare(min(a.offset, 1), min(b.offset, 1)), cmp.Compare(hot[b.slot].boost, hot[a.slot].boost),
				cmp.Compare(len(x), len(y)),
			); c != 0 {
				return c // mostly, and the texts are further away in memory
			}
			return cmp.Or(strings.Compare(x, y), strings.Compare(rows[a.slot].id, rows[b.slot].id))
		})
		seen := map[string]bool{}
		for _, i := range best {
			out = append(out, suggested(found[i]))
		}
		distinct := out[:0]
		for _, s := range out {
			if title := folded[s.slot]; !seen[title] {
				seen[title] = true
				if distinct = append(distinct, s); len(distinct) == search.MaxSuggestions {
					break
				}
			}
		}
		return distinct
	}
	if text == "" {
		return nil
	}
	found := collect(text, nil)
	if words := strings.Fields(text); len(found) == 0 && len(words) > 1 {
		last := words[len(words)-1]
		found = collect(last, words[:len(words)-1])
	}
	return found
}

// holdsAll reports that each word begins one of a folded title.
func holdsAll(title string, words []string) bool {
	for _, w := range words {
		if !strings.HasPrefix(title, w) && !strings.Contains(title, " "+w) {
			return false
		}
	}
	return true
}

// corrected replaces the words that no document has by the nearest that one has.
func (g *generation) corrected(text string, locales []string) string {
	words := strings.Fields(text)
	changed := false
	for i, w := range words[:min(len(words), search.MaxWords)] {
		last := i == len(words)-1
		for _, locale := range locales {
			l := g.lexicons[locale]
			if l == nil || len(g.alive(l, l.stemmed(w, ""))) > 0 || last && len(g.alive(l, l.begun(w))) > 0 {
				continue
			}
			if _, best := l.near(w, last, 1, g.lives(l)); best != "" {
				words[i], changed = best, true
				break
			}
		}
	}
	if !changed {
		return ""
	}
	return strings.Join(words, " ")
}

// suggestActs gives the acts whose number or label has words that begin so, as far
// as documents in the languages asked for cite them.
func (g *generation) suggestActs(text string, q *search.SuggestQuery) []search.Suggestion {
	order, words := g.columns.order(q.Locales), strings.Fields(text)
	cited := map[search.Act]int{}
	for _, a := range g.columns.acts {
		if !holdsAll(a.folded, words) {
			continue
		}
		for _, slot := range a.slots {
			if answers(&g.columns.hot[slot], order) >= 0 {
				cited[a.Act]++
			}
		}
	}
	return search.SuggestActs(cited, words, q.Limit/2+1)
}
