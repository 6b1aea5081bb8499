package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prassi-cms/prassi/site/release"
)

// The tests below start this program again as a child, which publishes and is
// killed.
func TestMain(m *testing.M) {
	if way := os.Getenv("TARGET_CHILD"); way != "" {
		signal.Ignore(syscall.SIGXFSZ) // a write beyond the limit is an error then
		if err := child(way); err != nil {
			fmt.Println("error:", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child publishes the current build of a store, and dies at a step.
func child(way string) error {
	kill, _ := strconv.ParseInt(os.Getenv("TARGET_STEP"), 10, 64)
	s, err := release.Open(os.Getenv("TARGET_STORE"), release.Options{})
	if err != nil {
		return err
	}
	if limit := os.Getenv("TARGET_LIMIT"); limit != "" {
		n, _ := strconv.ParseUint(limit, 10, 64)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return err
		}
	}
	opt := ways[way]
	var steps atomic.Int64
	opt.step = func(string) {
		if steps.Add(1) == kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it arrives
		}
	}
	to, err := open(os.Getenv("TARGET_SPEC"), opt)
	if err != nil {
		return err
	}
	if _, err := to.Publish(context.Background(), s.Current(), nil); err != nil {
		fmt.Println("refused:", err)
		return nil
	}
	fmt.Println("steps:", steps.Load())
	return nil
}

func run(t *testing.T, way, store, spec string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "TARGET_CHILD="+way, "TARGET_STORE="+store, "TARGET_SPEC="+spec, "GORACE=atexit_sleep_ms=0")...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// oldSite and newSite differ in all ways; the third comes after.
var (
	oldSite = site{"index.html": "old", "same.html": "same", "gone/index.html": "gone", "assets/1.css": "css", "turns/into/folder": "file", "flat": "x"}
	newSite = site{"index.html": "new", "same.html": "same", "came/index.html": "came", "assets/2.css": "css 2", "turns/into/folder/x": "deep", "flat": "x"}
	third   = site{"index.html": "third", "same.html": "same"}
	theirs  = "theirs.txt"
)

// copied is a folder with oldSite in it and a file of others, and a store whose
// current build is newSite.
func copied(t *testing.T, opt Options) (storeDir, dir string) {
	t.Helper()
	storeDir = t.TempDir()
	s, err := release.Open(storeDir, release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir = filepath.Join(t.TempDir(), "site")
	if _, err := openTarget(t, dir, opt).Publish(t.Context(), build(t, s, oldSite), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, theirs), []byte("dear"), 0o644); err != nil {
		t.Fatal(err)
	}
	build(t, s, newSite)
	return storeDir, dir
}

// whole reports that the folder is one of the states, with the file of others.
func whole(got site, states ...site) bool {
	for _, state := range states {
		want := maps.Clone(state)
		want[theirs] = "dear"
		if maps.Equal(got, want) {
			return true
		}
	}
	return false
}

// Publishing to a folder is killed at each of its steps: the folder is the old
// state or the new one, or where it cannot be exchanged every file of it is, and
// the next Publish leaves nothing else.
func TestKilledAtEveryStep(t *testing.T) {
	for way, opt := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			steps := 0
			for step := 0; step == 0 || step <= steps; step++ {
				store, dir := copied(t, opt)
				out, err := run(t, way, store, dir, fmt.Sprint("TARGET_STEP=", step))
				if step == 0 {
					if _, scan := fmt.Sscanf(out, "steps: %d", &steps); scan != nil || err != nil || steps < 8 {
						t.Fatalf("%v: %s", err, out)
					}
				} else if err == nil || !strings.Contains(err.Error(), "killed") {
					t.Fatalf("step %d: %v: %s", step, err, out)
				}
				if way == "renamed" {
					// Between the two renames there is no folder: the next Publish brings
					// it back before anything else.
					if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
						s := newStaging(dir, Options{step: func(string) {}})
						if s.parent, err = os.OpenRoot(s.parentPath); err != nil {
							t.Fatal(err)
						}
						if err := s.clear(); err != nil {
							t.Fatal(err)
						}
						s.parent.Close()
					}
				}
				got := tree(t, dir)
				if way == "in place" {
					for path, content := range got {
						if path != theirs && content != oldSite[path] && content != newSite[path] {
							t.Errorf("step %d: %s is %q", step, path, content)
						}
					}
					if got["index.html"] == "new" && got["assets/2.css"] == "" || got["gone/index.html"] == "" && got["came/index.html"] == "" {
						t.Errorf("step %d: the order is wrong: %v", step, got)
					}
				} else if !whole(got, oldSite, newSite) || step == 0 && !whole(got, newSite) {
					t.Fatalf("step %d: %v", step, got)
				}
				s, err := release.Open(store, release.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := openTarget(t, dir, opt).Publish(t.Context(), build(t, s, third), nil); err != nil {
					t.Fatalf("step %d: %v", step, err)
				}
				s.Close()
				if got := tree(t, dir); !whole(got, third) {
					t.Fatalf("step %d: %v", step, got)
				}
				alone(t, dir)
			}
			t.Logf("%d steps", steps)
		})
	}
}

// An archive is there whole, the old one or the new one.
func TestArchiveKilled(t *testing.T) {
	steps := 0
	for step := 0; step == 0 || step <= steps; step++ {
		store, _ := copied(t, Options{})
		path := filepath.Join(t.TempDir(), "site.tar.zst")
		s := newStore(t)
		if _, err := openTarget(t, path, Options{}).Publish(t.Context(), build(t, s, oldSite), nil); err != nil {
			t.Fatal(err)
		}
		out, err := run(t, "exchanged", store, path, fmt.Sprint("TARGET_STEP=", step))
		if step == 0 {
			if _, scan := fmt.Sscanf(out, "steps: %d", &steps); scan != nil || err != nil || steps < 8 {
				t.Fatalf("%v: %s", err, out)
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := unpack(t, data); step == 0 && !maps.Equal(got, newSite) || step > 0 && !maps.Equal(got, oldSite) {
			t.Fatalf("step %d: %v", step, got)
		}
		if _, err := openTarget(t, path, Options{}).Publish(t.Context(), build(t, s, third), nil); err != nil {
			t.Fatal(err)
		}
		alone(t, path)
	}
}

// No file can grow beyond a size: the system's own error. The folder stays as it
// was, or where it cannot be exchanged the next Publish completes it.
func TestFileLimit(t *testing.T) {
	large := strings.Repeat("large ", 1000)
	for way, opt := range ways {
		store, dir := copied(t, opt)
		s, err := release.Open(store, release.Options{})
		if err != nil {
			t.Fatal(err)
		}
		next := maps.Clone(newSite)
		next["z/index.html"] = large
		build(t, s, next)
		s.Close()
		out, err := run(t, way, store, dir, "TARGET_LIMIT=4000")
		if err != nil || !strings.Contains(out, "refused: ") || !strings.Contains(out, syscall.EFBIG.Error()) {
			t.Fatalf("%s: %v: %s", way, err, out)
		}
		if got := tree(t, dir); way != "in place" && !whole(got, oldSite) || got["index.html"] == "" {
			t.Errorf("%s: %v", way, got)
		}
		alone(t, dir)
		if out, err := run(t, way, store, dir); err != nil || !strings.HasPrefix(out, "steps: ") {
			t.Fatalf("%s: %v: %s", way, err, out)
		}
		if got := tree(t, dir); !whole(got, next) {
			t.Errorf("%s: %v", way, got)
		}
		alone(t, dir)
	}
}
