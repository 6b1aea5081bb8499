package audit

import (
	"fmt"
	"testing"
)

// What is remembered of traces is bounded, and today's stay longest.
func TestTraceCacheIsBounded(t *testing.T) {
	var c traceCache
	today := func(i int) traceKey { return traceKey{"20260401", "person:a", fmt.Sprint(i)} }
	for i := range maxTraces - 1 {
		c.remember(traceKey{"20260331", "person:a", fmt.Sprint(i)}, "old")
	}
	c.remember(today(0), "new") // full
	c.remember(today(1), "new") // yesterday's go
	if len(c.ids) != 2 || c.ids[today(0)] != "new" {
		t.Errorf("%d are remembered", len(c.ids))
	}
	for i := range 3 * maxTraces {
		c.remember(today(i), "new")
		if len(c.ids) > maxTraces || c.ids[today(i)] != "new" {
			t.Fatalf("%d are remembered after %d", len(c.ids), i)
		}
	}
}
