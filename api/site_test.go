package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/site/release"
)

// builderFunc is a publish.Builder.
type builderFunc func(context.Context, *release.Store, string) (*release.Build, site.Report, error)

func (f builderFunc) Build(ctx context.Context, s *release.Store, reason string) (*release.Build, site.Report, error) {
	return f(ctx, s, reason)
}

// onSite gives a world a site of the files, by path; what stands before a bar in the
// text is the status and where it leads.
func onSite(t testing.TB, files map[string]string) func(*Options) {
	t.Helper()
	return func(opt *Options) {
		store, err := release.Open(t.TempDir(), release.Options{})
		if err != nil {
			t.Fatal(err)
		}
		build := builderFunc(func(ctx context.Context, store *release.Store, reason string) (*release.Build, site.Report, error) {
			w := store.Begin(store.Current(), release.Meta{Reason: reason, Cursor: opt.Catalog.Cursor()})
			for path, text := range files {
				f := release.File{Path: path, Type: "text/html; charset=utf-8", Immutable: strings.HasPrefix(path, "assets/")}
				if head, body, ok := strings.Cut(text, "|"); ok {
					text = body
					if _, err := fmt.Sscanf(head, "%d %s", &f.Status, &f.Location); err != nil && f.Status == 0 {
						t.Fatal(err)
					}
				}
				if err := w.Put(f, []byte(text)); err != nil {
					return nil, site.Report{}, err
				}
			}
			b, err := w.Commit(ctx)
			return b, site.Report{Pages: len(files)}, err
		})
		publishing(t, opt, build, store)
		opt.Pages = pagesOf(t, opt)
	}
}

