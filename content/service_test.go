package content_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

var ctx = context.Background()

// desk is a service on a real store, with a clock that tests turn.
type desk struct {
	*content.Service
	t     *testing.T
	store content.Store
	mu    sync.Mutex
	time  time.Time
}

func (d *desk) now() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.time }
func (d *desk) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.time = t
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	d := &desk{t: t, store: store, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	d.Service, err = content.New(store, schemas.Default(), content.Options{Clock: d.now})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func person(id string, grants ...string) content.Actor {
	a := content.Actor{ID: "person:" + id, Name: id}
	for _, g := range grants {
		grant, err := content.ParseGrant(g, schemas.Default().Territories())
		if err != nil {
			panic(err)
		}
		a.Grants = append(a.Grants, grant)
	}
	return a
}

var (
	amina    = person("amina", "contributor@orti-insieme")
	bruno    = person("bruno", "contributor@altra-riva")
	rita     = person("rita", "reviewer@PO")
	marco    = person("marco", "reviewer@MI")
	sara     = person("sara", "secretary@PO")
	elena    = person("elena", "editor")
	yusuf    = person("yusuf", "translator@ar")
	director = person("director", "administrator")
)

func practice() map[string]any {
	return map[string]any{
		"title": "Orti condivisi", "summary": "Famiglie di dieci paesi coltivano insieme.",
		"territories": []any{"PO"}, "topics": []any{"participation-volunteering"},
		"issue": "Il quartiere non aveva luoghi di incontro.", "objectives": "Far incontrare le persone.",
		"activities": []any{map[string]any{"title": "Semina", "text": "Ogni **sabato**."}},
		"results":    "Quaranta famiglie coltivano.",
	}
}

func (d *desk) create(a content.Actor, in content.NewVariant) *content.Document {
	d.t.Helper()
	doc, err := d.Create(ctx, a, in)
	if err != nil {
		d.t.Fatalf("create: %v", describe(err))
	}
	return doc
}

func (d *desk) step(a content.Actor, doc *content.Document, locale, name string) *content.Document {
	d.t.Helper()
	out, err := d.Transition(ctx, a, doc.ID, locale, doc.ETag(locale), content.Step{Name: name, Comment: "ok"})
	if err != nil {
		d.t.Fatalf("%s by %s: %v", name, a.ID, describe(err))
	}
	return out
}

func (d *desk) edit(a content.Actor, doc *content.Document, locale string, fields map[string]any) *content.Document {
	d.t.Helper()
	out, err := d.Edit(ctx, a, doc.ID, locale, doc.ETag(locale), content.Edit{Fields: fields})
	if err != nil {
		d.t.Fatalf("edit by %s: %v", a.ID, describe(err))
	}
	return out
}

func describe(err error) string {
	var p *content.Problem
	if errors.As(err, &p) {
		return fmt.Sprintf("%v %+v", err, p.Fields)
	}
	return err.Error()
}

func wantCode(t *testing.T, err error, class content.Class, code string) {
	t.Helper()
	var p *content.Problem
	if !errors.As(err, &p) || p.Class != class || p.Code != code {
		t.Errorf("got %v, want %s %s", err, class, code)
	}
}

func wantField(t *testing.T, err error, path, code string) {
	t.Helper()
	var p *content.Problem
	if !errors.As(err, &p) || !slices.ContainsFunc(p.Fields, func(i schemas.Issue) bool { return i.Path == path && i.Code == code }) {
		t.Errorf("got %v, want field %s %s", describe(err), path, code)
	}
}

func (d *desk) variant(doc *content.Document, locale string) content.Variant {
	d.t.Helper()
	got, err := d.store.Get(ctx, doc.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return *got.Variant(locale)
}

func (d *desk) clean() {
	d.t.Helper()
	r, err := d.Verify(ctx)
	if err != nil || len(r.Faults) > 0 {
		d.t.Errorf("verify: %v %+v", err, r.Faults)
	}
}

func TestPracticeFromDraftToShowcase(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	v := doc.Variant("it")
	if v.State != "draft" || v.Slug != "orti-condivisi" || doc.Owner != "orti-insieme" || v.Latest.Number != 1 {
		t.Fatalf("began as %+v", v)
	}
	// In the drawer only its owners and the newsroom see it.
	for _, a := range []content.Actor{{}, bruno, rita, marco, yusuf} {
		if _, err := d.Get(ctx, a, doc.ID); err == nil {
			t.Errorf("%q sees a draft", a.ID)
		}
	}
	doc = d.step(amina, doc, "it", "submit")
	if _, err := d.Get(ctx, rita, doc.ID); err != nil {
		t.Errorf("the council of Prato does not see it: %v", err)
	}
	if _, err := d.Get(ctx, marco, doc.ID); err == nil {
		t.Error("the council of Milano sees a practice of Prato")
	}
	_, err := d.Edit(ctx, amina, doc.ID, "it", doc.ETag("it"), content.Edit{Fields: map[string]any{"title": "X"}})
	wantCode(t, err, content.Conflict, "not_editable")
	_, err = d.Transition(ctx, amina, doc.ID, "it", doc.ETag("it"), content.Step{Name: "endorse"})
	wantCode(t, err, content.Forbidden, "forbidden")
	_, err = d.Transition(ctx, rita, doc.ID, "it", doc.ETag("it"), content.Step{Name: "decline"})
	wantField(t, err, "/comment", "comment_required")

	doc = d.step(rita, doc, "it", "endorse")
	if a := doc.Variant("it").Approvals; len(a) != 1 || a[0].Territory != "100" || a[0].Body != "council" || a[0].Revision != doc.Variant("it").Latest.Hash {
		t.Fatalf("opinion: %+v", a)
	}
	doc = d.step(sara, doc, "it", "publish")
	doc = d.step(elena, doc, "it", "showcase")
	first := doc.Variant("it").Live
	if first.IsZero() || doc.LiveShared != first {
		t.Fatal("nothing is live")
	}

	// A better title keeps the opinion; changed results void it; the public
	// goes on seeing what was approved.
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Orti condivisi a Prato"})
	if v := doc.Variant("it"); v.State != "endorsed" || len(v.Approvals) != 1 || v.Approvals[0].Revision != v.Latest.Hash || v.Live != first {
		t.Fatalf("after a typo: %+v", v)
	}
	doc = d.edit(amina, doc, "it", map[string]any{"results": "Cento famiglie."})
	if v := doc.Variant("it"); v.State != "draft" || len(v.Approvals) != 0 || v.Live != first || v.LiveState != "showcased" || v.LiveUpdatedAt.IsZero() {
		t.Fatalf("after new results: %+v", v)
	}
	_, err = d.Transition(ctx, sara, doc.ID, "it", doc.ETag("it"), content.Step{Name: "publish"})
	wantCode(t, err, content.Conflict, "wrong_state")
	doc = d.step(sara, doc, "it", "withdraw")
	if v := doc.Variant("it"); !v.Live.IsZero() || v.LiveSlug != "" || v.LiveState != "" || !v.LiveUpdatedAt.IsZero() || !slices.Contains(v.OldSlugs, "orti-condivisi") {
		t.Fatalf("after withdrawal: %+v", v)
	}
	d.clean()
}

func TestNobodyMayNothing(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Testo."}})
	var zero content.Actor
	calls := map[string]func() error{
		"create": func() error {
			_, err := d.Create(ctx, zero, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "x"}})
			return err
		},
		"add": func() error {
			_, err := d.AddVariant(ctx, zero, doc.ID, "*", content.NewVariant{Locale: "en"})
			return err
		},
		"edit": func() error { _, err := d.Edit(ctx, zero, doc.ID, "it", "*", content.Edit{}); return err },
		"transition": func() error {
			_, err := d.Transition(ctx, zero, doc.ID, "it", "*", content.Step{Name: "publish"})
			return err
		},
		"unschedule": func() error { _, err := d.Unschedule(ctx, zero, doc.ID, "it", "*", "publish"); return err },
		"discard":    func() error { return d.Discard(ctx, zero, doc.ID, "*") },
		"get":        func() error { _, err := d.Get(ctx, zero, doc.ID); return err },
		"latest":     func() error { _, _, err := d.Latest(ctx, zero, doc.ID, "it"); return err },
		"list":       func() error { _, err := d.List(ctx, zero, content.Filter{Limit: 5}); return err },
		"history":    func() error { _, err := d.History(ctx, zero, doc.ID, "it", 0, 5); return err },
		"revision":   func() error { _, err := d.RevisionAt(ctx, zero, doc.ID, "it", 1); return err },
		"compare":    func() error { _, err := d.Compare(ctx, zero, doc.ID, "it", 0, 1); return err },
		"restore":    func() error { _, err := d.Restore(ctx, zero, doc.ID, "it", "*", 1, ""); return err },
		"events":     func() error { _, err := d.Events(ctx, zero, doc.ID, 0, 5); return err },
		"import":     func() error { _, err := d.Import(ctx, zero, []content.Incoming{{Type: "article"}}, false); return err },
	}
	for name, call := range calls {
		err := call()
		var p *content.Problem
		if !errors.As(err, &p) || p.Class != content.Unauthenticated && p.Class != content.Forbidden {
			t.Errorf("%s by nobody: %v", name, err)
		}
	}
	if got := d.variant(doc, "it"); got.State != "draft" || got.Latest.Number != 1 {
		t.Errorf("nobody changed something: %+v", got)
	}
}

