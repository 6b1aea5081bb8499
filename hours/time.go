package hours

import (
	"math"
	"sync/atomic"
	"time"
	_ "time/tzdata" // Rome must be known on machines without a zone database
)

// rome is the zone of all hours.
var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is in the program
	}
	return zone
}()

const secondsOfDay = 24 * 60 * 60

// season is a time in which the clocks of Rome keep their offset from UTC.
type season struct{ from, until, offset int64 } // seconds; from 1970 and of offset

// lately is the season asked for last: questions mostly are of one moment.
var lately atomic.Pointer[season]

// local answers the civil day in Rome of a moment, counted from 1 January 1970,
// the second of its clock, and whether the clocks change within two days.
func local(t time.Time) (day, second int64, nearChange bool) {
	u := t.Unix()
	s := lately.Load()
	if s == nil || u < s.from || u >= s.until {
		s = seasonOf(t)
		lately.Store(s)
	}
	const near = 2 * secondsOfDay
	wall := u + s.offset
	day = floor(wall, secondsOfDay)
	return day, wall - day*secondsOfDay, u < s.from+near || u >= s.until-near
}

func seasonOf(t time.Time) *season {
	t = t.In(rome)
	_, offset := t.Zone()
	// Half of the range, so that sums stay in it.
	s := &season{math.MinInt64 / 2, math.MaxInt64 / 2, int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.from = start.Unix()
	}
	if !end.IsZero() {
		s.until = end.Unix()
	}
	return s
}

// floor divides rounding down.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// number counts a day of the Gregorian calendar from 1 January 1970, and date is
// its inverse. Years begin in March in them, so that the leap day is the last.
func number(year, month, day int) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := floor(y, 400)
	ofEra := y - era*400
	ofYear := (153*(m-3)+2)/5 + int64(day) - 1
	return era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468
}

func date(n int64) (year, month, day int) {
	n += 719468
	era := floor(n, 146097)
	d := n - era*146097
	ofEra := (d - d/1460 + d/36524 - d/146096) / 365
	ofYear := d - (365*ofEra + ofEra/4 - ofEra/100)
	m := (5*ofYear + 2) / 153
	day = int(ofYear - (153*m+2)/5 + 1)
	y := ofEra + era*400
	if m += 3; m > 12 {
		m -= 12
		y++
	}
	return int(y), int(m), day
}

// weekday is 0 on Monday.
func weekday(n int64) int { return int((n+3)%7+7) % 7 }

// moment is the Unix second at which the clocks of Rome reach a minute of a day,
// which may be beyond 24 hours. Where a change of clocks makes that ambiguous,
// closing asks for the last moment before which they show less, opening for the
// first from which they show as much or more.
func moment(day int64, minute int, closing bool) int64 {
	wall := day*secondsOfDay + int64(minute)*60
	early := time.Unix(wall-secondsOfDay, 0).In(rome)
	_, before := early.Zone()
	_, after := time.Unix(wall+secondsOfDay, 0).In(rome).Zone()
	a, b := wall-int64(before), wall-int64(after)
	if a == b {
		return a
	}
	_, end := early.ZoneBounds()
	change := end.Unix()
	switch isBefore, isAfter := a < change, b >= change; {
	case isBefore && isAfter: // shown twice
		if closing && b > change {
			return b
		}
		return a
	case isBefore:
		return a
	case isAfter:
		return b
	}
	return change // skipped
}
