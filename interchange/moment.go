package interchange

import (
	"regexp"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// zonedLayouts say their offset; localLayouts are meant in Europe/Rome.
var zonedLayouts = []string{
	time.RFC3339,
	"2006-1-2T15:04:05Z0700",
	"2006-1-2T15:04Z07:00",
	"2006-1-2 15:04:05Z07:00",
	"2006-1-2 15:04:05 Z07:00",
	"2006-1-2 15:04:05 -0700", // Jekyll
	"2006-1-2 15:04 -0700",
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04:05 GMT",
}

var localLayouts = []string{
	"2006-1-2",
	"2006-1-2T15:04:05",
	"2006-1-2T15:04",
	"2006-1-2 15:04:05",
	"2006-1-2 15:04",
	"2006/1/2",
	"2006/1/2 15:04:05",
	"January 2, 2006", // Astro
	"Jan 2, 2006",
	"Jan 2 2006",
	"2 January 2006",
	"2 Jan 2006",
}

// slashDate is a date whose first two numbers mean different things in
// different countries.
var slashDate = regexp.MustCompile(`^(\d{1,2})[/.](\d{1,2})[/.](\d{4})$`)

// Orders of the numbers in a date with slashes, as a mapping file says them.
const (
	DayFirst   = "dmy"
	MonthFirst = "mdy"
)

// calendarDate rewrites 31/01/2024 as 2024-01-31 by the order that the mapping
// file says. Anything else stays as it is.
func calendarDate(s, order string) (string, bool) {
	m := slashDate.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return s, true
	}
	day, month := m[1], m[2]
	switch order {
	case DayFirst:
	case MonthFirst:
		day, month = month, day
	default:
		return s, false
	}
	pad := func(n string) string { return strings.Repeat("0", 2-len(n)) + n }
	return m[3] + "-" + pad(month) + "-" + pad(day), true
}

// readMoment reads a date or time as site generators write them. A date alone
// is the first moment of that day; what says no offset is Europe/Rome. Only days
// that exist are read. The answer is UTC, to the millisecond.
func readMoment(n node, order string) (time.Time, *fault) {
	if n.kind != scalarNode {
		return time.Time{}, faultAt(n.at, "not_a_date", "value", "", "format", dateFormat)
	}
	s, ok := calendarDate(n.text, order)
	if !ok {
		return time.Time{}, faultAt(n.at, CodeAmbiguousDate, "value", n.text)
	}
	s = strings.TrimSpace(s)
	if len(s) <= 64 {
		for _, layout := range zonedLayouts {
			if t, err := time.Parse(layout, s); err == nil && inCalendar(t) {
				return t.UTC().Truncate(time.Millisecond), nil
			}
		}
		for _, layout := range localLayouts {
			t, err := time.Parse(layout, s)
			if err != nil || !inCalendar(t) {
				continue
			}
			// ParseMoment knows what Rome's clock does when the hour changes.
			if t, err = content.ParseMoment(t.Format("2006-01-02T15:04:05")); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, faultAt(n.at, "not_a_date", "value", n.text, "format", dateFormat)
}

const dateFormat = "YYYY-MM-DD, RFC 3339"

func inCalendar(t time.Time) bool { return t.Year() >= 1000 && t.Year() <= 9999 }

// formatMoment writes a time of the interchange format: RFC 3339, UTC, with
// milliseconds when there are any.
func formatMoment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }
