package content_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func english() map[string]any {
	return map[string]any{
		"title": "Shared gardens", "summary": "Families garden together.", "issue": "No place to meet.", "objectives": "Meet.",
		"activities": []any{map[string]any{"title": "Sowing", "text": "On Saturdays."}}, "results": "Forty families.",
	}
}

// What a language says for itself is the translator's; facts are not.
func TestTranslatorsChangeOnlyText(t *testing.T) {
	d := newDesk(t)
	article := map[string]any{"title": "Uno", "body": "Testo.", "territories": []any{"PO"}}
	doc := d.step(elena, d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: article}), "it", "publish")
	ar := map[string]any{"title": "واحد", "body": "نص"}
	_, err := d.AddVariant(ctx, yusuf, doc.ID, "*", content.NewVariant{Locale: "ar", Fields: with(ar, "territories", []any{"MI"})})
	d.refused(doc, err, content.Forbidden, "forbidden")
	wantField(t, err, "/territories", "forbidden")
	doc = d.add(yusuf, doc, "ar", with(ar, "territories", []any{"PO"})) // what it says already is no change
	_, err = d.Edit(ctx, yusuf, doc.ID, "ar", "*", content.Edit{Fields: map[string]any{"topics": []any{"work"}, "title": "اثنان"}})
	d.refused(doc, err, content.Forbidden, "forbidden")
	wantField(t, err, "/topics", "forbidden")
	_, err = d.Edit(ctx, yusuf, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"title": "Due"}})
	d.refused(doc, err, content.Forbidden, "forbidden")
	p, err := d.Permissions(ctx, yusuf, doc, "ar")
	if err != nil || !p.Edit || !p.TextOnly {
		t.Errorf("permissions: %+v %v", p, err)
	}
	if p, err := d.Permissions(ctx, elena, doc, "ar"); err != nil || !p.Edit || p.TextOnly {
		t.Errorf("the newsroom's permissions: %+v %v", p, err)
	}

	// Bringing back a text leaves newer facts alone.
	doc = d.edit(yusuf, doc, "ar", map[string]any{"title": "اثنان"})
	doc = d.edit(elena, doc, "it", map[string]any{"territories": []any{"MI"}})
	doc, err = d.Restore(ctx, yusuf, doc.ID, "ar", "*", 1, "")
	if err != nil {
		t.Fatal(describe(err))
	}
	if doc.Variant("ar").Title != "واحد" || !strings.Contains(string(doc.Shared), `"015"`) {
		t.Errorf("restored: %q, %s", doc.Variant("ar").Title, doc.Shared)
	}
	draft := d.add(elena, d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: article}), "ar", ar)
	d.refused(draft, d.Discard(ctx, yusuf, draft.ID, "*"), content.Forbidden, "forbidden")
	_, err = d.Create(ctx, yusuf, content.NewVariant{Type: "article", Locale: "ar", Fields: ar, Owner: "orti-insieme"})
	wantCode(t, err, content.Forbidden, "forbidden")
	d.clean()
}

// Writing in a language does not lay one's drawer open to all its translators.
func TestTranslatorsSeeWhatIsTranslated(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "ar", Fields: map[string]any{"title": "حديقة"}})
	if _, err := d.Get(ctx, yusuf, doc.ID); err == nil {
		t.Error("a translator reads a contributor's draft")
	}
	if docs, err := d.List(ctx, yusuf, content.Filter{}); err != nil || len(docs) != 0 {
		t.Errorf("and lists it: %v %v", docs, err)
	}
	doc = d.add(amina, doc, "it", map[string]any{"title": "Orto"})
	if _, err := d.Get(ctx, yusuf, doc.ID); err != nil {
		t.Errorf("a translator does not see what is being translated: %v", err)
	}
	if docs, err := d.List(ctx, yusuf, content.Filter{}); err != nil || len(docs) != 1 {
		t.Errorf("nor lists it: %v %v", docs, err)
	}
}

