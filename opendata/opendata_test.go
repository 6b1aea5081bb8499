package opendata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/piprate/json-gold/ld"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// world is a real store with a real catalogue.
type world struct {
	t       testing.TB
	service *content.Service
	catalog *catalog.Catalog
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "prassi.db"))
	w := &world{t: t}
	w.must(err)
	t.Cleanup(func() { store.Close() })
	towns := schemas.Default().Territories().WithMunicipalities([]schemas.Municipality{{ISTAT: "100005", Name: "Prato", Province: "100", Lat: 43.88, Lon: 11.1}})
	w.service, err = content.New(store, schemas.Default(), content.Options{Territories: towns})
	w.must(err)
	w.catalog, err = catalog.Open(ctx, catalog.Options{Dir: t.TempDir(), Source: store, Territories: towns})
	w.must(err)
	t.Cleanup(func() { w.catalog.Close() })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bring publishes documents.
func (w *world) bring(batch ...content.Incoming) {
	w.t.Helper()
	results, err := w.service.Import(context.Background(), content.System("test"), batch, false)
	w.must(err)
	for _, r := range results {
		if r.Problem != nil {
			w.t.Fatalf("%s: %v %+v", r.Slug, r.Problem, r.Problem.Fields)
		}
	}
	w.must(w.catalog.CatchUp(context.Background()))
}

const (
	serviceID = "01970000-0000-7000-8000-0000000000a1"
	orgID     = "01970000-0000-7000-8000-0000000000b1"
	shelterID = "01970000-0000-7000-8000-0000000000c1"
	base      = "https://prassi.example"
)

func variant(locale, slug string, fields map[string]any) content.IncomingVariant {
	return content.IncomingVariant{Locale: locale, Slug: slug, Fields: fields, Publish: true}
}

// directory is a service with its provider, and a shelter.
func directory(t testing.TB) (*world, *Publisher) {
	w := newWorld(t)
	w.bring(content.Incoming{Type: "organization", ID: orgID, Variants: []content.IncomingVariant{variant("it", "comune", map[string]any{
		"title": "Comune di Prato", "organization_type": "municipality", "tax_code": "84006890481", "website": "https://comune.example", "territories": []any{"PO"},
	})}})
	shared := map[string]any{
		"organization": "organization/comune", "topics": []any{"work"}, "territories": []any{"PO", "09"}, "languages": []any{"it", "bn", "zh-Hans"}, "cost": "free",
		"places":   []any{map[string]any{"label": "Sede", "address": "Via Roma 1", "municipality": "100005", "lat": 43.88, "lon": 11.1}},
		"contacts": []any{map[string]any{"name": "Ufficio", "email": "ufficio@example.org", "phone": "0574 123456", "web": "https://ufficio.example/chi"}},
		"opening_hours": []any{
			map[string]any{"days": []any{"mo", "tu"}, "opens": "09:00", "closes": "13:30"},
			map[string]any{"closed": true, "valid_from": "2026-08-01", "valid_to": "2026-08-31"},
		},
		"website": "https://servizio.example", "booking_url": "https://prenota.example", "target_groups": []any{"women"},
	}
	it := map[string]any{"title": "Sportello <lavoro>", "summary": "Aiuta a cercare.", "eligibility": "Chi ha un permesso.", "documents_needed": "- Passaporto", "how_to_book": "Telefonare."}
	en := map[string]any{"title": "Job desk", "summary": "Helps to look.", "eligibility": "Those with a permit."}
	for k, v := range shared {
		it[k], en[k] = v, v
	}
	w.bring(content.Incoming{Type: "service", ID: serviceID, Variants: []content.IncomingVariant{variant("it", "lavoro", it), variant("en", "job-desk", en)}})
	w.bring(content.Incoming{Type: "service", ID: shelterID, Variants: []content.IncomingVariant{variant("it", "casa", map[string]any{
		"title": "Casa rifugio", "topics": []any{"housing"}, "territories": []any{"PO"}, "sensitive": true,
		"places": []any{map[string]any{"label": "Portone verde", "address": "Via Segreta 77", "municipality": "100005", "lat": 43.871234, "lon": 11.095678}},
	})}})
	return w, &Publisher{Base: base, Name: "Ministero", Email: "dati@example.org", URL: "https://ministero.example", Schemas: schemas.Default(), Territories: w.service.Territories(), Catalog: w.catalog}
}

