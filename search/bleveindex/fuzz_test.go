package bleveindex_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/searchtest"
)

var declarations = schemas.Default()

// Whatever is asked, the answer is a refusal or a result that keeps its own
// word: in bounded time, safe HTML, and no more hits than there are.
func FuzzSearch(f *testing.F) {
	for _, text := range []string{"ambulatorio", `"permesso di soggiorno" -x`, "286/1998", "居留许可", "تَصْرِيح", "ambulatrio pedia", "🙂", "- \"", "বাড়ি"} {
		f.Add(text, "it", "type", "service", 43.8, 11.1, 5000.0, 20)
	}
	f.Add("", "en", "territory", "09", -18.0, 179.9, 1e6, 1)
	x := open(f, f.TempDir(), searchtest.Settings(f))
	f.Cleanup(func() { x.Close() })
	if err := x.Apply(context.Background(), search.Batch{Put: searchtest.Documents(), Position: 1}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, locale, facet, value string, lat, lon, radius float64, limit int) {
		q := search.Query{Text: text, Locale: locale, Locales: []string{locale, "it", "en"}, Limit: limit, Facets: []string{"type", "territory"}}
		if facet != "" {
			q.Filters = map[string][]string{facet: {value}}
		}
		if radius != 0 {
			q.Near, q.RadiusMetres = &search.Point{Lat: lat, Lon: lon}, radius
		}
		start := time.Now()
		r, err := x.Search(context.Background(), q)
		if took := time.Since(start); took > time.Second {
			t.Fatalf("took %v", took)
		}
		if err != nil {
			if bad := new(search.Invalid); !errors.As(err, &bad) {
				t.Fatalf("neither an answer nor a refusal: %v", err)
			}
			return
		}
		if limit == 0 {
			limit = search.DefaultLimit
		}
		sum := 0
		for _, c := range r.Facets["type"] {
			sum += c.Count
		}
		if sum != r.Total || len(r.Hits) != min(r.Total, limit) {
			t.Fatalf("%d hits, %d in all, %d counted", len(r.Hits), r.Total, sum)
		}
		for _, h := range r.Hits {
			for _, html := range []string{h.TitleHTML, h.Snippet} {
				if bare := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(html); strings.ContainsAny(bare, "<>\"") {
					t.Fatalf("HTML of the answer: %q", html)
				}
			}
		}
		if _, err := x.Suggest(context.Background(), search.SuggestQuery{Text: text, Locale: locale}); err != nil {
			t.Fatal(err)
		}
	})
}
