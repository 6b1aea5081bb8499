package content

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // Rome must be known on machines without a zone database
)

// Rome is the time zone in which people here say when something appears.
var Rome = mustLoad("Europe/Rome")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(fmt.Sprintf("time zone %s is not known here: %v (build with the tag timetzdata)", name, err))
	}
	return loc
}

// ParseMoment reads when something is to happen. It takes RFC 3339 with an
// offset; a local time "2026-03-29T02:30[:05]", meant in Europe/Rome; or a date
// alone, meant as its first moment in Europe/Rome.
//
// When the clocks go back a local time comes twice: the first is meant. When
// they go forward one does not exist: it is read with the offset that held
// before the change, so 02:30 becomes 03:30 summer time. The answer is UTC.
func ParseMoment(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil && writable(t) {
		return t.UTC().Truncate(time.Millisecond), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && writable(t) { // parsed as if UTC: a plain calendar reading
			return inRome(t), nil
		}
	}
	return time.Time{}, &Problem{Class: Invalid, Code: "invalid_time", Params: map[string]any{"value": s}}
}

// writable says whether a moment can be kept: RFC 3339 has years of four
// digits, and in UTC it may be another year. Year 1 is where the zero time is,
// which stands for no time.
func writable(t time.Time) bool { return t.UTC().Year() > 1 && t.UTC().Year() < 9999 }

// inRome takes a calendar reading (held in a UTC time) as Rome's clock shows it.
func inRome(wall time.Time) time.Time {
	// The offset before any change near by is the one of half a day earlier, the
	// one after it that of half a day later: Italy changes at 01:00 UTC, once.
	_, before := wall.Add(-12 * time.Hour).In(Rome).Zone()
	_, after := wall.Add(12 * time.Hour).In(Rome).Zone()
	early := wall.Add(-time.Duration(before) * time.Second)
	late := wall.Add(-time.Duration(after) * time.Second)
	if showsAs(early, wall) || !showsAs(late, wall) {
		return early
	}
	return late
}

func showsAs(t, wall time.Time) bool {
	return t.In(Rome).Format(time.DateTime) == wall.Format(time.DateTime)
}

// schedule asks for a step at a later moment. A step that publishes must be
// possible now and is pinned to the latest revision; one that withdraws needs
// the role only, since what it withdraws may not be public yet.
func (w *change) schedule(ctx context.Context, step Step) error {
	v := w.doc.Variant(w.locale)
	if v == nil {
		return &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": w.locale}}
	}
	t := w.def.Transition(step.Name)
	if t == nil {
		return invalidField("/transition", "unknown_transition", map[string]any{"transition": step.Name})
	}
	facts, err := w.variantFacts(ctx, v)
	if err != nil {
		return err
	}
	if w.under = w.s.met(w.actor, t.Roles, w.whereOf(v), w.now); w.under == nil {
		return forbidden()
	}
	due := Scheduled{Transition: step.Name, At: step.At.UTC().Truncate(time.Millisecond), Actor: w.actor.ID}
	switch {
	case !t.Schedulable:
		return &Problem{Class: Conflict, Code: "not_schedulable", Params: map[string]any{"transition": step.Name}}
	case !writable(due.At):
		return invalidField("/at", "invalid_time", nil)
	case !due.At.After(w.now):
		return invalidField("/at", "time_past", map[string]any{"value": step.At.Format(time.RFC3339)})
	case w.endsBeforeItBegins(v, due):
		return invalidField("/at", "invalid_time", map[string]any{"value": step.At.Format(time.RFC3339)})
	}
	if err := w.checkComment(t, step.Comment); err != nil {
		return err
	}
	if w.def.State(t.To).Public {
		if _, _, err := w.def.Fire(v.State, step.Name, facts); err != nil {
			return w.refusal(ctx, err, v, step.Name)
		}
		due.Revision = v.Latest.Hash
	}
	w.addSchedule(v, due)
	w.record(Event{Kind: EventScheduled, Transition: step.Name, DueAt: due.At, Comment: step.Comment})
	return nil
}

// endsBeforeItBegins says whether, with one more step waiting, something that is
// not public would be withdrawn before or when it is published: it would then
// stay public for ever.
func (w *change) endsBeforeItBegins(v *Variant, due Scheduled) bool {
	if !v.Live.IsZero() {
		return false // what is public now may end first
	}
	var begins, ends time.Time
	for _, d := range append(slices.Clone(v.Schedule), due) {
		t := w.def.Transition(d.Transition)
		if t == nil {
			continue // the workflow no longer has it; it falls away when it is due
		}
		to := w.def.State(t.To)
		if d.Transition == due.Transition {
			d.At = due.At // it is moved
		}
		if to.Public && (begins.IsZero() || d.At.Before(begins)) {
			begins = d.At
		}
		if to.Offline && (ends.IsZero() || d.At.Before(ends)) {
			ends = d.At
		}
	}
	return !begins.IsZero() && !ends.IsZero() && !begins.Before(ends)
}

