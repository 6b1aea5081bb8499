package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/internal/bitmap"
)

// scratch is the working memory of one query.
type scratch struct{ found, tmp bitmap.Set }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// List gives a page. It returns a content.Problem: not_found for an unknown
// collection, invalid_filter with the parameters at fault, invalid_cursor for a
// cursor that is damaged or belongs to another query.
func (c *Catalog) List(q Query) (Page, error) {
	s := c.snap.Load()
	q, part, err := c.normalise(q, s)
	if err != nil {
		return Page{}, err
	}
	var at position
	hash := q.hash()
	if q.Cursor != "" {
		if at, err = decodeCursor(q.Cursor, hash); err != nil {
			return Page{}, err
		}
	}
	work := scratches.Get().(*scratch)
	defer scratches.Put(work)
	work.found = bitmap.Sized(work.found, len(part.items))
	work.tmp = bitmap.Sized(work.tmp, len(part.items))
	part.filter(&q, work)

	page := Page{Generation: s.gen}
	if len(q.Fields) > 0 {
		page.fields = project(q.Fields)
		page.long = slices.ContainsFunc(q.Fields, func(f string) bool { return longKeys[f] || strings.HasPrefix(f, "fields.") })
	}
	var found window
	if q.Sort == byDistance {
		found, err = part.byDistance(&q, work, at)
	} else {
		found, err = part.sorted(&q, work, at)
	}
	if err != nil {
		return Page{}, err
	}
	page.Total = found.total
	page.Entries = make([]Entry, len(found.items))
	for i, v := range found.items {
		page.Entries[i] = Entry{v: v}
		if q.Locale != "" && v.locale != q.Locale {
			page.Entries[i].asked = q.Locale
		}
	}
	if n := len(found.items); n > 0 {
		mark := func(v *variant, before bool) string {
			return position{before: before, key: found.key(v), id: v.rec.id, locale: v.locale}.encode(hash)
		}
		if found.more {
			page.Next = mark(found.items[n-1], false)
		}
		if found.less {
			page.Prev = mark(found.items[0], true)
		}
	}
	return page, nil
}

// window is a run of a sorted list.
type window struct {
	items      []*variant
	total      int
	less, more bool // there are items before, after
	key        func(*variant) string
}

// filter finds the slots that pass.
func (p *partition) filter(q *Query, w *scratch) {
	found, tmp := w.found, w.tmp
	if q.wordless {
		return
	}
	get := func(kind termKind, value string) *posting { return p.postings.get(term{kind: kind, value: value}) }
	// Which variant stands for its document.
	if q.Locale == "" {
		get(termPrimary, "").addTo(found)
	} else {
		get(termLocale, q.Locale).addTo(found)
		for i, l := range q.Fallback {
			clear(tmp)
			get(termLocale, l).addTo(tmp)
			get(termSibling, q.Locale).takeFrom(tmp)
			for _, earlier := range q.Fallback[:i] {
				get(termSibling, earlier).takeFrom(tmp)
			}
			found.Or(tmp)
		}
	}
	anyOf := func(kind termKind, field uint8, values []string) {
		if len(values) == 1 {
			p.postings.get(term{kind, field, values[0]}).keepIn(found)
			return
		}
		clear(tmp)
		for _, v := range values {
			p.postings.get(term{kind, field, v}).addTo(tmp)
		}
		found.And(tmp)
	}
	switch {
	case q.National && len(q.Territory) > 0:
		clear(tmp)
		get(termNational, "").addTo(tmp)
		for _, code := range q.Territory {
			get(termTerritory, code).addTo(tmp)
		}
		found.And(tmp)
	case q.National:
		get(termNational, "").keepIn(found)
	case len(q.Territory) > 0:
		anyOf(termTerritory, 0, q.Territory)
	}
	if len(q.Topic) > 0 {
		anyOf(termTopic, 0, q.Topic)
	}
	if len(q.Organization) > 0 {
		anyOf(termOrganization, 0, q.Organization)
	}
	if q.Assured != "" {
		get(termAssurance, q.Assured).keepIn(found)
	}
	for name, values := range q.Filters {
		if name == publicState {
			anyOf(termState, 0, values)
		} else if i, ok := p.shape.filter(name); ok {
			anyOf(termField, i, values)
		}
	}
	if q.asksPlace() {
		get(termPlace, "").keepIn(found)
	}
	p.test(q, found)
}

