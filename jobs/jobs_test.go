package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/jobs"
)

type fake struct {
	pending, relays, due atomic.Int64
	seen                 atomic.Int64
	fail                 atomic.Bool
	inside               atomic.Int64
	t                    *testing.T
}

func (f *fake) Relay(context.Context) (int, error) {
	f.relays.Add(1)
	return int(f.pending.Swap(0)), nil
}
func (f *fake) RunDue(context.Context) (int, error) { return int(f.due.Swap(0)), nil }
func (f *fake) Name() string                        { return "fake" }
func (f *fake) CatchUp(context.Context) error {
	if f.inside.Add(1) > 1 {
		f.t.Error("two catch-ups at once")
	}
	defer f.inside.Add(-1)
	if f.fail.Load() {
		return errors.New("engine is down")
	}
	f.seen.Add(1)
	return nil
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestRunner(t *testing.T) {
	f, broken := &fake{t: t}, &fake{t: t}
	broken.fail.Store(true)
	ctx, stop := context.WithCancel(context.Background())
	r := jobs.New(f, f, time.Hour, slog.New(slog.DiscardHandler), f, broken) // no polling: only Wake
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	eventually(t, "a first round without being asked", func() bool { return f.seen.Load() >= 1 })

	for range 50 {
		before := f.seen.Load()
		f.pending.Store(3)
		r.Wake()
		eventually(t, "a round after waking", func() bool { return f.pending.Load() == 0 && f.seen.Load() > before })
	}
	// A consumer that failed is asked again once its engine is back.
	broken.fail.Store(false)
	eventually(t, "the broken consumer comes back", func() bool { r.Wake(); return broken.seen.Load() > 0 })

	before := f.seen.Load()
	f.due.Store(1) // the schedule changed something: consumers hear of it
	eventually(t, "a round after the schedule", func() bool { return f.seen.Load() > before })
	stop()
	<-done
}

func TestRunnerPolls(t *testing.T) {
	f := &fake{t: t}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go jobs.New(f, f, time.Millisecond, slog.New(slog.DiscardHandler), f).Run(ctx)
	eventually(t, "polling", func() bool { return f.relays.Load() > 5 && f.seen.Load() > 5 })
}
