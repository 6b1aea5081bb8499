package outgoing

import (
	"context"
	"errors"
	"net"
	"testing"
)

func TestRelayGate(t *testing.T) {
	for _, c := range []struct {
		network, address string
		local, wide      bool // whether it may be reached, only this machine or any
	}{
		{"tcp4", "127.0.0.1:25", true, true},
		{"tcp6", "[::1]:1025", true, true},
		{"tcp4", "10.0.0.7:25", false, true},
		{"tcp6", "[fd00::25]:587", false, true},
		{"tcp4", "93.184.216.34:587", false, true},
		{"tcp6", "[fe80::1%eth0]:25", false, true},
		{"tcp6", "[::ffff:10.0.0.7]:25", false, true},
		{"tcp4", "169.254.169.254:80", false, false},
		{"tcp6", "[::ffff:169.254.169.254]:25", false, false},
		{"tcp6", "[fd00:ec2::254]:25", false, false},
		{"tcp6", "[fd00:ec2::254%eth0]:25", false, false},
		{"tcp4", "100.100.100.200:25", false, false},
		{"udp4", "127.0.0.1:25", false, false},
		{"unix", "/run/mail", false, false},
	} {
		for local, want := range map[bool]bool{true: c.local, false: c.wide} {
			err := relayGate(local, c.network, c.address)
			if (err == nil) != want || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%s %s, local %v: %v", c.network, c.address, local, err)
			}
		}
	}
}

// The gate is asked when it connects, so a name helps nobody around it.
func TestRelayAsksTheGate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := Relay(true)(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if conn, err := Relay(false)(context.Background(), "tcp", "169.254.169.254:25"); !errors.Is(err, ErrRefused) {
		t.Errorf("reached %v: %v", conn, err)
	}
	if conn, err := Relay(true)(context.Background(), "tcp", "10.255.255.1:25"); !errors.Is(err, ErrRefused) {
		t.Errorf("reached %v: %v", conn, err)
	}
}
