package release

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"pgregory.net/rapid"
)

func TestRestore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	want := pages(300)
	first := publish(t, s, want)
	second := publish(t, s, site{"a": "b"})
	back, err := s.Restore(first.ID())
	if err != nil {
		t.Fatal(err)
	}
	check(t, back, want)
	m := back.Meta()
	if s.Current() != back || m.Parent != second.ID() || m.Reason != "restore "+first.ID() || m.Changed != 301 || m.ID <= second.ID() || back.Sum() != first.Sum() {
		t.Errorf("%+v", m)
	}
	if again, err := s.Restore(first.ID()); err != nil || again != back {
		t.Errorf("the same files were restored again: %v", err)
	}
	var unknown *UnknownError
	for _, id := range []string{"", "00000009-00000000", "../" + first.ID()} {
		if _, err := s.Restore(id); !errors.As(err, &unknown) || unknown.ID != id {
			t.Errorf("%q was restored: %v", id, err)
		}
	}
	s.Close()
	s = open(t, dir, Options{})
	check(t, s.Current(), want)
	b, err := s.Build(second.ID())
	if err != nil || s.Current() == b {
		t.Fatal(err)
	}
	check(t, b, site{"a": "b"})
}

// A build of 100,000 files is back in well under a second.
func TestRestoreQuickly(t *testing.T) {
	s := open(t, t.TempDir(), Options{disk: unsynced()})
	first := many(t, s, 100_000).ID()
	publish(t, s, site{"x": "y"})
	quickest := time.Hour
	for range 3 {
		start := time.Now()
		b, err := s.Restore(first)
		if err != nil || b.Len() != 100_000 {
			t.Fatal(err)
		}
		quickest = min(quickest, time.Since(start))
		publish(t, s, site{"x": "y"})
	}
	if quickest > time.Second {
		t.Errorf("it took %v", quickest)
	}
}

// Diff says what a comparison of all files says.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t, t.TempDir(), Options{disk: unsynced()})
		defer s.Close()
		states := rapid.SliceOfN(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b/c", "d.html", "e/f/g", "h"}), rapid.SampledFrom([]string{"1", "2"}), 0, 5), 2, 2).Draw(rt, "states")
		var ids [2]string
		for i, want := range states {
			ids[i] = publish(rt, s, want).ID()
		}
		got, err := s.Diff(ids[0], ids[1])
		if err != nil {
			rt.Fatal(err)
		}
		want := map[string]string{}
		for path, content := range states[0] {
			if other, ok := states[1][path]; !ok {
				want[path] = "removed"
			} else if other != content {
				want[path] = "changed"
			}
		}
		for path := range states[1] {
			if _, ok := states[0][path]; !ok {
				want[path] = "added"
			}
		}
		found := map[string]string{}
		for _, d := range got {
			found[d.Path] = d.Kind()
			for f, state := range map[*File]site{d.Before: states[0], d.After: states[1]} {
				if f != nil && int64(len(state[d.Path])) != f.Size {
					rt.Errorf("%+v", f)
				}
			}
		}
		if !maps.Equal(found, want) || !slices.IsSortedFunc(got, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) }) {
			rt.Fatalf("%v, not %v", got, want)
		}
		if _, err := s.Diff(ids[0], "x"); !errors.As(err, new(*UnknownError)) {
			rt.Errorf("an unknown build: %v", err)
		}
	})
}

