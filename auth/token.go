package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// Token is what may be told of an API token. It is a person's (Person), a
// partner's (Partner), or the operator's (neither).
type Token struct {
	ID        string          `json:"id"`
	Name      string          `json:"name,omitempty"`
	Person    string          `json:"person,omitempty"`
	Partner   string          `json:"partner,omitempty"`
	Grants    []content.Grant `json:"grants"`
	CreatedAt time.Time       `json:"created_at"`
	ExpiresAt time.Time       `json:"expires_at"`
	UsedAt    time.Time       `json:"used_at,omitzero"` // exact to usedEvery
	RevokedAt time.Time       `json:"revoked_at,omitzero"`
}

// token is how an API token is stored.
type token struct {
	Token
	Hash string `json:"hash"` // of the whole secret
}

// end is when the token is over.
func (t *Token) end() time.Time { return earlier(t.ExpiresAt, t.RevokedAt) }

const (
	// TokenPrefix starts every token, so that one that leaks is recognised.
	TokenPrefix = "prassi_"
	// MaxTokenLife is the longest a token may live.
	MaxTokenLife = 366 * 24 * time.Hour
	// MaxTokens is how many tokens a person has at once.
	MaxTokens = 50
	// usedEvery bounds how often a token's UsedAt is written.
	usedEvery = 10 * time.Minute

	tokenActor    = "token:" // of the actor that a token is, or comes by
	tokenIDLength = tagLength + idLength
	tokenLength   = len(TokenPrefix) + tokenIDLength + secretLength + sumLength
)

// NewToken asks for an API token.
type NewToken struct {
	Name    string // what it is for
	Person  string // whose it is, or
	Partner string // whose it is, or the operator's
	Grants  []content.Grant
	Life    time.Duration
}

