package catalog

import (
	"bytes"
	"os"
	"path/filepath"
)

// compactFrom is the size below which garbage does not matter.
const compactFrom = 4 << 20

// maybeCompact starts a compaction when more than half of the file is
// superseded. The caller holds the writer's lock.
func (c *Catalog) maybeCompact() {
	if c.seg.size < compactFrom || c.seg.size-c.seg.live < c.seg.size/2 || c.closed || !c.compacting.CompareAndSwap(false, true) {
		return
	}
	c.compaction.Add(1)
	go func() {
		defer c.compaction.Done()
		defer c.compacting.Store(false)
		if err := c.compact(); err != nil {
			c.log.Error("the catalogue's file could not be compacted", "error", err)
		}
	}()
}

// compact copies the frames that count into a new file. Most are copied while
// writers go on; what they add meanwhile is copied under their lock.
func (c *Catalog) compact() (err error) {
	c.mu.Lock()
	from, base := c.seg, c.snap.Load()
	c.mu.Unlock()
	path := filepath.Join(c.dir, segmentName)
	seg, err := createSegment(path+".compact", c.header)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && seg.path != path {
			seg.file.Close()
			os.Remove(seg.path)
		}
	}()
	moved := map[*record]*location{}
	if err = copyRecords(seg, base, moved); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seg != from { // rebuilt meanwhile, which leaves nothing to compact
		seg.file.Close()
		return os.Remove(seg.path)
	}
	now := c.snap.Load()
	if err = copyRecords(seg, now, moved); err != nil {
		return err
	}
	if _, err = seg.append(appendCursor(nil, c.mark)); err != nil {
		return err
	}
	if err = seg.rename(path); err != nil {
		return err
	}
	seg.live = seg.size
	for r, loc := range moved {
		if now.docs.get(r.id) == r {
			r.loc.Store(loc)
		} else {
			seg.live -= loc.size // superseded while it was copied
		}
	}
	// The old file has no name any more; it goes when the last reader lets go of it.
	c.seg = seg
	c.size.Store(seg.size)
	c.garbage.Store(seg.size - seg.live)
	return nil
}

// copyRecords appends the frames of a snapshot that were not moved before.
func copyRecords(to *segment, s *snapshot, moved map[*record]*location) (err error) {
	var chunk bytes.Buffer
	var waiting []*record
	flush := func() error {
		at, err := to.append(chunk.Bytes())
		if err != nil {
			return err
		}
		for _, r := range waiting {
			old := r.loc.Load()
			moved[r] = &location{file: to.file, frame: at, size: old.size, payload: at + old.payload - old.frame}
			at += old.size
		}
		chunk.Reset()
		waiting = waiting[:0]
		return nil
	}
	s.docs.all(func(_ string, r *record) bool {
		if moved[r] != nil {
			return true
		}
		loc := r.loc.Load()
		frame := make([]byte, loc.size)
		if _, err = loc.file.ReadAt(frame, loc.frame); err != nil {
			return false
		}
		chunk.Write(frame)
		waiting = append(waiting, r)
		if chunk.Len() > 1<<20 {
			err = flush()
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return flush()
}
