package content_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func (d *desk) importing(a content.Actor, batch ...content.Incoming) []content.ImportResult {
	d.t.Helper()
	res, err := d.Import(ctx, a, batch, false)
	if err != nil {
		d.t.Fatal(describe(err))
	}
	return res
}

func (d *desk) wantOutcomes(res []content.ImportResult, want ...content.Outcome) {
	d.t.Helper()
	if got := outcomes(res); !slices.Equal(got, want) {
		d.t.Errorf("outcomes %v, want %v", got, want)
		for _, r := range res {
			if r.Problem != nil {
				d.t.Log(r.Source, describe(r.Problem))
			}
		}
	}
}

// Somebody edits between the reading and the writing of a batch: the batch is
// worked out again, and neither loses.
func TestImportThatLosesARace(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	first := article("uno", "it", "ar")
	doc := d.at(&content.Document{ID: d.bring(false, first)[0].Document})
	first.Variants[1].Fields["body"] = "نص آخر"
	h.once(func() { d.edit(elena, doc, "it", map[string]any{"summary": "Intanto."}) })
	res := d.bring(false, article("zero", "it"), first, article("due", "it"))
	d.wantOutcomes(res, content.Created, content.Unchanged, content.Changed, content.Created)
	now := d.at(doc)
	if it, ar := now.Variant("it"), now.Variant("ar"); ar.Live != ar.Latest || ar.Latest.Number != 2 || it.Latest.Number != 2 {
		t.Errorf("it %+v, ar %+v", it.Latest, ar.Latest)
	}
	d.clean()
}

// A slug taken meanwhile makes the import's document that one, and what refers
// to it refers to it indeed.
func TestImportAfterALostSlug(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	org := content.Incoming{Type: "organization", Variants: []content.IncomingVariant{{Locale: "it", Slug: "orti", Source: "org", Fields: map[string]any{"title": "Orti insieme"}}}}
	in := article("uno", "it")
	in.Variants[0].Fields["organization"] = "orti"
	var taken *content.Document
	h.once(func() {
		taken = d.create(elena, content.NewVariant{Type: "organization", Locale: "it", Slug: "orti", Fields: map[string]any{"title": "Orti insieme"}})
	})
	res := d.bring(false, in, org) // what comes later is found by its slug only when it is there
	d.wantOutcomes(res, content.Refused, content.Unchanged)
	res = d.bring(false, org, in)
	d.wantOutcomes(res, content.Unchanged, content.Created)

	org.Variants[0].Slug, in = "terra", article("due", "it")
	in.Variants[0].Fields["organization"] = "terra"
	h.once(func() {
		taken = d.create(elena, content.NewVariant{Type: "organization", Locale: "it", Slug: "terra", Fields: map[string]any{"title": "Orti insieme"}})
	})
	res = d.bring(false, org, in)
	d.wantOutcomes(res, content.Unchanged, content.Created)
	_, r, err := d.Latest(ctx, elena, res[1].Document, "it")
	if err != nil || res[0].Document != taken.ID || !strings.Contains(string(r.Shared), taken.ID) {
		t.Errorf("refers to %s, not to %s (%v)", r.Shared, taken.ID, err)
	}

	// With an id of its own it cannot become the other one: it is refused, and so
	// is what refers to it by that id.
	org.ID, org.Variants[0].Slug, in = "0190f3a0-0000-7000-8000-00000000000a", "mare", article("tre", "it")
	in.Variants[0].Fields["organization"] = org.ID
	h.once(func() {
		d.create(elena, content.NewVariant{Type: "organization", Locale: "it", Slug: "mare", Fields: map[string]any{"title": "Mare"}})
	})
	res = d.bring(false, org, in)
	d.wantOutcomes(res, content.Refused, content.Refused)
	wantField(t, res[0].Problem, "/slug", "slug_taken")
	wantField(t, res[1].Problem, "/organization", "reference_not_found")
	d.clean()
}

// A store that fails in the middle leaves no reference to what is not there.
func TestImportThatFailsInTheMiddle(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	org := content.Incoming{Type: "organization", Variants: []content.IncomingVariant{{Locale: "it", Slug: "orti", Fields: map[string]any{"title": "Orti insieme"}}}}
	in := article("uno", "it")
	in.Variants[0].Fields["organization"] = "orti"
	h.mu.Lock()
	h.apply = func(writes []content.Write) {
		for i := range writes {
			if writes[i].Document.Type == "organization" {
				writes[i].Document.Version = 77 // which no store takes
			}
		}
	}
	h.mu.Unlock()
	res, err := d.Import(ctx, content.System("import"), []content.Incoming{org, in, article("due", "it")}, false)
	if p := content.AsProblem(err); p == nil || p.Class != content.Unavailable {
		t.Errorf("said %v", err)
	}
	d.wantOutcomes(res, content.Refused, content.Refused, content.Created)
	if docs, err := d.List(ctx, elena, content.Filter{}); err != nil || len(docs) != 1 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	d.clean()
}

