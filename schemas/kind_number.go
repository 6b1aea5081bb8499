package schemas

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxExact is the largest integer that float64, and so most readers of JSON,
// holds exactly together with all below it.
const maxExact = 1<<53 - 1

// numberKind is a number; its canonical form is float64.
type numberKind struct{ base }

func (numberKind) Name() string      { return "number" }
func (numberKind) Sortable() bool    { return true }
func (numberKind) Options() []string { return []string{"min", "max", "integer"} }

func (numberKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	if s, ok := v.(string); ok {
		if !env.loose() {
			return nil, wrongType("number")
		}
		s, issues := cleanLine(s)
		if issues != nil {
			return nil, issues
		}
		if s == "" {
			return nil, nil
		}
		v = json.Number(s)
	}
	s, ok := numeral(v)
	if !ok {
		return nil, wrongType("number")
	}
	x, err := strconv.ParseFloat(s, 64)
	if strings.ContainsAny(s, "xXpP_nN") || err != nil && !math.IsInf(x, 0) {
		return nil, wrong(CodeNotANumber, s)
	}
	if math.Abs(x) > maxExact || f.Min != nil && x < *f.Min || f.Max != nil && x > *f.Max {
		return nil, outOfRange(f.Min, f.Max)
	}
	if f.Integer && x != math.Trunc(x) {
		return nil, wrong(CodeNotAnInteger, s)
	}
	return x + 0, nil // -0 becomes 0
}

func (numberKind) JSONSchema(f *Field) map[string]any {
	lo, hi := float64(-maxExact), float64(maxExact)
	if f.Min != nil {
		lo = *f.Min
	}
	if f.Max != nil {
		hi = *f.Max
	}
	s := map[string]any{"type": "number", "format": "double", "minimum": lo, "maximum": hi}
	if f.Integer {
		s["type"], s["format"] = "integer", "int64"
	}
	return s
}

func outOfRange(lo, hi *float64) []Issue {
	p := map[string]any{}
	if lo != nil {
		p["min"] = *lo
	}
	if hi != nil {
		p["max"] = *hi
	}
	return issue(CodeOutOfRange, p)
}

// numeral writes any number that a JSON or YAML decoder gives.
func numeral(v any) (string, bool) {
	switch n := v.(type) {
	case json.Number:
		return string(n), true
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64), true
	case int:
		return strconv.Itoa(n), true
	case int64:
		return strconv.FormatInt(n, 10), true
	case uint64:
		return strconv.FormatUint(n, 10), true
	}
	return "", false
}
