package main

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/oidcprovider"
)

// freeAddress gives an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestSignInAtAProvider takes somebody who was invited through a certified
// provider, with one provider by settings and with a file of them.
func TestSignInAtAProvider(t *testing.T) {
	address := freeAddress(t)
	public := "http://" + address
	provider := oidcprovider.Start(t, oidcprovider.Options{RedirectURIs: []string{public + "/auth/callback"}, PostLogoutURIs: []string{public + "/auth/logout"}})
	t.Setenv("PRASSI_OIDC_CLIENT_SECRET", leak.Secret(provider.Secret))
	file := written(t, `providers:
  - name: comune
    label: Comune di Prato
    issuer: `+provider.Issuer+`
    client_id: `+provider.ClientID+`
    secret: PRASSI_OIDC_CLIENT_SECRET
    trust_email: true
    roles_claim: realm_access.roles
    roles: {editors: [translator@ar]}
`)
	for name, test := range map[string]struct {
		args, roles []string
	}{
		"oidc":   {[]string{"--oidc-issuer", provider.Issuer, "--oidc-client-id", provider.ClientID}, nil},
		"comune": {[]string{"--oidc-file", file}, []string{"reviewer", "translator"}},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			if code, out := command(t, "grant", "--data", data, "anna@example.org", "reviewer@PO", "--invite"); code != 0 {
				t.Fatal(out)
			}
			r := start(t, append([]string{"--addr", address, "--data", data, "--public-url", public, "--outgoing-allow", "127.0.0.1"}, test.args...)...)
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			login := r.call(browser, "GET", "/auth/login?next=/auth/account", nil, "", http.StatusSeeOther, nil).Get("Location")
			if !strings.HasPrefix(login, "/auth/login/"+name+"?") {
				t.Fatalf("one provider is not gone to at once: %s", login)
			}
			location := r.call(browser, "GET", login, nil, "", http.StatusSeeOther, nil).Get("Location")
			back := provider.Login(t, oidcprovider.NewClient(), location, "anna")
			path, ok := strings.CutPrefix(back, public)
			if !ok {
				t.Fatalf("the provider leads to %s", back)
			}
			res, err := browser.Get(r.base + path)
			if err != nil {
				t.Fatal(err)
			}
			page, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode >= 400 {
				t.Fatalf("%v %s\n%.2000s", err, res.Status, page)
			}
			var me struct {
				ID, Name string
				Grants   []struct{ Role, Scope string }
			}
			r.call(browser, "GET", "/auth/me", nil, "", http.StatusOK, &me)
			var roles []string
			for _, g := range me.Grants {
				roles = append(roles, g.Role)
			}
			if me.Name != "Anna Bianchi" || strings.Join(roles, " ") != strings.Join(test.roles, " ") {
				t.Errorf("%+v", me)
			}
			r.stop()
			if code, out := command(t, "audit", "--data", data); code != 0 || !strings.Contains(out, "provider") && !strings.Contains(out, name) {
				t.Errorf("%d %s", code, out)
			}
			if code, out := command(t, "verify", "--data", data); code != 0 {
				t.Error(out)
			}
			for _, secret := range []string{provider.Secret, "code=", "id_token"} {
				if strings.Contains(r.log.String(), secret) {
					t.Errorf("the log tells %q", secret[:4])
				}
			}
		})
	}
}

// TestProvidersAreNamed: roles from claims count while their provider is
// configured, so the server tells package auth which are; without any, none.
func TestProvidersAreNamed(t *testing.T) {
	t.Setenv("PRASSI_TEST_ONE", leak.Secret("a-secret-of-a-test-provider"))
	file := written(t, `providers:
  - {name: one, issuer: "https://one.example.org", client_id: prassi, secret: PRASSI_TEST_ONE}
  - {name: two, issuer: "https://two.example.org", client_id: prassi, secret: PRASSI_TEST_ONE}
`)
	for path, want := range map[string]int{file: 2, "": 0} {
		e := &env{stderr: io.Discard, cli: &cli{}}
		c := serveCmd{kept: kept{Idle: time.Hour, Absolute: time.Hour}, signIn: signIn{File: path}, reached: reached{PublicURL: "https://prassi.example.org"}}
		if _, _, err := c.settings(e); err != nil {
			t.Fatal(err)
		}
		if e.limits.Providers == nil || len(e.limits.Providers()) != want {
			t.Errorf("%q: %+v", path, e.limits)
		}
	}
}
