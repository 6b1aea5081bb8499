package duplicates

import (
	"context"
	"errors"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// recordKind is the kind of the records that keep what is not the same; their ids
// are "A+B", the lesser first.
const recordKind = "not_duplicates"

// Dismissal is somebody's word that two are not the same.
type Dismissal struct {
	By      string    `json:"by"` // actor id
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
}

func dismissalID(a, b string) string { return min(a, b) + "+" + max(a, b) }

// Dismiss keeps that two are not the same, and tells the ledger who said so. Who
// said it first stays; saying it again changes nothing. It returns the errors of
// audit.Change.
func Dismiss(ctx context.Context, ledger *audit.Ledger, a, b string, by content.Actor, d Dismissal) error {
	_, err := audit.Change(ctx, ledger, recordKind, dismissalID(a, b), by, func(v *Dismissal, exists bool) (string, map[string]string, error) {
		if exists {
			return "", nil, nil
		}
		*v = d
		return audit.DuplicateDismissed, nil, nil
	})
	return err
}

// Restore takes a dismissal back; without one it does nothing. It returns the
// errors of audit.Drop.
func Restore(ctx context.Context, ledger *audit.Ledger, a, b string, by content.Actor) error {
	err := audit.Drop(ctx, ledger, recordKind, dismissalID(a, b), by, audit.DuplicateRestored, nil)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	return err
}

// Dismissed gives what somebody said not to be the same, by both ids.
func Dismissed(ctx context.Context, ledger *audit.Ledger) (func(a, b string) (Dismissal, bool), error) {
	ids, list, err := audit.List[Dismissal](ctx, ledger, recordKind, "", 0)
	if err != nil {
		return nil, err
	}
	known := make(map[string]Dismissal, len(list))
	for i, id := range ids {
		known[id] = list[i]
	}
	return func(a, b string) (Dismissal, bool) { d, ok := known[dismissalID(a, b)]; return d, ok }, nil
}
