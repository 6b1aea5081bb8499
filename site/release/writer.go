package release

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Writer makes the next build. Put and Keep may be called from any number of
// goroutines, then Commit or Abort once.
type Writer struct {
	store *Store
	base  *Build // nil: from nothing
	meta  Meta
	epoch int
	kept  []atomic.Bool // by place in base
	put   [fanout]struct {
		sync.Mutex
		files map[uint16][]File
	}
	mu   sync.Mutex
	err  error // of a Keep
	done atomic.Bool
}

// Begin starts a build that may keep files of base; without a base all is put.
// Of meta the caller sets Reason, Cursor, Day, Site and Fingerprint.
func (s *Store) Begin(base *Build, meta Meta) *Writer {
	w := &Writer{store: s, base: base, meta: meta, epoch: s.journal.state()}
	if base != nil {
		w.kept = make([]atomic.Bool, base.Len())
	}
	for i := range w.put {
		w.put[i].files = map[uint16][]File{}
	}
	s.mu.Lock()
	s.writers[w] = struct{}{}
	s.mu.Unlock()
	return w
}

var errDone = errors.New("release: this build is finished or was given up")

// Put adds a file with its bytes, which the caller may use again afterwards. A
// path is put once: another time is an error, because one of two pages would be
// lost.
func (w *Writer) Put(f File, content []byte) error {
	if err := CheckPath(f.Path); err != nil {
		return err
	}
	if w.done.Load() {
		return errDone
	}
	f.Hash = sha256.Sum256(content)
	f.Size = int64(len(content))
	if f.Status == 200 {
		f.Status = 0
	}
	if w.base != nil {
		if g, ok := w.base.File(f.Path); ok && g.same(&f) {
			if w.kept[w.base.start[g.leaf]+g.pos].Swap(true) {
				return fmt.Errorf("release: %s was put or kept already", f.Path)
			}
			return w.store.journal.add(w.epoch, f.Hash, content) // known, unless it was found damaged
		}
	}
	return w.add(f, content)
}

// add registers the file before its bytes are looked for, so that Collect knows
// of them.
func (w *Writer) add(f File, content []byte) error {
	w.store.gate.RLock()
	defer w.store.gate.RUnlock()
	number := leafOf(f.Path)
	part := &w.put[number/fanout]
	part.Lock()
	if slices.ContainsFunc(part.files[number], func(g File) bool { return g.Path == f.Path }) {
		part.Unlock()
		return fmt.Errorf("release: %s was put already", f.Path)
	}
	part.files[number] = append(part.files[number], f)
	part.Unlock()
	return w.store.journal.add(w.epoch, f.Hash, content)
}

// Keep takes a file of the base as it is. When its bytes were found damaged
// meanwhile Commit will say so with a *MissingError, and the build must be made
// from nothing. It returns the base's own file, or nil after an error: to keep a file
// of an older build that has not changed costs more.
func (w *Writer) Keep(f *File) *File {
	own := w.inBase(f)
	if own == nil {
		w.fail(fmt.Errorf("release: %s cannot be kept: the base has no such file", f.Path))
		return nil
	}
	if w.store.lost.Load() {
		if b, _ := w.store.index.find(f.Hash); b[Identity].pack == nil {
			w.fail(&MissingError{Path: f.Path, Hash: f.Hash})
			return nil
		}
	}
	w.kept[w.base.start[own.leaf]+own.pos].Store(true)
	return own
}

