package freshness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/schemas"
)

const site = "https://prassi.example"

// world is a Keeper over a real store and service, in a time that the test moves,
// with a post office that keeps what it is given.
type world struct {
	t       testing.TB
	store   content.Store
	service *content.Service
	auth    *auth.Auth
	post    *post
	keeper  *Keeper

	mu  sync.Mutex
	now time.Time
}

// post composes every message as it would be sent, into a folder, and keeps it.
type post struct {
	folder mail.Sender
	w      *world

	mu   sync.Mutex
	sent []letterSent
	// fails is what happens instead, when it gives an error.
	fails func(mail.Message) error
}

type letterSent struct {
	mail.Message
	at time.Time
}

func (p *post) Send(ctx context.Context, m mail.Message) error {
	p.mu.Lock()
	fails := p.fails
	p.mu.Unlock()
	if fails != nil {
		if err := fails(m); err != nil {
			return err
		}
	}
	if err := p.folder.Send(ctx, m); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, letterSent{m, p.w.clock()})
	return nil
}

func (p *post) fail(f func(mail.Message) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = f
}

// take gives what was sent since the last time.
func (p *post) take() []letterSent {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.sent
	p.sent = nil
	return out
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) set(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = t
}

// day is the middle of a civil day.
func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Add(11 * time.Hour)
}

var ctx = context.Background()

var people = []auth.Person{
	{ID: "sara", Name: "Sara", Email: "sara@prefettura.example", Locale: "it", Grants: []content.Grant{{Role: "secretary", Scope: "100"}}},
	{ID: "rita", Name: "Rita", Email: "rita@prefettura.example", Locale: "it", Grants: []content.Grant{{Role: "reviewer", Scope: "100"}}},
	{ID: "ugo", Name: "Ugo", Email: "ugo@prefettura.example", Locale: "fr", Grants: []content.Grant{{Role: "reviewer", Scope: "015"}}},
	{ID: "edo", Name: "Edo", Email: "edo@redazione.example", Locale: "en", Grants: []content.Grant{{Role: "editor"}}},
	{ID: "carla", Name: "Carla", Email: "carla@orti.example", Locale: "it", Grants: []content.Grant{{Role: "contributor", Scope: "orti"}}},
	{ID: "karim", Name: "Karim", Email: "karim@orti.example", Locale: "ar", Grants: []content.Grant{{Role: "contributor", Scope: "orti"}}},
	{ID: "tariq", Name: "Tariq", Email: "tariq@example.org", Locale: "ar", Grants: []content.Grant{{Role: "translator", Scope: "ar"}}},
	{ID: "ada", Name: "Ada", Locale: "it", Grants: []content.Grant{{Role: "administrator"}}},
}

func newWorld(t testing.TB, wrap ...func(content.Store) content.Store) *world {
	t.Helper()
	w := &world{t: t, now: day("2026-01-10")}
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "prassi.db"))
	w.must(err)
	t.Cleanup(func() { store.Close() })
	w.store = store
	w.service, err = content.New(w.store, schemas.Default(), content.Options{Clock: w.clock})
	w.must(err)
	w.auth = auth.New(audit.New(w.store, w.clock), auth.Options{Clock: w.clock})
	for _, p := range people {
		w.must(w.auth.PutPerson(ctx, content.System("test"), p))
	}
	folder, err := mail.Open(mail.Config{To: filepath.Join(t.TempDir(), "mail"), From: "prassi@example.org", Clock: w.clock})
	w.must(err)
	w.post = &post{folder: folder, w: w}
	for _, f := range wrap {
		w.store = f(w.store)
	}
	w.keeper = w.another()
	return w
}

// another is the Keeper of another process on the same store.
func (w *world) another() *Keeper {
	return New(Options{
		Store: w.store, Service: w.service, Auth: w.auth, Sender: w.post, PublicURL: site + "/", Contact: "aiuto@example.org",
		Clock: w.clock, Log: slog.New(slog.DiscardHandler),
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// service publishes a service that was assured on that day; fields may change it.
func (w *world) publish(title, owner, assured string, fields map[string]any) string {
	w.t.Helper()
	all := map[string]any{
		"title": title, "summary": "Un aiuto.", "body": "Testo.", "territories": []any{"PO"}, "topics": []any{"housing"},
	}
	for k, v := range fields {
		all[k] = v
	}
	results, err := w.service.Import(ctx, content.System("test"), []content.Incoming{{
		Type: "service", Owner: owner, AssuredDate: assured, Variants: []content.IncomingVariant{{Locale: "it", Fields: all, Publish: true}},
	}}, false)
	w.must(err)
	if p := results[0].Problem; p != nil {
		w.t.Fatalf("%s: %v %+v", title, p, p.Fields)
	}
	return results[0].Document
}

func (w *world) get(id string) *content.Document {
	w.t.Helper()
	d, err := w.store.Get(ctx, id)
	w.must(err)
	return d
}

func (w *world) run() {
	w.t.Helper()
	w.must(w.keeper.Run(ctx))
	w.must(w.keeper.Tell(ctx))
}

// links gives the tokens of the links in a message.
var linkPattern = regexp.MustCompile(site + `/confirm/([0-9A-Za-z_-]+)`)

func tokens(m letterSent) []string {
	var out []string
	for _, found := range linkPattern.FindAllStringSubmatch(m.Text, -1) {
		out = append(out, found[1])
	}
	return out
}

// to gives the messages to an address.
func to(list []letterSent, address string) (out []letterSent) {
	for _, m := range list {
		if m.To == address {
			out = append(out, m)
		}
	}
	return out
}

func (w *world) code(err error, code string) {
	w.t.Helper()
	var p *content.Problem
	if !errors.As(err, &p) || p.Code != code {
		w.t.Errorf("%v, want %s", err, code)
	}
}

// told writes a list of messages in lines.
func told(list []letterSent) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%s %s: %s\n", m.at.Format(time.DateOnly), m.To, m.Subject)
	}
	return b.String()
}

func same(t testing.TB, got, want string) {
	t.Helper()
	got, want = strings.TrimSpace(got), strings.TrimSpace(want)
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("line %d is\n  %s\nand should be\n  %s", i+1, x, y)
			break
		}
	}
	t.Errorf("the whole:\n%s", got)
}
