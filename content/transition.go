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

// MaxComment is the longest comment on a step, and the longest note on a
// revision, in characters.
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
	if err := w.checkComment(t, comment); err != nil {
		return err
	}
	var public publicView
	if to.Public {
		if public, err = w.publicAfter(ctx, v); err != nil {
			return err
		}
	}
	e := Event{Kind: EventTransition, Transition: name, From: v.State, To: to.Name, Comment: comment, Revision: v.Latest.Hash}
	w.under = w.s.met(w.actor, t.Roles, w.whereOf(v), w.now)
	if t.Voids {
		v.Approvals = nil
	}
	if t.Opinion != "" {
		// Who gives an opinion again has changed it, and still has one voice.
		v.Approvals = slices.DeleteFunc(v.Approvals, func(a Approval) bool { return a.Body == t.Opinion && a.Actor == w.actor.ID })
		v.Approvals = append(v.Approvals, Approval{
			Body: t.Opinion, Territory: w.seat(v), Revision: v.Latest.Hash, Actor: w.actor.ID, At: w.now, Comment: comment,
		})
	}
	v.State = to.Name
	switch {
	case to.Public:
		w.publish(v, public)
		e.Effect = EffectPublished
	case to.Offline && !v.Live.IsZero():
		w.withdraw(v)
		e.Effect = EffectWithdrawn
	}
	// A step taken now settles the same step waiting for later.
	v.Schedule = slices.DeleteFunc(v.Schedule, func(d Scheduled) bool { return d.Transition == name })
	w.record(e)
	// What a person takes from the public does not come back by itself.
	return w.overtake(ctx, v, to.Offline && !w.actor.system, "overtaken")
}

// checkComment refuses a comment that is too long or not there.
func (w *change) checkComment(t *workflow.Transition, comment string) error {
	if t.Comment == workflow.CommentRequired && strings.TrimSpace(comment) == "" && !w.actor.system {
		return invalidField("/comment", "comment_required", nil)
	}
	return checkText("/comment", comment)
}

// seat is the territory for which a council's member speaks: the grant's.
func (w *change) seat(v *Variant) string {
	g := (access.Requirement{Role: "reviewer", Scope: access.Territory}).Met(w.actor.Grants, w.whereOf(v), w.now, w.s.contains)
	if g == nil {
		return ""
	}
	return g.Scope
}

// publicView is what the public sees once a variant's latest revision is published:
// its text, and the facts of one revision of the document; with the files that
// each of them uses.
type publicView struct {
	facts                 RevisionRef
	factsVersion          int
	private               bool // the facts are those of a sensitive document
	textMedia, factsMedia []string
}

// publicAfter says what the public sees once the variant's latest is published.
// Shared facts only ever move forward: publishing an older revision of one
// language does not bring back facts that another language has since replaced.
func (w *change) publicAfter(ctx context.Context, v *Variant) (publicView, error) {
	next, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return publicView{}, err
	}
	out := publicView{facts: v.Latest, textMedia: mediaIn(next.Localized), factsMedia: mediaIn(next.Shared)}
	facts := next
	if !w.doc.LiveShared.IsZero() {
		now, err := w.revision(ctx, w.doc.LiveShared.Hash)
		if err != nil {
			return publicView{}, err
		}
		if next.SharedVersion < now.SharedVersion {
			out.facts, out.factsMedia, facts = w.doc.LiveShared, w.doc.LiveMedia, now
		}
	}
	out.factsVersion, out.private = facts.SharedVersion, w.s.privateFacts(facts.Type, facts.Shared)
	return out, nil
}

// publish makes the latest revision the live one, beside the facts that are to
// be public with it.
func (w *change) publish(v *Variant, public publicView) {
	w.assureFirst()
	if v.LiveSlug != "" && v.LiveSlug != v.Slug && !slices.Contains(v.OldSlugs, v.LiveSlug) {
		v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
	}
	v.OldSlugs = slices.DeleteFunc(v.OldSlugs, func(s string) bool { return s == v.Slug })
	v.Live, v.LiveSlug, v.LiveState, v.LiveUpdatedAt = v.Latest, v.Slug, v.State, v.UpdatedAt
	if v.PublishedAt.IsZero() {
		v.PublishedAt = w.now
	}
	v.LiveMedia = public.textMedia
	w.doc.LiveShared, w.doc.LiveMedia = public.facts, public.factsMedia
	if public.factsVersion == w.doc.SharedVersion {
		w.doc.Sensitive = public.private // nothing newer waits that says otherwise
	}
}

// withdraw takes the variant from the public. Its slug stays reserved, so that
// the address can answer that the page is gone.
func (w *change) withdraw(v *Variant) {
	if v.LiveSlug != "" && !slices.Contains(v.OldSlugs, v.LiveSlug) {
		v.OldSlugs = append(v.OldSlugs, v.LiveSlug)
	}
	v.Live, v.LiveSlug, v.LiveState, v.LiveUpdatedAt, v.LiveMedia = RevisionRef{}, "", "", time.Time{}, nil
	if !w.doc.Live() {
		w.doc.LiveShared, w.doc.LiveMedia = RevisionRef{}, nil
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

// facts answers the workflow's questions for this actor about an object.
func (w *change) facts(on *access.Object, passes func(string) bool) workflow.Facts {
	return workflow.Facts{
		Holds: func(r workflow.Requirement) bool {
			return !w.actor.Anonymous() && r.Met(w.actor.Grants, on, w.now, w.s.contains) != nil
		},
		Passes: passes,
	}
}

// variantFacts reads what the guards need, once, and answers them.
func (w *change) variantFacts(ctx context.Context, v *Variant) (workflow.Facts, error) {
	latest, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return workflow.Facts{}, err
	}
	missing, err := w.missingIn(ctx, latest)
	if err != nil {
		return workflow.Facts{}, err
	}
	return w.facts(w.whereOf(v), func(guard string) bool {
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
		return nil, err
	}
	return w.missingIn(ctx, latest)
}

func (w *change) missingIn(ctx context.Context, r *Revision) ([]schemas.Issue, error) {
	if missing, ok := w.lacking[r.Hash]; ok {
		return missing, nil
	}
	t, ok := w.s.schemas.Type(r.Type)
	if !ok {
		return nil, invalidField("/type", "unknown_type", map[string]any{"type": r.Type})
	}
	values, err := r.Values()
	if err != nil {
		return nil, err
	}
	return w.learnMissing(ctx, t, r, values)
}

func (w *change) learnMissing(ctx context.Context, t *schemas.Type, r *Revision, values schemas.Values) ([]schemas.Issue, error) {
	if w.lacking == nil {
		w.lacking = map[string][]schemas.Issue{}
	}
	revealed, err := w.revealed(ctx, t, r, values)
	if err != nil {
		return nil, err
	}
	missing := slices.Concat(t.Missing(values, schemas.ToPublish), withoutAlt(t.Fields, values), revealed)
	w.lacking[r.Hash] = missing
	return missing, nil
}
