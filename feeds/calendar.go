package feeds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

const (
	// MaxEvents is how many entries a calendar holds: what comes last is left out
	// first, as it will come again.
	MaxEvents = 1000
	// past is how many days something stays in a calendar after its end.
	past = 90
)

// sequenceStart is the second that SEQUENCE counts from: 2020-01-01.
const sequenceStart = 1577836800

// Calendar is a calendar on one day, not yet written.
//
// What is called off says so (STATUS:CANCELLED) as long as it is published. What
// was withdrawn must not be shown any more, not even its day, so it is simply no
// longer there: a program that follows the address takes it away.
type Calendar struct {
	// Query is in its canonical form.
	Query Query

	source *Source
	found  []catalog.Selection
	types  []*schemas.Type
	today  string
	tag    string
}

// FindCalendar finds a calendar. It returns a content.Problem, not_found, for one
// that does not exist.
func (s *Source) FindCalendar(q Query) (*Calendar, error) {
	q.Cursor = ""
	q, err := s.resolve(q, s.Calendars())
	if err != nil {
		return nil, err
	}
	clock := s.Clock
	if clock == nil {
		clock = time.Now
	}
	c := &Calendar{Query: q, source: s, today: clock().In(content.Rome).Format(dayLayout)}
	parts := []string{s.fingerprint(q), c.today}
	for _, t := range s.types(q.Collection) {
		if f, ok := t.Field("topics"); q.Topic != "" && (!ok || !known(f, q.Topic)) {
			continue
		}
		found, err := s.Catalog.Select(q.catalogQuery(t))
		if err != nil {
			return nil, err
		}
		c.found, c.types = append(c.found, found), append(c.types, t)
		parts = append(parts, found.ETag())
	}
	c.tag = tagOf(parts...)
	return c, nil
}

// Tag is a strong validator of the bytes.
func (c *Calendar) Tag() string { return c.tag }

// Modified is when the public last saw a difference in the calendar's collections,
// or when its day began: what is long past leaves it then.
func (c *Calendar) Modified() time.Time {
	day, _ := time.ParseInLocation(dayLayout, c.today, content.Rome)
	for i := range c.found {
		for e := range c.found[i].Entries() {
			if at := e.LastModified(); at.After(day) {
				day = at
			}
		}
	}
	return c.source.modified(c.source.types(c.Query.Collection), day.UTC())
}

// Calendar finds and writes a calendar; see FindCalendar.
func (s *Source) Calendar(q Query) (doc []byte, etag string, modified time.Time, err error) {
	c, err := s.FindCalendar(q)
	if err != nil {
		return nil, "", modified, err
	}
	doc, err = c.Append(nil)
	return doc, tagOf(c.tag, string(ICS)), c.Modified(), err
}

// occasion is one entry of a calendar.
type occasion struct {
	*item
	span
	typ      *schemas.Type
	uid      string
	modified time.Time
	off      bool
	due      bool // a deadline: its end is what counts
}

