package meiliindex

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/meilisearch/meilisearch-go"

	"github.com/prassi-cms/prassi/search"
)

// Bounds of one question. Meilisearch reads ten words of a query.
const (
	maxParts      = 10
	maxVariants   = 16      // of one locale
	maxAsks       = 60      // of one request
	maxFilters    = 4 << 20 // bytes of the filters of one request, which each of its queries repeats
	synonymWeight = 0.9
)

// asker answers one query.
type asker struct {
	x       *Index
	ctx     context.Context
	q       *search.Query
	parsed  search.Parsed
	plans   []search.Plan // by locale
	where   []string      // filters of the query for the first parts
	nearest []string      // the same for all parts
	most    int           // asks of one request
	unknown map[string]bool
	trunc   bool
}

// ask is one query of a federated search.
type ask struct {
	locale int
	text   string
	loose  bool // the words are searched too, with typos, beside the stems
	weight float64
}

// option is one way to have a unit: words in Meilisearch's syntax.
type option struct {
	parts  []string
	prefix bool // the last part may be unfinished
	bare   bool // the last part is not in quotes
	weight float64
}

// Search is part of search.Index.
func (x *Index) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	q, err := x.settings.Check(q)
	if err != nil {
		return nil, err
	}
	if err := x.begin(ctx); err != nil {
		return nil, err
	}
	short, cancel := briefly(ctx)
	defer cancel()
	a := &asker{x: x, ctx: short, q: &q, parsed: search.Parse(q.Text), unknown: map[string]bool{}}
	a.trunc = a.parsed.Truncated
	result, err := a.answer()
	if code(err) == noIndex { // nothing was ever written
		return empty(), nil
	}
	if err != nil {
		return nil, fail(ctx, "search", err)
	}
	return result, nil
}

func empty() *search.Result { return &search.Result{Hits: []search.Hit{}} }

func (a *asker) answer() (*search.Result, error) {
	if a.q.Among != nil && len(a.q.Among) == 0 {
		return empty(), nil
	}
	if err := a.filters(); err != nil {
		return nil, err
	}
	if len(a.parsed.Words) == 0 && len(a.parsed.Phrases) == 0 {
		if len(a.parsed.Exclude) == 0 && strings.TrimSpace(a.q.Text) != "" {
			return empty(), nil // there is nothing but signs
		}
		var asks []ask
		for i := range a.q.Locales {
			asks = append(asks, ask{locale: i, text: a.compose(i, nil), loose: true})
		}
		found, err := a.run(asks)
		if err != nil {
			return nil, err
		}
		return a.result(found, false), nil
	}
	for i := range a.q.Locales {
		plan := a.x.settings.Plan(a.parsed, a.q.Locale, a.q.Locales[i])
		if a.trunc = a.trunc || plan.Truncated; len(plan.Units) > maxParts {
			plan.Units, a.trunc = plan.Units[:maxParts], true
		}
		a.plans = append(a.plans, plan)
	}
	found, err := a.run(a.all())
	if err != nil || found.total > 0 {
		return a.result(found, false), err
	}
	if err := a.probe(); err != nil {
		return nil, err
	}
	if len(a.unknown) > 0 {
		if found, err = a.run(a.all()); err != nil || found.total > 0 {
			return a.result(found, false), err
		}
	}
	found, err = a.relax()
	return a.result(found, true), err
}

// filters makes the filter expressions. Points beyond a variant's first are in
// records of their own, so the variants of which one of those is found are
// asked for by name.
func (a *asker) filters() error {
	all := facts(a.q)
	at := places(a.q)
	if len(at) > 0 {
		a.nearest = slices.Concat(all, at)
		var owners []string
		for offset := int64(0); ; offset += listPage {
			var page meilisearch.DocumentsResult
			if err := a.x.client.Index(a.x.uid).GetDocumentsWithContext(a.ctx, &meilisearch.DocumentsQuery{
				Offset: offset, Limit: listPage, Fields: []string{"owner"}, Filter: and(append([]string{"part > 0"}, a.nearest...)),
			}, &page); err != nil {
				return err
			}
			for _, hit := range page.Results {
				var r struct {
					Owner string `json:"owner"`
				}
				if err := hit.DecodeInto(&r); err != nil {
					return err
				}
				owners = append(owners, r.Owner)
			}
			if int64(len(page.Results)) < listPage {
				break
			}
		}
		slices.Sort(owners)
		if owners = slices.Compact(owners); len(owners) > 0 {
			all = append(all, "("+and(at)+" OR "+in("owner", owners)+")")
		} else {
			all = append(all, at...)
		}
	}
	a.where = append([]string{firstPart}, all...)
	a.most = max(len(a.q.Locales), min(maxAsks, maxFilters/len(and(a.where))))
	return nil
}

