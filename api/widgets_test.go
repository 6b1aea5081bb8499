package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/browser"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/widgets"
)

// showcase publishes what widgets show, one of it with a hostile title.
func (w *world) showcase() {
	w.t.Helper()
	var batch []content.Incoming
	add := func(typ, locale, slug string, fields map[string]any) {
		if typ != "service" {
			fields["body"] = "Testo."
		}
		fields["summary"] = or(fmt.Sprint(fields["summary"]), "Riassunto.")
		if fields["summary"] == "<nil>" {
			fields["summary"] = "Un riassunto di poche righe, che dice l’essenziale."
		}
		if typ == "practice" {
			delete(fields, "body")
			for _, name := range []string{"issue", "objectives", "results"} {
				fields[name] = "Testo."
			}
			fields["activities"] = []any{map[string]any{"title": "Semina", "text": "Ogni sabato."}}
		}
		batch = append(batch, content.Incoming{Type: typ, Variants: []content.IncomingVariant{{Locale: locale, Slug: slug, Fields: fields, Publish: true}}})
	}
	po := []any{"PO"}
	add("news", "it", "ostile", map[string]any{"title": hostileTitle, "topics": []any{"housing"}, "territories": po})
	add("news", "it", "flussi", map[string]any{"title": "Decreto flussi: le domande dal 2 febbraio", "topics": []any{"work"}, "territories": po, "deadlines": []any{
		map[string]any{"label": "Invio delle domande", "from": "2099-02-02T09:00", "to": "2099-03-31T23:59"}, map[string]any{"label": "Scaduta da tempo", "from": "2020-01-01"}}})
	add("news", "ar", "khabar", map[string]any{"title": "مواعيد جديدة لتجديد تصريح الإقامة", "topics": []any{"work"}, "deadlines": []any{map[string]any{"label": "تقديم الطلب", "from": "2099-01-10"}}})
	add("news", "it", "lunga", map[string]any{"title": strings.Repeat("Una notizia dal titolo davvero lunghissimo ", 4), "topics": []any{"work"}})
	add("practice", "it", "orti", map[string]any{"title": "Orti insieme", "topics": []any{"housing"}, "territories": po})
	add("practice", "it", "sportello", map[string]any{"title": "Lo sportello che va da chi non arriva", "topics": []any{"housing"}, "territories": []any{"MI"}})
	for i, at := range [][2]float64{{43.88, 11.1}, {43.881, 11.101}, {45.46, 9.19}} {
		add("service", "it", fmt.Sprintf("servizio-%d", i), map[string]any{"title": fmt.Sprintf("Sportello immigrazione %d", i), "topics": []any{"work"}, "territories": []any{[]string{"PO", "PO", "MI"}[i]},
			"places": []any{map[string]any{"label": "Sede", "address": fmt.Sprintf("Via Roma %d", i+1), "lat": at[0], "lon": at[1]}}})
	}
	w.incoming(batch...)
}

const hostileTitle = `<img src=x onerror="document.title='presa'"><script>document.title='presa'</script>"'${7*7}`

// TestLoaderIsSmall: the loader with the first widget, as it goes over the wire.
func TestLoaderIsSmall(t *testing.T) {
	w := newWorld(t)
	a := w.send("", "GET", "/widgets/v1.js", "", "Accept-Encoding", "gzip").want(t, 200)
	if a.Header.Get("Content-Encoding") != "gzip" || len(a.body) > 6_000 {
		t.Errorf("%d bytes, %v", len(a.body), a.Header)
	}
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	w.must(err)
	plain, err := io.ReadAll(z)
	w.must(err)
	t.Logf("%d bytes, %d of gzip", len(plain), len(a.body))
}

