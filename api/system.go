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
	// Search is told by /status alone.
	Search *SearchStatus `json:"search,omitempty" doc:"How search is; the service goes on without it."`
	Site   *SiteStatus   `json:"site,omitempty" doc:"How the public site is; what was public stays when a build fails."`
}

// SiteStatus says how the public site is.
type SiteStatus struct {
	Current bool      `json:"current" doc:"It shows all that is published, and the last build went well."`
	Held    bool      `json:"held" doc:"An earlier build was put back and stays until somebody starts a build."`
	Failure string    `json:"failure,omitempty" enum:"disk_full,theme,other" doc:"Why the last build failed; the log and the list of builds say more."`
	At      time.Time `json:"at,omitzero" doc:"When the build that is public was made."`
}

// SearchStatus says how search is.
type SearchStatus struct {
	Available bool  `json:"available" doc:"The index is whole and could be reached when it was written last."`
	Documents int64 `json:"documents" minimum:"0" doc:"Published variants in the index."`
	Lag       int64 `json:"lag" minimum:"0" doc:"Events that the public sees and the index has not taken in yet."`
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
func answerStatus(c *gin.Context, status int, title, detail string, more ...Status) error {
	out := Status{}
	if len(more) > 0 {
		out = more[0]
	}
	out.Type, out.Title, out.Status, out.Detail = "about:blank", title, int32(status), detail
	data, err := encode(out)
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

func (s *Server) health(c *gin.Context, withCatalog bool, more ...Status) error {
	code := s.trouble(c.Request.Context(), withCatalog)
	if code == "" {
		return answerStatus(c, http.StatusOK, "OK", "OK", more...)
	}
	lang := language(c)
	c.Writer.Header()["Content-Language"] = []string{lang}
	return answerStatus(c, http.StatusServiceUnavailable, messages.Title(lang, code), messages.Text(lang, code, nil), more...)
}

func (s *Server) status(c *gin.Context) error {
	out := Status{}
	if s.opt.Search != nil {
		x := s.opt.Search.Stats()
		out.Search = &SearchStatus{Available: x.Available, Documents: int64(x.Documents), Lag: x.Lag}
	}
	if s.site != nil {
		st := s.site.Status()
		out.Site = &SiteStatus{Current: st.Err == nil && !st.Held && !st.Pending && st.Builds > 0, Held: st.Held, Failure: failure(st.Err)}
		if b := s.site.Current(); b != nil {
			out.Site.At = b.Meta().At
		}
	}
	return s.health(c, false, out)
}

// ready does not ask for search: a process without it still answers everything
// else, and an engine that several processes share would take all of them away
// at once. /status, the metrics and the answers of search itself tell of it.
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
