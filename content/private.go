package content

import (
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

// shown is the document as the actor may see it: itself, or a copy in which the
// places are the public's.
func (s *Service) shown(a Actor, d *Document) (*Document, error) {
	if !d.Sensitive || s.seesPlaces(a, d) {
		return d, nil
	}
	shared, _, err := s.masked(d.Type, d.Shared, emptyObject, d.Shared, true)
	if err != nil {
		return nil, err
	}
	c := *d
	c.Shared = shared
	return &c, nil
}

// shownRevision is a revision of the document as the actor may see it. What its
// facts say of themselves counts too: an earlier address may still be a secret.
func (s *Service) shownRevision(a Actor, d *Document, r *Revision) (*Revision, error) {
	if !d.Sensitive && !s.privateFacts(r.Type, r.Shared) || s.seesPlaces(a, d) {
		return r, nil
	}
	shared, localized, err := s.masked(r.Type, r.Shared, r.Localized, d.Shared, d.Sensitive)
	if err != nil {
		return nil, err
	}
	c := *r
	c.Shared, c.Localized = shared, localized
	return &c, nil
}

// masked gives values with the places that the public may know, in the texts too;
// newest are the document's facts now, and private says that places are hidden even
// where the values do not ask for it.
func (s *Service) masked(typ string, shared, localized, newest json.RawMessage, private bool) (facts, text json.RawMessage, err error) {
	t, ok := s.schemas.Type(typ)
	if !ok {
		return emptyObject, emptyObject, nil
	}
	values, known := schemas.Values{}, schemas.Values{}
	for _, part := range []struct {
		into *schemas.Values
		json json.RawMessage
	}{{&values, shared}, {&values, localized}, {&known, newest}} {
		if err := json.Unmarshal(part.json, part.into); err != nil {
			return nil, nil, err
		}
	}
	if private {
		values = t.AsPrivate(values)
	}
	ofAll, ofOne := t.Split(t.Public(values, s.places, known))
	if facts, err = canonicalJSON(ofAll); err == nil {
		text, err = canonicalJSON(ofOne)
	}
	return facts, text, err
}

// revealed says what the texts of a revision would give away of the places of a
// sensitive document: of its own, and, where it is behind, of those that other
// languages have brought since.
func (w *change) revealed(ctx context.Context, t *schemas.Type, r *Revision, values schemas.Values) ([]schemas.Issue, error) {
	issues := t.Revealed(values)
	// Addresses of pages are words too.
	if values := t.AsPrivate(values); w.doc.Sensitive && t.Reveals(values, strings.ReplaceAll(r.Slug, "-", " ")) {
		issues = append(issues, schemas.Issue{Path: "/slug", Code: schemas.CodeAddressInText})
	}
	if !w.doc.Sensitive || r.SharedVersion == w.doc.SharedVersion {
		return issues, nil
	}
	facts := []json.RawMessage{r.Shared, w.doc.Shared}
	if !w.doc.LiveShared.IsZero() {
		live, err := w.revision(ctx, w.doc.LiveShared.Hash)
		if err != nil {
			return nil, err
		}
		facts = append(facts, live.Shared)
	}
	for _, shared := range facts {
		all := schemas.Values{}
		for _, part := range []json.RawMessage{shared, r.Localized} {
			if err := json.Unmarshal(part, &all); err != nil {
				return nil, err
			}
		}
		for _, is := range t.Revealed(t.AsPrivate(all)) {
			if !slices.ContainsFunc(issues, func(x schemas.Issue) bool { return x.Path == is.Path && x.Code == is.Code }) {
				issues = append(issues, is)
			}
		}
	}
	return issues, nil
}
