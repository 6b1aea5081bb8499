package webhooks

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/mongoengine"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/schemas"
)

var ctx = context.Background()

const site = "https://prassi.example"

// world is Hooks over a real store, service and catalogue, in a time that the
// test may move.
type world struct {
	t       testing.TB
	address string // of the store, for other processes
	store   content.Store
	service *content.Service
	catalog *catalog.Catalog
	hooks   *Hooks

	mu    sync.Mutex
	ahead time.Duration // of the real time
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func (w *world) turn(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// openStore opens a store by its address: a file or a mongodb:// URI.
func openStore(address string) (content.Store, error) {
	if strings.HasPrefix(address, "mongodb://") {
		return mongostore.Open(ctx, address)
	}
	return sqlitestore.Open(ctx, address)
}

func sqliteAddress(t testing.TB) string { return filepath.Join(t.TempDir(), "prassi.db") }

func mongoAddress(t testing.TB) string {
	server, settings, _ := strings.Cut(mongoengine.Start(t), "/?")
	return server + "/" + mongoengine.DatabaseName() + "?" + settings
}

// onEngines runs a test on both engines.
func onEngines(t *testing.T, test func(t *testing.T, address string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, sqliteAddress(t)) })
	t.Run("mongodb", func(t *testing.T) { t.Parallel(); test(t, mongoAddress(t)) })
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	return over(t, sqliteAddress(t), change...)
}

// over makes the world of one process on a store.
func over(t testing.TB, address string, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, address: address}
	var err error
	w.store, err = openStore(address)
	w.must(err)
	t.Cleanup(func() { w.store.Close() })
	w.service, err = content.New(w.store, schemas.Default(), content.Options{Clock: w.now})
	w.must(err)
	w.catalog, err = catalog.Open(ctx, catalog.Options{Dir: filepath.Join(t.TempDir(), "catalog"), Source: w.store, Schemas: schemas.Default(), Clock: w.now})
	w.must(err)
	t.Cleanup(func() { w.catalog.Close() })
	opt := Options{
		Ledger: audit.New(w.store, w.now), Log: w.store, Catalog: w.catalog, Schemas: schemas.Default(),
		Outgoing:  outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots()},
		PublicURL: site + "/", Page: func(e catalog.Entry) string {
			return site + "/" + e.Locale() + "/" + e.Collection() + "/" + e.Slug() + "/"
		},
		Clock: w.now, Logger: leak.Logger(),
	}
	for _, f := range change {
		f(&opt)
	}
	w.hooks = New(opt)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run serves until the test ends.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); w.hooks.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	eventually(w.t, "the subscriptions are read", func() bool {
		w.hooks.mu.Lock()
		defer w.hooks.mu.Unlock()
		return w.hooks.began
	})
	return stop
}

// round does by hand, once and in order, what Run does.
func (w *world) round() {
	w.t.Helper()
	_, err := w.hooks.refresh(ctx)
	w.must(err)
	w.follow()
	w.hooks.mu.Lock()
	var all []*runner
	for _, r := range w.hooks.lanes {
		all = append(all, r)
	}
	w.hooks.mu.Unlock()
	for _, r := range all {
		_, err := r.turn(ctx)
		w.must(err)
	}
}

// follow does what package jobs does after a write.
func (w *world) follow() {
	w.t.Helper()
	for {
		n, err := w.store.Relay(ctx)
		w.must(err)
		if n == 0 {
			break
		}
	}
	w.must(w.hooks.CatchUp(ctx))
}

// practice brings a page in; slug names it.
func (w *world) item(slug, locale, title, territory string) string {
	w.t.Helper()
	results, err := w.service.Import(ctx, content.System("test"), []content.Incoming{{
		Type: "article", Variants: []content.IncomingVariant{{Locale: locale, Slug: slug, Publish: true, Fields: map[string]any{
			"title": title, "summary": "Riassunto.", "body": "Testo.", "territories": []any{territory}, "topics": []any{"housing"},
		}}},
	}}, false)
	w.must(err)
	if p := results[0].Problem; p != nil {
		w.t.Fatalf("%s: %v %+v", slug, p, p.Fields)
	}
	return results[0].Document
}

// update publishes a new revision.
func (w *world) update(id, slug, locale, title, territory string) {
	w.t.Helper()
	results, err := w.service.Import(ctx, content.System("test"), []content.Incoming{{
		Type: "article", ID: id, Variants: []content.IncomingVariant{{Locale: locale, Slug: slug, Publish: true, Fields: map[string]any{
			"title": title, "summary": "Riassunto.", "body": "Testo.", "territories": []any{territory}, "topics": []any{"housing"},
		}}},
	}}, false)
	w.must(err)
	if p := results[0].Problem; p != nil {
		w.t.Fatalf("%s: %v %+v", slug, p, p.Fields)
	}
}

