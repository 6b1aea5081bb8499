package opendata

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

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

	once       sync.Once
	taxonomies map[string]string
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
	return h.object(it)
}

func (h *HSDS) object(it *hsdsItem) (map[string]any, error) {
	kind := hsdsKinds[it.collection]
	if provider := it.provider(); provider != "" {
		other, err := h.read(provider)
		if err != nil {
			return nil, err
		}
		if other != nil {
			it.facts.Organization = &other.facts
		}
	}
	o := h.Lens.FromFields(kind, it.facts)
	if hsds.IDOf(o) == "" { // it came with something else
		o["id"] = it.facts.ID
	}
	return o, nil
}

// Digest is what lists and filters have to know of a document.
type Digest struct {
	// Identifier is that in HSDS; empty when the document is not public in this
	// moment.
	Identifier string
	// Provider is the id of the document of a service's organisation.
	Provider string
	// Sites are the identifiers of a service's service_at_location objects, in order.
	Sites []string
	// Terms and Taxonomies are the identifiers of what its attributes say.
	Terms, Taxonomies []string
}

// Digest reads one.
func (h *HSDS) Digest(id string) (Digest, error) {
	it, err := h.read(id)
	if it == nil || err != nil {
		return Digest{}, err
	}
	o, err := h.object(it)
	if err != nil {
		return Digest{}, err
	}
	d := Digest{Identifier: hsds.IDOf(o), Provider: it.provider()}
	for _, site := range Objects(o["service_at_locations"]) {
		d.Sites = append(d.Sites, hsds.IDOf(site))
	}
	for _, a := range Objects(o["attributes"]) {
		term, _ := a["taxonomy_term"].(map[string]any)
		if term == nil {
			continue
		}
		taxonomy, _ := term["taxonomy_detail"].(map[string]any)
		d.Terms = addOnce(d.Terms, hsds.IDOf(term))
		d.Taxonomies = addOnce(d.Taxonomies, cmp.Or(hsds.IDOf(taxonomy), h.taxonomy(term["taxonomy"])))
	}
	return d, nil
}

// taxonomy gives the identifier of one of ours by its name.
func (h *HSDS) taxonomy(name any) string {
	h.once.Do(func() {
		h.taxonomies = map[string]string{}
		for _, t := range h.Lens.Taxonomies() {
			name, _ := t.Object["name"].(string)
			h.taxonomies[name] = hsds.IDOf(t.Object)
		}
	})
	if name, ok := name.(string); ok {
		return h.taxonomies[name]
	}
	return ""
}

// addOnce adds to a short list; many documents share few of its values.
func addOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, unique.Make(s).Value())
}

// Objects gives the objects of a decoded list. What an import kept may hold
// anything.
func Objects(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, x := range list {
		if o, ok := x.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

type hsdsItem struct {
	collection string
	facts      hsds.Facts
}

// provider is the document of a service's organisation.
func (it *hsdsItem) provider() string {
	if hsdsKinds[it.collection] != hsds.Service {
		return ""
	}
	id, _ := it.facts.Fields["organization"].(string)
	return id
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
