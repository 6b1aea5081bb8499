package audit_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// Whatever is written as a declaration of retention, what is accepted keeps its
// promises: an age is none or not below its minimum, and every kind has words.
func FuzzParseRetention(f *testing.F) {
	f.Add([]byte("kinds:\n  - {kind: traces, default: 30d, minimum: 1d, label: {it: a}, purpose: {it: b}}\n"))
	f.Add([]byte("kinds:\n  - {kind: audit, default: never, fixed: true, label: {it: a}, purpose: {it: b}}\n"))
	f.Add([]byte("kinds: [&a {kind: x, default: 9h}, *a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := audit.ParseRetention(data)
		if err != nil {
			return
		}
		if len(r.Rows()) == 0 {
			t.Fatal("neither kinds nor an error")
		}
		for i, row := range r.Rows() {
			switch {
			case row.Age < 0 || row.Minimum < 0 || row.Age > 36500*daily:
				t.Errorf("%s is kept for %s, at least %s", row.Kind, row.Age, row.Minimum)
			case row.Age != 0 && row.Age < row.Minimum, !row.Fixed && row.Minimum == 0:
				t.Errorf("%s is kept for %s, at least %s", row.Kind, row.Age, row.Minimum)
			case slices.Index(r.Kinds(), row.Kind) != i, row.Kind == "", row.Label["it"] == "", row.Purpose["it"] == "":
				t.Errorf("row %d: %+v", i, row)
			}
		}
		if again, err := r.With(r.String()); err != nil || again.String() != r.String() {
			t.Errorf("%s is read as %s, %v", r, again, err)
		}
	})
}

// Whatever is configured, nothing is kept for less than its minimum, what is
// fixed stays, a refusal changes nothing, and what is accepted reads back.
func FuzzRetentionWith(f *testing.F) {
	f.Add("sessions=30d, traces=90d")
	f.Add("traces=never,once=1h")
	f.Add("audit=1d")
	f.Add("traces=18446744073709551616d,=,x=1h")
	f.Fuzz(func(t *testing.T, settings string) {
		r := audit.DefaultRetention()
		before := r.String()
		got, err := r.With(settings)
		if r.String() != before {
			t.Fatal("it changed what it was called on")
		}
		if err != nil {
			if _, ok := err.(*content.Problem); !ok || got.String() != before {
				t.Errorf("%v, %s", err, got)
			}
			return
		}
		for i, row := range got.Rows() {
			was := r.Rows()[i]
			if row.Kind != was.Kind || row.Age != 0 && row.Age < was.Minimum || was.Fixed && row.Age != was.Age {
				t.Errorf("%s is kept for %s, at least %s", row.Kind, row.Age, was.Minimum)
			}
		}
		if again, err := r.With(got.String()); err != nil || again.String() != got.String() {
			t.Errorf("%s is read as %s, %v", got, again, err)
		}
	})
}

// Whatever lies in the store as a record and as its entry, reading it does not
// panic, and it is found sound only if every entry has its hash and follows the
// one before, up to the head.
func FuzzEnvelope(f *testing.F) {
	stored, ctx := shelf{}, context.Background()
	l := audit.New(stored, newClock().Now)
	for _, role := range []string{"editor", "reviewer"} {
		_, err := audit.Change(ctx, l, "person", "a", content.System("test"), func(v *map[string]string, _ bool) (string, map[string]string, error) {
			*v = map[string]string{"role": role}
			return audit.RoleGranted, map[string]string{"role": role}, nil
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	good, first, second := string(stored["person a"].Data), string(stored["audit person:a/000000000001"].Data), string(stored["audit person:a/000000000002"].Data)
	f.Add(good, first, second)
	f.Add(good, first, "") // the last one waits in the head
	f.Add(good, second, first)
	f.Add(good, strings.Replace(first, "editor", "reader", 1), second)
	f.Add(`{"audit":{"number":0,"hash":""}}`, first, "")
	f.Add(`{"audit":{"number":-1,"hash":"","pending":[{},{}]}}`, "", "")
	f.Add(`{"audit":null,"value":null}`, "null", "[]")
	f.Add(`{"audit":{"number":9223372036854775807,"pending":[{"subject":"person:a","number":9223372036854775807}]}}`, "", "")
	f.Fuzz(func(t *testing.T, record, first, second string) {
		s := shelf{}
		s.lay("audit_chains", "person", "{}")
		s.lay("person", "a", record)
		s.lay("audit", "person:a/000000000001", first)
		s.lay("audit", "person:a/000000000002", second)
		l := audit.New(s, newClock().Now)
		report, err := l.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = audit.Read[map[string]any](ctx, l, "person", "a")
		_, _, _ = audit.List[map[string]any](ctx, l, "person", "", 0)
		_, _ = l.Flush(ctx)
		entries, err := l.Entries(ctx, "person:a", 0, 0)
		if len(report.Faults) > 0 {
			return
		}
		if err != nil {
			t.Fatalf("found sound, and %v", err)
		}
		prev := ""
		for i, e := range entries {
			if e.Subject != "person:a" || e.Number != int64(i+1) || e.Prev != prev || e.Hash != e.ComputeHash() {
				t.Fatalf("found sound: %+v", e)
			}
			prev = e.Hash
		}
		var head struct {
			Audit struct {
				Number int64
				Hash   string
			}
		}
		if len(entries) > 0 && (json.Unmarshal([]byte(record), &head) != nil || head.Audit.Number != int64(len(entries)) || head.Audit.Hash != prev) {
			t.Fatalf("found sound with the head %+v", head)
		}
	})
}

// shelf is what the fuzzer writes, laid out as records: bytes to read, not an
// engine, which would take a hundredth of a second for each guess.
type shelf map[string]*content.Record

func (s shelf) lay(kind, id, data string) {
	if data != "" {
		s[kind+" "+id] = &content.Record{Kind: kind, ID: id, Data: []byte(data), Version: 1}
	}
}

func (s shelf) GetRecord(_ context.Context, kind, id string) (*content.Record, error) {
	if r := s[kind+" "+id]; r != nil {
		return r, nil
	}
	return nil, content.ErrNotFound
}

func (s shelf) PutRecord(_ context.Context, r *content.Record, expect int64) error {
	if old := s[r.Kind+" "+r.ID]; old != nil && old.Version != expect || old == nil && expect != 0 {
		return content.ErrConflict
	}
	written := *r
	written.Version = expect + 1
	s[r.Kind+" "+r.ID] = &written
	return nil
}

func (s shelf) DeleteRecord(context.Context, string, string, int64) error { return content.ErrConflict }

func (s shelf) ListRecords(_ context.Context, kind, after string, limit int) ([]*content.Record, error) {
	var out []*content.Record
	for _, r := range s {
		if r.Kind == kind && r.ID > after {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *content.Record) int { return strings.Compare(a.ID, b.ID) })
	return out[:min(limit, len(out))], nil
}
