package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// NewToken asks for an API token: the caller's own, or a partner's.
type NewToken struct {
	Name    string   `json:"name" maxLength:"100" doc:"What it is for."`
	Grants  []string `json:"grants" maxLength:"200" doc:"Roles: \"editor\", or with a scope \"reviewer@MI\". One's own token has roles that one holds."`
	Days    int      `json:"days,omitempty" minimum:"1" maximum:"366" doc:"How long it lives; 90 without it."`
	Partner string   `json:"partner,omitempty" maxLength:"100" doc:"Whose it is, when it is not one's own (administrators)."`
}

// Token is an API token without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Person    string    `json:"person,omitempty" doc:"Whose it is: it acts as that person, with the roles that both have."`
	Partner   string    `json:"partner,omitempty" doc:"Whose it is, when it is a partner's; with neither it is the operator's."`
	Grants    []Grant   `json:"grants"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	UsedAt    time.Time `json:"used_at,omitzero" doc:"To within ten minutes."`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// CreatedToken is a token with its secret, which is told this once.
type CreatedToken struct {
	Token
	Secret string `json:"token" doc:"Shown once; send it as Authorization: Bearer."`
}

func tokenView(t auth.Token) Token {
	return Token{
		ID: t.ID, Name: t.Name, Person: t.Person, Partner: t.Partner, Grants: grantViews(t.Grants),
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: t.UsedAt, RevokedAt: t.RevokedAt,
	}
}

const defaultTokenDays = 90

// createToken makes a token that may do no more, and lives no longer, than what
// it is made with.
func (s *Server) createToken(c *call) error {
	var in NewToken
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	n := auth.NewToken{Name: in.Name, Partner: in.Partner}
	var issues []schemas.Issue
	for i, text := range in.Grants {
		g, wrong := s.readRole(pointer("/grants", strconv.Itoa(i)), "", NewRole{Role: text})
		n.Grants, issues = append(n.Grants, g), append(issues, wrong...)
	}
	if len(in.Grants) == 0 {
		issues = append(issues, required("grants"))
	}
	if in.Partner == "" {
		if n.Person = c.person(); n.Person == "" { // nobody's own: who calls is no person
			issues = append(issues, required("partner"))
		}
	}
	if len(issues) > 0 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: issues}
	}
	ctx := c.ctx()
	if in.Partner != "" {
		var err error
		if ctx, err = s.partnerToken(c, n.Grants); err != nil {
			return err
		}
	}
	var err error
	if n.Life, err = s.tokenLife(c, in.Days); err != nil {
		return err
	}
	secret, t, err := s.auth.CreateToken(ctx, c.actor, n)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusCreated, CreatedToken{Token: tokenView(t), Secret: secret})
}

// partnerToken lets somebody make a token for a partner: with roles that they
// hold, or that they could give away as roles of a person.
func (s *Server) partnerToken(c *call, grants []content.Grant) (context.Context, error) {
	ctx, err := s.permit(c, access.TokenManage)
	if err != nil || s.service.May(c.actor, access.RoleGrant, access.Object{}) != nil {
		return ctx, err
	}
	for _, g := range grants {
		if !c.holds(g, s.clock()) {
			return ctx, &content.Problem{Class: content.Forbidden, Code: "token_role_not_held", Params: map[string]any{"role": g.String()}}
		}
	}
	return ctx, nil
}

// tokenLife gives the life of a new token. One that is made with a token ends no
// later: otherwise whoever finds a token that is about to end keeps what it opens.
func (s *Server) tokenLife(c *call, days int) (time.Duration, error) {
	life := time.Duration(or(days, defaultTokenDays)) * 24 * time.Hour
	id, ok := strings.CutPrefix(c.actor.Via, "token:")
	if !ok {
		return life, nil
	}
	with, err := s.auth.Token(c.ctx(), id)
	if err != nil {
		return 0, err
	}
	left := with.ExpiresAt.Sub(s.clock())
	if days > 0 && left < life {
		return 0, invalid(codeInvalidBody, "/days", codeTokenOutlives, nil)
	}
	return min(life, left), nil
}

// listTokens lists the caller's tokens or, for those who may, all.
func (s *Server) listTokens(params []param) func(*call) error {
	return listPage(s, params, func(c *call, q *query) rows[auth.Token] {
		place := func(t auth.Token) string { return t.ID }
		cursor := q.text("cursor")
		if q.flag("all") {
			return rows[auth.Token]{place: place, read: func(limit int) ([]auth.Token, error) {
				if err := s.service.Allow(c.actor, access.TokenManage, access.Object{}); err != nil {
					return nil, err
				}
				return s.auth.Tokens(c.ctx(), cursor, limit)
			}}
		}
		return after(func() ([]auth.Token, error) {
			if c.person() == "" {
				return nil, nil
			}
			return s.auth.TokensOf(c.ctx(), c.person())
		}, place, cursor)
	}, func(_ *call, t auth.Token) (Token, error) { return tokenView(t), nil })
}

// revokeToken ends a token: one's own, the one that is shown, or for those who
// may, any. For everybody else there are no others.
func (s *Server) revokeToken(c *call) error {
	t, err := s.auth.Token(c.ctx(), c.Param("id"))
	if err != nil {
		return err
	}
	ctx := c.ctx()
	if (t.Person == "" || t.Person != c.person()) && c.actor.ID != "token:"+t.ID {
		if ctx, err = s.permit(c, access.TokenManage); err != nil {
			return content.ErrNotFound
		}
	}
	if err := s.auth.RevokeToken(ctx, c.actor, t.ID); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}
