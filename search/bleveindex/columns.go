package bleveindex

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/internal/bitmap"
	"github.com/prassi-cms/prassi/search"
)

// row holds the facts of a document; a slot without one has an empty id.
type row struct {
	id, document, version, slug, title string

	typ       uint32 // value of FacetType
	points    []search.Point
	begins    int64 // milliseconds
	ends      int64
	published int64
	updated   int64
	keys      []string // by Settings.Keys
	acts      []search.Act
}

// hot is what every query reads of every document: it stays small and side by
// side in memory.
type hot struct {
	locales uint64 // bit set of indexes in Settings.Locales; 0: the slot is empty
	first   uint32 // of its values in arena
	many    uint16
	locale  uint8
	boost   float32
}

// value is one value of a facet.
type value struct{ facet, value string }

// act is a cited act with the slots of the documents that cite it.
type act struct {
	search.Act
	folded string
	slots  []uint32
}

// columns are the facts of all documents.
type columns struct {
	settings *search.Settings
	rows     []row
	hot      []hot
	folded   []string // words of the titles, for suggestions and whole-title matches
	arena    []uint32 // values of all facets of all documents
	wasted   int      // how much of it no document has any more
	live     int
	byValue  map[value]uint32
	values   []value
	facetOf  []uint8         // index in Settings.Facets, by value
	acts     map[string]*act // by identifier
	byKey    map[string][]*act
	locale   map[string]uint8
	variants map[string][]uint32 // slots by document
}

func newColumns(s *search.Settings) *columns {
	c := &columns{settings: s, byValue: map[value]uint32{}, acts: map[string]*act{}, byKey: map[string][]*act{}, locale: map[string]uint8{}, variants: map[string][]uint32{}}
	for i, tag := range s.Locales {
		c.locale[tag] = uint8(i)
	}
	return c
}

// put fills a slot.
func (c *columns) put(slot uint32, d *search.Document) {
	for int(slot) >= len(c.rows) {
		c.rows, c.hot, c.folded = append(c.rows, row{}), append(c.hot, hot{}), append(c.folded, "")
	}
	c.remove(slot)
	r := row{
		id: d.ID, document: d.Document, version: d.Version, slug: d.Slug, title: d.Title,
		points: d.Points, published: d.Published.UnixMilli(), updated: d.Updated.UnixMilli(), acts: d.Acts,
	}
	h := hot{locale: c.locale[d.Locale], boost: float32(c.settings.Boosts[d.Type]), first: uint32(len(c.arena))}
	if h.boost == 0 {
		h.boost = 1
	}
	for _, tag := range append([]string{d.Locale}, d.Locales...) {
		if i, ok := c.locale[tag]; ok {
			h.locales |= 1 << i
		}
	}
	r.begins, r.ends = r.published, r.published
	if !d.From.IsZero() {
		r.begins = d.From.UnixMilli()
		r.ends = r.begins
	}
	if !d.To.IsZero() {
		r.ends = d.To.UnixMilli() - 1
	}
	for i, facet := range c.settings.Facets {
		for _, v := range d.Values(facet) {
			id := c.valueID(value{facet, v}, uint8(i))
			if facet == search.FacetType {
				r.typ = id
			}
			if !slices.Contains(c.arena[h.first:], id) && h.many < math.MaxUint16 {
				c.arena = append(c.arena, id)
				h.many++
			}
		}
	}
	for _, name := range c.settings.Keys {
		r.keys = append(r.keys, d.Keys[name])
	}
	for _, a := range d.Acts {
		known := c.acts[a.Identifier]
		if known == nil {
			known = &act{Act: a, folded: search.Fold(a.Label + " " + a.Key())}
			c.acts[a.Identifier] = known
			if key := a.Key(); key != "" {
				c.byKey[key] = append(c.byKey[key], known)
			}
		}
		if !slices.Contains(known.slots, slot) {
			known.slots = append(known.slots, slot)
		}
	}
	c.rows[slot], c.hot[slot], c.folded[slot] = r, h, search.Fold(d.Title)
	c.variants[r.document] = append(c.variants[r.document], slot)
	c.live++
	if c.wasted > len(c.arena)/2 && c.wasted > 10_000 {
		c.compact()
	}
}

// compact leaves out the values that no document has any more.
func (c *columns) compact() {
	arena := make([]uint32, 0, len(c.arena)-c.wasted)
	for slot := range c.hot {
		h := &c.hot[slot]
		first := uint32(len(arena))
		arena = append(arena, c.valuesOf(*h)...)
		h.first = first
	}
	c.arena, c.wasted = arena, 0
}

func (c *columns) valuesOf(h hot) []uint32 { return c.arena[h.first : h.first+uint32(h.many)] }

func (c *columns) valueID(v value, facet uint8) uint32 {
	id, ok := c.byValue[v]
	if !ok {
		id = uint32(len(c.values))
		c.byValue[v] = id
		c.values, c.facetOf = append(c.values, v), append(c.facetOf, facet)
	}
	return id
}

