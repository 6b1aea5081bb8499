package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
)

const managePath = "/api/v1/manage"

// personalLife is how long the tokens of personal live: longer than the tests
// lend a role for, as nothing that is lent by a token outlives it.
const personalLife = 60 * 24 * time.Hour

// personal makes a token with which the person acts as themselves, with these
// roles or all that they have, and gives the name under which send knows it.
func (w *world) personal(id string, roles ...string) string {
	w.t.Helper()
	p, err := w.auth.Person(context.Background(), id)
	w.must(err)
	var grants []content.Grant
	for _, g := range p.Grants {
		if len(roles) == 0 || slices.Contains(roles, g.String()) {
			grants = append(grants, content.Grant{Role: g.Role, Scope: g.Scope})
		}
	}
	secret, t, err := w.auth.CreateToken(context.Background(), content.System("test"), auth.NewToken{Person: id, Grants: grants, Life: personalLife})
	w.must(err)
	w.tokens[t.ID] = leak.Secret(secret)
	return t.ID
}

// session signs a person in and gives the header that says so.
func (w *world) session(id string) []string {
	w.t.Helper()
	secret, _, err := w.auth.StartSession(context.Background(), auth.NewSession{Person: id, Agent: "Firefox", Address: "192.0.2.7"})
	w.must(err)
	return []string{"Cookie", cookieLocal + "=" + leak.Secret(secret)}
}

// invited invites somebody through the API.
func (w *world) invited(name string, roles ...string) Person {
	w.t.Helper()
	body := `{"name":` + quote(name) + `,"roles":[`
	for i, r := range roles {
		body += strings.Repeat(",", min(i, 1)) + `{"role":` + quote(r) + `}`
	}
	var p Person
	w.send("ada", "POST", managePath+"/people", body+"]}").want(w.t, 201).into(w.t, &p)
	return p
}

