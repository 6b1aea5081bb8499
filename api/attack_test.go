package api

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/oidcprovider"
	"github.com/prassi-cms/prassi/internal/oidcrogue"
	"github.com/prassi-cms/prassi/internal/secret"
)

// refusal holds a refused sign-in against what every one has: a page with the
// code and the request's number in it, or a problem; no session; and an entry in
// the ledger, which tells no secret.
func (w *world) refusal(b *browsing, a answered, status int, code string) {
	w.t.Helper()
	a.want(w.t, status)
	if text := string(a.body); !strings.Contains(text, ">"+code+"<") || !strings.Contains(text, a.Header.Get("X-Request-Id")) || !strings.Contains(text, `href="/auth/login"`) {
		w.t.Errorf("not the page of %s:\n%s", code, text)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%v", a.Header)
	}
	for _, c := range a.Cookies() {
		if c.Value != "" {
			w.t.Errorf("a refused sign-in sets the cookie %s", c.Name)
		}
	}
	if b.session() != "" {
		w.t.Error("a refused sign-in begins a session")
	}
	entries, _, err := w.ledger.All(context.Background(), "", 1000)
	w.must(err)
	found := false
	for _, e := range entries {
		found = found || e.Action == audit.SignInRefused && e.Details["reason"] == code
		for _, secret := range b.cookies {
			for _, v := range e.Details {
				if strings.Contains(v, secret) {
					w.t.Error("the ledger tells a secret")
				}
			}
		}
	}
	if !found {
		w.t.Errorf("the ledger does not tell that a sign-in was refused with %s", code)
	}
}

// with gives an address with a parameter changed, or taken away when it is "".
func with(address, name, value string) string {
	u, _ := url.Parse(address)
	q := u.Query()
	if q.Del(name); value != "" {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func parameter(address, name string) string {
	u, _ := url.Parse(address)
	return u.Query().Get(name)
}

// TestAttackTheCallback plays every trick with the answers of a real provider.
func TestAttackTheCallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, undemonstrated)
	callback := w.http.URL + "/auth/callback"
	p := oidcprovider.Start(t, oidcprovider.Options{RedirectURIs: []string{callback + "/one"}})
	p2 := oidcprovider.Start(t, oidcprovider.Options{RedirectURIs: []string{callback + "/two"}})
	var configs []oidc.Config
	for name, p := range map[string]*oidcprovider.Provider{"one": p, "two": p2} {
		configs = append(configs, oidc.Config{Name: name, Issuer: p.Issuer, ClientID: p.ClientID, Secret: secret.New(leak.Secret(p.Secret))})
	}
	w.use(configs...)
	there := oidcprovider.NewClient()
	// answer is the callback that a victim's provider sends her browser to.
	answer := func(b *browsing) string {
		t.Helper()
		back := p.Login(t, there, b.begin("/auth/login/one"), "anna")
		leak.Secret(parameter(back, "code"))
		leak.Secret(parameter(back, "state"))
		return back
	}
	only := func(b *browsing) (name, value string) {
		for name, value = range b.cookies {
		}
		return name, value
	}

	b := w.browser()
	back := answer(b)
	wrong := strings.Repeat("A", 43)
	w.refusal(b, b.get(with(back, "state", "")), 400, "sign_in_invalid")
	w.refusal(b, b.get(with(back, "state", wrong)), 400, "sign_in_expired")
	w.refusal(b, b.get(back+"&state="+parameter(back, "state")), 400, "sign_in_invalid")
	w.refusal(b, b.get(back+"&%zz"), 400, "sign_in_invalid")
	w.refusal(b, b.get(callback), 400, "sign_in_invalid")
	w.refusal(b, b.get(callback+"?error=access_denied"), 400, "sign_in_invalid") // anybody can say no in another's name
	// In another browser nothing of it is good: not the address alone, and not
	// with a sign-in that was begun there.
	stranger := w.browser()
	w.refusal(stranger, stranger.get(back), 400, "sign_in_expired")
	mine := stranger.begin("/auth/login/one")
	w.refusal(stranger, stranger.get(with(back, "state", leak.Secret(parameter(mine, "state")))), 400, "sign_in_expired") // PKCE: the code is another's
	// The cookie of one state under the name of another, and a changed one.
	stranger = w.browser()
	stranger.begin("/auth/login/one")
	_, value := only(stranger)
	name, good := only(b)
	b.cookies[name] = value
	w.refusal(b, b.get(back), 400, "sign_in_expired")
	for _, bad := range []string{good[:len(good)-1] + "AB"[strings.IndexByte("A", good[len(good)-1])+1:][:1], good[1:], "x", good + "="} {
		b.cookies = map[string]string{name: bad}
		w.refusal(b, b.get(back), 400, "sign_in_expired")
	}
	// What came out of order did not use the sign-in up: an attacker cannot.
	b.cookies = map[string]string{name: good}
	b.get(back).want(t, 303)
	if me := b.me(); me == nil || me.Name != "Anna Bianchi" {
		t.Fatalf("%+v", me)
	}
	// Now it is used, whoever comes with all of it.
	again := w.browser()
	again.cookies[name] = good
	w.refusal(again, again.get(back), 400, "sign_in_used")
	// A code of before, for a new state.
	fresh := w.browser()
	state := leak.Secret(parameter(fresh.begin("/auth/login/one"), "state"))
	w.refusal(fresh, fresh.get(with(back, "state", state)), 400, "sign_in_expired")

	// Mix-up (RFC 9207): the answer of one provider to the question of the other.
	b = w.browser()
	state = leak.Secret(parameter(b.begin("/auth/login/two"), "state"))
	w.refusal(b, b.get(with(answer(w.browser()), "state", state)), 400, "sign_in_invalid")
	b = w.browser()
	w.refusal(b, b.get(with(answer(b), "iss", p2.Issuer)), 400, "sign_in_invalid")
	b = w.browser()
	w.refusal(b, b.get(with(answer(b), "iss", "")), 400, "sign_in_invalid")

	// A program is told the same as a problem.
	a := w.send("", "GET", "/auth/callback?state="+wrong, "").problem(t, 400, "sign_in_expired")
	if a.RequestID == "" {
		t.Errorf("%+v", a)
	}
}

