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
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// TestBadInput: what is wrong with a request is said with status, code, path and
// a message, and nothing is written.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	w.publish("edo", w.article("edo", "Preso"))
	const at = "/api/v1/manage/documents"
	article := func(fields string) string { return `{"type":"article","locale":"it","fields":{` + fields + `}}` }
	for _, c := range []struct {
		name, body string
		status     int
		code       string
		path, what string // of the first error; empty when there is none
	}{
		{"unknown type", `{"type":"poem","locale":"it","fields":{}}`, 422, "invalid_content", "/type", "unknown_type"},
		{"unknown locale", `{"type":"article","locale":"tlh","fields":{"title":"x"}}`, 422, "invalid_content", "/locale", "unknown_locale"},
		{"unknown field", article(`"title":"x","colour":"red"`), 422, "invalid_content", "/colour", "unknown_field"},
		{"field in another case", article(`"title":"x","Body":"y"`), 422, "invalid_content", "/Body", "unknown_field"},
		{"no title", article(`"body":"y"`), 422, "invalid_content", "/title", "required"},
		{"slug with dots", `{"type":"article","locale":"it","slug":"../../etc/passwd","fields":{"title":"x"}}`, 422, "invalid_content", "/slug", "invalid_slug"},
		{"slug with NUL", `{"type":"article","locale":"it","slug":"a\u0000b","fields":{"title":"x"}}`, 422, "invalid_content", "/slug", "invalid_slug"},
		{"slug of 300", `{"type":"article","locale":"it","slug":"` + strings.Repeat("a", 300) + `","fields":{"title":"x"}}`, 422, "invalid_content", "/slug", "invalid_slug"},
		{"slug that looks alike", `{"type":"article","locale":"it","slug":"pаgina","fields":{"title":"x"}}`, 422, "invalid_content", "/slug", "invalid_slug"},
		{"slug taken", `{"type":"article","locale":"it","slug":"preso","fields":{"title":"x"}}`, 409, "slug_taken", "/slug", "slug_taken"},
		{"a day that is not", `{"type":"news","locale":"it","fields":{"title":"x","act_date":"2026-02-31"}}`, 422, "invalid_content", "/act_date", "not_a_date"},
		{"a territory that is not", article(`"title":"x","territories":["ZZ"]`), 422, "invalid_content", "/territories/0", "unknown_territory"},
		{"a reference to nothing", article(`"title":"x","organization":"nessuno"`), 422, "invalid_content", "/organization", "reference_not_found"},
		{"deep Markdown", article(`"title":"x","body":` + quote(strings.Repeat("> ", 10_000)+"x")), 422, "invalid_content", "/body", "markdown_too_deep"},
		{"long Markdown", article(`"title":"x","body":` + quote(strings.Repeat("parola ", 12_000))), 422, "invalid_content", "/body", ""},
		{"title of the wrong type", article(`"title":["x"]`), 422, "invalid_content", "/title", "wrong_type"},
		{"fields of the wrong type", `{"type":"article","locale":"it","fields":[]}`, 422, codeInvalidBody, "/fields", "wrong_type"},
		{"type of the wrong type", `{"type":1,"locale":"it","fields":{}}`, 422, codeInvalidBody, "/type", "wrong_type"},
		{"unknown key", `{"type":"article","locale":"it","fields":{"title":"x"},"state":"published"}`, 422, codeInvalidBody, "/state", "unknown_key"},
		{"key in another case", `{"Type":"article","type":"article","locale":"it","fields":{"title":"x"}}`, 422, codeInvalidBody, "/Type", "unknown_key"},
		{"missing keys", `{}`, 422, codeInvalidBody, "/type", "required"},
		{"a list", `[]`, 422, codeInvalidBody, "", "wrong_type"},
		{"key twice", `{"type":"article","type":"page","locale":"it","fields":{}}`, 400, codeDuplicateKey, "/type", codeDuplicateKey},
		{"not JSON", `{"type":`, 400, codeMalformedJSON, "", ""},
		{"something after it", `{"type":"page","locale":"it","fields":{"title":"x"}} {}`, 400, codeMalformedJSON, "", ""},
		{"invalid UTF-8", "{\"type\":\"article\",\"locale\":\"it\",\"fields\":{\"title\":\"\xff\"}}", 400, codeInvalidUTF8, "", ""},
		{"lone surrogate", article(`"title":"\ud800"`), 400, codeInvalidUTF8, "", ""},
		{"deep JSON", article(`"title":` + strings.Repeat("[", 100) + strings.Repeat("]", 100)), 400, codeTooDeep, "", ""},
		{"10 MB of Markdown", article(`"title":"x","body":"` + strings.Repeat("parola ", 1_500_000) + `"`), 413, codeBodyTooLarge, "", ""},
		{"a foreign owner", `{"type":"article","locale":"it","owner":"../x","fields":{"title":"x"}}`, 422, "invalid_content", "/owner", "unknown_owner"},
		{"a long note", `{"type":"article","locale":"it","note":"` + strings.Repeat("n", 1001) + `","fields":{"title":"x"}}`, 422, codeInvalidBody, "/note", "too_long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.send("edo", "POST", at, c.body, "Accept-Language", "es").problem(t, c.status, c.code)
			if c.path == "" && c.what == "" {
				return
			}
			if len(p.Errors) == 0 || p.Errors[0].Path != c.path || c.what != "" && p.Errors[0].Code != c.what || p.Errors[0].Message == "" || p.Errors[0].Message == p.Errors[0].Code {
				t.Errorf("%+v", p.Errors)
			}
		})
	}
	for media, status := range map[string]int{"": 415, "text/plain": 415, "application/xml": 415, "application/json; charset=latin1": 415,
		"application/x-www-form-urlencoded": 415, "application/json;charset=UTF-8": 422, "application/merge-patch+json": 422} {
		w.send("edo", "POST", at, `{}`, "Content-Type", media).want(t, status)
	}
	w.send("edo", "POST", at, `{}`, "Content-Encoding", "gzip").problem(t, 415, codeMediaType)
	var page Page[Document]
	w.send("edo", "GET", at, "").want(t, 200).into(t, &page)
	if len(page.Items) != 1 {
		t.Errorf("a refused request wrote something: %d documents", len(page.Items))
	}
}

