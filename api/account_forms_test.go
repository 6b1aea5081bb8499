package api

import (
	"context"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// fill sends a form of the account, with its token.
func (b *browsing) fill(path string, fields ...string) answered {
	b.w.t.Helper()
	sent := url.Values{"form_token": {b.formToken(b.get(accountPath))}}
	for i := 0; i+1 < len(fields); i += 2 {
		sent.Set(fields[i], fields[i+1])
	}
	return b.do("POST", path, sent.Encode())
}

// did lists the actions in the chain of a subject.
func (w *world) did(subject string) (out []string) {
	w.t.Helper()
	entries, err := w.ledger.Entries(context.Background(), subject, 0, 100)
	w.must(err)
	for _, e := range entries {
		out = append(out, e.Action)
	}
	return out
}

// tagOf gives the opening tag of the element with an id.
func tagOf(page answered, id string) string {
	return html.UnescapeString(regexp.MustCompile(`<[a-z]+ id="` + id + `"[^>]*>`).FindString(string(page.body)))
}

// TestOwnProfile: a name and a language, by the form and by JSON.
func TestOwnProfile(t *testing.T) {
	w := newWorld(t)
	b := w.as("carla")
	for _, c := range []struct{ name, locale, field, code string }{
		{"", "it", "name", "Compila questo campo."}, {"   ", "it", "name", "Compila questo campo."},
		{strings.Repeat("à", 101), "it", "name", "troppo lungo"}, {"Carla\u202eoiraM", "it", "name", "caratter"},
		{"Carla", "pl", "locale", "lingua non è valida"}, {"Carla", "xx yy", "locale", "lingua non è valida"},
	} {
		a := b.fill(profilePath, "name", c.name, "locale", c.locale).want(t, 422)
		tag := tagOf(a, "profile-"+c.field)
		if !strings.Contains(tag, `aria-invalid="true"`) || !strings.Contains(tag, "autofocus") || !strings.Contains(tag, `aria-describedby="profile-`+c.field+"-error") {
			t.Errorf("%+v: %s", c, tag)
		}
		if !strings.Contains(tagOf(a, "profile-name"), `value="`+c.name+`"`) {
			t.Errorf("%+v: what was typed is lost: %s", c, tagOf(a, "profile-name"))
		}
		said := regexp.MustCompile(`id="profile-` + c.field + `-error">([^<]*)<`).FindSubmatch(a.body)
		if said == nil || !strings.Contains(html.UnescapeString(string(said[1])), c.code) || strings.Count(string(a.body), `class="error"`) != 1 {
			t.Errorf("%+v: said %q", c, said)
		}
	}
	if done := w.did("person:carla"); slices.Contains(done[1:], audit.PersonChanged) {
		t.Errorf("%v", done)
	}
	to := b.fill(profilePath, "name", " Carla <Bianchi> & Ç ", "locale", "fr").want(t, 303).Header.Get("Location")
	page := b.get(to).want(t, 200)
	for _, want := range []string{`<html lang="fr"`, "Carla &lt;Bianchi&gt; &amp; Ç", `role="status"`, `<option value="fr" lang="fr" selected>français`} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("no %s in\n%s", want, page.body)
		}
	}
	if me := b.me(); me.Name != "Carla <Bianchi> & Ç" || me.Locale != "fr" {
		t.Errorf("%+v", me)
	}
	b.fill(profilePath, "name", "Carla <Bianchi> & Ç", "locale", "fr").want(t, 303) // nothing new is no entry
	if done := w.did("person:carla"); len(done) < 2 || done[len(done)-1] != audit.PersonChanged && done[len(done)-2] != audit.PersonChanged {
		t.Errorf("%v", done)
	}
	b.fill(profilePath, "name", "Carla", "locale", "fr", "email", "x@example.org").want(t, 400) // and nothing else
	b.get(accountPath+"?saved=perhaps").want(t, 400)

	// By JSON, for oneself alone.
	mine := managePath + "/people/me"
	who := w.personal("rita")
	w.send(who, "PATCH", mine, `{"name":"Rita","locale":"zh"}`).want(t, 200)
	w.send(who, "PATCH", mine, `{"name":"Rita R."}`).want(t, 200)
	if p, err := w.auth.Person(context.Background(), "rita"); err != nil || p.Name != "Rita R." || p.Locale != "zh" || len(p.Grants) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	w.send(who, "PATCH", mine, `{"locale":"it"}`).problem(t, 422, codeInvalidBody)
	w.send(who, "PATCH", mine, `{"name":""}`).problem(t, 422, "invalid_person")
	w.send(who, "PATCH", mine, `{"name":"Rita","locale":"de"}`).problem(t, 422, codeInvalidBody)
	w.send(who, "PATCH", mine, `{"name":"Rita","grants":[{"role":"administrator"}]}`).problem(t, 422, codeInvalidBody)
	w.send("ada", "PATCH", managePath+"/people/rita", `{"name":"Altra"}`).problem(t, 404, "not_found")
	w.send("ada", "PATCH", mine, `{"name":"Altra"}`).problem(t, 404, "not_found") // a token that is nobody's
}

