// Package npmcache installs what tests and the build of the assets need from npm,
// once a machine: a real engine, a real provider, a compiler, pinned by a lock
// file, in a folder of the user's cache that is either whole or absent.
//
//	Recipe (package.json, package-lock.json, scripts; embedded)
//	   │ fingerprint of the files and the kind of machine
//	   ▼
//	prassi/NAME-FINGERPRINT in PRASSI_TEST_CACHE or the user's cache folder
//	   ▲ there already: used as it is
//	   │ otherwise, under a file lock: copy to a new folder, npm ci, install.sh
//	   │ if the recipe has one, rename
//
// Nothing of it is part of a release, but for what internal/assets makes of its
// packages; and a test that needs it and cannot have it fails with the error of
// Install: it never skips.
package npmcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Recipe is what to install. A change of any file installs anew.
type Recipe struct {
	Name  string   // of the folder, and in errors
	Files embed.FS // package.json, package-lock.json and what runs; perhaps install.sh
	Dir   string   // the folder in Files where they are; empty: its root
}

// limit bounds one installation: tens of megabytes from a registry.
const limit = 10 * time.Minute

// Install makes sure that the recipe is on this machine and returns its folder.
// A finished folder is used as it is; otherwise it is filled under a temporary
// name and renamed, so that it is either whole or absent, while other processes
// wait at a file lock.
//
// An error carries the output of the step that failed and is worth showing.
func (r Recipe) Install(ctx context.Context) (string, error) {
	home, err := r.install(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", r.Name, err)
	}
	return home, nil
}

func (r Recipe) install(ctx context.Context) (string, error) {
	return Once(ctx, r.Name+"-"+r.fingerprint(), r.fill)
}

// fill installs into an empty folder.
func (r Recipe) fill(ctx context.Context, staging string) error {
	files, err := fs.Sub(r.Files, r.dir())
	if err != nil {
		return err
	}
	if err := os.CopyFS(staging, files); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("install Node.js 20 or later, with npm: %w", err)
		}
	}
	if err := run(ctx, staging, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(staging, "install.sh")); err == nil {
		if err := run(ctx, staging, "bash", "install.sh"); err != nil {
			return err
		}
	}
	// A package without dependencies is installed too.
	return os.MkdirAll(filepath.Join(staging, "node_modules"), 0o755)
}

// Once gives the folder of a name in the cache, made by fill when it is not there:
// fill gets an empty folder, which takes its place when it returns nil. Other
// processes wait meanwhile. The name must say everything that decides what is in
// the folder.
func Once(ctx context.Context, name string, fill func(ctx context.Context, dir string) error) (string, error) {
	cache, err := folder()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, name)
	if installed(home) {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("cache folder (set PRASSI_TEST_CACHE to another): %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cache, "."+name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if installed(home) { // by the process that held the lock
		return home, nil
	}
	staging, err := os.MkdirTemp(cache, name+"-new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(staging)
	if err := fill(ctx, staging); err != nil {
		return "", err
	}
	if err := os.Chmod(staging, 0o755); err != nil {
		return "", err
	}
	return home, os.Rename(staging, home)
}

func run(ctx context.Context, dir, program string, arguments ...string) error {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = dir
	command.WaitDelay = 5 * time.Second
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("the installation failed (%s: %w):\n%s", program, err, output)
	}
	return nil
}

// installed: a folder gets its name only when it is whole.
func installed(home string) bool {
	_, err := os.Stat(home)
	return err == nil
}

func folder() (string, error) {
	if folder := os.Getenv("PRASSI_TEST_CACHE"); folder != "" {
		return filepath.Abs(folder)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (set PRASSI_TEST_CACHE): %w", err)
	}
	return filepath.Join(folder, "prassi"), nil
}

func (r Recipe) dir() string {
	if r.Dir == "" {
		return "."
	}
	return r.Dir
}

// fingerprint names the recipe and the kind of machine.
func (r Recipe) fingerprint() string {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOOS, runtime.GOARCH)
	entries, err := r.Files.ReadDir(r.dir())
	if err != nil {
		panic(err) // the embedded folder is always there
	}
	for _, entry := range entries {
		content, err := r.Files.ReadFile(path.Join(r.dir(), entry.Name()))
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
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("waiting for another installation: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Tail keeps the end of what a child process complained of, for an error
// message. The zero value is ready.
type Tail struct {
	mu    sync.Mutex
	bytes []byte
}

// tailLimit is how many bytes a Tail keeps.
const tailLimit = 4096

// Write keeps the last bytes. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - tailLimit; extra > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[extra:]...)
	}
	return len(p), nil
}

// String gives what was kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.bytes))
}
