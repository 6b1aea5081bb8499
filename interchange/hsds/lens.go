package hsds

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/schemas"
)

// Kind is what an object of HSDS is, and the content type it becomes.
type Kind string

// The kinds that become documents. All other objects are parts of these.
const (
	Service      Kind = "service"
	Organization Kind = "organization"
)

// Field is the field of both types that keeps the original object.
const Field = "hsds"

// Note is one thing to say about a place of an original.
type Note struct {
	// Path is the member, as service.phones[].number.
	Path string
	Code string // one of Codes, or of schemas.IssueCodes for a value that does not fit
	// Params name at least the value.
	Params map[string]any
}

// Codes of notes. The comment names the parameters.
const (
	CodeNoName        = "hsds_no_name"        // path
	CodeKept          = "hsds_kept"           // path, value, reason (a code of schemas.IssueCodes)
	CodeShortened     = "hsds_shortened"      // path, value
	CodeTerm          = "hsds_term_unknown"   // path, value
	CodeArea          = "hsds_area_unknown"   // path, value
	CodeScheduleKept  = "hsds_schedule_kept"  // path, value
	CodeHoursDiffer   = "hsds_hours_differ"   // path
	CodeGeocoded      = "hsds_geocoded"       // path, value (the municipality)
	CodeStatusUnknown = "hsds_status_unknown" // path, value
	CodeReserved      = "hsds_reserved"       // path
)

// Codes lists them, for package messages.
var Codes = []string{
	CodeNoName, CodeKept, CodeShortened, CodeTerm, CodeArea, CodeScheduleKept, CodeHoursDiffer,
	CodeGeocoded, CodeStatusUnknown, CodeReserved,
}

// bookkeeping is the member of the kept object that holds a Keep.
const bookkeeping = "x_prassi"

// Keep is what must be remembered of an import beside the original itself.
type Keep struct {
	// Occurrence counts objects with one identifier; 0 and 1 are the first.
	Occurrence int
	// Left names what the import could not bring into fields although the
	// original says it, such as a reference to an organisation that nobody knows.
	Left []string
}

// Kept gives the value of field hsds for an original.
func Kept(original map[string]any, k Keep) map[string]any {
	if k.Occurrence <= 1 && len(k.Left) == 0 {
		return original
	}
	out, notes := maps.Clone(original), map[string]any{}
	if k.Occurrence > 1 {
		notes["occurrence"] = float64(k.Occurrence)
	}
	if len(k.Left) > 0 {
		list := make([]any, len(k.Left))
		for i, s := range k.Left {
			list[i] = s
		}
		notes["left"] = list
	}
	out[bookkeeping] = notes
	return out
}

// Original takes a value of field hsds apart. The object must not be changed.
func Original(kept map[string]any) (map[string]any, Keep) {
	notes, ok := kept[bookkeeping].(map[string]any)
	if !ok {
		return kept, Keep{}
	}
	out := maps.Clone(kept)
	delete(out, bookkeeping)
	k := Keep{}
	if n, ok := notes["occurrence"].(float64); ok {
		k.Occurrence = int(n)
	}
	for _, s := range listOf(notes["left"]) {
		if s, ok := s.(string); ok {
			k.Left = append(k.Left, s)
		}
	}
	return out, k
}

// Lens reads and writes by one set of declarations and territories. It is safe
// for concurrent use.
type Lens struct {
	types  map[Kind]*schemas.Type
	reg    *schemas.Registry
	env    *schemas.Env
	places *gazetteer
	terms  map[string]map[string]string // field → folded word → term
}

// New makes a lens. territories may be nil: then those of the registry are
// used, which have no municipalities.
func New(reg *schemas.Registry, territories *schemas.Territories) *Lens {
	if territories == nil {
		territories = reg.Territories()
	}
	l := &Lens{
		reg: reg, types: map[Kind]*schemas.Type{}, places: newGazetteer(territories),
		env: &schemas.Env{Territories: territories, Loose: true}, terms: termWords(),
	}
	for _, k := range []Kind{Service, Organization} {
		if t, ok := reg.Type(string(k)); ok {
			l.types[k] = t
		}
	}
	return l
}

// Mapped is what ToFields read.
type Mapped struct {
	// ID is the object's own identifier.
	ID string
	// Fields are canonical values by name. References are ids of documents. The
	// original itself is not among them: see Kept.
	Fields map[string]any
	// Assured is the day of HSDS's assured_date; empty when there is none.
	Assured string
	// Modified is last_modified; zero when there is none.
	Modified time.Time
	// Active says that the service is offered: its status is not inactive, defunct
	// or temporarily closed.
	Active bool
	// Left is for Keep.
	Left []string
	// Notes say what did not fit, and what was guessed.
	Notes []Note
}

