package content

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// change is one write in the making: the next version of a document.
type change struct {
	s      *Service
	actor  Actor
	now    time.Time
	doc    *Document
	def    *workflow.Definition
	expect int64
	locale string
	// under is the grant that permitted what is being done: the events say so.
	under  *Grant
	revs   []*Revision
	events []Event
	// lacking is what each revision asked about lacks for publication, by hash:
	// a revision never changes, and every step asks.
	lacking map[string][]schemas.Issue
	// read are revisions that the store gave: one step asks for the same several
	// times.
	read map[string]*Revision
	// loose takes values as front matter and spreadsheets write them.
	loose bool
	// overlay finds revisions and slugs that an import has made but not written;
	// needs are the new documents in it that this change refers to.
	overlay *overlay
	needs   []string
	// madeSlug says that the variant's slug was made here, not asked for.
	madeSlug bool
	// private says that the document was sensitive before; moved that its shared
	// facts have changed: the words that the public must not read may be others.
	private, moved bool
	// review says that what an import publishes waits for the owner; queued that
	// the present variant does.
	review, queued bool
}

// importing says that the change comes from outside, in a batch.
func (w *change) importing() bool { return w.overlay != nil }

const maxRetries = 40

// maxETag is longer than any ETag of ours, in bytes.
const maxETag = 64

// update runs a change of one variant by compare-and-swap. When somebody else
// was faster it starts again, so long as what the caller saw is still true.
func (s *Service) update(ctx context.Context, actor Actor, id, locale, etag string, do func(*change) error) (*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	locale, err := s.locale(locale)
	if err != nil {
		return nil, err
	}
	return s.rewrite(ctx, actor, id, func(w *change) error {
		if err := s.precondition(ctx, w.doc, locale, etag); err != nil {
			return err
		}
		w.locale = locale
		return do(w)
	})
}

// rewrite runs a change of a document by compare-and-swap, from the start when
// somebody else was faster. What was merged into another changes no more.
func (s *Service) rewrite(ctx context.Context, actor Actor, id string, do func(*change) error) (*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	for try := 0; ; try++ {
		d, err := s.store.Get(ctx, id)
		if err != nil {
			return nil, s.storeProblem(err)
		}
		if !s.visible(actor, d, s.now()) {
			return nil, notFound()
		}
		if d.MergedInto != "" {
			return nil, mergedAway(d)
		}
		w := &change{s: s, actor: actor, now: s.now(), doc: d.clone(), def: s.workflowOf(d.Type), expect: d.Version, private: d.Sensitive}
		if w.def == nil {
			return nil, invalidField("/type", "unknown_type", map[string]any{"type": d.Type})
		}
		if err := do(w); err != nil {
			return nil, err
		}
		if len(w.events) == 0 {
			return s.shown(ctx, actor, d) // nothing to change
		}
		out, err := s.commit(ctx, w)
		lost := errors.Is(err, ErrConflict) || w.madeSlug && errors.Is(err, ErrDuplicate)
		if lost && try < maxRetries {
			continue
		}
		if err != nil {
			return nil, err
		}
		return s.shown(ctx, actor, out)
	}
}

// precondition compares what the caller saw with what is stored. The answer of
// a conflict summarises both.
func (s *Service) precondition(ctx context.Context, d *Document, locale, etag string) error {
	current := d.ETag(locale)
	switch strings.TrimPrefix(etag, "W/") {
	case "":
		return &Problem{Class: PreconditionRequired, Code: "precondition_required"}
	case current, "*":
		return nil
	}
	p := &Problem{Class: PreconditionFailed, Code: "stale", Yours: &Summary{ETag: etag}, Current: &Summary{ETag: current}}
	if len(etag) > maxETag {
		p.Yours.ETag = "" // never ours, and no answer is as long as what was asked
	}
	v := d.Variant(locale)
	if v == nil {
		return p
	}
	p.Current.State, p.Current.Revision, p.Current.UpdatedAt = v.State, v.Latest.Number, v.UpdatedAt.Format(time.RFC3339Nano)
	latest, err := s.revision(ctx, v.Latest.Hash)
	if err != nil {
		return err
	}
	p.Current.Author = latest.Author
	seen, err := s.chainAt(ctx, d, v, revisionOf(etag))
	if err != nil {
		return p // an ETag that was never ours: there is nothing to compare with
	}
	p.Yours.Revision, p.Yours.Author = seen.Number, seen.Author
	if t, ok := s.schemas.Type(d.Type); ok {
		present := *latest
		present.Shared = d.Shared // facts may have changed through another language
		if p.Current.Changed, err = changedFields(t, seen, &present); err != nil {
			return err
		}
	}
	return p
}

