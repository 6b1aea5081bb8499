package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// once is the trace of something that may happen one time only.
type once struct {
	Until time.Time `json:"until"`
}

// Once says whether this is the first time that the key of that kind is seen, by
// any process: exactly one of several callers at once is told yes. The key
// itself is not stored. It must not be able to come back after until, when it
// may be forgotten.
func (a *Auth) Once(ctx context.Context, kind, key string, until time.Time) (first bool, err error) {
	err = a.write(ctx, kindOnce, kind+":"+hash(key), once{Until: until.UTC().Truncate(time.Millisecond)}, 0)
	if errors.Is(err, content.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// stored keeps a key of the installation.
type stored struct {
	Key []byte `json:"key"`
}

// Key gives the installation's key of that name: 32 random bytes, made when
// first asked for, the same for every process on the store.
func (a *Auth) Key(ctx context.Context, name string) ([32]byte, error) {
	a.mu.Lock()
	key, ok := a.keys[name]
	a.mu.Unlock()
	if ok {
		return key, nil
	}
	s, err := audit.Read[stored](ctx, a.ledger, kindKey, name)
	if errors.Is(err, content.ErrNotFound) {
		fresh := make([]byte, len(key))
		rand.Read(fresh) // never fails since Go 1.24
		s, err = audit.Change(ctx, a.ledger, kindKey, name, content.System("keys"), func(s *stored, exists bool) (string, map[string]string, error) {
			if exists {
				return "", nil, nil // another process was faster
			}
			s.Key = fresh
			return audit.KeyMade, map[string]string{"kind": name}, nil
		})
	}
	if err != nil {
		return key, err
	}
	if len(s.Key) != len(key) {
		return key, errors.New("the stored key " + name + " is not whole")
	}
	key = [32]byte(s.Key)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[name] = key
	return key, nil
}

// tag gives the first digits of the ids of a person's sessions and tokens, so
// that they can be listed without reading everybody's. It does not tell who.
func (a *Auth) tag(ctx context.Context, person string) (string, error) {
	key, err := a.Key(ctx, "tags")
	if err != nil {
		return "", err
	}
	sum := pseudonym(key, person)
	var x uint64
	for _, b := range sum[:8] {
		x = x<<8 | uint64(b)
	}
	return base62(x, tagLength), nil
}
