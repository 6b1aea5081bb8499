package audit

import (
	"sync"
	"time"
)

// How much strangers may make a process write: entries (Ledger.Note), and traces
// of one actor in a day, refused strangers together being one (Ledger.Trace).
// Whoever has a whole IPv6 network has more addresses than any rate limit counts.
const (
	strangerBurst = 200
	strangerEvery = time.Minute // about a megabyte a day at most
	tracesOfActor = 2000
)

// refusals bounds the entries that strangers cause, and counts the others.
type refusals struct {
	mu     sync.Mutex
	full   time.Time // when strangerBurst may be told again
	untold int
}

// take asks for one entry. untold is how many were refused since the last one.
func (r *refusals) take(now time.Time) (untold int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := now
	if r.full.After(now) {
		next = r.full
	}
	if next = next.Add(strangerEvery); next.Sub(now) > strangerBurst*strangerEvery {
		r.untold++
		return 0, false
	}
	r.full = next
	untold, r.untold = r.untold, 0
	return untold, true
}

// untell gives a count back that could not be told.
func (r *refusals) untell(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.untold += n
}
