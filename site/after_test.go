package site

import (
	"flag"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Items that are edited where they stand, by the plan that follows the last one: what
// is on the air is the build from nothing, whatever shows them.
func TestEditsAreFull(t *testing.T) {
	// Each round builds several sites; more are asked for by -rapid.checks.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("5"); err != nil {
			t.Fatal(err)
		}
	}
	reg := small(t)
	two := func(o *Options) { o.Config.Languages = []string{"it", "ar"} }
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, reg)
		types := map[int]string{1: "organization", 2: "article", 3: "practice", 4: "event", 5: "page", 6: "news"}
		publish := func(i, version int) {
			v := values{"title": fmt.Sprintf("Titolo %d %d", i, version%3), "summary": fmt.Sprint(version), "territories": []any{"PO"}}
			switch types[i] {
			case "organization":
				v["website"] = fmt.Sprintf("https://%d.example", version)
			case "article", "practice":
				v["organization"], v["related"] = id(1), []any{id(2 + i%2)}
			case "event":
				v["when"] = values{"from": fmt.Sprintf("2026-12-%02d", 1+version%28)}
			case "page":
				v["menu_order"] = version % 2
			case "news":
				v["deadlines"] = []any{values{"label": "Domande", "to": fmt.Sprintf("2026-11-%02d", 20+version%10)}}
			}
			w.publish(types[i], id(i), "it", fmt.Sprintf("voce-%d", i), v)
			if i == 3 {
				v["title"] = fmt.Sprintf("Title %d", version)
				w.publish(types[i], id(i), "en", "item-3", v)
			}
		}
		for i := range types {
			publish(i, 0)
		}
		s, store := w.site(w.catalogue(), two), newStore(t)
		build(t, s, store)
		for version := 1; version <= rapid.IntRange(1, 4).Draw(rt, "builds"); version++ {
			for range rapid.IntRange(1, 2).Draw(rt, "edits") {
				publish(rapid.IntRange(1, len(types)).Draw(rt, "item"), version)
			}
			w.catalogue()
			last := s.before
			got, _ := build(t, s, store)
			if fmt.Sprintf("%p", s.before.byID) != fmt.Sprintf("%p", last.byID) {
				rt.Fatal("everything was arranged anew")
			}
			want, _ := build(t, w.site(w.open(), two), newStore(t))
			sameBuild(rt, got, want)
		}
	})
}

// After a restore, a start or with another folder the whole plan is made.
func TestAnotherBaseIsPlannedWhole(t *testing.T) {
	w := example(t)
	s, store := w.site(w.catalogue()), newStore(t)
	first, _ := build(t, s, store)
	w.publish("article", id(10), "it", "nuovo", values{"title": "Nuovo", "body": "Altro"})
	w.catalogue()
	second, _ := build(t, s, store)
	if _, err := store.Restore(first.ID()); err != nil {
		t.Fatal(err)
	}
	again, r := build(t, s, store)
	if sameBuild(t, again, second); r.Rendered == 0 {
		t.Error("nothing was rendered over a restored build")
	}
	elsewhere, r := build(t, s, newStore(t))
	if sameBuild(t, elsewhere, second); r.Kept != 0 {
		t.Errorf("%d files kept of nothing", r.Kept)
	}
}
