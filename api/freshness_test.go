package api

import (
	"context"
	"html"
	"io"
	"mime/quotedprintable"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/freshness"
	"github.com/prassi-cms/prassi/internal/browser"
	"github.com/prassi-cms/prassi/internal/leak"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
)

// asking gives the world what asks, with a folder for its messages.
func (w *world) asking() *freshness.Keeper {
	w.t.Helper()
	w.letters = filepath.Join(w.t.TempDir(), "mail")
	sender, err := mail.Open(mail.Config{To: w.letters, From: "prassi@example.org"})
	w.must(err)
	k := freshness.New(freshness.Options{
		Store: w.store, Service: w.service, Auth: w.auth, Sender: sender, PublicURL: "https://prassi.example", Log: leak.Logger(),
	})
	w.must(k.Run(context.Background()))
	return k
}

// daysAgo is a civil day of the past.
func daysAgo(n int) string {
	return time.Now().In(content.Rome).AddDate(0, 0, -n).Format(time.DateOnly)
}

var confirmLink = regexp.MustCompile(`https://prassi\.example(/confirm/[0-9A-Za-z_-]+)`)

// due publishes a service that was confirmed that many days ago, asks for a
// confirmation when it is time, and gives its id and the path of the link.
func (w *world) due(title string, days int, more ...string) (id, path string) {
	w.t.Helper()
	mark := "s" + strings.ReplaceAll(time.Now().Format("150405.000000000"), ".", "")
	address := mark + "@example.org"
	fields := map[string]any{
		"title": title, "summary": "Un aiuto.", "body": "Testo.", "territories": []any{"MI"}, "topics": []any{"housing"}, "assurer_email": address,
		"alert":         "Chiuso il 24 dicembre.",
		"places":        []any{map[string]any{"label": "Centro civico", "address": "Via Roma 40, Prato"}},
		"opening_hours": []any{map[string]any{"days": []any{"monday", "wednesday"}, "opens": "09:30", "closes": "13:00"}, map[string]any{"closed": true, "valid_from": "2026-08-01", "valid_to": "2026-08-31"}},
		"contacts":      []any{map[string]any{"name": "Ufficio", "phone": "+39 0574 000000", "email": "sportello@example.org"}},
		"website":       "https://sportello.example.org",
	}
	variants := []content.IncomingVariant{{Locale: "it", Slug: mark, Fields: fields, Publish: true}}
	for _, locale := range more {
		if locale == secretPlace {
			fields["sensitive"] = true
			continue
		}
		variants = append(variants, content.IncomingVariant{Locale: locale, Fields: map[string]any{"title": "عنوان " + title, "summary": "مساعدة", "body": "نص", "alert": "مغلق يوم 24 ديسمبر."}, Publish: true})
	}
	results, err := w.service.Import(context.Background(), content.System("test"), []content.Incoming{{Type: "service", AssuredDate: daysAgo(days), Variants: variants}}, false)
	w.must(err)
	for _, r := range results {
		if r.Problem != nil {
			w.t.Fatalf("%v %+v", r.Problem, r.Problem.Fields)
		}
	}
	w.catchUp()
	w.must(w.server.freshness.Run(context.Background()))
	entries, err := os.ReadDir(w.letters)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(w.letters, e.Name()))
		w.must(err)
		text, err := io.ReadAll(quotedprintable.NewReader(f))
		w.must(err)
		w.must(f.Close())
		if found := confirmLink.FindStringSubmatch(string(text)); strings.Contains(string(text), "<"+address+">") && found != nil {
			return results[0].Document, leak.Secret(found[1])
		}
	}
	if days > 350 {
		w.t.Fatal("nobody was asked")
	}
	return results[0].Document, ""
}

var asForm = []string{"Content-Type", typeForm, "Accept", "text/html"}

