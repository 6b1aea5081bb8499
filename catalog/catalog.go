package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/schemas"
)

// formatVersion grows whenever the bytes of items, or what the file says of
// them, change for a reason that the header does not name otherwise; so it does
// when package hours writes its schedules in another form.
const formatVersion = 3

const segmentName = "catalog.seg"

// Catalog is the published read model. Reads may come from any number of
// goroutines and never wait; writes (Apply, CatchUp, Rebuild) take turns.
type Catalog struct {
	dir         string
	source      Source
	schemas     *schemas.Registry
	territories *schemas.Territories
	log         *slog.Logger
	shapes      map[string]*shape // by type
	byName      map[string]*shape // by collection
	shown       map[string]bool   // types that fields may refer to
	toponyms    *toponyms
	clock       func() time.Time
	header      string
	media       func(ctx context.Context, id string) (Media, error)

	snap atomic.Pointer[snapshot]
	seen atomic.Int64 // last sequence number known to be in the log

	mu     sync.Mutex // the writer's; guards what follows
	lock   *os.File
	seg    *segment
	mark   mark
	closed bool

	size, garbage atomic.Int64 // of the segment, for Stats
	compaction    sync.WaitGroup
	compacting    atomic.Bool
}

// ErrClosed is returned by writes after Close.
var ErrClosed = errors.New("catalog: closed")

