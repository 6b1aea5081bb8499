package webhooks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// The kinds of records.
const (
	kindLane     = "webhook_lane"     // by subscription: the cursor and the claim
	kindWaiting  = "webhook_waiting"  // subscription/key: what is to be sent (again)
	kindDelivery = "webhook_delivery" // subscription/place: the log, the newest first
)

// Outcome is what became of a delivery.
type Outcome string

// The outcomes.
const (
	Waiting   Outcome = "waiting"   // it failed and is tried again at Next
	Delivered Outcome = "delivered" // the receiver said 2xx
	Failed    Outcome = "failed"    // it is not tried again
	Skipped   Outcome = "skipped"   // nothing was sent: it was not true any more
)

// Outcomes lists them.
var Outcomes = []Outcome{Waiting, Delivered, Failed, Skipped}

// Delivery is one message to one receiver, with every attempt to send it.
type Delivery struct {
	// Key names it among those of its subscription; messages are numbered by the
	// log, so it is the same however often the message is made.
	Key          string    `json:"key"`
	Subscription string    `json:"subscription"`
	Event        string    `json:"event"`
	At           time.Time `json:"at"` // when it happened
	Seq          int64     `json:"seq,omitempty"`
	Document     string    `json:"document,omitempty"`
	Type         string    `json:"type,omitempty"`
	Collection   string    `json:"collection,omitempty"`
	Locale       string    `json:"locale,omitempty"`
	Other        string    `json:"other,omitempty"`
	Build        string    `json:"build,omitempty"`
	Changed      int       `json:"changed,omitempty"`
	Replay       bool      `json:"replay,omitempty"` // somebody asked for it again

	Outcome  Outcome   `json:"outcome"`
	Attempts []Attempt `json:"attempts"` // the last maxAttempts
	// Tries counts the attempts of the schedule so far, Next is when the one after
	// is due.
	Tries int       `json:"tries,omitempty"`
	First time.Time `json:"first,omitzero"`
	Next  time.Time `json:"next,omitzero"`

	version int64     // of its waiting record; zero: it has none
	early   time.Time // due before Next, since the receiver is back
}

// Attempt is one request, or why there was none.
type Attempt struct {
	At time.Time `json:"at"`
	// Status is that of the answer, zero when none came.
	Status int `json:"status,omitempty"`
	// Millis is how long it took.
	Millis int64 `json:"ms"`
	// Error is a code of Codes, empty for a success.
	Error string `json:"error,omitempty"`
	// Answer is the beginning of the body of a failure, as clean text.
	Answer string `json:"answer,omitempty"`
}

// maxAttempts bounds what is kept of a delivery that is sent again and again.
const maxAttempts = 20

// ID is the webhook-id: the same whenever this message is sent.
func (d *Delivery) ID() string { return "msg_" + d.Subscription + "_" + d.Key }

// thread names what deliveries are ordered by: those of one document come one
// after the other.
func (d *Delivery) thread() string {
	if d.Document != "" {
		return d.Document
	}
	return d.Event + d.Key
}

// due is when it may be sent.
func (d *Delivery) due() time.Time {
	if !d.early.IsZero() && d.early.Before(d.Next) {
		return d.early
	}
	return d.Next
}

// Keys of what has no place in the log begin with a letter, and so come after.
const (
	keyBuild = "build_"
	keyPing  = "ping_"
)

func seqKey(seq int64) string { return fmt.Sprintf("%016x", seq) }

func buildKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return keyBuild + hex.EncodeToString(sum[:8])
}

// newDelivery makes the delivery of a notice.
func newDelivery(subscription string, n *notice) *Delivery {
	return &Delivery{
		Key: seqKey(n.seq), Subscription: subscription, Event: n.event, At: n.at, Seq: n.seq, Document: n.document, Type: n.typ,
		Collection: n.collection, Locale: n.locale, Other: n.other, Outcome: Waiting,
	}
}

// place is the id of its entry in the log, which lists the newest first.
func (d *Delivery) place() string {
	return d.Subscription + "/" + fmt.Sprintf("%016x", math.MaxInt64-d.At.UnixMilli()) + "-" + d.Key
}

// Place is where a list goes on behind it.
func (d *Delivery) Place() string { return strings.TrimPrefix(d.place(), d.Subscription+"/") }

// note writes the delivery into the log, over what is there.
func (h *Hooks) note(ctx context.Context, d *Delivery) error {
	expect := int64(0)
	for range swaps {
		out := *d
		if d.Replay || len(d.Attempts) > 1 || expect > 0 {
			old, version, err := h.logged(ctx, d)
			if err != nil {
				return err
			}
			expect = version
			out.Attempts = merge(old.Attempts, d.Attempts)
		}
		data, err := json.Marshal(&out)
		if err != nil {
			return err
		}
		err = h.records.PutRecord(ctx, &content.Record{Kind: kindDelivery, ID: d.place(), Data: data, At: h.now()}, expect)
		if !errors.Is(err, content.ErrConflict) {
			return err
		}
		expect = 1 // there is one: read it
	}
	return content.ErrConflict
}

