package webhooks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// turn is one claim of a lane, for as long as there is something to send.
type turn struct {
	*runner
	s       *stored
	lane    lane
	careful bool // the one before us may have died after sending
	waiting []*Delivery
	flying  map[string]bool // keys under way
	threads map[string]bool // documents under way
	direct  map[int64]bool  // places under way that are in no waiting record
	read    int64           // the log was looked at up to here
	ahead   []notice        // read, and not looked at yet
	end     int64           // where ahead ends
	done    chan result
	settled int  // since the cursor was written
	reload  bool // the waiting records changed behind our back
	stop    bool // nothing new is begun
	lost    bool // the claim is somebody else's
	trouble error
	ended   string // code of why the subscription is to be switched off
}

// result is what came of one delivery.
type result struct {
	d      *Delivery
	direct bool
	answer answerOf
	err    error // it could not be written down, or was not tried
	reload bool  // somebody else wrote its waiting record
}

// turn does all that can be done now, and says when to come back; zero: when
// woken.
func (r *runner) turn(ctx context.Context) (next time.Time, err error) {
	s := r.current()
	if s.State != Active {
		return time.Time{}, nil
	}
	poked := r.takePoke() || !r.opened
	now := r.h.now()
	if !poked {
		if now.Before(r.pause) {
			return r.pause, nil
		}
		due := !r.due.IsZero() && !r.due.After(now)
		if !due {
			news, err := r.news(ctx, s)
			if err != nil {
				return time.Time{}, err
			}
			if !news {
				return r.due, nil
			}
		}
	}
	t := &turn{
		runner: r, s: s, flying: map[string]bool{}, threads: map[string]bool{}, direct: map[int64]bool{}, done: make(chan result, laneWidth),
	}
	until, err := t.claim(ctx)
	if poked && (err != nil || !until.IsZero()) {
		r.mu.Lock()
		r.poked = true
		r.mu.Unlock()
	}
	if !until.IsZero() {
		return earlier(until, now.Add(lookAgain)), nil
	}
	if err == nil {
		err = t.serve(ctx)
	} else { // the claim may have been written all the same
		t.read = r.pos
	}
	return r.due, errors.Join(err, t.release(ctx))
}

// news says whether the log has something for the subscription after pos, which it
// moves on over what is of no concern.
func (r *runner) news(ctx context.Context, s *stored) (bool, error) {
	for {
		list, end, err := r.h.notices(ctx, r.pos)
		if err != nil {
			return false, err
		}
		for i := range list {
			if r.h.wants(&s.Filter, &list[i]) {
				return true, nil
			}
			r.pos = list[i].seq
		}
		if end <= r.pos {
			return false, nil
		}
		r.pos = end
	}
}

// claim makes the lane ours; until says until when it is somebody else's.
func (t *turn) claim(ctx context.Context) (until time.Time, err error) {
	now := t.h.now()
	err = t.h.changeLane(ctx, t.id, func(l *lane) bool {
		until = time.Time{}
		if l.Owner != "" && l.Owner != t.h.owner && now.Before(l.Until) {
			until = l.Until
			return false
		}
		t.careful = l.Owner != "" || !t.opened
		l.Owner, l.Until = t.h.owner, now.Add(lease)
		t.lane = *l
		return true
	})
	if err != nil || !until.IsZero() {
		return until, err
	}
	// Others may have been further; we may have passed over what is of no concern.
	t.read = max(t.lane.Cursor, t.pos)
	t.end = t.read
	t.looked(t.lane.Pokes)
	return time.Time{}, t.load(ctx)
}

// load reads what waits. What is under way stays as it is.
func (t *turn) load(ctx context.Context) error {
	t.reload = false
	flying := map[string]bool{}
	for key := range t.flying {
		flying[key] = true
	}
	list, err := t.h.listWaiting(ctx, t.id)
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(t.waiting, func(d *Delivery) bool { return !flying[d.Key] })
	for _, d := range list {
		if !flying[d.Key] {
			kept = append(kept, d)
		}
	}
	t.waiting = kept
	t.sort()
	t.opened = true
	return nil
}

