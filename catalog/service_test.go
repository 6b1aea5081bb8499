package catalog

import (
	"context"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// What content.Service writes is what the catalogue expects.
func TestWithService(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	service, err := content.New(w.store, w.reg, content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	editor := content.Actor{ID: "redazione", Grants: []content.Grant{{Role: "editor"}}}
	written := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	results, err := service.Import(ctx, editor, []content.Incoming{{Type: "article", Variants: []content.IncomingVariant{
		{Locale: "it", Slug: "racconto", Fields: values{"title": "Racconto", "body": "Testo"}, Publish: true, PublishedAt: written, UpdatedAt: written},
		{Locale: "en", Slug: "story", Fields: values{"title": "Story", "body": "Text"}, Publish: true},
	}}}, false)
	if err != nil || len(results) != 2 || results[0].Problem != nil || results[1].Problem != nil {
		t.Fatalf("%+v %v", results, err)
	}
	id := results[0].Document
	c := w.open(t.TempDir())
	dates := func() {
		t.Helper()
		if e := c.Get("articles", "racconto", "it").Entry; !e.PublishedAt().Equal(written) || !e.UpdatedAt().Equal(written) {
			t.Errorf("published %s, updated %s", e.PublishedAt(), e.UpdatedAt())
		}
		if found, err := c.Verify(ctx, nil); err != nil || len(found) > 0 {
			t.Errorf("%+v %v", found, err)
		}
	}
	dates()
	if _, err := service.Edit(ctx, editor, id, "it", "*", content.Edit{Fields: values{"title": "Bozza"}, Slug: "bozza"}); err != nil {
		t.Fatal(err)
	}
	w.catchUp(c)
	dates() // the draft's date is not the public's
	if c.Get("articles", "bozza", "").Outcome != NotFound {
		t.Error("a draft is public")
	}
	step := func(name string) {
		t.Helper()
		if _, err := service.Transition(ctx, editor, id, "it", "*", content.Step{Name: name}); err != nil {
			t.Fatal(err)
		}
		w.catchUp(c)
	}
	step("publish")
	if a := c.Get("articles", "racconto", "it"); a.Outcome != Moved || a.To != "/api/v1/articles/bozza?locale=it" {
		t.Errorf("%+v", a)
	}
	step("withdraw")
	for _, slug := range []string{"racconto", "bozza"} {
		if a := c.Get("articles", slug, "it"); a.Outcome != Gone {
			t.Errorf("%s: %+v", slug, a)
		}
	}
	w.verified(c)
}
