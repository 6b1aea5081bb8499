// Package webhooks tells other systems, within seconds, what changed for the
// public: signed requests by the Standard Webhooks convention
// (standardwebhooks.com, version 1.0.0).
//
// # Flow
//
//	log ── events with an Effect ──▶ CatchUp ──▶ notices, newest in memory
//	                                               │ does the filter ask for it?
//	                                               ▼
//	            one lane a subscription: claim ▸ send ▸ note ▸ cursor on ▸ release
//	                                               │ refused or silent?
//	                                               ▼
//	            waiting record: 5 s, 5 min, … 24 h; later news of the same
//	            document wait behind it, those of others go on
//
// The log of the store is the queue. A subscription has a cursor in it, so
// nothing is copied for a receiver that keeps up, and a receiver that is down
// for days costs no memory: its lane stands still and the log waits. Only what
// failed, and what must stay behind it, is written down (at most maxWaiting).
// What is under way for the first time is nowhere but in the log: when a turn is
// broken off, the cursor is before it, and what waits behind it is held until the
// log is read as far as that again.
//
// A notice is an id and a kind. What is said of the item is read from the
// catalogue when a request is sent, so neither a draft nor a title that was
// withdrawn meanwhile can go out. The id of a message comes from subscription and
// place in the log: whoever repeats a message, after a kill too, repeats its id.
//
// # Several processes
//
// A lane is claimed by compare-and-swap for a while (lease) and the claim is
// renewed as long as there is something to send. Who dies holds it until the lease
// ends, or until the same process (Options.Owner) comes back. Two who believe to
// hold one lane send twice, with the same ids; nothing is lost.
//
// # Fairness
//
// Each lane sends by itself, at most laneWidth requests at once, and one at a time
// to a receiver that fails, is slow or is not known yet. All lanes share
// Options.Concurrency slots; a request that takes longer than slowAfter gives its
// slot back while it goes on, and a receiver that was slow takes none from then on:
// who hangs holds up nobody else.
package webhooks
