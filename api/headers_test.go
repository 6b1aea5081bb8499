package api

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// inline is what a page must not hold: scripts, styles and handlers of its own.
var inline = regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<base|http-equiv`)

// TestEveryAnswerIsProtected calls every operation and looks at the headers of
// what comes back, successes and problems alike.
func TestEveryAnswerIsProtected(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	w.fill()
	calls := examples(t, w)
	for _, op := range w.server.operations {
		make := calls[op.ID]
		if make == nil {
			continue // TestEveryOperation says so
		}
		t.Run(op.ID, func(t *testing.T) {
			for _, r := range make() {
				if r.status < http.StatusInternalServerError {
					protected(t, op, w.send(r.who, op.Method, r.path, r.body, r.headers...).want(t, r.status))
				}
			}
			protected(t, op, w.send("", op.Method, op.Route, "", "Accept-Encoding", "identity;q=0, *;q=0")) // hardly a success
		})
	}
	for _, path := range []string{"/docs/nowhere", "/embed/no/where", "/api/v1/nowhere"} {
		protected(t, &operation{}, w.send("", "GET", path, "").want(t, 404))
	}
	protected(t, &operation{}, w.send("", "TRACE", "/docs", "").want(t, 405))
}

// protected holds the headers of an answer against what its operation is for.
func protected(t *testing.T, op *operation, a answered) {
	t.Helper()
	h := a.Header
	want := func(name, value string) {
		t.Helper()
		if got := h.Values(name); len(got) != 1 || got[0] != value {
			t.Errorf("%s %s: %d: %s is %q, want %q", op.Method, a.Request.URL, a.StatusCode, name, got, value)
		}
	}
	want("X-Content-Type-Options", "nosniff")
	csp := h.Get("Content-Security-Policy")
	if len(h.Values("Content-Security-Policy")) != 1 || !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s: policy %q", a.Request.URL, csp)
	}
	if framed := strings.HasPrefix(op.Route, "/embed/"); !framed && !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("%s may be put into a frame: %q", a.Request.URL, csp)
	}
	if h.Get("Strict-Transport-Security") != "" {
		t.Errorf("%s: HSTS without TLS", a.Request.URL)
	}
	if op.Access == public {
		want("Cross-Origin-Resource-Policy", "cross-origin")
		if classOf(op) != classEmbed { // a page: scripts of others have the data
			want("Access-Control-Allow-Origin", "*")
		}
	} else {
		want("Cross-Origin-Resource-Policy", "same-origin")
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: any origin may read it", a.Request.URL)
		}
	}
	if h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
		t.Errorf("%s: %v", a.Request.URL, h)
	}
	if !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		return
	}
	look := classOf(op) == classPreview
	for _, part := range []string{"base-uri 'none'", "form-action '", "require-trusted-types-for 'script'"} {
		// The site's map is Leaflet, which writes HTML of its own.
		if !strings.Contains(csp, part) && !(look && strings.HasPrefix(part, "require-trusted-types")) {
			t.Errorf("%s: the policy lacks %s: %q", a.Request.URL, part, csp)
		}
	}
	want("Cross-Origin-Opener-Policy", "same-origin")
	want("Referrer-Policy", map[bool]string{true: "no-referrer", false: "same-origin"}[classOf(op) == classSecret || look])
	want("Permissions-Policy", map[bool]string{true: asksHere.value[0], false: permissions}[classOf(op) == classWorkshop])
	if found := inline.Find(a.body); found != nil {
		t.Errorf("%s holds %q", a.Request.URL, found)
	}
}

// TestClassesAreComplete: a class without headers would protect nothing.
func TestClassesAreComplete(t *testing.T) {
	for c := classData; c <= classEmbed; c++ {
		names := map[string]string{}
		for _, h := range classHeaders[c] {
			if h.name != http.CanonicalHeaderKey(h.name) || len(h.value) != 1 || h.value[0] == "" {
				t.Errorf("class %d: %+v", c, h)
			}
			if names[h.name] != "" {
				t.Errorf("class %d: %s twice", c, h.name)
			}
			names[h.name] = h.value[0]
		}
		csp := names["Content-Security-Policy"]
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || names["X-Content-Type-Options"] == "" ||
			(c == classEmbed) == strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("class %d: %v", c, names)
		}
		if c == classMedia && !strings.HasSuffix(csp, "; sandbox") {
			t.Errorf("uploaded files run: %q", csp)
		}
	}
	ok := func() *operation {
		return &operation{Method: "GET", Route: "/x", ID: "x", Summary: "x", Tag: "x", Answers: []answer{{Status: 200}}, Handle: root}
	}
	op := ok()
	if err := checkTable([]*operation{op}); err != nil {
		t.Fatal(err)
	}
	if op.Class = classEmbed; checkTable([]*operation{op}) == nil {
		t.Error("anything may be put into a frame")
	}
}

// TestHSTS: told behind TLS, whoever ends it; never on a stranger's word.
func TestHSTS(t *testing.T) {
	w := newWorld(t)
	if a := w.send("", "GET", "/docs", "", "X-Forwarded-Proto", "https", "Forwarded", "proto=https"); a.Header.Get("Strict-Transport-Security") != "" {
		t.Error("a stranger's word was taken")
	}
	w = newWorld(t, func(o *Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for _, path := range []string{"/docs", "/api/v1/articles", "/nowhere", "/auth/me"} {
		if a := w.send("", "GET", path, "", "X-Forwarded-Proto", "https"); a.Header.Get("Strict-Transport-Security") != transport {
			t.Errorf("%s behind a proxy: %v", path, a.Header)
		}
		if a := w.send("", "GET", path, "", "X-Forwarded-Proto", "http"); a.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s without TLS: %v", path, a.Header)
		}
	}
	w = newWorld(t, func(o *Options) { o.PublicURL = "https://prassi.example" })
	for _, path := range []string{"/docs", "/api/v1/articles", "/nowhere", "/auth/me"} {
		if a := w.send("", "GET", path, ""); a.Header.Get("Strict-Transport-Security") != transport {
			t.Errorf("%s, public address: %v", path, a.Header)
		}
	}
}

// TestMetricsAreForOperators: to everybody else they are not there.
func TestMetricsAreForOperators(t *testing.T) {
	w := newWorld(t)
	w.send("", "GET", "/metrics", "").want(t, 200)
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via"} { // through a proxy that nobody trusts: anybody
		w.send("", "GET", "/metrics", "", name, "127.0.0.1").problem(t, 404, "not_found")
	}
	w = newWorld(t, func(o *Options) {
		o.Proxies, o.Metrics = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	})
	w.send("", "GET", "/metrics", "", "X-Forwarded-For", "10.1.2.3").want(t, 200)
	w.send("", "GET", "/metrics", "", "X-Forwarded-For", "10.1.2.3, 10.2.0.1").problem(t, 404, "not_found")
	w.send("", "GET", "/metrics", "", "X-Forwarded-For", "198.51.100.7").problem(t, 404, "not_found")
	w.send("", "GET", "/metrics", "").problem(t, 404, "not_found") // this machine is not on the list
}

// TestNothingSplitsAHeader: line ends in whatever we put into headers make no new
// header and no second answer.
func TestNothingSplitsAHeader(t *testing.T) {
	w := newWorld(t)
	w.fill()
	const bad = "%0d%0aX-Split:%20yes%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0aX-Split:%20yes%0d%0a%0d%0a"
	const hostile = "\r\nX-Split: yes\r\n\r\n"
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	check := func(a answered) {
		t.Helper()
		if a.Header.Get("X-Split") != "" || strings.Contains(string(a.body), "HTTP/1.1 200 OK") {
			t.Errorf("%s: %v\n%.300s", a.Request.URL, a.Header, a.body)
		}
		for name, values := range a.Header {
			if strings.ContainsAny(strings.Join(values, "")+name, "\r\n\x00") {
				t.Errorf("%s: %s holds a line end: %q", a.Request.URL, name, values)
			}
		}
	}
	for _, path := range []string{
		"/api/v1/articles/" + bad, "/api/v1/articles?locale=it" + bad, "/api/v1/articles?cursor=" + bad, "/problems/" + bad, "/" + bad, "/auth/login?next=/" + bad,
		"/schemas/" + bad, "/api/v1/manage/documents/" + bad, "/api/v1/manage/documents/" + bad + "/variants/" + bad,
	} {
		for _, who := range []string{"", "edo"} {
			check(w.send(who, "GET", path, ""))
		}
	}
	for _, next := range []string{"/" + bad, bad, "/docs" + bad, "//evil.example" + bad, "/%5C" + bad} {
		a := w.send("", "POST", "/auth/login", "person=edo&next="+next, form...)
		check(a)
		if to := a.Header.Get("Location"); a.StatusCode == 303 && !strings.HasPrefix(to, "/") || strings.Contains(to, "evil") {
			t.Errorf("after login to %q", to)
		}
	}
	check(w.send("", "POST", "/auth/login", `{"person":`+quote("edo"+hostile)+`}`))
	check(w.send("edo", "POST", "/api/v1/manage/documents", `{"type":"article","locale":"it","slug":`+quote("a"+hostile)+`,"fields":{"title":"x"}}`))
	v := w.article("edo", "Titolo\u2028con righe")
	check(w.send("edo", "GET", variantPath(v), "", "Accept-Language", "it;q=1, *"))
}

// TestNothingIsWrittenRaw is the same without a client's care: header values as
// they come on a raw connection are not repeated.
func TestNothingIsWrittenRaw(t *testing.T) {
	w := newWorld(t)
	for _, head := range []string{
		"GET /api/v1 HTTP/1.1\r\nHost: x\r\nAccept-Language: it\r\nIf-None-Match: \"a\rX-Split: yes\"\r\n",
		"GET /auth/login?next=/a\rX-Split:yes HTTP/1.1\r\nHost: x\r\n",
		"GET / HTTP/1.1\r\nHost: x\rX-Split: yes\r\n",
	} {
		conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
		w.must(err)
		text := talk(t, conn, head+"Connection: close\r\n\r\n")
		if strings.Contains(text, "X-Split") {
			t.Errorf("%q\n%s", head, text)
		}
	}
}
