package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

func login(subject, email string, trusted bool) auth.SignIn {
	return auth.SignIn{Provider: "spid", Issuer: "https://id.example", Subject: subject, Name: "Name " + subject, Email: email, EmailTrusted: trusted, Locale: "ar"}
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	trace, err := w.ledger.Trace(ctx, "provider:spid", "192.0.2.7")
	w.must(err)
	p, err := w.SignIn(ctx, login("s1", "Amina@Example.org", true), trace)
	w.must(err)
	if p.ID == "" || strings.Contains(p.ID, "s1") || p.Name != "Name s1" || p.Email != "Amina@Example.org" || p.Locale != "ar" || len(p.Grants) != 0 || !p.SeenAt.Equal(start) {
		t.Errorf("%+v", p)
	}
	w.clock.pass(time.Hour)
	again := login("s1", "", false)
	again.Name, again.Locale = "Amina \u202eevil\x00", "not a language"
	q, err := w.SignIn(ctx, again, trace)
	w.must(err)
	if q.ID != p.ID || q.Name != "Amina evil" || q.Email != "Amina@Example.org" || q.Locale != "ar" || !q.SeenAt.After(p.SeenAt) {
		t.Errorf("%+v", q)
	}
	for _, other := range []auth.SignIn{
		login("s2", "amina@example.org", true), // the same address is not the same person
		{Provider: "other", Issuer: "https://other.example", Subject: "s1", Email: "amina@example.org", EmailTrusted: true},
		{Provider: "spid", Issuer: "https://id.example", Subject: "S1"},
	} {
		if q, err := w.SignIn(ctx, other, ""); err != nil || q.ID == p.ID || len(q.Grants) != 0 {
			t.Errorf("%+v is %+v %v", other, q, err)
		}
	}
	for _, bad := range []auth.SignIn{{Provider: "spid"}, {Provider: "spid", Issuer: "i"}, {Provider: "spid", Subject: "s"}, {Issuer: "i", Subject: "s"},
		{Provider: "spid", Issuer: "i", Subject: strings.Repeat("s", 256)}, {Provider: "spid", Issuer: "i", Subject: "a\x00b"}} {
		_, err := w.SignIn(ctx, bad, trace)
		w.code(err, "login_incomplete")
	}
	if got := w.told("person:" + p.ID); got != "person_made" {
		t.Error(got)
	}
	if got := w.told("provider:spid"); got != strings.TrimSpace(strings.Repeat("sign_in_refused ", 5)) {
		t.Error(got)
	}
	entries, err := w.ledger.Entries(ctx, "provider:spid", 0, 1)
	w.must(err)
	if e := entries[0]; e.Trace != trace || e.Via != "provider:spid" || e.Details["reason"] != "login_incomplete" {
		t.Errorf("%+v", e)
	}
}

func TestInvitation(t *testing.T) {
	w := newWorld(t)
	for _, bad := range []auth.Person{{Email: "no address"}, {Email: "a@b\r\nBcc: x@y.z"}, {Email: "Amina <a@b.it>"}, {Name: "a\nb"},
		{Name: strings.Repeat("x", 201)}, {Locale: "??"}} {
		_, err := w.Invite(ctx, system, bad)
		w.code(err, "invalid_person")
	}
	_, err := w.Invite(ctx, content.Actor{}, auth.Person{Name: "x"})
	w.code(err, "unauthenticated")
	p, err := w.Invite(ctx, system, auth.Person{ID: "chosen", Name: "Amina", Email: "Amina@Example.org", Locale: "it-it", Grants: grants("administrator"), Identities: []auth.Identity{{Issuer: "i", Subject: "s"}}})
	w.must(err)
	if p.ID == "chosen" || len(p.Grants) != 0 || len(p.Identities) != 0 || p.Invited != "amina@example.org" || p.Locale != "it-IT" {
		t.Errorf("more was taken than name, address and language: %+v", p)
	}
	_, err = w.Invite(ctx, system, auth.Person{Email: "AMINA@example.ORG"})
	w.code(err, "already_invited")
	_, err = w.Grant(ctx, system, p.ID, content.Grant{Role: "contributor", Scope: "orti"})
	w.must(err)
	for name, in := range map[string]auth.SignIn{
		"not trusted":     login("evil", "amina@example.org", false),
		"another address": login("evil2", "amina@example.com", true),
		"no address":      login("evil3", "", true),
		"two addresses":   login("evil4", "amina@example.org,x@y.z", true),
		"a name with it":  login("evil5", "x <amina@example.org>", true),
	} {
		if q, err := w.SignIn(ctx, in, ""); err != nil || q.ID == p.ID {
			t.Errorf("%s: the invitation was used: %v", name, err)
		}
	}
	q, err := w.SignIn(ctx, login("s1", "AMINA@example.org", true), "")
	if err != nil || q.ID != p.ID || roles(q.Actor()) != "contributor@orti" || q.Invited != "" {
		t.Fatalf("%+v %v", q, err)
	}
	// It is used up; the address can be invited again.
	if q, err := w.SignIn(ctx, login("s2", "amina@example.org", true), ""); err != nil || q.ID == p.ID {
		t.Error("the invitation was used twice", err)
	}
	_, err = w.Invite(ctx, system, auth.Person{Email: "amina@example.org"})
	w.must(err)
	if got := w.told("person:" + p.ID); got != "person_invited role_granted identity_bound" {
		t.Error(got)
	}
}