func TestSecretariesBeginEntriesOfTheirTerritory(t *testing.T) {
	d := newDesk(t)
	service := map[string]any{"title": "Sportello", "topics": []any{"work"}, "territories": []any{"PO"}}
	doc := d.create(sara, content.NewVariant{Type: "service", Locale: "it", Fields: service})
	if _, err := d.Get(ctx, sara, doc.ID); err != nil {
		t.Fatalf("who began it does not see it: %v", err)
	}
	if docs, err := d.List(ctx, sara, content.Filter{}); err != nil || len(docs) != 1 {
		t.Errorf("nor in the list: %v %v", docs, err)
	}
	for _, a := range []content.Actor{rita, marco, amina, person("other", "secretary@PO")} {
		if _, err := d.Get(ctx, a, doc.ID); err == nil {
			t.Errorf("%s sees a draft", a.Name)
		}
	}
	doc = d.step(sara, d.edit(sara, doc, "it", map[string]any{"summary": "Lavoro."}), "it", "submit")
	_, err := d.Transition(ctx, sara, doc.ID, "it", "*", content.Step{Name: "publish"})
	d.refused(doc, err, content.Conflict, "guard_not_author")
	d.step(rita, doc, "it", "publish")

	_, err = d.Create(ctx, sara, content.NewVariant{Type: "service", Locale: "it", Fields: with(service, "territories", []any{"MI"})})
	wantCode(t, err, content.Forbidden, "forbidden")
	_, err = d.Create(ctx, sara, content.NewVariant{Type: "service", Locale: "it", Fields: with(service, "territories", nil)})
	wantCode(t, err, content.Forbidden, "forbidden")
	_, err = d.Create(ctx, sara, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	wantCode(t, err, content.Forbidden, "forbidden")
	// A mistake is named, not taken for a lack of rights.
	_, err = d.Create(ctx, sara, content.NewVariant{Type: "service", Locale: "it", Fields: with(service, "colour", "red")})
	wantField(t, err, "/colour", "unknown_field")
	_, err = d.Create(ctx, amina, content.NewVariant{Type: "page", Locale: "it", Fields: map[string]any{"colour": "red"}})
	wantCode(t, err, content.Forbidden, "forbidden")
	d.clean()
}

func TestContributorsCreateForTheirOwn(t *testing.T) {
	d := newDesk(t)
	in := content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}
	in.Owner = "altra-riva"
	_, err := d.Create(ctx, amina, in)
	wantCode(t, err, content.Forbidden, "forbidden")
	in.Owner = "../x"
	_, err = d.Create(ctx, amina, in)
	wantField(t, err, "/owner", "unknown_owner")
	in.Owner = ""
	both := person("both", "contributor@orti-insieme", "contributor@altra-riva")
	_, err = d.Create(ctx, both, in)
	wantField(t, err, "/owner", "owner_required")
	twice := person("twice", "contributor@orti-insieme", "contributor@orti-insieme")
	if doc := d.create(twice, in); doc.Owner != "orti-insieme" {
		t.Errorf("owner %q", doc.Owner)
	}
	both.Grants[0].Until = d.now()
	if doc := d.create(both, in); doc.Owner != "altra-riva" {
		t.Errorf("owner %q by a role that has ended", doc.Owner)
	}
	in.Owner = "orti-insieme"
	_, err = d.Create(ctx, both, in)
	wantCode(t, err, content.Forbidden, "forbidden")
}

// A council keeps what it may change within its territory: it neither gives a
// document away nor takes one.
func TestNobodyMovesADocumentOutOfReach(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
	_, err := d.Edit(ctx, sara, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"territories": []any{"MI"}}})
	d.refused(doc, err, content.Forbidden, "forbidden")
	wantField(t, err, "/territories", "forbidden")
	d.edit(sara, doc, "it", map[string]any{"territories": []any{"PO", "MI"}})

	// A secretary of Milano who also translates sees the live service of Prato,
	// and cannot make it Milano's by adding a language.
	service := d.create(elena, content.NewVariant{Type: "service", Locale: "it", Fields: map[string]any{"title": "Sportello", "topics": []any{"work"}, "territories": []any{"PO"}}})
	service = d.step(director, d.step(elena, service, "it", "submit"), "it", "publish")
	two := person("two", "secretary@MI", "translator@ar")
	_, err = d.AddVariant(ctx, two, service.ID, "*", content.NewVariant{Locale: "ar", Fields: map[string]any{"title": "مكتب", "territories": []any{"MI"}}})
	d.refused(service, err, content.Forbidden, "forbidden")
	d.clean()
}

