package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// The codes of what can go wrong, for the person who signs in.
const (
	codeProviderUnknown     = "provider_unknown"      // no provider of that name is set up
	codeProviderUnavailable = "provider_unavailable"  // it does not answer now; try again
	codeProviderError       = "provider_error"        // it answered, but not as OpenID Connect demands, or with an error
	codeSignInDenied        = "sign_in_denied"        // the person or the provider said no
	codeSignInExpired       = "sign_in_expired"       // begun elsewhere, too long ago, or never
	codeSignInUsed          = "sign_in_used"          // this answer was used before
	codeSignInInvalid       = "sign_in_invalid"       // the answer fails a check: forged, mixed up or broken
	codeSignInLevelTooLow   = "sign_in_level_too_low" // weaker than this site demands (acr)
	codeLogoutInvalid       = "logout_invalid"        // a logout token that fails a check
)

// Codes lists the codes that an Error can carry.
var Codes = []string{
	codeProviderUnknown, codeProviderUnavailable, codeProviderError,
	codeSignInDenied, codeSignInExpired, codeSignInUsed, codeSignInInvalid, codeSignInLevelTooLow,
	codeLogoutInvalid,
}

// Kind is what kind of failure a code is, for whoever answers the request.
type Kind int

// The kinds. The zero Kind is that of no code.
const (
	Unknown     Kind = iota + 1 // there is no such provider
	Unavailable                 // the provider does not answer; later it may
	Broken                      // the provider answers, but not as it should
	Denied                      // whoever asks is known well enough to be told no
	Refused                     // what was sent here fails a check
)

// kinds has a row for each of Codes.
var kinds = map[string]Kind{
	codeProviderUnknown:     Unknown,
	codeProviderUnavailable: Unavailable,
	codeProviderError:       Broken,
	codeSignInDenied:        Denied,
	codeSignInLevelTooLow:   Denied,
	codeSignInExpired:       Refused,
	codeSignInUsed:          Refused,
	codeSignInInvalid:       Refused,
	codeLogoutInvalid:       Refused,
}

// KindOf gives the kind of a code; zero for one that is not of Codes.
func KindOf(code string) Kind { return kinds[code] }

// Error is a sign-in, sign-out or provider that failed. Code is for the person;
// Err, which is for the log, names what failed and shows no token, code, secret
// or text that a provider or a browser sent.
type Error struct {
	Code string
	Err  error
}

// Error gives both parts.
func (e *Error) Error() string { return "oidc: " + e.Code + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

func refuse(code, format string, args ...any) *Error {
	return &Error{code, fmt.Errorf(format, args...)}
}

// failure is an error of the network whose text is our own: errors of net/http
// quote what a server sent, which may be a secret that it was shown before.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }

// Unwrap lets errors.Is find, for example, that an address was refused.
func (f *failure) Unwrap() error { return f.err }

// because tells why a request failed in words that are safe to log.
func because(err error) error {
	var (
		dial    *net.OpError
		lookup  *net.DNSError
		unknown *tls.CertificateVerificationError
		errno   syscall.Errno
		network net.Error
		own     *failure
	)
	text := "the request failed"
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &lookup):
		text = lookup.Error()
	case errors.As(err, &dial) && dial.Op == "dial":
		text = dial.Error()
	case errors.As(err, &unknown):
		text = unknown.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		text = "no answer in time"
	case errors.Is(err, context.Canceled):
		text = "the request was given up"
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		text = "the connection was closed"
	}
	return &failure{text, err}
}
