package interchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

func (h house) files(t testing.TB, opt Options, run RunOptions, files map[string]string) (Summary, string) {
	t.Helper()
	opt.Store = h.Store
	return h.run(t, openOnly(t, opt, files), run)
}

// anyID hides the identifiers that the store gives.
var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func TestReport(t *testing.T) {
	h := newHouse(t)
	files := map[string]string{
		"a.md": "---\ntitle: Uno\nlayout: post\n---\ntesto",
		"b.md": "---\ntitle: Due\norganization: comune\nterritories: [MI]\n---\ntesto",
		"c.md": "---\ntitle: Tre\nsumary: x\n---\ntesto",
		"d.md": "---\ntitle: Quattro\nstate: published\n---\n",
	}
	var seen []int
	sum, report := h.files(t, anArticle, RunOptions{Progress: func(done, total int) { seen = append(seen, done, total) }}, files)
	want := `site/c.md:3:1: misspelt_key: hint=summary key=sumary
site/a.md:1: import_created: document=ID locale=it slug=uno type=article
site/b.md:3:15: reference_not_found: field=organization value=comune
site/d.md:5:1: required: field=body
import_ignored_key: count=1 key=layout
import_summary: changed=0 created=1 documents=1 ignored=1 refused=3 unchanged=0
`
	if got := anyID.ReplaceAllString(report, "ID"); got != want {
		t.Errorf("%s", got)
	}
	if sum.Documents != 1 || sum.Created != 1 || sum.Refused != 3 || sum.Ignored["layout"] != 1 {
		t.Errorf("%+v", sum)
	}
	if len(seen) == 0 || seen[len(seen)-2] != seen[len(seen)-1] {
		t.Errorf("progress %v", seen)
	}

	// Messages word the codes.
	_, report = h.files(t, anArticle, RunOptions{Verbose: true, Messages: func(code string, _ map[string]any) string { return "«" + code + "»" }}, map[string]string{"a.md": files["a.md"]})
	if !strings.Contains(report, "site/a.md:1: import_unchanged: «import_unchanged»\n") {
		t.Errorf("%s", report)
	}
}

func TestDryRun(t *testing.T) {
	h := newHouse(t)
	one := map[string]string{"a.md": "---\ntitle: Uno\nsummary: prima\n---\ntesto"}
	h.files(t, anArticle, RunOptions{}, one)
	// The organisation is only in the import itself, in an earlier batch even.
	many := map[string]string{"a.md": "---\ntitle: Uno\nsummary: dopo\n---\ntesto", "org.md": "---\ntype: organization\ntitle: Comune\nslug: comune\n---\n"}
	for i := range BatchSize + 5 {
		many[fmt.Sprintf("b%03d.md", i)] = fmt.Sprintf("---\ntitle: Articolo %d\nslug: articolo-%d\norganization: comune\n---\nx", i, i)
	}
	before, err := h.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum, report := h.files(t, anArticle, RunOptions{DryRun: true}, many)
	if sum.Created != BatchSize+6 || sum.Changed != 1 || sum.Refused != 0 {
		t.Errorf("%+v\n%s", sum, report)
	}
	for _, line := range []string{
		"import_dry_run\n",
		"site/a.md:1: import_changed",
		"site/a.md:3: import_field: after=\"dopo\" before=\"prima\" field=summary\n",
	} {
		if !strings.Contains(report, line) {
			t.Errorf("no line %q in\n%s", line, report)
		}
	}
	after, err := h.LastSeq(t.Context())
	if err != nil || after != before {
		t.Errorf("a dry run wrote %d events, %v", after-before, err)
	}
	sum, report = h.files(t, anArticle, RunOptions{}, many)
	if sum.Created != BatchSize+6 || sum.Changed != 1 || sum.Refused != 0 {
		t.Errorf("%+v\n%s", sum, report)
	}
}

// TestTranslationOfWhatIsStored: a later import adds a language.
func TestTranslationOfWhatIsStored(t *testing.T) {
	h := newHouse(t)
	h.files(t, anArticle, RunOptions{}, map[string]string{"a.md": "---\ntitle: Uno\nslug: uno\n---\nx"})
	sum, report := h.files(t, anArticle, RunOptions{}, map[string]string{
		"b.md": "---\ntitle: One\nslug: one\nlocale: en\ntranslation_of: uno.it\n---\nx",
		"c.md": "---\ntitle: Un\nslug: un\nlocale: fr\ntranslation_of: {slug: uno, locale: it}\n---\nx",
	})
	if sum.Created != 2 || sum.Documents != 1 {
		t.Fatalf("%+v\n%s", sum, report)
	}
	d, err := h.BySlug(t.Context(), "article/it/uno")
	if err != nil || len(d.Variants) != 3 {
		t.Errorf("%+v %v", d, err)
	}
	// An id is a name too.
	sum, report = h.files(t, anArticle, RunOptions{}, map[string]string{"e.md": "---\ntitle: Uno\nslug: uno-es\nlocale: es\ntranslation_of: " + d.ID + "\n---\nx"})
	if d, err = h.BySlug(t.Context(), "article/it/uno"); err != nil || len(d.Variants) != 4 {
		t.Errorf("%+v %v %s", sum, err, report)
	}
}

