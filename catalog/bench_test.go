package catalog

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const benchItems = 10_000

// bench is made once: a store of 10,000 published items of 3 kB, 70 of them
// practices of Milan about work, and the folder of a catalogue of it.
var bench struct {
	once sync.Once
	w    *world
	dirs []string
	dir  string
	c    *Catalog
}

func benchCatalog(b *testing.B) *Catalog {
	b.Helper()
	bench.once.Do(func() {
		dir := benchTB{b}.TempDir()
		w := newWorld(benchTB{b})
		w.bulk = true
		provinces := w.reg.Territories().Provinces()
		topics := []string{"italian-language", "networks", "multilevel-governance", "women", "work-inclusion", "culture-sport", "schools-minors"}
		paragraph := "Il progetto accompagna le famiglie arrivate da poco nella **scoperta dei servizi** del quartiere: lo sportello, la scuola, il medico. Ogni settimana un gruppo di volontari si incontra con i mediatori, ai sensi dell'art. 5, comma 2, del D.Lgs. 25 luglio 1998, n. 286, e prepara un percorso su misura.\n\n"
		for i := range 20 {
			w.publish("organization", fmt.Sprint("org", i), "it", fmt.Sprint("ente-", i), values{"title": fmt.Sprint("Ente ", i), "organization_type": "cooperative"})
		}
		for i := range benchItems - 20 {
			typ := []string{"practice", "practice", "practice", "article", "news", "service"}[i%6]
			topic := topics[i/6%len(topics)]
			if typ == "service" {
				topic = "italian-language"
			}
			fields := values{
				"title": fmt.Sprintf("Accoglienza e lavoro nel quartiere %d", i), "summary": strings.Repeat("Una rete di famiglie e scuole accompagna chi arriva. ", 3),
				"territories": []string{provinces[i/42%len(provinces)].Acronym, provinces[(i/42+1+i%50)%len(provinces)].Acronym}, "topics": []string{topic}, "organization": fmt.Sprint("org", i%20),
			}
			head := fmt.Sprintf("## Capitolo %d\n\n", i)
			if typ == "practice" {
				fields["issue"], fields["results"], fields["people_reached"] = head+strings.Repeat(paragraph, 5), strings.Repeat(paragraph, 4), i%500
			} else {
				fields["body"] = head + strings.Repeat(paragraph, 9)
			}
			w.publish(typ, fmt.Sprintf("doc%05d", i), "it", fmt.Sprintf("quartiere-%d", i), fields)
		}
		w.bulk = false
		w.flush()
		bench.w, bench.dir = w, dir
		bench.c = w.open(dir)
	})
	if bench.c == nil {
		b.Fatal("the benchmark's catalogue could not be made")
	}
	return bench.c
}

// benchTB keeps what the first benchmark makes for those after it; the process
// ends with the last.
type benchTB struct{ *testing.B }

func (benchTB) Cleanup(func()) {}

func (b benchTB) TempDir() string {
	dir, err := os.MkdirTemp("", "catalog-bench")
	if err != nil {
		b.Fatal(err)
	}
	bench.dirs = append(bench.dirs, dir)
	return dir
}

// TestMain removes what the benchmarks share.
func TestMain(m *testing.M) {
	code := m.Run()
	if bench.c != nil {
		bench.c.Close()
	}
	if bench.w != nil {
		bench.w.store.Close()
	}
	for _, dir := range bench.dirs {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// cpu is the time that all threads of the process have used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the memory of the process in MB, as the system counts it.
func resident() float64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return n / 1024
		}
	}
	return 0
}

func BenchmarkGet(b *testing.B) {
	c := benchCatalog(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a := c.Get("practices", "quartiere-1200", "it")
		if a.Outcome != Found {
			b.Fatal("not found")
		}
		if _, err := a.Entry.WriteTo(io.Discard, Identity); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(c.Get("practices", "quartiere-1200", "it").Entry.Len(Identity)), "bytes")
}

// BenchmarkGetTag is what a 304 costs.
func BenchmarkGetTag(b *testing.B) {
	c := benchCatalog(b)
	b.ReportAllocs()
	for b.Loop() {
		if c.Get("practices", "quartiere-1200", "it").Entry.ETag(Brotli) == "" {
			b.Fatal("no tag")
		}
	}
}

func benchmarkList(b *testing.B, q Query) {
	c := benchCatalog(b)
	b.ReportAllocs()
	buf := make([]byte, 0, 256<<10)
	total, size := 0, 0
	for b.Loop() {
		p, err := c.List(q)
		if err != nil {
			b.Fatal(err)
		}
		body, err := p.AppendItems(buf)
		if err != nil {
			b.Fatal(err)
		}
		total, size = p.Total, len(body)
	}
	b.ReportMetric(float64(total), "total")
	b.ReportMetric(float64(size), "bytes")
}

func BenchmarkListKindTerritoryTopic(b *testing.B) {
	benchmarkList(b, Query{Collection: "practices", Locale: "it", Territory: []string{"MI"}, Topic: []string{"women"}})
}

func BenchmarkListAll(b *testing.B) {
	benchmarkList(b, Query{Collection: "practices"})
}

func BenchmarkListWords(b *testing.B) {
	benchmarkList(b, Query{Collection: "practices", Q: "famiglie scuol", Sort: "title"})
}

func BenchmarkApplyOne(b *testing.B) {
	c := benchCatalog(b)
	w := bench.w
	ctx := context.Background()
	b.ReportAllocs()
	publish := func(i int) {
		w.publish("practice", "doc00000", "it", "quartiere-0", values{"title": fmt.Sprint("Nuovo ", i), "issue": strings.Repeat("Testo **forte** del progetto. ", 70), "territories": []string{"MI"}})
	}
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		publish(i)
		b.StartTimer()
		if err := c.CatchUp(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSnapshot is the part of a publication that grows with the catalogue:
// the next snapshot with one document replaced.
func BenchmarkSnapshot(b *testing.B) {
	c := benchCatalog(b)
	b.ReportAllocs()
	s := c.snap.Load()
	r := s.docs.get("doc00600")
	for b.Loop() {
		again, err := decodeRecord(metaOf(r), r.payloadSize())
		if err != nil {
			b.Fatal(err)
		}
		again.collection = r.collection
		t := s.begin()
		t.put(again)
		t.finish(s.cursor)
	}
}

func metaOf(r *record) string {
	var e encoder
	r.encode(&e)
	return string(e.b)
}

func BenchmarkOpen10000(b *testing.B) {
	c := benchCatalog(b)
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	bench.c, c = nil, nil
	runtime.GC()
	used := time.Duration(0)
	for b.Loop() {
		if bench.c != nil {
			b.StopTimer()
			bench.c.Close()
			bench.c = nil
			runtime.GC()
			b.StartTimer()
		}
		start := cpu(b)
		bench.c = bench.w.open(bench.dir)
		used += cpu(b) - start
	}
	b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/op")
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MB")
	b.ReportMetric(resident(), "resident-MB")
	b.ReportMetric(float64(bench.c.Stats().Bytes)/(1<<20), "file-MB")
}

func BenchmarkRebuild10000(b *testing.B) {
	c := benchCatalog(b)
	start := cpu(b)
	for b.Loop() {
		if err := c.Rebuild(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu(b)-start).Microseconds())/float64(benchItems*b.N), "cpu-µs/item")
	b.ReportMetric(resident(), "resident-MB")
}
