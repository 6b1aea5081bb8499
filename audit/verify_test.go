package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// chains fills a store: five entries of a, three of b, all in their places.
func chains(t *testing.T, s audit.Records) *audit.Ledger {
	t.Helper()
	l := audit.New(s, newClock().Now)
	for id, n := range map[string]int{"a": 5, "b": 3} {
		for range n {
			must(t, visit(t.Context(), l, id))
		}
	}
	_, err := l.Flush(t.Context())
	must(t, err)
	clean(t, l)
	return l
}

func place(number int) string { return fmt.Sprintf("person:a/%012d", number) }

// edit changes an entry behind the ledger's back; rehash makes it look sound.
func edit(t *testing.T, s audit.Records, id string, rehash bool, change func(e *audit.Entry)) {
	t.Helper()
	overwrite(t, s, "audit", id, func(data []byte) []byte {
		var e audit.Entry
		must(t, json.Unmarshal(data, &e))
		change(&e)
		if rehash {
			e.Hash = e.ComputeHash()
		}
		return encode(t, e)
	})
}

// editHead changes the end of the chain in the record of a.
func editHead(t *testing.T, s audit.Records, change func(head map[string]any)) {
	t.Helper()
	overwrite(t, s, "person", "a", func(data []byte) []byte {
		var envelope map[string]any
		must(t, json.Unmarshal(data, &envelope))
		change(envelope["audit"].(map[string]any))
		return encode(t, envelope)
	})
}

func data(t *testing.T, s audit.Records, id string) []byte {
	t.Helper()
	r, err := s.GetRecord(t.Context(), "audit", id)
	must(t, err)
	return r.Data
}

