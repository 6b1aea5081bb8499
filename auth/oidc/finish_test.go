package oidc

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/prassi-cms/prassi/internal/secret"
)

func TestSignIn(t *testing.T) {
	h := newHostile(t)
	c := h.config()
	c.TrustEmail = true
	c.RolesClaim = "realm_access.roles"
	c.Roles = map[string][]string{"council-*": {"reviewer@*", "contributor@*"}, "staff": {"editor"}, "boss": {"administrator"}}
	r := newRig(t, c)
	a := r.begin(Begin{Provider: "hostile", Next: "/admin/?x=1#y", Link: hide("a link", "link-"+random())})
	q := a.location.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "prassi", "redirect_uri": callback, "scope": "openid profile email",
		"code_challenge_method": "S256",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q.Get("state")) < 43 || len(q.Get("nonce")) < 43 || q.Get("state") == q.Get("nonce") || q.Has("acr_values") {
		t.Errorf("the request %v", q)
	}
	for _, hidden := range []string{q.Get("state"), q.Get("nonce"), "admin", "link-"} {
		if strings.Contains(a.cookie.Value+a.cookie.Name, hidden) {
			t.Errorf("the cookie shows %q", hidden)
		}
	}
	if life := a.cookie.Expires.Sub(r.clock.now()); life < 9*time.Minute || life > 10*time.Minute {
		t.Errorf("the cookie lives for %s", life)
	}
	login, err := r.Finish(a.get, h.code(a), callback)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(login.Link, "link-") || login.IDToken == "" {
		t.Errorf("%+v", login)
	}
	login.Link, login.IDToken = "", ""
	if want := (Login{
		Provider: "hostile", Issuer: h.URL, Subject: "person-7", Name: "Anna Bianchi", Email: "anna@example.org", Locale: "it-IT",
		SID: "session-7", Next: "/admin/?x=1#y", CookieName: a.cookie.Name, EmailTrusted: true, MapsRoles: true,
		Grants: []string{"contributor@prato", "editor", "reviewer@prato"},
	}); !reflect.DeepEqual(login, want) {
		t.Errorf("got  %+v\nwant %+v", login, want)
	}
}

// What a provider may legitimately do otherwise.
func TestSignInVariants(t *testing.T) {
	for name, c := range map[string]struct {
		config func(*Config)
		set    func(*hostile)
		check  func(Login) bool
	}{
		"several audiences, ours authorised": {set: func(h *hostile) {
			h.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"other", "prassi"}, "prassi" }
		}},
		"a list of one audience, no azp": {set: func(h *hostile) {
			h.claims = func(c map[string]any) { c["aud"] = []string{"prassi"} }
		}},
		"no at_hash": {set: func(h *hostile) { h.claims = func(c map[string]any) { delete(c, "at_hash") } }},
		"a clock a little ahead": {set: func(h *hostile) {
			h.claims = func(c map[string]any) { c["iat"] = time.Now().Add(4 * time.Minute).Unix() }
		}},
		"ES256":       {set: func(h *hostile) { h.key, h.alg = ecKey(), jose.ES256 }},
		"PS256":       {set: func(h *hostile) { h.alg = jose.PS256 }, config: func(c *Config) { c.Algorithms = []string{"PS256"} }},
		"no key name": {set: func(h *hostile) { h.kid = "" }},
		"keys of kinds that we do not know": {set: func(h *hostile) {
			h.jwks = func() any {
				return map[string]any{"keys": []any{
					map[string]string{"kty": "OKP", "crv": "X448", "x": "AA", "kid": "a"}, map[string]string{"kty": "??"}, 7,
					jose.JSONWebKey{Key: h.key.Public(), KeyID: h.kid},
				}}
			}
		}},
		"a provider without iss": {set: func(h *hostile) {
			h.metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
		}},
		"client_secret_post": {set: func(h *hostile) {
			h.metadata = func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"} }
			h.token = func(w http.ResponseWriter, form url.Values) {
				if form.Get("client_secret") != h.secret || form.Get("client_id") != h.clientID {
					http.Error(w, "", http.StatusUnauthorized)
					return
				}
				r := httptest.NewRequest("POST", "/token", nil)
				r.PostForm = form
				r.SetBasicAuth(url.QueryEscape(h.clientID), url.QueryEscape(h.secret))
				h.redeem(w, r)
			}
		}},
		"metadata that says nothing of client authentication": {set: func(h *hostile) {
			h.metadata = func(m map[string]any) { delete(m, "token_endpoint_auth_methods_supported") }
		}},
		"a level that is demanded": {
			config: func(c *Config) { c.ACR = []string{"https://www.spid.gov.it/SpidL2", "https://www.spid.gov.it/SpidL3"} },
			set:    func(h *hostile) { h.claims = func(c map[string]any) { c["acr"] = "https://www.spid.gov.it/SpidL3" } },
			check:  func(l Login) bool { return l.ACR == "https://www.spid.gov.it/SpidL3" },
		},
		"an address that is not verified": {
			config: func(c *Config) { c.TrustEmail = true },
			set:    func(h *hostile) { h.claims = func(c map[string]any) { c["email_verified"] = "false" } },
			check:  func(l Login) bool { return l.Email == "anna@example.org" && !l.EmailTrusted },
		},
		"an address that nobody says is verified": {
			config: func(c *Config) { c.TrustEmail = true },
			set:    func(h *hostile) { h.claims = func(c map[string]any) { delete(c, "email_verified") } },
			check:  func(l Login) bool { return !l.EmailTrusted },
		},
		"verified, as a string": {
			config: func(c *Config) { c.TrustEmail = true },
			set:    func(h *hostile) { h.claims = func(c map[string]any) { c["email_verified"] = "true" } },
			check:  func(l Login) bool { return l.EmailTrusted },
		},
		"a provider whose addresses we do not trust": {check: func(l Login) bool { return !l.EmailTrusted }},
		"names that differ in case only": {
			set: func(h *hostile) {
				h.claims = func(c map[string]any) { c["Sub"], c["SUB"], c["Email"] = "boss", "boss", "boss@example.org" }
			},
			check: func(l Login) bool { return l.Subject == "person-7" && l.Email == "anna@example.org" },
		},
		"claims of other types": {
			config: func(c *Config) {
				c.RolesClaim, c.Roles = "realm_access.roles", map[string][]string{"staff": {"editor"}}
			},
			set: func(h *hostile) {
				h.claims = func(c map[string]any) {
					c["name"], c["email"], c["locale"], c["sid"], c["acr"], c["realm_access"] = 7, []int{1}, true, map[string]any{}, nil, "x"
				}
			},
			check: func(l Login) bool {
				return l.Name == "" && l.Email == "" && l.Locale == "" && l.SID == "" && l.Grants == nil && l.MapsRoles
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			config := h.config()
			if c.set != nil {
				c.set(h)
			}
			if c.config != nil {
				c.config(&config)
			}
			r := newRig(t, config)
			a := r.begin(Begin{Provider: "hostile"})
			query := h.code(a)
			if name == "a provider without iss" {
				query.Del("iss")
			}
			login, err := r.Finish(a.get, query, callback)
			if err != nil {
				t.Fatal(err)
			}
			if login.Next != "/" || c.check != nil && !c.check(login) {
				t.Errorf("%+v", login)
			}
		})
	}
}

