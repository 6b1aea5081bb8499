package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// tell writes a fact of a document that lies in no revision, with an event for
// each live variant.
func (w *world) tell(id string, kind content.EventKind, effect content.Effect, f func(*content.Document)) {
	w.t.Helper()
	told := false
	for _, v := range w.docs[id].Variants {
		if v.Live.IsZero() {
			continue
		}
		told = true
		w.change(w.docs[id].Type, id, v.Locale, func(d *content.Document, _ *content.Variant) (*content.Revision, content.Event) {
			f(d)
			return nil, content.Event{Kind: kind, Effect: effect}
		})
	}
	if !told {
		w.change(w.docs[id].Type, id, "it", func(d *content.Document, _ *content.Variant) (*content.Revision, content.Event) {
			f(d)
			return nil, content.Event{Kind: kind}
		})
	}
}

func (w *world) assure(id, on string, stage schemas.Stage) {
	w.t.Helper()
	effect := content.EffectPublished
	if stage == schemas.StageHidden {
		effect = content.EffectWithdrawn
	}
	w.tell(id, content.EventAged, effect, func(d *content.Document) {
		d.Assured = &content.Assurance{On: on, By: "controllore", Stage: stage}
	})
}

// merge is what content.Service.Merge leaves: the variants of the one that goes
// are withdrawn, and it says where it went.
func (w *world) merge(gone, keep string) {
	w.t.Helper()
	for _, v := range w.docs[gone].Variants {
		if !v.Live.IsZero() {
			w.withdraw(gone, v.Locale)
		}
	}
	w.tell(gone, content.EventMerged, content.EffectNone, func(d *content.Document) { d.MergedInto = keep })
}

func placed(title string) values {
	return values{"title": title, "topics": []string{"work"}, "places": []any{values{"address": "Via dei Test 1", "municipality": "015146", "lat": 45.4642, "lon": 9.19}}}
}

func TestAssurance(t *testing.T) {
	w := newWorld(t)
	w.publish("service", "s", "it", "sportello", placed("Sportello"))
	w.publish("service", "s", "en", "desk", placed("Desk"))
	w.publish("service", "n", "it", "nuovo", placed("Nuovo"))
	w.publish("article", "a", "it", "a", values{"title": "A", "body": "x"})
	c := w.open(t.TempDir())
	check := func(what string, want any) {
		t.Helper()
		w.catchUp(c)
		if got := item(t, c, "services", "sportello", "it")["assurance"]; !same(got, want) {
			t.Errorf("%s: item %v", what, got)
		}
		var short values
		if err := json.Unmarshal(c.Variants("s")[0].AppendSummary(nil), &short); err != nil || !same(short["assurance"], want) {
			t.Errorf("%s: list %v %v", what, short["assurance"], err)
		}
		b, err := c.GeoJSON(Query{Locale: "en"}, nil)
		if wanted, _ := json.Marshal(want); err != nil || !bytes.Contains(b, append([]byte(`"assurance":`), wanted...)) {
			t.Errorf("%s: %s", what, b)
		}
		w.verified(c)
	}
	unverified := values{"status": "unverified"}
	check("never", unverified)
	w.assure("s", "2026-03-02", schemas.StageCurrent)
	check("confirmed", values{"date": "2026-03-02", "status": "current"})
	if got, _ := list(t, c, Query{Collection: "services", Assured: "current"}); !slices.Equal(got, []string{"sportello"}) {
		t.Errorf("current: %v", got)
	}
	if got, _ := list(t, c, Query{Collection: "services", Assured: "unverified"}); !slices.Equal(got, []string{"nuovo"}) {
		t.Errorf("unverified: %v", got)
	}
	if e := c.Variants("s")[1]; e.AssuredOn() != "2026-03-02" || e.Stage() != schemas.StageCurrent {
		t.Error(e.AssuredOn(), e.Stage())
	}
	if e := c.Variants("n")[0]; e.AssuredOn() != "" || e.Stage() != schemas.StageUnverified {
		t.Error(e.AssuredOn(), e.Stage())
	}
	if e := c.Variants("a")[0]; e.AssuredOn() != "" || e.Stage() != schemas.StageCurrent {
		t.Error("an article does not age")
	}
	tag := c.Get("services", "sportello", "it").Entry.ETag(Identity)
	w.assure("s", "2025-01-02", schemas.StageUnverified)
	check("aged", values{"date": "2025-01-02", "status": "unverified"})
	if e := c.Variants("s")[0]; e.ETag(Identity) == tag || e.Stage() != schemas.StageUnverified {
		t.Error("the label did not change the item")
	}
	if _, has := item(t, c, "articles", "a", "it")["assurance"]; has {
		t.Error("an article has an assurance")
	}
	if bytes.Contains(must(c.Variants("s")[0].AppendTo(nil, Identity)), []byte("controllore")) {
		t.Error("it says who confirmed")
	}
}

