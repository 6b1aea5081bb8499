package target

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/site/release"
)

// site is what a target should hold: bytes by path.
type site map[string]string

type failer interface {
	Helper()
	Fatal(...any)
}

func newStore(t testing.TB) *release.Store {
	t.Helper()
	s, err := release.Open(t.TempDir(), release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// build makes a build; a content that begins with "-> " is a redirect, a path
// below assets/ immutable.
func build(t failer, s *release.Store, want site) *release.Build {
	t.Helper()
	w := s.Begin(s.Current(), release.Meta{Day: "2026-11-22"})
	for path, content := range want {
		f := release.File{Path: path, Type: "text/html; charset=utf-8"}
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			f.Status, f.Location = 301, to
		}
		if strings.HasPrefix(path, "assets/") {
			f.Type, f.Immutable = "text/css; charset=utf-8", true
		}
		if err := w.Put(f, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := w.Commit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// extras gives files beside a build; their hash is what they hold.
func extras(files site) iter.Seq2[Extra, error] {
	return func(yield func(Extra, error) bool) {
		for path, content := range files {
			x := Extra{Path: path, Type: "image/png", Size: int64(len(content)), Hash: "x" + content}
			x.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
			if !yield(x, nil) {
				return
			}
		}
	}
}

func openTarget(t failer, spec string, opt Options) Target {
	t.Helper()
	to, err := open(spec, opt)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// open is Open, with streamed for a way of its own.
func open(spec string, opt Options) (Target, error) {
	to, err := Open(context.Background(), spec, opt)
	if f, ok := to.(*folder); ok && opt.streamed {
		return streamed{f}, err
	}
	return to, err
}

// streamed publishes a build file by file.
type streamed struct{ *folder }

func (t streamed) Publish(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error]) (Report, error) {
	s, err := t.Stream(ctx)
	if err != nil {
		return Report{}, err
	}
	defer s.Close()
	var all []*release.File
	for f := range b.Files() {
		all = append(all, f)
	}
	g, ctx := errgroup.WithContext(ctx)
	for part := range 2 {
		g.Go(func() error {
			for i := part; i < len(all) && ctx.Err() == nil; i += 2 {
				data, err := b.Read(nil, all[i].Hash, release.Identity)
				if err == nil {
					err = s.Put(*all[i], data)
				}
				if err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return Report{}, err
	}
	return s.Finish(context.WithoutCancel(ctx), extra)
}

// tree reads a folder, without what Prassi says in it of itself.
func tree(t failer, dir string) site {
	t.Helper()
	got := site{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name := filepath.ToSlash(path[len(dir)+1:])
		if e.Type() == fs.ModeSymlink {
			text, err := os.Readlink(path)
			got[name] = "symlink " + text
			return err
		}
		data, err := os.ReadFile(path)
		if !strings.HasPrefix(name, ".prassi/") {
			got[name] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func same(t failer, got, want site) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Fatal(fmt.Sprintf("the target holds\n%v, not\n%v", got, want))
	}
}

// alone checks that nothing is beside a target.
func alone(t failer, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Fatal("beside the target there is " + e.Name())
		}
	}
}

// ways are all ways in which a folder is published to.
var ways = map[string]Options{
	"exchanged":   {},
	"renamed":     {noExchange: true},
	"streamed":    {streamed: true},
	"in place":    {InPlace: true},
	"precompress": {Precompressed: true},
}

func TestFolder(t *testing.T) {
	for name, opt := range ways {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			dir := filepath.Join(t.TempDir(), "site")
			to := openTarget(t, dir, opt)
			defer to.Close()
			first := site{"index.html": "home", "it/index.html": "casa", "assets/site-1.css": "css", "it/news/index.html": "news"}
			r, err := to.Publish(t.Context(), build(t, s, first), extras(site{"media/a.png": "picture"}))
			if err != nil || r != (Report{Written: 5, Bytes: 22}) {
				t.Fatalf("%+v, %v", r, err)
			}
			want := maps.Clone(first)
			want["media/a.png"] = "picture"
			same(t, tree(t, dir), want)
			alone(t, dir)
			// The same once more, and then with changes of every kind: a file becomes a
			// folder and a folder a file, and others left theirs.
			if r, err := to.Publish(t.Context(), s.Current(), extras(site{"media/a.png": "picture"})); err != nil || r != (Report{Kept: 5}) {
				t.Fatalf("%+v, %v", r, err)
			}
			for path, text := range map[string]string{"google1234.html": "theirs", ".well-known/acme/x": "theirs", "it/news/mine.txt": "theirs"} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("/somewhere", filepath.Join(dir, "it", "link")); err != nil {
				t.Fatal(err)
			}
			second := site{"index.html/x": "deep", "it/index.html": "casa", "assets": "flat", "old/index.html": "-> /it/"}
			r, err = to.Publish(t.Context(), build(t, s, second), extras(site{"media/a.png": "other picture"}))
			if err != nil || r != (Report{Written: 5, Kept: 1, Removed: 3, Bytes: 4 + 4 + 7 + 15 + 13}) {
				t.Fatalf("%+v, %v", r, err)
			}
			want = maps.Clone(second)
			want["media/a.png"] = "other picture"
			want["_redirects"] = "/old/ /it/ 301\n"
			want["google1234.html"], want[".well-known/acme/x"], want["it/news/mine.txt"] = "theirs", "theirs", "theirs"
			want["it/link"] = "symlink /somewhere"
			same(t, tree(t, dir), want)
			alone(t, dir)
			// What they left is not in the way of anything; where it is, nothing changes.
			for _, path := range []string{"google1234.html", "it/news/mine.txt/below", "it/news", "it/link/x"} {
				var foreign *ForeignError
				_, err := to.Publish(t.Context(), build(t, s, site{path: "ours", "it/index.html": "new"}), nil)
				if !errors.As(err, &foreign) || foreign.Path == "" {
					t.Errorf("%s was written: %v", path, err)
				}
				got := tree(t, dir)
				for _, theirs := range []string{"google1234.html", ".well-known/acme/x", "it/news/mine.txt", "it/link"} {
					if got[theirs] != want[theirs] {
						t.Errorf("%s of others is %q after %s", theirs, got[theirs], path)
					}
				}
			}
			if _, err := to.Publish(t.Context(), build(t, s, first), nil); err != nil {
				t.Fatal(err)
			}
			alone(t, dir)
		})
	}
}

// Whatever was published before, the folder holds the last build and no more.
func TestAnyChange(t *testing.T) {
	t.Parallel()
	for name, opt := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt.noSync = true // a hundred of them take long
			s := newStore(t)
			rapid.Check(t, func(rt *rapid.T) {
				parent, err := os.MkdirTemp(t.TempDir(), "")
				if err != nil {
					rt.Fatal(err)
				}
				defer os.RemoveAll(parent)
				dir := filepath.Join(parent, "site")
				to := openTarget(rt, dir, opt)
				for range rapid.IntRange(1, 4).Draw(rt, "builds") {
					want := site{}
					for path, content := range rapid.MapOfN(
						rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "d/e", "d/e/f.html", "assets/x", "g"}),
						rapid.SampledFrom([]string{"", "1", "2", "-> /x/"}), 0, 6).Draw(rt, "site") {
						want[path] = content
					}
					b := build(rt, s, want)
					_, err := to.Publish(context.Background(), b, nil)
					if conflict := (*ConflictError)(nil); errors.As(err, &conflict) {
						continue
					}
					if err != nil {
						rt.Fatal(err)
					}
					got := tree(rt, dir)
					delete(got, "_redirects")
					same(rt, got, want)
				}
			})
		})
	}
}

