package searchtest

import (
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/search"
)

// A document is found at each of its points, once, by the nearest of them; when
// it moves, it is where it is now and nowhere else.
func testPlaces(t *testing.T, d Driver) {
	index := d.open(t)
	round := func(p search.Point) search.Query {
		return search.Query{Locale: "it", Near: &p, RadiusMetres: 1000, Facets: []string{"type"}}
	}
	by := func(p search.Point) string {
		return strings.Join(slugs(ask(t, index, search.Query{Locale: "it", Near: &p, Sort: search.SortDistance})), " ")
	}
	one := doc("uno", "it", "service", "Sportello mobile", "", "", at(firenze, prato, milano))
	two := doc("due", "it", "service", "Sportello fermo", "", "", at(firenze))
	apply(t, index, search.Batch{Put: []search.Document{one, two}, Position: 1})
	found(t, index, round(milano), "uno")
	found(t, index, round(prato), "uno")
	found(t, index, round(firenze), "due uno")
	if r := ask(t, index, search.Query{Locale: "it", Near: &prato, RadiusMetres: 500_000, Facets: []string{"type"}}); r.Total != 2 ||
		len(r.Facets["type"]) != 1 || r.Facets["type"][0].Count != 2 {
		t.Errorf("points are counted, not documents: %d %v", r.Total, r.Facets)
	}
	if got := by(milano); got != "uno due" {
		t.Errorf("by distance from Milan %q", got)
	}
	r := ask(t, index, search.Query{Locale: "it", Near: &milano, Sort: search.SortDistance, Limit: 1, Offset: 1})
	if r.Total != 2 || len(r.Hits) != 1 || r.Hits[0].Slug != "due" {
		t.Errorf("the second page by distance: %d, %v", r.Total, slugs(r))
	}
	one.Points = []search.Point{milano}
	apply(t, index, search.Batch{Put: []search.Document{one}, Position: 2})
	found(t, index, round(prato), "")
	found(t, index, round(milano), "uno")
	if got := by(firenze); got != "due uno" {
		t.Errorf("by distance from Florence %q", got)
	}
	one.Points = nil
	apply(t, index, search.Batch{Put: []search.Document{one}, Position: 3})
	found(t, index, round(milano), "")
	found(t, index, search.Query{Locale: "it"}, "due uno")
	apply(t, index, search.Batch{Put: []search.Document{doc("uno", "it", "service", "Sportello mobile", "", "", at(prato, milano))}, Position: 4})
	apply(t, index, search.Batch{Remove: []string{one.ID}, Position: 5})
	found(t, index, round(milano), "")
	if got := by(milano); got != "due" {
		t.Errorf("after it was removed: %q", got)
	}
}