// offline refuses to fetch anything: what is here explains itself.
type offline struct{}

func (offline) LoadDocument(string) (*ld.RemoteDocument, error) {
	return nil, errors.New("nothing may be fetched")
}

func options() *ld.JsonLdOptions {
	o := ld.NewJsonLdOptions(base + "/")
	o.DocumentLoader, o.ProcessingMode = offline{}, ld.JsonLd_1_1
	return o
}

// quads gives a document as sorted N-Quads, by an independent processor.
func quads(t testing.TB, data []byte) []string {
	t.Helper()
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	o := options()
	o.Format = "application/n-quads"
	out, err := ld.NewJsonLdProcessor().Normalize(doc, o)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(out.(string)), "\n")
}

// long writes prefixed names as N-Quads have them.
func long(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		if prefix, name, ok := strings.Cut(w, ":"); ok && namespaces[prefix] != "" && !strings.HasPrefix(w, `"`) {
			words[i] = "<" + namespaces[prefix] + name + ">"
		}
	}
	return strings.NewReplacer("ID:", base+"/opendata/", "AT:", base, "EU:", authority, "IT:", territorial).Replace(strings.Join(words, " ")) + " ."
}

func holds(t testing.TB, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, long(w)) {
			t.Errorf("lacks %s in\n%s", long(w), strings.Join(got, "\n"))
			return
		}
	}
}

func TestService(t *testing.T) {
	w, p := directory(t)
	data, err := p.ServiceDocument(w.catalog.Variants(serviceID))
	w.must(err)
	s := "<ID:services/" + serviceID + ">"
	part := func(name string) string { return "<ID:services/" + serviceID + "#" + name + ">" }
	a := "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
	got := quads(t, data)
	holds(t, got,
		s+" "+a+" cpsv:PublicService",
		s+` dct:identifier "`+serviceID+`"`,
		s+` dct:title "Sportello <lavoro>"@it`,
		s+` dct:title "Job desk"@en`,
		s+` dct:description "Aiuta a cercare."@it`,
		s+" dct:language <EU:language/BEN>",
		s+" dct:language <EU:language/ZHO>",
		s+" dct:spatial <IT:provinces/100>",
		s+" dct:spatial <IT:regions/09>",
		s+" dct:spatial <http://data.europa.eu/nuts/code/ITI1>",
		s+" cv:hasCompetentAuthority <ID:organizations/"+orgID+">",
		"<ID:organizations/"+orgID+"> "+a+" cv:PublicOrganisation",
		"<ID:organizations/"+orgID+`> skos:prefLabel "Comune di Prato"@it`,
		s+" cv:contactPoint "+part("contact-1"),
		part("contact-1")+" "+a+" cv:ContactPoint",
		part("contact-1")+` cv:telephone "0574 123456"`,
		part("contact-1")+` cv:email "ufficio@example.org"`,
		part("contact-1")+` cv:contactPage <https://ufficio.example/chi>`,
		s+" cv:hasChannel "+part("place-1"),
		s+" cv:hasChannel "+part("booking"),
		part("booking")+` dct:description "Telefonare."@it`,
		s+" cv:hasCost "+part("cost"),
		part("cost")+` cv:hasValue "0"^^<http://www.w3.org/2001/XMLSchema#double>`,
		part("cost")+" cv:currency <EU:currency/EUR>",
		s+" cv:holdsRequirement "+part("eligibility"),
		part("eligibility")+` dct:description "Those with a permit."@en`,
		part("eligibility")+` dct:title "Chi può usarlo"@it`,
		s+" cpsv:hasInput "+part("documents"),
		part("documents")+" "+a+" cv:Evidence",
		s+" cv:thematicArea <ID:vocabularies/topics#work>",
		`<ID:vocabularies/topics#work> skos:prefLabel "Lavoro"@it`,
		s+` dcat:keyword "Work"@en`,
		s+" foaf:page <AT:/api/v1/services/lavoro?locale=it>",
		s+" foaf:page <https://servizio.example>",
	)
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"<http://data.europa.eu/m8g/openingHours> <" + base + ServicePath + serviceID + "#hours-2>", `"13"^^<http://www.w3.org/2001/XMLSchema#nonNegativeInteger>`, "<http://www.w3.org/2006/time#Tuesday>",
		`"lunedì, martedì 09:00–13:30"@it`, `"Monday, Tuesday 09:00–13:30"@en`, "specialOpeningHoursSpecification", `"2026-08-31"^^<http://www.w3.org/2001/XMLSchema#date>`,
		`"POINT(11.1 43.88)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>`, `"Via Roma 1"`, `<http://www.w3.org/ns/locn#postName> "Prato"`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("lacks %s in\n%s", want, all)
		}
	}
}

