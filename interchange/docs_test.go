package interchange

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/schemas"
)

// TestDocs keeps the tables of the guide true: they are made from the tables
// that the import itself reads. -update writes them.
func TestDocs(t *testing.T) {
	const name = "../docs/interchange.md"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for mark, table := range map[string]string{"keys": keysTable(), "habits": habitsTable(), "limits": limitsTable()} {
		from, to := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->\n"
		before, rest, ok1 := strings.Cut(text, from)
		is, after, ok2 := strings.Cut(rest, to)
		if !ok1 || !ok2 {
			t.Fatalf("the guide has no place for %s", mark)
		}
		if is != table && !*update {
			t.Errorf("the table of %s in %s is out of date: go test ./interchange -run TestDocs -update", mark, name)
		}
		text = before + from + table + to + after
	}
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, code := range Codes {
		if strings.HasPrefix(code, "archive_") && !strings.Contains(text, "`"+code+"`") {
			t.Errorf("the guide does not name %s", code)
		}
	}
	for _, ext := range Extensions() {
		if !strings.Contains(text, "`"+ext+"`") {
			t.Errorf("the guide does not name %s", ext)
		}
	}
}

func keysTable() string {
	var b strings.Builder
	b.WriteString("| key | is |\n|---|---|\n")
	for _, k := range Keys() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.Name, k.Help)
	}
	return b.String()
}

func habitsTable() string {
	var b strings.Builder
	b.WriteString("| key | means | written by |\n|---|---|---|\n")
	for _, h := range Habits() {
		means := h.Means
		switch {
		case means == meansNothing && h.Shadows:
			means = "passed over, even where the type has such a field"
		case means == meansNothing:
			means = "passed over"
		case !strings.Contains(means, " "):
			means = "`" + means + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", h.Key, means, h.From)
	}
	return b.String()
}

func limitsTable() string {
	size := func(n int) string {
		if n >= 1<<20 {
			return fmt.Sprintf("%d MiB", n>>20)
		}
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return "| what | at most |\n|---|---|\n" +
		"| a Markdown or text file | " + size(MaxFile) + " |\n" +
		"| a line, a row, an element of an array | " + size(MaxItem) + " |\n" +
		"| front matter; a mapping file | " + size(MaxFrontMatter) + " |\n" +
		fmt.Sprintf("| nesting of lists and objects | %d |\n", MaxDepth) +
		fmt.Sprintf("| items of one import | %d |\n", MaxItems) +
		fmt.Sprintf("| entries of an archive | %d |\n", MaxArchiveEntries) +
		"| one unpacked file of an archive | " + size(MaxArchiveEntry) + " |\n" +
		"| all unpacked files of an archive | " + size(MaxArchive) + " |\n" +
		"| a file from an address | " + size(MaxFetch) + " |\n" +
		fmt.Sprintf("| time for an address | %d s |\n", int(FetchTimeout.Seconds()))
}

// Every habit is known once, and none hides a key of the format.
func TestHabitsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range Habits() {
		key := foldKey(h.Key)
		if seen[key] {
			t.Errorf("%s stands twice", h.Key)
		}
		seen[key] = true
		if coreKeys[h.Key] {
			t.Errorf("%s is a key of the format", h.Key)
		}
	}
	for _, code := range Codes {
		if code != strings.ToLower(code) || strings.ContainsAny(code, " -") {
			t.Errorf("%q is not snake_case", code)
		}
	}
}

// No type may have a field of the name of a key of the format.
func TestNoFieldHidesAKey(t *testing.T) {
	for _, typ := range schemas.Default().Types() {
		for _, f := range typ.Fields {
			if coreKeys[f.Name] {
				t.Errorf("%s has a field %s", typ.Name, f.Name)
			}
		}
	}
}
