package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// Codes of problems with people and tokens. The comment names the parameters.
const (
	codeConfirm       = "confirm_mismatch" // none
	codeTokenOutlives = "token_outlives"   // none
	codeLendCode      = "lend_code"        // none
)

// peopleCodes are part of Codes.
var peopleCodes = []string{codeConfirm, codeTokenOutlives, codeLendCode}

// Person is somebody who acts here. What only serves to sign in is told to those
// who may invite.
type Person struct {
	ID         string        `json:"id"`
	Name       string        `json:"name,omitempty"`
	Email      string        `json:"email,omitempty"`
	Locale     string        `json:"locale,omitempty"`
	Effective  []Grant       `json:"effective" doc:"The roles that hold now, lent ones included."`
	Grants     []StoredGrant `json:"grants" doc:"The roles as they were given; some may be over."`
	Delegated  []LentRole    `json:"delegated" doc:"The roles that the person has lent to others."`
	Identities []Identity    `json:"identities,omitempty"`
	Invited    string        `json:"invited,omitempty" doc:"The address that was invited, until the first login."`
	CreatedAt  time.Time     `json:"created_at,omitzero"`
	SeenAt     time.Time     `json:"seen_at,omitzero" doc:"The last login."`
	ErasedAt   time.Time     `json:"erased_at,omitzero" doc:"Since when only the id is left."`
}

// StoredGrant is a role with where it comes from.
type StoredGrant struct {
	Grant
	By string `json:"by,omitempty" doc:"Who gave it."`
	Of string `json:"of,omitempty" doc:"Whose role it is, when it is lent."`
}

// LentRole is a role that somebody has lent to somebody else.
type LentRole struct {
	Grant
	To string `json:"to" doc:"The person."`
}

// Identity is how a provider names somebody.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// NewPerson invites somebody.
type NewPerson struct {
	Name   string    `json:"name" maxLength:"200"`
	Email  string    `json:"email,omitempty" maxLength:"254" doc:"The first login by a provider that has checked this address is theirs."`
	Locale string    `json:"locale,omitempty" maxLength:"35" doc:"The language to write to them in (BCP 47)."`
	Roles  []NewRole `json:"roles,omitempty" doc:"First roles; the caller may give them."`
}

// NewRole asks for a role.
type NewRole struct {
	Role  string `json:"role" maxLength:"200" doc:"\"editor\", or with a scope \"reviewer@MI\"."`
	Until string `json:"until,omitempty" maxLength:"40" doc:"When it ends: RFC 3339 with an offset, or a local time or date of Europe/Rome, of which the first moment is meant. Without it, never."`
}

// NewDelegation lends one of the caller's roles.
type NewDelegation struct {
	Role  string `json:"role" maxLength:"200" doc:"A role that the caller holds: \"editor\", or with a scope \"reviewer@MI\"."`
	Until string `json:"until" maxLength:"40" doc:"When it ends, as for roles: a year from now at most, and not after the role itself."`
	To    string `json:"to" maxLength:"64" doc:"The id of the person who gets it."`
}

// Profile is what people say of themselves.
type Profile struct {
	Name   string `json:"name" maxLength:"100" doc:"As colleagues read it. A provider that tells a name replaces it at the next login."`
	Locale string `json:"locale,omitempty" maxLength:"35" doc:"The language of messages; without it the one before stays."`
}

// Erasure confirms that a person is to be forgotten.
type Erasure struct {
	Confirm string `json:"confirm" maxLength:"64" doc:"The person's id once more, so that nobody is erased by a slip."`
}

// NewLink asks for a one-time link.
type NewLink struct {
	Hours int `json:"hours,omitempty" minimum:"1" maximum:"168" doc:"How long it waits; 24 without it."`
}

// CreatedLink is a one-time link, which is told this once.
type CreatedLink struct {
	Link      string    `json:"link" format:"uri-reference" doc:"Shown once; whoever opens it signs in as the person."`
	ExpiresAt time.Time `json:"expires_at"`
}

const defaultLinkHours = 24

// person gives the id of the person who calls, or "" when it is no person.
func (c *call) person() string {
	id, ok := strings.CutPrefix(c.actor.ID, "person:")
	if !ok {
		return ""
	}
	return id
}

// subject gives the person of the path; "me" is who calls.
func (c *call) subject() string {
	if id := c.Param("id"); id != "me" || c.person() == "" {
		return id
	}
	return c.person()
}

// own gives the caller's id when the path names it. Nobody else's is there.
func (c *call) own() (string, error) {
	if id := c.subject(); id != "" && id == c.person() {
		return id, nil
	}
	return "", content.ErrNotFound
}

// holds says whether the caller holds a role here and now. By a token that is
// what the token holds.
func (c *call) holds(g content.Grant, now time.Time) bool {
	return slices.ContainsFunc(c.actor.Grants, func(h content.Grant) bool {
		return h.Role == g.Role && h.Scope == g.Scope && h.Active(now)
	})
}

