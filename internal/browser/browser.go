// Package browser drives Debian's Chromium in tests, through Playwright, and
// checks pages for accessibility with axe.
//
//	Start ──▶ node driver.mjs ──pipe──▶ chromium (headless, loopback only)
//	  Run: {"script", "args"} ──▶ stdin │ stdout ──▶ {"value"} or {"error"}
//	                                    └──────────▶ {"problem"}: collected
//
// A script is an ES module that says what a person would do:
//
//	b := browser.Start(t, browser.Options{Locale: "it"})
//	var title string
//	b.Run(`export default async ({page, args}) => {
//	  await page.goto(args.url);
//	  await page.getByRole('link', {name: 'Accedi'}).click();
//	  return page.title();
//	}`, map[string]string{"url": server.URL}, &title)
//	b.MustBeAccessible("")
//
// It is given page and context (Playwright's), browser, args, axe(selector) and
// shot(name), which saves a picture. The page stays between the scripts of one
// Browser, and with it cookies and address; another Start is another visitor.
//
// A test fails at its end for each problem that it did not take with Problems:
// an error in the console or on the page, a breach of the Content-Security-Policy,
// a request that wants to leave this machine. It also fails, and never skips,
// when there is no Chromium.
//
// The npm packages are installed once a machine (Install). The child's standard
// input is its life line: it ends with the test, and with the test's process.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

const (
	// startLimit bounds the start of a browser (1 s is usual).
	startLimit = time.Minute
	// runLimit bounds one script.
	runLimit = 2 * time.Minute
	// patience is how long a script waits for one thing on a page.
	patience = 10 * time.Second
	// stopLimit is how long the end may take before the child is killed.
	stopLimit = 15 * time.Second
)

// Options say who visits. The zero value is an Italian on a laptop.
type Options struct {
	Locale              string // BCP 47: Accept-Language and formats; it
	TimeZone            string // IANA; Europe/Rome
	Width, Height       int    // of the window in CSS pixels; 1280 and 800
	Dark                bool   // prefers dark colours
	NoMotion            bool   // prefers no motion
	NoScript            bool   // JavaScript is off: no policy breach is seen but in the console
	TrustAnyCertificate bool   // for a test's own TLS
	// Shots is where pictures go; PRASSI_TEST_SHOTS/NAME-OF-THE-TEST, or else the
	// test's artifact folder.
	Shots string
}

// Problem is something that went wrong where a visitor does not see it.
type Problem struct {
	Kind  string `json:"kind"`  // console, page (an exception), policy (CSP), outside (a request)
	Text  string `json:"text"`  // what the browser says
	Where string `json:"where"` // the address
}

func (p Problem) String() string { return p.Kind + ": " + p.Text + " (" + p.Where + ")" }

// Violation is a success criterion of WCAG 2.2, level A or AA, that a page
// breaks.
type Violation struct {
	ID     string `json:"id"` // axe's rule
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		Target  string `json:"target"` // CSS selector
		HTML    string `json:"html"`
		Summary string `json:"summary"`
	} `json:"nodes"`
}

func (v Violation) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, node := range v.Nodes {
		fmt.Fprintf(&out, "\n\t%s: %s\n\t\t%s", node.Target, node.HTML, strings.ReplaceAll(node.Summary, "\n", "\n\t\t"))
	}
	return out.String()
}

// Browser is one visitor with one window. Its methods are for one goroutine.
type Browser struct {
	tb      testing.TB
	command *exec.Cmd
	stdin   io.WriteCloser
	answers chan answer
	ended   chan struct{}  // closed when the child is gone and reaped
	said    *npmcache.Tail // what it wrote to standard error
	shots   string
	scratch string

	mu       sync.Mutex
	problems []Problem
}

type answer struct {
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

// Start opens a browser that the end of the test closes. When there is none to
// be had the test fails.
func Start(tb testing.TB, opt Options) *Browser {
	tb.Helper()
	b, err := start(tb, opt)
	if err != nil {
		tb.Fatalf("this test needs a browser, and there is none:\n%v\n"+
			"It needs Debian's chromium (apt-get install chromium), Node.js 20 or later and npm; "+
			"`go run ./internal/browser/install` tries the installation alone.", err)
	}
	return b
}

func start(tb testing.TB, opt Options) (*Browser, error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	home, err := Install(tb.Context())
	if err != nil {
		return nil, err
	}
	b := &Browser{tb: tb, answers: make(chan answer, 1), ended: make(chan struct{}), said: new(npmcache.Tail), shots: opt.Shots}
	if folder := os.Getenv("PRASSI_TEST_SHOTS"); b.shots == "" && folder != "" {
		if b.shots, err = filepath.Abs(filepath.Join(folder, strings.ReplaceAll(tb.Name(), "/", "_"))); err != nil {
			return nil, err
		}
	}
	if b.shots == "" {
		b.shots = tb.ArtifactDir()
	}
	if err := os.MkdirAll(b.shots, 0o755); err != nil {
		return nil, err
	}
	// Chromium's profile and everything else that it writes. It has a short name,
	// because there is a socket in it.
	if b.scratch, err = os.MkdirTemp("", "prassi-browser-"); err != nil {
		return nil, err
	}
	tb.Cleanup(func() { os.RemoveAll(b.scratch) })

	settings, err := json.Marshal(map[string]any{
		"chromium": chromium, "shots": b.shots, "scratch": b.scratch,
		"patience": patience.Milliseconds(), "context": opt.context(),
	})
	if err != nil {
		return nil, err
	}
	b.command = exec.Command("node", filepath.Join(home, "driver.mjs"), string(settings))
	b.command.Dir = home
	b.command.Env = append(os.Environ(), "TMPDIR="+b.scratch, "HOME="+b.scratch, "XDG_CONFIG_HOME="+b.scratch,
		"NODE_OPTIONS=", "DISPLAY=", "DBUS_SESSION_BUS_ADDRESS=disabled:")
	b.command.Stderr = b.said
	if b.stdin, err = b.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := b.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start node: %w", err)
	}
	go b.listen(stdout)
	tb.Cleanup(b.finish)
	ctx, cancel := context.WithTimeout(tb.Context(), startLimit)
	defer cancel()
	_, err = b.await(ctx)
	return b, err
}

