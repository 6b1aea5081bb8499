package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Get reads a document, or content.ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (*content.Document, error) {
	var body []byte
	if err := s.read.row(ctx, "SELECT body FROM documents WHERE id = ?", []any{id}, &body); err != nil {
		return nil, fmt.Errorf("sqlitestore: document %s: %w", id, err)
	}
	return decode[content.Document](body)
}

// BySlug reads the document that holds the slug, or content.ErrNotFound.
func (s *Store) BySlug(ctx context.Context, slug string) (*content.Document, error) {
	var body []byte
	if err := s.read.row(ctx,
		"SELECT d.body FROM slugs s CROSS JOIN documents d ON d.id = s.id WHERE s.slug = ?", []any{slug}, &body); err != nil {
		return nil, fmt.Errorf("sqlitestore: slug %q: %w", slug, err)
	}
	return decode[content.Document](body)
}

// Find lists the documents that hold all of q.Terms, in order. It walks along
// the rarest of the terms and looks the others up.
func (s *Store) Find(ctx context.Context, q content.Query) ([]*content.Document, error) {
	terms := distinct(q.Terms)
	if len(terms) == 0 {
		return nil, errors.New("sqlitestore: a query needs at least one term")
	}
	if len(terms) > 1 {
		if err := s.rarestFirst(ctx, terms); err != nil {
			return nil, fmt.Errorf("sqlitestore: %w", err)
		}
	}
	order, position := "t.newness", any(int64(math.MinInt64))
	switch {
	case q.Order == content.ByTitle:
		order, position = "t.title", q.After.Title
	case q.After.ID != "":
		position = newness(q.After.UpdatedAt)
	}
	arguments := []any{terms[0], position, q.After.ID, limit(q.Limit)}
	var others strings.Builder
	for _, term := range terms[1:] {
		arguments = append(arguments, term)
		fmt.Fprintf(&others, " AND EXISTS (SELECT 1 FROM terms x WHERE x.term = ?%d AND x.newness = t.newness AND x.id = t.id)", len(arguments))
	}
	return s.documents(ctx, "SELECT d.body FROM terms t CROSS JOIN documents d ON d.id = t.id WHERE t.term = ?1 AND ("+
		order+", t.id) > (?2, ?3)"+others.String()+
		" ORDER BY "+order+", t.id LIMIT ?4", arguments)
}

// rarestFirst puts the term with the fewest documents in front. Terms with very
// many are not told apart.
func (s *Store) rarestFirst(ctx context.Context, terms []string) error {
	best, least := 0, math.MaxInt
	for i, term := range terms {
		var count int
		if err := s.read.row(ctx, "SELECT count(*) FROM (SELECT 1 FROM terms WHERE term = ? LIMIT 1000)", []any{term}, &count); err != nil {
			return err
		}
		if count < least {
			best, least = i, count
		}
	}
	terms[0], terms[best] = terms[best], terms[0]
	return nil
}

// Due lists the documents whose time has come, earliest first.
func (s *Store) Due(ctx context.Context, t time.Time, n int) ([]*content.Document, error) {
	return s.documents(ctx, "SELECT body FROM documents WHERE due <= ? ORDER BY due, id LIMIT ?", []any{t.UnixMilli(), limit(n)})
}

// Scan lists all documents by id.
func (s *Store) Scan(ctx context.Context, after string, n int) ([]*content.Document, error) {
	return s.documents(ctx, "SELECT body FROM documents WHERE id > ? ORDER BY id LIMIT ?", []any{after, limit(n)})
}

func (s *Store) documents(ctx context.Context, query string, arguments []any) ([]*content.Document, error) {
	found, err := list(ctx, s.read, query, arguments, scanBody[content.Document])
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return found, nil
}

// scanBody decodes a row whose only column is the JSON body.
func scanBody[T any](rows *sql.Rows) (*T, error) {
	var body sql.RawBytes
	if err := rows.Scan(&body); err != nil {
		return nil, err
	}
	return decode[T](body)
}

// limit gives SQLite's LIMIT, where a negative number means none.
func limit(n int) int {
	if n < 1 {
		return -1
	}
	return n
}
