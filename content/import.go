package content

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/content/workflow"
)

// Incoming is a document as an import found it outside: one thing in one or
// several locales.
type Incoming struct {
	Type string
	// ID is empty for a document that the outside does not number; it is then
	// found by the slug of any of its variants, or created.
	ID       string
	Owner    string
	Variants []IncomingVariant
}

// IncomingVariant is one file or line. The same locale may come twice: first
// what is public, then the newer working copy.
type IncomingVariant struct {
	Locale string
	Slug   string // empty: made from the title
	// Fields are raw values of the declared type; references may be slugs.
	Fields map[string]any
	// State is the state to reach; empty leaves the variant where it is, or in
	// the initial state. Publish asks for the nearest public state instead.
	State   string
	Publish bool
	// PublishedAt and UpdatedAt are the outside's dates; zero when unknown.
	PublishedAt time.Time
	UpdatedAt   time.Time
	// PublishAt and ExpireAt schedule; zero for none.
	PublishAt time.Time
	ExpireAt  time.Time
	// Source says where it came from ("it/legal.md", "items.jsonl:12"), for reports.
	Source string
}

// Outcome is what an import did, or would do, with one variant.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
	Refused   Outcome = "refused"
)

// ImportResult reports on one IncomingVariant.
type ImportResult struct {
	Source   string
	Document string
	Locale   string
	Slug     string
	Outcome  Outcome
	Changes  []FieldChange // what differs, for Changed
	Problem  *Problem      // why, for Refused
}

// Import brings a batch of documents in, through the same rules as every other
// write, and says what became of each variant. Variants of one document that
// are good are written together; one that is refused leaves the others alone.
// With dryRun nothing is written.
//
// The batch is written at once at its end, so that many documents share the cost
// of making them durable. It returns an error only when the store fails; what a
// document did wrong is in its results.
func (s *Service) Import(ctx context.Context, actor Actor, batch []Incoming, dryRun bool) ([]ImportResult, error) {
	if !s.Holds(actor, "administrator", "editor") {
		return nil, forbidden()
	}
	b := &importBatch{s: s, actor: actor, overlay: newOverlay()}
	for i := range batch {
		if err := b.take(ctx, &batch[i]); err != nil {
			return b.results, err
		}
	}
	if dryRun || len(b.writes) == 0 {
		return b.results, nil
	}
	var failed error
	for i, err := range s.store.Apply(ctx, b.writes) {
		if err == nil {
			continue
		}
		// Somebody else changed the document meanwhile: a later run of the same
		// import takes it up again.
		p := AsProblem(s.writeProblem(err, b.changes[i]))
		for _, n := range b.resultsOf[i] {
			b.results[n].Outcome, b.results[n].Problem = Refused, p
		}
		if p.Class == Unavailable || p.Class == Internal {
			failed = errors.Join(failed, p)
		}
	}
	s.changed()
	return b.results, failed
}

type importBatch struct {
	s         *Service
	actor     Actor
	overlay   *overlay
	results   []ImportResult
	writes    []Write
	changes   []*change
	resultsOf [][]int // results by write
	byDoc     map[string]int
}

// take works one document out: what it becomes, or why it is refused.
func (b *importBatch) take(ctx context.Context, in *Incoming) error {
	first := len(b.results)
	for _, v := range in.Variants {
		b.results = append(b.results, ImportResult{Source: v.Source, Locale: v.Locale, Slug: v.Slug, Outcome: Unchanged})
	}
	refuse := func(err error) error {
		p := AsProblem(err)
		if p.Class == Unavailable || p.Class == Internal {
			return err
		}
		for i := first; i < len(b.results); i++ {
			b.results[i].Outcome, b.results[i].Problem = Refused, p
		}
		return nil
	}
	w, err := b.open(ctx, in)
	if err != nil {
		return refuse(err)
	}
	b.spread(in)
	for i := range in.Variants {
		res := &b.results[first+i]
		kept := w.save()
		outcome, changes, err := b.variant(ctx, w, &in.Variants[i])
		if err != nil {
			w.undo(kept)
			p := AsProblem(err)
			if p.Class == Unavailable || p.Class == Internal {
				return err
			}
			res.Outcome, res.Problem = Refused, p
			continue
		}
		res.Document, res.Outcome, res.Changes = w.doc.ID, outcome, changes
		if v := w.doc.Variant(w.locale); v != nil {
			res.Locale, res.Slug = v.Locale, v.Slug
		}
	}
	if len(w.events) == 0 {
		return nil
	}
	write := w.seal()
	if err := b.slugsFree(ctx, w); err != nil {
		return refuse(err)
	}
	b.stage(w, write, first)
	return nil
}

