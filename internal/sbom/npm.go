package sbom

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// lockFile is what counts of a package-lock.json (npm documentation,
// "package-lock.json", lockfileVersion 3).
type lockFile struct {
	Version  int                   `json:"lockfileVersion"`
	Packages map[string]lockedItem `json:"packages"`
}

type lockedItem struct {
	Name, Version, Integrity string
	License                  json.RawMessage
	Dev, Extraneous, Link    bool
	Dependencies             map[string]string
	OptionalDependencies     map[string]string
	PeerDependencies         map[string]string
}

// LockFiles lists the package-lock.json files of the tree at root that git knows
// or would add, as names under root with slashes.
func LockFiles(ctx context.Context, root string) ([]string, error) {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "package-lock.json", "**/package-lock.json")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var names []string
	for _, name := range bytes.FieldsFunc(out, func(r rune) bool { return r == 0 }) {
		if _, err := os.Stat(filepath.Join(root, string(name))); err == nil { // else deleted and not yet committed
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Ships lists those lock files whose packages a release carries.
func (p *Policy) Ships(names []string) (ships []string) {
	for _, name := range names {
		if p.NotShipped[lockFolder(name)] == "" {
			ships = append(ships, name)
		}
	}
	return ships
}

// npmPackages describes the packages of one lock file that are not only for
// development, of some folders only those that the policy names, and says which of them the folder's own code needs.
func npmPackages(policy *Policy, name string, data []byte) (components []cyclonedx.Component, depends []cyclonedx.Dependency, direct []string, err error) {
	var lock lockFile
	if err := json.Unmarshal(data, &lock); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if lock.Version != 3 {
		return nil, nil, nil, fmt.Errorf("%s: lockfileVersion %d, want 3", name, lock.Version)
	}
	carries := policy.Carries[lockFolder(name)]
	ships := func(at string) bool {
		item, ok := lock.Packages[at]
		return ok && !item.Dev && !item.Extraneous && !item.Link && (carries == nil || at == "" || carries[itemName(at, item)] != "")
	}
	// needs lists the references that the item at this place resolves its
	// dependencies to: the nearest node_modules above it that has them.
	needs := func(at string, item lockedItem) (on []string) {
		for _, wanted := range []map[string]string{item.Dependencies, item.OptionalDependencies, item.PeerDependencies} {
			for dependency := range wanted {
				for folder := at; ; {
					candidate := strings.TrimPrefix(folder+"/node_modules/"+dependency, "/")
					if ships(candidate) {
						on = append(on, npmPackageURL(itemName(candidate, lock.Packages[candidate]), lock.Packages[candidate].Version))
						break
					}
					if folder == "" {
						break // optional, and for another platform
					}
					if i := strings.LastIndex(folder, "/node_modules/"); i >= 0 {
						folder = folder[:i]
					} else {
						folder = ""
					}
				}
			}
		}
		slices.Sort(on)
		return slices.Compact(on)
	}
	var faults []error
	seen := map[string]bool{}
	for _, at := range slices.Sorted(maps.Keys(lock.Packages)) {
		item := lock.Packages[at]
		if at == "" {
			direct = needs(at, lockedItem{Dependencies: item.Dependencies, OptionalDependencies: item.OptionalDependencies})
			continue
		}
		if !ships(at) || !strings.Contains(at, "node_modules/") {
			continue
		}
		packageName := itemName(at, item)
		reference := npmPackageURL(packageName, item.Version)
		if seen[reference] {
			continue // the same version in two places
		}
		seen[reference] = true
		var licence string
		_ = json.Unmarshal(item.License, &licence) // another form is no licence
		if err := policy.allow(licence); err != nil {
			faults = append(faults, fmt.Errorf("%s %s (%s): %w", packageName, item.Version, name, err))
			continue
		}
		sum, err := hashOf(item.Integrity)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s %s (%s): %w", packageName, item.Version, name, err))
			continue
		}
		c := cyclonedx.Component{
			BOMRef: reference, Type: cyclonedx.ComponentTypeLibrary, Scope: cyclonedx.ScopeRequired,
			Name: packageName, Version: item.Version, PackageURL: reference,
			Licenses: licences(licence), Hashes: &[]cyclonedx.Hash{sum},
		}
		if scope, rest, ok := strings.Cut(packageName, "/"); ok {
			c.Group, c.Name = scope, rest
		}
		components = append(components, c)
		d := cyclonedx.Dependency{Ref: reference}
		if on := needs(at, item); len(on) > 0 {
			d.Dependencies = &on
		}
		depends = append(depends, d)
	}
	return components, depends, direct, errors.Join(faults...)
}

// itemName is a locked package's name: its own when it is installed under
// another, else that of its folder.
func itemName(at string, item lockedItem) string {
	if item.Name != "" {
		return item.Name
	}
	return at[strings.LastIndex(at, "node_modules/")+len("node_modules/"):]
}

// hashOf turns a subresource integrity value (W3C SRI, section 3.1), which is
// the hash of the package's archive, into CycloneDX's form.
func hashOf(integrity string) (cyclonedx.Hash, error) {
	first, _, _ := strings.Cut(integrity, " ")
	value, ok := strings.CutPrefix(first, "sha512-")
	raw, err := base64.StdEncoding.DecodeString(value)
	if !ok || err != nil || len(raw) != 64 {
		return cyclonedx.Hash{}, errors.New("the lock file has no SHA-512 of it")
	}
	return cyclonedx.Hash{Algorithm: cyclonedx.HashAlgoSHA512, Value: hex.EncodeToString(raw)}, nil
}
