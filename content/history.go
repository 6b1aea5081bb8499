package content

import (
	"context"
	"errors"
	"strconv"
)

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

// History lists a variant's revisions, newest first, from below the number
// before (all when zero).
func (s *Service) History(ctx context.Context, actor Actor, id, locale string, before, limit int) ([]*Revision, error) {
	d, v, err := s.getVariant(ctx, actor, id, locale)
	if err != nil {
		return nil, err
	}
	list, err := s.chain(ctx, d, v, before, limit)
	if err != nil {
		return nil, err
	}
	return s.shownRevisions(ctx, actor, d, list...)
}

// chain lists the revisions that count: those that the latest leads back to.
// One page of the store's list has nearly always all of them; where strays of
// lost races crowd it, the missing ones are read one by one.
func (s *Service) chain(ctx context.Context, d *Document, v *Variant, before, limit int) ([]*Revision, error) {
	want := v.Latest.Hash
	if before <= 0 || before > v.Latest.Number {
		before = v.Latest.Number + 1
	} else {
		above, err := s.chainAt(ctx, d, v, before)
		if err != nil {
			return nil, err
		}
		want = above.Prev
	}
	out := []*Revision{}
	if limit < 1 || want == "" {
		return out, nil
	}
	rows, err := s.store.History(ctx, d.ID, v.Locale, before, limit+8)
	if err != nil {
		return nil, s.storeProblem(err)
	}
	page := make(map[string]*Revision, len(rows))
	for _, r := range rows {
		page[r.Hash] = r
	}
	for len(out) < limit && want != "" {
		r := page[want]
		if r == nil {
			if r, err = s.revision(ctx, want); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
		want = r.Prev
	}
	return out, nil
}

// chainAt gives the revision of that number on the chain.
func (s *Service) chainAt(ctx context.Context, d *Document, v *Variant, number int) (*Revision, error) {
	if number < 1 || number > v.Latest.Number {
		return nil, &Problem{Class: NotFound, Code: "no_such_revision", Params: map[string]any{"number": number}}
	}
	// Nearly always one revision has that number; a stray of a lost race makes
	// two, and only the walk from the latest tells them apart.
	rows, err := s.store.History(ctx, d.ID, v.Locale, number+1, 2)
	if err != nil {
		return nil, s.storeProblem(err)
	}
	if len(rows) > 0 && rows[0].Number == number && (len(rows) == 1 || rows[1].Number != number) {
		return rows[0], nil
	}
	for hash := v.Latest.Hash; hash != ""; {
		r, err := s.revision(ctx, hash)
		if err != nil {
			return nil, err
		}
		if r.Number == number {
			return r, nil
		}
		hash = r.Prev
	}
	return nil, &Problem{Class: NotFound, Code: "no_such_revision", Params: map[string]any{"number": number}}
}

// RevisionAt gives one revision of a variant by its number.
func (s *Service) RevisionAt(ctx context.Context, actor Actor, id, locale string, number int) (*Revision, error) {
	d, v, err := s.getVariant(ctx, actor, id, locale)
	if err != nil {
		return nil, err
	}
	r, err := s.chainAt(ctx, d, v, number)
	if err != nil {
		return nil, err
	}
	shown, err := s.shownRevisions(ctx, actor, d, r)
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// Compare lists the fields that differ between two revisions of a variant; from
// zero stands for nothing at all.
func (s *Service) Compare(ctx context.Context, actor Actor, id, locale string, from, to int) ([]FieldChange, error) {
	after, err := s.RevisionAt(ctx, actor, id, locale, to)
	if err != nil {
		return nil, err
	}
	var before *Revision
	if from != 0 {
		if before, err = s.RevisionAt(ctx, actor, id, locale, from); err != nil {
			return nil, err
		}
	}
	t, ok := s.schemas.Type(after.Type)
	if !ok {
		return nil, invalidField("/type", "unknown_type", map[string]any{"type": after.Type})
	}
	return Diff(t, before, after)
}

// Restore makes a new revision with the content of an earlier one, shared facts
// included; those who may only change the text bring back only the text. It is
// an edit, and answers to the same rules. What the type no longer declares
// stays in the past.
func (s *Service) Restore(ctx context.Context, actor Actor, id, locale, etag string, number int, note string) (*Document, error) {
	d, v, err := s.getVariant(ctx, actor, id, locale)
	if err != nil {
		return nil, err
	}
	old, err := s.chainAt(ctx, d, v, number) // as it was: what an actor may not read may not be lost
	if err != nil {
		return nil, err
	}
	values, err := old.Values()
	if err != nil {
		return nil, err
	}
	if note == "" {
		note = "#" + strconv.Itoa(number)
	}
	return s.update(ctx, actor, id, locale, etag, func(w *change) error {
		v := w.doc.Variant(w.locale)
		t, ok := s.schemas.Type(w.doc.Type)
		if v == nil || !ok {
			return notFound()
		}
		rights, err := w.mayEdit(v)
		if err != nil {
			return err
		}
		patch := map[string]any{}
		for _, f := range t.Fields {
			if f.Localized || rights == editsAll {
				patch[f.Name] = values[f.Name] // nil where it had none
			}
		}
		return w.edit(ctx, Edit{Fields: patch, Slug: old.Slug, Note: note}, number)
	})
}
