package projectfiles

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a Markdown link or picture: [text](target).
var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// fence is a block of code, in which nothing is a link.
var fence = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")

// TestNoDeadLinks follows every relative link of our documents: the README, the
// other files at the root and docs/.
func TestNoDeadLinks(t *testing.T) {
	documents := 0
	for _, name := range committed(t, "*.md", "docs/**/*.md") {
		if strings.Contains(name, "testdata/") || strings.Contains(name, "/") && !strings.HasPrefix(name, "docs/") {
			continue // content and fixtures
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		documents++
		content = fence.ReplaceAllFunc(content, func(code []byte) []byte {
			return bytes.Repeat([]byte("\n"), bytes.Count(code, []byte("\n")))
		})
		for _, found := range link.FindAllSubmatchIndex(content, -1) {
			target := string(content[found[2]:found[3]])
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") || strings.HasPrefix(target, "#") {
				continue
			}
			target, _, _ = strings.Cut(target, "#")
			if _, err := os.Stat(filepath.Join(root, path.Dir(name), target)); err != nil {
				t.Errorf("%s:%d: dead link to %s", name, 1+bytes.Count(content[:found[0]], []byte("\n")), target)
			}
		}
	}
	if documents < 3 {
		t.Fatalf("only %d documents were read", documents)
	}
}

func TestChangelogHasAnUnreleasedSection(t *testing.T) {
	changelog := string(read(t, "CHANGELOG.md"))
	heading := regexp.MustCompile(`(?m)^## \[(.+?)\](?: - \d{4}-\d{2}-\d{2})?$`)
	found := heading.FindAllStringSubmatch(changelog, -1)
	if len(found) == 0 || found[0][1] != "Unreleased" {
		t.Fatalf("CHANGELOG.md begins with %v, want Unreleased", found)
	}
	for _, version := range found {
		if !strings.Contains(changelog, "\n["+version[1]+"]: ") {
			t.Errorf("CHANGELOG.md: %s has no address at the end", version[1])
		}
	}
	kinds := regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(changelog, -1)
	for _, kind := range kinds {
		if !strings.Contains("Added Changed Deprecated Removed Fixed Security", kind[1]) {
			t.Errorf("CHANGELOG.md: %q is no kind of change", kind[1])
		}
	}
}