// permit asks for an action on the zero object beside the one that the operation
// needs, and gives the context in which the ledger tells under which grant.
func (s *Server) permit(c *call, action string) (context.Context, error) {
	g := s.service.May(c.actor, action, access.Object{})
	if g == nil {
		return c.ctx(), s.service.Allow(c.actor, action, access.Object{})
	}
	return audit.Under(c.ctx(), g), nil
}

func required(name string) schemas.Issue {
	return schemas.Issue{Path: pointer("", name), Code: schemas.CodeRequired, Params: map[string]any{"field": name}}
}

// readRole reads a role whose parts are at those places of the body.
func (s *Server) readRole(rolePath, untilPath string, in NewRole) (content.Grant, []schemas.Issue) {
	var issues []schemas.Issue
	g, err := content.ParseGrant(in.Role, s.service.Territories())
	if err != nil {
		issues = append(issues, schemas.Issue{Path: rolePath, Code: codeInvalidGrant, Params: map[string]any{"value": echo(in.Role)}})
	}
	if in.Until != "" {
		if g.Until, err = content.ParseMoment(in.Until); err != nil {
			issues = append(issues, schemas.Issue{Path: untilPath, Code: "invalid_time", Params: map[string]any{"value": echo(in.Until)}})
		}
	}
	return g, issues
}

// pathRole reads the role of a path. What no longer parses may still be held, by
// an older version's rules, and is compared letter by letter.
func (s *Server) pathRole(c *call) content.Grant {
	g, err := content.ParseGrant(c.Param("grant"), s.service.Territories())
	if err != nil {
		g.Role, g.Scope, _ = strings.Cut(c.Param("grant"), "@")
	}
	return g
}

// personView shows a person to the caller.
func (s *Server) personView(c *call, p auth.Person) (Person, error) {
	return s.personFor(c, p, s.service.May(c.actor, access.PersonInvite, access.Object{}) != nil)
}

// personFor shows a person, whole or only what others need to work together.
func (s *Server) personFor(c *call, p auth.Person, whole bool) (Person, error) {
	actor, err := s.auth.Actor(c.ctx(), p)
	if err != nil {
		return Person{}, err
	}
	out := Person{
		ID: p.ID, Name: p.Name, Locale: p.Locale, Effective: grantViews(actor.Grants), Grants: []StoredGrant{}, Delegated: []LentRole{},
		CreatedAt: p.CreatedAt, ErasedAt: p.Erased,
	}
	for _, g := range p.Grants {
		out.Grants = append(out.Grants, StoredGrant{Grant{Role: g.Role, Scope: g.Scope, Until: g.Until}, g.By, g.Of})
	}
	for _, d := range p.Delegated {
		out.Delegated = append(out.Delegated, LentRole{Grant{Role: d.Role, Scope: d.Scope, Until: d.Until}, d.To})
	}
	if whole {
		out.Email, out.Invited, out.SeenAt = p.Email, p.Invited, p.SeenAt
		for _, i := range p.Identities {
			out.Identities = append(out.Identities, Identity{i.Issuer, i.Subject})
		}
	}
	return out, nil
}

func (s *Server) answerPerson(c *call, status int, p auth.Person, err error) error {
	if err != nil {
		return err
	}
	v, err := s.personView(c, p)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, status, v)
}

func (s *Server) listPeople(params []param) func(*call) error {
	return listPage(s, params, func(c *call, q *query) rows[auth.Person] {
		return rows[auth.Person]{
			read:  func(limit int) ([]auth.Person, error) { return s.auth.People(c.ctx(), q.text("cursor"), limit) },
			place: func(p auth.Person) string { return p.ID },
		}
	}, s.personView)
}

func (s *Server) getPerson(c *call) error {
	p, err := s.auth.Person(c.ctx(), c.subject())
	return s.answerPerson(c, http.StatusOK, p, err)
}

// invitePerson makes a person, with roles when the caller may give them. Each
// role is told of in the ledger by itself.
func (s *Server) invitePerson(c *call) error {
	var in NewPerson
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	var issues []schemas.Issue
	if strings.TrimSpace(in.Name) == "" {
		issues = append(issues, required("name"))
	}
	var grants []content.Grant
	for i, role := range in.Roles {
		at := pointer("/roles", strconv.Itoa(i))
		g, wrong := s.readRole(at+"/role", at+"/until", role)
		if len(wrong) == 0 && !g.Until.IsZero() && !g.Until.After(s.clock()) {
			wrong = append(wrong, schemas.Issue{Path: at + "/until", Code: "grant_past"})
		}
		grants, issues = append(grants, g), append(issues, wrong...)
	}
	if len(issues) > 0 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: issues}
	}
	ctx := c.ctx()
	if len(grants) > 0 {
		var err error
		if ctx, err = s.permit(c, access.RoleGrant); err != nil {
			return err
		}
	}
	p, err := s.auth.Invite(c.ctx(), c.actor, auth.Person{Name: in.Name, Email: in.Email, Locale: in.Locale})
	for _, g := range grants {
		if err != nil {
			break
		}
		p, err = s.auth.Grant(ctx, c.actor, p.ID, g)
	}
	if err == nil {
		c.Writer.Header()["Location"] = []string{s.public + manage + "/people/" + p.ID}
	}
	return s.answerPerson(c, http.StatusCreated, p, err)
}

