package freshness

import (
	"context"
	"errors"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
)

// delivery is what is known of one message.
type delivery struct {
	// Claimed is when a process began to send it; zero when none does.
	Claimed time.Time `json:"claimed,omitzero"`
	// Claims are the beginnings whose end nobody knows.
	Claims int `json:"claims,omitempty"`
	// Failures are the attempts in vain, and Rejections those of them at which the
	// server would not have the text. Again is when the next may be made.
	Failures   int       `json:"failures,omitempty"`
	Rejections int       `json:"rejections,omitempty"`
	Again      time.Time `json:"again,omitzero"`
	// Sent is when it went; Refused says that it cannot.
	Sent    time.Time `json:"sent,omitzero"`
	Refused bool      `json:"refused,omitempty"`
}

const (
	// lease is how long a process may take to send a message; mail's own limit is
	// much shorter.
	lease = 10 * time.Minute
	// maxClaims is how often a message is begun whose sending nobody saw the end of.
	maxClaims = 2
	// maxRejections is how often a text is offered that the server will not have.
	maxRejections = 3
	// maxWait is the longest pause between two attempts.
	maxWait = 24 * time.Hour
)

// done says that nothing more happens to the message.
func (d *delivery) done() bool { return !d.Sent.IsZero() || d.Refused }

// open says that somebody began, and it is not done.
func (d *delivery) open() bool { return !d.done() && (!d.Claimed.IsZero() || d.Failures > 0) }

// claim says whether this process is to send the message now. The caller stores
// the change before it sends.
func (d *delivery) claim(now time.Time) (send, changed bool) {
	switch {
	case d.done(), now.Before(d.Again):
		return false, false
	case !d.Claimed.IsZero() && now.Before(d.Claimed.Add(lease)):
		return false, false
	case d.Claims >= maxClaims:
		d.Sent, d.Claimed = d.Claimed, time.Time{}
		return false, true
	}
	d.Claimed = now
	d.Claims++
	return true, true
}

// try says what claim would, and claims nothing.
func (d delivery) try(now time.Time) (send, changed bool) { return d.claim(now) }

// settle notes how sending ended.
func (d *delivery) settle(now time.Time, err error) {
	d.Claimed, d.Claims = time.Time{}, 0
	if errors.Is(err, mail.ErrRejected) {
		d.Rejections++
	}
	switch {
	case err == nil:
		d.Sent, d.Again, d.Failures = now, time.Time{}, 0
	case errors.Is(err, mail.ErrAddress), errors.Is(err, mail.ErrMessage), d.Rejections >= maxRejections:
		d.Refused = true
	default:
		d.Failures++
		d.Again = now.Add(min(maxWait, 50*time.Minute<<min(d.Failures-1, 6)))
	}
}

// bounds are the messages that may still go out in a turn.
type bounds struct {
	left  int
	fails int // in a row
}

// maxFails ends a turn: the mail server is down, and each attempt may take long.
const maxFails = 3

func (b *bounds) over() bool { return b.left <= 0 || b.fails >= maxFails }

// outcome is what deliver did.
type outcome int

const (
	idle   outcome = iota // there was nothing to send now
	busy                  // another process has it
	sent                  // it went
	failed                // it did not go
)

// deliver sends one message that a record of type T holds the delivery of. pick
// finds it in the record, or gives nil when it is not there any more; v and
// version are the record as it was read and are brought up to date. after, which
// may be nil, changes the record when the message is done.
func deliver[T any](ctx context.Context, k *Keeper, b *bounds, kind, id string, v *T, version *int64, pick func(*T) *delivery, message func() (mail.Message, error), after func(*T)) (outcome, error) {
	d := pick(v)
	if d == nil || b.over() {
		return idle, nil
	}
	before := *d
	send, changed := d.claim(k.now())
	if !changed {
		return idle, nil
	}
	var m mail.Message
	var err error
	if send {
		if m, err = message(); err != nil {
			*d = before
			return idle, err
		}
	} else if after != nil {
		after(v)
	}
	if err := k.write(ctx, kind, id, v, *version); err != nil {
		if errors.Is(err, content.ErrConflict) {
			return busy, nil
		}
		return idle, err
	}
	*version++
	if !send {
		return idle, nil
	}
	b.left--
	wrong := k.sender.Send(ctx, m)
	if wrong != nil && ctx.Err() != nil {
		return failed, wrong // it is not known how it ended: as after a crash
	}
	did := failed
	if b.fails++; wrong == nil {
		did = sent
	}
	final := errors.Is(wrong, mail.ErrAddress) || errors.Is(wrong, mail.ErrMessage) || errors.Is(wrong, mail.ErrRejected)
	if wrong == nil || final { // the server is there
		b.fails = 0
	}
	// The message has gone or not, whatever happens to the record now.
	ctx = context.WithoutCancel(ctx)
	for range 20 {
		d.settle(k.now(), wrong)
		if d.done() && after != nil {
			after(v)
		}
		err := k.write(ctx, kind, id, v, *version)
		if err == nil {
			*version++
			break
		}
		if !errors.Is(err, content.ErrConflict) {
			return did, errors.Join(wrong, err)
		}
		if *v, *version, err = read[T](ctx, k, kind, id); err != nil {
			return did, errors.Join(wrong, err)
		}
		if d = pick(v); d == nil {
			break // the record is about something newer
		}
	}
	if errors.Is(wrong, mail.ErrAddress) {
		k.log.Info("nobody is at an address that was to be asked", "kind", kind, "id", id)
		return did, nil
	}
	return did, wrong
}
