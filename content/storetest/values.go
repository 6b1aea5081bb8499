package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// testTimes checks that every time of every kind of thing comes back in UTC,
// whole milliseconds, rounded down.
func testTimes(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	ms := int(time.Millisecond)
	for i, test := range []struct{ given, want time.Time }{
		{time.Time{}, time.Time{}},
		{time.Date(1, 1, 1, 0, 0, 0, 1*ms, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1*ms, time.UTC)},
		{time.Date(1900, 1, 1, 0, 0, 0, 0, rome), time.Date(1899, 12, 31, 23, 0, 0, 0, time.UTC)},
		{time.Date(1900, 1, 1, 0, 0, 0, 5*ms+999_999, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 5*ms, time.UTC)},
		{time.Date(1969, 12, 31, 23, 59, 59, 999*ms+1, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999*ms, time.UTC)},
		{time.UnixMilli(0), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)},
		{time.Date(2024, 3, 31, 1, 59, 59, 999*ms+999_999, rome), time.Date(2024, 3, 31, 0, 59, 59, 999*ms, time.UTC)},
		{time.Date(2024, 3, 31, 3, 0, 0, 0, rome), time.Date(2024, 3, 31, 1, 0, 0, 0, time.UTC)},
		{time.Date(2024, 10, 27, 0, 30, 0, 7*ms, time.UTC).In(rome), time.Date(2024, 10, 27, 0, 30, 0, 7*ms, time.UTC)},
		{time.Date(2024, 10, 27, 1, 30, 0, 7*ms, time.UTC).In(rome), time.Date(2024, 10, 27, 1, 30, 0, 7*ms, time.UTC)},
		{time.Date(2100, 2, 28, 23, 59, 59, 1*ms, rome), time.Date(2100, 2, 28, 22, 59, 59, 1*ms, time.UTC)},
		{time.Date(9999, 12, 31, 23, 59, 59, 999*ms, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999*ms, time.UTC)},
	} {
		id := fmt.Sprint("t", i)
		place := func(d *content.Document, t time.Time) {
			v := &d.Variants[0]
			d.CreatedAt, d.UpdatedAt, d.Keys.Due = t, t, t
			v.PublishedAt, v.UpdatedAt, v.Approvals[0].At, v.Schedule[0].At = t, t, t, t
		}
		w := write(id, func(d *content.Document) { place(d, test.given) })
		want := stored(w)
		place(want, test.want)
		mustApply(t, s, w)
		got, err := s.Get(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprint("document of ", test.given), got, want)

		r, wantRevision := w.Revisions[0], *w.Revisions[0]
		wantRevision.At = test.want
		revision, err := s.Revision(ctx, r.Hash)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprint("revision of ", test.given), revision, &wantRevision)

		relay(t, s)
		events, err := s.DocumentEvents(ctx, id, 0, 1)
		if err != nil || len(events) != 1 {
			t.Fatalf("%v, %v", events, err)
		}
		wantEvent := w.Document.Pending[1]
		wantEvent.Seq, wantEvent.At, wantEvent.DueAt = events[0].Seq, test.want, test.want
		equal(t, fmt.Sprint("event of ", test.given), events[0], wantEvent)

		record := content.Record{Kind: "time", ID: id, At: test.given, Data: []byte("x")}
		if err := s.PutRecord(ctx, &record, 0); err != nil {
			t.Fatal(err)
		}
		record.Version, record.At = 1, test.want
		gotRecord, err := s.GetRecord(ctx, "time", id)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprint("record of ", test.given), gotRecord, &record)

		// The same time, to the nanosecond, finds its place again.
		found, err := s.Find(ctx, content.Query{Terms: []string{"id:" + id}, After: content.Position{UpdatedAt: test.given}})
		if err != nil || len(found) != 1 {
			t.Errorf("without a position: %v, %v", ids(found), err)
		}
		found, err = s.Find(ctx, content.Query{Terms: []string{"id:" + id}, After: content.Position{UpdatedAt: test.given, ID: id}})
		if err != nil || len(found) != 0 {
			t.Errorf("after the document itself: %v, %v", ids(found), err)
		}
	}
}

