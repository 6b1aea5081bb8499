package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/site/release"
	"github.com/prassi-cms/prassi/site/target"
)

// buildCmd writes a whole site, beside a server or without one.
type buildCmd struct {
	Out         string   `name:"out" required:"" placeholder:"TARGET" help:"A folder, a .tar.zst file, s3://bucket/prefix or rsync:host:/path."`
	Territory   []string `name:"territory" placeholder:"CODES" help:"Only what lies in these provinces or regions: acronyms or ISTAT codes."`
	Partner     string   `name:"partner" placeholder:"KEY" help:"The site as this partner wants it: name, domain, languages, colours and filters."`
	BaseURL     string   `name:"base-url" env:"PRASSI_PUBLIC_URL" placeholder:"URL" help:"Where the site will be found. Without it pages name no address of their own, and there is no site map."`
	API         string   `name:"api-url" placeholder:"URL" help:"Where a Prassi answers the search, for a site that is kept elsewhere; the site's own address when left out."`
	NoFallback  bool     `name:"no-fallback" help:"Leave out of a language what is not written in it."`
	Precompress bool     `name:"precompress" help:"Put gzip and Brotli forms beside the files, for servers that look for them."`
	Demo        bool     `name:"demo" help:"Build the example content, in no data folder."`
	Publisher   string   `name:"publisher" env:"PRASSI_PUBLISHER" placeholder:"NAME" help:"Who publishes the site."`
	Contact     string   `name:"contact" env:"PRASSI_CONTACT" placeholder:"EMAIL" help:"Whom readers may ask."`
	looks
}

// buildGC is the garbage collector's pace in a process that makes one site and ends:
// fewer collections for some memory more (see runtime/debug.SetGCPercent).
const buildGC = 250

func (c *buildCmd) Run(e *env) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(buildGC)
	}
	theme, err := c.looks.theme() // what is wrong with it is told before anything is opened
	if err != nil {
		return err
	}
	// The builds of a server are its own; these are thrown away.
	temporary, done, err := scratch()
	if err != nil {
		return err
	}
	defer done()
	if c.Demo {
		e.demo, e.cli.Data, e.cli.Media = true, filepath.Join(temporary, "data"), ""
	}
	b, err := c.open(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	cfg, err := c.config(e, b)
	if err != nil {
		return err
	}
	painter, err := newPainter(e.logger())
	if err != nil {
		return err
	}
	shelf := c.looks.shelf(e, painter)
	cfg.Cards = shelf != nil
	s, shut, err := c.site(e, b, theme, cfg)
	if err != nil {
		return err
	}
	defer shut()
	out, err := target.Open(e.ctx, c.Out, target.Options{Logger: e.logger(), Precompressed: c.Precompress})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	report, sum, err := c.write(e, s, out, filepath.Join(temporary, "site"), extras(e.ctx, s, b.media, shelf))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, e.text("build_done", map[string]any{
		"pages": report.Pages, "written": sum.Written, "kept": sum.Kept, "removed": sum.Removed, "out": plainSpec(c.Out),
	}))
	return err
}

// site makes the site over the catalogue, which is read while templates are compiled.
func (c *buildCmd) site(e *env, b *backend, theme *site.Theme, cfg site.Config) (s *site.Site, shut func(), err error) {
	var published *catalog.Catalog
	var failed error
	var reading sync.WaitGroup
	reading.Go(func() { published, shut, failed = e.readCatalog(b) })
	s, err = e.newSite(b, site.Options{Theme: theme, Config: cfg})
	reading.Wait()
	if err = errors.Join(err, failed); err != nil {
		if shut != nil {
			shut()
		}
		return nil, nil, err
	}
	s.Show(published)
	return s, shut, nil
}

// write makes the site and puts it into its place: file by file as they are made, or
// by way of a build in a folder that is thrown away.
func (c *buildCmd) write(e *env, s *site.Site, out target.Target, scratch string, extra iter.Seq2[target.Extra, error]) (r site.Report, sum target.Report, err error) {
	if streamer, ok := out.(target.Streamer); ok {
		stream, err := streamer.Stream(e.ctx)
		if err != nil {
			return r, sum, err
		}
		if stream != nil {
			defer stream.Close()
			if r, err = s.Write(e.ctx, stream.Put); err == nil {
				sum, err = stream.Finish(e.ctx, extra)
			}
			return r, sum, err
		}
	}
	store, err := release.Open(scratch, release.Options{Logger: e.logger()})
	if err != nil {
		return r, sum, err
	}
	defer store.Close()
	built, r, err := s.Build(e.ctx, store, "command")
	if err == nil && c.Precompress {
		_, _, err = store.Compress(e.ctx, 0)
	}
	if err == nil {
		sum, err = out.Publish(e.ctx, built, extra)
	}
	return r, sum, err
}

