package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// MaxDelegation is how far away the end of a delegated role may be.
const MaxDelegation = 366 * 24 * time.Hour

// Delegation is a role that a person has given on for a while. It counts while
// the person holds the role, and the receiver's record names it too.
type Delegation struct {
	To    string    `json:"to"`
	Role  string    `json:"role"`
	Scope string    `json:"scope,omitempty"`
	Until time.Time `json:"until"`
}

// same says whether two are the same but for their end.
func (d Delegation) same(o Delegation) bool {
	return d.To == o.To && d.Role == o.Role && d.Scope == o.Scope
}

// Delegate gives a role that by holds on to another person until g.Until, which
// is required, at most MaxDelegation away and not after the end of the role
// itself, nor of the token with which by asks (delegation_end). Only a role that is one's own can be delegated, not
// one that was delegated to oneself (delegation_not_held), and not to oneself.
// Delegating it again sets the new end.
func (a *Auth) Delegate(ctx context.Context, by content.Actor, to string, g content.Grant) (Person, error) {
	from, ok := strings.CutPrefix(by.ID, personPrefix)
	now := a.now()
	g.Until = g.Until.UTC().Truncate(time.Millisecond)
	notHeld := problem(content.Forbidden, codeDelegateNotHeld, map[string]any{"role": g.String()})
	switch {
	case by.Anonymous():
		return Person{}, someone(by)
	case !ok || !slices.ContainsFunc(by.Grants, func(h content.Grant) bool { // a token may hold less than its person
		return h.Role == g.Role && h.Scope == g.Scope && h.Of == "" && h.Active(now)
	}):
		return Person{}, notHeld
	case from == to:
		return Person{}, problem(content.Invalid, codeDelegateSelf, nil)
	case g.Until.IsZero(), g.Until.After(now.Add(MaxDelegation)):
		return Person{}, problem(content.Invalid, codeDelegateEnd, nil)
	case !g.Active(now):
		return Person{}, problem(content.Invalid, codeGrantPast, nil)
	}
	if id, ok := strings.CutPrefix(by.Via, tokenActor); ok {
		with, err := a.Token(ctx, id)
		if err != nil {
			return Person{}, err
		}
		if g.Until.After(with.end()) {
			return Person{}, problem(content.Invalid, codeDelegateEnd, nil)
		}
	}
	if _, err := a.living(ctx, to); err != nil {
		if errors.Is(err, ErrInvalid) {
			err = content.ErrNotFound
		}
		return Person{}, err
	}
	given := Delegation{To: to, Role: g.Role, Scope: g.Scope, Until: g.Until}
	_, err := a.change(ctx, by, from, func(p *Person, _ bool) (string, map[string]string, error) {
		own, holds := a.undelegated(p, g.Role, g.Scope, a.now())
		if !holds || !p.Erased.IsZero() {
			return "", nil, notHeld
		}
		if !earlier(own.Until, g.Until).Equal(g.Until) {
			return "", nil, problem(content.Invalid, codeDelegateEnd, nil)
		}
		p.Delegated = append(slices.DeleteFunc(p.Delegated, given.same), given)
		return "", nil, nil // the entry is in the receiver's record
	})
	if err != nil {
		return Person{}, err
	}
	g.By, g.Of = by.ID, by.ID
	return a.change(ctx, by, to, func(p *Person, exists bool) (string, map[string]string, error) {
		if !exists || !p.Erased.IsZero() {
			return "", nil, content.ErrNotFound
		}
		p.Grants = append(withoutDelegated(p.Grants, given, by.ID), g)
		details := grantDetails(g)
		details["of"] = by.ID
		return audit.RoleDelegated, details, nil
	})
}

// Undelegate ends what by delegated, before its time. content.ErrNotFound says
// that there is nothing to end.
func (a *Auth) Undelegate(ctx context.Context, by content.Actor, to, role, scope string) error {
	from, ok := strings.CutPrefix(by.ID, personPrefix)
	if !ok {
		return errors.Join(someone(by), content.ErrNotFound)
	}
	given := Delegation{To: to, Role: role, Scope: scope}
	// The receiver loses it when the giver's record changes; theirs follows.
	_, err := a.change(ctx, by, from, func(p *Person, _ bool) (string, map[string]string, error) {
		kept := slices.DeleteFunc(slices.Clone(p.Delegated), given.same)
		if len(kept) == len(p.Delegated) {
			return "", nil, content.ErrNotFound
		}
		p.Delegated = kept
		return "", nil, nil // the entry is in the receiver's record
	})
	return err
}

// withdraw takes out of the receiver's record what a giver no longer delegates.
func (a *Auth) withdraw(ctx context.Context, by content.Actor, d Delegation, of string) error {
	p, err := a.Person(ctx, d.To)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	if err != nil || len(withoutDelegated(slices.Clone(p.Grants), d, of)) == len(p.Grants) {
		return err
	}
	details := grantDetails(content.Grant{Role: d.Role, Scope: d.Scope})
	details["of"] = of
	_, err = audit.Change(ctx, a.ledger, kindPerson, d.To, by, func(p *Person, _ bool) (string, map[string]string, error) {
		kept := withoutDelegated(slices.Clone(p.Grants), d, of)
		if len(kept) == len(p.Grants) {
			return "", nil, nil // somebody else was faster
		}
		p.Grants = kept
		return audit.DelegationEnded, details, nil
	})
	a.cache.forget()
	return err
}

func withoutDelegated(grants []content.Grant, d Delegation, of string) []content.Grant {
	return slices.DeleteFunc(grants, func(g content.Grant) bool {
		return g.Of == of && g.Role == d.Role && g.Scope == d.Scope
	})
}

// settle forgets the delegations that are over, by their own end or by that of
// the role. What ended once does not come back when the role is given anew.
func (a *Auth) settle(p *Person, now time.Time) {
	p.Delegated = slices.DeleteFunc(slices.Clone(p.Delegated), func(d Delegation) bool {
		_, holds := a.undelegated(p, d.Role, d.Scope, now)
		return !holds || !p.Erased.IsZero() || !now.Before(d.Until)
	})
	if len(p.Delegated) == 0 {
		p.Delegated = nil
	}
}
