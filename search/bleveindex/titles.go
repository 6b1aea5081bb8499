package bleveindex

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// start is where a word of a title begins.
type start struct {
	slot   uint32
	offset uint16
}

// titles are the beginnings of all words of all titles, sorted by what follows.
type titles []start

// words gives the starts of a folded title.
func (t titles) words(slot uint32, title string) titles {
	for at, n := 0, 0; at < len(title) && n < 20; n++ {
		t = append(t, start{slot, uint16(at)})
		next := strings.IndexByte(title[at:], ' ')
		if next < 0 || at+next+1 > 1<<16-1 {
			break
		}
		at += next + 1
	}
	return t
}

// after gives the titles after the old ones of some slots have gone and fresh
// ones have come; t itself stays as it is, since it is being read. folded gives
// the old title of a slot.
func (t titles) after(gone map[uint32]bool, fresh map[uint32]string, folded func(uint32) string) titles {
	var removed, added titles
	for slot := range gone {
		removed = removed.words(slot, folded(slot))
	}
	for slot, title := range fresh {
		added = added.words(slot, title)
	}
	old := func(s start) string { return folded(s.slot)[s.offset:] }
	fresher := func(s start) string { return fresh[s.slot][s.offset:] }
	compare := func(x, y string, a, b start) int {
		return cmp.Or(strings.Compare(x, y), cmp.Compare(a.slot, b.slot), cmp.Compare(a.offset, b.offset))
	}
	slices.SortFunc(removed, func(a, b start) int { return compare(old(a), old(b), a, b) })
	slices.SortFunc(added, func(a, b start) int { return compare(fresher(a), fresher(b), a, b) })
	// What stays is copied in runs between the places of change, which a binary
	// search finds.
	out := make(titles, 0, len(t)+len(added)-len(removed))
	for len(removed)+len(added) > 0 {
		take := len(removed) > 0
		if take && len(added) > 0 {
			take = compare(old(removed[0]), fresher(added[0]), removed[0], added[0]) <= 0
		}
		if take {
			at, _ := slices.BinarySearchFunc(t, removed[0], func(s, r start) int { return compare(old(s), old(r), s, r) })
			out = append(out, t[:at]...)
			t, removed = t[at+1:], removed[1:]
		} else {
			at, _ := slices.BinarySearchFunc(t, added[0], func(s, a start) int { return compare(old(s), fresher(a), s, a) })
			out = append(append(out, t[:at]...), added[0])
			t, added = t[at:], added[1:]
		}
	}
	return append(out, t...)
}

// find gives the starts that begin with a prefix.
func (t titles) find(prefix string, folded func(uint32) string) titles {
	at := sort.Search(len(t), func(i int) bool { return folded(t[i].slot)[t[i].offset:] >= prefix })
	rest := t[at:]
	n := sort.Search(len(rest), func(i int) bool { return !strings.HasPrefix(folded(rest[i].slot)[rest[i].offset:], prefix) })
	return rest[:n]
}
