package hours

import (
	"strings"
	"testing"
	"time"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestEaster(t *testing.T) {
	for _, want := range []string{
		"1583-04-10", "1598-03-22", "1666-04-25", "1818-03-22", "1886-04-25", "1900-04-15", "1943-04-25", "1954-04-18", "1961-04-02",
		"1981-04-19", "1999-04-04", "2000-04-23", "2008-03-23", "2011-04-24", "2016-03-27", "2019-04-21", "2024-03-31", "2025-04-20",
		"2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25", "2049-04-18", "2076-04-19", "2285-03-22", "2299-04-16",
	} {
		if got := Easter(day(want).Year()); !got.Equal(day(want)) {
			t.Errorf("Easter is %s, want %s", got.Format(time.DateOnly), want)
		}
	}
	// Against another way to compute it: golden number, epact and Sunday letter, as
	// Clavius did (Knuth, The Art of Computer Programming 1, exercise 1.3.2-14).
	for year := 1583; year < 6000; year++ {
		golden, century := year%19+1, year/100+1
		dropped, moon := 3*century/4-12, (8*century+5)/25-5
		epact := ((11*golden+20+moon-dropped)%30 + 30) % 30
		if epact == 25 && golden > 11 || epact == 24 {
			epact++
		}
		n := 44 - epact
		if n < 21 {
			n += 30
		}
		n += 7 - (5*year/4-dropped-10+n)%7
		if got, want := Easter(year), time.Date(year, time.March, n, 0, 0, 0, 0, time.UTC); !got.Equal(want) || got.Weekday() != time.Sunday {
			t.Fatalf("%d: %s, want %s", year, got, want)
		}
	}
}

func TestHoliday(t *testing.T) {
	year := func(from string, days int) string {
		var out []string
		for i := range days {
			d := day(from).AddDate(0, 0, i)
			if name, ok := Holiday(d); ok {
				out = append(out, d.Format("01-02 ")+name)
			} else if name != "" {
				t.Errorf("%s is no holiday and called %s", d, name)
			}
		}
		return strings.Join(out, ", ")
	}
	const rest = ", 11-01 all_saints, 12-08 immaculate, 12-25 christmas, 12-26 stephen"
	if got := year("2025-01-01", 365); got != "01-01 new_year, 01-06 epiphany, 04-20 easter, 04-21 easter_monday, 04-25 liberation, 05-01 labour, 06-02 republic, 08-15 assumption"+rest {
		t.Errorf("2025: %s", got)
	}
	// From 2026 on 4 October is one (Law 151/2025).
	if got := year("2026-01-01", 365); got != "01-01 new_year, 01-06 epiphany, 04-05 easter, 04-06 easter_monday, 04-25 liberation, 05-01 labour, 06-02 republic, 08-15 assumption, 10-04 francis"+rest {
		t.Errorf("2026: %s", got)
	}
	// Easter in March, and its Monday in a leap year's April.
	if got := year("2027-03-01", 31); got != "03-28 easter, 03-29 easter_monday" {
		t.Errorf("March 2027: %s", got)
	}
	if got := year("2028-02-28", 60); got != "04-16 easter, 04-17 easter_monday, 04-25 liberation" {
		t.Errorf("spring 2028: %s", got)
	}
	// Of two holidays on one day the one of the calendar is named.
	if name, _ := Holiday(day("2038-04-25")); name != "liberation" {
		t.Errorf("Easter on 25 April: %s", name)
	}
	if name, _ := Holiday(day("2038-04-26")); name != "easter_monday" {
		t.Errorf("the last Easter Monday there can be: %q", name)
	}
	// The day is Rome's: at 23:30 in UTC it is the next one there.
	for at, want := range map[string]string{
		"2025-12-31T22:59:59Z": "", "2025-12-31T23:00:00Z": "new_year", "2026-01-01T22:59:59Z": "new_year", "2026-01-01T23:00:00Z": "",
		"2026-06-01T22:00:00Z": "republic", "2026-06-01T21:59:59Z": "",
	} {
		moment, _ := time.Parse(time.RFC3339, at)
		if name, _ := Holiday(moment); name != want {
			t.Errorf("%s: %q, want %q", at, name, want)
		}
	}
	for _, odd := range []time.Time{{}, time.Unix(1<<60, 0), time.Unix(-(1 << 60), 0)} {
		Holiday(odd)
	}
}
