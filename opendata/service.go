package opendata

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/schemas"
)

// Publisher makes descriptions. Its zero value works, with relative addresses.
type Publisher struct {
	// Base is the public address of the server without a slash at its end; empty
	// leaves addresses relative to that of the answer.
	Base string
	// Name, Email and URL are those of the body that publishes; Identifier is its
	// code in the index of public administrations (IPA) or its tax code.
	Name, Email, URL, Identifier string
	// Licence is that of the data, as function Licence reads it.
	Licence string
	// Schemas are the declarations, for labels; Territories replaces theirs, to know
	// municipalities as well.
	Schemas     *schemas.Registry
	Territories *schemas.Territories
	// Catalog is what is published.
	Catalog *catalog.Catalog
}

// Addresses of things, below Base.
const (
	ServicePath      = "/opendata/services/"
	OrganizationPath = "/opendata/organizations/"
	VocabularyPath   = "/opendata/vocabularies/"
	CatalogPath      = "/opendata/catalog.jsonld"
)

// label is what each of the document's languages calls a field.
func (p *Publisher) label(typ, field string, d *document) []node {
	t, ok := p.Schemas.Type(typ)
	if !ok {
		return nil
	}
	f, ok := t.Field(field)
	if !ok {
		return nil
	}
	return d.texts(func(it *item) string { return f.Label.In(it.Locale) })
}

// Service describes a service in CPSV-AP, given its public variants. The answer is
// an object without a context.
func (p *Publisher) Service(entries []catalog.Entry) ([]byte, error) {
	d, err := readDocument(entries)
	if err != nil {
		return nil, err
	}
	n, err := p.service(d)
	if err != nil {
		return nil, err
	}
	return encode(n)
}

func (p *Publisher) service(d *document) (node, error) {
	it := d.main()
	id := p.Base + ServicePath + it.ID
	n := node{
		"@id": id, "@type": "cpsv:PublicService", "dct:identifier": it.ID,
		"dct:title":  d.texts(func(it *item) string { return it.Title }),
		"dct:issued": it.PublishedAt.Format(time.RFC3339Nano), "dct:modified": d.modified().Format(time.RFC3339Nano),
	}
	described := d.texts(func(it *item) string { return it.Summary })
	if len(described) == 0 { // the profile asks for one
		described = n["dct:title"].([]node)
	}
	n.put("dct:description", described)
	var spoken []string
	var audience, accessible []term
	var cost *term
	var hours []hoursRow
	var contacts []contact
	var places []place
	var provider *link
	var site, booking string
	for name, into := range map[string]any{
		"languages": &spoken, "target_groups": &audience, "accessibility": &accessible, "cost": &cost, "opening_hours": &hours,
		"contacts": &contacts, "places": &places, "organization": &provider, "website": &site, "booking_url": &booking,
	} {
		if err := read(it, name, into); err != nil {
			return nil, err
		}
	}
	n.put("dct:language", languageIRIs(spoken))
	n.put("dct:spatial", p.spatial(it))
	n.put("cv:thematicArea", p.concepts(d, "topics", func(it *item) ([]term, error) { return it.Topics, nil }))
	n.put("dct:audience", p.concepts(d, "target_groups", func(it *item) (out []term, err error) { return out, read(it, "target_groups", &out) }))
	n.put("dcat:keyword", d.keywords())
	if provider != nil {
		authority, err := p.authority(provider.ID)
		if err != nil {
			return nil, err
		}
		n.put("cv:hasCompetentAuthority", authority)
	}
	times := p.temporal(d, id, hours)
	n.put("cv:contactPoint", p.contactPoints(id, contacts, times))
	n.put("cv:hasChannel", p.channels(d, id, places, times, booking))
	n.put("cv:hasCost", p.cost(d, id, cost))
	if texts := d.field("eligibility"); len(texts) > 0 {
		n["cv:holdsRequirement"] = node{
			"@id": id + "#eligibility", "@type": "cv:Requirement", "dct:identifier": it.ID + "#eligibility",
			"dct:title": p.label("service", "eligibility", d), "dct:description": texts,
		}
	}
	if texts := d.field("documents_needed"); len(texts) > 0 {
		n["cpsv:hasInput"] = node{
			"@id": id + "#documents", "@type": "cv:Evidence", "dct:identifier": it.ID + "#documents",
			"dct:title": p.label("service", "documents_needed", d), "dct:description": texts,
		}
	}
	pages := d.pages(p.Base)
	if iri, ok := webIRI(site); ok {
		pages = append(pages, iri)
	}
	n.put("foaf:page", pages)
	return n, nil
}

// modified is the last change in any language.
func (d *document) modified() time.Time {
	var last time.Time
	for _, it := range d.variants {
		if it.UpdatedAt.After(last) {
			last = it.UpdatedAt
		}
	}
	return last
}