// TestNameAfterALink: who came in by a link has no name yet, and gives one.
func TestNameAfterALink(t *testing.T) {
	w := newWorldOf(t, nil, undemonstrated)
	path := "/auth/link/" + w.firstLink()
	b := w.browser()
	b.do("POST", path, url.Values{"form_token": {b.formToken(b.get(path))}}.Encode()).want(t, 303)
	if page := b.get(accountPath).want(t, 200); !strings.Contains(string(page.body), `<a href="#profile-name">Persona senza nome</a>`) {
		t.Errorf("%s", page.body)
	}
	b.fill(profilePath, "name", "Anna Bianchi", "locale", "it").want(t, 303)
	if page := b.get(accountPath).want(t, 200); !strings.Contains(string(page.body), "<bdi>Anna Bianchi</bdi>") {
		t.Errorf("%s", page.body)
	}
}

// TestLendInTheAccount: a role goes to whoever gave the code, until the day, and
// comes back.
func TestLendInTheAccount(t *testing.T) {
	w := newWorld(t)
	edo, rita := w.as("edo"), w.as("rita")
	day := func(days int) string { return time.Now().In(content.Rome).AddDate(0, 0, days).Format(time.DateOnly) }
	if page := edo.get(accountPath); !strings.Contains(tagOf(page, "lend-until"), `min="`+day(1)+`" max="`+day(366)+`"`) {
		t.Error(tagOf(page, "lend-until"))
	}
	for _, c := range []struct {
		role, to, until, field string
		status                 int
	}{
		{"editor", "", day(9), "to", 422}, {"editor", "nobody", day(9), "to", 422}, {"editor", "edo", day(9), "to", 422},
		{"editor", "rita", "", "until", 422}, {"editor", "rita", "soon", "until", 422}, {"editor", "rita", day(-1), "until", 422}, {"editor", "rita", day(400), "until", 422},
		{"", "rita", day(9), "role", 422}, {"king", "rita", day(9), "role", 422}, {"administrator", "rita", day(9), "role", 403},
	} {
		a := edo.fill(delegationPath, "role", c.role, "to", c.to, "until", c.until).want(t, c.status)
		if tag := tagOf(a, "lend-"+c.field); !strings.Contains(tag, `aria-invalid="true"`) {
			t.Errorf("%+v: %s", c, tag)
		}
		if !strings.Contains(tagOf(a, "lend-to"), `value="`+c.to+`"`) || !strings.Contains(tagOf(a, "lend-until"), `value="`+c.until+`"`) || strings.Contains(tagOf(a, "profile-name"), "aria-invalid") {
			t.Errorf("%+v: what was typed is lost", c)
		}
	}
	edo.fill(delegationPath, "role", "editor", "to", " person:rita ", "until", day(9)).want(t, 303)
	if page := string(rita.get(accountPath).want(t, 200).body); !strings.Contains(page, "Delega di Edo Editor") || !strings.Contains(page, ">rita</code>") {
		t.Errorf("%s", page)
	}
	// What was lent cannot be lent on.
	if options := string(rita.get(accountPath).body); strings.Contains(options, `<option value="editor"`) || !strings.Contains(options, `<option value="reviewer@015"`) {
		t.Errorf("%s", options)
	}
	back := regexp.MustCompile(`action="(/auth/account/delegations/[^"]+)"`).FindSubmatch(edo.get(accountPath).body)
	if back == nil {
		t.Fatal("there is no way back")
	}
	for range 2 { // twice is as good
		edo.fill(html.UnescapeString(string(back[1]))).want(t, 303)
	}
	if me := rita.me(); len(me.Grants) != 1 {
		t.Errorf("%+v", me)
	}
	if done := strings.Join(w.did("person:rita"), " "); !strings.Contains(done, audit.RoleDelegated+" ") || !strings.HasSuffix(done, audit.DelegationEnded) {
		t.Error(done)
	}
}
