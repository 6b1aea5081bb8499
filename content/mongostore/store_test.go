package mongostore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/storetest"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

var driver = storetest.Driver{
	Create: func(tb testing.TB) string {
		tb.Helper()
		address := withDatabase(mongoengine.Start(tb), mongoengine.DatabaseName())
		tb.Cleanup(func() {
			client, name := connect(tb, address)
			if err := client.Database(name).Drop(context.Background()); err != nil {
				tb.Error(err)
			}
		})
		return address
	},
	Open: func(ctx context.Context, address string, step func(string)) (content.Store, error) {
		s, err := mongostore.Open(ctx, address, mongostore.WithStep(step))
		if err != nil {
			return nil, err
		}
		return s, nil
	},
	Plans: plans,
	// The hints say which index, so what is left to see is that nothing else is
	// read or sorted.
	FullScan: func(plan string) bool { return strings.Contains(plan, "COLLSCAN") || strings.Contains(plan, `"SORT"`) },
}

func TestMain(m *testing.M) { storetest.Main(m, driver) }

func TestStore(t *testing.T) { storetest.Run(t, driver) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, driver) }

// withDatabase puts a database's name into the engine's address.
func withDatabase(uri, name string) string {
	server, settings, _ := strings.Cut(uri, "/?")
	return server + "/" + name + "?" + settings
}

func connect(tb testing.TB, address string) (client *mongo.Client, database string) {
	tb.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	server, _, _ := strings.Cut(address, "?")
	return client, server[strings.LastIndex(server, "/")+1:]
}

// plans records every command that the driver sends and has the engine explain
// those that look for something.
func plans(tb testing.TB, address string, use func(content.Store)) map[string]string {
	var mu sync.Mutex
	commands := map[string]bson.D{}
	record := func(command bson.D) {
		mu.Lock()
		defer mu.Unlock()
		text, err := bson.MarshalExtJSON(command, false, false)
		if err != nil {
			tb.Error(err)
		}
		commands[string(text)] = command
	}
	s, err := mongostore.Open(context.Background(), address, mongostore.WithMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			var command bson.D
			if err := bson.Unmarshal(slices.Clone(e.Command), &command); err != nil {
				tb.Error(err)
				return
			}
			command = slices.DeleteFunc(command, func(e bson.E) bool {
				return strings.HasPrefix(e.Key, "$") || slices.Contains([]string{"lsid", "txnNumber", "writeConcern", "readConcern"}, e.Key)
			})
			switch e.CommandName {
			case "hello", "ping", "createIndexes", "insert", "endSessions", "getMore":
			case "update", "delete": // only one statement of many can be explained
				for i, field := range command {
					if many, ok := field.Value.(bson.A); ok {
						command[i].Value = many[:1]
					}
				}
				record(command)
			default:
				record(command)
			}
		},
	}))
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	use(s)

	client, name := connect(tb, address)
	plans := map[string]string{}
	for text, command := range commands {
		var answer struct {
			QueryPlanner struct {
				WinningPlan bson.Raw `bson:"winningPlan"`
			} `bson:"queryPlanner"`
		}
		err := client.Database(name).RunCommand(context.Background(),
			bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&answer)
		if err != nil {
			tb.Fatalf("explain %s: %v", text, err)
		}
		plans[text] = fmt.Sprint(answer.QueryPlanner.WinningPlan)
	}
	return plans
}
