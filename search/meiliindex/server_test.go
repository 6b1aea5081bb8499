package meiliindex_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/meiliindex"
	"github.com/prassi-cms/prassi/search/searchtest"
)

var opened atomic.Int64

// TestServer runs the suite of all engines on a real server. There is none to
// install with Go's tools, so the machine names it: PRASSI_TEST_MEILI_URL and,
// when it has keys, PRASSI_TEST_MEILI_KEY. Without it nothing is run, and the
// test says so; with PRASSI_TEST_MEILI_REQUIRED that is a failure.
func TestServer(t *testing.T) {
	address := os.Getenv("PRASSI_TEST_MEILI_URL")
	if address == "" {
		const says = "NOT RUN: the suite of search engines on Meilisearch; set PRASSI_TEST_MEILI_URL to a server of your own"
		if os.Getenv("PRASSI_TEST_MEILI_REQUIRED") != "" {
			t.Fatal(says)
		}
		fmt.Fprintln(os.Stderr, "search/meiliindex: "+says)
		t.Log(says)
		return
	}
	searchtest.Run(t, searchtest.Driver{Open: func(tb testing.TB, s *search.Settings) search.Index {
		x, err := meiliindex.Open(context.Background(), meiliindex.Config{
			URL: address, Key: secret.New(os.Getenv("PRASSI_TEST_MEILI_KEY")),
			Index: fmt.Sprintf("prassi-test-%d-%d", time.Now().UnixNano(), opened.Add(1)),
		}, s)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if err := x.(*meiliindex.Index).Drop(context.Background()); err != nil {
				tb.Errorf("an index stays on the server: %v", err)
			}
		})
		return x
	}})
}
