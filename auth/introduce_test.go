package auth_test

import (
	"errors"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// TestIntroduce: what people say of themselves. The name that a provider has
// checked comes back at the next login, the language that they chose stays.
func TestIntroduce(t *testing.T) {
	w := newWorld(t)
	in := login("s1", "", false)
	in.Name, in.Locale = "Anna Bianchi", "de"
	p, err := w.SignIn(ctx, in, "")
	w.must(err)
	me := w.actor(p.ID)
	p, err = w.Introduce(ctx, me, p.ID, " Anna B. ", "ar")
	w.must(err)
	if p.Name != "Anna B." || p.Locale != "ar" || len(p.Identities) != 1 {
		t.Errorf("%+v", p)
	}
	p, err = w.SignIn(ctx, in, "")
	w.must(err)
	if p.Name != "Anna Bianchi" || p.Locale != "ar" {
		t.Errorf("after the login: %+v", p)
	}
	for _, name := range []string{"", "  ", "a\u202eb", "a\nb"} {
		var problem *content.Problem
		if _, err := w.Introduce(ctx, me, p.ID, name, "it"); !errors.As(err, &problem) || problem.Class != content.Invalid || len(problem.Fields) != 1 {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := w.Introduce(ctx, content.Actor{}, p.ID, "X", ""); err == nil {
		t.Error("nobody changes a name")
	}
	if _, err := w.Introduce(ctx, me, "nobody", "X", ""); !errors.Is(err, content.ErrNotFound) {
		t.Error(err)
	}
	w.must(w.Erase(ctx, system, p.ID))
	if _, err := w.Introduce(ctx, system, p.ID, "X", ""); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("a name for who is erased: %v", err)
	}
}
