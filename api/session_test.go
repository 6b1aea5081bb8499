package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/internal/leak"
)

// login begins a session and gives its cookie.
func (w *world) login(person string) string {
	w.t.Helper()
	a := w.send("", "POST", "/auth/login", `{"person":"`+person+`"}`).want(w.t, 200)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	_, secret, _ := strings.Cut(cookie, "=")
	leak.Secret(secret)
	return cookie
}

func TestDevelopmentLogin(t *testing.T) {
	w := newWorld(t)
	a := w.send("", "POST", "/auth/login", `{"person":"carla"}`).want(t, 200)
	set := a.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "prassi_session=") || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Lax") || strings.Contains(set, "Domain") {
		t.Error("the cookie's attributes")
	}
	cookie := w.login("carla")
	if me := w.send("", "GET", "/auth/me", "", "Cookie", cookie).want(t, 200).json(t); me["id"] != "person:carla" {
		t.Errorf("%v", me)
	}
	w.send("", "POST", "/auth/login", `{"person":"nobody"}`).problem(t, 422, codeInvalidBody)
	w.send("", "POST", "/auth/login", `person=edo&x=1`, "Content-Type", typeForm).problem(t, 400, codeInvalidQuery)
	w.send("", "POST", "/auth/logout", "", "Cookie", cookie).want(t, 200)
	w.send("", "GET", "/auth/me", "", "Cookie", cookie).problem(t, 401, "unauthenticated")
}

// TestChangesByCookieComeFromHere: a page elsewhere cannot use the session.
func TestChangesByCookieComeFromHere(t *testing.T) {
	w := newWorld(t)
	cookie := w.login("edo")
	body := `{"type":"article","locale":"it","fields":{"title":"Da dove?"}}`
	for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		w.send("", "POST", "/api/v1/manage/documents", body, append([]string{"Cookie", cookie}, h...)...).problem(t, 403, codeCrossOrigin)
		w.send("", "POST", "/auth/login", `{"person":"edo"}`, h...).problem(t, 403, codeCrossOrigin)
		w.send("", "POST", "/auth/logout", "", append([]string{"Cookie", cookie}, h...)...).problem(t, 403, codeCrossOrigin)
	}
	w.send("", "POST", "/api/v1/manage/documents", body, "Cookie", cookie, "Sec-Fetch-Site", "same-origin").want(t, 201)
	w.send("", "POST", "/api/v1/manage/documents", body, "Cookie", cookie, "Origin", w.http.URL).want(t, 201)
	// A token is not sent along by a browser, so it may come from anywhere.
	w.send("edo", "POST", "/api/v1/manage/documents", body, "Sec-Fetch-Site", "cross-site").want(t, 201)
	// Who shows a token is not taken for the session's person when it fails.
	w.send("", "GET", "/auth/me", "", "Cookie", cookie, "Authorization", "Bearer nonsense").problem(t, 401, "unauthenticated")
}

// TestLoginIsForThisMachineOnly: the peer, the address reached and the name used
// are all of the loopback, or there is no login.
func TestLoginIsForThisMachineOnly(t *testing.T) {
	w := newWorld(t)
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true, "[::1]": true, "LOCALHOST": true,
		"evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "0.0.0.0": false,
	} {
		status := 403
		if ok {
			status = 200
		}
		w.send("", "GET", "/auth/login", "", "Host", host).want(t, status)
	}
	for _, h := range []string{"X-Forwarded-For", "Forwarded", "Via"} {
		w.send("", "POST", "/auth/login", `{"person":"ada"}`, h, "1.2.3.4").problem(t, 403, codeNotHere)
	}
	for name, c := range map[string]struct{ local, remote string }{
		"listens for all":   {"192.0.2.1:8080", "127.0.0.1:1"},
		"comes from afar":   {"127.0.0.1:8080", "192.0.2.9:1"},
		"unknown addresses": {"", ""},
	} {
		req := httptest.NewRequest("GET", "http://localhost/auth/login", nil)
		req.RemoteAddr = c.remote
		if c.local != "" {
			addr, err := net.ResolveTCPAddr("tcp", c.local)
			w.must(err)
			req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, net.Addr(addr)))
		}
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, req)
		if rec.Code != 403 {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
	// Outside the demonstration there is no such thing; a session is one anywhere.
	w = newWorld(t, func(o *Options) { o.Demo = false })
	secret, _, err := w.auth.StartSession(context.Background(), auth.NewSession{Person: "ada"})
	w.must(err)
	w.send("", "GET", "/auth/me", "", "Cookie", cookieLocal+"="+leak.Secret(secret)).want(t, 200)
	if page := w.send("", "GET", "/auth/login", "").want(t, 200); strings.Contains(string(page.body), "Ada") {
		t.Errorf("%s", page.body)
	}
	w.send("", "POST", "/auth/login", `{"person":"ada"}`).problem(t, 405, codeMethod)
	if doc := string(w.send("", "GET", "/openapi.json", "").body); strings.Contains(doc, "logIn\"") {
		t.Error("the document tells of a login that is not there")
	}
}

