package audit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// The codes of problems with a configuration of retention.
const (
	CodeRetentionSyntax  = "retention_syntax"    // item
	CodeRetentionAge     = "retention_age"       // kind, age
	CodeRetentionUnknown = "retention_unknown"   // kind, allowed
	CodeRetentionTwice   = "retention_twice"     // kind
	CodeRetentionShort   = "retention_too_short" // kind, min
	CodeRetentionFixed   = "retention_fixed"     // kind
)

// Retention says how long each kind of data is kept. The zero value keeps all.
// It is immutable.
type Retention struct{ rows []RetentionRow }

// RetentionRow is one kind of data.
type RetentionRow struct {
	Kind string
	// Age is how long it is kept; zero is for ever. For some kinds it counts from
	// their end, as Purpose says.
	Age time.Duration
	// Minimum is the shortest age that may be configured; Fixed is a kind whose
	// age may not be configured at all.
	Minimum time.Duration
	Fixed   bool
	// Label and Purpose say in each language what it is, and why and from when on
	// it is kept.
	Label, Purpose map[string]string
}

// DefaultRetention is what schemas/retention.yaml declares. It panics when that
// is wrong, which the package's tests exclude.
var DefaultRetention = sync.OnceValue(func() Retention {
	data, err := schemas.Files.ReadFile("retention.yaml")
	if err != nil {
		panic("audit: " + err.Error())
	}
	r, err := ParseRetention(data)
	if err != nil {
		panic("audit: retention.yaml: " + err.Error())
	}
	return r
})

// ParseRetention reads a declaration (see schemas/retention.yaml).
func ParseRetention(data []byte) (Retention, error) {
	var file struct {
		Kinds []struct {
			Kind    string            `yaml:"kind"`
			Default string            `yaml:"default"`
			Minimum string            `yaml:"minimum"`
			Fixed   bool              `yaml:"fixed"`
			Label   map[string]string `yaml:"label"`
			Purpose map[string]string `yaml:"purpose"`
		} `yaml:"kinds"`
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		return Retention{}, err
	}
	var r Retention
	for _, k := range file.Kinds {
		row := RetentionRow{Kind: k.Kind, Fixed: k.Fixed, Label: k.Label, Purpose: k.Purpose}
		var ok, ok2 bool
		row.Age, ok = parseAge(k.Default)
		row.Minimum, ok2 = parseAge(k.Minimum)
		switch {
		case k.Kind == "" || strings.Trim(k.Kind, "abcdefghijklmnopqrstuvwxyz_") != "":
			return r, fmt.Errorf("%q is no kind: it is written in snake_case", k.Kind)
		case r.row(k.Kind) != nil:
			return r, fmt.Errorf("%s is declared twice", k.Kind)
		case !ok || !k.Fixed && (!ok2 || row.Minimum == 0):
			return r, fmt.Errorf("%s: default and minimum are an age such as 30d or 12h; the default may be never", k.Kind)
		case row.Age != 0 && row.Age < row.Minimum:
			return r, fmt.Errorf("%s: the default is below the minimum", k.Kind)
		case k.Label["it"] == "" || k.Purpose["it"] == "":
			return r, fmt.Errorf("%s: there is no label or purpose in it", k.Kind)
		}
		r.rows = append(r.rows, row)
	}
	if len(r.rows) == 0 {
		return r, errors.New("there are no kinds")
	}
	return r, nil
}

// maxDays is the longest age: a hundred years are "never".
const maxDays = 36500

// parseAge reads "30d", "12h" or "never" (zero).
func parseAge(s string) (time.Duration, bool) {
	if s == "never" {
		return 0, true
	}
	unit, most := time.Hour, uint64(24*maxDays)
	digits, known := strings.CutSuffix(s, "h")
	if !known {
		digits, known = strings.CutSuffix(s, "d")
		unit, most = 24*time.Hour, maxDays
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if !known || err != nil || n == 0 || n > most {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// formatAge is the reverse of parseAge.
func formatAge(age time.Duration) string {
	switch hours := int64(age / time.Hour); {
	case age == 0:
		return "never"
	case hours%24 == 0:
		return fmt.Sprintf("%dd", hours/24)
	default:
		return fmt.Sprintf("%dh", hours)
	}
}

func (r Retention) row(kind string) *RetentionRow {
	if i := slices.IndexFunc(r.rows, func(row RetentionRow) bool { return row.Kind == kind }); i >= 0 {
		return &r.rows[i]
	}
	return nil
}

// Kinds lists the kinds of data in the order of their declaration.
func (r Retention) Kinds() []string {
	kinds := make([]string, len(r.rows))
	for i, row := range r.rows {
		kinds[i] = row.Kind
	}
	return kinds
}

// Rows lists what is kept how long: for a page that tells people.
func (r Retention) Rows() []RetentionRow { return slices.Clone(r.rows) }

// With changes ages by a configuration such as "sessions=30d, traces=never". The
// errors are *content.Problem of the class Invalid, one for the first fault.
func (r Retention) With(settings string) (Retention, error) {
	out := Retention{rows: slices.Clone(r.rows)}
	var seen []string
	for item := range strings.SplitSeq(settings, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		kind, text, ok := strings.Cut(item, "=")
		kind, text = strings.TrimSpace(kind), strings.TrimSpace(text)
		if !ok || kind == "" || text == "" {
			return r, &content.Problem{Class: content.Invalid, Code: CodeRetentionSyntax, Params: map[string]any{"item": item}}
		}
		row := out.row(kind)
		if row == nil {
			return r, &content.Problem{Class: content.Invalid, Code: CodeRetentionUnknown, Params: map[string]any{"kind": kind, "allowed": r.Kinds()}}
		}
		if slices.Contains(seen, kind) {
			return r, &content.Problem{Class: content.Invalid, Code: CodeRetentionTwice, Params: map[string]any{"kind": kind}}
		}
		seen = append(seen, kind)
		age, ok := parseAge(text)
		switch {
		case !ok:
			return r, &content.Problem{Class: content.Invalid, Code: CodeRetentionAge, Params: map[string]any{"kind": kind, "age": text}}
		case row.Fixed && age != row.Age:
			return r, &content.Problem{Class: content.Invalid, Code: CodeRetentionFixed, Params: map[string]any{"kind": kind}}
		case age != 0 && age < row.Minimum:
			return r, &content.Problem{Class: content.Invalid, Code: CodeRetentionShort, Params: map[string]any{"kind": kind, "min": formatAge(row.Minimum)}}
		}
		row.Age = age
	}
	return out, nil
}

// Age says how long a kind is kept; false is for ever, also for a kind that is
// not declared.
func (r Retention) Age(kind string) (time.Duration, bool) {
	row := r.row(kind)
	if row == nil || row.Age == 0 {
		return 0, false
	}
	return row.Age, true
}

// String gives the ages in the form that With reads.
func (r Retention) String() string {
	var parts []string
	for _, row := range r.rows {
		parts = append(parts, row.Kind+"="+formatAge(row.Age))
	}
	return strings.Join(parts, ",")
}
