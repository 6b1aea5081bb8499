package meiliindex

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/search"
)

// result makes the answer of what was found.
func (a *asker) result(p *page, relaxed bool) *search.Result {
	if p == nil {
		return nil
	}
	out := &search.Result{
		Hits: []search.Hit{}, Total: p.total, Truncated: a.trunc, Relaxed: relaxed && p.total > 0, Facets: counts(p.facets),
	}
	wrong := corrections{}
	for i := range p.hits {
		out.Hits = append(out.Hits, a.hit(&p.hits[i], wrong))
	}
	out.DidYouMean = a.didYouMean(wrong)
	return out
}

func counts(facets map[string]map[string]int) map[string][]search.Count {
	if len(facets) == 0 {
		return nil
	}
	out := map[string][]search.Count{}
	for name, values := range facets {
		list := []search.Count{}
		for v, n := range values {
			if n > 0 {
				list = append(list, search.Count{Value: v, Count: n})
			}
		}
		slices.SortFunc(list, func(a, b search.Count) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
		})
		out[name] = list[:min(len(list), search.MaxFacetValues)]
	}
	return out
}

func (a *asker) hit(f *found, wrong corrections) search.Hit {
	hit := search.Hit{
		ID: f.Owner, Document: f.Document, Type: f.Type, Locale: f.Locale, Slug: f.Slug, Title: f.Title, Version: f.Version, Score: f.Federation.Score,
	}
	if a.q.Near != nil {
		for _, p := range f.Points {
			if d := geo.Metres(*a.q.Near, p); hit.Distance == nil || d < *hit.Distance {
				hit.Distance = &d
			}
		}
	}
	acts := make([]search.Act, len(f.Acts))
	for i, value := range f.Acts {
		acts[i] = readAct(value)
	}
	a.marks(f, wrong).Explain(&hit, &a.parsed, acts, f.Summary, f.Body, f.Other)
	return hit
}

// readAct takes apart what acts makes.
func readAct(value string) search.Act {
	_, rest, _ := strings.Cut(value, between)
	label, identifier, _ := strings.Cut(rest, between)
	return search.Act{Identifier: identifier, Label: label}
}

// corrections are, by unknown word, the nearest of the words that the server
// found for it, as the text writes it.
type corrections map[string]nearest

type nearest struct {
	distance int
	text     string
}

// marks are the words of a hit to highlight: those that a unit names by their
// stems, and those that the server says it found for what is unfinished or
// mistyped.
func (a *asker) marks(f *found, wrong corrections) *search.Marks {
	m := &search.Marks{Words: map[string]string{}, Phrases: a.parsed.Phrases}
	at := slices.Index(a.q.Locales, f.Locale)
	if at < 0 || at >= len(a.plans) {
		return m
	}
	stems, begun, unknown := map[string]string{}, "", map[string]bool{}
	for _, u := range a.plans[at].Units {
		for i, terms := range u.Alternatives {
			for _, term := range terms {
				stem := search.Stem(f.Locale, term)
				if i == 0 {
					stems[stem] = search.ByWord
				} else if stems[stem] == "" {
					stems[stem] = search.BySynonym
				}
			}
		}
		if len(u.Alternatives) == 0 {
			continue
		}
		last := u.Alternatives[0][len(u.Alternatives[0])-1]
		if u.Prefix {
			begun = last
		}
		if a.unknown[last] {
			unknown[last] = u.Prefix
		}
	}
	server := matched(f.Formatted)
	for _, text := range append([]string{f.Title, f.Summary, f.Body}, f.Other...) {
		for _, t := range search.Tokens(nil, text) {
			if m.Words[t.Term] != "" {
				continue
			}
			switch kind := stems[search.Stem(f.Locale, t.Term)]; {
			case kind != "":
				m.Words[t.Term] = kind
			case begun != "" && strings.HasPrefix(t.Term, begun):
				m.Words[t.Term] = search.ByPrefix
			case server[t.Term]:
				for word, prefix := range unknown {
					limit := search.TyposAllowed(word)
					d := search.Distance([]rune(word), []rune(t.Term), limit, prefix)
					if d > limit {
						continue
					}
					m.Words[t.Term] = search.ByTypo
					if best, ok := wrong[word]; !ok || d < best.distance {
						wrong[word] = nearest{d, strings.ToLower(text[t.Start:t.End])}
					}
				}
			}
		}
	}
	return m
}

// matched are the words that the server marked. It may mark a part of a word, or
// several in one.
func matched(formatted map[string]json.RawMessage) map[string]bool {
	out := map[string]bool{}
	for _, raw := range formatted {
		if !strings.Contains(string(raw), openMark) && !strings.Contains(string(raw), `\ue000`) {
			continue
		}
		var texts []string
		if json.Unmarshal(raw, &texts) != nil {
			continue // not one of the searched attributes
		}
		for _, text := range texts {
			inside := false
			for _, word := range strings.Fields(text) {
				if marked := inside || strings.Contains(word, openMark); marked {
					out[strings.NewReplacer(openMark, "", closeMark, "").Replace(word)] = true
				}
				inside = strings.LastIndex(word, openMark) > strings.LastIndex(word, closeMark) ||
					inside && !strings.Contains(word, closeMark)
			}
		}
	}
	return out
}

// didYouMean is the query with the right words.
func (a *asker) didYouMean(wrong corrections) string {
	right := map[string]string{}
	for _, w := range a.parsed.Words {
		if n, ok := wrong[w.Terms[0]]; ok && len(w.Terms) == 1 {
			right[w.Raw] = n.text
		}
	}
	return search.Correct(a.q.Text, right)
}