// test takes out the slots that fail what no posting answers.
func (p *partition) test(q *Query, found bitmap.Set) {
	if !q.From.IsZero() || !q.To.IsZero() {
		from, to := int64(math.MinInt64), int64(math.MaxInt64)
		if !q.From.IsZero() {
			from = q.From.UnixMilli()
		}
		if !q.To.IsZero() {
			to = q.To.UnixMilli()
		}
		found.Each(func(slot uint32) {
			if v := p.items[slot]; v.begins >= to || v.ends <= from {
				found.Remove(slot)
			}
		})
	}
	if !q.OpenAt.IsZero() {
		found.Each(func(slot uint32) {
			if !p.items[slot].rec.hours.Open(q.OpenAt) {
				found.Remove(slot)
			}
		})
	}
	if !q.openDay.IsZero() {
		found.Each(func(slot uint32) {
			if len(p.items[slot].rec.hours.Day(q.openDay)) == 0 {
				found.Remove(slot)
			}
		})
	}
	if q.BBox != nil || q.RadiusMetres > 0 {
		found.Each(func(slot uint32) {
			if _, ok := q.nearest(p.items[slot]); !ok {
				found.Remove(slot)
			}
		})
	}
	if words := needles(q.Q); len(words) > 0 {
		found.Each(func(slot uint32) {
			for _, w := range words {
				if !strings.Contains(p.items[slot].words, w) {
					found.Remove(slot)
					return
				}
			}
		})
	}
}

// sorted cuts the page out of one of the partition's orders.
func (p *partition) sorted(q *Query, w *scratch, at position) (window, error) {
	name, desc := strings.CutPrefix(q.Sort, "-")
	i := slices.IndexFunc(p.shape.orders, func(o orderSpec) bool { return o.name == name })
	view := orderView{order: &p.orders[i], spec: p.shape.orders[i], items: p.items, desc: desc}
	out := window{total: w.found.Count(), key: view.spec.get}
	start := 0
	if at.id != "" {
		probe := &variant{rec: &record{id: at.id}, locale: at.locale}
		if view.spec.optional {
			probe.keys = make([]string, len(p.shape.sortable))
		}
		if !view.spec.set(probe, at.key) {
			return out, invalidCursor()
		}
		start = view.after(probe, !at.before)
	}
	if out.total == 0 {
		return out, nil
	}
	// Either walk along the order and test each, or, when few pass, note the
	// places of those that do and walk along these.
	n := len(view.order.slots)
	test := func(place int) bool { return w.found.Has(view.slot(place)) }
	next, back := func(place int) int {
		for place < n && !test(place) {
			place++
		}
		return place
	}, func(place int) int {
		for place >= 0 && !test(place) {
			place--
		}
		return place
	}
	if out.total*out.total <= q.Limit*n {
		places := bitmap.Sized(w.tmp, n)
		w.found.Each(func(slot uint32) { places.Add(uint32(view.place(slot))) })
		next, back = places.Next, places.Back
	}
	out.items = make([]*variant, 0, min(q.Limit, out.total))
	if at.before {
		place := back(start - 1)
		for ; place >= 0 && len(out.items) < q.Limit; place = back(place - 1) {
			out.items = append(out.items, p.items[view.slot(place)])
		}
		slices.Reverse(out.items)
		out.less, out.more = place >= 0, next(start) < n
	} else {
		place := next(start)
		for ; place < n && len(out.items) < q.Limit; place = next(place + 1) {
			out.items = append(out.items, p.items[view.slot(place)])
		}
		out.less, out.more = start > 0 && back(start-1) >= 0, place < n
	}
	return out, nil
}

// orderView is an order in one direction: a place is how many items come before.
// Backwards, the items without the key still come last.
type orderView struct {
	order *order
	spec  orderSpec
	items []*variant
	desc  bool
}

// slot is the item at a place.
func (v *orderView) slot(place int) uint32 { return v.order.slots[v.turn(place)] }

// place is where a slot comes.
func (v *orderView) place(slot uint32) int { return v.turn(int(v.order.rank[slot])) }

// turn changes a place into an index and back: it is its own inverse.
func (v *orderView) turn(i int) int {
	switch {
	case !v.desc:
		return i
	case i < v.order.keyed:
		return v.order.keyed - 1 - i
	}
	return v.order.keyed + len(v.order.slots) - 1 - i
}