// publishing lets a Publisher run, and waits for the first build.
func publishing(t testing.TB, opt *Options, build publish.Builder, store *release.Store) {
	t.Helper()
	var err error
	opt.Site, err = publish.New(publish.Options{Site: build, Store: store, Catalog: opt.Catalog, Logger: leak.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); opt.Site.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended; store.Close() })
	if _, err := opt.Site.Build(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Compress(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
}

func sitePage(text string) string {
	return "<!DOCTYPE html><title>" + text + "</title>" + strings.Repeat("<p>"+text+"</p>\n", 200)
}

func siteFiles() map[string]string {
	files := map[string]string{
		"index.html": sitePage("scelta"), "it/news/uno/index.html": sitePage("uno"), "it/news/vecchio/index.html": "301 /it/news/uno/|" + sitePage("altrove"),
		"it/news/tolto/index.html": "410|" + sitePage("tolto"), "assets/site-abc.css": sitePage("css"), "robots.txt": "User-agent: *",
		"sitemap.xml": "<x/>",
	}
	for _, l := range []string{"it", "en", "fr", "es", "ar", "zh-Hans", "bn"} {
		files[l+"/index.html"] = sitePage("home " + l)
		files[l+"/search/index.html"] = sitePage("cerca " + l)
		if l != "bn" {
			files[l+"/404/index.html"] = sitePage("non c'è " + l)
		}
	}
	return files
}

func TestSiteServing(t *testing.T) {
	w := newWorld(t, onSite(t, siteFiles()))
	const always = "public, max-age=0, must-revalidate"
	for _, x := range []struct {
		path, headers string // "Name: value" parted by "; "
		status        int
		want          string // in the body
		has           string // headers of the answer, "Name: value" parted by "; "
	}{
		{"/it/", "", 200, "home it", "Cache-Control: " + always + "; Content-Type: text/html; charset=utf-8; Vary: Accept-Encoding; Content-Encoding: "},
		{"/it/", "Accept-Encoding: br, gzip", 200, "", "Content-Encoding: br"},
		{"/it/", "Accept-Encoding: gzip", 200, "", "Content-Encoding: gzip"},
		{"/it/", "Accept-Encoding: gzip;q=1, br;q=0.5", 200, "", "Content-Encoding: gzip"},
		{"/it/", "Accept-Encoding: zstd", 200, "home it", "Content-Encoding: "},
		{"/it/", "Accept-Encoding: zstd, identity;q=0", 406, "", ""},
		{"/it", "", 301, "", "Location: /it/"},
		{"/it?x=1", "", 301, "", "Location: /it/?x=1"},
		{"/it/news/uno", "", 301, "", "Location: /it/news/uno/"},
		{"/it/index.html", "", 301, "", "Location: /it/"},
		{"/it/news/vecchio/", "", 301, "", "Location: /it/news/uno/"},
		{"/it/news/vecchio", "", 301, "", "Location: /it/news/vecchio/"},
		{"/it/news/tolto/", "Accept-Encoding: br", 410, "", "Content-Encoding: br; Cache-Control: " + always},
		{"/it/news/tolto/", "", 410, "tolto", ""},
		{"/it/news/mai/", "", 404, "non c'è it", "Content-Language: it; Vary: Accept-Encoding, Accept-Language"},
		{"/it/news/mai", "", 404, "non c'è it", ""},
		{"/ar/mai/", "Accept-Language: fr", 404, "non c'è ar", "Content-Language: ar"},
		{"/bn/mai/", "", 404, "non c'è it", "Content-Language: it"},
		{"/mai/", "Accept-Language: fr;q=0.5, es", 404, "non c'è es", "Content-Language: es"},
		{"/mai.png", "Accept-Language: zh-CN", 404, "non c'è zh-Hans", ""},
		{"/assets/site-abc.css", "", 200, "css", "Cache-Control: public, max-age=31536000, immutable"},
		{"/robots.txt", "", 200, "User-agent", ""},
		{"/", "", 302, "", "Location: /it/; Vary: Accept-Language; Cache-Control: " + always},
		{"/", "Accept-Language: en-GB,it;q=0.4", 302, "", "Location: /en/"},
		{"/", "Accept-Language: zh-TW", 302, "", "Location: /zh-Hans/"},
		{"/", "Accept-Language: bn", 302, "", "Location: /bn/"},
		{"/", "Accept-Language: tlh", 302, "", "Location: /en/"}, // as CLDR's matching has it,
		{"/", "Accept-Language: ;;;q=,,", 302, "", "Location: /it/"},
		// Not the site's.
		{"/api/v1/nothing", "Accept: text/html", 404, `"code":"not_found"`, "Content-Type: application/problem+json"},
		{"/api", "", 404, `"code":"not_found"`, ""},
		{"/auth/nothing", "", 404, `"code":"not_found"`, ""},
		{"/docs/nothing", "", 404, `"code":"not_found"`, ""},
		{"/preview/nothing", "", 404, `"code":"not_found"`, ""},
		// Nothing leads out.
		{"/it/../../etc/passwd", "", 404, "non c'è it", ""},
		{"/it/%2e%2e/%2e%2e/etc/passwd", "", 404, "non c'è it", ""},
		{"//evil.example", "", 404, "non c'è it", ""},
		{"//evil.example/it", "", 404, "non c'è it", ""},
		{"/it//", "", 404, "", ""},
		{"/it/news/uno/%00", "", 404, "", ""},
		{"/IT/", "", 404, "", ""},
	} {
		var headers []string
		for pair := range strings.SplitSeq(x.headers, "; ") {
			if name, value, ok := strings.Cut(pair, ": "); ok {
				headers = append(headers, name, value)
			}
		}
		a := w.send("", "GET", x.path, "", headers...)
		if a.StatusCode != x.status || !bytes.Contains(a.body, []byte(x.want)) {
			t.Errorf("%s %s: %d %.80s", x.path, x.headers, a.StatusCode, a.body)
		}
		for pair := range strings.SplitSeq(x.has, "; ") {
			if name, value, ok := strings.Cut(pair, ": "); ok && !strings.HasPrefix(a.Header.Get(name), value) {
				t.Errorf("%s %s: %s: %q, want %q", x.path, x.headers, name, a.Header.Get(name), value)
			}
		}
		head := w.send("", "HEAD", x.path, "", headers...)
		if head.StatusCode != a.StatusCode || len(head.body) > 0 || head.Header.Get("ETag") != a.Header.Get("ETag") || head.Header.Get("Location") != a.Header.Get("Location") ||
			x.status == 200 && head.ContentLength != int64(len(a.body)) {
			t.Errorf("%s: HEAD %d %v %d, GET %d", x.path, head.StatusCode, head.Header, head.ContentLength, len(a.body))
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		if a := w.send("", method, "/it/", ""); a.StatusCode != 404 && a.StatusCode != 405 || !strings.Contains(string(a.body), `"code"`) {
			t.Errorf("%s: %d %s", method, a.StatusCode, a.body)
		}
	}
}

func TestSiteHeaders(t *testing.T) {
	w := newWorld(t, onSite(t, siteFiles()), func(o *Options) { o.Tiles = "https://{s}.tiles.example/{z}/{x}/{y}.png" })
	for _, path := range []string{"/it/", "/it/news/mai/", "/it/news/tolto/", "/it"} {
		h := w.send("", "GET", path, "").Header
		want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https://*.tiles.example; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		if got := h.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: %s", path, got)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Set-Cookie") != "" || h.Get("Referrer-Policy") != "strict-origin-when-cross-origin" || h.Get("X-Request-Id") != "" && path == "/it/" {
			t.Errorf("%s: %v", path, h)
		}
	}
	for _, bad := range []string{"tiles", "https:// x/{z}", "ftp://x/{z}", "https://a;script-src *//x"} {
		o := w.server.opt
		o.Tiles = bad
		if _, err := New(o); err == nil {
			t.Errorf("tiles %q are taken", bad)
		}
	}
}

// Who has a file is told so; parts of files are given, of what is there.
func TestSiteConditions(t *testing.T) {
	files := siteFiles()
	w := newWorld(t, onSite(t, files))
	const path = "/it/news/uno/"
	text := files["it/news/uno/index.html"]
	plain := w.send("", "GET", path, "").Header.Get("ETag")
	gz := w.send("", "GET", path, "", "Accept-Encoding", "gzip").Header.Get("ETag")
	br := w.send("", "GET", path, "", "Accept-Encoding", "br").Header.Get("ETag")
	if plain == "" || gz != plain[:len(plain)-1]+`-gz"` || br != plain[:len(plain)-1]+`-br"` {
		t.Fatalf("%s %s %s", plain, gz, br)
	}
	for _, x := range []struct {
		headers []string
		status  int
		body    string
		cr      string
	}{
		{[]string{"If-None-Match", plain}, 304, "", ""},
		{[]string{"If-None-Match", `"x", W/` + plain}, 304, "", ""},
		{[]string{"If-None-Match", "*"}, 304, "", ""},
		{[]string{"If-None-Match", gz}, 200, text, ""},
		{[]string{"If-None-Match", gz, "Accept-Encoding", "gzip"}, 304, "", ""},
		{[]string{"Range", "bytes=0-14"}, 206, text[:15], fmt.Sprintf("bytes 0-14/%d", len(text))},
		{[]string{"Range", "bytes=-5", "Accept-Encoding", "gzip, br"}, 206, text[len(text)-5:], fmt.Sprintf("bytes %d-%d/%d", len(text)-5, len(text)-1, len(text))},
		{[]string{"Range", "bytes=10-"}, 206, text[10:], ""},
		{[]string{"Range", "bytes=0-1,5-6"}, 200, text, ""}, // lists are answered whole
		{[]string{"Range", "lines=1-2"}, 200, text, ""},
		{[]string{"Range", "bytes=99999999-"}, 416, "", fmt.Sprintf("bytes */%d", len(text))},
		{[]string{"Range", "bytes=0-4", "If-Range", plain}, 206, text[:5], ""},
		{[]string{"Range", "bytes=0-4", "If-Range", gz}, 200, text, ""},
		{[]string{"Range", "bytes=0-4", "If-Range", `"x"`}, 200, text, ""},
		{[]string{"Range", "bytes=0-4", "If-None-Match", plain}, 304, "", ""},
	} {
		a := w.send("", "GET", path, "", x.headers...)
		if a.StatusCode != x.status || x.status < 400 && string(a.body) != x.body {
			t.Errorf("%v: %d %.60s", x.headers, a.StatusCode, a.body)
		}
		if x.cr != "" && a.Header.Get("Content-Range") != x.cr {
			t.Errorf("%v: %s", x.headers, a.Header.Get("Content-Range"))
		}
		if x.status == 206 && a.Header.Get("Content-Encoding") != "" {
			t.Errorf("%v: a part of what is compressed", x.headers)
		}
	}
	// What is no page has no parts: the page that says so is whole.
	if a := w.send("", "GET", "/it/mai/", "", "Range", "bytes=0-4"); a.StatusCode != 404 || !bytes.Contains(a.body, []byte("non c'è it</p>")) {
		t.Errorf("%d %.60s", a.StatusCode, a.body)
	}
}

// A new build is seen by the next request, whole, and the old one by nobody.
func TestSiteFollowsTheBuild(t *testing.T) {
	files := siteFiles()
	w := newWorld(t, onSite(t, files))
	first := w.send("", "GET", "/it/", "").want(t, 200)
	files["it/index.html"] = sitePage("nuova")
	delete(files, "it/news/uno/index.html")
	delete(files, "bn/index.html")
	if _, err := w.server.site.Build(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	if a := w.send("", "GET", "/it/", "", "If-None-Match", first.Header.Get("ETag")).want(t, 200); !bytes.Contains(a.body, []byte("nuova")) {
		t.Errorf("%.80s", a.body)
	}
	w.send("", "GET", "/it/news/uno/", "").want(t, 404)
	if a := w.send("", "GET", "/", "", "Accept-Language", "bn"); a.Header.Get("Location") != "/en/" {
		t.Errorf("%v", a.Header)
	}
}

// While there is no build, and where there is no site, everything else goes on.
func TestNoSiteYet(t *testing.T) {
	w := newWorld(t)
	if a := w.send("", "GET", "/", ""); a.StatusCode != 302 || a.Header.Get("Location") != "/docs" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	w.send("", "GET", "/it/", "").want(t, 404)
	w.send("edo", "GET", "/api/v1/manage/builds", "").want(t, 404)
	empty := newWorld(t, func(o *Options) {
		onSite(t, nil)(o)
		store, err := release.Open(t.TempDir(), release.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		if o.Site, err = publish.New(publish.Options{Site: builderFunc(nil), Store: store, Catalog: o.Catalog}); err != nil {
			t.Fatal(err)
		}
	})
	if a := empty.send("", "GET", "/it/", ""); a.StatusCode != http.StatusServiceUnavailable || !bytes.Contains(a.body, []byte("site_not_ready")) || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	empty.send("", "GET", "/api/v1/articles", "").want(t, 200)
	if a := empty.send("", "GET", "/", ""); a.Header.Get("Location") != "/docs" {
		t.Errorf("%v", a.Header)
	}
}

func BenchmarkSite(b *testing.B) {
	files := siteFiles()
	w := newWorld(b, onSite(b, files))
	const path, modern = "/it/news/uno/", "gzip, deflate, br, zstd"
	plain := w.send("", "GET", path, "").want(b, 200)
	packed := w.send("", "GET", path, "", "Accept-Encoding", modern).want(b, 200)
	for _, c := range []struct {
		name    string
		status  int
		ceiling []byte
		headers []string
	}{
		{"Page", 200, plain.body, nil},
		{"PageBrotli", 200, packed.body, []string{"Accept-Encoding", modern}},
		{"Page304", 304, plain.body, []string{"If-None-Match", plain.Header.Get("ETag")}},
	} {
		b.Run(c.name, func(b *testing.B) { drive(b, w.server, path, c.status, c.headers...) })
		b.Run(c.name+"OverBareGin", func(b *testing.B) { overTheWire(b, w.server, path, c.headers, bare(c.ceiling)) })
	}
}
