package audit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

func TestChange(t *testing.T) {
	onEngines(t, func(t *testing.T, open func() content.Store) {
		ctx := t.Context()
		s, c := open(), newClock()
		l := audit.New(s, c.Now)
		if _, err := audit.Read[person](ctx, l, "person", "b"); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("reading nothing: %v", err)
		}
		under := audit.Under(ctx, &content.Grant{Role: "reviewer", Scope: "100"})
		got, err := audit.Change(under, l, "person", "b", anna, func(p *person, exists bool) (string, map[string]string, error) {
			if exists || p.Name != "" {
				t.Errorf("a new record has %+v", p)
			}
			*p = person{Name: "Bruno", Roles: []string{"editor"}}
			return audit.PersonMade, map[string]string{"provider": "spid"}, nil
		})
		want := person{Name: "Bruno", Roles: []string{"editor"}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("changed to %+v, %v", got, err)
		}
		if got, err := audit.Read[person](ctx, l, "person", "b"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, %v", got, err)
		}
		first := entries(t, l, "person:b")[0]
		told := audit.Entry{
			Subject: "person:b", Number: 1, At: time.Date(2026, 3, 31, 22, 30, 0, 123e6, time.UTC), Actor: "person:anna",
			Grant: "reviewer@100", Via: "session", Trace: "20260331-abc", Action: "person_made",
			Details: map[string]string{"provider": "spid"}, Hash: first.ComputeHash(),
		}
		if !reflect.DeepEqual(first, told) {
			t.Errorf("told of %+v, want %+v", first, told)
		}

		// A second one follows the first; a value alone tells nothing.
		must(t, visit(ctx, l, "b"))
		silent := func(p *person, exists bool) (string, map[string]string, error) {
			p.Roles = []string{"silent"}
			return "", nil, nil
		}
		for range 2 {
			if _, err := audit.Change(ctx, l, "person", "b", content.Actor{}, silent); err != nil {
				t.Fatal(err)
			}
		}
		r, err := s.GetRecord(ctx, "person", "b")
		must(t, err)
		if r.Version != 3 {
			t.Errorf("version %d: the same value was written again, or not at all", r.Version)
		}
		chain := entries(t, l, "person:b")
		if len(chain) != 2 || chain[1].Prev != first.Hash || chain[1].Number != 2 {
			t.Errorf("the chain is %+v", chain)
		}

		// What do refuses is not written.
		refusal := errors.New("no")
		if _, err := audit.Change(ctx, l, "person", "b", anna, func(p *person, _ bool) (string, map[string]string, error) {
			p.Name = "changed"
			return audit.PersonChanged, nil, refusal
		}); !errors.Is(err, refusal) {
			t.Errorf("refusal: %v", err)
		}

		// Dropped, the chain goes on.
		must(t, audit.Drop(ctx, l, "person", "b", anna, audit.PersonErased, nil))
		if _, err := audit.Read[person](ctx, l, "person", "b"); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("reading a tombstone: %v", err)
		}
		if err := audit.Drop(ctx, l, "person", "b", anna, audit.PersonErased, nil); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("dropping a tombstone: %v", err)
		}
		must(t, visit(ctx, l, "b"))
		var actions []string
		for _, e := range entries(t, l, "person:b") {
			actions = append(actions, e.Action)
		}
		if want := []string{"person_made", "role_granted", "person_erased", "person_made"}; !slices.Equal(actions, want) {
			t.Errorf("told of %v, want %v", actions, want)
		}
		if r := clean(t, l); r.Entries != 4 || r.Subjects != 1 {
			t.Errorf("verified %+v", r)
		}
		if n, err := l.Flush(ctx); n != 0 || err != nil {
			t.Errorf("%d entries were not in their places: %v", n, err)
		}
		clean(t, l)
	})
}