func rawToken(header string, payload []byte, signature string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + signature
}

// What a provider, or somebody who reaches its token endpoint's place, may try.
// Each case fails for one reason only: everything else in the answer is good.
func TestHostileProvider(t *testing.T) {
	claim := func(name string, value any) func(*hostile) {
		return func(h *hostile) {
			h.claims = func(c map[string]any) {
				if value == nil {
					delete(c, name)
				} else {
					c[name] = value
				}
			}
		}
	}
	public := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	hs256 := func(key []byte) func(*hostile) {
		return func(h *hostile) {
			h.sign = func(payload []byte) string {
				return signWith(jose.HS256, jose.JSONWebKey{Key: key, KeyID: "key-1"}, "JWT", payload)
			}
		}
	}
	const notAllowed = "algorithm that is allowed"
	for name, c := range map[string]struct {
		set          func(*hostile)
		config       func(*Config)
		code, reason string
	}{
		"alg none": {set: func(h *hostile) {
			h.sign = func(p []byte) string { return rawToken(`{"alg":"none","kid":"key-1"}`, p, "") }
		}, code: "sign_in_invalid", reason: notAllowed},
		"alg None": {set: func(h *hostile) {
			h.sign = func(p []byte) string { return rawToken(`{"alg":"None"}`, p, "") }
		}, code: "sign_in_invalid", reason: notAllowed},
		"no alg": {set: func(h *hostile) {
			h.sign = func(p []byte) string { return rawToken(`{"typ":"JWT"}`, p, "") }
		}, code: "sign_in_invalid", reason: notAllowed},
		"no signature": {set: func(h *hostile) {
			h.sign = func(p []byte) string { return rawToken(`{"alg":"RS256","kid":"key-1"}`, p, "") }
		}, code: "sign_in_invalid", reason: "signature"},
		"HS256 with the public key in PEM": {set: hs256(publicPEM), code: "sign_in_invalid", reason: notAllowed},
		"HS256 with the public key in DER": {set: hs256(public), code: "sign_in_invalid", reason: notAllowed},
		"HS256 with the modulus":           {set: hs256(rsaKey().N.Bytes()), code: "sign_in_invalid", reason: notAllowed},
		"HS256 with the JWK": {set: hs256(must(json.Marshal(jose.JSONWebKey{Key: rsaKey().Public(), KeyID: "key-1", Use: "sig"}))),
			code: "sign_in_invalid", reason: notAllowed},
		"HS256 with the client secret": {set: func(h *hostile) { hs256([]byte(h.secret))(h) }, code: "sign_in_invalid", reason: notAllowed},
		"HS256 with a symmetric key that is published": {set: func(h *hostile) {
			key := make([]byte, 32)
			h.jwks = func() any {
				return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "key-1", Algorithm: "HS256"}}}
			}
			hs256(key)(h)
		}, code: "sign_in_invalid", reason: notAllowed},
		"an algorithm that is not set up": {set: func(h *hostile) { h.alg = jose.PS256 }, code: "sign_in_invalid", reason: notAllowed},
		"a weaker algorithm than is set up": {config: func(c *Config) { c.Algorithms = []string{"ES256"} },
			code: "sign_in_invalid", reason: notAllowed},
		"a key that was made for another algorithm": {set: func(h *hostile) {
			h.jwks = func() any {
				return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.key.Public(), KeyID: h.kid, Algorithm: "PS256"}}}
			}
		}, code: "sign_in_invalid", reason: "signature"},
		"a key for encryption": {set: func(h *hostile) {
			h.jwks = func() any {
				return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.key.Public(), KeyID: h.kid, Use: "enc"}}}
			}
		}, code: "sign_in_invalid", reason: "signature"},
		"a key that is too small": {set: func(h *hostile) { h.key = smallRSA() }, code: "sign_in_invalid", reason: "signature"},
		"signed by another key": {set: func(h *hostile) {
			h.sign = func(p []byte) string {
				return signWith(jose.RS256, jose.JSONWebKey{Key: otherRSA(), KeyID: "key-1"}, "JWT", p)
			}
		}, code: "sign_in_invalid", reason: "signature"},
		"signed by a key that it brings along": {set: func(h *hostile) {
			h.sign = func(p []byte) string {
				options := (&jose.SignerOptions{EmbedJWK: true}).WithHeader("kid", "key-1")
				signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: otherRSA()}, options))
				return must(must(signer.Sign(p)).CompactSerialize())
			}
		}, code: "sign_in_invalid", reason: "signature"},
		"a payload that was changed": {set: func(h *hostile) {
			h.sign = func(p []byte) string {
				parts := strings.Split(signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-1"}, "JWT", p), ".")
				parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(p), "person-7", "person-1", 1)))
				return strings.Join(parts, ".")
			}
		}, code: "sign_in_invalid", reason: "signature"},
		"a token in JSON, with two signatures": {set: func(h *hostile) {
			h.sign = func(p []byte) string {
				signer := must(jose.NewMultiSigner([]jose.SigningKey{
					{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: rsaKey(), KeyID: "key-1"}}, {Algorithm: jose.RS256, Key: otherRSA()},
				}, nil))
				return must(signer.Sign(p)).FullSerialize()
			}
		}, code: "sign_in_invalid", reason: notAllowed},
		"a critical header that we do not know": {set: func(h *hostile) {
			h.sign = func(p []byte) string {
				options := (&jose.SignerOptions{}).WithHeader("crit", []string{"exp"}).WithHeader("exp", 1).WithHeader("kid", "key-1")
				signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: rsaKey()}, options))
				return must(must(signer.Sign(p)).CompactSerialize())
			}
		}, code: "sign_in_invalid"},
		"another issuer":            {set: claim("iss", "https://accounts.example.com"), code: "sign_in_invalid", reason: "issuer"},
		"an issuer with a slash":    {set: func(h *hostile) { claim("iss", h.URL+"/")(h) }, code: "sign_in_invalid", reason: "issuer"},
		"no issuer":                 {set: claim("iss", nil), code: "sign_in_invalid", reason: "issuer"},
		"another audience":          {set: claim("aud", "somebody"), code: "sign_in_invalid", reason: "(aud)"},
		"an audience in other case": {set: claim("aud", "Prassi"), code: "sign_in_invalid", reason: "(aud)"},
		"no audience":               {set: claim("aud", nil), code: "sign_in_invalid", reason: "(aud)"},
		"audiences without us":      {set: claim("aud", []string{"a", "b"}), code: "sign_in_invalid", reason: "(aud)"},
		"audiences, azp another": {set: func(h *hostile) {
			h.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"prassi", "other"}, "other" }
		}, code: "sign_in_invalid", reason: "(azp)"},
		"audiences without azp":       {set: claim("aud", []string{"prassi", "other"}), code: "sign_in_invalid", reason: "(azp)"},
		"one audience, azp another":   {set: claim("azp", "other"), code: "sign_in_invalid", reason: "(azp)"},
		"an azp that is no text":      {set: claim("azp", []string{"prassi"}), code: "sign_in_invalid", reason: "(azp)"},
		"expired":                     {set: claim("exp", time.Now().Add(-time.Second).Unix()), code: "sign_in_invalid", reason: "expired"},
		"no expiry":                   {set: claim("exp", nil), code: "sign_in_invalid", reason: "expired"},
		"an expiry that is no number": {set: claim("exp", "tomorrow"), code: "sign_in_invalid", reason: "expired"},
		"an expiry out of this world": {set: claim("exp", 1e300), code: "sign_in_invalid", reason: "expired"},
		"made in the future":          {set: claim("iat", time.Now().Add(6*time.Minute).Unix()), code: "sign_in_invalid", reason: "(iat)"},
		"no time of making":           {set: claim("iat", nil), code: "sign_in_invalid", reason: "(iat)"},
		"not yet good":                {set: claim("nbf", time.Now().Add(10*time.Minute).Unix()), code: "sign_in_invalid", reason: "the library"},
		"no nonce":                    {set: claim("nonce", nil), code: "sign_in_invalid", reason: "nonce"},
		"another nonce":               {set: claim("nonce", random()), code: "sign_in_invalid", reason: "nonce"},
		"an empty nonce":              {set: claim("nonce", ""), code: "sign_in_invalid", reason: "nonce"},
		"a nonce in other case": {set: func(h *hostile) {
			h.claims = func(c map[string]any) { c["Nonce"] = c["nonce"]; delete(c, "nonce") }
		}, code: "sign_in_invalid", reason: "nonce"},
		"an access token that was exchanged": {set: func(h *hostile) {
			h.answer = func(a map[string]any) { a["access_token"] = "another-access-token" }
		}, code: "sign_in_invalid", reason: "at_hash"},
		"an at_hash of nothing":      {set: claim("at_hash", ""), code: "sign_in_invalid", reason: "at_hash"},
		"no subject":                 {set: claim("sub", nil), code: "sign_in_invalid", reason: "subject"},
		"an empty subject":           {set: claim("sub", ""), code: "sign_in_invalid", reason: "subject"},
		"a subject of 256":           {set: claim("sub", strings.Repeat("s", 256)), code: "sign_in_invalid", reason: "subject"},
		"a subject that is a number": {set: claim("sub", 7), code: "sign_in_invalid", reason: "subject"},
		"claims that are a list": {set: func(h *hostile) {
			h.sign = func([]byte) string {
				return signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-1"}, "JWT", []byte(`["x"]`))
			}
		}, code: "sign_in_invalid", reason: "JSON object"},
		"no level": {config: func(c *Config) { c.ACR = []string{"SpidL2"} }, code: "sign_in_level_too_low", reason: "acr"},
		"a level that is too low": {config: func(c *Config) { c.ACR = []string{"SpidL2", "SpidL3"} }, set: claim("acr", "SpidL1"),
			code: "sign_in_level_too_low", reason: "acr"},
		"a level among others": {config: func(c *Config) { c.ACR = []string{"SpidL2"} }, set: claim("acr", []string{"SpidL2"}),
			code: "sign_in_level_too_low", reason: "acr"},

		"metadata of another issuer":        {set: meta("issuer", "https://accounts.example.com"), code: "provider_error", reason: "another issuer"},
		"metadata with a slash more":        {set: func(h *hostile) { meta("issuer", h.URL+"/")(h) }, code: "provider_error", reason: "another issuer"},
		"metadata without issuer":           {set: meta("issuer", nil), code: "provider_error", reason: "another issuer"},
		"metadata without a token endpoint": {set: meta("token_endpoint", nil), code: "provider_error", reason: "token_endpoint"},
		"a token endpoint in the clear":     {set: meta("token_endpoint", "http://id.example.org/token"), code: "provider_error", reason: "https"},
		"a token endpoint in a file":        {set: meta("token_endpoint", "file:///etc/passwd"), code: "provider_error", reason: "token_endpoint"},
		"a sign-in page with a password":    {set: meta("authorization_endpoint", "https://a:b@id.example.org/"), code: "provider_error", reason: "credentials"},
		"a sign-in page that is a script":   {set: meta("authorization_endpoint", "javascript:alert(1)//"), code: "provider_error", reason: "authorization_endpoint"},
		"keys on another scheme":            {set: meta("jwks_uri", "ldap://id.example.org/"), code: "provider_error", reason: "jwks_uri"},
		"a sign-out page that is a script":  {set: meta("end_session_endpoint", "javascript:alert(1)"), code: "provider_error", reason: "end_session_endpoint"},
		"no way to show a secret": {set: meta("token_endpoint_auth_methods_supported", []string{"tls_client_auth"}),
			code: "provider_error", reason: "secret"},
		"metadata that is none":  {set: discovery(func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") }), code: "provider_error", reason: "no metadata"},
		"metadata that is large": {set: discovery(func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, maxAnswer+1)) }), code: "provider_unavailable", reason: "too large"},
		"metadata elsewhere": {set: discovery(func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusFound)
		}), code: "provider_unavailable", reason: "302"},
		"no metadata": {set: discovery(func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }), code: "provider_unavailable", reason: "404"},

		"a token endpoint that says no": {set: token(func(w http.ResponseWriter, form url.Values) {
			writeJSON(w, 400, map[string]string{"error": "invalid_grant", "error_description": form.Encode(), "error_uri": form.Encode()})
		}), code: "sign_in_expired", reason: "invalid_grant"},
		"a token endpoint that knows us not": {set: token(func(w http.ResponseWriter, form url.Values) {
			writeJSON(w, 401, map[string]string{"error": "invalid_client"})
		}), code: "provider_error", reason: "invalid_client (401)"},
		"an error that quotes": {set: token(func(w http.ResponseWriter, form url.Values) {
			writeJSON(w, 400, map[string]string{"error": form.Get("code")})
		}), code: "provider_error", reason: "it answered 400"},
		"an error with status 200": {set: token(func(w http.ResponseWriter, form url.Values) {
			writeJSON(w, 200, map[string]string{"error": "invalid_request"})
		}), code: "provider_error", reason: "invalid_request (200)"},
		"an answer in prose that quotes": {set: token(func(w http.ResponseWriter, form url.Values) {
			w.WriteHeader(500)
			fmt.Fprint(w, form.Encode())
		}), code: "provider_unavailable", reason: "500"},
		"an answer that is no JSON and quotes": {set: token(func(w http.ResponseWriter, form url.Values) {
			fmt.Fprint(w, form.Encode())
		}), code: "provider_error"},
		"an answer of other types": {set: token(func(w http.ResponseWriter, form url.Values) {
			writeJSON(w, 200, map[string]any{"access_token": []string{form.Get("code")}, "expires_in": form.Get("code")})
		}), code: "provider_error", reason: "not as it should be"},
		"a status line that quotes": {set: token(func(w http.ResponseWriter, form url.Values) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			fmt.Fprintf(conn, "%s\r\n\r\n", form.Encode())
		}), code: "provider_unavailable", reason: "the request failed"},
		"a header that quotes": {set: token(func(w http.ResponseWriter, form url.Values) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", form.Encode())
		}), code: "provider_unavailable", reason: "the request failed"},
		"no access token": {set: func(h *hostile) { h.answer = func(a map[string]any) { delete(a, "access_token") } }, code: "provider_error"},
		"no ID token":     {set: func(h *hostile) { h.answer = func(a map[string]any) { delete(a, "id_token") } }, code: "provider_error", reason: "no ID token"},
		"an ID token that is no text": {set: func(h *hostile) { h.answer = func(a map[string]any) { a["id_token"] = 7 } },
			code: "provider_error", reason: "no ID token"},
		"another kind of token": {set: func(h *hostile) { h.answer = func(a map[string]any) { a["token_type"] = "mac" } },
			code: "provider_error", reason: "bearer"},
		"an ID token that is large": {set: func(h *hostile) { h.claims = func(c map[string]any) { c["x"] = strings.Repeat("x", maxToken) } },
			code: "provider_error", reason: "too large"},
		"an access token that is large": {set: func(h *hostile) {
			h.answer = func(a map[string]any) { a["access_token"] = strings.Repeat("x", maxToken+1) }
		}, code: "provider_error", reason: "too large"},
		"an answer of two megabytes": {set: func(h *hostile) {
			h.answer = func(a map[string]any) { a["x"] = strings.Repeat("x", 2<<20) }
		}, code: "provider_error", reason: "not as it should be"},
		"keys that are none": {set: func(h *hostile) { h.jwks = func() any { return "keys" } }, code: "provider_unavailable", reason: "keys"},

		"userinfo about somebody else": {config: userinfo, set: me(`{"sub":"person-1","groups":["boss"]}`), code: "sign_in_invalid", reason: "somebody else"},
		"userinfo about nobody":        {config: userinfo, set: me(`{"email":"boss@example.org"}`), code: "sign_in_invalid", reason: "somebody else"},
		"userinfo about SUB":           {config: userinfo, set: me(`{"SUB":"person-7"}`), code: "sign_in_invalid", reason: "somebody else"},
		"userinfo that is a list":      {config: userinfo, set: me(`["sub"]`), code: "provider_error", reason: "JSON object"},
		"userinfo that is large":       {config: userinfo, set: me(`{"sub":"person-7","x":"` + strings.Repeat("x", maxAnswer) + `"}`), code: "provider_unavailable", reason: "too large"},
		"userinfo that quotes the token": {config: userinfo, set: func(h *hostile) {
			h.userinfo = func(w http.ResponseWriter, access string) { http.Error(w, access, http.StatusForbidden) }
		}, code: "provider_unavailable", reason: "403"},
		"userinfo elsewhere": {config: userinfo, set: func(h *hostile) {
			h.userinfo = func(w http.ResponseWriter, access string) {
				w.Header().Set("Location", h.URL+"/elsewhere")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		}, code: "provider_unavailable", reason: "307"},
		"userinfo signed by somebody else": {config: userinfo, set: func(h *hostile) {
			h.userinfo = func(w http.ResponseWriter, access string) {
				w.Header().Set("Content-Type", "application/jwt")
				payload := must(json.Marshal(map[string]any{"sub": "person-7", "iss": h.URL, "aud": "prassi"}))
				fmt.Fprint(w, signWith(jose.RS256, jose.JSONWebKey{Key: otherRSA(), KeyID: "key-1"}, "JWT", payload))
			}
		}, code: "sign_in_invalid", reason: "signature"},
		"userinfo for another client": {config: userinfo, set: func(h *hostile) {
			h.userinfo = func(w http.ResponseWriter, access string) {
				w.Header().Set("Content-Type", "application/jwt")
				fmt.Fprint(w, h.signed(map[string]any{"sub": "person-7", "iss": h.URL, "aud": "other"}))
			}
		}, code: "sign_in_invalid", reason: "another client"},
		"no userinfo": {config: userinfo, set: meta("userinfo_endpoint", nil), code: "provider_error", reason: "userinfo_endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			config := h.config()
			if c.set != nil {
				c.set(h)
			}
			if c.config != nil {
				c.config(&config)
			}
			r := newRig(t, config)
			location, cookie, err := r.Begin(Begin{Provider: "hostile", RedirectURI: callback})
			if err == nil {
				a := attempt{must(url.Parse(location)), cookie}
				var login Login
				login, err = r.Finish(a.get, h.code(a), callback)
				if login.CookieName != cookie.Name || login.Subject != "" {
					t.Errorf("a failed sign-in gives %+v", login)
				}
			}
			wants(t, err, c.code, c.reason)
			if h.count("/elsewhere") > 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// smallRSA is a key of 1024 bits, which is too few.
var smallRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })

func meta(name string, value any) func(*hostile) {
	return func(h *hostile) {
		h.metadata = func(m map[string]any) {
			if value == nil {
				delete(m, name)
			} else {
				m[name] = value
			}
		}
	}
}

func discovery(answer func(http.ResponseWriter)) func(*hostile) {
	return func(h *hostile) {
		h.wellKnow = func(w http.ResponseWriter) bool { answer(w); return true }
	}
}

func token(answer func(http.ResponseWriter, url.Values)) func(*hostile) {
	return func(h *hostile) { h.token = answer }
}

func userinfo(c *Config) { c.Userinfo = true }

func me(body string) func(*hostile) {
	return func(h *hostile) { h.userinfo = func(w http.ResponseWriter, _ string) { fmt.Fprint(w, body) } }
}

func TestUserinfo(t *testing.T) {
	for name, signed := range map[string]bool{"JSON": false, "signed": true} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			h.claims = func(c map[string]any) {
				delete(c, "name")
				c["email"] = "anna@example.org"
				delete(c, "email_verified")
			}
			h.userinfo = func(w http.ResponseWriter, access string) {
				c := map[string]any{
					"sub": "person-7", "name": "Anna B.", "email": "other@example.org", "email_verified": true, "groups": "staff",
					"iss": h.URL, "aud": []string{"prassi"}, "acr": "SpidL3", "sid": "other",
				}
				if signed {
					w.Header().Set("Content-Type", "application/jwt; charset=utf-8")
					fmt.Fprint(w, h.signed(c))
					return
				}
				writeJSON(w, 200, c)
			}
			config := h.config()
			config.Userinfo, config.TrustEmail = true, true
			config.RolesClaim, config.Roles = "groups", map[string][]string{"staff": {"editor"}}
			r := newRig(t, config)
			a := r.begin(Begin{Provider: "hostile"})
			login, err := r.Finish(a.get, h.code(a), callback)
			if err != nil {
				t.Fatal(err)
			}
			// The ID token's address stays, and another one's being verified says nothing of it.
			if login.Name != "Anna B." || login.Email != "anna@example.org" || login.EmailTrusted || login.ACR != "" ||
				login.SID != "session-7" || !slices.Equal(login.Grants, []string{"editor"}) {
				t.Errorf("%+v", login)
			}
		})
	}
}

