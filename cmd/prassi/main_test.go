package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

func TestMain(m *testing.M) {
	testscript.Main(leak.Wrap(m), map[string]func(){
		"prassi": func() {
			signal.Ignore(syscall.SIGXFSZ) // so that a file that may not grow is a write that fails
			os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// emptyMongo gives the address of an empty database on a real engine.
func emptyMongo(t *testing.T) string {
	t.Helper()
	// The socket's path is escaped in the host, which net/url refuses to read.
	server, options, _ := strings.Cut(mongoengine.Start(t), "/?")
	return server + "/" + mongoengine.DatabaseName() + "?" + options
}

// TestScripts runs the command line as people do. Scripts find both engines:
// $SQLITE is a data folder's store, $MONGO an empty database on a real engine.
func TestScripts(t *testing.T) {
	shared, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PRASSI_LANG", "en")
			e.Setenv("SHARED", shared)
			e.Setenv("MONGO", emptyMongo(t))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			_, err := os.Stat(shared)
			return cond == "shared" && err == nil, nil
		},
	})
}
