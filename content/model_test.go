package content_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// TestModel lets random people do random things to a real store and checks
// after each what must always hold; see world.check. It runs a few seconds;
// -rapid.checks asks for more, PRASSI_MODEL_CHECKS too.
func TestModel(t *testing.T) {
	checks(t, 20)
	dir, n := t.TempDir(), 0
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n, ".db"))
		store, err := sqlitestore.Open(ctx, path)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			store.Close()
			for _, f := range []string{path, path + "-wal", path + "-shm"} {
				os.Remove(f)
			}
		}()
		w := newWorld(rt, store, seen)
		rt.Repeat(map[string]func(*rapid.T){
			"": w.check, "create": w.create, "add": w.add, "edit": w.edit, "edit again": w.edit, "step": w.step, "step on": w.step, "and on": w.step,
			"schedule": w.schedule, "unschedule": w.unschedule, "discard": w.discard, "restore": w.restore, "import": w.bring,
			"wait": w.wait, "wait on": w.wait, "collide": w.collide, "assure": w.assure, "age": w.age, "merge": w.merge,
		})
	})
	// A run that never reached what it is about proves nothing.
	want := []string{"edited", "transition", "scheduled", "not_found", "forbidden", "stale"}
	if n >= 300 {
		want = append(want, "decline", "discarded", "unscheduled", "restored", "fired", "imported", "collided",
			"assured", "aged", "merged", "merged_away", "sensitive", "guard_complete")
	}
	for _, what := range want {
		if seen[what] == 0 {
			t.Errorf("never came to: %s (%v)", what, seen)
		}
	}
	t.Logf("%d runs: %v", n, seen)
}

var errDry = errors.New("would have been written")

// dryStore writes nothing: what comes to it was accepted. It remembers what it
// read, until it is told to forget.
type dryStore struct {
	content.Store
	docs map[string]*content.Document
	revs map[string]*content.Revision
}

func (s *dryStore) forget() {
	s.docs, s.revs = map[string]*content.Document{}, map[string]*content.Revision{}
}

func (s *dryStore) Get(ctx context.Context, id string) (*content.Document, error) {
	return remember(s.docs, id, func() (*content.Document, error) { return s.Store.Get(ctx, id) })
}

func (s *dryStore) Revision(ctx context.Context, hash string) (*content.Revision, error) {
	return remember(s.revs, hash, func() (*content.Revision, error) { return s.Store.Revision(ctx, hash) })
}

func remember[T any](known map[string]*T, key string, read func() (*T, error)) (*T, error) {
	if v := known[key]; v != nil {
		return v, nil
	}
	v, err := read()
	if err == nil {
		known[key] = v
	}
	return v, err
}

func (*dryStore) Apply(_ context.Context, writes []content.Write) []error {
	return slices.Repeat([]error{errDry}, len(writes))
}

// PutRecord forgets: what is claimed for a write that does not come is in nobody's
// way.
func (*dryStore) PutRecord(context.Context, *content.Record, int64) error { return nil }

type world struct {
	*content.Service
	store  content.Store
	dry    *content.Service // over looks: for asking what would be
	looks  *dryStore
	now    time.Time
	people []content.Actor
	seen   map[string]int

	docs   []string // ids, in order of appearance
	focus  string   // the one that is worked on
	before map[string]*content.Document
	seq    int64
	live   map[string]string // by document and locale, as the log tells
	log    map[string][]content.Event
}

func newWorld(t *rapid.T, store content.Store, seen map[string]int) *world {
	w := &world{store: store, looks: &dryStore{Store: store}, now: time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC), seen: seen,
		before: map[string]*content.Document{}, live: map[string]string{}, log: map[string][]content.Event{}}
	opt := content.Options{Clock: func() time.Time { return w.now }}
	var err1, err2 error
	w.Service, err1 = content.New(store, schemas.Default(), opt)
	w.dry, err2 = content.New(w.looks, schemas.Default(), opt)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	ending := person("ending", "editor", "reviewer@MI")
	ending.Grants[0].Until = w.now.Add(3 * time.Hour)
	former := person("former", "administrator")
	former.Grants[0].Until = w.now
	w.people = []content.Actor{
		amina, bruno, rita, marco, sara, elena, yusuf, director, ending, former, {}, {ID: "person:nobody"},
		person("mara", "secretary@MI"), person("tina", "reviewer@09"), person("eva", "translator@en"),
		person("both", "contributor@orti-insieme", "reviewer@PO"), person("two", "secretary@PO", "translator@ar"),
	}
	// Some documents to begin with, far enough for what takes many steps.
	must := func(d *content.Document, err error) *content.Document {
		if err != nil {
			t.Fatal(describe(err))
		}
		return d
	}
	one := must(w.Create(ctx, amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}))
	must(w.AddVariant(ctx, amina, one.ID, "*", content.NewVariant{Locale: "en", Fields: with(practice(), "title", "one")}))
	must(w.Transition(ctx, amina, one.ID, "it", "*", content.Step{Name: "submit"}))
	must(w.Transition(ctx, rita, one.ID, "it", "*", content.Step{Name: "endorse"}))
	two := must(w.Create(ctx, bruno, content.NewVariant{Type: "service", Locale: "it", Fields: map[string]any{"title": "uno", "topics": []any{"work"}, "territories": []any{"PO"}}}))
	must(w.Transition(ctx, rita, must(w.Transition(ctx, bruno, two.ID, "it", "*", content.Step{Name: "submit"})).ID, "it", "*", content.Step{Name: "publish"}))
	must(w.Transition(ctx, sara, must(w.Edit(ctx, bruno, two.ID, "it", "*", content.Edit{Fields: map[string]any{"website": "https://example.org"}})).ID, "it", "*", content.Step{Name: "withdraw"}))
	must(w.Transition(ctx, elena, two.ID, "it", "*", content.Step{Name: "publish", At: w.now.Add(time.Hour)}))
	three := must(w.Create(ctx, elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "due", "body": "tre"}}))
	four := must(w.Create(ctx, amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()}))
	for _, s := range []struct {
		by   content.Actor
		name string
	}{{amina, "submit"}, {rita, "endorse"}, {sara, "publish"}} {
		must(w.Transition(ctx, s.by, four.ID, "it", "*", content.Step{Name: s.name}))
	}
	must(w.Edit(ctx, amina, four.ID, "it", "*", content.Edit{Fields: map[string]any{"title": "quattro"}}))
	five := must(w.Create(ctx, amina, content.NewVariant{Type: "service", Locale: "it", Fields: help()}))
	must(w.Transition(ctx, elena, five.ID, "it", "*", content.Step{Name: "publish"}))
	w.docs = []string{one.ID, two.ID, three.ID, four.ID, five.ID}
	w.focus = rapid.SampledFrom(w.docs).Draw(t, "begin with")
	return w
}

