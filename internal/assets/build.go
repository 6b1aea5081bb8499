package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// stampFile says from what the outputs were last made; see stamp.
const stampFile = ".cache/assets.stamp"

// target is the oldest language that the scripts may use. Every browser since
// 2020 knows it.
const target = api.ES2020

// engines are the oldest browsers that the style sheets are written for.
var engines = []api.Engine{
	{Name: api.EngineChrome, Version: "100"}, {Name: api.EngineFirefox, Version: "100"}, {Name: api.EngineSafari, Version: "15.4"},
}

// build makes the outputs when they are not those of the inputs.
func build(ctx context.Context, force bool) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	unlock, err := lock(ctx, ".cache/assets.lock")
	if err != nil {
		return err
	}
	defer unlock()

	in, err := inputHash()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(stampFile); !force && err == nil {
		if now, err := stamp(in); err == nil && now == string(old) {
			return nil
		}
	}
	began := time.Now()
	home, err := install(ctx)
	if err != nil {
		return err
	}
	made, err := outputs(ctx, home)
	if err != nil {
		return err
	}
	if err := write(made); err != nil {
		return err
	}
	now, err := stamp(in)
	if err != nil {
		return err
	}
	if err := os.WriteFile(stampFile, []byte(now), 0o644); err != nil {
		return err
	}
	fmt.Printf("assets: %d files in %.1f s\n", len(made), time.Since(began).Seconds())
	return nil
}