// That an address is verified counts only together with the address: an ID token
// that says so of none does not vouch for what userinfo calls the address.
func TestVerifiedOfAnotherAddress(t *testing.T) {
	for name, test := range map[string]struct {
		token, userinfo map[string]any
		trusted         bool
	}{
		"said of none":          {map[string]any{"email_verified": true}, map[string]any{"email": "boss@example.org"}, false},
		"denied by userinfo":    {map[string]any{"email_verified": true}, map[string]any{"email": "boss@example.org", "email_verified": false}, false},
		"of an empty one":       {map[string]any{"email": "", "email_verified": true}, map[string]any{"email": "boss@example.org"}, false},
		"said by userinfo":      {nil, map[string]any{"email": "boss@example.org", "email_verified": true}, true},
		"userinfo without any":  {map[string]any{"email": "boss@example.org", "email_verified": true}, map[string]any{"name": "B"}, true},
		"userinfo confirms one": {map[string]any{"email": "boss@example.org"}, map[string]any{"email": "boss@example.org", "email_verified": true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			h.claims = func(c map[string]any) {
				delete(c, "email")
				delete(c, "email_verified")
				maps.Copy(c, test.token)
			}
			h.userinfo = func(w http.ResponseWriter, _ string) {
				c := map[string]any{"sub": "person-7"}
				maps.Copy(c, test.userinfo)
				writeJSON(w, 200, c)
			}
			config := h.config()
			config.Userinfo, config.TrustEmail = true, true
			r := newRig(t, config)
			a := r.begin(Begin{Provider: "hostile"})
			login, err := r.Finish(a.get, h.code(a), callback)
			if err != nil {
				t.Fatal(err)
			}
			if login.Email != "boss@example.org" || login.EmailTrusted != test.trusted {
				t.Errorf("%q, trusted %t", login.Email, login.EmailTrusted)
			}
		})
	}
}

