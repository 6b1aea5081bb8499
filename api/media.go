package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/media"
)

// Codes of problems with files, beside media.Codes.
const (
	codeMediaInUse = "media_in_use"          // none
	codeMediaForm  = "media_form"            // none
	codeRange      = "range_not_satisfiable" // none
)

var mediaCodes = []string{codeMediaInUse, codeMediaForm, codeRange}

// MediaItem is a picture or document with its forms.
type MediaItem struct {
	ID        string      `json:"id"`
	Owner     string      `json:"owner,omitempty" doc:"Scope of the organization it belongs to."`
	Name      string      `json:"name" doc:"The file's name, made safe."`
	Type      string      `json:"type" doc:"Media type of the first form."`
	Alt       string      `json:"alt,omitempty" doc:"What it shows, for those who cannot see it."`
	Width     int         `json:"width,omitempty" minimum:"1" doc:"Of the largest form, in pixels."`
	Height    int         `json:"height,omitempty" minimum:"1" doc:"Of the largest form, in pixels."`
	CreatedAt time.Time   `json:"created_at"`
	Public    bool        `json:"public" doc:"Something published uses it."`
	MayChange bool        `json:"may_change" doc:"The caller may change and remove it."`
	Files     []MediaForm `json:"files" doc:"The largest first."`
	Use       []MediaUse  `json:"use,omitempty" doc:"Documents that use it and that the caller may see; of one item only."`
	Links     SelfLink    `json:"_links"`
}

// MediaForm is one of the files of a MediaItem.
type MediaForm struct {
	URL    string `json:"url" format:"uri-reference"`
	Type   string `json:"type"`
	Bytes  int64  `json:"bytes" minimum:"0"`
	Width  int    `json:"width,omitempty" minimum:"1" doc:"In pixels."`
	Height int    `json:"height,omitempty" minimum:"1" doc:"In pixels."`
}

// MediaUse is a document that uses a file.
type MediaUse struct {
	ID    string `json:"id" format:"uuid"`
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url" format:"uri-reference"`
}

// MediaChange changes what is said of a file.
type MediaChange struct {
	Alt string `json:"alt" maxLength:"1000"`
}

// SelfLink is where a thing is.
type SelfLink struct {
	Self string `json:"self" format:"uri-reference"`
}

// MediaInfo tells the catalogue of the files that live content uses: it is the
// function for catalog.Options.Media.
func MediaInfo(l *media.Library) func(context.Context, string) (catalog.Media, error) {
	return func(ctx context.Context, id string) (catalog.Media, error) {
		item, err := l.Get(ctx, id)
		if err != nil {
			return catalog.Media{}, err
		}
		m := catalog.Media{ID: item.ID, Name: item.Name, Type: item.Type, At: item.CreatedAt}
		for _, f := range item.Files {
			m.Files = append(m.Files, catalog.MediaFile(f))
		}
		return m, nil
	}
}

// mediaItem is what OpenItem needs of an item, from what the catalogue knows.
func mediaItem(m *catalog.Media) media.Item {
	item := media.Item{ID: m.ID, Name: m.Name, Type: m.Type, CreatedAt: m.At, Files: make([]media.FileInfo, len(m.Files))}
	for i, f := range m.Files {
		item.Files[i] = media.FileInfo(f)
	}
	return item
}

func (s *Server) mediaView(c *call, item media.Item) MediaItem {
	out := MediaItem{
		ID: item.ID, Owner: item.Owner, Name: item.Name, Type: item.Type, Alt: item.Alt, Width: item.Width, Height: item.Height,
		CreatedAt: item.CreatedAt, Public: s.catalog.Media(item.ID) != nil, Files: []MediaForm{},
		MayChange: s.service.May(c.actor, access.MediaChange, item.Object(c.actor)) != nil,
		Links:     SelfLink{s.public + manage + "/media/" + item.ID},
	}
	for _, f := range item.Files {
		out.Files = append(out.Files, MediaForm{URL: "/media/" + item.ID + "/" + f.Name, Type: f.Type, Bytes: f.Bytes, Width: f.Width, Height: f.Height})
	}
	return out
}