func (w *world) actor(t *rapid.T) content.Actor { return rapid.SampledFrom(w.people).Draw(t, "actor") }

var modelLocales = []string{"it", "en", "ar"}

func (w *world) locale(t *rapid.T) string { return rapid.SampledFrom(modelLocales).Draw(t, "locale") }

var modelWords = []string{"uno", "due", "tre", "orti condivisi"}

func word(t *rapid.T) string { return rapid.SampledFrom(modelWords).Draw(t, "word") }

var modelPlaces = [][]any{{"PO"}, {"MI"}, {"PO", "MI"}, {"FI"}}

func places(t *rapid.T) []any { return rapid.SampledFrom(modelPlaces).Draw(t, "places") }

// whole gives values that may be published, most of the time.
func whole(t *rapid.T, typ string) map[string]any {
	fields := map[string]any{"title": word(t), "body": word(t), "territories": places(t)}
	switch typ {
	case "practice":
		fields = with(practice(), "title", word(t), "territories", places(t))
	case "service":
		fields["topics"] = []any{"work"}
	}
	if rapid.IntRange(0, 9).Draw(t, "flaw") == 0 {
		delete(fields, rapid.SampledFrom(slices.Sorted(maps.Keys(fields))).Draw(t, "missing"))
	}
	return fields
}

// patch is a change that keeps opinions, voids them, touches facts, or is wrong.
func patch(t *rapid.T) map[string]any {
	return rapid.SampledFrom([]map[string]any{
		{"title": word(t)}, {"title": word(t)}, {"summary": word(t)}, {"body": word(t)}, {"body": word(t)}, {"territories": places(t)},
		{"title": word(t), "territories": places(t)}, {"topics": []any{"work"}}, {"summary": nil}, {"topics": nil}, {"title": nil}, {"colour": "red"}, {},
		{"website": "https://example.org/" + strings.Fields(word(t))[0]},
		{"sensitive": true, "places": somewhere}, {"sensitive": nil}, {"summary": secret}, {"places": somewhere},
	}).Draw(t, "patch")
}

// secret is the address of a place, which a sensitive document must not tell.
const secret = "Via delle Rose 12"

var somewhere = []any{map[string]any{"label": "Casa", "address": secret, "municipality": "100005"}}

// variant picks a document and a locale, which it may not have.
func (w *world) variant(t *rapid.T) (*content.Document, string) {
	// Work that stays with one document for a while comes further.
	switch rapid.IntRange(0, 9).Draw(t, "turn") {
	case 0:
		w.focus = rapid.SampledFrom(w.docs).Draw(t, "document")
	case 1:
		w.focus = rapid.SampledFrom(w.docs[:5]).Draw(t, "old document")
	}
	d, err := w.store.Get(ctx, w.focus)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 9).Draw(t, "any") == 0 {
		return d, w.locale(t)
	}
	return d, d.Variants[rapid.IntRange(0, len(d.Variants)-1).Draw(t, "variant")].Locale
}

func etag(t *rapid.T, d *content.Document, locale string) string {
	return []string{"", `"7.7"`, "*", d.ETag(locale)}[min(3, rapid.IntRange(0, 12).Draw(t, "etag"))]
}