// A token endpoint that sends us elsewhere does not get the secret carried there.
func TestTokenEndpointRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var visits atomic.Int64
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
		h := newHostile(t)
		h.token = func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Location", thief.URL)
			w.WriteHeader(status)
		}
		r := newRig(t, h.config())
		a := r.begin(Begin{Provider: "hostile"})
		_, err := r.Finish(a.get, h.code(a), callback)
		wants(t, err, "provider_error", fmt.Sprint(status))
		thief.Close()
		if visits.Load() > 0 {
			t.Errorf("%d was followed", status)
		}
	}
}

// What somebody who can send a browser to our callback may try.
func TestHostileCallback(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	none := func(string) string { return "" }
	other := r.begin(Begin{Provider: "hostile"})
	for name, c := range map[string]struct {
		cookie       func(a attempt) func(string) string
		query        func(q url.Values) url.Values
		address      string
		wait         time.Duration
		code, reason string
	}{
		"no state":        {query: func(q url.Values) url.Values { return with(q, "state") }, code: "sign_in_invalid", reason: "no state"},
		"an empty state":  {query: func(q url.Values) url.Values { return with(q, "state", "") }, code: "sign_in_invalid", reason: "no state"},
		"two states":      {query: func(q url.Values) url.Values { return with(q, "state", q.Get("state"), "x") }, code: "sign_in_invalid", reason: "state is repeated"},
		"a long state":    {query: func(q url.Values) url.Values { return with(q, "state", strings.Repeat("s", 129)) }, code: "sign_in_invalid", reason: "too long"},
		"another state":   {query: func(q url.Values) url.Values { return with(q, "state", random()) }, code: "sign_in_expired", reason: "no cookie"},
		"another browser": {cookie: func(attempt) func(string) string { return none }, code: "sign_in_expired", reason: "no cookie"},
		"an empty query":  {query: func(url.Values) url.Values { return nil }, code: "sign_in_invalid", reason: "no state"},
		"the cookie of another tab": {cookie: func(attempt) func(string) string { return func(string) string { return other.cookie.Value } },
			code: "sign_in_expired", reason: "not made here"},
		"a cookie of another installation": {cookie: func(a attempt) func(string) string {
			seal := must(newSealer([32]byte{1}))
			value := must(seal.close(a.cookie.Name, pending{Provider: "hostile", State: a.location.Query().Get("state"), Expires: 1 << 40}))
			return func(string) string { return value }
		}, code: "sign_in_expired", reason: "not made here"},
		"a cookie with another state inside": {cookie: func(a attempt) func(string) string {
			value := must(r.seal.close(a.cookie.Name, pending{Provider: "hostile", State: random(), RedirectURI: callback, Expires: 1 << 40}))
			return func(string) string { return value }
		}, code: "sign_in_invalid", reason: "state is not the cookie's"},
		"a provider that is no more": {cookie: func(a attempt) func(string) string {
			value := must(r.seal.close(a.cookie.Name, pending{Provider: "gone", State: a.location.Query().Get("state"), RedirectURI: callback, Expires: 1 << 40}))
			return func(string) string { return value }
		}, code: "provider_unknown"},
		"too late":           {wait: 10*time.Minute + time.Second, code: "sign_in_expired", reason: "too long"},
		"another callback":   {address: "https://prassi.example.org/auth/callback/other", code: "sign_in_invalid", reason: "another address"},
		"iss of another":     {query: func(q url.Values) url.Values { return with(q, "iss", "https://accounts.example.com") }, code: "sign_in_invalid", reason: "(iss)"},
		"iss with a slash":   {query: func(q url.Values) url.Values { return with(q, "iss", h.URL+"/") }, code: "sign_in_invalid", reason: "(iss)"},
		"iss empty":          {query: func(q url.Values) url.Values { return with(q, "iss", "") }, code: "sign_in_invalid", reason: "(iss)"},
		"no iss":             {query: func(q url.Values) url.Values { return with(q, "iss") }, code: "sign_in_invalid", reason: "(iss)"},
		"two iss":            {query: func(q url.Values) url.Values { return with(q, "iss", h.URL, "x") }, code: "sign_in_invalid", reason: "iss is repeated"},
		"no code":            {query: func(q url.Values) url.Values { return with(q, "code") }, code: "sign_in_invalid", reason: "neither"},
		"two codes":          {query: func(q url.Values) url.Values { return with(q, "code", "a", "b") }, code: "sign_in_invalid", reason: "code is repeated"},
		"a long code":        {query: func(q url.Values) url.Values { return with(q, "code", strings.Repeat("c", 1<<14)) }, code: "sign_in_invalid", reason: "too long"},
		"a code that is not": {query: func(q url.Values) url.Values { return with(q, "code", "invented-code") }, code: "sign_in_expired", reason: "invalid_grant"},
		"code and error":     {query: func(q url.Values) url.Values { return with(q, "error", "access_denied") }, code: "sign_in_invalid", reason: "both"},
		"refused":            {query: func(q url.Values) url.Values { return with(with(q, "code"), "error", "access_denied") }, code: "sign_in_denied", reason: "access_denied"},
		"an error of another issuer": {query: func(q url.Values) url.Values {
			return with(with(with(q, "code"), "error", "access_denied"), "iss", "https://accounts.example.com")
		}, code: "sign_in_invalid", reason: "(iss)"},
		"an error without iss": {query: func(q url.Values) url.Values {
			return with(with(with(q, "code"), "error", "access_denied"), "iss")
		}, code: "sign_in_invalid", reason: "(iss)"},
		"an error in another browser": {cookie: func(attempt) func(string) string { return none }, query: func(q url.Values) url.Values {
			return with(with(q, "code"), "error", "access_denied")
		}, code: "sign_in_expired", reason: "no cookie"},
		"an error that nobody registered": {query: func(q url.Values) url.Values {
			return with(with(q, "code"), "error", hide("an error's text", "<script>alert(document.cookie)</script>"))
		}, code: "provider_error", reason: "not registered"},
		"an error with a long story": {query: func(q url.Values) url.Values {
			return with(with(with(q, "code"), "error", "server_error"), "error_description", hide("a description", "call 555-1234-567 and tell them your password"))
		}, code: "provider_unavailable", reason: "server_error"},
		"levels that are not met": {query: func(q url.Values) url.Values {
			return with(with(q, "code"), "error", "unmet_authentication_requirements")
		}, code: "sign_in_level_too_low"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			a := r.begin(Begin{Provider: "hostile"})
			query, cookie, address := h.code(a), a.get, callback
			if c.query != nil {
				query = c.query(query)
			}
			if c.cookie != nil {
				cookie = c.cookie(a)
			}
			if c.address != "" {
				address = c.address
			}
			r.clock.advance(c.wait)
			defer r.clock.advance(-c.wait)
			login, err := r.Finish(cookie, query, address)
			wants(t, err, c.code, c.reason)
			if login.Subject != "" || login.Next != "" || login.Link != "" {
				t.Errorf("a failed sign-in gives %+v", login)
			}
		})
	}
}

