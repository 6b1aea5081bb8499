package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// reporter is what a *testing.T and a *rapid.T have in common.
type reporter interface {
	Helper()
	Errorf(format string, arguments ...any)
	Fatalf(format string, arguments ...any)
}

// start is when the suite's documents begin.
var start = time.Date(2024, 3, 31, 1, 30, 0, int(250*time.Millisecond), time.UTC)

// write makes the first write of a document: one variant, one revision, two
// events, three terms and one slug. What it is given changes the document
// before anything is derived from it.
func write(id string, changes ...func(*content.Document)) content.Write {
	d := &content.Document{
		ID: id, Type: "practice", Owner: "org-1", Author: "anna",
		CreatedAt: start, UpdatedAt: start,
		Shared:        json.RawMessage(`{"note":"a < b & c > d","title":"Perché – لماذا – 𝄞","z":[1,2.50,1e3]}`),
		SharedVersion: 1, LiveMedia: []string{"c"},
		Assured:   &content.Assurance{On: "2024-03-30", By: "dora", Stage: "unverified"},
		Sensitive: true, MergedInto: "z", MergedFrom: []string{"x", "y"},
		Variants: []content.Variant{{
			Locale: "it", Version: 1, State: "draft", Title: "Orti condivisi", Slug: "orti-" + id,
			UpdatedAt: start, Media: []string{"a", "b"}, LiveMedia: []string{"b"},
			Approvals: []content.Approval{{Body: "council", Territory: "015", Revision: "r", Actor: "bruno", At: start, Comment: "sì"}},
			Schedule:  []content.Scheduled{{Transition: "publish", At: start.Add(time.Hour), Actor: "anna"}},
		}},
		Keys: content.Keys{
			Terms: []string{"type:practice", "state:draft", "id:" + id},
			Slugs: []string{"practice/it/orti-" + id},
			Title: "6f727469" + id,
		},
	}
	return finish(d, 0, changes)
}

// next makes the write that follows another: a new revision, one event.
func next(w content.Write, changes ...func(*content.Document)) content.Write {
	d := clone(w.Document)
	d.UpdatedAt = d.UpdatedAt.Add(time.Second)
	return finish(d, d.Version, changes)
}

// finish derives the version, the revision and the events.
func finish(d *content.Document, expect int64, changes []func(*content.Document)) content.Write {
	d.Version = expect + 1
	d.Pending = nil
	for _, change := range changes {
		change(d)
	}
	v := &d.Variants[0]
	r := &content.Revision{
		Prev: v.Latest.Hash, Document: d.ID, Type: d.Type, Locale: v.Locale, Number: int(d.Version),
		Author: d.Author, At: d.UpdatedAt, Slug: v.Slug, Shared: d.Shared,
		Localized:     json.RawMessage(fmt.Sprintf(`{"body":"<p>version %d</p>"}`, d.Version)),
		SharedVersion: d.SharedVersion, Note: "a note",
	}
	r.Hash = r.ComputeHash()
	v.Latest = r.Ref()
	kinds := []content.EventKind{content.EventEdited}
	if expect == 0 {
		kinds = []content.EventKind{content.EventCreated, content.EventTransition}
	}
	for i, kind := range kinds {
		e := content.Event{
			ID: fmt.Sprintf("%s.%d.%d", d.ID, d.Version, i), Kind: kind, Document: d.ID, Type: d.Type,
			Locale: v.Locale, Version: d.Version, Revision: r.Hash, At: d.UpdatedAt, Actor: d.Author,
			OnBehalfOf: "person:carla", Grant: "contributor@org-1", GrantOf: "person:dora", Via: "token:t1", Trace: "tr-1",
			From: "draft", To: "submitted", Comment: "<ok> & so on", Other: "z",
			Effect: content.EffectPublished, DueAt: d.Keys.Due, Prev: d.LastEvent,
		}
		e.Hash = e.ComputeHash()
		d.LastEvent = e.Hash
		d.Pending = append(d.Pending, e)
	}
	return content.Write{Document: d, Expect: expect, Revisions: []*content.Revision{r}}
}

// clone copies a document through JSON, so that no test shares memory.
func clone(d *content.Document) *content.Document {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	c := new(content.Document)
	if err := json.Unmarshal(data, c); err != nil {
		panic(err)
	}
	c.Shared = append(json.RawMessage(nil), d.Shared...) // Marshal escapes
	return c
}

func terms(list ...string) func(*content.Document) {
	return func(d *content.Document) { d.Keys.Terms = list }
}

