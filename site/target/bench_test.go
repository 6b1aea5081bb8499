package target

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/site/release"
)

// A site of 10,000 pages of 20 kB in folders of their own: the first time, and when
// one page changed.
func BenchmarkFolder(b *testing.B) {
	s, err := release.Open(b.TempDir(), release.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const pages = 10_000
	one := func(n int) *release.Build {
		w := s.Begin(s.Current(), release.Meta{})
		for i := range pages {
			text := strings.Repeat(fmt.Sprint("page ", i, " "), 2000)
			if i == 0 {
				text += fmt.Sprint(n)
			}
			if err := w.Put(release.File{Path: fmt.Sprintf("it/news/%d/index.html", i), Type: "text/html"}, []byte(text)); err != nil {
				b.Fatal(err)
			}
		}
		build, err := w.Commit(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		return build
	}
	for _, way := range []string{"exchanged", "in place"} {
		build := one(0)
		b.Run(way+"/full", func(b *testing.B) {
			for b.Loop() {
				to, err := Open(b.Context(), filepath.Join(b.TempDir(), "site"), ways[way])
				if err != nil {
					b.Fatal(err)
				}
				if r, err := to.Publish(b.Context(), build, nil); err != nil || r.Written != pages {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(float64(pages*b.N)/b.Elapsed().Seconds(), "files/s")
		})
		b.Run(way+"/one", func(b *testing.B) {
			to, err := Open(b.Context(), filepath.Join(b.TempDir(), "site"), ways[way])
			if err != nil {
				b.Fatal(err)
			}
			if _, err := to.Publish(b.Context(), build, nil); err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				b.StopTimer()
				n++
				next := one(n)
				b.StartTimer()
				if r, err := to.Publish(b.Context(), next, nil); err != nil || r.Written != 1 {
					b.Fatal(r, err)
				}
			}
		})
	}
}
