package content

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// variant brings one variant in.
func (b *importBatch) variant(ctx context.Context, w *change, in *IncomingVariant) (Outcome, []FieldChange, error) {
	locale, err := b.s.locale(in.Locale)
	if err != nil {
		return Refused, nil, err
	}
	w.locale = locale
	w.under = w.s.may(w.actor, access.DocumentImport, access.Object{}, w.now)
	before := len(w.events)
	outcome := Unchanged
	var changes []FieldChange
	v := w.doc.Variant(locale)
	known, review := false, w.review // review holds for the whole document
	defer func() { w.review = review }()
	over := in.Over != nil && len(w.doc.Variants) > 0
	if over {
		if in, err = w.laidOver(ctx, v, in); err != nil {
			return Refused, nil, err
		}
	}
	switch {
	case v == nil:
		err = w.begin(ctx, locale, in.Slug, in.Fields, "")
		outcome = Created
	case over:
		if w.review, err = w.working(ctx, v); err != nil {
			return Refused, nil, err
		}
		w.review = w.review || review
		changes, err = w.importEdit(ctx, v, in, true)
		known = len(changes) == 0 && !v.Live.IsZero()
	default:
		if known, err = w.knownLive(ctx, v, in); err == nil && !known {
			changes, err = w.importEdit(ctx, v, in, false)
		}
	}
	if err != nil {
		return Refused, nil, err
	}
	v = w.doc.Variant(locale)
	if err := w.importState(ctx, v, in, known); err != nil {
		return Refused, nil, err
	}
	w.importDates(v, in, before)
	if outcome == Unchanged && len(w.events) > before {
		outcome = Changed
	}
	return outcome, changes, nil
}

// laidOver asks what to bring in of a variant whose document is there. v is nil
// for a new language: then its texts are those that come in.
func (w *change) laidOver(ctx context.Context, v *Variant, in *IncomingVariant) (*IncomingVariant, error) {
	t, _ := w.s.schemas.Type(w.doc.Type)
	texts := func(fields, to map[string]any) {
		for name, value := range fields {
			if f, ok := t.Field(name); ok && f.Localized {
				to[name] = value
			}
		}
	}
	now := Present{Values: schemas.Values{}}
	parts := []json.RawMessage{w.doc.Shared}
	if v != nil {
		latest, err := w.revision(ctx, v.Latest.Hash)
		if err != nil {
			return nil, err
		}
		parts = append(parts, latest.Localized)
		state := w.def.State(v.State)
		now.Live, now.Offline = !v.Live.IsZero(), v.Live.IsZero() && state != nil && state.Offline
	} else {
		texts(in.Fields, now.Values)
	}
	for _, part := range parts {
		if err := json.Unmarshal(part, &now.Values); err != nil {
			return nil, err
		}
	}
	laid := in.Over(*in, now)
	if v == nil {
		fields := map[string]any{}
		maps.Copy(fields, laid.Fields)
		texts(in.Fields, fields)
		laid.Fields = fields
	}
	return &laid, nil
}

// knownLive says whether the incoming variant is to be public and is what the
// public sees already, while the variant has gone on since: a newer working copy
// waits, or facts that another language changed. An import brings what is new;
// it does not set back what somebody is working on.
func (w *change) knownLive(ctx context.Context, v *Variant, in *IncomingVariant) (bool, error) {
	to := w.def.State(in.State)
	if v.Live.IsZero() || !in.Publish && (to == nil || !to.Public) {
		return false, nil
	}
	live, err := w.revision(ctx, v.Live.Hash)
	if err != nil {
		return false, err
	}
	facts, err := w.revision(ctx, w.doc.LiveShared.Hash)
	if err != nil {
		return false, err
	}
	if v.Live == v.Latest && facts.SharedVersion == w.doc.SharedVersion {
		return false, nil // nothing has gone on
	}
	if in.Slug != "" && in.Slug != v.LiveSlug {
		return false, nil
	}
	t, _ := w.s.schemas.Type(w.doc.Type)
	values, issues := t.Parse(in.Fields, &schemas.Env{Territories: w.s.places, Loose: true})
	if len(issues) > 0 {
		return false, nil // refused later, with their names
	}
	values, issues, err = w.resolve(ctx, t, values, nil)
	if err != nil || len(issues) > 0 {
		return false, err
	}
	shared, localized := t.Split(values)
	text, err := canonicalJSON(localized)
	if err != nil || !bytes.Equal(text, live.Localized) {
		return false, err
	}
	var had map[string]json.RawMessage
	if err := json.Unmarshal(facts.Shared, &had); err != nil {
		return false, err
	}
	for name, value := range shared {
		if one, err := canonicalJSON(value); err != nil || !bytes.Equal(one, had[name]) {
			return false, err
		}
	}
	return true, nil
}

// working says whether the variant or the facts have gone on since what the
// public sees.
func (w *change) working(ctx context.Context, v *Variant) (bool, error) {
	if v.Live.IsZero() || v.Live != v.Latest {
		return !v.Live.IsZero(), nil
	}
	facts, err := w.revision(ctx, w.doc.LiveShared.Hash)
	return err == nil && facts.SharedVersion != w.doc.SharedVersion, err
}

