package release

import (
	"context"
	"fmt"
)

// Collected is what a Collect did.
type Collected struct {
	Builds int   // forgotten
	Packs  int   // rewritten or removed
	Freed  int64 // bytes on the disk; less than zero when nothing could be freed yet
}

// Collect forgets the builds beyond Options.Keep and rewrites the packs of which
// less than half is of use to the others, to builds that somebody holds and to
// those being written. Readers and writers go on meanwhile. Killed at any step it
// loses nothing: a pack goes when what it held is durable elsewhere.
func (s *Store) Collect(ctx context.Context) (c Collected, err error) {
	s.collect.Lock()
	defer s.collect.Unlock()
	epoch := s.journal.state()
	roots, err := s.forget(&c)
	if err != nil {
		return c, err
	}
	live := marker{store: s, seen: map[Hash]struct{}{}}
	for _, r := range roots {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		if err := live.root(r); err != nil {
			s.log.Warn("release: a build is damaged and cannot be restored", "build", r.ID, "error", err)
		}
	}
	condemned, err := s.sweep(&live)
	if err != nil {
		return c, err
	}
	// Packs of which nothing is left first: that makes room for the copies.
	for _, empty := range []bool{true, false} {
		for p, blobs := range condemned {
			if (len(blobs) == 0) != empty {
				continue
			}
			if err := ctx.Err(); err != nil {
				return c, err
			}
			if err := s.rewrite(epoch, p, blobs, &c); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// forget drops roots, oldest first, and gives the others.
func (s *Store) forget(c *Collected) ([]root, error) {
	s.mu.Lock()
	roots := s.roots
	surplus := max(0, len(roots)-s.opt.Keep)
	old := roots[:surplus]
	s.roots = append([]root(nil), roots[surplus:]...)
	kept := s.roots
	s.mu.Unlock()
	for _, r := range old {
		if err := s.disk.remove(s.rootPath(r.ID)); err != nil {
			return nil, fmt.Errorf("release: %w", err)
		}
		c.Builds++
	}
	if len(old) == 0 {
		return kept, nil
	}
	// Before any blob goes: after a power cut there must be no root without blobs.
	if err := s.disk.syncFolder(s.rootPath("")); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return kept, nil
}

// marker gathers the blobs that are of use.
type marker struct {
	store *Store
	seen  map[Hash]struct{}
}

// mark notes a blob and reports whether it was new.
func (m *marker) mark(h Hash) bool {
	if _, ok := m.seen[h]; ok || h == (Hash{}) {
		return false
	}
	m.seen[h] = struct{}{}
	return true
}

// root marks a manifest from the disk; what another build has in common is read
// once.
func (m *marker) root(r root) error {
	if !m.mark(r.tree) {
		return nil
	}
	top, err := m.store.children(r.tree)
	if err != nil {
		return err
	}
	for i, h := range top {
		if !m.mark(h) {
			continue
		}
		below, err := m.store.children(h)
		if err != nil {
			return err
		}
		for k, h := range below {
			if !m.mark(h) {
				continue
			}
			l, err := m.store.leaf(uint16(i*fanout+k), h, nil)
			if err != nil {
				return err
			}
			m.files(l.files)
		}
	}
	return nil
}

// tree marks a manifest in memory.
func (m *marker) tree(t *tree) {
	m.mark(t.hash)
	for _, h := range t.nodes {
		m.mark(h)
	}
	for _, l := range t.leaves {
		if l != nil && m.mark(l.hash) {
			m.files(l.files)
		}
	}
}

func (m *marker) files(files []File) {
	for i := range files {
		m.mark(files[i].Hash)
	}
}

// writer marks what a Writer may keep and what it was given so far.
func (m *marker) writer(w *Writer) {
	if w.base != nil {
		m.tree(w.base.tree)
	}
	for i := range w.put {
		part := &w.put[i]
		part.Lock()
		for _, files := range part.files {
			m.files(files)
		}
		part.Unlock()
	}
}

// place is one encoding of a blob.
type place struct {
	hash Hash
	enc  Encoding
	loc  location
}

// sweep forgets all blobs that are not of use, and gives the packs that are to go
// with what must be moved from them. From then on nothing is added to these.
func (s *Store) sweep(live *marker) (map[*pack][]place, error) {
	s.gate.Lock()
	defer s.gate.Unlock()
	// What was begun or published since the roots were read.
	s.mu.Lock()
	s.given = s.held()
	given := s.given
	writers := make([]*Writer, 0, len(s.writers))
	for w := range s.writers {
		writers = append(writers, w)
	}
	s.mu.Unlock()
	for _, p := range given {
		if b := p.Value(); b != nil {
			live.tree(b.tree)
		}
	}
	for _, w := range writers {
		live.writer(w)
	}
	s.index.retain(func(h Hash) bool { _, ok := live.seen[h]; return ok })
	used := map[*pack]int64{}
	for _, b := range s.index.all() {
		for _, loc := range b {
			if loc.pack != nil {
				used[loc.pack] += int64(loc.size)
			}
		}
	}
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return nil, j.broken
	}
	condemned := map[*pack][]place{}
	for _, p := range j.packs {
		if bytes := p.size - int64(len(packHeader)); used[p]*2 < bytes || bytes == 0 && p != j.active {
			condemned[p] = nil
		}
	}
	if _, ok := condemned[j.active]; ok {
		if err := j.flushLocked(); err != nil {
			return nil, err
		}
		j.active = nil
	}
	if len(condemned) == 0 {
		return nil, nil
	}
	for h, b := range s.index.all() {
		for e, loc := range b {
			if _, ok := condemned[loc.pack]; ok && loc.pack != nil {
				condemned[loc.pack] = append(condemned[loc.pack], place{h, Encoding(e), loc})
			}
		}
	}
	return condemned, nil
}

// rewrite moves what is of use to the newest pack and removes the old one. Its
// files stay open as long as somebody may read them.
func (s *Store) rewrite(epoch int, p *pack, blobs []place, c *Collected) error {
	j := &s.journal
	var buf []byte
	moved := make([]location, len(blobs))
	for i, b := range blobs {
		var err error
		if buf, err = b.loc.read(buf[:0]); err != nil {
			// It stays lost, and so does not keep the rest from moving.
			s.lost.Store(true)
			s.log.Warn("release: bytes are lost", "hash", b.hash.String(), "error", err)
			continue
		}
		if moved[i], err = j.append(epoch, b.hash, b.enc, buf); err != nil {
			return err
		}
		c.Freed -= int64(b.loc.size)
	}
	if len(blobs) > 0 {
		if err := j.sync(); err != nil {
			return err
		}
		if err := j.check(epoch); err != nil {
			return err
		}
	}
	for i, b := range blobs {
		s.index.replace(b.hash, b.enc, b.loc, moved[i])
	}
	j.mu.Lock()
	delete(j.packs, p.number)
	delete(j.dirty, p)
	j.mu.Unlock()
	// The index first: a pack without one is a leftover for the next Open.
	for _, ending := range []string{".idx", ".pack"} {
		if err := s.disk.remove(s.packPath(p.number, ending)); err != nil {
			return fmt.Errorf("release: %w", err)
		}
	}
	c.Packs++
	c.Freed += p.size
	return nil
}