// accessExamples calls the operations of accessTable.
func accessExamples(w *world) map[string]func() []request {
	const m = managePath
	one := func(r request) func() []request { return func() []request { return []request{r} } }
	token := func(body string) CreatedToken {
		var made CreatedToken
		w.send("ada", "POST", m+"/tokens", body).want(w.t, 201).into(w.t, &made)
		leak.Secret(made.Secret)
		return made
	}
	return map[string]func() []request{
		"listPeople": one(request{who: "edo", path: m + "/people?limit=2", status: 200}),
		"invitePerson": one(request{who: "ada", path: m + "/people", status: 201,
			body: `{"name":"Nuova","email":"nuova@example.org","locale":"fr","roles":[{"role":"contributor@orti"},{"role":"reviewer@PO","until":"2099-01-01"}]}`}),
		"getPerson": func() []request {
			return []request{{who: "ada", path: m + "/people/" + w.invited("Tizia", "editor").ID, status: 200}, {who: "edo", path: m + "/people/rita", status: 200}}
		},
		"changeOwnProfile": func() []request {
			return []request{{who: w.personal("rita"), path: m + "/people/me", body: `{"name":"Rita Revisora","locale":"it"}`, status: 200}}
		},
		"erasePerson": func() []request {
			id := w.invited("Da cancellare", "editor").ID
			return []request{{who: "ada", path: m + "/people/" + id, body: `{"confirm":"` + id + `"}`, status: 204}}
		},
		"grantRole": func() []request {
			return []request{{who: "ada", path: m + "/people/" + w.invited("Caia").ID + "/roles", body: `{"role":"translator@ar","until":"2099-03-29T02:30"}`, status: 200}}
		},
		"endRole": func() []request {
			return []request{{who: "ada", path: m + "/people/" + w.invited("Ex", "reviewer@PO").ID + "/roles/reviewer@PO", status: 204}}
		},
		"delegateRole": func() []request {
			until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
			return []request{{who: w.personal("rita"), path: m + "/people/me/delegations", body: `{"role":"reviewer@MI","until":"` + until + `","to":"carla"}`, status: 201}}
		},
		"endDelegation": func() []request {
			to := w.invited("Supplente").ID
			until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
			who := w.personal("rita")
			w.send(who, "POST", m+"/people/rita/delegations", `{"role":"reviewer@MI","until":"`+until+`","to":"`+to+`"}`).want(w.t, 201)
			return []request{{who: who, path: m + "/people/rita/delegations/" + to + "/reviewer@MI", status: 204}}
		},
		"listPersonSessions": func() []request {
			w.session("tariq")
			return []request{{who: "ada", path: m + "/people/tariq/sessions", status: 200}}
		},
		"endPersonSessions": func() []request {
			w.session("tariq")
			return []request{{who: "ada", path: m + "/people/tariq/sessions", status: 204}}
		},
		"endPersonSession": func() []request {
			w.session("tariq")
			var all LoginSessions
			w.send("ada", "GET", m+"/people/tariq/sessions", "").want(w.t, 200).into(w.t, &all)
			return []request{{who: "ada", path: m + "/people/tariq/sessions/" + all.Items[0].ID, status: 204}}
		},
		"createLink": one(request{who: "ada", path: m + "/people/tariq/link", body: `{"hours":2}`, status: 201}),
		"listOwnAudit": func() []request {
			return []request{{who: w.personal("edo"), path: m + "/people/me/audit", status: 200}}
		},
		"exportOwnData": func() []request {
			return []request{{path: m + "/people/me/export", headers: w.session("edo"), status: 200}}
		},
		"createToken": func() []request {
			return []request{
				{who: "ada", path: m + "/tokens", body: `{"name":"sito","partner":"Comune","grants":["editor","reviewer@MI"]}`, status: 201},
				{path: m + "/tokens", headers: w.session("edo"), body: `{"name":"mio","grants":["editor"],"days":3}`, status: 201},
			}
		},
		"listTokens": func() []request {
			return []request{{who: "ada", path: m + "/tokens?all=true&limit=2", status: 200}, {who: w.personal("rita"), path: m + "/tokens", status: 200}}
		},
		"revokeToken": func() []request {
			return []request{{who: "ada", path: m + "/tokens/" + token(`{"name":"breve","partner":"Comune","grants":["editor"]}`).ID, status: 204}}
		},
		"listAudit": func() []request {
			return []request{
				{who: "ada", path: m + "/audit?limit=3", status: 200}, {who: "ada", path: m + "/audit?subject=person:ada", status: 200},
				{who: "ada", path: m + "/audit?format=csv", status: 200}, {who: "ada", path: m + "/audit", headers: []string{"Accept", "application/jsonl"}, status: 200},
			}
		},
		"listDocumentEvents": func() []request {
			w.article("edo", "Da raccontare")
			return []request{
				{who: "ada", path: m + "/audit/documents?limit=3", status: 200},
				{who: "ada", path: m + "/audit/documents?format=csv", status: 200}, {who: "ada", path: m + "/audit/documents?format=jsonl", status: 200},
			}
		},
		"getPolicy": one(request{who: "ada", path: m + "/policy", status: 200}),
	}
}

