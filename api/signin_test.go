package api

import (
	"context"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
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
	byForm := func(path func(*browsing) string) func() []request {
		return func() []request {
			signedIn()
			b := signedIn()
			token := b.formToken(b.get(accountPath).want(t, 200))
			return []request{{path: path(b), status: 303, body: url.Values{"form_token": {token}}.Encode(), headers: cookie(b, form...)}}
		}
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
		"showLogout": func() []request { return []request{{path: "/auth/logout", status: 200}} },
		"logOut": func() []request {
			demo := w.browser()
			demo.do("POST", "/auth/login", "person=edo").want(t, 303)
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
		"endOtherSessions": byForm(func(*browsing) string { return accountPath + "/sessions" }),
		"endSessionByForm": byForm(func(b *browsing) string { return accountPath + "/sessions/" + other(b) }),
	}
}

var _ = json.Marshal
var _ = maps.Copy[map[string]int, map[string]int]
var _ = auth.NewSession{}