func TestEndedGrantDenies(t *testing.T) {
	d := newDesk(t)
	temp := elena
	temp.Grants = []content.Grant{{Role: "editor", Until: d.now().Add(time.Hour)}}
	doc := d.create(temp, content.NewVariant{Type: "page", Locale: "it", Fields: map[string]any{"title": "Pagina", "body": "x"}})
	d.set(d.now().Add(time.Hour))
	if _, err := d.Get(ctx, temp, doc.ID); err == nil {
		t.Error("a role acts after its end")
	}
}

func TestConflictsTellBothVersions(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Testo."}})
	seen := doc.ETag("it")
	doc = d.edit(director, doc, "it", map[string]any{"body": "Altro testo."})
	_, err := d.Edit(ctx, elena, doc.ID, "it", seen, content.Edit{Fields: map[string]any{"title": "Due"}})
	wantCode(t, err, content.PreconditionFailed, "stale")
	p := content.AsProblem(err)
	if p.Yours.ETag != seen || p.Current.ETag != doc.ETag("it") || p.Current.Author != director.ID || p.Current.Revision != 2 ||
		p.Yours.Revision != 1 || !slices.Equal(p.Current.Changed, []string{"body"}) {
		t.Errorf("summaries: yours %+v, current %+v", p.Yours, p.Current)
	}
	// Further behind, all that changed since is named, also through another language.
	doc = d.edit(director, doc, "it", map[string]any{"summary": "Breve."})
	_, err = d.Edit(ctx, elena, doc.ID, "it", seen, content.Edit{Fields: map[string]any{"title": "Due"}})
	if p := content.AsProblem(err); p.Yours.Revision != 1 || p.Current.Revision != 3 || !slices.Equal(p.Current.Changed, []string{"summary", "body"}) {
		t.Errorf("two behind: yours %+v, current %+v", p.Yours, p.Current)
	}
	for _, odd := range []string{`"9.9"`, `"1.0.99"`, `"1.0.-1"`, `x`, `"1.0.1.1"`} {
		_, err := d.Edit(ctx, elena, doc.ID, "it", odd, content.Edit{Fields: map[string]any{"title": "Due"}})
		wantCode(t, err, content.PreconditionFailed, "stale")
		if p := content.AsProblem(err); p.Yours.Revision != 0 || p.Current.Revision != 3 {
			t.Errorf("%s: yours %+v", odd, p.Yours)
		}
	}
	_, err = d.Edit(ctx, elena, doc.ID, "it", "", content.Edit{})
	wantCode(t, err, content.PreconditionRequired, "precondition_required")

	// Two languages are two desks: neither blocks the other, until a shared fact changes.
	doc, err = d.AddVariant(ctx, elena, doc.ID, doc.ETag("en"), content.NewVariant{Locale: "en", Fields: map[string]any{"title": "One", "body": "Text."}})
	if err != nil {
		t.Fatal(describe(err))
	}
	it, en := doc.ETag("it"), doc.ETag("en")
	if _, err := d.Edit(ctx, elena, doc.ID, "en", en, content.Edit{Fields: map[string]any{"title": "First"}}); err != nil {
		t.Fatal(describe(err))
	}
	if doc, err = d.Edit(ctx, elena, doc.ID, "it", it, content.Edit{Fields: map[string]any{"territories": []any{"MI"}}}); err != nil {
		t.Fatal(describe(err))
	}
	_, err = d.Edit(ctx, elena, doc.ID, "en", en, content.Edit{Fields: map[string]any{"title": "Second"}})
	wantCode(t, err, content.PreconditionFailed, "stale")
	d.clean()
}

