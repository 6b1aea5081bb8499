package opendata

import (
	"iter"
	"maps"
	"slices"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/schemas"
)

// AppendGraph appends a JSON-LD document with the services of a page, each with
// all its languages, and the page's place in the whole (Hydra): self is its
// address, next and previous those beside it, empty at the ends.
func (p *Publisher) AppendGraph(dst []byte, ids iter.Seq[string], self, next, previous string) ([]byte, error) {
	dst = append(append(append(dst, `{"@context":`...), Context...), `,"@graph":[`...)
	for id := range ids {
		entries := p.Catalog.Variants(id)
		if len(entries) == 0 { // withdrawn in this moment
			continue
		}
		one, err := p.Service(entries)
		if err != nil {
			return nil, err
		}
		dst = append(append(dst, one...), ',')
	}
	view := node{"@id": self, "@type": "hydra:PartialCollectionView"}
	view.put("hydra:next", next)
	view.put("hydra:previous", previous)
	last, err := encode(view)
	if err != nil {
		return nil, err
	}
	return append(append(dst, last...), "]}"...), nil
}

// Document makes a JSON-LD document of one described thing: an object without a
// context.
func Document(object []byte) []byte {
	out := append(append(make([]byte, 0, len(object)+len(Context)+16), `{"@context":`...), Context...)
	return append(append(out, ','), object[1:]...)
}

// ServiceDocument is Service as a whole document, and OrganizationDocument
// Organization.
func (p *Publisher) ServiceDocument(entries []catalog.Entry) ([]byte, error) {
	return whole(p.Service(entries))
}

// OrganizationDocument is Organization as a whole document.
func (p *Publisher) OrganizationDocument(entries []catalog.Entry) ([]byte, error) {
	return whole(p.Organization(entries))
}

func whole(object []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return Document(object), nil
}

// Vocabulary describes the terms of a choice of services (topics, target_groups)
// as a SKOS concept scheme, which the concepts of services are named after; nil
// when there is no such choice.
func (p *Publisher) Vocabulary(field string) ([]byte, error) {
	t, ok := p.Schemas.Type("service")
	if !ok {
		return nil, nil
	}
	f, ok := t.Field(field)
	if !ok || f.Kind != "choice" {
		return nil, nil
	}
	scheme := p.Base + VocabularyPath + field
	label := func(of schemas.Text) []node {
		var out []node
		for _, locale := range slices.Sorted(maps.Keys(of)) {
			out = append(out, text(locale, of[locale]))
		}
		return out
	}
	var concepts []node
	for _, term := range f.Terms() {
		concepts = append(concepts, node{
			"@id": scheme + "#" + term.ID, "@type": "skos:Concept", "skos:notation": term.ID, "skos:prefLabel": label(term.Label),
			"skos:inScheme": node{"@id": scheme},
		})
	}
	return whole(encode(node{
		"@id": scheme, "@type": "skos:ConceptScheme", "skos:prefLabel": label(f.Label), "skos:hasTopConcept": concepts,
	}))
}
