package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/content/markdown/citation"
	"github.com/prassi-cms/prassi/schemas"
)

// NewDocument begins a document with its first variant.
type NewDocument struct {
	Type   string         `json:"type"`
	Locale string         `json:"locale"`
	Slug   string         `json:"slug,omitempty" doc:"Without it one is made from the title."`
	Owner  string         `json:"owner,omitempty" doc:"Scope of the organization it belongs to; without it a contributor's own."`
	Fields map[string]any `json:"fields" doc:"Values by name of field, as the type declares them."`
	Note   string         `json:"note,omitempty" maxLength:"1000"`
}

// NewVariant begins a translation.
type NewVariant struct {
	Locale string         `json:"locale"`
	Slug   string         `json:"slug,omitempty" doc:"Without it one is made from the title."`
	Fields map[string]any `json:"fields" doc:"Values by name of field, as the type declares them."`
	Note   string         `json:"note,omitempty" maxLength:"1000"`
}

// Edit changes a variant: only the named fields change, null removes one.
type Edit struct {
	Fields map[string]any `json:"fields,omitempty" doc:"Only these change; null removes one."`
	Slug   string         `json:"slug,omitempty"`
	Note   string         `json:"note,omitempty" maxLength:"1000"`
}

// Step asks for a transition.
type Step struct {
	Transition string `json:"transition"`
	Comment    string `json:"comment,omitempty"`
	At         string `json:"at,omitempty" doc:"Later: RFC 3339 with an offset, or a local time or date of Europe/Rome (2026-03-29T09:00)."`
}

// Restore brings a revision back.
type Restore struct {
	Note string `json:"note,omitempty" maxLength:"1000"`
}

// Preview asks for Markdown as HTML.
type Preview struct {
	Markdown string `json:"markdown"`
	Locale   string `json:"locale,omitempty" doc:"The language of the text; Italian without it."`
}

// Previewed is Markdown as the public will read it.
type Previewed struct {
	HTML       string             `json:"html"`
	TOC        []markdown.Heading `json:"toc"`
	References []PreviewReference `json:"references"`
}

// PreviewReference is a legal citation found in the text.
type PreviewReference struct {
	citation.Reference
	Start int `json:"start" minimum:"0" doc:"Where it begins in the Markdown, in bytes."`
	End   int `json:"end" minimum:"0" doc:"Where it ends in the Markdown, in bytes."`
}

// Comparison is what differs between two revisions.
type Comparison struct {
	From    int           `json:"from" minimum:"0"`
	To      int           `json:"to" minimum:"1"`
	Changes []FieldChange `json:"changes"`
}

// answerVariant answers with a variant, and says where it is when it has just
// begun.
func (s *Server) answerVariant(c *call, status int, id, locale string) error {
	v, err := s.fullView(c.ctx(), c, id, locale)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Etag"] = []string{v.ETag}
	h["Content-Language"] = []string{v.Locale}
	if status == http.StatusCreated {
		h["Location"] = []string{v.Links.Self}
	}
	return answerJSON(c.Context, status, v)
}

func (s *Server) createDocument(c *call) error {
	var in NewDocument
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	d, err := s.service.Create(c.ctx(), c.actor, content.NewVariant{
		Type: in.Type, Locale: in.Locale, Slug: in.Slug, Owner: in.Owner, Fields: in.Fields, Note: in.Note,
	})
	if err != nil {
		return err
	}
	return s.answerVariant(c, http.StatusCreated, d.ID, d.Variants[0].Locale)
}

// documentCursor is what a page's cursor holds: the place in one order.
type documentCursor struct {
	Sort  string    `json:"s"`
	At    time.Time `json:"a,omitzero"`
	Title string    `json:"t,omitempty"`
	ID    string    `json:"i"`
}

// Orders of documents.
const (
	sortNewest = "-updated_at"
	sortTitle  = "title"
)

