package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/internal/leak"
)

// TestForeignFormsAreRefused: every change that a cookie permits, sent by a page
// elsewhere, and by forms that are not ours.
func TestForeignFormsAreRefused(t *testing.T) {
	w := newWorld(t, withRogue(t))
	link := "/auth/link/" + w.link("carla")
	foreign := [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		{"Origin", w.http.URL + ".evil.example"}, {"Sec-Fetch-Site", "cross-site", "Origin", w.http.URL},
	}
	type change struct {
		method, path string
		json         bool // also without a form
		begins       bool // needs no session
		more         string
	}
	changes := []change{
		{method: "POST", path: "/auth/logout", json: true},
		{method: "POST", path: link, begins: true}, {method: "DELETE", path: "/auth/sessions/aaaaaaaaaaaa", json: true},
		{method: "POST", path: "/auth/login", begins: true, json: true},
	}
	filled := map[string]string{
		profilePath:    "&name=Edo&locale=it",
		delegationPath: "&role=editor&to=rita&until=" + time.Now().AddDate(0, 1, 0).Format(time.DateOnly),
	}
	forms := 0
	for _, op := range w.server.operations { // the editorial API takes the cookie too
		if op.Access != signed || op.Method == "GET" || op.ID == "endSession" {
			continue
		}
		if op.Page {
			forms++
		}
		changes = append(changes, change{method: op.Method, path: somewhere(op), json: !op.Page, more: filled[op.Route]})
	}
	if forms != 5 {
		t.Errorf("the account has %d forms", forms)
	}
	if len(changes) < 12 {
		t.Fatalf("only %d changes", len(changes))
	}
	for _, c := range changes {
		b := w.as("edo")
		own := b.formToken(b.get(accountPath).want(t, 200))
		if c.begins && c.path == link {
			own = b.formToken(b.get(link).want(t, 200))
		}
		for _, h := range foreign { // even with the right token: it may have leaked
			b.do(c.method, c.path, "form_token="+own, append([]string{"Accept", "application/json"}, h...)...).problem(t, 403, codeCrossOrigin)
			if c.json {
				b.do(c.method, c.path, "{}", append([]string{"Accept", "application/json", "Content-Type", "application/json"}, h...)...).problem(t, 403, codeCrossOrigin)
			}
		}
		if !strings.HasPrefix(c.path, "/auth/") || c.path == "/auth/login" || c.method == "DELETE" {
			continue // no form has them, but the demonstration's, which only callers here can send
		}
		other := w.as("ada")
		theirs := other.formToken(other.get(accountPath))
		for name, token := range map[string]string{"missing": "", "invented": strings.Repeat("A", 64), "another's": theirs, "cut": own[:len(own)-2], "in another case": strings.ToUpper(own)} {
			body := url.Values{"form_token": {token}}.Encode()
			if token == "" {
				body = ""
			}
			if a := b.do(c.method, c.path, body, "Accept", "application/json"); a.StatusCode != 403 || !strings.Contains(string(a.body), codeFormExpired) {
				t.Errorf("%s: a token that is %s: %d %s", c.path, name, a.StatusCode, a.body)
			}
		}
		for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x"} { // what else a form can send
			if a := b.do(c.method, c.path, "form_token="+own, "Accept", "application/json", "Content-Type", kind); a.StatusCode != 415 {
				t.Errorf("%s: %s: %d", c.path, kind, a.StatusCode)
			}
		}
		if b.me() == nil {
			t.Fatalf("%s was done", c.path)
		}
		// From here, with its token, it works.
		status := 303
		a := b.do(c.method, c.path, url.Values{"form_token": {own}}.Encode()+c.more, "Sec-Fetch-Site", "same-origin", "Origin", w.http.URL)
		a.want(t, status)
	}
}

