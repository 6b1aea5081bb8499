package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/prassi-cms/prassi/content"
)

// move puts a pending entry into its place, and says whether it was the one who
// did.
func (l *Ledger) move(ctx context.Context, e Entry) (bool, error) {
	data := e.encode()
	err := l.records.PutRecord(ctx, &content.Record{Kind: kindEntry, ID: e.id(), Data: data, At: e.At}, 0)
	if !errors.Is(err, content.ErrConflict) {
		return err == nil, err
	}
	r, err := l.records.GetRecord(ctx, kindEntry, e.id())
	if err != nil {
		return false, err
	}
	return false, sameEntry(r, data)
}

// settle sees to it that entries are in their places. Most often they are, so it
// reads before it writes.
func (l *Ledger) settle(ctx context.Context, pending []Entry) error {
	for _, e := range pending {
		r, err := l.records.GetRecord(ctx, kindEntry, e.id())
		switch {
		case err == nil:
			err = sameEntry(r, e.encode())
		case errors.Is(err, content.ErrNotFound):
			_, err = l.move(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sameEntry(r *content.Record, data []byte) error {
	if !bytes.Equal(r.Data, data) {
		return fmt.Errorf("audit: %s: %w: another entry is in its place", r.ID, ErrBroken)
	}
	return nil
}

// Flush moves every entry that still waits inside its record, and says how many
// it moved. Nothing depends on it but that readers of All see the entries of a
// process that died; call it at the start and now and then. A broken chain or
// an unreadable record is told of in the error and holds up no other.
func (l *Ledger) Flush(ctx context.Context) (int, error) {
	moved := 0
	var broken []error
	kinds, err := l.kinds(ctx)
	if err != nil {
		return 0, err
	}
	for _, kind := range kinds {
		err := l.eachRecord(ctx, kind, "", func(r *content.Record) (bool, error) {
			n, err := l.flush(ctx, r)
			moved += n
			if errors.Is(err, ErrBroken) || errors.Is(err, errUnreadable) {
				broken, err = append(broken, err), nil
			}
			return true, err
		})
		if err != nil {
			return moved, err
		}
	}
	return moved, errors.Join(broken...)
}

// flush moves what is pending in one record and takes it out of there.
func (l *Ledger) flush(ctx context.Context, r *content.Record) (int, error) {
	s, err := open(r)
	end := s.head()
	if err != nil || len(end.Pending) == 0 {
		return 0, err
	}
	moved := 0
	for _, e := range end.Pending {
		mine, err := l.move(ctx, e)
		if err != nil {
			return moved, err
		}
		if mine {
			moved++
		}
	}
	end.Pending = nil
	s.Audit = &end
	if err := l.put(ctx, r.Kind, r.ID, s); err != nil && !errors.Is(err, errFaster) {
		return moved, err
	}
	return moved, nil
}

// kinds lists the kinds of records that have chains.
func (l *Ledger) kinds(ctx context.Context) ([]string, error) {
	var kinds []string
	err := l.eachRecord(ctx, kindChains, "", func(r *content.Record) (bool, error) {
		kinds = append(kinds, r.ID)
		return true, nil
	})
	return kinds, err
}

// Entries lists the entries of a subject with a number above after, in order. A
// limit below one means no limit. A subject that nothing is told of has none.
func (l *Ledger) Entries(ctx context.Context, subject string, after int64, limit int) ([]Entry, error) {
	kind, id, err := splitSubject(subject)
	if err != nil {
		return nil, err
	}
	s, err := l.get(ctx, kind, id)
	if err == nil {
		err = l.settle(ctx, s.head().Pending)
	}
	if err != nil && !errors.Is(err, content.ErrNotFound) {
		return nil, err
	}
	var entries []Entry
	err = l.eachRecord(ctx, kindEntry, entryID(subject, max(after, 0)), func(r *content.Record) (bool, error) {
		if of, _, ok := splitEntryID(r.ID); !ok || of != subject {
			return false, nil
		}
		e, err := readEntry(r)
		entries = append(entries, e)
		return len(entries) != limit, err
	})
	return entries, err
}

// All lists the entries of all subjects, each subject's in its order, after a
// place that an earlier call gave ("" begins). next is the place after the last
// one, and empty when there are no more. A limit below one means no limit.
func (l *Ledger) All(ctx context.Context, after string, limit int) (entries []Entry, next string, err error) {
	for e, err := range l.walk(ctx, after) {
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, e)
		if len(entries) == limit {
			return entries, e.id(), nil
		}
	}
	return entries, "", nil
}

// Walk gives all entries as All does, for exports: it moves first what still
// waits, so that none is missing. It ends at the first error.
func (l *Ledger) Walk(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if _, err := l.Flush(ctx); err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, errUnreadable) {
			yield(Entry{}, err)
			return
		}
		l.walk(ctx, "")(yield)
	}
}

func (l *Ledger) walk(ctx context.Context, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		err := l.eachRecord(ctx, kindEntry, after, func(r *content.Record) (bool, error) {
			e, err := readEntry(r)
			return err == nil && yield(e, nil), err
		})
		if err != nil {
			yield(Entry{}, err)
		}
	}
}
