package feed

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/search"
)

// Bounds of one batch: a document's variants are never parted.
const (
	batchDocuments = 256
	batchBytes     = 4 << 20
	entriesPage    = 5000
)

// lookAgain is how often an index is asked, while nothing changes here, whether
// somebody else has put it back.
const lookAgain = 5 * time.Second

// Feed keeps one index in step. It is a consumer of package jobs, and answers
// the questions of the API: while an index is being made for the first time it
// says that search is not available, rather than that there is nothing.
type Feed struct {
	catalog  *catalog.Catalog
	index    search.Index
	settings *search.Settings
	log      *slog.Logger

	mu       sync.Mutex // what follows, for as long as a CatchUp takes
	have     map[key]uint64
	gen      uint64 // of the catalogue when it was compared last; 0: not yet
	position int64  // of the index, when it was written or asked last
	asked    time.Time

	reached atomic.Int64 // the catalogue's cursor that the index reflects
	count   atomic.Int64
	locales atomic.Pointer[[]string]
	down    atomic.Bool // the last attempt failed
	ready   atomic.Bool // the index was whole once
}

// key names a variant.
type key struct{ document, locale string }

var seed = maphash.MakeSeed()

// hash stands for a version in memory.
func hash(version string) uint64 { return maphash.String(seed, version) }

// New makes a Feed; log nil means silence. Nothing is read before CatchUp.
func New(c *catalog.Catalog, i search.Index, s *search.Settings, log *slog.Logger) *Feed {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Feed{catalog: c, index: i, settings: s, log: log}
}

// Name is part of jobs.Consumer.
func (f *Feed) Name() string { return "search" }

// Settings are what may be asked.
func (f *Feed) Settings() *search.Settings { return f.settings }

// Locales are those in which there is anything, in the order of the declarations.
func (f *Feed) Locales() []string {
	if list := f.locales.Load(); list != nil {
		return *list
	}
	return nil
}

// tally counts what the index holds.
func (f *Feed) tally() {
	there := map[string]bool{}
	for k := range f.have {
		there[k.locale] = true
	}
	var list []string
	for _, tag := range f.settings.Locales {
		if there[tag] {
			list = append(list, tag)
		}
	}
	f.locales.Store(&list)
	f.count.Store(int64(len(f.have)))
}

// Stats are figures for operators.
type Stats struct {
	Documents int   // variants in the index
	Lag       int64 // events of the log that the catalogue knows and the index not yet
	Available bool  // the index is whole and was reached at the last attempt
}

// Stats gives figures for operators. It asks no engine.
func (f *Feed) Stats() Stats {
	return Stats{
		Documents: int(f.count.Load()), Lag: max(0, f.catalog.Cursor()-f.reached.Load()),
		Available: f.ready.Load() && !f.down.Load(),
	}
}

var errBuilding = &search.Unavailable{Err: errors.New("the index is being made")}

// Search answers a query: *search.Invalid when it is wrong, *search.Unavailable
// while there is no whole index.
func (f *Feed) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	if !f.ready.Load() {
		return nil, errBuilding
	}
	return f.index.Search(ctx, q)
}

// Suggest completes what is typed; its errors are those of Search.
func (f *Feed) Suggest(ctx context.Context, q search.SuggestQuery) ([]search.Suggestion, error) {
	if !f.ready.Load() {
		return nil, errBuilding
	}
	return f.index.Suggest(ctx, q)
}

