package freshness

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// digest is the record of what a person of a council was told.
type digest struct {
	// For is the day of the message that is going, or went last.
	For string `json:"for,omitempty"`
	// Told is what the last one that went told, by document.
	Told map[string]string `json:"told,omitempty"`
	delivery
}

// digestOf is what there is to tell one person.
type digestOf struct {
	to    recipient
	items map[string]item
}

// item is one document that a council is told of.
type item struct {
	document string
	title    string
	on       string // its assured date
	day, due time.Time
	stage    schemas.Stage
	nobody   bool // there is nobody to ask
}

// mark is what somebody has been told when they know of the item: it is told
// again when the public sees something else, or after a confirmation.
func (i *item) mark() string {
	mark := i.on + "/" + string(i.stage)
	if i.nobody {
		mark += "/nobody"
	}
	return mark
}

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
	nobody := a.Assured == on && a.Nobody
	if !late && !nobody {
		return nil
	}
	council, err := t.people.council(ctx, territories(d))
	if err != nil {
		return err
	}
	i := item{document: d.ID, on: on, day: day, due: f.Due(day), stage: stageOf(d), nobody: nobody}
	for _, to := range council {
		if t.digests[to.Person] == nil {
			t.digests[to.Person] = &digestOf{to: to, items: map[string]item{}}
		}
		i.title = t.title(d, to.Locale)
		t.digests[to.Person].items[d.ID] = i
	}
	return nil
}

func (t *turn) sortedDigests() []*digestOf {
	var out []*digestOf
	for _, id := range slices.Sorted(maps.Keys(t.digests)) {
		out = append(out, t.digests[id])
	}
	return out
}

// sendDigest tells somebody of all that is open, on a day on which something of it
// is new to them: one message a day at most.
func (t *turn) sendDigest(ctx context.Context, of *digestOf) error {
	g, version, err := read[digest](ctx, t.Keeper, kindDigest, of.to.Person)
	if err != nil {
		return err
	}
	marks := map[string]string{}
	news := false
	for id, i := range of.items {
		marks[id] = i.mark()
		news = news || g.Told[id] != marks[id]
	}
	today := t.today().Format(time.DateOnly)
	open := !g.Claimed.IsZero() || g.Failures > 0 // one is going
	switch {
	case !news && !open, sameDay(g.Sent, today), g.Refused && g.For == today:
		return nil
	case !open:
		g.For, g.delivery = today, delivery{}
	}
	on := g.For
	pick := func(g *digest) *delivery {
		if g.For != on {
			return nil
		}
		return &g.delivery
	}
	one := 1 // beside the bound: there are few such people, and they must not wait for others' reminders
	_, err = deliver(ctx, t.Keeper, &one, kindDigest, of.to.Person, &g, &version, pick,
		func() (mail.Message, error) { return t.digest(ctx, of, on) }, func(g *digest) { g.Told = marks })
	return err
}

// sameDay says that a time is of that day in Italy.
func sameDay(t time.Time, day string) bool {
	return !t.IsZero() && t.In(content.Rome).Format(time.DateOnly) == day
}

// mostItems are listed in one message; how many more there are is said.
const mostItems = 50

// digest writes the message to a council's person: the worst and oldest first.
func (t *turn) digest(ctx context.Context, of *digestOf, on string) (mail.Message, error) {
	items := slices.SortedFunc(maps.Values(of.items), func(a, b item) int {
		if c := a.day.Compare(b.day); c != 0 {
			return c
		}
		return compareText(a.document, b.document)
	})
	say := func(code string, params map[string]any) string { return messages.Text(of.to.Locale, code, params) }
	count := map[string]any{"count": len(items)}
	list := mail.Part{}
	for _, i := range items[:min(len(items), mostItems)] {
		link, err := t.Link(ctx, i.document, i.on, of.to, of.to.Address, t.now().Add(councilLink))
		if err != nil {
			return mail.Message{}, err
		}
		due := map[string]any{"date": messages.Day(of.to.Locale, noon(i.due))}
		var note string
		switch {
		case i.nobody:
			note = say("label_digest_nobody", nil)
		case i.on == "":
			note = say("label_digest_never", nil)
		case i.stage == schemas.StageHidden:
			note = say("label_digest_hidden", due)
		case i.stage == schemas.StageUnverified:
			note = say("label_digest_unverified", due)
		default:
			note = say("label_digest_due", due)
		}
		list.Items = append(list.Items, mail.Item{Text: i.title, Link: link, Note: note})
	}
	l := mail.Letter{Locale: of.to.Locale, Parts: []mail.Part{{Text: say("mail_digest", nil)}, list}}
	if more := len(items) - mostItems; more > 0 {
		l.Parts = append(l.Parts, mail.Part{Text: say("mail_digest_more", map[string]any{"count": more})})
	}
	l.Parts = append(l.Parts, mail.Part{Text: say("mail_digest_how", nil)}, mail.Part{Text: say("mail_because_council", nil)})
	return l.Message(of.to.Address, say("label_mail_subject_digest", count), key("digest", of.to.Person, on))
}
