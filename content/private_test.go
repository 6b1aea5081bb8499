package content_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// The street of a shelter, and what is in the answers to those who may know it.
const street = "Via delle Rose"

func shelter(more ...any) map[string]any {
	return help(append([]any{"title", "Casa rifugio", "places", []any{map[string]any{
		"label": "Casa", "address": street + " 12", "municipality": "100005", "lat": 43.87123, "lon": 11.09321,
	}}}, more...)...)
}

// Declaring a document sensitive holds at once and is told for every live variant;
// taking it back holds when it is published, and not before the newest facts are.
// While it is sensitive each change of the facts is told, in whatever draft: their
// places too must not be read in the public's texts.
func TestSensitiveAtOnce(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter()})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "publish")
	doc = d.step(rita, d.add(elena, doc, "en", map[string]any{"title": "House"}), "en", "publish")
	live := doc.LiveShared
	if doc.Sensitive {
		t.Fatal("nobody said so")
	}
	now := func(what string, sensitive bool, news ...string) {
		t.Helper()
		if doc.Sensitive != sensitive {
			t.Errorf("%s: sensitive is %t", what, doc.Sensitive)
		}
		d.wantTold(doc, doc.Version-1, news...)
		d.clean()
	}
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": true})
	now("declared in a draft", true, "edited it", "sensitive en  published", "sensitive it  published")
	if doc.LiveShared != live {
		t.Error("the draft was published")
	}
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": false})
	now("taken back in a draft", true, "edited it", "sensitive en  published", "sensitive it  published")
	// The newest facts are published with whatever language.
	doc = d.step(rita, d.edit(elena, d.at(doc), "en", map[string]any{"summary": "x"}), "en", "publish")
	now("the newest facts published, and they say no", false, "transition en publish published", "sensitive en  published", "sensitive it  published")
	doc = d.step(rita, doc, "it", "publish")
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": true})
	doc = d.step(rita, doc, "it", "publish")
	now("published", true, "transition it publish published")
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": nil})
	now("no more, in a draft", true, "edited it", "sensitive en  published", "sensitive it  published")
	doc = d.step(rita, doc, "it", "publish")
	now("no more, published", false, "transition it publish published", "sensitive en  published", "sensitive it  published")
}

// A publication of facts that newer ones wait behind does not take it back.
func TestSensitiveUntilTheNewestFacts(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter()})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "publish")
	doc = d.add(elena, doc, "en", map[string]any{"title": "House"}) // with the facts of before
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": true})
	doc = d.step(rita, doc, "en", "publish")
	if !doc.Sensitive {
		t.Fatal("the facts of before were published, and the newest say that it is sensitive")
	}
	d.clean()
}

