package api

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	tongue "golang.org/x/text/language"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/site/release"
)

// indexFile is what a folder of the site answers with.
const indexFile = "index.html"

// How long what the site holds may be kept without asking. A page may be taken back,
// so it is asked for each time, which costs an answer 304; a file whose name holds a
// hash of it is never another.
var (
	pageCache   = []string{"public, max-age=0, must-revalidate"}
	foreverFile = []string{"public, max-age=31536000, immutable"}
	varyChooser = []string{"Accept-Language"}
	varyMissing = []string{"Accept-Encoding, Accept-Language"}
	typesBytes  = []string{"bytes"}
)

// siteEncodings are those in which a build keeps files, by those of the catalogue.
var siteEncodings = [...]struct {
	as     release.Encoding
	suffix string
}{catalog.Identity: {release.Identity, ""}, catalog.Gzip: {release.Gzip, "-gz"}, catalog.Brotli: {release.Brotli, "-br"}}

// siteServer answers with the files of the build that is on the air.
type siteServer struct {
	bodies sync.Map // siteKey → *siteBody
	size   atomic.Int64
	budget int64
	types  sync.Map // media type → header value
	// languages are those in which the present build has a front page.
	languages atomic.Pointer[siteLanguages]
	// apart are the first parts of addresses that are not the site's.
	apart map[string]bool
}

type siteKey struct {
	hash release.Hash
	enc  catalog.Encoding
}

// siteBody is what an answer says of a file, and its bytes when they are small and
// wanted often. It is never changed.
type siteBody struct {
	etag, length []string
	data         []byte
	ok           bool // the file is there in the encoding
}

type siteLanguages struct {
	build   string
	tags    []string
	matcher tongue.Matcher
}

func newSiteServer(budget int64, ops []*operation) *siteServer {
	x := &siteServer{budget: budget, apart: map[string]bool{}}
	for _, op := range ops {
		first, _, _ := strings.Cut(strings.TrimPrefix(op.Route, "/"), "/")
		if !strings.Contains(first, "{") {
			x.apart[first] = true
		}
	}
	delete(x.apart, "")
	return x
}

// noPage answers what no route answers: with a file of the site, or with a page that
// says in the reader's language that there is none. Addresses of the API are told so
// as a problem.
func (s *Server) noPage(unmatched gin.HandlerFunc) gin.HandlerFunc {
	if s.site == nil {
		return unmatched
	}
	page := s.serve(&operation{Method: http.MethodGet, Route: "site", Access: public, Class: classSite, Handle: s.serveSite})
	return func(c *gin.Context) {
		r := c.Request
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if r.Method != http.MethodGet && r.Method != http.MethodHead || s.siteFiles.apart[first] && !s.hasFile(r.URL.Path) {
			unmatched(c)
			return
		}
		c.Writer.WriteHeader(http.StatusOK) // Gin begins with 404 here
		page(c)
	}
}

// hasFile says whether the build has a file at an address.
func (s *Server) hasFile(path string) bool {
	b := s.site.Current()
	if b == nil {
		return false
	}
	_, ok := b.File(filePath(path))
	return ok
}

// filePath is the file behind an address.
func filePath(path string) string {
	path = strings.TrimPrefix(path, "/")
	if path == "" || strings.HasSuffix(path, "/") {
		path += indexFile
	}
	return path
}

// serveSite answers with a file of the build on the air. Files are looked up by
// their whole name among those that there are, so no address leads anywhere else.
func (s *Server) serveSite(c *gin.Context) error {
	b := s.site.Current()
	if b == nil {
		return &content.Problem{Class: content.Unavailable, Code: codeSiteNotReady}
	}
	path := c.Request.URL.Path
	name := filePath(path)
	if c.Request.URL.RawQuery != "" {
		if locale, ok := strings.CutSuffix(name, "/search/"+indexFile); ok && s.speaks(b, locale) {
			return s.searchPage(c, locale)
		}
	}
	f, ok := b.File(name)
	if !ok {
		return s.missing(c, b, path)
	}
	if folder, whole := strings.CutSuffix(path, "/"+indexFile); whole && f.Status < http.StatusMultipleChoices {
		return s.siteMoved(c, folder+"/", http.StatusMovedPermanently)
	}
	return s.serveFile(c, b, f)
}

