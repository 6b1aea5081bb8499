package webhooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/schemas"
)

// What could hold up fresh news for seconds although the receiver is well.

// TestStarts: what is published while a server starts arrives at once, start after
// start.
func TestStarts(t *testing.T) {
	onEngines(t, func(t *testing.T, address string) {
		r := newReceiver(t, nil)
		over(t, address).subscribe(r.URL, Filter{})
		lost := standstill(t)
		worst := time.Duration(0)
		for n := range 12 {
			w := over(t, address)
			var runner *jobs.Runner
			var err error
			w.service, err = content.New(w.store, schemas.Default(), content.Options{Changed: func() { runner.Wake() }})
			w.must(err)
			runner = jobs.New(w.store, w.service, 0, w.hooks.logger, w.hooks)
			ctx, stop := context.WithCancel(ctx)
			var both sync.WaitGroup
			both.Go(func() { runner.Run(ctx) })
			both.Go(func() { w.hooks.Run(ctx) })
			time.Sleep(time.Duration(n) * time.Millisecond)
			w.item(fmt.Sprint("n", n), "it", "N", "MI")
			published := time.Now()
			eventually(t, "it came", func() bool { return len(r.all()) > 0 })
			worst = max(worst, r.take()[0].at.Sub(published))
			stop()
			both.Wait()
		}
		t.Logf("the slowest came after %v", worst)
		most := 1500 * time.Millisecond
		if raced {
			most *= 3
		}
		if worst > most+lost() {
			t.Errorf("the slowest came after %v; the processor was away for %v", worst, lost())
		}
	})
}

// TestListenerAppears: the log is read for the first time by a round that knows of
// no listener, after the listener has looked for the first time.
func TestListenerAppears(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.subscribe(r.URL, Filter{})
	w.round()
	w.hooks.busy.Store(false) // as that round saw it
	w.item("uno", "it", "Uno", "MI")
	w.follow()
	for _, lane := range w.hooks.lanes {
		select {
		case <-lane.wake:
		default:
			t.Fatal("nobody woke the lane")
		}
		_, err := lane.turn(ctx)
		w.must(err)
	}
	if got := kinds(r.all()); got != "item.published uno" {
		t.Errorf("got %q", got)
	}
}

// TestClosedConnection: a receiver that closes the connection that we kept, just as
// it is used again, is sent the message at once on another.
func TestClosedConnection(t *testing.T) {
	w := newWorld(t)
	var n atomic.Int64
	r := newReceiver(t, func(rw http.ResponseWriter, _ *got) int {
		if n.Add(1) != 2 {
			return http.StatusNoContent
		}
		c, _, err := rw.(http.Hijacker).Hijack()
		if err == nil {
			err = c.Close()
		}
		if err != nil {
			t.Error(err)
		}
		return -1
	})
	s, verifier := w.subscribe(r.URL, Filter{})
	for _, slug := range []string{"uno", "due"} {
		w.item(slug, "it", "N", "MI")
		w.round()
	}
	if got := kinds(r.all()); got != "item.published uno, item.published due, item.published due" {
		t.Fatalf("got %s", got)
	}
	for _, g := range r.all() {
		w.must(verifier.Verify(g.body, g.header))
		if _, sent := g.header["Idempotency-Key"]; sent {
			t.Error("a header that says nothing is sent")
		}
	}
	for _, d := range w.log(s) {
		if d.Outcome != Delivered || len(d.Attempts) != 1 {
			t.Errorf("%s: %+v", d.Outcome, d.Attempts)
		}
	}
}

// broken is the records of a store that fails to write a kind, so many times.
type broken struct {
	audit.Records
	kind string
	left atomic.Int64
}

func (b *broken) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	if r.Kind == b.kind && b.left.Add(-1) >= 0 {
		return errors.New("the disk is full")
	}
	return b.Records.PutRecord(ctx, r, expect)
}