// spread gives the shared facts of the first variant that names any to those
// that name none, so that the order of a document's files does not matter.
func (b *importBatch) spread(in *Incoming) {
	t, ok := b.s.schemas.Type(in.Type)
	if !ok {
		return
	}
	var source map[string]any
	bare := make([]bool, len(in.Variants))
	for i := range in.Variants {
		shared := map[string]any{}
		for name, value := range in.Variants[i].Fields {
			if f, ok := t.Field(name); ok && !f.Localized {
				shared[name] = value
			}
		}
		if bare[i] = len(shared) == 0; !bare[i] && source == nil {
			source = shared
		}
	}
	for i := range in.Variants {
		if v := &in.Variants[i]; bare[i] && source != nil {
			v.Fields = maps.Clone(v.Fields)
			maps.Copy(v.Fields, source)
		}
	}
}

// stage keeps the write for the end of the batch. A second document of the same
// batch that lands on the same id extends the first one's write.
func (b *importBatch) stage(w *change, write Write, first int) {
	b.overlay.add(write)
	rows := []int{}
	for i := first; i < len(b.results); i++ {
		if b.results[i].Outcome != Refused {
			rows = append(rows, i)
		}
	}
	if b.byDoc == nil {
		b.byDoc = map[string]int{}
	}
	if n, ok := b.byDoc[write.Document.ID]; ok {
		b.writes[n] = write
		b.changes[n] = w
		b.resultsOf[n] = append(b.resultsOf[n], rows...)
		return
	}
	b.byDoc[write.Document.ID] = len(b.writes)
	b.writes = append(b.writes, write)
	b.changes = append(b.changes, w)
	b.resultsOf = append(b.resultsOf, rows)
}

// slugsFree refuses a document whose slug another one holds, here or in the
// batch, so that the report names it before anything is written.
func (b *importBatch) slugsFree(ctx context.Context, w *change) error {
	for _, key := range w.doc.Keys.Slugs {
		id, ok := b.overlay.slugs[key]
		if ok && id != w.doc.ID {
			return &Problem{Class: Conflict, Code: "slug_taken", Params: map[string]any{"slug": key}}
		}
	}
	return nil
}

// open finds the document that the incoming one is, or begins it.
func (b *importBatch) open(ctx context.Context, in *Incoming) (*change, error) {
	def := b.s.workflowOf(in.Type)
	if def == nil {
		return nil, invalidField("/type", "unknown_type", map[string]any{"type": in.Type})
	}
	if in.Owner != "" {
		if err := checkOwner(in.Owner); err != nil {
			return nil, invalidField("/owner", "unknown_owner", map[string]any{"owner": in.Owner})
		}
	}
	now := b.s.now()
	w := &change{s: b.s, actor: b.actor, now: now, def: def, loose: true, overlay: b.overlay, doc: &Document{ID: in.ID}}
	d, err := b.find(ctx, w, in)
	if err != nil {
		return nil, err
	}
	if d != nil {
		if d.Type != in.Type {
			return nil, &Problem{Class: Conflict, Code: "type_mismatch", Params: map[string]any{"type": d.Type}}
		}
		w.doc = d.clone()
		w.expect = d.Version
		if n, ok := b.byDoc[d.ID]; ok { // continue the write already staged
			w.expect = b.writes[n].Expect
			w.revs = b.writes[n].Revisions
			w.events = b.writes[n].Document.Pending
		}
		return w, nil
	}
	id := in.ID
	if id == "" {
		id = uuid.Must(uuid.NewV7()).String()
	}
	w.doc = &Document{ID: id, Type: in.Type, Owner: in.Owner, Author: b.actor.ID, CreatedAt: now, Shared: json.RawMessage("{}")}
	return w, nil
}

