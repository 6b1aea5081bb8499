// Package auth says who is calling.
//
// A caller shows a token ("Authorization: Bearer prassi_…") or, where the
// development login is on, a session cookie. Authenticate turns either into a
// content.Actor with its grants, or refuses; what the actor may then do is
// decided by package content and nowhere else.
//
// Secrets are shown once, when they are made. What is stored is their SHA-256:
// a token carries 256 bits of randomness, so a slow password hash would add
// nothing but load.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// Records is the part of a content.Store that auth needs.
type Records interface {
	GetRecord(ctx context.Context, kind, id string) (*content.Record, error)
	PutRecord(ctx context.Context, r *content.Record, expect int64) error
	DeleteRecord(ctx context.Context, kind, id string, expect int64) error
	ListRecords(ctx context.Context, kind, after string, limit int) ([]*content.Record, error)
}

// The kinds of records.
const (
	kindToken   = "token"
	kindSession = "session"
	kindPerson  = "person"
)

// ErrInvalid is every failed authentication; which part failed is not told.
var ErrInvalid = errors.New("invalid credentials")

// Auth issues and checks credentials. It is safe for concurrent use.
type Auth struct {
	records Records
	clock   func() time.Time

	mu    sync.Mutex
	cache map[string]cached // by hash of the credential
}

// cached remembers an answer briefly, so that a busy caller does not ask the
// store each time; a revocation is felt after cacheFor at the latest.
type cached struct {
	actor content.Actor
	until time.Time
}

const (
	cacheFor  = 2 * time.Second
	cacheSize = 1024
)

// New makes an Auth; clock nil means time.Now.
func New(records Records, clock func() time.Time) *Auth {
	if clock == nil {
		clock = time.Now
	}
	return &Auth{records: records, clock: clock, cache: map[string]cached{}}
}

// Token is what is kept of an API token.
type Token struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Hash      string          `json:"hash"`
	Grants    []content.Grant `json:"grants"`
	CreatedAt time.Time       `json:"created_at"`
	ExpiresAt time.Time       `json:"expires_at"`
}

// TokenPrefix starts every token, so that one that leaks is recognised.
const TokenPrefix = "prassi_"

// MaxTokenLife is the longest a token may live.
const MaxTokenLife = 366 * 24 * time.Hour

// CreateToken makes a token and returns the secret, which is not stored.
func (a *Auth) CreateToken(ctx context.Context, name string, grants []content.Grant, life time.Duration) (string, Token, error) {
	if life <= 0 || life > MaxTokenLife {
		return "", Token{}, fmt.Errorf("a token lives for more than nothing and at most %d days", int(MaxTokenLife.Hours()/24))
	}
	if len(grants) == 0 {
		return "", Token{}, errors.New("a token needs at least one role")
	}
	id, secret, now := random(9), random(32), a.now()
	t := Token{ID: id, Name: name, Hash: hash(secret), Grants: grants, CreatedAt: now, ExpiresAt: now.Add(life)}
	if err := a.put(ctx, kindToken, id, t); err != nil {
		return "", Token{}, err
	}
	return TokenPrefix + id + "." + secret, t, nil
}

// RevokeToken ends a token.
func (a *Auth) RevokeToken(ctx context.Context, id string) error {
	return a.drop(ctx, kindToken, id)
}

// Tokens lists the tokens, without secrets, by id.
func (a *Auth) Tokens(ctx context.Context, after string, limit int) ([]Token, error) {
	return list[Token](ctx, a.records, kindToken, after, limit)
}

// AuthenticateToken gives the actor of a token, or ErrInvalid.
func (a *Auth) AuthenticateToken(ctx context.Context, token string) (content.Actor, error) {
	rest, ok := strings.CutPrefix(token, TokenPrefix)
	id, secret, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || len(id) > 64 || len(secret) > 128 {
		return content.Actor{}, ErrInvalid
	}
	return a.cached(ctx, hash(token), func() (content.Actor, time.Time, error) {
		var t Token
		if err := a.get(ctx, kindToken, id, &t); err != nil {
			return content.Actor{}, time.Time{}, err
		}
		if !same(t.Hash, hash(secret)) || !a.now().Before(t.ExpiresAt) {
			return content.Actor{}, time.Time{}, ErrInvalid
		}
		return content.Actor{ID: "token:" + t.ID, Name: t.Name, Grants: t.Grants}, t.ExpiresAt, nil
	})
}

// Person is somebody who acts, with the roles granted here.
type Person struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Locale string          `json:"locale,omitempty"`
	Grants []content.Grant `json:"grants,omitempty"`
}

// Actor gives the person as an actor.
func (p Person) Actor() content.Actor {
	return content.Actor{ID: "person:" + p.ID, Name: p.Name, Locale: p.Locale, Grants: p.Grants}
}

