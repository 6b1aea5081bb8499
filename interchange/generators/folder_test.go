package generators

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/interchange"
	"github.com/prassi-cms/prassi/schemas"
)

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	at := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestAgain: an export that comes again writes what differs, removes what is gone,
// and leaves alone what somebody changed or added.
func TestAgain(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "new", "site")
	first := w.export(dir, Hugo)
	before := everything(t, dir)
	if again := w.export(dir, Hugo); again.Written != 0 || again.Removed != 0 || len(again.Kept) != 0 || again.Files != first.Files {
		t.Errorf("nothing had changed: %+v", again)
	}
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	untouched := filepath.Join(dir, "content/it/services/casa-ginestra.md")
	if err := os.Chtimes(untouched, old, old); err != nil {
		t.Fatal(err)
	}

	const layout, gone, mine = "layouts/page.html", "content/it/articles/hostile.md", "content/it/events/festa-dei-semi.md"
	put(t, dir, layout, "my own layout")
	put(t, dir, "content/it/mine.md", "a stranger's")
	put(t, dir, "public/index.html", "built")
	put(t, dir, mine, "mine")
	w.load(fstest.MapFS{"practice/orti-condivisi.it.md": {Data: renamed(t, "Orti di tutti")}})
	w.withdraw("hostile")
	w.withdraw("festa-dei-semi")
	sum := w.export(dir, Hugo)
	after := everything(t, dir)
	if _, still := after[gone]; still || sum.Removed == 0 {
		t.Errorf("%s is still there: %+v", gone, sum)
	}
	if !strings.Contains(after["content/it/practices/orti-condivisi.md"], "Orti di tutti") {
		t.Error("what changed was not written")
	}
	for name, want := range map[string]string{layout: "my own layout", "content/it/mine.md": "a stranger's", "public/index.html": "built", mine: "mine"} {
		if after[name] != want {
			t.Errorf("%s was touched: %q", name, after[name])
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(sum.Kept)), []string{mine, layout}) {
		t.Errorf("kept %q", sum.Kept)
	}
	if info, err := os.Stat(untouched); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("what had not changed was written: %v", err)
	}
	// Put back, it is renewed again.
	put(t, dir, layout, before[layout])
	if sum := w.export(dir, Hugo); len(sum.Kept) != 0 { // the withdrawn one is a stranger's by now
		t.Errorf("kept %q", sum.Kept)
	}
	if _, err := os.Stat(filepath.Join(dir, mine)); err != nil {
		t.Error("the withdrawn file that somebody changed was removed")
	}
}

// renamed gives the demonstration's practice another title.
func renamed(t *testing.T, title string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(demo, "practice/orti-condivisi.it.md"))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer("/media/picture", "/media/"+picture+"/640.png", "title: Orti condivisi", "title: "+title).Replace(string(data)))
}

// TestOthersFolders: a folder that is somebody else's, or another generator's, is
// refused and stays as it is, and no link leads out of ours.
func TestOthersFolders(t *testing.T) {
	w := newWorld(t)
	refused := func(dir, format string) {
		t.Helper()
		before := everything(t, dir)
		_, err := Export(t.Context(), w.src, dir, w.options(format))
		var at *interchange.Error
		if !errors.As(err, &at) || at.Finding.Code != interchange.CodeExportNotEmpty {
			t.Errorf("%v", err)
		}
		if !maps.Equal(before, everything(t, dir)) {
			t.Error("the folder was changed")
		}
	}
	theirs := t.TempDir()
	put(t, theirs, "thesis.txt", "years of work")
	refused(theirs, Hugo)
	ours := t.TempDir()
	put(t, ours, ".git/config", "x") // a repository to be
	w.export(ours, Hugo)
	refused(ours, Astro)
	forged := t.TempDir()
	put(t, forged, manifest, "# hugo\n"+strings.Repeat("0", 64)+"  ../thesis.txt\n")
	refused(forged, Hugo)

	outside := t.TempDir()
	put(t, outside, "articles/keep.md", "theirs")
	linked := t.TempDir()
	w.export(linked, Hugo)
	if err := os.RemoveAll(filepath.Join(linked, "content/it")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(linked, "content/it")); err != nil {
		t.Fatal(err)
	}
	if sum, err := Export(t.Context(), w.src, linked, w.options(Hugo)); err == nil && len(sum.Kept) == 0 {
		t.Error("nothing was said of a link that leads out")
	}
	if got := everything(t, outside); len(got) != 1 || got["articles/keep.md"] != "theirs" {
		t.Errorf("outside there is %v", got)
	}
}

