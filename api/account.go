package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// accountPage is what people see of themselves, and what they may change.
type accountPage struct {
	page
	Name, Code, FormToken string
	Saved                 bool
	Roles                 []line
	Lent                  []lentView
	Profile               pageForm
	Lend                  *pageForm // nil for who has nothing to lend
	Sessions              []sessionView
	Others                bool // there are sessions beside this one
	Tokens                []line
}

// line is an entry of a list: what it is, where it holds, and what else is said.
type line struct {
	What, Where string
	Notes       []string
}

type sessionView struct {
	line
	ID      string
	Current bool
}

// lentView is a role that the person has lent: to whom, and which.
type lentView struct {
	line
	To, Grant string
}

func (s *Server) showAccount(c *call) error {
	q, err := parseQuery(c.Request.URL.RawQuery, "saved")
	if err != nil {
		return err
	}
	saved := q.flag("saved")
	if err := q.err(); err != nil {
		return err
	}
	v, err := s.visitor(c)
	if err != nil {
		return err
	}
	return s.answerAccount(c, v, http.StatusOK, saved, nil)
}

// answerAccount answers with the account; sent is a form that has to be corrected.
func (s *Server) answerAccount(c *call, v visitor, status int, saved bool, sent *sentForm) error {
	person, err := s.auth.Person(c.ctx(), v.Person)
	if err != nil {
		return err
	}
	p := accountPage{page: s.newPage(c.Context, "label_account_title"), Name: person.Name, Code: person.ID, FormToken: s.auth.FormToken(v.secret), Saved: saved}
	for _, g := range c.actor.Grants {
		l := s.roleLine(p.Lang, g)
		if g.Of != "" {
			l.Notes = append(l.Notes, messages.Text(p.Lang, codeRoleOf, map[string]any{"name": s.personName(c, p.page, g.Of)}))
		}
		l.Notes = append(l.Notes, p.until(g.Until))
		p.Roles = append(p.Roles, l)
	}
	now := s.clock()
	for _, d := range person.Delegated {
		g := content.Grant{Role: d.Role, Scope: d.Scope, Until: d.Until}
		if g.Active(now) {
			l := s.roleLine(p.Lang, g)
			l.Notes = []string{messages.Text(p.Lang, codeRoleTo, map[string]any{"name": s.personName(c, p.page, d.To)}), p.until(d.Until)}
			p.Lent = append(p.Lent, lentView{l, d.To, g.String()})
		}
	}
	p.Profile = p.profileForm(person)
	if roles := s.lendable(p.Lang, c.actor); len(roles) > 0 {
		p.Lend = p.lendForm(roles, now)
	}
	if sent != nil {
		p.Profile.correct(p.Lang, sent)
		if p.Lend != nil {
			p.Lend.correct(p.Lang, sent)
		}
	}
	sessions, err := s.sessionsOf(c, v)
	if err != nil {
		return err
	}
	for _, x := range sessions {
		l := line{What: or(x.Agent, p.T("label_session_unknown"))}
		l.Notes = append(l.Notes, messages.Text(p.Lang, codeSessionSeen, map[string]any{"date": p.moment(x.SeenAt)}))
		if x.Address != "" {
			l.Notes = append(l.Notes, messages.Text(p.Lang, codeNetwork, map[string]any{"address": x.Address}))
		}
		p.Sessions, p.Others = append(p.Sessions, sessionView{l, x.ID, x.Current}), p.Others || !x.Current
	}
	tokens, err := s.auth.TokensOf(c.ctx(), v.Person)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt)) {
			p.Tokens = append(p.Tokens, line{What: t.Name, Notes: []string{p.until(t.ExpiresAt)}})
		}
	}
	return answerPage(c.Context, status, "account", p)
}

func isNotFound(err error) bool { return errors.Is(err, content.ErrNotFound) }

// roleLine says a role with its scope in words.
func (s *Server) roleLine(lang string, g content.Grant) line {
	where := g.Scope
	switch access.Roles[g.Role] {
	case access.Territory:
		if t, ok := s.service.Territories().Lookup(g.Scope); ok {
			where = t.Name
			if t.Level == schemas.LevelProvince { // each has its Territorial Council
				where = messages.Text(lang, codeCouncil, map[string]any{"territory": t.Name})
			}
		}
	case access.Locale:
		where = messages.Text(lang, codeLanguage, map[string]any{"locale": g.Scope})
	case access.Organization:
		if a := s.catalog.Get("organizations", g.Scope, lang); a.Outcome == catalog.Found {
			where = a.Entry.Title()
		}
	}
	return line{What: messages.Text(lang, "label_role_"+g.Role, nil), Where: where}
}

// personName is how another person is called, to somebody who has to do with
// them by a delegation.
func (s *Server) personName(c *call, p page, id string) string {
	other, err := s.auth.Person(c.ctx(), strings.TrimPrefix(id, "person:"))
	if err != nil || other.Name == "" {
		return p.T("label_person_unnamed")
	}
	return other.Name
}

// until says when something ends.
func (p page) until(t time.Time) string {
	if t.IsZero() {
		return p.T("label_role_no_end")
	}
	return messages.Text(p.Lang, codeUntil, map[string]any{"date": p.date(t)})
}

// date writes the day of a time in Italy, and moment its hour too.
func (p page) date(t time.Time) string { return messages.Day(p.Lang, t) }

func (p page) moment(t time.Time) string { return messages.Moment(p.Lang, t) }