func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// What nobody confirms is gone, and comes back as it was.
func TestHidden(t *testing.T) {
	w := newWorld(t)
	w.publish("service", "s", "it", "prima", placed("Sportello"))
	w.publish("service", "s", "it", "sportello", placed("Sportello"))
	w.publish("service", "s", "en", "desk", placed("Desk"))
	w.publish("article", "a", "it", "a", values{"title": "A", "body": "x", "related": []string{"s"}})
	dir := t.TempDir()
	c := w.open(dir)
	w.assure("s", "2024-01-02", schemas.StageHidden)
	w.catchUp(c)
	gone := func() {
		t.Helper()
		for _, slug := range []string{"prima", "sportello", "desk"} {
			for _, locale := range []string{"", "it", "en"} {
				if a := c.Get("services", slug, locale); a.Outcome != Gone {
					t.Errorf("%s in %q: %+v", slug, locale, a)
				}
			}
		}
		if got, p := list(t, c, Query{Collection: "services"}); len(got) != 0 || p.Total != 0 {
			t.Errorf("list: %v", got)
		}
		if b, err := c.GeoJSON(Query{}, nil); err != nil || string(b) != `{"type":"FeatureCollection","features":[]}` {
			t.Errorf("%s %v", b, err)
		}
		if c.Variants("s") != nil {
			t.Error("it has variants")
		}
		if _, ok := c.ByID("s", "it"); ok {
			t.Error("it is found by its id")
		}
		for e := range c.All() {
			if e.ID() == "s" || bytes.Contains(must(e.AppendTo(nil, Identity)), []byte("sportello")) {
				t.Errorf("%s shows it", e.ID())
			}
		}
		changes, _ := c.Changes(0, 0)
		for _, x := range changes {
			if x.ID == "s" && x.Effect != content.EffectWithdrawn {
				t.Errorf("%+v", x)
			}
		}
		if n := c.Stats().Unrendered; n != 0 {
			t.Errorf("%d are told to be missing", n)
		}
		w.verified(c)
	}
	gone()
	c.Close()
	c = w.open(dir) // what was stored says the same
	gone()
	// It is edited meanwhile, and even published: it stays away until it is assured.
	w.publish("service", "s", "en", "desk", placed("Help desk"))
	w.catchUp(c)
	gone()
	w.assure("s", "2026-03-03", schemas.StageCurrent)
	w.catchUp(c)
	if a := c.Get("services", "prima", "it"); a.Outcome != Moved || a.To != "/api/v1/services/sportello?locale=it" {
		t.Errorf("%+v", a)
	}
	if v := item(t, c, "services", "desk", "en"); v["title"] != "Help desk" {
		t.Errorf("%v", v["title"])
	}
	if v := item(t, c, "articles", "a", "it"); at(v, "fields.related.0.slug") != "sportello" {
		t.Errorf("%v", v["fields"])
	}
	w.verified(c)
}

