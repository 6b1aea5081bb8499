package storetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

const (
	raises    = 15 // of one document, by each process
	processes = 3
)

// errands are what child processes do that are not to die at a certain point.
var errands = map[string]func(s content.Store, tag string) error{
	// raise is a writer of testColliding in a process of its own.
	"raise": func(s content.Store, tag string) error {
		for i := 0; i < raises; {
			got, err := s.Get(context.Background(), "shared")
			if err != nil {
				return err
			}
			w := next(content.Write{Document: got}, func(d *content.Document) { d.SharedVersion++ })
			w.Document.Pending[0].Actor = tag
			switch err = apply(s, w); {
			case err == nil:
				i++
			case !errors.Is(err, content.ErrConflict):
				return err
			}
			if _, err := s.Relay(context.Background()); err != nil {
				return err
			}
		}
		return nil
	},
	// load writes until it is killed, and tells what was acknowledged.
	"load": func(s content.Store, tag string) error {
		var last [4]content.Write
		for i := 0; ; i++ {
			place := i % len(last)
			w := write(fmt.Sprintf("%s-%d", tag, place))
			if last[place].Document != nil {
				w = next(last[place])
			}
			batch := []content.Write{w, write(fmt.Sprintf("%s-new%d", tag, i))}
			if err := errors.Join(s.Apply(context.Background(), batch)...); err != nil {
				return err
			}
			last[place] = w
			if _, err := os.Stdout.WriteString(fmt.Sprintf("%s %d\n%s 1\n", w.Document.ID, w.Document.Version, batch[1].Document.ID)); err != nil {
				return err
			}
			if i%5 == 0 {
				if _, err := s.Relay(context.Background()); err != nil {
					return err
				}
			}
		}
	},
}

// testProcesses has several processes write one document and relay.
func testProcesses(t *testing.T, d Driver) {
	address := d.Create(t)
	s := d.open(t, address)
	mustApply(t, s, write("shared"))
	var all sync.WaitGroup
	for i := range processes {
		command := childCommand(t, order{Address: address, Act: "raise", Tag: fmt.Sprint("process", i)})
		all.Go(func() {
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
	all.Wait()
	got, err := s.Get(context.Background(), "shared")
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + processes*raises; got.SharedVersion != want || got.Version != int64(want) {
		t.Errorf("version %d, count %d, want %d", got.Version, got.SharedVersion, want)
	}
	relay(t, s)
	actors := map[string]int{}
	for _, e := range log(t, s) {
		actors[e.Actor]++
	}
	for i := range processes {
		equal(t, "events of a process", actors[fmt.Sprint("process", i)], raises)
	}
}

// testKills kills writing processes at random moments. All they said was
// written is there, and everything that is there is whole.
func testKills(t *testing.T, d Driver) {
	const rounds = 4
	address := d.Create(t)
	acknowledged := 0
	for round := range rounds {
		s := d.open(t, address) // before the deaths, so that it lives through them
		var all sync.WaitGroup
		said := make([]bytes.Buffer, 2)
		for i := range said {
			command := childCommand(t, order{Address: address, Act: "load", Tag: fmt.Sprintf("kill%d-%d", round, i)})
			command.Stderr = os.Stderr
			output, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				lines := bufio.NewReader(io.TeeReader(output, &said[i]))
				_, _ = lines.ReadString('\n') // it is at work
				time.AfterFunc(time.Duration(5+rand.IntN(80))*time.Millisecond, func() { _ = command.Process.Kill() })
				_, _ = io.Copy(io.Discard, lines)
				_ = command.Wait()
				if command.ProcessState.Exited() {
					t.Errorf("the writer ended by itself: %v", command.ProcessState)
				}
			})
		}
		all.Wait()
		if round%2 == 1 {
			s = d.open(t, address)
		}
		relay(t, s)
		versions := map[string]int64{}
		for _, e := range log(t, s) {
			versions[e.Document] = max(versions[e.Document], e.Version)
		}
		documents, err := s.Scan(context.Background(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]int64{}
		for _, document := range documents {
			there[document.ID] = document.Version
			if versions[document.ID] != document.Version {
				t.Errorf("document %s has version %d and events to version %d", document.ID, document.Version, versions[document.ID])
			}
			for _, v := range document.Variants {
				if _, err := s.Revision(context.Background(), v.Latest.Hash); err != nil {
					t.Errorf("document %s: %v", document.ID, err)
				}
			}
			if got, err := s.BySlug(context.Background(), document.Keys.Slugs[0]); err != nil || got.ID != document.ID {
				t.Errorf("document %s: by slug %v, %v", document.ID, got, err)
			}
		}
		if len(there) != len(versions) {
			t.Errorf("%d documents, events of %d", len(there), len(versions))
		}
		for i := range said {
			complete := said[i].String()
			complete = complete[:strings.LastIndex(complete, "\n")+1]
			for line := range strings.Lines(complete) {
				var id string
				var version int64
				if _, err := fmt.Sscan(line, &id, &version); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				acknowledged++
				if there[id] < version {
					t.Errorf("version %d of %s was acknowledged, %d is there", version, id, there[id])
				}
			}
		}
	}
	t.Logf("%d acknowledged writes", acknowledged)
}
