package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

func TestSessionBeginsAndEnds(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "contributor@orti")
	if _, _, err := w.StartSession(ctx, auth.NewSession{Person: "nobody"}); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("a session for nobody: %v", err)
	}
	secret, s, err := w.StartSession(ctx, auth.NewSession{
		Person: "amina", Provider: "spid", Issuer: "https://id.example", Subject: "s1", SID: "sid1",
		IDToken: "head.claims.signature", Agent: "Firefox, Android", Address: "192.0.2.7",
	})
	w.must(err)
	actor, err := w.AuthenticateSession(ctx, secret)
	w.must(err)
	if actor.ID != "person:amina" || actor.Via != "session" || roles(actor) != "contributor@orti" || actor.Name != "Name of amina" {
		t.Errorf("%+v", actor)
	}
	if got, err := w.Session(ctx, secret); err != nil || got != s || got.Address != "192.0.2.7" || got.Agent != "Firefox, Android" {
		t.Errorf("%+v %v", got, err)
	}
	// What is stored opens nothing.
	for _, dump := range records(w) {
		for _, shown := range []string{secret, secret[20:], "head.claims.signature", "claims"} {
			if strings.Contains(dump, shown) {
				t.Errorf("%q is stored: %s", shown, dump)
			}
		}
	}
	ended, idToken, err := w.EndSession(ctx, secret)
	if err != nil || ended.ID != s.ID || ended.Provider != "spid" || idToken != "head.claims.signature" {
		t.Errorf("%+v %q %v", ended, idToken, err)
	}
	_, err = w.AuthenticateSession(ctx, secret)
	w.is(err, auth.ErrInvalid)
	if ended, idToken, err := w.EndSession(ctx, secret); err != nil || ended.ID != "" || idToken != "" {
		t.Errorf("ending twice: %+v %q %v", ended, idToken, err)
	}
	if got := w.told("person:amina"); got != "person_made signed_in signed_out" {
		t.Error(got)
	}
	entries, err := w.ledger.Entries(ctx, "person:amina", 1, 1)
	w.must(err)
	e := entries[0]
	if e.Via != "provider:spid" || e.Details["session"] != s.ID || e.Details["provider"] != "spid" || e.Actor != "person:amina" {
		t.Errorf("%+v", e)
	}
	if address, err := w.ledger.TraceAddress(ctx, e.Trace); err != nil || address != "192.0.2.7" {
		t.Error(address, err)
	}
}

// A secret that is wrong in any way is no session, and ends none.
func TestSessionSecretsAreWhole(t *testing.T) {
	w := newWorld(t)
	w.person("amina")
	secret, other := w.login("amina"), w.login("amina")
	flip := func(i int) string {
		b := []byte(secret)
		if b[i]++; b[i] > 'z' || b[i] == ':' || b[i] == '[' {
			b[i] = 'b'
		}
		return string(b)
	}
	bad := []string{"", "x", secret[:len(secret)-1], secret + "a", strings.Repeat("a", len(secret)), secret[:20] + other[20:],
		other[:20] + secret[20:], strings.Repeat("é", len(secret)/2) + "a", secret[:20], strings.ToUpper(secret), strings.Repeat("a", 1<<20)}
	for i := range secret {
		bad = append(bad, flip(i))
	}
	for _, b := range bad {
		if got, err := w.AuthenticateSession(ctx, b); !errors.Is(err, auth.ErrInvalid) || !got.Anonymous() {
			t.Errorf("%.80q: %+v %v", b, got, err)
		}
		if _, err := w.Session(ctx, b); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("%.80q: %v", b, err)
		}
		if s, _, err := w.EndSession(ctx, b); err != nil || s.ID != "" {
			t.Errorf("%.80q ends %+v %v", b, s, err)
		}
	}
	_, err := w.AuthenticateSession(ctx, secret)
	w.must(err)
}

