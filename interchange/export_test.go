package interchange

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

func exportCode(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Finding.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestExportTakesNoFolderThatIsSomebodys(t *testing.T) {
	h := newHouse(t)
	h.files(t, anArticle, RunOptions{}, map[string]string{"a.md": "---\ntitle: Uno\n---\nx"})
	dir := filepath.Join(t.TempDir(), "out")
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	export := func() string {
		_, err := Export(t.Context(), h.Store, schemas.Default(), dir, ExportOptions{})
		return exportCode(err)
	}
	write("diary.txt", "mine")
	if got := export(); got != CodeExportNotEmpty {
		t.Error("a folder with a diary:", got)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "diary.txt")); err != nil || string(data) != "mine" {
		t.Error("the diary is gone")
	}
	if err := os.Remove(filepath.Join(dir, "diary.txt")); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"an empty folder", "its own earlier export"} {
		if got := export(); got != "" {
			t.Fatal(when, got)
		}
	}
	// What lies beside the export moves along; what replaces a part of it does not.
	write(".git/HEAD", "ref")
	if got := export(); got != "" {
		t.Error("an export under version control:", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git", "HEAD")); err != nil {
		t.Error("the versions are gone:", err)
	}
	write("article/uno.it.md", "changed by hand")
	if got := export(); got != CodeExportNotEmpty {
		t.Error("an export changed by hand:", got)
	}
	if data := tree(t, dir)["article/uno.it.md"]; data != "changed by hand" {
		t.Error("the change is gone")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if err != nil || len(left) != 0 {
		t.Error("left behind:", left, err)
	}
}

// TestExportInterrupted: an earlier export stays as it is until the new one is whole.
func TestExportInterrupted(t *testing.T) {
	h := newHouse(t)
	h.fill(t)
	dir := filepath.Join(t.TempDir(), "out")
	h.export(t, dir, ExportOptions{})
	was := tree(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Export(ctx, h.Store, schemas.Default(), dir, ExportOptions{Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	sameTree(t, was, tree(t, dir))
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Error("left behind:", left, err)
	}
	for _, dir := range []string{filepath.Join(t.TempDir(), "new"), filepath.Join(t.TempDir(), "a", "b")} {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := Export(ctx, h.Store, schemas.Default(), dir, ExportOptions{Progress: func(int, int) { cancel() }}); err == nil {
			t.Fatal("not interrupted")
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Error("half an export is there:", err)
		}
	}
}

// TestExportStaysInside: names that the service would never give still do not
// lead out of the folder.
func TestExportStaysInside(t *testing.T) {
	h := newHouse(t)
	h.files(t, anArticle, RunOptions{}, map[string]string{"a.md": "---\ntitle: Uno\n---\nx"})
	d, err := h.BySlug(t.Context(), "article/it/uno")
	if err != nil {
		t.Fatal(err)
	}
	for _, evil := range []string{"../../../../evil", "/etc/evil", "..", "", "a/b", "a\x00b", strings.Repeat("a", 300), "CON", "a.it.md/../../b"} {
		d.Variants[0].Slug, d.Variants[0].LiveSlug = evil, evil
		d.Keys.Slugs = nil
		d.Version++
		if err := errors.Join(h.Apply(t.Context(), []content.Write{{Document: d, Expect: d.Version - 1}})...); err != nil {
			t.Fatal(err)
		}
		parent := t.TempDir()
		sum := h.export(t, filepath.Join(parent, "x", "out"), ExportOptions{})
		files := tree(t, parent)
		if len(files) != 2 || sum.Files != 1 { // the variant and the manifest
			t.Errorf("%q: %v", evil, sortedKeys(files))
		}
		for name := range files {
			if name != "x/out/.prassi-export" && name != "x/out/article/"+d.ID+".it.md" {
				t.Errorf("%q: %s", evil, name)
			}
		}
	}
}

// TestDangling: a reference to a document that was thrown away is left out, and said.
func TestDangling(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	a := do(t)(h.Create(ctx, importer, content.NewVariant{Type: "article", Locale: "it", Slug: "a", Fields: map[string]any{"title": "A"}}))
	do(t)(h.Create(ctx, importer, content.NewVariant{Type: "article", Locale: "it", Slug: "b", Fields: map[string]any{"title": "B", "related": []any{a.ID}}}))
	if err := h.Discard(ctx, importer, a.ID, "*"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	sum := h.export(t, dir, ExportOptions{})
	if sum.Documents != 1 || len(sum.Findings) != 1 || sum.Findings[0].Code != CodeDanglingReference || sum.Findings[0].Source != "article/b.it.md" {
		t.Errorf("%+v", sum)
	}
	if got, report := newHouse(t).bring(t, Options{}, RunOptions{}, dir); got.Created != 1 || got.Refused != 0 {
		t.Error(report)
	}
}

func TestSwapByRename(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for name, file := range map[string]string{a: "new", b: "old"} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(name, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := swapByRename(a, b); err != nil {
		t.Fatal(err)
	}
	if _, ok := tree(t, b)["new"]; !ok {
		t.Error(tree(t, dir))
	}
	if _, ok := tree(t, a)["old"]; !ok {
		t.Error(tree(t, dir))
	}
}
