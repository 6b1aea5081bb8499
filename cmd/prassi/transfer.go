package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/interchange"
	"github.com/prassi-cms/prassi/interchange/generators"
	"github.com/prassi-cms/prassi/schemas"
)

type importCmd struct {
	Path    []string `arg:"" help:"Files, folders, ZIP archives, and https addresses of files and archives."`
	Type    string   `name:"type" placeholder:"TYPE" help:"Content type of what does not say its own: article, news, practice, service, organization, event or page."`
	In      string   `name:"locale" placeholder:"LOCALE" help:"Language of what does not say its own."`
	Format  string   `name:"format" default:"auto" enum:"auto,prassi,hsds" help:"How JSON and CSV files are read: auto (by their shape), prassi (the interchange format), hsds (Open Referral)."`
	Mapping string   `name:"mapping" type:"existingfile" placeholder:"FILE" help:"YAML file that says how other people's keys map to ours; see docs/interchange.md."`
	Publish bool     `name:"publish" help:"Take what is not marked as a draft through its workflow to publication."`
	DryRun  bool     `name:"dry-run" help:"Write nothing; show what would change."`
	Verbose bool     `name:"verbose" short:"v" help:"Also report what is unchanged."`
	going
}

func (c *importCmd) Run(e *env) error {
	allow, err := c.prefixes()
	if err != nil {
		return err
	}
	for i, name := range c.Path {
		if !interchange.IsAddress(name) {
			c.Path[i] = kong.ExpandPath(name)
		}
	}
	b, err := e.open(nil)
	if err != nil {
		return err
	}
	defer b.close()
	opt := interchange.Options{
		Registry: b.schemas, Env: &schemas.Env{Territories: b.service.Territories(), Loose: true},
		Defaults: interchange.Defaults{Type: c.Type, Locale: c.In}, Publish: c.Publish, Store: b.store, Allow: allow,
	}
	if c.Format != "auto" {
		opt.Notation = c.Format
	}
	if c.Mapping != "" {
		data, err := os.ReadFile(c.Mapping)
		if err != nil {
			return err
		}
		if opt.Mapping, err = interchange.ReadMapping(c.Mapping, data, b.schemas); err != nil {
			return e.wrong(err)
		}
	}
	plan, err := interchange.Open(e.ctx, c.Path, opt)
	if err != nil {
		return e.wrong(err)
	}
	defer plan.Close()
	run := interchange.RunOptions{
		Actor: content.System("import"), DryRun: c.DryRun, Verbose: c.Verbose, Report: e.stdout, Messages: e.text,
		Library: b.media,
	}
	if f, ok := e.stderr.(*os.File); ok {
		run.Progress = interchange.Bar(f)
	}
	prepared := func() error { return nil }
	if !c.DryRun {
		prepared = e.prepare(b)
	}
	service := b.service
	if c.DryRun {
		if service, err = b.expecting(plan.Media()); err != nil {
			return err
		}
	}
	sum, err := interchange.Import(e.ctx, service, plan, run)
	if late := prepared(); err == nil {
		err = late
	}
	switch {
	case err != nil:
		return e.wrong(err)
	case sum.Refused > 0:
		return errFailed
	}
	return nil
}

// expecting gives the rules for a dry run, to which files are there that the
// import would have brought in by then.
func (b *backend) expecting(coming []string) (*content.Service, error) {
	return content.New(b.store, b.schemas, content.Options{
		Territories: b.service.Territories(), Render: checkMarkdown,
		Media: func(ctx context.Context, a content.Actor, id string) error {
			if slices.Contains(coming, id) {
				return nil
			}
			_, err := b.media.See(ctx, b.service, a, id)
			return err
		},
	})
}

// wrong says what stops an import or export, with file, line and column.
func (e *env) wrong(err error) error {
	var at *interchange.Error
	if !errors.As(err, &at) {
		return err
	}
	f := at.Finding
	where := f.Source
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", where, f.Line, max(f.Column, 1))
	}
	fmt.Fprintf(e.stderr, "%s: %s\n", where, e.text(f.Code, f.Params))
	return errFailed
}

// prepare renders what an import publishes while it goes on, so that the next
// start finds the catalogue ready. The function it gives waits for the end. A
// running server does this for itself.
func (e *env) prepare(b *backend) func() error {
	imported, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- e.follow(b, imported) }()
	return func() error {
		close(imported)
		return <-done
	}
}