// TestSessionFixation: what somebody laid into the browser before is not the
// session afterwards, and the session before is over.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t, undemonstrated, withRogue(t))
	b := w.browser()
	b.signIn(rogue(), "mallory")
	planted := b.session()
	victim := w.browser()
	victim.cookies[cookieLocal] = planted
	victim.signIn(rogue(), "anna")
	if victim.session() == planted || victim.session() == "" {
		t.Fatal("the session is the one that was planted")
	}
	if b.me() != nil {
		t.Error("the session before goes on")
	}
	invented := w.browser()
	invented.cookies[cookieLocal] = strings.Repeat("a", len(planted))
	before := invented.session()
	invented.signIn(rogue(), "anna")
	if invented.session() == before {
		t.Error("an invented session was taken over")
	}
}

// TestHostileTokens: a provider whose tokens lie about one thing.
func TestHostileTokens(t *testing.T) {
	claims := func(change func(map[string]any)) func(*oidcrogue.Provider) {
		return func(p *oidcrogue.Provider) { p.Claims = change }
	}
	set := func(name string, value any) func(*oidcrogue.Provider) {
		return claims(func(c map[string]any) { c[name] = value })
	}
	for name, lie := range map[string]func(*oidcrogue.Provider){
		"no signature":                  func(p *oidcrogue.Provider) { p.Sign = oidcrogue.Unsigned },
		"HS256 with the public key":     func(p *oidcrogue.Provider) { p.Sign = p.PublicKeyAsSecret },
		"a key that is not published":   func(p *oidcrogue.Provider) { p.Sign = oidcrogue.OtherKey },
		"no token at all":               func(p *oidcrogue.Provider) { p.Sign = func([]byte) string { return "" } },
		"for another client":            set("aud", "another"),
		"for another client too":        set("aud", []string{"prassi", "another"}),
		"authorized for another client": claims(func(c map[string]any) { c["aud"], c["azp"] = []string{"prassi", "x"}, "x" }),
		"expired":                       set("exp", time.Now().Add(-time.Hour).Unix()),
		"never expires":                 claims(func(c map[string]any) { delete(c, "exp") }),
		"made in the future":            set("iat", time.Now().Add(time.Hour).Unix()),
		"of another issuer":             set("iss", "http://127.0.0.1:2/other"),
		"with another nonce":            set("nonce", "another-nonce"),
		"without a nonce":               claims(func(c map[string]any) { delete(c, "nonce") }),
		"of nobody":                     claims(func(c map[string]any) { delete(c, "sub") }),
		"of another at_hash":            set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
	} {
		t.Run(name, func(t *testing.T) {
			p := newRogue()
			w := newWorld(t, undemonstrated, withOIDC(t, p.Client(), rogueConfig(p)))
			lie(p)
			b := w.browser()
			a := b.get(b.rogueAnswer(p, b.begin("/auth/login/rogue"), "anna"))
			if name == "no token at all" {
				w.refusal(b, a, 502, "provider_error")
			} else {
				w.refusal(b, a, 400, "sign_in_invalid")
			}
			people, err := w.auth.People(context.Background(), "", 0)
			if w.must(err); len(people) != 5 {
				t.Errorf("a refused sign-in makes a person: %d", len(people))
			}
		})
	}
}

