package freshness

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// Who is asked about many services gets one message a day, with a link for each.
func TestOneMailForMany(t *testing.T) {
	w := newWorld(t)
	const n = mostItems + 7
	for i := range n {
		w.publish(fmt.Sprintf("Servizio %02d", i), "orti", "2026-01-10", nil)
	}
	w.publish("Da solo", "", "2026-01-10", email("karim@orti.example")) // the same address, for another reason
	w.set(day(reminded))
	seen := map[string]bool{}
	for i, want := range []int{mostItems, 0, 0, 7, 0} { // three turns on one day, two on the next
		w.set(day(reminded).Add(time.Duration(i) * 4 * time.Hour))
		if i > 2 {
			w.set(day(reminded).Add(time.Duration(20+i) * time.Hour))
		}
		w.run()
		sent := w.post.take()
		carla := to(sent, "carla@orti.example")
		if want == 0 {
			if len(sent) != 0 {
				t.Errorf("turn %d:\n%s", i, told(sent))
			}
			continue
		}
		if len(carla) != 1 || len(to(sent, "karim@orti.example")) != 1 || len(sent) != 2 {
			t.Fatalf("turn %d:\n%s", i, told(sent))
		}
		m := carla[0]
		left := n - len(seen)
		if m.Subject != messages.Text("it", "label_mail_subject_confirm_many", map[string]any{"count": left}) {
			t.Errorf("subject %q", m.Subject)
		}
		list := tokens(m)
		for _, token := range list {
			a, err := w.keeper.Open(ctx, token, "it")
			w.must(err)
			if seen[a.Document] {
				t.Errorf("%s is asked about twice", a.Title)
			}
			seen[a.Document] = true
			if !strings.Contains(m.Text, "- "+a.Title+"\n") || !strings.Contains(m.HTML, token) {
				t.Errorf("%s is not named", a.Title)
			}
		}
		if len(list) != want || !strings.Contains(m.Text, messages.Text("it", "label_confirm_by", map[string]any{"date": "10/01/2027"})) {
			t.Errorf("%d links, want %d:\n%s", len(list), want, m.Text)
		}
		if more := messages.Text("it", "mail_confirm_more", map[string]any{"count": left - want}); strings.Contains(m.Text, more) != (left > want) {
			t.Errorf("of what waits:\n%s", m.Text)
		}
		if waits := w.keeper.Waiting(); (waits > 0) != (left > want) {
			t.Errorf("%d wait", waits)
		}
	}
	if len(seen) != n {
		t.Errorf("%d services of %d", len(seen), n)
	}
}

// An import of old services floods nobody: so many messages a day and no more,
// whatever the number of processes, until all were asked once.
func TestFlood(t *testing.T) {
	w := newWorld(t)
	const n, daily = 33, 20
	for i := range n {
		w.publish(fmt.Sprintf("Servizio %d", i), "", map[bool]string{true: "2024-01-10"}[i%2 == 0], email(fmt.Sprintf("s%d@example.org", i)))
	}
	later := w.publish("Da salvare", "", "2026-01-10", email("hope@example.org"))
	w.keeper.daily = daily
	other := w.another()
	other.daily = daily
	asked := map[string]int{}
	for i, want := range []int{daily, n + 1 - daily, 0} {
		sum := 0
		for hour := range 12 {
			w.set(day(reminded).Add(time.Duration(i*24+hour) * time.Hour))
			for _, k := range []*Keeper{w.keeper, other} {
				w.must(k.Run(ctx))
				sent := w.post.take()
				turn := 0
				for _, m := range sent {
					if strings.HasSuffix(m.To, "@example.org") {
						asked[m.To]++
						turn++
					}
				}
				if i+hour == 0 && k == w.keeper && asked["hope@example.org"] != 1 {
					t.Errorf("what can be saved waits: %v", asked)
				}
				if turn > daily/turns {
					t.Errorf("%d messages in a turn", turn)
				}
				sum += turn
			}
		}
		if sum != want {
			t.Errorf("day %d: %d messages, want %d", i, sum, want)
		}
		if wait := w.keeper.Waiting(); wait != max(0, n+1-daily-i*daily) {
			t.Errorf("day %d: %d wait", i, wait)
		}
	}
	for address, times := range asked {
		if times != 1 {
			t.Errorf("%s was asked %d times", address, times)
		}
	}
	w.must(ignore(w.service.Assure(ctx, content.System("council"), later, "")))
}

