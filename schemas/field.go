package schemas

import (
	"fmt"
	"regexp"
	"slices"
)

// Requirement says when a field must have a value.
type Requirement string

// The levels of requirement.
const (
	Optional  Requirement = ""        // never
	ToPublish Requirement = "publish" // before the variant may be made public
	Always    Requirement = "always"  // in every revision, drafts included
)

// Approvals.
const (
	ApprovalVoids = "voids" // a change of the field voids approvals given before
	ApprovalKeeps = "keeps" // a change of the field keeps them
)

// SearchHint says how search uses a field.
type SearchHint struct {
	// Weight from 1 (little) to 10 (title); 0: the field is not searched.
	Weight int `yaml:"weight" json:"weight,omitempty"`
	// Facet: answers count items by this field's values and filter by them.
	Facet bool `yaml:"facet" json:"facet,omitempty"`
}

// FormHint says how the editing form shows a field.
type FormHint struct {
	// Section names one of the type's form sections.
	Section string `yaml:"section" json:"section,omitempty"`
	// Widget names one of Widgets; empty: the usual one of the kind.
	Widget string `yaml:"widget" json:"widget,omitempty"`
}

// Widgets are the form controls a declaration may ask for instead of the usual
// one of a field's kind.
var Widgets = []string{"textarea", "radio", "checkboxes", "select", "switch", "map", "tags"}

// Field declares one field of a type, or one part of a structured kind's value.
// A Field of a loaded Registry must not be changed.
type Field struct {
	// Name is the key in Values and in the interchange format.
	Name string `yaml:"name" json:"name"`
	// Kind names one of Kinds.
	Kind string `yaml:"kind" json:"kind"`
	// Localized: each locale has its own value; otherwise all variants share one.
	Localized bool `yaml:"localized" json:"localized"`
	// Repeated: the value is a list. Kinds that are lists by nature set it.
	Repeated bool        `yaml:"repeated" json:"repeated"`
	Required Requirement `yaml:"required" json:"required,omitempty"`
	Label    Text        `yaml:"label" json:"label"`
	Help     Text        `yaml:"help" json:"help,omitempty"`

	// MaxChars and MinChars count Unicode code points after NFC.
	MaxChars int `yaml:"max_chars" json:"max_chars,omitempty"`
	MinChars int `yaml:"min_chars" json:"min_chars,omitempty"`
	// MaxBytes bounds Markdown in bytes of UTF-8, which is what a renderer pays for.
	MaxBytes int `yaml:"max_bytes" json:"max_bytes,omitempty"`
	// MaxWords counts as CountWords does.
	MaxWords int `yaml:"max_words" json:"max_words,omitempty"`
	MaxItems int `yaml:"max_items" json:"max_items,omitempty"`
	// Min and Max bound numbers and amounts of money, both included.
	Min     *float64 `yaml:"min" json:"min,omitempty"`
	Max     *float64 `yaml:"max" json:"max,omitempty"`
	Integer bool     `yaml:"integer" json:"integer,omitempty"`

	// Format restricts text to one of Formats.
	Format string `yaml:"format" json:"format,omitempty"`
	// Taxonomies of a choice; the value is a term of any of them.
	Taxonomies []string `yaml:"taxonomies" json:"taxonomies,omitempty"`
	// Options of a choice without taxonomy.
	Options []*Term `yaml:"options" json:"options,omitempty"`
	// Types that a reference may point to.
	Types []string `yaml:"types" json:"types,omitempty"`
	// Levels of territory allowed: region, province, municipality; empty: any.
	Levels []string `yaml:"levels" json:"levels,omitempty"`
	// Times: dates of a date range may carry a local time of Italy (Europe/Rome).
	Times bool `yaml:"times" json:"times,omitempty"`
	// Labelled: a date range says in words what it is, as a deadline does.
	Labelled bool `yaml:"labelled" json:"labelled,omitempty"`

	// Approval is ApprovalVoids (default) or ApprovalKeeps.
	Approval string     `yaml:"approval" json:"approval"`
	Search   SearchHint `yaml:"search" json:"search,omitzero"`
	Form     FormHint   `yaml:"form" json:"form,omitzero"`
	// List: short answers (lists, cards) carry the field.
	List bool `yaml:"list" json:"list,omitempty"`
	// Sortable: lists may be sorted by the field.
	Sortable bool `yaml:"sortable" json:"sortable,omitempty"`

	// Parts of a structured kind's value, in order; empty for simple kinds.
	Parts []*Field `yaml:"-" json:"parts,omitempty"`

	kind     Kind
	terms    []*Term
	termByID map[string]*Term
	byWord   map[string]*Term
	reg      *Registry
}

// DefaultMaxItems bounds lists whose declaration does not.
const DefaultMaxItems = 50

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// KindOf is the implementation of the field's kind.
func (f *Field) KindOf() Kind { return f.kind }

// Terms are the terms a choice may have, in order: of its taxonomies or its options.
func (f *Field) Terms() []*Term { return f.terms }

// Term finds a term of a choice by its identifier.
func (f *Field) Term(id string) (*Term, bool) {
	t, ok := f.termByID[id]
	return t, ok
}

// FindTerm finds a term of a choice by identifier, label in any language or
// alias, whatever the case, accents or punctuation.
func (f *Field) FindTerm(words string) (*Term, bool) { return findTerm(f.byWord, words) }

