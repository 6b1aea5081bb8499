package api

import (
	"fmt"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// BenchmarkHSDS reads the directory of many services: a full page, the first
// request that needs every object, and those after it.
func BenchmarkHSDS(b *testing.B) {
	const services = 2000
	w := newWorld(b)
	var batch []content.Incoming
	for i := range services {
		batch = append(batch, content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Fields: map[string]any{
			"title": fmt.Sprintf("Servizio %d", i), "summary": "Aiuta.", "topics": []any{"work"}, "territories": []any{"PO"},
			"contacts":      []any{map[string]any{"name": "Ufficio", "phone": fmt.Sprintf("0574 %06d", i), "email": "a@example.org"}},
			"places":        []any{map[string]any{"label": "Sede", "address": "Via Roma 1", "lat": 43.8, "lon": 11.1}},
			"opening_hours": []any{map[string]any{"days": []any{"mo", "tu", "we"}, "opens": "09:00", "closes": "13:00"}},
		}}}})
	}
	w.incoming(batch...)
	b.Run("full page of 100", func(b *testing.B) { drive(b, w.server, "/hsds/services?full=true&per_page=100", 200) })
	b.Run("short page of 50", func(b *testing.B) { drive(b, w.server, "/hsds/services", 200) })
	b.Run("all minimal, first", func(b *testing.B) {
		for b.Loop() {
			w.server.hsdsIndex.identifiers.known = nil
			drive1(b, w, "/hsds/services?minimal=true")
		}
	})
	b.Run("all minimal, again", func(b *testing.B) { drive(b, w.server, "/hsds/services?minimal=true", 200) })
	b.Run("places, first", func(b *testing.B) {
		for b.Loop() {
			w.server.hsdsIndex.sites.known = nil
			drive1(b, w, "/hsds/service_at_locations?per_page=10")
		}
	})
	b.Run("JSON-LD page of 100", func(b *testing.B) { drive(b, w.server, "/api/v1/services.jsonld?limit=100", 200) })
	b.Run("data catalogue", func(b *testing.B) { drive(b, w.server, "/opendata/catalog.jsonld", 200) })
}

func drive1(b *testing.B, w *world, path string) {
	b.Helper()
	w.send("", "GET", path, "").want(b, 200)
}