// TestEmptyValuesAreRemoved: a key that is written and empty takes the value away.
func TestEmptyValuesAreRemoved(t *testing.T) {
	h := newHouse(t)
	h.files(t, anArticle, RunOptions{}, map[string]string{"a.md": "---\ntitle: Uno\nsummary: x\nterritories: [MI]\n---\nx"})
	h.files(t, anArticle, RunOptions{}, map[string]string{"a.md": "---\ntitle: Uno\nsummary: \"\"\nterritories:\n---\nx"})
	d, err := h.BySlug(t.Context(), "article/it/uno")
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Revision(t.Context(), d.Variant("it").Latest.Hash)
	if err != nil || string(r.Shared) != "{}" || strings.Contains(string(r.Localized), "summary") {
		t.Errorf("%s %s %v", r.Shared, r.Localized, err)
	}
}

// slow writes as the service does, and tells of every batch.
type slow struct {
	*content.Service
	after func()
}

func (s slow) Import(ctx context.Context, a content.Actor, batch []content.Incoming, dry bool) ([]content.ImportResult, error) {
	res, err := s.Service.Import(ctx, a, batch, dry)
	s.after()
	return res, err
}

func lines(n int) map[string]string {
	return map[string]string{"items.jsonl": string(benchLines(n, 200))}
}

// TestInterrupted stops an import between two batches; another run completes it.
func TestInterrupted(t *testing.T) {
	const items = 1000
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	svc := slow{h.Service, func() {
		if n++; n == 2 {
			cancel()
		}
	}}
	sum, err := Import(ctx, svc, openOnly(t, Options{}, lines(items)), RunOptions{Actor: importer})
	if !errors.Is(err, context.Canceled) || sum.Created == 0 || sum.Created == items {
		t.Fatal(err, sum)
	}
	rest, report := h.run(t, openOnly(t, Options{}, lines(items)), RunOptions{})
	if rest.Unchanged < sum.Created || rest.Unchanged+rest.Created != items {
		t.Errorf("%+v after %+v\n%.2000s", rest, sum, report)
	}
}

// TestKilled kills the importing process again and again; nothing is doubled or
// lost when it is finally let through.
func TestKilled(t *testing.T) {
	const items = 1200
	dir := t.TempDir()
	file, db := filepath.Join(dir, "items.jsonl"), filepath.Join(dir, "prassi.db")
	if err := os.WriteFile(file, benchLines(items, 200), 0o644); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for i := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "PRASSI_TEST_IMPORT="+file, "PRASSI_TEST_DB="+db)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The child says when the first batch is in; then it has a moment more.
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*15) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() == -1 {
			killed++
		}
	}
	if killed == 0 {
		t.Fatal("no import was killed: it is too small for this machine")
	}
	store, err := sqlitestore.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	h := houseOn(t, store)
	sum, report := h.bring(t, Options{}, RunOptions{}, file)
	if sum.Refused != 0 || sum.Unchanged == 0 || sum.Unchanged+sum.Created != items {
		t.Errorf("%+v\n%.2000s", sum, report)
	}
	n, revisions := 0, 0
	e := &exporter{store: store}
	if err := e.scan(t.Context(), func(page []*content.Document) error {
		for _, d := range page {
			n++
			revisions += d.Variants[0].Latest.Number
		}
		return nil
	}); err != nil || n != items || revisions != items {
		t.Errorf("%d documents, %d revisions, %v", n, revisions, err)
	}
}

// TestMain is the test, or the import that TestKilled kills.
func TestMain(m *testing.M) {
	file := os.Getenv("PRASSI_TEST_IMPORT")
	if file == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, os.Getenv("PRASSI_TEST_DB"))
	if err != nil {
		panic(err)
	}
	svc, err := content.New(store, schemas.Default(), content.Options{})
	if err != nil {
		panic(err)
	}
	p, err := Open(ctx, []string{file}, Options{})
	if err != nil {
		panic(err)
	}
	tell := func() { fmt.Print(".") }
	if _, err := Import(ctx, slow{svc, tell}, p, RunOptions{Actor: importer}); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// TestSourceChanged: a file that changes between the two readings is refused.
func TestSourceChanged(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.md")
	if err := os.WriteFile(name, []byte("---\ntitle: Uno\nslug: uno\n---\nx"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	p, err := Open(t.Context(), []string{dir}, anArticle)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := os.WriteFile(name, []byte("---\ntitle: Uno\nslug: due\n---\nx"), 0o644); err != nil {
		t.Fatal(err)
	}
	if sum, report := h.run(t, p, RunOptions{}); sum.Refused != 1 || sum.Created != 0 || !strings.Contains(report, CodeSourceChanged) {
		t.Errorf("%+v %s", sum, report)
	}
}

func TestBarOnlyOnATerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if Bar(f) != nil || Bar(nil) != nil {
		t.Error("a bar is drawn into a file")
	}
}