// TestWidgetAddresses: the build's own address never changes and has an integrity;
// the short one is asked for anew; any origin may load both.
func TestWidgetAddresses(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	var m widgets.Manifest
	w.send("", "GET", "/widgets/v1.json", "").want(t, 200).into(t, &m)
	for _, f := range m.Files {
		a := w.send("", "GET", strings.TrimPrefix(f.URL, w.server.public), "", "Origin", "https://comune.example").want(t, 200)
		sum := sha512.Sum384(a.body)
		if f.Integrity != "sha384-"+base64.StdEncoding.EncodeToString(sum[:]) || f.Bytes != len(a.body) {
			t.Errorf("%s: the integrity is not that of its bytes", f.Name)
		}
		h := a.Header
		if !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", f.Name, h)
		}
	}
	if got := w.send("", "GET", "/widgets/v1.js", "").want(t, 200).Header.Get("Cache-Control"); strings.Contains(got, "immutable") {
		t.Errorf("the short address: %s", got)
	}
	for _, path := range []string{"/widgets/v1-0000000000000000/v1.js", "/widgets/v1/nessuno.js", "/widgets/v1/..%2fv1.js", "/widgets/v2/v1.js", "/widgets/v1-" + strings.Repeat("0", 15) + "g/v1.js"} {
		w.send("", "GET", path, "").problem(t, 404, "not_found")
	}
	// A build that is no longer the present one stays.
	old, err := widgets.New(widgets.Options{Catalog: w.catalog, Schemas: w.server.schemas, Dir: dir, Tiles: "https://tiles.example/{z}/{x}/{y}.png"})
	w.must(err)
	now, err := widgets.New(widgets.Options{Catalog: w.catalog, Schemas: w.server.schemas, Dir: dir})
	w.must(err)
	if old.Build() == now.Build() {
		t.Fatal("two builds of one name")
	}
	f, immutable, ok := now.File(old.Build(), "words.it.json")
	was, _, _ := old.File(old.Build(), "words.it.json")
	if !ok || !immutable || !bytes.Equal(f.Data, was.Data) {
		t.Error("the earlier build is gone")
	}
	for _, name := range []string{"../words.it.json", "..", "", "v1.js/", "/etc/passwd"} {
		if _, _, ok := now.File(old.Build(), name); ok {
			t.Errorf("%q was read", name)
		}
	}
}

