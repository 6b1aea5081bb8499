package outgoing

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a resolver whose answers the test gives: one set of addresses after
// the other for each name, the last one again and again.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	asked   int
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.serve(theirs)
		return ours, nil
	}}
}

// serve answers questions as over TCP: each message behind its length (RFC
// 1035, section 4.2.2).
func (n *names) serve(c net.Conn) {
	defer c.Close()
	for {
		var length uint16
		if binary.Read(c, binary.BigEndian, &length) != nil {
			return
		}
		question := make([]byte, length)
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(question) != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		n.answer(&m)
		packed, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
			return
		}
	}
}

func (n *names) answer(m *dnsmessage.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	sets, known := n.answers[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
	for _, a := range sets[0] {
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	if n.asked++; n.asked%2 == 0 && len(sets) > 1 { // A and AAAA are asked together
		n.answers[name] = sets[1:]
	}
}

func addresses(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var errStop = errors.New("the test goes no further")

// watched makes a client that connects to nothing: what the gate lets through is
// noted, and the connection given up.
func watched(opt Options, n *names) (*http.Client, func() []netip.AddrPort) {
	var mu sync.Mutex
	var seen []netip.AddrPort
	opt.resolver = n.resolver()
	opt.reached = func(a netip.AddrPort) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, a)
		return errStop
	}
	return New(opt), func() []netip.AddrPort {
		mu.Lock()
		defer mu.Unlock()
		out := seen
		seen = nil
		return out
	}
}

// TestRefused: however the address is written, nothing is connected to.
func TestRefused(t *testing.T) {
	n := &names{answers: map[string][][]netip.Addr{
		"inside.example": {addresses("10.0.0.7")}, "loop.example": {addresses("127.0.0.1", "::1")}, "mapped.example": {addresses("::ffff:127.0.0.1")},
		"cloud.example": {addresses("169.254.169.254")}, "nat64.example": {addresses("64:ff9b::7f00:1")}, "link.example": {addresses("fe80::1")},
		"zero.example": {addresses("0.0.0.0", "::")}, "localhost": {addresses("127.0.0.1")}, "mail.example": {addresses("93.184.216.34")},
	}}
	client, reached := watched(Options{}, n)
	for _, address := range []string{
		"https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://0x7f000001/",
		"https://2130706433/", "https://017700000001/", "https://127.0.0.1./", "https://127.0.0.01/", "https://0/", "https://0.0.0.0/",
		"https://00000000177.1/", "https://127.0x1/", "https://1_2_7.1/",
		"https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:ffff:7f00:1]/",
		"https://[::127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://[fe80::1%25lo]/", "https://[::1%25lo]/",
		"https://[fd00:ec2::254]/", "https://[2002:7f00:1::]/",
		"https://127。0。0。1/", "https://127．0．0．1/", "https://①②⑦.⓪.⓪.①/", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
		"https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://loop.example/", "https://loop.example./",
		"https://inside.example/", "https://mapped.example/", "https://cloud.example/", "https://nat64.example/", "https://link.example/",
		"https://zero.example/", "https://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/", "https://Metadata.Google.Internal./",
		"https://100.100.100.200/", "https://168.63.129.16/", "https://192.168.1.1/", "https://255.255.255.255/", "https://224.0.0.1/",
		"http://93.184.216.34/", "http://mail.example/", "https://mail.example:22/", "https://mail.example:25/", "https://mail.example:80/",
		"https://mail.example:0/", "https://mail.example:99999/",
		"https://u:p@mail.example/", "https://mail.example@127.0.0.1/", "https://127.0.0.1\\@mail.example/",
		"file:///etc/passwd", "gopher://mail.example/", "ftp://mail.example/", "unix:///run/x", "https:mail.example", "https:///x", "//mail.example/", "",
		"https://127.0.0.1%2f@mail.example/", "https://%31%32%37.0.0.1/", "https://mail.example%00.127.0.0.1/", "https://[::1", "https://[mail.example]/",
		"https://[127.0.0.1]/", "https://[1.2.3.4]/",
	} {
		res, err := client.Get(address)
		if err == nil {
			res.Body.Close()
			t.Errorf("%s was answered", address)
		}
		if at := reached(); at != nil {
			t.Errorf("%s reached %v", address, at)
		}
	}
	for _, address := range []string{"https://loop.example/", "https://cloud.example/", "http://mail.example/", "https://mail.example:22/", "https://0x7f.1/"} {
		if _, err := client.Get(address); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v is not ErrRefused", address, err)
		}
	}
	for address, want := range map[string]string{
		"https://mail.example/": "93.184.216.34:443", "https://mail.example:8443/": "93.184.216.34:8443", "https://93.184.216.34/x": "93.184.216.34:443",
		"https://MAIL.example.:1024/": "93.184.216.34:1024", "https://[2606:4700::1111]/": "[2606:4700::1111]:443",
	} {
		_, err := client.Get(address)
		if at := reached(); !errors.Is(err, errStop) || len(at) != 1 || at[0].String() != want {
			t.Errorf("%s reached %v: %v", address, at, err)
		}
	}
}

