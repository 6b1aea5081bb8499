package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MinSecret is the fewest bytes of a secret that can be searched for.
const MinSecret = 12

// key is how many bytes of a form are looked up at each place of a text. Every
// form of a secret of MinSecret bytes has as many.
const key = 12

// form is a text that gives a secret away.
type form struct{ text, what string }

// hit is a place of a text, [from, to), that gives a secret away.
type hit struct {
	from, to int
	what     string
}

// net finds any of many forms in one pass over a text.
type net map[[key]byte][]form

func newNet(secrets map[string]string) net {
	n := net{}
	for secret, place := range secrets {
		for text, how := range forms(secret) {
			start := [key]byte([]byte(text))
			n[start] = append(n[start], form{text, "the secret of " + place + how})
		}
	}
	return n
}

// forms lists the texts in which a secret gets out, and how each is written.
func forms(secret string) map[string]string {
	quoted := strconv.Quote(secret)
	encoded, _ := json.Marshal(secret) // a string always encodes
	all := map[string]string{
		hex.EncodeToString([]byte(secret)):                  ", in hexadecimal",
		strings.ToUpper(hex.EncodeToString([]byte(secret))): ", in hexadecimal",
		url.QueryEscape(secret):                             ", escaped for an address",
		url.PathEscape(secret):                              ", escaped for an address",
		html.EscapeString(secret):                           ", escaped for HTML",
		quoted[1 : len(quoted)-1]:                           ", quoted",
		string(encoded[1 : len(encoded)-1]):                 ", in JSON",
	}
	// Base64 of a longer text in which the secret stands ("user:secret") looks
	// one of three ways; the characters that its neighbours share in are left out.
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			first := (shift*8 + 5) / 6
			last := (shift + len(secret)) * 8 / 6
			all[text[first:last]] = ", in base64"
		}
	}
	all[secret] = ""
	return all
}

// apiToken is the shape of our API tokens (package auth); the last six digits are
// a checksum, so nothing else looks like one.
var apiToken = regexp.MustCompile(`prassi_[0-9A-Za-z]{69}`)

// IsToken says whether s is an API token as this package knows them, so that the
// package that makes them can test that they would be found.
func IsToken(s string) bool {
	place := apiToken.FindStringIndex(s)
	return place != nil && place[1]-place[0] == len(s) && isToken([]byte(s))
}

// isToken checks the checksum: CRC-32 (IEEE) of what is before, in base 62 with
// the digits 0-9A-Za-z.
func isToken(s []byte) bool {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var sum uint64
	for _, c := range s[len(s)-6:] {
		sum = sum*62 + uint64(strings.IndexByte(digits, c))
	}
	return sum == uint64(crc32.ChecksumIEEE(s[:len(s)-6]))
}

// search returns what gives a secret away, in the text's order and not
// overlapping.
func (n net) search(text []byte) (hits []hit) {
	for i := 0; len(n) > 0 && i+key <= len(text); {
		longest := hit{}
		for _, f := range n[[key]byte(text[i:i+key])] {
			if bytes.HasPrefix(text[i:], []byte(f.text)) && len(f.text) > longest.to-longest.from {
				longest = hit{i, i + len(f.text), f.what}
			}
		}
		if longest.to > 0 {
			hits = append(hits, longest)
			i = longest.to
		} else {
			i++
		}
	}
	for _, place := range apiToken.FindAllIndex(text, -1) {
		told := slices.ContainsFunc(hits, func(h hit) bool { return h.from < place[1] && place[0] < h.to })
		if !told && isToken(text[place[0]:place[1]]) {
			hits = append(hits, hit{place[0], place[1], "an API token"})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return a.from - b.from })
	return hits
}
