package publish

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Output carries builds further: a copy in a bucket, another generator's hook, a
// ping. Do is given the newest build that was not done, Before being what was done
// last; it is never called twice at once, and again with growing pauses after an
// error.
type Output struct {
	Name string
	// Settle is how long after the first change of several Do waits for more; what
	// was taken back does not wait. Below zero it is not waited at all.
	Settle time.Duration
	// Packed asks to wait until the build is compressed too.
	Packed bool
	// Resume asks for the present build after a start, in case it was missed.
	Resume bool
	Do     func(ctx context.Context, b Built) error
}

// OutputStatus is how an output goes.
type OutputStatus struct {
	Name string
	// Build is the one that was done last, at At; empty when none was in this process.
	Build string
	At    time.Time
	// Pending says that a newer one waits.
	Pending bool
	// Err is why the last try failed; nil when it did not.
	Err error
}

// lane is an output with what waits for it.
type lane struct {
	out  Output
	log  *slog.Logger
	wake chan struct{}

	mu      sync.Mutex
	waiting *Built    // the newest; nil when none waits
	due     time.Time // when it is done
	packed  bool
	fails   int
	status  OutputStatus
}

func newLane(out Output, log *slog.Logger) *lane {
	if out.Settle == 0 {
		out.Settle = DefaultSettle
	}
	return &lane{out: out, log: log, wake: make(chan struct{}, 1), status: OutputStatus{Name: out.Name}}
}

// offer gives a newer build, in place of one that still waits.
func (l *lane) offer(b Built) {
	l.mu.Lock()
	now, urgent := time.Now(), b.Withdrawn
	if w := l.waiting; w != nil {
		b.Before, b.Withdrawn = w.Before, b.Withdrawn || w.Withdrawn
	} else {
		l.due, l.fails = now.Add(max(0, l.out.Settle)), 0
	}
	if urgent { // whatever failed before may work now
		l.due = now
	}
	l.waiting, l.packed = &b, !l.out.Packed || b.Withdrawn
	l.mu.Unlock()
	wake(l.wake)
}

// ready says that a build is compressed.
func (l *lane) ready(id string) {
	l.mu.Lock()
	if l.waiting != nil && l.waiting.Build.ID() == id {
		l.packed = true
	}
	l.mu.Unlock()
	wake(l.wake)
}

// run does what waits until the context ends.
func (l *lane) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.mu.Lock()
		pause := time.Hour
		if l.waiting != nil && l.packed {
			pause = time.Until(l.due)
		}
		l.mu.Unlock()
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
			continue
		case <-timer.C:
		}
		l.once(ctx)
	}
}

// once does the newest build, if one is due.
func (l *lane) once(ctx context.Context) {
	l.mu.Lock()
	b := l.waiting
	if b == nil || !l.packed || time.Now().Before(l.due) {
		l.mu.Unlock()
		return
	}
	l.waiting = nil
	l.mu.Unlock()
	err := l.out.Do(ctx, *b)

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.Err = err; err == nil {
		l.fails, l.status.Build, l.status.At = 0, b.Build.ID(), time.Now()
		return
	}
	if l.waiting == nil {
		l.waiting = b
	} else { // a newer one came meanwhile
		l.waiting.Before, l.waiting.Withdrawn = b.Before, l.waiting.Withdrawn || b.Withdrawn
	}
	l.packed = true
	pause := min(lastAgain, firstAgain<<min(l.fails, 20))
	l.fails++
	l.due = time.Now().Add(pause)
	if ctx.Err() == nil {
		l.log.Error("a build of the site could not be carried further; it is tried again", "output", l.out.Name, "build", b.Build.ID(), "error", err, "pause", pause)
	}
}

func (l *lane) state() OutputStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.status
	out.Pending = l.waiting != nil
	return out
}
