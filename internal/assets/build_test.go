package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/sbom"
)

func atRoot(t *testing.T) {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
}

// TestOutputs builds everything twice: the bytes are the same, nothing in them
// calls another host, and they are what lies in the folders that the program
// embeds.
func TestOutputs(t *testing.T) {
	atRoot(t)
	home, err := install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := outputs(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	again, err := outputs(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(made, again, bytes.Equal) {
		t.Error("a second time the bytes differ")
	}
	load := regexp.MustCompile(`(?:@import|url\()\s*["']?(?:https?:)?//`)
	for name, content := range made {
		if strings.HasSuffix(name, ".css") && load.Match(content) {
			t.Errorf("%s loads something from elsewhere: %s", name, load.Find(content))
		}
		if len(content) == 0 {
			t.Errorf("%s is empty", name)
		}
		if there, err := os.ReadFile(name); err != nil || !bytes.Equal(there, content) {
			t.Errorf("%s is out of date: go run ./internal/assets", name)
		}
	}
	for _, must := range []string{"site/dist/site.css", "site/dist/site.js", "site/dist/licences.txt"} {
		if made[must] == nil {
			t.Errorf("%s is not made", must)
		}
	}
}

// TestCarriedIsWhatTheBillSays: the two lists of packages are one.
func TestCarriedIsWhatTheBillSays(t *testing.T) {
	policy, err := sbom.ReadPolicy()
	if err != nil {
		t.Fatal(err)
	}
	if listed := slices.Sorted(maps.Keys(policy.Carries["internal/assets"])); !slices.Equal(listed, carried) {
		t.Errorf("internal/sbom/policy.yaml says %q, tables.go %q", listed, carried)
	}
}

func TestStrangePackages(t *testing.T) {
	modules := filepath.FromSlash("/x/node_modules")
	for name, want := range map[string]string{
		"/x/node_modules/leaflet/dist/leaflet.js":              "",
		"/x/node_modules/@fontsource/titillium-web/files/a":    "",
		"/y/site/theme/ts/map.ts":                              "",
		"/x/node_modules/video.js/core.js":                     "video.js",
		"/x/node_modules/@fontsource/other/files/a":            "@fontsource/other",
		"/x/node_modules/leaflet-extra/node_modules/leaflet/a": "leaflet-extra",
	} {
		err := strange(modules, filepath.FromSlash(name))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "package "+want+" ") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestStamp: any change of an input or of an output is seen.
func TestStamp(t *testing.T) {
	t.Chdir(t.TempDir())
	put := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	now := func() string {
		t.Helper()
		in, err := inputHash()
		if err != nil {
			t.Fatal(err)
		}
		s, err := stamp(in)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	seen := map[string]string{}
	for _, step := range []struct{ name, content string }{
		{"site/theme/ts/site.ts", "1"}, {"site/theme/ts/site.ts", "2"}, {"widgets/src/news.ts", "1"}, {"widgets/src/lib/dom.ts", "1"},
		{"internal/assets/package-lock.json", "{}"}, {"site/theme/scss/site.scss", "1"}, {"site/dist/site.css", "1"}, {"site/dist/site.css", "2"},
		{"widgets/dist/v1.js", "1"},
	} {
		put(step.name, step.content)
		s := now()
		if before, ok := seen[s]; ok {
			t.Errorf("after %s = %s the stamp is that of %s", step.name, step.content, before)
		}
		seen[s] = step.name + " = " + step.content
		if now() != s {
			t.Error("without a change the stamp changes")
		}
	}
	put(".keep", "")
	if err := os.MkdirAll(".cache", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write(map[string][]byte{"site/dist/site.css": []byte("3")}); err != nil {
		t.Fatal(err)
	}
	if there, err := built(); err != nil || !slices.Equal(there, []string{"site/dist/site.css"}) {
		t.Errorf("after writing one file there are %q (%v)", there, err)
	}
}
