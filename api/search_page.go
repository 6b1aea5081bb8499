package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/site"
)

// hitsAPage is how many results a page of the search shows, maxFacet how many values
// of a filter.
const (
	hitsAPage = 10
	maxFacet  = 12
)

// Parameters of the form beside the facets. The form of a list says collection, a
// person's "open now" is open_now.
const (
	formCollection = "collection"
	formOpenNow    = "open_now"
	formPage       = "page"
)

// searchPage answers /{locale}/search/?…: the form that every page has, filled, and
// what was found, by the site's templates. It needs no script. What the form says
// and nobody understands is passed over: a person has followed an old link.
func (s *Server) searchPage(c *gin.Context, locale string) error {
	asked := s.searchForm(c.Request.URL.RawQuery)
	number := max(1, int(asked.integer(formPage, 1, 1, search.MaxWindow/hitsAPage)))
	asked.issues = nil
	near := asked.text("near")
	view := &site.SearchView{
		Query: asked.text("q"), Asked: len(asked.values) > 0, Page: number,
		Near: near, Radii: site.Radii(cmp.Or(asked.text("radius"), site.RadiusUsual)), OpenNow: asked.text(formOpenNow) != "",
	}
	p := site.Page{Kind: "search", Lang: locale, Path: "/" + locale + "/search/", NoIndex: true, Search: view}
	status := http.StatusOK
	if view.Asked {
		if err := s.fillSearch(c, p.Lang, asked, view); err != nil {
			problem := content.AsProblem(err)
			if problem.Class != content.Unavailable {
				return err
			}
			view.Failed, status = true, http.StatusServiceUnavailable
			c.Writer.Header().Set("Retry-After", "5")
		}
		view.NearUnknown = near != "" && asked.text("near") == ""
	}
	return s.answerRendered(c, status, p, pageCache)
}

// searchForm reads the form: the parameters that mean something, each once.
func (s *Server) searchForm(raw string) *query {
	if len(raw) > maxQuery {
		raw = raw[:max(0, strings.LastIndexByte(raw[:maxQuery], '&'))]
	}
	out := &query{values: map[string]string{}}
	for pair := range strings.SplitSeq(raw, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok1 := unescape(rawName)
		value, ok2 := unescape(rawValue)
		if name == formCollection {
			name = search.FacetType
		}
		if value = strings.TrimSpace(value); !ok1 || !ok2 || value == "" || len(value) > 2000 {
			continue
		}
		known := slices.Contains(s.facets, name) || slices.Contains([]string{"q", "near", "radius", "sort", formOpenNow, formPage}, name)
		if _, twice := out.values[name]; known && !twice {
			out.values[name] = value
		}
	}
	// The form always says how far, which means something beside a place alone.
	switch _, near := out.values["near"]; {
	case !near:
		delete(out.values, "radius")
	case out.values["radius"] == "":
		out.values["radius"] = site.RadiusUsual
	}
	if runes := []rune(out.values["q"]); len(runes) > search.MaxChars {
		out.values["q"] = string(runes[:search.MaxChars])
	}
	return out
}

// fillSearch asks, and fills in what was found. What the question says that cannot
// be is left out of it.
func (s *Server) fillSearch(c *gin.Context, lang string, asked *query, view *site.SearchView) error {
	for {
		ask := &query{values: map[string]string{}}
		for name, value := range asked.values {
			switch name {
			case formOpenNow:
				ask.values["open_at"] = "now"
			case formPage:
			default:
				ask.values[name] = value
			}
		}
		if ask.values["near"] != "" && ask.values["q"] == "" && ask.values["sort"] == "" {
			ask.values["sort"] = search.SortDistance
		}
		ask.values["locale"], ask.values["locales"] = lang, searchedIn(lang)
		ask.values["limit"], ask.values["offset"] = strconv.Itoa(hitsAPage), strconv.Itoa((view.Page-1)*hitsAPage)
		ask.values["facets"] = strings.Join(s.formFacets(), ",")
		q, _, err := s.searchQuery(ask)
		if err != nil && asked.without(err) {
			continue
		}
		if err != nil {
			return err
		}
		found, err := searched(s, c, func(ctx context.Context) (*search.Result, error) { return s.opt.Search.Search(ctx, q) })
		if err != nil {
			return err
		}
		return s.showFound(lang, asked, view, found)
	}
}

// without takes out of a question what an error says is wrong with it, and tells
// whether that was anything.
func (q *query) without(err error) bool {
	p, ok := errors.AsType[*content.Problem](err)
	if !ok {
		return false
	}
	before := len(q.values)
	for _, issue := range p.Fields {
		name, _, _ := strings.Cut(strings.TrimPrefix(issue.Path, "/"), "/")
		switch name {
		case "open_at":
			name = formOpenNow
		case "offset", "limit":
			name = formPage
		}
		delete(q.values, name)
		if name == "near" { // these mean nothing without it
			delete(q.values, "radius")
			if q.values["sort"] == search.SortDistance {
				delete(q.values, "sort")
			}
		}
	}
	return len(q.values) < before
}

