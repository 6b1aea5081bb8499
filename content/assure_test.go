package content_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// help is a service that may be published.
func help(more ...any) map[string]any {
	return with(map[string]any{"title": "Sportello", "topics": []any{"work"}, "territories": []any{"PO"}}, more...)
}

// service makes a live service of amina's, published by the council.
func (d *desk) service(more ...any) *content.Document {
	d.t.Helper()
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: help(more...)})
	return d.step(rita, d.step(amina, doc, "it", "submit"), "it", "publish")
}

func (d *desk) assure(a content.Actor, doc *content.Document, on string) *content.Document {
	d.t.Helper()
	out, err := d.Assure(ctx, a, doc.ID, on)
	if err != nil {
		d.t.Fatalf("assure by %s: %v", a.ID, describe(err))
	}
	return out
}

var clockwork = content.System("freshness")

func (d *desk) age(doc *content.Document, stage schemas.Stage) *content.Document {
	d.t.Helper()
	out, err := d.Age(ctx, clockwork, doc.ID, stage)
	if err != nil {
		d.t.Fatalf("age: %v", describe(err))
	}
	return out
}

// news gives the events of a document after a version, oldest first, in a word each.
func (d *desk) news(doc *content.Document, newer int64) []string {
	d.t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = d.store.Relay(ctx); err != nil {
			d.t.Fatal(err)
		}
	}
	events, err := d.store.DocumentEvents(ctx, doc.ID, 0, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(events) {
		if e.Version > newer {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Kind, e.Locale, e.Transition, e.Effect)))
		}
	}
	return out
}

