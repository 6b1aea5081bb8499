package audit

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// trace is what is kept of where somebody acted from.
type trace struct {
	Actor   string `json:"actor,omitempty"`
	Address string `json:"address"`
}

// day is how a trace's id begins, so that traces are stored in the order of
// their days.
const day = "20060102"

// maxTraces is how many traces a process remembers.
const maxTraces = 8192

type traceKey struct{ day, actor, address string }

// traceCache remembers today's traces, so that a busy actor leaves one a day. It
// is per process; after a start, or when it overflowed, there may be another.
type traceCache struct {
	mu  sync.Mutex
	ids map[traceKey]string
	// made counts the traces of each actor on a day.
	day  string
	made map[string]int
}

// Trace notes that the actor (empty: somebody unknown) came from that IP address,
// and gives the trace's id for content.Actor.Trace. It is the same id for the
// same actor and address all day. The id is random: once the trace is forgotten,
// nothing leads from the id to the address. An empty address has no trace, and
// the id ""; nor have, in each process, the addresses of one actor beyond the
// first tracesOfActor of a day.
func (l *Ledger) Trace(ctx context.Context, actor, address string) (string, error) {
	if address == "" {
		return "", nil
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "", errors.New("audit: a trace needs an IP address")
	}
	address = ip.Unmap().WithZone("").String()
	if err := checkText(actor); err != nil {
		return "", fmt.Errorf("audit: a trace's actor %w", err)
	}
	now := l.now()
	key := traceKey{now.Format(day), actor, address}
	c := &l.traces
	id, known := c.find(key)
	if known {
		return id, nil
	}
	id = key.day + "-" + strings.ToLower(rand.Text())
	data, err := json.Marshal(trace{Actor: actor, Address: address})
	if err != nil {
		return "", err
	}
	if err := l.records.PutRecord(ctx, &content.Record{Kind: kindTrace, ID: id, Data: data, At: now}, 0); err != nil {
		return "", err
	}
	c.remember(key, id)
	return id, nil
}

// find gives what is known: the id, or that the actor gets none any more. What is
// not known is counted as made.
func (c *traceCache) find(key traceKey) (id string, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, known = c.ids[key]; known {
		return id, true
	}
	if c.day != key.day {
		c.day, c.made = key.day, map[string]int{}
	}
	if c.made[key.actor] >= tracesOfActor {
		return "", true
	}
	c.made[key.actor]++
	return "", false
}

// remember keeps a trace's id; when there are too many, those of other days go,
// else all.
func (c *traceCache) remember(key traceKey, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ids) >= maxTraces {
		for k := range c.ids {
			if k.day != key.day {
				delete(c.ids, k)
			}
		}
		if len(c.ids) >= maxTraces {
			clear(c.ids)
		}
	}
	if c.ids == nil {
		c.ids = map[traceKey]string{}
	}
	c.ids[key] = id
}

// forget drops what it remembers of some traces.
func (c *traceCache) forget(of func(key traceKey, id string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, id := range c.ids {
		if of(k, id) {
			delete(c.ids, k)
		}
	}
}

// TraceAddress gives the address of a trace, or content.ErrNotFound when there
// is none or it was forgotten.
func (l *Ledger) TraceAddress(ctx context.Context, id string) (string, error) {
	r, err := l.records.GetRecord(ctx, kindTrace, id)
	if err != nil {
		return "", err
	}
	var t trace
	if err := json.Unmarshal(r.Data, &t); err != nil {
		return "", fmt.Errorf("audit: trace %s: %w", id, err)
	}
	return t.Address, nil
}

// ForgetTraces deletes all traces of an actor: a part of erasing a person. Those
// are the ones that were made for the actor, and those of others (a provider's,
// when it was not known yet who came) that the actor's own entries in their own
// chain name. It reads all traces. Another process may go on handing out today's id for up to a
// day, but the id leads nowhere.
func (l *Ledger) ForgetTraces(ctx context.Context, actor string) (int, error) {
	n := 0
	named, err := l.tracesNamedBy(ctx, actor)
	if err != nil {
		return n, err
	}
	l.traces.forget(func(k traceKey, id string) bool { return k.actor == actor || named[id] })
	err = l.eachRecord(ctx, kindTrace, "", func(r *content.Record) (bool, error) {
		var t trace
		if err := json.Unmarshal(r.Data, &t); err != nil {
			return false, fmt.Errorf("audit: trace %s: %w", r.ID, err)
		}
		if t.Actor != actor && !named[r.ID] {
			return true, nil
		}
		return true, l.deleteTrace(ctx, r, &n)
	})
	return n, err
}

// tracesNamedBy gives the ids of the traces that the actor's own entries in the
// actor's own chain name. Who has no chain names none.
func (l *Ledger) tracesNamedBy(ctx context.Context, actor string) (map[string]bool, error) {
	named := map[string]bool{}
	if _, _, err := splitSubject(actor); err != nil {
		return named, nil
	}
	entries, err := l.Entries(ctx, actor, 0, 0)
	for _, e := range entries {
		if e.Actor == actor && e.Trace != "" {
			named[e.Trace] = true
		}
	}
	return named, err
}

func (l *Ledger) deleteTrace(ctx context.Context, r *content.Record, n *int) error {
	err := l.records.DeleteRecord(ctx, kindTrace, r.ID, r.Version)
	if errors.Is(err, content.ErrNotFound) { // somebody else did
		return nil
	}
	if err == nil {
		*n++
	}
	return err
}

// TracePurger gives what deletes old traces: those of days that ended before.
func (l *Ledger) TracePurger() Purger { return tracePurger{l} }

type tracePurger struct{ ledger *Ledger }

func (tracePurger) Kind() string { return "traces" }

func (p tracePurger) Purge(ctx context.Context, olderThan time.Time) (int, error) {
	n := 0
	first := olderThan.UTC().Format(day) // the first day that stays
	p.ledger.traces.forget(func(k traceKey, _ string) bool { return k.day < first })
	err := p.ledger.eachRecord(ctx, kindTrace, "", func(r *content.Record) (bool, error) {
		if r.ID >= first {
			return false, nil
		}
		return true, p.ledger.deleteTrace(ctx, r, &n)
	})
	return n, err
}
