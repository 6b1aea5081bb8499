package browser

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// recipe is everything that decides what is installed; a change of it installs
// anew.
//
//go:embed driver.mjs package.json package-lock.json
var recipe embed.FS

// installLimit bounds one installation: 5 MB from the registry.
const installLimit = 5 * time.Minute

// Install makes sure that Playwright and axe are on this machine and returns
// their folder: prassi/browser-… in PRASSI_TEST_CACHE or else the user's cache
// folder, whole or absent. Several processes may call it at once: one installs,
// the others wait. An error carries what npm said and is worth showing.
func Install(ctx context.Context) (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "browser-"+fingerprint())
	if installed(home) {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("browser: cache folder (set PRASSI_TEST_CACHE to another): %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	unlock, err := lock(ctx, filepath.Join(cache, "browser.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if installed(home) { // by the process that held the lock
		return home, nil
	}
	staging, err := os.MkdirTemp(cache, "browser-new-")
	if err != nil {
		return "", fmt.Errorf("browser: %w", err)
	}
	defer os.RemoveAll(staging)
	if err := os.CopyFS(staging, recipe); err != nil {
		return "", fmt.Errorf("browser: %w", err)
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = staging
	npm.WaitDelay = 5 * time.Second
	if output, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("browser: npm ci failed (%w):\n%s", err, output)
	}
	if err := os.Chmod(staging, 0o755); err != nil {
		return "", fmt.Errorf("browser: %w", err)
	}
	if err := os.Rename(staging, home); err != nil {
		return "", fmt.Errorf("browser: %w", err)
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
		return "", fmt.Errorf("browser: no cache folder (set PRASSI_TEST_CACHE): %w", err)
	}
	return filepath.Join(folder, "prassi"), nil
}

// fingerprint names the recipe.
func fingerprint() string {
	sum := sha256.New()
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
		return nil, fmt.Errorf("browser: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, fmt.Errorf("browser: locking %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("browser: waiting for another installation: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
