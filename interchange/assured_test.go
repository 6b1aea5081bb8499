package interchange

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// The day of the last confirmation comes in with whichever variant names it, in
// the forms in which people write days, and never goes back.
func TestAssuredDate(t *testing.T) {
	h := newHouse(t)
	dir := t.TempDir()
	write := func(name, front string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte("---\n"+front+"\n---\n\nTesto.\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const service = "type: service\ntitle: Uno\ntopics: [work]\nterritories: [PO]\nstate: published\n"
	assured := func() string {
		t.Helper()
		d, err := h.BySlug(t.Context(), "service/it/uno")
		if err != nil {
			t.Fatal(err)
		}
		if d.Assured == nil {
			return ""
		}
		return d.Assured.On
	}
	tomorrow := time.Now().In(content.Rome).AddDate(0, 0, 1).Format(time.DateOnly)
	for _, c := range []struct{ line, want, says string }{
		{"", "", ""}, // an import knows nothing of what nobody confirmed
		{"assured_date: 2026-02-03", "2026-02-03", ""},
		{"assured_date:", "2026-02-03", ""},
		{"assured_date: 2026-02-04T23:30:00Z", "2026-02-05", ""}, // past midnight in Rome
		{"assured_date: 2026-02-01", "2026-02-05", ""},
		{"assured_date: " + tomorrow, "2026-02-05", "uno.it.md:7"},
		{"assured_date: soon", "2026-02-05", "uno.it.md:7"},
	} {
		sum, report := h.bring(t, Options{}, RunOptions{}, write("uno.it.md", service+c.line))
		if got := assured(); got != c.want || (sum.Refused > 0) != (c.says != "") || !strings.Contains(report, c.says) {
			t.Errorf("%q: assured %q, %+v\n%s", c.line, got, sum, report)
		}
	}
	// Of several variants the latest day counts.
	sum, report := h.bring(t, Options{}, RunOptions{},
		write("uno.it.md", service+"assured_date: 2026-02-06"), write("uno.en.md", service+"assured_date: 2026-02-07"))
	if got := assured(); got != "2026-02-07" || sum.Refused > 0 {
		t.Errorf("assured %q, %+v\n%s", got, sum, report)
	}
	// Facts of an article do not age.
	sum, report = h.bring(t, Options{}, RunOptions{}, write("due.it.md", "type: article\ntitle: Due\nassured_date: 2026-02-06"))
	if sum.Refused != 1 {
		t.Errorf("%+v\n%s", sum, report)
	}
}
