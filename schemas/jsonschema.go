package schemas

import "strings"

// Draft is the JSON Schema dialect of every schema here.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// JSONSchema describes one variant of a type in the interchange format: the keys
// that every type has and the type's own fields. Its $id is
// baseURL/schemas/NAME.json. What Type.Parse accepts validates; the schema does
// not know limits in words, calendars, the order of dates or which territories
// exist.
func (r *Registry) JSONSchema(t *Type, baseURL string) map[string]any {
	props := map[string]any{
		"type":   map[string]any{"const": t.Name},
		"id":     map[string]any{"type": "string", "minLength": 1, "maxLength": maxReference, "description": "Assigned when absent."},
		"locale": map[string]any{"type": "string", "enum": r.localeTags(t), "description": "BCP 47 language tag."},
		"slug":   map[string]any{"type": "string", "minLength": 1, "maxLength": maxReference, "description": "The name in addresses, unique in its type and locale."},
		"state":  map[string]any{"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "description": "A state of the type's workflow."},
		"published_at": map[string]any{
			"type": "string", "format": "date-time", "description": "RFC 3339, UTC.",
		},
		"updated_at": map[string]any{
			"type": "string", "format": "date-time", "description": "RFC 3339, UTC.",
		},
		"translation_of": map[string]any{
			"description": "The document that this is a variant of: its identifier, or slug and locale of another variant.",
			"anyOf": []any{
				map[string]any{"type": "string", "minLength": 1, "maxLength": 2 * maxReference},
				map[string]any{
					"type": "object", "additionalProperties": false,
					"properties": map[string]any{
						"slug":   map[string]any{"type": "string", "minLength": 1, "maxLength": maxReference},
						"locale": map[string]any{"type": "string", "enum": r.localeTags(t)},
					},
					"required": []any{"slug", "locale"},
				},
			},
		},
	}
	if r.freshness[t.Name] != nil {
		props["assured_date"] = map[string]any{
			"type": "string", "format": "date", "description": "The last day on which someone confirmed that all is right.",
		}
	}
	required := []any{"type", "locale"}
	for _, f := range t.Fields {
		props[f.Name] = f.JSONSchema()
		if f.Required == Always {
			required = append(required, f.Name)
		}
	}
	s := map[string]any{
		"$schema":              Draft,
		"$id":                  strings.TrimRight(baseURL, "/") + "/schemas/" + t.Name + ".json",
		"title":                t.Label.In("en"),
		"type":                 "object",
		"properties":           props,
		"required":             required,
		"additionalProperties": false,
	}
	if help := t.Help.In("en"); help != "" {
		s["description"] = help
	}
	return s
}

func (r *Registry) localeTags(t *Type) []any {
	var tags []any
	if len(t.Locales) > 0 {
		for _, tag := range t.Locales {
			tags = append(tags, tag)
		}
		return tags
	}
	for _, l := range r.locales {
		tags = append(tags, l.Tag)
	}
	return tags
}