// TestRebinding: a name that was public when somebody looked, and is loopback
// when it is used; and one that is both at once.
func TestRebinding(t *testing.T) {
	n := &names{answers: map[string][][]netip.Addr{
		"turning.example": {addresses("93.184.216.34"), addresses("127.0.0.1")},
		"both.example":    {addresses("127.0.0.1", "93.184.216.34", "::1", "10.0.0.1", "2606:4700::1111")},
	}}
	client, reached := watched(Options{}, n)
	if _, err := client.Get("https://turning.example/"); !errors.Is(err, errStop) || len(reached()) != 1 {
		t.Fatalf("the first time: %v", err)
	}
	if _, err := client.Get("https://turning.example/"); !errors.Is(err, ErrRefused) || reached() != nil {
		t.Fatalf("the second time: %v", err)
	}
	_, _ = client.Get("https://both.example/")
	at := reached()
	if len(at) == 0 {
		t.Error("the public addresses were not tried")
	}
	for _, a := range at {
		if private(a.Addr()) != "" {
			t.Errorf("reached %v", a)
		}
	}
}

// local makes a client that may reach test servers on this machine.
func local(t *testing.T, opt Options, servers ...*httptest.Server) *http.Client {
	t.Helper()
	opt.Allow = append(opt.Allow, netip.MustParsePrefix("127.0.0.0/8"))
	opt.Roots = x509.NewCertPool()
	for _, s := range servers {
		if c := s.Certificate(); c != nil {
			opt.Roots.AddCert(c)
		}
	}
	client := New(opt)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func serve(t *testing.T, tls bool, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func TestAllowed(t *testing.T) {
	var agent, encoding string
	h := func(w http.ResponseWriter, r *http.Request) {
		agent, encoding = r.UserAgent(), r.Header.Get("Accept-Encoding")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie came back")
		}
		_, _ = io.WriteString(w, "good")
	}
	secure, plain := serve(t, true, h), serve(t, false, h)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	client := local(t, Options{Plain: true, UserAgent: "Prassi/test"}, secure)
	for _, s := range []*httptest.Server{secure, plain, secure} {
		res, err := client.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "good" || agent != "Prassi/test" || encoding != "" {
			t.Errorf("%s: %q %v, as %q with %q", s.URL, body, err, agent, encoding)
		}
	}
	if _, err := local(t, Options{}, secure).Get(plain.URL); !errors.Is(err, ErrRefused) {
		t.Errorf("http without Plain: %v", err)
	}
	n := &names{answers: map[string][][]netip.Addr{"mail.example": {addresses("93.184.216.34")}}}
	open, reached := watched(Options{Plain: true, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, n)
	for _, address := range []string{plain.URL, "http://93.184.216.34/", "http://mail.example:443/", "http://mail.example:8080/"} {
		if _, err := open.Get(address); !errors.Is(err, ErrRefused) || reached() != nil {
			t.Errorf("http to %s, which is not on the list: %v", address, err)
		}
	}
	if _, err := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Get(secure.URL); err == nil {
		t.Error("a certificate that nobody vouches for was taken")
	}
}

func TestRedirects(t *testing.T) {
	var hits atomic.Int32
	var last http.Header
	target := serve(t, true, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		last = r.Header.Clone()
	})
	plain := serve(t, false, func(w http.ResponseWriter, r *http.Request) { hits.Add(1) })
	var to string
	var status int
	var self *httptest.Server
	self = serve(t, true, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/self":
			last = r.Header.Clone()
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/two":
			http.Redirect(w, r, self.URL+"/one", http.StatusFound)
		case "/one":
			http.Redirect(w, r, self.URL+"/self", http.StatusFound)
		default:
			w.Header().Set("Location", to)
			w.WriteHeader(status)
		}
	})
	client := local(t, Options{Plain: true}, target, self)
	do := func(method, address, body string) error {
		var reader io.Reader
		if body != "" {
			reader = strings.NewReader(body)
		}
		req, err := http.NewRequest(method, address, reader)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Authorization", "Cookie", "X-Signature", "Accept", "Proxy-Authorization"} {
			req.Header.Set(name, "value")
		}
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}

	if err := do("GET", self.URL+"/two?secret=1", ""); err != nil || last.Get("Authorization") == "" || last.Get("X-Signature") == "" || last.Get("Referer") != "" {
		t.Errorf("within one host: %v %v", err, last)
	}
	to, status = target.URL+"/x", 302
	if err := do("GET", self.URL+"/?secret=1", ""); err != nil || last.Get("Accept") != "value" {
		t.Errorf("to another host: %v %v", err, last)
	}
	for _, name := range []string{"Authorization", "Cookie", "X-Signature", "Referer", "Proxy-Authorization"} {
		if last.Get(name) != "" {
			t.Errorf("%s went to another host", name)
		}
	}
	hits.Store(0)
	for _, code := range []int{307, 308} {
		status = code
		if err := do("POST", self.URL, "secret"); !errors.Is(err, ErrRefused) || hits.Load() != 0 {
			t.Errorf("%d with a body to another host: %v", code, err)
		}
	}
	status = 302
	for _, address := range []string{
		"file:///etc/passwd", "gopher://127.0.0.1:70/x", "ftp://127.0.0.1/", plain.URL, "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]:8443/",
		"https://u:p@127.0.0.1/", "https://0x7f.1/", "javascript:alert(1)", "data:,x",
	} {
		to = address
		if err := do("GET", self.URL, ""); !errors.Is(err, ErrRefused) || hits.Load() != 0 {
			t.Errorf("redirected to %s: %v", address, err)
		}
	}
	if err := do("GET", self.URL+"/loop", ""); !errors.Is(err, ErrTooManyRedirects) {
		t.Errorf("for ever: %v", err)
	}
	client = local(t, Options{Redirects: -1}, self)
	if err := do("GET", self.URL+"/one", ""); !errors.Is(err, ErrTooManyRedirects) {
		t.Errorf("none at all: %v", err)
	}
	client = local(t, Options{Redirects: 1}, self)
	if err := do("GET", self.URL+"/one", ""); err != nil {
		t.Errorf("one: %v", err)
	}
	if err := do("GET", self.URL+"/two", ""); !errors.Is(err, ErrTooManyRedirects) {
		t.Errorf("two of one: %v", err)
	}
}

