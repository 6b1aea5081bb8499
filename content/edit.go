package content

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// begin makes the first revision of a variant.
func (w *change) begin(ctx context.Context, tag, slug string, fields map[string]any, note string) error {
	locale, err := w.s.locale(tag)
	if err != nil {
		return err
	}
	if !w.s.writtenIn(w.doc.Type, locale) {
		return invalidField("/locale", "unknown_locale", map[string]any{"locale": tag})
	}
	w.locale = locale
	translation := len(w.doc.Variants) > 0
	there := w.where()
	before := w.facts(there, nil)
	w.doc.Variants = append(w.doc.Variants, Variant{Locale: locale, State: w.def.Initial().Name})
	slices.SortFunc(w.doc.Variants, func(a, b Variant) int { return strings.Compare(a.Locale, b.Locale) })
	made, err := w.revise(ctx, fields, slug, note, 0)
	// Who may create depends on the territories that the values name; before
	// saying what is wrong with the values, say no to those who may not.
	here := w.where()
	after := w.facts(here, nil)
	if err != nil {
		after.Holds = w.holdsSomewhere
	}
	switch {
	case w.def.MayCreate(after) && (!translation || w.def.MayCreate(before)):
		w.under = w.s.met(w.actor, w.def.Create, here, w.now)
	case translation && w.def.MayTranslate(before):
		w.under = w.s.met(w.actor, w.def.Translate, there, w.now)
		if err == nil {
			err = forbiddenFields(made.facts)
		}
	default:
		return forbidden()
	}
	if err != nil {
		return err
	}
	w.record(Event{Kind: EventCreated, To: w.def.Initial().Name})
	return nil
}

// holdsSomewhere is the answer on a role while the territories are not known,
// because the values that name them are wrong.
func (w *change) holdsSomewhere(r access.Requirement) bool {
	if r.Scope == access.Territory {
		r.Scope = ""
	}
	return w.s.met(w.actor, []access.Requirement{r}, w.where(), w.now) != nil
}

// writtenIn says whether documents of a type may have a variant in that locale.
func (s *Service) writtenIn(typ, locale string) bool {
	t, ok := s.schemas.Type(typ)
	return ok && (len(t.Locales) == 0 || slices.Contains(t.Locales, locale))
}

// edit makes the next revision and moves the variant where the workflow says
// that an edit leads. restored is the number of the revision brought back, or 0.
func (w *change) edit(ctx context.Context, in Edit, restored int) error {
	v := w.doc.Variant(w.locale)
	if v == nil {
		return &Problem{Class: NotFound, Code: "no_such_variant", Params: map[string]any{"locale": w.locale}}
	}
	rights, err := w.mayEdit(v)
	if err != nil {
		return err
	}
	made, err := w.revise(ctx, in.Fields, in.Slug, in.Note, restored)
	if err != nil || len(made.fields) == 0 {
		return err
	}
	switch {
	case rights == editsText:
		err = forbiddenFields(made.facts)
	case !w.def.MayEdit(v.State, w.facts(w.where(), nil)):
		err = forbiddenFields(made.facts) // nobody moves a document out of the own reach
	}
	if err != nil {
		return err
	}
	return w.afterEdit(ctx, v, made)
}

// editRights is how much of a variant an actor may change.
type editRights int

const (
	editsNothing editRights = iota
	editsText               // what the language says for itself
	editsAll                // the facts as well
)

// mayEdit says how much the actor may change now, or why nothing: first those
// are refused who never may, then those who may not in this state. The grant
// that permits it goes into what is recorded next.
func (w *change) mayEdit(v *Variant) (editRights, error) {
	here, rights := w.where(), editsAll
	if w.under = w.s.met(w.actor, w.def.Edit, here, w.now); w.under == nil {
		w.under, rights = w.s.met(w.actor, w.def.Translate, here, w.now), editsText
	}
	if w.under == nil {
		return editsNothing, forbidden()
	}
	if s := w.def.State(v.State); s == nil || !s.Editable {
		return editsNothing, &Problem{Class: Conflict, Code: "not_editable", Params: map[string]any{"state": v.State}}
	}
	return rights, nil
}

// forbiddenFields refuses a change of fields that are not the actor's to
// change; without any there is nothing to refuse.
func forbiddenFields(names []string) error {
	if len(names) == 0 {
		return nil
	}
	p := forbidden()
	for _, name := range names {
		p.Fields = append(p.Fields, schemas.Issue{Path: "/" + name, Code: "forbidden"})
	}
	return p
}

