package content_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// hooked is a store whose calls a test may watch, turn or delay.
type hooked struct {
	content.Store
	mu      sync.Mutex
	apply   func(writes []content.Write) // before the writes
	get     func(*content.Document, error) (*content.Document, error)
	due     func([]*content.Document) []*content.Document
	scan    func(*content.Document)
	history func([]*content.Revision) []*content.Revision
}

func (h *hooked) Apply(ctx context.Context, writes []content.Write) []error {
	h.mu.Lock()
	hook := h.apply
	h.mu.Unlock()
	if hook != nil {
		hook(writes)
	}
	return h.Store.Apply(ctx, writes)
}

// once makes hook run before the next Apply only.
func (h *hooked) once(hook func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.apply = func([]content.Write) {
		h.mu.Lock()
		h.apply = nil
		h.mu.Unlock()
		hook()
	}
}

func (h *hooked) Get(ctx context.Context, id string) (*content.Document, error) {
	d, err := h.Store.Get(ctx, id)
	if h.get != nil {
		return h.get(d, err)
	}
	return d, err
}

func (h *hooked) Due(ctx context.Context, t time.Time, limit int) ([]*content.Document, error) {
	docs, err := h.Store.Due(ctx, t, limit)
	if h.due != nil {
		docs = h.due(docs)
	}
	return docs, err
}

func (h *hooked) Scan(ctx context.Context, after string, limit int) ([]*content.Document, error) {
	docs, err := h.Store.Scan(ctx, after, limit)
	if h.scan != nil {
		for _, d := range docs {
			h.scan(d)
		}
	}
	return docs, err
}

func (h *hooked) History(ctx context.Context, document, locale string, before, limit int) ([]*content.Revision, error) {
	rows, err := h.Store.History(ctx, document, locale, before, limit)
	if h.history != nil {
		rows = h.history(rows)
		rows = rows[:min(len(rows), limit)]
	}
	return rows, err
}

// newHooked is newDesk over a store with hooks.
func newHooked(t *testing.T, opt content.Options) (*desk, *hooked) {
	t.Helper()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &hooked{Store: store}
	d := &desk{t: t, store: store, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	opt.Clock = d.now
	d.Service, err = content.New(h, schemas.Default(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return d, h
}

// checks bounds how often rapid runs a property of this test, unless the command
// line says so itself (-rapid.checks) or PRASSI_MODEL_CHECKS asks for more.
func checks(t *testing.T, n int) {
	t.Helper()
	if testing.Short() || racing {
		n = n/3 + 1
	}
	count := strconv.Itoa(n)
	if more := os.Getenv("PRASSI_MODEL_CHECKS"); more != "" {
		count = more
	}
	for name, value := range map[string]string{"rapid.checks": count, "rapid.steps": "40"} {
		f := flag.Lookup(name)
		if f.Value.String() != f.DefValue {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := flag.Set(name, f.DefValue); err != nil {
				t.Error(err)
			}
		})
	}
}

func (d *desk) add(a content.Actor, doc *content.Document, locale string, fields map[string]any) *content.Document {
	d.t.Helper()
	out, err := d.AddVariant(ctx, a, doc.ID, doc.ETag(locale), content.NewVariant{Locale: locale, Fields: fields})
	if err != nil {
		d.t.Fatalf("add %s by %s: %v", locale, a.ID, describe(err))
	}
	return out
}

// refused checks that nothing became of an operation: the document is as it was.
func (d *desk) refused(doc *content.Document, err error, class content.Class, code string) {
	d.t.Helper()
	wantCode(d.t, err, class, code)
	now, getErr := d.store.Get(ctx, doc.ID)
	if getErr != nil || now.Version != doc.Version {
		d.t.Errorf("%s: a refused operation left version %d, not %d (%v)", code, now.Version, doc.Version, getErr)
	}
}

func (d *desk) at(doc *content.Document) *content.Document {
	d.t.Helper()
	now, err := d.store.Get(ctx, doc.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return now
}

func with(fields map[string]any, more ...any) map[string]any {
	out := map[string]any{}
	for k, v := range fields {
		out[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}
