// Package publish keeps the public site in step with the catalogue, and lends out
// looks at what is not public yet.
//
//	catalogue ──Notice──▶ quiet period ──▶ site.Build ──▶ release.Store (on the air)
//	                      (withdrawn: now)                   │
//	                                                         ├─▶ gzip, brotli
//	                                                         └─▶ outputs, each in its own lane:
//	                                                             folders, buckets, hooks, pings
//
// One goroutine (Publisher.Run) builds, so there is never more than one build at a
// time, and whoever notices a change is never kept waiting. Changes that come close
// together make one build: it begins when nothing has changed for Quiet, and Most
// after the first of them however busy it is. What was taken back is built for at
// once. A build that fails leaves the one before on the air, is said in the log and
// in Status, and is tried again; the next change tries at once.
//
// Outputs carry a build further. Each has a lane of its own, which knows the newest
// build that it has not done yet: a bucket that is slow or away holds up nobody.
//
// At midnight in Italy a build is due, for what is coming and what is over. After a
// Restore nothing is built by itself until something is taken back, or somebody asks.
package publish
