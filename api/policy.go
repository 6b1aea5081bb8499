package api

import (
	"net/http"
	"slices"

	"github.com/prassi-cms/prassi/content/access"
)

// Policy is who may do what, as it is declared.
type Policy struct {
	Items []PolicyRow  `json:"items"`
	Roles []PolicyRole `json:"roles"`
}

// PolicyRow is one action, with who may do it.
type PolicyRow struct {
	access.Row
	Permitted bool `json:"permitted" doc:"The caller may, whatever it is done to."`
}

// PolicyRole is a role with the dimension of its scope.
type PolicyRole struct {
	Role  string `json:"role"`
	Scope string `json:"scope,omitempty" doc:"What its scope names; without it the role holds everywhere."`
}

func (s *Server) getPolicy(c *call) error {
	out := Policy{}
	for _, row := range s.service.Policy().Rows() {
		out.Items = append(out.Items, PolicyRow{row, s.service.May(c.actor, row.Action, access.Object{}) != nil})
	}
	for _, role := range sortedRoles() {
		out.Roles = append(out.Roles, PolicyRole{role, access.Roles[role]})
	}
	return answerJSON(c.Context, http.StatusOK, out)
}

func sortedRoles() []string {
	var out []string
	for role := range access.Roles {
		out = append(out, role)
	}
	slices.Sort(out)
	return out
}
