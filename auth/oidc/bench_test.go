package oidc

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/prassi-cms/prassi/internal/secret"
)

// canned answers without a network: what is measured is our work, with HTTP's
// framing and the provider left out.
type canned struct {
	h     *hostile
	token []byte // the next answer of the token endpoint
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	body := c.token
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		body, _ = json.Marshal(map[string]any{
			"issuer": c.h.URL, "authorization_endpoint": c.h.URL + "/auth", "token_endpoint": c.h.URL + "/token", "jwks_uri": c.h.URL + "/jwks",
		})
	case "/jwks":
		body, _ = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.h.key.Public(), KeyID: c.h.kid, Use: "sig"}}})
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// One sign-in: Begin and Finish. The provider's signature is made outside the
// clock. 64 a second on one core leave 15.6 ms for each.
func BenchmarkSignIn(b *testing.B) {
	for name, set := range map[string]func(*hostile, *Config){
		"RS256, secret":          func(*hostile, *Config) {},
		"ES256, secret":          func(h *hostile, _ *Config) { h.key, h.alg = ecKey(), jose.ES256 },
		"RS256, private_key_jwt": func(_ *hostile, c *Config) { c.Secret, c.Key = secret.Value{}, pemOf(otherRSA()) },
	} {
		b.Run(name, func(b *testing.B) {
			h := newHostile(b)
			config := h.config()
			config.RolesClaim, config.Roles = "realm_access.roles", map[string][]string{"council-*": {"reviewer@*"}, "staff": {"editor"}}
			set(h, &config)
			transport := &canned{h: h}
			once := &onceMap{seen: map[string]time.Time{}}
			s, err := New([]Config{config}, Options{Client: &http.Client{Transport: transport}, Key: rigKey, Once: once.once})
			if err != nil {
				b.Fatal(err)
			}
			// Sign-ins are begun and answered in advance, as many as fit, so that
			// the provider's signing is not measured.
			const ahead = 64
			type begun struct {
				cookie Cookie
				query  url.Values
				answer []byte
			}
			var spent time.Duration
			n := 0
			b.ResetTimer()
			for n < b.N {
				b.StopTimer()
				var all []begun
				for range min(ahead, b.N-n) {
					start := cpu()
					location, cookie, err := s.Begin(b.Context(), Begin{Provider: "hostile", RedirectURI: callback, Next: "/admin/"})
					spent += cpu() - start
					if err != nil {
						b.Fatal(err)
					}
					q := must(url.Parse(location)).Query()
					answer, _ := json.Marshal(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": h.signed(h.standard(q.Get("nonce")))})
					all = append(all, begun{cookie, url.Values{"state": q["state"], "code": {"c"}, "iss": {h.URL}}, answer})
				}
				start := cpu()
				b.StartTimer()
				for _, x := range all {
					transport.token = x.answer
					if _, err := s.Finish(b.Context(), func(string) string { return x.cookie.Value }, x.query, callback); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				spent += cpu() - start
				n += len(all)
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(n), "cpu-µs/sign-in")
		})
	}
}