// inBase gives the base's own file that is the same, or nil.
func (w *Writer) inBase(f *File) *File {
	if w.base == nil {
		return nil
	}
	if l := w.base.leaves[f.leaf]; l != nil && int(f.pos) < len(l.files) && &l.files[f.pos] == f {
		return f
	}
	if g, ok := w.base.File(f.Path); ok && g.same(f) { // a file of another build
		return g
	}
	return nil
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// Abort gives the build up. After Commit it does nothing.
func (w *Writer) Abort() {
	if !w.done.Swap(true) {
		w.forget()
	}
}

func (w *Writer) forget() {
	w.store.mu.Lock()
	delete(w.store.writers, w)
	w.store.mu.Unlock()
}

// Commit publishes the build: what was neither put nor kept is gone. Current
// answers it as soon as all is written, and it is durable when Commit returns. A
// build that does not differ from its base, when that is current, is the base and
// writes nothing. On an error the build that was current stays.
func (w *Writer) Commit(ctx context.Context) (*Build, error) {
	if w.done.Swap(true) {
		return nil, errDone
	}
	defer w.forget()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s := w.store
	s.commit.Lock()
	defer s.commit.Unlock()
	if err := s.journal.check(w.epoch); err != nil {
		return nil, err
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	var base *tree
	if w.base != nil {
		base = w.base.tree
	}
	t := &tree{}
	put := func(h Hash, b []byte) error { return s.journal.add(w.epoch, h, b) }
	for number := range t.leaves {
		l, encoded := w.merge(uint16(number))
		t.leaves[number] = l
		if encoded != nil {
			if err := put(l.hash, encoded); err != nil {
				return nil, err
			}
		}
	}
	if err := t.finish(base, put); err != nil {
		return nil, err
	}
	current := s.Current()
	if current != nil && current == w.base && current.hash == t.hash {
		return current, s.journal.flush() // of what mends the base, if anything does
	}
	return s.publish(w.epoch, w.meta, t)
}

// merge makes a leaf of what was kept and put. encoded is nil when the leaf is
// the base's, or has no files.
func (w *Writer) merge(number uint16) (l *leaf, encoded []byte) {
	part := &w.put[number/fanout]
	part.Lock()
	put := part.files[number]
	part.Unlock()
	var before *leaf
	if w.base != nil {
		before = w.base.leaves[number]
	}
	var files []File
	if before != nil {
		kept := w.kept[w.base.start[number]:w.base.start[number+1]]
		all := len(put) == 0
		for i := range kept {
			all = all && kept[i].Load()
		}
		if all {
			return before, nil
		}
		files = make([]File, 0, len(kept)+len(put))
		for i := range kept {
			path := before.files[i].Path
			if kept[i].Load() && !slices.ContainsFunc(put, func(f File) bool { return f.Path == path }) {
				files = append(files, before.files[i])
			}
		}
	}
	files = append(files, put...)
	slices.SortFunc(files, func(f, g File) int { return strings.Compare(f.Path, g.Path) })
	l, encoded = newLeaf(number, files)
	if before != nil && l != nil && l.hash == before.hash {
		return before, nil
	}
	return l, encoded
}

// changed counts the files that are served differently.
func changed(before, after *tree) (n int) {
	differences(before, after, func(_, _ *File) { n++ })
	return n
}

// differences calls yield for each file that is served differently; of one that
// was not there, or is gone, one of the two is nil.
func differences(before, after *tree, yield func(before, after *File)) {
	var none tree
	if before == nil {
		before = &none
	}
	for i, l := range after.leaves {
		compareLeaves(before.leaves[i], l, yield)
	}
}

func compareLeaves(before, after *leaf, yield func(before, after *File)) {
	var a, b []File
	if before != nil {
		a = before.files
	}
	if after != nil {
		b = after.files
	}
	if before == after || before != nil && after != nil && before.hash == after.hash {
		return
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Path < b[0].Path:
			yield(&a[0], nil)
			a = a[1:]
		case len(a) == 0 || b[0].Path < a[0].Path:
			yield(nil, &b[0])
			b = b[1:]
		default:
			if !a[0].serves(&b[0]) {
				yield(&a[0], &b[0])
			}
			a, b = a[1:], b[1:]
		}
	}
}

// publish makes a manifest, all of whose blobs are in the journal, the current
// build. s.commit is held.
func (s *Store) publish(epoch int, meta Meta, t *tree) (*Build, error) {
	before := s.Current()
	last := ""
	s.mu.Lock()
	if len(s.roots) > 0 {
		last = s.roots[len(s.roots)-1].ID
	}
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	meta.ID, meta.Parent, meta.At = nextID(last, t.hash), "", s.opt.Clock().UTC()
	meta.Files, meta.Bytes = int(t.start[leaves]), t.bytes
	var old *tree
	if before != nil {
		meta.Parent, old = before.ID(), before.tree
	}
	meta.Changed = changed(old, t)

	// Everything is written before anybody sees the build, so that a full disk is
	// met here.
	if err := s.journal.flush(); err != nil {
		return nil, err
	}
	if err := s.journal.check(epoch); err != nil {
		return nil, err
	}
	r := root{Meta: meta, tree: t.hash}
	f, err := s.writeRoot(r)
	if err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	b := s.give(meta, t)
	s.disk.step("swap")
	s.current.Store(b)
	if err := s.settle(f, meta.ID); err != nil {
		s.current.Store(before)
		return nil, err
	}
	s.mu.Lock()
	s.roots = append(s.roots, r)
	s.mu.Unlock()
	return b, nil
}

// settle makes a build durable and gives its root the name by which it counts.
func (s *Store) settle(f device, id string) (err error) {
	synced := make(chan error, 1)
	go func() {
		s.disk.step("sync root")
		synced <- errors.Join(f.Sync(), f.Close())
	}()
	err = errors.Join(s.journal.sync(), <-synced)
	if err == nil {
		err = s.disk.rename(s.unnamed(), s.rootPath(id))
	}
	if err == nil {
		err = s.disk.syncFolder(s.rootPath(""))
	}
	if err != nil {
		_ = s.disk.remove(s.unnamed())
		_ = s.disk.remove(s.rootPath(id))
		return fmt.Errorf("release: %w", err)
	}
	return nil
}
