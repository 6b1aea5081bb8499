package content

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// Get reads a document as its editors see it. A document that the actor may not
// see is not found.
func (s *Service) Get(ctx context.Context, actor Actor, id string) (*Document, error) {
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

// Latest gives the newest revision of a variant, with all its values: the
// shared facts are the document's present ones.
func (s *Service) Latest(ctx context.Context, actor Actor, id, locale string) (*Document, *Revision, error) {
	d, err := s.Get(ctx, actor, id)
	if err != nil {
		return nil, nil, err
	}
	v := d.Variant(locale)
	if v == nil {
		return nil, nil, &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": locale}}
	}
	r, err := s.store.Revision(ctx, v.Latest.Hash)
	if err != nil {
		return nil, nil, s.storeProblem(err)
	}
	now := *r
	now.Shared = d.Shared
	return d, &now, nil
}

// Permissions is what an actor may do with a variant now.
type Permissions struct {
	Edit    bool
	Actions []PermittedAction
}

// PermittedAction is a step that the actor's roles permit here. Blocked and
// Missing say why it would still be refused.
type PermittedAction struct {
	workflow.Action
	Missing []schemas.Issue
}

// Permissions answers for one variant; a locale without a variant answers
// whether the actor may begin one.
func (s *Service) Permissions(ctx context.Context, actor Actor, d *Document, locale string) (Permissions, error) {
	w := &change{s: s, actor: actor, now: s.now(), doc: d, def: s.workflowOf(d.Type), locale: locale}
	v := d.Variant(locale)
	if w.def == nil || v == nil {
		return Permissions{Edit: w.def != nil && w.def.MayCreate(w.facts(w.where(), nil))}, nil
	}
	facts, err := w.variantFacts(ctx, v)
	if err != nil {
		return Permissions{}, err
	}
	p := Permissions{Edit: w.def.MayEdit(v.State, facts)}
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

// Discard throws away a draft that was never public. Its events stay.
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
			if !v.PublishedAt.IsZero() {
				return &Problem{Class: Conflict, Code: "live_cannot_be_discarded"}
			}
			w.locale = v.Locale
			if !w.def.MayEdit(v.State, w.facts(w.where(), nil)) {
				return forbidden()
			}
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
	State     string
	Locale    string
	Territory string // ISTAT code or acronym
	Owner     string
	Mine      bool // written by the actor
	Order     Order
	After     Position
	Limit     int
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
	now, scopes := s.now(), s.scopeTerms(actor)
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
			if s.visible(actor, d, now) {
				out = append(out, d)
			}
		}
		if len(page) < q.Limit || len(out) >= f.Limit {
			return out, nil
		}
		q.After = PositionOf(page[len(page)-1])
	}
}

// scopeTerms are the index terms under which everything the actor may see is
// found; visible then decides document by document.
func (s *Service) scopeTerms(a Actor) []string {
	var out []string
	for _, g := range a.Grants {
		switch g.Role {
		case "administrator", "editor":
			return []string{"all"}
		case "contributor":
			out = append(out, "owner:"+g.Scope, "author:"+a.ID)
		case "reviewer", "secretary":
			out = append(out, "territory:"+g.Scope)
		case "translator":
			out = append(out, "live", "locale:"+g.Scope)
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
	add("state:", f.State)
	add("locale:", f.Locale)
	add("owner:", f.Owner)
	if f.Mine {
		add("author:", a.ID)
	}
	return terms, nil
}

// Events lists a document's events, newest first, from below the sequence
// number before (all when zero).
func (s *Service) Events(ctx context.Context, actor Actor, id string, before int64, limit int) ([]Event, error) {
	if _, err := s.Get(ctx, actor, id); err != nil {
		return nil, err
	}
	events, err := s.store.DocumentEvents(ctx, id, before, limit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, s.storeProblem(err)
	}
	return events, nil
}
