package mongoengine_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/prassi-cms/prassi/internal/mongoengine"
)

// parentFolder names the folder in which TestMain, started once more as a child
// process, runs an engine and waits to be killed.
const parentFolder = "MONGOENGINE_TEST_PARENT"

func TestMain(m *testing.M) {
	if folder := os.Getenv(parentFolder); folder != "" {
		engine, err := mongoengine.Command(context.Background(), folder)
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(engine.URI() + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

type entry struct {
	ID   int    `bson:"_id"`
	Slug string `bson:"slug"`
}

func TestSharedEngineIsMongoDB(t *testing.T) {
	ctx := t.Context()
	collection := connect(t, mongoengine.Start(t)).Database(mongoengine.DatabaseName()).Collection("entries")

	_, err := collection.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys: bson.D{{Key: "slug", Value: 1}}, Options: options.Index().SetUnique(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = collection.InsertOne(ctx, entry{1, "casa"}); err != nil {
		t.Fatal(err)
	}
	if _, err = collection.InsertOne(ctx, entry{2, "casa"}); !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("a second entry with the same slug: %v, want a duplicate key error", err)
	}
	var found entry
	if err = collection.FindOne(ctx, bson.D{{Key: "slug", Value: "casa"}}).Decode(&found); err != nil || found.ID != 1 {
		t.Fatalf("found %+v, %v", found, err)
	}
}

func TestSharedEngineIsOne(t *testing.T) {
	if first, second := mongoengine.Start(t), mongoengine.Start(t); first != second {
		t.Fatalf("two engines in one process: %s and %s", first, second)
	}
	if first, second := mongoengine.DatabaseName(), mongoengine.DatabaseName(); first == second {
		t.Fatalf("two tests got the same database %s", first)
	}
}

// durable is the write concern under which a standalone server has an
// acknowledged write on disk; the package comment says why it is not "majority".
func durable() *writeconcern.WriteConcern {
	journaled := true
	return &writeconcern.WriteConcern{W: 1, Journal: &journaled}
}

// TestAcknowledgedWritesSurviveKill kills the engine with SIGKILL in the middle
// of four writers and opens the same folder again, several times. Every write
// that was acknowledged must be there.
func TestAcknowledgedWritesSurviveKill(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	acknowledged := map[int]bool{}
	next := 0

	for round := range 3 {
		engine, err := mongoengine.Command(ctx, folder)
		if err != nil {
			t.Fatal(err)
		}
		collection := connect(t, engine.URI()).Database("test").
			Collection("entries", options.Collection().SetWriteConcern(durable()))
		assertAll(t, collection, acknowledged)

		var mu sync.Mutex
		var writers sync.WaitGroup
		fresh := 0
		enough := make(chan struct{})
		for range 4 {
			writers.Go(func() {
				for {
					mu.Lock()
					id := next
					next++
					mu.Unlock()
					if _, err := collection.InsertOne(ctx, entry{ID: id, Slug: strings.Repeat("x", 200)}); err != nil {
						return // the kill
					}
					mu.Lock()
					acknowledged[id] = true
					if fresh++; fresh == 100+50*round {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(30 * time.Second):
			t.Error("the writers were too slow")
		}
		if err := engine.Kill(); err != nil {
			t.Fatal(err)
		}
		writers.Wait()
	}

	engine, err := mongoengine.Command(ctx, folder)
	if err != nil {
		t.Fatal(err)
	}
	assertAll(t, connect(t, engine.URI()).Database("test").Collection("entries"), acknowledged)
	if err := engine.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := engine.Stop(); err != nil {
		t.Fatalf("a second stop: %v", err)
	}
}

func assertAll(t *testing.T, collection *mongo.Collection, acknowledged map[int]bool) {
	t.Helper()
	cursor, err := collection.Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	if err := cursor.All(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	there := map[int]bool{}
	for _, e := range all {
		there[e.ID] = true
	}
	lost := 0
	for id := range acknowledged {
		if !there[id] {
			lost++
		}
	}
	if lost > 0 {
		t.Fatalf("%d of %d acknowledged writes are lost", lost, len(acknowledged))
	}
}

// TestEngineDiesWithItsParent kills the Go process that started an engine. The
// engine must let go of its folder, and leave no socket behind.
func TestEngineDiesWithItsParent(t *testing.T) {
	folder := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentFolder+"="+folder)
	parent.Stderr = os.Stderr
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	uri, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_ = parent.Process.Signal(syscall.SIGKILL)
	_, _ = io.Copy(io.Discard, stdout)
	_ = parent.Wait()

	client := connect(t, strings.TrimSpace(uri))
	deadline := time.Now().Add(20 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := client.Ping(ctx, nil)
		cancel()
		if err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the engine outlives its parent")
		}
		time.Sleep(50 * time.Millisecond)
	}
	// And the folder is free for the next engine.
	engine, err := openWithin(t, folder, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Stop(); err != nil {
		t.Fatal(err)
	}
}

// openWithin tries again while the orphan is still closing the folder.
func openWithin(t *testing.T, folder string, limit time.Duration) (engine *mongoengine.Engine, err error) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if engine, err = mongoengine.Command(t.Context(), folder); err == nil {
			return engine, nil
		}
	}
	return nil, err
}

func TestCommandFailures(t *testing.T) {
	t.Run("a folder in use", func(t *testing.T) {
		folder := t.TempDir()
		engine, err := mongoengine.Command(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Kill()
		if second, err := mongoengine.Command(t.Context(), folder); err == nil {
			second.Kill()
			t.Fatal("two engines opened one folder")
		}
	})
	t.Run("a file in the folder's place", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if engine, err := mongoengine.Command(t.Context(), file); err == nil {
			engine.Kill()
			t.Fatal("a file was opened as a data folder")
		}
	})
	t.Run("a cancelled context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := mongoengine.Command(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	})
}
