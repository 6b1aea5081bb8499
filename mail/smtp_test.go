package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/prassi-cms/prassi/internal/secret"
)

// certificate makes one for this machine that nobody else trusts.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// post is a mail server that keeps what it is given.
type post struct {
	mu       sync.Mutex
	got      []delivered
	mail     error         // what it says to every sender
	rcpt     error         // to every recipient
	data     error         // to every message
	wait     time.Duration // before it answers to a message
	sessions int
	login    bool // it wants one
}

type delivered struct {
	from, to, as string
	encrypted    bool
	data         []byte
}

const password = "Tr0ub4dor-und-mehr"

type session struct {
	post *post
	conn *smtp.Conn
	now  delivered
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions++
	_, encrypted := c.TLSConnectionState()
	s := &session{post: p, conn: c, now: delivered{encrypted: encrypted}}
	if p.login {
		return &withLogin{s}, nil
	}
	return s, nil
}

func (s *session) Reset()        { s.now.from, s.now.to = "", "" }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.post.login && s.now.as == "" {
		return smtp.ErrAuthRequired
	}
	s.now.from = from
	return s.post.mail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = to
	return s.post.rcpt
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	time.Sleep(s.post.wait)
	if s.post.data != nil {
		return s.post.data
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.now.data = data
	s.post.got = append(s.post.got, s.now)
	return nil
}

type withLogin struct{ *session }

func (s *withLogin) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *withLogin) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, given string) error {
		if user != "relay" || given != password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no: " + given} // a server that repeats it
		}
		s.now.as = user
		return nil
	}), nil
}

// kind is how the test's server speaks.
type kind int

const (
	offers  kind = iota // STARTTLS
	hides               // no TLS at all
	implied             // TLS at once
)

