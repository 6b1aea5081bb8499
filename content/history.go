package content

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
)

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

// History lists a variant's revisions, newest first, from below the number
// before (all when zero).
func (s *Service) History(ctx context.Context, actor Actor, id, locale string, before, limit int) ([]*Revision, error) {
	d, err := s.Get(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	v := d.Variant(locale)
	if v == nil {
		return nil, &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": locale}}
	}
	return s.chain(ctx, d, v, before, limit)
}

// chain lists the revisions that count: those that the latest leads back to.
func (s *Service) chain(ctx context.Context, d *Document, v *Variant, before, limit int) ([]*Revision, error) {
	if before <= 0 || before > v.Latest.Number {
		before = v.Latest.Number + 1
	}
	// The hash expected at before-1 is known for the latest; further back it is
	// the Prev of the revision above.
	want := v.Latest.Hash
	if before <= v.Latest.Number {
		above, err := s.chainAt(ctx, d, v, before)
		if err != nil {
			return nil, err
		}
		want = above.Prev
	}
	out := []*Revision{}
	for len(out) < limit && before > 1 {
		rows, err := s.store.History(ctx, d.ID, v.Locale, before, limit+8)
		if err != nil {
			return nil, s.storeProblem(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if r.Hash == want && len(out) < limit {
				out = append(out, r)
				want, before = r.Prev, r.Number
			}
		}
		if rows[len(rows)-1].Number < before {
			before = rows[len(rows)-1].Number
		}
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
		r, err := s.store.Revision(ctx, hash)
		if err != nil {
			return nil, s.storeProblem(err)
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
	d, err := s.Get(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	v := d.Variant(locale)
	if v == nil {
		return nil, &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": locale}}
	}
	return s.chainAt(ctx, d, v, number)
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
// included. It is an edit, and answers to the same rules.
func (s *Service) Restore(ctx context.Context, actor Actor, id, locale, etag string, number int, note string) (*Document, error) {
	old, err := s.RevisionAt(ctx, actor, id, locale, number)
	if err != nil {
		return nil, err
	}
	return s.update(ctx, actor, id, locale, etag, func(w *change) error {
		v := w.doc.Variant(w.locale)
		latest, err := w.revision(ctx, v.Latest.Hash)
		if err != nil {
			return s.storeProblem(err)
		}
		now, err := rawFields(latest)
		if err != nil {
			return err
		}
		var shared map[string]json.RawMessage
		if err := json.Unmarshal(w.doc.Shared, &shared); err != nil {
			return err
		}
		patch := map[string]any{}
		for name := range now {
			patch[name] = nil
		}
		for name := range shared {
			patch[name] = nil
		}
		values, err := old.Values()
		if err != nil {
			return err
		}
		for name, value := range values {
			patch[name] = value
		}
		delete(patch, "slug")
		if note == "" {
			note = "#" + strconv.Itoa(number)
		}
		return w.edit(ctx, Edit{Fields: patch, Slug: old.Slug, Note: note}, number)
	})
}
