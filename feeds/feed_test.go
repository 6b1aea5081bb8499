package feeds_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/feeds"
)

// TestContent: an item comes with its text, whose addresses mean the same anywhere.
func TestContent(t *testing.T) {
	w := newWorld(t).filled()
	w.source.MediaBase = "https://media.example"
	type entry struct {
		ID, URL, Title string
		HTML           string `json:"content_html"`
		Published      string `json:"date_published"`
		Tags           []string
		Authors        []struct{ Name string }
	}
	var feed struct {
		Items []entry
		Hubs  []struct{ Type, URL string }
	}
	w.must(json.Unmarshal(w.feed(feeds.Query{Locale: "it", Collection: "news"}, feeds.JSON), &feed))
	it := feed.Items[0]
	for _, want := range []string{
		`href="https://integrazione.example/it/pages/flussi"`, `href="https://integrazione.example/it/news/decreto-flussi/#s-uno"`,
		`src="https://media.example/media/0198/x.png"`, `a &lt; b &amp;&amp; c`,
	} {
		if !strings.Contains(it.HTML, want) {
			t.Errorf("the text lacks %s: %s", want, it.HTML)
		}
	}
	if it.URL != "https://integrazione.example/it/news/decreto-flussi/" || it.Published != "2026-11-02T00:00:00Z" || it.Authors[0].Name != "Orti & Insieme <ODV>" ||
		!slices.Contains(it.Tags, "Prato") || !strings.HasPrefix(it.ID, "urn:uuid:") || feed.Hubs[0].URL != "https://hub.example/" {
		t.Errorf("%+v", it)
	}
	feed.Items = nil
	w.must(json.Unmarshal(w.feed(feeds.Query{Locale: "it", Collection: "events"}, feeds.JSON), &feed))
	if i := slices.IndexFunc(feed.Items, func(x entry) bool {
		return x.Title == "Corso di tre giorni"
	}); i < 0 || !strings.HasPrefix(feed.Items[i].HTML, "<p>Inizio: 10/12/2026. Fine: 12/12/2026.</p>") {
		t.Errorf("an event does not say when: %v", feed.Items)
	}
}

// TestIdentity: an item keeps its identifier whatever becomes of its slug, its title
// or the site's address, and has another one in another language.
func TestIdentity(t *testing.T) {
	w := newWorld(t)
	w.publish(doc{typ: "news", locale: "it", slug: "prima", fields: values{"deadlines": []any{values{"label": "Domande", "to": "2026-12-31"}}}})
	id := func() string {
		return regexp.MustCompile(`<entry><id>([^<]*)`).FindStringSubmatch(string(w.feed(feeds.Query{Locale: "it", Collection: "news"}, feeds.Atom)))[1]
	}
	line := func(name string) string {
		return regexp.MustCompile(`(?m)^BEGIN:VEVENT(?:.*\r\n)(?:.*\r\n)*?` + name + `:(.*)\r`).FindStringSubmatch(string(w.calendar(feeds.Query{Locale: "it", Collection: feeds.Deadlines})))[1]
	}
	// Of nothing but the document and the language, so of no slug either.
	entry := w.catalog.Get("news", "prima", "it").Entry
	if want := "urn:uuid:" + uuid.NewSHA1(uuid.MustParse(entry.ID()), []byte("it")).String(); id() != want {
		t.Errorf("it is %s, not %s", id(), want)
	}
	was, uid, sequence := id(), line("UID"), line("SEQUENCE")
	w.source.Base = "https://altrove.example"
	time.Sleep(1100 * time.Millisecond) // a change in a later second
	w.publish(doc{typ: "news", locale: "it", slug: "prima", fields: values{"title": "Un altro titolo", "deadlines": []any{values{"label": "Domande", "to": "2027-01-31"}}}})
	if id() != was || line("UID") != uid {
		t.Errorf("it was %s, %s and is %s, %s", was, uid, id(), line("UID"))
	}
	if now := line("SEQUENCE"); len(now) < len(sequence) || now <= sequence {
		t.Errorf("SEQUENCE was %s and is %s", sequence, now)
	}
	if now := line("DTSTART;VALUE=DATE"); now != "20270131" {
		t.Errorf("the deadline is on %s", now)
	}
}

// TestCalendarLines: days and times are written as programs understand them.
func TestCalendarLines(t *testing.T) {
	w := newWorld(t).filled()
	all := string(w.calendar(feeds.Query{Locale: "it", Collection: "events"})) + string(w.calendar(feeds.Query{Locale: "it", Collection: feeds.Deadlines}))
	all = strings.ReplaceAll(all, "\r\n ", "")
	for _, want := range []string{
		"DTSTART;TZID=Europe/Rome:20261205T180000\r\nDTEND;TZID=Europe/Rome:20261205T233000\r\nSUMMARY;LANGUAGE=it:Festa dei popoli\\; musica\\, cibo\r\n",
		"DTSTART;VALUE=DATE:20261210\r\nDTEND;VALUE=DATE:20261213\r\n", // the day after the last
		"DTSTART;TZID=Europe/Rome:20270328T013000\r\nDTEND;TZID=Europe/Rome:20270328T033000\r\n",
		"STATUS:CANCELLED", "LOCATION;LANGUAGE=it:Palazzo\\, sala 1\\, Via Roma 1\r\nGEO:43.880000;11.100000\r\n",
		"CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://example.org/diretta?a=1&b=2\r\n",
		"DTSTART;TZID=Europe/Rome:20261231T235900\r\nSUMMARY;LANGUAGE=it:Domande\\, prima parte\\; \\\\ e altro · Decreto flussi: si parte\r\n",
		"DTSTART;VALUE=DATE:20270115\r\nDTEND;VALUE=DATE:20270116\r\nSUMMARY;LANGUAGE=it:Ricorsi · ",
		"URL:https://integrazione.example/it/events/festa/\r\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("there is no %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "Passata") {
		t.Error("what is long past is still there")
	}
}

