package bleveindex_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/searchtest"
)

// childOrder is the environment variable that makes the test binary a child: the
// folder and the step before which it dies, with a space between.
const childOrder = "PRASSI_BLEVEINDEX_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childOrder); order != "" {
		dir, step, _ := strings.Cut(order, " ")
		if err := child(dir, step); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// steps are those of a rebuild at which a process may be killed.
var steps = []string{"half", "filled", "written", "renamed", "swapped", "applied", "none"}

// child rebuilds the index of a folder with the second half of the fixture, and
// kills itself at a step.
func child(dir, at string) error {
	s, err := search.Derive(declarations)
	if err != nil {
		return err
	}
	die := func(step string) {
		if step == at {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {}
		}
	}
	x, err := bleveindex.Open(bleveindex.Options{Dir: dir, Settings: s, Step: die})
	if err != nil {
		return err
	}
	err = x.Rebuild(context.Background(), 20, func(yield func(search.Document, error) bool) {
		for i, d := range searchtest.Documents()[8:] {
			if i == 3 {
				die("half")
			}
			if !yield(d, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if err := x.Apply(context.Background(), search.Batch{Put: searchtest.Documents()[:1], Position: 21}); err != nil {
		return err
	}
	die("applied")
	return x.Close()
}

func ids(t *testing.T, x *bleveindex.Index) (out []string) {
	t.Helper()
	entries, err := x.Entries(context.Background(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}

func idsOf(documents []search.Document) (out []string) {
	for _, d := range documents {
		out = append(out, d.ID)
	}
	slices.Sort(out)
	return out
}

// Whoever kills the process finds the old index or the new one, with the
// position that belongs to it, and no folder of another generation.
func TestKilledAtAnyStep(t *testing.T) {
	all := searchtest.Documents()
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			x := open(t, dir, searchtest.Settings(t))
			if err := x.Apply(context.Background(), search.Batch{Put: all[:8], Position: 10}); err != nil {
				t.Fatal(err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childOrder+"="+dir+" "+step)
			out, err := cmd.CombinedOutput()
			if killed := err != nil; killed != (step != "none") || killed && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child ended with %v: %s", err, out)
			}
			x = open(t, dir, searchtest.Settings(t))
			defer x.Close()
			want, position := idsOf(all[:8]), int64(10)
			switch step {
			case "renamed", "swapped":
				want, position = idsOf(all[8:]), 20
			case "applied", "none":
				want, position = idsOf(append(slices.Clone(all[:1]), all[8:]...)), 21
			}
			if got := ids(t, x); !slices.Equal(got, want) {
				t.Errorf("there is %v, want %v", got, want)
			}
			if got, err := x.Position(context.Background()); err != nil || got != position {
				t.Errorf("position %d %v, want %d", got, err, position)
			}
			if folders, _ := filepath.Glob(filepath.Join(dir, "index-*")); len(folders) != 1 {
				t.Errorf("folders left: %v", folders)
			}
			if err := x.Rebuild(context.Background(), 30, documents(all)); err != nil {
				t.Errorf("a rebuild after a death: %v", err)
			}
		})
	}
}

func documents(list []search.Document) func(func(search.Document, error) bool) {
	return func(yield func(search.Document, error) bool) {
		for _, d := range list {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// What was applied is there again after the folder is opened again.
func TestReopened(t *testing.T) {
	dir := t.TempDir()
	s := searchtest.Settings(t)
	ctx := context.Background()
	x := open(t, dir, s)
	if err := x.Apply(ctx, search.Batch{Put: searchtest.Documents(), Position: 7}); err != nil {
		t.Fatal(err)
	}
	if err := x.Apply(ctx, search.Batch{Remove: []string{"rubrica_it"}, Position: 8}); err != nil {
		t.Fatal(err)
	}
	q := search.Query{Text: "ambulatorio", Locale: "it", Facets: []string{"territory"}}
	before, err := x.Search(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Search(ctx, q); !errors.As(err, new(*search.Unavailable)) {
		t.Errorf("a search after the end: %v", err)
	}
	x = open(t, dir, s)
	defer x.Close()
	after, err := x.Search(ctx, q)
	if err != nil || after.Total != 1 || before.Total != 1 || after.Hits[0].Snippet != before.Hits[0].Snippet || len(after.Facets["territory"]) != 3 {
		t.Errorf("before %+v, after %+v %v", before, after, err)
	}
	if list, err := x.Suggest(ctx, search.SuggestQuery{Text: "286", Locale: "it"}); err != nil || len(list) != 1 || list[0].Count != 2 {
		t.Errorf("acts after opening: %+v %v", list, err)
	}
	var locked *search.LockedError
	if _, err := bleveindex.Open(bleveindex.Options{Dir: dir, Settings: s}); !errors.As(err, &locked) {
		t.Errorf("a folder that is in use: %v", err)
	}
}

// A folder that cannot be used is empty at position 0, and never an error: the
// index can be made again.
func TestThrownAway(t *testing.T) {
	spoil := map[string]func(t *testing.T, folder string, s *search.Settings){
		"cut bolt": func(t *testing.T, folder string, _ *search.Settings) {
			if err := os.Truncate(filepath.Join(folder, "root.bolt"), 100); err != nil {
				t.Fatal(err)
			}
		},
		"no segments": func(t *testing.T, folder string, _ *search.Settings) {
			files, _ := filepath.Glob(filepath.Join(folder, "*.zap"))
			if len(files) == 0 {
				t.Fatal("there are no segments to remove")
			}
			for _, f := range files {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		},
		"garbage segments": func(t *testing.T, folder string, _ *search.Settings) {
			files, _ := filepath.Glob(filepath.Join(folder, "*.zap"))
			for _, f := range files {
				info, err := os.Stat(f)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(f, make([]byte, info.Size()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		},
		"other declarations": func(_ *testing.T, _ string, s *search.Settings) { s.Fingerprint = "other" },
		"pointer to nothing": func(t *testing.T, folder string, _ *search.Settings) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(folder), "CURRENT"), []byte("index-999999\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"pointer that is garbage": func(t *testing.T, folder string, _ *search.Settings) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(folder), "CURRENT"), []byte("../../etc"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, f := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := searchtest.Settings(t)
			x := open(t, dir, s)
			if err := x.Rebuild(context.Background(), 7, documents(searchtest.Documents())); err != nil {
				t.Fatal(err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			folders, _ := filepath.Glob(filepath.Join(dir, "index-*"))
			f(t, folders[0], s)
			x = open(t, dir, s)
			defer x.Close()
			if got, err := x.Position(context.Background()); err != nil || got != 0 || len(ids(t, x)) != 0 {
				t.Errorf("position %d %v with %v", got, err, ids(t, x))
			}
			if err := x.Rebuild(context.Background(), 9, documents(searchtest.Documents())); err != nil {
				t.Fatal(err)
			}
			if got := ids(t, x); len(got) != len(searchtest.Documents()) {
				t.Errorf("after a rebuild: %v", got)
			}
		})
	}
}

// Closing ends a rebuild and leaves the old index.
func TestClosedWhileBuilding(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, searchtest.Settings(t))
	if err := x.Apply(context.Background(), search.Batch{Put: searchtest.Documents()[:3], Position: 1}); err != nil {
		t.Fatal(err)
	}
	begun, closed := make(chan struct{}), make(chan error)
	go func() {
		<-begun
		closed <- x.Close()
	}()
	err := x.Rebuild(context.Background(), 2, func(yield func(search.Document, error) bool) {
		close(begun)
		for { // without end, so that only Close can end it
			for _, d := range searchtest.Documents() {
				if !yield(d, nil) {
					return
				}
			}
		}
	})
	if err == nil {
		t.Error("a rebuild that was ended says that all is well")
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	x = open(t, dir, searchtest.Settings(t))
	defer x.Close()
	if got := ids(t, x); len(got) != 3 {
		t.Errorf("there is %v", got)
	}
}

// One wrong character in a run of Chinese still finds it, and the right run is
// not found together with half of it.
func TestChineseWithAWrongCharacter(t *testing.T) {
	x := open(t, t.TempDir(), searchtest.Settings(t))
	defer x.Close()
	if err := x.Apply(context.Background(), search.Batch{Put: searchtest.Documents(), Position: 1}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"居留许克": 1, "申请居六许可": 1, "居留": 1, "证": 0, "留": 1, "天气预报": 0} {
		r, err := x.Search(context.Background(), search.Query{Text: text, Locale: "zh"})
		if err != nil || r.Total != want {
			t.Errorf("%s: %d found, want %d (%v)", text, r.Total, want, err)
		}
	}
}

// A word whose documents are gone is not proposed any more, neither before the
// folder is opened again nor after, and does not keep a typo from being found.
func TestWordsThatAreGone(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	x := open(t, dir, searchtest.Settings(t))
	article := func(id, title string) search.Document {
		return search.Document{ID: id + "_it", Document: id, Version: "1", Type: "article", Locale: "it", Slug: id, Title: title}
	}
	ask := func(text string) *search.Result {
		t.Helper()
		r, err := x.Search(ctx, search.Query{Text: text, Locale: "it"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := x.Apply(ctx, search.Batch{Position: 1, Put: []search.Document{article("a", "Il girasole"), article("b", "Il girasale")}}); err != nil {
		t.Fatal(err)
	}
	if r := ask("girasile "); r.Total != 2 || r.DidYouMean == "" {
		t.Fatalf("before: %+v", r)
	}
	for range 100 { // a document that changes often makes no word common
		if err := x.Apply(ctx, search.Batch{Position: 2, Put: []search.Document{article("b", "Il girasale")}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Apply(ctx, search.Batch{Position: 2, Remove: []string{"b_it"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := ask("girasile "); r.Total != 1 || r.DidYouMean != "girasole" {
			t.Errorf("a typo: %+v", r)
		}
		if r := ask("girasale "); r.Total != 1 || r.DidYouMean != "girasole" {
			t.Errorf("the word that is gone: %+v", r)
		}
		if list, err := x.Suggest(ctx, search.SuggestQuery{Text: "il girasale", Locale: "it"}); err != nil || len(list) != 1 || list[0].Text != "Il girasole" {
			t.Errorf("suggested: %+v %v", list, err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		x = open(t, dir, searchtest.Settings(t))
	}
	x.Close()
}

// Changes that come during a rebuild win over what its source gives, whenever
// they come, and what waits for the new index is bounded.
func TestChangesDuringARebuild(t *testing.T) {
	x := open(t, t.TempDir(), searchtest.Settings(t))
	defer x.Close()
	ctx := context.Background()
	heavy := func(id, version string) search.Document {
		return search.Document{ID: id + "_it", Document: id, Version: version, Type: "article", Locale: "it", Slug: id, Title: id, Body: strings.Repeat("x", 700_000)}
	}
	last, applied := int64(6), make(chan error, 1)
	err := x.Rebuild(ctx, 5, func(yield func(search.Document, error) bool) {
		if err := x.Apply(ctx, search.Batch{Position: last, Put: []search.Document{heavy("changed", "new")}, Remove: []string{"withdrawn_it"}}); err != nil {
			t.Error(err)
		}
		for { // the rebuild stands still: more than may wait is not taken
			short, cancel := context.WithTimeout(ctx, time.Second)
			err := x.Apply(short, search.Batch{Position: last + 1, Put: []search.Document{heavy("again", "new")}})
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if last++; err != nil || last > 40 {
				t.Errorf("change %d: %v", last, err)
				return
			}
		}
		go func() { // it is taken when the rebuild goes on
			last++
			applied <- x.Apply(ctx, search.Batch{Position: last, Put: []search.Document{heavy("again", "newest")}})
		}()
		for i := range 3000 {
			d := heavy("filler", "old")
			d.Body = ""
			d.ID, d.Document = d.ID+strconv.Itoa(i), d.Document+strconv.Itoa(i)
			if !yield(d, nil) {
				return
			}
		}
		for _, id := range []string{"changed", "withdrawn", "again", "kept"} {
			if !yield(heavy(id, "old"), nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-applied; err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	entries, err := x.Entries(ctx, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		versions[e.ID] = e.Version
	}
	for id, want := range map[string]string{"changed_it": "new", "withdrawn_it": "", "again_it": "newest", "kept_it": "old"} {
		if versions[id] != want {
			t.Errorf("%s: version %q, want %q", id, versions[id], want)
		}
	}
	if got, err := x.Position(ctx); err != nil || got != last {
		t.Errorf("position %d %v", got, err)
	}
}
