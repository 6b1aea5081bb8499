package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func testDocuments(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	if err := s.Ping(ctx); err != nil {
		t.Fatalf("ping: %v", err)
	}

	_, err := s.Get(ctx, "a")
	wantError(t, "get", err, content.ErrNotFound, "a")
	_, err = s.BySlug(ctx, "practice/it/orti-a")
	wantError(t, "by slug", err, content.ErrNotFound, "orti-a")
	if found, err := s.Scan(ctx, "", 10); err != nil || len(found) != 0 {
		t.Errorf("scan of nothing: %v, %v", ids(found), err)
	}

	first := write("a")
	given := clone(first.Document)
	mustApply(t, s, first)
	equal(t, "the given document after the write", first.Document, given)

	got, err := s.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "get", got, stored(first))
	got, err = s.BySlug(ctx, "practice/it/orti-a")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "by slug", got, stored(first))

	// Fields that go away are gone, and so are the keys.
	second := next(first, terms("state:published"), slugs(), title(""), func(d *content.Document) {
		d.Owner, d.Discarded = "", true
		d.Assured, d.Sensitive, d.MergedInto, d.MergedFrom = nil, false, "", nil
		d.Variants[0].Approvals, d.Variants[0].Schedule = nil, nil
		d.Shared = json.RawMessage(`{}`)
	})
	mustApply(t, s, second)
	third := next(second, terms(), func(d *content.Document) { d.Discarded = false })
	mustApply(t, s, third)
	got, err = s.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "get after two changes", got, stored(third))
	_, err = s.BySlug(ctx, "practice/it/orti-a")
	wantError(t, "a slug that was given up", err, content.ErrNotFound)
	for _, term := range []string{"type:practice", "id:a", "state:published"} {
		for _, order := range []content.Order{content.NewestFirst, content.ByTitle} {
			found, err := s.Find(ctx, content.Query{Terms: []string{term}, Order: order})
			if err != nil || len(found) != 0 {
				t.Errorf("find by the former term %s: %v, %v", term, ids(found), err)
			}
		}
	}
}

func testRefusals(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	a := write("a")
	mustApply(t, s, a, write("b"))

	wantError(t, "an id that is taken", apply(s, write("a", slugs("other"))), content.ErrDuplicate, "a")
	wantError(t, "a slug that is taken", apply(s, write("c", slugs("free", "practice/it/orti-b"))), content.ErrDuplicate, "c", "practice/it/orti-b")
	wantError(t, "an update that takes a slug", apply(s, next(a, slugs("practice/it/orti-b"))), content.ErrDuplicate, "a", "practice/it/orti-b")
	wantError(t, "an update of nothing", apply(s, next(write("c"))), content.ErrConflict, "c")
	wantError(t, "a version too far", apply(s, next(next(a))), content.ErrConflict, "a")

	second := next(a)
	mustApply(t, s, second)
	wantError(t, "a version that is past", apply(s, next(a)), content.ErrConflict, "a")
	wrong := next(second)
	wrong.Document.Version++
	if apply(s, wrong) == nil {
		t.Error("a write that leaves a version out was accepted")
	}

	// Nothing of all that is there.
	relay(t, s)
	equal(t, "events", len(log(t, s)), 5)
	equal(t, "events of a", eventIDs(t, s, "a"), pendingIDs(a, second))
	got, err := s.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "get", got, stored(second))
	_, err = s.Get(ctx, "c")
	wantError(t, "get", err, content.ErrNotFound)
	for _, slug := range []string{"other", "free"} {
		_, err = s.BySlug(ctx, slug)
		wantError(t, "a refused write's slug", err, content.ErrNotFound)
	}
	if _, err = s.Find(ctx, content.Query{}); err == nil {
		t.Error("a query without terms was answered")
	}
}