func TestMerged(t *testing.T) {
	w := newWorld(t)
	w.publish("organization", "keep", "it", "casa-dei-popoli", values{"title": "Casa dei Popoli"})
	w.publish("organization", "keep", "fr", "maison-des-peuples", values{"title": "Maison des Peuples"})
	w.publish("organization", "gone", "it", "casa-popoli-vecchia", values{"title": "Casa popoli"})
	w.publish("organization", "gone", "it", "casa-popoli", values{"title": "Casa popoli"})
	w.publish("organization", "gone", "en", "house-of-peoples", values{"title": "House of Peoples"})
	w.publish("article", "a", "it", "a", values{"title": "A", "body": "x", "organization": "gone"})
	w.publish("article", "b", "fr", "b", values{"title": "B", "body": "x", "organization": "gone"})
	w.edit("organization", "draft", "it", "bozza", values{"title": "Bozza"})
	w.publish("article", "d", "it", "d", values{"title": "D", "body": "x", "organization": "draft"})
	dir := t.TempDir()
	c := w.open(dir)
	w.merge("gone", "keep")
	w.merge("draft", "keep") // that was never public, and somebody refers to it
	w.catchUp(c)
	it, fr := "/api/v1/organizations/casa-dei-popoli?locale=it", "/api/v1/organizations/maison-des-peuples?locale=fr"
	check := func() {
		t.Helper()
		for _, x := range []struct{ slug, locale, to string }{
			{"casa-popoli", "it", it}, {"casa-popoli", "", it}, {"casa-popoli", "fr", fr}, {"casa-popoli", "en", it},
			{"casa-popoli-vecchia", "it", it}, {"house-of-peoples", "en", it}, {"house-of-peoples", "", it}, {"house-of-peoples", "fr", fr},
		} {
			if a := c.Get("organizations", x.slug, x.locale); a.Outcome != Moved || a.To != x.to {
				t.Errorf("%s in %q: %+v", x.slug, x.locale, a)
			}
		}
		for slug, want := range map[string]string{"a": "casa-dei-popoli", "d": "casa-dei-popoli"} {
			v := item(t, c, "articles", slug, "it")
			if at(v, "organization.slug") != want || at(v, "organization.id") != "keep" || at(v, "fields.organization.url") != it {
				t.Errorf("%s shows %v", slug, v["organization"])
			}
		}
		if v := item(t, c, "articles", "b", "fr"); at(v, "organization.title") != "Maison des Peuples" {
			t.Errorf("%v", v["organization"])
		}
		for _, org := range []string{"keep", "gone", "casa-popoli", "house-of-peoples", "maison-des-peuples"} {
			if got, _ := list(t, c, Query{Collection: "articles", Organization: []string{org}, Sort: "title"}); !slices.Equal(got, []string{"a", "b", "d"}) {
				t.Errorf("of %s: %v", org, got)
			}
		}
		if got, _ := list(t, c, Query{Collection: "organizations"}); !slices.Equal(got, []string{"casa-dei-popoli"}) {
			t.Errorf("list: %v", got)
		}
		if c.Variants("gone") != nil || c.Variants("draft") != nil {
			t.Error("it has variants")
		}
		w.verified(c)
	}
	check()
	c.Close()
	c = w.open(dir)
	check()
	// What shows it follows what happens to the one that stays, and to a further merge.
	w.publish("organization", "keep", "it", "casa", values{"title": "Casa"})
	w.catchUp(c)
	if v := item(t, c, "articles", "a", "it"); at(v, "organization.title") != "Casa" {
		t.Errorf("%v", v["organization"])
	}
	w.publish("organization", "last", "it", "ultima", values{"title": "Ultima"})
	w.merge("keep", "last")
	w.catchUp(c)
	for _, slug := range []string{"casa-popoli", "casa", "casa-dei-popoli", "maison-des-peuples", "house-of-peoples"} {
		if a := c.Get("organizations", slug, ""); a.Outcome != Moved || a.To != "/api/v1/organizations/ultima?locale=it" {
			t.Errorf("%s: %+v", slug, a)
		}
	}
	if v := item(t, c, "articles", "a", "it"); at(v, "organization.title") != "Ultima" {
		t.Errorf("%v", v["organization"])
	}
	w.verified(c)
	w.withdraw("last", "it")
	w.catchUp(c)
	if a := c.Get("organizations", "casa-popoli", "it"); a.Outcome != Gone {
		t.Errorf("%+v", a)
	}
	if v := item(t, c, "articles", "a", "it"); v["organization"] != nil {
		t.Errorf("%v", v["organization"])
	}
	w.verified(c)
}

// A circle, which the rules do not let come about, ends all the same.
func TestMergedInACircle(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"x", "y"} {
		w.publish("organization", id, "it", id, values{"title": id})
	}
	w.publish("article", "a", "it", "a", values{"title": "A", "body": "x", "organization": "x"})
	c := w.open(t.TempDir())
	w.merge("x", "y")
	w.merge("y", "x")
	w.catchUp(c)
	if a := c.Get("organizations", "x", "it"); a.Outcome != Gone {
		t.Errorf("%+v", a)
	}
	w.verified(c)
}

