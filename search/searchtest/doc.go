// Package searchtest is the suite that every engine of search passes. A
// driver's test file is a few lines:
//
//	func TestIndex(t *testing.T) { searchtest.Run(t, driver) }
//
// What it settles beyond the words of the contract:
//
//   - Sets, totals and counts are the same on every engine for the fixture's
//     documents (fixture.go), whose words are chosen so that no tolerance for
//     typos makes one word of another.
//   - Order is asserted where a reader would call the other order wrong: a title
//     before a body, a distance, a date, a name.
//   - In a batch, removing comes before putting.
package searchtest

import (
	"context"
	"testing"

	"github.com/prassi-cms/prassi/search"
)

// Driver says how the suite reaches an engine.
type Driver struct {
	// Open gives an empty index with these settings. Closing is left to the
	// suite; what else there is to clean up, to tb.Cleanup.
	Open func(tb testing.TB, s *search.Settings) search.Index
}

// Run runs the suite.
func Run(t *testing.T, d Driver) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Driver)
	}{
		{"Questions", testQuestions},
		{"Order", testOrder},
		{"Counts", testCounts},
		{"Pages", testPages},
		{"Highlights", testHighlights},
		{"Why", testWhy},
		{"DidYouMean", testDidYouMean},
		{"Suggestions", testSuggestions},
		{"ActSuggestions", testActSuggestions},
		{"Changes", testChanges},
		{"Places", testPlaces},
		{"Entries", testEntries},
		{"Rebuild", testRebuild},
		{"FailedRebuild", testFailedRebuild},
		{"Hostile", testHostile},
		{"Refusals", testRefusals},
		{"Context", testContext},
		{"Together", testTogether},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, d) })
	}
}

// open gives an index that is closed after the test.
func (d Driver) open(t testing.TB) search.Index {
	t.Helper()
	index := d.Open(t, Settings(t))
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return index
}

// filled gives an index with the fixture.
func (d Driver) filled(t testing.TB) search.Index {
	t.Helper()
	index := d.open(t)
	if err := index.Apply(context.Background(), search.Batch{Put: Documents(), Position: 7}); err != nil {
		t.Fatal(err)
	}
	return index
}
