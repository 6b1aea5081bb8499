package sqlitestore_test

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/content/storetest"
)

var scan = regexp.MustCompile(`\bSCAN (documents|terms|slugs|revisions|events|records|[a-z]\b)`)

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
	FullScan: func(plan string) bool {
		// The documents of a rare term may be sorted (they are called page); what
		// is found in a subquery or given by VALUES is no table.
		return scan.MatchString(plan) || strings.Contains(plan, "TEMP B-TREE") && !strings.Contains(plan, " page")
	},
}

func TestMain(m *testing.M) { storetest.Main(m, driver) }

func TestStore(t *testing.T) { storetest.Run(t, driver) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, driver) }
