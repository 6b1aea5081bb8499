package feeds

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Names of feeds that are no collection.
const (
	All       = "all"       // every collection that has a feed
	Deadlines = "deadlines" // the calendar of what has to be done by when
)

// MaxItems is how many items a document holds: the newest.
const MaxItems = 50

// Format is what a feed is written in, as its address ends.
type Format string

// The formats.
const (
	RSS  Format = "rss"
	Atom Format = "atom"
	JSON Format = "json"
	ICS  Format = "ics"
)

// Formats are those of feeds; calendars are ICS.
var Formats = []Format{RSS, Atom, JSON}

var media = map[Format]string{
	RSS: "application/rss+xml; charset=utf-8", Atom: "application/atom+xml; charset=utf-8",
	JSON: "application/feed+json", ICS: "text/calendar; charset=utf-8",
}

// Media is the media type with its charset; empty for an unknown format.
func (f Format) Media() string { return media[f] }

// Source is what feeds are made of. It is safe for concurrent use and must not
// be changed while it is used.
type Source struct {
	Catalog     *catalog.Catalog
	Schemas     *schemas.Registry
	Territories *schemas.Territories // nil: those of Schemas
	// Base is the public address of the site ("https://integrazione.example"),
	// without a slash at its end. Without it addresses are relative, which only
	// Atom allows.
	Base string
	// Feeds is where the feeds themselves are found, MediaBase where files are;
	// both are Base when empty.
	Feeds, MediaBase string
	// Name of the site; "Prassi" when empty.
	Name schemas.Text
	// Site gives the address of an item's page, whole or beginning with a slash; nil:
	// /{locale}/{route}/.
	Site func(e catalog.Entry) string
	// Hub is the WebSub hub that is told of changes; empty: none.
	Hub string
	// Paged lets a feed lead to older items (RFC 5005, section 3), by a parameter
	// that a server must answer; static sites have the newest only.
	Paged bool
	// Clock tells the day of calendars; nil means time.Now.
	Clock func() time.Time
}

// Query says which feed.
type Query struct {
	Locale     string // BCP 47
	Collection string // its name in routes, or All or Deadlines
	Territory  string // acronym or ISTAT code; empty: the whole country
	Topic      string // a term; empty: all
	Cursor     string // where a page after the first begins; see Channel.Next
}

// Path is the address of a feed below the site: the one that it names itself by.
func (q Query) Path(f Format) string {
	var b strings.Builder
	b.WriteString("/feeds/" + url.PathEscape(q.Locale) + "/")
	switch {
	case q.Territory != "":
		b.WriteString("territories/" + url.PathEscape(q.Territory) + "/")
	case q.Topic != "":
		b.WriteString("topics/" + url.PathEscape(q.Topic) + "/")
	}
	b.WriteString(url.PathEscape(q.Collection) + "." + string(f))
	rest := url.Values{}
	if q.Territory != "" && q.Topic != "" {
		rest.Set("topic", q.Topic)
	}
	if q.Cursor != "" {
		rest.Set("cursor", q.Cursor)
	}
	if len(rest) > 0 {
		b.WriteString("?" + rest.Encode())
	}
	return b.String()
}

// Collections lists the names of feeds: All, then the collections that have one.
func (s *Source) Collections() []string {
	out := []string{All}
	for _, t := range s.Schemas.Types() {
		if t.Route.Feed {
			out = append(out, t.Collection)
		}
	}
	return out
}

// Calendars lists the names of calendars: the collections that have one, then
// Deadlines.
func (s *Source) Calendars() []string {
	var out []string
	for _, t := range s.Schemas.Types() {
		if t.Route.Calendar != "" {
			out = append(out, t.Collection)
		}
	}
	return append(out, Deadlines)
}

// resolve checks a query and writes it in its canonical form. The problem is
// not_found for a feed that does not exist.
func (s *Source) resolve(q Query, names []string) (Query, error) {
	notFound := &content.Problem{Class: content.NotFound, Code: "not_found"}
	if !slices.Contains(names, q.Collection) {
		return q, notFound
	}
	locale, ok := s.Schemas.Locale(q.Locale)
	if !ok {
		return q, notFound
	}
	q.Locale = locale.Tag
	if q.Territory != "" {
		t, ok := s.territories().Lookup(q.Territory)
		if !ok {
			return q, notFound
		}
		q.Territory = t.ISTAT
	}
	if q.Topic != "" && s.topic(q) == nil {
		return q, notFound
	}
	return q, nil
}

// topic finds the term of a query among those of the types that it asks for.
func (s *Source) topic(q Query) *schemas.Term {
	for _, t := range s.types(q.Collection) {
		if f, ok := t.Field("topics"); ok {
			if term, ok := f.Term(q.Topic); ok {
				return term
			}
		}
	}
	return nil
}

