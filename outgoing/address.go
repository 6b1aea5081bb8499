package outgoing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// special are the blocks of addresses that are not the public Internet, after
// the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890),
// with what was withdrawn since and is still routed here and there.
var special = rows(
	"0.0.0.0/8 this network",            // RFC 791
	"10.0.0.0/8 private",                // RFC 1918
	"100.64.0.0/10 shared by providers", // RFC 6598
	"127.0.0.0/8 loopback",              // RFC 1122
	"169.254.0.0/16 link-local",         // RFC 3927
	"172.16.0.0/12 private",
	"192.0.0.0/24 protocol assignments", // RFC 6890
	"192.0.2.0/24 documentation",        // RFC 5737
	"192.88.99.0/24 relay of 6to4",      // RFC 7526
	"192.168.0.0/16 private",
	"198.18.0.0/15 benchmarks", // RFC 2544
	"198.51.100.0/24 documentation",
	"203.0.113.0/24 documentation",
	"224.0.0.0/4 multicast",           // RFC 5771
	"240.0.0.0/4 reserved, broadcast", // RFC 1112, RFC 8190

	"::1/128 loopback",                     // RFC 4291
	"::/96 unspecified or IPv4-compatible", // RFC 4291
	"::ffff:0:0:0/96 IPv4-translated",      // RFC 2765
	"64:ff9b:1::/48 local translation",     // RFC 8215
	"100::/64 discarded",                   // RFC 6666
	"100:0:0:1::/64 dummy",                 // RFC 9780
	"2001::/23 protocol assignments",       // RFC 2928; Teredo (RFC 4380), ORCHID (RFC 7343) …
	"2001:db8::/32 documentation",          // RFC 3849
	"2002::/16 6to4",                       // RFC 3056
	"3fff::/20 documentation",              // RFC 9637
	"5f00::/16 segment routing",            // RFC 9602
	"fc00::/7 private",                     // RFC 4193
	"fe80::/10 link-local",                 // RFC 4291
	"fec0::/10 site-local",                 // RFC 3879
	"ff00::/8 multicast",                   // RFC 4291
)

// metadata are the addresses at which clouds tell a machine its own secrets, one
// of them public. A wider allowed block does not open them; only the very
// address does.
var metadata = rows(
	"169.254.169.254/32 metadata", "169.254.170.2/32 metadata", "169.254.170.23/32 metadata", "fd00:ec2::254/128 metadata",
	"fd00:ec2::23/128 metadata", "fd20:ce::254/128 metadata", "100.100.100.200/32 metadata", "192.0.0.192/32 metadata",
	"168.63.129.16/32 metadata",
)

// metadataNames are refused before they are resolved.
var metadataNames = []string{"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")     // all that is assigned of IPv6 (RFC 4291, section 2.4)
	translated    = netip.MustParsePrefix("64:ff9b::/96") // an IPv4 address in the last 32 bits (RFC 6052)
)

type row struct {
	block netip.Prefix
	what  string
}

func rows(lines ...string) []row {
	var out []row
	for _, line := range lines {
		block, what, _ := strings.Cut(line, " ")
		out = append(out, row{netip.MustParsePrefix(block), what})
	}
	return out
}

func find(table []row, a netip.Addr) string {
	for _, r := range table {
		if r.block.Contains(a) {
			return r.what
		}
	}
	return ""
}

// private says why an address is not of the public Internet, or "" when it is.
func private(a netip.Addr) string {
	a = a.Unmap()
	switch {
	case !a.IsValid():
		return "invalid"
	case a.Zone() != "":
		return "of one link"
	case translated.Contains(a):
		b := a.As16()
		return private(netip.AddrFrom4([4]byte(b[12:])))
	}
	if what := find(metadata, a); what != "" {
		return what
	}
	if what := find(special, a); what != "" {
		return what
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return "not assigned"
	}
	return ""
}

// allowed says whether the list opens an address.
func allowed(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	secret := find(metadata, a) != ""
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) && (!secret || p.IsSingleIP()) })
}

// ParseAllow reads a list of addresses and blocks, parted by commas or spaces:
// "10.0.0.0/8, 127.0.0.1, fd00::/8". An empty text is an empty list.
func ParseAllow(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, aerr := netip.ParseAddr(word)
			if aerr != nil || a.Zone() != "" {
				return nil, fmt.Errorf("%q is neither an address nor a block such as 10.0.0.0/8", word)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return nil, fmt.Errorf("%q covers more than IPv4", word)
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