// ToFields reads from an original what our fields can hold. Numbers of the
// original are float64, as encoding/json gives them.
func (l *Lens) ToFields(kind Kind, original map[string]any) Mapped {
	r := &reader{Lens: l, kind: kind, typ: l.types[kind], noting: true}
	m := Mapped{ID: IDOf(original), Fields: r.read(original), Active: true}
	if _, taken := original[bookkeeping]; taken {
		r.note(CodeReserved, bookkeeping, nil)
	}
	if m.Fields["title"] == nil {
		r.note(CodeNoName, "name", nil)
	}
	if kind == Service {
		m.Active = r.active(original)
		m.Assured = day(original["assured_date"])
		if m.Assured == "" && filled(original["assured_date"]) {
			r.kept("assured_date", schemas.CodeNotADate, original["assured_date"])
		}
	}
	m.Modified = moment(original["last_modified"])
	m.Left, m.Notes = r.left, r.notes
	return m
}

// Facts are what a document says today.
type Facts struct {
	// ID is the document's identifier, for one that came from nowhere else.
	ID string
	// Fields are canonical values by name, field hsds among them.
	Fields map[string]any
	// Assured is the day on which somebody confirmed them; empty when nobody did.
	Assured string
	// Shown says whether the public sees the document.
	Shown Shown
	// Modified is when they were last changed.
	Modified time.Time
	// Organization is that of a service, when it is known.
	Organization *Facts
	// ParentID is the identifier that an organisation's parent has in HSDS; empty
	// when it is that of the document.
	ParentID string
}

// Shown is whether the public sees a document.
type Shown int

// A draft is in Waiting: nothing is known yet of whether it is offered.
const (
	Waiting Shown = iota
	Public
	Withdrawn
)

// OriginalID gives the identifier that a document has in HSDS.
func (f *Facts) OriginalID() string {
	if kept, ok := f.Fields[Field].(map[string]any); ok {
		if id := IDOf(kept); id != "" {
			return id
		}
	}
	return f.ID
}

// FromFields writes a document as HSDS: the kept original, in which only what
// the document says otherwise is replaced. What it gives is the caller's.
func (l *Lens) FromFields(kind Kind, f Facts) map[string]any {
	kept, _ := f.Fields[Field].(map[string]any)
	original, keep := Original(kept)
	w := &writer{Lens: l, kind: kind, facts: f, fresh: original == nil, keep: keep.Left}
	o := map[string]any{}
	if original != nil {
		o = clone(original).(map[string]any)
	}
	r := &reader{Lens: l, kind: kind, typ: l.types[kind], keep: keep.Left}
	if w.fresh {
		o["id"] = f.ID
	}
	w.id = IDOf(o)
	changed := w.fresh
	// What one piece writes may change what another reads, so that it takes a
	// second look; more than a few would be two pieces at odds.
	for again, pass := true, 0; again && pass < 4; pass++ {
		again = false
		for _, p := range pieces[kind] {
			field, ok := r.typ.Field(p.field)
			if !ok {
				continue
			}
			if !p.equal(r.one(field, p, o), w.want(field)) {
				p.put(w, o, w.want(field))
				again, changed = true, true
				w.keep = slices.DeleteFunc(slices.Clone(w.keep), func(left string) bool {
					return left == p.field || left == leftTowns && (p.field == "places" || p.field == "territories")
				})
				r.keep = w.keep
			}
		}
	}
	if kind == Service {
		changed = w.organization(o) || changed
		changed = w.status(o) || changed
		if f.Assured != "" && day(o["assured_date"]) != f.Assured {
			o["assured_date"] = f.Assured
			changed = true
		}
	}
	if w.fresh && !filled(o["description"]) {
		set(o, "description", f.Fields["summary"])
	}
	if changed && kind == Organization && o["description"] == nil {
		o["description"] = "" // it must be there
	}
	if changed && kind == Service && !f.Modified.IsZero() {
		o["last_modified"] = f.Modified.UTC().Format(time.RFC3339)
	}
	return o
}

// reader reads one object.
type reader struct {
	*Lens
	kind   Kind
	typ    *schemas.Type
	noting bool
	notes  []Note
	keep   []string // of the import that kept this original
	left   []string
}

// note says something, once it is asked to.
func (r *reader) note(code, path string, value any) {
	if !r.noting {
		return
	}
	n := Note{Path: string(r.kind) + "." + path, Code: code, Params: map[string]any{"path": string(r.kind) + "." + path}}
	if s, ok := value.(string); ok {
		n.Params["value"] = short(s)
	}
	r.notes = append(r.notes, n)
}

// kept notes a value that fits no field and stays in the original.
func (r *reader) kept(path, reason string, value any) {
	if !r.noting {
		return
	}
	r.note(CodeKept, path, value)
	r.notes[len(r.notes)-1].Params["reason"] = reason
}

// leave remembers that an import could not follow the original here.
func (r *reader) leave(part string) {
	if !slices.Contains(r.left, part) {
		r.left = append(r.left, part)
	}
}

// read gives canonical values.
func (r *reader) read(o map[string]any) map[string]any {
	out := map[string]any{}
	for _, p := range pieces[r.kind] {
		if f, ok := r.typ.Field(p.field); ok {
			if v := r.one(f, p, o); v != nil {
				out[p.field] = v
			}
		}
	}
	return out
}