// pages are the addresses where the document is read.
func (d *document) pages(base string) []string {
	var out []string
	for _, it := range d.variants {
		out = append(out, base+it.Links.Self)
	}
	return out
}

func (d *document) keywords() []node {
	var out []node
	for _, it := range d.variants {
		for _, t := range it.Topics {
			out = append(out, text(it.Locale, t.Label))
		}
	}
	return out
}

func languageIRIs(tags []string) []string {
	var out []string
	for _, tag := range tags {
		if iri, ok := languageIRI(tag); ok && !slices.Contains(out, iri) {
			out = append(out, iri)
		}
	}
	return out
}

// spatial names an item's territories, or Italy when it names none.
func (p *Publisher) spatial(it *item) []string {
	var out []string
	for _, t := range it.Territories {
		out = append(out, territoryIRIs(t.ISTAT)...)
	}
	if len(out) == 0 {
		out = []string{italy}
	}
	return out
}

// concepts gives the terms of a choice with their labels in all languages.
func (p *Publisher) concepts(d *document, field string, of func(*item) ([]term, error)) []node {
	var out []node
	byID := map[string]node{}
	for _, it := range d.variants {
		terms, err := of(it)
		if err != nil {
			continue // the first variant has told of it
		}
		for _, t := range terms {
			n := byID[t.ID]
			if n == nil {
				n = node{"@id": p.Base + VocabularyPath + field + "#" + t.ID, "@type": "skos:Concept", "skos:notation": t.ID, "skos:prefLabel": []node{}}
				byID[t.ID] = n
				out = append(out, n)
			}
			n["skos:prefLabel"] = append(n["skos:prefLabel"].([]node), text(it.Locale, t.Label))
		}
	}
	return out
}

// authority describes the provider of a service in brief.
func (p *Publisher) authority(id string) (any, error) {
	entries := p.Catalog.Variants(id)
	if len(entries) == 0 { // withdrawn in this moment
		return nil, nil
	}
	d, err := readDocument(entries)
	if err != nil {
		return nil, err
	}
	return p.agent(d)
}

func (p *Publisher) contactPoints(id string, contacts []contact, times *timetable) []node {
	var out []node
	for i, c := range contacts {
		n := node{"@id": fmt.Sprintf("%s#contact-%d", id, i+1), "@type": "cv:ContactPoint"}
		n.put("cv:email", c.Email)
		n.put("cv:telephone", c.Phone)
		n.put("foaf:name", c.Name)
		n.put("vcard:role", c.Role)
		if iri, ok := webIRI(c.Web); ok {
			n.put("cv:contactPage", iri)
		}
		times.put(n)
		out = append(out, n)
	}
	return out
}

// channels are the ways to a service: its places, and its booking page.
func (p *Publisher) channels(d *document, id string, places []place, times *timetable, booking string) []node {
	var out []node
	for i, pl := range places {
		channel := fmt.Sprintf("%s#place-%d", id, i+1)
		n := node{
			"@id": channel, "@type": "cv:Channel", "dct:identifier": channel[strings.LastIndexByte(id, '/')+1:],
			"dct:spatial": p.location(pl),
		}
		n.put("dct:description", d.texts(func(*item) string { return pl.Label }))
		times.put(n)
		out = append(out, n)
	}
	if iri, ok := webIRI(booking); ok {
		n := node{"@id": id + "#booking", "@type": "cv:Channel", "dct:identifier": d.main().ID + "#booking", "foaf:page": iri}
		n.put("dct:description", d.field("how_to_book"))
		out = append(out, n)
	}
	return out
}

