package catalog

import "math"

// earthRadius is the mean radius of WGS84's ellipsoid, in metres.
const earthRadius = 6_371_008.8

// maxRadius is half of the Earth's circumference, in metres, rounded up.
const maxRadius = 20_100_000

// metres is the distance of two points on a sphere (haversine); at most 0.5 %
// off the ellipsoid's.
func metres(a, b Point) float64 {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	s, t := math.Sin(dLat/2), math.Sin(dLon/2)
	h := s*s + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*t*t
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

// contains reports whether a point is in the box, edges included.
func (b *BBox) contains(p Point) bool {
	if p.Lat < b.South || p.Lat > b.North {
		return false
	}
	if b.West <= b.East {
		return p.Lon >= b.West && p.Lon <= b.East
	}
	return p.Lon >= b.West || p.Lon <= b.East
}

// near reports whether a place passes the query's filters, and how far it is.
func (q *Query) near(p place) (float64, bool) {
	at := Point{p.lat, p.lon}
	if q.BBox != nil && !q.BBox.contains(at) {
		return 0, false
	}
	if q.Near == nil {
		return 0, true
	}
	d := metres(*q.Near, at)
	return d, q.RadiusMetres == 0 || d <= q.RadiusMetres
}

// nearest is the distance of the nearest place that passes; false when none does.
func (q *Query) nearest(v *variant) (float64, bool) {
	best, found := 0.0, false
	for _, p := range v.places {
		if d, ok := q.near(p); ok && (!found || d < best) {
			best, found = d, true
		}
	}
	return best, found
}

// asksPlace reports whether the query is about items on the map alone.
func (q *Query) asksPlace() bool {
	return q.BBox != nil || q.RadiusMetres > 0 || q.Sort == byDistance
}
