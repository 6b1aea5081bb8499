package catalog

import (
	"context"
	"fmt"

	"github.com/prassi-cms/prassi/content"
)

// logFacts is what a whole log tells of the public.
type logFacts struct {
	facts map[string]*facts
	mark  mark
}

func (l *logFacts) of(id string) *facts {
	if f := l.facts[id]; f != nil {
		return f
	}
	return &facts{}
}

// readLog reads a log to its end.
func (c *Catalog) readLog(ctx context.Context, src Source) (*logFacts, error) {
	l := &logFacts{facts: map[string]*facts{}}
	for {
		events, err := src.Events(ctx, l.mark.seq, logPage)
		if err != nil {
			return nil, fmt.Errorf("catalog: read the log: %w", err)
		}
		if len(events) == 0 {
			return l, nil
		}
		if l.mark.seq == 0 {
			l.mark.first = fingerprint(&events[0])
		}
		last := &events[len(events)-1]
		l.mark.seq, l.mark.at = last.Seq, fingerprint(last)
		for i := range events {
			e := &events[i]
			if e.Effect == content.EffectNone {
				continue
			}
			f := l.facts[e.Document]
			if f == nil {
				f = &facts{}
				l.facts[e.Document] = f
			}
			f.learn(e)
		}
	}
}

// readCards reads what documents show of each other: of the types that some
// field may refer to.
func (c *Catalog) readCards(ctx context.Context, src Source, log *logFacts) (map[string]*record, error) {
	cards := map[string]*record{}
	err := c.scanTypes(ctx, src, c.shown, func(docs []*loadedDoc) error {
		for _, l := range docs {
			card := l.card()
			card.effectAt = log.of(l.doc.ID).effectAt
			if len(card.variants) > 0 || card.effectAt > 0 || card.merged != "" {
				cards[l.doc.ID] = card
			}
		}
		return nil
	})
	return cards, err
}

// scan reads all documents, page by page.
func (c *Catalog) scan(ctx context.Context, src Source, f func([]*loadedDoc) error) error {
	return c.scanTypes(ctx, src, nil, f)
}

// scanTypes reads all documents of some types, or of all when types is nil.
func (c *Catalog) scanTypes(ctx context.Context, src Source, types map[string]bool, f func([]*loadedDoc) error) error {
	for after := ""; ; {
		docs, err := src.Scan(ctx, after, rebuildPage)
		if err != nil {
			return fmt.Errorf("catalog: scan: %w", err)
		}
		if len(docs) == 0 {
			return nil
		}
		after = docs[len(docs)-1].ID
		wanted := docs[:0]
		for _, d := range docs {
			if types == nil || types[d.Type] {
				wanted = append(wanted, d)
			}
		}
		loaded, err := c.readRevisions(ctx, src, wanted)
		if err != nil {
			return err
		}
		if err := f(loaded); err != nil {
			return err
		}
	}
}

// wasPublic reports whether a document has an address that the public may know.
func wasPublic(d *content.Document) bool {
	for i := range d.Variants {
		if v := &d.Variants[i]; v.LiveSlug != "" || len(v.OldSlugs) > 0 {
			return true
		}
	}
	return false
}

// restale renders again what shows documents that changed while the catalogue
// was rebuilt. Their own events are still to come, but will find nothing new.
func (c *Catalog) restale(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	base := c.snap.Load()
	b := &batch{c: c, base: base, known: map[string]*facts{}, cards: map[string]*record{}, done: map[string]*record{}}
	var showers []string
	for _, id := range ids {
		showers = append(showers, base.shows.get(id)...)
	}
	return c.applyDocuments(ctx, b, showers, c.mark)
}
