package freshness

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

const (
	// version is the first word of what a link holds.
	version = "1"
	// sumLength are the bytes of the code at its end: HMAC-SHA-256-128 (RFC 4868,
	// section 2.1.1).
	sumLength = 16
	// MaxToken is the longest token of a link, in bytes.
	MaxToken = 512
	// councilLink is how long a council's link lasts.
	councilLink = 90 * 24 * time.Hour
	// keyName is the name of the installation's key (auth.Key).
	keyName = "freshness"
)

// claim is what a link says.
type claim struct {
	document string
	assured  string // the date that it answers to
	until    time.Time
	way      string
	person   string
	hash     string // of the address
}

// Link makes the address of the page on which one person confirms one document.
func (k *Keeper) Link(ctx context.Context, document, assured string, to recipient, address string, until time.Time) (string, error) {
	secret, err := k.auth.Key(ctx, keyName)
	if err != nil {
		return "", err
	}
	text := strings.Join([]string{version, document, assured, strconv.FormatInt(until.Unix(), 36), to.Way, to.Person, hashOf(address)}, " ")
	return k.public + "/confirm/" + base64.RawURLEncoding.EncodeToString(append([]byte(text), sum(secret, text)...)), nil
}

// linkEnd is when a reminder's link ends: half a year after the document would be
// hidden, so that it can come back by it.
func (k *Keeper) linkEnd(f *schemas.Freshness, day time.Time) time.Time {
	end := k.now()
	if hidden := f.Due(day).AddDate(0, 0, f.HideAfter); hidden.After(end) {
		end = hidden
	}
	return end.AddDate(0, 6, 0)
}

func sum(secret [32]byte, text string) []byte {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte("prassi confirmation: " + text))
	return mac.Sum(nil)[:sumLength]
}

// readLink gives what a link says; whatever was not made by Link is
// confirm_link_invalid.
func (k *Keeper) readLink(ctx context.Context, token string) (c claim, err error) {
	invalid := problem(content.NotFound, codeLinkInvalid, nil)
	if len(token) > MaxToken {
		return c, invalid
	}
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(data) <= sumLength || base64.RawURLEncoding.EncodeToString(data) != token { // one spelling, and no other
		return c, invalid
	}
	secret, err := k.auth.Key(ctx, keyName)
	if err != nil {
		return c, err
	}
	text, code := string(data[:len(data)-sumLength]), data[len(data)-sumLength:]
	if !hmac.Equal(code, sum(secret, text)) {
		return c, invalid
	}
	parts := strings.Split(text, " ")
	if len(parts) != 7 || parts[0] != version {
		return c, invalid
	}
	unix, err := strconv.ParseInt(parts[3], 36, 64)
	if err != nil {
		return c, invalid
	}
	return claim{document: parts[1], assured: parts[2], until: time.Unix(unix, 0).UTC(), way: parts[4], person: parts[5], hash: parts[6]}, nil
}

// hashOf stands for an address in links and keys: enough to tell that it is
// another one, and not shown to anybody who does not have the address.
func hashOf(address string) string {
	sum := sha256.Sum256([]byte(sameAddress(address)))
	return hex.EncodeToString(sum[:6])
}

// key names a message.
func key(parts ...string) string { return "freshness " + strings.Join(parts, " ") }

func number(n int) string { return strconv.Itoa(n) }

func isNotFound(err error) bool { return errors.Is(err, content.ErrNotFound) }

// unlessBusy forgives losing a race: whoever won it does the work.
func unlessBusy(err error) error {
	if errors.Is(err, content.ErrConflict) {
		return nil
	}
	return err
}
