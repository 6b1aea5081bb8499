package api

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/site/release"
)

// aTheme is the default theme, parsed once for all tests.
var aTheme = sync.OnceValues(func() (*site.Theme, error) { return site.LoadTheme(nil) })

// pagesOf makes the pages of a world's site, in two languages.
func pagesOf(t testing.TB, opt *Options) *site.Site {
	t.Helper()
	theme, err := aTheme()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := site.New(site.Options{Catalog: opt.Catalog, Schemas: opt.Schemas, Theme: theme, Config: site.Config{Languages: []string{"it", "ar"}}})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// withSite gives a world the public site, as the program does.
func withSite(t testing.TB) func(*Options) {
	t.Helper()
	return func(opt *Options) {
		opt.Pages = pagesOf(t, opt)
		store, err := release.Open(t.TempDir(), release.Options{})
		if err != nil {
			t.Fatal(err)
		}
		publishing(t, opt, opt.Pages, store)
	}
}

// built brings the site up to date.
func (w *world) built() string {
	w.t.Helper()
	w.catchUp()
	b, err := w.server.site.Build(context.Background(), "test")
	w.must(err)
	return b.Build.ID()
}

const buildsPath = "/api/v1/manage/builds"

// siteExamples calls the operations of siteTable.
func siteExamples(w *world) map[string]func() []request {
	id := func() string { return w.server.site.Current().ID() }
	look := func() (Variant, PreviewAddress) {
		v := w.article("edo", "Bozza "+time.Now().String())
		var p PreviewAddress
		w.send("edo", "POST", variantPath(v)+"/preview", `{}`).want(w.t, 201).into(w.t, &p)
		return v, p
	}
	return map[string]func() []request{
		"listBuilds": func() []request { return []request{{who: "edo", path: buildsPath, status: 200}} },
		"startBuild": func() []request { return []request{{who: "edo", path: buildsPath, body: `{}`, status: 200}} },
		"listBuildChanges": func() []request {
			before := id()
			return []request{{who: "edo", path: buildsPath + "/" + id() + "/changes?limit=2&since=" + before, status: 200}}
		},
		"restoreBuild": func() []request {
			return []request{{who: "edo", path: buildsPath + "/" + id() + "/restore", body: `{}`, status: 200}}
		},
		"createPreview": func() []request {
			v := w.article("edo", "Da guardare "+time.Now().String())
			return []request{{who: "edo", path: variantPath(v) + "/preview", body: `{"revision":1,"hours":2}`, status: 201}}
		},
		"listPreviews": func() []request {
			v, _ := look()
			return []request{{who: "edo", path: managePath + "/documents/" + v.ID + "/previews", status: 200}}
		},
		"endPreview": func() []request {
			_, p := look()
			return []request{{who: "edo", path: p.Links.Self, status: 204}}
		},
		"showPreview": func() []request {
			_, p := look()
			return []request{{path: p.URL, status: 200}}
		},
		"showPreviewFile": func() []request {
			file := w.picture("edo").Files[0].URL
			v := w.article("edo", "Con foto "+time.Now().String(), `,"image":{"src":`+quote(file)+`,"alt":"Una foto"}`)
			var p PreviewAddress
			w.send("edo", "POST", variantPath(v)+"/preview", `{}`).want(w.t, 201).into(w.t, &p)
			return []request{{path: p.URL + strings.TrimPrefix(file, "/"), status: 200}}
		},
	}
}

// TestBuilds goes through what the newsroom does with the builds of the site.
func TestBuilds(t *testing.T) {
	w := newWorld(t, withSite(t))
	v := w.publish("edo", w.article("edo", "Prima notizia"))
	first := w.built()
	page := w.pageOf("articles", v.LiveSlug)
	if a := w.send("", "GET", page, "").want(t, 200); !bytes.Contains(a.body, []byte("Prima notizia")) {
		t.Errorf("%s", a.body)
	}
	w.publish("edo", w.article("edo", "Seconda notizia"))
	second := w.built()
	var list SiteBuilds
	w.send("edo", "GET", buildsPath, "").want(t, 200).into(t, &list)
	if len(list.Items) < 2 || list.Items[0].ID != second || !list.Items[0].Current || list.State.Held || list.State.Error != "" {
		t.Fatalf("%+v", list)
	}
	// What differs, page by page.
	var paths []string
	for next := buildsPath + "/" + second + "/changes?limit=3&since=" + first; next != ""; {
		var changes Page[BuildChange]
		w.send("edo", "GET", next, "").want(t, 200).into(t, &changes)
		for _, c := range changes.Items {
			paths = append(paths, c.Change+" "+c.Path)
		}
		next = strings.TrimPrefix(changes.Links.Next, w.server.public)
	}
	all := strings.Join(paths, "\n")
	for _, want := range []string{"added " + strings.Trim(w.pageOf("articles", "seconda-notizia"), "/") + "/index.html", "changed it/index.html"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not among the changes:\n%s", want, all)
		}
	}
	// An earlier one is public again, and stays.
	var result BuildResult
	w.send("edo", "POST", buildsPath+"/"+first+"/restore", `{}`).want(t, 200).into(t, &result)
	if !result.Changed || result.Build.Parent != second {
		t.Errorf("%+v", result)
	}
	w.send("", "GET", w.pageOf("articles", "seconda-notizia"), "").want(t, 404)
	w.send("edo", "GET", buildsPath, "").want(t, 200).into(t, &list)
	if !list.State.Held {
		t.Errorf("%+v", list.State)
	}
	w.send("edo", "POST", buildsPath, `{}`).want(t, 200)
	w.send("", "GET", w.pageOf("articles", "seconda-notizia"), "").want(t, 200)
	// What was withdrawn does not come again by itself.
	w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"withdraw","comment":"Sbagliata."}`, "If-Match", "*").want(t, 200)
	w.built()
	w.send("", "GET", page, "").want(t, 410)
	w.send("edo", "POST", buildsPath+"/"+second+"/restore", `{}`).problem(t, 409, codeBuildShows)
	w.send("", "GET", page, "").want(t, 410)
	w.send("edo", "POST", buildsPath+"/"+second+"/restore", `{"including_withdrawn":true}`).want(t, 200)
	w.send("", "GET", page, "").want(t, 200)
	// Wrong questions.
	w.send("edo", "POST", buildsPath+"/nothing/restore", `{}`).problem(t, 404, codeNoBuild)
	w.send("edo", "GET", buildsPath+"/nothing/changes", "").problem(t, 404, codeNoBuild)
	w.send("edo", "GET", buildsPath+"/"+second+"/changes?since=nothing", "").problem(t, 404, codeNoBuild)
	for _, who := range []string{"carla", "rita", "tariq", ""} {
		for _, x := range [][2]string{{"GET", buildsPath}, {"POST", buildsPath}, {"POST", buildsPath + "/" + first + "/restore"}, {"GET", buildsPath + "/" + first + "/changes"}} {
			if a := w.send(who, x[0], x[1], map[string]string{"POST": "{}"}[x[0]]); a.StatusCode != 403 && a.StatusCode != 401 {
				t.Errorf("%s: %v: %d", who, x, a.StatusCode)
			}
		}
	}
}

// pageOf is the Italian page of an item.
func (w *world) pageOf(collection, slug string) string {
	w.t.Helper()
	b := w.server.site.Current()
	for f := range b.Files() {
		if strings.HasPrefix(f.Path, "it/") && strings.HasSuffix(f.Path, "/"+slug+"/index.html") {
			return "/" + strings.TrimSuffix(f.Path, "index.html")
		}
	}
	return "/it/" + collection + "/" + slug + "/"
}

// TestPreviewOfADraft: who has the address reads that revision, and nothing else.
func TestPreviewOfADraft(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	w := newWorld(t, withSite(t), func(o *Options) { o.clock = clock })
	v := w.article("edo", "Bozza <b>segreta</b>")
	look := func(body string) PreviewAddress {
		t.Helper()
		var p PreviewAddress
		w.send("edo", "POST", variantPath(v)+"/preview", body).want(t, 201).into(t, &p)
		return p
	}
	first := look(`{}`)
	a := w.send("", "GET", first.URL, "").want(t, 200)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Content-Type": "text/html; charset=utf-8", "Content-Language": "it",
	} {
		if a.Header.Get(name) != want {
			t.Errorf("%s: %q", name, a.Header.Get(name))
		}
	}
	for _, want := range []string{`<html lang="it" dir="ltr">`, "Bozza &lt;b&gt;segreta&lt;/b&gt;", `content="noindex"`} {
		if !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if bytes.Contains(a.body, []byte("<b>segreta")) || len(first.URL) < 50 {
		t.Errorf("%s", a.body)
	}
	// A later edit is not shown, and its own address shows it.
	w.send("edo", "PATCH", variantPath(v), `{"fields":{"title":"Bozza seconda"}}`, "If-Match", v.ETag).want(t, 200)
	if a := w.send("", "GET", first.URL, "").want(t, 200); bytes.Contains(a.body, []byte("seconda")) {
		t.Error("the address shows a later revision")
	}
	second := look(`{"revision":2,"hours":1}`)
	if a := w.send("", "GET", second.URL, "").want(t, 200); !bytes.Contains(a.body, []byte("Bozza seconda")) {
		t.Errorf("%s", a.body)
	}
	// The draft is public nowhere else.
	w.built()
	for f := range w.server.site.Current().Files() {
		if strings.Contains(f.Path, "bozza") {
			t.Errorf("%s is public", f.Path)
		}
	}
	// Others.
	for who, status := range map[string]int{"carla": 404, "rita": 404, "": 401, "tariq": 404} {
		w.send(who, "POST", variantPath(v)+"/preview", `{}`).want(t, status)
		w.send(who, "GET", managePath+"/documents/"+v.ID+"/previews", "").want(t, status)
		w.send(who, "DELETE", first.Links.Self, "").want(t, status)
	}
	w.send("edo", "POST", variantPath(v)+"/preview", `{"revision":3}`).problem(t, 404, "no_such_revision")
	w.send("edo", "POST", variantPath(v)+"/preview", `{"hours":1000}`).problem(t, 422, codeInvalidBody)
	w.send("edo", "POST", strings.Replace(variantPath(v), "/it", "/fr", 1)+"/preview", `{}`).want(t, 404)
	var list PreviewAddresses
	w.send("edo", "GET", managePath+"/documents/"+v.ID+"/previews", "").want(t, 200).into(t, &list)
	if list.Total != 2 || list.Items[0].URL != "" || list.Items[0].ID != first.ID && list.Items[1].ID != first.ID {
		t.Errorf("%+v", list)
	}
	// It ends: taken back, or by itself, and says so kindly.
	w.send("edo", "DELETE", first.Links.Self, "").want(t, 204)
	w.send("edo", "DELETE", first.Links.Self, "").want(t, 404)
	w.send("", "GET", first.URL, "").problem(t, 404, publish.CodePreviewOver)
	if a := w.send("", "GET", first.URL, "", "Accept", "text/html", "Accept-Language", "fr").want(t, 404); !bytes.Contains(a.body, []byte("Aperçu plus disponible")) || bytes.Contains(a.body, []byte("/auth/login")) {
		t.Errorf("%s", a.body)
	}
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	w.send("", "GET", second.URL, "").problem(t, 404, publish.CodePreviewOver)
	for _, wrong := range []string{strings.ToUpper(second.URL[:20]) + second.URL[20:], second.URL + "x", previewPath + "x/", previewPath + strings.Repeat("A", 43) + "/"} {
		w.send("", "GET", wrong, "").want(t, 404)
	}
	// A draft that was thrown away is nobody's.
	gone := w.article("edo", "Da buttare")
	var p PreviewAddress
	w.send("edo", "POST", variantPath(gone)+"/preview", `{}`).want(t, 201).into(t, &p)
	w.send("edo", "DELETE", managePath+"/documents/"+gone.ID, "", "If-Match", gone.ETag).want(t, 204)
	w.send("", "GET", p.URL, "").problem(t, 404, publish.CodePreviewOver)
}

// A file of a draft is shown by the draft's address, and by no other.
func TestPreviewFiles(t *testing.T) {
	w := newWorld(t, withSite(t))
	file, other := w.picture("edo").Files[0].URL, w.picture("edo").Files[0].URL
	v := w.article("edo", "Con foto", `,"image":{"src":`+quote(file)+`,"alt":"Una foto"}`)
	var p PreviewAddress
	w.send("edo", "POST", variantPath(v)+"/preview", `{}`).want(t, 201).into(t, &p)
	a := w.send("", "GET", p.URL, "").want(t, 200)
	own := p.URL + strings.TrimPrefix(file, "/")
	if !bytes.Contains(a.body, []byte(own)) || bytes.Contains(a.body, []byte(`"`+file)) {
		t.Errorf("the page does not show %s:\n%s", own, a.body)
	}
	w.send("", "GET", own, "").want(t, 200)
	w.send("", "GET", file, "").want(t, 404)
	w.send("", "GET", p.URL+strings.TrimPrefix(other, "/"), "").want(t, 404)
	w.send("edo", "DELETE", p.Links.Self, "").want(t, 204)
	w.send("", "GET", own, "").want(t, 404)
}

