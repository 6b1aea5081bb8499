package webhooks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/internal/leak"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(childOrder); order != "" {
		child(order)
	}
	if raced {
		flag.Parse()
		if err := flag.Set("rapid.checks", "15"); err != nil {
			panic(err)
		}
	}
	leak.Main(m)
}

// TestEvents follows an item from its draft to its end, with the convention's own
// verifier at the other side.
func TestEvents(t *testing.T) {
	onEngines(t, func(t *testing.T, address string) {
		w := over(t, address)
		r := newReceiver(t, nil)
		s, verifier := w.subscribe(r.URL+"/hook?a=b", Filter{})
		w.run()
		wait := func(want string) []got {
			t.Helper()
			w.follow()
			n := strings.Count(want, ",") + 1
			eventually(t, want, func() bool { return len(r.all()) >= n })
			list := r.take()
			if kinds(list) != want {
				t.Fatalf("%s, want %s", kinds(list), want)
			}
			for _, g := range list {
				w.must(verifier.Verify(g.body, g.header))
				if !strings.HasPrefix(g.id, "msg_"+s.ID+"_") || g.header.Get("Content-Type") != "application/json" || g.header.Get("User-Agent") != "Prassi" {
					t.Errorf("headers %v", g.header)
				}
			}
			return list
		}
		id := w.item("casa", "it", "Una casa", "MI")
		first := wait("item.published casa")[0]
		if d := first.Data; d.ID != id || d.Type != "article" || d.Collection != "articles" || d.Locale != "it" || d.Title != "Una casa" || d.Seq == 0 ||
			d.URL != site+"/it/articles/casa/" || d.API != site+"/api/v1/articles/casa?locale=it" {
			t.Errorf("%s", first.body)
		}
		if strings.Contains(string(first.body), "Riassunto") || strings.Contains(string(first.body), "Testo") {
			t.Errorf("more than is needed: %s", first.body)
		}
		// A draft is nobody's business, neither as an event nor in what is told.
		_, err := w.service.Edit(ctx, content.System("test"), id, "it", "*", content.Edit{Fields: map[string]any{"title": "Segreto di stato"}})
		w.must(err)
		w.follow()
		w.update(w.item("casa-due", "it", "Due", "MI"), "casa-due", "it", "Due e mezzo", "MI")
		list := wait("item.published casa-due, item.updated casa-due")
		for _, g := range list {
			if strings.Contains(string(g.body), "Segreto") {
				t.Errorf("a draft: %s", g.body)
			}
		}
		w.step(id, "it", "withdraw")
		gone := wait("item.withdrawn casa")[0]
		if gone.Data.Title != "" || gone.Data.URL != "" || gone.Data.ID != id || gone.Data.API == "" {
			t.Errorf("%s", gone.body)
		}
		w.update(id, "casa", "it", "Di nuovo", "MI")
		wait("item.published casa")

		other := w.item("kept", "it", "Resta", "MI")
		wait("item.published kept")
		_, err = w.service.Merge(ctx, content.System("test"), content.Merge{Keep: other, Gone: id, KeepETags: map[string]string{"*": "*"}, GoneETags: map[string]string{"*": "*"}})
		w.must(err)
		w.follow()
		eventually(t, "the merge", func() bool { return strings.Contains(kinds(r.all()), "item.merged") })
		for _, g := range r.take() {
			if g.Type == ItemMerged && (g.Data.ID != id || g.Data.MergedInto == nil || g.Data.MergedInto.ID != other) {
				t.Errorf("%s", g.body)
			}
		}
		// The log tells of all of it, the newest first.
		eventually(t, "the log", func() bool { return len(w.log(s)) >= 7 })
		var before time.Time
		for i, d := range w.log(s) {
			if d.Outcome != Delivered || len(d.Attempts) != 1 || d.Attempts[0].Status != 200 || d.Attempts[0].Error != "" {
				t.Errorf("%+v", d)
			}
			if i > 0 && d.At.After(before) {
				t.Error("the log is not in order")
			}
			before = d.At
		}
		eventually(t, "the cursor is at the end and the lane free", func() bool {
			l, _, err := w.hooks.readLane(ctx, s.ID)
			w.must(err)
			return l.Owner == "" && l.Waiting == 0 && !l.LastSuccess.IsZero() && l.FailingSince.IsZero()
		})
	})
}

