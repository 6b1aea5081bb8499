package content_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

var errDisk = errors.New("the disk makes a noise")

// failingStore fails now and then, as next says: before it does anything, or,
// for a write, after it has done it without being able to say so.
type failingStore struct {
	content.Store
	next func() string
	// failed are the failures since they were last looked at.
	failed []string
}

// The ways to fail.
const (
	works     = ""
	disk      = "disk"
	cancelled = "cancelled"
	tooLate   = "too late"
	conflict  = "conflict"
	duplicate = "duplicate"
	unsaid    = "written, and not said"
)

var failures = map[string]error{
	disk: errDisk, cancelled: context.Canceled, tooLate: context.DeadlineExceeded,
	conflict: content.ErrConflict, duplicate: content.ErrDuplicate, unsaid: errDisk,
}

// fail decides about one call; only a write can lose a race or a key.
func (s *failingStore) fail(writing bool) (how string, err error) {
	how = s.next()
	if how == works || !writing && (how == conflict || how == duplicate || how == unsaid) {
		return works, nil
	}
	s.failed = append(s.failed, how)
	return how, fmt.Errorf("store: %w", failures[how])
}

func (s *failingStore) Get(ctx context.Context, id string) (*content.Document, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, id)
}

func (s *failingStore) BySlug(ctx context.Context, slug string) (*content.Document, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.BySlug(ctx, slug)
}

func (s *failingStore) Revision(ctx context.Context, hash string) (*content.Revision, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.Revision(ctx, hash)
}

func (s *failingStore) History(ctx context.Context, document, locale string, before, limit int) ([]*content.Revision, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, document, locale, before, limit)
}

func (s *failingStore) Find(ctx context.Context, q content.Query) ([]*content.Document, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.Find(ctx, q)
}

func (s *failingStore) Due(ctx context.Context, t time.Time, limit int) ([]*content.Document, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.Due(ctx, t, limit)
}

func (s *failingStore) Apply(ctx context.Context, writes []content.Write) []error {
	errs := make([]error, len(writes))
	for i := range writes { // each by itself, as the contract allows
		how, err := s.fail(true)
		if how == works || how == unsaid {
			errs[i] = s.Store.Apply(ctx, writes[i:i+1])[0]
		}
		switch {
		case how == unsaid && errs[i] != nil: // it said something after all
			s.failed = s.failed[:len(s.failed)-1]
		case err != nil:
			errs[i] = err
		}
	}
	return errs
}

func (s *failingStore) GetRecord(ctx context.Context, kind, id string) (*content.Record, error) {
	if _, err := s.fail(false); err != nil {
		return nil, err
	}
	return s.Store.GetRecord(ctx, kind, id)
}

func (s *failingStore) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	how, failed := s.fail(true)
	if how == duplicate { // a record has one key
		how, failed = conflict, fmt.Errorf("store: %w", content.ErrConflict)
	}
	if how == works || how == unsaid {
		if err := s.Store.PutRecord(ctx, r, expect); err != nil {
			return err
		}
	}
	return failed
}

// TestFailingStore does what people do on a store that fails at random. What
// was acknowledged is there, what was refused is not, what nobody knows is there
// whole or not at all; and the problem says whose fault it was.
func TestFailingStore(t *testing.T) {
	checks(t, 20)
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n, ".db"))
		store, err := sqlitestore.Open(ctx, path)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			store.Close()
			for _, f := range []string{path, path + "-wal", path + "-shm"} {
				os.Remove(f)
			}
		}()
		f := &failing{store: store, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
		f.wrap = &failingStore{Store: store, next: func() string { return works }}
		clock := content.Options{Clock: func() time.Time { return f.now }}
		var err1, err2 error
		f.Service, err1 = content.New(f.wrap, schemas.Default(), clock)
		f.truth, err2 = content.New(store, schemas.Default(), clock)
		if err := errors.Join(err1, err2); err != nil {
			rt.Fatal(err)
		}
		for range 3 {
			f.create(rt)
		}
		ways := []string{works, works, works, works, works, works, disk, cancelled, tooLate, conflict, conflict, duplicate, unsaid}
		f.wrap.next = func() string { return rapid.SampledFrom(ways).Draw(rt, "fails") }
		rt.Repeat(map[string]func(*rapid.T){
			"": f.check, "create": f.create, "edit": f.edit, "step": f.step, "step on": f.step, "schedule": f.later, "wait": f.wait, "import": f.bring, "read": f.read,
		})
	})
}

