package schemas

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestOutlines reads the shapes as a browser does (TopoJSON 1.0, section 2.2):
// every province has one, each ring is closed, and nearly every province's
// central point lies in its own shape and in no other. (The mean of the
// municipalities of a crescent or of an archipelago lies outside.)
func TestOutlines(t *testing.T) {
	if n := len(Outlines()); n > 60_000 {
		t.Errorf("%d bytes are too many for a page", n)
	}
	var doc struct {
		Type      string
		Transform struct{ Scale, Translate [2]float64 }
		Arcs      [][][2]int
		Objects   map[string]struct {
			Geometries []struct {
				Type, ID string
				Arcs     json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(Outlines(), &doc); err != nil || doc.Type != "Topology" {
		t.Fatal(doc.Type, err)
	}
	type point [2]float64
	ring := func(arcs []int) (out []point) {
		for _, i := range arcs {
			back := i < 0
			if back {
				i = ^i
			}
			var line []point
			x, y := 0, 0
			for _, d := range doc.Arcs[i] {
				x, y = x+d[0], y+d[1]
				line = append(line, point{
					float64(x)*doc.Transform.Scale[0] + doc.Transform.Translate[0],
					float64(y)*doc.Transform.Scale[1] + doc.Transform.Translate[1],
				})
			}
			if back {
				slices.Reverse(line)
			}
			if len(out) > 0 {
				line = line[1:]
			}
			out = append(out, line...)
		}
		return out
	}
	shapes := map[string][][]point{} // by code: all rings
	for _, g := range doc.Objects["provinces"].Geometries {
		var polygons [][][]int
		var err error
		if g.Type == "Polygon" {
			polygons = make([][][]int, 1)
			err = json.Unmarshal(g.Arcs, &polygons[0])
		} else {
			err = json.Unmarshal(g.Arcs, &polygons)
		}
		if err != nil {
			t.Fatalf("%s: %v", g.ID, err)
		}
		for _, polygon := range polygons {
			for _, arcs := range polygon {
				r := ring(arcs)
				if len(r) < 4 || r[0] != r[len(r)-1] {
					t.Errorf("%s: a ring of %d points is not closed", g.ID, len(r))
				}
				shapes[g.ID] = append(shapes[g.ID], r)
			}
		}
	}
	// Even-odd rule, so that holes are outside.
	inside := func(rings [][]point, p point) (in bool) {
		for _, r := range rings {
			for i := 1; i < len(r); i++ {
				a, b := r[i-1], r[i]
				if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1])+a[0] {
					in = !in
				}
			}
		}
		return in
	}
	provinces := Default().Territories().Provinces()
	own := 0
	for _, territory := range provinces {
		p := point{territory.Lon, territory.Lat}
		if inside(shapes[territory.ISTAT], p) {
			own++
		}
	}
	if len(provinces) != 107 || len(shapes) != len(provinces) || own < len(provinces)-5 {
		t.Errorf("%d provinces, %d shapes, %d points in their own", len(provinces), len(shapes), own)
	}
}
