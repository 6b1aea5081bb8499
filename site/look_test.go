package site_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/interchange"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/release"
)

// policy is the Content-Security-Policy under which every page has to work.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// shown is a site built from the demonstration's content and that of
// testdata/look.
type shown struct {
	site  *site.Site
	build *release.Build
}

// show builds it; the day is 22 November 2026.
func show(t testing.TB, change ...func(*site.Options)) *shown {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "prassi.db"))
	must(err)
	t.Cleanup(func() { store.Close() })
	reg := schemas.Default()
	service, err := content.New(store, reg, content.Options{})
	must(err)
	for _, folder := range []string{"../cmd/prassi/demo", "testdata/look"} {
		plan, err := interchange.OpenFS(ctx, os.DirFS(folder), "look", interchange.Options{Registry: reg, Publish: true, Store: store})
		must(err)
		var report bytes.Buffer
		sum, err := interchange.Import(ctx, service, plan, interchange.RunOptions{Actor: content.System("look"), Report: &report})
		must(err)
		plan.Close()
		if sum.Refused > 0 {
			t.Fatalf("%s: %d items were refused:\n%s", folder, sum.Refused, &report)
		}
	}
	for {
		n, err := store.Relay(ctx)
		must(err)
		if n == 0 {
			break
		}
	}
	cat, err := catalog.Open(ctx, catalog.Options{Dir: filepath.Join(dir, "catalog"), Source: store, Schemas: reg})
	must(err)
	t.Cleanup(func() { cat.Close() })
	opt := site.Options{
		Catalog: cat, Schemas: reg, Outlines: schemas.Outlines(),
		Clock:  func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) },
		Config: site.Config{BaseURL: "https://integrazione.example", Publisher: "Ministero dell’interno", Contact: "redazione@integrazione.example"},
	}
	for _, f := range change {
		f(&opt)
	}
	s, err := site.New(opt)
	must(err)
	builds, err := release.Open(filepath.Join(dir, "builds"), release.Options{})
	must(err)
	t.Cleanup(func() { builds.Close() })
	b, _, err := s.Build(ctx, builds, "look")
	must(err)
	return &shown{site: s, build: b}
}

