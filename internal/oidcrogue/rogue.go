// Package oidcrogue is an OpenID provider for the tests that does what it is
// told: as it comes it is a correct one, with PKCE, one use a code and iss in its
// answers, and a test makes it lie about one thing at a time.
//
//	Begin's address ──▶ Answer ──▶ the callback's address (code, state, iss)
//	                      │ signs the ID token now, so that a benchmark of the
//	                      ▼ other side does not measure it
//	token endpoint ◀── code, verifier
//
// It needs no network: Client's transport answers in the process.
package oidcrogue

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is a provider with one client. Its fields are changed before it is
// asked, by one goroutine.
type Provider struct {
	Issuer, ClientID, Secret string
	// Claims changes what an ID token says.
	Claims func(claims map[string]any)
	// Sign makes the token of a payload; nil signs with RS256.
	Sign func(payload []byte) string
	// Clock is time.Now when nil.
	Clock func() time.Time

	key   *rsa.PrivateKey
	mu    sync.Mutex
	codes map[string]grant
}

// grant is what a code stands for.
type grant struct {
	challenge, redirect string
	answer              []byte
}

const keyID = "rogue-1"

// newKey makes the keys, which take their time, once a process.
var newKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New makes a provider at an address of this machine where nobody listens.
func New() (*Provider, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return &Provider{
		Issuer: "http://127.0.0.1:1/rogue", ClientID: "prassi", Secret: rand.Text(), key: key, codes: map[string]grant{},
	}, nil
}

// Client answers every request to the provider in the process.
func (p *Provider) Client() *http.Client { return &http.Client{Transport: p} }

// RoundTrip is the provider's side of its endpoints.
func (p *Provider) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, []byte(nil)
	switch r.URL.String() {
	case p.Issuer + "/.well-known/openid-configuration":
		body = encode(map[string]any{
			"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/auth", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/jwks",
			"end_session_endpoint": p.Issuer + "/end", "authorization_response_iss_parameter_supported": true,
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		})
	case p.Issuer + "/jwks":
		body = encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: keyID, Use: "sig"}}})
	case p.Issuer + "/token":
		if body = p.redeem(r); body == nil {
			status, body = http.StatusBadRequest, []byte(`{"error":"invalid_grant"}`)
		}
	default:
		return nil, errors.New("oidcrogue: nobody listens there")
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// redeem gives the answer of the token endpoint, nil to refuse.
func (p *Provider) redeem(r *http.Request) []byte {
	id, secret, _ := r.BasicAuth()
	data, err := io.ReadAll(r.Body)
	form, parsed := url.ParseQuery(string(data))
	if err != nil || parsed != nil || id != p.ClientID || secret != p.Secret {
		return nil
	}
	p.mu.Lock()
	g, ok := p.codes[form.Get("code")]
	delete(p.codes, form.Get("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if !ok || g.redirect != form.Get("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return nil
	}
	return g.answer
}

// Answer signs the subject in and gives the address at the client that the
// browser is sent to.
func (p *Provider) Answer(authorizationURL, subject string) (callback string, err error) {
	u, err := url.Parse(authorizationURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "" || q.Get("client_id") != p.ClientID {
		return "", errors.New("oidcrogue: the request lacks what it needs")
	}
	claims := p.standard(subject)
	claims["nonce"] = q.Get("nonce")
	if p.Claims != nil {
		p.Claims(claims)
	}
	token, err := p.Token(claims, "JWT")
	if err != nil {
		return "", err
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = grant{q.Get("code_challenge"), q.Get("redirect_uri"),
		encode(map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "id_token": token, "expires_in": 60})}
	p.mu.Unlock()
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.Issuer}}.Encode(), nil
}

func (p *Provider) now() time.Time {
	if p.Clock != nil {
		return p.Clock()
	}
	return time.Now()
}

func (p *Provider) standard(subject string) map[string]any {
	now := p.now()
	return map[string]any{
		"iss": p.Issuer, "aud": p.ClientID, "sub": subject, "sid": "sid-" + subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": "Anna Bianchi", "email": subject + "@example.org", "email_verified": true, "locale": "it",
	}
}

// LogoutToken makes a token that ends the subject's session (OpenID Connect
// Back-Channel Logout 1.0, section 2.4); more claims replace those,
// and nil takes one away.
func (p *Provider) LogoutToken(subject string, more map[string]any) (string, error) {
	claims := p.standard(subject)
	for _, name := range []string{"name", "email", "email_verified", "locale"} {
		delete(claims, name)
	}
	claims["exp"] = p.now().Add(2 * time.Minute).Unix()
	claims["jti"] = rand.Text()
	claims["events"] = map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return p.Token(claims, "logout+jwt")
}

// Token signs claims.
func (p *Provider) Token(claims map[string]any, typ string) (string, error) {
	payload := encode(claims)
	if p.Sign != nil {
		return p.Sign(payload), nil
	}
	return sign(jose.RS256, jose.JSONWebKey{Key: p.key, KeyID: keyID}, typ, payload)
}

func sign(alg jose.SignatureAlgorithm, key any, typ string, payload []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Unsigned is a Sign that makes tokens of the algorithm none.
func Unsigned(payload []byte) string {
	return part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part(payload) + "."
}

// PublicKeyAsSecret is a Sign that makes tokens of HS256 whose key is the public
// key, as PEM and without.
func (p *Provider) PublicKeyAsSecret(payload []byte) string {
	der, _ := x509.MarshalPKIXPublicKey(p.key.Public())
	head := part([]byte(`{"alg":"HS256","typ":"JWT","kid":"`+keyID+`"}`)) + "." + part(payload)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(head))
	return head + "." + part(mac.Sum(nil))
}

// OtherKey is a Sign with a key that the provider does not publish, under the
// name of the one that it does.
func OtherKey(payload []byte) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return ""
	}
	token, _ := sign(jose.RS256, jose.JSONWebKey{Key: crypto.Signer(key), KeyID: keyID}, "JWT", payload)
	return token
}

func part(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// encode is for maps of plain values, which always encode.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
