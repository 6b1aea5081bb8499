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
	"sync"
	"time"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/outgoing"
)

type serveCmd struct {
	Addr      string        `name:"addr" env:"PRASSI_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to listen; port 0 takes a free one."`
	PublicURL string        `name:"public-url" env:"PRASSI_PUBLIC_URL" placeholder:"URL" help:"How the outside reaches this server."`
	Demo      bool          `name:"demo" env:"PRASSI_DEMO" help:"Load example content and people, and allow a development login. On loopback only."`
	Poll      time.Duration `name:"poll" env:"PRASSI_POLL" default:"250ms" help:"How often to look for the writes of other processes."`
	LogLevel  string        `name:"log-level" env:"PRASSI_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	Contact   string        `name:"contact" env:"PRASSI_CONTACT" placeholder:"EMAIL" help:"Whom users of the API may ask."`
	Proxies   string        `name:"trusted-proxies" env:"PRASSI_TRUSTED_PROXIES" placeholder:"ADDRESSES" help:"Proxies whose X-Forwarded-For, X-Forwarded-Proto or Forwarded headers count: addresses or blocks (10.0.0.0/8). They must set or extend them."`
	Metrics   string        `name:"metrics-allow" env:"PRASSI_METRICS_ALLOW" placeholder:"ADDRESSES" help:"Who may read /metrics: addresses or blocks; only this machine when left out."`
	Rates     string        `name:"rates" env:"PRASSI_RATES" placeholder:"RATES" help:"Requests a minute and how many at once: \"read=3000/1000 open=600/200 token=1200/300 sign_in=40/20 refused=120/60\", or off."`
}

// Run serves until the context ends, then lets requests and jobs finish.
func (c *serveCmd) Run(e *env) error {
	e.serving = true
	proxies, err := prefixes("trusted-proxies", c.Proxies)
	if err != nil {
		return err
	}
	metrics, err := prefixes("metrics-allow", c.Metrics)
	if err != nil {
		return err
	}
	rates, err := api.ParseRates(c.Rates)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if c.Demo && !loopback(listener.Addr()) {
		return errors.New("--demo lets anybody log in, so it listens on loopback only: use --addr 127.0.0.1:8080")
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
	server, err := api.New(api.Options{
		Service: b.service, Catalog: published, Auth: b.auth, Ledger: b.ledger, Store: b.store, Schemas: b.schemas,
		Logger: e.logger(), Version: buildVersion(), PublicURL: c.PublicURL, Contact: api.Contact{Email: c.Contact},
		Demo: c.Demo, DemoPeople: demoPeople,
		Proxies: proxies, Metrics: metrics, Rates: rates,
	})
	if err != nil {
		return err
	}
	runner = jobs.New(b.store, b.service, c.Poll, e.logger(), follow{"catalogue", published.CatchUp})
	close(ready)

	work, stop := context.WithCancel(context.WithoutCancel(e.ctx))
	var background sync.WaitGroup
	background.Go(func() { runner.Run(work) })
	c.greet(e.stdout, listener.Addr())
	err = server.Serve(e.ctx, listener)
	stop() // jobs end after the last request, so that what it wrote is told
	background.Wait()
	return err
}

// prefixes reads the list of addresses of a flag.
func prefixes(flag, text string) ([]netip.Prefix, error) {
	list, err := outgoing.ParseAllow(text)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return list, nil
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

// greet says which addresses to open.
func (c *serveCmd) greet(w io.Writer, at net.Addr) {
	base := "http://" + at.String()
	fmt.Fprintf(w, "Prassi %s\n", buildVersion())
	rows := [][2]string{
		{"/api/v1", "delivery API"}, {"/docs", "how to call it"}, {"/openapi.json", "the same for machines"}, {"/status", "is it well"},
	}
	if c.Demo {
		rows = append([][2]string{{"/auth/login", "log in as one of six example people"}, {"/api/v1/practices?territory=PO", "good practices of Prato"}}, rows...)
	}
	for _, r := range rows {
		fmt.Fprintf(w, "  %s%s  %s\n", base, r[0], r[1])
	}
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
