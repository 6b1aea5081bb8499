package catalog

import (
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/bitmap"
	"github.com/prassi-cms/prassi/schemas"
)

// GeoJSON appends a FeatureCollection (RFC 7946) of the places of a query's
// items: one feature for each place that passes near, radius and bbox, newest
// item first. An empty Collection means "services". Sort, Fields, Limit and
// Cursor do not count. Properties are id, slug, title, locale, topics,
// territory, url, label, address and approximate, the last when the point is on
// purpose not exact. Problems are those of List; a collection that is never on
// the map is not found.
func (c *Catalog) GeoJSON(q Query, dst []byte) ([]byte, error) {
	if q.Collection == "" {
		q.Collection = "services"
	}
	q.Sort, q.Fields, q.Limit, q.Cursor = "", nil, 0, ""
	s := c.snap.Load()
	q, part, err := c.normalise(q, s)
	if err != nil {
		return dst, err
	}
	if part.shape.places == nil {
		return dst, &content.Problem{Class: content.NotFound, Code: "not_found", Fields: []schemas.Issue{}}
	}
	work := scratches.Get().(*scratch)
	defer scratches.Put(work)
	work.found = bitmap.Sized(work.found, len(part.items))
	work.tmp = bitmap.Sized(work.tmp, len(part.items))
	part.filter(&q, work)
	part.postings.get(term{kind: termPlace}).keepIn(work.found)
	dst = append(dst, `{"type":"FeatureCollection","features":[`...)
	first := true
	newest := part.orders[0].slots
	for i := len(newest) - 1; i >= 0; i-- {
		if !work.found.Has(newest[i]) {
			continue
		}
		for _, p := range part.items[newest[i]].places {
			if _, ok := q.near(p); !ok {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(dst, p.feature...)
		}
	}
	return append(dst, "]}"...), nil
}
