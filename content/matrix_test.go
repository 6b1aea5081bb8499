package content_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/workflow"
	"github.com/prassi-cms/prassi/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

const matrixHead = `# Who may do what. The real service answered; regenerate with
#   go test ./content -run TestMatrix -update
# and read the difference: every changed cell is a changed right.
#
# The document belongs to the organisation orti-insieme, is written in Italian,
# concerns the province of Prato and is complete. "live" after a state: an older
# revision is public. "elsewhere": the same role for another organisation,
# province or language. "own": the administrator wrote the latest revision.
#
#   yes      accepted              -       not this role
#   hidden   there is none, it says   state   not from this state
#   others   the guard that refuses
`

// TestMatrix asks, for every workflow, state, step and role, what the service
// says, and compares with what was agreed.
func TestMatrix(t *testing.T) {
	var out bytes.Buffer
	out.WriteString(matrixHead)
	for _, c := range []struct {
		typ    string
		fields map[string]any
		voids  map[string]any // an edit that voids
	}{
		{"article", map[string]any{"title": "Uno", "body": "x", "territories": []any{"PO"}}, map[string]any{"body": "y"}},
		{"page", map[string]any{"title": "Uno", "body": "x", "territories": []any{"PO"}}, map[string]any{"body": "y"}},
		{"practice", practice(), map[string]any{"results": "y"}},
		{"service", map[string]any{"title": "Uno", "topics": []any{"work"}, "territories": []any{"PO"}}, map[string]any{"title": "Due"}},
	} {
		matrix(t, &out, c.typ, c.fields, c.voids)
	}
	path := filepath.Join("testdata", "matrix.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(want, out.Bytes()) {
		return
	}
	old, now := strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")
	for i := range max(len(old), len(now)) {
		var a, b string
		if i < len(old) {
			a = old[i]
		}
		if i < len(now) {
			b = now[i]
		}
		if a != b {
			t.Fatalf("%s, line %d:\n%s\nis now\n%s", path, i+1, a, b)
		}
	}
}

func matrix(t *testing.T, out *bytes.Buffer, typ string, fields, voids map[string]any) {
	d := newDesk(t)
	looks := &dryStore{Store: d.store}
	looks.forget()
	// A day later, so that there is something new to confirm.
	dry, err := content.New(looks, schemas.Default(), content.Options{Clock: func() time.Time { return d.now().AddDate(0, 0, 1) }})
	if err != nil {
		t.Fatal(err)
	}
	def := d.Workflow(typ)
	ada := person("ada", "administrator")
	other := d.create(ada, content.NewVariant{Type: typ, Locale: "it", Owner: "orti-insieme", Slug: "altro", Fields: fields})
	if d.Workflow(typ).Transition("submit") != nil {
		other = d.step(ada, other, "it", "submit") // the councils see it
	}
	columns := []struct {
		name  string
		actor content.Actor
	}{
		{"contributor", person("a", "contributor@orti-insieme")}, {"elsewhere", person("b", "contributor@altra-riva")},
		{"translator", person("c", "translator@it")}, {"elsewhere", person("d", "translator@fr")},
		{"reviewer", person("e", "reviewer@PO")}, {"elsewhere", person("f", "reviewer@MI")},
		{"secretary", person("g", "secretary@PO")}, {"elsewhere", person("h", "secretary@MI")},
		{"editor", person("i", "editor")}, {"administrator", person("j", "administrator")}, {"own", ada},
		{"no role", person("k")}, {"nobody", content.Actor{}},
	}
	fmt.Fprintf(out, "\n== %s (%s)\n", def.Name, typ)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(state, what string, ask func(content.Actor) error) {
		fmt.Fprintf(table, "%s\t%s", state, what)
		for _, c := range columns {
			fmt.Fprintf(table, "\t%s", answer(ask(c.actor)))
		}
		fmt.Fprintln(table)
	}
	fmt.Fprint(table, "state\tstep")
	for _, c := range columns {
		fmt.Fprintf(table, "\t%s", c.name)
	}
	fmt.Fprintln(table)
	row("-", "create", func(a content.Actor) error {
		_, err := dry.Create(ctx, a, content.NewVariant{Type: typ, Locale: "it", Owner: "orti-insieme", Fields: fields})
		return err
	})
	for i := range def.States {
		state := &def.States[i]
		for _, live := range []bool{false, true} {
			if live && (state.Public || state.Offline) {
				continue // they say themselves whether anything is public
			}
			doc, name := d.bringTo(ada, typ, fields, voids, state, live), state.Name
			if live {
				name += " live"
			}
			for _, tr := range def.Transitions {
				row(name, tr.Name, func(a content.Actor) error {
					_, err := dry.Transition(ctx, a, doc.ID, "it", "*", content.Step{Name: tr.Name, Comment: "ok"})
					return err
				})
			}
			row(name, "(edit text)", func(a content.Actor) error {
				_, err := dry.Edit(ctx, a, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"summary": "z"}})
				return err
			})
			row(name, "(edit facts)", func(a content.Actor) error {
				_, err := dry.Edit(ctx, a, doc.ID, "it", "*", content.Edit{Fields: map[string]any{"territories": []any{"PO", "FI"}}})
				return err
			})
			row(name, "(translate)", func(a content.Actor) error {
				locale := "en"
				if a.ID == "person:d" {
					locale = "fr"
				}
				_, err := dry.AddVariant(ctx, a, doc.ID, "*", content.NewVariant{Locale: locale, Fields: map[string]any{"title": "One"}})
				return err
			})
			if def.Name == "registry" {
				row(name, "(assure)", func(a content.Actor) error {
					_, err := dry.Assure(ctx, a, doc.ID, "")
					return err
				})
				row(name, "(merge)", func(a content.Actor) error {
					all := map[string]string{"*": "*"}
					_, err := dry.Merge(ctx, a, content.Merge{Keep: doc.ID, Gone: other.ID, KeepETags: all, GoneETags: all})
					return err
				})
			}
			row(name, "(discard)", func(a content.Actor) error { return dry.Discard(ctx, a, doc.ID, "*") })
		}
	}
	table.Flush()
	d.clean()
}

