package searchtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/search"
)

func apply(t testing.TB, index search.Index, b search.Batch) {
	t.Helper()
	if err := index.Apply(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func position(t testing.TB, index search.Index, want int64) {
	t.Helper()
	if got, err := index.Position(context.Background()); err != nil || got != want {
		t.Errorf("position %d %v, want %d", got, err, want)
	}
}

func found(t testing.TB, index search.Index, q search.Query, want string) {
	t.Helper()
	if got := sortedSlugs(ask(t, index, q)); got != want {
		t.Errorf("%q finds %q, want %q", q.Text, got, want)
	}
}

func testChanges(t *testing.T, d Driver) {
	index := d.open(t)
	position(t, index, 0)
	found(t, index, search.Query{Locale: "it"}, "")
	one := doc("uno", "it", "article", "Prima versione", "", "", facet("topic", "health"))
	apply(t, index, search.Batch{Put: []search.Document{one}, Position: 1})
	found(t, index, text("prima", "it"), "uno")
	// Another version takes the place of the first, in words, facts and titles.
	one.Title, one.Facets = "Seconda stesura", map[string][]string{"topic": {"housing"}}
	apply(t, index, search.Batch{Put: []search.Document{one}, Position: 2})
	found(t, index, text("prima", "it"), "")
	found(t, index, text("seconda", "it"), "uno")
	found(t, index, filtered("topic", "health"), "")
	found(t, index, filtered("topic", "housing"), "uno")
	if list, err := index.Suggest(context.Background(), search.SuggestQuery{Text: "prima", Locale: "it"}); err != nil || len(list) != 0 {
		t.Errorf("a title that is gone is suggested: %v %v", list, err)
	}
	// Putting again and removing what is not there do nothing.
	apply(t, index, search.Batch{Put: []search.Document{one}, Remove: []string{"nobody_it"}, Position: 3})
	found(t, index, search.Query{Locale: "it"}, "uno")
	// Out and in at once: it is in.
	apply(t, index, search.Batch{Put: []search.Document{one}, Remove: []string{one.ID}, Position: 4})
	found(t, index, search.Query{Locale: "it"}, "uno")
	two := doc("due", "it", "article", "Altra pagina", "", "")
	apply(t, index, search.Batch{Put: []search.Document{two}, Remove: []string{one.ID}, Position: 5})
	found(t, index, search.Query{Locale: "it"}, "due")
	found(t, index, text("seconda", "it"), "")
	apply(t, index, search.Batch{Position: 6})
	position(t, index, 6)
	// A document that gets another language leaves the readers who have theirs.
	two.Locales = []string{"en", "it"}
	apply(t, index, search.Batch{Put: []search.Document{two}, Position: 7})
	found(t, index, search.Query{Locale: "en", Locales: []string{"en", "it"}}, "")
	found(t, index, search.Query{Locale: "it"}, "due")
}

func testEntries(t *testing.T, d Driver) {
	index := d.filled(t)
	position(t, index, 7)
	want := map[string]bool{}
	for _, d := range Documents() {
		want[d.ID] = true
	}
	if n, err := index.Count(context.Background()); err != nil || n != len(want) {
		t.Errorf("count %d %v, want %d", n, err, len(want))
	}
	after := ""
	for {
		page, err := index.Entries(context.Background(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if e.ID <= after || !want[e.ID] || e.Version != "v1" {
				t.Errorf("entry %+v after %q", e, after)
			}
			delete(want, e.ID)
			after = e.ID
		}
		if len(page) < 3 {
			break
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

func sequence(list []search.Document, last error) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for _, d := range list {
			if !yield(d, nil) {
				return
			}
		}
		if last != nil {
			yield(search.Document{}, last)
		}
	}
}

// A rebuild replaces everything, and what changes meanwhile is in it too.
func testRebuild(t *testing.T, d Driver) {
	index := d.filled(t)
	ctx := context.Background()
	late := doc("tardi", "it", "article", "Arrivata durante", "", "")
	documents := func(yield func(search.Document, error) bool) {
		for i, d := range Documents()[:4] {
			if i == 2 { // the live index goes on
				found(t, index, text("ambulatorio", "it"), "ambulatorio rubrica")
				apply(t, index, search.Batch{Put: []search.Document{late}, Remove: []string{"alloggio_it"}, Position: 9})
				found(t, index, text("arrivata", "it"), "tardi")
			}
			if !yield(d, nil) {
				return
			}
		}
	}
	if err := index.Rebuild(ctx, 8, documents); err != nil {
		t.Fatal(err)
	}
	found(t, index, search.Query{Locale: "it"}, "minori permesso tardi")
	position(t, index, 9)
	apply(t, index, search.Batch{Put: Documents(), Position: 10})
	found(t, index, text("ambulatorio", "it"), "ambulatorio rubrica")
	if err := index.Rebuild(ctx, 11, sequence(nil, nil)); err != nil {
		t.Fatal(err)
	}
	found(t, index, search.Query{Locale: "it"}, "")
	position(t, index, 11)
}

func testFailedRebuild(t *testing.T, d Driver) {
	index := d.filled(t)
	broken := errors.New("the source broke")
	if err := index.Rebuild(context.Background(), 8, sequence(Documents()[:2], broken)); !errors.Is(err, broken) {
		t.Errorf("a rebuild from a broken source: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := index.Rebuild(ctx, 8, sequence(Documents()[:2], nil)); err == nil {
		t.Error("a cancelled rebuild ends without an error")
	}
	found(t, index, text("ambulatorio", "it"), "ambulatorio rubrica")
	position(t, index, 7)
	if err := index.Rebuild(context.Background(), 8, sequence(Documents(), nil)); err != nil {
		t.Errorf("a rebuild after one that failed: %v", err)
	}
}

// hostile is what people and machines send.
var hostile = []string{
	`"`, `""`, `"""`, `-`, `--`, `-"`, `*`, `?`, `~`, `\`, `/.*/`, `title:permesso`, `+permesso -`, `permesso^9`, `(((`,
	`a AND (b OR`, `type = "service"`, `" OR 1=1 --`, `_geoRadius(0,0,1)`, "\x00", "\u202e\u2066", "🙂🚀👨‍👩‍👧‍👦", "ﷺ", "\u064b\u064c\u064d",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"e\u0301\u0301\u0301\u0301\u0301\u0301", "\ufeff", "𝕡𝕖𝕣𝕞𝕖𝕤𝕤𝕠", "٪", "a a a a a a a a a a a a a a a a a a a a a a a a a a",
	`-a -b -c -d -e -f -g -h -i -j -k -l -m -n -o -p -q`, `"a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o"`,
}

// Nothing that is typed is syntax, breaks the answer or takes long.
func testHostile(t *testing.T, d Driver) {
	index := d.filled(t)
	long := []string{strings.Repeat("permesso ", 55), strings.Repeat("x", 500), strings.Repeat("居", 500), strings.Repeat(`"`, 500), strings.Repeat("é", 500)}
	for _, typed := range append(hostile, long...) {
		start := time.Now()
		r := ask(t, index, text(typed, "it"))
		if len(r.Hits) > r.Total {
			t.Errorf("%q: %d hits of %d", typed, len(r.Hits), r.Total)
		}
		if _, err := index.Suggest(context.Background(), search.SuggestQuery{Text: typed, Locale: "it"}); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%.40q took %v", typed, took)
		}
	}
	for _, nothing := range []string{"🙂🚀", "\u064b\u064c", "!!!"} {
		found(t, index, text(nothing, "it"), "")
	}
}

func testRefusals(t *testing.T, d Driver) {
	index := d.filled(t)
	for name, q := range map[string]search.Query{
		"long":   {Text: strings.Repeat("a", 10_000)},
		"limit":  {Limit: 1e9},
		"facet":  {Filters: map[string][]string{`type = "a" OR type`: {"b"}}},
		"world":  {Near: &search.Point{Lat: 100}},
		"sort":   {Sort: "_geoPoint(0,0):asc"},
		"locale": {Locale: "tlh"},
	} {
		var bad *search.Invalid
		if _, err := index.Search(context.Background(), q); !errors.As(err, &bad) || len(bad.Issues) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var bad *search.Invalid
	if _, err := index.Suggest(context.Background(), search.SuggestQuery{Text: "a", Limit: 1000}); !errors.As(err, &bad) {
		t.Errorf("suggest: %v", err)
	}
}

func testContext(t *testing.T, d Driver) {
	index := d.filled(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := index.Search(ctx, text("ambulatorio", "it")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled search: %v", err)
	}
	if err := index.Apply(ctx, search.Batch{Position: 99}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled change: %v", err)
	}
	position(t, index, 7)
}

// Readers and writers at the same time never see half a change.
func testTogether(t *testing.T, d Driver) {
	index := d.filled(t)
	ctx := context.Background()
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := index.Search(ctx, search.Query{Text: "gemelli", Locale: "it", Facets: []string{"type"}})
				if err != nil || r.Total != 0 && r.Total != 2 || len(r.Hits) != r.Total {
					t.Errorf("half a change is seen: %+v %v", r, err)
					return
				}
			}
		})
	}
	for i := range 20 {
		a := doc("gemello-a", "it", "article", "Gemelli", "", fmt.Sprint("passo ", i))
		b := doc("gemello-b", "it", "service", "Gemelli", "", fmt.Sprint("passo ", i))
		apply(t, index, search.Batch{Put: []search.Document{a, b}, Position: int64(100 + 2*i)})
		if i%3 == 0 {
			apply(t, index, search.Batch{Remove: []string{a.ID, b.ID}, Position: int64(101 + 2*i)})
		}
		if i == 10 {
			if err := index.Rebuild(ctx, 110, sequence(append(Documents(), a, b), nil)); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	readers.Wait()
}
