package target

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The real program, to a folder of this machine.
func TestRsync(t *testing.T) {
	if _, err := exec.LookPath("rsync"); err != nil {
		t.Fatal("this test needs the program rsync; on Debian: apt-get install rsync")
	}
	for name, staging := range map[string]string{"temporary": "", "kept": filepath.Join(t.TempDir(), "staging")} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			dir := filepath.Join(t.TempDir(), "new", "a $(touch x) site")
			to := openTarget(t, "rsync:"+dir, Options{Staging: staging})
			defer to.Close()
			first := site{"index.html": "home", "it/è b/index.html": "casa", "gone/index.html": "gone"}
			r, err := to.Publish(t.Context(), build(t, s, first), extras(site{"media/a.png": "picture"}))
			if err != nil || r != (Report{Written: 4, Bytes: 19}) {
				t.Fatalf("%+v, %v", r, err)
			}
			want := site{"media/a.png": "picture"}
			for path, content := range first {
				want[path] = content
			}
			same(t, tree(t, dir), want)
			second := site{"index.html": "home", "it/è b/index.html": "CASA"} // of the same length
			r, err = to.Publish(t.Context(), build(t, s, second), extras(site{"media/a.png": "picture"}))
			if err != nil || r != (Report{Written: 1, Kept: 2, Removed: 1, Bytes: 4}) {
				t.Fatalf("%+v, %v", r, err)
			}
			delete(want, "gone/index.html")
			want["it/è b/index.html"] = "CASA"
			same(t, tree(t, dir), want)
			if info, err := os.Stat(filepath.Join(dir, "index.html")); err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("%v, %v", info, err)
			}
			// What is not ours is left alone.
			theirs := filepath.Join(t.TempDir(), "theirs")
			if err := os.MkdirAll(filepath.Join(theirs, "photos"), 0o755); err != nil {
				t.Fatal(err)
			}
			var foreign *ForeignError
			if _, err := openTarget(t, "rsync:"+theirs, Options{Staging: staging}).Publish(t.Context(), s.Current(), nil); !errors.As(err, &foreign) {
				t.Errorf("it was published: %v", err)
			}
			if _, err := os.Stat(filepath.Join(theirs, "photos")); err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := to.Publish(ctx, s.Current(), nil); !errors.Is(err, context.Canceled) {
				t.Errorf("it was not cancelled: %v", err)
			}
		})
	}
}

// What the program is given, for another machine: no shell, no question asked, and
// nothing that could be an option. In the place of rsync stands a script that
// writes down its arguments.
func TestRsyncArguments(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\nfor a in \"$@\"; do echo \"[$a]\"; done >>\"" + bin + "/arguments\"\ncase \"$*\" in *--list-only*) exit 23;; esac\necho 'complaint' >&2\nexit 12\n"
	if err := os.WriteFile(filepath.Join(bin, "rsync"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("RSYNC_RSH", "evil")
	s := newStore(t)
	to := openTarget(t, "rsync:www@example.org:/srv/a b;x", Options{})
	_, err := to.Publish(t.Context(), build(t, s, site{"a": "b"}), nil)
	if err == nil || !strings.Contains(err.Error(), "rsync ended with 12: complaint") {
		t.Errorf("%v", err)
	}
	got, err := os.ReadFile(filepath.Join(bin, "arguments"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[--protect-args]\n", "[--rsh=ssh -oBatchMode=yes -oConnectTimeout=20]\n", "[--delete-after]\n[--delay-updates]\n", "[--]\n", "[www@example.org:/srv/a b;x/]\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if lines := strings.Split(strings.TrimSpace(string(got)), "\n"); lines[len(lines)-3] != "[--]" {
		t.Errorf("%s", got)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Open(t.Context(), "rsync:/srv/x", Options{}); err == nil || !strings.Contains(err.Error(), "rsync is not installed") {
		t.Errorf("%v", err)
	}
}
