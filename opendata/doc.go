// Package opendata says what is published in the European vocabularies for open
// data, as JSON-LD 1.1 with its context inside, so that nothing has to be fetched
// to understand it.
//
//		catalog.Entry (all languages of a document) ──▶ item ──▶ Service, Organization
//		catalogue as a whole ──────────────────────────────────▶ Catalog
//
//	  - Services are cpsv:PublicService of CPSV-AP 3.2: competent authority, contact
//	    points with opening hours, channels, cost, requirements, evidence.
//	  - Organisations are org:Organization; public bodies are cv:PublicOrganisation
//	    too. A service of the third sector names its provider as the authority that
//	    CPSV-AP asks for, without calling it public.
//	  - The catalogue is dcat:Catalog of DCAT-AP 3, with what DCAT-AP_IT adds
//	    (classes, rights holder, theme, frequency): a dataset for each collection
//	    that has items, with its distributions.
//
// Territories are named by the Italian controlled vocabularies (and regions by NUTS
// too), languages, file types, licences, frequencies and currencies by the European
// Union's authority tables.
//
// Everything is made from the catalogue's long items and from nothing else, so
// what the public may not know cannot be in it. All functions are pure but for
// reading those items.
package opendata
