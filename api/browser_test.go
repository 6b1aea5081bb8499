package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/browser"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/internal/oidcprovider"
	"github.com/prassi-cms/prassi/internal/secret"
)

// seen checks a page and takes its picture, on a phone and on a desk, where the
// colours are dark.
func seen(t *testing.T, b *browser.Browser, name string) {
	t.Helper()
	for _, size := range []struct {
		name          string
		width, height int
		colours       string
	}{{"desktop", 1280, 900, "dark"}, {"phone", 360, 740, "light"}} {
		b.Run(`export default async ({page, args}) => {
		  await page.setViewportSize({width: args.width, height: args.height});
		  await page.emulateMedia({colorScheme: args.colours});
		}`, map[string]any{"width": size.width, "height": size.height, "colours": size.colours}, nil)
		b.MustBeAccessible("")
		b.Shot(name + "-" + size.name)
		var wide []string
		b.Run(`export default ({page}) => page.evaluate(() => [...document.querySelectorAll('body *')]
		  .filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth + 1 || r.left < -1 })
		  .map(e => e.outerHTML.slice(0, 120)))`, nil, &wide)
		if len(wide) > 0 {
			t.Errorf("%s, %s: what sticks out of the window: %q", name, size.name, wide)
		}
	}
}

const (
	visit = `export default async ({page, args}) => { const r = await page.goto(args); return r.status() }`
	press = `export default async ({page, args}) => { await page.getByRole('button', {name: args}).first().click(); await page.waitForLoadState() }`
	at    = `export default ({page}) => page.url()`
)

// TestFirstAdministratorInABrowser goes from the link that the operator was given
// through the provider's own form to the account, and out again.
func TestFirstAdministratorInABrowser(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, undemonstrated)
	w.server.opt.Contact = Contact{Name: "Segreteria del Comune", Email: "aiuto@example.org"}
	p := oidcprovider.Start(t, oidcprovider.Options{RedirectURIs: []string{w.http.URL + "/auth/callback"}, PostLogoutURIs: []string{w.http.URL + logoutPath}})
	w.use(oidc.Config{Name: "comune", Label: "Identità del Comune di Prato", Issuer: p.Issuer, ClientID: p.ClientID, Secret: secret.New(leak.Secret(p.Secret))})
	b := browser.Start(t, browser.Options{})
	var url string
	b.Run(visit, w.http.URL+"/auth/link/"+w.firstLink(), nil)
	seen(t, b, "link")
	b.Run(press, "Entra con", nil)
	b.Run(`export default async ({page}) => {
			  await page.waitForURL(/interaction/);
			  await page.getByLabel('User name').fill('anna');
			  await page.getByRole('button', {name: 'Sign in'}).click();
			  await page.waitForURL(/auth\/account/);
			}`, nil, nil)
	seen(t, b, "account")
	var text string
	b.Run(`export default ({page}) => page.innerText('main')`, nil, &text)
	for _, want := range []string{"Anna Bianchi", "Amministrazione", "Questa sessione", "Chrome, Linux"} {
		if !strings.Contains(text, want) {
			t.Errorf("the account does not tell of %q:\n%s", want, text)
		}
	}
	b.Run(press, "Esci", nil)
	b.Run(`export default async ({page}) => {
			  await page.waitForURL(/session\/end/);
			  await page.getByRole('button').first().click();
			  await page.waitForURL(/auth\/logout/);
			}`, nil, nil)
	seen(t, b, "left")
	for _, p := range b.Problems() { // the provider has no icon
		if strings.HasPrefix(p.Where, w.http.URL) {
			t.Error(p)
		}
	}
	b.Run(visit, w.http.URL+accountPath, nil)
	if b.Run(at, nil, &url); strings.HasPrefix(url, w.http.URL+accountPath) {
		t.Errorf("after signing out the account is there still: %s", url)
	}
}