// TestStoreFails: what could not be written down is sent again as soon as the store
// is well, whether it came from the log or somebody asked for it.
func TestStoreFails(t *testing.T) {
	var store *broken
	address := sqliteAddress(t)
	records, err := openStore(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Close() })
	store = &broken{Records: records, kind: kindDelivery}
	w := over(t, address, func(o *Options) { o.Ledger = audit.New(store, nil) })
	r := newReceiver(t, nil)
	s, _ := w.subscribe(r.URL, Filter{})
	w.run()
	lost := standstill(t)
	for _, do := range []func(){
		func() { w.item("uno", "it", "Uno", "MI"); w.follow() },
		func() { _, err := w.hooks.Ping(ctx, s.ID); w.must(err) },
	} {
		before := len(w.log(s))
		store.left.Store(2)
		began := time.Now()
		do()
		eventually(t, "it is written down", func() bool { return len(w.log(s)) > before })
		if took := time.Since(began); took > 3*time.Second+lost() {
			t.Errorf("it took %v", took)
		}
		first := r.take()
		if len(first) != 3 || first[0].id != first[2].id {
			t.Errorf("got %s", kinds(first))
		}
	}
}

// TestStatus: what waits, and since when, is the same for everybody who looks.
func TestStatus(t *testing.T) {
	address := sqliteAddress(t)
	w := over(t, address)
	r := newReceiver(t, func(_ http.ResponseWriter, g *got) int {
		if g.Data.Slug == "due" {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	w.subscribe(r.URL, Filter{})
	w.round()
	began := w.hooks.now()
	for _, slug := range []string{"uno", "due"} {
		w.item(slug, "it", "N", "MI")
	}
	w.round()
	if got := w.hooks.Status().Attempts; got[Delivered] != 1 || got[Waiting] != 1 || got[Failed]+got[Skipped] != 0 {
		t.Errorf("%v", got)
	}
	other := over(t, address)
	for _, h := range []*Hooks{w.hooks, other.hooks} {
		_, err := h.refresh(ctx)
		w.must(err)
		if got := h.Status(); got.Waiting != 1 || got.Oldest.Before(began) || got.Oldest.After(h.now()) {
			t.Errorf("%+v", got)
		}
	}
	r.set(nil)
	w.turn(time.Minute)
	w.round()
	_, err := w.hooks.refresh(ctx)
	w.must(err)
	if got := w.hooks.Status(); got.Waiting != 0 || !got.Oldest.IsZero() || got.Attempts[Delivered] != 2 {
		t.Errorf("%+v", got)
	}
}

// TestTell: somebody is told of what was switched off, until they have taken it, and
// of each time.
func TestTell(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(http.ResponseWriter, *got) int { return http.StatusGone })
	s, _ := w.subscribe(r.URL, Filter{})
	quiet, _ := w.subscribe(r.URL, Filter{Locales: []string{"zh"}})
	var told []Subscription
	tell := func(answer error, want int) {
		t.Helper()
		told = nil
		err := w.hooks.Tell(ctx, func(_ context.Context, s Subscription, at time.Time) error {
			if at.IsZero() {
				t.Error("no moment")
			}
			told = append(told, s)
			return answer
		})
		if len(told) != want || !errors.Is(err, answer) {
			t.Errorf("%d were told, want %d; %v", len(told), want, err)
		}
	}
	tell(nil, 0)
	away, yes := errors.New("the mail server is away"), true
	for range 2 {
		w.item(fmt.Sprint("n", w.now().UnixNano()), "it", "N", "MI")
		w.round()
		tell(away, 1)
		tell(nil, 1)
		if told[0].ID != s.ID || told[0].Reason != CodeGone {
			t.Errorf("told of %+v, not of %s", told[0], s.ID)
		}
		tell(nil, 0)
		_, err := w.hooks.Change(ctx, content.System("test"), s.ID, Wish{Active: &yes})
		w.must(err)
	}
	// Somebody switches it on before anybody was told.
	w.item("fine", "it", "N", "MI")
	w.round()
	_, err := w.hooks.Change(ctx, content.System("test"), s.ID, Wish{Active: &yes})
	w.must(err)
	tell(nil, 0)
	if now, err := w.hooks.Get(ctx, quiet.ID); err != nil || now.State != Active {
		t.Errorf("%+v %v", now, err)
	}
}
