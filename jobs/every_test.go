package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/jobs"
)

// lockedBuffer is a log that several write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestEvery(t *testing.T) {
	f, log := &fake{t: t}, &lockedBuffer{}
	r := jobs.New(f, f, time.Hour, slog.New(slog.NewTextHandler(log, nil)))
	var often, slow, once, broken, inside, never atomic.Int64
	r.Add(
		jobs.Every{Name: "often", Every: time.Millisecond, Do: func(context.Context) error { often.Add(1); return nil }},
		jobs.Every{Name: "slow", Every: time.Microsecond, Do: func(context.Context) error {
			if inside.Add(1) > 1 {
				t.Error("a task was begun twice at once")
			}
			defer inside.Add(-1)
			time.Sleep(3 * time.Millisecond)
			slow.Add(1)
			return nil
		}},
		jobs.Every{Name: "once", Do: func(context.Context) error { once.Add(1); return nil }},
	)
	r.Add(
		jobs.Every{Name: "broken", Every: time.Millisecond, Do: func(context.Context) error {
			if broken.Add(1) <= 2 {
				return errors.New("engine is down")
			}
			return nil
		}},
		jobs.Every{Name: "later", Every: 24 * time.Hour, Do: func(context.Context) error { never.Add(1); return nil }},
	)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	eventually(t, "turn after turn", func() bool {
		return often.Load() > 5 && slow.Load() > 5 && broken.Load() > 5
	})
	eventually(t, "the first turn of a daily task", func() bool { return never.Load() == 1 })
	stop()
	<-done
	if n := once.Load(); n != 1 {
		t.Errorf("a task without a period was done %d times", n)
	}
	if n := never.Load(); n != 1 {
		t.Errorf("a daily task was done %d times", n)
	}
	if n := strings.Count(log.String(), "task=broken"); n != 2 || !strings.Contains(log.String(), "engine is down") {
		t.Errorf("%d of 2 errors were logged:\n%s", n, log)
	}
	turns := often.Load()
	time.Sleep(5 * time.Millisecond)
	if often.Load() != turns {
		t.Error("a task goes on after the end")
	}
}

// The end of the context ends a turn under way, is waited for, and is no error.
func TestEveryEnds(t *testing.T) {
	f, log := &fake{t: t}, &lockedBuffer{}
	r := jobs.New(f, f, time.Hour, slog.New(slog.NewTextHandler(log, nil)))
	begun := make(chan struct{})
	var ended atomic.Bool
	r.Add(jobs.Every{Name: "long", Every: time.Millisecond, Do: func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		time.Sleep(2 * time.Millisecond)
		ended.Store(true)
		return ctx.Err()
	}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	<-begun
	stop()
	<-done
	if !ended.Load() {
		t.Error("a turn under way was not waited for")
	}
	if strings.Contains(log.String(), "task=long") {
		t.Errorf("the end was logged as an error:\n%s", log)
	}
}
