package freshness

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// item is one document that somebody is asked to confirm, or told of.
type item struct {
	document string
	title    string
	on       string // its assured date
	day, due time.Time
	stage    schemas.Stage
	early    bool   // it is not yet due
	nobody   bool   // there is nobody to ask
	mark     string // what somebody has been told when they know of it
	to       recipient
	f        *schemas.Freshness // of reminders
}

// note says in a line how things stand.
func (i *item) note(locale string) string {
	code := "label_digest_due"
	switch {
	case i.nobody:
		code = "label_digest_nobody"
	case i.on == "":
		code = "label_digest_never"
	case i.stage == schemas.StageHidden:
		code = "label_digest_hidden"
	case i.stage == schemas.StageUnverified:
		code = "label_digest_unverified"
	case i.early:
		code = "label_confirm_by"
	}
	return messages.Text(locale, code, map[string]any{"date": messages.Day(locale, noon(i.due))})
}

// lists are what there is to tell, by box and document. An address that belongs to
// two people of one organisation is asked once.
type lists map[string]map[string]item

func (l lists) add(box string, i item) {
	if l[box] == nil {
		l[box] = map[string]item{}
	}
	l[box][i.document] = i
}

// ordered gives the items of a box: what the public still sees first, what nobody
// ever confirmed last.
func (l lists) ordered(box string) []item { return slices.SortedFunc(maps.Values(l[box]), hopeFirst) }

// boxes gives all, in the same order.
func (l lists) boxes() []string {
	first := map[string]item{}
	for id := range l {
		first[id] = slices.MinFunc(slices.Collect(maps.Values(l[id])), hopeFirst)
	}
	return slices.SortedFunc(maps.Keys(l), func(a, b string) int { return cmp.Or(hopeFirst(first[a], first[b]), strings.Compare(a, b)) })
}

func hopeFirst(a, b item) int {
	return cmp.Or(b.day.Compare(a.day), strings.Compare(a.document, b.document))
}

// box is the record of the messages to one address or person.
type box struct {
	// For is the day of the message that is going, or went last.
	For string `json:"for,omitempty"`
	// Going is what it tells, by document; Told is what those told that are done,
	// whether they went or were refused, of what is live.
	Going map[string]string `json:"going,omitempty"`
	Told  map[string]string `json:"told,omitempty"`
	delivery
}

// mostItems are listed in one message.
const mostItems = 50

// kind is one of the two kinds of lists.
type kind struct {
	record string
	// most are the documents that one message may be about.
	most  int
	whole bool // each message tells all that there is, and not only what is new
	// daily is how many messages may go out on a day; zero for no bound.
	daily   int
	compose func(ctx context.Context, items []item, more int, id string) (mail.Message, error)
}

// post sends to one box what it was not told yet: one message a day at most. It
// gives how many documents wait for another turn.
func (t *turn) post(ctx context.Context, k kind, b *bounds, id string, items []item) (waiting int, err error) {
	g, version, err := read[box](ctx, t.Keeper, k.record, id)
	if err != nil {
		return len(items), err
	}
	known := func(i item) bool { return g.Told[i.document] == i.mark }
	news := slices.DeleteFunc(slices.Clone(items), known)
	if !k.whole {
		items = news
	}
	today := t.today().Format(time.DateOnly)
	switch {
	case len(news) == 0 && !g.open() || len(items) == 0 || g.shut(today):
		return 0, nil
	case sameDay(g.Sent, today):
		return len(news), nil
	case !g.open():
		maps.DeleteFunc(g.Told, func(document, _ string) bool { return !t.live[document] })
		g = box{For: today, Told: g.Told}
	}
	send, changed := g.try(t.now())
	if !changed || b.over() {
		return len(news), nil
	}
	if send && k.daily > 0 {
		if ok, err := t.count(ctx, k.record, 1, k.daily); !ok || err != nil {
			b.left = 0
			return len(news), err
		}
	}
	now := items
	if send {
		// The same message once more, if it still says the same.
		now = slices.DeleteFunc(slices.Clone(items), func(i item) bool { return g.Going[i.document] != i.mark })
		if len(now) == 0 || len(now) != len(g.Going) {
			now = items[:min(len(items), k.most)]
		}
		g.Going = map[string]string{}
		for _, i := range now {
			g.Going[i.document] = i.mark
		}
	}
	message := func() (mail.Message, error) {
		return k.compose(ctx, now, len(items)-len(now), key(k.record, id, g.For, hashOfAll(g.Going)))
	}
	did, err := deliver(ctx, t.Keeper, b, k.record, id, &g, &version, func(g *box) *delivery { return &g.delivery }, message, (*box).tell)
	if send && k.daily > 0 && did != sent {
		_, back := t.count(context.WithoutCancel(ctx), k.record, -1, 0)
		err = errors.Join(err, back)
	}
	if did == sent {
		t.sent++
	}
	if !g.done() {
		return len(news), err
	}
	return len(slices.DeleteFunc(news, known)), err
}

// shut says that today nothing can be delivered there, whatever it is.
func (g *box) shut(today string) bool { return g.Refused && g.For == today }

// tell notes that what was going is told.
func (g *box) tell() {
	if g.Told == nil {
		g.Told = map[string]string{}
	}
	maps.Copy(g.Told, g.Going)
	g.Going = nil
}

// answer says what came of asking somebody about a document, as far as it is
// known.
func (k *Keeper) answer(ctx context.Context, id, document, mark string) (sent time.Time, refused bool, err error) {
	g, _, err := read[box](ctx, k, kindReminder, id)
	switch {
	case err != nil:
		return sent, false, err
	case g.shut(k.today().Format(time.DateOnly)):
		return sent, true, nil
	case g.Told[document] != mark:
		return sent, false, nil
	case g.done():
		return g.Sent, g.Refused, nil
	}
	return k.now(), false, nil // and the next one is on its way
}

// hashOfAll stands for what a message tells.
func hashOfAll(going map[string]string) string {
	sum := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(going)) {
		fmt.Fprintf(sum, "%s %s\n", id, going[id])
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// sameDay says that a time is of that day in Italy.
func sameDay(t time.Time, day string) bool {
	return !t.IsZero() && t.In(content.Rome).Format(time.DateOnly) == day
}