// freshnessExamples calls the operations of freshnessTable.
func freshnessExamples(w *world) map[string]func() []request {
	return map[string]func() []request{
		"showConfirmation": func() []request {
			_, path := w.due("Da guardare", 355)
			return []request{{path: path, status: 200}}
		},
		"answerConfirmation": func() []request {
			_, first := w.due("Da confermare", 355)
			_, second := w.due("Da cambiare", 355)
			return []request{
				{path: first, body: "answer=right", headers: asForm, status: 200},
				{path: second, body: "answer=changed&words=Nuovi+orari", headers: asForm, status: 200},
			}
		},
		"listStale": func() []request {
			w.due("Da vedere", 700)
			return []request{
				{who: "edo", path: managePath + "/freshness?limit=1", status: 200}, {who: "rita", path: managePath + "/freshness?stage=hidden&territory=MI", status: 200},
			}
		},
		"assureDocument": func() []request {
			id, _ := w.due("Da assicurare", 700)
			return []request{{who: "rita", path: managePath + "/documents/" + id + "/assure", body: `{"on":"` + daysAgo(3) + `"}`, status: 200}}
		},
	}
}

// TestConfirmation goes from the message to the public's view and back.
func TestConfirmation(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		id, path := w.due("Sportello <b>casa</b>", 355, "ar")
		version := func() int64 {
			d, err := w.store.Get(context.Background(), id)
			w.must(err)
			return d.Version
		}
		before := version()
		for range 2 {
			a := w.send("", "GET", path, "", "Accept", "text/html", "Accept-Language", "it").want(t, 200)
			if a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Set-Cookie") != "" {
				t.Errorf("headers %v", a.Header)
			}
			for _, want := range []string{
				`<html lang="it" dir="ltr">`, "Sportello &lt;b&gt;casa&lt;/b&gt;", "Chiuso il 24 dicembre.", "Centro civico – Via Roma 40, Prato", "lunedì, mercoledì: 09:30–13:00",
				"Chiuso", "01/08/2026", "0574 000000", "sportello.example.org", "Sì, è tutto giusto", "<textarea",
			} {
				if !strings.Contains(strings.ToLower(string(a.body)), strings.ToLower(want)) {
					t.Errorf("the page lacks %q\n%s", want, a.body)
				}
			}
			if strings.Contains(string(a.body), "<b>casa") || strings.Contains(string(a.body), "<script") {
				t.Errorf("%s", a.body)
			}
		}
		if a := w.send("", "GET", path, "", "Accept", "text/html", "Accept-Language", "ar").want(t, 200); !strings.Contains(string(a.body), `<html lang="ar" dir="rtl">`) || !strings.Contains(string(a.body), "عنوان") {
			t.Errorf("%s", a.body)
		}
		w.send("", "HEAD", path, "").want(t, 200)
		if version() != before {
			t.Error("looking changed the document")
		}

		// A wrong form says so, and shows what was typed.
		long := strings.Repeat("è", freshness.MaxWords) + "<i>"
		for _, words := range []string{"", " ", long} {
			a := w.send("", "POST", path, url.Values{"answer": {"changed"}, "words": {words}}.Encode(), asForm...).want(t, 422)
			if !strings.Contains(string(a.body), `aria-invalid="true"`) || strings.Contains(string(a.body), "<i>") {
				t.Errorf("%s", a.body)
			}
		}
		for _, body := range []string{"", "answer=", "answer=maybe", "answer=right%ZZ", "a=1&b=2&c=3"} {
			if a := w.send("", "POST", path, body, asForm...); a.StatusCode != 400 && a.StatusCode != 422 {
				t.Errorf("%q: %d", body, a.StatusCode)
			}
		}
		w.send("", "POST", path, "answer=right").problem(t, 415, codeMediaType)
		w.send("", "POST", path, "answer=changed&words="+strings.Repeat("%C3%A8", 12*freshness.MaxWords), asForm...).want(t, 413)
		if version() != before {
			t.Error("a wrong form changed the document")
		}

		// What has changed goes to the council; the page is as it was.
		w.send("", "POST", path, url.Values{"answer": {"changed"}, "words": {"La via è un’altra.\nOra è Via Milano 3."}}.Encode(), asForm...).want(t, 200)
		var stale Page[StaleDocument]
		w.send("rita", "GET", managePath+"/freshness?stage=reported", "").want(t, 200).into(t, &stale)
		if len(stale.Items) != 1 || stale.Items[0].ID != id || len(stale.Items[0].Reports) != 1 || stale.Items[0].Reports[0].Words != "La via è un’altra.\nOra è Via Milano 3." ||
			stale.Items[0].State != "due" || stale.Items[0].AssuredOn != daysAgo(355) || len(stale.Items[0].Asked) != 1 || stale.Items[0].Asked[0].As != "assurer" {
			t.Errorf("%+v", stale.Items)
		}
		w.send("tariq", "GET", managePath+"/freshness", "").want(t, 200).into(t, &stale)
		if len(stale.Items) != 0 {
			t.Errorf("a translator is told of %+v", stale.Items)
		}
		for query, status := range map[string]int{"?stage=x": 400, "?territory=XX": 400, "?limit=1000": 400, "?x=1": 400, "": 401} {
			who := map[bool]string{true: "", false: "rita"}[status == 401]
			w.send(who, "GET", managePath+"/freshness"+query, "").want(t, status)
		}

		// Confirming: the public reads it, and the link is used up.
		a := w.send("", "POST", path, "answer=right", append([]string{"Accept-Language", "it"}, asForm...)...).want(t, 200)
		if !strings.Contains(string(a.body), messages.Day("it", time.Now())) {
			t.Errorf("%s", a.body)
		}
		w.catchUp()
		var items struct{ Items []struct{ ID string } }
		w.send("", "GET", "/api/v1/services", "").want(t, 200).into(t, &items)
		d, err := w.store.Get(context.Background(), id)
		w.must(err)
		if d.Assured.On != daysAgo(0) || !strings.HasPrefix(d.Assured.By, "mail:") || len(items.Items) != 1 {
			t.Errorf("%+v, %+v", d.Assured, items)
		}
		for _, method := range []string{"GET", "POST"} {
			p := w.send("", method, path, map[string]string{"POST": "answer=right"}[method], "Content-Type", typeForm).problem(t, 409, "confirm_link_used")
			if !strings.Contains(p.Detail, messages.Day("it", time.Now())) {
				t.Error(p.Detail)
			}
		}
		page := string(w.send("", "GET", path, "", "Accept", "text/html", "Accept-Language", "it").want(t, 409).body)
		if !strings.Contains(page, "Già confermato") || strings.Contains(page, "/auth/") {
			t.Errorf("%s", page)
		}
		w.send("", "GET", path[:len(path)-2]+"AA", "", "Accept", "text/html").want(t, 404)

		// What the day was is told to nobody's log.
		events, err := w.store.Events(context.Background(), 0, 0)
		w.must(err)
		if last := events[len(events)-1]; last.OnBehalfOf == "" || strings.Contains(last.OnBehalfOf, "@") || last.Actor != "system:confirmation" {
			t.Errorf("%+v", last)
		}
	})
}

