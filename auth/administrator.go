package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/access"
)

// Somebody must be administrator, or nobody could give anybody a role. So the
// role is taken from nobody who is the last to hold it (leave), and a start finds
// out whether it was lost nevertheless (FirstLink).

const (
	// FirstLinkLife is how long the link for the first administrator waits.
	FirstLinkLife = 24 * time.Hour

	// firstLink is the one record of links for the first administrator: a new one
	// takes the place of the one before, which dies.
	firstLink    = "first"
	firstGiver   = "system:first_link"
	firstSubject = "administrators:" + firstLink
)

// administrates says whether a person is administrator, for themselves and not by
// delegation, and gives the grant that holds longest.
func (a *Auth) administrates(p *Person, now time.Time) (content.Grant, bool) {
	if !p.Erased.IsZero() {
		return content.Grant{}, false
	}
	return a.undelegated(p, access.Administrator, "", now)
}

// beFirst makes a person the first administrator, and gives what is told of it.
func (p *Person) beFirst() (action string, _ map[string]string, err error) {
	p.Grants = append(p.Grants, content.Grant{Role: access.Administrator, By: firstGiver})
	return audit.RoleGranted, details("role", access.Administrator), nil
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
			if g, ok := a.administrates(&p, now); ok && fits(p, g) {
				return true, nil
			}
		}
		if len(ids) < page {
			return false, nil
		}
		after = ids[len(ids)-1]
	}
}

// FirstLink makes a link for the first administrator when one is needed: no
// living person holds the role, and no token of the operator that is good. The
// one before dies. Losing every administrator is therefore never for ever: it
// comes back with the next start.
func (a *Auth) FirstLink(ctx context.Context) (secret string, needed bool, err error) {
	needed, err = a.lacksAdministrator(ctx)
	if err != nil || !needed {
		return "", false, err
	}
	secret = random(linkLength)
	l := link{First: true, Hash: hash(secret), ExpiresAt: a.now().Add(FirstLinkLife)}
	if err := a.ledger.Note(ctx, firstSubject, content.System("serve"), audit.LinkMade, details("until", l.ExpiresAt.Format(time.RFC3339))); err != nil {
		return "", true, err
	}
	err = again(func() error {
		_, version, err := read[link](ctx, a, kindLink, firstLink)
		if err != nil && !errors.Is(err, content.ErrNotFound) {
			return err
		}
		return a.write(ctx, kindLink, firstLink, l, version)
	})
	return secret, true, err
}

// lacksAdministrator says that nobody and nothing may act as administrator.
func (a *Auth) lacksAdministrator(ctx context.Context) (bool, error) {
	some, err := a.anyAdministrator(ctx, func(Person, content.Grant) bool { return true })
	if err != nil || some {
		return false, err
	}
	const page = 500
	now := a.now()
	for after := ""; ; {
		tokens, err := a.Tokens(ctx, after, page)
		if err != nil {
			return false, err
		}
		for _, t := range tokens {
			after = t.ID
			if t.Person == "" && t.Partner == "" && now.Before(t.end()) &&
				slices.ContainsFunc(t.Grants, func(g content.Grant) bool { return g.Role == access.Administrator && g.Active(now) }) {
				return false, nil
			}
		}
		if len(tokens) < page {
			return true, nil
		}
	}
}
