package content

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/prassi-cms/prassi/schemas"
)

// overlay holds what a batch import has made and not yet written, so that later
// items of the batch find earlier ones.
type overlay struct {
	docs  map[string]*Document
	fresh map[string]bool   // documents that the store does not have yet
	slugs map[string]string // Keys.Slugs → document id
	revs  map[string]*Revision
}

func newOverlay() *overlay {
	return &overlay{docs: map[string]*Document{}, fresh: map[string]bool{}, slugs: map[string]string{}, revs: map[string]*Revision{}}
}

func (o *overlay) add(w Write) {
	if before := o.docs[w.Document.ID]; before != nil {
		for _, slug := range before.Keys.Slugs {
			delete(o.slugs, slug)
		}
	}
	o.docs[w.Document.ID] = w.Document
	o.fresh[w.Document.ID] = w.Expect == 0
	for _, slug := range w.Document.Keys.Slugs {
		o.slugs[slug] = w.Document.ID
	}
	for _, r := range w.Revisions {
		o.revs[r.Hash] = r
	}
}

// revision reads a revision of this change, of the batch, or of the store.
func (w *change) revision(ctx context.Context, hash string) (*Revision, error) {
	for _, r := range w.revs {
		if r.Hash == hash {
			return r, nil
		}
	}
	if w.overlay != nil {
		if r := w.overlay.revs[hash]; r != nil {
			return r, nil
		}
	}
	if r := w.read[hash]; r != nil {
		return r, nil
	}
	r, err := w.s.revision(ctx, hash)
	if err == nil {
		if w.read == nil {
			w.read = map[string]*Revision{}
		}
		w.read[hash] = r
	}
	return r, err
}

// document reads a document of the batch, or of the store.
func (w *change) document(ctx context.Context, id string) (*Document, error) {
	if w.overlay != nil {
		if d := w.overlay.docs[id]; d != nil {
			return d, nil
		}
	}
	return w.s.store.Get(ctx, id)
}

// bySlug reads the document that holds a slug key, in the batch or in the store.
func (w *change) bySlug(ctx context.Context, key string) (*Document, error) {
	if w.overlay == nil {
		return w.s.store.BySlug(ctx, key)
	}
	if id, ok := w.overlay.slugs[key]; ok {
		return w.overlay.docs[id], nil
	}
	d, err := w.s.store.BySlug(ctx, key)
	if err != nil {
		return nil, err
	}
	if newer := w.overlay.docs[d.ID]; newer != nil {
		return nil, ErrNotFound // the batch has taken the slug from it
	}
	return d, nil
}

// parseID gives the canonical form of a document's id.
func parseID(s string) (string, bool) {
	id, err := uuid.Parse(s)
	return id.String(), err == nil && len(s) == 36
}

// target finds what a reference names: a document's id, or the slug of a
// document of an allowed type in any language. What the actor can see neither
// as a reader nor as an editor does not exist.
func (w *change) target(ctx context.Context, ref string, types []string) (string, error) {
	accept := func(d *Document, err error) (string, error) {
		for err == nil && d.MergedInto != "" { // it is the one that stayed
			d, err = w.document(ctx, d.MergedInto)
		}
		switch {
		case err != nil:
			return "", err
		case d.ID == w.doc.ID, d.Discarded, !slices.Contains(types, d.Type):
			return "", ErrNotFound // nothing refers to itself
		case !d.Live() && !w.s.visible(w.actor, d, w.now):
			return "", ErrNotFound
		}
		if w.overlay != nil && w.overlay.fresh[d.ID] {
			w.needs = append(w.needs, d.ID)
		}
		return d.ID, nil
	}
	if id, ok := parseID(ref); ok {
		return accept(w.document(ctx, id))
	}
	if typ, slug, ok := strings.Cut(ref, "/"); ok && slices.Contains(types, typ) {
		types, ref = []string{typ}, slug
	}
	if !ValidSlug(ref) {
		return "", ErrNotFound
	}
	for _, typ := range types {
		for _, locale := range w.localesToTry() {
			id, err := accept(w.bySlug(ctx, slugKey(typ, locale, ref)))
			if !isNotFound(err) {
				return id, err
			}
		}
	}
	return "", ErrNotFound
}

// localesToTry are the languages in which a slug is looked up: the variant's
// own first.
func (w *change) localesToTry() []string {
	out := []string{w.locale}
	for _, l := range w.s.schemas.Locales() {
		if l.Tag != w.locale {
			out = append(out, l.Tag)
		}
	}
	return out
}

// resolve gives the values with references replaced by document ids, and says
// which lead nowhere. Those that the document already had stay as they are,
// even when their target is gone since: who changes a title is not asked about
// the organisation.
func (w *change) resolve(ctx context.Context, t *schemas.Type, values schemas.Values, had []schemas.Ref) (schemas.Values, []schemas.Issue, error) {
	type place struct{ field, target string }
	at := func(ref schemas.Ref) place {
		field, _, _ := strings.Cut(ref.Path[1:], "/")
		return place{field, ref.Target}
	}
	known := make(map[place]bool, len(had))
	for _, ref := range had {
		known[at(ref)] = true
	}
	var issues []schemas.Issue
	var failed error
	out := t.MapReferences(values, func(ref schemas.Ref) (string, bool) {
		if known[at(ref)] {
			return ref.Target, true
		}
		id, err := w.target(ctx, ref.Target, ref.Types)
		switch {
		case err == nil:
			return id, true
		case isNotFound(err):
			issues = append(issues, schemas.Issue{Path: ref.Path, Code: "reference_not_found", Params: map[string]any{"value": ref.Target}})
		default:
			failed = w.s.storeProblem(err)
		}
		return "", false
	})
	return out, issues, failed
}
