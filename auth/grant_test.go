package auth_test

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
)

const day = 24 * time.Hour

func TestGrant(t *testing.T) {
	w := newWorld(t)
	w.person("ada", "administrator")
	w.person("amina")
	ada := w.actor("ada")
	p, err := w.Grant(ctx, ada, "amina", content.Grant{Role: "reviewer", Scope: "100", By: "forged", Of: "person:forged"})
	w.must(err)
	if len(p.Grants) != 1 || p.Grants[0] != (content.Grant{Role: "reviewer", Scope: "100", By: "person:ada"}) {
		t.Errorf("%+v", p.Grants)
	}
	end := w.clock.Now().Add(time.Hour)
	p, err = w.Grant(ctx, content.System("command"), "amina", content.Grant{Role: "reviewer", Scope: "100", Until: end})
	if err != nil || len(p.Grants) != 1 || p.Grants[0].By != "command" || !p.Grants[0].Until.Equal(end) {
		t.Errorf("%+v %v", p.Grants, err)
	}
	for _, until := range []time.Time{w.clock.Now(), w.clock.Now().Add(-time.Second), time.Unix(0, 0)} {
		_, err = w.Grant(ctx, ada, "amina", content.Grant{Role: "editor", Until: until})
		w.code(err, "grant_past")
	}
	_, err = w.Grant(ctx, content.Actor{}, "amina", content.Grant{Role: "editor"})
	w.code(err, "unauthenticated")
	_, err = w.Ungrant(ctx, content.Actor{}, "amina", "reviewer", "100")
	w.code(err, "unauthenticated")
	// A misspelt person is made known by nobody but the operator.
	_, err = w.Grant(ctx, ada, "amnia", content.Grant{Role: "editor"})
	w.is(err, content.ErrNotFound)
	_, err = w.Grant(ctx, content.System("command"), "new", content.Grant{Role: "editor"})
	w.must(err)
	_, err = w.Grant(ctx, content.System("command"), "a/b c", content.Grant{Role: "editor"})
	w.code(err, "invalid_person")
	_, err = w.Ungrant(ctx, ada, "amina", "reviewer", "015")
	w.is(err, content.ErrNotFound)
	_, err = w.Ungrant(ctx, ada, "amina", "reviewer", "100")
	w.must(err)
	_, err = w.Ungrant(ctx, ada, "nobody", "reviewer", "100")
	w.is(err, content.ErrNotFound)
	if got := w.told("person:amina"); got != "person_made role_granted role_granted role_ended" {
		t.Error(got)
	}
	entries, err := w.ledger.Entries(ctx, "person:amina", 1, 1)
	w.must(err)
	if e := entries[0]; e.Actor != "person:ada" || e.Details["role"] != "reviewer" || e.Details["scope"] != "100" {
		t.Errorf("%+v", e)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	w := newWorld(t)
	w.person("ada", "administrator")
	w.person("bea")
	later := w.clock.Now().Add(24 * time.Hour)
	refused := func() {
		t.Helper()
		_, err := w.Ungrant(ctx, system, "ada", "administrator", "")
		w.code(err, "last_administrator")
		_, err = w.Grant(ctx, system, "ada", content.Grant{Role: "administrator", Until: later})
		w.code(err, "last_administrator")
		w.code(w.Erase(ctx, system, "ada"), "last_administrator")
		w.code(w.PutPerson(ctx, system, auth.Person{ID: "ada"}), "last_administrator")
		if w.roles("ada") != "administrator" {
			t.Fatal(w.roles("ada"))
		}
	}
	refused()
	_, err := w.Grant(ctx, system, "bea", content.Grant{Role: "editor"})
	w.must(err)
	refused()
	// Somebody who holds it for less long does not count, nor whoever has it
	// delegated, nor whoever was erased.
	_, err = w.Grant(ctx, system, "bea", content.Grant{Role: "administrator", Until: later})
	w.must(err)
	refused()
	_, err = w.Ungrant(ctx, system, "bea", "administrator", "")
	w.must(err)
	_, err = w.Delegate(ctx, w.actor("ada"), "bea", content.Grant{Role: "administrator", Until: later})
	w.must(err)
	refused()
	w.person("carla", "administrator")
	w.must(w.Erase(ctx, system, "carla"))
	refused()
	_, err = w.Grant(ctx, system, "bea", content.Grant{Role: "administrator"})
	w.must(err)
	_, err = w.Ungrant(ctx, system, "ada", "administrator", "")
	w.must(err)
	if w.roles("ada") != "" || w.roles("bea") != "editor administrator" {
		t.Errorf("%q %q", w.roles("ada"), w.roles("bea"))
	}
	w.verify()
}

// Administrators who take the role from each other at the same moment do not all
// succeed.
func TestLastAdministratorStaysInARace(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		ids := []string{"ada", "bea", "carla", "dario"}
		for round := range 6 {
			for _, id := range ids {
				if round%2 == 1 { // those erased do not come back
					id = fmt.Sprint(id, round)
				}
				w.person(id, "administrator")
			}
			race(len(ids), func(i int) error {
				w := w.process()
				if round%2 == 1 {
					return w.Erase(ctx, system, fmt.Sprint(ids[i], round))
				}
				_, err := w.Ungrant(ctx, system, ids[i], "administrator", "")
				return err
			})
			if n := administrators(w); n < 1 {
				t.Fatalf("round %d left %d administrators", round, n)
			}
		}
		w.verify()
	})
}

