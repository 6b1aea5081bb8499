package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// digits are those of base 62: nothing that needs escaping in an address, a
// cookie, a file name or a shell, and a double click marks the whole.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// How long the parts of credentials are, in digits. They have fixed widths, so
// they need no separator. 43 digits hold 256 bits, 12 hold 71.
const (
	tagLength    = 8
	idLength     = 12
	secretLength = 43
	sumLength    = 6
)

// random gives that many random digits.
func random(n int) string {
	const usable = 256 / len(digits) * len(digits) // above it digits would not be equally likely
	out := make([]byte, 0, n)
	var b [64]byte
	for len(out) < n {
		rand.Read(b[:]) // never fails since Go 1.24
		for _, x := range b {
			if int(x) < usable && len(out) < n {
				out = append(out, digits[int(x)%len(digits)])
			}
		}
	}
	return string(out)
}

// wellFormed says whether s is that many digits.
func wellFormed(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < '0' || c > 'z' || c > '9' && c < 'A' || c > 'Z' && c < 'a' {
			return false
		}
	}
	return true
}

// base62 writes the lowest n digits of a number.
func base62(x uint64, n int) string {
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		out[i] = digits[x%uint64(len(digits))]
		x /= uint64(len(digits))
	}
	return string(out)
}

// checksum is the end of a token.
func checksum(s string) string { return base62(uint64(crc32.ChecksumIEEE([]byte(s))), sumLength) }

// hash is what is stored of a secret.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// same compares without telling by its time where they differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// pseudonym is a keyed hash of several texts: who has it learns nothing of them,
// not even by trying.
func pseudonym(key [32]byte, parts ...string) [32]byte {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(strings.Join(parts, "\x00")))
	return [32]byte(mac.Sum(nil))
}
