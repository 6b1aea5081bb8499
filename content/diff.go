package content

import (
	"bytes"
	"encoding/json"
	"sort"

	"github.com/prassi-cms/prassi/schemas"
)

// FieldChange is one field that differs between two revisions; a missing side
// is nil.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Diff lists the fields that differ, in the type's declared order; fields that
// the type no longer declares come last, by name. The slug counts as a field.
func Diff(t *schemas.Type, before, after *Revision) ([]FieldChange, error) {
	a, err := rawFields(before)
	if err != nil {
		return nil, err
	}
	b, err := rawFields(after)
	if err != nil {
		return nil, err
	}
	return diffRaw(t, a, b), nil
}

func diffRaw(t *schemas.Type, a, b map[string]json.RawMessage) []FieldChange {
	out := []FieldChange{}
	seen := map[string]bool{}
	visit := func(name string) {
		if !seen[name] && !bytes.Equal(a[name], b[name]) {
			out = append(out, FieldChange{Field: name, Before: a[name], After: b[name]})
		}
		seen[name] = true
	}
	visit("slug")
	for _, f := range t.Fields {
		visit(f.Name)
	}
	var rest []string
	for _, m := range []map[string]json.RawMessage{a, b} {
		for name := range m {
			if !seen[name] {
				rest = append(rest, name)
			}
		}
	}
	sort.Strings(rest)
	for _, name := range rest {
		visit(name)
	}
	return out
}

// rawFields merges both halves of a revision into one object.
func rawFields(r *Revision) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if r == nil {
		return out, nil
	}
	for _, part := range []json.RawMessage{r.Shared, r.Localized} {
		if err := json.Unmarshal(part, &out); err != nil {
			return nil, err
		}
	}
	slug, err := json.Marshal(r.Slug)
	out["slug"] = slug
	return out, err
}