// TestSearchPage: the search works without a script, in the reader's language.
func TestSearchPage(t *testing.T) {
	w := newWorld(t, withSite(t))
	w.publish("edo", w.article("edo", "Permesso di soggiorno <script>alert(1)</script>"))
	w.publish("edo", w.article("edo", "Corsi di italiano"))
	for i := range 12 {
		w.publish("edo", w.article("edo", "Lavoro e contratti "+string(rune('a'+i))))
	}
	w.built()
	get := func(query string, headers ...string) string {
		t.Helper()
		return string(w.send("", "GET", "/it/search/"+query, "", headers...).want(t, 200).body)
	}
	empty := get("")
	if !strings.Contains(empty, `name="q"`) {
		t.Errorf("%s", empty)
	}
	found := get("?q=permesso")
	for _, want := range []string{`value="permesso"`, "Permesso di soggiorno &lt;script&gt;", `content="noindex"`, "/it/"} {
		if !strings.Contains(found, want) {
			t.Errorf("lacks %q:\n%s", want, found)
		}
	}
	if strings.Contains(found, "<script>alert") || strings.Contains(found, "Corsi di italiano") {
		t.Errorf("%s", found)
	}
	// Pages.
	many := get("?q=lavoro")
	if !strings.Contains(many, "?page=2&amp;q=lavoro") {
		t.Errorf("there is no second page:\n%s", many)
	}
	if second := get("?q=lavoro&page=2"); strings.Contains(second, "page=3") || !strings.Contains(second, "/it/search/?q=lavoro") {
		t.Errorf("%s", second)
	}
	// Filters, as links and as fields that lists have.
	if narrow := get("?q=permesso&collection=services"); strings.Contains(narrow, "Permesso di soggiorno &lt;") {
		t.Errorf("%s", narrow)
	}
	if narrow := get("?q=&territory=MI&topic=&collection=articles"); !strings.Contains(narrow, "Risultati: 14") || !strings.Contains(narrow, `name="territory"`) {
		t.Errorf("%s", narrow)
	}
	// Mistyped, unknown, hostile: still a page.
	for _, query := range []string{
		"?q=" + url.QueryEscape(`"><script>alert(1)</script>`), "?q=permeso&territory=ZZ&topic=nothing&page=-7&nothing=1&q=due", "?page=99999999999999999999",
		"?q=%ff%00", "?near=nowhere&radius=x&open_now=1", "?q=" + strings.Repeat("parola+", 900), "?" + strings.Repeat("a=b&", 3000), "?sort=nothing",
	} {
		body := get(query)
		if strings.Contains(body, "<script>alert") {
			t.Errorf("%s is repeated as it is", query)
		}
	}
	if a := w.send("", "GET", "/it/search/?q=permesso", "").want(t, 200); a.Header.Get("X-Robots-Tag") == "" || a.Header.Get("ETag") == "" || a.Header.Get("Content-Language") != "it" {
		t.Errorf("%v", a.Header)
	}
	if a := w.send("", "GET", "/ar/search/?q=permesso", "").want(t, 200); !bytes.Contains(a.body, []byte(`<html lang="ar" dir="rtl">`)) || !bytes.Contains(a.body, []byte("Permesso di soggiorno")) {
		t.Errorf("%s", a.body)
	}
	// The engine is away: the page says so, everything else goes on.
	w.engine.down.Store(true)
	if a := w.send("", "GET", "/it/search/?q=altro", ""); a.StatusCode != http.StatusServiceUnavailable || !bytes.Contains(a.body, []byte(`<html lang="it"`)) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	w.send("", "GET", "/it/search/", "").want(t, 200)
}

