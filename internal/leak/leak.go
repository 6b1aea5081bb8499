// Package leak fails a test run that lets a secret out.
//
//	Secret(s) ──▶ every form of s ─────────────┐
//	Log() ◀── every server that a test starts ─┤ searched when the run
//	os.Stdout, os.Stderr (and passed on) ──────┤ is over ─▶ exit code 1
//	anything shaped like an API token ─────────┘
//
// Two lines wire a package in. Its TestMain hands over to this one:
//
//	func TestMain(m *testing.M) { leak.Main(m) }
//
// (or wraps m, for a TestMain that does more: testscript.Main(leak.Wrap(m), …)),
// and what the tests start logs to it, and what they use is told to it where it
// comes to be:
//
//	server := api.New(api.Options{Logger: leak.Logger(), …})
//	token := leak.Secret(create(t))
//
// slog.Default goes to Log too. A secret may be told after it was logged: the
// search is at the end. It is for what people and machines read later; what a
// test gets as an answer to a request is the test's own to check.
package leak

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
)

// kept is what this process wrote, and what it must not have.
var kept keeper

// Log is where everything that a test starts writes its log. It takes writes of
// several goroutines and shows them to nobody.
func Log() io.Writer { return kept.stream("log") }

// Logger writes all there is to say, Debug included, to Log.
func Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(Log(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Secret tells of a secret that the tests use: a password, a token, a key, a
// cookie's value. It returns s. Secrets of fewer than MinSecret bytes are found
// by accident everywhere, so they are a mistake of the test, which panics.
func Secret(s string) string {
	if len(s) < MinSecret {
		panic(fmt.Sprintf("leak: a secret of %d bytes cannot be told from other text; use %d or more", len(s), MinSecret))
	}
	place := "somewhere"
	if _, file, line, ok := runtime.Caller(1); ok {
		place = fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line)
	}
	kept.add(s, place)
	return s
}

// Runner runs tests, as *testing.M does.
type Runner interface{ Run() int }

// Main runs the tests, searches what they wrote, and ends the process.
func Main(m *testing.M) { os.Exit(Wrap(m).Run()) }

// Wrap is a Runner whose exit code is 1, whatever the tests say, when a secret
// got out. It then prints where, and never the secret.
func Wrap(m Runner) Runner { return &wrapped{m} }

type wrapped struct{ Runner }

func (w *wrapped) Run() (code int) {
	stderr := os.Stderr
	end, err := kept.tee()
	if err != nil {
		fmt.Fprintln(stderr, "leak:", err)
		return 1
	}
	before := slog.Default()
	slog.SetDefault(Logger())
	code = w.Runner.Run()
	slog.SetDefault(before)
	end()
	found := kept.search()
	for _, leak := range found {
		fmt.Fprintln(stderr, "LEAK:", leak)
	}
	if len(found) > 0 {
		fmt.Fprintln(stderr, "FAIL: the tests let a secret out (see internal/leak)")
		return 1
	}
	return code
}