// Filters: an item passes by where it is and by where it was.
func TestFilters(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"everything", Filter{}, "item.published a, item.published b, item.updated a, item.published c, item.withdrawn a"},
		{"events", Filter{Events: []string{ItemWithdrawn, BuildFinished}}, "item.withdrawn a"},
		{"collection", Filter{Collections: []string{"news"}}, ""},
		{"locale", Filter{Locales: []string{"ar"}}, "item.published c"},
		{"a province that the item leaves", Filter{Territories: []string{"MI"}}, "item.published a, item.updated a, item.withdrawn a"},
		{"a region", Filter{Territories: []string{"09"}}, "item.published b, item.updated a, item.withdrawn a"},
		{"elsewhere", Filter{Territories: []string{"RM"}}, ""},
		{"topic", Filter{Topics: []string{"housing"}, Locales: []string{"it"}}, "item.published a, item.published b, item.updated a, item.withdrawn a"},
		{"other topic", Filter{Topics: []string{"health"}}, ""},
	} {
		r := newReceiver(t, nil)
		w.subscribe(r.URL+"/"+strings.ReplaceAll(c.name, " ", "-"), c.filter)
		t.Cleanup(func() {
			if got := kinds(r.all()); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		})
	}
	w.round()
	a := w.item("a", "it", "A", "MI")
	w.round()
	w.item("b", "it", "B", "PO")
	w.round()
	w.update(a, "a", "it", "A", "FI")
	w.round()
	w.item("c", "ar", "C", "NA")
	w.round()
	w.step(a, "it", "withdraw")
	w.round()
}

// TestWishes: what cannot be a subscription is refused with a place and a reason.
func TestWishes(t *testing.T) {
	w := newWorld(t)
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name string
		wish Wish
		path string
		code string
	}{
		{"no name", Wish{URL: text("https://example.org/")}, "/name", "required"},
		{"long name", Wish{Name: text(strings.Repeat("x", 101)), URL: text("https://example.org/")}, "/name", "too_long"},
		{"no address", Wish{Name: text("x")}, "/url", CodeURL},
		{"http", Wish{Name: text("x"), URL: text("http://example.org/")}, "/url", CodeURL},
		{"credentials", Wish{Name: text("x"), URL: text("https://a:b@example.org/")}, "/url", CodeURL},
		{"fragment", Wish{Name: text("x"), URL: text("https://example.org/#a")}, "/url", CodeURL},
		{"file", Wish{Name: text("x"), URL: text("file:///etc/passwd")}, "/url", CodeURL},
		{"event", Wish{Name: text("x"), URL: text("https://example.org/"), Filter: &Filter{Events: []string{"item.published", "nope"}}}, "/events/1", CodeEvent},
		{"collection", Wish{Name: text("x"), URL: text("https://example.org/"), Filter: &Filter{Collections: []string{"drafts"}}}, "/collections/0", CodeCollection},
		{"territory", Wish{Name: text("x"), URL: text("https://example.org/"), Filter: &Filter{Territories: []string{"XX"}}}, "/territories/0", "unknown_territory"},
		{"topic", Wish{Name: text("x"), URL: text("https://example.org/"), Filter: &Filter{Topics: []string{"nope"}}}, "/topics/0", "unknown_term"},
		{"locale", Wish{Name: text("x"), URL: text("https://example.org/"), Filter: &Filter{Locales: []string{"???"}}}, "/locales/0", "invalid_language"},
		{"many", Wish{Name: text("x"), URL: text("https://example.org/"), Filter: &Filter{Locales: make([]string, 51)}}, "/locales", "too_many_items"},
	} {
		_, _, err := w.hooks.Create(ctx, content.System("test"), c.wish)
		p := content.AsProblem(err)
		if p == nil || p.Code != CodeInvalid || len(p.Fields) != 1 || p.Fields[0].Path != c.path || p.Fields[0].Code != c.code {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	if list, err := w.hooks.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("something was made all the same: %v %v", list, err)
	}
	if _, _, err := w.hooks.Create(ctx, content.Actor{}, Wish{Name: text("x"), URL: text("https://example.org/")}); content.AsProblem(err) == nil || content.AsProblem(err).Class != content.Unauthenticated {
		t.Errorf("nobody made one: %v", err)
	}
	s, _ := w.subscribe("https://example.org/", Filter{Territories: []string{"MI", "015"}, Locales: []string{"zh-hans"}})
	if fmt.Sprint(s.Filter.Territories, s.Filter.Locales) != "[015] [zh-Hans]" {
		t.Errorf("%+v", s.Filter)
	}
	for i := 1; i < MaxSubscriptions; i++ {
		w.subscribeQuietly(i)
	}
	_, _, err := w.hooks.Create(ctx, content.System("test"), Wish{Name: text("x"), URL: text("https://example.org/")})
	w.code(err, CodeTooMany)
}

