package oidc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/prassi-cms/prassi/internal/oidcprovider"
	"github.com/prassi-cms/prassi/internal/secret"
)

// finishAt signs in as account at a real provider.
func (r *rig) finishAt(p *oidcprovider.Provider, client *http.Client, b Begin, account string) (Login, error) {
	r.t.Helper()
	a := r.begin(b)
	back := must(url.Parse(p.Login(r.t, client, a.location.String(), account)))
	if back.Scheme+"://"+back.Host+back.Path != callback {
		r.t.Fatalf("the provider leads to %s", back)
	}
	return r.Finish(a.get, back.Query(), callback)
}

// The whole way, with a certified provider that was not written by us.
func TestRealProvider(t *testing.T) {
	logouts := make(chan string, 8)
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logouts <- r.PostFormValue("logout_token")
	}))
	defer ours.Close()
	const after = "https://prassi.example.org/"
	const spid = "https://www.spid.gov.it/SpidL"
	key := ecKey()
	p := oidcprovider.Start(t, oidcprovider.Options{
		RedirectURIs: []string{callback}, PostLogoutURIs: []string{after}, BackChannelURI: ours.URL,
		PublicKeyJWK: must(json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "ours", Algorithm: "ES256", Use: "sig"})),
		ACR:          []string{spid + "2", spid + "3"},
	})
	second := oidcprovider.Start(t, oidcprovider.Options{
		RedirectURIs: []string{callback}, Algorithm: "ES256", Post: true, UserinfoOnly: true, GrantACR: "low", ACR: []string{"low", "high"},
	})
	hide("the client secret", p.Secret)
	hide("the client secret", second.Secret)
	common := Config{
		Name: "secret", Issuer: p.Issuer, ClientID: p.ClientID, Secret: secret.New(p.Secret), TrustEmail: true,
		RolesClaim: "realm_access.roles", Roles: map[string][]string{"editors": {"editor"}},
	}
	byKey := common
	byKey.Name, byKey.ClientID, byKey.Secret, byKey.Key, byKey.KeyID = "key", p.KeyClientID, secret.Value{}, pemOf(key), "ours"
	level := common
	level.Name, level.ACR = "level", []string{spid + "2"}
	other := Config{
		Name: "second", Issuer: second.Issuer, ClientID: second.ClientID, Secret: secret.New(second.Secret), TrustEmail: true, Userinfo: true,
		RolesClaim: "groups", Roles: map[string][]string{"council-*": {"reviewer@*"}},
	}
	high := other
	high.Name, high.ACR = "high", []string{"high"}
	r := newRig(t, common, byKey, level, other, high)
	browser := oidcprovider.NewClient()

	anna := func(t *testing.T, l Login, err error) {
		t.Helper()
		if err != nil || l.Issuer != p.Issuer || l.Subject != "anna" || l.Name != "Anna Bianchi" || l.Email != "anna@example.org" ||
			!l.EmailTrusted || l.Locale != "it-IT" || l.SID == "" || l.Next != "/admin/" || !slices.Equal(l.Grants, []string{"editor"}) {
			t.Errorf("%v: %+v", err, l)
		}
	}
	run := func(name string, f func(t *testing.T)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r.t = t
			f(t)
		})
	}
	run("with a secret", func(t *testing.T) {
		l, err := r.finishAt(p, browser, Begin{Provider: "secret", Next: "/admin/"}, "anna")
		anna(t, l, err)
	})
	run("with private_key_jwt, already signed in there", func(t *testing.T) {
		l, err := r.finishAt(p, browser, Begin{Provider: "key", Next: "/admin/"}, "nobody")
		anna(t, l, err)
	})
	run("after a key rotation", func(t *testing.T) {
		p.RotateKeys(t)
		l, err := r.finishAt(p, oidcprovider.NewClient(), Begin{Provider: "secret", Next: "/admin/"}, "anna")
		anna(t, l, err)
		l, err = r.finishAt(p, oidcprovider.NewClient(), Begin{Provider: "key", Next: "/admin/"}, "anna")
		anna(t, l, err)
	})
	run("at the level that is demanded", func(t *testing.T) {
		l, err := r.finishAt(p, oidcprovider.NewClient(), Begin{Provider: "level", Next: "/admin/"}, "anna")
		anna(t, l, err)
		if l.ACR != spid+"2" {
			t.Errorf("the level %q", l.ACR)
		}
	})
	run("at a level that is too low", func(t *testing.T) {
		_, err := r.finishAt(second, oidcprovider.NewClient(), Begin{Provider: "high"}, "anna")
		wants(t, err, "sign_in_level_too_low", "acr")
	})
	run("at a second provider, with client_secret_post, ES256 and userinfo", func(t *testing.T) {
		l, err := r.finishAt(second, oidcprovider.NewClient(), Begin{Provider: "second"}, "bruno")
		if err != nil || l.Issuer != second.Issuer || l.Subject != "bruno" || l.Name != "Bruno Verdi" || l.Email != "bruno@example.org" ||
			l.EmailTrusted || !slices.Equal(l.Grants, []string{"reviewer@milano"}) {
			t.Errorf("%v: %+v", err, l)
		}
	})
	run("the person cancels", func(t *testing.T) {
		_, err := r.finishAt(p, oidcprovider.NewClient(), Begin{Provider: "secret"}, "")
		wants(t, err, "sign_in_denied", "access_denied")
	})
	run("a code is used twice", func(t *testing.T) {
		a := r.begin(Begin{Provider: "secret"})
		first := must(url.Parse(p.Login(t, oidcprovider.NewClient(), a.location.String(), "anna"))).Query()
		if _, err := r.Finish(a.get, first, callback); err != nil {
			t.Fatal(err)
		}
		_, err := r.Finish(a.get, first, callback)
		wants(t, err, "sign_in_used", "used before")
		// With a state of one's own, it is the provider that refuses.
		b := r.begin(Begin{Provider: "secret"})
		_, err = r.Finish(b.get, with(first, "state", b.location.Query().Get("state")), callback)
		wants(t, err, "sign_in_expired", "invalid_grant")
	})
	run("a code of somebody else's browser", func(t *testing.T) {
		a, b := r.begin(Begin{Provider: "secret"}), r.begin(Begin{Provider: "secret"})
		stolen := must(url.Parse(p.Login(t, oidcprovider.NewClient(), a.location.String(), "anna"))).Query()
		_, err := r.Finish(b.get, with(stolen, "state", b.location.Query().Get("state")), callback)
		wants(t, err, "sign_in_expired", "invalid_grant")
	})
	run("the answer of one provider to the other's question", func(t *testing.T) {
		a, b := r.begin(Begin{Provider: "secret"}), r.begin(Begin{Provider: "second"})
		answer := must(url.Parse(p.Login(t, oidcprovider.NewClient(), a.location.String(), "anna"))).Query()
		_, err := r.Finish(b.get, with(answer, "state", b.location.Query().Get("state")), callback)
		wants(t, err, "sign_in_invalid", "(iss)")
	})
	run("a secret that is wrong", func(t *testing.T) {
		wrong := common
		wrong.Secret = secret.New(hide("a wrong client secret", "wrong-wrong-wrong"))
		_, err := newRig(t, wrong).finishAt(p, oidcprovider.NewClient(), Begin{Provider: "secret"}, "anna")
		wants(t, err, "provider_error", "invalid_client")
	})
	run("signing out there", func(t *testing.T) {
		l, err := r.finishAt(p, browser, Begin{Provider: "secret", Next: "/admin/"}, "anna")
		anna(t, l, err)
		address, err := r.LogoutURL("secret", l.IDToken, after)
		if err != nil {
			t.Fatal(err)
		}
		if back := p.Logout(t, browser, address); back != after {
			t.Errorf("signing out leads to %q", back)
		}
		// Both clients are told; each token is for one.
		ended := map[string]Logout{}
		for range 2 {
			select {
			case token := <-logouts:
				for _, name := range []string{"secret", "key"} {
					if out, err := r.BackChannel(name, token); err == nil {
						ended[name] = out
						_, err := r.BackChannel(name, token)
						wants(t, err, "logout_invalid", "used before")
					}
				}
			case <-time.After(10 * time.Second):
				t.Fatal("no logout token came")
			}
		}
		if out := ended["secret"]; out.Issuer != p.Issuer || out.SID != l.SID || out.Subject != "anna" {
			t.Errorf("%+v, want the session %s", out, l.SID)
		}
		if ended["key"].SID == "" || ended["key"].SID == l.SID {
			t.Errorf("%+v", ended)
		}
		// The provider's session is over: it asks who one is.
		l, err = r.finishAt(p, browser, Begin{Provider: "secret"}, "chidi")
		if err != nil || l.Subject != "chidi" || l.Email != "" || l.EmailTrusted || l.Grants != nil {
			t.Errorf("%v: %+v", err, l)
		}
	})
	run("it goes away in the middle, and comes back", func(t *testing.T) {
		a := r.begin(Begin{Provider: "secret"})
		query := must(url.Parse(p.Login(t, oidcprovider.NewClient(), a.location.String(), "anna"))).Query()
		p.Down(t)
		_, err := r.Finish(a.get, query, callback)
		wants(t, err, "provider_unavailable", "token endpoint: ")
		late := newRig(t, common, other)
		_, _, err = late.Begin(Begin{Provider: "secret", RedirectURI: callback})
		wants(t, err, "provider_unavailable", "connection refused")
		if _, err := late.finishAt(second, oidcprovider.NewClient(), Begin{Provider: "second"}, "bruno"); err != nil {
			t.Errorf("and takes the other along: %v", err)
		}
		p.Up(t)
		late.clock.advance(pause)
		if _, err := late.finishAt(p, oidcprovider.NewClient(), Begin{Provider: "secret"}, "anna"); err != nil {
			t.Error(err)
		}
	})
}