// listMedia lists what the action media.see permits: what somebody sees only
// because a document shows it is found at the document.
func (s *Server) listMedia(params []param) func(*call) error {
	return listPage(s, params, func(c *call, q *query) rows[media.Item] {
		owner, cursor := q.text("owner"), q.text("cursor")
		if cursor != "" && !media.ValidID(cursor) {
			q.wrong("cursor", codeInvalidParameter, "parameter")
		}
		return rows[media.Item]{place: func(i media.Item) string { return i.ID }, read: func(limit int) (out []media.Item, err error) {
			const share = 200
			for after := cursor; ; {
				items, err := s.media.List(c.ctx(), after, share)
				if err != nil {
					return nil, err
				}
				for _, item := range items {
					after = item.ID
					if (owner == "" || item.Owner == owner) && s.service.May(c.actor, access.MediaSee, item.Object(c.actor)) != nil {
						out = append(out, item)
					}
					if len(out) == limit {
						return out, nil
					}
				}
				if len(items) < share {
					return out, nil
				}
			}
		}}
	}, func(c *call, item media.Item) (MediaItem, error) { return s.mediaView(c, item), nil })
}

// maxUse bounds the documents that an item lists.
const maxUse = 100

func (s *Server) getMedia(c *call) error {
	item, err := s.media.See(c.ctx(), s.service, c.actor, c.Param("id"))
	if err != nil {
		return err
	}
	return s.answerMedia(c, http.StatusOK, item)
}

func (s *Server) answerMedia(c *call, status int, item media.Item) error {
	out := s.mediaView(c, item)
	docs, err := s.service.MediaDocuments(c.ctx(), c.actor, item.ID, maxUse)
	if err != nil {
		return err
	}
	for _, d := range docs {
		use := MediaUse{ID: d.ID, Type: d.Type, URL: s.public + manage + "/documents/" + d.ID}
		for _, locale := range []string{c.lang, "it", d.Variants[0].Locale} {
			if v := d.Variant(locale); v != nil && use.Title == "" {
				use.Title = v.Title
			}
		}
		out.Use = append(out.Use, use)
	}
	return answerJSON(c.Context, status, out)
}

// toChange gives an item that the caller may change: 404 for what he may not see,
// 403 for what he sees and may not touch.
func (s *Server) toChange(c *call) (media.Item, error) {
	item, err := s.media.See(c.ctx(), s.service, c.actor, c.Param("id"))
	if err != nil {
		return item, err
	}
	return item, s.service.Allow(c.actor, access.MediaChange, item.Object(c.actor))
}

func (s *Server) changeMedia(c *call) error {
	var in MediaChange
	item, err := s.toChange(c)
	if err != nil {
		return err
	}
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	if item, err = s.media.SetAlt(c.ctx(), c.actor, item.ID, in.Alt); err != nil {
		return err
	}
	return s.answerMedia(c, http.StatusOK, item)
}

