package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// read is a message as a program of mail sees it.
type read struct {
	header netmail.Header
	parts  map[string]string // by media type
}

func parse(t testing.TB, data []byte) read {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	out := read{header: msg.Header, parts: map[string]string{}}
	media, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	decode := func(r io.Reader, encoding string) string {
		if strings.EqualFold(encoding, "quoted-printable") {
			r = quotedprintable.NewReader(r)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	if !strings.HasPrefix(media, "multipart/") {
		out.parts[media] = decode(msg.Body, msg.Header.Get("Content-Transfer-Encoding"))
		return out
	}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		media, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		out.parts[media] = decode(p, p.Header.Get("Content-Transfer-Encoding"))
	}
}

func (r read) subject(t testing.TB) string {
	s, err := new(mime.WordDecoder).DecodeHeader(r.header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files reads all that a folder holds.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func inFolder(t testing.TB, dir string) Sender {
	t.Helper()
	s, err := Open(Config{To: dir, From: "Prassi <prassi@comune.example>", Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "mail")
	s := inFolder(t, dir)
	l := Letter{Locale: "ar", Parts: []Part{
		{Text: "تحقّقوا من المعلومات"}, {Text: "نعم, tutto è giusto", Link: "https://prassi.example/confirm/abc?x=1&y=2"},
		{Text: "Altro:", Items: []Item{{Text: "<b>Sportello</b>", Link: "https://prassi.example/s", Note: "da 20 giorni"}}},
	}}
	m, err := l.Message("ada@example.org", "Sportello “Città” <1>", "k1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the same again replaces itself
		if err := s.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := files(t, dir)
	if len(got) != 1 {
		t.Fatalf("%d files", len(got))
	}
	for name, data := range got {
		if !strings.HasSuffix(name, ".eml") {
			t.Error(name)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		r := parse(t, data)
		for header, want := range map[string]string{
			"To": "<ada@example.org>", "From": `"Prassi" <prassi@comune.example>`, "Auto-Submitted": "auto-generated", "Content-Language": "ar",
			"Message-Id": "<" + id("k1") + "@comune.example>", "Date": noon.Format(time.RFC1123Z), "User-Agent": "", "X-Mailer": "",
		} {
			if r.header.Get(header) != want {
				t.Errorf("%s: %q, want %q", header, r.header.Get(header), want)
			}
		}
		if got := r.subject(t); got != m.Subject {
			t.Errorf("subject %q", got)
		}
		text, html := r.parts["text/plain"], r.parts["text/html"]
		if strings.TrimRight(text, "\n") != strings.TrimRight(m.Text, "\n") || !strings.Contains(text, "\nhttps://prassi.example/confirm/abc?x=1&y=2\n") {
			t.Errorf("text:\n%s", text)
		}
		for _, want := range []string{`lang="ar" dir="rtl"`, "&lt;b&gt;Sportello", `href="https://prassi.example/confirm/abc?x=1&amp;y=2"`} {
			if !strings.Contains(html, want) {
				t.Errorf("no %s in\n%s", want, html)
			}
		}
		if strings.Contains(html, "<b>") || strings.Contains(html, "<img") {
			t.Errorf("html:\n%s", html)
		}
	}
	m.Key = "k2"
	if err := s.Send(context.Background(), m); err != nil || len(files(t, dir)) != 2 {
		t.Errorf("another key: %v, %d files", err, len(files(t, dir)))
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	m.Key = "k3"
	if err := s.Send(ended, m); !errors.Is(err, context.Canceled) || len(files(t, dir)) != 2 {
		t.Errorf("after the end: %v", err)
	}
}

// A folder that cannot be written leaves nothing half done and says so.
func TestFolderFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := inFolder(t, file).Send(context.Background(), Message{To: "a@b.example", Text: "x", Key: "k"}); err == nil {
		t.Error("it was sent into a file")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, id("k")+".eml"), 0o700); err != nil { // the rename fails
		t.Fatal(err)
	}
	if err := inFolder(t, dir).Send(context.Background(), Message{To: "a@b.example", Text: "x", Key: "k"}); err == nil {
		t.Error("it was sent onto a folder")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

// headerLines gives the names of all header fields, as they lie in the file.
func headerLines(data []byte) (names []string) {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	for l := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(l) > 0 && l[0] != ' ' && l[0] != '\t' {
			name, _, _ := bytes.Cut(l, []byte(":"))
			names = append(names, string(name))
		}
	}
	return names
}

var known = map[string]bool{
	"Auto-Submitted": true, "Content-Language": true, "Content-Type": true, "Content-Transfer-Encoding": true, "Date": true, "From": true,
	"MIME-Version": true, "Message-ID": true, "Subject": true, "To": true, "X-Auto-Response-Suppress": true,
}

// Whatever stands in whichever field, no header comes from it.
func TestNoHeaderIsInjected(t *testing.T) {
	dir := t.TempDir()
	good := Message{To: "ada@example.org", Subject: "s", Text: "t", HTML: "<p>t", Locale: "it", Key: "k"}
	for _, end := range []string{"\r\n", "\n", "\r", "\r\n ", "\n\t", "\u2028", "\u0085", "\x00", "%0d%0a", "=?utf-8?q?=0D=0A?="} {
		poison := "x" + end + "Bcc: eve@example.net" + end + end + "body"
		for name, change := range map[string]func(*Message){
			"to":       func(m *Message) { m.To = "ada@example.org" + end + "Bcc: eve@example.net" },
			"to local": func(m *Message) { m.To = "a" + end + "b@example.org" },
			"subject":  func(m *Message) { m.Subject = poison },
			"locale":   func(m *Message) { m.Locale = "it" + end + "Bcc: eve@example.net" },
			"key":      func(m *Message) { m.Key = poison },
			"text":     func(m *Message) { m.Text = poison },
			"html":     func(m *Message) { m.HTML = poison },
		} {
			m := good
			change(&m)
			if err := inFolder(t, dir).Send(context.Background(), m); err != nil {
				if !errors.Is(err, ErrAddress) && !errors.Is(err, ErrMessage) {
					t.Errorf("%s %q: %v", name, end, err)
				}
				continue
			}
			for file, data := range files(t, dir) {
				for _, h := range headerLines(data) {
					if !known[h] {
						t.Errorf("%s %q: the header %q", name, end, h)
					}
				}
				if to := parse(t, data).header.Get("To"); strings.Contains(to, "eve") || strings.Contains(to, "Bcc") {
					t.Errorf("%s %q: to %q", name, end, to)
				}
				if err := os.Remove(filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, cfg := range map[string]Config{
			"from": {To: dir, From: "a@b.example" + end + "Bcc: eve@example.net"}, "from name": {To: dir, From: "x" + end + "Bcc: eve@example.net <a@b.example>"},
		} {
			s, err := Open(cfg)
			if err != nil {
				continue
			}
			if err := s.Send(context.Background(), good); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, data := range files(t, dir) {
				for _, h := range headerLines(data) {
					if !known[h] {
						t.Errorf("%s %q: the header %q", name, end, h)
					}
				}
			}
		}
	}
}

func TestAnySubject(t *testing.T) {
	dir := t.TempDir()
	s := inFolder(t, dir)
	rapid.Check(t, func(r *rapid.T) {
		m := Message{To: "ada@example.org", Subject: rapid.String().Draw(r, "subject"), Text: "t" + rapid.String().Draw(r, "text"), Key: "k"}
		if strings.ContainsRune(m.Text, 0) {
			r.Skip()
		}
		if err := s.Send(context.Background(), m); err != nil {
			r.Fatal(err)
		}
		data := files(t, dir)[id("k")+".eml"]
		for _, h := range headerLines(data) {
			if !known[h] {
				r.Fatalf("the header %q", h)
			}
		}
		if got := parse(t, data).subject(t); got != line(m.Subject) || strings.ContainsAny(got, "\r\n\x00") {
			r.Fatalf("subject %q became %q", m.Subject, got)
		}
	})
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	s := inFolder(t, dir)
	for _, to := range []string{
		"", "x", "a@", "@b", "a b@c", "a@b c", "<a@b.example>", "Ada <a@b.example>", "a@b.example,c@d.example", "a@b.example c@d.example", `"a b"@c.example`,
		"a(x)@b.example", "group: a@b.example;", "è@b.example", "a@bè.example", "a@[127.0.0.1]", "a@b.example\n", " a@b.example", strings.Repeat("a", 250) + "@b.example",
	} {
		if err := s.Send(context.Background(), Message{To: to, Text: "t", Key: "k"}); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", to, err)
		}
	}
	for name, m := range map[string]Message{
		"no key": {Text: "t"}, "long key": {Text: "t", Key: strings.Repeat("k", maxKey+1)}, "no text": {Key: "k", Text: " \n"},
		"long text": {Key: "k", Text: strings.Repeat("x", MaxText+1)}, "long html": {Key: "k", Text: "x", HTML: strings.Repeat("x", MaxText+1)},
		"no utf-8": {Key: "k", Text: "\xff"}, "no utf-8 html": {Key: "k", Text: "t", HTML: "\xff"}, "zero": {Key: "k", Text: "a\x00b"},
	} {
		m.To = "ada@example.org"
		if err := s.Send(context.Background(), m); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("%d files", len(got))
	}
}

func TestOpenRefuses(t *testing.T) {
	if s, err := Open(Config{}); s != nil || err != nil {
		t.Errorf("nothing: %v, %v", s, err)
	}
	for _, to := range []string{
		"http://h", "imap://h", "smtp://", "smtp:///x", "smtp://h/x", "smtp://h#x", "smtp://h?x=1", "smtp://h?tls=on", "smtps://h?tls=off", "smtp://h?tls=off&tls=off",
		"smtp://h:0", "smtp://h:99999", "smtp://h:x", "smtp://u:hush-hush@h", "smtp://u@h", "smtp://h\n",
	} {
		_, err := Open(Config{To: to, From: "a@b.example"})
		if err == nil {
			t.Errorf("%q was opened", to)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", to, err)
		}
	}
	for _, from := range []string{"", "x", "a@", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"} {
		if _, err := Open(Config{To: "smtp://h", From: from}); err == nil {
			t.Errorf("from %q", from)
		}
	}
}

func TestLine(t *testing.T) {
	long := strings.Repeat("è", MaxSubject+50)
	for in, want := range map[string]string{
		"a\r\nb": "a b", " a\t b ": "a b", "": "", "\u2028x": "x", long: strings.Repeat("è", MaxSubject-1) + "…", "\xff": "\uFFFD", "\u2068x\u2069": "\u2068x\u2069",
	} {
		if got := line(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func ExampleLetter() {
	l := Letter{Locale: "en", Parts: []Part{{Text: "Look at this."}, {Text: "It is right", Link: "https://prassi.example/x"}, {Items: []Item{{Text: "one", Note: "old"}}}}}
	fmt.Print(l.PlainText())
	// Output:
	// Look at this.
	//
	// It is right
	// https://prassi.example/x
	//
	// - one
	//   old
}
