package auth

import (
	"cmp"
	"context"
	"errors"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Person is somebody who acts, with the roles that they have here. The id is
// opaque and stays for ever: content and audit name people by it.
type Person struct {
	ID     string          `json:"id"`
	Name   string          `json:"name,omitempty"`
	Email  string          `json:"email,omitempty"`
	Locale string          `json:"locale,omitempty"`
	Grants []content.Grant `json:"grants,omitempty"`
	// Delegated are the roles that the person has delegated; each ends with the
	// role it comes from.
	Delegated  []Delegation `json:"delegated,omitempty"`
	Identities []Identity   `json:"identities,omitempty"`
	// Mapped is when each provider's claims last said which roles they give, exact
	// to mappedEvery: those roles count for Options.Mapped from then on.
	Mapped map[string]time.Time `json:"mapped,omitempty"`
	// Invited is the address that was invited, until the first login.
	Invited   string    `json:"invited,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	SeenAt    time.Time `json:"seen_at,omitzero"` // the last login
	Erased    time.Time `json:"erased,omitzero"`
}

// Identity is how a provider names somebody (OpenID Connect Core 1.0, section
// 5.7: only both together are unique).
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

const personPrefix = "person:"

// Actor gives the person as an actor with the roles that need nobody else: what
// was delegated to them is left out, because it depends on the person who
// delegated it (Auth.Actor knows). Who is erased is nobody.
func (p Person) Actor() content.Actor {
	if p.ID == "" || !p.Erased.IsZero() {
		return content.Actor{}
	}
	a := content.Actor{ID: personPrefix + p.ID, Name: p.Name, Locale: p.Locale}
	for _, g := range p.Grants {
		if g.Of == "" {
			a.Grants = append(a.Grants, g)
		}
	}
	return a
}

// Actor gives the person as an actor with all roles that hold now, delegated
// ones included.
func (a *Auth) Actor(ctx context.Context, p Person) (content.Actor, error) {
	actor := p.Actor()
	if actor.Anonymous() {
		return actor, nil
	}
	var err error
	actor.Grants, err = a.effective(ctx, p)
	return actor, err
}

// Person reads one, or content.ErrNotFound. Those erased are found, without
// anything that tells who they were.
func (a *Auth) Person(ctx context.Context, id string) (Person, error) {
	return audit.Read[Person](ctx, a.ledger, kindPerson, id)
}

// People lists people by id, the erased included. A limit below one means all.
func (a *Auth) People(ctx context.Context, after string, limit int) ([]Person, error) {
	_, people, err := audit.List[Person](ctx, a.ledger, kindPerson, after, limit)
	return people, err
}

// living reads a person who is not erased; otherwise it gives ErrInvalid.
func (a *Auth) living(ctx context.Context, id string) (Person, error) {
	p, err := a.Person(ctx, id)
	if errors.Is(err, content.ErrNotFound) || err == nil && !p.Erased.IsZero() {
		return Person{}, ErrInvalid
	}
	return p, err
}

// Limits of what is known of a person.
const (
	maxName  = 200 // characters
	maxEmail = 254 // bytes (RFC 5321, section 4.5.3.1.3, as erratum 1690 of RFC 3696 counts)
	maxID    = 64  // bytes
)

// Invite makes a person who has not logged in yet. With an e-mail address, the
// first login by a provider that is trusted to have checked that address is
// theirs. An address can be invited once at a time: code already_invited.
func (a *Auth) Invite(ctx context.Context, by content.Actor, p Person) (Person, error) {
	if err := someone(by); err != nil {
		return Person{}, err
	}
	p = Person{ID: newPersonID(), Name: p.Name, Email: strings.TrimSpace(p.Email), Locale: p.Locale}
	if err := p.check(); err != nil {
		return Person{}, err
	}
	if p.Email != "" {
		p.Invited = canonicalEmail(p.Email)
	}
	return p, a.store(ctx, by, &p, audit.PersonInvited)
}

// MaxOwnName is the longest name that people give themselves, in characters.
const MaxOwnName = 100

// Introduce takes over what a person says of themselves: the name that colleagues
// read, which is needed, and the language in which to speak to them; an empty one
// leaves what is known. content.ErrNotFound says that there is nobody, or nobody
// any more.
func (a *Auth) Introduce(ctx context.Context, by content.Actor, id, name, locale string) (Person, error) {
	if err := someone(by); err != nil {
		return Person{}, err
	}
	said := Person{ID: id, Name: strings.TrimSpace(name), Locale: locale}
	if n := utf8.RuneCountInString(said.Name); n == 0 {
		return Person{}, wrongPerson(schemas.Issue{Path: "/name", Code: schemas.CodeRequired, Params: map[string]any{"field": "name"}})
	} else if n > MaxOwnName {
		return Person{}, wrongPerson(schemas.Issue{Path: "/name", Code: schemas.CodeTooLong, Params: map[string]any{"max": MaxOwnName, "actual": n, "unit": "characters"}})
	}
	if err := said.check(); err != nil {
		return Person{}, err
	}
	return a.change(ctx, by, id, func(p *Person, exists bool) (string, map[string]string, error) {
		locale := cmp.Or(said.Locale, p.Locale)
		switch {
		case !exists || !p.Erased.IsZero():
			return "", nil, content.ErrNotFound
		case p.Name == said.Name && p.Locale == locale:
			return "", nil, nil
		}
		p.Name, p.Locale = said.Name, locale
		return audit.PersonChanged, nil, nil
	})
}

// PutPerson stores a person with a chosen id, replacing what was known: for
// examples, tests and imports. What was delegated, when claims were mapped, and
// the time of the first sight stay unless p says otherwise. Who is erased cannot be put back.
func (a *Auth) PutPerson(ctx context.Context, by content.Actor, p Person) error {
	if err := someone(by); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	if p.Invited != "" {
		p.Invited = canonicalEmail(p.Invited)
	}
	p.Grants = slices.Clone(p.Grants) // the caller's stay as they are
	for i := range p.Grants {
		if p.Grants[i].By == "" {
			p.Grants[i].By = giver(by)
		}
		p.Grants[i].Until = p.Grants[i].Until.UTC().Truncate(time.Millisecond)
	}
	return a.store(ctx, by, &p, audit.PersonChanged)
}

// store writes a whole person and where to look for them.
func (a *Auth) store(ctx context.Context, by content.Actor, p *Person, as string) error {
	if p.Invited != "" {
		if err := a.pointTo(ctx, kindInvitation, hash(p.Invited), p.ID); err != nil {
			return taken(err, codeInvited)
		}
	}
	for _, i := range p.Identities {
		if err := a.pointTo(ctx, kindIdentity, i.key(), p.ID); err != nil {
			return taken(err, codeIdentityTaken)
		}
	}
	stored, err := a.change(ctx, by, p.ID, func(old *Person, exists bool) (string, map[string]string, error) {
		if !old.Erased.IsZero() {
			return "", nil, problem(content.Conflict, codePersonErased, nil)
		}
		action := as
		next := *p
		next.Grants = slices.Clone(p.Grants)
		if next.CreatedAt.IsZero() {
			next.CreatedAt = old.CreatedAt
		}
		if next.CreatedAt.IsZero() {
			next.CreatedAt = a.now()
		}
		if next.Delegated == nil {
			next.Delegated = old.Delegated
		}
		if next.Mapped == nil {
			next.Mapped = old.Mapped
		}
		switch {
		case exists && action == audit.PersonChanged && reflect.DeepEqual(*old, next):
			return "", nil, nil
		case !exists && action == audit.PersonChanged:
			action = audit.PersonMade
		}
		*old = next
		return action, nil, nil
	})
	*p = stored
	return err
}

func taken(err error, code string) error {
	if errors.Is(err, errTaken) {
		return problem(content.Conflict, code, nil)
	}
	return err
}

// check refuses data that no person has.
func (p *Person) check() error {
	var issues []schemas.Issue
	if !fitID(p.ID) {
		issues = append(issues, schemas.Issue{Path: "/id", Code: schemas.CodeInvalidIdentifier})
	}
	switch n := utf8.RuneCountInString(p.Name); {
	case n > maxName:
		issues = append(issues, schemas.Issue{Path: "/name", Code: schemas.CodeTooLong, Params: map[string]any{"max": maxName, "actual": n, "unit": "characters"}})
	case p.Name != cleanName(p.Name):
		issues = append(issues, schemas.Issue{Path: "/name", Code: schemas.CodeControlCharacter})
	}
	for path, email := range map[string]string{"/email": p.Email, "/invited": p.Invited} {
		if email != "" && canonicalEmail(email) == "" {
			issues = append(issues, schemas.Issue{Path: path, Code: schemas.CodeInvalidEmail})
		}
	}
	if p.Locale != "" {
		if l, err := content.CanonicalLocale(p.Locale); err != nil {
			issues = append(issues, schemas.Issue{Path: "/locale", Code: schemas.CodeInvalidLanguage})
		} else {
			p.Locale = l
		}
	}
	if len(issues) > 0 {
		return wrongPerson(issues...)
	}
	return nil
}

func fitID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool {
		return r > unicode.MaxASCII || !(unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.')
	})
}

func newPersonID() string { return random(16) }

// cleanName takes out of a name what could play tricks where it is shown:
// control characters and those that turn the direction of text.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// canonicalEmail gives an address in the one way in which it is compared, or ""
// when it is none: the whole is taken without regard to case, as providers do,
// but only that of ASCII. Other letters become the same as well (U+212A, the sign
// of Kelvin, is a small k), and are another mailbox.
func canonicalEmail(s string) string {
	s = strings.TrimSpace(s)
	at, err := mail.ParseAddress(s)
	if err != nil || len(s) > maxEmail || at.Name != "" || at.Address != s || strings.ContainsAny(s, "\" \r\n") {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// change alters a person through the ledger. Whatever takes the role of
// administrator away, or gives it an end, needs another one who holds it for as
// long: code last_administrator. Roles that the person lost end for those to
// whom they were delegated.
func (a *Auth) change(ctx context.Context, by content.Actor, id string, do func(p *Person, exists bool) (string, map[string]string, error)) (Person, error) {
	p, err := a.changeGuarded(ctx, by, id, true, do)
	var losing *losesAdministrator
	if !errors.As(err, &losing) {
		return p, err
	}
	stay, err := a.leave(ctx, id, losing.until)
	if err != nil {
		return Person{}, err
	}
	// Others do not count on this person until it is done, nor longer than
	// leaveFor if this process dies: so it must be done before.
	ctx, cancel := context.WithTimeout(ctx, leaveFor/2)
	defer cancel()
	p, err = a.changeGuarded(ctx, by, id, false, do)
	return p, errors.Join(err, stay())
}

func (a *Auth) changeGuarded(ctx context.Context, by content.Actor, id string, guard bool, do func(p *Person, exists bool) (string, map[string]string, error)) (Person, error) {
	if !fitID(id) {
		return Person{}, content.ErrNotFound
	}
	var ended []Delegation
	p, err := audit.Change(ctx, a.ledger, kindPerson, id, by, func(p *Person, exists bool) (string, map[string]string, error) {
		now := a.now()
		given := slices.Clone(p.Delegated)
		a.settle(p, now) // what ended by itself must not come back with a new end
		held, was := a.administrates(p, now)
		action, details, err := do(p, exists)
		if err != nil {
			return "", nil, err
		}
		p.ID = id
		a.settle(p, now)
		holds, is := a.administrates(p, now)
		if guard && was && (!is || !earlier(holds.Until, held.Until).Equal(held.Until)) {
			return "", nil, &losesAdministrator{until: held.Until}
		}
		ended = slices.DeleteFunc(given, func(d Delegation) bool {
			return slices.ContainsFunc(p.Delegated, func(k Delegation) bool { return k.same(d) })
		})
		return action, details, nil
	})
	if err != nil {
		return Person{}, err
	}
	a.cache.forget()
	for _, d := range ended {
		if err := a.withdraw(ctx, by, d, personPrefix+id); err != nil {
			return Person{}, err
		}
	}
	return p, nil
}

// pointer is where to look for a person.
type pointer struct {
	Person string `json:"person"`
}

// errTaken says that a pointer leads to somebody else, who claims it.
var errTaken = errors.New("it is somebody else's")

// claims says whether a person's own record confirms a pointer.
func (p *Person) claims(kind, id string) bool {
	if !p.Erased.IsZero() {
		return false
	}
	if kind == kindInvitation {
		return p.Invited != "" && hash(p.Invited) == id
	}
	return slices.ContainsFunc(p.Identities, func(i Identity) bool { return i.key() == id })
}

// pointTo makes a pointer lead to a person, unless somebody else claims it.
func (a *Auth) pointTo(ctx context.Context, kind, id, person string) error {
	return again(func() error {
		at, version, err := read[pointer](ctx, a, kind, id)
		switch {
		case errors.Is(err, content.ErrNotFound):
		case err != nil:
			return err
		case at.Person == person:
			return nil
		default:
			owner, err := a.Person(ctx, at.Person)
			if err != nil && !errors.Is(err, content.ErrNotFound) {
				return err
			}
			if owner.claims(kind, id) {
				return errTaken
			}
		}
		return a.write(ctx, kind, id, pointer{Person: person}, version)
	})
}

// key is the id of an identity's pointer.
func (i Identity) key() string { return hash(i.Issuer + "\x00" + i.Subject) }
