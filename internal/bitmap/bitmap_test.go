package bitmap_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/internal/bitmap"
)

const size = 300 // not a multiple of 64

func draw(t *rapid.T, name string) (bitmap.Set, map[uint32]bool) {
	b, model := bitmap.Sized(nil, size), map[uint32]bool{}
	for _, n := range rapid.SliceOf(rapid.Uint32Range(0, size-1)).Draw(t, name) {
		b.Add(n)
		model[n] = true
	}
	return b, model
}

func members(b bitmap.Set) []uint32 {
	out := []uint32{}
	b.Each(func(n uint32) { out = append(out, n) })
	return out
}

func sorted(model map[uint32]bool) []uint32 {
	out := slices.Sorted(maps.Keys(model))
	if out == nil {
		out = []uint32{}
	}
	return out
}

// TestSet compares a set with a map.
func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, model := draw(t, "b")
		for _, n := range rapid.SliceOf(rapid.Uint32Range(0, size-1)).Draw(t, "taken out") {
			b.Remove(n)
			delete(model, n)
		}
		want := sorted(model)
		if got := members(b); !slices.Equal(got, want) || b.Count() != len(want) {
			t.Fatalf("%v (%d), want %v", got, b.Count(), want)
		}
		n := rapid.Uint32Range(0, size-1).Draw(t, "n")
		if b.Has(n) != model[n] {
			t.Fatalf("Has(%d) is %v", n, b.Has(n))
		}
		i, found := slices.BinarySearch(want, n)
		next, back := len(b)*64, -1
		if i < len(want) {
			next = int(want[i])
		}
		if found {
			back = int(n)
		} else if i > 0 {
			back = int(want[i-1])
		}
		if b.Next(int(n)) != next || b.Back(int(n)) != back {
			t.Fatalf("around %d: %d and %d, want %d and %d", n, b.Next(int(n)), b.Back(int(n)), next, back)
		}
		if last := b.Back(10 * size); len(want) > 0 && last != int(want[len(want)-1]) {
			t.Fatalf("the last is %d", last)
		}
		b.Each(b.Remove)
		if b.Count() != 0 {
			t.Fatal("taking out each leaves some")
		}
	})
}

// TestCombine compares the operations on two sets with those on maps.
func TestCombine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, ma := draw(t, "a")
		b, mb := draw(t, "b")
		for _, c := range []struct {
			name string
			do   func(x, y bitmap.Set)
			in   func(n uint32) bool
		}{
			{"or", bitmap.Set.Or, func(n uint32) bool { return ma[n] || mb[n] }},
			{"and", bitmap.Set.And, func(n uint32) bool { return ma[n] && mb[n] }},
			{"and not", bitmap.Set.AndNot, func(n uint32) bool { return ma[n] && !mb[n] }},
		} {
			got, want := slices.Clone(a), map[uint32]bool{}
			c.do(got, b)
			for n := range uint32(size) {
				if c.in(n) {
					want[n] = true
				}
			}
			if m := members(got); !slices.Equal(m, sorted(want)) {
				t.Fatalf("%s: %v, want %v", c.name, m, sorted(want))
			}
		}
	})
}

func TestSized(t *testing.T) {
	b := bitmap.Sized(nil, 65)
	b.Add(64)
	if again := bitmap.Sized(b, 65); &again[0] != &b[0] || again.Count() != 0 {
		t.Error("the memory is not used again, or not emptied")
	}
	if len(bitmap.Sized(b, 0)) != 0 || len(bitmap.Sized(b, 1000)) != 16 {
		t.Error("wrong size")
	}
	var none bitmap.Set
	if none.Next(3) != 3 || none.Back(3) != -1 || none.Count() != 0 {
		t.Error("the empty set has members")
	}
}