// What is not ours is left alone.
func TestForeign(t *testing.T) {
	s := newStore(t)
	b := build(t, s, site{"index.html": "home"})
	for name, opt := range ways {
		dir := filepath.Join(t.TempDir(), "site")
		if err := os.MkdirAll(filepath.Join(dir, "photos"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "photos", "1.jpg"), []byte("dear"), 0o644); err != nil {
			t.Fatal(err)
		}
		var foreign *ForeignError
		if _, err := openTarget(t, dir, opt).Publish(t.Context(), b, nil); !errors.As(err, &foreign) || foreign.Place != dir {
			t.Errorf("%s: %v", name, err)
		}
		same(t, tree(t, dir), site{"photos/1.jpg": "dear"})
		alone(t, dir)
		// Neither what somebody else calls as we call the new folder.
		beside := filepath.Join(t.TempDir(), "site")
		if err := os.MkdirAll(filepath.Join(filepath.Dir(beside), ".site.prassi-new", "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := openTarget(t, beside, opt).Publish(t.Context(), b, nil); !opt.InPlace && !errors.As(err, &foreign) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(beside), ".site.prassi-new", "x")); err != nil {
			t.Error(err)
		}
		// A manifest that names files elsewhere has none of them removed.
		dir = filepath.Join(t.TempDir(), "site")
		if err := os.MkdirAll(filepath.Join(dir, ".prassi"), 0o755); err != nil {
			t.Fatal(err)
		}
		outside := filepath.Join(filepath.Dir(dir), "outside.txt")
		for path, text := range map[string]string{outside: "dear", filepath.Join(dir, ".prassi", "manifest.json"): `{"format":"prassi site 1","files":{"../outside.txt":"x"}}`} {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := openTarget(t, dir, opt).Publish(t.Context(), b, nil); !errors.Is(err, errManifest) {
			t.Errorf("%s: %v", name, err)
		}
		if data, err := os.ReadFile(outside); string(data) != "dear" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A symbolic link that somebody put into the folder leads nothing out of it.
func TestSymlinks(t *testing.T) {
	for name, opt := range ways {
		s := newStore(t)
		outside := t.TempDir()
		dir := filepath.Join(t.TempDir(), "site")
		to := openTarget(t, dir, opt)
		if _, err := to.Publish(t.Context(), build(t, s, site{"it/index.html": "casa", "a": "1"}), nil); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "it")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(dir, "it")); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Publish(t.Context(), build(t, s, site{"it/index.html": "new", "it/x/index.html": "x"}), nil); err == nil {
			t.Errorf("%s: it was published", name)
		}
		if got := tree(t, outside); len(got) != 0 {
			t.Errorf("%s: outside there is %v", name, got)
		}
		// The folder itself may be a link, and stays one.
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(filepath.Join(t.TempDir(), "real"), link); err != nil {
			t.Fatal(err)
		}
		real, err := os.Readlink(link)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(real, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := openTarget(t, link, opt).Publish(t.Context(), build(t, s, site{"a": "b"}), nil); err != nil {
			t.Fatal(err)
		}
		same(t, tree(t, real), site{"a": "b"})
	}
}

func TestConflicts(t *testing.T) {
	s := newStore(t)
	b := build(t, s, site{"a/b": "1", "c": "2"})
	for _, path := range []string{"a/b", "a", "c/d", "../x", "x\\y", ".prassi/manifest.json"} {
		for spec, opt := range map[string]Options{filepath.Join(t.TempDir(), "site"): {}, filepath.Join(t.TempDir(), "site2"): {streamed: true}, filepath.Join(t.TempDir(), "site.tar.zst"): {}} {
			var conflict *ConflictError
			var bad *release.PathError
			_, err := openTarget(t, spec, opt).Publish(t.Context(), b, extras(site{path: "x"}))
			if !errors.As(err, &conflict) && !errors.As(err, &bad) {
				t.Errorf("%s: %v", path, err)
			}
			if _, err := os.Stat(spec); err == nil {
				t.Errorf("%s: there is something", path)
			}
		}
	}
	// An extra that is not as long as it said, one that cannot be opened, and a list
	// that breaks off.
	gone := errors.New("gone")
	for _, x := range []Extra{
		{Path: "x", Size: 3, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("four")), nil }},
		{Path: "x", Size: 5, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("four")), nil }},
		{Path: "x", Open: func(context.Context) (io.ReadCloser, error) { return nil, gone }},
		{},
	} {
		for name, opt := range map[string]Options{"site": {}, "site2": {streamed: true}, "site.tar.zst": {}} {
			path := filepath.Join(t.TempDir(), name)
			list := func(yield func(Extra, error) bool) {
				if x.Path == "" {
					yield(x, gone)
				} else {
					yield(x, nil)
				}
			}
			if _, err := openTarget(t, path, opt).Publish(t.Context(), b, list); !errors.Is(err, errSize) && !errors.Is(err, gone) {
				t.Errorf("%s: %v", name, err)
			}
			if entries, err := os.ReadDir(filepath.Dir(path)); len(entries) > 0 || err != nil {
				t.Errorf("%s: %v is left", name, entries)
			}
		}
	}
}

