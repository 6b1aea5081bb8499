package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads and checks the declarations of a file system laid out like Files,
// workflows included. An error names file and line. The labels of the parts of
// kinds are always those of the embedded kinds.yaml, since kinds are code.
func Load(fsys fs.FS) (*Registry, error) {
	r := &Registry{
		files:      fsys,
		typeByName: map[string]*Type{}, typeByColl: map[string]*Type{},
		taxonomyName: map[string]*Taxonomy{}, terms: map[string]*Term{}, localeByTag: map[string]Locale{},
	}
	var err error
	if r.territories, err = loadTerritories(fsys); err != nil {
		return nil, err
	}
	if err = r.loadLocales(fsys); err != nil {
		return nil, err
	}
	if err = r.loadTaxonomies(fsys); err != nil {
		return nil, err
	}
	if err = r.loadTypes(fsys); err != nil {
		return nil, err
	}
	if err = r.loadFreshness(fsys); err != nil {
		return nil, err
	}
	if err = r.loadHolidays(fsys); err != nil {
		return nil, err
	}
	if r.fingerprint, err = fingerprint(fsys); err != nil {
		return nil, err
	}
	return r, nil
}

// fingerprint hashes the names and contents of all declaration files.
func fingerprint(fsys fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".csv"}, path.Ext(name)) {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		fmt.Fprintf(h, "%d %s %d\n", len(name), name, len(data))
		h.Write(data)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:16]), err
}

func (r *Registry) loadLocales(fsys fs.FS) error {
	const name = "locales.yaml"
	var file struct {
		Locales []yaml.Node `yaml:"locales"`
	}
	if _, err := readYAML(fsys, name, &file); err != nil {
		return err
	}
	for i := range file.Locales {
		n := &file.Locales[i]
		var l Locale
		if err := decode(n, &l); err != nil {
			return at(name, n, err)
		}
		for _, tag := range append([]string{l.Tag}, l.Aliases...) {
			if c, ok := CanonicalTag(tag); !ok || c != tag {
				return at(name, n, fmt.Errorf("%q is not a canonical language tag", tag))
			}
			if _, twice := r.localeByTag[strings.ToLower(tag)]; twice {
				return at(name, n, fmt.Errorf("locale %q is declared twice", tag))
			}
			r.localeByTag[strings.ToLower(tag)] = l
		}
		if l.Dir != "ltr" && l.Dir != "rtl" || l.Name == "" {
			return at(name, n, fmt.Errorf("locale %q needs a name, and dir ltr or rtl", l.Tag))
		}
		r.locales = append(r.locales, l)
	}
	if len(r.locales) == 0 {
		return at(name, nil, errors.New("there are no locales"))
	}
	return nil
}

func (r *Registry) loadTaxonomies(fsys fs.FS) error {
	names, err := fs.Glob(fsys, "taxonomies/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		t := &Taxonomy{byID: map[string]*Term{}}
		doc, err := readYAML(fsys, name, t)
		if err != nil {
			return err
		}
		if t.Name != strings.TrimSuffix(path.Base(name), ".yaml") || !namePattern.MatchString(t.Name) {
			return at(name, value(doc, "name"), fmt.Errorf("name %q is not that of the file, in snake_case", t.Name))
		}
		if t.Label["it"] == "" {
			return at(name, value(doc, "label"), errors.New("there is no label in it"))
		}
		terms := value(doc, "terms")
		for i, term := range t.Terms {
			n := terms.Content[i]
			// One more term at a time, so that the line is that of the term at fault.
			if err := checkTerms(t.Terms[:i+1]); err != nil {
				return at(name, n, err)
			}
			t.byID[term.ID] = term
			if other, ok := r.terms[term.ID]; ok && !term.Label.Equal(other.Label) {
				return at(name, n, fmt.Errorf("term %q has other labels in another taxonomy", term.ID))
			}
			if r.terms[term.ID] == nil {
				r.terms[term.ID] = term
			}
		}
		if len(t.Terms) == 0 {
			return at(name, doc, errors.New("there are no terms"))
		}
		t.byWord = indexTerms(t.Terms)
		r.taxonomies = append(r.taxonomies, t)
		r.taxonomyName[t.Name] = t
	}
	return nil
}

