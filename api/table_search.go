package api

import (
	"net/http"
	"strings"

	"github.com/prassi-cms/prassi/search"
)

const tagSearch = "search"

// codeSearch is the problem of a search engine that does not answer.
const codeSearch = "search_unavailable"

// searchCodes are words that answers of a search are labelled with.
var searchCodes = []string{"label_assurance_current", "label_assurance_unverified"}

// defaultSuggestions is how many are answered when nobody says.
const defaultSuggestions = 8

// searchTable lists the questions that the public may ask of everything at once.
func (s *Server) searchTable() []*operation {
	q := queryParam("q", `Words, as people type them: "side by side", -without. Typos, missing accents and unfinished words are understood; there is no other syntax.`, text(search.MaxChars))
	locale := queryParam("locale", "The language of the reader (BCP 47): words and labels are understood and given in it. Without `locales` it is also the one that is searched.", localeSchema())
	locales := queryParam("locales", "Languages to search, the preferred first, comma-separated; a document answers in the first that it has. Without it and `locale`: all, Italian first, or the language whose letters `q` is written in.", text(200))
	params := []param{q, locale, locales}
	for _, name := range s.facets {
		params = append(params, queryParam(name, s.facetDoc(name), text(2000)))
	}
	params = append(params,
		queryParam("from", "From this day of Italy's calendar on, or from this moment (RFC 3339).", text(40)),
		queryParam("to", "Up to and including this day of Italy's calendar, or before this moment (RFC 3339).", text(40)),
		queryParam("near", "A place as `lat,lon` in degrees (WGS84), or a municipality by name or ISTAT code, for `radius` and the order `distance`.", text(100)),
		queryParam("radius", "Metres around `near`.", metres()),
		queryParam("bbox", "A box as `west,south,east,north` in degrees (WGS84); west may be greater than east.", text(100)),
		queryParam("open_at", "Only what is open at this moment (RFC 3339), or `now`.", text(40)),
		queryParam("open_on", "Only what opens on this day (`2026-11-28`), or on the next day of the week from today on (`mo` to `su`).", text(40)),
		queryParam("facets", "Facets to count, comma-separated: "+strings.Join(s.allFacets, ", ")+".", text(1000)),
		queryParam("sort", "The order.", withDefault(oneOf(s.sorts...), search.SortRelevance)),
		queryParam("limit", "Documents a page.", withDefault(integer(1, search.MaxLimit), search.DefaultLimit)),
		queryParam("offset", "How many documents to pass over.", withDefault(integer(0, search.MaxWindow-1), 0)),
		ifNoneMatch)
	suggestParams := []param{
		queryParam("q", "What was typed so far.", text(search.MaxChars)), locale, locales,
		queryParam("limit", "How many.", withDefault(integer(1, search.MaxSuggestions), defaultSuggestions)),
		ifNoneMatch,
	}
	return []*operation{{
		Method: http.MethodGet, Route: base + "/search", ID: "search", Tag: tagSearch, Access: public,
		Summary: "Search everything that is published",
		Description: "Documents are ranked; each says why it was found. While the search engine is away the answer is 503, " +
			"and everything else goes on.",
		Params: params, Answers: cached(SearchPage{}, ""), Handle: s.runSearch(params),
		Problems: []int{http.StatusNotAcceptable, http.StatusServiceUnavailable},
	}, {
		Method: http.MethodGet, Route: base + "/search/suggest", ID: "suggest", Tag: tagSearch, Access: public,
		Summary: "Complete what is being typed", Description: "Titles of what is published, and acts that it cites.",
		Params: suggestParams, Answers: cached(SuggestionPage{}, ""), Handle: s.suggest(suggestParams),
		Problems: []int{http.StatusNotAcceptable, http.StatusServiceUnavailable},
	}}
}

// facetDoc says what a facet's parameter takes.
func (s *Server) facetDoc(name string) string {
	switch name {
	case search.FacetType:
		return "Types or collections, comma-separated."
	case search.FacetYear:
		return "Years of publication, or of the day that the type declares, comma-separated."
	case search.FacetAssurance:
		return "Whether somebody has checked the facts lately: current, unverified."
	case search.FacetTerritory:
		return "Province acronyms or ISTAT codes, comma-separated. A territory finds what lies in it."
	case search.FacetOrganization:
		return "Slugs or ids of organizations, comma-separated."
	}
	for _, f := range s.facetFields(name) {
		return f.Label.In("en") + "; comma-separated."
	}
	return "Values, comma-separated."
}
