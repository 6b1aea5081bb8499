package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// Signing in. The server keeps nothing until the callback has succeeded: what it
// must remember is in a sealed cookie (package oidc).
//
//	/auth/login ─────────────▶ page: providers, the demonstration's people
//	/auth/login/{provider} ──▶ 303 to the provider, sealed cookie
//	/auth/callback[/name] ───▶ oidc.Finish → auth.SignIn → auth.StartSession
//	                           → 303 to where the person wanted to go
//	/auth/link/{secret} ─────▶ page → POST → auth.UseLink, or a provider (link.go)

// accountPath is where a login leads that was for nothing else.
const accountPath = "/auth/account"

// Login asks for a session of the demonstration.
type Login struct {
	Person string `json:"person" doc:"Id of one of the demonstration's people."`
	Next   string `json:"next,omitempty" doc:"Where the form leads afterwards: a path of this server."`
}

// afterLogin gives where a login leads: to next when it is a path of this server,
// otherwise to the account. The other pages under /auth/ would lead back here.
func afterLogin(next string) string {
	path := oidc.LocalPath(next)
	if path == "/" && next != "/" || strings.HasPrefix(path, "/auth/") && path != accountPath {
		return accountPath
	}
	return path
}

// hereProblem says why a caller is not on this machine, or gives nil: the peer,
// the address it reached and the name it used are all of the loopback, and
// nothing stands in between. The name matters: a page elsewhere can make its own
// name lead here (DNS rebinding).
func hereProblem(r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	forwarded := r.Header["Forwarded"] != nil || r.Header["X-Forwarded-For"] != nil || r.Header["Via"] != nil
	if local == nil || !loopback(local.String()) || !loopback(r.RemoteAddr) || !loopbackName(r.Host) || forwarded {
		return &content.Problem{Class: content.Forbidden, Code: codeNotHere}
	}
	return nil
}

