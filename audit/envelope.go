package audit

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/prassi-cms/prassi/content"
)

// envelope is how a record with a chain is stored.
type envelope struct {
	// Value is absent in a tombstone.
	Value json.RawMessage `json:"value,omitempty"`
	Audit *head           `json:"audit,omitempty"`
}

// head is the end of a record's chain: the number and hash of its last entry,
// and the entries that may not have been moved yet, which are the last ones.
type head struct {
	Number  int64   `json:"number"`
	Hash    string  `json:"hash"`
	Pending []Entry `json:"pending,omitempty"`
}

// stored is a record as it was read; the zero value is none.
type stored struct {
	envelope
	version int64
}

// head gives the end of the chain; its zero value when there is no chain.
func (s *stored) head() head {
	if s.Audit == nil {
		return head{}
	}
	return *s.Audit
}

var errUnreadable = errors.New("unreadable")

// open reads a record. One that has neither part of an envelope was written
// before there was a ledger: it is the value.
func open(r *content.Record) (stored, error) {
	s := stored{version: r.Version}
	if err := json.Unmarshal(r.Data, &s.envelope); err != nil {
		return s, fmt.Errorf("audit: record %s %s: %w: %w", r.Kind, r.ID, errUnreadable, err)
	}
	if s.Value == nil && s.Audit == nil {
		s.Value = r.Data
	}
	return s, nil
}

// decode reads a value, or content.ErrNotFound from none and from a tombstone.
func decode[T any](kind, id string, s stored) (T, error) {
	var v T
	if s.Value == nil {
		return v, fmt.Errorf("audit: %s %s: %w", kind, id, content.ErrNotFound)
	}
	if err := json.Unmarshal(s.Value, &v); err != nil {
		return v, fmt.Errorf("audit: record %s %s: %w", kind, id, err)
	}
	return v, nil
}
