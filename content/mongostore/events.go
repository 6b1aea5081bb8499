package mongostore

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/prassi-cms/prassi/content"
)

const (
	// relayBatch is how many documents a relay takes at a time, logBatch how many
	// events it appends.
	relayBatch = 200
	logBatch   = 1000
	// relayPause bounds the random pause after another relay was faster.
	relayPause = 3 * time.Millisecond
)

// logged is an event in the log; its place there is its key.
type logged struct {
	Place         int64 `bson:"_id"`
	content.Event `bson:",inline"`
}

// waiting is a document as a relay sees it.
type waiting struct {
	ID      string          `bson:"_id"`
	Pending []content.Event `bson:"pending"`
}

// Relay moves pending events to the log, those first that have waited longest,
// and says how many this call has put there. It ends when it has seen all that
// waited when it began.
func (s *Store) Relay(ctx context.Context) (int, error) {
	for total := 0; ; {
		s.step("find pending")
		documents, err := s.waiting(ctx)
		if err != nil {
			return total, err
		}
		var events []content.Event
		for _, d := range documents {
			events = append(events, d.Pending...)
		}
		moved, err := s.log(ctx, events)
		total += moved
		if err == nil {
			err = s.pull(ctx, documents)
		}
		if err != nil || len(documents) < relayBatch {
			return total, err
		}
	}
}

func (s *Store) waiting(ctx context.Context) ([]waiting, error) {
	cursor, err := s.documents.Find(ctx, exists("pending.id"), options.Find().SetHint(byPending).
		SetSort(bson.D{{Key: "pending.at", Value: 1}}).SetLimit(relayBatch).SetProjection(bson.D{{Key: "pending", Value: 1}}))
	if err != nil {
		return nil, failure(ctx, "find pending events", err)
	}
	var documents []waiting
	if err := cursor.All(ctx, &documents); err != nil {
		return nil, failure(ctx, "find pending events", err)
	}
	return documents, nil
}

// log appends the events that are not in the log yet and says how many they
// were. The insert is ordered: it stops at the first event that is there
// already or whose place was taken, so nothing is skipped and no place is left
// empty.
func (s *Store) log(ctx context.Context, events []content.Event) (moved int, err error) {
	for len(events) > 0 {
		s.step("read last place")
		last, err := s.LastSeq(ctx)
		if err != nil {
			return moved, err
		}
		batch := make([]logged, min(len(events), logBatch))
		for i, e := range events[:len(batch)] {
			e.Seq = 0
			batch[i] = logged{Place: last + 1 + int64(i), Event: e}
		}
		s.step("insert events")
		_, err = s.events.InsertMany(ctx, batch, options.InsertMany().SetOrdered(true))
		if err == nil {
			moved += len(batch)
			events = events[len(batch):]
			continue
		}
		var bulk mongo.BulkWriteException
		if !errors.As(err, &bulk) || bulk.WriteConcernError != nil || len(bulk.WriteErrors) != 1 || bulk.WriteErrors[0].Code != duplicateKey {
			return moved, failure(ctx, "append to the log", err)
		}
		moved += bulk.WriteErrors[0].Index
		events = events[bulk.WriteErrors[0].Index:]
		if events, err = s.notLogged(ctx, events); err != nil {
			return moved, err
		}
		select {
		case <-ctx.Done():
			return moved, failure(ctx, "append to the log", ctx.Err())
		case <-time.After(rand.N(relayPause)):
		}
	}
	return moved, nil
}

// notLogged gives the events that are not in the log.
func (s *Store) notLogged(ctx context.Context, events []content.Event) ([]content.Event, error) {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	s.step("find logged")
	cursor, err := s.events.Find(ctx, bson.D{{Key: "id", Value: bson.D{{Key: "$in", Value: ids}}}},
		options.Find().SetHint(byEvent).SetProjection(bson.D{{Key: "id", Value: 1}, {Key: "_id", Value: 0}}))
	if err != nil {
		return nil, failure(ctx, "find logged events", err)
	}
	var found []struct {
		ID string `bson:"id"`
	}
	if err := cursor.All(ctx, &found); err != nil {
		return nil, failure(ctx, "find logged events", err)
	}
	there := map[string]bool{}
	for _, f := range found {
		there[f.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(events), func(e content.Event) bool { return there[e.ID] }), nil
}

// pull takes from the documents the events that were read there, which are in
// the log by now. What came later stays.
func (s *Store) pull(ctx context.Context, documents []waiting) error {
	var models []mongo.WriteModel
	for _, d := range documents {
		var ids []string
		for _, e := range d.Pending {
			ids = append(ids, e.ID)
		}
		models = append(models, mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: d.ID}}).
			SetUpdate(bson.D{{Key: "$pull", Value: bson.D{{Key: "pending", Value: bson.D{{Key: "id", Value: bson.D{{Key: "$in", Value: ids}}}}}}}}))
	}
	if len(models) == 0 {
		return nil
	}
	s.step("pull events")
	_, err := s.documents.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	return failure(ctx, "take logged events from their documents", err)
}

// Events lists the log after that sequence number, in order.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]content.Event, error) {
	return s.logged(ctx, byID, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, 1, limit)
}

// DocumentEvents lists a document's events, newest first.
func (s *Store) DocumentEvents(ctx context.Context, document string, before int64, limit int) ([]content.Event, error) {
	filter := bson.D{{Key: "document", Value: document}}
	if before > 0 {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return s.logged(ctx, byDocument, filter, -1, limit)
}

// LastSeq gives the log's last sequence number, zero when it is empty.
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	last, err := s.logged(ctx, byID, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: 0}}}}, -1, 1)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].Seq, nil
}

func (s *Store) logged(ctx context.Context, index string, filter bson.D, direction, limit int) ([]content.Event, error) {
	found, err := list[logged](ctx, s.events, index, filter, bson.D{{Key: "_id", Value: direction}}, limit)
	if err != nil {
		return nil, err
	}
	events := make([]content.Event, len(found))
	for i, l := range found {
		events[i] = l.Event
		events[i].Seq = l.Place
	}
	return events, nil
}