// Thirty-two writers each insist until their edit is in; none is lost.
func TestCollidingWriters(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "0"}})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for {
				now, err := d.Get(ctx, elena, doc.ID)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = d.Edit(ctx, elena, doc.ID, "it", now.ETag("it"), content.Edit{Fields: map[string]any{"body": fmt.Sprint("writer ", i)}})
				if err == nil {
					return
				}
				if p := content.AsProblem(err); p.Class != content.PreconditionFailed && p.Code != "busy" {
					t.Error(describe(err))
					return
				}
			}
		})
	}
	wg.Wait()
	if v := d.variant(doc, "it"); v.Latest.Number != 33 {
		t.Errorf("33 revisions expected, %d are there", v.Latest.Number)
	}
	history, err := d.History(ctx, elena, doc.ID, "it", 0, 100)
	if err != nil || len(history) != 33 {
		t.Fatalf("history: %d, %v", len(history), err)
	}
	page, err := d.History(ctx, elena, doc.ID, "it", history[9].Number, 5)
	if err != nil || len(page) != 5 || page[0].Hash != history[10].Hash {
		t.Errorf("second page: %v %v", page, err)
	}
	d.clean()
}

func TestSharedFactsMoveForward(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "service", Locale: "it", Fields: map[string]any{
		"title": "Sportello", "topics": []any{"work"}, "website": "https://old.example"}})
	doc, err := d.AddVariant(ctx, elena, doc.ID, "*", content.NewVariant{Locale: "en", Fields: map[string]any{"title": "Desk"}})
	if err != nil {
		t.Fatal(describe(err))
	}
	doc = d.step(elena, d.edit(elena, doc, "en", map[string]any{"website": "https://new.example"}), "en", "submit")
	doc = d.step(director, doc, "en", "publish")
	live := doc.LiveShared
	doc = d.step(elena, doc, "it", "submit")
	doc = d.step(director, doc, "it", "publish") // its revision still says old.example
	if doc.LiveShared != live {
		t.Error("publishing an older revision of one language brought back old facts")
	}
	d.clean()
}

