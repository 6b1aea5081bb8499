// Package site plans, renders and describes the public site: pages in every
// language of the interface, out of the catalogue and of nothing else.
//
// # Flow
//
//	catalog.Moment ──▶ facts, by entry        what cards and lists need of an item,
//	      │                                   read once for each published variant
//	      ▼
//	    plan ──▶ pages: path, digest, make    every page of the site, each time anew
//	      │
//	      ├─ digest as in the build before ──▶ release.Writer.Keep
//	      └─ otherwise: view ──▶ html/template ──▶ release.Writer.Put
//
// A page's digest is a hash of everything that the page shows: the theme, the
// configuration, the header of its section, the entity tags or cards of the items
// on it, counts and neighbours, and the civil day in Rome where the page depends
// on it. Nothing remembers which page depends on what, so nothing of that kind can
// be out of date: a page is kept when the build before has one of the same digest
// at its path, and rendered otherwise. What is planned no more is gone.
//
// Views (view.go) are what templates see, and are the public interface of themes.
// A theme (theme.go) is a folder of templates and assets over the default one.
package site