// remove empties a slot.
func (c *columns) remove(slot uint32) {
	if int(slot) >= len(c.rows) || c.rows[slot].id == "" {
		return
	}
	for _, a := range c.rows[slot].acts {
		if known := c.acts[a.Identifier]; known != nil {
			if i := slices.Index(known.slots, slot); i >= 0 {
				known.slots = slices.Delete(known.slots, i, i+1)
			}
		}
	}
	document := c.rows[slot].document
	if others := slices.DeleteFunc(c.variants[document], func(s uint32) bool { return s == slot }); len(others) > 0 {
		c.variants[document] = others
	} else {
		delete(c.variants, document)
	}
	c.wasted += int(c.hot[slot].many)
	c.rows[slot], c.hot[slot], c.folded[slot] = row{}, hot{}, ""
	c.live--
}

// pass fills base with the slots that pass the filters of a checked query, and
// those of each locale searched.
func (c *columns) pass(q *search.Query, base bitmap.Set, ofLocale []bitmap.Set) {
	// want gives, for each value, the bit of the filter that asks for it.
	var want map[uint32]uint32
	all := uint32(0)
	if len(q.Filters) > 0 {
		want = map[uint32]uint32{}
		for name, values := range q.Filters {
			bit := uint32(1) << bits.OnesCount32(all)
			all |= bit
			for _, v := range values {
				if id, ok := c.byValue[value{name, v}]; ok {
					want[id] |= bit
				}
			}
		}
	}
	var wanted []uint32
	if want != nil {
		wanted = make([]uint32, len(c.values))
		for id, bit := range want {
			wanted[id] = bit
		}
	}
	order := c.order(q.Locales)
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	if !q.To.IsZero() {
		to = q.To.UnixMilli()
	}
	place, dates := q.AsksPlace(), !q.From.IsZero() || !q.To.IsZero()
	test := func(slot int) {
		h := &c.hot[slot]
		asked := answers(h, order)
		if asked < 0 {
			return
		}
		if all != 0 {
			var m uint32
			for _, v := range c.valuesOf(*h) {
				m |= wanted[v]
			}
			if m != all {
				return
			}
		}
		if place || dates {
			r := &c.rows[slot]
			if r.begins >= to || r.ends < from {
				return
			}
			if place {
				if _, ok := nearest(q, r.points); !ok {
					return
				}
			}
		}
		base.Add(uint32(slot))
		ofLocale[asked].Add(uint32(slot))
	}
	if q.Among == nil {
		for slot := range c.hot {
			test(slot)
		}
		return
	}
	for _, document := range q.Among {
		for _, slot := range c.variants[document] {
			test(int(slot))
		}
	}
}

// order gives the numbers of locales.
func (c *columns) order(locales []string) []uint8 {
	out := make([]uint8, len(locales))
	for i, tag := range locales {
		out[i] = c.locale[tag]
	}
	return out
}

// answers gives the locale, of those searched, for which the variant stands: the
// first in which its document is published, if that is its own; otherwise -1.
func answers(h *hot, order []uint8) int {
	for i, l := range order {
		if h.locales&(1<<l) != 0 {
			if l == h.locale {
				return i
			}
			return -1
		}
	}
	return -1
}

// nearest is the distance of the nearest point that passes; false if none does.
func nearest(q *search.Query, points []search.Point) (best float64, found bool) {
	for _, p := range points {
		if q.Box != nil && !q.Box.Contains(p) {
			continue
		}
		if q.Near == nil {
			return 0, true
		}
		// A degree of latitude is 111 km: most points are out of a circle by that
		// alone.
		if q.RadiusMetres > 0 && math.Abs(p.Lat-q.Near.Lat)*111_000 > q.RadiusMetres {
			continue
		}
		d := geo.Metres(*q.Near, p)
		if q.RadiusMetres > 0 && d > q.RadiusMetres {
			continue
		}
		if !found || d < best {
			best, found = d, true
		}
	}
	return best, found
}

// count counts the values of facets over the slots found.
func (c *columns) count(names []string, found bitmap.Set) map[string][]search.Count {
	if len(names) == 0 {
		return nil
	}
	counts := make([]int32, len(c.values))
	found.Each(func(slot uint32) {
		for _, v := range c.valuesOf(c.hot[slot]) {
			counts[v]++
		}
	})
	out := make(map[string][]search.Count, len(names))
	for _, name := range names {
		facet := uint8(slices.Index(c.settings.Facets, name))
		best := top(func(yield func(uint32)) {
			for id, n := range counts {
				if n > 0 && c.facetOf[id] == facet {
					yield(uint32(id))
				}
			}
		}, search.MaxFacetValues, func(a, b uint32) int {
			if counts[a] != counts[b] {
				return int(counts[b] - counts[a])
			}
			return strings.Compare(c.values[a].value, c.values[b].value)
		})
		list := make([]search.Count, len(best))
		for i, id := range best {
			list[i] = search.Count{Value: c.values[id].value, Count: int(counts[id])}
		}
		out[name] = list
	}
	return out
}
