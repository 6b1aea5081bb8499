package search_test

import (
	"slices"
	"testing"

	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
)

func settings(tb testing.TB) *search.Settings {
	tb.Helper()
	s, err := search.Derive(schemas.Default())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// What can be asked follows from the declarations.
func TestSettingsFollowTheDeclarations(t *testing.T) {
	s := settings(t)
	for _, facet := range []string{"type", "locale", "year", "territory", "topic", "organization", "language", "assurance", "target_groups"} {
		if !slices.Contains(s.Facets, facet) {
			t.Errorf("no facet %s in %v", facet, s.Facets)
		}
	}
	for _, sort := range []string{"relevance", "distance", "-published_at", "title", "-effective_from"} {
		if !slices.Contains(s.Sorts, sort) {
			t.Errorf("no order %s in %v", sort, s.Sorts)
		}
	}
	if s.Weight("service", "title") != 10 || s.Weight("service", "alternate_name") != 8 || s.Weight("service", "booking_url") != 0 {
		t.Error("the weights are not those of the declarations")
	}
	if s.Boosts["service"] != 1.2 {
		t.Errorf("boost of a service: %v", s.Boosts["service"])
	}
}

// There are synonyms enough, and every group is there for each interface language.
func TestSynonymsAreComplete(t *testing.T) {
	groups := settings(t).Synonyms.Groups()
	if len(groups) < 40 {
		t.Errorf("%d groups of synonyms", len(groups))
	}
	for _, g := range groups {
		for _, locale := range []string{"it", "en", "fr", "es", "ar", "zh-Hans"} {
			if len(g.Words[locale]) == 0 {
				t.Errorf("%s has no words in %s", g.Name, locale)
			}
		}
	}
}
