package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

const (
	// maxToken bounds a token, in bytes.
	maxToken = 64 << 10
	// maxSubject bounds a subject, in ASCII characters (OpenID Connect Core 1.0,
	// section 2).
	maxSubject = 255
	// skew is how much the provider's clock may be ahead of ours.
	skew = 5 * time.Minute
	// assertionLife is how long a client assertion is good for.
	assertionLife = time.Minute
)

// exchange gives code and verifier to the token endpoint and returns the access
// token and the ID token, both unchecked.
func (p *provider) exchange(ctx context.Context, m *metadata, begun pending, code string) (access, id string, err error) {
	ctx, cancel := p.context(ctx)
	defer cancel()
	config := p.oauth(m, begun.RedirectURI)
	parameters := []oauth2.AuthCodeOption{oauth2.VerifierOption(begun.Verifier)}
	if p.key == nil {
		config.ClientSecret = p.Secret.Reveal()
	} else {
		assertion, err := p.assertion()
		if err != nil {
			return "", "", refuse(codeProviderError, "the client assertion cannot be signed")
		}
		parameters = append(parameters,
			oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
			oauth2.SetAuthURLParam("client_assertion", assertion))
	}
	token, err := config.Exchange(ctx, code, parameters...)
	if err != nil {
		return "", "", exchangeError(err)
	}
	id, _ = token.Extra("id_token").(string)
	switch {
	case !strings.EqualFold(token.Type(), "Bearer"):
		return "", "", refuse(codeProviderError, "token endpoint: not a bearer token")
	case id == "":
		return "", "", refuse(codeProviderError, "token endpoint: no ID token")
	case len(token.AccessToken) > maxToken || len(id) > maxToken:
		return "", "", refuse(codeProviderError, "token endpoint: a token that is too large")
	}
	return token.AccessToken, id, nil
}

// exchangeError tells what the token endpoint answered, without its text, which
// may quote the secret or the code back.
func exchangeError(err error) error {
	var answered *oauth2.RetrieveError
	var request *url.Error
	switch {
	case errors.As(err, &answered):
		status := answered.Response.StatusCode
		switch answered.ErrorCode { // RFC 6749, section 5.2
		case "invalid_grant": // the code was used, is too old, or is not ours
			return refuse(codeSignInExpired, "token endpoint: invalid_grant (%d)", status)
		case "invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
			return refuse(codeProviderError, "token endpoint: %s (%d)", answered.ErrorCode, status)
		}
		if status >= 500 || status == 429 {
			return refuse(codeProviderUnavailable, "token endpoint: it answered %d", status)
		}
		return refuse(codeProviderError, "token endpoint: it answered %d", status)
	case errors.As(err, &request):
		return refuse(codeProviderUnavailable, "token endpoint: %w", because(err))
	}
	return refuse(codeProviderError, "token endpoint: the answer is not as it should be")
}

