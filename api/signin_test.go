package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/oidcprovider"
	"github.com/prassi-cms/prassi/internal/oidcrogue"
	"github.com/prassi-cms/prassi/internal/secret"
)

func TestMain(m *testing.M) { leak.Main(m) }

// rogue is the provider of tests that need none from outside.
var rogue = sync.OnceValue(newRogue)

func newRogue() *oidcrogue.Provider {
	p, err := oidcrogue.New()
	if err != nil {
		panic(err)
	}
	leak.Secret(p.Secret)
	return p
}

func rogueConfig(p *oidcrogue.Provider) oidc.Config {
	return oidc.Config{Name: "rogue", Label: "Identità Prova", Issuer: p.Issuer, ClientID: p.ClientID, Secret: secret.New(p.Secret)}
}

// withOIDC gives a world its providers, as the command does.
func withOIDC(t testing.TB, client *http.Client, configs ...oidc.Config) func(*Options) {
	return func(o *Options) {
		key, err := o.Auth.Key(context.Background(), "oidc")
		if err != nil {
			t.Fatal(err)
		}
		leak.Secret(string(key[:]))
		o.OIDC, err = oidc.New(configs, oidc.Options{Client: client, Key: key, Once: o.Auth.Once, Log: o.Logger, Clock: o.clock})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// withRogue gives a world the provider of this package.
func withRogue(t testing.TB) func(*Options) {
	return withOIDC(t, rogue().Client(), rogueConfig(rogue()))
}

func undemonstrated(o *Options) { o.Demo, o.DemoPeople = false, nil }

// visitor is a browser as far as cookies and redirects go: it follows none by
// itself, and asks for pages.
type browsing struct {
	w       *world
	cookies map[string]string
	headers []string
}

func (w *world) browser(headers ...string) *browsing {
	return &browsing{w: w, cookies: map[string]string{}, headers: headers}
}

// as is a browser in which one of the demonstration's people has signed in.
func (w *world) as(person string, headers ...string) *browsing {
	w.t.Helper()
	b := w.browser(headers...)
	b.do("POST", "/auth/login", "person="+person).want(w.t, 303)
	return b
}

// do sends a request with the cookies and keeps those that come.
func (b *browsing) do(method, path, body string, headers ...string) answered {
	b.w.t.Helper()
	path = strings.TrimPrefix(path, b.w.http.URL)
	var jar []string
	for name, value := range b.cookies {
		jar = append(jar, name+"="+value)
	}
	all := []string{"Accept", "text/html,application/xhtml+xml", "Accept-Language", "it", "Content-Type", typeForm}
	if len(jar) > 0 {
		all = append(all, "Cookie", strings.Join(jar, "; "))
	}
	a := b.w.send("", method, path, body, append(append(all, b.headers...), headers...)...)
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.cookies, c.Name)
			continue
		}
		if len(c.Value) >= leak.MinSecret {
			leak.Secret(c.Value)
		}
		b.cookies[c.Name] = c.Value
	}
	return a
}

func (b *browsing) get(path string) answered { b.w.t.Helper(); return b.do("GET", path, "") }

// session is the value of the session's cookie, "" when there is none.
func (b *browsing) session() string {
	if s := b.cookies[cookieSecure]; s != "" {
		return s
	}
	return b.cookies[cookieLocal]
}

// me asks who the browser is; nil when nobody.
func (b *browsing) me() *Me {
	b.w.t.Helper()
	a := b.do("GET", "/auth/me", "", "Accept", "application/json")
	if a.StatusCode == http.StatusUnauthorized {
		return nil
	}
	var me Me
	a.want(b.w.t, 200).into(b.w.t, &me)
	return &me
}

// begin starts at a provider and gives its address.
func (b *browsing) begin(path string) string {
	b.w.t.Helper()
	return b.get(path).want(b.w.t, 303).Header.Get("Location")
}

// rogueAnswer signs in at the provider of this package and gives the callback.
func (b *browsing) rogueAnswer(p *oidcrogue.Provider, location, subject string) string {
	b.w.t.Helper()
	back, err := p.Answer(location, subject)
	b.w.must(err)
	u, err := url.Parse(back)
	b.w.must(err)
	leak.Secret(u.Query().Get("code"))
	leak.Secret(u.Query().Get("state"))
	return back
}

// signIn goes the whole way at the provider of this package.
func (b *browsing) signIn(p *oidcrogue.Provider, subject string) answered {
	b.w.t.Helper()
	return b.get(b.rogueAnswer(p, b.begin("/auth/login/rogue"), subject)).want(b.w.t, 303)
}

var formTokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// formToken finds the token of a page's forms.
func (b *browsing) formToken(page answered) string {
	b.w.t.Helper()
	m := formTokenField.FindSubmatch(page.body)
	if m == nil {
		b.w.t.Fatalf("no form token in\n%s", page.body)
	}
	return leak.Secret(html.UnescapeString(string(m[1])))
}

// firstLink makes the link for the first administrator.
func (w *world) firstLink() string {
	w.t.Helper()
	link, needed, err := w.auth.FirstLink(context.Background())
	w.must(err)
	if !needed {
		w.t.Fatal("there is an administrator already")
	}
	return leak.Secret(link)
}

func (w *world) link(person string) string {
	w.t.Helper()
	link, err := w.auth.CreateLink(context.Background(), content.System("test"), person, time.Hour)
	w.must(err)
	return leak.Secret(link)
}

// sessionExamples call the operations of sessionTable.
func sessionExamples(t *testing.T, w *world) map[string]func() []request {
	form := []string{"Content-Type", typeForm, "Accept", "text/html"}
	cookie := func(b *browsing, more ...string) []string {
		var jar []string
		for name, value := range b.cookies {
			jar = append(jar, name+"="+value)
		}
		return append([]string{"Cookie", strings.Join(jar, "; ")}, more...)
	}
	signedIn := func() *browsing {
		b := w.browser()
		b.signIn(rogue(), "anna")
		return b
	}
	shownLink := func() (*browsing, string, string) {
		b, path := w.browser(), "/auth/link/"+w.link("carla")
		return b, path, url.Values{"form_token": {b.formToken(b.get(path).want(t, 200))}}.Encode()
	}
	formBy := func(signedIn func() *browsing, path func(*browsing) string, fields ...string) func() []request {
		return func() []request {
			signedIn()
			b := signedIn()
			sent := url.Values{"form_token": {b.formToken(b.get(accountPath).want(t, 200))}}
			for i := 0; i+1 < len(fields); i += 2 {
				sent.Set(fields[i], fields[i+1])
			}
			return []request{{path: path(b), status: 303, body: sent.Encode(), headers: cookie(b, form...)}}
		}
	}
	byForm := func(path func(*browsing) string, fields ...string) func() []request {
		return formBy(signedIn, path, fields...)
	}
	byEditor := func(path string, fields ...string) func() []request {
		return formBy(func() *browsing { return w.as("edo") }, func(*browsing) string { return path }, fields...)
	}
	other := func(b *browsing) string {
		var all LoginSessions
		b.do("GET", "/auth/sessions", "").want(t, 200).into(t, &all)
		for _, s := range all.Items {
			if !s.Current {
				return s.ID
			}
		}
		t.Fatal("there is no other session")
		return ""
	}
	return map[string]func() []request{
		"showLogin": func() []request {
			return []request{{path: "/auth/login?next=/docs", status: 200}, {path: "/auth/login", status: 303, headers: []string{"Via", "1.1 proxy"}}}
		},
		"startLogin": func() []request { return []request{{path: "/auth/login/rogue?next=/docs", status: 303}} },
		"finishLogin": func() []request {
			b := w.browser()
			back := b.rogueAnswer(rogue(), b.begin("/auth/login/rogue"), "anna")
			return []request{{path: strings.TrimPrefix(back, w.http.URL), status: 303, headers: cookie(b)}}
		},
		"finishLoginAt": func() []request { // as if there were several
			location, begun, err := w.server.oidc.Begin(t.Context(), oidc.Begin{Provider: "rogue", RedirectURI: w.http.URL + "/auth/callback/rogue"})
			w.must(err)
			b := w.browser()
			back := b.rogueAnswer(rogue(), location, "anna")
			b.cookies[begun.Name] = leak.Secret(begun.Value)
			return []request{{path: strings.TrimPrefix(back, w.http.URL), status: 303, headers: cookie(b)}}
		},
		"getIcon": func() []request { return []request{{path: "/favicon.ico", status: 204}} },
		"showLogout": func() []request {
			return []request{{path: "/auth/logout", status: 200}, {path: "/auth/logout", status: 303, headers: cookie(signedIn())}}
		},
		"logOut": func() []request {
			demo := w.as("edo")
			token := demo.formToken(demo.get(accountPath))
			return []request{
				{path: "/auth/logout", status: 200, headers: cookie(signedIn())},
				{path: "/auth/logout", status: 303, body: url.Values{"form_token": {token}}.Encode(), headers: cookie(demo, form...)},
			}
		},
		"endSessionsByProvider": func() []request {
			token, err := rogue().LogoutToken("anna", nil)
			w.must(err)
			return []request{{path: "/auth/backchannel/rogue", status: 200, body: "logout_token=" + leak.Secret(token), headers: form[:2]}}
		},
		"showLink": func() []request { return []request{{path: "/auth/link/" + w.link("carla"), status: 200}} },
		"useLink": func() []request {
			b, path, body := shownLink()
			b2, path2, body2 := shownLink()
			return []request{
				{path: path, status: 303, body: body, headers: cookie(b, form...)},
				{path: path2, status: 200, body: body2 + "&provider=rogue", headers: cookie(b2, form...)},
			}
		},
		"listSessions": func() []request { return []request{{path: "/auth/sessions", status: 200, headers: cookie(signedIn())}} },
		"endSession": func() []request {
			signedIn()
			b := signedIn()
			return []request{{path: "/auth/sessions/" + other(b), status: 204, headers: cookie(b)}}
		},
		"showAccount": func() []request {
			return []request{
				{path: accountPath, status: 200, headers: cookie(signedIn())},
				{path: accountPath, status: 303, headers: []string{"Accept", "text/html"}},
			}
		},
		"endOtherSessions":       byForm(func(*browsing) string { return accountPath + "/sessions" }),
		"endSessionByForm":       byForm(func(b *browsing) string { return accountPath + "/sessions/" + other(b) }),
		"changeOwnProfileByForm": byForm(func(*browsing) string { return profilePath }, "name", "Anna Bianchi", "locale", "en"),
		"delegateRoleByForm":     byEditor(delegationPath, "role", "editor", "to", "rita", "until", time.Now().AddDate(0, 1, 0).Format(time.DateOnly)),
		"endDelegationByForm":    byEditor(delegationPath + "/rita/editor"),
	}
}

