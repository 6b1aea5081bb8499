package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/feeds"
)

// Pages of a territory and of a topic lead to its feeds where a program answers them,
// and to those of the whole site where none does or where it would tell of more.
func TestNarrowFeeds(t *testing.T) {
	w := example(t)
	for i := range shelfSize + 1 {
		w.publish("event", id(100+i), "it", fmt.Sprintf("incontro-%d", i), values{"title": "Incontro", "when": values{"from": "2027-03-21"}, "territories": []any{"PO"}, "topics": []any{"women"}})
	}
	cat := w.catalogue()
	const prato, women = "it/territories/toscana/prato/", "it/topics/women/"
	whole := []string{"/feeds/it/all.rss", "/feeds/it/all.atom", "/feeds/it/all.json"}
	place := []string{"/feeds/it/territories/100/all.rss", "/feeds/it/territories/100/all.atom", "/feeds/it/territories/100/all.json"}
	topic := []string{"/feeds/it/topics/women/all.rss", "/feeds/it/topics/women/all.atom", "/feeds/it/topics/women/all.json"}
	events := func(in string) (out []string) {
		for _, f := range []string{"rss", "atom", "json", "ics"} {
			out = append(out, "/feeds/it/"+in+"/events."+f)
		}
		return out
	}
	at := func(base string, list []string) (out []string) {
		for _, l := range list {
			out = append(out, base+l)
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		change func(c *Config)
		want   map[string][]string
	}{
		{"files only", func(c *Config) {}, map[string][]string{prato: whole, women: whole, prato + "events/": whole}},
		{"answered", func(c *Config) { c.Answered = true }, map[string][]string{
			prato: place, women: topic, prato + "events/": events("territories/100"), women + "events/": events("topics/women"),
		}},
		{"answered below a path", func(c *Config) { c.Answered, c.BaseURL = true, "https://prassi.example/sito" }, map[string][]string{prato: at("/sito", place)}},
		{"answered elsewhere", func(c *Config) { c.API = "https://api.example" }, map[string][]string{prato: at("https://api.example", place), women: at("https://api.example", topic)}},
		{"a part", func(c *Config) { c.Answered, c.Topics = true, []string{"women"} }, map[string][]string{prato: nil}},
		{"a part, answered elsewhere", func(c *Config) { c.API, c.Topics = "https://api.example", []string{"women"} }, map[string][]string{prato: at("https://api.example", topic)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, _ := build(t, w.site(cat, func(o *Options) { o.Config.Languages = []string{"it"}; tc.change(&o.Config) }), newStore(t))
			for path, want := range tc.want {
				page := file(t, b, path+"index.html")
				var head, body []string
				for n := range parsed(t, page).Descendants() {
					href, kind := attr(n, "href"), attr(n, "type")
					if kind == "" || !strings.Contains(href, "/feeds/") {
						continue
					}
					if n.Data == "link" {
						head = append(head, href)
					} else if n.Parent.Data == "p" { // the footer's are a list
						body = append(body, href)
					}
				}
				if !slices.Equal(head, want) || !slices.Equal(body, want) {
					t.Errorf("%s leads to %q and %q, not to %q", path, head, body, want)
				}
			}
		})
	}
	// What they lead to is there.
	src := &feeds.Source{Catalog: cat, Schemas: w.reg, Base: "https://prassi.example"}
	for _, q := range []feeds.Query{{Territory: "100", Collection: feeds.All}, {Topic: "women", Collection: feeds.All}, {Topic: "women", Collection: "events"}} {
		q.Locale = "it"
		if c, err := src.Find(q); err != nil || c.Len() == 0 {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := src.FindCalendar(feeds.Query{Locale: "it", Territory: "100", Collection: "events"}); err != nil {
		t.Error(err)
	}
}
