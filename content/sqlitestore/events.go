package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"

	"github.com/prassi-cms/prassi/content"
)

// Relay has nothing to do: events are in the log from the moment the document is.
func (s *Store) Relay(ctx context.Context) (int, error) { return 0, ctx.Err() }

// Events lists the log after that sequence number, in order.
func (s *Store) Events(ctx context.Context, after int64, n int) ([]content.Event, error) {
	return s.events(ctx, "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?", after, limit(n))
}

// DocumentEvents lists a document's events, newest first.
func (s *Store) DocumentEvents(ctx context.Context, document string, before int64, n int) ([]content.Event, error) {
	if before < 1 {
		before = math.MaxInt64
	}
	return s.events(ctx, "SELECT seq, body FROM events WHERE document = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
		document, before, limit(n))
}

// LastSeq gives the log's last sequence number, zero when it is empty.
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	var last int64
	if err := s.read.row(ctx, "SELECT coalesce(max(seq), 0) FROM events", nil, &last); err != nil {
		return 0, fmt.Errorf("sqlitestore: %w", err)
	}
	return last, nil
}

func (s *Store) events(ctx context.Context, query string, arguments ...any) ([]content.Event, error) {
	found, err := list(ctx, s.read, query, arguments, func(rows *sql.Rows) (e content.Event, err error) {
		var seq int64
		var body sql.RawBytes
		if err = rows.Scan(&seq, &body); err != nil {
			return e, err
		}
		err = json.Unmarshal(body, &e)
		e.Seq = seq
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return found, nil
}
