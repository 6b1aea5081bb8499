package duplicates_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/schemas"
)

var system = content.System("test")

type world struct {
	t       *testing.T
	store   *sqlitestore.Store
	service *content.Service
}

func newWorld(t *testing.T) *world {
	store, err := sqlitestore.Open(context.Background(), filepath.Join(t.TempDir(), "prassi.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	service, err := content.New(store, schemas.Default(), content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, store, service}
}

func (w *world) create(typ string, fields map[string]any) *content.Document {
	w.t.Helper()
	if typ != "page" {
		fields["territories"] = []any{"PO"}
	}
	d, err := w.service.Create(context.Background(), system, content.NewVariant{Type: typ, Locale: "it", Fields: fields})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) edit(d *content.Document, fields map[string]any) {
	w.t.Helper()
	if _, err := w.service.Edit(context.Background(), system, d.ID, "it", "*", content.Edit{Fields: fields}); err != nil {
		w.t.Fatal(err)
	}
}

// pairs of a watcher, as "code score" by how far the ids were made apart.
func pairs(t *testing.T, w *duplicates.Watch) []string {
	t.Helper()
	list, err := w.Pairs(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range list {
		for _, r := range p.Reasons {
			out = append(out, r.Code)
		}
	}
	return out
}

// A watcher sees drafts and what becomes of them, also those of other processes;
// one that begins later sees the same.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	at := func(lat float64) []any {
		return []any{map[string]any{"address": "Via Roma 1", "lat": lat, "lon": 11.1}}
	}
	phone := func(n string) []any { return []any{map[string]any{"phone": n}} }
	a := w.create("service", map[string]any{"title": "Casa della donna", "topics": []any{"housing"}, "places": at(43.88), "contacts": phone("0574 123456")})
	watch := duplicates.NewWatch(w.store, schemas.Default())
	check := func(what string, want ...string) {
		t.Helper()
		for i, watcher := range []*duplicates.Watch{watch, duplicates.NewWatch(w.store, schemas.Default())} {
			if got := pairs(t, watcher); !slices.Equal(got, want) {
				t.Errorf("%s: watcher %d finds %v, want %v", what, i, got, want)
			}
		}
	}
	check("one alone")
	b := w.create("service", map[string]any{"title": "Casa delle donne", "topics": []any{"housing"}, "places": at(43.881), "contacts": phone("+39 0574 123456")})
	w.create("page", map[string]any{"title": "Casa della donna"})
	check("two", duplicates.SamePhone, duplicates.SameNameNear)
	w.edit(b, map[string]any{"places": at(44.5)})
	check("moved away", duplicates.SamePhone)
	w.edit(b, map[string]any{"contacts": nil})
	check("without a number")
	w.edit(b, map[string]any{"places": at(43.881)})
	check("back again", duplicates.SameNameNear)
	w.edit(b, map[string]any{"sensitive": true})
	check("sensitive, without a municipality")
	w.edit(b, map[string]any{"sensitive": false})
	check("sensitive until that is published")
	if err := w.service.Discard(context.Background(), system, b.ID, "*"); err != nil {
		t.Fatal(err)
	}
	check("thrown away")

	one := w.create("organization", map[string]any{"title": "Orti", "tax_code": "01533080675"})
	two := w.create("organization", map[string]any{"title": "Riva", "tax_code": "01533080675"})
	check("of one tax code", duplicates.SameTaxCode)
	want := []string{min(one.ID, two.ID), max(one.ID, two.ID)}
	if got, err := watch.WithTaxCode(context.Background(), "organization", "IT 01533080675"); err != nil || !slices.Equal(got, want) {
		t.Errorf("by tax code: %v, %v", got, err)
	}
	for _, code := range []string{"", "x", "01533080676"} {
		if got, _ := watch.WithTaxCode(context.Background(), "organization", code); len(got) > 0 {
			t.Errorf("%q: %v", code, got)
		}
	}
	if l, err := watch.Likeness(context.Background(), two.ID, one.ID); err != nil || l == nil || l.Score != 0.9 {
		t.Errorf("likeness %+v, %v", l, err)
	}
	if l, err := watch.Likeness(context.Background(), a.ID, one.ID); err != nil || l != nil {
		t.Errorf("likeness of strangers %+v, %v", l, err)
	}
	all := map[string]string{"*": "*"}
	if _, err := w.service.Merge(context.Background(), system, content.Merge{Keep: one.ID, Gone: two.ID, KeepETags: all, GoneETags: all}); err != nil {
		t.Fatal(err)
	}
	check("merged")
}

// Of many documents all are read, whatever the size of a page.
func TestWatchReadsAll(t *testing.T) {
	w := newWorld(t)
	var batch []content.Incoming
	for i := range 1203 {
		batch = append(batch, content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Fields: map[string]any{
			"title": fmt.Sprintf("Nome%d", i), "topics": []any{"work"}, "contacts": []any{map[string]any{"phone": fmt.Sprintf("0574 %06d", i/2)}},
		}}}})
	}
	watch := duplicates.NewWatch(w.store, schemas.Default())
	pairs(t, watch)
	if _, err := w.service.Import(context.Background(), system, batch, false); err != nil {
		t.Fatal(err)
	}
	for i, watcher := range []*duplicates.Watch{watch, duplicates.NewWatch(w.store, schemas.Default())} {
		if got := pairs(t, watcher); len(got) != 601 {
			t.Errorf("watcher %d finds %d pairs", i, len(got))
		}
	}
}