// did runs an operation. One that is refused changes nothing, and says so with
// a problem that is nobody's fault but the caller's.
func (w *world) did(t *rapid.T, what string, actor content.Actor, do func() (*content.Document, error)) {
	before := w.state(t)
	d, err := do()
	if err != nil {
		p := content.AsProblem(err)
		w.seen[p.Code]++
		if p.Class == content.Internal || p.Class == content.Unavailable {
			t.Fatalf("%s by %s: %v", what, actor.ID, describe(err))
		}
		if actor.ID == "" && p.Class != content.Unauthenticated {
			t.Fatalf("%s by nobody: %v", what, describe(err))
		}
		if after := w.state(t); after != before {
			t.Fatalf("%s by %s was refused with %s and changed the store: %d, then %d", what, actor.ID, p.Code, before, after)
		}
		return
	}
	if actor.ID == "" {
		t.Fatalf("%s by nobody succeeded", what)
	}
	if d != nil && !slices.Contains(w.docs, d.ID) {
		w.docs = append(w.docs, d.ID)
	}
	if d != nil {
		if _, err := w.Get(ctx, actor, d.ID); err != nil {
			t.Fatalf("%s by %s succeeded, and now: %v", what, actor.ID, err)
		}
	}
}

// state is where the log ends. Nothing is written without being told there;
// growth sees to that.
func (w *world) state(t *rapid.T) int64 {
	seq, err := w.store.LastSeq(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func (w *world) create(t *rapid.T) {
	a := w.actor(t)
	typ := rapid.SampledFrom([]string{"practice", "practice", "article", "service", "page", "poem"}).Draw(t, "type")
	in := content.NewVariant{
		Type: typ, Locale: w.locale(t), Fields: whole(t, typ),
		Owner: rapid.SampledFrom([]string{"", "", "", "orti-insieme", "../x"}).Draw(t, "owner"),
		Slug:  rapid.SampledFrom([]string{"", "", "", "uno", "../x"}).Draw(t, "slug"),
	}
	w.did(t, "create", a, func() (*content.Document, error) { return w.Create(ctx, a, in) })
}

func (w *world) add(t *rapid.T) {
	a := w.actor(t)
	d, _ := w.variant(t)
	locale := w.locale(t)
	fields := whole(t, d.Type)
	if rapid.Bool().Draw(t, "text only") {
		for _, name := range []string{"territories", "topics"} {
			delete(fields, name)
		}
	}
	tag := etag(t, d, locale)
	w.did(t, "add", a, func() (*content.Document, error) {
		return w.AddVariant(ctx, a, d.ID, tag, content.NewVariant{Locale: locale, Fields: fields})
	})
}

// someone picks an actor, for preference one who may do something here.
func (w *world) someone(t *rapid.T, d *content.Document, locale string, step bool) (content.Actor, []string) {
	a := w.actor(t)
	if d.Variant(locale) != nil && rapid.IntRange(0, 3).Draw(t, "any actor") > 0 {
		var able []content.Actor
		for _, p := range w.people {
			if got, err := w.dry.Permissions(ctx, p, d, locale); err == nil && (len(got.Actions) > 0 || got.Edit && !step) {
				able = append(able, p)
			}
		}
		if len(able) > 0 {
			a = rapid.SampledFrom(able).Draw(t, "able")
		}
	}
	p, err := w.dry.Permissions(ctx, a, d, locale)
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, action := range p.Actions {
		steps = append(steps, action.Name)
	}
	return a, steps
}

func (w *world) edit(t *rapid.T) {
	d, locale := w.variant(t)
	a, _ := w.someone(t, d, locale, false)
	in := content.Edit{Fields: patch(t), Slug: rapid.SampledFrom([]string{"", "", "", "uno", "altro", "/"}).Draw(t, "slug")}
	tag := etag(t, d, locale)
	w.did(t, "edit", a, func() (*content.Document, error) { return w.Edit(ctx, a, d.ID, locale, tag, in) })
}

func (w *world) transition(t *rapid.T, at time.Time) {
	d, locale := w.variant(t)
	a, steps := w.someone(t, d, locale, true)
	if len(steps) == 0 || rapid.IntRange(0, 4).Draw(t, "any step") == 0 {
		for _, s := range w.Workflow(d.Type).Transitions {
			steps = append(steps, s.Name)
		}
		steps = append(steps, "fly")
	}
	step := content.Step{Name: rapid.SampledFrom(steps).Draw(t, "step"), At: at, Comment: rapid.SampledFrom([]string{"ok", "ok", ""}).Draw(t, "comment")}
	tag := etag(t, d, locale)
	w.did(t, "transition", a, func() (*content.Document, error) { return w.Transition(ctx, a, d.ID, locale, tag, step) })
}

func (w *world) step(t *rapid.T) { w.transition(t, time.Time{}) }

func (w *world) schedule(t *rapid.T) {
	w.transition(t, w.now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "hours"))*time.Hour))
}

func (w *world) unschedule(t *rapid.T) {
	d, locale := w.variant(t)
	a, _ := w.someone(t, d, locale, false)
	step := rapid.SampledFrom([]string{"publish", "withdraw"}).Draw(t, "step")
	if v := d.Variant(locale); v != nil && len(v.Schedule) > 0 {
		step = v.Schedule[0].Transition
	}
	w.did(t, "unschedule", a, func() (*content.Document, error) { return w.Unschedule(ctx, a, d.ID, locale, "*", step) })
}

