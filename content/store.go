package content

import (
	"context"
	"errors"
	"time"
)

// Errors that every Store returns, wrapped with what they are about.
var (
	// ErrNotFound: nothing is stored under that key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the stored version is not the expected one.
	ErrConflict = errors.New("version conflict")
	// ErrDuplicate: a unique key (document id, slug) is taken by another document.
	ErrDuplicate = errors.New("duplicate key")
)

// Store is the contract of a storage driver. A driver keeps and finds; it knows
// no rule. storetest is the suite every driver passes.
//
// Times are kept in UTC to the millisecond. Strings are ordered by their bytes.
// Every method honours the context. What Apply and PutRecord acknowledge
// survives the death of the process. A limit below one means no limit.
//
// Document.Pending holds the events of a Write and nothing else: a document that
// is read has none.
type Store interface {
	// Get reads a document, or ErrNotFound. Tombstones are returned.
	Get(ctx context.Context, id string) (*Document, error)
	// BySlug reads the document that holds that key of Keys.Slugs, or ErrNotFound.
	BySlug(ctx context.Context, slug string) (*Document, error)
	// Find lists the documents that hold all of q.Terms (at least one), in order.
	Find(ctx context.Context, q Query) ([]*Document, error)
	// Due lists documents whose Keys.Due is set and not after t, earliest first.
	Due(ctx context.Context, t time.Time, limit int) ([]*Document, error)
	// Scan lists all documents with an id greater than after, by id, tombstones
	// included: for rebuilding, verifying and saving.
	Scan(ctx context.Context, after string, limit int) ([]*Document, error)
	// Apply writes. Each Write is atomic by itself, events included; the slice
	// is for speed. The answer has one error per write, nil when it is durable:
	// ErrConflict when the stored version is not Expect or there is no document,
	// ErrDuplicate when an id or slug is taken. After any other error, the
	// context's included, the write may have happened or not, but wholly.
	Apply(ctx context.Context, writes []Write) []error

	// Revision reads one by hash, or ErrNotFound.
	Revision(ctx context.Context, hash string) (*Revision, error)
	// Revisions reads many by hash, in the order asked, nil where there is none.
	RevisionsByHash(ctx context.Context, hashes []string) ([]*Revision, error)
	// History lists a variant's revisions with a number below before (all when
	// before is zero), newest first, strays of lost races included.
	History(ctx context.Context, document, locale string, before, limit int) ([]*Revision, error)

	// Relay moves pending events to the log and says how many. Any number of
	// processes may call it at once; no event is lost or doubled. A driver that
	// writes the log in the same transaction as the document answers zero.
	Relay(ctx context.Context) (int, error)
	// Events lists the log after that sequence number, in order.
	Events(ctx context.Context, after int64, limit int) ([]Event, error)
	// DocumentEvents lists a document's events in the log, newest first, with a
	// sequence number below before (all when zero).
	DocumentEvents(ctx context.Context, document string, before int64, limit int) ([]Event, error)
	// LastSeq gives the log's last sequence number, zero when it is empty.
	LastSeq(ctx context.Context) (int64, error)

	// GetRecord reads a record, or ErrNotFound.
	GetRecord(ctx context.Context, kind, id string) (*Record, error)
	// PutRecord writes by compare-and-swap: expect is the stored Version (zero to
	// insert); the record is stored with expect+1. ErrConflict otherwise.
	PutRecord(ctx context.Context, r *Record, expect int64) error
	// DeleteRecord removes by compare-and-swap; ErrNotFound or ErrConflict.
	DeleteRecord(ctx context.Context, kind, id string, expect int64) error
	// ListRecords lists a kind by id, after that id.
	ListRecords(ctx context.Context, kind, after string, limit int) ([]*Record, error)

	// Ping says whether the engine answers.
	Ping(ctx context.Context) error
	Close() error
}

// Write is one compare-and-swap of a document with the revisions that it newly
// points at. Document.Version is Expect+1; Expect zero inserts.
type Write struct {
	Document  *Document
	Expect    int64
	Revisions []*Revision
}

// Order is the order of a Query.
type Order int

// The orders; ties are broken by id, ascending.
const (
	NewestFirst Order = iota // UpdatedAt, descending
	ByTitle                  // Keys.Title, ascending
)

// Query asks for documents by terms. After is the position of the last document
// already seen; the zero Position starts at the beginning.
type Query struct {
	Terms []string
	Order Order
	After Position
	Limit int
}

// Position is a place in an ordered list.
type Position struct {
	UpdatedAt time.Time
	Title     string
	ID        string
}

// Record is a small thing beside the documents: a token, a grant, a session, a
// consumer's cursor, an import's progress. Data is JSON.
type Record struct {
	Kind    string    `json:"kind" bson:"kind"`
	ID      string    `json:"id" bson:"id"`
	Version int64     `json:"version" bson:"version"`
	Data    []byte    `json:"data" bson:"data"`
	At      time.Time `json:"at" bson:"at"`
}
