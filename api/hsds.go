package api

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/opendata"
	"github.com/prassi-cms/prassi/search"
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
	// hsdsNested is how many services organisations have in full in one answer.
	hsdsNested = 500
)

var typeLines = []string{"application/x-ndjson"}

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
	Name       string `json:"name,omitempty"`
	Identifier string `json:"identifier,omitempty"`
	Email      string `json:"email,omitempty" format:"email"`
	Website    string `json:"website,omitempty" format:"uri"`
}

// HSDSPage is a page of a list in its envelope.
type HSDSPage struct {
	hsds.Page
	Contents []map[string]any `json:"contents"`
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
	p := s.publisher
	if who := (HSDSPublisher{Name: p.Name, Identifier: p.Identifier, Email: p.Email, Website: p.URL}); who != (HSDSPublisher{}) {
		out.Publisher = &who
	}
	return answerCached(c, out)
}

// hsdsRow is what lists know of a public document without reading it.
type hsdsRow struct {
	id       string
	version  string    // of the variant that stands for it: a digest is good for one
	modified time.Time // when the public last saw a difference, in any language
}

// hsdsIndex lists the documents of both collections, by id, as of one moment, and
// keeps the digest of each until the document changes.
type hsdsIndex struct {
	mu      sync.Mutex
	made    bool
	gen     uint64
	rows    map[string][]hsdsRow
	digests map[string]hsdsDigest // by document
}

type hsdsDigest struct {
	opendata.Digest
	version string
}

// of gives the rows of a collection. They must not be changed.
func (x *hsdsIndex) of(c *catalog.Catalog, collection string) []hsdsRow {
	x.mu.Lock()
	defer x.mu.Unlock()
	gen := c.Generation() // before: what comes in between is seen the next time
	if x.made && gen == x.gen {
		return x.rows[collection]
	}
	x.made, x.gen, x.rows = true, gen, map[string][]hsdsRow{}
	known := make(map[string]hsdsDigest, len(x.digests))
	var entries []catalog.Entry // of one document
	add := func() {
		row := hsdsRow{id: entries[0].ID(), version: opendata.Primary(entries).ETag(catalog.Identity)}
		for _, e := range entries {
			if t := e.LastModified(); t.After(row.modified) {
				row.modified = t
			}
		}
		x.rows[entries[0].Collection()] = append(x.rows[entries[0].Collection()], row)
		if d, ok := x.digests[row.id]; ok && d.version == row.version {
			known[row.id] = d
		}
		entries = entries[:0]
	}
	for e := range c.All() {
		if e.Collection() != "services" && e.Collection() != "organizations" {
			continue
		}
		if len(entries) > 0 && entries[0].ID() != e.ID() {
			add()
		}
		entries = append(entries, e)
	}
	if len(entries) > 0 {
		add()
	}
	x.digests = known
	return x.rows[collection]
}

// digest gives the digests of rows; read is asked for those that are not known.
// Nobody waits for it but who asked.
func (x *hsdsIndex) digest(ctx context.Context, rows []hsdsRow, read func(id string) (opendata.Digest, error)) ([]opendata.Digest, error) {
	out := make([]opendata.Digest, 0, len(rows))
	for part := range slices.Chunk(rows, 500) {
		var missing []int
		x.mu.Lock()
		for _, r := range part {
			d, ok := x.digests[r.id]
			if !ok || d.version != r.version {
				missing = append(missing, len(out))
			}
			out = append(out, d.Digest)
		}
		x.mu.Unlock()
		for _, i := range missing {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			d, err := read(rows[i].id)
			if err != nil {
				return nil, err
			}
			out[i] = d
		}
		x.mu.Lock()
		for _, i := range missing {
			x.digests[rows[i].id] = hsdsDigest{out[i], rows[i].version}
		}
		x.mu.Unlock()
	}
	return out, nil
}