func administrators(w *world) (n int) {
	people, err := w.People(ctx, "", 0)
	w.must(err)
	for _, p := range people {
		if roles(p.Actor()) == "administrator" {
			n++
		}
	}
	return n
}

func TestDelegate(t *testing.T) {
	w := newWorld(t)
	w.person("rita", "reviewer@100", "contributor@orti")
	w.person("bruno")
	w.person("carla")
	rita := w.actor("rita")
	in := func(d time.Duration) time.Time { return w.clock.Now().Add(d) }
	week := 7 * 24 * time.Hour
	reviewer := func(until time.Time) content.Grant {
		return content.Grant{Role: "reviewer", Scope: "100", Until: until}
	}
	narrow := rita
	narrow.Grants = grants("contributor@orti")
	for _, c := range []struct {
		by   content.Actor
		to   string
		g    content.Grant
		code string
	}{
		{content.Actor{}, "bruno", reviewer(in(week)), "unauthenticated"},
		{rita, "rita", reviewer(in(week)), "delegation_to_oneself"},
		{rita, "bruno", reviewer(time.Time{}), "delegation_end"},
		{rita, "bruno", reviewer(in(auth.MaxDelegation + time.Second)), "delegation_end"},
		{rita, "bruno", reviewer(in(0)), "grant_past"},
		{rita, "bruno", content.Grant{Role: "reviewer", Scope: "015", Until: in(week)}, "delegation_not_held"},
		{rita, "bruno", content.Grant{Role: "administrator", Until: in(week)}, "delegation_not_held"},
		{narrow, "bruno", reviewer(in(week)), "delegation_not_held"},
		{system, "bruno", content.Grant{Role: "administrator", Until: in(week)}, "delegation_not_held"},
		{w.actor("bruno"), "carla", reviewer(in(week)), "delegation_not_held"},
	} {
		_, err := w.Delegate(ctx, c.by, c.to, c.g)
		w.code(err, c.code)
	}
	_, err := w.Delegate(ctx, rita, "nobody", reviewer(in(week)))
	w.is(err, content.ErrNotFound)
	p, err := w.Delegate(ctx, rita, "bruno", reviewer(in(week)))
	w.must(err)
	if g := p.Grants[0]; g.Of != "person:rita" || g.By != "person:rita" || w.roles("bruno") != "reviewer@100" {
		t.Errorf("%+v %q", g, w.roles("bruno"))
	}
	// The person alone does not show it, and it goes no further.
	if got := roles(p.Actor()); got != "" {
		t.Errorf("without its giver a delegated role counts: %q", got)
	}
	_, err = w.Delegate(ctx, w.actor("bruno"), "carla", reviewer(in(week)))
	w.code(err, "delegation_not_held")
	// Nor is an actor believed who says it is their own.
	liar := w.actor("bruno")
	liar.Grants[0].Of = ""
	_, err = w.Delegate(ctx, liar, "carla", reviewer(in(week)))
	w.code(err, "delegation_not_held")

	// It ends with the role of the one who gave it, and does not come back.
	_, err = w.Ungrant(ctx, system, "rita", "reviewer", "100")
	w.must(err)
	if got := w.roles("bruno"); got != "" {
		t.Errorf("it outlives its giver's role: %q", got)
	}
	_, err = w.Grant(ctx, system, "rita", content.Grant{Role: "reviewer", Scope: "100", Until: in(week)})
	w.must(err)
	if got := w.roles("bruno"); got != "" {
		t.Errorf("it came back: %q", got)
	}
	rita = w.actor("rita")
	_, err = w.Delegate(ctx, rita, "bruno", reviewer(in(week+time.Second)))
	w.code(err, "delegation_end")
	_, err = w.Delegate(ctx, rita, "bruno", reviewer(in(week)))
	w.must(err)
	// The earlier end counts.
	_, err = w.Grant(ctx, system, "rita", reviewer(in(time.Hour)))
	w.must(err)
	if got := w.actor("bruno").Grants[0].Until; !got.Equal(in(time.Hour)) {
		t.Error(got)
	}
	w.clock.pass(time.Hour)
	_, err = w.Grant(ctx, system, "rita", reviewer(time.Time{}))
	w.must(err)
	if got := w.roles("bruno"); got != "" {
		t.Errorf("it came back with a new role: %q", got)
	}
	_, err = w.Delegate(ctx, w.actor("rita"), "bruno", reviewer(in(week)))
	w.must(err)
	w.must(w.Undelegate(ctx, w.actor("rita"), "bruno", "reviewer", "100"))
	w.is(w.Undelegate(ctx, w.actor("rita"), "bruno", "reviewer", "100"), content.ErrNotFound)
	if got := w.roles("bruno"); got != "" {
		t.Error(got)
	}
	_, err = w.Delegate(ctx, w.actor("rita"), "bruno", reviewer(in(week)))
	w.must(err)
	w.must(w.Erase(ctx, system, "rita"))
	if got := w.roles("bruno"); got != "" {
		t.Errorf("it outlives the person who gave it: %q", got)
	}
	_, err = w.Delegate(ctx, rita, "carla", reviewer(in(week)))
	w.code(err, "delegation_not_held")
	// Nor does it count when there is no such person.
	w.must(w.PutPerson(ctx, system, auth.Person{ID: "carla", Grants: []content.Grant{{Role: "editor", Of: "person:nobody", Until: in(week)}, {Role: "editor", Of: "person:rita", Until: in(week)}}}))
	if got := w.roles("carla"); got != "" {
		t.Error(got)
	}
	if got := w.told("person:bruno"); got != "person_made role_delegated delegation_ended role_delegated delegation_ended role_delegated delegation_ended role_delegated delegation_ended" {
		t.Error(got)
	}
}