func TestHistoryDiffRestore(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Primo.", "summary": "Breve."}})
	doc = d.edit(elena, doc, "it", map[string]any{"title": "Due", "summary": nil, "territories": []any{"PO"}})
	doc = d.edit(elena, doc, "it", map[string]any{"body": "Terzo."})
	changes, err := d.Compare(ctx, elena, doc.ID, "it", 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range changes {
		names = append(names, c.Field)
	}
	if !slices.Equal(names, []string{"title", "summary", "body", "territories"}) {
		t.Errorf("changed: %v", names)
	}
	doc, err = d.Restore(ctx, elena, doc.ID, "it", doc.ETag("it"), 1, "")
	if err != nil {
		t.Fatal(describe(err))
	}
	if changes, err = d.Compare(ctx, elena, doc.ID, "it", 1, 4); err != nil || len(changes) != 0 {
		t.Errorf("restored differs: %+v %v", changes, err)
	}
	if r, err := d.RevisionAt(ctx, elena, doc.ID, "it", 4); err != nil || r.Restored != 1 {
		t.Errorf("restored: %+v %v", r, err)
	}
	same, err := d.Edit(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Edit{Fields: map[string]any{"body": "Primo."}})
	if err != nil || same.Version != doc.Version {
		t.Errorf("an edit that changes nothing made a version: %v", err)
	}
	_, err = d.RevisionAt(ctx, elena, doc.ID, "it", 9)
	wantCode(t, err, content.NotFound, "no_such_revision")
	d.clean()
}

func TestBadInputIsRefusedWhole(t *testing.T) {
	d := newDesk(t)
	d.create(elena, content.NewVariant{Type: "article", Locale: "it", Slug: "preso", Fields: map[string]any{"title": "Uno"}})
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'a'
	}
	for _, c := range []struct {
		name       string
		in         content.NewVariant
		path, code string
	}{
		{"type", content.NewVariant{Type: "poem", Locale: "it"}, "/type", "unknown_type"},
		{"locale", content.NewVariant{Type: "article", Locale: "xx"}, "/locale", "unknown_locale"},
		{"field", content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "a", "colour": "red"}}, "/colour", "unknown_field"},
		{"no title", content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{}}, "/title", "required"},
		{"climbing slug", content.NewVariant{Type: "article", Locale: "it", Slug: "../up", Fields: map[string]any{"title": "a"}}, "/slug", "invalid_slug"},
		{"NUL in slug", content.NewVariant{Type: "article", Locale: "it", Slug: "a\x00b", Fields: map[string]any{"title": "a"}}, "/slug", "invalid_slug"},
		{"long slug", content.NewVariant{Type: "article", Locale: "it", Slug: string(long), Fields: map[string]any{"title": "a"}}, "/slug", "invalid_slug"},
		{"look-alike slug", content.NewVariant{Type: "article", Locale: "it", Slug: "рaypal", Fields: map[string]any{"title": "a"}}, "/slug", "invalid_slug"},
		{"taken slug", content.NewVariant{Type: "article", Locale: "it", Slug: "preso", Fields: map[string]any{"title": "a"}}, "/slug", "slug_taken"},
		{"date", content.NewVariant{Type: "news", Locale: "it", Fields: map[string]any{"title": "a", "act_date": "2026-02-31"}}, "/act_date", "not_a_date"},
		{"territory", content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "a", "territories": []any{"ZZ"}}}, "/territories/0", "unknown_territory"},
		{"reference", content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "a", "organization": "nowhere"}}, "/organization", "reference_not_found"},
		{"id of nothing", content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "a", "organization": "0190f3a0-0000-7000-8000-000000000000"}}, "/organization", "reference_not_found"},
		{"invalid UTF-8", content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "a\xff"}}, "/title", "invalid_encoding"},
	} {
		_, err := d.Create(ctx, elena, c.in)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		wantField(t, err, c.path, c.code)
	}
	docs, err := d.List(ctx, elena, content.Filter{Limit: 100})
	if err != nil || len(docs) != 1 {
		t.Errorf("%d documents, want the one good one (%v)", len(docs), err)
	}
}

