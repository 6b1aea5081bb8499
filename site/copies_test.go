package site

import (
	"context"
	"errors"
	"html"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/site/card"
)

// What names no territory belongs to a territory's site where that is asked for.
func TestNational(t *testing.T) {
	w := example(t)
	for _, national := range []bool{false, true} {
		b, _ := build(t, w.site(w.catalogue(), func(o *Options) { o.Config.Territories, o.Config.National = []string{"PO"}, national }), newStore(t))
		for path, want := range map[string]bool{
			"it/practices/orti-condivisi/index.html": true, "it/practices/orti-di-milano/index.html": false, "it/news/permessi/index.html": national,
		} {
			if _, ok := b.File(path); ok != want {
				t.Errorf("national %t: %s: %t", national, path, ok)
			}
		}
	}
}

var ogImage = regexp.MustCompile(`<meta property="og:image" content="([^"]+)">`)

// Every picture that a page names is among Pictures, which have no others.
func TestPictures(t *testing.T) {
	w := example(t)
	const own, api = "https://integrazione.example", "https://prassi.example"
	for _, cards := range []bool{true, false} {
		s := w.site(w.catalogue(), func(o *Options) {
			o.Config.BaseURL, o.Config.API, o.Config.Cards, o.Config.Tokens = own, api, cards, map[string]string{"primary": "#123"}
		})
		b, _ := build(t, s, newStore(t))
		named := map[string]bool{}
		for f := range b.Files() {
			if strings.HasSuffix(f.Path, ".html") {
				for _, m := range ogImage.FindAllStringSubmatch(file(t, b, f.Path), -1) {
					named[m[1]] = true
				}
			}
		}
		list, err := s.Pictures(ctx)
		if err != nil || len(named) == 0 {
			t.Fatal(len(named), err)
		}
		if !cards {
			if len(list) > 0 || !strings.HasPrefix(slices.Sorted(maps.Keys(named))[0], api+"/cards/") {
				t.Errorf("%d pictures; pages name %v", len(list), named)
			}
			continue
		}
		for _, p := range list {
			at := own + (&url.URL{Path: "/" + p.Path}).EscapedPath()
			if !named[at] {
				t.Errorf("no page names %s", at)
			}
			delete(named, at)
			if p.Card.Title == "" || p.Card.Label == "" || p.Card.Site != "Prassi" || p.Card.Color != "#123" {
				t.Errorf("%+v", p)
			}
		}
		for at := range named {
			t.Errorf("%s is nowhere", at)
		}
		stopped, stop := context.WithCancel(ctx)
		stop()
		if _, err := s.Pictures(stopped); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// The fonts that pictures are painted with are no part of the site, whose pages do
// not load them.
func TestFontsOfCards(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue()), newStore(t))
	for f := range b.Files() {
		if strings.HasPrefix(f.Path, "assets/card-") {
			t.Errorf("%s, %d bytes", f.Path, f.Size)
		}
	}
	for _, name := range card.Fonts {
		if _, err := fs.Stat(DefaultTheme(), "assets/"+name); err != nil {
			t.Error(err)
		}
	}
}

var discovery = regexp.MustCompile(`<link rel="alternate" type="(application/json|text/xml)\+oembed" href="([^"]+)" title="([^"]*)">`)

// An item's page leads editors of other sites to what they may show for its address;
// other pages do not, nor does one without an address.
func TestDiscovery(t *testing.T) {
	w := example(t)
	w.publish("news", "n-hostile", "it", "ostile", values{"title": `"><script>alert(1)</script>`, "summary": "S", "body": "B"})
	w.flush()
	for base, api := range map[string]string{"https://prassi.example": "", "https://comune.example/integrazione": "https://prassi.example", "": "https://prassi.example"} {
		s := w.site(w.catalogue(), func(o *Options) { o.Config.BaseURL, o.Config.API = base, api })
		b, _ := build(t, s, newStore(t))
		if api == "" {
			api = base
		}
		for path, canonical := range map[string]string{
			"it/practices/orti-condivisi/index.html": base + "/it/practices/orti-condivisi/", "it/news/ostile/index.html": base + "/it/news/ostile/",
			"it/index.html": "", "it/practices/index.html": "", "it/404/index.html": "",
		} {
			found := discovery.FindAllStringSubmatch(file(t, b, path), -1)
			if canonical == "" || base == "" {
				if len(found) > 0 {
					t.Errorf("%q %s: %q", base, path, found)
				}
				continue
			}
			if len(found) != 2 {
				t.Errorf("%q %s: %q", base, path, found)
				continue
			}
			for i, format := range []string{"json", "xml"} {
				want := api + "/oembed?format=" + format + "&url=" + url.QueryEscape(canonical)
				if got := html.UnescapeString(found[i][2]); got != want || !strings.Contains(found[i][1], format) || strings.Contains(found[i][3], "<") {
					t.Errorf("%q %s: %q", base, path, found[i])
				}
			}
		}
	}
}
