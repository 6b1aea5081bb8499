package content_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// forger has the file of a store in hand, as who administers the machine has.
type forger struct {
	*desk
	db  *sql.DB
	doc *content.Document
}

func newForger(t *testing.T) *forger {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlitestore.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := &forger{desk: &desk{t: t, store: store, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}}
	if f.Service, err = content.New(store, schemas.Default(), content.Options{Clock: f.now}); err != nil {
		t.Fatal(err)
	}
	if f.db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	other := f.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Altro", "body": "x"}})
	f.doc = f.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	f.doc = f.step(rita, f.step(amina, f.doc, "it", "submit"), "it", "endorse")
	f.step(elena, other, "it", "publish")
	f.doc = f.later(sara, f.step(sara, f.doc, "it", "publish"), "it", "withdraw", f.now().Add(time.Hour))
	f.clean()
	return f
}

func (f *forger) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Exec(query, args...); err != nil {
		f.t.Fatal(err)
	}
}

// event reads the n-th event of the practice.
func (f *forger) event(n int) content.Event {
	f.t.Helper()
	var seq int64
	var body []byte
	err := f.db.QueryRow("SELECT seq, body FROM events WHERE document = ? ORDER BY seq LIMIT 1 OFFSET ?", f.doc.ID, n).Scan(&seq, &body)
	if err != nil {
		f.t.Fatal(err)
	}
	var e content.Event
	if err := json.Unmarshal(body, &e); err != nil {
		f.t.Fatal(err)
	}
	e.Seq = seq
	return e
}

// put writes an event over what is at its place.
func (f *forger) put(e content.Event) {
	f.t.Helper()
	seq := e.Seq
	e.Seq = 0
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		f.t.Fatal(err)
	}
	f.exec("INSERT OR REPLACE INTO events (seq, document, body) VALUES (?, ?, ?)", seq, e.Document, bytes.TrimSpace(body.Bytes()))
}

// shift moves all events from seq on by so many places.
func (f *forger) shift(from, by int64) {
	f.t.Helper()
	f.exec("UPDATE events SET seq = -seq WHERE seq >= ?", from)
	f.exec("UPDATE events SET seq = ? - seq WHERE seq < 0", by)
}