// Of a shelter the page shows no address, and says why and what to do.
func TestConfirmationOfAShelter(t *testing.T) {
	w := newWorld(t)
	_, path := w.due("Casa rifugio", 355, secretPlace)
	a := w.send("", "GET", path, "", "Accept", "text/html", "Accept-Language", "it").want(t, 200)
	page := string(a.body)
	if strings.Contains(page, "Via Roma 40") || strings.Contains(page, "Centro civico") || !strings.Contains(page, html.EscapeString(messages.Text("it", "confirm_sensitive", nil))) {
		t.Errorf("%s", page)
	}
	_, open := w.due("Sportello", 355)
	if page := string(w.send("", "GET", open, "", "Accept", "text/html", "Accept-Language", "it").want(t, 200).body); strings.Contains(page, html.EscapeString(messages.Text("it", "confirm_sensitive", nil))) {
		t.Errorf("%s", page)
	}
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Set-Cookie": "", "Access-Control-Allow-Origin": ""} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if p := a.Header.Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") || !strings.Contains(p, "form-action 'self'") {
		t.Error(p)
	}
}

// secretPlace, given to due, makes the service a sensitive one.
const secretPlace = "sensitive"

func TestAssure(t *testing.T) {
	w := newWorld(t)
	id, _ := w.due("Sportello", 700)
	path := managePath + "/documents/" + id + "/assure"
	w.send("", "POST", path, `{}`).want(t, 401)
	w.send("carla", "POST", path, `{}`).want(t, 404)
	w.send("rita", "POST", path, `{"on":"2999-01-01"}`).want(t, 422)
	w.send("rita", "POST", path, `{"on":"ieri"}`).want(t, 422)
	w.send("rita", "POST", path, `{"on":"`+daysAgo(701)+`"}`).want(t, 422)
	w.send("rita", "POST", path, `{"x":1}`).want(t, 422)
	w.catchUp()
	var items struct{ Total int }
	w.send("", "GET", "/api/v1/services", "").want(t, 200).into(t, &items)
	if items.Total != 0 {
		t.Error("what is hidden is public")
	}
	var out AssuredDocument
	w.send("rita", "POST", path, `{}`).want(t, 200).into(t, &out)
	if out.AssuredOn != daysAgo(0) || out.DueOn == "" {
		t.Errorf("%+v", out)
	}
	w.catchUp()
	w.send("", "GET", "/api/v1/services", "").want(t, 200).into(t, &items)
	if items.Total != 1 {
		t.Error("what was confirmed is not public")
	}
	article := w.article("edo", "Un articolo")
	w.send("edo", "POST", managePath+"/documents/"+article.ID+"/assure", `{}`).problem(t, 409, "not_assurable")
}

