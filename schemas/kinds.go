package schemas

import (
	"sync"

	"go.yaml.in/yaml/v3"
)

// Kind is what a field's value is. A kind is stateless and safe for concurrent
// use; its methods handle one item, and Field handles lists.
type Kind interface {
	// Name is the word that declarations use.
	Name() string
	// List reports that values are lists by nature.
	List() bool
	// Set reports that a repeated field may not hold a value twice.
	Set() bool
	// Sortable reports that lists of items may be sorted by a field of the kind.
	Sortable() bool
	// Options names the field options that mean something to the kind.
	Options() []string
	// Check refuses a declaration that the kind cannot serve and completes it
	// with the kind's defaults.
	Check(f *Field) error
	// Parts are the fields of a structured value; nil for simple kinds.
	Parts(f *Field) []*Field
	// Parse answers the canonical form of one item, nil when there is nothing in it.
	Parse(f *Field, v any, env *Env) (any, []Issue)
	// JSONSchema describes one item, in JSON Schema 2020-12.
	JSONSchema(f *Field) map[string]any
}

// Kinds is every kind, in the order of the documentation.
func Kinds() []Kind { return kinds }

var kinds = []Kind{
	textKind{},
	markdownKind{},
	richListKind{},
	numberKind{},
	moneyKind{},
	dateKind{},
	dateRangeKind{},
	booleanKind{},
	choiceKind{},
	territoryKind{},
	placeKind{},
	referenceKind{},
	mediaKind{},
	legalReferenceKind{},
	contactKind{},
	openingHoursKind{},
	languageListKind{},
	indicatorsKind{},
	attributesKind{},
}

// KindByName finds a kind.
func KindByName(name string) (Kind, bool) {
	for _, k := range kinds {
		if k.Name() == name {
			return k, true
		}
	}
	return nil, false
}

// kindTexts are the labels of the parts of structured kinds, from kinds.yaml.
type kindTexts struct {
	Parts   map[string]map[string]Text `yaml:"parts"`   // kind, part
	Options map[string][]*Term         `yaml:"options"` // part's option list
}

var loadKindTexts = sync.OnceValue(func() *kindTexts {
	data, err := Files.ReadFile("kinds.yaml")
	if err != nil {
		panic("schemas: " + err.Error())
	}
	t := new(kindTexts)
	if err := yaml.Unmarshal(data, t); err != nil {
		panic("schemas: kinds.yaml: " + err.Error())
	}
	return t
})

// part declares a part of a structured kind with its label.
func part(kind string, f Field) *Field {
	f.Label = loadKindTexts().Parts[kind][f.Name]
	return &f
}

// optionsOf is an option list of kinds.yaml.
func optionsOf(name string) []*Term { return loadKindTexts().Options[name] }

// base is the ordinary answers of a simple kind.
type base struct{}

func (base) List() bool              { return false }
func (base) Set() bool               { return false }
func (base) Sortable() bool          { return false }
func (base) Options() []string       { return nil }
func (base) Check(*Field) error      { return nil }
func (base) Parts(f *Field) []*Field { return nil }