// Every property and class expands to an IRI of a known vocabulary: nothing is
// dropped, and nothing stays a word of our own.
func TestEverythingExpands(t *testing.T) {
	w, p := directory(t)
	one, err := p.ServiceDocument(w.catalog.Variants(serviceID))
	w.must(err)
	org, err := p.OrganizationDocument(w.catalog.Variants(orgID))
	w.must(err)
	dcat, err := p.DCAT()
	w.must(err)
	page, err := p.AppendGraph(nil, slices.Values([]string{serviceID, shelterID, "never"}), base+"/api/v1/services.jsonld", base+"/api/v1/services.jsonld?cursor=x", "")
	w.must(err)
	words, err := p.Vocabulary("topics")
	w.must(err)
	if !bytes.Contains(words, []byte(`"@id":"https://prassi.example/opendata/vocabularies/topics#work"`)) {
		t.Errorf("the concepts of services are not in their scheme: %s", words)
	}
	for _, name := range []string{"title", "nothing"} {
		if none, err := p.Vocabulary(name); none != nil || err != nil {
			t.Errorf("%s: %s, %v", name, none, err)
		}
	}
	for name, data := range map[string][]byte{"vocabulary": words, "service": one, "organization": org, "catalogue": dcat, "page": page} {
		var doc any
		w.must(json.Unmarshal(data, &doc))
		expanded, err := ld.NewJsonLdProcessor().Expand(doc, options())
		w.must(err)
		known, seen := slices.Collect(mapsValues(namespaces)), 0
		var visit func(v any)
		visit = func(v any) {
			switch v := v.(type) {
			case []any:
				for _, x := range v {
					visit(x)
				}
			case map[string]any:
				for key, x := range v {
					names := []string{key}
					if key == "@type" {
						names = nil
						for _, typ := range listOf(x) {
							names = append(names, typ.(string))
						}
					}
					for _, n := range names {
						seen++
						if !strings.HasPrefix(n, "@") && !slices.ContainsFunc(known, func(ns string) bool { return strings.HasPrefix(n, ns) && len(n) > len(ns) }) {
							t.Errorf("%s: %s is of no vocabulary", name, n)
						}
					}
					visit(x)
				}
			}
		}
		visit(expanded)
		// What a processor cannot expand it drops: as many members must be left.
		if had := members(doc.(map[string]any)); seen < had {
			t.Errorf("%s: %d members, of which %d expand", name, had, seen)
		}
		if seen < 15 {
			t.Errorf("%s: only %d properties", name, seen)
		}
	}
	if !bytes.Contains(page, []byte(`"hydra:next":"https://prassi.example/api/v1/services.jsonld?cursor=x"`)) || bytes.Contains(page, []byte(`"hydra:previous":"`)) {
		t.Errorf("%s", page[len(page)-300:])
	}
}

func mapsValues(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func listOf(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// members counts the properties of a compact document.
func members(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n += members(x)
		}
	case map[string]any:
		for key, x := range v {
			if key == "@context" || key == "@graph" {
				if key == "@graph" {
					n += members(x)
				}
				continue
			}
			n += 1 + members(x)
		}
	}
	return n
}