// TestTampering alters a sound store in one way each, and expects exactly these
// faults of the chain of a.
func TestTampering(t *testing.T) {
	other := func(e *audit.Entry) { e.Actor = "person:somebody-else" }
	for name, test := range map[string]struct {
		do   func(t *testing.T, s audit.Records)
		want []string
	}{
		"nothing":                        {func(*testing.T, audit.Records) {}, nil},
		"changed":                        {func(t *testing.T, s audit.Records) { edit(t, s, place(3), false, other) }, []string{"audit_hash"}},
		"changed and hashed again":       {func(t *testing.T, s audit.Records) { edit(t, s, place(3), true, other) }, []string{"audit_chain"}},
		"first changed and hashed again": {func(t *testing.T, s audit.Records) { edit(t, s, place(1), true, other) }, []string{"audit_chain"}},
		"last changed and hashed again":  {func(t *testing.T, s audit.Records) { edit(t, s, place(5), true, other) }, []string{"audit_head"}},
		"detail changed": {func(t *testing.T, s audit.Records) {
			edit(t, s, place(2), false, func(e *audit.Entry) { e.Details["scope"] = "015" })
		}, []string{"audit_hash"}},
		"time changed": {func(t *testing.T, s audit.Records) {
			edit(t, s, place(2), false, func(e *audit.Entry) { e.At = e.At.Add(1) })
		}, []string{"audit_hash"}},
		"hash changed": {func(t *testing.T, s audit.Records) {
			edit(t, s, place(2), false, func(e *audit.Entry) { e.Hash = strings.Repeat("0", 64) })
		}, []string{"audit_hash"}},
		"something added to the stored text": {func(t *testing.T, s audit.Records) {
			overwrite(t, s, "audit", place(2), func(d []byte) []byte {
				return bytes.Replace(d, []byte(`{`), []byte(`{"excuse":"x",`), 1)
			})
		}, []string{"audit_hash"}},
		"garbage": {func(t *testing.T, s audit.Records) {
			overwrite(t, s, "audit", place(2), func(d []byte) []byte { return d[1:] })
		}, []string{"audit_unreadable"}},
		"first removed": {func(t *testing.T, s audit.Records) { remove(t, s, "audit", place(1)) }, []string{"audit_gap"}},
		"one removed":   {func(t *testing.T, s audit.Records) { remove(t, s, "audit", place(3)) }, []string{"audit_gap"}},
		"last removed":  {func(t *testing.T, s audit.Records) { remove(t, s, "audit", place(5)) }, []string{"audit_truncated"}},
		"all removed":   {func(t *testing.T, s audit.Records) { removeAll(t, s) }, []string{"audit_truncated"}},
		"all removed, and the list of kinds": {func(t *testing.T, s audit.Records) {
			removeAll(t, s)
			remove(t, s, "audit_chains", "person")
		}, []string{"audit_truncated"}},
		"swapped": {func(t *testing.T, s audit.Records) {
			two, three := data(t, s, place(2)), data(t, s, place(3))
			overwrite(t, s, "audit", place(2), func([]byte) []byte { return three })
			overwrite(t, s, "audit", place(3), func([]byte) []byte { return two })
		}, []string{"audit_place", "audit_place"}},
		"swapped and numbered again": {func(t *testing.T, s audit.Records) {
			edit(t, s, place(2), true, func(e *audit.Entry) { e.Details["count"] = "3" })
			edit(t, s, place(3), true, func(e *audit.Entry) { e.Details["count"] = "2" })
		}, []string{"audit_chain", "audit_chain"}},
		"taken from another chain": {func(t *testing.T, s audit.Records) {
			b := data(t, s, "person:b/000000000002")
			overwrite(t, s, "audit", place(2), func([]byte) []byte { return b })
		}, []string{"audit_place"}},
		"put in at the end": {func(t *testing.T, s audit.Records) { insert(t, s, 6, nil) }, []string{"audit_extra"}},
		"put in beside the numbers": {func(t *testing.T, s audit.Records) {
			must(t, s.PutRecord(context.Background(), &content.Record{Kind: "audit", ID: place(3) + "b", Data: data(t, s, place(3))}, 0))
		}, []string{"audit_extra"}},
		"head set back": {func(t *testing.T, s audit.Records) {
			var e audit.Entry
			must(t, json.Unmarshal(data(t, s, place(4)), &e))
			editHead(t, s, func(head map[string]any) { head["number"], head["hash"] = 4, e.Hash })
		}, []string{"audit_extra"}},
		"head set forward": {func(t *testing.T, s audit.Records) {
			editHead(t, s, func(head map[string]any) { head["number"] = 6 })
		}, []string{"audit_truncated"}},
		"head's hash changed": {func(t *testing.T, s audit.Records) {
			editHead(t, s, func(head map[string]any) { head["hash"] = strings.Repeat("0", 64) })
		}, []string{"audit_head"}},
		"record removed": {func(t *testing.T, s audit.Records) { remove(t, s, "person", "a") }, []string{"audit_no_record"}},
		"head removed": {func(t *testing.T, s audit.Records) {
			overwrite(t, s, "person", "a", func([]byte) []byte { return []byte(`{"value":{"name":"x"}}`) })
		}, []string{"audit_no_record"}},
		"record is garbage": {func(t *testing.T, s audit.Records) {
			overwrite(t, s, "person", "a", func(d []byte) []byte { return d[1:] })
		}, []string{"audit_unreadable"}},
		"record written anew": {func(t *testing.T, s audit.Records) {
			remove(t, s, "person", "a")
			must(t, s.PutRecord(context.Background(), &content.Record{Kind: "person", ID: "a", Data: []byte(`{"name":"x"}`)}, 0))
		}, []string{"audit_no_record"}},
		"pending entry changed": {func(t *testing.T, s audit.Records) {
			wait(t, s)
			editHead(t, s, func(head map[string]any) {
				head["pending"].([]any)[0].(map[string]any)["actor"] = "person:somebody-else"
			})
		}, []string{"audit_hash", "audit_truncated"}},
		"pending entry removed": {func(t *testing.T, s audit.Records) {
			wait(t, s)
			editHead(t, s, func(head map[string]any) { delete(head, "pending") })
		}, []string{"audit_truncated"}},
		"pending entry of another": {func(t *testing.T, s audit.Records) {
			wait(t, s)
			editHead(t, s, func(head map[string]any) {
				head["pending"].([]any)[0].(map[string]any)["subject"] = "person:b"
			})
		}, []string{"audit_place", "audit_truncated"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sqlite(t)
			l := chains(t, s)
			sound := clean(t, l).Digest
			test.do(t, s)
			r, err := l.Verify(t.Context())
			must(t, err)
			var got []string
			for _, f := range r.Faults {
				if f.Where != "person:a" && !strings.HasPrefix(f.Where, "person:a/") {
					t.Errorf("a fault of %s: %+v", f.Where, f)
				}
				if f.Note == "" {
					t.Errorf("%s says nothing", f.Code)
				}
				got = append(got, f.Code)
			}
			if slices.Sort(got); !slices.Equal(got, test.want) {
				t.Errorf("found %v, want %v: %+v", got, test.want, r.Faults)
			}
			if len(r.Digest) != 64 || len(test.want) == 0 && r.Digest != sound {
				t.Errorf("digest %s, was %s", r.Digest, sound)
			}
		})
	}
}

