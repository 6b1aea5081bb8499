package site

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestThemeTokens: the tokens that docs/themes.md lists are those that the
// style sheet has.
func TestThemeTokens(t *testing.T) {
	sheet, err := os.ReadFile("theme/scss/_tokens.scss")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +--([a-z-]+):`).FindAllSubmatch(sheet, -1) {
		have[string(m[1])] = true
	}
	sameNames(t, tableOfThemes(t, "| token | what it colours or sizes |"), have)
}

// TestThemeFunctions: the functions that docs/themes.md lists are those that
// templates have.
func TestThemeFunctions(t *testing.T) {
	w := example(t)
	s := w.site(w.catalogue())
	have := map[string]bool{}
	for name := range s.funcs(s.tongues[0].words) {
		have[name] = true
	}
	sameNames(t, tableOfThemes(t, "| function | gives |"), have)
}

// tableOfThemes gives the names in the first column of a table of docs/themes.md.
func tableOfThemes(t *testing.T, head string) map[string]bool {
	t.Helper()
	guide, err := os.ReadFile("../docs/themes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(guide), head)
	table, _, _ = strings.Cut(table, "\n\n")
	said := map[string]bool{}
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z-]+)[` ]").FindAllStringSubmatch(cells[1], -1) {
			said[m[1]] = true
		}
	}
	return said
}

func sameNames(t *testing.T, said, have map[string]bool) {
	t.Helper()
	for name := range have {
		if !said[name] {
			t.Errorf("docs/themes.md does not name %s", name)
		}
	}
	for name := range said {
		if !have[name] {
			t.Errorf("docs/themes.md names %s, which is none", name)
		}
	}
	if len(have) < 15 {
		t.Errorf("only %d names were found", len(have))
	}
}
