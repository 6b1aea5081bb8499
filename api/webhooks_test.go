package api

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/webhooks"
)

// hearer is a receiver that keeps whether what it got was signed.
type hearer struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	secret string
	good   []string // types of messages whose signature is right
	bad    int
}

func newHearer(t testing.TB) *hearer {
	h := &hearer{status: 200}
	h.Server = httptest.NewTLSServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hearer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body := make([]byte, 4096)
	n, _ := r.Body.Read(body)
	v, err := standardwebhooks.NewWebhook(h.secret)
	if err != nil || v.Verify(body[:n], r.Header) != nil {
		h.bad++
	} else {
		kind, _, _ := strings.Cut(strings.TrimPrefix(string(body[:n]), `{"type":"`), `"`)
		h.good = append(h.good, kind)
	}
	w.WriteHeader(h.status)
}

func (h *hearer) set(status int, secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.secret = status, secret
}

// hooking makes what tells other systems, on this machine too.
func (w *world) hooking() *webhooks.Hooks {
	roots := x509.NewCertPool()
	one := httptest.NewTLSServer(nil)
	roots.AddCert(one.Certificate()) // all of them have the same
	one.Close()
	return webhooks.New(webhooks.Options{
		Ledger: w.ledger, Log: w.store, Catalog: w.catalog, Schemas: w.service.Schemas(), Logger: leak.Logger(),
		Outgoing: outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots},
	})
}

// serveHooks sends until the test ends.
func (w *world) serveHooks() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.server.webhooks.Run(ctx) }()
	w.t.Cleanup(func() { stop(); <-done })
}

const webhooksAt = "/api/v1/manage/webhooks"

// hook makes a webhook.
func (w *world) hook(name, url string) webhooks.Subscription {
	w.t.Helper()
	s, key, err := w.server.webhooks.Create(context.Background(), content.System("test"), webhooks.Wish{Name: &name, URL: &url})
	w.must(err)
	leak.Secret(key.Reveal())
	return s
}

// webhookExamples calls the operations of webhooksTable.
func webhookExamples(w *world) map[string]func() []request {
	at := func(path string) string {
		return webhooksAt + "/" + w.hook("Prova", "https://example.org/hook").ID + path
	}
	one := func(method, path, body string, status int) func() []request {
		return func() []request { return []request{{who: "ada", path: at(path), body: body, status: status}} }
	}
	return map[string]func() []request{
		"listWebhooks": func() []request {
			w.hook("Uno", "https://example.org/")
			return []request{{who: "ada", path: webhooksAt + "?limit=1", status: 200}}
		},
		"createWebhook": func() []request {
			return []request{{who: "ada", path: webhooksAt, status: 201,
				body: `{"name":"Portale","url":"https://example.org/hook","events":["item.published"],"collections":["news"],"locales":["it"],"territories":["MI"],"topics":["housing"]}`}}
		},
		"getWebhook":          one("GET", "", "", 200),
		"changeWebhook":       one("PATCH", "", `{"name":"Altro","state":"paused","events":[]}`, 200),
		"endWebhook":          one("DELETE", "", "", 204),
		"rotateWebhookSecret": one("POST", "/secret", `{"overlap_hours":1}`, 200),
		"listWebhookDeliveries": func() []request {
			return []request{{who: "ada", path: at("/deliveries"), status: 200}, {who: "ada", path: at("/deliveries?outcome=failed&limit=5"), status: 200}}
		},
		"replayWebhook": one("POST", "/replay", `{"since":"2026-01-01T00:00:00Z"}`, 202),
		"pingWebhook":   one("POST", "/ping", "", 202),
	}
}

// webhookAsks are the rows of the matrix of permissions.
func webhookAsks() map[string][]ask {
	on := []situation{
		never("aaaaaaaaaaaaaaaa"),
		{kind: "webhook", name: "there", make: func(s *stage, _ *caller) thing {
			mark := "webhook" + s.next()
			w := s.hook(mark, "https://example.org/"+mark)
			return thing{id: w.ID, params: map[string]string{"id": w.ID}, version: s.record("webhook", w.ID), marks: []string{mark}}
		}},
	}
	for i := range on {
		on[i].kind = "webhook"
	}
	const one = webhooksAt + "/{id}"
	return map[string][]ask{
		"GET " + webhooksAt:  {{}},
		"POST " + webhooksAt: {{body: fixed(`{"name":"x","url":"https://example.org/"}`)}},
		"GET " + one:         {{on: on}},
		"PATCH " + one: {{on: on, body: func(s *stage, _ thing, _ *caller) string {
			return `{"name":"Nome ` + s.next() + `"}`
		}}},
		"DELETE " + one:              {{on: on}},
		"POST " + one + "/secret":    {{on: on, body: fixed(`{}`)}},
		"GET " + one + "/deliveries": {{on: on}},
		"POST " + one + "/replay":    {{on: on, body: fixed(`{"since":"2026-01-01T00:00:00Z"}`)}},
		"POST " + one + "/ping":      {{on: on}},
	}
}

