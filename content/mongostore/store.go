package mongostore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/prassi-cms/prassi/content"
)

const (
	// defaultDatabase is used when the address names none.
	defaultDatabase = "prassi"
	// selectionLimit is how long a call waits for a server to be there, when the
	// address does not say (serverSelectionTimeoutMS).
	selectionLimit = 10 * time.Second
)

// Store is a connected database. It implements content.Store; its methods may
// be called from several goroutines, and any number of processes may share the
// database.
type Store struct {
	database  *mongo.Database
	documents *mongo.Collection
	revisions *mongo.Collection
	events    *mongo.Collection
	records   *mongo.Collection
	step      func(name string)
	monitor   *event.CommandMonitor
	close     func() error
}

var _ content.Store = (*Store)(nil)

// Option changes how Open works.
type Option func(*Store)

// WithStep has step called before each statement of an operation that writes.
// It may be called from several goroutines at once. It is for tests that stop
// or disturb a write in the middle.
func WithStep(step func(name string)) Option { return func(s *Store) { s.step = step } }

// WithMonitor has every command and answer shown to the monitor: for metrics
// and for tests. Commands hold content; do not log them.
func WithMonitor(monitor *event.CommandMonitor) Option {
	return func(s *Store) { s.monitor = monitor }
}

// Open connects to the database that a mongodb:// address names ("prassi" when
// it names none), waits until a server answers and makes the indexes that are
// missing. The caller must call Close. Errors do not repeat the address, which
// may hold a password.
func Open(ctx context.Context, uri string, opts ...Option) (_ *Store, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("mongostore: %w", err)
		}
	}()
	name, err := databaseName(uri)
	if err != nil {
		return nil, err
	}
	s := &Store{step: func(string) {}}
	for _, option := range opts {
		option(s)
	}
	settings := options.Client().ApplyURI(uri).SetAppName("prassi").SetMonitor(s.monitor)
	if settings.ServerSelectionTimeout == nil {
		settings.SetServerSelectionTimeout(selectionLimit)
	}
	client, err := mongo.Connect(settings)
	if err != nil {
		return nil, err
	}
	s.close = sync.OnceValue(func() error { return client.Disconnect(context.Background()) })
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()

	// The address does not decide how safe a write is. A server by itself has no
	// majority; one was seen to acknowledge "majority" before its journal was on
	// the disk, and never 1.
	journal := true
	writes, reads := &writeconcern.WriteConcern{W: 1, Journal: &journal}, readconcern.Local()
	if member, err := isMember(ctx, client); err != nil {
		return nil, err
	} else if member {
		writes.W, reads = "majority", readconcern.Majority()
	}
	s.database = client.Database(name, options.Database().
		SetWriteConcern(writes).SetReadConcern(reads).SetReadPreference(readpref.Primary()))
	s.documents = s.database.Collection("documents")
	s.revisions = s.database.Collection("revisions")
	s.events = s.database.Collection("events")
	s.records = s.database.Collection("records")
	if err := s.makeIndexes(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// databaseName gives the path of a mongodb:// address. Everything else in it is
// checked by the client library.
func databaseName(uri string) (string, error) {
	_, rest, _ := strings.Cut(uri, "://")
	_, path, _ := strings.Cut(rest, "/")
	path, _, _ = strings.Cut(path, "?")
	name, err := url.PathUnescape(path)
	switch {
	case err != nil || strings.ContainsAny(name, "/\\. \"$*<>:|?\x00"):
		return "", errors.New("the address does not name a database (mongodb://host/NAME)")
	case name == "":
		return defaultDatabase, nil
	}
	return name, nil
}

// isMember says whether the server is part of a replica set, or a router of
// some, and so knows what a majority has.
func isMember(ctx context.Context, client *mongo.Client) (bool, error) {
	var hello struct {
		SetName string `bson:"setName"`
		Message string `bson:"msg"`
	}
	err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
	return hello.SetName != "" || hello.Message == "isdbgrid", err
}

// Ping says whether the engine answers.
func (s *Store) Ping(ctx context.Context) error {
	return failure(ctx, "ping", s.database.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err())
}

// Close ends the connections. Later calls of any method fail; a second Close
// does nothing.
func (s *Store) Close() error { return s.close() }

// failure names what an error is about. When the context has ended, that is
// what the caller is told first.
func failure(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = content.ErrNotFound
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return fmt.Errorf("mongostore: %s: %w", what, err)
}

// one reads one document of a collection into a T.
func one[T any](ctx context.Context, what string, c *mongo.Collection, filter bson.D) (*T, error) {
	v := new(T)
	if err := c.FindOne(ctx, filter).Decode(v); err != nil {
		return nil, failure(ctx, what, err)
	}
	return v, nil
}

// list reads documents of a collection along one index; a limit below one means
// none.
func list[T any](ctx context.Context, c *mongo.Collection, index string, filter, order bson.D, limit int) ([]T, error) {
	cursor, err := c.Find(ctx, filter, options.Find().SetHint(index).SetSort(order).SetLimit(int64(max(limit, 0))))
	if err != nil {
		return nil, failure(ctx, "list "+c.Name(), err)
	}
	var all []T
	if err := cursor.All(ctx, &all); err != nil {
		return nil, failure(ctx, "list "+c.Name(), err)
	}
	return all, nil
}
