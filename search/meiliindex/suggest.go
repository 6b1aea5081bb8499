package meiliindex

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/meilisearch/meilisearch-go"

	"github.com/prassi-cms/prassi/search"
)

// Suggest is part of search.Index. Titles come from a search among the words of
// titles, acts from Meilisearch's search for values of a facet, which finds them
// by the beginning of their number.
func (x *Index) Suggest(ctx context.Context, q search.SuggestQuery) ([]search.Suggestion, error) {
	q, err := x.settings.CheckSuggest(q)
	if err != nil {
		return nil, err
	}
	if err := x.begin(ctx); err != nil {
		return nil, err
	}
	out := []search.Suggestion{}
	typed := strings.Fields(search.Fold(q.Text))
	if len(typed) == 0 {
		return out, nil
	}
	short, cancel := briefly(ctx)
	defer cancel()
	out, err = x.suggestActs(short, &q, typed)
	if err == nil {
		var titles []search.Suggestion
		titles, err = x.suggestTitles(short, &q, typed)
		out = append(out, titles...)
	}
	switch {
	case code(err) == noIndex:
		return []search.Suggestion{}, nil
	case err != nil:
		return nil, fail(ctx, "suggest", err)
	}
	return out[:min(len(out), q.Limit)], nil
}

// suggestTitles gives titles that have the words, the last of them unfinished.
func (x *Index) suggestTitles(ctx context.Context, q *search.SuggestQuery, typed []string) ([]search.Suggestion, error) {
	var parts []string
	for _, t := range search.Tokens(nil, q.Text) {
		if len(parts) < maxParts {
			parts = append(parts, plain(t.Term))
		}
	}
	request := &meilisearch.MultiSearchRequest{Federation: &meilisearch.MultiSearchFederation{Limit: 4 * search.MaxSuggestions}}
	for i, tag := range q.Locales {
		r := &meilisearch.SearchRequest{
			IndexUID: x.uid, Query: strings.Join(parts, " "), MatchingStrategy: meilisearch.All,
			Filter:               and(append([]string{firstPart}, answers(q.Locales, i)...)),
			AttributesToSearchOn: []string{attribute("w", 0, tag)}, AttributesToRetrieve: []string{"id", "document", "type", "locale", "slug", "title"},
		}
		if language := languages[tag]; language != "" {
			r.Locales = []string{language}
		}
		request.Queries = append(request.Queries, r)
	}
	answer, err := x.client.MultiSearchWithContext(ctx, request)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		found
		folded string
		rank   int // 0 begins so, 1 has the words, 2 with typos
	}
	var list []candidate
	seen := map[string]bool{}
	text := strings.Join(typed, " ")
	for _, hit := range answer.Hits {
		var f found
		if err := hit.DecodeInto(&f); err != nil {
			return nil, err
		}
		c := candidate{found: f, folded: search.Fold(f.Title), rank: 2}
		switch {
		case seen[c.folded] || !inTitle(c.folded, typed): // the class of titles has other texts too
			continue
		case strings.HasPrefix(c.folded, text):
			c.rank = 0
		case holdsAll(c.folded, typed):
			c.rank = 1
		}
		seen[c.folded] = true
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		if r := cmp.Compare(a.rank, b.rank); r != 0 || a.rank == 2 { // of typos the server's order
			return r
		}
		return cmp.Or(
			cmp.Compare(cmp.Or(x.settings.Boosts[b.Type], 1), cmp.Or(x.settings.Boosts[a.Type], 1)),
			cmp.Compare(len(a.folded), len(b.folded)), strings.Compare(a.folded, b.folded), strings.Compare(a.ID, b.ID),
		)
	})
	var out []search.Suggestion
	for _, c := range list {
		if c.rank == 2 && list[0].rank < 2 {
			break // words that are right need no typos
		}
		out = append(out, search.Suggestion{
			Kind: search.InTitle, Text: c.Title, HTML: search.MarkBeginnings(c.Title, typed), Document: c.Document,
			Type: c.Type, Locale: c.Locale, Slug: c.Slug,
		})
	}
	return out, nil
}

// suggestActs gives the acts whose number begins like one of the words, as far as
// documents in the languages asked for cite them.
func (x *Index) suggestActs(ctx context.Context, q *search.SuggestQuery, typed []string) ([]search.Suggestion, error) {
	at := slices.IndexFunc(typed, func(w string) bool { return w[0] >= '0' && w[0] <= '9' })
	if at < 0 {
		return []search.Suggestion{}, nil
	}
	var variants []string
	for i := range q.Locales {
		variants = append(variants, "("+and(answers(q.Locales, i))+")")
	}
	raw, err := x.client.Index(x.uid).FacetSearchWithContext(ctx, &meilisearch.FacetSearchRequest{
		FacetName: "acts", FacetQuery: plain(typed[at]), Filter: firstPart + " AND (" + strings.Join(variants, " OR ") + ")", ExhaustiveFacetCount: true,
	})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits []struct {
			Value string `json:"value"`
			Count int    `json:"count"`
		} `json:"facetHits"`
	}
	if err := json.Unmarshal(*raw, &answer); err != nil {
		return nil, err
	}
	cited := map[search.Act]int{}
	for _, h := range answer.Hits {
		if a := readAct(h.Value); holdsAll(search.Fold(a.Label+" "+a.Key()), typed) {
			cited[a] += h.Count
		}
	}
	return search.SuggestActs(cited, typed, q.Limit/2+1), nil
}

// holdsAll reports that each word begins one of a folded title.
func holdsAll(title string, words []string) bool {
	for _, w := range words {
		spaced := w[0] < 0xE2 // what comes after in UTF-8 is of scripts without spaces, mostly
		if !strings.HasPrefix(title, w) && !strings.Contains(title, " "+w) && (spaced || !strings.Contains(title, w)) {
			return false
		}
	}
	return true
}

// inTitle is holdsAll with the typos that each word may have.
func inTitle(title string, words []string) bool {
	if holdsAll(title, words) {
		return true
	}
	tokens := search.Tokens(nil, title)
	for i, w := range words {
		limit := search.TyposAllowed(w)
		if !slices.ContainsFunc(tokens, func(t search.Token) bool {
			return search.Distance([]rune(w), []rune(t.Term), limit, i == len(words)-1) <= limit
		}) {
			return false
		}
	}
	return true
}
