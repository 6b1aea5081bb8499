package catalog

import (
	"sort"
	"time"
)

// MaxChanges bounds one answer of Changes.
const MaxChanges = 1000

// Changes lists what changed for the public after a place in the log, in its
// order, at most limit (0: MaxChanges). next is where to go on from: the last
// change's place, or the catalogue's own when nothing follows, so a reader that
// is up to date passes over events that concern nobody outside.
//
// An effect on one language may change what the others say too, since they share
// facts and name each other: who keeps a copy reads the whole document again.
func (c *Catalog) Changes(since int64, limit int) (changes []Change, next int64) {
	s := c.snap.Load()
	from := sort.Search(len(s.changes), func(i int) bool { return s.changes[i].seq > since })
	return s.list(from, limit, nil)
}

// ChangesSince is Changes from a moment on: those that happened at t or later,
// by the clock of whoever made them.
func (c *Catalog) ChangesSince(t time.Time, limit int) (changes []Change, next int64) {
	s := c.snap.Load()
	ms := t.UnixMilli()
	return s.list(0, limit, func(x *change) bool { return x.at >= ms })
}

func (s *snapshot) list(from, limit int, keep func(*change) bool) ([]Change, int64) {
	if limit <= 0 || limit > MaxChanges {
		limit = MaxChanges
	}
	out := []Change{}
	for _, x := range s.changes[from:] {
		if keep != nil && !keep(x) {
			continue
		}
		if len(out) == limit {
			return out, out[limit-1].Seq
		}
		out = append(out, Change{
			Seq: x.seq, Effect: x.effect(), ID: x.rec.id, Type: x.rec.typ, Collection: x.rec.collection,
			Locale: x.locale, Slug: x.slug, At: time.UnixMilli(x.at).UTC(), URL: itemURL(x.rec.collection, x.slug, x.locale),
		})
	}
	return out, s.cursor
}