// Reminders can be held back; what the public sees and the councils hear does not
// wait for them.
func TestHeldBack(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	w.keeper.daily = -1
	w.set(day(labelled))
	w.run()
	if sent := w.post.take(); len(sent) != 1 || sent[0].To != "sara@prefettura.example" || w.keeper.Waiting() != 1 || stageOf(w.get(id)) != schemas.StageUnverified {
		t.Errorf("%d wait:\n%s", w.keeper.Waiting(), told(sent))
	}
	w.keeper.daily = 500
	w.run()
	if sent := w.post.take(); len(sent) != 1 || sent[0].To != "sportello@example.org" || w.keeper.Waiting() != 0 {
		t.Errorf("then:\n%s", told(sent))
	}
}

// A text that a server will not have is offered three times; then others are
// asked, and the council's view says so.
func TestRejectedText(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "orti", "2026-01-10", email("spam-shy@example.org"))
	tries := 0
	w.post.fail(func(m mail.Message) error {
		if m.To != "spam-shy@example.org" {
			return nil
		}
		tries++
		return fmt.Errorf("%w: 554", mail.ErrRejected)
	})
	for now := day(reminded); now.Before(day("2027-01-01")); now = now.Add(time.Hour) {
		w.set(now)
		if err := w.keeper.Run(ctx); err != nil && !errors.Is(err, mail.ErrRejected) {
			t.Fatal(err)
		}
	}
	if sent := w.post.take(); tries != maxRejections || len(sent) != 2 || len(to(sent, "carla@orti.example")) != 1 {
		t.Errorf("%d tries, then:\n%s", tries, told(sent))
	}
	p, err := w.auth.Person(ctx, "sara")
	w.must(err)
	sara, err := w.auth.Actor(ctx, p)
	w.must(err)
	stale, err := w.keeper.Stale(ctx, sara, Filter{})
	w.must(err)
	if len(stale) != 1 || stale[0].Document.ID != id || len(stale[0].Asked) != 3 || !stale[0].Asked[0].Refused || stale[0].Asked[1].At.IsZero() {
		t.Errorf("%+v", stale)
	}
}

// A mail server that is down is asked a few times in a turn, not for everybody.
func TestDownIsNotAskedForAll(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.publish(fmt.Sprintf("Servizio %d", i), "", "2026-01-10", email(fmt.Sprintf("s%d@example.org", i)))
	}
	tries, down := 0, errors.New("connection refused")
	w.post.fail(func(mail.Message) error { tries++; return down })
	w.set(day(reminded))
	if err := w.keeper.Run(ctx); !errors.Is(err, down) || tries != maxFails || w.keeper.Waiting() != 20 {
		t.Errorf("%v after %d tries, %d wait", err, tries, w.keeper.Waiting())
	}
	w.post.fail(nil) // what failed counts for nothing in the day's bound
	w.keeper.daily = 20
	for range turns {
		w.set(w.clock().Add(time.Hour))
		w.run()
	}
	if sent := w.post.take(); len(sent) != 20 {
		t.Errorf("%d messages", len(sent))
	}
}

// After three months without a process all is right at once, with one message to
// everybody.
func TestAsleep(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Uno", "orti", "2026-01-10", nil)
	w.publish("Due", "orti", "2026-01-08", nil)
	gone := w.publish("Tre", "", "2025-10-10", email("tre@example.org"))
	w.set(day("2026-12-19"))
	w.run()
	w.post.take()
	w.set(day("2027-03-19"))
	w.run()
	sent := w.post.take()
	if stageOf(w.get(id)) != schemas.StageUnverified || stageOf(w.get(gone)) != schemas.StageHidden {
		t.Errorf("stages %q, %q", stageOf(w.get(id)), stageOf(w.get(gone)))
	}
	if len(sent) != 3 || len(to(sent, "karim@orti.example")) != 1 || len(to(sent, "carla@orti.example")) != 1 || len(to(sent, "sara@prefettura.example")) != 1 {
		t.Errorf("told:\n%s", told(sent))
	}
	for range 5 {
		w.set(w.clock().Add(7 * 24 * time.Hour))
		w.run()
	}
	if sent := w.post.take(); len(sent) != 0 {
		t.Errorf("later:\n%s", told(sent))
	}
}

// Days are those of Rome, in winter and in summer.
func TestMidnightInRome(t *testing.T) {
	for _, c := range []struct{ assured, before, after string }{
		{"2026-01-10", "2026-12-19T22:59:59Z", "2026-12-19T23:00:00Z"},
		{"2026-08-01", "2027-07-10T21:59:59Z", "2027-07-10T22:00:00Z"},
		{"2026-04-18", "2027-03-27T22:59:59Z", "2027-03-27T23:00:00Z"}, // the night of the change
	} {
		w := newWorld(t)
		at := func(s string) time.Time { x, err := time.Parse(time.RFC3339, s); w.must(err); return x }
		w.set(day(c.assured))
		w.publish("Sportello", "", c.assured, email("sportello@example.org"))
		w.set(at(c.before))
		w.run()
		if sent := w.post.take(); len(sent) != 0 {
			t.Errorf("%s:\n%s", c.before, told(sent))
		}
		w.set(at(c.after))
		w.run()
		if sent := w.post.take(); len(sent) != 1 {
			t.Errorf("%s:\n%s", c.after, told(sent))
		}
	}
}