func TestSpecs(t *testing.T) {
	for _, spec := range []string{
		"", "file:", "inplace:", "inplace:/", "file://host/x", "/", "file:///", "ftp://x/y", "http://x", "s3://", "s3:///x", "s3://u:secret@b/x", "s3://b/../x", "s3://b/a//b", "s3://u:secret@%zz",
		"rsync:", "rsync:x", "rsync:host:rel", "rsync:host:/", "rsync:-oProxyCommand=x:/y", "rsync:a@-b:/y", "rsync:-u@h:/y", "rsync:h;x:/y", "rsync:a b@h:/y", "rsync:h::module/x", "rsync:/", "rsync:host", "rsync:$(x):/y", "a\nb", "rsync:h:/x\ny",
	} {
		var bad *SpecError
		to, err := Open(t.Context(), spec, Options{})
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v, %v", spec, to, err)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", spec, err)
		}
	}
	for spec, want := range map[string]any{"site": &folder{}, "file:site": &folder{}, "inplace:/srv/x.tar.zst": &folder{}, "file:///srv/site": &folder{}, "a.tar.zst": &archive{}, "rsync:/srv/site": &rsyncTarget{}, "rsync:www@example.org:/srv/a b": &rsyncTarget{}, "rsync:h:/x": &rsyncTarget{}} {
		to, err := Open(t.Context(), spec, Options{})
		if err != nil || fmt.Sprintf("%T", to) != fmt.Sprintf("%T", want) {
			t.Errorf("%q: %T, %v", spec, to, err)
		}
	}
}

