package oidc

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// maxLink bounds a one-time link's secret, in bytes.
const maxLink = 256

// Begin is a sign-in to begin.
type Begin struct {
	// Provider is the name of the provider that the person chose.
	Provider string
	// Next is where to go afterwards; what is not a path of this server becomes
	// "/" (LocalPath).
	Next string
	// Link is the secret of a one-time link that brought the person here, if any.
	Link string
	// RedirectURI is our callback's address, as the provider knows it. One per
	// provider is best where a provider does not send iss (RFC 9207, section 4).
	RedirectURI string
}

// Begin gives the address at the provider to send the browser to, and the cookie
// to send with it. The error is an *Error with provider_unknown,
// provider_unavailable or provider_error.
func (s *Set) Begin(ctx context.Context, b Begin) (location string, cookie Cookie, err error) {
	p, err := s.provider(b.Provider)
	if err != nil {
		return "", Cookie{}, err
	}
	if b.RedirectURI == "" {
		return "", Cookie{}, errors.New("oidc: no redirect URI")
	}
	if len(b.Link) > maxLink {
		return "", Cookie{}, refuse(codeSignInInvalid, "the one-time link is too long")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return "", Cookie{}, err
	}
	begun := pending{
		Provider: p.Name, State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(),
		Next: LocalPath(b.Next), Link: b.Link, RedirectURI: b.RedirectURI,
	}
	cookie = Cookie{Name: CookieName(begun.State), Expires: s.opt.Clock().Add(signInLife)}
	begun.Expires = cookie.Expires.Unix()
	if cookie.Value, err = s.seal.close(cookie.Name, begun); err != nil {
		return "", Cookie{}, errors.New("oidc: " + err.Error())
	}
	parameters := []oauth2.AuthCodeOption{gooidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)}
	if len(p.ACR) > 0 {
		parameters = append(parameters, oauth2.SetAuthURLParam("acr_values", strings.Join(p.ACR, " ")))
	}
	return p.oauth(m, b.RedirectURI).AuthCodeURL(begun.State, parameters...), cookie, nil
}

// oauth is the client as the library wants it. The secret is left out: it is
// added where the code is exchanged and nowhere else.
func (p *provider) oauth(m *metadata, redirectURI string) *oauth2.Config {
	return &oauth2.Config{
		ClientID:    p.ClientID,
		RedirectURL: redirectURI,
		Scopes:      p.Scopes,
		Endpoint:    oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: m.style},
	}
}

// random gives 256 random bits, as 43 characters.
func random() string {
	var b [32]byte
	rand.Read(b[:]) // never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
