package bleveindex

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/search"
)

var errGone = errors.New("a document of the columns is not in the index")

func unmarshal(data []byte, into any) error { return json.Unmarshal(data, into) }

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
	marks := f.marks[locale]
	if marks == nil {
		marks = &search.Marks{}
	}
	var why []search.Reason
	hit.TitleHTML, why = marks.Highlight(r.title, search.InTitle)
	hit.Why = append(f.acts(r), why...)
	// The part of the text that says most about why.
	hit.Snippet, why = marks.Snippet(stored.Summary, search.InSummary)
	hit.Why = append(hit.Why, why...)
	shown := len(why) > 0
	body, why := marks.Snippet(stored.Body, search.InBody)
	if !shown && (len(why) > 0 || stored.Summary == "") {
		hit.Snippet = body
		shown = len(why) > 0
	}
	hit.Why = append(hit.Why, why...)
	if len(hit.Why) == 0 {
		for _, t := range stored.Other {
			other, why := marks.Snippet(t.Text, search.InOther)
			if len(why) > 0 && !shown {
				hit.Snippet, shown = other, true
			}
			hit.Why = append(hit.Why, why...)
		}
	}
	hit.Why = distinct(hit.Why)
	return hit, nil
}

// acts are the reasons that lie in the acts that a document cites.
func (f *finder) acts(r *row) (out []search.Reason) {
	for _, w := range search.Parse(f.q.Text).Words {
		if w.Act == "" {
			continue
		}
		for _, a := range r.acts {
			if a.Identifier == w.Act || a.Key() == w.Act {
				out = append(out, search.Reason{Field: search.InActs, Match: search.ByAct, Text: a.Label})
			}
		}
	}
	return out
}

// distinct keeps the first reason for each word, at most eight.
func distinct(why []search.Reason) []search.Reason {
	out := why[:0]
	for _, r := range why {
		if !slices.ContainsFunc(out, func(o search.Reason) bool { return strings.EqualFold(o.Text, r.Text) }) && len(out) < 8 {
			out = append(out, r)
		}
	}
	return out
}

// didYouMean writes the query anew with the words that were found instead of
// those that do not exist, as the documents write them.
func (f *finder) didYouMean(hits []search.Hit) string {
	if len(f.wrong) == 0 || len(hits) == 0 {
		return ""
	}
	text := f.q.Text
	for _, c := range f.wrong {
		if c.locale != hits[0].Locale {
			continue
		}
		word := c.word
	spelling:
		for _, h := range hits {
			for _, r := range h.Why {
				if r.Match == search.ByTypo && search.Fold(r.Text) == c.word {
					word = strings.ToLower(r.Text)
					break spelling
				}
			}
		}
		text = strings.Replace(text, c.raw, word, 1)
	}
	if text == f.q.Text {
		return ""
	}
	return strings.TrimSpace(text)
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
	out = g.suggestActs(text, q.Limit/2+1)
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
			Kind: search.InTitle, Text: r.title, HTML: markBeginnings(r.title, text), Document: r.document,
			Type: g.columns.values[r.typ].value, Locale: g.settings.Locales[g.columns.hot[s.slot].locale], Slug: r.slug,
		})
	}
	return out, nil
}

// startsWith gives the titles in which the text begins a word, or, when there
// are none, which have its words in any order; the best first.
func (g *generation) startsWith(text string, q *search.SuggestQuery) []suggested {
	order := make([]uint8, len(q.Locales))
	for i, tag := range q.Locales {
		order[i] = g.columns.locale[tag]
	}
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
			return cmp.Or(
				cmp.Compare(min(a.offset, 1), min(b.offset, 1)), cmp.Compare(hot[b.slot].boost, hot[a.slot].boost),
				cmp.Compare(len(x), len(y)), strings.Compare(x, y), strings.Compare(rows[a.slot].id, rows[b.slot].id),
			)
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

// suggestActs gives the acts whose number or label has words that begin so.
func (g *generation) suggestActs(text string, limit int) []search.Suggestion {
	words := strings.Fields(text)
	found := []*act{}
	for _, a := range g.columns.acts {
		if len(a.slots) > 0 && holdsAll(a.folded, words) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b *act) int {
		return cmp.Or(cmp.Compare(len(b.slots), len(a.slots)), strings.Compare(a.identifier, b.identifier))
	})
	out := []search.Suggestion{}
	for _, a := range found[:min(len(found), limit)] {
		out = append(out, search.Suggestion{
			Kind: search.InActs, Text: a.label, HTML: markBeginnings(a.label, text), Query: cmp.Or(a.key, a.label), Count: len(a.slots),
		})
	}
	return out
}

// markBeginnings highlights the words of a title that begin like those typed.
func markBeginnings(title, text string) string {
	m := search.Marks{Words: map[string]string{}}
	typed := strings.Fields(text)
	for _, t := range search.Tokens(nil, title) {
		for _, w := range typed {
			if strings.HasPrefix(t.Term, w) || strings.HasPrefix(w, t.Term) && t.Joined {
				m.Words[t.Term] = search.ByPrefix
			}
		}
	}
	html, _ := m.Highlight(title, search.InTitle)
	return html
}
