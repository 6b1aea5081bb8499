package hours

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

// Schedule is when something is open. The zero Schedule knows nothing: it is
// never open. A Schedule is immutable and safe for concurrent use.
type Schedule struct{ rows []row }

// row is one row of kind opening_hours.
type row struct {
	from, to      int32 // days from 1970, both included; noDay where open-ended
	opens, closes int16 // minutes of the day; closes is beyond 24 hours for the next day
	days          uint8 // bit 0 is Monday
	closed        bool
	holidays      bool
	dated         bool
}

// The days of rows that begin or end at no day.
const (
	firstDay = math.MinInt32
	lastDay  = math.MaxInt32
)

var dayBits = map[string]uint8{"mo": 1, "tu": 2, "we": 4, "th": 8, "fr": 16, "sa": 32, "su": 64}

const allDays = 127

// Parse reads the canonical value of a field of kind opening_hours. What is not
// canonical says nothing and is left out.
func Parse(rows []any) Schedule {
	var s Schedule
	for _, item := range rows {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		if r, ok := parseRow(m); ok {
			s.rows = append(s.rows, r)
		}
	}
	return s
}

func parseRow(m map[string]any) (row, bool) {
	r := row{from: firstDay, to: lastDay, closed: m["closed"] == true, holidays: m["holidays"] == true}
	days, _ := m["days"].([]any)
	for _, d := range days {
		name, _ := d.(string)
		r.days |= dayBits[name]
	}
	for part, edge := range map[string]*int32{"valid_from": &r.from, "valid_to": &r.to} {
		if text, given := m[part]; given {
			d, ok := parseDay(text)
			if !ok {
				return r, false
			}
			*edge = d
			r.dated = true
		}
	}
	if r.closed {
		return r, true
	}
	opens, ok1 := parseClock(m["opens"])
	closes, ok2 := parseClock(m["closes"])
	if !ok1 || !ok2 || r.days == 0 && !r.holidays {
		return r, false
	}
	if closes == 23*60+59 {
		closes = 24 * 60
	} else if closes <= opens {
		closes += 24 * 60
	}
	r.opens, r.closes = opens, closes
	return r, true
}

// parseDay reads 2006-01-02.
func parseDay(v any) (int32, bool) {
	s, _ := v.(string)
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, false
	}
	return int32(number(t.Year(), int(t.Month()), t.Day())), true
}

// parseClock reads 15:04 as minutes.
func parseClock(v any) (int16, bool) {
	s, _ := v.(string)
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	return int16(h*60 + m), err1 == nil && err2 == nil && h < 24 && m < 60
}

// Known reports whether it says anything of when it is open. Closures alone do not.
func (s Schedule) Known() bool {
	return slices.ContainsFunc(s.rows, func(r row) bool { return !r.closed })
}

// holds reports whether the row's dates and days include a day.
func (r *row) holds(day int64, bit uint8, holiday bool) bool {
	switch {
	case day < int64(r.from) || day > int64(r.to):
		return false
	case r.days&bit != 0, holiday && r.holidays:
		return true
	}
	return r.closed && r.days == 0 && !r.holidays
}

// The rows that open on a day.
const (
	openNone    = iota
	openUndated // all rows that hold
	openDated   // dated rows that hold
)

// opening is what decides about a day: its bit, whether it is a holiday, and
// which rows open on it.
type opening struct {
	day     int64
	bit     uint8
	holiday bool
	rows    int
}

// at decides about a day.
func (s *Schedule) at(day int64) opening {
	o := opening{day: day, bit: 1 << weekday(day), holiday: calendar().on(day) != nil}
	for i := range s.rows {
		r := &s.rows[i]
		if r.closed {
			if r.holds(day, o.bit, o.holiday) {
				o.rows = openNone
				return o
			}
			continue
		}
		switch {
		case o.rows == openDated || !r.opensOn(o):
		case r.dated:
			o.rows = openDated
		default:
			o.rows = openUndated
		}
	}
	return o
}

// opensOn reports whether an open row holds on a day and its holiday allows it.
func (r *row) opensOn(o opening) bool {
	return r.holds(o.day, o.bit, o.holiday) && (!o.holiday || r.holidays || r.from == r.to)
}

