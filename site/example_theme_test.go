package site_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/browser"
	"github.com/prassi-cms/prassi/site"
)

// TestExampleTheme builds a site with examples/theme: its tokens colour the page,
// its one template stands in place of the default, and everything else is the
// default's.
func TestExampleTheme(t *testing.T) {
	theme, err := site.LoadTheme(os.DirFS("../examples/theme"))
	if err != nil {
		t.Fatal(err)
	}
	s := show(t, func(opt *site.Options) { opt.Theme = theme })
	home := string(s.file(t, "it/index.html"))
	services, news := strings.Index(home, `id="services"`), strings.Index(home, `id="news"`)
	if services < 0 || news < 0 || services > news {
		t.Errorf("the services stand at %d, the news at %d", services, news)
	}
	tokens := regexp.MustCompile(`<link rel="stylesheet" href="/(assets/tokens-[0-9a-f]+\.css)">`).FindStringSubmatch(home)
	if tokens == nil {
		t.Fatal("the front page loads no tokens")
	}
	if css := s.file(t, tokens[1]); !bytes.Contains(css, []byte("--primary:#7a1f4b")) {
		t.Errorf("the tokens are %s", css)
	}
	if icon := regexp.MustCompile(`rel="icon" href="/([^"]+)"`).FindStringSubmatch(home); icon == nil || !bytes.Contains(s.file(t, icon[1]), []byte("#7a1f4b")) {
		t.Errorf("the icon is %q", icon)
	}
	if practice := string(s.file(t, "it/practices/orti-condivisi/index.html")); !strings.Contains(practice, "Che cosa si è fatto") {
		t.Error("a practice is not shown by the default template")
	}

	b := browser.Start(t, browser.Options{})
	defer problems(t, b)
	var colour string
	b.Run(`export default async ({page, args, shot}) => {
  await page.goto(args.url, {waitUntil: 'load'});
  await shot('example');
  return page.evaluate(() => getComputedStyle(document.querySelector('.brand')).backgroundColor);
}`, map[string]string{"url": s.serve(t).URL + "/it/"}, &colour)
	if colour != "rgb(122, 31, 75)" {
		t.Errorf("the bar is %s", colour)
	}
	b.MustBeAccessible("")
}