func (w *world) subscribeQuietly(i int) {
	name, url := fmt.Sprint("n", i), "https://example.org/"
	_, _, err := w.hooks.Create(ctx, content.System("test"), Wish{Name: &name, URL: &url})
	w.must(err)
}

// TestRotation: two secrets are good while they overlap, then one.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, nil)
	s, old := w.subscribe(r.URL, Filter{})
	w.round()
	_, secret, err := w.hooks.Rotate(ctx, content.System("test"), s.ID, time.Hour)
	w.must(err)
	fresh := w.verifier(secret.Reveal())
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil || len(raw) < 24 || len(raw) > 64 {
		t.Errorf("a secret of %d bytes: %v", len(raw), err)
	}
	check := func(name string, wantOld, wantNew bool) {
		t.Helper()
		w.item(name, "it", name, "MI")
		w.round()
		list := r.take()
		if len(list) != 1 {
			t.Fatal(kinds(list))
		}
		g := list[0]
		is := func(v *standardwebhooks.Webhook) bool { return v.VerifyIgnoringTimestamp(g.body, g.header) == nil }
		if is(old) != wantOld || is(fresh) != wantNew {
			t.Errorf("%s: the old one %t, the new one %t", name, is(old), is(fresh))
		}
		if g.body = bytes.Replace(g.body, []byte(name), []byte("x"), 1); is(fresh) {
			t.Error("a body that was changed passes")
		}
	}
	check("uno", true, true)
	w.turn(2 * time.Hour)
	check("due", false, true)
	_, secret, err = w.hooks.Rotate(ctx, content.System("test"), s.ID, 0)
	w.must(err)
	old, fresh = fresh, w.verifier(secret.Reveal())
	check("tre", false, true)
	_, _, err = w.hooks.Rotate(ctx, content.System("test"), s.ID, 8*24*time.Hour)
	w.code(err, CodeOverlapRange)
	entries, err := w.hooks.ledger.Entries(ctx, "webhook:"+s.ID, 0, 0)
	w.must(err)
	var told []string
	for _, e := range entries {
		told = append(told, e.Action)
	}
	if strings.Join(told, " ") != "webhook_made webhook_rotated webhook_rotated" {
		t.Error(told)
	}
	shown, err := json.Marshal(struct {
		A any
		B any
	}{w.hooks.lanes[s.ID].sub.Subscription, secret})
	if err != nil || bytes.Contains(shown, []byte("whsec")) || bytes.Contains(shown, raw) {
		t.Errorf("%s %v", shown, err)
	}
}

