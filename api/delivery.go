package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// base is where the delivery API begins.
const base = "/api/v1"

// item answers GET /api/v1/{collection}/{slug}: a look-up in memory and stored
// bytes.
func (s *Server) item(collection string) handler {
	return func(c *gin.Context) error {
		locale, fields, err := s.itemQuery(c.Request.URL.RawQuery)
		if err != nil {
			return err
		}
		a := s.catalog.Get(collection, c.Param("slug"), locale)
		switch a.Outcome {
		case catalog.Found:
			if fields != nil {
				return serveSparse(c, a.Entry, fields)
			}
			return s.serveEntry(c, a.Entry)
		case catalog.Moved:
			h := c.Writer.Header()
			h["Location"], h["Cache-Control"] = []string{s.public + a.To}, publicShort
			c.Writer.WriteHeader(http.StatusMovedPermanently)
			return nil
		case catalog.Gone:
			return &content.Problem{Class: content.NotFound, Code: codeGone}
		}
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
}

// itemQuery reads the parameters of one item. The common ones, none and locale
// alone, are read without the general parser.
func (s *Server) itemQuery(raw string) (locale string, fields []string, err error) {
	if raw == "" {
		return "", nil, nil
	}
	locale, plain := strings.CutPrefix(raw, "locale=")
	if !plain || strings.ContainsAny(locale, "&=%+;") {
		q, err := parseQuery(raw, "locale", "fields")
		if err != nil {
			return "", nil, err
		}
		locale = q.text("locale")
		if names := q.text("fields"); names != "" {
			fields = strings.Split(names, ",")
		}
	}
	if locale == "" {
		return "", fields, nil
	}
	l, ok := s.schemas.Locale(locale)
	if !ok {
		return "", nil, invalid(codeInvalidQuery, "/locale", "unknown_locale", map[string]any{"locale": echo(locale)})
	}
	return l.Tag, fields, nil
}

// buffered is how many bytes of an answer net/http holds back; when the whole
// fits it sets Content-Length itself, more cheaply than a header of ours.
const buffered = 2048

// serveEntry answers with an item's stored bytes. It is the hottest path there
// is. Every header costs as much as a look-up (net/http copies and sorts them),
// so it sends few: up to eight need no larger map.
func (s *Server) serveEntry(c *gin.Context, e catalog.Entry) error {
	r, h := c.Request, c.Writer.Header()
	liked := parseAccept(r.Header["Accept-Encoding"])
	enc, ok := liked.choose(e.Stored)
	if !ok {
		return notAcceptable()
	}
	etag := e.ETag(enc)
	values := [3]string{etag, e.Locale()} // one allocation for the values of three headers
	h["Etag"], h["Cache-Control"], h["Vary"] = values[0:1:1], publicShort, varyEncoding
	if matches(r.Header["If-None-Match"], etag) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"], h["X-Content-Type-Options"] = typeJSON, nosniff
	h["Content-Language"] = values[1:2:2]
	expose(c)
	if enc != catalog.Identity {
		h["Content-Encoding"] = encodingName[enc]
	}
	head := r.Method == http.MethodHead
	if n := e.Len(enc); n > buffered || head {
		values[2] = strconv.Itoa(n)
		h["Content-Length"] = values[2:3:3]
	}
	if head {
		return nil
	}
	body := s.hot.get(etag)
	if body == nil {
		var err error
		if body, err = e.AppendTo(make([]byte, 0, e.Len(enc)), enc); err != nil {
			return err
		}
		s.hot.put(etag, body)
	}
	writeBody(c, body)
	return nil
}

// serveSparse answers with a part of an item.
func serveSparse(c *gin.Context, e catalog.Entry, fields []string) error {
	whole, err := e.AppendTo(nil, catalog.Identity)
	if err != nil {
		return err
	}
	part, err := catalog.Sparse(whole, fields)
	if err != nil {
		return err
	}
	c.Writer.Header()["Content-Language"] = []string{e.Locale()}
	return serveComputed(c, typeJSON, part, publicShort)
}

// listItems answers GET /api/v1/{collection}.
func (s *Server) listItems(collection string, params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := s.catalogQuery(collection, c.Request.URL.RawQuery, known)
		if err != nil {
			return err
		}
		page, err := s.catalog.List(q)
		if err != nil {
			return err
		}
		liked := parseAccept(c.Request.Header["Accept-Encoding"])
		enc, ok := liked.choose(anyEncoding)
		if !ok {
			return notAcceptable()
		}
		etag := page.ETag()
		if name := enc.Token(); name != "" {
			etag = etag[:len(etag)-1] + "-" + name + `"`
		}
		h := c.Writer.Header()
		h["Etag"], h["Cache-Control"], h["Vary"] = []string{etag}, cacheOf(&q), varyEncoding
		if matches(c.Request.Header["If-None-Match"], etag) {
			c.Writer.WriteHeader(http.StatusNotModified)
			return nil
		}
		body, err := s.pageBody(c, &page, etag, enc)
		if err != nil {
			return err
		}
		h["Content-Type"], h["X-Content-Type-Options"] = typeJSON, nosniff
		if q.Locale != "" && len(q.Fallback) == 0 {
			h["Content-Language"] = []string{q.Locale}
		}
		expose(c)
		if enc != catalog.Identity {
			h["Content-Encoding"] = encodingName[enc]
		}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		writeBody(c, body)
		return nil
	}
}

