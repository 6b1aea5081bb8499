package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/prassi-cms/prassi/content"
)

// GetRecord reads a record, or content.ErrNotFound.
func (s *Store) GetRecord(ctx context.Context, kind, id string) (*content.Record, error) {
	return one[content.Record](ctx, kind+" "+id, s.records, recordFilter(kind, id))
}

func recordFilter(kind, id string) bson.D {
	return bson.D{{Key: "kind", Value: kind}, {Key: "id", Value: id}}
}

// PutRecord writes a record by compare-and-swap; r stays as it is.
func (s *Store) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next := *r
	next.Version = expect + 1
	var matched int64
	var err error
	s.step("put record")
	if expect == 0 {
		if _, err = s.records.InsertOne(ctx, next); mongo.IsDuplicateKeyError(err) {
			err = nil
		} else {
			matched = 1
		}
	} else {
		var result *mongo.UpdateResult
		result, err = s.records.UpdateOne(ctx, append(recordFilter(r.Kind, r.ID), bson.E{Key: "version", Value: expect}),
			bson.D{{Key: "$set", Value: next}})
		if err == nil {
			matched = result.MatchedCount
		}
	}
	if err == nil && matched == 0 {
		err = fmt.Errorf("%w: it is not at version %d", content.ErrConflict, expect)
	}
	return failure(ctx, r.Kind+" "+r.ID, err)
}

// DeleteRecord removes a record by compare-and-swap.
func (s *Store) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.step("delete record")
	result, err := s.records.DeleteOne(ctx, append(recordFilter(kind, id), bson.E{Key: "version", Value: expect}))
	if err != nil || result.DeletedCount > 0 {
		return failure(ctx, kind+" "+id, err)
	}
	if _, err := s.GetRecord(ctx, kind, id); err != nil {
		return err
	}
	return failure(ctx, kind+" "+id, fmt.Errorf("%w: it is not at version %d", content.ErrConflict, expect))
}

// ListRecords lists a kind by id, after that id.
func (s *Store) ListRecords(ctx context.Context, kind, after string, limit int) ([]*content.Record, error) {
	return list[*content.Record](ctx, s.records, byRecord,
		bson.D{{Key: "kind", Value: kind}, {Key: "id", Value: bson.D{{Key: "$gt", Value: after}}}}, bson.D{{Key: "id", Value: 1}}, limit)
}
