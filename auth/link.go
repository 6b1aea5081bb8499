package auth

import (
	"context"
	"errors"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// link is a one-time link, under the first digits of its secret, or under
// firstLink.
type link struct {
	Person    string    `json:"person,omitempty"`
	First     bool      `json:"first,omitempty"` // for an administrator who is not known yet
	Hash      string    `json:"hash"`            // of the whole secret
	ExpiresAt time.Time `json:"expires_at"`
	UsedAt    time.Time `json:"used_at,omitzero"`
}

const (
	// MaxLinkLife is the longest a one-time link may wait.
	MaxLinkLife = 7 * 24 * time.Hour

	linkLength = idLength + secretLength
)

func linkInvalid() *content.Problem { return problem(content.NotFound, codeLinkInvalid, nil) }

// CreateLink makes a link with which a person can come in once, whatever else
// they have lost. The secret is told only here.
func (a *Auth) CreateLink(ctx context.Context, by content.Actor, person string, life time.Duration) (secret string, err error) {
	if err := someone(by); err != nil {
		return "", err
	}
	if life < time.Millisecond || life > MaxLinkLife {
		return "", problem(content.Invalid, codeLinkLife, map[string]any{"days": int(MaxLinkLife.Hours() / 24)})
	}
	if _, err := a.living(ctx, person); err != nil {
		if errors.Is(err, ErrInvalid) {
			err = content.ErrNotFound
		}
		return "", err
	}
	secret = random(linkLength)
	l := link{Person: person, Hash: hash(secret), ExpiresAt: a.now().Add(life).Truncate(time.Millisecond)}
	// It is told of before it is there: nobody comes in by what nobody knows of.
	if err := a.ledger.Note(ctx, personPrefix+person, by, audit.LinkMade, details("until", l.ExpiresAt.Format(time.RFC3339))); err != nil {
		return "", err
	}
	return secret, a.write(ctx, kindLink, secret[:idLength], l, 0)
}

// findLink reads a link that is still good, or gives link_invalid, which does not
// tell what is wrong with it.
func (a *Auth) findLink(ctx context.Context, secret string) (id string, l link, version int64, err error) {
	if !wellFormed(secret, linkLength) {
		return "", link{}, 0, linkInvalid()
	}
	for _, id = range []string{secret[:idLength], firstLink} {
		l, version, err = read[link](ctx, a, kindLink, id)
		if !errors.Is(err, content.ErrNotFound) {
			break
		}
	}
	switch {
	case errors.Is(err, content.ErrNotFound):
		return "", link{}, 0, linkInvalid()
	case err != nil:
		return "", link{}, 0, err
	case !same(l.Hash, hash(secret)), !l.UsedAt.IsZero(), !a.now().Before(l.ExpiresAt):
		return "", link{}, 0, linkInvalid()
	case l.First:
		lacking, err := a.lacksAdministrator(ctx)
		if err == nil && !lacking {
			err = linkInvalid()
		}
		return id, l, version, err
	}
	if _, err = a.living(ctx, l.Person); errors.Is(err, ErrInvalid) {
		err = linkInvalid()
	}
	return id, l, version, err
}

// spend uses a link up; exactly one of several callers at once succeeds.
func (a *Auth) spend(ctx context.Context, secret string, by content.Actor) error {
	id, l, version, err := a.findLink(ctx, secret)
	if err != nil {
		return err
	}
	l.UsedAt = a.now()
	if err := a.write(ctx, kindLink, id, l, version); errors.Is(err, content.ErrConflict) {
		return linkInvalid()
	} else if err != nil {
		return err
	}
	subject := personPrefix + l.Person
	if l.First {
		subject = firstSubject
	}
	return a.ledger.Note(ctx, subject, by, audit.LinkUsed, nil)
}

// LinkPerson tells whose a link is, without using it. The link for the first
// administrator is nobody's yet and gives the zero Person. What is wrong with a
// link is always link_invalid.
func (a *Auth) LinkPerson(ctx context.Context, secret string) (Person, error) {
	_, l, _, err := a.findLink(ctx, secret)
	if err != nil || l.First {
		return Person{}, err
	}
	return a.Person(ctx, l.Person)
}

// UseLink uses a link up and gives its person, who may then be given a session.
// The link for the first administrator makes a new person who is one.
func (a *Auth) UseLink(ctx context.Context, secret string) (Person, error) {
	_, l, _, err := a.findLink(ctx, secret)
	if err != nil {
		return Person{}, err
	}
	id := l.Person
	if l.First {
		id = newPersonID()
	}
	by := content.Actor{ID: personPrefix + id, Via: "link"}
	if err := a.spend(ctx, secret, by); err != nil {
		return Person{}, err
	}
	if !l.First {
		return a.Person(ctx, id)
	}
	return a.change(ctx, by, id, func(p *Person, _ bool) (string, map[string]string, error) {
		*p = Person{ID: id, CreatedAt: a.now()}
		return p.beFirst()
	})
}
