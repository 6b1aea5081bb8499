package markdown

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content/markdown/citation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden renders testdata/golden/NAME.LOCALE.md and compares the whole
// result with NAME.LOCALE.golden.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(file, ".md")
		t.Run(filepath.Base(base), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Render(src, Options{Locale: strings.TrimPrefix(filepath.Ext(base), ".")})
			if err != nil {
				t.Fatal(err)
			}
			checkSafe(t, res.HTML)
			got := describe(t, res)
			if *update {
				if err := os.WriteFile(base+".golden", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(base + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the result changed (run with -update and look at the difference, and raise Version):\n%s", firstDifference(string(want), got))
			}
		})
	}
}

func describe(t *testing.T, res Result) string {
	var b strings.Builder
	b.WriteString(res.HTML)
	facts := struct {
		TOC        []Heading            `json:"toc"`
		References []citation.Reference `json:"references"`
		Dir        string               `json:"dir"`
		Words      int                  `json:"words"`
	}{res.TOC, res.References, res.Dir, res.Words}
	b.WriteString("\n=== facts\n")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(facts); err != nil {
		t.Fatal(err)
	}
	b.WriteString("=== text\n")
	b.WriteString(res.Text)
	b.WriteString("\n")
	return b.String()
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			other := "(nothing)"
			if i < len(g) {
				other = g[i]
			}
			return "- " + w[i] + "\n+ " + other
		}
	}
	return "+ " + strings.Join(g[len(w):], "\n+ ")
}