// TestOpenRedirects: after a login nobody is anywhere else, whatever the address
// said.
func TestOpenRedirects(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	for next, want := range map[string]string{
		"/docs": "/docs", "/docs?x=1&y=//z#here": "/docs?x=1&y=//z#here", "/": "/", "/admin/": "/admin/",
		"": accountPath, "docs": accountPath, "//evil.example": accountPath, "///evil.example": accountPath, "https://evil.example": accountPath,
		`/\evil.example`: accountPath, `\\evil.example`: accountPath, `/\/evil.example`: accountPath, "/\t/evil.example": accountPath, "/%09/evil.example": accountPath,
		"/%2f/evil.example": accountPath, "/%5cevil.example": accountPath, "/%252f%252fevil.example": accountPath, "/./evil": accountPath, "/..//evil.example": accountPath,
		"javascript:alert(1)": accountPath, "data:text/html,x": accountPath, "//evil.example@here": accountPath, "/@evil.example": "/@evil.example",
		" /docs": accountPath, "/docs\r\nX: y": accountPath, "/ｅvil": accountPath, "/a/\u2044evil": accountPath, "http:/docs": accountPath, "/" + strings.Repeat("a", 2000): accountPath,
		"/auth/login": accountPath, "/auth/logout": accountPath, "/auth/login/rogue": accountPath, accountPath: accountPath, "/auth/account/x": accountPath,
	} {
		q := url.Values{"next": {next}}.Encode()
		b := w.browser()
		if a := b.get("/auth/login/rogue?" + q); strings.ContainsAny(next, "\r\n\t") {
			a.want(t, 400) // no clean text
		} else {
			a = b.get(b.rogueAnswer(rogue(), a.want(t, 303).Header.Get("Location"), "anna"))
			if got := a.want(t, 303).Header.Get("Location"); got != want {
				t.Errorf("by a provider %q leads to %q, want %q", next, got, want)
			}
		}
		a := w.browser().do("POST", "/auth/login", "person=edo&"+q)
		if strings.ContainsAny(next, "\r\n\t") {
			a.want(t, 400)
		} else if got := a.want(t, 303).Header.Get("Location"); got != want {
			t.Errorf("by the form %q leads to %q, want %q", next, got, want)
		}
	}
	// The cookie that carries it cannot be changed: see TestAttackTheCallback.
}