func testSlugs(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	// The same slug twice in one document is one slug; a document without slugs
	// does not collide with another one.
	a := write("a", slugs("x", "y", "x"))
	mustApply(t, s, a, write("b", slugs()), write("c", slugs()))
	holder := func(slug, want string) {
		t.Helper()
		got, err := s.BySlug(ctx, slug)
		switch {
		case want == "":
			wantError(t, slug, err, content.ErrNotFound)
		case err != nil || got.ID != want:
			t.Errorf("%s is held by %v (%v), want %s", slug, got, err, want)
		}
	}
	holder("x", "a")
	holder("y", "a")
	a = next(a, slugs("y", "z"))
	mustApply(t, s, a)
	holder("x", "")
	holder("y", "a")
	holder("z", "a")
	mustApply(t, s, write("e", slugs("x")))
	holder("x", "e")
	wantError(t, "taking it back", apply(s, next(a, slugs("x", "z"))), content.ErrDuplicate)
	holder("y", "a")
	// Letters that look alike, and cases, are different slugs.
	for i, slug := range []string{"é", "e\u0301", "É", "а", "a", "y ", "Y"} {
		id := fmt.Sprintf("look%d", i)
		mustApply(t, s, write(id, slugs(slug)))
		holder(slug, id)
	}
}

func testRevisions(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	_, err := s.Revision(ctx, "none")
	wantError(t, "revision", err, content.ErrNotFound, "none")

	var all []*content.Revision // newest first
	w := write("a")
	for range 7 {
		mustApply(t, s, w)
		all = append(w.Revisions, all...)
		w = next(w)
	}
	mustApply(t, s, write("b"))
	// Two revisions in one write, of two locales; and one that is already there,
	// as after a lost race.
	french := *w.Revisions[0]
	french.Locale, french.Restored, french.Number = "fr", 3, 1
	french.Hash = french.ComputeHash()
	stale := next(content.Write{Document: clone(w.Document)})
	stale.Revisions = w.Revisions
	wantError(t, "a lost race", apply(s, stale), content.ErrConflict)
	w.Revisions = append(w.Revisions, &french)
	mustApply(t, s, w)
	all = append(w.Revisions[:1:1], all...)

	for _, want := range append([]*content.Revision{&french}, all...) {
		got, err := s.Revision(ctx, want.Hash)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "revision", got, want)
		equal(t, "hash", got.ComputeHash(), want.Hash)
	}
	got, err := s.RevisionsByHash(ctx, []string{all[3].Hash, "none", all[0].Hash, all[3].Hash})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "revisions by hash", got, []*content.Revision{all[3], nil, all[0], all[3]})
	if got, err = s.RevisionsByHash(ctx, nil); err != nil || len(got) != 0 {
		t.Errorf("no hashes: %v, %v", got, err)
	}
	for _, test := range []struct {
		locale        string
		before, limit int
		want          []*content.Revision
	}{
		{"it", 0, 0, all},
		{"it", 0, 3, all[:3]},
		{"it", all[2].Number, 3, all[3:6]},
		{"it", 1, 3, nil},
		{"fr", 0, 10, []*content.Revision{&french}},
		{"ar", 0, 10, nil},
	} {
		got, err := s.History(ctx, "a", test.locale, test.before, test.limit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("history of %s before %d, %d", test.locale, test.before, test.limit), got, test.want)
	}
}

