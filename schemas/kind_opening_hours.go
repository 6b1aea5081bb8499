package schemas

import (
	"cmp"
	"slices"
)

// openingHoursKind is when something is open, a list of rows after schema.org's
// OpeningHoursSpecification: days of the week, the hour it opens and the hour
// it closes (the next day when that is earlier), and the days from and through
// which the row is valid. holidays: the row holds on public holidays. closed:
// the row says when it is closed, so it has no hours and may have no days.
type openingHoursKind struct{ structured }

func (openingHoursKind) Name() string { return "opening_hours" }
func (openingHoursKind) List() bool   { return true }

func (openingHoursKind) Parts(f *Field) []*Field {
	return []*Field{
		part("opening_hours", Field{Name: "days", Kind: "choice", Repeated: true, Options: optionsOf("days")}),
		part("opening_hours", Field{Name: "holidays", Kind: "boolean"}),
		part("opening_hours", Field{Name: "opens", Kind: "text", Format: "time"}),
		part("opening_hours", Field{Name: "closes", Kind: "text", Format: "time"}),
		part("opening_hours", Field{Name: "valid_from", Kind: "date"}),
		part("opening_hours", Field{Name: "valid_to", Kind: "date"}),
		part("opening_hours", Field{Name: "closed", Kind: "boolean"}),
	}
}

func (openingHoursKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	m, issues := parseParts(f, v, env)
	if m == nil || issues != nil {
		return nil, issues
	}
	// false says no more than nothing.
	for _, flag := range []string{"closed", "holidays"} {
		if m[flag] == false {
			delete(m, flag)
		}
	}
	from, _ := m["valid_from"].(string)
	to, _ := m["valid_to"].(string)
	if from != "" && to != "" && to < from {
		return nil, under("valid_to", issue(CodeWrongOrder, map[string]any{"from": from, "to": to}))
	}
	if days, ok := m["days"].([]any); ok {
		terms := f.Parts[0].Terms()
		order := func(v any) int { return slices.IndexFunc(terms, func(t *Term) bool { return t.ID == v }) }
		slices.SortFunc(days, func(a, b any) int { return cmp.Compare(order(a), order(b)) })
	}
	closed := m["closed"] == true
	var missing []string
	for _, part := range []string{"opens", "closes"} {
		if _, given := m[part]; given && closed {
			return nil, under(part, issue(CodeUnknownKey, map[string]any{"key": part}))
		} else if !given && !closed {
			missing = append(missing, part)
		}
	}
	if !closed && m["days"] == nil && m["holidays"] == nil {
		missing = append(missing, "days")
	}
	for _, part := range missing {
		issues = append(issues, under(part, issue(CodeRequired, map[string]any{"field": part}))...)
	}
	if issues != nil {
		return nil, issues
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}