func slugs(list ...string) func(*content.Document) {
	return func(d *content.Document) { d.Keys.Slugs = list }
}

func title(key string) func(*content.Document) {
	return func(d *content.Document) { d.Keys.Title = key }
}

func updated(t time.Time) func(*content.Document) {
	return func(d *content.Document) { d.UpdatedAt = t }
}

func due(t time.Time) func(*content.Document) {
	return func(d *content.Document) { d.Keys.Due = t }
}

// apply makes one write.
func apply(s content.Store, w content.Write) error {
	errs := s.Apply(context.Background(), []content.Write{w})
	if len(errs) != 1 {
		return fmt.Errorf("%d errors for one write", len(errs))
	}
	return errs[0]
}

func mustApply(tb reporter, s content.Store, writes ...content.Write) {
	tb.Helper()
	for i, err := range s.Apply(context.Background(), writes) {
		if err != nil {
			tb.Fatalf("write %d: %v", i, err)
		}
	}
}

// stored gives what reading a document must give after that write.
func stored(w content.Write) *content.Document {
	d := clone(w.Document)
	d.Pending = nil
	return d
}

func equal(tb reporter, what string, got, want any) {
	tb.Helper()
	if g, w := reflect.ValueOf(got), reflect.ValueOf(want); g.Kind() == reflect.Slice && g.Type() == w.Type() && g.Len()+w.Len() == 0 {
		return // nil or empty: the contract does not say
	}
	if !reflect.DeepEqual(got, want) {
		tb.Errorf("%s:\ngot  %s\nwant %s", what, show(got), show(want))
	}
}

func show(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	const most = 2000
	if len(data) > most {
		return fmt.Sprintf("%s… (%d bytes)", data[:most], len(data))
	}
	return string(data)
}

// wantError checks the code, and that the message says more than the code.
func wantError(tb reporter, what string, err, code error, mentions ...string) {
	tb.Helper()
	if !errors.Is(err, code) {
		tb.Errorf("%s: error %v, want %v", what, err, code)
		return
	}
	for _, word := range mentions {
		if !strings.Contains(err.Error(), word) {
			tb.Errorf("%s: the error %q does not mention %q", what, err, word)
		}
	}
}

func ids(documents []*content.Document) []string {
	list := []string{}
	for _, d := range documents {
		list = append(list, d.ID)
	}
	return list
}

// relay moves everything that is pending.
func relay(tb reporter, s content.Store) int {
	tb.Helper()
	for total := 0; ; {
		n, err := s.Relay(context.Background())
		if err != nil {
			tb.Fatalf("relay: %v", err)
		}
		if n == 0 {
			return total
		}
		total += n
	}
}

// log reads the whole log in small pages and checks that it has no gap, no
// event twice, and the events of each document in their order.
func log(tb reporter, s content.Store) []content.Event {
	tb.Helper()
	var all []content.Event
	for after := int64(0); ; {
		page, err := s.Events(context.Background(), after, 100)
		if err != nil {
			tb.Fatalf("events: %v", err)
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		after = page[len(page)-1].Seq
	}
	seen := map[string]bool{}
	versions := map[string]string{}
	for i, e := range all {
		if e.Seq != int64(i+1) {
			tb.Fatalf("place %d of the log has the sequence number %d", i+1, e.Seq)
		}
		if seen[e.ID] {
			tb.Errorf("event %s is in the log twice", e.ID)
		}
		seen[e.ID] = true
		place := fmt.Sprintf("%08d %s", e.Version, e.ID)
		if place <= versions[e.Document] {
			tb.Errorf("event %s comes after %s", e.ID, versions[e.Document])
		}
		versions[e.Document] = place
	}
	if last, err := s.LastSeq(context.Background()); err != nil || last != int64(len(all)) {
		tb.Errorf("last sequence number %d (%v), want %d", last, err, len(all))
	}
	return all
}

// eventIDs gives the ids of a document's events in the log, oldest first.
func eventIDs(tb reporter, s content.Store, document string) []string {
	tb.Helper()
	events, err := s.DocumentEvents(context.Background(), document, 0, 0)
	if err != nil {
		tb.Fatalf("document events: %v", err)
	}
	list := []string{}
	for _, e := range events {
		list = append([]string{e.ID}, list...)
	}
	return list
}

func pendingIDs(writes ...content.Write) []string {
	list := []string{}
	for _, w := range writes {
		for _, e := range w.Document.Pending {
			list = append(list, e.ID)
		}
	}
	return list
}
