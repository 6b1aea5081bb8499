package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func open(t testing.TB, dir string, opt Options) *Store {
	t.Helper()
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// failer is a *testing.T, *testing.B or *rapid.T.
type failer interface {
	Helper()
	Fatal(...any)
}

// site is what a build should hold: bytes by path.
type site map[string]string

func (want site) put(t failer, w *Writer) {
	t.Helper()
	for path, content := range want {
		if err := w.Put(File{Path: path, Type: "text/html; charset=utf-8"}, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
}

func commit(t failer, w *Writer) *Build {
	t.Helper()
	b, err := w.Commit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func publish(t failer, s *Store, want site) *Build {
	t.Helper()
	w := s.Begin(s.Current(), Meta{Reason: "test"})
	want.put(t, w)
	return commit(t, w)
}

// contents reads a build whole.
func contents(b *Build) (site, error) {
	got := site{}
	for f := range b.Files() {
		content, err := b.Read(nil, f.Hash, Identity)
		if err != nil {
			return nil, err
		}
		if sha256.Sum256(content) != f.Hash || int64(len(content)) != f.Size {
			return nil, fmt.Errorf("%s has other bytes", f.Path)
		}
		got[f.Path] = string(content)
	}
	return got, nil
}

func check(t testing.TB, b *Build, want site) {
	t.Helper()
	got, err := contents(b)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Fatalf("%d files, not the %d expected", len(got), len(want))
	}
	for path, content := range want {
		f, ok := b.File(path)
		if !ok || f.Size != int64(len(content)) {
			t.Fatalf("%s is not found", path)
		}
	}
	if b.Len() != len(want) {
		t.Fatalf("Len is %d", b.Len())
	}
}

func TestBuilds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if s.Current() != nil || len(s.Builds()) != 0 {
		t.Fatal("a new folder has a build")
	}
	first := publish(t, s, site{"index.html": "one", "it/index.html": "due", "empty.txt": ""})
	check(t, first, site{"index.html": "one", "it/index.html": "due", "empty.txt": ""})
	if _, ok := first.File("it"); ok {
		t.Error("a folder is no file")
	}
	second := publish(t, s, site{"index.html": "one", "it/index.html": "tre", "new.html": "one"})
	check(t, second, site{"index.html": "one", "it/index.html": "tre", "new.html": "one"})
	check(t, first, site{"index.html": "one", "it/index.html": "due", "empty.txt": ""})
	if s.Current() != second || second.Meta().Parent != first.ID() || second.Meta().Changed != 3 || second.Meta().Files != 3 || second.Meta().Bytes != 9 || second.ID() <= first.ID() {
		t.Errorf("%+v", second.Meta())
	}
	if _, err := s.Begin(second, Meta{}).Commit(context.Background()); err != nil { // nothing kept
		t.Fatal(err)
	}
	check(t, s.Current(), site{})

	var locked *LockedError
	if _, err := Open(dir, Options{}); !errors.As(err, &locked) || locked.Dir != dir {
		t.Errorf("a second Open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	check(t, s.Current(), site{})
	if len(s.Builds()) != 3 || s.Builds()[1] != second.Meta() {
		t.Errorf("%+v", s.Builds())
	}
	check(t, publish(t, s, site{"a": "b"}), site{"a": "b"})
}

// All that a File says comes back from the disk.
func TestFileKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	w := s.Begin(nil, Meta{Reason: "r", Cursor: 7, Day: "2026-11-22", Site: "toscana", Fingerprint: "f"})
	want := File{Path: "é/è.html", Type: "text/html", Status: 301, Location: "/x/", Immutable: true, Inputs: Digest{1, 15: 2}}
	if err := w.Put(want, []byte("moved")); err != nil {
		t.Fatal(err)
	}
	meta := commit(t, w).Meta()
	s.Close()
	s = open(t, dir, Options{})
	got, ok := s.Current().File(want.Path)
	want.Hash, want.Size = sha256.Sum256([]byte("moved")), 5
	if !ok || !got.same(&want) {
		t.Errorf("%+v", got)
	}
	if m := s.Current().Meta(); m != meta || m.Cursor != 7 || m.Day != "2026-11-22" || m.Site != "toscana" || m.Fingerprint != "f" {
		t.Errorf("%+v", m)
	}
}

// Any sequence of builds reads as it was put, before and after the folder was
// opened anew; a build made from its base is the one made from nothing.
func TestAnySequence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s, err := Open(dir, Options{disk: unsynced()})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		want := site{}
		for range rapid.IntRange(1, 6).Draw(rt, "builds") {
			base := s.Current()
			w := s.Begin(base, Meta{})
			next := site{}
			for path, content := range want {
				switch rapid.IntRange(0, 5).Draw(rt, "fate") {
				case 0: // gone
				case 1:
					next[path] = content + "x"
				case 2: // put again, the same
					next[path] = content
				default:
					next[path] = content
					f, _ := base.File(path)
					w.Keep(f)
				}
			}
			for range rapid.IntRange(0, 5).Draw(rt, "new") {
				path := fmt.Sprintf("%d/index.html", rapid.IntRange(0, 30).Draw(rt, "path"))
				if _, ok := next[path]; !ok {
					next[path] = rapid.SampledFrom([]string{"", "a", "b", strings.Repeat("c", 9999)}).Draw(rt, "content")
				}
			}
			for path, content := range next {
				if base != nil && want[path] == content {
					if f, ok := base.File(path); ok && w.kept[base.start[f.leaf]+f.pos].Load() {
						continue
					}
				}
				if err := w.Put(File{Path: path, Type: "text/html"}, []byte(content)); err != nil {
					rt.Fatal(err)
				}
			}
			b, err := w.Commit(context.Background())
			if err != nil {
				rt.Fatal(err)
			}
			if base != nil && maps.Equal(want, next) && b != base {
				rt.Fatal("nothing changed and there is a new build")
			}
			want = next
			full := s.Begin(nil, Meta{})
			for path, content := range want {
				if err := full.Put(File{Path: path, Type: "text/html"}, []byte(content)); err != nil {
					rt.Fatal(err)
				}
			}
			again, err := full.Commit(context.Background())
			if err != nil || again.Sum() != b.Sum() || again.Meta().Changed != 0 {
				rt.Fatalf("from nothing: %v", err)
			}
			if rapid.Bool().Draw(rt, "reopen") {
				s.Close()
				if s, err = Open(dir, Options{disk: unsynced()}); err != nil {
					rt.Fatal(err)
				}
			}
			if got, err := contents(s.Current()); err != nil || !maps.Equal(got, want) {
				rt.Fatalf("%v, not %v: %v", got, want, err)
			}
		}
	})
}

func TestRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	base := publish(t, s, site{"a": "1", "b": "2"})
	w := s.Begin(base, Meta{})
	var bad *PathError
	if err := w.Put(File{Path: "../x"}, nil); !errors.As(err, &bad) {
		t.Errorf("a path that leads out: %v", err)
	}
	if err := w.Put(File{Path: "c"}, []byte("3")); err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{"3", "4"} {
		if err := w.Put(File{Path: "c"}, []byte(again)); err == nil {
			t.Error("one path was put twice")
		}
	}
	w.Keep(&File{Path: "d"})
	if _, err := w.Commit(context.Background()); err == nil || !strings.Contains(err.Error(), "d cannot be kept") {
		t.Errorf("a file that the base has not was kept: %v", err)
	}
	if _, err := w.Commit(context.Background()); err == nil {
		t.Error("committed twice")
	}
	if err := w.Put(File{Path: "e"}, nil); err == nil {
		t.Error("put after the end")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Begin(base, Meta{}).Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled commit: %v", err)
	}
	w = s.Begin(base, Meta{})
	w.Abort()
	if s.Current() != base || len(s.Builds()) != 1 || len(s.writers) != 0 {
		t.Error("what was given up left something")
	}
	if _, err := base.Read(nil, Hash{1}, Identity); err == nil {
		t.Error("bytes that nobody put were read")
	}
	f, _ := base.File("a")
	if _, err := base.Read(nil, f.Hash, Gzip); err == nil {
		t.Error("an encoding that is not there was read")
	}
}