// CreateToken makes a token and returns its secret, which is told only here. A
// personal token is made by the person, with roles that they hold where they
// make it (token_role_not_held), so that a token makes none that may do more
// than itself; background work and the command line may make it for them.
func (a *Auth) CreateToken(ctx context.Context, by content.Actor, n NewToken) (secret string, out Token, err error) {
	if err := someone(by); err != nil {
		return "", Token{}, err
	}
	if err := a.checkToken(ctx, by, n); err != nil {
		return "", Token{}, err
	}
	id := random(tokenIDLength)
	if n.Person != "" {
		tag, err := a.tag(ctx, n.Person)
		if err != nil {
			return "", Token{}, err
		}
		id = tag + random(idLength)
	}
	now := a.now()
	t := token{Token: Token{
		ID: id, Name: n.Name, Person: n.Person, Partner: n.Partner, CreatedAt: now, ExpiresAt: now.Add(n.Life).Truncate(time.Millisecond),
	}}
	for _, g := range n.Grants {
		t.Grants = append(t.Grants, content.Grant{Role: g.Role, Scope: g.Scope, Until: g.Until.UTC().Truncate(time.Millisecond), By: giver(by)})
	}
	secret = TokenPrefix + id + random(secretLength)
	secret += checksum(secret)
	t.Hash = hash(secret)
	_, err = audit.Change(ctx, a.ledger, kindToken, id, by, func(v *token, _ bool) (string, map[string]string, error) {
		*v = t
		return audit.TokenMade, details("token", id, "until", t.ExpiresAt.Format(time.RFC3339)), nil
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t.Token, nil
}

func (a *Auth) checkToken(ctx context.Context, by content.Actor, n NewToken) error {
	now := a.now()
	switch {
	case n.Life < time.Millisecond, n.Life > MaxTokenLife:
		return problem(content.Invalid, codeTokenLife, map[string]any{"days": int(MaxTokenLife.Hours() / 24)})
	case utf8.RuneCountInString(n.Name) > maxName, n.Name != cleanName(n.Name),
		utf8.RuneCountInString(n.Partner) > maxName, n.Partner != cleanName(n.Partner):
		return problem(content.Invalid, codeTokenName, nil)
	case len(n.Grants) == 0:
		return problem(content.Invalid, codeTokenRoles, nil)
	case n.Person == "":
		return nil
	}
	p, err := a.living(ctx, n.Person)
	if errors.Is(err, ErrInvalid) {
		return content.ErrNotFound
	}
	if err != nil {
		return err
	}
	holds := by.Grants
	if by.ID != personPrefix+p.ID {
		if !strings.HasPrefix(by.ID, "system:") {
			return problem(content.Forbidden, "forbidden", nil)
		}
		if holds, err = a.effective(ctx, p); err != nil {
			return err
		}
	}
	for _, g := range n.Grants {
		if len(intersect([]content.Grant{g}, holds, now)) == 0 {
			return problem(content.Forbidden, codeTokenNotHeld, map[string]any{"role": g.String()})
		}
	}
	mine, err := a.TokensOf(ctx, p.ID)
	if err != nil {
		return err
	}
	live := 0
	for _, t := range mine {
		if now.Before(t.end()) {
			live++
		}
	}
	if live >= MaxTokens {
		return problem(content.Conflict, codeTooManyTokens, map[string]any{"max": MaxTokens})
	}
	return nil
}

// intersect gives the roles that a person holds and a token names, with the
// earlier end.
func intersect(named, held []content.Grant, now time.Time) []content.Grant {
	var out []content.Grant
	for _, n := range named {
		for _, h := range held {
			if h.Role == n.Role && h.Scope == n.Scope && h.Active(now) && n.Active(now) {
				h.Until = earlier(h.Until, n.Until)
				out = append(out, h)
			}
		}
	}
	return out
}

// Token reads one, or content.ErrNotFound. Those that are over are found until
// retention removes them.
func (a *Auth) Token(ctx context.Context, id string) (Token, error) {
	t, err := audit.Read[token](ctx, a.ledger, kindToken, id)
	return t.Token, err
}

// Tokens lists all tokens by id. A limit below one means all.
func (a *Auth) Tokens(ctx context.Context, after string, limit int) ([]Token, error) {
	_, stored, err := audit.List[token](ctx, a.ledger, kindToken, after, limit)
	out := make([]Token, len(stored))
	for i := range stored {
		out[i] = stored[i].Token
	}
	return out, err
}

// TokensOf lists a person's tokens by id.
func (a *Auth) TokensOf(ctx context.Context, person string) ([]Token, error) {
	tag, err := a.tag(ctx, person)
	if err != nil {
		return nil, err
	}
	out := []Token{}
	const page = MaxTokens
	for after := tag; ; {
		list, err := a.Tokens(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			after = t.ID
			if !strings.HasPrefix(t.ID, tag) {
				return out, nil
			}
			if t.Person == person {
				out = append(out, t)
			}
		}
		if len(list) < page {
			return out, nil
		}
	}
}

// RevokeToken ends a token. content.ErrNotFound says that there is none, or that
// it was revoked before.
func (a *Auth) RevokeToken(ctx context.Context, by content.Actor, id string) error {
	if err := someone(by); err != nil {
		return err
	}
	if !wellFormed(id, tokenIDLength) {
		return content.ErrNotFound
	}
	return a.endToken(ctx, by, id, func(t *token) error {
		if !t.RevokedAt.IsZero() {
			return content.ErrNotFound
		}
		return nil
	})
}

// endToken revokes a token, unless first, which may change it too, refuses.
func (a *Auth) endToken(ctx context.Context, by content.Actor, id string, first func(*token) error) error {
	_, err := audit.Change(ctx, a.ledger, kindToken, id, by, func(t *token, exists bool) (string, map[string]string, error) {
		if !exists {
			return "", nil, content.ErrNotFound
		}
		if err := first(t); err != nil {
			return "", nil, err
		}
		if !t.RevokedAt.IsZero() {
			return "", nil, nil
		}
		t.RevokedAt = a.now()
		return audit.TokenEnded, details("token", id), nil
	})
	a.cache.forget()
	return err
}

// tokenID gives the id in a token whose checksum is right.
func tokenID(s string) (string, bool) {
	if len(s) != tokenLength || !strings.HasPrefix(s, TokenPrefix) || !wellFormed(s[len(TokenPrefix):], tokenLength-len(TokenPrefix)) {
		return "", false
	}
	body := s[:tokenLength-sumLength]
	return body[len(TokenPrefix) : len(TokenPrefix)+tokenIDLength], checksum(body) == s[len(body):]
}

// AuthenticateToken gives the actor of a token, or ErrInvalid. A personal token
// acts as the person, with the roles that it names and the person holds now; any
// other acts as itself. The answer is remembered as that of AuthenticateSession.
func (a *Auth) AuthenticateToken(ctx context.Context, secret string) (content.Actor, error) {
	id, ok := tokenID(secret)
	if !ok {
		return content.Actor{}, ErrInvalid
	}
	now, key := a.now(), sha256.Sum256([]byte(secret))
	actor, generation, ok := a.cache.get(key, now)
	if ok {
		return actor, nil
	}
	t, err := audit.Read[token](ctx, a.ledger, kindToken, id)
	if errors.Is(err, content.ErrNotFound) {
		err = ErrInvalid
	}
	if err != nil {
		return content.Actor{}, err
	}
	if !same(t.Hash, hash(secret)) || !now.Before(t.end()) {
		return content.Actor{}, ErrInvalid
	}
	if t.Person == "" {
		actor = content.Actor{ID: tokenActor + t.ID, Name: t.Name, Grants: t.Grants}
	} else {
		p, err := a.living(ctx, t.Person)
		if err != nil {
			return content.Actor{}, err
		}
		if actor, err = a.Actor(ctx, p); err != nil {
			return content.Actor{}, err
		}
		actor.Grants = intersect(t.Grants, actor.Grants, now)
	}
	actor.Via = tokenActor + t.ID
	if !now.Before(t.UsedAt.Add(usedEvery)) {
		if err := a.used(ctx, id, now); err != nil {
			return content.Actor{}, err
		}
	}
	a.cache.put(key, actor, now, t.end(), generation)
	return actor, nil
}

// used notes the use of a token, without an entry: it is no change.
func (a *Auth) used(ctx context.Context, id string, now time.Time) error {
	_, err := audit.Change(ctx, a.ledger, kindToken, id, content.Actor{}, func(t *token, exists bool) (string, map[string]string, error) {
		if !exists {
			return "", nil, ErrInvalid
		}
		if t.UsedAt.Before(now) {
			t.UsedAt = now
		}
		return "", nil, nil
	})
	if errors.Is(err, content.ErrConflict) {
		return nil // others note it all the time
	}
	return err
}
