package citation

import "fmt"

// years in which an act that this package knows may have been made: the
// Kingdom of Italy to the end of the century.
const (
	firstYear = 1861
	lastYear  = 2099
	// pivotYear parts the two centuries of a year of two digits: "98" is
	// 1998, "23" is 2023. No act of the Republic is older than 1946.
	pivotYear = 46
)

// date is a day or, when month is 0, a year alone. The zero date is none.
type date struct{ year, month, day int }

// urn is the date as a URN:NIR writes it.
func (d date) urn() string {
	if d.month == 0 {
		return fmt.Sprintf("%04d", d.year)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

var monthNames = [...]string{"", "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
	"luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"}

// label is the date as an Italian drafter writes it.
func (d date) label() string {
	switch {
	case d.month == 0:
		return fmt.Sprint(d.year)
	case d.day == 1:
		return fmt.Sprintf("1° %s %d", monthNames[d.month], d.year)
	}
	return fmt.Sprintf("%d %s %d", d.day, monthNames[d.month], d.year)
}

// exists reports whether the calendar has this day.
func (d date) exists() bool {
	if d.month < 1 || d.month > 12 || d.day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[d.month-1]
	if d.month == 2 && d.year%4 == 0 && (d.year%100 != 0 || d.year%400 == 0) {
		days = 29
	}
	return d.day <= days
}

// orYear is d, or its year alone when the calendar has no such day.
func (d date) orYear() date {
	if d.exists() {
		return d
	}
	return date{year: d.year}
}

// year reads a year of four digits, or of two ("98", "'98").
func year(s string, i int) (y, end int, ok bool) {
	quoted := false
	if j, isQuote := apostrophe(s, i); isQuote {
		i, quoted = j, true
	}
	j, ok := digits(s, i, 4)
	if !ok {
		return 0, i, false
	}
	switch y = atoi(s[i:j]); {
	case j-i == 4 && !quoted:
	case j-i == 2 && y >= pivotYear:
		y += 1900
	case j-i == 2:
		y += 2000
	default:
		return 0, i, false
	}
	if y < firstYear || y > lastYear || !wordEnds(s, j) {
		return 0, i, false
	}
	return y, j, true
}

var months = func() map[string]int {
	m := map[string]int{"sett": 9, "genn": 1, "febbr": 2}
	for n, name := range monthNames {
		if n > 0 {
			m[name], m[name[:3]] = n, n
		}
	}
	return m
}()

// month reads the name of a month or its abbreviation.
func month(s string, i int) (m, end int, ok bool) {
	var key [12]byte
	n := 0
	for i < len(s) && isLetter(s[i]) && n < len(key) {
		key[n] = lower(s[i])
		n++
		i++
	}
	m, ok = months[string(key[:n])]
	if !ok || !wordEnds(s, i) {
		return 0, i, false
	}
	if n < 6 && m != 5 || n == 3 {
		i = dot(s, i)
	}
	return m, i, true
}

// readDate reads "25 luglio 1998", "1° dicembre 1970", "25.7.1998",
// "25/07/98" or "25-7-1998". A date in words may lack its year when a later
// part of the citation gives it, so the year may come out as 0.
func readDate(s string, i int) (d date, end int, ok bool) {
	j, ok := digits(s, i, 2)
	if !ok {
		return d, i, false
	}
	d.day = atoi(s[i:j])
	if k, isFirst := ordinalMark(s, j); isFirst {
		j = k
	}
	if m, k, isName := month(s, space(s, j)); isName && k > j {
		d.month = m
		y, end, ok := year(s, space(s, k))
		if !ok {
			return d, i, false
		}
		d.year = y
		return d, fascistEra(s, end), true
	}
	if j >= len(s) || s[j] != '.' && s[j] != '/' && s[j] != '-' {
		return d, i, false
	}
	sep := s[j]
	m, ok := digits(s, j+1, 2)
	if !ok || m >= len(s) || s[m] != sep {
		return d, i, false
	}
	d.month = atoi(s[j+1 : m])
	y, end, ok := year(s, m+1)
	if !ok || d.month < 1 || d.month > 12 {
		return d, i, false
	}
	d.year = y
	return d, end, true
}

// ordinalMark reads the sign of an ordinal number: 1°, 1º, 1^.
func ordinalMark(s string, i int) (int, bool) {
	for _, m := range [...]string{"°", "º", "^"} {
		if hasAt(s, i, m) {
			return i + len(m), true
		}
	}
	return i, false
}

// fascistEra skips the year of the fascist era that acts of 1926 to 1943 carry
// after the common one: "16 marzo 1942-XX".
func fascistEra(s string, i int) int {
	if i >= len(s) || s[i] != '-' {
		return i
	}
	j := i + 1
	for j < len(s) && (s[j] == 'I' || s[j] == 'V' || s[j] == 'X') {
		j++
	}
	if j == i+1 || !wordEnds(s, j) {
		return i
	}
	return j
}