// compare is the order of the view.
func (v *orderView) compare(a, b *variant) int {
	x, y := v.spec.lacks(a), v.spec.lacks(b)
	if x != y {
		return cmp.Compare(b2i(x), b2i(y))
	}
	c := v.spec.compare(a, b)
	if v.desc {
		return -c
	}
	return c
}

// after gives the first place whose item comes after the probe, or, when strict
// is false, not before it.
func (v *orderView) after(probe *variant, strict bool) int {
	return sort.Search(len(v.order.slots), func(i int) bool {
		c := v.compare(v.items[v.slot(i)], probe)
		return c > 0 || c == 0 && !strict
	})
}

// far is an item with its distance.
type far struct {
	v *variant
	d float64
}

// byDistance sorts what was found by the distance of the nearest place.
func (p *partition) byDistance(q *Query, w *scratch, at position) (window, error) {
	list := make([]far, 0, w.found.Count())
	w.found.Each(func(slot uint32) {
		if d, ok := q.nearest(p.items[slot]); ok {
			list = append(list, far{p.items[slot], d})
		}
	})
	compare := func(a, b far) int { return cmp.Or(cmp.Compare(a.d, b.d), byIdentity(a.v, b.v)) }
	slices.SortFunc(list, compare)
	out := window{total: len(list), key: func(v *variant) string {
		d, _ := q.nearest(v)
		return string(binary.BigEndian.AppendUint64(nil, math.Float64bits(d)))
	}}
	from, to := 0, min(q.Limit, len(list))
	if at.id != "" {
		if len(at.key) != 8 {
			return out, invalidCursor()
		}
		probe := far{&variant{rec: &record{id: at.id}, locale: at.locale}, math.Float64frombits(binary.BigEndian.Uint64([]byte(at.key)))}
		i, same := slices.BinarySearchFunc(list, probe, compare)
		if at.before {
			from, to = max(0, i-q.Limit), i
		} else {
			if same {
				i++
			}
			from, to = i, min(i+q.Limit, len(list))
		}
	}
	for _, x := range list[from:to] {
		out.items = append(out.items, x.v)
	}
	out.less, out.more = from > 0, to < len(list)
	return out, nil
}

// AppendItems appends the JSON array of the page's items. The error is the
// disk's, and comes only where Query.Fields asks for the long form.
func (p *Page) AppendItems(dst []byte) (_ []byte, err error) {
	if p.fields == nil && dst == nil {
		n := 2
		for _, e := range p.Entries {
			n += len(e.v.summary) + len(e.asked) + 1
		}
		dst = make([]byte, 0, n)
	}
	var item []byte
	if p.fields != nil {
		buf := buffers.Get().(*[]byte)
		item = *buf
		defer func() { release(buf, item) }()
	}
	dst = append(dst, '[')
	for i, e := range p.Entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		if p.fields == nil {
			dst = e.AppendSummary(dst)
			continue
		}
		if p.long {
			item, err = e.AppendTo(item[:0], Identity)
		} else {
			item = e.AppendSummary(item[:0])
		}
		if err == nil {
			dst, err = p.fields.append(dst, item)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// ETag is a strong validator of what the page says: its items, how many there
// are, the cursors and the projection. Who adds more to the answer than follows
// from these and the address must add it to the tag.
func (p *Page) ETag() string {
	var buf [4096]byte
	b := binary.AppendUvarint(buf[:0], uint64(p.Total))
	for _, e := range p.Entries {
		b = append(b, e.v.etags[Identity]...)
		b = append(append(b, e.asked...), 0)
	}
	b = append(append(append(b, p.Next...), 0), p.Prev...)
	if p.fields != nil {
		b = append(b, 1)
	}
	sum := sha256.Sum256(b)
	var tag [24]byte
	tag[0] = '"'
	base64.RawURLEncoding.Encode(tag[1:23], sum[:16])
	tag[23] = '"'
	return string(tag[:])
}

// LastModified is the latest of the page's items; zero when it is empty.
func (p *Page) LastModified() time.Time {
	var last int64
	for _, e := range p.Entries {
		last = max(last, e.v.modifiedAt)
	}
	if last == 0 {
		return time.Time{}
	}
	return time.UnixMilli(last).UTC()
}
