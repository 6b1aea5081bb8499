package auth_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

func grants(roles ...string) (out []content.Grant) {
	for _, r := range roles {
		role, scope, _ := strings.Cut(r, "@")
		out = append(out, content.Grant{Role: role, Scope: scope})
	}
	return out
}

// The expression that the package's documentation gives to scanners.
var tokenShape = regexp.MustCompile(`^prassi_[0-9A-Za-z]{69}$`)

func TestTokenLife(t *testing.T) {
	w := newWorld(t)
	secret, tok, err := w.CreateToken(ctx, system, auth.NewToken{Name: "tests", Partner: "library", Grants: grants("editor", "reviewer@100"), Life: time.Hour})
	w.must(err)
	if !tokenShape.MatchString(secret) || !strings.Contains(secret, tok.ID) {
		t.Fatal(secret, tok.ID)
	}
	actor, err := w.AuthenticateToken(ctx, secret)
	if err != nil || actor.ID != "token:"+tok.ID || actor.Via != actor.ID || roles(actor) != "editor reviewer@100" {
		t.Fatalf("%+v %v", actor, err)
	}
	for _, dump := range records(w) {
		if strings.Contains(dump, secret[len(auth.TokenPrefix)+20:]) {
			t.Error("the secret is stored")
		}
	}
	bad := []string{"", "prassi_", secret[:len(secret)-1], secret + "x", "Bearer " + secret, strings.ToUpper(secret), strings.Repeat("a", 10_000), " " + secret,
		"prassi_../" + secret[10:], tok.ID}
	for i := range secret {
		b := []byte(secret)
		if b[i]++; b[i] == 'z'+1 || b[i] == '9'+1 || b[i] == 'Z'+1 {
			b[i] = 'A'
		}
		bad = append(bad, string(b))
	}
	// A guess with the right id and the right checksum.
	guess := auth.TokenPrefix + tok.ID + strings.Repeat("a", 43)
	guess += base62(crc32.ChecksumIEEE([]byte(guess)))
	if whole := secret[:len(secret)-6]; base62(crc32.ChecksumIEEE([]byte(whole))) != secret[len(secret)-6:] {
		t.Error("the checksum is not the one that the documentation tells of")
	}
	bad = append(bad, guess)
	for _, b := range bad {
		if got, err := w.AuthenticateToken(ctx, b); !errors.Is(err, auth.ErrInvalid) || !got.Anonymous() {
			t.Errorf("%.90q: %+v %v", b, got, err)
		}
	}
	w.clock.pass(time.Hour - time.Millisecond)
	_, err = w.AuthenticateToken(ctx, secret)
	w.must(err)
	w.clock.pass(time.Millisecond)
	_, err = w.AuthenticateToken(ctx, secret)
	w.is(err, auth.ErrInvalid)
	if got := w.told("token:" + tok.ID); got != "token_made" {
		t.Error(got)
	}
}

// base62 writes a checksum as the package's documentation says.
func base62(x uint32) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 6)
	for i := range out {
		out[5-i] = digits[x%62]
		x /= 62
	}
	return string(out)
}

// A typing error is refused without asking the store.
func TestTokenChecksum(t *testing.T) {
	w := newWorld(t)
	secret, _, err := w.CreateToken(ctx, system, auth.NewToken{Grants: grants("editor"), Life: time.Hour})
	w.must(err)
	w.must(w.store.Close())
	swapped := []byte(secret)
	swapped[40], swapped[41] = swapped[41], swapped[40]
	if swapped[40] == swapped[41] {
		swapped[40] = swapped[40]%10 + 'A'
	}
	_, err = w.AuthenticateToken(ctx, string(swapped))
	w.is(err, auth.ErrInvalid)
	if _, err = w.AuthenticateToken(ctx, secret); err == nil || errors.Is(err, auth.ErrInvalid) {
		t.Errorf("the store was not asked for a whole token: %v", err)
	}
}

func TestTokenUse(t *testing.T) {
	w := newWorld(t)
	secret, tok, err := w.CreateToken(ctx, system, auth.NewToken{Grants: grants("editor"), Life: 24 * time.Hour})
	w.must(err)
	writes, last := 0, time.Time{}
	for range 120 {
		w.clock.pass(30 * time.Second)
		_, err := w.AuthenticateToken(ctx, secret)
		w.must(err)
		got, err := w.Token(ctx, tok.ID)
		w.must(err)
		if !got.UsedAt.Equal(last) {
			last, writes = got.UsedAt, writes+1
		}
	}
	if writes != 6 {
		t.Errorf("%d writes in an hour, want 6", writes)
	}
	won, errs := race(16, func(int) error {
		w := w.process()
		w.clock.pass(20 * time.Minute)
		_, err := w.AuthenticateToken(ctx, secret)
		return err
	})
	if won != 16 {
		t.Error(errs)
	}
	if got := w.told("token:" + tok.ID); got != "token_made" {
		t.Errorf("using a token is no change: %s", got)
	}
}

