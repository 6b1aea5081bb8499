package publish

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
)

func TestPreviews(t *testing.T) {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "prassi.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	ledger := audit.New(store, clock)
	p := NewPreviews(ledger, clock)
	edo := content.Actor{ID: "edo"}
	mint := func(document string, life time.Duration) (string, Preview) {
		t.Helper()
		token, v, err := p.Create(ctx, edo, Preview{Document: document, Locale: "it", Revision: "r1", Number: 1, Media: []string{"m"}}, life)
		if err != nil {
			t.Fatal(err)
		}
		return token, v
	}
	over := func(token string) {
		t.Helper()
		v, err := p.Open(ctx, token)
		if problem := content.AsProblem(err); err == nil || problem.Code != CodePreviewOver || problem.Class != content.NotFound {
			t.Errorf("%q: %+v %v", token, v, err)
		}
	}
	token, made := mint("d1", 0)
	if v, err := p.Open(ctx, token); err != nil || v.Document != "d1" || v.Revision != "r1" || v.By != "edo" || v.Media[0] != "m" || !v.ExpiresAt.Equal(now.Add(DefaultPreviewLife)) {
		t.Fatalf("%+v %v", v, err)
	}
	// The store does not know the token.
	records, err := store.ListRecords(ctx, kindPreview, "", 10)
	if err != nil || len(records) != 1 || bytes.Contains(records[0].Data, []byte(token)) || strings.Contains(records[0].ID, token) {
		t.Fatalf("%+v %v", records, err)
	}
	other, _ := mint("d1", time.Hour)
	if other == token || !WellFormed(token) {
		t.Error("tokens")
	}
	for _, x := range []string{"", "x", token[:42], token + "A", strings.Repeat("A", 43), strings.ToUpper(token), made.ID, token[:42] + "/"} {
		over(x)
	}
	// It ends by itself, on the moment.
	now = now.Add(time.Hour)
	over(other)
	if list, err := p.List(ctx, "d1"); err != nil || len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("%+v %v", list, err)
	}
	// It is taken back, by its document alone.
	if err := p.Revoke(ctx, edo, "d2", made.ID); !errors.Is(err, content.ErrNotFound) {
		t.Error(err)
	}
	if _, err := p.Open(ctx, token); err != nil {
		t.Error(err)
	}
	if err := p.Revoke(ctx, edo, "d1", made.ID); err != nil {
		t.Fatal(err)
	}
	over(token)
	if err := p.Revoke(ctx, edo, "d1", made.ID); !errors.Is(err, content.ErrNotFound) {
		t.Error(err)
	}
	// Everything is told of.
	entries, err := ledger.Entries(ctx, "previewed:d1", 0, 10)
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	if got := strings.Join(actions, " "); err != nil || got != "preview_made preview_made preview_ended" {
		t.Errorf("%s %v", got, err)
	}
	// Bounds.
	for _, life := range []time.Duration{time.Second, -time.Hour, MaxPreviewLife + time.Second} {
		if _, _, err := p.Create(ctx, edo, Preview{Document: "d1"}, life); err == nil || content.AsProblem(err).Code != codePreviewLife {
			t.Errorf("%s: %v", life, err)
		}
	}
	if _, _, err := p.Create(ctx, content.Actor{}, Preview{Document: "d1"}, 0); err == nil || content.AsProblem(err).Class != content.Unauthenticated {
		t.Error(err)
	}
	for range MaxPreviews {
		mint("d3", 0)
	}
	if _, _, err := p.Create(ctx, edo, Preview{Document: "d3"}, 0); err == nil || content.AsProblem(err).Code != codePreviewMany {
		t.Error(err)
	}
	mint("d4", 0)
	// Retention: what is over, and nothing else.
	purger := p.Purger()
	if _, known := audit.DefaultRetention().Age(purger.Kind()); !known {
		t.Errorf("retention does not know %q", purger.Kind())
	}
	left, _ := mint("d4", MaxPreviewLife)
	now = now.Add(2 * 24 * time.Hour)
	if n, err := purger.Purge(ctx, now); err != nil || n < MaxPreviews+1 {
		t.Errorf("%d %v", n, err)
	}
	if _, err := p.Open(ctx, left); err != nil {
		t.Error(err)
	}
	if list, err := store.ListRecords(ctx, kindPreview, "", 100); err != nil || len(list) != 1 {
		t.Errorf("%d %v", len(list), err)
	}
}