// No byte tells where a shelter is.
func TestSensitive(t *testing.T) {
	w, p := directory(t)
	one, err := p.ServiceDocument(w.catalog.Variants(shelterID))
	w.must(err)
	page, err := p.AppendGraph(nil, slices.Values([]string{shelterID}), "", "", "")
	w.must(err)
	for _, data := range [][]byte{one, page} {
		for _, secret := range []string{"Segreta", "77", "43.871", "11.095", "Portone"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("tells %q:\n%s", secret, data)
			}
		}
		if !bytes.Contains(data, []byte("cities/100005")) {
			t.Errorf("does not name the municipality:\n%s", data)
		}
	}
}

func TestCatalog(t *testing.T) {
	w, p := directory(t)
	data, err := p.DCAT()
	w.must(err)
	got := quads(t, data)
	a := "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
	c, services := "<ID:catalog.jsonld>", "<ID:catalog.jsonld#services>"
	cc := "<EU:licence/CC_BY_4_0>"
	holds(t, got,
		c+" "+a+" dcat:Catalog", c+" "+a+" dcatapit:Catalog",
		c+" dcat:dataset "+services, c+" dcat:dataset <ID:catalog.jsonld#organizations>",
		c+" dct:publisher <ID:catalog.jsonld#publisher>", `<ID:catalog.jsonld#publisher> foaf:name "Ministero"`,
		c+" dct:spatial <EU:country/ITA>", c+" dct:language <EU:language/ITA>", c+" dct:language <EU:language/ENG>", c+" dct:license "+cc,
		services+" "+a+" dcat:Dataset", services+" "+a+" dcatapit:Dataset", services+` dct:identifier "services"`,
		services+" dct:rightsHolder <ID:catalog.jsonld#publisher>", services+" dcat:theme <EU:data-theme/SOCI>",
		services+" dct:accrualPeriodicity <EU:frequency/UPDATE_CONT>", services+" dct:accessRights <EU:access-right/PUBLIC>",
		services+" dcat:distribution <ID:catalog.jsonld#services-hsds>",
		"<ID:catalog.jsonld#services-hsds> dcat:downloadURL <AT:/hsds/services>",
		"<ID:catalog.jsonld#services-geojson> dct:format <EU:file-type/GEOJSON>",
		"<ID:catalog.jsonld#services-geojson> dcat:mediaType <http://www.iana.org/assignments/media-types/application/geo+json>",
		"<ID:catalog.jsonld#services-csv> dct:license "+cc,
		"<ID:catalog.jsonld#services-jsonld> dct:format <EU:file-type/JSON_LD>",
		"<ID:catalog.jsonld#api> dcat:servesDataset "+services,
	)
	all := strings.Join(got, "\n")
	if strings.Contains(all, "practices") {
		t.Error("a collection without items is described")
	}
	for _, want := range []string{"<mailto:dati@example.org>", "dc/terms/modified", "dc/terms/issued"} {
		if !strings.Contains(all, want) {
			t.Errorf("lacks %s", want)
		}
	}
	again, err := p.DCAT()
	w.must(err)
	if !bytes.Equal(data, again) {
		t.Error("the same catalogue has other bytes")
	}
	empty := newWorld(t)
	data, err = (&Publisher{Schemas: schemas.Default(), Catalog: empty.catalog}).DCAT()
	w.must(err)
	if bytes.Contains(data, []byte("dcat:Dataset")) || !bytes.Contains(data, []byte("dcat:Catalog")) {
		t.Errorf("an empty catalogue: %s", data)
	}
}

