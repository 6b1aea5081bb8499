package oidc

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	// requestLimit bounds one request to a provider, and discovery.
	requestLimit = 10 * time.Second
	// maxAnswer bounds what a provider may answer, in bytes.
	maxAnswer = 1 << 20
	// fresh is how long metadata and keys are used before they are asked for
	// again, so that a key which was taken back is not believed for longer.
	fresh = time.Hour
	// stale is how long they are used when asking again fails.
	stale = 24 * time.Hour
	// pause is how long a provider that did not answer is left alone: nobody who
	// signs in meanwhile waits for it.
	pause = 5 * time.Second
)

// metadata is what discovery tells (OpenID Connect Discovery 1.0, section 3).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	IssParameter  bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207, section 3

	style oauth2.AuthStyle
	keys  *keySet
}

// provider is one provider and what is known of it.
type provider struct {
	Config
	key    crypto.Signer
	client *http.Client
	clock  func() time.Time
	log    *slog.Logger
	flight singleflight.Group

	mu     sync.Mutex
	known  *metadata
	asked  time.Time // when known was fetched
	failed time.Time // when discovery failed last, since then
	why    error
}

func newProvider(c Config, key crypto.Signer, opt Options) *provider {
	client := *opt.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar = nil
	return &provider{Config: c, key: key, client: &client, clock: opt.Clock, log: opt.Log.With("provider", c.Name)}
}

// context limits the time of what is asked of the provider, and gives the
// libraries our client.
func (p *provider) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	return gooidc.ClientContext(ctx, p.client), cancel
}

// discover gives the provider's metadata: what is known while it is fresh,
// otherwise what it answers now; while it does not answer, what was known for a
// day. The error is provider_unavailable or provider_error.
func (p *provider) discover(ctx context.Context) (*metadata, error) {
	now := p.clock()
	p.mu.Lock()
	known, age := p.known, now.Sub(p.asked)
	failed, why := p.why != nil && now.Sub(p.failed) < pause, p.why
	p.mu.Unlock()
	switch {
	case known != nil && (age < fresh || failed && age < stale):
		return known, nil
	case failed:
		return nil, why
	}
	// One asks for all who wait, and goes on when the first of them leaves.
	answer := p.flight.DoChan("discovery", func() (any, error) {
		return p.fetch(context.WithoutCancel(ctx))
	})
	select {
	case <-ctx.Done():
		return nil, refuse(codeProviderUnavailable, "discovery: %w", because(ctx.Err()))
	case got := <-answer:
		if got.Err == nil {
			return got.Val.(*metadata), nil
		}
		if known != nil && age < stale {
			return known, nil
		}
		return nil, got.Err
	}
}

// fetch asks for the metadata and notes what came of it.
func (p *provider) fetch(ctx context.Context) (*metadata, error) {
	ctx, cancel := p.context(ctx)
	defer cancel()
	m, err := p.ask(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed, p.why = p.clock(), err
		p.log.Warn("discovery failed", "error", err)
		return nil, err
	}
	if p.known != nil && p.known.JWKS == m.JWKS {
		m.keys = p.known.keys
	} else {
		m.keys = newKeySet(p, m.JWKS)
	}
	p.known, p.asked, p.why = m, p.clock(), nil
	return m, nil
}

// ask makes the request and checks the answer.
func (p *provider) ask(ctx context.Context) (*metadata, error) {
	var m metadata
	body, _, err := p.get(ctx, strings.TrimSuffix(p.Issuer, "/")+"/.well-known/openid-configuration", "")
	if err != nil {
		return nil, refuse(codeProviderUnavailable, "discovery: %w", err)
	}
	if json.Unmarshal(body, &m) != nil {
		return nil, refuse(codeProviderError, "discovery: the answer is no metadata")
	}
	// Exactly (Discovery 1.0, section 4.3): a slash more is another issuer.
	if m.Issuer != p.Issuer {
		return nil, refuse(codeProviderError, "discovery: the metadata is of another issuer")
	}
	// A provider behind TLS does not send people, or the secret, to where there
	// is none.
	secure := strings.HasPrefix(p.Issuer, "https:")
	for _, endpoint := range []struct {
		name, url string
		needed    bool
	}{
		{"authorization_endpoint", m.Authorization, true},
		{"token_endpoint", m.Token, true},
		{"jwks_uri", m.JWKS, true},
		{"userinfo_endpoint", m.Userinfo, p.Userinfo},
		{"end_session_endpoint", m.EndSession, false},
	} {
		if endpoint.url == "" && !endpoint.needed {
			continue
		}
		if err := checkURL(endpoint.url, secure); err != nil {
			return nil, refuse(codeProviderError, "discovery: %s: %w", endpoint.name, err)
		}
	}
	if m.style, err = p.style(m.AuthMethods); err != nil {
		return nil, err
	}
	return &m, nil
}

// style chooses how the client shows who it is (OpenID Connect Core 1.0,
// section 9); client_secret_basic where the metadata says nothing.
func (p *provider) style(methods []string) (oauth2.AuthStyle, error) {
	offers := func(method string) bool { return slices.Contains(methods, method) }
	switch {
	case p.key != nil:
		if len(methods) > 0 && !offers("private_key_jwt") {
			return 0, refuse(codeProviderError, "discovery: the token endpoint does not offer private_key_jwt")
		}
		return oauth2.AuthStyleInParams, nil
	case len(methods) == 0 || offers("client_secret_basic"):
		return oauth2.AuthStyleInHeader, nil
	case offers("client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	}
	return 0, refuse(codeProviderError, "discovery: the token endpoint accepts no client secret")
}

// get fetches a document of the provider, at most maxAnswer bytes of it. Its
// errors quote nothing of the answer.
func (p *provider) get(ctx context.Context, url, bearer string) (body []byte, mediaType string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, "", &failure{"not a URL", err}
	}
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return nil, "", because(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("the provider answered %d", resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, "", because(err)
	}
	if len(body) > maxAnswer {
		return nil, "", errors.New("the answer is too large")
	}
	mediaType, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return body, mediaType, nil
}
