package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "../.."

func output(t *testing.T, arguments ...string) string {
	t.Helper()
	command := exec.Command("go", arguments...)
	command.Dir = root
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, &complaints)
	}
	return strings.TrimSpace(string(out))
}

// TestReleasedProgram describes the program as it is now. It fails, with the
// module's name, when a dependency comes in whose licence a release may not
// carry.
func TestReleasedProgram(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "prassi")
	output(t, "build", "-trimpath", "-buildvcs=false", "-o", binary, "./cmd/prassi")
	opt := Options{
		Root: root, Binary: binary, Package: "./cmd/prassi",
		Version: "v1.2.3+x", Commit: strings.Repeat("a", 40), Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
	}
	content, err := Make(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Make(t.Context(), opt)
	if err != nil || !bytes.Equal(content, again) {
		t.Errorf("a second time the bytes differ (%v)", err)
	}
	validate(t, content)

	var bom cyclonedx.BOM
	if err := json.Unmarshal(content, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.Metadata.Timestamp != "2026-01-02T02:04:05Z" || bom.Metadata.Component.Version != opt.Version ||
		bom.Metadata.Component.PackageURL != "pkg:golang/github.com/prassi-cms/prassi@v1.2.3%2Bx" {
		t.Errorf("the program is described as %+v, %s", bom.Metadata.Component, bom.Metadata.Timestamp)
	}
	opt.Version = "v1.2.4"
	if other, err := Make(t.Context(), opt); err != nil || bytes.Contains(other, []byte(bom.SerialNumber)) {
		t.Errorf("another version has the same serial number (%v)", err)
	}

	there := map[string]cyclonedx.Component{}
	for _, c := range *bom.Components {
		if _, twice := there[c.BOMRef]; twice {
			t.Errorf("%s is listed twice", c.BOMRef)
		}
		there[c.BOMRef] = c
		if c.Licenses == nil || len(*c.Licenses) == 0 {
			t.Errorf("%s has no licence", c.Name)
		}
	}
	modules := 0
	for line := range strings.Lines(output(t, "version", "-m", binary)) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[0] == "dep" {
			modules++
			c, ok := there[goPackageURL(fields[1], fields[2])]
			if !ok {
				t.Errorf("%s is linked and not listed", fields[1])
			} else if (*c.Properties)[0].Value != fields[3] {
				t.Errorf("%s has the sum %s", fields[1], (*c.Properties)[0].Value)
			}
		}
	}
	if modules < 20 {
		t.Fatalf("only %d modules are linked; the test looks in the wrong place", modules)
	}

	depends := map[string][]string{}
	for _, d := range *bom.Dependencies {
		depends[d.Ref] = nil
		if d.Dependencies != nil {
			depends[d.Ref] = *d.Dependencies
		}
		for _, on := range depends[d.Ref] {
			if _, ok := there[on]; !ok {
				t.Errorf("%s depends on %s, which is not listed", d.Ref, on)
			}
		}
	}
	reached := map[string]bool{}
	var walk func(string)
	walk = func(reference string) {
		if !reached[reference] {
			reached[reference] = true
			for _, on := range depends[reference] {
				walk(on)
			}
		}
	}
	walk(bom.Metadata.Component.BOMRef)
	for reference := range there {
		if !reached[reference] {
			t.Errorf("%s is in the program and nothing leads to it", reference)
		}
	}
}

// validate checks against the standard's own schema, which the library carries.
// It refuses what it must first.
func validate(t *testing.T, content []byte) {
	t.Helper()
	folder := filepath.Join(output(t, "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"), "schema")
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for address, name := range map[string]string{
		"bom-1.6.schema.json":  "bom-1.6.schema.json",
		"spdx.schema.json":     "spdx.schema.json",
		"jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+address, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	if check(bytes.Replace(content, []byte(`"id": "MIT"`), []byte(`"id": "Mitt"`), 1)) == nil {
		t.Error("the schema accepts a licence that does not exist; the test validates nothing")
	}
	if err := check(content); err != nil {
		t.Error(err)
	}
}

