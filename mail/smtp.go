package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/outgoing"
)

// encryption is how a connection is kept from others' eyes.
type encryption int

const (
	startTLS  encryption = iota // RFC 3207, and nothing is sent without
	tlsAtOnce                   // RFC 8314, section 3.3
	plainHere                   // not at all, and never beyond this machine
)

// server sends over SMTP, with one connection for each message: there are few, and
// no connection is old when it is needed.
type server struct {
	host     string
	port     int
	how      encryption
	user     string
	password secret.Value
	from     *netmail.Address
	timeout  time.Duration
	clock    func() time.Time
	roots    *x509.CertPool
}

// mechanisms are the ways of signing in at a server, the best first. PLAIN and
// LOGIN show it the password; without TLS they are used with nobody but this
// machine.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
}

// Send connects, sends and waits until the server says that the message is its
// own now.
func (s *server) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.from, m, s.clock())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	// When the context ends, at the end of this function if not before, so does the
	// connection, whatever it is doing.
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
	options := []gomail.Option{ // its own limit comes after that of the context, which says what ended
		gomail.WithPort(s.port), gomail.WithTimeout(s.timeout + time.Second), gomail.WithTLSConfig(s.tls()), gomail.WithDialContextFunc(dial),
		gomail.WithHELO(s.greeting()), gomail.WithoutNoop(), gomail.WithTLSPolicy(gomail.NoTLS),
	}
	if s.how == startTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.user != "" {
		options = append(options, gomail.WithUsername(s.user), gomail.WithPassword(s.password.Reveal()), gomail.WithOpportunisticSMTPAuth(mechanisms...))
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return s.told(err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // a farewell that failed changes nothing
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
		switch refused.Reason {
		case gomail.ErrSMTPRcptTo:
			return fmt.Errorf("%w: the server refuses it (%d)", ErrAddress, refused.ErrorCode())
		case gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
			err = errors.Join(ErrRejected, err)
		}
	}
	return s.told(err)
}

// tls is what a connection must be like: RFC 9325, section 3.1.1.
func (s *server) tls() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// dial connects as outgoing lets it.
func (s *server) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := outgoing.Relay(s.how == plainHere)(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if s.how != tlsAtOnce {
		return conn, nil
	}
	secured := tls.Client(conn, s.tls())
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}

// greeting is how we name ourselves: the domain of the sender, which tells
// nothing of the machine.
func (s *server) greeting() string {
	_, domain, _ := strings.Cut(s.from.Address, "@")
	return domain
}

// told makes an error one that may be logged, whatever a server put into its
// answer.
func (s *server) told(err error) error {
	text := line(err.Error())
	if !s.password.IsZero() {
		text = strings.ReplaceAll(text, s.password.Reveal(), s.password.String())
	}
	return &failure{text: "smtp " + s.host + ": " + text, cause: err}
}

// failure keeps what errors.Is finds, but not how the cause is printed.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string        { return f.text }
func (f *failure) Is(target error) bool { return errors.Is(f.cause, target) }
