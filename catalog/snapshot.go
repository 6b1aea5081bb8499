package catalog

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// snapshot is the whole catalogue at one moment. It is never changed; the next
// one shares with it whatever stayed the same.
type snapshot struct {
	gen    uint64
	cursor int64
	parts  map[string]*partition // by collection
	docs   table[string, *record]
	slugs  table[slugKey, []target]
	// shows lists, by document, the documents that show its title or address.
	shows     table[string, []string]
	media     table[string, []*Media] // in use by live variants, by id
	changes   []*change               // by seq
	items     int
	documents int // with a live variant
	left      int // live variants that could not be rendered
}

// slugKey is an address without its language.
type slugKey struct{ collection, slug string }

// target is what a slug leads to in one language.
type target struct {
	rec    *record
	locale string
	// former: the slug is not the one of a live variant in that language.
	former bool
}

// partition holds the items of one collection.
type partition struct {
	shape    *shape
	items    []*variant // by slot; nil when free
	free     []uint32
	live     int
	postings table[term, *posting]
	orders   []order // as shape.orders
}

// order is the items of a partition sorted one way. slots holds those that have
// the key in ascending order, then the others by identity; rank is its inverse.
type order struct {
	slots []uint32
	rank  []uint32
	keyed int
}

const (
	docParts     = 512
	postingParts = 64
)

func emptySnapshot(shapes map[string]*shape) *snapshot {
	s := &snapshot{
		parts: map[string]*partition{},
		docs:  newTable[string, *record](docParts),
		slugs: newTable[slugKey, []target](docParts),
		shows: newTable[string, []string](docParts),
		media: newTable[string, []*Media](docParts),
	}
	for _, sh := range shapes {
		s.parts[sh.typ.Collection] = &partition{
			shape: sh, postings: newTable[term, *posting](postingParts), orders: make([]order, len(sh.orders)),
		}
	}
	return s
}

// tx makes the next snapshot. What it has copied carries it as its owner and may
// be changed in place until finish.
type tx struct {
	next    *snapshot
	parts   map[string]*partTx
	dropped []*change
	added   []*change
}

// partTx is the change of one partition.
type partTx struct {
	old, next      *partition
	removed, added []uint32 // slots, as they were and as they are
}

func (s *snapshot) begin() *tx {
	next := *s
	next.gen++
	next.docs, next.slugs, next.shows, next.media = s.docs.fork(), s.slugs.fork(), s.shows.fork(), s.media.fork()
	return &tx{next: &next, parts: map[string]*partTx{}}
}

func (t *tx) part(collection string) *partTx {
	p := t.parts[collection]
	if p == nil {
		old := t.next.parts[collection]
		next := *old
		next.items, next.free = slices.Clone(old.items), slices.Clone(old.free)
		next.postings = old.postings.fork()
		p = &partTx{old: old, next: &next}
		t.parts[collection] = p
	}
	return p
}

// put replaces the state of one document; an empty record removes it.
func (t *tx) put(r *record) {
	if old := t.next.docs.get(r.id); old != nil {
		t.remove(old)
	}
	if !r.empty() {
		t.insert(r)
	}
}

func (t *tx) remove(r *record) {
	t.next.left -= r.left
	t.next.docs.delete(t, r.id)
	for _, dep := range r.deps {
		list := slices.DeleteFunc(slices.Clone(t.next.shows.get(dep)), func(id string) bool { return id == r.id })
		if len(list) == 0 {
			t.next.shows.delete(t, dep)
		} else {
			t.next.shows.put(t, dep, list)
		}
	}
	for _, m := range r.media {
		list := slices.DeleteFunc(slices.Clone(t.next.media.get(m.ID)), func(x *Media) bool { return x == m })
		if len(list) == 0 {
			t.next.media.delete(t, m.ID)
		} else {
			t.next.media.put(t, m.ID, list)
		}
	}
	r.addresses(func(slug string, _ target) {
		k := slugKey{r.collection, slug}
		list := slices.DeleteFunc(slices.Clone(t.next.slugs.get(k)), func(x target) bool { return x.rec == r })
		if len(list) == 0 {
			t.next.slugs.delete(t, k)
		} else {
			t.next.slugs.put(t, k, list)
		}
	})
	if len(r.variants) > 0 {
		t.next.documents--
		p := t.part(r.collection)
		for _, v := range r.variants {
			p.remove(t, v)
			t.dropped = append(t.dropped, &v.change)
		}
		t.next.items -= len(r.variants)
	}
	for _, g := range r.gone {
		t.dropped = append(t.dropped, &g.change)
	}
}