// use gives a world that runs already its providers: a real one must know the
// world's address first.
func (w *world) use(configs ...oidc.Config) {
	w.t.Helper()
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	opt := Options{Auth: w.auth, Logger: leak.Logger()}
	withOIDC(w.t, &http.Client{Transport: transport}, configs...)(&opt)
	w.server.oidc = opt.OIDC
}

// signInAt goes the whole way at a real provider; there is who signs in there.
func (b *browsing) signInAt(p *oidcprovider.Provider, there *http.Client, path, account string) answered {
	b.w.t.Helper()
	back := p.Login(b.w.t, there, b.begin(path), account)
	u, err := url.Parse(back)
	b.w.must(err)
	for _, name := range []string{"code", "state"} {
		if v := u.Query().Get(name); v != "" {
			leak.Secret(v)
		}
	}
	return b.get(back)
}

// TestSignIn goes through real providers, and real connections.
func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, undemonstrated)
	callback := w.http.URL + "/auth/callback"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	w.must(err)
	jwk, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "ours", Algorithm: "ES256", Use: "sig"})
	w.must(err)
	sso := oidcprovider.Start(t, oidcprovider.Options{
		RedirectURIs: []string{callback + "/sso", callback + "/key"}, PostLogoutURIs: []string{w.http.URL + logoutPath}, BackChannelURI: w.http.URL + "/auth/backchannel/sso",
		PublicKeyJWK: jwk, ACR: []string{"level2", "level3"},
	})
	second := oidcprovider.Start(t, oidcprovider.Options{RedirectURIs: []string{callback + "/second", callback + "/high"}, ACR: []string{"low", "high"}, GrantACR: "low", Algorithm: "ES256"})
	leak.Secret(sso.Secret)
	leak.Secret(second.Secret)
	config := oidc.Config{
		Name: "sso", Label: "Comune", Issuer: sso.Issuer, ClientID: sso.ClientID, Secret: secret.New(sso.Secret), TrustEmail: true,
		RolesClaim: "realm_access.roles", Roles: map[string][]string{"editors": {"editor", "reviewer@nowhere"}}, ACR: []string{"level2"},
	}
	byKey := config
	byKey.Name, byKey.ClientID, byKey.Secret, byKey.KeyID = "key", sso.KeyClientID, secret.Value{}, "ours"
	byKey.Key = secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	leak.Secret(base64.StdEncoding.EncodeToString(der)[:60])
	other := oidc.Config{Name: "second", Issuer: second.Issuer, ClientID: second.ClientID, Secret: secret.New(second.Secret),
		RolesClaim: "groups", Roles: map[string][]string{"council-milano": {"reviewer@MI"}}}
	high := other
	high.Name, high.ACR = "high", []string{"high"}
	w.use(config, byKey, other, high)
	there := oidcprovider.NewClient() // the person's browser, at the provider
	var id string

	t.Run("the first administrator comes by a link", func(t *testing.T) {
		w.t = t
		b := w.browser()
		path := "/auth/link/" + w.firstLink()
		token := b.formToken(b.get(path).want(t, 200))
		onward := b.do("POST", path, url.Values{"form_token": {token}, "provider": {"sso"}}.Encode()).want(t, 200)
		to := strings.TrimPrefix(onward.Header.Get("Refresh"), "0;url=")
		if !strings.HasPrefix(to, sso.Issuer) || !strings.Contains(html.UnescapeString(string(onward.body)), to) {
			t.Fatalf("it leads to %q\n%s", to, onward.body)
		}
		b.get(sso.Login(t, there, to, "anna")).want(t, 303)
		me := b.me()
		if me == nil || me.Name != "Anna Bianchi" || !holds(me, "administrator") || !holds(me, "editor") || len(me.Grants) != 2 {
			t.Fatalf("%+v", me)
		}
		id = me.ID
		again := w.browser().get(path)
		if again.want(t, 404); !strings.Contains(string(again.body), "link_invalid") {
			t.Errorf("%s", again.body)
		}
	})
	t.Run("who knows her is sure without asking again", func(t *testing.T) {
		w.t = t
		b := w.browser()
		a := b.signInAt(sso, there, "/auth/login/sso?next=%2Fdocs%3Fa%3Db", "nobody").want(t, 303)
		if me := b.me(); a.Header.Get("Location") != "/docs?a=b" || me == nil || me.ID != id || !holds(me, "administrator") {
			t.Errorf("%s %+v", a.Header.Get("Location"), me)
		}
	})
	t.Run("with a key instead of a secret, after the provider's keys were rotated", func(t *testing.T) {
		w.t = t
		sso.RotateKeys(t)
		b := w.browser()
		b.signInAt(sso, there, "/auth/login/key", "anna").want(t, 303)
		if me := b.me(); me == nil || me.ID != id {
			t.Errorf("%+v", me)
		}
	})
	t.Run("somebody new at another provider", func(t *testing.T) {
		w.t = t
		b := w.browser()
		a := b.signInAt(second, oidcprovider.NewClient(), "/auth/login/second", "bruno").want(t, 303)
		if me := b.me(); a.Header.Get("Location") != accountPath || me == nil || me.ID == id || len(me.Grants) != 1 || me.Grants[0].Scope != "015" {
			t.Errorf("%s %+v", a.Header.Get("Location"), me)
		}
		if page := b.get(accountPath).want(t, 200); !strings.Contains(string(page.body), "Consiglio territoriale di Milano") {
			t.Errorf("%s", page.body)
		}
	})
	t.Run("somebody without a role is told so", func(t *testing.T) {
		w.t = t
		b := w.browser()
		b.signInAt(second, oidcprovider.NewClient(), "/auth/login/second", "chidi").want(t, 303)
		if page := b.get(accountPath).want(t, 200); !strings.Contains(string(page.body), "You have no role yet") {
			t.Errorf("%s", page.body)
		}
	})
	t.Run("a level that is too low, and a person who says no", func(t *testing.T) {
		w.t = t
		b := w.browser()
		w.refusal(b, b.signInAt(second, oidcprovider.NewClient(), "/auth/login/high", "bruno"), 403, "sign_in_level_too_low")
		w.refusal(b, b.signInAt(sso, oidcprovider.NewClient(), "/auth/login/sso", ""), 403, "sign_in_denied")
	})
	t.Run("signing out there ends what it began here", func(t *testing.T) {
		w.t = t
		first, second := w.browser(), w.browser()
		first.signInAt(sso, there, "/auth/login/sso", "anna").want(t, 303)
		second.signInAt(sso, there, "/auth/login/sso", "anna").want(t, 303)
		var out LoggedOut
		first.do("POST", "/auth/logout", "", "Accept", "application/json", "Content-Type", "application/json").want(t, 200).into(t, &out)
		if first.me() != nil || second.me() == nil {
			t.Fatal("the wrong session is over")
		}
		u, err := url.Parse(out.LogoutURL)
		w.must(err)
		leak.Secret(u.Query().Get("id_token_hint"))
		if back := sso.Logout(t, there, out.LogoutURL); back != w.http.URL+logoutPath {
			t.Errorf("it leads to %s", back)
		}
		for end := time.Now().Add(5 * time.Second); second.me() != nil; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the provider's word does not end the other session")
			}
		}
	})
	t.Run("a form leads to the provider's end of session", func(t *testing.T) {
		w.t = t
		b := w.browser()
		b.signInAt(sso, oidcprovider.NewClient(), "/auth/login/sso", "anna").want(t, 303)
		token := b.formToken(b.get(accountPath).want(t, 200))
		a := b.do("POST", "/auth/logout", url.Values{"form_token": {token}}.Encode()).want(t, 200)
		to := strings.TrimPrefix(a.Header.Get("Refresh"), "0;url=")
		if !strings.HasPrefix(to, sso.Issuer) || b.session() != "" || b.me() != nil {
			t.Errorf("it leads to %d characters", len(to))
		}
		u, err := url.Parse(to)
		w.must(err)
		leak.Secret(u.Query().Get("id_token_hint"))
	})
	t.Run("a provider that is down", func(t *testing.T) {
		w.t = t
		sso.Down(t)
		defer sso.Up(t)
		w.use(config)
		page := w.browser().get("/auth/login/sso").want(t, 503)
		if !strings.Contains(string(page.body), "provider_unavailable") || page.Header.Get("Retry-After") == "" {
			t.Errorf("%s", page.body)
		}
	})
}

