package content

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// privateFacts says whether shared values ask that their places be hidden.
func (s *Service) privateFacts(typ string, shared json.RawMessage) bool {
	t, ok := s.schemas.Type(typ)
	if !ok || t.Privacy.When == "" {
		return false
	}
	var values schemas.Values
	if err := json.Unmarshal(shared, &values); err != nil {
		return true // Verify tells of it; until then nothing is told
	}
	return t.Private(values)
}

// seesPlaces says whether the actor may know where a sensitive document's places
// are.
func (s *Service) seesPlaces(a Actor, d *Document) bool {
	return s.May(a, access.DocumentPlaces, reach(d)) != nil
}

// everSaid are the facts that a document has had, the present ones first, and those
// of documents that went for it: where a shelter was once said to be is a secret
// still, though its newest facts leave the address away. made are revisions that
// the store does not have yet.
func (s *Service) everSaid(ctx context.Context, d *Document, made ...*Revision) ([]schemas.Values, error) {
	facts := []json.RawMessage{d.Shared}
	learn := func(revs []*Revision) {
		for _, r := range revs {
			if !slices.ContainsFunc(facts, func(f json.RawMessage) bool { return bytes.Equal(f, r.Shared) }) {
				facts = append(facts, r.Shared)
			}
		}
	}
	learn(made)
	docs := []*Document{d}
	for _, id := range d.MergedFrom {
		gone, err := s.store.Get(ctx, id)
		if err != nil {
			return nil, s.storeProblem(err)
		}
		docs = append(docs, gone)
	}
	for _, d := range docs {
		for i := range d.Variants {
			revs, err := s.store.History(ctx, d.ID, d.Variants[i].Locale, 0, 0)
			if err != nil {
				return nil, s.storeProblem(err)
			}
			learn(revs)
		}
	}
	out := make([]schemas.Values, len(facts))
	for i, f := range facts {
		if err := json.Unmarshal(f, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// veil takes from what an actor reads of a document where its places are.
type veil struct {
	t       *schemas.Type // nil when the type is not declared: then nothing is told
	places  *schemas.Territories
	private schemas.Values // facts that ask for it
	known   []schemas.Values
	all     bool // of all revisions, not only of those that ask for it
}

// veilFor is nil where nothing is hidden from the actor. private says that some
// revision asks for it, though the document does not now. What was merged into a
// document that hides its places hides its own: they are the same.
func (s *Service) veilFor(ctx context.Context, a Actor, d *Document, private bool) (*veil, error) {
	all := d.Sensitive
	for at := d; !all && at.MergedInto != ""; {
		var err error
		if at, err = s.store.Get(ctx, at.MergedInto); err != nil {
			return nil, s.storeProblem(err)
		}
		all = at.Sensitive
	}
	if !all && !private || s.seesPlaces(a, d) {
		return nil, nil
	}
	v := &veil{places: s.places, all: all}
	v.t, _ = s.schemas.Type(d.Type)
	if v.t == nil {
		return v, nil
	}
	var err error
	v.known, err = s.everSaid(ctx, d)
	v.private = v.t.AsPrivate(nil)
	return v, err
}

// text is what somebody wrote beside the content.
func (v *veil) text(text string) string {
	if v.t == nil {
		return ""
	}
	return v.t.Redact(text, v.private, v.known...)
}

// slug is the name of a page, which is words too.
func (v *veil) slug(slug string) string {
	if words := strings.ReplaceAll(slug, "-", " "); v.text(words) != words {
		return ""
	}
	return slug
}

// values are facts, and what one language says beside them.
func (v *veil) values(shared, localized json.RawMessage) (facts, text json.RawMessage, err error) {
	if v.t == nil {
		return emptyObject, emptyObject, nil
	}
	values := schemas.Values{}
	for _, part := range []json.RawMessage{shared, localized} {
		if err := json.Unmarshal(part, &values); err != nil {
			return nil, nil, err
		}
	}
	if v.all {
		values = v.t.AsPrivate(values)
	}
	ofAll, ofOne := v.t.Split(v.t.Public(values, v.places, v.known...))
	if facts, err = canonicalJSON(ofAll); err == nil {
		text, err = canonicalJSON(ofOne)
	}
	return facts, text, err
}

// shown is the document as the actor may see it: itself, or a copy in which the
// places are the public's.
func (s *Service) shown(ctx context.Context, a Actor, d *Document) (*Document, error) {
	v, err := s.veilFor(ctx, a, d, false)
	if v == nil || err != nil {
		return d, err
	}
	c := d.clone()
	if c.Shared, _, err = v.values(d.Shared, emptyObject); err != nil {
		return nil, err
	}
	for i := range c.Variants {
		x := &c.Variants[i]
		x.Title, x.Slug = v.text(x.Title), v.slug(x.Slug)
		for j := range x.Approvals {
			x.Approvals[j].Comment = v.text(x.Approvals[j].Comment)
		}
	}
	return c, nil
}

// shownRevisions are revisions of the document as the actor may see them. What
// their facts say of themselves counts too: an earlier address may still be a secret.
func (s *Service) shownRevisions(ctx context.Context, a Actor, d *Document, revs ...*Revision) ([]*Revision, error) {
	private := func(r *Revision) bool { return s.privateFacts(r.Type, r.Shared) }
	v, err := s.veilFor(ctx, a, d, slices.ContainsFunc(revs, private))
	if v == nil || err != nil {
		return revs, err
	}
	out := slices.Clone(revs)
	for i, r := range revs {
		if !v.all && !private(r) {
			continue
		}
		c := *r
		c.Note, c.Slug = v.text(r.Note), v.slug(r.Slug)
		if c.Shared, c.Localized, err = v.values(r.Shared, r.Localized); err != nil {
			return nil, err
		}
		out[i] = &c
	}
	return out, nil
}

// shownEvents are events of the document as the actor may see them.
func (s *Service) shownEvents(ctx context.Context, a Actor, d *Document, events []Event) ([]Event, error) {
	v, err := s.veilFor(ctx, a, d, false)
	if v == nil || err != nil {
		return events, err
	}
	for i := range events {
		events[i].Comment = v.text(events[i].Comment)
	}
	return events, nil
}

// revealed says what the texts of a revision would give away of the places of a
// sensitive document, wherever it ever said that they are. Facts that are the
// newest and ask for nothing to be hidden end the secret with their publication.
func (w *change) revealed(ctx context.Context, t *schemas.Type, r *Revision, values schemas.Values) ([]schemas.Issue, error) {
	if !t.Private(values) && (!w.doc.Sensitive || r.SharedVersion == w.doc.SharedVersion) {
		return nil, nil
	}
	made := w.revs
	if w.overlay != nil {
		made = slices.Clone(made)
		for _, x := range w.overlay.revs {
			if x.Document == w.doc.ID {
				made = append(made, x)
			}
		}
	}
	known, err := w.s.everSaid(ctx, w.doc, made...)
	if err != nil {
		return nil, err
	}
	values = t.AsPrivate(values)
	issues := t.Revealed(values, known...)
	// Addresses of pages are words too.
	if words := strings.ReplaceAll(r.Slug, "-", " "); t.Redact(words, values, known...) != words {
		issues = append(issues, schemas.Issue{Path: "/slug", Code: schemas.CodeAddressInText})
	}
	return issues, nil
}
