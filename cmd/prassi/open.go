package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"gocloud.dev/blob"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/freshness"
	"github.com/prassi-cms/prassi/media"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/publish"
)

// existing opens a store that is there. Commands that look or copy use it: a
// misspelt folder must not become an empty store that is then found clean.
func (e *env) existing() (*backend, error) {
	address, err := e.storeAddress()
	if err != nil {
		return nil, err
	}
	if address.Reveal() == sqlite {
		if _, err := os.Stat(filepath.Join(e.cli.Data, databaseFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, tell("store_missing", map[string]any{"dir": e.cli.Data})
		} else if err != nil {
			return nil, err
		}
	}
	return e.open(nil)
}

const (
	// sqlite is the embedded engine, databaseFile its file in the data folder.
	sqlite       = "sqlite"
	databaseFile = "prassi.db"
)

// openStore opens the engine that the settings name.
func (e *env) openStore() (content.Store, error) {
	address, err := e.storeAddress()
	if err != nil {
		return nil, err
	}
	if address.Reveal() == sqlite {
		if err := os.MkdirAll(e.cli.Data, 0o700); err != nil {
			return nil, err
		}
		return sqlitestore.Open(e.ctx, filepath.Join(e.cli.Data, databaseFile))
	}
	store, err := mongostore.Open(e.ctx, address.Reveal())
	if err != nil {
		return nil, redacted(err, address)
	}
	return store, nil
}

// backend is an open store with the rules over it.
type backend struct {
	store   content.Store
	schemas *schemas.Registry
	service *content.Service
	ledger  *audit.Ledger
	auth    *auth.Auth
	bucket  *blob.Bucket
	media   *media.Library
}

// open opens the store, the files and the service; changed is called after every
// write.
func (e *env) open(changed func()) (*backend, error) {
	store, err := e.openStore()
	if err != nil {
		return nil, err
	}
	b := &backend{store: store, schemas: schemas.Default(), ledger: audit.New(store, nil)}
	b.auth = auth.New(b.ledger, e.limits)
	if err := e.fill(b, changed); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (e *env) fill(b *backend, changed func()) error {
	address, err := e.cli.mediaAddress()
	if err != nil {
		return err
	}
	if b.bucket, err = media.OpenBucket(e.ctx, address); err != nil {
		return fmt.Errorf("--media: %w", err)
	}
	b.media = media.Open(media.Options{Bucket: b.bucket, Ledger: b.ledger, Log: e.logger()})
	if e.demo {
		if err := e.loadDemoPlaces(b); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	places, err := e.municipalities(b.store, b.schemas)
	if err != nil {
		return err
	}
	b.service, err = content.New(b.store, b.schemas, content.Options{
		Changed: changed, Territories: places, Render: checkMarkdown,
		Media: func(ctx context.Context, a content.Actor, id string) error {
			_, err := b.media.See(ctx, b.service, a, id)
			return err
		},
	})
	return err
}

// sweeper carries out how long data are kept.
func (b *backend) sweeper(rules audit.Retention, log *slog.Logger) *audit.Sweeper {
	used := func(ctx context.Context, id string) (bool, error) {
		used, _, err := b.service.MediaUse(ctx, id)
		return used, err
	}
	said := freshness.New(freshness.Options{Store: b.store, Service: b.service, Auth: b.auth, Log: log})
	purgers := append(b.auth.Purgers(), b.ledger.TracePurger(), b.media.Purger(used), said.Purger(), b.hooks().Purger(), partners.Purger(b.ledger), publish.NewPreviews(b.ledger, nil).Purger())
	return audit.NewSweeper(b.ledger, rules, log, purgers...)
}

// checkMarkdown refuses, when a text is saved, what could not be published.
func checkMarkdown(text, locale string) error {
	err := markdown.Check([]byte(text), markdown.Options{Locale: locale})
	var refused *markdown.Error
	if errors.As(err, &refused) {
		return unrenderable{refused}
	}
	return err
}

// unrenderable gives the renderer's refusal the code by which content tells it.
type unrenderable struct{ cause *markdown.Error }

func (u unrenderable) Error() string { return u.cause.Error() }
func (u unrenderable) Code() string  { return u.cause.Code }

func (b *backend) close() error {
	err := b.store.Close()
	if b.bucket != nil {
		err = errors.Join(err, b.bucket.Close())
	}
	return err
}

// commandLine acts for whoever may run commands on this store.
var commandLine = content.System("command")

// openCatalog opens the published read model over the backend.
func (e *env) openCatalog(b *backend) (*catalog.Catalog, error) {
	return e.openCatalogIn(b, filepath.Join(e.cli.Data, "catalog"))
}

func (e *env) openCatalogIn(b *backend, dir string) (*catalog.Catalog, error) {
	return catalog.Open(e.ctx, catalog.Options{
		Dir: dir, Source: b.store, Schemas: b.schemas,
		Territories: b.service.Territories(), Media: api.MediaInfo(b.media), Logger: e.logger(),
	})
}

// The imported list of municipalities is one record, so that every process on
// the same store knows the same places.
const (
	placesKind = "territories"
	placesID   = "municipalities"
)

// municipalities gives the declared territories with the imported ones.
func (e *env) municipalities(store content.Store, reg *schemas.Registry) (*schemas.Territories, error) {
	r, err := store.GetRecord(e.ctx, placesKind, placesID)
	if errors.Is(err, content.ErrNotFound) {
		return reg.Territories(), nil
	}
	if err != nil {
		return nil, err
	}
	var list []schemas.Municipality
	if err := json.Unmarshal(r.Data, &list); err != nil {
		return nil, fmt.Errorf("stored municipalities: %w", err)
	}
	return reg.Territories().WithMunicipalities(list), nil
}
