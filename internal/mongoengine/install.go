package mongoengine

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// recipe is everything that decides what is installed; a change of it installs
// anew.
//
//go:embed engine.cjs install.sh package.json package-lock.json
var recipe embed.FS

// installLimit bounds one installation: 40 MB from the registries.
const installLimit = 10 * time.Minute

// Install makes sure that the engine is on this machine and returns its folder:
// prassi/mongoengine-… in PRASSI_TEST_CACHE or else the user's cache folder. A
// finished folder is used as it is; otherwise it is filled under a temporary
// name and renamed, so that it is either whole or absent, while other processes
// wait at a file lock.
//
// An error carries the output of the step that failed and is worth showing.
func Install(ctx context.Context) (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "mongoengine-"+fingerprint())
	if installed(home) {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("mongoengine: cache folder (set PRASSI_TEST_CACHE to another): %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cache, "mongoengine.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if installed(home) { // by the process that held the lock
		return home, nil
	}

	staging, err := os.MkdirTemp(cache, "mongoengine-new-")
	if err != nil {
		return "", fmt.Errorf("mongoengine: %w", err)
	}
	defer os.RemoveAll(staging)
	if err := os.CopyFS(staging, recipe); err != nil {
		return "", fmt.Errorf("mongoengine: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	script := exec.CommandContext(ctx, "bash", "install.sh")
	script.Dir = staging
	script.WaitDelay = 5 * time.Second
	if output, err := script.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mongoengine: the installation failed (%w):\n%s", err, output)
	}
	if err := os.Chmod(staging, 0o755); err != nil {
		return "", fmt.Errorf("mongoengine: %w", err)
	}
	if err := os.Rename(staging, home); err != nil {
		return "", fmt.Errorf("mongoengine: %w", err)
	}
	return home, nil
}

func installed(home string) bool {
	_, err := os.Stat(filepath.Join(home, "node_modules"))
	return err == nil
}

func cacheFolder() (string, error) {
	if folder := os.Getenv("PRASSI_TEST_CACHE"); folder != "" {
		return filepath.Abs(folder)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("mongoengine: no cache folder (set PRASSI_TEST_CACHE): %w", err)
	}
	return filepath.Join(folder, "prassi"), nil
}

// fingerprint names the recipe and the kind of machine.
func fingerprint() string {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOOS, runtime.GOARCH)
	entries, err := recipe.ReadDir(".")
	if err != nil {
		panic(err) // the embedded folder is always there
	}
	for _, entry := range entries {
		content, err := recipe.ReadFile(entry.Name())
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", entry.Name(), len(content), content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// lock takes an exclusive lock that ends with the process, so a killed
// installation blocks nobody.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("mongoengine: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, fmt.Errorf("mongoengine: locking %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("mongoengine: waiting for another installation: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
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