func TestBounds(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	s := serve(t, true, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact", "/announced":
			_, _ = w.Write(make([]byte, 1000+len(r.URL.Path)-len("/exact")))
		case "/endless":
			for range 10000 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes())
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", maxHeader+1))
		case "/slow":
			w.(http.Flusher).Flush()
			for {
				select {
				case <-stop:
					return
				case <-r.Context().Done():
					return
				case <-time.After(5 * time.Millisecond):
					_, _ = w.Write([]byte("."))
					w.(http.Flusher).Flush()
				}
			}
		case "/silent":
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		}
	})
	client := local(t, Options{MaxBytes: 1000, Timeout: 150 * time.Millisecond}, s)
	read := func(method, path string) (int, error) {
		req, err := http.NewRequest(method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return len(body), err
	}
	if n, err := read("GET", "/exact"); n != 1000 || err != nil {
		t.Errorf("as large as may be: %d, %v", n, err)
	}
	if n, err := read("GET", "/announced"); n != 0 || !errors.Is(err, ErrTooLarge) {
		t.Errorf("announced: %d, %v", n, err)
	}
	if n, err := read("HEAD", "/announced"); n != 0 || err != nil {
		t.Errorf("only announced: %d, %v", n, err)
	}
	if n, err := read("GET", "/endless"); n != 1000 || !errors.Is(err, ErrTooLarge) {
		t.Errorf("endless: %d, %v", n, err)
	}
	if n, err := read("GET", "/bomb"); n != 0 || !errors.Is(err, ErrRefused) {
		t.Errorf("compressed unasked: %d, %v", n, err)
	}
	if n, err := read("GET", "/header"); n != 0 || err == nil {
		t.Errorf("a long header: %d, %v", n, err)
	}
	for _, path := range []string{"/slow", "/silent"} {
		begun := time.Now()
		if n, err := read("GET", path); err == nil || n >= 1000 || time.Since(begun) > 5*time.Second {
			t.Errorf("%s: %d, %v after %v", path, n, err, time.Since(begun))
		}
	}
}

// FuzzReach: whatever the address, and whatever a name resolves to, a connection
// is begun only to a public address over TLS.
func FuzzReach(f *testing.F) {
	for _, s := range []string{
		"https://a.example/", "http://a.example/", "https://127.1/", "https://[::ffff:7f00:1]/", "https://0x7f.1/", "https://127。0。0。1/", "https://[fe80::1%25lo]/",
		"https://8.8.8.8:443/", "http://8.8.8.8:8080/", "https://[2606:4700::1111]/", "https://a.example@127.0.0.1:8080/", "https://2130706433/",
	} {
		f.Add(s, []byte{127, 0, 0, 1})
		f.Add(s, []byte{93, 184, 216, 34, 10, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, address string, ips []byte) {
		var list []netip.Addr
		for ; len(ips) >= 4 && len(list) < 4; ips = ips[4:] {
			list = append(list, netip.AddrFrom4([4]byte(ips)))
			if len(ips) >= 16 {
				list = append(list, netip.AddrFrom16([16]byte(ips)))
			}
		}
		req, err := http.NewRequest("GET", address, nil)
		if err != nil {
			return
		}
		n := &names{answers: map[string][][]netip.Addr{strings.ToLower(strings.TrimSuffix(req.URL.Hostname(), ".")): {list}}}
		client, reached := watched(Options{Plain: true, Timeout: 2 * time.Second}, n)
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
			t.Fatalf("%q was answered", address)
		}
		for _, at := range reached() {
			if !public(at.Addr()) || req.URL.Scheme != "https" || at.Port() != 443 && at.Port() < 1024 {
				t.Fatalf("%q reached %v", address, at)
			}
		}
	})
}
