package release

import (
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"sync"
)

// flushAt is how many bytes are gathered before they are written.
const flushAt = 512 << 10

// journal appends blobs to the newest pack. Bytes are gathered and written in
// large pieces; their records follow at flush, and sync makes both durable.
type journal struct {
	store *Store

	mu      sync.Mutex
	packs   map[uint32]*pack
	active  *pack
	buf     []byte   // the bytes of active that are not written
	pending []record // the blobs of active without a record in the index file
	// fresh is where of these the identities that nobody can read yet lie.
	fresh map[Hash]location
	dirty map[*pack]struct{}
	// A failed write takes back all that was not flushed. Writers that began
	// before must give up: what they put may be gone.
	epoch  int
	failed error // why the epoch changed
	broken error // a failed sync: what is on the disk is not known any more

	syncing sync.Mutex
}

// state gives the epoch that a Writer begins in.
func (j *journal) state() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.epoch
}

// check says why a Writer of an epoch must give up.
func (j *journal) check(epoch int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.checkLocked(epoch)
}

func (j *journal) checkLocked(epoch int) error {
	if j.broken != nil {
		return j.broken
	}
	if epoch != j.epoch {
		return j.failed
	}
	return nil
}

// add stores the identity of a blob, unless it is there.
func (j *journal) add(epoch int, h Hash, content []byte) error {
	if b, ok := j.store.index.find(h); ok && b[Identity].pack != nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.checkLocked(epoch); err != nil {
		return err
	}
	if _, ok := j.fresh[h]; ok {
		return nil
	}
	if b, ok := j.store.index.find(h); ok && b[Identity].pack != nil {
		return nil
	}
	loc, err := j.appendLocked(h, Identity, content)
	if err == nil {
		j.fresh[h] = loc
	}
	return err
}

// append stores bytes and says where; the caller puts that into the store's index
// once they are flushed.
func (j *journal) append(epoch int, h Hash, e Encoding, content []byte) (location, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.checkLocked(epoch); err != nil {
		return location{}, err
	}
	return j.appendLocked(h, e, content)
}

func (j *journal) appendLocked(h Hash, e Encoding, content []byte) (location, error) {
	if len(content) > math.MaxInt32 {
		return location{}, fmt.Errorf("release: a file of %d bytes is too large", len(content))
	}
	if j.active == nil || j.active.size > int64(len(packHeader)) && j.active.size+int64(len(content)) > maxPack {
		if err := j.rollLocked(); err != nil {
			return location{}, err
		}
	}
	p := j.active
	loc := location{pack: p, off: uint32(p.size), size: uint32(len(content)), sum: crc32.Checksum(content, castagnoli)}
	p.size += int64(len(content))
	j.buf = append(j.buf, content...)
	j.pending = append(j.pending, record{hash: h, loc: loc, enc: e})
	if len(j.buf) >= flushAt {
		if err := j.writeLocked(); err != nil {
			return location{}, err
		}
	}
	return loc, nil
}

// rollLocked begins a new pack.
func (j *journal) rollLocked() error {
	if err := j.flushLocked(); err != nil {
		return err
	}
	number := uint32(1)
	for n := range j.packs {
		number = max(number, n+1)
	}
	p, err := j.store.createPack(number)
	if err != nil {
		return j.failLocked(err)
	}
	j.packs[number], j.active = p, p
	j.dirty[p] = struct{}{}
	return nil
}

// writeLocked writes the bytes that were gathered.
func (j *journal) writeLocked() error {
	if len(j.buf) == 0 {
		return nil
	}
	p := j.active
	j.store.disk.step("write data")
	j.dirty[p] = struct{}{}
	if _, err := p.data.WriteAt(j.buf, p.written); err != nil {
		return j.failLocked(err)
	}
	p.written += int64(len(j.buf))
	if cap(j.buf) > 2*flushAt { // grown for one large file
		j.buf = nil
	}
	j.buf = j.buf[:0]
	return nil
}

// flush writes all bytes and then their records; from then on they can be read.
func (j *journal) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.flushLocked()
}

func (j *journal) flushLocked() error {
	if err := j.writeLocked(); err != nil {
		return err
	}
	p := j.active
	if len(j.pending) == 0 {
		return nil
	}
	b := make([]byte, 0, len(j.pending)*recordSize)
	for _, r := range j.pending {
		b = appendRecord(b, r)
	}
	j.store.disk.step("write index")
	if _, err := p.idx.WriteAt(b, p.indexEnd()); err != nil {
		return j.failLocked(err)
	}
	p.records += int64(len(j.pending))
	p.indexed = p.size
	for h, loc := range j.fresh {
		j.store.index.set(h, Identity, loc)
	}
	j.pending = j.pending[:0]
	clear(j.fresh)
	return nil
}

// failLocked takes back what was not flushed, so that the files are as if it had
// never been, and returns the error in words.
func (j *journal) failLocked(err error) error {
	err = fmt.Errorf("release: %w", err)
	j.pending, j.buf = nil, nil
	clear(j.fresh)
	if p := j.active; p != nil {
		p.size, p.written = p.indexed, p.indexed
		// That these fail harms nothing: what is too much is overwritten, or cut
		// at the next Open.
		_ = p.data.Truncate(p.indexed)
		_ = p.idx.Truncate(p.indexEnd())
	}
	j.epoch++
	j.failed = err
	return err
}

// sync flushes, waits until all is on the disk, and marks it so. After a failure
// nothing more is written: what the system does with pages that it could not
// write is not known.
func (j *journal) sync() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	err := j.flushLocked()
	if err == nil {
		err = j.broken
	}
	if err != nil {
		j.mu.Unlock()
		return err
	}
	dirty := slices.Collect(maps.Keys(j.dirty))
	clear(j.dirty)
	records := make([]int64, len(dirty))
	for i, p := range dirty {
		records[i] = p.records
	}
	j.mu.Unlock()
	if len(dirty) == 0 {
		return nil
	}
	j.store.disk.step("sync pack")
	errs := make(chan error, 2*len(dirty))
	for _, p := range dirty {
		go func() { errs <- p.data.Sync() }()
		go func() { errs <- p.idx.Sync() }()
	}
	for range cap(errs) {
		err = errors.Join(err, <-errs)
	}
	if err == nil {
		err = j.store.disk.syncFolder(j.store.packFolder())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.broken = fmt.Errorf("release: the disk failed, nothing more is written until the next start: %w", err)
		return j.broken
	}
	for i, p := range dirty {
		mark := appendRecord(nil, record{loc: location{off: uint32(records[i])}, enc: syncMark})
		// Only saves the next Open some reading.
		if _, err := p.idx.WriteAt(mark, p.indexEnd()); err == nil {
			p.records++
		}
	}
	return nil
}
