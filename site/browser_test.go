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
}

// open goes to a page, waits until nothing changes any more, and says whether
// something sticks out at the side.
const open = `export default async ({page, args, shot}) => {
  await page.goto(args.url, {waitUntil: 'networkidle'});
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  if (args.shot) await shot(args.shot);
  return page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
}`

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
		{"ar-wide", "ar", browser.Options{Width: 1280, Locale: "ar"}},
	} {
		t.Run(look.name, func(t *testing.T) {
			t.Parallel()
			b := browser.Start(t, look.opt)
			for name, page := range lookedAt {
				var beside float64
				b.Run(open, map[string]string{"url": server.URL + "/" + look.lang + "/" + page, "shot": name}, &beside)
				if beside > 0 {
					t.Errorf("%s: %v pixels stick out at the side", name, beside)
				}
				for _, v := range b.Violations("") {
					t.Errorf("%s: %v", name, v)
				}
			}
			if problems := b.Problems(); len(problems) > 0 {
				var list strings.Builder
				for _, p := range problems {
					if !strings.Contains(p.Text, "404") { // the page that is not found, and pictures of media
						list.WriteString("\n" + p.String())
					}
				}
				if list.Len() > 0 {
					t.Errorf("the browser says:%s", list.String())
				}
			}
		})
	}
}
