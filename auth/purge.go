package auth

import (
	"context"
	"errors"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// Purgers gives what removes, for retention, what has been over for a while:
// sessions, tokens, links, and guards against replay; and erases people who have
// no use for being known here (stories).
func (a *Auth) Purgers() []audit.Purger {
	return []audit.Purger{
		purger{"sessions", func(ctx context.Context, before time.Time) (int, error) {
			return purge(ctx, a, kindSession, before, func(s *session) time.Time { return s.end(a.idle) })
		}},
		purger{"tokens", a.purgeTokens},
		purger{"links", func(ctx context.Context, before time.Time) (int, error) {
			return purge(ctx, a, kindLink, before, func(l *link) time.Time { return earlier(l.ExpiresAt, l.UsedAt) })
		}},
		purger{"once", func(ctx context.Context, before time.Time) (int, error) {
			return purge(ctx, a, kindOnce, before, func(o *once) time.Time { return o.Until })
		}},
		purger{"people_without_role", func(ctx context.Context, before time.Time) (int, error) { return a.forget(ctx, &visitors, before) }},
		purger{"invitations", func(ctx context.Context, before time.Time) (int, error) { return a.forget(ctx, &invitations, before) }},
	}
}

type purger struct {
	kind  string
	purge func(context.Context, time.Time) (int, error)
}

func (p purger) Kind() string { return p.kind }
func (p purger) Purge(ctx context.Context, olderThan time.Time) (int, error) {
	return p.purge(ctx, olderThan)
}

// purge removes the plain records of a kind that ended before that time.
func purge[T any](ctx context.Context, a *Auth, kind string, before time.Time, end func(*T) time.Time) (n int, err error) {
	err = each(ctx, a, kind, "", func(id string, version int64, v T) error {
		if !end(&v).Before(before) {
			return nil
		}
		err := a.records.DeleteRecord(ctx, kind, id, version)
		if errors.Is(err, content.ErrConflict) || errors.Is(err, content.ErrNotFound) {
			return nil // it has come to life, or another process was faster
		}
		if err == nil {
			n++
		}
		return err
	})
	return n, err
}

// purgeTokens leaves of each token the end of its chain.
func (a *Auth) purgeTokens(ctx context.Context, before time.Time) (n int, err error) {
	const page = 500
	for after := ""; ; {
		tokens, err := a.Tokens(ctx, after, page)
		if err != nil {
			return n, err
		}
		for _, t := range tokens {
			after = t.ID
			if !t.end().Before(before) {
				continue
			}
			err := audit.Drop(ctx, a.ledger, kindToken, t.ID, content.System("retention"), "", nil)
			if err != nil && !errors.Is(err, content.ErrNotFound) {
				return n, err
			}
			n++
		}
		if len(tokens) < page {
			return n, nil
		}
	}
}
