package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// The names of the indexes, for hints.
const (
	byID       = "_id_"
	bySlug     = "slugs"
	byNewest   = "terms_newest"
	byTitle    = "terms_title"
	byDue      = "due"
	byPending  = "pending"
	byHistory  = "history"
	byEvent    = "event"
	byDocument = "document"
	byRecord   = "record"
)

// index describes one index. A partial one holds the documents that have the
// field only: a missing field would count as null, and null is unique too.
type index struct {
	name    string
	keys    bson.D
	unique  bool
	partial string
}

func (s *Store) makeIndexes(ctx context.Context) error {
	for _, group := range []struct {
		collection *mongo.Collection
		indexes    []index
	}{
		{s.documents, []index{
			{name: bySlug, keys: bson.D{{Key: "keys.slugs", Value: 1}}, unique: true, partial: "keys.slugs"},
			{name: byNewest, keys: bson.D{{Key: "keys.terms", Value: 1}, {Key: "updated_at", Value: -1}, {Key: "_id", Value: 1}}},
			{name: byTitle, keys: bson.D{{Key: "keys.terms", Value: 1}, {Key: "keys.title", Value: 1}, {Key: "_id", Value: 1}}},
			{name: byDue, keys: bson.D{{Key: "keys.due", Value: 1}, {Key: "_id", Value: 1}}, partial: "keys.due"},
			{name: byPending, keys: bson.D{{Key: "pending.at", Value: 1}}, partial: "pending.id"},
		}},
		{s.revisions, []index{
			{name: byHistory, keys: bson.D{{Key: "document", Value: 1}, {Key: "locale", Value: 1}, {Key: "number", Value: -1}, {Key: "_id", Value: 1}}},
		}},
		{s.events, []index{
			{name: byEvent, keys: bson.D{{Key: "id", Value: 1}}, unique: true},
			{name: byDocument, keys: bson.D{{Key: "document", Value: 1}, {Key: "_id", Value: -1}}},
		}},
		{s.records, []index{
			{name: byRecord, keys: bson.D{{Key: "kind", Value: 1}, {Key: "id", Value: 1}}, unique: true},
		}},
	} {
		var models []mongo.IndexModel
		for _, i := range group.indexes {
			o := options.Index().SetName(i.name)
			if i.unique {
				o.SetUnique(true)
			}
			if i.partial != "" {
				o.SetPartialFilterExpression(exists(i.partial))
			}
			models = append(models, mongo.IndexModel{Keys: i.keys, Options: o})
		}
		s.step("create indexes of " + group.collection.Name())
		if _, err := group.collection.Indexes().CreateMany(ctx, models); err != nil {
			return failure(ctx, "create indexes of "+group.collection.Name(), err)
		}
	}
	return nil
}

func exists(field string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}}
}