// Nobody changes the past of a document unnoticed, with the database in hand.
// "sealed" makes the changed event's own hash good again, as a careful forger
// would.
func TestTampering(t *testing.T) {
	change := func(n int, sealed bool, do func(*content.Event)) func(*forger) {
		return func(f *forger) {
			e := f.event(n)
			before := e.Hash
			do(&e)
			if sealed {
				e.Hash = e.ComputeHash()
			}
			if sealed && e.Hash == before {
				f.t.Error("the hash does not cover what was changed")
			}
			f.put(e)
		}
	}
	const last = 4
	for name, c := range map[string]struct {
		do   func(*forger)
		code string
	}{
		"actor":                    {change(2, false, func(e *content.Event) { e.Actor = "person:marco" }), "event_hash"},
		"actor, sealed":            {change(2, true, func(e *content.Event) { e.Actor = "person:marco" }), "event_chain"},
		"last actor, sealed":       {change(last, true, func(e *content.Event) { e.Actor = "person:marco" }), "event_head"},
		"grant":                    {change(1, false, func(e *content.Event) { e.Grant = "editor" }), "event_hash"},
		"grant, sealed":            {change(1, true, func(e *content.Event) { e.Grant = "editor" }), "event_chain"},
		"lender, sealed":           {change(1, true, func(e *content.Event) { e.GrantOf = "person:x" }), "event_chain"},
		"door, sealed":             {change(1, true, func(e *content.Event) { e.Via = "command" }), "event_chain"},
		"trace, sealed":            {change(1, true, func(e *content.Event) { e.Trace = "x" }), "event_chain"},
		"on behalf, sealed":        {change(1, true, func(e *content.Event) { e.OnBehalfOf = "person:x" }), "event_chain"},
		"time, sealed":             {change(1, true, func(e *content.Event) { e.At = e.At.Add(time.Millisecond) }), "event_chain"},
		"comment, sealed":          {change(1, true, func(e *content.Event) { e.Comment = "no" }), "event_chain"},
		"revision, sealed":         {change(1, true, func(e *content.Event) { e.Revision = "00" }), "event_chain"},
		"moment, sealed":           {change(last, true, func(e *content.Event) { e.DueAt = e.DueAt.Add(time.Hour) }), "event_head"},
		"no hash":                  {change(2, false, func(e *content.Event) { e.Hash = "" }), "event_hash"},
		"no hash, none before":     {change(0, false, func(e *content.Event) { e.Hash, e.Prev = "", "" }), "event_hash"},
		"first, sealed":            {change(0, true, func(e *content.Event) { e.Prev = e.Hash }), "event_chain"},
		"another event's identity": {change(1, true, func(e *content.Event) { e.ID += "x" }), "event_chain"},
		"deleted in the middle": {func(f *forger) {
			e := f.event(2)
			f.exec("DELETE FROM events WHERE seq = ?", e.Seq)
			f.shift(e.Seq, -1)
		}, "event_chain"},
		"deleted in the middle, with a gap": {func(f *forger) { f.exec("DELETE FROM events WHERE seq = ?", f.event(2).Seq) }, "event_chain"},
		"deleted at the beginning": {func(f *forger) {
			e := f.event(0)
			f.exec("DELETE FROM events WHERE seq = ?", e.Seq)
			f.shift(e.Seq, -1)
		}, "event_chain"},
		"deleted at the end": {func(f *forger) { f.exec("DELETE FROM events WHERE seq = ?", f.event(last).Seq) }, "event_head"},
		"swapped": {func(f *forger) {
			a, b := f.event(1), f.event(2)
			a.Seq, b.Seq = b.Seq, a.Seq
			f.put(a)
			f.put(b)
		}, "event_chain"},
		"inserted in the middle": {func(f *forger) {
			e := f.event(2)
			f.shift(e.Seq, 1)
			forged := e
			forged.ID, forged.Actor = e.ID+"x", "person:marco"
			forged.Hash = forged.ComputeHash()
			f.put(forged)
		}, "event_chain"},
		"inserted at the end": {func(f *forger) {
			e := f.event(last)
			forged := e
			forged.ID, forged.Prev, forged.Actor = e.ID+"x", e.Hash, "person:marco"
			forged.Seq++
			forged.Hash = forged.ComputeHash()
			f.put(forged)
		}, "event_head"},
		"the document's head": {func(f *forger) {
			f.exec(`UPDATE documents SET body = CAST(json_set(body, '$.last_event', 'x') AS BLOB) WHERE id = ?`, f.doc.ID)
		}, "event_head"},
		"the document itself": {func(f *forger) { f.exec("DELETE FROM documents WHERE id = ?", f.doc.ID) }, "document_missing"},
	} {
		f := newForger(t)
		f.t = t
		c.do(f)
		r, err := f.Verify(ctx)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.ContainsFunc(r.Faults, func(x content.Fault) bool { return x.Code == c.code && x.Where == f.doc.ID }) {
			t.Errorf("%s: %s is not among %+v", name, c.code, r.Faults)
		}
	}
}

// Who writes a whole chain anew, head included, is told from the digest that was
// noted before.
func TestDigest(t *testing.T) {
	f := newForger(t)
	report, err := f.Verify(ctx)
	if err != nil || len(report.Digest) != 64 {
		t.Fatal(report, err)
	}
	if again, err := f.Verify(ctx); err != nil || again.Digest != report.Digest {
		t.Errorf("the digest changed by itself: %v, %v", again, err)
	}
	prev := ""
	for n := range 5 {
		e := f.event(n)
		e.Prev = prev
		if n == 2 {
			e.Actor = "person:marco"
		}
		e.Hash = e.ComputeHash()
		prev = e.Hash
		f.put(e)
	}
	f.exec(`UPDATE documents SET body = CAST(json_set(body, '$.last_event', ?) AS BLOB) WHERE id = ?`, prev, f.doc.ID)
	f.clean()
	if forged, err := f.Verify(ctx); err != nil || forged.Digest == report.Digest {
		t.Errorf("the same digest over another past: %v", err)
	}
}

