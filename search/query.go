package search

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/schemas"
)

// Bounds of a Query. A query beyond them is refused, but for words beyond
// MaxWords and phrases beyond MaxPhrases, which are left out (Result.Truncated).
const (
	MaxChars       = 500 // characters of Text
	MaxWords       = 12  // words of Text that are searched
	MaxPhrases     = 4   // phrases of Text, wanted or excluded: each costs as much as ten words
	MaxFilters     = 20  // facets filtered by
	MaxValues      = 50  // values of one filter
	MaxLocales     = 10  // locales searched
	DefaultLimit   = 20
	MaxLimit       = 100
	MaxWindow      = 1000 // Offset + Limit
	MaxSuggestions = 20
	MaxFacetValues = 200 // values counted of one facet, those with the highest counts
)

// Orders that every index has, beside those of the types' sortable fields; each
// but the first two also backwards, with a leading hyphen.
const (
	SortRelevance = "relevance" // best first; without words the newest first
	SortDistance  = "distance"  // nearest first; needs Near
	SortPublished = "published_at"
	SortUpdated   = "updated_at"
	SortTitle     = "title"
)

// Facets that every index has, beside those of the types' fields.
const (
	FacetType         = "type"
	FacetLocale       = "locale"
	FacetYear         = "year"
	FacetTerritory    = "territory"
	FacetTopic        = "topic"
	FacetOrganization = "organization"
	FacetLanguage     = "language"
	FacetAssurance    = "assurance" // whether somebody has checked the facts lately
)

// Query asks for a page. The zero value of each filter does not filter.
type Query struct {
	// Text is what a person typed.
	Text string
	// Locale is that of the reader: its synonyms and stop words are known.
	Locale string
	// Locales are searched, the preferred first; a document answers with the
	// first in which it is published. Empty: Locale alone.
	Locales []string
	// Filters are alternatives by facet; facets are combined.
	Filters map[string][]string
	// From (included) and To (excluded) bound Document.From and To, or the time
	// of publication; spans match when they overlap.
	From, To time.Time
	// Near is the centre of RadiusMetres and of SortDistance.
	Near *Point
	// RadiusMetres keeps documents with a point at most so far from Near; 0: any.
	RadiusMetres float64
	// Box keeps documents with a point inside.
	Box *Box
	// Among keeps the documents with these ids (Document.Document), for what only
	// somebody else can tell, such as which are open now; nil: all, empty: none.
	Among []string
	// Facets are counted in the answer, over all that was found.
	Facets []string
	// Sort is one of Settings.Sorts; empty: SortRelevance.
	Sort string
	// Limit is 1 to MaxLimit; 0 means DefaultLimit. Offset + Limit is at most
	// MaxWindow.
	Limit, Offset int
}

// Check gives a query in one form, with defaults filled in and values sorted and
// without repetition; or what is wrong with it. It does not look at what the
// index holds: a value that nothing has finds nothing.
func (s *Settings) Check(q Query) (Query, error) {
	var bad faults
	if n := utf8.RuneCountInString(q.Text); n > MaxChars {
		bad.add("q", schemas.CodeTooLong, map[string]any{"max": MaxChars, "actual": n, "unit": "characters"})
	} else if !utf8.ValidString(q.Text) {
		bad.add("q", schemas.CodeInvalidEncoding, nil)
	}
	locale := func(path, tag string) string {
		if known, ok := s.locales[tag]; ok {
			return known
		}
		bad.add(path, schemas.CodeInvalidLanguage, map[string]any{"value": echo(tag)})
		return ""
	}
	if q.Locale == "" && len(q.Locales) > 0 {
		q.Locale = q.Locales[0]
	}
	if q.Locale == "" {
		q.Locale = "it"
	}
	q.Locale = locale("locale", q.Locale)
	list := []string{q.Locale}
	if len(q.Locales) > MaxLocales {
		bad.add("locales", schemas.CodeTooManyItems, map[string]any{"max": MaxLocales, "actual": len(q.Locales)})
	} else if len(q.Locales) > 0 {
		list = list[:0]
		for _, tag := range q.Locales {
			if tag = locale("locales", tag); !slices.Contains(list, tag) {
				list = append(list, tag)
			}
		}
	}
	q.Locales = list
	s.checkFilters(&q, &bad)
	q.From, q.To = q.From.UTC(), q.To.UTC()
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		bad.add("to", schemas.CodeWrongOrder, map[string]any{"from": q.From.Format(time.RFC3339), "to": q.To.Format(time.RFC3339)})
	}
	geo.Check(q.Near, q.RadiusMetres, q.Box, bad.add)
	facets := make([]string, 0, len(q.Facets))
	for _, name := range q.Facets[:min(len(q.Facets), 2*MaxFilters)] {
		if s.knownFacet(&bad, "facets", name) && !slices.Contains(facets, name) {
			facets = append(facets, name)
		}
	}
	if len(q.Facets) > 2*MaxFilters {
		bad.add("facets", schemas.CodeTooManyItems, map[string]any{"max": 2 * MaxFilters, "actual": len(q.Facets)})
	}
	q.Facets = facets
	if q.Sort == "" {
		q.Sort = SortRelevance
	}
	if !slices.Contains(s.Sorts, q.Sort) {
		bad.add("sort", "unknown_sort", map[string]any{"value": echo(q.Sort), "allowed": s.Sorts})
	} else if q.Sort == SortDistance && q.Near == nil {
		bad.add("near", schemas.CodeRequired, map[string]any{"field": "near"})
	}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if q.Limit < 1 || q.Limit > MaxLimit {
		bad.add("limit", schemas.CodeOutOfRange, map[string]any{"min": 1, "max": MaxLimit})
	} else if q.Offset < 0 || q.Offset > MaxWindow-q.Limit {
		bad.add("offset", schemas.CodeOutOfRange, map[string]any{"min": 0, "max": MaxWindow - q.Limit})
	}
	if len(bad) > 0 {
		return q, &Invalid{Issues: bad}
	}
	return q, nil
}

func (s *Settings) knownFacet(bad *faults, path, name string) bool {
	if slices.Contains(s.Facets, name) {
		return true
	}
	bad.add(path, "unknown_facet", map[string]any{"value": echo(name), "allowed": s.Facets})
	return false
}

func (s *Settings) checkFilters(q *Query, bad *faults) {
	if len(q.Filters) > MaxFilters {
		bad.add("filters", schemas.CodeTooManyItems, map[string]any{"max": MaxFilters, "actual": len(q.Filters)})
		return
	}
	filters := make(map[string][]string, len(q.Filters))
	for name, values := range q.Filters {
		if len(values) == 0 || !s.knownFacet(bad, "filters", name) {
			continue
		}
		if len(values) > MaxValues {
			bad.add(name, schemas.CodeTooManyItems, map[string]any{"max": MaxValues, "actual": len(values)})
			continue
		}
		for _, v := range values {
			if len(v) > 200 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
				bad.add(name, schemas.CodeUnknownTerm, map[string]any{"value": echo(v)})
			}
		}
		values = slices.Sorted(slices.Values(values))
		filters[name] = slices.Compact(values)
	}
	q.Filters = filters
}

// AsksPlace reports that only documents on the map can be found.
func (q *Query) AsksPlace() bool {
	return q.Box != nil || q.RadiusMetres > 0 || q.Sort == SortDistance
}
