package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prassi-cms/prassi/internal/leak"
)

// heard is a request as a receiver had it.
type heard struct {
	id, kind, url string
	body          []byte
	header        http.Header
}

// receiver keeps what it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	list   []heard
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m struct {
		Type string
		Data struct{ URL string }
	}
	if err != nil || json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, heard{req.Header.Get("webhook-id"), m.Type, m.Data.URL, body, req.Header.Clone()})
	w.WriteHeader(r.status)
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) all() []heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]heard(nil), r.list...)
}

// serving starts a server of its own process that trusts a receiver, and gives its
// address.
func serving(t *testing.T, r *receiver, args ...string) (base string, stop func()) {
	t.Helper()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("prassi", append([]string{"serve", "--addr", "127.0.0.1:0", "--outgoing-allow", "127.0.0.1"}, args...)...)
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+roots, "SSL_CERT_DIR="+t.TempDir())
	c.Stderr = leak.Log()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = c.Process.Signal(os.Interrupt); _ = c.Wait() })
	t.Cleanup(stop)
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range linkSaid.FindAllStringSubmatch(string(buf[:n]), -1) {
		leak.Secret(link[1])
	}
	go io.Copy(io.Discard, out)
	return said.FindString(string(buf[:n])), stop
}

// TestWebhooksCommand goes from a new webhook to its end, by commands beside a
// server: what it sends can be verified, is logged, is sent again, and who is
// switched off is written about.
func TestWebhooksCommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewTLSServer(r)
	t.Cleanup(r.Close)
	base, stop := serving(t, r, "--data", data)
	run := func(args ...string) string {
		t.Helper()
		code, out := command(t, append([]string{"webhooks", "--data", data}, args...)...)
		if code != 0 {
			t.Fatalf("%v: %s", args, out)
		}
		return out
	}
	secretOf := func(out string) (id string, v *standardwebhooks.Webhook) {
		t.Helper()
		id, secret, _ := strings.Cut(strings.TrimSpace(out), "\n")
		v, err := standardwebhooks.NewWebhook(leak.Secret(secret))
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		return id, v
	}
	comes := func(n int, kind string) heard {
		t.Helper()
		eventually(t, kind, func() bool { return len(r.all()) >= n })
		last := r.all()[n-1]
		if last.kind != kind {
			t.Fatalf("number %d is %s, want %s", n, last.kind, kind)
		}
		return last
	}
	logged := func(id string, want ...string) {
		t.Helper()
		var out string
		eventually(t, strings.Join(want, " "), func() bool {
			out = run("log", id)
			line := strings.Split(out, "\n")[1]
			for _, w := range want {
				if !strings.Contains(line, w) {
					return false
				}
			}
			return true
		})
	}

	id, first := secretOf(run("create", r.URL+"/hook?key=geheim", "--name", "Portale", "--event", "item.published", "--language", "it"))
	if out := run("list"); !strings.Contains(out, id) || !strings.Contains(out, "active") || !strings.Contains(out, "Portale") || strings.Contains(out, "whsec") {
		t.Errorf("list: %s", out)
	}
	message := strings.TrimSpace(run("ping", id))
	if ping := comes(1, "test.ping"); ping.id != message || first.Verify(ping.body, ping.header) != nil {
		t.Errorf("%s, want %s: %v", ping.id, message, first.Verify(ping.body, ping.header))
	}
	logged(id, "test.ping", "delivered", "204", message)

	if code, out := command(t, "import", "--data", data, "--publish", lines(t, "giro", 1)); code != 0 {
		t.Fatal(out)
	}
	news := comes(2, "item.published")
	if first.Verify(news.body, news.header) != nil || !strings.HasPrefix(news.url, base+"/it/") {
		t.Errorf("%s %v", news.body, first.Verify(news.body, news.header))
	}
	logged(id, "item.published", "delivered", news.id)
	run("replay", id, "--message", news.id)
	if again := comes(3, "item.published"); again.id != news.id {
		t.Errorf("again under another id: %s, %s", again.id, news.id)
	}
	run("replay", id, "--since", "2026-01-01T00:00:00Z")
	comes(4, "item.published")

	same, second := secretOf(run("rotate", id, "--overlap", "1h"))
	run("ping", id)
	if ping := comes(5, "test.ping"); same != id || first.Verify(ping.body, ping.header) != nil || second.Verify(ping.body, ping.header) != nil {
		t.Errorf("both secrets are to be good for an hour: %v, %v", first.Verify(ping.body, ping.header), second.Verify(ping.body, ping.header))
	}

	r.answer(http.StatusGone)
	run("replay", id, "--message", news.id)
	comes(6, "item.published")
	eventually(t, "it is switched off", func() bool { return strings.Contains(run("list"), "disabled (webhook_gone)") })
	if code, out := command(t, "webhooks", "ping", id, "--data", data, "--locale-of-messages", "en"); code == 0 || !strings.Contains(out, "Switch the webhook on first") {
		t.Errorf("%d %s", code, out)
	}
	stop()
	letters(t, data, id)

	run("change", id, "--resume")
	run("change", id, "--pause")
	if out := run("list"); !strings.Contains(out, "paused") {
		t.Errorf("list: %s", out)
	}
	run("end", id)
	if out := run("list"); strings.Contains(out, id) {
		t.Errorf("it has ended: %s", out)
	}
	for _, args := range [][]string{{"log", id}, {"end", id}, {"ping", "aaaaaaaaaaaaaaaa"}} {
		if code, out := command(t, append([]string{"webhooks", "--data", data, "--locale-of-messages", "en"}, args...)...); code == 0 || !strings.Contains(out, "there is no such webhook") {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
	if code, out := command(t, "webhooks", "--data", data, "create", "http://example.org/"); code == 0 {
		t.Errorf("without TLS: %s", out)
	}
}

// letters checks what is written about a webhook that was switched off: to the
// administrators in their language, or else to whom the operator named; once.
func letters(t *testing.T, data, id string) {
	t.Helper()
	b := at(t, data)
	folder := t.TempDir()
	c := &serveCmd{}
	c.Contact, c.Mail, c.From = "redazione@example.org", folder, "prassi@example.org"
	e := &env{ctx: t.Context(), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, cli: &cli{Data: data}}
	write := func() []string {
		t.Helper()
		tasks, err := c.switchedOff(e, b.hooks(), b.auth)
		if err != nil || len(tasks) != 1 {
			t.Fatal(tasks, err)
		}
		if err := tasks[0].Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(text))
		}
		return out
	}
	list := write()
	if len(list) != 1 || !strings.Contains(list[0], "redazione@example.org") || !strings.Contains(list[0], id) || strings.Contains(list[0], "geheim") {
		t.Errorf("%d letters: %s", len(list), list)
	}
	if list = write(); len(list) != 1 {
		t.Errorf("%d letters about one event", len(list))
	}
	if code, out := command(t, "grant", "--data", data, "boss@example.org", "administrator", "--invite", "--name", "Boss"); code != 0 {
		t.Fatal(out)
	}
	to, err := administrators(t.Context(), b.auth)
	if _, known := to["boss@example.org"]; err != nil || len(to) != 1 || !known {
		t.Errorf("%v %v", to, err)
	}
	c.Mail = ""
	if tasks, err := c.switchedOff(e, b.hooks(), b.auth); err != nil || tasks != nil {
		t.Errorf("without a way to send: %v %v", tasks, err)
	}
}
