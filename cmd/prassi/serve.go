package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/opendata"
	"github.com/prassi-cms/prassi/outgoing"
)

type serveCmd struct {
	reached
	Demo        bool          `name:"demo" env:"PRASSI_DEMO" help:"Load example content and people, and allow a development login. On loopback only."`
	Poll        time.Duration `name:"poll" env:"PRASSI_POLL" default:"250ms" help:"How often to look for the writes of other processes."`
	LogLevel    string        `name:"log-level" env:"PRASSI_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	Contact     string        `name:"contact" env:"PRASSI_CONTACT" placeholder:"EMAIL" help:"Whom users of the API may ask."`
	Publisher   string        `name:"publisher" env:"PRASSI_PUBLISHER" placeholder:"NAME" help:"Who publishes the open data; Prassi when left out."`
	PublisherID string        `name:"publisher-id" env:"PRASSI_PUBLISHER_ID" placeholder:"CODE" help:"The publisher's code in the index of public administrations (IPA), or its tax code."`
	Licence     string        `name:"licence" env:"PRASSI_LICENCE" default:"CC-BY-4.0" placeholder:"LICENCE" help:"The licence of the open data: its SPDX identifier or its address."`
	signIn
	kept
	going
	mailing
	looks
	publishing
	feeding
	Proxies string `name:"trusted-proxies" env:"PRASSI_TRUSTED_PROXIES" placeholder:"ADDRESSES" help:"Proxies whose X-Forwarded-For, X-Forwarded-Proto or Forwarded headers count: addresses or blocks (10.0.0.0/8). They must set or extend them."`
	Metrics string `name:"metrics-allow" env:"PRASSI_METRICS_ALLOW" placeholder:"ADDRESSES" help:"Who may read /metrics: addresses or blocks; only this machine when left out."`
	Rates   string `name:"rates" env:"PRASSI_RATES" placeholder:"RATES" help:"Requests a minute and how many at once: \"read=3000/1000 open=600/200 token=1200/300 sign_in=40/20 refused=120/60\", or off."`
}

// Run serves until the context ends, then lets requests and jobs finish.
func (c *serveCmd) Run(e *env) error {
	e.serving, e.demo = true, c.Demo
	opt, rules, err := c.settings(e)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if c.Demo && !loopback(listener.Addr()) {
		return tell("demo_loopback", nil)
	}
	var runner *jobs.Runner
	ready := make(chan struct{}) // closed once runner is set
	b, err := e.open(func() {
		select {
		case <-ready:
			runner.Wake()
		default:
		}
	})
	if err != nil {
		return err
	}
	defer b.close()
	if c.Demo {
		if err := e.loadDemo(b); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	published, err := e.openCatalog(b)
	if err != nil {
		return err
	}
	defer published.Close()
	finder, err := e.openSearch(b, published)
	if err != nil {
		return err
	}
	defer finder.Close()
	finder.begin(e)
	opt.Search, opt.Duplicates = finder.Feed, duplicates.NewWatch(b.store, b.schemas)
	opt.Service, opt.Catalog, opt.Auth, opt.Ledger, opt.Store, opt.Schemas, opt.Media =
		b.service, published, b.auth, b.ledger, b.store, b.schemas, b.media
	if opt.OIDC, err = c.signIn.open(e.ctx, b.auth, c.going, opt.Logger); err != nil {
		return err
	}
	if opt.Freshness, err = c.freshness(e, b, listener.Addr().String()); err != nil {
		return err
	}
	if err = c.feeding.open(&opt, c.base(listener.Addr().String())); err != nil {
		return err
	}
	if opt.Webhooks, err = c.hooks(e, b, &opt, listener.Addr().String()); err != nil {
		return err
	}
	if err = c.showing(e, &opt, b); err != nil {
		return err
	}
	client, err := c.going.client()
	if err != nil {
		return err
	}
	air, err := c.site(e, b, &opt, client, listener.Addr().String())
	if err != nil {
		return err
	}
	defer air.close()
	server, err := api.New(opt)
	if err != nil {
		return err
	}
	runner = jobs.New(b.store, b.service, c.Poll, opt.Logger, air.following(published), finder, opt.Webhooks)
	sweep := b.sweeper(rules, opt.Logger)
	runner.Add(
		jobs.Every{Name: "log of actions", Every: time.Hour, Do: func(ctx context.Context) error { _, err := b.ledger.Flush(ctx); return err }},
		jobs.Every{Name: "retention", Every: audit.SweepEvery, Do: func(ctx context.Context) error { _, err := sweep.Run(ctx); return err }},
	)
	runner.Add(reminding(opt.Freshness)...)
	runner.Add(counting(opt.Partners)...)
	telling, err := c.switchedOff(e, opt.Webhooks, b.auth)
	if err != nil {
		return err
	}
	runner.Add(telling...)
	runner.Add(c.pinging(&opt, client, e.cli.Data)...)
	close(ready)

	work, stop := context.WithCancel(context.WithoutCancel(e.ctx))
	var background sync.WaitGroup
	background.Go(func() { runner.Run(work) })
	background.Go(func() { opt.Webhooks.Run(work) })
	if air != nil {
		background.Go(func() { air.publisher.Run(work) })
	}
	err = c.greet(e, b.auth, e.limits.Providers(), listener.Addr())
	if err == nil {
		err = server.Serve(e.ctx, listener)
	}
	stop() // jobs end after the last request, so that what it wrote is told
	background.Wait()
	// What was counted since the last time is written before the end.
	return errors.Join(err, opt.Partners.Flush(context.WithoutCancel(e.ctx)))
}

// settings reads and checks what needs no engine, so that a wrong setting is told
// before anything is opened or made.
func (c *serveCmd) settings(e *env) (opt api.Options, rules audit.Retention, err error) {
	opt = api.Options{
		Logger: e.logger(), Version: buildVersion(), PublicURL: c.PublicURL, Contact: api.Contact{Email: c.Contact},
		Publisher: api.Publisher{Name: c.Publisher, Identifier: c.PublisherID},
		Demo:      c.Demo, DemoPeople: demoPeople, Tiles: c.Tiles,
	}
	var ok bool
	if opt.Licence, ok = opendata.Licence(c.Licence); !ok {
		return opt, rules, tell("licence_unknown", map[string]any{"value": c.Licence})
	}
	if opt.Proxies, err = prefixes("trusted-proxies", c.Proxies); err != nil {
		return opt, rules, err
	}
	if opt.Metrics, err = prefixes("metrics-allow", c.Metrics); err != nil {
		return opt, rules, err
	}
	if opt.Rates, err = api.ParseRates(c.Rates); err != nil {
		return opt, rules, err
	}
	if _, err = c.going.prefixes(); err != nil {
		return opt, rules, err
	}
	if err = c.feeding.check(c.PublicURL); err != nil {
		return opt, rules, err
	}
	if _, err = e.searchEngine(); err != nil {
		return opt, rules, err
	}
	if _, err = c.sender(e); err != nil {
		return opt, rules, err
	}
	if e.limits, err = c.sessions(); err != nil {
		return opt, rules, err
	}
	if rules, err = c.retention(); err != nil {
		return opt, rules, err
	}
	providers, err := c.providers()
	if err == nil && len(providers) > 0 && c.PublicURL == "" {
		err = tell("public_url_needed", nil)
	}
	var names []string
	for _, p := range providers {
		names = append(names, p.Name)
	}
	e.limits.Providers = func() []string { return names }
	return opt, rules, err
}

// follow makes a consumer of a name and a way to catch up.
type follow struct {
	name    string
	catchUp func(context.Context) error
}

func (f follow) Name() string                      { return f.name }
func (f follow) CatchUp(ctx context.Context) error { return f.catchUp(ctx) }

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// greet says which addresses to open. It is the one place where the link for the
// first administrator is told: on standard output, never in the log.
func (c *serveCmd) greet(e *env, a *auth.Auth, providers []string, at net.Addr) error {
	local := reached{}.base(at.String())
	var b strings.Builder
	fmt.Fprintf(&b, "Prassi %s\n", buildVersion())
	rows := [][2]string{
		{"/api/v1", "delivery API"}, {"/docs", "how to call it"}, {"/openapi.json", "the same for machines"}, {"/status", "is it well"},
	}
	if c.Demo {
		rows = append([][2]string{{"/auth/login", "log in as one of six example people"}, {"/api/v1/practices?territory=PO", "good practices of Prato"}}, rows...)
	}
	if !c.NoSite {
		rows = append([][2]string{{"/", "the public site"}}, rows...)
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "  %s%s  %s\n", local, r[0], r[1])
	}
	outside := c.base(at.String())
	for i, path := range api.CallbackPaths(providers) {
		if i == 0 {
			fmt.Fprintln(&b, e.text("redirect_address", nil))
		}
		fmt.Fprintf(&b, "  %s%s\n", outside, path)
	}
	if !c.Demo {
		link, needed, err := a.FirstLink(e.ctx)
		if err != nil {
			return err
		}
		if needed {
			fmt.Fprintf(&b, "%s\n  %s\n", e.text("first_administrator", map[string]any{"hours": int(auth.FirstLinkLife.Hours())}), linkAddress(outside, link))
		}
	}
	_, err := io.WriteString(e.stdout, b.String())
	return err
}

// logger writes JSON lines for operators while serving; a person at a terminal
// is told of errors only.
func (e *env) logger() *slog.Logger {
	if !e.serving {
		return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(e.cli.Serve.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(e.stderr, &slog.HandlerOptions{Level: level}))
}

// healthCmd asks a running server whether it is ready; containers without a
// shell use it as their health check.
type healthCmd struct {
	Addr string `name:"addr" env:"PRASSI_ADDR" default:"127.0.0.1:8080" help:"Where the server listens."`
}

func (c *healthCmd) Run(e *env) error {
	ctx, cancel := context.WithTimeout(e.ctx, 3*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() { // it listens everywhere: here too
		host = "localhost"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	// The address is the operator's own, so it may be any.
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	res, err := outgoing.New(outgoing.Options{Allow: anywhere, Plain: true, Redirects: -1}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", res.Status)
	}
	return nil
}
