package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prassi-cms/prassi/outgoing"
)

// Bounds of a request.
const (
	// Timeout is for a whole request, the answer included.
	Timeout = 15 * time.Second
	// maxAnswer is how much of an answer is read.
	maxAnswer = 1 << 10
	// maxRetryAfter is the longest wait that a receiver may ask for.
	maxRetryAfter = 24 * time.Hour
)

// schedule is how long after each failed attempt the next one follows; after the
// last the delivery has failed. It is the one that the convention recommends:
// three days and some hours in all.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// giveUp is how long a receiver may fail in everything before it is switched off.
const giveUp = 72 * time.Hour

// jittered adds up to a tenth, so that receivers of one server are not all tried
// at once.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// client makes the client that deliveries go through: it follows no redirect, so
// a receiver cannot send us elsewhere.
func client(opt outgoing.Options) *http.Client {
	opt.Timeout, opt.Redirects = Timeout, -1
	opt.MaxBytes = 1 << 40 // send reads maxAnswer and leaves the rest
	c := outgoing.New(opt)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// answerOf is what came of a request.
type answerOf struct {
	Attempt
	retryAfter time.Duration // asked for; zero: not
}

// post sends a body once.
func (h *Hooks) post(ctx context.Context, s *stored, id string, body []byte) answerOf {
	began := h.now()
	out := answerOf{Attempt: Attempt{At: began}}
	start := time.Now()
	defer func() { out.Millis = time.Since(start).Milliseconds() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		out.Error = CodeURL
		return out
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(headerID, id)
	req.Header.Set(headerTimestamp, strconv.FormatInt(began.Unix(), 10))
	req.Header.Set(headerSignature, sign(s.good(began), id, began, body))
	// A connection that the receiver closes at the moment when it is used again is
	// no failure: the id makes the request one that may be repeated, and net/http
	// repeats it at once on another. Without values the header is not sent.
	req.Header["Idempotency-Key"] = nil
	res, err := h.client.Do(req)
	if err != nil {
		out.Error = classify(err)
		h.logger.Debug("a webhook could not be sent", "webhook", s.ID, "message", id, "error", out.Error)
		return out
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	out.Status = res.StatusCode
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300: // the status is the answer, whatever becomes of the body
		return out
	case err != nil && ctx.Err() == nil && len(text) == 0:
		text = nil
	}
	out.Error, out.Answer = CodeStatus, clean(text)
	switch {
	case res.StatusCode == http.StatusGone:
		out.Error = CodeGone
	case res.StatusCode >= 300 && res.StatusCode < 400:
		out.Error = CodeRedirect
	}
	out.retryAfter = retryAfter(res.Header.Get("Retry-After"), began)
	return out
}

// retryAfter reads the header (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	var d time.Duration
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// clean makes text of what a stranger answered: one line, no control characters.
func clean(b []byte) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(b), "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
}

// classify says in a code why there was no answer. The text of the error names
// addresses of ours and stays here.
func classify(err error) string {
	var (
		name    *net.DNSError
		timeout interface{ Timeout() bool }
		record  tls.RecordHeaderError
		alert   tls.AlertError
		cert    *tls.CertificateVerificationError
		host    x509.HostnameError
	)
	switch {
	case errors.Is(err, outgoing.ErrRefused):
		return CodeRefused
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &host):
		return CodeTLS
	case errors.As(err, &name) && !name.IsTimeout:
		return CodeName
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return CodeTimeout
	}
	return CodeConnection
}
