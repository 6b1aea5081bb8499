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
	marks := a.marks(f, wrong)
	var why []search.Reason
	hit.TitleHTML, why = marks.Highlight(f.Title, search.InTitle)
	hit.Why = append(a.acts(f), why...)
	hit.Snippet, why = marks.Snippet(f.Summary, search.InSummary)
	hit.Why = append(hit.Why, why...)
	shown := len(why) > 0
	body, why := marks.Snippet(f.Body, search.InBody)
	if !shown && (len(why) > 0 || f.Summary == "") {
		hit.Snippet, shown = body, len(why) > 0
	}
	hit.Why = append(hit.Why, why...)
	if len(hit.Why) == 0 {
		for _, text := range f.Other {
			other, why := marks.Snippet(text, search.InOther)
			if len(why) > 0 && !shown {
				hit.Snippet, shown = other, true
			}
			hit.Why = append(hit.Why, why...)
		}
	}
	hit.Why = distinct(hit.Why)
	return hit
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

// acts are the reasons that lie in the acts that a document cites.
func (a *asker) acts(f *found) (out []search.Reason) {
	for _, w := range a.parsed.Words {
		if w.Act == "" {
			continue
		}
		for _, value := range f.Acts {
			if key, label, identifier := readAct(value); key == w.Act || identifier == w.Act {
				out = append(out, search.Reason{Field: search.InActs, Match: search.ByAct, Text: label})
			}
		}
	}
	return out
}

func readAct(value string) (key, label, identifier string) {
	key, rest, _ := strings.Cut(value, between)
	label, identifier, _ = strings.Cut(rest, between)
	return key, label, identifier
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
	text := a.q.Text
	for _, w := range a.parsed.Words {
		if len(w.Terms) == 1 {
			if right, ok := wrong[w.Terms[0]]; ok {
				text = strings.Replace(text, w.Raw, right.text, 1)
			}
		}
	}
	if text == a.q.Text {
		return ""
	}
	return strings.TrimSpace(text)
}
