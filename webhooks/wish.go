package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// maxSpans is how many repetitions of a time may wait in one lane, maxReplay how
// many messages of one document are sent again.
const (
	maxSpans  = 5
	maxReplay = 200
)

// Ping sends a test, once, and gives the delivery that the log will tell of.
func (h *Hooks) Ping(ctx context.Context, id string) (*Delivery, error) {
	if err := h.active(ctx, id); err != nil {
		return nil, err
	}
	d := &Delivery{Key: keyPing + newID(), Subscription: id, Event: TestPing, At: h.now(), Outcome: Waiting}
	return d, h.enqueue(ctx, id, d)
}

// BuildFinished tells those who asked for it that a site was built anew: its id,
// how many of its files differ from those before, and when. One that has not been
// told yet gives way to a newer one.
func (h *Hooks) BuildFinished(ctx context.Context, build string, changed int, at time.Time) error {
	list, err := h.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range list {
		if s.State != Active || len(s.Filter.Events) > 0 && !slices.Contains(s.Filter.Events, BuildFinished) {
			continue
		}
		d := &Delivery{
			Key: buildKey(build), Subscription: s.ID, Event: BuildFinished, At: at.UTC().Truncate(time.Millisecond), Build: build, Changed: changed, Outcome: Waiting,
		}
		errs = append(errs, h.overtake(ctx, d), h.enqueue(ctx, s.ID, d))
	}
	return errors.Join(errs...)
}

// overtake takes earlier builds away that still wait.
func (h *Hooks) overtake(ctx context.Context, d *Delivery) error {
	return h.each(ctx, kindWaiting, d.Subscription, keyBuild, func(r *content.Record) (bool, error) {
		var w Delivery
		if err := json.Unmarshal(r.Data, &w); err != nil || w.Event != BuildFinished {
			return err == nil && w.Key < keyPing, err
		}
		err := h.drop(ctx, kindWaiting, r.ID, r.Version)
		if errors.Is(err, content.ErrConflict) { // it is being sent
			err = nil
		}
		return true, err
	})
}

// active refuses what would wait for ever.
func (h *Hooks) active(ctx context.Context, id string) error {
	s, err := h.Get(ctx, id)
	if err == nil && s.State != Active {
		err = &content.Problem{Class: content.Conflict, Code: CodeInactive}
	}
	return err
}

// enqueue writes deliveries down and wakes the lane, wherever it is served. One
// that waits already is sent now instead of at its hour, and one that is just being
// sent once more.
func (h *Hooks) enqueue(ctx context.Context, id string, list ...*Delivery) error {
	for _, d := range list {
		for try := 0; ; try++ {
			err := h.put(ctx, d)
			if err == nil {
				break
			}
			if !errors.Is(err, content.ErrConflict) || try == swaps {
				return err
			}
			r, err := h.records.GetRecord(ctx, kindWaiting, id+"/"+d.Key)
			if errors.Is(err, content.ErrNotFound) {
				d.version = 0
				continue
			}
			var there Delivery
			if err == nil {
				err = json.Unmarshal(r.Data, &there)
			}
			if err != nil {
				return err
			}
			d.version, d.Replay = r.Version, d.Replay && there.Replay
		}
	}
	return h.nudge(ctx, id, func(*lane) {})
}

// nudge changes a lane's record, so that whoever serves it looks.
func (h *Hooks) nudge(ctx context.Context, id string, change func(*lane)) error {
	err := h.changeLane(ctx, id, func(l *lane) bool {
		l.Pokes++
		change(l)
		return true
	})
	h.mu.Lock()
	r := h.lanes[id]
	h.mu.Unlock()
	if r != nil {
		r.poke()
	}
	return err
}

// Replay says what is to be sent again: one of them.
type Replay struct {
	// Delivery is a Delivery.ID, or its Key.
	Delivery string
	// Document is an id: all that was ever told of it, the newest maxReplay.
	Document string
	// Since and Until (now, when zero) bound when it happened.
	Since, Until time.Time
}

// Replay sends again what was sent, or should have been. Each message has the id
// that it had. What is not true any more is passed over: an old publication of
// what was withdrawn, an old withdrawal of what came back. It gives how many
// messages were put in, and zero for a span of time, which is read on the way.
func (h *Hooks) Replay(ctx context.Context, id string, what Replay) (int, error) {
	wrong := func(class content.Class, code string, params map[string]any) (int, error) {
		return 0, &content.Problem{Class: class, Code: code, Params: params}
	}
	said := 0
	for _, is := range []bool{what.Delivery != "", what.Document != "", !what.Since.IsZero()} {
		if is {
			said++
		}
	}
	if said != 1 || what.Since.IsZero() && !what.Until.IsZero() {
		return wrong(content.Invalid, CodeReplayWhat, nil)
	}
	if err := h.active(ctx, id); err != nil {
		return 0, err
	}
	if !what.Since.IsZero() {
		return 0, h.replaySpan(ctx, id, what)
	}
	var list []*Delivery
	var err error
	if what.Delivery != "" {
		list, err = h.again(ctx, id, strings.TrimPrefix(what.Delivery, "msg_"+id+"_"))
	} else {
		list, err = h.againDocument(ctx, id, what.Document)
	}
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return wrong(content.NotFound, CodeReplayNone, nil)
	}
	waiting, err := h.listWaiting(ctx, id)
	if err != nil {
		return 0, err
	}
	if len(waiting)+len(list) > maxWaiting {
		return wrong(content.Conflict, CodeQueueFull, map[string]any{"max": maxWaiting})
	}
	return len(list), h.enqueue(ctx, id, list...)
}

// again finds one delivery in the log.
func (h *Hooks) again(ctx context.Context, id, key string) (out []*Delivery, err error) {
	if seq, ok := parseSeq(key); ok { // it may have left the log of deliveries
		events, err := h.log.Events(ctx, seq-1, 1)
		if err != nil || len(events) == 0 || events[0].Seq != seq || events[0].Effect == content.EffectNone {
			return nil, err
		}
		n, err := h.resolve(ctx, &events[0])
		if err != nil {
			return nil, err
		}
		d := newDelivery(id, &n)
		d.Replay = true
		return append(out, d), nil
	}
	err = h.each(ctx, kindDelivery, id, "", func(r *content.Record) (bool, error) {
		d := &Delivery{}
		if err := json.Unmarshal(r.Data, d); err != nil || d.Key != key {
			return err == nil, err
		}
		*d = Delivery{Key: d.Key, Subscription: id, Event: d.Event, At: d.At, Build: d.Build, Changed: d.Changed, Replay: true, Outcome: Waiting}
		out = append(out, d)
		return false, nil
	})
	return out, err
}

// againDocument finds what was told of a document.
func (h *Hooks) againDocument(ctx context.Context, id, document string) (out []*Delivery, err error) {
	s, err := h.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	for before := int64(0); len(out) < maxReplay; {
		list, err := h.log.DocumentEvents(ctx, document, before, beforePage)
		if err != nil {
			return nil, err
		}
		for i := range list {
			before = list[i].Seq
			if list[i].Effect == content.EffectNone || len(out) == maxReplay {
				continue
			}
			n, err := h.resolve(ctx, &list[i])
			if err != nil {
				return nil, err
			}
			if h.wants(&s.Filter, &n) {
				d := newDelivery(id, &n)
				d.Replay = true
				out = append(out, d)
			}
		}
		if len(list) < beforePage {
			break
		}
	}
	return out, nil
}

// margin is by how much the clocks of several processes may differ.
const margin = time.Minute

// replaySpan notes a span of time in the lane, which reads it on its way.
func (h *Hooks) replaySpan(ctx context.Context, id string, what Replay) error {
	until := what.Until
	if until.IsZero() {
		until = h.now()
	}
	if !what.Since.Before(until) {
		return &content.Problem{Class: content.Invalid, Code: CodeReplayOrder}
	}
	last, err := h.log.LastSeq(ctx)
	if err != nil {
		return err
	}
	// The first place from which on everything happened since then: the log is in
	// order of time but for the difference of clocks.
	var failed error
	first := sort.Search(int(last), func(i int) bool {
		if failed != nil {
			return true
		}
		events, err := h.log.Events(ctx, int64(i), 1)
		if failed = err; err != nil || len(events) == 0 {
			return true
		}
		return !events[0].At.Before(what.Since.Add(-margin))
	})
	if failed != nil {
		return failed
	}
	full := false
	err = h.nudge(ctx, id, func(l *lane) {
		if full = len(l.Spans) >= maxSpans; !full {
			l.Spans = append(l.Spans, span{After: int64(first), End: last, From: what.Since.UTC(), To: until.UTC()})
		}
	})
	if err == nil && full {
		return &content.Problem{Class: content.Conflict, Code: CodeReplayBusy, Params: map[string]any{"max": maxSpans}}
	}
	return err
}