// step takes a variant through the workflow.
func (w *world) step(id, locale, name string) {
	w.t.Helper()
	_, err := w.service.Transition(ctx, content.System("test"), id, locale, "*", content.Step{Name: name, Comment: "Prova."})
	w.must(err)
}

var (
	authority = sync.OnceValue(func() *httptest.Server { return httptest.NewTLSServer(http.NotFoundHandler()) })
)

// roots are the certificates of httptest's servers.
func roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority().Certificate())
	return pool
}

// got is a request as a receiver had it.
type got struct {
	at     time.Time
	id     string
	body   []byte
	header http.Header
	Type   string
	Data   struct {
		ID, Type, Collection, Locale, Slug, Title, URL, Webhook, Build string
		API                                                            string `json:"api_url"`
		Seq                                                            int64
		Changed                                                        int
		MergedInto                                                     *struct{ ID string } `json:"merged_into"`
	}
	answered int
	gone     <-chan struct{} // closed when the sender is, or has hung up
}

// receiver is a server that keeps what it is told.
type receiver struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	list   []got
	answer func(http.ResponseWriter, *got) int
}

// newReceiver starts one; answer says the status (200 when nil), and may write
// headers first; below zero it has answered itself.
func newReceiver(t testing.TB, answer func(http.ResponseWriter, *got) int) *receiver {
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewTLSServer(r)
	t.Cleanup(func() { r.CloseClientConnections(); r.Close() })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	g := got{at: time.Now(), id: req.Header.Get(headerID), header: req.Header.Clone(), gone: req.Context().Done()}
	var err error
	if g.body, err = io.ReadAll(req.Body); err != nil || json.Unmarshal(g.body, &g) != nil {
		r.t.Errorf("a body that is no JSON: %q %v", g.body, err)
	}
	status := http.StatusOK
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		status = answer(w, &g)
	}
	g.answered = status
	r.mu.Lock()
	r.list = append(r.list, g)
	r.mu.Unlock()
	if status > 0 {
		w.WriteHeader(status)
	}
}

func (r *receiver) set(answer func(http.ResponseWriter, *got) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// all gives what came so far.
func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got(nil), r.list...)
}

// take gives what came since the last time.
func (r *receiver) take() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.list
	r.list = nil
	return out
}

// subscribe makes a subscription and its verifier.
func (w *world) subscribe(url string, f Filter) (Subscription, *standardwebhooks.Webhook) {
	w.t.Helper()
	name := "Prova"
	s, secret, err := w.hooks.Create(ctx, content.System("test"), Wish{Name: &name, URL: &url, Filter: &f})
	w.must(err)
	return s, w.verifier(secret.Reveal())
}

func (w *world) verifier(secret string) *standardwebhooks.Webhook {
	w.t.Helper()
	v, err := standardwebhooks.NewWebhook(leak.Secret(secret))
	w.must(err)
	return v
}

func (w *world) log(s Subscription) []*Delivery {
	w.t.Helper()
	list, err := w.hooks.Deliveries(ctx, s.ID, Query{})
	w.must(err)
	return list
}

func (w *world) code(err error, code string) {
	w.t.Helper()
	var p *content.Problem
	if !errors.As(err, &p) || p.Code != code {
		w.t.Errorf("%v, want %s", err, code)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// sorted is kinds by name: documents are in no order among each other.
func sorted(list []got) string {
	parts := strings.Split(kinds(list), ", ")
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// kinds writes what came in short.
func kinds(list []got) string {
	var out []string
	for _, g := range list {
		out = append(out, strings.TrimSpace(g.Type+" "+g.Data.Slug))
	}
	return strings.Join(out, ", ")
}

// strangers reaches this machine and trusts nobody.
var strangers = outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: x509.NewCertPool()}

// standstill adds up how long this process was kept from the processor, in pieces
// that matter: a limit on time is one beyond that.
func standstill(t *testing.T) func() time.Duration {
	t.Helper()
	var lost atomic.Int64
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	go func() {
		const nap = 5 * time.Millisecond
		for {
			began := time.Now()
			select {
			case <-end:
				return
			case <-time.After(nap):
			}
			if late := time.Since(began) - nap; late > 10*nap {
				lost.Add(int64(late))
			}
		}
	}()
	return func() time.Duration { return time.Duration(lost.Load()) }
}
