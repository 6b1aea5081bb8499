// Package content holds the rules of Prassi: documents, their variants and
// revisions, who may do what to them, and the events that tell of it.
//
// The flow of a write, whatever door it came through (API, import, schedule):
//
//  1. The caller names an Actor and what it saw (an ETag of the variant).
//  2. Service reads the Document, decides by the workflow whether the actor may
//     act, parses the values by the declared type, resolves references.
//  3. Service makes the next Revision (immutable, chained by hash) and the next
//     version of the Document, with the Events of the change inside it.
//  4. Store.Apply writes both by compare-and-swap. If somebody else was faster
//     and the caller's view still holds, the Service starts again at 2.
//  5. The events wait inside the document until Store.Relay moves them to the
//     log, in one order for everybody; package jobs hands the log to consumers.
//
// Nothing here knows HTTP, a database or a search engine. Stores hold no rule:
// they keep what Service hands them and answer by keys that Service computed.
package content