func TestBadAddresses(t *testing.T) {
	w := newWorld(t)
	for path, code := range map[string]string{
		"/api/v1/poems":                                "not_found",
		"/api/v1/articles/":                            "not_found",
		"/api/v1/searches?q=casa":                      "not_found",
		"/api/v1/articles/..%2f..%2fetc":               "not_found",
		"/api/v1/articles/a%00b":                       "not_found",
		"/api/v1/articles/" + strings.Repeat("a", 300): "not_found",
		"/api/v1/articles/%D1%80agina":                 "not_found",
		"/schemas/poem.json":                           "not_found",
		"/problems/no_such_code":                       "not_found",
	} {
		w.send("", "GET", path, "").problem(t, 404, code)
	}
	for path, at := range map[string]string{
		"/api/v1/articles?colour=red":            "/colour",
		"/api/v1/articles?topic=housing&topic=x": "/topic",
		"/api/v1/articles?limit=101":             "/limit",
		"/api/v1/articles?limit=-1":              "/limit",
		"/api/v1/articles?limit=1e2":             "/limit",
		"/api/v1/articles?sort=size":             "/sort",
		"/api/v1/articles?territory=ZZ":          "/territory",
		"/api/v1/articles?topic=knitting":        "/topic",
		"/api/v1/articles?locale=xx":             "/locale",
		"/api/v1/articles?fields=password":       "/fields",
		"/api/v1/articles?from=2026-02-31":       "/from",
		"/api/v1/articles?near=45,9":             "/near",
		"/api/v1/services?near=999,9":            "/near",
		"/api/v1/services?radius=5":              "/near",
		"/api/v1/services?bbox=1,2,3":            "/bbox",
		"/api/v1/services.geojson?limit=3":       "/limit",
		"/api/v1/changes?since=yesterday":        "/since",
		"/api/v1/changes?since=-1":               "/since",
		"/api/v1/changes?limit=0":                "/limit",
		"/api/v1/topics?q=x":                     "/q",
		"/api/v1?x=1":                            "/x",
		"/api/v1/territories?limit=9999":         "/limit",
	} {
		a := w.send("", "GET", path, "").want(t, 400)
		var p Problem
		a.into(t, &p)
		if len(p.Errors) == 0 || p.Errors[0].Path != at || p.Errors[0].Message == "" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	a := w.send("", "DELETE", "/api/v1/articles", "")
	a.problem(t, 405, codeMethod)
	if allow := a.Header.Get("Allow"); !strings.Contains(allow, "GET") {
		t.Errorf("Allow: %q", allow)
	}
}

// TestHugeBodyIsRefusedUnread sends the head of a 64 MB request and waits for the
// answer before the body.
func TestHugeBodyIsRefusedUnread(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	w.must(err)
	defer conn.Close()
	w.must(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	fmt.Fprintf(conn, "POST /api/v1/manage/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", w.tokens["edo"], 64<<20)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	w.must(err)
	if res.StatusCode != 413 || !res.Close {
		t.Errorf("%s, close %v", res.Status, res.Close)
	}
	// The same in chunks, without a length: read up to the limit and no further.
	body := &counted{}
	req, err := http.NewRequest("POST", w.http.URL+"/api/v1/manage/documents", body)
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+w.tokens["edo"])
	req.Header.Set("Content-Type", "application/json")
	res, err = http.DefaultTransport.RoundTrip(req)
	if err == nil {
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Errorf("%s", res.Status)
		}
	} // otherwise the server hung up on a writer that went on, which is as good
	if n := body.read(); n > 16<<20 {
		t.Errorf("the server took %d bytes", n)
	}
}

