package api

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	tongue "golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/feed"
)

// SearchPage is a page of what was found.
type SearchPage struct {
	Items []SearchHit `json:"items"`
	Total int         `json:"total" minimum:"0" doc:"How many documents were found, on all pages."`
	// Facets are those that were asked for.
	Facets     map[string][]FacetCount `json:"facets,omitempty" doc:"Counts over all that was found, by the facets asked for; the highest first."`
	DidYouMean string                  `json:"did_you_mean,omitempty" doc:"The question with words that exist in place of those that do not."`
	Relaxed    bool                    `json:"relaxed" doc:"Nothing has all the words; these have most."`
	Truncated  bool                    `json:"truncated,omitempty" doc:"There were more words than are searched; the last were left out."`
	Links      PageLinks               `json:"_links"`
}

// SearchHit is a document that was found, in the first of the languages searched
// in which it is published.
type SearchHit struct {
	ID         string `json:"id" format:"uuid"`
	Type       string `json:"type"`
	Collection string `json:"collection"`
	Locale     string `json:"locale"`
	Slug       string `json:"slug"`
	Title      string `json:"title"`
	Summary    string `json:"summary"`
	TitleHTML  string `json:"title_html" doc:"The title as HTML, escaped; what matched is in mark elements, and there are no others."`
	Snippet    string `json:"snippet" doc:"The part of the text that says most about why, as HTML like title_html."`
	URL        string `json:"url" format:"uri-reference"`
	// Assurance is there for types whose facts age.
	Assurance *SearchAssurance `json:"assurance,omitempty"`
	Why       []search.Reason  `json:"why,omitempty" doc:"What matched, the most telling first."`
	Distance  *float64         `json:"distance,omitempty" format:"double" minimum:"0" doc:"Metres from near to the nearest of its places."`
	Score     float64          `json:"score" format:"double" doc:"Compares hits of this answer with each other, and nothing else."`
}

// SearchAssurance says when the facts were checked last.
type SearchAssurance struct {
	Date   string `json:"date,omitempty" format:"date"`
	Status string `json:"status" enum:"current,unverified"`
}

// FacetCount is a value of a facet with the documents that have it.
type FacetCount struct {
	Value string `json:"value" doc:"What the parameter of the facet's name takes."`
	Label string `json:"label" doc:"In the language of the reader (locale)."`
	Count int    `json:"count" minimum:"1"`
}

// SuggestionPage is what may be meant.
type SuggestionPage struct {
	Items []Suggestion `json:"items"`
	Links PageLinks    `json:"_links"`
}

// Suggestion is a title or an act.
type Suggestion struct {
	search.Suggestion
	Collection string `json:"collection,omitempty"`
	URL        string `json:"url,omitempty" format:"uri-reference"`
}

// searchTime bounds one search.
const searchTime = 5 * time.Second

// searched answers a search, or gives its problem: the engine's own failures are
// one code to the outside, and everything else of the API goes on.
func searched[T any](s *Server, c *gin.Context, ask func(context.Context) (T, error)) (out T, err error) {
	if s.opt.Search == nil {
		return out, &content.Problem{Class: content.Unavailable, Code: codeSearch}
	}
	turn := time.NewTimer(s.limits.Turn)
	defer turn.Stop()
	select {
	case s.searches <- struct{}{}:
		defer func() { <-s.searches }()
	case <-turn.C:
		return out, &content.Problem{Class: content.Unavailable, Code: codeTooBusy}
	case <-c.Request.Context().Done():
		return out, c.Request.Context().Err()
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), searchTime)
	defer cancel()
	out, err = ask(ctx)
	if wrong, ok := errors.AsType[*search.Invalid](err); ok {
		return out, &content.Problem{Class: content.Invalid, Code: codeInvalidQuery, Fields: wrong.Issues}
	}
	if err != nil && c.Request.Context().Err() == nil {
		return out, &content.Problem{Class: content.Unavailable, Code: codeSearch, Err: err}
	}
	return out, err
}

// runSearch answers GET /api/v1/search.
func (s *Server) runSearch(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		values, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		q, cache, err := s.searchQuery(values)
		if err != nil {
			return err
		}
		result, err := searched(s, c, func(ctx context.Context) (*search.Result, error) { return s.opt.Search.Search(ctx, q) })
		if err != nil {
			return err
		}
		out := SearchPage{
			Items: s.hits(result.Hits), Total: result.Total, DidYouMean: result.DidYouMean, Relaxed: result.Relaxed, Truncated: result.Truncated,
			Facets: s.facetCounts(result.Facets, q.Locale), Links: s.searchLinks(c, values, &q, result.Total),
		}
		data, err := encode(out)
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSON, data, cache)
	}
}

