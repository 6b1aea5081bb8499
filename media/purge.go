package media

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
)

// strayAge is how old a file must be that no Item knows before it goes: an Add
// that is under way writes its files first.
const strayAge = 24 * time.Hour

// Purger finds what is not used any more: items that no content has used since
// olderThan, and files that no Item knows. used says whether content uses an
// item now. Files of an item that was never here stay while content uses it: the
// store may be another one than they belong to, or filled by an import.
//
// That an item is unused is noted (Item.UnusedSince) when it is first seen; it
// goes when that is long enough ago and it is still unused. So what was in use
// until yesterday has its whole time, however old it is.
func (l *Library) Purger(used func(ctx context.Context, id string) (bool, error)) audit.Purger {
	return &purger{l, used}
}

type purger struct {
	l    *Library
	used func(ctx context.Context, id string) (bool, error)
}

// Kind is the kind of data in the retention table.
func (p *purger) Kind() string { return "media_unused" }

// Purge removes and says how many items and stray files went.
func (p *purger) Purge(ctx context.Context, olderThan time.Time) (int, error) {
	by := content.System("retention")
	removed, after := 0, ""
	for {
		items, err := p.l.List(ctx, after, 200)
		if err != nil {
			return removed, err
		}
		for _, item := range items {
			after = item.ID
			gone, err := p.item(ctx, by, item, olderThan)
			if err != nil {
				return removed, err
			}
			if gone {
				removed++
			}
		}
		if len(items) == 0 {
			break
		}
	}
	strays, err := p.sweepStrays(ctx)
	return removed + strays, err
}

func (p *purger) item(ctx context.Context, by content.Actor, item Item, olderThan time.Time) (gone bool, err error) {
	used, err := p.used(ctx, item.ID)
	if err != nil {
		return false, err
	}
	noted := !item.UnusedSince.IsZero()
	switch {
	case !used && noted && item.UnusedSince.Before(olderThan):
		err := p.l.remove(ctx, by, item, "unused")
		if isNotFound(err) {
			return false, nil // somebody else was faster
		}
		return err == nil, err
	case used != noted: // nothing new
		return false, nil
	}
	_, err = audit.Change(ctx, p.l.ledger, recordKind, item.ID, by, func(v *Item, exists bool) (string, map[string]string, error) {
		if !exists {
			return "", nil, notFound()
		}
		v.UnusedSince = time.Time{}
		if !used {
			v.UnusedSince = p.l.now()
		}
		return "", nil, nil
	})
	if isNotFound(err) {
		err = nil
	}
	return false, err
}

func isNotFound(err error) bool {
	return err != nil && content.AsProblem(err).Class == content.NotFound
}

// sweepStrays removes the files of an Add or a Remove that did not end, and says
// how many.
func (p *purger) sweepStrays(ctx context.Context) (int, error) {
	before := p.l.clock().Add(-strayAge)
	removed := 0
	var id string
	var item Item
	var kept bool
	list := p.l.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return removed, nil
		}
		if err != nil {
			return removed, unavailable(err)
		}
		of, name, _ := strings.Cut(strings.TrimPrefix(o.Key, prefix), "/")
		if o.IsDir || !o.ModTime.Before(before) {
			continue
		}
		if of != id { // the list is in order: an item's files stand together
			id, kept = of, false
			item, err = p.l.Get(ctx, id)
			if isNotFound(err) {
				item = Item{}
				kept, err = p.foreign(ctx, id)
			}
			if err != nil {
				return removed, err
			}
		}
		if kept || item.file(name) != nil {
			continue
		}
		if err := p.l.deleteFiles(ctx, o.Key); err != nil {
			return removed, unavailable(err)
		}
		removed++
	}
}

// foreign reports whether an item was never here (one that was removed has left
// the end of its chain) and is used all the same.
func (p *purger) foreign(ctx context.Context, id string) (bool, error) {
	if !ValidID(id) {
		return false, nil
	}
	_, err := p.l.ledger.Records().GetRecord(ctx, recordKind, id)
	if !errors.Is(err, content.ErrNotFound) {
		return false, err
	}
	return p.used(ctx, id)
}
