package hours

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/schemas"
)

// canonical is rows from JSON as the field's kind makes them.
func canonical(t testing.TB, text string) []any {
	t.Helper()
	service, _ := schemas.Default().Type("service")
	f, _ := service.Field("opening_hours")
	var in any
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	v, issues := f.Parse(in, nil)
	if issues != nil {
		t.Fatalf("%s: %+v", text, issues)
	}
	rows, _ := v.([]any)
	return rows
}

// at is a local time of Rome; a + after it is the second of two.
func at(s string) time.Time {
	second := strings.HasSuffix(s, "+")
	t, err := time.ParseInLocation("2006-01-02 15:04", strings.TrimSuffix(s, "+"), rome)
	if err != nil {
		panic(err)
	}
	if first := t.Add(-time.Hour); first.Format("15:04") == t.Format("15:04") {
		t = first
	}
	if second {
		return t.Add(time.Hour)
	}
	return t
}

func show(spans []Span) string {
	var out []string
	for _, s := range spans {
		to := s.To.Format("15:04")
		if s.To.Format(time.DateOnly) != s.From.Format(time.DateOnly) {
			to = s.To.Format("02 15:04")
		}
		out = append(out, s.From.Format("15:04")+"-"+to)
	}
	return strings.Join(out, " ")
}

const (
	office  = `{"days":["mo","tu","we","th","fr"],"opens":"09:00","closes":"13:00"},{"days":["tu","th"],"opens":"15:00","closes":"18:00"}`
	august  = `{"closed":true,"valid_from":"2026-08-03","valid_to":"2026-08-30"}`
	always  = `{"days":["mo","tu","we","th","fr","sa","su"],"holidays":true,"opens":"00:00","closes":"23:59"}`
	night   = `{"days":["sa"],"opens":"22:00","closes":"02:00"}`
	holiday = `{"holidays":true,"opens":"10:00","closes":"12:00"}`
)