// one reads one field; nothing where the import could not follow the original.
func (r *reader) one(f *schemas.Field, p piece, o map[string]any) any {
	if slices.Contains(r.keep, p.field) {
		return nil
	}
	return r.fit(f, p.path, p.get(r, o))
}

// fit makes a value canonical. What does not fit is left out with a note; of a
// list only the rows that do not.
func (r *reader) fit(f *schemas.Field, path string, v any) any {
	if v == nil {
		return nil
	}
	got, bad := f.Parse(v, r.env)
	if bad == nil {
		return got
	}
	list, ok := v.([]any)
	if !ok || !f.Repeated {
		r.kept(path, bad[0].Code, v)
		return nil
	}
	var fine []any
	for _, row := range list {
		got, bad := f.Parse([]any{row}, r.env)
		switch {
		case bad != nil:
			r.kept(path, bad[0].Code, row)
		case got != nil && len(fine) == f.MaxItems:
			r.kept(path, schemas.CodeTooManyItems, row)
			return fine
		case got != nil:
			fine = append(fine, got.([]any)...)
		}
	}
	if got, bad = f.Parse(fine, r.env); bad != nil || len(fine) == 0 {
		return nil
	}
	return got
}

func (r *reader) active(o map[string]any) bool {
	switch s := text(o["status"]); s {
	case "", "active":
		return true
	case "inactive", "defunct", "temporarily closed":
		return false
	default:
		r.note(CodeStatusUnknown, "status", s)
		return true
	}
}

// writer writes one object.
type writer struct {
	*Lens
	kind  Kind
	id    string
	facts Facts
	fresh bool
	keep  []string // of the import that kept the original
}

// want gives what the document says of a field, in canonical form.
func (w *writer) want(f *schemas.Field) any {
	v := w.facts.Fields[f.Name]
	if canonical, bad := f.Parse(v, w.env); bad == nil {
		return canonical
	}
	return v
}

// newID is the identifier of a part that is added, the same for the same words.
func (w *writer) newID(words ...string) string {
	return derive(append([]string{string(w.kind), w.id}, words...)...)
}

// status follows what the public sees, where the original contradicts it.
func (w *writer) status(o map[string]any) bool {
	was := text(o["status"])
	off := was == "inactive" || was == "defunct" || was == "temporarily closed"
	switch {
	case w.facts.Shown == Public && off, w.fresh && w.facts.Shown != Withdrawn:
		o["status"] = "active"
	case w.facts.Shown == Withdrawn && !off:
		o["status"] = "inactive"
	default:
		return false
	}
	return true
}

// organization brings a nested copy of the organisation up to date: what its own
// document says otherwise than its own original is said here, too.
func (w *writer) organization(o map[string]any) bool {
	nested, ok := o["organization"].(map[string]any)
	party := w.facts.Organization
	if !ok || party == nil || IDOf(nested) != party.OriginalID() {
		return false
	}
	kept, _ := party.Fields[Field].(map[string]any)
	if kept == nil {
		return false // it was written by this very document
	}
	original, _ := Original(kept)
	now := w.FromFields(Organization, *party)
	changed := false
	for _, key := range keysOf(original, now) {
		if reflect.DeepEqual(original[key], now[key]) || reflect.DeepEqual(nested[key], now[key]) {
			continue
		}
		changed = true
		if v, ok := now[key]; ok {
			nested[key] = v
		} else {
			delete(nested, key)
		}
	}
	return changed
}

// --- values of decoded JSON

func keysOf(objects ...map[string]any) []string {
	all := map[string]bool{}
	for _, o := range objects {
		for k := range o {
			all[k] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// clone copies a decoded value.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = clone(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = clone(x)
		}
		return out
	}
	return v
}

// text gives a string without white space around it; empty for all else.
func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}

// filled says that a member says something.
func filled(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return strings.TrimSpace(v) != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

func listOf(v any) []any {
	l, _ := v.([]any)
	return l
}

// objects gives those elements of a list that are objects.
func objects(v any) []map[string]any {
	var out []map[string]any
	for _, x := range listOf(v) {
		if o, ok := x.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// set sets a member, or removes it when there is nothing to say.
func set(o map[string]any, key string, v any) {
	if !filled(v) {
		delete(o, key)
		return
	}
	o[key] = v
}

// setList sets a list, or removes the member when it is empty and was not there.
func setList(o map[string]any, key string, list []any) {
	if len(list) == 0 {
		delete(o, key)
		return
	}
	o[key] = list
}

func short(s string) string {
	const longest = 80
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest]) + "…"
	}
	return s
}

// day reads a date of HSDS: a day, or a moment of one.
func day(v any) string {
	s := text(v)
	if len(s) > 10 && s[10] == 'T' {
		s = s[:10]
	}
	if t, err := time.Parse(time.DateOnly, s); err != nil || t.Year() < 1000 {
		return ""
	}
	return s
}

// moment reads a date-time (RFC 3339), or a day.
func moment(v any) time.Time {
	s := text(v)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1900 {
			return t.UTC()
		}
	}
	return time.Time{}
}