// erasePerson forgets who a person is.
func (s *Server) erasePerson(c *call) error {
	var in Erasure
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	id := c.Param("id")
	if in.Confirm != id {
		return invalid(codeInvalidBody, "/confirm", codeConfirm, nil)
	}
	if err := s.auth.Erase(c.ctx(), c.actor, id); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) grantRole(c *call) error {
	var in NewRole
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	g, issues := s.readRole("/role", "/until", in)
	if len(issues) > 0 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: issues}
	}
	p, err := s.auth.Grant(c.ctx(), c.actor, c.Param("id"), g)
	return s.answerPerson(c, http.StatusOK, p, err)
}

// endRole takes a role from a person. Everybody may lay down a role of their own,
// such as by leaving an organisation; by a token, only one that the token has.
func (s *Server) endRole(c *call) error {
	ctx, g := c.ctx(), s.pathRole(c)
	id, err := c.own()
	if err != nil || !c.holds(g, s.clock()) {
		id = c.subject()
		if ctx, err = s.permit(c, access.RoleGrant); err != nil {
			return err
		}
	}
	if _, err := s.auth.Ungrant(ctx, c.actor, id, g.Role, g.Scope); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// delegate lends a role of the caller's.
func (s *Server) delegate(c *call) error {
	if _, err := c.own(); err != nil {
		return err
	}
	var in NewDelegation
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	g, err := s.lend(c, in)
	if errors.Is(err, content.ErrNotFound) {
		return invalid(codeInvalidBody, "/to", codeUnknownPerson, map[string]any{"person": echo(in.To)})
	}
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusCreated, LentRole{Grant{Role: g.Role, Scope: g.Scope, Until: g.Until}, in.To})
}

// lend lends a role of the caller's; content.ErrNotFound says that there is nobody
// to lend it to.
func (s *Server) lend(c *call, in NewDelegation) (content.Grant, error) {
	g, issues := s.readRole("/role", "/until", NewRole{Role: in.Role, Until: in.Until})
	if len(issues) > 0 {
		return g, &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: issues}
	}
	_, err := s.auth.Delegate(c.ctx(), c.actor, in.To, g)
	return g, err
}

// undelegate takes back a role that the caller has lent.
func (s *Server) undelegate(c *call) error {
	if _, err := c.own(); err != nil {
		return err
	}
	g := s.pathRole(c)
	if err := s.auth.Undelegate(c.ctx(), c.actor, c.Param("to"), g.Role, g.Scope); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listPersonSessions(c *call) error {
	if _, err := s.auth.Person(c.ctx(), c.Param("id")); err != nil {
		return err
	}
	out, err := s.loginSessions(c, c.Param("id"))
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusOK, out)
}

// loginSessions lists the sessions of a person.
func (s *Server) loginSessions(c *call, id string) (LoginSessions, error) {
	all, err := s.auth.Sessions(c.ctx(), id)
	out := LoginSessions{Items: []LoginSession{}}
	for _, x := range all {
		out.Items = append(out.Items, LoginSession{
			ID: x.ID, Provider: x.Provider, Agent: x.Agent, Address: x.Address, CreatedAt: x.CreatedAt, SeenAt: x.SeenAt, ExpiresAt: x.ExpiresAt,
		})
	}
	return out, err
}

// endPersonSessions ends the sessions of a person: all, or the one of the path.
// One that ends meanwhile is what was wanted.
func (s *Server) endPersonSessions(c *call) error {
	id, one := c.Param("id"), c.Param("session")
	if _, err := s.auth.Person(c.ctx(), id); err != nil {
		return err
	}
	if one != "" {
		if err := s.auth.EndSessionOf(c.ctx(), c.actor, id, one); err != nil {
			return err
		}
	} else {
		all, err := s.auth.Sessions(c.ctx(), id)
		if err != nil {
			return err
		}
		for _, x := range all {
			if err := s.auth.EndSessionOf(c.ctx(), c.actor, id, x.ID); err != nil && !errors.Is(err, content.ErrNotFound) {
				return err
			}
		}
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// createLink makes a link with which a person comes in once.
func (s *Server) createLink(c *call) error {
	var in NewLink
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	life := time.Duration(or(in.Hours, defaultLinkHours)) * time.Hour
	ends := s.clock().Add(life).UTC().Truncate(time.Second)
	secret, err := s.auth.CreateLink(c.ctx(), c.actor, c.Param("id"), life)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusCreated, CreatedLink{Link: s.public + "/auth/link/" + secret, ExpiresAt: ends})
}