// TestFailures: what each kind of bad receiver gets, and what the log says of it.
func TestFailures(t *testing.T) {
	closed := newReceiver(t, nil)
	closed.Close()
	until := time.Now().Add(2 * time.Hour).Truncate(time.Second)
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *got) int
		url    string
		rogue  func(*Hooks)
		code   string
		status int
		within [2]time.Duration // when it is tried again, after the attempt
		until  time.Time        // or exactly when
		says   string
	}{
		{name: "error", answer: func(w http.ResponseWriter, _ *got) int {
			w.WriteHeader(500)
			fmt.Fprint(w, "no <b>database</b>\x00\x1b[31m\r\n today "+strings.Repeat("x", 5000))
			return -1
		}, code: CodeStatus, status: 500, within: [2]time.Duration{5 * time.Second, 6 * time.Second}, says: "no <b>database</b> [31m today xxx"},
		{name: "asks to wait", answer: func(w http.ResponseWriter, _ *got) int { w.Header().Set("Retry-After", "600"); return 429 },
			code: CodeStatus, status: 429, within: [2]time.Duration{600 * time.Second, 601 * time.Second}},
		{name: "asks to wait until", answer: func(w http.ResponseWriter, _ *got) int {
			w.Header().Set("Retry-After", until.UTC().Format(http.TimeFormat))
			return 503
		}, code: CodeStatus, status: 503, until: until},
		{name: "asks for ever", answer: func(w http.ResponseWriter, _ *got) int { w.Header().Set("Retry-After", "99999999"); return 503 },
			code: CodeStatus, status: 503, within: [2]time.Duration{maxRetryAfter, maxRetryAfter + time.Second}},
		{name: "leads to the metadata", answer: func(w http.ResponseWriter, _ *got) int {
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
			return 307
		}, code: CodeRedirect, status: 307, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{name: "is the metadata", url: "https://169.254.169.254/latest", code: CodeRefused, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{name: "is inside", url: "https://10.0.0.1/", code: CodeRefused, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{name: "is nowhere", url: "https://nowhere.invalid/", code: CodeName, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{name: "is closed", url: closed.URL, code: CodeConnection, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{name: "strange certificate", rogue: func(h *Hooks) { h.client = client(strangers) }, code: CodeTLS, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{name: "silent", answer: func(_ http.ResponseWriter, _ *got) int { time.Sleep(400 * time.Millisecond); return 200 },
			rogue: func(h *Hooks) { h.client.Timeout = 100 * time.Millisecond }, code: CodeTimeout, within: [2]time.Duration{5 * time.Second, 6 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.rogue != nil {
				c.rogue(w.hooks)
			}
			r := newReceiver(t, c.answer)
			if c.url == "" {
				c.url = r.URL
			}
			s, _ := w.subscribe(c.url, Filter{})
			w.round()
			w.item("uno", "it", "Uno", "MI")
			w.round()
			list := w.log(s)
			if len(list) != 1 || list[0].Outcome != Waiting || len(list[0].Attempts) != 1 {
				t.Fatalf("%+v", list)
			}
			d, a := list[0], list[0].Attempts[0]
			if a.Error != c.code || a.Status != c.status || !strings.HasPrefix(a.Answer, c.says) || len(a.Answer) > 1100 {
				t.Errorf("%+v", a)
			}
			if wait := d.Next.Sub(a.At); !d.Next.Equal(c.until) && (wait < c.within[0] || wait > c.within[1]) {
				t.Errorf("the next attempt follows after %v", wait)
			}
			if h, err := w.hooks.Health(ctx, s.ID); err != nil || h.Waiting != 1 || h.FailingSince.IsZero() {
				t.Errorf("%+v %v", h, err)
			}
			r.take()
			w.round() // not before its hour
			if n := len(r.all()); n != 0 {
				t.Errorf("%d requests too early", n)
			}
		})
	}
}

// TestThreeDays: the schedule to its end; a receiver that failed in everything is
// switched off, with an entry in the log, and goes on where it stood.
func TestThreeDays(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(http.ResponseWriter, *got) int { return 500 })
	s, _ := w.subscribe(r.URL, Filter{})
	w.round()
	began := w.now()
	w.item("uno", "it", "Uno", "MI")
	w.round()
	for range 20 {
		now, err := w.hooks.Get(ctx, s.ID)
		w.must(err)
		if now.State != Active {
			break
		}
		list := w.log(s)
		if wait := list[0].Next.Sub(w.now()); wait > 0 {
			w.turn(wait + time.Millisecond)
		}
		w.round()
	}
	took := w.now().Sub(began)
	list := r.take()
	if len(list) != len(schedule)+1 || took < 72*time.Hour || took > 90*time.Hour {
		t.Errorf("%d attempts in %v", len(list), took)
	}
	for _, g := range list {
		if g.id != list[0].id {
			t.Error("another id")
		}
	}
	d := w.log(s)[0]
	if d.Outcome != Failed || len(d.Attempts) != len(schedule)+1 {
		t.Errorf("%+v", d)
	}
	for i := 1; i < len(d.Attempts); i++ {
		pause, want := d.Attempts[i].At.Sub(d.Attempts[i-1].At), schedule[i-1]
		if pause < want || pause > want+want/10+time.Second {
			t.Errorf("pause %d: %v, want %v", i, pause, want)
		}
	}
	now, err := w.hooks.Get(ctx, s.ID)
	if err != nil || now.State != Disabled || now.Reason != CodeGaveUp {
		t.Errorf("%+v %v", now, err)
	}
	entries, err := w.hooks.ledger.Entries(ctx, "webhook:"+s.ID, 0, 0)
	w.must(err)
	if e := entries[len(entries)-1]; e.Action != "webhook_disabled" || e.Details["reason"] != CodeGaveUp || e.Actor != "system:webhooks" {
		t.Errorf("%+v", e)
	}
	// What happens meanwhile is not lost.
	w.item("due", "it", "Due", "MI")
	w.round()
	_, err = w.hooks.Ping(ctx, s.ID)
	w.code(err, CodeInactive)
	if n := len(r.take()); n != 0 {
		t.Errorf("%d requests to one that is switched off", n)
	}
	r.set(nil)
	on := true
	_, err = w.hooks.Change(ctx, content.System("test"), s.ID, Wish{Active: &on})
	w.must(err)
	w.round()
	if got := kinds(r.take()); got != "item.published due" {
		t.Error(got)
	}
}

// TestGone: 410 ends it at once.
func TestGone(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(http.ResponseWriter, *got) int { return 410 })
	s, _ := w.subscribe(r.URL, Filter{})
	w.round()
	w.item("uno", "it", "Uno", "MI")
	w.item("due", "it", "Due", "MI")
	w.round()
	w.round()
	now, err := w.hooks.Get(ctx, s.ID)
	if err != nil || now.State != Disabled || now.Reason != CodeGone {
		t.Errorf("%+v %v", now, err)
	}
	if n := len(r.all()); n == 0 || n > 2 { // two may have been under way
		t.Errorf("%d requests", n)
	}
}

// TestRecovery: a receiver that is down is left alone, costs little, and gets what
// it missed at once when it is back, in order.
func TestRecovery(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(http.ResponseWriter, *got) int { return 503 })
	s, _ := w.subscribe(r.URL, Filter{})
	w.round()
	var ids []string
	for i := range 40 {
		ids = append(ids, w.item(fmt.Sprint("n", i), "it", fmt.Sprint("N", i), "MI"))
	}
	w.update(ids[0], "n0", "it", "N zero", "MI")
	for range 120 { // ten minutes
		w.turn(5 * time.Second)
		w.round()
	}
	if n := len(r.take()); n < 5 || n > 40 {
		t.Errorf("%d requests in ten minutes to one that is down", n)
	}
	if h, err := w.hooks.Health(ctx, s.ID); err != nil || h.Waiting > 20 {
		t.Errorf("%+v %v", h, err)
	}
	r.set(nil)
	w.turn(5 * time.Minute)
	w.round()
	w.turn(time.Second)
	w.round()
	list := r.take()
	if len(list) != 41 {
		t.Errorf("%d of 41 came: %s", len(list), kinds(list))
	}
	if h, err := w.hooks.Health(ctx, s.ID); err != nil || h.Waiting != 0 || !h.FailingSince.IsZero() {
		t.Errorf("%+v %v", h, err)
	}
	seen := 0
	for _, g := range list {
		if g.Data.ID == ids[0] {
			if seen++; seen == 1 && g.Type != ItemPublished || seen == 2 && g.Type != ItemUpdated {
				t.Errorf("out of order: %s", kinds(list))
			}
		}
	}
	// What was never true for the public in between is passed over, and told so.
	r.set(func(http.ResponseWriter, *got) int { return 500 })
	w.update(ids[1], "n1", "it", "Nome di una persona", "MI")
	w.round()
	w.step(ids[1], "it", "withdraw")
	w.round()
	r.set(nil)
	r.take()
	w.turn(10 * time.Second)
	w.round()
	if got := kinds(r.take()); got != "item.withdrawn n1" {
		t.Error(got)
	}
	if list, err := w.hooks.Deliveries(ctx, s.ID, Query{Document: ids[1], Outcome: Skipped}); err != nil || len(list) != 1 || list[0].Attempts[1].Error != CodeSuperseded {
		t.Errorf("%+v %v", list, err)
	}
}

// TestBack: a receiver that takes something after hours of failures is tried with
// what failed at once, without waiting for its hour; not again within the minute.
func TestBack(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(_ http.ResponseWriter, g *got) int {
		if strings.HasPrefix(g.Data.Slug, "bad") {
			return 500
		}
		return 200
	})
	s, _ := w.subscribe(r.URL, Filter{})
	w.round()
	for i := range 4 {
		w.item(fmt.Sprint("bad", i), "it", "N", "MI")
	}
	for range 240 { // four hours: what failed is due again after three more
		w.turn(time.Minute)
		w.round()
	}
	r.take()
	for i, want := range []string{
		"item.published bad0, item.published bad1, item.published bad2, item.published bad3, item.published good0",
		"item.published good1",
	} {
		w.item(fmt.Sprint("good", i), "it", "N", "MI")
		w.turn(30 * time.Second)
		w.round()
		if got := sorted(r.take()); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if h, err := w.hooks.Health(ctx, s.ID); err != nil || h.Waiting != 4 {
		t.Errorf("%+v %v", h, err)
	}
}

// TestAskedToWait: what came while the receiver asked for a pause is sent when that
// is over, though nothing else wakes the lane.
func TestAskedToWait(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(rw http.ResponseWriter, g *got) int {
		if g.Type == TestPing {
			rw.Header().Set("Retry-After", "120")
			return http.StatusTooManyRequests
		}
		return 200
	})
	s, _ := w.subscribe(r.URL, Filter{})
	w.round()
	w.item("uno", "it", "Uno", "MI")
	w.follow()
	_, err := w.hooks.Ping(ctx, s.ID)
	w.must(err)
	next, err := w.hooks.lanes[s.ID].turn(ctx)
	w.must(err)
	if wait := next.Sub(w.now()); kinds(r.take()) != TestPing || wait < 110*time.Second || wait > 120*time.Second {
		t.Errorf("the lane comes back in %v", wait)
	}
	w.turn(2 * time.Minute)
	_, err = w.hooks.lanes[s.ID].turn(ctx)
	w.must(err)
	if got := kinds(r.take()); got != "item.published uno" {
		t.Errorf("got %q", got)
	}
}

// TestLanguages: what was public before is told of each language by itself.
func TestLanguages(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.subscribe(r.URL, Filter{})
	w.round()
	id := w.item("uno", "it", "Uno", "MI")
	w.round()
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { w.update(id, "one", "en", "One", "MI") }, "item.published one"},
		{func() { w.step(id, "it", "withdraw") }, "item.withdrawn uno"},
		{func() { w.update(id, "one", "en", "Another", "MI") }, "item.updated one"},
		{func() { w.update(id, "uno", "it", "Altro", "MI") }, "item.published uno"},
	} {
		r.take()
		step.do()
		w.round()
		if got := kinds(r.take()); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
}

