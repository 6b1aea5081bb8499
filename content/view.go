package content

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// Get reads a document as its editors see it. A document that the actor may not
// see is not found. Who may not know where a sensitive document's places are gets
// those that the public knows, here and in everything that reads.
func (s *Service) Get(ctx context.Context, actor Actor, id string) (*Document, error) {
	d, err := s.seen(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, actor, d)
}

// seen is a document that the actor may see, with all that it says.
func (s *Service) seen(ctx context.Context, actor Actor, id string) (*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	d, err := s.store.Get(ctx, id)
	if err != nil {
		return nil, s.storeProblem(err)
	}
	if !s.visible(actor, d, s.now()) {
		return nil, notFound()
	}
	return d, nil
}

// Latest gives the newest revision of a variant, with all its values. Where it
// can be edited the shared facts are the document's present ones, which an edit
// starts from; where it waits for a decision they are the revision's own, which
// the decision is about.
func (s *Service) Latest(ctx context.Context, actor Actor, id, locale string) (*Document, *Revision, error) {
	d, v, err := s.getVariant(ctx, actor, id, locale)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.revision(ctx, v.Latest.Hash)
	if err != nil {
		return nil, nil, err
	}
	now := *r
	if def := s.workflowOf(d.Type); def != nil {
		if state := def.State(v.State); state != nil && state.Editable {
			now.Shared, now.SharedVersion = d.Shared, d.SharedVersion
		}
	}
	shown, err := s.shownRevisions(ctx, actor, d, &now)
	if err != nil {
		return nil, nil, err
	}
	d, err = s.shown(ctx, actor, d)
	return d, shown[0], err
}

// getVariant reads a document that the actor may see, with all that it says, and
// finds one variant of it.
func (s *Service) getVariant(ctx context.Context, actor Actor, id, locale string) (*Document, *Variant, error) {
	d, err := s.seen(ctx, actor, id)
	if err != nil {
		return nil, nil, err
	}
	v := d.Variant(locale)
	if v == nil {
		return nil, nil, &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": locale}}
	}
	return d, v, nil
}

// Permissions is what an actor may do with a variant now.
type Permissions struct {
	Edit bool
	// TextOnly says that Edit does not extend to the shared facts.
	TextOnly bool
	Actions  []PermittedAction
	// Assure and Merge say that the actor may confirm the document's facts, and
	// may let another go for it or it for another; the other is asked about too.
	Assure, Merge bool
}

// PermittedAction is a step that the actor's roles permit here. Blocked and
// Missing say why it would still be refused.
type PermittedAction struct {
	workflow.Action
	Missing []schemas.Issue
}

// Permissions answers for one variant; a locale without a variant answers
// whether the actor may begin one. Who may not see the document may do nothing.
func (s *Service) Permissions(ctx context.Context, actor Actor, d *Document, locale string) (Permissions, error) {
	w := &change{s: s, actor: actor, now: s.now(), doc: d, def: s.workflowOf(d.Type), locale: locale}
	if w.def == nil || d.MergedInto != "" || !s.visible(actor, d, w.now) {
		return Permissions{}, nil
	}
	p := Permissions{
		Assure: s.schemas.Freshness(d.Type) != nil && s.may(actor, access.DocumentAssure, reach(d), w.now) != nil,
		Merge:  s.may(actor, access.DocumentMerge, reach(d), w.now) != nil,
	}
	v := d.Variant(locale)
	if v == nil {
		facts := w.facts(w.where(), nil)
		all, text := w.def.MayCreate(facts), w.def.MayTranslate(facts)
		if _, known := s.schemas.Locale(locale); !known || !s.writtenIn(d.Type, locale) {
			return p, nil
		}
		p.Edit, p.TextOnly = all || text, !all && text
		return p, nil
	}
	facts, err := w.variantFacts(ctx, v)
	if err != nil {
		return Permissions{}, err
	}
	if rights, err := w.mayEdit(v); err == nil {
		p.Edit, p.TextOnly = true, rights == editsText
	}
	for _, a := range w.def.Permitted(v.State, facts) {
		action := PermittedAction{Action: a}
		if a.Blocked == "complete" {
			if action.Missing, err = w.missing(ctx, v); err != nil {
				return p, err
			}
		}
		p.Actions = append(p.Actions, action)
	}
	return p, nil
}

// Discard throws away a draft that was never public. Its events stay. Who may
// begin such a document and edit this one may throw it away: a council may
// improve a practice, but not make it vanish.
func (s *Service) Discard(ctx context.Context, actor Actor, id, etag string) error {
	d, err := s.Get(ctx, actor, id)
	if err != nil {
		return err
	}
	main := d.mainVariant()
	if main == nil {
		return notFound()
	}
	_, err = s.update(ctx, actor, id, main.Locale, etag, func(w *change) error {
		for i := range w.doc.Variants {
			v := &w.doc.Variants[i]
			w.locale = v.Locale
			create := w.s.met(w.actor, w.def.Create, w.where(), w.now)
			if create == nil || !w.def.HoldsEdit(w.facts(w.where(), nil)) {
				return forbidden()
			}
			if v.wasPublic() {
				return &Problem{Class: Conflict, Code: "live_cannot_be_discarded"}
			}
			if _, err := w.mayEdit(v); err != nil {
				return err
			}
			w.under = create
		}
		w.locale = main.Locale
		w.doc.Discarded = true
		w.record(Event{Kind: EventDiscarded})
		return nil
	})
	return err
}