func TestDay(t *testing.T) {
	for name, c := range map[string]struct{ rows, day, want string }{
		"a Monday":                 {office, "2026-11-23", "09:00-13:00"},
		"a Tuesday":                {office, "2026-11-24", "09:00-13:00 15:00-18:00"},
		"a Saturday":               {office, "2026-11-28", ""},
		"in no order, overlapping": {`{"days":["mo"],"opens":"15:00","closes":"18:00"},{"days":["mo"],"opens":"12:00","closes":"15:00"},{"days":["mo"],"opens":"09:00","closes":"12:30"},{"days":["mo"],"opens":"10:00","closes":"11:00"}`, "2026-11-23", "09:00-18:00"},
		"closed in August":         {office + "," + august, "2026-08-10", ""},
		"last day closed":          {office + "," + august, "2026-08-28", ""},
		"first day closed":         {office + "," + august, "2026-08-03", ""},
		"day before":               {office + "," + august, "2026-07-31", "09:00-13:00"},
		"day after":                {office + "," + august, "2026-08-31", "09:00-13:00"},
		"closed on Tuesdays":       {office + `,{"closed":true,"days":["tu"]}`, "2026-11-24", ""},
		"not on Mondays":           {office + `,{"closed":true,"days":["tu"]}`, "2026-11-23", "09:00-13:00"},
		"closed beats dated":       {`{"days":["mo"],"opens":"09:00","closes":"10:00","valid_from":"2026-11-23","valid_to":"2026-11-23"},{"closed":true}`, "2026-11-23", ""},
		"holiday":                  {office, "2026-06-02", ""},
		"holiday, and open":        {office + "," + holiday, "2026-06-02", "10:00-12:00"},
		"no holiday":               {office + "," + holiday, "2026-06-03", "09:00-13:00"},
		"holidays too":             {`{"days":["mo"],"holidays":true,"opens":"09:00","closes":"13:00"}`, "2026-06-02", "09:00-13:00"},
		"holidays too: weekday":    {`{"days":["mo"],"holidays":true,"opens":"09:00","closes":"13:00"}`, "2026-06-03", ""},
		"closed on holidays":       {always + `,{"closed":true,"holidays":true}`, "2026-06-02", ""},
		"closed on holidays only":  {always + `,{"closed":true,"holidays":true}`, "2026-06-03", "00:00-04 00:00"},
		"4 October 2027":           {office, "2027-10-04", ""},
		"4 October 2021":           {office, "2021-10-04", "09:00-13:00"},
		"Easter Monday":            {office, "2026-04-06", ""},
		"that single holiday":      {office + `,{"days":["mo","tu","we","th","fr","sa","su"],"opens":"10:00","closes":"11:00","valid_from":"2026-12-25","valid_to":"2026-12-25"}`, "2026-12-25", "10:00-11:00"},
		"a week with a holiday":    {office + `,{"days":["mo","tu","we","th","fr","sa","su"],"opens":"10:00","closes":"11:00","valid_from":"2026-12-21","valid_to":"2026-12-26"}`, "2026-12-25", ""},
		"summer hours":             {office + `,{"days":["mo","tu"],"opens":"08:00","closes":"12:00","valid_from":"2026-07-01","valid_to":"2026-07-31"}`, "2026-07-07", "08:00-12:00"},
		"summer, other day":        {office + `,{"days":["mo","tu"],"opens":"08:00","closes":"12:00","valid_from":"2026-07-01","valid_to":"2026-07-31"}`, "2026-07-08", "09:00-13:00"},
		"summer is over":           {office + `,{"days":["mo","tu"],"opens":"08:00","closes":"12:00","valid_from":"2026-07-01","valid_to":"2026-07-31"}`, "2026-08-04", "09:00-13:00 15:00-18:00"},
		"from a day on":            {office + `,{"days":["mo"],"opens":"08:00","closes":"12:00","valid_from":"2026-07-01"}`, "2030-07-01", "08:00-12:00"},
		"until a day":              {office + `,{"days":["mo"],"opens":"08:00","closes":"12:00","valid_to":"2026-07-01"}`, "2026-06-29", "08:00-12:00"},
		"over midnight":            {night, "2026-11-28", "22:00-29 02:00"},
		"the day after":            {night, "2026-11-29", ""},
		"over midnight, closed":    {night + `,{"closed":true,"days":["su"]}`, "2026-11-28", "22:00-29 02:00"},
		"all day":                  {always, "2026-11-28", "00:00-29 00:00"},
		"same hour":                {`{"days":["sa"],"opens":"08:00","closes":"08:00"}`, "2026-11-28", "08:00-29 08:00"},
		"till midnight":            {`{"days":["sa"],"opens":"20:00","closes":"00:00"}`, "2026-11-28", "20:00-29 00:00"},
		// 29 March 2026: from 02:00 to 03:00. 25 October 2026: from 03:00 to 02:00.
		"spring":               {`{"days":["su"],"opens":"01:00","closes":"05:00"}`, "2026-03-29", "01:00-05:00"},
		"opens in no hour":     {`{"days":["su"],"opens":"02:30","closes":"05:00"}`, "2026-03-29", "03:00-05:00"},
		"closes in no hour":    {`{"days":["su"],"opens":"01:00","closes":"02:30"}`, "2026-03-29", "01:00-03:00"},
		"all in no hour":       {`{"days":["su"],"opens":"02:10","closes":"02:50"}`, "2026-03-29", ""},
		"the night of spring":  {night, "2026-03-28", "22:00-29 03:00"},
		"autumn":               {`{"days":["su"],"opens":"01:00","closes":"05:00"}`, "2026-10-25", "01:00-05:00"},
		"nothing":              {"", "2026-11-28", ""},
		"only closed":          {august, "2026-08-10", ""},
		"before the calendar":  {office, "1500-01-01", "09:00-13:00"},
		"far in the future":    {office, "9998-01-01", ""},
		"a leap day":           {`{"days":["tu"],"opens":"09:00","closes":"10:00","valid_from":"2028-02-29","valid_to":"2028-02-29"}`, "2028-02-29", "09:00-10:00"},
		"the day before leap":  {`{"days":["mo","tu","we"],"opens":"09:00","closes":"10:00","valid_from":"2028-02-29","valid_to":"2028-02-29"}`, "2028-02-28", ""},
		"the day after a leap": {`{"days":["mo","tu","we"],"opens":"09:00","closes":"10:00","valid_from":"2028-02-29","valid_to":"2028-02-29"}`, "2028-03-01", ""},
	} {
		s := Parse(canonical(t, "["+c.rows+"]"))
		if got := show(s.Day(day(c.day))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := show(s.Day(at(c.day + " 23:59"))); got != c.want {
			t.Errorf("%s, late: %q, want %q", name, got, c.want)
		}
	}
	if d := Parse(canonical(t, "["+night+"]")).Day(day("2026-11-28")); d[0].From.Location() != rome {
		t.Error("spans are not in Rome's zone")
	}
}

// The length of what the clocks show twice and of what they skip.
func TestDaysOfOtherLength(t *testing.T) {
	for name, c := range map[string]struct {
		rows, day string
		hours     float64
	}{
		"spring, all day":                {always, "2026-03-29", 23},
		"autumn, all day":                {always, "2026-10-25", 25},
		"autumn, opens in what is twice": {`{"days":["su"],"opens":"02:30","closes":"04:00"}`, "2026-10-25", 2.5},
		"autumn, closes in it":           {`{"days":["su"],"opens":"01:00","closes":"02:30"}`, "2026-10-25", 2.5},
		"autumn, closes as it begins":    {`{"days":["su"],"opens":"01:00","closes":"02:00"}`, "2026-10-25", 1},
		"autumn, opens as it begins":     {`{"days":["su"],"opens":"02:00","closes":"03:00"}`, "2026-10-25", 2},
		"autumn, opens as it ends":       {`{"days":["su"],"opens":"03:00","closes":"04:00"}`, "2026-10-25", 1},
		"autumn, the night":              {night, "2026-10-24", 4},
		"spring, closes as it begins":    {`{"days":["su"],"opens":"01:00","closes":"02:00"}`, "2026-03-29", 1},
		"spring, opens as it ends":       {`{"days":["su"],"opens":"03:00","closes":"04:00"}`, "2026-03-29", 1},
	} {
		spans := Parse(canonical(t, "["+c.rows+"]")).Day(day(c.day))
		if len(spans) != 1 || spans[0].To.Sub(spans[0].From).Hours() != c.hours {
			t.Errorf("%s: %v, want %v hours", name, spans, c.hours)
		}
	}
}

func TestOpenAndNext(t *testing.T) {
	for name, c := range map[string]struct {
		rows, at string
		open     bool
		next     string // with < when it closes, > when it opens
	}{
		"before":            {office, "2026-11-23 08:59", false, ">2026-11-23 09:00"},
		"as it opens":       {office, "2026-11-23 09:00", true, "<2026-11-23 13:00"},
		"as it closes":      {office, "2026-11-23 13:00", false, ">2026-11-24 09:00"},
		"lunch":             {office, "2026-11-24 14:00", false, ">2026-11-24 15:00"},
		"weekend":           {office, "2026-11-28 10:00", false, ">2026-11-30 09:00"},
		"before a holiday":  {office, "2026-12-07 13:00", false, ">2026-12-09 09:00"},
		"August":            {office + "," + august, "2026-08-01 10:00", false, ">2026-08-31 09:00"},
		"too far":           {`{"days":["mo"],"opens":"09:00","closes":"13:00","valid_from":"2027-03-01"}`, "2026-11-23 10:00", false, ""},
		"just near enough":  {`{"days":["fr"],"opens":"09:00","closes":"13:00","valid_from":"2027-01-22"}`, "2026-11-23 09:00", false, ">2027-01-22 09:00"},
		"no more":           {`{"days":["mo"],"opens":"09:00","closes":"13:00","valid_to":"2026-01-01"}`, "2026-11-23 10:00", false, ""},
		"always":            {always, "2026-11-23 10:00", true, ""},
		"always till a day": {always + `,{"closed":true,"valid_from":"2026-12-01"}`, "2026-11-23 10:00", true, "<2026-12-01 00:00"},
		"after midnight":    {night, "2026-11-29 01:59", true, "<2026-11-29 02:00"},
		"night is over":     {night, "2026-11-29 02:00", false, ">2026-12-05 22:00"},
		"night, closed day": {night + `,{"closed":true,"days":["su"]}`, "2026-11-29 01:00", true, "<2026-11-29 02:00"},
		"twice, first":      {`{"days":["su"],"opens":"01:00","closes":"02:30"}`, "2026-10-25 02:40", true, "<2026-10-25 02:30+"},
		"twice, second":     {`{"days":["su"],"opens":"01:00","closes":"02:30"}`, "2026-10-25 02:40+", false, ">2026-11-08 01:00"},
		"nothing known":     {"", "2026-11-23 10:00", false, ""},
		"closures alone":    {august, "2026-08-10 10:00", false, ""},
	} {
		s := Parse(canonical(t, "["+c.rows+"]"))
		now := at(c.at)
		if got := s.Open(now.UTC()); got != c.open {
			t.Errorf("%s: open %v", name, got)
		}
		when, opens, ok := s.Next(now.UTC())
		got := ""
		if ok {
			got = map[bool]string{true: ">", false: "<"}[opens] + when.Format("2006-01-02 15:04")
			if strings.HasSuffix(c.next, "+") && when.Equal(at(c.next[1:])) {
				got += "+"
			}
		} else if !when.IsZero() {
			t.Errorf("%s: no change, at %s", name, when)
		}
		if got != c.next {
			t.Errorf("%s: next %q, want %q", name, got, c.next)
		}
	}
	var zero Schedule
	if zero.Known() || zero.Open(time.Now()) || zero.Day(time.Now()) != nil {
		t.Error("the zero schedule knows something")
	}
	if Parse(canonical(t, "["+august+"]")).Known() || !Parse(canonical(t, "["+night+"]")).Known() {
		t.Error("known is not whether it says when it is open")
	}
	for _, odd := range []time.Time{{}, time.Unix(math.MaxInt64/2, 0), time.Unix(math.MinInt64/2, 0)} {
		s := Parse(canonical(t, "["+always+"]"))
		s.Open(odd)
		s.Day(odd)
		s.Next(odd)
	}
}

// What is not canonical says nothing.
func TestParseOddRows(t *testing.T) {
	for _, rows := range [][]any{
		nil, {nil}, {1}, {map[string]any{}}, {map[string]any{"opens": "09:00", "closes": "10:00"}},
		{map[string]any{"days": []any{"mo"}, "opens": "9:00", "closes": "10:00"}},
		{map[string]any{"days": []any{"mo"}, "opens": "09:00", "closes": "24:00"}},
		{map[string]any{"days": []any{"mo"}, "opens": "09:60", "closes": "10:00"}},
		{map[string]any{"days": []any{"mo"}, "opens": "+9:00", "closes": "10:00"}},
		{map[string]any{"days": []any{"xx", 1}, "opens": "09:00", "closes": "10:00"}},
		{map[string]any{"days": []any{"mo"}, "opens": "09:00", "closes": "10:00", "valid_from": "tomorrow"}},
		{map[string]any{"days": []any{"mo"}, "opens": "09:00", "closes": "10:00", "valid_to": 1}},
	} {
		if s := Parse(rows); len(s.rows) > 0 || s.Known() {
			t.Errorf("%v: %+v", rows, s)
		}
	}
}

func TestDaysAreCounted(t *testing.T) {
	for n := int64(-800_000); n < 3_000_000; n += 13 {
		want := time.Unix(n*secondsOfDay, 0).UTC()
		y, m, d := date(n)
		if y != want.Year() || m != int(want.Month()) || d != want.Day() || number(y, m, d) != n || (weekday(n)+1)%7 != int(want.Weekday()) {
			t.Fatalf("day %d is %d-%d-%d, a %d; want %s", n, y, m, d, weekday(n), want)
		}
	}
}

var dayNames = []string{"mo", "tu", "we", "th", "fr", "sa", "su"}

// anyRows draws rows that the kind accepts, in canonical form, near the days that
// anyTime draws.
func anyRows(t *rapid.T) []any {
	civil := func(label string) string {
		return day("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 500).Draw(t, label)).Format(time.DateOnly)
	}
	clock := func(label string) string {
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, label), rapid.SampledFrom([]int{0, 15, 30, 59}).Draw(t, label+" minute"))
	}
	var rows []any
	for range rapid.IntRange(0, 6).Draw(t, "rows") {
		r := map[string]any{}
		var days []any
		for _, d := range dayNames {
			if rapid.Bool().Draw(t, d) {
				days = append(days, d)
			}
		}
		if days != nil {
			r["days"] = days
		}
		if rapid.IntRange(0, 3).Draw(t, "holidays") == 0 {
			r["holidays"] = true
		}
		if rapid.IntRange(0, 5).Draw(t, "closed") == 0 {
			r["closed"] = true
		} else {
			r["opens"], r["closes"] = clock("opens"), clock("closes")
		}
		switch rapid.IntRange(0, 5).Draw(t, "dated") {
		case 0:
			r["valid_from"] = civil("from")
		case 1:
			r["valid_to"] = civil("to")
		case 2:
			a, b := civil("from"), civil("to")
			r["valid_from"], r["valid_to"] = min(a, b), max(a, b)
		case 3:
			a := civil("single")
			r["valid_from"], r["valid_to"] = a, a
		}
		if r["closed"] == nil && days == nil && r["holidays"] == nil {
			continue
		}
		rows = append(rows, r)
	}
	return rows
}