// A build like its base is the base, and writes nothing.
func TestUnchanged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	want := pages(500)
	base := publish(t, s, want)
	before := folder(t, dir)
	w := s.Begin(base, Meta{Reason: "again", Cursor: 9})
	for f := range base.Files() {
		w.Keep(f)
	}
	if commit(t, w) != base || publish(t, s, want) != base {
		t.Error("an unchanged build is another one")
	}
	if after := folder(t, dir); !maps.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
	// Only what a page was made from differs: that is kept for the next time, and
	// no reader sees a change.
	w = s.Begin(base, Meta{})
	for f := range base.Files() {
		if f.Path != "it/news/7/index.html" {
			w.Keep(f)
			continue
		}
		again := *f
		again.Inputs = Digest{1}
		if err := w.Put(again, []byte(want[f.Path])); err != nil {
			t.Fatal(err)
		}
	}
	next := commit(t, w)
	if f, _ := next.File("it/news/7/index.html"); next == base || next.Meta().Changed != 0 || f.Inputs != (Digest{1}) {
		t.Errorf("%+v", next.Meta())
	}
}

// pages are n pages of some length that do not look alike.
func pages(n int) site {
	want := site{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		want[fmt.Sprintf("it/news/%d/index.html", i)] = fmt.Sprintf("<!doctype html><title>%d</title>%s", i, strings.Repeat(fmt.Sprint(r.Uint64(), " "), 20))
	}
	return want
}

// folder gives the sizes of all files.
func folder(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			sizes[path[len(dir):]] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

func total(sizes map[string]int64) (n int64) {
	for _, size := range sizes {
		n += size
	}
	return n
}

// One changed page among 100,000 writes that page and a few kB.
func TestOneChangeIsSmall(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{disk: unsynced()})
	w := s.Begin(nil, Meta{})
	content := []byte("<!doctype html><title>x</title>")
	for i := range 100_000 {
		if err := w.Put(File{Path: fmt.Sprintf("it/services/a-name-of-some-length-%d/index.html", i), Type: "text/html; charset=utf-8", Inputs: Digest{byte(i)}}, content); err != nil {
			t.Fatal(err)
		}
	}
	base := commit(t, w)
	before := total(folder(t, dir))
	w = s.Begin(base, Meta{})
	const changed = "it/services/a-name-of-some-length-777/index.html"
	for f := range base.Files() {
		if f.Path != changed {
			w.Keep(f)
		}
	}
	page := bytes.Repeat([]byte("y"), 1000)
	if err := w.Put(File{Path: changed, Type: "text/html; charset=utf-8"}, page); err != nil {
		t.Fatal(err)
	}
	next := commit(t, w)
	grown := total(folder(t, dir)) - before
	if grown < 1000 || grown > 1000+12_000 {
		t.Errorf("the folder grew by %d bytes", grown)
	}
	if next.Meta().Changed != 1 || next.Len() != 100_000 {
		t.Errorf("%+v", next.Meta())
	}
	shared := 0
	for i := range next.leaves {
		if next.leaves[i] == base.leaves[i] {
			shared++
		}
	}
	if shared != leaves-1 {
		t.Errorf("%d leaves are shared", shared)
	}
}

// Many goroutines put; the same content is stored once.
func TestConcurrentPut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{disk: unsynced()})
	w := s.Begin(nil, Meta{})
	want := site{}
	for i := range 4000 {
		want[fmt.Sprintf("%d.txt", i)] = strings.Repeat(fmt.Sprint(i%100), 2000)
	}
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			buf := make([]byte, 0, 8000)
			for path, content := range want {
				if path[0]%4 != byte(part) {
					continue
				}
				buf = append(buf[:0], content...) // the buffer is used again
				if err := w.Put(File{Path: path}, buf); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	check(t, commit(t, w), want)
	if n := total(folder(t, dir)); n > 100*4000+900_000 {
		t.Errorf("%d bytes for 100 different contents", n)
	}
}

func TestLeftovers(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	s := open(t, dir, Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	publish(t, s, site{"a": "b"})
	s.Close()
	for _, name := range []string{"builds/new.tmp", "builds/00000002-00000000", "packs/00000007.pack", "packs/00000008.idx", "packs/x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	check(t, s.Current(), site{"a": "b"})
	got := slices.Sorted(maps.Keys(folder(t, dir)))
	if want := []string{"/builds/" + s.Current().ID(), "/lock", "/packs/00000001.idx", "/packs/00000001.pack"}; !slices.Equal(got, want) {
		t.Errorf("the folder holds %v", got)
	}
	if n := strings.Count(out.String(), "a leftover was removed"); n != 5 {
		t.Errorf("%d leftovers in the log:\n%s", n, out.String())
	}
}
