package duplicates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/schemas"
)

// Source is the part of content.Store that is watched.
type Source interface {
	Get(ctx context.Context, id string) (*content.Document, error)
	Scan(ctx context.Context, after string, limit int) ([]*content.Document, error)
	Events(ctx context.Context, after int64, limit int) ([]content.Event, error)
	LastSeq(ctx context.Context) (int64, error)
}

// Watch keeps a Finder in step with a store: drafts too, as they are now. It reads
// the whole store when it is first asked and from then on what the log tells, so
// any number of processes may each have their own. Nothing is kept between runs.
// It is safe for concurrent use.
type Watch struct {
	source Source
	reg    *schemas.Registry

	mu     sync.Mutex
	read   bool // the store was read wholly
	cursor int64
	finder Finder
}

// NewWatch watches a store whose documents are of the registry's types.
func NewWatch(source Source, reg *schemas.Registry) *Watch { return &Watch{source: source, reg: reg} }

// Pairs gives all pairs that there are by now, the likeliest first. The list must
// not be changed. It returns the store's errors.
func (w *Watch) Pairs(ctx context.Context) ([]Pair, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refresh(ctx); err != nil {
		return nil, err
	}
	return w.finder.Pairs(), nil
}

// WithTaxCode gives the ids of the documents of a type that have a tax code, in
// any spelling, sorted. It returns the store's errors.
func (w *Watch) WithTaxCode(ctx context.Context, typ, code string) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refresh(ctx); err != nil {
		return nil, err
	}
	return w.finder.WithTaxCode(typ, code), nil
}

// Likeness compares two documents as they are now; nil when nothing suggests that
// they are the same.
func (w *Watch) Likeness(ctx context.Context, a, b string) (*Likeness, error) {
	pairs, err := w.Pairs(ctx)
	if err != nil {
		return nil, err
	}
	a, b = min(a, b), max(a, b)
	for i := range pairs {
		if pairs[i].A == a && pairs[i].B == b {
			return &pairs[i].Likeness, nil
		}
	}
	return nil, nil
}

// pageSize is how many documents or events are read at once.
const pageSize = 500

func (w *Watch) refresh(ctx context.Context) error {
	last, err := w.source.LastSeq(ctx)
	if err != nil {
		return fmt.Errorf("duplicates: %w", err)
	}
	if !w.read || last < w.cursor { // a restored copy has a shorter log
		return w.scan(ctx, last)
	}
	changed := map[string]bool{}
	for cursor := w.cursor; cursor < last; {
		events, err := w.source.Events(ctx, cursor, pageSize)
		if err != nil {
			return fmt.Errorf("duplicates: %w", err)
		}
		if len(events) == 0 {
			break
		}
		for i := range events {
			if slices.Contains(words().types, events[i].Type) {
				changed[events[i].Document] = true
			}
		}
		cursor = events[len(events)-1].Seq
		last = max(last, cursor)
	}
	for id := range changed {
		d, err := w.source.Get(ctx, id)
		switch {
		case errors.Is(err, content.ErrNotFound):
			w.finder.Remove(id)
			continue
		case err != nil:
			return fmt.Errorf("duplicates: %w", err)
		}
		if err := w.put(d); err != nil {
			return err
		}
	}
	w.cursor = last
	return nil
}

// scan reads the whole store. What changes meanwhile comes after seq in the log,
// and is read again then.
func (w *Watch) scan(ctx context.Context, seq int64) error {
	w.read, w.finder = false, Finder{}
	for after := ""; ; {
		page, err := w.source.Scan(ctx, after, pageSize)
		if err != nil {
			return fmt.Errorf("duplicates: %w", err)
		}
		for _, d := range page {
			if err := w.put(d); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			break
		}
		after = page[len(page)-1].ID
	}
	w.read, w.cursor = true, seq
	return nil
}

func (w *Watch) put(d *content.Document) error {
	s, ok, err := SubjectOf(w.reg, d)
	if err != nil {
		return err
	}
	if ok {
		w.finder.Put(s)
	} else {
		w.finder.Remove(d.ID)
	}
	return nil
}

// SubjectOf reads a document's present facts; false when it is of a type that is
// not compared, was thrown away, or was merged into another one.
func SubjectOf(reg *schemas.Registry, d *content.Document) (Subject, bool, error) {
	t, known := reg.Type(d.Type)
	if !known || d.Discarded || d.MergedInto != "" || !slices.Contains(words().types, d.Type) {
		return Subject{}, false, nil
	}
	values := schemas.Values{}
	if len(d.Shared) > 0 {
		if err := json.Unmarshal(d.Shared, &values); err != nil {
			return Subject{}, false, fmt.Errorf("duplicates: the facts of %s: %w", d.ID, err)
		}
	}
	s := Subject{ID: d.ID, Type: d.Type, Sensitive: d.Sensitive || t.Private(values)}
	for i := range d.Variants {
		s.Names = addOnce(s.Names, d.Variants[i].Title)
	}
	for _, f := range t.Fields {
		for _, v := range listOf(values[f.Name]) {
			s.add(f, v)
		}
	}
	return s, true, nil
}

// add takes in a value by what its field declares.
func (s *Subject) add(f *schemas.Field, v any) {
	if text, ok := v.(string); ok {
		switch {
		case f.Kind == "reference" && slices.Equal(f.Types, []string{"organization"}):
			s.Within = addOnce(s.Within, text)
		case f.Format == "tax_code":
			s.TaxCodes = append(s.TaxCodes, text)
		case f.Format == "phone":
			s.Phones = append(s.Phones, text)
		}
		return
	}
	parts, ok := v.(map[string]any)
	if !ok {
		return
	}
	if f.Kind == "place" {
		s.Places = append(s.Places, placeOf(parts))
		return
	}
	for _, p := range f.Parts {
		if text, ok := parts[p.Name].(string); ok && p.Format == "phone" {
			s.Phones = append(s.Phones, text)
		}
	}
}

func placeOf(parts map[string]any) Place {
	p := Place{}
	p.Municipality, _ = parts["municipality"].(string)
	lat, ok1 := parts["lat"].(float64)
	lon, ok2 := parts["lon"].(float64)
	if vague, _ := parts["approximate"].(bool); ok1 && ok2 && !vague {
		p.At = &geo.Point{Lat: lat, Lon: lon}
	}
	return p
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}
