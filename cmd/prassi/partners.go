package main

import (
	"path/filepath"

	"github.com/prassi-cms/prassi/api"
	"github.com/prassi-cms/prassi/jobs"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/widgets"
)

// showing opens what other sites show, and the register of who they are.
func (c *serveCmd) showing(e *env, opt *api.Options, b *backend) (err error) {
	opt.Partners, err = partners.New(e.ctx, partners.Options{Ledger: b.ledger, Schemas: b.schemas, Territories: b.service.Territories()})
	if err != nil {
		return err
	}
	opt.Widgets, err = widgets.New(widgets.Options{
		Catalog: opt.Catalog, Schemas: b.schemas, Territories: b.service.Territories(), Partners: opt.Partners,
		Base: opt.PublicURL, Name: c.looks.config().Name, Outlines: schemas.Outlines(),
		Tiles: opt.Tiles, TilesAttribution: c.Attribution, Dir: filepath.Join(e.cli.Data, "widgets"),
	})
	return err
}

// counting are the tasks of the register: to learn what other processes have
// changed, and to write down what was counted.
func counting(r *partners.Registry) []jobs.Every {
	return []jobs.Every{
		{Name: "partners", Every: partners.RefreshEvery, Do: r.Refresh},
		{Name: "use of widgets", Every: partners.FlushEvery, Do: r.Flush},
	}
}
