package catalog

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// Zooms are those of web maps with tiles of 256 pixels: at zoom 0 the world is
// one tile, and each zoom doubles it.
const (
	// MaxZoom is the largest zoom.
	MaxZoom = 20
	// PointsZoom is the zoom from which every point stands alone.
	PointsZoom = 16
)

// The world in Web Mercator is a square of 2^worldBits units. A cell of the grid
// in which points are clustered is a quarter of a tile wide: 64 pixels.
const (
	worldBits = 30
	cellBits  = 2
)

// mercator gives the place of a point in the square of the world, from the west
// and from the north. Latitudes that the projection does not reach are at its
// edge.
func mercator(lat, lon float64) (x, y uint32) {
	const size, edge = 1 << worldBits, 85.05112877980659
	s := math.Sin(max(-edge, min(edge, lat)) * math.Pi / 180)
	place := func(v float64) uint32 { return uint32(max(0, min(size-1, v*size))) }
	return place(lon/360 + 0.5), place(0.5 - math.Log((1+s)/(1-s))/(4*math.Pi))
}

// AppendClusters appends a FeatureCollection (RFC 7946) of the map as it is drawn
// at a zoom from 0 to MaxZoom. Below PointsZoom, points in one cell of a grid
// over the world are one cluster: a feature at the mean of its points with the
// properties cluster (true), count, bbox ([west, south, east, north] of its
// points), expansion_zoom, the first zoom at which they are apart, and
// approximate_count, how many of the points are not exact. A point that is alone
// in its cell, and every point from PointsZoom on, is a feature of its own. The
// grid is fixed to the world, so a cluster does not change when the map is moved
// (only a box that cuts it does), and none crosses the antimeridian.
func (m *Map) AppendClusters(dst []byte, zoom int) []byte {
	if zoom >= PointsZoom {
		return m.AppendPoints(dst)
	}
	shift := worldBits - cellBits - max(0, zoom)
	width := worldBits - shift // bits of a cell's number, in either direction
	var points []*place
	m.places(func(p *place) { points = append(points, p) })
	// Sorted by cell, then in the order of the places.
	keys := make([]uint64, len(points))
	for i, p := range points {
		keys[i] = (uint64(p.y>>shift)<<width|uint64(p.x>>shift))<<(64-2*width) | uint64(i)
	}
	slices.Sort(keys)
	dst = append(dst, mapHead...)
	var members []*place
	for i := 0; i < len(keys); {
		cell := keys[i] >> (64 - 2*width)
		members = members[:0]
		for ; i < len(keys) && keys[i]>>(64-2*width) == cell; i++ {
			members = append(members, points[keys[i]&(1<<(64-2*width)-1)])
		}
		if dst[len(dst)-1] == '}' {
			dst = append(dst, ',')
		}
		if len(members) == 1 {
			dst = append(dst, members[0].feature...)
		} else {
			dst = appendCluster(dst, members)
		}
	}
	return append(dst, mapTail...)
}

// appendCluster appends the feature of the points of one cell.
func appendCluster(dst []byte, members []*place) []byte {
	first := members[0]
	west, south, east, north := first.lon, first.lat, first.lon, first.lat
	var apart uint32 // bits in which the members' places differ
	var lat, lon float64
	vague := 0
	for _, p := range members {
		west, east = min(west, p.lon), max(east, p.lon)
		south, north = min(south, p.lat), max(north, p.lat)
		apart |= (p.x ^ first.x) | (p.y ^ first.y)
		lat, lon = lat+p.lat, lon+p.lon
		if p.approximate {
			vague++
		}
	}
	n := float64(len(members))
	degrees := func(v float64) { dst = strconv.AppendFloat(dst, v, 'f', -1, 64) }
	dst = append(dst, `{"type":"Feature","geometry":{"type":"Point","coordinates":[`...)
	// Six decimals are a tenth of a metre; sums round, so keep the mean inside.
	degrees(max(west, min(east, math.Round(lon/n*1e6)/1e6)))
	dst = append(dst, ',')
	degrees(max(south, min(north, math.Round(lat/n*1e6)/1e6)))
	dst = append(dst, `]},"properties":{"cluster":true,"count":`...)
	dst = strconv.AppendInt(dst, int64(len(members)), 10)
	dst = append(dst, `,"bbox":[`...)
	for i, v := range [...]float64{west, south, east, north} {
		if i > 0 {
			dst = append(dst, ',')
		}
		degrees(v)
	}
	dst = append(dst, `],"expansion_zoom":`...)
	dst = strconv.AppendInt(dst, int64(expansionZoom(apart)), 10)
	if vague > 0 {
		dst = append(dst, `,"approximate_count":`...)
		dst = strconv.AppendInt(dst, int64(vague), 10)
	}
	return append(dst, "}}"...)
}

// expansionZoom is the first zoom at which places that differ in these bits are
// in different cells; at the latest that at which all points stand alone.
func expansionZoom(apart uint32) int {
	return min(PointsZoom, worldBits-cellBits-bits.Len32(apart)+1)
}