// However many log in at once: one identity is one person, and one invitation is
// used by one identity.
func TestSignInInARace(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		for round := range 3 {
			subject := strings.Repeat("x", round+1)
			ids := make([]string, 16)
			won, errs := race(len(ids), func(i int) error {
				p, err := w.process().SignIn(ctx, login(subject, "", false), "")
				ids[i] = p.ID
				return err
			})
			if won != len(ids) {
				t.Fatal(errs)
			}
			for _, id := range ids {
				if id != ids[0] {
					t.Errorf("one identity is two people: %v", ids)
				}
			}
			email := subject + "@example.org"
			invited, err := w.Invite(ctx, system, auth.Person{Email: email})
			w.must(err)
			won, errs = race(len(ids), func(i int) error {
				p, err := w.process().SignIn(ctx, login(subject+string(rune('a'+i)), email, true), "")
				ids[i] = p.ID
				return err
			})
			if won != len(ids) {
				t.Fatal(errs)
			}
			used := 0
			for i, id := range ids {
				if id == invited.ID {
					used++
				}
				// Each comes back as who they were.
				if p, err := w.SignIn(ctx, login(subject+string(rune('a'+i)), email, true), ""); err != nil || p.ID != id {
					t.Errorf("%d was %s and is %s %v", i, id, p.ID, err)
				}
			}
			if used != 1 {
				t.Errorf("%d used the invitation", used)
			}
		}
		w.verify()
	})
}

