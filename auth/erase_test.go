package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

// After an erasure nothing that is stored tells who it was; the id stays, and
// every chain verifies.
func TestErase(t *testing.T) {
	w := newWorld(t)
	w.person("ada", "administrator")
	w.person("rita", "reviewer@100")
	const name, email, other, subject = "Zaynab Unmistakable", "zaynab.unmistakable@example.org", "second.unmistakable@example.org", "TINIT-UNMISTAKABLE"
	invited, err := w.Invite(ctx, w.actor("ada"), auth.Person{Name: name, Email: email})
	w.must(err)
	in := auth.SignIn{Provider: "spid", Issuer: "https://id.example", Subject: subject, Name: name, Email: email, EmailTrusted: true, Locale: "ar",
		Grants: grants("contributor@orti")}
	p, err := w.SignIn(ctx, in, "")
	w.must(err)
	if p.ID != invited.ID {
		t.Fatal("another person")
	}
	in.Issuer, in.Email, in.Grants = "https://second.example", other, nil
	in.Link, err = w.CreateLink(ctx, system, p.ID, time.Hour)
	w.must(err)
	_, err = w.SignIn(ctx, in, "")
	w.must(err)
	session, _, err := w.StartSession(ctx, auth.NewSession{Person: p.ID, Provider: "spid", Issuer: in.Issuer, Subject: subject,
		IDToken: "x." + base64.RawURLEncoding.EncodeToString([]byte(name+email)) + ".y"})
	w.must(err)
	token, _, err := w.CreateToken(ctx, w.actor(p.ID), auth.NewToken{Name: "Laptop of " + name, Person: p.ID, Grants: grants("contributor@orti"), Life: time.Hour})
	w.must(err)
	link, err := w.CreateLink(ctx, system, p.ID, time.Hour)
	w.must(err)
	_, err = w.Delegate(ctx, w.actor("rita"), p.ID, content.Grant{Role: "reviewer", Scope: "100", Until: start.Add(time.Hour)})
	w.must(err)
	for _, ask := range []func() (content.Actor, error){
		func() (content.Actor, error) { return w.AuthenticateSession(ctx, session) },
		func() (content.Actor, error) { return w.AuthenticateToken(ctx, token) },
	} {
		if a, err := ask(); err != nil || a.ID != "person:"+p.ID {
			t.Fatal(a, err)
		}
	}
	telling := func() (found []string) {
		for _, r := range records(w) {
			if strings.Contains(strings.ToLower(r), "unmistakable") {
				found = append(found, r)
			}
		}
		return found
	}
	if len(telling()) < 2 {
		t.Fatal("nothing was stored: this test shows nothing")
	}

	w.code(w.Erase(ctx, content.Actor{}, p.ID), "unauthenticated")
	w.is(w.Erase(ctx, system, "nobody"), content.ErrNotFound)
	w.must(w.Erase(ctx, w.actor("ada"), p.ID))

	if found := telling(); len(found) > 0 {
		t.Errorf("still told:\n%s", strings.Join(found, "\n"))
	}
	for _, r := range records(w) {
		for _, kind := range []string{"identity", "invitation", "session", "link"} {
			if strings.HasPrefix(r, kind+" ") {
				t.Errorf("left: %s", r)
			}
		}
	}
	got, err := w.Person(ctx, p.ID)
	if err != nil || got.ID != p.ID || got.Name+got.Email+got.Locale+got.Invited != "" || len(got.Identities)+len(got.Grants) > 0 || !got.Erased.Equal(start) {
		t.Errorf("%+v %v", got, err)
	}
	if !got.Actor().Anonymous() {
		t.Error("an erased person acts")
	}
	_, err = w.AuthenticateSession(ctx, session)
	w.is(err, auth.ErrInvalid)
	_, err = w.AuthenticateToken(ctx, token)
	w.is(err, auth.ErrInvalid)
	_, err = w.UseLink(ctx, link)
	w.code(err, "link_invalid")
	_, _, err = w.StartSession(ctx, auth.NewSession{Person: p.ID})
	w.is(err, auth.ErrInvalid)
	_, err = w.Grant(ctx, system, p.ID, content.Grant{Role: "editor"})
	w.code(err, "erased_person")
	w.code(w.PutPerson(ctx, system, auth.Person{ID: p.ID, Name: name}), "erased_person")
	_, err = w.Delegate(ctx, w.actor("rita"), p.ID, content.Grant{Role: "reviewer", Scope: "100", Until: start.Add(time.Hour)})
	w.is(err, content.ErrNotFound)

	// The same identity is a new person, who has nothing of the old one.
	in.Link = ""
	q, err := w.SignIn(ctx, in, "")
	if err != nil || q.ID == p.ID || len(q.Grants) != 0 {
		t.Errorf("%+v %v", q, err)
	}
	before := w.told("person:" + p.ID)
	w.must(w.Erase(ctx, system, p.ID))
	if after := w.told("person:" + p.ID); after != before || !strings.Contains(after, "person_erased") || !strings.HasPrefix(after, "person_invited identity_bound") {
		t.Errorf("%s\n%s", before, after)
	}
	if q, err := w.SignIn(ctx, in, ""); err != nil || q.ID == p.ID {
		t.Error("erasing again took the new person's identity", err)
	}
	w.verify()
}

