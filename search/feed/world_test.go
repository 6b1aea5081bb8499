package feed_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/feed"
)

// world is an index over the real catalogue, service and store.
type world struct {
	t        testing.TB
	store    content.Store
	service  *content.Service
	catalog  *catalog.Catalog
	settings *search.Settings
	dir      string
	index    *breakable
	feed     *feed.Feed
}

type values = map[string]any

var (
	system = content.System("test")
	editor = content.Actor{ID: "redazione", Grants: []content.Grant{{Role: "editor"}}}
	places = schemas.Default().Territories().WithMunicipalities([]schemas.Municipality{
		{ISTAT: "100005", Name: "Prato", Province: "100", Lat: 43.88, Lon: 11.1},
	})
)

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{t: t, dir: t.TempDir()}
	store, err := sqlitestore.Open(ctx, filepath.Join(w.dir, "store.db"))
	w.must(err)
	t.Cleanup(func() { store.Close() })
	w.store = store
	w.service, err = content.New(store, schemas.Default(), content.Options{Territories: places})
	w.must(err)
	w.catalog, err = catalog.Open(ctx, catalog.Options{Dir: filepath.Join(w.dir, "catalog"), Source: store, Territories: places})
	w.must(err)
	t.Cleanup(func() { w.catalog.Close() })
	derived, err := search.Derive(schemas.Default())
	w.must(err)
	w.settings = derived.WithPlaces(places)
	w.open()
	t.Cleanup(func() { w.index.Close() })
	return w
}

// open opens the folder of the index and feeds it.
func (w *world) open() {
	w.t.Helper()
	x, err := bleveindex.Open(bleveindex.Options{Dir: filepath.Join(w.dir, "search"), Settings: w.settings})
	w.must(err)
	w.index = &breakable{Index: x}
	w.feed = feed.New(w.catalog, w.index, w.settings, nil)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bring publishes documents and gives their ids.
func (w *world) bring(batch ...content.Incoming) (ids []string) {
	w.t.Helper()
	results, err := w.service.Import(context.Background(), system, batch, false)
	w.must(err)
	for _, r := range results {
		if r.Problem != nil {
			w.t.Fatalf("%s: %v %+v", r.Slug, r.Problem, r.Problem.Fields)
		}
		if len(ids) == 0 || ids[len(ids)-1] != r.Document {
			ids = append(ids, r.Document)
		}
	}
	return ids
}

func article(slug, title string, more ...content.IncomingVariant) content.Incoming {
	return content.Incoming{Type: "article", Variants: append([]content.IncomingVariant{
		{Locale: "it", Slug: slug, Fields: values{"title": title, "summary": "Riassunto", "body": "Testo"}, Publish: true},
	}, more...)}
}

func (w *world) step(id, locale, name string) {
	w.t.Helper()
	_, err := w.service.Transition(context.Background(), content.Actor{ID: "direzione", Grants: editor.Grants}, id, locale, "*", content.Step{Name: name})
	w.must(err)
}

func (w *world) catchUp() {
	w.t.Helper()
	w.relay()
	w.must(w.feed.CatchUp(context.Background()))
}

// relay moves the events to the log, as the runner does.
func (w *world) relay() {
	w.t.Helper()
	for {
		n, err := w.store.Relay(context.Background())
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// found gives the slugs that a question finds.
func (w *world) found(q search.Query) (slugs []string) {
	w.t.Helper()
	if q.Locale == "" {
		q.Locale = "it"
	}
	r, err := w.feed.Search(context.Background(), q)
	w.must(err)
	for _, h := range r.Hits {
		slugs = append(slugs, h.Slug)
	}
	return slugs
}

func (w *world) finds(text string, n int) {
	w.t.Helper()
	if got := w.found(search.Query{Text: text}); len(got) != n {
		w.t.Errorf("%q finds %v, want %d", text, got, n)
	}
}

// clean fails when index and catalogue differ.
func (w *world) clean() {
	w.t.Helper()
	w.relay()
	found, err := w.feed.Verify(context.Background())
	w.must(err)
	for _, d := range found {
		w.t.Errorf("verify: %+v", d)
	}
}

// breakable is an engine that can be down, for reading and writing or halfway
// through writing.
type breakable struct {
	search.Index
	down    atomic.Bool
	lies    atomic.Bool  // what is taken is said to have failed
	after   atomic.Int64 // batches that are still taken, when not 0
	applied atomic.Int64
	rebuilt atomic.Int64
}

var errDown = &search.Unavailable{Err: errors.New("broken on purpose")}

func (b *breakable) Apply(ctx context.Context, x search.Batch) error {
	if b.down.Load() {
		return errDown
	}
	if n := b.after.Load(); n > 0 {
		if n == 1 {
			return errDown
		}
		b.after.Store(n - 1)
	}
	b.applied.Add(1)
	err := b.Index.Apply(ctx, x)
	if b.lies.Load() {
		return errDown
	}
	return err
}

func (b *breakable) Position(ctx context.Context) (int64, error) {
	if b.down.Load() {
		return 0, errDown
	}
	return b.Index.Position(ctx)
}

func (b *breakable) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	if b.down.Load() {
		return nil, errDown
	}
	return b.Index.Search(ctx, q)
}

func (b *breakable) Rebuild(ctx context.Context, position int64, documents iter.Seq2[search.Document, error]) error {
	if b.down.Load() {
		return errDown
	}
	b.rebuilt.Add(1)
	return b.Index.Rebuild(ctx, position, documents)
}
