package feeds_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/outgoing"
)

// hub is a WebSub hub (W3C Recommendation of 23 January 2018): it verifies what a
// subscriber asks for (section 5.3), fetches a topic when its publisher says that
// it changed, and distributes it with a signature (section 7).
type hub struct {
	t      *testing.T
	server *httptest.Server
	client *http.Client
	down   atomic.Bool

	mu          sync.Mutex
	subscribers map[string]map[string]string // topic → callback → secret
	last        map[string]string            // topic → content
	told        []string
}

func newHub(t *testing.T) *hub {
	h := &hub{t: t, client: &http.Client{Timeout: 5 * time.Second}, subscribers: map[string]map[string]string{}, last: map[string]string{}}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.down.Load() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		http.Error(w, "a form by POST", http.StatusBadRequest)
		return
	}
	switch r.PostForm.Get("hub.mode") {
	case "subscribe":
		go h.verify(r.PostForm)
	case "publish":
		urls := r.PostForm["hub.url"]
		h.mu.Lock()
		h.told = append(h.told, urls...)
		h.mu.Unlock()
		for _, u := range urls {
			h.distribute(u)
		}
	default:
		http.Error(w, "hub.mode", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// verify asks the callback whether it really wants this (section 5.3.1).
func (h *hub) verify(form url.Values) {
	callback, err := url.Parse(form.Get("hub.callback"))
	if err != nil {
		return
	}
	challenge := rand.Text()
	q := callback.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.topic", form.Get("hub.topic"))
	q.Set("hub.challenge", challenge)
	q.Set("hub.lease_seconds", "864000")
	asked := *callback
	asked.RawQuery = q.Encode()
	res, err := h.client.Get(asked.String())
	if err != nil {
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode/100 != 2 || string(body) != challenge {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	topic := form.Get("hub.topic")
	if h.subscribers[topic] == nil {
		h.subscribers[topic] = map[string]string{}
	}
	h.subscribers[topic][callback.String()] = form.Get("hub.secret")
}

// distribute fetches a topic and sends it to those who asked, if it is new.
func (h *hub) distribute(topic string) {
	h.mu.Lock()
	to := h.subscribers[topic]
	h.mu.Unlock()
	if len(to) == 0 {
		return
	}
	res, err := h.client.Get(topic)
	if err != nil {
		h.t.Error(err)
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	h.mu.Lock()
	seen := h.last[topic] == string(body)
	h.last[topic] = string(body)
	h.mu.Unlock()
	if seen {
		return
	}
	for callback, secret := range to {
		req, _ := http.NewRequest(http.MethodPost, callback, strings.NewReader(string(body)))
		req.Header.Set("Content-Type", res.Header.Get("Content-Type"))
		req.Header.Add("Link", fmt.Sprintf("<%s>; rel=hub, <%s>; rel=self", h.server.URL, topic))
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		req.Header.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		res, err := h.client.Do(req)
		if err != nil {
			h.t.Error(err)
			continue
		}
		res.Body.Close()
	}
}

// takeTold gives what the hub was told since it was asked last.
func (h *hub) takeTold() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.told
	h.told = nil
	slices.Sort(out)
	return out
}

// subscribe makes a subscriber: it finds hub and topic in the feed (section 4) and
// asks. What it is sent comes out of the channel.
func subscribe(t *testing.T, feed string) <-chan string {
	t.Helper()
	res, err := http.Get(feed)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	link := func(rel string) string {
		_, rest, _ := strings.Cut(string(body), `rel="`+rel+`"`)
		_, rest, _ = strings.Cut(rest, `href="`)
		address, _, _ := strings.Cut(rest, `"`)
		return address
	}
	hubURL, topic := link("hub"), link("self")
	if hubURL == "" || topic != feed {
		t.Fatalf("the feed %s names the hub %q and itself %q", feed, hubURL, topic)
	}
	got, verified, secret := make(chan string, 10), make(chan bool, 1), rand.Text()
	callback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if q := r.URL.Query(); q.Get("hub.mode") == "subscribe" && q.Get("hub.topic") == topic {
				_, _ = io.WriteString(w, q.Get("hub.challenge"))
				verified <- true
			}
			return
		}
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if r.Header.Get("X-Hub-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
			t.Error("a wrong signature")
		}
		got <- string(body)
	}))
	t.Cleanup(callback.Close)
	res, err = http.PostForm(hubURL, url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {callback.URL + "/?id=1"}, "hub.secret": {secret}})
	if err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatal(res, err)
	}
	res.Body.Close()
	select {
	case <-verified:
	case <-time.After(20 * time.Second):
		t.Fatal("the hub did not verify")
	}
	time.Sleep(200 * time.Millisecond) // the hub notes it after our answer
	return got
}

