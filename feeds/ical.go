package feeds

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ical writes the lines of an iCalendar object (RFC 5545, section 3.1): ended by
// CRLF and folded so that none has more than 75 octets, never inside a character.
type ical struct{ b []byte }

// line writes a content line whose value is already in the form of its type.
// What a line cannot hold has been taken out by plain; whatever comes, no line
// can be ended by a value.
func (w *ical) line(name, value string) {
	at := 0
	put := func(s string) {
		for _, r := range s {
			if r < ' ' || r == 0x7F {
				continue
			}
			n := utf8.RuneLen(r)
			if n < 0 {
				continue
			}
			if at+n > 75 {
				w.b, at = append(w.b, "\r\n "...), 1
			}
			w.b, at = utf8.AppendRune(w.b, r), at+n
		}
	}
	put(name)
	put(":")
	put(value)
	w.b = append(w.b, "\r\n"...)
}

// text writes a value of type TEXT (section 3.3.11), unless it is empty.
func (w *ical) text(name, value string) {
	if value != "" {
		w.line(name, escape.Replace(value))
	}
}

// list writes several values of type TEXT on one line.
func (w *ical) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = escape.Replace(v)
	}
	w.line(name, strings.Join(out, ","))
}

var escape = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// utc writes a moment in UTC.
func (w *ical) utc(name string, t time.Time) { w.line(name, t.UTC().Format("20060102T150405Z")) }

// number writes an integer.
func (w *ical) number(name string, n int) { w.line(name, strconv.Itoa(n)) }

// zone is Europe/Rome as the European Union has kept summer time since 1996
// (Directive 2000/84/EC): no date of ours is older.
const zone = "BEGIN:VTIMEZONE\r\n" +
	"TZID:Europe/Rome\r\n" +
	"BEGIN:DAYLIGHT\r\n" +
	"TZNAME:CEST\r\n" +
	"TZOFFSETFROM:+0100\r\n" +
	"TZOFFSETTO:+0200\r\n" +
	"DTSTART:19960331T020000\r\n" +
	"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n" +
	"END:DAYLIGHT\r\n" +
	"BEGIN:STANDARD\r\n" +
	"TZNAME:CET\r\n" +
	"TZOFFSETFROM:+0200\r\n" +
	"TZOFFSETTO:+0100\r\n" +
	"DTSTART:19961027T030000\r\n" +
	"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n" +
	"END:STANDARD\r\n" +
	"END:VTIMEZONE\r\n"

const (
	icalDay  = "20060102"
	icalTime = "20060102T150405"
)