// anyTime draws a moment, often near a change of clocks or on a holiday.
func anyTime(t *rapid.T) time.Time {
	base := rapid.SampledFrom([]string{"2026-03-28", "2026-10-24", "2027-03-27", "2026-12-24", "2026-04-04", "2026-10-03", "2026-12-31", ""}).Draw(t, "near")
	var d time.Time
	if base == "" {
		d = day("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 500).Draw(t, "day"))
	} else {
		d = day(base).AddDate(0, 0, rapid.IntRange(-2, 3).Draw(t, "off"))
	}
	return d.Add(time.Duration(rapid.IntRange(0, 24*60).Draw(t, "minute"))*time.Minute + time.Duration(rapid.IntRange(-1, 1).Draw(t, "second"))*time.Second)
}

// holds is the rules of the package's comment, read plainly.
func holds(r map[string]any, date string, weekday string, holiday bool) bool {
	if from, ok := r["valid_from"].(string); ok && date < from {
		return false
	}
	if to, ok := r["valid_to"].(string); ok && date > to {
		return false
	}
	days, _ := r["days"].([]any)
	if slices.Contains(days, any(weekday)) || holiday && r["holidays"] == true {
		return true
	}
	return r["closed"] == true && days == nil && r["holidays"] == nil
}

// rowsOf a civil day that open on it.
func rowsOf(rows []any, d time.Time) []map[string]any {
	date, weekday := d.Format(time.DateOnly), dayNames[(int(d.Weekday())+6)%7]
	_, holiday := Holiday(d)
	var dated, undated []map[string]any
	for _, item := range rows {
		r := item.(map[string]any)
		if !holds(r, date, weekday, holiday) {
			continue
		}
		if r["closed"] == true {
			return nil
		}
		if holiday && r["holidays"] == nil && (r["valid_from"] != r["valid_to"] || r["valid_from"] == nil) {
			continue
		}
		if r["valid_from"] != nil || r["valid_to"] != nil {
			dated = append(dated, r)
		} else {
			undated = append(undated, r)
		}
	}
	if dated != nil {
		return dated
	}
	return undated
}

// plainlyOpen is Open for moments far from changes of the clocks.
func plainlyOpen(rows []any, t time.Time) bool {
	t = t.In(rome)
	today := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	now := t.Format("15:04")
	for _, r := range rowsOf(rows, today) {
		opens, closes := r["opens"].(string), r["closes"].(string)
		if closes == "23:59" || closes <= opens {
			closes = "24:00"
		}
		if opens <= now && now < closes {
			return true
		}
	}
	for _, r := range rowsOf(rows, today.AddDate(0, 0, -1)) {
		if opens, closes := r["opens"].(string), r["closes"].(string); closes != "23:59" && closes <= opens && now < closes {
			return true
		}
	}
	return false
}

// Open agrees with the rules read plainly, and with Day at any moment.
func TestOpenProperties(t *testing.T) {
	open := 0
	rapid.Check(t, func(t *rapid.T) {
		rows := anyRows(t)
		s := Parse(rows)
		now := anyTime(t)
		got := s.Open(now)
		if got {
			open++
		}
		today, _, changes := local(now)
		if !changes && got != plainlyOpen(rows, now) {
			t.Fatalf("%v: open %v", now.In(rome), got)
		}
		in := false
		for _, d := range []int64{today - 1, today} {
			for i, sp := range s.Day(time.Unix(d*secondsOfDay, 0)) {
				in = in || !now.Before(sp.From) && now.Before(sp.To)
				if !sp.From.Before(sp.To) {
					t.Fatalf("span %v", sp)
				}
				if list := s.Day(time.Unix(d*secondsOfDay, 0)); i > 0 && !list[i-1].To.Before(sp.From) {
					t.Fatalf("%v are not in order or not merged", list)
				}
				if started, _, _ := local(sp.From); started != d {
					t.Fatalf("%v does not begin on its day", sp)
				}
			}
		}
		if got != in {
			t.Fatalf("%v: open %v, but the days say %v", now.In(rome), got, in)
		}
	})
	if open == 0 {
		t.Error("nothing was ever open")
	}
}

// Next is the next change: until then nothing changes, then it does.
func TestNextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Parse(anyRows(t))
		now := anyTime(t)
		was := s.Open(now)
		when, opens, ok := s.Next(now)
		until := now.Add(60 * 24 * time.Hour)
		if ok {
			if !when.After(now) || when.After(until) || opens == was || s.Open(when) != opens || s.Open(when.Add(-time.Nanosecond)) == opens {
				t.Fatalf("at %v: open %v, next %v %v", now.In(rome), was, when, opens)
			}
			until = when
		}
		// It can change only at the edges of spans.
		for d, _, _ := local(now); d*secondsOfDay <= until.Unix()+secondsOfDay; d++ {
			for _, sp := range append(s.Day(time.Unix((d-1)*secondsOfDay, 0)), s.Day(time.Unix(d*secondsOfDay, 0))...) {
				for _, edge := range []time.Time{sp.From, sp.To} {
					if edge.After(now) && (edge.Before(until) || !ok && edge.Equal(until)) && s.Open(edge) != was {
						t.Fatalf("at %v: next %v %v, but it changes at %v", now.In(rome), when, ok, edge)
					}
				}
			}
		}
	})
}

func TestBinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Parse(anyRows(t))
		b, err := s.AppendBinary([]byte("x"))
		if err != nil || b[0] != 'x' {
			t.Fatal(err)
		}
		again, err := ParseBinary(b[1:])
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%+v becomes %+v: %v", s, again, err)
		}
		if len(b) > 2+len(s.rows)*16 {
			t.Fatalf("%d bytes for %d rows", len(b), len(s.rows))
		}
		for cut := 1; cut < len(b)-1; cut++ {
			if _, err := ParseBinary(b[1 : 1+cut]); err == nil {
				t.Fatalf("%x cut after %d bytes is accepted", b[1:], cut)
			}
		}
	})
	if s, err := ParseBinary(nil); err != nil || s.Known() {
		t.Errorf("nothing: %+v %v", s, err)
	}
	for _, bad := range []string{"\x01", "\xff", "\x00\x00", "\x01\x10\x01\x00\x00\x01\x00", "\x01\x01\x80", "\x01\x00\x00\x00\x00\x01\x00", "\x01\x00\x01\xa0\x05\x00\x06", "\x01\x00\x01\x01\x00\x01\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if s, err := ParseBinary([]byte(bad)); err == nil {
			t.Errorf("%x: %+v", bad, s)
		}
	}
}

// FuzzBinary: no panic, and what is accepted answers questions and comes back.
func FuzzBinary(f *testing.F) {
	for _, rows := range []string{office, night, always, august, holiday} {
		b, _ := Parse(canonical(f, "["+rows+"]")).AppendBinary(nil)
		f.Add(b, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, b []byte, unix int64) {
		s, err := ParseBinary(b)
		if err != nil {
			return
		}
		now := time.Unix(unix%(1<<40), 0)
		open := s.Open(now)
		s.Day(now)
		if when, opens, ok := s.Next(now); ok && (opens == open || !when.After(now)) {
			t.Fatalf("open %v at %v, next %v %v", open, now, when, opens)
		}
		c, _ := s.AppendBinary(nil)
		if again, err := ParseBinary(c); err != nil || len(s.rows) > 0 && !reflect.DeepEqual(again, s) || len(c) > len(b) && len(b) > 0 {
			t.Fatalf("%x becomes %x: %v", b, c, err)
		}
		if len(b) > 0 && len(c) == len(b) && !bytes.Equal(b, c) && len(s.rows) == 0 {
			t.Fatalf("%x becomes %x", b, c)
		}
	})
}

