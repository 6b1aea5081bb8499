package api

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Me is who calls.
type Me struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Locale string  `json:"locale,omitempty"`
	Grants []Grant `json:"grants"`
	// Create is a hint: whether the document may be created is decided when it
	// is, by its owner and territories.
	Create []string `json:"create" doc:"Content types that some role of the caller may begin."`
}

// Grant is a role with its scope.
type Grant struct {
	Role  string    `json:"role"`
	Scope string    `json:"scope,omitempty" doc:"An organization, the ISTAT code of a territory, or a language."`
	Until time.Time `json:"until,omitzero"`
}

func grantViews(grants []content.Grant) []Grant {
	out := []Grant{}
	for _, g := range grants {
		out = append(out, Grant{Role: g.Role, Scope: g.Scope, Until: g.Until})
	}
	return out
}

func (s *Server) me(c *call) error {
	body := Me{ID: c.actor.ID, Name: c.actor.Name, Locale: c.actor.Locale, Grants: grantViews(c.actor.Grants), Create: []string{}}
	for _, t := range s.schemas.Types() {
		for _, r := range s.service.Workflow(t.Name).Create {
			if slices.ContainsFunc(c.actor.Grants, func(g content.Grant) bool { return g.Role == r.Role }) {
				body.Create = append(body.Create, t.Name)
				break
			}
		}
	}
	return answerJSON(c.Context, http.StatusOK, body)
}

// NewToken asks for an API token.
type NewToken struct {
	Name   string   `json:"name" maxLength:"100" doc:"What it is for."`
	Grants []string `json:"grants" doc:"Roles: \"editor\", or with a scope \"reviewer@MI\"."`
	Days   int      `json:"days,omitempty" minimum:"1" maximum:"366" doc:"How long it lives; 90 without it."`
}

// Token is an API token without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Grants    []Grant   `json:"grants"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// CreatedToken is a token with its secret, which is told this once.
type CreatedToken struct {
	Token
	Secret string `json:"token" doc:"Shown once; send it as Authorization: Bearer."`
}

// TokenPage is a page of tokens.
type TokenPage struct {
	Items []Token   `json:"items"`
	Links PageLinks `json:"_links"`
}

func tokenView(t auth.Token) Token {
	return Token{ID: t.ID, Name: t.Name, Grants: grantViews(t.Grants), CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
}

const defaultTokenDays = 90

func (s *Server) createToken(c *call) error {
	var in NewToken
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	var grants []content.Grant
	var issues []schemas.Issue
	for i, text := range in.Grants {
		g, err := content.ParseGrant(text, s.service.Territories())
		if err != nil {
			issues = append(issues, schemas.Issue{Path: pointer("/grants", strconv.Itoa(i)), Code: codeInvalidGrant, Params: map[string]any{"value": echo(text)}})
			continue
		}
		grants = append(grants, g)
	}
	if len(in.Grants) == 0 {
		issues = append(issues, schemas.Issue{Path: "/grants", Code: schemas.CodeRequired, Params: map[string]any{"field": "grants"}})
	}
	if len(issues) > 0 {
		return &content.Problem{Class: content.Invalid, Code: codeInvalidBody, Fields: issues}
	}
	secret, t, err := s.auth.CreateToken(c.ctx(), c.actor, auth.NewToken{
		Name: in.Name, Grants: grants, Life: time.Duration(or(in.Days, defaultTokenDays)) * 24 * time.Hour,
	})
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusCreated, CreatedToken{Token: tokenView(t), Secret: secret})
}

func (s *Server) listTokens(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		limit := int(q.integer("limit", defaultPage, 1, maxPage))
		if err := q.err(); err != nil {
			return err
		}
		tokens, err := s.auth.Tokens(c.ctx(), q.text("cursor"), limit+1)
		if err != nil {
			return err
		}
		next := ""
		if len(tokens) > limit {
			tokens = tokens[:limit]
			next = tokens[limit-1].ID
		}
		body := TokenPage{Items: []Token{}, Links: s.links(c.Context, next)}
		for _, t := range tokens {
			body.Items = append(body.Items, tokenView(t))
		}
		return answerJSON(c.Context, http.StatusOK, body)
	}
}

func (s *Server) revokeToken(c *call) error {
	err := s.auth.RevokeToken(c.ctx(), c.actor, c.Param("id"))
	if errors.Is(err, auth.ErrInvalid) {
		err = content.ErrNotFound
	}
	if err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}
