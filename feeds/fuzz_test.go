package feeds

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"github.com/prassi-cms/prassi/schemas"
)

// FuzzFeed: whatever an item holds, each format stays one document with one item,
// whose title is one line.
func FuzzFeed(f *testing.F) {
	f.Add("titolo", "riassunto", "<p>testo</p>", "etichetta", "it")
	f.Add("]]></title><item>", "<script>", `<a href="/x">]]>`, "a\r\nEND:VEVENT\r\nBEGIN:VEVENT", "ar")
	f.Add("\u202Eabc\x00\x1b", `\n;,\\":`, "\xff\xfe<img src=x:y srcset='a 1x, b 2x'>", strings.Repeat("漢🎉", 100), "it\r\nX:1")
	f.Add("uno\u2028due\u0085tre", "\r", "<a href=javascript:alert(1)>", "\u2066", "zh-Hans")
	f.Fuzz(func(t *testing.T, title, summary, body, label, locale string) {
		if l, ok := schemas.Default().Locale(locale); ok { // locales come from a closed list
			locale = l.Tag
		} else {
			locale = "it"
		}
		at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		it := &item{
			document: document{ID: "01970000-0000-7000-8000-000000000001", Locale: locale, Title: plain(title), Summary: lines(summary), PublishedAt: at,
				Topics: []term{{"lavoro", plain(label)}}, Territories: []territory{{"100", label}}},
			Page: "https://x.example/it/news/uno/", UUID: "1", Updated: at, Author: plain(label),
			Body: absolute(body, "https://x.example/it/news/uno/", "https://media.example"),
		}
		if strings.ContainsAny(it.Title, "\r\n\x00\u2028\u202E") {
			t.Errorf("the title is %q", it.Title)
		}
		v := &view{ID: "urn:uuid:2", Title: plain(title), About: plain(summary), Locale: locale, Home: "https://x.example/", Self: "https://x.example/f", Site: plain(label), Updated: at, Items: []*item{it}}
		for name, write := range map[string]func([]byte, *view) ([]byte, error){"item": appendRSS, "entry": appendAtom} {
			doc, err := write(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			items, decoder := 0, xml.NewDecoder(bytes.NewReader(doc))
			for {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%v\n%s", err, doc)
				}
				if s, ok := token.(xml.StartElement); ok && s.Name.Local == name {
					items++
				}
			}
			if items != 1 {
				t.Errorf("%d items\n%s", items, doc)
			}
		}
		doc, err := appendJSON(nil, v)
		var tree struct{ Items []struct{ Title string } }
		if err != nil || json.Unmarshal(doc, &tree) != nil || len(tree.Items) != 1 || tree.Items[0].Title != it.Title {
			t.Errorf("%v\n%s", err, doc)
		}
	})
}

// FuzzCalendar: whatever an item holds, a calendar has one event, in lines that are
// no longer than they may be.
func FuzzCalendar(f *testing.F) {
	f.Add("titolo", "riassunto", "etichetta", "2026-12-05T18:00", "2026-12-05T23:30")
	f.Add("]]></title><item>", "<script>", "a\r\nEND:VEVENT\r\nBEGIN:VEVENT", "2026-12-05", "2026-12-05")
	f.Add("\u202Eabc\x00\x1b", `\n;,\\":`, strings.Repeat("漢🎉", 100), "x", "9999-99-99")
	f.Add("uno\u2028due\u0085tre", "\r", "\u2066", "2027-03-28T02:30", "")
	events, _ := schemas.Default().Type("event")
	f.Fuzz(func(t *testing.T, title, summary, label, from, to string) {
		at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		it := &item{
			document: document{ID: "01970000-0000-7000-8000-000000000001", Locale: "it", Title: plain(title), Summary: lines(summary), PublishedAt: at,
				Topics: []term{{"lavoro", plain(label)}}, Territories: []territory{{"100", label}}},
			Page: "https://x.example/it/events/uno/", UUID: "1", Updated: at, Author: plain(label),
		}
		sp := span{Label: plain(label), From: from, To: to}
		if _, _, ok := moment(sp.start(false)); !ok {
			return
		}
		w := &ical{b: []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n")}
		s := &Source{Schemas: schemas.Default()}
		s.event(w, &occasion{item: it, span: sp, typ: events, uid: "1", modified: at, due: len(label)%2 == 0})
		w.line("END", "VCALENDAR")
		for line := range strings.SplitSeq(strings.TrimSuffix(string(w.b), "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("line %q", line)
			}
		}
		calendar, err := ics.ParseCalendar(bytes.NewReader(w.b))
		if err != nil || len(calendar.Events()) != 1 {
			t.Errorf("%v\n%s", err, w.b)
		}
	})
}
