package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
)

// readEntry reads the record of an entry.
func readEntry(r *content.Record) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(r.Data, &e); err != nil {
		return e, fmt.Errorf("audit: entry %s: %w", r.ID, err)
	}
	return e, nil
}

// Report says what Verify looked at and what is wrong.
type Report struct {
	Entries, Subjects int
	// Faults are named by subject. Their codes: audit_unreadable, audit_hash
	// (an entry was changed), audit_place (an entry is at another one's place),
	// audit_gap (entries are missing in the middle), audit_chain (an entry does
	// not follow the one before), audit_truncated (entries are missing at the
	// end), audit_head (the record's head is not the last entry's hash),
	// audit_extra (entries beyond the head), audit_no_record (entries of a
	// subject that has no head).
	Faults []content.Fault
	// Digest is one hash over all heads, in the order of the subjects. Noted
	// outside the store, it shows later whether a whole chain was rewritten or
	// removed: chains only grow, so the digest of an older state can be computed
	// again from the entries.
	Digest string
}

func (r *Report) fault(subject, code, format string, arguments ...any) {
	r.Faults = append(r.Faults, content.Fault{Where: subject, Code: code, Note: fmt.Sprintf(format, arguments...)})
}

// chain is how far a subject's entries were followed.
type chain struct {
	number int64
	hash   string
}

// Verify reads the whole ledger and checks every chain. It writes nothing and may
// run beside writers.
func (l *Ledger) Verify(ctx context.Context) (*Report, error) {
	r := &Report{}
	chains := map[string]*chain{}
	err := l.eachRecord(ctx, kindEntry, "", func(rec *content.Record) (bool, error) {
		r.follow(chains, rec)
		return true, nil
	})
	if err != nil {
		return r, err
	}
	ends, err := l.ends(ctx, r, chains)
	if err != nil {
		return r, err
	}
	digest := sha256.New()
	fmt.Fprintln(digest, "prassi audit 1")
	for _, subject := range slices.Sorted(maps.Keys(ends)) {
		end := ends[subject]
		if end == nil {
			end = &head{}
		} else if err := l.verifyEnd(ctx, r, subject, chains[subject], end); err != nil {
			return r, err
		}
		r.Subjects++
		fmt.Fprintln(digest, subject, end.Number, end.Hash)
	}
	r.Digest = hex.EncodeToString(digest.Sum(nil))
	slices.SortStableFunc(r.Faults, func(a, b content.Fault) int { return strings.Compare(a.Where, b.Where) })
	return r, nil
}

// ends gives the heads by subject, nil for a subject that has entries and no
// readable head, which it tells of. It is called after the entries were read:
// a head that is read later is never behind them.
func (l *Ledger) ends(ctx context.Context, r *Report, chains map[string]*chain) (map[string]*head, error) {
	ends := map[string]*head{}
	kinds := map[string]bool{}
	for subject := range chains {
		kind, _, _ := strings.Cut(subject, ":")
		kinds[kind] = true
	}
	noted, err := l.kinds(ctx)
	if err != nil {
		return nil, err
	}
	for _, kind := range noted {
		kinds[kind] = true
	}
	for kind := range kinds {
		err := l.eachRecord(ctx, kind, "", func(rec *content.Record) (bool, error) {
			subject := subjectOf(kind, rec.ID)
			s, err := open(rec)
			switch {
			case err != nil:
				r.fault(subject, "audit_unreadable", "the record with the head")
				ends[subject] = nil
			case s.Audit != nil:
				ends[subject] = s.Audit
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	for subject := range chains {
		if _, known := ends[subject]; !known {
			r.fault(subject, "audit_no_record", "there are entries, and no head")
			ends[subject] = nil
		}
	}
	return ends, nil
}

// follow checks one stored entry against the one before.
func (r *Report) follow(chains map[string]*chain, rec *content.Record) {
	r.Entries++
	subject, number, ok := splitEntryID(rec.ID)
	c := chains[subject]
	if c == nil {
		c = &chain{}
		chains[subject] = c
	}
	if !ok {
		r.fault(subject, "audit_extra", "%q is no place of an entry", rec.ID)
		return
	}
	e, err := readEntry(rec)
	switch {
	case err != nil:
		r.fault(subject, "audit_unreadable", "entry %d", number)
	case e.Subject != subject || e.Number != number:
		r.fault(subject, "audit_place", "at %d is entry %d of %s", number, e.Number, e.Subject)
	case e.ComputeHash() != e.Hash || !bytes.Equal(rec.Data, e.encode()):
		r.fault(subject, "audit_hash", "entry %d was changed", number)
	default:
		r.link(subject, c, &e)
		return
	}
	c.number, c.hash = number, ""
}

// link checks that an entry continues a chain.
func (r *Report) link(subject string, c *chain, e *Entry) {
	switch {
	case e.Number != c.number+1:
		r.fault(subject, "audit_gap", "entry %d follows %d", e.Number, c.number)
	case e.Prev != c.hash && c.hash != "" || c.number == 0 && e.Prev != "":
		r.fault(subject, "audit_chain", "entry %d does not follow entry %d as it is", e.Number, c.number)
	}
	c.number, c.hash = e.Number, e.Hash
}

// verifyEnd holds a chain against its head, which may have grown meanwhile.
func (l *Ledger) verifyEnd(ctx context.Context, r *Report, subject string, c *chain, end *head) error {
	if c == nil {
		c = &chain{}
	}
	if end.Number > c.number {
		if err := l.readOn(ctx, r, subject, c, end.Number); err != nil {
			return err
		}
	}
	for i := range end.Pending {
		e := &end.Pending[i]
		switch {
		case e.Subject != subject || e.Number > end.Number || e.Number <= end.Number-int64(len(end.Pending)):
			r.fault(subject, "audit_place", "entry %d of %s is pending", e.Number, e.Subject)
		case e.ComputeHash() != e.Hash:
			r.fault(subject, "audit_hash", "entry %d, which is pending, was changed", e.Number)
		case e.Number == c.number+1:
			r.Entries++
			r.link(subject, c, e)
		}
	}
	switch {
	case end.Number > c.number:
		r.fault(subject, "audit_truncated", "the head is at %d, the last entry is %d", end.Number, c.number)
	case end.Number < c.number:
		r.fault(subject, "audit_extra", "the head is at %d, there are entries up to %d", end.Number, c.number)
	case end.Hash != c.hash && c.hash != "":
		r.fault(subject, "audit_head", "the head does not have the hash of entry %d", end.Number)
	}
	return nil
}

// readOn follows a chain up to a number: entries that were written meanwhile.
func (l *Ledger) readOn(ctx context.Context, r *Report, subject string, c *chain, last int64) error {
	chains := map[string]*chain{subject: c}
	return l.eachRecord(ctx, kindEntry, entryID(subject, c.number), func(rec *content.Record) (bool, error) {
		if of, number, ok := splitEntryID(rec.ID); !ok || of != subject || number > last {
			return false, nil
		}
		r.follow(chains, rec)
		return true, nil
	})
}