func (d *desk) wantTold(doc *content.Document, newer int64, want ...string) {
	d.t.Helper()
	if got := d.news(doc, newer); !slices.Equal(got, want) {
		d.t.Errorf("told of\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// terms of a document with that beginning.
func terms(doc *content.Document, prefix string) string {
	var out []string
	for _, term := range doc.Keys.Terms {
		if rest, ok := strings.CutPrefix(term, prefix); ok {
			out = append(out, rest)
		}
	}
	return strings.Join(out, " ")
}

// Who publishes what nobody ever confirmed, or what was not public, confirms it on
// that day; a later publication does not.
func TestPublicationAssures(t *testing.T) {
	d := newDesk(t)
	d.set(time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC)) // past midnight in Rome
	doc := d.service()
	if a := doc.Assured; a == nil || *a != (content.Assurance{On: "2026-03-29", By: rita.ID}) {
		t.Fatalf("assured: %+v", a)
	}
	d.set(d.now().AddDate(0, 1, 0))
	doc = d.step(sara, d.edit(amina, doc, "it", map[string]any{"title": "Nuovo"}), "it", "publish")
	if doc.Assured.On != "2026-03-29" {
		t.Errorf("a change of words confirmed everything: %+v", doc.Assured)
	}
	doc = d.step(sara, doc, "it", "withdraw")
	doc = d.later(elena, doc, "it", "publish", d.now().Add(time.Hour))
	d.set(d.now().Add(2 * time.Hour))
	if _, err := d.RunDue(ctx); err != nil {
		t.Fatal(err)
	}
	if a := d.at(doc).Assured; *a != (content.Assurance{On: "2026-04-29", By: elena.ID}) {
		t.Errorf("published anew: %+v", a)
	}
	practice := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	if practice = d.step(sara, d.step(rita, d.step(amina, practice, "it", "submit"), "it", "endorse"), "it", "publish"); practice.Assured != nil {
		t.Errorf("what does not age was assured: %+v", practice.Assured)
	}
	d.clean()
}

// A confirmation publishes no draft, voids no opinion, makes nobody's view stale,
// moves nothing in the lists, and is told for every live variant once.
func TestAssure(t *testing.T) {
	d := newDesk(t)
	doc := d.service()
	doc = d.add(elena, doc, "en", map[string]any{"title": "Desk"})
	doc = d.step(rita, doc, "en", "publish")
	doc = d.edit(amina, doc, "it", map[string]any{"title": "In attesa", "website": "https://example.org"})
	doc = d.step(amina, doc, "it", "submit")
	doc = d.later(rita, doc, "it", "publish", d.now().AddDate(0, 6, 0))
	d.set(d.now().AddDate(0, 2, 0)) // 1 May
	was := d.at(doc)
	doc = d.assure(amina, doc, "")
	if *doc.Assured != (content.Assurance{On: "2026-05-01", By: amina.ID}) {
		t.Errorf("%+v", doc.Assured)
	}
	d.wantTold(doc, was.Version, "assured en  published", "assured it  published")
	for _, locale := range []string{"it", "en"} {
		if doc.ETag(locale) != was.ETag(locale) || fmt.Sprintf("%+v", doc.Variant(locale)) != fmt.Sprintf("%+v", was.Variant(locale)) {
			t.Errorf("%s: %+v", locale, doc.Variant(locale))
		}
	}
	if doc.LiveShared != was.LiveShared || !doc.UpdatedAt.Equal(was.UpdatedAt) || string(doc.Shared) != string(was.Shared) {
		t.Error("something else changed")
	}
	// Twice is once, an earlier day is none.
	if again := d.assure(sara, doc, "2026-05-01"); again.Version != doc.Version {
		t.Error("the same day again is a new version")
	}
	for _, c := range []struct{ on, code string }{
		{"2026-04-30", "assured_earlier"}, {"2026-05-02", "assured_in_future"}, {"1 May", "not_a_date"}, {"2026-02-30", "not_a_date"}, {"0001-01-01", "not_a_date"},
	} {
		_, err := d.Assure(ctx, elena, doc.ID, c.on)
		wantField(t, err, "/on", c.code)
		d.refused(doc, err, content.Invalid, "invalid_content")
	}
	d.clean()
}

// Opinions, and a publication that waits for its moment, stand through a
// confirmation and through ageing. Practices have opinions; here they age too.
func TestAssureKeepsOpinions(t *testing.T) {
	d := newDesk(t)
	doc := d.service()
	_, err := d.Assure(ctx, amina, d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}).ID, "")
	wantCode(t, err, content.Conflict, "not_assurable")
	_, err = d.Age(ctx, clockwork, d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}).ID, schemas.StageHidden)
	wantCode(t, err, content.Conflict, "not_assurable")
	reg := declared(t, map[string]string{"freshness.yaml": "types:\n  - {type: practice, confirm_after: 365, remind_before: [7], escalate_after: 0, unverified_after: 30, hide_after: 90}\n"})
	if d.Service, err = content.New(d.store, reg, content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	_, err = d.Assure(ctx, amina, doc.ID, "")
	wantCode(t, err, content.Conflict, "not_assurable")
	doc = d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.step(sara, d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse"), "it", "publish")
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Orti di Prato"})
	doc = d.later(sara, doc, "it", "publish", d.now().AddDate(0, 0, 9))
	was := fmt.Sprintf("%+v", doc.Variant("it"))
	d.set(d.now().AddDate(0, 0, 1))
	doc = d.assure(amina, d.age(doc, schemas.StageHidden), "")
	if v := doc.Variant("it"); len(v.Approvals) != 1 || len(v.Schedule) != 1 || v.Live == v.Latest || fmt.Sprintf("%+v", v) != was {
		t.Errorf("%+v\nwas %s", v, was)
	}
	d.set(d.now().AddDate(0, 0, 9))
	if n, err := d.RunDue(ctx); n != 1 || err != nil {
		t.Errorf("the publication that waited: %d, %v", n, err)
	}
}

// Who may confirm, and what the others hear.
func TestWhoAssures(t *testing.T) {
	d := newDesk(t)
	doc := d.service()
	draft := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: help("title", "Bozza")})
	for _, c := range []struct {
		actor content.Actor
		class content.Class // of the answer about the live one; empty: done
		draft content.Class
	}{
		{content.Actor{}, content.Unauthenticated, content.Unauthenticated},
		{bruno, content.NotFound, content.NotFound},
		{marco, content.NotFound, content.NotFound},
		{yusuf, content.Forbidden, content.NotFound},
		{amina, "", ""},
		{rita, "", content.NotFound},
		{sara, "", content.NotFound},
		{elena, "", ""},
		{director, "", ""},
		{clockwork, "", ""},
	} {
		d.set(d.now().AddDate(0, 0, 1))
		for id, want := range map[string]content.Class{doc.ID: c.class, draft.ID: c.draft} {
			out, err := d.Assure(ctx, c.actor, id, "")
			if p := content.AsProblem(err); (p == nil) != (want == "") || p != nil && p.Class != want {
				t.Errorf("%s: %v, want %q", c.actor.ID, err, want)
			}
			if err == nil && out.Assured.By != c.actor.ID {
				t.Errorf("%s: by %s", c.actor.ID, out.Assured.By)
			}
			if c.actor.ID == "" {
				continue
			}
			// What is offered is what is accepted.
			seen, getErr := d.Get(ctx, c.actor, id)
			if getErr != nil {
				continue
			}
			if p, permErr := d.Permissions(ctx, c.actor, seen, "it"); permErr != nil || p.Assure != (err == nil) {
				t.Errorf("%s is offered it: %t (%v), and hears %v", c.actor.ID, p.Assure, permErr, err)
			}
		}
	}
	d.clean()
}

