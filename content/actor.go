package content

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/schemas"
)

// Actor is who acts. The zero Actor is anonymous and may do nothing.
type Actor struct {
	// ID is an opaque, stable name ("person:…", "token:…", "system:schedule"). It
	// is all that is stored with the content, so that forgetting a person changes
	// nothing here.
	ID string
	// Name is for showing, and never stored with the content.
	Name   string
	Locale string
	Grants []Grant
	// OnBehalfOf is the person for whom background work acts.
	OnBehalfOf string
	// Via is the door by which the actor came: "session", "token:ID", "command",
	// "schedule", "import", "provider:NAME".
	Via string
	// Trace is the id of the trace that says from which address; empty when there
	// is none. The address itself is kept elsewhere and can be forgotten.
	Trace string

	system bool
}

// System gives the explicit actor of background work, whose door is its name. It
// holds every role; the guard "not_author" does not bind it.
func System(name string) Actor {
	return Actor{ID: "system:" + name, Name: name, Via: name, system: true, Grants: []Grant{{Role: "administrator"}}}
}

// Anonymous says that nobody acts.
func (a Actor) Anonymous() bool { return a.ID == "" }

// Grant is a role with its scope; package access decides by them.
type Grant = access.Grant

// ParseGrant reads "role" or "role@scope" and checks it against the closed table
// of roles: a scoped role needs a scope, an unscoped one takes none. A territory
// may be a province acronym or an ISTAT code and is stored as the code; a
// locale is BCP 47. It returns a *Problem of class Invalid with one of the codes
// unknown_role, scope_not_allowed, scope_required, unknown_territory,
// unknown_locale, unknown_owner.
func ParseGrant(s string, territories *schemas.Territories) (Grant, error) {
	role, scope, _ := strings.Cut(strings.TrimSpace(s), "@")
	dimension, known := access.Roles[role]
	switch {
	case !known:
		return Grant{}, &Problem{Class: Invalid, Code: "unknown_role", Params: map[string]any{"role": role}}
	case dimension == "" && scope != "":
		return Grant{}, &Problem{Class: Invalid, Code: "scope_not_allowed", Params: map[string]any{"role": role}}
	case dimension != "" && scope == "":
		return Grant{}, &Problem{Class: Invalid, Code: "scope_required", Params: map[string]any{"role": role}}
	}
	switch dimension {
	case access.Territory:
		t, ok := territories.Lookup(scope)
		if !ok {
			return Grant{}, &Problem{Class: Invalid, Code: "unknown_territory", Params: map[string]any{"value": scope}}
		}
		scope = t.ISTAT
	case access.Locale:
		l, err := CanonicalLocale(scope)
		if err != nil {
			return Grant{}, &Problem{Class: Invalid, Code: "unknown_locale", Params: map[string]any{"locale": scope}}
		}
		scope = l
	case access.Organization:
		if err := checkOwner(scope); err != nil {
			return Grant{}, &Problem{Class: Invalid, Code: "unknown_owner", Params: map[string]any{"owner": scope}}
		}
	}
	return Grant{Role: role, Scope: scope}, nil
}

// LoadPolicy reads who may do what, from where the registry was loaded.
func LoadPolicy(reg *schemas.Registry) (*access.Policy, error) {
	const file = "access.yaml"
	data, err := fs.ReadFile(reg.Files(), file)
	if err != nil {
		return nil, fmt.Errorf("who may do what: %w", err)
	}
	return access.Parse(file, data)
}

// Policy gives the table of who may do what.
func (s *Service) Policy() *access.Policy { return s.policy }

// May gives the grant under which the actor may do that to the object now, or
// nil: for the anonymous, for an action nobody declared, and for everything that
// no rule allows. Actions are the constants of package access.
func (s *Service) May(a Actor, action string, on access.Object) *Grant {
	return s.may(a, action, on, s.now())
}

// Allow is May as an error: nil, or a *Problem of class Unauthenticated or
// Forbidden.
func (s *Service) Allow(a Actor, action string, on access.Object) error {
	switch {
	case a.Anonymous():
		return unauthenticated()
	case s.May(a, action, on) == nil:
		return forbidden()
	}
	return nil
}

func (s *Service) may(a Actor, action string, on access.Object, now time.Time) *Grant {
	if a.Anonymous() {
		return nil
	}
	return s.policy.Permit(action, a.Grants, on, now, s.contains)
}

// met gives the actor's first grant that meets one of a workflow's requirements
// on the object, or nil.
func (s *Service) met(a Actor, needs []access.Requirement, on *access.Object, now time.Time) *Grant {
	if a.Anonymous() {
		return nil
	}
	for _, r := range needs {
		if g := r.Met(a.Grants, on, now, s.contains); g != nil {
			return g
		}
	}
	return nil
}

// Holds says whether the actor has one of those roles now, wherever.
func (s *Service) Holds(a Actor, roles ...string) bool {
	needs := make([]access.Requirement, len(roles))
	for i, r := range roles {
		needs[i].Role = r
	}
	return s.met(a, needs, &access.Object{}, s.now()) != nil
}

// visible decides who sees an unpublished document at all: the rules of the
// action document.see. Everybody else is told that there is no such document.
func (s *Service) visible(a Actor, d *Document, now time.Time) bool {
	if d.Discarded {
		return false
	}
	on := access.Object{Organization: d.Owner, Territories: d.territories(), Is: func(condition string) bool {
		switch condition {
		case access.Own:
			return d.Author == a.ID
		case access.HandedIn:
			return d.HandedIn
		case access.Live:
			return d.Live()
		case access.Translated:
			return len(d.Variants) > 1
		}
		return false
	}}
	for i := range d.Variants {
		on.Locales = append(on.Locales, d.Variants[i].Locale)
	}
	return s.may(a, access.DocumentSee, on, now) != nil
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
