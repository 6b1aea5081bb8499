package api

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Duplicate is two documents that may be the same thing entered twice.
type Duplicate struct {
	Type    string            `json:"type"`
	Score   float64           `json:"score" minimum:"0" maximum:"1" format:"double" doc:"How likely they are the same, from 0 to 1."`
	Reasons []DuplicateReason `json:"reasons"`
	A       DuplicateSide     `json:"a"`
	B       DuplicateSide     `json:"b"`
	Merge   bool              `json:"merge" doc:"The caller may merge them, or say that they are not the same."`
	// Dismissed is there when somebody said that they are not the same.
	Dismissed *DuplicateWord `json:"dismissed,omitempty"`
	Links     DuplicateLinks `json:"_links"`
}

// DuplicateWord is somebody's word that two documents are not the same.
type DuplicateWord struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
}

// DuplicateReason is why two may be the same.
type DuplicateReason struct {
	Code    string         `json:"code" enum:"same_phone,same_tax_code,same_name_near,same_name_town"`
	Message string         `json:"message" doc:"In the caller's language."`
	Params  map[string]any `json:"params" doc:"What the message was made with."`
}

// DuplicateSide is one of two documents.
type DuplicateSide struct {
	ID          string            `json:"id" format:"uuid"`
	Title       string            `json:"title"`
	Owner       string            `json:"owner,omitempty"`
	Live        bool              `json:"live" doc:"Some variant is public."`
	Locales     []string          `json:"locales"`
	Territories []string          `json:"territories" doc:"ISTAT codes."`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
	ETags       map[string]string `json:"etags" doc:"What the merge needs as keep_etags or gone_etags, by language."`
	Links       ManageSelfLinks   `json:"_links"`
}

// DuplicateLinks lead on from a pair.
type DuplicateLinks struct {
	Preview string `json:"preview" format:"uri-reference" doc:"Both side by side, the first as the one that stays."`
}

// NotDuplicates says that two documents are not the same.
type NotDuplicates struct {
	A       string `json:"a" maxLength:"64"`
	B       string `json:"b" maxLength:"64"`
	Comment string `json:"comment,omitempty" maxLength:"1000"`
}

// MergePreview shows two documents side by side.
type MergePreview struct {
	Keep    DuplicateSide     `json:"keep"`
	Gone    DuplicateSide     `json:"gone"`
	Merge   bool              `json:"merge" doc:"The caller may merge them."`
	Score   float64           `json:"score" minimum:"0" maximum:"1" format:"double" doc:"How likely they are the same; 0 when nothing suggests it."`
	Reasons []DuplicateReason `json:"reasons"`
	Fields  []MergeField      `json:"fields" doc:"Every field that has a value on either side."`
}

// MergeField is one field of both documents.
type MergeField struct {
	Field     string          `json:"field"`
	Locale    string          `json:"locale" doc:"Its language; empty for what all languages share."`
	Label     string          `json:"label" doc:"In the caller's language."`
	Keep      json.RawMessage `json:"keep,omitempty"`
	Gone      json.RawMessage `json:"gone,omitempty"`
	Differs   bool            `json:"differs"`
	Suggested string          `json:"suggested" enum:"keep,gone" doc:"Where the value to take is: the one that stays, unless it has none."`
}

// NewMerge merges two documents.
type NewMerge struct {
	Keep      string         `json:"keep" maxLength:"64" doc:"The document that stays."`
	Gone      string         `json:"gone" maxLength:"64" doc:"The one that goes: it keeps its history, and its addresses lead to the other."`
	KeepETags map[string]any `json:"keep_etags" doc:"The ETags that you saw, by language: etags of the preview."`
	GoneETags map[string]any `json:"gone_etags" doc:"The same of the one that goes."`
	Fields    map[string]any `json:"fields,omitempty" doc:"Values to write into the one that stays: by language, then by name of field. What all languages share is under the empty language. A language that only the other has becomes one of the one that stays."`
	Comment   string         `json:"comment,omitempty" maxLength:"1000"`
}

// maxPairs bounds how many pairs are looked at for one page: what the caller may
// not see is passed over, and the page then holds less.
const maxPairs = 1000

// pairCursor is the place of a pair in the list.
type pairCursor struct {
	Score float64 `json:"s"`
	A     string  `json:"a"`
	B     string  `json:"b"`
}

