package target

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/prassi-cms/prassi/site/release"
)

// How long caches may keep a file without asking.
const (
	cacheImmutable = "public, max-age=31536000, immutable" // RFC 8246
	cachePage      = "public, max-age=0, must-revalidate"
	cacheExtra     = "public, max-age=3600"
)

// item is one file that a target shall hold.
type item struct {
	path  string
	hash  string // of the bytes; empty: nobody knows
	size  int64
	media string
	cache string
	page  bool                                         // comes after what pages need
	data  []byte                                       // its bytes, where they are at hand
	copy  func(ctx context.Context, w io.Writer) error // or what writes them
}

// write gives the bytes to w.
func (it *item) write(ctx context.Context, w io.Writer) error {
	if it.copy != nil {
		return it.copy(ctx, w)
	}
	_, err := w.Write(it.data)
	return err
}

// plan is all of them, in the order of their paths.
type plan struct {
	items []item
}

// redirects is the file in which hosts of static sites look for moved pages.
const redirects = "_redirects"

// makePlan lists what a target shall hold.
func makePlan(ctx context.Context, b *release.Build, extra iter.Seq2[Extra, error], precompressed bool) (*plan, error) {
	p := &plan{items: make([]item, 0, b.Len()+1)}
	var moved bytes.Buffer
	for f := range b.Files() {
		p.items = append(p.items, buildItem(b, f, release.Identity, f.Path, f.Size))
		if precompressed {
			for _, e := range []release.Encoding{release.Gzip, release.Brotli} {
				if size, ok := b.Encoded(f.Hash, e); ok {
					p.items = append(p.items, buildItem(b, f, e, f.Path+endings[e], size))
				}
			}
		}
		if f.Status == 301 {
			redirect(&moved, f)
		}
	}
	if _, ok := b.File(redirects); !ok && moved.Len() > 0 {
		p.items = append(p.items, textItem(redirects, moved.Bytes()))
	}
	if extra != nil {
		for x, err := range extra {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			p.items = append(p.items, extraItem(x))
		}
	}
	slices.SortFunc(p.items, func(a, b item) int { return strings.Compare(a.path, b.path) })
	return p, p.check()
}

// check refuses paths that cannot be files of one folder.
func (p *plan) check() error {
	folders := map[string]bool{}
	for i, it := range p.items {
		if err := release.CheckPath(it.path); err != nil {
			return err
		}
		if i > 0 && p.items[i-1].path == it.path {
			return &ConflictError{it.path, "is there twice"}
		}
		for dir := path.Dir(it.path); dir != "." && !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for _, it := range p.items {
		if folders[it.path] {
			return &ConflictError{it.path, "is a file and a folder"}
		}
	}
	return nil
}

// endings are what servers look for beside a file.
var endings = [...]string{release.Gzip: ".gz", release.Brotli: ".br"}

// buffers are for the bytes of one file on their way.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func buildItem(b *release.Build, f *release.File, e release.Encoding, name string, size int64) item {
	it := item{path: name, hash: f.Hash.String() + endings[e], size: size, media: f.Type, cache: cachePage, page: true}
	if f.Immutable {
		it.cache, it.page = cacheImmutable, false
	}
	it.copy = func(_ context.Context, w io.Writer) error {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		data, err := b.Read((*buf)[:0], f.Hash, e)
		*buf = data
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, err = w.Write(data)
		return err
	}
	return it
}

// redirect appends the line of a page that moved.
func redirect(to *bytes.Buffer, f *release.File) {
	fmt.Fprintf(to, "%s %s 301\n", address(f.Path), location(f.Location))
}

// contentItem is a file whose bytes are here.
func contentItem(name string, data []byte) item {
	return item{path: name, hash: sum(data), size: int64(len(data)), data: data}
}

func textItem(name string, data []byte) item {
	it := contentItem(name, data)
	it.media, it.cache, it.page = "text/plain; charset=utf-8", cachePage, true
	return it
}

func extraItem(x Extra) item {
	return item{
		path: x.Path, hash: x.Hash, size: x.Size, media: cmp.Or(x.Type, "application/octet-stream"), cache: cacheExtra,
		copy: func(ctx context.Context, w io.Writer) error {
			r, err := x.Open(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", x.Path, err)
			}
			defer r.Close()
			// One byte more would show.
			n, err := io.Copy(w, io.LimitReader(r, x.Size+1))
			if err == nil && n != x.Size {
				err = errSize
			}
			if err != nil {
				return fmt.Errorf("%s: %w", x.Path, err)
			}
			return nil
		},
	}
}

// address is the path of a page as a reader asks for it.
func address(file string) string {
	return (&url.URL{Path: "/" + strings.TrimSuffix(file, "index.html")}).EscapedPath()
}

// location makes sure that an address is one word of one line.
func location(address string) string {
	if u, err := url.Parse(address); err == nil {
		address = u.String()
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, address)
}
