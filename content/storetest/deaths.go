package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// childOrder is the environment variable that makes a test binary a child; its
// value is a JSON order.
const childOrder = "PRASSI_STORETEST_CHILD"

// order tells a child what to do, and before which statement to die.
type order struct {
	Address string
	Act     string // key of deaths or of errands
	Tag     string // begins every id of this run
	Step    int64  // from 1; zero lives
}

// death is an operation during which a process dies.
type death struct {
	// opening counts the statements of Open too, on a store of its own.
	opening bool
	// before gives the writes that are there already, act what the child does
	// with a store that holds them.
	before func(tag string) []content.Write
	act    func(s content.Store, tag string) error
	// writes gives what act tries to write.
	writes func(tag string) []content.Write
}

var deaths = map[string]death{
	"open": {
		opening: true,
		act:     func(content.Store, string) error { return nil },
	},
	"insert": {
		act:    func(s content.Store, tag string) error { return apply(s, write(tag)) },
		writes: func(tag string) []content.Write { return []content.Write{write(tag)} },
	},
	"update": {
		before: func(tag string) []content.Write { return []content.Write{write(tag)} },
		act:    func(s content.Store, tag string) error { return apply(s, changed(tag)) },
		writes: func(tag string) []content.Write { return []content.Write{changed(tag)} },
	},
	"batch": {
		before: func(tag string) []content.Write { return []content.Write{write(tag), write(tag + "-other")} },
		act: func(s content.Store, tag string) error {
			return errors.Join(s.Apply(context.Background(), batch(tag))...)
		},
		writes: batch,
	},
	"record": {
		act: func(s content.Store, tag string) error {
			err := s.PutRecord(context.Background(), &content.Record{Kind: "k", ID: tag, Data: []byte("1")}, 0)
			if err == nil {
				err = s.DeleteRecord(context.Background(), "k", tag, 1)
			}
			return err
		},
	},
	"relay": {
		before: func(tag string) []content.Write { return append(batch(tag)[2:], write(tag), changed(tag)) },
		act: func(s content.Store, tag string) error {
			_, err := s.Relay(context.Background())
			return err
		},
	},
}

// changed is an update that moves every key.
func changed(tag string) content.Write {
	return next(write(tag), terms("type:practice", tag+" new"), slugs(tag+"/new"), title("ff"), due(start))
}

func batch(tag string) []content.Write {
	return []content.Write{changed(tag), next(write(tag + "-other")), write(tag + "-new")}
}

// child is the main function of a process that is to die.
func child(d Driver, text string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	var o order
	fail(json.Unmarshal([]byte(text), &o))
	operation, mortal := deaths[o.Act]
	act := operation.act
	if !mortal {
		act = errands[o.Act]
	}
	var counting atomic.Bool
	var step atomic.Int64
	counting.Store(operation.opening)
	s, err := d.Open(context.Background(), o.Address, func(name string) {
		if counting.Load() && step.Add(1) == o.Step {
			fmt.Fprintln(os.Stderr, "died before:", strings.Join(strings.Fields(name), " "))
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	})
	fail(err)
	counting.Store(true)
	fail(act(s, o.Tag))
	os.Exit(0)
}

// testDeaths lets a process die before each statement of each operation. Then
// every write is there with its revisions and events, or there is nothing of
// it, and it can be done again.
func testDeaths(t *testing.T, d Driver) {
	for name, operation := range deaths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := d.Create(t)
			for n := int64(1); ; n++ {
				tag := fmt.Sprintf("%s%02d", name, n)
				var before []content.Write
				if operation.opening {
					address = d.Create(t)
				} else {
					s := d.open(t, address)
					if operation.before != nil {
						before = operation.before(tag)
						slices.SortStableFunc(before, func(a, b content.Write) int { return int(a.Expect - b.Expect) })
						mustApply(t, s, before...)
					}
				}
				died := startChild(t, order{address, name, tag, n})
				s := d.open(t, address)
				checkDeath(t, s, operation, tag, before)
				if t.Failed() {
					t.Fatalf("… after a death before statement %d", n)
				}
				if !died {
					if n == 1 && name != "relay" {
						t.Error("the operation has no step")
					}
					t.Logf("%d deaths", n-1)
					break
				}
			}
		})
	}
}

// startChild runs a child and says whether it died as ordered.
func startChild(t *testing.T, o order) bool {
	t.Helper()
	command := childCommand(t, o)
	output, err := command.CombinedOutput()
	if err == nil {
		return false
	}
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the child failed: %v\n%s", err, output)
	}
	t.Logf("%s", output)
	return true
}

