package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/prassi-cms/prassi/catalog"
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

type reindexCmd struct{}

// Run rebuilds the catalogue from the store.
func (reindexCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	if err := e.relayAll(b); err != nil {
		return err
	}
	c, err := e.openCatalog(b)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Rebuild(e.ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%d items in the catalogue\n", c.Stats().Items)
	return err
}

type verifyCmd struct{}

// Run checks the store, and the catalogue against it. While a server runs on
// the same folder the catalogue is the server's, and only the store is checked.
func (verifyCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	if err := e.relayAll(b); err != nil {
		return err
	}
	report, err := b.service.Verify(e.ctx)
	if err != nil {
		return err
	}
	for _, f := range report.Faults {
		fmt.Fprintf(e.stdout, "%s: %s: %s\n", f.Where, f.Code, f.Note)
	}
	bad := len(report.Faults)
	fmt.Fprintf(e.stdout, "store: %d documents, %d variants, %d revisions, %d events\n", report.Documents, report.Variants, report.Revisions, report.Events)

	c, err := e.openCatalog(b)
	var locked *catalog.LockedError
	switch {
	case errors.As(err, &locked):
		fmt.Fprintln(e.stdout, "catalogue: not checked, a server is using it")
	case err != nil:
		return err
	default:
		defer c.Close()
		n, err := e.verifyCatalog(b, c)
		if err != nil {
			return err
		}
		bad += n
	}
	if bad > 0 {
		fmt.Fprintf(e.stdout, "%d faults\n", bad)
		return errFailed
	}
	_, err = fmt.Fprintln(e.stdout, "clean")
	return err
}

func (e *env) verifyCatalog(b *backend, c *catalog.Catalog) (int, error) {
	if err := c.CatchUp(e.ctx); err != nil {
		return 0, err
	}
	found, err := c.Verify(e.ctx, b.store)
	if err != nil {
		return 0, err
	}
	for _, d := range found {
		fmt.Fprintf(e.stdout, "%s %s: %s: want %s, got %s\n", d.Document, d.Locale, d.Code, d.Want, d.Got)
	}
	fmt.Fprintf(e.stdout, "catalogue: %d items\n", c.Stats().Items)
	return len(found), nil
}
