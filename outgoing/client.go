package outgoing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options of a client. The zero value reaches the public Internet over https
// and nothing else.
type Options struct {
	// Allow lists addresses that may be reached although they are not public,
	// for tests and intranets, on any port. A metadata address is opened by
	// itself only, never by a wider block.
	Allow []netip.Prefix
	// Timeout is for the whole of a request: redirects and the body too; 10 s.
	Timeout time.Duration
	// MaxBytes bounds the body of an answer; 4 MiB.
	MaxBytes int64
	// Redirects are how many are followed; 3 when zero, none when negative.
	Redirects int
	// Plain lets http:// reach the addresses of Allow, and only those.
	Plain bool
	// UserAgent is sent when a request names none; "Prassi".
	UserAgent string
	// Roots are whose certificates count; nil means the system's.
	Roots *x509.CertPool

	resolver *net.Resolver              // in tests
	reached  func(netip.AddrPort) error // in tests: what the gate let through
}

// What a request ends with that may not go on; errors.Is finds them inside the
// *url.Error of http.Client. Their text names addresses, so it is for the log
// and not for whoever gave the address.
var (
	ErrRefused          = errors.New("outgoing request refused")
	ErrTooLarge         = errors.New("the answer to an outgoing request is too large")
	ErrTooManyRedirects = errors.New("an outgoing request was redirected too often")
)

// Bounds within Timeout.
const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 10 * time.Second
	idleTimeout   = 30 * time.Second
	maxHeader     = 64 << 10
	maxConnsHost  = 16
	// Connections that are kept for the next request: as many as a webhook's lane
	// has under way, and of some dozens of receivers.
	maxIdleHost = 4
	maxIdle     = 128
)

// New makes a client, safe for concurrent use. Make it once: it keeps
// connections. It has no cookies, uses no proxy and asks for no compression (a
// small answer cannot become a large one).
func New(opt Options) *http.Client {
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 4 << 20
	}
	if opt.Redirects == 0 {
		opt.Redirects = 3
	}
	if opt.UserAgent == "" {
		opt.UserAgent = "Prassi"
	}
	return &http.Client{
		Timeout:       opt.Timeout,
		CheckRedirect: opt.redirect,
		Transport:     &guard{opt: opt, secure: transport(opt, false), plain: transport(opt, true)},
	}
}

// transport makes the transport of one scheme. The schemes are apart so that a
// connection without TLS is decided by its address too.
func transport(opt Options, plain bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout:  dialTimeout,
		Resolver: opt.resolver,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return opt.gate(plain, network, address)
		},
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: opt.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        maxConnsHost,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdleHost,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}

// gate decides about one address, just before it is connected to.
func (o *Options) gate(plain bool, network, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	switch open := allowed(o.Allow, at.Addr()); {
	case network != "tcp4" && network != "tcp6":
		return fmt.Errorf("%w: %s instead of TCP", ErrRefused, network)
	case open:
	case plain:
		return fmt.Errorf("%w: http to %s, which is not on the list", ErrRefused, at)
	case private(at.Addr()) != "":
		return fmt.Errorf("%w: %s is %s", ErrRefused, at.Addr(), private(at.Addr()))
	case at.Port() != 443 && at.Port() < 1024:
		return fmt.Errorf("%w: port %d", ErrRefused, at.Port())
	}
	if o.reached != nil {
		return o.reached(at)
	}
	return nil
}

// guard is the http.RoundTripper around both transports.
type guard struct {
	opt           Options
	secure, plain *http.Transport
}

// RoundTrip checks the address as it is written, sends the request and bounds
// the answer.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	through := g.secure
	err := check(req.URL)
	if err == nil && req.URL.Scheme == "http" {
		through = g.plain
		if !g.opt.Plain {
			err = fmt.Errorf("%w: http without TLS", ErrRefused)
		}
	}
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	sent := req.Clone(req.Context())
	sent.Header.Del("Accept-Encoding")
	if sent.Header.Get("User-Agent") == "" {
		sent.Header.Set("User-Agent", g.opt.UserAgent)
	}
	res, err := through.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	if coding := res.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		res.Body.Close()
		return nil, fmt.Errorf("%w: the answer is in %q, which nobody asked for", ErrRefused, coding)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		res.Body.Close()
		return nil, fmt.Errorf("%w: another protocol", ErrRefused)
	}
	if res.ContentLength > g.opt.MaxBytes && req.Method != http.MethodHead {
		res.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, res.ContentLength)
	}
	res.Body = &bounded{body: res.Body, left: g.opt.MaxBytes}
	return res, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (g *guard) CloseIdleConnections() {
	g.secure.CloseIdleConnections()
	g.plain.CloseIdleConnections()
}

// check refuses addresses that are written so that they may be read in two ways.
func check(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%w: the scheme %q", ErrRefused, u.Scheme)
	case host == "" || u.Opaque != "":
		return fmt.Errorf("%w: no host", ErrRefused)
	case u.User != nil:
		return fmt.Errorf("%w: credentials in the address", ErrRefused)
	case strings.ContainsAny(host, "%\\/@#?\x00 "):
		return fmt.Errorf("%w: the host %q", ErrRefused, host)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%w: the port %q", ErrRefused, port)
		}
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	for _, forbidden := range metadataNames {
		if name == forbidden {
			return fmt.Errorf("%w: the name %s", ErrRefused, name)
		}
	}
	// 0177.1, 0x7f.1, 2130706433: some resolvers take them for addresses (URL
	// standard, "ends in a number").
	last := name[strings.LastIndexByte(name, '.')+1:]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil || last != "" && strings.Trim(last, "0123456789") == "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%w: the address %q", ErrRefused, host)
		}
	}
	return nil
}

// carried are the headers that go along to another host; others may be secrets.
var carried = []string{"Accept", "Accept-Language", "User-Agent"}

// redirect is asked before each redirect is followed.
func (o *Options) redirect(req *http.Request, via []*http.Request) error {
	before := via[len(via)-1]
	same := true
	for _, r := range via {
		same = same && r.URL.Scheme == req.URL.Scheme && strings.EqualFold(r.URL.Host, req.URL.Host)
	}
	err := error(nil)
	switch {
	case len(via) > max(o.Redirects, 0):
		err = fmt.Errorf("%w: %d times", ErrTooManyRedirects, len(via))
	case req.URL.Scheme != "https" && before.URL.Scheme == "https":
		err = fmt.Errorf("%w: redirected from https to %s", ErrRefused, req.URL.Scheme)
	case !same && (req.Body != nil || req.Method != http.MethodGet && req.Method != http.MethodHead):
		err = fmt.Errorf("%w: a %s redirected to another host", ErrRefused, req.Method)
	}
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return err
	}
	req.Header.Del("Referer") // the address may hold a secret
	if !same {
		kept := http.Header{}
		for _, name := range carried {
			if v := req.Header.Values(name); v != nil {
				kept[name] = v
			}
		}
		req.Header = kept
	}
	return nil
}

// bounded reads a body up to a number of bytes; one more is ErrTooLarge.
type bounded struct {
	body io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }
