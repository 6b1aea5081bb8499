package freshness

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// turn is one round over all documents.
type turn struct {
	*Keeper
	people    *directory
	reminders lists
	digests   lists
	live      map[string]bool // the documents that it saw
	sent      int             // messages
}

// Run looks at every live document whose facts age: what the public sees of it
// follows the calendar, and whoever is to be asked or told is. It is idempotent,
// and may run in several processes at once. What goes wrong with one document or
// one message does not stop the others; all of it is in the error.
func (k *Keeper) Run(ctx context.Context) error {
	if _, err := k.auth.Key(ctx, keyName); err != nil { // made here, before anybody shows a link
		return err
	}
	t := &turn{Keeper: k, people: &directory{k: k}, reminders: lists{}, digests: lists{}, live: map[string]bool{}}
	var wrong trouble
	err := k.walk(ctx, func(d *content.Document, f *schemas.Freshness) error {
		t.live[d.ID] = true
		d, err := k.age(ctx, d, f)
		wrong.add(err)
		if d != nil && k.sender != nil {
			wrong.add(t.list(ctx, d, f))
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if k.sender != nil {
		waiting := t.askAll(ctx, &wrong)
		t.tellCouncils(ctx, &wrong)
		k.waiting.Store(int64(waiting))
		if t.sent > 0 || waiting > 0 {
			k.log.Info("people were asked to confirm", "messages", t.sent, "documents_waiting", waiting, "daily", max(0, k.daily))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	wrong.add(t.tidy(ctx))
	return wrong.err()
}

// list puts a document on the lists of those who are to be asked and told.
func (t *turn) list(ctx context.Context, d *content.Document, f *schemas.Freshness) error {
	return errors.Join(t.remind(ctx, d, f), t.escalate(ctx, d, f))
}

// askAll sends the reminders, as many as may go, and says how many documents wait.
// Each is looked at again then: it notes what came of it, and where nobody was at
// an address the next ones are asked.
func (t *turn) askAll(ctx context.Context, wrong *trouble) (waiting int) {
	k := kind{record: kindReminder, most: mostItems, daily: t.daily, compose: t.reminder}
	b := &bounds{left: max(0, (t.daily+turns-1)/turns)}
	waits := map[string]int{}
	for range ways {
		now := t.reminders
		t.reminders = lists{}
		for _, id := range now.boxes() {
			items := now.ordered(id)
			n, err := t.post(ctx, k, b, id, items)
			wrong.add(err)
			if waits[id] = n; n == len(items) {
				continue
			}
			for _, i := range items {
				d, err := t.store.Get(ctx, i.document)
				if err == nil && d.Live() {
					err = t.list(ctx, d, i.f)
				}
				wrong.add(err)
			}
		}
	}
	for _, n := range waits {
		waiting += n
	}
	return waiting
}

// tellCouncils sends the digests. They are few and wait for nobody's reminders.
func (t *turn) tellCouncils(ctx context.Context, wrong *trouble) {
	k := kind{record: kindDigest, most: math.MaxInt, whole: true, compose: t.digest}
	b := &bounds{left: math.MaxInt}
	for _, id := range t.digests.boxes() {
		_, err := t.post(ctx, k, b, id, t.digests.ordered(id))
		wrong.add(err)
	}
}

// Waiting is how many documents wait to be asked about since the last turn of this
// process: for another day, or for a mail server that is down.
func (k *Keeper) Waiting() int { return int(k.waiting.Load()) }

// trouble keeps the first few errors and counts the others: a mail server that is
// down fails for everything.
type trouble struct {
	first []error
	more  int
}

func (t *trouble) add(err error) {
	switch {
	case err == nil:
	case len(t.first) < 3:
		t.first = append(t.first, err)
	default:
		t.more++
	}
}

func (t *trouble) err() error {
	if t.more > 0 {
		return errors.Join(append(t.first, errMore)...)
	}
	return errors.Join(t.first...)
}

var errMore = errors.New("and more of the like")

// walk visits every live document whose facts age, by title: an order in which
// what is changed on the way does not move.
func (k *Keeper) walk(ctx context.Context, visit func(*content.Document, *schemas.Freshness) error) error {
	const page = 200
	for _, typ := range k.service.Schemas().Types() {
		f := k.service.Schemas().Freshness(typ.Name)
		if f == nil {
			continue
		}
		q := content.Query{Terms: []string{"live", "type:" + typ.Name}, Order: content.ByTitle, Limit: page}
		for {
			docs, err := k.store.Find(ctx, q)
			if err != nil {
				return err
			}
			for _, d := range docs {
				q.After = content.PositionOf(d)
				if err := visit(d, f); err != nil {
					return err
				}
			}
			if len(docs) < page {
				break
			}
		}
	}
	return nil
}

// assured gives the day on which the facts were last confirmed; zero when nobody
// ever did.
func assured(d *content.Document) (on string, day time.Time) {
	if d.Assured == nil || d.Assured.On == "" {
		return "", time.Time{}
	}
	return d.Assured.On, d.Assured.Day()
}

func stageOf(d *content.Document) schemas.Stage {
	if d.Assured == nil {
		return schemas.StageCurrent
	}
	return d.Assured.Stage
}

// age lets the public see what the calendar says, and gives the document as it is
// then; nil when it is not live any more. A confirmation that comes in between
// wins: the stage is worked out from what was written.
func (k *Keeper) age(ctx context.Context, d *content.Document, f *schemas.Freshness) (*content.Document, error) {
	for range 3 {
		_, on := assured(d)
		want := f.Stage(on, k.today())
		if stageOf(d) == want {
			return d, nil
		}
		now, err := k.store.Get(ctx, d.ID)
		switch {
		case errors.Is(err, content.ErrNotFound) || err == nil && !now.Live():
			return nil, nil
		case err != nil:
			return d, err
		case now.Version != d.Version:
			d = now
			continue
		}
		if d, err = k.service.Age(ctx, ageing, d.ID, want); err != nil {
			return now, err
		}
		k.log.Info("the age of a document shows", "document", d.ID, "stage", want)
	}
	return d, nil
}

// territories are those of any variant's latest revision, as content decides by.
func territories(d *content.Document) (out []string) {
	for i := range d.Variants {
		for _, t := range d.Variants[i].Territories {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// tidy removes the records of what is not live any more, and of people who are
// told of nothing.
func (t *turn) tidy(ctx context.Context) error {
	drop := func(kind, id string, version int64) error {
		err := t.store.DeleteRecord(ctx, kind, id, version)
		if errors.Is(err, content.ErrConflict) || errors.Is(err, content.ErrNotFound) {
			return nil
		}
		return err
	}
	return errors.Join(
		each(ctx, t.Keeper, kindAsked, "", func(id string, version int64, _ asked) error {
			if t.live[id] {
				return nil
			}
			d, err := t.store.Get(ctx, id) // it may have come while we walked
			if err == nil && d.Live() || err != nil && !errors.Is(err, content.ErrNotFound) {
				return err
			}
			return drop(kindAsked, id, version)
		}),
		t.tidyBoxes(ctx, kindReminder, nil, drop),
		t.tidyBoxes(ctx, kindDigest, t.digests, drop),
		each(ctx, t.Keeper, kindCount, "", func(id string, version int64, _ int) error {
			if id >= t.today().AddDate(0, 0, -2).Format(time.DateOnly) {
				return nil
			}
			return drop(kindCount, id, version)
		}),
	)
}

// tidyBoxes removes what was told long ago to who has nothing to be told.
func (t *turn) tidyBoxes(ctx context.Context, kind string, now lists, drop func(kind, id string, version int64) error) error {
	return each(ctx, t.Keeper, kind, "", func(id string, version int64, g box) error {
		begun, _ := time.Parse(time.DateOnly, g.For)
		if now[id] != nil || t.sender == nil || t.now().Sub(g.Sent) < keepBox || t.now().Sub(begun) < keepBox {
			return nil
		}
		return drop(kind, id, version)
	})
}

// keepBox is how long is known what somebody was told who is told of nothing.
const keepBox = 30 * 24 * time.Hour