func (t *tx) insert(r *record) {
	t.next.left += r.left
	t.next.docs.put(t, r.id, r)
	for _, dep := range r.deps {
		list := t.next.shows.get(dep)
		t.next.shows.put(t, strings.Clone(dep), append(slices.Clip(list), r.id))
	}
	for _, m := range r.media {
		t.next.media.put(t, strings.Clone(m.ID), append(slices.Clip(t.next.media.get(m.ID)), m))
	}
	r.addresses(func(slug string, to target) {
		k := slugKey{r.collection, slug}
		list := append(slices.Clip(t.next.slugs.get(k)), to)
		// One order whatever the history: the answers must not depend on it.
		slices.SortFunc(list, func(a, b target) int {
			return cmp.Or(cmp.Compare(chainRank(a.locale), chainRank(b.locale)), strings.Compare(a.locale, b.locale), strings.Compare(a.rec.id, b.rec.id))
		})
		t.next.slugs.put(t, k, list)
	})
	if len(r.variants) > 0 {
		t.next.documents++
		p := t.part(r.collection)
		for _, v := range r.variants {
			p.insert(t, v)
			t.added = append(t.added, &v.change)
		}
		t.next.items += len(r.variants)
	}
	for _, g := range r.gone {
		t.added = append(t.added, &g.change)
	}
}

// chainRank orders languages by the chain of record.primary.
func chainRank(locale string) int {
	switch locale {
	case "it":
		return 0
	case "en":
		return 1
	}
	return 2
}

// addresses calls f with every slug that leads to the document. A slug that is
// live in one language is not a former one of the same language.
func (r *record) addresses(f func(slug string, to target)) {
	for _, v := range r.variants {
		f(v.slug, target{rec: r, locale: v.locale})
		for _, slug := range v.former {
			f(slug, target{rec: r, locale: v.locale, former: true})
		}
	}
	for _, g := range r.gone {
		for _, slug := range g.slugs {
			f(slug, target{rec: r, locale: g.locale, former: true})
		}
	}
}

func (p *partTx) remove(t *tx, v *variant) {
	next := p.next
	next.items[v.slot] = nil
	next.free = append(next.free, v.slot)
	next.live--
	for _, x := range v.terms {
		post := next.postings.get(x).own(t)
		if post.remove(v.slot); post.n == 0 {
			next.postings.delete(t, x)
		} else {
			next.postings.put(t, post.name, post)
		}
	}
	if i := slices.Index(p.added, v.slot); i >= 0 && v.slot < uint32(len(next.items)) && !p.wasThere(v) {
		p.added = slices.Delete(p.added, i, i+1) // came and went in this transaction
	} else {
		p.removed = append(p.removed, v.slot)
	}
}

// wasThere reports whether the variant was in the partition before.
func (p *partTx) wasThere(v *variant) bool {
	return int(v.slot) < len(p.old.items) && p.old.items[v.slot] == v
}

func (p *partTx) insert(t *tx, v *variant) {
	next := p.next
	if n := len(next.free); n > 0 {
		v.slot, next.free = next.free[n-1], next.free[:n-1]
		next.items[v.slot] = v
	} else {
		v.slot = uint32(len(next.items))
		next.items = append(next.items, v)
	}
	next.live++
	for _, x := range v.terms {
		post := next.postings.get(x)
		if post == nil || post.owner != t {
			if post == nil {
				// The record's text must not live as long as the posting.
				post = &posting{name: term{x.kind, x.field, strings.Clone(x.value)}}
			}
			post = post.own(t)
			next.postings.put(t, post.name, post)
		}
		post.add(v.slot)
	}
	p.added = append(p.added, v.slot)
}

