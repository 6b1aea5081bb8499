package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/prassi-cms/prassi/content"
)

// Revision reads one by hash, or content.ErrNotFound.
func (s *Store) Revision(ctx context.Context, hash string) (*content.Revision, error) {
	return one[content.Revision](ctx, "revision "+hash, s.revisions, bson.D{{Key: "_id", Value: hash}})
}

// RevisionsByHash reads many, nil where there is none.
func (s *Store) RevisionsByHash(ctx context.Context, hashes []string) ([]*content.Revision, error) {
	if len(hashes) == 0 {
		return nil, ctx.Err()
	}
	unordered, err := list[*content.Revision](ctx, s.revisions, byID,
		bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: hashes}}}}, bson.D{{Key: "_id", Value: 1}}, 0)
	if err != nil {
		return nil, err
	}
	byHash := map[string]*content.Revision{}
	for _, r := range unordered {
		byHash[r.Hash] = r
	}
	found := make([]*content.Revision, len(hashes))
	for i, hash := range hashes {
		found[i] = byHash[hash]
	}
	return found, nil
}

// History lists a variant's revisions, newest first, those of one number by hash.
func (s *Store) History(ctx context.Context, document, locale string, before, limit int) ([]*content.Revision, error) {
	filter := bson.D{{Key: "document", Value: document}, {Key: "locale", Value: locale}}
	if before > 0 {
		filter = append(filter, bson.E{Key: "number", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return list[*content.Revision](ctx, s.revisions, byHistory, filter, bson.D{{Key: "number", Value: -1}, {Key: "_id", Value: 1}}, limit)
}
