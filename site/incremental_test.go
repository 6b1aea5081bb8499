package site

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/site/release"
)

// contents lists a build: path, hash and everything else that is served.
func contents(b *release.Build) map[string]string {
	out := map[string]string{}
	for f := range b.Files() {
		out[f.Path] = fmt.Sprintf("%s %d %q %s %s %t", f.Hash, f.Status, f.Location, f.Type, f.Inputs, f.Immutable)
	}
	return out
}

func sameBuild(t interface {
	Helper()
	Fatalf(string, ...any)
}, got, want *release.Build) {
	t.Helper()
	a, b := contents(got), contents(want)
	for _, p := range slices.Sorted(maps.Keys(b)) {
		if a[p] != b[p] {
			t.Fatalf("%s:\n incremental %s\n full        %s", p, a[p], b[p])
		}
	}
	for _, p := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[p]; !ok {
			t.Fatalf("%s should not be there", p)
		}
	}
	if got.Sum() != want.Sum() {
		t.Fatalf("the manifests differ")
	}
}

// rendered says which paths a build made anew, by the digests of its inputs.
func rendered(before, after *release.Build) (out []string) {
	for f := range after.Files() {
		was, ok := before.File(f.Path)
		if !ok || was.Inputs != f.Inputs {
			out = append(out, f.Path)
		}
	}
	return out
}

// Whatever happens, a build over the one before is the build from nothing, byte for
// byte; and what was kept is exactly what has the same inputs.
func TestIncrementalIsFull(t *testing.T) {
	// Each round builds several sites; more are asked for by -rapid.checks.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("5"); err != nil {
			t.Fatal(err)
		}
	}
	reg := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, reg)
		inc := newStore(t)
		locales := []string{"it", "en", "bn"}
		codes := []string{"PO", "MI", "FI"}
		types := []string{"article", "news", "practice", "service", "event", "organization", "page"}
		live := map[string]map[string]int{} // by document, locale: version
		kind := map[string]string{}
		var s *Site
		fields := func(typ, doc string, n int) values {
			v := values{"title": fmt.Sprintf("Titolo %s", rapid.StringMatching(`[a-c<&"']{1,4}`).Draw(rt, "title")), "summary": fmt.Sprintf("Versione %d", n)}
			if rapid.Bool().Draw(rt, "placed") {
				v["territories"] = []any{rapid.SampledFrom(codes).Draw(rt, "territory")}
			}
			if typ != "organization" && rapid.Bool().Draw(rt, "organised") {
				v["organization"] = id(99)
			}
			if typ != "organization" && rapid.Bool().Draw(rt, "related") {
				v["related"] = []any{rapid.SampledFrom([]string{id(1), id(2), id(3)}).Draw(rt, "to")}
			}
			switch typ {
			case "event":
				v["when"] = values{"from": rapid.SampledFrom([]string{"2026-11-20", "2026-12-24T18:00", "2027-01-05"}).Draw(rt, "day")}
			case "news":
				v["body"] = "Lo dice il D.Lgs. 25 luglio 1998, n. 286."
				v["deadlines"] = []any{values{"label": "Domande", "to": rapid.SampledFrom([]string{"2026-11-26", "2027-02-01"}).Draw(rt, "due")}}
			case "article":
				v["body"] = fmt.Sprintf("Testo %d", n)
			case "page":
				v["menu_order"] = n % 3
			case "service":
				v["places"] = []any{values{"address": "Via Uno", "lat": 43.8, "lon": 11.1}}
				v["topics"] = []any{"work"}
				v["languages"] = []any{"it", "bn"}
			case "practice":
				v["topics"] = []any{rapid.SampledFrom([]string{"women", "work"}).Draw(rt, "topic")}
				v["target_groups"] = []any{"families"}
			}
			return v
		}
		steps := rapid.IntRange(1, 4).Draw(rt, "builds")
		for range steps {
			for range rapid.IntRange(1, 3).Draw(rt, "changes") {
				doc := id(rapid.SampledFrom([]int{1, 2, 3, 4, 5, 99}).Draw(rt, "doc"))
				if kind[doc] == "" {
					kind[doc] = rapid.SampledFrom(types).Draw(rt, "type")
					if doc == id(99) {
						kind[doc] = "organization"
					}
				}
				if w.docs[doc] != nil && w.docs[doc].MergedInto != "" {
					continue
				}
				locale := rapid.SampledFrom(locales).Draw(rt, "locale")
				switch what := rapid.SampledFrom([]string{"publish", "publish", "publish", "withdraw", "merge", "day"}).Draw(rt, "what"); {
				case what == "day":
					w.clock = w.clock.AddDate(0, 0, rapid.IntRange(0, 40).Draw(rt, "days"))
				case what == "withdraw" && live[doc][locale] > 0:
					w.withdraw(doc, locale)
					delete(live[doc], locale)
				case what == "merge" && len(live[doc]) > 0 && doc != id(1) && kind[id(1)] == kind[doc] && len(live[id(1)]) > 0:
					w.merge(doc, id(1))
					delete(live, doc)
				case what == "publish":
					if live[doc] == nil {
						live[doc] = map[string]int{}
					}
					live[doc][locale]++
					// Slugs of several documents meet, and change.
					slug := rapid.SampledFrom([]string{"uno", "due", doc[len(doc)-4:]}).Draw(rt, "slug")
					if taken(w, kind[doc], locale, slug, doc) {
						slug = "s-" + doc[len(doc)-3:]
					}
					state := "published"
					if kind[doc] == "practice" && rapid.Bool().Draw(rt, "showcase") {
						state = "showcased"
					}
					w.publishAs(state, kind[doc], doc, locale, slug, fields(kind[doc], doc, live[doc][locale]))
				}
			}
			c := w.catalogue()
			two := func(o *Options) { o.Config.Languages = []string{"it", "ar"} }
			if s == nil {
				s = w.site(c, two)
			}
			before := inc.Current()
			got, report := build(t, s, inc)
			if before != nil {
				if n := len(rendered(before, got)); n != report.Rendered {
					rt.Fatalf("%d pages rendered, %d have other inputs", report.Rendered, n)
				}
			}
			fresh := newStore(t)
			want, _ := build(t, w.site(w.open(), two), fresh)
			sameBuild(rt, got, want)
		}
	})
}