// What never had a chain leaves nothing behind.
func TestWithoutChain(t *testing.T) {
	ctx, s := t.Context(), sqlite(t)
	l := audit.New(s, nil)
	put := func(p *person, _ bool) (string, map[string]string, error) { p.Visits++; return "", nil, nil }
	for range 3 {
		if _, err := audit.Change(ctx, l, "session", "a", content.Actor{}, put); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := audit.Read[person](ctx, l, "session", "a"); err != nil || p.Visits != 3 {
		t.Errorf("read %+v, %v", p, err)
	}
	must(t, audit.Drop(ctx, l, "session", "a", content.Actor{}, "", nil))
	if list := all(t, s); len(list) != 0 {
		t.Errorf("%d records are left: %s", len(list), list[0].Data)
	}
	// With a chain, the tombstone stays, and the value goes without a word.
	must(t, visit(ctx, l, "b"))
	must(t, audit.Drop(ctx, l, "person", "b", content.Actor{}, "", nil))
	if r := clean(t, l); r.Entries != 1 || r.Subjects != 1 {
		t.Errorf("verified %+v", r)
	}
}

// A record from before there was a ledger is its value.
func TestBareRecord(t *testing.T) {
	ctx, s := t.Context(), sqlite(t)
	l := audit.New(s, nil)
	must(t, s.PutRecord(ctx, &content.Record{Kind: "person", ID: "b", Data: encode(t, person{Name: "Bruno", Visits: 7})}, 0))
	must(t, visit(ctx, l, "b"))
	if p, err := audit.Read[person](ctx, l, "person", "b"); err != nil || p.Visits != 8 {
		t.Errorf("read %+v, %v", p, err)
	}
	if list := entries(t, l, "person:b"); len(list) != 1 || list[0].Action != audit.RoleGranted {
		t.Errorf("told of %+v", list)
	}
	clean(t, l)
}

func TestNote(t *testing.T) {
	ctx, s := t.Context(), sqlite(t)
	l := audit.New(s, nil)
	must(t, l.Note(ctx, "sign_in:spid", content.Actor{Trace: "t"}, audit.SignInRefused, map[string]string{"reason": "nonce"}))
	must(t, visit(ctx, l, "b"))
	must(t, l.Note(ctx, "person:b", anna, audit.SignedIn, nil))
	if e := entries(t, l, "sign_in:spid")[0]; e.Actor != "" || e.Trace != "t" || e.Details["reason"] != "nonce" {
		t.Errorf("told of %+v", e)
	}
	if _, err := audit.Read[person](ctx, l, "sign_in", "spid"); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("a note made a value: %v", err)
	}
	if p, err := audit.Read[person](ctx, l, "person", "b"); err != nil || p.Visits != 1 {
		t.Errorf("a note changed the value: %+v, %v", p, err)
	}
	if r := clean(t, l); r.Entries != 3 || r.Subjects != 2 {
		t.Errorf("verified %+v", r)
	}
	if list := entries(t, l, "person:nobody"); len(list) != 0 {
		t.Errorf("there are entries of nobody: %v", list)
	}
}

