package oidc

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/prassi-cms/prassi/internal/secret"
)

// Everything that the tests of this package have seen in an error or a log, and
// every secret that they used; TestMain compares at the end.
var (
	words struct {
		sync.Mutex
		seen    bytes.Buffer
		secrets map[string]string // secret → what it is
	}
	testLog = slog.New(slog.NewJSONHandler(seenWriter{}, &slog.HandlerOptions{Level: slog.LevelDebug}))
)

type seenWriter struct{}

func (seenWriter) Write(p []byte) (int, error) {
	words.Lock()
	defer words.Unlock()
	return words.seen.Write(p)
}

// noted keeps an error's text, however it is printed, and gives the error back.
func noted(err error) error {
	if err != nil {
		fmt.Fprintf(seenWriter{}, "%v\n%+v\n%#v\n", err, err, err.Error())
		testLog.Error("failed", "error", err)
	}
	return err
}

// hide says that nobody may ever see s.
func hide(what, s string) string {
	words.Lock()
	defer words.Unlock()
	if words.secrets == nil {
		words.secrets = map[string]string{}
	}
	if len(s) >= 8 {
		words.secrets[s] = what
	}
	return s
}

// Nothing that is secret is in any error or log of the whole package.
func TestMain(m *testing.M) {
	code := m.Run()
	words.Lock()
	seen := words.seen.String()
	for s, what := range words.secrets {
		for _, form := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if i := strings.Index(seen, form); i >= 0 {
				fmt.Printf("FAIL: an error or a log shows a secret, %s: …%.200s\n", what, seen[max(0, i-100):])
				code = 1
			}
		}
	}
	if len(words.secrets) == 0 && code == 0 {
		fmt.Println("note: this run used no secret")
	}
	words.Unlock()
	os.Exit(code)
}

// The keys are made once: RSA takes its time.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func marshal(v any) ([]byte, error) { return json.Marshal(v) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pemOf(key crypto.Signer) secret.Value {
	der := must(x509.MarshalPKCS8PrivateKey(key))
	hide("the private key", base64.StdEncoding.EncodeToString(der)[64:128])
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// rig is a Set whose every answer is noted.
type rig struct {
	*Set
	t     testing.TB
	once  *onceMap
	clock *testClock
}

type testClock struct{ offset atomic.Int64 }

func (c *testClock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *testClock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// onceMap remembers, as auth.Once does in the store.
type onceMap struct {
	sync.Mutex
	seen  map[string]time.Time
	fault error
}

func (o *onceMap) once(_ context.Context, kind, key string, until time.Time) (bool, error) {
	o.Lock()
	defer o.Unlock()
	if o.fault != nil {
		return false, o.fault
	}
	id := kind + " " + key
	if _, ok := o.seen[id]; ok {
		return false, nil
	}
	o.seen[id] = until
	return true, nil
}

var rigKey = func() (k [32]byte) {
	rand.Read(k[:])
	hide("the key of the cookies", string(k[:]))
	return k
}()

func newRig(t testing.TB, configs ...Config) *rig {
	t.Helper()
	r := &rig{t: t, once: &onceMap{seen: map[string]time.Time{}}, clock: &testClock{}}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	set, err := New(configs, Options{
		Client: &http.Client{Transport: transport}, Clock: r.clock.now, Key: rigKey, Once: r.once.once, Log: testLog,
	})
	if noted(err) != nil {
		t.Fatal(err)
	}
	r.Set = set
	return r
}

func (r *rig) Begin(b Begin) (string, Cookie, error) {
	location, cookie, err := r.Set.Begin(r.t.Context(), b)
	hide("a sealed cookie", cookie.Value)
	return location, cookie, noted(err)
}

func (r *rig) Finish(cookie func(string) string, query url.Values, redirectURI string) (Login, error) {
	for _, name := range []string{"code", "state"} {
		hide("a "+name, query.Get(name))
	}
	login, err := r.Set.Finish(r.t.Context(), cookie, query, redirectURI)
	hide("an ID token", login.IDToken)
	return login, noted(err)
}

func (r *rig) LogoutURL(provider, idToken, after string) (string, error) {
	hide("an ID token", idToken)
	u, err := r.Set.LogoutURL(r.t.Context(), provider, idToken, after)
	return u, noted(err)
}

func (r *rig) BackChannel(provider, token string) (Logout, error) {
	hide("a logout token", token)
	l, err := r.Set.BackChannel(r.t.Context(), provider, token)
	return l, noted(err)
}

const callback = "https://prassi.example.org/auth/callback"

// attempt is a sign-in that was begun, as the browser and the provider see it.
type attempt struct {
	location *url.URL
	cookie   Cookie
}

func (r *rig) begin(b Begin) attempt {
	r.t.Helper()
	if b.RedirectURI == "" {
		b.RedirectURI = callback
	}
	location, cookie, err := r.Begin(b)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		r.t.Fatal(err)
	}
	hide("a nonce", u.Query().Get("nonce"))
	return attempt{u, cookie}
}

func (a attempt) get(name string) string {
	if name == a.cookie.Name {
		return a.cookie.Value
	}
	return ""
}

// wants checks an error's code and that its reason has a word.
func wants(t testing.TB, err error, code, reason string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Err.Error(), reason) {
		t.Errorf("got %v, want %s because of %q", err, code, reason)
	}
}