// afterEdit applies law 4: which approvals and schedules an edit voids is
// decided by which fields changed.
func (w *change) afterEdit(ctx context.Context, v *Variant, made *revised) error {
	t, _ := w.s.schemas.Type(w.doc.Type)
	voided := slices.ContainsFunc(made.since, func(name string) bool {
		f, ok := t.Field(name)
		return name != "slug" && (!ok || f.Voids())
	})
	kept := v.Approvals[:0]
	for _, a := range v.Approvals {
		if !voided {
			a.Revision = v.Latest.Hash
			kept = append(kept, a)
		}
	}
	v.Approvals = kept
	from := v.State
	v.State = w.def.AfterEdit(from, voided)
	w.record(Event{Kind: EventEdited, From: from, To: v.State, Comment: strings.Join(made.fields, " ")})
	return w.overtake(ctx, v, voided, "edited")
}

// revised says what a new revision changed, by names of fields.
type revised struct {
	// fields differ from what the author had before them: the variant's text and
	// the document's present facts. None means that there is no new revision.
	fields []string
	// since differ from the variant's revision before. Opinions were given on
	// that one, so facts that another language changed meanwhile count.
	since []string
	// facts are the shared ones among fields.
	facts []string
}

// revise parses, resolves and stores the next revision of the variant in w, and
// says what changed. Without a change it makes none.
func (w *change) revise(ctx context.Context, patch map[string]any, slug, note string, restored int) (*revised, error) {
	s, d, v := w.s, w.doc, w.doc.Variant(w.locale)
	t, ok := s.schemas.Type(d.Type)
	if !ok {
		return nil, invalidField("/type", "unknown_type", map[string]any{"type": d.Type})
	}
	if err := checkText("/note", note); err != nil {
		return nil, err
	}
	var last *Revision
	if !v.Latest.IsZero() {
		var err error
		if last, err = w.revision(ctx, v.Latest.Hash); err != nil {
			return nil, err
		}
	}
	values, issues, err := w.merge(ctx, t, last, patch)
	if err != nil {
		return nil, err
	}
	issues = append(issues, t.Missing(values, schemas.Always)...)
	if slug == "" {
		slug = v.Slug
	}
	if slug == "" {
		if slug, err = w.freeSlug(ctx, values); err != nil {
			return nil, err
		}
		w.madeSlug = true
	} else if !ValidSlug(slug) {
		issues = append(issues, schemas.Issue{Path: "/slug", Code: "invalid_slug"})
	}
	issues = append(issues, w.renderable(t, values, patch)...)
	strange, err := w.strangeMedia(ctx, values)
	if err != nil {
		return nil, err
	}
	issues = append(issues, strange...)
	if len(issues) > 0 {
		return nil, &Problem{Class: Invalid, Code: "invalid_content", Fields: issues}
	}
	sharedValues, localValues := t.Split(values)
	shared, err1 := canonicalJSON(sharedValues)
	localized, err2 := canonicalJSON(localValues)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	r := &Revision{
		Document: d.ID, Type: d.Type, Locale: w.locale, Number: v.Latest.Number + 1, Prev: v.Latest.Hash,
		Author: w.actor.ID, At: w.now, Slug: slug, Shared: shared, Localized: localized,
		SharedVersion: d.SharedVersion, Note: note, Restored: restored,
	}
	if !bytes.Equal(shared, d.Shared) {
		r.SharedVersion++
	}
	made, err := compareRevision(t, d, last, r)
	if err != nil || last != nil && len(made.fields) == 0 {
		return made, err
	}
	r.Hash = r.ComputeHash()
	w.moved = w.moved || d.SharedVersion != r.SharedVersion
	d.Shared, d.SharedVersion = shared, r.SharedVersion
	d.Sensitive = d.Sensitive || t.Private(sharedValues) // at once; see Document.Sensitive
	v.Latest, v.Slug, v.UpdatedAt = r.Ref(), slug, w.now
	v.Title, _ = values["title"].(string)
	v.Territories = s.territoriesOf(d)
	v.Media = mediaOf(r)
	w.revs = append(w.revs, r)
	w.lacking = nil // of other revisions, under other facts
	_, err = w.learnMissing(ctx, t, r, values)
	return made, err
}

