package hsds

import (
	"slices"

	"github.com/prassi-cms/prassi/schemas"
)

// Taxonomies gives those of this program that services and organisations are
// described with, as HSDS's taxonomy objects, each with its terms.
func (l *Lens) Taxonomies() []Taxonomy {
	var out []Taxonomy
	for _, kind := range []Kind{Service, Organization} {
		t := l.types[kind]
		if t == nil {
			continue
		}
		for _, f := range t.Fields {
			for _, name := range f.Taxonomies {
				x, ok := l.reg.Taxonomy(name)
				if !ok || slices.ContainsFunc(out, func(t Taxonomy) bool { return t.Object["name"] == ours+name }) {
					continue
				}
				out = append(out, taxonomyOf(x))
			}
		}
	}
	return out
}

// Taxonomy is one with its terms, in their order.
type Taxonomy struct {
	Object map[string]any
	Terms  []map[string]any
}

func taxonomyOf(x *schemas.Taxonomy) Taxonomy {
	label := first(x.Label.In("en"), x.Name)
	t := Taxonomy{Object: map[string]any{
		"id": derive("taxonomy", x.Name), "name": ours + x.Name, "description": label,
	}}
	for _, term := range x.Terms {
		name := first(term.Label.In("en"), term.ID)
		t.Terms = append(t.Terms, map[string]any{
			"id": derive("term", x.Name, term.ID), "code": term.ID, "name": name, "description": name, "taxonomy": ours + x.Name,
			"taxonomy_detail": t.Object, "language": "en",
		})
	}
	return t
}
