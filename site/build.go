package site

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
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
	Bytes                          int64
	Planned, Rendering, Committing time.Duration
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
	base := store.Current()
	started := time.Now()
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
	var mu sync.Mutex
	var todo []*job
	p.emit = func(j *job) {
		if p.stays(j.Path, j.Inputs) == nil {
			mu.Lock()
			todo = append(todo, j)
			mu.Unlock()
		}
	}
	if err := p.all(); err != nil {
		return nil, Report{}, err
	}
	r := Report{Kept: int(p.kept.Load()), Rendered: len(todo), Planned: time.Since(started)}
	r.Pages = r.Kept + r.Rendered
	if base != nil {
		r.Removed = max(0, base.Len()-r.Kept-p.replaced(base, todo))
	}
	rendering := time.Now()
	n, err := p.render(ctx, w, todo)
	if err != nil {
		return nil, r, err
	}
	r.Bytes, r.Rendering = n, time.Since(rendering)
	for _, ed := range p.editions {
		if !ed.other {
			s.last.Store(ed.tag, ed.view)
		}
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

// replaced counts the files that were there under the same path.
func (p *plan) replaced(base *release.Build, todo []*job) (n int) {
	for _, j := range todo {
		if _, ok := base.File(j.Path); ok {
			n++
		}
	}
	return n
}

// render makes files on all workers and puts each away at once; no page is held.
func (p *plan) render(ctx context.Context, w *release.Writer, todo []*job) (int64, error) {
	var next, written atomic.Int64
	g, working := errgroup.WithContext(ctx)
	for range min(p.workers, len(todo)) {
		g.Go(p.safely(func() error {
			b := buffers.Get().(*bytes.Buffer)
			defer giveBack(b)
			for working.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(todo) {
					return nil
				}
				j := todo[i]
				todo[i] = nil
				b.Reset()
				content, err := p.make(j, b)
				if err == nil {
					err = w.Put(j.File, content)
				}
				if err != nil {
					var theme *ThemeError
					if errors.As(err, &theme) {
						return err
					}
					return fmt.Errorf("site: %s: %w", j.Path, err)
				}
				written.Add(int64(len(content)))
				if b.Cap() > maxBuffer {
					b = new(bytes.Buffer)
				}
			}
			return working.Err()
		}))
	}
	err := g.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return written.Load(), err
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