// Whatever the public can read of a sensitive document says its municipality and
// no more.
func TestSensitive(t *testing.T) {
	w := newWorld(t)
	secret := func(title string, sensitive bool) values {
		v := values{"title": title, "summary": "Un rifugio", "territories": []string{"MI"}, "topics": []string{"housing"}, "languages": []string{"bn"}, "places": []any{
			values{"label": "Casa Rifugio", "address": "Via Nascosta 17", "municipality": "015146", "lat": 45.471234, "lon": 9.181234},
			values{"label": "Ufficio", "address": "Vicolo Cieco 3", "municipality": "015146", "lat": 45.481234, "lon": 9.191234},
		}, "hsds": values{"id": "x", "locations": []any{values{"latitude": 45.471234, "address_1": "Via Nascosta 17"}}}}
		if sensitive {
			v["sensitive"] = true
		}
		return v
	}
	w.publish("service", "s", "it", "rifugio", secret("Rifugio", true))
	w.tell("s", content.EventSensitive, content.EffectPublished, func(d *content.Document) { d.Sensitive = true })
	w.publish("service", "s", "en", "shelter", secret("Shelter", true))
	w.publish("service", "o", "it", "aperto", placed("Aperto"))
	w.publish("article", "a", "it", "a", values{"title": "A", "body": "x", "related": []string{"s"}})
	dir := t.TempDir()
	c := w.open(dir)
	hidden := []string{"Nascosta", "Vicolo Cieco", "Casa Rifugio", "Ufficio", "45.471234", "9.181234", "45.481234", "9.191234"}
	silent := func(c *Catalog) {
		t.Helper()
		for what, b := range everyByte(t, c) {
			for _, s := range hidden {
				if bytes.Contains(b, []byte(s)) {
					t.Errorf("%s says %q", what, s)
				}
			}
		}
		v := item(t, c, "services", "rifugio", "it")
		for path, want := range map[string]any{
			"fields.places.0.municipality": "015146", "fields.places.0.lat": 45.4, "fields.places.0.lon": 9.1, "fields.places.0.approximate": true,
			"fields.places.1": nil, "fields.hsds": nil, "fields.languages.0": "bn", "fields.sensitive": true,
		} {
			if got := at(v, path); got != want {
				t.Errorf("%s = %v, want %v", path, got, want)
			}
		}
		w.verified(c)
	}
	silent(c)
	if file, err := os.ReadFile(filepath.Join(dir, segmentName)); err != nil || bytes.Contains(file, []byte("Nascosta")) {
		t.Errorf("the file says it (%v)", err)
	}
	if !c.Variants("s")[0].Sensitive() || c.Variants("o")[0].Sensitive() {
		t.Error("the entries do not tell")
	}
	// It is on the map where its municipality is, and is found there alone.
	b, err := c.GeoJSON(Query{Near: &Point{Lat: 45.4, Lon: 9.1}, RadiusMetres: 100}, nil)
	if f := featuresOf(t, b, err); len(f) != 1 || !f[0].Properties.Sensitive || !f[0].Properties.Approximate {
		t.Errorf("%s", b)
	}
	if got, _ := list(t, c, Query{Collection: "services", Near: &Point{Lat: 45.471234, Lon: 9.181234}, RadiusMetres: 500}); len(got) != 0 {
		t.Errorf("found where it is: %v", got)
	}
	// A public service is declared sensitive: what is live says nothing of it yet.
	w.publish("service", "p", "it", "poi", secret("Poi", false))
	w.catchUp(c)
	if places := at(item(t, c, "services", "poi", "it"), "fields.places"); !strings.Contains(fmt.Sprint(places), "Nascosta") {
		t.Errorf("%v", places)
	}
	w.tell("p", content.EventSensitive, content.EffectPublished, func(d *content.Document) { d.Sensitive = true })
	w.catchUp(c)
	silent(c)
	if v := item(t, c, "services", "poi", "it"); at(v, "fields.sensitive") != true {
		t.Errorf("%v", v["fields"])
	}
	// And taken back.
	w.tell("p", content.EventSensitive, content.EffectPublished, func(d *content.Document) { d.Sensitive = false })
	w.catchUp(c)
	if v := item(t, c, "services", "poi", "it"); at(v, "fields.places.0.address") != "Via Nascosta 17" {
		t.Errorf("%v", v["fields"])
	}
	w.verified(c)
}

// everyByte is all that a catalogue tells anybody.
func everyByte(t *testing.T, c *Catalog) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for e := range c.All() {
		name := e.ID() + " in " + e.Locale()
		out[name] = must(e.AppendTo(nil, Identity))
		out[name+", short"] = e.AppendSummary(nil)
		var record encoder
		e.v.rec.encode(&record)
		out[name+", record"] = record.b
	}
	for _, collection := range []string{"services", "organizations", "practices", "events"} {
		q := Query{Collection: collection}
		m, err := c.Map(q)
		if err != nil {
			t.Fatal(err)
		}
		var table bytes.Buffer
		if err := m.WriteCSV(&table, ""); err != nil {
			t.Fatal(err)
		}
		out[collection+".csv"] = table.Bytes()
		for zoom := range MaxZoom + 1 {
			out[fmt.Sprint(collection, ".geojson at ", zoom)] = m.AppendClusters(nil, zoom)
		}
	}
	changes, _ := c.Changes(0, 0)
	out["changes"] = canonical(t, changes)
	return out
}
