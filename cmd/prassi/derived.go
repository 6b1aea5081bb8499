package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/prassi-cms/prassi/content/markdown"
)

type renderCmd struct {
	In string `name:"locale" default:"it" placeholder:"LOCALE" help:"Language of the text: it names footnotes and the like, and sets the direction."`
}

// Run is a filter: the same renderer as everywhere, on one text.
func (c *renderCmd) Run(e *env) error {
	src, err := io.ReadAll(io.LimitReader(e.stdin, 16<<20))
	if err != nil {
		return err
	}
	res, err := markdown.Render(src, markdown.Options{Locale: c.In})
	if err != nil {
		var refused *markdown.Error
		if errors.As(err, &refused) {
			return errors.New(e.text(refused.Code, map[string]any{"max": refused.Limit}))
		}
		return err
	}
	_, err = io.WriteString(e.stdout, res.HTML)
	return err
}

// relayAll moves every waiting event to the log, for commands that run without
// the server's jobs.
func (e *env) relayAll(b *backend) error {
	for {
		n, err := b.store.Relay(e.ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// settled opens a store that is there, with every event in its log.
func (e *env) settled() (*backend, error) {
	b, err := e.existing()
	if err != nil {
		return nil, err
	}
	if err := e.relayAll(b); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

type reindexCmd struct{}

// Run rebuilds the catalogue from the store, and the search index from the
// catalogue.
func (reindexCmd) Run(e *env) error {
	b, err := e.settled()
	if err != nil {
		return err
	}
	defer b.close()
	c, err := e.openCatalog(b)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Rebuild(e.ctx); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(e.stdout, e.text("reindex_done", map[string]any{"items": c.Stats().Items})); err != nil {
		return err
	}
	finder, err := e.openSearch(b, c)
	if err != nil {
		return err
	}
	defer finder.Close()
	if err := finder.Rebuild(e.ctx); err != nil {
		return engineAway(err)
	}
	_, err = fmt.Fprintln(e.stdout, e.text("reindex_search_done", map[string]any{"documents": finder.Stats().Documents}))
	return err
}