func taken(w *world, typ, locale, slug, but string) bool {
	for _, d := range w.docs {
		if v := d.Variant(locale); v != nil && d.ID != but && d.Type == typ && v.LiveSlug == slug {
			return true
		}
	}
	return false
}

// A change makes exactly the pages anew that show it.
func TestExactlyWhatShowsIt(t *testing.T) {
	w := newWorld(t, small(t))
	w.publish("organization", id(1), "it", "orti", values{"title": "Orti", "territories": []any{"PO"}})
	for i := 2; i < 80; i++ {
		w.publish("article", id(i), "it", fmt.Sprintf("voce-%d", i), values{
			"title": fmt.Sprintf("Voce %d", i), "summary": "Riassunto", "body": "Testo", "territories": []any{"PO"}, "topics": []any{"work"}, "organization": id(1),
		})
	}
	w.publish("news", id(90), "it", "legge", values{"title": "Legge", "body": "Il D.Lgs. 25 luglio 1998, n. 286."})
	only := func(o *Options) { o.Config.Languages = []string{"it", "en"} }
	s, store := w.site(w.catalogue(), only), newStore(t)
	build(t, s, store)
	step := func(name string, change func(), want ...string) {
		t.Helper()
		before := store.Current()
		change()
		w.catalogue()
		after, r := build(t, s, store)
		got := rendered(before, after)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: rendered\n%s\nwanted\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if r.Rendered != len(got) {
			t.Errorf("%s: the report says %d", name, r.Rendered)
		}
	}
	both := func(paths ...string) (out []string) {
		for _, p := range paths {
			out = append(out, "it/"+p, "en/"+p)
		}
		return out
	}
	// Feeds hold the text of the newest 50 items; item 10 is not among them.
	edited := func(i int, change values) func() {
		return func() {
			v := values{"title": fmt.Sprintf("Voce %d", i), "summary": "Riassunto", "body": "Testo", "territories": []any{"PO"}, "topics": []any{"work"}, "organization": id(1)}
			maps.Copy(v, change)
			w.publish("article", id(i), "it", fmt.Sprintf("voce-%d", i), v)
		}
	}
	step("nothing", func() {})
	step("the body of an old item", edited(10, values{"body": "Altro testo"}), both("articles/voce-10/index.html")...)
	step("its title", edited(10, values{"title": "Altro titolo"}), both(
		"articles/voce-10/index.html", "articles/page/1/index.html",
		"territories/toscana/prato/articles/page/1/index.html", "territories/toscana/articles/page/1/index.html", "topics/work/articles/page/1/index.html",
	)...)
	step("a day that concerns nobody", func() { w.clock = w.clock.AddDate(0, 0, 1) }, append(both("index.html", "deadlines/index.html"), "feeds/it/deadlines.ics", "feeds/en/deadlines.ics", "feeds/it/events.ics", "feeds/en/events.ics")...)
}

// The same content gives the same bytes, whatever the history of the catalogue.
func TestReproducible(t *testing.T) {
	w := example(t)
	a, _ := build(t, w.site(w.catalogue()), newStore(t))
	b, _ := build(t, w.site(w.open()), newStore(t))
	sameBuild(t, a, b)
}

