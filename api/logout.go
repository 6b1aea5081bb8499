package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// LoggedOut says where the provider's own session is ended.
type LoggedOut struct {
	LogoutURL string `json:"logout_url,omitempty" format:"uri" doc:"Send the browser there to sign out at the provider too. It holds a secret: do not keep it."`
}

// logoutPath is the page that tells that one has signed out; providers send
// browsers there afterwards (post_logout_redirect_uri).
const logoutPath = "/auth/logout"

// leftPage says that a session is over, or leads on to the provider's.
type leftPage struct {
	page
	Text, Onward, OnwardText string
}

// showLogout is the page after signing out. It changes nothing: who has a session
// finds the button for it on the account.
func (s *Server) showLogout(c *gin.Context) error {
	if secret := s.sessionSecret(c.Request); secret != "" {
		switch _, err := s.auth.Session(c.Request.Context(), secret); {
		case err == nil:
			return seeOther(c, accountPath)
		case !errors.Is(err, auth.ErrInvalid):
			return unavailable(err)
		}
	}
	p := leftPage{page: s.newPage(c, "label_signed_out_title")}
	p.Text = p.T("signed_out_text")
	return answerPage(c, http.StatusOK, "left", p)
}

// logout ends the session and tells where the provider's is ended.
func (s *Server) logout(c *gin.Context) error {
	r := c.Request
	if s.origins.Check(r) != nil {
		return &content.Problem{Class: content.Forbidden, Code: codeCrossOrigin}
	}
	secret, form := s.sessionSecret(r), isForm(r)
	switch media := r.Header.Get("Content-Type"); {
	case form:
		q, err := readForm(r, "form_token")
		if err != nil {
			return err
		}
		if secret != "" && !s.auth.CheckForm(secret, q.text("form_token")) {
			return formExpired()
		}
	case media != "" && !strings.HasPrefix(media, "application/json"):
		// What a page elsewhere can send without asking is a form or is refused.
		return &content.Problem{Class: content.Invalid, Code: codeMediaType, Params: map[string]any{"expected": "application/json"}}
	}
	session, idToken, err := s.auth.EndSession(r.Context(), secret)
	if err != nil {
		return unavailable(err)
	}
	s.clearSession(c)
	if s.secure(r) {
		// What the editorial app keeps in this browser. Not "cache": no private
		// answer is ever kept there (no-store), and clearing it takes some browsers
		// seconds; not "cookies": that would take those of the hosts beside us.
		c.Writer.Header()["Clear-Site-Data"] = []string{`"storage"`}
	}
	onward := ""
	if s.oidc != nil && session.Provider != "" {
		// The session here is over, whatever the provider is up to.
		if onward, err = s.oidc.LogoutURL(r.Context(), session.Provider, idToken, s.base(r)+logoutPath); err != nil {
			s.log.Warn("no address to sign out at the provider", "provider", session.Provider, "error", err)
		}
	}
	switch {
	case !form:
		return answerJSON(c, http.StatusOK, LoggedOut{LogoutURL: onward})
	case onward == "":
		return seeOther(c, logoutPath)
	}
	p := leftPage{page: s.newPage(c, "label_signed_out_title"), Onward: onward}
	p.Text = p.T("signed_out_here")
	p.OnwardText = messages.Text(p.Lang, codeSignOutThere, map[string]any{"provider": s.providerLabel(session.Provider)})
	return s.leadOn(c, onward, "left", p)
}

// leadOn answers a form by leading to another site. A redirect would do, but
// some browsers apply form-action to the redirects of a form too, and then
// the page of the form would have to allow that site: this page goes on by
// itself, and holds a link for browsers that do not.
func (s *Server) leadOn(c *gin.Context, to, name string, p any) error {
	c.Writer.Header()["Refresh"] = []string{"0;url=" + to}
	return answerPage(c, http.StatusOK, name, p)
}

func (s *Server) providerLabel(name string) string {
	for _, p := range s.providers() {
		if p.Name == name {
			return p.Label
		}
	}
	return name
}

// maxLogoutToken bounds the body of a back-channel logout, in bytes.
const maxLogoutToken = 16 << 10

// backChannel ends sessions because the provider says so (OpenID Connect
// Back-Channel Logout 1.0, section 2.8). The token is who calls: it is signed.
func (s *Server) backChannel(c *gin.Context) error {
	if s.oidc == nil {
		return &content.Problem{Class: content.NotFound, Code: "provider_unknown"}
	}
	data, err := readBody(c.Request, maxLogoutToken, typeForm)
	if err != nil {
		return err
	}
	// A provider may add parameters.
	token, ok := formValue(string(data), "logout_token")
	if !ok {
		return &content.Problem{Class: content.Invalid, Code: "logout_invalid"}
	}
	ctx := c.Request.Context()
	out, err := s.oidc.BackChannel(ctx, c.Param("provider"), token)
	var begunBefore time.Time
	if errors.Is(err, oidc.ErrRepeated) {
		// Whoever sends it again has missed our answer, or was told that the store
		// failed: what it was to end ends now, and nothing newer.
		begunBefore, err = out.IssuedAt, nil
	}
	if err != nil {
		return s.signInProblem(c, err)
	}
	if _, err = s.auth.EndSessions(ctx, out.Issuer, out.Subject, out.SID, begunBefore); err != nil {
		return unavailable(err)
	}
	c.Writer.WriteHeader(http.StatusOK)
	return nil
}
