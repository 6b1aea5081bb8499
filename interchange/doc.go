// Package interchange brings content in from files and writes it out to files.
//
// # Import
//
//	Open    walk    files of the given paths, in the order of names; an address
//	                is fetched, an archive checked and unpacked, into a spool
//	        scan    one item after the other, without holding more than one
//	        parse   front matter, JSON and CSV become one tree with places
//	        convert keys find their meaning: the format's own, a type's fields,
//	                a mapping file's, a site generator's habits; values are
//	                parsed by the declared type
//	        gather  items that are one document in several languages
//	        order   documents come after those that they refer to
//	Import  Batches reads the items again, 200 documents at a time
//	        Importer (content.Service) decides and writes
//	        report  one line for each thing to say: file, line, column, code
//
// Open refuses nothing but the item that is wrong, and says all that is wrong
// with it; it keeps places and names of items, not their texts. Nothing is
// written before everything was read. What a document may be is decided by the
// service alone; this package only gives it canonical values and the place that
// each came from.
//
// An import is idempotent and so resumable: what was imported is found by its
// id or slug and is unchanged. Slugs are therefore settled here, from the file
// or the title, and never by chance.
//
// # Export
//
// Export reads the store twice: once for the slugs that references are written
// as, once for the content. The form of the front matter is fixed here, so that
// the same content has the same bytes. The folder is written beside its place
// and takes it at the end; a manifest inside tells an export from anybody's
// folder and shows whether somebody worked in it.
//
// docs/interchange.md describes the format, for those who read and write it.
package interchange