func TestSessionLimits(t *testing.T) {
	// alive asks at each of those times after the login and wants the last answer.
	for name, c := range map[string]struct {
		ask  []time.Duration
		want bool
	}{
		"just before the idle limit":     {[]time.Duration{auth.DefaultIdle - time.Millisecond}, true},
		"at the idle limit":              {[]time.Duration{auth.DefaultIdle}, false},
		"seen, then idle":                {[]time.Duration{time.Hour, time.Hour + auth.DefaultIdle - time.Millisecond}, true},
		"seen, then idle too long":       {[]time.Duration{time.Hour, time.Hour + auth.DefaultIdle}, false},
		"busy before the absolute limit": {busy(auth.DefaultAbsolute - time.Millisecond), true},
		"busy at the absolute limit":     {busy(auth.DefaultAbsolute), false},
		"a clock that went back":         {[]time.Duration{time.Hour, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.person("amina")
			secret := w.login("amina")
			var err error
			for _, at := range c.ask {
				w.clock.set(start.Add(at))
				_, err = w.AuthenticateSession(ctx, secret)
			}
			if (err == nil) != c.want || err != nil && !errors.Is(err, auth.ErrInvalid) {
				t.Error(err)
			}
		})
	}
}

// busy asks every quarter of an hour, and last at the end.
func busy(end time.Duration) (out []time.Duration) {
	for at := time.Duration(0); at < end; at += 15 * time.Minute {
		out = append(out, at)
	}
	return append(out, end)
}

// Being seen is written seldom, and never brings back what has ended.
func TestSessionSeen(t *testing.T) {
	w := newWorld(t)
	w.person("amina")
	secret := w.login("amina")
	writes := 0
	last := start
	for range 120 {
		w.clock.pass(30 * time.Second)
		_, err := w.AuthenticateSession(ctx, secret)
		w.must(err)
		s, err := w.Session(ctx, secret)
		w.must(err)
		if !s.SeenAt.Equal(last) {
			writes++
			last = s.SeenAt
		}
		if behind := w.clock.Now().Sub(s.SeenAt); behind >= 5*time.Minute {
			t.Fatalf("seen %s ago", behind)
		}
	}
	if writes != 12 {
		t.Errorf("%d writes in an hour, want 12", writes)
	}
	// Many processes see it at the same moment as one ends it.
	for range 20 {
		secret := w.login("amina")
		w.clock.pass(6 * time.Minute)
		_, _ = race(8, func(i int) error {
			if i == 7 {
				_, _, err := w.EndSession(ctx, secret)
				return err
			}
			_, err := w.process().AuthenticateSession(ctx, secret)
			return err
		})
		if _, err := w.process().AuthenticateSession(ctx, secret); !errors.Is(err, auth.ErrInvalid) {
			t.Fatal("a session came back")
		}
		if _, err := w.AuthenticateSession(ctx, secret); !errors.Is(err, auth.ErrInvalid) {
			t.Fatal("a session is remembered")
		}
	}
}

func TestLoginReplacesTheSessionBefore(t *testing.T) {
	w := newWorld(t)
	w.person("amina")
	w.person("bruno")
	old := w.login("amina")
	_, err := w.AuthenticateSession(ctx, old) // remembered
	w.must(err)
	next, _, err := w.StartSession(ctx, auth.NewSession{Person: "bruno", Replaces: old})
	w.must(err)
	_, err = w.AuthenticateSession(ctx, old)
	w.is(err, auth.ErrInvalid)
	actor, err := w.AuthenticateSession(ctx, next)
	if err != nil || actor.ID != "person:bruno" {
		t.Error(actor, err)
	}
	if _, _, err := w.StartSession(ctx, auth.NewSession{Person: "bruno", Replaces: "something else"}); err != nil {
		t.Error(err)
	}
}

func TestSessionsOfAPerson(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		for _, p := range []string{"amina", "bruno", "carla"} {
			w.person(p)
			w.login(p)
			w.clock.pass(time.Minute)
		}
		var secrets []string
		for range auth.MaxSessions + 3 {
			w.clock.pass(time.Second)
			secrets = append(secrets, w.login("bruno"))
		}
		list, err := w.Sessions(ctx, "bruno")
		w.must(err)
		if len(list) != auth.MaxSessions {
			t.Fatalf("%d sessions", len(list))
		}
		for i, s := range list {
			if s.Person != "bruno" || i > 0 && !s.CreatedAt.Before(list[i-1].CreatedAt) {
				t.Errorf("%d: %+v", i, s)
			}
		}
		for i, secret := range secrets {
			_, err := w.AuthenticateSession(ctx, secret)
			if ended := i < 3; (err != nil) != ended {
				t.Errorf("session %d: %v", i, err)
			}
		}
		// Of many logins at once, the most remain.
		won, errs := race(32, func(int) error {
			_, _, err := w.process().StartSession(ctx, auth.NewSession{Person: "bruno"})
			return err
		})
		if won != 32 {
			t.Errorf("%d of 32 logins: %v", won, errs)
		}
		if list, _ = w.Sessions(ctx, "bruno"); len(list) != auth.MaxSessions {
			t.Errorf("%d sessions after many at once", len(list))
		}
		// One is ended from the list; only a session of that person.
		w.is(w.EndSessionOf(ctx, system, "carla", list[0].ID), content.ErrNotFound)
		w.is(w.EndSessionOf(ctx, system, "bruno", "../../etc"), content.ErrNotFound)
		w.code(w.EndSessionOf(ctx, content.Actor{}, "bruno", list[0].ID), "unauthenticated")
		w.must(w.EndSessionOf(ctx, system, "bruno", list[0].ID))
		w.is(w.EndSessionOf(ctx, system, "bruno", list[0].ID), content.ErrNotFound)
		for _, p := range []string{"amina", "carla"} {
			if list, err := w.Sessions(ctx, p); err != nil || len(list) != 1 {
				t.Errorf("%s: %d sessions %v", p, len(list), err)
			}
		}
		w.verify()
	})
}