// publicMinute is publicShort for what changes with the clock: nobody is shown
// what was true more than a minute ago. The tag names what was found, so it
// changes when something opens or closes.
var publicMinute = []string{"public, max-age=10, stale-while-revalidate=50"}

// cacheOf says how long the answer to a query may be kept.
func cacheOf(q *catalog.Query) []string {
	if q.Timely() {
		return publicMinute
	}
	return publicShort
}

func anyEncoding(catalog.Encoding) bool { return true }

// pageBody puts a page together, or takes it from those asked for lately.
func (s *Server) pageBody(c *gin.Context, page *catalog.Page, etag string, enc catalog.Encoding) ([]byte, error) {
	u := c.Request.URL
	key := etag + u.Path + "?" + u.RawQuery // the links repeat the address
	if body := s.hot.get(key); body != nil {
		return body, nil
	}
	body, err := page.AppendItems(append(make([]byte, 0, 16<<10), `{"items":`...))
	if err != nil {
		return nil, err
	}
	body = append(body, `,"total":`...)
	body = strconv.AppendInt(body, int64(page.Total), 10)
	body = append(s.appendLinks(body, u.Path, u.RawQuery, page.Next, page.Prev), '}')
	if body, err = compress(body, enc); err != nil {
		return nil, err
	}
	s.hot.put(key, body)
	return body, nil
}

// appendLinks appends "_links" with the addresses of this page and of those
// beside it: the same query with another cursor.
func (s *Server) appendLinks(dst []byte, path, raw, next, prev string) []byte {
	rest := raw // without its cursor
	if at := cursorAt(raw); at >= 0 {
		end := len(raw)
		if i := strings.IndexByte(raw[at:], '&'); i >= 0 {
			end = at + i + 1
		}
		rest = strings.TrimSuffix(raw[:at]+raw[end:], "&")
	}
	link := func(name, query string) {
		dst = append(append(append(dst, '"'), name...), `":"`...)
		dst = append(append(dst, s.public...), path...)
		if query != "" {
			dst = append(dst, '?')
			dst = appendEscaped(dst, query)
		}
		dst = append(dst, '"')
	}
	with := func(cursor string) string {
		if rest == "" {
			return "cursor=" + cursor
		}
		return rest + "&cursor=" + cursor
	}
	dst = append(dst, `,"_links":{`...)
	link("self", raw)
	if next != "" {
		dst = append(dst, ',')
		link("next", with(next))
	}
	if prev != "" {
		dst = append(dst, ',')
		link("prev", with(prev))
	}
	return append(dst, '}')
}

