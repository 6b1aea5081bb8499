package audit_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

var sink any

// processTime is the processor time that this process has used: a durable write
// mostly waits for the disk, which says nothing of the program.
func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	must(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkChange is one change with its entry on SQLite: two durable writes and
// three reads.
func BenchmarkChange(b *testing.B) {
	for name, engine := range engines {
		b.Run(name, func(b *testing.B) {
			l := audit.New(engine(b)(), nil)
			used := processTime(b)
			for b.Loop() {
				must(b, visit(b.Context(), l, "b"))
			}
			b.ReportMetric(float64((processTime(b)-used).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkTouch is a change of a value without an entry.
func BenchmarkTouch(b *testing.B) {
	l := audit.New(sqlite(b), nil)
	used := processTime(b)
	for b.Loop() {
		_, err := audit.Change(b.Context(), l, "session", "a", content.Actor{}, func(p *person, _ bool) (string, map[string]string, error) {
			p.Visits++
			return "", nil, nil
		})
		must(b, err)
	}
	b.ReportMetric(float64((processTime(b)-used).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkRead(b *testing.B) {
	l := audit.New(sqlite(b), nil)
	must(b, visit(b.Context(), l, "b"))
	for b.Loop() {
		p, err := audit.Read[person](b.Context(), l, "person", "b")
		must(b, err)
		sink = p
	}
}

// BenchmarkVerify is one entry of a chain of a thousand.
func BenchmarkVerify(b *testing.B) {
	const chain = 1000
	l := audit.New(sqlite(b), nil)
	for range chain {
		must(b, visit(b.Context(), l, "b"))
	}
	for b.Loop() {
		clean(b, l)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chain, "ns/entry")
}

// BenchmarkColliding is one change of 64 at once of the same record.
func BenchmarkColliding(b *testing.B) {
	const writers = 64
	l := audit.New(sqlite(b), nil)
	used := processTime(b)
	for b.Loop() {
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				if err := visit(b.Context(), l, "b"); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64((processTime(b)-used).Microseconds())/float64(b.N)/writers, "cpu-µs/op")
}
