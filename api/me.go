package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
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