// outputs makes all files, by name under the root. home is where the npm
// packages are.
func outputs(ctx context.Context, home string) (map[string][]byte, error) {
	modules := filepath.Join(home, "node_modules")
	if real, err := filepath.EvalSymlinks(modules); err == nil {
		modules = real
	}
	made := map[string][]byte{}
	loaded := map[string]bool{} // files of npm packages

	for _, f := range files {
		name := filepath.Join(modules, filepath.FromSlash(f.source))
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		made[f.out], loaded[name] = content, true
	}
	own, err := filepath.Glob(filepath.FromSlash(static))
	if err != nil {
		return nil, err
	}
	for _, name := range own {
		if made[staticOut+"/"+filepath.Base(name)], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	var texts bytes.Buffer
	for _, name := range carried {
		text, err := os.ReadFile(filepath.Join(modules, filepath.FromSlash(name), "LICENSE"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&texts, "%s\n\n%s\n\n", name, bytes.TrimSpace(text))
	}
	made[licences] = texts.Bytes()
	if err := compileSheets(ctx, home, modules, made, loaded); err != nil {
		return nil, err
	}
	if err := bundleScripts(modules, made, loaded); err != nil {
		return nil, err
	}
	for name := range loaded {
		if fault := strange(modules, name); fault != nil {
			return nil, fault
		}
	}
	return made, nil
}

// strange is an error when a file belongs to an npm package that is not among
// those that a release is known to carry.
func strange(modules, name string) error {
	inside, ok := strings.CutPrefix(filepath.ToSlash(name), filepath.ToSlash(modules)+"/")
	if !ok {
		return nil // our own
	}
	parts := strings.SplitN(inside, "/", 3)
	owner := parts[0]
	if strings.HasPrefix(owner, "@") && len(parts) > 1 {
		owner += "/" + parts[1]
	}
	if slices.Contains(carried, owner) {
		return nil
	}
	return fmt.Errorf("%s of the npm package %s would be in the release: add the package to carried (internal/assets/tables.go) and to internal/sbom/policy.yaml", inside, owner)
}

// unused are Leaflet's pictures of controls that no page has, and a trick for
// Internet Explorer.
var unused = regexp.MustCompile(`(?m)^\s*[a-z-]+:[^;{}]*url\(["']?(?:images/|#)[^;{}]*;\n`)

func compileSheets(ctx context.Context, home, modules string, made map[string][]byte, loaded map[string]bool) error {
	var there []sheet
	arguments := []string{filepath.Join(home, "sass.mjs"), modules}
	for _, s := range sheets {
		if _, err := os.Stat(s.source); err == nil {
			there = append(there, s)
			arguments = append(arguments, s.source)
		}
	}
	if len(there) == 0 {
		return nil
	}
	command := exec.CommandContext(ctx, "node", arguments...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("sass: %w:\n%s", err, &complaints)
	}
	os.Stderr.Write(complaints.Bytes()) // warnings about our own files
	var result struct {
		CSS    []string
		Loaded []string
	}
	if err := json.Unmarshal(out, &result); err != nil || len(result.CSS) != len(there) {
		return fmt.Errorf("sass answered %d sheets for %d (%v)", len(result.CSS), len(there), err)
	}
	for _, address := range result.Loaded {
		if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
			loaded[filepath.FromSlash(u.Path)] = true
		}
	}
	for i, s := range there {
		css := unused.ReplaceAllString(result.CSS[i], "")
		if s.adapted {
			css = adapt(css)
		}
		small := api.Transform(css, api.TransformOptions{
			Loader: api.LoaderCSS, Engines: engines, Sourcefile: s.source,
			MinifyWhitespace: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone,
		})
		if err := messages(small.Errors, small.Warnings); err != nil {
			return err
		}
		made[s.out] = small.Code
	}
	return nil
}

// entryPoints are the scripts that are there.
func entryPoints() (there []script, err error) {
	for _, s := range scripts {
		if _, err := os.Stat(s.source); err == nil {
			there = append(there, s)
		}
	}
	names, err := filepath.Glob(filepath.Join(filepath.FromSlash(widgetsFolder), "*.ts"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".ts")
		if strings.HasPrefix(base, "_") || strings.HasSuffix(base, ".d") || strings.HasSuffix(base, ".test") {
			continue
		}
		there = append(there, script{source: filepath.ToSlash(name), out: widgetsOut + "/" + base + ".js", module: true})
	}
	return there, nil
}

func bundleScripts(modules string, made map[string][]byte, loaded map[string]bool) error {
	there, err := entryPoints()
	if err != nil {
		return err
	}
	for _, s := range there {
		format := api.FormatIIFE
		if s.module {
			format = api.FormatESModule
		}
		result := api.Build(api.BuildOptions{
			EntryPoints: []string{s.source}, Outfile: s.out, Bundle: true, Format: format, Target: target, Charset: api.CharsetUTF8,
			MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone,
			NodePaths: []string{modules}, TsconfigRaw: `{"compilerOptions": {"strict": true, "useDefineForClassFields": true}}`,
			// A .css or .svg that a script imports becomes a string in it.
			Loader:   map[string]api.Loader{".css": api.LoaderText, ".svg": api.LoaderText},
			Metafile: true, Write: false, Platform: api.PlatformBrowser,
			Define: map[string]string{"DEBUG": "false"},
		})
		if err := messages(result.Errors, result.Warnings); err != nil {
			return err
		}
		var meta struct {
			Inputs map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
			return err
		}
		for name := range meta.Inputs {
			if absolute, err := filepath.Abs(filepath.FromSlash(name)); err == nil {
				loaded[absolute] = true
			}
		}
		made[s.out] = result.OutputFiles[0].Contents
	}
	return nil
}

// messages turns what esbuild has to say into an error; a warning is one too.
func messages(kinds ...[]api.Message) error {
	var faults []error
	for _, kind := range kinds {
		for _, m := range kind {
			where := ""
			if m.Location != nil {
				where = fmt.Sprintf("%s:%d:%d: ", m.Location.File, m.Location.Line, m.Location.Column)
			}
			faults = append(faults, errors.New(where+m.Text))
		}
	}
	return errors.Join(faults...)
}

// write puts the files into their folders and removes what no longer belongs
// there. Each file is whole or old; one whose bytes stay is left alone, so that
// Go need not build anew.
func write(made map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, made[name]) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		temporary := filepath.Join(".cache", "assets-new-"+filepath.Base(name))
		if err := os.WriteFile(temporary, made[name], 0o644); err != nil {
			return err
		}
		if err := os.Rename(temporary, name); err != nil {
			return err
		}
	}
	there, err := built()
	if err != nil {
		return err
	}
	for _, name := range there {
		if made[name] == nil {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// built lists the files in the folders of the outputs.
func built() (names []string, err error) {
	for _, folder := range []string{"site/dist", widgetsOut} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && entry.Name() != ".keep" {
				names = append(names, filepath.ToSlash(name))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// inputHash is one hash of all inputs.
func inputHash() (string, error) {
	var names []string
	for _, pattern := range inputs {
		found, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			return "", err
		}
		names = append(names, found...)
	}
	return hashFiles(names)
}

// stamp is what the stamp file holds when the outputs that are there were made
// of these inputs.
func stamp(in string) (string, error) {
	names, err := built()
	if err != nil {
		return "", err
	}
	out, err := hashFiles(names)
	return in + " " + out + "\n", err
}

// hashFiles is one hash of the names and contents of files; folders are left out.
func hashFiles(names []string) (string, error) {
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(name)
		if errors.Is(err, syscall.EISDIR) {
			continue
		} else if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n", filepath.ToSlash(name), len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("run this inside of the project")
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}

// lock makes builds wait for each other; it ends with the process.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkTypes runs the TypeScript compiler over all scripts, strictly. It prints
// what is wrong, with file and line.
func checkTypes(ctx context.Context) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	home, err := install(ctx)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "prassi-types-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	modules := filepath.Join(home, "node_modules")
	settings, err := json.Marshal(map[string]any{
		"compilerOptions": map[string]any{
			"strict": true, "noEmit": true, "target": "ES2020", "module": "ESNext", "moduleResolution": "Bundler",
			"lib": []string{"ES2022", "DOM", "DOM.Iterable"}, "noUnusedLocals": true, "noUnusedParameters": true,
			"noImplicitReturns": true, "noFallthroughCasesInSwitch": true, "noImplicitOverride": true, "isolatedModules": true,
			"skipLibCheck": true, "types": []string{},
			"paths": map[string][]string{"leaflet": {modules + "/@types/leaflet"}, "geojson": {modules + "/@types/geojson"}},
		},
		"include": []string{root + "/site/theme/ts/**/*.ts", root + "/widgets/src/**/*.ts"},
	})
	if err != nil {
		return err
	}
	project := filepath.Join(folder, "tsconfig.json")
	if err := os.WriteFile(project, settings, 0o644); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "node", filepath.Join(modules, "typescript", "bin", "tsc"), "--project", project, "--pretty", "false")
	command.Dir = root
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("the types of the scripts are wrong (tsc: %w)", err)
	}
	return nil
}
