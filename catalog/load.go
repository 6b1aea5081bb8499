package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// loaded document: what the store holds of it, and nothing that is not public.
type loadedDoc struct {
	doc   *content.Document
	shape *shape // nil when the type is not declared
	// shared are the live non-localised values.
	sharedHash string
	shared     map[string]json.RawMessage
	live       []liveVariant     // by locale
	said       []schemas.Values  // where a sensitive document's places ever were; see everSaid
	media      map[string]*Media // that the live parts use, by id
}

type liveVariant struct {
	variant  *content.Variant
	revision *content.Revision
	fields   map[string]json.RawMessage // localised
}

// read reads documents with their live revisions. Documents that do not exist
// are left out. An error is the store's; what is wrong with a document is
// logged and makes it, or one of its variants, be missing from the public.
func (c *Catalog) read(ctx context.Context, src Source, ids []string) ([]*loadedDoc, error) {
	docs := make([]*content.Document, 0, len(ids))
	for _, id := range ids {
		d, err := src.Get(ctx, id)
		if errors.Is(err, content.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("catalog: read document %s: %w", id, err)
		}
		docs = append(docs, d)
	}
	return c.readRevisions(ctx, src, docs)
}

func (c *Catalog) readRevisions(ctx context.Context, src Source, docs []*content.Document) ([]*loadedDoc, error) {
	var hashes []string
	for _, d := range docs {
		if !shown(d) {
			continue
		}
		hashes = append(hashes, d.LiveShared.Hash)
		for i := range d.Variants {
			if h := d.Variants[i].Live.Hash; h != "" && h != d.LiveShared.Hash {
				hashes = append(hashes, h)
			}
		}
	}
	byHash := make(map[string]*content.Revision, len(hashes))
	if len(hashes) > 0 {
		revs, err := src.RevisionsByHash(ctx, hashes)
		if err != nil {
			return nil, fmt.Errorf("catalog: read revisions: %w", err)
		}
		for _, r := range revs {
			if r != nil {
				byHash[r.Hash] = r
			}
		}
	}
	out := make([]*loadedDoc, len(docs))
	for i, d := range docs {
		out[i] = c.assemble(d, byHash)
	}
	return out, c.readMedia(ctx, out)
}

// shown says whether the public sees what is live of a document.
func shown(d *content.Document) bool {
	return d.Live() && !d.Hidden() && d.MergedInto == ""
}

// assemble picks the live parts of a document that the public may know. Nothing
// behind it sees the document's revisions, so what is taken out here is in no
// public byte. also are revisions whose facts are known of beside the live ones.
func (c *Catalog) assemble(d *content.Document, revs map[string]*content.Revision, also ...string) *loadedDoc {
	l := &loadedDoc{doc: d, shape: c.shapes[d.Type]}
	if !shown(d) {
		return l
	}
	if l.shape == nil {
		c.log.Error("a live document is of a type that is not declared", "document", d.ID, "type", d.Type)
		return l
	}
	fault := func(locale string, err error) {
		c.log.Error("a live variant cannot be rendered and is left out", "document", d.ID, "locale", locale, "error", err)
	}
	shared := revs[d.LiveShared.Hash]
	if shared == nil {
		fault("", errNoRevision)
		return l
	}
	l.sharedHash = shared.Hash
	if err := json.Unmarshal(shared.Shared, &l.shared); err != nil {
		fault("", err)
		return l
	}
	var err error
	if l.said, err = everSaid(d, revs, also...); err != nil {
		fault("", err)
		return l
	}
	for i := range d.Variants {
		v := &d.Variants[i]
		if v.Live.IsZero() {
			continue
		}
		lv := liveVariant{variant: v, revision: revs[v.Live.Hash]}
		if lv.revision == nil {
			fault(v.Locale, errNoRevision)
			continue
		}
		err := json.Unmarshal(lv.revision.Localized, &lv.fields)
		if err == nil && d.Sensitive {
			lv.fields, err = c.withhold(l.shape.typ, l.shared, lv.fields, l.said)
		}
		if err != nil {
			fault(v.Locale, err)
			continue
		}
		l.live = append(l.live, lv)
	}
	if d.Sensitive {
		shared, err := c.withhold(l.shape.typ, nil, l.shared, l.said)
		if err != nil {
			fault("", err)
			l.live = nil
			return l
		}
		l.shared = shared
	}
	slices.SortFunc(l.live, func(a, b liveVariant) int { return cmp.Compare(a.variant.Locale, b.variant.Locale) })
	return l
}

