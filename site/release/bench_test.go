package release

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// 10,000 files of 20 kB that do not look alike, put by two goroutines.
func BenchmarkPut(b *testing.B) {
	const files, size = 10_000, 20_000
	r := rand.New(rand.NewPCG(1, 2))
	pool := make([]byte, files+size)
	for i := range pool {
		pool[i] = byte(r.Uint32())
	}
	b.SetBytes(files * size)
	for b.Loop() {
		b.StopTimer()
		s := open(b, b.TempDir(), Options{})
		b.StartTimer()
		w := s.Begin(nil, Meta{})
		var wg sync.WaitGroup
		for half := range 2 {
			wg.Go(func() {
				for i := half; i < files; i += 2 {
					if err := w.Put(File{Path: fmt.Sprintf("it/news/%d/index.html", i)}, pool[i:i+size]); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		commit(b, w)
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(files*b.N)/b.Elapsed().Seconds(), "files/s")
}

func many(b testing.TB, s *Store, n int) *Build {
	w := s.Begin(nil, Meta{})
	for i := range n {
		if err := w.Put(File{Path: fmt.Sprintf("it/services/a-name-of-some-length-%d/index.html", i), Type: "text/html; charset=utf-8", Inputs: Digest{byte(i)}}, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
	return commit(b, w)
}

func BenchmarkKeep(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	base := many(b, s, 100_000)
	var files []*File
	for f := range base.Files() {
		files = append(files, f)
	}
	b.ResetTimer()
	for b.Loop() {
		w := s.Begin(base, Meta{})
		for _, f := range files {
			w.Keep(f)
		}
		w.Abort()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/file")
}

// One page of 100,000 is another: the commit alone, made durable.
func BenchmarkCommitOne(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	base := many(b, s, 100_000)
	n := 0
	for b.Loop() {
		b.StopTimer()
		w := s.Begin(base, Meta{})
		for i := range w.kept {
			w.kept[i].Store(true)
		}
		n++
		b.StartTimer()
		if err := w.Put(File{Path: "it/services/a-name-of-some-length-777/index.html", Type: "text/html"}, fmt.Append(nil, n)); err != nil {
			b.Fatal(err)
		}
		base = commit(b, w)
	}
}

func BenchmarkFile(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	base := many(b, s, 100_000)
	for b.Loop() {
		if _, ok := base.File("it/services/a-name-of-some-length-777/index.html"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkRead(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	w := s.Begin(nil, Meta{})
	if err := w.Put(File{Path: "x"}, make([]byte, 20_000)); err != nil {
		b.Fatal(err)
	}
	base := commit(b, w)
	f, _ := base.File("x")
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = base.Read(buf[:0], f.Hash, Identity); err != nil {
			b.Fatal(err)
		}
	}
}

// A folder with a build of 100,000 files is opened.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Options{})
	many(b, s, 100_000)
	s.Close()
	for b.Loop() {
		s, err := Open(dir, Options{})
		if err != nil || s.Current().Len() != 100_000 {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}

// A build of 100,000 files is put back in place of another one.
func BenchmarkRestore(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	first := many(b, s, 100_000).ID()
	second := publish(b, s, site{"x": "y"}).ID()
	for b.Loop() {
		if _, err := s.Restore(first); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if _, err := s.Restore(second); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
