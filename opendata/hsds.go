package opendata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// HSDS writes public documents in Open Referral's Human Services Data
// Specification 3.1: the object that was imported, in which only what a document
// says otherwise today is replaced. HSDS has one language, so that Italian stands
// for a document, else English, else its first.
type HSDS struct {
	Lens    *hsds.Lens
	Schemas *schemas.Registry
	Catalog *catalog.Catalog
}

// Kinds of HSDS by collection.
var hsdsKinds = map[string]hsds.Kind{"services": hsds.Service, "organizations": hsds.Organization}

// Find looks for the public document with an identifier of HSDS: the one that it
// was imported with, or the document's own. id is the document that stands for it:
// another one when outcome is Moved. It reads no item.
func (h *HSDS) Find(collection, identifier string) (id string, outcome catalog.Outcome) {
	own := hsds.DocumentID(hsdsKinds[collection], identifier, 1)
	for _, candidate := range []string{own, identifier} {
		id, outcome = h.Catalog.Kept(candidate)
		if outcome == catalog.Found || outcome == catalog.Moved {
			if entries := h.Catalog.Variants(id); len(entries) > 0 && entries[0].Collection() == collection {
				return id, outcome
			}
			return "", catalog.NotFound
		}
		if outcome == catalog.Gone {
			return "", outcome
		}
	}
	return "", catalog.NotFound
}

// Object writes a document; nil when it is not public in this moment.
func (h *HSDS) Object(id string) (map[string]any, error) {
	it, err := h.read(id)
	if it == nil || err != nil {
		return nil, err
	}
	kind := hsdsKinds[it.collection]
	if kind == hsds.Service {
		if provider, ok := it.facts.Fields["organization"].(string); ok {
			other, err := h.read(provider)
			if err != nil {
				return nil, err
			}
			if other != nil {
				it.facts.Organization = &other.facts
			}
		}
	}
	return h.Lens.FromFields(kind, it.facts), nil
}

// Identifier gives the identifier that a document has in HSDS; empty when it is
// not public in this moment.
func (h *HSDS) Identifier(id string) (string, error) {
	entries := h.Catalog.Variants(id)
	if len(entries) == 0 {
		return "", nil
	}
	data, err := Primary(entries).AppendTo(nil, catalog.Identity)
	if err != nil || !bytes.Contains(data, []byte(`"`+hsds.Field+`":{`)) { // most came from nowhere else
		return id, err
	}
	var it struct {
		Fields struct {
			HSDS map[string]any `json:"hsds"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(data, &it); err != nil {
		return "", fmt.Errorf("opendata: %s: %w", id, err)
	}
	facts := hsds.Facts{ID: id, Fields: map[string]any{hsds.Field: it.Fields.HSDS}}
	return facts.OriginalID(), nil
}

type hsdsItem struct {
	collection string
	facts      hsds.Facts
}

func (h *HSDS) read(id string) (*hsdsItem, error) {
	entries := h.Catalog.Variants(id)
	if len(entries) == 0 || hsdsKinds[entries[0].Collection()] == "" {
		return nil, nil
	}
	e := Primary(entries)
	data, err := e.AppendTo(nil, catalog.Identity)
	if err != nil {
		return nil, err
	}
	var it struct {
		Assurance struct{ Date string }      `json:"assurance"`
		UpdatedAt time.Time                  `json:"updated_at"`
		Fields    map[string]json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal(data, &it); err != nil {
		return nil, fmt.Errorf("opendata: %s: %w", id, err)
	}
	t, ok := h.Schemas.Type(e.Type())
	if !ok {
		return nil, nil
	}
	fields, err := canonical(t, it.Fields)
	if err != nil {
		return nil, fmt.Errorf("opendata: %s: %w", id, err)
	}
	return &hsdsItem{e.Collection(), hsds.Facts{
		ID: id, Fields: fields, Assured: it.Assurance.Date, Shown: hsds.Public, Modified: it.UpdatedAt,
	}}, nil
}

// Primary is the variant that stands for a document: the Italian one, else the
// English, else the first. There must be one.
func Primary(entries []catalog.Entry) catalog.Entry {
	rank := func(e catalog.Entry) string { return map[string]string{"it": "0", "en": "1"}[e.Locale()] + e.Locale() }
	return slices.MinFunc(entries, func(a, b catalog.Entry) int { return strings.Compare(rank(a), rank(b)) })
}

// canonical gives the fields of a long item as they are stored: terms and
// references by their ids alone, files without what the library tells of them.
func canonical(t *schemas.Type, fields map[string]json.RawMessage) (map[string]any, error) {
	out := map[string]any{}
	for _, f := range t.Fields {
		raw := fields[f.Name]
		if len(raw) == 0 {
			continue
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		each := func(v any) any { return v }
		switch f.Kind {
		case "choice", "reference":
			each = func(v any) any {
				if m, ok := v.(map[string]any); ok {
					return m["id"]
				}
				return v
			}
		case "media":
			each = func(v any) any {
				m, ok := v.(map[string]any)
				if !ok {
					return v
				}
				kept := map[string]any{}
				for _, part := range f.Parts {
					if x, ok := m[part.Name]; ok {
						kept[part.Name] = x
					}
				}
				return kept
			}
		}
		if list, ok := v.([]any); ok && f.Repeated {
			for i := range list {
				list[i] = each(list[i])
			}
		} else {
			v = each(v)
		}
		out[f.Name] = v
	}
	return out, nil
}