func (s *Server) listDocuments(params []param) func(*call) error {
	ask := func(c *call, q *query) rows[*content.Document] {
		f := content.Filter{
			Type: q.text("type"), State: q.text("state"), Territory: q.text("territory"), Owner: q.text("owner"), Mine: q.flag("mine"),
		}
		if tag := q.text("locale"); tag != "" {
			l, ok := s.schemas.Locale(tag)
			if !ok {
				q.wrong("locale", "unknown_locale", "locale")
			}
			f.Locale = l.Tag
		}
		if f.State != "" && !s.knownState(f.State) {
			q.wrong("state", "invalid_state", "state")
		}
		order := q.oneOf("sort", sortNewest, sortTitle)
		if order == sortTitle {
			f.Order = content.ByTitle
		}
		return rows[*content.Document]{
			read: func(limit int) ([]*content.Document, error) {
				var err error
				if f.After, err = documentAfter(q.text("cursor"), order); err != nil {
					return nil, err
				}
				f.Limit = limit
				return s.service.List(c.ctx(), c.actor, f)
			},
			place: func(d *content.Document) string { return placeOf(d, order) },
		}
	}
	return listPage(s, params, ask, func(c *call, d *content.Document) (Document, error) { return s.documentView(c.ctx(), c, d) })
}