// TestDeadlines: those that are over, of what was replaced, and of what the partner
// does not show are left out; each document has one language.
func TestDeadlines(t *testing.T) {
	w := newWorld(t)
	w.showcase()
	labels := func(query string) (out []string) {
		t.Helper()
		var page DeadlinePage
		w.send("", "GET", "/api/v1/deadlines"+query, "").want(t, 200).into(t, &page)
		for _, d := range page.Items {
			out = append(out, d.Label)
		}
		return out
	}
	for query, want := range map[string][]string{
		"": {"تقديم الطلب", "Invio delle domande"}, "?limit=1": {"تقديم الطلب"}, "?territory=PO": {"Invio delle domande"}, "?territory=09": {"Invio delle domande"},
		"?territory=PO&national=true": {"تقديم الطلب", "Invio delle domande"}, "?territory=MI": nil, "?topic=work": {"تقديم الطلب", "Invio delle domande"}, "?topic=housing": nil,
	} {
		if got := labels(query); !slices.Equal(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
	// What is published later is there at once.
	w.incoming(content.Incoming{Type: "news", Variants: []content.IncomingVariant{{Locale: "it", Publish: true, Fields: map[string]any{"title": "Domani", "summary": "S", "body": "T",
		"topics": []any{"work"}, "deadlines": []any{map[string]any{"label": "Oggi stesso", "from": time.Now().Format(time.DateOnly)}}}}}})
	if got := labels("?limit=1"); !slices.Equal(got, []string{"Oggi stesso"}) {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"?limit=0", "?limit=101", "?territory=ZZ", "?topic=x", "?locale=xx", "?from=x"} {
		if a := w.send("", "GET", "/api/v1/deadlines"+bad, ""); a.StatusCode != 400 {
			t.Errorf("%s: %d", bad, a.StatusCode)
		}
	}
}

// TestEmbeds: frames show text as text, in the language that is asked for, to those
// whom the partner names.
func TestEmbeds(t *testing.T) {
	w := newWorld(t)
	w.showcase()
	w.partner("prato", func(p *partners.Partner) {
		p.Filter = partners.Filter{Territories: []string{"PO"}}
		p.Origins = []string{"https://comune.example", "http://localhost:3000"}
	})
	a := w.send("", "GET", "/embed/news?locale=it&limit=12", "").want(t, 200)
	if strings.Contains(string(a.body), "<img") || strings.Contains(string(a.body), "<script") || !strings.Contains(string(a.body), "&lt;img src=x") {
		t.Errorf("%s", a.body)
	}
	policy := a.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors *") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
	a = w.send("", "GET", "/embed/news?partner=prato", "").want(t, 200)
	if got := a.Header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'self' https://comune.example http://localhost:3000;") || strings.Contains(got, "*") {
		t.Error(got)
	}
	if strings.Contains(string(a.body), "مواعيد") || !strings.Contains(string(a.body), "Decreto flussi") {
		t.Errorf("the filter does not hold: %s", a.body)
	}
	if !strings.Contains(string(w.send("", "GET", "/embed/news?locale=ar", "").want(t, 200).body), `<html lang="ar" dir="rtl"`) {
		t.Error("the direction")
	}
	if body := string(w.send("", "GET", "/embed/practice?slug=orti&locale=ar", "").want(t, 200).body); !strings.Contains(body, `lang="it" dir="ltr"`) || !strings.Contains(body, `href="/it/practices/orti/"`) {
		t.Errorf("%s", body)
	}
	w.send("", "GET", "/embed/practice?slug=sportello&partner=prato", "").problem(t, 403, "partner_outside")
	w.send("", "GET", "/embed/practice?slug=nessuna", "").problem(t, 404, "not_found")
	// A reader gets a page that says so, in the language of the frame.
	for path, want := range map[string]struct {
		status     int
		code, lang string
	}{
		"/embed/practice?slug=sportello&partner=prato":                 {403, "partner_outside", "it"},
		"/embed/news?partner=%3Cb%3Enessuno&locale=ar":                 {403, "partner_unknown", "ar"},
		"/embed/practice?slug=nessuna&locale=zh-Hans&accent=%23ff0000": {404, "not_found", "zh"},
	} {
		a := w.send("", "GET", path, "", "Accept", "text/html,*/*;q=0.8").want(t, want.status)
		body := string(a.body)
		if !strings.Contains(body, "<h1 class=\"h\">"+html.EscapeString(messages.Title(want.lang, want.code))+"</h1>") || !strings.Contains(body, `<html lang="`+want.lang) ||
			strings.Contains(body, "<b>") || !strings.Contains(body, `target="_top"`) || a.Header.Get("Content-Language") != want.lang {
			t.Errorf("%s: %v %s", path, a.Header, body)
		}
		if policy := a.Header.Get("Content-Security-Policy"); a.Header.Get("Cache-Control") != "no-store" || !strings.Contains(policy, "frame-ancestors *") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
	w.send("", "GET", "/embed/nessuno", "", "Accept", "text/html").problem(t, 404, "widget_unknown") // no frame of anybody's
	w.send("", "GET", "/embed/nessuno", "").problem(t, 404, "widget_unknown")
	w.send("", "GET", "/embed/news?partner=nessuno", "").problem(t, 403, "partner_unknown")
	for _, bad := range []string{"limit=0", "limit=13", "mode=rosa", "accent=red", "accent=%23fff%3B%7D", "territory=ZZ", "locale=xx", "topic=x", "national=forse"} {
		w.send("", "GET", "/embed/news?"+bad, "").problem(t, 400, "widget_invalid")
	}
	for _, bad := range []string{"", "slug=..%2F..", "slug=%3Cb%3E", "slug=a%20b", "slug=" + strings.Repeat("a", 500)} {
		w.send("", "GET", "/embed/practice?"+bad, "").problem(t, 400, "widget_invalid")
	}
	css := w.send("", "GET", "/widgets/tokens.css?accent=%23FF0000&radius=2px", "").want(t, 200)
	if string(css.body) != ":root{--prassi-accent:#ff0000;--prassi-radius:2px;}\n" {
		t.Errorf("%s", css.body)
	}
}

// TestOEmbed holds the answers against oembed.com.
func TestOEmbed(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(o *Options) { o.Logger = slog.New(slog.NewJSONHandler(&locked{b: &log}, nil)) })
	w.showcase()
	ask := func(address, more string) answered {
		return w.send("", "GET", "/oembed?url="+url.QueryEscape(address)+more, "")
	}
	var o widgets.OEmbed
	ask(w.http.URL+"/it/practices/orti/", "&maxwidth=400&maxheight=200").want(t, 200).into(t, &o)
	if o.Type != "rich" || o.Version != "1.0" || o.Title != "Orti insieme" || o.Width != 400 || o.Height != 200 ||
		!regexp.MustCompile(`^<iframe src="http://[^"<>]+/embed/practice\?locale=it&amp;slug=orti" title="Orti insieme" width="400" height="200" loading="lazy"></iframe>$`).MatchString(o.HTML) {
		t.Errorf("%+v", o)
	}
	ask(w.http.URL+"/it/news/ostile/", "").want(t, 200).into(t, &o)
	if strings.Count(o.HTML, "<") != 2 || o.Title != hostileTitle {
		t.Errorf("%+v", o)
	}
	a := ask(w.http.URL+"/embed/news?limit=5", "&format=xml").want(t, 200)
	var x widgets.OEmbed
	if err := xml.Unmarshal(a.body, &x); err != nil || x.Type != "rich" || x.Height <= 500 || !strings.HasPrefix(string(a.body), `<?xml version="1.0" encoding="utf-8" standalone="yes"?>`) {
		t.Errorf("%v %s", err, a.body)
	}
	if got := a.Header.Get("Content-Type"); got != "text/xml; charset=utf-8" {
		t.Error(got)
	}
	ask(w.http.URL+"/embed/news", "&format=yaml").problem(t, 501, "oembed_format")
	if strings.Contains(log.String(), `"ERROR"`) || !strings.Contains(log.String(), `"status":501`) {
		t.Errorf("what is not offered is logged as a fault: %s", log.String())
	}
	// The site of a partner has the same items at addresses of its own.
	const own = "https://integrazione.comune.example"
	ask(own+"/it/practices/orti/", "").problem(t, 404, "not_found")
	w.partner("comune", func(p *partners.Partner) { p.Domain = "integrazione.comune.example" })
	ask(own+"/it/practices/orti/", "").want(t, 200).into(t, &o)
	if o.Title != "Orti insieme" || strings.Contains(o.HTML, "partner=") {
		t.Errorf("%+v", o)
	}
	ask(own+"/embed/news", "").problem(t, 404, "not_found")
	ask(own, "").problem(t, 404, "not_found")
	ask(w.http.URL+"/preview/abc/", "").problem(t, 401, "unauthenticated")
	for _, missing := range []string{
		"https://altrove.example/it/practices/orti/", w.http.URL + "/it/practices/nessuna/", w.http.URL + "/it/", w.http.URL, w.http.URL + "/xx/practices/orti/../../x", "javascript:alert(1)", "//x", "x",
		w.http.URL + "/embed/nessuno", w.http.URL + "/embed/news?limit=99", strings.Replace(w.http.URL, "http://", "http://a@", 1) + "/it/practices/orti/", w.http.URL + "/it/practices/%2e%2e%2forti/",
	} {
		if a := ask(missing, ""); a.StatusCode != 404 {
			t.Errorf("%s: %d %s", missing, a.StatusCode, a.body)
		}
	}
	for _, bad := range []string{"/oembed", "/oembed?url=", "/oembed?url=x&maxwidth=0", "/oembed?url=x&maxheight=-1", "/oembed?url=x&maxwidth=abc"} {
		w.send("", "GET", bad, "").problem(t, 400, "invalid_query")
	}
}

// TestBuilder: what the page gives to copy is what the server serves.
func TestBuilder(t *testing.T) {
	w := newWorld(t)
	w.showcase()
	var l widgets.Lines
	w.send("", "GET", "/widgets/line.json?widget=news&locale=ar&territory=PO&limit=5&accent=%230066cc&mode=dark", "").want(t, 200).into(t, &l)
	src := regexp.MustCompile(`src="([^"]+)" integrity="([^"]+)"`).FindStringSubmatch(l.Element)
	if src == nil {
		t.Fatal(l.Element)
	}
	a := w.send("", "GET", strings.TrimPrefix(src[1], w.http.URL), "").want(t, 200)
	sum := sha512.Sum384(a.body)
	if src[2] != "sha384-"+strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") && src[2] != "sha384-"+base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("%s", l.Element)
	}
	if !strings.Contains(l.Element, `<prassi-news locale="ar" territory="100" limit="5" mode="dark" accent="#0066cc"><a href="`+w.http.URL+`/ar/news/">`) {
		t.Error(l.Element)
	}
	frame := regexp.MustCompile(`src="([^"]+)"`).FindStringSubmatch(l.Frame)
	w.send("", "GET", strings.ReplaceAll(strings.TrimPrefix(frame[1], w.http.URL), "&amp;", "&"), "").want(t, 200)
	for _, lang := range []string{"it", "en", "fr", "es", "ar", "zh"} {
		a := w.send("", "GET", "/widgets/?lang="+lang+"&widget=practice&slug=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&accent=red", "").want(t, 200)
		if strings.Contains(string(a.body), "<script>") || !strings.Contains(string(a.body), `role="alert"`) {
			t.Errorf("%s: %s", lang, a.body)
		}
	}
}