// CatchUp brings the index to what the catalogue shows. It is idempotent, and an
// error leaves nothing undone for good: the next call begins by reading what the
// index holds.
func (f *Feed) CatchUp(ctx context.Context) error {
	// The catalogue's own consumer tells what is wrong with it.
	_ = f.catalog.CatchUp(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.catchUp(ctx)
	if err != nil {
		f.have, f.gen = nil, 0
		if ctx.Err() != nil {
			return err
		}
	}
	f.down.Store(err != nil)
	return err
}

func (f *Feed) catchUp(ctx context.Context) error {
	gen, cursor := f.catalog.Generation(), f.catalog.Cursor()
	if gen == f.gen && f.have != nil && time.Since(f.asked) < lookAgain {
		f.reached.Store(max(f.reached.Load(), cursor))
		return nil
	}
	position, err := f.index.Position(ctx)
	if err != nil {
		return err
	}
	f.asked = time.Now()
	if position == 0 && cursor > 0 {
		f.ready.Store(false)
		f.log.Info("the search index is made anew")
		start := time.Now()
		if err := f.rebuild(ctx); err != nil {
			return err
		}
		f.log.Info("the search index is made", "documents", f.count.Load(), "seconds", time.Since(start).Seconds())
		return nil
	}
	if f.have == nil || position < f.position {
		if f.have, err = f.held(ctx); err != nil {
			return err
		}
		f.gen = 0
	}
	f.position = position
	if gen != f.gen {
		if err := f.compare(ctx, cursor); err != nil {
			return err
		}
		f.gen = gen
		f.tally()
	}
	f.reached.Store(cursor)
	f.ready.Store(true)
	return nil
}

// held reads what the index holds.
func (f *Feed) held(ctx context.Context) (map[key]uint64, error) {
	out := map[key]uint64{}
	err := f.entries(ctx, func(e search.Entry) {
		out[keyOf(e.ID)] = hash(e.Version)
	})
	return out, err
}

func (f *Feed) entries(ctx context.Context, each func(search.Entry)) error {
	after := ""
	for {
		page, err := f.index.Entries(ctx, after, entriesPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			each(e)
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// keyOf reads the id of a variant in an index (search.DocumentID). A locale has
// no underscore.
func keyOf(id string) key {
	if i := strings.LastIndexByte(id, '_'); i >= 0 {
		return key{id[:i], id[i+1:]}
	}
	return key{document: id}
}

// work is what has to be done about one document.
type work struct {
	document string
	put      []catalog.Entry
	remove   []string // locales
}

// compare finds the documents whose variants the index does not hold as the
// catalogue does, and writes them.
func (f *Feed) compare(ctx context.Context, cursor int64) error {
	todo, err := f.differences(ctx)
	if err != nil || len(todo) == 0 {
		return err
	}
	b := batch{f: f}
	for i, w := range todo {
		if err := b.add(w); err != nil {
			return err
		}
		last := i == len(todo)-1
		if last || b.documents >= batchDocuments || b.bytes >= batchBytes {
			position := f.position
			if last {
				position = max(position, cursor)
			}
			if err := b.apply(ctx, position); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *Feed) differences(ctx context.Context) ([]work, error) {
	var out []work
	met := 0
	at := func(document string) *work {
		if n := len(out); n == 0 || out[n-1].document != document {
			out = append(out, work{document: document})
		}
		return &out[len(out)-1]
	}
	all := f.catalog.All()
	for e := range all {
		held, ok := f.have[key{e.ID(), e.Locale()}]
		if ok {
			met++
		}
		if !ok || held != hash(Version(e)) {
			w := at(e.ID())
			w.put = append(w.put, e)
		}
	}
	if met == len(f.have) {
		return out, ctx.Err()
	}
	// The index holds what is not public any more.
	public := make(map[key]bool, met)
	for e := range all {
		public[key{e.ID(), e.Locale()}] = true
	}
	gone := map[string][]string{}
	for k := range f.have {
		if !public[k] {
			gone[k.document] = append(gone[k.document], k.locale)
		}
	}
	for i := range out {
		out[i].remove = gone[out[i].document]
		delete(gone, out[i].document)
	}
	var removals []work
	for document, locales := range gone {
		removals = append(removals, work{document: document, remove: locales})
	}
	slices.SortFunc(removals, func(a, b work) int { return strings.Compare(a.document, b.document) })
	return append(removals, out...), ctx.Err() // what must not be found any more goes first
}

// batch gathers work.
type batch struct {
	f         *Feed
	buf       []byte
	next      search.Batch
	versions  map[key]uint64
	removed   []key
	documents int
	bytes     int
}

func (b *batch) add(w work) error {
	if b.versions == nil {
		b.versions = map[key]uint64{}
	}
	for _, locale := range w.remove {
		b.remove(w.document, locale)
	}
	for _, e := range w.put {
		d, err := documentOf(e, b.f.settings, &b.buf)
		if _, broken := errors.AsType[*unreadable](err); broken {
			b.f.log.Error("a published item cannot be searched and is left out", "error", err)
			b.remove(w.document, e.Locale()) // and what it was before, which nobody may see any more
			continue
		}
		if err != nil {
			return err
		}
		b.next.Put = append(b.next.Put, d)
		b.versions[key{d.Document, d.Locale}] = hash(d.Version)
		b.bytes += len(b.buf)
	}
	b.documents++
	return nil
}

func (b *batch) remove(document, locale string) {
	b.next.Remove = append(b.next.Remove, search.DocumentID(document, locale))
	b.removed = append(b.removed, key{document, locale})
}

// apply writes what was gathered and remembers what the index now holds.
func (b *batch) apply(ctx context.Context, position int64) error {
	b.next.Position = position
	if err := b.f.index.Apply(ctx, b.next); err != nil {
		return err
	}
	for _, k := range b.removed {
		delete(b.f.have, k)
	}
	for k, v := range b.versions {
		b.f.have[k] = v
	}
	b.f.position = position
	*b = batch{f: b.f, buf: b.buf}
	return nil
}

// Rebuild makes the index anew beside the live one, which goes on to answer and
// to take in changes.
func (f *Feed) Rebuild(ctx context.Context) error {
	err := f.rebuildIndex(ctx, f.catalog.Cursor(), f.catalog.All())
	// Changes that came while the rebuild began may be missing: compare.
	f.mu.Lock()
	defer f.mu.Unlock()
	f.have, f.gen = nil, 0
	if err != nil {
		return err
	}
	return f.catchUp(ctx)
}

// rebuild is Rebuild for who holds f.mu.
func (f *Feed) rebuild(ctx context.Context) error {
	if err := f.rebuildIndex(ctx, f.catalog.Cursor(), f.catalog.All()); err != nil {
		return err
	}
	if position, err := f.index.Position(ctx); err != nil {
		return err
	} else if position == 0 {
		return &search.Unavailable{Err: errors.New("the index is still empty after it was made")}
	}
	f.have, f.gen = nil, 0
	return f.catchUp(ctx)
}

func (f *Feed) rebuildIndex(ctx context.Context, cursor int64, all iter.Seq[catalog.Entry]) error {
	return f.index.Rebuild(ctx, cursor, func(yield func(search.Document, error) bool) {
		var buf []byte
		for e := range all {
			d, err := documentOf(e, f.settings, &buf)
			if _, broken := errors.AsType[*unreadable](err); broken {
				f.log.Error("a published item cannot be searched and is left out", "error", err)
				continue
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	})
}
