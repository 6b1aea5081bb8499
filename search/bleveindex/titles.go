package bleveindex

import (
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

// after gives the titles after some slots have changed; t itself stays as it is.
// folded gives the folded title of a slot, before the change those of t and
// after it those of changed.
func (t titles) after(changed map[uint32]bool, fresh map[uint32]string, folded func(uint32) string) titles {
	var added titles
	for slot, title := range fresh {
		for at, n := 0, 0; at < len(title) && n < 20; n++ {
			added = append(added, start{slot, uint16(at)})
			next := strings.IndexByte(title[at:], ' ')
			if next < 0 || at+next+1 > 1<<16-1 {
				break
			}
			at += next + 1
		}
	}
	text := func(s start) string {
		if title, ok := fresh[s.slot]; ok {
			return title[s.offset:]
		}
		return folded(s.slot)[s.offset:]
	}
	compare := func(a, b start) int {
		if c := strings.Compare(text(a), text(b)); c != 0 {
			return c
		}
		return int(int64(a.slot) - int64(b.slot))
	}
	slices.SortFunc(added, compare)
	out := make(titles, 0, len(t)+len(added))
	for _, s := range t {
		if changed[s.slot] {
			continue
		}
		for len(added) > 0 && compare(added[0], s) < 0 {
			out = append(out, added[0])
			added = added[1:]
		}
		out = append(out, s)
	}
	return append(out, added...)
}

// find gives the starts that begin with a prefix.
func (t titles) find(prefix string, folded func(uint32) string) titles {
	at := sort.Search(len(t), func(i int) bool { return folded(t[i].slot)[t[i].offset:] >= prefix })
	rest := t[at:]
	n := sort.Search(len(rest), func(i int) bool { return !strings.HasPrefix(folded(rest[i].slot)[rest[i].offset:], prefix) })
	return rest[:n]
}
