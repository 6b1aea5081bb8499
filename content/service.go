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
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/content/access"
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
	media     func(ctx context.Context, a Actor, id string) error
	places    *schemas.Territories
	policy    *access.Policy
	contains  access.Contains
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
	// Media says whether the actor may use a file of ours that the document did not
	// use before: nil, or an error of class NotFound when there is none or none that
	// the actor may see. Without the question one would see anybody's file by naming
	// it in a draft of one's own. Nil refuses nothing.
	Media func(ctx context.Context, a Actor, id string) error
	// Territories replaces the registry's, to know municipalities as well.
	Territories *schemas.Territories
}

// New loads who may do what and the workflows that the declared types name, and
// checks them.
func New(store Store, reg *schemas.Registry, opt Options) (*Service, error) {
	s := &Service{store: store, schemas: reg, clock: opt.Clock, changed: opt.Changed, render: opt.Render, media: opt.Media, places: opt.Territories}
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
	s.contains = s.places.Contains
	var err error
	if s.policy, err = LoadPolicy(reg); err != nil {
		return nil, err
	}
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
		if g := &a.Grants[i]; g.Role == "contributor" && g.Active(now) && !slices.Contains(scopes, g.Scope) {
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

// revision reads a revision that a document points at. That there is none is a
// fault of the store, and no news about the document.
func (s *Service) revision(ctx context.Context, hash string) (*Revision, error) {
	r, err := s.store.Revision(ctx, hash)
	if isNotFound(err) {
		return nil, &Problem{Class: Internal, Code: "internal_error", Err: err}
	}
	return r, s.storeProblem(err)
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
