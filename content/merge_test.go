package content_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/mongoengine"
	"github.com/prassi-cms/prassi/schemas"
)

var whatever = map[string]string{"*": "*"}

// etags is what somebody sees of a document.
func etags(doc *content.Document) map[string]string {
	out := map[string]string{}
	for _, v := range doc.Variants {
		out[v.Locale] = doc.ETag(v.Locale)
	}
	return out
}

// merge of what is there now.
func merging(keep, gone *content.Document) content.Merge {
	return content.Merge{Keep: keep.ID, Gone: gone.ID, KeepETags: etags(keep), GoneETags: etags(gone)}
}

func (d *desk) merge(a content.Actor, m content.Merge) *content.Document {
	d.t.Helper()
	out, err := d.Merge(ctx, a, m)
	if err != nil {
		d.t.Fatalf("merge by %s: %v", a.ID, describe(err))
	}
	return out
}

// The chosen values wait in the one that stays as a draft; the other is withdrawn
// in every language, waits for nothing, keeps its history and its addresses, and
// leads to the one that stays.
func TestMerge(t *testing.T) {
	d := newDesk(t)
	keep := d.service("title", "Sportello uno", "website", "https://uno.example.org")
	gone := d.service("title", "Sportello due", "website", "https://due.example.org")
	gone = d.step(rita, d.add(elena, gone, "en", map[string]any{"title": "Desk two", "summary": "Two"}), "en", "publish")
	gone = d.add(elena, gone, "fr", map[string]any{"title": "Guichet"})
	gone = d.edit(amina, gone, "it", map[string]any{"title": "Sportello due e mezzo"})
	gone = d.later(rita, gone, "it", "publish", d.now().Add(time.Hour))
	live, slugs := keep.Variant("it").Live, gone.Keys.Slugs
	m := merging(keep, gone)
	m.Comment = "Lo stesso sportello."
	m.Fields = map[string]map[string]any{
		"":   {"website": "https://due.example.org"},
		"it": {"summary": "Da tutti e due"},
		"en": {"title": "Desk two", "summary": "Two"},
	}
	out := d.merge(sara, m)
	d.clean()
	was := keep.Version
	keep, gone = d.at(keep), d.at(gone)
	if out.ID != keep.ID || out.Version != keep.Version || keep.Version != was+1 {
		t.Errorf("answered %s at %d; it was at %d, is at %d", out.ID, out.Version, was, keep.Version)
	}
	it, en := keep.Variant("it"), keep.Variant("en")
	if it.Live != live || it.State != "draft" || keep.LiveShared != live || en == nil || en.State != "draft" || !en.Live.IsZero() {
		t.Errorf("the one that stays: %+v\n%+v", it, en)
	}
	_, latest, err := d.Latest(ctx, amina, keep.ID, "it")
	if err != nil {
		t.Fatal(err)
	}
	values, err := latest.Values()
	if err != nil || values["website"] != "https://due.example.org" || values["summary"] != "Da tutti e due" || values["title"] != "Sportello uno" {
		t.Errorf("%v %v", err, values)
	}
	d.wantTold(keep, was, "edited it", "created en", "merged it")
	if gone.MergedInto != keep.ID || !slices.Equal(keep.MergedFrom, []string{gone.ID}) || gone.Live() || !slices.Equal(gone.Keys.Slugs, slugs) {
		t.Errorf("%+v", gone)
	}
	d.wantTold(gone, gone.Version-1, "merged en  withdrawn", "unscheduled it publish", "merged it  withdrawn")
	if en, it, fr := gone.Variant("en"), gone.Variant("it"), gone.Variant("fr"); en.State != "withdrawn" || it.State != "draft" || len(it.Schedule) > 0 || fr.State != "draft" || it.Title != "Sportello due e mezzo" {
		t.Errorf("%+v", gone.Variants)
	}
	for id, other := range map[string]string{keep.ID: gone.ID, gone.ID: keep.ID} {
		events, err := d.Events(ctx, sara, id, 0, 1)
		if err != nil || events[0].Kind != content.EventMerged || events[0].Other != other || events[0].Comment != m.Comment || events[0].Grant != "secretary@100" || events[0].Actor != sara.ID {
			t.Errorf("%v %+v", err, events)
		}
	}
	// It is found by what it was merged into, and listed nowhere else.
	ids := func(f content.Filter) (out []string) {
		list, err := d.List(ctx, elena, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range list {
			out = append(out, doc.ID)
		}
		return out
	}
	if got := ids(content.Filter{MergedInto: keep.ID}); !slices.Equal(got, []string{gone.ID}) {
		t.Errorf("merged into it: %v", got)
	}
	if got := ids(content.Filter{}); !slices.Equal(got, []string{keep.ID}) {
		t.Errorf("listed: %v", got)
	}
	if h, err := d.History(ctx, amina, gone.ID, "it", 0, 9); err != nil || len(h) != 2 {
		t.Errorf("history: %v %v", h, err)
	}
	// A reference to it is one to the one that stays.
	res := d.importing(content.System("import"), content.Incoming{Type: "article", Variants: []content.IncomingVariant{
		{Locale: "it", Fields: map[string]any{"title": "Articolo", "related": []any{gone.ID, "service/" + gone.Variant("it").Slug}}},
	}})
	if doc := d.at(&content.Document{ID: res[0].Document}); string(doc.Shared) != fmt.Sprintf(`{"related":[%q]}`, keep.ID) {
		t.Errorf("%s", doc.Shared)
	}
}

// What was merged away changes no more, by any door.
func TestMergedAway(t *testing.T) {
	d := newDesk(t)
	keep, gone := d.service("title", "Uno"), d.service("title", "Due")
	gone = d.later(amina, gone, "it", "withdraw", d.now().Add(time.Hour))
	first := gone.Variant("it").Latest.Number
	d.merge(elena, merging(keep, gone))
	gone = d.at(gone)
	d.set(d.now().Add(2 * time.Hour))
	if n, err := d.RunDue(ctx); n != 0 || err != nil {
		t.Errorf("something was due: %d %v", n, err)
	}
	third := d.service("title", "Tre")
	for what, do := range map[string]func() error{
		"edit": func() error {
			_, err := d.Edit(ctx, elena, gone.ID, "it", "*", content.Edit{Fields: map[string]any{"title": "x"}})
			return err
		},
		"publish": func() error {
			_, err := d.Transition(ctx, elena, gone.ID, "it", "*", content.Step{Name: "publish"})
			return err
		},
		"schedule": func() error {
			_, err := d.Transition(ctx, elena, gone.ID, "it", "*", content.Step{Name: "publish", At: d.now().Add(time.Hour)})
			return err
		},
		"unschedule": func() error {
			_, err := d.Unschedule(ctx, elena, gone.ID, "it", "*", "withdraw")
			return err
		},
		"translate": func() error {
			_, err := d.AddVariant(ctx, elena, gone.ID, "*", content.NewVariant{Locale: "en", Fields: map[string]any{"title": "x"}})
			return err
		},
		"restore": func() error { _, err := d.Restore(ctx, elena, gone.ID, "it", "*", first, ""); return err },
		"discard": func() error { return d.Discard(ctx, elena, gone.ID, "*") },
		"assure":  func() error { _, err := d.Assure(ctx, elena, gone.ID, ""); return err },
		"age":     func() error { _, err := d.Age(ctx, clockwork, gone.ID, schemas.StageHidden); return err },
		"merge elsewhere": func() error {
			_, err := d.Merge(ctx, elena, merging(third, gone))
			return err
		},
		"keep it": func() error { _, err := d.Merge(ctx, elena, merging(gone, third)); return err },
		"the other way round": func() error {
			_, err := d.Merge(ctx, elena, merging(gone, d.at(keep)))
			return err
		},
		"import": func() error {
			res := d.importing(content.System("import"), content.Incoming{Type: "service", ID: gone.ID, Variants: []content.IncomingVariant{{Locale: "it", Fields: help("title", "x")}}})
			return errors.Join(res[0].Problem)
		},
		"import by slug": func() error {
			res := d.importing(content.System("import"), content.Incoming{Type: "service", Variants: []content.IncomingVariant{{Locale: "it", Slug: gone.Variant("it").Slug, Fields: help("title", "x")}}})
			return errors.Join(res[0].Problem)
		},
	} {
		err := do()
		if p := content.AsProblem(err); p == nil || p.Code != "merged_away" || p.Params["id"] != keep.ID || p.Class != content.Conflict {
			t.Errorf("%s: %v", what, err)
		}
		if now := d.at(gone); now.Version != gone.Version {
			t.Errorf("%s changed it", what)
		}
	}
	for _, a := range []content.Actor{elena, amina, director} {
		if p, err := d.Permissions(ctx, a, gone, "it"); err != nil || p.Edit || p.Assure || p.Merge || len(p.Actions) > 0 {
			t.Errorf("%s is offered %+v (%v)", a.ID, p, err)
		}
	}
	// A chain is no circle.
	d.merge(elena, merging(third, d.at(keep)))
	d.clean()
}

// Who may merge, and that nobody hears of a document that is not theirs to see.
func TestWhoMerges(t *testing.T) {
	d := newDesk(t)
	prato, both := d.service("title", "Prato"), d.service("title", "Prato e Milano", "territories", []any{"PO", "MI"})
	milano := d.create(bruno, content.NewVariant{Type: "service", Locale: "it", Fields: help("title", "Milano", "territories", []any{"MI"})})
	milano = d.step(marco, d.step(bruno, milano, "it", "submit"), "it", "publish")
	mara := person("mara", "secretary@MI")
	region := person("region", "secretary@PO", "secretary@MI")
	mixed := person("mixed", "secretary@PO", "reviewer@MI")
	for _, c := range []struct {
		actor      content.Actor
		keep, gone *content.Document
		class      content.Class
	}{
		{content.Actor{}, prato, both, content.Unauthenticated},
		{amina, prato, both, content.Forbidden},
		{rita, prato, both, content.Forbidden},
		{yusuf, prato, both, content.Forbidden},
		{bruno, prato, milano, content.NotFound},
		{bruno, milano, prato, content.NotFound},
		{sara, prato, milano, content.NotFound},
		{sara, milano, prato, content.NotFound},
		{mara, prato, milano, content.NotFound},
		{mixed, prato, milano, content.Forbidden},
		{mixed, milano, prato, content.Forbidden},
		{sara, prato, both, ""}, {mara, milano, both, ""}, {region, prato, milano, ""}, {elena, prato, milano, ""}, {director, prato, milano, ""},
	} {
		looks := &dryStore{Store: d.store}
		looks.forget()
		dry, err := content.New(looks, schemas.Default(), content.Options{Clock: d.now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = dry.Merge(ctx, c.actor, merging(c.keep, c.gone))
		if c.class == "" {
			if !errors.Is(err, errDry) {
				t.Errorf("%s: %v", c.actor.ID, err)
			}
			continue
		}
		p := content.AsProblem(err)
		if p == nil || p.Class != c.class || p.Code != string(c.class) || len(p.Params)+len(p.Fields) > 0 {
			t.Errorf("%s: %v", c.actor.ID, err)
		}
		if c.class == content.NotFound { // as for one that does not exist
			_, err := dry.Merge(ctx, c.actor, content.Merge{Keep: c.keep.ID, Gone: "00000000-0000-7000-8000-000000000000", KeepETags: whatever, GoneETags: whatever})
			if q := content.AsProblem(err); q == nil || q.Code != p.Code || q.Class != p.Class || len(q.Params)+len(q.Fields) > 0 {
				t.Errorf("%s hears %v of what there is, and %v of what there is not", c.actor.ID, p, q)
			}
		}
	}
	d.clean()
}

// What is refused, and that nothing became of it.
func TestMergeRefused(t *testing.T) {
	d := newDesk(t)
	keep, gone := d.service("title", "Uno"), d.service("title", "Due")
	draft := d.create(amina, content.NewVariant{Type: "service", Locale: "it", Fields: help("title", "Bozza")})
	org := d.create(elena, content.NewVariant{Type: "organization", Locale: "it", Fields: map[string]any{"title": "Orti"}})
	waiting := d.step(amina, d.edit(amina, d.service("title", "Tre"), "it", map[string]any{"title": "Quattro"}), "it", "submit")
	ask := func(keep, gone *content.Document, change func(*content.Merge)) content.Merge {
		m := merging(keep, gone)
		if change != nil {
			change(&m)
		}
		return m
	}
	for what, c := range map[string]struct {
		m     content.Merge
		class content.Class
		code  string
	}{
		"itself":                  {ask(keep, keep, nil), content.Invalid, "invalid_content"},
		"types differ":            {ask(org, gone, nil), content.Conflict, "merge_types_differ"},
		"not public":              {ask(draft, gone, nil), content.Conflict, "merge_not_public"},
		"no etags":                {ask(keep, gone, func(m *content.Merge) { m.KeepETags = nil }), content.PreconditionRequired, "precondition_required"},
		"no etags of the other":   {ask(keep, gone, func(m *content.Merge) { m.GoneETags = nil }), content.PreconditionRequired, "precondition_required"},
		"stale":                   {ask(keep, gone, func(m *content.Merge) { m.KeepETags = map[string]string{"it": `"1.1.1"`} }), content.PreconditionFailed, "stale"},
		"stale, the other":        {ask(keep, gone, func(m *content.Merge) { m.GoneETags = map[string]string{"it": `"1.1.1"`} }), content.PreconditionFailed, "stale"},
		"a language not seen":     {ask(keep, gone, func(m *content.Merge) { m.GoneETags = map[string]string{"en": `"1.1.1"`} }), content.PreconditionFailed, "stale"},
		"wrong values":            {ask(keep, gone, func(m *content.Merge) { m.Fields = map[string]map[string]any{"it": {"colour": "red"}} }), content.Invalid, "invalid_content"},
		"a locale of neither":     {ask(keep, gone, func(m *content.Merge) { m.Fields = map[string]map[string]any{"en": {"title": "x"}} }), content.NotFound, "no_such_variant"},
		"no locale":               {ask(keep, gone, func(m *content.Merge) { m.Fields = map[string]map[string]any{"klingon": {"title": "x"}} }), content.Invalid, "invalid_content"},
		"it waits for a decision": {ask(waiting, gone, func(m *content.Merge) { m.Fields = map[string]map[string]any{"": {"website": "https://x.example.org"}} }), content.Conflict, "not_editable"},
		"a long comment":          {ask(keep, gone, func(m *content.Merge) { m.Comment = strings.Repeat("x", content.MaxComment+1) }), content.Invalid, "invalid_content"},
	} {
		_, err := d.Merge(ctx, director, c.m)
		if p := content.AsProblem(err); p == nil || p.Class != c.class || p.Code != c.code {
			t.Errorf("%s: %v", what, err)
		}
		for _, doc := range []*content.Document{keep, gone, draft, org, waiting} {
			if d.at(doc).Version != doc.Version {
				t.Errorf("%s changed %s", what, doc.Variants[0].Title)
			}
		}
	}
	_, err := d.Merge(ctx, director, ask(keep, keep, nil))
	wantField(t, err, "/gone", "merge_itself")
	// An answer says again what was sent, but not at any length.
	_, err = d.Merge(ctx, director, ask(keep, gone, func(m *content.Merge) { m.KeepETags = map[string]string{"it": strings.Repeat("x", 1<<20)} }))
	if p := content.AsProblem(err); p == nil || p.Code != "stale" || p.Yours.ETag != "" {
		t.Errorf("%.200v", err)
	}
	// None of them left a claim: the other way round goes.
	d.merge(director, merging(gone, keep))
	d.clean()
}

// crashing fails when told to: before a write, or after it without saying so.
func crashing(t *testing.T) (*desk, *failingStore) {
	t.Helper()
	d := newDesk(t)
	f := &failingStore{Store: d.store, next: func() string { return works }}
	var err error
	if d.Service, err = content.New(f, schemas.Default(), content.Options{Clock: d.now}); err != nil {
		t.Fatal(err)
	}
	return d, f
}

// A merge that fails at any of its calls to the store, before or after the call
// did its work, leaves a store without contradictions, and the same request
// finishes it: once, with one event in each history. So does a third one do nothing.
func TestMergeIsFinished(t *testing.T) {
	calls := 1000
	for at := 0; at < calls; at++ {
		for _, how := range []string{disk, cancelled, unsaid} {
			d, f := crashing(t)
			keep, gone := d.service("title", "Uno"), d.service("title", "Due")
			m := merging(keep, gone)
			m.Fields = map[string]map[string]any{"": {"website": "https://due.example.org"}, "it": {"summary": "Due"}}
			n := 0
			f.next = func() string {
				if n++; n-1 == at {
					return how
				}
				return works
			}
			_, err := d.Merge(ctx, sara, m)
			f.next = func() string { return works }
			if err == nil && len(f.failed) == 0 && how != unsaid {
				calls = min(calls, n) // it has no more of them
			}
			if err != nil && content.AsProblem(err).Class != content.Unavailable {
				t.Fatalf("%s at call %d: %v", how, at, describe(err))
			}
			d.clean()
			out := d.merge(sara, m)
			d.clean()
			now := d.at(gone)
			if now.MergedInto != keep.ID || now.Version != gone.Version+1 || out.Version != keep.Version+1 || !slices.Equal(out.MergedFrom, []string{gone.ID}) {
				t.Errorf("%s at call %d: versions %d and %d, %v", how, at, out.Version, now.Version, out.MergedFrom)
			}
			d.wantTold(keep, keep.Version, "edited it", "merged it")
			d.wantTold(gone, gone.Version, "merged it  withdrawn")
			if again := d.merge(sara, m); again.Version != out.Version {
				t.Errorf("%s at call %d: the third time changed something", how, at)
			}
			if t.Failed() {
				return
			}
		}
	}
	if calls < 8 || calls == 1000 {
		t.Errorf("%d calls were tried", calls)
	}
}

// Between the two writes of a merge others go on working: what they change is not
// lost, and who merges has to look again.
func TestMergeInterrupted(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	keep, gone := d.service("title", "Uno"), d.service("title", "Due")
	m := merging(keep, gone)
	m.Fields = map[string]map[string]any{"it": {"summary": "x"}}
	h.apply = func(writes []content.Write) {
		if writes[0].Document.ID == gone.ID {
			h.apply = nil
			d.edit(amina, d.at(gone), "it", map[string]any{"title": "Ultima parola"})
		}
	}
	_, err := d.Merge(ctx, sara, m)
	wantCode(t, err, content.PreconditionFailed, "stale")
	d.clean()
	if now := d.at(gone); now.MergedInto != "" || now.Variant("it").Title != "Ultima parola" || !now.Live() {
		t.Errorf("%+v", now)
	}
	// Looking again, one may choose otherwise; only then does it matter what was seen
	// of the one that stays.
	m.GoneETags = etags(d.at(gone))
	m.Fields = map[string]map[string]any{"it": {"summary": "y"}}
	_, err = d.Merge(ctx, sara, m)
	wantCode(t, err, content.PreconditionFailed, "stale")
	m.KeepETags = etags(d.at(keep))
	out := d.merge(sara, m)
	d.wantTold(keep, keep.Version, "edited it", "merged it", "edited it")
	if out.MergedFrom[0] != gone.ID || d.at(gone).MergedInto != keep.ID {
		t.Errorf("%+v", out)
	}
	d.clean()
}

// A merge that was begun and not ended keeps the opposite one away for an hour.
func TestMergeLeftBehind(t *testing.T) {
	d, f := crashing(t)
	a, b, c := d.service("title", "Uno"), d.service("title", "Due"), d.service("title", "Tre")
	writes := 0
	f.next = func() string {
		if writes++; writes > 8 { // the claim and the first write, not the second
			return disk
		}
		return works
	}
	if _, err := d.Merge(ctx, elena, merging(a, b)); err == nil {
		t.Fatal("it should have failed")
	}
	if len(d.at(a).MergedFrom) != 1 || d.at(b).MergedInto != "" {
		t.Fatal("it failed elsewhere")
	}
	f.next = func() string { return works }
	for what, m := range map[string]content.Merge{"the other way round": merging(b, d.at(a)), "elsewhere": merging(c, b)} {
		_, err := d.Merge(ctx, elena, m)
		if p := content.AsProblem(err); p == nil || p.Code != "merge_under_way" || p.Class != content.Conflict {
			t.Errorf("%s: %v", what, err)
		}
	}
	d.set(d.now().Add(2 * time.Hour))
	d.merge(elena, merging(b, d.at(a)))
	d.clean()
}

// engines runs a test over both stores.
func engines(t *testing.T, run func(*testing.T, content.Store)) {
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		run(t, store)
	})
	t.Run("mongo", func(t *testing.T) {
		uri := strings.Replace(mongoengine.Start(t), "/?", "/"+mongoengine.DatabaseName()+"?", 1)
		store, err := mongostore.Open(ctx, uri)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		run(t, store)
	})
}

// Merges at once, from several processes: of those that would lead in a circle one
// at least is refused, one at least succeeds, and what was refused left both
// documents as they were. The same one asked for twice happens once.
func TestMergesAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, store content.Store) {
		d := &desk{t: t, store: store, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
		var processes []*content.Service
		for range 3 {
			s, err := content.New(store, schemas.Default(), content.Options{Clock: d.now})
			if err != nil {
				t.Fatal(err)
			}
			processes = append(processes, s)
		}
		d.Service = processes[0]
		for round := range 8 {
			var docs []*content.Document
			for i := range 3 {
				docs = append(docs, d.service("title", fmt.Sprint("Sportello ", round, " ", i)))
			}
			pairs := [][2]int{{0, 1}, {1, 2}, {2, 0}}
			switch round % 4 {
			case 1:
				pairs = [][2]int{{0, 1}, {1, 0}}
			case 2:
				pairs = [][2]int{{0, 1}, {0, 1}, {0, 1}}
			case 3:
				pairs = [][2]int{{0, 2}, {1, 2}}
			}
			errs := make([]error, len(pairs))
			var wg sync.WaitGroup
			for i, p := range pairs {
				wg.Go(func() {
					_, errs[i] = processes[i].Merge(ctx, elena, content.Merge{Keep: docs[p[0]].ID, Gone: docs[p[1]].ID, KeepETags: whatever, GoneETags: whatever})
				})
			}
			wg.Wait()
			done := 0
			for i, err := range errs {
				switch p := content.AsProblem(err); {
				case err == nil:
					done++
					if now := d.at(docs[pairs[i][1]]); now.MergedInto != docs[pairs[i][0]].ID {
						t.Errorf("round %d: acknowledged, and merged into %q", round, now.MergedInto)
					}
				case p.Class != content.Conflict || p.Code != "merge_under_way" && p.Code != "merged_away" && p.Code != "merge_not_public":
					t.Errorf("round %d: %v", round, describe(err))
				}
			}
			most := len(pairs) - 1
			if round%4 == 2 {
				most = len(pairs)
			}
			if done < 1 || done > most {
				t.Errorf("round %d: %d of %d succeeded: %v", round, done, len(pairs), errs)
			}
			if round%4 == 2 {
				if now := d.at(docs[1]); done != len(pairs) || now.Version != docs[1].Version+1 || len(d.at(docs[0]).MergedFrom) != 1 {
					t.Errorf("round %d: %d succeeded, version %d: %v", round, done, now.Version, errs)
				}
			}
		}
		d.clean()
	})
}
