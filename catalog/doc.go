// Package catalog is the published read model: everything that the public reads
// (delivery API, site, feeds, widgets) comes from here and from nothing else.
// Only live revisions get in, so a draft cannot leak, and a read touches no
// database.
//
// # Flow
//
//	store ── events with an Effect ──▶ Apply / CatchUp        one writer
//	                                     │ load the documents, and those that
//	                                     │ show their title or address
//	                                     │ render every live variant: JSON,
//	                                     │ gzip, brotli, zstd (all cores)
//	                                     ▼
//	                         segment file, then a cursor      append only
//	                                     │
//	                                     ▼
//	                        snapshot, swapped atomically      immutable
//	                                     │
//	    Get, List, GeoJSON, Changes ◀────┘                    any number of readers
//
// A snapshot holds in memory what finding and listing need: addresses, sort
// keys, posting lists, and the short JSON of every item. The long JSON, in its
// four encodings, stays in the segment file and is read from there with one
// positioned read, which the system's page cache serves.
//
// # The segment file
//
// The file is a cache: it may be deleted at any time. Frames are framed by
// length and CRC-32C. A header names the format, the declarations, the Markdown
// renderer and the territories that the bytes were made with; a cursor frame
// after each batch names the place in the log and fingerprints the log's first
// event and the one at that place, so that the file of another store, or of the
// same store before it was restored from a copy, is never used. What comes after
// the last intact cursor is cut off and read again from the log. When nothing
// can be used the catalogue is rendered anew from the store.
//
// # Order and paging
//
// Each collection keeps its items sorted by every order it offers. A cursor
// names the sort key and identity of the last item seen, not a position, so
// items published meanwhile neither shift nor repeat what follows. Only an item
// whose own sort key changes while somebody pages may be met at its new place.
package catalog