func (w *world) discard(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "really") > 0 {
		return // keep most
	}
	d, locale := w.variant(t)
	a, _ := w.someone(t, d, locale, false)
	w.did(t, "discard", a, func() (*content.Document, error) { return nil, w.Discard(ctx, a, d.ID, "*") })
}

func (w *world) restore(t *rapid.T) {
	d, locale := w.variant(t)
	a, _ := w.someone(t, d, locale, false)
	n := rapid.IntRange(0, 4).Draw(t, "number")
	tag := etag(t, d, locale)
	w.did(t, "restore", a, func() (*content.Document, error) {
		out, err := w.Restore(ctx, a, d.ID, locale, tag, n, "")
		if err == nil && out.Version > d.Version {
			w.seen["restored"]++
		}
		return out, err
	})
}

func (w *world) bring(t *rapid.T) {
	a := rapid.SampledFrom([]content.Actor{content.System("import"), elena, amina}).Draw(t, "importer")
	var batch []content.Incoming
	for range rapid.IntRange(1, 2).Draw(t, "documents") {
		typ := rapid.SampledFrom([]string{"practice", "article", "service"}).Draw(t, "type")
		in := content.Incoming{Type: typ, Owner: "orti-insieme"}
		slug := rapid.SampledFrom([]string{"uno", "due", "orti-condivisi", "nuovo"}).Draw(t, "slug")
		for _, l := range rapid.SliceOfNDistinct(rapid.SampledFrom(modelLocales), 1, 2, rapid.ID).Draw(t, "locales") {
			v := content.IncomingVariant{Locale: l, Slug: slug, Fields: whole(t, typ), Publish: rapid.Bool().Draw(t, "publish")}
			if hours := rapid.IntRange(-5, 5).Draw(t, "until"); hours != 0 {
				v.ExpireAt = w.now.Add(time.Duration(hours) * time.Hour)
			}
			in.Variants = append(in.Variants, v)
		}
		batch = append(batch, in)
	}
	before := w.state(t)
	dry := rapid.IntRange(0, 4).Draw(t, "dry") == 0
	res, err := w.Import(ctx, a, batch, dry)
	if a.ID == amina.ID {
		if err == nil {
			t.Fatal("a contributor imports")
		}
	} else if err != nil {
		t.Fatal(describe(err))
	}
	wrote := false
	for _, r := range res {
		if r.Outcome == content.Refused && (r.Problem == nil || r.Problem.Class == content.Internal || r.Problem.Class == content.Unavailable) {
			t.Fatalf("refused with %+v", r.Problem)
		}
		wrote = wrote || r.Outcome == content.Created || r.Outcome == content.Changed
		if !dry && r.Outcome != content.Refused && !slices.Contains(w.docs, r.Document) {
			w.docs = append(w.docs, r.Document)
			w.seen["imported"]++
		}
	}
	if after := w.state(t); (after != before) != (wrote && !dry) {
		t.Fatalf("wrote: %t, dry: %t, %+v; store %d, then %d", wrote, dry, res, before, after)
	}
	if dry || err != nil {
		return
	}
	// The same again is nothing new, where its parts do not contradict each other.
	refused := slices.ContainsFunc(res, func(r content.ImportResult) bool { return r.Outcome == content.Refused })
	if len(batch) > 1 || refused || len(res) > 1 && !sameFacts(batch[0]) {
		return
	}
	again, err := w.Import(ctx, a, batch, false)
	if err != nil {
		t.Fatal(describe(err))
	}
	for i, r := range again {
		if r.Outcome != content.Unchanged {
			t.Fatalf("again: %s %+v %v, first %s", r.Outcome, r.Changes, r.Problem, res[i].Outcome)
		}
	}
}

// sameFacts says whether the variants of an import agree on the facts.
func sameFacts(in content.Incoming) bool {
	a, b := in.Variants[0].Fields, in.Variants[1].Fields
	return fmt.Sprint(a["territories"], a["topics"]) == fmt.Sprint(b["territories"], b["topics"])
}

// service picks what ages, most of the time.
func (w *world) service(t *rapid.T) (*content.Document, string) {
	d, locale := w.variant(t)
	if d.Type == "service" || rapid.IntRange(0, 3).Draw(t, "any type") == 0 {
		return d, locale
	}
	for _, id := range slices.Backward(w.docs) {
		if other, err := w.store.Get(ctx, id); err == nil && other.Type == "service" && other.MergedInto == "" && !other.Discarded {
			w.focus = id
			return other, other.Variants[0].Locale
		}
	}
	return d, locale
}

// age tells of a stage, now and then by somebody who may not.
func (w *world) age(t *rapid.T) {
	a := rapid.SampledFrom([]content.Actor{clockwork, clockwork, clockwork, director, amina}).Draw(t, "ages")
	d, _ := w.service(t)
	stage := rapid.SampledFrom([]schemas.Stage{schemas.StageCurrent, schemas.StageUnverified, schemas.StageHidden, "old"}).Draw(t, "stage")
	w.did(t, "age", a, func() (*content.Document, error) { return w.Age(ctx, a, d.ID, stage) })
}

