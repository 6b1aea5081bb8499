package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/prassi-cms/prassi/content"
)

// Get reads a document, or content.ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (*content.Document, error) {
	return s.document(ctx, "document "+id, bson.D{{Key: "_id", Value: id}})
}

// BySlug reads the document that holds the slug, or content.ErrNotFound.
func (s *Store) BySlug(ctx context.Context, slug string) (*content.Document, error) {
	return s.document(ctx, fmt.Sprintf("slug %q", slug), bson.D{{Key: "keys.slugs", Value: slug}})
}

func (s *Store) document(ctx context.Context, what string, filter bson.D) (*content.Document, error) {
	d, err := one[content.Document](ctx, what, s.documents, filter)
	if err != nil {
		return nil, err
	}
	d.Pending = nil
	return d, nil
}

// Find lists the documents that hold all of q.Terms, in order.
func (s *Store) Find(ctx context.Context, q content.Query) ([]*content.Document, error) {
	terms := slices.Clone(q.Terms)
	slices.Sort(terms)
	terms = slices.Compact(terms)
	if len(terms) == 0 {
		return nil, errors.New("mongostore: a query needs at least one term")
	}
	filter := bson.D{{Key: "keys.terms", Value: bson.D{{Key: "$all", Value: terms}}}}

	index, key, direction, beyond := byNewest, "updated_at", -1, "$lt"
	var place any = q.After.UpdatedAt
	if q.Order == content.ByTitle {
		index, key, direction, beyond = byTitle, "keys.title", 1, "$gt"
		place = q.After.Title
	}
	order := bson.D{{Key: key, Value: direction}, {Key: "_id", Value: 1}}
	if q.After.ID == "" {
		return s.list(ctx, index, filter, order, q.Limit)
	}
	// First the rest of those with the same key, then those beyond it: each is
	// one range of the index, however many share a key.
	same := place
	if same == "" {
		same = nil // an empty title is not stored
	}
	equal := append(slices.Clone(filter), bson.E{Key: key, Value: same}, bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: q.After.ID}}})
	found, err := s.list(ctx, index, equal, order, q.Limit)
	if err != nil || q.Limit > 0 && len(found) == q.Limit {
		return found, err
	}
	rest := 0
	if q.Limit > 0 {
		rest = q.Limit - len(found)
	}
	more, err := s.list(ctx, index, append(filter, bson.E{Key: key, Value: bson.D{{Key: beyond, Value: place}}}), order, rest)
	if err != nil {
		return nil, err
	}
	return append(found, more...), nil
}

// Due lists the documents whose time has come, earliest first.
func (s *Store) Due(ctx context.Context, t time.Time, limit int) ([]*content.Document, error) {
	return s.list(ctx, byDue, bson.D{{Key: "keys.due", Value: bson.D{{Key: "$lte", Value: t}}}},
		bson.D{{Key: "keys.due", Value: 1}, {Key: "_id", Value: 1}}, limit)
}

// Scan lists all documents by id.
func (s *Store) Scan(ctx context.Context, after string, limit int) ([]*content.Document, error) {
	return s.list(ctx, byID, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, bson.D{{Key: "_id", Value: 1}}, limit)
}

func (s *Store) list(ctx context.Context, index string, filter, order bson.D, limit int) ([]*content.Document, error) {
	found, err := list[*content.Document](ctx, s.documents, index, filter, order, limit)
	for _, d := range found {
		d.Pending = nil
	}
	return found, err
}