// A hostPage is somebody else's page, on an origin of its own.
type hostPage struct {
	*httptest.Server
	mu   sync.Mutex
	html string
	csp  string
	// space are the rules that keep the room of the widgets free.
	space string
	seen  []string
}

func newHostPage(t *testing.T) *hostPage {
	p := &hostPage{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen = append(p.seen, r.URL.Path)
		if strings.HasSuffix(r.URL.Path, ".css") {
			rw.Header().Set("Content-Type", "text/css")
			fmt.Fprint(rw, "body{font-family:serif;margin:1rem}", p.space)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Content-Security-Policy", p.csp)
		fmt.Fprint(rw, p.html)
	}))
	t.Cleanup(p.Close)
	return p
}

// show makes the page hold that.
func (p *hostPage) show(w *world, lang, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.space = nil, ""
	for _, m := range regexp.MustCompile(`<prassi-([a-z]+)(?:[^>]* limit="(\d+)")?`).FindAllStringSubmatch(body, -1) {
		a, err := w.server.widgets.Parse(m[1], url.Values{"limit": {m[2]}, "slug": {"orti"}})
		if err != nil {
			continue // a hostile page
		}
		lines, err := w.server.widgets.Lines(a, w.http.URL)
		w.must(err)
		p.space += lines.Space
	}
	p.csp = "default-src 'none'; script-src " + w.http.URL + "; connect-src " + w.http.URL + "; style-src 'self'; img-src data:; frame-src " + w.http.URL + "; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	dir := map[bool]string{true: "rtl", false: "ltr"}[lang == "ar"]
	var m widgets.Manifest
	w.send("", "GET", "/widgets/v1.json", "").want(w.t, 200).into(w.t, &m)
	i := slices.IndexFunc(m.Files, func(f widgets.ManifestFile) bool { return f.Name == "v1.js" })
	p.html = `<!doctype html><html lang="` + lang + `" dir="` + dir + `"><head><meta charset="utf-8"><title>Comune</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><link rel="stylesheet" href="/own.css">` +
		`<script type="module" src="` + w.http.URL + strings.TrimPrefix(m.Files[i].URL, w.server.public) + `" integrity="` + m.Files[i].Integrity + `" crossorigin="anonymous"></script></head><body><main><h1>Comune</h1>` + body + `<p id="below">Sotto.</p></main></body></html>`
}

