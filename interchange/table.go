package interchange

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/schemas"
)

// FormatTable is {type}.csv: a spreadsheet with a row for each variant, which an
// import reads again. Lists are written with | between their items, what has
// more structure as JSON, and what a spreadsheet would take for a formula with an
// apostrophe before it.
const FormatTable = "csv"

// tableColumns are the columns of a type's spreadsheet: the keys of the format,
// with the title after the slug, then the fields.
func tableColumns(t *schemas.Type) []string {
	var out []string
	for _, k := range keys {
		if k.Name != keyTranslationOf {
			out = append(out, k.Name)
		}
	}
	for _, f := range t.Fields {
		out = append(out, f.Name)
	}
	return out
}

// row adds one variant to the spreadsheet of its type.
func (e *exporter) row(t *schemas.Type, entries []entry) error {
	columns := tableColumns(t)
	name := t.Name + ".csv"
	var b strings.Builder
	w := csv.NewWriter(&b)
	if _, begun := e.out.sums[name]; !begun {
		if err := w.Write(columns); err != nil {
			return err
		}
	}
	cells := make([]string, len(columns))
	for _, x := range entries {
		i := slices.Index(columns, x.key)
		if i < 0 {
			return fmt.Errorf("%s has no column in %s", x.key, name)
		}
		var err error
		if cells[i], err = tableCell(x.value); err != nil {
			return err
		}
	}
	if err := w.Write(cells); err != nil {
		return err
	}
	if w.Flush(); w.Error() != nil {
		return w.Error()
	}
	return e.out.append(name, b.String())
}

func tableCell(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return guard(v), nil
	case bool, json.Number, float64:
		return fmt.Sprint(v), nil
	case []any:
		words := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok || s == "" || strings.TrimSpace(s) != s || strings.ContainsAny(s, "|;[{") {
				break
			}
			words = append(words, s)
		}
		if len(words) == len(v) {
			return guard(strings.Join(words, "|")), nil
		}
	}
	var b strings.Builder
	err := writeJSONValue(&b, v, nil)
	return b.String(), err
}