func childCommand(t *testing.T, o order) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childOrder+"="+string(text))
	return command
}

func checkDeath(t *testing.T, s content.Store, operation death, tag string, before []content.Write) {
	t.Helper()
	ctx := context.Background()
	want := map[string][]string{}
	note := func(writes ...content.Write) {
		for _, w := range writes {
			want[w.Document.ID] = append(want[w.Document.ID], pendingIDs(w)...)
		}
	}
	note(before...)
	relay(t, s)
	if operation.writes == nil {
		// A record is one statement: put, deleted or absent, never anything else.
		if r, err := s.GetRecord(ctx, "k", tag); err != nil {
			if !errors.Is(err, content.ErrNotFound) {
				t.Errorf("record: %v", err)
			}
		} else if r.Version != 1 || string(r.Data) != "1" {
			t.Errorf("record: %+v", r)
		}
		if operation.opening {
			w := write(tag)
			mustApply(t, s, w)
			note(w)
			relay(t, s)
		}
	} else {
		for _, w := range operation.writes(tag) {
			d := w.Document
			got, err := s.Get(ctx, d.ID)
			switch {
			case err == nil && got.Version == d.Version: // wholly there
				for _, r := range w.Revisions {
					if _, err := s.Revision(ctx, r.Hash); err != nil {
						t.Errorf("document %s is there without its revision: %v", d.ID, err)
					}
				}
				equal(t, "events of "+d.ID, eventIDs(t, s, d.ID), append(want[d.ID], pendingIDs(w)...))
				again := apply(s, w)
				if !errors.Is(again, content.ErrConflict) && !errors.Is(again, content.ErrDuplicate) {
					t.Errorf("doing %s again: %v", d.ID, again)
				}
			case err == nil && got.Version == w.Expect, errors.Is(err, content.ErrNotFound) && w.Expect == 0: // not at all
				for _, e := range eventIDs(t, s, d.ID) {
					if slices.Contains(pendingIDs(w), e) {
						t.Errorf("event %s is there without its document", e)
					}
				}
				if _, err := s.BySlug(ctx, d.Keys.Slugs[0]); !errors.Is(err, content.ErrNotFound) && w.Expect == 0 {
					t.Errorf("slug %s is there without its document", d.Keys.Slugs[0])
				}
				had := slices.ContainsFunc(before, func(w content.Write) bool { return slices.Equal(w.Document.Keys.Terms, d.Keys.Terms) })
				found, err := s.Find(ctx, content.Query{Terms: d.Keys.Terms})
				if err != nil || slices.Contains(ids(found), d.ID) != had {
					t.Errorf("the terms of %s are there without it: %v, %v", d.ID, ids(found), err)
				}
				if err := apply(s, w); err != nil {
					t.Errorf("doing %s again: %v", d.ID, err)
				}
			default:
				t.Errorf("document %s: %v, %v; want version %d or %d", d.ID, got, err, w.Expect, d.Version)
				continue
			}
			note(w)
			relay(t, s)
			if got, err = s.Get(ctx, d.ID); err != nil {
				t.Errorf("get: %v", err)
			} else {
				equal(t, "document", got, stored(w))
			}
			for _, slug := range d.Keys.Slugs {
				if got, err := s.BySlug(ctx, slug); err != nil || got.ID != d.ID {
					t.Errorf("slug %s: %v, %v", slug, got, err)
				}
			}
			found, err := s.Find(ctx, content.Query{Terms: d.Keys.Terms, Order: content.ByTitle})
			if err != nil || !slices.Contains(ids(found), d.ID) {
				t.Errorf("the terms of %s: %v, %v", d.ID, ids(found), err)
			}
			revisions, err := s.History(ctx, d.ID, "it", 0, 0)
			if err != nil || len(revisions) != int(d.Version) {
				t.Errorf("history of %s: %d revisions (%v), want %d", d.ID, len(revisions), err, d.Version)
			}
			for _, r := range w.Revisions {
				got, err := s.Revision(ctx, r.Hash)
				if err != nil {
					t.Errorf("revision: %v", err)
				} else {
					equal(t, "revision", got, r)
				}
			}
		}
	}
	for id, events := range want {
		equal(t, "events of "+id, eventIDs(t, s, id), events)
	}
	log(t, s)
}
