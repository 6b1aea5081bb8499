// Package oidc lets people sign in at an OpenID provider that their organisation
// runs (Keycloak, Entra, a proxy in front of SPID and CIE), and says who they
// are. It is the relying party of OpenID Connect Core 1.0, code flow only, and
// knows neither sessions nor persons: what it returns is what the provider
// claims, checked; package auth decides what follows.
//
//	browser          Prassi (this package)                     provider
//	   │  sign in        │                                          │
//	   │────────────────▶│ Begin: discovery, once an hour ─────────▶│
//	   │◀────────────────│ 303 to the provider; cookie with         │
//	   │                 │ state, nonce, verifier, next: sealed     │
//	   │─────────────────┼─────────────────────────────────────────▶│ (person signs in)
//	   │◀────────────────┼───────────────── code, state, iss ───────│
//	   │────────────────▶│ Finish                                   │
//	   │  cookie, query  │  1 cookie opens, is young, state equal   │
//	   │                 │  2 state never used before (Once)        │
//	   │                 │  3 iss is this provider's (RFC 9207)     │
//	   │                 │  4 an error is believed only now         │
//	   │                 │  5 code + verifier + own secret ────────▶│ token endpoint
//	   │                 │  6 ID token: algorithm, signature, iss,  │
//	   │                 │    aud, azp, exp, iat, nonce, at_hash,   │
//	   │                 │    sub, acr                              │
//	   │                 │  7 userinfo, when asked ────────────────▶│
//	   │◀────────────────│ Login                                    │
//	                     │                                          │
//	                     │ BackChannel ◀──── logout token ──────────│
//
// The server keeps nothing between Begin and Finish: what it must remember is in
// a cookie that only it can read (AES-256-GCM), named after the state so that
// two tabs do not disturb each other. The one thing stored is that a state has
// been used.
//
// Nothing that somebody outside wrote gets into an error or a log: answers of a
// provider, parameters of a callback, tokens and codes are told by what is wrong
// with them, never by their text.
//
// Requests go through Options.Client alone. Redirects are not followed: a token
// endpoint that points elsewhere must not carry the code and the secret there.
package oidc
