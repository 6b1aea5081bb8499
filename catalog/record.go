package catalog

import (
	"hash/crc32"
	"os"
	"sync/atomic"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/hours"
	"github.com/prassi-cms/prassi/schemas"
)

// record is all that the public may know of one document. It is immutable but
// for its place in the file.
type record struct {
	id, typ    string
	collection string // not stored: from the declarations
	// effectAt is when the public last saw a difference, in ms since 1970.
	effectAt int64
	shared   string // hash of the live shared revision
	// deps are the documents whose title or address this one shows, or would
	// show if they were public.
	deps     []string
	variants []*variant // live, by locale
	gone     []*gone    // once live, by locale
	media    []*Media   // that the live variants use
	// left counts live variants that could not be rendered.
	left int
	// merged is the document that this one was merged into, or empty.
	merged string
	// ages: the facts need confirming. assured is the day on which that was done
	// last (2006-01-02), or empty.
	ages      bool
	assured   string
	stage     schemas.Stage
	sensitive bool
	// hours say when it is open; stored in the form of package hours.
	hours hours.Schedule
	loc   atomic.Pointer[location]
}

// location is where a record's frame lies. Compaction replaces it; a reader
// that holds the old one still reads the old file.
type location struct {
	file    *os.File
	frame   int64 // offset of the frame
	size    int64 // of the frame
	payload int64 // offset of the payload
}

// variant is one published variant. Its strings are parts of one string.
type variant struct {
	rec                 *record
	slot                uint32 // in its partition
	locale, slug, title string
	titleKey            string // collation key
	words               string // folded title and summary, " word word "
	url                 string
	revision            string // hash
	state               string // public state, when it is not the workflow's first
	etags               [encodings]string
	modified            string // Last-Modified, as HTTP writes it
	modifiedAt          int64  // the same, ms
	published, updated  int64  // ms
	begins, ends        int64  // ms, what from and to filter by; ends excluded
	summary             string // short JSON
	summaryLocale       int    // where requested_locale's value begins, in the short JSON
	itemLocale          int    // and in the long one
	payload             [encodings]extent
	terms               []term
	keys                []string // by the type's sortable fields; empty when the field is
	places              []place
	former              []string // slugs that lead here
	change              change
}

// extent is where one encoding lies in the record's payload.
type extent struct {
	off, len int64
	crc      uint32
}

// place is a point of the map and its finished GeoJSON feature.
type place struct {
	lat, lon    float64
	approximate bool
	x, y        uint32 // in the projection of the map; not stored
	feature     string
}

// gone is a variant that was public and is not any more.
type gone struct {
	locale string
	slugs  []string
	change change
}

// change is the last public effect on a variant; seq is zero when the log has
// not told of it yet.
type change struct {
	rec          *record
	locale, slug string // of the variant
	seq          int64
	at           int64 // ms
	withdrawn    bool
}

// term is one thing that a variant can be found by.
type term struct {
	kind  termKind
	field uint8 // index among the type's filterable fields, for termField
	value string
}

type termKind uint8

