package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Records is the part of a content.Store that the ledger is written in.
type Records interface {
	GetRecord(ctx context.Context, kind, id string) (*content.Record, error)
	PutRecord(ctx context.Context, r *content.Record, expect int64) error
	DeleteRecord(ctx context.Context, kind, id string, expect int64) error
	ListRecords(ctx context.Context, kind, after string, limit int) ([]*content.Record, error)
}

// The ledger's own kinds of records.
const (
	kindEntry  = "audit"        // an Entry
	kindChains = "audit_chains" // says that records of the kind that is its id have chains
	kindTrace  = "trace"        // an address that somebody came from
)

// page is how many records are read at once.
const page = 200

// ErrBroken: an entry that is to be moved to its place finds another one there.
// Somebody has written to the store behind the ledger's back; Verify tells more.
var ErrBroken = errors.New("the audit chain is broken")

// Ledger writes records together with the entries that tell of them. It is safe
// for concurrent use, beside any number of others on the same store.
type Ledger struct {
	records Records
	clock   func() time.Time
	chains  sync.Map // kinds that are noted to have chains
	traces  traceCache
	refused refusals
}

// New makes a Ledger; clock nil means time.Now.
func New(records Records, clock func() time.Time) *Ledger {
	if clock == nil {
		clock = time.Now
	}
	return &Ledger{records: records, clock: clock}
}

// Records gives the records beneath, for small things that need no chain and no
// envelope.
func (l *Ledger) Records() Records { return l.records }

// now is the time as it is stored.
func (l *Ledger) now() time.Time { return l.clock().UTC().Truncate(time.Millisecond) }