// Part finds a part by name.
func (f *Field) Part(name string) (*Field, bool) {
	for _, p := range f.Parts {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// Voids reports whether a change of the field voids approvals.
func (f *Field) Voids() bool { return f.Approval != ApprovalKeeps }

// prepare checks the declaration and completes it. Taxonomies are those of r.
func (f *Field) prepare(r *Registry) error {
	f.reg = r
	if !namePattern.MatchString(f.Name) || len(f.Name) > 40 {
		return fmt.Errorf("name %q is not snake_case of at most 40 characters", f.Name)
	}
	kind, ok := KindByName(f.Kind)
	if !ok {
		return fmt.Errorf("unknown kind %q", f.Kind)
	}
	f.kind = kind
	if kind.List() {
		f.Repeated = true
	}
	switch f.Required {
	case Optional, ToPublish, Always:
	default:
		return fmt.Errorf("required is %q, not publish or always", f.Required)
	}
	switch f.Approval {
	case "":
		f.Approval = ApprovalVoids
	case ApprovalVoids, ApprovalKeeps:
	default:
		return fmt.Errorf("approval is %q, not voids or keeps", f.Approval)
	}
	if f.Form.Widget != "" && !slices.Contains(Widgets, f.Form.Widget) {
		return fmt.Errorf("unknown widget %q", f.Form.Widget)
	}
	if f.Search.Weight < 0 || f.Search.Weight > 10 {
		return fmt.Errorf("search weight %d is not between 0 and 10", f.Search.Weight)
	}
	if f.MaxItems < 0 || f.MaxChars < 0 || f.MinChars < 0 || f.MaxWords < 0 || f.MaxBytes < 0 {
		return fmt.Errorf("a limit is negative")
	}
	if f.MaxItems > 0 && !f.Repeated {
		return fmt.Errorf("max_items needs repeated: true")
	}
	if f.MaxChars > 0 && f.MinChars > f.MaxChars {
		return fmt.Errorf("min_chars %d is above max_chars %d", f.MinChars, f.MaxChars)
	}
	if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
		return fmt.Errorf("min %v is above max %v", *f.Min, *f.Max)
	}
	if f.Repeated && f.MaxItems == 0 {
		f.MaxItems = DefaultMaxItems
	}
	if f.Sortable && (f.Repeated || !kind.Sortable()) {
		return fmt.Errorf("kind %s cannot be sorted by", f.Kind)
	}
	if err := checkOptions(f, kind.Options()); err != nil {
		return err
	}
	if err := kind.Check(f); err != nil {
		return err
	}
	f.Parts = kind.Parts(f)
	for _, p := range f.Parts {
		if err := p.prepare(r); err != nil {
			return fmt.Errorf("part %s: %w", p.Name, err)
		}
	}
	return nil
}

// checkOptions refuses options that mean nothing to the field's kind.
func checkOptions(f *Field, allowed []string) error {
	for _, o := range []struct {
		name string
		set  bool
	}{
		{"max_chars", f.MaxChars != 0}, {"min_chars", f.MinChars != 0}, {"max_bytes", f.MaxBytes != 0},
		{"max_words", f.MaxWords != 0}, {"min", f.Min != nil}, {"max", f.Max != nil},
		{"integer", f.Integer}, {"format", f.Format != ""}, {"taxonomies", f.Taxonomies != nil},
		{"options", f.Options != nil}, {"types", f.Types != nil}, {"levels", f.Levels != nil},
		{"times", f.Times}, {"labelled", f.Labelled},
	} {
		if o.set && !slices.Contains(allowed, o.name) {
			return fmt.Errorf("kind %s has no option %s", f.Kind, o.name)
		}
	}
	return nil
}

// setTerms fills the lookup of a choice.
func (f *Field) setTerms(terms []*Term) {
	f.terms = terms
	f.byWord = indexTerms(terms)
	f.termByID = make(map[string]*Term, len(terms))
	for _, t := range terms {
		f.termByID[t.ID] = t
	}
}

// Parse turns one value of the field, list or single, into its canonical form.
// A nil answer without issues means that there is no value. Issue paths are
// relative to the value.
func (f *Field) Parse(v any, env *Env) (any, []Issue) {
	if v == nil {
		return nil, nil
	}
	if !f.Repeated {
		return f.kind.Parse(f, v, env)
	}
	list, ok := v.([]any)
	if !ok {
		if l, isStrings := v.([]string); isStrings {
			list, ok = anys(l), true
		} else if env.loose() {
			list, ok = []any{v}, true
		}
	}
	if !ok {
		return nil, wrongType("list")
	}
	if len(list) > f.MaxItems {
		return nil, issue(CodeTooManyItems, map[string]any{"max": f.MaxItems, "actual": len(list)})
	}
	out := make([]any, 0, len(list))
	var issues []Issue
	set := f.kind.Set()
	for i, item := range list {
		if item == nil {
			continue
		}
		got, bad := f.kind.Parse(f, item, env)
		if bad != nil {
			issues = append(issues, underIndex(i, bad)...)
			continue
		}
		if got == nil {
			continue
		}
		if set && slices.Contains(out, got) {
			if !env.loose() {
				s, _ := got.(string)
				issues = append(issues, underIndex(i, wrong(CodeDuplicate, s))...)
			}
			continue
		}
		out = append(out, got)
	}
	if issues != nil {
		return nil, issues
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func anys(l []string) []any {
	out := make([]any, len(l))
	for i, s := range l {
		out[i] = s
	}
	return out
}

// JSONSchema describes the field's value, list or single.
func (f *Field) JSONSchema() map[string]any {
	s := f.kind.JSONSchema(f)
	if f.Repeated {
		s = map[string]any{"type": "array", "items": s, "maxItems": f.MaxItems}
		if f.kind.Set() {
			s["uniqueItems"] = true
		}
	}
	if title := f.Label.In("en"); title != "" {
		s["title"] = title
	}
	if help := f.Help.In("en"); help != "" {
		s["description"] = help
	}
	return s
}