func TestImportIdentifiers(t *testing.T) {
	d := newDesk(t)
	in := article("uno", "it")
	in.ID = "0190F3A0-0000-7000-8000-000000000001"
	res := d.bring(false, in)
	if res[0].Document != strings.ToLower(in.ID) {
		t.Errorf("stored under %s", res[0].Document)
	}
	in.ID = strings.ToLower(in.ID)
	d.wantOutcomes(d.bring(false, in), content.Unchanged)
	for _, id := range []string{"{" + in.ID + "}", "urn:uuid:" + in.ID, strings.ReplaceAll(in.ID, "-", ""), "x"} {
		in.ID = id
		res := d.bring(false, in)
		d.wantOutcomes(res, content.Refused)
		wantField(t, res[0].Problem, "/id", "invalid_id")
	}
	// What was thrown away does not come back by itself.
	draft := article("bozza", "it")
	draft.ID, draft.Variants[0].Publish = "0190f3a0-0000-7000-8000-000000000002", false
	d.bring(false, draft)
	if err := d.Discard(ctx, elena, draft.ID, "*"); err != nil {
		t.Fatal(describe(err))
	}
	res = d.bring(false, draft)
	d.wantOutcomes(res, content.Refused)
	wantCode(t, res[0].Problem, content.Conflict, "id_taken")
	// A dry run knows of slugs that the store holds.
	other := article("uno", "it")
	other.ID = "0190f3a0-0000-7000-8000-000000000003"
	res = d.bring(true, other)
	d.wantOutcomes(res, content.Refused)
	wantCode(t, res[0].Problem, content.Conflict, "slug_taken")
	if res[0].Problem.Params["slug"] != "uno" {
		t.Errorf("names %v", res[0].Problem.Params)
	}
	_, err := d.Import(ctx, content.Actor{}, nil, false)
	wantCode(t, err, content.Unauthenticated, "unauthenticated")
	d.clean()
}

// Within a batch a slug is free again once its document has another.
func TestImportHandsOnASlug(t *testing.T) {
	d := newDesk(t)
	draft := func(id, slug, title string) content.Incoming {
		in := article(slug, "it")
		in.ID, in.Variants[0].Publish, in.Variants[0].Fields["title"] = "0190f3a0-0000-7000-8000-00000000000"+id, false, title
		return in
	}
	d.wantOutcomes(d.bring(false, draft("1", "a", "A")), content.Created)
	res := d.bring(false, draft("1", "b", "A"), draft("2", "a", "B"), draft("2", "c", "B"), draft("3", "a", "C"))
	d.wantOutcomes(res, content.Changed, content.Created, content.Changed, content.Created)
	res = d.bring(false, draft("4", "d", "D"), draft("5", "d", "E"))
	d.wantOutcomes(res, content.Created, content.Refused)
	d.clean()
}

// An import brings what is new, and leaves alone what somebody is working on.
func TestImportLeavesWorkingCopiesAlone(t *testing.T) {
	d := newDesk(t)
	batch := article("uno", "it", "ar")
	doc := d.at(&content.Document{ID: d.bring(false, batch)[0].Document})
	doc = d.edit(elena, doc, "it", map[string]any{"body": "In lavorazione.", "territories": []any{"PO"}})
	d.wantOutcomes(d.importing(elena, batch), content.Unchanged, content.Unchanged)
	if d.at(doc).Version != doc.Version {
		t.Error("something was written")
	}
	batch.Variants[0].Fields["body"] = "Nuovo da fuori."
	d.wantOutcomes(d.importing(elena, batch), content.Changed, content.Unchanged)
	if v := d.variant(doc, "it"); v.Live != v.Latest {
		t.Errorf("%+v", v)
	}
	// What waits for a decision is refused when it would change, not when it is the same.
	other := article("due", "it")
	other.Variants[0].Publish = false
	waiting := d.at(&content.Document{ID: d.bring(false, other)[0].Document})
	d.step(elena, waiting, "it", "submit")
	d.wantOutcomes(d.importing(elena, other), content.Unchanged)
	other.Variants[0].Fields["body"] = "Altro."
	res := d.importing(elena, other)
	d.wantOutcomes(res, content.Refused)
	wantCode(t, res[0].Problem, content.Conflict, "not_editable")
	d.clean()
}

// Dates alone are a change too, of the variant that they belong to.
func TestImportOfDates(t *testing.T) {
	d := newDesk(t)
	batch := article("uno", "it", "ar")
	doc := d.at(&content.Document{ID: d.bring(false, batch)[0].Document})
	batch.Variants[0].Fields["body"] = "Altro."
	batch.Variants[0].Publish = false
	batch.Variants[1].PublishedAt = time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)
	batch.Variants[1].UpdatedAt = time.Date(2022, 5, 1, 0, 0, 0, 0, time.UTC)
	version := doc.Variant("ar").Version
	d.wantOutcomes(d.bring(false, batch), content.Changed, content.Changed)
	v := d.variant(doc, "ar")
	if v.Version != version+1 || v.PublishedAt.Year() != 2019 || v.UpdatedAt.Year() != 2022 {
		t.Errorf("%+v", v)
	}
	events, err := d.store.DocumentEvents(ctx, doc.ID, 0, 1)
	if err != nil || events[0].Locale != "ar" || events[0].Effect != content.EffectPublished || events[0].Revision != v.Live.Hash {
		t.Errorf("told %+v, %v", events, err)
	}
	d.wantOutcomes(d.bring(false, batch), content.Unchanged, content.Unchanged)
	d.clean()
}

