package catalog

import (
	"iter"
	"slices"
	"strings"
)

// Variants gives all public variants of a document, by locale; none when nothing
// of it is public.
func (c *Catalog) Variants(id string) []Entry {
	r := c.snap.Load().docs.get(id)
	if r == nil || len(r.variants) == 0 {
		return nil
	}
	out := make([]Entry, len(r.variants))
	for i, v := range r.variants {
		out[i] = Entry{v: v}
	}
	return out
}

// All gives every public variant of one moment, by document id, then locale.
func (c *Catalog) All() iter.Seq[Entry] { return c.snap.Load().all() }

func (s *snapshot) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		recs := make([]*record, 0, s.documents)
		s.docs.all(func(_ string, r *record) bool {
			if len(r.variants) > 0 {
				recs = append(recs, r)
			}
			return true
		})
		slices.SortFunc(recs, func(a, b *record) int { return strings.Compare(a.id, b.id) })
		for _, r := range recs {
			for _, v := range r.variants {
				if !yield(Entry{v: v}) {
					return
				}
			}
		}
	}
}
