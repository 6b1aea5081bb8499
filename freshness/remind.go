package freshness

import (
	"context"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// asked is the record of who was asked to confirm a document.
type asked struct {
	// Assured is the date that all of it answers to; empty when nobody ever
	// confirmed.
	Assured string `json:"assured"`
	// Reminder is the number of the last reminder that fell due, from 1. Letters of
	// those before are history.
	Reminder int      `json:"reminder"`
	Letters  []letter `json:"letters,omitempty"`
	// Nobody is the document's version for which there was nobody who could be asked.
	Nobody int64 `json:"nobody,omitempty"`
}

// letter says that somebody is asked about one document. The message, which asks
// them about others too, is that of their box.
type letter struct {
	Reminder int `json:"reminder,omitempty"`
	recipient
	delivery
}

func findLetter(list []letter, reminder int, to recipient) *delivery {
	for i := range list {
		if l := &list[i]; l.Reminder == reminder && l.same(to) {
			return &list[i].delivery
		}
	}
	return nil
}

// same says that two recipients are one, and for the same reason.
func (r recipient) same(o recipient) bool {
	return r.Way == o.Way && r.Person == o.Person && (r.Person != "" || r.Address == o.Address)
}

// stored is a recipient as they are kept: the address of a person is read anew whenever
// it is needed, so that it is forgotten with them.
func (r recipient) stored() recipient {
	if r.Person != "" {
		r.Address = ""
	}
	return r
}

// mark is what somebody has been asked when they know of the reminder.
func (a *asked) mark() string { return a.Assured + "/" + number(a.Reminder) }

// remind puts a document on the lists of those who are to confirm it, when a
// reminder is due that was not sent, and notes what came of the one that was. Of
// several that fell due meanwhile only the last is sent. Where nobody is at an
// address, those whom the next way leads to are asked.
func (t *turn) remind(ctx context.Context, d *content.Document, f *schemas.Freshness) error {
	on, day := assured(d)
	due, _ := f.Reminders(day, t.today())
	if due == 0 {
		return nil
	}
	a, version, err := read[asked](ctx, t.Keeper, kindAsked, d.ID)
	if err != nil {
		return err
	}
	if a.Assured != on || version == 0 {
		a = asked{Assured: on}
	}
	if a.Reminder < due {
		a.Reminder, a.Nobody = due, 0
	}
	if a.settled(d) {
		return nil
	}
	var open []item
	changed := false
	for {
		if a.unreachable() {
			if err := t.address(ctx, &a, d); err != nil {
				return err
			}
			changed = true
		}
		open = open[:0]
		for i := range a.Letters {
			l := &a.Letters[i]
			if l.Reminder != a.Reminder || l.done() {
				continue
			}
			address, ok, err := t.reach(ctx, l.recipient)
			if err != nil {
				return err
			}
			if l.Refused = !ok; ok {
				if l.Sent, l.Refused, err = t.answer(ctx, hashOf(address), d.ID, a.mark()); err != nil {
					return err
				}
			}
			if l.done() {
				changed = true
				continue
			}
			to := l.recipient
			to.Address = address
			open = append(open, item{document: d.ID, on: on, day: day, due: f.Due(day), stage: stageOf(d), early: noon(t.today()).Before(noon(f.Due(day))), f: f, mark: a.mark(), to: to})
		}
		if a.Nobody != 0 || !a.unreachable() {
			break
		}
	}
	if changed {
		if err := t.write(ctx, kindAsked, d.ID, a, version); err != nil {
			return unlessBusy(err)
		}
	}
	for _, i := range open {
		i.title = t.title(d, i.to.Locale)
		t.reminders.add(hashOf(i.to.Address), i)
	}
	return nil
}

// unreachable says that of those asked by the present reminder nobody is there.
func (a *asked) unreachable() bool {
	return !slices.ContainsFunc(a.Letters, func(l letter) bool { return l.Reminder == a.Reminder && !l.Refused })
}

// settled says that nothing of the present reminder is left to do. That there was
// nobody counts until the document changes.
func (a *asked) settled(d *content.Document) bool {
	if a.unreachable() {
		return a.Nobody != 0 && a.Nobody == d.Version
	}
	return !slices.ContainsFunc(a.Letters, func(l letter) bool { return l.Reminder == a.Reminder && !l.done() })
}

// address adds letters to those whom the next way leads to, or notes that there
// is nobody. Addresses at which nobody was are not tried again.
func (t *turn) address(ctx context.Context, a *asked, d *content.Document) error {
	p, err := t.published(ctx, d, "")
	if err != nil {
		return err
	}
	for _, way := range ways {
		list, err := t.people.recipients(ctx, way, d, p)
		if err != nil {
			return err
		}
		found := false
		for _, r := range list {
			r = r.stored()
			gone := slices.ContainsFunc(a.Letters, func(l letter) bool { return l.Refused && l.same(r) })
			if !gone {
				a.Letters = append(a.Letters, letter{Reminder: a.Reminder, recipient: r})
				found = true
			}
		}
		if found {
			a.Nobody = 0
			return nil
		}
	}
	a.Nobody = d.Version
	return nil
}

// reach gives the address of a recipient; ok is false for a person who cannot be
// written to any more.
func (k *Keeper) reach(ctx context.Context, to recipient) (address string, ok bool, err error) {
	if to.Person == "" {
		return to.Address, true, nil
	}
	p, err := k.auth.Person(ctx, to.Person)
	if isNotFound(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	_, wrong := mail.Address(p.Email)
	return p.Email, wrong == nil && p.Erased.IsZero(), nil
}

// reminder writes the message that asks to confirm some documents; more says how
// many others its reader will be asked about on other days.
func (t *turn) reminder(ctx context.Context, items []item, more int, id string) (mail.Message, error) {
	to := items[0].to
	say := func(code string, params map[string]any) string { return messages.Text(to.Locale, code, params) }
	l := mail.Letter{Locale: to.Locale}
	add := func(p ...mail.Part) { l.Parts = append(l.Parts, p...) }
	var because []string
	list := mail.Part{}
	for _, i := range items {
		link, err := t.Link(ctx, i.document, i.on, i.to, i.to.Address, t.linkEnd(i.f, i.day))
		if err != nil {
			return mail.Message{}, err
		}
		list.Items = append(list.Items, mail.Item{Text: i.title, Link: link, Note: i.note(to.Locale)})
		if words := say(reasons[i.to.Way], nil); !slices.Contains(because, words) {
			because = append(because, words)
		}
	}
	subject := say("label_mail_subject_confirm_many", map[string]any{"count": len(items) + more})
	if len(items)+more > 1 {
		add(mail.Part{Text: say("mail_confirm_many", nil)}, list)
		if more > 0 {
			add(mail.Part{Text: say("mail_confirm_more", map[string]any{"count": more})})
		}
		add(mail.Part{Text: say("mail_confirm_why", nil)})
	} else {
		title := map[string]any{"title": items[0].title}
		subject = say("label_mail_subject_confirm", title)
		add(mail.Part{Text: say("mail_confirm", title)}, mail.Part{Text: say("label_mail_confirm", nil), Link: list.Items[0].Link},
			mail.Part{Text: say("mail_confirm_why", nil)}, mail.Part{Text: t.urgency(items[0])})
	}
	for _, words := range because {
		add(mail.Part{Text: words})
	}
	if t.contact != "" {
		add(mail.Part{Text: say("mail_ask", map[string]any{"email": t.contact})})
	}
	return l.Message(to.Address, subject, id)
}

// reasons say why somebody is asked.
var reasons = map[string]string{wayAssurer: "mail_because_assurer", wayPeople: "mail_because_people", wayContact: "mail_because_contact"}

// urgency says until when an answer is needed, or what the public sees without it.
func (t *turn) urgency(i item) string {
	say := func(code string, params map[string]any) string { return messages.Text(i.to.Locale, code, params) }
	date := func(days int) string { return messages.Day(i.to.Locale, noon(i.due.AddDate(0, 0, days))) }
	switch {
	case i.on == "":
		return say("mail_confirm_never", nil)
	case i.stage == schemas.StageHidden:
		return say("mail_confirm_hidden", nil)
	case i.stage == schemas.StageUnverified:
		return say("mail_confirm_unverified", map[string]any{"hidden": date(i.f.HideAfter)})
	}
	return say("mail_confirm_by", map[string]any{"due": date(0), "unverified": date(i.f.UnverifiedAfter), "hidden": date(i.f.HideAfter)})
}

// noon is the middle of a civil day, which is the same day in Italy.
func noon(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
}