// TestReplay: of one delivery, a document and a time, with the ids that they had,
// and nothing that is not true any more.
func TestReplay(t *testing.T) {
	onEngines(t, func(t *testing.T, address string) {
		w := over(t, address)
		r := newReceiver(t, nil)
		s, _ := w.subscribe(r.URL, Filter{})
		w.round()
		a := w.item("a", "it", "A", "MI")
		w.round()
		w.turn(time.Hour)
		middle := w.hooks.now()
		b := w.item("b", "it", "B", "MI")
		w.step(a, "it", "withdraw")
		w.update(b, "b", "it", "Bi", "MI")
		w.round()
		before := map[string]string{}
		for _, g := range r.take() {
			before[g.id] = g.Type
		}
		again := func(what Replay, want string) {
			t.Helper()
			_, err := w.hooks.Replay(ctx, s.ID, what)
			w.must(err)
			w.round()
			list := r.take()
			if sorted(list) != want {
				t.Errorf("%+v: %s, want %s", what, sorted(list), want)
			}
			for _, g := range list {
				if before[g.id] != g.Type {
					t.Errorf("%s was not sent before", g.id)
				}
			}
		}
		w.turn(time.Minute)
		key := func(event, document string) string { // two documents' come in any order
			list := w.log(s)
			i := slices.IndexFunc(list, func(d *Delivery) bool { return d.Event == event && d.Document == document })
			if i < 0 {
				t.Fatalf("no %s of %s in %+v", event, document, list)
			}
			return list[i].Key
		}
		again(Replay{Delivery: key(ItemUpdated, b)}, "item.updated b")
		again(Replay{Document: b}, "item.published b, item.updated b")
		again(Replay{Document: a}, "item.withdrawn a") // its publication is not true any more
		again(Replay{Since: middle.Add(-time.Second)}, "item.published b, item.updated b, item.withdrawn a")
		again(Replay{Since: middle.Add(-2 * time.Hour), Until: middle}, "")
		w.update(a, "a", "it", "A", "MI")
		w.round()
		r.take()
		again(Replay{Delivery: key(ItemWithdrawn, a)}, "") // it came back: not withdrawn
		if d := w.log(s); len(d) != 5 {
			t.Errorf("%d entries for 5 messages", len(d))
		}
		for _, c := range []struct {
			what Replay
			code string
		}{
			{Replay{}, CodeReplayWhat}, {Replay{Document: a, Delivery: "x"}, CodeReplayWhat}, {Replay{Document: a, Until: middle}, CodeReplayWhat},
			{Replay{Document: "nothing"}, CodeReplayNone}, {Replay{Delivery: "nothing"}, CodeReplayNone}, {Replay{Delivery: "00000000ffffffff"}, CodeReplayNone},
			{Replay{Since: w.now().Add(time.Hour)}, CodeReplayOrder},
		} {
			_, err := w.hooks.Replay(ctx, s.ID, c.what)
			w.code(err, c.code)
		}
		if _, err := w.hooks.Replay(ctx, "nobody", Replay{Document: a}); err == nil {
			t.Error("a webhook that is not there")
		}
		for range maxSpans {
			_, err := w.hooks.Replay(ctx, s.ID, Replay{Since: middle})
			w.must(err)
		}
		_, err := w.hooks.Replay(ctx, s.ID, Replay{Since: middle})
		w.code(err, CodeReplayBusy)
	})
}