func TestList(t *testing.T) {
	ctx := t.Context()
	l := audit.New(sqlite(t), nil)
	var want []string
	const all = 230 // more than one page
	for i := range all {
		id := fmt.Sprintf("p%03d", i)
		_, err := audit.Change(ctx, l, "session", id, anna, func(p *person, _ bool) (string, map[string]string, error) {
			p.Visits = i
			return "", nil, nil
		})
		must(t, err)
		if i%5 == 0 {
			must(t, audit.Drop(ctx, l, "session", id, anna, audit.PersonErased, nil))
			continue
		}
		want = append(want, id)
	}
	for _, limit := range []int{0, 1, 7, all} {
		var got []string
		for after, more := "", true; more; {
			ids, values, err := audit.List[person](ctx, l, "session", after, limit)
			must(t, err)
			for i, v := range values {
				if ids[i] != fmt.Sprintf("p%03d", v.Visits) {
					t.Fatalf("%s has the value of %d", ids[i], v.Visits)
				}
			}
			if more = limit > 0 && len(ids) == limit; more {
				after = ids[limit-1]
			}
			got = append(got, ids...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}

func TestReading(t *testing.T) {
	onEngines(t, func(t *testing.T, open func() content.Store) {
		ctx := t.Context()
		l := audit.New(open(), nil)
		// Ids that begin alike, around the slash in the order of bytes.
		subjects := []string{"a", "a-b", "a.b", "a0", "ab", "à", "a:b"}
		for range 3 {
			for _, id := range subjects {
				must(t, visit(ctx, l, id))
			}
		}
		for _, id := range subjects {
			subject := "person:" + id
			list := entries(t, l, subject)
			if len(list) != 3 || list[0].Subject != subject || list[2].Number != 3 {
				t.Errorf("%s: %+v", subject, list)
			}
			if list, err := l.Entries(ctx, subject, 1, 1); err != nil || len(list) != 1 || list[0].Number != 2 {
				t.Errorf("%s: one after the first: %+v, %v", subject, list, err)
			}
			if list, err := l.Entries(ctx, subject, 3, 0); err != nil || len(list) != 0 {
				t.Errorf("%s: after the last: %+v, %v", subject, list, err)
			}
		}
		seen := map[string]int64{}
		for next, rounds := "", 0; rounds == 0 || next != ""; rounds++ {
			list, after, err := l.All(ctx, next, 4)
			must(t, err)
			for _, e := range list {
				if seen[e.Subject]++; seen[e.Subject] != e.Number {
					t.Errorf("%s: number %d comes as number %d", e.Subject, e.Number, seen[e.Subject])
				}
			}
			next = after
		}
		if len(seen) != len(subjects) {
			t.Errorf("subjects %v", slices.Sorted(maps.Keys(seen)))
		}
		clean(t, l)
	})
}

// What an entry must not say is refused, and so is who may not act.
func TestRefusals(t *testing.T) {
	ctx, s := t.Context(), sqlite(t)
	l := audit.New(s, nil)
	long := strings.Repeat("à", audit.MaxDetail)
	try := func(kind, id string, by content.Actor, action string, details map[string]string) error {
		_, err := audit.Change(ctx, l, kind, id, by, func(p *person, _ bool) (string, map[string]string, error) { return action, details, nil })
		return err
	}
	for name, err := range map[string]error{
		"action":       try("person", "b", anna, "person_looked_at", nil),
		"key":          try("person", "b", anna, audit.PersonChanged, map[string]string{"email": "a@example.org"}),
		"long":         try("person", "b", anna, audit.PersonChanged, map[string]string{"reason": long + "à"}),
		"line":         try("person", "b", anna, audit.PersonChanged, map[string]string{"reason": "a\nb"}),
		"UTF-8":        try("person", "b", anna, audit.PersonChanged, map[string]string{"reason": "\xff"}),
		"actor":        try("person", "b", content.Actor{ID: "\xff"}, audit.PersonChanged, nil),
		"own kind":     try("audit", "b", anna, audit.PersonChanged, nil),
		"kind":         try("Per:son", "b", anna, audit.PersonChanged, nil),
		"no id":        try("person", "", anna, audit.PersonChanged, nil),
		"slash":        try("person", "a/000000000001", anna, audit.PersonChanged, nil),
		"long id":      try("person", strings.Repeat("a", 201), anna, audit.PersonChanged, nil),
		"note":         l.Note(ctx, "person:b", anna, "", nil),
		"note subject": l.Note(ctx, "person", anna, audit.SignedIn, nil),
	} {
		if err == nil || errors.Is(err, content.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"change": try("person", "b", content.Actor{Name: "a name is nobody"}, audit.PersonChanged, nil),
		"drop":   audit.Drop(ctx, l, "person", "b", content.Actor{}, audit.PersonErased, nil),
	} {
		var p *content.Problem
		if !errors.As(err, &p) || p.Class != content.Unauthenticated {
			t.Errorf("%s by nobody: %v", name, err)
		}
	}
	if list := all(t, s); len(list) > 0 {
		t.Errorf("a refusal left %s %s: %s", list[0].Kind, list[0].ID, list[0].Data)
	}
	if err := try("person", "b", anna, audit.PersonChanged, map[string]string{"reason": long}); err != nil {
		t.Errorf("the longest detail: %v", err)
	}
	clean(t, l)
}

// The lists of the package are what they say.
func TestLists(t *testing.T) {
	want := slices.Concat(audit.Actions, []string{
		audit.CodeRetentionSyntax, audit.CodeRetentionAge, audit.CodeRetentionUnknown,
		audit.CodeRetentionTwice, audit.CodeRetentionShort, audit.CodeRetentionFixed,
	})
	if !slices.Equal(audit.Codes, want) {
		t.Errorf("Codes are %v, want the actions and the codes of retention: %v", audit.Codes, want)
	}
	for _, list := range [][]string{audit.Codes, audit.DetailKeys} {
		sorted := slices.Sorted(slices.Values(list))
		if len(slices.Compact(sorted)) != len(list) {
			t.Errorf("something is listed twice in %v", list)
		}
	}
}

// An entry is said in words.
func TestParams(t *testing.T) {
	e := audit.Entry{Action: audit.RoleGranted, Details: map[string]string{"role": "reviewer", "scope": "100", "session": "abc"}}
	if got := e.Params(); !reflect.DeepEqual(got, map[string]any{"role": "reviewer", "scope": "100"}) {
		t.Errorf("the sentence may show %v", got)
	}
	for lang, want := range map[string]string{"it": "Ruolo assegnato: revisione (100).", "zh": "已授予角色：审阅（100）。"} {
		if got := messages.Text(lang, e.Action, e.Params()); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
	for _, action := range audit.Actions {
		bare := audit.Entry{Action: action}
		if got := messages.Text("fr", action, bare.Params()); got == action || got == "" {
			t.Errorf("%s is not said in words", action)
		}
	}
}

// operations are what a process may be doing when it dies, in a store that holds
// the record "old" with one entry; told is what it tells of id when it comes
// through.
var operations = map[string]struct {
	do      func(context.Context, *audit.Ledger) error
	told    []string
	id      string
	waiting []bool // whether the entry of "old" waits inside its record
}{
	"first":  {func(ctx context.Context, l *audit.Ledger) error { return visit(ctx, l, "new") }, []string{audit.PersonMade}, "new", []bool{false}},
	"second": {func(ctx context.Context, l *audit.Ledger) error { return visit(ctx, l, "old") }, []string{audit.RoleGranted}, "old", []bool{false, true}},
	"drop": {func(ctx context.Context, l *audit.Ledger) error {
		return audit.Drop(ctx, l, "person", "old", anna, audit.PersonErased, nil)
	}, []string{audit.PersonErased}, "old", []bool{false, true}},
	"note": {func(ctx context.Context, l *audit.Ledger) error {
		return l.Note(ctx, "person:old", anna, audit.SignedIn, nil)
	}, []string{audit.SignedIn}, "old", []bool{false, true}},
	"flush": {func(ctx context.Context, l *audit.Ledger) error { _, err := l.Flush(ctx); return err }, nil, "old", []bool{true}},
	"read": {func(ctx context.Context, l *audit.Ledger) error {
		_, err := l.Entries(ctx, "person:old", 0, 0)
		return err
	}, nil, "old", []bool{true}},
}

// TestDeaths lets a process die at every call of the store, before and after it
// was carried out. What the next one finds is whole: the change with its entry,
// or neither.
func TestDeaths(t *testing.T) {
	onEngines(t, func(t *testing.T, open func() content.Store) {
		ctx := t.Context()
		s := open()
		runs := 0
		for name, op := range operations {
			for _, waiting := range op.waiting {
				for _, after := range []bool{false, true} {
					deaths := 0
					for n := 1; ; n++ {
						runs++
						wipe(t, s)
						prepare(t, s, waiting)
						before := snapshot(t, s, op.id)
						m := &mortal{Records: s, left: n, after: after}
						err := op.do(ctx, audit.New(m, nil))
						now := snapshot(t, s, op.id)
						inspect(t, fmt.Sprintf("%s, waiting %t, after %t, call %d", name, waiting, after, n), s, op.id, op.told, before, now, err)
						if !m.dead {
							break
						}
						deaths++
					}
					if deaths < 2 {
						t.Errorf("%s: only %d calls of the store", name, deaths)
					}
				}
			}
		}
		t.Logf("%d runs", runs)
	})
}

// prepare makes a record with one entry, which has been moved or waits.
func prepare(t *testing.T, s audit.Records, waiting bool) {
	t.Helper()
	m := &mortal{Records: s}
	if waiting {
		m.left = 5 // read, two for the kind, write, and dead before the move
	}
	must(t, visit(t.Context(), audit.New(m, nil), "old"))
	_, err := s.GetRecord(t.Context(), "audit", "person:old/000000000001")
	if m.dead != waiting || errors.Is(err, content.ErrNotFound) != waiting {
		t.Fatalf("waiting %t: dead %t, %v", waiting, m.dead, err)
	}
}

// snapshot is the value of a record: nil when there is none.
func snapshot(t *testing.T, s audit.Records, id string) *person {
	t.Helper()
	p, err := audit.Read[person](t.Context(), audit.New(s, nil), "person", id)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	must(t, err)
	return &p
}

// inspect looks at what a process left, as the next process would.
func inspect(t *testing.T, name string, s audit.Records, id string, told []string, before, now *person, err error) {
	t.Helper()
	next := audit.New(s, nil)
	clean(t, next) // also before anything is moved
	if _, err := next.Flush(t.Context()); err != nil {
		t.Fatalf("%s: flush: %v", name, err)
	}
	if n, err := next.Flush(t.Context()); n != 0 || err != nil {
		t.Fatalf("%s: a second flush moved %d, %v", name, n, err)
	}
	clean(t, next)
	var old, got []string
	if id == "old" {
		old = []string{audit.PersonMade}
	}
	for _, e := range entries(t, next, "person:"+id) {
		got = append(got, e.Action)
	}
	done := slices.Concat(old, told)
	switch {
	case err == nil && !slices.Equal(got, done):
		t.Fatalf("%s: it succeeded and told of %v, want %v", name, got, done)
	case !slices.Equal(got, old) && !slices.Equal(got, done):
		t.Fatalf("%s: told of %v", name, got)
	}
	changes := len(told) > 0 && told[0] != audit.SignedIn
	if changes && reflect.DeepEqual(before, now) == slices.Equal(got, done) {
		t.Fatalf("%s: from %v to %v, and told of %v", name, before, now, got)
	}
	// Nothing stands in the way of what comes next.
	if err := visit(t.Context(), next, id); err != nil {
		t.Fatalf("%s: the next change: %v", name, err)
	}
}

// wipe empties the store of what the operations write.
func wipe(t *testing.T, s audit.Records) {
	t.Helper()
	for _, kind := range []string{"person", "audit", "audit_chains"} {
		list, err := s.ListRecords(t.Context(), kind, "", 0)
		must(t, err)
		for _, r := range list {
			must(t, s.DeleteRecord(t.Context(), r.Kind, r.ID, r.Version))
		}
	}
}

// TestColliding has 16 writers on one record, in four processes, while others
// flush, read and verify.
func TestColliding(t *testing.T) {
	onEngines(t, func(t *testing.T, open func() content.Store) {
		const processes, writers, turns = 4, 4, 6
		ctx := t.Context()
		var writing, reading sync.WaitGroup
		var done atomic.Bool
		for range processes {
			l := audit.New(open(), nil)
			for range writers {
				writing.Go(func() {
					for range turns {
						if err := visit(ctx, l, "b"); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		reader := audit.New(open(), nil)
		reading.Go(func() {
			for !done.Load() {
				if _, err := reader.Flush(ctx); err != nil {
					t.Error(err)
				}
			}
		})
		reading.Go(func() {
			for !done.Load() {
				if r, err := reader.Verify(ctx); err != nil || len(r.Faults) > 0 {
					t.Errorf("verified beside writers: %+v, %v", r, err)
				}
				list, err := reader.Entries(ctx, "person:b", 0, 0)
				for i, e := range list {
					if e.Number != int64(i+1) {
						t.Errorf("entry %d is number %d", i+1, e.Number)
						break
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		writing.Wait()
		done.Store(true)
		reading.Wait()
		const total = processes * writers * turns
		p, err := audit.Read[person](ctx, reader, "person", "b")
		if err != nil || p.Visits != total {
			t.Errorf("%d visits, want %d: %v", p.Visits, total, err)
		}
		for i, e := range entries(t, reader, "person:b") {
			if i > 0 && e.Details["count"] != fmt.Sprint(i+1) {
				t.Fatalf("entry %d tells of visit %s", i+1, e.Details["count"])
			}
		}
		if r := clean(t, reader); r.Entries != total {
			t.Errorf("%d entries, want %d", r.Entries, total)
		}
	})
}

// stubborn is a store where somebody else is always faster.
type stubborn struct {
	audit.Records
	calls atomic.Int64
}

func (s *stubborn) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	if r.Kind == "person" {
		s.calls.Add(1)
		return content.ErrConflict
	}
	return s.Records.PutRecord(ctx, r, expect)
}

// Trying again has an end: the context's, or after many tries.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	s := &stubborn{Records: sqlite(t)}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer stop()
	if err := visit(ctx, audit.New(s, nil), "b"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with little time: %v", err)
	}
	s.calls.Store(0)
	err := visit(t.Context(), audit.New(s, nil), "b")
	if !errors.Is(err, content.ErrConflict) || s.calls.Load() < 10 {
		t.Errorf("after %d tries: %v", s.calls.Load(), err)
	}
	clean(t, audit.New(s, nil))
}

// TestModel holds the ledger against a model of it while processes die at any
// call.
func TestModel(t *testing.T) {
	t.Parallel()
	s := sqlite(t)
	rapid.Check(t, func(rt *rapid.T) {
		wipe(t, s)
		ctx := context.Background()
		visits := map[string]int{} // -1: no value
		told := map[string]int{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "id")
			m := &mortal{Records: s, left: rapid.IntRange(0, 9).Draw(rt, "death"), after: rapid.Bool().Draw(rt, "after")}
			l := audit.New(m, nil)
			more, change := 0, 0
			var err error
			switch op := rapid.SampledFrom([]string{"visit", "silent", "drop", "note", "flush"}).Draw(rt, "op"); op {
			case "visit":
				err, more, change = visit(ctx, l, id), 1, 1
			case "silent":
				_, err = audit.Change(ctx, l, "person", id, content.Actor{}, func(p *person, _ bool) (string, map[string]string, error) {
					p.Visits++
					return "", nil, nil
				})
				change = 1
			case "drop":
				err = audit.Drop(ctx, l, "person", id, anna, audit.PersonErased, nil)
				if errors.Is(err, content.ErrNotFound) {
					if visits[id] != 0 {
						rt.Fatalf("%s is gone", id)
					}
					continue
				}
				more, change = 1, -visits[id]
			case "note":
				err, more = l.Note(ctx, "person:"+id, anna, audit.SignedIn, nil), 1
			case "flush":
				_, err = l.Flush(ctx)
			}
			if err != nil && !m.dead {
				rt.Fatalf("without a death: %v", err)
			}
			// Seen by the next process: all of it or nothing of it.
			next := audit.New(s, nil)
			p, readErr := audit.Read[person](ctx, next, "person", id)
			if readErr != nil && !errors.Is(readErr, content.ErrNotFound) {
				rt.Fatal(readErr)
			}
			list, listErr := next.Entries(ctx, "person:"+id, 0, 0)
			if listErr != nil {
				rt.Fatal(listErr)
			}
			happened := p.Visits == visits[id]+change && len(list) == told[id]+more
			if !happened && (err == nil || p.Visits != visits[id] || len(list) != told[id]) {
				rt.Fatalf("%s: %d visits and %d entries; were %d and %d; %d and %d more expected (%v)", id, p.Visits, len(list), visits[id], told[id], change, more, err)
			}
			if happened {
				visits[id], told[id] = visits[id]+change, told[id]+more
			}
			if r, err := next.Verify(ctx); err != nil || len(r.Faults) > 0 {
				rt.Fatalf("verified: %+v, %v", r, err)
			}
		}
	})
}

// However often strangers are refused, and from however many addresses, what is
// written of it is bounded, and how much was not written is told.
func TestStrangersDoNotFillTheStore(t *testing.T) {
	ctx, s, c := t.Context(), sqlite(t), newClock()
	l := audit.New(s, c.Now)
	const many = 300
	refuse := func(n int) {
		t.Helper()
		for range n {
			must(t, l.Note(ctx, "sign_in:refused", content.Actor{}, audit.SignInRefused, map[string]string{"reason": "sign_in_expired"}))
		}
	}
	refuse(many)
	told := len(entries(t, l, "sign_in:refused"))
	if told < 100 || told >= many {
		t.Fatalf("%d of %d refusals are told", told, many)
	}
	must(t, l.Note(ctx, "person:b", anna, audit.SignedIn, nil)) // nobody known is kept out
	if len(entries(t, l, "person:b")) != 1 {
		t.Error("what somebody known does is not told")
	}
	c.Turn(time.Minute)
	refuse(2)
	list := entries(t, l, "sign_in:refused")
	if last := list[len(list)-1]; len(list) != told+1 || last.Details["count"] != fmt.Sprint(many-told) || last.Details["reason"] != "sign_in_expired" {
		t.Errorf("%d entries, the last is %+v", len(list), last)
	}
	clean(t, l)
}
