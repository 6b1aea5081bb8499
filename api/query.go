package api

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// maxQuery bounds a query in bytes, maxParameters in number.
const (
	maxQuery      = 8 << 10
	maxParameters = 64
)

// query holds the parameters of a request, each given at most once, and gathers
// what is wrong with them.
type query struct {
	values map[string]string
	issues []schemas.Issue
}

// parseQuery reads a raw query. It refuses parameters that are not among the
// known ones or come twice, and values that are not clean text: an answer to a
// question that was not understood would mislead.
func parseQuery(raw string, known ...string) (*query, error) {
	q := &query{}
	if raw == "" {
		return q, nil
	}
	if len(raw) > maxQuery {
		return nil, invalid(codeInvalidQuery, "", schemas.CodeTooLong, map[string]any{"max": maxQuery, "actual": len(raw), "unit": "bytes"})
	}
	q.values = map[string]string{}
	for rest := raw; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok1 := unescape(rawName)
		value, ok2 := unescape(rawValue)
		switch {
		case !ok1 || !isKnown(known, name):
			q.refuse(name, codeUnknownParameter)
		case !ok2:
			q.refuse(name, codeInvalidParameter)
		default:
			if _, twice := q.values[name]; twice {
				q.refuse(name, codeRepeated)
			}
			q.values[name] = value
		}
		if len(q.issues)+len(q.values) > maxParameters {
			break
		}
	}
	return q, q.err()
}

func isKnown(known []string, name string) bool {
	for _, k := range known {
		if k == name {
			return true
		}
	}
	return false
}

// unescape decodes one part of a query and refuses what is not clean text.
func unescape(s string) (string, bool) {
	if strings.ContainsAny(s, "%+") {
		var err error
		if s, err = url.QueryUnescape(s); err != nil {
			return "", false
		}
	}
	if !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return "", false
	}
	return s, true
}

// refuse notes that a parameter is wrong.
func (q *query) refuse(name, code string) {
	q.issues = append(q.issues, schemas.Issue{
		Path: pointer("", echo(name)), Code: code, Params: map[string]any{"parameter": echo(name)},
	})
}

// err gives what is wrong so far as one problem.
func (q *query) err() error {
	if len(q.issues) == 0 {
		return nil
	}
	return &content.Problem{Class: content.Invalid, Code: codeInvalidQuery, Fields: q.issues}
}

// text gives a parameter, empty when it was not given.
func (q *query) text(name string) string { return q.values[name] }

// integer gives a parameter as a whole number within bounds, or otherwise.
func (q *query) integer(name string, otherwise, low, high int64) int64 {
	v, given := q.values[name]
	if !given {
		return otherwise
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		q.issues = append(q.issues, schemas.Issue{Path: pointer("", name), Code: schemas.CodeNotAnInteger, Params: map[string]any{"value": echo(v)}})
		return otherwise
	}
	if n < low || n > high {
		q.issues = append(q.issues, schemas.Issue{Path: pointer("", name), Code: schemas.CodeOutOfRange, Params: map[string]any{"min": low, "max": high}})
		return otherwise
	}
	return n
}

// multi gives the parameters as net/url has them.
func (q *query) multi() url.Values {
	out := make(url.Values, len(q.values))
	for k, v := range q.values {
		out[k] = []string{v}
	}
	return out
}

// flag gives a parameter that is true or false.
func (q *query) flag(name string) bool {
	switch q.values[name] {
	case "true":
		return true
	case "", "false":
		return false
	}
	q.refuse(name, codeInvalidParameter)
	return false
}

// oneOf gives a parameter that is one of the words, or the first of them when it
// was not given.
func (q *query) oneOf(name string, words ...string) string {
	v, given := q.values[name]
	if !given {
		return words[0]
	}
	if !isKnown(words, v) {
		q.refuse(name, codeInvalidParameter)
	}
	return v
}

// echo cuts what a caller sent to a length that may be repeated to it.
func echo(s string) string {
	const longest = 80
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= longest {
		return s
	}
	return string([]rune(s)[:longest-1]) + "…"
}

// pointer appends a key to a JSON Pointer (RFC 6901, section 3).
func pointer(base, key string) string {
	if strings.ContainsAny(key, "~/") {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
	}
	return base + "/" + key
}