// searchQuery reads the parameters of a search, and tells how long the answer may
// be kept. What is wrong with all of them is told at once, as far as it can be.
func (s *Server) searchQuery(v *query) (search.Query, []string, error) {
	q := search.Query{Text: v.text("q"), Sort: v.text("sort"), Facets: listed(v.text("facets"))}
	q.Limit = int(v.integer("limit", search.DefaultLimit, 1, search.MaxLimit))
	q.Offset = int(v.integer("offset", 0, 0, search.MaxWindow-1))
	q.Locale, q.Locales = s.readers(v)
	for _, name := range s.facets {
		if values := listed(v.text(name)); len(values) > 0 {
			if q.Filters == nil {
				q.Filters = map[string][]string{}
			}
			q.Filters[name] = s.facetValues(v, name, values)
		}
	}
	// Places and days are read as the lists read them.
	shared := url.Values{}
	for _, name := range append(placeParams, openParams...) {
		if text := v.text(name); text != "" {
			shared[name] = []string{text}
		}
	}
	cache := publicShort
	if len(shared) > 0 {
		from, err := s.catalog.ParseQuery(s.openCollection(), shared)
		if p, ok := errors.AsType[*content.Problem](err); ok {
			v.issues = append(v.issues, p.Fields...)
		} else if err != nil {
			return q, nil, err
		}
		cache = cacheOf(&from)
		q.From, q.To, q.Near, q.RadiusMetres, q.Box = from.From, from.To, from.Near, from.RadiusMetres, from.BBox
		if len(v.issues) == 0 {
			q.Among, err = s.openThen(from)
			if p, ok := errors.AsType[*content.Problem](err); ok {
				v.issues = append(v.issues, p.Fields...)
			} else if err != nil {
				return q, nil, err
			}
		}
	}
	if s.opt.Search != nil {
		_, err := s.opt.Search.Settings().Check(q)
		if wrong, ok := errors.AsType[*search.Invalid](err); ok {
			for _, issue := range wrong.Issues {
				if !slices.ContainsFunc(v.issues, func(o schemas.Issue) bool { return o.Path == issue.Path }) {
					v.issues = append(v.issues, issue)
				}
			}
		}
	}
	return q, cache, v.err()
}

// Parameters that the lists have too.
var (
	placeParams = []string{"from", "to", "near", "radius", "bbox"}
	openParams  = []string{"open_at", "open_on"}
)

// openCollection is the collection whose parameters include those of places and
// opening hours: the first type on the map that has such hours.
func (s *Server) openCollection() string {
	for _, t := range s.schemas.Types() {
		if s.catalog.OnMap(t.Collection) && s.catalog.HasHours(t.Collection) {
			return t.Collection
		}
	}
	return s.schemas.Types()[0].Collection
}

// openThen gives the documents that are open when the query asks for it; nil when
// it does not ask. The catalogue knows, the engine need not.
func (s *Server) openThen(q catalog.Query) ([]string, error) {
	if q.OpenAt.IsZero() && !q.OpenNow && q.OpenOn == "" {
		return nil, nil
	}
	ids := []string{} // nil would be all
	for _, t := range s.schemas.Types() {
		if !s.catalog.HasHours(t.Collection) {
			continue
		}
		found, err := s.catalog.Select(catalog.Query{Collection: t.Collection, OpenAt: q.OpenAt, OpenNow: q.OpenNow, OpenOn: q.OpenOn})
		if err != nil {
			return nil, err
		}
		for e := range found.Entries() {
			ids = append(ids, e.ID())
		}
	}
	return ids, nil
}

// readers gives the language of the reader and those to search: the ones named,
// else the reader's, else all in which anything is published, Italian first; but
// who writes Arabic or Chinese letters is taken for a reader of that language.
func (s *Server) readers(v *query) (reader string, all []string) {
	tag := func(name, text string) string {
		l, ok := s.schemas.Locale(text)
		if !ok {
			v.issues = append(v.issues, schemas.Issue{Path: pointer("", name), Code: "unknown_locale", Params: map[string]any{"locale": echo(text)}})
		}
		return l.Tag
	}
	if text := v.text("locale"); text != "" {
		reader = tag("locale", text)
	}
	named := listed(v.text("locales"))
	for _, text := range named[:min(len(named), search.MaxLocales+1)] {
		all = append(all, tag("locales", text))
	}
	switch {
	case len(all) > 0:
		return or(reader, all[0]), all
	case reader != "":
		return reader, []string{reader}
	}
	reader = "it"
	if l, ok := s.schemas.Locale(search.Script(v.text("q"))); ok {
		reader = l.Tag
	}
	all = []string{reader}
	if reader != "it" {
		all = append(all, "it")
	}
	if s.opt.Search != nil {
		for _, l := range s.opt.Search.Locales() {
			if !slices.Contains(all, l) && len(all) < search.MaxLocales {
				all = append(all, l)
			}
		}
	}
	return reader, all
}

