package sqlitestore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
)

// Revision reads one by hash, or content.ErrNotFound.
func (s *Store) Revision(ctx context.Context, hash string) (*content.Revision, error) {
	var body []byte
	if err := s.read.row(ctx, "SELECT body FROM revisions WHERE hash = ?", []any{hash}, &body); err != nil {
		return nil, fmt.Errorf("sqlitestore: revision %s: %w", hash, err)
	}
	return decode[content.Revision](body)
}

// RevisionsByHash reads many, nil where there is none.
func (s *Store) RevisionsByHash(ctx context.Context, hashes []string) ([]*content.Revision, error) {
	const part = 32 // one text for all statements; the last list is filled up
	query := "SELECT body FROM revisions WHERE hash IN (?" + strings.Repeat(", ?", part-1) + ")"
	byHash := make(map[string]*content.Revision, len(hashes))
	for chunk := range slices.Chunk(hashes, part) {
		arguments := make([]any, part)
		for i := range arguments {
			arguments[i] = chunk[min(i, len(chunk)-1)]
		}
		some, err := list(ctx, s.read, query, arguments, scanBody[content.Revision])
		if err != nil {
			return nil, fmt.Errorf("sqlitestore: %w", err)
		}
		for _, r := range some {
			byHash[r.Hash] = r
		}
	}
	found := make([]*content.Revision, len(hashes))
	for i, hash := range hashes {
		found[i] = byHash[hash]
	}
	return found, ctx.Err()
}

// History lists a variant's revisions, newest first, those of one number by hash.
func (s *Store) History(ctx context.Context, document, locale string, before, n int) ([]*content.Revision, error) {
	if before < 1 {
		before = math.MaxInt
	}
	found, err := list(ctx, s.read, `SELECT body FROM revisions WHERE document = ? AND locale = ? AND number < ?
		ORDER BY number DESC, hash LIMIT ?`, []any{document, locale, before, limit(n)}, scanBody[content.Revision])
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return found, nil
}