// keepDirectory reads digests as soon as something is published, so that requests
// find them, until the context ends.
func (s *Server) keepDirectory(ctx context.Context) {
	const pause = 250 * time.Millisecond
	for seen := uint64(0); ; {
		if gen := s.catalog.Generation(); gen != seen {
			seen = gen
			for _, collection := range []string{"services", "organizations"} {
				if _, err := s.hsdsDigests(ctx, s.hsdsIndex.of(s.catalog, collection)); err != nil && ctx.Err() == nil {
					s.log.WarnContext(ctx, "hsds: what is published cannot be read", "error", err)
				}
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) hsdsDigests(ctx context.Context, rows []hsdsRow) ([]opendata.Digest, error) {
	return s.hsdsIndex.digest(ctx, rows, s.hsds.Digest)
}

// hsdsQuery is what the parameters of a list ask for.
type hsdsQuery struct {
	page, perPage                int
	minimal, full, fullService   bool
	lines                        bool // one object a line, all of them
	after                        time.Time
	search                       string
	organization, term, taxonomy string
	parent                       string
}

func (s *Server) hsdsQuery(c *gin.Context, known []string) (hsdsQuery, error) {
	q, err := parseQuery(c.Request.URL.RawQuery, known...)
	if err != nil {
		return hsdsQuery{}, err
	}
	out := hsdsQuery{
		minimal: q.flag("minimal"), full: q.flag("full"), fullService: q.flag("full_service"), lines: q.oneOf("format", "json", "ndjson") == "ndjson",
		search: q.text("search"), organization: q.text("organization_id"), term: q.text("taxonomy_term_id"), taxonomy: q.text("taxonomy_id"), parent: q.text("parent_id"),
	}
	q.flag("top_only") // no term of ours has another one above it
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
	for _, paging := range []string{"page", "per_page"} {
		if out.lines && q.text(paging) != "" {
			q.refuse(paging, codeInvalidParameter)
		}
	}
	return out, q.err()
}

// hsdsFound is a row of a list, and what is known of it where a filter asked.
type hsdsFound struct {
	hsdsRow
	opendata.Digest
}

// hsdsSelect finds what passes the filters, by id.
func (s *Server) hsdsSelect(c *gin.Context, collection string, q hsdsQuery, digests bool) ([]hsdsFound, error) {
	rows := s.hsdsIndex.of(s.catalog, collection)
	passes := func(hsdsRow) bool { return true }
	if q.search != "" {
		selection, err := s.catalog.Select(catalog.Query{Collection: collection, Q: q.search})
		if err != nil {
			return nil, renamed(err, "/q", "/search")
		}
		ids := make(map[string]bool, selection.Len())
		for e := range selection.Entries() {
			ids[e.ID()] = true
		}
		passes = func(r hsdsRow) bool { return ids[r.id] }
	}
	if q.search != "" || !q.after.IsZero() {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r hsdsRow) bool { return r.modified.Before(q.after) || !passes(r) })
	}
	out := make([]hsdsFound, len(rows))
	for i, r := range rows {
		out[i].hsdsRow = r
	}
	if !digests && q.organization == "" && q.term == "" && q.taxonomy == "" {
		return out, nil
	}
	known, err := s.hsdsDigests(c.Request.Context(), rows)
	if err != nil {
		return nil, err
	}
	provider := ""
	if q.organization != "" {
		if provider, _, err = s.hsdsFind(c, "organizations", q.organization); err != nil || provider == "" {
			return nil, err
		}
	}
	for i := range out {
		out[i].Digest = known[i]
	}
	return slices.DeleteFunc(out, func(f hsdsFound) bool {
		return provider != "" && f.Provider != provider || q.term != "" && !slices.Contains(f.Terms, q.term) ||
			q.taxonomy != "" && !slices.Contains(f.Taxonomies, q.taxonomy)
	}), nil
}

// renamed says of what is wrong by what name the caller knows it.
func renamed(err error, from, to string) error {
	p := content.AsProblem(err)
	if p == nil {
		return err
	}
	out := *p
	out.Code, out.Fields = codeInvalidQuery, slices.Clone(p.Fields)
	for i := range out.Fields {
		if out.Fields[i].Path == from {
			out.Fields[i].Path = to
		}
	}
	return &out
}

// hsdsFind finds the document with an identifier of HSDS; of what was merged away,
// the one that stands for it.
func (s *Server) hsdsFind(c *gin.Context, collection, identifier string) (id string, outcome catalog.Outcome, err error) {
	if id, outcome = s.hsds.Find(collection, identifier); outcome != catalog.NotFound {
		return id, outcome, nil
	}
	// Its document has another id than an import would give it.
	rows := s.hsdsIndex.of(s.catalog, collection)
	digests, err := s.hsdsDigests(c.Request.Context(), rows)
	if err != nil {
		return "", outcome, err
	}
	if i := slices.IndexFunc(digests, func(d opendata.Digest) bool { return d.Identifier == identifier }); i >= 0 && identifier != "" {
		return rows[i].id, catalog.Found, nil
	}
	return "", outcome, nil
}

// answerHSDS answers a list of so many things, of which read gives some: a page in
// its envelope, or all of them, a line each.
func (s *Server) answerHSDS(c *gin.Context, q hsdsQuery, total int, read func(from, to int) ([]map[string]any, error)) error {
	if q.lines {
		return s.hsdsLines(c, total, read)
	}
	out := HSDSPage{Contents: []map[string]any{}}
	if from := int64(q.page-1) * int64(q.perPage); from < int64(total) {
		list, err := read(int(from), min(total, int(from)+q.perPage))
		if err != nil {
			return err
		}
		out.Contents = append(out.Contents, list...)
	}
	out.Page = hsds.Envelope(total, (total+q.perPage-1)/q.perPage, q.page, len(out.Contents))
	return answerCached(c, out)
}

// hsdsLines writes everything, one object a line, and holds little of it in memory.
func (s *Server) hsdsLines(c *gin.Context, total int, read func(from, to int) ([]map[string]any, error)) error {
	release, err := s.streams.take(&call{Context: c})
	if err != nil {
		return err
	}
	defer release()
	enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).choose(func(e catalog.Encoding) bool { return e == catalog.Gzip || e == catalog.Identity })
	if !ok {
		return notAcceptable()
	}
	h := c.Writer.Header()
	h["Content-Type"], h["X-Content-Type-Options"], h["Cache-Control"], h["Vary"] = typeLines, nosniff, publicShort, varyEncoding
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return nil
	}
	var out io.Writer = c.Writer
	if enc == catalog.Gzip {
		h["Content-Encoding"] = encodingName[enc]
		zip := gzip.NewWriter(c.Writer)
		defer zip.Close()
		out = zip
	}
	for from := 0; from < total; from += hsdsMax {
		err := c.Request.Context().Err()
		var list []map[string]any
		if err == nil {
			list, err = read(from, min(total, from+hsdsMax))
		}
		var lines []byte
		for _, o := range list {
			var line []byte
			if line, err = encode(o); err != nil {
				break
			}
			lines = append(append(lines, line...), '\n')
		}
		if err == nil {
			_, err = out.Write(lines)
		}
		if err != nil {
			if from == 0 && !c.Writer.Written() {
				delete(h, "Content-Encoding")
				return err
			}
			panic(http.ErrAbortHandler) // no one takes half of it for the whole
		}
	}
	return nil
}

