package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/schemas"
)

// childOrder is the environment variable that makes a test binary a process that
// sends, and is to die; its value is a JSON order.
const childOrder = "PRASSI_WEBHOOKS_CHILD"

// order tells a child where to work and when to die: after that many requests, or
// before that many writes; zero is never.
type order struct {
	Address, Dir, Owner string
	Sends, Writes       int64
}

// die ends this process as a power cut does.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// mortal is the records of a store whose process dies before a write.
type mortal struct {
	audit.Records
	left atomic.Int64
}

func (m *mortal) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	if m.left.Add(-1) == 0 {
		die()
	}
	return m.Records.PutRecord(ctx, r, expect)
}

func (m *mortal) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	if m.left.Add(-1) == 0 {
		die()
	}
	return m.Records.DeleteRecord(ctx, kind, id, expect)
}

// child is the main function of a process that sends until it dies or is killed.
func child(text string) {
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	var o order
	must(json.Unmarshal([]byte(text), &o))
	store, err := openStore(o.Address)
	must(err)
	c, err := catalog.Open(ctx, catalog.Options{Dir: o.Dir, Source: store, Schemas: schemas.Default()})
	must(err)
	records := &mortal{Records: store}
	records.left.Store(o.Writes)
	h := New(Options{
		Ledger: audit.New(records, nil), Log: store, Catalog: c, Schemas: schemas.Default(), Owner: o.Owner,
		Outgoing: outgoing.Options{Allow: strangers.Allow, Roots: roots()},
	})
	h.checkpoint = 1 // so that the cursor is written while requests are under way
	var sends atomic.Int64
	h.afterSend = func(*Delivery) {
		if sends.Add(1) == o.Sends {
			die()
		}
	}
	go h.Run(ctx)
	for {
		must(h.CatchUp(ctx))
		time.Sleep(5 * time.Millisecond)
	}
}

// start starts a child; it is killed when the test ends, at the latest.
func start(t *testing.T, o order) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childOrder+"="+string(text))
	c.Stderr = leak.Log()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c
}

// arrived checks that everything came, each message with one id, and each document's
// in order. It gives how many came twice.
func arrived(t *testing.T, list []got, want int) (twice int) {
	t.Helper()
	ids, first, last := map[int64]string{}, map[int64]bool{}, map[string]int64{}
	for _, g := range list {
		seq := g.Data.Seq
		if was, known := ids[seq]; known && was != g.id {
			t.Errorf("the message of %d has the ids %s and %s", seq, was, g.id)
		}
		ids[seq] = g.id
		if first[seq] {
			twice++
			continue
		}
		first[seq] = true
		if seq < last[g.Data.ID] {
			t.Errorf("of %s, %d came after %d", g.Data.ID, seq, last[g.Data.ID])
		}
		last[g.Data.ID] = seq
	}
	if len(first) != want {
		t.Errorf("%d of %d messages came", len(first), want)
	}
	return twice
}

// heard leaves out what the receiver did not take.
func heard(list []got) []got {
	return slices.DeleteFunc(list, func(g got) bool { return g.answered != http.StatusOK })
}

// TestBehind: a document's news is under way, and later news of it waits behind that
// already, when the sending ends: the process dies or stops, or cannot write down
// that the receiver refused. Whoever goes on sends the first one first.
func TestBehind(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, w *world, waits func() bool, refuse chan<- bool){
		"killed": func(t *testing.T, w *world, _ func() bool, _ chan<- bool) {
			o := order{Address: w.address, Dir: t.TempDir(), Owner: "one", Sends: 3} // the third is begun after all that waits is written
			_ = start(t, o).Wait()
			o.Sends = 0
			start(t, o)
		},
		"stopped": func(t *testing.T, w *world, waits func() bool, _ chan<- bool) {
			stop := w.run()
			w.follow()
			eventually(t, "later news waits", waits)
			stop()
			next := over(t, w.address)
			next.run()
			next.follow()
		},
		"not written": func(t *testing.T, w *world, waits func() bool, refuse chan<- bool) {
			store := &broken{Records: w.store, kind: kindWaiting}
			w.hooks.records = store
			w.run()
			w.follow()
			eventually(t, "later news waits", waits)
			store.left.Store(1)
			refuse <- true
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, address string) {
				w := over(t, address)
				r := newReceiver(t, nil)
				s, _ := w.subscribe(r.URL, Filter{})
				ids := []string{w.item("a", "it", "N", "MI"), ""}
				w.follow() // what is relayed at once is in no order among documents
				ids[1] = w.item("b", "it", "N", "MI")
				for n := range 2 {
					w.follow()
					for i, id := range ids {
						w.update(id, string("ab"[i]), "it", fmt.Sprint("N", n), "MI")
					}
				}
				w.follow()
				refuse := make(chan bool)
				var once atomic.Bool
				r.set(func(_ http.ResponseWriter, g *got) int {
					if g.Data.ID != ids[0] || g.Type != ItemUpdated || !once.CompareAndSwap(false, true) {
						return http.StatusOK
					}
					select {
					case <-g.gone:
					case <-refuse:
					}
					return http.StatusServiceUnavailable
				})
				end(t, w, func() bool {
					list, err := w.hooks.listWaiting(ctx, s.ID)
					return err == nil && slices.ContainsFunc(list, func(d *Delivery) bool { return d.Document == ids[0] })
				}, refuse)
				const want = 6
				eventually(t, "everything came", func() bool {
					seen := map[int64]bool{}
					for _, g := range heard(r.all()) {
						seen[g.Data.Seq] = true
					}
					return len(seen) == want
				})
				arrived(t, heard(r.all()), want)
			})
		})
	}
}

