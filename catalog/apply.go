package catalog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/content"
)

// batch renders some documents, and those that show them, over a snapshot.
type batch struct {
	c     *Catalog
	base  *snapshot
	known map[string]*facts  // what the log newly tells, by document
	cards map[string]*record // of documents read in this batch
	done  map[string]*record
}

// applyBatch takes in consecutive events; ids are the documents on which they
// had an effect.
func (c *Catalog) applyBatch(ctx context.Context, events []content.Event, ids []string) error {
	last := &events[len(events)-1]
	m := mark{seq: last.Seq, first: c.mark.first, at: fingerprint(last)}
	if events[0].Seq == 1 {
		m.first = fingerprint(&events[0])
	}
	b := &batch{c: c, base: c.snap.Load(), known: map[string]*facts{}, cards: map[string]*record{}, done: map[string]*record{}}
	for i := range events {
		if e := &events[i]; e.Effect != content.EffectNone {
			f := b.known[e.Document]
			if f == nil {
				f = factsOf(b.base.docs.get(e.Document))
				b.known[e.Document] = f
			}
			f.learn(e)
		}
	}
	return c.applyDocuments(ctx, b, ids, m)
}

// applyDocuments renders documents and what shows them, and publishes the whole
// with a new mark.
func (c *Catalog) applyDocuments(ctx context.Context, b *batch, ids []string, m mark) error {
	start, live := c.seg.size, c.seg.live
	err := b.refresh(ctx, ids)
	if err == nil {
		_, err = c.seg.append(appendCursor(nil, m))
	}
	if err != nil {
		// What was written has no cursor behind it; take it away, so that no
		// later cursor adopts it.
		c.seg.size, c.seg.live = start, live
		if cut := c.seg.file.Truncate(start); cut != nil {
			c.log.Error("the end of the catalogue's file could not be cut off", "error", cut)
		}
		return err
	}
	c.mark = m
	t := b.base.begin()
	for _, r := range b.done {
		if old := b.base.docs.get(r.id); old != nil {
			c.seg.live -= old.loc.Load().size
		}
		if !r.empty() {
			c.seg.live += r.loc.Load().size
		}
		t.put(r)
	}
	c.publish(t.finish(m.seq))
	c.maybeCompact()
	return nil
}

// refresh renders documents, then those that show a title or an address that
// has changed, until nothing more follows.
func (b *batch) refresh(ctx context.Context, ids []string) error {
	queue := slices.Clone(ids)
	for len(queue) > 0 {
		round := queue[:min(len(queue), batchDocuments)]
		queue = slices.Clone(queue[len(round):])
		docs, err := b.c.readAll(ctx, b.c.source, round)
		if err != nil {
			return err
		}
		found := map[string]bool{}
		var changed []string
		for _, l := range docs {
			found[l.doc.ID] = true
			changed = append(changed, b.noteCard(l.card())...)
		}
		for _, id := range round {
			if !found[id] { // the store has forgotten it
				changed = append(changed, b.noteCard(&record{id: id})...)
				docs = append(docs, &loadedDoc{doc: &content.Document{ID: id}})
			}
		}
		recs, err := b.render(ctx, docs)
		if err != nil {
			return err
		}
		for _, r := range recs {
			b.done[r.id] = r
		}
		for _, id := range changed {
			for _, shower := range b.showers(id) {
				if !slices.Contains(queue, shower) && !slices.Contains(round, shower) {
					queue = append(queue, shower)
				}
			}
		}
	}
	return nil
}

// noteCard remembers what is public of a document now, and answers its id when
// that differs from what others were rendered with.
func (b *batch) noteCard(card *record) []string {
	was, read := b.cards[card.id]
	if !read {
		was = b.base.docs.get(card.id)
	}
	b.cards[card.id] = card
	if f := b.known[card.id]; f != nil {
		card.effectAt = f.effectAt
	} else if was != nil {
		card.effectAt = was.effectAt
	}
	if sameCard(was, card) {
		return nil
	}
	return []string{card.id}
}

