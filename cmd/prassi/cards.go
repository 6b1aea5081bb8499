package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/card"
	"github.com/prassi-cms/prassi/site/target"
)

// painters are how many pictures are drawn at a time for copies.
const painters = 2

// newPainter makes what draws pictures for links; nil when the program was built
// without the site's assets.
func newPainter(log *slog.Logger) (*card.Painter, error) {
	assets, err := fs.Sub(site.DefaultTheme(), "assets")
	if err != nil {
		return nil, err
	}
	p, err := card.New(assets)
	if errors.Is(err, fs.ErrNotExist) {
		log.Warn("no pictures accompany links", "error", err)
		return nil, nil
	}
	return p, err
}

// shelf keeps the pictures of copies in the data folder; nil when copies have none.
func (l looks) shelf(e *env, p *card.Painter) *card.Shelf {
	if l.NoCards || p == nil {
		return nil
	}
	return &card.Shelf{Dir: filepath.Join(e.cli.Data, "cards"), Painter: p}
}

// pictures are the files of the pictures that the pages of a site name. All that are
// new are drawn first, a few at a time, for a target wants to know the size of each;
// none is held in memory.
func pictures(ctx context.Context, s *site.Site, shelf *card.Shelf) iter.Seq2[target.Extra, error] {
	return func(yield func(target.Extra, error) bool) {
		list, err := s.Pictures(ctx)
		if err != nil {
			yield(target.Extra{}, err)
			return
		}
		files := make([]target.Extra, len(list))
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(painters)
		for i, p := range list {
			work.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				name, size, err := shelf.Picture(p.Card)
				files[i] = target.Extra{
					Path: p.Path, Type: "image/png", Size: size, Hash: p.Card.Key(),
					Open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) },
				}
				return err
			})
		}
		if err := work.Wait(); err != nil {
			yield(target.Extra{}, err)
			return
		}
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
		if _, err := shelf.Sweep(time.Now()); err != nil {
			yield(target.Extra{}, err)
		}
	}
}