func (w *world) assure(t *rapid.T) {
	d, locale := w.service(t)
	a, _ := w.someone(t, d, locale, false)
	on := rapid.SampledFrom([]string{"", "2026-03-20", "2026-03-28", "2026-12-31", "x"}).Draw(t, "on")
	w.did(t, "assure", a, func() (*content.Document, error) { return w.Assure(ctx, a, d.ID, on) })
}

// merge lets one document go for another, of the same type most of the time.
func (w *world) merge(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "really") > 0 {
		return // keep most
	}
	keep, locale := w.service(t)
	var others []string
	for _, id := range w.docs {
		if d, err := w.store.Get(ctx, id); err == nil && d.Type == keep.Type {
			others = append(others, id)
		}
	}
	gone, err := w.store.Get(ctx, rapid.SampledFrom(append(others, w.docs[0])).Draw(t, "gone"))
	if err != nil {
		t.Fatal(err)
	}
	a := rapid.SampledFrom([]content.Actor{elena, director, sara, amina, rita, {}}).Draw(t, "merges")
	m := merging(keep, gone)
	switch rapid.IntRange(0, 9).Draw(t, "seen") {
	case 0:
		m.KeepETags = nil
	case 1:
		m.GoneETags = map[string]string{locale: `"7.7.7"`}
	}
	if rapid.Bool().Draw(t, "choose") {
		m.Fields = map[string]map[string]any{"": {"website": "https://example.org/merged"}, locale: patch(t)}
		if v := gone.Variants[0].Locale; keep.Variant(v) == nil {
			m.Fields[v] = map[string]any{"title": word(t)}
		}
	}
	w.did(t, "merge", a, func() (*content.Document, error) { return w.Merge(ctx, a, m) })
}