// FuzzParse: rows of any shape are read or left out.
func FuzzParse(f *testing.F) {
	f.Add("["+office+","+august+"]", int64(1_800_000_000))
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		var rows []any
		if json.Unmarshal([]byte(text), &rows) != nil {
			return
		}
		s := Parse(rows)
		now := time.Unix(unix%(1<<40), 0)
		open := s.Open(now)
		if _, opens, ok := s.Next(now); ok && opens == open {
			t.Fatalf("open %v, next %v", open, opens)
		}
		if open && !s.Known() {
			t.Fatal("open, and not known")
		}
	})
}

func TestOpenDoesNotAllocate(t *testing.T) {
	s := Parse(canonical(t, "["+office+","+august+","+holiday+"]"))
	for _, now := range []time.Time{at("2026-11-23 10:00"), at("2026-10-25 01:00"), at("2026-04-06 10:30")} {
		if n := testing.AllocsPerRun(100, func() { s.Open(now) }); n != 0 {
			t.Errorf("%v: %v allocations", now, n)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s := Parse(canonical(b, "["+office+","+august+","+holiday+"]"))
	for name, now := range map[string]time.Time{
		"open": at("2026-11-24 16:00").UTC(), "closed": at("2026-11-24 14:00").UTC(), "holiday": at("2026-04-06 14:00").UTC(), "clocks change": at("2026-10-24 14:00").UTC(),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Open(now)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	s := Parse(canonical(b, "["+office+","+august+","+holiday+"]"))
	now := at("2026-11-27 14:00").UTC()
	for b.Loop() {
		s.Next(now)
	}
}
