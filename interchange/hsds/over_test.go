package hsds_test

import (
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/interchange/hsds"
)

// arriving are the fields that an import would bring in of an original.
func arriving(kind hsds.Kind, original map[string]any) map[string]any {
	return facts(kind, lens.ToFields(kind, original), original).Fields
}

// laid is a document with what Over says to write.
func laid(now, write map[string]any) map[string]any {
	out := maps.Clone(now)
	for name, v := range write {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

// Nobody edited: the document follows its directory whole. The directory did not
// change: what was edited stays. Both: what is written is the directory's where
// it changed that field, with a clash, and the editor's everywhere else; and an
// export says it.
func TestOver(t *testing.T) {
	for kind, gen := range generators {
		t.Run(string(kind), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b := gen(t), gen(t)
				b["id"] = a["id"]
				before, after := arriving(kind, a), arriving(kind, b)
				if write, clashes := lens.Over(kind, before, before, nil); len(write)+len(clashes) > 0 {
					t.Fatalf("the same again writes %s, clashes %v", text(write), clashes)
				}
				write, clashes := lens.Over(kind, before, after, nil)
				if got := laid(before, write); !reflect.DeepEqual(got, after) || len(clashes) > 0 {
					t.Fatalf("not edited, becomes\n%s\nof\n%s\nclashes %v", text(got), text(after), clashes)
				}
				mine, edited := maps.Clone(before), map[string]bool{}
				for name, values := range edits[kind] {
					if rapid.IntRange(0, 3).Draw(t, "edit "+name) != 0 {
						continue
					}
					v := oneOf(values...).Draw(t, name)
					if edited[name] = !reflect.DeepEqual(v, before[name]); v == nil {
						delete(mine, name)
					} else {
						mine[name] = v
					}
				}
				mine["summary"] = "Scritto qui"
				if write, clashes := lens.Over(kind, mine, before, nil); len(write)+len(clashes) > 0 {
					t.Fatalf("edited, and the same again writes %s, clashes %v", text(write), clashes)
				}
				write, clashes = lens.Over(kind, mine, after, nil)
				got := laid(mine, write)
				told := map[string]bool{}
				for _, c := range clashes {
					told[c.Field] = true
					if !edited[c.Field] || reflect.DeepEqual(before[c.Field], after[c.Field]) || !reflect.DeepEqual(got[c.Field], after[c.Field]) {
						t.Fatalf("clash %+v", c)
					}
				}
				if got["summary"] != "Scritto qui" {
					t.Fatal("the summary is gone")
				}
				for name := range edits[kind] {
					want := after[name]
					if edited[name] && reflect.DeepEqual(before[name], after[name]) {
						want = mine[name]
					}
					if !reflect.DeepEqual(got[name], want) {
						t.Fatalf("%s is %v, want %v", name, got[name], want)
					}
					if edited[name] && !reflect.DeepEqual(before[name], after[name]) && !reflect.DeepEqual(mine[name], after[name]) && !told[name] {
						t.Fatalf("nothing is said of %s", name)
					}
				}
				out := lens.FromFields(kind, hsds.Facts{ID: hsds.DocumentID(kind, hsds.IDOf(b), 1), Fields: got})
				again := lens.ToFields(kind, out).Fields
				want := maps.Clone(got)
				delete(want, hsds.Field)
				delete(want, "summary")
				if !reflect.DeepEqual(again, want) {
					t.Fatalf("goes out as\n%s\nwhich says\n%s\nwant\n%s", text(out), text(again), text(want))
				}
			})
		})
	}
}
