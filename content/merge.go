package content

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content/access"
)

// Merge asks that one document go for another of the same type.
type Merge struct {
	// Keep stays, Gone goes; ids.
	Keep, Gone string
	// KeepETags and GoneETags are what the caller saw: Document.ETag of every
	// variant, by locale. {"*": "*"} agrees to whatever is there.
	KeepETags, GoneETags map[string]string
	// Fields are the values chosen, by locale; under "" those that are shared. They
	// are laid over Keep's latest as an edit is. A locale that only Gone has becomes
	// a variant of Keep.
	Fields map[string]map[string]any
	// Comment goes into both histories.
	Comment string
}

// Merge lets a document go for another one. First the chosen values are written
// into the one that stays, as an edit: approval as usual, so that the public sees
// what it saw until they are published. Then the other is withdrawn and marked: it
// keeps its history and its addresses, leads to the one that stays, and never
// changes again. When it hides its places, so does from then on the one that stays.
//
// These are two writes. What fails between them is finished by asking for the same
// again; what was finished and is asked for again is done. Merges that would lead
// in a circle refuse each other, however many processes try at once.
//
// It returns the document that stays, and Problems with the codes not_found (also
// when the actor may see one only), forbidden, merge_itself, merge_types_differ,
// merge_not_public (the public would lose the document), merged_away,
// merge_under_way, precondition_required, stale, and those of Edit.
func (s *Service) Merge(ctx context.Context, actor Actor, m Merge) (*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	if err := checkText("/comment", m.Comment); err != nil {
		return nil, err
	}
	keep, gone, err := s.mergePair(ctx, actor, m)
	switch {
	case err != nil:
		return nil, err
	case keep.MergedInto != "":
		return nil, mergedAway(keep)
	case gone.MergedInto == keep.ID:
		return s.shown(ctx, actor, keep)
	case gone.MergedInto != "":
		return nil, mergedAway(gone)
	case gone.Live() && !keep.Live():
		return nil, &Problem{Class: Conflict, Code: "merge_not_public"}
	}
	if err := s.agreed(ctx, gone, m.GoneETags); err != nil {
		return nil, err
	}
	if err := s.beginMerge(ctx, m.Keep, m.Gone); err != nil {
		return nil, err
	}
	out, err := s.rewrite(ctx, actor, m.Keep, func(w *change) error { return w.takeIn(ctx, gone, m) })
	if err == nil {
		_, err = s.rewrite(ctx, actor, m.Gone, func(w *change) error { return w.letGo(ctx, m) })
		if p := AsProblem(err); p != nil && p.Code == "merged_away" && p.Params["id"] == m.Keep {
			err = nil // the same merge, faster
		}
	}
	// What is not known to be over stays claimed, for who asks again.
	if p := AsProblem(err); p == nil || p.Class != Unavailable && p.Class != Internal {
		_ = s.endMerge(ctx, m.Gone) // a claim that stays does no harm, and ends by itself
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// mergePair reads both documents and decides whether the actor may merge them. Who
// may not see one hears what is said of a document that does not exist.
func (s *Service) mergePair(ctx context.Context, actor Actor, m Merge) (keep, gone *Document, err error) {
	if m.Keep == m.Gone {
		return nil, nil, invalidField("/gone", "merge_itself", nil)
	}
	now := s.now()
	pair := make([]*Document, 2)
	for i, id := range []string{m.Keep, m.Gone} {
		d, err := s.store.Get(ctx, id)
		if err != nil {
			return nil, nil, s.storeProblem(err)
		}
		if !s.visible(actor, d, now) {
			return nil, nil, notFound()
		}
		pair[i] = d
	}
	keep, gone = pair[0], pair[1]
	for _, d := range pair {
		if s.may(actor, access.DocumentMerge, reach(d), now) == nil {
			return nil, nil, forbidden()
		}
	}
	if keep.Type != gone.Type {
		return nil, nil, &Problem{Class: Conflict, Code: "merge_types_differ", Params: map[string]any{"type": keep.Type, "other": gone.Type}}
	}
	return keep, gone, nil
}

// agreed compares what the caller saw of a whole document with what is there.
func (s *Service) agreed(ctx context.Context, d *Document, etags map[string]string) error {
	if etags["*"] == "*" {
		return nil
	}
	if len(etags) == 0 {
		return &Problem{Class: PreconditionRequired, Code: "precondition_required"}
	}
	for i := range d.Variants {
		locale := d.Variants[i].Locale
		etag := etags[locale]
		if etag == "" {
			etag = (&Document{}).ETag(locale) // the caller saw none
		}
		if err := s.precondition(ctx, d, locale, etag); err != nil {
			return err
		}
	}
	return nil
}

// takeIn is the first half of a merge: the chosen values, and that the other
// document is in this one now. Of a merge that failed half-way nothing is left to
// do here, unless other values are chosen than the first time.
func (w *change) takeIn(ctx context.Context, gone *Document, m Merge) error {
	seen, begun := w.doc.clone(), slices.Contains(w.doc.MergedFrom, gone.ID)
	if !begun {
		if err := w.s.agreed(ctx, seen, m.KeepETags); err != nil {
			return err
		}
	}
	main := w.doc.mainVariant()
	if main == nil {
		return notFound()
	}
	shared := w.takeSecret(gone, m.Fields[""])
	locales := slices.DeleteFunc(slices.Sorted(maps.Keys(m.Fields)), func(l string) bool { return l == "" || l == main.Locale })
	if len(shared)+len(m.Fields[main.Locale]) > 0 {
		locales = append([]string{main.Locale}, locales...)
	}
	for _, tag := range locales {
		fields := maps.Clone(m.Fields[tag])
		if tag == main.Locale {
			if fields == nil {
				fields = map[string]any{}
			}
			maps.Copy(fields, shared)
		}
		if err := w.takeValues(ctx, gone, tag, fields, m.Comment); err != nil {
			return err
		}
	}
	if begun {
		if len(w.events) == 0 {
			return nil
		}
		return w.s.agreed(ctx, seen, m.KeepETags)
	}
	w.doc.MergedFrom = append(w.doc.MergedFrom, gone.ID)
	w.locale = main.Locale
	if w.under = w.s.may(w.actor, access.DocumentMerge, reach(seen), w.now); w.under == nil { // its territories changed meanwhile
		return forbidden()
	}
	w.record(Event{Kind: EventMerged, Other: gone.ID, Comment: m.Comment})
	return nil
}

// takeSecret is the shared values chosen, and that the document hides its places
// when the one that goes does: they may well be the same, or be among what was
// chosen. To take it back is an edit of its own.
func (w *change) takeSecret(gone *Document, shared map[string]any) map[string]any {
	t, ok := w.s.schemas.Type(w.doc.Type)
	if !ok || !gone.Sensitive || t.Privacy.When == "" {
		return shared
	}
	out := map[string]any{}
	maps.Copy(out, shared)
	out[t.Privacy.When] = true
	return out
}

// takeValues lays the values chosen for one language over the document.
func (w *change) takeValues(ctx context.Context, gone *Document, tag string, fields map[string]any, note string) error {
	locale, err := w.s.locale(tag)
	switch {
	case err != nil:
		return err
	case w.doc.Variant(locale) != nil:
		w.locale = locale
		return w.edit(ctx, Edit{Fields: fields, Note: note}, 0)
	case gone.Variant(locale) == nil:
		return &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": locale}}
	}
	return w.begin(ctx, locale, "", fields, note)
}

// letGo is the second half: the document is withdrawn in every language, nothing
// waits any more, and it leads to the one that stays.
func (w *change) letGo(ctx context.Context, m Merge) error {
	if err := w.s.agreed(ctx, w.doc, m.GoneETags); err != nil {
		return err
	}
	w.under = w.s.may(w.actor, access.DocumentMerge, reach(w.doc), w.now)
	if w.under == nil { // as above
		return forbidden()
	}
	main := w.doc.mainVariant()
	if main == nil {
		return notFound()
	}
	for i := range w.doc.Variants {
		v := &w.doc.Variants[i]
		w.locale = v.Locale
		for _, due := range slices.Clone(v.Schedule) {
			w.dropSchedule(v, due.Transition, "merged_away")
		}
		live := !v.Live.IsZero()
		if !live && v != main {
			continue
		}
		e := Event{Kind: EventMerged, Other: m.Keep, Comment: m.Comment, From: v.State}
		if state := w.def.State(v.State); state != nil && state.Public {
			v.State = w.def.Offline().Name
		}
		if e.To = v.State; live {
			w.withdraw(v)
			e.Effect = EffectWithdrawn
		}
		w.record(e)
	}
	w.doc.MergedInto = m.Keep
	return nil
}

// mergedAway refuses to change a document that was merged into another.
func mergedAway(d *Document) *Problem {
	return &Problem{Class: Conflict, Code: "merged_away", Params: map[string]any{"id": d.MergedInto}}
}

// Merges under way are kept in one record, which all processes change by
// compare-and-swap: that is what keeps two of them from leading in a circle. Who
// died in the middle leaves an entry, which counts for an hour.
const (
	mergeRecords  = "merge"
	mergeRecord   = "under-way"
	mergePatience = time.Hour
)

type mergeUnderWay struct {
	Keep string    `json:"keep"`
	At   time.Time `json:"at"`
}

// beginMerge claims that gone goes for keep, unless keep is on the way to gone, or
// gone on the way elsewhere.
func (s *Service) beginMerge(ctx context.Context, keep, gone string) error {
	return s.underWay(ctx, func(merges map[string]mergeUnderWay) (bool, error) {
		busy := &Problem{Class: Conflict, Code: "merge_under_way"}
		if m, ok := merges[gone]; ok && m.Keep != keep {
			return false, busy
		}
		for at := keep; ; {
			d, err := s.store.Get(ctx, at)
			if err != nil {
				return false, s.storeProblem(err)
			}
			next := d.MergedInto
			if next == "" {
				next = merges[at].Keep
			}
			switch next {
			case "":
				merges[gone] = mergeUnderWay{Keep: keep, At: s.now()}
				return true, nil
			case gone:
				return false, busy
			}
			at = next
		}
	})
}

// endMerge takes the claim back.
func (s *Service) endMerge(ctx context.Context, gone string) error {
	return s.underWay(ctx, func(merges map[string]mergeUnderWay) (bool, error) {
		_, there := merges[gone]
		delete(merges, gone)
		return there, nil
	})
}

// underWay changes the record of merges under way by compare-and-swap, until it
// succeeds or do says no.
func (s *Service) underWay(ctx context.Context, do func(map[string]mergeUnderWay) (bool, error)) error {
	for try := 0; ; try++ {
		merges := map[string]mergeUnderWay{}
		r, err := s.store.GetRecord(ctx, mergeRecords, mergeRecord)
		switch {
		case isNotFound(err):
			r = &Record{Kind: mergeRecords, ID: mergeRecord}
		case err != nil:
			return s.storeProblem(err)
		default:
			if err := json.Unmarshal(r.Data, &merges); err != nil {
				return &Problem{Class: Internal, Code: "internal_error", Err: err}
			}
		}
		now := s.now()
		maps.DeleteFunc(merges, func(_ string, m mergeUnderWay) bool { return now.Sub(m.At) > mergePatience })
		if changed, err := do(merges); err != nil || !changed {
			return err
		}
		expect := r.Version
		r = &Record{Kind: mergeRecords, ID: mergeRecord, At: now}
		if r.Data, err = json.Marshal(merges); err != nil {
			return &Problem{Class: Internal, Code: "internal_error", Err: err}
		}
		err = s.store.PutRecord(ctx, r, expect)
		if !errors.Is(err, ErrConflict) || try == maxRetries {
			return s.storeProblem(err)
		}
	}
}