// loopback says whether an address with a port is of this machine.
func loopback(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && at.Addr().Unmap().IsLoopback()
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

// base is how the outside reaches this server, without a slash at the end.
func (s *Server) base(r *http.Request) string {
	switch {
	case s.public != "":
		return s.public
	case s.secure(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// providers are those that people may choose from.
func (s *Server) providers() []oidc.Info {
	if s.oidc == nil {
		return nil
	}
	return s.oidc.Providers()
}

// loginPage lists the ways in.
type loginPage struct {
	page
	Next      string
	Providers []providerView
	People    []demoView
}

type providerView struct{ Name, Href, Text string }

type demoView struct {
	ID, Text string
	Roles    []line
}

func (s *Server) showLogin(c *gin.Context) error {
	q, err := parseQuery(c.Request.URL.RawQuery, "next")
	if err != nil {
		return err
	}
	next, providers := afterLogin(q.text("next")), s.providers()
	here := hereProblem(c.Request)
	demo := s.opt.Demo && here == nil
	switch {
	case len(providers) == 1 && !demo: // nothing to choose from
		return seeOther(c, loginHref(providers[0].Name, next))
	case len(providers) == 0 && s.opt.Demo && !demo:
		return here
	}
	p := loginPage{page: s.newPage(c, "label_sign_in_title"), Next: next}
	for _, i := range providers {
		p.Providers = append(p.Providers, providerView{i.Name, loginHref(i.Name, next), signInWith(p.Lang, i.Label)})
	}
	if demo {
		p.People = s.demoViews(p.Lang)
	}
	return answerPage(c, http.StatusOK, "login", p)
}

func loginHref(provider, next string) string {
	return "/auth/login/" + url.PathEscape(provider) + "?next=" + url.QueryEscape(next)
}

func signInWith(lang, label string) string {
	return messages.Text(lang, codeSignInWith, map[string]any{"provider": label})
}

// demoViews are the demonstration's people, with their roles in words.
func (s *Server) demoViews(lang string) []demoView {
	var out []demoView
	for _, p := range s.opt.DemoPeople {
		v := demoView{ID: p.ID, Text: messages.Text(lang, codeDemoAs, map[string]any{"name": p.Name})}
		for _, g := range p.Grants {
			v.Roles = append(v.Roles, s.roleLine(lang, g))
		}
		out = append(out, v)
	}
	return out
}

// startLogin sends the browser to a provider. It changes nothing here: a page
// that starts it without being asked wins nothing, because the session that it
// leads to is that of who signs in over there, in this very browser.
func (s *Server) startLogin(c *gin.Context) error {
	q, err := parseQuery(c.Request.URL.RawQuery, "next")
	if err != nil {
		return err
	}
	location, err := s.begin(c, oidc.Begin{Provider: c.Param("provider"), Next: afterLogin(q.text("next"))})
	if err != nil {
		return err
	}
	return seeOther(c, location)
}

// begin starts a sign-in at a provider and gives the browser its cookie.
func (s *Server) begin(c *gin.Context, b oidc.Begin) (location string, err error) {
	if s.oidc == nil {
		return "", &content.Problem{Class: content.NotFound, Code: "provider_unknown"}
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.limits.Handle)
	defer cancel()
	b.RedirectURI = s.base(c.Request) + callbackPathOf(b.Provider, len(s.providers()))
	location, cookie, err := s.oidc.Begin(ctx, b)
	if err != nil {
		return "", s.signInProblem(c, err)
	}
	s.setSignInCookie(c, cookie.Name, cookie.Value, cookie.Expires)
	return location, nil
}

const callbackPath = "/auth/callback"

// callbackPathOf is where a provider, one of so many, sends browsers back. Where
// there are several, each has an address of its own and its answers count there
// only: not all say whose they are (RFC 9207), and one that is hostile could have
// somebody bring us, as its own, the answer of another (RFC 9700, section 4.4).
func callbackPathOf(provider string, of int) string {
	if of == 1 || provider == "" {
		return callbackPath
	}
	return callbackPath + "/" + url.PathEscape(provider)
}

// CallbackPaths lists the paths to which the providers of that name send browsers
// back: what is to be registered there, after the public address.
func CallbackPaths(providers []string) []string {
	var out []string
	for _, name := range providers {
		out = append(out, callbackPathOf(name, len(providers)))
	}
	return out
}

// signInCookie gives the name and path of the cookie of a sign-in. Over TLS it
// has the prefix __Host-, which wants the path "/": so nobody who rules another
// host of the same domain can lay one of his own into a browser, and lead
// somebody into his account. Without TLS the prefix is not to be had, and the
// path keeps it small.
func (s *Server) signInCookie(r *http.Request, name string) (full, path string) {
	if s.secure(r) {
		return "__Host-" + name, "/"
	}
	return name, "/auth"
}

// setSignInCookie sets the cookie of a sign-in, or clears it when the value is
// empty. Lax, because Strict would be withheld when the provider sends the
// browser back.
func (s *Server) setSignInCookie(c *gin.Context, name, value string, expires time.Time) {
	full, path := s.signInCookie(c.Request, name)
	cookie := &http.Cookie{Name: full, Value: value, Path: path, Expires: expires, HttpOnly: true, Secure: s.secure(c.Request), SameSite: http.SameSiteLaxMode}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}

// callback is the browser's return from the provider.
func (s *Server) callback(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.limits.Handle)
	defer cancel()
	if s.oidc == nil {
		return &content.Problem{Class: content.NotFound, Code: "not_found"}
	}
	r := c.Request
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxCallback {
		query = nil // which has no state
	}
	login, err := s.oidc.Finish(ctx, func(name string) string {
		full, _ := s.signInCookie(r, name)
		if cookie, err := r.Cookie(full); err == nil {
			return cookie.Value
		}
		return ""
	}, query, s.base(r)+callbackPathOf(c.Param("provider"), 0)) // where it came, which must be where it was sent
	if login.CookieName != "" {
		s.setSignInCookie(c, login.CookieName, "", time.Time{})
	}
	if err != nil {
		err = s.signInProblem(c, err)
		s.noteRefusal(c, content.AsProblem(err).Code)
		return err
	}
	address := s.addressText(r)
	trace, err := s.ledger.Trace(ctx, "provider:"+login.Provider, address)
	if err != nil {
		return unavailable(err)
	}
	person, err := s.auth.SignIn(ctx, auth.SignIn{
		Provider: login.Provider, Issuer: login.Issuer, Subject: login.Subject, Name: login.Name, Email: login.Email, Locale: login.Locale,
		EmailTrusted: login.EmailTrusted, Grants: s.mapped(login), Link: login.Link,
	}, trace)
	if err != nil {
		return err
	}
	_, err = s.startSession(c, auth.NewSession{
		Person: person.ID, Provider: login.Provider, Issuer: login.Issuer, Subject: login.Subject, SID: login.SID, IDToken: login.IDToken,
	})
	if err != nil {
		return err
	}
	return seeOther(c, afterLogin(login.Next))
}

// maxCallback bounds the query of a callback in bytes: a code may be long.
const maxCallback = 16 << 10

// mapped reads the roles that a provider's claims map to. What cannot be read is
// left out and told to the operator, who wrote the mapping: everybody else's
// login must not fail for it.
func (s *Server) mapped(login oidc.Login) []content.Grant {
	if !login.MapsRoles {
		return nil
	}
	out := []content.Grant{}
	for _, text := range login.Grants {
		g, err := content.ParseGrant(text, s.service.Territories())
		if err != nil {
			s.log.Warn("a role that the provider's claim maps to is none", "provider", login.Provider, "role", echo(text), "code", content.AsProblem(err).Code)
			continue
		}
		out = append(out, g)
	}
	return out
}

// startSession begins a session in this browser, in place of the one before.
func (s *Server) startSession(c *gin.Context, n auth.NewSession) (auth.Session, error) {
	ctx, address := c.Request.Context(), s.addressText(c.Request)
	var err error
	if n.Trace, err = s.ledger.Trace(ctx, "person:"+n.Person, address); err != nil {
		return auth.Session{}, unavailable(err)
	}
	// The whole address is in the trace, which is forgotten before the session is.
	n.Agent, n.Address, n.Replaces = family(c.Request.UserAgent()), coarse(s.address(c.Request)), s.sessionSecret(c.Request)
	secret, session, err := s.auth.StartSession(ctx, n)
	if err != nil {
		return session, unavailable(err)
	}
	s.setSession(c, secret, session.ExpiresAt)
	return session, nil
}

// addressText is the caller's address for a trace, "" when it has none.
func (s *Server) addressText(r *http.Request) string {
	if a := s.address(r); a.IsValid() {
		return a.String()
	}
	return ""
}

func unavailable(err error) error {
	return &content.Problem{Class: content.Unavailable, Code: "store_unavailable", Err: err}
}

// bySignIn says how each kind of failure of package oidc is answered.
var bySignIn = map[oidc.Kind]struct {
	class  content.Class
	status int
}{
	oidc.Unknown:     {content.NotFound, http.StatusNotFound},
	oidc.Unavailable: {content.Unavailable, http.StatusServiceUnavailable},
	oidc.Broken:      {content.Unavailable, http.StatusBadGateway},
	oidc.Denied:      {content.Forbidden, http.StatusForbidden},
	oidc.Refused:     {content.Invalid, http.StatusBadRequest},
}

// refusals are the chain of refused sign-ins of which no provider is known.
const refusals = "sign_in:refused"

// signInProblem turns what package oidc says into a problem. What failed exactly
// is for the log.
func (s *Server) signInProblem(c *gin.Context, err error) error {
	failed, ok := errors.AsType[*oidc.Error](err)
	if !ok {
		return unavailable(err)
	}
	s.log.LogAttrs(c.Request.Context(), slog.LevelWarn, "sign-in or sign-out refused",
		slog.String("request_id", requestID(c)), slog.String("code", failed.Code), slog.Any("error", failed.Err))
	return &content.Problem{Class: bySignIn[oidc.KindOf(failed.Code)].class, Code: failed.Code, Err: err}
}

// noteRefusal tells the ledger that somebody's sign-in was refused. That it
// cannot be told changes nothing for them: they are not let in either way.
func (s *Server) noteRefusal(c *gin.Context, code string) {
	ctx := context.WithoutCancel(c.Request.Context())
	trace, err := s.ledger.Trace(ctx, refusals, s.addressText(c.Request))
	if err == nil {
		err = s.ledger.Note(ctx, refusals, content.Actor{Via: "login", Trace: trace}, audit.SignInRefused, map[string]string{"reason": code})
	}
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "a refused sign-in is not in the ledger", slog.String("request_id", requestID(c)), slog.Any("error", err))
	}
}

// demoLogin begins a session as one of the demonstration's people.
func (s *Server) demoLogin(c *gin.Context) error {
	if err := hereProblem(c.Request); err != nil {
		return err
	}
	if s.origins.Check(c.Request) != nil {
		return &content.Problem{Class: content.Forbidden, Code: codeCrossOrigin}
	}
	var in Login
	form := isForm(c.Request)
	if form {
		q, err := readForm(c.Request, "person", "next")
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
	if _, err := s.startSession(c, auth.NewSession{Person: in.Person}); err != nil {
		return err
	}
	if form {
		return seeOther(c, afterLogin(in.Next))
	}
	person, err := s.auth.Person(c.Request.Context(), in.Person)
	if err != nil {
		return unavailable(err)
	}
	actor, err := s.auth.Actor(c.Request.Context(), person)
	if err != nil {
		return unavailable(err)
	}
	return s.me(&call{Context: c, actor: actor, lang: language(c)})
}

// seeOther leads a browser on with GET (RFC 9110, section 15.4.4).
func seeOther(c *gin.Context, location string) error {
	c.Writer.Header()["Location"] = []string{location}
	c.Writer.WriteHeader(http.StatusSeeOther)
	return nil
}
