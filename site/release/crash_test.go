package release

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The tests below start this program again as a child, which does one thing to a
// folder and is killed.
func TestMain(m *testing.M) {
	if job := os.Getenv("RELEASE_CHILD"); job != "" {
		signal.Ignore(syscall.SIGXFSZ) // a write beyond the limit is an error then
		if err := child(job, os.Getenv("RELEASE_DIR")); err != nil {
			fmt.Println("error:", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// counted is the system's disk, which calls at with the number of each step.
func counted(at func(n int64, what string)) *disk {
	d := systemDisk()
	var n atomic.Int64
	d.step = func(what string) { at(n.Add(1), what) }
	return d
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it arrives
}

// jobs are what is killed at every step. Each begins with the folder of scene.
var jobs = map[string]func(s *Store) error{
	"commit": func(s *Store) error { return commitState(s, 9) },
	"restore": func(s *Store) error {
		_, err := s.Restore(s.Builds()[0].ID)
		return err
	},
	"compress": func(s *Store) error { _, _, err := s.Compress(context.Background(), 1); return err },
	"collect":  func(s *Store) error { _, err := s.Collect(context.Background()); return err },
}

func child(job, dir string) error {
	if job == "forever" {
		return forever(dir)
	}
	kill, _ := strconv.ParseInt(os.Getenv("RELEASE_STEP"), 10, 64)
	if limit := os.Getenv("RELEASE_LIMIT"); limit != "" {
		n, _ := strconv.ParseUint(limit, 10, 64)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return err
		}
	}
	steps := int64(0)
	s, err := Open(dir, Options{Keep: 2, disk: counted(func(n int64, _ string) {
		if n == kill {
			die()
		}
		atomic.StoreInt64(&steps, n)
	})})
	if err != nil {
		return err
	}
	before := s.Current().Sum()
	if err := jobs[job](s); err != nil {
		if s.Current().Sum() != before {
			return errors.New("the job failed and another build is current")
		}
		if _, bad := contents(s.Current()); bad != nil {
			return fmt.Errorf("the job failed and the build cannot be read: %w", bad)
		}
		fmt.Println("refused:", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	fmt.Println("steps:", atomic.LoadInt64(&steps))
	return nil
}

// stateOf is what build number i of a scene holds.
func stateOf(i int) site {
	want := site{"n": fmt.Sprint(i)}
	for k := range 30 {
		want[fmt.Sprintf("it/%d/index.html", k)] = strings.Repeat(fmt.Sprint(i/(k%7+1), " ", k, " "), 400)
	}
	return want
}

func commitState(s *Store, i int) error {
	w := s.Begin(s.Current(), Meta{})
	for path, content := range stateOf(i) {
		if err := w.Put(File{Path: path, Type: "text/html"}, []byte(content)); err != nil {
			return err
		}
	}
	_, err := w.Commit(context.Background())
	return err
}

// scene fills a folder with five builds.
func scene(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir, Options{})
	for i := range 5 {
		if err := commitState(s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, job string, env ...string) (output string, err error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "RELEASE_CHILD="+job, "RELEASE_DIR="+dir, "GORACE=atexit_sleep_ms=0")...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// survives opens what a child left: a build is served whole that the job could
// have left, the leftovers are gone, and work goes on.
func survives(t *testing.T, dir string, allowed ...int) {
	t.Helper()
	s := open(t, dir, Options{Keep: 2})
	defer s.Close()
	got, err := contents(s.Current())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(got["n"])
	if !slices.Contains(allowed, n) || !maps.Equal(got, stateOf(n)) {
		t.Fatalf("build %d is served, or a mix", n)
	}
	tidy(t, dir)
	for f := range s.Current().Files() {
		for e := Gzip; e < encodings; e++ {
			if _, ok := s.Current().Encoded(f.Hash, e); ok {
				data, err := s.Current().Read(nil, f.Hash, e)
				if err != nil || unzip(t, e, data) != got[f.Path] {
					t.Fatalf("%s in encoding %d: %v", f.Path, e, err)
				}
			}
		}
	}
	if err := commitState(s, 20); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Compress(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(t, s.Current(), stateOf(20))
	if back, err := s.Restore(s.Builds()[0].ID); err != nil {
		t.Fatal(err)
	} else {
		check(t, back, got)
	}
	tidy(t, dir)
}

// tidy checks that nothing is in the folder that does not belong there.
func tidy(t *testing.T, dir string) {
	t.Helper()
	files := folder(t, dir)
	for name := range files {
		number, isPack := strings.CutSuffix(name, ".pack")
		_, paired := files[number+".idx"]
		if isPack && paired || strings.HasSuffix(name, ".idx") || name == "/lock" || rootName.MatchString(filepath.Base(name)) {
			continue
		}
		t.Errorf("%s is left", name)
	}
}

// A job is killed at each of its steps in turn.
func TestKilledAtEveryStep(t *testing.T) {
	for job := range jobs {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			origin := t.TempDir()
			scene(t, origin)
			steps := 0
			for step := 0; step == 0 || step <= steps; step++ {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
					t.Fatal(err)
				}
				out, err := run(t, dir, job, fmt.Sprint("RELEASE_STEP=", step))
				if step == 0 {
					if _, scan := fmt.Sscanf(out, "steps: %d", &steps); scan != nil || err != nil || steps < 4 {
						t.Fatalf("%v: %s", err, out)
					}
				} else if exit := new(exec.ExitError); !errors.As(err, &exit) || !strings.Contains(err.Error(), "killed") {
					t.Fatalf("step %d: %v: %s", step, err, out)
				}
				allowed := map[string][]int{"commit": {4, 9}, "restore": {4, 0}}[job]
				if allowed == nil {
					allowed = []int{4}
				}
				survives(t, dir, allowed...)
			}
			t.Logf("%d steps", steps)
		})
	}
}

// A job meets a file that cannot grow any further, wherever that is: the system's
// own error. The old build stays, in the same process and in the next.
func TestFileLimit(t *testing.T) {
	origin := t.TempDir()
	scene(t, origin)
	size := folder(t, origin)["/packs/00000001.pack"]
	refused := 0
	for _, job := range []string{"commit", "compress"} {
		for _, limit := range []int64{20, 300, size, size + 1, size + 5_000, size + 30_000, size + 60_000} {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
				t.Fatal(err)
			}
			out, err := run(t, dir, job, fmt.Sprint("RELEASE_LIMIT=", limit))
			if err != nil {
				t.Fatalf("%s with %d bytes: %v: %s", job, limit, err, out)
			}
			if strings.Contains(out, "refused: ") {
				refused++
				if !strings.Contains(out, syscall.EFBIG.Error()) {
					t.Errorf("%s", out)
				}
				survives(t, dir, 4)
			}
		}
	}
	if refused < 8 {
		t.Errorf("only %d jobs met the limit", refused)
	}
}

// forever publishes, compresses and collects until it is killed, and says of each
// build when it is durable.
func forever(dir string) error {
	s, err := Open(dir, Options{Keep: 2})
	if err != nil {
		return err
	}
	go func() {
		for {
			_, _, _ = s.Compress(context.Background(), 1)
			_, _ = s.Collect(context.Background())
		}
	}()
	n, _ := strconv.Atoi(os.Getenv("RELEASE_STEP"))
	for ; ; n++ {
		if err := commitState(s, n); err != nil {
			return err
		}
		fmt.Println("durable", n)
	}
}

// Killed at any moment: what was said to be durable is there at the next start.
func TestKilledAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	last := 0
	for range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RELEASE_CHILD=forever", "RELEASE_DIR="+dir, fmt.Sprint("RELEASE_STEP=", last+1))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(out)
		first, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(r)
		_ = cmd.Wait()
		for _, m := range regexp.MustCompile(`durable (\d+)\n`).FindAllStringSubmatch(first+string(rest), -1) {
			last, _ = strconv.Atoi(m[1])
		}
		s := open(t, dir, Options{Keep: 2})
		got, err := contents(s.Current())
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(got["n"])
		if n != last && n != last+1 || !maps.Equal(got, stateOf(n)) {
			t.Fatalf("build %d is served, and %d was durable", n, last)
		}
		last = n
		tidy(t, dir)
		s.Close()
	}
	if last < 20 {
		t.Errorf("only %d builds were made", last)
	}
}