// What grows old is told of in steps, by nobody but the system; what nobody
// confirms is hidden in every language, and comes back when somebody does. A draft
// that waits is left alone.
func TestAge(t *testing.T) {
	d := newDesk(t)
	doc := d.service()
	doc = d.step(rita, d.add(elena, doc, "en", map[string]any{"title": "Desk"}), "en", "publish")
	doc = d.step(amina, d.edit(amina, doc, "it", map[string]any{"title": "In attesa"}), "it", "submit")
	was := d.at(doc)
	untouched := func(doc *content.Document) {
		t.Helper()
		for _, locale := range []string{"it", "en"} {
			if fmt.Sprintf("%+v", doc.Variant(locale)) != fmt.Sprintf("%+v", was.Variant(locale)) {
				t.Errorf("%s: %+v", locale, doc.Variant(locale))
			}
		}
		if !doc.UpdatedAt.Equal(was.UpdatedAt) || doc.LiveShared != was.LiveShared {
			t.Error("ageing changed more than the stage")
		}
		d.clean()
	}
	for _, a := range []content.Actor{amina, rita, elena, director} {
		_, err := d.Age(ctx, a, doc.ID, schemas.StageHidden)
		d.refused(doc, err, content.Forbidden, "forbidden")
	}
	_, err := d.Age(ctx, clockwork, doc.ID, "old")
	d.refused(doc, err, content.Invalid, "invalid_content")
	for _, c := range []struct {
		stage  schemas.Stage
		effect string
		term   string
	}{
		{schemas.StageUnverified, "published", "unverified"}, {schemas.StageHidden, "withdrawn", "hidden"},
		{schemas.StageUnverified, "published", "unverified"}, {schemas.StageHidden, "withdrawn", "hidden"},
	} {
		before := doc.Version
		doc = d.age(doc, c.stage)
		d.wantTold(doc, before, "aged en  "+c.effect, "aged it  "+c.effect)
		if again := d.age(doc, c.stage); again.Version != doc.Version {
			t.Error("the same stage again is a new version")
		}
		if doc.Assured.Stage != c.stage || doc.Assured.On != "2026-03-01" || doc.Hidden() != (c.stage == schemas.StageHidden) || terms(doc, "assured:") != c.term {
			t.Errorf("%s: %+v, %v", c.stage, doc.Assured, doc.Keys.Terms)
		}
		untouched(doc)
	}
	for stage, want := range map[string]int{"hidden": 1, "current": 0} {
		if list, err := d.List(ctx, elena, content.Filter{Assured: stage}); err != nil || len(list) != want {
			t.Errorf("%d documents are %s (%v)", len(list), stage, err)
		}
	}
	before := doc.Version
	doc = d.assure(amina, doc, "")
	d.wantTold(doc, before, "assured en  published", "assured it  published")
	if doc.Hidden() || terms(doc, "assured:") != "current" {
		t.Errorf("%+v %v", doc.Assured, doc.Keys.Terms)
	}
	untouched(doc)
}