// TestPagesInABrowser: the demonstration's people beside providers, a full
// account with long names, and what is said when it fails; from left to right
// and from right to left.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	long := "Associazione Interculturale Mediterranea per l’Accoglienza, la Formazione Professionale e l’Inclusione Sociale"
	staff := append([]auth.Person{
		{ID: "sara", Name: "Sara " + strings.Repeat("Lunghissimocognome", 3), Locale: "it", Grants: []content.Grant{
			{Role: "secretary", Scope: "100"}, {Role: "reviewer", Scope: "100", Until: time.Now().Add(40 * 24 * time.Hour)},
			{Role: "translator", Scope: "ar"}, {Role: "contributor", Scope: "associazione-interculturale-mediterranea-per-l-accoglienza"},
		}},
	}, people...)
	for _, locale := range []string{"it", "ar"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			staff := slices.Clone(staff)
			staff[0].Locale = locale
			w := newWorldOf(t, staff, func(o *Options) { o.DemoPeople, o.Contact = staff, Contact{Email: "aiuto@example.org"} }, withRogue(t))
			rita, err := w.auth.Person(ctx, "rita")
			w.must(err)
			sara, err := w.auth.Person(ctx, "sara")
			w.must(err)
			_, err = w.auth.Delegate(ctx, sara.Actor(), "rita", content.Grant{Role: "secretary", Scope: "100", Until: time.Now().Add(48 * time.Hour)})
			w.must(err)
			_, err = w.auth.Delegate(ctx, rita.Actor(), "sara", content.Grant{Role: "reviewer", Scope: "015", Until: time.Now().Add(48 * time.Hour)})
			w.must(err)
			token, _, err := w.auth.CreateToken(ctx, sara.Actor(), auth.NewToken{Name: long, Person: "sara", Grants: sara.Grants[:1], Life: time.Hour})
			w.must(err)
			leak.Secret(token)
			for range 2 {
				_, _, err := w.auth.StartSession(ctx, auth.NewSession{Person: "sara", Agent: "Firefox, Android", Address: "192.0.2.7"})
				w.must(err)
			}
			b := browser.Start(t, browser.Options{Locale: locale})
			b.Run(visit, w.http.URL+"/auth/login", nil)
			seen(t, b, "login")
			b.Run(press, "Sara", nil)
			seen(t, b, "account")
			b.Run(`export default async ({page}) => {
				  await page.locator('#profile-name').fill('');
				  await page.locator('form[action="/auth/account/profile"] button').click();
				  await page.waitForLoadState();
				}`, nil, nil)
			seen(t, b, "profile")
			b.Problems() // the browser tells of 422
			var place string
			if b.Run(`export default ({page}) => page.evaluate(() => document.activeElement.id)`, nil, &place); place != "profile-name" {
				t.Errorf("the page begins at %q, not at what is wrong", place)
			}
			b.Run(`export default async ({page}) => {
				  await page.locator('#lend-to').fill('nessuno');
				  await page.locator('#lend-until').fill('2020-01-01');
				  await page.locator('form[action="/auth/account/delegations"] button').click();
				  await page.waitForLoadState();
				}`, nil, nil)
			seen(t, b, "lend")
			b.Problems()
			b.Run(`export default async ({page, args}) => {
				  await page.locator('#lend-to').fill('rita');
				  await page.locator('#lend-until').fill(args);
				  await page.locator('form[action="/auth/account/delegations"] button').click();
				  await page.waitForURL(/saved/);
				}`, time.Now().AddDate(0, 0, 20).Format(time.DateOnly), nil)
			seen(t, b, "lent")
			var lent int
			if b.Run(`export default ({page}) => page.locator('section[aria-labelledby=lent] li').count()`, nil, &lent); lent == 0 {
				t.Error("nothing was lent")
			}
			b.Run(`export default async ({page}) => {
				  await page.locator('form[action="/auth/account/sessions"] button').click();
				  await page.waitForLoadState();
				}`, nil, nil)
			var sessions int
			if b.Run(`export default ({page}) => page.locator('section[aria-labelledby=sessions] li').count()`, nil, &sessions); sessions != 1 {
				t.Errorf("there are %d sessions", sessions)
			}
			var focus string
			b.Run(`export default async ({page}) => { await page.keyboard.press('Tab'); return page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle) }`, nil, &focus)
			if focus != "solid" {
				t.Errorf("the focus is not seen: %q", focus)
			}
			b.Run(visit, w.http.URL+"/auth/link/"+w.link("carla"), nil)
			seen(t, b, "link")
			b.Problems()
			b.Run(visit, w.http.URL+"/auth/callback?state=x", nil)
			if said := b.Problems(); len(said) != 1 || !strings.Contains(said[0].Text, "400") { // the browser tells of the status, and of nothing else
				t.Errorf("%v", said)
			}
			seen(t, b, "refused")
		})
	}
}