// One folder is published to by one process at a time.
func TestBusy(t *testing.T) {
	s := newStore(t)
	b := build(t, s, site{"a": "b"})
	for name, opt := range ways {
		dir := filepath.Join(t.TempDir(), "site")
		inner := opt
		tried := false
		opt.step = func(string) {
			if !tried {
				tried = true
				var busy *BusyError
				if _, err := openTarget(t, dir, inner).Publish(t.Context(), b, nil); !errors.As(err, &busy) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if _, err := openTarget(t, dir, opt).Publish(t.Context(), b, nil); err != nil || !tried {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrecompressed(t *testing.T) {
	s := newStore(t)
	text := strings.Repeat("la buona pratica ", 100)
	b := build(t, s, site{"index.html": text, "short.html": "x"})
	if _, _, err := s.Compress(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "site")
	r, err := openTarget(t, dir, Options{Precompressed: true}).Publish(t.Context(), b, nil)
	if err != nil || r.Written != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
	got := tree(t, dir)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"index.html", "index.html.br", "index.html.gz", "short.html"}) {
		t.Errorf("%v", names)
	}
	f, _ := b.File("index.html")
	for e, ending := range endings {
		if want, err := b.Read(nil, f.Hash, release.Encoding(e)); err != nil || got["index.html"+ending] != string(want) {
			t.Errorf("%s: %v", ending, err)
		}
	}
	// Left out, they go.
	if r, err := openTarget(t, dir, Options{}).Publish(t.Context(), b, nil); err != nil || r != (Report{Kept: 2, Removed: 2}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func unpack(t *testing.T, data []byte) (site, []*tar.Header) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	got := site{}
	var headers []*tar.Header
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return got, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(text)
		headers = append(headers, h)
	}
}

func TestArchive(t *testing.T) {
	want := site{"index.html": "home", strings.Repeat("long/", 40) + "è.html": "deep", "moved/index.html": "-> /x/"}
	media := site{"media/a.png": strings.Repeat("picture", 1000)}
	path := filepath.Join(t.TempDir(), "new", "site.tar.zst")
	var before []byte
	for range 2 {
		s := newStore(t) // from nothing, in another order
		r, err := openTarget(t, "file:"+path, Options{}).Publish(t.Context(), build(t, s, want), extras(media))
		if err != nil || r.Written != 5 {
			t.Fatalf("%+v, %v", r, err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, headers := unpack(t, data)
		all := maps.Clone(want)
		maps.Copy(all, media)
		all["_redirects"] = "/moved/ /x/ 301\n"
		same(t, got, all)
		for i, h := range headers {
			if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Mode != 0o644 || h.ModTime.UTC().Format("2006-01-02T15:04:05") != "2026-11-22T00:00:00" || i > 0 && headers[i-1].Name >= h.Name {
				t.Errorf("%+v", h)
			}
		}
		if before != nil && !bytes.Equal(before, data) {
			t.Error("the same build gives other bytes")
		}
		before = data
		alone(t, path)
	}
}

// A redirect cannot add a line to _redirects.
func TestRedirects(t *testing.T) {
	s := newStore(t)
	b := build(t, s, site{
		"it/a b/index.html": "-> /it/x y/\n/evil/ https://evil.example/ 200",
		"it/è/index.html":   "-> /it/é/?a=b&c",
		"z.html":            "-> https://other.example/",
	})
	dir := filepath.Join(t.TempDir(), "site")
	if _, err := openTarget(t, dir, Options{}).Publish(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	want := "/it/a%20b/ /it/xy//evil/https://evil.example/200 301\n/it/%C3%A8/ /it/%C3%A9/?a=b&c 301\n/z.html https://other.example/ 301\n"
	if got := tree(t, dir)["_redirects"]; got != want {
		t.Errorf("%q", got)
	}
}

// Whatever a path is, nothing is written outside of the folder, and an archive
// names nothing outside of it.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{"a/b", "../x", "/etc/passwd", `..\x`, "a/../../x", "C:x", "con", ".prassi/x", "a\x00b", "\u202e", "_redirects"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s := newStore(t)
		w := s.Begin(nil, release.Meta{})
		putErr := w.Put(release.File{Path: path}, []byte("x"))
		b, err := w.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		parent := t.TempDir()
		if err := os.Mkdir(filepath.Join(parent, "out"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"out/site", "out/site.tar.zst"} {
			for _, extra := range []iter.Seq2[Extra, error]{nil, extras(site{path: "x"})} {
				if extra != nil && putErr == nil {
					continue // twice
				}
				_, err := openTarget(t, filepath.Join(parent, name), Options{}).Publish(t.Context(), b, extra)
				if (err == nil) != (putErr == nil || extra == nil) {
					t.Errorf("put: %v, publish: %v", putErr, err)
				}
			}
		}
		if putErr != nil {
			return
		}
		alone(t, filepath.Join(parent, "out"))
		same(t, tree(t, filepath.Join(parent, "out", "site")), site{path: "x"})
		data, err := os.ReadFile(filepath.Join(parent, "out", "site.tar.zst"))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := unpack(t, data)
		for name := range got {
			if name != path || !filepath.IsLocal(name) {
				t.Errorf("the archive names %q", name)
			}
		}
	})
}

// A file that somebody cut short is written anew and not linked.
func TestShortenedFile(t *testing.T) {
	s := newStore(t)
	dir := filepath.Join(t.TempDir(), "site")
	to := openTarget(t, dir, Options{})
	if _, err := to.Publish(t.Context(), build(t, s, site{"a.html": "a page", "b.html": "1"}), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.html"), []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := site{"a.html": "a page", "b.html": "2"}
	if r, err := to.Publish(t.Context(), build(t, s, want), nil); err != nil || r.Written != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	same(t, tree(t, dir), want)
}

// Where a folder of ours was, somebody has put a file: it stays.
func TestFolderBecameTheirs(t *testing.T) {
	for name, opt := range ways {
		s := newStore(t)
		dir := filepath.Join(t.TempDir(), "site")
		to := openTarget(t, dir, opt)
		if _, err := to.Publish(t.Context(), build(t, s, site{"x/y.html": "ours", "k.html": "1"}), nil); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "x")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x"), []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Publish(t.Context(), build(t, s, site{"k.html": "2"}), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		same(t, tree(t, dir), site{"k.html": "2", "x": "theirs"})
	}
}
