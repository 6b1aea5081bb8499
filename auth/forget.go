package auth

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// story is what the ledger tells of people whom retention erases: how it begins,
// and what else it may tell. It is kept for ever and tells of every role, so of
// whom it tells nothing else never had one, and nobody brings content without.
// What is not listed keeps a person, whatever it is.
type story struct {
	begins, goesOn []string
	came           bool // they were here, or never were: neither in person nor by a token
	roleless       bool // they hold no role now
}

var (
	// visitors came by themselves, since everybody can sign in, or were invited;
	// they never had a role.
	visitors = story{
		begins: []string{audit.PersonMade, audit.PersonInvited},
		goesOn: []string{
			audit.PersonChanged, audit.IdentityBound, audit.IdentityRemoved, audit.LinkMade, audit.LinkUsed, audit.LinkEnded,
			audit.SignedIn, audit.SignedOut, audit.SessionEnded, audit.SessionsEnded, audit.SessionsEndedByProvider,
		},
		came: true, roleless: true,
	}
	// invitations were never answered. A role that waits for an answer keeps none:
	// nobody has ever used it.
	invitations = story{
		begins: []string{audit.PersonInvited},
		goesOn: []string{audit.RoleGranted, audit.RoleEnded, audit.RoleDelegated, audit.DelegationEnded, audit.LinkMade, audit.LinkEnded},
	}
)

// forget erases the people of a story of whom nothing was told since before.
func (a *Auth) forget(ctx context.Context, of *story, before time.Time) (n int, err error) {
	const page = 500
	by := content.System("retention")
	by.Via = "schedule"
	for after := ""; ; {
		people, err := a.People(ctx, after, page)
		if err != nil {
			return n, err
		}
		for _, p := range people {
			after = p.ID
			over, err := a.over(ctx, of, &p, before)
			if err != nil {
				return n, err
			}
			if !over {
				continue
			}
			err = a.erase(ctx, by, p.ID, func(now *Person) bool {
				return now.Erased.IsZero() && now.SeenAt.Equal(p.SeenAt) && reflect.DeepEqual(now.Grants, p.Grants) && reflect.DeepEqual(now.Identities, p.Identities)
			})
			var told *content.Problem
			switch {
			case errors.Is(err, errAgain), errors.Is(err, content.ErrNotFound): // they have come just now
			case errors.As(err, &told) && told.Code == codeLastAdministrator: // whoever invites one waits for them
			case err != nil:
				return n, err
			default:
				n++
			}
		}
		if len(people) < page {
			return n, nil
		}
	}
}

// over says whether a person is of a story that ended before that time.
func (a *Auth) over(ctx context.Context, of *story, p *Person, before time.Time) (bool, error) {
	if !p.Erased.IsZero() || !p.CreatedAt.Before(before) || !p.SeenAt.Before(before) {
		return false, nil
	}
	if of.roleless && len(p.Grants) > 0 {
		return false, nil
	}
	me := personPrefix + p.ID
	told, err := a.ledger.Entries(ctx, me, 0, 0)
	if err != nil || len(told) == 0 || !told[len(told)-1].At.Before(before) {
		return false, err
	}
	came := !p.SeenAt.IsZero() || len(p.Identities) > 0
	for i, e := range told {
		came = came || e.Action == audit.SignedIn || e.Action == audit.LinkUsed
		switch {
		case i == 0 && !slices.Contains(of.begins, e.Action),
			i > 0 && !slices.Contains(of.goesOn, e.Action),
			// Whoever was put here by somebody else may have been put with roles.
			e.Action == audit.PersonMade && !strings.HasPrefix(e.Via, providerPrefix),
			e.Action == audit.PersonChanged && e.Actor != me:
			return false, nil
		}
	}
	if came || of.came {
		return came == of.came, nil
	}
	tokens, err := a.TokensOf(ctx, p.ID)
	return len(tokens) == 0, err
}