// A document is not complete while its own words give the address away; so in a
// language whose revision does not know yet that it is sensitive.
func TestRevealedIsNotComplete(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter("summary", "Siamo in via delle rose, 12.")})
	doc = d.add(amina, doc, "en", map[string]any{"title": "House", "body": "Come to " + street + " 12."})
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": true})
	for locale, path := range map[string]string{"it": "/summary", "en": "/body"} {
		_, err := d.Transition(ctx, amina, doc.ID, locale, "*", content.Step{Name: "submit"})
		d.refused(doc, err, content.Invalid, "guard_complete")
		wantField(t, err, path, "address_in_text")
		p, err := d.Permissions(ctx, amina, doc, locale)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Actions, func(a content.PermittedAction) bool { return a.Name == "submit" })
		if i < 0 || p.Actions[i].Blocked != "complete" || !slices.ContainsFunc(p.Actions[i].Missing, func(is schemas.Issue) bool { return is.Path == path }) {
			t.Errorf("%s: %+v", locale, p.Actions)
		}
	}
	// The address of its page is such a word.
	summary := map[string]any{"summary": "Chiamateci."}
	doc, err := d.Edit(ctx, amina, doc.ID, "it", "*", content.Edit{Fields: summary, Slug: "casa-via-delle-rose-12"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Transition(ctx, amina, doc.ID, "it", "*", content.Step{Name: "submit"})
	d.refused(doc, err, content.Invalid, "guard_complete")
	wantField(t, err, "/slug", "address_in_text")
	if doc, err = d.Edit(ctx, amina, doc.ID, "it", "*", content.Edit{Fields: summary, Slug: "la-casa"}); err != nil {
		t.Fatal(err)
	}
	d.step(amina, doc, "it", "submit")
	// Once it is said again that it is no secret, the words may stay.
	doc = d.edit(elena, d.step(elena, d.at(doc), "it", "recall"), "it", map[string]any{"sensitive": nil})
	doc = d.edit(elena, doc, "en", map[string]any{"summary": "x"})
	d.step(amina, doc, "en", "submit")
	d.clean()
}

// Who sees a sensitive document for its translation only never gets the address,
// whatever is asked; the organisation, its councils and the newsroom do.
func TestWhoKnowsTheAddress(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter()})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "publish") // the address is known
	doc = d.add(yusuf, doc, "ar", map[string]any{"title": "بيت"})
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": true}) // no more
	doc = d.step(amina, doc, "it", "submit")                          // so that its newest revision shows its own facts
	both := person("both", "translator@ar", "contributor@orti-insieme")
	for _, c := range []struct {
		actor content.Actor
		knows bool
	}{{amina, true}, {rita, true}, {sara, true}, {elena, true}, {director, true}, {both, true}, {yusuf, false}, {person("eva", "translator@en"), false}} {
		var answers []any
		add := func(v any, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", c.actor.ID, describe(err))
			}
			answers = append(answers, v)
		}
		seen, err := d.Get(ctx, c.actor, doc.ID)
		add(seen, err)
		got, latest, err := d.Latest(ctx, c.actor, doc.ID, "it")
		add([]any{got, latest}, err)
		_, latest, err = d.Latest(ctx, c.actor, doc.ID, "ar")
		add(latest, err)
		for n := 1; n <= 2; n++ {
			r, err := d.RevisionAt(ctx, c.actor, doc.ID, "it", n)
			add(r, err)
		}
		history, err := d.History(ctx, c.actor, doc.ID, "it", 0, 10)
		add(history, err)
		changes, err := d.Compare(ctx, c.actor, doc.ID, "it", 0, 2)
		add(changes, err)
		list, err := d.List(ctx, c.actor, content.Filter{})
		add(list, err)
		p, err := d.Permissions(ctx, c.actor, seen, "it")
		add(p, err)
		events, err := d.Events(ctx, c.actor, doc.ID, 0, 100)
		add(events, err)
		for i, a := range answers {
			data, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			tells := strings.Contains(string(data), street) || strings.Contains(string(data), "43.87123") || strings.Contains(string(data), "11.09321")
			if tells && !c.knows || c.knows && !tells && i < 8 {
				t.Errorf("%s, answer %d: told %t: %s", c.actor.ID, i, tells, data)
			}
		}
	}
	// Nor does what a translation answers; and nothing is lost by it.
	out, err := d.Edit(ctx, yusuf, doc.ID, "ar", "*", content.Edit{Fields: map[string]any{"title": "البيت"}})
	if err != nil || strings.Contains(string(out.Shared), street) {
		t.Errorf("%v %s", err, out.Shared)
	}
	out, err = d.Restore(ctx, yusuf, doc.ID, "ar", "*", 1, "")
	if err != nil || strings.Contains(string(out.Shared), street) {
		t.Errorf("%v %s", err, out.Shared)
	}
	if now := d.at(doc); !strings.Contains(string(now.Shared), street) {
		t.Errorf("the address is lost: %s", now.Shared)
	}
	_, err = d.Assure(ctx, yusuf, doc.ID, "")
	wantCode(t, err, content.Forbidden, "forbidden")
	// What was a secret once may be one still: the former address of a shelter that
	// has moved and now is none.
	doc = d.at(doc)
	doc = d.step(rita, doc, "it", "publish")
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": nil, "places": []any{map[string]any{"label": "Ufficio", "address": "Piazza Duomo 1", "municipality": "100005"}}})
	doc = d.step(rita, doc, "it", "publish")
	for n, tells := range map[int]bool{2: false, 3: true} {
		r, err := d.RevisionAt(ctx, yusuf, doc.ID, "it", n)
		if err != nil || strings.Contains(string(r.Shared), "address") != tells {
			t.Errorf("revision %d: %v %s", n, err, r.Shared)
		}
	}
	d.clean()
}

