package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

func small(id string) content.Write {
	return content.Write{
		Document: &content.Document{
			ID: id, Type: "page", Version: 1, Shared: []byte(`{}`), Keys: content.Keys{Terms: []string{"all"}},
			Pending: []content.Event{{ID: id + ".1.0", Document: id, Version: 1}},
		},
		Revisions: []*content.Revision{{Hash: "hash " + id, Document: id, Locale: "it", Number: 1}},
	}
}

// TestConcerns checks that every single command says how safe it must be,
// whatever the address says.
func TestConcerns(t *testing.T) {
	ctx := t.Context()
	var mu sync.Mutex
	seen := map[string]int{}
	s, err := mongostore.Open(ctx, driver.Create(t)+"&w=0&journal=false&readConcernLevel=available", mongostore.WithMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			mu.Lock()
			defer mu.Unlock()
			seen[e.CommandName]++
			switch e.CommandName {
			case "insert", "update", "delete", "createIndexes":
				// The tests' engine is a server by itself and has no majority.
				w, _ := e.Command.Lookup("writeConcern", "w").AsInt64OK()
				j, _ := e.Command.Lookup("writeConcern", "j").BooleanOK()
				if w != 1 || !j {
					t.Errorf("%s has the write concern %v", e.CommandName, e.Command.Lookup("writeConcern"))
				}
			case "find":
				if level, _ := e.Command.Lookup("readConcern", "level").StringValueOK(); level != "local" {
					t.Errorf("find has the read concern %v", e.Command.Lookup("readConcern"))
				}
			}
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := small("a")
	next := small("a")
	next.Document.Version, next.Expect = 2, 1
	for _, w := range []content.Write{w, next} {
		if err := errors.Join(s.Apply(ctx, []content.Write{w})...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Relay(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		if err := s.PutRecord(ctx, &content.Record{Kind: "k", ID: "a"}, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteRecord(ctx, "k", "a", 2); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"insert", "update", "delete", "createIndexes", "find"} {
		if seen[command] == 0 {
			t.Errorf("%s was never sent", command)
		}
	}
}

func TestAddress(t *testing.T) {
	uri := mongoengine.Start(t)
	if _, settings, _ := strings.Cut(uri, "/?"); settings == "" {
		t.Fatalf("the engine's address has no settings: %s", uri)
	}
	name := mongoengine.DatabaseName()
	s, err := mongostore.Open(t.Context(), withDatabase(uri, name))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client, database := connect(t, withDatabase(uri, name))
	defer client.Database(database).Drop(context.Background())
	collections, err := client.Database(name).ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(collections)
	if want := []string{"documents", "events", "records", "revisions"}; !slices.Equal(collections, want) {
		t.Errorf("collections %v, want %v", collections, want)
	}

	for _, address := range []string{
		"", "mongodb://", "mongodb://secret-user:secret:word@host/x", "mongodb://secret-user:secret%zz@host/x",
		"postgres://secret-user:secret@host/x", "mongodb://secret-user:secret@host/x?w=-1", "mongodb://secret@host:port/x",
		"mongodb://secret-user:secret@host/x/y", "mongodb://secret-user:secret@host/x%00", "mongodb://secret-user:secret@host/$x",
	} {
		s, err := mongostore.Open(t.Context(), address)
		if err == nil {
			s.Close()
			t.Errorf("%q was opened", address)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats it: %v", address, err)
		}
	}
}

// TestNoServer checks that a missing server is an error soon, not a wait.
func TestNoServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	s, err := mongostore.Open(ctx, "mongodb://127.0.0.1:1/x")
	if err == nil {
		s.Close()
		t.Fatal("something answers at port 1")
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s, err = mongostore.Open(t.Context(), "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=100")
	if err == nil {
		s.Close()
		t.Fatal("something answers at port 1")
	}
}

// TestEngineKilled kills the engine under writers, opens its folder with a new
// one and looks for every write that was acknowledged.
func TestEngineKilled(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	engine, err := mongoengine.Command(ctx, folder)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mongostore.Open(ctx, withDatabase(engine.URI(), "test")+"&serverSelectionTimeoutMS=200")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var acknowledged []string
	enough := make(chan struct{})
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for j := 0; ; j++ {
				id := fmt.Sprintf("%d-%04d", i, j)
				if s.Apply(ctx, []content.Write{small(id)})[0] != nil {
					return // the kill
				}
				mu.Lock()
				if acknowledged = append(acknowledged, id); len(acknowledged) == 150 {
					close(enough)
				}
				mu.Unlock()
				if j%10 == 0 {
					if _, err := s.Relay(ctx); err != nil {
						return
					}
				}
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(20 * time.Second):
		t.Error("the writers are too slow")
	}
	if err := engine.Kill(); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	_ = s.Close()

	if engine, err = mongoengine.Command(ctx, folder); err != nil {
		t.Fatal(err)
	}
	defer engine.Kill()
	if s, err = mongostore.Open(ctx, withDatabase(engine.URI(), "test")); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Relay(ctx); err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(ctx, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	logged := map[string]bool{}
	for i, e := range events {
		if e.Seq != int64(i+1) || logged[e.Document] {
			t.Errorf("event %d is number %d of the log, %s", i+1, e.Seq, e.ID)
		}
		logged[e.Document] = true
	}
	for _, id := range acknowledged {
		if _, err := s.Get(ctx, id); err != nil {
			t.Error(err)
		}
		if _, err := s.Revision(ctx, "hash "+id); err != nil {
			t.Error(err)
		}
		if !logged[id] {
			t.Errorf("the event of %s is lost", id)
		}
	}
	documents, err := s.Scan(ctx, "", 0)
	if err != nil || len(documents) != len(events) {
		t.Errorf("%d documents with %d events (%v)", len(documents), len(events), err)
	}
}
