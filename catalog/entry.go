package catalog

import (
	"io"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/schemas"
)

// Entry is one published variant as it is served to somebody. It is small and
// is passed by value; the zero Entry is none.
type Entry struct {
	v *variant
	// asked is the locale asked for; empty when it is the one served.
	asked string
}

// ID is that of the document.
func (e Entry) ID() string { return e.v.rec.id }

// Type names the content type.
func (e Entry) Type() string { return e.v.rec.typ }

// Collection is the type's name in routes.
func (e Entry) Collection() string { return e.v.rec.collection }

// Slug is that of the variant served.
func (e Entry) Slug() string { return e.v.slug }

// Title is in the locale served.
func (e Entry) Title() string { return e.v.title }

// Locale is the one served.
func (e Entry) Locale() string { return e.v.locale }

// RequestedLocale is the one asked for.
func (e Entry) RequestedLocale() string {
	if e.asked != "" {
		return e.asked
	}
	return e.v.locale
}

// Fallback reports that another locale is served than was asked for. Such an
// answer exists in Identity alone.
func (e Entry) Fallback() bool { return e.asked != "" }

// WithRequestedLocale gives the entry as the answer to somebody who asked for
// that locale. What is not shaped like a language tag is taken for no wish.
func (e Entry) WithRequestedLocale(locale string) Entry {
	e.asked = ""
	if locale != e.v.locale && tagShaped(locale) {
		e.asked = locale
	}
	return e
}

// tagShaped keeps what a caller writes as a locale from reaching JSON and
// headers with anything but letters, digits and hyphens in it.
func tagShaped(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 35
}

// URL is the path and query of the variant.
func (e Entry) URL() string { return e.v.url }

// Revision is the hash of the live revision.
func (e Entry) Revision() string { return e.v.revision }

// AssuredOn is the civil day in Europe/Rome (2006-01-02) on which somebody
// confirmed last that the facts are true; empty when nobody did.
func (e Entry) AssuredOn() string { return e.v.rec.assured }

// Stage says how old the confirmation is; StageCurrent for types whose facts do
// not age.
func (e Entry) Stage() schemas.Stage {
	if e.v.rec.ages && e.v.rec.assured == "" {
		return schemas.StageUnverified
	}
	return e.v.rec.stage
}

// Sensitive reports that the places are withheld: everything that an Entry gives
// knows their municipality at most.
func (e Entry) Sensitive() bool { return e.v.rec.sensitive }

// PublishedAt is when the variant was first published.
func (e Entry) PublishedAt() time.Time { return time.UnixMilli(e.v.published).UTC() }

// UpdatedAt is the date of the content.
func (e Entry) UpdatedAt() time.Time { return time.UnixMilli(e.v.updated).UTC() }

// LastModified is when the public last saw a difference, in whole seconds.
func (e Entry) LastModified() time.Time { return time.UnixMilli(e.v.modifiedAt).UTC() }

// LastModifiedHTTP is the same as HTTP writes it (RFC 9110, section 5.6.7).
func (e Entry) LastModifiedHTTP() string { return e.v.modified }

// Stored reports whether the entry has bytes in an encoding.
func (e Entry) Stored(enc Encoding) bool { return enc == Identity || e.asked == "" && enc < encodings }

// ETag is the strong validator of the bytes in an encoding, with its quotation
// marks (RFC 9110, section 8.8.3). Each encoding has its own.
func (e Entry) ETag(enc Encoding) string {
	if e.asked != "" {
		tag := e.v.etags[Identity]
		return tag[:len(tag)-1] + "-" + e.asked + `"`
	}
	return e.v.etags[enc]
}

// Len is the number of bytes in an encoding.
func (e Entry) Len(enc Encoding) int {
	if e.asked != "" {
		return int(e.v.payload[Identity].len) + len(e.asked) - len(e.v.locale)
	}
	return int(e.v.payload[enc].len)
}

// AppendTo appends the bytes in an encoding. A fallback answer is given in
// Identity whatever enc says. The error is the disk's.
func (e Entry) AppendTo(dst []byte, enc Encoding) ([]byte, error) {
	if e.asked == "" {
		return e.v.read(dst, enc)
	}
	// Make room first, so that the splice moves the tail and allocates nothing.
	start := len(dst)
	if need := start + e.Len(enc) + len(e.v.locale); need > cap(dst) {
		dst = append(make([]byte, 0, need), dst...)
	}
	dst, err := e.v.read(dst, Identity)
	if err != nil {
		return dst, err
	}
	return spliceLocale(dst, start+e.v.itemLocale, e.v.locale, e.asked), nil
}