// published serves the feeds of a world.
func (w *world) published() {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		name, format, _ := strings.Cut(parts[len(parts)-1], ".")
		q := feeds.Query{Locale: parts[1], Collection: name}
		if len(parts) == 5 && parts[2] == "territories" {
			q.Territory = parts[3]
		}
		doc, _, _, err := w.source.Feed(q, feeds.Format(format))
		if err != nil {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", feeds.Format(format).Media())
		_, _ = rw.Write(doc)
	}))
	w.t.Cleanup(server.Close)
	w.source.Base = server.URL
}

func local() *http.Client {
	return outgoing.New(outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true})
}

// TestWebSub: a subscriber of a feed is sent the new one when something is
// published, and when it is withdrawn; the hub is told of the feeds that changed
// and of no other.
func TestWebSub(t *testing.T) {
	w, h, ctx := newWorld(t).filled(), newHub(t), context.Background()
	w.published()
	w.source.Hub = h.server.URL
	file := filepath.Join(t.TempDir(), "websub.json")
	p := feeds.NewPinger(w.source, local(), file)
	w.must(p.Round(ctx))
	if told := h.takeTold(); len(told) != 0 {
		t.Errorf("told at the start: %q", told)
	}
	got := subscribe(t, w.source.Base+"/feeds/it/news.atom")

	w.publish(doc{typ: "news", locale: "it", slug: "nuova", at: "2026-11-20", fields: values{"title": "Appena uscita", "territories": []any{"PO"}}})
	w.must(p.Round(ctx))
	select {
	case feed := <-got:
		if !strings.Contains(feed, "Appena uscita") {
			t.Errorf("sent an old feed: %s", feed)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the subscriber was sent nothing")
	}
	var want []string
	for _, at := range []string{"all", "news", "territories/09/all", "territories/09/news", "territories/100/all", "territories/100/news"} {
		for _, f := range feeds.Formats {
			want = append(want, w.source.Base+"/feeds/it/"+at+"."+string(f))
		}
	}
	slices.Sort(want)
	if told := h.takeTold(); !slices.Equal(told, want) {
		t.Errorf("told of\n%s\nnot of\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	w.must(p.Round(ctx))
	if told := h.takeTold(); len(told) != 0 {
		t.Errorf("told again: %q", told)
	}

	// The hub is away; meanwhile two things happen, of which it is told once.
	h.down.Store(true)
	w.withdraw("news", "nuova", "it")
	if err := p.Round(ctx); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("no error: %v", err)
	}
	w.must(p.Round(ctx)) // not before its time
	w.publish(doc{typ: "article", locale: "ar", slug: "maqal"})
	h.down.Store(false)

	// Another process goes on where this one died.
	p = feeds.NewPinger(w.source, local(), file)
	w.must(p.Round(ctx))
	told := h.takeTold()
	if !slices.Contains(told, w.source.Base+"/feeds/it/territories/100/news.rss") || !slices.Contains(told, w.source.Base+"/feeds/ar/articles.json") {
		t.Errorf("told of %q", told)
	}
	if slices.Contains(told, w.source.Base+"/feeds/it/articles.rss") {
		t.Errorf("told of what did not change: %q", told)
	}
	select {
	case feed := <-got:
		if strings.Contains(feed, "Appena uscita") {
			t.Error("what was withdrawn is still there")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the subscriber was not sent the withdrawal")
	}

	// An organisation has another name: what shows it changed, though no item did.
	w.publish(doc{typ: "organization", locale: "it", slug: "orti-insieme", fields: values{"title": "Orti per tutti"}})
	w.must(p.Round(ctx))
	if told := h.takeTold(); !slices.Contains(told, w.source.Base+"/feeds/it/news.atom") || slices.Contains(told, w.source.Base+"/feeds/ar/news.atom") {
		t.Errorf("told of %q", told)
	}
	// The last of a language leaves: its feeds are empty.
	w.withdraw("articles", "maqal", "ar")
	w.withdraw("news", "akhbar", "ar")
	w.must(p.Round(ctx))
	if told := h.takeTold(); !slices.Contains(told, w.source.Base+"/feeds/ar/all.json") {
		t.Errorf("told of %q", told)
	}
	w.must(p.Round(ctx))
	if told := h.takeTold(); len(told) != 0 {
		t.Errorf("told again: %q", told)
	}
}

// TestCheckHub: only the address of a web server is one of a hub.
func TestCheckHub(t *testing.T) {
	for _, good := range []string{"https://hub.example/", "http://localhost:8080/hub?x=1"} {
		if err := feeds.CheckHub(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "hub", "ftp://hub.example/", "https://", "https://me:secret@hub.example/", "javascript:alert(1)"} {
		if feeds.CheckHub(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
