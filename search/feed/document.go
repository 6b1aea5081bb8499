package feed

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown/citation"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search"
)

// What names that are not fields of a type are worth, as in schemas.SearchHint.
const (
	weightOrganization = 4
	weightTerritory    = 2
)

// item is what search reads of an item's long JSON.
type item struct {
	ID           string                     `json:"id"`
	Type         string                     `json:"type"`
	Locale       string                     `json:"locale"`
	Slug         string                     `json:"slug"`
	Title        string                     `json:"title"`
	Summary      string                     `json:"summary"`
	Territories  []territory                `json:"territories"`
	Topics       []term                     `json:"topics"`
	Organization *linked                    `json:"organization"`
	Published    time.Time                  `json:"published_at"`
	Updated      time.Time                  `json:"updated_at"`
	Assurance    struct{ Status string }    `json:"assurance"`
	Fields       map[string]json.RawMessage `json:"fields"`
	HTML         string                     `json:"html"`
	Rendered     map[string]json.RawMessage `json:"rendered"`
	References   []search.Act               `json:"references"`
	Alternates   []struct{ Locale string }  `json:"alternates"`
}

type territory struct{ ISTAT string }

type term struct{ ID, Label string }

type linked struct{ ID, Title string }

// Documents makes the documents of the public variants of one document; none
// when nothing of it is public. The error is the disk's, or tells of an item
// that is not what the catalogue writes.
func Documents(c *catalog.Catalog, s *search.Settings, id string) ([]search.Document, error) {
	var out []search.Document
	for _, e := range c.Variants(id) {
		d, err := documentOf(e, s, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// Version names the bytes from which an entry's document is made: the version of
// that document.
func Version(e catalog.Entry) string { return strings.Trim(e.ETag(catalog.Identity), `"`) }

// documentOf makes the document of an entry. buf, when there is one, is working memory.
func documentOf(e catalog.Entry, s *search.Settings, buf *[]byte) (search.Document, error) {
	if buf == nil {
		buf = new([]byte)
	}
	var err error
	if *buf, err = e.AppendTo((*buf)[:0], catalog.Identity); err != nil {
		return search.Document{}, err
	}
	var it item
	if err := json.Unmarshal(*buf, &it); err != nil {
		return search.Document{}, &unreadable{id: e.ID(), err: err}
	}
	typ, ok := s.Schemas.Type(it.Type)
	if !ok {
		return search.Document{}, &unreadable{id: e.ID(), err: fmt.Errorf("type %q is not declared", it.Type)}
	}
	d := search.Document{
		ID: search.DocumentID(it.ID, it.Locale), Document: it.ID, Version: Version(e), Type: it.Type, Locale: it.Locale,
		Locales: []string{it.Locale}, Slug: it.Slug, Title: it.Title, Summary: it.Summary, Body: plain(it.HTML),
		Acts: acts(it.References), Published: it.Published, Updated: it.Updated,
		Facets: map[string][]string{}, Keys: map[string]string{},
	}
	for _, a := range it.Alternates {
		d.Locales = append(d.Locales, a.Locale)
	}
	slices.Sort(d.Locales)
	w := writer{s: s, it: &it, d: &d}
	w.heads()
	for _, f := range typ.Fields {
		if err := w.field(typ, f); err != nil {
			return search.Document{}, &unreadable{id: e.ID(), err: fmt.Errorf("field %s: %w", f.Name, err)}
		}
	}
	return d, nil
}

// acts are those that an item cites, each once and whole, whichever part of it
// was cited.
func acts(references []search.Act) (out []search.Act) {
	for _, a := range references {
		if whole, _, part := strings.Cut(a.Identifier, "~"); part {
			a.Identifier = whole
			if found := citation.Find(whole); len(found) == 1 {
				a.Label = found[0].Label
			}
		}
		at := slices.IndexFunc(out, func(o search.Act) bool { return o.Name() == a.Name() })
		switch {
		case at < 0:
			out = append(out, a)
		case len(a.Identifier) > len(out[at].Identifier): // with its date, not its year alone
			out[at] = a
		}
	}
	return out
}

// unreadable is the error of an item that no document can be made of, now or
// later.
type unreadable struct {
	id  string
	err error
}

func (u *unreadable) Error() string { return "feed: document " + u.id + ": " + u.err.Error() }
func (u *unreadable) Unwrap() error { return u.err }

// writer makes a document of an item.
type writer struct {
	s  *search.Settings
	it *item
	d  *search.Document
}

func (w *writer) text(weight int, text string) {
	if text = strings.TrimSpace(text); text != "" && weight > 0 {
		w.d.Texts = append(w.d.Texts, search.Text{Weight: min(weight, 10), Text: text})
	}
}

func (w *writer) facet(name string, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(w.d.Facets[name], v) {
			w.d.Facets[name] = append(w.d.Facets[name], v)
		}
	}
}

// heads takes in what every item has.
func (w *writer) heads() {
	for _, t := range w.it.Territories {
		w.territory(search.FacetTerritory, t.ISTAT, weightTerritory)
	}
	for _, t := range w.it.Topics {
		w.facet(search.FacetTopic, t.ID)
		w.text(max(1, w.s.Weight(w.it.Type, "topics")), t.Label)
	}
	if o := w.it.Organization; o != nil {
		w.facet(search.FacetOrganization, o.ID)
		w.text(weightOrganization, o.Title)
	}
	w.facet(search.FacetAssurance, w.it.Assurance.Status)
}

// territory takes in a code with those around it, and its name.
func (w *writer) territory(facet, code string, weight int) {
	if facet != "" {
		w.facet(facet, code)
		w.facet(facet, w.s.Places.Ancestors(code)...)
	}
	if t, ok := w.s.Places.Lookup(code); ok {
		w.text(weight, t.Name)
	}
}

// headed are fields that the head of an item says.
var headed = map[string]bool{"title": true, "summary": true, "body": true, "territories": true, "topics": true, "organization": true}

// field takes in a declared field: its words, its values as a facet, its places,
// its days and its key for sorting.
func (w *writer) field(typ *schemas.Type, f *schemas.Field) error {
	raw := w.it.Fields[f.Name]
	if len(raw) == 0 || headed[f.Name] {
		return nil
	}
	weight, facet := w.s.Weight(typ.Name, f.Name), ""
	if f.Search.Facet {
		facet = search.FacetOf(f.Name)
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	switch f.Kind {
	case "choice", "reference":
		for _, v := range list {
			id, label := inside(v, "id"), inside(v, "label")+inside(v, "title")
			if facet != "" {
				w.facet(facet, id)
			}
			w.text(weight, label)
		}
	case "territory":
		for _, v := range list {
			if code, ok := v.(string); ok {
				w.territory(facet, code, weight)
			}
		}
	case "language_list", "boolean":
		for _, v := range list {
			if facet != "" {
				w.facet(facet, fmt.Sprint(v))
			}
		}
	case "place":
		for _, v := range list {
			w.place(v, weight, typ.Route.Map == f.Name)
		}
	case "markdown", "rich_list":
		if f.Kind == "rich_list" {
			for _, v := range list {
				w.text(weight, inside(v, "title"))
			}
		}
		if weight > 0 {
			return w.rendered(f.Name, weight)
		}
	case "legal_reference":
		for _, v := range list {
			w.text(weight, inside(v, "label"))
		}
	default:
		for _, v := range list {
			if text, ok := v.(string); ok {
				w.text(weight, text)
				if facet != "" {
					w.facet(facet, text)
				}
			}
		}
	}
	if typ.Search.Date == f.Name {
		w.d.From, w.d.To = span(list)
	}
	if f.Sortable && len(list) > 0 {
		if key := sortKey(f, list[0]); key != "" {
			w.d.Keys[f.Name] = key
		}
	}
	return nil
}

// rendered takes in the words of a field in Markdown, from what was published.
func (w *writer) rendered(name string, weight int) error {
	raw := w.it.Rendered[name]
	if len(raw) == 0 {
		return nil
	}
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		w.text(weight, plain(one))
		return nil
	}
	var rows []string
	if err := json.Unmarshal(raw, &rows); err != nil {
		return err
	}
	for _, row := range rows {
		w.text(weight, plain(row))
	}
	return nil
}

// place takes in a place as the public may know it.
func (w *writer) place(v any, weight int, onMap bool) {
	w.text(weight, inside(v, "label"))
	w.text(weight, inside(v, "address"))
	if code := inside(v, "municipality"); code != "" {
		w.territory("", code, weight)
	}
	m, _ := v.(map[string]any)
	lat, ok := m["lat"].(float64)
	lon, also := m["lon"].(float64)
	if onMap && ok && also {
		w.d.Points = append(w.d.Points, search.Point{Lat: lat, Lon: lon})
	}
}

// inside gives a text of an object; empty when there is none.
func inside(v any, key string) string {
	m, _ := v.(map[string]any)
	s, _ := m[key].(string)
	return s
}

// span gives the first moment of days and the one after the last; zero for none.
// A day is one of Italy's calendar.
func span(list []any) (from, to time.Time) {
	for _, v := range list {
		a, b := inside(v, "from"), inside(v, "to")
		if s, ok := v.(string); ok {
			a = s
		}
		if a == "" {
			a = b
		}
		if b == "" {
			b = a
		}
		begin, _, ok := moment(a)
		end, day, also := moment(b)
		if !ok || !also {
			continue
		}
		if day {
			end = end.AddDate(0, 0, 1)
		} else {
			end = end.Add(time.Millisecond)
		}
		if from.IsZero() || begin.Before(from) {
			from = begin
		}
		if end.After(to) {
			to = end
		}
	}
	return from.UTC(), to.UTC()
}

// moment reads a day, or a day and local time.
func moment(s string) (t time.Time, day, ok bool) {
	if t, err := time.ParseInLocation(time.DateOnly, s, content.Rome); err == nil {
		return t, true, true
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, content.Rome)
	return t, false, err == nil
}

// sortKey is a text whose order by bytes is that of the values.
func sortKey(f *schemas.Field, v any) string {
	switch v := v.(type) {
	case string:
		if f.Kind == "date" {
			return v
		}
		return search.Fold(v)
	case float64:
		bits := math.Float64bits(v)
		if v < 0 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		return fmt.Sprintf("%016x", bits)
	case map[string]any:
		if f.Kind == "choice" {
			id := inside(v, "id")
			return fmt.Sprintf("%04d", slices.IndexFunc(f.Terms(), func(t *schemas.Term) bool { return t.ID == id }))
		}
		from, to := inside(v, "from"), inside(v, "to")
		if from == "" {
			from = to
		}
		return from + "/" + to
	}
	return ""
}
