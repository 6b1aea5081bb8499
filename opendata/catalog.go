package opendata

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// form is a format that a dataset is offered in.
type form struct {
	key, path string // path is below Base; {collection} stands for the collection
	fileType  string // in the European Union's table of file types
	media     string
	conforms  string // specification that it conforms to
	title     map[string]string
}

// set is a dataset of the catalogue: one collection.
type set struct {
	collection  string
	theme       []string // in the European Union's table of data themes
	title, text map[string]string
	forms       []form
}

// The formats. Their specifications: RFC 8259, RFC 7946, RFC 4180, Open Referral
// HSDS 3.1, CPSV-AP 3.2.
var (
	asJSON = form{key: "json", path: "/api/v1/{collection}", fileType: "JSON", media: "application/json",
		title: map[string]string{"it": "JSON, a pagine", "en": "JSON, in pages"}}
	asGeoJSON = form{key: "geojson", path: "/api/v1/{collection}.geojson", fileType: "GEOJSON", media: "application/geo+json",
		conforms: "https://www.rfc-editor.org/rfc/rfc7946", title: map[string]string{"it": "GeoJSON", "en": "GeoJSON"}}
	asCSV = form{key: "csv", path: "/api/v1/{collection}.csv", fileType: "CSV", media: "text/csv",
		conforms: "https://www.rfc-editor.org/rfc/rfc4180", title: map[string]string{"it": "CSV", "en": "CSV"}}
	asHSDS = form{key: "hsds", path: "/hsds/{collection}", fileType: "JSON", media: "application/json",
		conforms: "https://docs.openreferral.org/en/v3.1.0/hsds/", title: map[string]string{"it": "Open Referral HSDS 3.1", "en": "Open Referral HSDS 3.1"}}
	asJSONLD = form{key: "jsonld", path: "/api/v1/{collection}.jsonld", fileType: "JSON_LD", media: "application/ld+json",
		conforms: "https://semiceu.github.io/CPSV-AP/releases/3.2.0/", title: map[string]string{"it": "CPSV-AP in JSON-LD", "en": "CPSV-AP as JSON-LD"}}
)

// sets are the datasets that there may be.
var sets = []set{
	{
		collection: "services", theme: []string{"SOCI", "GOVE"}, forms: []form{asJSON, asGeoJSON, asCSV, asHSDS, asJSONLD},
		title: map[string]string{"it": "Servizi per l’integrazione dei migranti", "en": "Services for the integration of migrants"},
		text: map[string]string{
			"it": "Sportelli, corsi e aiuti per persone migranti in Italia: dove sono, orari, lingue parlate, chi può usarli e quando sono stati verificati.",
			"en": "Help desks, courses and support for migrants in Italy: where they are, opening hours, languages spoken, who may use them and when they were checked.",
		},
	},
	{
		collection: "organizations", theme: []string{"SOCI"}, forms: []form{asJSON, asGeoJSON, asHSDS},
		title: map[string]string{"it": "Organizzazioni che lavorano per l’integrazione", "en": "Organisations that work for integration"},
		text: map[string]string{
			"it": "Associazioni, enti e uffici che lavorano per l’integrazione dei migranti in Italia, con sede, sezioni dei registri e attività.",
			"en": "Associations, bodies and offices that work for the integration of migrants in Italy, with their seat, sections of registers and activities.",
		},
	},
	{
		collection: "practices", theme: []string{"SOCI"}, forms: []form{asJSON, asGeoJSON},
		title: map[string]string{"it": "Buone pratiche di integrazione", "en": "Good practices of integration"},
		text: map[string]string{
			"it": "Buone pratiche territoriali per l’integrazione dei migranti in Italia, valutate dai Consigli territoriali: problema, attività, risultati.",
			"en": "Local good practices for the integration of migrants in Italy, reviewed by the Territorial Councils: issue, activities, results.",
		},
	},
}

// DCAT describes the catalogue and its datasets. A collection without items is
// left out.
func (p *Publisher) DCAT() ([]byte, error) {
	facts := p.collect()
	id := p.Base + CatalogPath
	n := node{
		"@id": id, "@type": []string{"dcat:Catalog", "dcatapit:Catalog"},
		"dct:title":          texts(map[string]string{"it": "Catalogo dei dati di " + p.name(), "en": "Data catalogue of " + p.name()}),
		"dct:description":    texts(map[string]string{"it": "I dati aperti di " + p.name() + ".", "en": "The open data of " + p.name() + "."}),
		"dct:publisher":      p.publisher(),
		"dct:license":        p.licence(),
		"dct:spatial":        italy,
		"dcat:themeTaxonomy": authority + "data-theme",
		"dct:conformsTo":     "https://semiceu.github.io/DCAT-AP/releases/3.0.0/",
	}
	if p.Base != "" {
		n["foaf:homepage"] = p.Base + "/"
	}
	var languages, served []string
	var last time.Time
	var datasets []node
	for _, s := range sets {
		f, ok := facts[s.collection]
		if !ok {
			continue
		}
		d := p.dataset(s, f)
		datasets = append(datasets, d)
		served = append(served, d["@id"].(string))
		for _, l := range f.languages() {
			if !slices.Contains(languages, l) {
				languages = append(languages, l)
			}
		}
		if f.modified.After(last) {
			last = f.modified
		}
	}
	slices.Sort(languages)
	n.put("dct:language", languages)
	n.put("dcat:dataset", datasets)
	if !last.IsZero() {
		n["dct:modified"] = last.Format(time.RFC3339)
	}
	api := node{
		"@id": id + "#api", "@type": "dcat:DataService", "dct:title": texts(map[string]string{"it": "API di " + p.name(), "en": "API of " + p.name()}),
		"dcat:endpointURL": p.Base + "/api/v1", "dcat:endpointDescription": p.Base + "/openapi.json",
		"dct:publisher": node{"@id": p.publisherID()}, "dct:license": p.licence(), "dct:accessRights": authority + "access-right/PUBLIC",
	}
	api.put("dcat:servesDataset", served)
	n["dcat:service"] = api
	data, err := encode(n)
	if err != nil {
		return nil, err
	}
	return Document(data), nil
}

