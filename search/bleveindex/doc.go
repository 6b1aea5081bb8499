// Package bleveindex is the embedded engine of search: Bleve in a folder of its
// own, and columns in memory.
//
//	Apply ──▶ Bleve (text, stored documents, the position; one atomic batch)
//	      └─▶ columns (facts), lexicon (words), titles (suggestions)   under one lock
//
//	Search ──▶ columns: which documents pass the filters   (a bitmap)
//	       ──▶ lexicon: which forms of each word exist     (stem, prefix, synonym, typo)
//	       ──▶ Bleve: the postings of these forms          (scores into one array)
//	       ──▶ columns: facets, order;  Bleve: stored text of the page ──▶ highlights
//
// Bleve keeps what is large and sorted by word; its own facets, circles and
// fuzzy searches cost tens of milliseconds with 20,000 documents, while the
// facts of all documents fit into a few megabytes. So a filter is a test of a
// row, a facet an addition in an array, a circle a distance, and a typo a walk
// along the list of words that skips most of them by a bit mask of letters. The
// columns are read from the stored documents when the folder is opened, so there
// is one truth.
//
// # The folder
//
//	lock              held while the index is open
//	CURRENT           names the generation that is live
//	index-000007/     Bleve's files
//
// A rebuild fills the next generation beside the live one, takes the batches
// that come meanwhile too, and then renames a new CURRENT into place. Whoever
// kills the process at any moment finds the old or the new one; folders that
// CURRENT does not name are removed when opening. A generation that does not
// open, or was made under other declarations, is thrown away: Position is 0 then
// and the caller rebuilds.
package bleveindex