func (t *turn) sort() {
	slices.SortFunc(t.waiting, func(a, b *Delivery) int { return cmp.Compare(a.Key, b.Key) })
}

// serve begins what can be begun and takes in what came of it, until nothing is
// under way and nothing can be begun.
func (t *turn) serve(ctx context.Context) error {
	for {
		if err := t.begin(ctx); err != nil {
			t.trouble, t.stop = err, true
		}
		if len(t.flying) == 0 {
			break
		}
		select {
		case r := <-t.done:
			t.settle(r)
		case <-t.wake: // there is news
		case <-time.After(time.Second): // something may have fallen due
		}
	}
	if t.ended != "" {
		return errors.Join(t.trouble, t.h.disable(context.WithoutCancel(ctx), t.id, t.ended))
	}
	return t.trouble
}

// begin sends as much as may be under way at once.
func (t *turn) begin(ctx context.Context) error {
	if ctx.Err() != nil {
		t.stop = true
	}
	if t.stop {
		return nil
	}
	if err := t.keep(ctx); err != nil || t.stop {
		return err
	}
	if t.takePoke() || t.reload {
		if err := t.load(ctx); err != nil {
			return err
		}
	}
	if t.s = t.current(); t.s.State != Active { // it was switched off meanwhile
		t.stop = true
		return nil
	}
	for len(t.flying) < t.width() {
		now := t.h.now()
		paused := now.Before(t.pause)
		d, direct := t.next(now, paused), false
		if d == nil && paused {
			return nil
		}
		if d == nil {
			before := t.read
			var err error
			if d, err = t.fresh(ctx); err != nil {
				return err
			}
			if d == nil && t.read > before { // what waits may have been held until now
				continue
			}
			direct = d != nil
		}
		if d == nil {
			more, err := t.replay(ctx)
			if err != nil || !more {
				return err
			}
			continue
		}
		t.flying[d.Key], t.threads[d.thread()] = true, true
		if direct {
			t.direct[d.Seq] = true
		}
		sub, apart := t.s, t.slow
		go func() { t.done <- t.h.deliver(ctx, sub, d, direct, apart) }()
	}
	return nil
}

// width is how many requests the receiver gets at once: one, until it has shown in
// this process that it is well and quick.
func (t *turn) width() int {
	if t.down > 0 || t.slow || !t.proven {
		return 1
	}
	return laneWidth
}

// next gives the first that waits, is due, and has no earlier one of its document
// before it: neither among those that wait nor in the part of the log that is still
// to be read. While the receiver is left alone only what somebody asked for counts.
func (t *turn) next(now time.Time, paused bool) *Delivery {
	held := map[string]bool{}
	for _, d := range t.waiting {
		thread := d.thread()
		if held[thread] || t.threads[thread] || t.unread(d) {
			held[thread] = true
			continue
		}
		held[thread] = true
		if !d.due().After(now) && (!paused || len(d.Attempts) == 0 && (d.Replay || d.Event == TestPing)) {
			return d
		}
	}
	return nil
}

// unread says whether the log has not been read as far as a delivery. What made it
// wait may have been under way when a turn was broken off, and then is nowhere but
// in the log, behind the cursor.
func (t *turn) unread(d *Delivery) bool { return d.Seq > t.read }

