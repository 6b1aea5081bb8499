package auth_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

var (
	ctx    = context.Background()
	system = content.System("test")
	start  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

// world is one process over a store; more processes may be over the same.
type world struct {
	*auth.Auth
	t      testing.TB
	store  content.Store
	ledger *audit.Ledger
	clock  *clock
	path   string // of the SQLite file
}

func TestMain(m *testing.M) { leak.Main(m) }

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func newWorld(t testing.TB) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlitestore.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := over(t, store, &clock{now: start})
	w.path = path
	return w
}

func over(t testing.TB, store content.Store, c *clock) *world {
	ledger := audit.New(store, c.Now)
	return &world{Auth: auth.New(ledger, auth.Options{Clock: c.Now}), t: t, store: store, ledger: ledger, clock: c}
}

// process is another process on the same store.
func (w *world) process() *world { return over(w.t, w.store, w.clock) }

// onEngines runs a test on both engines.
func onEngines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel() // they wait for the disk most of the time
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t))
	})
	t.Run("mongodb", func(t *testing.T) {
		t.Parallel()
		server, settings, _ := strings.Cut(mongoengine.Start(t), "/?")
		store, err := mongostore.Open(ctx, server+"/"+mongoengine.DatabaseName()+"?"+settings)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		test(t, over(t, store, &clock{now: start}))
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// code wants an error to be that problem.
func (w *world) code(err error, code string) {
	w.t.Helper()
	var p *content.Problem
	if !errors.As(err, &p) || p.Code != code {
		w.t.Errorf("error %v, want %s", err, code)
	}
}

func (w *world) is(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("error %v, want %v", err, want)
	}
}

// person makes somebody with roles such as "reviewer@100".
func (w *world) person(id string, roles ...string) {
	w.t.Helper()
	p := auth.Person{ID: id, Name: "Name of " + id}
	for _, r := range roles {
		role, scope, _ := strings.Cut(r, "@")
		p.Grants = append(p.Grants, content.Grant{Role: role, Scope: scope})
	}
	w.must(w.PutPerson(ctx, system, p))
}

// actor gives somebody as they are now.
func (w *world) actor(id string) content.Actor {
	w.t.Helper()
	p, err := w.Person(ctx, id)
	w.must(err)
	a, err := w.Actor(ctx, p)
	w.must(err)
	return a
}

// roles writes somebody's roles of now in one text.
func (w *world) roles(id string) string {
	w.t.Helper()
	return roles(w.actor(id))
}

func roles(a content.Actor) string {
	var out []string
	for _, g := range a.Grants {
		out = append(out, g.String())
	}
	return strings.Join(out, " ")
}

func (w *world) login(person string) string {
	w.t.Helper()
	secret, _, err := w.StartSession(ctx, auth.NewSession{Person: person})
	w.must(err)
	leak.Secret(secret)
	return secret
}

// told lists the actions that the ledger tells of a subject, and verifies it.
func (w *world) told(subject string) string {
	w.t.Helper()
	entries, err := w.ledger.Entries(ctx, subject, 0, 0)
	w.must(err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Action)
	}
	w.verify()
	return strings.Join(out, " ")
}

func (w *world) verify() {
	w.t.Helper()
	r, err := w.ledger.Verify(ctx)
	w.must(err)
	for _, f := range r.Faults {
		w.t.Errorf("the ledger is broken: %+v", f)
	}
}

// race runs do in several goroutines at once and counts those that succeed.
func race(n int, do func(i int) error) (won int, errs []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				errs = append(errs, err)
			}
		})
	}
	close(begin)
	all.Wait()
	return won, errs
}
