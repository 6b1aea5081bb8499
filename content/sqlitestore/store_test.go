package sqlitestore_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/content/storetest"
)

var driver = storetest.Driver{
	Create: func(tb testing.TB) string {
		// A path that a careless URI would cut short.
		return filepath.Join(tb.TempDir(), "prassi ?#%41à.db")
	},
	Open: func(ctx context.Context, address string, step func(string)) (content.Store, error) {
		s, err := sqlitestore.Open(ctx, address, sqlitestore.WithStep(step))
		if err != nil {
			return nil, err
		}
		return s, nil
	},
	Plans: func(tb testing.TB, address string, use func(content.Store)) map[string]string {
		s, err := sqlitestore.Open(context.Background(), address)
		if err != nil {
			tb.Fatal(err)
		}
		defer s.Close()
		use(s)
		plans, err := s.Explain(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		return plans
	},
	FullScan: fullScan,
}

func TestMain(m *testing.M) { storetest.Main(m, driver) }

func TestStore(t *testing.T) { storetest.Run(t, driver) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, driver) }

// fullScan recognises a plan that reads more than one range of an index. Each
// line must look rows up by equality, or be one of the walks that a page is a
// part of.
func fullScan(plan string) bool {
	walks := []string{
		"documents USING INDEX sqlite_autoindex_documents_1 (id>?)",
		"documents USING INDEX documents_due (due<?)",
		"d USING INDEX documents_title ((title,id)>(?,?))",
		"events USING INTEGER PRIMARY KEY (rowid>?)",
		"SEARCH events", // max(seq): the last row
	}
	for line := range strings.Lines(plan) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "SCAN page"), strings.HasPrefix(line, "SCAN (subquery"), strings.HasSuffix(line, "VALUES CLAUSE"), strings.HasSuffix(line, "CONSTANT ROW"):
			// No table: what a subquery found, or what was given.
		case strings.HasPrefix(line, "SCAN"):
			return true
		case strings.Contains(line, "TEMP B-TREE") && !strings.Contains(plan, " page"):
			return true // only the documents of a rare term may be sorted
		case strings.HasPrefix(line, "SEARCH") && !strings.Contains(line, "=?"):
			if !slices.ContainsFunc(walks, func(walk string) bool { return strings.HasSuffix(line, walk) }) {
				return true
			}
		}
	}
	return false
}
