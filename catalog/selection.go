package catalog

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"

	"github.com/prassi-cms/prassi/internal/bitmap"
)

// Selection is all that a query finds, newest first, at one moment.
type Selection struct {
	q     Query
	shape *shape
	items []*variant
}

// Select finds everything that passes the filters of a query. Sort, Fields,
// Limit and Cursor do not count. Problems are those of List.
func (c *Catalog) Select(q Query) (Selection, error) { return c.choose(q, false) }

// choose selects; placed keeps only items on the map.
func (c *Catalog) choose(q Query, placed bool) (Selection, error) {
	q.Sort, q.Fields, q.Limit, q.Cursor = "", nil, 0, ""
	s := c.snap.Load()
	q, part, err := c.normalise(q, s)
	if err != nil {
		return Selection{}, err
	}
	work := scratches.Get().(*scratch)
	defer scratches.Put(work)
	work.found = bitmap.Sized(work.found, len(part.items))
	work.tmp = bitmap.Sized(work.tmp, len(part.items))
	part.filter(&q, work)
	if placed {
		part.postings.get(term{kind: termPlace}).keepIn(work.found)
	}
	out := Selection{q: q, shape: part.shape, items: make([]*variant, 0, work.found.Count())}
	newest := part.orders[0].slots
	for i := len(newest) - 1; i >= 0; i-- {
		if work.found.Has(newest[i]) {
			out.items = append(out.items, part.items[newest[i]])
		}
	}
	return out, nil
}

// Len is how many items there are.
func (s *Selection) Len() int { return len(s.items) }

// Entries gives the items.
func (s *Selection) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, v := range s.items {
			e := Entry{v: v}
			if s.q.Locale != "" && v.locale != s.q.Locale {
				e.asked = s.q.Locale
			}
			if !yield(e) {
				return
			}
		}
	}
}

// ETag is a strong validator of what is written from the selection for one
// address: its items, and this program's way to write them. What depends on
// more than the address and these must be added to the tag.
func (s *Selection) ETag() string {
	h := sha256.New()
	h.Write([]byte{formatVersion})
	var buf [64]byte
	for _, v := range s.items {
		// A reader hears of a place from the item's own bytes and address alone.
		b := append(buf[:0], v.etags[Identity]...)
		h.Write(append(append(b, v.locale...), 0))
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}