// serveFile answers with a file. It is as hot as serveEntry and as careful.
func (s *Server) serveFile(c *gin.Context, b *release.Build, f *release.File) error {
	r, h := c.Request, c.Writer.Header()
	status := f.Status
	switch {
	case status == 0:
		status = http.StatusOK
	case status == http.StatusMovedPermanently && f.Location != "":
		return s.siteMoved(c, f.Location, status)
	}
	// Parts are of what is there, not of what is sent, and only GET has them (RFC 9110, section 14.2).
	head := r.Method == http.MethodHead
	plain := len(r.Header["Range"]) > 0 && status == http.StatusOK && !head
	enc, body, err := s.fileIn(b, f, r.Header["Accept-Encoding"], plain)
	if err != nil {
		return err
	}
	h["Etag"], h["Cache-Control"] = body.etag, pageCache
	if f.Immutable {
		h["Cache-Control"] = foreverFile
	}
	if len(h["Vary"]) == 0 {
		h["Vary"] = varyEncoding
	}
	if status == http.StatusOK && matches(r.Header["If-None-Match"], body.etag[0]) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = s.siteFiles.mediaType(f.Type)
	if enc != catalog.Identity {
		h["Content-Encoding"] = encodingName[enc]
	}
	if plain {
		if err := oneRange(r, h, f.Size); err != nil {
			return err
		}
	} else if size, _ := b.Encoded(f.Hash, siteEncodings[enc].as); size > buffered || head || status != http.StatusOK {
		h["Content-Length"] = body.length
	}
	if head {
		c.Writer.WriteHeader(status)
		c.Writer.WriteHeaderNow()
		return nil
	}
	data := body.data
	if data == nil {
		if data, err = s.siteBytes(b, f, enc); err != nil {
			return err
		}
	}
	if plain && len(r.Header["Range"]) > 0 {
		h["Accept-Ranges"] = typesBytes
		// No time of change is told: a second is too coarse to tell two builds apart.
		http.ServeContent(c.Writer, r, "", time.Time{}, bytes.NewReader(data))
		return nil
	}
	c.Writer.WriteHeader(status)
	writeBody(c, data)
	return nil
}

// fileIn chooses the encoding of a file that the reader likes best.
func (s *Server) fileIn(b *release.Build, f *release.File, accept []string, plain bool) (catalog.Encoding, *siteBody, error) {
	var liked accepts
	if !plain {
		liked = parseAccept(accept)
	}
	best, body := catalog.Identity, s.siteFiles.about(b, f.Hash, catalog.Identity, s)
	for _, enc := range [...]catalog.Encoding{catalog.Gzip, catalog.Brotli} {
		if q := liked[enc]; q == 0 || q < liked[best] {
			continue
		}
		if x := s.siteFiles.about(b, f.Hash, enc, s); x.ok {
			best, body = enc, x
		}
	}
	if !plain && liked[best] == 0 {
		return best, body, notAcceptable()
	}
	return best, body, nil
}

// about gives what is known of a file in an encoding.
func (x *siteServer) about(b *release.Build, hash release.Hash, enc catalog.Encoding, s *Server) *siteBody {
	key := siteKey{hash, enc}
	if v, ok := x.bodies.Load(key); ok {
		return v.(*siteBody)
	}
	size, ok := b.Encoded(hash, siteEncodings[enc].as)
	body := &siteBody{ok: ok}
	if !ok { // it may be compressed in a moment
		return body
	}
	body.etag = []string{`"` + base64.RawURLEncoding.EncodeToString(hash[:16]) + siteEncodings[enc].suffix + `"`}
	body.length = []string{strconv.FormatInt(size, 10)}
	cost := int64(overhead + 128)
	if size <= x.budget/64 {
		if data, err := b.Read(make([]byte, 0, size), hash, siteEncodings[enc].as); err == nil {
			body.data = data
			cost += size
		}
	}
	if x.size.Add(cost) > x.budget { // it starts anew, as hot does
		x.bodies.Clear()
		x.size.Store(cost)
	}
	x.bodies.Store(key, body)
	return body
}

// siteBytes reads a file that is not kept in memory.
func (s *Server) siteBytes(b *release.Build, f *release.File, enc catalog.Encoding) ([]byte, error) {
	as := siteEncodings[enc].as
	size, _ := b.Encoded(f.Hash, as)
	return b.Read(make([]byte, 0, size), f.Hash, as)
}

