package bleveindex_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/searchtest"
)

// The sizes that the figures of the decision record are for.
const services, articles = 20_000, 30_000

// BenchmarkPortal builds one index and reports, in milliseconds, what 99 of 100
// questions of each kind stay below. It needs the texts of ../shared/data.
func BenchmarkPortal(b *testing.B) {
	corpus, err := searchtest.ReadCorpus("../../../shared/data")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if kept := os.Getenv("PRASSI_BENCH_INDEX"); kept != "" { // for profiles: an index made before
		dir = kept
	}
	x := open(b, dir, searchtest.Settings(b))
	ctx := context.Background()
	if n, _ := x.Count(ctx); n == 0 {
		start := time.Now()
		if err := x.Rebuild(ctx, 1, corpus.Documents(services, articles)); err != nil {
			b.Fatal(err)
		}
		b.Logf("rebuild %v", time.Since(start))
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
		before := heap()
		start = time.Now()
		x = open(b, dir, searchtest.Settings(b))
		b.Logf("open %v, %d MB of memory", time.Since(start), (heap()-before)>>20)
	}
	defer x.Close()
	for _, kind := range []struct {
		name string
		ask  func(*rand.Rand) error
	}{
		{"typo and two facets", func(r *rand.Rand) error {
			_, err := x.Search(ctx, search.Query{Text: corpus.Query(r, "it", true), Locale: "it", Facets: []string{"territory", "topic"}})
			return err
		}},
		{"two facets", func(r *rand.Rand) error {
			_, err := x.Search(ctx, search.Query{Text: corpus.Query(r, "it", false), Locale: "it", Facets: []string{"territory", "topic"}})
			return err
		}},
		{"two languages", func(r *rand.Rand) error {
			_, err := x.Search(ctx, search.Query{Text: corpus.Query(r, "en", true), Locale: "en", Locales: []string{"en", "it"}, Facets: []string{"territory", "topic"}})
			return err
		}},
		{"phrase", func(r *rand.Rand) error {
			_, err := x.Search(ctx, search.Query{Text: `"` + corpus.Word(r, "it") + " " + corpus.Word(r, "it") + `"`, Locale: "it"})
			return err
		}},
		{"suggestion", func(r *rand.Rand) error {
			_, err := x.Suggest(ctx, search.SuggestQuery{Text: corpus.Title(r, services), Locale: "it", Locales: []string{"it", "en"}})
			return err
		}},
		{"near a point", func(r *rand.Rand) error {
			p := corpus.Place(r)
			_, err := x.Search(ctx, search.Query{
				Locale: "it", Near: &p, RadiusMetres: 50_000, Sort: search.SortDistance,
				Filters: map[string][]string{"language": {"ar", "bn"}, "type": {"service"}}, Facets: []string{"topic"},
			})
			return err
		}},
		{"near a point, with words", func(r *rand.Rand) error {
			p := corpus.Place(r)
			_, err := x.Search(ctx, search.Query{
				Text: corpus.Query(r, "it", false), Locale: "it", Near: &p, RadiusMetres: 50_000,
				Filters: map[string][]string{"type": {"service"}}, Facets: []string{"topic"},
			})
			return err
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(7, 7))
			var times []time.Duration
			used := processorTime(b)
			for b.Loop() {
				start := time.Now()
				if err := kind.ask(r); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			used = processorTime(b) - used
			slices.Sort(times)
			at := func(p float64) float64 { return float64(times[int(p*float64(len(times)-1))].Microseconds()) / 1000 }
			b.ReportMetric(at(0.5), "ms/p50")
			b.ReportMetric(at(0.99), "ms/p99")
			b.ReportMetric(float64(used.Microseconds())/1000/float64(len(times)), "cpu-ms")
		})
	}
	b.Run("change", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			if err := x.Apply(ctx, search.Batch{Put: []search.Document{corpus.Document(n, true)}, Position: int64(n)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// processorTime is what this process has used of the processors, which a busy
// machine does not stretch as it does the clock's time.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
