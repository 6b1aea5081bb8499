package api

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
)

// The HSDS API (Open Referral, "HSDS API Reference" 3.1), for reading.

// hsdsPath is where it begins.
const hsdsPath = "/hsds/"

// Bounds of a page. With minimal a row is an id and a date, and the specification
// wants all of them in one page.
const (
	hsdsDefault = 50
	hsdsMax     = 100
	hsdsMinimal = 50_000
)

// HSDSAbout says what this API is.
type HSDSAbout struct {
	Version     string         `json:"version"`
	Profile     string         `json:"profile" format:"uri"`
	OpenAPI     string         `json:"openapi_url" format:"uri-reference"`
	Description string         `json:"description"`
	Publisher   *HSDSPublisher `json:"publisher,omitempty"`
}

// HSDSPublisher is who publishes the data.
type HSDSPublisher struct {
	Name    string `json:"name,omitempty"`
	Email   string `json:"email,omitempty" format:"email"`
	Website string `json:"website,omitempty" format:"uri"`
}

// HSDSPage is the envelope of every list.
type HSDSPage struct {
	TotalItems int              `json:"total_items" minimum:"0"`
	TotalPages int              `json:"total_pages" minimum:"0"`
	PageNumber int              `json:"page_number" minimum:"1"`
	Size       int              `json:"size" minimum:"0" doc:"How many are in this page."`
	FirstPage  bool             `json:"first_page"`
	LastPage   bool             `json:"last_page"`
	Empty      bool             `json:"empty"`
	Contents   []map[string]any `json:"contents"`
}

// hsdsObject is the schema of an object: its members are those of the
// specification, and those that it was imported with.
func hsdsObject() *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: true, Description: "An object of HSDS 3.1; it may have further members that it was imported with."}
}

func hsdsPage() *huma.Schema {
	count := integer(0, 0)
	return object(map[string]*huma.Schema{
		"total_items": count, "total_pages": count, "page_number": integer(1, 0), "size": count,
		"first_page": flag(), "last_page": flag(), "empty": flag(), "contents": list(hsdsObject()),
	})
}

func (s *Server) hsdsAbout(c *gin.Context) error {
	out := HSDSAbout{
		Version: "3.1", Profile: "https://docs.openreferral.org/en/v3.1.0/hsds/", OpenAPI: s.public + "/openapi.json",
		Description: "Services for the integration of migrants in Italy, and the organisations that offer them.",
	}
	if who := s.opt.Contact; who != (Contact{}) {
		out.Publisher = &HSDSPublisher{Name: who.Name, Email: who.Email, Website: who.URL}
	}
	return answerCached(c, out)
}

// hsdsRow is what lists know of a public document without reading it.
type hsdsRow struct {
	id       string
	modified time.Time // when the public last saw a difference, in any language
}

// hsdsIndex lists the documents of both collections, by id, as of one moment.
type hsdsIndex struct {
	mu   sync.Mutex
	made bool
	gen  uint64
	rows map[string][]hsdsRow
	// What only a document's bytes tell: its identifier in HSDS, and how many
	// service_at_location objects it has.
	identifiers hsdsFacts[string]
	sites       hsdsFacts[int]
}

// hsdsFacts keeps a fact of each document until the document changes.
type hsdsFacts[T any] struct {
	mu    sync.Mutex
	known map[string]hsdsFact[T]
}

type hsdsFact[T any] struct {
	modified time.Time
	value    T
}

// of gives the fact of every row; read is asked for those that are not known.
func (x *hsdsFacts[T]) of(ctx context.Context, rows []hsdsRow, read func(id string) (T, error)) ([]T, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known == nil || len(x.known) > 100_000+2*len(rows) { // most are of documents that have gone
		x.known = map[string]hsdsFact[T]{}
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		f, ok := x.known[r.id]
		if !ok || !f.modified.Equal(r.modified) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			v, err := read(r.id)
			if err != nil {
				return nil, err
			}
			f = hsdsFact[T]{r.modified, v}
			x.known[r.id] = f
		}
		out[i] = f.value
	}
	return out, nil
}

// of gives the rows of a collection. They must not be changed.
func (x *hsdsIndex) of(c *catalog.Catalog, collection string) []hsdsRow {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.refresh(c)[collection]
}

func (x *hsdsIndex) refresh(c *catalog.Catalog) map[string][]hsdsRow {
	gen := c.Generation() // before: what comes in between is seen the next time
	if x.made && gen == x.gen {
		return x.rows
	}
	rows := map[string][]hsdsRow{}
	for e := range c.All() {
		list := rows[e.Collection()]
		if n := len(list); n > 0 && list[n-1].id == e.ID() {
			if t := e.LastModified(); t.After(list[n-1].modified) {
				list[n-1].modified = t
			}
			continue
		}
		if e.Collection() == "services" || e.Collection() == "organizations" {
			rows[e.Collection()] = append(list, hsdsRow{e.ID(), e.LastModified()})
		}
	}
	x.made, x.gen, x.rows = true, gen, rows
	return rows
}

