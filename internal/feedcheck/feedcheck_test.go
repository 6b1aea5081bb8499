package feedcheck

import (
	"strings"
	"testing"
)

const (
	atom = `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="it"><id>urn:uuid:1</id><title>t</title><updated>2026-01-01T00:00:00Z</updated><author><name>n</name></author>` +
		`<link rel="self" href="https://x.example/a"/><entry><id>urn:uuid:2</id><title>uno</title><updated>2026-01-01T00:00:00Z</updated><link href="https://x.example/"/><content type="html">&lt;p&gt;</content></entry></feed>`
	rss = `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>t</title><link>https://x.example/</link><description>d</description>` +
		`<atom:link rel="self" href="https://x.example/r"/><item><title>uno</title><link>https://x.example/1</link><guid isPermaLink="false">1</guid><pubDate>Thu, 01 Jan 2026 00:00:00 GMT</pubDate></item></channel></rss>`
	feed     = `{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","title":"uno","content_text":"x","date_published":"2026-01-01T00:00:00Z"}]}`
	calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nDTEND:20260102T000000Z\r\nSUMMARY:uno\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)

// TestChecker: what is right is let through, and each thing that is wrong is found:
// a checker that nods at everything would be worth nothing.
func TestChecker(t *testing.T) {
	c := Start(t)
	for format, doc := range map[string]string{"atom": atom, "rss": rss, "json": feed, "ics": calendar} {
		if titles := c.Valid(format, []byte(doc)); len(titles) != 1 || titles[0] != "uno" {
			t.Errorf("%s: %q", format, titles)
		}
	}
	for _, wrong := range []struct{ format, doc, was, is string }{
		{"atom", atom, "<id>urn:uuid:1</id>", ""},
		{"atom", atom, "<author><name>n</name></author>", ""},
		{"atom", atom, "2026-01-01T00:00:00Z", "1 gennaio"},
		{"atom", atom, ` rel="self"`, ""},
		{"atom", atom, "urn:uuid:2", "urn:uuid:1"},
		{"atom", atom, "<title>t</title>", "<title>t</title><title>u</title>"},
		{"atom", atom, "&lt;p&gt;", `&lt;a href="/x"&gt;`},
		{"atom", atom, "&lt;p&gt;", `&lt;script&gt;`},
		{"atom", atom, "</feed>", ""},
		{"atom", atom, "uno", "u\x01no"},
		{"rss", rss, `version="2.0"`, `version="3.0"`},
		{"rss", rss, "<description>d</description>", ""},
		{"rss", rss, "Thu, 01 Jan 2026", "2026-01-01"},
		{"rss", rss, "https://x.example/1", "/1"},
		{"rss", rss, "</channel>", "<item><title>due</title><link>https://x.example/2</link><guid>1</guid></item></channel>"},
		{"json", feed, "version/1.1", "version/1"},
		{"json", feed, `"content_text":"x",`, ""},
		{"json", feed, "2026-01-01T00:00:00Z", "ieri"},
		{"json", feed, `"id":"1",`, `"id":"1","altro":1,`},
		{"ics", calendar, "UID:1\r\n", ""},
		{"ics", calendar, "DTSTAMP:20260101T000000Z\r\n", ""},
		{"ics", calendar, "\r\n", "\n"},
		{"ics", calendar, "SUMMARY:uno", "SUMMARY:" + strings.Repeat("è", 40)},
		{"ics", calendar, "20260102T000000Z", "20250102T000000Z"},
		{"ics", calendar, "DTSTART:20260101T000000Z", "DTSTART:20260101T000000"},
		{"ics", calendar, "DTSTART:20260101T000000Z", "DTSTART;TZID=Europe/Rome:20260101T000000"},
		{"ics", calendar, "END:VEVENT", "STATUS:FORSE\r\nEND:VEVENT"},
		{"ics", calendar, "END:VEVENT\r\n", ""},
	} {
		doc := strings.Replace(wrong.doc, wrong.was, wrong.is, 1)
		if wrong.was == "\r\n" {
			doc = strings.ReplaceAll(wrong.doc, wrong.was, wrong.is)
		}
		if doc == wrong.doc {
			t.Fatalf("nothing was changed: %q", wrong.was)
		}
		if faults, _ := c.Check(wrong.format, []byte(doc)); len(faults) == 0 {
			t.Errorf("%s: nobody objects to %q in place of %q", wrong.format, wrong.is, wrong.was)
		}
	}
}
