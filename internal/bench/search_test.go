package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/search/bleveindex"
)

// TestGolden asks the golden set of the embedded engine, over content that went
// the whole way: importer, store, catalogue, feed.
func TestGolden(t *testing.T) {
	a, err := newAnswers(t.Context(), t.TempDir(), "../..")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err) // no fresh clone has the material
	}
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	index, err := bleveindex.Open(bleveindex.Options{Dir: t.TempDir(), Settings: a.settings})
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	r, err := a.score(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	explain(&out, r)
	t.Log("\n" + out.String())
	if r.All.Recall < wantedRecall {
		t.Errorf("recall@10 %.3f, want %.2f", r.All.Recall, wantedRecall)
	}
	for locale, f := range r.Locale {
		if f.Questions > 0 && f.Recall < 0.9 {
			t.Errorf("recall@10 of %s %.3f", locale, f.Recall)
		}
	}
	if 10*r.All.False > r.All.Empty {
		t.Errorf("%d of %d questions to which nothing is right found something", r.All.False, r.All.Empty)
	}
}
