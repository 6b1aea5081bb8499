package schemas

import (
	"time"
)

// dateKind is a day of the calendar, YYYY-MM-DD, years 1000 to 9999.
type dateKind struct{ base }

const dateFormat = "YYYY-MM-DD"

func (dateKind) Name() string   { return "date" }
func (dateKind) Sortable() bool { return true }

func (dateKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	s, issues := dateText(v, env)
	if s == "" || issues != nil {
		return nil, issues
	}
	if env.loose() && len(s) > 10 && (s[10] == 'T' || s[10] == ' ') {
		s = s[:10]
	}
	if !isDate(s) {
		return nil, notADate(s, dateFormat)
	}
	return s, nil
}

func (dateKind) JSONSchema(f *Field) map[string]any {
	return map[string]any{"type": "string", "format": "date", "pattern": `^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$`}
}

func notADate(s, format string) []Issue {
	return issue(CodeNotADate, map[string]any{"value": echo(s), "format": format})
}

// isDate reports whether s is a day that exists, written YYYY-MM-DD.
func isDate(s string) bool {
	if len(s) != 10 || s[0] == '0' {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// dateText is the text of a date; YAML decoders give days as times.
func dateText(v any, env *Env) (string, []Issue) {
	switch d := v.(type) {
	case time.Time:
		if h, m, s := d.Clock(); h == 0 && m == 0 && s == 0 {
			return d.Format(time.DateOnly), nil
		}
		return d.Format("2006-01-02T15:04"), nil
	case string:
		if len(d) > 100 {
			return "", notADate(d, dateFormat)
		}
		return cleanLine(d)
	}
	return "", wrongType("text")
}