// While a document is hidden nothing of it is told as public, whatever is done to
// it; a publication by people confirms it, and brings all its languages back.
func TestHiddenStaysHidden(t *testing.T) {
	d := newDesk(t)
	doc := d.service()
	doc = d.step(rita, d.add(elena, doc, "en", map[string]any{"title": "Desk"}), "en", "publish")
	doc = d.age(doc, schemas.StageHidden)
	before := doc.Version
	res, err := d.Import(ctx, elena, []content.Incoming{{Type: "service", ID: doc.ID, Variants: []content.IncomingVariant{
		{Locale: "it", Fields: help(), PublishedAt: d.now().AddDate(-1, 0, 0), State: "published"},
	}}}, false)
	if err != nil || res[0].Outcome != content.Changed {
		t.Fatal(err, res)
	}
	d.wantTold(doc, before, "edited it  withdrawn")
	d.clean()
	before = d.at(doc).Version
	doc = d.step(rita, d.edit(amina, d.at(doc), "it", map[string]any{"title": "Nuovo"}), "it", "publish")
	d.wantTold(doc, before, "edited it", "assured en  published", "assured it  published", "transition it publish published")
	d.clean()
	doc = d.age(doc, schemas.StageHidden)
	before = doc.Version
	doc = d.step(sara, doc, "it", "withdraw")
	d.wantTold(doc, before, "transition it withdraw withdrawn")
	d.clean()
}

// What nobody ever confirmed may be called unverified, and no more is known of it.
func TestAgeOfWhatNobodyAssured(t *testing.T) {
	d := newDesk(t)
	res := d.importing(content.System("import"), content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Fields: help(), Publish: true}}})
	doc := d.at(&content.Document{ID: res[0].Document})
	if doc.Assured != nil || terms(doc, "assured:") != "" {
		t.Fatalf("an import confirmed something: %+v", doc.Assured)
	}
	doc = d.age(doc, schemas.StageUnverified)
	if *doc.Assured != (content.Assurance{Stage: schemas.StageUnverified}) || !doc.Assured.Day().IsZero() {
		t.Errorf("%+v", doc.Assured)
	}
	if doc = d.age(doc, schemas.StageCurrent); doc.Assured != nil {
		t.Errorf("%+v", doc.Assured)
	}
	d.clean()
}