// model says in a few lines which roles people have.
type model struct {
	now   time.Time
	own   map[[2]string]time.Time // person, role → end, zero for none
	given map[[3]string]time.Time // from, to, role → end
}

// settle forgets what is over: it does not come back.
func (m *model) settle() {
	for k, until := range m.own {
		if !until.IsZero() && !m.now.Before(until) {
			m.drop(k[0], k[1])
		}
	}
	for k, until := range m.given {
		if !m.now.Before(until) {
			delete(m.given, k)
		}
	}
}

func (m *model) drop(person, role string) {
	delete(m.own, [2]string{person, role})
	for k := range m.given {
		if k[0] == person && k[2] == role {
			delete(m.given, k)
		}
	}
}

// effective lists a person's roles, with whose they are and until when.
func (m *model) effective(person string) (out []string) {
	for k, until := range m.own {
		if k[0] == person {
			out = append(out, show(k[1], "", until))
		}
	}
	for k, until := range m.given {
		if k[1] == person {
			if own := m.own[[2]string{k[0], k[2]}]; !own.IsZero() && own.Before(until) {
				until = own
			}
			out = append(out, show(k[2], "person:"+k[0], until))
		}
	}
	slices.Sort(out)
	return out
}

func show(role, of string, until time.Time) string {
	return fmt.Sprintf("%s of %q until %d", role, of, cmp.Or(until, time.Unix(0, 0)).Unix())
}

