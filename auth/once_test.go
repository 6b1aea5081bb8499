package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
)

func TestOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		firsts := make([]bool, 32)
		won, errs := race(len(firsts), func(i int) (err error) {
			firsts[i], err = w.process().Once(ctx, "code", "the-secret-code", start.Add(time.Minute))
			return err
		})
		if won != len(firsts) || strings.Count(fmt.Sprint(firsts), "true") != 1 {
			t.Error(firsts, errs)
		}
		for key, want := range map[[2]string]bool{{"code", "the-secret-code"}: false, {"state", "the-secret-code"}: true, {"code", "another"}: true, {"code", ""}: true} {
			if first, err := w.Once(ctx, key[0], key[1], start); err != nil || first != want {
				t.Error(key, first, err)
			}
		}
		rows, err := w.store.ListRecords(ctx, "once", "", 0)
		w.must(err)
		for _, r := range rows {
			if strings.Contains(r.ID+string(r.Data), "secret") {
				t.Errorf("the key is stored: %s %s", r.ID, r.Data)
			}
		}
	})
}

func TestKey(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		keys := make([][32]byte, 16)
		won, errs := race(len(keys), func(i int) (err error) {
			keys[i], err = w.process().Key(ctx, "oidc")
			return err
		})
		if won != len(keys) {
			t.Fatal(errs)
		}
		for _, k := range keys {
			if k != keys[0] || k == [32]byte{} {
				t.Fatal("the processes have different keys, or none")
			}
		}
		if other, err := w.Key(ctx, "other"); err != nil || other == keys[0] {
			t.Error("two names, one key", err)
		}
		if got := w.told("key:oidc"); got != "key_made" {
			t.Error(got)
		}
	})
}

func TestPurge(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "editor")
	purge := func(want string) {
		t.Helper()
		var got []string
		for _, p := range w.Purgers() {
			n, err := p.Purge(ctx, w.clock.Now().Add(-24*time.Hour))
			w.must(err)
			got = append(got, fmt.Sprint(p.Kind(), " ", n))
		}
		want += ", people_without_role 0, invitations 0"
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	w.login("amina")
	_, lasting, err := w.CreateToken(ctx, system, auth.NewToken{Grants: grants("editor"), Life: auth.MaxTokenLife})
	w.must(err)
	_, revoked, err := w.CreateToken(ctx, system, auth.NewToken{Grants: grants("editor"), Life: auth.MaxTokenLife})
	w.must(err)
	_, _, err = w.CreateToken(ctx, system, auth.NewToken{Grants: grants("editor"), Life: time.Hour})
	w.must(err)
	w.must(w.RevokeToken(ctx, system, revoked.ID))
	used, err := w.CreateLink(ctx, system, "amina", auth.MaxLinkLife)
	w.must(err)
	_, err = w.UseLink(ctx, used)
	w.must(err)
	_, err = w.CreateLink(ctx, system, "amina", time.Hour)
	w.must(err)
	waiting, err := w.CreateLink(ctx, system, "amina", auth.MaxLinkLife)
	w.must(err)
	_, err = w.Once(ctx, "code", "a", start.Add(time.Hour))
	w.must(err)
	_, err = w.Once(ctx, "code", "b", start.Add(100*time.Hour))
	w.must(err)
	w.clock.pass(24 * time.Hour)
	purge("sessions 0, tokens 0, links 0, once 0") // what ended is kept for a while
	w.clock.pass(time.Millisecond)
	purge("sessions 0, tokens 1, links 1, once 0")
	w.clock.pass(auth.DefaultIdle)
	fresh := w.login("amina") // which forgets those that are over
	purge("sessions 0, tokens 1, links 1, once 1")
	purge("sessions 0, tokens 0, links 0, once 0")
	_, err = w.AuthenticateSession(ctx, fresh)
	w.must(err)
	w.clock.pass(24*time.Hour + auth.DefaultIdle)
	purge("sessions 0, tokens 0, links 0, once 0")
	w.clock.pass(time.Millisecond)
	purge("sessions 1, tokens 0, links 0, once 0")
	if _, err := w.LinkPerson(ctx, waiting); err != nil {
		t.Error(err)
	}
	if list, err := w.Tokens(ctx, "", 0); err != nil || len(list) != 1 || list[0].ID != lasting.ID {
		t.Errorf("%+v %v", list, err)
	}
	w.verify()
}
