package freshness

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// escalate puts a document on the lists of the council's people, when its time has
// come or nobody can be asked.
func (t *turn) escalate(ctx context.Context, d *content.Document, f *schemas.Freshness) error {
	on, day := assured(d)
	due, late := f.Reminders(day, t.today())
	if due == 0 && !late {
		return nil
	}
	a, _, err := read[asked](ctx, t.Keeper, kindAsked, d.ID)
	if err != nil {
		return err
	}
	nobody := a.Assured == on && a.Nobody != 0
	if !late && !nobody {
		return nil
	}
	council, err := t.people.council(ctx, territories(d))
	if err != nil {
		return err
	}
	i := item{document: d.ID, on: on, day: day, due: f.Due(day), stage: stageOf(d), nobody: nobody}
	// It is told again when the public sees something else, or after a confirmation.
	i.mark = on + "/" + string(i.stage)
	if nobody {
		i.mark += "/nobody"
	}
	for _, to := range council {
		i.title, i.to = t.title(d, to.Locale), to
		t.digests.add(to.Person, i)
	}
	return nil
}

// digest writes the message to a council's person: the worst and oldest first.
func (t *turn) digest(ctx context.Context, items []item, _ int, id string) (mail.Message, error) {
	to := items[0].to
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(a.day.Compare(b.day), strings.Compare(a.document, b.document)) })
	say := func(code string, params map[string]any) string { return messages.Text(to.Locale, code, params) }
	count := map[string]any{"count": len(items)}
	list := mail.Part{}
	for _, i := range items[:min(len(items), mostItems)] {
		link, err := t.Link(ctx, i.document, i.on, to, to.Address, t.now().Add(councilLink))
		if err != nil {
			return mail.Message{}, err
		}
		list.Items = append(list.Items, mail.Item{Text: i.title, Link: link, Note: i.note(to.Locale)})
	}
	l := mail.Letter{Locale: to.Locale, Parts: []mail.Part{{Text: say("mail_digest", nil)}, list}}
	if more := len(items) - mostItems; more > 0 {
		l.Parts = append(l.Parts, mail.Part{Text: say("mail_digest_more", map[string]any{"count": more})})
	}
	l.Parts = append(l.Parts, mail.Part{Text: say("mail_digest_how", nil)}, mail.Part{Text: say("mail_because_council", nil)})
	return l.Message(to.Address, say("label_mail_subject_digest", count), id)
}
