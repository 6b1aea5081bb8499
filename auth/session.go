package auth

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// Session is what may be told of a login.
type Session struct {
	ID        string    `json:"id"` // public: it names the session and opens nothing
	Person    string    `json:"person"`
	Provider  string    `json:"provider,omitempty"`
	SID       string    `json:"sid,omitempty"` // the provider's name for it (OpenID Connect Back-Channel Logout 1.0, section 2.1)
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"` // exact to five minutes
	ExpiresAt time.Time `json:"expires_at"`
	Agent     string    `json:"agent,omitempty"`   // the browser's family, such as "Firefox, Android"
	Address   string    `json:"address,omitempty"` // where it began
}

// session is how a login is stored, under its place: the person's tag and ID.
type session struct {
	Session
	Hash     string `json:"hash"`               // of the whole secret
	Issuer   string `json:"issuer,omitempty"`   // of the provider
	Identity string `json:"identity,omitempty"` // hash of issuer and subject
	// IDToken is sealed with a key that only who has the secret can make, so that
	// a copy of the store does not hold it.
	IDToken []byte `json:"id_token,omitempty"`
}

const (
	// seenEvery bounds how often a session's SeenAt is written, or a quarter of the
	// idle limit where that is less. So the idle limit may be up to this much
	// shorter, never longer.
	seenEvery = 5 * time.Minute
	// MaxSessions is how many sessions a person has at once; the oldest ends.
	MaxSessions = 20
	maxIDToken  = 32 << 10 // bytes; a longer one is not kept
	maxAgent    = 100      // bytes
)

// The secret is made of the person's tag, the session's id, and 256 random bits.
const sessionLength = tagLength + idLength + secretLength

// place gives the key of the record that a secret names.
func place(secret string) (string, bool) {
	if !wellFormed(secret, sessionLength) {
		return "", false
	}
	return secret[:tagLength+idLength], true
}

// end is when the session is over.
func (s *session) end(idle time.Duration) time.Time {
	return earlier(s.ExpiresAt, s.SeenAt.Add(idle))
}

// NewSession is the beginning of a login.
type NewSession struct {
	Person   string
	Provider string
	Issuer   string
	Subject  string
	SID      string
	IDToken  string // kept sealed, for the provider's logout
	Agent    string
	Address  string
	Trace    string // the id of the trace that says from where; made from Address when empty
	Replaces string // the secret of the session before, which ends
}

// StartSession logs a person in. The secret is the cookie's value and told only
// here. ErrInvalid says that there is no such person.
func (a *Auth) StartSession(ctx context.Context, n NewSession) (secret string, out Session, err error) {
	p, err := a.living(ctx, n.Person)
	if err != nil {
		return "", Session{}, err
	}
	tag, err := a.tag(ctx, p.ID)
	if err != nil {
		return "", Session{}, err
	}
	now := a.now()
	s := session{
		Session: Session{
			ID: random(idLength), Person: p.ID, Provider: n.Provider, SID: n.SID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(a.absolute),
			Agent: strings.ToValidUTF8(n.Agent[:min(len(n.Agent), maxAgent)], ""), Address: n.Address,
		},
		Issuer: n.Issuer,
	}
	if n.Subject != "" {
		s.Identity = Identity{n.Issuer, n.Subject}.key()
	}
	secret = tag + s.ID + random(secretLength)
	s.Hash = hash(secret)
	if n.IDToken != "" && len(n.IDToken) <= maxIDToken {
		if s.IDToken, err = seal(secret, n.IDToken); err != nil {
			return "", Session{}, err
		}
	}
	by := content.Actor{ID: personPrefix + p.ID, Via: via(n.Provider), Trace: n.Trace}
	if by.Trace == "" && n.Address != "" {
		if by.Trace, err = a.ledger.Trace(ctx, by.ID, n.Address); err != nil {
			return "", Session{}, err
		}
	}
	if _, _, err := a.endSession(ctx, n.Replaces); err != nil {
		return "", Session{}, err
	}
	if err := a.write(ctx, kindSession, tag+s.ID, s, 0); err != nil {
		return "", Session{}, err
	}
	err = a.limitSessions(ctx, tag, p.ID)
	if err == nil {
		err = a.ledger.Note(ctx, by.ID, by, audit.SignedIn, details("provider", n.Provider, "session", s.ID))
	}
	if err != nil { // what nobody is told of must not be
		return "", Session{}, errors.Join(err, a.drop(context.WithoutCancel(ctx), kindSession, tag+s.ID))
	}
	return secret, s.Session, nil
}

// limitSessions removes a person's sessions that are over, and the oldest beyond
// the most. It comes after the new one is stored: then the last of several
// logins at once sees all of them.
func (a *Auth) limitSessions(ctx context.Context, tag, person string) error {
	live, over, err := a.sessionsOf(ctx, tag, person)
	if err != nil {
		return err
	}
	if extra := len(live) - MaxSessions; extra > 0 {
		over = append(over, live[:extra]...)
		defer a.cache.forget()
	}
	for _, s := range over {
		if err := a.drop(ctx, kindSession, tag+s.ID); err != nil {
			return err
		}
	}
	return nil
}