// Moments that have passed are kept to as if the import had been there.
func TestImportOfPassedMoments(t *testing.T) {
	d := newDesk(t)
	past, future := d.now().Add(-time.Hour), d.now().Add(time.Hour)
	one := func(slug string, publish bool, state string, from, to time.Time) (content.Incoming, content.Variant) {
		in := article(slug, "it")
		v := &in.Variants[0]
		v.Publish, v.State, v.PublishAt, v.ExpireAt = publish, state, from, to
		res := d.bring(false, in)
		d.wantOutcomes(res, content.Created)
		return in, d.variant(&content.Document{ID: res[0].Document}, "it")
	}
	zero := time.Time{}
	if _, v := one("a", false, "", past, zero); v.Live.IsZero() {
		t.Error("its hour has come, and it is not public")
	}
	if _, v := one("b", true, "", zero, past); !v.Live.IsZero() || v.State != "draft" {
		t.Error("expired, and public")
	}
	if _, v := one("c", false, "published", past, past); !v.Live.IsZero() {
		t.Error("came and went, and public")
	}
	if _, v := one("d", false, "", future, future.Add(time.Hour)); len(v.Schedule) != 2 || !v.Live.IsZero() {
		t.Errorf("%+v", v.Schedule)
	}
	// What expires is not published anew by the next run of the same import.
	in, v := one("e", true, "", zero, future)
	if v.Live.IsZero() || len(v.Schedule) != 1 {
		t.Fatalf("%+v", v)
	}
	d.wantOutcomes(d.bring(false, in), content.Unchanged)
	d.set(future)
	if _, err := d.RunDue(ctx); err != nil {
		t.Fatal(err)
	}
	d.wantOutcomes(d.bring(false, in), content.Unchanged)
	// An expiry that came into the file later, and has passed, takes it away.
	in, _ = one("f", true, "", zero, zero)
	in.Variants[0].ExpireAt = past
	d.wantOutcomes(d.bring(false, in), content.Changed)
	// Both moments move together past each other.
	in, _ = one("g", false, "", d.now().Add(time.Hour), d.now().Add(2*time.Hour))
	in.Variants[0].PublishAt, in.Variants[0].ExpireAt = d.now().Add(5*time.Hour), d.now().Add(6*time.Hour)
	d.wantOutcomes(d.bring(false, in), content.Changed)
	d.wantOutcomes(d.bring(false, in), content.Unchanged)
	d.clean()
}

// A variant that is refused leaves nothing of itself in the others' write.
func TestRefusedVariantLeavesNoTrace(t *testing.T) {
	d := newDesk(t)
	in := article("uno", "ar", "en", "it")
	in.Variants[1].Fields = with(in.Variants[1].Fields, "territories", []any{"PO"}, "body", nil) // not complete
	res := d.bring(false, in)
	d.wantOutcomes(res, content.Created, content.Refused, content.Created)
	doc := d.at(&content.Document{ID: res[0].Document})
	if doc.Variant("en") != nil || doc.SharedVersion != 1 && string(doc.Shared) != "{}" {
		t.Errorf("%+v", doc)
	}
	if got := d.told(doc); !slices.Equal(got, []string{"created", "transition publish published", "created", "transition publish published"}) {
		t.Errorf("told %v", got)
	}
	d.clean()
}

func TestImportGivesUpOnABusyDocument(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	in := article("uno", "it")
	doc := d.at(&content.Document{ID: d.bring(false, in)[0].Document})
	in.Variants[0].Fields["body"] = "Nuovo."
	n := 0
	h.apply = func(writes []content.Write) {
		if writes[0].Document.ID == doc.ID {
			now := d.at(doc)
			now.Version, now.Pending = now.Version+1, nil
			if err := h.Store.Apply(ctx, []content.Write{{Document: now, Expect: now.Version - 1}})[0]; err != nil {
				panic(err)
			}
			n++
		}
	}
	res, err := d.Import(ctx, content.System("import"), []content.Incoming{in}, false)
	if err != nil {
		t.Fatal(err)
	}
	d.wantOutcomes(res, content.Refused)
	wantCode(t, res[0].Problem, content.Conflict, "busy")
	if n < 2 || n > 10 || !errors.Is(content.AsProblem(content.ErrConflict), content.ErrConflict) {
		t.Errorf("tried %d times", n)
	}
}
