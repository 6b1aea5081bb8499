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
	// Nobody says that there is nobody who could be asked.
	Nobody bool `json:"nobody,omitempty"`
}

// letter is a message to one person about one document.
type letter struct {
	Reminder int `json:"reminder,omitempty"`
	recipient
	delivery
}

// find gives the delivery of a letter.
func (a *asked) find(assured string, reminder int, to recipient) *delivery {
	if a.Assured != assured {
		return nil
	}
	return findLetter(a.Letters, reminder, to)
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

// remind asks for a confirmation when a reminder is due that was not sent. Of
// several that fell due meanwhile only the last is sent.
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
	if a.Reminder >= due && a.settled() {
		return nil
	}
	p, err := t.published(ctx, d, "")
	if err != nil {
		return err
	}
	if a.Reminder < due {
		a.Reminder, a.Nobody = due, false
	}
	for {
		if !slices.ContainsFunc(a.Letters, func(l letter) bool { return l.Reminder == a.Reminder && !l.Refused }) && !a.Nobody {
			if err := t.address(ctx, &a, d, p); err != nil {
				return err
			}
			if a.Nobody {
				return unlessBusy(t.write(ctx, kindAsked, d.ID, a, version))
			}
		}
		busy, err := t.send(ctx, d, f, p, &a, &version)
		if busy || err != nil || a.Assured != on || !a.unreachable() {
			return err
		}
	}
}

// unreachable says that of those asked by the present reminder nobody is there.
func (a *asked) unreachable() bool {
	return !a.Nobody && !slices.ContainsFunc(a.Letters, func(l letter) bool { return l.Reminder == a.Reminder && !l.Refused })
}

// settled says that nothing of the present reminder is left to do.
func (a *asked) settled() bool {
	return a.Nobody || !a.unreachable() && !slices.ContainsFunc(a.Letters, func(l letter) bool { return l.Reminder == a.Reminder && !l.done() })
}

// address adds letters to those whom the next way leads to, or notes that there
// is nobody. Addresses at which nobody was are not tried again.
func (t *turn) address(ctx context.Context, a *asked, d *content.Document, p *published) error {
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
			return nil
		}
	}
	a.Nobody = true
	return nil
}

// send sends the letters of the present reminder that are still to go.
func (t *turn) send(ctx context.Context, d *content.Document, f *schemas.Freshness, p *published, a *asked, version *int64) (busy bool, err error) {
	var todo []recipient
	for _, l := range a.Letters {
		if l.Reminder == a.Reminder && !l.done() {
			todo = append(todo, l.recipient)
		}
	}
	on, reminder := a.Assured, a.Reminder
	var wrong trouble
	for _, to := range todo {
		address, ok, err := t.reach(ctx, to)
		if err != nil {
			return false, err
		}
		pick := func(a *asked) *delivery { return a.find(on, reminder, to) }
		if !ok { // the person is not there any more
			if l := pick(a); l != nil && !l.Refused {
				l.Refused = true
				if err := t.write(ctx, kindAsked, d.ID, a, *version); err != nil {
					return true, unlessBusy(err)
				}
				*version++
			}
			continue
		}
		busy, err := deliver(ctx, t.Keeper, &t.left, kindAsked, d.ID, a, version, pick,
			func() (mail.Message, error) { return t.reminder(ctx, d, f, p, reminder, to, address) }, nil)
		if busy || ctx.Err() != nil {
			return true, err
		}
		wrong.add(err)
	}
	return false, wrong.err()
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

// reminder writes the message that asks for a confirmation.
func (t *turn) reminder(ctx context.Context, d *content.Document, f *schemas.Freshness, p *published, n int, to recipient, address string) (mail.Message, error) {
	on, day := assured(d)
	link, err := t.Link(ctx, d.ID, on, to, address, t.linkEnd(f, day))
	if err != nil {
		return mail.Message{}, err
	}
	say := func(code string, params map[string]any) string { return messages.Text(to.Locale, code, params) }
	due := f.Due(day)
	date := func(days int) string { return messages.Day(to.Locale, noon(due.AddDate(0, 0, days))) }
	l := mail.Letter{Locale: to.Locale, Parts: []mail.Part{
		{Text: say("mail_confirm", map[string]any{"title": p.title})},
		{Text: say("label_mail_confirm", nil), Link: link},
		{Text: say("mail_confirm_why", nil)},
	}}
	add := func(text string) { l.Parts = append(l.Parts, mail.Part{Text: text}) }
	today := noon(t.today())
	switch {
	case day.IsZero():
		add(say("mail_confirm_never", nil))
	case !today.Before(noon(due.AddDate(0, 0, f.HideAfter))):
		add(say("mail_confirm_hidden", nil))
	case !today.Before(noon(due.AddDate(0, 0, f.UnverifiedAfter))):
		add(say("mail_confirm_unverified", map[string]any{"hidden": date(f.HideAfter)}))
	default:
		add(say("mail_confirm_by", map[string]any{"due": date(0), "unverified": date(f.UnverifiedAfter), "hidden": date(f.HideAfter)}))
	}
	add(say(map[string]string{wayAssurer: "mail_because_assurer", wayPeople: "mail_because_people", wayContact: "mail_because_contact"}[to.Way], nil))
	if t.contact != "" {
		add(say("mail_ask", map[string]any{"email": t.contact}))
	}
	return l.Message(address, say("label_mail_subject_confirm", map[string]any{"title": p.title}), key("reminder", d.ID, on, number(n), hashOf(address)))
}

// noon is the middle of a civil day, which is the same day in Italy.
func noon(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
}
