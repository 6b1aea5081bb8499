package api

import (
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// turns bound what goes on at once of something that costs much: previews,
// exports, uploads. Who comes when all are taken waits a while. Where each is
// bounded too, who has that many already is told to come back, so that one
// caller's hundred photographs leave room for others.
type turns struct {
	all  chan struct{}
	each int           // of one caller; 0 for as many as there are
	wait time.Duration // for one

	mu   sync.Mutex
	held map[string]int // by caller
}

func newTurns(all, each int, wait time.Duration) *turns {
	return &turns{all: make(chan struct{}, all), each: each, wait: wait, held: map[string]int{}}
}

// take waits for a turn of the caller's; release gives it back.
func (t *turns) take(c *call) (release func(), err error) {
	who := c.actor.ID
	if !t.enter(who) {
		const wait = 5
		c.Writer.Header()["Retry-After"] = number(wait)
		return nil, &content.Problem{Class: content.Invalid, Code: codeTooMany, Params: map[string]any{"seconds": int64(wait)}}
	}
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case t.all <- struct{}{}:
		return func() { <-t.all; t.leave(who) }, nil
	case <-timer.C:
		err = &content.Problem{Class: content.Unavailable, Code: codeTooBusy}
	case <-c.ctx().Done():
		err = c.ctx().Err()
	}
	t.leave(who)
	return nil, err
}

// enter counts a caller, unless they have their part already.
func (t *turns) enter(who string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.each > 0 && t.held[who] >= t.each {
		return false
	}
	t.held[who]++
	return true
}

func (t *turns) leave(who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[who]--; t.held[who] <= 0 {
		delete(t.held, who)
	}
}