func (w *change) addSchedule(v *Variant, due Scheduled) {
	v.Schedule = slices.DeleteFunc(v.Schedule, func(d Scheduled) bool { return d.Transition == due.Transition })
	v.Schedule = append(v.Schedule, due)
	slices.SortStableFunc(v.Schedule, func(a, b Scheduled) int { return a.At.Compare(b.At) })
}

// Unschedule takes back a scheduled step.
func (s *Service) Unschedule(ctx context.Context, actor Actor, id, locale, etag, transition string) (*Document, error) {
	return s.update(ctx, actor, id, locale, etag, func(w *change) error {
		v := w.doc.Variant(w.locale)
		t := w.def.Transition(transition)
		if v == nil || t == nil || !slices.ContainsFunc(v.Schedule, func(d Scheduled) bool { return d.Transition == transition }) {
			return notFound()
		}
		if w.under = w.s.met(w.actor, t.Roles, w.whereOf(v), w.now); w.under == nil {
			return forbidden()
		}
		w.dropSchedule(v, transition, "taken_back")
		return nil
	})
}

func (w *change) dropSchedule(v *Variant, transition, why string) {
	v.Schedule = slices.DeleteFunc(v.Schedule, func(d Scheduled) bool { return d.Transition == transition })
	w.record(Event{Kind: EventUnscheduled, Transition: transition, Comment: why})
}

// overtake follows an edit or a step. A waiting publication goes on waiting, for
// what is the latest revision now, when the actor could ask for it as things
// stand; else nobody with the right to has seen what would appear, and it falls
// away. So it does when it is void for another reason.
func (w *change) overtake(ctx context.Context, v *Variant, void bool, why string) error {
	if !slices.ContainsFunc(v.Schedule, func(d Scheduled) bool { return d.Revision != "" }) {
		return nil
	}
	facts, err := w.variantFacts(ctx, v)
	if err != nil {
		return err
	}
	for _, d := range slices.Clone(v.Schedule) {
		if d.Revision == "" {
			continue
		}
		if _, _, err := w.def.Fire(v.State, d.Transition, facts); err != nil || void {
			w.dropSchedule(v, d.Transition, why)
			continue
		}
		d.Revision = v.Latest.Hash
		w.addSchedule(v, d)
	}
	return nil
}

// RunDue fires what has fallen due and says how many documents it changed. The
// step and the removal of its schedule are one compare-and-swap, so it happens
// exactly once however many processes ask, and after any restart. A document
// that fails does not hold up the others; it is tried again at the next call,
// and named in the error.
func (s *Service) RunDue(ctx context.Context) (int, error) {
	const batch, told = 100, 10
	done := 0
	tried := map[string]bool{} // what is due after its turn, because it failed
	var errs []error
	for {
		docs, err := s.store.Due(ctx, s.now(), batch+len(tried))
		if err != nil {
			return done, errors.Join(append(errs, s.storeProblem(err))...)
		}
		docs = slices.DeleteFunc(docs, func(d *Document) bool { return tried[d.ID] })
		for _, d := range docs {
			changed, err := s.runDue(ctx, d.ID)
			switch {
			case ctx.Err() != nil && err != nil:
				return done, errors.Join(append(errs, err)...)
			case changed:
				done++
			default:
				tried[d.ID] = true
			}
			if err != nil && len(errs) < told {
				errs = append(errs, fmt.Errorf("document %s: %w", d.ID, err))
			}
		}
		if len(docs) < batch {
			return done, errors.Join(errs...)
		}
	}
}

// runDue fires what is due in one document, in order of time.
func (s *Service) runDue(ctx context.Context, id string) (bool, error) {
	for try := 0; ; try++ {
		d, err := s.store.Get(ctx, id)
		if err != nil {
			return false, s.storeProblem(err)
		}
		w := &change{s: s, now: s.now(), doc: d.clone(), def: s.workflowOf(d.Type), expect: d.Version, private: d.Sensitive}
		for i := range d.Variants {
			if err := w.runVariant(ctx, d.Variants[i].Locale); err != nil {
				return false, err
			}
		}
		if len(w.events) == 0 {
			return false, nil
		}
		_, err = s.commit(ctx, w)
		if errors.Is(err, ErrConflict) && try < maxRetries {
			continue
		}
		return err == nil, err
	}
}

func (w *change) runVariant(ctx context.Context, locale string) error {
	w.locale = locale
	w.actor = System("schedule")
	w.under = &w.actor.Grants[0]
	if w.def == nil {
		return invalidField("/type", "unknown_type", map[string]any{"type": w.doc.Type})
	}
	for {
		v := w.doc.Variant(locale)
		if len(v.Schedule) == 0 || v.Schedule[0].At.After(w.now) {
			return nil
		}
		due := v.Schedule[0]
		w.actor.OnBehalfOf = due.Actor
		if due.Revision != "" && due.Revision != v.Latest.Hash {
			w.dropSchedule(v, due.Transition, "edited")
			continue
		}
		err := w.fire(ctx, due.Transition, "")
		var p *Problem
		switch {
		case err == nil:
		case errors.As(err, &p) && p.Class != Unavailable && p.Class != Internal:
			w.dropSchedule(w.doc.Variant(locale), due.Transition, p.Code)
		default:
			return err
		}
	}
}
