package catalog

import (
	"context"
	"log/slog"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/geo"
	"github.com/prassi-cms/prassi/schemas"
)

// Source is the part of content.Store that the catalogue reads.
type Source interface {
	Get(ctx context.Context, id string) (*content.Document, error)
	RevisionsByHash(ctx context.Context, hashes []string) ([]*content.Revision, error)
	Events(ctx context.Context, after int64, limit int) ([]content.Event, error)
	LastSeq(ctx context.Context) (int64, error)
	Scan(ctx context.Context, after string, limit int) ([]*content.Document, error)
}

// Options say where a catalogue lives and what it reads.
type Options struct {
	// Dir is the folder of the segment file; it is made when missing. Each
	// process has its own.
	Dir string
	// Source is the store.
	Source Source
	// Schemas are the declarations; nil means schemas.Default().
	Schemas *schemas.Registry
	// Territories replaces those of Schemas, when municipalities were imported.
	Territories *schemas.Territories
	// Media tells of a file of ours by its id, or returns an error of class NotFound.
	// Without it, items say no more of files than was written in them.
	Media func(ctx context.Context, id string) (Media, error)
	// Clock gives the time, for questions about now; nil means time.Now.
	Clock func() time.Time
	// Logger tells of rebuilds, cut tails and documents that cannot be
	// rendered; nil means silence.
	Logger *slog.Logger
}

// Encoding is a content coding in which an item is stored.
type Encoding uint8

// The encodings, in the order in which they are stored.
const (
	Identity Encoding = iota
	Gzip
	Brotli
	Zstd
	encodings
)

// Token is the name of the coding in HTTP (RFC 9110, section 8.4.1; RFC 7932;
// RFC 8878); empty for Identity.
func (e Encoding) Token() string {
	return [encodings]string{"", "gzip", "br", "zstd"}[e]
}

// Outcome is what a look-up by slug found.
type Outcome uint8

// The outcomes; the zero value is NotFound.
const (
	NotFound Outcome = iota // 404: the catalogue never held it
	Found                   // 200
	Moved                   // 301: the slug is a former one; Answer.To is the address now
	Gone                    // 410: it was public and was withdrawn
)

// Answer is what Get found.
type Answer struct {
	Outcome Outcome
	// Entry is set when Outcome is Found.
	Entry Entry
	// To is a path with query ("/api/v1/practices/slug?locale=it") when Outcome
	// is Moved.
	To string
}

// Query asks for a page of one collection. The zero value of each filter does
// not filter. Values of one filter are alternatives; filters are combined.
type Query struct {
	// Collection is the name in the routes: "practices".
	Collection string
	// Locale asks for variants in one language. Empty: one item per document, in
	// Italian if there is one, then English, then the first by tag.
	Locale string
	// Fallback names the languages to take, in order, for documents that lack
	// Locale. It needs Locale.
	Fallback []string
	// Territory holds province acronyms or ISTAT codes. A territory finds what
	// lies in it: a region its provinces and municipalities.
	Territory []string
	// National adds items that name no territory to those of Territory; without
	// Territory it asks for such items alone.
	National bool
	// Topic holds terms of the taxonomies.
	Topic []string
	// Organization holds slugs or ids of public organisations.
	Organization []string
	// From (included) and To (excluded) bound the day of publication, or the
	// field that the type declares as search.date: an item with a span of days
	// matches when the spans overlap.
	From, To time.Time
	// Q are words that must all be in title or summary, whatever the case and
	// accents; the last may be the beginning of a word. At most MaxWords.
	Q string
	// Near is the centre for RadiusMetres and for the order "distance".
	Near *Point
	// RadiusMetres keeps items with a place at most so far from Near; 0: any.
	RadiusMetres float64
	// BBox keeps items with a place inside.
	BBox *BBox
	// OpenAt keeps items that are open at a moment. OpenNow says that this is the
	// present minute, whatever OpenAt says.
	OpenAt  time.Time
	OpenNow bool
	// OpenOn keeps items that open on a day: "2026-11-28", or the next day of the
	// week "mo" to "su" from today on, in Italy's calendar.
	OpenOn string
	// Assured keeps items whose facts are "current" or "unverified"; of types whose
	// facts age.
	Assured string
	// Filters are values by field name, for choices, booleans, languages,
	// references and "public_state"; see Filterable.
	Filters map[string][]string
	// Sort is one of Sorts; empty: "-published_at".
	Sort string
	// Fields projects each item; see Sparse. Keys that the short form lacks
	// ("html", "fields.body") are read from the long one.
	Fields []string
	// Limit is 1 to MaxLimit; 0 means DefaultLimit.
	Limit int
	// Cursor is Page.Next or Page.Prev of a page of the same query.
	Cursor string

	openDay time.Time // what OpenOn means today
	// wordless: there were nothing but signs in Q, which nothing has.
	wordless bool
}

