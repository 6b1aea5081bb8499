package content_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

func TestParseMoment(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-15T09:30:00Z":      "2026-01-15T09:30:00Z",
		"2026-01-15T09:30:00+01:00": "2026-01-15T08:30:00Z",
		"2026-01-15T09:30":          "2026-01-15T08:30:00Z", // winter: UTC+1
		"2026-07-15T09:30":          "2026-07-15T07:30:00Z", // summer: UTC+2
		"2026-07-15":                "2026-07-14T22:00:00Z",
		// 29 March 2026, 02:00 becomes 03:00: 02:30 does not exist.
		"2026-03-29T01:59":    "2026-03-29T00:59:00Z",
		"2026-03-29T02:30":    "2026-03-29T01:30:00Z",
		"2026-03-29T03:00":    "2026-03-29T01:00:00Z",
		"2026-03-29T03:00:30": "2026-03-29T01:00:30Z",
		// 25 October 2026, 03:00 becomes 02:00: 02:30 comes twice, the first is meant.
		"2026-10-25T01:59": "2026-10-24T23:59:00Z",
		"2026-10-25T02:30": "2026-10-25T00:30:00Z",
		"2026-10-25T03:00": "2026-10-25T02:00:00Z",
	} {
		got, err := content.ParseMoment(in)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %s, %v, want %s", in, got.Format(time.RFC3339), err, want)
		}
	}
	for _, in := range []string{"", "tomorrow", "2026-02-31", "2026-02-31T10:00", "2026-1-1", "2026-01-01T25:00", "10:00"} {
		if got, err := content.ParseMoment(in); err == nil {
			t.Errorf("%q was read as %s", in, got)
		}
	}
}

// Every local time of both days of change reads as a moment that Rome's clock
// shows again, or, in the hour that does not exist, as one an hour later.
func TestParseMomentAroundTheChange(t *testing.T) {
	for _, day := range []string{"2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"} {
		start, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		for m := range 24 * 60 {
			wall := start.Add(time.Duration(m) * time.Minute)
			got, err := content.ParseMoment(wall.Format("2006-01-02T15:04"))
			if err != nil {
				t.Fatal(err)
			}
			shown := got.In(content.Rome).Format("2006-01-02T15:04")
			want := wall.Format("2006-01-02T15:04")
			if day == "2026-03-29" && wall.Hour() == 2 {
				want = wall.Add(time.Hour).Format("2006-01-02T15:04")
			}
			if shown != want {
				t.Fatalf("%s became %s, shown as %s", wall, got, shown)
			}
		}
	}
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := content.ParseMoment(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestScheduledPublicationAndExpiry(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "news", Locale: "it", Fields: map[string]any{"title": "Decreto", "body": "Testo."}})
	at, end := moment(t, "2026-03-29T02:30"), moment(t, "2026-10-25T02:30")
	doc, err := d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "publish", At: at})
	if err != nil {
		t.Fatal(describe(err))
	}
	if doc, err = d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "withdraw", At: end}); err != nil {
		t.Fatal(describe(err))
	}
	run := func(now time.Time, want int) {
		t.Helper()
		d.set(now)
		if n, err := d.RunDue(ctx); err != nil || n != want {
			t.Fatalf("at %s: %d changed, %v, want %d", now, n, err, want)
		}
	}
	run(at.Add(-time.Millisecond), 0)
	run(at, 1)
	run(at.Add(time.Minute), 0)
	v := d.variant(doc, "it")
	if v.State != "published" || v.Live.IsZero() || !v.PublishedAt.Equal(at) {
		t.Fatalf("published: %+v", v)
	}
	run(end.Add(-time.Minute), 0)
	run(end, 1)
	run(end, 0)
	if v := d.variant(doc, "it"); v.State != "withdrawn" || !v.Live.IsZero() {
		t.Fatalf("withdrawn: %+v", v)
	}
	events, err := d.Events(ctx, elena, doc.ID, 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]int{}
	for _, e := range events {
		if e.Kind == content.EventTransition {
			fired[e.Transition]++
			if e.Actor != "system:schedule" || e.OnBehalfOf != elena.ID {
				t.Errorf("%s by %s for %s", e.Transition, e.Actor, e.OnBehalfOf)
			}
		}
	}
	if fired["publish"] != 1 || fired["withdraw"] != 1 {
		t.Errorf("fired %v", fired)
	}
	d.clean()
}

// After a stop over the due moment the step happens once, whoever restarts.
func TestScheduleFiresOnceAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	open := func() *desk {
		store, err := sqlitestore.Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{t: t, store: store, time: now}
		if d.Service, err = content.New(store, schemas.Default(), content.Options{Clock: d.now}); err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	doc := d.create(elena, content.NewVariant{Type: "page", Locale: "it", Fields: map[string]any{"title": "Pagina", "body": "x"}})
	if _, err := d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "publish", At: now.Add(time.Hour)}); err != nil {
		t.Fatal(describe(err))
	}
	d.store.Close()

	now = now.Add(2 * time.Hour)
	first, second := open(), open()
	defer first.store.Close()
	defer second.store.Close()
	counts := make(chan int, 8)
	for i := range 8 {
		s := []*desk{first, second}[i%2]
		go func() {
			n, err := s.RunDue(ctx)
			if err != nil {
				t.Error(err)
			}
			counts <- n
		}()
	}
	total := 0
	for range 8 {
		total += <-counts
	}
	if total != 1 {
		t.Errorf("fired %d times", total)
	}
	first.clean()
}

func TestEditOverturnsAScheduledPublication(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Testo."}})
	at := d.now().Add(time.Hour)
	doc, err := d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "publish", At: at})
	if err != nil {
		t.Fatal(describe(err))
	}
	doc = d.edit(elena, doc, "it", map[string]any{"summary": "Una riga."}) // keeps
	if s := doc.Variant("it").Schedule; len(s) != 1 || s[0].Revision != doc.Variant("it").Latest.Hash {
		t.Fatalf("a small change lost the schedule: %+v", s)
	}
	doc = d.edit(elena, doc, "it", map[string]any{"body": "Tutt’altro."}) // voids
	if s := doc.Variant("it").Schedule; len(s) != 0 {
		t.Fatalf("unseen text would be published: %+v", s)
	}
	d.set(at.Add(time.Hour))
	if n, err := d.RunDue(ctx); n != 0 || err != nil {
		t.Errorf("fired %d, %v", n, err)
	}
	_, err = d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "publish", At: d.now()})
	wantField(t, err, "/at", "time_past")
	_, err = d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "submit", At: d.now().Add(time.Hour)})
	wantCode(t, err, content.Conflict, "not_schedulable")
	doc, err = d.Transition(ctx, elena, doc.ID, "it", doc.ETag("it"), content.Step{Name: "publish", At: d.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(describe(err))
	}
	if doc, err = d.Unschedule(ctx, elena, doc.ID, "it", doc.ETag("it"), "publish"); err != nil || len(doc.Variant("it").Schedule) != 0 {
		t.Errorf("taking it back: %v", err)
	}
	d.clean()
}