// TestConfirmationInABrowser: on a phone and on a desk, without a script, from left
// to right and from right to left.
func TestConfirmationInABrowser(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"it", "ar"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *Options) { o.Contact = Contact{Email: "aiuto@example.org"} })
			_, path := w.due("Sportello casa e lavoro "+strings.Repeat("lunghissimo", 4), 355, "ar")
			b := browser.Start(t, browser.Options{Locale: locale})
			b.Run(visit, w.http.URL+path, nil)
			seen(t, b, "confirm-"+locale)
			b.Run(`export default async ({page}) => { await page.locator('button[value=changed]').click(); await page.waitForLoadState() }`, nil, nil)
			seen(t, b, "confirm-wrong-"+locale)
			var focus string
			if b.Run(`export default ({page}) => page.evaluate(() => document.activeElement.id)`, nil, &focus); focus != "words" {
				t.Errorf("the page begins at %q", focus)
			}
			b.Problems() // the browser tells of 422
			b.Run(`export default async ({page}) => { await page.locator('#words').fill('La via è un’altra.'); await page.locator('button[value=changed]').click(); await page.waitForLoadState() }`, nil, nil)
			seen(t, b, "confirm-sent-"+locale)
			b.Run(visit, w.http.URL+path, nil)
			b.Run(`export default async ({page}) => { await page.locator('button[value=right]').click(); await page.waitForLoadState() }`, nil, nil)
			seen(t, b, "confirm-done-"+locale)
			var title string
			if b.Run(`export default ({page}) => page.innerText('h1')`, nil, &title); title != messages.Text(locale, "label_confirm_done_title", nil) {
				t.Errorf("it says %q", title)
			}
			b.Run(visit, w.http.URL+path, nil)
			seen(t, b, "confirm-used-"+locale)
			b.Problems()
		})
	}
}
