package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// preview is the long JSON of the newest revision of a variant.
func preview(t *testing.T, w *world, c *Catalog, id, locale string) []byte {
	t.Helper()
	b, err := c.Preview(context.Background(), id, locale, w.docs[id].Variant(locale).Latest.Hash)
	if err != nil {
		t.Fatalf("%s in %s: %v", id, locale, err)
	}
	return b
}

// What is previewed is what publishing gives, to the byte, and nobody who reads the
// catalogue learns of it.
func TestPreview(t *testing.T) {
	w := newWorld(t)
	w.publish("organization", "o", "it", "ente", values{"title": "Ente"})
	w.publish("article", "a", "it", "racconto", values{"title": "Racconto", "body": "Primo"})
	w.publish("article", "a", "en", "story", values{"title": "Story", "body": "First"})
	c := w.open(t.TempDir())
	next := values{"title": "Racconto nuovo", "body": "# Capo\n\nSecondo **testo**", "territories": []string{"MI"}}
	w.edit("article", "a", "it", "racconto-nuovo", next)
	before := dump(t, c)
	got := preview(t, w, c, "a", "it")
	w.catchUp(c)
	sameState(t, dump(t, c), before)
	if c.Get("articles", "racconto-nuovo", "it").Outcome != NotFound {
		t.Error("the draft's address is known")
	}
	// Publishing that very revision.
	w.change("article", "a", "it", func(d *content.Document, v *content.Variant) (*content.Revision, content.Event) {
		v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
		v.Live, v.LiveSlug, v.LiveUpdatedAt = v.Latest, v.Slug, v.UpdatedAt
		d.LiveShared = v.Latest
		return nil, content.Event{Kind: content.EventTransition, Effect: content.EffectPublished}
	})
	w.catchUp(c)
	if want := must(c.Get("articles", "racconto-nuovo", "it").Entry.AppendTo(nil, Identity)); !bytes.Equal(got, want) {
		t.Errorf("previewed\n%s\npublished\n%s", got, want)
	}
	// What was never published has a date, a slug and the other languages.
	w.edit("article", "a", "fr", "recit", values{"title": "Récit", "body": "Non publié"})
	var v values
	if err := json.Unmarshal(preview(t, w, c, "a", "fr"), &v); err != nil || v["slug"] != "recit" || v["published_at"] == "0001-01-01T00:00:00Z" || len(v["alternates"].([]any)) != 2 {
		t.Errorf("%v %v", v, err)
	}
	if a := c.Variants("a"); len(a) != 2 {
		t.Errorf("%d variants are public", len(a))
	}
}

// A revision is shown of the variant that it belongs to, and of nothing else.
func TestPreviewPinned(t *testing.T) {
	w := newWorld(t)
	w.edit("article", "a", "it", "a", values{"title": "A", "body": "x"})
	w.edit("article", "b", "it", "b", values{"title": "B", "body": "x"})
	w.edit("article", "b", "en", "b", values{"title": "B", "body": "x"})
	c := w.open(t.TempDir())
	of := func(id, locale string) string { return w.docs[id].Variant(locale).Latest.Hash }
	for _, x := range [][3]string{{"a", "it", of("b", "it")}, {"b", "it", of("b", "en")}, {"b", "fr", of("b", "en")}, {"x", "it", of("a", "it")}, {"a", "it", ""}, {"a", "it", "0000"}} {
		if b, err := c.Preview(context.Background(), x[0], x[1], x[2]); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("%v: %s %v", x, b, err)
		}
	}
	w.edit("article", "c", "it", "c", values{"title": "C", "body": "x"})
	w.tell("c", content.EventDiscarded, content.EffectNone, func(d *content.Document) { d.Discarded = true })
	if b, err := c.Preview(context.Background(), "c", "it", of("c", "it")); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("thrown away: %s %v", b, err)
	}
	first := of("a", "it")
	w.edit("article", "a", "it", "a", values{"title": "A later", "body": "x"})
	if b, err := c.Preview(context.Background(), "a", "it", first); err != nil || !bytes.Contains(b, []byte(`"title":"A"`)) {
		t.Errorf("%s %v", b, err)
	}
}

// Where a sensitive document's places are is said by no preview: not by that of a
// draft, not by that of an old revision, and not of places that are no more.
func TestPreviewSensitive(t *testing.T) {
	w := newWorld(t)
	secret := func(sensitive bool, body, street string) values {
		v := values{"title": "Rifugio", "summary": body, "territories": []string{"MI"}, "topics": []string{"housing"}, "languages": []string{"bn"}, "places": []any{
			values{"address": street, "municipality": "015146", "lat": 45.471234, "lon": 9.181234},
		}}
		if sensitive {
			v["sensitive"] = true
		}
		return v
	}
	w.edit("service", "s", "it", "rifugio", secret(true, "Aperto sempre", "Via Nascosta 17"))
	first := w.docs["s"].Variant("it").Latest.Hash
	w.tell("s", content.EventSensitive, content.EffectNone, func(d *content.Document) { d.Sensitive = true })
	w.edit("service", "s", "it", "rifugio", secret(true, "Prima in Via Nascosta 17, ora altrove", "Vicolo Cieco 3"))
	w.edit("service", "s", "en", "shelter", secret(true, "Once in Via Nascosta 17, now Vicolo Cieco 3", "Vicolo Cieco 3"))
	w.publish("service", "p", "it", "poi", secret(true, "x", "Via Nascosta 17"))
	old := w.docs["p"].Variant("it").Latest.Hash
	w.publish("service", "p", "it", "poi", secret(false, "x", "Piazza 1"))
	c := w.open(t.TempDir())
	for what, get := range map[string]func() ([]byte, error){
		"draft":       func() ([]byte, error) { return preview(t, w, c, "s", "en"), nil },
		"first":       func() ([]byte, error) { return c.Preview(context.Background(), "s", "it", first) },
		"no longer":   func() ([]byte, error) { return c.Preview(context.Background(), "p", "it", old) },
		"second text": func() ([]byte, error) { return preview(t, w, c, "s", "it"), nil },
	} {
		b, err := get()
		if err != nil || len(b) == 0 {
			t.Fatalf("%s: %v", what, err)
		}
		for _, s := range []string{"Nascosta", "Vicolo Cieco", "45.471234"} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s says %s: %s", what, s, b)
			}
		}
	}
}

// What was hidden for its age, or went for another document, can be looked at.
func TestPreviewHidden(t *testing.T) {
	w := newWorld(t)
	w.publish("service", "s", "it", "sportello", placed("Sportello"))
	w.tell("s", content.EventAged, content.EffectWithdrawn, func(d *content.Document) {
		d.Assured = &content.Assurance{On: "2024-01-01", Stage: schemas.StageHidden}
		d.MergedInto = "t"
	})
	c := w.open(t.TempDir())
	if b := preview(t, w, c, "s", "it"); !bytes.Contains(b, []byte(`"title":"Sportello"`)) {
		t.Errorf("%s", b)
	}
	if c.Get("services", "sportello", "it").Outcome == Found {
		t.Error("it is public")
	}
}