// Who declares a shelter sensitive often takes its address away at once. It is a
// secret still: no language is published that says it, in whatever revision it was
// the document's.
func TestFormerAddressIsNotComplete(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter("summary", "Siamo in via delle rose, 12.")})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "publish")
	doc = d.add(elena, doc, "en", map[string]any{"title": "House", "summary": "Come to " + street + " 12."})
	away := map[string]any{"sensitive": true, "places": []any{map[string]any{"municipality": "100005"}}}
	doc = d.edit(amina, doc, "it", away)
	for _, locale := range []string{"it", "en"} {
		_, err := d.Transition(ctx, elena, doc.ID, locale, "*", content.Step{Name: "publish"})
		d.refused(doc, err, content.Invalid, "guard_complete")
		wantField(t, err, "/summary", "address_in_text")
	}
	doc = d.step(rita, d.edit(amina, doc, "it", map[string]any{"summary": "Chiamateci."}), "it", "publish")
	doc = d.edit(elena, doc, "en", map[string]any{"title": "Home"}) // with facts that never had an address
	_, err := d.Transition(ctx, elena, doc.ID, "en", "*", content.Step{Name: "publish"})
	d.refused(doc, err, content.Invalid, "guard_complete")
	// An import is no way around.
	variants := []content.IncomingVariant{
		{Locale: "it", Slug: "casa", Fields: shelter("sensitive", true)},
		{Locale: "it", Slug: "casa", Fields: help("sensitive", true, "summary", street+" 12")},
		{Locale: "it", Slug: "casa", Fields: help("sensitive", true, "summary", street+" 12"), Publish: true},
	}
	for n, outcome := range []content.Outcome{content.Created, content.Changed, content.Refused} {
		fields := variants[n].Fields
		if n > 0 {
			fields["places"] = nil
		}
		res := d.importing(elena, content.Incoming{Type: "service", Variants: variants[n : n+1]})
		if res[0].Outcome != outcome {
			t.Errorf("import %d: %+v", n, res)
		}
	}
	d.clean()
}

// What people write beside the content is no way to the address either: titles,
// names of pages, notes, comments.
func TestWordsBesideTheContent(t *testing.T) {
	d := newDesk(t)
	at := street + " 12"
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter("title", "Casa di "+at), Slug: "casa-via-delle-rose-12", Note: "In " + at})
	doc, err := d.Transition(ctx, amina, doc.ID, "it", "*", content.Step{Name: "submit", Comment: "Vicino a " + at})
	if err != nil {
		t.Fatal(err)
	}
	doc = d.step(rita, doc, "it", "publish")
	doc = d.add(yusuf, doc, "ar", map[string]any{"title": "بيت"})
	doc = d.edit(amina, doc, "it", map[string]any{"sensitive": true, "places": nil})
	for _, c := range []struct {
		actor content.Actor
		knows bool
	}{{amina, true}, {yusuf, false}} {
		seen, err := d.Get(ctx, c.actor, doc.ID)
		if err != nil {
			t.Fatal(err)
		}
		history, err := d.History(ctx, c.actor, doc.ID, "it", 0, 9)
		if err != nil {
			t.Fatal(err)
		}
		events, err := d.Events(ctx, c.actor, doc.ID, 0, 99)
		if err != nil {
			t.Fatal(err)
		}
		it := seen.Variant("it")
		words := []string{it.Title, it.Slug, history[1].Note, history[1].Slug, string(history[0].Localized), ""}
		for _, e := range events {
			words[5] += e.Comment
		}
		for i, w := range words {
			if tells := strings.Contains(strings.ReplaceAll(strings.ToLower(w), "-", " "), strings.ToLower(at)); tells != c.knows {
				t.Errorf("%s, %d: %q", c.actor.ID, i, w)
			}
		}
	}
	if strings.Contains(d.at(doc).Variant("it").Title, "…") {
		t.Error("the store was changed")
	}
	d.clean()
}

