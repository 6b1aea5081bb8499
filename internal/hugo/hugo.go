// Package hugo installs Hugo, the site generator that Prassi is measured against
// and exports to, from its Go module at a pinned version.
//
//	Install
//	   │ go install github.com/gohugoio/hugo@VERSION, without cgo
//	   │ the module's checksum is compared with the one below
//	   ▼
//	prassi/hugo-VERSION/hugo in PRASSI_TEST_CACHE or the user's cache folder
//
// It is for tests and the benchmark only and never part of a release; it is not in
// go.mod either, whose modules all ship or serve our own build. The first
// installation compiles Hugo, which takes some minutes.
package hugo

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

const (
	module = "github.com/gohugoio/hugo"
	// Version is the one that is installed.
	Version = "v0.152.2"
	// sum is the module's hash, as go.sum would have it.
	sum = "h1:k++AvrUCjFbq8lzzKRG5JizSwsBT/ARg6mMUXFDC5OA="
	// limit bounds one installation: 90 MB of modules and their compilation.
	limit = 20 * time.Minute
)

// Install makes sure that Hugo is on this machine and returns the program's path.
// An error carries what the Go tool said and is worth showing.
func Install(ctx context.Context) (string, error) {
	program, err := npmcache.Once(ctx, "hugo-"+Version, install)
	if err != nil {
		return "", fmt.Errorf("hugo: %w", err)
	}
	return filepath.Join(program, "hugo"), nil
}

// install compiles Hugo into a folder.
func install(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	command := exec.CommandContext(ctx, "go", "install", "-trimpath", module+"@"+Version)
	command.Dir = dir // outside of our module
	command.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOWORK=off")
	command.WaitDelay = 5 * time.Second
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("the installation failed (go install: %w):\n%s", err, output)
	}
	return check(filepath.Join(dir, "hugo"))
}

// check looks whether a program was built from the module that we mean.
func check(program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	if info.Main.Path != module || info.Main.Version != Version || info.Main.Sum != sum {
		return fmt.Errorf("%s %s %s is not the pinned %s %s %s", info.Main.Path, info.Main.Version, info.Main.Sum, module, Version, sum)
	}
	return nil
}
