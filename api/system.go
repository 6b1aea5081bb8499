package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// Status says how the service is, in the shape of a problem: the Italian
// guidelines on interoperability (ModI) ask for it.
type Status struct {
	Type   string `json:"type" format:"uri-reference"`
	Title  string `json:"title"`
	Status int32  `json:"status" minimum:"200" maximum:"599"`
	Detail string `json:"detail"`
}

// systemTable lists what machines and operators ask.
func (s *Server) systemTable() []*operation {
	status := []answer{
		{Status: http.StatusOK, Body: Status{}, Media: "application/problem+json"},
		{Status: http.StatusServiceUnavailable, Body: Status{}, Media: "application/problem+json"},
	}
	documents := func(media string, body any) []answer {
		return []answer{{Status: http.StatusOK, Media: media, Body: body, Headers: []string{"ETag", "Cache-Control"}}, notModified}
	}
	ops := []*operation{
		{Route: "/openapi.json", ID: "getOpenAPI", Summary: "This description, as OpenAPI 3.1", Access: public, Params: []param{ifNoneMatch},
			Answers: documents("application/vnd.oai.openapi+json;version=3.1", &huma.Schema{Type: "object"}), Problems: []int{http.StatusNotAcceptable},
			Handle: s.asset("openapi")},
		{Route: "/", ID: "getRoot", Summary: "Where people begin: the description, until there is a site",
			Answers: []answer{{Status: http.StatusFound, Headers: []string{"Location"}}}, Handle: root},
		{Route: "/docs", ID: "getDocs", Summary: "This description, as a page", Params: []param{ifNoneMatch}, Class: classPage,
			Answers: documents("text/html", htmlPage), Handle: s.asset("docs")},
		{Route: "/docs/style.css", ID: "getStyle", Summary: "How the pages look", Params: []param{ifNoneMatch}, Class: classAsset,
			Answers: documents("text/css", &huma.Schema{Type: "string"}), Handle: s.asset("style")},
		{Route: "/favicon.ico", ID: "getIcon", Summary: "No icon: browsers ask for one unasked", Class: classAsset, quiet: true,
			Answers: []answer{{Status: http.StatusNoContent, Headers: []string{"Cache-Control"}}}, Handle: noIcon},
		{Route: "/problems/{code}", ID: "getProblem", Summary: "What a kind of problem means", Class: classPage,
			Params:  []param{pathParam("code", "The problem's code.", text(80))},
			Answers: []answer{{Status: http.StatusOK, Media: "text/html", Body: htmlPage, Headers: []string{"Content-Language"}}}, Handle: s.problemPage},
		{Route: "/status", ID: "getStatus", Summary: "How the service is", Answers: status, Handle: s.status, Rate: rateProbe, quiet: true},
		{Route: "/livez", ID: "getLive", Summary: "The process answers", Answers: status[:1], Handle: s.live, Rate: rateNone, quiet: true},
		{Route: "/readyz", ID: "getReady", Summary: "The process can do its work", Answers: status, Handle: s.ready, Rate: rateProbe, quiet: true},
		{Route: "/metrics", ID: "getMetrics", Summary: "Figures in Prometheus' text format",
			Description: "Only for the machine itself and the addresses that the operator names.", Problems: []int{http.StatusNotFound}, Rate: rateProbe,
			Answers: []answer{{Status: http.StatusOK, Media: "text/plain", Body: &huma.Schema{Type: "string"}}}, Handle: s.operators(s.serveMetrics), quiet: true},
	}
	for _, op := range ops {
		op.Method, op.Tag = http.MethodGet, tagSystem
	}
	return ops
}

func noIcon(c *gin.Context) error {
	c.Writer.Header()["Cache-Control"] = publicLonger
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

func root(c *gin.Context) error {
	c.Header("Location", "/docs")
	c.Status(http.StatusFound)
	return nil
}

// htmlPage is the schema of a page.
var htmlPage = &huma.Schema{Type: "string"}

// answerStatus answers in the shape of a problem, good news too.
func answerStatus(c *gin.Context, status int, title, detail string) error {
	data, err := encode(Status{Type: "about:blank", Title: title, Status: int32(status), Detail: detail})
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Content-Type"] = typeProblem
	if status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{"5"}
	}
	c.Writer.WriteHeader(status)
	writeBody(c, data)
	return nil
}

func (s *Server) live(c *gin.Context) error {
	return answerStatus(c, http.StatusOK, "OK", "OK")
}

// pingWait is how long the store may take to answer a health check.
const pingWait = 2 * time.Second

// trouble says what keeps the service from its work: a code, or "". withCatalog
// asks as well that the catalogue has followed the log.
func (s *Server) trouble(ctx context.Context, withCatalog bool) string {
	ctx, cancel := context.WithTimeout(ctx, pingWait)
	defer cancel()
	switch {
	case s.stopping.Load():
		return codeNotReady
	case s.store.Ping(ctx) != nil:
		return "store_unavailable"
	case withCatalog && s.catalog.Stats().Lag > s.limits.Lag:
		return codeNotReady
	}
	return ""
}

func (s *Server) health(c *gin.Context, withCatalog bool) error {
	code := s.trouble(c.Request.Context(), withCatalog)
	if code == "" {
		return answerStatus(c, http.StatusOK, "OK", "OK")
	}
	lang := language(c)
	c.Writer.Header()["Content-Language"] = []string{lang}
	return answerStatus(c, http.StatusServiceUnavailable, messages.Title(lang, code), messages.Text(lang, code, nil))
}

func (s *Server) status(c *gin.Context) error { return s.health(c, false) }

func (s *Server) ready(c *gin.Context) error { return s.health(c, true) }

// operators lets only the addresses of Options.Metrics through; to all others
// there is nothing here. Whoever comes through a proxy that is not trusted may be
// anybody.
func (s *Server) operators(handle handler) handler {
	return func(c *gin.Context) error {
		if !s.direct(c.Request) || !contains(s.opt.Metrics, s.address(c.Request)) {
			return noRoute(c)
		}
		return handle(c)
	}
}

// problemPage explains a code to whoever follows the type of a problem.
func (s *Server) problemPage(c *gin.Context) error {
	code, lang := c.Param("code"), language(c)
	if messages.Title(lang, code) == code { // nobody has words for it
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	data, err := renderPage("problem", problemView{
		Lang: lang, Dir: direction(lang), Code: code, Title: messages.Title(lang, code), Text: messages.Text(lang, code, nil),
	})
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Content-Type"], h["Content-Language"], h["Vary"] = typeHTML, []string{lang}, varyLanguage
	writeBody(c, data)
	return nil
}