// context says it in Playwright's words (browser.newContext).
func (opt Options) context() map[string]any {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	width, height := opt.Width, opt.Height
	if width == 0 {
		width = 1280
	}
	if height == 0 {
		height = 800
	}
	c := map[string]any{
		"locale": or(opt.Locale, "it"), "timezoneId": or(opt.TimeZone, "Europe/Rome"),
		"viewport":    map[string]int{"width": width, "height": height},
		"colorScheme": "light", "reducedMotion": "no-preference",
		"javaScriptEnabled": !opt.NoScript, "ignoreHTTPSErrors": opt.TrustAnyCertificate,
	}
	if opt.Dark {
		c["colorScheme"] = "dark"
	}
	if opt.NoMotion {
		c["reducedMotion"] = "reduce"
	}
	return c
}

// listen reads what the child says until it ends.
func (b *Browser) listen(stdout io.Reader) {
	defer close(b.ended)
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var message struct {
			answer
			Problem *Problem `json:"problem"`
		}
		if json.Unmarshal(line, &message) != nil {
			continue // a library that wrote to standard output
		}
		if message.Problem != nil {
			b.mu.Lock()
			b.problems = append(b.problems, *message.Problem)
			b.mu.Unlock()
			continue
		}
		b.answers <- message.answer
	}
	_ = b.command.Wait()
}

// await waits for one answer. When ctx ends first the child is killed: it is of
// no more use.
func (b *Browser) await(ctx context.Context) (json.RawMessage, error) {
	select {
	case a := <-b.answers:
		if a.Error != "" {
			return nil, errors.New(a.Error)
		}
		return a.Value, nil
	case <-b.ended:
		return nil, fmt.Errorf("the browser has ended (%v): %s", b.command.ProcessState, b.said)
	case <-ctx.Done():
		_ = b.command.Process.Kill()
		return nil, fmt.Errorf("no answer in time (%w): %s", ctx.Err(), b.said)
	}
}

// Try runs a script with args (anything that encoding/json takes) and decodes
// what it returns into result unless that is nil. The error is the script's, with
// its stack; the page stays as it is then.
func (b *Browser) Try(script string, args, result any) error {
	line, err := json.Marshal(map[string]any{"script": script, "args": args})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.tb.Context(), runLimit)
	defer cancel()
	if _, err := b.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the browser has ended: %w: %s", err, b.said)
	}
	value, err := b.await(ctx)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(value, result)
}

// Run is Try, and fails the test on an error.
func (b *Browser) Run(script string, args, result any) {
	b.tb.Helper()
	if err := b.Try(script, args, result); err != nil {
		b.tb.Fatal(err)
	}
}

// Violations checks the page, or the part of it that a CSS selector names,
// against WCAG 2.2 levels A and AA, as far as a machine can.
func (b *Browser) Violations(selector string) (found []Violation) {
	b.tb.Helper()
	b.Run(`export default ({axe, args}) => axe(args || undefined)`, selector, &found)
	return found
}

// MustBeAccessible fails the test for each violation.
func (b *Browser) MustBeAccessible(selector string) {
	b.tb.Helper()
	for _, v := range b.Violations(selector) {
		b.tb.Errorf("not accessible: %v", v)
	}
}

// Shot saves a picture of the whole page as NAME.png and returns its path.
func (b *Browser) Shot(name string) string {
	b.tb.Helper()
	b.Run(`export default ({shot, args}) => shot(args)`, name, nil)
	return filepath.Join(b.shots, name+".png")
}

// Problems returns what went wrong since the last call and takes it: the test
// does not fail for it at the end.
func (b *Browser) Problems() []Problem {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.problems
	b.problems = nil
	return taken
}

// finish ends the child and fails the test for the problems that nobody took.
func (b *Browser) finish() {
	_ = b.stdin.Close()
	select {
	case <-b.ended:
	case <-time.After(stopLimit):
		_ = b.command.Process.Kill()
		<-b.ended
		b.tb.Errorf("the browser did not close within %s: %s", stopLimit, b.said)
	}
	for _, problem := range b.Problems() {
		b.tb.Errorf("in the browser: %v", problem)
	}
}
