package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/internal/leak"
)

const tokensPath = managePath + "/tokens"

// token makes a token and gives the name under which send knows it.
func (w *world) token(who, body string) (string, CreatedToken) {
	w.t.Helper()
	var made CreatedToken
	w.send(who, "POST", tokensPath, body).want(w.t, 201).into(w.t, &made)
	w.tokens[made.ID] = leak.Secret(made.Secret)
	return made.ID, made
}

// tokenIDs lists the ids that somebody is shown.
func (w *world) tokenIDs(who, query string) (ids []string) {
	w.t.Helper()
	for path := tokensPath + query; path != ""; {
		var page Page[Token]
		w.send(who, "GET", path, "").want(w.t, 200).into(w.t, &page)
		for _, x := range page.Items {
			ids = append(ids, x.ID)
		}
		path = page.Links.Next
	}
	return ids
}

// TestOwnTokens: everybody makes tokens for themselves with roles that they
// hold, sees and ends their own, and nobody else's is there.
func TestOwnTokens(t *testing.T) {
	w := newWorld(t)
	carla, rita := w.personal("carla"), w.personal("rita")
	id, made := w.token(carla, `{"name":"mio","grants":["contributor@orti"]}`)
	if made.Person != "carla" || made.Partner != "" || !strings.HasPrefix(made.Secret, "prassi_") {
		t.Errorf("%+v", made.Token)
	}
	var me Me
	w.send(id, "GET", "/auth/me", "").want(t, 200).into(t, &me)
	if me.ID != "person:carla" || len(me.Grants) != 1 || me.Grants[0].Scope != "orti" {
		t.Errorf("%+v", me)
	}
	if got := w.tokenIDs(carla, "?limit=1"); len(got) != 2 || !slices.Contains(got, id) {
		t.Errorf("carla sees %v", got)
	}
	if got := w.tokenIDs(rita, ""); slices.Contains(got, id) || len(got) != 1 {
		t.Errorf("rita sees %v", got)
	}
	if list := w.send(carla, "GET", tokensPath, ""); strings.Contains(string(list.body), made.Secret) || strings.Contains(string(list.body), "hash") {
		t.Error("the list tells secrets")
	}
	w.send(rita, "DELETE", tokensPath+"/"+id, "").problem(t, 404, "not_found")
	w.send("edo", "DELETE", tokensPath+"/"+id, "").problem(t, 404, "not_found")
	w.send(rita, "GET", tokensPath+"?all=true", "").problem(t, 403, "forbidden")
	w.send("edo", "GET", tokensPath+"?all=true", "").problem(t, 403, "forbidden")
	if got := w.tokenIDs("ada", "?all=true&limit=2"); !slices.Contains(got, id) || len(got) != len(people)+3 {
		t.Errorf("an administrator sees %v", got)
	}
	w.send(carla, "DELETE", tokensPath+"/"+id, "").want(t, 204)
	w.send(id, "GET", "/auth/me", "").problem(t, 401, "unauthenticated")
	w.send(carla, "DELETE", tokensPath+"/"+id, "").problem(t, 404, "not_found")
	// An administrator ends anybody's.
	id, _ = w.token(carla, `{"name":"altro","grants":["contributor@orti"]}`)
	w.send("ada", "DELETE", tokensPath+"/"+id, "").want(t, 204)
	w.send("ada", "DELETE", tokensPath+"/nothing", "").problem(t, 404, "not_found")

	p := w.send("ada", "POST", tokensPath, `{"name":"x","grants":["king","reviewer@ZZ","reviewer","editor@it"],"partner":"P"}`).problem(t, 422, codeInvalidBody)
	if len(p.Errors) != 4 || p.Errors[1].Path != "/grants/1" || p.Errors[1].Code != codeInvalidGrant {
		t.Errorf("%+v", p.Errors)
	}
	w.send("ada", "POST", tokensPath, `{"name":"x","grants":[],"partner":"P"}`).problem(t, 422, codeInvalidBody)
	w.send("ada", "POST", tokensPath, `{"name":"x","grants":["editor"],"partner":"P","days":400}`).problem(t, 422, codeInvalidBody)
}