func (b *importBatch) find(ctx context.Context, w *change, in *Incoming) (*Document, error) {
	get := func(id string) (*Document, error) {
		if d := b.overlay.docs[id]; d != nil {
			return d, nil
		}
		return b.s.store.Get(ctx, id)
	}
	if in.ID != "" {
		if _, err := uuid.Parse(in.ID); err != nil {
			return nil, invalidField("/id", "invalid_id", nil)
		}
		d, err := get(in.ID)
		if isNotFound(err) {
			return nil, nil
		}
		return d, b.s.storeProblem(err)
	}
	for i := range in.Variants {
		v := &in.Variants[i]
		locale, err := b.s.locale(v.Locale)
		if err != nil {
			continue // refused later, with its own name
		}
		slug := v.Slug
		if slug == "" {
			title, _ := v.Fields["title"].(string)
			slug = Slugify(title)
		}
		if !ValidSlug(slug) {
			continue
		}
		w.locale = locale
		key := slugKey(in.Type, locale, slug)
		if id, ok := b.overlay.slugs[key]; ok {
			return b.overlay.docs[id], nil
		}
		d, err := b.s.store.BySlug(ctx, key)
		switch {
		case err == nil:
			return get(d.ID)
		case !isNotFound(err):
			return nil, b.s.storeProblem(err)
		}
	}
	return nil, nil
}

// saved is what undo brings back when a variant is refused half-way.
type saved struct {
	doc    *Document
	revs   int
	events int
}

func (w *change) save() saved { return saved{w.doc.clone(), len(w.revs), len(w.events)} }
func (w *change) undo(k saved) {
	w.doc, w.revs, w.events = k.doc, w.revs[:k.revs], w.events[:k.events]
}

// variant brings one variant in.
func (b *importBatch) variant(ctx context.Context, w *change, in *IncomingVariant) (Outcome, []FieldChange, error) {
	locale, err := b.s.locale(in.Locale)
	if err != nil {
		return Refused, nil, err
	}
	w.locale = locale
	before := len(w.events)
	outcome := Unchanged
	var changes []FieldChange
	v := w.doc.Variant(locale)
	if v == nil {
		if err := w.begin(ctx, locale, in.Slug, in.Fields, ""); err != nil {
			return Refused, nil, err
		}
		outcome = Created
	} else {
		if changes, err = w.importEdit(ctx, v, in); err != nil {
			return Refused, nil, err
		}
	}
	v = w.doc.Variant(locale)
	if err := w.importState(ctx, v, in); err != nil {
		return Refused, nil, err
	}
	w.importDates(v, in, outcome == Created || len(changes) > 0)
	if outcome == Unchanged && len(w.events) > before {
		outcome = Changed
	}
	return outcome, changes, nil
}

// importEdit lays the incoming fields over the variant. What the file does not
// name is removed, since the file is the whole variant; shared facts that it
// does not name stay, since another language may hold them.
func (w *change) importEdit(ctx context.Context, v *Variant, in *IncomingVariant) ([]FieldChange, error) {
	t, _ := w.s.schemas.Type(w.doc.Type)
	latest, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return nil, w.s.storeProblem(err)
	}
	patch := make(map[string]any, len(in.Fields))
	var had map[string]json.RawMessage
	if err := json.Unmarshal(latest.Localized, &had); err != nil {
		return nil, err
	}
	for name := range had {
		patch[name] = nil
	}
	for name, value := range in.Fields {
		patch[name] = value
	}
	from := v.State
	if s := w.def.State(from); s == nil || !s.Editable {
		// The import speaks for the newsroom: it edits what waits for somebody.
		if !w.s.Holds(w.actor, "administrator") {
			return nil, &Problem{Class: Conflict, Code: "not_editable", Params: map[string]any{"state": from}}
		}
	}
	changed, err := w.revise(ctx, patch, in.Slug, "", 0)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	w.afterEdit(v, changed)
	now := w.revs[len(w.revs)-1]
	return Diff(t, latest, now)
}

