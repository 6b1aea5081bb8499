package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// testContext checks that a context that has ended is answered at once and
// that nothing happens then.
func testContext(t *testing.T, d Driver) {
	s := d.fresh(t)
	w := write("a")
	mustApply(t, s, w)
	if err := s.PutRecord(context.Background(), &content.Record{Kind: "k", ID: "a"}, 0); err != nil {
		t.Fatal(err)
	}
	past, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, ctx := range []context.Context{past, cancelled} {
		begin := time.Now()
		first := func(errs []error) error {
			for _, err := range errs {
				if !errors.Is(err, ctx.Err()) {
					return fmt.Errorf("one of many: %w", err)
				}
			}
			return errs[0]
		}
		calls := map[string]func() error{
			"Get":    func() error { _, err := s.Get(ctx, "a"); return err },
			"BySlug": func() error { _, err := s.BySlug(ctx, "practice/it/orti-a"); return err },
			"Find":   func() error { _, err := s.Find(ctx, content.Query{Terms: []string{"id:a"}}); return err },
			"Due":    func() error { _, err := s.Due(ctx, start, 1); return err },
			"Scan":   func() error { _, err := s.Scan(ctx, "", 1); return err },
			"Apply": func() error {
				return first(s.Apply(ctx, []content.Write{write("b"), next(w), write("c")}))
			},
			"Revision":        func() error { _, err := s.Revision(ctx, w.Revisions[0].Hash); return err },
			"RevisionsByHash": func() error { _, err := s.RevisionsByHash(ctx, []string{w.Revisions[0].Hash}); return err },
			"History":         func() error { _, err := s.History(ctx, "a", "it", 0, 1); return err },
			"Relay":           func() error { _, err := s.Relay(ctx); return err },
			"Events":          func() error { _, err := s.Events(ctx, 0, 1); return err },
			"DocumentEvents":  func() error { _, err := s.DocumentEvents(ctx, "a", 0, 1); return err },
			"LastSeq":         func() error { _, err := s.LastSeq(ctx); return err },
			"GetRecord":       func() error { _, err := s.GetRecord(ctx, "k", "a"); return err },
			"PutRecord":       func() error { return s.PutRecord(ctx, &content.Record{Kind: "k", ID: "b"}, 0) },
			"DeleteRecord":    func() error { return s.DeleteRecord(ctx, "k", "a", 1) },
			"ListRecords":     func() error { _, err := s.ListRecords(ctx, "k", "", 1); return err },
			"Ping":            func() error { return s.Ping(ctx) },
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, ctx.Err()) {
				t.Errorf("%s: %v, want %v", name, err, ctx.Err())
			}
		}
		if took := time.Since(begin); took > 5*time.Second { // the machine may be busy
			t.Errorf("%d calls took %v", len(calls), took)
		}
	}
	relay(t, s)
	equal(t, "events", len(log(t, s)), 2)
	found, err := s.Scan(context.Background(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "documents", ids(found), []string{"a"})
	records, err := s.ListRecords(context.Background(), "k", "", 0)
	if err != nil || len(records) != 1 || records[0].ID != "a" {
		t.Errorf("records: %v, %v", records, err)
	}

}

// testCancelled ends the context before each statement of a batch. The answer
// comes soon and is the context's error or nil; nil means that the write is
// there, and a write that is not wholly there has left nothing.
func testCancelled(t *testing.T, d Driver) {
	var cancel atomic.Pointer[context.CancelFunc]
	var countdown atomic.Int64
	s := d.openStep(t, d.Create(t), func(string) {
		if countdown.Add(-1) == 0 {
			(*cancel.Load())()
		}
	})
	acknowledged := 0
	for n := int64(1); ; n++ {
		id := func(i int) string { return fmt.Sprintf("step%02d-%d", n, i) }
		first := write(id(0))
		mustApply(t, s, first)
		batch := []content.Write{write(id(1)), next(first), write(id(2))}
		ctx, stop := context.WithCancel(context.Background())
		cancel.Store(&stop)
		countdown.Store(n)
		begin := time.Now()
		errs := s.Apply(ctx, batch)
		if took := time.Since(begin); took > 5*time.Second { // the machine may be busy
			t.Errorf("step %d: the answer took %v", n, took)
		}
		reached := countdown.Swap(0) <= 0
		stop()
		for i, w := range batch {
			got, err := s.Get(context.Background(), w.Document.ID)
			switch {
			case errs[i] == nil:
				acknowledged++
				if err != nil {
					t.Fatalf("acknowledged, but: %v", err)
				}
				equal(t, "document", got, stored(w))
			case !errors.Is(errs[i], context.Canceled):
				t.Errorf("step %d, write %d: %v", n, i, errs[i])
			case err == nil && got.Version == w.Document.Version:
				t.Logf("step %d, write %d happened although it was cancelled", n, i)
			default:
				if err := apply(s, w); err != nil {
					t.Errorf("step %d, write %d, again: %v", n, i, err)
				}
			}
			relay(t, s)
		}
		equal(t, "events", eventIDs(t, s, id(0)), pendingIDs(first, batch[1]))
		equal(t, "events", eventIDs(t, s, id(1)), pendingIDs(batch[0]))
		if !reached {
			break
		}
	}
	log(t, s)
	t.Logf("%d writes were acknowledged", acknowledged)
}

