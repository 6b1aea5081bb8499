package projectfiles

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// committed lists the files that git knows, or would add, by git's patterns.
func committed(t *testing.T, patterns ...string) (names []string) {
	t.Helper()
	list := exec.Command("git", append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, patterns...)...)
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for _, name := range strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }) {
		if _, err := os.Stat(filepath.Join(root, name)); err == nil { // else deleted and not yet committed
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestPinnedModules: go.mod asks for exact versions by its nature. What it may
// not do is point to a folder of somebody's machine, or ask for what go.sum has
// no hash of.
func TestPinnedModules(t *testing.T) {
	var mod struct {
		Go      string
		Tool    []struct{ Path string }
		Replace []struct {
			New struct{ Path, Version string }
		}
		Require []struct{ Path, Version string }
	}
	edit := exec.Command("go", "mod", "edit", "-json")
	edit.Dir = root
	out, err := edit.Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^1\.\d+\.\d+$`).MatchString(mod.Go) {
		t.Errorf("go %s is no full version", mod.Go)
	}
	for _, r := range mod.Replace {
		if r.New.Version == "" {
			t.Errorf("a module is replaced by the folder %s", r.New.Path)
		}
	}
	sums := string(read(t, "go.sum"))
	for _, r := range mod.Require {
		if !strings.Contains(sums, "\n"+r.Path+" "+r.Version+"/go.mod h1:") && !strings.HasPrefix(sums, r.Path+" "+r.Version+"/go.mod h1:") {
			t.Errorf("go.sum has no hash of %s %s", r.Path, r.Version)
		}
	}
	for _, tool := range mod.Tool {
		if !slices.ContainsFunc(mod.Require, func(r struct{ Path, Version string }) bool { return strings.HasPrefix(tool.Path, r.Path+"/") }) {
			t.Errorf("the tool %s has no version", tool.Path)
		}
	}
	if len(mod.Require) < 20 || len(mod.Tool) < 2 {
		t.Fatal("go.mod was not read")
	}
}

type manifest struct {
	Dependencies, DevDependencies, OptionalDependencies map[string]string
	Overrides                                           map[string]json.RawMessage
}

// wanted is what a manifest asks for by itself, whatever for.
func (m manifest) wanted() map[string]string {
	all := map[string]string{}
	for _, some := range []map[string]string{m.Dependencies, m.DevDependencies, m.OptionalDependencies} {
		maps.Copy(all, some)
	}
	return all
}

// exact is a version of semantic versioning 2.0 and nothing around it.
var exact = regexp.MustCompile(`^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$`)

// TestPinnedPackages: each package.json asks for exact versions, and the lock
// file beside it agrees, has a SHA-512 of every archive and no address.
func TestPinnedPackages(t *testing.T) {
	manifests := committed(t, "package.json", "**/package.json")
	if len(manifests) < 2 {
		t.Fatalf("git knows only %q", manifests)
	}
	for _, name := range manifests {
		folder := path.Dir(name)
		var own manifest
		if err := json.Unmarshal(read(t, name), &own); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for dependency, version := range own.wanted() {
			if !exact.MatchString(version) {
				t.Errorf("%s: %s %q is no exact version", name, dependency, version)
			}
		}
		for of, raw := range own.Overrides {
			var version string
			if json.Unmarshal(raw, &version) != nil || !exact.MatchString(version) {
				t.Errorf("%s: the override of %s is no exact version: %s", name, of, raw)
			}
		}

		lockName := path.Join(folder, "package-lock.json")
		if len(committed(t, lockName)) == 0 {
			t.Errorf("%s has no package-lock.json", name)
			continue
		}
		for _, fault := range lockFaults(read(t, lockName), own) {
			t.Errorf("%s: %s", lockName, fault)
		}
		if !strings.Contains(string(read(t, path.Join(folder, ".npmrc"))), "omit-lockfile-registry-resolved=true") {
			t.Errorf("%s: npm would write addresses into the lock file", path.Join(folder, ".npmrc"))
		}
	}
}

// lockFaults says what is wrong with a lock file.
func lockFaults(data []byte, own manifest) (faults []string) {
	var lock struct {
		LockfileVersion int
		Packages        map[string]struct {
			manifest
			Version, Integrity string
			Resolved           *string
			Link               bool
		}
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		return []string{err.Error()}
	}
	if lock.LockfileVersion != 3 {
		faults = append(faults, "it is not of lockfileVersion 3")
	}
	if !maps.Equal(lock.Packages[""].wanted(), own.wanted()) {
		faults = append(faults, "it does not agree with package.json")
	}
	for at, item := range lock.Packages {
		if at == "" || item.Link {
			continue
		}
		encoded, ok := strings.CutPrefix(item.Integrity, "sha512-")
		if sum, err := base64.StdEncoding.DecodeString(encoded); !ok || err != nil || len(sum) != 64 {
			faults = append(faults, at+" has no SHA-512")
		}
		if item.Resolved != nil {
			faults = append(faults, at+" has an address")
		}
		if !exact.MatchString(item.Version) {
			faults = append(faults, at+" has no exact version")
		}
	}
	return faults
}

func TestPinnedLockFaultsAreSeen(t *testing.T) {
	const sum = `"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="`
	own := manifest{Dependencies: map[string]string{"a": "1.0.0"}}
	lock := func(version, asked, item string) []byte {
		return []byte(`{"lockfileVersion": ` + version + `, "packages": {"": {"dependencies": {"a": "` + asked + `"}}, "node_modules/a": {"version": "1.0.0", ` + item + `}}}`)
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"good":         {lock("3", "1.0.0", sum), ""},
		"old format":   {lock("2", "1.0.0", sum), "lockfileVersion 3"},
		"disagreement": {lock("3", "1.0.1", sum), "agree"},
		"no hash":      {lock("3", "1.0.0", `"dev": true`), "SHA-512"},
		"weak hash":    {lock("3", "1.0.0", `"integrity": "sha1-z4PhNX7vuL3xVChQ1m2AB9Yg5AU="`), "SHA-512"},
		"an address":   {lock("3", "1.0.0", sum+`, "resol`+`ved": "x"`), "address"},
		"no JSON":      {[]byte("x"), "invalid"},
	} {
		faults := strings.Join(lockFaults(test.data, own), "; ")
		if (test.want == "") != (faults == "") || !strings.Contains(faults, test.want) {
			t.Errorf("%s: %q, want %q", name, faults, test.want)
		}
	}
}

// unpinned is how a script fetches whatever is newest today, or runs what nobody
// has read.
var unpinned = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`@(?:latest|next|main|master|upgrade)\b`), "asks for a version that moves"},
	{regexp.MustCompile(`\bnpx\b|\bnpm exec\b`), "npx fetches whatever is newest"},
	{regexp.MustCompile(`\bnpm (?:i|install|add|update)\b`), "npm ci installs what the lock file says; this does not"},
	{regexp.MustCompile(`\bgo (?:install|run) \S+\.\S+/\S+`), "tools are in go.mod (go tool NAME)"},
	{regexp.MustCompile(`\b(?:curl|wget)\b[^\n|]*\|\s*(?:ba|da|z)?sh\b`), "runs what it downloads unread"},
	{regexp.MustCompile(`(?m)^\s*(?:-\s*)?uses:\s*\S+@(?:[^0-9a-f\s]|[0-9a-f]{0,39}(?:[^0-9a-f]|$))`), "an action is pinned by its commit"},
	{regexp.MustCompile(`\bGO(?:NOSUMDB|NOSUMCHECK|FLAGS=-insecure|INSECURE)\b|GOSUMDB=off`), "switches the checksums off"},
}

// TestPinnedScripts reads everything that builds, tests or releases.
func TestPinnedScripts(t *testing.T) {
	names := committed(t, ".ci/*", ".github/**", ".gitlab-ci.yml", "scripts/*", "**/*.sh", "*.sh", "Makefile", "**/Makefile", "Dockerfile", "**/Dockerfile", "docker-compose*.yml")
	for _, must := range []string{".ci/run", "scripts/check", "Makefile", "Dockerfile", "internal/mongoengine/install.sh"} {
		if !slices.Contains(names, must) {
			t.Fatalf("%s is not among %q", must, names)
		}
	}
	for _, name := range names {
		for _, fault := range scriptFaults(string(read(t, name))) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

func scriptFaults(text string) (faults []string) {
	for _, rule := range unpinned {
		if found := rule.pattern.FindString(text); found != "" {
			faults = append(faults, strings.TrimSpace(found)+": "+rule.reason)
		}
	}
	return faults
}

func TestPinnedScriptFaultsAreSeen(t *testing.T) {
	for text, bad := range map[string]bool{
		"go install example.org/x/cmd/y@v1.0.0": true, "npx vite": true, "npm install": true, "npm i left-pad": true,
		"image: x@latest": true, "curl https://example.org/x.sh | sh": true, "curl -fsS x | sudo tee y": false,
		"GOSUMDB=off go build": true, "uses: actions/checkout@v4\n": true, "  - uses: actions/checkout@main": true,
		"uses: actions/checkout@" + strings.Repeat("0a", 20) + " # v4": false,
		"npm ci --ignore-scripts":                                      false, "go run ./internal/bench": false, "apt-get install -y npm": false, "go tool staticcheck ./...": false,
	} {
		if got := scriptFaults(text); (len(got) > 0) != bad {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestPinnedImages: base images and services name a version, major and minor at
// least, so that an upgrade is a change that somebody makes.
func TestPinnedImages(t *testing.T) {
	tag := regexp.MustCompile(`^[^:\s]+:v?\d+\.\d+[\w.-]*(?:@sha256:[0-9a-f]{64})?$`)
	images := 0
	stages := map[string]bool{"scratch": true}
	for line := range strings.Lines(string(read(t, "Dockerfile"))) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "FROM" {
			continue
		}
		if !stages[fields[1]] {
			images++
			if !tag.MatchString(fields[1]) {
				t.Errorf("Dockerfile: %s has no version", fields[1])
			}
		}
		if len(fields) == 4 && fields[2] == "AS" {
			stages[fields[3]] = true
		}
	}
	for name, s := range readCompose(t).Services {
		if s.Build != nil {
			continue // our own
		}
		images++
		if !tag.MatchString(s.Image) {
			t.Errorf("%s: %s has no version", name, s.Image)
		}
	}
	if images < 3 {
		t.Fatalf("only %d images were found", images)
	}
}
