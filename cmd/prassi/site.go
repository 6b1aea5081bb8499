package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/media"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/card"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/site/release"
	"github.com/prassi-cms/prassi/site/target"
	"github.com/prassi-cms/prassi/webhooks"
)

// looks says what the public site is called and how it looks; serve and build share
// it.
type looks struct {
	Theme       string `name:"site-theme" env:"PRASSI_SITE_THEME" type:"path" placeholder:"DIR" help:"A folder with a theme of your own, laid over the one that comes with the program."`
	Name        string `name:"site-name" env:"PRASSI_SITE_NAME" placeholder:"NAME" help:"What the site is called; Prassi when left out."`
	Languages   string `name:"site-languages" env:"PRASSI_SITE_LANGUAGES" placeholder:"LANGS" help:"Languages of the site's pages: it,en,fr,es,ar,zh-Hans; all of them when left out."`
	Tiles       string `name:"site-tiles" env:"PRASSI_SITE_TILES" placeholder:"URL" help:"Where maps get their tiles: https://tiles.example/{z}/{x}/{y}.png; outlines of the provinces when left out."`
	Attribution string `name:"site-tiles-attribution" env:"PRASSI_SITE_TILES_ATTRIBUTION" placeholder:"WORDS" help:"What must stand beside the tiles."`
	Legal       string `name:"site-legal-notice" env:"PRASSI_SITE_LEGAL_NOTICE" placeholder:"URL" help:"Where the legal notice is."`
	NoCards     bool   `name:"no-cards" env:"PRASSI_NO_CARDS" help:"Put no pictures for social networks into copies of the site."`
	Security    string `name:"site-security-contact" env:"PRASSI_SITE_SECURITY_CONTACT" placeholder:"URI" help:"Whom to tell of faults in security (mailto: or https:); makes /.well-known/security.txt."`
}

// publishing says what happens when something is published.
type publishing struct {
	NoSite  bool          `name:"no-site" env:"PRASSI_NO_SITE" help:"Serve no public site: the API, the widgets and the feeds alone."`
	Quiet   time.Duration `name:"site-quiet" env:"PRASSI_SITE_QUIET" default:"40ms" help:"How long nothing may have changed before the site is built; what is withdrawn does not wait."`
	Targets []string      `name:"site-target" env:"PRASSI_SITE_TARGET" placeholder:"TARGET" help:"Where the site is copied to after each build: a folder, a .tar.zst file, s3://bucket/prefix or rsync:host:/path. May be given several times."`
	Hook    string        `name:"site-hook" env:"PRASSI_SITE_HOOK" placeholder:"URL|PROGRAM" help:"What is told of each build: an address that is sent a signed message, or a program with its arguments."`
}

// hookKeyVariable holds the key with which messages to the hook are signed.
const hookKeyVariable = "PRASSI_SITE_HOOK_KEY"

// config is the site's, but for what narrows it.
func (l looks) config() site.Config {
	c := site.Config{Languages: splitList([]string{l.Languages}), Tiles: l.Tiles, TilesAttribution: l.Attribution, LegalNotice: l.Legal, SecurityContact: l.Security}
	if l.Name != "" {
		c.Name = inAll(l.Name)
	}
	return c
}

// inAll is a name that is the same in every language.
func inAll(name string) schemas.Text {
	out := schemas.Text{}
	for _, l := range messages.Languages {
		out[l] = name
	}
	return out
}

// theme reads the theme's folder.
func (l looks) theme() (*site.Theme, error) {
	var over fs.FS
	if l.Theme != "" {
		if info, err := os.Stat(l.Theme); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--site-theme: %s is not a folder", l.Theme)
		}
		over = os.DirFS(l.Theme)
	}
	t, err := site.LoadTheme(over)
	if err != nil {
		return nil, tell("theme_wrong", map[string]any{"reason": err.Error()})
	}
	return t, nil
}

// newSite makes a site; what every site of the program has need not be said.
func (e *env) newSite(b *backend, opt site.Options) (*site.Site, error) {
	opt.Schemas, opt.Territories, opt.Outlines, opt.Logger = b.schemas, b.service.Territories(), schemas.Outlines(), e.logger()
	s, err := site.New(opt)
	if wrong, ok := errors.AsType[*site.ThemeError](err); ok {
		return nil, tell("theme_wrong", map[string]any{"reason": wrong.Error()})
	}
	return s, err
}

// onAir is the public site of a server, with all that follows it.
type onAir struct {
	pages     *site.Site
	publisher *publish.Publisher
	store     *release.Store
	targets   []target.Target
	editions  *editions
}