// hostile is a provider that does what a test tells it to. As it comes, it is
// a correct one, and its token endpoint is as strict as a good one's.
type hostile struct {
	*httptest.Server
	t        testing.TB
	clientID string
	secret   string
	key      crypto.Signer // signs
	kid      string
	alg      jose.SignatureAlgorithm

	mu     sync.Mutex
	codes  map[string]url.Values // code → the authorization request
	counts map[string]int        // requests by path

	metadata func(map[string]any)
	jwks     func() any
	claims   func(c map[string]any)                   // of the ID token
	sign     func(payload []byte) string              // instead of signing
	answer   func(answer map[string]any)              // of the token endpoint
	token    func(http.ResponseWriter, url.Values)    // instead of the token endpoint
	userinfo func(http.ResponseWriter, string)        // the access token
	wellKnow func(http.ResponseWriter) (handled bool) // instead of discovery
}

func newHostile(t testing.TB) *hostile {
	h := &hostile{
		t: t, clientID: "prassi", secret: hide("the client secret", "s3cret/+ "+rand.Text()),
		key: rsaKey(), kid: "key-1", alg: jose.RS256, codes: map[string]url.Values{}, counts: map[string]int{},
	}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

func (h *hostile) config() Config {
	return Config{Name: "hostile", Issuer: h.URL, ClientID: h.clientID, Secret: secret.New(h.secret)}
}

func (h *hostile) count(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[path]
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (h *hostile) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.counts[r.URL.Path]++
	h.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		if h.wellKnow != nil && h.wellKnow(w) {
			return
		}
		m := map[string]any{
			"issuer": h.URL, "authorization_endpoint": h.URL + "/auth", "token_endpoint": h.URL + "/token",
			"jwks_uri": h.URL + "/jwks", "userinfo_endpoint": h.URL + "/me", "end_session_endpoint": h.URL + "/end?x=1",
			"authorization_response_iss_parameter_supported": true,
			"id_token_signing_alg_values_supported":          []string{"none", "HS256", "RS256"},
			"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "private_key_jwt"},
		}
		if h.metadata != nil {
			h.metadata(m)
		}
		writeJSON(w, http.StatusOK, m)
	case "/jwks":
		if h.jwks != nil {
			writeJSON(w, http.StatusOK, h.jwks())
			return
		}
		writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.key.Public(), KeyID: h.kid, Use: "sig"}}})
	case "/token":
		_ = r.ParseForm()
		if h.token != nil {
			h.token(w, r.PostForm)
			return
		}
		h.redeem(w, r)
	case "/me":
		h.userinfo(w, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	default:
		http.NotFound(w, r)
	}
}

// redeem is a token endpoint: client_secret_basic, PKCE, each code once.
func (h *hostile) redeem(w http.ResponseWriter, r *http.Request) {
	id, password, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	password, _ = url.QueryUnescape(password)
	if id != h.clientID || password != h.secret {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	h.mu.Lock()
	request, ok := h.codes[r.PostForm.Get("code")]
	delete(h.codes, r.PostForm.Get("code"))
	h.mu.Unlock()
	verifier := hide("a PKCE verifier", r.PostForm.Get("code_verifier"))
	sum := sha256.Sum256([]byte(verifier))
	if !ok || request.Get("redirect_uri") != r.PostForm.Get("redirect_uri") ||
		request.Get("code_challenge_method") != "S256" || request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		// As some providers do, it quotes what it was given.
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "code " + r.PostForm.Get("code") + " of " + password})
		return
	}
	access := hide("an access token", rand.Text())
	claims := h.standard(request.Get("nonce"))
	sum = sha256.Sum256([]byte(access))
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:16])
	if h.claims != nil {
		h.claims(claims)
	}
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "id_token": h.signed(claims), "expires_in": 60}
	if h.answer != nil {
		h.answer(answer)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (h *hostile) standard(nonce string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": h.URL, "aud": h.clientID, "sub": "person-7", "sid": "session-7", "nonce": nonce,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": "Anna Bianchi", "email": "anna@example.org", "email_verified": true, "locale": "it-IT",
		"realm_access": map[string]any{"roles": []string{"council-prato", "staff", "offline_access"}},
	}
}

func (h *hostile) signed(claims map[string]any) string {
	payload := must(json.Marshal(claims))
	if h.sign != nil {
		return hide("a token", h.sign(payload))
	}
	return hide("a token", signWith(h.alg, jose.JSONWebKey{Key: h.key, KeyID: h.kid}, "JWT", payload))
}

// signWith makes a token in compact form.
func signWith(alg jose.SignatureAlgorithm, key any, typ string, payload []byte) string {
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options))
	return must(must(signer.Sign(payload)).CompactSerialize())
}

// code is what happens at the authorization endpoint: the person signs in, and
// the answer is the callback's query.
func (h *hostile) code(a attempt) url.Values {
	q := a.location.Query()
	code := hide("a code", "code-"+rand.Text())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {h.URL}}
}

// with gives a copy of a query with a parameter changed, or removed when it is "".
func with(q url.Values, name string, values ...string) url.Values {
	q = maps.Clone(q)
	if len(values) == 0 {
		q.Del(name)
	} else {
		q[name] = values
	}
	return q
}