// settled waits until every widget has shown what it shows.
const settled = `
const settled = async page => {
  await page.waitForFunction(() => [...document.querySelectorAll('prassi-news,prassi-practices,prassi-practice,prassi-deadlines,prassi-services')]
    .every(e => e.shadowRoot && e.shadowRoot.querySelector('section') && !e.shadowRoot.querySelector('[aria-busy]')));
};
`

// TestWidgetsOnAStrangersPage: a page of another origin, with the strictest policy
// that lets the widgets in.
func TestWidgetsOnAStrangersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	host := newHostPage(t)
	all := `<prassi-news limit="4" locale="LANG"><a href="/notizie">Tutte le notizie</a></prassi-news>
<prassi-practices locale="LANG"><a href="/p">Tutte le pratiche</a></prassi-practices><prassi-practice locale="LANG" slug="orti"><a href="/o">Orti insieme</a></prassi-practice>
<prassi-deadlines locale="LANG"><a href="/s">Tutte le scadenze</a></prassi-deadlines><prassi-services locale="LANG"><a href="/v">Tutti i servizi</a></prassi-services>`
	for _, c := range []struct {
		lang          string
		width, height int
		dark          bool
	}{{"it", 1280, 900, false}, {"it", 320, 640, true}, {"ar", 1280, 900, true}, {"ar", 320, 640, false}} {
		t.Run(fmt.Sprintf("%s-%d", c.lang, c.width), func(t *testing.T) {
			host.show(w, c.lang, strings.ReplaceAll(all, "LANG", c.lang))
			b := browser.Start(t, browser.Options{Locale: c.lang, Width: c.width, Height: c.height, Dark: c.dark})
			var got struct {
				Title, Text string
				Shift       float64
				Requests    []string
				Cookies     int
				Storage     []string
				Wide        []string
				Direction   string
				Light       string
			}
			b.Run(settled+`export default async ({page, context, args}) => {
			  const requests = [];
			  page.on('request', r => requests.push(r.url()));
			  await page.addInitScript(() => {
			    window.shift = 0;
			    new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.shift += e.value }).observe({type: 'layout-shift', buffered: true});
			  });
			  await page.goto(args);
			  await settled(page);
			  await page.waitForTimeout(200);
			  return await page.evaluate(async ([requests, cookies]) => ({
			    title: document.title, shift: window.shift, requests, cookies,
			    text: [...document.querySelectorAll('prassi-news,prassi-practices,prassi-practice,prassi-deadlines,prassi-services')].map(e => e.shadowRoot.querySelector('section').innerText).join('\n---\n'),
			    storage: [...Object.keys(localStorage), ...Object.keys(sessionStorage), ...(await indexedDB.databases()).map(d => d.name), ...(await caches.keys().catch(() => []))],
			    direction: getComputedStyle(document.querySelector('prassi-news').shadowRoot.querySelector('section')).direction,
			    light: document.querySelector('prassi-news').innerHTML,
			    wide: [...document.querySelectorAll('prassi-news,prassi-practices,prassi-practice,prassi-deadlines,prassi-services')].flatMap(e => [...e.shadowRoot.querySelectorAll('*')])
			      .filter(e => !e.closest('.v') && (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1)).map(e => e.outerHTML.slice(0, 100)),
			  }), [requests, (await context.cookies()).length]);
			}`, host.URL, &got)
			if got.Title != "Comune" || !strings.Contains(got.Text, `<img src=x onerror=`) {
				t.Errorf("a hostile item: %q\n%s", got.Title, got.Text)
			}
			want := []string{"Orti insieme", "Invio delle domande", "Sportello immigrazione", map[string]string{"it": "Ultime notizie", "ar": "آخر الأخبار"}[c.lang]}
			for _, s := range want {
				if !strings.Contains(got.Text, s) {
					t.Errorf("%q is not shown:\n%s", s, got.Text)
				}
			}
			if got.Direction != map[string]string{"it": "ltr", "ar": "rtl"}[c.lang] || len(got.Wide) > 0 {
				t.Errorf("direction %s, sticking out %q", got.Direction, got.Wide)
			}
			for _, r := range got.Requests {
				if !strings.HasPrefix(r, w.http.URL+"/") && !strings.HasPrefix(r, host.URL+"/") && !strings.HasPrefix(r, "data:") {
					t.Errorf("a request to %s", r)
				}
			}
			if got.Cookies > 0 || len(got.Storage) > 0 {
				t.Errorf("%d cookies, stored %q", got.Cookies, got.Storage)
			}
			if got.Shift > 0 {
				t.Errorf("the page moved by %f", got.Shift)
			}
			b.Run(`export default async ({page}) => {
			  for (const e of await page.locator('prassi-services').all()) { await e.getByRole('button', {name: /Mappa|خريطة/}).click() }
			  await page.waitForFunction(() => document.querySelector('prassi-services').shadowRoot.querySelector('.map svg circle'));
			}`, nil, nil)
			b.MustBeAccessible("")
			b.Shot("all")
			b.Run(`export default async ({page}) => { await page.locator('prassi-services').scrollIntoViewIfNeeded() }`, nil, nil)
			b.Shot("services")
		})
	}
}

