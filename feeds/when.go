package feeds

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// span is a value of kind date_range: days (2026-03-01) or local times of Italy
// (2026-03-01T18:00), both ends included, either of which may be open.
type span struct {
	Label string `json:"label"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// spans reads one value or a list of them; what is neither has none.
func spans(raw json.RawMessage) []span {
	var list []span
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one span
	if json.Unmarshal(raw, &one) == nil && one != (span{}) {
		return []span{one}
	}
	return nil
}

// labelled is the field of a type that says what has to be done by when.
func labelled(t *schemas.Type) *schemas.Field {
	for _, f := range t.Fields {
		if f.Kind == "date_range" && f.Labelled {
			return f
		}
	}
	return nil
}

const (
	dayLayout  = "2006-01-02"
	timeLayout = "2006-01-02T15:04"
)

// moment reads an end of a span; ok is false for what is none.
func moment(s string) (t time.Time, timed, ok bool) {
	layout := dayLayout
	if timed = strings.Contains(s, "T"); timed {
		layout = timeLayout
	}
	t, err := time.ParseInLocation(layout, s, content.Rome)
	return t, timed, err == nil
}

// inWords writes an end of a span.
func inWords(locale, s string) string {
	t, timed, ok := moment(s)
	switch {
	case !ok:
		return ""
	case timed:
		return messages.Moment(locale, t)
	}
	return messages.Day(locale, t.Add(12*time.Hour))
}

// words says when: the one day, or the begin and the end. ends is the code of the
// sentence that names the end.
func (s span) words(locale, ends string) string {
	from, to := inWords(locale, s.From), inWords(locale, s.To)
	var out []string
	if from != "" && from != to {
		out = append(out, messages.Text(locale, codeBegins, map[string]any{"from": from}))
	}
	switch {
	case to == "":
	case from == to && ends == codeEnds:
		return from
	default:
		out = append(out, messages.Text(locale, ends, map[string]any{"to": to}))
	}
	return strings.Join(out, " ")
}