// testHandles opens a new, empty store from many sides at once.
func testHandles(t *testing.T, d Driver) {
	address := d.Create(t)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			s, err := d.Open(context.Background(), address, func(string) {})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if err := apply(s, write(fmt.Sprint("h", i))); err != nil {
				t.Errorf("apply: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close again: %v", err)
			}
			if _, err := s.Get(context.Background(), "h0"); err == nil || errors.Is(err, content.ErrNotFound) {
				t.Errorf("get after close: %v", err)
			}
			if err := apply(s, write("late")); err == nil {
				t.Error("apply after close was accepted")
			}
			if s.Ping(context.Background()) == nil {
				t.Error("a closed store answers")
			}
		})
	}
	all.Wait()
	s := d.open(t, address)
	found, err := s.Scan(context.Background(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "documents", ids(found), []string{"h0", "h1", "h2", "h3", "h4", "h5"})
	relay(t, s)
	equal(t, "events", len(log(t, s)), 12)
}

// testColliding has 32 writers raise the version of one document and of one
// record, each by read, change and compare-and-swap until it succeeds.
func testColliding(t *testing.T, d Driver) {
	for _, handles := range []int{1, 4} {
		t.Run(fmt.Sprint(handles, " handles"), func(t *testing.T) {
			address := d.Create(t)
			var stores []content.Store
			for range handles {
				stores = append(stores, d.open(t, address))
			}
			ctx := context.Background()
			mustApply(t, stores[0], write("a"))
			if err := stores[0].PutRecord(ctx, &content.Record{Kind: "k", ID: "a"}, 0); err != nil {
				t.Fatal(err)
			}
			const writers = 32
			var all sync.WaitGroup
			for i := range writers {
				s := stores[i%handles]
				all.Go(func() {
					for {
						got, err := s.Get(ctx, "a")
						if err != nil {
							t.Error(err)
							return
						}
						w := next(content.Write{Document: got}, func(d *content.Document) { d.SharedVersion++ })
						w.Document.Pending[0].Actor = fmt.Sprint("writer ", i)
						if err = apply(s, w); err == nil {
							break
						}
						if !errors.Is(err, content.ErrConflict) {
							t.Error(err)
							return
						}
					}
					for {
						r, err := s.GetRecord(ctx, "k", "a")
						if err != nil {
							t.Error(err)
							return
						}
						expect := r.Version
						r.Data = append(r.Data, byte(i))
						if err = s.PutRecord(ctx, r, expect); err == nil {
							break
						}
						if !errors.Is(err, content.ErrConflict) {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			got, err := stores[0].Get(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			if got.Version != writers+1 || got.SharedVersion != writers+1 {
				t.Errorf("version %d, count %d, want %d", got.Version, got.SharedVersion, writers+1)
			}
			r, err := stores[0].GetRecord(ctx, "k", "a")
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(r.Data)
			if r.Version != writers+1 || len(slices.Compact(r.Data)) != writers {
				t.Errorf("record at version %d with %v", r.Version, r.Data)
			}
			relay(t, stores[0])
			actors := map[string]bool{}
			for _, e := range log(t, stores[0]) {
				actors[e.Actor] = true
			}
			equal(t, "actors in the log", len(actors), writers+1)
		})
	}
}

// testPaging walks through lists while others insert and change documents: what
// was there all the time is seen exactly once, in order.
func testPaging(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	const count = 1100 // a driver may treat long lists differently
	var batch []content.Write
	for i := range count {
		// Few moments and few titles, so that ids decide often; one has no title.
		key := ""
		if i%6 > 0 {
			key = fmt.Sprintf("%02x", i%6)
		}
		batch = append(batch, write(fmt.Sprintf("d%04d", i), terms("list", fmt.Sprint("half:", i%2), fmt.Sprint("tenth:", i%10)), title(key),
			updated(start.Add(time.Duration(i%5)*time.Second))))
	}
	mustApply(t, s, batch...)

	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := apply(s, write(fmt.Sprintf("d%04d-new%d", i*7%count, i), terms("list", fmt.Sprint("half:", i%2), fmt.Sprint("tenth:", i%10)),
				title(fmt.Sprintf("%02x", i%6)), updated(start.Add(time.Duration(i%5)*time.Second)))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for _, order := range []content.Order{content.NewestFirst, content.ByTitle} {
		before := func(a, b *content.Document) bool {
			switch {
			case order == content.ByTitle && a.Keys.Title != b.Keys.Title:
				return a.Keys.Title < b.Keys.Title
			case order == content.NewestFirst && !a.UpdatedAt.Equal(b.UpdatedAt):
				return a.UpdatedAt.After(b.UpdatedAt)
			}
			return a.ID < b.ID
		}
		for _, list := range []struct {
			terms []string
			want  int
		}{
			{[]string{"list"}, count},
			{[]string{"list", "half:1"}, count / 2},
			{[]string{"tenth:4", "list", "half:0", "list"}, count / 10},
			{[]string{"tenth:4", "half:1"}, 0},
		} {
			var last *content.Document
			seen := map[string]bool{}
			for q := (content.Query{Terms: list.terms, Order: order, Limit: 97}); ; {
				page, err := s.Find(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, d := range page {
					if last != nil && !before(last, d) {
						t.Fatalf("order %d: %s does not come after %s", order, d.ID, last.ID)
					}
					last = d
					if len(d.ID) == len("d0000") {
						seen[d.ID] = true
					}
				}
				q.After = content.Position{UpdatedAt: last.UpdatedAt, Title: last.Keys.Title, ID: last.ID}
			}
			if len(seen) != list.want {
				t.Errorf("order %d of %v: saw %d of %d", order, list.terms, len(seen), list.want)
			}
		}
	}
	close(stop)
	others.Wait()
}
