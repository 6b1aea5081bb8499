package duplicates

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/prassi-cms/prassi/geo"
)

// crowd is a country: so many services of so many organisations in a hundred
// towns, most of them in a few, one in fifty entered twice.
func crowd(services, organisations int) []Subject {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 3000)
	for i := range words {
		b := make([]byte, 5+r.IntN(6))
		for j := range b {
			b[j] = "bcdflmnprstvaeiou"[r.IntN(17)]
		}
		words[i] = string(b)
	}
	kinds := []string{"Sportello", "Corso", "Centro", "Scuola", "Ambulatorio", "Casa", "Ufficio", "Associazione", "Cooperativa", "Mensa"}
	var out []Subject
	add := func(typ, id string) {
		town := int(float64(100) * r.Float64() * r.Float64())
		p := geo.Point{Lat: 38 + float64(town%10)*0.8 + r.NormFloat64()*0.01, Lon: 8 + float64(town/10)*0.9 + r.NormFloat64()*0.01}
		s := Subject{
			ID: id, Type: typ, Names: []string{kinds[r.IntN(len(kinds))] + " " + words[r.IntN(len(words))] + " " + words[r.IntN(60)] + " di città"},
			Phones: []string{fmt.Sprintf("05%02d %06d", r.IntN(99), r.IntN(1_000_000))}, Places: []Place{{Municipality: fmt.Sprintf("%06d", town), At: &p}},
		}
		if r.IntN(5) == 0 {
			s.Places[0].At = nil
		}
		if typ == "service" {
			s.Within = []string{fmt.Sprintf("o%d", r.IntN(organisations))}
		}
		out = append(out, s)
		if r.IntN(50) == 0 {
			s.ID, s.Within = id+"x", nil
			out = append(out, s)
		}
	}
	for i := range services {
		add("service", fmt.Sprintf("s%d", i))
	}
	for i := range organisations {
		add("organization", fmt.Sprintf("o%d", i))
	}
	return out
}

// BenchmarkFinder finds all pairs of a whole country, from nothing.
func BenchmarkFinder(b *testing.B) {
	list := crowd(20_000, 5_000)
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f := &Finder{}
	for b.Loop() {
		f = &Finder{}
		for i := range list {
			f.Put(list[i])
		}
		if len(f.Pairs()) < 400 {
			b.Fatalf("only %d pairs", len(f.Pairs()))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-kept")
	b.ReportMetric(float64(len(f.Pairs())), "pairs")
}

// BenchmarkFinderChange takes one change in, of a whole country.
func BenchmarkFinderChange(b *testing.B) {
	list := crowd(20_000, 5_000)
	f := &Finder{}
	for i := range list {
		f.Put(list[i])
	}
	f.Pairs()
	i := 0
	for b.Loop() {
		f.Put(list[i%len(list)])
		f.Pairs()
		i++
	}
}
