package feed

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/search"
)

// Discrepancy is one difference between index and catalogue.
type Discrepancy struct {
	Document, Locale string
	// Code is index_missing (public and cannot be found), index_surplus (can be
	// found and is not public) or index_stale (made from other bytes).
	Code      string
	Want, Got string
}

// Verify compares the index with the catalogue: exactly the public variants are
// in it, each made from the bytes that the public reads. What the index has yet
// to take in by its position in the log is no fault: it is caught up with first,
// and an index that was lost is made anew. The error is the engine's or the
// store's.
func (f *Feed) Verify(ctx context.Context) ([]Discrepancy, error) {
	if err := f.catalog.CatchUp(ctx); err != nil {
		return nil, err
	}
	position, err := f.index.Position(ctx)
	if err != nil {
		return nil, err
	}
	// Documents on which something had an effect after the position.
	late := map[string]bool{}
	for since := position; ; {
		changes, next := f.catalog.Changes(since, 0)
		for _, c := range changes {
			late[c.ID] = true
		}
		if len(changes) == 0 || next <= since {
			break
		}
		since = next
	}
	var faults []Discrepancy
	if position > 0 {
		if faults, err = f.difference(ctx); err != nil {
			return nil, err
		}
	}
	if position > 0 && len(late) == 0 {
		return faults, nil
	}
	// What others name may have changed with them.
	faults = slices.DeleteFunc(faults, func(d Discrepancy) bool { return late[d.Document] || d.Code == "index_stale" })
	f.mu.Lock()
	f.have, f.gen = nil, 0 // what the index holds is read anew
	f.mu.Unlock()
	if err := f.CatchUp(ctx); err != nil {
		return nil, err
	}
	left, err := f.difference(ctx)
	for _, d := range left {
		if !slices.Contains(faults, d) {
			faults = append(faults, d)
		}
	}
	sortFaults(faults)
	return faults, err
}

// difference compares the two lists.
func (f *Feed) difference(ctx context.Context) ([]Discrepancy, error) {
	got := map[key]string{}
	if err := f.entries(ctx, func(e search.Entry) { got[keyOf(e.ID)] = e.Version }); err != nil {
		return nil, err
	}
	var out []Discrepancy
	add := func(k key, code, want, got string) {
		out = append(out, Discrepancy{Document: k.document, Locale: k.locale, Code: code, Want: want, Got: got})
	}
	for e := range f.catalog.All() {
		k, want := key{e.ID(), e.Locale()}, Version(e)
		have, ok := got[k]
		delete(got, k)
		if !ok {
			add(k, "index_missing", want, "")
		} else if have != want {
			add(k, "index_stale", want, have)
		}
	}
	for k, version := range got {
		add(k, "index_surplus", "", version)
	}
	sortFaults(out)
	return out, nil
}

func sortFaults(list []Discrepancy) {
	slices.SortFunc(list, func(a, b Discrepancy) int {
		return cmp.Or(strings.Compare(a.Document, b.Document), strings.Compare(a.Locale, b.Locale))
	})
}
