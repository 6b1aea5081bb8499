package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/search"
	"github.com/prassi-cms/prassi/search/bleveindex"
	"github.com/prassi-cms/prassi/search/feed"
	"github.com/prassi-cms/prassi/search/meiliindex"
)

// bleve is the embedded search engine, searchFolder its folder in the data folder.
const (
	bleve        = "bleve"
	searchFolder = "search"
)

// engine is the search engine that the settings name.
type engine struct {
	url string // empty: bleve
	key secret.Value
}

// searchEngine reads and checks the settings of search; it opens nothing.
func (e *env) searchEngine() (engine, error) {
	key, err := secret.Lookup(searchKeyVariable)
	if err != nil {
		return engine{}, err
	}
	if e.cli.Search == bleve || e.cli.Search == "" {
		return engine{}, nil
	}
	u, err := url.Parse(e.cli.Search)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return engine{}, tell("search_unknown", nil)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return engine{}, tell("search_key_in_address", nil)
	}
	return engine{url: e.cli.Search, key: key}, nil
}

// finder is an index with what feeds it.
type finder struct {
	*feed.Feed
	index search.Index
}

// Close ends the engine.
func (f *finder) Close() error { return f.index.Close() }

// beginning is how long the start waits for search.
const beginning = time.Second

// begin lets the index catch up before the first question, when that is quick: the
// jobs go on with what takes longer, or failed.
func (f *finder) begin(e *env) {
	ctx, cancel := context.WithTimeout(e.ctx, beginning)
	defer cancel()
	if err := f.CatchUp(ctx); err != nil {
		e.logger().Info("the server begins before search does", "reason", err.Error())
	}
}

// openSearch opens the search index over the catalogue. What cannot be used of
// the embedded one is thrown away, and the feed makes it anew; a server that is
// down is no error here.
func (e *env) openSearch(b *backend, published *catalog.Catalog) (*finder, error) {
	settings, err := search.Derive(b.schemas)
	if err != nil {
		return nil, err
	}
	settings = settings.WithPlaces(b.service.Territories())
	at, err := e.searchEngine()
	if err != nil {
		return nil, err
	}
	var index search.Index
	if at.url != "" {
		index, err = meiliindex.Open(e.ctx, meiliindex.Config{URL: at.url, Key: at.key}, settings)
	} else {
		index, err = e.openBleve(settings)
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return &finder{feed.New(published, index, settings, e.logger()), index}, nil
}

// openBleve opens the folder of the embedded engine, or a new one in its place:
// nothing is lost with it.
func (e *env) openBleve(settings *search.Settings) (search.Index, error) {
	options := bleveindex.Options{Dir: filepath.Join(e.cli.Data, searchFolder), Settings: settings, Logger: e.logger()}
	index, err := bleveindex.Open(options)
	if _, locked := errors.AsType[*search.LockedError](err); err == nil || locked {
		return index, err
	}
	e.logger().Warn("the folder of the search index cannot be used and is made anew", "error", err)
	if err := os.RemoveAll(options.Dir); err != nil {
		return nil, err
	}
	return bleveindex.Open(options)
}

// engineAway says in the reader's language that the engine does not answer.
func engineAway(err error) error {
	if _, ok := errors.AsType[*search.Unavailable](err); ok {
		return errors.Join(tell("search_unavailable", nil), err)
	}
	return err
}
