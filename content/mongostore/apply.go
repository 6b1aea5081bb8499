package mongostore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/prassi-cms/prassi/content"
)

// updatesAtOnce is how many updates of one Apply are under way together; the
// server writes their journal entries in one go.
const updatesAtOnce = 8

// duplicateKey is the server's code for a violated unique index.
const duplicateKey = 11000

// optional names the fields of a document that are not stored when empty: an
// update has to remove them.
var optional = func() (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[content.Document]()) {
		if name, rest, _ := strings.Cut(field.Tag.Get("bson"), ","); strings.Contains(rest, "omitempty") && name != "pending" {
			names = append(names, name)
		}
	}
	return names
}()

// pending is one write of an Apply: its place there and what is sent.
type pending struct {
	place  int
	write  content.Write
	insert bson.Raw // of a new document
	update bson.D   // of an existing one
}

// Apply writes revisions in bulk, then new documents in bulk, then the changes
// of existing ones, several at once. Writes of the same document keep their
// order. When the context ends in between, the rest answers its error; a write
// that was on its way then may have happened.
func (s *Store) Apply(ctx context.Context, writes []content.Write) []error {
	errs := make([]error, len(writes))
	var wave []pending
	seen := map[string]bool{}
	flush := func() {
		s.applyWave(ctx, wave, errs)
		wave = nil
		clear(seen)
	}
	for i, w := range writes {
		p := pending{place: i, write: w}
		if err := p.encode(); err != nil {
			errs[i] = fmt.Errorf("mongostore: document %s: %w", w.Document.ID, err)
			continue
		}
		if seen[w.Document.ID] {
			flush()
		}
		seen[w.Document.ID] = true
		wave = append(wave, p)
	}
	flush()
	return errs
}

func (p *pending) encode() error {
	d := *p.write.Document
	if d.Version != p.write.Expect+1 {
		return fmt.Errorf("version %d does not follow %d", d.Version, p.write.Expect)
	}
	events := slices.Clone(d.Pending)
	for i := range events {
		events[i].Seq = 0
	}
	var err error
	if p.write.Expect == 0 {
		d.Pending = events
		p.insert, err = bson.Marshal(&d)
		return err
	}
	d.Pending = nil
	raw, err := bson.Marshal(&d)
	if err != nil {
		return err
	}
	elements, err := bson.Raw(raw).Elements()
	if err != nil {
		return err
	}
	set, unset := bson.D{}, bson.D{}
	stored := map[string]bool{}
	for _, e := range elements {
		if e.Key() != "_id" {
			set = append(set, bson.E{Key: e.Key(), Value: e.Value()})
		}
		stored[e.Key()] = true
	}
	for _, name := range optional {
		if !stored[name] {
			unset = append(unset, bson.E{Key: name, Value: ""})
		}
	}
	p.update = bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		p.update = append(p.update, bson.E{Key: "$unset", Value: unset})
	}
	if len(events) > 0 {
		p.update = append(p.update, bson.E{Key: "$push", Value: bson.D{{Key: "pending", Value: bson.D{{Key: "$each", Value: events}}}}})
	}
	return nil
}

// applyWave makes writes of different documents.
func (s *Store) applyWave(ctx context.Context, wave []pending, errs []error) {
	s.insertRevisions(ctx, wave, errs)
	s.insertDocuments(ctx, wave, errs)
	var workers sync.WaitGroup
	slots := make(chan struct{}, updatesAtOnce)
	for _, p := range wave {
		if errs[p.place] != nil || p.write.Expect == 0 {
			continue
		}
		slots <- struct{}{}
		workers.Go(func() {
			errs[p.place] = s.updateDocument(ctx, p)
			<-slots
		})
	}
	workers.Wait()
}

// insertRevisions stores the revisions of all writes. One that is there already
// is the same: its key is its hash.
func (s *Store) insertRevisions(ctx context.Context, wave []pending, errs []error) {
	var revisions []*content.Revision
	var owners []int
	for _, p := range wave {
		for _, r := range p.write.Revisions {
			revisions = append(revisions, r)
			owners = append(owners, p.place)
		}
	}
	failed := s.insert(ctx, "insert revisions", s.revisions, revisions)
	for i, err := range failed {
		if err != nil && !mongo.IsDuplicateKeyError(err) {
			errs[owners[i]] = failure(ctx, "revision "+revisions[i].Hash, err)
		}
	}
}

func (s *Store) insertDocuments(ctx context.Context, wave []pending, errs []error) {
	var documents []bson.Raw
	var places []pending
	for _, p := range wave {
		if errs[p.place] == nil && p.write.Expect == 0 {
			documents = append(documents, p.insert)
			places = append(places, p)
		}
	}
	for i, err := range s.insert(ctx, "insert documents", s.documents, documents) {
		errs[places[i].place] = failure(ctx, "document "+places[i].write.Document.ID, taken(err))
	}
}

func (s *Store) updateDocument(ctx context.Context, p pending) error {
	what := "document " + p.write.Document.ID
	if err := ctx.Err(); err != nil {
		return failure(ctx, what, err)
	}
	s.step("update document")
	result, err := s.documents.UpdateOne(ctx,
		bson.D{{Key: "_id", Value: p.write.Document.ID}, {Key: "version", Value: p.write.Expect}}, p.update)
	if err == nil && result.MatchedCount == 0 {
		err = fmt.Errorf("%w: it is not at version %d", content.ErrConflict, p.write.Expect)
	}
	return failure(ctx, what, taken(err))
}

// insert inserts many, each by itself, and gives one error for each.
func (s *Store) insert(ctx context.Context, step string, c *mongo.Collection, list any) []error {
	errs := make([]error, reflect.ValueOf(list).Len())
	if len(errs) == 0 {
		return nil
	}
	err := ctx.Err()
	if err == nil {
		s.step(step)
		_, err = c.InsertMany(ctx, list, options.InsertMany().SetOrdered(false))
	}
	var bulk mongo.BulkWriteException
	if err == nil {
		return errs
	}
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil || len(bulk.WriteErrors) == 0 {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	for _, e := range bulk.WriteErrors {
		errs[e.Index] = e
	}
	return errs
}

// taken turns the violation of a unique index into content.ErrDuplicate and
// says which key it was.
func taken(err error) error {
	var failed mongo.WriteError
	var one mongo.WriteException
	var bulk mongo.BulkWriteError
	switch {
	case errors.As(err, &bulk):
		failed = bulk.WriteError
	case errors.As(err, &one) && len(one.WriteErrors) > 0:
		failed = one.WriteErrors[0]
	default:
		return err
	}
	if failed.Code != duplicateKey {
		return err
	}
	if slug, ok := failed.Raw.Lookup("keyValue", "keys.slugs").StringValueOK(); ok {
		return fmt.Errorf("%w: slug %q is taken by another document", content.ErrDuplicate, slug)
	}
	if strings.Contains(failed.Message, "index: "+byID+" ") {
		return fmt.Errorf("%w: the id is taken", content.ErrDuplicate)
	}
	return fmt.Errorf("%w: %s", content.ErrDuplicate, failed.Message)
}
