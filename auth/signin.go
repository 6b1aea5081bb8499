package auth

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// SignIn is what a provider says of somebody who logged in there. Whoever makes
// one has checked it.
type SignIn struct {
	Provider string // its name here
	Issuer   string
	Subject  string
	Name     string
	Email    string
	Locale   string
	// EmailTrusted says that the provider has checked the address and is trusted
	// to.
	EmailTrusted bool
	// Grants are the roles that the provider's claims give, which replace those
	// that they gave before; nil when claims of this provider give none and take
	// none.
	Grants []content.Grant
	// Link is the secret of a one-time link, whose person this login is to be.
	Link string
}

const providerPrefix = "provider:"

// via names a provider as a door.
func via(provider string) string {
	if provider == "" {
		return "login"
	}
	return providerPrefix + provider
}

// errAgain says that what was read has changed meanwhile.
var errAgain = errors.New("it has changed meanwhile")

// SignIn gives the person whose login it is: the one who has this identity; else
// the one of the link; else the one who was invited with this address, when the
// provider is trusted with it and nobody has used the invitation; else a new
// person without roles, who sees nothing but themselves. An address alone leads
// to nobody else's account, and an erased person does not come back.
//
// Refusals are noted: link_invalid, identity_taken (the identity of the link's
// login belongs to another person), login_incomplete.
func (a *Auth) SignIn(ctx context.Context, in SignIn, trace string) (Person, error) {
	p, err := a.signIn(ctx, in, trace)
	var told *content.Problem
	if errors.As(err, &told) && in.Provider != "" {
		by := content.Actor{Via: via(in.Provider), Trace: trace}
		err = errors.Join(told, a.ledger.Note(ctx, providerPrefix+in.Provider, by, audit.SignInRefused,
			details("provider", in.Provider, "reason", told.Code)))
	}
	return p, err
}

// Limits of what a provider says (OpenID Connect Core 1.0, section 2: a subject
// has at most 255 characters).
const (
	maxSubject = 255
	maxIssuer  = 2048
)

func (a *Auth) signIn(ctx context.Context, in SignIn, trace string) (Person, error) {
	if in.Provider == "" || in.Issuer == "" || in.Subject == "" || len(in.Issuer) > maxIssuer || len(in.Subject) > maxSubject ||
		!utf8.ValidString(in.Issuer+in.Subject) || strings.Contains(in.Issuer+in.Subject, "\x00") {
		return Person{}, problem(content.Invalid, codeLoginIncomplete, nil)
	}
	var p Person
	err := again(func() (err error) {
		p, err = a.recognise(ctx, in, trace)
		if errors.Is(err, errAgain) {
			err = content.ErrConflict
		}
		return err
	})
	if err != nil || in.Grants == nil {
		return p, err
	}
	return a.mapRoles(ctx, in, p, trace)
}

// recognise finds or makes the person, binds the identity, and notes what the
// provider says of them.
func (a *Auth) recognise(ctx context.Context, in SignIn, trace string) (Person, error) {
	identity := Identity{in.Issuer, in.Subject}
	at, version, err := read[pointer](ctx, a, kindIdentity, identity.key())
	if err != nil && !errors.Is(err, content.ErrNotFound) {
		return Person{}, err
	}
	known := err == nil
	var owner Person
	begun := false // a login that made the pointer and died
	if known {
		owner, err = a.Person(ctx, at.Person)
		begun = errors.Is(err, content.ErrNotFound)
		if err != nil && !begun {
			return Person{}, err
		}
	}
	invited, err := a.invited(ctx, in)
	if err != nil {
		return Person{}, err
	}
	var bound link
	target := at.Person
	mine := owner.claims(kindIdentity, identity.key())
	switch {
	case in.Link != "":
		if _, bound, _, err = a.findLink(ctx, in.Link); err != nil {
			return Person{}, err
		}
		switch {
		case bound.First && !mine:
			target = newPersonID()
		case !bound.First && mine && owner.ID != bound.Person:
			return Person{}, problem(content.Conflict, codeIdentityTaken, nil)
		case !bound.First:
			target = bound.Person
		}
	case mine, begun:
	case invited != "":
		target = invited
	default:
		target = newPersonID()
	}
	if !known || at.Person != target {
		if err := a.write(ctx, kindIdentity, identity.key(), pointer{Person: target}, version); err != nil {
			return Person{}, err
		}
	}
	by := content.Actor{ID: personPrefix + target, Via: via(in.Provider), Trace: trace}
	if in.Link != "" {
		if err := a.spend(ctx, in.Link, by); err != nil {
			return Person{}, err
		}
	}
	used := "" // the invitation that this login ends
	p, err := a.change(ctx, by, target, func(p *Person, exists bool) (action string, _ map[string]string, err error) {
		now := a.now()
		bind := func() { p.Identities = append(p.Identities, identity) }
		switch {
		case !p.Erased.IsZero():
			return "", nil, errAgain
		case p.claims(kindIdentity, identity.key()):
		case exists && in.Link != "":
			bind()
			action = audit.IdentityBound
		case exists && invited == p.ID && len(p.Identities) == 0 && p.Invited == canonicalEmail(in.Email):
			bind()
			action = audit.IdentityBound
		case exists:
			return "", nil, errAgain
		default:
			*p = Person{ID: target, CreatedAt: now}
			bind()
			action = audit.PersonMade
		}
		used, p.Invited = p.Invited, ""
		if bound.First {
			p.say(in, now)
			return p.beFirst()
		}
		p.say(in, now)
		return action, details("provider", in.Provider), nil
	})
	if errors.Is(err, errAgain) && in.Link != "" { // which is used up
		return Person{}, linkInvalid()
	}
	if err == nil && used != "" {
		err = a.unpoint(ctx, kindInvitation, hash(used), p.ID)
	}
	return p, err
}

