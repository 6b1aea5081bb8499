// Package freshness keeps the promise that facts are checked: it asks those who
// know, tells the councils, and lets what nobody confirms fade from the public.
//
//	            ┌▶ content.Service.Age    what the public sees (never waits for a mail)
//	Run, hourly ┼▶ reminders              assurer ▸ the organisation's people ▸ contact
//	            └▶ digests                the council of the territory
//	Tell, each minute ▶ what somebody said has changed, to the council
//
//	mail ─▶ /confirm/{token} ─▶ Open (shows, changes nothing)
//	                            ├▶ Confirm ─▶ content.Service.Assure
//	                            └▶ Report  ─▶ a record, which Tell sends on
//
// The dates come from schemas.Freshness and the assured date of each document, in
// civil days of Europe/Rome. What was sent lies in records beside the documents:
// asked says of a document who is to confirm it, and answers to one assured date,
// so that it begins anew when somebody confirms; a box says of an address what it
// was told. A reminder lists all that somebody is asked about, at most mostItems
// documents, and like the digest comes once a day at most.
//
// # Never two mails
//
// Any number of processes may do all this at once. Before a message goes out its
// box says that it is going (compare-and-swap), afterwards that it has gone; the
// documents note it then, and again at the next turn if that failed. A process
// that dies in between leaves the first word without the second: after lease the
// message is sent once more, with the same Message-ID, and then no more. What a
// server refuses for now is tried again, ever less often; what it refuses for good
// makes the next address be asked.
//
// # Links
//
// A link holds what it is for (document, assured date, whom it was sent to, until
// when) and an HMAC-SHA-256 over that. Nothing is stored for it. It ends when the
// document is confirmed, by it or otherwise, when the one it was sent to is not
// asked any more (another assurer, a role that ended), or at its date. Who has it
// may confirm that one document, and nothing else.
package freshness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/mail"
)

// Options are what a Keeper stands on. Store, Service, Auth and PublicURL are
// needed.
type Options struct {
	Store   content.Store
	Service *content.Service
	Auth    *auth.Auth
	// Sender takes the messages. Without one nobody is asked, and facts age all the
	// same.
	Sender mail.Sender
	// PublicURL is how the outside reaches this server, for the links.
	PublicURL string
	// Contact is the address to turn to with questions; optional.
	Contact string
	// Clock gives the time; time.Now when nil.
	Clock func() time.Time
	Log   *slog.Logger
	// Daily bounds the reminders of one day, so that an import of many old services
	// does not flood anybody: 500 when it is 0, none when it is below. A tenth may go
	// in one turn; what waits goes on the next days.
	Daily int
}

// Keeper is safe for concurrent use, in one process and in several.
type Keeper struct {
	store   content.Store
	service *content.Service
	auth    *auth.Auth
	sender  mail.Sender
	public  string
	contact string
	clock   func() time.Time
	log     *slog.Logger
	daily   int // below 0 for none
	waiting atomic.Int64

	mu     sync.Mutex
	survey survey
}

// New makes a Keeper.
func New(opt Options) *Keeper {
	k := &Keeper{
		store: opt.Store, service: opt.Service, auth: opt.Auth, sender: opt.Sender, public: strings.TrimRight(opt.PublicURL, "/"),
		contact: opt.Contact, clock: opt.Clock, log: opt.Log, daily: opt.Daily,
	}
	if k.clock == nil {
		k.clock = time.Now
	}
	if k.log == nil {
		k.log = slog.Default()
	}
	if k.daily == 0 {
		k.daily = 500
	}
	return k
}

// Kinds of records.
const (
	kindAsked    = "freshness"          // by document: asked
	kindReminder = "freshness_reminder" // by address: box
	kindDigest   = "freshness_digest"   // by person: box
	kindReport   = "freshness_report"   // by document and time: report
)

// turns are how many turns a day's reminders are spread over, at least.
const turns = 10

// The actors of background work.
var (
	ageing       = content.System("freshness")
	confirmation = content.System("confirmation")
)

func (k *Keeper) now() time.Time { return k.clock().UTC().Truncate(time.Millisecond) }

// today is the time in Rome; schemas.Freshness reads the day that it shows there.
func (k *Keeper) today() time.Time { return k.now().In(content.Rome) }

// read reads a record and its version, zero when there is none.
func read[T any](ctx context.Context, k *Keeper, kind, id string) (v T, version int64, err error) {
	r, err := k.store.GetRecord(ctx, kind, id)
	if errors.Is(err, content.ErrNotFound) {
		return v, 0, nil
	}
	if err != nil {
		return v, 0, err
	}
	if err := json.Unmarshal(r.Data, &v); err != nil {
		return v, 0, fmt.Errorf("%s record %s: %w", kind, id, err)
	}
	return v, r.Version, nil
}

// write stores a record by compare-and-swap, or gives content.ErrConflict.
func (k *Keeper) write(ctx context.Context, kind, id string, v any, expect int64) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return k.store.PutRecord(ctx, &content.Record{Kind: kind, ID: id, Data: data, At: k.now()}, expect)
}

// each reads all records of a kind whose id begins with prefix.
func each[T any](ctx context.Context, k *Keeper, kind, prefix string, do func(id string, version int64, v T) error) error {
	const page = 200
	for after := prefix; ; {
		rows, err := k.store.ListRecords(ctx, kind, after, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if after = r.ID; !strings.HasPrefix(r.ID, prefix) {
				return nil
			}
			var v T
			if err := json.Unmarshal(r.Data, &v); err != nil {
				return fmt.Errorf("%s record %s: %w", kind, r.ID, err)
			}
			if err := do(r.ID, r.Version, v); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
	}
}
