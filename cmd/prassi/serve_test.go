package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/leak"
)

// running is a server started by the command line, in this process.
type running struct {
	t     *testing.T
	base  string
	first string        // what it said when it started
	log   *lockedBuffer // and what it wrote since
	stop  func()
}

var (
	said     = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	linkSaid = regexp.MustCompile(`/auth/link/(\w+)`)
)

func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	var stderr lockedBuffer
	done := make(chan int, 1)
	go func() {
		code := Main(ctx, append([]string{"serve", "--addr", "127.0.0.1:0", "--log-level", "debug"}, args...), strings.NewReader(""), in, io.MultiWriter(&stderr, leak.Log()))
		in.Close()
		done <- code
	}()
	var first bytes.Buffer
	buf := make([]byte, 4096)
	for said.FindString(first.String()) == "" || !strings.HasSuffix(first.String(), "\n") { // all is written at once
		n, err := out.Read(buf)
		first.Write(buf[:n])
		if err != nil {
			t.Fatalf("the server did not start: %v\n%s\n%s", err, first.String(), stderr.String())
		}
	}
	go io.Copy(io.Discard, out)
	for _, link := range linkSaid.FindAllStringSubmatch(first.String(), -1) {
		leak.Secret(link[1])
	}
	r := &running{t: t, base: said.FindString(first.String()), first: first.String(), log: &stderr}
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case code := <-done:
				if code != 0 {
					t.Errorf("the server ended with %d:\n%s", code, stderr.String())
				}
			case <-time.After(30 * time.Second):
				t.Error("the server does not stop")
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// call sends a request and decodes a JSON answer into into, when it is not nil.
func (r *running) call(client *http.Client, method, path string, header http.Header, body string, want int, into any) http.Header {
	r.t.Helper()
	req, err := http.NewRequest(method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != want {
		r.t.Fatalf("%s %s: %s, want %d\n%.1500s", method, path, res.Status, want, data)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			r.t.Fatalf("%s %s: %v\n%.500s", method, path, err, data)
		}
	}
	return res.Header
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestDemoFromDraftToPublicAPI is the main job as six people do it, through the
// development login, on both engines.
func TestDemoFromDraftToPublicAPI(t *testing.T) {
	engines := map[string]func(t *testing.T) string{
		"sqlite":  func(*testing.T) string { return "sqlite" },
		"mongodb": emptyMongo,
	}
	for name, store := range engines {
		t.Run(name, func(t *testing.T) { demo(t, store(t)) })
	}
}

func demo(t *testing.T, store string) {
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, "--demo", "--data", data, "--store", store)
	login := func(person string) *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		r.call(c, "POST", "/auth/login", form, url.Values{"person": {person}}.Encode(), http.StatusSeeOther, nil)
		return c
	}
	amina, rita, sandro, elena := login("amina"), login("rita"), login("sandro"), login("elena")
	public := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	h := r.call(amina, "POST", "/api/v1/manage/documents", nil, `{"type":"practice","locale":"it","slug":"scuola-aperta","fields":{
		"title":"Scuola aperta","summary":"La scuola resta aperta la sera.","territories":["PO"],"topics":["schools-minors"],
		"issue":"Le madri non potevano seguire i corsi.","objectives":"Imparare insieme.","activities":[{"title":"Corso","text":"Due sere."}],
		"results":"Trenta madri, ai sensi dell'art. 38 del D.Lgs. 286/1998."}}`, http.StatusCreated, nil)
	at := h.Get("Location")
	step := func(c *http.Client, name string, want int) {
		t.Helper()
		h = r.call(c, "POST", at+"/transitions", http.Header{"If-Match": {h.Get("ETag")}}, `{"transition":"`+name+`"}`, want, nil)
	}
	step(amina, "submit", http.StatusOK)
	r.call(public, "GET", "/api/v1/practices/scuola-aperta?locale=it", nil, "", http.StatusNotFound, nil)
	r.call(public, "GET", at, nil, "", http.StatusUnauthorized, nil)
	step(rita, "endorse", http.StatusOK)
	step(sandro, "publish", http.StatusOK)

	var item struct {
		Title      string
		Locale     string
		References []struct{ Identifier, URL string }
		Revision   struct{ Number int }
	}
	eventually(t, "the practice is public", func() bool {
		res, err := public.Get(r.base + "/api/v1/practices/scuola-aperta?locale=it")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK && json.NewDecoder(res.Body).Decode(&item) == nil
	})
	if item.Title != "Scuola aperta" || item.Revision.Number != 1 || len(item.References) != 1 ||
		item.References[0].Identifier != "urn:nir:stato:decreto.legislativo:1998-07-25;286~art38" &&
			item.References[0].Identifier != "urn:nir:stato:decreto.legislativo:1998;286~art38" {
		t.Errorf("%+v", item)
	}
	h = r.call(elena, "GET", at, nil, "", http.StatusOK, nil)
	step(elena, "withdraw", http.StatusOK)
	eventually(t, "it is gone", func() bool {
		res, err := public.Get(r.base + "/api/v1/practices/scuola-aperta?locale=it")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode == http.StatusGone
	})

	// The demo's own content is there, and stays as it is after a restart.
	var list struct{ Total int }
	r.call(public, "GET", "/api/v1/services?locale=it", nil, "", http.StatusOK, &list)
	if list.Total != len(demoAges) {
		t.Errorf("%d services in the demo, want %d", list.Total, len(demoAges))
	}
	for query, want := range map[string][]string{
		"services?open_on=sa&sort=title":                              {"casa-ginestra", "scuola-del-sabato", "sportello-documenti", "voce-in-tre-minuti"},
		"services?languages=bn&near=Prato&radius=5000&sort=distance":  {"sportello-casa", "scuola-del-sabato"},
		"services?near=Bagheria&radius=3000":                          {"bussola-del-lavoro"},
		"services?assurance=unverified":                               {"caffe-delle-lingue"},
		"organizations?register_sections=immigrants-first&sort=title": {"approdo-dei-limoni", "lanterna-sul-bisenzio"},
	} {
		var answer struct{ Items []struct{ Slug string } }
		eventually(t, query, func() bool {
			r.call(public, "GET", "/api/v1/"+query, nil, "", http.StatusOK, &answer)
			return len(answer.Items) == len(want)
		})
		for i, item := range answer.Items {
			if item.Slug != want[i] {
				t.Errorf("%s: %+v, want %q", query, answer.Items, want)
				break
			}
		}
	}
	r.stop()
	var out, stderr lockedBuffer
	if code := Main(context.Background(), []string{"verify", "--data", data, "--store", store}, strings.NewReader(""), &out, &stderr); code != 0 {
		t.Errorf("verify: %d\n%s%s", code, out.String(), stderr.String())
	}
}