// fresh gives the next news of the log that can be sent at once. News of a
// document of which something earlier waits is made to wait behind it.
func (t *turn) fresh(ctx context.Context) (*Delivery, error) {
	for {
		if len(t.ahead) == 0 {
			list, end, err := t.h.notices(ctx, t.end)
			if err != nil {
				return nil, err
			}
			if end <= t.end {
				return nil, nil
			}
			t.ahead, t.end = list, end
			if len(list) == 0 {
				t.read = end
				continue
			}
		}
		n := &t.ahead[0]
		if n.seq <= t.read { // another process has
			t.ahead = t.ahead[1:]
			continue
		}
		if !t.h.wants(&t.s.Filter, n) {
			t.pass(n)
			continue
		}
		d := newDelivery(t.id, n)
		if t.careful {
			old, version, err := t.h.logged(ctx, d)
			if err != nil {
				return nil, err
			}
			if version > 0 && old.Outcome != Waiting {
				t.pass(n)
				continue
			}
		}
		if slices.ContainsFunc(t.waiting, func(w *Delivery) bool { return w.Key == d.Key }) {
			t.pass(n)
			continue
		}
		thread := d.thread()
		if !t.threads[thread] && !slices.ContainsFunc(t.waiting, func(w *Delivery) bool { return w.thread() == thread && w.Seq < d.Seq }) {
			t.pass(n)
			return d, nil
		}
		if len(t.waiting) >= maxWaiting {
			return nil, nil
		}
		if err := t.h.put(ctx, d); errors.Is(err, content.ErrConflict) {
			t.reload = true // it waits already
		} else if err != nil {
			return nil, err
		} else {
			t.waiting = append(t.waiting, d)
			t.sort()
		}
		t.pass(n)
	}
}

// pass moves on over a notice.
func (t *turn) pass(n *notice) {
	t.read = n.seq
	if t.ahead = t.ahead[1:]; len(t.ahead) == 0 {
		t.read = t.end
	}
}

// cursor is the place up to which everything is settled or written down.
func (t *turn) cursor() int64 {
	at := t.read
	for seq := range t.direct {
		at = min(at, seq-1)
	}
	return at
}

// oldest is when the first of what is still to be sent happened.
func (t *turn) oldest() (at time.Time) {
	for _, d := range t.waiting {
		if !d.Replay {
			at = earlier(at, d.At)
		}
	}
	if len(t.ahead) > 0 {
		at = earlier(at, t.ahead[0].at)
	}
	return at
}

// earlier is the first of two moments; the zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// keep renews the claim and writes the cursor, when it is time.
func (t *turn) keep(ctx context.Context) error {
	now := t.h.now()
	if t.lane.Until.Sub(now) >= renewUnder && t.settled < t.h.checkpoint {
		return nil
	}
	return t.write(ctx, func(l *lane) { l.Until = now.Add(lease) })
}

// write writes the lane while it is ours.
func (t *turn) write(ctx context.Context, change func(*lane)) error {
	var now lane
	err := t.h.changeLane(ctx, t.id, func(l *lane) bool {
		if t.lost = l.Owner != t.h.owner; t.lost {
			return false
		}
		l.Cursor = max(l.Cursor, t.cursor())
		l.Waiting, l.Oldest = len(t.waiting), t.oldest()
		l.LastSuccess, l.FailingSince = t.lane.LastSuccess, t.lane.FailingSince
		change(l)
		now = *l
		return true
	})
	switch {
	case t.lost:
		t.stop = true
	case err == nil:
		t.lane, t.settled = now, 0
	}
	return err
}