// mediaType is a type as the value of a header.
func (x *siteServer) mediaType(t string) []string {
	if v, ok := x.types.Load(t); ok {
		return v.([]string)
	}
	v := []string{t}
	x.types.Store(t, v)
	return v
}

// missing answers where there is no file: the folder of that name, or the page that
// says so.
func (s *Server) missing(c *gin.Context, b *release.Build, path string) error {
	if !strings.HasSuffix(path, "/") {
		if _, ok := b.File(strings.TrimPrefix(path, "/") + "/" + indexFile); ok {
			return s.siteMoved(c, path+"/", http.StatusMovedPermanently)
		}
	}
	locale, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	h := c.Writer.Header()
	h["Vary"] = varyMissing
	if !s.speaks(b, locale) {
		locale = s.choose(b, c.Request.Header.Get("Accept-Language"))
	}
	for _, locale := range [...]string{locale, "it", "en"} { // a language of content alone has no such page
		f, ok := b.File(locale + "/404/" + indexFile)
		if !ok {
			continue
		}
		page := *f
		page.Status = http.StatusNotFound
		h["Content-Language"] = []string{locale}
		return s.serveFile(c, b, &page)
	}
	return noRoute(c)
}

// siteMoved sends a reader on within the site, the query kept.
func (s *Server) siteMoved(c *gin.Context, to string, status int) error {
	if strings.HasPrefix(to, "/") {
		to = (&url.URL{Path: to}).EscapedPath()
	}
	if q := c.Request.URL.RawQuery; q != "" && !strings.Contains(to, "?") {
		to += "?" + q
	}
	h := c.Writer.Header()
	h["Location"], h["Cache-Control"] = []string{to}, pageCache
	c.Writer.WriteHeader(status)
	return nil
}

// siteRoot sends whoever comes to the front page of a language: the one that the
// browser likes best among those that there are.
func (s *Server) siteRoot(c *gin.Context) error {
	var b *release.Build
	if s.site != nil {
		b = s.site.Current()
	}
	if b == nil {
		return root(c)
	}
	h := c.Writer.Header()
	h["Vary"], h["Cache-Control"] = varyChooser, pageCache
	h["Location"] = []string{"/" + s.choose(b, c.Request.Header.Get("Accept-Language")) + "/"}
	c.Writer.WriteHeader(http.StatusFound)
	return nil
}

// languagesOf are those in which a build has a front page, the interface's first.
func (s *Server) languagesOf(b *release.Build) *siteLanguages {
	known := s.siteFiles.languages.Load()
	if known != nil && known.build == b.ID() {
		return known
	}
	out := &siteLanguages{build: b.ID()}
	add := func(tag string) {
		if _, ok := b.File(tag + "/" + indexFile); ok && !slices.Contains(out.tags, tag) {
			out.tags = append(out.tags, tag)
		}
	}
	for _, lang := range messages.Languages {
		add(contentTag(lang))
	}
	for _, l := range s.schemas.Locales() {
		add(l.Tag)
	}
	var tags []tongue.Tag
	for _, t := range out.tags {
		tags = append(tags, tongue.Make(t))
	}
	out.matcher = tongue.NewMatcher(tags)
	s.siteFiles.languages.Store(out)
	return out
}

// contentTag is the tag of content in a language of messages.
func contentTag(lang string) string {
	if lang == "zh" {
		return "zh-Hans"
	}
	return lang
}

// speaks says whether a build has a front page in a language.
func (s *Server) speaks(b *release.Build, tag string) bool {
	return slices.Contains(s.languagesOf(b).tags, tag)
}

// choose gives the language of a build that a reader likes best; Italian, or the
// first that there is, when none of them is liked.
func (s *Server) choose(b *release.Build, accept string) string {
	known := s.languagesOf(b)
	if len(known.tags) == 0 {
		return "it"
	}
	const longest = 400
	if len(accept) > longest {
		accept = accept[:max(0, strings.LastIndexByte(accept[:longest], ','))]
	}
	wanted, _, err := tongue.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return known.tags[0]
	}
	_, at, sure := known.matcher.Match(wanted...)
	if sure == tongue.No {
		at = 0
	}
	return known.tags[at]
}