// hsdsList answers a list of services or organisations.
func (s *Server) hsdsList(collection string, params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		rows, err := s.hsdsSelect(c, collection, q, q.minimal)
		if err != nil {
			return err
		}
		return s.answerHSDS(c, q, len(rows), func(from, to int) ([]map[string]any, error) { return s.hsdsRows(c, collection, rows[from:to], q) })
	}
}

func (s *Server) hsdsRows(c *gin.Context, collection string, rows []hsdsFound, q hsdsQuery) ([]map[string]any, error) {
	out := make([]map[string]any, 0, len(rows))
	if q.minimal {
		for _, r := range rows {
			if r.Identifier != "" { // not withdrawn in this moment
				out = append(out, map[string]any{"id": r.Identifier, "last_modified": r.modified.Format(time.RFC3339)})
			}
		}
		return out, nil
	}
	var ids []string
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
		ids, out = append(ids, r.id), append(out, o)
	}
	if collection == "organizations" && (q.full || q.fullService) {
		return out, s.addServices(c, ids, out, q.fullService)
	}
	return out, nil
}

// addServices puts into organisations the services that they offer: in full those
// that there is room for, of the others the identifier and the name. What an import
// kept there is replaced: it is not what is public now.
func (s *Server) addServices(c *gin.Context, ids []string, organizations []map[string]any, full bool) error {
	at := make(map[string]map[string]any, len(ids))
	for i, id := range ids {
		at[id] = organizations[i]
		delete(organizations[i], "services")
	}
	rows := s.hsdsIndex.of(s.catalog, "services")
	digests, err := s.hsdsDigests(c.Request.Context(), rows)
	if err != nil {
		return err
	}
	room := hsdsNested
	for i, d := range digests {
		o := at[d.Provider]
		entries := s.catalog.Variants(rows[i].id)
		if o == nil || d.Identifier == "" || len(entries) == 0 {
			continue
		}
		service := map[string]any{"id": d.Identifier, "name": opendata.Primary(entries).Title()}
		if full && room > 0 {
			room--
			if service, err = s.hsds.Object(rows[i].id); err != nil {
				return err
			}
			delete(service, "organization") // which it stands in
		}
		list, _ := o["services"].([]any)
		o["services"] = append(list, service)
	}
	return nil
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
func (s *Server) hsdsOne(collection string, params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		id, outcome, err := s.hsdsFind(c, collection, strings.TrimPrefix(c.Param("id"), "/"))
		if err != nil {
			return err
		}
		if outcome == catalog.Gone {
			return &content.Problem{Class: content.NotFound, Code: codeGone}
		}
		var o map[string]any
		if id != "" {
			if o, err = s.hsds.Object(id); err != nil {
				return err
			}
		}
		switch {
		case o == nil:
			return &content.Problem{Class: content.NotFound, Code: "not_found"}
		case outcome == catalog.Moved:
			return s.moved(c, hsdsPath+collection+"/"+url.PathEscape(hsds.IDOf(o)))
		case collection == "organizations":
			if err := s.addServices(c, []string{id}, []map[string]any{o}, q.fullService); err != nil {
				return err
			}
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
		rows, err := s.hsdsSelect(c, "services", q, true)
		if err != nil {
			return err
		}
		ends, total := make([]int, len(rows)), 0 // after each row, of all sites
		for i, r := range rows {
			total += len(r.Sites)
			ends[i] = total
		}
		return s.answerHSDS(c, q, total, func(from, to int) ([]map[string]any, error) {
			var list []map[string]any
			first, _ := slices.BinarySearch(ends, from+1)
			for i := first; i < len(rows) && ends[i]-len(rows[i].Sites) < to; i++ {
				if len(rows[i].Sites) == 0 {
					continue
				}
				sites, err := s.sitesOf(rows[i].id, q)
				if err != nil {
					return nil, err
				}
				begin := ends[i] - len(rows[i].Sites)
				list = append(list, sites[min(len(sites), max(0, from-begin)):min(len(sites), to-begin)]...)
			}
			return list, nil
		})
	}
}

// hsdsSite answers one of them.
func (s *Server) hsdsSite(c *gin.Context) error {
	q, err := s.hsdsQuery(c, nil)
	if err != nil {
		return err
	}
	q.full = true
	id := strings.TrimPrefix(c.Param("id"), "/")
	rows, err := s.hsdsSelect(c, "services", q, true)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(rows, func(f hsdsFound) bool { return slices.Contains(f.Sites, id) }); i >= 0 && id != "" {
		sites, err := s.sitesOf(rows[i].id, q)
		if err != nil {
			return err
		}
		for _, site := range sites {
			if hsds.IDOf(site) == id {
				return answerCached(c, site)
			}
		}
	}
	return &content.Problem{Class: content.NotFound, Code: "not_found"}
}

// sitesOf gives the service_at_location objects of a service, each with the
// service that it belongs to.
func (s *Server) sitesOf(id string, q hsdsQuery) ([]map[string]any, error) {
	o, err := s.hsds.Object(id)
	if err != nil {
		return nil, err
	}
	sites := opendata.Objects(o["service_at_locations"])
	delete(o, "service_at_locations")
	if !q.full {
		o = map[string]any{"id": o["id"], "name": o["name"], "status": o["status"]}
	}
	for i, m := range sites {
		if q.minimal {
			sites[i] = map[string]any{"id": m["id"]}
			continue
		}
		if !q.full {
			m = oneToOne(m)
		}
		m["service_id"], m["service"] = o["id"], o
		sites[i] = m
	}
	return sites, nil
}

// hsdsWords answers a list of taxonomies or terms.
func (s *Server) hsdsWords(params []param, of func(hsdsQuery) []map[string]any) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.hsdsQuery(c, known)
		if err != nil {
			return err
		}
		all := slices.DeleteFunc(slices.Clone(of(q)), func(o map[string]any) bool {
			return !strings.Contains(search.Fold(fmt.Sprint(o["name"], " ", o["description"], " ", o["code"])), search.Fold(q.search))
		})
		return s.answerHSDS(c, q, len(all), func(from, to int) ([]map[string]any, error) { return all[from:to], nil })
	}
}

func (s *Server) taxonomies(hsdsQuery) []map[string]any {
	var out []map[string]any
	for _, t := range s.hsds.Lens.Taxonomies() {
		out = append(out, t.Object)
	}
	return out
}

// terms are those of one taxonomy, or of all. None has another one above it.
func (s *Server) terms(q hsdsQuery) []map[string]any {
	var out []map[string]any
	for _, t := range s.hsds.Lens.Taxonomies() {
		if q.parent == "" && (q.taxonomy == "" || t.Object["id"] == q.taxonomy) {
			out = append(out, t.Terms...)
		}
	}
	return out
}

// hsdsWord answers one taxonomy or one term.
func (s *Server) hsdsWord(of func(hsdsQuery) []map[string]any) handler {
	return func(c *gin.Context) error {
		all := of(hsdsQuery{})
		i := slices.IndexFunc(all, func(o map[string]any) bool { return o["id"] == c.Param("id") })
		if i < 0 {
			return &content.Problem{Class: content.NotFound, Code: "not_found"}
		}
		return answerCached(c, all[i])
	}
}