// showers are the documents that show a document, as they were and as they are.
func (b *batch) showers(id string) []string {
	out := slices.Clone(b.base.shows.get(id))
	for _, r := range b.done {
		if slices.Contains(r.deps, id) {
			out = append(out, r.id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (b *batch) card(id string) *record {
	if r, ok := b.cards[id]; ok {
		return r
	}
	return b.base.docs.get(id)
}

// render renders documents on all cores and appends their frames to the file.
func (b *batch) render(ctx context.Context, docs []*loadedDoc) ([]*record, error) {
	known := make([]*facts, len(docs))
	for i, l := range docs {
		if known[i] = b.known[l.doc.ID]; known[i] == nil {
			known[i] = factsOf(b.base.docs.get(l.doc.ID))
		}
	}
	r := &renderer{c: b.c, card: b.card}
	return b.c.renderTo(ctx, b.c.seg, r, docs, known)
}

// renderTo renders documents on all cores and appends their frames to a file,
// in the order given.
func (c *Catalog) renderTo(ctx context.Context, seg *segment, r *renderer, docs []*loadedDoc, known []*facts) ([]*record, error) {
	out := make([]*built, len(docs))
	err := parallel(ctx, len(docs), func(i int) (err error) {
		out[i], err = r.render(docs[i], known[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	size := 0
	for _, b := range out {
		size += len(b.frame)
	}
	frames := make([]byte, 0, size)
	for _, b := range out {
		frames = append(frames, b.frame...)
	}
	at, err := seg.append(frames)
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	recs := make([]*record, len(out))
	for i, b := range out {
		n := int64(len(b.frame))
		b.rec.loc.Store(&location{file: seg.file, frame: at, size: n, payload: at + n - b.rec.payloadSize()})
		at += n
		recs[i] = b.rec
	}
	return recs, nil
}

// payloadSize is the length of all encodings of all variants.
func (r *record) payloadSize() (n int64) {
	for _, v := range r.variants {
		for _, x := range v.payload {
			n += x.len
		}
	}
	return n
}

// readAll reads documents with several readers; those that the store does not
// have are left out.
func (c *Catalog) readAll(ctx context.Context, src Source, ids []string) ([]*loadedDoc, error) {
	const share = 32
	parts := make([][]*loadedDoc, (len(ids)+share-1)/share)
	err := parallel(ctx, len(parts), func(i int) (err error) {
		parts[i], err = c.read(ctx, src, ids[i*share:min(len(ids), (i+1)*share)])
		return err
	})
	return slices.Concat(parts...), err
}

// parallel calls f for 0 to n-1 on all cores.
func parallel(ctx context.Context, n int, f func(i int) error) error {
	if n == 1 {
		return f(0)
	}
	g, working := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		if working.Err() != nil {
			break
		}
		g.Go(func() error { return f(i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// Rebuild renders everything anew from the store. Readers go on with what there
// was until it is finished.
func (c *Catalog) Rebuild(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return c.rebuild(ctx)
}

// rebuildPage is how many documents are read, and held, at once.
const rebuildPage = 256

func (c *Catalog) rebuild(ctx context.Context) (err error) {
	log, err := c.readLog(ctx, c.source)
	if err != nil {
		return err
	}
	cards, err := c.readCards(ctx, c.source, log)
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, segmentName)
	seg, err := createSegment(path+".new", c.header)
	if err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	defer func() {
		if err != nil && seg.path != path {
			seg.file.Close()
			os.Remove(seg.path)
		}
	}()
	r := &renderer{c: c, card: func(id string) *record { return cards[id] }}
	first := emptySnapshot(c.shapes)
	first.gen = c.snap.Load().gen
	t := first.begin()
	var stale []string // documents that changed between the two readings
	err = c.scan(ctx, c.source, func(docs []*loadedDoc) error {
		var keep []*loadedDoc
		var known []*facts
		for _, l := range docs {
			if log.facts[l.doc.ID] != nil || wasPublic(l.doc) || l.doc.MergedInto != "" {
				keep, known = append(keep, l), append(known, log.of(l.doc.ID))
			}
		}
		recs, err := c.renderTo(ctx, seg, r, keep, known)
		if err != nil {
			return err
		}
		for i, rec := range recs {
			if c.shown[rec.typ] && !sameCard(cards[rec.id], keep[i].card()) {
				stale = append(stale, rec.id)
			}
			t.put(rec)
			if !rec.empty() {
				seg.live += rec.loc.Load().size
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err = seg.append(appendCursor(nil, log.mark)); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	if err = seg.rename(path); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	// Readers of the old file hold it open until they are done.
	c.seg, c.mark = seg, log.mark
	c.publish(t.finish(log.mark.seq))
	if err = c.restale(ctx, stale); err != nil {
		return err
	}
	// Rendering everything takes a multiple of what the catalogue needs after it.
	debug.FreeOSMemory()
	return c.catchUp(ctx)
}