// release writes how far we came, and lets others serve the lane. It is done even
// when the context has ended.
func (t *turn) release(ctx context.Context) error {
	t.due = time.Time{}
	held := map[string]bool{}
	for _, d := range t.waiting {
		if thread := d.thread(); !held[thread] {
			held[thread] = true
			due := d.due()
			if soon := t.h.now().Add(lookAgain); t.unread(d) && due.Before(soon) { // we are behind, or too much waits
				due = soon
			} else if due.IsZero() { // not tried yet: something is wrong with the store
				due = t.h.now()
			}
			t.due = earlier(t.due, due)
		}
	}
	if t.h.now().Before(t.pause) {
		t.due = t.pause
	}
	t.pos = max(t.pos, t.cursor())
	if t.lost {
		t.due = t.h.now().Add(lookAgain)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return t.write(ctx, func(l *lane) { l.Owner, l.Until = "", time.Time{} })
}

// storeTime is how long what was sent may take to be written down after the end.
const storeTime = 5 * time.Second

// deliver sends one delivery and writes down what came of it. A receiver that is
// known to be slow stands apart: it takes no slot.
func (h *Hooks) deliver(ctx context.Context, s *stored, d *Delivery, direct, apart bool) result {
	out := result{d: d, direct: direct}
	body, ok, err := h.compose(d)
	if err != nil {
		out.err = err
		return out
	}
	if ok {
		leave := func() {}
		if !apart {
			if leave, err = h.enter(ctx); err != nil {
				out.err = err
				return out
			}
		}
		out.answer = h.post(ctx, s, d.ID(), body)
		leave()
		if out.answer.Error != "" && ctx.Err() != nil { // we broke it off
			out.err = ctx.Err()
			return out
		}
	} else {
		out.answer.Attempt = Attempt{At: h.now(), Error: CodeSuperseded}
	}
	if h.afterSend != nil {
		h.afterSend(d)
	}
	d.learn(&out.answer)
	h.attempts[d.Outcome].Add(1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	out.reload, out.err = h.record(ctx, d)
	return out
}

// record writes a delivery down. What waits is written before the log, and the log
// before what waits is taken away: whoever dies in between sends again, and never
// forgets. reload: somebody else wrote its waiting record.
func (h *Hooks) record(ctx context.Context, d *Delivery) (reload bool, err error) {
	if d.Outcome == Waiting {
		if err = h.put(ctx, d); errors.Is(err, content.ErrConflict) {
			reload, err = true, nil
		}
	}
	if err == nil {
		err = h.note(ctx, d)
	}
	if err == nil && d.Outcome != Waiting && d.version > 0 {
		if err = h.drop(ctx, kindWaiting, d.Subscription+"/"+d.Key, d.version); errors.Is(err, content.ErrConflict) {
			reload, err = true, nil
		}
	}
	return reload, err
}

// learn takes in what came of an attempt.
func (d *Delivery) learn(a *answerOf) {
	d.Attempts = append(d.Attempts, a.Attempt)
	d.Attempts = d.Attempts[max(0, len(d.Attempts)-maxAttempts):]
	if d.First.IsZero() {
		d.First = a.At
	}
	early := !d.early.IsZero() && a.At.Before(d.Next)
	d.early = time.Time{}
	if !early {
		d.Tries++
	}
	switch {
	case a.Error == "":
		d.Outcome, d.Next = Delivered, time.Time{}
	case a.Error == CodeSuperseded:
		d.Outcome, d.Next = Skipped, time.Time{}
	case a.Error == CodeGone, d.Event == TestPing, d.Tries > len(schedule):
		d.Outcome, d.Next = Failed, time.Time{}
	default:
		d.Outcome = Waiting
		if !early {
			d.Next = a.At.Add(jittered(schedule[d.Tries-1]))
		}
		if asked := a.At.Add(a.retryAfter); d.Next.Before(asked) {
			d.Next = asked
		}
	}
}

// enter waits for a slot. A request gives it back when it ends, or goes on without
// it when it takes long.
func (h *Hooks) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	back := sync.OnceFunc(func() { <-h.slots })
	timer := time.AfterFunc(slowAfter, back)
	return func() { timer.Stop(); back() }, nil
}

// The pauses of a receiver that fails in everything.
const (
	downAfter    = 3 // different deliveries in a row
	firstPause   = 5 * time.Second
	longestPause = 5 * time.Minute
	pullEvery    = time.Minute
)

// settle takes in a result.
func (t *turn) settle(r result) {
	d := r.d
	delete(t.flying, d.Key)
	delete(t.threads, d.thread())
	t.settled++
	t.reload = t.reload || r.reload
	if r.err != nil {
		// It may have been sent, and is not written down: the cursor stays before it,
		// or its waiting record is there.
		t.trouble, t.stop = errors.Join(t.trouble, r.err), true
		return
	}
	delete(t.direct, d.Seq)
	at := slices.IndexFunc(t.waiting, func(w *Delivery) bool { return w.Key == d.Key })
	switch {
	case d.Outcome == Waiting && at < 0:
		t.waiting = append(t.waiting, d)
		t.sort()
	case d.Outcome != Waiting && at >= 0:
		t.waiting = slices.Delete(t.waiting, at, at+1)
	}
	t.slow = r.answer.Millis > slowAfter.Milliseconds()
	switch d.Outcome {
	case Delivered:
		t.proven = true
		t.succeeded(r.answer.At)
	case Waiting, Failed:
		t.failed(d, &r.answer)
	}
}

// succeeded notes that the receiver is well. When it was down, what failed
// meanwhile is sent now, without waiting for its hour.
func (t *turn) succeeded(at time.Time) {
	if t.down >= downAfter && at.Sub(t.lastPull) >= pullEvery {
		t.lastPull = at
		for _, w := range t.waiting {
			if n := len(w.Attempts); n > 0 && w.Attempts[n-1].At.After(t.lane.LastSuccess) && w.Next.After(at) {
				w.early = at
			}
		}
	}
	t.down, t.lastFailed, t.pause = 0, "", time.Time{}
	t.lane.LastSuccess, t.lane.FailingSince = at, time.Time{}
}

// failed notes that it is not. After several failures of different deliveries in a
// row it is left alone for a while.
func (t *turn) failed(d *Delivery, a *answerOf) {
	if t.lane.FailingSince.IsZero() {
		t.lane.FailingSince = a.At
	}
	if d.Key != t.lastFailed {
		t.down, t.lastFailed = t.down+1, d.Key
	}
	if t.down >= downAfter {
		t.pause = a.At.Add(min(longestPause, firstPause<<min(t.down-downAfter, 10)))
	}
	if asked := a.At.Add(a.retryAfter); a.retryAfter > 0 && t.pause.Before(asked) {
		t.pause = asked
	}
	switch {
	case a.Error == CodeGone:
		t.ended, t.stop = CodeGone, true
	case d.Outcome == Failed && d.Event != TestPing && t.lane.LastSuccess.Before(d.First) && a.At.Sub(d.First) >= giveUp:
		t.ended, t.stop = CodeGaveUp, true
	}
}

// replayAhead is how many repetitions are made to wait at once.
const replayAhead = 50

// replay writes down some of the news that somebody asked for again, and says
// whether there may be something to send now.
func (t *turn) replay(ctx context.Context) (more bool, err error) {
	if len(t.lane.Spans) == 0 || len(t.waiting) >= replayAhead {
		return false, nil
	}
	sp := t.lane.Spans[0]
	list, end, err := t.h.notices(ctx, sp.After)
	if err != nil {
		return false, err
	}
	if end <= sp.After {
		end = sp.End
	}
	for i := range list {
		n := &list[i]
		if n.seq > sp.End {
			break
		}
		if n.at.Before(sp.From) || !n.at.Before(sp.To) || !t.h.wants(&t.s.Filter, n) {
			continue
		}
		if len(t.waiting) >= replayAhead {
			end = n.seq - 1
			break
		}
		d := newDelivery(t.id, n)
		d.Replay = true
		switch err := t.h.put(ctx, d); {
		case errors.Is(err, content.ErrConflict): // it waits already
		case err != nil:
			return false, err
		default:
			t.waiting = append(t.waiting, d)
			t.sort()
		}
	}
	err = t.write(ctx, func(l *lane) {
		if len(l.Spans) == 0 {
			return
		}
		l.Spans = slices.Clone(l.Spans)
		if l.Spans[0].After = end; end >= l.Spans[0].End {
			l.Spans = l.Spans[1:]
		}
	})
	return err == nil && !t.lost, err
}
