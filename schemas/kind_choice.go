package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// choiceKind is the identifier of a term, of one of the field's taxonomies or of
// its own list of options.
type choiceKind struct{ base }

func (choiceKind) Name() string      { return "choice" }
func (choiceKind) Set() bool         { return true }
func (choiceKind) Sortable() bool    { return true }
func (choiceKind) Options() []string { return []string{"taxonomies", "options"} }

func (choiceKind) Check(f *Field) error {
	if (len(f.Taxonomies) == 0) == (len(f.Options) == 0) {
		return fmt.Errorf("a choice needs either taxonomies or options")
	}
	terms := f.Options
	if len(terms) > 0 {
		if err := checkTerms(terms); err != nil {
			return err
		}
	}
	for i, name := range f.Taxonomies {
		tax, ok := f.reg.Taxonomy(name)
		if !ok {
			return fmt.Errorf("unknown taxonomy %q", name)
		}
		if slices.Contains(f.Taxonomies[:i], name) {
			return fmt.Errorf("taxonomy %q is named twice", name)
		}
		for _, t := range tax.Terms {
			// A term of two taxonomies is one choice: Load has checked that both say the same.
			if !slices.ContainsFunc(terms, func(o *Term) bool { return o.ID == t.ID }) {
				terms = append(terms, t)
			}
		}
	}
	if len(f.Taxonomies) > 1 {
		// Words must not mean one thing in one taxonomy and another in the next.
		if err := checkTerms(terms); err != nil {
			return err
		}
	}
	f.setTerms(terms)
	return nil
}

func (choiceKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	s, issues := stringOf(v, env)
	if issues != nil {
		return nil, issues
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	if t, ok := f.termByID[s]; ok {
		return t.ID, nil
	}
	if t, ok := f.termByID[strings.ToLower(s)]; ok {
		return t.ID, nil
	}
	if env.loose() {
		if t, ok := f.FindTerm(s); ok {
			return t.ID, nil
		}
	}
	p := map[string]any{"value": echo(s)}
	if len(f.Taxonomies) > 0 {
		p["taxonomies"] = slices.Clone(f.Taxonomies)
	}
	return nil, issue(CodeUnknownTerm, p)
}

func (choiceKind) JSONSchema(f *Field) map[string]any {
	ids := make([]any, len(f.terms))
	for i, t := range f.terms {
		ids[i] = t.ID
	}
	return map[string]any{"type": "string", "enum": ids}
}