// A code that was made for one browser is worth nothing in another's sign-in,
// though the state there is good: PKCE binds it.
func TestInjectedCode(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	attacker, victim := r.begin(Begin{Provider: "hostile"}), r.begin(Begin{Provider: "hostile"})
	stolen := h.code(attacker).Get("code")
	_, err := r.Finish(victim.get, with(h.code(victim), "code", stolen), callback)
	wants(t, err, "sign_in_expired", "invalid_grant")

	// And where a provider does not check, the nonce still does.
	h.token = func(w http.ResponseWriter, form url.Values) {
		writeJSON(w, 200, map[string]any{"access_token": "aaaaaaaa", "token_type": "Bearer", "id_token": h.signed(h.standard(attacker.location.Query().Get("nonce")))})
	}
	victim = r.begin(Begin{Provider: "hostile"})
	_, err = r.Finish(victim.get, h.code(victim), callback)
	wants(t, err, "sign_in_invalid", "nonce")
}

// The token endpoint gets the verifier that belongs to the challenge; without it
// a strict provider refuses.
func TestVerifierIsSent(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	a := r.begin(Begin{Provider: "hostile"})
	begun, ok := r.seal.open(a.cookie.Name, a.cookie.Value)
	if !ok {
		t.Fatal("the cookie does not open")
	}
	begun.Verifier = ""
	value := must(r.seal.close(a.cookie.Name, begun))
	_, err := r.Finish(func(string) string { return value }, h.code(a), callback)
	wants(t, err, "sign_in_expired", "invalid_grant")
}

