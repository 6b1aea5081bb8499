package workflow_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content/workflow"
)

// declared reads the workflows that the product ships.
func declared(t testing.TB) map[string]*workflow.Definition {
	t.Helper()
	files, err := filepath.Glob("../../schemas/workflows/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflow files: %v", err)
	}
	out := map[string]*workflow.Definition{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d, err := workflow.Parse(f, data)
		if err != nil {
			t.Fatal(err)
		}
		out[d.Name] = d
	}
	return out
}

func roles(names ...string) func(workflow.Requirement) bool {
	return func(r workflow.Requirement) bool { return slices.Contains(names, r.Role) }
}

func all(string) bool { return true }

func TestPracticePath(t *testing.T) {
	def := declared(t)["practice"]
	steps := []struct{ role, step, to string }{
		{"contributor", "submit", "submitted"},
		{"reviewer", "request_changes", "changes_requested"},
		{"contributor", "submit", "submitted"},
		{"reviewer", "endorse", "endorsed"},
		{"secretary", "publish", "published"},
		{"editor", "showcase", "showcased"},
		{"editor", "end_showcase", "published"},
		{"secretary", "withdraw", "withdrawn"},
	}
	state := def.Initial().Name
	for _, s := range steps {
		for _, other := range []string{"contributor", "reviewer", "secretary", "editor"} {
			tr := def.Transition(s.step)
			permitted := slices.ContainsFunc(tr.Roles, func(r workflow.Requirement) bool { return r.Role == other })
			_, _, err := def.Fire(state, s.step, workflow.Facts{Holds: roles(other), Passes: all})
			if permitted != (err == nil) {
				t.Errorf("%s by %s in %s: %v", s.step, other, state, err)
			}
		}
		_, to, err := def.Fire(state, s.step, workflow.Facts{Holds: roles(s.role), Passes: all})
		if err != nil || to.Name != s.to {
			t.Fatalf("%s by %s in %s: %v, %v", s.step, s.role, state, to, err)
		}
		state = to.Name
	}
}

