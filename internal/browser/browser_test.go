package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	goodPage = `<!doctype html><html lang="it"><title>Buona</title><link rel="icon" href="data:,">
<main><h1>Buona</h1><form><label for="n">Nome</label> <input id="n" autocomplete="name"><button>Invia</button></form></main>`
	badPage = `<!doctype html><html><title>Cattiva</title><link rel="icon" href="data:,">
<main><h1>Cattiva</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><input><p style="color:#999;background:#fff">pallido</p>
<a href="#a" style="display:inline-block;width:9px;height:9px;overflow:hidden">a</a><a href="#b" style="display:inline-block;width:9px;height:9px;overflow:hidden">b</a></main>`
	brokenPage = `<!doctype html><html lang="it"><title>Rotta</title><link rel="icon" href="data:,">
<h1>Rotta</h1><script nonce="x">console.error('una lamentela'); setTimeout(() => { throw new Error('un guasto') })</script>
<script>document.title = 'inline'</script><img alt="" src="http://example.org/x.png">`
)

// site serves the pages above and says what the browser asks for.
func site(t *testing.T) string {
	t.Helper()
	pages := map[string]string{"/good": goodPage, "/bad": badPage, "/broken": brokenPage}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" {
			fmt.Fprintf(w, `<!doctype html><html lang="it"><title>%s</title><link rel="icon" href="data:,">`, r.Header.Get("Accept-Language"))
			return
		}
		if r.URL.Path == "/broken" {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-x'; img-src *")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, pages[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// recorder is a test that may fail without failing this one.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, arguments...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	r.cleanups = nil
}

const open = `export default async ({page, args}) => { await page.goto(args) }`

func TestAccessibility(t *testing.T) {
	url := site(t)
	b := Start(t, Options{})
	b.Run(open, url+"/good", nil)
	b.MustBeAccessible("")

	b.Run(open, url+"/bad", nil)
	found := map[string]bool{}
	for _, v := range b.Violations("") {
		found[v.ID] = true
		if text := v.String(); v.Help == "" || len(v.Nodes) == 0 || !strings.Contains(text, v.Nodes[0].Target) {
			t.Errorf("a violation without its place: %s", text)
		}
	}
	for _, id := range []string{"image-alt", "label", "html-has-lang", "color-contrast", "target-size"} {
		if !found[id] {
			t.Errorf("%s is not found in %v", id, found)
		}
	}
	if of := b.Violations("h1"); len(of) > 0 {
		t.Errorf("the heading alone has %v", of)
	}
	failing := &recorder{TB: t}
	b.tb = failing
	b.MustBeAccessible("")
	b.tb = t
	if len(failing.errors) != len(found) {
		t.Errorf("the test fails %d times for %d violations", len(failing.errors), len(found))
	}
}

// TestProblemsFailTheTest: what goes wrong unseen is an error of the test, unless
// the test takes it.
func TestProblemsFailTheTest(t *testing.T) {
	url := site(t)
	failing := &recorder{TB: t}
	b := Start(failing, Options{})
	b.Run(open, url+"/broken", nil)
	kinds := map[string]string{}
	taken := b.Problems()
	for _, p := range taken {
		kinds[p.Kind] += p.String()
	}
	for kind, text := range map[string]string{
		"console": "una lamentela", "page": "un guasto", "policy": "script-src-elem blocks inline", "outside": "example.org/x.png",
	} {
		if !strings.Contains(kinds[kind], text) {
			t.Errorf("no problem of kind %s with %q: %v", kind, text, taken)
		}
	}
	b.Run(open, url+"/broken", nil)
	failing.end()
	if len(failing.errors) < 4 || !strings.Contains(strings.Join(failing.errors, "\n"), "un guasto") {
		t.Errorf("the test fails with %q", failing.errors)
	}
}

func TestRun(t *testing.T) {
	url := site(t)
	shots := t.TempDir()
	b := Start(t, Options{Locale: "ar", Width: 390, Height: 700, Dark: true, NoMotion: true, Shots: shots})
	var got struct {
		Title, Zone   string
		Width         int
		Dark, NoMoves bool
	}
	b.Run(`export default async ({page, context, browser, args}) => {
	  await page.goto(args.url + '/echo');
	  console.log('not the protocol');
	  return page.evaluate(() => ({
	    title: document.title, zone: Intl.DateTimeFormat().resolvedOptions().timeZone, width: innerWidth,
	    dark: matchMedia('(prefers-color-scheme: dark)').matches, noMoves: matchMedia('(prefers-reduced-motion: reduce)').matches,
	  }));
	}`, map[string]string{"url": url}, &got)
	if !strings.HasPrefix(got.Title, "ar") || got.Zone != "Europe/Rome" || got.Width != 390 || !got.Dark || !got.NoMoves {
		t.Errorf("the visitor is %+v", got)
	}
	if info, err := os.Stat(b.Shot("pagina")); err != nil || info.Size() < 100 {
		t.Errorf("no picture: %v", err)
	}
	for script, want := range map[string]string{
		`export default () => { throw new Error('di proposito') }`: "di proposito",
		`this is no script`: "SyntaxError",
	} {
		if err := b.Try(script, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := b.Try(`export default () => 1`, nil, new(string)); err == nil {
		t.Error("a number was decoded into a string")
	}
}

func TestMissing(t *testing.T) {
	t.Run("no Chromium", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := start(t, Options{}); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("npm refuses", func(t *testing.T) {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\necho the registry says no >&2; exit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		cache := t.TempDir()
		t.Setenv("PRASSI_TEST_CACHE", cache)
		if _, err := Install(t.Context()); err == nil || !strings.Contains(err.Error(), "the registry says no") {
			t.Errorf("got %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(cache, "browser-*")); len(left) > 0 {
			t.Errorf("half an installation is left: %v", left)
		}
	})
}

const orphanage = "BROWSER_TEST_PARENT"

// TestNoOrphans kills the process that started a browser. The browser must go
// with it, and leave nothing behind.
func TestNoOrphans(t *testing.T) {
	if os.Getenv(orphanage) != "" { // the parent to be killed
		b := Start(t, Options{})
		fmt.Printf("scratch=%s\n", b.scratch)
		select {}
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestNoOrphans$")
	parent.Env = append(os.Environ(), orphanage+"=1")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var scratch string
	for lines := bufio.NewScanner(stdout); scratch == "" && lines.Scan(); {
		scratch, _ = strings.CutPrefix(lines.Text(), "scratch=")
	}
	if scratch == "" {
		t.Fatalf("the parent ended: %v", parent.Wait())
	}
	if processes(t, scratch) < 2 {
		t.Error("the test looks for the browser in the wrong place")
	}
	_ = parent.Process.Signal(syscall.SIGKILL)
	_, _ = io.Copy(io.Discard, stdout)
	_ = parent.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for processes(t, scratch) > 0 {
		select {
		case <-ctx.Done():
			t.Fatal("the browser outlives the test")
		case <-time.After(50 * time.Millisecond):
		}
	}
	if _, err := os.Stat(scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the browser's profile is left: %v", err)
	}
}

// processes counts those that have the text in their command line.
func processes(t *testing.T, text string) (count int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range lines {
		if content, err := os.ReadFile(name); err == nil && strings.Contains(string(content), text) {
			count++
		}
	}
	return count
}