// TestWidgetRoom: where the page keeps the room that the builder names, nothing
// moves.
func TestWidgetRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	host := newHostPage(t)
	host.show(w, "it", `<prassi-news><a href="/n">Tutte le notizie</a></prassi-news><prassi-deadlines><a href="/s">Tutte le scadenze</a></prassi-deadlines>`)
	b := browser.Start(t, browser.Options{})
	var shift float64
	b.Run(settled+`export default async ({page, args}) => {
	  await page.addInitScript(() => {
	    window.shift = 0;
	    new PerformanceObserver(l => { for (const e of l.getEntries()) window.shift += e.value }).observe({type: 'layout-shift', buffered: true});
	  });
	  await page.route(/v1\.js|words|api\/v1/, async r => { await new Promise(ok => setTimeout(ok, 300)); r.continue() }); // a slow network shows it
	  await page.goto(args);
	  await settled(page);
	  await page.waitForTimeout(300);
	  return page.evaluate(() => window.shift);
	}`, host.URL, &shift)
	if shift > 0 {
		t.Errorf("the page moved by %f", shift)
	}
}

// TestWidgetAttributes: what a hostile page writes into attributes is left out, said
// once, and never run or asked.
func TestWidgetAttributes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	host := newHostPage(t)
	hostile := `"><img src=x onerror=alert(1)>`
	var attributes strings.Builder
	for _, name := range []string{"territory", "topic", "limit", "partner", "mode", "accent", "background", "radius", "font-size", "site", "level", "locale"} {
		fmt.Fprintf(&attributes, ` %s="%s"`, name, strings.NewReplacer(`"`, "&quot;", "<", "&lt;").Replace(map[bool]string{true: "javascript:alert(1)", false: hostile + ";}*{display:none}"}[name == "site"]))
	}
	host.show(w, "it", `<prassi-news`+attributes.String()+` heading="&lt;b>Titolo"><a href="/n">Tutte</a></prassi-news><prassi-practice slug="../../manage/documents"><a href="/p">Una</a></prassi-practice>`)
	b := browser.Start(t, browser.Options{})
	var got struct {
		Text, Slot, Practice string
		Links, Said, Asked   []string
		Sheet                string
	}
	b.Run(settled+`export default async ({page, args}) => {
	  const said = [], asked = [];
	  page.on('console', m => said.push(m.text()));
	  page.on('request', r => asked.push(r.url()));
	  await page.goto(args);
	  await settled(page);
	  return await page.evaluate(([said, asked]) => { const r = document.querySelector('prassi-news').shadowRoot; return {
	    text: r.querySelector('h2').textContent, links: [...r.querySelectorAll('a')].map(a => a.href), said, asked,
	    practice: document.querySelector('prassi-practice').shadowRoot.querySelector('section').innerText,
	    slot: r.querySelector('slot').assignedElements().map(e => e.textContent).join(),
	    sheet: r.adoptedStyleSheets[1].cssRules[0].cssText }}, [said, asked]);
	}`, host.URL, &got)
	if got.Text != "<b>Titolo" || got.Slot != "Tutte" || strings.Contains(got.Sheet, "display") || strings.Contains(got.Sheet, "accent") {
		t.Errorf("%+v", got)
	}
	if len(got.Links) == 0 {
		t.Error("nothing is shown")
	}
	for _, l := range got.Links {
		if !strings.HasPrefix(l, w.http.URL+"/it/news/") && !strings.HasPrefix(l, w.http.URL+"/ar/news/") {
			t.Errorf("a link to %s", l)
		}
	}
	for _, u := range got.Asked {
		if strings.Contains(u, "manage") || strings.Contains(u, "onerror") || strings.Contains(u, "script:") {
			t.Errorf("asked %s", u)
		}
	}
	if n := len(got.Said); n != 14 { // one for each attribute, and why there is no practice
		t.Errorf("%d lines in the console: %q", n, got.Said)
	}
	b.Problems()
}