// Every region has its code in the European nomenclature, and every language that
// content may be written in its own in the authority table.
func TestVocabularies(t *testing.T) {
	reg := schemas.Default()
	for _, r := range reg.Territories().Regions() {
		if len(territoryIRIs(r.ISTAT)) < 2 {
			t.Errorf("%s has no NUTS code", r.Name)
		}
	}
	if len(nutsOf) != len(reg.Territories().Regions()) {
		t.Errorf("%d codes", len(nutsOf))
	}
	for _, l := range reg.Locales() {
		if _, ok := languageIRI(l.Tag); !ok {
			t.Errorf("%s has no IRI", l.Tag)
		}
	}
	for in, want := range map[string]string{"https://a.example/x y": "https://a.example/x%20y", "https://a.example/?q=<a> \"b\"": "https://a.example/?q=%3Ca%3E%20%22b%22", "javascript:alert(1)": "", "mailto:a@b.example": "", "x": "", "http://": ""} {
		if got, ok := webIRI(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q", in, got)
		}
	}
	if f, ok := reg.Type("organization"); ok {
		kind, _ := f.Field("organization_type")
		for id := range publicBodies {
			if _, ok := kind.Term(id); !ok {
				t.Errorf("%s is no type of organisation", id)
			}
		}
	}
}

func TestLicence(t *testing.T) {
	for in, want := range map[string]string{
		"": authority + "licence/CC_BY_4_0", "cc-by-4.0": authority + "licence/CC_BY_4_0", "CC0-1.0": authority + "licence/CC0", "EUPL-1.2": "https://spdx.org/licenses/EUPL-1.2",
		"https://www.dati.gov.it/iodl/2.0/": "https://www.dati.gov.it/iodl/2.0/", "free for all": "", "javascript:alert(1)": "", "a<b": "", "ftp://x": "", "-x": "",
	} {
		if got, ok := Licence(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
}

// mandatory are the properties that the profiles demand of each class: CPSV-AP 3.2,
// DCAT-AP 3.0 and DCAT-AP_IT 1.1. Only who provides a service can be missing: it is
// not made up where nobody says it.
var mandatory = map[string][]string{
	"cpsv:PublicService":    {"dct:identifier", "dct:title", "dct:description"},
	"cv:PublicOrganisation": {"dct:identifier", "dct:title", "skos:prefLabel", "dct:spatial"},
	"cv:Channel":            {"dct:identifier"},
	"cv:Cost":               {"dct:identifier"},
	"cv:Evidence":           {"dct:identifier", "dct:title"},
	"cv:Requirement":        {"dct:identifier", "dct:title"},
	"skos:Concept":          {"skos:prefLabel"},
	"dcat:Catalog":          {"dct:title", "dct:description", "dct:publisher", "dct:modified", "dcat:dataset"},
	"dcat:Dataset": {
		"dct:title", "dct:description", "dct:identifier", "dct:modified", "dcat:theme", "dct:rightsHolder", "dct:accrualPeriodicity", "dcat:distribution",
	},
	"dcat:Distribution": {"dcat:accessURL", "dct:format", "dct:license"},
	"dcat:DataService":  {"dct:title", "dcat:endpointURL"},
	"foaf:Agent":        {"dct:identifier"},
	"dcatapit:Agent":    {"foaf:name", "dct:identifier"},
}

// lacking visits every node that has a class, and tells which of its class's
// properties are missing.
func lacking(v any, seen map[string]bool) (out []string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, lacking(x, seen)...)
		}
	case map[string]any:
		for _, class := range listOf(v["@type"]) {
			class, _ := class.(string)
			for prefix, ns := range namespaces {
				if name, ok := strings.CutPrefix(class, ns); ok && name != "" {
					class = prefix + ":" + name
				}
			}
			seen[class] = true
			for _, property := range mandatory[class] {
				prefix, name, _ := strings.Cut(property, ":")
				if v[namespaces[prefix]+name] == nil {
					out = append(out, class+" lacks "+property)
				}
			}
		}
		for _, x := range v {
			out = append(out, lacking(x, seen)...)
		}
	}
	return out
}

