package api

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/outgoing"
)

func proxies(t *testing.T, list string) []netip.Prefix {
	t.Helper()
	out, err := outgoing.ParseAllow(list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAddress(t *testing.T) {
	const trusted = "10.0.0.0/8, 2001:db8:aaaa::/48"
	for name, c := range map[string]struct {
		peer, long, short, want string
	}{
		"nobody between":            {"192.0.2.1:5", "", "", "192.0.2.1"},
		"IPv6":                      {"[2001:db8::7]:5", "", "", "2001:db8::7"},
		"with a zone":               {"[fe80::7%eth0]:5", "", "", "fe80::7"},
		"IPv4 in IPv6":              {"[::ffff:192.0.2.1]:5", "", "", "192.0.2.1"},
		"a Unix socket":             {"@", "1.2.3.4", "", "invalid IP"},
		"a stranger's word":         {"192.0.2.1:5", "1.2.3.4", "", "192.0.2.1"},
		"a stranger's word, RFC":    {"192.0.2.1:5", "", "for=1.2.3.4", "192.0.2.1"},
		"a stranger among proxies":  {"192.0.2.1:5", "1.2.3.4, 10.0.0.1", "", "192.0.2.1"},
		"a proxy":                   {"10.0.0.1:5", "198.51.100.7", "", "198.51.100.7"},
		"a proxy, IPv6":             {"[2001:db8:aaaa::1]:5", "2001:db8::9", "", "2001:db8::9"},
		"a proxy in IPv6's clothes": {"[::ffff:10.0.0.1]:5", "198.51.100.7", "", "198.51.100.7"},
		"a proxy that says nothing": {"10.0.0.1:5", "", "", "10.0.0.1"},
		"two proxies":               {"10.0.0.1:5", "198.51.100.7, 10.9.9.9", "", "198.51.100.7"},
		"spoofed behind a proxy":    {"10.0.0.1:5", "127.0.0.1, 1.2.3.4,198.51.100.7", "", "198.51.100.7"},
		"spoofed as a proxy":        {"10.0.0.1:5", "10.3.3.3, 198.51.100.7", "", "198.51.100.7"},
		"only proxies":              {"10.0.0.1:5", "10.0.0.3, 10.0.0.2", "", "10.0.0.3"},
		"with ports":                {"10.0.0.1:5", "198.51.100.7:4711", "", "198.51.100.7"},
		"with brackets and a port":  {"10.0.0.1:5", "[2001:db8::9]:4711", "", "2001:db8::9"},
		"with brackets":             {"10.0.0.1:5", "[2001:db8::9]", "", "2001:db8::9"},
		"rubbish":                   {"10.0.0.1:5", "198.51.100.7, unknown", "", "10.0.0.1"},
		"rubbish further left":      {"10.0.0.1:5", "<script>, 198.51.100.7", "", "198.51.100.7"},
		"rubbish behind a proxy":    {"10.0.0.1:5", "198.51.100.7, _hidden, 10.0.0.2", "", "10.0.0.2"},
		"empty items":               {"10.0.0.1:5", "198.51.100.7,,", "", "10.0.0.1"},
		"Forwarded":                 {"10.0.0.1:5", "", "for=198.51.100.7;proto=https, for=10.9.9.9", "198.51.100.7"},
		"Forwarded, quoted":         {"10.0.0.1:5", "", `For="[2001:db8::9]:4711"`, "2001:db8::9"},
		"Forwarded without for":     {"10.0.0.1:5", "", "proto=https", "10.0.0.1"},
		"Forwarded, spoofed":        {"10.0.0.1:5", "", "for=127.0.0.1, for=198.51.100.7", "198.51.100.7"},
		"both agree":                {"10.0.0.1:5", "198.51.100.7", "for=198.51.100.7", "198.51.100.7"},
		"both, one is spoofed":      {"10.0.0.1:5", "198.51.100.7", "for=1.2.3.4", "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{opt: Options{Proxies: proxies(t, trusted)}}
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
			for header, value := range map[string]string{"X-Forwarded-For": c.long, "Forwarded": c.short} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			if got := s.address(r).String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			s.opt.Proxies = nil
			if got := s.address(r); got != peerOf(r) {
				t.Errorf("without trusted proxies: %s", got)
			}
		})
	}
	s := &Server{opt: Options{Proxies: proxies(t, trusted)}}
	r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{"X-Forwarded-For": {"1.2.3.4", "198.51.100.7"}}}
	if got := s.address(r).String(); got != "198.51.100.7" {
		t.Errorf("two headers: %s", got)
	}
}

func TestSecure(t *testing.T) {
	for name, c := range map[string]struct {
		https  bool
		tls    bool
		peer   string
		header http.Header
		want   bool
	}{
		"plain":               {peer: "192.0.2.1:5"},
		"TLS":                 {peer: "192.0.2.1:5", tls: true, want: true},
		"the public address":  {peer: "192.0.2.1:5", https: true, want: true},
		"a stranger's word":   {peer: "192.0.2.1:5", header: http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"proto=https"}}},
		"a proxy":             {peer: "10.0.0.1:5", header: http.Header{"X-Forwarded-Proto": {"https"}}, want: true},
		"a proxy, loudly":     {peer: "10.0.0.1:5", header: http.Header{"X-Forwarded-Proto": {"HTTPS"}}, want: true},
		"a proxy without TLS": {peer: "10.0.0.1:5", header: http.Header{"X-Forwarded-Proto": {"http"}}},
		"the last one counts": {peer: "10.0.0.1:5", header: http.Header{"X-Forwarded-Proto": {"https, http"}}},
		"Forwarded":           {peer: "10.0.0.1:5", header: http.Header{"Forwarded": {"for=1.2.3.4;proto=https"}}, want: true},
		"a silent proxy":      {peer: "10.0.0.1:5"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{https: c.https, opt: Options{Proxies: proxies(t, "10.0.0.0/8")}}
			r := &http.Request{RemoteAddr: c.peer, Header: c.header}
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := s.secure(r); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("198.51.100.7, 10.0.0.2", `for="[2001:db8::1]:5";proto=https`)
	f.Add("", "for=_x;by=y,,;")
	s := &Server{opt: Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, long, short string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{"X-Forwarded-For": {long}, "Forwarded": {short}}}
		for range 3 {
			if a := s.address(r); !a.IsValid() || a.Zone() != "" || a.Is4In6() {
				t.Fatalf("%q, %q: %v", long, short, a)
			}
			s.secure(r)
			delete(r.Header, "Forwarded")
		}
		// What a trusted proxy adds at the end is what counts.
		r.Header["X-Forwarded-For"] = []string{long, "198.51.100.7"}
		if got := s.address(r).String(); got != "198.51.100.7" {
			t.Fatalf("%q: %s", long, got)
		}
	})
}

// TestUnixSocket: a connection without an address may change things as any other;
// what it does has no trace.
func TestUnixSocket(t *testing.T) {
	w := newWorld(t)
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://prassi.example"+path, strings.NewReader(body))
		r.RemoteAddr = "@"
		r.Header.Set("Authorization", "Bearer "+w.tokens["ada"])
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, r)
		return rec
	}
	if a := ask("POST", "/api/v1/manage/documents", `{"type":"article","locale":"it","fields":{"title":"Da un socket"}}`); a.Code != 201 {
		t.Errorf("a change: %d %s", a.Code, a.Body)
	}
	if a := ask("GET", "/api/v1/manage/audit?format=csv", ""); a.Code != 200 {
		t.Errorf("an export: %d %s", a.Code, a.Body)
	}
}