func TestTokenRefusals(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "contributor@orti", "editor")
	w.person("bruno", "administrator")
	amina, bruno := w.actor("amina"), w.actor("bruno")
	narrow := amina
	narrow.Grants, narrow.Via = grants("contributor@orti"), "token:x"
	day := 24 * time.Hour
	for _, c := range []struct {
		by   content.Actor
		n    auth.NewToken
		code string
	}{
		{content.Actor{}, auth.NewToken{Grants: grants("editor"), Life: day}, "unauthenticated"},
		{bruno, auth.NewToken{Grants: grants("editor")}, "token_life"},
		{bruno, auth.NewToken{Grants: grants("editor"), Life: -day}, "token_life"},
		{bruno, auth.NewToken{Grants: grants("editor"), Life: auth.MaxTokenLife + 1}, "token_life"},
		{bruno, auth.NewToken{Life: day}, "token_roles"},
		{bruno, auth.NewToken{Name: "a\nb", Grants: grants("editor"), Life: day}, "token_name"},
		{bruno, auth.NewToken{Name: strings.Repeat("x", 201), Grants: grants("editor"), Life: day}, "token_name"},
		{bruno, auth.NewToken{Partner: "p\u202ex", Grants: grants("editor"), Life: day}, "token_name"},
		{bruno, auth.NewToken{Partner: strings.Repeat("x", 201), Grants: grants("editor"), Life: day}, "token_name"},
		{amina, auth.NewToken{Person: "amina", Grants: grants("administrator"), Life: day}, "token_role_not_held"},
		{amina, auth.NewToken{Person: "amina", Grants: grants("contributor@semi"), Life: day}, "token_role_not_held"},
		{narrow, auth.NewToken{Person: "amina", Grants: grants("editor"), Life: day}, "token_role_not_held"},
		{bruno, auth.NewToken{Person: "amina", Grants: grants("editor"), Life: day}, "forbidden"},
		{amina, auth.NewToken{Person: "bruno", Grants: grants("editor"), Life: day}, "forbidden"},
	} {
		_, _, err := w.CreateToken(ctx, c.by, c.n)
		w.code(err, c.code)
	}
	_, _, err := w.CreateToken(ctx, system, auth.NewToken{Person: "nobody", Grants: grants("editor"), Life: day})
	w.is(err, content.ErrNotFound)
	for range auth.MaxTokens {
		_, _, err := w.CreateToken(ctx, amina, auth.NewToken{Person: "amina", Grants: grants("editor"), Life: day})
		w.must(err)
	}
	_, _, err = w.CreateToken(ctx, amina, auth.NewToken{Person: "amina", Grants: grants("editor"), Life: day})
	w.code(err, "too_many_tokens")
	w.clock.pass(day)
	_, _, err = w.CreateToken(ctx, amina, auth.NewToken{Person: "amina", Grants: grants("editor"), Life: day})
	w.must(err)
}

// A personal token acts as the person with what both the token and the person
// have now.
func TestPersonalToken(t *testing.T) {
	w := newWorld(t)
	w.person("amina", "contributor@orti", "editor")
	w.person("bruno", "reviewer@100")
	secret, tok, err := w.CreateToken(ctx, w.actor("amina"), auth.NewToken{Name: "t", Person: "amina", Grants: grants("contributor@orti"), Life: 48 * time.Hour})
	w.must(err)
	check := func(want string) {
		t.Helper()
		actor, err := w.AuthenticateToken(ctx, secret)
		w.must(err)
		if actor.ID != "person:amina" || actor.Via != "token:"+tok.ID || roles(actor) != want {
			t.Errorf("%+v, want %q", actor, want)
		}
	}
	check("contributor@orti")
	_, err = w.Grant(ctx, system, "amina", content.Grant{Role: "administrator"})
	w.must(err)
	check("contributor@orti")
	_, err = w.Ungrant(ctx, system, "amina", "contributor", "orti")
	w.must(err)
	check("")
	end := w.clock.Now().Add(time.Hour)
	_, err = w.Grant(ctx, system, "amina", content.Grant{Role: "contributor", Scope: "orti", Until: end})
	w.must(err)
	check("contributor@orti")
	if actor, _ := w.AuthenticateToken(ctx, secret); !actor.Grants[0].Until.Equal(end) {
		t.Errorf("%+v", actor.Grants)
	}
	w.clock.pass(time.Hour)
	check("")
	// Lists tell them apart, and revoked ones stay.
	for i := range 5 {
		_, _, err := w.CreateToken(ctx, system, auth.NewToken{Name: fmt.Sprint(i), Partner: "p", Grants: grants("editor"), Life: time.Hour})
		w.must(err)
		_, _, err = w.CreateToken(ctx, w.actor("bruno"), auth.NewToken{Person: "bruno", Grants: grants("reviewer@100"), Life: time.Hour})
		w.must(err)
	}
	w.must(w.RevokeToken(ctx, system, tok.ID))
	w.is(w.RevokeToken(ctx, system, tok.ID), content.ErrNotFound)
	w.is(w.RevokeToken(ctx, system, "nothing"), content.ErrNotFound)
	w.is(w.RevokeToken(ctx, system, strings.Repeat("a", len(tok.ID))), content.ErrNotFound)
	w.code(w.RevokeToken(ctx, content.Actor{}, tok.ID), "unauthenticated")
	_, err = w.AuthenticateToken(ctx, secret)
	w.is(err, auth.ErrInvalid)
	mine, err := w.TokensOf(ctx, "amina")
	if err != nil || len(mine) != 1 || mine[0].RevokedAt.IsZero() {
		t.Errorf("%+v %v", mine, err)
	}
	if list, err := w.TokensOf(ctx, "bruno"); err != nil || len(list) != 5 {
		t.Errorf("%d %v", len(list), err)
	}
	if all, err := w.Tokens(ctx, "", 0); err != nil || len(all) != 11 {
		t.Errorf("%d %v", len(all), err)
	}
	page, err := w.Tokens(ctx, "", 4)
	w.must(err)
	next, err := w.Tokens(ctx, page[3].ID, 4)
	if err != nil || len(next) != 4 || next[0].ID <= page[3].ID {
		t.Error(next, err)
	}
	if got := w.told("token:" + tok.ID); got != "token_made token_ended" {
		t.Error(got)
	}
}
