package site

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/site/release"
)

// Report says what a build did.
type Report struct {
	Pages    int // files of the site
	Rendered int // made anew
	Kept     int // as in the build before
	Removed  int // in the build before, and no more
	// Bytes made anew.
	Bytes int64
	// Making is planning and rendering, which go on at the same time.
	Making, Committing time.Duration
}

// maxBuffer keeps a rare large page from staying in memory.
const maxBuffer = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func newBuffer() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxBuffer {
		buffers.Put(b)
	}
}

// Build makes the site as the catalogue and the clock have it now, and puts it on
// the air. Pages whose inputs are those of the build before are kept. On an error
// (a *ThemeError, the disk's, the context's) the build before stays.
func (s *Site) Build(ctx context.Context, store *release.Store, reason string) (*release.Build, Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	started := time.Now()
	base := store.Current()
	before := s.before
	if base == nil || base != s.built {
		before = nil // a start, or an earlier build that was put back
	}
	p, err := s.planAfter(ctx, s.today(), before)
	if err != nil {
		return nil, Report{}, err
	}
	w := store.Begin(base, release.Meta{
		Reason: reason, Cursor: p.moment.Cursor(), Day: p.day, Site: s.cfg.Key, Fingerprint: hex.EncodeToString(s.fingerprint[:8]),
	})
	defer w.Abort()
	p.base, p.w = base, w
	r, err := p.produce(ctx, started, w.Put)
	if err != nil {
		return nil, r, err
	}
	committing := time.Now()
	build, err := w.Commit(ctx)
	if err != nil {
		return nil, r, err
	}
	r.Committing = time.Since(committing)
	s.before, s.built = p.rest(), build
	return build, r, nil
}

// Write makes the whole site as the catalogue and the clock have it now and gives each
// file to put, several at once; the bytes are put's until it returns. Nothing is kept
// for the next build.
func (s *Site) Write(ctx context.Context, put func(release.File, []byte) error) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	started := time.Now()
	p, err := s.planAfter(ctx, s.today(), nil)
	if err != nil {
		return Report{}, err
	}
	return p.produce(ctx, started, put)
}

// ahead is how many files are planned before they are made.
const ahead = 1024

// produce makes every file that the build before does not have, while others are
// still being planned, and hands it on at once: no page is held.
func (p *plan) produce(ctx context.Context, started time.Time, put func(release.File, []byte) error) (Report, error) {
	todo := make(chan *job, ahead)
	var rendered, replaced, written atomic.Int64
	g, working := errgroup.WithContext(ctx)
	p.emit = func(j *job) {
		if p.stays(j.Path, j.Inputs) != nil {
			return
		}
		rendered.Add(1)
		if p.base != nil {
			if _, ok := p.base.File(j.Path); ok {
				replaced.Add(1)
			}
		}
		select {
		case todo <- j:
		case <-working.Done():
		}
		if p.beside {
			runtime.Gosched()
		}
	}
	var r Report
	g.Go(p.safely(func() error {
		defer close(todo)
		return p.all()
	}))
	workers := p.workers
	if p.beside && p.base == nil {
		workers = max(1, workers/2)
	}
	for range workers {
		g.Go(p.safely(func() error {
			n, err := p.render(working, todo, put)
			written.Add(n)
			return err
		}))
	}
	err := g.Wait()
	if err == nil {
		err = ctx.Err()
	}
	r.Kept, r.Rendered, r.Bytes = int(p.kept.Load()), int(rendered.Load()), written.Load()
	r.Pages = r.Kept + r.Rendered
	if p.base != nil {
		r.Removed = max(0, p.base.Len()-r.Kept-int(replaced.Load()))
	}
	if err != nil {
		return r, err
	}
	r.Making = time.Since(started)
	for _, ed := range p.editions {
		if !ed.other {
			p.last.Store(ed.tag, ed.view)
		}
	}
	return r, nil
}

// render makes files until there are no more, and says how many bytes.
func (p *plan) render(ctx context.Context, todo <-chan *job, put func(release.File, []byte) error) (n int64, err error) {
	b := newBuffer()
	defer giveBack(b)
	for j := range todo {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		b.Reset()
		content, err := p.make(j, b)
		if err == nil {
			err = put(j.File, content)
		}
		if err != nil {
			if _, wrong := errors.AsType[*ThemeError](err); wrong {
				return n, err
			}
			return n, fmt.Errorf("site: %s: %w", j.Path, err)
		}
		n += int64(len(content))
		if p.beside {
			runtime.Gosched() // who has a request waits for one page, not for its turn
		}
		if b.Cap() > maxBuffer {
			b = new(bytes.Buffer)
		}
	}
	return n, nil
}

// make gives the bytes of a file; they may be the buffer's.
func (p *plan) make(j *job, b *bytes.Buffer) ([]byte, error) {
	if j.data != nil {
		return j.data(p, j, b.AvailableBuffer())
	}
	page, err := j.page(p, j)
	if err != nil {
		return nil, err
	}
	if j.Type == "" {
		j.Type = "text/html; charset=utf-8"
	}
	if err := p.execute(b, j.ed.tongue, page); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// program names the program that renders, so that another one renders anew.
var program = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	out := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.time" {
			out += " " + s.Value
		}
	}
	return out
})