// PutPerson stores a person, replacing what was known.
func (a *Auth) PutPerson(ctx context.Context, p Person) error {
	return a.put(ctx, kindPerson, p.ID, p)
}

// Grant adds a role to a person, who is made known if need be. A role that the
// person has already gets the new end.
func (a *Auth) Grant(ctx context.Context, id string, g content.Grant) (Person, error) {
	p := Person{ID: id, Name: id}
	if err := a.get(ctx, kindPerson, id, &p); err != nil && !errors.Is(err, ErrInvalid) {
		return p, err
	}
	kept := p.Grants[:0]
	for _, have := range p.Grants {
		if have.Role != g.Role || have.Scope != g.Scope {
			kept = append(kept, have)
		}
	}
	p.Grants = append(kept, g)
	return p, a.PutPerson(ctx, p)
}

// People lists the people known, by id.
func (a *Auth) People(ctx context.Context, after string, limit int) ([]Person, error) {
	return list[Person](ctx, a.records, kindPerson, after, limit)
}

// session is what is kept of a login.
type session struct {
	Person    string    `json:"person"`
	ExpiresAt time.Time `json:"expires_at"`
}

// SessionLife is how long a login lasts.
const SessionLife = 8 * time.Hour

// StartSession logs a person in and returns the cookie's secret value.
func (a *Auth) StartSession(ctx context.Context, person string) (string, time.Time, error) {
	var p Person
	if err := a.get(ctx, kindPerson, person, &p); err != nil {
		return "", time.Time{}, err
	}
	secret, until := random(32), a.now().Add(SessionLife)
	return secret, until, a.put(ctx, kindSession, hash(secret), session{Person: person, ExpiresAt: until})
}

// AuthenticateSession gives the actor of a session, or ErrInvalid.
func (a *Auth) AuthenticateSession(ctx context.Context, secret string) (content.Actor, error) {
	if len(secret) > 128 {
		return content.Actor{}, ErrInvalid
	}
	key := hash(secret)
	return a.cached(ctx, "session "+key, func() (content.Actor, time.Time, error) {
		var s session
		if err := a.get(ctx, kindSession, key, &s); err != nil {
			return content.Actor{}, time.Time{}, err
		}
		var p Person
		if err := a.get(ctx, kindPerson, s.Person, &p); err != nil {
			return content.Actor{}, time.Time{}, err
		}
		if !a.now().Before(s.ExpiresAt) {
			return content.Actor{}, time.Time{}, ErrInvalid
		}
		return p.Actor(), s.ExpiresAt, nil
	})
}

// EndSession logs out. Ending a session that is not there is no error.
func (a *Auth) EndSession(ctx context.Context, secret string) error {
	key := hash(secret)
	a.mu.Lock()
	delete(a.cache, "session "+key)
	a.mu.Unlock()
	err := a.drop(ctx, kindSession, key)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	return err
}

// cached answers from memory for a short while; failures are not remembered.
func (a *Auth) cached(_ context.Context, key string, find func() (content.Actor, time.Time, error)) (content.Actor, error) {
	now := a.now()
	a.mu.Lock()
	c, ok := a.cache[key]
	a.mu.Unlock()
	if ok && now.Before(c.until) {
		return c.actor, nil
	}
	actor, until, err := find()
	if err != nil {
		return content.Actor{}, err
	}
	if limit := now.Add(cacheFor); until.After(limit) {
		until = limit
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.cache) >= cacheSize {
		clear(a.cache)
	}
	a.cache[key] = cached{actor: actor, until: until}
	return actor, nil
}

func (a *Auth) now() time.Time { return a.clock().UTC().Truncate(time.Millisecond) }

// get reads a record's data; what is not there is ErrInvalid.
func (a *Auth) get(ctx context.Context, kind, id string, into any) error {
	r, err := a.records.GetRecord(ctx, kind, id)
	if errors.Is(err, content.ErrNotFound) {
		return ErrInvalid
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(r.Data, into)
}

// put stores a record whatever was there before.
func (a *Auth) put(ctx context.Context, kind, id string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		expect := int64(0)
		old, err := a.records.GetRecord(ctx, kind, id)
		switch {
		case err == nil:
			expect = old.Version
		case !errors.Is(err, content.ErrNotFound):
			return err
		}
		err = a.records.PutRecord(ctx, &content.Record{Kind: kind, ID: id, Data: data, At: a.now()}, expect)
		if !errors.Is(err, content.ErrConflict) || try == 10 {
			return err
		}
	}
}

func (a *Auth) drop(ctx context.Context, kind, id string) error {
	r, err := a.records.GetRecord(ctx, kind, id)
	if err != nil {
		return err
	}
	return a.records.DeleteRecord(ctx, kind, id, r.Version)
}

func list[T any](ctx context.Context, records Records, kind, after string, limit int) ([]T, error) {
	rows, err := records.ListRecords(ctx, kind, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Data, &out[i]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, r.ID, err)
		}
	}
	return out, nil
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
