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
	// Failures are the attempts in vain; Again is when the next may be made.
	Failures int       `json:"failures,omitempty"`
	Again    time.Time `json:"again,omitzero"`
	// Sent is when it went; Refused says that nobody is at the address.
	Sent    time.Time `json:"sent,omitzero"`
	Refused bool      `json:"refused,omitempty"`
}

const (
	// lease is how long a process may take to send a message; mail's own limit is
	// much shorter.
	lease = 10 * time.Minute
	// maxClaims is how often a message is begun whose sending nobody saw the end of.
	maxClaims = 2
	// maxWait is the longest pause between two attempts.
	maxWait = 24 * time.Hour
)

// done says that nothing more happens to the message.
func (d *delivery) done() bool { return !d.Sent.IsZero() || d.Refused }

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

// settle notes how sending ended.
func (d *delivery) settle(now time.Time, err error) {
	d.Claimed, d.Claims = time.Time{}, 0
	switch {
	case err == nil:
		d.Sent, d.Again, d.Failures = now, time.Time{}, 0
	case errors.Is(err, mail.ErrAddress), errors.Is(err, mail.ErrMessage):
		d.Refused = true
	default:
		d.Failures++
		d.Again = now.Add(min(maxWait, 50*time.Minute<<min(d.Failures-1, 6)))
	}
}

// deliver sends one message that a record of type T holds the delivery of. pick
// finds it in the record, or gives nil when it is not there any more; v and
// version are the record as it was read and are brought up to date. busy says
// that another process has it.
func deliver[T any](ctx context.Context, k *Keeper, left *int, kind, id string, v *T, version *int64, pick func(*T) *delivery, message func() (mail.Message, error), after func(*T)) (busy bool, err error) {
	d := pick(v)
	if d == nil || *left <= 0 {
		return false, nil
	}
	before := *d
	send, changed := d.claim(k.now())
	if !changed {
		return false, nil
	}
	var m mail.Message
	if send {
		if m, err = message(); err != nil {
			*d = before
			return false, err
		}
	}
	if err := k.write(ctx, kind, id, v, *version); err != nil {
		*d = before
		if errors.Is(err, content.ErrConflict) {
			return true, nil
		}
		return false, err
	}
	*version++
	if !send {
		return false, nil
	}
	*left--
	sent := k.sender.Send(ctx, m)
	if sent != nil && ctx.Err() != nil {
		return false, sent // it is not known how it ended: as after a crash
	}
	// The message has gone or not, whatever happens to the record now.
	ctx = context.WithoutCancel(ctx)
	for range 20 {
		d.settle(k.now(), sent)
		if sent == nil && after != nil {
			after(v)
		}
		err := k.write(ctx, kind, id, v, *version)
		if err == nil {
			*version++
			break
		}
		if !errors.Is(err, content.ErrConflict) {
			return false, errors.Join(sent, err)
		}
		if *v, *version, err = read[T](ctx, k, kind, id); err != nil {
			return false, errors.Join(sent, err)
		}
		if d = pick(v); d == nil {
			break // the record is about something newer
		}
	}
	if errors.Is(sent, mail.ErrAddress) {
		k.log.Info("nobody is at an address that was to be asked", "kind", kind, "id", id)
		return false, nil
	}
	return false, sent
}
