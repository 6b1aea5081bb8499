package mongoengine

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// machine makes a PATH on which npm, node and getconf are scripts of the test,
// in front of the machine's own tools, and a cache folder of the test's own.
func machine(t *testing.T, programs map[string]string) (cache string) {
	t.Helper()
	bin := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cache = t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("PRASSI_TEST_CACHE", cache)
	return cache
}

func TestInstallOnceForAll(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	cache := machine(t, map[string]string{
		"npm":     "echo run >>" + count + "; sleep 0.3; mkdir node_modules",
		"node":    "exit 0",
		"getconf": "echo glibc 2.41",
	})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			home, err := Install(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			for _, name := range []string{"engine.cjs", "node_modules"} {
				if _, err := os.Stat(filepath.Join(home, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if runs, _ := os.ReadFile(count); string(runs) != "run\n" {
		t.Fatalf("npm ran %d times, want once", strings.Count(string(runs), "run"))
	}
	assertNoStaging(t, cache)
}

func TestInstallFailsWhole(t *testing.T) {
	for name, test := range map[string]struct {
		programs map[string]string
		want     string
	}{
		"npm refuses": {map[string]string{
			"npm": "echo the registry says no >&2; exit 1", "node": "exit 0",
		}, "the registry says no"},
		"an old C library and no mirror": {map[string]string{
			"npm": "mkdir node_modules", "node": "exit 0", "getconf": "echo glibc 2.36",
			"apt-get": "exit 0", "dpkg": "exit 0",
		}, "glibc 2.38 or later"},
	} {
		t.Run(name, func(t *testing.T) {
			cache := machine(t, test.programs)
			home, err := Install(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %q, %v; want an error with %q", home, err, test.want)
			}
			assertNoStaging(t, cache)
			if left, _ := filepath.Glob(filepath.Join(cache, "mongoengine-*")); len(left) > 0 {
				t.Fatalf("half an installation is left: %v", left)
			}
		})
	}
}

func assertNoStaging(t *testing.T, cache string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(cache, "mongoengine-new-*")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}
