package catalog

import (
	"context"
	"io"
	"net/url"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Signatures for those who build on this package while it is written.

type projection struct{}

type Catalog struct{}

func Open(ctx context.Context, opt Options) (*Catalog, error)              { panic("unfinished") }
func (c *Catalog) Close() error                                            { panic("unfinished") }
func (c *Catalog) Apply(ctx context.Context, events []content.Event) error { panic("unfinished") }
func (c *Catalog) CatchUp(ctx context.Context) error                       { panic("unfinished") }
func (c *Catalog) Rebuild(ctx context.Context) error                       { panic("unfinished") }
func (c *Catalog) Cursor() int64                                           { panic("unfinished") }
func (c *Catalog) Generation() uint64                                      { panic("unfinished") }
func (c *Catalog) Stats() Stats                                            { panic("unfinished") }
func (c *Catalog) Verify(ctx context.Context, src Source) ([]Discrepancy, error) {
	panic("unfinished")
}

// Get: locale "" takes the slug's own. Errors none; see Outcome.
func (c *Catalog) Get(collection, slug, locale string) Answer  { panic("unfinished") }
func (c *Catalog) ByID(id, locale string) (Entry, bool)        { panic("unfinished") }
func (c *Catalog) List(q Query) (Page, error)                  { panic("unfinished") }
func (c *Catalog) GeoJSON(q Query, dst []byte) ([]byte, error) { panic("unfinished") }
func (c *Catalog) Changes(since int64, limit int) (changes []Change, next int64) {
	panic("unfinished")
}
func (c *Catalog) ChangesSince(t time.Time, limit int) (changes []Change, next int64) {
	panic("unfinished")
}
func (c *Catalog) Sorts(collection string) []string              { panic("unfinished") }
func (c *Catalog) Filterable(collection string) []*schemas.Field { panic("unfinished") }

// ParseQuery reads the parameters of a list: locale fallback territory topic
// organization from to q near radius bbox sort fields limit cursor national, and
// the type's filterable fields. Problem invalid_filter otherwise.
func (c *Catalog) ParseQuery(collection string, v url.Values) (Query, error) { panic("unfinished") }

// Sparse keeps id, type, slug, locale and the named keys of an item's JSON.
func Sparse(item []byte, fields []string) ([]byte, error) { panic("unfinished") }

// Entry is one published variant as it is served. A zero Entry is empty.
type Entry struct{}

func (e Entry) ID() string              { panic("unfinished") }
func (e Entry) Type() string            { panic("unfinished") }
func (e Entry) Collection() string      { panic("unfinished") }
func (e Entry) Slug() string            { panic("unfinished") }
func (e Entry) Title() string           { panic("unfinished") }
func (e Entry) Locale() string          { panic("unfinished") }
func (e Entry) RequestedLocale() string { panic("unfinished") }
func (e Entry) URL() string             { panic("unfinished") }

// Fallback: another locale than the asked one is served; then only Identity is stored.
func (e Entry) Fallback() bool                          { panic("unfinished") }
func (e Entry) WithRequestedLocale(locale string) Entry { panic("unfinished") }
func (e Entry) PublishedAt() time.Time                  { panic("unfinished") }
func (e Entry) UpdatedAt() time.Time                    { panic("unfinished") }
func (e Entry) LastModified() time.Time                 { panic("unfinished") }
func (e Entry) LastModifiedHTTP() string                { panic("unfinished") }

// Stored says whether bytes in that encoding exist for this entry.
func (e Entry) Stored(enc Encoding) bool                          { panic("unfinished") }
func (e Entry) ETag(enc Encoding) string                          { panic("unfinished") }
func (e Entry) Len(enc Encoding) int                              { panic("unfinished") }
func (e Entry) AppendTo(dst []byte, enc Encoding) ([]byte, error) { panic("unfinished") }
func (e Entry) WriteTo(w io.Writer, enc Encoding) (int64, error)  { panic("unfinished") }
func (e Entry) AppendSummary(dst []byte) []byte                   { panic("unfinished") }

// AppendItems appends the JSON array of the page's items.
func (p *Page) AppendItems(dst []byte) ([]byte, error) { panic("unfinished") }

// ETag is a strong tag over what the page shows, total and cursors included.
func (p *Page) ETag() string { panic("unfinished") }
