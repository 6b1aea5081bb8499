package content

import (
	"fmt"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

// Actor is who acts. The zero Actor is anonymous and may do nothing.
type Actor struct {
	// ID is an opaque, stable name ("user:…", "token:…", "system:schedule").
	ID string
	// Name is for showing, and never stored with the content.
	Name   string
	Locale string
	Grants []Grant
	// OnBehalfOf is the person for whom background work acts.
	OnBehalfOf string

	system bool
}

// System gives the explicit actor of background work. It holds every role; the
// guard "not_author" does not bind it.
func System(name string) Actor {
	return Actor{ID: "system:" + name, Name: name, system: true, Grants: []Grant{{Role: "administrator"}}}
}

// Anonymous says that nobody acts.
func (a Actor) Anonymous() bool { return a.ID == "" }

// Grant is a role with its scope. A zero Until never ends.
type Grant struct {
	Role  string    `json:"role" bson:"role"`
	Scope string    `json:"scope,omitempty" bson:"scope,omitempty"`
	Until time.Time `json:"until,omitzero" bson:"until,omitempty"`
}

// String gives "role" or "role@scope".
func (g Grant) String() string {
	if g.Scope == "" {
		return g.Role
	}
	return g.Role + "@" + g.Scope
}

// ParseGrant reads "role" or "role@scope" and checks it against the closed table
// of roles: a scoped role needs a scope, an unscoped one takes none. A territory
// may be a province acronym or an ISTAT code and is stored as the code; a
// locale is BCP 47.
func ParseGrant(s string, territories *schemas.Territories) (Grant, error) {
	role, scope, _ := strings.Cut(strings.TrimSpace(s), "@")
	dimension, known := workflow.Roles[role]
	switch {
	case !known:
		return Grant{}, fmt.Errorf("unknown role %q: use contributor@ORGANISATION, reviewer@TERRITORY, secretary@TERRITORY, translator@LOCALE, editor or administrator", role)
	case dimension == "" && scope != "":
		return Grant{}, fmt.Errorf("role %q takes no scope", role)
	case dimension != "" && scope == "":
		return Grant{}, fmt.Errorf("role %q needs a scope: %s@%s", role, role, strings.ToUpper(dimension))
	}
	switch dimension {
	case "territory":
		t, ok := territories.Lookup(scope)
		if !ok {
			return Grant{}, fmt.Errorf("unknown territory %q: give a province's acronym or an ISTAT code", scope)
		}
		scope = t.ISTAT
	case "locale":
		l, err := CanonicalLocale(scope)
		if err != nil {
			return Grant{}, err
		}
		scope = l
	case "organization":
		if err := checkOwner(scope); err != nil {
			return Grant{}, err
		}
	}
	return Grant{Role: role, Scope: scope}, nil
}

// where is what a grant's scope is held against.
type where struct {
	owner       string
	territories []string
	locale      string
}

// active says whether the grant holds at that moment.
func (g *Grant) active(now time.Time) bool { return g.Until.IsZero() || now.Before(g.Until) }

// grant gives the actor's grant that satisfies a requirement here and now, or
// nil. This is the one place that decides on roles; it denies by default.
func (s *Service) grant(a Actor, r workflow.Requirement, at where, now time.Time) *Grant {
	if a.Anonymous() {
		return nil
	}
	for i := range a.Grants {
		g := &a.Grants[i]
		if g.Role == r.Role && g.active(now) && s.covers(g, r.Scope, at) {
			return g
		}
	}
	return nil
}

func (s *Service) covers(g *Grant, dimension string, at where) bool {
	switch dimension {
	case "":
		return true
	case "organization":
		return g.Scope != "" && g.Scope == at.owner
	case "locale":
		return g.Scope != "" && g.Scope == at.locale
	case "territory":
		for _, t := range at.territories {
			if g.Scope != "" && s.places.Contains(g.Scope, t) {
				return true
			}
		}
	}
	return false
}

// Holds says whether the actor has that unscoped role now.
func (s *Service) Holds(a Actor, roles ...string) bool {
	for _, r := range roles {
		if s.grant(a, workflow.Requirement{Role: r}, where{}, s.now()) != nil {
			return true
		}
	}
	return false
}

// visible decides who sees an unpublished document at all: the newsroom; the
// organisation that owns it; the council of a territory of it, once it was
// handed in or when they began it themselves; translators of what is public or
// is being translated into their language. Everybody else is told that there is
// no such document.
func (s *Service) visible(a Actor, d *Document, now time.Time) bool {
	if a.Anonymous() || d.Discarded {
		return false
	}
	at := where{owner: d.Owner, territories: d.territories()}
	for i := range a.Grants {
		g := &a.Grants[i]
		if !g.active(now) {
			continue
		}
		switch g.Role {
		case "administrator", "editor":
			return true
		case "contributor":
			if s.covers(g, "organization", at) {
				return true
			}
		case "reviewer", "secretary":
			if s.covers(g, "territory", at) && (d.Author == a.ID || d.HandedIn) {
				return true
			}
		case "translator":
			if d.Live() || len(d.Variants) > 1 && d.Variant(g.Scope) != nil {
				return true
			}
		}
	}
	return false
}

// handedIn says whether any variant is further than where all begin.
func (s *Service) handedIn(d *Document) bool {
	def := s.workflowOf(d.Type)
	for i := range d.Variants {
		v := &d.Variants[i]
		if !v.Live.IsZero() || len(v.Approvals) > 0 || (def != nil && v.State != def.Initial().Name) {
			return true
		}
	}
	return false
}