// A step is about a revision, so the councils of that revision's territories
// decide. Another language that names a friendlier council changes nothing.
func TestAuthorityFollowsTheRevision(t *testing.T) {
	d := newDesk(t)
	doc := d.step(amina, d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}), "it", "submit")
	doc = d.add(amina, doc, "en", with(english(), "territories", []any{"MI"}))
	_, err := d.Transition(ctx, marco, doc.ID, "it", "*", content.Step{Name: "endorse"})
	d.refused(doc, err, content.Forbidden, "forbidden")
	if p, err := d.Permissions(ctx, marco, doc, "it"); err != nil || len(p.Actions) != 0 {
		t.Errorf("offered: %+v %v", p.Actions, err)
	}
	if docs, err := d.List(ctx, rita, content.Filter{Territory: "PO"}); err != nil || len(docs) != 1 {
		t.Fatalf("the council it was submitted to lost it: %v %v", docs, err)
	}
	// What it decides about is what it reads.
	_, r, err := d.Latest(ctx, rita, doc.ID, "it")
	if err != nil || !strings.Contains(string(r.Shared), `"100"`) {
		t.Errorf("reads %s, %v", r.Shared, err)
	}
	doc = d.step(rita, doc, "it", "endorse")
	doc = d.step(amina, doc, "en", "submit")
	_, err = d.Transition(ctx, rita, doc.ID, "en", "*", content.Step{Name: "endorse"})
	d.refused(doc, err, content.Forbidden, "forbidden")
	d.step(marco, doc, "en", "endorse")
	d.clean()
}

// Facts changed through another language are no part of what was approved: the
// next edit brings them in, and voids the opinion however small it is.
func TestFactsChangedElsewhereVoidOpinions(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: with(practice(), "people_reached", 40)})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
	doc = d.add(amina, doc, "en", with(english(), "people_reached", 4000))
	if v := doc.Variant("it"); v.State != "endorsed" || len(v.Approvals) != 1 {
		t.Fatalf("%+v", v)
	}
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Orti"})
	if v := doc.Variant("it"); v.State != "draft" || len(v.Approvals) != 0 {
		t.Errorf("unseen facts are approved: %+v", v)
	}
	d.clean()
}

// A reference to what one may not see is a reference to nothing.
func TestReferencesRevealNothing(t *testing.T) {
	d := newDesk(t)
	hidden := d.create(amina, content.NewVariant{Type: "organization", Locale: "it", Slug: "segreta", Fields: map[string]any{"title": "Segreta"}})
	in := content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}}
	for _, ref := range []string{hidden.ID, "segreta", "organization/segreta"} {
		in.Fields = with(in.Fields, "organization", ref)
		_, err := d.Create(ctx, bruno, in)
		wantField(t, err, "/organization", "reference_not_found")
		if _, err := d.Create(ctx, amina, in); err != nil {
			t.Errorf("the owner cannot refer to it: %v", describe(err))
		}
	}
	in.Fields = with(in.Fields, "organization", strings.ReplaceAll(hidden.ID, "-", ""))
	_, err := d.Create(ctx, amina, in)
	wantField(t, err, "/organization", "reference_not_found")

	in.Fields = with(in.Fields, "organization", "segreta")
	doc := d.create(amina, in)
	if err := d.Discard(ctx, amina, hidden.ID, "*"); err != nil {
		t.Fatal(describe(err))
	}
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Due"}) // is not asked about it
	// Known in one field is not known in another that takes other types.
	_, err = d.Edit(ctx, amina, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"related": []any{hidden.ID}}})
	d.refused(doc, err, content.Invalid, "invalid_content")
	d.clean()
}

