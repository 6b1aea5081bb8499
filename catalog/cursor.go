package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// A cursor is the base64url of
//
//	version   1 byte
//	direction 1 byte: 0 after the item, 1 before it
//	query     8 bytes, Query.hash
//	key, document id, locale: each with its length before it
//	checksum  6 bytes
//
// The checksum finds what was cut, mistyped or made up; it is no secret, and
// need not be: a cursor gives access to nothing.
const cursorVersion = 1

// maxCursor bounds a cursor in characters: the key, a uuid and a tag.
const maxCursor = 600

func invalidCursor() error {
	return &content.Problem{Class: content.Invalid, Code: "invalid_cursor", Fields: []schemas.Issue{{Path: "/cursor", Code: "invalid_cursor"}}}
}

// position is what a cursor holds: the identity of an item and its sort key.
type position struct {
	before     bool
	key        string
	id, locale string
}

func (p position) encode(query [8]byte) string {
	var buf [256]byte
	e := encoder{b: append(buf[:0], cursorVersion, byte(b2i(p.before)))}
	e.b = append(e.b, query[:]...)
	e.string(p.key)
	e.string(p.id)
	e.string(p.locale)
	sum := cursorSum(e.b)
	return base64.RawURLEncoding.EncodeToString(append(e.b, sum[:]...))
}

func cursorSum(b []byte) [6]byte {
	var buf [256]byte
	sum := sha256.Sum256(append(append(buf[:0], "prassi cursor"...), b...))
	return [6]byte(sum[:6])
}

// decodeCursor reads a cursor of a query, or answers a content.Problem with the
// code invalid_cursor.
func decodeCursor(s string, query [8]byte) (position, error) {
	invalid := invalidCursor()
	// encoding/base64 passes over line ends; one position has one cursor.
	if len(s) > maxCursor || strings.ContainsAny(s, "\r\n") {
		return position{}, invalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) < 2+8+3+6 {
		return position{}, invalid
	}
	body, sum := raw[:len(raw)-6], raw[len(raw)-6:]
	want := cursorSum(body)
	if !bytes.Equal(sum, want[:]) || body[0] != cursorVersion || body[1] > 1 || !bytes.Equal(body[2:10], query[:]) {
		return position{}, invalid
	}
	d := decoder{s: string(body[10:])}
	p := position{before: body[1] == 1, key: d.string(), id: d.string(), locale: d.string()}
	if d.err != nil || d.s != "" {
		return position{}, invalid
	}
	return p, nil
}