// wait turns the clock and fires what is due, from two processes at once.
func (w *world) wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "minutes")) * time.Minute)
	var wg sync.WaitGroup
	var counts [2]int
	var errs [2]error
	for i := range counts {
		wg.Go(func() { counts[i], errs[i] = w.RunDue(ctx) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(describe(err))
	}
	w.seen["fired"] += counts[0] + counts[1]
	due, err := w.store.Due(ctx, w.now, 10)
	if err != nil || len(due) > 0 {
		t.Fatalf("still due: %v %v", due, err)
	}
}

// collide lets several people work on one variant from the same view of it.
func (w *world) collide(t *rapid.T) {
	d, locale := w.variant(t)
	tag := d.ETag(locale)
	var work []func() error
	for range rapid.IntRange(2, 4).Draw(t, "workers") {
		a, steps := w.someone(t, d, locale, false)
		if len(steps) > 0 && rapid.Bool().Draw(t, "steps") {
			step := content.Step{Name: rapid.SampledFrom(steps).Draw(t, "step"), Comment: "ok"}
			work = append(work, func() error { _, err := w.Transition(ctx, a, d.ID, locale, tag, step); return err })
			continue
		}
		in := content.Edit{Fields: patch(t)}
		work = append(work, func() error { _, err := w.Edit(ctx, a, d.ID, locale, tag, in); return err })
	}
	var wg sync.WaitGroup
	errs := make([]error, len(work))
	for i, do := range work {
		wg.Go(func() { errs[i] = do() })
	}
	wg.Wait()
	for _, err := range errs {
		if p := content.AsProblem(err); p != nil && (p.Class == content.Internal || p.Class == content.Unavailable) {
			t.Fatal(describe(err))
		}
	}
	now, err := w.store.Get(ctx, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	// All acted on what they saw; so one at most changed it.
	changes := map[int64]bool{}
	events, err := w.store.DocumentEvents(ctx, d.ID, 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Version > d.Version {
			changes[e.Version] = true
		}
	}
	if len(changes) > 1 || now.Version > d.Version+1 {
		t.Fatalf("%d writers succeeded on %s", len(changes), tag)
	}
	w.seen["collided"] += len(changes)
}

// check is what holds at every moment.
func (w *world) check(t *rapid.T) {
	w.looks.forget()
	r, err := w.Verify(ctx)
	if err != nil || len(r.Faults) > 0 {
		t.Fatalf("verify: %v %+v", err, r.Faults)
	}
	docs, err := w.store.Scan(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	changed := w.readLog(t)
	for _, d := range docs {
		before := w.before[d.ID]
		w.growth(t, before, d, changed[d.ID])
		w.publicity(t, before, d)
		w.before[d.ID] = d
	}
	some := rapid.IntRange(0, len(w.people)-1).Draw(t, "someone")
	for _, d := range docs {
		if len(changed[d.ID]) > 0 {
			w.walls(t, d, w.people)
		} else {
			w.walls(t, d, w.people[some:some+1])
		}
	}
	w.lists(t, docs)
	if len(docs) > 0 {
		d := docs[rapid.IntRange(0, len(docs)-1).Draw(t, "looked at")]
		for range 2 {
			w.offers(t, d, rapid.SampledFrom(w.people).Draw(t, "looks"))
		}
	}
}

// readLog reads what is new in the log, folds it, and counts each document's
// versions in it.
func (w *world) readLog(t *rapid.T) map[string]map[int64]bool {
	events, err := w.store.Events(ctx, w.seq, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[int64]bool{}
	for _, e := range events {
		w.seq = e.Seq
		if out[e.Document] == nil {
			out[e.Document] = map[int64]bool{}
		}
		out[e.Document][e.Version] = true
		w.log[e.Document] = append(w.log[e.Document], e)
		key := e.Document + " " + e.Locale
		switch e.Effect {
		case content.EffectPublished:
			w.live[key] = e.Revision
		case content.EffectWithdrawn:
			delete(w.live, key)
		}
		for _, what := range []string{string(e.Effect), e.Transition, string(e.Kind)} {
			w.seen[what]++
		}
		if e.Kind == content.EventUnscheduled {
			w.seen[e.Comment]++
		}
		if e.Actor == "" || e.At.After(w.now) || !w.held(&e) {
			t.Fatalf("event without an actor, a grant of theirs or a true time: %+v", e)
		}
	}
	return out
}

// held: an event names a grant that its actor had at that moment.
func (w *world) held(e *content.Event) bool {
	if strings.HasPrefix(e.Actor, "system:") {
		return e.Grant == "administrator"
	}
	return slices.ContainsFunc(w.people, func(a content.Actor) bool {
		return a.ID == e.Actor && slices.ContainsFunc(a.Grants, func(g content.Grant) bool {
			return g.String() == e.Grant && (g.Until.IsZero() || g.Until.After(e.At))
		})
	})
}

// growth: numbers only grow, every version is told of, and what the public sees
// is what the log says.
func (w *world) growth(t *rapid.T, before, d *content.Document, told map[int64]bool) {
	from := int64(0)
	if before != nil {
		from = before.Version
	}
	if d.Version < from || len(told) != int(d.Version-from) {
		t.Fatalf("document %s went from version %d to %d, told of %v", d.ID, from, d.Version, told)
	}
	for i := range d.Variants {
		v := &d.Variants[i]
		public := v.Live.Hash
		if d.Hidden() {
			public = ""
		}
		if w.live[d.ID+" "+v.Locale] != public {
			t.Fatalf("%s %s: public is %q, the log says %q", d.ID, v.Locale, public, w.live[d.ID+" "+v.Locale])
		}
		if before == nil || before.Variant(v.Locale) == nil {
			continue
		}
		was := before.Variant(v.Locale)
		if v.Version < was.Version || v.Latest.Number < was.Latest.Number || d.SharedVersion < before.SharedVersion ||
			v.Version == was.Version && fmt.Sprintf("%+v", *v) != fmt.Sprintf("%+v", *was) {
			t.Fatalf("%s %s went from %+v to %+v", d.ID, v.Locale, was, v)
		}
	}
	if before != nil && !before.LiveShared.IsZero() && !d.LiveShared.IsZero() && !w.wentOffline(d.ID, before.Version) {
		was, is := w.revision(t, before.LiveShared.Hash), w.revision(t, d.LiveShared.Hash)
		if is.SharedVersion < was.SharedVersion {
			t.Fatalf("%s: the public saw facts of version %d, and now of %d", d.ID, was.SharedVersion, is.SharedVersion)
		}
	}
	for _, e := range w.log[d.ID] {
		if (e.Actor == yusuf.ID || e.Actor == "person:eva") && before != nil && e.Version > before.Version && d.SharedVersion > before.SharedVersion {
			t.Fatalf("%s changed the facts of %s", e.Actor, d.ID)
		}
	}
	if (d.Discarded || d.MergedInto != "") && d.Live() {
		t.Fatalf("%s is thrown away or merged away, and public", d.ID)
	}
	if before == nil {
		return
	}
	if before.MergedInto != "" && d.Version != before.Version {
		t.Fatalf("%s was merged away and has changed", d.ID)
	}
	if before.Assured != nil && (d.Assured == nil && before.Assured.On != "" || d.Assured != nil && d.Assured.On < before.Assured.On) {
		t.Fatalf("%s was confirmed on %s, and now on %+v", d.ID, before.Assured.On, d.Assured)
	}
}

// wentOffline says whether anything was withdrawn after that version.
func (w *world) wentOffline(id string, version int64) bool {
	return slices.ContainsFunc(w.log[id], func(e content.Event) bool {
		return e.Version > version && e.Effect == content.EffectWithdrawn
	})
}

// publicity: what became public was complete, and where the workflow asks for an
// opinion it stands on what is public.
func (w *world) publicity(t *rapid.T, before, d *content.Document) {
	typ, _ := w.Schemas().Type(d.Type)
	for i := range d.Variants {
		v := &d.Variants[i]
		if v.Live.IsZero() || before != nil && before.Variant(v.Locale) != nil && before.Variant(v.Locale).Live == v.Live {
			continue
		}
		live := w.revision(t, v.Live.Hash)
		values, err := live.Values()
		if err != nil {
			t.Fatal(err)
		}
		if missing := typ.Missing(values, schemas.ToPublish); len(missing) > 0 {
			t.Fatalf("%s %s is public without %+v", d.ID, v.Locale, missing)
		}
		if tells := typ.Revealed(values); len(tells) > 0 {
			t.Fatalf("%s %s is sensitive and tells its address: %+v", d.ID, v.Locale, tells)
		}
		if len(w.Workflow(d.Type).Opinions) > 0 {
			w.approved(t, typ, d.ID, v.Locale, live)
		}
		w.asked(t, d.ID, v.Locale, live)
		if live.Author != "system:import" && d.Type == "service" {
			w.fourEyes(t, d.ID, v.Locale, live)
		}
	}
}

func (w *world) revision(t *rapid.T, hash string) *content.Revision {
	r, err := w.looks.Revision(ctx, hash)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// approved looks for the opinion in the log: the last word of the council on
// this variant was yes, and from the revision it was said of to the live one
// nothing changed that voids it, step by step.
func (w *world) approved(t *rapid.T, typ *schemas.Type, id, locale string, live *content.Revision) {
	yes := ""
	for _, e := range w.log[id] {
		if e.Locale != locale {
			continue
		}
		switch e.Transition {
		case "endorse":
			yes = e.Revision
			if e.Kind == content.EventTransition && w.revision(t, e.Revision).Author == e.Actor && !strings.HasPrefix(e.Actor, "system:") {
				t.Fatalf("%s endorsed the own work", e.Actor)
			}
		case "decline", "request_changes":
			yes = ""
		}
	}
	for r := live; ; {
		if r.Hash == yes {
			return
		}
		if r.Prev == "" || yes == "" {
			t.Fatalf("%s %s is public at revision %d without an opinion", id, locale, live.Number)
		}
		prev := w.revision(t, r.Prev)
		changes, err := content.Diff(typ, prev, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if f, ok := typ.Field(c.Field); ok && f.Approval != schemas.ApprovalKeeps {
				t.Fatalf("%s %s is public with a change of %s at revision %d that nobody approved", id, locale, c.Field, r.Number)
			}
		}
		r = prev
	}
}

// asked: what the schedule published is what somebody asked it to publish, or
// what somebody wrote who could have asked.
func (w *world) asked(t *rapid.T, id, locale string, live *content.Revision) {
	if !slices.Contains([]string{amina.ID, bruno.ID, yusuf.ID, "person:eva"}, live.Author) {
		return
	}
	asked := ""
	for _, e := range w.log[id] {
		switch {
		case e.Locale != locale:
		case e.Kind == content.EventScheduled:
			asked = e.Revision
		case e.Effect == content.EffectPublished && e.Actor == "system:schedule" && e.Revision == live.Hash && asked != live.Hash:
			t.Fatalf("%s %s: the schedule published revision %d of %s, which nobody saw", id, locale, live.Number, live.Author)
		}
	}
}

// fourEyes: who published an entry of the register, or asked for it, did not
// write it.
func (w *world) fourEyes(t *rapid.T, id, locale string, live *content.Revision) {
	for _, e := range slices.Backward(w.log[id]) {
		if e.Locale == locale && e.Effect == content.EffectPublished && e.Kind == content.EventTransition {
			if e.Actor == live.Author || e.OnBehalfOf == live.Author {
				t.Fatalf("%s %s: %s published the own work", id, locale, live.Author)
			}
			return
		}
	}
}

// may is the walls in other words than the service's: who may see a document.
func (w *world) may(a content.Actor, d *content.Document) bool {
	if a.ID == "" || d.Discarded {
		return false
	}
	handedIn, live, languages := false, false, map[string]bool{}
	for _, e := range w.log[d.ID] {
		handedIn = handedIn || e.Kind == content.EventTransition && e.To != w.Workflow(d.Type).Initial().Name
	}
	for _, v := range d.Variants {
		live = live || !v.Live.IsZero()
		languages[v.Locale] = true
	}
	for _, g := range a.Grants {
		if !g.Until.IsZero() && !g.Until.After(w.now) {
			continue
		}
		inTerritory := false
		for _, v := range d.Variants {
			for _, place := range v.Territories {
				inTerritory = inTerritory || place == g.Scope || slices.Contains(w.Territories().Ancestors(place), g.Scope)
			}
		}
		switch {
		case g.Role == "editor" || g.Role == "administrator",
			g.Role == "contributor" && d.Owner == g.Scope,
			(g.Role == "reviewer" || g.Role == "secretary") && inTerritory && (handedIn || d.Author == a.ID),
			g.Role == "translator" && (live || languages[g.Scope] && len(languages) > 1):
			return true
		}
	}
	return false
}

// walls: who is outside finds nothing by any way in.
func (w *world) walls(t *rapid.T, d *content.Document, people []content.Actor) {
	locale := d.Variants[0].Locale
	for _, a := range people {
		inside := w.may(a, d)
		seen, errGet := w.dry.Get(ctx, a, d.ID)
		if inside && errGet == nil && d.Sensitive && strings.Contains(string(seen.Shared), secret) != (strings.Contains(string(d.Shared), secret) && w.knows(a, d)) {
			t.Fatalf("%s sees of %s: %s", a.ID, d.ID, seen.Shared)
		}
		_, errHistory := w.dry.History(ctx, a, d.ID, locale, 0, 1)
		errs := []error{errGet, errHistory}
		if !inside {
			_, _, errLatest := w.dry.Latest(ctx, a, d.ID, locale)
			_, errRevision := w.dry.RevisionAt(ctx, a, d.ID, locale, 1)
			_, errEvents := w.dry.Events(ctx, a, d.ID, 0, 1)
			_, errCompare := w.dry.Compare(ctx, a, d.ID, locale, 0, 1)
			_, errEdit := w.dry.Edit(ctx, a, d.ID, locale, "*", content.Edit{Fields: map[string]any{"title": "x"}})
			errs = append(errs, errLatest, errRevision, errEvents, errCompare, errEdit)
		}
		for i, err := range errs {
			switch p := content.AsProblem(err); {
			case inside && err != nil:
				t.Fatalf("%s is inside and cannot see %s: %v", a.ID, d.ID, err)
			case !inside && p == nil:
				t.Fatalf("%s is outside and sees %s by way %d", a.ID, d.ID, i)
			case !inside && a.ID != "" && (p.Class != content.NotFound || p.Code != "not_found"):
				t.Fatalf("%s is outside and hears %s of %s by way %d", a.ID, p.Code, d.ID, i)
			}
		}
	}
}

// knows says in other words than the service's who may know where a shelter is.
func (w *world) knows(a content.Actor, d *content.Document) bool {
	others := a
	others.Grants = slices.DeleteFunc(slices.Clone(a.Grants), func(g content.Grant) bool { return g.Role == "translator" })
	for _, g := range others.Grants {
		ended := !g.Until.IsZero() && !g.Until.After(w.now)
		for _, v := range d.Variants {
			for _, place := range v.Territories {
				if !ended && (g.Role == "reviewer" || g.Role == "secretary") && (place == g.Scope || slices.Contains(w.Territories().Ancestors(place), g.Scope)) {
					return true
				}
			}
		}
	}
	return w.may(others, d)
}

// lists: everybody lists exactly what they may see and was not merged away.
func (w *world) lists(t *rapid.T, docs []*content.Document) {
	a := rapid.SampledFrom(w.people).Draw(t, "lists")
	var want, got []string
	for _, d := range docs {
		if w.may(a, d) && d.MergedInto == "" {
			want = append(want, d.ID)
		}
	}
	f := content.Filter{Limit: rapid.IntRange(1, 5).Draw(t, "page"), Order: rapid.SampledFrom([]content.Order{content.NewestFirst, content.ByTitle}).Draw(t, "order")}
	for {
		page, err := w.List(ctx, a, f)
		if err != nil && (a.ID != "" || content.AsProblem(err).Class != content.Unauthenticated) {
			t.Fatal(describe(err))
		}
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			got = append(got, d.ID)
		}
		f.After = content.PositionOf(page[len(page)-1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%s lists %v, may see %v", a.ID, got, want)
	}
}

// offers: what is offered is accepted, what is offered with a condition fails on
// it, and what is not offered is refused.
func (w *world) offers(t *rapid.T, d *content.Document, a content.Actor) {
	for _, locale := range modelLocales {
		p, err := w.dry.Permissions(ctx, a, d, locale)
		if err != nil {
			t.Fatal(err)
		}
		if d.Variant(locale) == nil {
			fields := map[string]any{"title": "x"}
			_, err := w.dry.AddVariant(ctx, a, d.ID, "*", content.NewVariant{Locale: locale, Fields: fields})
			if accepted := errors.Is(err, errDry); accepted != p.Edit {
				t.Fatalf("adding %s to %s by %s: offered %t, %v", locale, d.ID, a.ID, p.Edit, err)
			}
			continue
		}
		_, err = w.dry.Edit(ctx, a, d.ID, locale, "*", content.Edit{Fields: map[string]any{"title": fmt.Sprint("nie da gewesen", d.Version)}})
		if accepted := errors.Is(err, errDry); accepted != p.Edit {
			t.Fatalf("editing %s %s by %s: offered %t, %v", d.ID, locale, a.ID, p.Edit, err)
		}
		_, err = w.dry.Edit(ctx, a, d.ID, locale, "*", content.Edit{Fields: map[string]any{"website": fmt.Sprint("https://example.org/", d.Version)}})
		if accepted := errors.Is(err, errDry); d.Type != "article" && d.Type != "page" && accepted != (p.Edit && !p.TextOnly) {
			t.Fatalf("editing facts of %s by %s: offered %+v, %v", d.ID, a.ID, p, err)
		}
		_, err = w.dry.Assure(ctx, a, d.ID, "")
		if accepted := err == nil || errors.Is(err, errDry); accepted != p.Assure {
			t.Fatalf("confirming %s by %s: offered %t, %v", d.ID, a.ID, p.Assure, err)
		}
		offered := map[string]string{}
		for _, action := range p.Actions {
			offered[action.Name] = "ok"
			if action.Blocked != "" {
				offered[action.Name] = "guard_" + action.Blocked
			}
		}
		for _, tr := range w.Workflow(d.Type).Transitions {
			_, err := w.dry.Transition(ctx, a, d.ID, locale, "*", content.Step{Name: tr.Name, Comment: "ok"})
			got := "ok"
			if !errors.Is(err, errDry) {
				got = content.AsProblem(err).Code
			}
			if want := offered[tr.Name]; want != "" && got != want || want == "" && (got == "ok" || strings.HasPrefix(got, "guard_")) {
				t.Fatalf("%s of %s %s by %s: offered %q, got %q", tr.Name, d.ID, locale, a.ID, want, got)
			}
		}
	}
}
