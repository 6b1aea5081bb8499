package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// lane is the record of how far a subscription was served, and by whom it is now.
type lane struct {
	// Cursor is a place in the log: everything up to it was sent, or waits in a
	// record of its own.
	Cursor int64 `json:"cursor"`
	// Owner serves it until Until.
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Pokes counts what others put in: tests and repetitions.
	Pokes int64 `json:"pokes,omitempty"`
	// Spans are parts of the log that are to be sent again.
	Spans []span `json:"spans,omitempty"`
	// What people are shown.
	Waiting      int       `json:"waiting,omitempty"`
	Oldest       time.Time `json:"oldest,omitzero"` // when the first of what is to be sent happened
	LastSuccess  time.Time `json:"last_success,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// span is a part of the log: what happened from From to To, excluded, and lies
// after a place and not behind End.
type span struct {
	After int64     `json:"after"`
	End   int64     `json:"end"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
}

// Bounds of a claim: how long it lasts, and when it is renewed. A request ends
// within what is left.
const (
	lease      = 45 * time.Second
	renewUnder = 25 * time.Second
	// lookAgain is when a lane that another process serves is looked at again, if
	// there is something to send: that process may end before it hears of it.
	lookAgain = time.Second
)

// The pauses after an error of the store, doubled from the first to the last.
const firstRepair, lastRepair = 200 * time.Millisecond, 5 * time.Second

func (h *Hooks) readLane(ctx context.Context, id string) (lane, int64, error) {
	var l lane
	r, err := h.records.GetRecord(ctx, kindLane, id)
	if err != nil {
		return l, 0, err
	}
	if err := json.Unmarshal(r.Data, &l); err != nil {
		return l, 0, fmt.Errorf("webhooks: the lane %s: %w", id, err)
	}
	return l, r.Version, nil
}

// changeLane writes what do makes of a lane; when it says false nothing is
// written. do may be called several times.
func (h *Hooks) changeLane(ctx context.Context, id string, do func(*lane) bool) error {
	for range swaps {
		l, version, err := h.readLane(ctx, id)
		if err != nil && !errors.Is(err, content.ErrNotFound) {
			return err
		}
		if !do(&l) {
			return nil
		}
		data, err := json.Marshal(l)
		if err != nil {
			return err
		}
		err = h.records.PutRecord(ctx, &content.Record{Kind: kindLane, ID: id, Data: data, At: h.now()}, version)
		if !errors.Is(err, content.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("webhooks: the lane %s: %w", id, content.ErrConflict)
}

// Health says how a receiver does.
type Health struct {
	Waiting      int       // deliveries that failed and wait, with those behind them
	LastSuccess  time.Time // zero: never
	FailingSince time.Time // zero: the last attempt was a success
}

// Health reads how the receiver of a subscription does.
func (h *Hooks) Health(ctx context.Context, id string) (Health, error) {
	l, _, err := h.readLane(ctx, id)
	if errors.Is(err, content.ErrNotFound) {
		return Health{}, nil
	}
	if err != nil {
		return Health{}, err
	}
	return Health{Waiting: l.Waiting, LastSuccess: l.LastSuccess, FailingSince: l.FailingSince}, nil
}

// runner serves one lane in this process.
type runner struct {
	h    *Hooks
	id   string
	wake chan struct{}
	gone chan struct{} // closed when the subscription has ended

	mu    sync.Mutex
	sub   *stored
	pokes int64 // lane.Pokes that were looked at
	poked bool  // somebody put something in

	// What follows belongs to the lane's own goroutine.
	pos        int64     // nothing up to here is left to do, here or elsewhere
	due        time.Time // when the first of those that wait is due; zero: none
	pause      time.Time // the receiver is down: not before
	down       int       // different deliveries that failed in a row
	lastFailed string    // the key of the last
	lastPull   time.Time
	slow       bool // the last request took longer than slowAfter
	proven     bool // some request was a success
	opened     bool // the waiting records were read once
}

// learn takes in the subscription as it is stored; true when there may be
// something to do that this process does not know of.
func (r *runner) learn(s *stored, pokes int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.sub == nil || r.sub.State != s.State || r.sub.URL != s.URL || !sameFilter(r.sub.Filter, s.Filter) || pokes > r.pokes
	r.sub, r.pokes = s, max(r.pokes, pokes)
	return changed
}

// looked says that what was put in up to there is about to be read.
func (r *runner) looked(pokes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pokes = max(r.pokes, pokes)
}

func (r *runner) current() *stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sub
}

// signal wakes the lane. It never blocks.
func (r *runner) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// poke wakes the lane and has it look at what waits.
func (r *runner) poke() {
	r.mu.Lock()
	r.poked = true
	r.mu.Unlock()
	r.signal()
}

func (r *runner) takePoke() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.poked
	r.poked = false
	return was
}

// follow serves the lane until the context or the subscription ends.
func (r *runner) follow(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	var pause time.Duration
	for ctx.Err() == nil {
		next, err := r.turn(ctx)
		if err == nil {
			pause = 0
		} else if ctx.Err() == nil {
			pause = min(max(2*pause, firstRepair), lastRepair)
			r.h.logger.Error("a webhook's lane stopped; it goes on soon", "webhook", r.id, "error", err, "pause", pause)
			next = r.h.clock().Add(pause)
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(max(next.Sub(r.h.clock()), time.Millisecond))
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer:
		}
	}
}
