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

// Grant gives a person a role. A role that they have already, given here, gets
// the new end; an end that is past is refused with grant_past. The command line
// and background work make a person known who is not yet; everybody else gets
// content.ErrNotFound. Role and scope are the caller's to check
// (content.ParseGrant).
func (a *Auth) Grant(ctx context.Context, by content.Actor, id string, g content.Grant) (Person, error) {
	if err := someone(by); err != nil {
		return Person{}, err
	}
	g.Until = g.Until.UTC().Truncate(time.Millisecond)
	if !g.Active(a.now()) {
		return Person{}, problem(content.Invalid, codeGrantPast, nil)
	}
	g.By, g.Of = giver(by), ""
	operator := g.By == "command" || strings.HasPrefix(g.By, "system:")
	if operator {
		if err := (&Person{ID: id}).check(); err != nil {
			return Person{}, err
		}
	}
	return a.change(ctx, by, id, func(p *Person, exists bool) (string, map[string]string, error) {
		switch {
		case !exists && !operator:
			return "", nil, content.ErrNotFound
		case !exists:
			*p = Person{ID: id, Name: id, CreatedAt: a.now()}
		case !p.Erased.IsZero():
			return "", nil, problem(content.Conflict, codePersonErased, nil)
		}
		p.Grants = slices.DeleteFunc(p.Grants, func(h content.Grant) bool {
			return h.Role == g.Role && h.Scope == g.Scope && h.Of == "" && !mapped(h)
		})
		p.Grants = append(p.Grants, g)
		return audit.RoleGranted, grantDetails(g), nil
	})
}

// Ungrant takes a role from a person, wherever they have it from, and from all
// to whom they delegated it. A role that a provider's claim gave comes back at
// the next login while the claim is there. content.ErrNotFound says that they do
// not have it.
func (a *Auth) Ungrant(ctx context.Context, by content.Actor, id, role, scope string) (Person, error) {
	if err := someone(by); err != nil {
		return Person{}, err
	}
	return a.change(ctx, by, id, func(p *Person, exists bool) (string, map[string]string, error) {
		kept := slices.DeleteFunc(slices.Clone(p.Grants), func(h content.Grant) bool { return h.Role == role && h.Scope == scope })
		if len(kept) == len(p.Grants) {
			return "", nil, content.ErrNotFound
		}
		p.Grants = kept
		return audit.RoleEnded, grantDetails(content.Grant{Role: role, Scope: scope}), nil
	})
}

// effective gives the roles of a person that hold now. A delegated one holds
// while the person who gave it holds it undelegated and says so too.
func (a *Auth) effective(ctx context.Context, p Person) ([]content.Grant, error) {
	now := a.now()
	var out []content.Grant
	for _, g := range p.Grants {
		if !g.Active(now) {
			continue
		}
		if g.Of != "" {
			giver, err := a.living(ctx, strings.TrimPrefix(g.Of, personPrefix))
			if errors.Is(err, ErrInvalid) {
				continue
			}
			if err != nil {
				return nil, err
			}
			own, holds := giver.undelegated(g.Role, g.Scope, now)
			said := slices.IndexFunc(giver.Delegated, Delegation{To: p.ID, Role: g.Role, Scope: g.Scope}.same)
			if !holds || said < 0 {
				continue
			}
			// The giver's end counts as well: theirs is the record that changes first.
			g.Until = earlier(earlier(g.Until, own.Until), giver.Delegated[said].Until)
			if !g.Active(now) {
				continue
			}
		}
		out = append(out, g)
	}
	return out, nil
}

// undelegated gives the grant of a role that holds longest, of those that are the
// person's own.
func (p *Person) undelegated(role, scope string, now time.Time) (best content.Grant, ok bool) {
	for _, g := range p.Grants {
		if g.Role != role || g.Scope != scope || g.Of != "" || !g.Active(now) {
			continue
		}
		if !ok || g.Until.IsZero() || !best.Until.IsZero() && best.Until.Before(g.Until) {
			best, ok = g, true
		}
	}
	return best, ok
}

// mapped says whether a role comes from a provider's claim.
func mapped(g content.Grant) bool { return strings.HasPrefix(g.By, providerPrefix) }

// giver names who gives a role.
func giver(by content.Actor) string {
	if by.Via == "command" {
		return by.Via
	}
	return by.ID
}

func grantDetails(g content.Grant) map[string]string {
	d := map[string]string{"role": g.Role}
	if g.Scope != "" {
		d["scope"] = g.Scope
	}
	if !g.Until.IsZero() {
		d["until"] = g.Until.Format(time.RFC3339)
	}
	return d
}

// losesAdministrator says that a change would take the role from an
// administrator who holds it until then.
type losesAdministrator struct{ until time.Time }

func (*losesAdministrator) Error() string { return "an administrator would lose the role" }

// leaveFor bounds how long an administrator who is about to leave is not counted.
const leaveFor = time.Minute

// leaving are administrators whose role is about to end. All who take the role
// from somebody change this one record first, so that two who take it from each
// other at the same moment cannot both succeed.
type leaving struct {
	Since map[string]time.Time `json:"since"`
}

const leavingID = "administrators"

// leave lets an administrator, who holds the role until then, lose it: there is
// another one who holds it at least as long and is not leaving. stay is called
// when it is done.
func (a *Auth) leave(ctx context.Context, id string, until time.Time) (stay func() error, err error) {
	err = again(func() error {
		l, version, err := read[leaving](ctx, a, kindLeaving, leavingID)
		if err != nil && !errors.Is(err, content.ErrNotFound) {
			return err
		}
		now := a.now()
		next := leaving{Since: map[string]time.Time{}}
		for who, since := range l.Since {
			if now.Before(since.Add(leaveFor)) {
				next.Since[who] = since
			}
		}
		other, err := a.anyAdministrator(ctx, func(p Person, g content.Grant) bool {
			_, leaves := next.Since[p.ID]
			return p.ID != id && !leaves && earlier(g.Until, until).Equal(until)
		})
		if err != nil {
			return err
		}
		if !other {
			return problem(content.Conflict, codeLastAdministrator, nil)
		}
		next.Since[id] = now
		return a.write(ctx, kindLeaving, leavingID, next, version)
	})
	if err != nil {
		return nil, err
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveFor/2)
		defer cancel()
		return again(func() error {
			l, version, err := read[leaving](ctx, a, kindLeaving, leavingID)
			if err != nil {
				return err
			}
			delete(l.Since, id)
			return a.write(ctx, kindLeaving, leavingID, l, version)
		})
	}, nil
}

// anyAdministrator says whether some living person who holds the role of
// administrator undelegated fits.
func (a *Auth) anyAdministrator(ctx context.Context, fits func(p Person, g content.Grant) bool) (bool, error) {
	const page = 500
	for after := ""; ; {
		ids, people, err := audit.List[Person](ctx, a.ledger, kindPerson, after, page)
		if err != nil {
			return false, err
		}
		now := a.now()
		for _, p := range people {
			if g, ok := p.undelegated("administrator", "", now); ok && p.Erased.IsZero() && fits(p, g) {
				return true, nil
			}
		}
		if len(ids) < page {
			return false, nil
		}
		after = ids[len(ids)-1]
	}
}