// site makes the public site and tells the API of it; nil when there is none.
func (c *serveCmd) site(e *env, b *backend, opt *api.Options, client *http.Client, listener string) (o *onAir, err error) {
	if c.NoSite {
		return nil, nil
	}
	log := opt.Logger
	cfg := c.looks.config()
	base := c.PublicURL
	if c.Demo { // a site that has no address has no site map and no canonical links
		base = c.base(listener)
	}
	if u, err := url.Parse(base); base != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("the public address %q is not an http or https URL", base)
	}
	cfg.BaseURL, cfg.Publisher, cfg.Contact, cfg.Hub = strings.TrimRight(base, "/"), c.Publisher, c.Contact, c.Hub
	cfg.Answered = true
	opt.Feeds.Name = cfg.Name
	shelf := c.looks.shelf(e, opt.Cards)
	cfg.Cards = shelf != nil
	theme, err := c.looks.theme()
	if err != nil {
		return nil, err
	}
	o = &onAir{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if o.pages, err = e.newSite(b, site.Options{Catalog: opt.Catalog, Theme: theme, Config: cfg, Beside: true}); err != nil {
		return nil, err
	}
	if o.store, err = release.Open(filepath.Join(e.cli.Data, "site"), release.Options{Logger: log}); err != nil {
		return nil, err
	}
	opt.CardColor = o.pages.Token("primary")
	outputs, err := c.outputs(e, b, o, shelf, opt.Webhooks, client, log)
	if err != nil {
		return nil, err
	}
	o.editions = &editions{e: e, b: b, shelf: shelf, catalog: opt.Catalog, theme: theme, base: cfg, partners: opt.Partners, log: log, sites: map[string]*edition{}}
	outputs = append(outputs, publish.Output{Name: "partners", Resume: true, Do: o.editions.publish})
	o.publisher, err = publish.New(publish.Options{
		Site: o.pages, Store: o.store, Catalog: opt.Catalog, Quiet: c.Quiet, Outputs: outputs, Logger: log,
	})
	opt.Site, opt.Pages = o.publisher, o.pages
	return o, err
}

// following makes the first consumer: the catalogue, and the site right after it,
// because what is published must not wait for the next round.
func (o *onAir) following(c *catalog.Catalog) follow {
	if o == nil {
		return follow{"catalogue", c.CatchUp}
	}
	return follow{"catalogue", func(ctx context.Context) error {
		err := c.CatchUp(ctx)
		o.publisher.Notice()
		return err
	}}
}

// outputs carry each build further: webhooks, the hook, the targets.
func (c *serveCmd) outputs(e *env, b *backend, o *onAir, shelf *card.Shelf, hooks *webhooks.Hooks, client *http.Client, log *slog.Logger) ([]publish.Output, error) {
	var out []publish.Output
	if hooks != nil {
		out = append(out, publish.Output{Name: "webhooks", Settle: -1, Do: func(ctx context.Context, b publish.Built) error {
			m := b.Build.Meta()
			return hooks.BuildFinished(ctx, m.ID, m.Changed, m.At)
		}})
	}
	if c.Hook != "" {
		key, err := secret.Lookup(hookKeyVariable)
		if err != nil {
			return nil, err
		}
		hook, err := publish.Hook(c.Hook, client, key)
		if err != nil {
			return nil, fmt.Errorf("--site-hook: %w", err)
		}
		out = append(out, hook)
	}
	for i, spec := range c.Targets {
		t, err := target.Open(e.ctx, spec, target.Options{Logger: log, Precompressed: true, Staging: filepath.Join(e.cli.Data, "staging", fmt.Sprint(i))})
		if err != nil {
			return nil, fmt.Errorf("--site-target: %w", err)
		}
		o.targets = append(o.targets, t)
		out = append(out, publish.Output{Name: fmt.Sprintf("target %d", i+1), Packed: true, Resume: true, Do: func(ctx context.Context, built publish.Built) error {
			_, err := t.Publish(ctx, built.Build, extras(ctx, o.pages, b.media, shelf))
			return err
		}})
	}
	return out, nil
}

func (o *onAir) close() error {
	if o == nil {
		return nil
	}
	var err error
	for _, t := range o.targets {
		err = errors.Join(err, t.Close())
	}
	err = errors.Join(err, o.editions.close())
	if o.store != nil {
		err = errors.Join(err, o.store.Close())
	}
	return err
}

// extras are the files of the media library that the pages of a site show, and the
// pictures that they name unless shelf is nil.
func extras(ctx context.Context, s *site.Site, library *media.Library, shelf *card.Shelf) iter.Seq2[target.Extra, error] {
	return func(yield func(target.Extra, error) bool) {
		list, err := s.Media(ctx)
		if err != nil {
			yield(target.Extra{}, err)
			return
		}
		for _, m := range list {
			for _, f := range m.Files {
				x := target.Extra{
					Path: path.Join("media", m.ID, f.Name), Type: f.Type, Size: f.Bytes, Hash: f.SHA256,
					Open: func(ctx context.Context) (io.ReadCloser, error) { return library.Open(ctx, m.ID, f.Name) },
				}
				if !yield(x, nil) {
					return
				}
			}
		}
		if shelf != nil {
			pictures(ctx, s, shelf)(yield)
		}
	}
}