// A long time is sent again piece by piece.
func TestReplayMuch(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, nil)
	s, _ := w.subscribe(r.URL, Filter{Locales: []string{"it"}})
	w.round()
	began := w.now().Add(-time.Second)
	for i := range 3 * replayAhead {
		w.item(fmt.Sprint("n", i), "it", "N", "MI")
	}
	w.round()
	if n := len(r.take()); n != 3*replayAhead {
		t.Fatal(n)
	}
	w.hooks.window.forget() // as after a restart
	_, err := w.hooks.Replay(ctx, s.ID, Replay{Since: began})
	w.must(err)
	w.round()
	if n := len(r.take()); n != 3*replayAhead {
		t.Errorf("%d of %d", n, 3*replayAhead)
	}
	l, _, err := w.hooks.readLane(ctx, s.ID)
	if err != nil || len(l.Spans) != 0 || l.Waiting != 0 {
		t.Errorf("%+v %v", l, err)
	}
}

// TestPingAndBuild: what is in no log.
func TestPingAndBuild(t *testing.T) {
	w := newWorld(t)
	r, deaf := newReceiver(t, nil), newReceiver(t, func(http.ResponseWriter, *got) int { return 500 })
	s, v := w.subscribe(r.URL, Filter{Events: []string{ItemPublished}})
	builds, _ := w.subscribe(deaf.URL, Filter{Events: []string{BuildFinished}})
	w.round()
	d, err := w.hooks.Ping(ctx, s.ID)
	w.must(err)
	w.round()
	list := r.take()
	if len(list) != 1 || list[0].Type != TestPing || list[0].Data.Webhook != s.ID || list[0].id != d.ID() || v.VerifyIgnoringTimestamp(list[0].body, list[0].header) != nil {
		t.Errorf("%+v", list)
	}
	// A test is sent once; a build until it is told, or until there is a newer one.
	_, err = w.hooks.Ping(ctx, builds.ID)
	w.must(err)
	for i := range 3 {
		w.must(w.hooks.BuildFinished(ctx, fmt.Sprint("build", i), 10+i, w.now()))
		w.turn(time.Millisecond)
		w.round()
	}
	deaf.set(nil)
	deaf.take()
	w.turn(10 * time.Minute)
	w.round()
	if list := deaf.take(); len(list) != 1 || list[0].Type != BuildFinished || list[0].Data.Build != "build2" || list[0].Data.Changed != 12 {
		t.Errorf("%+v", list)
	}
	if n := len(r.take()); n != 0 {
		t.Errorf("%d builds to one that did not ask for them", n)
	}
	if list, err := w.hooks.Deliveries(ctx, builds.ID, Query{Outcome: Failed}); err != nil || len(list) != 1 || list[0].Event != TestPing {
		t.Errorf("%+v %v", list, err)
	}
}