// sessionsOf reads a person's sessions, the oldest first.
func (a *Auth) sessionsOf(ctx context.Context, tag, person string) (live, over []session, err error) {
	now := a.now()
	err = each(ctx, a, kindSession, tag, func(_ string, _ int64, s session) error {
		switch {
		case s.Person != person: // two tags may be the same by chance
		case now.Before(s.end(a.idle)):
			live = append(live, s)
		default:
			over = append(over, s)
		}
		return nil
	})
	slices.SortFunc(live, func(a, b session) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return live, over, err
}

// find reads the session of a secret that is not over, or gives ErrInvalid.
func (a *Auth) find(ctx context.Context, secret string) (session, int64, error) {
	at, ok := place(secret)
	if !ok {
		return session{}, 0, ErrInvalid
	}
	s, version, err := read[session](ctx, a, kindSession, at)
	if errors.Is(err, content.ErrNotFound) {
		return session{}, 0, ErrInvalid
	}
	if err == nil && (!same(s.Hash, hash(secret)) || !a.now().Before(s.end(a.idle))) {
		err = ErrInvalid
	}
	return s, version, err
}

// AuthenticateSession gives the actor of a session, or ErrInvalid. The answer is
// remembered for two seconds at most, and forgotten at once when this process
// ends the session or changes somebody's roles.
func (a *Auth) AuthenticateSession(ctx context.Context, secret string) (content.Actor, error) {
	if len(secret) != sessionLength {
		return content.Actor{}, ErrInvalid
	}
	now, key := a.now(), sha256.Sum256([]byte(secret))
	actor, generation, ok := a.cache.get(key, now)
	if ok {
		return actor, nil
	}
	s, version, err := a.find(ctx, secret)
	if err != nil {
		return content.Actor{}, err
	}
	p, err := a.living(ctx, s.Person)
	if err != nil {
		return content.Actor{}, err
	}
	if actor, err = a.Actor(ctx, p); err != nil {
		return content.Actor{}, err
	}
	actor.Via = "session"
	end := s.end(a.idle)
	if !now.Before(s.SeenAt.Add(min(seenEvery, a.idle/4))) {
		// Whoever wrote meanwhile has seen it too, or has ended it.
		s.SeenAt = now
		err := a.write(ctx, kindSession, secret[:tagLength+idLength], s, version)
		if err != nil && !errors.Is(err, content.ErrConflict) {
			return content.Actor{}, err
		}
	}
	a.cache.put(key, actor, now, end, generation)
	return actor, nil
}

// Session tells of the session of a secret, or gives ErrInvalid.
func (a *Auth) Session(ctx context.Context, secret string) (Session, error) {
	s, _, err := a.find(ctx, secret)
	if err != nil {
		return Session{}, err
	}
	return s.Session, nil
}

// Sessions lists a person's sessions that are not over, the newest first.
func (a *Auth) Sessions(ctx context.Context, person string) ([]Session, error) {
	tag, err := a.tag(ctx, person)
	if err != nil {
		return nil, err
	}
	live, _, err := a.sessionsOf(ctx, tag, person)
	out := []Session{}
	for _, s := range slices.Backward(live) {
		out = append(out, s.Session)
	}
	return out, err
}

// EndSession logs out, and gives the session with the provider's ID token, for
// the provider's own logout. Ending what is not there is no error.
func (a *Auth) EndSession(ctx context.Context, secret string) (Session, string, error) {
	s, idToken, err := a.endSession(ctx, secret)
	if err == nil && s.ID != "" {
		by := content.Actor{ID: personPrefix + s.Person, Via: "session"}
		err = a.ledger.Note(ctx, by.ID, by, audit.SignedOut, details("session", s.ID))
	}
	return s, idToken, err
}

// endSession removes the session of a secret, over or not.
func (a *Auth) endSession(ctx context.Context, secret string) (Session, string, error) {
	at, ok := place(secret)
	if !ok {
		return Session{}, "", nil
	}
	s, _, err := read[session](ctx, a, kindSession, at)
	if errors.Is(err, content.ErrNotFound) || err == nil && !same(s.Hash, hash(secret)) {
		return Session{}, "", nil
	}
	if err != nil {
		return Session{}, "", err
	}
	if err := a.drop(ctx, kindSession, at); err != nil {
		return Session{}, "", err
	}
	a.cache.forget()
	idToken, err := unseal(secret, s.IDToken)
	return s.Session, idToken, err
}

// EndSessionOf ends one session of a person, from the list of them;
// content.ErrNotFound says that there is none of that id.
func (a *Auth) EndSessionOf(ctx context.Context, by content.Actor, person, id string) error {
	if err := someone(by); err != nil {
		return err
	}
	tag, err := a.tag(ctx, person)
	if err != nil {
		return err
	}
	if !wellFormed(id, idLength) {
		return content.ErrNotFound
	}
	s, _, err := read[session](ctx, a, kindSession, tag+id)
	if err != nil {
		return err
	}
	if s.Person != person {
		return content.ErrNotFound
	}
	if err := a.drop(ctx, kindSession, tag+id); err != nil {
		return err
	}
	a.cache.forget()
	return a.ledger.Note(ctx, personPrefix+person, by, audit.SessionEnded, details("session", id))
}

// EndSessions ends the sessions that a provider says are over (OpenID Connect
// Back-Channel Logout 1.0, section 2.7), and says how many there were: the one
// that it calls sid, or without sid all that it began for the subject. With both,
// those of the subject for which it gave no sid end too: which of them is meant
// cannot be told. Sessions that began at begunBefore or later go on, unless it is
// zero: who says it again may be late.
func (a *Auth) EndSessions(ctx context.Context, issuer, subject, sid string, begunBefore time.Time) (int, error) {
	if issuer == "" || subject == "" && sid == "" {
		return 0, nil
	}
	identity := Identity{issuer, subject}.key()
	prefix := ""
	if subject != "" { // without it nobody knows whose it is, and all are looked at
		at, _, err := read[pointer](ctx, a, kindIdentity, identity)
		if errors.Is(err, content.ErrNotFound) {
			return 0, nil
		}
		if err == nil {
			prefix, err = a.tag(ctx, at.Person)
		}
		if err != nil {
			return 0, err
		}
	}
	ended := map[string]int{}
	count := 0
	provider := ""
	err := each(ctx, a, kindSession, prefix, func(id string, _ int64, s session) error {
		nameless := subject != "" && s.SID == ""
		if s.Issuer != issuer || subject != "" && s.Identity != identity || sid != "" && s.SID != sid && !nameless ||
			!begunBefore.IsZero() && !s.CreatedAt.Before(begunBefore) {
			return nil
		}
		provider = s.Provider
		ended[s.Person]++
		count++
		return a.drop(ctx, kindSession, id)
	})
	a.cache.forget()
	for person, n := range ended {
		by := content.Actor{ID: providerPrefix + provider, Via: via(provider)}
		err = errors.Join(err, a.ledger.Note(ctx, personPrefix+person, by, audit.SessionsEndedByProvider,
			details("provider", provider, "count", strconv.Itoa(n))))
	}
	return count, err
}

// endAll ends a person's sessions, noting how many when there were any.
func (a *Auth) endAll(ctx context.Context, by content.Actor, person string) error {
	tag, err := a.tag(ctx, person)
	if err != nil {
		return err
	}
	live, over, err := a.sessionsOf(ctx, tag, person)
	for _, s := range append(live, over...) {
		err = errors.Join(err, a.drop(ctx, kindSession, tag+s.ID))
	}
	a.cache.forget()
	if err == nil && len(live) > 0 {
		err = a.ledger.Note(ctx, personPrefix+person, by, audit.SessionsEnded, details("count", strconv.Itoa(len(live))))
	}
	return err
}

// derive makes a key out of a session's secret, another one for each purpose.
func derive(secret, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "prassi session: "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths that SHA-256 cannot give
	}
	return key
}