// TestWidgetOfAnotherOrigin: a page that the partner does not list gets its own link
// and one line in the console.
func TestWidgetOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	host := newHostPage(t)
	w.partner("prato")
	host.show(w, "it", `<prassi-news partner="prato"><a href="/n">Tutte le notizie</a></prassi-news>`)
	b := browser.Start(t, browser.Options{})
	var got struct {
		Said []string
		Text string
		Link bool
	}
	run := settled + `export default async ({page, args}) => {
	  const said = [];
	  page.on('console', m => { if (m.type() == 'warning') said.push(m.text()) });
	  await page.goto(args);
	  await settled(page);
	  return {said, text: await page.locator('prassi-news').evaluate(e => e.shadowRoot.querySelector('section').innerText), link: await page.getByRole('link', {name: 'Tutte le notizie'}).isVisible()};
	}`
	b.Run(run, host.URL, &got)
	if len(got.Said) != 1 || !strings.Contains(got.Said[0], "prassi-news: ") || !strings.Contains(got.Said[0], host.URL) || !strings.Contains(got.Said[0], "origin_not_allowed") {
		t.Errorf("%q", got.Said)
	}
	if !got.Link || strings.Contains(got.Text, "Decreto") || !strings.Contains(got.Text, "non sono arrivati") {
		t.Errorf("%+v", got)
	}
	b.Problems() // the browser tells of 403
	_, err := w.server.partners.Change(context.Background(), content.System("test"), "prato", func(p *partners.Partner) { p.Origins = append(p.Origins, host.URL) })
	if err == nil { // the server of the test is one of this machine
		b.Run(run, host.URL, &got)
		if len(got.Said) != 0 || !strings.Contains(got.Text, "Decreto") {
			t.Errorf("%+v", got)
		}
	} else {
		t.Error(err)
	}
}

// TestWidgetsWithoutScript: the link is there, and the frame works.
func TestWidgetsWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	host := newHostPage(t)
	host.show(w, "it", `<prassi-news><a href="/n">Tutte le notizie</a></prassi-news><iframe src="`+w.http.URL+`/embed/news?locale=it&amp;accent=%23005500" title="Notizie" width="600" height="500"></iframe>`)
	b := browser.Start(t, browser.Options{NoScript: true})
	var got struct {
		Link  bool
		Frame string
	}
	b.Run(`export default async ({page, args}) => {
	  await page.goto(args);
	  return {link: await page.getByRole('link', {name: 'Tutte le notizie'}).first().isVisible(), frame: await page.frameLocator('iframe').locator('main').innerText()};
	}`, host.URL, &got)
	if !got.Link || !strings.Contains(got.Frame, "Decreto flussi") {
		t.Errorf("%+v", got)
	}
	b.Shot("frame")
	for _, lang := range []string{"it", "ar"} {
		v := browser.Start(t, browser.Options{Locale: lang, Width: 360, Dark: lang == "ar"})
		v.Run(`export default async ({page, args}) => { await page.goto(args) }`, w.http.URL+"/embed/news?locale="+lang+"&limit=5", nil)
		v.MustBeAccessible("")
		v.Shot("embed-" + lang)
		v.Run(`export default async ({page, args}) => { await page.goto(args) }`, w.http.URL+"/embed/practice?slug=orti&locale="+lang, nil)
		v.MustBeAccessible("")
		v.Shot("card-" + lang)
	}
}