func (at pairCursor) before(p *duplicates.Pair) bool {
	return cmp.Or(cmp.Compare(p.Score, at.Score), strings.Compare(at.A, p.A), strings.Compare(at.B, p.B)) < 0
}

// listDuplicates gives the pairs of which the caller may see both sides.
func (s *Server) listDuplicates(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		limit, typ, territory := int(q.integer("limit", defaultPage, 1, maxPage)), q.text("type"), q.text("territory")
		wanted := q.flag("dismissed")
		if typ != "" && !slices.Contains(duplicates.Types(), typ) {
			q.wrong("type", "unknown_type", "type")
		}
		if territory != "" {
			t, ok := s.service.Territories().Lookup(territory)
			if !ok {
				q.wrong("territory", "unknown_territory", "value")
			}
			territory = t.ISTAT
		}
		if err := q.err(); err != nil {
			return err
		}
		var at *pairCursor
		if cursor := q.text("cursor"); cursor != "" {
			at = &pairCursor{}
			data, err := base64.RawURLEncoding.DecodeString(cursor)
			if err != nil || json.Unmarshal(data, at) != nil {
				return invalidCursor()
			}
		}
		pairs, err := s.duplicates.Pairs(c.ctx())
		if err != nil {
			return err
		}
		dismissed, err := duplicates.Dismissed(c.ctx(), s.ledger)
		if err != nil {
			return err
		}
		out, next := Page[Duplicate]{Items: []Duplicate{}}, ""
		looked := 0
		for i := range pairs {
			p := &pairs[i]
			word, said := dismissed(p.A, p.B)
			if at != nil && !at.before(p) || typ != "" && p.Type != typ || said != wanted {
				continue
			}
			if len(out.Items) == limit || looked == maxPairs {
				break
			}
			looked++
			if next, err = encodeCursor(pairCursor{p.Score, p.A, p.B}); err != nil {
				return err
			}
			v, err := s.duplicateView(c, p, territory)
			if err != nil {
				return err
			}
			if v == nil {
				continue
			}
			if said {
				v.Dismissed = &DuplicateWord{word.By, word.At, word.Comment}
			}
			out.Items = append(out.Items, *v)
		}
		if len(out.Items) < limit && looked < maxPairs {
			next = ""
		}
		out.Links = s.links(c.Context, next)
		return answerJSON(c.Context, http.StatusOK, out)
	}
}

func encodeCursor(v any) (string, error) {
	data, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(data), err
}

// duplicateView shows a pair; nil when the caller may not see both sides, or when
// neither lies in the territory asked for.
func (s *Server) duplicateView(c *call, p *duplicates.Pair, territory string) (*Duplicate, error) {
	a, b, err := s.both(c, p.A, p.B)
	if content.AsProblem(err) != nil && content.AsProblem(err).Class == content.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if territory != "" && !s.liesIn(a, territory) && !s.liesIn(b, territory) {
		return nil, nil
	}
	out := &Duplicate{
		Type: p.Type, Score: p.Score, Reasons: s.reasons(&p.Likeness, c.lang), A: s.sideView(a), B: s.sideView(b),
		Links: DuplicateLinks{Preview: s.public + manage + "/merges/preview?keep=" + p.A + "&gone=" + p.B},
	}
	out.Merge, err = s.mayMerge(c, a, b)
	return out, err
}

// both reads two documents as the caller sees them.
func (s *Server) both(c *call, first, second string) (a, b *content.Document, err error) {
	if a, err = s.service.Get(c.ctx(), c.actor, first); err != nil {
		return nil, nil, err
	}
	b, err = s.service.Get(c.ctx(), c.actor, second)
	return a, b, err
}

func (s *Server) liesIn(d *content.Document, territory string) bool {
	return slices.ContainsFunc(territoriesOf(d), func(code string) bool { return s.service.Territories().Contains(territory, code) })
}