func aead(secret string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive(secret, "id token"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(secret, idToken string) ([]byte, error) {
	c, err := aead(secret)
	if err != nil {
		return nil, err
	}
	return c.Seal(nil, nil, []byte(idToken), nil), nil
}

func unseal(secret string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	c, err := aead(secret)
	if err != nil {
		return "", err
	}
	text, err := c.Open(nil, nil, sealed, nil)
	if err != nil {
		return "", fmt.Errorf("the ID token of a session: %w", err)
	}
	return string(text), nil
}

const nonceLength = 16 // bytes

// FormToken makes a token that a form of the session carries, so that no other
// site can send the form. Each is different, so that compressing answers does
// not tell it (BREACH); all are good while the session is. Without a session it
// is empty.
func (a *Auth) FormToken(secret string) string {
	if _, ok := place(secret); !ok {
		return ""
	}
	nonce := make([]byte, nonceLength)
	rand.Read(nonce) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(formMAC(secret, nonce))
}

// CheckForm says whether a token is one of the session's form tokens. Whether
// the session itself is good, AuthenticateSession says.
func (a *Auth) CheckForm(secret, token string) bool {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if _, ok := place(secret); !ok || err != nil || len(data) != nonceLength+sha256.Size {
		return false
	}
	return hmac.Equal(data, formMAC(secret, data[:nonceLength]))
}

// formMAC gives the nonce with its authentication code.
func formMAC(secret string, nonce []byte) []byte {
	mac := hmac.New(sha256.New, derive(secret, "form"))
	mac.Write(nonce)
	return mac.Sum(slices.Clip(slices.Clone(nonce)))
}

// details makes the details of an entry of pairs, without empty values.
func details(pairs ...string) map[string]string {
	d := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			d[pairs[i]] = pairs[i+1]
		}
	}
	return d
}
