package auth_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
)

var ctx = context.Background()

func setup(t *testing.T) (*auth.Auth, content.Store, *time.Time) {
	t.Helper()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return auth.New(store, func() time.Time { return now }), store, &now
}

func TestTokenLife(t *testing.T) {
	a, store, now := setup(t)
	grants := []content.Grant{{Role: "editor"}}
	secret, tok, err := a.CreateToken(ctx, "tests", grants, time.Hour)
	if err != nil || !strings.HasPrefix(secret, auth.TokenPrefix) {
		t.Fatal(secret, err)
	}
	actor, err := a.AuthenticateToken(ctx, secret)
	if err != nil || actor.ID != "token:"+tok.ID || !slices.Equal(actor.Grants, grants) {
		t.Fatalf("%+v %v", actor, err)
	}
	// What is stored does not hold the secret.
	r, err := store.GetRecord(ctx, "token", tok.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, tail, _ := strings.Cut(secret, "."); strings.Contains(string(r.Data), tail) {
		t.Error("the secret is stored")
	}
	id := strings.TrimSuffix(secret, secret[strings.Index(secret, "."):])
	for _, bad := range []string{"", "prassi_", secret[:len(secret)-1], secret + "x", id + ".", id + "." + strings.Repeat("A", 43), "Bearer " + secret, "prassi_../x.y", strings.ToUpper(secret), strings.Repeat("a", 10_000)} {
		if got, err := a.AuthenticateToken(ctx, bad); !errors.Is(err, auth.ErrInvalid) || !got.Anonymous() {
			t.Errorf("%.60q: %+v %v", bad, got, err)
		}
	}
	*now = now.Add(time.Hour)
	if _, err := a.AuthenticateToken(ctx, secret); !errors.Is(err, auth.ErrInvalid) {
		t.Error("an expired token works")
	}
}

func TestRevokedTokenEnds(t *testing.T) {
	a, _, now := setup(t)
	secret, tok, err := a.CreateToken(ctx, "tests", []content.Grant{{Role: "editor"}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.AuthenticateToken(ctx, secret); err != nil {
		t.Fatal(err)
	}
	if err := a.RevokeToken(ctx, tok.ID); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(3 * time.Second)
	if _, err := a.AuthenticateToken(ctx, secret); !errors.Is(err, auth.ErrInvalid) {
		t.Error("a revoked token works")
	}
	if err := a.RevokeToken(ctx, tok.ID); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestTokenNeedsALifeAndARole(t *testing.T) {
	a, _, _ := setup(t)
	for _, life := range []time.Duration{0, -time.Hour, auth.MaxTokenLife + 1} {
		if _, _, err := a.CreateToken(ctx, "x", []content.Grant{{Role: "editor"}}, life); err == nil {
			t.Errorf("life %s accepted", life)
		}
	}
	if _, _, err := a.CreateToken(ctx, "x", nil, time.Hour); err == nil {
		t.Error("a token without roles was made")
	}
}

func TestSession(t *testing.T) {
	a, _, now := setup(t)
	if _, _, err := a.StartSession(ctx, "nobody"); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("a session for nobody: %v", err)
	}
	if _, err := a.Grant(ctx, "amina", content.Grant{Role: "contributor", Scope: "orti"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Grant(ctx, "amina", content.Grant{Role: "contributor", Scope: "orti", Until: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	secret, until, err := a.StartSession(ctx, "amina")
	if err != nil || !until.Equal(now.Add(auth.SessionLife)) {
		t.Fatal(until, err)
	}
	actor, err := a.AuthenticateSession(ctx, secret)
	if err != nil || actor.ID != "person:amina" || len(actor.Grants) != 1 || actor.Grants[0].Until.IsZero() {
		t.Fatalf("%+v %v", actor, err)
	}
	if err := a.EndSession(ctx, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AuthenticateSession(ctx, secret); !errors.Is(err, auth.ErrInvalid) {
		t.Error("the session outlives its logout")
	}
	if err := a.EndSession(ctx, secret); err != nil {
		t.Errorf("logging out twice: %v", err)
	}
	secret, _, _ = a.StartSession(ctx, "amina")
	*now = now.Add(auth.SessionLife)
	if _, err := a.AuthenticateSession(ctx, secret); !errors.Is(err, auth.ErrInvalid) {
		t.Error("the session outlives its end")
	}
}
