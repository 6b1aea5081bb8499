package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/searchtest"
)

// The national portal that the figures are for.
const (
	portalServices = 20_000
	portalArticles = 30_000
)

// Questions are asked one at a time: the first ones only to warm what is cold.
const (
	warming   = 200
	questions = 1000
)

// taken is what a run of operations took, one by one: by the clock, and of the
// processors (the mean), which a busy machine does not stretch as much.
type taken struct{ p50, p99, cpu time.Duration }

func (t taken) String() string {
	return fmt.Sprintf("99 %% %.1f ms, median %.1f, %.1f ms CPU each", milli(t.p99), milli(t.p50), milli(t.cpu))
}

func milli(d time.Duration) float64 { return micro(d) / 1000 }

// timed runs an operation a few times and then counts; used reads the time of the
// processors.
func timed(warm, n int, used func() (time.Duration, error), operation func() error) (t taken, err error) {
	for range warm {
		if err := operation(); err != nil {
			return t, err
		}
	}
	before, err := used()
	if err != nil {
		return t, err
	}
	all := make([]time.Duration, n)
	for i := range all {
		start := time.Now()
		if err := operation(); err != nil {
			return t, err
		}
		all[i] = time.Since(start)
	}
	after, err := used()
	return taken{middle(all, 0.5), middle(all, 0.99), (after - before) / time.Duration(n)}, err
}

// ownTime is what this process has used of the processors, with what its garbage
// collector did.
func ownTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// within adds a row with a limit for 99 of 100.
func (b *bench) within(limit time.Duration, what string, t taken) {
	b.add(t.p99 < limit, what, t.String(), "", "", fmt.Sprintf("99 %% < %d ms", limit.Milliseconds()))
}

// corpus reads what portals are made of; nil, after a row that says so, when the
// shared material is not there.
func (b *bench) corpus(what string) (*searchtest.Corpus, error) {
	c, err := searchtest.ReadCorpus(sharedFolder)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, " ", err)
		b.add(true, what, notMeasured+": "+sharedFolder+" is missing", "", "", "")
		return nil, nil
	}
	return c, err
}

// portal measures the embedded engine with a whole portal in it. Its documents
// go straight into the engine; what goes the whole way is measured by directory.
func (b *bench) portal() error {
	what := fmt.Sprintf("%d services and %d articles", portalServices, portalArticles)
	corpus, err := b.corpus(what)
	if corpus == nil {
		return err
	}
	settings, err := search.Derive(schemas.Default())
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "portal")
	before := heapNow()
	if err := b.rebuilding(dir, what, settings, corpus); err != nil {
		return err
	}
	start := time.Now()
	index, err := bleveindex.Open(bleveindex.Options{Dir: dir, Settings: settings})
	if err != nil {
		return err
	}
	defer index.Close()
	took := time.Since(start)
	b.add(true, "opened again", fmt.Sprintf("%.1f s", took.Seconds()), "", fmt.Sprintf("heap %+d MB", (heapNow()-before)>>20), "stated")
	if err := b.questions(index, corpus); err != nil {
		return err
	}
	n := 0
	change, err := timed(20, 300, ownTime, func() error {
		n++
		return index.Apply(b.ctx, search.Batch{Put: []search.Document{corpus.Document(n, true)}, Position: int64(n)})
	})
	b.add(true, "one document changed, durable", change.String(), "", "", "stated")
	return err
}

// rebuilding makes the index, and says how long that takes and with what memory.
func (b *bench) rebuilding(dir, what string, settings *search.Settings, corpus *searchtest.Corpus) error {
	index, err := bleveindex.Open(bleveindex.Options{Dir: dir, Settings: settings})
	if err != nil {
		return err
	}
	before := heapNow()
	resident, err := residentMemory(os.Getpid())
	if err != nil {
		return errors.Join(err, index.Close())
	}
	used, err := ownTime()
	if err != nil {
		return errors.Join(err, index.Close())
	}
	watch := watchMemory()
	start := time.Now()
	err = index.Rebuild(b.ctx, 1, corpus.Documents(portalServices, portalArticles))
	took := time.Since(start)
	heap, most := watch()
	after, failed := ownTime()
	if err = errors.Join(err, failed, index.Close()); err != nil {
		return err
	}
	b.add(took < time.Minute, "rebuild of "+what, fmt.Sprintf("%.1f s, %.1f s CPU", took.Seconds(), (after-used).Seconds()), "",
		fmt.Sprintf("heap at most %+d MB, resident %+d MB", (heap-before)>>20, (most-resident)>>20), "< 60 s")
	return nil
}

