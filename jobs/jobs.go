// Package jobs moves what happened to whoever follows it, and makes happen what
// was asked for later.
//
// One Runner a process does four things, over and over, until its context ends:
//
//  1. it relays: Store.Relay moves the events that wait inside documents to the
//     log, where they have one order for everybody;
//  2. it wakes the consumers, each of which reads the log from a cursor of its
//     own and may be stopped, killed or rebuilt without losing anything;
//  3. it fires scheduled transitions that have fallen due;
//  4. it does the tasks that come round by themselves (Every).
//
// A write in this process wakes the Runner at once; writes of other processes
// are found by polling. A consumer that fails is tried again with growing
// pauses and never holds up another.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Relay is what the Runner needs of the store.
type Relay interface {
	Relay(ctx context.Context) (int, error)
}

// Scheduler fires what has fallen due and says how many documents it changed.
type Scheduler interface {
	RunDue(ctx context.Context) (int, error)
}

// Consumer follows the log. CatchUp reads from its own cursor to the end of the
// log; it is idempotent and is never called twice at once.
type Consumer interface {
	Name() string
	CatchUp(ctx context.Context) error
}

// Runner is the loop. Make one with New.
type Runner struct {
	relay     Relay
	scheduler Scheduler
	consumers []Consumer
	tasks     []Every
	poll      time.Duration
	log       *slog.Logger
	wake      chan struct{}
}

// DefaultPoll is how often a Runner looks for the writes of other processes.
const DefaultPoll = 250 * time.Millisecond

// schedulePoll is how often it looks for what has fallen due.
const schedulePoll = time.Second

// New makes a Runner; poll zero means DefaultPoll.
func New(relay Relay, scheduler Scheduler, poll time.Duration, log *slog.Logger, consumers ...Consumer) *Runner {
	if poll <= 0 {
		poll = DefaultPoll
	}
	return &Runner{relay: relay, scheduler: scheduler, consumers: consumers, poll: poll, log: log, wake: make(chan struct{}, 1)}
}

// Wake asks for a round at once. It never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until the context ends, and waits for rounds under way.
func (r *Runner) Run(ctx context.Context) {
	var wg sync.WaitGroup
	follow := make([]chan struct{}, len(r.consumers))
	for i, c := range r.consumers {
		follow[i] = make(chan struct{}, 1)
		wg.Go(func() { r.follow(ctx, c, follow[i]) })
	}
	wg.Go(func() { r.schedule(ctx) })
	for _, task := range r.tasks {
		wg.Go(func() { r.repeat(ctx, task) })
	}
	defer wg.Wait()
	tick := time.NewTicker(r.poll)
	defer tick.Stop()
	for {
		if err := r.relayAll(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("relay failed; it is tried again", "error", err)
		}
		for _, c := range follow {
			select {
			case c <- struct{}{}:
			default: // it is awake already, and reads to the end of the log
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-tick.C:
		}
	}
}

func (r *Runner) relayAll(ctx context.Context) error {
	for {
		n, err := r.relay.Relay(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// follow lets one consumer catch up whenever it is woken.
func (r *Runner) follow(ctx context.Context, c Consumer, woken <-chan struct{}) {
	const longest = 30 * time.Second
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-woken:
		}
		err := c.CatchUp(ctx)
		if err == nil || errors.Is(err, context.Canceled) {
			pause = 0
			continue
		}
		pause = min(longest, max(100*time.Millisecond, 2*pause))
		r.log.Error("consumer failed; it is tried again", "consumer", c.Name(), "error", err, "pause", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (r *Runner) schedule(ctx context.Context) {
	tick := time.NewTicker(schedulePoll)
	defer tick.Stop()
	for {
		n, err := r.scheduler.RunDue(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Error("scheduled steps failed; they are tried again", "error", err)
		}
		if n > 0 {
			r.Wake()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
