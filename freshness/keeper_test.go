package freshness

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// reminded is the day of the first reminder for what was assured on 2026-01-10,
// due the day on which it is due.
const (
	reminded = "2026-12-20"
	due      = "2027-01-10"
	labelled = "2027-02-09"
	hidden   = "2027-05-10"
)

func email(address string) map[string]any { return map[string]any{"assurer_email": address} }

// Two processes, and several turns at once in each, send every message once.
func TestTwoProcesses(t *testing.T) {
	w := newWorld(t)
	const n = 12
	for i := range n {
		w.publish(fmt.Sprintf("Servizio %d", i), "", "2026-01-10", email(fmt.Sprintf("s%d@example.org", i)))
	}
	other := w.another()
	for _, at := range []string{reminded, "2027-01-03", due, labelled} {
		w.set(day(at))
		var all sync.WaitGroup
		for range 3 {
			for _, k := range []*Keeper{w.keeper, other} {
				all.Go(func() {
					if err := k.Run(ctx); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		sent := w.post.take()
		reminders := map[string]int{}
		for _, m := range sent {
			reminders[m.To]++
		}
		want := n
		if at == due || at == labelled {
			want = 1
			if reminders["sara@prefettura.example"] != 1 {
				t.Errorf("%s: the council was told %d times", at, reminders["sara@prefettura.example"])
			}
		}
		for address, times := range reminders {
			if times != 1 {
				t.Errorf("%s: %s got %d messages", at, address, times)
			}
		}
		if len(reminders) != want {
			t.Errorf("%s: %d people were written to:\n%s", at, len(reminders), told(sent))
		}
	}
}

// dying is a store whose process dies when it is told to, before it notes in a
// record of that kind that a message has gone.
type dying struct {
	content.Store
	kind  string
	mu    sync.Mutex
	armed bool
}

var errDead = errors.New("the process died")

func (d *dying) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	d.mu.Lock()
	dead := d.armed && r.Kind == d.kind && strings.Contains(string(r.Data), `"sent"`)
	d.mu.Unlock()
	if dead {
		return errDead
	}
	return d.Store.PutRecord(ctx, r, expect)
}

func (d *dying) arm(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed = on
}

// A process that dies between the message and the note causes one repeat, with
// the same Message-ID, however often it dies; and none when only the document's
// own note is lost, or when it lives.
func TestDeathBetweenMailAndNote(t *testing.T) {
	for _, c := range []struct {
		kind         string
		deaths, want int
	}{{kindReminder, 1, 2}, {kindReminder, 2, 2}, {kindReminder, 5, 2}, {kindAsked, 1, 1}, {kindAsked, 5, 1}} {
		t.Run(fmt.Sprint(c.kind, c.deaths), func(t *testing.T) {
			var d *dying
			w := newWorld(t, func(s content.Store) content.Store { d = &dying{Store: s, kind: c.kind}; return d })
			id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
			w.set(day(reminded))
			var sent []letterSent
			for turn := range 8 {
				d.arm(turn < c.deaths)
				err := w.keeper.Run(ctx)
				if turn == 0 && !errors.Is(err, errDead) {
					t.Fatalf("it did not die: %v", err)
				}
				sent = append(sent, w.post.take()...)
				// Within the lease another process does not touch it.
				if err := w.another().Run(ctx); err != nil && !errors.Is(err, errDead) {
					t.Fatal(err)
				}
				if again := w.post.take(); len(again) != 0 {
					t.Fatalf("turn %d: sent again at once", turn)
				}
				w.set(w.clock().Add(lease + time.Minute))
			}
			for range 3 { // nor on other days
				w.set(w.clock().Add(24 * time.Hour))
				w.run()
				sent = append(sent, w.post.take()...)
			}
			if len(sent) != c.want {
				t.Fatalf("%d messages:\n%s", len(sent), told(sent))
			}
			if sent[0].Key != sent[c.want-1].Key {
				t.Errorf("the keys are %q and %q", sent[0].Key, sent[c.want-1].Key)
			}
			a, _, err := read[asked](ctx, w.keeper, kindAsked, id)
			if err != nil || !a.settled(w.get(id)) || a.Letters[0].Sent.IsZero() {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// A mail server that is down stops no clock, and is not hammered; when it comes
// back, what is due then goes out.
func TestMailIsDown(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	tries := 0
	down := errors.New("connection refused")
	w.post.fail(func(mail.Message) error { tries++; return down })
	stages := map[schemas.Stage]bool{}
	step := time.Hour
	for now := day(reminded); now.Before(day("2027-05-12")); now = now.Add(step) {
		if now.After(day(reminded).Add(25 * time.Hour)) {
			step = 24 * time.Hour
		}
		w.set(now)
		if err := w.keeper.Run(ctx); err != nil && !errors.Is(err, down) {
			t.Fatal(err)
		}
		stages[stageOf(w.get(id))] = true
		if now.Equal(day(reminded).Add(24*time.Hour)) && (tries < 3 || tries > 8) {
			t.Errorf("%d tries on the first day", tries)
		}
	}
	if !stages[schemas.StageUnverified] || !stages[schemas.StageHidden] {
		t.Errorf("stages %v", stages)
	}
	w.post.fail(nil)
	w.set(w.clock().Add(maxWait))
	w.run()
	sent := w.post.take()
	if len(to(sent, "sportello@example.org")) != 1 || len(to(sent, "sara@prefettura.example")) != 1 || len(sent) != 2 {
		t.Errorf("afterwards:\n%s", told(sent))
	}
	w.set(w.clock().Add(maxWait))
	w.run()
	if again := w.post.take(); len(again) != 0 {
		t.Errorf("again:\n%s", told(again))
	}
}

// Without mail nobody is asked, the clock runs, and once there is mail what is due
// goes out.
func TestNoMail(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	mute := New(Options{Store: w.store, Service: w.service, Auth: w.auth, PublicURL: site, Clock: w.clock})
	w.set(day(labelled))
	w.must(mute.Run(ctx))
	w.must(mute.Tell(ctx))
	if stageOf(w.get(id)) != schemas.StageUnverified {
		t.Error("it did not age")
	}
	w.run()
	if sent := w.post.take(); len(sent) != 2 {
		t.Errorf("then:\n%s", told(sent))
	}
}

// Addresses at which nobody is are passed over, one way after the other; when
// there is none left, the council is told at once.
func TestNobodyThere(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Orto", "orti", "2026-01-10", map[string]any{
		"assurer_email": "gone@example.org", "contacts": []any{map[string]any{"email": "contact@example.org"}},
	})
	gone, tries := map[string]bool{"gone@example.org": true}, map[string]int{}
	w.post.fail(func(m mail.Message) error {
		if gone[m.To] {
			tries[m.To+w.clock().Format(time.DateOnly)]++
			return fmt.Errorf("%w: 550", mail.ErrAddress)
		}
		return nil
	})
	w.set(day(reminded))
	w.run()
	if got := w.post.take(); len(got) != 2 || len(to(got, "carla@orti.example")) != 1 || len(to(got, "karim@orti.example")) != 1 {
		t.Fatalf("the organisation's people:\n%s", told(got))
	}
	// At the next reminder the wrong address is not tried, and the people are.
	gone["carla@orti.example"] = true
	w.set(day("2027-01-03"))
	w.run()
	if got := w.post.take(); len(got) != 1 || got[0].To != "karim@orti.example" {
		t.Fatalf("the second reminder:\n%s", told(got))
	}
	second := w.publish("Altro", "orti", "2026-02-10", map[string]any{"contacts": []any{map[string]any{"email": "contact@example.org"}}})
	gone["karim@orti.example"] = true
	w.set(day("2027-01-20").Add(time.Hour))
	w.run()
	if got := to(w.post.take(), "contact@example.org"); len(got) != 1 {
		t.Fatalf("the contact:\n%s", told(got))
	}
	third := w.publish("Terzo", "orti", "2026-03-10", map[string]any{"contacts": []any{map[string]any{"email": "contact@example.org"}}})
	gone["contact@example.org"] = true
	w.set(day("2027-02-17"))
	w.run()
	got := to(w.post.take(), "sara@prefettura.example")
	if len(got) != 1 || !strings.Contains(got[0].Text, messages.Text("it", "label_digest_nobody", nil)) {
		t.Fatalf("the council:\n%s", told(got))
	}
	for at, n := range tries { // for all documents
		if n != 1 {
			t.Errorf("%s was tried %d times", at, n)
		}
	}
	for id, nobody := range map[string]bool{id: false, second: true, third: true} {
		a, _, err := read[asked](ctx, w.keeper, kindAsked, id)
		if err != nil || (a.Nobody != 0) != nobody {
			t.Errorf("%s: %+v, %v", id, a, err)
		}
	}
}

// Facts that nobody ever confirmed are unverified at once and asked about once,
// but never hidden.
func TestNeverAssured(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "", email("sportello@example.org"))
	w.run()
	if got := w.post.take(); len(got) != 2 {
		t.Fatalf("first:\n%s", told(got))
	}
	for now := day("2026-01-11"); now.Before(day("2027-12-01")); now = now.AddDate(0, 0, 7) {
		w.set(now)
		w.run()
	}
	if got := w.post.take(); len(got) != 0 || stageOf(w.get(id)) != schemas.StageUnverified {
		t.Errorf("later: %q\n%s", stageOf(w.get(id)), told(got))
	}
}

// Records go with what they are about.
func TestTidy(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	w.set(day(due))
	w.run()
	if _, version, err := read[asked](ctx, w.keeper, kindAsked, id); version == 0 || err != nil {
		t.Fatal("nothing was noted")
	}
	_, err := w.service.Transition(ctx, content.System("editor"), id, "it", w.get(id).ETag("it"), content.Step{Name: "withdraw"})
	w.must(err)
	w.run()
	if _, version, _ := read[asked](ctx, w.keeper, kindAsked, id); version != 0 {
		t.Error("the record is still there")
	}
	if _, version, _ := read[box](ctx, w.keeper, kindDigest, "sara"); version == 0 {
		t.Error("what Sara was told is forgotten too early")
	}
	w.set(w.clock().Add(keepBox + time.Hour))
	w.run()
	if _, version, _ := read[box](ctx, w.keeper, kindDigest, "sara"); version != 0 {
		t.Error("what Sara was told is still there")
	}
}

// The first sentence says what to do, in everybody's language; the link stands on
// a line of its own.
func TestWords(t *testing.T) {
	w := newWorld(t)
	for i, locale := range messages.Languages {
		p := people[4]
		p.ID, p.Email, p.Locale = "p"+locale, locale+"@orti.example", locale
		w.must(w.auth.PutPerson(ctx, content.System("test"), p))
		_ = i
	}
	w.publish("Orto <b>", "orti", "2026-01-10", nil)
	for _, at := range []string{reminded, labelled, hidden} {
		w.set(day(at))
		w.run()
		sent := w.post.take()
		for _, locale := range messages.Languages {
			list := to(sent, locale+"@orti.example")
			if at == labelled || at == hidden { // no further reminder
				continue
			}
			if len(list) != 1 {
				t.Fatalf("%s: %d messages", locale, len(list))
			}
			m := list[0]
			first, rest, _ := strings.Cut(m.Text, "\n")
			if first != messages.Text(locale, "mail_confirm", map[string]any{"title": "Orto <b>"}) || m.Locale != locale {
				t.Errorf("%s: the first line is %q", locale, first)
			}
			if !strings.Contains(rest, "\n"+site+"/confirm/"+tokens(m)[0]+"\n") || !strings.Contains(rest, "aiuto@example.org") {
				t.Errorf("%s: %s", locale, m.Text)
			}
			if strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, `lang="`+locale+`"`) {
				t.Errorf("%s: %s", locale, m.HTML)
			}
		}
	}
}

func TestLinks(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Orto", "orti", "2026-01-10", nil)
	other := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	w.set(day(reminded))
	w.run()
	sent := w.post.take()
	karim, carla, desk := tokens(to(sent, "karim@orti.example")[0])[0], tokens(to(sent, "carla@orti.example")[0])[0], tokens(to(sent, "sportello@example.org")[0])[0]
	if karim == carla || len(karim) > MaxToken {
		t.Fatal("links are alike, or too long")
	}

	// Looking changes nothing, however often.
	before := w.get(id)
	for range 3 {
		a, err := w.keeper.Open(ctx, karim, "ar")
		w.must(err)
		if a.Title != "Orto" || a.Document != id || a.On.Format(time.DateOnly) != "2026-01-10" || a.Due.Format(time.DateOnly) != due {
			t.Errorf("%+v", a)
		}
	}
	if after := w.get(id); after.Version != before.Version {
		t.Error("looking changed the document")
	}

	// What is not exactly ours is nothing.
	raw, err := base64.RawURLEncoding.DecodeString(karim)
	w.must(err)
	for i := range raw {
		for _, bit := range []byte{1, 128} {
			bad := append([]byte(nil), raw...)
			bad[i] ^= bit
			_, err := w.keeper.Open(ctx, base64.RawURLEncoding.EncodeToString(bad), "it")
			w.code(err, codeLinkInvalid)
		}
	}
	for _, token := range []string{"", "x", karim[:len(karim)-1], karim + "A", karim + "=", strings.Repeat("A", MaxToken+1), karim + "\n", "../" + karim, strings.ToUpper(karim)} {
		_, err := w.keeper.Confirm(ctx, token, "it")
		w.code(err, codeLinkInvalid)
		_, err = w.keeper.Report(ctx, token, "x", "it")
		w.code(err, codeLinkInvalid)
	}
	// Of another installation.
	_, err = newWorld(t).keeper.Open(ctx, karim, "it")
	w.code(err, codeLinkInvalid)

	// Confirming acts for its holder, and uses up the others' links too.
	a, err := w.keeper.Confirm(ctx, karim, "it")
	w.must(err)
	d := w.get(id)
	if d.Assured.On != reminded || d.Assured.By != "person:karim" || a.Due.Format(time.DateOnly) != "2027-12-20" {
		t.Errorf("%+v, %+v", d.Assured, a)
	}
	events, err := w.store.Events(ctx, 0, 0)
	w.must(err)
	last := events[len(events)-1]
	if last.Kind != content.EventAssured || last.Actor != "system:confirmation" || last.OnBehalfOf != "person:karim" {
		t.Errorf("%+v", last)
	}
	for _, token := range []string{karim, carla} {
		_, err = w.keeper.Confirm(ctx, token, "it")
		w.code(err, codeLinkUsed)
		if text := messages.Text("it", codeLinkUsed, content.AsProblem(err).Params); !strings.Contains(text, "20/12/2026") {
			t.Error(text)
		}
	}

	// An address of the document stands for itself, without being told to the log.
	w.must(ignore(w.keeper.Confirm(ctx, desk, "it")))
	if by := w.get(other).Assured.By; !strings.HasPrefix(by, "mail:") || strings.Contains(by, "sportello") {
		t.Error(by)
	}
}

func ignore[T any](_ T, err error) error { return err }

// A link ends with the reason for which it was sent, and at its date.
func TestLinksEnd(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Orto", "orti", "2026-01-10", nil)
	w.set(day(due))
	w.run()
	sent := w.post.take()
	karim, carla, sara := tokens(to(sent, "karim@orti.example")[0])[0], tokens(to(sent, "carla@orti.example")[0])[0], tokens(to(sent, "sara@prefettura.example")[0])[0]

	_, err := w.auth.Ungrant(ctx, content.System("test"), "karim", "contributor", "orti")
	w.must(err)
	_, err = w.keeper.Open(ctx, karim, "it")
	w.code(err, codeLinkNotYours)
	w.must(w.auth.Erase(ctx, content.System("test"), "carla"))
	_, err = w.keeper.Confirm(ctx, carla, "it")
	w.code(err, codeLinkNotYours)
	w.must(ignore(w.keeper.Open(ctx, sara, "it")))

	w.set(day(due).Add(councilLink - time.Second))
	w.must(ignore(w.keeper.Open(ctx, sara, "it")))
	w.set(day(due).Add(councilLink))
	_, err = w.keeper.Open(ctx, sara, "it")
	w.code(err, codeLinkExpired)

	w.set(day(due))
	_, err = w.service.Transition(ctx, content.System("editor"), id, "it", w.get(id).ETag("it"), content.Step{Name: "withdraw"})
	w.must(err)
	_, err = w.keeper.Open(ctx, sara, "it")
	w.code(err, codeNotPublished)
}

// Hidden is not gone: the reminder's link brings it back.
func TestHiddenComesBack(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	w.set(day(reminded))
	w.run()
	token := tokens(w.post.take()[0])[0]
	w.set(day(hidden).AddDate(0, 5, 0))
	w.run()
	if !w.get(id).Hidden() {
		t.Fatal("it is not hidden")
	}
	a, err := w.keeper.Confirm(ctx, token, "it")
	w.must(err)
	if w.get(id).Hidden() || a.Stage != schemas.StageCurrent {
		t.Error("it did not come back")
	}
}

// Of a shelter the page says no more than the public knows.
func TestSensitive(t *testing.T) {
	w := newWorld(t)
	w.publish("Casa", "", "2026-01-10", map[string]any{
		"sensitive": true, "assurer_email": "casa@example.org", "contacts": []any{map[string]any{"phone": "+39 0574 1234567"}},
		"places": []any{map[string]any{"label": "Ingresso dal cortile", "address": "Via del Segreto 7", "lat": 43.87654, "lon": 11.09876}},
	})
	w.set(day(reminded))
	w.run()
	m := w.post.take()[0]
	a, err := w.keeper.Open(ctx, tokens(m)[0], "it")
	w.must(err)
	for _, secret := range []string{"Segreto", "cortile", "43.87654", "11.09876"} {
		if all := fmt.Sprint(a.Values) + m.Text + m.HTML; strings.Contains(all, secret) {
			t.Errorf("it tells %q:\n%s", secret, all)
		}
	}
	if !strings.Contains(fmt.Sprint(a.Values), "0574") {
		t.Error("it does not tell the phone number")
	}
}

func TestReports(t *testing.T) {
	w := newWorld(t)
	id := w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	w.set(day(reminded))
	w.run()
	token := tokens(w.post.take()[0])[0]
	for words, code := range map[string]string{
		"": codeWordsRequired, " \n\t\u200e\u202e": codeWordsRequired, strings.Repeat("è", MaxWords+1): codeWordsTooLong,
	} {
		a, err := w.keeper.Report(ctx, token, words, "it")
		w.code(err, code)
		if a == nil {
			t.Error("what was asked is not there to be shown again")
		}
	}
	w.must(ignore(w.keeper.Report(ctx, token, " Via <b>Nuova</b>\u202e 3\r\n\r\n\r\n\r\nBcc: eve@example.net\x00 ", "it")))
	other := w.another()
	var all sync.WaitGroup
	for range 3 {
		for _, k := range []*Keeper{w.keeper, other} {
			all.Go(func() {
				if err := k.Tell(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	w.must(w.keeper.Tell(ctx))
	sent := w.post.take()
	if len(sent) != 1 || sent[0].To != "sara@prefettura.example" {
		t.Fatalf("told:\n%s", told(sent))
	}
	if !strings.Contains(sent[0].Text, "Via <b>Nuova</b> 3\n\nBcc: eve@example.net") || strings.Contains(sent[0].HTML, "<b>Nuova") {
		t.Errorf("words:\n%s", sent[0].Text)
	}
	// A link says so much a day, also when it says all at once, and so much in all.
	said := 1
	for range maxReports {
		var mu sync.Mutex
		for range 2 * maxByLink {
			all.Go(func() {
				_, err := w.keeper.Report(ctx, token, strings.Repeat("字", MaxWords), "it")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					said++
				} else {
					w.code(err, codeWordsTooMany)
				}
			})
		}
		all.Wait()
		if most := maxByLink * int(1+w.clock().Sub(day(reminded))/(24*time.Hour)); said > most {
			t.Fatalf("%d messages, at most %d", said, most)
		}
		w.set(w.clock().Add(24 * time.Hour))
	}
	if said < maxReports || said > maxReports+maxByLink {
		t.Errorf("%d messages in all", said)
	}

	// The council's link confirms when all is corrected; what was said is kept a
	// while, and then forgotten.
	w.must(ignore(w.keeper.Confirm(ctx, tokens(sent[0])[0], "it")))
	if by := w.get(id).Assured.By; by != "person:sara" {
		t.Error(by)
	}
	purge := func(days int) {
		t.Helper()
		_, err := w.keeper.Purger().Purge(ctx, w.clock().AddDate(0, 0, -days))
		w.must(err)
	}
	purge(90)
	count := func() (n int) {
		w.must(each(ctx, w.keeper, kindReport, "", func(string, int64, report) error { n++; return nil }))
		return n
	}
	if count() != said {
		t.Error("forgotten too early")
	}
	w.set(w.clock().AddDate(0, 0, 91))
	purge(90)
	if n := count(); n != 0 {
		t.Errorf("%d are still there", n)
	}
}

// Where there is nobody in a council the newsroom is told.
func TestNoCouncil(t *testing.T) {
	w := newWorld(t)
	w.publish("Sportello", "", "2026-01-10", map[string]any{"territories": []any{"RM"}})
	w.set(day(due))
	w.run()
	if got := w.post.take(); len(got) != 1 || got[0].To != "edo@redazione.example" || !strings.Contains(got[0].Text, "Sportello") {
		t.Errorf("told:\n%s", told(got))
	}
}

func TestStale(t *testing.T) {
	w := newWorld(t)
	actor := func(id string) content.Actor {
		p, err := w.auth.Person(ctx, id)
		w.must(err)
		a, err := w.auth.Actor(ctx, p)
		w.must(err)
		return a
	}
	w.set(day("2026-12-02"))
	w.publish("Fresco", "", "2026-12-01", email("f@example.org"))
	reported := w.publish("Detto", "", "2026-11-01", email("d@example.org"))
	w.publish("Nascosto", "", "2025-06-01", email("n@example.org"))
	w.publish("Non verificato", "orti", "2025-11-20", nil)
	w.publish("Scaduto", "orti", "2025-12-25", nil)
	w.publish("Altrove", "", "2025-12-26", map[string]any{"territories": []any{"MI"}})
	w.publish("Mai", "", "", nil)
	w.set(day("2027-01-05"))
	w.run()
	link, err := w.keeper.Link(ctx, reported, "2026-11-01", recipient{Way: wayAssurer, Address: "d@example.org"}, "d@example.org", w.clock().Add(time.Hour))
	w.must(err)
	w.must(ignore(w.keeper.Report(ctx, strings.TrimPrefix(link, site+"/confirm/"), "Chiuso di lunedì", "it")))
	w.keeper.survey = survey{}

	list := func(who string, f Filter) string {
		t.Helper()
		all, err := w.keeper.Stale(ctx, actor(who), f)
		w.must(err)
		var lines []string
		for _, s := range all {
			lines = append(lines, s.Title+" "+string(s.State))
		}
		return strings.Join(lines, ", ")
	}
	const (
		everything = "Mai unverified, Nascosto hidden, Non verificato unverified, Scaduto due, Altrove due, Detto reported"
		ofPrato    = "Mai unverified, Nascosto hidden, Non verificato unverified, Scaduto due, Detto reported"
		ofOrti     = "Non verificato unverified, Scaduto due"
	)
	for _, c := range []struct {
		who  string
		f    Filter
		want string
	}{
		{"edo", Filter{}, everything},
		{"ada", Filter{}, everything},
		{"sara", Filter{}, ofPrato},
		{"rita", Filter{}, ofPrato},
		{"ugo", Filter{}, "Altrove due"},
		{"carla", Filter{}, ofOrti},
		{"tariq", Filter{}, ""},
		{"edo", Filter{Territory: "015"}, "Altrove due"},
		{"edo", Filter{Territory: "09"}, ofPrato},
		{"edo", Filter{State: StateDue}, "Scaduto due, Altrove due"},
		{"edo", Filter{State: StateUnverified}, "Mai unverified, Non verificato unverified"},
		{"edo", Filter{State: StateHidden}, "Nascosto hidden"},
		{"edo", Filter{State: StateReported}, "Detto reported"},
		{"edo", Filter{Limit: 2}, "Mai unverified, Nascosto hidden"},
	} {
		if got := list(c.who, c.f); got != c.want {
			t.Errorf("%s, %+v:\n  %s\nwant\n  %s", c.who, c.f, got, c.want)
		}
	}
	if _, err := w.keeper.Stale(ctx, content.Actor{}, Filter{}); content.AsProblem(err).Class != content.Unauthenticated {
		t.Error(err)
	}
	// Page after page is the whole.
	var pages []string
	for after := ""; ; {
		all, err := w.keeper.Stale(ctx, actor("edo"), Filter{After: after, Limit: 1})
		w.must(err)
		if len(all) == 0 {
			break
		}
		after = all[0].Place()
		pages = append(pages, all[0].Title+" "+string(all[0].State))
	}
	if got := strings.Join(pages, ", "); got != everything {
		t.Errorf("in pages: %s", got)
	}
	all, err := w.keeper.Stale(ctx, actor("sara"), Filter{})
	w.must(err)
	for _, s := range all {
		switch s.Title {
		case "Detto":
			if len(s.Reports) != 1 || s.Reports[0].Words != "Chiuso di lunedì" {
				t.Errorf("%+v", s)
			}
		case "Mai":
			if !s.Nobody || !s.On.IsZero() {
				t.Errorf("%+v", s)
			}
		case "Nascosto":
			if len(s.Asked) != 1 || s.Asked[0].Address != "n@example.org" || s.Asked[0].At.IsZero() {
				t.Errorf("%+v", s)
			}
		case "Scaduto":
			if len(s.Asked) != 2 || s.Asked[0].Person == "" || s.Asked[0].Address != "" {
				t.Errorf("%+v", s)
			}
		}
	}
	// What is confirmed leaves at once, although the survey is old.
	_, err = w.service.Assure(ctx, actor("sara"), reported, "")
	w.must(err)
	if got := list("edo", Filter{State: StateReported}); got != "" {
		t.Error(got)
	}
}

// A council's person gets one message a day, whatever comes in during the day.
func TestOneDigestADay(t *testing.T) {
	w := newWorld(t)
	w.publish("Primo", "", "2026-01-10", nil)
	w.set(day(due))
	w.run()
	if got := w.post.take(); len(got) != 1 {
		t.Fatalf("first:\n%s", told(got))
	}
	w.publish("Secondo", "", "2026-01-10", nil)
	w.set(day(due).Add(3 * time.Hour))
	w.run()
	if got := w.post.take(); len(got) != 0 {
		t.Fatalf("the same day:\n%s", told(got))
	}
	w.set(day(due).Add(24 * time.Hour))
	w.run()
	if got := w.post.take(); len(got) != 1 || !strings.Contains(got[0].Text, "Primo") || !strings.Contains(got[0].Text, "Secondo") {
		t.Fatalf("the next day:\n%s", told(got))
	}
}

// After a confirmation all begins anew: the next year's reminders go out too.
func TestNextYear(t *testing.T) {
	w := newWorld(t)
	w.publish("Sportello", "", "2026-01-10", email("sportello@example.org"))
	w.set(day("2027-01-03"))
	w.run()
	w.must(ignore(w.keeper.Confirm(ctx, tokens(w.post.take()[0])[0], "it")))
	w.run()
	for _, at := range []string{"2027-12-13", "2027-12-27"} {
		w.set(day(at))
		w.run()
		if got := w.post.take(); len(got) != 1 || got[0].To != "sportello@example.org" {
			t.Errorf("%s:\n%s", at, told(got))
		}
	}
}
