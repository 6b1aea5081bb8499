package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/schemas"
)

const organizationType = "organization"

// Member is somebody who acts for an organisation.
type Member struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Role  string `json:"role"`
	Scope string `json:"scope"`
	Until string `json:"until,omitempty" doc:"When the role ends; RFC 3339."`
	Lent  bool   `json:"lent,omitempty" doc:"The role is lent by somebody else."`
}

// OrganizationMatch is an organisation with a tax code.
type OrganizationMatch struct {
	ID     string          `json:"id" format:"uuid"`
	Title  string          `json:"title"`
	Live   bool            `json:"live" doc:"Some variant is public."`
	Scopes []string        `json:"scopes" doc:"What roles and owners call it: its id, and the slugs that the public knows or knew it by."`
	Links  ManageSelfLinks `json:"_links"`
}

// OrganizationMatches are all that there are.
type OrganizationMatches struct {
	Items []OrganizationMatch `json:"items"`
	Total int                 `json:"total" minimum:"0"`
}

// listMembers gives the people who hold a role for an organisation, by id.
func (s *Server) listMembers(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		d, may, err := s.service.Organization(c.ctx(), c.actor, c.Param("id"))
		if err != nil {
			return err
		}
		if !may {
			return &content.Problem{Class: content.Forbidden, Code: "forbidden"}
		}
		scopes := d.Scopes()
		return answerPageOf(s, c, q, rows[Member]{
			read:  func(limit int) ([]Member, error) { return s.members(c, scopes, q.text("cursor"), limit) },
			place: func(m Member) string { return m.ID },
		}, func(_ *call, m Member) (Member, error) { return m, nil })
	}
}

// members finds the people whose roles, lent ones included, name one of the
// scopes: everybody is looked at, for roles lie with their people. One person has
// one row, that of the first such role.
func (s *Server) members(c *call, scopes []string, after string, limit int) ([]Member, error) {
	const page = 200
	var out []Member
	for {
		people, err := s.auth.People(c.ctx(), after, page)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			m, ok, err := s.member(c, p, scopes)
			if err != nil {
				return nil, err
			}
			if ok && p.Erased.IsZero() {
				if out = append(out, m); len(out) == limit {
					return out, nil
				}
			}
		}
		if len(people) < page {
			return out, nil
		}
		after = people[len(people)-1].ID
		if err := c.ctx().Err(); err != nil {
			return nil, err
		}
	}
}

func (s *Server) member(c *call, p auth.Person, scopes []string) (Member, bool, error) {
	actor, err := s.auth.Actor(c.ctx(), p)
	if err != nil {
		return Member{}, false, err
	}
	now := s.clock()
	for _, g := range actor.Grants {
		if access.Roles[g.Role] != access.Organization || !g.Active(now) || !slices.Contains(scopes, g.Scope) {
			continue
		}
		m := Member{ID: p.ID, Name: p.Name, Role: g.Role, Scope: g.Scope, Lent: g.Of != ""}
		if !g.Until.IsZero() {
			m.Until = g.Until.UTC().Format(time.RFC3339)
		}
		return m, true, nil
	}
	return Member{}, false, nil
}

// listSubmissions gives the documents that belong to an organisation, of those
// that the caller may see.
func (s *Server) listSubmissions(params []param) func(*call) error {
	ask := func(c *call, q *query) rows[*content.Document] {
		typ := q.text("type")
		return rows[*content.Document]{
			read: func(limit int) ([]*content.Document, error) {
				d, _, err := s.service.Organization(c.ctx(), c.actor, c.Param("id"))
				if err != nil {
					return nil, err
				}
				f := content.Filter{Type: typ, Limit: limit}
				if f.After, err = documentAfter(q.text("cursor"), sortNewest); err != nil {
					return nil, err
				}
				var out []*content.Document
				for _, f.Owner = range d.Scopes() {
					list, err := s.service.List(c.ctx(), c.actor, f)
					if err != nil {
						return nil, err
					}
					out = append(out, list...)
				}
				slices.SortFunc(out, func(a, b *content.Document) int {
					return cmp.Or(b.UpdatedAt.Compare(a.UpdatedAt), strings.Compare(a.ID, b.ID))
				})
				return out[:min(len(out), limit)], nil
			},
			place: func(d *content.Document) string { return placeOf(d, sortNewest) },
		}
	}
	return listPage(s, params, ask, func(c *call, d *content.Document) (Document, error) { return s.documentView(c.ctx(), c, d) })
}

// findOrganizations looks organisations up by tax code, among those that the
// caller may see.
func (s *Server) findOrganizations(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		code := duplicates.TaxCode(q.text("tax_code"))
		if q.text("tax_code") == "" {
			q.missing("tax_code")
		} else if code == "" {
			q.wrong("tax_code", schemas.CodeTaxCodeInvalid, "value")
		}
		if err := q.err(); err != nil {
			return err
		}
		ids, err := s.duplicates.WithTaxCode(c.ctx(), organizationType, code)
		if err != nil {
			return err
		}
		out := OrganizationMatches{Items: []OrganizationMatch{}}
		for _, id := range ids {
			d, err := s.service.Get(c.ctx(), c.actor, id)
			if p := content.AsProblem(err); p != nil && p.Class == content.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			side := s.sideView(d)
			out.Items = append(out.Items, OrganizationMatch{ID: d.ID, Title: side.Title, Live: side.Live, Scopes: d.Scopes(), Links: side.Links})
		}
		out.Total = len(out.Items)
		return answerJSON(c.Context, http.StatusOK, out)
	}
}
