package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/site/card"
)

var typePNG = []string{"image/png"}

// newFeeds completes the source of the feeds. What the feeds say comes from the
// catalogue; the address is the server's own unless the wiring gave another.
func (s *Server) newFeeds() {
	src := feeds.Source{}
	if s.opt.Feeds != nil {
		src = *s.opt.Feeds
	}
	src.Catalog, src.Schemas, src.Territories, src.Paged, src.Clock = s.catalog, s.schemas, s.service.Territories(), true, s.clock
	src.Base = or(src.Base, s.public)
	s.feeds, s.cards = &src, s.opt.Cards
	// Bytes that take some milliseconds to make are kept apart: so many pictures
	// must not push out the answers that are asked for most.
	s.made = newHot(s.limits.Hot)
	s.making = newTurns(2*runtime.GOMAXPROCS(0), 0, s.limits.Turn)
}

// feed answers with a feed or a calendar. where says what the path names.
func (s *Server) feed(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		raw, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		q := feeds.Query{
			Locale: c.Param("locale"), Territory: or(c.Param("territory"), raw.text("territory")), Topic: or(c.Param("topic"), raw.text("topic")),
			Cursor: raw.text("cursor"),
		}
		if err := raw.err(); err != nil {
			return err
		}
		name, format, _ := strings.Cut(c.Param("file"), ".")
		q.Collection = name
		f := feeds.Format(format)
		switch {
		case f == feeds.ICS:
			found, err := s.feeds.FindCalendar(q)
			if err != nil {
				return err
			}
			return s.serveFeed(c, found.Query, f, found.Tag(), found.Modified(), func() ([]byte, error) { return found.Append(nil) })
		case slices.Contains(feeds.Formats, f):
			found, err := s.feeds.Find(q)
			if err != nil {
				return err
			}
			return s.serveFeed(c, found.Query, f, found.Tag(), found.Modified(), func() ([]byte, error) { return found.Append(nil, f) })
		}
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
}

// serveFeed answers with a feed, and says where its hub is (WebSub, section 4).
func (s *Server) serveFeed(c *gin.Context, q feeds.Query, f feeds.Format, tag string, modified time.Time, write func() ([]byte, error)) error {
	h := c.Writer.Header()
	if s.feeds.Hub != "" && f != feeds.ICS {
		h["Link"] = []string{fmt.Sprintf(`<%s>; rel="hub", <%s>; rel="self"`, s.feeds.Hub, or(s.feeds.Feeds, s.feeds.Base)+q.Path(f))}
	}
	h["Content-Language"] = []string{q.Locale}
	err := s.serveMade(c, madeAnswer{media: f.Media(), tag: strings.Trim(tag, `"`) + string(f), modified: modified, packed: true, cache: publicShort, write: write})
	return dropped(h, err)
}

// madeAnswer is an answer that takes a while to make and whose tag is known
// before.
type madeAnswer struct {
	media    string
	tag      string // without quotation marks
	modified time.Time
	packed   bool // it gains from compression
	cache    []string
	write    func() ([]byte, error)
}

// serveMade answers from what was made before, or makes it: a few at once, which
// take some milliseconds each.
func (s *Server) serveMade(c *gin.Context, a madeAnswer) error {
	enc, ok := parseAccept(c.Request.Header["Accept-Encoding"]).choose(func(e catalog.Encoding) bool { return a.packed || e == catalog.Identity })
	if !ok {
		return notAcceptable()
	}
	key := a.tag
	if name := enc.Token(); name != "" {
		key += "-" + name
	}
	h, etag := c.Writer.Header(), `"`+key+`"`
	h["Etag"], h["Cache-Control"], h["Vary"] = []string{etag}, a.cache, varyEncoding
	if !a.modified.IsZero() {
		h["Last-Modified"] = []string{a.modified.UTC().Format(http.TimeFormat)}
	}
	if unchanged(c.Request.Header, etag, a.modified) {
		delete(h, "Content-Language")
		c.Writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	body := s.made.get(key)
	if body == nil {
		reader := &call{Context: c, actor: content.Actor{ID: s.addressText(c.Request)}, whole: c.Request.Context()}
		release, err := s.making.take(reader)
		if err != nil {
			return err
		}
		defer release()
		if body, err = a.write(); err != nil {
			return err
		}
		if body, err = compress(body, enc); err != nil {
			return err
		}
		s.made.put(key, body)
	}
	h["Content-Type"], h["X-Content-Type-Options"] = []string{a.media}, nosniff
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if name := encodingName[enc]; name != nil {
		h["Content-Encoding"] = name
	}
	expose(c)
	writeBody(c, body)
	return nil
}

// unchanged says whether the caller has it: by tag, or when it names none by date
// (RFC 9110, section 13.2.2).
func unchanged(h http.Header, etag string, modified time.Time) bool {
	if h["If-None-Match"] != nil {
		return matches(h["If-None-Match"], etag)
	}
	since, err := http.ParseTime(h.Get("If-Modified-Since"))
	return err == nil && !modified.IsZero() && !modified.After(since)
}

// card answers with the picture that accompanies the link to an item.
func (s *Server) card(c *gin.Context) error {
	collection, locale := c.Param("collection"), c.Param("locale")
	notFound := &content.Problem{Class: content.NotFound, Code: "not_found"}
	slug, png := strings.CutSuffix(c.Param("picture"), ".png")
	t, ok := s.schemas.TypeByCollection(collection)
	l, known := s.schemas.Locale(locale)
	if !png || !ok || !known {
		return notFound
	}
	a := s.catalog.Get(collection, slug, l.Tag)
	switch a.Outcome {
	case catalog.Moved:
		to, err := url.Parse(a.To)
		if err != nil {
			return err
		}
		return s.moved(c, "/cards/"+or(to.Query().Get("locale"), l.Tag)+"/"+path.Base(path.Dir(to.Path))+"/"+path.Base(to.Path)+".png")
	case catalog.Gone:
		return &content.Problem{Class: content.NotFound, Code: codeGone}
	case catalog.NotFound:
		return notFound
	}
	own, _ := s.schemas.Locale(a.Entry.Locale())
	drawing := card.Card{
		Title: a.Entry.Title(), Locale: own.Tag, Dir: or(own.Dir, "ltr"), Label: t.Label.In(l.Tag),
		Site: or(s.feeds.Name.In(l.Tag), "Prassi"), Color: s.opt.CardColor,
	}
	return s.serveMade(c, madeAnswer{
		media: typePNG[0], tag: drawing.Key(), modified: a.Entry.LastModified(), cache: publicLonger,
		write: func() ([]byte, error) {
			var b bytes.Buffer
			err := s.cards.Card(&b, drawing)
			return b.Bytes(), err
		},
	})
}
