package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/media"
)

// letter is a PDF of one page.
const letter = "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n" +
	"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\nendobj\ntrailer\n<</Size 4/Root 1 0 R>>\nstartxref\n9\n%%EOF\n"

// illustratedStore fills a store with the demo, which has a picture, and an
// article with a document in what the public reads and another in its newest
// text. It gives the ids of the two documents, and of one that nothing uses.
func illustratedStore(t *testing.T, data string) (public, newest, unused string) {
	t.Helper()
	e := &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: leak.Log(), cli: &cli{Data: data}}
	b, err := e.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if err := e.loadDemo(b); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, text := range []string{"uno", "due", "tre"} {
		item, err := b.media.Add(e.ctx, demoActor, media.NewItem{Owner: "orti-insieme", Name: "Modulo " + text + ".pdf", Alt: "Il modulo"},
			strings.NewReader(strings.Replace(letter, "%%EOF", "% "+text+"\n%%EOF", 1)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, item.ID)
	}
	link := func(id string) map[string]any {
		return map[string]any{"title": "Il modulo", "body": "Scarica il [modulo](/media/" + id + "/document.pdf)."}
	}
	d, err := b.service.Create(e.ctx, demoActor, content.NewVariant{Type: "article", Locale: "it", Slug: "modulo", Fields: link(ids[0])})
	if err == nil {
		d, err = b.service.Transition(e.ctx, demoActor, d.ID, "it", "*", content.Step{Name: "publish"})
	}
	if err == nil {
		_, err = b.service.Edit(e.ctx, demoActor, d.ID, "it", "*", content.Edit{Fields: link(ids[1])})
	}
	if err != nil {
		t.Fatal(err)
	}
	return ids[0], ids[1], ids[2]
}