// siteAsks are the rows of the matrix for siteTable.
func siteAsks() map[string][]ask {
	builds := []situation{
		never("nothing", "build", "nothing"),
		{name: "the present one", make: func(s *stage, _ *caller) thing {
			id := s.server.site.Current().ID()
			return thing{id: id, params: map[string]string{"build": id}}
		}},
	}
	looks := []situation{
		never(ghost, "preview", strings.Repeat("a", 64)),
		{name: "of a draft of ours", make: func(s *stage, _ *caller) thing {
			d := s.document(draft{owner: ours})
			_, p, err := s.server.looks.Create(context.Background(), system, publish.Preview{Document: d.id, Locale: "it", Revision: "x", Number: 1}, 0)
			s.must(err)
			d.params["preview"] = p.ID
			return d
		}},
		{name: "of another organisation's draft", make: func(s *stage, _ *caller) thing {
			d := s.document(draft{owner: "altra-riva"})
			_, p, err := s.server.looks.Create(context.Background(), system, publish.Preview{Document: d.id, Locale: "it", Revision: "x", Number: 1}, 0)
			s.must(err)
			d.params["preview"] = p.ID
			return d
		}},
	}
	for i := range builds {
		builds[i].kind = "build"
	}
	for i := range looks {
		looks[i].kind = "look"
	}
	return map[string][]ask{
		"GET /api/v1/manage/builds":                                    {{}},
		"POST /api/v1/manage/builds":                                   {{body: fixed(`{}`)}},
		"GET /api/v1/manage/builds/{build}/changes":                    {{on: builds, query: "?limit=1"}},
		"POST /api/v1/manage/builds/{build}/restore":                   {{on: builds, body: fixed(`{}`)}},
		"POST /api/v1/manage/documents/{id}/variants/{locale}/preview": {{on: documents, body: fixed(`{"hours":1}`)}},
		"GET /api/v1/manage/documents/{id}/previews":                   {{on: documents}},
		"DELETE /api/v1/manage/documents/{id}/previews/{preview}":      {{on: looks}},
	}
}
