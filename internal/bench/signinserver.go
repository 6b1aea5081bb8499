package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/schemas"
)

// serveSignIn is the server's process. It says its address and a token.
func serveSignIn(folder, issuer string) error {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, filepath.Join(folder, "prassi.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	reg := schemas.Default()
	service, err := content.New(store, reg, content.Options{})
	if err != nil {
		return err
	}
	published, err := catalog.Open(ctx, catalog.Options{Dir: filepath.Join(folder, "catalog"), Source: store, Schemas: reg})
	if err != nil {
		return err
	}
	defer published.Close()
	counted := &counter{Records: store}
	ledger := audit.New(counted, nil)
	accounts := auth.New(ledger, auth.Options{})
	key, err := accounts.Key(ctx, "sign_in")
	if err != nil {
		return err
	}
	providers, err := oidc.New([]oidc.Config{{Name: "bench", Issuer: issuer, ClientID: clientID, Secret: secret.New(clientSecret)}}, oidc.Options{
		Client: outgoing.New(outgoing.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true}),
		Key:    key, Once: accounts.Once,
	})
	if err != nil {
		return err
	}
	token, _, err := accounts.CreateToken(ctx, content.System("bench"), auth.NewToken{Name: "bench", Grants: []content.Grant{{Role: "editor"}}, Life: time.Hour})
	if err != nil {
		return err
	}
	plenty := api.Rate{Minute: 10_000_000, Burst: 10_000_000} // counted, and never refused
	server, err := api.New(api.Options{
		Service: service, Catalog: published, Auth: accounts, Ledger: ledger, Store: store, Schemas: reg, OIDC: providers,
		Logger: slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn})), Version: "bench",
		Rates: api.Rates{Read: plenty, Open: plenty, Token: plenty, SignIn: plenty, Refused: plenty},
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s %s\n", l.Addr(), token)
	configured := server.HTTPServer()
	configured.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bench/writes" {
			fmt.Fprint(w, counted.writes.Load())
			return
		}
		server.ServeHTTP(w, r)
	})
	return configured.Serve(l)
}

// counter counts the durable writes of records.
type counter struct {
	audit.Records
	writes atomic.Int64
}

func (c *counter) PutRecord(ctx context.Context, r *content.Record, expect int64) error {
	c.writes.Add(1)
	return c.Records.PutRecord(ctx, r, expect)
}

func (c *counter) DeleteRecord(ctx context.Context, kind, id string, expect int64) error {
	c.writes.Add(1)
	return c.Records.DeleteRecord(ctx, kind, id, expect)
}