// placeOf is the cursor behind a document in an order.
func placeOf(d *content.Document, order string) string {
	last := content.PositionOf(d)
	at := documentCursor{Sort: order, ID: last.ID}
	if order == sortTitle {
		at.Title = last.Title
	} else {
		at.At = last.UpdatedAt
	}
	data, err := json.Marshal(at)
	if err != nil {
		panic("api: " + err.Error()) // text and a time that is stored
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// documentAfter reads the cursor of an order; an empty one begins.
func documentAfter(cursor, order string) (content.Position, error) {
	if cursor == "" {
		return content.Position{}, nil
	}
	var at documentCursor
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(data, &at) != nil || at.Sort != order {
		return content.Position{}, invalidCursor()
	}
	return content.Position{UpdatedAt: at.At, Title: at.Title, ID: at.ID}, nil
}

// knownState says whether any workflow has that state.
func (s *Server) knownState(name string) bool {
	return slices.ContainsFunc(s.schemas.Types(), func(t *schemas.Type) bool {
		def := s.service.Workflow(t.Name)
		return def != nil && def.State(name) != nil
	})
}

func (s *Server) getDocument(c *call) error {
	d, err := s.service.Get(c.ctx(), c.actor, c.Param("id"))
	if err != nil {
		return err
	}
	v, err := s.documentView(c.ctx(), c, d)
	if err != nil {
		return err
	}
	c.Writer.Header()["Etag"] = []string{v.ETag}
	return answerJSON(c.Context, http.StatusOK, v)
}

func (s *Server) discardDocument(c *call) error {
	etag, err := ifMatchOf(c.Request)
	if err != nil {
		return err
	}
	if err := s.service.Discard(c.ctx(), c.actor, c.Param("id"), etag); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// ifMatchOf gives the entity tag of If-Match; empty when there is none, which
// content.Service refuses. A list of tags would say that the caller does not
// know what it saw.
func ifMatchOf(r *http.Request) (string, error) {
	values := r.Header["If-Match"]
	if len(values) == 0 {
		return "", nil
	}
	tag := strings.TrimSpace(values[0])
	quoted := strings.TrimPrefix(tag, "W/")
	if len(values) > 1 || tag != "*" && (len(quoted) < 2 || quoted[0] != '"' || strings.IndexByte(quoted[1:], '"') != len(quoted)-2) {
		return "", &content.Problem{Class: content.Invalid, Code: codeInvalidHeader, Params: map[string]any{"header": "If-Match"}}
	}
	return tag, nil
}

func (s *Server) addVariant(c *call) error {
	var in NewVariant
	etag, err := ifMatchOf(c.Request)
	if err != nil {
		return err
	}
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	_, err = s.service.AddVariant(c.ctx(), c.actor, c.Param("id"), etag, content.NewVariant{
		Locale: in.Locale, Slug: in.Slug, Fields: in.Fields, Note: in.Note,
	})
	if err != nil {
		return err
	}
	l, _ := s.schemas.Locale(in.Locale)
	return s.answerVariant(c, http.StatusCreated, c.Param("id"), l.Tag)
}

func (s *Server) getVariant(c *call) error {
	return s.answerVariant(c, http.StatusOK, c.Param("id"), s.localeParam(c))
}

// localeParam gives the locale of the path in its canonical form.
func (s *Server) localeParam(c *call) string {
	if l, ok := s.schemas.Locale(c.Param("locale")); ok {
		return l.Tag
	}
	return c.Param("locale")
}

// change runs one change of a variant and answers with what it is then. body is
// decoded first, when there is one.
func (s *Server) change(c *call, body any, do func(etag string) (*content.Document, error)) error {
	etag, err := ifMatchOf(c.Request)
	if err != nil {
		return err
	}
	if body != nil {
		if err := s.decode(c.Request, body); err != nil {
			return err
		}
	}
	if _, err := do(etag); err != nil {
		return err
	}
	return s.answerVariant(c, http.StatusOK, c.Param("id"), s.localeParam(c))
}

func (s *Server) editVariant(c *call) error {
	var in Edit
	return s.change(c, &in, func(etag string) (*content.Document, error) {
		return s.service.Edit(c.ctx(), c.actor, c.Param("id"), c.Param("locale"), etag, content.Edit{Fields: in.Fields, Slug: in.Slug, Note: in.Note})
	})
}

func (s *Server) takeStep(c *call) error {
	var in Step
	return s.change(c, &in, func(etag string) (*content.Document, error) {
		step := content.Step{Name: in.Transition, Comment: in.Comment}
		if in.At != "" {
			var err error
			if step.At, err = content.ParseMoment(in.At); err != nil {
				return nil, invalid("invalid_content", "/at", "invalid_time", map[string]any{"value": echo(in.At)})
			}
		}
		return s.service.Transition(c.ctx(), c.actor, c.Param("id"), c.Param("locale"), etag, step)
	})
}

func (s *Server) unschedule(c *call) error {
	return s.change(c, nil, func(etag string) (*content.Document, error) {
		return s.service.Unschedule(c.ctx(), c.actor, c.Param("id"), c.Param("locale"), etag, c.Param("transition"))
	})
}

func (s *Server) restoreRevision(c *call) error {
	var in Restore
	number, err := revisionNumber(c.Param("number"))
	if err != nil {
		return err
	}
	return s.change(c, &in, func(etag string) (*content.Document, error) {
		return s.service.Restore(c.ctx(), c.actor, c.Param("id"), s.localeParam(c), etag, number, in.Note)
	})
}

// revisionNumber reads the number of a revision in a path.
func revisionNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || strconv.Itoa(n) != text { // one spelling of each
		return 0, &content.Problem{Class: content.NotFound, Code: "no_such_revision", Params: map[string]any{"number": echo(text)}}
	}
	return n, nil
}

func (s *Server) listRevisions(params []param) func(*call) error {
	ask := func(c *call, q *query) rows[*content.Revision] {
		id, locale, before := c.Param("id"), s.localeParam(c), int(q.integer("cursor", 0, 1, 1<<31-1))
		return rows[*content.Revision]{
			read: func(limit int) ([]*content.Revision, error) {
				return s.service.History(c.ctx(), c.actor, id, locale, before, limit)
			},
			place: func(r *content.Revision) string { return strconv.Itoa(r.Number) },
			total: func() (int, error) {
				d, err := s.service.Get(c.ctx(), c.actor, id)
				if err != nil || d.Variant(locale) == nil {
					return 0, err
				}
				return d.Variant(locale).Latest.Number, nil
			},
		}
	}
	return listPage(s, params, ask, func(_ *call, r *content.Revision) (Revision, error) { return revisionView(r), nil })
}

func (s *Server) getRevision(c *call) error {
	number, err := revisionNumber(c.Param("number"))
	if err != nil {
		return err
	}
	r, err := s.service.RevisionAt(c.ctx(), c.actor, c.Param("id"), s.localeParam(c), number)
	if err != nil {
		return err
	}
	body := revisionView(r)
	if body.Fields, err = r.Values(); err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusOK, body)
}

func (s *Server) compareRevisions(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		body := Comparison{Changes: []FieldChange{}}
		body.From = int(q.integer("from", 0, 0, 1<<31-1))
		body.To = int(q.integer("to", 0, 1, 1<<31-1))
		if body.To == 0 && len(q.issues) == 0 {
			q.missing("to")
		}
		if err := q.err(); err != nil {
			return err
		}
		id, locale := c.Param("id"), s.localeParam(c)
		changes, err := s.service.Compare(c.ctx(), c.actor, id, locale, body.From, body.To)
		if err != nil {
			return err
		}
		d, err := s.service.Get(c.ctx(), c.actor, id)
		if err != nil {
			return err
		}
		for _, ch := range changes {
			body.Changes = append(body.Changes, FieldChange{Field: ch.Field, Label: s.fieldLabel(d.Type, ch.Field, c.lang), Before: ch.Before, After: ch.After})
		}
		return answerJSON(c.Context, http.StatusOK, body)
	}
}

