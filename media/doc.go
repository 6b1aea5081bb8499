// Package media keeps the pictures and documents that people upload, and trusts
// nothing that it is told about them.
//
//	Add: a stream from a stranger
//	  │ receive   counted, hashed and cut off at the limit, into a file without a name
//	  │ sniff     the type by its first bytes; never by name or by Content-Type
//	  │ examine   pictures: budget → decode → turn → shrink → encode anew, WebP beside
//	  │           documents: whole, not locked, nothing in them that runs
//	  ▼ store     media/{id}/{file} in the bucket, then the Item and its audit entry
//	Open: one file of an Item, seekable, with its type, ETag and headers
//	Purger: what nobody has used for long goes, and files that no Item knows
//
// # Pictures
//
// Not a byte of an uploaded picture is kept. The pixels are written anew, so the
// place where a photograph was taken, the camera's serial number, comments,
// colour profiles and whatever was hung on the end of the file are gone. A
// picture comes at its own size, at most 2560 pixels on the longer side, and at
// the widths 1280, 640 and 320 that are smaller than that, named by their width:
// 2560.jpg, 1280.jpg. Beside each stands a WebP of the same name if it is smaller.
// Of a moving GIF the first frame is kept, as a PNG.
//
// # Documents
//
// PDF, OOXML (docx, xlsx, pptx) and OpenDocument (odt, ods, odp) are kept as they
// came, as document.pdf and so on. They are refused when they hold macros or
// scripts, when they are locked with a password, and when they are two kinds of
// file at once. That is the second wall: they are served as attachments under
// Policy, so that a browser opens none of them within the site.
//
// # Order of writing
//
// The files are there before the Item is, and the Item goes before its files do.
// A crash between leaves files without an Item, which nobody can reach and the
// Purger removes after a day; it never leaves an Item without its files.
//
// Who may add, see or remove is not decided here but by content/access; this
// package only refuses to act for nobody.
package media