func unzip(t *testing.T, e Encoding, data []byte) string {
	t.Helper()
	var r io.Reader = brotli.NewReader(bytes.NewReader(data))
	if e == Gzip {
		var err error
		if r, err = gzip.NewReader(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestCompress(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if n, _, err := s.Compress(t.Context(), 2); n != 0 || err != nil {
		t.Errorf("nothing was compressed: %d, %v", n, err)
	}
	text := strings.Repeat("la pratica è buona ", 200)
	noise := make([]byte, 4000)
	for i := range noise {
		noise[i] = byte(i * i * 7 / 3 * (i >> 3))
	}
	w := s.Begin(nil, Meta{})
	for path, f := range map[string]struct{ media, content string }{
		"a.html":    {"text/html; charset=utf-8", text},
		"b.html":    {"text/html; charset=utf-8", text}, // the same
		"c.svg":     {"image/svg+xml", text + "c"},
		"d.png":     {"image/png", text + "d"},
		"e.html":    {"text/html", "short"},
		"f.txt":     {"text/plain", randomText(5000)},
		"site.js":   {"text/javascript", text + "js"},
		"g/feed.js": {"application/feed+json", text + "feed"},
	} {
		if err := w.Put(File{Path: path, Type: f.media, Immutable: path == "site.js"}, []byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	b := commit(t, w)
	n, saved, err := s.Compress(t.Context(), 2)
	if n != 4 || saved < 4*3000 || err != nil {
		t.Fatalf("%d files, %d bytes, %v", n, saved, err)
	}
	for range 2 {
		for path, want := range map[string]bool{"a.html": true, "b.html": true, "c.svg": true, "d.png": false, "e.html": false, "f.txt": false, "site.js": true, "g/feed.js": true} {
			f, _ := b.File(path)
			for _, e := range []Encoding{Gzip, Brotli} {
				size, ok := b.Encoded(f.Hash, e)
				if ok != want {
					t.Errorf("%s in encoding %d: %v", path, e, ok)
					continue
				}
				if !ok {
					continue
				}
				data, err := b.Read(nil, f.Hash, e)
				if err != nil || int64(len(data)) != size || size >= f.Size {
					t.Fatalf("%s: %d bytes, %v", path, size, err)
				}
				plain, err := b.Read(nil, f.Hash, Identity)
				if err != nil || unzip(t, e, data) != string(plain) {
					t.Errorf("%s is something else in encoding %d: %v", path, e, err)
				}
			}
		}
		// Nothing is left to do, not even after a new start.
		before := folder(t, dir)
		if n, _, err := s.Compress(t.Context(), 1); n != 0 || err != nil || !maps.Equal(before, folder(t, dir)) {
			t.Errorf("%d files once more: %v", n, err)
		}
		s.Close()
		s = open(t, dir, Options{})
		b = s.Current()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	publish(t, s, site{"x.html": text + "x"})
	if _, _, err := s.Compress(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("it was not cancelled: %v", err)
	}
}

// randomText is text that no compression makes smaller by a tenth.
func randomText(n int) string {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 24)
	}
	return string(b)
}

// Old builds go, their bytes go, and everything else is there still, in every
// encoding.
func TestCollect(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Keep: 3})
	states := []site{}
	for i := range 8 {
		want := site{"still.html": strings.Repeat("the same ", 500)}
		for k := range 20 {
			want[fmt.Sprintf("%d.html", k)] = strings.Repeat(fmt.Sprint(i, k, " "), 1000)
		}
		publish(t, s, want)
		states = append(states, want)
		if _, _, err := s.Compress(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC() // nobody holds the builds before
	before := total(folder(t, dir))
	c, err := s.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := total(folder(t, dir))
	if c.Builds != 5 || c.Packs != 1 || after > before*5/8 || c.Freed < (before-after)*9/10 {
		t.Errorf("%+v, %d bytes became %d", c, before, after)
	}
	for range 2 {
		list := s.Builds()
		if len(list) != 3 {
			t.Fatalf("%v", list)
		}
		for i, m := range list {
			b, err := s.Build(m.ID)
			if err != nil {
				t.Fatal(err)
			}
			check(t, b, states[5+i])
			for f := range b.Files() {
				if data, err := b.Read(nil, f.Hash, Brotli); err != nil || unzip(t, Brotli, data) != states[5+i][f.Path] {
					t.Errorf("%s: %v", f.Path, err)
				}
			}
		}
		if c, err := s.Collect(t.Context()); c != (Collected{}) || err != nil {
			t.Errorf("there was more to collect: %+v, %v", c, err)
		}
		s.Close()
		s = open(t, dir, Options{Keep: 3})
	}
	// What was forgotten can be put again.
	check(t, publish(t, s, states[0]), states[0])
}

// Whoever holds a build reads it to the end, though it was forgotten; then its
// bytes go.
func TestCollectUnderReaders(t *testing.T) {
	s := open(t, t.TempDir(), Options{Keep: 1})
	want := pages(200)
	held := publish(t, s, want)
	publish(t, s, site{"a": "b"})
	if c, err := s.Collect(t.Context()); err != nil || c.Builds != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	check(t, held, want)
	var unknown *UnknownError
	if _, err := s.Restore(held.ID()); !errors.As(err, &unknown) {
		t.Errorf("it can be restored: %v", err)
	}
	f, _ := held.File("it/news/1/index.html")
	runtime.KeepAlive(held)
	held = nil
	for range 10 {
		runtime.GC()
		if _, err := s.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.read(nil, f.Hash, Identity); err != nil {
			check(t, s.Current(), site{"a": "b"})
			return
		}
	}
	t.Error("the bytes of a build that nobody holds are kept")
}

// Readers, writers, compression and collection at once: nobody meets a mix or an
// error.
func TestAllAtOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{Keep: 2})
	state := func(i int) site {
		want := site{"n": fmt.Sprint(i)}
		for k := range 30 {
			want[fmt.Sprintf("%d.html", k)] = strings.Repeat(fmt.Sprint(i/(k+1), k, " "), 300)
		}
		return want
	}
	publish(t, s, state(0))
	done := make(chan struct{})
	var wg sync.WaitGroup
	loop := func(f func() error) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if err := f(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	loop(func() error {
		got, err := contents(s.Current())
		if err == nil {
			var i int
			fmt.Sscan(got["n"], &i)
			if !maps.Equal(got, state(i)) {
				err = fmt.Errorf("a mix in build %d", i)
			}
		}
		return err
	})
	loop(func() error { _, err := s.Collect(t.Context()); return err })
	loop(func() error { _, _, err := s.Compress(t.Context(), 2); return err })
	for i := range 40 {
		publish(t, s, state(i+1))
		if i%10 == 9 {
			if _, err := s.Restore(s.Builds()[0].ID); err != nil && !errors.As(err, new(*UnknownError)) {
				t.Error(err)
			}
		}
	}
	close(done)
	wg.Wait()
}

func TestCheckPath(t *testing.T) {
	for _, good := range []string{"a", "index.html", "it/news/x/index.html", ".well-known/security.txt", "é/漢字.html", "zh-Hans/index.html", "a b", "com0x", "console", "lpt10", ".x", strings.Repeat("a", 240)} {
		if err := CheckPath(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/..", "./a", `a\b`, "a\x00", "a\nb", "a\x7f", "\u202ea", "a\u2028", "a:b", "c:", "a?b", "a*", `"`, "<", "a|b",
		"con", "CON", "nul.txt", "it/Aux/x", "com1", "LPT9.html", "com¹", "con .txt", "conin$", "a.", "a ", "a./b", "a /b", "...", "a\xff",
		strings.Repeat("a", 241), strings.Repeat("a/", 600) + "a", ".prassi", ".prassi/manifest.json", ".PRASSI/x",
	} {
		var err *PathError
		if !errors.As(CheckPath(bad), &err) || err.Reason == "" {
			t.Errorf("%q is a path", bad)
		}
	}
}

// While a build is being made compression waits, but not for ever.
func TestCompressGivesWay(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	w := s.Begin(nil, Meta{})
	if err := w.Put(File{Path: "a.html", Type: "text/html"}, []byte(strings.Repeat("la pratica è buona ", 200))); err != nil {
		t.Fatal(err)
	}
	commit(t, w)
	next := s.Begin(s.Current(), Meta{})
	defer next.Abort()
	began := time.Now()
	if files, _, err := s.Compress(t.Context(), 1); files != 1 || err != nil {
		t.Errorf("%d files, %v", files, err)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("it took %v: it did not wait", took)
	}
}
