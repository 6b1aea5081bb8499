package content

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// MaxComment is the longest comment on a step, in characters.
const MaxComment = 4000

// Step asks for a workflow transition. A zero At means now; a later moment
// schedules it.
type Step struct {
	Name    string
	Comment string
	At      time.Time
}

// Transition takes one workflow step, or schedules it. It returns Problems of
// class Forbidden, Conflict (wrong state, or a guard that refuses), Invalid.
func (s *Service) Transition(ctx context.Context, actor Actor, id, locale, etag string, step Step) (*Document, error) {
	return s.update(ctx, actor, id, locale, etag, func(w *change) error {
		if step.At.IsZero() {
			return w.fire(ctx, step.Name, step.Comment)
		}
		return w.schedule(ctx, step)
	})
}

// fire takes a step now.
func (w *change) fire(ctx context.Context, name, comment string) error {
	v := w.doc.Variant(w.locale)
	if v == nil {
		return &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": w.locale}}
	}
	facts, err := w.variantFacts(ctx, v)
	if err != nil {
		return err
	}
	t, to, err := w.def.Fire(v.State, name, facts)
	if err != nil {
		return w.refusal(ctx, err, v, name)
	}
	switch {
	case t.Comment == workflow.CommentRequired && comment == "" && !w.actor.system:
		return invalidField("/comment", "comment_required", nil)
	case utf8.RuneCountInString(comment) > MaxComment:
		return invalidField("/comment", "comment_too_long", map[string]any{"max": MaxComment})
	}
	e := Event{Kind: EventTransition, Transition: name, From: v.State, To: to.Name, Comment: comment, Revision: v.Latest.Hash}
	for _, r := range t.Roles {
		if g := w.s.grant(w.actor, r, w.where(), w.now); g != nil {
			e.Grant = g.String()
			break
		}
	}
	if t.Opinion != "" {
		v.Approvals = append(v.Approvals, Approval{
			Body: t.Opinion, Territory: w.seat(), Revision: v.Latest.Hash, Actor: w.actor.ID, At: w.now, Comment: comment,
		})
	}
	v.State = to.Name
	switch {
	case to.Public:
		if err := w.publish(ctx, v); err != nil {
			return err
		}
		e.Effect = EffectPublished
	case to.Offline && !v.Live.IsZero():
		w.withdraw(v)
		e.Effect = EffectWithdrawn
	}
	// A step taken now settles the same step waiting for later.
	v.Schedule = slices.DeleteFunc(v.Schedule, func(d Scheduled) bool { return d.Transition == name })
	w.record(e)
	return nil
}

// seat is the territory for which a council's member speaks: the grant's.
func (w *change) seat() string {
	g := w.s.grant(w.actor, workflow.Requirement{Role: "reviewer", Scope: "territory"}, w.where(), w.now)
	if g == nil {
		return ""
	}
	return g.Scope
}

// publish makes the latest revision the live one. Shared facts only ever move
// forward: publishing an older revision of one language does not bring back
// facts that another language has since replaced.
func (w *change) publish(ctx context.Context, v *Variant) error {
	r, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return w.s.storeProblem(err)
	}
	if v.LiveSlug != "" && v.LiveSlug != v.Slug && !slices.Contains(v.OldSlugs, v.LiveSlug) {
		v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
	}
	v.OldSlugs = slices.DeleteFunc(v.OldSlugs, func(s string) bool { return s == v.Slug })
	v.Live, v.LiveSlug = v.Latest, v.Slug
	if v.PublishedAt.IsZero() {
		v.PublishedAt = w.now
	}
	older := false
	if !w.doc.LiveShared.IsZero() {
		live, err := w.revision(ctx, w.doc.LiveShared.Hash)
		if err != nil {
			return w.s.storeProblem(err)
		}
		older = r.SharedVersion < live.SharedVersion
	}
	if !older {
		w.doc.LiveShared = r.Ref()
	}
	return nil
}

// withdraw takes the variant from the public. Its slug stays reserved, so that
// the address can answer that the page is gone.
func (w *change) withdraw(v *Variant) {
	if v.LiveSlug != "" && !slices.Contains(v.OldSlugs, v.LiveSlug) {
		v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
	}
	v.Live, v.LiveSlug = RevisionRef{}, ""
	if !w.doc.Live() {
		w.doc.LiveShared = RevisionRef{}
	}
}

// refusal tells a person why a step was refused, and what to do.
func (w *change) refusal(ctx context.Context, err error, v *Variant, name string) error {
	var guard *workflow.GuardError
	switch {
	case errors.Is(err, workflow.ErrUnknownTransition):
		return invalidField("/transition", "unknown_transition", map[string]any{"transition": name})
	case errors.Is(err, workflow.ErrRole):
		return forbidden()
	case errors.Is(err, workflow.ErrWrongState):
		return &Problem{Class: Conflict, Code: "wrong_state", Params: map[string]any{"state": v.State, "transition": name}}
	case errors.As(err, &guard):
		p := &Problem{Class: Conflict, Code: "guard_" + guard.Guard}
		if guard.Guard == "complete" {
			p.Class = Invalid
			p.Fields, err = w.missing(ctx, v)
			if err == nil {
				return p
			}
			return err
		}
		return p
	}
	return err
}

// facts answers the workflow's questions for this actor. v may be nil.
func (w *change) facts(at where, passes func(string) bool) workflow.Facts {
	return workflow.Facts{
		Holds:  func(r workflow.Requirement) bool { return w.s.grant(w.actor, r, at, w.now) != nil },
		Passes: passes,
	}
}

// variantFacts reads what the guards need, once, and answers them.
func (w *change) variantFacts(ctx context.Context, v *Variant) (workflow.Facts, error) {
	latest, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return workflow.Facts{}, w.s.storeProblem(err)
	}
	missing, err := w.missingIn(latest)
	if err != nil {
		return workflow.Facts{}, err
	}
	return w.facts(w.where(), func(guard string) bool {
		switch guard {
		case "complete":
			return len(missing) == 0
		case "approved":
			return w.approved(v)
		case "not_author":
			return w.actor.system || latest.Author != w.actor.ID
		case "live":
			return !v.Live.IsZero()
		case "not_live":
			return v.Live.IsZero()
		}
		return false
	}), nil
}

// approved counts the opinions that stand on the latest revision.
func (w *change) approved(v *Variant) bool {
	for _, need := range w.def.Opinions {
		actors := map[string]bool{}
		for _, a := range v.Approvals {
			if a.Body == need.Body && a.Revision == v.Latest.Hash {
				actors[a.Actor] = true
			}
		}
		if len(actors) < need.Quorum {
			return false
		}
	}
	return true
}

func (w *change) missing(ctx context.Context, v *Variant) ([]schemas.Issue, error) {
	latest, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return nil, w.s.storeProblem(err)
	}
	return w.missingIn(latest)
}

func (w *change) missingIn(r *Revision) ([]schemas.Issue, error) {
	t, ok := w.s.schemas.Type(r.Type)
	if !ok {
		return nil, invalidField("/type", "unknown_type", map[string]any{"type": r.Type})
	}
	values, err := r.Values()
	if err != nil {
		return nil, err
	}
	return t.Missing(values, schemas.ToPublish), nil
}
