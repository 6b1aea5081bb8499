package bleveindex_test

import (
	"testing"

	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/searchtest"
)

func open(tb testing.TB, dir string, s *search.Settings) *bleveindex.Index {
	tb.Helper()
	x, err := bleveindex.Open(bleveindex.Options{Dir: dir, Settings: s})
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func TestIndex(t *testing.T) {
	searchtest.Run(t, searchtest.Driver{Open: func(tb testing.TB, s *search.Settings) search.Index {
		return open(tb, tb.TempDir(), s)
	}})
}