// Change reads the record (kind, id), lets do change its value, and writes it
// back by compare-and-swap together with the entry that do names. When somebody
// else was faster it begins again, so do may be called several times: it changes
// v and nothing else, and does not use the ledger.
//
//   - exists is false when there is no value, for the first time or since Drop;
//     v is then the zero value.
//   - An empty action writes the value without an entry, and nothing at all when
//     the value stays the same.
//   - An error from do is returned as it is, and nothing is written.
//
// It returns the value as it was written. After an error of the store the change
// may have happened or not, but always together with its entry; after
// content.ErrConflict (too many colliding writers) it has not.
func Change[T any](ctx context.Context, l *Ledger, kind, id string, by content.Actor, do func(v *T, exists bool) (action string, details map[string]string, err error)) (T, error) {
	var result T
	err := l.swap(ctx, kind, id, by, func(s *stored) (string, map[string]string, error) {
		var v T
		exists := s.Value != nil
		if exists {
			var err error
			if v, err = decode[T](kind, id, *s); err != nil {
				return "", nil, err
			}
		}
		action, details, err := do(&v, exists)
		if err == nil && action != "" && by.Anonymous() {
			err = unauthenticated()
		}
		if err != nil {
			return "", nil, err
		}
		result = v
		s.Value, err = json.Marshal(v)
		return action, details, err
	})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// Read gives the value of a record, or content.ErrNotFound.
func Read[T any](ctx context.Context, l *Ledger, kind, id string) (T, error) {
	s, err := l.get(ctx, kind, id)
	if err != nil {
		var none T
		return none, err
	}
	return decode[T](kind, id, s)
}

// List gives the ids and values of a kind's records, by id, after that id. Fewer
// than limit means that there are no more; a limit below one means no limit.
func List[T any](ctx context.Context, l *Ledger, kind, after string, limit int) (ids []string, values []T, err error) {
	err = l.each(ctx, kind, after, func(id string, s stored) (bool, error) {
		if s.Value == nil {
			return true, nil
		}
		v, err := decode[T](kind, id, s)
		if err != nil {
			return false, err
		}
		ids, values = append(ids, id), append(values, v)
		return len(ids) != limit, nil
	})
	return ids, values, err
}

// Drop takes a record's value away; the end of its chain stays as a tombstone. A
// record that never had a chain, dropped with an empty action, is gone wholly.
// There being no value is content.ErrNotFound.
func Drop(ctx context.Context, l *Ledger, kind, id string, by content.Actor, action string, details map[string]string) error {
	if action != "" && by.Anonymous() {
		return unauthenticated()
	}
	return l.swap(ctx, kind, id, by, func(s *stored) (string, map[string]string, error) {
		if s.Value == nil {
			return "", nil, fmt.Errorf("audit: %s %s: %w", kind, id, content.ErrNotFound)
		}
		s.Value = nil
		return action, details, nil
	})
}

// Note tells of something that changes no record. The subject ("kind:id") may
// have a record or not; its chain begins with the first telling.
//
// This is the one entry that the anonymous actor may cause, and entries stay for
// ever, so strangers may cause strangerBurst at once and one each strangerEvery in
// the long run, by each process. What is beyond is counted, not told, and no
// error; the next entry that is told says how many there were (detail "count").
func (l *Ledger) Note(ctx context.Context, subject string, by content.Actor, action string, details map[string]string) error {
	kind, id, err := splitSubject(subject)
	if err != nil {
		return err
	}
	if action == "" {
		return errors.New("audit: a note needs an action")
	}
	if !by.Anonymous() {
		return l.swap(ctx, kind, id, by, func(*stored) (string, map[string]string, error) { return action, details, nil })
	}
	untold, ok := l.refused.take(l.clock())
	if !ok {
		return nil
	}
	if untold > 0 {
		details = maps.Clone(details)
		if details == nil {
			details = map[string]string{}
		}
		details["count"] = strconv.Itoa(untold)
	}
	err = l.swap(ctx, kind, id, by, func(*stored) (string, map[string]string, error) { return action, details, nil })
	if err != nil {
		l.refused.untell(untold)
	}
	return err
}

func unauthenticated() error {
	return &content.Problem{Class: content.Unauthenticated, Code: "unauthenticated"}
}

// tries is how often a swap begins again; with the pauses between that is some
// seconds of somebody else always being faster.
const tries = 100

// swap is one change of a record and its chain. change gets what is stored, maybe
// several times, alters the value (nil: none) and names the action.
func (l *Ledger) swap(ctx context.Context, kind, id string, by content.Actor, change func(*stored) (string, map[string]string, error)) error {
	if err := checkKey(kind, id); err != nil {
		return err
	}
	for n := range tries {
		err := l.swapOnce(ctx, kind, id, by, change)
		if !errors.Is(err, errFaster) {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
	return fmt.Errorf("audit: %s %s: %w: others were faster %d times", kind, id, content.ErrConflict, tries)
}

// errFaster says that somebody else wrote between reading and writing.
var errFaster = errors.New("somebody else was faster")

// pause waits for a while that grows with n, up to 20 ms, and by chance.
func pause(ctx context.Context, n int) error {
	most := min(20*time.Millisecond, time.Millisecond<<min(n, 10))
	t := time.NewTimer(rand.N(most))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (l *Ledger) swapOnce(ctx context.Context, kind, id string, by content.Actor, change func(*stored) (string, map[string]string, error)) error {
	s, err := l.get(ctx, kind, id)
	if err != nil && !errors.Is(err, content.ErrNotFound) {
		return err
	}
	before := s.Value
	action, details, err := change(&s)
	if err != nil {
		return err
	}
	if action == "" {
		return l.write(ctx, kind, id, s, before)
	}
	end := s.head()
	e, err := l.tell(ctx, subjectOf(kind, id), end, by, action, details)
	if err != nil {
		return err
	}
	// What is pending gives way to the new entry, so it must be in its place.
	if err := l.settle(ctx, end.Pending); err != nil {
		return err
	}
	if err := l.noteChains(ctx, kind); err != nil {
		return err
	}
	s.Audit = &head{Number: e.Number, Hash: e.Hash, Pending: []Entry{e}}
	if err := l.put(ctx, kind, id, s); err != nil {
		return err
	}
	// The change has happened and is told of. Should this fail, the entry waits
	// for the next one who passes.
	_, _ = l.move(ctx, e)
	return nil
}

// write stores a value without an entry.
func (l *Ledger) write(ctx context.Context, kind, id string, s stored, before json.RawMessage) error {
	switch {
	case s.version > 0 && s.Value != nil && bytes.Equal(s.Value, before):
		return nil
	case s.Value == nil && s.Audit == nil:
		err := l.records.DeleteRecord(ctx, kind, id, s.version)
		if errors.Is(err, content.ErrConflict) || errors.Is(err, content.ErrNotFound) {
			return errFaster
		}
		return err
	}
	return l.put(ctx, kind, id, s)
}

// put stores a record over the version that was read, or errFaster.
func (l *Ledger) put(ctx context.Context, kind, id string, s stored) error {
	data, err := json.Marshal(s.envelope)
	if err != nil {
		return err
	}
	err = l.records.PutRecord(ctx, &content.Record{Kind: kind, ID: id, Data: data, At: l.now()}, s.version)
	if errors.Is(err, content.ErrConflict) {
		return errFaster
	}
	return err
}

// get reads a record, or content.ErrNotFound.
func (l *Ledger) get(ctx context.Context, kind, id string) (stored, error) {
	r, err := l.records.GetRecord(ctx, kind, id)
	if err != nil {
		return stored{}, err
	}
	return open(r)
}

// each calls visit with a kind's records until it says false.
func (l *Ledger) each(ctx context.Context, kind, after string, visit func(id string, s stored) (bool, error)) error {
	return l.eachRecord(ctx, kind, after, func(r *content.Record) (bool, error) {
		s, err := open(r)
		if err != nil {
			return false, err
		}
		return visit(r.ID, s)
	})
}

func (l *Ledger) eachRecord(ctx context.Context, kind, after string, visit func(*content.Record) (bool, error)) error {
	for {
		list, err := l.records.ListRecords(ctx, kind, after, page)
		if err != nil {
			return err
		}
		for _, r := range list {
			after = r.ID
			if more, err := visit(r); err != nil || !more {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// noteChains notes that records of that kind have chains, before the first has:
// Flush and Verify look for them by it.
func (l *Ledger) noteChains(ctx context.Context, kind string) error {
	if _, known := l.chains.Load(kind); known {
		return nil
	}
	_, err := l.records.GetRecord(ctx, kindChains, kind)
	if errors.Is(err, content.ErrNotFound) {
		err = l.records.PutRecord(ctx, &content.Record{Kind: kindChains, ID: kind, Data: []byte("{}"), At: l.now()}, 0)
		if errors.Is(err, content.ErrConflict) {
			err = nil
		}
	}
	if err == nil {
		l.chains.Store(kind, true)
	}
	return err
}
