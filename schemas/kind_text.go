package schemas

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// DefaultMaxChars bounds text whose declaration does not.
const DefaultMaxChars = 300

// textKind is plain text on one line, which may be held to one of Formats.
type textKind struct{ base }

func (textKind) Name() string   { return "text" }
func (textKind) Sortable() bool { return true }
func (textKind) Options() []string {
	return []string{"max_chars", "min_chars", "max_words", "format"}
}

func (textKind) Check(f *Field) error {
	if f.Format != "" {
		fm, ok := formats[f.Format]
		if !ok {
			return fmt.Errorf("unknown format %q", f.Format)
		}
		if f.MaxChars == 0 {
			f.MaxChars = fm.max
		}
	}
	if f.MaxChars == 0 {
		f.MaxChars = DefaultMaxChars
	}
	return nil
}

func (textKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	s, issues := stringOf(v, env)
	if issues != nil {
		return nil, issues
	}
	// A character is at most 4 bytes; white space that goes away may be as much again.
	if len(s) > 16*f.MaxChars+4096 {
		return nil, tooLong(f.MaxChars, len(s), "bytes")
	}
	s, issues = cleanLine(s)
	if issues != nil {
		return nil, issues
	}
	if s == "" {
		return nil, nil
	}
	if f.Format != "" {
		fm := formats[f.Format]
		c, ok := fm.canonical(s)
		if !ok && fm.fault != nil {
			return nil, fm.fault(s)
		} else if !ok {
			return nil, wrong(fm.code, s)
		}
		s = c
	}
	if issues := checkLength(f, s); issues != nil {
		return nil, issues
	}
	return s, nil
}

func (textKind) JSONSchema(f *Field) map[string]any {
	s := map[string]any{"type": "string", "minLength": max(1, f.MinChars), "maxLength": f.MaxChars}
	if fm := formats[f.Format]; fm != nil {
		for k, v := range fm.schema {
			s[k] = v
		}
	}
	return s
}

func tooLong(limit, actual int, unit string) []Issue {
	return issue(CodeTooLong, map[string]any{"max": limit, "actual": actual, "unit": unit})
}

// checkLength applies the limits in characters and words.
func checkLength(f *Field, s string) []Issue {
	if f.MaxChars > 0 && len(s) > f.MaxChars {
		if n := utf8.RuneCountInString(s); n > f.MaxChars {
			return tooLong(f.MaxChars, n, "characters")
		}
	}
	if f.MinChars > 0 {
		if n := utf8.RuneCountInString(s); n < f.MinChars {
			return issue(CodeTooShort, map[string]any{"min": f.MinChars, "actual": n})
		}
	}
	if f.MaxWords > 0 && len(s) > f.MaxWords {
		if n := CountWords(s); n > f.MaxWords {
			return issue(CodeTooManyWords, map[string]any{"max": f.MaxWords, "actual": n})
		}
	}
	return nil
}

// stringOf answers a string; loosely also a number or a boolean as written.
func stringOf(v any, env *Env) (string, []Issue) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	if env.loose() {
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), nil
		}
		if s, ok := numeral(v); ok {
			return s, nil
		}
	}
	return "", wrongType("text")
}
