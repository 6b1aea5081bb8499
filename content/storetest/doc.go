// Package storetest is the suite that every driver of content.Store passes. A
// driver's test file is two functions:
//
//	var driver = storetest.Driver{…}
//
//	func TestMain(m *testing.M)  { storetest.Main(m, driver) }
//	func TestStore(t *testing.T) { storetest.Run(t, driver) }
//
// What it settles beyond the words of the contract:
//
//   - A document that is read has no Pending events, relayed or not; those of
//     Write.Document are the new events of that write, and nothing else.
//   - Inserting an id that exists is ErrDuplicate; updating a document that does
//     not exist is ErrConflict.
//   - The writes of one Apply are independent, but one that follows another of
//     the same document sees it.
//   - A limit below one means no limit.
//   - Times are rounded down to the millisecond, also before 1970.
//   - PutRecord and Apply leave what they are given as it is.
//
// Deaths are real: the suite starts the test binary again as a child, which
// kills itself (SIGKILL) before the n-th statement of an operation, for every n.
package storetest

import (
	"context"
	"flag"
	"os"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// Driver says how the suite reaches a driver.
type Driver struct {
	// Create makes room for an empty store that is gone after the test, and
	// gives its address (a path, a URI), by which other processes open it too.
	Create func(tb testing.TB) (address string)
	// Open opens the store; every call gives a handle of its own. step is called
	// before each statement of what writes, maybe from several goroutines; it may
	// block or end the process.
	Open func(ctx context.Context, address string, step func(name string)) (content.Store, error)
	// Plans opens the store, lets use run with it, and gives the engine's plan of
	// every statement that ran meanwhile, by statement.
	Plans func(tb testing.TB, address string, use func(content.Store)) map[string]string
	// FullScan recognises a plan that reads a whole collection or sorts one.
	FullScan func(plan string) bool
}

// Main is the TestMain of a driver's tests: the suite's child processes begin
// here.
func Main(m *testing.M, d Driver) {
	if order := os.Getenv(childOrder); order != "" {
		child(d, order)
	}
	// Each check is many calls; -rapid.checks still asks for more.
	if err := flag.Set("rapid.checks", "50"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Run runs the suite.
func Run(t *testing.T, d Driver) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Driver)
	}{
		{"Documents", testDocuments},
		{"Refusals", testRefusals},
		{"Slugs", testSlugs},
		{"Revisions", testRevisions},
		{"Events", testEvents},
		{"Records", testRecords},
		{"Due", testDue},
		{"Batches", testBatches},
		{"Times", testTimes},
		{"Unicode", testUnicode},
		{"Large", testLarge},
		{"Context", testContext},
		{"Cancelled", testCancelled},
		{"Handles", testHandles},
		{"Colliding", testColliding},
		{"Paging", testPaging},
		{"Relays", testRelays},
		{"Disturbed", testDisturbed},
		{"Deaths", testDeaths},
		{"Processes", testProcesses},
		{"Kills", testKills},
		{"Plans", testPlans},
		{"Model", testModel},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, d) })
	}
}

// open opens a handle that is closed after the test.
func (d Driver) open(tb testing.TB, address string) content.Store {
	tb.Helper()
	return d.openStep(tb, address, func(string) {})
}

func (d Driver) openStep(tb testing.TB, address string, step func(string)) content.Store {
	tb.Helper()
	s, err := d.Open(context.Background(), address, step)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s
}

// fresh opens a new, empty store.
func (d Driver) fresh(tb testing.TB) content.Store {
	tb.Helper()
	return d.open(tb, d.Create(tb))
}
