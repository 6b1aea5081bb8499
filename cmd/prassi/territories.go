package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

type territoriesCmd struct {
	Import territoriesImportCmd `cmd:"" help:"Bring in the list of municipalities (CSV)."`
}

type territoriesImportCmd struct {
	File string `arg:"" type:"existingfile" help:"CSV with the columns istat, name, province_istat, lat, lon."`
}

func (c *territoriesImportCmd) Run(e *env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := e.open(nil)
	if err != nil {
		return err
	}
	defer b.close()
	list, issues, err := b.schemas.Territories().ReadMunicipalities(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	for _, i := range issues {
		fmt.Fprintf(e.stderr, "%s:%d:%d: %s: %s\n", c.File, i.Line, max(i.Column, 1), i.Code, e.text(i.Code, i.Params))
	}
	if len(issues) > 0 {
		return errFailed
	}
	if err := e.putMunicipalities(b.store, list); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, e.text("municipalities_done", map[string]any{"count": len(list)}))
	return err
}

// putMunicipalities writes the list in place of the one that is there.
func (e *env) putMunicipalities(store content.Store, list []schemas.Municipality) error {
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	expect := int64(0)
	switch old, err := store.GetRecord(e.ctx, placesKind, placesID); {
	case err == nil:
		expect = old.Version
	case !errors.Is(err, content.ErrNotFound):
		return err
	}
	r := &content.Record{Kind: placesKind, ID: placesID, Data: data, At: time.Now().UTC().Truncate(time.Millisecond)}
	return store.PutRecord(e.ctx, r, expect)
}
