package main

import (
	"embed"
	"io/fs"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
)

// Invented organisations, people and places; true laws.
//
//go:embed demo
var demoFiles embed.FS

// demoPeople are the six people that the development login offers: one for each
// role that the workflows know.
var demoPeople = []auth.Person{
	{ID: "amina", Name: "Amina, Orti insieme", Locale: "it", Grants: []content.Grant{{Role: "contributor", Scope: "orti-insieme"}}},
	{ID: "rita", Name: "Rita, Consiglio territoriale di Prato", Locale: "it", Grants: []content.Grant{{Role: "reviewer", Scope: "100"}}},
	{ID: "sandro", Name: "Sandro, segreteria del Consiglio di Prato", Locale: "it", Grants: []content.Grant{{Role: "secretary", Scope: "100"}}},
	{ID: "yusuf", Name: "يوسف، ترجمة عربية", Locale: "ar", Grants: []content.Grant{{Role: "translator", Scope: "ar"}}},
	{ID: "elena", Name: "Elena, redazione", Locale: "it", Grants: []content.Grant{{Role: "editor"}}},
	{ID: "dario", Name: "Dario, amministrazione", Locale: "it", Grants: []content.Grant{{Role: "administrator"}}},
}

// loadDemo makes the example people known, and fills an empty store with the
// example content. A store that holds anything is left alone, so that what
// visitors of the demo change stays changed.
func (e *env) loadDemo(b *backend) error {
	a := b.auth
	for _, p := range demoPeople {
		if err := a.PutPerson(e.ctx, content.System("demo"), p); err != nil {
			return err
		}
	}
	switch some, err := b.store.Scan(e.ctx, "", 1); {
	case err != nil:
		return err
	case len(some) > 0:
		return nil
	}
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return err
	}
	return e.importDemo(b, files)
}
