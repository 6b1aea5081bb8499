package nu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck shows the checker a folder with a good page, a page of which the
// mistakes are known, and a file that is no page.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.html":     `<!DOCTYPE html><html lang="it"><head><meta charset="utf-8"><title>Buona</title></head><body><p>Sì.</p></body></html>`,
		"deep/bad.html": `<!DOCTYPE html><html lang="it"><head><meta charset="utf-8"><title>Cattiva</title></head><body><p id="a">Uno<p id="a">Due <img src="x.png"></body></html>`,
		"data.json":     `{"a": "<p>"}`,
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range messages {
		if !strings.HasSuffix(m.URL, "deep/bad.html") {
			t.Errorf("not of the bad page: %s", m)
		}
		if m.Error() {
			said = append(said, m.Text)
		}
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{"Duplicate ID", "alt"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing about %q in:\n%s", want, all)
		}
	}
	if _, err := Check(t.Context()); err == nil {
		t.Error("nothing was checked without a word")
	}
}
