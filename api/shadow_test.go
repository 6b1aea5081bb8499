package api

import (
	"bytes"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// TestOwnerEditsAreAShadow: what the owner of a live service changes, and what a
// feed brings for it, is seen by nobody outside until the council publishes it: not
// in the list, the item, the map, the tables, the search, HSDS or the open data.
func TestOwnerEditsAreAShadow(t *testing.T) {
	onEngines(t, ownerEditsAreAShadow)
}

func ownerEditsAreAShadow(t *testing.T, w *world) {
	w.t = t
	say := func(word string, lat float64) map[string]any {
		return map[string]any{
			"title": "Sportello " + word, "summary": "Aiuto " + word + ".", "topics": []any{"housing"}, "territories": []any{"MI"}, "website": "https://" + word + ".example.org",
			"places":   []any{map[string]any{"label": "Sede " + word, "address": "Via " + word + " 1", "municipality": "015146", "lat": lat, "lon": 9.19}},
			"contacts": []any{map[string]any{"name": word, "phone": "+39 02 1234567"}},
		}
	}
	incoming := func(word string, lat float64) content.Incoming {
		return content.Incoming{Type: "service", Owner: "orti", Variants: []content.IncomingVariant{{Locale: "it", Slug: "sportello", Fields: say(word, lat), Publish: true}}}
	}
	w.incoming(incoming("primaverde", 45.46))
	id := w.catalog.Get("services", "sportello", "it").Entry.ID()
	path := "/api/v1/manage/documents/" + id + "/variants/it"
	seen := func(when, shown string, hidden ...string) {
		t.Helper()
		w.catchUp()
		for _, address := range []string{
			"/api/v1/services", "/api/v1/services/sportello", "/api/v1/services.geojson?zoom=20", "/api/v1/services.csv", "/api/v1/search?q=sportello",
			"/api/v1/search?q=" + shown, "/api/v1/search/suggest?q=sportello", "/hsds/services?full=true", "/hsds/services/" + id, "/opendata/services/" + id,
		} {
			a := w.send("", "GET", address, "").want(t, 200)
			if !bytes.Contains(a.body, []byte(shown)) {
				t.Errorf("%s, GET %s does not say %s:\n%.500s", when, address, shown, a.body)
			}
			for _, word := range hidden {
				if bytes.Contains(a.body, []byte(word)) {
					t.Errorf("%s, GET %s says %s:\n%.500s", when, address, word, a.body)
				}
			}
		}
		for _, word := range hidden {
			if a := w.send("", "GET", "/api/v1/search?q="+word, "").want(t, 200); bytes.Contains(a.body, []byte(id)) {
				t.Errorf("%s, the search finds it by %s", when, word)
			}
		}
	}
	seen("at first", "primaverde")

	send := func(who, method, at, body string, status int) {
		t.Helper()
		w.send(who, method, path+at, body, "If-Match", "*").want(t, status)
	}
	data, err := encode(map[string]any{"fields": say("secondarosa", 45.47)})
	w.must(err)
	send("carla", "PATCH", "", string(data), 200)
	seen("after an edit", "primaverde", "secondarosa", "45.47")
	send("carla", "POST", "/transitions", `{"transition":"submit"}`, 200)
	seen("handed in", "primaverde", "secondarosa", "45.47")
	send("carla", "POST", "/transitions", `{"transition":"publish"}`, 403)
	send("rita", "POST", "/transitions", `{"transition":"publish"}`, 200)
	seen("published by the council", "secondarosa", "primaverde", "45.46")

	results, err := w.service.Import(t.Context(), content.System("feed"), []content.Incoming{incoming("terzablu", 45.48)}, false)
	w.must(err)
	if r := results[0]; r.Outcome != content.Changed || !r.Queued {
		t.Errorf("the feed: %+v", r)
	}
	seen("after a feed", "secondarosa", "terzablu", "45.48")
	if a := w.send("carla", "GET", path, "").want(t, 200); !bytes.Contains(a.body, []byte("terzablu")) {
		t.Errorf("the owner does not find what the feed brought: %.500s", a.body)
	}
	send("rita", "POST", "/transitions", `{"transition":"publish"}`, 200)
	seen("the feed's, published by the council", "terzablu", "secondarosa", "45.47")
}
