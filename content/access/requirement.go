package access

import (
	"fmt"
	"strings"
	"time"
)

// Requirement is a role as a workflow names it: "editor", or
// "reviewer@territory" where the grant's scope must cover the object.
type Requirement struct {
	Role  string
	Scope string // a dimension, or empty: wherever the grant holds
}

// String gives the form in which a workflow's file writes it.
func (r Requirement) String() string {
	if r.Scope == "" {
		return r.Role
	}
	return r.Role + "@" + r.Scope
}

// UnmarshalText reads "role" or "role@dimension" and checks both against Roles.
func (r *Requirement) UnmarshalText(text []byte) error {
	role, scope, _ := strings.Cut(string(text), "@")
	want, known := Roles[role]
	if !known {
		return fmt.Errorf("unknown role %q", role)
	}
	if scope != want {
		return fmt.Errorf("role %q is scoped by %q, not %q", role, want, scope)
	}
	*r = Requirement{Role: role, Scope: scope}
	return nil
}

// Met gives the first of the grants that satisfies the requirement here and now,
// or nil. A grant that lacks the scope of its role, or has one too many, is none.
func (r Requirement) Met(grants []Grant, on *Object, now time.Time, contains Contains) *Grant {
	dimension, known := Roles[r.Role]
	if !known {
		return nil
	}
	for i := range grants {
		g := &grants[i]
		if g.Role == r.Role && (g.Scope == "") == (dimension == "") && g.Active(now) && g.covers(r.Scope, on, contains) {
			return g
		}
	}
	return nil
}
