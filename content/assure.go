package content

import (
	"context"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// today is the civil day in Europe/Rome, as UTC midnight.
func (w *change) today() time.Time {
	y, m, d := w.now.In(Rome).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Assure confirms that the facts of a document are true on a civil day in
// Europe/Rome (2006-01-02; empty: today), which may neither be in the future nor
// before the day that is known. What was unverified or hidden for its age is
// current again. Drafts, opinions and what editors have seen stay as they are; the
// same confirmation twice is one.
//
// Who may change the document or review it may do this (access.DocumentAssure).
// It returns Problems with the codes forbidden, not_found, not_assurable (facts of
// the type do not age), merged_away, not_a_date, assured_in_future and
// assured_earlier.
func (s *Service) Assure(ctx context.Context, actor Actor, id, on string) (*Document, error) {
	return s.rewrite(ctx, actor, id, func(w *change) error {
		d := w.doc
		if w.under = s.may(actor, access.DocumentAssure, reach(d), w.now); w.under == nil {
			return forbidden()
		}
		if err := w.assurable(); err != nil {
			return err
		}
		day, err := w.assuredDay(on)
		if err != nil {
			return err
		}
		if day.Before(w.assuredOn()) {
			return invalidField("/on", "assured_earlier", map[string]any{"value": on, "known": d.Assured.On})
		}
		w.assure(day)
		return nil
	})
}

// Age tells the public how old the last confirmation is: the stage that the
// type's service level has come to (schemas.Freshness). Only system actors may;
// it returns a Problem of class Forbidden to others, and not_assurable,
// merged_away or invalid_stage.
func (s *Service) Age(ctx context.Context, actor Actor, id string, stage schemas.Stage) (*Document, error) {
	return s.rewrite(ctx, actor, id, func(w *change) error {
		if !actor.system {
			return forbidden()
		}
		if err := w.assurable(); err != nil {
			return err
		}
		if !slices.Contains(stages, stage) {
			return invalidField("/stage", "invalid_stage", map[string]any{"value": string(stage)})
		}
		w.under = &w.actor.Grants[0]
		was := Assurance{}
		if w.doc.Assured != nil {
			was = *w.doc.Assured
		}
		if was.Stage == stage {
			return nil
		}
		now := was
		now.Stage = stage
		if w.doc.Assured = &now; now == (Assurance{}) {
			w.doc.Assured = nil
		}
		w.tell(Event{Kind: EventAged, From: stageName(was.Stage), To: stageName(stage), Effect: EffectPublished})
		return nil
	})
}

var stages = []schemas.Stage{schemas.StageCurrent, schemas.StageUnverified, schemas.StageHidden}

// stageName is a stage in a word, for events and terms.
func stageName(s schemas.Stage) string {
	if s == schemas.StageCurrent {
		return "current"
	}
	return string(s)
}

// reach is where a document is and whose, for the rules that decide about it as a
// whole.
func reach(d *Document) access.Object {
	return access.Object{Organization: d.Owner, Territories: d.territories()}
}

// assurable refuses documents whose facts do not age.
func (w *change) assurable() error {
	if w.s.schemas.Freshness(w.doc.Type) == nil {
		return &Problem{Class: Conflict, Code: "not_assurable", Params: map[string]any{"type": w.doc.Type}}
	}
	return nil
}

// assuredDay reads a day on which somebody confirmed something.
func (w *change) assuredDay(on string) (time.Time, error) {
	if on == "" {
		return w.today(), nil
	}
	day, err := time.Parse(time.DateOnly, on)
	switch {
	case err != nil || day.Year() < 1900:
		return day, invalidField("/on", schemas.CodeNotADate, map[string]any{"value": on, "format": "YYYY-MM-DD"})
	case day.After(w.today()):
		return day, invalidField("/on", "assured_in_future", map[string]any{"value": on})
	}
	return day, nil
}

// assuredOn is the day of the last confirmation; the zero time when there is none,
// or when it has not come yet: a clock was wrong that day, and nobody is to wait
// for it.
func (w *change) assuredOn() time.Time {
	if day := w.doc.Assured.Day(); !day.After(w.today()) {
		return day
	}
	return time.Time{}
}

// assure notes a confirmation, unless it is known already, and tells of it.
func (w *change) assure(day time.Time) {
	on := day.Format(time.DateOnly)
	if a := w.doc.Assured; a != nil && a.On == on && a.Stage == schemas.StageCurrent {
		return
	}
	w.doc.Assured = &Assurance{On: on, By: w.behalf()}
	w.tell(Event{Kind: EventAssured, Comment: on, Effect: EffectPublished})
}

// behalf is who acts, or for whom.
func (w *change) behalf() string {
	if w.actor.OnBehalfOf != "" {
		return w.actor.OnBehalfOf
	}
	return w.actor.ID
}

// assureFirst goes before a publication: who publishes facts that nobody ever
// confirmed, or that the public did not see, says that they are true. An import
// says no such thing. It publishes what it found elsewhere, and knows of its truth
// the date that it brings.
func (w *change) assureFirst() {
	switch d := w.doc; {
	case w.importing() || w.s.schemas.Freshness(d.Type) == nil:
	case d.Assured == nil || !d.Live():
		d.Assured = &Assurance{On: w.today().Format(time.DateOnly), By: w.behalf()}
	case d.Hidden():
		w.assure(w.today())
	}
}

// importAssured takes over the day on which the outside confirmed the facts, when
// it is a later one than is known. Of a document that the import makes, what is
// told of its creation is enough.
func (w *change) importAssured(on string) error {
	if on == "" {
		return nil
	}
	if err := w.assurable(); err != nil {
		return err
	}
	day, err := w.assuredDay(on)
	if err != nil {
		p := AsProblem(err)
		p.Fields[0].Path = "/assured_date"
		return p
	}
	switch d := w.doc; {
	case d.Assured != nil && !day.After(w.assuredOn()):
	case w.expect == 0:
		d.Assured = &Assurance{On: on, By: w.behalf()}
	default:
		w.under = w.s.may(w.actor, access.DocumentImport, access.Object{}, w.now)
		w.assure(day)
	}
	return nil
}