// TestKilled: a process dies between sending and writing that down, or before any
// write, and comes back: everything comes at least once, under one id.
func TestKilled(t *testing.T) {
	onEngines(t, func(t *testing.T, address string) {
		w := over(t, address)
		r := newReceiver(t, nil)
		s, verifier := w.subscribe(r.URL, Filter{})
		var ids []string
		for i := range 5 {
			ids = append(ids, w.item(fmt.Sprint("n", i), "it", "N", "MI"))
		}
		// One document's news is under way for longer than that of the others, and is
		// not taken when the process dies meanwhile.
		r.set(func(_ http.ResponseWriter, g *got) int {
			if g.Data.ID == ids[2] {
				select {
				case <-g.gone:
					return http.StatusServiceUnavailable
				case <-time.After(50 * time.Millisecond):
				}
			}
			return http.StatusOK
		})
		deaths := []order{{Sends: 1}, {Sends: 2}, {Writes: 1}, {Writes: 2}, {Writes: 3}, {Sends: 5}, {Writes: 6}, {Writes: 9}}
		want, twice := 5, 0
		dir := t.TempDir()
		for n, o := range deaths {
			for i, id := range ids {
				w.update(id, fmt.Sprint("n", i), "it", fmt.Sprint("N", n), "MI")
				want++
			}
			w.follow()
			o.Address, o.Dir, o.Owner = address, dir, "one"
			c := start(t, o)
			err := c.Wait()
			if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("the process was to die: %v", err)
			}
		}
		start(t, order{Address: address, Dir: dir, Owner: "one"})
		eventually(t, "everything came", func() bool {
			seen := map[int64]bool{}
			for _, g := range heard(r.all()) {
				seen[g.Data.Seq] = true
			}
			return len(seen) == want
		})
		eventually(t, "the lane is free", func() bool {
			l, _, err := w.hooks.readLane(ctx, s.ID)
			w.must(err)
			return l.Owner == "" && l.Waiting == 0
		})
		twice = arrived(t, heard(r.all()), want)
		if twice > laneWidth*len(deaths) {
			t.Errorf("%d of %d messages came twice", twice, want)
		}
		for _, g := range r.all() {
			w.must(verifier.Verify(g.body, g.header))
		}
		list := w.log(s)
		if len(list) != want {
			t.Errorf("%d entries of %d", len(list), want)
		}
		t.Logf("%d messages, %d of them twice, %d deaths", want, twice, len(deaths))
	})
}

// TestProcesses: two that serve one store do not send twice while they are well,
// and one goes on where another died, once its claim is over.
func TestProcesses(t *testing.T) {
	onEngines(t, func(t *testing.T, address string) {
		a := over(t, address, func(o *Options) { o.Owner = "a" })
		b := over(t, address, func(o *Options) { o.Owner = "b" })
		r := newReceiver(t, nil)
		s, _ := a.subscribe(r.URL, Filter{})
		stop := a.run()
		b.run()
		want := 0
		var ids []string
		for i := range 10 {
			ids = append(ids, a.item(fmt.Sprint("n", i), "it", "N", "MI"))
			want++
		}
		for n := range 5 {
			for i, id := range ids {
				a.update(id, fmt.Sprint("n", i), "it", fmt.Sprint("N", n), "MI")
				want++
				if i%2 == 0 {
					a.follow()
				} else {
					b.follow()
				}
			}
		}
		a.follow()
		b.follow()
		eventually(t, "everything came", func() bool { return len(r.all()) >= want })
		if twice := arrived(t, r.all(), want); twice > 0 {
			t.Errorf("%d came twice", twice)
		}
		free := func() {
			t.Helper()
			eventually(t, "the lane is free", func() bool {
				l, _, err := b.hooks.readLane(ctx, s.ID)
				return err == nil && l.Owner == ""
			})
		}
		free() // a request that is broken off would be sent again
		// A test that one process is asked for is sent by whoever serves the lane.
		stop()
		r.take()
		_, err := a.hooks.Ping(ctx, s.ID)
		a.must(err)
		t.Cleanup(func() {
			if t.Failed() {
				l, _, err := a.hooks.readLane(ctx, s.ID)
				list, _ := a.hooks.listWaiting(ctx, s.ID)
				t.Logf("%+v %v, %d waiting, got %s", l, err, len(list), kinds(r.all()))
			}
		})
		eventually(t, "the test", func() bool { return kinds(r.all()) == TestPing })
		r.take()
		free()
		// Somebody died with the lane in hand: nobody sends before the claim is over.
		a.must(a.hooks.changeLane(ctx, s.ID, func(l *lane) bool { l.Owner, l.Until = "c", a.hooks.now().Add(time.Hour); return true }))
		a.update(ids[0], "n0", "it", "Fine", "MI")
		b.follow()
		time.Sleep(100 * time.Millisecond)
		if n := len(r.all()); n != 0 {
			t.Errorf("%d requests while another has the lane", n)
		}
		a.must(a.hooks.changeLane(ctx, s.ID, func(l *lane) bool { l.Until = a.hooks.now(); return true }))
		eventually(t, "the lane is taken over", func() bool { return len(r.all()) == 1 })
	})
}

// TestCursor: it stays before everything that is under way.
func TestCursor(t *testing.T) {
	w := &turn{read: 12, direct: map[int64]bool{9: true, 5: true}}
	if got := w.cursor(); got != 4 {
		t.Errorf("%d, want 4", got)
	}
	clear(w.direct)
	if got := w.cursor(); got != 12 {
		t.Errorf("%d, want 12", got)
	}
}
