package api

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// mapWorld has ten thousand services on the map of Italy, most of them in towns,
// with words, addresses and dates as real ones have.
func mapWorld(b *testing.B) *world {
	w := newWorld(b)
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"Sportello", "Centro", "ascolto", "immigrati", "Caritas", "donne", "scuola", "italiano", "mediazione", "ambulatorio", "lavoro", "casa", "minori", "legale", "famiglie"}
	some := func(n int) (s string) {
		for range n {
			s += words[r.IntN(len(words))] + " "
		}
		return s
	}
	var towns [500][2]float64
	for i := range towns {
		towns[i] = [2]float64{37 + r.Float64()*9, 8 + r.Float64()*9}
	}
	w.services(10_000, func(i int) map[string]any {
		town := towns[min(r.IntN(len(towns)), r.IntN(len(towns)))]
		return map[string]any{"title": fmt.Sprint(some(4), i), "places": []any{map[string]any{
			"label": some(2), "address": fmt.Sprintf("Via %s%d, %05d", some(2), r.IntN(200), r.IntN(100_000)),
			"lat": town[0] + r.NormFloat64()/50, "lon": town[1] + r.NormFloat64()/50,
		}}}
	})
	return w
}

// BenchmarkMap answers ten thousand points, each time another question, so that
// nothing was kept from the one before: from the request on a real connection to
// the last byte. It reports the 99th percentile, and the median as a multiple of
// that of a handler that only writes the same bytes. cpu-ms is the processors'
// time of server and client together, which a busy machine does not stretch.
func BenchmarkMap(b *testing.B) {
	w := mapWorld(b)
	for _, c := range []struct{ name, query string }{
		{"Clusters", "zoom=6&"}, {"ClustersNear", "zoom=11&"}, {"Points", ""},
	} {
		for _, enc := range []string{"identity", "gzip, br", "zstd"} {
			b.Run(c.name+"/"+strings.TrimSuffix(enc, ", br"), func(b *testing.B) {
				n := 0
				path := func() string { // every box holds every point
					n++
					return fmt.Sprintf("/api/v1/services.geojson?%sbbox=-%d.%06d,-90,180,90", c.query, 100+n/1_000_000, n%1_000_000)
				}
				answer := w.send("", "GET", path(), "", "Accept-Encoding", enc).want(b, 200)
				ceiling := dial(b, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
					out.Header().Set("Content-Type", "application/geo+json")
					out.Header().Set("Content-Length", fmt.Sprint(len(answer.body)))
					_, _ = out.Write(answer.body)
				}))
				mine := dial(b, w.server)
				head := "Accept-Encoding: " + enc + "\r\n"
				var took, bare []time.Duration
				var used time.Duration
				for b.Loop() {
					before := cpuTime(b)
					took = append(took, mine.ask(b, path(), head))
					used += cpuTime(b) - before
					bare = append(bare, ceiling.ask(b, "/", head))
				}
				slices.Sort(took)
				slices.Sort(bare)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(used.Microseconds())/1000/float64(len(took)), "cpu-ms")
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
				b.ReportMetric(float64(bare[len(bare)*99/100].Microseconds())/1000, "ceiling-p99-ms")
				b.ReportMetric(float64(took[len(took)/2])/float64(bare[len(bare)/2]), "ratio")
				b.ReportMetric(float64(len(answer.body)), "bytes")
			})
		}
	}
}

// ask sends a request and gives the time until its last byte.
func (w *wire) ask(b *testing.B, path, head string) time.Duration {
	start := time.Now()
	if _, err := w.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n" + head + "\r\n")); err != nil {
		b.Fatal(err)
	}
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%d %v", res.StatusCode, err)
	}
	return time.Since(start)
}
