package interchange

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// BenchmarkHSDSImport brings 20,000 services of 500 organisations into SQLite,
// published and durable, and finds them unchanged: services a second, and the CPU
// time of all threads for each, which is what to compare on a shared machine.
// Beside it goes what the store alone takes: the same documents through the
// service from memory.
func BenchmarkHSDSImport(b *testing.B) {
	const services, organizations = 20_000, 500
	file := filepath.Join(b.TempDir(), "services.json")
	if err := os.WriteFile(file, []byte(manyServices(services, organizations)), 0o644); err != nil {
		b.Fatal(err)
	}
	open := func(name string) (content.Store, *content.Service) {
		store, err := sqlitestore.Open(context.Background(), filepath.Join(b.TempDir(), name))
		if err != nil {
			b.Fatal(err)
		}
		svc, err := content.New(store, schemas.Default(), content.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return store, svc
	}
	for b.Loop() {
		store, svc := open("prassi.db")
		var created time.Duration
		for _, name := range []string{"created", "unchanged"} {
			start, used := time.Now(), cpu()
			p, err := Open(context.Background(), []string{file}, Options{Publish: true, Store: store})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds(), name+"-scan-s")
			sum, err := Import(context.Background(), svc, p, RunOptions{Actor: content.System("import"), Report: io.Discard})
			p.Close()
			if err != nil || sum.Created+sum.Unchanged != services+organizations {
				b.Fatal(err, sum)
			}
			if name == "created" {
				created = time.Since(start)
			}
			b.ReportMetric(time.Since(start).Seconds(), name+"-s")
			b.ReportMetric(services/time.Since(start).Seconds(), name+"-services/s")
			b.ReportMetric(float64((cpu()-used).Microseconds())/services, name+"-cpu-µs/service")
		}
		store.Close()
		store, svc = open("bare.db")
		p, err := Open(context.Background(), []string{file}, Options{Publish: true})
		if err != nil {
			b.Fatal(err)
		}
		var batches []*Batch
		for batch, err := range p.Batches(context.Background()) {
			if err != nil {
				b.Fatal(err)
			}
			batches = append(batches, batch)
		}
		start, used := time.Now(), cpu()
		for _, batch := range batches {
			if _, err := svc.Import(context.Background(), content.System("import"), batch.Incoming, false); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(created.Seconds()/time.Since(start).Seconds(), "times-the-bare-writes")
		b.ReportMetric(float64((cpu()-used).Microseconds())/services, "bare-cpu-µs/service")
		p.Close()
		store.Close()
	}
}

// BenchmarkHSDSScan reads a file of 200 MB and reports the most memory in use.
func BenchmarkHSDSScan(b *testing.B) {
	for b.Loop() {
		start := time.Now()
		services, most := scanned(b, 200<<20, 0)
		b.ReportMetric(time.Since(start).Seconds(), "s")
		b.ReportMetric(float64(most)/(1<<20), "MiB-heap")
		b.ReportMetric(float64(services), "services")
	}
}
