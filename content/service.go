package content

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// Service is the one door to every write. It is safe for concurrent use.
type Service struct {
	store     Store
	schemas   *schemas.Registry
	workflows map[string]*workflow.Definition // by content type
	clock     func() time.Time
	changed   func()
	render    func(markdown, locale string) error
	places    *schemas.Territories
}

// Options are what a Service may be told; the zero value is good for use.
type Options struct {
	// Clock gives the time; time.Now when nil.
	Clock func() time.Time
	// Changed is called after every acknowledged write, to wake the relay.
	Changed func()
	// Render tries whether Markdown can be published in that locale, so that a
	// body the renderer refuses is refused when it is saved.
	Render func(markdown, locale string) error
	// Territories replaces the registry's, to know municipalities as well.
	Territories *schemas.Territories
}

// New loads the workflows that the declared types name and checks them.
func New(store Store, reg *schemas.Registry, opt Options) (*Service, error) {
	s := &Service{store: store, schemas: reg, clock: opt.Clock, changed: opt.Changed, render: opt.Render, places: opt.Territories}
	if s.places == nil {
		s.places = reg.Territories()
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.changed == nil {
		s.changed = func() {}
	}
	if s.render == nil {
		s.render = func(string, string) error { return nil }
	}
	var err error
	s.workflows, err = LoadWorkflows(reg)
	return s, err
}

// LoadWorkflows reads the workflow of every declared type, from where the
// registry was loaded.
func LoadWorkflows(reg *schemas.Registry) (map[string]*workflow.Definition, error) {
	out := map[string]*workflow.Definition{}
	for _, t := range reg.Types() {
		file := path.Join("workflows", t.Workflow+".yaml")
		data, err := fs.ReadFile(reg.Files(), file)
		if err != nil {
			return nil, fmt.Errorf("type %q: workflow %q: %w", t.Name, t.Workflow, err)
		}
		if out[t.Name], err = workflow.Parse(file, data); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Schemas gives the declarations that the Service works by.
func (s *Service) Schemas() *schemas.Registry { return s.schemas }

// Workflow gives the workflow of a declared type, or nil.
func (s *Service) Workflow(typ string) *workflow.Definition { return s.workflows[typ] }

func (s *Service) workflowOf(typ string) *workflow.Definition { return s.workflows[typ] }

// now is the present moment as stores keep it: UTC, milliseconds.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }

// NewVariant is what a caller gives to begin a document or a translation.
type NewVariant struct {
	Type   string
	Locale string
	Slug   string // empty: made from the title
	// Owner is the scope of the organisation it belongs to; empty takes the
	// contributor's own when there is only one.
	Owner  string
	Fields map[string]any
	Note   string
}

// Edit is a change to a variant. Only the named fields change; nil removes one.
type Edit struct {
	Fields map[string]any
	Slug   string // empty: unchanged
	Note   string
}

// Create begins a document with one variant.
func (s *Service) Create(ctx context.Context, actor Actor, in NewVariant) (*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	def := s.workflowOf(in.Type)
	if def == nil {
		return nil, invalidField("/type", "unknown_type", map[string]any{"type": in.Type})
	}
	for try := 0; ; try++ {
		now := s.now()
		owner, err := s.ownerFor(actor, in.Owner, now)
		if err != nil {
			return nil, err
		}
		d := &Document{ID: uuid.Must(uuid.NewV7()).String(), Type: in.Type, Owner: owner, Author: actor.ID, CreatedAt: now, Shared: emptyObject}
		w := &change{s: s, actor: actor, now: now, doc: d, def: def}
		if err := w.begin(ctx, in.Locale, in.Slug, in.Fields, in.Note); err != nil {
			return nil, err
		}
		out, err := s.commit(ctx, w)
		if w.madeSlug && errors.Is(err, ErrDuplicate) && try < maxRetries {
			continue // somebody took the slug that the title gave; another is made
		}
		return out, err
	}
}

// ownerFor settles whose the new document is, which decides who may create it.
func (s *Service) ownerFor(a Actor, asked string, now time.Time) (string, error) {
	if asked != "" {
		if err := checkOwner(asked); err != nil {
			return "", invalidField("/owner", "unknown_owner", map[string]any{"owner": asked})
		}
		return asked, nil
	}
	if s.Holds(a, "editor", "administrator") {
		return "", nil
	}
	var scopes []string
	for i := range a.Grants {
		if g := &a.Grants[i]; g.Role == "contributor" && g.active(now) && !slices.Contains(scopes, g.Scope) {
			scopes = append(scopes, g.Scope)
		}
	}
	switch len(scopes) {
	case 0:
		return "", nil // other creators (a secretary, say) own nothing by organisation
	case 1:
		return scopes[0], nil
	}
	return "", invalidField("/owner", "owner_required", nil)
}

// AddVariant begins a translation of an existing document. etag is what the
// caller saw of it: Document.ETag for that locale.
func (s *Service) AddVariant(ctx context.Context, actor Actor, id, etag string, in NewVariant) (*Document, error) {
	return s.update(ctx, actor, id, in.Locale, etag, func(w *change) error {
		if w.doc.Variant(w.locale) != nil {
			return &Problem{Class: Conflict, Code: "variant_exists", Params: map[string]any{"locale": w.locale}}
		}
		return w.begin(ctx, in.Locale, in.Slug, in.Fields, in.Note)
	})
}

// Edit changes a variant's content and makes a new revision.
func (s *Service) Edit(ctx context.Context, actor Actor, id, locale, etag string, in Edit) (*Document, error) {
	return s.update(ctx, actor, id, locale, etag, func(w *change) error { return w.edit(ctx, in, 0) })
}

// change is one write in the making: the next version of a document.
type change struct {
	s      *Service
	actor  Actor
	now    time.Time
	doc    *Document
	def    *workflow.Definition
	expect int64
	locale string
	revs   []*Revision
	events []Event
	// loose takes values as front matter and spreadsheets write them.
	loose bool
	// overlay finds revisions and slugs that an import has made but not written;
	// needs are the new documents in it that this change refers to.
	overlay *overlay
	needs   []string
	// madeSlug says that the variant's slug was made here, not asked for.
	madeSlug bool
}

const maxRetries = 40

// update runs a change of one variant by compare-and-swap. When somebody else
// was faster it starts again, so long as what the caller saw is still true.
func (s *Service) update(ctx context.Context, actor Actor, id, locale, etag string, do func(*change) error) (*Document, error) {
	if actor.Anonymous() {
		return nil, unauthenticated()
	}
	locale, err := s.locale(locale)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		d, err := s.store.Get(ctx, id)
		if err != nil {
			return nil, s.storeProblem(err)
		}
		if !s.visible(actor, d, s.now()) {
			return nil, notFound()
		}
		if err := s.precondition(ctx, d, locale, etag); err != nil {
			return nil, err
		}
		w := &change{s: s, actor: actor, now: s.now(), doc: d.clone(), def: s.workflowOf(d.Type), expect: d.Version, locale: locale}
		if w.def == nil {
			return nil, invalidField("/type", "unknown_type", map[string]any{"type": d.Type})
		}
		if err := do(w); err != nil {
			return nil, err
		}
		if len(w.events) == 0 {
			return d, nil // nothing to change
		}
		out, err := s.commit(ctx, w)
		lost := errors.Is(err, ErrConflict) || w.madeSlug && errors.Is(err, ErrDuplicate)
		if !lost || try == maxRetries {
			return out, err
		}
	}
}

// precondition compares what the caller saw with what is stored. The answer of
// a conflict summarises both.
func (s *Service) precondition(ctx context.Context, d *Document, locale, etag string) error {
	current := d.ETag(locale)
	switch strings.TrimPrefix(etag, "W/") {
	case "":
		return &Problem{Class: PreconditionRequired, Code: "precondition_required"}
	case current, "*":
		return nil
	}
	p := &Problem{Class: PreconditionFailed, Code: "stale", Yours: &Summary{ETag: etag}, Current: &Summary{ETag: current}}
	v := d.Variant(locale)
	if v == nil {
		return p
	}
	p.Current.State, p.Current.Revision, p.Current.UpdatedAt = v.State, v.Latest.Number, v.UpdatedAt.Format(time.RFC3339Nano)
	latest, err := s.revision(ctx, v.Latest.Hash)
	if err != nil {
		return err
	}
	p.Current.Author = latest.Author
	// The variant's version grows with steps as well as with edits, so what the
	// caller saw is known as a revision only when it wrote it; the last step back
	// is what a person needs to see.
	if latest.Prev != "" {
		if before, err := s.store.Revision(ctx, latest.Prev); err == nil {
			p.Yours.Revision, p.Yours.Author = before.Number, before.Author
			if t, ok := s.schemas.Type(d.Type); ok {
				if changes, err := Diff(t, before, latest); err == nil {
					for _, c := range changes {
						p.Current.Changed = append(p.Current.Changed, c.Field)
					}
				}
			}
		}
	}
	return p
}

// commit seals the document and writes it.
func (s *Service) commit(ctx context.Context, w *change) (*Document, error) {
	write := w.seal()
	if err := s.store.Apply(ctx, []Write{write})[0]; err != nil {
		if errors.Is(err, ErrConflict) {
			return nil, err
		}
		if !errors.Is(err, ErrDuplicate) {
			s.changed() // it may have been written all the same
		}
		return nil, s.writeProblem(err, w)
	}
	s.changed()
	return write.Document, nil
}

// writeProblem tells a caller why the store refused a write.
func (s *Service) writeProblem(err error, w *change) error {
	if errors.Is(err, ErrDuplicate) {
		slug := ""
		if v := w.doc.Variant(w.locale); v != nil {
			slug = v.Slug
		}
		return slugTaken(slug, err)
	}
	return s.storeProblem(err)
}

func slugTaken(slug string, cause error) *Problem {
	params := map[string]any{"slug": slug}
	return &Problem{Class: Conflict, Code: "slug_taken", Params: params, Err: cause,
		Fields: []schemas.Issue{{Path: "/slug", Code: "slug_taken", Params: params}}}
}

// storeProblem tells a caller what a store's error means.
func (s *Service) storeProblem(err error) error {
	var told *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &told):
		return err
	case errors.Is(err, ErrNotFound):
		return notFound()
	case errors.Is(err, ErrConflict), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return &Problem{Class: Unavailable, Code: "store_unavailable", Err: err}
}

// revision reads a revision that a document points at. That there is none is a
// fault of the store, and no news about the document.
func (s *Service) revision(ctx context.Context, hash string) (*Revision, error) {
	r, err := s.store.Revision(ctx, hash)
	if isNotFound(err) {
		return nil, &Problem{Class: Internal, Code: "internal_error", Err: err}
	}
	return r, s.storeProblem(err)
}

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
	before := w.facts(w.where(), nil)
	w.doc.Variants = append(w.doc.Variants, Variant{Locale: locale, State: w.def.Initial().Name})
	slices.SortFunc(w.doc.Variants, func(a, b Variant) int { return strings.Compare(a.Locale, b.Locale) })
	made, err := w.revise(ctx, fields, slug, note, 0)
	// Who may create depends on the territories that the values name; before
	// saying what is wrong with the values, say no to those who may not.
	after := w.facts(w.where(), nil)
	if err != nil {
		after.Holds = w.holdsSomewhere
	}
	switch {
	case w.def.MayCreate(after) && (!translation || w.def.MayCreate(before)):
	case translation && w.def.MayTranslate(before):
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
func (w *change) holdsSomewhere(r workflow.Requirement) bool {
	if r.Scope == "territory" {
		r.Scope = ""
	}
	return w.s.grant(w.actor, r, w.where(), w.now) != nil
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
// are refused who never may, then those who may not in this state.
func (w *change) mayEdit(v *Variant) (editRights, error) {
	facts, rights := w.facts(w.where(), nil), editsNothing
	switch {
	case w.def.HoldsEdit(facts):
		rights = editsAll
	case w.def.MayTranslate(facts):
		rights = editsText
	default:
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
		slug, w.madeSlug = w.freeSlug(ctx, values), true
	} else if !ValidSlug(slug) {
		issues = append(issues, schemas.Issue{Path: "/slug", Code: "invalid_slug"})
	}
	issues = append(issues, w.renderable(t, values, patch)...)
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
	d.Shared, d.SharedVersion = shared, r.SharedVersion
	v.Latest, v.Slug, v.UpdatedAt = r.Ref(), slug, w.now
	v.Title, _ = values["title"].(string)
	v.Territories = s.territoriesOf(d)
	w.revs = append(w.revs, r)
	return made, nil
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
	made.fields, err = changedFields(t, &seen, &now)
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
func (w *change) freeSlug(ctx context.Context, values schemas.Values) string {
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
		return strings.ReplaceAll(w.doc.Type, "_", "-") + "-" + tail
	}
	if d, err := w.bySlug(ctx, slugKey(w.doc.Type, w.locale, base)); err == nil && d.ID != w.doc.ID {
		base = base[:min(len(base), MaxSlug-len(tail)-1)]
		return strings.TrimRight(base, "-") + "-" + tail
	}
	return base
}

// record adds an event of this change.
func (w *change) record(e Event) {
	v := w.doc.Variant(w.locale)
	if v != nil && e.Revision == "" {
		e.Revision = v.Latest.Hash
	}
	e.Document, e.Type, e.Locale, e.At = w.doc.ID, w.doc.Type, w.locale, w.now
	e.Actor, e.OnBehalfOf = w.actor.ID, w.actor.OnBehalfOf
	if v != nil {
		v.Version++
	}
	w.events = append(w.events, e)
}

// seal computes the version, the keys and the events of the next version.
func (w *change) seal() Write {
	d := w.doc
	d.Version = w.expect + 1
	d.UpdatedAt = w.now
	d.HandedIn = d.HandedIn || w.s.handedIn(d)
	d.Keys = w.s.keys(d)
	for i := range w.events {
		e := &w.events[i]
		e.Version = d.Version
		e.ID = fmt.Sprintf("%s-%d-%d", d.ID, d.Version, i)
	}
	d.Pending = w.events
	return Write{Document: d, Expect: w.expect, Revisions: w.revs}
}

// keys computes what the store indexes.
func (s *Service) keys(d *Document) Keys {
	if d.Discarded {
		return Keys{}
	}
	k := Keys{Terms: []string{"all", "type:" + d.Type}}
	add := func(terms ...string) { k.Terms = append(k.Terms, terms...) }
	if d.Owner != "" {
		add("owner:" + d.Owner)
	}
	add("author:" + d.Author)
	for _, code := range d.territories() {
		add("territory:" + code)
		for _, outer := range s.places.Ancestors(code) {
			add("territory:" + outer)
		}
	}
	for i := range d.Variants {
		v := &d.Variants[i]
		add("state:"+v.State, "locale:"+v.Locale, "state:"+v.State+"@"+v.Locale)
		if !v.Live.IsZero() {
			add("live")
		}
		for _, slug := range append([]string{v.Slug, v.LiveSlug}, v.OldSlugs...) {
			if slug != "" {
				k.Slugs = append(k.Slugs, slugKey(d.Type, v.Locale, slug))
			}
		}
		for _, due := range v.Schedule {
			if k.Due.IsZero() || due.At.Before(k.Due) {
				k.Due = due.At
			}
		}
	}
	slices.Sort(k.Terms)
	k.Terms = slices.Compact(k.Terms)
	slices.Sort(k.Slugs)
	k.Slugs = slices.Compact(k.Slugs)
	if v := d.mainVariant(); v != nil {
		k.Title = titleKey(v.Locale, v.Title)
	}
	return k
}

// mainVariant is the one a list shows when no language was asked for.
func (d *Document) mainVariant() *Variant {
	for _, l := range []string{"it", "en"} {
		if v := d.Variant(l); v != nil {
			return v
		}
	}
	if len(d.Variants) > 0 {
		return &d.Variants[0]
	}
	return nil
}

// territoriesOf reads the document's latest territories, as ISTAT codes.
func (s *Service) territoriesOf(d *Document) []string {
	var shared struct {
		Territories []string `json:"territories"`
	}
	if err := json.Unmarshal(d.Shared, &shared); err != nil {
		return nil
	}
	return shared.Territories
}

// where is what decides on changes: the document as it is now.
func (w *change) where() where {
	return where{owner: w.doc.Owner, territories: w.s.territoriesOf(w.doc), locale: w.locale}
}

// whereOf is what decides on steps: the revision that a step is about.
func (w *change) whereOf(v *Variant) where {
	return where{owner: w.doc.Owner, territories: v.Territories, locale: v.Locale}
}

// locale gives the canonical tag of a locale that content may be written in.
func (s *Service) locale(tag string) (string, error) {
	if l, ok := s.schemas.Locale(tag); ok {
		return l.Tag, nil
	}
	return "", invalidField("/locale", "unknown_locale", map[string]any{"locale": tag})
}

// Territories gives the territories that the Service knows.
func (s *Service) Territories() *schemas.Territories { return s.places }

// canonicalJSON encodes values so that the same content has the same bytes:
// keys sorted, no HTML escapes, no trailing newline.
func canonicalJSON(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// checkText bounds what people write beside the content: notes and comments.
func checkText(path, s string) error {
	switch {
	case !utf8.ValidString(s):
		return invalidField(path, "invalid_utf8", nil)
	case utf8.RuneCountInString(s) > MaxComment:
		return invalidField(path, "comment_too_long", map[string]any{"max": MaxComment})
	}
	return nil
}

func notFound() *Problem        { return &Problem{Class: NotFound, Code: "not_found"} }
func forbidden() *Problem       { return &Problem{Class: Forbidden, Code: "forbidden"} }
func unauthenticated() *Problem { return &Problem{Class: Unauthenticated, Code: "unauthenticated"} }

func invalidField(path, code string, params map[string]any) *Problem {
	return &Problem{Class: Invalid, Code: "invalid_content", Fields: []schemas.Issue{{Path: path, Code: code, Params: params}}}
}
