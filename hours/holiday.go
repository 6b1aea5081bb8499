package hours

import (
	"sync"
	"time"

	"github.com/prassi-cms/prassi/schemas"
)

// Holiday is the identifier of the public holiday that a civil day is, from
// schemas/holidays.yaml; ok is false when it is none. The day is that of the
// moment in Rome, so midnight of a civil date in UTC will do. It knows the law of
// today and says nothing true of the past beyond it.
func Holiday(day time.Time) (name string, ok bool) {
	d, _, _ := local(day)
	h := calendar().on(d)
	if h == nil {
		return "", false
	}
	return h.ID, true
}

// Easter is the civil day of Easter Sunday in the Gregorian calendar, at UTC
// midnight. The year must be after 1582.
func Easter(year int) time.Time {
	month, d := easter(year)
	return time.Date(year, time.Month(month), d, 0, 0, 0, 0, time.UTC)
}

// easter computes month and day by the anonymous Gregorian algorithm (Nature,
// 20 April 1876, p. 487; in Meeus, Astronomical Algorithms, chapter 8): the
// Sunday after the first full moon of the lunar calendar from 21 March on.
func easter(year int) (month, day int) {
	golden := year % 19 // place in the cycle of the moon
	century, inCentury := year/100, year%100
	leapCenturies := century / 4
	correction := (century - (century+8)/25 + 1) / 3 // the moon's, over the centuries
	moon := (19*golden + century - leapCenturies - correction + 15) % 30
	weekday := (32 + 2*(century%4) + 2*(inCentury/4) - moon - inCentury%4) % 7
	late := (golden + 11*moon + 22*weekday) / 451
	n := moon + weekday - 7*late + 114
	return n / 31, n%31 + 1
}

// yearly is the holidays, ready to be asked for a day.
type yearly struct {
	fixed       [13][32]*schemas.Holiday
	easter      []*schemas.Holiday
	first, last int64 // days from 22 March on which those of Easter can be
}

var calendar = sync.OnceValue(func() *yearly {
	c := new(yearly)
	list := schemas.Default().Holidays()
	for i := range list {
		h := &list[i]
		if h.Easter != nil {
			c.easter = append(c.easter, h)
			c.first, c.last = min(c.first, int64(*h.Easter)), max(c.last, int64(*h.Easter)+34)
		} else {
			c.fixed[h.Month][h.Day] = h
		}
	}
	return c
})

// on answers the holiday on a day counted from 1 January 1970; nil for none.
func (c *yearly) on(d int64) *schemas.Holiday {
	year, month, dom := date(d)
	if year <= 1582 {
		return nil
	}
	if h := c.fixed[month][dom]; h != nil && year >= h.From {
		return h
	}
	// Easter is from 22 March to 25 April.
	if spring := d - number(year, 3, 22); spring < c.first || spring > c.last {
		return nil
	}
	em, ed := easter(year)
	after := d - number(year, em, ed)
	for _, h := range c.easter {
		if int64(*h.Easter) == after && year >= h.From {
			return h
		}
	}
	return nil
}