// hsdsQuery is what the parameters of a list ask for.
type hsdsQuery struct {
	page, perPage int
	minimal, full bool
	after         time.Time
	taxonomy      string
}

func (s *Server) hsdsQuery(c *gin.Context, known []string) (hsdsQuery, error) {
	q, err := parseQuery(c.Request.URL.RawQuery, known...)
	if err != nil {
		return hsdsQuery{}, err
	}
	out := hsdsQuery{minimal: q.flag("minimal"), full: q.flag("full"), taxonomy: q.text("taxonomy_id")}
	most, usual := int64(hsdsMax), int64(hsdsDefault)
	if out.minimal {
		most, usual = hsdsMinimal, hsdsMinimal
	}
	out.page, out.perPage = int(q.integer("page", 1, 1, 1<<31-1)), int(q.integer("per_page", usual, 1, most))
	if v := q.text("modified_after"); v != "" {
		if out.after, err = content.ParseMoment(v); err != nil {
			q.wrong("modified_after", "invalid_time", "value")
		}
	}
	return out, q.err()
}

// envelope makes a page of a list of so many things, of which read gives some.
func (q hsdsQuery) envelope(total int, read func(from, to int) ([]map[string]any, error)) (HSDSPage, error) {
	out := HSDSPage{TotalItems: total, TotalPages: (total + q.perPage - 1) / q.perPage, PageNumber: q.page, Contents: []map[string]any{}}
	if from := int64(q.page-1) * int64(q.perPage); from < int64(total) {
		list, err := read(int(from), min(total, int(from)+q.perPage))
		if err != nil {
			return out, err
		}
		out.Contents = append(out.Contents, list...)
	}
	out.Size, out.Empty = len(out.Contents), len(out.Contents) == 0
	out.FirstPage, out.LastPage = q.page == 1, q.page >= out.TotalPages
	return out, nil
}

// hsdsList answers a list of services or organisations.
func (s *Server) hsdsList(collection string, params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		rows := s.hsdsIndex.of(s.catalog, collection)
		if !q.after.IsZero() {
			rows = slices.DeleteFunc(slices.Clone(rows), func(r hsdsRow) bool { return r.modified.Before(q.after) })
		}
		if q.minimal {
			return s.hsdsMinimal(c, q, rows)
		}
		out, err := q.envelope(len(rows), func(from, to int) ([]map[string]any, error) { return s.hsdsRows(rows[from:to], q) })
		if err != nil {
			return err
		}
		return answerCached(c, out)
	}
}

func (s *Server) hsdsRows(rows []hsdsRow, q hsdsQuery) ([]map[string]any, error) {
	out := make([]map[string]any, 0, len(rows))
	for _, r := range rows {
		o, err := s.hsds.Object(r.id)
		if err != nil {
			return nil, err
		}
		if o == nil { // withdrawn in this moment
			continue
		}
		if !q.full {
			o = oneToOne(o)
		}
		out = append(out, o)
	}
	return out, nil
}

// hsdsMinimal answers a list with identifiers and dates alone.
func (s *Server) hsdsMinimal(c *gin.Context, q hsdsQuery, rows []hsdsRow) error {
	ids, err := s.hsdsIndex.identifiers.of(c.Request.Context(), rows, s.hsds.Identifier)
	if err != nil {
		return err
	}
	out, err := q.envelope(len(rows), func(from, to int) ([]map[string]any, error) {
		list := make([]map[string]any, 0, to-from)
		for i := from; i < to; i++ {
			if ids[i] != "" { // not withdrawn in this moment
				list = append(list, map[string]any{"id": ids[i], "last_modified": rows[i].modified.Format(time.RFC3339)})
			}
		}
		return list, nil
	})
	if err != nil {
		return err
	}
	return answerCached(c, out)
}

// oneToOne drops what an object has several of: lists carry the rest.
func oneToOne(o map[string]any) map[string]any {
	out := make(map[string]any, len(o))
	for k, v := range o {
		switch v := v.(type) {
		case []any:
		case map[string]any:
			out[k] = oneToOne(v)
		default:
			out[k] = v
		}
	}
	return out
}