// Every event says under which grant it was permitted, by which door and from
// where, and follows the one before it.
func TestEventsSayUnderWhichGrant(t *testing.T) {
	d := newDesk(t)
	by := func(a content.Actor, via string) content.Actor {
		a.Via, a.Trace = via, "trace-"+a.Name
		return a
	}
	amina, rita, sara, elena := by(amina, "session"), by(rita, "token:1"), by(sara, "session"), by(elena, "command")
	yusuf := by(person("yusuf", "reviewer@MI", "translator@fr", "translator@ar"), "session")
	yusuf.Grants[2].Of = "person:aziza"
	doc := d.create(amina, content.NewVariant{Type: "practice", Locale: "it", Fields: practice()})
	doc = d.edit(amina, doc, "it", map[string]any{"title": "Orti"})
	doc = d.step(rita, d.step(amina, doc, "it", "submit"), "it", "endorse")
	doc = d.edit(sara, doc, "it", map[string]any{"title": "Orti insieme"}) // a typo: the opinion stands
	doc = d.later(sara, doc, "it", "publish", d.now().Add(time.Hour))
	doc, err := d.Unschedule(ctx, elena, doc.ID, "it", doc.ETag("it"), "publish")
	if err != nil {
		t.Fatal(err)
	}
	doc = d.later(sara, doc, "it", "publish", d.now().Add(time.Hour))
	d.set(d.now().Add(2 * time.Hour))
	if n, err := d.RunDue(ctx); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	doc = d.at(doc)
	doc = d.add(yusuf, doc, "ar", map[string]any{"title": "حدائق", "summary": "ملخص"})
	doc = d.edit(yusuf, doc, "ar", map[string]any{"title": "الحدائق"})
	if _, err = d.Restore(ctx, amina, doc.ID, "it", doc.ETag("it"), 1, ""); err != nil {
		t.Fatal(err)
	}
	other := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Altro"}})
	if err := d.Discard(ctx, elena, other.ID, other.ETag("it")); err != nil {
		t.Fatal(err)
	}
	res := d.importing(elena, article("uno", "it", "ar"), article("uno", "it"))
	d.wantOutcomes(res, content.Created, content.Created, content.Unchanged)
	again := article("uno", "it")
	again.Variants[0].Fields["body"] = "Altro testo"
	redated := article("uno", "ar")
	redated.Variants[0].PublishedAt = d.now().Add(-time.Hour)
	d.importing(by(director, "import"), again, redated) // one document, two incoming: its write is sealed twice

	var got []string
	heads := map[string]string{}
	for after := int64(0); ; {
		page, err := d.AuditLog(ctx, director, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			after = e.Seq
			got = append(got, string(e.Kind)+" "+e.Locale+" "+e.Transition+" | "+e.Actor+" "+e.Grant+" "+e.GrantOf+" "+e.Via+" "+e.Trace)
			if e.Prev != heads[e.Document] || e.Hash != e.ComputeHash() {
				t.Errorf("event %s does not follow", e.ID)
			}
			heads[e.Document] = e.Hash
		}
		if len(page) < 3 {
			break
		}
	}
	want := []string{
		"created it  | person:amina contributor@orti-insieme  session trace-amina",
		"edited it  | person:amina contributor@orti-insieme  session trace-amina",
		"transition it submit | person:amina contributor@orti-insieme  session trace-amina",
		"transition it endorse | person:rita reviewer@100  token:1 trace-rita",
		"edited it  | person:sara secretary@100  session trace-sara",
		"scheduled it publish | person:sara secretary@100  session trace-sara",
		"unscheduled it publish | person:elena editor  command trace-elena",
		"scheduled it publish | person:sara secretary@100  session trace-sara",
		"transition it publish | system:schedule administrator  schedule ",
		"created ar  | person:yusuf translator@ar person:aziza session trace-yusuf",
		"edited ar  | person:yusuf translator@ar person:aziza session trace-yusuf",
		"edited it  | person:amina contributor@orti-insieme  session trace-amina",
		"created it  | person:elena editor  command trace-elena",
		"discarded it  | person:elena editor  command trace-elena",
		"created it  | person:elena editor  command trace-elena",
		"transition it publish | person:elena editor  command trace-elena",
		"created ar  | person:elena editor  command trace-elena",
		"transition ar publish | person:elena editor  command trace-elena",
		"edited it  | person:director administrator  import trace-director",
		"transition it publish | person:director administrator  import trace-director",
		"edited ar  | person:director administrator  import trace-director",
	}
	for i := range max(len(got), len(want)) {
		var a, b string
		if i < len(got) {
			a = got[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			t.Errorf("event %d:\n got %s\nwant %s", i+1, a, b)
		}
	}
	for id, head := range heads {
		if last := d.at(&content.Document{ID: id}).LastEvent; last != head {
			t.Errorf("document %s names %s as its last event, not %s", id, last, head)
		}
	}
	d.clean()
}

// BenchmarkEventHash is what one event costs to seal, and to verify.
func BenchmarkEventHash(b *testing.B) {
	e := content.Event{
		ID: "01a20154-1365-7048-8d88-cc117c6afae6-4-0", Kind: content.EventTransition, Document: "01a20154-1365-7048-8d88-cc117c6afae6",
		Type: "practice", Locale: "it", Version: 4, Revision: e64, At: time.Now(), Actor: "person:rita", Grant: "reviewer@100",
		Via: "session", Trace: "t", Transition: "endorse", From: "submitted", To: "endorsed", Prev: e64,
	}
	b.ReportAllocs()
	for b.Loop() {
		if e.ComputeHash() == "" {
			b.Fatal("no hash")
		}
	}
}

const e64 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