// example is a store with something of everything.
func example(t testing.TB) *world {
	w := newWorld(t, small(t))
	w.publish("organization", id(1), "it", "orti-insieme", values{"title": "Orti insieme", "territories": []any{"PO"}, "website": "https://orti.example", "contacts": []any{values{"name": "Segreteria", "email": "a@orti.example", "phone": "+39 0574 000000", "web": "https://orti.example"}}})
	w.publish("organization", id(2), "it", "prefettura-di-prato", values{"title": "Prefettura di Prato", "territories": []any{"PO"}, "organization_type": "prefecture"})
	garden := values{
		"title": "Orti condivisi", "summary": "Famiglie coltivano insieme.", "territories": []any{"PO"}, "topics": []any{"women"}, "organization": id(1),
		"issue": "Un **problema**.", "objectives": "- Uno\n- Due", "people_reached": 240, "target_groups": []any{"families"},
		"activities": []any{values{"title": "Coltivare", "text": "A *coppie*."}}, "budget": values{"amount": "18500.00", "currency": "EUR"}, "period": values{"from": "2016-03-01"},
		"indicators": []any{values{"name": "Donne", "baseline": 18, "target": 50, "value": 57, "unit": "%"}}, "places": []any{values{"label": "Serra", "lat": 43.8777, "lon": 11.1022}},
	}
	w.publish("practice", id(3), "it", "orti-condivisi", garden)
	w.publishAs("showcased", "practice", id(4), "it", "orti-di-milano", values{"title": "Orti di Milano", "territories": []any{"MI"}, "topics": []any{"women"}, "related": []any{id(3)}})
	garden["title"], garden["summary"] = "Shared gardens", "Families grow food together."
	w.publish("practice", id(3), "en", "shared-gardens", garden)
	w.publish("news", id(5), "it", "permessi", values{
		"title": "Permessi di soggiorno", "body": "## Che cosa cambia\n\nIl D.Lgs. 25 luglio 1998, n. 286.", "act": values{"identifier": "urn:nir:stato:decreto.legislativo:1998-07-25;286", "label": "D.Lgs. 286/1998"},
		"deadlines": []any{values{"label": "Domande", "to": "2026-12-31"}, values{"label": "Già passata", "to": "2026-01-31"}},
	})
	desk := values{
		"title": "Sportello", "topics": []any{"work"}, "territories": []any{"PO"}, "languages": []any{"it", "bn"}, "cost": "free", "organization": id(1),
		"places":        []any{values{"address": "Via Uno 1", "lat": 43.88, "lon": 11.09}},
		"opening_hours": []any{values{"days": []any{"mo", "we"}, "opens": "09:00", "closes": "13:00"}, values{"closed": true, "valid_from": "2026-12-24", "valid_to": "2027-01-06"}},
	}
	w.publish("service", id(6), "it", "sportello", desk)
	desk["title"] = "কর্মসংস্থান"
	w.publish("service", id(6), "bn", "sportello", desk)
	w.publish("event", id(7), "it", "festa", values{"title": "Festa", "when": values{"from": "2027-03-21T10:00", "to": "2027-03-21T18:00"}, "territories": []any{"PO"}, "place": values{"label": "Piazza", "lat": 43.88, "lon": 11.09}})
	w.publish("event", id(8), "it", "passato", values{"title": "Passato", "when": values{"from": "2026-03-21"}})
	w.publish("article", id(9), "ar", "kalimat", values{"title": "كلمات", "body": "نص"})
	w.publish("article", id(10), "it", "vecchio", values{"title": "Vecchio", "body": "Testo"})
	w.publish("article", id(10), "it", "nuovo", values{"title": "Nuovo", "body": "Testo"})
	w.publish("article", id(11), "it", "via", values{"title": "Via", "body": "Testo"})
	w.withdraw(id(11), "it")
	w.publish("page", id(12), "it", "chi-siamo", values{"title": "Chi siamo", "body": "Noi.", "menu_order": 1})
	w.publish("article", id(13), "it", "doppione", values{"title": "Doppione", "body": "Testo"})
	w.merge(id(13), id(10))
	return w
}

func TestMapIsGeoJSON(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue()), newStore(t))
	var m struct {
		Type     string
		Features []struct {
			Geometry   struct{ Coordinates []float64 }
			Properties struct{ Title, URL string }
		}
	}
	if err := json.Unmarshal([]byte(file(t, b, "it/services/map.json")), &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Features) != 1 || m.Features[0].Geometry.Coordinates[0] != 11.09 || m.Features[0].Properties.URL != "/it/services/sportello/" {
		t.Errorf("%+v", m)
	}
}

// With the day that a deadline passes, whatever says so is made anew.
func TestADayPasses(t *testing.T) {
	w := example(t)
	s, store := w.site(w.catalogue()), newStore(t)
	before, _ := build(t, s, store)
	w.clock = w.clock.AddDate(0, 2, 0)
	after, _ := build(t, s, store)
	full, _ := build(t, w.site(w.open()), newStore(t))
	sameBuild(t, after, full)
	if got := rendered(before, after); !slices.Contains(got, "it/news/permessi/index.html") || slices.Contains(got, "it/pages/chi-siamo/index.html") {
		t.Errorf("rendered %v", got)
	}
}
