package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// A one-time link is shown by GET, as often as anybody (a mail scanner, a
// preview) likes, and used by POST. One that is used, expired or invented is
// answered alike: 404, link_invalid.

// linkPage offers the ways of using a link.
type linkPage struct {
	page
	Action, Token, Text string
	Providers           []providerView
}

// linkCookie holds the browser's half of the token of a link's form.
//
// There is no session yet to bind that token to, and the link's secret does not
// do: whoever makes another's browser send the form knows the secret of a link
// of their own, and would win by it that the other works in their account
// without noticing. So it is a double submit: the cookie is random, the form
// holds its authentication code for this link, and only a page of ours has both.
// Other sites cannot set a cookie with the prefix __Host-.
const linkCookie = "prassi_link"

// linkMinutes is how long a link's form may lie open.
const linkMinutes = 30

func (s *Server) linkCookieName(r *http.Request) string {
	if s.secure(r) {
		return "__Host-" + linkCookie
	}
	return linkCookie
}

// linkToken is the token of the form of a link in the browser with that cookie.
func linkToken(cookie, secret string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	mac.Write([]byte("prassi link: " + secret))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Server) showLink(c *gin.Context) error {
	secret := c.Param("secret")
	person, err := s.auth.LinkPerson(c.Request.Context(), secret)
	if err != nil {
		return err
	}
	browser := rand.Text() + rand.Text()
	http.SetCookie(c.Writer, &http.Cookie{
		Name: s.linkCookieName(c.Request), Value: browser, Path: "/", MaxAge: linkMinutes * 60,
		HttpOnly: true, Secure: s.secure(c.Request), SameSite: http.SameSiteStrictMode,
	})
	p := linkPage{page: s.newPage(c, "label_link_title"), Action: "/auth/link/" + secret, Token: linkToken(browser, secret)}
	switch {
	case person.ID == "":
		p.Text = p.T("link_first")
	case person.Name == "":
		p.Text = p.T("link_yours")
	default:
		p.Text = messages.Text(p.Lang, codeLinkFor, map[string]any{"name": person.Name})
	}
	for _, i := range s.providers() {
		p.Providers = append(p.Providers, providerView{Name: i.Name, Text: messages.Text(p.Lang, codeLinkWith, map[string]any{"provider": i.Label})})
	}
	return answerPage(c, http.StatusOK, "link", p)
}

// useLink uses a link: at once, or after the login at a provider, whose identity
// is then the person's.
func (s *Server) useLink(c *gin.Context) error {
	if s.origins.Check(c.Request) != nil {
		return &content.Problem{Class: content.Forbidden, Code: codeCrossOrigin}
	}
	secret := c.Param("secret")
	q, err := readForm(c.Request, "form_token", "provider")
	if err != nil {
		return err
	}
	cookie, err := c.Request.Cookie(s.linkCookieName(c.Request))
	if err != nil || cookie.Value == "" || !hmac.Equal([]byte(linkToken(cookie.Value, secret)), []byte(q.text("form_token"))) {
		return formExpired()
	}
	ctx := c.Request.Context()
	if name := q.text("provider"); name != "" {
		if _, err := s.auth.LinkPerson(ctx, secret); err != nil {
			return err
		}
		location, err := s.begin(c, oidc.Begin{Provider: name, Next: accountPath, Link: secret})
		if err != nil {
			return err
		}
		p := leftPage{page: s.newPage(c, "label_onward_title"), Onward: location}
		p.Text, p.OnwardText = p.T("onward_text"), signInWith(p.Lang, s.providerLabel(name))
		return s.leadOn(c, location, "left", p)
	}
	person, err := s.auth.UseLink(ctx, secret)
	if err != nil {
		return err
	}
	if _, err := s.startSession(c, auth.NewSession{Person: person.ID}); err != nil {
		return err
	}
	return seeOther(c, accountPath)
}