// counted is an endless body that counts what was taken of it, up to 64 MB.
type counted struct {
	mu sync.Mutex
	n  int
}

func (c *counted) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n > 64<<20 {
		return 0, io.EOF
	}
	for i := range b {
		b[i] = ' '
	}
	c.n += len(b)
	return len(b), nil
}

func (c *counted) read() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }

// TestSlowClients: who trickles the head or the body is not waited for.
func TestSlowClients(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.ReadHeader, o.Limits.Read = 150*time.Millisecond, 300*time.Millisecond })
	for name, begin := range map[string]string{
		"head": "GET /api/v1 HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"body": "POST /api/v1/manage/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.tokens["edo"] + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
			w.must(err)
			defer conn.Close()
			_, err = io.WriteString(conn, begin)
			w.must(err)
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						if _, err := io.WriteString(conn, "a"); err != nil {
							return
						}
					}
				}
			}()
			start := time.Now()
			w.must(conn.SetReadDeadline(start.Add(10 * time.Second)))
			data, err := io.ReadAll(conn)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("waited %v (%v)", took, err)
			}
			if name == "body" && !bytes.Contains(data, []byte(codeTimeout)) {
				t.Errorf("%q", data)
			}
		})
	}
}

func TestHugeHeadIsRefused(t *testing.T) {
	w := newWorld(t)
	w.send("", "GET", "/api/v1", "", "X-Long", strings.Repeat("x", 60<<10)).want(t, http.StatusRequestHeaderFieldsTooLarge)
}

