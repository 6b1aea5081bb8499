package auth

import (
	"context"
	"errors"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// Erase forgets who a person is (Regulation (EU) 2016/679, article 17): name,
// address, language, identities and roles go, sessions, tokens and links end, and
// from where they came is forgotten (audit.Ledger.ForgetTraces). The id stays as a
// pseudonym, so that documents keep their author and every chain verifies. The
// last administrator cannot be erased. Erasing again finishes what was
// interrupted.
func (a *Auth) Erase(ctx context.Context, by content.Actor, id string) error {
	return a.erase(ctx, by, id, func(*Person) bool { return true })
}

// erase is Erase for who is still as somebody has seen them; errAgain is for who
// is not.
func (a *Auth) erase(ctx context.Context, by content.Actor, id string, still func(*Person) bool) error {
	if err := someone(by); err != nil {
		return err
	}
	// From here on they are nobody.
	_, err := a.change(ctx, by, id, func(p *Person, exists bool) (string, map[string]string, error) {
		switch {
		case !exists:
			return "", nil, content.ErrNotFound
		case !still(p):
			return "", nil, errAgain
		}
		action := ""
		if p.Erased.IsZero() {
			action = audit.PersonErased
			p.Erased = a.now()
		}
		*p = Person{ID: id, CreatedAt: p.CreatedAt, Erased: p.Erased}
		return action, nil, nil
	})
	if err != nil {
		return err
	}
	// All that leads to them, also what a login that died has left behind.
	for _, kind := range []string{kindIdentity, kindInvitation} {
		err := each(ctx, a, kind, "", func(key string, _ int64, at pointer) error {
			if at.Person != id {
				return nil
			}
			return a.unpoint(ctx, kind, key, id)
		})
		if err != nil {
			return err
		}
	}
	if err := a.endAll(ctx, by, id); err != nil {
		return err
	}
	tokens, err := a.TokensOf(ctx, id)
	for _, t := range tokens {
		err = errors.Join(err, a.endToken(ctx, by, t.ID, func(t *token) error {
			t.Name = ""
			return nil
		}))
	}
	if err == nil {
		err = each(ctx, a, kindLink, "", func(key string, _ int64, l link) error {
			if l.Person != id {
				return nil
			}
			return a.drop(ctx, kindLink, key)
		})
	}
	if err == nil {
		_, err = a.ledger.ForgetTraces(ctx, personPrefix+id)
	}
	return err
}

// unpoint removes a pointer that leads to a person.
func (a *Auth) unpoint(ctx context.Context, kind, id, person string) error {
	return again(func() error {
		at, version, err := read[pointer](ctx, a, kind, id)
		if err == nil && at.Person == person {
			err = a.records.DeleteRecord(ctx, kind, id, version)
		}
		if errors.Is(err, content.ErrNotFound) {
			return nil
		}
		return err
	})
}
