package content

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// Incoming is a document as an import found it outside: one thing in one or
// several locales.
type Incoming struct {
	Type string
	// ID is empty for a document that the outside does not number; it is then
	// found by the slug of any of its variants, or created.
	ID    string
	Owner string
	// AssuredDate is the civil day (2006-01-02, Europe/Rome) on which somebody
	// confirmed the facts; empty when unknown. An earlier day than the known one
	// changes nothing.
	AssuredDate string
	Variants    []IncomingVariant
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
	// Over is for a source that says less than a document does, and comes again:
	// when it is set and the document is there already, it is asked what to bring
	// in instead of the whole variant in. Of what it gives, Fields are laid over
	// what is there: a field that is absent stays, nil removes. A working copy that
	// somebody has begun is never published with it. Over may be asked more than
	// once, and must not change the maps that it is given.
	Over func(in IncomingVariant, now Present) IncomingVariant
}

// Present is what a document says when an import comes to it.
type Present struct {
	// Values are those of the newest revision: the shared facts and the texts of
	// the language; where the language is new, the texts that are to come in.
	Values schemas.Values
	// Live says that the public sees the variant, Offline that it was withdrawn.
	Live, Offline bool
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
	// Queued says that the publication which was asked for waits for the owner: the
	// document is live, belongs to an organisation, and its type wants such changes
	// looked at (schemas.ImportReview); or somebody's working copy took the change
	// (IncomingVariant.Over); or it hides its places and would not any more. The public
	// sees what it saw.
	Queued bool
}

// Import brings a batch of documents in, through the same rules as every other
// write, and says what became of each variant. Variants of one document that
// are good are written together; one that is refused leaves the others alone.
// With dryRun nothing is written.
//
// The batch is written at once at its end, so that many documents share the cost
// of making them durable; only a document that refers to another new one is
// written after it. What somebody else changed meanwhile is worked out again. It
// returns an error only when the store fails; what a document did wrong is in
// its results.
func (s *Service) Import(ctx context.Context, actor Actor, batch []Incoming, dryRun bool) ([]ImportResult, error) {
	switch {
	case actor.Anonymous():
		return nil, unauthenticated()
	case s.May(actor, access.DocumentImport, access.Object{}) == nil:
		return nil, forbidden()
	}
	b, err := s.workOut(ctx, actor, batch, dryRun)
	if err != nil || dryRun {
		return b.results, err
	}
	const rounds = 3
	for round := 1; ; round++ {
		again, err := b.write(ctx, round >= rounds)
		s.changed()
		if err != nil || len(again) == 0 {
			return b.results, err
		}
		rest := make([]Incoming, len(again))
		for i, n := range again {
			rest[i] = batch[n]
		}
		next, err := s.workOut(ctx, actor, rest, false)
		if err != nil {
			return b.results, err
		}
		// The next round speaks for its documents in the report of the first.
		for i, n := range again {
			copy(b.results[b.first[n]:], next.results[next.first[i]:next.first[i]+len(rest[i].Variants)])
		}
		for i := range next.staged {
			st := &next.staged[i]
			for j, n := range st.incoming {
				st.incoming[j] = again[n]
			}
		}
		b.staged, b.byDoc = next.staged, next.byDoc
	}
}

// workOut decides what becomes of every document of a batch, and writes nothing.
func (s *Service) workOut(ctx context.Context, actor Actor, batch []Incoming, dry bool) (*importBatch, error) {
	b := &importBatch{s: s, actor: actor, dry: dry, overlay: newOverlay(), byDoc: map[string]int{}}
	for i := range batch {
		if err := b.take(ctx, i, &batch[i]); err != nil {
			return b, err
		}
	}
	return b, nil
}

type importBatch struct {
	s       *Service
	actor   Actor
	dry     bool
	overlay *overlay
	results []ImportResult
	first   []int // place of the first result, by incoming
	staged  []stagedWrite
	byDoc   map[string]int // place in staged, by document
}

// stagedWrite is a document's write with the incoming that made it.
type stagedWrite struct {
	Write
	change   *change
	incoming []int
	needs    []string // documents of the batch that must be there before
}