// What a process revokes ends at once in it, and within two seconds in others;
// so do roles.
func TestRevocationIsFelt(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "editor")
	w.person("bruno", "reviewer@100")
	other := w.process()
	secret := w.login("amina")
	token, tok, err := w.CreateToken(ctx, system, auth.NewToken{Name: "n", Person: "amina", Grants: []content.Grant{{Role: "editor"}}, Life: time.Hour})
	w.must(err)
	ask := func(w *world) (string, error) {
		t.Helper()
		s, err := w.AuthenticateSession(ctx, secret)
		k, err2 := w.AuthenticateToken(ctx, token)
		if roles(s) != roles(k) {
			t.Errorf("session %s, token %s", roles(s), roles(k))
		}
		return roles(s), errors.Join(err, err2)
	}
	for _, w := range []*world{w, other} {
		if got, err := ask(w); got != "editor" || err != nil {
			t.Fatal(got, err)
		}
	}
	if _, err := w.Ungrant(ctx, system, "amina", "editor", ""); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(w); got != "" || err != nil {
		t.Error("the role is remembered here", got, err)
	}
	w.clock.pass(2*time.Second - time.Millisecond)
	if got, _ := ask(other); got != "editor" {
		t.Errorf("nothing was remembered there: this test shows nothing (%q)", got)
	}
	w.clock.pass(time.Millisecond)
	if got, err := ask(other); got != "" || err != nil {
		t.Error("the role is remembered there", got, err)
	}
	_, _, err = w.EndSession(ctx, secret)
	w.must(err)
	w.must(w.RevokeToken(ctx, system, tok.ID))
	_, err = w.AuthenticateSession(ctx, secret)
	w.is(err, auth.ErrInvalid)
	_, err = w.AuthenticateToken(ctx, token)
	w.is(err, auth.ErrInvalid)
	w.clock.pass(2 * time.Second)
	_, err = other.AuthenticateSession(ctx, secret)
	w.is(err, auth.ErrInvalid)
	_, err = other.AuthenticateToken(ctx, token)
	w.is(err, auth.ErrInvalid)
}

// A logout that is told again ends what it was to end, and nothing newer.
func TestBackChannelLogoutAgain(t *testing.T) {
	w := newWorld(t)
	p, err := w.SignIn(ctx, login("s1", "", false), "")
	w.must(err)
	begin := func() string {
		secret, _, err := w.StartSession(ctx, auth.NewSession{Person: p.ID, Provider: "spid", Issuer: "https://id.example", Subject: "s1"})
		w.must(err)
		return secret
	}
	older := begin()
	w.clock.pass(time.Second)
	told, newer := w.clock.Now(), begin()
	if n, err := w.EndSessions(ctx, "https://id.example", "s1", "", told); n != 1 || err != nil {
		t.Errorf("%d ended, %v", n, err)
	}
	_, err = w.AuthenticateSession(ctx, older)
	w.is(err, auth.ErrInvalid)
	_, err = w.AuthenticateSession(ctx, newer)
	w.must(err)
}

