package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/content"
)

// model is what a store is: documents with all they ever were.
type model struct {
	documents map[string]content.Write // the last write of each
	slugs     map[string]string
	events    map[string][]string
	revisions map[string][]string // hashes, newest first
}

// refuses gives the code with which a store must refuse the write, or nil.
func (m *model) refuses(w content.Write) error {
	last, exists := m.documents[w.Document.ID]
	switch {
	case w.Expect == 0 && exists:
		return content.ErrDuplicate
	case w.Expect > 0 && (!exists || last.Document.Version != w.Expect):
		return content.ErrConflict
	}
	for _, slug := range w.Document.Keys.Slugs {
		if holder := m.slugs[slug]; holder != "" && holder != w.Document.ID {
			return content.ErrDuplicate
		}
	}
	return nil
}

func (m *model) apply(w content.Write) {
	id := w.Document.ID
	maps.DeleteFunc(m.slugs, func(_, holder string) bool { return holder == id })
	for _, slug := range w.Document.Keys.Slugs {
		m.slugs[slug] = id
	}
	m.documents[id] = w
	m.events[id] = append(m.events[id], pendingIDs(w)...)
	for _, r := range w.Revisions {
		m.revisions[id] = append([]string{r.Hash}, m.revisions[id]...)
	}
}

// testModel compares random calls with the model. All runs share a store; each
// has names of its own.
func testModel(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		prefix := fmt.Sprintf("r%05d-", run)
		name := func(label string) *rapid.Generator[string] {
			return rapid.Map(rapid.SampledFrom([]string{"a", "b", "c", "é", "𝄞", "\uffff"}), func(s string) string { return prefix + label + s })
		}
		m := &model{map[string]content.Write{}, map[string]string{}, map[string][]string{}, map[string][]string{}}
		change := func(d *content.Document) {
			d.Keys = content.Keys{
				Terms: rapid.SliceOfNDistinct(name("t"), 0, 4, rapid.ID).Draw(t, "terms"),
				Slugs: rapid.SliceOfNDistinct(name("s"), 0, 2, rapid.ID).Draw(t, "slugs"),
				Title: rapid.SampledFrom([]string{"", "00", "01", "ff"}).Draw(t, "title"),
			}
			for _, list := range []*[]string{&d.Keys.Terms, &d.Keys.Slugs} {
				if len(*list) == 0 {
					*list = nil // as it comes back
				}
			}
			d.UpdatedAt = start.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "updated")) * 100 * 365 * 24 * time.Hour)
			if rapid.Bool().Draw(t, "has due") {
				d.Keys.Due = start.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "due")) * time.Minute)
			}
			d.Discarded = rapid.Bool().Draw(t, "discarded")
		}
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			// A batch of writes on different documents, some behind or ahead.
			var batch []content.Write
			var want []error
			for _, id := range rapid.SliceOfNDistinct(name("d"), 1, 4, rapid.ID).Draw(t, "ids") {
				last, exists := m.documents[id]
				var w content.Write
				switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
				case kind == 0:
					w = next(write(id), change) // behind, unless it is the second
				case !exists || kind == 1:
					w = write(id, change)
				default:
					w = next(last, change)
				}
				refusal := m.refuses(w)
				want = append(want, refusal)
				batch = append(batch, w)
				if refusal == nil {
					m.apply(w)
				}
			}
			// Inserts and updates of one batch may happen in any order, and then
			// who gets a slug first is open: one by one it is not.
			for i, w := range batch {
				err := apply(s, w)
				if want[i] == nil && err != nil {
					t.Fatalf("%s to version %d: %v", w.Document.ID, w.Document.Version, err)
				} else if want[i] != nil {
					wantError(t, w.Document.ID, err, want[i])
				}
			}
			if rapid.Bool().Draw(t, "relay") {
				if _, err := s.Relay(ctx); err != nil {
					t.Fatalf("relay: %v", err)
				}
			}
		}
		m.compare(t, s, prefix)
	})
	relay(t, s)
	log(t, s)
}

func (m *model) compare(t *rapid.T, s content.Store, prefix string) {
	ctx := context.Background()
	relay(t, s)
	var all []*content.Document
	for _, id := range slices.Sorted(maps.Keys(m.documents)) {
		want := stored(m.documents[id])
		all = append(all, want)
		got, err := s.Get(ctx, id)
		if err != nil {
			t.Fatalf("get: %v", err)
		}
		equal(t, "get", got, want)
		equal(t, "events of "+id, eventIDs(t, s, id), m.events[id])
		var hashes []string
		revisions, err := s.History(ctx, id, "it", 0, 0)
		if err != nil {
			t.Fatalf("history: %v", err)
		}
		for _, r := range revisions {
			// A refused write may have left its revision.
			if slices.Contains(m.revisions[id], r.Hash) {
				hashes = append(hashes, r.Hash)
			}
		}
		equal(t, "history of "+id, hashes, m.revisions[id])
	}
	scanned, err := s.Scan(ctx, prefix, len(all))
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	equal(t, "scan", scanned, all)
	for slug, holder := range m.slugs {
		if got, err := s.BySlug(ctx, slug); err != nil || got.ID != holder {
			t.Fatalf("slug %s: %v, %v, want %s", slug, got, err, holder)
		}
	}

	var dues []string
	sort.SliceStable(all, func(i, j int) bool { return all[i].Keys.Due.Before(all[j].Keys.Due) })
	for _, d := range all {
		if !d.Keys.Due.IsZero() && !d.Keys.Due.After(start) {
			dues = append(dues, d.ID)
		}
	}
	found, err := s.Due(ctx, start, 0)
	if err != nil {
		t.Fatalf("due: %v", err)
	}
	mine := slices.DeleteFunc(ids(found), func(id string) bool { return id[:len(prefix)] != prefix })
	equal(t, "due", mine, slices.Concat([]string{}, dues))

	orders := map[content.Order]func(a, b *content.Document) int{
		content.NewestFirst: func(a, b *content.Document) int { return b.UpdatedAt.Compare(a.UpdatedAt) },
		content.ByTitle: func(a, b *content.Document) int {
			switch {
			case a.Keys.Title < b.Keys.Title:
				return -1
			case a.Keys.Title > b.Keys.Title:
				return 1
			}
			return 0
		},
	}
	for order, compare := range orders {
		sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
		slices.SortStableFunc(all, compare)
		for _, letters := range [][]string{{"a"}, {"b", "a"}, {"é", "𝄞"}} {
			var terms []string
			for _, letter := range letters {
				terms = append(terms, prefix+"t"+letter)
			}
			want, got := []string{}, []string{}
			for _, d := range all {
				if !slices.ContainsFunc(terms, func(term string) bool { return !slices.Contains(d.Keys.Terms, term) }) {
					want = append(want, d.ID)
				}
			}
			q := content.Query{Terms: terms, Order: order, Limit: rapid.IntRange(1, 3).Draw(t, "limit")}
			for {
				page, err := s.Find(ctx, q)
				if err != nil {
					t.Fatalf("find: %v", err)
				}
				if len(page) == 0 {
					break
				}
				got = append(got, ids(page)...)
				last := page[len(page)-1]
				q.After = content.Position{UpdatedAt: last.UpdatedAt, Title: last.Keys.Title, ID: last.ID}
			}
			equal(t, fmt.Sprint("find ", terms, " in order ", order), got, want)
		}
	}
}