// Open reads the segment file of a folder and catches up with the log. When the
// file is missing, damaged at its beginning, made with other declarations or of
// another store, everything is rendered anew. It returns a *LockedError when
// the folder is in use, and the store's error when that does not answer.
func Open(ctx context.Context, opt Options) (*Catalog, error) {
	c := &Catalog{
		dir: opt.Dir, source: opt.Source, schemas: opt.Schemas, territories: opt.Territories, log: opt.Logger, media: opt.Media,
		shapes: map[string]*shape{}, byName: map[string]*shape{}, shown: map[string]bool{},
	}
	if c.schemas == nil {
		c.schemas = schemas.Default()
	}
	if c.territories == nil {
		c.territories = c.schemas.Territories()
	}
	if c.clock = opt.Clock; c.clock == nil {
		c.clock = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.toponyms = newToponyms(c.territories)
	workflows, err := content.LoadWorkflows(c.schemas)
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	for _, t := range c.schemas.Types() {
		s := shapeOf(t, workflows[t.Name], c.schemas.Freshness(t.Name) != nil)
		c.shapes[t.Name], c.byName[t.Collection] = s, s
		for _, f := range t.Fields {
			for _, to := range f.Types {
				c.shown[to] = true
			}
		}
	}
	if c.header, err = c.describe(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	if c.lock, err = lockFolder(c.dir); err != nil {
		return nil, err
	}
	c.snap.Store(emptySnapshot(c.shapes))
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// describe names everything but the store that the stored bytes depend on.
func (c *Catalog) describe() (string, error) {
	places := sha256.New()
	for _, m := range c.territories.Municipalities() {
		fmt.Fprintln(places, m.ISTAT, m.Name, m.Parent, m.Lat, m.Lon)
	}
	header, err := json.Marshal(struct {
		Format                         int
		Schemas, Markdown, Territories string
		Media                          bool
	}{formatVersion, c.schemas.Fingerprint(), markdown.Version, hex.EncodeToString(places.Sum(nil)[:8]), c.media != nil})
	return string(header), err
}

// start uses the file that is there, or makes a new one.
func (c *Catalog) start(ctx context.Context) error {
	path := filepath.Join(c.dir, segmentName)
	for _, unfinished := range []string{path + ".new", path + ".compact"} {
		if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("catalog: %w", err)
		}
	}
	seg, was, err := openSegment(path, c.header)
	if err == nil {
		c.seg = seg
		err = c.sameLog(ctx, was.mark)
		if err == nil {
			if was.cut > 0 {
				c.log.Warn("the end of the catalogue's file was damaged and is made again", "bytes", was.cut)
			}
			c.adopt(was)
			return c.catchUp(ctx)
		}
		if !errors.Is(err, errOtherLog) {
			return err
		}
	}
	if !errors.Is(err, os.ErrNotExist) && (was == nil || was.mark.seq > 0) {
		c.log.Warn("the catalogue is rendered anew", "reason", err)
	}
	return c.rebuild(ctx)
}

var errOtherLog = errors.New("catalog: made from another log")

// sameLog checks that the source's log is the one a mark was set in.
func (c *Catalog) sameLog(ctx context.Context, m mark) error {
	now, err := c.markAt(ctx, m.seq)
	if err != nil {
		return err
	}
	if m.seq == 0 || now != m {
		return errOtherLog
	}
	return nil
}

// markAt reads the mark of a place in the log; its fingerprints are empty where
// there is no event.
func (c *Catalog) markAt(ctx context.Context, seq int64) (mark, error) {
	m := mark{seq: seq}
	for _, x := range []struct {
		seq int64
		to  *string
	}{{1, &m.first}, {seq, &m.at}} {
		if x.seq < 1 {
			continue
		}
		events, err := c.source.Events(ctx, x.seq-1, 1)
		if err != nil {
			return m, fmt.Errorf("catalog: read the log: %w", err)
		}
		if len(events) > 0 && events[0].Seq == x.seq {
			*x.to = fingerprint(&events[0])
		}
	}
	return m, nil
}

// fingerprint tells one event from every other.
func fingerprint(e *content.Event) string {
	x := *e
	x.At, x.DueAt = x.At.UTC(), x.DueAt.UTC()
	data, err := json.Marshal(x)
	if err != nil { // a struct of strings, numbers and times
		panic(err)
	}
	sum := sha256.Sum256(data)
	return string(sum[:16])
}

// adopt makes the first snapshot out of a file's records.
func (c *Catalog) adopt(l *loaded) {
	t := c.snap.Load().begin()
	for _, r := range l.records {
		if s := c.shapes[r.typ]; s != nil {
			r.collection = s.typ.Collection
		}
		t.put(r)
	}
	c.mark = l.mark
	c.publish(t.finish(l.mark.seq))
}

func (c *Catalog) publish(s *snapshot) {
	c.snap.Store(s)
	if c.seg != nil {
		c.size.Store(c.seg.size)
		c.garbage.Store(c.seg.size - c.seg.live)
	}
	c.sawSeq(s.cursor)
}

func (c *Catalog) sawSeq(seq int64) {
	for {
		old := c.seen.Load()
		if seq <= old || c.seen.CompareAndSwap(old, seq) {
			return
		}
	}
}

// Close ends writing and releases the folder. Entries that are still held can
// no longer be read.
func (c *Catalog) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.compaction.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.seg != nil {
		err = c.seg.file.Close()
	}
	return errors.Join(err, c.lock.Close())
}

// Cursor is the sequence number of the last event taken in.
func (c *Catalog) Cursor() int64 { return c.snap.Load().cursor }

// Generation grows by one with every publication. It starts again with the
// process, so it must not appear in a validator.
func (c *Catalog) Generation() uint64 { return c.snap.Load().gen }

// Stats gives figures for operators.
func (c *Catalog) Stats() Stats {
	s := c.snap.Load()
	out := Stats{
		Items: s.items, Documents: s.documents, Bytes: c.size.Load(), Garbage: c.garbage.Load(),
		Cursor: s.cursor, Lag: max(0, c.seen.Load()-s.cursor), Generation: s.gen, Unrendered: s.left, Collections: map[string]int{},
	}
	for name, p := range s.parts {
		out.Collections[name] = p.live
	}
	return out
}

// Apply takes in events of the log, in order. Those already taken in are passed
// over; where some are missing before them, the log is read. Everything is
// public when it returns nil; after an error nothing of the last batch is, and
// the same events may come again.
func (c *Catalog) Apply(ctx context.Context, events []content.Event) error {
	if len(events) == 0 {
		return nil
	}
	c.sawSeq(events[len(events)-1].Seq)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	fresh := events
	for len(fresh) > 0 && fresh[0].Seq <= c.mark.seq {
		fresh = fresh[1:]
	}
	if len(fresh) == 0 {
		return nil
	}
	if fresh[0].Seq != c.mark.seq+1 || !consecutive(fresh) {
		return c.catchUp(ctx)
	}
	return c.applyAll(ctx, fresh)
}

func consecutive(events []content.Event) bool {
	for i := range events {
		if events[i].Seq != events[0].Seq+int64(i) {
			return false
		}
	}
	return true
}

// CatchUp reads the log from the cursor to its end.
func (c *Catalog) CatchUp(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return c.catchUp(ctx)
}

// logPage is how many events are read at once.
const logPage = 1000

func (c *Catalog) catchUp(ctx context.Context) error {
	for {
		events, err := c.source.Events(ctx, c.mark.seq, logPage)
		if err != nil {
			return fmt.Errorf("catalog: read the log: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		c.sawSeq(events[len(events)-1].Seq)
		if err := c.applyAll(ctx, events); err != nil {
			return err
		}
	}
}

// concerns says whether an event may change what is public. A document that was
// never public may be referred to, and those who refer to it show what it was
// merged into.
func concerns(e *content.Event) bool {
	return e.Effect != content.EffectNone || e.Kind == content.EventMerged
}

// batchDocuments bounds how many documents are read, rendered and published
// together.
const batchDocuments = 256

// applyAll takes in consecutive events, batch by batch.
func (c *Catalog) applyAll(ctx context.Context, events []content.Event) error {
	for len(events) > 0 {
		var ids []string
		n := 0
		for n < len(events) {
			if e := &events[n]; concerns(e) && !slices.Contains(ids, e.Document) {
				if len(ids) == batchDocuments {
					break
				}
				ids = append(ids, e.Document)
			}
			n++
		}
		if err := c.applyBatch(ctx, events[:n], ids); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}
