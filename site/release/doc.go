// Package release keeps builds of a site: versioned, content-addressed and
// atomic, in one folder that only one process has open.
//
// # Flow
//
//	Begin(base) ──▶ Writer ── Put(file, bytes) ──▶ SHA-256 ──▶ known? ── yes: nothing
//	                  │                                          └─ no: the journal
//	                  │── Keep(file of base)                            (packs/N.pack)
//	                  ▼
//	               Commit: changed leaves of the manifest are blobs too
//	                  │   data, then their index records, then the root: written
//	                  ▼
//	               Current() answers the new Build          one pointer
//	                  │   data, index and root are synced, the root gets its name
//	                  ▼
//	               durable: Commit returns
//
// Afterwards, and apart from it, Compress adds gzip and brotli of what gains by it,
// and Collect forgets old builds and rewrites packs that are mostly garbage.
//
// A reader takes Current once for a request and sees that build to its end,
// whatever is published meanwhile.
//
// # The folder
//
//	lock            taken by the process that has it open
//	packs/N.pack    the bytes of blobs, one after the other
//	packs/N.idx     52 bytes for each: hash, place, length, CRC-32C, encoding
//	builds/ID       one root a build: its Meta and the hash of its manifest
//
// The newest whole root is the current build; there is no other pointer. All of
// it is derived from the catalogue and may be deleted.
//
// A manifest is a tree of three levels: a top of 64 hashes, nodes of 64 hashes
// and leaves that list files, found by a hash of the path. So a build that changes
// one page of 100,000 writes that page, a leaf of some 25 files and two nodes of
// 2 kB, and builds share in memory what they have in common.
//
// # What a crash leaves
//
// Data are written before the record that names them, and all of it before the
// root. A root without its name is removed at the next Open; a torn record is
// cut. After each sync the index says so in a record of its own: what comes
// after the last such record is read and checked when the folder is opened, what
// comes before it only when it is read. A root whose blobs are not all there is
// not served: the one before it is.
package release