// TestTokensDoNotGrow: no token makes one with more roles, a longer life or
// another owner than itself has.
func TestTokensDoNotGrow(t *testing.T) {
	w := newWorld(t)
	id := w.invited("Due ruoli", "editor", "reviewer@MI").ID
	whole, narrow := w.personal(id), w.personal(id, "reviewer@015")
	w.send(whole, "POST", tokensPath, `{"name":"x","grants":["editor"]}`).want(t, 201)
	w.send(narrow, "POST", tokensPath, `{"name":"x","grants":["editor"]}`).problem(t, 403, "token_role_not_held")
	w.send(whole, "POST", tokensPath, `{"name":"x","grants":["administrator"]}`).problem(t, 403, "token_role_not_held")
	w.send(narrow, "POST", tokensPath, `{"name":"x","grants":["reviewer@PO"]}`).problem(t, 403, "token_role_not_held")
	// The life: these have personalLife left.
	if p := w.send(narrow, "POST", tokensPath, `{"name":"x","grants":["reviewer@MI"],"days":61}`).problem(t, 422, codeInvalidBody); p.Errors[0].Code != codeTokenOutlives {
		t.Errorf("%+v", p.Errors)
	}
	if _, made := w.token(narrow, `{"name":"x","grants":["reviewer@MI"]}`); time.Until(made.ExpiresAt) > personalLife {
		t.Errorf("it lives until %s", made.ExpiresAt)
	}
	var made CreatedToken
	w.send("", "POST", tokensPath, `{"name":"x","grants":["reviewer@MI"],"days":61}`, w.session(id)...).want(t, 201).into(t, &made)
	leak.Secret(made.Secret)
	// The owner: partners' are for administrators, and an operator's token has
	// nobody for whom it could make one.
	w.send(whole, "POST", tokensPath, `{"name":"x","grants":["reviewer@MI"],"partner":"P"}`).problem(t, 403, "forbidden")
	for _, who := range []string{"ada", "edo"} {
		if p := w.send(who, "POST", tokensPath, `{"name":"x","grants":["editor"]}`).problem(t, 422, codeInvalidBody); p.Errors[0].Path != "/partner" {
			t.Errorf("%+v", p.Errors)
		}
	}
	// A role that ends, ends in the token too.
	w.send("ada", "DELETE", managePath+"/people/"+id+"/roles/editor", "").want(t, 204)
	var me Me
	w.send(whole, "GET", "/auth/me", "").want(t, 200).into(t, &me)
	if len(me.Grants) != 1 || me.Grants[0].Role != "reviewer" {
		t.Errorf("%+v", me.Grants)
	}
}

// TestPartnerTokens: they act as themselves, and end themselves if they like.
func TestPartnerTokens(t *testing.T) {
	w := newWorld(t)
	id, made := w.token("ada", `{"name":"sito","grants":["contributor@orti"],"partner":"Comune di Prato"}`)
	if made.Partner != "Comune di Prato" || made.Person != "" {
		t.Errorf("%+v", made.Token)
	}
	var me Me
	w.send(id, "GET", "/auth/me", "").want(t, 200).into(t, &me)
	if me.ID != "token:"+id || slices.Contains(me.Create, "page") {
		t.Errorf("%+v", me)
	}
	other, _ := w.token("ada", `{"name":"sito","grants":["contributor@orti"],"partner":"Comune di Pisa"}`)
	w.send(id, "DELETE", tokensPath+"/"+other, "").problem(t, 404, "not_found")
	w.send(id, "GET", managePath+"/people/me/audit", "").problem(t, 404, "not_found")
	w.send(id, "DELETE", tokensPath+"/"+id, "").want(t, 204)
	w.send(id, "GET", "/auth/me", "").problem(t, 401, "unauthenticated")
}
