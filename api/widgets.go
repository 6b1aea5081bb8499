package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/widgets"
)

// DeadlinePage are the next deadlines.
type DeadlinePage struct {
	Items []widgets.Deadline `json:"items"`
	Total int                `json:"total" minimum:"0"`
}

const codeFormat = "oembed_format" // value

// widgetCodes are those of the widgets' routes.
var widgetCodes = []string{codeFormat}

var (
	forever = []string{"public, max-age=31536000, immutable"}
	hour    = []string{"public, max-age=3600"}
	typeXML = []string{"text/xml; charset=utf-8"}

	varyFrame = []string{"Accept"}
)

// here is the public address of this server, as this request reached it when
// nobody has said.
func (s *Server) here(r *http.Request) string {
	switch {
	case s.public != "":
		return s.public
	case s.secure(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// widgetFile answers with a file that widgets load.
func (s *Server) widgetFile(c *gin.Context, build, name string) error {
	file, immutable, ok := s.widgets.File(build, name)
	if !ok {
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	cache := publicLonger
	if immutable {
		cache = forever
	}
	return serveComputed(c, []string{file.Type}, file.Data, cache)
}

func (s *Server) widgetScript(c *gin.Context) error {
	return s.widgetFile(c, widgets.Version, widgets.Version+".js")
}

func (s *Server) widgetPart(c *gin.Context) error {
	return s.widgetFile(c, c.Param("build"), c.Param("file"))
}

func (s *Server) widgetManifest(c *gin.Context) error {
	data, err := encode(s.widgets.Manifest())
	if err != nil {
		return err
	}
	return serveComputed(c, typeJSON, data, publicLonger)
}

// ask reads what is asked of a widget.
func (s *Server) ask(c *gin.Context, widget string, params []param) (widgets.Ask, *query, error) {
	q, err := parseQuery(c.Request.URL.RawQuery, queryNames(params)...)
	if err != nil {
		return widgets.Ask{}, nil, err
	}
	a, err := s.widgets.Parse(widget, q.multi())
	return a, q, err
}

func (s *Server) widgetTokens(params []param) handler {
	return func(c *gin.Context) error {
		a, _, err := s.ask(c, widgets.Names[0], params)
		if err != nil {
			return err
		}
		return serveComputed(c, typeCSS, widgets.TokensCSS(a.Tokens), hour)
	}
}

func (s *Server) widgetLines(params []param) handler {
	return func(c *gin.Context) error {
		q, err := parseQuery(c.Request.URL.RawQuery, queryNames(params)...)
		if err != nil {
			return err
		}
		values := q.multi()
		values.Del("widget")
		a, err := s.widgets.Parse(q.text("widget"), values)
		if err != nil {
			return err
		}
		lines, err := s.widgets.Lines(a, s.here(c.Request))
		if err != nil {
			return err
		}
		data, err := encode(lines)
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSON, data, publicShort)
	}
}

// widgetBuilder answers with the page that makes the line to copy.
func (s *Server) widgetBuilder(params []param) handler {
	return func(c *gin.Context) error {
		q, err := parseQuery(c.Request.URL.RawQuery, queryNames(params)...)
		if err != nil {
			return err
		}
		lang := q.text("lang")
		if !slices.Contains(messages.Languages, lang) {
			lang = language(c)
		}
		values := q.multi()
		values.Del("lang")
		body, err := s.widgets.Builder(lang, s.here(c.Request), values)
		if err != nil {
			return err
		}
		h := c.Writer.Header()
		h["Content-Type"], h["Content-Language"], h["Vary"] = typeHTML, []string{lang}, varyPage
		c.Writer.WriteHeader(http.StatusOK)
		writeBody(c, body)
		return nil
	}
}

// embed answers with the frame of a widget, which only a partner's pages may show
// when it is theirs.
func (s *Server) embed(params []param) handler {
	return func(c *gin.Context) error {
		a, _, err := s.ask(c, c.Param("widget"), params)
		if err != nil {
			return err
		}
		frame, err := s.widgets.Embed(a)
		if err != nil {
			return s.refuseFrame(c, &a, err)
		}
		h := c.Writer.Header()
		if frame.Ancestors != nil {
			allowed := append([]string{"'self'"}, frame.Ancestors...)
			h["Content-Security-Policy"] = []string{strings.Replace(policyEmbed, "frame-ancestors *", "frame-ancestors "+strings.Join(allowed, " "), 1)}
		}
		if s.partners != nil && a.Widget != "card" && c.Request.Method == http.MethodGet {
			s.partners.Count(a.Widget, a.Partner)
		}
		h["Content-Language"] = []string{frame.Lang}
		cache := publicShort
		if frame.Timely {
			cache = publicMinute
		}
		return serveComputed(c, typeHTML, frame.HTML, cache)
	}
}

// refuseFrame says in a small page why a frame shows nothing: whoever looks at it
// is a reader of the page around it. Programs are told of the problem.
func (s *Server) refuseFrame(c *gin.Context, a *widgets.Ask, err error) error {
	p := content.AsProblem(err)
	if p.Class != content.Forbidden && p.Class != content.NotFound || !wantsPage(c.Request) {
		return err
	}
	body, wrong := s.widgets.Refused(*a, p)
	if wrong != nil {
		return wrong
	}
	_, status, written := s.prepareFailure(c, err)
	if written {
		return nil
	}
	h := c.Writer.Header()
	h["Content-Type"], h["Content-Language"], h["Vary"] = typeHTML, []string{a.Lang}, varyFrame
	c.Writer.WriteHeader(status)
	writeBody(c, body)
	return nil
}

// oembed answers by oEmbed 1.0 (oembed.com).
func (s *Server) oembed(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		width, height := q.integer("maxwidth", 0, 1, 100_000), q.integer("maxheight", 0, 1, 100_000)
		if q.text("url") == "" {
			q.refuse("url", codeInvalidParameter)
		}
		if err := q.err(); err != nil {
			return err
		}
		format := or(q.text("format"), "json")
		if format != "json" && format != "xml" {
			return &content.Problem{Class: content.Invalid, Code: codeFormat, Params: map[string]any{"value": echo(format)}}
		}
		o, err := s.widgets.OEmbed(q.text("url"), s.here(c.Request), int(width), int(height))
		if err != nil {
			return err
		}
		if format == "xml" {
			data, err := o.XML()
			if err != nil {
				return err
			}
			return serveComputed(c, typeXML, data, publicLonger)
		}
		data, err := encode(o)
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSON, data, publicLonger)
	}
}

// listDeadlines answers with the deadlines that are not over.
func (s *Server) listDeadlines(params []param) handler {
	known := queryNames(params)
	return func(c *gin.Context) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		values := q.multi()
		for _, name := range []string{"organization", "partner"} {
			values.Del(name)
		}
		limit := q.integer("limit", widgets.DefaultLimit, 1, maxDeadlines)
		if err := q.err(); err != nil {
			return err
		}
		values.Set("limit", strconv.Itoa(widgets.DefaultLimit))
		a, err := s.widgets.Parse("deadlines", values)
		if err != nil {
			return err
		}
		list, total, err := s.widgets.Deadlines(widgets.DeadlineQuery{
			Locale: a.Locale, Territory: a.Territory, National: a.National, Topic: a.Topic, Limit: int(limit),
			Organization: strings.FieldsFunc(q.text("organization"), func(r rune) bool { return r == ',' }),
		})
		if err != nil {
			return err
		}
		data, err := encode(DeadlinePage{Items: append([]widgets.Deadline{}, list...), Total: total})
		if err != nil {
			return err
		}
		return serveComputed(c, typeJSON, data, publicMinute)
	}
}

// maxDeadlines bounds a page of deadlines.
const maxDeadlines = 100
