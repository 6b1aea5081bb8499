package main

import (
	"net/http"
	"path/filepath"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/outgoing"
)

// feeding says who is told of new things in feeds.
type feeding struct {
	Hub string `name:"websub-hub" env:"PRASSI_WEBSUB_HUB" placeholder:"URL" help:"The WebSub hub that feeds name and that is told when they change."`
}

// check refuses what is no hub, and a hub that could not find us.
func (f feeding) check(publicURL string) error {
	switch {
	case f.Hub == "":
		return nil
	case feeds.CheckHub(f.Hub) != nil:
		return tell("hub_invalid", nil) // which may hold a password
	case publicURL == "":
		return tell("hub_needs_address", nil)
	}
	return nil
}

// open completes the options with what feeds say and with the painter of cards.
// There are none when the program was built without the site's assets.
func (f feeding) open(opt *api.Options, base string) (err error) {
	opt.Feeds = &feeds.Source{Catalog: opt.Catalog, Schemas: opt.Schemas, Territories: opt.Service.Territories(), Base: base, Hub: f.Hub, Paged: true}
	opt.Cards, err = newPainter(opt.Logger)
	return err
}

// pinging gives the task that tells the hub; none without a hub.
func (f feeding) pinging(opt *api.Options, client *http.Client, data string) []jobs.Every {
	if f.Hub == "" {
		return nil
	}
	p := feeds.NewPinger(opt.Feeds, client, filepath.Join(data, "websub.json"))
	return []jobs.Every{{Name: "feeds' hub", Every: feeds.PingEvery, Do: p.Round}}
}

// client makes requests to the address of an operator's choice.
func (g going) client() (*http.Client, error) {
	allow, err := g.prefixes()
	if err != nil {
		return nil, err
	}
	return outgoing.New(outgoing.Options{Allow: allow, Plain: true, UserAgent: "Prassi/" + buildVersion()}), nil
}