// all asks for all units in each locale.
func (a *asker) all() (asks []ask) {
	for i := range a.plans {
		asks = append(asks, a.variants(i, a.plans[i].Units, min(maxVariants, max(1, a.most/len(a.plans))))...)
	}
	return asks[:min(len(asks), a.most)]
}

// variants asks for units together, each in one of its ways.
func (a *asker) variants(locale int, units []search.Unit, most int) []ask {
	list := [][]option{nil}
	for _, u := range units {
		ways := a.options(u, a.q.Locales[locale])
		if len(list)*len(ways) > most {
			ways = ways[:1]
		}
		var longer [][]option
		for _, have := range list {
			for _, way := range ways {
				longer = append(longer, append(slices.Clip(have), way))
			}
		}
		list = longer
	}
	var asks []ask
	for _, options := range list {
		one := ask{locale: locale, text: a.compose(locale, options), weight: 1, loose: a.loose()}
		for _, o := range options {
			if o.weight > 0 {
				one.weight = min(one.weight, o.weight)
			}
		}
		asks = append(asks, one)
	}
	return asks
}

// loose says that words must be searched as they are written, beside their stems:
// those of phrases and those with typos.
func (a *asker) loose() bool {
	several := func(words []string) bool { return len(words) > 1 }
	return len(a.parsed.Phrases) > 0 || len(a.unknown) > 0 || slices.ContainsFunc(a.parsed.Exclude, several)
}

// options are the ways to have a unit, the most general first.
func (a *asker) options(u search.Unit, locale string) (out []option) {
	if u.Act != "" {
		out = append(out, option{parts: []string{phrase(actMark(u.Act))}})
	}
	for _, group := range a.x.groups.asked(locale, u) {
		out = append(out, option{parts: []string{phrase(groupMark(group))}, weight: synonymWeight})
	}
	if len(u.Alternatives) == 0 {
		return out
	}
	typed := u.Alternatives[0]
	if u.Run {
		return append(out, a.runs(typed)...)
	}
	var exact []string
	for _, term := range typed {
		exact = append(exact, phrase(search.Stem(locale, term)))
	}
	last := typed[len(typed)-1]
	if len(typed) == 1 && a.unknown[last] {
		return append(out, option{parts: []string{last}, prefix: u.Prefix, bare: true})
	}
	if !u.Prefix || search.Stem(locale, last) != last {
		out = append(out, option{parts: exact})
	}
	if u.Prefix && u.Act == "" {
		out = append(out, option{parts: append(slices.Clone(exact[:len(exact)-1]), last), prefix: true, bare: true})
	}
	return out
}

// runs are the ways to have a text without spaces: its pairs of characters, or,
// when there is no document, all but the two that one wrong character spoils.
func (a *asker) runs(pairs []string) (out []option) {
	quoted := func(list []string) (parts []string) {
		for _, p := range list {
			parts = append(parts, phrase(p))
		}
		return parts
	}
	if !a.unknown[strings.Join(pairs, " ")] {
		var apart []string // every second, so that longer runs fit
		for i := 0; i < len(pairs); i += 2 {
			apart = append(apart, pairs[i])
		}
		if len(pairs)%2 == 0 {
			apart = append(apart, pairs[len(pairs)-1])
		}
		return []option{{parts: quoted(apart)}}
	}
	pairs = pairs[:min(len(pairs), maxParts)]
	gap := min(2, len(pairs)/2)
	for i := 0; i+gap <= len(pairs); i++ {
		out = append(out, option{parts: quoted(slices.Concat(pairs[:i], pairs[i+gap:]))})
	}
	return out
}

// phrase asks for words exactly and side by side. Folded words are letters and
// digits; anything else is left out, so that nothing ends the quotes.
func phrase(words ...string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(plain(w))
	}
	b.WriteByte('"')
	return b.String()
}

// plain is a word without what Meilisearch reads as syntax.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '-' || r <= ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, word)
}

// compose writes a query: phrases, exclusions, and a way for each unit.
func (a *asker) compose(locale int, options []option) string {
	tag := a.q.Locales[locale]
	var parts []string
	for _, words := range a.parsed.Phrases {
		parts = append(parts, phrase(words...))
	}
	bare, prefix := false, false
	for _, o := range options {
		for i, p := range o.parts {
			if len(parts) == maxParts {
				a.trunc = true
				break
			}
			last := i == len(o.parts)-1
			if bare, prefix = last && o.bare, last && o.prefix; bare {
				p = plain(p)
			}
			parts = append(parts, p)
		}
	}
	for i, words := range a.parsed.Exclude {
		not := "-" + phrase(words...)
		if len(words) == 1 {
			not = "-" + plain(search.Stem(tag, words[0]))
		}
		parts = slices.Insert(parts, i, not)
	}
	text := strings.Join(parts, " ")
	if bare && !prefix {
		text += " " // a space ends the word
	}
	return text
}

