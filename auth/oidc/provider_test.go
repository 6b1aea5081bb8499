package oidc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A provider that is down harms nobody else, is left alone for a while, and is
// believed for a day from what it said before.
func TestProviderDown(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	address := down.URL
	down.Close()
	good := newHostile(t)
	first, second := good.config(), good.config()
	first.Name, second.Name, second.Issuer = "good", "down", address
	r := newRig(t, first, second)
	_, _, err := r.Begin(Begin{Provider: "down", RedirectURI: callback})
	wants(t, err, "provider_unavailable", "connection refused")
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error("the reason is lost")
	}
	if _, err := r.LogoutURL("down", "", ""); err == nil {
		t.Error("it tells where to sign out")
	}
	r.begin(Begin{Provider: "good"})
}

func TestDiscoveryIsKept(t *testing.T) {
	h := newHostile(t)
	const path = "/.well-known/openid-configuration"
	r := newRig(t, h.config())
	broken := false
	h.wellKnow = func(w http.ResponseWriter) bool {
		if broken {
			w.WriteHeader(http.StatusBadGateway)
		}
		return broken
	}
	try := func() error {
		_, _, err := r.Begin(Begin{Provider: "hostile", RedirectURI: callback})
		return err
	}
	expect := func(when string, count int, ok bool) {
		t.Helper()
		if err := try(); (err == nil) != ok || h.count(path) != count {
			t.Errorf("%s: %v, after %d questions, want %d", when, err, h.count(path), count)
		}
	}
	if h.count(path) != 0 {
		t.Error("New asks")
	}
	broken = true
	expect("at first", 1, false)
	expect("in the pause", 1, false)
	wants(t, try(), "provider_unavailable", "502")
	r.clock.advance(pause)
	expect("after the pause", 2, false)
	broken = false
	expect("still in the pause", 2, false)
	r.clock.advance(pause)
	expect("when it is there again", 3, true)
	expect("when it is known", 3, true)
	r.clock.advance(fresh - time.Second)
	expect("within the hour", 3, true)
	r.clock.advance(time.Second)
	expect("after the hour", 4, true)
	broken = true
	r.clock.advance(fresh)
	expect("with what was known", 5, true)
	expect("with what was known, in the pause", 5, true)
	r.clock.advance(stale - fresh)
	expect("after a day", 6, false)

	// Many at once ask once.
	broken = false
	r.clock.advance(pause)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if err := try(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if h.count(path) != 7 {
		t.Errorf("%d questions, want 7", h.count(path))
	}
}

// Who leaves does not take the answer away from those who wait.
func TestDiscoveryGivenUp(t *testing.T) {
	h := newHostile(t)
	release := make(chan struct{})
	h.wellKnow = func(http.ResponseWriter) bool { <-release; return false }
	r := newRig(t, h.config())
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, _, err := r.Set.Begin(ctx, Begin{Provider: "hostile", RedirectURI: callback})
		left <- noted(err)
	}()
	for h.count("/.well-known/openid-configuration") == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	wants(t, <-left, "provider_unavailable", "given up")
	close(release)
	r.begin(Begin{Provider: "hostile"})
	if n := h.count("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("%d questions", n)
	}
}

// A new key is fetched once; keys that nobody has cause no storm.
func TestKeyRotation(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	finish := func() error {
		a := r.begin(Begin{Provider: "hostile"})
		_, err := r.Finish(a.get, h.code(a), callback)
		return err
	}
	ok := func(fetches int) {
		t.Helper()
		if err := finish(); err != nil || h.count("/jwks") != fetches {
			t.Errorf("%v, after %d fetches, want %d", err, h.count("/jwks"), fetches)
		}
	}
	ok(1)
	ok(1)
	h.key, h.kid = otherRSA(), "key-2"
	ok(2)
	ok(2)

	// A forged signature under a known name is no reason to ask.
	h.sign = func(p []byte) string {
		return signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-2"}, "JWT", p)
	}
	wants(t, finish(), "sign_in_invalid", "signature")
	if h.count("/jwks") != 2 {
		t.Error("a forged signature causes a fetch")
	}
	h.sign = nil

	// Invented names are, but within the limit. Anybody can post them.
	before := h.count("/jwks")
	for i := range 100 {
		token := signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: fmt.Sprint("x", i)}, "logout+jwt", []byte("{}"))
		if _, err := r.BackChannel("hostile", token); err == nil {
			t.Fatal("a token of nobody is accepted")
		}
	}
	if n := h.count("/jwks") - before; n > keyBurst {
		t.Errorf("100 invented key names cause %d fetches", n)
	}
	// Meanwhile the known keys serve, and a new one after a while.
	if err := finish(); err != nil {
		t.Error(err)
	}
	h.key, h.kid = rsaKey(), "key-3"
	wants(t, finish(), "provider_unavailable", "keys")
	r.clock.advance(keyEvery)
	if err := finish(); err != nil {
		t.Error(err)
	}

	// A key that was taken back is not believed for longer than an hour.
	h.key, h.kid = otherRSA(), "key-4"
	h.sign = func(p []byte) string {
		return signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-3"}, "JWT", p)
	}
	h.claims = func(c map[string]any) { c["exp"] = time.Now().Add(48 * time.Hour).Unix() }
	if err := finish(); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	r.clock.advance(fresh)
	wants(t, finish(), "sign_in_invalid", "signature")
}

