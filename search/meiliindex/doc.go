// Package meiliindex is search on a Meilisearch server, for installations with
// several processes. It passes the suite of the embedded engine, because the
// rules of words stay in package search: the server gets words that are already
// folded, stems beside them, and questions that are nothing but such words.
//
// # What the server holds
//
//	record (one a variant)  id, facts to filter, count and sort by, texts to show
//	  w0_it … w2_it         its words by class of weight, folded, in the order of the text; typos are forgiven
//	  s0_it … s2_it         its stems, the words that differ from theirs, a mark for each group of
//	                        synonyms and each act that the document has; typos are not forgiven
//	record (part 1, 2, …)   the same facts with another of its points: _geo takes one point a record
//	record (prassi-meta)    position in the log, and the declarations that the index was made under
//
// Every question but the one for distances asks for part 0 alone. What lies in
// a circle or a box is therefore asked for twice: first for the parts beyond the
// first, then for the records of which a part was found. An order by distance
// takes all parts and lets the server keep the nearest of each record.
//
// # The flow of a question
//
//	plan  ─▶ exact: each unit by its stem in quotes (nothing is forgiven), its group or its act; the last
//	         word also as a beginning. Alternatives are queries of one federated search, which unites them.
//	      ─▶ nothing found: which units are there at all? one multi-search of tiny queries
//	      ─▶ words that no locale has are asked for with typos
//	      ─▶ still nothing: without one unit, then two, … as long as half of them stay
//	hits  ─▶ the server's highlights say which words it found; package search marks them in the text
//
// # The flow of a change
//
//	removed records ─▶ task, polled to its end ─▶ records that are put, with the position in the same
//	task as the last of them ─▶ polled to its end. A crash before the end leaves the old position, and
//	repeating the batch does no harm.
//
// A rebuild fills an index beside the live one, swaps both names in one task and
// deletes what was live. A server that does not answer is search.Unavailable for
// the call, never for the start of the program.
package meiliindex