func testEvents(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	if last, err := s.LastSeq(ctx); err != nil || last != 0 {
		t.Errorf("last sequence number of an empty log: %d, %v", last, err)
	}
	equal(t, "an empty log", len(log(t, s)), 0)
	if n := relay(t, s); n != 0 {
		t.Errorf("relayed %d events of nothing", n)
	}

	a1, b1 := write("a", due(start.Add(time.Hour))), write("b")
	a2 := next(a1)
	mustApply(t, s, a1, b1)
	mustApply(t, s, a2) // with the events of a1 perhaps still pending
	moved := relay(t, s)
	if moved != 0 && moved != 5 {
		t.Errorf("relayed %d events, want 5 (or 0 of a driver that has a log at once)", moved)
	}
	if again := relay(t, s); again != 0 {
		t.Errorf("relayed %d events twice", again)
	}

	all := log(t, s)
	if len(all) != 5 {
		t.Fatalf("%d events, want 5", len(all))
	}
	for _, got := range all {
		if got.ComputeHash() != got.Hash {
			t.Errorf("event %s no longer has its hash", got.ID)
		}
		for _, w := range []content.Write{a1, a2, b1} {
			for _, want := range w.Document.Pending {
				if want.ID == got.ID {
					want.Seq = got.Seq
					equal(t, "event", got, want)
				}
			}
		}
	}
	equal(t, "events of a", eventIDs(t, s, "a"), pendingIDs(a1, a2))
	equal(t, "events of b", eventIDs(t, s, "b"), pendingIDs(b1))
	equal(t, "events of nothing", eventIDs(t, s, "c"), []string{})

	page, err := s.Events(ctx, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "a page of the log", page, all[1:3])
	ofA, err := s.DocumentEvents(ctx, "a", 0, 2)
	if err != nil || len(ofA) != 2 || ofA[0].Seq < ofA[1].Seq {
		t.Fatalf("two events of a: %v, %v", ofA, err)
	}
	rest, err := s.DocumentEvents(ctx, "a", ofA[1].Seq, 2)
	if err != nil || len(rest) != 1 || rest[0].ID != "a.1.0" {
		t.Errorf("the rest: %v, %v", rest, err)
	}

	// What is read carries no events, and writing it again brings none back.
	got, err := s.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Pending) > 0 {
		t.Errorf("a document was read with %d pending events", len(got.Pending))
	}
	got.Version++
	if err := apply(s, content.Write{Document: got, Expect: got.Version - 1}); err != nil {
		t.Fatal(err)
	}
	relay(t, s)
	equal(t, "events after a write without any", len(log(t, s)), 5)
}

