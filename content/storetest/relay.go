package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// testRelays has writers and relays of several handles at work together, and a
// consumer that follows the log: it must never meet a gap, even for a moment.
func testRelays(t *testing.T, d Driver) {
	address := d.Create(t)
	ctx := context.Background()
	const writers, documents, rounds = 3, 6, 6
	var writing, relaying sync.WaitGroup
	var done atomic.Bool
	var mu sync.Mutex
	want := map[string][]string{}
	for i := range writers {
		s := d.open(t, address)
		writing.Go(func() {
			var last []content.Write
			for j := range documents {
				last = append(last, write(fmt.Sprintf("w%d-%d", i, j)))
			}
			for range rounds {
				for j, err := range s.Apply(ctx, last) {
					if err != nil {
						t.Errorf("write: %v", err)
						return
					}
					w := last[j]
					mu.Lock()
					want[w.Document.ID] = append(want[w.Document.ID], pendingIDs(w)...)
					mu.Unlock()
					last[j] = next(w)
				}
			}
		})
	}
	var relayed atomic.Int64
	for range 4 {
		s := d.open(t, address)
		relaying.Go(func() {
			for !done.Load() {
				n, err := s.Relay(ctx)
				if err != nil {
					t.Errorf("relay: %v", err)
					return
				}
				relayed.Add(int64(n))
				if n == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	follower := d.open(t, address)
	relaying.Go(func() {
		for after := int64(0); !done.Load(); {
			page, err := follower.Events(ctx, after, 7)
			if err != nil {
				t.Errorf("events: %v", err)
				return
			}
			for _, e := range page {
				if e.Seq != after+1 {
					t.Errorf("the log jumped from %d to %d", after, e.Seq)
					return
				}
				after = e.Seq
			}
			if len(page) == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	})
	writing.Wait()
	done.Store(true)
	relaying.Wait()

	relayed.Add(int64(relay(t, follower)))
	all := log(t, follower)
	total := writers * documents * (rounds + 1)
	if len(all) != total {
		t.Errorf("%d events in the log, want %d", len(all), total)
	}
	if n := relayed.Load(); n != 0 && n != int64(total) {
		t.Errorf("the relays claim %d events, want %d", n, total)
	}
	for id, events := range want {
		equal(t, "events of "+id, eventIDs(t, follower, id), events)
	}
}

// patience is how long a disturbed operation waits for the disturbance; a
// driver that holds a lock at that moment lets it in only afterwards.
const patience = 15 * time.Millisecond

// testDisturbed stops an operation before each of its statements, lets another
// handle write the same document and relay, and lets the operation go on.
func testDisturbed(t *testing.T, d Driver) {
	ctx := context.Background()
	// Each operation gives the writes it tried with their errors.
	operations := map[string]func(s content.Store, before content.Write) ([]content.Write, []error){
		"update": func(s content.Store, before content.Write) ([]content.Write, []error) {
			writes := []content.Write{next(before, func(d *content.Document) { d.Author = "operation" })}
			return writes, s.Apply(ctx, writes)
		},
		"batch": func(s content.Store, before content.Write) ([]content.Write, []error) {
			writes := []content.Write{write(before.Document.ID + "-new"), next(before, func(d *content.Document) { d.Author = "operation" })}
			return writes, s.Apply(ctx, writes)
		},
		"relay": func(s content.Store, before content.Write) ([]content.Write, []error) {
			_, err := s.Relay(ctx)
			return []content.Write{{}}, []error{err}
		},
	}
	disturbances := map[string]func(s content.Store, before content.Write) (content.Write, error){
		"update": func(s content.Store, before content.Write) (content.Write, error) {
			w := next(before, func(d *content.Document) { d.Author = "disturbance" })
			return w, apply(s, w)
		},
		"relay": func(s content.Store, before content.Write) (content.Write, error) {
			_, err := s.Relay(ctx)
			return content.Write{}, err
		},
		"update and relay": func(s content.Store, before content.Write) (content.Write, error) {
			w := next(before, func(d *content.Document) { d.Author = "disturbance" })
			err := apply(s, w)
			if _, err := s.Relay(ctx); err != nil {
				return w, err
			}
			return w, err
		},
	}
	for name, operate := range operations {
		t.Run(name, func(t *testing.T) {
			address := d.Create(t)
			other := d.open(t, address)
			var hook atomic.Pointer[func()]
			s := d.openStep(t, address, func(string) {
				if disturb := hook.Load(); disturb != nil {
					(*disturb)()
				}
			})
			for nameOther, disturb := range disturbances {
				for n := int64(1); ; n++ {
					id := fmt.Sprintf("%s, %s at %d", name, nameOther, n)
					first := write(id)
					second := next(first)
					var count atomic.Int64
					var disturbing sync.WaitGroup
					var disturbed content.Write
					var disturbedErr error
					trap := func() {
						if count.Add(1) != n {
							return
						}
						gone := make(chan struct{})
						disturbing.Go(func() {
							defer close(gone)
							disturbed, disturbedErr = disturb(other, second)
						})
						select {
						case <-gone:
						case <-time.After(patience):
						}
					}
					mustApply(t, s, first)
					mustApply(t, s, second)
					hook.Store(&trap)
					writes, errs := operate(s, second)
					hook.Store(nil)
					reached := count.Load() >= n
					disturbing.Wait()

					want := map[string][]string{id: pendingIDs(first, second)}
					version := second.Document.Version
					for i, w := range append(writes, disturbed) {
						err := append(errs, disturbedErr)[i]
						switch {
						case w.Document == nil:
							if err != nil {
								t.Errorf("%s: %v", id, err)
							}
						case err == nil:
							want[w.Document.ID] = append(want[w.Document.ID], pendingIDs(w)...)
							if w.Document.ID == id {
								version++
							}
						default:
							wantError(t, id, err, content.ErrConflict)
						}
					}
					if version > second.Document.Version+1 {
						t.Errorf("%s: both writes succeeded", id)
					}
					relay(t, s)
					got, err := other.Get(ctx, id)
					if err != nil || got.Version != version {
						t.Errorf("%s: version %v (%v), want %d", id, got, err, version)
					}
					for document, events := range want {
						equal(t, id+": events of "+document, eventIDs(t, other, document), events)
					}
					if !reached {
						if n == 1 && name != "relay" {
							t.Errorf("%s has no step", name)
						}
						break
					}
				}
			}
			log(t, other)
		})
	}
}
