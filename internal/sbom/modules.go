package sbom

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// standard stands for Go's standard library among the modules.
const standard = "stdlib"

// module is one linked module and what go list knows of it.
type module struct {
	path, version, sum string
	root               string          // its folder
	folders            []string        // of its linked packages
	needs              map[string]bool // paths of the modules that its packages import
}

// program is what the built program says of itself.
type program struct {
	info    *buildinfo.BuildInfo
	main    *module
	linked  map[string]*module // by path, with standard and without main
	setting map[string]string
}

// readProgram reads the modules that a binary was linked from, which it carries
// itself, and finds their folders and who needs whom with go list, for the same
// platform. Sources that are no longer those of the binary are an error.
func readProgram(ctx context.Context, root, binary, pkg string) (*program, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	p := &program{info: info, main: &module{path: info.Main.Path}, linked: map[string]*module{}, setting: map[string]string{}}
	for _, s := range info.Settings {
		p.setting[s.Key] = s.Value
	}
	p.linked[standard] = &module{path: standard, version: strings.TrimPrefix(info.GoVersion, "go")}
	for _, dep := range info.Deps {
		real := dep
		if dep.Replace != nil {
			real = dep.Replace
		}
		p.linked[dep.Path] = &module{path: real.Path, version: real.Version, sum: real.Sum}
	}
	return p, p.locate(ctx, root, pkg)
}

// listed is what go list says of one package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Imports         []string
	Module          *struct {
		Path, Version, Dir string
		Replace            *struct{ Version string }
	}
}

// locate fills in the folders and the needs of the modules.
func (p *program) locate(ctx context.Context, root, pkg string) error {
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,Standard,Imports,Module", "-tags="+p.setting["-tags"], pkg)
	list.Dir = root
	list.Env = os.Environ()
	for key, value := range p.setting {
		if strings.HasPrefix(key, "GO") || key == "CGO_ENABLED" {
			list.Env = append(list.Env, key+"="+value)
		}
	}
	var complaints bytes.Buffer
	list.Stderr = &complaints
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w: %s", err, &complaints)
	}
	owner := map[string]*module{} // by import path
	imports := map[string][]string{}
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		m := p.main
		switch {
		case l.Standard:
			m = p.linked[standard]
		case l.Module == nil:
			return fmt.Errorf("the package %s belongs to no module", l.ImportPath)
		case l.Module.Path != p.main.path:
			m = p.linked[l.Module.Path]
			version := l.Module.Version
			if l.Module.Replace != nil {
				version = l.Module.Replace.Version
			}
			if m == nil || m.version != version {
				return fmt.Errorf("the sources use %s %s, the binary does not: build it again", l.Module.Path, version)
			}
		}
		if l.Module != nil {
			m.root = l.Module.Dir
			m.folders = append(m.folders, l.Dir)
		}
		owner[l.ImportPath] = m
		imports[l.ImportPath] = l.Imports
	}
	for path, needed := range imports {
		for _, i := range needed {
			if of, to := owner[path], owner[i]; to != nil && of != to {
				if of.needs == nil {
					of.needs = map[string]bool{}
				}
				of.needs[to.path] = true
			}
		}
	}
	goroot := exec.CommandContext(ctx, "go", "env", "GOROOT")
	goroot.Dir = root
	if out, err = goroot.Output(); err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	p.linked[standard].root = strings.TrimSpace(string(out))
	for path, m := range p.linked {
		if m.root == "" {
			return fmt.Errorf("the binary holds %s, the sources do not use it: build it again", path)
		}
	}
	return nil
}

// components describes the linked modules, sorted by path. Every module whose
// licence is unknown or refused is in the error.
func (p *program) components(policy *Policy) (components []cyclonedx.Component, depends []cyclonedx.Dependency, err error) {
	references := map[string]string{}
	for _, m := range p.linked {
		references[m.path] = goPackageURL(m.path, m.version)
	}
	var faults []error
	for _, path := range slices.Sorted(maps.Keys(p.linked)) {
		m := p.linked[path]
		ids, err := policy.licencesIn(m.root, m.folders)
		expression := strings.Join(ids, " AND ")
		if err == nil {
			err = policy.allow(expression)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s %s: %w", m.path, m.version, err))
			continue
		}
		c := cyclonedx.Component{
			BOMRef: references[m.path], Type: cyclonedx.ComponentTypeLibrary, Scope: cyclonedx.ScopeRequired,
			Name: m.path, Version: m.version, PackageURL: references[m.path], Licenses: licences(expression),
		}
		if m.sum != "" {
			// "h1:" is the SHA-256 of a list of files and their sums, so not the
			// hash of any file, which is what "hashes" would claim.
			c.Properties = &[]cyclonedx.Property{{Name: "prassi:go:sum", Value: m.sum}}
		}
		components = append(components, c)
		depends = append(depends, dependency(references[m.path], m.needs, references))
	}
	return components, depends, errors.Join(faults...)
}

// dependency says on what a component depends, by its reference.
func dependency(reference string, needs map[string]bool, references map[string]string) cyclonedx.Dependency {
	var on []string
	for path := range needs {
		on = append(on, references[path])
	}
	slices.Sort(on)
	d := cyclonedx.Dependency{Ref: reference}
	if len(on) > 0 {
		d.Dependencies = &on
	}
	return d
}

// licences puts an SPDX expression into CycloneDX's form: one identifier, or an
// expression.
func licences(expression string) *cyclonedx.Licenses {
	if strings.ContainsAny(expression, " ()") {
		return &cyclonedx.Licenses{{Expression: expression}}
	}
	return &cyclonedx.Licenses{{License: &cyclonedx.License{ID: expression}}}
}

// lockFolder is a folder's name under root, with slashes.
func lockFolder(name string) string { return filepath.ToSlash(filepath.Dir(name)) }
