package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/prassi-cms/prassi/internal/endure"
	"github.com/prassi-cms/prassi/site/release"
)

// run is a command in this process: what it said, and its code.
func run(args ...string) (said string, code int) {
	var out lockedBuffer
	code = Main(context.Background(), args, strings.NewReader(""), &out, &out)
	return out.String(), code
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	said, code := run(args...)
	if code != 0 {
		t.Fatalf("%q: %d\n%s", args, code, said)
	}
	return said
}

// demoData is a data folder with the example content, and its site built once.
func demoData(t *testing.T, args ...string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, append([]string{"--demo", "--data", data, "--rates", "off"}, args...)...)
	r.awaitSite()
	r.stop()
	return data
}

// weight is how many bytes lie in a folder; what goes away meanwhile weighs nothing.
func weight(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// killWhen starts the program as a process of its own and kills it (SIGKILL) as soon
// as it has come so far; false when it ended before.
func killWhen(t *testing.T, sofar func() bool, args ...string) bool {
	t.Helper()
	cmd := exec.Command("prassi", args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(time.Minute); !sofar(); {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%q: %v\n%s", args, err, said.String())
			}
			return false
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatalf("%q never came so far\n%s", args, said.String())
		}
	}
	cmd.Process.Kill()
	<-ended
	return true
}

// onAirName is the one name that all pages of the build on the air bear.
func onAirName(t *testing.T, data string) (id, name string) {
	t.Helper()
	s, err := release.Open(filepath.Join(data, "site"), release.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := s.Current()
	if b == nil {
		t.Fatal("no build is there")
	}
	pages, buf := 0, []byte(nil)
	for f := range b.Files() {
		if buf, err = b.Read(buf[:0], f.Hash, release.Identity); err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		for _, found := range siteNamed.FindAll(buf, -1) {
			if name == "" {
				name = string(found)
			}
			if string(found) != name {
				t.Fatalf("%s is of %s, others are of %s: a mix", f.Path, found, name)
			}
			pages++
		}
	}
	if pages < 300 {
		t.Fatalf("only %d names on the pages: nothing is shown", pages)
	}
	return b.ID(), name
}

var siteNamed = regexp.MustCompile(`Sito-\d+`)

// TestKilledWhileBuilding kills a server in the middle of a build of all pages: what
// was on the air is on the air, whole, and what was begun is gone the next time.
func TestKilledWhileBuilding(t *testing.T) {
	data := demoData(t, "--site-name", "Sito-0")
	last, name := onAirName(t, data)
	middle := 0
	for round := 1; round <= 4; round++ {
		was := weight(filepath.Join(data, "site", "packs"))
		killed := killWhen(t, func() bool { return weight(filepath.Join(data, "site", "packs")) > was },
			"serve", "--addr", "127.0.0.1:0", "--demo", "--data", data, "--rates", "off", "--site-name", fmt.Sprintf("Sito-%d", round))
		if !killed {
			t.Fatal("the server ended by itself")
		}
		if round%2 == 0 { // a server finds it as well as we do
			server, err := endure.Serve(t.Context(), "prassi", "--demo", "--data", data, "--rates", "off", "--site-name", name)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.Get(server.Base + "/it/")
			if err == nil {
				res.Body.Close()
			}
			server.Kill()
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("the first answer after the kill: %v %v", res, err)
			}
		}
		id, now := onAirName(t, data)
		if id == last && now == name {
			middle++
		}
		last, name = id, now
	}
	if middle == 0 {
		t.Error("no kill came in the middle of a build: nothing is shown")
	}
	// What the kills left is gone: opening it again finds nothing to remove.
	var log lockedBuffer
	s, err := release.Open(filepath.Join(data, "site"), release.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if log.String() != "" {
		t.Errorf("left over:\n%s", log.String())
	}
	if said, code := run("verify", "--data", data); code != 0 {
		t.Errorf("verify: %d\n%s", code, said)
	}
}

// TestKilledBuildCommand kills `prassi build` while it makes a folder's files, and
// while it renders and packs an archive.
func TestKilledBuildCommand(t *testing.T) {
	data, parent, temporary := demoData(t), t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	folder, archive := filepath.Join(parent, "site"), filepath.Join(parent, "site.tar.zst")
	build := func(out, name string) []string {
		return []string{"build", "--data", data, "--out", out, "--site-name", name}
	}
	there := func(dir, pattern string) bool {
		list, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(name string) bool { return weight(name) > 1000 })
	}
	was := map[string][]string{}
	for _, out := range []string{folder, archive} {
		mustRun(t, build(out, "Sito-0")...)
		was[out] = tree(t, out)
	}
	for _, killed := range []struct {
		while, out, dir, pattern string
	}{
		{"making the first files", folder, parent, ".site.prassi-new"},
		{"making pages", folder, parent, ".site.prassi-new/*/articles"},
		{"rendering", archive, temporary, "*/site/packs"},
		{"packing", archive, parent, ".site.tar.zst.prassi-new"},
	} {
		if !killWhen(t, func() bool { return there(killed.dir, killed.pattern) }, build(killed.out, "Sito-1")...) {
			t.Fatalf("%s: it ended before", killed.while)
		}
		if now := tree(t, killed.out); !slices.Equal(now, was[killed.out]) {
			t.Errorf("killed while %s: what was there is not what it was (%d files, %d before)", killed.while, len(now), len(was[killed.out]))
		}
		if left, _ := os.ReadDir(temporary); len(left) == 0 {
			t.Errorf("killed while %s: nothing is left over, so nothing is shown", killed.while)
		}
	}
	for _, out := range []string{folder, archive} {
		mustRun(t, build(out, "Sito-2")...)
		if now := tree(t, out); slices.Equal(now, was[out]) {
			t.Errorf("the next build did not arrive at %s", out)
		}
	}
	for _, dir := range []string{temporary, parent} {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			if e.Name() != "site" && e.Name() != "site.tar.zst" {
				t.Errorf("%s is left over", filepath.Join(dir, e.Name()))
			}
		}
	}
	if said, code := run("verify", "--data", data); code != 0 {
		t.Errorf("verify: %d\n%s", code, said)
	}
}