// files reads all that lies in a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	root := os.DirFS(folder)
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, p)
		out[p] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zipOf(t *testing.T, top string, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(top + name)
		if err == nil {
			_, err = io.WriteString(w, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write makes a folder of files.
func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func differences(a, b map[string]string) (names []string) {
	for name := range maps.Keys(a) {
		if b[name] != a[name] {
			names = append(names, name)
		}
	}
	for name := range maps.Keys(b) {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// An export has the files that its content uses, and an empty store that takes it
// in, from wherever and on whatever engine, exports the same bytes.
func TestFilesTravel(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	public, newest, unused := illustratedStore(t, "a")
	for _, format := range []string{"markdown", "jsonl"} {
		if code, out := command(t, "export", "--data", "a", "--format", format, format); code != 0 {
			t.Fatalf("%d\n%s", code, out)
		}
	}
	was := files(t, "markdown")
	for id, want := range map[string]bool{public: true, newest: true, unused: false} {
		text, has := was["media/"+id+"/document.pdf"]
		if has != want || has && !strings.Contains(text, "/MediaBox") {
			t.Errorf("%s is there: %v, want %v", id, has, want)
		}
	}
	// .prassi-export does not say by whom, and a person packs hidden files or not.
	plain := maps.Clone(was)
	delete(plain, ".prassi-export")
	archives := map[string][]byte{"/folder.zip": zipOf(t, "folder/", was), "/flat.zip": zipOf(t, "", plain)}
	for name, data := range archives {
		if err := os.WriteFile(name[1:], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(archives[r.URL.Path]) }))
	defer server.Close()
	t.Setenv("PRASSI_OUTGOING_ALLOW", "127.0.0.1")

	parts, err := filepath.Glob(filepath.Join("markdown", "[a-z]*"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		store string
		paths []string
	}{
		"folder": {"", []string{"markdown"}}, "lines": {"", []string{"jsonl"}}, "folder by folder": {"", parts},
		"archive": {"", []string{"folder.zip"}}, "flat archive": {"", []string{"flat.zip"}}, "address": {"", []string{server.URL + "/folder.zip"}},
		"mongodb": {emptyMongo(t), []string{"markdown"}},
	} {
		t.Run(name, func(t *testing.T) {
			common := []string{"--data", t.TempDir(), "--locale-of-messages", "en"}
			if c.store != "" {
				common = append(common, "--store", c.store)
			}
			run := func(name string, more ...string) string {
				t.Helper()
				code, out := command(t, append(append([]string{name}, common...), more...)...)
				if code != 0 {
					t.Fatalf("%s %v: %d\n%s", name, more, code, out)
				}
				return out
			}
			out := run("import", append(slices.Clone(c.paths), "--dry-run")...)
			if strings.Count(out, "import_media_added") != 3 || !strings.Contains(out, "Refused: 0.") {
				t.Error("a dry run:", out)
			}
			if !strings.Contains(run("verify"), "Files: 0.") {
				t.Error("a dry run writes files")
			}
			out = run("import", c.paths...)
			if strings.Count(out, "import_media_added: File added.") != 3 {
				t.Error(out)
			}
			again := filepath.Join(t.TempDir(), "again")
			run("export", again)
			if names := differences(was, files(t, again)); len(names) > 0 {
				t.Error("these differ:", names)
			}
			out = run("import", append(slices.Clone(c.paths), "--verbose")...)
			if strings.Count(out, "import_media_unchanged") != 3 || !strings.Contains(out, "Created: 0. Changed: 0.") {
				t.Error("a second time:", out)
			}
			run("verify")
		})
	}
}

// One file that is not what it should be keeps the whole import out, in a folder
// and in an archive, and the report says which file and why.
func TestFilesRefused(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	public, _, _ := illustratedStore(t, "a")
	if code, out := command(t, "export", "--data", "a", "out"); code != 0 {
		t.Fatal(out)
	}
	was := files(t, "out")
	at := "media/" + public + "/"
	for name, c := range map[string]struct {
		lie  func(map[string]string)
		says string
	}{
		"a changed document":   {func(f map[string]string) { f[at+"document.pdf"] += " " }, at + "document.pdf: media_parcel_untrue"},
		"a document missing":   {func(f map[string]string) { delete(f, at+"document.pdf") }, at + "item.json: media_parcel_missing"},
		"a record missing":     {func(f map[string]string) { delete(f, at+"item.json") }, at + "item.json: media_parcel_missing"},
		"a file too many":      {func(f map[string]string) { f[at+"page.md"] = "---\ntitle: X\n---\nX" }, at + "page.md: media_parcel_stranger"},
		"a folder too many":    {func(f map[string]string) { f[at+"more/a.jpg"] = "x" }, at + "more/a.jpg: media_parcel_stranger"},
		"an item in the item":  {func(f map[string]string) { f[at+at+"item.json"] = f[at+"item.json"] }, at + at + "item.json: media_parcel_stranger"},
		"a folder of no id":    {func(f map[string]string) { f["media/x/item.json"] = f[at+"item.json"] }, "media/x/item.json: media_parcel_untrue"},
		"a folder of other id": {func(f map[string]string) { f["media/"+strings.Repeat("a", 26)+"/item.json"] = f[at+"item.json"] }, "media/" + strings.Repeat("a", 26) + "/item.json: media_parcel_untrue"},
		"a record too large":   {func(f map[string]string) { f[at+"item.json"] += strings.Repeat("\n", 20<<10) }, at + "item.json: file_too_large"},
		"a type that is no PDF": {func(f map[string]string) {
			f[at+"item.json"] = strings.Replace(f[at+"item.json"], "application/pdf", "text/html", 1)
		}, at + "document.pdf: media_parcel_untrue"},
	} {
		t.Run(name, func(t *testing.T) {
			lying := maps.Clone(was)
			c.lie(lying)
			folder, archive := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out.zip")
			write(t, folder, lying)
			if err := os.WriteFile(archive, zipOf(t, "", lying), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{folder, archive} {
				data := t.TempDir()
				for _, more := range []string{"--dry-run", "--verbose"} {
					code, out := command(t, "import", "--data", data, "--locale-of-messages", "en", more, path)
					if code != 1 || !strings.Contains(out, filepath.ToSlash(path)+"/"+c.says) ||
						!strings.Contains(out, "import_media_stopped") || !strings.Contains(out, "Documents: 0. Created: 0.") || strings.Contains(out, "import_media_added") {
						t.Errorf("%s %s: %d\n%s", path, more, code, out)
					}
				}
				if code, out := command(t, "verify", "--data", data, "--locale-of-messages", "en"); code != 0 || !strings.Contains(out, "Documents: 0.") {
					t.Error("something was imported:", out)
				}
				if left, err := os.ReadDir(filepath.Join(data, "media")); err != nil || len(left) > 0 {
					t.Error("files were left:", left, err)
				}
			}
		})
	}
}

// An id that is taken by other bytes is refused, and nothing changes; content
// whose file is gone is exported, and the export says so.
func TestFilesMeetOthers(t *testing.T) {
	t.Chdir(t.TempDir())
	public, newest, _ := illustratedStore(t, "a")
	illustratedStore(t, "b")
	if code, out := command(t, "export", "--data", "a", "out"); code != 0 {
		t.Fatal(out)
	}
	lying := files(t, "out")
	// The item of one document under the id of the other.
	for name, text := range lying {
		if rest, ok := strings.CutPrefix(name, "media/"+newest+"/"); ok {
			lying["media/"+public+"/"+rest] = strings.ReplaceAll(text, newest, public)
		}
	}
	delete(lying, ".prassi-export")
	write(t, "lying", lying)
	code, out := command(t, "import", "--data", "a", "--locale-of-messages", "en", "lying")
	if code != 1 || !strings.Contains(out, public+"/item.json: media_parcel_different") || !strings.Contains(out, "Documents: 0.") {
		t.Errorf("%d\n%s", code, out)
	}
	e := &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: leak.Log(), cli: &cli{Data: "a"}}
	b, err := e.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.media.Remove(e.ctx, demoActor, public); err != nil {
		t.Fatal(err)
	}
	b.close()
	code, out = command(t, "export", "--data", "a", "--locale-of-messages", "en", "gone")
	if _, there := files(t, "gone")["media/"+newest+"/item.json"]; code != 0 || !strings.Contains(out, "article/modulo.it.md: ") || !there {
		t.Errorf("%d\n%s", code, out)
	}
	var record struct{ Person, Name string }
	if err := json.Unmarshal([]byte(files(t, "gone")["media/"+newest+"/item.json"]), &record); err != nil || record.Person != "" || record.Name != "Modulo due.pdf" {
		t.Error(record, err)
	}
}
