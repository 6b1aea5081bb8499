package api

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

// LoginSession is one of a person's sessions.
type LoginSession struct {
	ID        string    `json:"id" doc:"Names the session and opens nothing."`
	Current   bool      `json:"current" doc:"It is the one that asks."`
	Provider  string    `json:"provider,omitempty"`
	Agent     string    `json:"agent,omitempty" doc:"Kind of browser, such as \"Firefox, Android\"."`
	Address   string    `json:"address,omitempty" doc:"About where it began: the network, not the address."`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at" doc:"To within five minutes."`
	ExpiresAt time.Time `json:"expires_at"`
}

// LoginSessions are all sessions of a person; there are few.
type LoginSessions struct {
	Items []LoginSession `json:"items"`
}

// visitor is a call by session: the secret, the session and whose it is.
type visitor struct {
	secret string
	auth.Session
}

// visitor gives who calls by session. A token is for machines: what lists and
// ends sessions is not among what it is given for.
func (s *Server) visitor(c *call) (visitor, error) {
	if c.actor.Via != "session" {
		return visitor{}, &content.Problem{Class: content.Forbidden, Code: codeSessionNeeded}
	}
	v := visitor{secret: s.sessionSecret(c.Request)}
	var err error
	if v.Session, err = s.auth.Session(c.ctx(), v.secret); err != nil {
		return v, unauthenticated(err)
	}
	return v, nil
}

// sessionsOf lists the visitor's sessions, the newest first.
func (s *Server) sessionsOf(c *call, v visitor) ([]LoginSession, error) {
	all, err := s.auth.Sessions(c.ctx(), v.Person)
	out := []LoginSession{}
	for _, x := range all {
		out = append(out, LoginSession{
			ID: x.ID, Current: x.ID == v.ID, Provider: x.Provider, Agent: x.Agent, Address: x.Address,
			CreatedAt: x.CreatedAt, SeenAt: x.SeenAt, ExpiresAt: x.ExpiresAt,
		})
	}
	return out, err
}

func (s *Server) listSessions(c *call) error {
	v, err := s.visitor(c)
	if err != nil {
		return err
	}
	items, err := s.sessionsOf(c, v)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusOK, LoginSessions{Items: items})
}

func (s *Server) endSession(c *call) error {
	v, err := s.visitor(c)
	if err != nil {
		return err
	}
	if err := s.auth.EndSessionOf(c.ctx(), c.actor, v.Person, c.Param("id")); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// endOtherSessions ends all sessions of the visitor but this one.
func (s *Server) endOtherSessions(c *call, v visitor) error {
	all, err := s.auth.Sessions(c.ctx(), v.Person)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.ID == v.ID {
			continue
		}
		// One that ended meanwhile is as good.
		if err := s.auth.EndSessionOf(c.ctx(), c.actor, v.Person, x.ID); err != nil && !isNotFound(err) {
			return err
		}
	}
	return nil
}

// setSession gives the browser its session.
func (s *Server) setSession(c *gin.Context, secret string, expires time.Time) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: s.cookieName(c.Request), Value: secret, Path: "/", Expires: expires,
		HttpOnly: true, Secure: s.secure(c.Request), SameSite: http.SameSiteLaxMode,
	})
}

// clearSession takes it away.
func (s *Server) clearSession(c *gin.Context) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: s.cookieName(c.Request), Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: s.secure(c.Request), SameSite: http.SameSiteLaxMode,
	})
}

// What a User-Agent field says, the first that fits.
var (
	browserFamilies = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemFamilies = [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// family says which kind of browser it is, "" when nothing is known: enough to
// recognise one's own, too little to follow anybody.
func family(agent string) string {
	var found []string
	for _, table := range [][][2]string{browserFamilies, systemFamilies} {
		for _, f := range table {
			if strings.Contains(agent, f[0]) {
				found = append(found, f[1])
				break
			}
		}
	}
	return strings.Join(found, ", ")
}

// coarse gives the network of an address, as one reads it to see whether it is
// one's own.
func coarse(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		p, _ := a.Prefix(24)
		return strings.TrimSuffix(p.Addr().String(), "0") + "*"
	}
	p, _ := a.WithZone("").Prefix(48)
	return p.Addr().String() + "*"
}
