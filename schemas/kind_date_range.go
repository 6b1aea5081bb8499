package schemas

import (
	"strings"
	"time"
)

// dateRangeKind is a span of days, both ends included, either of which may be
// open: {from, to}. With the option times the ends may carry a local time of
// Italy, 2026-03-01T18:00 (Europe/Rome; no offset, so that a change of the law
// on summer time does not move an event); then both do. With the option
// labelled it also says what it is: {label, from, to}.
type dateRangeKind struct{ structured }

const dateTimeFormat = "YYYY-MM-DDThh:mm"

func (dateRangeKind) Name() string      { return "date_range" }
func (dateRangeKind) Sortable() bool    { return true }
func (dateRangeKind) Options() []string { return []string{"times", "labelled"} }

func (dateRangeKind) Parts(f *Field) []*Field {
	parts := []*Field{
		part("date_range", Field{Name: "from", Kind: "date"}),
		part("date_range", Field{Name: "to", Kind: "date"}),
	}
	if f.Times {
		for _, p := range parts {
			p.Kind, p.MaxChars = "text", 40
		}
	}
	if f.Labelled {
		label := part("date_range", Field{Name: "label", Kind: "text", MaxChars: 300, Required: Always})
		parts = append([]*Field{label}, parts...)
	}
	return parts
}

func (dateRangeKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	in, ok := v.(map[string]any)
	if !ok {
		if _, isString := v.(string); !env.loose() || !isString || f.Labelled {
			return nil, wrongType("object")
		}
		in = map[string]any{"from": v}
	}
	if f.Times {
		in = withTimes(in)
	}
	m, issues := parseParts(f, in, env)
	if m == nil || issues != nil {
		return nil, issues
	}
	from, _ := m["from"].(string)
	to, _ := m["to"].(string)
	if f.Times {
		for _, end := range []string{"from", "to"} {
			s, ok := m[end].(string)
			if !ok {
				continue
			}
			c, ok := localTime(s)
			if !ok {
				return nil, under(end, notADate(s, dateTimeFormat))
			}
			m[end] = c
		}
		from, _ = m["from"].(string)
		to, _ = m["to"].(string)
		if from != "" && to != "" && len(from) != len(to) {
			return nil, under("to", notADate(to, map[int]string{10: dateFormat, 16: dateTimeFormat}[len(from)]))
		}
	}
	if from == "" && to == "" {
		return nil, under("from", issue(CodeRequired, map[string]any{"field": "from"}))
	}
	// Both are ISO 8601 of one length, so their order is that of their bytes.
	if from != "" && to != "" && to < from {
		return nil, under("to", issue(CodeWrongOrder, map[string]any{"from": from, "to": to}))
	}
	return m, nil
}

// withTimes writes times that a YAML decoder made as text.
func withTimes(in map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		if t, ok := v.(time.Time); ok {
			s, _ := dateText(t, nil)
			v = s
		}
		out[k] = v
	}
	return out
}

// localTime takes a day, or a day and a time of day without offset.
func localTime(s string) (string, bool) {
	if len(s) == 10 {
		return s, isDate(s)
	}
	s = strings.Replace(s, " ", "T", 1)
	if len(s) == 19 {
		s = strings.TrimSuffix(s, ":00")
	}
	if len(s) != 16 || s[10] != 'T' || !isDate(s[:10]) || !timePattern.MatchString(s[11:]) {
		return "", false
	}
	return s, true
}

func (dateRangeKind) JSONSchema(f *Field) map[string]any {
	s := partsSchema(f)
	props := s["properties"].(map[string]any)
	if f.Times {
		for _, end := range []string{"from", "to"} {
			p := props[end].(map[string]any)
			delete(p, "minLength")
			delete(p, "maxLength")
			p["pattern"] = `^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3]):[0-5][0-9])?$`
		}
	}
	s["anyOf"] = []any{
		map[string]any{"required": []any{"from"}},
		map[string]any{"required": []any{"to"}},
	}
	return s
}