func (s *Server) removeMedia(c *call) error {
	item, err := s.toChange(c)
	if err != nil {
		return err
	}
	used, _, err := s.service.MediaUse(c.ctx(), item.ID)
	if err != nil {
		return err
	}
	if used || s.catalog.Media(item.ID) != nil {
		return &content.Problem{Class: content.Conflict, Code: codeMediaInUse}
	}
	if err := s.media.Remove(c.ctx(), c.actor, item.ID); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// How long a file may be kept by who fetched it. What is at an address never
// changes, but it can be withdrawn: a shared cache asks again after an hour at most,
// which costs an answer 304, and then hears of it. "immutable" for a year would
// leave a photograph that somebody took back (GDPR, article 17) in caches that
// nobody reaches. What is not public is kept nowhere.
var (
	publicFile  = []string{"public, max-age=3600"}
	privateFile = []string{"private, no-store"}
)

// smallFile is the size up to which files stay in memory beside other answers.
const smallFile = 64 << 10

// serveMedia answers GET /media/{media}/{file}. While something live uses the file
// the catalogue knows all of it, and only the bucket is read. Otherwise there is
// nothing, in the same words whether there is a file or never was, but for those
// who show that they may see it.
func (s *Server) serveMedia(c *gin.Context) error {
	f, cache, err := s.openMedia(c, c.Param("media"), c.Param("file"))
	if err != nil {
		return err
	}
	defer f.Close()
	h := c.Writer.Header()
	h["Etag"], h["Cache-Control"] = []string{f.ETag}, cache
	if len(c.Request.Header["If-Match"]) == 0 && matches(c.Request.Header["If-None-Match"], f.ETag) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = []string{f.Type}
	if f.Attachment != "" {
		h["Content-Disposition"] = []string{f.Headers()["Content-Disposition"]}
	}
	if err := oneRange(c.Request, h, f.Size); err != nil {
		return err
	}
	body, err := s.fileBody(c, f)
	if err != nil {
		return err
	}
	http.ServeContent(c.Writer, c.Request, "", f.Modified, body)
	return nil
}

// openMedia finds a file for whoever asks, and says how long it may be kept.
func (s *Server) openMedia(c *gin.Context, id, name string) (*media.File, []string, error) {
	ctx := c.Request.Context()
	if m := s.catalog.Media(id); m != nil {
		if len(m.Files) == 0 { // the catalogue was told of no forms
			f, err := s.media.Open(ctx, id, name)
			return f, publicFile, err
		}
		f, err := s.media.OpenItem(ctx, mediaItem(m), name)
		return f, publicFile, err
	}
	none := &content.Problem{Class: content.NotFound, Code: "not_found"}
	if len(c.Request.Header["Authorization"]) == 0 && s.sessionSecret(c.Request) == "" || !media.ValidID(id) {
		return nil, nil, none
	}
	actor, err := s.authenticate(c.Request)
	if err != nil {
		if content.AsProblem(err).Class == content.Unauthenticated {
			s.refused(c, s.clock())
			return nil, nil, none
		}
		return nil, nil, err
	}
	c.Set(keyActor, actor)
	ask, cancel := context.WithTimeout(ctx, s.limits.Handle)
	defer cancel()
	item, err := s.media.See(ask, s.service, actor, id)
	if err != nil {
		return nil, nil, err
	}
	h := c.Writer.Header()
	h[sameSite.name] = sameSite.value
	delete(h, "Access-Control-Allow-Origin")
	f, err := s.media.OpenItem(ctx, item, name)
	return f, privateFile, err
}

var byteRange = regexp.MustCompile(`^bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))$`)

// oneRange keeps of the Range header what is one range; everything else is passed
// over, as RFC 9110, section 14.2, permits: lists of ranges are for exhausting
// servers. A range that lies outside of the file is a problem.
func oneRange(r *http.Request, h http.Header, size int64) error {
	asked := r.Header["Range"]
	if len(asked) == 0 {
		return nil
	}
	m := byteRange.FindStringSubmatch(asked[0])
	if m == nil || len(asked) > 1 {
		delete(r.Header, "Range")
		return nil
	}
	start, _ := strconv.ParseInt(m[1], 10, 64)
	end, _ := strconv.ParseInt(m[2], 10, 64)
	last, _ := strconv.ParseInt(m[3], 10, 64)
	switch {
	case m[2] != "" && end < start: // is no range
		delete(r.Header, "Range")
		return nil
	case m[1] != "" && start < size, last > 0:
		return nil
	case len(r.Header["If-Range"]) > 0:
		delete(r.Header, "Range")
		return nil
	}
	delete(h, "Content-Disposition")
	h["Content-Range"] = []string{"bytes */" + strconv.FormatInt(size, 10)}
	return &content.Problem{Class: content.Invalid, Code: codeRange}
}

// fileBody makes the bytes of a file ready before the answer begins, so that a file
// that cannot be read is a problem and not half an answer. Small files stay in
// memory.
func (s *Server) fileBody(c *gin.Context, f *media.File) (io.ReadSeeker, error) {
	if c.Request.Method == http.MethodHead {
		return &begun{f: f}, nil
	}
	if data := s.hot.get(f.ETag); data != nil {
		return bytes.NewReader(data), nil
	}
	if f.Size <= smallFile {
		data := make([]byte, f.Size)
		if _, err := io.ReadFull(f, data); err != nil {
			return nil, err
		}
		s.hot.put(f.ETag, data)
		return bytes.NewReader(data), nil
	}
	// A phone on a slow line has time to fetch it: see pace.
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(s.limits.Write + slowest(f.Size, s.limits.Upload)))
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return &begun{f: f, head: head[:n]}, nil
}

// begun is a file of which the beginning is read. It seeks without closing what is
// open, and reads on from there where it can.
type begun struct {
	f    *media.File
	head []byte
	at   int64
}

// Seek moves to where the next Read begins.
func (b *begun) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += b.f.Size
	}
	b.at = offset
	return offset, nil
}

// Read reads on.
func (b *begun) Read(p []byte) (int, error) {
	if b.at >= 0 && b.at < int64(len(b.head)) {
		n := copy(p, b.head[b.at:])
		b.at += int64(n)
		return n, nil
	}
	if _, err := b.f.Seek(b.at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := b.f.Read(p)
	b.at += int64(n)
	return n, err
}