// finish gives the next snapshot.
func (t *tx) finish(cursor int64) *snapshot {
	s := t.next
	s.cursor = cursor
	parts := make(map[string]*partition, len(s.parts))
	for name, p := range s.parts {
		parts[name] = p
	}
	for name, p := range t.parts {
		parts[name] = p.finish()
	}
	s.parts = parts
	s.changes = mergeChanges(s.changes, t.dropped, t.added)
	return s
}

func (p *partTx) finish() *partition {
	next := p.next
	next.orders = make([]order, len(next.shape.orders))
	for i, spec := range next.shape.orders {
		next.orders[i] = p.old.orders[i].update(spec, p)
	}
	return next
}

// update makes the order of the next partition out of the one before.
func (o order) update(spec orderSpec, p *partTx) order {
	drop := make([]int, 0, len(p.removed))
	lost := 0
	for _, slot := range p.removed {
		place := int(o.rank[slot])
		drop = append(drop, place)
		if place < o.keyed {
			lost++
		}
	}
	slices.Sort(drop)
	added := slices.Clone(p.added)
	before, now := p.old.items, p.next.items
	slices.SortFunc(added, func(a, b uint32) int { return spec.compare(now[a], now[b]) })
	gained := sort.Search(len(added), func(i int) bool { return spec.lacks(now[added[i]]) })
	out := order{keyed: o.keyed - lost + gained}
	out.slots = splice(o.slots, drop, added, func(a, b uint32) bool { return spec.compare(now[a], before[b]) < 0 })
	out.rank = make([]uint32, len(now))
	for i, slot := range out.slots {
		out.rank[slot] = uint32(i)
	}
	return out
}

// compare is the ascending order with missing keys last, total by identity.
func (o orderSpec) compare(a, b *variant) int {
	if o.optional {
		if x, y := o.lacks(a), o.lacks(b); x != y {
			if x {
				return 1
			}
			return -1
		}
	}
	if c := o.cmp(a, b); c != 0 {
		return c
	}
	return byIdentity(a, b)
}

// splice gives old without the places in drop and with add in its order; all
// are sorted. less compares one of add with one of old.
func splice[T any](old []T, drop []int, add []T, less func(a, b T) bool) []T {
	out := make([]T, 0, len(old)-len(drop)+len(add))
	from := 0
	copyTo := func(end int) {
		for len(drop) > 0 && drop[0] < end {
			out = append(out, old[from:drop[0]]...)
			from, drop = drop[0]+1, drop[1:]
		}
		if from < end {
			out = append(out, old[from:end]...)
			from = end
		}
	}
	for _, a := range add {
		rest := old[from:]
		copyTo(from + sort.Search(len(rest), func(i int) bool { return less(a, rest[i]) }))
		out = append(out, a)
	}
	copyTo(len(old))
	return out
}

func compareChanges(a, b *change) int {
	return cmp.Or(cmp.Compare(a.seq, b.seq), strings.Compare(a.rec.id, b.rec.id), strings.Compare(a.locale, b.locale))
}

// mergeChanges keeps the list of changes by seq. Those that the log has not
// told of yet stay out.
func mergeChanges(old, dropped, added []*change) []*change {
	drop := make([]int, 0, len(dropped))
	for _, c := range dropped {
		i, found := slices.BinarySearchFunc(old, c, compareChanges)
		if found && old[i] == c {
			drop = append(drop, i)
		}
	}
	slices.Sort(drop)
	gone := map[*change]bool{} // added and dropped in one transaction
	for _, c := range dropped {
		gone[c] = true
	}
	add := make([]*change, 0, len(added))
	for _, c := range added {
		if c.seq > 0 && !gone[c] {
			add = append(add, c)
		}
	}
	slices.SortFunc(add, compareChanges)
	return splice(old, drop, add, func(a, b *change) bool { return compareChanges(a, b) < 0 })
}
