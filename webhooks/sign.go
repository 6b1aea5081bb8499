package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/internal/secret"
)

// The headers of Standard Webhooks, section "Webhook metadata".
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"

	secretPrefix = "whsec_"
	secretBytes  = 32 // the convention wants 24 to 64
)

// newSecret makes the key that both sides share.
func newSecret() []byte {
	key := make([]byte, secretBytes)
	rand.Read(key) // never fails since Go 1.24
	return key
}

// show writes a key as its receiver is given it.
func show(key []byte) secret.Value {
	return secret.New(secretPrefix + base64.StdEncoding.EncodeToString(key))
}

// sign gives the value of webhook-signature: one signature for each key, so that
// a receiver that knows the old or the new one finds its own.
func sign(keys [][]byte, id string, at time.Time, body []byte) string {
	parts := make([]string, 0, len(keys))
	for _, key := range keys {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		h.Write(body)
		parts = append(parts, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(parts, " ")
}