func TestEndedGrantsEverywhere(t *testing.T) {
	d := newDesk(t)
	doc := d.step(amina, d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}), "it", "submit")
	d.step(elena, d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}}), "it", "publish")
	for _, grants := range [][]string{{"administrator"}, {"editor"}, {"contributor@orti-insieme"}, {"reviewer@PO"}, {"secretary@PO"}, {"translator@ar"}} {
		a := person("former", grants...)
		a.Grants[0].Until = d.now()
		if docs, err := d.List(ctx, a, content.Filter{}); err != nil || len(docs) != 0 {
			t.Errorf("%v lists %d documents, %v", grants, len(docs), err)
		}
		if p, err := d.Permissions(ctx, a, doc, "it"); err != nil || p.Edit || len(p.Actions) > 0 {
			t.Errorf("%v may %+v, %v", grants, p, err)
		}
		_, err := d.Transition(ctx, a, doc.ID, "it", "*", content.Step{Name: "recall"})
		d.refused(doc, err, content.NotFound, "not_found")
		_, err = d.Create(ctx, a, content.NewVariant{Type: "service", Locale: "it", Fields: map[string]any{"title": "x", "territories": []any{"PO"}}})
		wantCode(t, err, content.Forbidden, "forbidden")
		_, err = d.Import(ctx, a, []content.Incoming{article("x", "it")}, false)
		wantCode(t, err, content.Forbidden, "forbidden")
	}
	// One that has ended says nothing about one that holds, nor costs it anything.
	a := person("half", "administrator", "reviewer@PO")
	a.Grants[0].Until = d.now()
	if docs, err := d.List(ctx, a, content.Filter{Limit: -1}); err != nil || len(docs) != 1 {
		t.Errorf("lists %v, %v", docs, err)
	}
}

// A council does not lose from sight what was once handed in to it.
func TestCouncilsKeepSight(t *testing.T) {
	d := newDesk(t)
	doc := d.step(amina, d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}), "it", "submit")
	for _, back := range []func(){
		func() { doc = d.step(amina, doc, "it", "recall") },
		func() {
			doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
			doc = d.edit(sara, doc, "it", map[string]any{"results": "Altri."})
		},
		func() {
			doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
			doc = d.step(sara, d.step(sara, doc, "it", "publish"), "it", "withdraw")
			doc = d.edit(amina, doc, "it", map[string]any{"results": "Ancora altri."})
		},
	} {
		back()
		if doc.Variant("it").State != "draft" {
			t.Fatalf("state %s", doc.Variant("it").State)
		}
		if _, err := d.Get(ctx, rita, doc.ID); err != nil {
			t.Errorf("lost after %v", d.told(doc))
		}
	}
	d.clean()
}

// Who may not see a document is offered nothing.
func TestPermissionsNeedSight(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: map[string]any{"title": "Sportello", "topics": []any{"work"}, "territories": []any{"PO"}}})
	for _, a := range []content.Actor{rita, sara, yusuf, {}} {
		for _, locale := range []string{"it", "ar", "xx"} {
			if p, err := d.Permissions(ctx, a, doc, locale); err != nil || p.Edit || len(p.Actions) > 0 {
				t.Errorf("%s in %s: %+v, %v", a.Name, locale, p, err)
			}
		}
	}
	if p, err := d.Permissions(ctx, amina, doc, "xx"); err != nil || p.Edit {
		t.Errorf("a language that is not declared: %+v %v", p, err)
	}
}