func removeAll(t *testing.T, s audit.Records) {
	t.Helper()
	for i := range 5 {
		remove(t, s, "audit", place(i+1))
	}
}

// insert puts an entry in that continues the chain as it should.
func insert(t *testing.T, s audit.Records, number int64, change func(*audit.Entry)) audit.Entry {
	t.Helper()
	var e audit.Entry
	must(t, json.Unmarshal(data(t, s, place(int(number-1))), &e))
	e.Number, e.Prev = number, e.Hash
	if change != nil {
		change(&e)
	}
	e.Hash = e.ComputeHash()
	must(t, s.PutRecord(t.Context(), &content.Record{Kind: "audit", ID: place(int(number)), Data: encode(t, e)}, 0))
	return e
}

// wait adds an entry to a that waits inside its record.
func wait(t *testing.T, s audit.Records) {
	t.Helper()
	m := &mortal{Records: s, left: 4} // read, look for the kind, write, and dead before the move
	must(t, visit(t.Context(), audit.New(m, nil), "a"))
	if !m.dead {
		t.Fatal("nobody died")
	}
	clean(t, audit.New(s, nil))
}

// A whole chain that is rewritten or removed with its head is sound in itself;
// the digest, noted elsewhere, tells.
func TestDigest(t *testing.T) {
	s := sqlite(t)
	l := chains(t, s)
	noted := clean(t, l).Digest
	if again := clean(t, audit.New(s, nil)).Digest; again != noted {
		t.Errorf("two digests of one state: %s, %s", noted, again)
	}

	// The last entry is replaced, and the head with it.
	remove(t, s, "audit", place(5))
	e := insert(t, s, 5, func(e *audit.Entry) { e.Actor = "person:somebody-else" })
	editHead(t, s, func(head map[string]any) { head["hash"] = e.Hash })
	rewritten := clean(t, l).Digest
	if rewritten == noted {
		t.Error("a rewritten chain has the same digest")
	}
	// Everything of a goes.
	removeAll(t, s)
	remove(t, s, "person", "a")
	r := clean(t, l)
	if r.Digest == noted || r.Digest == rewritten || r.Subjects != 1 {
		t.Errorf("a removed chain: %+v", r)
	}
	// Values are not part of it.
	if _, err := audit.Change(t.Context(), l, "person", "b", content.Actor{}, func(p *person, _ bool) (string, map[string]string, error) {
		p.Name = "another"
		return "", nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := clean(t, l).Digest; got != r.Digest {
		t.Error("a value changed the digest")
	}
	// The same store copied to another engine has the same one.
	copied := engines["mongo"](t)()
	for _, rec := range all(t, s) {
		must(t, copied.PutRecord(t.Context(), rec, 0))
	}
	if got := clean(t, audit.New(copied, nil)).Digest; got != r.Digest {
		t.Errorf("the copy has the digest %s, want %s", got, r.Digest)
	}
}

// A pending entry that finds another one in its place is not thrown away.
func TestBroken(t *testing.T) {
	s := sqlite(t)
	l := chains(t, s)
	wait(t, s)
	must(t, s.PutRecord(t.Context(), &content.Record{Kind: "audit", ID: place(6), Data: data(t, s, place(5))}, 0))
	for what, err := range map[string]error{
		"change": visit(t.Context(), l, "a"),
		"flush":  func() error { _, err := l.Flush(t.Context()); return err }(),
		"read":   func() error { _, err := l.Entries(t.Context(), "person:a", 0, 0); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "person:a/000000000006") || !strings.Contains(err.Error(), audit.ErrBroken.Error()) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, visit(t.Context(), l, "b")) // others go on
	remove(t, s, "audit", place(6))     // and so does a, once it is repaired
	must(t, visit(t.Context(), l, "a"))
	if r := clean(t, l); r.Entries != 5+2+4 {
		t.Errorf("%d entries", r.Entries)
	}
}

// TestErasure: nothing of a person's name or address is left in any record, and
// every chain still holds.
func TestErasure(t *testing.T) {
	onEngines(t, func(t *testing.T, open func() content.Store) {
		const name, address = "Xiomara Quispe-Ñahui", "203.0.113.77"
		ctx, s := t.Context(), open()
		l := audit.New(s, newClock().Now)
		trace, err := l.Trace(ctx, "person:x", address)
		must(t, err)
		otherTrace, err := l.Trace(ctx, "person:anna", "203.0.113.78")
		must(t, err)
		x := content.Actor{ID: "person:x", Name: name, Via: "session", Trace: trace, Grants: []content.Grant{{Role: "administrator"}}}
		for range 3 {
			_, err := audit.Change(audit.Under(ctx, &x.Grants[0]), l, "person", "x", x, func(p *person, _ bool) (string, map[string]string, error) {
				p.Name = name
				return audit.PersonChanged, nil, nil
			})
			must(t, err)
		}
		_, err = audit.Change(ctx, l, "token", "t1", x, func(p *person, _ bool) (string, map[string]string, error) {
			return audit.TokenMade, map[string]string{"token": "t1"}, nil
		})
		must(t, err)
		must(t, l.Note(ctx, "person:x", x, audit.SignedIn, map[string]string{"provider": "spid"}))

		count := func() (names, addresses int) {
			for _, r := range all(t, s) {
				whole := r.Kind + " " + r.ID + " " + string(r.Data)
				names += strings.Count(whole, "Quispe") + strings.Count(whole, "Xiomara")
				addresses += strings.Count(whole, address)
			}
			return names, addresses
		}
		if names, addresses := count(); names != 2 || addresses != 1 {
			t.Fatalf("the name is there %d times, the address %d times: the test looks in the wrong place", names, addresses)
		}
		before := entries(t, l, "person:x")
		digest := clean(t, l).Digest

		_, err = audit.Change(ctx, l, "person", "x", anna, func(p *person, exists bool) (string, map[string]string, error) {
			*p = person{}
			return audit.PersonErased, nil, nil
		})
		must(t, err)
		must(t, audit.Drop(ctx, l, "token", "t1", anna, audit.TokenEnded, map[string]string{"token": "t1"}))
		if n, err := l.ForgetTraces(ctx, "person:x"); n != 1 || err != nil {
			t.Errorf("forgot %d traces, %v", n, err)
		}

		if names, addresses := count(); names != 0 || addresses != 0 {
			t.Errorf("the name is left %d times, the address %d times", names, addresses)
		}
		if _, err := l.TraceAddress(ctx, trace); err == nil {
			t.Error("the trace still leads to the address")
		}
		if got, err := l.TraceAddress(ctx, otherTrace); got != "203.0.113.78" || err != nil {
			t.Errorf("another's trace leads to %q, %v", got, err)
		}
		after := entries(t, l, "person:x")
		if len(after) != len(before)+1 || after[0].Hash != before[0].Hash || after[0].Actor != "person:x" || after[0].Trace != trace {
			t.Errorf("the chain is %+v, was %+v", after, before)
		}
		if r := clean(t, l); r.Digest == digest || r.Entries != 7 {
			t.Errorf("verified %+v", r)
		}
	})
}