// types are those that a feed or a calendar is made of.
func (s *Source) types(name string) []*schemas.Type {
	var out []*schemas.Type
	for _, t := range s.Schemas.Types() {
		if t.Collection == name || t.Route.Feed && (name == All || name == Deadlines && labelled(t) != nil) {
			out = append(out, t)
		}
	}
	return out
}

func (s *Source) territories() *schemas.Territories {
	if s.Territories != nil {
		return s.Territories
	}
	return s.Schemas.Territories()
}

// catalogQuery asks the catalogue for the items of one type.
func (q Query) catalogQuery(t *schemas.Type) catalog.Query {
	out := catalog.Query{Collection: t.Collection, Locale: q.Locale, Limit: MaxItems, Cursor: q.Cursor}
	if q.Territory != "" {
		out.Territory = []string{q.Territory}
	}
	if q.Topic != "" {
		out.Topic = []string{q.Topic}
	}
	return out
}

// title says what a feed holds: "Prassi: Notizie, Prato, Lavoro".
func (s *Source) title(q Query) string {
	var what []string
	switch q.Collection {
	case All:
		what = append(what, messages.Text(q.Locale, codeEverything, nil))
	case Deadlines:
		what = append(what, messages.Text(q.Locale, codeDeadlines, nil))
	default:
		for _, t := range s.types(q.Collection) {
			what = append(what, t.Plural.In(q.Locale))
		}
	}
	if t, ok := s.territories().Lookup(q.Territory); ok {
		what = append(what, t.Name)
	}
	if term := s.topic(q); q.Topic != "" && term != nil {
		what = append(what, term.Label.In(q.Locale))
	}
	return plain(s.name(q.Locale) + ": " + strings.Join(what, " · "))
}

func (s *Source) name(locale string) string {
	if name := s.Name.In(locale); name != "" {
		return plain(name)
	}
	return "Prassi"
}

// feedsBase and mediaBase are where addresses of feeds and of files begin.
func (s *Source) feedsBase() string {
	if s.Feeds != "" {
		return s.Feeds
	}
	return s.Base
}

func (s *Source) mediaBase() string {
	if s.MediaBase != "" {
		return s.MediaBase
	}
	return s.Base
}

// home is the page that a feed belongs to.
func (s *Source) home(q Query) string { return s.Base + "/" + q.Locale + "/" }

// Page is the address of an item's page.
func (s *Source) Page(e catalog.Entry) string {
	var at string
	if s.Site != nil {
		at = s.Site(e)
	} else if t, ok := s.Schemas.Type(e.Type()); ok {
		at = "/" + e.Locale() + "/" + strings.Replace(t.Route.Path, "{slug}", e.Slug(), 1) + "/"
	}
	if strings.HasPrefix(at, "/") {
		at = s.Base + at
	}
	return at
}

// Names of what is not an item, in the name space of addresses.
func feedID(base string, q Query) string {
	q.Cursor = ""
	return "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(base+q.Path(""))).String()
}

// itemID names a variant of a document, or a part of it.
func itemID(id string, parts ...string) string {
	space, err := uuid.Parse(id)
	if err != nil { // ids of documents are UUIDs; others name a space all the same
		space = uuid.NewSHA1(uuid.NameSpaceOID, []byte(id))
	}
	return uuid.NewSHA1(space, []byte(strings.Join(parts, "\x00"))).String()
}

// tagOf makes a strong entity tag.
func tagOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// fingerprint is everything beside the items that a document says.
func (s *Source) fingerprint(q Query) string {
	return fmt.Sprint(written, "\x00", s.Base, "\x00", s.Feeds, "\x00", s.MediaBase, "\x00", s.Hub, "\x00", s.Paged, "\x00", s.title(q), "\x00", q.Path(""))
}

// written is the way in which documents are written: another number, other bytes.
const written = 1

// modified is when the public last saw a difference in one of the collections: a
// withdrawal leaves no item behind to tell of it, so the log of changes is asked
// for what came after the newest item.
func (s *Source) modified(types []*schemas.Type, newest time.Time) time.Time {
	concerns := map[string]bool{}
	for _, t := range types {
		concerns[t.Collection] = true
	}
	changes, next := s.Catalog.ChangesSince(newest, catalog.MaxChanges)
	for len(changes) > 0 {
		for _, c := range changes {
			if concerns[c.Collection] && c.At.After(newest) {
				newest = c.At
			}
		}
		if len(changes) < catalog.MaxChanges {
			break
		}
		changes, next = s.Catalog.Changes(next, catalog.MaxChanges)
	}
	return newest.UTC().Truncate(time.Second)
}
