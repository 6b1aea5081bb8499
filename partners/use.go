package partners

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

const (
	// kindUse is the kind of the records of use, one a day of Italy's calendar; an
	// id is the day, "2026-11-22".
	kindUse = "widget_use"

	// FlushEvery is how often Flush should be called: the counts of so long are lost
	// when the process dies.
	FlushEvery = time.Minute

	// maxUses bounds what waits to be written: days, widgets and partners.
	maxUses = 20_000
)

// Use is how often a widget was shown on a day.
type Use struct {
	Day     string `json:"day"` // of Italy's calendar
	Partner string `json:"partner,omitempty"`
	Widget  string `json:"widget"`
	Count   int64  `json:"count"`
}

// what is counted apart.
type what struct{ day, partner, widget string }

// uses are the counts that are not written yet. The zero value is ready.
type uses struct {
	mu     sync.Mutex
	counts map[what]int64
}

// Count notes that a widget was shown by a partner, "" when the page names none.
// Both are names that the caller has checked: they are kept.
func (r *Registry) Count(widget, partner string) {
	w := what{r.today(), partner, widget}
	r.uses.mu.Lock()
	defer r.uses.mu.Unlock()
	if r.uses.counts == nil {
		r.uses.counts = map[what]int64{}
	}
	if _, known := r.uses.counts[w]; known || len(r.uses.counts) < maxUses {
		r.uses.counts[w]++
	}
}

// take gives what is to be written and forgets it.
func (u *uses) take() map[what]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.counts
	u.counts = nil
	return out
}

// give puts back what could not be written.
func (u *uses) give(back map[what]int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.counts == nil {
		u.counts = map[what]int64{}
	}
	for w, n := range back {
		u.counts[w] += n
	}
}

// day is a stored day: partner → widget → count.
type day map[string]map[string]int64

// Flush writes what was counted since the last time, adding to what other
// processes have written. After an error the rest waits for the next time; the
// count of one day may then be in twice, when the store wrote and did not say so.
func (r *Registry) Flush(ctx context.Context) error {
	taken := r.uses.take()
	byDay := map[string]map[what]int64{}
	for w, n := range taken {
		if byDay[w.day] == nil {
			byDay[w.day] = map[what]int64{}
		}
		byDay[w.day][w] = n
	}
	var errs []error
	for id, counts := range byDay {
		if err := r.add(ctx, id, counts); err != nil {
			r.uses.give(counts)
			errs = append(errs, fmt.Errorf("partners: the use of %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// add adds counts to a stored day by compare-and-swap.
func (r *Registry) add(ctx context.Context, id string, counts map[what]int64) error {
	const tries = 20
	records := r.ledger.Records()
	for range tries {
		stored, version, err := r.day(ctx, id)
		if err != nil {
			return err
		}
		for w, n := range counts {
			if stored[w.partner] == nil {
				stored[w.partner] = map[string]int64{}
			}
			stored[w.partner][w.widget] += n
		}
		data, err := json.Marshal(stored)
		if err != nil {
			return err
		}
		err = records.PutRecord(ctx, &content.Record{Kind: kindUse, ID: id, Data: data, At: r.now()}, version)
		if !errors.Is(err, content.ErrConflict) {
			return err
		}
	}
	return content.ErrConflict
}

func (r *Registry) day(ctx context.Context, id string) (day, int64, error) {
	record, err := r.ledger.Records().GetRecord(ctx, kindUse, id)
	if errors.Is(err, content.ErrNotFound) {
		return day{}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	d := day{}
	if err := json.Unmarshal(record.Data, &d); err != nil {
		return nil, 0, fmt.Errorf("partners: record %s: %w", id, err)
	}
	return d, record.Version, nil
}

// Usage gives a partner's counts from one day to another, both included, by day
// and widget; what waits in this process is among them.
func (r *Registry) Usage(ctx context.Context, partner, from, to string) ([]Use, error) {
	sum := map[what]int64{}
	err := eachDay(ctx, r.ledger.Records(), func(record *content.Record) (bool, error) {
		if record.ID < from || record.ID > to {
			return record.ID <= to, nil
		}
		var d day
		if err := json.Unmarshal(record.Data, &d); err != nil {
			return false, fmt.Errorf("partners: record %s: %w", record.ID, err)
		}
		for widget, n := range d[partner] {
			sum[what{record.ID, partner, widget}] += n
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	r.uses.mu.Lock()
	for w, n := range r.uses.counts {
		if w.partner == partner && w.day >= from && w.day <= to {
			sum[w] += n
		}
	}
	r.uses.mu.Unlock()
	out := make([]Use, 0, len(sum))
	for w, n := range sum {
		out = append(out, Use{Day: w.day, Partner: w.partner, Widget: w.widget, Count: n})
	}
	slices.SortFunc(out, func(a, b Use) int {
		return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Widget, b.Widget))
	})
	return out, nil
}

func eachDay(ctx context.Context, records audit.Records, visit func(*content.Record) (bool, error)) error {
	const page = 200
	for after := ""; ; {
		list, err := records.ListRecords(ctx, kindUse, after, page)
		if err != nil {
			return err
		}
		for _, record := range list {
			after = record.ID
			if more, err := visit(record); err != nil || !more {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// Purger removes, for retention, the counts of days that are long past.
func Purger(l *audit.Ledger) audit.Purger { return purger{l.Records()} }

type purger struct{ records audit.Records }

func (purger) Kind() string { return kindUse }

func (p purger) Purge(ctx context.Context, olderThan time.Time) (n int, err error) {
	first := dayOf(olderThan)
	err = eachDay(ctx, p.records, func(record *content.Record) (bool, error) {
		if record.ID >= first {
			return false, nil
		}
		err := p.records.DeleteRecord(ctx, kindUse, record.ID, record.Version)
		if err == nil {
			n++
		}
		if errors.Is(err, content.ErrConflict) || errors.Is(err, content.ErrNotFound) {
			err = nil // another process was faster
		}
		return true, err
	})
	return n, err
}
