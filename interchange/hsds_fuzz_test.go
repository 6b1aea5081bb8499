package interchange

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzHSDS reads anything as HSDS, JSON or tables. Whatever comes, a plan is
// made in bounded time, every item of it can be read again, and what is refused
// is said.
func FuzzHSDS(f *testing.F) {
	f.Add([]byte(directoryJSON), false)
	f.Add([]byte(`[{"id": "a", "name": "A"}, {"id": "a", "name": "A", "organization": {"id": "b", "name": "B", "parent_organization_id": "b"}}]`), false)
	f.Add([]byte(`{"contents": [`), false)
	f.Add([]byte(`{"contents": {}, "size": 1e999}`), false)
	f.Add([]byte("id,name,organization_id\na,A,b\na,A,b\n\"x"), true)
	f.Add([]byte("id;name;minimum_age\na;'=1;12\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, table bool) {
		name := filepath.Join(t.TempDir(), "service.json")
		if table {
			name = strings.TrimSuffix(name, ".json") + ".csv"
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := Open(t.Context(), []string{name}, Options{Notation: NotationHSDS})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.Refused > 0 && len(p.Findings) == 0 {
			t.Errorf("%d refused and not a word", p.Refused)
		}
		variants := 0
		for b, err := range p.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if b.Refused > 0 {
				t.Errorf("read once and refused the second time: %v", b.Findings)
			}
			variants += len(b.Incoming)
		}
		if variants < p.Documents {
			t.Errorf("%d of %d documents came", variants, p.Documents)
		}
	})
}