// editions are the sites that are built for partners: each has builds of its own and
// is copied to the partner's targets after every build of ours.
type editions struct {
	e        *env
	b        *backend
	catalog  *catalog.Catalog
	theme    *site.Theme
	base     site.Config
	partners *partners.Registry
	shelf    *card.Shelf
	log      *slog.Logger
	sites    map[string]*edition // by key of the partner; of the one lane
}

type edition struct {
	changed time.Time // of the partner's entry, when it was made
	site    *site.Site
	store   *release.Store
	targets []target.Target
}

func (x *edition) close() error {
	var err error
	for _, t := range x.targets {
		err = errors.Join(err, t.Close())
	}
	if x.store != nil {
		err = errors.Join(err, x.store.Close())
	}
	return err
}

func (x *editions) close() error {
	if x == nil {
		return nil
	}
	var err error
	for _, one := range x.sites {
		err = errors.Join(err, one.close())
	}
	return err
}

// partnerConfig is a site as a partner wants it.
func partnerConfig(cfg site.Config, p *partners.Partner) site.Config {
	cfg.Key, cfg.API, cfg.Answered = p.Key, cfg.BaseURL, false
	if p.Domain != "" {
		cfg.BaseURL, cfg.Hub = "https://"+p.Domain, "" // the hub is told of our own feeds
	}
	cfg.Name = inAll(p.Name)
	if len(p.Languages) > 0 {
		cfg.Languages = p.Languages
	}
	cfg.Territories, cfg.National, cfg.Topics, cfg.Organizations, cfg.Collections = p.Filter.Territories, p.Filter.National, p.Filter.Topics, p.Filter.Organizations, p.Filter.Collections
	cfg.Tokens = p.Theme
	if p.Contact != "" {
		cfg.Contact = p.Contact
	}
	return cfg
}

// publish builds what partners asked for and copies it. One partner's fault does not
// keep the others waiting.
func (x *editions) publish(ctx context.Context, built publish.Built) error {
	if x.partners == nil {
		return nil
	}
	var errs []error
	wanted := map[string]bool{}
	for after := ""; ; {
		const page = 100
		list, err := x.partners.List(ctx, after, page)
		if err != nil {
			return err
		}
		for i := range list {
			p := &list[i]
			after = p.Key
			if !p.Active || len(p.Targets) == 0 {
				continue
			}
			wanted[p.Key] = true
			if err := x.one(ctx, p, built.Reason); err != nil {
				errs = append(errs, fmt.Errorf("partner %s: %w", p.Key, err))
			}
		}
		if len(list) < page {
			break
		}
	}
	for key, one := range x.sites {
		if !wanted[key] {
			errs = append(errs, one.close())
			delete(x.sites, key)
		}
	}
	return errors.Join(errs...)
}

func (x *editions) one(ctx context.Context, p *partners.Partner, reason string) (err error) {
	one := x.sites[p.Key]
	if one == nil || !one.changed.Equal(p.ChangedAt) {
		if one != nil {
			delete(x.sites, p.Key)
			if err := one.close(); err != nil {
				return err
			}
		}
		one = &edition{changed: p.ChangedAt}
		if one.site, err = x.e.newSite(x.b, site.Options{Catalog: x.catalog, Theme: x.theme, Config: partnerConfig(x.base, p), Beside: true}); err != nil {
			return err
		}
		if one.store, err = release.Open(filepath.Join(x.e.cli.Data, "site-"+p.Key), release.Options{Logger: x.log, Keep: 2}); err != nil {
			return err
		}
		for _, spec := range p.Targets {
			t, err := target.Open(ctx, spec, target.Options{Logger: x.log})
			if err != nil {
				return errors.Join(err, one.close())
			}
			one.targets = append(one.targets, t)
		}
		x.sites[p.Key] = one
	}
	build, _, err := one.site.Build(ctx, one.store, reason)
	if err != nil {
		return err
	}
	for _, t := range one.targets {
		if _, err := t.Publish(ctx, build, extras(ctx, one.site, x.b.media, x.shelf)); err != nil {
			return err
		}
	}
	_, err = one.store.Collect(ctx)
	return err
}

// splitList reads the values of a flag that may be given several times or hold
// several, parted by commas.
func splitList(list []string) (out []string) {
	for _, x := range list {
		for part := range strings.SplitSeq(x, ",") {
			if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
				out = append(out, part)
			}
		}
	}
	return out
}