// page is what the server found.
type page struct {
	hits   []found
	total  int
	facets map[string]map[string]int
}

// found is a record as the server gives it back.
type found struct {
	ID         string                     `json:"id"`
	Owner      string                     `json:"owner"`
	Document   string                     `json:"document"`
	Type       string                     `json:"type"`
	Locale     string                     `json:"locale"`
	Slug       string                     `json:"slug"`
	Version    string                     `json:"version"`
	Title      string                     `json:"title"`
	Summary    string                     `json:"summary"`
	Body       string                     `json:"body"`
	Other      []string                   `json:"other"`
	Points     []search.Point             `json:"points"`
	Acts       []string                   `json:"acts"`
	Formatted  map[string]json.RawMessage `json:"_formatted"`
	Federation struct {
		Score float64 `json:"weightedRankingScore"`
	} `json:"_federation"`
}

var retrieved = []string{"id", "owner", "document", "type", "locale", "slug", "title", "summary", "body", "other", "points", "acts", "version"}

// Markers that no folded word has.
const (
	openMark  = "\ue000"
	closeMark = "\ue001"
)

// run asks a federated search: what any of the queries finds, once.
func (a *asker) run(asks []ask) (*page, error) {
	if len(asks) == 0 {
		return &page{}, nil
	}
	facets := []string{}
	for _, name := range a.q.Facets {
		facets = append(facets, facetAttribute(name))
	}
	request := &meilisearch.MultiSearchRequest{Federation: &meilisearch.MultiSearchFederation{
		Offset: int64(a.q.Offset), Limit: int64(a.q.Limit),
	}}
	if len(facets) > 0 {
		request.Federation.FacetsByIndex = map[string][]string{a.x.uid: facets}
		request.Federation.MergeFacets = &meilisearch.MultiSearchFederationMergeFacets{MaxValuesPerFacet: search.MaxFacetValues}
	}
	request.Queries = a.queries(asks, a.where)
	answer, err := a.x.client.MultiSearchWithContext(a.ctx, request)
	if err != nil {
		return nil, err
	}
	out := &page{total: int(answer.EstimatedTotalHits), facets: map[string]map[string]int{}}
	for _, name := range a.q.Facets {
		counts := map[string]int{}
		if raw := answer.FacetDistribution[facetAttribute(name)]; len(raw) > 0 {
			if err := json.Unmarshal(raw, &counts); err != nil {
				return nil, fmt.Errorf("the counts of %s: %w", name, err)
			}
		}
		out.facets[name] = counts
	}
	hits := answer.Hits
	if a.q.Sort == search.SortDistance && out.total > 0 {
		nearest, err := a.x.client.MultiSearchWithContext(a.ctx, &meilisearch.MultiSearchRequest{
			Federation: &meilisearch.MultiSearchFederation{Offset: int64(a.q.Offset), Limit: int64(a.q.Limit), Distinct: "owner"},
			Queries:    a.queries(asks, a.nearest),
		})
		if err != nil {
			return nil, err
		}
		hits = nearest.Hits
	}
	for _, hit := range hits {
		var f found
		if err := hit.DecodeInto(&f); err != nil {
			return nil, fmt.Errorf("a hit: %w", err)
		}
		out.hits = append(out.hits, f)
	}
	return out, nil
}

func (a *asker) queries(asks []ask, where []string) (out []*meilisearch.SearchRequest) {
	sort := a.sort()
	for _, k := range asks {
		tag := a.q.Locales[k.locale]
		r := &meilisearch.SearchRequest{
			IndexUID: a.x.uid, Query: k.text, MatchingStrategy: meilisearch.All,
			Filter: and(slices.Concat(where, answers(a.q.Locales, k.locale))), Sort: sort, AttributesToRetrieve: retrieved,
		}
		if k.text != "" {
			r.AttributesToSearchOn = attributes("s", tag)
			if k.loose {
				r.AttributesToSearchOn = append(attributes("w", tag), r.AttributesToSearchOn...)
			}
			r.AttributesToHighlight, r.HighlightPreTag, r.HighlightPostTag = r.AttributesToSearchOn, openMark, closeMark
		}
		if language := languages[tag]; language != "" {
			r.Locales = []string{language}
		}
		if k.weight > 0 && k.weight < 1 && sort == nil {
			r.FederationOptions = &meilisearch.SearchFederationOptions{Weight: k.weight}
		}
		out = append(out, r)
	}
	return out
}