// searchedIn are the languages that are searched for a reader: the own, and those in
// which most is written.
func searchedIn(lang string) string {
	list := []string{lang}
	for _, also := range []string{"it", "en"} {
		if also != lang {
			list = append(list, also)
		}
	}
	return strings.Join(list, ",")
}

// formFacets are the filters that the page of the search offers, in their order.
func (s *Server) formFacets() (out []string) {
	for _, name := range []string{search.FacetType, search.FacetTerritory, search.FacetTopic, "target_groups"} {
		if slices.Contains(s.allFacets, name) {
			out = append(out, name)
		}
	}
	return out
}

// codeFacetType heads the filter by type, which no field declares.
const codeFacetType = "label_facet_type"

// showFound fills in what was found, and the links that narrow it.
func (s *Server) showFound(lang string, asked *query, view *site.SearchView, found *search.Result) error {
	view.Total, view.Pages = found.Total, max(1, (min(found.Total, search.MaxWindow)+hitsAPage-1)/hitsAPage)
	for _, hit := range s.hits(found.Hits) {
		e, ok := s.variantIn(hit.ID, hit.Locale)
		if !ok {
			continue
		}
		card, ok, err := s.theme.Card(e, lang)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		card.Snippet = site.Snippet(hit.Snippet)
		view.Results = append(view.Results, card)
	}
	at := func(change func(url.Values)) string {
		values := url.Values{}
		for name, value := range asked.values {
			values.Set(name, value)
		}
		values.Del(formPage)
		change(values)
		return s.theme.View(lang).Search + "?" + values.Encode()
	}
	turn := func(n int) *site.Link {
		if n < 1 || n > view.Pages {
			return nil
		}
		return &site.Link{Title: strconv.Itoa(n), URL: at(func(v url.Values) {
			if n > 1 {
				v.Set(formPage, strconv.Itoa(n))
			}
		})}
	}
	view.Newer, view.Older = turn(view.Page-1), turn(view.Page+1)
	if found.DidYouMean != "" {
		view.DidYouMean = &site.Link{Title: found.DidYouMean, URL: at(func(v url.Values) { v.Set("q", found.DidYouMean) })}
	}
	counts := s.facetCounts(found.Facets, lang)
	for _, name := range s.formFacets() {
		chosen := listed(asked.text(name))
		fields := s.facetFields(name)
		filter := site.Filter{Name: name, Label: s.facetTitle(name, lang)}
		for _, value := range chosen {
			canonical, code := s.facetValue(name, fields, value)
			if code != "" {
				continue
			}
			filter.Options = append(filter.Options, site.FilterOption{
				Value: canonical, Label: s.facetLabel(name, fields, canonical, lang), Selected: true,
				URL: at(func(v url.Values) { v.Del(name) }),
			})
		}
		for _, n := range counts[name][:min(len(counts[name]), maxFacet)] {
			if !slices.ContainsFunc(filter.Options, func(o site.FilterOption) bool { return o.Value == n.Value }) {
				filter.Options = append(filter.Options, site.FilterOption{
					Value: n.Value, Label: n.Label, Count: n.Count, URL: at(func(v url.Values) { v.Set(name, n.Value) }),
				})
			}
		}
		if len(filter.Options) > 0 {
			view.Filters = append(view.Filters, filter)
		}
	}
	for _, name := range slices.Concat(s.facets, []string{"sort"}) {
		if value := asked.text(name); value != "" {
			view.Hidden = append(view.Hidden, site.FilterOption{Label: name, Value: value})
		}
	}
	return nil
}

// facetTitle is what a filter is called.
func (s *Server) facetTitle(name, lang string) string {
	if name == search.FacetType {
		return messages.Text(messages.Negotiate(lang), codeFacetType, nil)
	}
	for _, f := range s.facetFields(name) {
		return f.Label.In(lang)
	}
	return name
}

// answerRendered answers with a page that the site's templates make for this request.
// One that they cannot make is an error and not half a page.
func (s *Server) answerRendered(c *gin.Context, status int, p site.Page, cache []string) error {
	var b bytes.Buffer
	if err := s.theme.Render(&b, p); err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Content-Language"] = []string{p.Lang}
	h["X-Robots-Tag"] = unlisted.value
	if status == http.StatusOK && !slices.Equal(cache, noStore) {
		return serveComputed(c, typeHTML, b.Bytes(), cache)
	}
	h["Content-Type"], h["Cache-Control"] = typeHTML, noStore
	h["Content-Length"] = []string{strconv.Itoa(b.Len())}
	c.Writer.WriteHeader(status)
	writeBody(c, b.Bytes())
	return nil
}