// takes reports whether an open row is one of those that open.
func (o opening) takes(r *row) bool {
	return o.rows != openNone && !r.closed && r.dated == (o.rows == openDated) && r.opensOn(o)
}

// Open reports whether it is open at a moment. It does not allocate.
func (s Schedule) Open(t time.Time) bool {
	if len(s.rows) == 0 {
		return false
	}
	// Nothing is open for more than a day, so only today's rows and yesterday's
	// matter. They are compared with the clock, unless the clocks change nearby.
	day, second, exact := local(t)
	for back := range int64(2) {
		if back > 0 && !s.late() {
			break
		}
		o := s.at(day - back)
		if o.rows == openNone {
			continue
		}
		clock := second + back*secondsOfDay
		for i := range s.rows {
			r := &s.rows[i]
			if !o.takes(r) {
				continue
			}
			if exact {
				if u := t.Unix(); moment(o.day, int(r.opens), false) <= u && u < moment(o.day, int(r.closes), true) {
					return true
				}
			} else if int64(r.opens)*60 <= clock && clock < int64(r.closes)*60 {
				return true
			}
		}
	}
	return false
}

// late reports whether a row closes after midnight.
func (s *Schedule) late() bool {
	for i := range s.rows {
		if s.rows[i].closes > 24*60 {
			return true
		}
	}
	return false
}

// Span is a time during which it is open, from From until before To.
type Span struct{ From, To time.Time }

// Day lists when it opens on the civil day in Rome of a moment (midnight of a
// civil date in UTC will do), in order and without overlaps, in Rome's zone. A
// span that ends after midnight is whole; one that began the day before is not
// there.
func (s Schedule) Day(day time.Time) []Span {
	d, _, _ := local(day)
	return s.spans(d, nil)
}

// spans appends those of a day.
func (s *Schedule) spans(day int64, out []Span) []Span {
	o := s.at(day)
	if o.rows == openNone {
		return out
	}
	n := len(out)
	for i := range s.rows {
		r := &s.rows[i]
		if !o.takes(r) {
			continue
		}
		from, to := moment(day, int(r.opens), false), moment(day, int(r.closes), true)
		if from < to { // not all within an hour that the clocks skip
			out = append(out, Span{time.Unix(from, 0).In(rome), time.Unix(to, 0).In(rome)})
		}
	}
	added := out[n:]
	slices.SortFunc(added, func(a, b Span) int { return cmp.Compare(a.From.Unix(), b.From.Unix()) })
	out = out[:n]
	for _, sp := range added {
		if last := len(out) - 1; last >= n && !sp.From.After(out[last].To) {
			if sp.To.After(out[last].To) {
				out[last].To = sp.To
			}
			continue
		}
		out = append(out, sp)
	}
	return out
}

// horizon is how many days Next looks ahead.
const horizon = 60

// Next is the next change after a moment, within 60 days: when it opens
// (opens is true) or closes. ok is false when nothing changes until then.
func (s Schedule) Next(t time.Time) (at time.Time, opens bool, ok bool) {
	if !s.Known() {
		return time.Time{}, false, false
	}
	day, _, _ := local(t)
	limit := t.Add(horizon * 24 * time.Hour)
	var until time.Time // the end of the time that is open at t
	var list []Span
	for d := day - 1; d <= day+horizon+1; d++ {
		list = s.spans(d, list[:0])
		for _, sp := range list {
			switch {
			case !until.IsZero():
				if sp.From.After(until) {
					return within(until, false, limit)
				}
				if sp.To.After(until) {
					until = sp.To
				}
			case sp.From.After(t):
				return within(sp.From, true, limit)
			case sp.To.After(t):
				until = sp.To
			}
		}
	}
	if until.IsZero() {
		return time.Time{}, false, false
	}
	return within(until, false, limit)
}

// within answers a change unless it is after the limit.
func within(at time.Time, opens bool, limit time.Time) (time.Time, bool, bool) {
	if at.After(limit) {
		return time.Time{}, false, false
	}
	return at, opens, true
}