// watchMemory looks ten times a second until the function it gives is called:
// the largest heap and the largest resident memory, in bytes. What Bleve maps of
// its files counts as resident.
func watchMemory() (most func() (heap, resident int64)) {
	stop, done := make(chan struct{}), make(chan [2]int64)
	go func() {
		var top [2]int64
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top[0] = max(top[0], int64(m.HeapAlloc))
			if rss, err := residentMemory(os.Getpid()); err == nil {
				top[1] = max(top[1], rss)
			}
			select {
			case <-tick.C:
			case <-stop:
				tick.Stop()
				done <- top
				return
			}
		}
	}()
	return func() (int64, int64) {
		close(stop)
		top := <-done
		return top[0], top[1]
	}
}

// heapNow is what is in use.
func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// questions asks of every kind.
func (b *bench) questions(index search.Index, corpus *searchtest.Corpus) error {
	facets := []string{search.FacetTerritory, search.FacetTopic}
	others := strings.Fields("en fr es ar bn zh-Hans")
	common := commonPhrases(corpus, "it")
	find := func(q search.Query) (int, error) {
		r, err := index.Search(b.ctx, q)
		if err != nil {
			return 0, err
		}
		return r.Total, nil
	}
	for _, kind := range []struct {
		what  string
		limit time.Duration // 0: stated, over fewer questions
		ask   func(*rand.Rand) (found int, err error)
	}{
		{"1 to 3 words, one with a typo, two facets counted", 25 * time.Millisecond, func(r *rand.Rand) (int, error) {
			return find(search.Query{Text: corpus.Query(r, "it", true), Locale: "it", Facets: facets})
		}},
		{"the same in six languages, Italian beside", 25 * time.Millisecond, func(r *rand.Rand) (int, error) {
			locale := others[r.IntN(len(others))]
			return find(search.Query{Text: corpus.Query(r, locale, true), Locale: locale, Locales: []string{locale, "it"}, Facets: facets})
		}},
		{"a title as it is typed", 8 * time.Millisecond, func(r *rand.Rand) (int, error) {
			list, err := index.Suggest(b.ctx, search.SuggestQuery{Text: corpus.Title(r, portalServices), Locale: "it", Locales: []string{"it", "en"}})
			return len(list), err
		}},
		{"within 50 km, type and language, one facet, nearest first", 15 * time.Millisecond, func(r *rand.Rand) (int, error) {
			p := corpus.Place(r)
			return find(search.Query{
				Locale: "it", Near: &p, RadiusMetres: 50_000, Sort: search.SortDistance, Facets: facets[1:],
				Filters: map[string][]string{search.FacetLanguage: {"ar", "bn"}, search.FacetType: {"service"}},
			})
		}},
		{"the same with 1 to 3 words, best first", 15 * time.Millisecond, func(r *rand.Rand) (int, error) {
			p := corpus.Place(r)
			return find(search.Query{
				Text: corpus.Query(r, "it", false), Locale: "it", Near: &p, RadiusMetres: 50_000, Facets: facets[1:],
				Filters: map[string][]string{search.FacetLanguage: {"ar", "bn", "it"}, search.FacetType: {"service"}},
			})
		}},
		{"a phrase of two of the commonest words", 0, func(r *rand.Rand) (int, error) {
			return find(search.Query{Text: common[r.IntN(len(common))], Locale: "it"})
		}},
	} {
		r := rand.New(rand.NewPCG(7, 7))
		asked, something := 0, 0
		warm, n := warming, questions
		if kind.limit == 0 {
			warm, n = warming/10, questions/10
		}
		t, err := timed(warm, n, ownTime, func() error {
			n, err := kind.ask(r)
			if asked++; n > 0 {
				something++
			}
			return err
		})
		if err == nil && 2*something < asked {
			err = fmt.Errorf("only %d of %d questions found anything: the figure would say nothing", something, asked)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind.what, err)
		}
		if kind.limit == 0 {
			b.add(true, kind.what, t.String(), "", "", "stated")
			continue
		}
		b.within(kind.limit, kind.what, t)
	}
	return nil
}

// commonPhrases makes phrases of the words that texts use most.
func commonPhrases(corpus *searchtest.Corpus, locale string) (out []string) {
	r := rand.New(rand.NewPCG(3, 3))
	uses := map[string]int{}
	for range 50_000 {
		uses[corpus.Word(r, locale)]++
	}
	words := make([]string, 0, len(uses))
	for w := range uses {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int {
		if uses[a] != uses[b] {
			return uses[b] - uses[a]
		}
		return strings.Compare(a, b)
	})
	words = words[:min(len(words), 12)]
	for _, a := range words {
		for _, b := range words {
			out = append(out, `"`+a+" "+b+`"`)
		}
	}
	return out
}