// everSaid are the live facts of a sensitive document, those with which its live
// texts were written, and its newest: a translation may say an address that the
// live facts leave away.
func everSaid(d *content.Document, revs map[string]*content.Revision, also ...string) ([]schemas.Values, error) {
	if !d.Sensitive {
		return nil, nil
	}
	facts := []json.RawMessage{d.Shared}
	learn := func(hash string) {
		if r := revs[hash]; r != nil {
			facts = append(facts, r.Shared)
		}
	}
	learn(d.LiveShared.Hash)
	for i := range d.Variants {
		learn(d.Variants[i].Live.Hash)
	}
	for _, hash := range also {
		learn(hash)
	}
	out := make([]schemas.Values, len(facts))
	for i, f := range facts {
		if err := json.Unmarshal(f, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// withhold gives those of a sensitive document's own values that the public may
// know; around are values that decide with them, known is what its places said at
// any time.
func (c *Catalog) withhold(t *schemas.Type, around, own map[string]json.RawMessage, known []schemas.Values) (map[string]json.RawMessage, error) {
	v := schemas.Values{}
	for _, fields := range [...]map[string]json.RawMessage{around, own} {
		for name, raw := range fields {
			var x any
			if err := json.Unmarshal(raw, &x); err != nil {
				return nil, err
			}
			v[name] = x
		}
	}
	before := t.AsPrivate(v)
	out := make(map[string]json.RawMessage, len(own))
	for name, value := range t.Public(before, c.territories, known...) {
		raw, has := own[name]
		if _, elsewhere := around[name]; elsewhere || !has && around != nil {
			continue
		}
		if !has || !reflect.DeepEqual(value, before[name]) {
			var err error
			if raw, err = json.Marshal(value); err != nil {
				return nil, err
			}
		}
		out[name] = raw
	}
	return out, nil
}

var errNoRevision = errors.New("the live revision is not in the store")

// raw is the JSON of one field, nil when it has no value.
func (l *loadedDoc) raw(lv *liveVariant, f *schemas.Field) json.RawMessage {
	if f.Localized {
		return lv.fields[f.Name]
	}
	return l.shared[f.Name]
}

// text is the value of a field of text, empty when there is none.
func (l *loadedDoc) text(lv *liveVariant, name string) string {
	f, ok := l.shape.typ.Field(name)
	if !ok {
		return ""
	}
	return decodeText(l.raw(lv, f))
}

// list is the value of a field of identifiers, single or repeated.
func (l *loadedDoc) list(lv *liveVariant, name string) []string {
	f, ok := l.shape.typ.Field(name)
	if !ok {
		return nil
	}
	return decodeList(l.raw(lv, f))
}

func decodeText(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func decodeList(raw json.RawMessage) []string {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return nil
	case raw[0] == '[':
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			return nil
		}
		return list
	}
	if s := decodeText(raw); s != "" {
		return []string{s}
	}
	return nil
}

// card is a record with no more than what other documents show of it.
func (l *loadedDoc) card() *record {
	r := &record{id: l.doc.ID, typ: l.doc.Type, merged: l.doc.MergedInto}
	if l.shape == nil {
		return r
	}
	r.collection = l.shape.typ.Collection
	for i := range l.live {
		lv := &l.live[i]
		v := &variant{rec: r, locale: lv.variant.Locale, slug: lv.variant.LiveSlug, title: l.title(lv)}
		v.url = itemURL(r.collection, v.slug, v.locale)
		r.variants = append(r.variants, v)
	}
	return r
}

func (l *loadedDoc) title(lv *liveVariant) string {
	if t := l.text(lv, "title"); t != "" {
		return t
	}
	return lv.variant.LiveSlug
}

// itemURL is the path under which the API answers one variant. Slugs and
// language tags are ASCII without reserved characters.
func itemURL(collection, slug, locale string) string {
	return BasePath + "/" + collection + "/" + slug + "?locale=" + locale
}

// BasePath begins every address that the catalogue writes.
const BasePath = "/api/v1"

// fact is the last public effect on a variant, as the log tells it.
type fact struct {
	seq, at   int64
	withdrawn bool
}

// facts are those of one document.
type facts struct {
	effectAt int64
	byLocale map[string]fact
}

// learn takes in an event that has an effect.
func (f *facts) learn(e *content.Event) {
	if f.byLocale == nil {
		f.byLocale = map[string]fact{}
	}
	at := e.At.UnixMilli()
	f.effectAt = max(f.effectAt, at)
	if e.Seq > f.byLocale[e.Locale].seq {
		f.byLocale[e.Locale] = fact{seq: e.Seq, at: at, withdrawn: e.Effect == content.EffectWithdrawn}
	}
}

// factsOf recalls what a record knew.
func factsOf(r *record) *facts {
	f := &facts{byLocale: map[string]fact{}}
	if r == nil {
		return f
	}
	f.effectAt = r.effectAt
	for _, v := range r.variants {
		x := fact{seq: v.change.seq, at: v.change.at, withdrawn: v.change.withdrawn}
		if x.seq == 0 {
			continue // nothing known
		}
		f.byLocale[v.locale] = x
	}
	for _, g := range r.gone {
		if g.change.seq > 0 {
			f.byLocale[g.locale] = fact{seq: g.change.seq, at: g.change.at, withdrawn: g.change.withdrawn}
		}
	}
	return f
}