// TestWithdrawn: what was withdrawn is nowhere any more, and what took the place of
// other news calls its deadlines off.
func TestWithdrawn(t *testing.T) {
	w := newWorld(t).filled()
	q := feeds.Query{Locale: "it", Collection: "events"}
	if !bytes.Contains(w.calendar(q), []byte("Festa dei popoli")) {
		t.Fatal("it is not there at all")
	}
	_, tag, _, _ := w.source.Calendar(q)
	w.withdraw("events", "festa", "it")
	out, now, _, _ := w.source.Calendar(q)
	if bytes.Contains(out, []byte("Festa dei popoli")) || tag == now {
		t.Error("what was withdrawn is still in the calendar")
	}
	for _, f := range feeds.Formats {
		if bytes.Contains(w.feed(feeds.Query{Locale: "it", Collection: feeds.All}, f), []byte("Festa dei popoli")) {
			t.Errorf("what was withdrawn is still in %s", f)
		}
	}
	w.publish(doc{typ: "news", locale: "it", slug: "nuovo-decreto"})
	w.publish(doc{typ: "news", locale: "it", slug: "decreto-flussi", fields: values{
		"deadlines": []any{values{"label": "Domande", "to": "2026-12-31"}}, "superseded_by": "nuovo-decreto",
	}})
	if out := w.calendar(feeds.Query{Locale: "it", Collection: feeds.Deadlines}); !bytes.Contains(out, []byte("STATUS:CANCELLED")) {
		t.Errorf("the deadline still holds:\n%s", out)
	}
}

// TestPages: from the first page one comes to every item once (RFC 5005, section 3),
// and a static site, which has no other page, names none.
func TestPages(t *testing.T) {
	w := newWorld(t)
	w.many(120)
	var seen []string
	q := feeds.Query{Locale: "it", Collection: "news"}
	for range 4 {
		var feed struct {
			Titles []string `xml:"channel>item>title"`
			Links  []struct {
				Rel  string `xml:"rel,attr"`
				Href string `xml:"href,attr"`
			} `xml:"http://www.w3.org/2005/Atom channel>link"`
		}
		w.must(xml.Unmarshal(w.feed(q, feeds.RSS), &feed))
		seen = append(seen, feed.Titles...)
		_, next, ok := strings.Cut(string(w.feed(q, feeds.RSS)), `rel="next" href="https://integrazione.example/feeds/it/news.rss?cursor=`)
		if !ok {
			break
		}
		q.Cursor, _, _ = strings.Cut(next, `"`)
	}
	if len(seen) != 120 || !slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(b, a) }) || len(slices.Compact(seen)) != 120 {
		t.Errorf("%d items: %q", len(seen), seen)
	}
	w.source.Paged = false
	if doc := w.feed(feeds.Query{Locale: "it", Collection: "news"}, feeds.Atom); bytes.Contains(doc, []byte("cursor=")) {
		t.Error("a static site leads to a page that it has not")
	}
}

// TestTag: the tag changes when the bytes do, and not otherwise.
func TestTag(t *testing.T) {
	w := newWorld(t).filled()
	rapid.Check(t, func(rt *rapid.T) {
		q := feeds.Query{Locale: rapid.SampledFrom([]string{"it", "ar"}).Draw(rt, "locale"), Collection: rapid.SampledFrom(w.source.Collections()).Draw(rt, "collection")}
		if rapid.Bool().Draw(rt, "narrow") {
			q.Territory = "PO"
		}
		f := rapid.SampledFrom(feeds.Formats).Draw(rt, "format")
		doc, tag, modified, err := w.source.Feed(q, f)
		again, same, then, _ := w.source.Feed(q, f)
		if err != nil || !bytes.Equal(doc, again) || tag != same || !modified.Equal(then) {
			rt.Fatalf("not the same again: %v", err)
		}
		other := *w.source
		other.Hub = "https://" + rapid.StringMatching(`[a-z]{3}`).Draw(rt, "hub") + ".example/"
		changed, otherTag, _, _ := other.Feed(q, f)
		if bytes.Equal(doc, changed) == (tag != otherTag) {
			rt.Fatalf("bytes and tag do not change together")
		}
	})
}

// TestNoSuchFeed: what there is no feed of is not found.
func TestNoSuchFeed(t *testing.T) {
	w := newWorld(t)
	for _, q := range []feeds.Query{
		{}, {Locale: "it"}, {Locale: "it", Collection: "services"}, {Locale: "tlh", Collection: "news"}, {Locale: "it", Collection: "news", Territory: "XX"},
		{Locale: "it", Collection: "news", Topic: "niente"}, {Locale: "it", Collection: feeds.Deadlines},
	} {
		if _, err := w.source.Find(q); content.AsProblem(err) == nil || content.AsProblem(err).Class != content.NotFound {
			t.Errorf("%v: %v", q, err)
		}
	}
	if _, err := w.source.FindCalendar(feeds.Query{Locale: "it", Collection: "news"}); err == nil {
		t.Error("news have a calendar")
	}
	c, err := w.source.Find(feeds.Query{Locale: "zh", Collection: "news", Territory: "po"})
	if err != nil || fmt.Sprint(c.Query) != "{zh-Hans news 100  }" {
		t.Errorf("%v %v", c, err)
	}
}