func TestRefusals(t *testing.T) {
	def := declared(t)["practice"]
	editor := workflow.Facts{Holds: roles("reviewer"), Passes: all}
	var guard *workflow.GuardError
	for _, c := range []struct {
		name  string
		state string
		step  string
		facts workflow.Facts
		want  func(error) bool
	}{
		{"no such step", "draft", "fly", editor, func(e error) bool { return errors.Is(e, workflow.ErrUnknownTransition) }},
		{"wrong state", "draft", "endorse", editor, func(e error) bool { return errors.Is(e, workflow.ErrWrongState) }},
		{"no role", "submitted", "endorse", workflow.Facts{Passes: all}, func(e error) bool { return errors.Is(e, workflow.ErrRole) }},
		{"forgotten guards deny", "submitted", "endorse", workflow.Facts{Holds: roles("reviewer")}, func(e error) bool { return errors.As(e, &guard) && guard.Guard == "complete" }},
		{"own work", "submitted", "endorse", workflow.Facts{Holds: roles("reviewer"), Passes: func(g string) bool { return g != "not_author" }}, func(e error) bool { return errors.As(e, &guard) && guard.Guard == "not_author" }},
	} {
		if _, _, err := def.Fire(c.state, c.step, c.facts); !c.want(err) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if def.MayCreate(workflow.Facts{}) || def.MayEdit("draft", workflow.Facts{}) || def.HoldsEdit(workflow.Facts{}) || def.MayTranslate(workflow.Facts{}) {
		t.Error("the zero Facts permits something")
	}
	if def.MayEdit("submitted", workflow.Facts{Holds: roles("administrator")}) {
		t.Error("a state that is not editable was edited")
	}
}

// Translators neither begin documents nor edit facts, in any workflow; and who
// asks a body for changes, or declines in its name, takes its opinion back.
func TestWhatTheDeclarationsPromise(t *testing.T) {
	for name, def := range declared(t) {
		translator := workflow.Facts{Holds: roles("translator"), Passes: all}
		if def.MayCreate(translator) || def.HoldsEdit(translator) || !def.MayTranslate(translator) {
			t.Errorf("%s: translators do more or less than translate", name)
		}
		for i := range def.Transitions {
			tr := &def.Transitions[i]
			if len(def.Opinions) > 0 && tr.Comment == workflow.CommentRequired && !tr.Voids {
				t.Errorf("%s: after %s the opinion stands", name, tr.Name)
			}
		}
	}
}

// Permitted and Fire are one decision: what is offered unblocked fires, and what
// fires is offered.
func TestPermittedAgreesWithFire(t *testing.T) {
	defs := declared(t)
	rapid.Check(t, func(t *rapid.T) {
		def := defs[rapid.SampledFrom([]string{"editorial", "page", "practice", "registry"}).Draw(t, "workflow")]
		state := rapid.SampledFrom(def.States).Draw(t, "state").Name
		held := rapid.SliceOf(rapid.SampledFrom([]string{"contributor", "reviewer", "secretary", "translator", "editor", "administrator"})).Draw(t, "roles")
		passing := rapid.SliceOf(rapid.SampledFrom([]string{"complete", "approved", "not_author", "live", "not_live"})).Draw(t, "guards")
		facts := workflow.Facts{Holds: roles(held...), Passes: func(g string) bool { return slices.Contains(passing, g) }}
		offered := map[string]bool{}
		for _, a := range def.Permitted(state, facts) {
			offered[a.Name] = a.Blocked == ""
		}
		for _, tr := range def.Transitions {
			_, to, err := def.Fire(state, tr.Name, facts)
			if (err == nil) != offered[tr.Name] {
				t.Fatalf("%s in %s: fire says %v, offered %v", tr.Name, state, err, offered[tr.Name])
			}
			if err == nil && to == nil {
				t.Fatalf("%s leads nowhere", tr.Name)
			}
		}
		for _, voided := range []bool{true, false} {
			if next := def.State(def.AfterEdit(state, voided)); next == nil || def.State(state).Editable && next.Public {
				t.Fatalf("an edit in %s leads to %v", state, next)
			}
		}
	})
}

func TestParseRefuses(t *testing.T) {
	const label = `{it: a, en: a, fr: a, es: a, ar: a, zh: a}`
	good := "name: w\ncreate: [editor]\nedit: [editor]\nstates:\n" +
		"  - {name: draft, initial: true, editable: true, label: " + label + "}\n" +
		"  - {name: out, public: true, label: " + label + "}\n" +
		"  - {name: gone, offline: true, label: " + label + "}\n" +
		"transitions:\n" +
		"  - {name: publish, from: [draft], to: out, roles: [editor], label: " + label + "}\n" +
		"  - {name: withdraw, from: [out], to: gone, roles: [editor], guards: [live], label: " + label + "}\n"
	if _, err := workflow.Parse("w.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "initial: true", "intial: true", "not found"},
		{"unknown role", "roles: [editor]", "roles: [boss]", `unknown role "boss"`},
		{"missing scope", "roles: [editor]", "roles: [reviewer]", "scoped by"},
		{"unknown guard", "guards: [live]", "guards: [alive]", `unknown guard "alive"`},
		{"no initial", "initial: true, ", "", "no initial state"},
		{"unknown target", "to: out", "to: far", "unknown state"},
		{"unreachable", "from: [draft], to: out", "from: [draft], to: draft", "cannot be reached"},
		{"public for ever", "name: withdraw, from: [out]", "name: withdraw, from: [draft]", "cannot be withdrawn"},
		{"edit stays public", "public: true", "public: true, editable: true", "an edit must leave"},
		{"label missing", "zh: a}}\n  - {name: out", "zh: \"\"}}\n  - {name: out", "no label"},
		{"twice", "name: gone", "name: out", "declared twice"},
		{"two documents", "name: w\n", "name: w\n", ""},
	} {
		src := strings.Replace(good, c.old, c.new, 1)
		if c.want == "" {
			src, c.want = good+"---\nname: x\n", "holds one document"
		}
		_, err := workflow.Parse("w.yaml", []byte(src))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "w.yaml") {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
