package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/site/release"
)

// raw sends a request line as it is, which no client of ours would.
func (w *world) raw(method, target string, headers ...string) (*http.Response, []byte) {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.http.URL, "http://"))
	w.must(err)
	defer c.Close()
	w.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
	head := method + " " + target + " HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n"
	for i := 0; i+1 < len(headers); i += 2 {
		head += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	_, err = io.WriteString(c, head+"\r\n")
	w.must(err)
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	w.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Errorf("%s %.80s: %v", method, target, err)
	}
	return res, body
}

// TestSitePathTricks asks for the site's files by names that are not theirs.
func TestSitePathTricks(t *testing.T) {
	w := newWorld(t, onSite(t, siteFiles()))
	secret := []string{"root:", "SQLite", "PRASSI", "module github.com"}
	for _, target := range []string{
		"/it%2fnews%2funo%2f", "/it%2Fnews/uno/", "/it/news%5cuno/", `/it\news\uno\`, `/..\..\etc\passwd`, "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
		"/../../../../etc/passwd", "/it/../../../../../etc/passwd", "/it/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/it/..%252f..%252fetc/passwd", "/it/..;/..;/etc/passwd",
		"/it/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "/it/news/uno/%00", "/it/news/uno/index.html%00.png", "/it/news/uno%00/", "/%00", "/it/%0d%0aSet-Cookie:%20x=y",
		"//it/news/uno/", "/it//news/uno/", "/it/news//uno/", "/it/./news/uno/", "/it/news/uno/.", "/it/news/uno/./", "/it/news/uno/..", "/it/news/uno./", "/it/news/uno.../", "/it/news/uno%20/",
		"/IT/NEWS/UNO/", "/It/news/uno/", "/it/news/uno/INDEX.HTML", "/it/news/uno/index.html/", "/it/news/uno/index.html.", "/it/news/uno/index.html::$DATA", "/it/NEWS~1/",
		"/assets/site-abc.css/", "/assets/site-abc.css%20", "/assets/", "/robots.txt/", "/robots.txt%2f", "/packs/00000001.pack", "/builds/", "/lock", "/.prassi/manifest.json", "/site/", "/CON/",
		"/" + strings.Repeat("a", 8000), "/it/" + strings.Repeat("a/", 4000), "/it/" + strings.Repeat("%2e%2e/", 1000), "/%f0%9f%92%a9/", "/%ff%fe/", "/it/news/uno;x=y/", "/it/news/*/",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res, body := w.raw(method, target)
			switch {
			case res.StatusCode == 404 || res.StatusCode == 400:
			case res.StatusCode == 301: // to a page that there is, and nowhere else
				to := res.Header.Get("Location")
				if next, _ := w.raw("GET", to); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) || next.StatusCode != 200 {
					t.Errorf("%s %.60s: leads to %q", method, target, to)
				}
			case target == "/it%2fnews%2funo%2f" || target == "/it%2Fnews/uno/":
				// The same path by RFC 3986, section 2.2, for a server that keeps no slashes in names.
				if res.StatusCode != 200 || method == "GET" && !bytes.Contains(body, []byte("uno")) {
					t.Errorf("%s %.60s: %d", method, target, res.StatusCode)
				}
			default:
				t.Errorf("%s %.60s: %d %.80s", method, target, res.StatusCode, body)
			}
			if method == "HEAD" && len(body) > 0 {
				t.Errorf("HEAD %.60s: a body", target)
			}
			if res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%.60s: a header came in", target)
			}
			for _, x := range secret {
				if bytes.Contains(body, []byte(x)) {
					t.Errorf("%.60s tells %q", target, x)
				}
			}
		}
	}
	// The whole form of the target, and another host's: the path counts.
	for target, status := range map[string]int{"http://evil.example/it/": 200, "http://evil.example//evil.example/%2e%2e": 404, "http://evil.example/it": 301} {
		if res, _ := w.raw("GET", target); res.StatusCode != status || strings.Contains(res.Header.Get("Location"), "evil") {
			t.Errorf("%s: %d %v", target, res.StatusCode, res.Header)
		}
	}
}

// TestSiteRanges asks for parts as nobody means well.
func TestSiteRanges(t *testing.T) {
	files := siteFiles()
	w := newWorld(t, onSite(t, files))
	const path = "/it/news/uno/"
	text := files["it/news/uno/index.html"]
	etag := w.send("", "GET", path, "").Header.Get("ETag")
	many := "bytes=" + strings.TrimSuffix(strings.Repeat("0-,", 1300), ",")
	for _, x := range []struct {
		name    string
		headers []string
		status  int
		size    int
	}{
		{"many", []string{"Range", many}, 200, len(text)},
		{"overlapping", []string{"Range", "bytes=0-10,5-15,1-1"}, 200, len(text)},
		{"two headers", []string{"Range", "bytes=0-1", "Range", "bytes=2-3"}, 200, len(text)},
		{"huge end", []string{"Range", "bytes=0-999999999999999999"}, 206, len(text)},
		{"beyond a number", []string{"Range", "bytes=0-99999999999999999999999"}, 200, len(text)},
		{"start beyond a number", []string{"Range", "bytes=99999999999999999999999-"}, 200, len(text)},
		{"suffix beyond a number", []string{"Range", "bytes=-99999999999999999999999"}, 200, len(text)},
		{"negative", []string{"Range", "bytes=--5"}, 200, len(text)},
		{"backwards", []string{"Range", "bytes=9-3"}, 200, len(text)},
		{"nothing", []string{"Range", "bytes="}, 200, len(text)},
		{"no number", []string{"Range", "bytes=0x10-0x20"}, 200, len(text)},
		{"empty suffix", []string{"Range", "bytes=-0"}, 416, -1},
		{"strong tag", []string{"Range", "bytes=0-4", "If-Range", etag}, 206, 5},
		{"weak tag", []string{"Range", "bytes=0-4", "If-Range", "W/" + etag}, 200, len(text)},
		{"tag of other", []string{"Range", "bytes=0-4", "If-Range", `"x"`}, 200, len(text)},
		{"no tag", []string{"Range", "bytes=0-4", "If-Range", "*"}, 200, len(text)},
		{"a day", []string{"Range", "bytes=0-4", "If-Range", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 200, len(text)},
		{"since a day", []string{"Range", "bytes=0-4", "If-Modified-Since", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 206, 5},
		{"not since", []string{"Range", "bytes=0-4", "If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}, 206, 5},
		{"compressed", []string{"Range", "bytes=0-4", "Accept-Encoding", "br, gzip"}, 206, 5},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res, body := w.raw(method, path, x.headers...)
			status := x.status
			if method == "HEAD" { // which has no parts: RFC 9110, section 14.2
				status = 200
			}
			if res.StatusCode != status || method == "GET" && x.size >= 0 && len(body) != x.size || method == "HEAD" && len(body) > 0 {
				t.Errorf("%s %s: %d, %d bytes", method, x.name, res.StatusCode, len(body))
			}
			if status == 206 && (!strings.HasPrefix(res.Header.Get("Content-Range"), "bytes ") || res.Header.Get("Content-Encoding") != "") {
				t.Errorf("%s %s: %v", method, x.name, res.Header)
			}
			// Two builds of one second would be told apart by nothing.
			if res.Header.Get("Last-Modified") != "" || strings.Contains(res.Header.Get("Content-Type"), "multipart") {
				t.Errorf("%s %s: %v", method, x.name, res.Header)
			}
		}
	}
}

// slowly builds as another does, but takes its time.
type slowly struct {
	publish.Builder
	takes  atomic.Int64 // time.Duration
	builds atomic.Int64
}

func (s *slowly) Build(ctx context.Context, store *release.Store, reason string) (*release.Build, site.Report, error) {
	s.builds.Add(1)
	select {
	case <-time.After(time.Duration(s.takes.Load())):
	case <-ctx.Done():
	}
	return s.Builder.Build(ctx, store, reason)
}

// otherConsumer counts how often it is called.
type otherConsumer struct{ calls atomic.Int64 }

func (o *otherConsumer) Name() string                  { return "other" }
func (o *otherConsumer) CatchUp(context.Context) error { o.calls.Add(1); return nil }

// catalogThenSite is what the program makes of the two.
type catalogThenSite struct{ w *world }

func (c catalogThenSite) Name() string { return "catalogue" }
func (c catalogThenSite) CatchUp(ctx context.Context) error {
	err := c.w.catalog.CatchUp(ctx)
	c.w.server.site.Notice()
	return err
}

// following is a world whose site follows it as in the program: a real service, a
// real Runner, a real site.
func following(t *testing.T, quiet, most time.Duration) (*world, *slowly, *otherConsumer) {
	slow := &slowly{}
	w := newWorld(t, func(opt *Options) {
		opt.Pages = pagesOf(t, opt)
		slow.Builder = opt.Pages
		store, err := release.Open(t.TempDir(), release.Options{})
		if err != nil {
			t.Fatal(err)
		}
		opt.Site, err = publish.New(publish.Options{Site: slow, Store: store, Catalog: opt.Catalog, Quiet: quiet, Most: most, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); opt.Site.Run(ctx) }()
		t.Cleanup(func() { stop(); <-ended; store.Close() })
	})
	other := &otherConsumer{}
	runner := jobs.New(w.store, w.service, 5*time.Millisecond, slog.New(slog.DiscardHandler), catalogThenSite{w}, other)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	w.await("the first build", func() bool { return w.server.site.Current() != nil })
	return w, slow, other
}

func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

func (w *world) status404(path string) int { return w.send("", "GET", path, "").StatusCode }

// TestAHundredPublicationsMakeOneBuild, and what is withdrawn waits for nothing: not
// for the quiet period, here an hour.
func TestAHundredPublicationsMakeOneBuild(t *testing.T) {
	// A slow machine needs more than ten seconds for a hundred.
	w, slow, _ := following(t, 3*time.Second, time.Hour)
	var drafts []Variant
	for i := range 100 {
		drafts = append(drafts, w.article("edo", fmt.Sprintf("Notizia numero %d", i)))
	}
	w.await("it is quiet", func() bool { return !w.server.site.Status().Pending })
	before := slow.builds.Load()
	for _, v := range drafts {
		w.publish("edo", v)
	}
	last := w.pageOf("articles", "notizia-numero-99")
	w.await("the last is on the air", func() bool { return w.status404(last) == 200 })
	if n := slow.builds.Load() - before; n != 1 {
		t.Errorf("%d builds", n)
	}
	w.send("", "GET", w.pageOf("articles", "notizia-numero-0"), "").want(t, 200)
}

func TestWithdrawalWaitsForNothing(t *testing.T) {
	w, slow, _ := following(t, time.Hour, time.Hour)
	v := w.publish("edo", w.article("edo", "Sbagliata"))
	if _, err := w.server.site.Build(context.Background(), "edo"); err != nil {
		t.Fatal(err)
	}
	page := w.pageOf("articles", v.LiveSlug)
	w.await("it is on the air", func() bool {
		if w.status404(page) == 200 {
			return true
		}
		_, err := w.server.site.Build(context.Background(), "edo") // the Runner had not handed it on
		w.must(err)
		page = w.pageOf("articles", v.LiveSlug)
		return false
	})
	before := slow.builds.Load()
	w.publish("edo", w.article("edo", "Che aspetta"))
	time.Sleep(100 * time.Millisecond)
	if n := slow.builds.Load(); n != before {
		t.Fatalf("%d builds within the quiet period", n-before)
	}
	w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"withdraw","comment":"Sbagliata."}`, "If-Match", "*").want(t, 200)
	w.await("it is off the air", func() bool { return w.status404(page) == 410 })
}