// facts is what is known of a collection as a whole.
type facts struct {
	locales  map[string]bool
	modified time.Time
	issued   time.Time
}

func (f *facts) languages() []string {
	var tags []string
	for l := range f.locales {
		tags = append(tags, l)
	}
	out := languageIRIs(tags)
	slices.Sort(out)
	return out
}

// collect goes over everything that is published.
func (p *Publisher) collect() map[string]*facts {
	out := map[string]*facts{}
	for e := range p.Catalog.All() {
		f := out[e.Collection()]
		if f == nil {
			f = &facts{locales: map[string]bool{}, issued: e.PublishedAt()}
			out[e.Collection()] = f
		}
		f.locales[e.Locale()] = true
		if t := e.LastModified(); t.After(f.modified) {
			f.modified = t
		}
		if t := e.PublishedAt(); t.Before(f.issued) {
			f.issued = t
		}
	}
	return out
}

func (p *Publisher) dataset(s set, f *facts) node {
	id := p.Base + CatalogPath + "#" + s.collection
	n := node{
		"@id": id, "@type": []string{"dcat:Dataset", "dcatapit:Dataset"}, "dct:identifier": s.collection,
		"dct:title": texts(s.title), "dct:description": texts(s.text),
		"dct:publisher": node{"@id": p.publisherID()}, "dct:rightsHolder": p.publisherID(),
		"dct:issued": f.issued.Format(time.RFC3339), "dct:modified": f.modified.Format(time.RFC3339),
		"dct:language": f.languages(), "dct:spatial": italy,
		"dct:accrualPeriodicity": authority + "frequency/UPDATE_CONT", "dct:accessRights": authority + "access-right/PUBLIC",
		"dcat:landingPage": p.Base + "/docs",
	}
	var themes []string
	for _, t := range s.theme {
		themes = append(themes, authority+"data-theme/"+t)
	}
	n["dcat:theme"] = themes
	n.put("dcat:keyword", p.keywords(s.collection))
	if p.Email != "" || p.URL != "" {
		c := node{"@type": []string{"vcard:Organization", "dcatapit:Organization"}, "vcard:fn": p.name()}
		if p.Email != "" {
			c["vcard:hasEmail"] = "mailto:" + p.Email
		}
		if iri, ok := webIRI(p.URL); ok {
			c["vcard:hasURL"] = iri
		}
		n["dcat:contactPoint"] = c
	}
	var forms []node
	for _, fm := range s.forms {
		address := p.Base + strings.ReplaceAll(fm.path, "{collection}", s.collection)
		d := node{
			"@id": id + "-" + fm.key, "@type": []string{"dcat:Distribution", "dcatapit:Distribution"}, "dct:title": texts(fm.title),
			"dcat:accessURL": address, "dcat:downloadURL": address, "dct:format": authority + "file-type/" + fm.fileType,
			"dcat:mediaType": mediaTypes + fm.media, "dct:license": p.licence(), "dct:modified": f.modified.Format(time.RFC3339),
		}
		d.put("dct:conformsTo", fm.conforms)
		forms = append(forms, d)
	}
	n["dcat:distribution"] = forms
	return n
}

// keywords are the topics of a collection's type, in Italian and English.
func (p *Publisher) keywords(collection string) []node {
	var out []node
	for _, t := range p.Schemas.Types() {
		if t.Collection != collection {
			continue
		}
		if f, ok := t.Field("topics"); ok {
			for _, locale := range []string{"it", "en"} {
				for _, term := range f.Terms() {
					out = append(out, text(locale, term.Label.In(locale)))
				}
			}
		}
	}
	return out
}

// texts gives a text in its languages, in their order.
func texts(m map[string]string) []node {
	var out []node
	for l, s := range m {
		out = append(out, text(l, s))
	}
	slices.SortFunc(out, func(a, b node) int { return cmp.Compare(a["@language"].(string), b["@language"].(string)) })
	return out
}

func (p *Publisher) name() string { return cmp.Or(p.Name, "Prassi") }

func (p *Publisher) publisherID() string { return p.Base + CatalogPath + "#publisher" }

func (p *Publisher) publisher() node {
	n := node{"@id": p.publisherID(), "@type": []string{"foaf:Agent", "dcatapit:Agent"}, "foaf:name": p.name(), "dct:identifier": cmp.Or(p.Identifier, "prassi")}
	if iri, ok := webIRI(p.URL); ok {
		n["foaf:homepage"] = iri
	}
	return n
}

func (p *Publisher) licence() node {
	iri, _ := Licence(p.Licence)
	return node{"@id": iri, "@type": []string{"dct:LicenseDocument", "dcatapit:LicenseDocument"}}
}

// Paths are the addresses of all distributions, below Base.
func Paths() []string {
	var out []string
	for _, s := range sets {
		for _, f := range s.forms {
			out = append(out, strings.ReplaceAll(f.path, "{collection}", s.collection))
		}
	}
	return out
}
