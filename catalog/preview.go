package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Preview gives the long JSON of one variant as it would be if that revision (its
// hash) of it were published now, for eyes that need not be the editor's: places of
// a sensitive document are hidden as from the public, and what it refers to is shown
// only where it is public. The other languages are those that are live. Nothing is
// stored, and nothing of it is found by any reader of the catalogue.
//
// A document, variant or revision that is not there, or a draft that was thrown away,
// is content.ErrNotFound; other
// errors are the store's, or say why the revision cannot be rendered.
func (c *Catalog) Preview(ctx context.Context, id, locale, revision string) ([]byte, error) {
	d, err := c.source.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	shape := c.shapes[d.Type]
	if d.Variant(locale) == nil || shape == nil || d.Discarded {
		return nil, content.ErrNotFound
	}
	revs, err := c.chains(ctx, d, revision)
	if err != nil {
		return nil, err
	}
	r := revs[revision]
	if r == nil || r.Document != id || r.Locale != locale {
		return nil, content.ErrNotFound
	}
	would, err := published(d, r, shape)
	if err != nil {
		return nil, fmt.Errorf("catalog: preview of %s in %s: %w", id, locale, err)
	}
	l := c.assemble(would, revs, slices.Sorted(maps.Keys(revs))...)
	if err := c.readMedia(ctx, []*loadedDoc{l}); err != nil {
		return nil, err
	}
	snap := c.snap.Load()
	render := &renderer{c: c, card: func(id string) *record { return snap.docs.get(id) }, itemsOnly: true}
	b, err := render.render(l, factsOf(nil))
	if err != nil {
		return nil, err
	}
	item := b.items[locale]
	if item == nil {
		return nil, fmt.Errorf("catalog: preview of %s in %s: %w", id, locale, errUnrendered)
	}
	return item, nil
}

// chains reads what a preview is made of, by hash: the revision, those that are live,
// and of a document that has secret places all that came before, for a draft may say
// in words where a place once was.
func (c *Catalog) chains(ctx context.Context, d *content.Document, revision string) (map[string]*content.Revision, error) {
	t := c.shapes[d.Type].typ
	next := []string{revision, d.LiveShared.Hash}
	for i := range d.Variants {
		next = append(next, d.Variants[i].Live.Hash, d.Variants[i].Latest.Hash)
	}
	out := map[string]*content.Revision{}
	for {
		slices.Sort(next)
		next = slices.DeleteFunc(slices.Compact(next), func(h string) bool { return h == "" || out[h] != nil })
		if len(next) == 0 {
			return out, nil
		}
		revs, err := c.source.RevisionsByHash(ctx, next)
		if err != nil {
			return nil, fmt.Errorf("catalog: read revisions: %w", err)
		}
		next = nil
		for _, r := range revs {
			if r == nil {
				continue
			}
			out[r.Hash] = r
			if t.Privacy.When != "" {
				next = append(next, r.Prev)
			}
		}
	}
}

var errUnrendered = errors.New("the revision cannot be rendered")

// published is a copy of a document in which a revision is the live one, its shared
// facts those that the public sees, and nothing keeps it from the public.
func published(d *content.Document, r *content.Revision, shape *shape) (*content.Document, error) {
	out := *d
	out.Variants = slices.Clone(d.Variants)
	out.LiveShared, out.MergedInto = r.Ref(), ""
	if out.Hidden() {
		as := *d.Assured
		as.Stage = schemas.StageUnverified
		out.Assured = &as
	}
	values, err := r.Values()
	if err != nil {
		return nil, err
	}
	// An old revision may ask for what the document no longer does.
	out.Sensitive = out.Sensitive || shape.typ.Private(values)
	v := out.Variant(r.Locale)
	v.Live, v.LiveSlug, v.LiveUpdatedAt, v.LiveMedia = r.Ref(), r.Slug, r.At, content.MediaIDs(values)
	if v.Latest.Hash == r.Hash {
		v.LiveUpdatedAt = v.UpdatedAt
	}
	if v.LiveState == "" {
		v.LiveState = shape.firstState
	}
	if v.PublishedAt.IsZero() {
		v.PublishedAt = r.At.UTC().Truncate(time.Second)
	}
	return &out, nil
}