func TestUnauthenticated(t *testing.T) {
	w := newWorld(t)
	for _, op := range w.server.operations {
		if op.Access != signed {
			continue
		}
		path := somewhere(op)
		body := ""
		if op.Body != nil {
			body = "{}"
		}
		a := w.send("", op.Method, path, body)
		a.problem(t, 401, "unauthenticated")
		if a.Header.Get("WWW-Authenticate") != `Bearer realm="prassi"` {
			t.Errorf("%s: %q", path, a.Header.Get("WWW-Authenticate"))
		}
		for _, bad := range []string{"Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer prassi_a.b", w.tokens["ada"], "Bearer " + w.tokens["ada"] + "x"} {
			a := w.send("", op.Method, path, body, "Authorization", bad)
			a.problem(t, 401, "unauthenticated")
			if !strings.Contains(a.Header.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("%s: %q", path, a.Header.Get("WWW-Authenticate"))
			}
		}
	}
}

// BenchmarkLogin is a whole login, from the choice of the provider to the session:
// begin, callback, person, session, and their entries in the ledger, on SQLite
// with every commit on the disk, 64 people at once. The provider answers in the
// process and has signed before. 64 logins a second on one core leave 15.6 ms for each.
func BenchmarkLogin(b *testing.B) {
	p := newRogue()
	w := newWorld(b, undemonstrated, withOIDC(b, p.Client(), rogueConfig(p)), func(o *Options) { o.Rates = Rates{Off: true} })
	const people, together = 50, 64
	serve := func(path, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "http://prassi.example"+path, nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, r)
		if rec.Code != http.StatusSeeOther {
			b.Errorf("%s: %d %s", r.URL.Path, rec.Code, rec.Body)
		}
		return rec
	}
	type begun struct{ path, cookie string }
	var spent time.Duration
	n := 0
	b.ResetTimer()
	for n < b.N {
		var all []begun
		for range min(together, b.N-n) {
			start := cpuTime(b)
			rec := serve("/auth/login/rogue?next=/docs", "")
			spent += cpuTime(b) - start
			b.StopTimer()
			back, err := p.Answer(rec.Header().Get("Location"), fmt.Sprintf("person-%d", (n+len(all))%people))
			w.must(err)
			cookie, _, _ := strings.Cut(rec.Header().Get("Set-Cookie"), ";")
			all = append(all, begun{strings.TrimPrefix(back, "http://prassi.example"), cookie})
			b.StartTimer()
		}
		start := cpuTime(b)
		var wait sync.WaitGroup
		for _, x := range all {
			wait.Go(func() { serve(x.path, x.cookie) })
		}
		wait.Wait()
		spent += cpuTime(b) - start
		n += len(all)
	}
	each := float64(spent.Microseconds()) / float64(n)
	b.ReportMetric(each, "cpu-µs/login")
	b.ReportMetric(1e6/each, "logins/cpu-s")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "logins/s")
}

// BenchmarkSessionCheck is what a session adds to a request: the same answer by a
// signed operation with it, and by an open one.
func BenchmarkSessionCheck(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.Rates = Rates{Off: true} })
	secret, _, err := w.auth.StartSession(context.Background(), auth.NewSession{Person: "edo"})
	w.must(err)
	answer := func(c *gin.Context) error { return answerJSON(c, http.StatusOK, LoggedOut{}) }
	ask := func(op *operation) time.Duration {
		op.Route, op.Method = "/bench", http.MethodGet
		if op.Call != nil {
			op.Handle = w.server.signed(op)
		}
		engine := gin.New()
		engine.GET(op.Route, w.server.serve(op))
		r := httptest.NewRequest("GET", "/bench", nil)
		r.Header.Set("Cookie", cookieLocal+"="+secret)
		const turn = 2000
		start := cpuTime(b)
		for range turn {
			rec := recorder{header: http.Header{}}
			if engine.ServeHTTP(&rec, r); rec.status != http.StatusOK {
				b.Fatalf("status %d", rec.status)
			}
		}
		return (cpuTime(b) - start) / turn
	}
	var added []time.Duration
	for b.Loop() {
		with := ask(&operation{Access: signed, Needs: byCaller, Call: func(c *call) error { return answer(c.Context) }})
		added = append(added, with-ask(&operation{Access: open, Handle: answer}))
	}
	slices.Sort(added)
	b.ReportMetric(float64(added[len(added)/2].Nanoseconds())/1000, "added-µs")
}
