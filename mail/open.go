package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/internal/secret"
)

// Config says how messages leave.
type Config struct {
	// To is where they go:
	//
	//	smtp://user@host:587    a server, with STARTTLS, which it must offer
	//	smtps://user@host:465   a server, with TLS from the first byte
	//	smtp://localhost:1025?tls=off    this machine only, without TLS
	//	a folder                .eml files, for trying and for places without a server
	//
	// Empty: nowhere. There is never a password in it.
	To string
	// From is the sender: "prassi@example.org" or "Prassi <prassi@example.org>".
	From string
	// Password is that of the user in To.
	Password secret.Value
	// Timeout is for one message, from the name's resolution to the server's last
	// word; 30 s.
	Timeout time.Duration
	// Clock gives the time; time.Now when nil.
	Clock func() time.Time
	// Roots are whose certificates count; nil means the system's.
	Roots *x509.CertPool
}

// Open makes the Sender of a Config, and nil where it names none. Nothing is
// connected to and no folder is made before the first message.
func Open(cfg Config) (Sender, error) {
	if cfg.To == "" {
		return nil, nil
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	from, err := netmail.ParseAddress(cfg.From)
	if err == nil {
		from.Address, err = Address(from.Address)
	}
	if err != nil {
		return nil, errors.New("the sender is not an address such as prassi@example.org")
	}
	from.Name = line(from.Name)
	if !strings.Contains(cfg.To, "://") {
		if !cfg.Password.IsZero() {
			return nil, errors.New("a folder takes no password")
		}
		dir, err := filepath.Abs(cfg.To)
		return &folder{dir: dir, from: from, clock: cfg.Clock}, err
	}
	return openServer(cfg, from)
}

// openServer reads the address of a server. Errors do not repeat it: somebody may
// have put a password into it.
func openServer(cfg Config, from *netmail.Address) (Sender, error) {
	u, err := url.Parse(cfg.To)
	if err != nil {
		return nil, errors.New("the address is not written as smtp://user@host:port")
	}
	s := &server{host: u.Hostname(), from: from, password: cfg.Password, timeout: cfg.Timeout, clock: cfg.Clock, roots: cfg.Roots}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	s.how = startTLS
	if u.Scheme == "smtps" {
		s.how = tlsAtOnce
	}
	if u.User != nil {
		s.user = u.User.Username()
	}
	_, withPassword := u.User.Password()
	switch q := u.Query(); {
	case port == 0:
		return nil, fmt.Errorf("%q is neither smtp nor smtps", u.Scheme)
	case u.Host == "" || s.host == "" || u.Path != "" && u.Path != "/" || u.Fragment != "":
		return nil, errors.New("the address is not written as smtp://user@host:port")
	case withPassword:
		return nil, errors.New("a password does not belong into the address")
	case (s.user == "") != cfg.Password.IsZero():
		return nil, errors.New("a user and a password go together")
	case len(q) == 0:
	case len(q) == 1 && len(q["tls"]) == 1 && q.Get("tls") == "off" && u.Scheme == "smtp":
		s.how, port = plainHere, 25
	default:
		return nil, errors.New("the only thing to ask for is ?tls=off, with smtp")
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, errors.New("the port is not a number up to 65535")
		}
	}
	s.port = port
	return s, nil
}