// Bounds of a Query.
const (
	DefaultLimit = 20
	MaxLimit     = 100
	MaxWords     = 8   // words in Q
	MaxQ         = 200 // characters in Q
	MaxValues    = 20  // alternatives in one filter
)

// Timely reports that the answer changes with the clock, though nobody publishes
// anything: it holds for the present minute, and must not be kept for longer. Of
// days, a date is the same tomorrow; a day of the week is not.
func (q *Query) Timely() bool {
	_, err := time.Parse(time.DateOnly, q.OpenOn)
	return q.OpenNow || q.OpenOn != "" && err != nil
}

// Point is a place on Earth, BBox a bounding box.
type (
	Point = geo.Point
	BBox  = geo.Box
)

// Page is one page of a list.
type Page struct {
	// Entries are the items, in order.
	Entries []Entry
	// Total counts the items of all pages.
	Total int
	// Next and Prev are cursors of the pages beside this one; empty at the ends.
	Next, Prev string
	// Generation is that of the snapshot the page was made from.
	Generation uint64

	fields *projection
	long   bool // the projection needs the long form
}

// Change is one difference in what the public can read. Of several changes of
// one variant only the last is kept.
type Change struct {
	Seq        int64          `json:"seq"`
	Effect     content.Effect `json:"effect"`
	ID         string         `json:"id"`
	Type       string         `json:"type"`
	Collection string         `json:"collection"`
	Locale     string         `json:"locale"`
	Slug       string         `json:"slug"`
	At         time.Time      `json:"at"`
	URL        string         `json:"url"`
}

// Stats are figures for operators.
type Stats struct {
	Items       int            `json:"items"`     // published variants
	Documents   int            `json:"documents"` // documents with a published variant
	Bytes       int64          `json:"bytes"`     // size of the segment file
	Garbage     int64          `json:"garbage"`   // bytes of it that are superseded
	Cursor      int64          `json:"cursor"`    // last event applied
	Lag         int64          `json:"lag"`       // events seen in the log and not applied
	Generation  uint64         `json:"generation"`
	Unrendered  int            `json:"unrendered"`  // live variants left out because they cannot be rendered
	Collections map[string]int `json:"collections"` // published variants by collection
}

// Discrepancy is one difference between catalogue and store.
type Discrepancy struct {
	Document string `json:"document"`
	Locale   string `json:"locale,omitempty"`
	// Code is missing (live, not in the catalogue), surplus (in the catalogue,
	// not live), revision (another revision), bytes (rendered anew it differs),
	// merged (into another document) or damaged (the stored bytes cannot be read).
	Code string `json:"code"`
	Want string `json:"want,omitempty"`
	Got  string `json:"got,omitempty"`
}

// LockedError is returned by Open when another process, or another Catalog of
// this one, writes the folder.
type LockedError struct{ Dir string }

// Error names the folder.
func (e *LockedError) Error() string {
	return "catalog: " + e.Dir + " is in use by another process"
}