// territoriesOf are those of any variant.
func territoriesOf(d *content.Document) []string {
	out := []string{}
	for i := range d.Variants {
		for _, code := range d.Variants[i].Territories {
			if !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	return out
}

// mayMerge says whether the caller may let one of two documents go for the other.
func (s *Server) mayMerge(c *call, a, b *content.Document) (bool, error) {
	for _, d := range []*content.Document{a, b} {
		p, err := s.service.Permissions(c.ctx(), c.actor, d, mainLocale(d))
		if err != nil || !p.Merge {
			return false, err
		}
	}
	return true, nil
}

func (s *Server) sideView(d *content.Document) DuplicateSide {
	out := DuplicateSide{
		ID: d.ID, Owner: d.Owner, Live: d.Live(), Locales: []string{}, Territories: territoriesOf(d), CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		ETags: map[string]string{}, Links: ManageSelfLinks{Self: s.documentPath(d.ID), Events: s.documentPath(d.ID) + "/events"},
	}
	if v := d.Variant(mainLocale(d)); v != nil {
		out.Title = v.Title
	}
	for i := range d.Variants {
		locale := d.Variants[i].Locale
		out.Locales = append(out.Locales, locale)
		out.ETags[locale] = d.ETag(locale)
	}
	return out
}

// reasons says why in a language. A municipality is called by its name.
func (s *Server) reasons(l *duplicates.Likeness, lang string) []DuplicateReason {
	out := []DuplicateReason{}
	if l == nil {
		return out
	}
	for _, r := range l.Reasons {
		params := map[string]any{}
		for k, v := range r.Params {
			params[k] = v
		}
		if t, ok := s.service.Territories().Lookup(r.Params["municipality"]); ok {
			params["municipality"] = t.Name
		}
		out = append(out, DuplicateReason{Code: r.Code, Message: messages.Text(lang, r.Code, params), Params: params})
	}
	return out
}

// dismissDuplicate keeps that two documents are not the same. Who could merge them
// may say so.
func (s *Server) dismissDuplicate(c *call) error {
	var in NotDuplicates
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	if in.A == in.B {
		return invalid(codeInvalidBody, "/b", "merge_itself", nil)
	}
	a, b, err := s.mergeable(c, in.A, in.B)
	if err != nil {
		return err
	}
	word := duplicates.Dismissal{By: c.actor.ID, At: s.clock().UTC().Truncate(time.Millisecond), Comment: in.Comment}
	if err := duplicates.Dismiss(c.ctx(), s.ledger, a.ID, b.ID, c.actor, word); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// restoreDuplicate takes such a word back.
func (s *Server) restoreDuplicate(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := s.pairQuery(c, known, "a", "b")
		if err != nil {
			return err
		}
		a, b, err := s.mergeable(c, q.text("a"), q.text("b"))
		if err != nil {
			return err
		}
		if err := duplicates.Restore(c.ctx(), s.ledger, a.ID, b.ID, c.actor); err != nil {
			return err
		}
		c.Writer.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// mergeable reads two documents that the caller may merge.
func (s *Server) mergeable(c *call, first, second string) (a, b *content.Document, err error) {
	if a, b, err = s.both(c, first, second); err != nil {
		return nil, nil, err
	}
	if may, err := s.mayMerge(c, a, b); err != nil || !may {
		return nil, nil, cmp.Or[error](err, &content.Problem{Class: content.Forbidden, Code: "forbidden"})
	}
	return a, b, nil
}

// pairQuery reads the parameters of a request about two documents, which both have
// to be there.
func (s *Server) pairQuery(c *call, known []string, names ...string) (*query, error) {
	q, err := parseQuery(c.Request.URL.RawQuery, known...)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if q.text(name) == "" {
			q.missing(name)
		}
	}
	return q, q.err()
}

// previewMerge shows two documents side by side.
func (s *Server) previewMerge(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := s.pairQuery(c, known, "keep", "gone")
		if err != nil {
			return err
		}
		keep, gone, err := s.both(c, q.text("keep"), q.text("gone"))
		if err != nil {
			return err
		}
		switch {
		case keep.ID == gone.ID:
			return invalid(codeInvalidQuery, "/gone", "merge_itself", nil)
		case keep.Type != gone.Type:
			return &content.Problem{Class: content.Conflict, Code: "merge_types_differ", Params: map[string]any{"type": keep.Type, "other": gone.Type}}
		}
		out := MergePreview{Keep: s.sideView(keep), Gone: s.sideView(gone)}
		if out.Merge, err = s.mayMerge(c, keep, gone); err != nil {
			return err
		}
		likeness, err := s.duplicates.Likeness(c.ctx(), keep.ID, gone.ID)
		if err != nil {
			return err
		}
		out.Reasons = s.reasons(likeness, c.lang)
		if likeness != nil {
			out.Score = likeness.Score
		}
		if out.Fields, err = s.mergeFields(c, keep, gone); err != nil {
			return err
		}
		return answerJSON(c.Context, http.StatusOK, out)
	}
}

// mergeFields puts the values of two documents of one type side by side: first
// what all languages share, then language by language, in the order of the form.
func (s *Server) mergeFields(c *call, keep, gone *content.Document) ([]MergeField, error) {
	out := []MergeField{}
	t, ok := s.schemas.Type(keep.Type)
	if !ok {
		return out, nil
	}
	var locales []string
	values := [2]map[string]schemas.Values{{}, {}}
	for i, d := range []*content.Document{keep, gone} {
		for j := range d.Variants {
			locale := d.Variants[j].Locale
			_, r, err := s.service.Latest(c.ctx(), c.actor, d.ID, locale)
			if err != nil {
				return nil, err
			}
			if values[i][locale], err = r.Values(); err != nil {
				return nil, err
			}
			if !slices.Contains(locales, locale) {
				locales = append(locales, locale)
			}
		}
		values[i][""] = values[i][mainLocale(d)]
	}
	slices.Sort(locales)
	for _, locale := range append([]string{""}, locales...) {
		for _, f := range t.Fields {
			if f.Localized != (locale != "") {
				continue
			}
			m := MergeField{Field: f.Name, Locale: locale, Label: f.Label.In(c.lang), Suggested: "keep"}
			sides := [2]*json.RawMessage{&m.Keep, &m.Gone}
			for i, v := range []any{values[0][locale][f.Name], values[1][locale][f.Name]} {
				if v == nil {
					continue
				}
				data, err := encode(v) // keys sorted: equal values have equal bytes
				if err != nil {
					return nil, err
				}
				*sides[i] = data
			}
			if m.Keep == nil && m.Gone == nil {
				continue
			}
			m.Differs = string(m.Keep) != string(m.Gone)
			if m.Keep == nil {
				m.Suggested = "gone"
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// merge lets one document go for another.
func (s *Server) merge(c *call) error {
	var in NewMerge
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	m := content.Merge{Keep: in.Keep, Gone: in.Gone, Comment: in.Comment, Fields: map[string]map[string]any{}}
	var issues []schemas.Issue
	texts := func(path string, in map[string]any) map[string]string {
		out := map[string]string{}
		for _, key := range sortedKeys(in) {
			v, ok := in[key].(string)
			_, known := s.schemas.Locale(key)
			switch {
			case key != "*" && !known:
				issues = append(issues, schemas.Issue{Path: pointer(path, echo(key)), Code: "unknown_locale", Params: map[string]any{"locale": echo(key)}})
			case !ok:
				issues = append(issues, wrongKind(pointer(path, key), "text"))
			}
			out[key] = v
		}
		return out
	}
	m.KeepETags, m.GoneETags = texts("/keep_etags", in.KeepETags), texts("/gone_etags", in.GoneETags)
	for _, locale := range sortedKeys(in.Fields) {
		fields, ok := in.Fields[locale].(map[string]any)
		if !ok {
			issues = append(issues, wrongKind(pointer("/fields", locale), "object"))
		}
		m.Fields[locale] = fields
	}
	if len(issues) > 0 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: issues}
	}
	d, err := s.service.Merge(c.ctx(), c.actor, m)
	if err != nil {
		return inLanguage(err, m.Fields)
	}
	v, err := s.documentView(c.ctx(), c, d)
	if err != nil {
		return err
	}
	c.Writer.Header()["Etag"] = []string{v.ETag}
	return answerJSON(c.Context, http.StatusOK, v)
}

// inLanguage says of what is wrong with a field in which language the body has it: the
// edit that a merge makes knows one.
func inLanguage(err error, fields map[string]map[string]any) error {
	p := content.AsProblem(err)
	if p == nil || len(p.Fields) == 0 {
		return err
	}
	out := *p
	out.Fields = slices.Clone(p.Fields)
	for i := range out.Fields {
		rest, ok := strings.CutPrefix(out.Fields[i].Path, "/fields/")
		if !ok {
			rest = strings.TrimPrefix(out.Fields[i].Path, "/")
		}
		for _, locale := range slices.Sorted(maps.Keys(fields)) {
			for name := range fields[locale] {
				if at := strings.TrimPrefix(pointer("", name), "/"); rest == at || strings.HasPrefix(rest, at+"/") {
					out.Fields[i].Path = pointer("/fields", locale) + "/" + rest
				}
			}
		}
	}
	return &out
}

func wrongKind(path, expected string) schemas.Issue {
	return schemas.Issue{Path: path, Code: schemas.CodeWrongType, Params: map[string]any{"expected": expected}}
}
