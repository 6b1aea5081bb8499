package schemas

import (
	"maps"
	"slices"
)

// structured is the ordinary answers of a kind whose value is an object with parts.
type structured struct{ base }

// parseParts parses an object by the field's parts. A nil map without issues
// means that there is nothing in it.
func parseParts(f *Field, v any, env *Env) (map[string]any, []Issue) {
	in, ok := v.(map[string]any)
	if !ok {
		return nil, wrongType("object")
	}
	out := make(map[string]any, len(in))
	var issues []Issue
	known := 0
	for _, p := range f.Parts {
		raw, given := in[p.Name]
		if given {
			known++
		}
		if raw == nil {
			continue
		}
		got, bad := p.Parse(raw, env)
		switch {
		case bad != nil:
			issues = append(issues, under(p.Name, bad)...)
		case got != nil:
			out[p.Name] = got
		}
	}
	if known < len(in) {
		issues = append(issues, unknownKeys(in, CodeUnknownKey, "key", func(k string) bool {
			_, ok := f.Part(k)
			return ok
		})...)
	}
	if issues != nil {
		return nil, issues
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, missingParts(f, out, Always)
}

// unknownKeys are issues for the keys that nothing declares, in alphabetical order.
func unknownKeys(in map[string]any, code, param string, known func(string) bool) []Issue {
	var issues []Issue
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if !known(k) {
			issues = append(issues, under(echo(k), issue(code, map[string]any{param: echo(k)}))...)
		}
		if len(issues) > maxIssues {
			break
		}
	}
	return issues
}

// missingParts are the parts of one object that are required at a level and absent.
func missingParts(f *Field, m map[string]any, level Requirement) []Issue {
	var issues []Issue
	for _, p := range f.Parts {
		if _, ok := m[p.Name]; !ok && p.Required.within(level) {
			issues = append(issues, under(p.Name, issue(CodeRequired, map[string]any{"field": p.Name}))...)
		}
	}
	if k, ok := f.kind.(lacking); ok && level == ToPublish {
		issues = append(issues, k.lacks(m)...)
	}
	return issues
}

// lacking is a kind whose values must have more before they are published than
// its parts say one by one.
type lacking interface {
	lacks(m map[string]any) []Issue
}

// within reports whether a requirement applies when asking at a level.
func (r Requirement) within(level Requirement) bool {
	return r == Always && level != Optional || r == ToPublish && level == ToPublish
}

// partsSchema is the JSON Schema of an object by the field's parts.
func partsSchema(f *Field) map[string]any {
	props := make(map[string]any, len(f.Parts))
	required := []any{}
	for _, p := range f.Parts {
		props[p.Name] = p.JSONSchema()
		if p.Required == Always {
			required = append(required, p.Name)
		}
	}
	s := map[string]any{
		"type": "object", "properties": props, "additionalProperties": false, "minProperties": 1,
	}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (structured) JSONSchema(f *Field) map[string]any { return partsSchema(f) }

// orNil keeps a nil map from becoming a non-nil interface.
func orNil(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}
