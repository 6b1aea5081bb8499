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
		if !a.counts(&p, &g, now) {
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
			own, holds := a.undelegated(&giver, g.Role, g.Scope, now)
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
func (a *Auth) undelegated(p *Person, role, scope string, now time.Time) (best content.Grant, ok bool) {
	for _, g := range p.Grants {
		if g.Role != role || g.Scope != scope || g.Of != "" || !a.counts(p, &g, now) {
			continue
		}
		if !ok || g.Until.IsZero() || !best.Until.IsZero() && best.Until.Before(g.Until) {
			best, ok = g, true
		}
	}
	return best, ok
}

// counts says whether a person's grant holds, as far as their record tells. One
// that a provider's claim gave needs that provider: to be one here still, and to
// have said so not too long ago. Nobody tells us that somebody was disabled
// there; that they log in no more is all there is to see.
func (a *Auth) counts(p *Person, g *content.Grant, now time.Time) bool {
	if !g.Active(now) {
		return false
	}
	provider, claimed := strings.CutPrefix(g.By, providerPrefix)
	if !claimed {
		return true
	}
	if a.providers != nil && !slices.Contains(a.providers(), provider) {
		return false
	}
	return now.Before(p.Mapped[provider].Add(a.mapped))
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
