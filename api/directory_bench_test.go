package api

import (
	"fmt"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// BenchmarkHSDS reads the directory of a country: 20,000 services of 200
// organisations. Digests are there, as a server that runs keeps them; to make them
// all is measured by itself.
func BenchmarkHSDS(b *testing.B) {
	const services, organizations = 20_000, 200
	w := newWorld(b)
	var batch []content.Incoming
	bring := func(typ string, i int, fields map[string]any) {
		fields["summary"], fields["topics"], fields["territories"] = "Aiuta.", []any{"work"}, []any{"PO"}
		batch = append(batch, content.Incoming{Type: typ, Variants: []content.IncomingVariant{{Locale: "it", Slug: fmt.Sprintf("%s-%d", typ, i), Publish: true, Fields: fields}}})
		if len(batch) == 1000 {
			w.incoming(batch...)
			batch = nil
		}
	}
	for i := range organizations {
		bring("organization", i, map[string]any{"title": fmt.Sprintf("Organizzazione %d", i)})
	}
	w.incoming(batch...)
	batch = nil
	for i := range services {
		bring("service", i, map[string]any{
			"title": fmt.Sprintf("Servizio %d", i), "organization": fmt.Sprintf("organization/organization-%d", i%organizations),
			"contacts":      []any{map[string]any{"name": "Ufficio", "phone": fmt.Sprintf("0574 %06d", i), "email": "a@example.org"}},
			"places":        []any{map[string]any{"label": "Sede", "address": "Via Roma 1", "lat": 43.8, "lon": 11.1}},
			"opening_hours": []any{map[string]any{"days": []any{"mo", "tu", "we"}, "opens": "09:00", "closes": "13:00"}},
		})
	}
	b.Run("digests of all", func(b *testing.B) {
		for b.Loop() {
			w.server.hsdsIndex.digests = map[string]hsdsDigest{}
			if _, err := w.server.hsdsDigests(b.Context(), w.server.hsdsIndex.of(w.catalog, "services")); err != nil {
				b.Fatal(err)
			}
		}
	})
	org := w.hsdsID("organizations")
	for _, one := range [][2]string{
		{"services, 50", "/hsds/services"}, {"services, 100 in full", "/hsds/services?full=true&per_page=100"}, {"services, last page", "/hsds/services?page=400"},
		{"services with a word", "/hsds/services?search=servizio+17"}, {"services of an organisation", "/hsds/services?organization_id=" + org},
		{"all minimal", "/hsds/services?minimal=true"}, {"organizations, 100 in full", "/hsds/organizations?full=true&per_page=100"},
		{"one organization, full services", "/hsds/organizations/" + org + "?full_service=true"}, {"places", "/hsds/service_at_locations"},
		{"places, last page", "/hsds/service_at_locations?page=400"}, {"places of an organisation", "/hsds/service_at_locations?organization_id=" + org},
		{"nothing there", "/hsds/services/nothing"}, {"JSON-LD, 100", "/api/v1/services.jsonld?limit=100"}, {"data catalogue", "/opendata/catalog.jsonld"},
	} {
		status := 200
		if one[0] == "nothing there" {
			status = 404
		}
		b.Run(one[0], func(b *testing.B) { drive(b, w.server, one[1], status) })
	}
}