// TestWebhooks goes over HTTP from a new webhook to its end, with a real receiver.
func TestWebhooks(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		w.serveHooks()
		h := newHearer(t)
		var made CreatedWebhook
		a := w.send("ada", "POST", webhooksAt, `{"name":"Portale","url":"`+h.URL+`/hook","territories":["MI"]}`).want(t, 201)
		a.into(t, &made)
		self := webhooksAt + "/" + made.ID
		if a.Header.Get("Location") != self || !strings.HasPrefix(made.Secret, "whsec_") || made.State != "active" || made.Territories[0] != "015" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%+v %v", made.Webhook, a.Header)
		}
		h.set(200, leak.Secret(made.Secret))
		for _, path := range []string{self, webhooksAt} {
			if a := w.send("ada", "GET", path, "").want(t, 200); strings.Contains(string(a.body), "whsec") || strings.Contains(string(a.body), made.Secret[6:]) {
				t.Errorf("a secret is shown again: %s", a.body)
			}
		}
		heard := func(want string) {
			t.Helper()
			for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				h.mu.Lock()
				got, bad := strings.Join(h.good, " "), h.bad
				h.mu.Unlock()
				if bad > 0 {
					t.Fatalf("%d with a wrong signature", bad)
				}
				if got == want {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("heard %q, want %q", got, want)
				}
			}
		}
		w.send("ada", "POST", self+"/ping", "").want(t, 202)
		heard("test.ping")
		v := w.publish("edo", w.article("edo", "Una casa"))
		w.must(w.server.webhooks.CatchUp(context.Background()))
		heard("test.ping item.published")
		var log Page[WebhookDelivery]
		for deadline := time.Now().Add(60 * time.Second); len(log.Items) < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			w.send("ada", "GET", self+"/deliveries", "").want(t, 200).into(t, &log)
		}
		if len(log.Items) != 2 || log.Items[0].Document != v.ID || log.Items[0].Outcome != "delivered" || log.Items[0].Attempts[0].Status != 200 {
			t.Fatalf("%+v", log)
		}
		// A new secret, the old one over at once; then again what was sent.
		var turned CreatedWebhook
		w.send("ada", "POST", self+"/secret", `{"overlap_hours":0}`).want(t, 200).into(t, &turned)
		if turned.Secret == made.Secret || !turned.OverlapEnds.IsZero() {
			t.Error("the secret is the same")
		}
		h.set(200, leak.Secret(turned.Secret))
		for _, body := range []string{`{"delivery":"` + log.Items[0].ID + `"}`, `{"document":"` + v.ID + `"}`} {
			a := w.send("ada", "POST", self+"/replay", body).want(t, 202)
			if string(a.body) != "{\"messages\":1}\n" && string(a.body) != `{"messages":1}` {
				t.Errorf("%s", a.body)
			}
			heard("test.ping item.published item.published" + map[bool]string{true: " item.published"}[strings.Contains(body, "document")])
		}
		// Faults, in the caller's language.
		p := w.send("ada", "POST", webhooksAt, `{"name":"","url":"http://127.0.0.1/","events":["x"]}`, "Accept-Language", "it").problem(t, 422, webhooks.CodeInvalid)
		if len(p.Errors) != 3 || !strings.Contains(p.Errors[1].Message, "https") {
			t.Errorf("%+v", p.Errors)
		}
		w.send("ada", "POST", self+"/replay", `{}`).problem(t, 422, webhooks.CodeReplayWhat)
		w.send("ada", "POST", self+"/replay", `{"since":"ieri"}`).problem(t, 422, codeInvalidBody)
		w.send("ada", "POST", self+"/replay", `{"document":"01a200c0-1521-7515-b00f-f6551e24acaf"}`).problem(t, 404, webhooks.CodeReplayNone)
		w.send("ada", "PATCH", self, `{"state":"disabled"}`).problem(t, 422, codeInvalidBody)
		w.send("ada", "GET", self+"/deliveries?outcome=maybe", "").problem(t, 400, codeInvalidQuery)
		w.send("ada", "GET", webhooksAt+"/aaaaaaaaaaaaaaaa", "").problem(t, 404, "not_found")
		figures := string(w.send("", "GET", "/metrics", "").want(t, 200).body)
		for _, want := range []string{`prassi_webhooks_attempts_total{outcome="delivered"} 4`, `prassi_webhooks_attempts_total{outcome="failed"} 0`, "prassi_webhooks_waiting 0", "prassi_webhooks_behind_seconds 0"} {
			if !strings.Contains(figures, want+"\n") {
				t.Errorf("the metrics lack %s", want)
			}
		}
		// A receiver that wants no more.
		h.set(410, turned.Secret)
		w.send("ada", "POST", self+"/replay", `{"document":"`+v.ID+`"}`).want(t, 202)
		var now Webhook
		for deadline := time.Now().Add(60 * time.Second); now.State != "disabled" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			w.send("ada", "GET", self, "", "Accept-Language", "it").want(t, 200).into(t, &now)
		}
		if now.Reason != webhooks.CodeGone || !strings.Contains(now.Message, "410") {
			t.Errorf("%+v", now)
		}
		w.send("ada", "POST", self+"/ping", "").problem(t, 409, webhooks.CodeInactive)
		now = Webhook{}
		w.send("ada", "PATCH", self, `{"state":"active","territories":[]}`).want(t, 200).into(t, &now)
		if now.State != "active" || now.Reason != "" || len(now.Territories) != 0 || now.Name != "Portale" {
			t.Errorf("%+v", now)
		}
		w.send("ada", "DELETE", self, "").want(t, 204)
		w.send("ada", "GET", self, "").problem(t, 404, "not_found")
		w.send("ada", "DELETE", self, "").problem(t, 404, "not_found")
		w.send("edo", "GET", webhooksAt, "").problem(t, 403, "forbidden")
		audit := string(w.send("ada", "GET", managePath+"/audit?subject=webhook:"+made.ID, "").want(t, 200).body)
		for _, want := range []string{"webhook_made", "webhook_rotated", "webhook_disabled", "webhook_changed", "webhook_ended"} {
			if !strings.Contains(audit, want) {
				t.Errorf("the log does not tell of %s", want)
			}
		}
	})
}
