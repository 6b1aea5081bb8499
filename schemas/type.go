package schemas

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Type is a content type. A Type of a loaded Registry must not be changed.
type Type struct {
	// Name in the singular, as in the interchange format: practice.
	Name string `yaml:"name" json:"name"`
	// Collection is the name in routes: practices.
	Collection string `yaml:"collection" json:"collection"`
	// Workflow names workflows/NAME.yaml.
	Workflow string `yaml:"workflow" json:"workflow"`
	Label    Text   `yaml:"label" json:"label"`
	Plural   Text   `yaml:"plural" json:"plural"`
	Help     Text   `yaml:"help" json:"help,omitempty"`
	// Locales the type may be written in; empty: all of the registry.
	Locales []string `yaml:"locales" json:"locales,omitempty"`
	Route   Route    `yaml:"route" json:"route"`
	Search  Search   `yaml:"search" json:"search"`
	// Privacy says which documents hide where they are; zero: none does.
	Privacy Privacy    `yaml:"private" json:"private,omitzero"`
	Import  TypeImport `yaml:"import" json:"import,omitzero"`
	Form    Form       `yaml:"-" json:"form"`
	Fields  []*Field   `yaml:"-" json:"fields"`

	byName map[string]*Field
}

// Route says where published items of a type appear.
type Route struct {
	// Path of an item's page below /{locale}/, with {slug}.
	Path string `yaml:"path" json:"path"`
	// Feed: the collection has RSS, Atom and JSON feeds.
	Feed bool `yaml:"feed" json:"feed,omitempty"`
	// Calendar names the date range that puts items into the calendar feed.
	Calendar string `yaml:"calendar" json:"calendar,omitempty"`
	// Map names the field of places that puts items on the map.
	Map string `yaml:"map" json:"map,omitempty"`
}

// Search says how search treats a type.
type Search struct {
	// Boost multiplies the rank of items; 1 when not declared.
	Boost float64 `yaml:"boost" json:"boost"`
	// Date names the field that from and to filter by; empty: the day of publication.
	Date string `yaml:"date" json:"date,omitempty"`
}

// ImportReview is what TypeImport.Live may say.
const ImportReview = "review"

// TypeImport says what a bulk import may do.
type TypeImport struct {
	// Live is ImportReview when an import changes a document that is live and has
	// an owner only as a draft in the owner's queue; empty: what an import
	// publishes goes on the air.
	Live string `yaml:"live" json:"live,omitempty"`
}

// Form says how the editing form is divided.
type Form struct {
	Sections []*Section `json:"sections"`
}

// Section is a part of the editing form.
type Section struct {
	Name  string `yaml:"name" json:"name"`
	Label Text   `yaml:"label" json:"label"`
	Help  Text   `yaml:"help" json:"help,omitempty"`
}

// Values are a document's fields in canonical form: strings, float64, bool,
// []any and map[string]any, nothing empty and nothing null. encoding/json gives
// the same bytes for the same values every time.
type Values map[string]any

// Reserved are the keys that items have beside their type's fields, in the
// interchange format or in answers of the API; no field may take one.
var Reserved = []string{
	"type", "id", "locale", "slug", "state", "published_at", "updated_at", "created_at", "translation_of",
	"owner", "publish_at", "expire_at", "working_copy", "assurance", "assured_date",
	"collection", "html", "toc", "references", "alternates", "revision", "version", "url", "links", "score", "highlights",
}

// Field finds a field by name.
func (t *Type) Field(name string) (*Field, bool) {
	f, ok := t.byName[name]
	return f, ok
}

