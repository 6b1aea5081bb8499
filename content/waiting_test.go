package content_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

func (d *desk) later(a content.Actor, doc *content.Document, locale, step string, at time.Time) *content.Document {
	d.t.Helper()
	out, err := d.Transition(ctx, a, doc.ID, locale, doc.ETag(locale), content.Step{Name: step, At: at})
	if err != nil {
		d.t.Fatalf("%s at %s by %s: %v", step, at, a.ID, describe(err))
	}
	return out
}

// kinds lists what a document's events tell, oldest first.
func (d *desk) told(doc *content.Document) []string {
	d.t.Helper()
	events, err := d.store.DocumentEvents(ctx, doc.ID, 0, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(events) {
		s := string(e.Kind)
		for _, more := range []string{e.Transition, string(e.Effect)} {
			if more != "" {
				s += " " + more
			}
		}
		if e.Kind == content.EventUnscheduled {
			s += " " + e.Comment
		}
		out = append(out, s)
	}
	return out
}

// Documents that fail neither hold up the others nor keep the schedule spinning.
func TestFailingDocumentsDoNotHoldUpOthers(t *testing.T) {
	d, h := newHooked(t, content.Options{})
	at := d.now().Add(time.Hour)
	bad := map[string]bool{}
	var good *content.Document
	for i := range 230 {
		doc := d.create(elena, content.NewVariant{Type: "page", Locale: "it", Fields: map[string]any{"title": fmt.Sprint("Pagina ", i), "body": "x"}})
		doc = d.later(elena, doc, "it", "publish", at.Add(time.Duration(i)*time.Second))
		bad[doc.ID] = i < 229
		good = doc
	}
	broken := errors.New("this one cannot be read")
	h.get = func(doc *content.Document, err error) (*content.Document, error) {
		if err == nil && bad[doc.ID] {
			return nil, broken
		}
		return doc, err
	}
	d.set(at.Add(time.Hour))
	done := make(chan int)
	go func() {
		n, err := d.RunDue(ctx)
		if !errors.Is(err, broken) || len(strings.Split(err.Error(), "\n")) > 20 {
			t.Errorf("it says %v", err)
		}
		done <- n
	}()
	select {
	case n := <-done:
		if n != 1 || d.variant(good, "it").Live.IsZero() {
			t.Errorf("%d documents changed", n)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it spins")
	}
	// A key that is out of date, so that documents come up of which nothing is due.
	h.get = nil
	if n, err := d.RunDue(ctx); n != 229 || err != nil {
		t.Fatalf("then %d, %v", n, err)
	}
	all, err := d.store.Scan(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	h.due = func([]*content.Document) []*content.Document { return slices.Clone(all) }
	go func() { n, _ := d.RunDue(ctx); done <- n }()
	select {
	case n := <-done:
		if n != 0 {
			t.Errorf("%d changed by nothing", n)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it spins on stale keys")
	}
	d.clean()
}

// A step that is refused when it falls due falls away, once, and says why.
func TestRefusedWhenDue(t *testing.T) {
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "x"}})
	at := d.now().Add(time.Hour)
	d.later(elena, doc, "it", "withdraw", at)
	d.set(at)
	for want := 1; want >= 0; want-- {
		if n, err := d.RunDue(ctx); n != want || err != nil {
			t.Errorf("%d documents changed, %v", n, err)
		}
	}
	if got := d.told(doc); !slices.Equal(got, []string{"created", "scheduled withdraw", "unscheduled withdraw guard_live"}) {
		t.Errorf("told %v", got)
	}
	d.clean()
}

// A waiting publication survives only what its asker could have asked for.
func TestWhatOvertakesAWaitingPublication(t *testing.T) {
	service := map[string]any{"title": "Sportello", "topics": []any{"work"}, "territories": []any{"PO"}}
	press := map[string]any{"title": "Uno", "body": "Testo."}
	text := func(fields map[string]any) func(*desk, content.Actor, *content.Document) *content.Document {
		return func(d *desk, a content.Actor, doc *content.Document) *content.Document {
			return d.edit(a, doc, "it", fields)
		}
	}
	step := func(name string) func(*desk, content.Actor, *content.Document) *content.Document {
		return func(d *desk, a content.Actor, doc *content.Document) *content.Document {
			return d.step(a, doc, "it", name)
		}
	}
	for _, c := range []struct {
		name    string
		typ     string
		by      content.Actor
		fields  map[string]any
		submit  bool
		asks    content.Actor
		then    content.Actor
		does    func(*desk, content.Actor, *content.Document) *content.Document
		waiting bool
	}{
		{"a small edit by the newsroom", "article", amina, press, false, elena, elena, text(map[string]any{"summary": "x"}), true},
		{"a small edit by the contributor", "article", amina, press, false, elena, amina, text(map[string]any{"summary": "x"}), false},
		{"a large edit by the newsroom", "article", amina, press, false, elena, elena, text(map[string]any{"body": "y"}), false},
		{"approval", "article", amina, press, true, elena, director, step("approve"), true},
		{"asking for changes", "article", amina, press, true, elena, director, step("request_changes"), false},
		{"the contributor takes it back", "article", amina, press, true, elena, amina, step("recall"), false},
		// Four eyes: who edits what another has scheduled would publish the own work.
		{"an edit under four eyes", "service", amina, service, false, elena, elena, text(map[string]any{"website": "https://example.org"}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			doc := d.create(c.by, content.NewVariant{Type: c.typ, Locale: "it", Fields: c.fields})
			if c.submit {
				doc = d.step(c.by, doc, "it", "submit")
			}
			at := d.now().Add(time.Hour)
			doc = c.does(d, c.then, d.later(c.asks, doc, "it", "publish", at))
			v := doc.Variant("it")
			if got := len(v.Schedule) == 1 && v.Schedule[0].Revision == v.Latest.Hash; got != c.waiting || !c.waiting && len(v.Schedule) > 0 {
				t.Errorf("waiting: %+v, want %t", v.Schedule, c.waiting)
			}
			if told := slices.ContainsFunc(d.told(doc), func(s string) bool { return strings.HasPrefix(s, "unscheduled publish") }); told == c.waiting {
				t.Errorf("told %v", d.told(doc))
			}
			d.set(at)
			if _, err := d.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			if live := !d.variant(doc, "it").Live.IsZero(); live != c.waiting {
				t.Errorf("public: %t", live)
			}
			d.clean()
		})
	}
}

// What a person takes from the public stays away until a person brings it back;
// an expiry that was planned before a new publication lets that one come.
func TestWithdrawalAndWaitingPublications(t *testing.T) {
	d := newDesk(t)
	fields := map[string]any{"title": "Uno", "body": "Testo."}
	begin := func() *content.Document {
		doc := d.step(elena, d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: fields}), "it", "publish")
		doc = d.edit(elena, doc, "it", map[string]any{"body": "Nuovo."})
		return d.later(elena, doc, "it", "publish", d.now().Add(2*time.Hour))
	}
	byHand := d.step(elena, begin(), "it", "withdraw")
	if s := byHand.Variant("it").Schedule; len(s) != 0 {
		t.Errorf("it would come back: %+v", s)
	}
	planned := d.later(elena, begin(), "it", "withdraw", d.now().Add(time.Hour))
	d.set(d.now().Add(time.Hour))
	if _, err := d.RunDue(ctx); err != nil {
		t.Fatal(err)
	}
	if v := d.variant(planned, "it"); !v.Live.IsZero() || len(v.Schedule) != 1 {
		t.Errorf("after its end: %+v", v)
	}
	d.set(d.now().Add(time.Hour))
	if n, err := d.RunDue(ctx); n != 1 || err != nil {
		t.Errorf("%d changed, %v", n, err)
	}
	if v := d.variant(planned, "it"); v.Live != v.Latest {
		t.Errorf("the new text did not come: %+v", v)
	}
	d.clean()
}