// TestASlowBuildHoldsUpNobody: while a build takes ages, the catalogue and whatever
// else follows the log go on.
func TestASlowBuildHoldsUpNobody(t *testing.T) {
	w, slow, other := following(t, time.Millisecond, 10*time.Millisecond)
	slow.takes.Store(int64(time.Hour))
	w.publish("edo", w.article("edo", "Che fa costruire"))
	w.await("something is built", func() bool { return w.server.site.Status().Building })
	for i := range 5 {
		calls := other.calls.Load()
		v := w.publish("edo", w.article("edo", fmt.Sprintf("Intanto %d", i)))
		w.await("the catalogue has it", func() bool { return w.catalog.Get("articles", v.LiveSlug, "it").Entry.ID() != "" })
		w.await("the other goes on", func() bool { return other.calls.Load() > calls+1 })
	}
	st := w.server.site.Status()
	if !st.Building || !st.Pending || st.Err != nil {
		t.Errorf("%+v", st)
	}
	w.send("", "GET", "/it/", "").want(t, 200) // and the site is there meanwhile
}

// TestPreviewsOfSheltersSayNoPlace: whoever holds the address of a preview is told as
// little as the public, of every revision and by every way that a place comes to be a
// secret.
func TestPreviewsOfSheltersSayNoPlace(t *testing.T) {
	w := newWorld(t, withSite(t), func(o *Options) { o.Rates = Rates{Off: true} })
	h, list := shelters(t, w)
	means := h.caller("admin").means()[0]
	looks := 0
	for _, x := range list {
		for revision := 1; revision <= 4; revision++ {
			for _, locale := range []string{"it", "fr"} {
				at := managePath + "/documents/" + x.id + "/variants/" + locale + "/preview"
				a := h.send("", "POST", at, fmt.Sprintf(`{"revision":%d}`, revision), means...)
				if a.StatusCode != 201 {
					continue // there is no such revision
				}
				var p PreviewAddress
				a.into(t, &p)
				page := h.send("", "GET", p.URL, "").want(t, 200)
				looks++
				if found := h.leaks(page, ""); found != nil {
					t.Errorf("revision %d of %s in %s tells %q", revision, x.slug, locale, found)
				}
				h.send("", "DELETE", p.Links.Self, "", means...).want(t, 204)
			}
		}
	}
	if looks < 2*len(list) {
		t.Errorf("only %d looks at %d shelters", looks, len(list))
	}
}