// Who declines or asks for changes takes back the opinion. A withdrawal does not
// lead around it to a new publication.
func TestDeclinedIsNotPublishedByTheBackDoor(t *testing.T) {
	d := newDesk(t)
	for _, verdict := range []string{"decline", "request_changes"} {
		doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
		doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
		doc = d.step(sara, doc, "it", "publish")
		doc = d.step(sara, doc, "it", "withdraw")
		doc = d.edit(amina, doc, "it", map[string]any{"title": "Altro titolo"}) // keeps the opinion
		doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", verdict)
		if n := len(doc.Variant("it").Approvals); n != 0 {
			t.Errorf("after %s %d opinions stand", verdict, n)
		}
	}
	// Live, with a newer revision declined.
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.step(sara, d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse"), "it", "publish")
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Altro titolo"})
	doc = d.step(rita, doc, "it", "request_changes")
	doc = d.step(sara, doc, "it", "withdraw")
	_, err := d.Transition(ctx, sara, doc.ID, "it", "*", content.Step{Name: "publish"})
	d.refused(doc, err, content.Conflict, "guard_approved")
	d.clean()
}

// One member has one voice, however often it is raised.
func TestOneVoiceEach(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.step(sara, d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse"), "it", "publish")
	doc = d.step(sara, doc, "it", "withdraw")
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Altro titolo"})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
	if a := doc.Variant("it").Approvals; len(a) != 1 || a[0].Revision != doc.Variant("it").Latest.Hash {
		t.Errorf("%+v", a)
	}
}

func TestTextsBesideTheContentAreBounded(t *testing.T) {
	d := newDesk(t)
	in := content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}}
	doc := d.create(elena, in)
	long, broken := strings.Repeat("é", content.MaxComment+1), "a\xff"
	in.Note = long
	_, err := d.Create(ctx, elena, in)
	wantField(t, err, "/note", "comment_too_long")
	for text, code := range map[string]string{long: "comment_too_long", broken: "invalid_utf8"} {
		_, err = d.Edit(ctx, elena, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"title": "Due"}, Note: text})
		d.refused(doc, err, content.Invalid, "invalid_content")
		wantField(t, err, "/note", code)
		_, err = d.Transition(ctx, elena, doc.ID, "it", "*", content.Step{Name: "submit", Comment: text})
		wantField(t, err, "/comment", code)
		_, err = d.Transition(ctx, elena, doc.ID, "it", "*", content.Step{Name: "publish", Comment: text, At: d.now().Add(time.Hour)})
		wantField(t, err, "/comment", code)
	}
	if _, err := d.Edit(ctx, elena, doc.ID, "it", "*", content.Edit{Note: long[:2*content.MaxComment], Fields: map[string]any{"title": "Due"}}); err != nil {
		t.Error(describe(err))
	}
	doc = d.step(elena, d.at(doc), "it", "submit")
	_, err = d.Transition(ctx, director, doc.ID, "it", "*", content.Step{Name: "request_changes", Comment: " \n"})
	wantField(t, err, "/comment", "comment_required")
	d.clean()
}

// A body that the renderer refuses is refused wherever it sits.
func TestEveryMarkdownIsRendered(t *testing.T) {
	tried := 0
	d, _ := newHooked(t, content.Options{Render: func(text, locale string) error {
		tried++
		if strings.Contains(text, "boom") && locale == "it" {
			return errors.New("boom")
		}
		return nil
	}})
	rows := []any{map[string]any{"title": "boom is fine here", "text": "a"}, map[string]any{"title": "b", "text": "boom"}}
	_, err := d.Create(ctx, amina, content.NewVariant{Type: "practice", Locale: "it", Fields: with(practice(), "activities", rows)})
	wantField(t, err, "/activities/1/text", "invalid_content")
	_, err = d.Create(ctx, amina, content.NewVariant{Type: "practice", Locale: "it", Fields: with(practice(), "body", "boom")})
	wantField(t, err, "/body", "invalid_content")
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	tried = 0
	d.edit(amina, doc, "it", map[string]any{"title": "Altro"})
	if tried != 0 {
		t.Errorf("an edit of the title rendered %d texts", tried)
	}
	_, err = d.Edit(ctx, amina, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"dos": []any{map[string]any{"text": "boom"}}}})
	wantField(t, err, "/dos/0/text", "invalid_content")
}

