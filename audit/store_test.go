package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

// engines open stores: each call of the inner function is a handle of its own on
// the same, at first empty, store.
var engines = map[string]func(tb testing.TB) func() content.Store{
	"sqlite": func(tb testing.TB) func() content.Store {
		file := filepath.Join(tb.TempDir(), "prassi.db")
		return handle(tb, func(ctx context.Context) (content.Store, error) { return sqlitestore.Open(ctx, file) })
	},
	"mongo": func(tb testing.TB) func() content.Store {
		server, settings, _ := strings.Cut(mongoengine.Start(tb), "/?")
		address := server + "/" + mongoengine.DatabaseName() + "?" + settings
		return handle(tb, func(ctx context.Context) (content.Store, error) { return mongostore.Open(ctx, address) })
	},
}

func handle(tb testing.TB, open func(context.Context) (content.Store, error)) func() content.Store {
	return func() content.Store {
		tb.Helper()
		s, err := open(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if err := s.Close(); err != nil {
				tb.Error(err)
			}
		})
		return s
	}
}

func onEngines(t *testing.T, test func(t *testing.T, open func() content.Store)) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, engine(t))
		})
	}
}

// sqlite opens a fresh store where the engine makes no difference.
func sqlite(tb testing.TB) content.Store { return engines["sqlite"](tb)() }

// clock is a clock that a test turns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 31, 22, 30, 0, 123456789, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// person is a value that is told of.
type person struct {
	Name   string   `json:"name"`
	Visits int      `json:"visits"`
	Roles  []string `json:"roles,omitempty"`
}

var anna = content.Actor{ID: "person:anna", Name: "Anna Verdi", Via: "session", Trace: "20260331-abc"}

// visit changes a person, with an entry.
func visit(ctx context.Context, l *audit.Ledger, id string) error {
	_, err := audit.Change(ctx, l, "person", id, anna, func(p *person, exists bool) (string, map[string]string, error) {
		p.Name, p.Visits = "Bruno Neri", p.Visits+1
		if !exists {
			return audit.PersonMade, nil, nil
		}
		return audit.RoleGranted, map[string]string{"role": "reviewer", "scope": "100", "count": fmt.Sprint(p.Visits)}, nil
	})
	return err
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func clean(tb testing.TB, l *audit.Ledger) *audit.Report {
	tb.Helper()
	r, err := l.Verify(context.Background())
	must(tb, err)
	if len(r.Faults) > 0 {
		tb.Fatalf("%d faults: %+v", len(r.Faults), r.Faults)
	}
	return r
}

func entries(tb testing.TB, l *audit.Ledger, subject string) []audit.Entry {
	tb.Helper()
	list, err := l.Entries(context.Background(), subject, 0, 0)
	must(tb, err)
	return list
}

// errDead is what a mortal's caller would never learn.
var errDead = errors.New("died")

// mortal is a store whose process dies at a call: before it, or after it was
// carried out and before the answer. From then on nothing works.
type mortal struct {
	audit.Records
	mu    sync.Mutex
	left  int // calls until death, from 1; zero lives for ever
	after bool
	dead  bool
}

func (m *mortal) call(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	if m.left--; m.left != 0 {
		return do()
	}
	m.dead = true
	if m.after {
		_ = do()
	}
	return errDead
}

func (m *mortal) GetRecord(ctx context.Context, kind, id string) (r *content.Record, err error) {
	err = m.call(func() error { r, err = m.Records.GetRecord(ctx, kind, id); return err })
	return r, err
}

func (m *mortal) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	return m.call(func() error { return m.Records.PutRecord(ctx, r, expect) })
}

func (m *mortal) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	return m.call(func() error { return m.Records.DeleteRecord(ctx, kind, id, expect) })
}

func (m *mortal) ListRecords(ctx context.Context, kind, after string, limit int) (list []*content.Record, err error) {
	err = m.call(func() error { list, err = m.Records.ListRecords(ctx, kind, after, limit); return err })
	return list, err
}

// all reads every record of the kinds that these tests write.
func all(tb testing.TB, s audit.Records) []*content.Record {
	tb.Helper()
	var out []*content.Record
	for _, kind := range []string{"audit", "audit_chains", "trace", "person", "token", "sign_in", "retention", "session"} {
		list, err := s.ListRecords(context.Background(), kind, "", 0)
		must(tb, err)
		out = append(out, list...)
	}
	return out
}

// overwrite changes a stored record behind the ledger's back.
func overwrite(tb testing.TB, s audit.Records, kind, id string, change func(data []byte) []byte) {
	tb.Helper()
	r, err := s.GetRecord(context.Background(), kind, id)
	must(tb, err)
	data := change(bytes.Clone(r.Data))
	if bytes.Equal(data, r.Data) {
		tb.Fatalf("%s %s was not changed: %s", kind, id, data)
	}
	r.Data = data
	must(tb, s.PutRecord(context.Background(), r, r.Version))
}

func remove(tb testing.TB, s audit.Records, kind, id string) {
	tb.Helper()
	r, err := s.GetRecord(context.Background(), kind, id)
	must(tb, err)
	must(tb, s.DeleteRecord(context.Background(), kind, id, r.Version))
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := json.Marshal(v)
	must(tb, err)
	return data
}