// tree lists a folder's files with what is in them.
func tree(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		out = append(out, fmt.Sprintf("%s %x", strings.TrimPrefix(name, dir), sha256.Sum256(data)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type siteStatus struct {
	Site struct {
		Current bool
		Failure string
	}
}

// TestDiskFull lets no file of a running server grow beyond the builds it has: the
// site stays as it was, /status says why, and when there is room it catches up.
func TestDiskFull(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	mustRun(t, "token", "create", "--role", "editor", "--data", data) // makes the folder
	token := strings.TrimSpace(mustRun(t, "token", "create", "--role", "editor", "--data", data))
	token = token[strings.LastIndexByte(token, '\n')+1:]
	server, err := endure.Serve(t.Context(), "prassi", "--demo", "--data", data, "--rates", "off")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Kill()
	r := &running{t: t, base: server.Base, log: &lockedBuffer{}}
	r.awaitSite()
	// Once all is compressed, nothing is written any more.
	packs := filepath.Join(data, "site", "packs")
	for was := int64(-1); was != weight(packs); time.Sleep(500 * time.Millisecond) {
		was = weight(packs)
	}
	var full int64
	list, _ := filepath.Glob(filepath.Join(packs, "*.pack"))
	for _, f := range list {
		if info, err := os.Stat(f); err == nil {
			full = max(full, info.Size())
		}
	}
	_ = filepath.WalkDir(data, func(name string, e fs.DirEntry, err error) error {
		if info, _ := e.Info(); err == nil && !e.IsDir() && !strings.HasPrefix(name, packs) && info.Size()*2 > full {
			t.Fatalf("%s is too large beside %d bytes of pages: the store would be full as well", name, full)
		}
		return nil
	})
	before := body(t, r.base+"/it/articles/")
	limit := func(bytes uint64) {
		t.Helper()
		var was unix.Rlimit
		if err := unix.Prlimit(server.Cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &was); err != nil {
			t.Fatal(err)
		}
		was.Cur = min(bytes, was.Max)
		if err := unix.Prlimit(server.Cmd.Process.Pid, unix.RLIMIT_FSIZE, &was, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(uint64(full))
	as := http.Header{"Authorization": {"Bearer " + token}}
	h := r.call(http.DefaultClient, "POST", "/api/v1/manage/documents", as, `{"type":"article","locale":"it","slug":"disco-pieno","fields":{"title":"Il disco pieno","body":"Testo."}}`, http.StatusCreated, nil)
	as.Set("If-Match", h.Get("ETag"))
	r.call(http.DefaultClient, "POST", h.Get("Location")+"/transitions", as, `{"transition":"publish"}`, http.StatusOK, nil)
	as.Del("If-Match")
	var status siteStatus
	eventually(t, "/status says that the disk is full", func() bool {
		if err := json.Unmarshal(body(t, r.base+"/status"), &status); err != nil {
			t.Fatal(err)
		}
		return status.Site.Failure == "disk_full" && !status.Site.Current
	})
	if now := body(t, r.base+"/it/articles/"); !bytes.Equal(now, before) {
		t.Errorf("the site is not what it was:\n%s", now)
	}
	var builds struct{ State struct{ Error string } }
	r.call(http.DefaultClient, "GET", "/api/v1/manage/builds", as, "", http.StatusOK, &builds)
	if !strings.Contains(builds.State.Error, "file too large") {
		t.Errorf("the newsroom reads %q", builds.State.Error)
	}
	limit(1 << 62)
	eventually(t, "the site has caught up", func() bool {
		return bytes.Contains(body(t, r.base+"/it/articles/"), []byte("Il disco pieno"))
	})
	eventually(t, "all is well", func() bool {
		var status siteStatus
		return json.Unmarshal(body(t, r.base+"/status"), &status) == nil && status.Site.Failure == "" && status.Site.Current
	})
	server.Kill()
	if said, code := run("verify", "--data", data); code != 0 {
		t.Errorf("verify: %d\n%s", code, said)
	}
}

// TestThemeWithAFault: file and line are named wherever the fault shows, and what was
// built stays.
func TestThemeWithAFault(t *testing.T) {
	data := demoData(t)
	out, theme := filepath.Join(t.TempDir(), "site"), t.TempDir()
	mustRun(t, "build", "--data", data, "--out", out)
	was := tree(t, out)
	if err := os.Mkdir(filepath.Join(theme, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	const file = "templates/practice.html"
	for _, x := range [][2]string{
		{"<p>\n{{if}}</p>", file + ":2"},                   // found before anything is built
		{"<p>\n</p>\n{{.Item.NobodysField}}", file + ":3"}, // found when the page is made
	} {
		fault, where := x[0], x[1]
		if err := os.WriteFile(filepath.Join(theme, file), []byte(fault), 0o644); err != nil {
			t.Fatal(err)
		}
		said, code := run("build", "--data", data, "--out", out, "--site-theme", theme)
		if code == 0 || !strings.Contains(said, where) {
			t.Errorf("build says %d %s, want %s", code, said, where)
		}
		if !slices.Equal(tree(t, out), was) {
			t.Error("the folder is not what it was")
		}
	}
	// A server goes on with the build that it has.
	r := start(t, "--demo", "--data", data, "--rates", "off", "--site-theme", theme)
	eventually(t, "the log says why", func() bool { return strings.Contains(r.log.String(), "the site could not be built") })
	if log := r.log.String(); !strings.Contains(log, file+":3") {
		t.Errorf("the log does not say where:\n%s", log)
	}
	if page := body(t, r.base+"/it/practices/orti-condivisi/"); !bytes.Contains(page, []byte("Orti condivisi")) {
		t.Errorf("%s", page)
	}
	var status siteStatus
	if err := json.Unmarshal(body(t, r.base+"/status"), &status); err != nil || status.Site.Failure != "theme" || status.Site.Current {
		t.Errorf("%+v %v", status, err)
	}
}

// body reads an address that answers 200.
func body(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v\n%.500s", url, res.Status, err, b.Bytes())
	}
	return b.Bytes()
}
