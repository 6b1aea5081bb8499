package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Document is a document as its editors see it, with what the caller may do.
type Document struct {
	ID        string    `json:"id" format:"uuid"`
	Type      string    `json:"type"`
	Owner     string    `json:"owner,omitempty" doc:"Scope of the organization that it belongs to."`
	Author    string    `json:"author"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Live      bool      `json:"live" doc:"Some variant has a live revision."`
	Assured   *Assured  `json:"assured,omitempty" doc:"Who confirmed the facts last; absent when nobody did, or when facts of the type do not age."`
	Sensitive bool      `json:"sensitive" doc:"The public sees the municipality in place of the places."`
	// MergedInto and MergedFrom are ids.
	MergedInto string          `json:"merged_into,omitempty" format:"uuid" doc:"The document that this one was merged into; it changes no more."`
	MergedFrom []string        `json:"merged_from,omitempty" doc:"Ids of the documents that were merged into this one."`
	MayAssure  bool            `json:"may_assure" doc:"The caller may confirm the facts."`
	MayMerge   bool            `json:"may_merge" doc:"The caller may merge it with another that the caller may merge too."`
	ETag       string          `json:"etag" doc:"What If-Match needs to discard the document."`
	Variants   []Variant       `json:"variants"`
	Add        AddVariant      `json:"add_variant"`
	Links      ManageSelfLinks `json:"_links"`
}

// Assured is the last confirmation of a document's facts.
type Assured struct {
	On    string `json:"on,omitempty" format:"date" doc:"The day, in Europe/Rome; absent when nobody ever confirmed them."`
	By    string `json:"by,omitempty"`
	Stage string `json:"stage" enum:"current,unverified,hidden" doc:"What the public sees for it."`
}

// AddVariant says in which languages the caller may begin a variant.
type AddVariant struct {
	Locales  []string `json:"locales"`
	TextOnly []string `json:"text_only" doc:"Those in which the caller may give localized fields only."`
	ETag     string   `json:"etag" doc:"What If-Match needs to begin one."`
}

// ManageSelfLinks are the addresses of a document.
type ManageSelfLinks struct {
	Self   string `json:"self" format:"uri-reference"`
	Events string `json:"events" format:"uri-reference"`
}

// Variant is a document in one language, with what the caller may do.
type Variant struct {
	ID          string      `json:"id" format:"uuid" doc:"The document's."`
	Type        string      `json:"type"`
	Owner       string      `json:"owner,omitempty"`
	Locale      string      `json:"locale"`
	Title       string      `json:"title"`
	Slug        string      `json:"slug"`
	LiveSlug    string      `json:"live_slug,omitempty" doc:"The slug under which the public finds it."`
	State       State       `json:"state"`
	ETag        string      `json:"etag" doc:"What If-Match needs."`
	Editable    bool        `json:"editable" doc:"The caller may change the content now."`
	TextOnly    bool        `json:"text_only" doc:"Only the localized fields, not the facts that all languages share."`
	Actions     []Action    `json:"actions" doc:"The steps that the caller's roles permit here."`
	Latest      RevisionRef `json:"latest"`
	Live        RevisionRef `json:"live,omitzero" doc:"The revision that the public sees; absent when none."`
	Approvals   []Approval  `json:"approvals"`
	Schedule    []Scheduled `json:"schedule"`
	PublishedAt time.Time   `json:"published_at,omitzero"`
	UpdatedAt   time.Time   `json:"updated_at"`
	// Fields are only in answers about this one variant.
	Fields schemas.Values `json:"fields,omitempty" doc:"All values of the latest revision, by name of field."`
	Links  VariantLinks   `json:"_links"`
}

// State is where a variant stands.
type State struct {
	Name    string `json:"name"`
	Label   string `json:"label" doc:"In the caller's language."`
	Public  bool   `json:"public"`
	Waiting string `json:"waiting,omitempty" doc:"The role whose turn it is."`
}

// RevisionRef names a revision.
type RevisionRef struct {
	Number int    `json:"number" minimum:"1"`
	Hash   string `json:"hash"`
}

// Approval is a favourable opinion on the latest revision.
type Approval struct {
	Body      string    `json:"body"`
	Territory string    `json:"territory,omitempty"`
	Actor     string    `json:"actor"`
	At        time.Time `json:"at"`
	Comment   string    `json:"comment,omitempty"`
	Revision  string    `json:"revision"`
}

// Scheduled is a step that falls due.
type Scheduled struct {
	Transition string    `json:"transition"`
	Label      string    `json:"label" doc:"In the caller's language."`
	At         time.Time `json:"at"`
	Actor      string    `json:"actor"`
}

// Action is a step that the caller's roles permit. A button for it is enabled
// when it is not blocked.
type Action struct {
	Name        string   `json:"name"`
	Label       string   `json:"label" doc:"In the caller's language."`
	To          State    `json:"to"`
	Comment     string   `json:"comment" enum:"optional,required,none"`
	Schedulable bool     `json:"schedulable" doc:"It may be asked for a later moment."`
	Blocked     *Blocked `json:"blocked,omitempty" doc:"Why the step would be refused now."`
}

// Blocked says why a step would be refused.
type Blocked struct {
	Code    string       `json:"code"`
	Message string       `json:"message" doc:"In the caller's language."`
	Missing []FieldError `json:"missing,omitempty" doc:"What is still to be filled in."`
}

// VariantLinks are the addresses of a variant.
type VariantLinks struct {
	Self        string `json:"self" format:"uri-reference"`
	Document    string `json:"document" format:"uri-reference"`
	Transitions string `json:"transitions" format:"uri-reference"`
	Revisions   string `json:"revisions" format:"uri-reference"`
	Public      string `json:"public,omitempty" format:"uri-reference" doc:"Where the public reads it."`
}

// manage is where the editorial API begins.
const manage = base + "/manage"

func (s *Server) documentPath(id string) string { return s.public + manage + "/documents/" + id }

func (s *Server) variantPath(id, locale string) string {
	return s.documentPath(id) + "/variants/" + locale
}

// documentView makes the view of a document for a caller.
func (s *Server) documentView(ctx context.Context, c *call, d *content.Document) (Document, error) {
	out := Document{
		ID: d.ID, Type: d.Type, Owner: d.Owner, Author: d.Author, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Live: d.Live(),
		ETag: d.ETag(mainLocale(d)), Variants: []Variant{},
		Add:   AddVariant{Locales: []string{}, TextOnly: []string{}, ETag: d.ETag("")},
		Links: ManageSelfLinks{Self: s.documentPath(d.ID), Events: s.documentPath(d.ID) + "/events"},
	}
	out.Sensitive, out.MergedInto, out.MergedFrom = d.Sensitive, d.MergedInto, d.MergedFrom
	if a := d.Assured; a != nil {
		out.Assured = &Assured{On: a.On, By: a.By, Stage: or(string(a.Stage), "current")}
	}
	whole, err := s.service.Permissions(ctx, c.actor, d, mainLocale(d))
	if err != nil {
		return out, err
	}
	out.MayAssure, out.MayMerge = whole.Assure, whole.Merge
	for i := range d.Variants {
		v, err := s.variantView(ctx, c, d, &d.Variants[i])
		if err != nil {
			return out, err
		}
		out.Variants = append(out.Variants, v)
	}
	for _, locale := range s.localesOf(d.Type) {
		if d.Variant(locale) != nil {
			continue
		}
		p, err := s.service.Permissions(ctx, c.actor, d, locale)
		if err != nil {
			return out, err
		}
		if p.Edit {
			out.Add.Locales = append(out.Add.Locales, locale)
		}
		if p.TextOnly {
			out.Add.TextOnly = append(out.Add.TextOnly, locale)
		}
	}
	return out, nil
}

// localesOf lists the languages that a type may be written in.
func (s *Server) localesOf(typ string) []string {
	t, ok := s.schemas.Type(typ)
	if !ok {
		return nil
	}
	if len(t.Locales) > 0 {
		return t.Locales
	}
	var out []string
	for _, l := range s.schemas.Locales() {
		out = append(out, l.Tag)
	}
	return out
}

// mainLocale is the variant that stands for the document: Italian, English, or
// the first. It is the one whose ETag content.Service.Discard asks for.
func mainLocale(d *content.Document) string {
	for _, l := range []string{"it", "en"} {
		if d.Variant(l) != nil {
			return l
		}
	}
	if len(d.Variants) > 0 {
		return d.Variants[0].Locale
	}
	return ""
}

// variantView makes the view of a variant for a caller, without its fields.
func (s *Server) variantView(ctx context.Context, c *call, d *content.Document, v *content.Variant) (Variant, error) {
	def := s.service.Workflow(d.Type)
	permitted, err := s.service.Permissions(ctx, c.actor, d, v.Locale)
	if err != nil {
		return Variant{}, err
	}
	self := s.variantPath(d.ID, v.Locale)
	out := Variant{
		ID: d.ID, Type: d.Type, Owner: d.Owner, Locale: v.Locale, Title: v.Title, Slug: v.Slug, LiveSlug: v.LiveSlug,
		State: stateView(def, v.State, c.lang), ETag: d.ETag(v.Locale), Editable: permitted.Edit, TextOnly: permitted.TextOnly, Actions: []Action{}, Approvals: []Approval{}, Schedule: []Scheduled{},
		Latest: RevisionRef{v.Latest.Number, v.Latest.Hash}, Live: RevisionRef{v.Live.Number, v.Live.Hash},
		PublishedAt: v.PublishedAt, UpdatedAt: v.UpdatedAt,
		Links: VariantLinks{Self: self, Document: s.documentPath(d.ID), Transitions: self + "/transitions", Revisions: self + "/revisions"},
	}
	if t, ok := s.schemas.Type(d.Type); ok && v.LiveSlug != "" {
		out.Links.Public = s.public + base + "/" + t.Collection + "/" + v.LiveSlug + "?locale=" + v.Locale
	}
	for _, a := range permitted.Actions {
		out.Actions = append(out.Actions, s.actionView(def, a, c.lang))
	}
	for _, a := range v.Approvals {
		out.Approvals = append(out.Approvals, Approval{Body: a.Body, Territory: a.Territory, Actor: a.Actor, At: a.At, Comment: a.Comment, Revision: a.Revision})
	}
	for _, d := range v.Schedule {
		out.Schedule = append(out.Schedule, Scheduled{Transition: d.Transition, Label: transitionLabel(def, d.Transition, c.lang), At: d.At, Actor: d.Actor})
	}
	return out, nil
}

func (s *Server) actionView(def *workflow.Definition, a content.PermittedAction, lang string) Action {
	out := Action{
		Name: a.Name, Label: schemas.Text(a.Label).In(lang), To: stateView(def, a.To, lang),
		Comment: or(string(a.Comment), "optional"), Schedulable: a.Schedulable,
	}
	if a.Blocked != "" {
		code := "guard_" + a.Blocked
		out.Blocked = &Blocked{Code: code, Message: messages.Text(lang, code, nil), Missing: fieldErrors(lang, a.Missing)}
	}
	return out
}

// stateView names a state in a language. A state that the workflow no longer
// declares keeps its name.
func stateView(def *workflow.Definition, name, lang string) State {
	out := State{Name: name, Label: name}
	if def == nil {
		return out
	}
	if s := def.State(name); s != nil {
		out.Label, out.Public, out.Waiting = schemas.Text(s.Label).In(lang), s.Public, s.Waiting
	}
	return out
}

func transitionLabel(def *workflow.Definition, name, lang string) string {
	if def != nil {
		if t := def.Transition(name); t != nil {
			return schemas.Text(t.Label).In(lang)
		}
	}
	return name
}

// fullView is variantView with the values of the latest revision.
func (s *Server) fullView(ctx context.Context, c *call, id, locale string) (Variant, error) {
	d, r, err := s.service.Latest(ctx, c.actor, id, locale)
	if err != nil {
		return Variant{}, err
	}
	out, err := s.variantView(ctx, c, d, d.Variant(locale))
	if err != nil {
		return out, err
	}
	out.Fields, err = r.Values()
	return out, err
}

// Revision is one revision of a variant.
type Revision struct {
	Number   int       `json:"number" minimum:"1"`
	Hash     string    `json:"hash" doc:"SHA-256 of the revision's content and of its predecessor's hash."`
	Prev     string    `json:"prev,omitempty"`
	Author   string    `json:"author"`
	At       time.Time `json:"at"`
	Slug     string    `json:"slug"`
	Note     string    `json:"note,omitempty"`
	Restored int       `json:"restored,omitempty" minimum:"1" doc:"Number of the revision whose content this one brings back."`
	// Fields are only in answers about this one revision.
	Fields schemas.Values `json:"fields,omitempty"`
}

func revisionView(r *content.Revision) Revision {
	return Revision{Number: r.Number, Hash: r.Hash, Prev: r.Prev, Author: r.Author, At: r.At, Slug: r.Slug, Note: r.Note, Restored: r.Restored}
}

// FieldChange is one field that differs between two revisions.
type FieldChange struct {
	Field  string          `json:"field"`
	Label  string          `json:"label" doc:"In the caller's language."`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Event is one thing that happened to a document.
type Event struct {
	ID         string    `json:"id"`
	Seq        int64     `json:"seq" minimum:"0" doc:"Place in the log; 0 while it is on its way there."`
	Kind       string    `json:"kind" enum:"created,edited,transition,scheduled,unscheduled,discarded,assured,aged,sensitive,merged"`
	Locale     string    `json:"locale,omitempty"`
	At         time.Time `json:"at"`
	Actor      string    `json:"actor"`
	OnBehalfOf string    `json:"on_behalf_of,omitempty"`
	Grant      string    `json:"grant,omitempty"`
	Transition string    `json:"transition,omitempty"`
	Label      string    `json:"label,omitempty" doc:"The transition in the caller's language."`
	From       *State    `json:"from,omitempty"`
	To         *State    `json:"to,omitempty"`
	Comment    string    `json:"comment,omitempty"`
	Other      string    `json:"other,omitempty" format:"uuid" doc:"The other document of a merge."`
	Effect     string    `json:"effect,omitempty" enum:"published,withdrawn"`
	DueAt      time.Time `json:"due_at,omitzero"`
	Revision   string    `json:"revision,omitempty"`
}

func (s *Server) eventView(e *content.Event, lang string) Event {
	def := s.service.Workflow(e.Type)
	out := Event{
		ID: e.ID, Seq: e.Seq, Kind: string(e.Kind), Locale: e.Locale, At: e.At, Actor: e.Actor, OnBehalfOf: e.OnBehalfOf, Grant: e.Grant,
		Transition: e.Transition, Comment: e.Comment, Other: e.Other, Effect: string(e.Effect), DueAt: e.DueAt, Revision: e.Revision,
	}
	if e.Transition != "" {
		out.Label = transitionLabel(def, e.Transition, lang)
	}
	for name, to := range map[string]**State{e.From: &out.From, e.To: &out.To} {
		if name != "" {
			v := stateView(def, name, lang)
			*to = &v
		}
	}
	return out
}

// Workflow is one declared workflow, labelled for forms.
type Workflow struct {
	Name        string       `json:"name"`
	Types       []string     `json:"types" doc:"The content types that follow it."`
	States      []FormState  `json:"states"`
	Transitions []FormAction `json:"transitions"`
}

// FormState is a state with its labels.
type FormState struct {
	Name     string            `json:"name"`
	Label    map[string]string `json:"label" doc:"By language."`
	Initial  bool              `json:"initial"`
	Editable bool              `json:"editable"`
	Public   bool              `json:"public"`
	Waiting  string            `json:"waiting,omitempty"`
}

// FormAction is a transition with its labels.
type FormAction struct {
	Name        string            `json:"name"`
	Label       map[string]string `json:"label" doc:"By language."`
	From        []string          `json:"from"`
	To          string            `json:"to"`
	Roles       []string          `json:"roles"`
	Comment     string            `json:"comment" enum:"optional,required,none"`
	Schedulable bool              `json:"schedulable"`
}

// workflowViews lists the workflows that the types follow, in order of name.
func (s *Server) workflowViews() []Workflow {
	byName := map[string]*Workflow{}
	var names []string
	for _, t := range s.schemas.Types() {
		def := s.service.Workflow(t.Name)
		if w := byName[def.Name]; w != nil {
			w.Types = append(w.Types, t.Name)
			continue
		}
		w := &Workflow{Name: def.Name, Types: []string{t.Name}}
		for i := range def.States {
			st := &def.States[i]
			w.States = append(w.States, FormState{Name: st.Name, Label: st.Label, Initial: st.Initial, Editable: st.Editable, Public: st.Public, Waiting: st.Waiting})
		}
		for i := range def.Transitions {
			tr := &def.Transitions[i]
			a := FormAction{Name: tr.Name, Label: tr.Label, From: tr.From, To: tr.To, Comment: or(string(tr.Comment), "optional"), Schedulable: tr.Schedulable}
			for _, r := range tr.Roles {
				a.Roles = append(a.Roles, r.String())
			}
			w.Transitions = append(w.Transitions, a)
		}
		byName[def.Name] = w
		names = append(names, def.Name)
	}
	slices.Sort(names)
	out := []Workflow{}
	for _, n := range names {
		out = append(out, *byName[n])
	}
	return out
}
