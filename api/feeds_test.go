package api

import (
	"bytes"
	"image/png"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/internal/feedcheck"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/card"
)

// painter draws the cards of the tests. It reads what make build makes.
var painter = sync.OnceValues(func() (*card.Painter, error) { return card.New(os.DirFS("../site/dist")) })

// TestFeeds: feeds over HTTP: the right media types, validators that hold, links to
// the hub, and what validators call right.
func TestFeeds(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.PublicURL = "https://prassi.example"
		o.Feeds = &feeds.Source{Hub: "https://hub.example/", Name: schemas.Text{"it": "Integrazione"}}
	})
	w.fill()
	check := feedcheck.Start(t)
	for _, at := range []string{"all", "news", "territories/MI/articles", "topics/" + w.topic() + "/practices", "events"} {
		for _, f := range feeds.Formats {
			a := w.send("", "GET", "/feeds/it/"+at+"."+string(f), "").want(t, 200)
			check.Valid(string(f), a.body)
			h := a.Header
			if h.Get("Content-Type") != f.Media() || h.Get("Content-Language") != "it" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", at, h)
			}
			if link := h.Get("Link"); !strings.HasPrefix(link, `<https://hub.example/>; rel="hub", <https://prassi.example/feeds/it/`) || !strings.HasSuffix(link, `>; rel="self"`) {
				t.Errorf("%s: Link: %s", at, link)
			}
			for _, header := range [][2]string{{"If-None-Match", h.Get("ETag")}, {"If-Modified-Since", h.Get("Last-Modified")}} {
				if b := w.send("", "GET", "/feeds/it/"+at+"."+string(f), "", header[0], header[1]).want(t, 304); len(b.body) > 0 {
					t.Errorf("%s: a body with 304", at)
				}
			}
			packed := w.send("", "GET", "/feeds/it/"+at+"."+string(f), "", "Accept-Encoding", "gzip").want(t, 200)
			if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("ETag") == h.Get("ETag") {
				t.Errorf("%s: %v", at, packed.Header)
			}
		}
	}
	for _, at := range []string{"events", "deadlines", "territories/015/events", "topics/" + w.topic() + "/deadlines"} {
		a := w.send("", "GET", "/feeds/it/"+at+".ics", "").want(t, 200)
		check.Valid("ics", a.body)
		if a.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || a.Header.Get("Link") != "" {
			t.Errorf("%s: %v", at, a.Header)
		}
		w.send("", "GET", "/feeds/it/"+at+".ics", "", "If-None-Match", a.Header.Get("ETag")).want(t, 304)
	}
	for _, path := range []string{
		"/feeds/it/news", "/feeds/it/news.xml", "/feeds/it/news.ics", "/feeds/it/pages.rss", "/feeds/it/deadlines.rss", "/feeds/xx/news.rss", "/feeds/it/.rss",
		"/feeds/it/territories/999/news.rss", "/feeds/it/topics/nessuno/news.rss", "/feeds/it/news.rss?territory=XX", "/feeds/it/news.rss/", "/feeds/it/territories/MI/", "/feeds/it/..%2Fnews.rss",
	} {
		w.send("", "GET", path, "").problem(t, 404, "not_found")
	}
	w.send("", "GET", "/feeds/it/news.rss?cursor=x", "").problem(t, 400, "invalid_cursor")
	w.send("", "GET", "/feeds/it/news.rss?q=x", "").problem(t, 400, codeInvalidQuery)
	w.send("", "GET", "/feeds/it/news.rss", "", "Accept-Encoding", "identity;q=0, *;q=0").problem(t, 406, codeNotAcceptable)
}

// TestFeedAfterWithdrawal: whoever asks by date alone is told of a withdrawal too,
// though no newer item tells of it.
func TestFeedAfterWithdrawal(t *testing.T) {
	w := newWorld(t)
	w.fill()
	const path = "/feeds/it/news.rss"
	before := w.send("", "GET", path, "").want(t, 200)
	time.Sleep(1100 * time.Millisecond) // dates are in whole seconds
	id := w.catalog.Get("news", sampleSlug("news"), "it").Entry.ID()
	_, err := w.service.Transition(t.Context(), content.System("test"), id, "it", "*", content.Step{Name: "withdraw", Comment: "prova"})
	w.must(err)
	w.catchUp()
	after := w.send("", "GET", path, "", "If-Modified-Since", before.Header.Get("Last-Modified")).want(t, 200)
	if bytes.Contains(after.body, []byte("Campione news it")) || after.Header.Get("ETag") == before.Header.Get("ETag") {
		t.Error("what was withdrawn is still there")
	}
}

// topic is a term that the samples have.
func (w *world) topic() string {
	t, _ := w.server.schemas.Type("news")
	f, _ := t.Field("topics")
	return f.Terms()[0].ID
}

// TestCards: a picture for each item, in each language that its page is in.
func TestCards(t *testing.T) {
	w := newWorld(t)
	w.fill()
	at := "/cards/it/news/" + sampleSlug("news") + ".png"
	a := w.send("", "GET", at, "").want(t, 200)
	img, err := png.DecodeConfig(bytes.NewReader(a.body))
	if err != nil || img.Width != card.Width || img.Height != card.Height || a.Header.Get("Content-Type") != "image/png" || len(a.body) > 30<<10 {
		t.Errorf("%v %v %d %v", img, err, len(a.body), a.Header)
	}
	w.send("", "GET", at, "", "If-None-Match", a.Header.Get("ETag")).want(t, 304)
	if b := w.send("", "GET", at, "", "Accept-Encoding", "br").want(t, 200); b.Header.Get("Content-Encoding") != "" || !bytes.Equal(a.body, b.body) {
		t.Error("a picture is packed once more")
	}
	arabic := w.send("", "GET", "/cards/ar/news/"+sampleSlug("news")+".png", "").want(t, 200)
	if bytes.Equal(arabic.body, a.body) {
		t.Error("the Arabic picture is the Italian one")
	}
	w.send("", "GET", "/cards/fr/news/"+sampleSlug("news")+".png", "").want(t, 200) // in another language, as the page is
	for _, path := range []string{"/cards/it/news/nessuno.png", "/cards/it/news/" + sampleSlug("news"), "/cards/xx/news/x.png", "/cards/it/nulla/x.png", "/cards/it/news/.png"} {
		w.send("", "GET", path, "").problem(t, 404, "not_found")
	}
}
