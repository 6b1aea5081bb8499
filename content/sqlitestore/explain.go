package sqlitestore

import (
	"context"
	"fmt"
	"strings"
)

// Explain gives SQLite's plan (EXPLAIN QUERY PLAN) of every statement that this
// Store has run so far, by its text: for tests and for operators. Statements
// without a plan, such as COMMIT, are left out.
func (s *Store) Explain(ctx context.Context) (map[string]string, error) {
	plans := map[string]string{}
	for _, text := range append(s.read.texts(), s.write.texts()...) {
		switch verb, _, _ := strings.Cut(text, " "); verb {
		case "SELECT", "INSERT", "UPDATE", "DELETE":
		default:
			continue
		}
		statement, err := s.read.db.PrepareContext(ctx, "EXPLAIN QUERY PLAN "+text)
		if err != nil {
			return nil, fmt.Errorf("sqlitestore: %s: %w", text, err)
		}
		// A plan needs no values, but the driver wants them.
		rows, err := statement.QueryContext(ctx, make([]any, strings.Count(text, "?"))...)
		if err != nil {
			return nil, fmt.Errorf("sqlitestore: %s: %w", text, err)
		}
		lines := []string{"(no table read)"}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return nil, fmt.Errorf("sqlitestore: %s: %w", text, err)
			}
			lines = append(lines, detail)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("sqlitestore: %s: %w", text, err)
		}
		_ = rows.Close()
		_ = statement.Close()
		plans[text] = strings.Join(lines, "\n")
	}
	return plans, nil
}

// Settings gives the writer's settings that durability depends on, as SQLite
// reports them.
func (s *Store) Settings(ctx context.Context) (map[string]string, error) {
	settings := map[string]string{}
	err := s.change(ctx, func(t *transaction) error {
		for _, name := range []string{"journal_mode", "synchronous", "wal_autocheckpoint", "busy_timeout", "application_id", "user_version"} {
			var value string
			if err := t.row("read setting", "PRAGMA "+name, nil, &value); err != nil {
				return err
			}
			settings[name] = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return settings, nil
}
