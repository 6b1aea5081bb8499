package target

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/prassi-cms/prassi/site/release"
)

// Streamer is a target that can take files as they are made: a build that nobody
// keeps need not be written down first, to be read and copied.
type Streamer interface {
	Target
	// Stream begins. It gives nil where the target wants a whole build after all.
	Stream(ctx context.Context) (*Stream, error)
}

// Stream takes the files of a whole site. Put may be called from any number of
// goroutines, then Finish or Close; Close after Finish does nothing. Until Finish
// readers see what was there before.
//
// Files are written some dozens at a time, by whoever brings the last of them: making
// pages and making files in turns would keep either out of the processor's caches.
// One writes at a time, for folders are made in the same few folders; the others go
// on bringing meanwhile.
type Stream struct {
	staging *staging
	mu      sync.Mutex
	files   map[string]string // keys by path
	moved   []release.File
	to      writing
	batch   *batch // that is being filled
	full    []*batch
	spare   []*batch
	writing bool
	written sync.Cond // some were
	err     error     // of writing
	done    bool

	flushing sync.WaitGroup
	flushes  bool  // now
	flushed  int64 // written when the last flush began
}

// batch is some files that are to be written.
type batch struct {
	items []item
	bytes []byte // theirs, one after another
}

// When a batch is written.
const (
	batchFiles = 64
	batchBytes = 1 << 20
	maxFull    = 4 // that wait
)

// flushEach is how many bytes the system is given to bring to the disk while others
// are still being made.
const flushEach = 32 << 20

// Stream takes files into a folder that can be exchanged for a new one, without
// compressed forms.
func (t *folder) Stream(context.Context) (*Stream, error) {
	if t.opt.InPlace || t.opt.Precompressed {
		return nil, nil
	}
	where, err := t.where()
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	s := &Stream{staging: newStaging(where, t.opt), files: map[string]string{}}
	s.written.L = &s.mu
	s.batch, s.to = &batch{}, writing{staging: s.staging}
	if err = s.staging.open(); err == nil {
		err = s.staging.begin()
	}
	if err != nil {
		s.staging.close()
		if errors.Is(err, errNotBeside) {
			return nil, nil
		}
		return nil, fmt.Errorf("target: %w", err)
	}
	return s, nil
}

// Put adds a file with its bytes, which the caller may use again afterwards. Of the
// file it reads Path, Status and Location. An error may be of another file that was
// put before.
func (s *Stream) Put(f release.File, content []byte) error {
	it := contentItem(f.Path, content)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.err, s.note(&it)); err != nil {
		return err
	}
	if f.Status == 301 {
		s.moved = append(s.moved, f)
	}
	b := s.batch
	b.items, b.bytes = append(b.items, it), append(b.bytes, content...)
	if len(b.items) < batchFiles && len(b.bytes) < batchBytes {
		return nil
	}
	s.full, s.batch = append(s.full, b), &batch{}
	if n := len(s.spare); n > 0 {
		s.batch, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	for s.writing && len(s.full) > maxFull {
		s.written.Wait()
	}
	if !s.writing {
		s.write()
	}
	return s.err
}

// write writes what is full; s.mu is held.
func (s *Stream) write() {
	s.writing = true
	for len(s.full) > 0 && s.err == nil {
		b := s.full[0]
		s.full = s.full[1:]
		s.mu.Unlock()
		err := b.write(&s.to)
		s.mu.Lock()
		s.spare, s.err = append(s.spare, b), cmp.Or(s.err, err)
		s.written.Broadcast()
		s.flush()
	}
	s.writing = false
	s.written.Broadcast()
}

// flush lets the system begin to bring what is written to the disk, so that little is
// left to wait for in the end; s.mu is held.
func (s *Stream) flush() {
	n := s.staging.bytes.Load()
	if s.staging.opt.noSync || s.flushes || n-s.flushed < flushEach {
		return
	}
	s.flushes, s.flushed = true, n
	s.flushing.Go(func() {
		err := syncAll(s.staging.full(s.staging.fresh()))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err, s.flushes = cmp.Or(s.err, err), false
	})
}

// note takes down a path, once.
func (s *Stream) note(it *item) error {
	if err := release.CheckPath(it.path); err != nil {
		return err
	}
	if _, twice := s.files[it.path]; twice {
		return &ConflictError{it.path, "is there twice"}
	}
	s.files[it.path] = folderKey(it)
	return nil
}

// write empties the batch.
func (b *batch) write(to *writing) error {
	rest := b.bytes
	for i := range b.items {
		it := &b.items[i]
		it.data, rest = rest[:it.size], rest[it.size:]
		if err := to.put(context.Background(), it); err != nil {
			return err
		}
	}
	clear(b.items)
	b.items, b.bytes = b.items[:0], b.bytes[:0]
	return nil
}

// put is add, with an error that says what is in the way.
func (w *writing) put(ctx context.Context, it *item) error {
	err := w.add(ctx, it)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return &ConflictError{it.path, "is a file and a folder"}
	}
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	return nil
}

// Finish adds what is beside the site and puts all of it in the place of what was
// there before.
func (s *Stream) Finish(ctx context.Context, extra iter.Seq2[Extra, error]) (r Report, err error) {
	defer s.Close()
	if err := s.rest(ctx, extra); err != nil {
		return r, err
	}
	if s.flushing.Wait(); s.err != nil {
		return r, fmt.Errorf("target: %w", s.err)
	}
	next := &manifest{Format: manifestFormat, Files: s.files}
	if s.staging.written.Load() == 0 && s.staging.old != nil && len(s.staging.old.Files) == len(next.Files) {
		return s.staging.report(r), nil // all of it was there, and nothing else
	}
	if r.Removed, err = s.staging.finish(next); errors.Is(err, errNotBeside) {
		return r, fmt.Errorf("target: %s: %w; inplace:DIR brings it up to date file by file", s.staging.full(s.staging.name), err)
	} else if err != nil {
		return r, fmt.Errorf("target: %w", err)
	}
	s.done = true
	return s.staging.report(r), nil
}

func (s *Stream) rest(ctx context.Context, extra iter.Seq2[Extra, error]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = append(s.full, s.batch)
	if s.write(); s.err != nil {
		return s.err
	}
	add := func(it item) error {
		if err := s.note(&it); err != nil {
			return err
		}
		return s.to.put(ctx, &it)
	}
	if _, ok := s.files[redirects]; !ok && len(s.moved) > 0 {
		slices.SortFunc(s.moved, func(f, g release.File) int { return strings.Compare(f.Path, g.Path) })
		var text bytes.Buffer
		for i := range s.moved {
			redirect(&text, &s.moved[i])
		}
		if err := add(textItem(redirects, text.Bytes())); err != nil {
			return err
		}
	}
	if extra != nil {
		for x, err := range extra {
			if err == nil {
				err = add(extraItem(x))
			}
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Close gives up what is not finished and frees the folder.
func (s *Stream) Close() {
	if s.staging == nil {
		return
	}
	s.flushing.Wait()
	s.to.close()
	if !s.done {
		s.staging.discard()
	}
	s.staging.close()
	s.staging = nil
}