// open opens the store, with every event in its log: the example content's own, or
// the one that is there.
func (c *buildCmd) open(e *env) (*backend, error) {
	if !c.Demo {
		return e.settled()
	}
	b, err := e.open(nil)
	if err != nil {
		return nil, err
	}
	if err = e.loadDemo(b); err == nil {
		err = e.relayAll(b)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// config is the site that the flags ask for.
func (c *buildCmd) config(e *env, b *backend) (site.Config, error) {
	cfg := c.looks.config()
	cfg.BaseURL, cfg.Publisher, cfg.Contact = strings.TrimRight(c.BaseURL, "/"), c.Publisher, c.Contact
	if c.Partner != "" {
		p, err := c.partner(e.ctx, b)
		if err != nil {
			return cfg, err
		}
		cfg = partnerConfig(cfg, p)
	}
	if list := splitList(c.Territory); len(list) > 0 {
		if cfg.Territories = list; cfg.Key == "" {
			cfg.Key = strings.ToLower(strings.Join(list, "-"))
		}
	}
	if c.Languages != "" { // before a partner's
		cfg.Languages = splitList([]string{c.Languages})
	}
	if c.API != "" {
		cfg.API = c.API
	}
	cfg.NoFallback = c.NoFallback
	return cfg, nil
}

func (c *buildCmd) partner(ctx context.Context, b *backend) (*partners.Partner, error) {
	r, err := partners.New(ctx, partners.Options{Ledger: b.ledger, Schemas: b.schemas, Territories: b.service.Territories()})
	if err != nil {
		return nil, err
	}
	p, err := r.Get(ctx, c.Partner)
	switch {
	case err == nil && p.Active:
		return &p, nil
	case err == nil, errors.Is(err, content.ErrNotFound), content.AsProblem(err).Class == content.NotFound:
		return nil, tell("partner_not_known", map[string]any{"key": c.Partner})
	}
	return nil, err
}

// plainSpec is a target without what an address may say of secrets.
func plainSpec(spec string) string {
	if u, err := url.Parse(spec); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host + u.Path
	}
	return spec
}

// buildsCmd looks after the builds of the site that a server serves from this data
// folder.
type buildsCmd struct {
	List    buildsListCmd    `cmd:"" default:"1" help:"The builds that can be restored, the newest first."`
	Restore buildsRestoreCmd `cmd:"" help:"Put an earlier build on the air again."`
	Diff    buildsDiffCmd    `cmd:"" help:"The files that differ between two builds."`
	Collect buildsCollectCmd `cmd:"" help:"Forget the oldest builds and give the space back."`
}

// builds opens the builds of the data folder.
func (e *env) builds() (*release.Store, error) {
	dir := filepath.Join(e.cli.Data, "site")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, tell("builds_none", nil)
	}
	s, err := release.Open(dir, release.Options{Logger: e.logger()})
	if _, locked := errors.AsType[*release.LockedError](err); locked {
		return nil, tell("builds_locked", nil)
	}
	return s, err
}

type buildsListCmd struct{}

func (buildsListCmd) Run(e *env) error {
	s, err := e.builds()
	if err != nil {
		return err
	}
	defer s.Close()
	list := s.Builds()
	if len(list) == 0 {
		return tell("builds_none", nil)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	current := s.Current()
	for i := len(list) - 1; i >= 0; i-- {
		m, mark := list[i], " "
		if current != nil && current.ID() == m.ID {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s\t%s\t%d\t%d\t%s\n", mark, m.ID, m.At.Local().Format("2006-01-02 15:04:05"), m.Files, m.Changed, m.Reason)
	}
	return w.Flush()
}

type buildsRestoreCmd struct {
	ID string `arg:"" help:"The build, as the list shows it."`
}

func (c *buildsRestoreCmd) Run(e *env) error {
	s, err := e.builds()
	if err != nil {
		return err
	}
	defer s.Close()
	// The server that starts next would take back at once what was withdrawn since, and
	// until then show it: so there is no flag that asks for it.
	switch n, err := e.withdrawnSince(s, c.ID); {
	case err != nil:
		return err
	case n > 0:
		return tell("builds_withdrawn", map[string]any{"count": n})
	}
	b, err := s.Restore(c.ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, e.text("builds_restored", map[string]any{"build": b.ID()}))
	return err
}

// withdrawnSince counts what a build shows and the public must not see any more.
func (e *env) withdrawnSince(s *release.Store, id string) (int, error) {
	b, err := e.settled()
	if err != nil {
		return 0, err
	}
	defer b.close()
	published, done, err := e.readCatalog(b)
	if err != nil {
		return 0, err
	}
	defer done()
	return publish.WithdrawnSince(s, published, id), nil
}

type buildsDiffCmd struct {
	From string `arg:"" help:"The earlier build."`
	To   string `arg:"" help:"The later build."`
}

func (c *buildsDiffCmd) Run(e *env) error {
	s, err := e.builds()
	if err != nil {
		return err
	}
	defer s.Close()
	list, err := s.Diff(c.From, c.To)
	if err != nil {
		return err
	}
	for _, d := range list {
		if _, err := fmt.Fprintf(e.stdout, "%-8s %s\n", d.Kind(), d.Path); err != nil {
			return err
		}
	}
	return nil
}

type buildsCollectCmd struct{}

func (buildsCollectCmd) Run(e *env) error {
	s, err := e.builds()
	if err != nil {
		return err
	}
	defer s.Close()
	sum, err := s.Collect(e.ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, e.text("builds_collected", map[string]any{"count": sum.Builds, "bytes": max(0, sum.Freed)}))
	return err
}