// TestReadingsAreNeeded: what a person read is in the module cache as it was.
func TestReadingsAreNeeded(t *testing.T) {
	policy := projectPolicy(t)
	for _, reading := range policy.ReadByAPerson {
		module, name, _ := strings.Cut(reading.File, " ")
		text, err := os.ReadFile(filepath.Join(output(t, "list", "-m", "-f", "{{.Dir}}", module), name))
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != reading.SHA256 {
			t.Errorf("%s is another text now: read it again", reading.File)
		}
		if len(licencesOf(text)) > 0 {
			t.Errorf("%s is recognised without the entry", reading.File)
		}
	}
}

func projectPolicy(t *testing.T) *Policy {
	t.Helper()
	policy, err := ReadPolicy()
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestUnknownLicencesAreRefusedByName(t *testing.T) {
	policy := projectPolicy(t)
	mit, err := os.ReadFile(filepath.Join(output(t, "list", "-m", "-f", "{{.Dir}}", "github.com/yuin/goldmark"), "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	apache, err := os.ReadFile(filepath.Join(output(t, "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"), "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	strict := *policy
	strict.Licences = map[string]string{"Apache-2.0": "the only one"}
	for name, test := range map[string]struct {
		files map[string]string
		want  string // the licences, or what the error says
		fails bool
	}{
		"one":                      {map[string]string{"LICENSE": string(mit)}, "MIT", false},
		"British":                  {map[string]string{"LICENCE.md": string(mit)}, "MIT", false},
		"two":                      {map[string]string{"LICENSE": string(mit), "COPYING": string(apache)}, "Apache-2.0 AND MIT", false},
		"one of a linked package":  {map[string]string{"LICENSE": string(mit), "linked/deep/LICENSE.txt": string(apache)}, "Apache-2.0 AND MIT", false},
		"one of another package":   {map[string]string{"LICENSE": string(mit), "other/LICENSE": "Pay me."}, "MIT", false},
		"none":                     {map[string]string{"README": "Free for all."}, "no licence", true},
		"somebody's own":           {map[string]string{"LICENSE": "Pay me."}, "LICENSE (sha256 ", true},
		"a longer one":             {map[string]string{"LICENSE": string(mit) + strings.Repeat("But every second Tuesday you owe me a coffee.\n", 20)}, "LICENSE (sha256 ", true},
		"known and not compatible": {map[string]string{"LICENSE": string(mit)}, `"MIT" is not one`, true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for name, text := range test.files {
				file := filepath.Join(folder, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			linked := filepath.Join(folder, "linked", "deep")
			if err := os.MkdirAll(linked, 0o755); err != nil {
				t.Fatal(err)
			}
			p := &program{linked: map[string]*module{"example.org/culprit": {
				path: "example.org/culprit", version: "v1.0.0", sum: "h1:x", root: folder, folders: []string{folder, linked},
			}}}
			policy := policy
			if strings.HasPrefix(name, "known") {
				policy = &strict
			}
			components, _, err := p.components(policy)
			if test.fails {
				if err == nil || !strings.Contains(err.Error(), "example.org/culprit v1.0.0: ") || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want the module's name and %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			choice := (*components[0].Licenses)[0]
			if got := choice.Expression; got != test.want && (choice.License == nil || choice.License.ID != test.want) {
				t.Fatalf("got %+v, want %s", choice, test.want)
			}
		})
	}
}

func TestAllow(t *testing.T) {
	policy := projectPolicy(t)
	for expression, want := range map[string]bool{
		"MIT": true, "MIT AND BSD-3-Clause": true, "(MIT OR GPL-3.0-only)": true, "GPL-2.0-only OR Apache-2.0": true,
		"": false, "()": false, "SSPL-1.0": false, "UNLICENSED": false, "MIT AND SSPL-1.0": false, "mit": false,
		"SEE LICENSE IN x": false, "(MIT AND ISC) OR SSPL-1.0": false, "GPL-3.0-only WITH x": false,
	} {
		if err := policy.allow(expression); (err == nil) != want {
			t.Errorf("%q: %v", expression, err)
		}
	}
}

func TestPackageURL(t *testing.T) {
	for got, want := range map[string]string{
		goPackageURL("github.com/BurntSushi/toml", "v1.4.0"):    "pkg:golang/github.com/burntsushi/toml@v1.4.0",
		goPackageURL("example.org/x/v2", "v2.0.0+incompatible"): "pkg:golang/example.org/x/v2@v2.0.0%2Bincompatible",
		goPackageURL(standard, "1.26.8"):                        "pkg:golang/stdlib@1.26.8",
		npmPackageURL("@scope/name", "1.0.0"):                   "pkg:npm/%40scope/name@1.0.0",
		npmPackageURL("svelte", "5.0.0-next.1"):                 "pkg:npm/svelte@5.0.0-next.1",
		packageURL("generic", "a b", "1:2"):                     "pkg:generic/a%20b@1:2",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

const sum512 = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="

func TestNPMPackages(t *testing.T) {
	policy := projectPolicy(t)
	lock := func(items string) []byte {
		return []byte(`{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "1.0.0", "@s/b": "1.0.0"}, "devDependencies": {"d": "1.0.0"}}, ` + items + `}}`)
	}
	item := func(at, version, more string) string {
		return `"node_modules/` + at + `": {"version": "` + version + `", "integrity": "` + sum512 + `"` + more + `}`
	}
	const mit = `, "license": "MIT"`
	good := lock(strings.Join([]string{
		item("a", "1.0.0", mit+`, "dependencies": {"c": "2.0.0"}, "optionalDependencies": {"other-platform": "1.0.0"}`),
		item("a/node_modules/c", "2.0.0", mit),
		item("@s/b", "1.0.0", mit+`, "dependencies": {"c": "1.0.0"}`),
		item("c", "1.0.0", mit),
		item("d", "1.0.0", `, "license": "SSPL-1.0", "dev": true`),
	}, ","))
	components, depends, direct, err := npmPackages(policy, "x/package-lock.json", good)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, c := range components {
		line := c.BOMRef
		if depends[i].Dependencies != nil {
			line += " needs " + strings.Join(*depends[i].Dependencies, ", ")
		}
		got = append(got, line)
		if h := (*c.Hashes)[0]; h.Algorithm != cyclonedx.HashAlgoSHA512 || !strings.HasPrefix(h.Value, "cf83e1357eefb8bd") {
			t.Errorf("%s: hash %v", c.BOMRef, h)
		}
	}
	want := []string{
		"pkg:npm/%40s/b@1.0.0 needs pkg:npm/c@1.0.0",
		"pkg:npm/a@1.0.0 needs pkg:npm/c@2.0.0",
		"pkg:npm/c@2.0.0",
		"pkg:npm/c@1.0.0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(direct, []string{"pkg:npm/%40s/b@1.0.0", "pkg:npm/a@1.0.0"}) {
		t.Errorf("the folder itself needs %q", direct)
	}

	some := &Policy{Licences: policy.Licences, Carries: map[string]map[string]string{"x": {"@s/b": "a part"}}}
	components, _, direct, err = npmPackages(some, "x/package-lock.json", good)
	if err != nil || len(components) != 1 || components[0].Name != "b" || !slices.Equal(direct, []string{"pkg:npm/%40s/b@1.0.0"}) {
		t.Errorf("of a folder that carries only @s/b: %v, direct %q (%v)", components, direct, err)
	}

	for name, test := range map[string]struct{ data, want string }{
		"no licence":     {string(lock(item("a", "1.0.0", ""))), "a 1.0.0 (x/package-lock.json): it has no licence"},
		"refused":        {string(lock(item("a", "1.0.0", `, "license": "SSPL-1.0"`))), `"SSPL-1.0"`},
		"no hash":        {string(lock(`"node_modules/a": {"version": "1.0.0", "license": "MIT"}`)), "no SHA-512"},
		"an old format":  {`{"lockfileVersion": 1}`, "lockfileVersion 1"},
		"something else": {`[]`, "x/package-lock.json"},
	} {
		if _, _, _, err := npmPackages(policy, "x/package-lock.json", []byte(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// TestShips: the engine of the tests, which no release may carry, does not ship,
// and a lock file that nobody has put on the list does.
func TestShips(t *testing.T) {
	policy := projectPolicy(t)
	names, err := LockFiles(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	const engine = "internal/mongoengine/package-lock.json"
	if !slices.Contains(names, engine) {
		t.Fatalf("git lists %q", names)
	}
	for folder := range policy.NotShipped {
		if !slices.Contains(names, folder+"/package-lock.json") {
			t.Errorf("policy.yaml names %s, which has no lock file", folder)
		}
	}
	if got := policy.Ships([]string{engine, "admin/package-lock.json", "package-lock.json"}); !slices.Equal(got, []string{"admin/package-lock.json", "package-lock.json"}) {
		t.Errorf("%q ship", got)
	}
}
