package interchange

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// cpu is the processor time of this process, which a busy machine does not change.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkImport brings 10,000 items of 3 kB into SQLite, brings them in again
// and writes them out. Each is reported in items a second of the clock and in
// microseconds of processor time an item.
func BenchmarkImport(b *testing.B) {
	const items = 10_000
	fsys := fstest.MapFS{"items.jsonl": &fstest.MapFile{Data: benchLines(items, 3000)}}
	report := func(name string, wall time.Time, used time.Duration) {
		b.ReportMetric(items/time.Since(wall).Seconds(), name+"/s")
		b.ReportMetric(float64((cpu()-used).Microseconds())/items, name+"-cpu-µs")
	}
	for b.Loop() {
		store, err := sqlitestore.Open(context.Background(), filepath.Join(b.TempDir(), "prassi.db"))
		if err != nil {
			b.Fatal(err)
		}
		svc, err := content.New(store, schemas.Default(), content.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{"created", "unchanged"} {
			start, used := time.Now(), cpu()
			p, err := OpenFS(context.Background(), fsys, "bench", Options{Publish: true})
			if err != nil {
				b.Fatal(err)
			}
			sum, err := Import(context.Background(), svc, p, RunOptions{Actor: content.System("import"), Report: io.Discard})
			if err != nil || sum.Created+sum.Unchanged != items {
				b.Fatal(err, fmt.Sprintf("%+v", sum))
			}
			report(name, start, used)
		}
		start, used := time.Now(), cpu()
		if _, err := Export(context.Background(), store, schemas.Default(), filepath.Join(b.TempDir(), "out"), ExportOptions{}); err != nil {
			b.Fatal(err)
		}
		report("exported", start, used)
		store.Close()
	}
}
