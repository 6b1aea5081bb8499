package access

import (
	"slices"
	"time"
)

// The dimensions in which a role is scoped.
const (
	Organization = "organization"
	Territory    = "territory"
	Locale       = "locale"
)

// Administrator is the one role that code names: somebody must hold it, or nobody
// could give any (package auth sees to that). What it may do stands in
// schemas/access.yaml, as for every role.
const Administrator = "administrator"

// Roles is the closed table of roles and the dimension in which a grant of each
// is scoped; an empty dimension means that the role holds everywhere.
var Roles = map[string]string{
	"contributor": Organization,
	"reviewer":    Territory,
	"secretary":   Territory,
	"translator":  Locale,
	"editor":      "",
	Administrator: "",
}

// Grant is a role with its scope. A zero Until never ends.
type Grant struct {
	Role string `json:"role" bson:"role"`
	// Scope is an organisation's slug or id, a territory's ISTAT code or a BCP 47
	// locale, by the role's dimension; empty for a role without one.
	Scope string    `json:"scope,omitempty" bson:"scope,omitempty"`
	Until time.Time `json:"until,omitzero" bson:"until,omitempty"`
	// By says who gave it: "person:ID", "provider:NAME" (mapped from a claim),
	// "command", "system:…".
	By string `json:"by,omitempty" bson:"by,omitempty"`
	// Of is "person:ID" whose role this is, when it is delegated.
	Of string `json:"of,omitempty" bson:"of,omitempty"`
}

// String gives "role" or "role@scope".
func (g Grant) String() string {
	if g.Scope == "" {
		return g.Role
	}
	return g.Role + "@" + g.Scope
}

// Active says whether the grant holds at that moment.
func (g *Grant) Active(now time.Time) bool { return g.Until.IsZero() || now.Before(g.Until) }

// Object is what is acted upon. The zero Object is nowhere and nobody's: only
// roles that need no scope reach it.
type Object struct {
	// Organization is the scope of the organisation that owns it; empty for none.
	Organization string
	// Territories are those it concerns, as ISTAT codes.
	Territories []string
	// Locale is the language it is in, Locales those of a thing that is in several.
	Locale  string
	Locales []string
	// Is answers for the conditions of the action, but for Unowned, which
	// Organization tells; nil: none holds.
	Is func(condition string) bool
}

// holds says whether all conditions do.
func (o *Object) holds(conditions []string) bool {
	for _, c := range conditions {
		if c == Unowned && o.Organization == "" {
			continue
		}
		if c == Unowned || o.Is == nil || !o.Is(c) {
			return false
		}
	}
	return true
}

// Contains says whether a territory is, or lies in, another; both as ISTAT codes.
type Contains = func(outer, inner string) bool

// covers is the one function that holds a grant's scope, which is not empty where
// a dimension is asked for, against an object.
func (g *Grant) covers(dimension string, on *Object, contains Contains) bool {
	if dimension == "" {
		return true
	}
	switch dimension {
	case Organization:
		return g.Scope == on.Organization
	case Locale:
		return g.Scope == on.Locale || slices.Contains(on.Locales, g.Scope)
	case Territory:
		for _, t := range on.Territories {
			if contains != nil && contains(g.Scope, t) {
				return true
			}
		}
	}
	return false
}