// importEdit lays the incoming fields over the variant. What the file does not
// name is removed, since the file is the whole variant, unless it lies over what
// is there; shared facts that it does not name stay, since another language may
// hold them.
func (w *change) importEdit(ctx context.Context, v *Variant, in *IncomingVariant, over bool) ([]FieldChange, error) {
	if over && len(in.Fields) == 0 && in.Slug == "" {
		return nil, nil
	}
	t, _ := w.s.schemas.Type(w.doc.Type)
	latest, err := w.revision(ctx, v.Latest.Hash)
	if err != nil {
		return nil, err
	}
	patch := make(map[string]any, len(in.Fields))
	if !over {
		var had map[string]json.RawMessage
		if err := json.Unmarshal(latest.Localized, &had); err != nil {
			return nil, err
		}
		for name := range had {
			if _, ok := t.Field(name); ok {
				patch[name] = nil
			}
		}
	}
	for name, value := range in.Fields {
		patch[name] = value
	}
	rights, refusal := w.mayEdit(v)
	made, err := w.revise(ctx, patch, in.Slug, "", 0)
	if err != nil || len(made.fields) == 0 {
		return nil, err
	}
	// What waits for somebody is not edited, but by those who may force it.
	if rights != editsAll {
		if w.under = w.s.may(w.actor, access.DocumentForce, access.Object{}, w.now); w.under == nil {
			if refusal == nil {
				refusal = forbidden()
			}
			return nil, refusal
		}
	}
	if err := w.afterEdit(ctx, v, made); err != nil {
		return nil, err
	}
	return Diff(t, latest, w.revs[len(w.revs)-1])
}

// importState takes the steps that lead to the state asked for. A moment of
// publication that has passed asks for it now; after its expiry a variant does
// not become public, and is withdrawn when it is. known says that what is public
// is what is asked for, so that only a step between public states is missing.
func (w *change) importState(ctx context.Context, v *Variant, in *IncomingVariant, known bool) error {
	passed := func(t time.Time) bool { return !t.IsZero() && !t.After(w.now) }
	w.queued = (w.review || w.unveils()) && !known && !passed(in.ExpireAt) && w.waits(v, in)
	now, asked := w.def.State(v.State), w.def.State(in.State)
	if now == nil || in.State != "" && asked == nil {
		return invalidField("/state", "invalid_state", map[string]any{"state": in.State})
	}
	var want func(*workflow.State) bool
	switch {
	case passed(in.ExpireAt) && !v.Live.IsZero():
		want = func(s *workflow.State) bool { return s.Offline }
	case passed(in.ExpireAt) && (in.Publish || asked == nil || asked.Public):
	case known && !now.Public:
	case w.queued:
	case in.Publish || passed(in.PublishAt):
		want = func(s *workflow.State) bool { return s.Public }
	case asked != nil:
		want = func(s *workflow.State) bool { return s == asked }
	}
	if want != nil {
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
	var asked []Step
	publishAt := in.PublishAt
	if w.queued {
		publishAt = time.Time{}
	}
	for _, ask := range []struct {
		at   time.Time
		want func(*workflow.State) bool
	}{
		{publishAt, func(s *workflow.State) bool { return s.Public }},
		{in.ExpireAt, func(s *workflow.State) bool { return s.Offline }},
	} {
		if !ask.at.After(w.now) {
			continue
		}
		at := ask.at.UTC().Truncate(time.Millisecond)
		for i := range w.def.Transitions {
			t := &w.def.Transitions[i]
			if !t.Schedulable || !ask.want(w.def.State(t.To)) {
				continue
			}
			if !w.scheduled(v, t.Name, at) {
				asked = append(asked, Step{Name: t.Name, At: at})
			}
			break
		}
	}
	// All that moves leaves its old place first: the new ones fit each other.
	v.Schedule = slices.DeleteFunc(v.Schedule, func(d Scheduled) bool {
		return slices.ContainsFunc(asked, func(s Step) bool { return s.Name == d.Transition })
	})
	for _, step := range asked {
		if err := w.schedule(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

func (w *change) scheduled(v *Variant, transition string, at time.Time) bool {
	return slices.ContainsFunc(v.Schedule, func(d Scheduled) bool { return d.Transition == transition && d.At.Equal(at) })
}

// importDates takes over the outside's dates. They are facts about the content,
// not about this store: the events say when it really came in. before is how
// many events there were before this variant's turn.
func (w *change) importDates(v *Variant, in *IncomingVariant, before int) {
	published := in.PublishedAt.UTC().Truncate(time.Millisecond)
	if !in.PublishedAt.IsZero() && !v.PublishedAt.Equal(published) {
		v.PublishedAt = published
		if len(w.events) == before {
			w.under = w.s.may(w.actor, access.DocumentImport, access.Object{}, w.now)
			w.tellDates(v)
		}
	}
	if !in.UpdatedAt.IsZero() && len(w.events) > before {
		v.UpdatedAt = in.UpdatedAt.UTC().Truncate(time.Millisecond)
		if v.Live == v.Latest {
			v.LiveUpdatedAt = v.UpdatedAt
		}
	}
}

// tellDates tells consumers of a change of dates alone.
func (w *change) tellDates(v *Variant) {
	e := Event{Kind: EventEdited, From: v.State, To: v.State, Comment: "published_at"}
	if !v.Live.IsZero() {
		e.Effect, e.Revision = EffectPublished, v.Live.Hash
	}
	w.record(e)
}

// waits says whether a publication is asked for of something that is not what the
// public sees: then it stays the owner's draft.
func (w *change) waits(v *Variant, in *IncomingVariant) bool {
	to := w.def.State(in.State)
	return (in.Publish || !in.PublishAt.IsZero() || to != nil && to.Public) && (v.Live != v.Latest || v.Live.IsZero())
}

// unveils says whether the newest facts no longer hide the places of a document that
// did: that is published by people, whatever a file says.
func (w *change) unveils() bool {
	return w.private && !w.s.privateFacts(w.doc.Type, w.doc.Shared)
}