func testRecords(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	put := func(r *content.Record, expect int64) error { return s.PutRecord(ctx, r, expect) }
	_, err := s.GetRecord(ctx, "token", "x")
	wantError(t, "get", err, content.ErrNotFound, "token", "x")
	wantError(t, "delete", s.DeleteRecord(ctx, "token", "x", 1), content.ErrNotFound, "token", "x")
	wantError(t, "update of nothing", put(&content.Record{Kind: "token", ID: "x"}, 3), content.ErrConflict, "x")

	r := &content.Record{Kind: "token", ID: "x", Data: []byte("{\"a\":\"<\xff\x00\"}"), At: start}
	if err := put(r, 0); err != nil {
		t.Fatal(err)
	}
	equal(t, "the given version", r.Version, int64(0))
	want := *r
	want.Version = 1
	check := func() {
		t.Helper()
		got, err := s.GetRecord(ctx, "token", "x")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "record", got, &want)
	}
	check()
	wantError(t, "insert again", put(r, 0), content.ErrConflict, "x")
	wantError(t, "a version too far", put(r, 2), content.ErrConflict)
	r.Data, r.At = []byte("{}"), start.Add(time.Hour)
	if err := put(r, 1); err != nil {
		t.Fatal(err)
	}
	want.Version, want.Data, want.At = 2, r.Data, r.At
	check()
	wantError(t, "a version that is past", put(r, 1), content.ErrConflict)
	wantError(t, "delete a version that is past", s.DeleteRecord(ctx, "token", "x", 1), content.ErrConflict)
	check()

	for _, id := range []string{"b", "𝄞", "\uffff", "B", "a", "é"} {
		for _, kind := range []string{"token", "tok", "token2"} {
			if err := put(&content.Record{Kind: kind, ID: id, Data: []byte(kind), At: start}, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	listed := func(after string, limit int) string {
		t.Helper()
		records, err := s.ListRecords(ctx, "token", after, limit)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, r := range records {
			if r.Kind != "token" || r.Version == 0 || len(r.Data) == 0 || r.At.IsZero() {
				t.Errorf("listed %+v", r)
			}
			list = append(list, r.ID)
		}
		return strings.Join(list, " ")
	}
	equal(t, "list", listed("", 0), "B a b x é \uffff 𝄞")
	equal(t, "list a page", listed("", 3), "B a b")
	equal(t, "list the next", listed("b", 3), "x é \uffff")

	if err := s.DeleteRecord(ctx, "token", "x", 2); err != nil {
		t.Fatal(err)
	}
	_, err = s.GetRecord(ctx, "token", "x")
	wantError(t, "get after delete", err, content.ErrNotFound)
	if err := put(r, 0); err != nil {
		t.Fatal(err)
	}
	want.Version = 1
	check()
}

func testDue(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	b := write("b", due(at(10)))
	mustApply(t, s, write("a", due(at(20))), b, write("c", due(at(10))), write("d"), write("e", due(at(5))))
	check := func(until time.Time, limit int, want ...string) {
		t.Helper()
		found, err := s.Due(ctx, until, limit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprint("due until ", until), ids(found), slices.Concat([]string{}, want))
	}
	check(at(30), 0, "e", "b", "c", "a")
	check(at(30), 2, "e", "b")
	check(at(10), 0, "e", "b", "c")
	check(at(10).Add(-time.Millisecond), 0, "e")
	check(at(0), 0)
	check(time.Time{}, 0)
	mustApply(t, s, next(b, due(time.Time{})))
	check(at(30), 0, "e", "c", "a")
}

func testBatches(t *testing.T, d Driver) {
	s, ctx := d.fresh(t), context.Background()
	if errs := s.Apply(ctx, nil); len(errs) != 0 {
		t.Errorf("no writes: %v", errs)
	}
	existing, other := write("existing"), write("other")
	mustApply(t, s, existing, other)
	unfit := write("unfit")
	unfit.Document.Version = 7
	fresh := write("fresh")
	batch := []content.Write{
		fresh,
		next(existing),
		write("existing", slugs("second")),     // 2: the id is taken
		write("thief", slugs("s", "x/other")),  // 3: fine
		write("loser", slugs("x/other", "s2")), // 4: the slug is taken within the batch
		next(next(other)),                      // 5: the version is too far
		unfit,                                  // 6
		next(other),
		next(fresh), // follows the first of this very batch
		next(existing, slugs("practice/it/orti-other")), // 9: behind, and the slug is taken
	}
	want := []error{nil, nil, content.ErrDuplicate, nil, content.ErrDuplicate, content.ErrConflict, nil, nil, nil, content.ErrConflict}
	errs := s.Apply(ctx, batch)
	if len(errs) != len(batch) {
		t.Fatalf("%d errors for %d writes", len(errs), len(batch))
	}
	for i, err := range errs {
		switch {
		case i == 6:
			if err == nil {
				t.Error("an unfit write was accepted")
			}
		case want[i] == nil && err != nil:
			t.Errorf("write %d: %v", i, err)
		case want[i] != nil:
			wantError(t, fmt.Sprint("write ", i), err, want[i], batch[i].Document.ID)
		}
	}
	for i, w := range map[int]content.Write{1: batch[1], 3: batch[3], 7: batch[7], 8: batch[8]} {
		got, err := s.Get(ctx, w.Document.ID)
		if err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
		equal(t, fmt.Sprint("write ", i), got, stored(w))
	}
	for _, id := range []string{"loser", "unfit"} {
		_, err := s.Get(ctx, id)
		wantError(t, id, err, content.ErrNotFound)
	}
	_, err := s.BySlug(ctx, "s2")
	wantError(t, "a refused write's slug", err, content.ErrNotFound)
	relay(t, s)
	equal(t, "events", len(log(t, s)), len(pendingIDs(existing, other, fresh, batch[1], batch[3], batch[7], batch[8])))

	// A large one.
	var many []content.Write
	for i := range 500 {
		many = append(many, write(fmt.Sprintf("many%03d", i), terms("many")))
	}
	mustApply(t, s, many...)
	found, err := s.Find(ctx, content.Query{Terms: []string{"many"}})
	if err != nil || len(found) != 500 {
		t.Errorf("%d documents (%v), want 500", len(found), err)
	}
	relay(t, s)
	log(t, s)
	for after, seen := "", 0; ; {
		page, err := s.Scan(ctx, after, 150)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			equal(t, "scanned", seen, 504)
			break
		}
		if !slices.IsSorted(ids(page)) || page[0].ID <= after {
			t.Errorf("scan after %s: %v", after, ids(page))
		}
		seen += len(page)
		after = page[len(page)-1].ID
	}
}