func (a *asker) sort() []string {
	name, descending := strings.CutPrefix(a.q.Sort, "-")
	direction := ":asc"
	if descending {
		direction = ":desc"
	}
	switch name {
	case search.SortRelevance:
		if len(a.parsed.Words) > 0 || len(a.parsed.Phrases) > 0 {
			return nil
		}
		name, direction = "published", ":desc"
	case search.SortDistance:
		return []string{"_geoPoint(" + number(a.q.Near.Lat) + ", " + number(a.q.Near.Lon) + "):asc", "id:asc"}
	case search.SortPublished:
		name = "published"
	case search.SortUpdated:
		name = "updated"
	default:
		name = keyAttribute(name)
	}
	return []string{name + direction, "id:asc"}
}

// many asks tiny queries, each for itself, and tells which found something.
func (a *asker) many(asks []ask, where []string) ([]bool, error) {
	out := make([]bool, 0, len(asks))
	for chunk := range slices.Chunk(asks, a.most) {
		queries := a.queries(chunk, where)
		for _, r := range queries {
			r.Limit, r.AttributesToRetrieve, r.AttributesToHighlight = 1, []string{"id"}, nil
			r.HighlightPreTag, r.HighlightPostTag, r.Sort, r.FederationOptions = "", "", nil, nil
		}
		answer, err := a.x.client.MultiSearchWithContext(a.ctx, &meilisearch.MultiSearchRequest{Queries: queries})
		if err != nil {
			return nil, err
		}
		if len(answer.Results) != len(chunk) {
			return nil, fmt.Errorf("%d answers to %d queries", len(answer.Results), len(chunk))
		}
		for _, r := range answer.Results {
			out = append(out, len(r.Hits) > 0)
		}
	}
	return out, nil
}

// probe finds the words that no locale has: only those may have typos.
func (a *asker) probe() error {
	var asks []ask
	var words []string
	for i, plan := range a.plans {
		for _, u := range plan.Units {
			if u.Act != "" || len(u.Alternatives) != 1 {
				continue
			}
			word := strings.Join(u.Alternatives[0], " ")
			if !u.Run && search.TyposAllowed(word) == 0 || u.Run && len(u.Alternatives[0]) < 2 {
				continue
			}
			for _, k := range a.bare(i, u) {
				asks, words = append(asks, k), append(words, word)
			}
		}
	}
	there, err := a.many(asks, []string{firstPart})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for i, ok := range there {
		known[words[i]] = known[words[i]] || ok
	}
	for _, word := range words {
		if !known[word] {
			a.unknown[word] = true
		}
	}
	return nil
}

// bare asks for one unit, without phrases and exclusions.
func (a *asker) bare(locale int, u search.Unit) []ask {
	alone := *a
	alone.parsed.Phrases, alone.parsed.Exclude = nil, nil
	return alone.variants(locale, []search.Unit{u}, maxVariants)
}

// relax looks for the documents that have the most units, at least half.
func (a *asker) relax() (*page, error) {
	var asks []ask
	type place struct{ locale, unit int }
	var of []place
	most := 0
	for i, plan := range a.plans {
		if most = max(most, len(plan.Units)/2); len(plan.Units) < 2 {
			continue
		}
		for j, u := range plan.Units {
			for _, k := range a.bare(i, u) {
				asks, of = append(asks, k), append(of, place{i, j})
			}
		}
	}
	there, err := a.many(asks, a.where)
	if err != nil {
		return nil, err
	}
	kept := make([][]search.Unit, len(a.plans))
	for i, ok := range there {
		if n := len(kept[of[i].locale]); ok && (n == 0 || i == 0 || !slices.Contains(of[:i], of[i]) || !anyBefore(there, of[:i], of[i])) {
			kept[of[i].locale] = append(kept[of[i].locale], a.plans[of[i].locale].Units[of[i].unit])
		}
	}
	for missing := 1; missing <= most; missing++ {
		var asks []ask
		for i, plan := range a.plans {
			if n := len(plan.Units); 2*missing <= n && len(kept[i]) >= n-missing {
				for units := range subsets(kept[i], n-missing) {
					if asks = append(asks, a.variants(i, units, 4)...); len(asks) > a.most {
						break
					}
				}
			}
		}
		found, err := a.run(asks[:min(len(asks), a.most)])
		if err != nil || found.total > 0 {
			return found, err
		}
	}
	return &page{}, nil
}

// anyBefore reports that an earlier query for the same place found something.
func anyBefore[P comparable](there []bool, of []P, p P) bool {
	for i := range of {
		if of[i] == p && there[i] {
			return true
		}
	}
	return false
}

// subsets yields the choices of n, in order.
func subsets[T any](list []T, n int) func(func([]T) bool) {
	return func(yield func([]T) bool) {
		var walk func(from int, have []T) bool
		walk = func(from int, have []T) bool {
			if len(have) == n {
				return yield(have)
			}
			for i := from; i+n-len(have) <= len(list); i++ {
				if !walk(i+1, append(slices.Clip(have), list[i])) {
					return false
				}
			}
			return true
		}
		walk(0, nil)
	}
}
