package opendata

import (
	"time"

	"github.com/prassi-cms/prassi/catalog"
)

// publicBodies are the types of organisation that are public bodies.
var publicBodies = map[string]bool{"municipality": true, "region": true, "prefecture": true, "ministry": true, "school": true, "health-body": true}

// Organization describes an organisation, given its public variants. The answer
// is an object without a context.
func (p *Publisher) Organization(entries []catalog.Entry) ([]byte, error) {
	d, err := readDocument(entries)
	if err != nil {
		return nil, err
	}
	n, err := p.agent(d)
	if err != nil {
		return nil, err
	}
	it := d.main()
	var contacts []contact
	var places []place
	var parent *link
	for name, into := range map[string]any{"contacts": &contacts, "places": &places, "parent": &parent} {
		if err := read(it, name, into); err != nil {
			return nil, err
		}
	}
	n.put("dct:description", d.texts(func(it *item) string { return it.Summary }))
	n["dct:issued"], n["dct:modified"] = it.PublishedAt.Format(time.RFC3339Nano), d.modified().Format(time.RFC3339Nano)
	n.put("cv:contactPoint", p.contactPoints(n["@id"].(string), contacts, nil))
	var sites []node
	for _, pl := range places {
		site := p.location(pl)
		site["@type"] = []string{"org:Site", "dct:Location"}
		sites = append(sites, site)
	}
	n.put("org:hasSite", sites)
	if parent != nil {
		n["org:subOrganizationOf"] = p.Base + OrganizationPath + parent.ID
	}
	n.put("foaf:page", d.pages(p.Base))
	return encode(n)
}

// agent is what is said of an organisation wherever it is named.
func (p *Publisher) agent(d *document) (node, error) {
	it := d.main()
	var kind *term
	var code, site string
	for name, into := range map[string]any{"organization_type": &kind, "tax_code": &code, "website": &site} {
		if err := read(it, name, into); err != nil {
			return nil, err
		}
	}
	types := []string{"org:Organization", "foaf:Agent"}
	if kind != nil && publicBodies[kind.ID] {
		types = append(types, "cv:PublicOrganisation")
	}
	names := d.texts(func(it *item) string { return it.Title })
	n := node{
		"@id": p.Base + OrganizationPath + it.ID, "@type": types, "dct:identifier": it.ID, "dct:title": names, "skos:prefLabel": names,
		"dct:spatial": p.spatial(it),
	}
	n.put("org:identifier", code)
	if iri, ok := webIRI(site); ok {
		n["foaf:homepage"] = iri
	}
	return n, nil
}