// follow keeps the catalogue up to date until the import is over.
func (e *env) follow(b *backend, imported <-chan struct{}) error {
	c, err := e.openCatalog(b)
	var locked *catalog.LockedError
	if errors.As(err, &locked) {
		<-imported
		return e.relayAll(b)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	for over := false; ; {
		if err := e.relayAll(b); err != nil {
			return err
		}
		if err := c.CatchUp(e.ctx); err != nil || over {
			return err
		}
		select {
		case <-imported:
			over = true
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// importDemo brings the example content in.
func (e *env) importDemo(b *backend, files fs.FS) error {
	plan, err := interchange.OpenFS(e.ctx, files, "demo", interchange.Options{Registry: b.schemas, Publish: true})
	if err != nil {
		return err
	}
	defer plan.Close()
	var report strings.Builder
	sum, err := interchange.Import(e.ctx, b.service, plan, interchange.RunOptions{Actor: content.System("demo"), Report: &report, Messages: e.text})
	if err == nil && sum.Refused > 0 {
		err = fmt.Errorf("%d examples were refused:\n%s", sum.Refused, report.String())
	}
	return err
}

type exportCmd struct {
	Dir    string `arg:"" type:"path" help:"A folder that does not exist yet, is empty, or holds an earlier export; for hsds-json also one file (.json), for hsds-csv an archive (.zip)."`
	Format string `name:"format" default:"markdown" enum:"markdown,jsonl,csv,hsds-json,hsds-csv,hugo,astro,eleventy" help:"markdown (one file a variant), jsonl (one line a variant), csv (a spreadsheet a type), hsds-json or hsds-csv (Open Referral: services and organisations only); hugo, astro or eleventy: what is public, as a site that this generator builds."`
	In     string `name:"locale" placeholder:"LOCALE" help:"Language of an export to hsds, where there are several; the first one declared when absent."`
}

func (c *exportCmd) Run(e *env) error {
	b, err := e.existing()
	if err != nil {
		return err
	}
	defer b.close()
	var bar func(done, total int)
	if f, ok := e.stderr.(*os.File); ok {
		bar = interchange.Bar(f)
	}
	var sum interchange.ExportSummary
	switch c.Format {
	case generators.Hugo, generators.Astro, generators.Eleventy:
		return c.generator(e, b, bar)
	case interchange.FormatHSDSJSON, interchange.FormatHSDSCSV:
		sum, err = interchange.ExportHSDS(e.ctx, b.store, b.schemas, c.Dir, interchange.HSDSOptions{
			Format: c.Format, Locale: c.In, Territories: b.service.Territories(), Progress: bar,
		})
	default:
		sum, err = interchange.Export(e.ctx, b.store, b.schemas, c.Dir, interchange.ExportOptions{Format: c.Format, Library: b.media, Progress: bar})
	}
	if err != nil {
		return e.wrong(err)
	}
	for _, f := range sum.Findings {
		where := ""
		if f.Source != "" {
			where = f.Source + ": "
		}
		fmt.Fprintf(e.stderr, "%s%s\n", where, e.text(f.Code, f.Params))
	}
	_, err = fmt.Fprintln(e.stdout, e.text("export_done", map[string]any{"documents": sum.Documents, "files": sum.Files, "dir": c.Dir}))
	return err
}

// generator writes what is public for another site generator.
func (c *exportCmd) generator(e *env, b *backend, bar func(done, total int)) error {
	if err := e.relayAll(b); err != nil {
		return err
	}
	cat, done, err := e.readCatalog(b)
	if err != nil {
		return err
	}
	defer done()
	sum, err := generators.Export(e.ctx, generators.Source{Catalog: cat, Schemas: b.schemas, Territories: b.service.Territories()}, c.Dir, generators.Options{
		Format: c.Format, Progress: bar,
		Open: func(ctx context.Context, id, file string) (io.ReadCloser, error) {
			f, err := b.media.Open(ctx, id, file)
			if err != nil {
				return nil, err
			}
			return f, nil
		},
	})
	if err != nil {
		return e.wrong(err)
	}
	for _, name := range sum.Kept {
		fmt.Fprintf(e.stderr, "%s: %s\n", name, e.text(generators.CodeKept, nil))
	}
	_, err = fmt.Fprintln(e.stdout, e.text("export_done", map[string]any{"documents": sum.Items, "files": sum.Files, "dir": c.Dir}))
	return err
}

// readCatalog opens the catalogue to read from it. While a server has it, what is
// public is rendered anew beside it, which takes a second for some thousand items.
func (e *env) readCatalog(b *backend) (c *catalog.Catalog, done func(), err error) {
	c, err = e.openCatalog(b)
	if _, locked := errors.AsType[*catalog.LockedError](err); !locked {
		if err != nil {
			return nil, nil, err
		}
		return c, func() { c.Close() }, c.CatchUp(e.ctx)
	}
	dir, remove, err := scratch()
	if err != nil {
		return nil, nil, err
	}
	c, err = e.openCatalogIn(b, dir)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return c, func() { c.Close(); remove() }, nil
}