// swaps is how often a lost compare-and-swap begins again.
const swaps = 20

// logged reads what the log has of a delivery; a version of zero: nothing.
func (h *Hooks) logged(ctx context.Context, d *Delivery) (old Delivery, version int64, err error) {
	r, err := h.records.GetRecord(ctx, kindDelivery, d.place())
	if errors.Is(err, content.ErrNotFound) {
		return old, 0, nil
	}
	if err != nil {
		return old, 0, err
	}
	if err := json.Unmarshal(r.Data, &old); err != nil {
		return old, 0, fmt.Errorf("webhooks: the log of %s: %w", d.ID(), err)
	}
	return old, r.Version, nil
}

// merge joins two lists of attempts, in their order, and keeps the last.
func merge(a, b []Attempt) []Attempt {
	out := slices.Concat(a, b)
	slices.SortStableFunc(out, func(x, y Attempt) int { return x.At.Compare(y.At) })
	out = slices.CompactFunc(out, func(x, y Attempt) bool { return x.At.Equal(y.At) })
	return out[max(0, len(out)-maxAttempts):]
}

// put writes a delivery's waiting record over the version that it was read with.
// Its version is the new one afterwards. ErrConflict: somebody else wrote.
func (h *Hooks) put(ctx context.Context, d *Delivery) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	err = h.records.PutRecord(ctx, &content.Record{Kind: kindWaiting, ID: d.Subscription + "/" + d.Key, Data: data, At: h.now()}, d.version)
	if err == nil {
		d.version++
	}
	return err
}

// drop deletes a record; one that is gone already is no error.
func (h *Hooks) drop(ctx context.Context, kind, id string, version int64) error {
	err := h.records.DeleteRecord(ctx, kind, id, version)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	return err
}

// listWaiting reads what waits for a subscription, in order.
func (h *Hooks) listWaiting(ctx context.Context, subscription string) (out []*Delivery, err error) {
	err = h.each(ctx, kindWaiting, subscription, "", func(r *content.Record) (bool, error) {
		d := &Delivery{}
		if err := json.Unmarshal(r.Data, d); err != nil {
			return false, fmt.Errorf("webhooks: waiting %s: %w", r.ID, err)
		}
		d.version = r.Version
		out = append(out, d)
		return true, nil
	})
	return out, err
}

// each visits the records of a kind that are a subscription's, after a place.
func (h *Hooks) each(ctx context.Context, kind, subscription, after string, visit func(*content.Record) (bool, error)) error {
	const page = 200
	prefix := subscription + "/"
	after = prefix + after
	for {
		list, err := h.records.ListRecords(ctx, kind, after, page)
		if err != nil {
			return err
		}
		for _, r := range list {
			if !strings.HasPrefix(r.ID, prefix) {
				return nil
			}
			after = r.ID
			if more, err := visit(r); err != nil || !more {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// Query asks for a part of the log of deliveries.
type Query struct {
	Document string  // only of this one
	Outcome  Outcome // only with this one
	After    string  // Delivery.Place of the last seen
	Limit    int     // below one: no limit
}

// Deliveries lists what was sent to a subscription, or tried, by when it happened,
// the newest first. What has not been tried yet is not in it.
func (h *Hooks) Deliveries(ctx context.Context, subscription string, q Query) (out []*Delivery, err error) {
	if _, err := h.Get(ctx, subscription); err != nil {
		return nil, err
	}
	err = h.each(ctx, kindDelivery, subscription, q.After, func(r *content.Record) (bool, error) {
		d := &Delivery{}
		if err := json.Unmarshal(r.Data, d); err != nil {
			return false, fmt.Errorf("webhooks: the log entry %s: %w", r.ID, err)
		}
		if (q.Document == "" || d.Document == q.Document) && (q.Outcome == "" || d.Outcome == q.Outcome) {
			out = append(out, d)
		}
		return q.Limit < 1 || len(out) < q.Limit, nil
	})
	return out, err
}

// Purger deletes what is old in the log of deliveries.
func (h *Hooks) Purger() audit.Purger { return purger{h} }

type purger struct{ h *Hooks }

func (purger) Kind() string { return "deliveries" }

func (p purger) Purge(ctx context.Context, olderThan time.Time) (count int, err error) {
	const page = 200
	for after := ""; ; {
		list, err := p.h.records.ListRecords(ctx, kindDelivery, after, page)
		if err != nil {
			return count, err
		}
		for _, r := range list {
			after = r.ID
			if !r.At.Before(olderThan) {
				continue
			}
			switch err := p.h.drop(ctx, kindDelivery, r.ID, r.Version); {
			case errors.Is(err, content.ErrConflict): // it was sent again just now
			case err != nil:
				return count, err
			default:
				count++
			}
		}
		if len(list) < page {
			return count, nil
		}
	}
}

// parseSeq reads the place in the log from a key.
func parseSeq(key string) (int64, bool) {
	seq, err := strconv.ParseInt(key, 16, 64)
	return seq, err == nil && len(key) == 16
}