// An end before the beginning would never come.
func TestEndsAfterItBegins(t *testing.T) {
	d := newDesk(t)
	begin := func() *content.Document {
		return d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Testo."}})
	}
	hour := func(n int) time.Time { return d.now().Add(time.Duration(n) * time.Hour) }
	doc := d.later(elena, begin(), "it", "publish", hour(2))
	for _, at := range []time.Time{hour(1), hour(2)} {
		_, err := d.Transition(ctx, elena, doc.ID, "it", "*", content.Step{Name: "withdraw", At: at})
		d.refused(doc, err, content.Invalid, "invalid_content")
		wantField(t, err, "/at", "invalid_time")
	}
	doc = d.later(elena, doc, "it", "withdraw", hour(3))
	_, err := d.Transition(ctx, elena, doc.ID, "it", "*", content.Step{Name: "publish", At: hour(4)})
	d.refused(doc, err, content.Invalid, "invalid_content")
	d.later(elena, doc, "it", "publish", hour(1))

	other := d.later(elena, begin(), "it", "withdraw", hour(1))
	_, err = d.Transition(ctx, elena, other.ID, "it", "*", content.Step{Name: "publish", At: hour(1)})
	d.refused(other, err, content.Invalid, "invalid_content")
	// Both due at once, after a stop: they come in their order, and it ends offline.
	d.set(hour(9))
	if _, err := d.RunDue(ctx); err != nil {
		t.Fatal(err)
	}
	if v := d.variant(doc, "it"); v.State != "withdrawn" || !v.Live.IsZero() || len(v.Schedule) > 0 {
		t.Errorf("%+v", v)
	}
	want := []string{"transition publish published", "transition withdraw withdrawn"}
	if got := d.told(doc); !slices.Equal(got[len(got)-2:], want) {
		t.Errorf("told %v", got)
	}
	d.clean()
}

