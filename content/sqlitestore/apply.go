package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// encoded is a content.Write made ready outside the transaction.
type encoded struct {
	id        string
	expect    int64
	keys      keys
	title     string
	due       any // milliseconds, or nil
	body      []byte
	revisions []encodedRevision
	events    [][]byte
}

type encodedRevision struct {
	*content.Revision
	body []byte
}

// keys are what a stored document has in the terms and slugs tables.
type keys struct {
	newness      int64
	terms, slugs []string
}

func keysOf(updated time.Time, k content.Keys) keys {
	return keys{newness: newness(updated), terms: distinct(k.Terms), slugs: distinct(k.Slugs)}
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func encodeWrite(w content.Write) (*encoded, error) {
	d := w.Document
	if d.Version != w.Expect+1 {
		return nil, fmt.Errorf("version %d does not follow %d", d.Version, w.Expect)
	}
	e := &encoded{id: d.ID, expect: w.Expect, title: d.Keys.Title, keys: keysOf(d.UpdatedAt, d.Keys)}
	if !d.Keys.Due.IsZero() {
		e.due = d.Keys.Due.UnixMilli()
	}
	var err error
	if e.body, err = encode(kept(d)); err != nil {
		return nil, err
	}
	for _, r := range w.Revisions {
		c := *r
		c.At = moment(c.At)
		body, err := encode(&c)
		if err != nil {
			return nil, fmt.Errorf("revision %s: %w", r.Hash, err)
		}
		e.revisions = append(e.revisions, encodedRevision{r, body})
	}
	for _, event := range d.Pending {
		event.Seq, event.At, event.DueAt = 0, moment(event.At), moment(event.DueAt)
		body, err := encode(&event)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", event.ID, err)
		}
		e.events = append(e.events, body)
	}
	return e, nil
}

// Apply writes in the order of the slice, in one transaction with whatever else
// is waiting. When the context ends in between, the rest of the slice is not
// written and answers the context's error.
func (s *Store) Apply(ctx context.Context, writes []content.Write) []error {
	errs := make([]error, len(writes))
	ready := make([]*encoded, len(writes))
	for i, w := range writes {
		var err error
		if ready[i], err = encodeWrite(w); err != nil {
			errs[i] = fmt.Errorf("sqlitestore: document %s: %w", w.Document.ID, err)
		}
	}
	err := s.change(ctx, func(t *transaction) error {
		for i, e := range ready {
			if errs[i] != nil {
				continue
			}
			if errs[i] = ctx.Err(); errs[i] != nil {
				continue
			}
			refusal, err := t.apply(e)
			if err != nil {
				return fmt.Errorf("document %s: %w", e.id, err)
			}
			errs[i] = refusal
		}
		return nil
	})
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

// apply makes one write. A refusal comes before the first change.
func (t *transaction) apply(e *encoded) (refusal, err error) {
	var old keys
	if e.expect > 0 {
		var version int64
		var body []byte
		switch err := t.row("read document", "SELECT version, body FROM documents WHERE id = ?", []any{e.id}, &version, &body); {
		case errors.Is(err, content.ErrNotFound):
			return fmt.Errorf("document %s: %w: it does not exist", e.id, content.ErrConflict), nil
		case err != nil:
			return nil, err
		case version != e.expect:
			return fmt.Errorf("document %s: %w: expected %d, stored %d", e.id, content.ErrConflict, e.expect, version), nil
		}
		stored, err := decode[struct {
			UpdatedAt time.Time    `json:"updated_at"`
			Keys      content.Keys `json:"keys"`
		}](body)
		if err != nil {
			return nil, err
		}
		old = keysOf(stored.UpdatedAt, stored.Keys)
	}
	added := without(e.keys.slugs, old.slugs)
	for _, slug := range added {
		var holder string
		switch err := t.row("read slug", "SELECT id FROM slugs WHERE slug = ?", []any{slug}, &holder); {
		case errors.Is(err, content.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			return fmt.Errorf("document %s: %w: slug %q is taken by document %s", e.id, content.ErrDuplicate, slug, holder), nil
		}
	}

	if e.expect == 0 {
		changed, err := t.exec("insert document",
			"INSERT INTO documents (version, newness, title, due, body, id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
			e.expect+1, e.keys.newness, e.title, e.due, e.body, e.id)
		if err != nil {
			return nil, err
		}
		if changed == 0 {
			return fmt.Errorf("document %s: %w: the id is taken", e.id, content.ErrDuplicate), nil
		}
	} else if _, err := t.exec("update document",
		"UPDATE documents SET version = ?, newness = ?, title = ?, due = ?, body = ? WHERE id = ?",
		e.expect+1, e.keys.newness, e.title, e.due, e.body, e.id); err != nil {
		return nil, err
	}
	if err := t.moveTerms(e.id, old, e.keys); err != nil {
		return nil, err
	}
	if err := t.many("delete slugs", "DELETE FROM slugs WHERE slug IN (", "?", ")", nil, without(old.slugs, e.keys.slugs)); err != nil {
		return nil, err
	}
	if err := t.many("insert slugs", "INSERT INTO slugs (id, slug) VALUES ", "(?1, ?)", "", []any{e.id}, added); err != nil {
		return nil, err
	}
	for _, r := range e.revisions {
		// The same hash is the same revision, from an attempt that lost its race.
		if _, err := t.exec("insert revision",
			"INSERT INTO revisions (hash, document, locale, number, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
			r.Hash, r.Document, r.Locale, r.Number, r.body); err != nil {
			return nil, err
		}
	}
	for _, event := range e.events {
		if _, err := t.exec("insert event", "INSERT INTO events (document, body) VALUES (?, ?)", e.id, event); err != nil {
			return nil, err
		}
	}
	t.pages += e.logged()
	return nil, nil
}

// moveTerms makes the terms table say what the document's new keys say.
func (t *transaction) moveTerms(id string, old, new keys) error {
	gone, added := old.terms, new.terms
	if old.newness == new.newness {
		gone, added = without(old.terms, new.terms), without(new.terms, old.terms)
	}
	if err := t.many("delete terms", "DELETE FROM terms WHERE newness = ?1 AND id = ?2 AND term IN (", "?", ")",
		[]any{old.newness, id}, gone); err != nil {
		return err
	}
	return t.many("insert terms", "INSERT INTO terms (newness, id, term) VALUES ", "(?1, ?2, ?)", "",
		[]any{new.newness, id}, added)
}

// many runs one statement for a list of values, with the fixed arguments before
// them; long lists go in parts, so that few different texts are prepared.
func (t *transaction) many(step, head, each, tail string, fixed []any, values []string) error {
	const part = 16
	for chunk := range slices.Chunk(values, part) {
		arguments := slices.Clone(fixed)
		for _, value := range chunk {
			arguments = append(arguments, value)
		}
		query := head + strings.Repeat(each+", ", len(chunk)-1) + each + tail
		if _, err := t.exec(step, query, arguments...); err != nil {
			return err
		}
	}
	return nil
}

// without gives the elements of list that are not in other; both are sorted.
func without(list, other []string) []string {
	var rest []string
	for _, s := range list {
		if _, found := slices.BinarySearch(other, s); !found {
			rest = append(rest, s)
		}
	}
	return rest
}

// logged estimates how many bytes of log the write makes: its bodies, and a
// share of a page for each place in an index.
func (e *encoded) logged() int64 {
	size := len(e.body)
	for _, r := range e.revisions {
		size += len(r.body) + 2048
	}
	for _, event := range e.events {
		size += len(event) + 512
	}
	return int64(size + 2048 + 512*(len(e.keys.terms)+len(e.keys.slugs)))
}
