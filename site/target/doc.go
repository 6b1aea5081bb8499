// Package target copies a build out of Prassi: into a folder, an archive, a
// bucket, or by rsync.
//
// # Flow
//
//	Open("DIR" | "x.tar.zst" | "s3://…" | "rsync:…")
//	   Publish(build, extras)
//	      plan: every file of the build, its compressed forms, _redirects,
//	            media and cards (extras), by path, each checked
//	        │
//	        ├─ folder   a new one beside it, with hard links to what stays as it
//	        │           is; the two are exchanged in one step
//	        ├─ archive  written beside it, then renamed; the same build gives the
//	        │           same bytes
//	        ├─ bucket   what changed: assets first, then pages, removals last
//	        └─ rsync    the folder above as staging, then the program rsync
//
// A folder also takes files while they are made (Streamer): a build that nobody
// keeps need not be written down twice.
//
// What a target holds is written down in it, in .prassi/manifest.json, so that the
// next time only what changed is written and only what Prassi wrote is removed. A
// place that is not empty and has no such file is not ours: it is refused with a
// *ForeignError. Files that others put into a folder of ours stay.
//
// A folder that cannot be exchanged (a mount point, or one whose parent cannot be
// written to), or that is named as inplace:DIR, is brought up to date file by file,
// as a bucket is: each file is the old or the new one, whole, and no page is there
// before what it needs. That costs what changed; an exchange costs a link for every
// file.
//
// Publish killed at any step leaves the old state or the new one, or in a place
// that is brought up to date file by file some of both; the next Publish clears
// what was left.
package target
