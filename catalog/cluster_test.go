package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
)

// feature is a GeoJSON feature as a reader sees it.
type feature struct {
	Type     string
	Geometry struct {
		Type        string
		Coordinates [2]float64
	}
	Properties struct {
		ID               string
		Label            string
		Approximate      bool
		Sensitive        bool
		Cluster          bool
		Count            int
		Bbox             [4]float64
		ExpansionZoom    int `json:"expansion_zoom"`
		ApproximateCount int `json:"approximate_count"`
	}
}

func (f feature) at() Point {
	return Point{Lat: f.Geometry.Coordinates[1], Lon: f.Geometry.Coordinates[0]}
}

func (f feature) box() *BBox {
	b := f.Properties.Bbox
	return &BBox{West: b[0], South: b[1], East: b[2], North: b[3]}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func featuresOf(t fataler, b []byte, err error) []feature {
	t.Helper()
	var c struct {
		Type     string
		Features []feature
	}
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.Type != "FeatureCollection" || c.Features == nil {
		t.Fatalf("%v in %.300s", err, b)
	}
	return c.Features
}

// scattered is a map of services all over the world, many of them in Italy, some
// on one spot and some at the antimeridian.
func scattered(t testing.TB) (*world, *Catalog) {
	w := newWorld(t)
	w.bulk = true
	at := func(i int) (lat, lon float64) {
		switch i % 5 {
		case 0: // one spot
			return 43.88, 11.09
		case 1: // a street
			return 43.88 + float64(i)*1e-5, 11.09
		case 2:
			return 38 + float64(i*7%80)/10, 8 + float64(i*13%90)/10
		case 3: // either side of the antimeridian
			return float64(i%40) - 20, []float64{179.9, -179.9, 180, -180}[i%4] * (1 - float64(i%9)*1e-6)
		}
		return float64(i*37%181) - 90, float64(i*91%361) - 180
	}
	for i := range 300 {
		lat, lon := at(i)
		places := []any{values{"lat": lat, "lon": lon, "approximate": i%3 == 0, "label": fmt.Sprint(i)}}
		if i%10 == 0 { // a second place
			lat, lon = at(i + 2)
			places = append(places, values{"lat": lat, "lon": lon, "label": fmt.Sprint(i, " b")})
		}
		w.publish("service", fmt.Sprintf("s%03d", i), []string{"it", "en"}[i%2], fmt.Sprint("s-", i), values{"title": fmt.Sprint("S ", i), "topics": []string{someTopics[i%3]}, "places": places})
	}
	w.bulk = false
	w.flush()
	return w, w.open(t.TempDir())
}

func TestClusters(t *testing.T) {
	_, c := scattered(t)
	clustered := 0
	rapid.Check(t, func(t *rapid.T) {
		q := Query{}
		if rapid.Bool().Draw(t, "some topic") {
			q.Topic = []string{rapid.SampledFrom(someTopics[:3]).Draw(t, "topic")}
		}
		if rapid.Bool().Draw(t, "boxed") {
			q.BBox = &BBox{
				West: rapid.Float64Range(-180, 180).Draw(t, "west"), East: rapid.Float64Range(-180, 180).Draw(t, "east"),
				South: rapid.Float64Range(-90, 45).Draw(t, "south"), North: rapid.Float64Range(43, 90).Draw(t, "north"),
			}
			q.BBox.North = max(q.BBox.North, q.BBox.South)
		}
		if rapid.Bool().Draw(t, "near") {
			q.Near, q.RadiusMetres = &Point{Lat: 43.88, Lon: 11.09}, rapid.Float64Range(1, 1e7).Draw(t, "radius")
		}
		zoom := rapid.IntRange(0, MaxZoom).Draw(t, "zoom")
		raw, err := c.GeoJSON(q, nil)
		points := featuresOf(t, raw, err)
		drawn, err := c.Clusters(q, zoom, nil)
		features := featuresOf(t, drawn, err)
		if again, err := c.Clusters(q, zoom, []byte("x")); err != nil || string(again) != "x"+string(drawn) {
			t.Fatalf("drawn twice: %v", err)
		}
		if zoom >= PointsZoom && string(drawn) != string(raw) {
			t.Fatal("points do not stand alone")
		}
		// Each point is in one feature: its own, or the cluster of its cell.
		type cell struct{ x, y uint32 }
		in := func(p Point) cell {
			x, y := mercator(p.Lat, p.Lon)
			return cell{x >> (worldBits - cellBits - zoom), y >> (worldBits - cellBits - zoom)}
		}
		members := map[cell][]feature{}
		for _, p := range points {
			if q.BBox != nil && !q.BBox.Contains(p.at()) {
				t.Fatalf("%v is outside of the box", p)
			}
			members[in(p.at())] = append(members[in(p.at())], p)
		}
		sum := 0
		for _, f := range features {
			if !f.Properties.Cluster {
				sum++
				if zoom < PointsZoom && (len(members[in(f.at())]) != 1 || members[in(f.at())][0] != f) {
					t.Fatalf("%+v is not alone, or not a point", f)
				}
				continue
			}
			clustered++
			sum += f.Properties.Count
			corner := Point{Lat: f.box().South, Lon: f.box().West}
			own := members[in(corner)]
			if len(own) != f.Properties.Count || len(own) < 2 {
				t.Fatalf("%+v holds %d points", f, len(own))
			}
			vague := 0
			west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
			for _, p := range own {
				if !f.box().Contains(p.at()) {
					t.Fatalf("%v is not in the box of %+v", p.at(), f)
				}
				west, east, south, north = min(west, p.at().Lon), max(east, p.at().Lon), min(south, p.at().Lat), max(north, p.at().Lat)
				if p.Properties.Approximate {
					vague++
				}
			}
			if f.Properties.Bbox != [4]float64{west, south, east, north} || !f.box().Contains(f.at()) || vague != f.Properties.ApproximateCount {
				t.Fatalf("%+v", f)
			}
			expand := f.Properties.ExpansionZoom
			if expand <= zoom || expand > PointsZoom {
				t.Fatalf("it opens at %d, drawn at %d", expand, zoom)
			}
			apart := func(zoom int) bool {
				x, y := mercator(own[0].at().Lat, own[0].at().Lon)
				shift := worldBits - cellBits - zoom
				return zoom >= PointsZoom || slices.ContainsFunc(own, func(p feature) bool {
					x2, y2 := mercator(p.at().Lat, p.at().Lon)
					return x>>shift != x2>>shift || y>>shift != y2>>shift
				})
			}
			if !apart(expand) || apart(expand-1) {
				t.Fatalf("it does not come apart at %d", expand)
			}
		}
		if sum != len(points) {
			t.Fatalf("%d points are drawn, there are %d", sum, len(points))
		}
	})
	if clustered == 0 {
		t.Error("no cluster was drawn")
	}
}

// A cluster is the same in every box that holds it whole.
func TestClustersStayWhenTheMapMoves(t *testing.T) {
	_, c := scattered(t)
	drawn := func(q Query) map[string]bool {
		b, err := c.Clusters(q, 6, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, f := range strings.SplitAfter(strings.TrimSuffix(strings.TrimPrefix(string(b), mapHead), mapTail), "}},") {
			out[strings.TrimSuffix(f, ",")] = true
		}
		return out
	}
	all := drawn(Query{})
	// The edges of a cell at this zoom.
	part := drawn(Query{BBox: &BBox{West: 360.0/256*6 + 1e-9, East: 360.0/256*12 - 1e-9, South: -90, North: 90}})
	if len(part) < 3 {
		t.Fatalf("%v", part)
	}
	for f := range part {
		if !all[f] {
			t.Errorf("only in the box: %s", f)
		}
	}
}

func TestMapAcrossTheDateLine(t *testing.T) {
	_, c := scattered(t)
	count := func(b *BBox) int {
		t.Helper()
		raw, err := c.GeoJSON(Query{BBox: b}, nil)
		return len(featuresOf(t, raw, err))
	}
	across := count(&BBox{West: 179.5, East: -179.5, South: -90, North: 90})
	east, west := count(&BBox{West: 179.5, East: 180, South: -90, North: 90}), count(&BBox{West: -180, East: -179.5, South: -90, North: 90})
	if across == 0 || east == 0 || west == 0 || across != east+west {
		t.Errorf("%d across, %d east and %d west", across, east, west)
	}
	if all := count(&BBox{West: -180, East: 180, South: -90, North: 90}); all != count(nil) {
		t.Errorf("the whole world holds %d", all)
	}
}

func TestMapRefuses(t *testing.T) {
	_, c := scattered(t)
	var problem *content.Problem
	for _, zoom := range []int{-1, MaxZoom + 1, math.MaxInt, math.MinInt} {
		if _, err := c.Clusters(Query{}, zoom, nil); !errors.As(err, &problem) || problem.Fields[0].Path != "/zoom" || problem.Fields[0].Code != "out_of_range" {
			t.Errorf("%d: %v", zoom, err)
		}
	}
	if _, err := c.Clusters(Query{Collection: "articles"}, 3, nil); !errors.As(err, &problem) || problem.Class != content.NotFound {
		t.Errorf("articles: %v", err)
	}
	for path, q := range map[string]Query{
		"/bbox:out_of_range":   {BBox: &BBox{West: 0, South: 0, East: 0, North: 90.1}},
		"/bbox:out_of_range#2": {BBox: &BBox{West: math.NaN()}},
		"/bbox:out_of_range#3": {BBox: &BBox{East: math.Inf(1)}},
		"/bbox:wrong_order":    {BBox: &BBox{South: 1}},
		"/near:out_of_range":   {Near: &Point{Lat: -91}},
		"/near:out_of_range#2": {Near: &Point{Lon: math.NaN()}},
		"/radius:out_of_range": {Near: &Point{}, RadiusMetres: 3e7},
	} {
		_, err := c.Clusters(q, 3, nil)
		want, _, _ := strings.Cut(path, "#")
		if !errors.As(err, &problem) || problem.Fields[0].Path+":"+problem.Fields[0].Code != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestMercator(t *testing.T) {
	const size = 1 << worldBits
	for _, c := range []struct {
		lat, lon float64
		x, y     uint32
	}{
		{0, 0, size / 2, size / 2}, {90, -180, 0, 0}, {-90, 180, size - 1, size - 1}, {85.05112877980659, 0, size / 2, 0}, {0, 90, size / 4 * 3, size / 2},
	} {
		x, y := mercator(c.lat, c.lon)
		near := func(a, b uint32) bool { return max(a, b)-min(a, b) <= 1 }
		if !near(x, c.x) || !near(y, c.y) {
			t.Errorf("%v, %v is at %d, %d, want %d, %d", c.lat, c.lon, x, y, c.x, c.y)
		}
	}
	// OpenStreetMap's tile of Rome at zoom 10 is 547/380.
	if x, y := mercator(41.9028, 12.4964); x>>(worldBits-10) != 547 || y>>(worldBits-10) != 380 {
		t.Errorf("Rome is at %d/%d", x>>(worldBits-10), y>>(worldBits-10))
	}
}

// The tag says when the map has changed, and only then.
func TestSelectionTag(t *testing.T) {
	w, c := scattered(t)
	tag := func(q Query) string {
		t.Helper()
		m, err := c.Map(q)
		if err != nil {
			t.Fatal(err)
		}
		return m.ETag()
	}
	all, work := tag(Query{}), tag(Query{Topic: []string{"work"}})
	if all == work || tag(Query{}) != all {
		t.Error("tags do not tell")
	}
	w.publish("article", "a", "it", "a", values{"title": "A", "body": "x"})
	w.catchUp(c)
	if tag(Query{}) != all {
		t.Error("it changes with what is not on the map")
	}
	w.publish("service", "s000", "it", "s-0", values{"title": "Nuovo", "topics": []string{"italian-language"}, "places": []any{values{"lat": 45.0, "lon": 9.0}}})
	w.catchUp(c)
	if tag(Query{}) == all || tag(Query{Topic: []string{"work"}}) != work {
		t.Error("a changed item must change the tags of what shows it")
	}
}