// write applies what is staged, documents before those that refer to them. It
// gives the incoming whose write lost a race, or refers to one that did, to be
// worked out again. From the last round on what loses is refused, and what
// refers to it is worked out once more without it.
func (b *importBatch) write(ctx context.Context, last bool) (again []int, failed error) {
	todo := make([]int, len(b.staged))
	for i := range todo {
		todo[i] = i
	}
	const waiting, written, lost = 1, 0, 2
	fate := make([]int, len(b.staged))
	for i := range fate {
		fate[i] = waiting
	}
	for len(todo) > 0 {
		var wave, later []int
		for _, n := range todo {
			worst := written
			for _, id := range b.staged[n].needs {
				if of, ok := b.byDoc[id]; ok && of != n {
					worst = max(worst, fate[of])
				}
			}
			switch worst {
			case lost:
				fate[n] = lost
				again = append(again, b.staged[n].incoming...)
			case waiting:
				later = append(later, n)
			default:
				wave = append(wave, n)
			}
		}
		if len(wave) == 0 && len(later) == len(todo) {
			wave, later = later, nil // they refer to each other
		}
		writes := make([]Write, len(wave))
		for i, n := range wave {
			writes[i] = b.staged[n].Write
		}
		todo = later
		if len(wave) == 0 {
			continue
		}
		for i, err := range b.s.store.Apply(ctx, writes) {
			st := &b.staged[wave[i]]
			fate[wave[i]] = written
			if err == nil {
				continue
			}
			fate[wave[i]] = lost
			if !last && (errors.Is(err, ErrConflict) || errors.Is(err, ErrDuplicate)) {
				again = append(again, st.incoming...)
				continue
			}
			p := AsProblem(b.s.writeProblem(err, st.change))
			b.refuse(st.incoming, p)
			if p.Class == Unavailable || p.Class == Internal {
				failed = errors.Join(failed, p)
			}
		}
	}
	if failed != nil {
		b.refuse(again, AsProblem(failed))
		again = nil
	}
	slices.Sort(again)
	return slices.Compact(again), failed
}

// refuse says in the report that nothing became of these incoming.
func (b *importBatch) refuse(incoming []int, p *Problem) {
	for _, n := range incoming {
		end := len(b.results)
		if n+1 < len(b.first) {
			end = b.first[n+1]
		}
		for i := b.first[n]; i < end; i++ {
			if r := &b.results[i]; r.Outcome != Refused {
				r.Outcome, r.Problem, r.Changes, r.Queued = Refused, p, nil, false
			}
		}
	}
}

// take works one document out: what it becomes, or why it is refused.
func (b *importBatch) take(ctx context.Context, n int, in *Incoming) error {
	first := len(b.results)
	b.first = append(b.first, first)
	for _, v := range in.Variants {
		b.results = append(b.results, ImportResult{Source: v.Source, Locale: v.Locale, Slug: v.Slug, Outcome: Unchanged})
	}
	refuse := func(err error) error {
		p := AsProblem(err)
		if p.Class == Unavailable || p.Class == Internal {
			return err
		}
		b.refuse([]int{n}, p)
		return nil
	}
	w, err := b.open(ctx, in)
	if err != nil {
		return refuse(err)
	}
	before := len(w.events)
	b.spread(in)
	t, _ := b.s.schemas.Type(in.Type)
	w.review = t.Import.Live == schemas.ImportReview && w.doc.Owner != "" && w.doc.Live()
	accepted := -1
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
		if accepted < 0 {
			accepted = i
		}
		res.Document, res.Outcome, res.Changes, res.Queued = w.doc.ID, outcome, changes, w.queued
		if v := w.doc.Variant(w.locale); v != nil {
			res.Locale, res.Slug = v.Locale, v.Slug
		}
	}
	if accepted >= 0 {
		if err := b.assured(w, in, &b.results[first+accepted]); err != nil {
			return refuse(err)
		}
	}
	if len(w.events) == before {
		if at, ok := b.byDoc[w.doc.ID]; ok { // unchanged, if what is staged is written
			b.staged[at].incoming = append(b.staged[at].incoming, n)
		}
		return nil
	}
	write := w.seal()
	if err := b.slugsFree(ctx, w); err != nil {
		return refuse(err)
	}
	b.stage(n, w, write)
	return nil
}