// TestAccount shows one's own sessions and ends them, and nobody else's.
func TestAccount(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	_, notMine, err := w.auth.StartSession(ctx, auth.NewSession{Person: "ada"})
	w.must(err)
	agents := map[string]string{
		"Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0":                                                                    "Firefox, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36 Edg/128.0":               "Edge, Windows",
		"<script>alert(1)</script>": "",
	}
	var browsers []*browsing
	for agent := range agents {
		browsers = append(browsers, w.as("edo", "User-Agent", agent))
	}
	list := func(b *browsing) []LoginSession {
		t.Helper()
		var all LoginSessions
		a := b.do("GET", "/auth/sessions", "").want(t, 200)
		a.into(t, &all)
		if strings.Contains(string(a.body), b.session()) {
			t.Error("the list tells the secret")
		}
		return all.Items
	}
	b := browsers[0]
	seen := map[string]bool{}
	current := 0
	for _, s := range list(b) {
		seen[s.Agent] = true
		if s.Current {
			current++
		}
		if s.Address != "127.0.0.*" || s.SeenAt.IsZero() || s.ExpiresAt.IsZero() {
			t.Errorf("%+v", s)
		}
	}
	for _, name := range agents {
		if !seen[name] {
			t.Errorf("no session of %q: %v", name, seen)
		}
	}
	if current != 1 {
		t.Errorf("%d sessions are this one", current)
	}
	token := b.formToken(b.get(accountPath).want(t, 200))
	form := url.Values{"form_token": {token}}.Encode()
	// Another's session is not there, by JSON, nor by the form, which says nothing.
	b.do("DELETE", "/auth/sessions/"+notMine.ID, "", "Accept", "application/json").problem(t, 404, "not_found")
	b.do("POST", accountPath+"/sessions/"+notMine.ID, form).want(t, 303)
	if all, err := w.auth.Sessions(ctx, "ada"); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
	for _, s := range list(b) {
		if !s.Current {
			b.do("POST", accountPath+"/sessions/"+s.ID, form).want(t, 303)
			break
		}
	}
	if left := list(b); len(left) != 3 {
		t.Errorf("%d are left", len(left))
	}
	b.do("POST", accountPath+"/sessions", form).want(t, 303)
	for i, x := range browsers {
		if (x.me() != nil) != (i == 0) {
			t.Errorf("browser %d: %v", i, x.me())
		}
	}
	// A token is for machines: it neither sees sessions nor ends them.
	for _, r := range [][2]string{{"GET", "/auth/sessions"}, {"DELETE", "/auth/sessions/aaaaaaaaaaaa"}, {"GET", accountPath}, {"POST", accountPath + "/sessions"}} {
		w.send("edo", r[0], r[1], "").problem(t, 403, codeSessionNeeded)
	}
	// Nobody is led to the login, and comes back.
	a := w.browser().get(accountPath).want(t, 303)
	if to := a.Header.Get("Location"); to != "/auth/login?next=%2Fauth%2Faccount" {
		t.Errorf("to %q", to)
	}
}

// TestCookies: over TLS the name and the attributes keep everybody else out;
// on this machine without it, what is possible.
func TestCookies(t *testing.T) {
	behind := func(o *Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	w := newWorld(t, undemonstrated, behind, withRogue(t))
	secure := []string{"X-Forwarded-Proto", "https"}
	b := w.browser(secure...)
	location := b.begin("/auth/login/rogue")
	if !strings.HasPrefix(parameter(location, "redirect_uri"), "https://") {
		t.Errorf("the provider sends people to %s", parameter(location, "redirect_uri"))
	}
	back, err := url.Parse(b.rogueAnswer(rogue(), location, "anna"))
	w.must(err)
	a := b.get(back.RequestURI()).want(t, 303)
	for _, c := range a.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %v %v %q %q", c.Name, c.Secure, c.HttpOnly, c.Path, c.Domain)
		}
	}
	if len(b.cookies) != 1 || b.cookies[cookieSecure] == "" || b.me() == nil {
		t.Fatalf("%d cookies", len(b.cookies))
	}
	// The plain name does not count over TLS: another host could have set it.
	plain := w.browser(secure...)
	plain.cookies[cookieLocal] = b.session()
	if plain.me() != nil {
		t.Error("the name that anybody can set is taken")
	}
	// Nor the other way round.
	unsecured := w.browser()
	unsecured.cookies[cookieSecure] = b.session()
	if unsecured.me() != nil {
		t.Error("the secure name counts without TLS")
	}
	out := b.do("POST", "/auth/logout", "", "Accept", "application/json", "Content-Type", "application/json").want(t, 200)
	if out.Header.Get("Clear-Site-Data") != `"storage"` || len(b.cookies) != 0 || out.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", out.Header)
	}
	local := newWorld(t, withRogue(t))
	l := local.browser()
	l.signIn(rogue(), "anna")
	if len(l.cookies) != 1 || l.cookies[cookieLocal] == "" {
		t.Errorf("%d cookies", len(l.cookies))
	}
}

