// Package outgoing makes the one HTTP client with which Prassi asks anything of
// other servers: webhooks, imports by address, OpenID Connect. Addresses come
// from people, so a request may not reach what only this machine or its network
// can reach (server-side request forgery).
//
// # Flow of a request
//
//	http.Client ── whole time, redirects (each one comes through here again)
//	   │
//	 guard ─────── scheme, credentials, odd spellings of addresses
//	   │
//	 transport ─── one for https, one for http; no proxy, no cookies
//	   │
//	 dialer ────── resolves the name, then asks the gate about every address just
//	   │           before it connects: what a name resolved to earlier, or will
//	   │           resolve to later, does not matter (DNS rebinding)
//	 guard ─────── bounds the body of the answer
//
// The gate is the wall; what the guard refuses it refuses early and clearly.
//
// Ports: a public address is reached at 443 or at 1024 and above, with TLS. The
// low ports belong to services that are no web servers and take a greeting for
// an attack; the rest is left open because providers and webhooks do listen on
// 8443 and the like, and TLS with a verified name says nothing to anything else.
package outgoing
