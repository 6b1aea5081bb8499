package site_test

import (
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/browser"
)

// lookedAt are the pages that are looked at in a browser, by what they show.
var lookedAt = map[string]string{
	"home":      "",
	"news-list": "news/",
	"practices": "practices/",
	"services":  "services/",
	"news":      "news/nuove-regole-permesso/",
	"article":   "articles/dieci-parole-per-cominciare/",
	"practice":  "practices/orti-condivisi/",
	"service":   "services/sportello-documenti/",
	"event":     "events/incontro-consiglio/",
	"org":       "organizations/orti-insieme/",
	"page":      "pages/chi-siamo/",
	"calendar":  "events/",
	"deadlines": "deadlines/",
	"territory": "territories/toscana/prato/",
	"region":    "territories/toscana/",
	"topics":    "topics/",
	"acts":      "acts/",
	"search":    "search/",
	"found":     "search/?q=corso",
	"statement": "accessibility/",
	"privacy":   "privacy/",
	"notfound":  "404/",
	"gone":      "410/",
	"chooser":   "../",
}

// few are those of them that are looked at in the dark too.
var few = map[string]bool{"home": true, "services": true, "news": true, "practice": true, "found": true}

// open goes to a page, waits until it is complete, and says what sticks out at the
// side, in pixels.
const open = `export default async ({page, args, shot}) => {
  await page.goto(args.url, {waitUntil: 'load'});
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  if (await page.locator('.map').count()) {
    await page.locator('.map').scrollIntoViewIfNeeded();
    await page.locator('.mark').first().waitFor().catch((e) => { throw new Error(args.url + ': ' + e.message); });
  }
  if (args.shot) await shot(args.shot);
  return page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
}`

// problems fails for what the browser complains of, but for pages that are meant
// to be missing.
func problems(t *testing.T, b *browser.Browser) {
	t.Helper()
	for _, p := range b.Problems() {
		if !strings.Contains(p.Text, "404") && !strings.Contains(p.Text, "410") {
			t.Errorf("the browser says: %v", p)
		}
	}
}

// TestAccessible: every kind of page keeps to WCAG 2.2 A and AA as far as axe can
// tell, in both directions of writing, narrow and wide, in light and in dark, and
// nothing of it is refused by the policy.
func TestAccessible(t *testing.T) {
	server := show(t).serve(t)
	for _, look := range []struct {
		name, lang string
		opt        browser.Options
	}{
		{"it-wide", "it", browser.Options{Width: 1280}},
		{"ar-narrow", "ar", browser.Options{Width: 500, Locale: "ar"}},
		{"it-narrow-dark", "it", browser.Options{Width: 500, Dark: true}},
	} {
		t.Run(look.name, func(t *testing.T) {
			t.Parallel()
			b := browser.Start(t, look.opt)
			defer problems(t, b)
			for name, page := range lookedAt {
				if look.opt.Dark && !few[name] {
					continue
				}
				var beside float64
				b.Run(open, map[string]string{"url": server.URL + "/" + look.lang + "/" + page, "shot": name}, &beside)
				if beside > 0 {
					t.Errorf("%s: %v pixels stick out at the side", name, beside)
				}
				for _, v := range b.Violations("") {
					t.Errorf("%s: %v", name, v)
				}
			}
		})
	}
}

