package outgoing

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPrivate(t *testing.T) {
	for _, a := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "100.100.100.200", "127.0.0.1", "127.255.255.254",
		"169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"168.63.129.16",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1:fffe::8.8.8.8", "100::1", "100:0:0:1::1",
		"2001::1", "2001:0:7f00:1::", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "3fff:fff::1",
		"5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "feff::1", "ff02::1",
		"400::1", "1fff::1", "4000::1", "8000::1", "2606:4700::1%eth0",
	} {
		if private(netip.MustParseAddr(a)) == "" {
			t.Errorf("%s counts as public", a)
		}
	}
	if private(netip.Addr{}) == "" {
		t.Error("no address counts as public")
	}
	for _, a := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255",
		"172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8",
		"64:ff9b::8.8.8.8", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1", "3ffe::1", "2003::1",
	} {
		if why := private(netip.MustParseAddr(a)); why != "" {
			t.Errorf("%s counts as %s", a, why)
		}
	}
}

// public is the definition again, in the standard library's terms, so that a
// slip in the table shows.
func public(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsValid() && a.Zone() == "" && a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() &&
		!a.IsMulticast() && !a.IsUnspecified() && !slices.Contains([]string{"169.254.169.254", "100.100.100.200", "168.63.129.16"}, a.String())
}

func TestPrivateAgreesWithTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a netip.Addr
		if rapid.Bool().Draw(t, "six") {
			a = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")))
		} else {
			a = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes")))
		}
		if private(a) == "" && !public(a) {
			t.Fatalf("%s counts as public", a)
		}
		if mapped := netip.AddrFrom16(a.As16()); private(mapped) != private(a) {
			t.Fatalf("%s and %s differ", a, mapped)
		}
	})
}

func TestParseAllow(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "[]",
		" , ":                          "[]",
		"127.0.0.1":                    "[127.0.0.1/32]",
		"10.1.2.3/8, fd00::/8\n::1":    "[10.0.0.0/8 fd00::/8 ::1/128]",
		"::ffff:127.0.0.1":             "[127.0.0.1/32]",
		"::ffff:10.0.0.0/104 10.0.0.1": "[10.0.0.0/8 10.0.0.1/32]",
	} {
		got, err := ParseAllow(text)
		if s := sprint(got); err != nil || s != want {
			t.Errorf("%q: %s, %v", text, s, err)
		}
	}
	for _, text := range []string{"localhost", "10.0.0", "010.0.0.1", "10.0.0.0/33", "fe80::1%eth0", "::ffff:0:0/90", "127.0.0.1:80", "*"} {
		if got, err := ParseAllow(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func sprint(list []netip.Prefix) string {
	out := "["
	for i, p := range list {
		if i > 0 {
			out += " "
		}
		out += p.String()
	}
	return out + "]"
}

// A wide block does not open what clouds tell machines; the very address does.
func TestAllowAndMetadata(t *testing.T) {
	wide, err := ParseAllow("0.0.0.0/0 ::/0")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"127.0.0.1": true, "10.0.0.1": true, "::1": true, "::ffff:10.0.0.1": true, "fe80::1": true,
		"169.254.169.254": false, "100.100.100.200": false, "fd00:ec2::254": false, "::ffff:169.254.169.254": false, "fe80::1%eth0": false,
	} {
		if got := allowed(wide, netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	one, err := ParseAllow("169.254.169.254")
	if err != nil || !allowed(one, netip.MustParseAddr("169.254.169.254")) {
		t.Errorf("the very address: %v", err)
	}
}
