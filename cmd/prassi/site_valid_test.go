package main

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/lighthouse"
	"github.com/prassi-cms/prassi/internal/nu"
)

// TestSiteIsValid looks at the demonstration's site from outside, as it is served:
// it follows every link from the root and the site map to each page of the site,
// gives all pages to the Nu Html Checker, and has Lighthouse judge one of each kind
// that people come to.
func TestSiteIsValid(t *testing.T) {
	r := start(t, "--demo", "--data", t.TempDir(), "--rates", "off")
	r.awaitSite()
	c := crawler{t: t, base: r.base, pages: map[string][]byte{}, asked: map[string]bool{}}
	for _, seed := range []string{"/", "/sitemap.xml", "/it/404/", "/it/410/", "/it/search/?q=casa", "/ar/search/?q=zzzz"} {
		c.follow(seed, "the test")
	}
	c.wg.Wait()
	for _, wrong := range slices.Sorted(slices.Values(c.broken)) {
		t.Error(wrong)
	}
	t.Logf("%d pages", len(c.pages))
	if len(c.pages) < 300 {
		t.Fatalf("only %d pages: %q", len(c.pages), slices.Sorted(maps.Keys(c.pages)))
	}

	dir := t.TempDir()
	for name, page := range c.pages {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := nu.Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, m := range messages {
		if kinds[m.Type+m.Text]++; kinds[m.Type+m.Text] > 1 {
			continue // each fault once: a template says it on every page
		}
		m.URL = strings.TrimPrefix(m.URL, "file:"+dir)
		if m.Error() {
			t.Error(m)
		} else {
			t.Log(m)
		}
	}

	pages, err := lighthouse.Audit(t.Context(), lighthouse.Options{Desktop: true}, sitePages(r.base)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		t.Logf("%s: performance %d (not held to a limit here), accessibility %d, best practices %d, SEO %d",
			strings.TrimPrefix(p.URL, r.base), p.Performance, p.Accessibility, p.BestPractices, p.SEO)
		if p.Accessibility < 100 || p.BestPractices < 100 || p.SEO < 100 {
			t.Errorf("%s: accessibility %d, best practices %d, SEO %d", p.URL, p.Accessibility, p.BestPractices, p.SEO)
			for _, f := range p.Faults {
				t.Errorf("\t%s", f)
			}
		}
	}
}

// sitePages are one of each kind that people come to.
func sitePages(base string) []string {
	return []string{
		base + "/it/", base + "/it/news/", base + "/it/articles/dieci-parole-per-cominciare/",
		base + "/it/practices/orti-condivisi/", base + "/it/services/corso-di-italiano-serale/",
	}
}

// awaitSite waits for the first build.
func (r *running) awaitSite() {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(r.base + "/it/")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no site after a minute\n%s", r.log.String())
		}
	}
}

// crawler reads a site by its links.
type crawler struct {
	t    *testing.T
	base string
	wg   sync.WaitGroup

	mu     sync.Mutex
	asked  map[string]bool
	pages  map[string][]byte // by file name
	broken []string
}

// links are what a page leads to or needs; places what a site map lists.
var (
	links  = regexp.MustCompile(`(?:href|src|action|data-points|data-outlines)="([^"]*)"`)
	places = regexp.MustCompile(`<loc>([^<]*)</loc>`)
	four   = make(chan struct{}, 4) // at a time
)

// follow asks for an address of the site, once.
func (c *crawler) follow(address, from string) {
	u, err := url.Parse(html.UnescapeString(address))
	if err != nil {
		c.say("%s: %q is no address", from, address)
		return
	}
	base, _ := url.Parse(c.base)
	if u.IsAbs() && u.Host != base.Host || u.Scheme == "mailto" || u.Scheme == "tel" || u.Scheme == "data" {
		return // not ours to answer
	}
	if !strings.HasPrefix(u.Path, "/") && u.Path != "" {
		parent, _ := url.Parse(from)
		u = parent.ResolveReference(u)
	}
	if u.Path == "" {
		return // a place on the same page
	}
	asked := u.Path
	if u.RawQuery != "" {
		asked += "?" + u.RawQuery
	}
	c.mu.Lock()
	seen := c.asked[asked]
	c.asked[asked] = true
	c.mu.Unlock()
	if seen {
		return
	}
	c.wg.Go(func() {
		four <- struct{}{}
		defer func() { <-four }()
		c.fetch(asked, from)
	})
}

func (c *crawler) say(format string, arguments ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = append(c.broken, fmt.Sprintf(format, arguments...))
}

func (c *crawler) fetch(address, from string) {
	res, err := http.Get(c.base + address)
	if err != nil {
		c.say("%s, from %s: %v", address, from, err)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	special := strings.HasSuffix(address, "/404/") || strings.HasSuffix(address, "/410/")
	if err != nil || res.StatusCode != http.StatusOK && !special {
		c.say("%s, from %s: %s %v", address, from, res.Status, err)
		return
	}
	switch kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); {
	case kind == "text/html" && !strings.HasPrefix(address, "/docs") && !strings.HasPrefix(address, "/widgets"):
		u, _ := url.Parse(address)
		name := path.Join(strings.TrimPrefix(u.Path, "/"), url.QueryEscape(u.RawQuery), "index.html")
		c.mu.Lock()
		c.pages[name] = body
		c.mu.Unlock()
		for _, m := range links.FindAllSubmatch(body, -1) {
			c.follow(string(m[1]), address)
		}
	case strings.HasSuffix(kind, "xml") && strings.Contains(address, "sitemap"):
		for _, m := range places.FindAllSubmatch(body, -1) {
			u, err := url.Parse(html.UnescapeString(string(m[1])))
			if err != nil {
				c.say("%s: %q", address, m[1])
				continue
			}
			c.follow(u.Path, address)
		}
	}
}