// file reads a file of the build.
func (s *shown) file(t testing.TB, name string) []byte {
	t.Helper()
	f, ok := s.build.File(name)
	if !ok {
		t.Fatalf("the site has no %s", name)
	}
	data, err := s.build.Read(nil, f.Hash, release.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// serve answers as Prassi does, the search included.
func (s *shown) serve(t testing.TB) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		name := strings.TrimPrefix(r.URL.Path, "/")
		lang, _, _ := strings.Cut(name, "/")
		if r.URL.Query().Has("q") {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = s.site.Render(w, s.found(lang, r.URL.Query().Get("q")))
			return
		}
		if name == "" || strings.HasSuffix(name, "/") {
			name += "index.html"
		}
		f, ok := s.build.File(name)
		if !ok {
			http.NotFound(w, r)
			return
		}
		data, err := s.build.Read(nil, f.Hash, release.Identity)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", f.Type)
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && !strings.HasPrefix(f.Type, "font/") {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = z.Write(data)
			_ = z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			data = packed.Bytes()
		}
		if f.Status != 0 {
			w.WriteHeader(f.Status)
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(server.Close)
	return server
}

// found is an answer of the search, made up.
func (s *shown) found(lang, query string) site.Page {
	card := func(title string) *site.Card {
		return &site.Card{
			Label: "Servizio", URL: "/it/services/sportello-documenti/", Locale: "it", Dir: "ltr", Title: title, Territory: "Prato",
			Snippet: "Chi cerca un <mark>corso</mark> lo trova qui.", Meta: []string{"Gratuito", "italiano, العربية"},
		}
	}
	return site.Page{Kind: "search", Lang: lang, NoIndex: true, Search: &site.SearchView{
		Query: query, Asked: true, Total: 42, Page: 2, Pages: 3,
		Results:    []*site.Card{card("Corso serale"), card("Sportello documenti")},
		DidYouMean: &site.Link{Title: "corso", URL: "?q=corso"},
		Older:      &site.Link{Title: "3", URL: "?q=x&page=3"}, Newer: &site.Link{Title: "1", URL: "?q=x"},
		Filters: []site.Filter{{Name: "collection", Label: "Tipo", Options: []site.FilterOption{
			{Value: "services", Label: "Servizi", URL: "?q=x&collection=services", Count: 40, Selected: true},
			{Value: "news", Label: "Notizie", URL: "?q=x&collection=news", Count: 2},
		}}},
	}}
}

// zipped is how many bytes go over the wire.
func zipped(t testing.TB, data []byte) int {
	t.Helper()
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

var (
	sheetLink  = regexp.MustCompile(`(?:<link rel="stylesheet" href|data-style)="/([^"]+)"`)
	scriptLink = regexp.MustCompile(`(?:<script src|data-script)="/([^"]+)"`)
)

func TestLook(t *testing.T) {
	s := show(t)
	t.Run("weight", func(t *testing.T) { testWeight(t, s) })
	t.Run("self-contained", func(t *testing.T) { testSelfContained(t, s) })
	t.Run("words", func(t *testing.T) { testWords(t, s) })
	t.Run("warnings", func(t *testing.T) { testWarnings(t, s) })
}

// testWeight: an article page loads at most 35 kB of style and 25 kB of script,
// gzipped, and the map only where there is one.
func testWeight(t *testing.T, s *shown) {
	weigh := func(page string) (css, js int) {
		html := s.file(t, page)
		for _, m := range sheetLink.FindAllSubmatch(html, -1) {
			css += zipped(t, s.file(t, string(m[1])))
		}
		for _, m := range scriptLink.FindAllSubmatch(html, -1) {
			js += zipped(t, s.file(t, string(m[1])))
		}
		return css, js
	}
	for _, page := range []string{"it/articles/dieci-parole-per-cominciare/index.html", "it/news/nuove-regole-permesso/index.html", "ar/index.html"} {
		css, js := weigh(page)
		t.Logf("%s: %d bytes of style, %d of script", page, css, js)
		if css == 0 || css > 35_000 || js == 0 || js > 25_000 {
			t.Errorf("%s: %d bytes of style, at most 35,000; %d of script, at most 25,000", page, css, js)
		}
		if html := s.file(t, page); bytes.Contains(html, []byte("/assets/map")) {
			t.Errorf("%s loads the map", page)
		}
	}
	page := "it/services/index.html"
	if html := s.file(t, page); !bytes.Contains(html, []byte("/assets/map")) || !bytes.Contains(html, []byte(`data-points="`)) {
		t.Errorf("%s has no map", page)
	}
	css, js := weigh(page)
	t.Logf("%s: %d bytes of style, %d of script, %d of outlines", page, css, js, zipped(t, schemas.Outlines()))
}

// testSelfContained: on no page is there a style attribute, a style
// element, a program, a handler or anything loaded from another host, and every
// file that a page or a sheet loads is in the build.
func testSelfContained(t *testing.T, s *shown) {
	inline := regexp.MustCompile(`(?i)\sstyle=|<style|\son[a-z]+="|<script(?: [^>]*)?>`)
	allowed := regexp.MustCompile(`^<script (?:src="/assets/[a-z0-9.-]+" defer|type="application/ld\+json")>$`)
	loads := regexp.MustCompile(`(?:<(?:img|source|script|link rel="(?:stylesheet|icon|preload)")[^>]*? (?:src|href)|data-(?:script|style|outlines|points))="([^"]+)"`)
	inSheet := regexp.MustCompile(`url\("?([^")]+)"?\)`)
	pages := 0
	for f := range s.build.Files() {
		data := s.file(t, f.Path)
		switch {
		case strings.HasPrefix(f.Type, "text/html"):
			pages++
			for _, m := range inline.FindAll(data, -1) {
				if !allowed.Match(m) {
					t.Errorf("%s holds %s", f.Path, m)
				}
			}
			for _, m := range loads.FindAllSubmatch(data, -1) {
				name, ours := strings.CutPrefix(string(m[1]), "/")
				if _, ok := s.build.File(name); !ours || !ok && !strings.HasPrefix(name, "media/") {
					t.Errorf("%s loads %s", f.Path, m[1])
				}
			}
		case strings.HasPrefix(f.Type, "text/css"):
			for _, m := range inSheet.FindAllSubmatch(data, -1) {
				if _, ok := s.build.File(path.Join(path.Dir(f.Path), string(m[1]))); !ok && !bytes.HasPrefix(m[1], []byte("data:")) {
					t.Errorf("%s loads %s", f.Path, m[1])
				}
			}
		}
	}
	if pages < 100 {
		t.Errorf("only %d pages were read", pages)
	}
}

// testWords: no page shows the code of a message instead of words.
func testWords(t *testing.T, s *shown) {
	code := regexp.MustCompile(`label_site_[a-z0-9_]+|[^:]site_[a-z0-9_]+`)
	for f := range s.build.Files() {
		if strings.HasPrefix(f.Type, "text/html") {
			if m := code.Find(s.file(t, f.Path)); m != nil {
				t.Errorf("%s says %s", f.Path, m)
			}
		}
	}
}

// testWarnings: what no longer holds, or not yet, says so before its text.
func testWarnings(t *testing.T, s *shown) {
	for page, want := range map[string][]string{
		"it/news/regole-vecchie/index.html":        {"Questa notizia non vale più", "/it/news/nuove-regole-permesso/", "Scaduto", "30 giugno 2026"},
		"it/news/nuove-regole-permesso/index.html": {"Non ancora in vigore", "1 gennaio 2027", "Presentare la domanda", "31 gennaio 2027"},
		"ar/news/regole-vecchie/index.html":        {"هذا الخبر لم يعد ساريا", `lang="it" dir="ltr"`},
	} {
		html := string(s.file(t, page))
		body := strings.Index(html, `class="prose"`)
		for _, text := range want {
			if at := strings.Index(html, text); at < 0 || body > 0 && at > body {
				t.Errorf("%s: %q at %d, the text at %d", page, text, at, body)
			}
		}
	}
}