func TestSlugs(t *testing.T) {
	d := newDesk(t)
	for title, want := range map[string]string{
		"L’alloggio è un diritto!": "l-alloggio-e-un-diritto", "  ": "", "الجانب القانوني": "", "Straße №5": "stra-e-no5", "A—B": "a-b",
	} {
		if got := content.Slugify(title); got != want {
			t.Errorf("Slugify(%q) = %q, want %q", title, got, want)
		}
	}
	a := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uguale", "body": "x"}})
	b := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uguale", "body": "x"}})
	if a.Variant("it").Slug == b.Variant("it").Slug || !content.ValidSlug(b.Variant("it").Slug) {
		t.Errorf("slugs %q and %q", a.Variant("it").Slug, b.Variant("it").Slug)
	}
	ar, err := d.AddVariant(ctx, yusuf, d.step(elena, a, "it", "publish").ID, "*", content.NewVariant{Locale: "ar", Fields: map[string]any{"title": "متساو", "body": "نص"}})
	if err != nil || ar.Variant("ar").Slug != "uguale" {
		t.Errorf("an Arabic title takes the slug of another language: %v", describe(err))
	}
	// A public slug that changes stays reserved for its redirect.
	c := d.edit(elena, ar, "it", map[string]any{"body": "y"})
	c, err = d.Edit(ctx, elena, c.ID, "it", c.ETag("it"), content.Edit{Slug: "nuovo-nome"})
	if err != nil {
		t.Fatal(describe(err))
	}
	c = d.step(elena, c, "it", "publish")
	if v := c.Variant("it"); v.LiveSlug != "nuovo-nome" || !slices.Equal(v.OldSlugs, []string{"uguale"}) {
		t.Errorf("after renaming: %+v", v)
	}
	_, err = d.Create(ctx, elena, content.NewVariant{Type: "article", Locale: "it", Slug: "uguale", Fields: map[string]any{"title": "Altro"}})
	wantField(t, err, "/slug", "slug_taken")
	d.clean()
}