func holds(me *Me, role string) bool {
	return slices.ContainsFunc(me.Grants, func(g Grant) bool { return g.Role == role })
}

// TestClaimsHaveTheLastWord: a role that a claim gave goes with it; one that was
// given here stays.
func TestClaimsHaveTheLastWord(t *testing.T) {
	p := newRogue()
	config := rogueConfig(p)
	config.RolesClaim, config.Roles = "groups", map[string][]string{"staff": {"editor"}, "council-*": {"reviewer@*"}}
	w := newWorld(t, undemonstrated, withOIDC(t, p.Client(), config))
	groups := func(names ...string) { p.Claims = func(c map[string]any) { c["groups"] = names } }
	b := w.browser()
	groups("staff", "council-PO", "council-<x>", "other")
	b.signIn(p, "anna")
	me := b.me()
	if me == nil || len(me.Grants) != 2 || !holds(me, "editor") || !holds(me, "reviewer") {
		t.Fatalf("%+v", me)
	}
	_, err := w.auth.Grant(context.Background(), content.System("test"), strings.TrimPrefix(me.ID, "person:"), content.Grant{Role: "translator", Scope: "ar"})
	w.must(err)
	groups("other")
	b.signIn(p, "anna")
	if me = b.me(); me == nil || len(me.Grants) != 1 || !holds(me, "translator") {
		t.Errorf("%+v", me)
	}
}

