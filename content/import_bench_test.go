package content_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// BenchmarkImport brings in articles of 3 kB, published, in batches of 200 on
// SQLite, durably; one operation is one article.
func BenchmarkImport(b *testing.B) {
	store, err := sqlitestore.Open(ctx, filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	s, err := content.New(store, schemas.Default(), content.Options{})
	if err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat("Una riga di testo con *enfasi* e un [rimando](https://example.org).\n\n", 44)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		var batch []content.Incoming
		for ; len(batch) < 200 && done < b.N; done++ {
			in := article(fmt.Sprintf("n-%d", done), "it")
			in.Variants[0].Fields["body"] = body
			in.Variants[0].Fields["territories"] = []any{"PO"}
			in.Variants[0].Fields["topics"] = []any{"housing"}
			batch = append(batch, in)
		}
		res, err := s.Import(ctx, content.System("import"), batch, false)
		if err != nil || res[0].Outcome != content.Created {
			b.Fatal(err, res[0].Problem)
		}
	}
}