// TestNobodyIsLockedOut: too many tries are bounded, for a while.
func TestNobodyIsLockedOut(t *testing.T) {
	clock := &hands{at: time.Now()}
	w := newWorld(t, undemonstrated, func(o *Options) { o.Rates, o.clock = Rates{SignIn: Rate{Minute: 6, Burst: 3}}, clock.now }, withRogue(t))
	b := w.browser()
	for range 3 {
		w.refusal(b, b.get("/auth/callback?state=nonsense"), 400, "sign_in_expired")
	}
	a := b.get("/auth/login/rogue").want(t, 429)
	if a.Header.Get("Retry-After") != "10" || !strings.Contains(string(a.body), "too_many_requests") {
		t.Errorf("%v\n%s", a.Header, a.body)
	}
	// Another address is not concerned, nor is what is published.
	w.send("", "GET", "/api/v1/articles", "").want(t, 200)
	clock.turn(10 * time.Second)
	location := b.begin("/auth/login/rogue")
	clock.turn(10 * time.Second)
	b.get(b.rogueAnswer(rogue(), location, "anna")).want(t, 303)
	clock.turn(time.Hour)
	b.get("/auth/login/rogue").want(t, 303)
}

// TestAnswersTellNothingOfPeople: known, unknown and erased are answered alike.
func TestAnswersTellNothingOfPeople(t *testing.T) {
	w := newWorld(t, undemonstrated, withRogue(t))
	ctx := context.Background()
	known := w.browser()
	known.signIn(rogue(), "known")
	gone := w.browser()
	gone.signIn(rogue(), "gone")
	ada, err := w.auth.Person(ctx, "ada")
	w.must(err)
	w.must(w.auth.Erase(ctx, ada.Actor(), strings.TrimPrefix(gone.me().ID, "person:")))
	if gone.me() != nil {
		t.Error("who is erased goes on")
	}
	var shapes []string
	for _, subject := range []string{"known", "unknown", "gone"} {
		b := w.browser()
		a := b.signIn(rogue(), subject)
		page := b.get(accountPath).want(t, 200)
		var names []string
		for _, c := range a.Cookies() {
			names = append(names, c.Name[:6])
		}
		_, rest, _ := strings.Cut(string(page.body), `<h2 id="roles">`)
		rest, _, _ = strings.Cut(rest, "</section>")
		shapes = append(shapes, a.Header.Get("Location")+strings.Join(names, " ")+rest)
	}
	if shapes[0] != shapes[1] || shapes[1] != shapes[2] {
		t.Errorf("%q", shapes)
	}
	// Links that are used, over, of somebody who is gone, or invented.
	used := w.link("edo")
	if _, err := w.auth.UseLink(ctx, used); err != nil {
		t.Fatal(err)
	}
	dead := w.link("carla")
	w.must(w.auth.Erase(ctx, ada.Actor(), "carla"))
	var pages []string
	for _, link := range []string{used, dead, strings.Repeat("z", len(used)), "short-and-wrong"} {
		b := w.browser()
		a := b.get("/auth/link/"+link).want(t, 404)
		if len(a.Cookies()) > 0 {
			t.Errorf("%v", a.Cookies())
		}
		pages = append(pages, strings.ReplaceAll(string(a.body), a.Header.Get("X-Request-Id"), ""))
		token, cookie := linkToken("any", link), linkCookie+"=any"
		w.send("", "POST", "/auth/link/"+link, url.Values{"form_token": {token}}.Encode(), "Content-Type", typeForm, "Cookie", cookie).problem(t, 404, "link_invalid")
		w.send("", "POST", "/auth/link/"+link, url.Values{"form_token": {token}, "provider": {"rogue"}}.Encode(), "Content-Type", typeForm, "Cookie", cookie).problem(t, 404, "link_invalid")
	}
	for _, p := range pages[1:] {
		if p != pages[0] {
			t.Errorf("%s\n%s", p, pages[0])
		}
	}
}
