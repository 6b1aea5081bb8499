package media

import (
	"sync"
	"time"
)

// An Item's files never change, so a reader may know them without asking the
// store each time. The cache holds them briefly: alternative texts do change, and
// another process may remove an item (its files are then gone in any case).
const (
	cacheFor  = 30 * time.Second
	cacheMost = 4096
)

type cache struct {
	mu    sync.Mutex
	items map[string]cached
}

type cached struct {
	item  Item
	until time.Time
}

func newCache() *cache { return &cache{items: map[string]cached{}} }

func (c *cache) get(id string, now time.Time) (Item, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[id]
	return e.item, ok && now.Before(e.until)
}

func (c *cache) put(item Item, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.items) >= cacheMost {
		clear(c.items)
	}
	c.items[item.ID] = cached{item, now.Add(cacheFor)}
}

func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.items, id)
}
