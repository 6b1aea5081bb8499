package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/prassi-cms/prassi/content"
)

// GetRecord reads a record, or content.ErrNotFound.
func (s *Store) GetRecord(ctx context.Context, kind, id string) (*content.Record, error) {
	r := &content.Record{Kind: kind, ID: id}
	var at int64
	if err := s.read.row(ctx, "SELECT version, at, data FROM records WHERE kind = ? AND id = ?",
		[]any{kind, id}, &r.Version, &at, &r.Data); err != nil {
		return nil, fmt.Errorf("sqlitestore: %s %s: %w", kind, id, err)
	}
	r.At = fromMillis(at)
	return r, nil
}

// PutRecord writes a record by compare-and-swap; r stays as it is.
func (s *Store) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	query := "INSERT INTO records (data, at, version, kind, id) VALUES (?, ?, ? + 1, ?, ?) ON CONFLICT (kind, id) DO NOTHING"
	arguments := []any{append([]byte{}, r.Data...), r.At.UnixMilli(), expect, r.Kind, r.ID}
	if expect > 0 {
		query = "UPDATE records SET data = ?, at = ?, version = ?3 + 1 WHERE kind = ?4 AND id = ?5 AND version = ?3"
	}
	var changed int64
	err := s.change(ctx, func(t *transaction) (err error) {
		changed, err = t.exec("put record", query, arguments...)
		t.pages += int64(len(r.Data)) + 4096
		return err
	})
	if err == nil && changed == 0 {
		err = fmt.Errorf("sqlitestore: %s %s: %w: it is not at version %d", r.Kind, r.ID, content.ErrConflict, expect)
	}
	return err
}

// DeleteRecord removes a record by compare-and-swap.
func (s *Store) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	var refusal error
	err := s.change(ctx, func(t *transaction) error {
		changed, err := t.exec("delete record", "DELETE FROM records WHERE kind = ? AND id = ? AND version = ?", kind, id, expect)
		if err != nil || changed > 0 {
			t.pages += 4096
			return err
		}
		var version int64
		err = t.row("read record", "SELECT version FROM records WHERE kind = ? AND id = ?", []any{kind, id}, &version)
		switch {
		case errors.Is(err, content.ErrNotFound):
			refusal = fmt.Errorf("sqlitestore: %s %s: %w", kind, id, err)
		case err != nil:
			return err
		default:
			refusal = fmt.Errorf("sqlitestore: %s %s: %w: expected %d, stored %d", kind, id, content.ErrConflict, expect, version)
		}
		return nil
	})
	return errors.Join(err, refusal)
}

// ListRecords lists a kind by id, after that id.
func (s *Store) ListRecords(ctx context.Context, kind, after string, n int) ([]*content.Record, error) {
	found, err := list(ctx, s.read, "SELECT id, version, at, data FROM records WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
		[]any{kind, after, limit(n)}, func(rows *sql.Rows) (*content.Record, error) {
			r := &content.Record{Kind: kind}
			var at int64
			err := rows.Scan(&r.ID, &r.Version, &at, &r.Data)
			r.At = fromMillis(at)
			return r, err
		})
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return found, nil
}