// assured takes over the day of the last confirmation, and says so in the report.
func (b *importBatch) assured(w *change, in *Incoming, res *ImportResult) error {
	was, before := w.doc.Assured, len(w.events)
	if err := w.importAssured(in.AssuredDate); err != nil {
		return err
	}
	if len(w.events) == before {
		return nil
	}
	c := FieldChange{Field: "assured_date", After: json.RawMessage(strconv.Quote(in.AssuredDate))}
	if was != nil && was.On != "" {
		c.Before = json.RawMessage(strconv.Quote(was.On))
	}
	res.Changes = append(res.Changes, c)
	if res.Outcome == Unchanged {
		res.Outcome = Changed
	}
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
func (b *importBatch) stage(n int, w *change, write Write) {
	b.overlay.add(write)
	at, ok := b.byDoc[write.Document.ID]
	if !ok {
		at = len(b.staged)
		b.byDoc[write.Document.ID] = at
		b.staged = append(b.staged, stagedWrite{})
	}
	st := &b.staged[at]
	st.Write, st.change = write, w
	st.incoming = append(st.incoming, n)
	st.needs = append(st.needs, w.needs...)
}

// slugsFree refuses a document whose slug another one of the batch holds, so
// that the report names it before anything is written; on a dry run, which does
// not hear what the store says to a write, another one of the store as well.
func (b *importBatch) slugsFree(ctx context.Context, w *change) error {
	for _, key := range w.doc.Keys.Slugs {
		id, ok := b.overlay.slugs[key]
		if !ok && b.dry {
			switch d, err := w.bySlug(ctx, key); {
			case err == nil:
				id, ok = d.ID, true
			case !isNotFound(err):
				return b.s.storeProblem(err)
			}
		}
		if ok && id != w.doc.ID {
			return slugTaken(key[strings.LastIndexByte(key, '/')+1:], nil)
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
	id := in.ID
	if id != "" {
		var ok bool
		if id, ok = parseID(id); !ok {
			return nil, invalidField("/id", "invalid_id", nil)
		}
	}
	now := b.s.now()
	w := &change{s: b.s, actor: b.actor, now: now, def: def, loose: true, overlay: b.overlay, doc: &Document{ID: id}}
	d, err := b.find(ctx, w, id, in)
	if err != nil {
		return nil, err
	}
	if d != nil {
		switch {
		case d.Type != in.Type:
			return nil, &Problem{Class: Conflict, Code: "type_mismatch", Params: map[string]any{"type": d.Type}}
		case d.Discarded: // what somebody threw away does not come back by itself
			return nil, &Problem{Class: Conflict, Code: "id_taken"}
		}
		if d.MergedInto != "" {
			return nil, mergedAway(d)
		}
		w.doc, w.private = d.clone(), d.Sensitive
		w.expect = d.Version
		if n, ok := b.byDoc[d.ID]; ok { // continue the write already staged
			w.expect = b.staged[n].Expect
			w.revs = slices.Clone(b.staged[n].Revisions)
			w.events = slices.Clone(b.staged[n].Document.Pending)
			w.doc.LastEvent = w.events[0].Prev // they are sealed once more
		}
		return w, nil
	}
	if id == "" {
		id = uuid.Must(uuid.NewV7()).String()
	}
	w.doc = &Document{ID: id, Type: in.Type, Owner: in.Owner, Author: b.actor.ID, CreatedAt: now, Shared: emptyObject}
	return w, nil
}

// find gives the document that the incoming one is, or nil.
func (b *importBatch) find(ctx context.Context, w *change, id string, in *Incoming) (*Document, error) {
	orNone := func(d *Document, err error) (*Document, error) {
		if isNotFound(err) {
			return nil, nil
		}
		return d, b.s.storeProblem(err)
	}
	if id != "" {
		return orNone(w.document(ctx, id))
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
		d, err := orNone(w.bySlug(ctx, slugKey(in.Type, locale, slug)))
		if d != nil || err != nil {
			return d, err
		}
	}
	return nil, nil
}

// saved is what undo brings back when a variant is refused half-way.
type saved struct {
	doc                 *Document
	revs, events, needs int
}

func (w *change) save() saved { return saved{w.doc.clone(), len(w.revs), len(w.events), len(w.needs)} }

func (w *change) undo(k saved) {
	w.doc, w.revs, w.events, w.needs = k.doc, w.revs[:k.revs], w.events[:k.events], w.needs[:k.needs]
}
