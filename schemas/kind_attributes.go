package schemas

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// AttributesKind is the name of the kind of a JSON object kept as it came.
const AttributesKind = "attributes"

// The bounds of a value of kind attributes.
const (
	MaxAttributes      = 64 << 10 // bytes of its JSON
	MaxAttributesDepth = 16       // objects and lists inside one another
)

// attributesKind is a JSON object of another system, kept as it came so that it
// can be given back without loss: null, empty strings and lists stay what they
// are. Nobody edits it in a form, no locale has its own, and the public does not
// see that of a document whose places are hidden ([Type.Public]).
//
// Its strings are not normalised; they must be UTF-8. Its numbers are those of
// I-JSON (RFC 7493, section 2.2): the nearest float64.
type attributesKind struct{ base }

func (attributesKind) Name() string { return AttributesKind }

func (attributesKind) Check(f *Field) error {
	switch {
	case f.Localized || f.Repeated:
		return errAttributes("one object is shared by all locales")
	case f.Search.Weight != 0 || f.Search.Facet:
		return errAttributes("it is not searched")
	case f.Form.Widget != "":
		return errAttributes("it is not edited in forms")
	}
	return nil
}

type errAttributes string

func (e errAttributes) Error() string { return "kind attributes: " + string(e) }

func (attributesKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if s, ok := v.(string); ok && env.loose() && len(s) <= 2*MaxAttributes {
		// A cell of a table holds the object as JSON.
		if s = strings.TrimSpace(s); s == "" {
			return nil, nil
		}
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var m map[string]any
		if d.Decode(&m) == nil && !d.More() {
			v = m
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, wrongType("object")
	}
	if len(m) == 0 {
		return nil, nil
	}
	room := MaxAttributes
	out, issues := keep(m, 1, &room)
	if issues != nil {
		return nil, issues
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, wrongType("object")
	}
	if len(data) > MaxAttributes {
		return nil, tooLong(MaxAttributes, len(data), "bytes")
	}
	return out, nil
}

// keep copies a decoded JSON value with its numbers as float64. room is a lower
// bound of the bytes that are left, so that a huge value is not copied first.
func keep(v any, depth int, room *int) (any, []Issue) {
	if *room--; *room < 0 {
		return nil, tooLong(MaxAttributes, MaxAttributes+1, "bytes")
	}
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, issue(CodeInvalidEncoding, nil)
		}
		*room -= len(v)
		return v, nil
	case time.Time:
		// A decoder of YAML makes one of a day without quotation marks.
		if v.Equal(civil(v)) {
			return v.Format(time.DateOnly), nil
		}
		return v.Format(time.RFC3339Nano), nil
	case map[string]any:
		if depth > MaxAttributesDepth {
			return nil, issue(CodeTooDeep, map[string]any{"max": MaxAttributesDepth})
		}
		out := make(map[string]any, len(v))
		for k, x := range v {
			if !utf8.ValidString(k) {
				return nil, issue(CodeInvalidEncoding, nil)
			}
			*room -= len(k)
			got, issues := keep(x, depth+1, room)
			if issues != nil {
				return nil, under(echo(k), issues)
			}
			out[k] = got
		}
		return out, nil
	case []any:
		if depth > MaxAttributesDepth {
			return nil, issue(CodeTooDeep, map[string]any{"max": MaxAttributesDepth})
		}
		out := make([]any, len(v))
		for i, x := range v {
			got, issues := keep(x, depth+1, room)
			if issues != nil {
				return nil, underIndex(i, issues)
			}
			out[i] = got
		}
		return out, nil
	}
	s, ok := numeral(v)
	if !ok {
		return nil, wrongType("object")
	}
	n, err := json.Number(s).Float64()
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil, wrong(CodeNotANumber, s)
	}
	if n == 0 {
		n = 0 // JSON's -0 is 0
	}
	return n, nil
}

func (attributesKind) JSONSchema(*Field) map[string]any {
	return map[string]any{"type": "object", "minProperties": 1}
}
