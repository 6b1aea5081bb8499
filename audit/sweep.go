package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Purger deletes what is old of one kind of data.
type Purger interface {
	// Kind is a kind that Retention declares.
	Kind() string
	// Purge deletes what ended, or was last used, before that moment, and says
	// how many it deleted, also beside an error. Any number of processes may do
	// it at once.
	Purge(ctx context.Context, olderThan time.Time) (int, error)
}

// Sweeper carries out a Retention.
type Sweeper struct {
	ledger    *Ledger
	retention Retention
	log       *slog.Logger
	purgers   []Purger
}

// SweepEvery is how often a Sweeper should run.
const SweepEvery = time.Hour

// NewSweeper makes a Sweeper; its clock is the ledger's. A nil log discards.
func NewSweeper(ledger *Ledger, r Retention, log *slog.Logger, purgers ...Purger) *Sweeper {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Sweeper{ledger: ledger, retention: r, log: log, purgers: purgers}
}

// Run lets every purger delete what is older than its kind is kept, and says how
// many went, by kind. A purger that fails is logged and does not stop the others;
// the errors are joined. When something went, the ledger is told so: subject
// "retention:run".
func (s *Sweeper) Run(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	total := 0
	var errs []error
	for _, p := range s.purgers {
		kind := p.Kind()
		if s.retention.row(kind) == nil {
			errs = append(errs, fmt.Errorf("audit: %q is no declared kind of data: it is never deleted", kind))
			continue
		}
		age, ok := s.retention.Age(kind)
		if !ok {
			continue
		}
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		n, err := p.Purge(ctx, s.ledger.now().Add(-age))
		counts[kind] += n
		total += n
		if err != nil {
			s.log.Error("old data could not be deleted; it is tried again", "kind", kind, "error", err)
			errs = append(errs, fmt.Errorf("audit: deleting old %s: %w", kind, err))
		}
	}
	if total > 0 {
		errs = append(errs, s.tell(ctx, counts, total))
	}
	return counts, errors.Join(errs...)
}

func (s *Sweeper) tell(ctx context.Context, counts map[string]int, total int) error {
	var kinds []string
	for kind, n := range counts {
		if n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s=%d", kind, n))
		}
	}
	slices.Sort(kinds)
	s.log.Info("old data deleted", "count", total, "kinds", kinds)
	by := content.System("retention")
	by.Via = "schedule"
	return s.ledger.Note(ctx, "retention:run", by, RetentionRan, map[string]string{
		"kind": strings.Join(kinds, " "), "count": strconv.Itoa(total),
	})
}