// assertion makes a client assertion (RFC 7523, section 3; OpenID Connect Core
// 1.0, section 9). Its only audience is the issuer: an assertion for an endpoint
// could be asked for by one provider and used at another.
func (p *provider) assertion() (string, error) {
	algorithm := jose.ES256
	if _, ok := p.key.(*rsa.PrivateKey); ok {
		algorithm = jose.RS256
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if p.KeyID != "" {
		options.WithHeader("kid", p.KeyID)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: p.key}, options)
	if err != nil {
		return "", err
	}
	now := p.clock()
	payload, err := json.Marshal(map[string]any{
		"iss": p.ClientID, "sub": p.ClientID, "aud": p.Issuer, "jti": random(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// verify checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7) and gives
// its claims. Our checks read names exactly; the library's come on top of them.
func (p *provider) verify(ctx context.Context, m *metadata, raw, nonce, access string) (claims, error) {
	payload, err := p.signed(ctx, m, raw)
	if err != nil {
		return nil, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return nil, refuse(codeSignInInvalid, "ID token: %w", err)
	}
	if err := p.checkCommon(c); err != nil {
		return nil, refuse(codeSignInInvalid, "ID token: %w", err)
	}
	subject := c.text("sub")
	switch {
	case nonce == "" || c.text("nonce") != nonce:
		return nil, refuse(codeSignInInvalid, "ID token: the nonce is not that of this sign-in")
	case subject == "" || len(subject) > maxSubject:
		return nil, refuse(codeSignInInvalid, "ID token: the subject is empty or too long")
	}
	token, err := p.verifier(payload).Verify(ctx, raw)
	if err != nil {
		return nil, refuse(codeSignInInvalid, "ID token: the library refuses it")
	}
	if c["at_hash"] != nil && token.VerifyAccessToken(access) != nil {
		return nil, refuse(codeSignInInvalid, "ID token: at_hash is not of the access token")
	}
	return c, nil
}

// signed checks algorithm and signature, and gives the payload.
func (p *provider) signed(ctx context.Context, m *metadata, raw string) ([]byte, error) {
	payload, err := m.keys.VerifySignature(ctx, raw)
	if errors.Is(err, errKeys) {
		return nil, refuse(codeProviderUnavailable, "%w", err)
	}
	if err != nil {
		return nil, refuse(codeSignInInvalid, "%w", err)
	}
	return payload, nil
}

// checkCommon checks what ID tokens and logout tokens have in common: issuer,
// audience, times.
func (p *provider) checkCommon(c claims) error {
	audience := c.texts("aud")
	_, hasAuthorized := c["azp"]
	issued, hasIssued := c.time("iat")
	expires, hasExpiry := c.time("exp")
	now := p.clock()
	switch {
	case c.text("iss") != p.Issuer:
		return errors.New("it is of another issuer")
	case !slices.Contains(audience, p.ClientID):
		return errors.New("it is for another client (aud)")
	case hasAuthorized && c.text("azp") != p.ClientID:
		return errors.New("it was made for another client (azp)")
	case len(audience) > 1 && !hasAuthorized:
		return errors.New("it is for several clients and does not say for which it was made (azp)")
	case !hasExpiry || !now.Before(expires):
		return errors.New("it has expired")
	case !hasIssued || issued.After(now.Add(skew)):
		return errors.New("it was made in the future (iat)")
	}
	return nil
}

// verifier is the library's, for a token whose signature holds.
func (p *provider) verifier(payload []byte) *gooidc.IDTokenVerifier {
	return gooidc.NewVerifier(p.Issuer, checkedPayload(payload), &gooidc.Config{
		ClientID: p.ClientID, SupportedSigningAlgs: p.Algorithms, Now: p.clock,
	})
}

// checkedPayload is the payload of a token whose signature was checked.
type checkedPayload []byte

// VerifySignature gives the payload.
func (c checkedPayload) VerifySignature(context.Context, string) ([]byte, error) { return c, nil }

// userinfo asks for more claims (OpenID Connect Core 1.0, section 5.3). The
// answer is JSON or, as SPID and CIE have it, a token signed by the provider.
func (p *provider) userinfo(ctx context.Context, m *metadata, access, subject string) (claims, error) {
	ctx, cancel := p.context(ctx)
	defer cancel()
	body, mediaType, err := p.get(ctx, m.Userinfo, access)
	if err != nil {
		return nil, refuse(codeProviderUnavailable, "userinfo: %w", err)
	}
	if mediaType == "application/jwt" {
		if body, err = p.signed(ctx, m, strings.TrimSpace(string(body))); err != nil {
			return nil, err
		}
	}
	c, err := parseClaims(body)
	if err != nil {
		return nil, refuse(codeProviderError, "userinfo: %w", err)
	}
	switch {
	case c.text("sub") != subject:
		return nil, refuse(codeSignInInvalid, "userinfo: it is about somebody else (sub)")
	case mediaType == "application/jwt" && (c.text("iss") != p.Issuer || !slices.Contains(c.texts("aud"), p.ClientID)):
		return nil, refuse(codeSignInInvalid, "userinfo: it is of another issuer or for another client")
	}
	return c, nil
}