// fieldLabel is what a language calls a field.
func (s *Server) fieldLabel(typ, name, lang string) string {
	if t, ok := s.schemas.Type(typ); ok {
		if f, ok := t.Field(name); ok {
			return f.Label.In(lang)
		}
	}
	return name
}

func (s *Server) listEvents(params []param) func(*call) error {
	ask := func(c *call, q *query) rows[content.Event] {
		before := q.integer("cursor", 0, 1, 1<<53)
		return rows[content.Event]{
			read: func(limit int) ([]content.Event, error) {
				return s.service.Events(c.ctx(), c.actor, c.Param("id"), before, limit)
			},
			place: func(e content.Event) string { return strconv.FormatInt(e.Seq, 10) },
		}
	}
	return listPage(s, params, ask, func(c *call, e content.Event) (Event, error) { return s.eventView(&e, c.lang), nil })
}

// preview renders Markdown as the public will read it. Rendering costs the
// processor, so only so many run at once.
func (s *Server) preview(c *call) error {
	var in Preview
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	locale := "it"
	if in.Locale != "" {
		l, ok := s.schemas.Locale(in.Locale)
		if !ok {
			return invalid("invalid_content", "/locale", "unknown_locale", map[string]any{"locale": echo(in.Locale)})
		}
		locale = l.Tag
	}
	release, err := s.previews.take(c)
	if err != nil {
		return err
	}
	defer release()
	out, err := markdown.Render([]byte(in.Markdown), markdown.Options{Locale: locale})
	if err != nil {
		return unrenderable(err)
	}
	body := Previewed{HTML: out.HTML, TOC: out.TOC, References: []PreviewReference{}}
	if body.TOC == nil {
		body.TOC = []markdown.Heading{}
	}
	for _, r := range out.References {
		body.References = append(body.References, PreviewReference{Reference: r, Start: r.Start, End: r.End})
	}
	return answerJSON(c.Context, http.StatusOK, body)
}

// unrenderable says why the renderer refused a text.
func unrenderable(err error) error {
	refused, ok := errors.AsType[*markdown.Error](err)
	if !ok {
		return err
	}
	issue := schemas.Issue{Path: "/markdown", Code: refused.Code, Line: refused.Line}
	if refused.Limit > 0 {
		issue.Params = map[string]any{"max": refused.Limit}
	}
	return &content.Problem{Class: content.Invalid, Code: "invalid_content", Err: err, Fields: []schemas.Issue{issue}}
}

// FormTypes is what an editor needs to draw its forms.
type FormTypes struct {
	Items      []*schemas.Type     `json:"items"`
	Taxonomies []*schemas.Taxonomy `json:"taxonomies"`
	Locales    []schemas.Locale    `json:"locales"`
	Total      int                 `json:"total"`
}

func (s *Server) formTypes(c *call) error {
	return answerJSON(c.Context, http.StatusOK, FormTypes{
		Items: s.schemas.Types(), Taxonomies: s.schemas.Taxonomies(), Locales: s.schemas.Locales(), Total: len(s.schemas.Types()),
	})
}

// WorkflowPage is all workflows.
type WorkflowPage struct {
	Items []Workflow `json:"items"`
	Total int        `json:"total"`
}

func (s *Server) listWorkflows(c *call) error {
	items := s.workflowViews()
	return answerJSON(c.Context, http.StatusOK, WorkflowPage{Items: items, Total: len(items)})
}
