package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
)

// Names of the session's cookie: the first where the connection is encrypted
// (RFC 6265bis, section 4.1.3.2), the second on this machine without encryption.
const (
	cookieSecure = "__Host-prassi_session"
	cookieLocal  = "prassi_session"
)

// call is a request whose caller is known.
type call struct {
	*gin.Context
	actor content.Actor
	// lang is the language of messages and labels.
	lang string
	// whole is the context without the limit of ctx, for answers of any length.
	whole context.Context
	// traces are the addresses that this answer has asked for, by trace.
	traces map[string]string
}

// ctx is the request's context, which ends when Limits.Handle is over.
func (c *call) ctx() context.Context { return c.Request.Context() }

// signed lets an operation know who calls. Nobody is refused with 401; who may
// not do what the operation needs, with 403.
func (s *Server) signed(op *operation) handler {
	asks := access.Known(op.Needs)
	return func(c *gin.Context) error {
		actor, err := s.authenticate(c.Request)
		if err != nil && op.Page && content.AsProblem(err).Class == content.Unauthenticated && c.Request.Header["Authorization"] == nil && wantsPage(c.Request) {
			return seeOther(c, "/auth/login?next="+url.QueryEscape(accountPath))
		}
		if err != nil {
			return err
		}
		c.Set(keyActor, actor)
		whole := c.Request.Context()
		ctx, cancel := context.WithTimeout(whole, s.limits.Handle)
		defer cancel()
		if asks {
			if err := s.service.Allow(actor, op.Needs, access.Object{}); err != nil {
				return err
			}
			ctx = audit.Under(ctx, s.service.May(actor, op.Needs, access.Object{}))
		}
		c.Request = c.Request.WithContext(ctx)
		if op.Method != http.MethodGet {
			if actor.Trace, err = s.ledger.Trace(ctx, actor.ID, s.addressText(c.Request)); err != nil {
				return err
			}
		}
		return op.Call(&call{Context: c, actor: actor, lang: language(c), whole: whole})
	}
}

// actorOf gives who calls, when that was asked.
func actorOf(c *gin.Context) (content.Actor, bool) {
	v, _ := c.Get(keyActor)
	actor, ok := v.(content.Actor)
	return actor, ok
}

// authenticate says who calls: by the token of the Authorization header, or by
// the session's cookie. A browser sends the cookie along whoever asks it to, so
// a change by cookie must come from this origin.
func (s *Server) authenticate(r *http.Request) (content.Actor, error) {
	var actor content.Actor
	var err error
	if shown := r.Header["Authorization"]; len(shown) > 0 {
		token, ok := bearer(shown)
		if !ok {
			return actor, unauthenticated(auth.ErrInvalid)
		}
		actor, err = s.auth.AuthenticateToken(r.Context(), token)
	} else {
		secret := s.sessionSecret(r)
		if secret == "" {
			return actor, unauthenticated(nil)
		}
		if s.origins.Check(r) != nil {
			return actor, &content.Problem{Class: content.Forbidden, Code: codeCrossOrigin}
		}
		actor, err = s.auth.AuthenticateSession(r.Context(), secret)
	}
	switch {
	case errors.Is(err, auth.ErrInvalid):
		return content.Actor{}, unauthenticated(err)
	case err != nil:
		return content.Actor{}, &content.Problem{Class: content.Unavailable, Code: "store_unavailable", Err: err}
	case actor.Anonymous():
		return content.Actor{}, unauthenticated(nil)
	}
	return actor, nil
}

func unauthenticated(err error) *content.Problem {
	return &content.Problem{Class: content.Unauthenticated, Code: "unauthenticated", Err: err}
}

// bearer reads the one Authorization header (RFC 6750, section 2.1).
func bearer(values []string) (string, bool) {
	scheme, token, ok := strings.Cut(values[0], " ")
	return strings.TrimSpace(token), ok && len(values) == 1 && strings.EqualFold(scheme, "Bearer")
}

// cookieName is the session's cookie for this connection. Where the outside comes
// over TLS only the first counts: another host of the domain cannot set it.
func (s *Server) cookieName(r *http.Request) string {
	if s.secure(r) {
		return cookieSecure
	}
	return cookieLocal
}

// sessionSecret gives the value of the session's cookie, or "".
func (s *Server) sessionSecret(r *http.Request) string {
	if c, err := r.Cookie(s.cookieName(r)); err == nil {
		return c.Value
	}
	return ""
}

// challenge is the WWW-Authenticate header of a 401 (RFC 6750, section 3).
func challenge(r *http.Request) string {
	if len(r.Header["Authorization"]) > 0 {
		return `Bearer realm="prassi", error="invalid_token"`
	}
	return `Bearer realm="prassi"`
}