func TestDiscardAsksForEveryVariant(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.step(amina, doc, "it", "submit")
	d.refused(doc, d.Discard(ctx, amina, doc.ID, doc.ETag("it")), content.Conflict, "not_editable")
	// A date of publication elsewhere does not make a draft public.
	in := article("bozza", "it")
	in.Variants[0].Publish = false
	draft := d.at(&content.Document{ID: d.bring(false, in)[0].Document})
	if err := d.Discard(ctx, elena, draft.ID, draft.ETag("it")); err != nil {
		t.Error(describe(err))
	}
	d.clean()
}

// A list by state and language means one and the same variant.
func TestFiltersOfOneVariant(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}})
	d.step(elena, d.add(elena, doc, "en", map[string]any{"title": "One", "body": "x"}), "it", "submit")
	for filter, want := range map[content.Filter]int{
		{State: "submitted", Locale: "it"}: 1, {State: "submitted", Locale: "en"}: 0, {State: "draft", Locale: "en"}: 1, {State: "submitted"}: 1,
	} {
		if docs, err := d.List(ctx, elena, filter); err != nil || len(docs) != want {
			t.Errorf("%+v: %d documents, %v", filter, len(docs), err)
		}
	}
}

// Titles that come twice at the same moment get a slug each.
func TestCollidingTitles(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	in := content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uguale", "body": "x"}}
	var other *content.Document
	h.once(func() { other = d.create(bruno, in) })
	doc := d.create(elena, in)
	if a, b := doc.Variant("it").Slug, other.Variant("it").Slug; b != "uguale" || a == b || !content.ValidSlug(a) {
		t.Errorf("slugs %q and %q", a, b)
	}
	in.Locale = "en"
	h.once(func() { d.create(bruno, in) })
	doc = d.add(elena, doc, "en", in.Fields)
	if s := doc.Variant("en").Slug; s == "uguale" || !content.ValidSlug(s) {
		t.Errorf("slug %q", s)
	}
	// What was asked for by name is refused.
	in.Slug = "chiesto"
	h.once(func() { d.create(bruno, in) })
	_, err := d.Create(ctx, elena, in)
	wantField(t, err, "/slug", "slug_taken")
	// A long slug leaves room for what makes it unique.
	in.Slug = strings.Repeat("a", content.MaxSlug)
	long := d.create(elena, in)
	in.Locale, in.Fields = "ar", with(in.Fields, "title", "نص")
	d.create(elena, in)
	long = d.add(elena, long, "ar", in.Fields)
	if s := long.Variant("ar").Slug; !content.ValidSlug(s) {
		t.Errorf("slug %q of %d bytes", s, len(s))
	}
	d.clean()
}

// Strays of lost races crowd a number; the history shows what counts.
func TestHistoryAmongStrays(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "0"}})
	for _, body := range []string{"1", "2", "3", "4"} {
		doc = d.edit(elena, doc, "it", map[string]any{"body": body})
	}
	h.history = func(rows []*content.Revision) []*content.Revision {
		var out []*content.Revision
		for _, r := range rows {
			for i := range 31 {
				stray := *r
				stray.Hash = strings.Repeat("0", 62) + string(rune('a'+i/10)) + string(rune('0'+i%10))
				out = append(out, &stray)
			}
			out = append(out, r)
		}
		return out
	}
	got, err := d.History(ctx, elena, doc.ID, "it", 0, 3)
	if err != nil || len(got) != 3 {
		t.Fatalf("%d revisions, %v", len(got), err)
	}
	rest, err := d.History(ctx, elena, doc.ID, "it", got[2].Number, 9)
	if err != nil || len(rest) != 2 {
		t.Fatalf("then %d, %v", len(rest), err)
	}
	var numbers []int
	for _, r := range slices.Concat(got, rest) {
		if r.ComputeHash() != r.Hash {
			t.Errorf("number %d is a stray", r.Number)
		}
		numbers = append(numbers, r.Number)
	}
	if !slices.Equal(numbers, []int{5, 4, 3, 2, 1}) {
		t.Errorf("numbers %v", numbers)
	}
	if got, err := d.History(ctx, elena, doc.ID, "it", 0, 0); err != nil || len(got) != 0 {
		t.Errorf("no revisions asked for, %d given, %v", len(got), err)
	}
}