// testUnicode checks that strings are ordered by their bytes in UTF-8, not by
// UTF-16 units, not by a locale, and never normalised.
func testUnicode(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	names := []string{
		"a", "A", "b", "Z", "z", "zz", "à", "a\u0300", "e\u0301", "é", "ß", "ss", "İ", "ı", "i",
		"اللغة", "اَللغة", "ة", "ه", "ﷺ", "中文", "\u200f", "\ud7ff", "\ue000", "\ufffd", "\uffff",
		"𐀀", "𝄞", "😀", "\U0010ffff", "~", " ", "!", "'", "\"", "$", "$ne", ".", "a.b", "%", "_", "\\", "\x01", "\x7f",
	}
	for _, name := range names {
		mustApply(t, s, write(name, title(name), slugs("slug/"+name), terms("all", "term:"+name)))
	}
	want := slices.Sorted(slices.Values(names))

	scanned, err := s.Scan(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "scan", ids(scanned), want)
	for i, name := range want {
		after, err := s.Scan(ctx, name, 1)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("scan after %q", name), ids(after), want[i+1:min(i+2, len(want))])
	}
	byTitle, err := s.Find(ctx, content.Query{Terms: []string{"all"}, Order: content.ByTitle})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "by title", ids(byTitle), want)
	var paged []string
	for after := (content.Position{}); ; {
		page, err := s.Find(ctx, content.Query{Terms: []string{"all"}, Order: content.ByTitle, After: after, Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		paged = append(paged, ids(page)...)
		last := page[len(page)-1]
		after = content.Position{Title: last.Keys.Title, ID: last.ID}
	}
	equal(t, "by title, paged", paged, want)
	// All were updated at the same moment, so the id decides.
	newest, err := s.Find(ctx, content.Query{Terms: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "newest first", ids(newest), want)
	for _, name := range names {
		got, err := s.BySlug(ctx, "slug/"+name)
		if err != nil || got.ID != name {
			t.Errorf("slug %q: %v, %v", name, got, err)
		}
		found, err := s.Find(ctx, content.Query{Terms: []string{"term:" + name, "all"}})
		if err != nil || !slices.Equal(ids(found), []string{name}) {
			t.Errorf("term %q: %q, %v", name, ids(found), err)
		}
	}
}

// testLarge keeps what a long text needs: documents and revisions of 1 MB, many
// terms and slugs, byte for byte.
func testLarge(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	large := json.RawMessage(`{"body":"` + strings.Repeat("è <b>", 1<<20/6) + `"}`)
	var manyTerms, manySlugs []string
	for i := range 100 {
		manyTerms = append(manyTerms, fmt.Sprint("term:", i))
		manySlugs = append(manySlugs, fmt.Sprint("slug/", i))
	}
	w := write("large", terms(manyTerms...), slugs(manySlugs...), func(d *content.Document) { d.Shared = large })
	mustApply(t, s, w)
	w = next(w, terms(append(manyTerms[50:], "term:new")...), slugs(append(manySlugs[50:], "slug/new")...))
	mustApply(t, s, w)
	got, err := s.BySlug(ctx, "slug/new")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "document", got, stored(w))
	revision, err := s.Revision(ctx, w.Revisions[0].Hash)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(revision.Shared, large) {
		t.Error("the revision's values changed")
	}
	for term, want := range map[string]int{"term:0": 0, "term:49": 0, "term:50": 1, "term:99": 1, "term:new": 1} {
		found, err := s.Find(ctx, content.Query{Terms: []string{term}, Order: content.ByTitle})
		if err != nil || len(found) != want {
			t.Errorf("%s: %d documents (%v), want %d", term, len(found), err, want)
		}
	}
	relay(t, s)
	equal(t, "events", eventIDs(t, s, "large"), []string{"large.1.0", "large.1.1", "large.2.0"})
}
