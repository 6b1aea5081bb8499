package interchange

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// importer is the actor of these tests: the system, as for the command line.
var importer = content.System("import")

// house is a store with its service.
type house struct {
	content.Store
	*content.Service
}

func newHouse(t testing.TB) house {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "prassi.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return houseOn(t, store)
}

func houseOn(t testing.TB, store content.Store) house {
	t.Helper()
	svc, err := content.New(store, schemas.Default(), content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return house{store, svc}
}

// bring imports paths and fails the test on anything but refusals.
func (h house) bring(t testing.TB, opt Options, run RunOptions, paths ...string) (Summary, string) {
	t.Helper()
	opt.Store = h.Store
	p, err := Open(t.Context(), paths, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return h.run(t, p, run)
}

func (h house) run(t testing.TB, p *Plan, run RunOptions) (Summary, string) {
	t.Helper()
	var report strings.Builder
	run.Actor, run.Report = importer, &report
	sum, err := Import(t.Context(), h.Service, p, run)
	if err != nil {
		t.Fatal(err, report.String())
	}
	return sum, report.String()
}

func (h house) export(t testing.TB, dir string, opt ExportOptions) ExportSummary {
	t.Helper()
	sum, err := Export(t.Context(), h.Store, schemas.Default(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// realData is the folder of real material beside the project.
func realData(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real material is not beside this project (%s): this test needs it, and no fresh clone has it", dir)
	}
	return dir
}

// tree reads every file below a folder.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameTree(t testing.TB, a, b map[string]string) {
	t.Helper()
	for name, text := range a {
		other, ok := b[name]
		switch {
		case !ok:
			t.Errorf("%s is missing in the second export", name)
		case other != text:
			t.Errorf("%s differs:\n%s\n--- and\n%s", name, text, other)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s is only in the second export", name)
		}
	}
}