// TestInterrupted: whatever of an export was done when it ended, the next one makes
// it whole, and takes none of its own files for somebody's.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	whole := t.TempDir()
	w.export(whole, Eleventy)
	want := everything(t, whole)
	for _, after := range []int{0, 1, 10, 40} {
		dir := t.TempDir()
		put(t, dir, ".keep", "")
		options := w.options(Eleventy)
		ctx, cancel := context.WithCancel(t.Context())
		tr := newTree(w.src, options)
		if err := tr.read(ctx); err != nil {
			t.Fatal(err)
		}
		files, err := tr.files()
		if err != nil {
			t.Fatal(err)
		}
		for i := range files {
			open := files[i].open
			files[i].open = func(ctx context.Context) (r io.ReadCloser, err error) {
				if i == after {
					cancel()
					return nil, context.Canceled
				}
				return open(ctx)
			}
		}
		out, err := openFolder(dir, Eleventy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.sync(ctx, files); err == nil {
			t.Fatal("it was not interrupted")
		}
		out.close()
		if sum := w.export(dir, Eleventy); len(sum.Kept) > 0 || sum.Written != len(files)-after {
			t.Errorf("after %d files: %+v", after, sum)
		}
		got := everything(t, dir)
		delete(got, ".keep")
		if !maps.Equal(got, want) {
			t.Errorf("after %d files: another export", after)
		}
		cancel()
	}
}

// TestFrontMatter: what goes in comes out, whatever it is.
func TestFrontMatter(t *testing.T) {
	value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"2026-01-01", "yes", "0x1F", "10:00", "1_000", "null", "~", "---", "\n---\n", "a: b", "# x", "'", `"`, "\u2028", "\u0085", "\ufeff", "{{< x >}}",
	}))
	rapid.Check(t, func(t *rapid.T) {
		in := strings.ToValidUTF8(value.Draw(t, "value"), "")
		doc := string(mapping().put("title", in).put("list", []any{in, json.Number("1.50"), true}).put("map", map[string]any{in + "k": in}).front("text"))
		head, rest, ok := strings.Cut(strings.TrimPrefix(doc, "---\n"), "\n---\n")
		if !ok || rest != "text" {
			t.Fatalf("the front matter has another end: %q", doc)
		}
		var out struct {
			Title string
			List  []any
			Map   map[string]string
		}
		if err := yaml.Unmarshal([]byte(head), &out); err != nil {
			t.Fatalf("%v\n%s", err, head)
		}
		if in == "" {
			return
		}
		if out.Title != in || out.List[0] != in || out.List[1] != 1.5 || out.Map[in+"k"] != in {
			t.Fatalf("%q became %+v\n%s", in, out, head)
		}
	})
}

// TestTerritoryNames: every region and province has a name of its own in addresses.
func TestTerritoryNames(t *testing.T) {
	names := territoryNames(schemas.Default().Territories())
	seen := map[string]bool{}
	for code, name := range names {
		if name == "" || seen[name] {
			t.Errorf("%s: %q", code, name)
		}
		seen[name] = true
	}
	if len(names) < 120 || names["100"] != "prato" || names["09"] != "toscana" {
		t.Errorf("%d names: %v", len(names), names)
	}
}