// shared are the fields and sections of fields.yaml, by name.
type shared struct {
	fields, sections map[string]*yaml.Node
}

func loadShared(fsys fs.FS) (*shared, error) {
	const name = "fields.yaml"
	s := &shared{map[string]*yaml.Node{}, map[string]*yaml.Node{}}
	var file struct {
		Fields   []yaml.Node `yaml:"fields"`
		Sections []yaml.Node `yaml:"sections"`
	}
	if _, err := readYAML(fsys, name, &file); errors.Is(err, fs.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	for i := range file.Fields {
		var f Field
		n := &file.Fields[i]
		if err := decode(n, &f); err != nil {
			return nil, at(name, n, err)
		}
		if f.Name == "" || s.fields[f.Name] != nil {
			return nil, at(name, n, fmt.Errorf("field %q has no name or is declared twice", f.Name))
		}
		s.fields[f.Name] = n
	}
	for i := range file.Sections {
		var f Section
		n := &file.Sections[i]
		if err := decode(n, &f); err != nil {
			return nil, at(name, n, err)
		}
		if f.Name == "" || s.sections[f.Name] != nil {
			return nil, at(name, n, fmt.Errorf("section %q has no name or is declared twice", f.Name))
		}
		s.sections[f.Name] = n
	}
	return s, nil
}

// typeFile is a type's file: Type with what may refer to fields.yaml.
type typeFile struct {
	Type `yaml:",inline"`
	Form struct {
		Sections []yaml.Node `yaml:"sections"`
	} `yaml:"form"`
	Fields []yaml.Node `yaml:"fields"`
}

func (r *Registry) loadTypes(fsys fs.FS) error {
	common, err := loadShared(fsys)
	if err != nil {
		return err
	}
	names, err := fs.Glob(fsys, "types/*.yaml")
	if err != nil {
		return err
	}
	lines := map[*Field]*yaml.Node{}
	files := map[*Type]string{}
	for _, name := range names {
		t, err := r.loadType(fsys, name, common, lines)
		if err != nil {
			return err
		}
		if other, ok := r.typeByColl[t.Collection]; ok {
			return fmt.Errorf("%s:1: collection %q is that of type %s", name, t.Collection, other.Name)
		}
		r.types = append(r.types, t)
		r.typeByName[t.Name], r.typeByColl[t.Collection] = t, t
		files[t] = name
	}
	if len(r.types) == 0 {
		return errors.New("types/:1: there are no content types")
	}
	for _, t := range r.types {
		for _, f := range t.Fields {
			for _, target := range f.Types {
				if r.typeByName[target] == nil {
					return at(files[t], lines[f], fmt.Errorf("field %s: unknown type %q", f.Name, target))
				}
			}
		}
	}
	return nil
}

var pathPattern = regexp.MustCompile(`^([a-z0-9-]+/)*\{slug\}$`)

func (r *Registry) loadType(fsys fs.FS, name string, common *shared, lines map[*Field]*yaml.Node) (*Type, error) {
	var file typeFile
	doc, err := readYAML(fsys, name, &file)
	if err != nil {
		return nil, err
	}
	t := &file.Type
	t.byName = map[string]*Field{}
	fault := func(key, format string, args ...any) error {
		n := value(doc, key)
		if n == nil {
			n = doc
		}
		return at(name, n, fmt.Errorf(format, args...))
	}
	switch {
	case t.Name != strings.TrimSuffix(path.Base(name), ".yaml") || !namePattern.MatchString(t.Name):
		return nil, fault("name", "name %q is not that of the file, in snake_case", t.Name)
	case !namePattern.MatchString(t.Collection):
		return nil, fault("collection", "collection %q is not snake_case", t.Collection)
	case t.Label["it"] == "":
		return nil, fault("label", "there is no label in it")
	case t.Plural["it"] == "":
		return nil, fault("plural", "there is no plural in it")
	case !workflowExists(fsys, t.Workflow):
		return nil, fault("workflow", "there is no workflow %q", t.Workflow)
	case len(file.Fields) == 0:
		return nil, fault("fields", "there are no fields")
	case t.Search.Boost < 0:
		return nil, fault("search", "boost is negative")
	}
	for _, tag := range t.Locales {
		if l, ok := r.Locale(tag); !ok || l.Tag != tag {
			return nil, fault("locales", "unknown locale %q", tag)
		}
	}
	if t.Route.Path == "" {
		t.Route.Path = t.Collection + "/{slug}"
	}
	if !pathPattern.MatchString(t.Route.Path) {
		return nil, fault("route", "path %q is not words and {slug} with slashes between", t.Route.Path)
	}
	if t.Search.Boost == 0 {
		t.Search.Boost = 1
	}
	sections := map[string]bool{}
	for i := range file.Form.Sections {
		n := &file.Form.Sections[i]
		s := new(Section)
		if err := decodeUsing(n, common.sections, s); err != nil {
			return nil, at(name, n, err)
		}
		if s.Name == "" || s.Label["it"] == "" || sections[s.Name] {
			return nil, at(name, n, fmt.Errorf("section %q needs a name of its own and a label in it", s.Name))
		}
		sections[s.Name] = true
		t.Form.Sections = append(t.Form.Sections, s)
	}
	for i := range file.Fields {
		n := &file.Fields[i]
		f := new(Field)
		if err := decodeUsing(n, common.fields, f); err != nil {
			return nil, at(name, n, err)
		}
		if err := f.prepare(r); err != nil {
			return nil, at(name, n, fmt.Errorf("field %s: %w", f.Name, err))
		}
		switch {
		case slices.Contains(Reserved, f.Name):
			return nil, at(name, n, fmt.Errorf("field %s: the name is reserved", f.Name))
		case t.byName[f.Name] != nil:
			return nil, at(name, n, fmt.Errorf("field %s is declared twice", f.Name))
		case f.Label["it"] == "":
			return nil, at(name, n, fmt.Errorf("field %s has no label in it", f.Name))
		}
		if s := f.Form.Section; !sections[s] {
			if value(value(n, "form"), "section") != nil {
				return nil, at(name, n, fmt.Errorf("field %s: unknown section %q", f.Name, s))
			}
			// None was named, or fields.yaml named one that this form does without.
			f.Form.Section = ""
			if len(t.Form.Sections) > 0 {
				f.Form.Section = t.Form.Sections[0].Name
			}
		}
		t.Fields = append(t.Fields, f)
		t.byName[f.Name] = f
		lines[f] = n
	}
	if f := t.byName["title"]; f == nil || f.Kind != "text" || !f.Localized || f.Repeated || f.Required != Always {
		return nil, fault("fields", "a type needs a localised text title, required always")
	}
	for _, hint := range []struct{ key, field, kind string }{
		{"route", t.Route.Calendar, "date_range"}, {"route", t.Route.Map, "place"},
	} {
		if f := t.byName[hint.field]; hint.field != "" && (f == nil || f.Kind != hint.kind) {
			return nil, fault(hint.key, "%q is no field of kind %s", hint.field, hint.kind)
		}
	}
	if when := t.Privacy.When; value(doc, "private") != nil {
		if f := t.byName[when]; f == nil || f.Kind != "boolean" || f.Localized || f.Repeated || !f.Voids() {
			return nil, fault("private", "%q is no shared field of kind boolean whose change voids approvals", when)
		}
	}
	if live := t.Import.Live; live != "" && live != ImportReview {
		return nil, fault("import", "live is %q, not review", live)
	}
	if f := t.byName[t.Search.Date]; t.Search.Date != "" && (f == nil || f.Kind != "date" && f.Kind != "date_range") {
		return nil, fault("search", "%q is no field with a date", t.Search.Date)
	}
	return t, nil
}

// workflowExists asks for the file only; package content/workflow reads it.
func workflowExists(fsys fs.FS, name string) bool {
	if !namePattern.MatchString(name) {
		return false
	}
	_, err := fs.Stat(fsys, "workflows/"+name+".yaml")
	return err == nil
}

// decodeUsing decodes a declaration over the shared one that its key "use" names.
func decodeUsing(n *yaml.Node, shared map[string]*yaml.Node, out any) error {
	if use := value(n, "use"); use != nil {
		base, ok := shared[use.Value]
		if !ok {
			return lineErrorf(use, "fields.yaml has no %q", use.Value)
		}
		if err := base.Decode(out); err != nil {
			return err
		}
		rest := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Line: n.Line, Column: n.Column}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != "use" {
				rest.Content = append(rest.Content, n.Content[i], n.Content[i+1])
			}
		}
		n = rest
	}
	return decode(n, out)
}

