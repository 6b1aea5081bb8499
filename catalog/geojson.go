package catalog

import (
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// GeoJSON appends a FeatureCollection (RFC 7946) of the places of a query's
// items: one feature for each place that passes near, radius and bbox, newest
// item first. An empty Collection means "services". Sort, Fields, Limit and
// Cursor do not count. Properties are id, slug, title, locale, topics,
// territory, url, label, address, assurance, approximate, when the point is not
// exact, and sensitive, when that is on purpose. Problems are those of List; a
// collection that is never on the map is not found.
func (c *Catalog) GeoJSON(q Query, dst []byte) ([]byte, error) {
	m, err := c.Map(q)
	if err != nil {
		return dst, err
	}
	return m.AppendPoints(dst), nil
}

// Clusters appends the map of a query as it is drawn at a zoom: see
// Map.AppendClusters. Problems are those of GeoJSON, and out_of_range for a zoom
// that is not from 0 to MaxZoom.
func (c *Catalog) Clusters(q Query, zoom int, dst []byte) ([]byte, error) {
	if zoom < 0 || zoom > MaxZoom {
		var bad fault
		bad.add("zoom", schemas.CodeOutOfRange, map[string]any{"min": 0, "max": MaxZoom})
		return dst, bad.problem()
	}
	m, err := c.Map(q)
	if err != nil {
		return dst, err
	}
	return m.AppendClusters(dst, zoom), nil
}

// Map is what a query finds of a collection that has places, whole, at one
// moment.
type Map struct {
	Selection
}

// Map finds what belongs on a map. Its problems are those of GeoJSON.
func (c *Catalog) Map(q Query) (Map, error) {
	if q.Collection == "" {
		q.Collection = "services"
	}
	if !c.OnMap(q.Collection) {
		return Map{}, &content.Problem{Class: content.NotFound, Code: "not_found", Fields: []schemas.Issue{}}
	}
	s, err := c.choose(q, true)
	return Map{s}, err
}

// places calls f with every place on the map, newest item first.
func (m *Map) places(f func(p *place)) {
	for _, v := range m.items {
		for i := range v.places {
			if _, ok := m.q.near(&v.places[i]); ok {
				f(&v.places[i])
			}
		}
	}
}

// AppendPoints appends the FeatureCollection of GeoJSON.
func (m *Map) AppendPoints(dst []byte) []byte {
	size := len(dst) + 64
	m.places(func(p *place) { size += len(p.feature) + 1 })
	if cap(dst) < size {
		dst = append(make([]byte, 0, size), dst...)
	}
	dst = append(dst, mapHead...)
	first := true
	m.places(func(p *place) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, p.feature...)
	})
	return append(dst, mapTail...)
}

const (
	mapHead = `{"type":"FeatureCollection","features":[`
	mapTail = `]}`
)
