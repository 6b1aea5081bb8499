package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

func traces(t *testing.T, s audit.Records) []*content.Record {
	t.Helper()
	list, err := s.ListRecords(t.Context(), "trace", "", 0)
	must(t, err)
	return list
}

func TestTrace(t *testing.T) {
	onEngines(t, func(t *testing.T, open func() content.Store) {
		ctx, s, c := t.Context(), open(), newClock() // half past ten at night, UTC
		l := audit.New(s, c.Now)
		trace := func(actor, address string) string {
			t.Helper()
			id, err := l.Trace(ctx, actor, address)
			must(t, err)
			return id
		}
		first := trace("person:anna", "203.0.113.7")
		for what, id := range map[string]string{
			"again":   trace("person:anna", "203.0.113.7"),
			"in IPv6": trace("person:anna", "::ffff:203.0.113.7"),
		} {
			if id != first {
				t.Errorf("%s: another trace", what)
			}
		}
		for what, id := range map[string]string{
			"address": trace("person:anna", "2001:db8::1"),
			"actor":   trace("", "203.0.113.7"),
		} {
			if id == first || id == "" {
				t.Errorf("another %s has the trace %q", what, id)
			}
		}
		c.Turn(89 * time.Minute)
		if trace("person:anna", "203.0.113.7") != first {
			t.Error("another trace on the same day")
		}
		c.Turn(time.Minute)
		if trace("person:anna", "203.0.113.7") == first {
			t.Error("the same trace on the next day")
		}
		if n := len(traces(t, s)); n != 4 {
			t.Errorf("%d traces, want 4", n)
		}
		if got, err := l.TraceAddress(ctx, first); got != "203.0.113.7" || err != nil {
			t.Errorf("the trace leads to %q, %v", got, err)
		}
		if _, err := l.TraceAddress(ctx, "20260331-none"); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("no trace leads to %v", err)
		}
		if id := trace("person:anna", ""); id != "" {
			t.Errorf("no address has the trace %q", id)
		}
		if _, err := l.Trace(ctx, "person:anna", "host.example.org\r\nX: y"); err == nil || strings.Contains(err.Error(), "example") {
			t.Errorf("an address that is none: %v", err)
		}
		if zone := trace("person:anna", "fe80::1%eth0"); zone == "" {
			t.Error("an address with a zone has no trace")
		} else if got, _ := l.TraceAddress(ctx, zone); got != "fe80::1" {
			t.Errorf("the zone was kept: %s", got)
		}
		// An id says nothing of who and whence.
		if strings.Contains(first, "anna") || strings.Contains(first, "203") && !strings.HasPrefix(first, "2026") {
			t.Errorf("the id is %s", first)
		}
	})
}

// Many at once leave few traces.
func TestTracesAtOnce(t *testing.T) {
	s := sqlite(t)
	l := audit.New(s, newClock().Now)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if _, err := l.Trace(t.Context(), "person:anna", "203.0.113.7"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(traces(t, s)); n > 8 {
		t.Errorf("%d traces of one", n)
	}
}

func TestTracePurger(t *testing.T) {
	ctx, s, c := t.Context(), sqlite(t), newClock()
	l := audit.New(s, c.Now)
	const days = 10
	for range days {
		for i := range 3 {
			_, err := l.Trace(ctx, fmt.Sprintf("person:%d", i), "203.0.113.7")
			must(t, err)
		}
		c.Turn(24 * time.Hour)
	}
	last := c.Now().Add(-24 * time.Hour)
	p := l.TracePurger()
	if p.Kind() != "traces" {
		t.Errorf("it purges %s", p.Kind())
	}
	for _, step := range []struct {
		before     time.Time
		want, left int
	}{
		{last.Add(-20 * 24 * time.Hour), 0, 3 * days},
		{last.Add(-4 * 24 * time.Hour), 3 * 5, 3 * 5}, // the day that began before stays whole
		{last.Add(-4 * 24 * time.Hour), 0, 3 * 5},
		{last, 3 * 4, 3},
		{last.Add(48 * time.Hour), 3, 0},
	} {
		if n, err := p.Purge(ctx, step.before); n != step.want || err != nil {
			t.Errorf("before %s: %d went, want %d: %v", step.before, n, step.want, err)
		}
		if n := len(traces(t, s)); n != step.left {
			t.Errorf("before %s: %d are left, want %d", step.before, n, step.left)
		}
	}
	// What was forgotten begins anew.
	c.Turn(-24 * time.Hour)
	if id, err := l.Trace(ctx, "person:0", "203.0.113.7"); err != nil || len(traces(t, s)) != 1 {
		t.Errorf("a new trace: %s, %v", id, err)
	}
}

// Who comes from very many addresses leaves only so many traces a day.
func TestTracesOfMany(t *testing.T) {
	ctx, s, c := t.Context(), &counting{}, newClock()
	l := audit.New(s, c.Now)
	trace := func(actor string, i int) string {
		t.Helper()
		id, err := l.Trace(ctx, actor, fmt.Sprintf("2001:db8:%x::1", i))
		must(t, err)
		return id
	}
	const many = 20_000 // more than the cache holds
	for i := range many {
		trace("sign_in:refused", i)
	}
	if s.puts < 1000 || s.puts > 3000 {
		t.Errorf("%d traces of %d addresses", s.puts, many)
	}
	if trace("sign_in:refused", many) != "" {
		t.Error("there is one more")
	}
	if trace("person:anna", 1) == "" {
		t.Error("others have none")
	}
	c.Turn(24 * time.Hour)
	if trace("sign_in:refused", many) == "" {
		t.Error("there is none on the next day")
	}
}

// counting is a store that counts what is written.
type counting struct {
	audit.Records
	puts int
}

func (c *counting) PutRecord(context.Context, *content.Record, int64) error {
	c.puts++
	return nil
}