// No redirect, no jar and no transport of somebody else's.
func TestOnlyTheClientGiven(t *testing.T) {
	refused := errors.New("this address is refused")
	var asked atomic.Int64
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		asked.Add(1)
		return nil, &net.OpError{Op: "dial", Err: refused}
	}}
	once := &onceMap{seen: map[string]time.Time{}}
	h := newHostile(t)
	set, err := New([]Config{h.config()}, Options{Client: &http.Client{Transport: transport}, Key: rigKey, Once: once.once})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = set.Begin(t.Context(), Begin{Provider: "hostile", RedirectURI: callback})
	wants(t, noted(err), "provider_unavailable", "refused")
	if !errors.Is(err, refused) || asked.Load() != 1 {
		t.Errorf("%v, %d", err, asked.Load())
	}
}

func TestLogoutURL(t *testing.T) {
	h := newHostile(t)
	r := newRig(t, h.config())
	const hint, after = "id.token.hint", "https://prassi.example.org/?a=b&c"
	got, err := r.LogoutURL("hostile", hint, after)
	if err != nil {
		t.Fatal(err)
	}
	u := must(url.Parse(got))
	q := u.Query()
	if u.Scheme+"://"+u.Host+u.Path != h.URL+"/end" || q.Get("x") != "1" || q.Get("id_token_hint") != hint ||
		q.Get("post_logout_redirect_uri") != after || q.Get("client_id") != "prassi" {
		t.Error(got)
	}
	if got, err := r.LogoutURL("hostile", "", ""); err != nil || got != h.URL+"/end?client_id=prassi&x=1" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = r.LogoutURL("nobody", hint, after)
	wants(t, err, "provider_unknown", "")
	h.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
	if got, err := newRig(t, h.config()).LogoutURL("hostile", hint, after); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestBackChannel(t *testing.T) {
	h := newHostile(t)
	other := newHostile(t)
	config, second := h.config(), other.config()
	second.Name = "other"
	r := newRig(t, config, second)
	const event = "http://schemas.openid.net/event/backchannel-logout"
	now := time.Now()
	of := func(subject, sid string) Logout {
		return Logout{Issuer: h.URL, Subject: subject, SID: sid, IssuedAt: time.Unix(now.Unix(), 0)}
	}
	good := func() map[string]any {
		return map[string]any{
			"iss": h.URL, "aud": "prassi", "sub": "person-7", "sid": "session-7", "jti": random(),
			"iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "events": map[string]any{event: map[string]any{}},
		}
	}
	for name, c := range map[string]struct {
		set    func(map[string]any)
		sign   func(payload []byte) string
		typ    string
		want   Logout
		reason string // of logout_invalid
	}{
		"sub and sid":    {want: of("person-7", "session-7")},
		"sub alone":      {set: func(c map[string]any) { delete(c, "sid") }, want: of("person-7", "")},
		"sid alone":      {set: func(c map[string]any) { delete(c, "sub") }, want: of("", "session-7")},
		"no type":        {typ: "-", want: of("person-7", "session-7")},
		"JWT":            {typ: "JWT", want: of("person-7", "session-7")},
		"the whole type": {typ: "application/Logout+JWT", want: of("person-7", "session-7")},
		"a list":         {set: func(c map[string]any) { c["aud"] = []string{"prassi"} }, want: of("person-7", "session-7")},

		"an access token":      {typ: "at+jwt", reason: "type"},
		"another event token":  {typ: "secevent+jwt", reason: "type"},
		"neither sub nor sid":  {set: func(c map[string]any) { delete(c, "sub"); delete(c, "sid") }, reason: "whose"},
		"an empty sid":         {set: func(c map[string]any) { c["sid"] = "" }, reason: "whose"},
		"a sub that is a list": {set: func(c map[string]any) { c["sub"] = []string{"person-7"} }, reason: "whose"},
		"a long sub":           {set: func(c map[string]any) { c["sub"] = string(make([]byte, 300)) }, reason: "too long"},
		"a nonce":              {set: func(c map[string]any) { c["nonce"] = "n" }, reason: "nonce"},
		"a nonce of null":      {set: func(c map[string]any) { c["nonce"] = nil }, reason: "nonce"},
		"no events":            {set: func(c map[string]any) { delete(c, "events") }, reason: "events"},
		"other events": {set: func(c map[string]any) {
			c["events"] = map[string]any{"http://schemas.openid.net/event/x": map[string]any{}}
		}, reason: "events"},
		"an event of null":       {set: func(c map[string]any) { c["events"] = map[string]any{event: nil} }, reason: "events"},
		"an event that is text":  {set: func(c map[string]any) { c["events"] = map[string]any{event: "x"} }, reason: "events"},
		"Events":                 {set: func(c map[string]any) { c["Events"] = c["events"]; delete(c, "events") }, reason: "events"},
		"events that are a list": {set: func(c map[string]any) { c["events"] = []string{event} }, reason: "events"},
		"no name":                {set: func(c map[string]any) { delete(c, "jti") }, reason: "jti"},
		"another issuer":         {set: func(c map[string]any) { c["iss"] = other.URL }, reason: "issuer"},
		"another audience":       {set: func(c map[string]any) { c["aud"] = "other" }, reason: "(aud)"},
		"expired":                {set: func(c map[string]any) { c["exp"] = time.Now().Add(-time.Second).Unix() }, reason: "expired"},
		"no expiry":              {set: func(c map[string]any) { delete(c, "exp") }, reason: "expired"},
		"no time":                {set: func(c map[string]any) { delete(c, "iat") }, reason: "(iat)"},
		"of the future":          {set: func(c map[string]any) { c["iat"] = time.Now().Add(6 * time.Minute).Unix() }, reason: "(iat)"},
		"of the past": {set: func(c map[string]any) {
			c["iat"], c["exp"] = time.Now().Add(-16*time.Minute).Unix(), time.Now().Add(24*time.Hour).Unix()
		}, reason: "too old"},
		"alg none": {sign: func(p []byte) string { return rawToken(`{"alg":"none"}`, p, "") }, reason: "algorithm"},
		"HS256": {sign: func(p []byte) string {
			return signWith(jose.HS256, jose.JSONWebKey{Key: rsaKey().N.Bytes(), KeyID: "key-1"}, "logout+jwt", p)
		}, reason: "algorithm"},
		"another key": {sign: func(p []byte) string {
			return signWith(jose.RS256, jose.JSONWebKey{Key: otherRSA(), KeyID: "key-1"}, "logout+jwt", p)
		}, reason: "signature"},
		"no token":      {sign: func([]byte) string { return "" }, reason: "algorithm"},
		"a large token": {sign: func([]byte) string { return string(make([]byte, maxToken+1)) }, reason: "too large"},
		"an ID token": {sign: func([]byte) string {
			return signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-1"}, "JWT", must(marshal(h.standard("n"))))
		}, reason: "events"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := good()
			if c.set != nil {
				c.set(claims)
			}
			payload := must(marshal(claims))
			typ := map[string]string{"": "logout+jwt", "-": ""}[c.typ]
			if typ == "" && c.typ != "-" {
				typ = c.typ
			}
			token := signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-1"}, typ, payload)
			if c.sign != nil {
				token = c.sign(payload)
			}
			got, err := r.BackChannel("hostile", token)
			if c.reason != "" {
				wants(t, err, "logout_invalid", c.reason)
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%+v, %v", got, err)
			}
			got, err = r.BackChannel("hostile", token)
			if wants(t, err, "logout_invalid", "used before"); got != c.want || !errors.Is(err, ErrRepeated) {
				t.Errorf("again it says %+v", got)
			}
		})
	}
	token := signWith(jose.RS256, jose.JSONWebKey{Key: rsaKey(), KeyID: "key-1"}, "logout+jwt", must(marshal(good())))
	_, err := r.BackChannel("other", token)
	wants(t, err, "logout_invalid", "issuer")
	_, err = r.BackChannel("nobody", token)
	wants(t, err, "provider_unknown", "")
	fault := errors.New("the store is away")
	r.once.fault = fault
	if _, err := r.BackChannel("hostile", token); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	r.once.fault = nil
	// A token is remembered for as long as it, or one like it, would be accepted.
	if _, err := r.BackChannel("hostile", token); err != nil {
		t.Fatal(err)
	}
	for key, until := range r.once.seen {
		if until.Before(time.Now().Add(logoutLife)) {
			t.Errorf("%s may be forgotten at %s", key, until)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	h := newHostile(t)
	once := &onceMap{seen: map[string]time.Time{}}
	good := Options{Client: h.Client(), Key: rigKey, Once: once.once}
	for name, change := range map[string]func(*Options){
		"client":    func(o *Options) { o.Client = nil },
		"transport": func(o *Options) { o.Client = &http.Client{} },
		"key":       func(o *Options) { o.Key = [32]byte{} },
		"once":      func(o *Options) { o.Once = nil },
	} {
		o := good
		change(&o)
		if _, err := New([]Config{h.config()}, o); noted(err) == nil {
			t.Errorf("without a %s", name)
		}
	}
	if _, err := New([]Config{h.config(), h.config()}, good); noted(err) == nil {
		t.Error("two of one name")
	}
	if s, err := New(nil, good); err != nil || len(s.Providers()) != 0 {
		t.Errorf("no provider: %v", err)
	}
}
