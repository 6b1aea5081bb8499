package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
)

const (
	// logoutEvent is the one event of a logout token.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutLife is how long after it was made a logout token is accepted; the
	// standard recommends two minutes at most.
	logoutLife = 15 * time.Minute
	// onceLogout is the kind of Options.Once under which logout tokens are kept.
	onceLogout = "oidc_logout"
)

// LogoutURL gives the address at the provider that ends the person's session
// there too (OpenID Connect RP-Initiated Logout 1.0) and then leads to
// postLogoutURI, which the provider must know; "" when the provider has none.
// The address holds the ID token: it is for the browser, not for a log. The
// error is provider_unknown, provider_unavailable or provider_error.
func (s *Set) LogoutURL(ctx context.Context, provider, idToken, postLogoutURI string) (string, error) {
	p, err := s.provider(provider)
	if err != nil {
		return "", err
	}
	m, err := p.discover(ctx)
	if err != nil || m.EndSession == "" {
		return "", err
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return "", refuse(codeProviderError, "end_session_endpoint: not a URL")
	}
	query := u.Query()
	query.Set("client_id", p.ClientID)
	if idToken != "" {
		query.Set("id_token_hint", idToken)
	}
	if postLogoutURI != "" {
		query.Set("post_logout_redirect_uri", postLogoutURI)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Logout is a session that ended at the provider: all of Subject's, or the one
// that is SID. One of the two may be empty, never both.
type Logout struct {
	Issuer, Subject, SID string
	// IssuedAt is when the provider says so, to the second and by its clock.
	IssuedAt time.Time
}

// ErrRepeated is the reason why BackChannel refuses a logout token that is good,
// and was used before: a provider that missed the answer sends it again.
// Whoever took it the first time may have failed to end the sessions, so it is
// to be carried out again, but ends none that began after Logout.IssuedAt.
var ErrRepeated = errors.New("it was used before")

// BackChannel checks a logout token (OpenID Connect Back-Channel Logout 1.0,
// section 2.6) that somebody posted. A second time it is refused, with an error
// that is ErrRepeated, beside what it says. The error is an *Error with
// provider_unknown, provider_unavailable or logout_invalid, for which the
// standard wants status 400; an error of Options.Once is returned as it is.
func (s *Set) BackChannel(ctx context.Context, provider, logoutToken string) (Logout, error) {
	p, err := s.provider(provider)
	if err != nil {
		return Logout{}, err
	}
	jws, err := p.parse(logoutToken)
	if err != nil {
		return Logout{}, refuse(codeLogoutInvalid, "logout token: %w", err)
	}
	// Explicit typing (section 2.4) is recommended, not required; "JWT" is what
	// a provider writes that knows no better. An access token is neither.
	switch kind, _ := jws.Signatures[0].Header.ExtraHeaders["typ"].(string); strings.TrimPrefix(strings.ToLower(kind), "application/") {
	case "", "jwt", "logout+jwt":
	default:
		return Logout{}, refuse(codeLogoutInvalid, "logout token: a token of another type")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return Logout{}, err
	}
	payload, err := m.keys.VerifySignature(ctx, logoutToken)
	if errors.Is(err, errKeys) {
		return Logout{}, refuse(codeProviderUnavailable, "%w", err)
	}
	if err != nil {
		return Logout{}, refuse(codeLogoutInvalid, "logout token: %w", err)
	}
	c, err := parseClaims(payload)
	if err == nil {
		err = p.checkCommon(c)
	}
	if err == nil {
		err = p.checkLogout(c)
	}
	if err != nil {
		return Logout{}, refuse(codeLogoutInvalid, "logout token: %w", err)
	}
	if _, err := p.verifier(payload).VerifyLogout(ctx, logoutToken); err != nil {
		return Logout{}, refuse(codeLogoutInvalid, "logout token: the library refuses it")
	}
	// Last, so that only a good token is remembered, and until none like it
	// would be accepted.
	until := s.opt.Clock().Add(logoutLife + skew)
	first, err := s.opt.Once(ctx, onceLogout, p.Name+" "+c.text("jti"), until)
	if err != nil {
		return Logout{}, err
	}
	issued, _ := c.time("iat")
	out := Logout{Issuer: p.Issuer, Subject: c.text("sub"), SID: c.text("sid"), IssuedAt: issued}
	if !first {
		return out, refuse(codeLogoutInvalid, "logout token: %w", ErrRepeated)
	}
	return out, nil
}

// checkLogout checks what only logout tokens have.
func (p *provider) checkLogout(c claims) error {
	var events map[string]json.RawMessage
	var event map[string]json.RawMessage
	_ = json.Unmarshal(c["events"], &events)
	_ = json.Unmarshal(events[logoutEvent], &event)
	_, nonce := c["nonce"]
	issued, _ := c.time("iat")
	subject, sid := c.text("sub"), c.text("sid")
	switch {
	case event == nil:
		return errors.New("it tells of no logout (events)")
	case nonce:
		return errors.New("it has a nonce, as only ID tokens have")
	case c["sub"] != nil && subject == "", c["sid"] != nil && sid == "", subject == "" && sid == "":
		return errors.New("it does not say whose session ended (sub, sid)")
	case len(subject) > maxSubject || len(sid) > maxSubject:
		return errors.New("its subject or session is too long")
	case c.text("jti") == "" || len(c.text("jti")) > maxSubject:
		return errors.New("it has no name (jti)")
	case issued.Before(p.clock().Add(-logoutLife)):
		return errors.New("it is too old (iat)")
	}
	return nil
}