// location describes a place as the public knows it.
func (p *Publisher) location(pl place) node {
	n := node{"@type": "dct:Location"}
	address := node{"@type": "locn:Address"}
	address.put("locn:fullAddress", pl.Address)
	if t, ok := cmp.Or(p.Territories, p.Schemas.Territories()).Lookup(pl.Municipality); ok {
		address.put("locn:postName", t.Name)
	}
	if len(address) > 1 {
		n["locn:address"] = address
	}
	if pl.Municipality != "" {
		n["dct:isPartOf"] = node{"@id": territorial + "cities/" + pl.Municipality}
	}
	if pl.Lat != nil && pl.Lon != nil {
		n["dcat:centroid"] = "POINT(" + number(*pl.Lon) + " " + number(*pl.Lat) + ")"
	}
	return n
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// cost says what a service costs; only of "free" the amount is known.
func (p *Publisher) cost(d *document, id string, cost *term) []node {
	details := d.field("cost_details")
	if cost == nil && len(details) == 0 {
		return nil
	}
	n := node{"@id": id + "#cost", "@type": "cv:Cost", "dct:identifier": d.main().ID + "#cost"}
	if cost != nil && cost.ID == "free" {
		n["cv:hasValue"], n["cv:currency"] = "0", authority+"currency/EUR"
	}
	if len(details) == 0 {
		details = d.texts(func(it *item) string {
			var t term
			if read(it, "cost", &t) != nil {
				return ""
			}
			return t.Label
		})
	}
	n.put("dct:description", details)
	return []node{n}
}

// weekdays are the days of the OWL-Time ontology by ours.
var weekdays = map[string]string{
	"mo": "time:Monday", "tu": "time:Tuesday", "we": "time:Wednesday", "th": "time:Thursday", "fr": "time:Friday", "sa": "time:Saturday", "su": "time:Sunday",
}

// timetable is when something is open, and when it is shut.
type timetable struct{ open, shut []node }

// put writes the timetable into a node: in full the first time, and from then on
// by its names.
func (t *timetable) put(n node) {
	if t == nil {
		return
	}
	n.put("cv:openingHours", t.open)
	n.put("cv:specialOpeningHoursSpecification", t.shut)
	t.open, t.shut = named(t.open), named(t.shut)
}

func named(list []node) []node {
	out := make([]node, len(list))
	for i, n := range list {
		out[i] = node{"@id": n["@id"]}
	}
	return out
}

// temporal gives each row in words (days, hours and dates as they are written),
// and the hours of each day also in terms that programs read.
func (p *Publisher) temporal(d *document, id string, rows []hoursRow) *timetable {
	labels, out := p.dayLabels(), &timetable{}
	entity := func(r hoursRow) node {
		return node{
			"@id": fmt.Sprintf("%s#hours-%d", id, len(out.open)+len(out.shut)+1), "@type": "time:TemporalEntity",
			"dct:description": d.texts(func(it *item) string { return hoursText(r, labels, it.Locale) }),
		}
	}
	for _, r := range rows {
		if r.Closed {
			n := entity(r)
			n.put("time:hasBeginning", instant(node{}, r.ValidFrom))
			n.put("time:hasEnd", instant(node{}, r.ValidTo))
			out.shut = append(out.shut, n)
			continue
		}
		days := r.Days
		if len(days) == 0 {
			days = []string{""} // holidays alone
		}
		for _, day := range days {
			n := entity(r)
			if day != "" {
				n["cv:frequency"] = authority + "frequency/WEEKLY"
			}
			n.put("time:hasBeginning", instant(clock(day, r.Opens), r.ValidFrom))
			n.put("time:hasEnd", instant(clock(day, r.Closes), r.ValidTo))
			out.open = append(out.open, n)
		}
	}
	return out
}

// clock describes an hour of a day of the week.
func clock(day, hour string) node {
	n := node{}
	n.put("time:dayOfWeek", weekdays[day])
	if h, m, ok := strings.Cut(hour, ":"); ok {
		n["time:hour"], n["time:minute"], n["time:unitType"] = h, m, node{"@id": namespaces["time"] + "unitMinute"}
	}
	return n
}

// instant is a moment described in parts, perhaps bounded by a date; nil when
// nothing is known.
func instant(parts node, date string) any {
	if len(parts) == 0 && date == "" {
		return nil
	}
	n := node{"@type": "time:Instant"}
	if len(parts) > 0 {
		parts["@type"] = "time:DateTimeDescription"
		n["time:inDateTime"] = parts
	}
	if date != "" {
		n["time:inXSDDate"] = node{"@type": "xsd:date", "@value": date}
	}
	return n
}

// dayLabels are the names of the days, from the declared kind.
func (p *Publisher) dayLabels() map[string]schemas.Text {
	out := map[string]schemas.Text{}
	t, ok := p.Schemas.Type("service")
	if !ok {
		return out
	}
	f, ok := t.Field("opening_hours")
	if !ok {
		return out
	}
	for _, part := range f.Parts {
		out[part.Name] = part.Label
		if part.Name == "days" {
			for _, day := range part.Terms() {
				out[day.ID] = day.Label
			}
		}
	}
	return out
}

// hoursText writes a row in words: "lunedì, martedì 09:00–13:00 (2026-08-01 – 2026-08-31)".
func hoursText(r hoursRow, labels map[string]schemas.Text, locale string) string {
	var days []string
	for _, day := range r.Days {
		days = append(days, labels[day].In(locale))
	}
	if r.Holidays {
		days = append(days, labels["holidays"].In(locale))
	}
	parts := []string{strings.Join(days, ", ")}
	if r.Closed {
		parts = append(parts, labels["closed"].In(locale))
	} else {
		parts = append(parts, r.Opens+"–"+r.Closes)
	}
	if r.ValidFrom != "" || r.ValidTo != "" {
		parts = append(parts, "("+r.ValidFrom+" – "+r.ValidTo+")")
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}
