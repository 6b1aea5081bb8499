package oidc

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Cookie is what a browser keeps between Begin and Finish. Whoever sets it adds
// HttpOnly, SameSite=Lax (Strict would be withheld when the provider sends the
// browser back), Secure, and may put a prefix such as "__Host-" before the name
// as long as Finish is asked without it.
type Cookie struct {
	Name, Value string
	Expires     time.Time
}

const (
	// signInLife is how long a sign-in may take.
	signInLife = 10 * time.Minute
	// cookiePrefix begins the name of every cookie of a sign-in.
	cookiePrefix = "prassi-sign-in-"
	// maxCookie is what a browser keeps of a cookie, name and value, in bytes
	// (RFC 6265, section 6.1).
	maxCookie = 4096
)

// CookieName gives the name of the cookie that belongs to a state: a hash, so
// that tabs do not overwrite each other's and the name tells nothing.
func CookieName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return cookiePrefix + hex.EncodeToString(sum[:8])
}

// pending is a sign-in that was begun.
type pending struct {
	Provider    string `json:"p"`
	State       string `json:"s"`
	Nonce       string `json:"n"`
	Verifier    string `json:"v"`
	Next        string `json:"r"`
	Link        string `json:"l,omitempty"`
	RedirectURI string `json:"u"`
	Expires     int64  `json:"e"` // Unix seconds
}

// sealer encrypts and authenticates cookies (AES-256-GCM, random 96-bit nonce in
// front, base64url). The name is authenticated with the value, so a cookie is
// worth nothing under another name.
type sealer struct{ aead cipher.AEAD }

func newSealer(key [32]byte) (*sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

func (s *sealer) close(name string, p pending) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // "&" is frequent in addresses, and six bytes otherwise
	if err := encoder.Encode(p); err != nil {
		return "", err
	}
	plain := text.Bytes()
	out := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	rand.Read(out) // never fails (Go 1.24)
	value := base64.RawURLEncoding.EncodeToString(s.aead.Seal(out, out, plain, []byte(name)))
	if len(name)+len(value) > maxCookie {
		return "", errors.New("the cookie would be larger than browsers keep")
	}
	return value, nil
}

// open gives the sign-in that a cookie holds; ok is false for anything that
// close has not made under this name.
func (s *sealer) open(name, value string) (p pending, ok bool) {
	// A cookie has one form only: the decoder skips line ends, and, unless it is
	// strict, unused bits of the last character.
	if len(value) > maxCookie || strings.ContainsAny(value, "\r\n") {
		return pending{}, false
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(data) < s.aead.NonceSize() {
		return pending{}, false
	}
	plain, err := s.aead.Open(nil, data[:s.aead.NonceSize()], data[s.aead.NonceSize():], []byte(name))
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return pending{}, false
	}
	return p, true
}