// hsdsOne answers one service or organisation.
func (s *Server) hsdsOne(collection string) handler {
	return func(c *gin.Context) error {
		id, outcome := s.hsds.Find(collection, c.Param("id"))
		var o map[string]any
		var err error
		if outcome == catalog.NotFound { // its document has another id than an import would give it
			rows := s.hsdsIndex.of(s.catalog, collection)
			ids, err := s.hsdsIndex.identifiers.of(c.Request.Context(), rows, s.hsds.Identifier)
			if err != nil {
				return err
			}
			if i := slices.Index(ids, c.Param("id")); i >= 0 {
				id, outcome = rows[i].id, catalog.Found
			}
		}
		switch outcome {
		case catalog.Gone:
			return &content.Problem{Class: content.NotFound, Code: codeGone}
		case catalog.Moved:
			identifier, err := s.hsds.Identifier(id)
			if err != nil {
				return err
			}
			if identifier != "" {
				return s.moved(c, hsdsPath+collection+"/"+url.PathEscape(identifier))
			}
		case catalog.Found:
			if o, err = s.hsds.Object(id); err != nil {
				return err
			}
		}
		if o == nil {
			return &content.Problem{Class: content.NotFound, Code: "not_found"}
		}
		return answerCached(c, o)
	}
}

// hsdsSites answers the list of places where services are offered.
func (s *Server) hsdsSites(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		rows := s.hsdsIndex.of(s.catalog, "services")
		if !q.after.IsZero() {
			rows = slices.DeleteFunc(slices.Clone(rows), func(r hsdsRow) bool { return r.modified.Before(q.after) })
		}
		counts, err := s.hsdsIndex.sites.of(c.Request.Context(), rows, func(id string) (int, error) {
			o, err := s.hsds.Object(id)
			sites, _ := o["service_at_locations"].([]any)
			return len(sites), err
		})
		if err != nil {
			return err
		}
		total := 0
		for _, n := range counts {
			total += n
		}
		out, err := q.envelope(total, func(from, to int) ([]map[string]any, error) {
			var list []map[string]any
			at := 0
			for i, r := range rows {
				begin := at
				at += counts[i]
				if at <= from || counts[i] == 0 {
					continue
				}
				if begin >= to {
					break
				}
				sites, err := s.sitesOf(r.id, q)
				if err != nil {
					return nil, err
				}
				list = append(list, sites[min(len(sites), max(0, from-begin)):min(len(sites), to-begin)]...)
			}
			return list, nil
		})
		if err != nil {
			return err
		}
		return answerCached(c, out)
	}
}

// sitesOf gives the service_at_location objects of a service, each with the
// service that it belongs to.
func (s *Server) sitesOf(id string, q hsdsQuery) ([]map[string]any, error) {
	o, err := s.hsds.Object(id)
	if err != nil {
		return nil, err
	}
	sites, _ := o["service_at_locations"].([]any)
	delete(o, "service_at_locations")
	if !q.full {
		o = map[string]any{"id": o["id"], "name": o["name"], "status": o["status"]}
	}
	var out []map[string]any
	for _, site := range sites {
		m, ok := site.(map[string]any)
		if !ok {
			m = map[string]any{}
		}
		if q.minimal {
			m = map[string]any{"id": m["id"]}
		} else {
			if !q.full {
				m = oneToOne(m)
			}
			m["service_id"], m["service"] = o["id"], o
		}
		out = append(out, m)
	}
	return out, nil
}

// hsdsTaxonomies answers the list of taxonomies.
func (s *Server) hsdsTaxonomies(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		var all []map[string]any
		for _, t := range s.hsds.Lens.Taxonomies() {
			all = append(all, t.Object)
		}
		out, err := q.envelope(len(all), func(from, to int) ([]map[string]any, error) { return all[from:to], nil })
		if err != nil {
			return err
		}
		return answerCached(c, out)
	}
}

// hsdsTerms answers the list of terms, of all taxonomies or of one.
func (s *Server) hsdsTerms(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		all := s.terms(q.taxonomy)
		out, err := q.envelope(len(all), func(from, to int) ([]map[string]any, error) { return all[from:to], nil })
		if err != nil {
			return err
		}
		return answerCached(c, out)
	}
}

// terms are those of the taxonomy with that id, or of all when it is empty.
func (s *Server) terms(taxonomy string) []map[string]any {
	var out []map[string]any
	for _, t := range s.hsds.Lens.Taxonomies() {
		if taxonomy == "" || t.Object["id"] == taxonomy {
			out = append(out, t.Terms...)
		}
	}
	return out
}

// hsdsWord answers one taxonomy or one term.
func (s *Server) hsdsWord(of func() []map[string]any) handler {
	return func(c *gin.Context) error {
		all := of()
		i := slices.IndexFunc(all, func(o map[string]any) bool { return o["id"] == c.Param("id") })
		if i < 0 {
			return &content.Problem{Class: content.NotFound, Code: "not_found"}
		}
		return answerCached(c, all[i])
	}
}