// Append appends the document. The error says that an item could not be read.
func (c *Calendar) Append(dst []byte) ([]byte, error) {
	list, err := c.occasions()
	if err != nil {
		return dst, err
	}
	s, q := c.source, c.Query
	about := plain(messages.Text(q.Locale, codeCalendarAbout, map[string]any{"site": s.name(q.Locale)}))
	w := &ical{b: append(dst, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Prassi//feeds//EN\r\nCALSCALE:GREGORIAN\r\n"...)}
	// RFC 7986, and the older names that programs know.
	w.line("UID", strings.TrimPrefix(feedID(s.feedsBase(), q), "urn:uuid:"))
	w.text("NAME", s.title(q))
	w.text("X-WR-CALNAME", s.title(q))
	w.text("DESCRIPTION", about)
	w.text("X-WR-CALDESC", about)
	w.line("X-WR-TIMEZONE", "Europe/Rome")
	w.uri("URL", s.home(q))
	w.uri("SOURCE;VALUE=URI", s.feedsBase()+q.Path(ICS))
	w.line("REFRESH-INTERVAL;VALUE=DURATION", "PT6H")
	w.line("X-PUBLISHED-TTL", "PT6H")
	w.b = append(w.b, zone...)
	for i := range list {
		s.event(w, &list[i])
	}
	w.line("END", "VCALENDAR")
	return w.b, nil
}

// occasions are those that are not long past, in the order of their beginning.
func (c *Calendar) occasions() ([]occasion, error) {
	day, _ := time.Parse(dayLayout, c.today)
	since := day.AddDate(0, 0, -past).Format(dayLayout)
	var out []occasion
	for i := range c.found {
		t := c.types[i]
		field, due := t.Route.Calendar, false
		if c.Query.Collection == Deadlines {
			field, due = labelled(t).Name, true
		}
		mark := []byte(`"` + field + `":`)
		for e := range c.found[i].Entries() {
			if !bytes.Contains(e.AppendSummary(nil), mark) {
				continue
			}
			it, err := c.source.read(e, false)
			if err != nil {
				return nil, err
			}
			times := map[string]int{}
			for _, sp := range spans(it.Fields[field]) {
				sp.Label = plain(sp.Label)
				_, timed, ok := moment(sp.start(due))
				last := cmp.Or(sp.To, sp.From)
				if !ok || last[:min(len(last), len(dayLayout))] < since || due && timed && len(last) < len(timeLayout) {
					continue
				}
				o := occasion{item: it, span: sp, typ: t, uid: it.UUID, modified: e.LastModified(), off: it.off(), due: due}
				if due { // the words tell deadlines apart, then their order
					o.uid = itemID(it.UUID, field, sp.Label, strconv.Itoa(times[sp.Label]))
					times[sp.Label]++
				}
				out = append(out, o)
			}
		}
	}
	slices.SortFunc(out, func(a, b occasion) int {
		return cmp.Or(cmp.Compare(a.start(a.due), b.start(b.due)), cmp.Compare(a.uid, b.uid))
	})
	return out[:min(len(out), MaxEvents)], nil
}

// start is where an entry stands in the calendar: a deadline on its last day.
func (s span) start(due bool) string {
	if due {
		return cmp.Or(s.To, s.From)
	}
	return cmp.Or(s.From, s.To)
}

// off reports that what the item tells of does not hold any more: an event that
// is called off, news that other news has taken the place of.
func (it *item) off() bool {
	var cancelled bool
	_ = json.Unmarshal(it.Fields["cancelled"], &cancelled) // it stays false for anything else
	return cancelled || len(it.Fields["superseded_by"]) > 0
}

// event writes a VEVENT (RFC 5545, section 3.6.1).
func (s *Source) event(w *ical, o *occasion) {
	lang := ";LANGUAGE=" + o.Locale
	w.line("BEGIN", "VEVENT")
	w.line("UID", o.uid)
	// Without METHOD it is the last change of the information (section 3.8.7.2).
	w.utc("DTSTAMP", o.modified)
	w.utc("LAST-MODIFIED", o.modified)
	w.utc("CREATED", o.PublishedAt)
	// It has to grow with every change. Facts are shared between languages, so the
	// number of this variant's revision would not; the moment of the change does.
	w.number("SEQUENCE", int(max(0, o.modified.Unix()-sequenceStart)))
	w.when(o)
	title, text := o.Title, []string{}
	if o.due {
		title = o.Label + " · " + o.Title
		text = append(text, o.words(o.Locale, codeDue))
	}
	w.text("SUMMARY"+lang, title)
	if o.Summary != "" {
		text = append(text, o.Summary)
	}
	text = append(text, o.Page)
	w.text("DESCRIPTION"+lang, strings.Join(text, "\n\n"))
	s.place(w, o, lang)
	var labels []string
	for _, t := range o.Topics {
		labels = append(labels, t.Label)
	}
	w.list("CATEGORIES"+lang, labels)
	w.uri("URL", o.Page)
	status := "CONFIRMED"
	if o.off {
		status = "CANCELLED"
	}
	w.line("STATUS", status)
	w.line("TRANSP", "TRANSPARENT") // it takes up nobody's time until they choose to go
	w.line("CLASS", "PUBLIC")
	w.line("END", "VEVENT")
}

// when writes the begin and the end. Days are dates, and the end is the day after
// the last (section 3.6.1); times are those of clocks in Italy. A deadline is its
// last moment.
func (w *ical) when(o *occasion) {
	from, timed, _ := moment(o.start(o.due))
	to, _, ok := moment(o.To)
	if o.due || !ok {
		to = from
	}
	if timed {
		w.line("DTSTART;TZID=Europe/Rome", from.Format(icalTime))
		// The same moment twice is said once: the end must come later.
		if to.Format(icalTime) > from.Format(icalTime) {
			w.line("DTEND;TZID=Europe/Rome", to.Format(icalTime))
		}
		return
	}
	w.line("DTSTART;VALUE=DATE", from.Format(icalDay))
	w.line("DTEND;VALUE=DATE", to.AddDate(0, 0, 1).Format(icalDay))
}

// place writes where it is, and the address of the stream.
func (s *Source) place(w *ical, o *occasion, lang string) {
	var p struct {
		Label, Address, Municipality string
		Lat, Lon                     *float64
		Approximate                  bool
	}
	raw := o.Fields[o.typ.Route.Map]
	if len(raw) > 0 && json.Unmarshal(raw, &p) == nil {
		parts := []string{p.Label, p.Address}
		if m, ok := s.territories().Lookup(p.Municipality); ok && !strings.Contains(p.Address, m.Name) {
			parts = append(parts, m.Name)
		}
		w.text("LOCATION"+lang, plain(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")))
		if p.Lat != nil && p.Lon != nil && !p.Approximate {
			w.line("GEO", fmt.Sprintf("%.6f;%.6f", *p.Lat, *p.Lon))
		}
	}
	var online string
	if json.Unmarshal(o.Fields["online"], &online) == nil {
		w.uri("CONFERENCE;VALUE=URI;FEATURE=VIDEO", online) // RFC 7986, section 5.11
	}
}

// uri writes a value of type URI, unless it is none.
func (w *ical) uri(name, address string) {
	if u, err := url.Parse(plain(address)); err == nil && u.IsAbs() {
		w.line(name, u.String())
	}
}