func TestRolesFromClaims(t *testing.T) {
	w := newWorld(t)
	w.person("rita")
	p, err := w.SignIn(ctx, login("s1", "", false), "")
	w.must(err)
	_, err = w.Grant(ctx, system, p.ID, content.Grant{Role: "translator", Scope: "ar"})
	w.must(err)
	in := func(provider string, roles ...string) string {
		t.Helper()
		s := login("s1", "", false)
		s.Provider = provider
		if roles != nil {
			s.Grants = append([]content.Grant{}, grants(roles...)...)
		}
		p, err := w.SignIn(ctx, s, "")
		w.must(err)
		return w.roles(p.ID)
	}
	for _, c := range []struct {
		provider string
		roles    []string
		want     string
	}{
		{"spid", []string{"editor", "reviewer@100", "editor"}, "translator@ar editor reviewer@100"},
		{"spid", nil, "translator@ar editor reviewer@100"},
		{"other", []string{"contributor@orti"}, "translator@ar editor reviewer@100 contributor@orti"},
		{"spid", []string{"reviewer@100"}, "translator@ar contributor@orti reviewer@100"},
		{"spid", []string{}, "translator@ar contributor@orti"},
		{"spid", []string{"translator@ar"}, "translator@ar contributor@orti translator@ar"},
		{"spid", []string{}, "translator@ar contributor@orti"},
		{"spid", []string{"reviewer@100"}, "translator@ar contributor@orti reviewer@100"},
	} {
		if got := in(c.provider, c.roles...); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	// What was delegated from a mapped role ends with it.
	_, err = w.Delegate(ctx, w.actor(p.ID), "rita", content.Grant{Role: "reviewer", Scope: "100", Until: start.Add(time.Hour)})
	w.must(err)
	if w.roles("rita") != "reviewer@100" {
		t.Error(w.roles("rita"))
	}
	s := login("s1", "", false)
	s.Grants = []content.Grant{}
	_, err = w.SignIn(ctx, s, "")
	w.must(err)
	if w.roles("rita") != "" {
		t.Error(w.roles("rita"))
	}
	if got := w.told("person:" + p.ID); strings.Count(got, "roles_mapped") != 8 {
		t.Error(got)
	}
}

func TestSignInByLink(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "editor")
	link := func() string {
		t.Helper()
		secret, err := w.CreateLink(ctx, system, "amina", time.Hour)
		w.must(err)
		return secret
	}
	in := login("s1", "", false)
	in.Link = link()
	p, err := w.SignIn(ctx, in, "")
	if err != nil || p.ID != "amina" {
		t.Fatal(p, err)
	}
	// The link is used up, and the identity is theirs for good.
	in.Subject = "s2"
	_, err = w.SignIn(ctx, in, "")
	w.code(err, "link_invalid")
	if p, err := w.SignIn(ctx, login("s1", "", false), ""); err != nil || p.ID != "amina" {
		t.Error(p, err)
	}
	stranger, err := w.SignIn(ctx, login("s2", "", false), "")
	if err != nil || stranger.ID == "amina" {
		t.Error("a refused link has bound an identity", err)
	}
	// An identity of somebody else is not moved.
	in.Link = link()
	_, err = w.SignIn(ctx, in, "")
	w.code(err, "identity_taken")
	if p, err := w.UseLink(ctx, in.Link); err != nil || p.ID != "amina" {
		t.Error("the refusal has used the link up", err)
	}
	// A second identity of one's own.
	in.Subject, in.Link = "s3", link()
	if p, err := w.SignIn(ctx, in, ""); err != nil || p.ID != "amina" || len(p.Identities) != 2 {
		t.Error(p, err)
	}
	if got := w.told("provider:spid"); got != "sign_in_refused sign_in_refused" {
		t.Error(got)
	}
}

func TestLinks(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		w.person("amina", "editor")
		for _, life := range []time.Duration{0, -time.Hour, auth.MaxLinkLife + 1} {
			_, err := w.CreateLink(ctx, system, "amina", life)
			w.code(err, "link_life")
		}
		_, err := w.CreateLink(ctx, system, "nobody", time.Hour)
		w.is(err, content.ErrNotFound)
		_, err = w.CreateLink(ctx, content.Actor{}, "amina", time.Hour)
		w.code(err, "unauthenticated")
		secret, err := w.CreateLink(ctx, system, "amina", time.Hour)
		w.must(err)
		for _, bad := range []string{"", "first", secret[:len(secret)-1], secret + "a", secret[:12] + strings.Repeat("a", 43), strings.Repeat("a", 55)} {
			_, err := w.LinkPerson(ctx, bad)
			w.code(err, "link_invalid")
			_, err = w.UseLink(ctx, bad)
			w.code(err, "link_invalid")
		}
		for range 2 { // looking uses nothing up
			if p, err := w.LinkPerson(ctx, secret); err != nil || p.ID != "amina" {
				t.Fatal(p, err)
			}
		}
		won, errs := race(32, func(int) error {
			p, err := w.process().UseLink(ctx, secret)
			if err == nil && p.ID != "amina" {
				err = errors.New(p.ID)
			}
			return err
		})
		if won != 1 {
			t.Errorf("%d used the link", won)
		}
		for _, err := range errs {
			w.code(err, "link_invalid")
		}
		_, err = w.LinkPerson(ctx, secret)
		w.code(err, "link_invalid")
		secret, err = w.CreateLink(ctx, system, "amina", time.Hour)
		w.must(err)
		w.clock.pass(time.Hour)
		_, err = w.UseLink(ctx, secret)
		w.code(err, "link_invalid")
		secret, err = w.CreateLink(ctx, system, "amina", time.Hour)
		w.must(err)
		w.must(w.Erase(ctx, system, "amina"))
		_, err = w.UseLink(ctx, secret)
		w.code(err, "link_invalid")
		if got := w.told("person:amina"); got != "person_made link_made link_used link_made link_made person_erased" {
			t.Error(got)
		}
	})
}

