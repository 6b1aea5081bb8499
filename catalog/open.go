package catalog

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/hours"
	"github.com/prassi-cms/prassi/schemas"
)

// hours reads when a document is open.
func (l *loadedDoc) hours() hours.Schedule {
	if l.shape.hours == nil {
		return hours.Schedule{}
	}
	var rows []any
	if raw := l.shared[l.shape.hours.Name]; len(raw) == 0 || json.Unmarshal(raw, &rows) != nil {
		return hours.Schedule{}
	}
	return hours.Parse(rows)
}

func (e *encoder) hours(s hours.Schedule) {
	b, err := s.AppendBinary(nil)
	if err != nil { // it was parsed
		b = nil
	}
	e.string(string(b))
}

func (d *decoder) hours() hours.Schedule {
	text := d.string()
	if text == "" {
		return hours.Schedule{}
	}
	s, err := hours.ParseBinary([]byte(text))
	if err != nil {
		d.fail()
	}
	return s
}

// weekdays are the days of the kind opening_hours.
var weekdays = []string{"su", "mo", "tu", "we", "th", "fr", "sa"}

// weekday gives the id of a day of the week, by whatever the declarations know it
// by; empty when it is none.
func (s *shape) weekday(name string) string {
	if days, ok := s.hours.Part("days"); ok && len(name) <= 40 {
		if t, ok := days.FindTerm(name); ok {
			return t.ID
		}
	}
	return ""
}

// normaliseHours checks what a query asks of opening hours, and looks at the
// clock for it.
func (c *Catalog) normaliseHours(q *Query, shape *shape, bad *fault) {
	if shape.hours == nil {
		if q.OpenNow || !q.OpenAt.IsZero() {
			bad.add("open_at", "unknown_parameter", map[string]any{"parameter": "open_at"})
		}
		if q.OpenOn != "" {
			bad.add("open_on", "unknown_parameter", map[string]any{"parameter": "open_on"})
		}
		return
	}
	if q.OpenNow {
		// Things open and close on the minute.
		q.OpenAt = c.clock().Truncate(time.Minute)
	}
	q.OpenAt = q.OpenAt.UTC()
	if q.OpenOn == "" {
		return
	}
	if i := slices.Index(weekdays, shape.weekday(q.OpenOn)); i >= 0 {
		q.OpenOn = weekdays[i]
		today := c.clock().In(content.Rome)
		y, m, d := today.Date()
		// Noon is on the same day wherever the clocks change.
		q.openDay = time.Date(y, m, d+(i-int(today.Weekday())+7)%7, 12, 0, 0, 0, content.Rome)
		return
	}
	day, err := time.ParseInLocation(time.DateOnly, q.OpenOn, content.Rome)
	if err != nil {
		bad.value("open_on", schemas.CodeNotADate, q.OpenOn)
		bad.last()["format"] = openOnFormat
		return
	}
	q.openDay = day.Add(12 * time.Hour)
}
