package jobs

import (
	"context"
	"math/rand/v2"
	"time"
)

// Every is a task that is done again and again: flushing, sweeping, looking
// whether something was forgotten.
type Every struct {
	// Name is for the log.
	Name string
	// Every is from the end of one turn to the begin of the next; at zero or
	// below the task is done once, at the start.
	Every time.Duration
	// Do is one turn. It is never called twice at once in a process, and must
	// bear being called in several processes at once. An error is logged; the
	// next turn tries again.
	Do func(context.Context) error
}

// maxJitter bounds how long the first turn waits, so that processes which were
// started together do not all begin with the same work.
const maxJitter = 2 * time.Second

// Add gives the Runner tasks. It is called before Run.
func (r *Runner) Add(tasks ...Every) { r.tasks = append(r.tasks, tasks...) }

// repeat does a task until the context ends, and waits for a turn under way.
func (r *Runner) repeat(ctx context.Context, task Every) {
	next := time.NewTimer(0)
	defer next.Stop()
	if most := min(maxJitter, task.Every/10); most > 0 {
		next.Reset(rand.N(most))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if ctx.Err() != nil {
			return
		}
		if err := task.Do(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("a task failed; it is tried again at its next turn", "task", task.Name, "error", err, "every", task.Every)
		}
		if task.Every <= 0 {
			return
		}
		next.Reset(task.Every)
	}
}