func TestBackChannelLogout(t *testing.T) {
	w := newWorld(t)
	const issuer = "https://id.example"
	people := map[string]string{}
	for _, s := range []string{"s1", "s2"} {
		p, err := w.SignIn(ctx, auth.SignIn{Provider: "spid", Issuer: issuer, Subject: s}, "")
		w.must(err)
		people[s] = p.ID
	}
	begin := func(subject, sid, issuer string) string {
		secret, _, err := w.StartSession(ctx, auth.NewSession{Person: people[subject], Provider: "spid", Issuer: issuer, Subject: subject, SID: sid})
		w.must(err)
		return secret
	}
	for _, c := range []struct {
		issuer, subject, sid string
		ends                 string // which of the six sessions
	}{
		{issuer, "", "a", "0"},
		{issuer, "s1", "a", "05"}, // and that of which the provider gave no name
		{issuer, "s1", "", "015"},
		{issuer, "s2", "", "2"},
		{issuer, "s2", "a", ""},
		{issuer, "s3", "", ""},
		{issuer, "", "nothing", ""},
		{issuer, "", "", ""},
		{"", "s1", "a", ""},
		{"https://other.example", "s1", "", ""},
		{"https://other.example", "", "a", "3"},
	} {
		secrets := []string{begin("s1", "a", issuer), begin("s1", "b", issuer), begin("s2", "c", issuer), begin("s1", "a", "https://other.example"), begin("s2", "", ""), begin("s1", "", issuer)}
		n, err := w.EndSessions(ctx, c.issuer, c.subject, c.sid, time.Time{})
		if err != nil || n != len(c.ends) {
			t.Errorf("%+v: ended %d, %v", c, n, err)
		}
		ended := ""
		for i, s := range secrets {
			if _, err := w.AuthenticateSession(ctx, s); err != nil {
				ended += string(rune('0' + i))
			}
			if _, _, err := w.EndSession(ctx, s); err != nil {
				t.Error(err)
			}
		}
		if ended != c.ends {
			t.Errorf("%+v: ended %q", c, ended)
		}
	}
	if got := w.told("person:" + people["s2"]); strings.Count(got, "sessions_ended_by_provider") != 1 {
		t.Error(got)
	}
}

func TestFormTokens(t *testing.T) {
	w := newWorld(t)
	w.person("amina")
	one, other := w.login("amina"), w.login("amina")
	token := w.FormToken(one)
	if again := w.FormToken(one); again == token || !w.CheckForm(one, again) || !w.process().CheckForm(one, token) {
		t.Error("form tokens of one session are all different and all good, everywhere")
	}
	for _, bad := range []string{"", token[:len(token)-1], token + "A", w.FormToken(other), "A" + token[1:], strings.Repeat("A", len(token)), one} {
		if bad != token && w.CheckForm(one, bad) {
			t.Errorf("%q was taken", bad)
		}
	}
	if w.CheckForm(other, token) || w.CheckForm("", token) || w.CheckForm("", "") || w.FormToken("") != "" || w.FormToken("short") != "" {
		t.Error("a form token of another session, or of none")
	}
}

// A check that began before a session ended remembers nothing of it.
func TestRevocationDuringACheck(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "editor")
	secret := w.login("amina")
	slow := &hooked{Store: w.store}
	p := over(t, slow, w.clock)
	slow.before = func(kind string) {
		if kind != "person" {
			return
		}
		slow.before = nil
		if _, _, err := p.EndSession(ctx, secret); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.AuthenticateSession(ctx, secret); err != nil || slow.before != nil {
		t.Fatal("nothing came in between", err)
	}
	_, err := p.AuthenticateSession(ctx, secret)
	w.is(err, auth.ErrInvalid)
}

// hooked is a store that lets something happen before a record is read.
type hooked struct {
	content.Store
	before func(kind string)
}

func (h *hooked) GetRecord(ctx context.Context, kind, id string) (*content.Record, error) {
	if h.before != nil {
		h.before(kind)
	}
	return h.Store.GetRecord(ctx, kind, id)
}

// A session in which something is done every now and then does not end by the
// idle limit, however short an operator makes it.
func TestShortIdle(t *testing.T) {
	w := newWorld(t)
	w.person("bruno", "editor")
	for _, idle := range []time.Duration{time.Minute, 5 * time.Minute, 11 * time.Minute} {
		w.Auth = auth.New(w.ledger, auth.Options{Clock: w.clock.Now, Idle: idle})
		secret := w.login("bruno")
		for i := range 20 {
			w.clock.pass(idle / 2)
			if _, err := w.AuthenticateSession(ctx, secret); err != nil {
				t.Fatalf("idle %s: %v after %d requests", idle, err, i)
			}
		}
		w.clock.pass(idle)
		_, err := w.AuthenticateSession(ctx, secret)
		w.is(err, auth.ErrInvalid)
	}
}
