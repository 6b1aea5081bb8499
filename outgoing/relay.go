package outgoing

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Relay gives the function that connects to a mail server. Its address comes
// from the operator's settings and never from a person, and a mail server is
// mostly in the network that we run in and at a low port, so neither private
// addresses nor ports are refused, as New does; what clouds tell machines stays
// shut all the same (ErrRefused). With local only this machine is reached: for
// what is not encrypted.
//
// Like New it decides about the address just before it connects, whatever the
// name resolved to before.
func Relay(local bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{
		Timeout: dialTimeout,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return relayGate(local, network, address)
		},
	}
	return dialer.DialContext
}

// relayGate decides about one address of a mail server.
func relayGate(local bool, network, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	to := at.Addr().Unmap()
	switch {
	case network != "tcp4" && network != "tcp6":
		return fmt.Errorf("%w: %s instead of TCP", ErrRefused, network)
	case find(metadata, to.WithZone("")) != "":
		return fmt.Errorf("%w: %s is %s", ErrRefused, to, find(metadata, to.WithZone("")))
	case local && !to.IsLoopback():
		return fmt.Errorf("%w: without TLS to %s, which is not this machine", ErrRefused, to)
	}
	return nil
}
