package schemas

import (
	"io/fs"
	"strings"
)

// Registry is the declarations of a file system, read and checked. It is
// immutable and safe for concurrent use; what it answers must not be changed.
type Registry struct {
	files        fs.FS
	types        []*Type
	typeByName   map[string]*Type
	typeByColl   map[string]*Type
	taxonomies   []*Taxonomy
	taxonomyName map[string]*Taxonomy
	terms        map[string]*Term
	locales      []Locale
	localeByTag  map[string]Locale // tags and aliases in lower case
	territories  *Territories
	freshness    map[string]*Freshness
	holidays     []Holiday
	fingerprint  string
}

// Files is the file system that the registry was loaded from, workflows included.
func (r *Registry) Files() fs.FS { return r.files }

// Types lists the content types by name of file.
func (r *Registry) Types() []*Type { return r.types }

// Type finds a content type by name.
func (r *Registry) Type(name string) (*Type, bool) {
	t, ok := r.typeByName[name]
	return t, ok
}

// TypeByCollection finds a content type by the name of its collection.
func (r *Registry) TypeByCollection(collection string) (*Type, bool) {
	t, ok := r.typeByColl[collection]
	return t, ok
}

// Taxonomies lists the taxonomies by name of file.
func (r *Registry) Taxonomies() []*Taxonomy { return r.taxonomies }

// Taxonomy finds a taxonomy by name.
func (r *Registry) Taxonomy(name string) (*Taxonomy, bool) {
	t, ok := r.taxonomyName[name]
	return t, ok
}

// Term finds a term of any taxonomy by identifier. Terms of two taxonomies with
// one identifier say the same, so the answer does not depend on the taxonomy.
func (r *Registry) Term(id string) (*Term, bool) {
	t, ok := r.terms[id]
	return t, ok
}

// Locales lists the locales that content may be written in, as declared.
func (r *Registry) Locales() []Locale { return r.locales }

// Locale finds a locale by its tag or an alias, in any case.
func (r *Registry) Locale(tag string) (Locale, bool) {
	l, ok := r.localeByTag[strings.ToLower(tag)]
	return l, ok
}

// Territories is the regions and provinces; municipalities are imported.
func (r *Registry) Territories() *Territories { return r.territories }

// Fingerprint is a hash of every declaration file. What is derived from the
// declarations is out of date when it differs.
func (r *Registry) Fingerprint() string { return r.fingerprint }
