// Package audit is the ledger: who did what to which record, when, from where
// and under which grant.
//
// What happens to documents is told by their events (package content). What
// happens to everything else, people, roles, tokens, media, is told here, by
// the same two ideas: the news waits inside the record that it belongs to, and
// each telling holds the hash of the one before.
//
//	Change ─▶ one compare-and-swap of the record
//	          {"value": …, "audit": {"number": 7, "hash": "…", "pending": [entry 7]}}
//	             │                       └─ the head: how long the chain is, how it ends
//	             └─▶ entry 7 is moved to a record of its own, kind "audit",
//	                 id "person:ab12/000000000007"
//
// A change and its entry succeed or fail together, because they are one write;
// there are no transactions. The move afterwards is idempotent (the entry's key
// is its number) and may be done by anybody: by the one who changed, by the next
// one, by Flush. Whoever dies in between leaves a pending entry and loses
// nothing. Any number of processes may work at once.
//
// # What is provable
//
// Verify recomputes every hash, follows every chain to its head, and finds an
// entry that was changed, removed, put in, swapped or cut off, and a head that
// was edited. Somebody who can write to the store can also rewrite a whole chain
// with its head, or remove both: Report.Digest, one hash over all heads, is
// there to be noted elsewhere and compared. The chain proves what was told, not
// the present value of the record.
//
// # What is never in it
//
// Names, addresses, secrets. Entries name people by opaque ids; details have
// closed keys and bounded values; the address that somebody came from is in a
// trace, a record beside the chains that the entry names by a random id. So
// erasing a person is to empty the value and to forget the traces: no entry
// changes, every chain still verifies, and the id stays as a pseudonym
// (Regulation (EU) 2016/679, articles 4(5) and 17).
//
// How long traces, sessions and the like are kept is configuration (Retention),
// carried out by a Sweeper.
package audit
