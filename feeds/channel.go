package feeds

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// MaxContent bounds the text in one document, in bytes of HTML; the items after
// it have their summary alone.
const MaxContent = 2 << 20

// Channel is a feed at one moment, not yet written.
type Channel struct {
	// Query is in its canonical form.
	Query Query
	// Next and Previous are cursors of the pages beside this one; empty at the ends,
	// and of the feed All.
	Next, Previous string

	source  *Source
	entries []catalog.Entry
	tag     string
}

// Find finds a feed. It returns a content.Problem: not_found for a feed that does
// not exist, and what catalog.List answers for a cursor that is none of its own.
func (s *Source) Find(q Query) (*Channel, error) {
	q, err := s.resolve(q, s.Collections())
	if err != nil {
		return nil, err
	}
	if q.Collection == All && q.Cursor != "" {
		return nil, &content.Problem{Class: content.Invalid, Code: "invalid_cursor"}
	}
	c := &Channel{Query: q, source: s}
	parts := []string{s.fingerprint(q)}
	for _, t := range s.types(q.Collection) {
		if f, ok := t.Field("topics"); q.Topic != "" && (!ok || !known(f, q.Topic)) {
			continue
		}
		page, err := s.Catalog.List(q.catalogQuery(t))
		if err != nil {
			return nil, err
		}
		c.entries = append(c.entries, page.Entries...)
		parts = append(parts, page.ETag())
		if q.Collection != All {
			c.Next, c.Previous = page.Next, page.Prev
		}
	}
	if q.Collection == All {
		slices.SortStableFunc(c.entries, func(a, b catalog.Entry) int {
			return cmp.Or(b.PublishedAt().Compare(a.PublishedAt()), cmp.Compare(a.ID(), b.ID()))
		})
		c.entries = c.entries[:min(len(c.entries), MaxItems)]
	}
	c.tag = tagOf(parts...)
	return c, nil
}

// Tag is a strong validator of what the feed says, whatever the format: with the
// format it names the bytes.
func (c *Channel) Tag() string { return c.tag }

// Len is the number of items.
func (c *Channel) Len() int { return len(c.entries) }

// Modified is when the public last saw a difference in the feed's collections, in
// whole seconds; zero when nothing was ever published.
func (c *Channel) Modified() time.Time {
	var newest time.Time
	for _, e := range c.entries {
		if at := e.LastModified(); at.After(newest) {
			newest = at
		}
	}
	return c.source.modified(c.source.types(c.Query.Collection), newest)
}

// Append appends the document. The error is the disk's, or says that feeds have no
// such format.
func (c *Channel) Append(dst []byte, f Format) ([]byte, error) {
	write := map[Format]func([]byte, *view) ([]byte, error){RSS: appendRSS, Atom: appendAtom, JSON: appendJSON}[f]
	if write == nil {
		return dst, fmt.Errorf("feeds: no feed is written in %q", f)
	}
	v, err := c.view(f)
	if err != nil {
		return dst, err
	}
	return write(dst, v)
}

// Feed finds and writes a feed; see Find and Channel.
func (s *Source) Feed(q Query, f Format) (doc []byte, etag string, modified time.Time, err error) {
	c, err := s.Find(q)
	if err != nil {
		return nil, "", modified, err
	}
	doc, err = c.Append(nil, f)
	return doc, tagOf(c.tag, string(f)), c.Modified(), err
}

// view is what the three formats write, each in its way.
type view struct {
	ID, Title, About, Locale, Home, Self, Hub, Site string
	First, Next, Previous                           string // pages; empty when there are none
	Updated                                         time.Time
	Items                                           []*item
}

func (c *Channel) view(f Format) (*view, error) {
	s, q := c.source, c.Query
	base := s.feedsBase()
	v := &view{
		ID: feedID(base, q), Title: s.title(q), Locale: q.Locale, Home: s.home(q), Self: base + q.Path(f), Hub: s.Hub, Site: s.name(q.Locale),
		About: plain(messages.Text(q.Locale, codeAbout, map[string]any{"site": s.name(q.Locale)})),
		// Nothing published yet: any moment will do, but always the same.
		Updated: time.Unix(0, 0).UTC(),
	}
	page := func(cursor string) string {
		q := q
		q.Cursor = cursor
		return base + q.Path(f)
	}
	if s.Paged && (c.Next != "" || c.Previous != "") {
		v.First = page("")
		if c.Next != "" {
			v.Next = page(c.Next)
		}
		if c.Previous != "" {
			v.Previous = page(c.Previous)
		}
	}
	left := MaxContent
	for _, e := range c.entries {
		it, err := s.read(e, true)
		if err != nil {
			return nil, err
		}
		if left -= len(it.Body); left < 0 {
			it.Body, left = "", left+len(it.Body)
		}
		if it.Updated.After(v.Updated) {
			v.Updated = it.Updated
		}
		v.Items = append(v.Items, it)
	}
	return v, nil
}

// known reports whether a choice has a term.
func known(f *schemas.Field, id string) bool { _, ok := f.Term(id); return ok }