// Parse turns decoded JSON or YAML into canonical values, or says what is wrong.
// null and empty values are absent. It does not ask whether required fields are
// there (Missing does), but for required parts of a structured value. When there
// are issues the values hold what could be read, and must not be saved. Parsing
// what Parse answered changes nothing.
//
// Codes must come as strings: a reader of YAML makes 13 of an unquoted 015, and
// Parse refuses the number rather than guess.
func (t *Type) Parse(in map[string]any, env *Env) (Values, []Issue) {
	out := make(Values, len(in))
	var issues []Issue
	known := 0
	for _, f := range t.Fields {
		v, given := in[f.Name]
		if !given {
			continue
		}
		known++
		got, bad := f.Parse(v, env)
		switch {
		case bad != nil:
			issues = append(issues, under(f.Name, bad)...)
		case got != nil:
			out[f.Name] = got
		}
		if len(issues) > maxIssues {
			break
		}
	}
	if known < len(in) && len(issues) <= maxIssues {
		issues = append(issues, unknownKeys(in, CodeUnknownField, "field", func(k string) bool { return t.byName[k] != nil })...)
	}
	return out, capped(issues)
}

// Missing lists what a level requires and values lack: for Always the fields
// that every revision must have, for ToPublish those and the ones that a
// published item must have.
func (t *Type) Missing(v Values, level Requirement) []Issue {
	var issues []Issue
	for _, f := range t.Fields {
		value, ok := v[f.Name]
		if !ok || value == nil {
			if f.Required.within(level) {
				issues = append(issues, under(f.Name, issue(CodeRequired, map[string]any{"field": f.Name}))...)
			}
			continue
		}
		if f.Parts == nil {
			continue
		}
		switch value := value.(type) {
		case map[string]any:
			issues = append(issues, under(f.Name, missingParts(f, value, level))...)
		case []any:
			for i, item := range value {
				if m, ok := item.(map[string]any); ok {
					issues = append(issues, under(f.Name, underIndex(i, missingParts(f, m, level)))...)
				}
			}
		}
	}
	return capped(issues)
}

// Split divides values into those of the document and those of one locale.
// Names that the type does not declare go nowhere.
func (t *Type) Split(v Values) (shared, localized Values) {
	shared, localized = Values{}, Values{}
	for name, value := range v {
		switch f := t.byName[name]; {
		case f == nil:
		case f.Localized:
			localized[name] = value
		default:
			shared[name] = value
		}
	}
	return shared, localized
}

// Changed lists the fields in which two sets of canonical values differ, in
// declared order. Field.Voids says which of them void approvals.
func (t *Type) Changed(a, b Values) []*Field {
	var out []*Field
	for _, f := range t.Fields {
		if !reflect.DeepEqual(a[f.Name], b[f.Name]) {
			out = append(out, f)
		}
	}
	return out
}

// Ref is a reference found in values.
type Ref struct {
	// Path is a JSON Pointer to it.
	Path string
	// Types it may point to.
	Types []string
	// Target is an identifier, a slug, or type/slug.
	Target string
}

// References lists the references in values, in the order of their fields.
func (t *Type) References(v Values) []Ref {
	var refs []Ref
	t.MapReferences(v, func(r Ref) (string, bool) {
		refs = append(refs, r)
		return r.Target, true
	})
	return refs
}

// MapReferences answers a copy of values with every reference replaced by what
// resolve answers; where it answers false the reference is left out. Two
// references of one list that become the same are kept once. The values given
// are not changed.
func (t *Type) MapReferences(v Values, resolve func(Ref) (string, bool)) Values {
	out := maps.Clone(v)
	for _, f := range t.Fields {
		if f.Kind != "reference" {
			continue
		}
		switch value := v[f.Name].(type) {
		case string:
			if to, ok := resolve(Ref{"/" + f.Name, f.Types, value}); ok {
				out[f.Name] = to
			} else {
				delete(out, f.Name)
			}
		case []any:
			list := make([]any, 0, len(value))
			for i, item := range value {
				s, _ := item.(string)
				to, ok := resolve(Ref{"/" + f.Name + "/" + strconv.Itoa(i), f.Types, s})
				if ok && !slices.Contains(list, any(to)) {
					list = append(list, to)
				}
			}
			if len(list) > 0 {
				out[f.Name] = list
			} else {
				delete(out, f.Name)
			}
		}
	}
	return out
}
