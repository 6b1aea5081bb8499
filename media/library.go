package media

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gocloud.dev/blob"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// recordKind is the kind of record that an Item is kept as.
const recordKind = "media"

// MaxAlt is the longest default alternative text, in characters.
const MaxAlt = 1000

// Library is the one door to the media. It is safe for concurrent use.
type Library struct {
	bucket *blob.Bucket
	ledger *audit.Ledger
	clock  func() time.Time
	limits Limits
	log    *slog.Logger
	turns  chan struct{} // one for each file that is examined at a time
	seen   *cache
}

// Options are what a Library is told. Bucket and Ledger are needed; the other
// zero values are good for use.
type Options struct {
	Bucket *blob.Bucket
	Ledger *audit.Ledger
	Clock  func() time.Time // time.Now when nil
	Limits Limits
	Log    *slog.Logger // slog.Default when nil
}

// Limits bound what an upload may cost. A zero field takes its default.
type Limits struct {
	Image    int64 // bytes of an uploaded picture; 15 MiB
	Document int64 // bytes of an uploaded document; 30 MiB
	Pixels   int   // of a picture; 40 million
	Side     int   // of a picture, in pixels; 12000
	Decoded  int64 // bytes that a decoder needs for the pixels; 256 MiB
	Entries  int   // in an office document; 4000
	Unpacked int64 // bytes of an office document, or of a PDF's object streams; 256 MiB
	AtOnce   int   // files examined at the same time; one a core
}

func (l Limits) withDefaults() Limits {
	set := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	count := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Image, 15<<20)
	set(&l.Document, 30<<20)
	count(&l.Pixels, 40_000_000)
	count(&l.Side, 12_000)
	set(&l.Decoded, 256<<20)
	count(&l.Entries, 4000)
	set(&l.Unpacked, 256<<20)
	count(&l.AtOnce, runtime.GOMAXPROCS(0))
	return l
}

// Open gives a Library of what the bucket holds.
func Open(opt Options) *Library {
	l := &Library{bucket: opt.Bucket, ledger: opt.Ledger, clock: opt.Clock, limits: opt.Limits.withDefaults(), log: opt.Log, seen: newCache()}
	if l.clock == nil {
		l.clock = time.Now
	}
	if l.log == nil {
		l.log = slog.Default()
	}
	l.turns = make(chan struct{}, l.limits.AtOnce)
	return l
}

// NewItem is what a caller says of an upload.
type NewItem struct {
	Owner string // scope of the organisation it belongs to; empty for the newsroom's
	Name  string // of the file, as the person called it: shown and offered for saving, never trusted
	Alt   string // default alternative text, at most MaxAlt characters
}

// Item is one picture or document with its files.
type Item struct {
	ID     string `json:"id"` // 26 characters of lower-case base32 (RFC 4648), 128 random bits
	Owner  string `json:"owner,omitempty"`
	Person string `json:"person"` // id of the actor who added it
	Name   string `json:"name"`   // safe to show and to save under
	Type   string `json:"type"`   // media type of Files[0]
	Alt    string `json:"alt,omitempty"`
	// Bytes and SHA256 (hex) are those of the upload, by which the same upload
	// is known again. Of a picture the upload itself is gone.
	Bytes     int64     `json:"bytes"`
	SHA256    string    `json:"sha256"`
	Width     int       `json:"width,omitempty"` // of Files[0], in pixels
	Height    int       `json:"height,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// UnusedSince is when the Purger first found that no content uses it.
	UnusedSince time.Time `json:"unused_since,omitzero"`
	// Files are the sizes and formats, the largest first, WebP after its sibling.
	Files []FileInfo `json:"files"`
}

// FileInfo is one stored file. Its address is /media/{id}/{name}.
type FileInfo struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

// Image reports whether the item is a picture.
func (i Item) Image() bool { return strings.HasPrefix(i.Type, "image/") }

func (i Item) file(name string) *FileInfo {
	for n := range i.Files {
		if i.Files[n].Name == name {
			return &i.Files[n]
		}
	}
	return nil
}

// Get reads an item, or the problem not_found.
func (l *Library) Get(ctx context.Context, id string) (Item, error) {
	if !ValidID(id) {
		return Item{}, notFound()
	}
	item, err := audit.Read[Item](ctx, l.ledger, recordKind, id)
	if errors.Is(err, content.ErrNotFound) {
		return Item{}, notFound()
	}
	return item, err
}

// List gives items by id, after that id. A limit below one means no limit.
func (l *Library) List(ctx context.Context, after string, limit int) ([]Item, error) {
	_, items, err := audit.List[Item](ctx, l.ledger, recordKind, after, limit)
	return items, err
}

// SetAlt changes the default alternative text.
func (l *Library) SetAlt(ctx context.Context, by content.Actor, id, alt string) (Item, error) {
	if by.Anonymous() {
		return Item{}, unauthenticated()
	}
	if err := checkAlt(alt); err != nil {
		return Item{}, err
	}
	if !ValidID(id) {
		return Item{}, notFound()
	}
	return audit.Change(ctx, l.ledger, recordKind, id, by, func(v *Item, exists bool) (string, map[string]string, error) {
		if !exists {
			return "", nil, notFound()
		}
		v.Alt = alt
		return audit.MediaChanged, map[string]string{"media": id}, nil
	})
}

// Remove takes an item and its files away, whether content uses it or not.
func (l *Library) Remove(ctx context.Context, by content.Actor, id string) error {
	if by.Anonymous() {
		return unauthenticated()
	}
	item, err := l.Get(ctx, id)
	if err != nil {
		return err
	}
	return l.remove(ctx, by, item, "asked")
}

// remove forgets the record first: a file that cannot be deleted now is one that
// no Item knows, and the Purger tries again.
func (l *Library) remove(ctx context.Context, by content.Actor, item Item, reason string) error {
	err := audit.Drop(ctx, l.ledger, recordKind, item.ID, by, "media_removed", map[string]string{"media": item.ID, "reason": reason})
	if errors.Is(err, content.ErrNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	l.seen.drop(item.ID)
	keys := make([]string, len(item.Files))
	for i, f := range item.Files {
		keys[i] = key(item.ID, f.Name)
	}
	if err := l.deleteFiles(ctx, keys...); err != nil {
		l.log.WarnContext(ctx, "media: files of a removed item stay until the next clean-up", "media", item.ID, "error", err)
	}
	return nil
}

// encoding is that of ids: lower-case, no padding.
var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return encoding.EncodeToString(b[:])
}

// ValidID reports whether s has the form of an Item's id.
func ValidID(s string) bool {
	if len(s) != 26 {
		return false
	}
	b, err := encoding.DecodeString(s)
	return err == nil && encoding.EncodeToString(b) == s // only one spelling of each
}

func checkAlt(s string) error {
	issue := schemas.Issue{Path: "/alt"}
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s):
		issue.Code = schemas.CodeInvalidEncoding
	case n > MaxAlt:
		issue.Code, issue.Params = schemas.CodeTooLong, map[string]any{"max": MaxAlt, "actual": n, "unit": "characters"}
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || isBidi(r) }):
		issue.Code = schemas.CodeControlCharacter
	default:
		return nil
	}
	return &content.Problem{Class: content.Invalid, Code: "invalid_content", Fields: []schemas.Issue{issue}}
}