// What goes for another takes its secret along: the places chosen may be its own.
func TestMergeOfWhatIsSensitive(t *testing.T) {
	d := newDesk(t)
	for what, c := range map[string]struct {
		keep, gone bool
		fields     map[string]any
		sensitive  bool
	}{
		"the one that goes":              {false, true, nil, true},
		"though somebody chose not":      {false, true, map[string]any{"sensitive": false, "website": "https://due.example.org"}, true},
		"the one that stays":             {true, false, nil, true},
		"neither, and values are chosen": {false, false, map[string]any{"website": "https://due.example.org"}, false},
	} {
		keep, gone := d.service("title", "Uno "+what, "sensitive", c.keep), d.service("title", "Due "+what, "sensitive", c.gone)
		m := merging(keep, gone)
		m.Fields = map[string]map[string]any{"": c.fields}
		out := d.merge(sara, m)
		if out.Sensitive != c.sensitive || strings.Contains(string(out.Shared), `"sensitive":true`) != c.sensitive || out.LiveShared != keep.LiveShared {
			t.Errorf("%s: %t %s", what, out.Sensitive, out.Shared)
		}
		if again := d.merge(sara, m); again.Version != out.Version {
			t.Errorf("%s: again is a new version", what)
		}
	}
	// Where the one that went was is the secret of the one that stays.
	keep, gone := d.service("title", "Resta", "sensitive", true), d.service("title", "Va", "places", shelter()["places"])
	d.merge(sara, merging(keep, gone))
	keep = d.edit(amina, d.at(keep), "it", map[string]any{"summary": "In " + street + " 12."})
	_, err := d.Transition(ctx, rita, keep.ID, "it", "*", content.Step{Name: "publish"})
	d.refused(keep, err, content.Invalid, "guard_complete")
	wantField(t, err, "/summary", "address_in_text")
	d.clean()
}

// A file does not make public where a shelter is, whoever brings it and whomever the
// document belongs to: that waits for people.
func TestImportDoesNotUnveil(t *testing.T) {
	d := newDesk(t)
	bring := func(more ...any) content.ImportResult {
		t.Helper()
		return d.importing(content.System("import"), content.Incoming{Type: "service", Variants: []content.IncomingVariant{
			{Locale: "it", Slug: "casa", Fields: shelter(more...), Publish: true},
		}})[0]
	}
	res := bring("sensitive", true)
	doc := d.at(&content.Document{ID: res.Document})
	if res.Queued || !doc.Sensitive || !doc.Live() {
		t.Fatalf("%+v %+v", res, doc)
	}
	if res = bring("sensitive", true, "website", "https://casa.example.org"); res.Queued || d.at(doc).Variant("it").Live.Number != 2 {
		t.Errorf("a change that hides as before: %+v", res)
	}
	for range 2 {
		if res = bring("sensitive", false); !res.Queued {
			t.Errorf("%+v", res)
		}
	}
	if now := d.at(doc); !now.Sensitive || now.Variant("it").Live.Number != 2 {
		t.Errorf("%+v", now)
	}
	if doc = d.step(elena, d.at(doc), "it", "publish"); doc.Sensitive {
		t.Error("people could not either")
	}
	d.clean()
}

// Who may change a document but not know its places, as a policy may have it,
// brings back an earlier revision without losing them.
func TestRestoreKeepsWhatOneMayNotSee(t *testing.T) {
	d := newDesk(t)
	policy, err := fs.ReadFile(schemas.Files, "access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(policy), "  - action: document.places\n    allow:\n")
	strict := before + "  - action: document.places\n    allow:\n      - {role: administrator}\n" + rest[strings.Index(rest, "  # To say that all is still right"):]
	if d.Service, err = content.New(d.store, declared(t, map[string]string{"access.yaml": strict}), content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	doc := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: shelter("sensitive", true)})
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Altro"})
	if strings.Contains(string(doc.Shared), street) {
		t.Fatalf("amina sees %s", doc.Shared)
	}
	if doc, err = d.Restore(ctx, amina, doc.ID, "it", "*", 1, ""); err != nil {
		t.Fatal(describe(err))
	}
	if now := d.at(doc); now.Variant("it").Title != "Casa rifugio" || !strings.Contains(string(now.Shared), street) {
		t.Errorf("%s: %s", now.Variant("it").Title, now.Shared)
	}
}
