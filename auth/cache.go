package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// How long an answer is remembered, so that a busy caller does not ask the store
// each time, and how many are. What another process revokes is felt here when
// the answer is forgotten.
const (
	cacheFor  = 2 * time.Second
	cacheSize = 4096
)

// cache remembers who showed a credential, by its hash. Only what was accepted
// is remembered, so guesses cannot fill it.
type cache struct {
	mu sync.Mutex
	// generation counts what was forgotten: an answer that was being looked up
	// meanwhile is not remembered.
	generation uint64
	entries    map[[sha256.Size]byte]remembered
}

type remembered struct {
	actor content.Actor
	until time.Time
}

// get gives the answer, or the generation with which to put it later.
func (c *cache) get(key [sha256.Size]byte, now time.Time) (actor content.Actor, generation uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok || !now.Before(e.until) {
		return content.Actor{}, c.generation, false
	}
	return e.actor, c.generation, true
}

// put remembers an answer until then, but no longer than cacheFor.
func (c *cache) put(key [sha256.Size]byte, actor content.Actor, now, until time.Time, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return
	}
	if c.entries == nil || len(c.entries) >= cacheSize {
		c.entries = map[[sha256.Size]byte]remembered{}
	}
	c.entries[key] = remembered{actor: actor, until: earlier(until, now.Add(cacheFor))}
}

// forget forgets everything: roles and credentials end seldom, and who may
// follow from one of them is not known here.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.entries)
}
