package target

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/prassi-cms/prassi/site/release"
)

// archive publishes to a tar archive compressed with zstd. The same build and
// extras give the same bytes: files in the order of their paths, owned by nobody
// in particular, from the build's day.
type archive struct {
	path string // absolute
	opt  Options
}

func (t *archive) Close() error { return nil }

func (t *archive) Publish(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error]) (Report, error) {
	p, err := makePlan(ctx, b, extra, t.opt.Precompressed)
	if err != nil {
		return Report{}, err
	}
	r, err := t.publish(ctx, p, day(b.Meta()))
	if err != nil {
		return r, fmt.Errorf("target: %w", err)
	}
	return r, nil
}

// day is the build's day at midnight, or the beginning of time.
func day(m release.Meta) time.Time {
	at, err := time.Parse(time.DateOnly, m.Day)
	if err != nil {
		return time.Unix(0, 0)
	}
	return at
}

func (t *archive) publish(ctx context.Context, p *plan, at time.Time) (r Report, err error) {
	if err := os.MkdirAll(filepath.Dir(t.path), folderMode); err != nil {
		return r, err
	}
	if info, err := os.Stat(t.path); err == nil && !info.Mode().IsRegular() {
		return r, &ForeignError{Place: t.path}
	}
	// One name, so that what a kill left is written over the next time.
	temp := filepath.Join(filepath.Dir(t.path), "."+filepath.Base(t.path)+".prassi-new")
	unlock, err := lockFile(temp + "-lock")
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return r, &BusyError{Place: t.path}
	}
	if err != nil {
		return r, err
	}
	defer unlock()
	t.opt.step("create archive")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return r, err
	}
	if err = writeArchive(ctx, f, p, at, t.opt.step); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		t.opt.step("rename")
		err = os.Rename(temp, t.path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return r, err
	}
	for _, it := range p.items {
		r.Bytes += it.size
	}
	r.Written = len(p.items)
	return r, nil
}

func writeArchive(ctx context.Context, w io.Writer, p *plan, at time.Time, step func(string)) error {
	// One thread: the same bytes on a machine of any size.
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	a := tar.NewWriter(z)
	for i := range p.items {
		it := &p.items[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		step("add file")
		if err := a.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: it.path, Size: it.size, Mode: fileMode, ModTime: at}); err != nil {
			return err
		}
		if err := it.write(ctx, a); err != nil {
			if errors.Is(err, tar.ErrWriteTooLong) {
				err = fmt.Errorf("%s: %w", it.path, errSize)
			}
			return err
		}
	}
	return errors.Join(a.Close(), z.Close())
}