// compareRevision says what a revision changes. last is nil for a first one, of
// which only the facts are of interest.
func compareRevision(t *schemas.Type, d *Document, last, r *Revision) (*revised, error) {
	made := &revised{}
	seen, now := Revision{Shared: d.Shared}, *r
	if last != nil {
		seen.Localized, seen.Slug = last.Localized, last.Slug
		var err error
		if made.since, err = changedFields(t, last, r); err != nil {
			return nil, err
		}
	} else {
		seen.Localized, now.Localized, seen.Slug = emptyObject, emptyObject, r.Slug
	}
	var err error
	if last != nil && bytes.Equal(last.Shared, d.Shared) { // nothing has changed between
		made.fields = made.since
	} else {
		made.fields, err = changedFields(t, &seen, &now)
	}
	for _, name := range made.fields {
		if f, ok := t.Field(name); ok && !f.Localized {
			made.facts = append(made.facts, name)
		}
	}
	return made, err
}

var emptyObject = json.RawMessage("{}")

func changedFields(t *schemas.Type, before, after *Revision) ([]string, error) {
	changes, err := Diff(t, before, after)
	var names []string
	for _, c := range changes {
		names = append(names, c.Field)
	}
	return names, err
}

// merge lays the patch over the latest values and parses the whole. Stored
// values of fields that the type no longer declares fall away.
func (w *change) merge(ctx context.Context, t *schemas.Type, last *Revision, patch map[string]any) (schemas.Values, []schemas.Issue, error) {
	base := map[string]any{}
	parts := []json.RawMessage{w.doc.Shared}
	if last != nil {
		parts = append(parts, last.Localized)
	}
	for _, part := range parts {
		if len(part) <= 2 { // {}
			continue
		}
		if err := json.Unmarshal(part, &base); err != nil {
			return nil, nil, err
		}
	}
	for name := range base {
		if _, ok := t.Field(name); !ok {
			delete(base, name)
		}
	}
	had := t.References(base)
	for name, v := range patch {
		if v == nil {
			delete(base, name)
			continue
		}
		base[name] = v
	}
	values, issues := t.Parse(base, &schemas.Env{Territories: w.s.places, Loose: w.loose})
	if len(issues) > 0 {
		return values, issues, nil
	}
	return w.resolve(ctx, t, values, had)
}

// renderable tries the Markdown that the patch brings, wherever it sits.
func (w *change) renderable(t *schemas.Type, values schemas.Values, patch map[string]any) []schemas.Issue {
	var out []schemas.Issue
	for _, f := range t.Fields {
		if _, given := patch[f.Name]; given {
			out = append(out, w.tryRender(f, values[f.Name], "/"+f.Name)...)
		}
	}
	return out
}

// tryRender renders the Markdown of a field's value and of its parts.
func (w *change) tryRender(f *schemas.Field, value any, path string) []schemas.Issue {
	var out []schemas.Issue
	switch value := value.(type) {
	case string:
		if f.Kind != "markdown" {
			return nil
		}
		if err := w.s.render(value, w.locale); err != nil {
			code := "invalid_content"
			if coded, ok := errors.AsType[interface {
				error
				Code() string
			}](err); ok {
				code = coded.Code()
			}
			out = append(out, schemas.Issue{Path: path, Code: code})
		}
	case []any:
		for i, item := range value {
			out = append(out, w.tryRender(f, item, path+"/"+strconv.Itoa(i))...)
		}
	case map[string]any:
		for _, part := range f.Parts {
			out = append(out, w.tryRender(part, value[part.Name], path+"/"+part.Name)...)
		}
	}
	return out
}

// freeSlug makes a slug nobody else uses: from the title, else from another
// language of the same document, else from the document's id.
func (w *change) freeSlug(ctx context.Context, values schemas.Values) (string, error) {
	title, _ := values["title"].(string)
	base := Slugify(title)
	for i := range w.doc.Variants {
		if base == "" {
			base = w.doc.Variants[i].Slug
		}
	}
	tail := strings.ReplaceAll(w.doc.ID, "-", "")
	if len(tail) > 10 {
		tail = tail[len(tail)-10:]
	}
	if base == "" {
		return strings.ReplaceAll(w.doc.Type, "_", "-") + "-" + tail, nil
	}
	switch d, err := w.bySlug(ctx, slugKey(w.doc.Type, w.locale, base)); {
	case isNotFound(err):
		return base, nil
	case err != nil:
		return "", w.s.storeProblem(err)
	case d.ID == w.doc.ID:
		return base, nil
	}
	base = base[:min(len(base), MaxSlug-len(tail)-1)]
	return strings.TrimRight(base, "-") + "-" + tail, nil
}
