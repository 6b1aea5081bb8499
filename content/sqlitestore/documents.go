package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
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

// fewDocuments is how many documents of a term are gathered and sorted when they
// are asked for by title. With more it is quicker to walk through all titles
// until a page is full: the more documents a term has, the sooner that is.
const fewDocuments = 1000

// Find lists the documents that hold all of q.Terms, in order. It starts from
// the rarest of the terms and looks the others up.
func (s *Store) Find(ctx context.Context, q content.Query) ([]*content.Document, error) {
	terms := distinct(q.Terms)
	if len(terms) == 0 {
		return nil, errors.New("sqlitestore: a query needs at least one term")
	}
	count := 0
	if len(terms) > 1 || q.Order == content.ByTitle {
		var err error
		if count, err = s.rarestFirst(ctx, terms); err != nil {
			return nil, fmt.Errorf("sqlitestore: %w", err)
		}
	}
	arguments := []any{q.After.Title, q.After.ID, limit(q.Limit)}
	switch {
	case q.Order == content.ByTitle && count >= fewDocuments:
		query, arguments := with("SELECT d.body FROM documents d WHERE (d.title, d.id) > (?1, ?2)", "d", terms, arguments)
		return s.documents(ctx, query+" ORDER BY d.title, d.id LIMIT ?3", arguments)
	case q.Order == content.ByTitle:
		// Sorts the keys and then reads the bodies of one page.
		query, arguments := with(`SELECT d.body FROM (SELECT x.title AS title, x.id AS id
			FROM terms t CROSS JOIN documents x ON x.id = t.id
			WHERE t.term = ?4 AND (x.title, x.id) > (?1, ?2)`, "t", terms[1:], append(arguments, terms[0]))
		return s.documents(ctx, query+` ORDER BY x.title, x.id LIMIT ?3) page
			CROSS JOIN documents d ON d.id = page.id ORDER BY page.title, page.id`, arguments)
	}
	arguments[0] = int64(math.MinInt64)
	if q.After.ID != "" {
		arguments[0] = newness(q.After.UpdatedAt)
	}
	query, arguments := with("SELECT d.body FROM terms t CROSS JOIN documents d ON d.id = t.id WHERE t.term = ?4 AND (t.newness, t.id) > (?1, ?2)",
		"t", terms[1:], append(arguments, terms[0]))
	return s.documents(ctx, query+" ORDER BY t.newness, t.id LIMIT ?3", arguments)
}

// with adds to a query that the row's document holds each of the terms: one look
// at the primary key of the terms table for each.
func with(query, row string, terms []string, arguments []any) (string, []any) {
	for _, term := range terms {
		arguments = append(arguments, term)
		query += fmt.Sprintf(" AND EXISTS (SELECT 1 FROM terms WHERE term = ?%d AND newness = %s.newness AND id = %s.id)",
			len(arguments), row, row)
	}
	return query, arguments
}

// rarestFirst puts the term with the fewest documents in front and gives their
// number. It does not count beyond fewDocuments.
func (s *Store) rarestFirst(ctx context.Context, terms []string) (int, error) {
	best, least := 0, math.MaxInt
	for i, term := range terms {
		var count int
		if err := s.read.row(ctx, "SELECT count(*) FROM (SELECT 1 FROM terms WHERE term = ?1 LIMIT ?2)",
			[]any{term, fewDocuments}, &count); err != nil {
			return 0, err
		}
		if count < least {
			best, least = i, count
		}
	}
	terms[0], terms[best] = terms[best], terms[0]
	return least, nil
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