// commit seals the document and writes it.
func (s *Service) commit(ctx context.Context, w *change) (*Document, error) {
	write := w.seal()
	if err := s.store.Apply(ctx, []Write{write})[0]; err != nil {
		if errors.Is(err, ErrConflict) {
			return nil, err
		}
		if !errors.Is(err, ErrDuplicate) {
			s.changed() // it may have been written all the same
		}
		return nil, s.writeProblem(err, w)
	}
	s.changed()
	return write.Document, nil
}

// writeProblem tells a caller why the store refused a write.
func (s *Service) writeProblem(err error, w *change) error {
	if errors.Is(err, ErrDuplicate) {
		slug := ""
		if v := w.doc.Variant(w.locale); v != nil {
			slug = v.Slug
		}
		return slugTaken(slug, err)
	}
	return s.storeProblem(err)
}

func slugTaken(slug string, cause error) *Problem {
	params := map[string]any{"slug": slug}
	return &Problem{Class: Conflict, Code: "slug_taken", Params: params, Err: cause,
		Fields: []schemas.Issue{{Path: "/slug", Code: "slug_taken", Params: params}}}
}

// record adds an event of this change: of the variant that is changed.
func (w *change) record(e Event) {
	v := w.doc.Variant(w.locale)
	if v != nil {
		v.Version++
		if e.Revision == "" {
			e.Revision = v.Latest.Hash
		}
	}
	e.Locale = w.locale
	w.add(e)
}

// tell adds an event about the document as a whole: one for each live variant,
// with what changed for the public; or one without, when there is none. No variant
// changes by it, and nobody's view of one becomes stale.
func (w *change) tell(e Event) {
	live := false
	for i := range w.doc.Variants {
		if v := &w.doc.Variants[i]; !v.Live.IsZero() {
			live = true
			e.Locale, e.Revision = v.Locale, v.Live.Hash
			w.add(e)
		}
	}
	if v := w.doc.mainVariant(); !live && v != nil {
		e.Locale, e.Revision, e.Effect = v.Locale, v.Latest.Hash, EffectNone
		w.add(e)
	}
}

func (w *change) add(e Event) {
	e.Document, e.Type, e.At = w.doc.ID, w.doc.Type, w.now
	e.Actor, e.OnBehalfOf, e.Via, e.Trace = w.actor.ID, w.actor.OnBehalfOf, w.actor.Via, w.actor.Trace
	if w.under != nil {
		e.Grant, e.GrantOf = w.under.String(), w.under.Of
	}
	if e.Effect == EffectPublished && w.doc.Hidden() {
		e.Effect = EffectWithdrawn // for its age the public does not see it
	}
	w.events = append(w.events, e)
}

// quiet says that nothing of what editors work on has changed: the place of the
// document in their lists stays.
func (w *change) quiet() bool {
	return !slices.ContainsFunc(w.events, func(e Event) bool { return e.Kind != EventAssured && e.Kind != EventAged })
}

// seal computes the version, the keys and the events of the next version, and
// ties the events to the document's earlier ones.
func (w *change) seal() Write {
	d := w.doc
	d.Version = w.expect + 1
	if !w.quiet() {
		d.UpdatedAt = w.now
	}
	d.HandedIn = d.HandedIn || w.s.handedIn(d)
	if (d.Sensitive != w.private || d.Sensitive && w.moved) && d.Live() {
		e := Event{Kind: EventSensitive, To: "public", Effect: EffectPublished}
		if d.Sensitive {
			e.To = "private"
		}
		w.tell(e)
	}
	w.private, w.moved = d.Sensitive, false
	d.Keys = w.s.keys(d)
	for i := range w.events {
		e := &w.events[i]
		e.Version = d.Version
		e.ID = fmt.Sprintf("%s-%d-%d", d.ID, d.Version, i)
		e.Prev = d.LastEvent
		e.Hash = e.ComputeHash()
		d.LastEvent = e.Hash
	}
	d.Pending = w.events
	return Write{Document: d, Expect: w.expect, Revisions: w.revs}
}
