package hsds

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxID is the longest identifier that is taken, in bytes.
const MaxID = 250

// space is the namespace of the identifiers that are derived here (RFC 9562,
// section 5.5). It must never change: it makes an import find its documents again.
var space = uuid.MustParse("6b0e6c4e-3d0f-5d1a-9a35-6c1c4b8a7f10")

// derive makes an identifier of words, the same for the same words.
func derive(words ...string) string {
	return uuid.NewSHA1(space, []byte(strings.Join(words, "\x00"))).String()
}

// IDOf gives an object's identifier as text; a number counts as its digits.
func IDOf(o map[string]any) string { return idText(o["id"]) }

func idText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// ValidID says whether an identifier can be taken: not empty, at most MaxID
// bytes, no control characters. HSDS asks for a UUID; others work as well.
func ValidID(id string) bool {
	return id != "" && len(id) <= MaxID && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl) && strings.TrimSpace(id) == id
}

// IsUUID says whether an identifier is what HSDS asks for.
func IsUUID(id string) bool {
	_, err := uuid.Parse(id)
	return err == nil && len(id) == 36
}

// DocumentID gives the identifier of the document for an object: its own where
// that is a UUID, else one derived from it. The second and further objects with
// one identifier (occurrence 2, 3, …) are documents of their own, too.
func DocumentID(kind Kind, id string, occurrence int) string {
	switch {
	case occurrence > 1:
		return derive(string(kind), id, strconv.Itoa(occurrence))
	case IsUUID(id):
		return strings.ToLower(id)
	}
	return derive(string(kind), id)
}

// TwinID gives the identifier of the document for an object whose own UUID is
// that of a document of the other kind.
func TwinID(kind Kind, id string) string { return derive(string(kind), id, "twin") }