func serve(t *testing.T, p *post, how kind) (port string, roots *x509.CertPool) {
	t.Helper()
	cert, roots := certificate(t)
	s := smtp.NewServer(p)
	s.Domain, s.AllowInsecureAuth = "localhost", how == hides
	s.ErrorLog = quiet{}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if how == offers {
		s.TLSConfig = config
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	if how == implied {
		l = tls.NewListener(l, config)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return port, roots
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func sender(t *testing.T, cfg Config) Sender {
	t.Helper()
	cfg.From, cfg.Clock = "Prassi <prassi@comune.example>", clock
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var hello = Message{To: "ada@example.org", Subject: "Ciao", Text: "Un testo.\n.\nAncora.", HTML: "<p>Un testo.", Locale: "it", Key: "k"}

func TestServer(t *testing.T) {
	for name, c := range map[string]struct {
		how     kind
		address string
		login   bool
	}{
		"starttls": {offers, "smtp://localhost:%s", false}, "starttls, with a user": {offers, "smtp://relay@localhost:%s", true},
		"smtps": {implied, "smtps://localhost:%s", false}, "smtps, with a user": {implied, "smtps://relay@localhost:%s/", true},
		"plain, this machine": {hides, "smtp://localhost:%s?tls=off", false}, "plain, where TLS is offered": {offers, "smtp://localhost:%s?tls=off", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &post{login: c.login}
			port, roots := serve(t, p, c.how)
			cfg := Config{To: fmt.Sprintf(c.address, port), Roots: roots}
			if c.login {
				cfg.Password = secret.New(password)
			}
			s := sender(t, cfg)
			for range 2 {
				if err := s.Send(context.Background(), hello); err != nil {
					t.Fatal(err)
				}
			}
			if len(p.got) != 2 {
				t.Fatalf("%d messages", len(p.got))
			}
			first, again := parse(t, p.got[0].data), parse(t, p.got[1].data)
			if a, b := first.header.Get("Message-Id"), again.header.Get("Message-Id"); a != b || a != "<"+id("k")+"@comune.example>" {
				t.Errorf("Message-ID %q, then %q", a, b)
			}
			if got := strings.TrimRight(first.parts["text/plain"], "\n"); got != hello.Text {
				t.Errorf("text %q", got)
			}
			g := p.got[0]
			if g.from != "prassi@comune.example" || g.to != hello.To || g.encrypted != !strings.Contains(c.address, "off") || (g.as != "") != c.login {
				t.Errorf("from %q to %q as %q, encrypted: %v", g.from, g.to, g.as, g.encrypted)
			}
		})
	}
}

func TestServerRefuses(t *testing.T) {
	gone := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
	for name, c := range map[string]struct {
		how     kind
		address string
		post    *post
		secret  string
		trust   bool
		final   error // what it is told to be, beside an error
	}{
		"no STARTTLS":             {how: hides, address: "smtp://localhost:%s", post: &post{}, trust: true},
		"a stranger's TLS":        {how: offers, address: "smtp://localhost:%s", post: &post{}},
		"a stranger's TLS, smtps": {how: implied, address: "smtps://localhost:%s", post: &post{}},
		"another name":            {how: offers, address: "smtp://127.0.0.1:%s", post: &post{}, trust: true},
		"plain to TLS":            {how: implied, address: "smtp://localhost:%s?tls=off", post: &post{}, trust: true},
		"wrong password":          {how: offers, address: "smtp://relay@localhost:%s", post: &post{login: true}, secret: "wrong-" + password, trust: true},
		"no login there":          {how: offers, address: "smtp://relay@localhost:%s", post: &post{}, secret: password, trust: true},
		"nobody there":            {how: offers, address: "smtp://localhost:%s", post: &post{rcpt: gone}, trust: true, final: ErrAddress},
		"greylisted":              {how: offers, address: "smtp://localhost:%s", post: &post{rcpt: later}, trust: true},
		"the text":                {how: offers, address: "smtp://localhost:%s", post: &post{data: gone}, trust: true, final: ErrRejected},
		"the text for now":        {how: offers, address: "smtp://localhost:%s", post: &post{data: later}, trust: true},
		"the sender":              {how: offers, address: "smtp://localhost:%s", post: &post{mail: gone}, trust: true},
	} {
		t.Run(name, func(t *testing.T) {
			port, roots := serve(t, c.post, c.how)
			cfg := Config{To: fmt.Sprintf(c.address, port), Password: secret.New(c.secret), Timeout: 2 * time.Second}
			if c.trust {
				cfg.Roots = roots
			}
			err := sender(t, cfg).Send(context.Background(), hello)
			if err == nil || len(c.post.got) != 0 {
				t.Fatalf("it was sent: %v", err)
			}
			for _, final := range []error{ErrAddress, ErrMessage, ErrRejected} {
				if errors.Is(err, final) != (final == c.final) {
					t.Errorf("%v: %v", final, err)
				}
			}
			if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
		})
	}
}

// A server that does not answer holds nobody up, and neither does one that is not
// there; the context ends it sooner.
func TestServerIsSlow(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, _ := net.SplitHostPort(silent.Addr().String())
	slow := &post{wait: 3 * time.Second}
	slowPort, roots := serve(t, slow, offers)
	for name, cfg := range map[string]Config{
		"silent": {To: "smtp://localhost:" + port}, "silent smtps": {To: "smtps://localhost:" + port}, "slow": {To: "smtp://localhost:" + slowPort, Roots: roots},
	} {
		for _, ends := range []bool{false, true} {
			cfg.Timeout = 200 * time.Millisecond
			ctx, cancel := context.WithCancel(context.Background())
			if ends {
				cfg.Timeout = time.Minute
				time.AfterFunc(200*time.Millisecond, cancel)
			}
			begin := time.Now()
			err := sender(t, cfg).Send(ctx, hello)
			if took := time.Since(begin); err == nil || took > 2*time.Second {
				t.Errorf("%s, ended %v: %v after %v", name, ends, err, took)
			}
			if want := context.DeadlineExceeded; !ends && !errors.Is(err, want) || ends && !errors.Is(err, context.Canceled) {
				t.Errorf("%s, ended %v: %v", name, ends, err)
			}
			cancel()
		}
	}
}

// Without TLS nothing leaves this machine, whatever the name resolves to.
func TestPlainStaysHere(t *testing.T) {
	err := sender(t, Config{To: "smtp://10.255.255.1:25?tls=off"}).Send(context.Background(), hello)
	if err == nil || !strings.Contains(err.Error(), "not this machine") {
		t.Error(err)
	}
}