func TestDiscard(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: map[string]any{"title": "Prova"}})
	if err := d.Discard(ctx, bruno, doc.ID, doc.ETag("it")); err == nil {
		t.Error("a stranger threw it away")
	}
	if err := d.Discard(ctx, amina, doc.ID, doc.ETag("it")); err != nil {
		t.Fatal(describe(err))
	}
	if _, err := d.Get(ctx, elena, doc.ID); err == nil {
		t.Error("it is still there")
	}
	d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Slug: "prova", Fields: map[string]any{"title": "Prova"}})
	live := d.step(elena, d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}}), "it", "publish")
	wantCode(t, d.Discard(ctx, elena, live.ID, live.ETag("it")), content.Conflict, "live_cannot_be_discarded")
	d.clean()
}

func TestListStaysInsideTheWalls(t *testing.T) {
	d := newDesk(t)
	prato := d.step(amina, d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}), "it", "submit")
	fields := practice()
	fields["territories"], fields["title"] = []any{"MI"}, "Altro"
	milano := d.step(bruno, d.create(bruno, content.NewVariant{Type: "practice", Locale: "it", Fields: fields}), "it", "submit")
	draft := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: map[string]any{"title": "Bozza", "territories": []any{"PO"}}})
	tuscany := person("tina", "reviewer@09")
	for _, c := range []struct {
		who  content.Actor
		want []string
	}{
		{amina, []string{prato.ID, draft.ID}}, {bruno, []string{milano.ID}}, {rita, []string{prato.ID}},
		{marco, []string{milano.ID}}, {tuscany, []string{prato.ID}}, {elena, []string{prato.ID, milano.ID, draft.ID}}, {yusuf, nil},
		{person("both", "reviewer@PO", "contributor@altra-riva"), []string{prato.ID, milano.ID}},
	} {
		for _, order := range []content.Order{content.NewestFirst, content.ByTitle} {
			var got []string
			f := content.Filter{Limit: 1, Order: order}
			for {
				page, err := d.List(ctx, c.who, f)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				got = append(got, page[0].ID)
				f.After = content.PositionOf(page[0])
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(got, want) {
				t.Errorf("%s sees %v, want %v", c.who.Name, got, want)
			}
		}
	}
	got, err := d.List(ctx, elena, content.Filter{State: "submitted", Territory: "PO", Type: "practice", Limit: 10})
	if err != nil || len(got) != 1 || got[0].ID != prato.ID {
		t.Errorf("filtered: %v %v", got, err)
	}
	_, err = d.List(ctx, elena, content.Filter{Type: "poem", Limit: 10})
	wantField(t, err, "/type", "unknown_type")
}

func TestPermissionsAreWhatWouldHappen(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: map[string]any{"title": "Prova", "territories": []any{"PO"}}})
	p, err := d.Permissions(ctx, amina, doc, "it")
	if err != nil || !p.Edit || len(p.Actions) != 1 || p.Actions[0].Name != "submit" || p.Actions[0].Blocked != "complete" || len(p.Actions[0].Missing) == 0 {
		t.Fatalf("permissions: %+v %v", p, err)
	}
	_, err = d.Transition(ctx, amina, doc.ID, "it", doc.ETag("it"), content.Step{Name: "submit"})
	wantCode(t, err, content.Invalid, "guard_complete")
	if got := content.AsProblem(err).Fields; len(got) != len(p.Actions[0].Missing) {
		t.Errorf("missing %v, offered %v", got, p.Actions[0].Missing)
	}
	if p, err := d.Permissions(ctx, bruno, doc, "it"); err != nil || p.Edit || len(p.Actions) > 0 {
		t.Errorf("a stranger may: %+v %v", p, err)
	}
}