// TestEnd: nothing is left but the log, which goes with its age.
func TestEnd(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, func(http.ResponseWriter, *got) int { return 500 })
	s, _ := w.subscribe(r.URL, Filter{})
	w.round()
	w.item("uno", "it", "Uno", "MI")
	w.item("due", "it", "Due", "MI")
	w.round()
	w.must(w.hooks.End(ctx, content.System("test"), s.ID))
	r.take()
	w.turn(time.Hour)
	w.round()
	if n := len(r.all()); n != 0 {
		t.Errorf("%d requests after the end", n)
	}
	for _, kind := range []string{kindLane, kindWaiting} {
		if list, err := w.store.ListRecords(ctx, kind, "", 0); err != nil || len(list) != 0 {
			t.Errorf("%d records of %s: %v", len(list), kind, err)
		}
	}
	if _, err := w.hooks.Deliveries(ctx, s.ID, Query{}); err == nil {
		t.Error("the log of one that has ended")
	}
	p := w.hooks.Purger()
	n, err := p.Purge(ctx, w.now().Add(-2*time.Hour))
	if err != nil || n != 0 || p.Kind() != "deliveries" {
		t.Error(n, err)
	}
	if n, err = p.Purge(ctx, w.now()); err != nil || n != 2 {
		t.Error(n, err)
	}
}