// TestPeople: who may see, invite, change and erase people; the answers tell
// nobody more than they need.
func TestPeople(t *testing.T) {
	w := newWorld(t)
	const at = managePath + "/people"
	for _, who := range []string{"carla", "rita", "tariq"} {
		for _, path := range []string{at, at + "/ada", at + "/nobody"} { // whether there is such a person is not told
			w.send(who, "GET", path, "").problem(t, 403, "forbidden")
		}
	}
	for _, who := range []string{"carla", "edo"} {
		for _, id := range []string{"rita", "nobody"} {
			w.send(who, "POST", at, `{"name":"X"}`).problem(t, 403, "forbidden")
			w.send(who, "DELETE", at+"/"+id, `{"confirm":"`+id+`"}`).problem(t, 403, "forbidden")
			w.send(who, "POST", at+"/"+id+"/roles", `{"role":"editor"}`).problem(t, 403, "forbidden")
			w.send(who, "DELETE", at+"/"+id+"/roles/reviewer@MI", "").problem(t, 403, "forbidden")
			w.send(who, "GET", at+"/"+id+"/sessions", "").problem(t, 403, "forbidden")
			w.send(who, "DELETE", at+"/"+id+"/sessions", "").problem(t, 403, "forbidden")
			w.send(who, "POST", at+"/"+id+"/link", `{}`).problem(t, 403, "forbidden")
		}
	}
	// All people come once, page by page.
	seen := map[string]int{}
	for path := at + "?limit=2"; path != ""; {
		var page Page[Person]
		w.send("edo", "GET", path, "").want(t, 200).into(t, &page)
		for _, p := range page.Items {
			seen[p.ID]++
		}
		path = page.Links.Next
	}
	for _, p := range people {
		if seen[p.ID] != 1 {
			t.Errorf("%s came %d times", p.ID, seen[p.ID])
		}
	}
	// An invitation with roles; what serves to sign in is not for editors.
	var made Person
	a := w.send("ada", "POST", at, `{"name":"Nuova","email":"Nuova@Example.org","locale":"ar","roles":[{"role":"contributor@orti"},{"role":"reviewer@PO","until":"2099-01-01"}]}`).want(t, 201)
	a.into(t, &made)
	if made.Invited == "" || made.Name != "Nuova" || len(made.Effective) != 2 || made.Effective[1].Scope != "100" || made.Effective[1].Until.Format(time.RFC3339) != "2098-12-31T23:00:00Z" {
		t.Errorf("%s", a.body)
	}
	if a.Header.Get("Location") != at+"/"+made.ID {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	if a := w.send("edo", "GET", at+"/"+made.ID, "").want(t, 200); strings.Contains(strings.ToLower(string(a.body)), "example.org") {
		t.Errorf("an editor reads addresses: %s", a.body)
	}
	w.send("ada", "POST", at, `{"name":"Ancora","email":"nuova@example.org"}`).problem(t, 409, "already_invited")
	for body, path := range map[string]string{
		`{"name":" "}`: "/name", `{"name":"X","roles":[{"role":"editor"},{"role":"king"}]}`: "/roles/1/role", `{"name":"X","roles":[{"role":"editor","until":"soon"}]}`: "/roles/0/until",
		`{"name":"X","roles":[{"role":"editor","until":"2001-01-01"}]}`: "/roles/0/until", `{"name":"X","roles":["editor"]}`: "/roles/0",
	} {
		if p := w.send("ada", "POST", at, body).problem(t, 422, codeInvalidBody); len(p.Errors) != 1 || p.Errors[0].Path != path || p.Errors[0].Message == p.Errors[0].Code {
			t.Errorf("%s: %+v", body, p.Errors)
		}
	}
	if p := w.send("ada", "POST", at, `{"name":"X","email":"nobody"}`).problem(t, 422, "invalid_person"); p.Errors[0].Path != "/email" {
		t.Errorf("%+v", p.Errors)
	}
	// Erased by confirmation only; the pseudonym stays.
	if p := w.send("ada", "DELETE", at+"/"+made.ID, `{"confirm":"rita"}`).problem(t, 422, codeInvalidBody); p.Errors[0].Code != codeConfirm {
		t.Errorf("%+v", p.Errors)
	}
	w.send("ada", "DELETE", at+"/"+made.ID, "").problem(t, 415, codeMediaType)
	who := w.personal(made.ID)
	w.send("ada", "DELETE", at+"/"+made.ID, `{"confirm":"`+made.ID+`"}`).want(t, 204)
	w.send(who, "GET", "/auth/me", "").problem(t, 401, "unauthenticated")
	var gone Person
	w.send("ada", "GET", at+"/"+made.ID, "").want(t, 200).into(t, &gone)
	if gone.ErasedAt.IsZero() || gone.Name+gone.Email+gone.Invited != "" || len(gone.Effective) != 0 {
		t.Errorf("%+v", gone)
	}
	w.send("ada", "POST", at+"/"+made.ID+"/roles", `{"role":"editor"}`).problem(t, 409, "erased_person")
	w.send("ada", "DELETE", at+"/ada", `{"confirm":"ada"}`).problem(t, 409, "last_administrator")
	for _, call := range [][2]string{{"GET", at + "/nobody"}, {"GET", at + "/nobody/sessions"}, {"DELETE", at + "/nobody/sessions"}, {"DELETE", at + "/rita/sessions/abcdefghijkl"}, {"DELETE", at + "/rita/roles/king"}} {
		w.send("ada", call[0], call[1], "").problem(t, 404, "not_found")
	}
	w.send("ada", "DELETE", at+"/nobody", `{"confirm":"nobody"}`).problem(t, 404, "not_found")
	w.send("ada", "POST", at+"/nobody/roles", `{"role":"editor"}`).problem(t, 404, "not_found")
	w.send("ada", "POST", at+"/nobody/link", `{}`).problem(t, 404, "not_found")
}

// TestLeaving: who leaves an organisation ends their access and stays the author;
// nobody lays down another's role, nor by a token one that the token lacks.
func TestLeaving(t *testing.T) {
	w := newWorld(t)
	const at = managePath + "/people"
	who := w.personal("carla")
	v := w.article(who, "Scritto prima")
	w.send(who, "GET", variantPath(v), "").want(t, 200)
	other := w.invited("Due ruoli", "contributor@orti", "editor").ID
	narrow := w.personal(other, "editor")
	w.send(narrow, "DELETE", at+"/me/roles/contributor@orti", "").problem(t, 403, "forbidden")
	w.send(who, "DELETE", at+"/"+other+"/roles/contributor@orti", "").problem(t, 403, "forbidden")
	w.send(who, "DELETE", at+"/carla/roles/contributor@orti", "").want(t, 204)
	w.send(who, "GET", variantPath(v), "").problem(t, 404, "not_found")
	w.send(who, "DELETE", at+"/carla/roles/contributor@orti", "").problem(t, 403, "forbidden")
	var d Document
	w.send("ada", "GET", managePath+"/documents/"+v.ID, "").want(t, 200).into(t, &d)
	if d.Author != "person:carla" {
		t.Errorf("the author is %q now", d.Author)
	}
	w.send(w.personal("ada"), "DELETE", at+"/me/roles/administrator", "").problem(t, 409, "last_administrator")
	entries, err := w.ledger.Entries(context.Background(), "person:carla", 0, 0)
	w.must(err)
	if last := entries[len(entries)-1]; last.Action != "role_ended" || last.Actor != "person:carla" || last.Grant != "" || last.Trace == "" {
		t.Errorf("the ledger says %+v", last)
	}
}

// TestEntriesSayUnderWhichGrant: what the policy permitted is written down.
func TestEntriesSayUnderWhichGrant(t *testing.T) {
	w := newWorld(t)
	p := w.invited("Nuova", "editor")
	w.send("ada", "POST", managePath+"/people/"+p.ID+"/roles", `{"role":"reviewer@PO"}`).want(t, 200)
	w.send("ada", "DELETE", managePath+"/people/"+p.ID+"/roles/editor", "").want(t, 204)
	who := w.personal(p.ID)
	w.send(who, "POST", managePath+"/people/me/delegations", `{"role":"reviewer@PO","until":"`+time.Now().AddDate(0, 1, 0).Format(time.DateOnly)+`","to":"carla"}`).want(t, 201)
	for subject, want := range map[string]string{"person:" + p.ID: "administrator administrator administrator administrator", "person:carla": "reviewer@100"} {
		entries, err := w.ledger.Entries(context.Background(), subject, 0, 0)
		w.must(err)
		var got []string
		for _, e := range entries {
			if e.Via != "test" { // the world's own making
				got = append(got, e.Grant)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", subject, got, want)
		}
	}
}

// TestDelegationOverTheAPI: one lends what is one's own, for oneself, until a
// day, and takes it back.
func TestDelegationOverTheAPI(t *testing.T) {
	w := newWorld(t)
	who, at := w.personal("rita"), managePath+"/people/me/delegations"
	until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	body := func(role, until, to string) string {
		return `{"role":` + quote(role) + `,"until":` + quote(until) + `,"to":` + quote(to) + `}`
	}
	w.send(who, "POST", managePath+"/people/edo/delegations", body("reviewer@MI", until, "carla")).problem(t, 404, "not_found")
	w.send("rita", "POST", at, body("reviewer@MI", until, "carla")).problem(t, 404, "not_found") // an operator's token is nobody
	w.send(who, "POST", at, body("reviewer@PO", until, "carla")).problem(t, 403, "delegation_not_held")
	w.send(who, "POST", at, body("administrator", until, "carla")).problem(t, 403, "delegation_not_held")
	w.send(who, "POST", at, body("reviewer@MI", "2099-01-01", "carla")).problem(t, 422, "delegation_end")
	w.send(who, "POST", at, body("reviewer@MI", "", "carla")).problem(t, 422, "delegation_end")
	w.send(who, "POST", at, body("reviewer@MI", "2020-01-01", "carla")).problem(t, 422, "grant_past")
	if p := w.send(who, "POST", at, body("reviewer@MI", until, "nobody")).problem(t, 422, codeInvalidBody); p.Errors[0].Path != "/to" {
		t.Errorf("%+v", p.Errors)
	}
	w.send(who, "POST", at, body("reviewer@MI", until, "carla")).want(t, 201)
	roles := func(id string) (out []string) {
		var p Person
		w.send("ada", "GET", managePath+"/people/"+id, "").want(t, 200).into(t, &p)
		for _, g := range p.Effective {
			out = append(out, g.Role+"@"+g.Scope)
		}
		return out
	}
	if got := roles("carla"); !slices.Equal(got, []string{"contributor@orti", "reviewer@015"}) {
		t.Errorf("%v", got)
	}
	w.send(who, "DELETE", at+"/carla/reviewer@MI", "").want(t, 204)
	w.send(who, "DELETE", at+"/carla/reviewer@MI", "").problem(t, 404, "not_found")
	if got := roles("carla"); !slices.Equal(got, []string{"contributor@orti"}) {
		t.Errorf("%v", got)
	}
}

// TestSessionsOfPeople: an administrator sees and ends the sessions of others.
func TestSessionsOfPeople(t *testing.T) {
	w := newWorld(t)
	const at = managePath + "/people/carla/sessions"
	one, two, other := w.session("carla"), w.session("carla"), w.session("edo")
	var list LoginSessions
	w.send("ada", "GET", at, "").want(t, 200).into(t, &list)
	if len(list.Items) != 2 {
		t.Fatalf("%+v", list)
	}
	w.send("ada", "DELETE", managePath+"/people/edo/sessions/"+list.Items[0].ID, "").problem(t, 404, "not_found")
	w.send("ada", "DELETE", at+"/"+list.Items[0].ID, "").want(t, 204)
	w.send("", "GET", "/auth/me", "", two...).problem(t, 401, "unauthenticated")
	w.send("", "GET", "/auth/me", "", one...).want(t, 200)
	w.send("ada", "DELETE", at, "").want(t, 204)
	w.send("", "GET", "/auth/me", "", one...).problem(t, 401, "unauthenticated")
	w.send("", "GET", "/auth/me", "", other...).want(t, 200)
}

// TestOneTimeLink: it is told once, and leads to the person.
func TestOneTimeLink(t *testing.T) {
	w := newWorld(t)
	var made CreatedLink
	w.send("ada", "POST", managePath+"/people/carla/link", `{}`).want(t, 201).into(t, &made)
	secret, ok := strings.CutPrefix(made.Link, "/auth/link/")
	leak.Secret(secret)
	p, err := w.auth.LinkPerson(context.Background(), secret)
	if !ok || err != nil || p.ID != "carla" || time.Until(made.ExpiresAt) > 24*time.Hour {
		t.Errorf("%v %v", p.ID, err)
	}
	w.send("ada", "POST", managePath+"/people/carla/link", `{"hours":169}`).problem(t, 422, codeInvalidBody)
}

// TestPolicy: the rules as they are declared, with what the caller may.
func TestPolicy(t *testing.T) {
	w := newWorld(t)
	w.send("edo", "GET", managePath+"/policy", "").problem(t, 403, "forbidden")
	var p Policy
	w.send("ada", "GET", managePath+"/policy", "").want(t, 200).into(t, &p)
	if len(p.Items) != len(w.service.Policy().Rows()) || len(p.Roles) != 6 {
		t.Errorf("%+v", p)
	}
	for _, row := range p.Items {
		if !row.Permitted || len(row.Allow) == 0 {
			t.Errorf("%+v", row)
		}
	}
}
