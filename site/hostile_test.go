package site

import (
	"encoding/json"
	"sort"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/release"
)

// skeleton is a page without its texts: its elements with the names of their
// attributes, and the values of those that a browser acts on.
func skeleton(t testing.TB, page string) string {
	t.Helper()
	var b strings.Builder
	for n := range parsed(t, page).Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		b.WriteString("<" + n.Data)
		var names []string
		for _, a := range n.Attr {
			names = append(names, a.Key)
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc":
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			case (a.Key == "href" || a.Key == "src" || a.Key == "action") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript"):
				t.Errorf("%s leads to %q", n.Data, a.Val)
			}
		}
		sort.Strings(names)
		b.WriteString(" " + strings.Join(names, " ") + ">\n")
	}
	return b.String()
}

// Whatever a title, a summary or a slug says, files stay in their folder, pages keep
// their elements and attributes, and JSON-LD says the same title.
func FuzzHostile(f *testing.F) {
	for _, s := range []string{
		"Titolo", `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='x`, "<!--", "]]>", "{{.Site}}", "\u2028\u2029", "../../etc/passwd",
		"\u202eabc", "&lt;b&gt;", "`${x}`", "javascript:alert(1)", "con", "%2e%2e%2f", "\\", "\x00", "a\nb", strings.Repeat("long ", 30), "\x00languages\x00",
	} {
		f.Add(s, s)
	}
	reg := small(f)
	w := newWorld(f, reg)
	w.publish("organization", id(1), "it", "org", values{"title": "Org", "territories": []any{"PO"}})
	w.publish("news", id(2), "it", "x", values{"title": "Titolo", "summary": "Riassunto", "body": "Testo", "territories": []any{"PO"}, "organization": id(1)})
	s := w.site(w.catalogue(), func(o *Options) { o.Config.Languages = []string{"it", "ar"} })
	plain, err := s.newPlan(ctx, "2026-11-25")
	if err != nil {
		f.Fatal(err)
	}
	want := map[string]string{}
	pages(f, plain, func(path, page string) { want[path] = skeleton(f, page) })
	f.Fuzz(func(t *testing.T, title, slug string) {
		// What the door lets in is what the site has to bear; of titles that is text
		// without control characters.
		typ, _ := reg.Type("news")
		v, issues := typ.Parse(values{"title": title, "summary": title}, &schemas.Env{})
		said, _ := v["title"].(string)
		if issues != nil || said == "" {
			said = strings.ToValidUTF8(strings.Map(printable, title), "")
		}
		if strings.TrimSpace(said) == "" {
			return
		}
		p, err := s.newPlan(ctx, "2026-11-25")
		if err != nil {
			t.Fatal(err)
		}
		// The facts and the JSON as a catalogue with a hole in its fence would have them.
		for i, d := range p.docs {
			if d.id != id(2) {
				continue
			}
			x := *d.variants[0]
			x.title, x.summary, x.slug = said, said, safeName(slug)
			p.docs[i] = &doc{id: d.id, variants: []*facts{&x}, citedBy: d.citedBy, published: d.published}
			for _, ed := range p.editions {
				ed.items[i].f, ed.items[i].card = &x, release.Digest{}
				ed.items[i].url = x.address(ed, x.slug)
			}
			raw, err := json.Marshal(map[string]any{
				"id": d.id, "type": "news", "collection": "news", "slug": slug, "locale": "it", "dir": "ltr", "title": said, "summary": said,
				"territories": []any{values{"istat": "100"}}, "topics": []any{}, "organization": values{"id": id(1), "title": said}, "published_at": "2026-03-01T09:00:00Z", "updated_at": "2026-03-01T09:00:00Z",
				"fields": values{}, "html": "<p>Testo</p>\n", "toc": []any{}, "references": []any{}, "alternates": []any{},
			})
			if err != nil {
				t.Fatal(err)
			}
			item, err := s.Item(raw, "it")
			if err != nil {
				t.Fatal(err)
			}
			pg := p.page(p.editions[0], "news", "news", "it/news/"+x.slug, item.Title)
			pg.Item, pg.Description = item, item.Summary
			p.itemLanguages(pg, p.editions[0], p.docs[i], int32(i))
			pg.Picture = p.picture(item)
			p.crumbs(pg, p.editions[0], Link{Title: "Notizie", URL: "/it/news/"})
			b := newBuffer()
			if err := p.execute(b, p.editions[0].tongue, pg); err != nil {
				t.Fatal(err)
			}
			page := b.String()
			if got := skeleton(t, page); got != want["it/news/x/index.html"] {
				t.Errorf("%q makes other elements:\n%s\nwanted\n%s", said, got, want["it/news/x/index.html"])
			}
			if g := graph(t, page); len(g) == 0 || g[0]["headline"] != said {
				t.Errorf("JSON-LD says %v of %q", g, said)
			}
			giveBack(b)
		}
		pages(t, p, func(path, page string) {
			if strings.Contains(path, "/news/") && strings.Count(path, "/") > 2 || want[path] == "" {
				return
			}
			if got := skeleton(t, page); got != want[path] {
				t.Errorf("%s: %q makes other elements:\n%s\nwanted\n%s", path, said, got, want[path])
			}
		})
	})
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == 0xfffd {
		return -1
	}
	return r
}

// pages renders the pages of a plan that list items.
func pages(t testing.TB, p *plan, f func(path, page string)) {
	t.Helper()
	var jobs []*job
	p.emit = func(j *job) {
		if err := release.CheckPath(j.Path); err != nil {
			t.Errorf("%v", err)
		}
		if j.page != nil && j.ed.tag == "it" {
			jobs = append(jobs, j)
		}
	}
	p.edition(p.editions[0])
	for _, j := range jobs {
		switch j.Path {
		case "it/index.html", "it/news/index.html", "it/territories/toscana/prato/index.html", "it/news/x/index.html", "it/organizations/org/index.html":
			b := newBuffer()
			page, err := p.make(j, b)
			if err != nil {
				t.Fatal(err)
			}
			f(j.Path, string(page))
			giveBack(b)
		}
	}
}

// The languages that pages are promised in have words.
func TestLanguagesHaveWords(t *testing.T) {
	for _, tag := range DefaultLanguages {
		base, _, _ := strings.Cut(tag, "-")
		if len(messages.Codes(base)) == 0 {
			t.Errorf("%s has no words", tag)
		}
	}
	if content.Slugify("Forlì-Cesena") != "forli-cesena" {
		t.Error("territories have other addresses")
	}
}