// An erasure that died in the middle is complete in its effect, and the next one
// finishes it.
func TestEraseInterrupted(t *testing.T) {
	for writes := 1; ; writes++ {
		w := newWorld(t)
		w.person("ada", "administrator")
		p, err := w.SignIn(ctx, login("s-unmistakable", "", false), "")
		w.must(err)
		session := w.login(p.ID)
		_, _, err = w.CreateToken(ctx, system, auth.NewToken{Partner: "p", Grants: grants("editor"), Life: time.Hour})
		w.must(err)
		failing := over(t, &mortal{Store: w.store, left: writes}, w.clock)
		err = failing.Erase(ctx, system, p.ID)
		if err == nil {
			if writes < 4 {
				t.Fatalf("erased in %d writes", writes)
			}
			return
		}
		w.is(err, errDied)
		if got, err := w.Person(ctx, p.ID); err != nil {
			t.Fatal(err)
		} else if erased := !got.Erased.IsZero(); erased {
			if _, err := w.AuthenticateSession(ctx, session); !errors.Is(err, auth.ErrInvalid) {
				t.Errorf("after %d writes a session lives", writes)
			}
			if q, err := w.SignIn(ctx, login("s-unmistakable", "", false), ""); err != nil || q.ID == p.ID {
				t.Errorf("after %d writes the identity comes back: %v", writes, err)
			} else {
				w.must(w.Erase(ctx, system, q.ID))
			}
		}
		w.must(w.Erase(ctx, system, p.ID))
		for _, r := range records(w) {
			if strings.Contains(r, "unmistakable") || strings.HasPrefix(r, "session ") || strings.HasPrefix(r, "identity ") {
				t.Errorf("after %d writes, left: %s", writes, r)
			}
		}
		w.verify()
	}
}

var errDied = errors.New("the process died")

// mortal is a store that writes so many records and then no more.
type mortal struct {
	content.Store
	left int
}

func (m *mortal) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	if m.left--; m.left < 0 {
		return errDied
	}
	return m.Store.PutRecord(ctx, r, expect)
}

func (m *mortal) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	if m.left--; m.left < 0 {
		return errDied
	}
	return m.Store.DeleteRecord(ctx, kind, id, expect)
}

// Erasing forgets from where somebody came, also while they were not known yet,
// and whatever led to them, also what an interrupted login or invitation left.
func TestEraseForgetsTraces(t *testing.T) {
	w := newWorld(t)
	w.person("ada", "administrator")
	trace := func(actor, address string) string {
		id, err := w.ledger.Trace(ctx, actor, address)
		w.must(err)
		return id
	}
	before := trace("provider:spid", "192.0.2.66")
	_, err := w.Invite(ctx, system, auth.Person{Name: "Zora", Email: "zora@example.org"})
	w.must(err)
	p, err := over(t, &keeping{Store: w.store}, w.clock).SignIn(ctx, login("s-1", "zora@example.org", true), before)
	if err == nil {
		t.Fatal("the store did not fail")
	}
	p, err = w.SignIn(ctx, login("s-1", "zora@example.org", true), before)
	w.must(err)
	_, _, err = w.StartSession(ctx, auth.NewSession{Person: p.ID, Address: "192.0.2.66"})
	w.must(err)
	adas := trace("person:ada", "192.0.2.66")
	w.must(w.Erase(ctx, w.actor("ada"), p.ID))
	for _, r := range records(w) {
		switch {
		case strings.HasPrefix(r, "trace ") && !strings.Contains(r, adas), strings.HasPrefix(r, "invitation "), strings.HasPrefix(r, "identity "):
			t.Errorf("left: %s", r)
		}
	}
	if address, err := w.ledger.TraceAddress(ctx, adas); address != "192.0.2.66" {
		t.Errorf("somebody else's trace: %q %v", address, err)
	}
	if again := trace("provider:spid", "192.0.2.66"); again == before {
		t.Error("the forgotten trace is handed out")
	}
	w.verify()
}

// keeping is a store that deletes nothing.
type keeping struct{ content.Store }

func (*keeping) DeleteRecord(context.Context, string, string, int64) error { return errDied }
