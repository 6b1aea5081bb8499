package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"slices"
	"time"
)

// Login is who signed in, as the provider claims and as far as it was checked.
type Login struct {
	Provider string // name of the provider
	Issuer   string
	Subject  string // with Issuer, the one stable name of the person
	Name     string // plain text, one line, bounded; "" when the provider tells none
	Email    string // an address, or ""
	Locale   string // BCP 47, or ""
	SID      string // the provider's session, for back-channel logout; or ""
	ACR      string // how the person was authenticated, as the provider says; or ""
	IDToken  string // for LogoutURL; a secret
	Next     string // a path of this server (LocalPath)
	Link     string // the one-time link's secret that Begin was given
	// CookieName is the cookie to clear.
	CookieName string
	// EmailTrusted: the provider calls Email verified, and Config.TrustEmail is set.
	EmailTrusted bool
	// Grants are the grants ("role@scope") that the roles claim maps to, sorted;
	// MapsRoles says that this provider maps roles at all, so that no grants
	// means that the person has none any more.
	Grants    []string
	MapsRoles bool
}

// onceState is the kind of Options.Once under which used states are kept.
const onceState = "oidc_state"

// The longest parameters of a callback, in bytes.
var callbackParameters = map[string]int{"state": 128, "code": 8 << 10, "iss": 2 << 10, "error": 256}

// Finish handles the browser's return from the provider: cookie gives a cookie's
// value ("" when there is none), query is the callback's, and redirectURI the
// callback's own address. The Login carries CookieName, the cookie to clear,
// also when there is an error, if the callback had a state.
//
// The error is an *Error: sign_in_expired, sign_in_used, sign_in_denied,
// sign_in_invalid, sign_in_level_too_low, provider_unknown,
// provider_unavailable or provider_error; an error of Options.Once is returned
// as it is.
func (s *Set) Finish(ctx context.Context, cookie func(name string) string, query url.Values, redirectURI string) (Login, error) {
	parameters := map[string]string{}
	for name, limit := range callbackParameters {
		values := query[name]
		if len(values) > 1 || len(values) == 1 && len(values[0]) > limit { // RFC 6749, section 3.1
			return Login{}, refuse(codeSignInInvalid, "the parameter %s is repeated or too long", name)
		}
		if len(values) == 1 {
			parameters[name] = values[0]
		}
	}
	state := parameters["state"]
	if state == "" {
		return Login{}, refuse(codeSignInInvalid, "the answer has no state")
	}
	cleared := Login{CookieName: CookieName(state)}
	value := cookie(cleared.CookieName)
	if value == "" {
		return cleared, refuse(codeSignInExpired, "this browser has no cookie for the state")
	}
	begun, ok := s.seal.open(cleared.CookieName, value)
	if !ok {
		return cleared, refuse(codeSignInExpired, "the cookie was not made here")
	}
	expires := time.Unix(begun.Expires, 0)
	if !s.opt.Clock().Before(expires) {
		return cleared, refuse(codeSignInExpired, "the sign-in took too long")
	}
	if subtle.ConstantTimeCompare([]byte(begun.State), []byte(state)) != 1 {
		return cleared, refuse(codeSignInInvalid, "the state is not the cookie's")
	}
	if begun.RedirectURI != redirectURI {
		return cleared, refuse(codeSignInInvalid, "the answer came to another address than it was sent to")
	}
	p, err := s.provider(begun.Provider)
	if err != nil {
		return cleared, err
	}
	// From here on the state is spent, whatever follows.
	sum := sha256.Sum256([]byte(state))
	first, err := s.opt.Once(ctx, onceState, hex.EncodeToString(sum[:]), expires)
	if err != nil {
		return cleared, err
	}
	if !first {
		return cleared, refuse(codeSignInUsed, "the state was used before")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return cleared, err
	}
	if err := p.checkAnswer(m, parameters, query.Has("iss")); err != nil {
		return cleared, err
	}
	login, err := p.redeem(ctx, m, begun, parameters["code"])
	if err != nil {
		return cleared, err
	}
	login.CookieName, login.Next, login.Link = cleared.CookieName, LocalPath(begun.Next), begun.Link
	return login, nil
}

// The errors with which a provider answers an authorization request that mean
// more than "something is wrong" (RFC 6749, section 4.1.2.1; OpenID Connect Core
// 1.0, section 3.1.2.6; OpenID Connect Unmet Authentication Requirements 1.0).
var answers = map[string]string{
	"access_denied":                     codeSignInDenied,
	"login_required":                    codeSignInDenied,
	"consent_required":                  codeSignInDenied,
	"interaction_required":              codeSignInDenied,
	"account_selection_required":        codeSignInDenied,
	"unmet_authentication_requirements": codeSignInLevelTooLow,
	"temporarily_unavailable":           codeProviderUnavailable,
	"server_error":                      codeProviderUnavailable,
	"invalid_request":                   codeProviderError,
	"unauthorized_client":               codeProviderError,
	"unsupported_response_type":         codeProviderError,
	"invalid_scope":                     codeProviderError,
}

// checkAnswer checks from whom an answer with a good state is, and then what it
// says. It gives an error for an answer without a code.
func (p *provider) checkAnswer(m *metadata, parameters map[string]string, hasIss bool) error {
	switch { // RFC 9207, section 2.4
	case hasIss && parameters["iss"] != p.Issuer:
		return refuse(codeSignInInvalid, "the answer is of another issuer (iss)")
	case !hasIss && m.IssParameter:
		return refuse(codeSignInInvalid, "the answer does not say which issuer it is of (iss)")
	}
	code, problem := parameters["code"], parameters["error"]
	switch {
	case code != "" && problem != "":
		return refuse(codeSignInInvalid, "the answer is both a code and an error")
	case problem != "" && answers[problem] != "":
		return refuse(answers[problem], "the provider answered %s", problem)
	case problem != "":
		return refuse(codeProviderError, "the provider answered an error that is not registered")
	case code == "":
		return refuse(codeSignInInvalid, "the answer is neither a code nor an error")
	}
	return nil
}

// redeem exchanges the code and reads who the person is.
func (p *provider) redeem(ctx context.Context, m *metadata, begun pending, code string) (Login, error) {
	token, raw, err := p.exchange(ctx, m, begun, code)
	if err != nil {
		return Login{}, err
	}
	c, err := p.verify(ctx, m, raw, begun.Nonce, token)
	if err != nil {
		return Login{}, err
	}
	subject, acr, sid := c.text("sub"), c.text("acr"), c.text("sid")
	if len(p.ACR) > 0 && !slices.Contains(p.ACR, acr) {
		return Login{}, refuse(codeSignInLevelTooLow, "the ID token's acr is none of those that are demanded")
	}
	if p.Userinfo {
		more, err := p.userinfo(ctx, m, token, subject)
		if err != nil {
			return Login{}, err
		}
		c.add(more)
	}
	login := Login{
		Provider: p.Name, Issuer: p.Issuer, Subject: subject, SID: sid, ACR: acr, IDToken: raw,
		Name: c.name(), Email: c.email(), Locale: c.locale(), MapsRoles: p.RolesClaim != "",
	}
	login.EmailTrusted = p.TrustEmail && login.Email != "" && c.isTrue("email_verified")
	if login.MapsRoles {
		login.Grants = grants(p.Roles, c.at(p.RolesClaim))
	}
	return login, nil
}