type failing struct {
	*content.Service                  // over wrap
	truth            *content.Service // over the store itself
	store            content.Store
	wrap             *failingStore
	now              time.Time
	docs             []string
}

func (f *failing) check(t *rapid.T) {
	r, err := f.truth.Verify(ctx)
	if err != nil || len(r.Faults) > 0 {
		t.Fatalf("verify: %v %+v", err, r.Faults)
	}
}

func (f *failing) document(t *rapid.T) *content.Document {
	d, err := f.store.Get(ctx, rapid.SampledFrom(f.docs).Draw(t, "document"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (f *failing) seq(t *rapid.T) int64 {
	seq, err := f.store.LastSeq(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// did runs one write and holds its answer against what failed and what is there.
func (f *failing) did(t *rapid.T, what string, do func() (*content.Document, error)) {
	before := f.seq(t)
	f.wrap.failed = nil
	d, err := do()
	failed := f.wrap.failed
	wrote := f.seq(t) > before
	if err == nil {
		now, err := f.store.Get(ctx, d.ID)
		if err != nil || now.Version < d.Version {
			t.Fatalf("%s was acknowledged at version %d, and is not there: %+v, %v", what, d.Version, now, err)
		}
		if !slices.Contains(f.docs, d.ID) {
			f.docs = append(f.docs, d.ID)
		}
		return
	}
	if wrote != slices.Contains(failed, unsaid) {
		t.Fatalf("%s failed with %v after %v; written: %t", what, err, failed, wrote)
	}
	f.blame(t, what, err, failed)
}

// blame checks that the problem's class is that of what failed last.
func (f *failing) blame(t *rapid.T, what string, err error, failed []string) {
	p := content.AsProblem(err)
	last := ""
	if len(failed) > 0 {
		last = failed[len(failed)-1]
	}
	ours := p.Class == content.Unavailable && p.Code == "store_unavailable" && p.Err != nil
	switch last {
	case disk, unsaid:
		ours = ours && errors.Is(err, errDisk)
	case cancelled:
		ours = ours && errors.Is(err, context.Canceled)
	case tooLate:
		ours = ours && errors.Is(err, context.DeadlineExceeded)
	case duplicate:
		ours = p.Class == content.Conflict && p.Code == "slug_taken"
	case conflict:
		ours = p.Class == content.Conflict && p.Code == "busy"
	}
	// A problem of the request is found before anything is written, whatever was
	// tried again before.
	theirs := p.Class != content.Unavailable && p.Class != content.Internal && (last == "" || last == conflict || last == duplicate)
	if !ours && !theirs {
		t.Fatalf("%s: %s %s (%v) after %v", what, p.Class, p.Code, err, failed)
	}
}

func (f *failing) create(t *rapid.T) {
	in := content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": word(t), "body": "x"}}
	f.did(t, "create", func() (*content.Document, error) { return f.Create(ctx, elena, in) })
}

func (f *failing) edit(t *rapid.T) {
	d := f.document(t)
	in := content.Edit{Fields: map[string]any{"body": word(t), "summary": word(t)}}
	f.did(t, "edit", func() (*content.Document, error) { return f.Edit(ctx, elena, d.ID, "it", d.ETag("it"), in) })
}

func (f *failing) step(t *rapid.T) {
	d := f.document(t)
	step := content.Step{Name: rapid.SampledFrom([]string{"submit", "publish", "withdraw"}).Draw(t, "step")}
	f.did(t, step.Name, func() (*content.Document, error) { return f.Transition(ctx, elena, d.ID, "it", d.ETag("it"), step) })
}

func (f *failing) later(t *rapid.T) {
	d := f.document(t)
	step := content.Step{Name: rapid.SampledFrom([]string{"publish", "withdraw"}).Draw(t, "step"), At: f.now.Add(time.Hour)}
	f.did(t, "schedule", func() (*content.Document, error) { return f.Transition(ctx, elena, d.ID, "it", d.ETag("it"), step) })
}

// wait fires what is due. What fails is tried again, until nothing is due.
func (f *failing) wait(t *rapid.T) {
	f.now = f.now.Add(2 * time.Hour)
	for range 1000 {
		f.wrap.failed = nil
		if _, err := f.RunDue(ctx); err == nil {
			due, err := f.store.Due(ctx, f.now, 0)
			if err != nil || len(due) > 0 && !slices.Contains(f.wrap.failed, conflict) {
				t.Fatalf("done, and %d documents are due (%v)", len(due), err)
			}
			if len(due) == 0 {
				return
			}
		} else if p := content.AsProblem(err); len(f.wrap.failed) == 0 || p.Class != content.Unavailable && p.Class != content.Conflict {
			t.Fatalf("%s %v after %v", p.Class, err, f.wrap.failed)
		}
	}
	t.Fatal("it never comes to an end")
}

// bring imports two articles that refer to an organisation of the same batch.
func (f *failing) bring(t *rapid.T) {
	batch := []content.Incoming{
		{Type: "organization", Variants: []content.IncomingVariant{{Locale: "it", Slug: "org-" + content.Slugify(word(t)), Fields: map[string]any{"title": "Orti"}}}},
	}
	for i, slug := range []string{"a", "b"} {
		in := article(slug+content.Slugify(word(t)), "it")
		in.Variants[0].Fields["organization"] = batch[0].Variants[0].Slug
		in.Variants[0].Fields["summary"] = fmt.Sprint(word(t), i)
		batch = append(batch, in)
	}
	f.wrap.failed = nil
	res, err := f.Import(ctx, content.System("import"), batch, false)
	failed := f.wrap.failed
	if err != nil {
		p := content.AsProblem(err)
		if p.Class != content.Unavailable || len(failed) == 0 {
			t.Fatalf("%s %v after %v", p.Class, err, failed)
		}
	}
	// Whatever happened, nothing refers to what is not there.
	docs, scanErr := f.store.Scan(ctx, "", 0)
	if scanErr != nil {
		t.Fatal(scanErr)
	}
	typ, _ := f.Schemas().Type("article")
	for _, d := range docs {
		if d.Type != "article" {
			continue
		}
		r, err := f.store.Revision(ctx, d.Variants[0].Latest.Hash)
		if err != nil {
			t.Fatal(err)
		}
		values, err := r.Values()
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range typ.References(values) {
			if _, err := f.store.Get(ctx, ref.Target); err != nil {
				t.Fatalf("%s refers to %s: %v (after %v)", d.ID, ref.Target, err, failed)
			}
		}
	}
	if err != nil {
		return // what the report says of a batch that failed is for nobody
	}
	for _, r := range res {
		if r.Outcome == content.Refused {
			continue
		}
		if _, err := f.store.Get(ctx, r.Document); err != nil {
			t.Fatalf("%s %s is not there: %v", r.Outcome, r.Document, err)
		}
		if r.Slug != "" && r.Slug[0] != 'o' && !slices.Contains(f.docs, r.Document) {
			f.docs = append(f.docs, r.Document)
		}
	}
}

// read asks what can be asked; it answers rightly or says that it cannot.
func (f *failing) read(t *rapid.T) {
	d := f.document(t)
	for i, ask := range []func() error{
		func() error { _, err := f.Get(ctx, elena, d.ID); return err },
		func() error { _, _, err := f.Latest(ctx, elena, d.ID, "it"); return err },
		func() error { _, err := f.History(ctx, elena, d.ID, "it", 0, 9); return err },
		func() error { _, err := f.List(ctx, elena, content.Filter{}); return err },
		func() error { _, err := f.Permissions(ctx, elena, d, "it"); return err },
		func() error { _, err := f.Compare(ctx, elena, d.ID, "it", 0, 1); return err },
		func() error {
			_, err := f.Edit(ctx, elena, d.ID, "it", `"0.0"`, content.Edit{})
			if p := content.AsProblem(err); p != nil && p.Code == "stale" {
				return nil
			}
			return err
		},
	} {
		f.wrap.failed = nil
		err := ask()
		switch {
		case len(f.wrap.failed) == 0 && err != nil:
			t.Fatalf("question %d: %v, and nothing failed", i, err)
		case err != nil:
			f.blame(t, fmt.Sprint("question ", i), err, f.wrap.failed)
		}
	}
}