// Any sequence of granting, ungranting, delegating and waiting gives the roles
// that the model gives.
func TestGrantsFollowTheModel(t *testing.T) {
	t.Parallel()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		w := over(t, store, &clock{now: start})
		m := &model{now: start, own: map[[2]string]time.Time{}, given: map[[3]string]time.Time{}}
		id := func(p string) string { return fmt.Sprintf("%s-%d", p, run) }
		people, roles := []string{id("a"), id("b"), id("c")}, []string{"reviewer@100", "editor", "contributor@orti"}
		for _, p := range people {
			w.person(p)
		}
		person, role := rapid.SampledFrom(people), rapid.SampledFrom(roles)
		hours := func(least int) time.Time {
			n := rapid.IntRange(least, 6).Draw(rt, "hours")
			if n == 0 {
				return time.Time{}
			}
			return m.now.Add(time.Duration(n) * time.Hour)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"grant": func(rt *rapid.T) {
				p, r, until := person.Draw(rt, "person"), role.Draw(rt, "role"), hours(0)
				g := grants(r)[0]
				g.Until = until
				if _, err := w.Grant(ctx, system, p, g); err != nil {
					rt.Fatal(err)
				}
				m.own[[2]string{p, r}] = until
			},
			"ungrant": func(rt *rapid.T) {
				p, r := person.Draw(rt, "person"), role.Draw(rt, "role")
				g := grants(r)[0]
				if _, err := w.Ungrant(ctx, system, p, g.Role, g.Scope); err != nil && !errors.Is(err, content.ErrNotFound) {
					rt.Fatal(err)
				}
				m.drop(p, r)
				for k := range m.given {
					if k[1] == p && k[2] == r {
						delete(m.given, k)
					}
				}
			},
			"delegate": func(rt *rapid.T) {
				from, to, r, until := person.Draw(rt, "from"), person.Draw(rt, "to"), role.Draw(rt, "role"), hours(1)
				g := grants(r)[0]
				g.Until = until
				_, err := w.Delegate(ctx, w.actor(from), to, g)
				own, holds := m.own[[2]string{from, r}]
				if may := holds && from != to && (own.IsZero() || !until.After(own)); may != (err == nil) {
					rt.Fatalf("%s delegates %s to %s until %s: %v", from, r, to, until, err)
				} else if may {
					m.given[[3]string{from, to, r}] = until
				}
			},
			"undelegate": func(rt *rapid.T) {
				from, to, r := person.Draw(rt, "from"), person.Draw(rt, "to"), role.Draw(rt, "role")
				g := grants(r)[0]
				if err := w.Undelegate(ctx, w.actor(from), to, g.Role, g.Scope); err != nil && !errors.Is(err, content.ErrNotFound) {
					rt.Fatal(err)
				}
				delete(m.given, [3]string{from, to, r})
			},
			"wait": func(rt *rapid.T) {
				d := time.Duration(rapid.IntRange(1, 4).Draw(rt, "hours")) * time.Hour
				w.clock.pass(d)
				m.now = m.now.Add(d)
				m.settle()
			},
			"": func(rt *rapid.T) {
				for _, p := range people {
					var got []string
					for _, g := range w.actor(p).Grants {
						got = append(got, show(g.String(), g.Of, g.Until))
					}
					slices.Sort(got)
					if want := m.effective(p); !slices.Equal(got, want) {
						rt.Fatalf("%s has\n%s\nthe model says\n%s", p, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			},
		})
	})
	w := over(t, store, &clock{now: start})
	w.verify()
}

// A delegation that is made shorter is shorter although the process dies before
// the receiver's record says so.
func TestShorterDelegationInterrupted(t *testing.T) {
	w := newWorld(t)
	w.person("rita", "reviewer@100")
	w.person("sami")
	g := content.Grant{Role: "reviewer", Scope: "100", Until: start.Add(10 * time.Hour)}
	_, err := w.Delegate(ctx, w.actor("rita"), "sami", g)
	w.must(err)
	g.Until = start.Add(time.Hour)
	_, err = over(t, &mortal{Store: w.store, left: 1}, w.clock).Delegate(ctx, w.actor("rita"), "sami", g)
	w.is(err, errDied)
	if a := w.actor("sami"); len(a.Grants) != 1 || !a.Grants[0].Until.Equal(g.Until) {
		t.Errorf("%+v", a.Grants)
	}
	w.clock.pass(2 * time.Hour)
	if got := w.roles("sami"); got != "" {
		t.Errorf("after the end that was set: %s", got)
	}
}

// What somebody lends by a token ends with the token: otherwise whoever finds
// one that is about to end keeps what it opens, in somebody else's name.
func TestDelegationByToken(t *testing.T) {
	w := newWorld(t)
	w.person("rita", "reviewer@100")
	w.person("sami")
	secret, token, err := w.CreateToken(ctx, w.actor("rita"), auth.NewToken{Person: "rita", Grants: grants("reviewer@100"), Life: time.Hour})
	w.must(err)
	by, err := w.AuthenticateToken(ctx, secret)
	w.must(err)
	g := content.Grant{Role: "reviewer", Scope: "100", Until: token.ExpiresAt.Add(time.Millisecond)}
	_, err = w.Delegate(ctx, by, "sami", g)
	w.code(err, "delegation_end")
	if got := w.roles("sami"); got != "" {
		t.Errorf("lent: %s", got)
	}
	g.Until = token.ExpiresAt
	_, err = w.Delegate(ctx, by, "sami", g)
	w.must(err)
	if got := w.roles("sami"); got != "reviewer@100" {
		t.Errorf("lent: %s", got)
	}
}

