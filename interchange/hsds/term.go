package hsds

import (
	_ "embed"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/prassi-cms/prassi/schemas"
)

// ours begins the name of a taxonomy of this program, as HSDS's taxonomy_term
// has it: prassi:service_areas.
const ours = "prassi:"

//go:embed terms.yaml
var termsFile []byte

// termWords reads the table of foreign terms, once. It panics when the table is
// wrong, which a test sees.
var termWords = sync.OnceValue(func() map[string]map[string]string {
	var table map[string]map[string][]string
	if err := yaml.Unmarshal(termsFile, &table); err != nil {
		panic("terms.yaml: " + err.Error())
	}
	out := map[string]map[string]string{}
	for field, terms := range table {
		out[field] = map[string]string{}
		for id, words := range terms {
			for _, w := range words {
				out[field][fold(w)] = id
			}
		}
	}
	return out
})

// open says for which fields a term of somebody else's taxonomy may be found by
// its name alone; the others would take "free" for what it is not.
var open = map[string]bool{"topics": true, "target_groups": true}

// termOf gives the term of a field that an attribute means; empty for none.
func (l *Lens) termOf(f *schemas.Field, attribute map[string]any) string {
	t, ok := attribute["taxonomy_term"].(map[string]any)
	if !ok {
		return ""
	}
	if name, own := strings.CutPrefix(text(t["taxonomy"]), ours); own {
		for _, tax := range f.Taxonomies {
			if tax != name {
				continue
			}
			if x, ok := f.Term(idText(t["code"])); ok {
				return x.ID
			}
		}
		return ""
	}
	for _, word := range []string{text(t["name"]), idText(t["code"])} {
		if word == "" {
			continue
		}
		if id, ok := l.terms[f.Name][fold(word)]; ok {
			return id
		}
		if open[f.Name] {
			if x, ok := f.FindTerm(word); ok {
				return x.ID
			}
		}
	}
	return ""
}

// anyTerm says that some field understands an attribute.
func (r *reader) anyTerm(attribute map[string]any) bool {
	for _, name := range []string{"topics", "target_groups", "accessibility", "organization_type", "register_sections", "cost"} {
		if f, ok := r.typ.Field(name); ok && r.termOf(f, attribute) != "" {
			return true
		}
	}
	return false
}

// term is a choice: the attributes of an object whose taxonomy term it knows.
func term(field string) piece {
	return piece{
		field: field, path: "attributes[].taxonomy_term",
		get: func(r *reader, o map[string]any) any {
			f, ok := r.typ.Field(field)
			if !ok {
				return nil
			}
			var out []any
			for _, a := range objects(o["attributes"]) {
				if id := r.termOf(f, a); id != "" {
					out = append(out, id)
				} else if field == "topics" && filled(a["taxonomy_term"]) && !r.anyTerm(a) {
					t, _ := a["taxonomy_term"].(map[string]any)
					r.note(CodeTerm, "attributes[].taxonomy_term", first(text(t["name"]), idText(t["code"])))
				}
			}
			switch {
			case out == nil:
				return nil
			case !f.Repeated:
				return out[0]
			}
			return out
		},
		put: func(w *writer, o map[string]any, want any) { w.term(o, field, want) },
	}
}

// term makes the attributes of an object say a choice, in its order.
func (w *writer) term(o map[string]any, field string, want any) {
	f, _ := w.types[w.kind].Field(field)
	had := map[string]any{}
	var rest []any
	for _, x := range listOf(o["attributes"]) {
		id := ""
		if a, ok := x.(map[string]any); ok {
			id = w.termOf(f, a)
		}
		if id == "" {
			rest = append(rest, x)
		} else if had[id] == nil {
			had[id] = x
		}
	}
	wanted := listOf(want)
	if s, ok := want.(string); ok {
		wanted = []any{s}
	}
	var made []any
	for _, x := range wanted {
		id := words1(x)
		a := had[id]
		if a == nil {
			a = w.attribute(f, id)
		}
		made = append(made, a)
	}
	setList(o, "attributes", append(made, rest...))
}

func (w *writer) attribute(f *schemas.Field, id string) map[string]any {
	taxonomy := ""
	for _, name := range f.Taxonomies {
		if x, ok := w.reg.Taxonomy(name); ok {
			if _, ok := x.Term(id); ok {
				taxonomy = name
				break
			}
		}
	}
	label := id
	if t, ok := f.Term(id); ok {
		label = first(t.Label.In("en"), id)
	}
	return map[string]any{
		"id": w.newID("attribute", f.Name, id), "link_type": f.Name, "link_entity": string(w.kind),
		"taxonomy_term": map[string]any{"id": derive("term", taxonomy, id), "code": id, "name": label, "description": label, "taxonomy": ours + taxonomy},
	}
}

// costs says whether people have to pay: a term of ours, else what all the cost
// options add up to.
func costs() piece {
	get := func(r *reader, o map[string]any) any {
		f, ok := r.typ.Field("cost")
		if !ok {
			return nil
		}
		for _, a := range objects(o["attributes"]) {
			if id := r.termOf(f, a); id != "" {
				return id
			}
		}
		found := any(nil)
		for _, c := range objects(o["cost_options"]) {
			switch amount, ok := c["amount"].(float64); {
			case ok && amount > 0:
				return "paid"
			case ok && amount == 0:
				found = "free"
			}
		}
		return found
	}
	return piece{
		field: "cost", path: "cost_options[].amount", get: get,
		put: func(w *writer, o map[string]any, want any) {
			w.term(o, "cost", nil)
			r := &reader{Lens: w.Lens, kind: w.kind, typ: w.types[w.kind]}
			if get(r, o) == want {
				return
			}
			var rest []any // options that say otherwise
			for _, x := range listOf(o["cost_options"]) {
				if c, ok := x.(map[string]any); !ok || c["amount"] == nil {
					rest = append(rest, x)
				}
			}
			setList(o, "cost_options", rest)
			if want != nil {
				w.term(o, "cost", want)
			}
		},
	}
}

// accessNotes are notes on accessibility, of all places together.
func accessNotes(list, member string) piece {
	each := func(o map[string]any, visit func(at map[string]any)) {
		visit(o)
		for _, e := range objects(o[list]) {
			if at := holderOf(e, member); at != nil {
				visit(at)
			}
		}
	}
	get := func(_ *reader, o map[string]any) any {
		var out []string
		seen := map[string]bool{}
		each(o, func(at map[string]any) {
			for _, a := range objects(at["accessibility"]) {
				for _, m := range []string{"description", "details"} {
					if s := text(a[m]); s != "" && !seen[s] {
						seen[s] = true
						out = append(out, s)
					}
				}
			}
		})
		if out == nil {
			return nil
		}
		return strings.Join(out, " ")
	}
	return piece{
		field: "accessibility_notes", path: list + "[].accessibility[].description", get: get,
		put: func(w *writer, o map[string]any, want any) {
			var all []map[string]any
			each(o, func(at map[string]any) {
				delete(at, "accessibility")
				all = append(all, at)
			})
			to := all[min(1, len(all)-1)] // the first place, when there is one
			if want != nil {
				to["accessibility"] = []any{map[string]any{"id": w.newID("accessibility"), "description": want}}
			}
		},
	}
}