// Filter selects documents for editors; empty fields select all.
type Filter struct {
	Type      string
	State     string // of any variant; of the one in Locale when both are given
	Locale    string
	Territory string // ISTAT code or acronym
	Owner     string
	Mine      bool // written by the actor
	// Assured is the stage of live documents whose facts somebody confirmed, or the
	// calendar has judged: "current", "unverified" or "hidden".
	Assured string
	// MergedInto selects what was merged into that document; without it, what was
	// merged away is not listed.
	MergedInto string
	Order      Order
	After      Position
	Limit      int // 50 when it is less than one

	merged bool // what was merged away too
}

// List gives the documents that the actor may see, in order.
func (s *Service) List(ctx context.Context, actor Actor, f Filter) ([]*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	terms, err := s.filterTerms(actor, f)
	if err != nil {
		return nil, err
	}
	if f.Limit < 1 {
		f.Limit = 50
	}
	now := s.now()
	scopes := s.scopeTerms(actor, now)
	merged := map[string]*Document{}
	for _, scope := range scopes {
		got, err := s.listScope(ctx, actor, f, append([]string{scope}, terms...), now)
		if err != nil {
			return nil, err
		}
		for _, d := range got {
			merged[d.ID] = d
		}
	}
	out := make([]*Document, 0, len(merged))
	for _, d := range merged {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b *Document) int { return compareDocuments(f.Order, a, b) })
	return out[:min(len(out), f.Limit)], nil
}

// PositionOf gives the place of a document in a list, to continue after it.
func PositionOf(d *Document) Position {
	return Position{UpdatedAt: d.UpdatedAt, Title: d.Keys.Title, ID: d.ID}
}

func compareDocuments(order Order, a, b *Document) int {
	c := b.UpdatedAt.Compare(a.UpdatedAt)
	if order == ByTitle {
		c = strings.Compare(a.Keys.Title, b.Keys.Title)
	}
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	return c
}

// listScope reads pages of one scope until enough visible documents are found.
func (s *Service) listScope(ctx context.Context, actor Actor, f Filter, terms []string, now time.Time) ([]*Document, error) {
	var out []*Document
	q := Query{Terms: terms, Order: f.Order, After: f.After, Limit: f.Limit}
	for {
		page, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, s.storeProblem(err)
		}
		for _, d := range page {
			if d.MergedInto != f.MergedInto && !f.merged || !s.visible(actor, d, now) {
				continue
			}
			if d, err = s.shown(ctx, actor, d); err != nil {
				return nil, err
			}
			out = append(out, d)
		}
		if len(page) < q.Limit || len(out) >= f.Limit {
			return out, nil
		}
		q.After = PositionOf(page[len(page)-1])
	}
}

// scopeTerms are the index terms under which everything the actor may see is
// found; visible then decides document by document.
func (s *Service) scopeTerms(a Actor, now time.Time) []string {
	var out []string
	for _, r := range s.policy.Reach(access.DocumentSee, a.Grants, now) {
		switch {
		case r.Dimension == access.Organization:
			out = append(out, "owner:"+r.Scope)
		case r.Dimension == access.Territory:
			out = append(out, "territory:"+r.Scope)
		case r.Dimension == access.Locale:
			out = append(out, "locale:"+r.Scope)
		case slices.Contains(r.When, access.Live):
			out = append(out, "live")
		case slices.Contains(r.When, access.Own):
			out = append(out, "author:"+a.ID)
		default:
			return []string{"all"}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Service) filterTerms(a Actor, f Filter) ([]string, error) {
	var terms []string
	add := func(key, value string) {
		if value != "" {
			terms = append(terms, key+value)
		}
	}
	if f.Type != "" && s.workflowOf(f.Type) == nil {
		return nil, &Problem{Class: Invalid, Code: "invalid_filter", Fields: []schemas.Issue{{Path: "/type", Code: "unknown_type", Params: map[string]any{"type": f.Type}}}}
	}
	if f.Territory != "" {
		t, ok := s.places.Lookup(f.Territory)
		if !ok {
			return nil, &Problem{Class: Invalid, Code: "invalid_filter", Fields: []schemas.Issue{{Path: "/territory", Code: "unknown_territory", Params: map[string]any{"value": f.Territory}}}}
		}
		add("territory:", t.ISTAT)
	}
	add("type:", f.Type)
	if f.State != "" && f.Locale != "" { // of the same variant
		add("state:", f.State+"@"+f.Locale)
	} else {
		add("state:", f.State)
		add("locale:", f.Locale)
	}
	add("owner:", f.Owner)
	add(termAssured, f.Assured)
	add(termMerged, f.MergedInto)
	if f.Mine {
		add("author:", a.ID)
	}
	return terms, nil
}

// AuditLog lists the events of all documents, in the order of the log, after that
// sequence number: 100 of them when limit is less than one. It returns a
// *Problem of class Forbidden to those who may not read it.
func (s *Service) AuditLog(ctx context.Context, actor Actor, after int64, limit int) ([]Event, error) {
	if err := s.Allow(actor, access.AuditRead, access.Object{}); err != nil {
		return nil, err
	}
	if limit < 1 {
		limit = 100
	}
	events, err := s.store.Events(ctx, max(after, 0), limit)
	return events, s.storeProblem(err)
}

// Events lists a document's events, newest first, from below the sequence
// number before (all when zero).
func (s *Service) Events(ctx context.Context, actor Actor, id string, before int64, limit int) ([]Event, error) {
	d, err := s.seen(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	events, err := s.store.DocumentEvents(ctx, id, before, limit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, s.storeProblem(err)
	}
	return s.shownEvents(ctx, actor, d, events)
}
