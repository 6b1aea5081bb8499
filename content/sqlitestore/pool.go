package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/prassi-cms/prassi/content"
)

// preparer is a *sql.DB or a *sql.Conn.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// pool keeps every statement prepared that ran once. The texts come from this
// package only and are few.
type pool struct {
	db         preparer
	mu         sync.RWMutex
	statements map[string]*sql.Stmt
}

func newPool(db preparer) *pool { return &pool{db: db, statements: map[string]*sql.Stmt{}} }

// prepare gives the statement of that text.
func (p *pool) prepare(query string) (*sql.Stmt, error) {
	p.mu.RLock()
	statement := p.statements[query]
	p.mu.RUnlock()
	if statement != nil {
		return statement, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if statement = p.statements[query]; statement != nil {
		return statement, nil
	}
	// It outlives the call that needs it first, so it does not take its context.
	statement, err := p.db.PrepareContext(context.Background(), query)
	if err == nil {
		p.statements[query] = statement
	}
	return statement, err
}

// row reads one row into the pointers, or content.ErrNotFound.
func (p *pool) row(ctx context.Context, query string, arguments []any, into ...any) error {
	statement, err := p.prepare(query)
	if err != nil {
		return err
	}
	err = statement.QueryRowContext(ctx, arguments...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		err = content.ErrNotFound
	}
	return err
}

// texts lists what was prepared so far.
func (p *pool) texts() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var texts []string
	for text := range p.statements {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, statement := range p.statements {
		errs = append(errs, statement.Close())
	}
	clear(p.statements)
	return errors.Join(errs...)
}

// list reads all rows of a query, each by scan.
func list[T any](ctx context.Context, p *pool, query string, arguments []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	statement, err := p.prepare(query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