// readYAML reads one document into out, refusing keys that out does not have,
// and answers the document's root.
func readYAML(fsys fs.FS, name string, out any) (*yaml.Node, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, at(name, nil, errors.New("the file is empty"))
	} else if err != nil {
		return nil, at(name, nil, err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, at(name, &second, errors.New("there is more than one document"))
	}
	if err := decode(doc.Content[0], out); err != nil {
		return nil, at(name, doc.Content[0], err)
	}
	return doc.Content[0], nil
}

// decode decodes a node after checking that it uses known keys, once each, and
// no anchors.
func decode(n *yaml.Node, out any) error {
	if err := checkKeys(n, reflect.TypeOf(out).Elem()); err != nil {
		return err
	}
	return n.Decode(out)
}

var (
	nodeType = reflect.TypeFor[yaml.Node]()
	textType = reflect.TypeFor[Text]()
)

// checkKeys compares a node with the struct that it is decoded into.
func checkKeys(n *yaml.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return lineErrorf(n, "anchors and aliases have no place here")
	case t == nodeType || t == textType:
		return nil
	case t.Kind() == reflect.Struct:
		if n.Kind != yaml.MappingNode {
			return lineErrorf(n, "a mapping is expected")
		}
		keys := map[string]reflect.Type{}
		structKeys(t, keys)
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			kt, ok := keys[k.Value]
			if !ok {
				return lineErrorf(k, "unknown key %q", k.Value)
			}
			if seen[k.Value] {
				return lineErrorf(k, "key %q is there twice", k.Value)
			}
			seen[k.Value] = true
			if err := checkKeys(n.Content[i+1], kt); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return lineErrorf(n, "a list is expected")
		}
		for _, item := range n.Content {
			if err := checkKeys(item, t.Elem()); err != nil {
				return err
			}
		}
	case n.Kind != yaml.ScalarNode:
		return lineErrorf(n, "a single value is expected")
	}
	return nil
}

// structKeys collects the YAML keys of a struct; those of an embedded one give way.
func structKeys(t reflect.Type, keys map[string]reflect.Type) {
	for f := range t.Fields() {
		if f.Tag.Get("yaml") == ",inline" {
			structKeys(f.Type, keys)
		}
	}
	for f := range t.Fields() {
		tag, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if tag != "" && tag != "-" && opts != "inline" {
			keys[tag] = f.Type
		}
	}
}

// value finds the value of a key of a mapping.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?(?:yaml: )?line ([0-9]+): `)

// at names file and line: that of the error when it knows one, else the node's.
func at(name string, n *yaml.Node, err error) error {
	line := 1
	if n != nil && n.Line > 0 {
		line = n.Line
	}
	msg := err.Error()
	var le *lineError
	if errors.As(err, &le) {
		line, msg = le.line, le.msg
	} else if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	return fmt.Errorf("%s:%d: %s", name, line, strings.TrimPrefix(msg, "yaml: "))
}
