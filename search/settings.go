package search

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/prassi-cms/prassi/schemas"
)

// Settings are what the declarations say about search. They are immutable.
type Settings struct {
	// Facets are the names that can be filtered and counted by, sorted.
	Facets []string
	// Sorts are the orders, sorted.
	Sorts []string
	// Keys are the names of Document.Keys that orders need, sorted.
	Keys []string
	// Boosts multiply the rank, by type.
	Boosts map[string]float64
	// Locales are the tags that documents may have.
	Locales []string
	// Synonyms are those of the declarations.
	Synonyms *Synonyms
	// Fingerprint changes with the declarations: an index made under another one
	// is made again.
	Fingerprint string
	// Schemas are the declarations, Places their territories, with municipalities
	// where these were imported (WithPlaces): who makes documents reads them.
	Schemas *schemas.Registry
	Places  *schemas.Territories

	locales map[string]string // tag or alias → tag
	weights map[string]map[string]int
}

// facetNames are the public names of fields that all types share.
var facetNames = map[string]string{"territories": FacetTerritory, "topics": FacetTopic, "languages": FacetLanguage}

// FacetOf is the name under which a field is filtered by and counted.
func FacetOf(field string) string {
	if name := facetNames[field]; name != "" {
		return name
	}
	return field
}

// Derive reads the settings out of the declarations; an error names the file of
// synonyms that is wrong.
func Derive(reg *schemas.Registry) (*Settings, error) {
	synonyms, err := LoadSynonyms(reg.Files())
	if err != nil {
		return nil, err
	}
	s := &Settings{
		Boosts: map[string]float64{}, Synonyms: synonyms,
		Fingerprint: fmt.Sprintf("%d-%s", analysis, reg.Fingerprint()), Schemas: reg, Places: reg.Territories(),
		locales: map[string]string{}, weights: map[string]map[string]int{},
	}
	facets := map[string]bool{
		FacetType: true, FacetLocale: true, FacetYear: true, FacetTerritory: true,
		FacetTopic: true, FacetOrganization: true, FacetLanguage: true, FacetAssurance: true,
	}
	keys := map[string]bool{}
	for _, t := range reg.Types() {
		s.Boosts[t.Name] = t.Search.Boost
		s.weights[t.Name] = map[string]int{}
		for _, f := range t.Fields {
			if f.Search.Facet {
				facets[FacetOf(f.Name)] = true
			}
			if f.Search.Weight > 0 {
				s.weights[t.Name][f.Name] = f.Search.Weight
			}
			if f.Sortable && f.Name != SortTitle {
				keys[f.Name] = true
			}
		}
	}
	s.Facets, s.Keys = slices.Sorted(maps.Keys(facets)), slices.Sorted(maps.Keys(keys))
	s.Sorts = []string{SortRelevance, SortDistance}
	for _, name := range append([]string{SortPublished, SortUpdated, SortTitle}, s.Keys...) {
		s.Sorts = append(s.Sorts, name, "-"+name)
	}
	slices.Sort(s.Sorts)
	for _, l := range reg.Locales() {
		s.Locales = append(s.Locales, l.Tag)
		for _, tag := range append([]string{l.Tag}, l.Aliases...) {
			s.locales[tag] = l.Tag
		}
	}
	return s, nil
}

// WithPlaces gives the settings with other territories. Their names are in the
// documents, so the fingerprint changes with them.
func (s *Settings) WithPlaces(places *schemas.Territories) *Settings {
	out := *s
	out.Places = places
	names := sha256.New()
	for _, list := range [][]schemas.Territory{places.Regions(), places.Provinces(), places.Municipalities()} {
		for _, t := range list {
			fmt.Fprintf(names, "%s %q %s\n", t.ISTAT, t.Name, t.Parent)
		}
	}
	out.Fingerprint += "-" + hex.EncodeToString(names.Sum(nil)[:8])
	return &out
}

// analysis is the version of the rules of words: raise it when Tokens or what an
// engine stores changes, and every index is made again.
const analysis = 3

// Weight is the search weight of a type's field, 0 when it is not searched.
func (s *Settings) Weight(typ, field string) int { return s.weights[typ][field] }
