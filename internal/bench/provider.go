package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// idp is a provider that signs whoever comes in. It is a correct one; that
// wrong ones are refused is for the tests of auth/oidc.
type idp struct {
	url     string
	key     *rsa.PrivateKey
	signer  jose.Signer
	answers sync.Map // by code: what the token endpoint will say
}

func newIDP() (*idp, *httptest.Server, error) {
	p := &idp{}
	var err error
	if p.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, nil, err
	}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, nil)
	server := httptest.NewServer(p)
	p.url = server.URL
	return p, server, err
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		body = map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/jwks",
			"authorization_response_iss_parameter_supported": true,
		}
	case "/jwks":
		body = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Use: "sig"}}}
	case "/token":
		answer, ok := p.answers.LoadAndDelete(r.FormValue("code"))
		if !ok {
			http.Error(w, "no such code", http.StatusBadRequest)
			return
		}
		body = answer
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // a client that left asks again
}

// signIn is what happens at the provider: it gives the query of the callback.
func (p *idp) signIn(request url.Values, subject string) (url.Values, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.url, "aud": clientID, "sub": subject, "sid": rand.Text(), "nonce": request.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": "Anna Bianchi", "email": subject + "@example.org", "locale": "it-IT",
	})
	if err != nil {
		return nil, err
	}
	signed, err := p.signer.Sign(claims)
	if err != nil {
		return nil, err
	}
	token, err := signed.CompactSerialize()
	code := rand.Text()
	p.answers.Store(code, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "id_token": token, "expires_in": 60})
	return url.Values{"code": {code}, "state": {request.Get("state")}, "iss": {p.url}}, err
}

// browser logs in again and again, as one person.
type browser struct {
	base      string
	transport http.RoundTripper
	provider  *idp
	subject   string
	session   *http.Cookie
}

// get follows nothing and gives where the answer leads, with its cookies.
func (a *browser) get(ctx context.Context, address string, cookies ...*http.Cookie) (*url.URL, []*http.Cookie, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	for _, c := range cookies {
		if c != nil {
			req.AddCookie(c)
		}
	}
	res, err := a.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("%s: %s: %.300s", req.URL.Path, res.Status, body)
	}
	if err != nil {
		return nil, nil, err
	}
	to, err := res.Location()
	return to, res.Cookies(), err
}

func (a *browser) login(ctx context.Context) error {
	to, cookies, err := a.get(ctx, a.base+"/auth/login/bench", a.session)
	if err != nil {
		return err
	}
	answer, err := a.provider.signIn(to.Query(), a.subject)
	if err != nil {
		return err
	}
	_, cookies, err = a.get(ctx, a.base+"/auth/callback?"+answer.Encode(), append(cookies, a.session)...)
	if err != nil {
		return err
	}
	before := a.session
	for _, c := range cookies {
		if strings.HasSuffix(c.Name, "prassi_session") {
			a.session = c
		}
	}
	if a.session == before {
		return errors.New("a login without a new session")
	}
	return nil
}