// TestCallbackOfEachProvider: with several providers an answer counts at the
// address of its own provider only (RFC 9700, section 4.4).
func TestCallbackOfEachProvider(t *testing.T) {
	one, two := newRogue(), newRogue()
	configs := []oidc.Config{rogueConfig(one), rogueConfig(two)}
	configs[1].Name = "other"
	w := newWorld(t, undemonstrated, withOIDC(t, one.Client(), configs...))
	for path, status := range map[string]int{"/auth/callback/rogue": 303, "/auth/callback/other": 400, "/auth/callback": 400, "/auth/callback/": 400, "/auth/callback/nobody": 400} {
		b := w.browser()
		location := b.begin("/auth/login/rogue")
		if to := parameter(location, "redirect_uri"); to != w.http.URL+"/auth/callback/rogue" {
			t.Fatalf("the provider is to send browsers to %s", to)
		}
		back, err := url.Parse(b.rogueAnswer(one, location, "anna"))
		w.must(err)
		if a := b.get(path + "?" + back.RawQuery); a.StatusCode != status && !(path == "/auth/callback/" && a.StatusCode == 404) || (b.session() != "") != (status == 303) {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	if got := CallbackPaths([]string{"a"}); !slices.Equal(got, []string{"/auth/callback"}) {
		t.Error(got)
	}
	if got := CallbackPaths([]string{"a", "b"}); !slices.Equal(got, []string{"/auth/callback/a", "/auth/callback/b"}) {
		t.Error(got)
	}
}

// TestKindsOfSignIn: each kind of failure of package oidc has its answer, so that
// no code of it becomes an internal error.
func TestKindsOfSignIn(t *testing.T) {
	for _, code := range oidc.Codes {
		row, ok := bySignIn[oidc.KindOf(code)]
		if status := statusOf(&content.Problem{Class: row.class, Code: code}); !ok || row.class == content.Internal || status != row.status || status < 400 || status == 500 {
			t.Errorf("%s: %+v, status %d", code, row, status)
		}
	}
	if got := statusOf(&content.Problem{Class: content.NotFound, Code: "not_found"}); got != 404 {
		t.Errorf("a code of another package has the status %d", got)
	}
}