func TestFirstAdministrator(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		first := func(want bool) string {
			t.Helper()
			secret, needed, err := w.FirstLink(ctx)
			w.must(err)
			if needed != want || (secret != "") != want {
				t.Fatalf("needed: %v, want %v", needed, want)
			}
			return secret
		}
		old := first(true)
		secret := first(true)
		_, err := w.UseLink(ctx, old)
		w.code(err, "link_invalid") // a newer one was made
		if p, err := w.LinkPerson(ctx, secret); err != nil || p.ID != "" {
			t.Error(p, err)
		}
		won, errs := race(32, func(i int) error {
			if i%2 == 0 {
				_, err := w.process().UseLink(ctx, secret)
				return err
			}
			in := login(string(rune('a'+i)), "", false)
			in.Link = secret
			_, err := w.process().SignIn(ctx, in, "")
			return err
		})
		if won != 1 || administrators(w) != 1 {
			t.Fatalf("%d used the link, %d administrators: %v", won, administrators(w), errs)
		}
		for _, err := range errs {
			w.code(err, "link_invalid")
		}
		first(false)
		_, err = w.UseLink(ctx, secret)
		w.code(err, "link_invalid")
		w.verify()
	})
}

func TestFirstLinkIsNeeded(t *testing.T) {
	w := newWorld(t)
	needed := func(want bool) {
		t.Helper()
		_, got, err := w.FirstLink(ctx)
		w.must(err)
		if got != want {
			t.Errorf("needed: %v", got)
		}
	}
	token := func(n auth.NewToken) auth.Token {
		t.Helper()
		_, tok, err := w.CreateToken(ctx, system, n)
		w.must(err)
		return tok
	}
	w.person("amina", "editor")
	token(auth.NewToken{Grants: grants("editor"), Life: time.Hour})
	token(auth.NewToken{Grants: grants("administrator"), Partner: "p", Life: time.Hour})
	needed(true)
	tok := token(auth.NewToken{Grants: grants("administrator"), Life: time.Hour})
	needed(false)
	w.must(w.RevokeToken(ctx, system, tok.ID))
	needed(true)
	token(auth.NewToken{Grants: grants("administrator"), Life: time.Hour})
	needed(false)
	w.clock.pass(time.Hour)
	needed(true)
	// A link dies when somebody becomes administrator otherwise, and by its age.
	secret, _, err := w.FirstLink(ctx)
	w.must(err)
	_, err = w.Grant(ctx, system, "amina", content.Grant{Role: "administrator", Until: w.clock.Now().Add(time.Hour)})
	w.must(err)
	needed(false)
	_, err = w.UseLink(ctx, secret)
	w.code(err, "link_invalid")
	w.clock.pass(time.Hour) // the role ended: a lockout is never for ever
	needed(true)
	secret, _, err = w.FirstLink(ctx)
	w.must(err)
	w.clock.pass(auth.FirstLinkLife)
	_, err = w.UseLink(ctx, secret)
	w.code(err, "link_invalid")
	secret, _, err = w.FirstLink(ctx)
	w.must(err)
	w.clock.pass(auth.FirstLinkLife - time.Millisecond)
	in := login("s1", "", false)
	in.Link = secret
	p, err := w.SignIn(ctx, in, "")
	if err != nil || w.roles(p.ID) != "administrator" {
		t.Errorf("%+v %v", p, err)
	}
	needed(false)
}

// Two addresses are the same only when they are so letter by letter, but for the
// case of ASCII: other letters that fold to the same (the sign of Kelvin is a k)
// are another mailbox, which somebody else may have.
func TestInvitationOfALookalike(t *testing.T) {
	for _, lookalike := range []string{"mar\u212a@example.org", "mark@e\u212axample.org", "mark+x@example.org", "mark.@example.org", "\u017fmark@example.org"} {
		w := newWorld(t)
		invited, err := w.Invite(ctx, system, auth.Person{Name: "Mark", Email: "Mark@Example.org"})
		w.must(err)
		p, err := w.SignIn(ctx, login("other", lookalike, true), "")
		if err != nil || p.ID == invited.ID {
			t.Errorf("%q took the invitation of mark@example.org: %v", lookalike, err)
		}
		if p, err := w.SignIn(ctx, login("mark", "mark@EXAMPLE.org", true), ""); err != nil || p.ID != invited.ID {
			t.Errorf("the invited person is another one: %v", err)
		}
	}
}