// What the profiles demand is there, of a service that says little too.
func TestMandatoryProperties(t *testing.T) {
	w, p := directory(t)
	const bare = "01970000-0000-7000-8000-0000000000d1"
	w.bring(content.Incoming{Type: "service", ID: bare, Variants: []content.IncomingVariant{variant("it", "nudo", map[string]any{"title": "Nudo", "topics": []any{"work"}, "territories": []any{"PO"}})}})
	seen := map[string]bool{}
	check := func(data []byte, err error) {
		t.Helper()
		w.must(err)
		var doc any
		w.must(json.Unmarshal(data, &doc))
		expanded, err := ld.NewJsonLdProcessor().Expand(doc, options())
		w.must(err)
		for _, missing := range lacking(expanded, seen) {
			t.Error(missing)
		}
	}
	for _, id := range []string{serviceID, shelterID, bare} {
		check(p.ServiceDocument(w.catalog.Variants(id)))
	}
	check(p.OrganizationDocument(w.catalog.Variants(orgID)))
	check(p.DCAT())
	for class := range mandatory {
		if !seen[class] {
			t.Errorf("there was no %s to look at", class)
		}
	}
}

// What people write stays text: it ends no script element and changes no context.
func TestHostileText(t *testing.T) {
	w, p := directory(t)
	const id = "01970000-0000-7000-8000-0000000000e1"
	title := `</script><script>alert(1)</script> {"@context": "https://evil.example"} @id`
	w.bring(content.Incoming{Type: "service", ID: id, Variants: []content.IncomingVariant{variant("it", "ostile", map[string]any{
		"title": title, "summary": "@type", "topics": []any{"work"}, "territories": []any{"PO"},
		"contacts": []any{map[string]any{"name": "</script>", "phone": "0574 123456"}},
		"hsds":     map[string]any{"@context": "https://evil.example", "name": "x"},
	})}})
	data, err := p.ServiceDocument(w.catalog.Variants(id))
	w.must(err)
	for _, bad := range []string{"</", "<script", "<x>", `"https://evil.example"`} {
		if bytes.Contains(data, []byte(bad)) {
			t.Errorf("has %q:\n%s", bad, data)
		}
	}
	var doc any
	w.must(json.Unmarshal(data, &doc))
	expanded, err := ld.NewJsonLdProcessor().Expand(doc, options())
	w.must(err)
	got, err := json.Marshal(expanded)
	w.must(err)
	if want, _ := json.Marshal(title); !bytes.Contains(got, want) {
		t.Errorf("the title is not what it was: %s", got)
	}
}

// A digest tells what the object has, of what an import left as well.
func TestDigest(t *testing.T) {
	w, _ := directory(t)
	h := &HSDS{Lens: hsds.New(schemas.Default(), w.service.Territories()), Schemas: schemas.Default(), Catalog: w.catalog}
	const odd = "01970000-0000-7000-8000-0000000000f1"
	w.bring(content.Incoming{Type: "service", ID: odd, Variants: []content.IncomingVariant{variant("it", "strano", map[string]any{
		"title": "Strano", "topics": []any{"work"}, "territories": []any{"PO"}, "hsds": map[string]any{
			"id": map[string]any{"a": 1.0}, "name": "Strano", "__proto__": map[string]any{"x": 1.0}, "attributes": "x", "organization": []any{}, "status": 7.0,
			"nested": map[string]any{"x_prassi": map[string]any{"occurrence": 1e300, "left": []any{1.0, nil}}}, "x_prassi": map[string]any{"occurrence": 1e300, "left": []any{1.0, nil, "topics"}},
			"service_at_locations": []any{"x", 1.0, map[string]any{"id": 7.0, "location": map[string]any{"location_type": "virtual"}}}, "long": strings.Repeat("x", 60_000),
		},
	})}})
	for _, id := range []string{serviceID, orgID, shelterID, odd} {
		o, err := h.Object(id)
		w.must(err)
		d, err := h.Digest(id)
		w.must(err)
		if sites := Objects(o["service_at_locations"]); len(d.Sites) != len(sites) || d.Identifier != id || hsds.IDOf(o) != id {
			t.Errorf("%s: %+v of %v", id, d, o["id"])
		}
		if o["x_prassi"] != nil {
			t.Errorf("%s tells what is ours", id)
		}
	}
	if d, _ := h.Digest(serviceID); d.Provider != orgID || len(d.Terms) < 2 || len(d.Taxonomies) < 2 {
		t.Errorf("%+v", d)
	}
	if d, err := h.Digest("nothing"); err != nil || d.Identifier != "" {
		t.Errorf("%+v, %v", d, err)
	}
}