// Who had nobody to be asked is asked once the document names somebody.
func TestSomebodyAfterAll(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "", nil)
	w.run()
	w.post.take()
	_, err := w.service.Edit(ctx, content.System("editor"), id, "it", w.get(id).ETag("it"), content.Edit{Fields: map[string]any{"assurer_email": "neu@example.org"}})
	w.must(err)
	w.run()
	if sent := w.post.take(); len(sent) != 0 {
		t.Errorf("a draft counts:\n%s", told(sent))
	}
	_, err = w.service.Transition(ctx, content.System("editor"), id, "it", w.get(id).ETag("it"), content.Step{Name: "publish"})
	w.must(err)
	w.run()
	if sent := to(w.post.take(), "neu@example.org"); len(sent) != 1 {
		t.Errorf("%d messages", len(sent))
	}
}

// Of confirmations at the same moment one counts, and is told once.
func TestConfirmAtOnce(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Orto", "orti", "2026-01-10", nil)
	w.set(day(reminded))
	w.run()
	sent := w.post.take()
	var all sync.WaitGroup
	for i := range 12 {
		token := tokens(sent[i%2])[0]
		all.Go(func() {
			if _, err := w.keeper.Confirm(ctx, token, "it"); err != nil {
				w.code(err, codeLinkUsed)
			}
		})
	}
	all.Wait()
	events, err := w.store.Events(ctx, 0, 0)
	w.must(err)
	n := 0
	for _, e := range events {
		if e.Kind == content.EventAssured && e.Document == id {
			n++
		}
	}
	if n != 1 || w.get(id).Assured.On != reminded {
		t.Errorf("%d events, %+v", n, w.get(id).Assured)
	}
}

// Whatever a title says, it stays words in a message: no header, no mark-up, no
// turned letters, no other link.
func TestHostileTitles(t *testing.T) {
	w := newWorld(t)
	titles := []string{
		`<a href="https://evil.example">Clicca</a>`, "Aiuto \u2067moc.live\u2069 qui", "Bcc: eve@evil.example", strings.Repeat("Lungo ", 32), "a\u200e\u200fb", `"><script>x</script>`,
		"=?utf-8?q?Bcc=3A?= x", "مرحبا (سكن) 5",
	}
	for i, title := range titles {
		w.publish(title, "", "2026-01-10", email(fmt.Sprintf("s%d@example.org", i)))
		w.publish(title+" bis", "orti", "2026-01-10", nil)
	}
	w.set(day(reminded))
	w.run()
	sent := w.post.take()
	if len(sent) != len(titles)+2 {
		t.Fatalf("told:\n%s", told(sent))
	}
	for _, m := range sent {
		all := m.Subject + m.Text + m.HTML
		if strings.ContainsAny(all, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200e\u200f") || strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, `"https://evil`) || strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("%q\n%s", m.Subject, all)
		}
		if strings.Count(all, "\u2068") != strings.Count(all, "\u2069") {
			t.Errorf("open isolates: %q", all)
		}
		for _, part := range strings.Split(m.HTML, `href="`)[1:] {
			if link, _, _ := strings.Cut(part, `"`); !strings.HasPrefix(link, site+"/confirm/") {
				t.Errorf("a link to %s", link)
			}
		}
		if n := len([]rune(m.Subject)); n > mail.MaxSubject+40 {
			t.Errorf("a subject of %d characters", n)
		}
	}
}

// Addresses of every shape that a document may hold reach the one who has them.
func TestOddAddresses(t *testing.T) {
	w := newWorld(t)
	for in, want := range map[string]string{
		"a+b@example.org": "a+b@example.org", "info@città.example": "info@xn--citt-3na.example", "o'brien!#$%&=?^_`{|}~-@example.org": "o'brien!#$%&=?^_`{|}~-@example.org",
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 60) + ".example": strings.Repeat("a", 64) + "@" + strings.Repeat("b", 60) + ".example",
	} {
		w.set(day("2026-01-10"))
		w.publish("Sportello "+fmt.Sprint(len(in)), "", "2026-01-10", email(in))
		w.set(day(reminded))
		w.run()
		sent := w.post.take()
		if len(sent) != 1 || sent[0].To != want {
			t.Errorf("%q:\n%s", in, told(sent))
			continue
		}
		if _, err := w.keeper.Open(ctx, tokens(sent[0])[0], "it"); err != nil {
			t.Error(err)
		}
		if u, err := url.Parse(site + "/confirm/" + tokens(sent[0])[0]); err != nil || u.RawQuery != "" {
			t.Error(u, err)
		}
	}
}
