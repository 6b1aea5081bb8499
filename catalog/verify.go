package catalog

import (
	"bytes"
	"context"
	"slices"
)

// Verify catches up and compares the catalogue with a store: exactly the live
// variants are in it, each from its live revision, and what is rendered anew has
// the stored bytes. What differs is looked at once more, after catching up
// again, so that writes that come meanwhile are not taken for faults. Events
// that are still pending in their documents are unknown to the log: relay them
// before. A nil source is the catalogue's own. The error is the store's.
func (c *Catalog) Verify(ctx context.Context, src Source) ([]Discrepancy, error) {
	if src == nil {
		src = c.source
	}
	if err := c.CatchUp(ctx); err != nil {
		return nil, err
	}
	log, err := c.readLog(ctx, src)
	if err != nil {
		return nil, err
	}
	cards, err := c.readCards(ctx, src, log)
	if err != nil {
		return nil, err
	}
	v := &verifier{c: c, r: &renderer{c: c, card: func(id string) *record { return cards[id] }, itemsOnly: true}, log: log}
	var suspects []string
	seen := map[string]bool{}
	err = c.scan(ctx, src, func(docs []*loadedDoc) error {
		found, err := v.compare(ctx, docs)
		for _, d := range found {
			suspects = append(suspects, d.Document)
		}
		for _, l := range docs {
			seen[l.doc.ID] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.snap.Load().docs.all(func(id string, r *record) bool {
		if len(r.variants) > 0 && !seen[id] {
			suspects = append(suspects, id)
		}
		return true
	})
	if len(suspects) == 0 {
		return nil, nil
	}
	slices.Sort(suspects)
	return v.again(ctx, src, slices.Compact(suspects))
}

// verifier compares documents of a store with the catalogue.
type verifier struct {
	c   *Catalog
	r   *renderer
	log *logFacts
}

// again looks at documents once more, by what store and log say now.
func (v *verifier) again(ctx context.Context, src Source, ids []string) ([]Discrepancy, error) {
	if err := v.c.CatchUp(ctx); err != nil {
		return nil, err
	}
	var err error
	if v.log, err = v.c.readLog(ctx, src); err != nil {
		return nil, err
	}
	cards, err := v.c.readCards(ctx, src, v.log)
	if err != nil {
		return nil, err
	}
	v.r.card = func(id string) *record { return cards[id] }
	var out []Discrepancy
	for len(ids) > 0 {
		page := ids[:min(len(ids), rebuildPage)]
		ids = ids[len(page):]
		docs, err := v.c.readAll(ctx, src, page)
		if err != nil {
			return out, err
		}
		found, err := v.compare(ctx, docs)
		if err != nil {
			return out, err
		}
		out = append(out, found...)
		there := map[string]bool{}
		for _, l := range docs {
			there[l.doc.ID] = true
		}
		for _, id := range page {
			if r := v.c.snap.Load().docs.get(id); r != nil && !there[id] {
				for _, x := range r.variants {
					out = append(out, Discrepancy{Document: id, Locale: x.locale, Code: "surplus", Got: x.revision})
				}
			}
		}
	}
	return out, nil
}

// compare renders documents and lists where the catalogue differs.
func (v *verifier) compare(ctx context.Context, docs []*loadedDoc) ([]Discrepancy, error) {
	s := v.c.snap.Load()
	found := make([][]Discrepancy, len(docs))
	err := parallel(ctx, len(docs), func(i int) error {
		l := docs[i]
		prev := s.docs.get(l.doc.ID)
		if !shown(l.doc) && l.doc.MergedInto == "" && prev == nil {
			return nil
		}
		want, err := v.r.render(l, v.log.of(l.doc.ID))
		if err != nil {
			return err
		}
		found[i] = v.differences(l, want, prev)
		return nil
	})
	return slices.Concat(found...), err
}

func (v *verifier) differences(l *loadedDoc, want *built, got *record) (out []Discrepancy) {
	id := l.doc.ID
	add := func(locale, code, want, got string) {
		out = append(out, Discrepancy{Document: id, Locale: locale, Code: code, Want: want, Got: got})
	}
	if got == nil {
		got = &record{id: id}
	}
	for i := range l.doc.Variants {
		x := &l.doc.Variants[i]
		have := got.variant(x.Locale)
		live := !x.Live.IsZero() && shown(l.doc)
		switch {
		case !live && have == nil:
		case !live:
			add(x.Locale, "surplus", "", have.revision)
		case have == nil:
			add(x.Locale, "missing", x.Live.Hash, "")
		case have.revision != x.Live.Hash:
			add(x.Locale, "revision", x.Live.Hash, have.revision)
		default:
			for enc := Identity; enc < encodings; enc++ {
				b, err := have.read(nil, enc)
				if err != nil {
					add(x.Locale, "damaged", "", enc.Token())
				} else if enc == Identity && !bytes.Equal(b, want.items[x.Locale]) {
					add(x.Locale, "bytes", "", "")
				}
			}
		}
	}
	if got.merged != l.doc.MergedInto {
		add("", "merged", l.doc.MergedInto, got.merged)
	}
	for _, x := range got.variants {
		if l.doc.Variant(x.locale) == nil {
			add(x.locale, "surplus", "", x.revision)
		}
	}
	return out
}
