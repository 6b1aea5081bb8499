package mongoengine

import (
	"context"
	"embed"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

// recipe is everything that decides what is installed; a change of it installs
// anew.
//
//go:embed engine.cjs install.sh package.json package-lock.json
var recipe embed.FS

// Install makes sure that the engine is on this machine and returns its folder,
// prassi/mongoengine-… in PRASSI_TEST_CACHE or else the user's cache folder; see
// package npmcache.
//
// An error carries the output of the step that failed and is worth showing.
func Install(ctx context.Context) (string, error) {
	return npmcache.Recipe{Name: "mongoengine", Files: recipe}.Install(ctx)
}

// nodeCommand returns how to run node for the installation in home: by itself,
// or through the dynamic loader of the C library that install.sh fetched.
func nodeCommand(home string) (program string, arguments []string, err error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", nil, fmt.Errorf("mongoengine: install Node.js 20 or later: %w", err)
	}
	loaders, err := filepath.Glob(filepath.Join(home, "glibc/usr/lib/*/ld-linux-*.so.*"))
	if err != nil || len(loaders) == 0 {
		return node, nil, err
	}
	slices.Sort(loaders)
	// The program itself, not a version manager's script of the same name.
	real, err := exec.Command(node, "--print", "process.execPath").Output()
	if err != nil {
		return "", nil, fmt.Errorf("mongoengine: %s does not run: %w", node, err)
	}
	return loaders[0], []string{"--library-path", filepath.Dir(loaders[0]), strings.TrimSpace(string(real))}, nil
}