// TestInTheBrowser does what a person does.
func TestInTheBrowser(t *testing.T) {
	server := show(t).serve(t)
	t.Run("map by keyboard", func(t *testing.T) {
		b := browser.Start(t, browser.Options{Height: 1000, NoMotion: true})
		defer problems(t, b)
		var got struct {
			Label, Popup, Focus, After string
			Zoomed                     bool
		}
		b.Run(`export default async ({page, args}) => {
  await page.goto(args.url + '/it/services/');
  await page.locator('.mark').first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.outline').length > 0);
  const outlines = await page.locator('.outline').count();
  if (outlines !== 107) throw new Error(outlines + ' outlines');
  const count = () => page.locator('.mark').count();
  const before = await count();
  await page.locator('.mark.many').first().focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction((n) => document.querySelectorAll('.mark').length !== n, before);
  await page.goto(args.url + '/it/services/');
  const mark = page.locator('.mark:not(.many)').first();
  await mark.waitFor();
  const label = await mark.getAttribute('aria-label');
  await mark.focus();
  await page.keyboard.press('Enter');
  const link = page.locator('.leaflet-popup-content a').first();
  await link.waitFor();
  await page.waitForFunction(() => document.activeElement?.closest('.leaflet-popup'));
  const popup = await link.textContent(), focus = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.classList.contains('mark'));
  return {label, popup, focus, after: await page.evaluate(() => document.activeElement.getAttribute('aria-label')), zoomed: true};
}`, map[string]string{"url": server.URL}, &got)
		if got.Label == "" || got.Popup != got.Label || got.Focus != got.Label || got.After != got.Label || !got.Zoomed {
			t.Errorf("%+v", got)
		}
	})
	t.Run("menus", func(t *testing.T) {
		b := browser.Start(t, browser.Options{Width: 500})
		defer problems(t, b)
		b.Run(`export default async ({page, args}) => {
  await page.goto(args.url + '/it/news/');
  const link = page.locator('.main-nav').getByRole('link', {name: 'Servizi'});
  if (await link.isVisible()) throw new Error('the menu of narrow windows stands open');
  const button = page.getByRole('button', {name: 'Apri il menu'});
  await button.click();
  await link.waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
  await link.waitFor({state: 'hidden'});
  if (!await button.evaluate((e) => e === document.activeElement)) throw new Error('the focus is lost');
  await page.locator('.langs summary').click();
  await page.getByRole('link', {name: 'العربية'}).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('link', {name: 'العربية'}).waitFor({state: 'hidden'});
}`, map[string]string{"url": server.URL}, nil)
	})
	t.Run("without scripts", func(t *testing.T) {
		b := browser.Start(t, browser.Options{Width: 500, NoScript: true})
		defer problems(t, b)
		b.Run(`export default async ({page, args}) => {
  await page.goto(args.url + '/it/services/');
  if (await page.locator('.map').isVisible()) throw new Error('an empty map');
  await page.getByText('La mappa si vede solo con JavaScript.').waitFor();
  await page.getByLabel('Vicino a quale Comune?').fill('Prato');
  await page.getByLabel('Entro quanti chilometri?').selectOption('5000');
  await page.getByLabel('Solo quello che è aperto adesso').check();
  if (await page.getByRole('button', {name: 'Apri il menu'}).isVisible()) throw new Error('a button that does nothing');
  await page.locator('.main-nav').getByRole('link', {name: 'Servizi'}).waitFor();
  await page.getByLabel('Territorio').selectOption({index: 1});
  await page.getByRole('button', {name: 'Mostra i risultati'}).click();
  const asked = new URL(page.url());
  if (asked.pathname !== '/it/search/' || asked.searchParams.get('collection') !== 'services' || !asked.searchParams.get('territory') ||
    asked.searchParams.get('near') !== 'Prato' || asked.searchParams.get('radius') !== '5000' || !asked.searchParams.get('open_now')) throw new Error(page.url());
  await page.goto(args.url + '/it/news/');
  await page.locator('.head-search input').fill('corso');
  await page.keyboard.press('Enter');
  await page.getByText('Risultati: 42').waitFor();
  await page.locator('.langs summary').click();
  await page.getByRole('link', {name: 'العربية'}).click();
  if (await page.locator('html').getAttribute('dir') !== 'rtl') throw new Error(page.url());
}`, map[string]string{"url": server.URL}, nil)
	})
	t.Run("by keyboard from the home to a service", func(t *testing.T) {
		b := browser.Start(t, browser.Options{Width: 1280})
		defer problems(t, b)
		b.Run(`export default async ({page, args}) => {
  const here = () => page.evaluate(() => {
    const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
    return {text: (e.textContent || '').trim(), name: e.name || '', inMain: !!e.closest('main'), place: e.href || '',
      seen: box.width > 0 && box.height > 0 && (style.outlineStyle !== 'none' || style.boxShadow !== 'none')};
  });
  const to = async (what, is) => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab');
      const at = await here();
      if (is(at)) {
        if (!at.seen) throw new Error('nobody sees that the focus is on ' + what);
        return;
      }
    }
    throw new Error(what + ' is not reached on ' + page.url());
  };
  const go = async (pattern) => {
    await page.keyboard.press('Enter');
    await page.waitForURL(pattern);
  };
  await page.goto(args.url + '/it/');
  await page.keyboard.press('Tab');
  if ((await here()).text !== 'Vai al contenuto') throw new Error('the first stop does not skip to the content');
  await to('Servizi in the menu', (at) => at.text === 'Servizi');
  await go('**/it/services/');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await to('the search of the list', (at) => at.inMain && at.name === 'q');
  await page.keyboard.type('corso');
  await go('**/it/search/?*');
  await to('a result', (at) => at.inMain && /\/it\/services\/[^/]+\/$/.test(at.place));
  await go(/\/it\/services\/[^/?]+\/$/);
}`, map[string]string{"url": server.URL}, nil)
	})
	t.Run("as narrow as a page at four times its size", func(t *testing.T) {
		b := browser.Start(t, browser.Options{Width: 320, Height: 256})
		defer problems(t, b)
		for name, page := range lookedAt {
			for _, lang := range []string{"it", "ar"} {
				var beside float64
				b.Run(`export default async ({page, args}) => {
  await page.goto(args.url, {waitUntil: 'load'});
  return page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
}`, map[string]string{"url": server.URL + "/" + lang + "/" + page}, &beside)
				if beside > 0 {
					t.Errorf("%s in %s: %v pixels stick out at the side", name, lang, beside)
				}
			}
		}
	})
	t.Run("sheet of a practice", func(t *testing.T) {
		b := browser.Start(t, browser.Options{})
		defer problems(t, b)
		var pages int
		b.Run(`export default async ({page, args, shot}) => {
  await page.goto(args.url + '/it/practices/scuola-aperta/', {waitUntil: 'load'});
  await page.emulateMedia({media: 'print'});
  await page.setViewportSize({width: 680, height: 1000});
  await shot('sheet');
  const pdf = await page.pdf({preferCSSPageSize: true});
  return (pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) || []).length;
}`, map[string]string{"url": server.URL}, &pages)
		if pages < 1 || pages > 2 {
			t.Errorf("a practice takes %d pages of paper", pages)
		}
	})
	t.Run("nothing moves", func(t *testing.T) {
		b := browser.Start(t, browser.Options{Width: 500})
		defer problems(t, b)
		for _, page := range []string{"", "services/", "practices/orti-condivisi/"} {
			var moved float64
			b.Run(`export default async ({page, args}) => {
  await page.route('**/*.woff2', async (route) => { await new Promise((done) => setTimeout(done, 300)); await route.continue(); });
  await page.goto(args.url, {waitUntil: 'load'});
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  return page.evaluate(() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; }).observe({type: 'layout-shift', buffered: true});
    setTimeout(() => done(sum), 300);
  }));
}`, map[string]string{"url": server.URL + "/it/" + page}, &moved)
			if moved > 0.05 {
				t.Errorf("%q: the layout shifts by %v", page, moved)
			}
			t.Logf("%q: the layout shifts by %v", page, moved)
		}
	})
}
