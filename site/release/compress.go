package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// Pages are compressed once a build, so the levels are those after which the next
// costs much and gains little. What is cached for a year is downloaded often and
// made seldom: it gets the best.
var (
	gzipLevels   = [2]int{6, gzip.BestCompression}
	brotliLevels = [2]int{5, brotli.BestCompression}
)

const (
	// minCompress is the size in bytes below which all fits into one packet
	// anyway.
	minCompress = 256
	// batchBytes is how much a worker makes before it writes.
	batchBytes = 1 << 20
)

// Compressible reports that files of a media type are text, which gains by
// compression.
func Compressible(mediaType string) bool {
	name, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return false
	}
	if strings.HasPrefix(name, "text/") || strings.HasSuffix(name, "+json") || strings.HasSuffix(name, "+xml") {
		return true
	}
	switch name {
	case "application/json", "application/xml", "application/javascript", "application/wasm", "image/x-icon", "font/ttf", "font/otf":
		return true
	}
	return false
}

// made is one content in an encoding; without bytes when it gains nothing.
type made struct {
	hash Hash
	enc  Encoding
	data []byte
}

// Compress adds gzip and brotli of what the current build has of text and does not
// keep in them yet, with so many workers (at least one). It says of how many files
// it made one or both, and how many bytes smaller the smallest form is. What
// gains less than a tenth is not kept, and not tried again. The same bytes give
// the same bytes. When ctx ends, what was made until then stays.
func (s *Store) Compress(ctx context.Context, workers int) (files int, saved int64, err error) {
	s.compress.Lock()
	defer s.compress.Unlock()
	b := s.Current()
	if b == nil {
		return 0, 0, nil
	}
	defer runtime.KeepAlive(b)
	epoch := s.journal.state()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan *File)
	var (
		mu   sync.Mutex
		errs error
		wg   sync.WaitGroup
	)
	for range max(workers, 1) {
		wg.Go(func() {
			c := compressor{store: s, epoch: epoch}
			for f := range todo {
				s.giveWay(ctx)
				if err := c.add(b, f); err != nil {
					cancel()
					mu.Lock()
					errs = errors.Join(errs, err)
					mu.Unlock()
					return
				}
			}
			err := c.write()
			mu.Lock()
			files, saved, errs = files+c.files, saved+c.saved, errors.Join(errs, err)
			mu.Unlock()
		})
	}
	seen := map[Hash]bool{}
	for f := range b.Files() {
		if f.Size < minCompress || seen[f.Hash] || !Compressible(f.Type) {
			continue
		}
		seen[f.Hash] = true
		if found, _ := s.index.find(f.Hash); found[Gzip].pack != nil && found[Brotli].pack != nil {
			continue
		}
		select {
		case todo <- f:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(todo)
	wg.Wait()
	if files > 0 && errs == nil {
		errs = s.journal.sync()
	}
	if errs == nil {
		errs = ctx.Err()
	}
	return files, saved, errs
}

// giveWay waits while a build is being made, though not for long: readers wait for a
// new page, and for a smaller one nobody does.
func (s *Store) giveWay(ctx context.Context) {
	const look, most = 5 * time.Millisecond, 200 * time.Millisecond
	for waited := time.Duration(0); waited < most && ctx.Err() == nil; waited += look {
		s.mu.Lock()
		building := len(s.writers) > 0
		s.mu.Unlock()
		if !building {
			return
		}
		time.Sleep(look)
	}
}

// compressor is one worker of Compress.
type compressor struct {
	store   *Store
	epoch   int
	writers [encodings][2]writer
	plain   []byte
	out     bytes.Buffer
	batch   []made
	bytes   int
	files   int
	saved   int64
}

// add compresses a file. One that cannot be read is left out: who reads it will
// hear of it.
func (c *compressor) add(b *Build, f *File) (err error) {
	if c.plain, err = b.Read(c.plain[:0], f.Hash, Identity); err != nil {
		c.store.log.Warn("release: not compressed", "path", f.Path, "error", err)
		return nil
	}
	smallest := len(c.plain)
	for e := Gzip; e < encodings; e++ {
		c.out.Reset()
		w := c.writer(e, f.Immutable)
		w.Reset(&c.out)
		_, err := w.Write(c.plain)
		if err = errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("release: compress %s: %w", f.Path, err)
		}
		m := made{hash: f.Hash, enc: e}
		if c.out.Len()*10 <= len(c.plain)*9 {
			m.data = bytes.Clone(c.out.Bytes())
			smallest = min(smallest, len(m.data))
		}
		c.batch = append(c.batch, m)
		c.bytes += len(m.data)
	}
	if smallest < len(c.plain) {
		c.files++
		c.saved += int64(len(c.plain) - smallest)
	}
	if c.bytes >= batchBytes || len(c.batch) > 1000 {
		return c.write()
	}
	return nil
}

type writer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// writer gives the worker's writer of an encoding, at the better level or not.
func (c *compressor) writer(e Encoding, best bool) writer {
	level := 0
	if best {
		level = 1
	}
	w := &c.writers[e][level]
	if *w == nil {
		if e == Gzip {
			*w, _ = gzip.NewWriterLevel(nil, gzipLevels[level]) // the levels are right
		} else {
			*w = brotli.NewWriterLevel(nil, brotliLevels[level])
		}
	}
	return *w
}

// write stores what was made, and then says where. Collect forgets before that or
// after.
func (c *compressor) write() error {
	s := c.store
	s.gate.RLock()
	defer s.gate.RUnlock()
	at := make([]location, len(c.batch))
	for i, m := range c.batch {
		var err error
		if at[i], err = s.journal.append(c.epoch, m.hash, m.enc, m.data); err != nil {
			return err
		}
	}
	if err := s.journal.flush(); err != nil {
		return err
	}
	if err := s.journal.check(c.epoch); err != nil {
		return err
	}
	for i, m := range c.batch {
		s.index.set(m.hash, m.enc, at[i])
	}
	c.batch, c.bytes = c.batch[:0], 0
	return nil
}
