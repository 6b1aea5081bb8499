package content

import (
	"context"
	"encoding/json"
	"slices"

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
	shared, err := s.masked(d.Type, d.Shared, true)
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
	shared, err := s.masked(r.Type, r.Shared, d.Sensitive)
	if err != nil {
		return nil, err
	}
	c := *r
	c.Shared = shared
	return &c, nil
}

// masked gives shared values with the places that the public may know; private
// says that they are hidden even where the values do not ask for it.
func (s *Service) masked(typ string, shared json.RawMessage, private bool) (json.RawMessage, error) {
	t, ok := s.schemas.Type(typ)
	if !ok {
		return emptyObject, nil
	}
	var values schemas.Values
	if err := json.Unmarshal(shared, &values); err != nil {
		return nil, err
	}
	if private {
		values = t.AsPrivate(values)
	}
	return canonicalJSON(t.Public(values, s.places))
}

// revealed says what the texts of a revision would give away of the places of a
// sensitive document: of its own, and, where it is behind, of those that other
// languages have brought since.
func (w *change) revealed(ctx context.Context, t *schemas.Type, r *Revision, values schemas.Values) ([]schemas.Issue, error) {
	issues := t.Revealed(values)
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
