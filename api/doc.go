// Package api is Prassi over HTTP: the delivery API that the public reads, the
// editorial API by which people write, and what machines and operators need. It
// is the only package that knows Gin.
//
// # Flow of a request
//
//	net/http ── time-outs, size of headers
//	   │
//	  Gin ───── finds the operation by method and path
//	   │
//	 serve ──── one wrapper for every operation: recovers, measures, logs, and
//	   │        turns a returned error into a problem (RFC 9457)
//	   │
//	   ├─ delivery: catalogue → stored bytes → answer. No database, no language
//	   │            negotiation, hardly an allocation.
//	   ├─ media:    a file is everybody's while the catalogue says that something
//	   │            live uses it, and its bytes come from the bucket alone; else
//	   │            it is there for those who may see it, and for others it is not
//	   └─ manage:   who is calling (token, or cookie with an origin check) →
//	                strict decoding → content.Service → view with the actions
//	                that this caller may take
//
// # One table
//
// operations lists every operation once: method, path, parameters, bodies,
// answers and handler. The routes of Gin, the OpenAPI 3.1 document, the page at
// /docs and the labels of the metrics derive from it, and a test calls every
// entry for real and holds the answer against what the entry declares.
//
// Nothing here decides what an actor may do, or what content is valid: that is
// content.Service's. No sentence that a person reads is written here either:
// problems carry codes, and package messages says them in the caller's language.
package api