// say takes over what a provider says of a person, where it says something: the
// name and address at each login, since the provider has checked them; the
// language only while none is known, since people choose theirs here.
func (p *Person) say(in SignIn, now time.Time) {
	if name := cleanName(in.Name); name != "" {
		if r := []rune(name); len(r) > maxName {
			name = cleanName(string(r[:maxName]))
		}
		p.Name = name
	}
	if canonicalEmail(in.Email) != "" {
		p.Email = strings.TrimSpace(in.Email)
	}
	if l, err := content.CanonicalLocale(in.Locale); err == nil && p.Locale == "" {
		p.Locale = l
	}
	p.SeenAt = now
}

// invited gives the person who was invited with the address of a login that may
// use it, or "".
func (a *Auth) invited(ctx context.Context, in SignIn) (string, error) {
	email := canonicalEmail(in.Email)
	if !in.EmailTrusted || email == "" {
		return "", nil
	}
	at, _, err := read[pointer](ctx, a, kindInvitation, hash(email))
	if errors.Is(err, content.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	p, err := a.living(ctx, at.Person)
	if errors.Is(err, ErrInvalid) || err == nil && (p.Invited != email || len(p.Identities) > 0) {
		return "", nil
	}
	return p.ID, err
}

// mappedEvery bounds how often it is written that claims say what they said
// before, or a quarter of Options.Mapped where that is less. So the roles may end
// up to this much earlier, never later.
const mappedEvery = 24 * time.Hour

// mapRoles replaces the roles that claims of the provider gave. The provider has
// the last word on them: it may take the role from the last administrator, for
// whom then a new link is made (FirstLink).
func (a *Auth) mapRoles(ctx context.Context, in SignIn, p Person, trace string) (Person, error) {
	from := providerPrefix + in.Provider
	by := content.Actor{ID: personPrefix + p.ID, Via: from, Trace: trace}
	var roles []string
	var next []content.Grant
	for _, g := range in.Grants {
		g = content.Grant{Role: g.Role, Scope: g.Scope, Until: g.Until.UTC().Truncate(time.Millisecond), By: from}
		if !slices.ContainsFunc(next, func(h content.Grant) bool { return h.Role == g.Role && h.Scope == g.Scope }) {
			next, roles = append(next, g), append(roles, g.String())
		}
	}
	now := a.now()
	replace := func(p *Person) (changed bool) {
		var had, kept []content.Grant
		for _, g := range p.Grants {
			if g.By == from && g.Of == "" {
				had = append(had, g)
			} else {
				kept = append(kept, g)
			}
		}
		if changed = !reflect.DeepEqual(had, next); changed {
			p.Grants = append(kept, next...)
		}
		p.Mapped = maps.Clone(p.Mapped)
		switch {
		case len(next) == 0:
			delete(p.Mapped, in.Provider)
		case p.Mapped == nil:
			p.Mapped = map[string]time.Time{in.Provider: now}
		default:
			p.Mapped[in.Provider] = now
		}
		return changed
	}
	every := min(mappedEvery, a.mapped/4)
	if recent := len(next) == 0 || now.Before(p.Mapped[in.Provider].Add(every)); !replace(&Person{Grants: p.Grants}) && recent {
		return p, nil
	}
	told := details("provider", in.Provider, "role", shorten(strings.Join(roles, ", ")))
	return a.changeGuarded(ctx, by, p.ID, false, func(p *Person, exists bool) (string, map[string]string, error) {
		if !exists || !p.Erased.IsZero() {
			return "", nil, ErrInvalid
		}
		if !replace(p) {
			return "", nil, nil // no news, but said anew
		}
		return audit.RolesMapped, told, nil
	})
}

// shorten fits a text into a detail of an entry.
func shorten(s string) string {
	if r := []rune(s); len(r) > audit.MaxDetail {
		return string(r[:audit.MaxDetail-1]) + "…"
	}
	return s
}