// A store that was restored from a copy has a shorter log, and is read anew.
func TestWatchOfARestoredStore(t *testing.T) {
	w := newWorld(t)
	f := map[string]any{"title": "Casa", "topics": []any{"work"}, "contacts": []any{map[string]any{"phone": "0574 123456"}}}
	w.create("service", f)
	w.create("service", f)
	source := &swapped{w.store}
	watch := duplicates.NewWatch(source, schemas.Default())
	if got := pairs(t, watch); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	source.Source = newWorld(t).store
	if got := pairs(t, watch); len(got) != 0 {
		t.Errorf("what is no longer there is found: %v", got)
	}
}

type swapped struct{ duplicates.Source }

// The ledger tells who dismissed a pair first, and who took it back.
func TestDismiss(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	ledger := audit.New(w.store, nil)
	by := func(id string) content.Actor { return content.Actor{ID: id, Via: "test"} }
	dismissed := func(a, b string) string {
		t.Helper()
		find, err := duplicates.Dismissed(ctx, ledger)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := find(a, b)
		if ok != (d.By != "") {
			t.Errorf("%+v, %v", d, ok)
		}
		return d.By
	}
	for i, who := range []string{"person:a", "person:b"} {
		if err := duplicates.Dismiss(ctx, ledger, []string{"y", "x"}[i], []string{"x", "y"}[i], by(who), duplicates.Dismissal{By: who, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if dismissed("x", "y") != "person:a" || dismissed("y", "x") != "person:a" || dismissed("x", "z") != "" {
		t.Errorf("dismissed by %q", dismissed("x", "y"))
	}
	for range 2 {
		if err := duplicates.Restore(ctx, ledger, "y", "x", by("person:c")); err != nil {
			t.Fatal(err)
		}
	}
	if dismissed("x", "y") != "" {
		t.Error("what was taken back is dismissed")
	}
	entries, err := ledger.Entries(ctx, "not_duplicates:x+y", 0, 10)
	var told []string
	for _, e := range entries {
		told = append(told, e.Actor+" "+e.Action)
	}
	if want := []string{"person:a duplicate_dismissed", "person:c duplicate_restored"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("told %v, %v", told, err)
	}
	if err := duplicates.Dismiss(ctx, ledger, "p", "q", content.Actor{}, duplicates.Dismissal{}); err == nil || dismissed("p", "q") != "" {
		t.Errorf("nobody dismissed a pair: %v", err)
	}
}
