package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/content/mongostore"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/schemas"
)

// existing opens a store that is there. Commands that look or copy use it: a
// misspelt folder must not become an empty store that is then found clean.
func (e *env) existing() (*backend, error) {
	if e.cli.Store == "sqlite" {
		if _, err := os.Stat(filepath.Join(e.cli.Data, databaseFile)); err != nil {
			return nil, fmt.Errorf("there is no store in %s: %w", e.cli.Data, err)
		}
	}
	return e.open(nil)
}

// databaseFile is the embedded store in the data folder.
const databaseFile = "prassi.db"

// openStore opens the engine that the settings name.
func (e *env) openStore() (content.Store, error) {
	switch s := e.cli.Store; {
	case s == "sqlite":
		if err := os.MkdirAll(e.cli.Data, 0o700); err != nil {
			return nil, err
		}
		return sqlitestore.Open(e.ctx, filepath.Join(e.cli.Data, databaseFile))
	case strings.HasPrefix(s, "mongodb://"), strings.HasPrefix(s, "mongodb+srv://"):
		return mongostore.Open(e.ctx, s)
	default:
		return nil, errors.New("--store is sqlite or a mongodb:// address")
	}
}

// backend is an open store with the rules over it.
type backend struct {
	store   content.Store
	schemas *schemas.Registry
	service *content.Service
	ledger  *audit.Ledger
	auth    *auth.Auth
}

// open opens the store and the service; changed is called after every write.
func (e *env) open(changed func()) (*backend, error) {
	store, err := e.openStore()
	if err != nil {
		return nil, err
	}
	b := &backend{store: store, schemas: schemas.Default(), ledger: audit.New(store, nil)}
	b.auth = auth.New(b.ledger, auth.Options{})
	places, err := e.municipalities(store, b.schemas)
	if err == nil {
		b.service, err = content.New(store, b.schemas, content.Options{
			Changed: changed, Territories: places, Render: checkMarkdown,
		})
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return b, nil
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

func (b *backend) close() error { return b.store.Close() }

// commandLine acts for whoever may run commands on this store.
var commandLine = content.System("command")

// openCatalog opens the published read model over the backend.
func (e *env) openCatalog(b *backend) (*catalog.Catalog, error) {
	return catalog.Open(e.ctx, catalog.Options{
		Dir: filepath.Join(e.cli.Data, "catalog"), Source: b.store, Schemas: b.schemas,
		Territories: b.service.Territories(), Logger: e.logger(),
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
