// Package feed keeps an index of search in step with the catalogue.
//
//	catalogue (published variants, each with a validator of its bytes)
//	   │  CatchUp: which variants does the index not hold as they are now?
//	   ▼
//	long JSON of these ──▶ search.Document ──▶ Index.Apply, batch by batch
//
// A document of the index is made from the long JSON that the public reads and
// from nothing else: what the catalogue does not show cannot be found, drafts
// and the real places of sensitive services included. Its version is the strong
// validator of these bytes. So one comparison of two lists, in memory, answers
// every question about what has to be done: after a publication, after a change
// of a document that others name, after the engine was away, after a store was
// restored from a copy, after two processes wrote to one engine. All variants of
// a document name each other in their bytes, so they change, and reach the
// index, together.
//
// The position of an index is the place in the log up to which the catalogue was
// when the index was last written. 0 means that there is nothing in it: then it
// is made anew (Rebuild), and until that is done nothing is answered.
//
// An engine that is down costs nothing but time: CatchUp fails and is called
// again, with growing pauses, by the runner of package jobs, and what the index
// holds is then read anew.
package feed
