package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// From where a request comes. The peer of the connection is what is certain;
// what headers say counts only when the peer is one of Options.Proxies, and of
// a list of addresses only the part that trusted proxies wrote: it is read from
// its end, and the first address that is no proxy's is the caller's. Whatever a
// caller writes there itself stands further left.

// address gives the caller's address, without a zone; not valid when the
// connection has none (a Unix socket).
func (s *Server) address(r *http.Request) netip.Addr {
	peer := peerOf(r)
	if !contains(s.opt.Proxies, peer) {
		return peer
	}
	long, short := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	switch {
	case long == nil && short == nil:
		return peer
	case short == nil:
		return s.caller(peer, addressesOf(long))
	case long == nil:
		return s.caller(peer, elements(short, "for"))
	}
	// A proxy writes one of the two; the caller may have written the other. Only
	// where both say the same is there no doubt.
	if a := s.caller(peer, addressesOf(long)); a == s.caller(peer, elements(short, "for")) {
		return a
	}
	return peer
}

// caller walks a list of hops from its end to the first that is no proxy. A hop
// that is no address ends the walk at the proxy that wrote it.
func (s *Server) caller(peer netip.Addr, hops []string) netip.Addr {
	for _, hop := range slices.Backward(hops) {
		a, ok := hopAddress(hop)
		if !ok {
			return peer
		}
		if peer = a; !contains(s.opt.Proxies, a) {
			return a
		}
	}
	return peer
}

// secure says whether the outside reached this server over TLS: on this very
// connection, on that to a trusted proxy, or always, by the public address.
func (s *Server) secure(r *http.Request) bool {
	if s.https || r.TLS != nil {
		return true
	}
	if len(s.opt.Proxies) == 0 || !contains(s.opt.Proxies, peerOf(r)) {
		return false
	}
	said := addressesOf(r.Header["X-Forwarded-Proto"])
	if len(said) == 0 {
		said = elements(r.Header["Forwarded"], "proto")
	}
	return len(said) > 0 && strings.EqualFold(said[len(said)-1], "https")
}

// direct says whether nothing stood between the caller and this server, or only
// what is trusted: its address is certain.
func (s *Server) direct(r *http.Request) bool {
	if contains(s.opt.Proxies, peerOf(r)) {
		return true
	}
	return r.Header["X-Forwarded-For"] == nil && r.Header["Forwarded"] == nil && r.Header["Via"] == nil
}

// peerOf gives the address at the other end of the connection.
func peerOf(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addressesOf parts a list that may come in several headers.
func addressesOf(values []string) []string {
	var out []string
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			out = append(out, strings.TrimSpace(item))
		}
	}
	return out
}

// elements gives one parameter of each element of Forwarded (RFC 7239, section
// 4), "" where an element lacks it.
func elements(values []string, name string) []string {
	var out []string
	for _, element := range addressesOf(values) {
		found := ""
		for pair := range strings.SplitSeq(element, ";") {
			if key, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && strings.EqualFold(key, name) {
				found = strings.Trim(value, `"`)
			}
		}
		out = append(out, found)
	}
	return out
}

// hopAddress reads an address with or without a port and brackets.
func hopAddress(hop string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(hop, "[]"))
	if err != nil {
		at, err := netip.ParseAddrPort(hop)
		if err != nil {
			return netip.Addr{}, false
		}
		a = at.Addr()
	}
	return a.Unmap().WithZone(""), true
}
