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
	slugs map[string]string // Keys.Slugs → document id
	revs  map[string]*Revision
}

func newOverlay() *overlay {
	return &overlay{docs: map[string]*Document{}, slugs: map[string]string{}, revs: map[string]*Revision{}}
}

func (o *overlay) add(w Write) {
	o.docs[w.Document.ID] = w.Document
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
	return w.s.store.Revision(ctx, hash)
}

// bySlug gives the id of the document that holds a slug key.
func (w *change) bySlug(ctx context.Context, key string) (string, error) {
	if w.overlay != nil {
		if id, ok := w.overlay.slugs[key]; ok {
			return id, nil
		}
	}
	d, err := w.s.store.BySlug(ctx, key)
	if err != nil {
		return "", err
	}
	return d.ID, nil
}

// target finds what a reference names: a document's id, or the slug of a
// document of an allowed type in any language.
func (w *change) target(ctx context.Context, ref string, types []string) (string, error) {
	if ref == w.doc.ID {
		return "", ErrNotFound // nothing refers to itself
	}
	if _, err := uuid.Parse(ref); err == nil {
		d := (*Document)(nil)
		if w.overlay != nil {
			d = w.overlay.docs[ref]
		}
		if d == nil {
			if d, err = w.s.store.Get(ctx, ref); err != nil {
				return "", err
			}
		}
		if slices.Contains(types, d.Type) && !d.Discarded {
			return d.ID, nil
		}
		return "", ErrNotFound
	}
	if typ, slug, ok := strings.Cut(ref, "/"); ok && slices.Contains(types, typ) {
		types, ref = []string{typ}, slug
	}
	if !ValidSlug(ref) {
		return "", ErrNotFound
	}
	for _, typ := range types {
		for _, locale := range w.localesToTry() {
			id, err := w.bySlug(ctx, slugKey(typ, locale, ref))
			if err == nil && id != w.doc.ID {
				return id, nil
			}
			if err != nil && !isNotFound(err) {
				return "", err
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
// which lead nowhere.
func (w *change) resolve(ctx context.Context, t *schemas.Type, values schemas.Values) (schemas.Values, []schemas.Issue, error) {
	var issues []schemas.Issue
	var failed error
	out := t.MapReferences(values, func(ref schemas.Ref) (string, bool) {
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