// A moment that cannot be written is refused, and none is taken for "now".
func TestMomentsThatCannotBeKept(t *testing.T) {
	for _, s := range []string{"9999-12-31T23:30:00-05:00", "0001-01-01T00:00:00Z", "0001-01-01", "9999-12-31"} {
		if m, err := content.ParseMoment(s); err == nil {
			t.Errorf("%s was read as %s", s, m)
		}
	}
	d := newDesk(t)
	doc := d.create(elena, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Testo."}})
	_, err := d.Transition(ctx, elena, doc.ID, "it", "*", content.Step{Name: "publish", At: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)})
	d.refused(doc, err, content.Invalid, "invalid_content")
	_, err = d.Transition(ctx, elena, doc.ID, "it", "*", content.Step{Name: "publish", At: d.now().Add(100 * time.Microsecond)})
	d.refused(doc, err, content.Invalid, "invalid_content") // now, to the millisecond
}

// Taking back a planned step asks for the same role as planning it.
func TestUnscheduleRights(t *testing.T) {
	d := newDesk(t)
	doc := d.create(amina, content.NewVariant{Type: "article", Locale: "it", Fields: map[string]any{"title": "Uno", "body": "Testo."}})
	doc = d.later(elena, doc, "it", "publish", d.now().Add(time.Hour))
	_, err := d.Unschedule(ctx, amina, doc.ID, "it", "*", "publish")
	d.refused(doc, err, content.Forbidden, "forbidden")
	_, err = d.Unschedule(ctx, bruno, doc.ID, "it", "*", "publish")
	d.refused(doc, err, content.NotFound, "not_found")
	_, err = d.Unschedule(ctx, elena, doc.ID, "it", "*", "withdraw")
	d.refused(doc, err, content.NotFound, "not_found")
	_, err = d.Unschedule(ctx, elena, doc.ID, "it", `"0.0"`, "publish")
	d.refused(doc, err, content.PreconditionFailed, "stale")
	if doc, err = d.Unschedule(ctx, director, doc.ID, "it", "*", "publish"); err != nil || len(doc.Variant("it").Schedule) > 0 {
		t.Error(err)
	}
}
