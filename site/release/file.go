package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hash is the SHA-256 of a file's bytes as they are without any encoding.
type Hash [sha256.Size]byte

// String gives the hash in 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Digest stands for all that a page was made from. The zero Digest says that
// nobody knows, and so is never a reason to keep a page.
type Digest [16]byte

// String gives the digest in 32 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// File is one file of a build. Those that a Build hands out are shared by all its
// readers and must not be changed.
type File struct {
	Path      string // "it/news/x/index.html": as CheckPath wants it
	Hash      Hash   // set by Put
	Size      int64  // of the bytes without encoding; set by Put
	Type      string // media type, with charset
	Status    int    // 200 (0 means 200), 301, 404, 410
	Location  string // where a 301 leads
	Immutable bool   // the name contains a hash of the bytes: may be cached for a year
	Inputs    Digest // what it was made from

	leaf uint16 // where it is in its manifest
	pos  uint32
}

// same reports that two files are the same in everything.
func (f *File) same(g *File) bool { return f.serves(g) && f.Inputs == g.Inputs }

// serves reports that a reader cannot tell one file from the other.
func (f *File) serves(g *File) bool {
	return f.Path == g.Path && f.Hash == g.Hash && f.Size == g.Size && f.Type == g.Type &&
		f.Status == g.Status && f.Location == g.Location && f.Immutable == g.Immutable
}

// Bounds of a path in bytes. A part leaves room below the 255 bytes that file
// systems take, for the endings that targets add.
const (
	maxPath = 1024
	maxPart = 240
)

// Reserved is the first part of paths that targets keep for themselves.
const Reserved = ".prassi"

// PathError says why a path cannot be that of a file.
type PathError struct{ Path, Reason string }

func (e *PathError) Error() string { return fmt.Sprintf("release: path %q: %s", e.Path, e.Reason) }

// CheckPath refuses, with a *PathError, what is not the plain relative path of a
// file on every system that a site may be copied to: empty, absolute, with a
// part that is empty, "." or "..", with control or formatting characters or one
// that Windows forbids in names, with a device's name, ending in a dot or space,
// longer than 1,024 bytes or 240 for a part, not UTF-8, or below ".prassi".
func CheckPath(path string) error {
	reason := ""
	switch {
	case path == "":
		reason = "it is empty"
	case len(path) > maxPath:
		reason = "it is too long"
		path = strings.ToValidUTF8(path[:100], "") + "…"
	case !utf8.ValidString(path):
		reason = "it is not UTF-8"
	default:
		for part := range strings.SplitSeq(path, "/") {
			if reason = checkPart(part); reason != "" {
				break
			}
		}
		if first, _, _ := strings.Cut(path, "/"); strings.EqualFold(first, Reserved) {
			reason = "targets keep " + Reserved + " for themselves"
		}
	}
	if reason == "" && !filepath.IsLocal(filepath.FromSlash(path)) {
		reason = "it leads out of the folder"
	}
	if reason != "" {
		return &PathError{path, reason}
	}
	return nil
}

func checkPart(part string) string {
	switch {
	case part == "":
		return "a part is empty"
	case part == "." || part == "..":
		return "a part is only dots"
	case len(part) > maxPart:
		return "a part is too long"
	case part[len(part)-1] == '.' || part[len(part)-1] == ' ':
		return "a part ends in a dot or a space"
	case isDevice(part):
		return "a part is the name of a device"
	}
	for _, r := range part {
		if r == '/' || r == '\\' || strings.ContainsRune(`<>:"|?*`, r) || unicode.IsControl(r) ||
			unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return fmt.Sprintf("%q is not allowed in it", r)
		}
	}
	return ""
}

// isDevice reports a name that Windows keeps for a device, with any ending.
func isDevice(part string) bool {
	name, _, _ := strings.Cut(part, ".")
	name = strings.ToUpper(strings.TrimRight(name, " "))
	switch name {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if digit, ok := strings.CutPrefix(name, "COM"); ok {
		name = "LPT" + digit
	}
	digit, ok := strings.CutPrefix(name, "LPT")
	return ok && utf8.RuneCountInString(digit) == 1 && strings.Contains("0123456789¹²³", digit)
}