// spliceLocale replaces the locale that begins, with its quotation mark, at at.
func spliceLocale(b []byte, at int, was, now string) []byte {
	begin, end := at+1, at+1+len(was)
	tail := len(b) - end
	if d := len(now) - len(was); d > 0 {
		b = append(b, now[:d]...)
	}
	copy(b[begin+len(now):], b[end:end+tail])
	copy(b[begin:], now)
	return b[:begin+len(now)+tail]
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10); return &b }}

// maxPooled keeps a rare large item from staying in memory.
const maxPooled = 1 << 20

// release gives back a buffer that has become b.
func release(buf *[]byte, b []byte) {
	if cap(b) <= maxPooled {
		*buf = b
		buffers.Put(buf)
	}
}

// WriteTo writes the bytes in an encoding. Nothing is written when they cannot
// be read.
func (e Entry) WriteTo(w io.Writer, enc Encoding) (int64, error) {
	buf := buffers.Get().(*[]byte)
	b, err := e.AppendTo((*buf)[:0], enc)
	n := 0
	if err == nil {
		n, err = w.Write(b)
	}
	release(buf, b)
	return int64(n), err
}

// AppendSummary appends the short JSON that lists carry.
func (e Entry) AppendSummary(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, e.v.summary...)
	if e.asked != "" {
		dst = spliceLocale(dst, start+e.v.summaryLocale, e.v.locale, e.asked)
	}
	return dst
}

// Get finds an item by an address. The slug may be that of another language, or
// a former one; see Outcome. A document that lacks the locale asked for is
// served in Italian, else in English, else in the first of its languages, and
// says so. Without a locale the slug tells the language. An address of a document
// that was merged into another leads to that one, in the language asked for if it
// can be, else in the slug's, else by the same fallback.
func (c *Catalog) Get(collection, slug, locale string) Answer {
	s := c.snap.Load()
	locale = c.canonical(locale)
	targets := s.slugs.get(slugKey{collection, slug})
	if locale != "" {
		// What the slug means in the language asked for goes before what it
		// means in others.
		for _, t := range targets {
			if t.locale == locale {
				return s.answer(t, locale)
			}
		}
	}
	for _, t := range targets {
		if !t.former {
			return s.answer(t, locale)
		}
	}
	for _, t := range targets {
		if a := s.answer(t, locale); a.Outcome != Gone {
			return a
		}
	}
	if len(targets) > 0 {
		return Answer{Outcome: Gone}
	}
	return Answer{}
}

// answer serves the document of a target.
func (s *snapshot) answer(t target, locale string) Answer {
	if t.rec.merged != "" {
		kept := s.kept(t.rec)
		for _, l := range [...]string{locale, t.locale} {
			if v := kept.variant(l); v != nil {
				return Answer{Outcome: Moved, To: v.url}
			}
		}
		if v := kept.primary(); v != nil {
			return Answer{Outcome: Moved, To: v.url}
		}
		return Answer{Outcome: Gone}
	}
	if t.former {
		// A slug of a variant that is still public leads there; one of a variant
		// that was withdrawn is gone, whatever other languages there are.
		own := t.rec.variant(t.locale)
		if own == nil {
			return Answer{Outcome: Gone}
		}
		if v := t.rec.variant(locale); v != nil {
			own = v
		}
		return Answer{Outcome: Moved, To: own.url}
	}
	v := t.rec.variant(t.locale)
	e := Entry{v: v}
	if locale == "" || locale == v.locale {
		return Answer{Outcome: Found, Entry: e}
	}
	return Answer{Outcome: Found, Entry: Entry{v: t.rec.best(locale)}.WithRequestedLocale(locale)}
}

// ByID finds the public variant of a document in a locale, by the same fallback
// as Get; false when nothing of the document is public.
func (c *Catalog) ByID(id, locale string) (Entry, bool) {
	r := c.snap.Load().docs.get(id)
	if r == nil || len(r.variants) == 0 {
		return Entry{}, false
	}
	locale = c.canonical(locale)
	e := Entry{v: r.best(locale)}
	if locale != "" {
		e = e.WithRequestedLocale(locale)
	}
	return e, true
}

// canonical is the declared form of a locale, by tag or alias in any case; an
// undeclared one is left as it is.
func (c *Catalog) canonical(locale string) string {
	if locale == "" {
		return ""
	}
	if l, ok := c.schemas.Locale(locale); ok {
		return l.Tag
	}
	return locale
}