// answer is an error in a word.
func answer(err error) string {
	if errors.Is(err, errDry) {
		return "yes"
	}
	p := content.AsProblem(err)
	switch {
	case p == nil:
		return "no change"
	case p.Class == content.Forbidden:
		return "-"
	case p.Class == content.NotFound, p.Class == content.Unauthenticated:
		return "hidden"
	case p.Code == "wrong_state", p.Code == "not_editable":
		return "state"
	case p.Code == "live_cannot_be_discarded":
		return "public"
	}
	return strings.TrimPrefix(p.Code, "guard_")
}

// bringTo makes a document by that author and takes it to a state.
func (d *desk) bringTo(author content.Actor, typ string, fields, voids map[string]any, state *workflow.State, live bool) *content.Document {
	d.t.Helper()
	def := d.Workflow(typ)
	doc := d.create(author, content.NewVariant{Type: typ, Locale: "it", Owner: "orti-insieme", Fields: fields})
	walk := func(want func(*workflow.State) bool) {
		for _, name := range route(def, doc.Variant("it").State, !doc.Variant("it").Live.IsZero(), want) {
			doc = d.step(content.System("matrix"), doc, "it", name)
		}
	}
	if live {
		walk(func(s *workflow.State) bool { return s.Public })
		doc = d.edit(author, doc, "it", voids)
	}
	walk(func(s *workflow.State) bool { return s.Name == state.Name })
	v := doc.Variant("it")
	if v.State != state.Name || v.Live.IsZero() == (live || state.Public) {
		d.t.Fatalf("%s: came to %s, live %t, instead of %s", typ, v.State, !v.Live.IsZero(), state.Name)
	}
	return doc
}

// route is the shortest way to a state by anybody's steps, public states being
// passed only when nothing is live before.
func route(def *workflow.Definition, from string, live bool, want func(*workflow.State) bool) []string {
	type node struct {
		state string
		live  bool
		steps []string
	}
	seen := map[string]bool{}
	for queue := []node{{from, live, nil}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if want(def.State(at.state)) {
			return at.steps
		}
		for _, tr := range def.Transitions {
			to := def.State(tr.To)
			key := fmt.Sprint(tr.To, at.live)
			switch {
			case !slices.Contains(tr.From, at.state), slices.Contains(tr.Guards, "live") && !at.live, seen[key],
				live && (to.Public || to.Offline) && !want(to):
				continue
			}
			seen[key] = true
			queue = append(queue, node{tr.To, at.live && !to.Offline || to.Public, append(slices.Clone(at.steps), tr.Name)})
		}
	}
	return nil
}