// TestPanicSaysNothing: a fault of ours is answered with 500 and a request id, its
// cause goes to the log.
func TestPanicSaysNothing(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(o *Options) { o.Logger = slog.New(slog.NewJSONHandler(&locked{b: &log}, nil)) })
	w.server.mount(&operation{Method: "GET", Route: "/boom", Access: public, Handle: func(*gin.Context) error { panic("secret of the house") }})
	w.server.mount(&operation{Method: "GET", Route: "/bad", Access: open, Handle: func(*gin.Context) error { return fmt.Errorf("secret of the house") }})
	w.server.mount(&operation{Method: "GET", Route: "/half", Access: open, Handle: func(c *gin.Context) error {
		_, _ = c.Writer.Write([]byte("half"))
		panic("in the middle")
	}})
	for _, path := range []string{"/boom", "/bad"} {
		p := w.send("", "GET", path, "").problem(t, 500, "internal_error")
		if strings.Contains(p.Detail, "secret") {
			t.Errorf("%s tells: %+v", path, p)
		}
		if !strings.Contains(log.String(), "secret of the house") || !strings.Contains(log.String(), p.RequestID) {
			t.Errorf("%s: the log does not tell", path)
		}
	}
	// Who looks at a page is told on one.
	w.server.mount(&operation{Method: "GET", Route: "/page", Access: open, Page: true, Handle: func(*gin.Context) error { panic("secret of the house") }})
	w.send("", "GET", "/page", "").problem(t, 500, "internal_error")
	page := w.send("", "GET", "/page", "", "Accept", "text/html", "Accept-Language", "it").want(t, 500)
	if kind := page.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") || !strings.Contains(string(page.body), "internal_error") || strings.Contains(string(page.body), "secret") {
		t.Errorf("%s: %s", kind, page.body)
	}
	req, err := http.NewRequest("GET", w.http.URL+"/half", nil)
	w.must(err)
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Error("half an answer was passed off as whole")
		}
		res.Body.Close()
	}
}

