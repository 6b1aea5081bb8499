package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

// purge runs the purger of one kind of data.
func (w *world) purge(kind string, age time.Duration) int {
	w.t.Helper()
	for _, p := range w.Purgers() {
		if p.Kind() == kind {
			n, err := p.Purge(ctx, w.clock.Now().Add(-age))
			w.must(err)
			return n
		}
	}
	w.t.Fatalf("nothing purges %s", kind)
	return 0
}

func (w *world) erased(id string) bool {
	w.t.Helper()
	p, err := w.Person(ctx, id)
	w.must(err)
	return !p.Erased.IsZero()
}

// Who signs in without a task here is forgotten; who ever had a role is not.
func TestPeopleWithoutRoleAreForgotten(t *testing.T) {
	w := newWorld(t)
	sign := func(subject string, roles ...string) string {
		t.Helper()
		in := login(subject, subject+"@example.org", false)
		if roles != nil {
			in.Grants = grants(roles...)
		}
		p, err := w.SignIn(ctx, in, "")
		w.must(err)
		_, _, err = w.StartSession(ctx, auth.NewSession{Person: p.ID, Provider: "spid", Issuer: in.Issuer, Subject: subject})
		w.must(err)
		return p.ID
	}
	people := map[string]string{
		"visitor": sign("visitor"), "claimed": sign("claimed", "editor"), "unclaimed": sign("unclaimed", "editor"), "named": sign("named"),
		"granted": sign("granted"), "lent": sign("lent"), "returns": sign("returns"), "linked": sign("linked"), "renamed": sign("renamed"),
	}
	w.person("dario", "administrator")
	w.person("put")
	had := auth.Person{ID: "stripped", Name: "Once an editor", Grants: grants("editor")}
	w.must(w.PutPerson(ctx, system, had))
	had.Grants = nil
	w.must(w.PutPerson(ctx, system, had))
	people["put"], people["stripped"], people["dario"] = "put", "stripped", "dario"
	_, err := w.Grant(ctx, system, people["granted"], content.Grant{Role: "editor", Until: start.Add(time.Hour)})
	w.must(err)
	_, err = w.Delegate(ctx, w.actor("dario"), people["lent"], content.Grant{Role: "administrator", Until: start.Add(time.Hour)})
	w.must(err)
	in := login("unclaimed", "", false)
	in.Grants = []content.Grant{}
	_, err = w.SignIn(ctx, in, "")
	w.must(err)
	own := content.Actor{ID: "person:" + people["named"], Via: "session"}
	_, err = w.Introduce(ctx, own, people["named"], "A name of my own", "it")
	w.must(err)
	_, err = w.Introduce(ctx, w.actor("dario"), people["renamed"], "A name by another", "it")
	w.must(err)
	link, err := w.CreateLink(ctx, system, people["linked"], 7*day)
	w.must(err)
	w.clock.pass(6 * day)
	_, err = w.UseLink(ctx, link)
	w.must(err)
	w.clock.pass(170 * day)
	sign("returns")
	for _, step := range []struct {
		pass   time.Duration
		erased string
	}{
		{0, ""}, {4*day + time.Minute, "named visitor"}, {0, ""}, {6 * day, "linked"}, {170 * day, "returns"}, {365 * day, ""},
	} {
		w.clock.pass(step.pass)
		before := map[string]bool{}
		for name, id := range people {
			before[name] = w.erased(id)
		}
		n := w.purge("people_without_role", 180*day)
		var gone []string
		for name, id := range people {
			if w.erased(id) && !before[name] {
				gone = append(gone, name)
			}
		}
		slices.Sort(gone)
		if got := strings.Join(gone, " "); got != step.erased || n != len(gone) {
			t.Errorf("after %s: %d erased, %q, want %q", step.pass, n, got, step.erased)
		}
	}
	if got := w.told("person:" + people["visitor"]); !strings.HasPrefix(got, "person_made signed_in person_erased") {
		t.Error(got)
	}
	for _, r := range records(w) {
		if strings.Contains(r, "visitor@example.org") || strings.Contains(r, "Name visitor") {
			t.Errorf("it is known still: %s", r)
		}
	}
	// Who comes back is somebody new.
	if again := sign("visitor"); again == people["visitor"] {
		t.Error("who was erased is back")
	}
}

// An invitation that nobody answers is forgotten, with what waited for an answer.
func TestInvitationsAreForgotten(t *testing.T) {
	w := newWorld(t)
	people := map[string]string{}
	for _, name := range []string{"silent", "waiting", "answered", "linked", "token", "lately", "chief", "bare"} {
		p, err := w.Invite(ctx, system, auth.Person{Name: "Name of " + name, Email: name + "@example.org"})
		w.must(err)
		people[name] = p.ID
	}
	give := func(name, role string) {
		t.Helper()
		_, err := w.Grant(ctx, system, people[name], content.Grant{Role: role})
		w.must(err)
	}
	for _, name := range []string{"waiting", "answered", "linked", "token"} {
		give(name, "editor")
	}
	give("chief", "administrator") // the only one
	_, err := w.SignIn(ctx, login("s1", "answered@example.org", true), "")
	w.must(err)
	link, err := w.CreateLink(ctx, system, people["linked"], time.Hour)
	w.must(err)
	_, err = w.UseLink(ctx, link)
	w.must(err)
	bare, err := w.CreateLink(ctx, system, people["bare"], time.Hour)
	w.must(err)
	_, err = w.UseLink(ctx, bare)
	w.must(err)
	_, _, err = w.CreateToken(ctx, system, auth.NewToken{Person: people["token"], Grants: grants("editor"), Life: day})
	w.must(err)
	w.clock.pass(60 * day)
	give("lately", "editor")
	for _, step := range []struct {
		pass   time.Duration
		erased string
	}{{0, ""}, {31 * day, "silent waiting"}, {60 * day, "lately silent waiting"}, {900 * day, "lately silent waiting"}} {
		w.clock.pass(step.pass)
		w.purge("invitations", 90*day)
		w.purge("people_without_role", 36500*day)
		var gone []string
		for name, id := range people {
			if w.erased(id) {
				gone = append(gone, name)
			}
		}
		slices.Sort(gone)
		if got := strings.Join(gone, " "); got != step.erased {
			t.Errorf("after %s: %q, want %q", step.pass, got, step.erased)
		}
	}
	for _, r := range records(w) {
		if strings.Contains(r, "silent@") || strings.Contains(r, "Name of silent") {
			t.Errorf("it is known still: %s", r)
		}
	}
	if w.purge("people_without_role", 180*day); !w.erased(people["bare"]) || w.erased(people["linked"]) {
		t.Error("who came by a link and never had a role is known still, or who had one is not")
	}
	if _, err := w.Invite(ctx, system, auth.Person{Email: "silent@example.org"}); err != nil {
		t.Error("the address cannot be invited again:", err)
	}
	w.verify()
}