// What was written before confirmations were known is as good as it was: nothing of
// it is wrong, and it can be confirmed.
func TestStoreOfBeforeAssurance(t *testing.T) {
	d := newDesk(t)
	now := d.Service
	var err error
	if d.Service, err = content.New(d.store, declared(t, map[string]string{"freshness.yaml": "types: []\n"}), content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	doc := d.service()
	if doc.Assured != nil || terms(doc, "assured:") != "" {
		t.Fatalf("%+v %v", doc.Assured, doc.Keys.Terms)
	}
	d.Service = now
	d.clean()
	if doc = d.age(doc, schemas.StageUnverified); terms(doc, "assured:") != "unverified" {
		t.Errorf("%v", doc.Keys.Terms)
	}
	if doc = d.assure(amina, doc, ""); doc.Assured.On != "2026-03-01" || terms(doc, "assured:") != "current" {
		t.Errorf("%+v %v", doc.Assured, doc.Keys.Terms)
	}
	d.clean()
}

// What was confirmed on a day that has not come, by a clock that was wrong, can be
// confirmed again.
func TestAssureAfterAWrongClock(t *testing.T) {
	d := newDesk(t)
	now := d.now()
	doc, brought := d.service("title", "Uno"), d.service("title", "Due")
	d.set(now.AddDate(9, 0, 0))
	doc, brought = d.assure(amina, doc, ""), d.assure(amina, brought, "")
	d.set(now)
	if doc = d.assure(amina, doc, ""); doc.Assured.On != "2026-03-01" {
		t.Errorf("%+v", doc.Assured)
	}
	d.importing(content.System("import"), content.Incoming{Type: "service", ID: brought.ID, AssuredDate: "2026-02-01", Variants: []content.IncomingVariant{{Locale: "it", Fields: help("title", "Due"), Publish: true}}})
	if brought = d.at(brought); brought.Assured.On != "2026-02-01" {
		t.Errorf("%+v", brought.Assured)
	}
	d.clean()
}

// A confirmation and an edit at once: both happen, and the editor's view holds.
func TestAssureBesideAnEditor(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	doc := d.service()
	d.set(d.now().AddDate(0, 0, 1))
	h.once(func() { d.assure(sara, doc, "") })
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Nuovo"})
	if doc.Assured.On != "2026-03-02" || doc.Variant("it").Title != "Nuovo" {
		t.Errorf("%+v %+v", doc.Assured, doc.Variant("it"))
	}
	d.clean()
}

// An import brings the day of the last confirmation, never sets it back, and is
// nothing new the second time.
func TestImportAssured(t *testing.T) {
	d := newDesk(t)
	in := func(on string, locales ...string) content.Incoming {
		out := content.Incoming{Type: "service", AssuredDate: on}
		for _, l := range locales {
			out.Variants = append(out.Variants, content.IncomingVariant{Locale: l, Slug: "sportello", Fields: help(), Publish: true})
		}
		return out
	}
	for _, c := range []struct {
		on      string
		outcome content.Outcome
		want    string
	}{
		{"2025-01-31", content.Created, "2025-01-31"},
		{"2025-01-31", content.Unchanged, "2025-01-31"},
		{"", content.Unchanged, "2025-01-31"},
		{"2024-01-31", content.Unchanged, "2025-01-31"},
		{"2026-03-01", content.Changed, "2026-03-01"},
		{"2026-03-02", content.Refused, "2026-03-01"},
		{"soon", content.Refused, "2026-03-01"},
	} {
		dry, err := d.Import(ctx, content.System("import"), []content.Incoming{in(c.on, "it", "en")}, true)
		if err != nil {
			t.Fatal(err)
		}
		res, err := d.Import(ctx, content.System("import"), []content.Incoming{in(c.on, "it", "en")}, false)
		if err != nil || res[0].Outcome != c.outcome || dry[0].Outcome != c.outcome {
			t.Fatalf("%s: %v %+v, dry %+v", c.on, err, res, dry)
		}
		if c.outcome == content.Refused {
			wantField(t, errors.Join(res[0].Problem), "/assured_date", map[string]string{"soon": "not_a_date"}[c.on]+map[string]string{"2026-03-02": "assured_in_future"}[c.on])
		}
		docs, err := d.List(ctx, elena, content.Filter{Type: "service"})
		if err != nil || len(docs) != 1 || docs[0].Assured == nil || docs[0].Assured.On != c.want {
			t.Fatalf("%s: %v %+v", c.on, err, docs[0].Assured)
		}
		if c.on == "2026-03-01" {
			if len(res[0].Changes) != 1 || string(res[0].Changes[0].Before) != `"2025-01-31"` || res[1].Outcome != content.Unchanged {
				t.Errorf("%+v", res)
			}
			d.wantTold(docs[0], docs[0].Version-1, "assured en  published", "assured it  published")
		}
		d.clean()
	}
	res := d.importing(elena, content.Incoming{Type: "article", AssuredDate: "2026-03-01", Variants: article("uno", "it").Variants})
	if res[0].Outcome != content.Refused || res[0].Problem.Code != "not_assurable" {
		t.Errorf("%+v", res)
	}
}

// An import changes what is live and belongs to an organisation only as a draft of
// its owner's; what is new, or nobody's, or not for review, goes on the air.
func TestImportForReview(t *testing.T) {
	d := newDesk(t)
	doc := d.service()
	live := doc.Variant("it").Live
	bring := func(in content.Incoming) []content.ImportResult {
		t.Helper()
		res, err := d.Import(ctx, content.System("import"), []content.Incoming{in}, false)
		if err != nil {
			t.Fatal(err)
		}
		d.clean()
		return res
	}
	to := func(id string, variants ...content.IncomingVariant) content.Incoming {
		return content.Incoming{Type: "service", ID: id, Owner: "orti-insieme", Variants: variants}
	}
	variant := func(locale, title string) content.IncomingVariant {
		return content.IncomingVariant{Locale: locale, Fields: help("title", title), Publish: true}
	}
	want := func(res []content.ImportResult, at int, outcome content.Outcome, queued bool) {
		t.Helper()
		if r := res[at]; r.Outcome != outcome || r.Queued != queued {
			t.Errorf("%s %s, queued %t; want %s, %t (%v)", r.Locale, r.Outcome, r.Queued, outcome, queued, r.Problem)
		}
	}
	// What is public already is nobody's work.
	want(bring(to(doc.ID, variant("it", "Sportello"))), 0, content.Unchanged, false)
	// A change, and a new language, wait.
	res := bring(to(doc.ID, variant("it", "Dal censimento"), variant("en", "From the survey")))
	want(res, 0, content.Changed, true)
	want(res, 1, content.Created, true)
	doc = d.at(doc)
	if it, en := doc.Variant("it"), doc.Variant("en"); it.Live != live || it.State != "draft" || it.Title != "Dal censimento" || !en.Live.IsZero() || en.State != "draft" {
		t.Errorf("%+v\n%+v", it, en)
	}
	// The same again says so again; what is public does not set the draft back.
	want(bring(to(doc.ID, variant("it", "Dal censimento"))), 0, content.Unchanged, true)
	want(bring(to(doc.ID, variant("it", "Sportello"))), 0, content.Unchanged, false)
	// Neither a state nor a moment leads past the owner.
	state := variant("it", "Per stato")
	state.Publish, state.State = false, "published"
	want(bring(to(doc.ID, state)), 0, content.Changed, true)
	later := variant("it", "Per orario")
	later.Publish, later.PublishAt = false, d.now().Add(time.Hour)
	want(bring(to(doc.ID, later)), 0, content.Changed, true)
	if it := d.at(doc).Variant("it"); len(it.Schedule) != 0 || it.Live != live {
		t.Errorf("%+v", it)
	}
	// To take it from the public is no publication.
	ended := variant("it", "Per orario")
	ended.ExpireAt = d.now().Add(-time.Hour)
	want(bring(to(doc.ID, ended)), 0, content.Changed, false)
	if it := d.at(doc).Variant("it"); !it.Live.IsZero() {
		t.Errorf("%+v", it)
	}
	// Not live any more: published as ever.
	want(bring(to(doc.ID, variant("it", "Di nuovo"))), 0, content.Changed, false)
	if it := d.at(doc).Variant("it"); it.Live.IsZero() || it.Live != it.Latest {
		t.Errorf("%+v", it)
	}
	// A dry run says the same, and a new document is nobody's yet.
	dry, err := d.Import(ctx, content.System("import"), []content.Incoming{to(doc.ID, variant("it", "Prova"))}, true)
	if err != nil {
		t.Fatal(err)
	}
	want(dry, 0, content.Changed, true)
	fresh := to("", variant("it", "Nuovissimo"))
	fresh.Variants[0].Slug = "nuovissimo"
	want(bring(fresh), 0, content.Created, false)
	nobodys := content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Slug: "di-nessuno", Fields: help("title", "Di nessuno"), Publish: true}}}
	want(bring(nobodys), 0, content.Created, false)
	nobodys.Variants[0].Fields = help("title", "Di nessuno, mai")
	want(bring(nobodys), 0, content.Changed, false)
}
