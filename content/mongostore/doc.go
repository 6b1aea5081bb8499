// Package mongostore keeps documents in MongoDB, so that several Prassi
// processes share them. It is a driver of content.Store and holds no rule. It
// needs a standalone server or a replica set of any size, and neither
// transactions, sessions nor change streams.
//
// How a write goes through:
//
//	revisions   inserted first, each under its hash: done twice is done once,
//	            and one whose document then lost the race is a stray that
//	            nothing points at
//	document    one update of one document, by compare-and-swap on
//	            {_id, version}: all fields are set, the new events are pushed
//	            behind those that still wait in pending
//
// MongoDB changes one document atomically, so the document, its keys (unique
// slugs, terms, due time) and its events are there together or not at all.
//
// How an event gets into the log:
//
//	Relay   reads documents that have pending events
//	        inserts each event into events under _id = last + 1
//	        pulls from the document what is in the log, by event id
//
// Two unique indexes make that safe for any number of relays, dead ones
// included. _id is the place in the log: an insert at last+1 succeeds only when
// last is there and only once, so the log has no gap, and whoever sees an event
// sees all before it. The event's own id is unique too: whoever relays it
// again, having read the document long ago or having found what a dead relay
// left behind, is told that it is there already. An event is inserted only
// after the one before it in its document is known to be in the log, so a
// document's events keep their order. Pulling names the events by id and leaves
// the document's version alone, so it neither takes an event with it that came
// meanwhile nor makes a writer's compare-and-swap fail; and since a write never
// sets pending, it cannot bring back what was pulled.
//
// A document that is read has no Pending: what waits there is the driver's
// business.
//
// In a replica set everything is written with the write concern majority,
// journalled, and read from the primary with the read concern majority. A server
// by itself acknowledges when its journal is on the disk, and is read with
// local. Each query is one range of one index, named by a hint; a page that
// starts inside a group of equal keys takes two.
package mongostore