// Roles from a provider's claims count for a while after the last login there: who
// is disabled at the provider never logs in again, and tokens ask for no login.
func TestMappedRolesEnd(t *testing.T) {
	w := newWorld(t)
	configured := []string{"spid", "other"}
	w.Auth = auth.New(w.ledger, auth.Options{Clock: w.clock.Now, Mapped: 10 * day, Providers: func() []string { return configured }})
	w.person("rita")
	in := login("s1", "", false)
	in.Grants = grants("reviewer@100", "administrator")
	sign := func() auth.Person {
		t.Helper()
		p, err := w.SignIn(ctx, in, "")
		w.must(err)
		return p
	}
	p := sign()
	_, err := w.Grant(ctx, system, p.ID, content.Grant{Role: "translator", Scope: "ar"})
	w.must(err)
	_, err = w.Delegate(ctx, w.actor(p.ID), "rita", content.Grant{Role: "reviewer", Scope: "100", Until: start.Add(100 * day)})
	w.must(err)
	token, _, err := w.CreateToken(ctx, w.actor(p.ID), auth.NewToken{Person: p.ID, Grants: grants("reviewer@100"), Life: 100 * day})
	w.must(err)
	lent := "reviewer@100"
	hold := func(when string, holds bool) {
		t.Helper()
		want, own := "translator@ar", ""
		if holds {
			want, own = "reviewer@100 administrator translator@ar", "reviewer@100"
		} else {
			lent = "" // and what ended does not come back
		}
		if got := w.roles(p.ID); got != want {
			t.Errorf("%s: %q", when, got)
		}
		if got := w.roles("rita"); got != lent {
			t.Errorf("%s: lent %q", when, got)
		}
		w.clock.pass(3 * time.Second) // what was remembered is forgotten
		if a, err := w.AuthenticateToken(ctx, token); err != nil || roles(a) != own {
			t.Errorf("%s: the token has %q, %v", when, roles(a), err)
		}
		if _, needed, err := w.FirstLink(ctx); err != nil || needed == holds {
			t.Errorf("%s: an administrator is needed: %t, %v", when, needed, err)
		}
	}
	hold("at first", true)
	w.clock.pass(9 * day)
	hold("after nine days", true)
	other := login("s1", "", false)
	other.Provider = "other" // says nothing of roles
	_, err = w.SignIn(ctx, other, "")
	w.must(err)
	w.clock.pass(day)
	hold("after ten days", false)
	sign()
	hold("after a login", true)
	w.clock.pass(9 * day)
	sign()
	w.clock.pass(9 * day)
	hold("nine days after the last login", true)
	configured = []string{"other"}
	w.clock.pass(3 * time.Second)
	hold("without the provider", false)
	configured = append(configured, "spid")
	w.clock.pass(3 * time.Second)
	hold("with it", true)
	if got := w.told("person:" + p.ID); strings.Count(got, "roles_mapped") != 1 {
		t.Errorf("a login that changes no role is told of: %s", got)
	}
	// A login just before the end counts in full.
	w.clock.pass(9*day - time.Minute)
	sign()
	w.clock.pass(7*day + 12*time.Hour)
	hold("long after the login before", true)
}

// The last administrator by hand is not let go for one whose role by a claim has
// run out.
func TestLapsedAdministratorIsNone(t *testing.T) {
	w := newWorld(t)
	w.person("dario", "administrator")
	in := login("s1", "", false)
	in.Grants = grants("administrator")
	_, err := w.SignIn(ctx, in, "")
	w.must(err)
	w.clock.pass(30 * day)
	_, err = w.Ungrant(ctx, system, "dario", "administrator", "")
	w.code(err, "last_administrator")
	_, err = w.SignIn(ctx, in, "")
	w.must(err)
	_, err = w.Ungrant(ctx, system, "dario", "administrator", "")
	w.must(err)
}

// What the caller handed in stays as it was.
func TestPutPersonKeepsTheCallersGrants(t *testing.T) {
	w := newWorld(t)
	mine := []content.Grant{{Role: "editor", Until: time.Now().Add(time.Hour)}}
	was := mine[0]
	w.must(w.PutPerson(ctx, system, auth.Person{ID: "carla", Grants: mine}))
	if mine[0] != was {
		t.Errorf("got %+v, handed in %+v", mine[0], was)
	}
}