// cursorAt finds where the parameter cursor begins in a raw query, or -1.
func cursorAt(raw string) int {
	if strings.HasPrefix(raw, "cursor=") {
		return 0
	}
	if i := strings.Index(raw, "&cursor="); i >= 0 {
		return i + 1
	}
	return -1
}

// appendEscaped appends a raw query as part of a JSON string. What may not stand
// in an address is percent-encoded (RFC 3986, section 3.4).
func appendEscaped(dst []byte, query string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(query) {
		switch c := query[i]; {
		case c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '#':
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// catalogQuery reads the parameters of a list.
func (s *Server) catalogQuery(collection, raw string, known []string) (catalog.Query, error) {
	if raw == "" {
		return catalog.Query{Collection: collection}, nil
	}
	q, err := parseQuery(raw, known...)
	if err != nil {
		return catalog.Query{}, err
	}
	return s.catalog.ParseQuery(collection, q.multi())
}

// collectionParams are the parameters of a collection's list, from what its type
// declares.
func (s *Server) collectionParams(t *schemas.Type) []param {
	params := []param{
		queryParam("locale", "Items in this language (BCP 47); without it, each item once, in Italian where it can be.", localeSchema()),
		queryParam("fallback", "Languages to take, in this order, for items that lack `locale`; comma-separated.", text(200)),
	}
	params = append(params, s.filterParams(t)...)
	return append(params,
		queryParam("sort", "The order.", withDefault(oneOf(s.catalog.Sorts(t.Collection)...), "-published_at")),
		queryParam("fields", "Keys to answer with, comma-separated: names of the head, or `fields.NAME`. Always there: id, type, slug, locale.", text(1000)),
		queryParam("limit", "Items a page.", withDefault(integer(1, catalog.MaxLimit), catalog.DefaultLimit)),
		queryParam("cursor", "Where to go on: taken from `_links`.", text(1000)),
		ifNoneMatch,
	)
}

// filterParams are the filters of a type.
func (s *Server) filterParams(t *schemas.Type) []param {
	params := []param{
		queryParam("territory", "Province acronyms or ISTAT codes, comma-separated. A territory finds what lies in it.", text(400)),
		queryParam("national", "Also what names no territory; without `territory`, that alone.", flag()),
		queryParam("topic", "Topics, comma-separated.", text(800)),
		queryParam("organization", "Slugs or ids of organizations, comma-separated.", text(2000)),
		queryParam("from", "From this day of Italy's calendar on, or from this moment (RFC 3339).", text(40)),
		queryParam("to", "Up to and including this day of Italy's calendar, or before this moment (RFC 3339).", text(40)),
		queryParam("q", "Words that are all in the title or summary; the last may be cut short.", text(catalog.MaxQ)),
	}
	if s.catalog.OnMap(t.Collection) {
		params = append(params,
			queryParam("near", "A place as `lat,lon` in degrees (WGS84), or a municipality of Italy by its name (`Prato`, `Castro (LE)`) or ISTAT code; for `radius` and the order `distance`.", text(200)),
			queryParam("radius", "Metres around `near`.", metres()),
			queryParam("bbox", "A box as `west,south,east,north` in degrees (WGS84); one whose west is east of its east crosses the antimeridian.", text(100)))
	}
	if s.catalog.HasHours(t.Collection) {
		params = append(params,
			queryParam("open_at", "Only what is open at this moment (RFC 3339), or `now`.", text(40)),
			queryParam("open_on", "Only what opens on this day (`2026-11-28`), or on the next day of the week from today on (`mo` to `su`).", text(40)))
	}
	if s.schemas.Freshness(t.Name) != nil {
		params = append(params, queryParam("assurance", "Only items that somebody checked lately, or only those that nobody did.", oneOf("current", "unverified")))
	}
	for _, f := range s.catalog.Filterable(t.Collection) {
		params = append(params, queryParam(f.Name, f.Label.In("en")+"; comma-separated.", text(800)))
	}
	if states := s.catalog.PublicStates(t.Collection); len(states) > 1 {
		params = append(params, queryParam("public_state", "Only items in these public states, comma-separated: "+strings.Join(states, ", ")+".", text(200)))
	}
	return params
}