// listed splits values parted by commas.
func listed(text string) (out []string) {
	for v := range strings.SplitSeq(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// deriveFacets reads out of the declarations what can be asked. All facets but
// the language of a document, for which there is locales, are parameters.
func (s *Server) deriveFacets() error {
	settings, err := search.Derive(s.schemas)
	if err != nil {
		return err
	}
	s.sorts, s.allFacets = settings.Sorts, settings.Facets
	s.facets = slices.DeleteFunc(slices.Clone(settings.Facets), func(name string) bool { return name == search.FacetLocale })
	return nil
}

// facetFields are the declared fields of a facet.
func (s *Server) facetFields(name string) (out []*schemas.Field) {
	for _, t := range s.schemas.Types() {
		for _, f := range t.Fields {
			if f.Search.Facet && search.FacetOf(f.Name) == name {
				out = append(out, f)
			}
		}
	}
	return out
}

// facetValues gives the canonical values of a filter. Words of a vocabulary that
// nobody knows are refused, since they could only be mistaken.
func (s *Server) facetValues(v *query, name string, values []string) []string {
	if len(values) > search.MaxValues {
		v.issues = append(v.issues, schemas.Issue{Path: pointer("", name), Code: schemas.CodeTooManyItems, Params: map[string]any{"max": search.MaxValues, "actual": len(values)}})
		return nil
	}
	fields := s.facetFields(name)
	out := make([]string, 0, len(values))
	for _, value := range values {
		got, code := s.facetValue(name, fields, value)
		if code != "" {
			v.issues = append(v.issues, schemas.Issue{Path: pointer("", name), Code: code, Params: map[string]any{"value": echo(value)}})
			continue
		}
		out = append(out, got)
	}
	return out
}

func (s *Server) facetValue(name string, fields []*schemas.Field, value string) (canonical, code string) {
	switch name {
	case search.FacetType:
		if t, ok := s.schemas.Type(value); ok {
			return t.Name, ""
		}
		if t, ok := s.schemas.TypeByCollection(value); ok {
			return t.Name, ""
		}
		return "", schemas.CodeUnknownTerm
	case search.FacetYear:
		if n, err := strconv.Atoi(value); err == nil && len(value) == 4 && n >= 1000 {
			return value, ""
		}
		return "", schemas.CodeNotADate
	case search.FacetAssurance:
		if _, ok := assuranceLabels[value]; ok {
			return value, ""
		}
		return "", schemas.CodeUnknownTerm
	case search.FacetLanguage:
		if tag, ok := schemas.CanonicalTag(value); ok {
			return tag, ""
		}
		return "", schemas.CodeInvalidLanguage
	}
	code = schemas.CodeUnknownTerm
	for _, f := range fields {
		switch f.Kind {
		case "territory":
			if t, ok := s.service.Territories().Lookup(value); ok {
				return t.ISTAT, ""
			}
			code = schemas.CodeUnknownTerritory
		case "choice":
			if t, ok := f.Term(value); ok {
				return t.ID, ""
			}
		case "reference":
			if e, ok := s.referred(f, value); ok {
				return e.ID(), ""
			}
			code = schemas.CodeInvalidReference
		case "language_list":
			if tag, ok := schemas.CanonicalTag(value); ok {
				return tag, ""
			}
			code = schemas.CodeInvalidLanguage
		case "boolean":
			if value == "true" || value == "false" {
				return value, ""
			}
		default:
			return value, ""
		}
	}
	return "", code
}

// referred finds a public document by id or slug.
func (s *Server) referred(f *schemas.Field, value string) (catalog.Entry, bool) {
	if e, ok := s.catalog.ByID(value, ""); ok && slices.Contains(f.Types, e.Type()) {
		return e, true
	}
	for _, name := range f.Types {
		if t, ok := s.schemas.Type(name); ok {
			if a := s.catalog.Get(t.Collection, value, ""); a.Outcome == catalog.Found {
				return a.Entry, true
			}
		}
	}
	return catalog.Entry{}, false
}

// hits are what the catalogue still shows of what was found: the engine may be a
// moment late, and the public must not see what was taken back. Of an item that
// has changed meanwhile nothing is quoted.
func (s *Server) hits(found []search.Hit) []SearchHit {
	out := make([]SearchHit, 0, len(found))
	var buf []byte
	for _, h := range found {
		e, ok := s.variantIn(h.Document, h.Locale)
		if !ok {
			continue
		}
		hit := SearchHit{
			ID: h.Document, Type: e.Type(), Collection: e.Collection(), Locale: e.Locale(), Slug: e.Slug(), Title: e.Title(),
			URL: s.public + e.URL(), TitleHTML: h.TitleHTML, Snippet: h.Snippet, Why: h.Why, Distance: h.Distance, Score: h.Score,
		}
		buf = e.AppendSummary(buf[:0])
		var short struct {
			Summary   string           `json:"summary"`
			Assurance *SearchAssurance `json:"assurance"`
		}
		if json.Unmarshal(buf, &short) == nil {
			hit.Summary, hit.Assurance = short.Summary, short.Assurance
		}
		if h.Version != feed.Version(e) {
			hit.TitleHTML, hit.Snippet, hit.Why, hit.Distance = html.EscapeString(hit.Title), html.EscapeString(hit.Summary), nil, nil
		}
		out = append(out, hit)
	}
	return out
}

// variantIn gives the public variant in that very locale.
func (s *Server) variantIn(id, locale string) (catalog.Entry, bool) {
	e, ok := s.catalog.ByID(id, locale)
	return e, ok && e.Locale() == locale
}

// assuranceLabels are the messages for whether facts were checked.
var assuranceLabels = map[string]string{"current": "label_assurance_current", "unverified": "label_assurance_unverified"}

// facetCounts gives the counts with labels for a reader.
func (s *Server) facetCounts(counts map[string][]search.Count, locale string) map[string][]FacetCount {
	if len(counts) == 0 {
		return nil
	}
	out := make(map[string][]FacetCount, len(counts))
	for name, list := range counts {
		fields := s.facetFields(name)
		rows := make([]FacetCount, 0, len(list))
		for _, n := range list {
			if label := s.facetLabel(name, fields, n.Value, locale); label != "" {
				rows = append(rows, FacetCount{Value: n.Value, Label: label, Count: n.Count})
			}
		}
		out[name] = rows
	}
	return out
}

// facetLabel is what a value is called; empty for a document that is not public
// any more.
func (s *Server) facetLabel(name string, fields []*schemas.Field, value, locale string) string {
	switch name {
	case search.FacetType:
		if t, ok := s.schemas.Type(value); ok {
			return t.Plural.In(locale)
		}
		return value
	case search.FacetLanguage, search.FacetLocale:
		return languageName(value, locale)
	case search.FacetAssurance:
		return messages.Text(messages.Negotiate(locale), assuranceLabels[value], nil)
	}
	for _, f := range fields {
		switch f.Kind {
		case "territory":
			if t, ok := s.service.Territories().Lookup(value); ok {
				return t.Name
			}
		case "choice":
			if t, ok := f.Term(value); ok {
				return t.Label.In(locale)
			}
		case "reference":
			if e, ok := s.catalog.ByID(value, locale); ok {
				return e.Title()
			}
			return ""
		case "language_list":
			return languageName(value, locale)
		}
	}
	return value
}

// languageName is what a language is called in another.
func languageName(tag, locale string) string {
	namer := display.Languages(tongue.Make(locale))
	if namer == nil {
		namer = display.Languages(tongue.English)
	}
	return or(namer.Name(tongue.Make(tag)), tag)
}

// searchLinks are the addresses of a page and of those beside it.
func (s *Server) searchLinks(c *gin.Context, v *query, q *search.Query, total int) PageLinks {
	at := func(offset int) string {
		values := v.multi()
		values.Del("offset")
		if offset > 0 {
			values.Set("offset", strconv.Itoa(offset))
		}
		if len(values) == 0 {
			return s.public + c.Request.URL.Path
		}
		return s.public + c.Request.URL.Path + "?" + values.Encode()
	}
	links := PageLinks{Self: at(q.Offset)}
	if next := q.Offset + q.Limit; next < total && next+q.Limit <= search.MaxWindow {
		links.Next = at(next)
	}
	if q.Offset > 0 {
		links.Prev = at(max(0, q.Offset-q.Limit))
	}
	return links
}

// suggest answers GET /api/v1/search/suggest.
func (s *Server) suggest(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		v, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		q := search.SuggestQuery{Text: v.text("q"), Limit: int(v.integer("limit", defaultSuggestions, 1, search.MaxSuggestions))}
		q.Locale, q.Locales = s.readers(v)
		if err := v.err(); err != nil {
			return err
		}
		list, err := searched(s, c, func(ctx context.Context) ([]search.Suggestion, error) { return s.opt.Search.Suggest(ctx, q) })
		if err != nil {
			return err
		}
		out := SuggestionPage{Items: []Suggestion{}, Links: s.searchLinks(c, v, &search.Query{}, 0)}
		for _, x := range list {
			item := Suggestion{Suggestion: x}
			if x.Document != "" {
				e, ok := s.variantIn(x.Document, x.Locale)
				if !ok || e.Title() != x.Text {
					continue
				}
				item.Collection, item.Slug, item.URL = e.Collection(), e.Slug(), s.public+e.URL()
			}
			out.Items = append(out.Items, item)
		}
		data, err := encode(out)
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSON, data, publicShort)
	}
}
