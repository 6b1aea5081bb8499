package api

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// Login asks for a session of the demonstration.
type Login struct {
	Person string `json:"person" doc:"Id of one of the demonstration's people."`
	Next   string `json:"next,omitempty" doc:"Where the form leads afterwards: a path of this server."`
}

// sessionTable lists logging in and out. The development login is there in the
// demonstration only; nothing of it exists otherwise.
func (s *Server) sessionTable() []*operation {
	out := []*operation{{
		Method: http.MethodGet, Route: "/auth/me", ID: "getMe", Tag: tagAccess, Access: signed,
		Summary: "Who calls, and with which roles", Answers: []answer{{Status: http.StatusOK, Body: Me{}}}, Call: s.me, Needs: byCaller,
	}, {
		Method: http.MethodPost, Route: "/auth/logout", ID: "logOut", Tag: tagAccess, Access: open,
		Summary: "End the session", Handle: s.logout, Problems: []int{http.StatusForbidden, http.StatusServiceUnavailable},
		Answers: []answer{{Status: http.StatusNoContent, Headers: []string{"Set-Cookie"}}},
	}}
	if !s.opt.Demo {
		return out
	}
	return append(out, &operation{
		Method: http.MethodGet, Route: "/auth/login", ID: "showLogin", Tag: tagAccess, Access: open,
		Summary:     "The demonstration's people, to choose from",
		Description: "Only in the demonstration, and only for callers on the same machine.",
		Params:      []param{queryParam("next", "Where to go afterwards: a path of this server.", text(500))},
		Answers:     []answer{{Status: http.StatusOK, Media: "text/html", Body: htmlPage}}, Handle: s.here(s.showLogin),
		Problems: []int{http.StatusForbidden},
	}, &operation{
		Method: http.MethodPost, Route: "/auth/login", ID: "logIn", Tag: tagAccess, Access: open,
		Summary:     "Begin a session as one of the demonstration's people",
		Description: "Only in the demonstration, and only for callers on the same machine.",
		Body:        Login{}, Form: true, Handle: s.here(s.login), Problems: []int{http.StatusForbidden, http.StatusServiceUnavailable},
		Answers: []answer{
			{Status: http.StatusOK, Doc: "For a JSON body.", Body: Me{}, Headers: []string{"Set-Cookie"}},
			{Status: http.StatusSeeOther, Doc: "For a form.", Headers: []string{"Set-Cookie", "Location"}},
		},
	})
}

// here lets only callers on this machine through: the peer, the address it
// reached and the name it used are all of the loopback, and nothing stands in
// between. The name matters: a page elsewhere can make its own name lead here
// (DNS rebinding).
func (s *Server) here(handle handler) handler {
	return func(c *gin.Context) error {
		r := c.Request
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		forwarded := r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Via") != ""
		if local == nil || !loopback(local.String()) || !loopback(r.RemoteAddr) || !loopbackName(r.Host) || forwarded {
			return &content.Problem{Class: content.Forbidden, Code: codeNotHere}
		}
		if s.origins.Check(r) != nil {
			return &content.Problem{Class: content.Forbidden, Code: codeCrossOrigin}
		}
		return handle(c)
	}
}

// loopback says whether an address with a port is of this machine.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// loopbackName says whether a Host header names this machine.
func loopbackName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// localPath gives next when it is a path of this server, and "/auth/me"
// otherwise: a login must not send people elsewhere.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") {
		return "/auth/me"
	}
	return next
}

func (s *Server) showLogin(c *gin.Context) error {
	q, err := parseQuery(c.Request.URL.RawQuery, "next")
	if err != nil {
		return err
	}
	lang := language(c)
	data, err := renderLogin(loginPage{
		Lang: lang, Dir: direction(lang), People: s.opt.DemoPeople, Next: q.text("next"),
		Title: messages.Text(lang, "login_title", nil), Intro: messages.Text(lang, "login_intro", nil), As: messages.Text(lang, "login_as", nil),
	})
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	setPageHeaders(h, "form-action 'self'")
	h["Content-Type"], h["Content-Language"], h["Vary"] = typeHTML, []string{lang}, varyLanguage
	writeBody(c, data)
	return nil
}

func (s *Server) login(c *gin.Context) error {
	var in Login
	form := strings.HasPrefix(c.Request.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if form {
		data, err := readBody(c.Request, 4<<10, "application/x-www-form-urlencoded")
		if err != nil {
			return err
		}
		q, err := parseQuery(string(data), "person", "next")
		if err != nil {
			return err
		}
		in = Login{Person: q.text("person"), Next: q.text("next")}
	} else if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	at := slices.IndexFunc(s.opt.DemoPeople, func(p auth.Person) bool { return p.ID == in.Person })
	if at < 0 {
		return invalid(codeInvalidBody, "/person", codeUnknownPerson, map[string]any{"person": echo(in.Person)})
	}
	secret, session, err := s.auth.StartSession(c.Request.Context(), auth.NewSession{Person: in.Person, Replaces: sessionSecret(c.Request)})
	switch {
	case errors.Is(err, auth.ErrInvalid):
		return invalid(codeInvalidBody, "/person", codeUnknownPerson, map[string]any{"person": echo(in.Person)})
	case err != nil:
		return &content.Problem{Class: content.Unavailable, Code: "store_unavailable", Err: err}
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: cookieName(c.Request), Value: secret, Path: "/", Expires: session.ExpiresAt, HttpOnly: true,
		Secure: c.Request.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	if form {
		c.Writer.Header()["Location"] = []string{localPath(in.Next)}
		c.Writer.WriteHeader(http.StatusSeeOther)
		return nil
	}
	return s.me(&call{Context: c, actor: s.opt.DemoPeople[at].Actor(), lang: language(c)})
}

// cookieName is the session's cookie for this connection.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return cookieSecure
	}
	return cookieLocal
}

func (s *Server) logout(c *gin.Context) error {
	if s.origins.Check(c.Request) != nil {
		return &content.Problem{Class: content.Forbidden, Code: codeCrossOrigin}
	}
	if secret := sessionSecret(c.Request); secret != "" {
		if _, _, err := s.auth.EndSession(c.Request.Context(), secret); err != nil {
			return &content.Problem{Class: content.Unavailable, Code: "store_unavailable", Err: err}
		}
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: cookieName(c.Request), Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.Request.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}