// A state serves once, whatever came of it.
func TestReplay(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	a := r.begin(Begin{Provider: "hostile"})
	query := h.code(a)
	if _, err := r.Finish(a.get, query, callback); err != nil {
		t.Fatal(err)
	}
	_, err := r.Finish(a.get, query, callback)
	wants(t, err, "sign_in_used", "used before")
	_, err = r.Finish(a.get, h.code(a), callback) // with a fresh code
	wants(t, err, "sign_in_used", "used before")

	// Also after an exchange that failed, an error, and an iss of another.
	for _, change := range []func(url.Values) url.Values{
		func(q url.Values) url.Values { return with(q, "code", "invented-code") },
		func(q url.Values) url.Values { return with(with(q, "code"), "error", "access_denied") },
		func(q url.Values) url.Values { return with(q, "iss", "x") },
	} {
		a := r.begin(Begin{Provider: "hostile"})
		query := h.code(a)
		if _, err := r.Finish(a.get, change(query), callback); err == nil {
			t.Fatal("it went well")
		}
		_, err := r.Finish(a.get, query, callback)
		wants(t, err, "sign_in_used", "used before")
	}

	// When nobody can tell, nobody signs in.
	fault := errors.New("the store is away")
	r.once.fault = fault
	a = r.begin(Begin{Provider: "hostile"})
	if _, err := r.Finish(a.get, h.code(a), callback); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

func TestReplayTogether(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	a := r.begin(Begin{Provider: "hostile"})
	query := h.code(a)
	var won, used atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			var e *Error
			switch _, err := r.Finish(a.get, query, callback); {
			case err == nil:
				won.Add(1)
			case errors.As(err, &e) && e.Code == "sign_in_used":
				used.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || used.Load() != 15 || h.count("/token") != 1 {
		t.Errorf("%d won, %d were told that they are late, %d asked for tokens", won.Load(), used.Load(), h.count("/token"))
	}
}

func open(r *rig, a attempt) (pending, error) {
	p, ok := r.seal.open(a.cookie.Name, a.cookie.Value)
	if !ok {
		return p, errors.New("the cookie does not open")
	}
	return p, nil
}

// A cookie with any character changed, cut or added is none.
func TestTamperedCookie(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	a := r.begin(Begin{Provider: "hostile", Next: "/admin/"})
	query := h.code(a)
	refused := func(value string) {
		t.Helper()
		hide("a cookie", value)
		_, err := r.Finish(func(string) string { return value }, query, callback)
		wants(t, err, "sign_in_expired", "cookie")
	}
	value := a.cookie.Value
	for i := range value {
		b := []byte(value)
		b[i] ^= 1
		refused(string(b))
		if b[i] = 'A'; b[i] == value[i] {
			b[i] = '_'
		}
		refused(string(b))
	}
	for _, v := range []string{value[:len(value)-1], value + "A", value + "=", " " + value, "A", strings.Repeat("A", 5000), value + "." + value, value + "\n"} {
		refused(v)
	}
	// The last character has unused bits for two lengths of three.
	for next := range 3 {
		a := r.begin(Begin{Provider: "hostile", Next: "/" + strings.Repeat("a", next)})
		value := []byte(a.cookie.Value)
		last := len(value) - 1
		for c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			changed := slices.Clone(value)
			changed[last] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[c]
			if _, ok := r.seal.open(a.cookie.Name, string(changed)); ok && changed[last] != value[last] {
				t.Errorf("%q serves for %q at the end", changed[last], value[last])
			}
		}
	}
	// The bytes below the characters, too.
	raw := must(base64.RawURLEncoding.DecodeString(value))
	for i := range raw {
		raw[i] ^= 0x80
		refused(base64.RawURLEncoding.EncodeToString(raw))
		raw[i] ^= 0x80
	}
	if _, err := r.Finish(a.get, query, callback); err != nil {
		t.Errorf("and the cookie as it was: %v", err)
	}
}

// Two providers: neither's answers, tokens or keys serve for the other.
func TestMixUp(t *testing.T) {
	good, evil := newHostile(t), newHostile(t)
	evil.key, evil.kid = otherRSA(), "key-1" // the same name as the other's key
	first, second := good.config(), evil.config()
	first.Name, second.Name = "good", "evil"
	r := newRig(t, first, second)
	if got := r.Providers(); !slices.Equal(got, []Info{{"good", "good"}, {"evil", "evil"}}) {
		t.Errorf("%v", got)
	}

	// The classic: the person chose evil, which sends the browser on to good,
	// to get good's code sent to its own token endpoint.
	a := r.begin(Begin{Provider: "evil"})
	_, err := r.Finish(a.get, good.code(a), callback)
	wants(t, err, "sign_in_invalid", "(iss)")
	// Also when evil's metadata does not promise iss.
	evil.metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
	r.clock.advance(2 * time.Hour)
	a = r.begin(Begin{Provider: "evil"})
	_, err = r.Finish(a.get, good.code(a), callback)
	wants(t, err, "sign_in_invalid", "(iss)")
	r.clock.advance(-2 * time.Hour)
	if evil.count("/token") > 0 {
		t.Error("evil got the code")
	}

	// evil signs as good, with its own key and with good's name for it.
	evil.claims = func(c map[string]any) { c["iss"] = good.URL }
	a = r.begin(Begin{Provider: "evil"})
	_, err = r.Finish(a.get, evil.code(a), callback)
	wants(t, err, "sign_in_invalid", "issuer")
	evil.claims = nil

	// Its own claims, signed by the other's key.
	good.sign = func(p []byte) string {
		return signWith(jose.RS256, jose.JSONWebKey{Key: otherRSA(), KeyID: "key-1"}, "JWT", p)
	}
	a = r.begin(Begin{Provider: "good"})
	_, err = r.Finish(a.get, good.code(a), callback)
	wants(t, err, "sign_in_invalid", "signature")
	good.sign = nil

	// A state of one, the cookie of the other.
	a, b := r.begin(Begin{Provider: "good"}), r.begin(Begin{Provider: "evil"})
	_, err = r.Finish(func(string) string { return b.cookie.Value }, good.code(a), callback)
	wants(t, err, "sign_in_expired", "not made here")
	// Both at once, in two tabs of one browser.
	jar := map[string]string{a.cookie.Name: a.cookie.Value, b.cookie.Name: b.cookie.Value}
	get := func(name string) string { return jar[name] }
	x, errX := r.Finish(get, good.code(a), callback)
	y, errY := r.Finish(get, evil.code(b), callback)
	if errX != nil || errY != nil || x.Issuer != good.URL || y.Issuer != evil.URL || x.CookieName == y.CookieName {
		t.Errorf("%v, %v: %+v %+v", errX, errY, x, y)
	}
}

// Where to go after signing in is ours, when it comes in and when it goes out.
func TestNext(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	for next, want := range map[string]string{"/admin/": "/admin/", "//evil.example": "/", "https://evil.example/": "/", "": "/"} {
		a := r.begin(Begin{Provider: "hostile", Next: next})
		if login, err := r.Finish(a.get, h.code(a), callback); err != nil || login.Next != want {
			t.Errorf("%q leads to %q, %v", next, login.Next, err)
		}
		// Also if a cookie that we sealed had it inside.
		a = r.begin(Begin{Provider: "hostile"})
		begun, _ := r.seal.open(a.cookie.Name, a.cookie.Value)
		if first := r.begin(Begin{Provider: "hostile", Next: next}); must(open(r, first)).Next != want {
			t.Errorf("%q is sealed as it is", next)
		}
		begun.Next = next
		value := must(r.seal.close(a.cookie.Name, begun))
		if login, err := r.Finish(func(string) string { return value }, h.code(a), callback); err != nil || login.Next != want {
			t.Errorf("%q from a cookie leads to %q, %v", next, login.Next, err)
		}
	}
}

func TestBeginRefuses(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	_, _, err := r.Begin(Begin{Provider: "nobody", RedirectURI: callback})
	wants(t, err, "provider_unknown", "")
	_, _, err = r.Begin(Begin{Provider: "hostile", RedirectURI: callback, Link: strings.Repeat("x", 257)})
	wants(t, err, "sign_in_invalid", "link")
	if _, _, err = r.Begin(Begin{Provider: "hostile"}); err == nil {
		t.Error("no redirect URI")
	}
	if _, _, err = r.Begin(Begin{Provider: "hostile", RedirectURI: "https://x/" + strings.Repeat("x", 4000)}); err == nil {
		t.Error("a cookie that browsers would drop")
	}
	// The longest of everything still fits into a cookie.
	_, cookie, err := r.Begin(Begin{Provider: "hostile", RedirectURI: "https://x/" + strings.Repeat("x", 300),
		Next: "/" + strings.Repeat("&", maxNext-1), Link: strings.Repeat("x", maxLink)})
	if err != nil || len(cookie.Name)+len(cookie.Value) > 4096 {
		t.Errorf("%d bytes, %v", len(cookie.Value), err)
	}
}

// private_key_jwt: what is sent, with both kinds of keys.
func TestClientAssertion(t *testing.T) {
	for name, c := range map[string]struct {
		key secret.Value
		pub any
		alg jose.SignatureAlgorithm
	}{
		"RSA": {pemOf(otherRSA()), otherRSA().Public(), jose.RS256},
		"EC":  {pemOf(ecKey()), ecKey().Public(), jose.ES256},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			config := h.config()
			config.Secret, config.Key, config.KeyID = secret.Value{}, c.key, "ours"
			seen := map[string]bool{}
			h.token = func(w http.ResponseWriter, form url.Values) {
				raw := hide("a client assertion", form.Get("client_assertion"))
				jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{c.alg})
				if err != nil {
					t.Error(err)
					return
				}
				payload, err := jws.Verify(c.pub)
				var claims struct {
					Iss, Sub, Jti string
					Aud           any
					Iat, Exp      int64
				}
				_ = json.Unmarshal(payload, &claims)
				now := time.Now().Unix()
				if err != nil || jws.Signatures[0].Header.KeyID != "ours" || claims.Iss != "prassi" || claims.Sub != "prassi" ||
					claims.Aud != h.URL || claims.Jti == "" || seen[claims.Jti] || claims.Iat > now || claims.Exp <= now || claims.Exp > now+61 ||
					form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
					form.Has("client_secret") || form.Get("client_id") != "prassi" {
					t.Errorf("%v: %s, %v", err, payload, form)
				}
				seen[claims.Jti] = true
				r := httptest.NewRequest("POST", "/token", nil)
				r.PostForm = form
				r.SetBasicAuth(url.QueryEscape(h.clientID), url.QueryEscape(h.secret))
				h.redeem(w, r)
			}
			r := newRig(t, config)
			for range 2 {
				a := r.begin(Begin{Provider: "hostile"})
				if _, err := r.Finish(a.get, h.code(a), callback); err != nil {
					t.Fatal(err)
				}
			}
			h.metadata = func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic"} }
			_, _, err := newRig(t, config).Begin(Begin{Provider: "hostile", RedirectURI: callback})
			wants(t, err, "provider_error", "private_key_jwt")
		})
	}
}
