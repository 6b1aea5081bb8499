package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/endure"
	"github.com/prassi-cms/prassi/internal/mongoengine"
)

// TestAcknowledgedWritesSurvive kills the real binary while it is written to:
// a few times here, PRASSI_TEST_KILLS times when that is set (the benchmark
// takes 200). On MongoDB the engine is killed too, every second time.
func TestAcknowledgedWritesSurvive(t *testing.T) {
	kills := 6
	if s := os.Getenv("PRASSI_TEST_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	binary := filepath.Join(t.TempDir(), "prassi")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	survive := func(t *testing.T, o endure.Options) {
		o.Binary, o.Kills = binary, kills
		r, err := endure.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range append(r.Lost, r.Unclean...) {
			t.Error(line)
		}
		if r.Acknowledged < kills {
			t.Errorf("only %d writes were acknowledged in %d rounds: nothing was shown", r.Acknowledged, kills)
		}
		t.Logf("%d kills, %d acknowledged writes", r.Kills, r.Acknowledged)
	}
	t.Run("sqlite", func(t *testing.T) {
		data := t.TempDir()
		survive(t, endure.Options{
			Data: data, Store: func() string { return "sqlite" },
			Open: func(ctx context.Context) (content.Store, error) {
				return sqlitestore.Open(ctx, filepath.Join(data, "prassi.db"))
			},
		})
	})
	t.Run("mongodb", func(t *testing.T) {
		folder := t.TempDir()
		engine, err := mongoengine.Command(context.Background(), folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engine.Stop() })
		survive(t, endure.Options{
			Data: t.TempDir(), Store: func() string { return engine.URI() },
			Open: func(ctx context.Context) (content.Store, error) { return mongostore.Open(ctx, engine.URI()) },
			Also: func() error {
				if err := engine.Kill(); err != nil {
					return err
				}
				engine, err = mongoengine.Command(context.Background(), folder)
				return err
			},
		})
	})
}
