package webhooks

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// notice is one thing that happened for the public, as the log tells it.
type notice struct {
	seq                   int64
	event                 string // item.…
	at                    time.Time
	document, typ, locale string
	collection, other     string   // other: what it was merged into
	territories, topics   []string // now and before, all that are known
	placed                bool     // territories and topics are known
}

// wants says whether a subscription asks for a notice.
func (h *Hooks) wants(f *Filter, n *notice) bool {
	among := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	if !among(f.Events, n.event) || !among(f.Collections, n.collection) || !among(f.Locales, n.locale) {
		return false
	}
	if !n.placed { // told once too often is better than never
		return true
	}
	return (len(f.Topics) == 0 || slices.ContainsFunc(n.topics, func(t string) bool { return slices.Contains(f.Topics, t) })) &&
		(len(f.Territories) == 0 || slices.ContainsFunc(n.territories, func(t string) bool {
			return slices.ContainsFunc(f.Territories, func(outer string) bool { return h.territories.Contains(outer, t) })
		}))
}

// resolve makes the notice of an event that has an effect. What the public saw
// before is told by the document's earlier events.
func (h *Hooks) resolve(ctx context.Context, e *content.Event) (notice, error) {
	n := notice{
		seq: e.Seq, event: ItemWithdrawn, at: e.At, document: e.Document, typ: e.Type, locale: e.Locale,
	}
	if t, ok := h.schemas.Type(e.Type); ok {
		n.collection = t.Collection
	}
	public, facts, err := h.before(ctx, e)
	if err != nil {
		return n, err
	}
	switch {
	case e.Effect == content.EffectPublished && public:
		n.event = ItemUpdated
	case e.Effect == content.EffectPublished:
		n.event = ItemPublished
	case e.Kind == content.EventMerged:
		n.event, n.other = ItemMerged, e.Other
	}
	if e.Effect == content.EffectPublished && e.Revision != "" {
		facts = append(facts, e.Revision)
	}
	return n, h.place(ctx, &n, facts)
}

// beforePage is how many events of a document are read at once, beforeFacts how
// many of its earlier public revisions count.
const (
	beforePage  = 50
	beforeFacts = 8
)

// before says whether the variant of an event was public before it, and which
// revisions of the document were.
func (h *Hooks) before(ctx context.Context, e *content.Event) (public bool, facts []string, err error) {
	known := false
	for at := e.Seq; ; {
		list, err := h.log.DocumentEvents(ctx, e.Document, at, beforePage)
		if err != nil {
			return false, nil, err
		}
		for i := range list {
			was := &list[i]
			at = was.Seq
			if was.Effect == content.EffectNone {
				continue
			}
			if !known && was.Locale == e.Locale {
				known, public = true, was.Effect == content.EffectPublished
			}
			if was.Effect == content.EffectPublished && was.Revision != "" && len(facts) < beforeFacts && !slices.Contains(facts, was.Revision) {
				facts = append(facts, was.Revision)
			}
		}
		if len(list) < beforePage || known && len(facts) > 0 {
			return public, facts, nil
		}
	}
}

// place finds where and about what an item is and was: from revisions that are or
// were public, and from what the catalogue shows. It only decides who is told.
func (h *Hooks) place(ctx context.Context, n *notice, facts []string) error {
	if !h.placing.Load() {
		return nil
	}
	add := func(to *[]string, list []string) {
		for _, v := range list {
			if !slices.Contains(*to, v) {
				*to = append(*to, v)
			}
		}
	}
	if len(facts) > 0 {
		revisions, err := h.log.RevisionsByHash(ctx, facts)
		if err != nil {
			return err
		}
		for _, r := range revisions {
			if r == nil {
				continue
			}
			for _, part := range []json.RawMessage{r.Shared, r.Localized} {
				var v struct{ Territories, Topics json.RawMessage }
				if len(part) == 0 || json.Unmarshal(part, &v) != nil {
					continue
				}
				add(&n.territories, texts(v.Territories))
				add(&n.topics, texts(v.Topics))
				n.placed = true
			}
		}
	}
	territories, topics := h.items.terms(n.document)
	add(&n.territories, territories)
	add(&n.topics, topics)
	return nil
}

// texts reads a text or a list of texts.
func texts(raw json.RawMessage) (list []string) {
	var one string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}
