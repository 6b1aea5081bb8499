package catalog

import "github.com/prassi-cms/prassi/geo"

// near reports whether a place passes the query's filters, and how far it is.
func (q *Query) near(p *place) (float64, bool) {
	at := Point{Lat: p.lat, Lon: p.lon}
	if q.BBox != nil && !q.BBox.Contains(at) {
		return 0, false
	}
	if q.Near == nil {
		return 0, true
	}
	d := geo.Metres(*q.Near, at)
	return d, q.RadiusMetres == 0 || d <= q.RadiusMetres
}

// nearest is the distance of the nearest place that passes; false when none does.
func (q *Query) nearest(v *variant) (float64, bool) {
	best, found := 0.0, false
	for i := range v.places {
		if d, ok := q.near(&v.places[i]); ok && (!found || d < best) {
			best, found = d, true
		}
	}
	return best, found
}

// asksPlace reports whether the query is about items on the map alone.
func (q *Query) asksPlace() bool {
	return q.BBox != nil || q.RadiusMetres > 0 || q.Sort == byDistance
}
