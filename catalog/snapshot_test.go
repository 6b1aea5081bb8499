package catalog

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/internal/bitmap"
)

func TestSplice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOfDistinct(rapid.IntRange(0, 60), rapid.ID[int])
		old, add := ints.Draw(t, "old"), ints.Draw(t, "add")
		slices.Sort(old)
		slices.Sort(add)
		var drop, want []int
		for i, v := range old {
			if rapid.Bool().Draw(t, "drop") {
				drop = append(drop, i)
			} else {
				want = append(want, v)
			}
		}
		want = append(want, add...)
		slices.Sort(want)
		before := slices.Clone(old)
		got := splice(old, drop, add, func(a, b int) bool { return a < b })
		if !slices.Equal(got, want) || !slices.Equal(old, before) {
			t.Fatalf("%v without %v with %v is %v, want %v", old, drop, add, got, want)
		}
	})
}

// A posting and what bitmaps make of it behave as a set.
func TestPosting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const slots = 3000
		p, set := &posting{}, map[uint32]bool{}
		width := rapid.SampledFrom([]uint32{64, 500, slots}).Draw(t, "width")
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			slot := uint32(rapid.IntRange(0, int(width)-1).Draw(t, "slot"))
			if rapid.IntRange(0, 3).Draw(t, "take out") == 0 {
				p.remove(slot)
				delete(set, slot)
			} else {
				p.add(slot)
				set[slot] = true
			}
		}
		if p.n != len(set) {
			t.Fatalf("n is %d, want %d", p.n, len(set))
		}
		full := make(bitmap.Set, (slots+63)/64)
		for i := range slots {
			full.Add(uint32(i))
		}
		or, and, not := make(bitmap.Set, len(full)), slices.Clone(full), slices.Clone(full)
		p.addTo(or)
		p.keepIn(and)
		p.takeFrom(not)
		for i := range uint32(slots) {
			if or.Has(i) != set[i] || and.Has(i) != set[i] || not.Has(i) == set[i] {
				t.Fatalf("slot %d", i)
			}
		}
		if or.Count() != len(set) {
			t.Fatal("count")
		}
	})
}

// A transaction leaves the snapshot before it as it was.
func TestSnapshotsAreImmutable(t *testing.T) {
	w, c := crowd(t, 60)
	old := c.snap.Load()
	frozen := &Catalog{}
	frozen.snap.Store(old)
	before := dump(t, frozen)
	for _, id := range []string{"doc000", "doc001", "doc002"} {
		for _, v := range w.docs[id].Variants {
			if !v.Live.IsZero() {
				w.withdraw(id, v.Locale)
			}
		}
	}
	w.publish("practice", "new", "it", "new", values{"title": "Nuova", "territories": []string{"MI"}})
	w.catchUp(c)
	for k, v := range dump(t, frozen) {
		// A slot belongs to a variant for as long as any snapshot has it.
		if before[k] != v {
			t.Errorf("%s changed in a snapshot that is being read", k)
		}
	}
	w.verified(c)
}

func TestWords(t *testing.T) {
	for _, x := range []struct {
		text, query string
		found       bool
	}{
		{"L’accoglienza diffusa", "accoglienza", true},
		{"L’accoglienza diffusa", "accogl", true},
		{"L’accoglienza diffusa", "accogl diffusa", false},
		{"L’accoglienza diffusa", "DIFFUSA l'accoglienza", true},
		{"Città e perché", "citta perche", true},
		{"Citta", "città", true},
		{"École", "ecole", true},
		{"مُرَحَّب", "مرحب", true},
		{"公共服务中心", "服务", true},
		{"Straße", "strasse", false},
		{"Zürich", "zurich", true},
		{"D.Lgs. 286/1998", "286", true},
		{"work", "net work", false},
		{"", "x", false},
		{"x", "", true},
		{"x", "… —", true},
	} {
		found := true
		for _, n := range needles(x.query) {
			found = found && strings.Contains(wordsOf(x.text), n)
		}
		if found != x.found {
			t.Errorf("%q in %q: %v", x.query, x.text, found)
		}
	}
}
