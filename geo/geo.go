// Package geo is the little geometry on which the catalogue and the search must
// agree: points, boxes, distances, and what a question about places may say.
package geo

import (
	"math"
	"strconv"

	"github.com/prassi-cms/prassi/schemas"
)

// Point is a place on Earth, WGS84 degrees.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lng"`
}

// Box is a bounding box, WGS84 degrees. West greater than East crosses the
// antimeridian (RFC 7946, section 5.2).
type Box struct{ West, South, East, North float64 }

// earthRadius is the mean radius of WGS84's ellipsoid, in metres.
const earthRadius = 6_371_008.8

// MaxRadius is half of the Earth's circumference, in metres, rounded up.
const MaxRadius = 20_100_000

// Metres is the distance of two points on a sphere (haversine); at most 0.5 %
// off the ellipsoid's.
func Metres(a, b Point) float64 {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	s, t := math.Sin(dLat/2), math.Sin(dLon/2)
	h := s*s + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*t*t
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

// Contains reports whether a point is in the box, edges included.
func (b *Box) Contains(p Point) bool {
	if p.Lat < b.South || p.Lat > b.North {
		return false
	}
	if b.West <= b.East {
		return p.Lon >= b.West && p.Lon <= b.East
	}
	return p.Lon >= b.West || p.Lon <= b.East
}

// Check tells bad what is wrong with a circle of so many metres (0: none) and a
// box (nil: none), by the names of the parameters near, radius and bbox.
func Check(near *Point, metres float64, box *Box, bad func(path, code string, params map[string]any)) {
	outside := func(path string, v, limit float64) bool {
		if math.IsNaN(v) || math.Abs(v) > limit {
			bad(path, schemas.CodeOutOfRange, map[string]any{"min": -limit, "max": limit})
			return true
		}
		return false
	}
	if near != nil {
		_ = outside("near", near.Lat, 90) || outside("near", near.Lon, 180)
	}
	switch {
	case metres == 0:
	case math.IsNaN(metres) || metres < 0 || metres > MaxRadius:
		bad("radius", schemas.CodeOutOfRange, map[string]any{"min": 0, "max": MaxRadius})
	case near == nil:
		bad("near", schemas.CodeRequired, map[string]any{"field": "near"})
	}
	if box == nil || outside("bbox", box.West, 180) || outside("bbox", box.East, 180) || outside("bbox", box.South, 90) || outside("bbox", box.North, 90) {
		return
	}
	if box.South > box.North {
		bad("bbox", schemas.CodeWrongOrder, map[string]any{"from": number(box.South), "to": number(box.North)})
	}
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