type locked struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// TestLogsKeepSecrets: no token, cookie, query or body reaches the log.
func TestLogsKeepSecrets(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(o *Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&locked{b: &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	v := w.article("edo", "segretissimo-titolo")
	w.send("edo", "PATCH", variantPath(v), `{"fields":{"body":"segretissimo-corpo"}}`, "If-Match", v.ETag).want(t, 200)
	w.send("", "GET", "/api/v1/articles?q=segretissima-ricerca", "").want(t, 200)
	w.send("", "GET", "/api/v1/articles/segretissimo-slug", "").want(t, 404)
	w.send("", "GET", "/segretissimo/percorso", "").want(t, 404)
	w.send("", "GET", "/auth/me", "", "Authorization", "Bearer segretissimo", "Cookie", "prassi_session=segretissimo").want(t, 401)
	text := log.String()
	if strings.Contains(text, "segretissim") || strings.Contains(text, w.tokens["edo"]) {
		t.Errorf("the log tells:\n%s", text)
	}
	for _, want := range []string{`"route":"/api/v1/manage/documents/{id}/variants/{locale}"`, `"status":200`, `"request_id"`, `"document":"` + v.ID, `"ms"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}

func TestCrossOriginReads(t *testing.T) {
	w := newWorld(t)
	w.publish("edo", w.article("edo", "Aperto"))
	a := w.send("", "GET", "/api/v1/articles/aperto", "", "Origin", "https://altrove.example").want(t, 200)
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "ETag") ||
		a.Header.Get("Access-Control-Allow-Credentials") != "" || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("%v", a.Header)
	}
	a = w.send("", "OPTIONS", "/api/v1/articles/aperto", "", "Origin", "https://altrove.example", "Access-Control-Request-Method", "GET",
		"Access-Control-Request-Headers", "if-none-match").want(t, 204)
	if !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "If-None-Match") || !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "GET") {
		t.Errorf("%v", a.Header)
	}
	for _, path := range []string{"/api/v1/manage/documents", "/auth/me", "/status", "/metrics"} {
		if a := w.send("edo", "GET", path, "", "Origin", "https://altrove.example"); a.Header.Get("Access-Control-Allow-Origin") != "" ||
			a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, a.Header)
		}
		w.send("edo", "OPTIONS", path, "", "Origin", "https://altrove.example").problem(t, 405, codeMethod)
	}
}

// TestHealth: the answers to probes are problems in form, good news too.
func TestHealth(t *testing.T) {
	w := newWorld(t)
	a := w.send("", "GET", "/status", "").want(t, 200)
	if a.Header.Get("Content-Type") != "application/problem+json" || a.json(t)["title"] != "OK" || a.json(t)["status"] != 200.0 {
		t.Errorf("%v %s", a.Header, a.body)
	}
	w.send("", "GET", "/readyz", "").want(t, 200)
	metrics := string(w.send("", "GET", "/metrics", "").want(t, 200).body)
	for _, want := range []string{`prassi_http_requests_total{method="GET",route="/status",status="200"} 1`, "prassi_catalog_items 0", "prassi_catalog_lag_events", "go_goroutines", "process_cpu_seconds_total", `prassi_build_info{version="test"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	w.must(w.store.Close())
	w.send("", "GET", "/livez", "").want(t, 200)
	for _, path := range []string{"/status", "/readyz"} {
		if a := w.send("", "GET", path, "").want(t, 503); a.json(t)["status"] != 503.0 || a.Header.Get("Retry-After") == "" {
			t.Errorf("%v %s", a.Header, a.body)
		}
	}
	w.send("edo", "GET", "/api/v1/manage/documents", "").want(t, 503)
	w.send("", "GET", "/api/v1/articles", "").want(t, 200) // public reads touch no store
}

// TestServeStopsInOrder: a request under way is finished, the next is not taken.
func TestServeStopsInOrder(t *testing.T) {
	w := newWorld(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	w.server.mount(&operation{Method: "GET", Route: "/slow", Access: open, Handle: func(c *gin.Context) error {
		close(begun)
		<-finish
		return answerStatus(c, 200, "OK", "OK")
	}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(ctx, l) }()
	answer := make(chan int, 1)
	go func() {
		req, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/slow", nil)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			answer <- 0
			return
		}
		res.Body.Close()
		answer <- res.StatusCode
	}()
	<-begun
	stop()
	for !w.server.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	w.send("", "GET", "/readyz", "").want(t, 503)
	close(finish)
	if got := <-answer; got != 200 {
		t.Errorf("the request under way was answered %d", got)
	}
	w.must(<-done)
	if conn, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
		conn.Close()
		t.Error("connections are still taken")
	}
}

// TestEveryCodeHasItsMessage in every language of the interface.
func TestEveryCodeHasItsMessage(t *testing.T) {
	for _, list := range [][]string{Codes, content.Codes, schemas.IssueCodes, catalog.Codes} {
		for _, code := range list {
			for _, lang := range messages.Languages {
				if messages.Text(lang, code, nil) == code {
					t.Errorf("%s has no message in %s", code, lang)
				}
			}
		}
	}
}

// TestSecurityHeaders of pages: nothing inline, nothing from elsewhere.
func TestSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/docs", "/auth/login", "/problems/stale"} {
		a := w.send("", "GET", path, "", "Accept-Language", "ar").want(t, 200)
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") ||
			a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, a.Header)
		}
		page := string(a.body)
		for _, bad := range []string{"<script", "<style", " style=", "onclick", "src=\"http", "href=\"http"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %s", path, bad)
			}
		}
		if path != "/docs" && !strings.Contains(page, `<html lang="ar" dir="rtl">`) {
			t.Errorf("%s is not in the reader's language: %.200s", path, page)
		}
	}
	if page := string(w.send("", "GET", "/auth/login", "").body); strings.Contains(page, "<Amministratrice>") || !strings.Contains(page, "&lt;Amministratrice&gt;") {
		t.Error("a name was not escaped")
	}
	if page := string(w.send("", "GET", "/docs", "").body); !strings.Contains(page, "createDocument") || !strings.Contains(page, "/api/v1/practices/{slug}") {
		t.Error("the docs lack operations")
	}
}