// importState takes the steps that lead to the state asked for.
func (w *change) importState(ctx context.Context, v *Variant, in *IncomingVariant) error {
	want := func(s *workflow.State) bool { return s.Name == in.State }
	switch {
	case in.Publish:
		want = func(s *workflow.State) bool { return s.Public }
	case in.State == "":
		return w.importSchedule(ctx, v, in)
	case w.def.State(in.State) == nil:
		return invalidField("/state", "invalid_state", map[string]any{"state": in.State})
	}
	facts, err := w.variantFacts(ctx, v)
	if err != nil {
		return err
	}
	steps, ok := pathTo(w.def, v.State, !v.Live.IsZero(), facts, want)
	if !ok {
		return &Problem{Class: Conflict, Code: "invalid_state", Params: map[string]any{"state": in.State}}
	}
	for _, step := range steps {
		if err := w.fire(ctx, step, ""); err != nil {
			return err
		}
	}
	return w.importSchedule(ctx, v, in)
}

// pathTo finds the shortest way from a state to one that want accepts, by steps
// that the facts' roles permit. It knows what makes a variant live; the other
// guards are asked when the steps are taken.
func pathTo(def *workflow.Definition, from string, live bool, facts workflow.Facts, want func(*workflow.State) bool) ([]string, bool) {
	type place struct {
		state string
		live  bool
	}
	type node struct {
		place
		steps []string
	}
	start := place{from, live}
	seen := map[place]bool{start: true}
	for queue := []node{{place: start}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if want(def.State(at.state)) {
			return at.steps, true
		}
		for _, a := range def.Permitted(at.state, facts) {
			to := def.State(a.To)
			next := place{a.To, to.Public || at.live && !to.Offline}
			if to.Offline && !want(to) { // never by way of a withdrawal
				continue
			}
			if seen[next] || slices.Contains(a.Guards, "live") && !at.live || slices.Contains(a.Guards, "not_live") && at.live {
				continue
			}
			seen[next] = true
			queue = append(queue, node{next, append(slices.Clone(at.steps), a.Name)})
		}
	}
	return nil, false
}

// importSchedule asks for the steps that the file wants later: the first
// schedulable one that publishes, and the first that withdraws.
func (w *change) importSchedule(ctx context.Context, v *Variant, in *IncomingVariant) error {
	for _, ask := range []struct {
		at   time.Time
		want func(*workflow.State) bool
	}{
		{in.PublishAt, func(s *workflow.State) bool { return s.Public }},
		{in.ExpireAt, func(s *workflow.State) bool { return s.Offline }},
	} {
		if ask.at.IsZero() || !ask.at.After(w.now) {
			continue
		}
		for i := range w.def.Transitions {
			t := &w.def.Transitions[i]
			if !t.Schedulable || !ask.want(w.def.State(t.To)) {
				continue
			}
			if !w.scheduled(v, t.Name, ask.at) {
				if err := w.schedule(ctx, Step{Name: t.Name, At: ask.at}); err != nil {
					return err
				}
			}
			break
		}
	}
	return nil
}

func (w *change) scheduled(v *Variant, transition string, at time.Time) bool {
	for _, d := range v.Schedule {
		if d.Transition == transition && d.At.Equal(at) {
			return true
		}
	}
	return false
}

// importDates takes over the outside's dates. They are facts about the content,
// not about this store: the events say when it really came in.
func (w *change) importDates(v *Variant, in *IncomingVariant, changed bool) {
	published := in.PublishedAt.UTC().Truncate(time.Millisecond)
	if !in.PublishedAt.IsZero() && !v.PublishedAt.Equal(published) {
		v.PublishedAt = published
		w.touch()
	}
	if !in.UpdatedAt.IsZero() && (changed || len(w.events) > 0) {
		v.UpdatedAt = in.UpdatedAt.UTC().Truncate(time.Millisecond)
	}
}

// touch makes sure that a change of dates alone is still told to consumers.
func (w *change) touch() {
	if len(w.events) > 0 {
		return
	}
	v := w.doc.Variant(w.locale)
	e := Event{Kind: EventEdited, From: v.State, To: v.State, Comment: "published_at"}
	if !v.Live.IsZero() {
		e.Effect = EffectPublished
	}
	w.record(e)
}
