package auth_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
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
	clock := func() time.Time { return now }
	return auth.New(audit.New(store, clock), auth.Options{Clock: clock}), store, &now
}

var system = content.System("test")

func TestSmoke(t *testing.T) {
	a, _, _ := setup(t)
	if err := a.PutPerson(ctx, system, auth.Person{ID: "amina", Name: "Amina", Grants: []content.Grant{{Role: "editor"}}}); err != nil {
		t.Fatal(err)
	}
	secret, _, err := a.StartSession(ctx, auth.NewSession{Person: "amina", Address: "192.0.2.7", IDToken: "x.y.z"})
	if err != nil {
		t.Fatal(err)
	}
	actor, err := a.AuthenticateSession(ctx, secret)
	if err != nil || actor.ID != "person:amina" || len(actor.Grants) != 1 {
		t.Fatalf("%+v %v", actor, err)
	}
	if _, idToken, err := a.EndSession(ctx, secret); err != nil || idToken != "x.y.z" {
		t.Fatal(idToken, err)
	}
}
