package duplicates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Records is the part of a content.Store in which it is kept that two are not the
// same.
type Records interface {
	PutRecord(ctx context.Context, r *content.Record, expect int64) error
	ListRecords(ctx context.Context, kind, after string, limit int) ([]*content.Record, error)
}

// recordKind is the kind of the records; their ids are "A+B", the lesser first.
const recordKind = "not_duplicates"

// Dismissal is somebody's word that two are not the same.
type Dismissal struct {
	By      string    `json:"by"` // actor id
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
}

func dismissalID(a, b string) string { return min(a, b) + "+" + max(a, b) }

// Dismiss keeps that two are not the same. Who said so first stays; saying it
// again changes nothing. It returns the store's errors.
func Dismiss(ctx context.Context, records Records, a, b string, d Dismissal) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	err = records.PutRecord(ctx, &content.Record{Kind: recordKind, ID: dismissalID(a, b), Data: data, At: d.At}, 0)
	if errors.Is(err, content.ErrConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("duplicates: %w", err)
	}
	return nil
}

// Dismissed says of which pairs somebody said that they are not the same.
func Dismissed(ctx context.Context, records Records) (func(a, b string) bool, error) {
	list, err := records.ListRecords(ctx, recordKind, "", 0)
	if err != nil {
		return nil, fmt.Errorf("duplicates: %w", err)
	}
	known := make(map[string]bool, len(list))
	for _, r := range list {
		known[r.ID] = true
	}
	return func(a, b string) bool { return known[dismissalID(a, b)] }, nil
}