// The kinds of terms; their numbers are in the file.
const (
	termLocale       termKind = 1  // value: the variant's locale
	termSibling      termKind = 2  // value: a locale in which the document is live
	termPrimary      termKind = 3  // the variant to serve when no locale is asked
	termTerritory    termKind = 4  // value: ISTAT code, its own or one around it
	termNational     termKind = 5  // the document names no territory
	termTopic        termKind = 6  // value: term
	termOrganization termKind = 7  // value: document id
	termField        termKind = 8  // value: the field's
	termState        termKind = 9  // value: public state
	termPlace        termKind = 10 // the variant is on the map
	termAssurance    termKind = 11 // value: assuredCurrent or assuredUnverified
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// variant gives the variant in a locale, or nil.
func (r *record) variant(locale string) *variant {
	for _, v := range r.variants {
		if v.locale == locale {
			return v
		}
	}
	return nil
}

// primary is the variant to serve when no language was asked for, or the one
// asked for is missing: Italian, English, then the first by tag.
func (r *record) primary() *variant {
	for _, l := range [...]string{"it", "en"} {
		if v := r.variant(l); v != nil {
			return v
		}
	}
	if len(r.variants) > 0 {
		return r.variants[0]
	}
	return nil
}

// best is the variant in a locale, or else the primary one.
func (r *record) best(locale string) *variant {
	if v := r.variant(locale); v != nil {
		return v
	}
	return r.primary()
}

// empty reports a record with nothing to remember.
func (r *record) empty() bool {
	return len(r.variants) == 0 && len(r.gone) == 0 && r.left == 0 && r.merged == ""
}

// sameCard reports whether other documents would show two states of one
// document alike: by its addresses and titles, and by what it was merged into.
func sameCard(a, b *record) bool {
	var x, y []*variant
	var into, to string
	if a != nil {
		x, into = a.variants, a.merged
	}
	if b != nil {
		y, to = b.variants, b.merged
	}
	if len(x) != len(y) || into != to {
		return false
	}
	for i := range x {
		if x[i].locale != y[i].locale || x[i].slug != y[i].slug || x[i].title != y[i].title {
			return false
		}
	}
	return true
}

func (e *encoder) change(c change) {
	e.int(c.seq)
	e.int(c.at)
	e.string(c.slug)
	e.bool(c.withdrawn)
}

func (d *decoder) change(r *record, locale string) change {
	return change{rec: r, locale: locale, seq: d.int(), at: d.int(), slug: d.string(), withdrawn: d.bool()}
}

// encode gives the metadata of a record.
func (r *record) encode(e *encoder) {
	e.string(r.id)
	e.string(r.typ)
	e.int(r.effectAt)
	e.string(r.shared)
	e.uint(uint64(r.left))
	e.string(r.merged)
	e.bool(r.ages)
	e.string(r.assured)
	e.string(string(r.stage))
	e.bool(r.sensitive)
	e.hours(r.hours)
	e.strings(r.deps)
	e.uint(uint64(len(r.variants)))
	for _, v := range r.variants {
		for _, s := range [...]string{v.locale, v.slug, v.title, v.titleKey, v.words, v.url, v.revision, v.state, v.modified, v.summary} {
			e.string(s)
		}
		for _, n := range [...]int64{v.modifiedAt, v.published, v.updated, v.begins, v.ends} {
			e.int(n)
		}
		e.uint(uint64(v.summaryLocale))
		e.uint(uint64(v.itemLocale))
		for i, x := range v.payload {
			e.string(v.etags[i])
			e.uint(uint64(x.off))
			e.uint(uint64(x.len))
			e.uint(uint64(x.crc))
		}
		e.uint(uint64(len(v.terms)))
		for _, t := range v.terms {
			e.uint(uint64(t.kind))
			e.uint(uint64(t.field))
			e.string(t.value)
		}
		e.strings(v.keys)
		e.uint(uint64(len(v.places)))
		for _, p := range v.places {
			e.float(p.lat)
			e.float(p.lon)
			e.bool(p.approximate)
			e.string(p.feature)
		}
		e.strings(v.former)
		e.change(v.change)
	}
	e.uint(uint64(len(r.gone)))
	for _, g := range r.gone {
		e.string(g.locale)
		e.strings(g.slugs)
		e.change(g.change)
	}
	e.uint(uint64(len(r.media)))
	for _, m := range r.media {
		m.encode(e)
	}
}

// decodeRecord reads what encode wrote. payload is the length of what follows
// in the frame: an extent outside of it is damage.
func decodeRecord(meta string, payload int64) (*record, error) {
	d := &decoder{s: meta}
	r := &record{
		id: d.string(), typ: d.string(), effectAt: d.int(), shared: d.string(), left: int(d.uint()),
		merged: d.string(), ages: d.bool(), assured: d.string(), stage: schemas.Stage(d.string()), sensitive: d.bool(), hours: d.hours(), deps: d.strings(),
	}
	r.variants = make([]*variant, d.count())
	for i := range r.variants {
		v := &variant{rec: r}
		r.variants[i] = v
		for _, s := range [...]*string{&v.locale, &v.slug, &v.title, &v.titleKey, &v.words, &v.url, &v.revision, &v.state, &v.modified, &v.summary} {
			*s = d.string()
		}
		for _, n := range [...]*int64{&v.modifiedAt, &v.published, &v.updated, &v.begins, &v.ends} {
			*n = d.int()
		}
		v.summaryLocale, v.itemLocale = int(d.uint()), int(d.uint())
		for i := range v.payload {
			v.etags[i] = d.string()
			x := extent{off: int64(d.uint()), len: int64(d.uint()), crc: uint32(d.uint())}
			if x.off < 0 || x.len < 0 || x.off > payload || x.len > payload-x.off {
				d.fail()
			}
			v.payload[i] = x
		}
		v.terms = make([]term, d.count())
		for i := range v.terms {
			v.terms[i] = term{kind: termKind(d.uint()), field: uint8(d.uint()), value: d.string()}
		}
		v.keys = d.strings()
		v.places = make([]place, d.count())
		for i := range v.places {
			p := &v.places[i]
			*p = place{lat: d.float(), lon: d.float(), approximate: d.bool(), feature: d.string()}
			p.x, p.y = mercator(p.lat, p.lon)
		}
		v.former = d.strings()
		v.change = d.change(r, v.locale)
		if q := len(v.locale) + 2; v.summaryLocale < 0 || v.itemLocale < 0 ||
			v.summaryLocale > len(v.summary)-q || int64(v.itemLocale) > v.payload[Identity].len-int64(q) {
			d.fail()
		}
		if d.err != nil {
			return nil, d.err
		}
	}
	r.gone = make([]*gone, d.count())
	for i := range r.gone {
		g := &gone{locale: d.string(), slugs: d.strings()}
		g.change = d.change(r, g.locale)
		r.gone[i] = g
	}
	r.media = make([]*Media, d.count())
	for i := range r.media {
		r.media[i] = d.media()
	}
	if d.err != nil || d.s != "" || r.id == "" {
		return nil, errDamaged
	}
	return r, nil
}

// effect is the word of the log.
func (c change) effect() content.Effect {
	if c.withdrawn {
		return content.EffectWithdrawn
	}
	return content.EffectPublished
}
