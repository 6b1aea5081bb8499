package release

import (
	"bytes"
	"crypto/sha256"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// No path that is accepted leads out of a folder, on no system.
func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"it/news/x/index.html", "../x", "a//b", `a\..\b`, "con.html", "a\u202eb", "%2e%2e/x", "x/..", "\xff", ".prassi/x", "c:/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if CheckPath(path) != nil {
			return
		}
		root := filepath.FromSlash("/out/site")
		full := filepath.Join(root, filepath.FromSlash(path))
		if !filepath.IsLocal(filepath.FromSlash(path)) || full != root+string(filepath.Separator)+filepath.FromSlash(path) {
			t.Errorf("%q leads to %q", path, full)
		}
		if !utf8.ValidString(path) || strings.ContainsAny(path, "\\:\x00\n\r\"<>|?*") || strings.HasPrefix(strings.ToLower(path), ".prassi/") {
			t.Errorf("%q was accepted", path)
		}
		for part := range strings.SplitSeq(path, "/") {
			if len(part) == 0 || len(part) > 240 || strings.Trim(part, ".") == "" {
				t.Errorf("%q was accepted", path)
			}
		}
	})
}

// Whatever a leaf's bytes are, they are refused or mean what newLeaf writes.
func FuzzParseLeaf(f *testing.F) {
	for _, files := range [][]File{
		{{Path: "it/index.html", Type: "text/html", Size: 3, Hash: Hash{1}, Inputs: Digest{2}}},
		{{Path: "a", Status: 301, Location: "/b/"}, {Path: "b", Immutable: true}},
	} {
		_, b := newLeaf(0, files)
		f.Add(uint16(0), b)
		f.Add(leafOf(files[0].Path), b)
	}
	f.Fuzz(func(t *testing.T, number uint16, b []byte) {
		l, err := parseLeaf(number%leaves, sha256.Sum256(b), b, map[string]string{})
		if err != nil {
			return
		}
		again, encoded := newLeaf(number%leaves, l.files)
		second, err := parseLeaf(number%leaves, again.hash, encoded, nil)
		if err != nil || len(second.files) != len(l.files) || again.bytes != l.bytes {
			t.Fatalf("%x was read, and written as %x: %v", b, encoded, err)
		}
		for i := range l.files {
			if !second.files[i].same(&l.files[i]) {
				t.Errorf("%+v became %+v", l.files[i], second.files[i])
			}
		}
		if len(b) == len(encoded) && !bytes.Equal(b, encoded) {
			t.Errorf("%x is written as %x", b, encoded)
		}
	})
}
