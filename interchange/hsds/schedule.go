package hsds

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// holderOf gives the location inside an element of a list of places: the element
// itself, or a member of it.
func holderOf(element map[string]any, member string) map[string]any {
	if member == "" {
		return element
	}
	o, _ := element[member].(map[string]any)
	return o
}

// hours are opening hours. Schedules of the service come first; where it has
// none, those of its places, if they all say the same.
func hours(list, member string) piece {
	get := func(r *reader, o map[string]any) any {
		if rows, _ := r.schedules(o, "schedules[]"); rows != nil {
			return rows
		}
		var common []any
		for _, e := range objects(o[list]) {
			for _, at := range holders(e, member) {
				rows, _ := r.schedules(at, list+"[].schedules[]")
				switch {
				case rows == nil:
				case common == nil:
					common = rows
				case !equal(common, rows):
					r.note(CodeHoursDiffer, list+"[].schedules[]", nil)
					return nil
				}
			}
		}
		if common == nil {
			return nil
		}
		return common
	}
	return piece{
		field: "opening_hours", path: "schedules[]", get: get,
		put: func(w *writer, o map[string]any, want any) {
			r := &reader{Lens: w.Lens, kind: w.kind, typ: w.types[w.kind]}
			rows := listOf(want)
			was, old := r.schedules(o, "")
			mine := slices.Clone(old)
			if was == nil || rows == nil { // those of the places would be read instead
				for _, e := range objects(o[list]) {
					for _, at := range holders(e, member) {
						more, from := r.schedules(at, "")
						was, old = append(was, more...), append(old, from...)
						setList(at, "schedules", without(at["schedules"], from))
					}
				}
			}
			var made []any
			for _, row := range rows {
				var s map[string]any
				for i := range was {
					if old[i] != nil && equal(was[i], row) {
						s, old[i] = old[i], nil
						break
					}
				}
				if s == nil {
					s = w.schedule(row.(map[string]any))
				}
				made = append(made, s)
			}
			setList(o, "schedules", append(made, without(o["schedules"], mine)...))
		},
	}
}

// holders are the objects of a place that may have schedules of their own.
func holders(element map[string]any, member string) []map[string]any {
	if member == "" {
		return []map[string]any{element}
	}
	if at := holderOf(element, member); at != nil {
		return []map[string]any{element, at}
	}
	return []map[string]any{element}
}

// without gives a list without some of its objects.
func without(list any, gone []map[string]any) []any {
	var out []any
	for _, x := range listOf(list) {
		o, ok := x.(map[string]any)
		if !ok || !slices.ContainsFunc(gone, func(g map[string]any) bool { return sameObject(g, o) }) {
			out = append(out, x)
		}
	}
	return out
}

// sameObject says that two maps are one and the same.
func sameObject(a, b map[string]any) bool {
	return a != nil && reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// schedules reads those of a holder that opening hours can say, with the
// schedule that each row came from.
func (r *reader) schedules(at map[string]any, path string) (rows []any, from []map[string]any) {
	f, _ := r.typ.Field("opening_hours")
	for _, s := range objects(at["schedules"]) {
		row := hoursOf(s)
		if row == nil {
			r.note(CodeScheduleKept, path, s["description"])
			continue
		}
		got, bad := f.Parse([]any{row}, r.env)
		if bad != nil || got == nil {
			r.note(CodeScheduleKept, path, s["description"])
			continue
		}
		if len(rows) == f.MaxItems {
			break
		}
		rows, from = append(rows, got.([]any)...), append(from, s)
	}
	return rows, from
}

// weekdays of RFC 5545, section 3.3.10, as ours.
var weekdays = map[string]string{"MO": "mo", "TU": "tu", "WE": "we", "TH": "th", "FR": "fr", "SA": "sa", "SU": "su"}

var clockTime = regexp.MustCompile(`^(\d{1,2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$`)

var closedWords = foldedSet("closed", "chiuso", "fermé", "cerrado")

// hoursOf gives a row for a schedule that repeats every week or every day
// without exception, nil for any other. Times are those of the clock on the
// spot: what HSDS's time zone adds is not taken, because most write it wrong.
func hoursOf(s map[string]any) map[string]any {
	for _, rule := range []string{"count", "byweekno", "bymonthday", "byyearday", "bymonth", "bysetpos"} {
		if filled(s[rule]) {
			return nil
		}
	}
	if n := s["interval"]; filled(n) && idText(n) != "1" {
		return nil
	}
	row := map[string]any{}
	var days []any
	switch freq := strings.ToUpper(text(s["freq"])); freq {
	case "DAILY":
		if filled(s["byday"]) {
			return nil
		}
		days = []any{"mo", "tu", "we", "th", "fr", "sa", "su"}
	case "", "WEEKLY":
		for _, d := range strings.Split(text(s["byday"]), ",") {
			d = strings.ToUpper(strings.TrimSpace(d))
			if d == "" {
				continue
			}
			id, ok := weekdays[d]
			if !ok { // 1MO: the first Monday of a month
				return nil
			}
			days = append(days, id)
		}
	default:
		return nil
	}
	if days != nil {
		row["days"] = days
	}
	if s["holidays"] == true {
		row["holidays"] = true
	}
	opens, closes := text(s["opens_at"]), text(s["closes_at"])
	switch {
	case opens != "" && closes != "":
		a, b := clockTime.FindStringSubmatch(opens), clockTime.FindStringSubmatch(closes)
		if a == nil || b == nil {
			return nil
		}
		if row["opens"], row["closes"] = a[1], b[1]; b[1] == "24:00" {
			row["closes"] = "00:00"
		}
	case opens == "" && closes == "" && (closedWords[fold(text(s["description"]))] || closedWords[fold(text(s["notes"]))]):
		row["closed"] = true
	default:
		return nil
	}
	for part, members := range map[string][]string{"valid_from": {"valid_from", "dtstart"}, "valid_to": {"valid_to", "until"}} {
		for _, m := range members {
			if !filled(s[m]) {
				continue
			}
			d := day(s[m])
			if d == "" {
				return nil
			}
			row[part] = d
			break
		}
	}
	return row
}

// schedule writes a row so that hoursOf reads it again.
func (w *writer) schedule(row map[string]any) map[string]any {
	var days []string
	for _, d := range listOf(row["days"]) {
		days = append(days, strings.ToUpper(words1(d)))
	}
	s := map[string]any{"freq": "WEEKLY"}
	set(s, "byday", strings.Join(days, ","))
	set(s, "opens_at", row["opens"])
	set(s, "closes_at", row["closes"])
	set(s, "valid_from", row["valid_from"])
	set(s, "valid_to", row["valid_to"])
	set(s, "holidays", row["holidays"])
	if row["closed"] == true {
		s["description"] = "closed"
	}
	s["id"] = w.newID("schedule", words1(s["byday"]), words1(s["opens_at"]), words1(s["closes_at"]), words1(s["valid_from"]), words1(s["valid_to"]), words1(s["description"]))
	return s
}