// TestServicesNearby: nobody is asked where they are before the button is pressed,
// and what is sent is rounded; a town will do as well, by keyboard.
func TestServicesNearby(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	host := newHostPage(t)
	host.show(w, "it", `<prassi-services><a href="/v">Tutti i servizi</a></prassi-services>`)
	b := browser.Start(t, browser.Options{})
	var got struct {
		Before, After, Lost string
		Asked               []string
		Focus               []string
		Map                 int
	}
	b.Run(settled+`export default async ({page, context, args}) => {
	  const asked = [];
	  page.on('request', r => { if (r.url().includes('/api/')) asked.push(r.url()) });
	  await context.grantPermissions(['geolocation'], {origin: args});
	  await context.setGeolocation({latitude: 43.8801234567, longitude: 11.0998765432});
	  await page.goto(args);
	  await settled(page);
	  const text = () => page.locator('prassi-services').evaluate(e => e.shadowRoot.querySelector('section').innerText);
	  const before = await text();
	  await page.getByRole('button', {name: 'Usa la mia posizione'}).press('Enter');
	  await page.getByText('Servizi trovati: 2').first().waitFor();
	  const after = await text();
	  const focus = [];
	  await page.getByLabel('Comune').focus();
	  for (let i = 0; i < 4; i++) { await page.keyboard.press('Tab'); focus.push(await page.evaluate(() => { const a = document.activeElement; return (a.shadowRoot?.activeElement ?? a).textContent })) }
	  await page.getByRole('button', {name: 'Mappa'}).press('Space');
	  await page.waitForFunction(() => document.querySelector('prassi-services').shadowRoot.querySelector('.map svg circle'));
	  const map = await page.evaluate(() => document.querySelector('prassi-services').shadowRoot.querySelectorAll('.map circle').length);
	  await page.getByRole('button', {name: 'Ingrandisci'}).click();
	  await page.getByRole('button', {name: 'Mappa'}).click();
	  await page.getByLabel('Comune').fill('Nessuna Città');
	  await page.keyboard.press('Enter');
	  await page.getByText('Questo comune non si trova').first().waitFor();
	  return {before, after, asked, focus, map, lost: await text()};
	}`, host.URL, &got)
	if !strings.Contains(got.Before, "Servizi trovati: 3") || !strings.Contains(got.After, "km") || strings.Contains(got.After, "immigrazione 2") {
		t.Errorf("%+v", got)
	}
	near := 0
	for _, u := range got.Asked {
		q, err := url.Parse(u)
		w.must(err)
		if at := q.Query().Get("near"); at != "" && strings.Contains(at, ",") {
			near++
			if at != "43.880,11.100" {
				t.Errorf("the position that was sent is %s", at)
			}
		} else if near == 0 && at != "" {
			t.Errorf("asked before the button was pressed: %s", u)
		}
	}
	if near == 0 || got.Map == 0 || !slices.Contains(got.Focus, "Cerca") || !slices.Contains(got.Focus, "Usa la mia posizione") {
		t.Errorf("%+v", got)
	}
	b.Problems() // the browser tells of 400
}

// TestBuilderInABrowser: in Italian and Arabic, small and large; the preview follows
// the form and the line can be copied.
func TestBuilderInABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.showcase()
	for _, lang := range []string{"it", "ar"} {
		b := browser.Start(t, browser.Options{Locale: lang})
		b.Run(settled+`export default async ({page, args}) => { await page.goto(args); await settled(page) }`, w.http.URL+"/widgets/?lang="+lang, nil)
		seen(t, b, "builder-"+lang)
		var got struct{ Line, Preview string }
		b.Run(settled+`export default async ({page, args}) => {
		  await page.locator('#widget').selectOption('practices');
		  await page.locator('#territory').selectOption('PO');
		  await page.waitForFunction(() => document.querySelector('textarea').value.includes('territory="100"'));
		  await settled(page);
		  return {line: await page.locator('textarea').first().inputValue(), preview: await page.locator('prassi-practices').evaluate(e => e.shadowRoot.querySelector('section').innerText)};
		}`, nil, &got)
		if !strings.Contains(got.Line, "<prassi-practices") || !strings.Contains(got.Preview, "Orti insieme") || strings.Contains(got.Preview, "Lo sportello che va") {
			t.Errorf("%s: %+v", lang, got)
		}
	}
}