// TestBackChannel is the provider's word on sessions (OpenID Connect Back-Channel
// Logout 1.0), whatever comes with it.
func TestBackChannel(t *testing.T) {
	p := newRogue()
	w := newWorld(t, undemonstrated, withOIDC(t, p.Client(), rogueConfig(p)))
	post := func(body string, headers ...string) answered {
		t.Helper()
		return w.send("", "POST", "/auth/backchannel/rogue", body, append([]string{"Content-Type", typeForm}, headers...)...)
	}
	token := func(subject string, more map[string]any) string {
		t.Helper()
		s, err := p.LogoutToken(subject, more)
		w.must(err)
		return "logout_token=" + leak.Secret(s)
	}
	anna, bruno := w.browser(), w.browser()
	anna.signIn(p, "anna")
	bruno.signIn(p, "bruno")
	for name, body := range map[string]string{
		"nothing": "", "no token": "x=y", "no token in it": "logout_token=", "nonsense": "logout_token=a.b.c", "two": token("anna", nil) + "&" + token("anna", nil),
		"another client's": token("anna", map[string]any{"aud": "x"}), "no event": token("anna", map[string]any{"events": map[string]any{}}),
		"with a nonce": token("anna", map[string]any{"nonce": "n"}), "old": token("anna", map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}),
		"another issuer's": token("anna", map[string]any{"iss": "http://127.0.0.1:2"}),
	} {
		if a := post(body); a.StatusCode != 400 || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	p.Sign = p.PublicKeyAsSecret
	post(token("anna", nil)).problem(t, 400, "logout_invalid")
	p.Sign = nil
	post("logout_token="+strings.Repeat("a", maxLogoutToken)).problem(t, 413, codeBodyTooLarge)
	w.send("", "POST", "/auth/backchannel/other", token("anna", nil), "Content-Type", typeForm).problem(t, 404, "provider_unknown")
	if anna.me() == nil || bruno.me() == nil {
		t.Fatal("a token that is refused ends a session")
	}
	good := token("anna", nil)
	for range 3 { // the answer may be lost: it comes again
		if a := post(good+"&more=x").want(t, 200); a.Header.Get("Cache-Control") != "no-store" || len(a.body) != 0 {
			t.Errorf("%v %s", a.Header, a.body)
		}
	}
	if anna.me() != nil || bruno.me() == nil {
		t.Error("the wrong session is over")
	}
	anna.signIn(p, "anna")
	if post(good).want(t, 200); anna.me() == nil {
		t.Error("a token that is replayed ends a new session")
	}
	// A process that took the token died, or its store did, before it ended the
	// sessions: the token is spent, and comes again.
	lost := map[string]any{"jti": "lost", "iat": time.Now().Add(time.Second).Unix()}
	if first, err := w.auth.Once(t.Context(), "oidc_logout", "rogue lost", time.Now().Add(time.Hour)); err != nil || !first {
		t.Fatal(first, err)
	}
	if post(token("anna", lost)).want(t, 200); anna.me() != nil || bruno.me() == nil {
		t.Error("a logout whose first telling failed is lost")
	}
	anna.signIn(p, "anna")
	second := w.browser()
	second.signIn(p, "anna")
	if post(token("anna", map[string]any{"sid": nil})).want(t, 200); anna.me() != nil || second.me() != nil {
		t.Error("a subject's sessions go on")
	}
	if post(token("nobody-we-know", nil)).want(t, 200); bruno.me() == nil {
		t.Error("the wrong session is over")
	}
}

// TestLinks: shown as often as one likes, used once, in the browser that shows it.
func TestLinks(t *testing.T) {
	w := newWorld(t, withRogue(t))
	secret := w.link("carla")
	path := "/auth/link/" + secret
	for range 3 {
		page := string(w.browser().get(path).want(t, 200).body)
		if !strings.Contains(page, "Carla Contributrice") || !strings.Contains(page, "Entra con") {
			t.Error("the page does not say whose it is")
		}
	}
	shown := w.browser()
	token := shown.formToken(shown.get(path))
	body := url.Values{"form_token": {token}}.Encode()
	w.browser().do("POST", path, body).want(t, 403) // without the cookie
	elsewhere := w.browser()
	elsewhere.get("/auth/link/" + w.link("edo"))
	elsewhere.do("POST", path, body).want(t, 403) // with that of another link
	shown.do("POST", path, body).want(t, 303)
	if me := shown.me(); me == nil || me.ID != "person:carla" {
		t.Fatalf("%+v", me)
	}
	if again := w.browser().get(path); again.StatusCode != 404 {
		t.Errorf("it is there still: %d", again.StatusCode)
	}
	shown.do("POST", path, body).want(t, 404)

	// With a provider it binds the login there: the next one needs no link.
	path = "/auth/link/" + w.link("rita")
	b := w.browser()
	body = url.Values{"form_token": {b.formToken(b.get(path))}, "provider": {"rogue"}}.Encode()
	to := strings.TrimPrefix(b.do("POST", path, body).want(t, 200).Header.Get("Refresh"), "0;url=")
	b.get(b.rogueAnswer(rogue(), to, "rita-there")).want(t, 303)
	next := w.browser()
	next.signIn(rogue(), "rita-there")
	for _, x := range []*browsing{b, next} {
		if me := x.me(); me == nil || me.ID != "person:rita" {
			t.Errorf("%+v", me)
		}
	}
	// Who is somebody here already cannot become somebody else by a link.
	path = "/auth/link/" + w.link("tariq")
	b = w.browser()
	body = url.Values{"form_token": {b.formToken(b.get(path))}, "provider": {"rogue"}}.Encode()
	to = strings.TrimPrefix(b.do("POST", path, body).want(t, 200).Header.Get("Refresh"), "0;url=")
	if a := b.get(b.rogueAnswer(rogue(), to, "rita-there")); a.StatusCode != 409 || !strings.Contains(string(a.body), "identity_taken") || b.session() != "" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	// The state of a document that a browser keeps holds no link.
	if data, err := json.Marshal(b.cookies); err != nil || strings.Contains(string(data), secret) {
		t.Error("a cookie shows the link")
	}
}
