// Package sqlitestore keeps documents in one SQLite file: the store that needs
// no service. It is a driver of content.Store and holds no rule.
//
// How a write goes through:
//
//	Apply, PutRecord, DeleteRecord      any number of goroutines
//	   │ encode to JSON outside the lock, then queue
//	   ▼
//	writer goroutine                    one connection, one for each Store
//	   │ BEGIN IMMEDIATE                other processes wait their turn
//	   │ everything that is queued      check first, then write: a refused
//	   │                                write leaves nothing, so its
//	   │                                neighbours need no savepoint
//	   │ COMMIT                         one fsync for all of them
//	   ▼
//	the answers                         nil means: on the disk
//
// Reads run beside it on a few connections of their own; in WAL mode they see
// the last commit and block nobody.
//
// A document is a JSON blob beside the few columns that are searched. Its terms
// are rows of one table whose key is the reading order (term, newest first, id),
// so a page of a list is a walk along one index from where the last page ended;
// further terms are looked up in the same key. Titles are long and seldom asked
// for in order, so they are indexed once a document and not once a term: a list
// by title walks along all titles when its terms are common, and sorts the few
// documents of a rare one. Events go into the log with the document, in the same
// transaction: nothing is ever pending and Relay has nothing to do.
//
// Durability: journal_mode=WAL with synchronous=FULL, so every COMMIT is synced
// before it is acknowledged. The store makes its own checkpoints, because
// SQLite's automatic one swallows a failed sync. After any input or output
// error the store refuses every further write (ErrBroken): what the system
// reported as not written may seem written at a second try.
package sqlitestore