func TestDemoListensOnLoopbackOnly(t *testing.T) {
	var out, stderr lockedBuffer
	code := Main(context.Background(), []string{"serve", "--demo", "--addr", "0.0.0.0:0", "--data", t.TempDir()}, strings.NewReader(""), &out, &stderr)
	if code == 0 || !strings.Contains(stderr.String(), "loopback") {
		t.Errorf("%d: %s", code, stderr.String())
	}
}

// TestRealTextsThroughThePublicAPI is the main job on real input: imported,
// taken through their workflow, published and read, on both engines. The
// material lies outside the project; without it this test says so.
func TestRealTextsThroughThePublicAPI(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("the real texts are not here, so nothing is shown: %v", err)
	}
	for name, store := range map[string]func(*testing.T) string{
		"sqlite": func(*testing.T) string { return "sqlite" }, "mongodb": emptyMongo,
	} {
		t.Run(name, func(t *testing.T) { realTexts(t, shared, store(t)) })
	}
}

func realTexts(t *testing.T, shared, store string) {
	data := filepath.Join(t.TempDir(), "data")
	run := func(args ...string) {
		t.Helper()
		var out lockedBuffer
		if code := Main(context.Background(), append(args, "--data", data, "--store", store), strings.NewReader(""), &out, &out); code != 0 {
			t.Fatalf("%v: %d\n%s", args, code, out.String())
		}
	}
	run("import", "--type", "article", "--publish", filepath.Join(shared, "multilingual"))
	run("import", "--type", "news", "--locale", "it", "--publish", filepath.Join(shared, "seeds"))
	r := start(t, "--data", data, "--store", store)
	public := &http.Client{}

	var list struct {
		Total int
		Items []struct{ Slug string }
	}
	for locale, want := range map[string]int{"it": 11, "en": 12, "fr": 11, "es": 11, "ar": 11, "bn": 11, "zh-Hans": 11} {
		r.call(public, "GET", "/api/v1/articles?limit=100&locale="+locale, nil, "", http.StatusOK, &list)
		if list.Total != want || len(list.Items) != want {
			t.Errorf("%d articles in %s, want %d", list.Total, locale, want)
		}
	}
	var item struct {
		Dir, HTML       string
		RequestedLocale string `json:"requested_locale"`
		Locale          string
		Alternates      []struct{ Locale string }
		References      []struct{ Identifier string }
	}
	r.call(public, "GET", "/api/v1/articles/legal?locale=ar", nil, "", http.StatusOK, &item)
	if item.Dir != "rtl" || len(item.Alternates) != 6 || !strings.Contains(item.HTML, "<h2 ") || strings.Contains(item.HTML, "markdown=") {
		t.Errorf("the Arabic article: dir %s, %d alternates", item.Dir, len(item.Alternates))
	}
	r.call(public, "GET", "/api/v1/articles/accessibility-best-practices-for-your-project?locale=ar", nil, "", http.StatusOK, &item)
	if item.Locale != "en" || item.RequestedLocale != "ar" {
		t.Errorf("fallback: asked %s, served %s", item.RequestedLocale, item.Locale)
	}

	// The circular among the seeds names itself.
	r.call(public, "GET", "/api/v1/news?limit=100&locale=it", nil, "", http.StatusOK, &list)
	if list.Total != 5 {
		t.Fatalf("%d news, want 5", list.Total)
	}
	const circular = "urn:nir:ministero.interno;dipartimento.liberta.civili.immigrazione;direzione.centrale.politiche.immigrazione.asilo:circolare:2012-04-16;2649"
	found := false
	for _, it := range list.Items {
		r.call(public, "GET", "/api/v1/news/"+it.Slug+"?locale=it", nil, "", http.StatusOK, &item)
		for _, ref := range item.References {
			found = found || ref.Identifier == circular
		}
	}
	if !found {
		t.Error("no item refers to the circular by its URN")
	}
}
