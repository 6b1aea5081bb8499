// Package auth says who is calling, and keeps who may do what.
//
// A caller shows one of two things, and both end in a content.Actor with the
// grants that hold now; what the actor may then do is decided by package content
// and nowhere else.
//
//	cookie ──▶ AuthenticateSession ─┐                      ┌▶ cache, at most 2 s
//	                                ├▶ record ─▶ person ───┤
//	token  ──▶ AuthenticateToken ───┘   (hash)   effective └▶ content.Actor
//
// How somebody comes to have one:
//
//	provider's login ─▶ SignIn ─▶ Person ─▶ StartSession ─▶ cookie
//	one-time link ────▶ UseLink ──┘            (rotates)
//	signed in ────────▶ CreateToken ─▶ prassi_…, shown once
//
// Persons and tokens change through the audit ledger: the change and its entry
// are one write. Sessions, links and the guards against replay are plain records
// that retention removes (Purgers); their beginnings and ends are noted.
//
// # Two sides of one truth
//
// There are no transactions over several records, so whatever joins two of them
// is believed only when both say so. An identity's record says where to look;
// the person's says whether it is theirs. A delegated role counts only while the
// person who gave it holds the role undelegated and names the receiver, one from
// a provider's claim only for a while after the last login there. A crash
// in between leaves something that counts for nothing, and the next attempt
// completes it.
//
// # Secrets
//
// What is shown carries 256 bits of randomness, so a slow password hash would
// add nothing but load: its SHA-256 is stored, and compared in constant time. A
// token ends in a checksum, so typing errors are refused without asking the
// store, and scanners can find tokens that leaked without false alarms; the
// regular expression is
//
//	prassi_[0-9A-Za-z]{69}
//
// where the last six characters are the CRC-32 (IEEE) of what is before them, in
// base 62 with the digits 0-9A-Za-z. There is no lockout: guesses are bounded by
// the API's rate limits and by their cost, 2^256.
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// The kinds of records. Persons, tokens and keys are the ledger's, the others plain.
const (
	kindPerson     = "person"
	kindToken      = "token"
	kindKey        = "key"
	kindSession    = "session"    // by the person's tag and the session's id
	kindIdentity   = "identity"   // by the hash of issuer and subject: where to look
	kindInvitation = "invitation" // by the hash of the address: where to look
	kindLink       = "link"
	kindOnce       = "once"
	kindLeaving    = "leaving" // one record: administrators whose role is about to end
)

// ErrInvalid is every failed authentication; which part failed is not told.
var ErrInvalid = errors.New("invalid credentials")

// Options are the limits of an Auth; their zero values are good.
type Options struct {
	Clock    func() time.Time // time.Now
	Idle     time.Duration    // a session without requests ends: 2 hours
	Absolute time.Duration    // a session ends however busy: 12 hours
	// Mapped is how long roles from a provider's claims count after the person's
	// last login there: 30 days.
	Mapped time.Duration
	// Providers names the providers that are configured: roles from the claims of
	// others do not count. Nil, as on the command line: nobody knows, and they do.
	Providers func() []string
}

// The limits of a session where Options say nothing.
const (
	DefaultIdle     = 2 * time.Hour
	DefaultAbsolute = 12 * time.Hour
	// DefaultMapped is Options.Mapped where it says nothing.
	DefaultMapped = 30 * 24 * time.Hour
)

// Auth issues and checks credentials. It is safe for concurrent use.
type Auth struct {
	ledger         *audit.Ledger
	records        audit.Records
	clock          func() time.Time
	idle, absolute time.Duration
	mapped         time.Duration
	providers      func() []string
	cache          cache

	mu   sync.Mutex
	keys map[string][32]byte
}

// New makes an Auth over the ledger and its records.
func New(ledger *audit.Ledger, opt Options) *Auth {
	a := &Auth{ledger: ledger, records: ledger.Records(), clock: opt.Clock, idle: opt.Idle, absolute: opt.Absolute, mapped: opt.Mapped, providers: opt.Providers, keys: map[string][32]byte{}}
	if a.clock == nil {
		a.clock = time.Now
	}
	if a.idle <= 0 {
		a.idle = DefaultIdle
	}
	if a.absolute <= 0 {
		a.absolute = DefaultAbsolute
	}
	if a.mapped <= 0 {
		a.mapped = DefaultMapped
	}
	return a
}

func (a *Auth) now() time.Time { return a.clock().UTC().Truncate(time.Millisecond) }

// read reads a plain record and its version, or content.ErrNotFound.
func read[T any](ctx context.Context, a *Auth, kind, id string) (v T, version int64, err error) {
	r, err := a.records.GetRecord(ctx, kind, id)
	if err != nil {
		return v, 0, err
	}
	if err := json.Unmarshal(r.Data, &v); err != nil {
		return v, 0, fmt.Errorf("%s record: %w", kind, err)
	}
	return v, r.Version, nil
}

// write stores a plain record by compare-and-swap, or content.ErrConflict;
// expect zero inserts.
func (a *Auth) write(ctx context.Context, kind, id string, v any, expect int64) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.records.PutRecord(ctx, &content.Record{Kind: kind, ID: id, Data: data, At: a.now()}, expect)
}

// drop removes a plain record whatever its version; one that is not there is no
// error.
func (a *Auth) drop(ctx context.Context, kind, id string) error {
	return again(func() error {
		r, err := a.records.GetRecord(ctx, kind, id)
		if err == nil {
			err = a.records.DeleteRecord(ctx, kind, id, r.Version)
		}
		if errors.Is(err, content.ErrNotFound) {
			return nil
		}
		return err
	})
}

// again repeats what lost a race.
func again(do func() error) error {
	const most = 50
	for try := 1; ; try++ {
		if err := do(); try == most || !errors.Is(err, content.ErrConflict) {
			return err
		}
	}
}

// each reads all plain records of a kind whose id begins with prefix.
func each[T any](ctx context.Context, a *Auth, kind, prefix string, do func(id string, version int64, v T) error) error {
	const page = 200
	for after := prefix; ; {
		rows, err := a.records.ListRecords(ctx, kind, after, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			after = r.ID
			if len(r.ID) < len(prefix) || r.ID[:len(prefix)] != prefix {
				return nil
			}
			var v T
			if err := json.Unmarshal(r.Data, &v); err != nil {
				return fmt.Errorf("%s record: %w", kind, err)
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

// earlier gives the earlier of two ends, where zero never comes.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// someone refuses nobody: a missing actor is no permission.
func someone(by content.Actor) error {
	if by.Anonymous() {
		return &content.Problem{Class: content.Unauthenticated, Code: "unauthenticated"}
	}
	return nil
}
