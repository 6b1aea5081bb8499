package api

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/prassi-cms/prassi/catalog"
)

func TestChooseEncoding(t *testing.T) {
	const none = catalog.Encoding(255)
	for _, c := range []struct {
		header string
		want   catalog.Encoding
	}{
		{"", catalog.Identity},
		{"gzip", catalog.Gzip},
		{"x-gzip", catalog.Gzip},
		{"GZip", catalog.Gzip},
		{"gzip, deflate, br, zstd", catalog.Brotli},
		{"gzip, deflate, br;q=0.5, zstd", catalog.Zstd},
		{"gzip;q=1.0, br;q=0.999", catalog.Gzip},
		{"gzip;q=0", catalog.Identity},
		{"br;q=0, *", catalog.Zstd},
		{"*", catalog.Brotli},
		{"*;q=0", none},
		{"*;q=0, gzip;q=0.1", catalog.Gzip},
		{"identity;q=0", none},
		{"identity;q=0, gzip;q=0.001", catalog.Gzip},
		{"identity, gzip;q=0.5", catalog.Identity},
		{"identity;q=0.5, gzip;q=0.5", catalog.Gzip},
		{"deflate, compress", catalog.Identity},
		{"gzip;q=2", catalog.Identity},
		{"gzip;q=abc", catalog.Identity},
		{" gzip ; q=0.8 , br", catalog.Brotli},
		{"br;Q=0.3, gzip", catalog.Gzip},
		{",,;;q=", catalog.Identity},
	} {
		enc, ok := parseAccept([]string{c.header}).choose(anyEncoding)
		if !ok {
			enc = none
		}
		if enc != c.want {
			t.Errorf("Accept-Encoding %q: %v, want %v", c.header, enc, c.want)
		}
	}
	if enc, ok := parseAccept(nil).choose(anyEncoding); !ok || enc != catalog.Identity {
		t.Errorf("no header: %v %v", enc, ok)
	}
	identityOnly := func(e catalog.Encoding) bool { return e == catalog.Identity }
	if enc, ok := parseAccept([]string{"br, gzip"}).choose(identityOnly); !ok || enc != catalog.Identity {
		t.Errorf("only identity stored: %v %v", enc, ok)
	}
}

// TestChooseNeverRefused: what is chosen was never refused by the header.
func TestChooseNeverRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		header := strings.Join(rapid.SliceOf(rapid.StringMatching(`(gzip|br|zstd|identity|\*)(;q=(0|1|0\.[0-9]{1,3}))?`)).Draw(t, "codings"), ",")
		liked := parseAccept([]string{header})
		enc, ok := liked.choose(anyEncoding)
		if ok && liked[enc] == 0 {
			t.Fatalf("%q: chose %v, which it refuses", header, enc)
		}
		for e := range liked {
			if ok && liked[e] > liked[enc] {
				t.Fatalf("%q: chose %v and likes %v better", header, enc, e)
			}
		}
	})
}

func TestIfNoneMatch(t *testing.T) {
	const tag = `"abc"`
	for header, want := range map[string]bool{
		`"abc"`: true, `W/"abc"`: true, `*`: true, `"x", "abc"`: true, `"x",W/"abc" , "y"`: true, ` "abc" `: true,
		`"x"`: false, `abc`: false, `"abcd"`: false, `""`: false, ``: false, `"x,\"abc\""`: false, `"ab`: false, `W/`: false,
		`"a,b", "abc"`: true, `,,"abc"`: true,
	} {
		if got := matches([]string{header}, tag); got != want {
			t.Errorf("If-None-Match %s: %v", header, got)
		}
	}
	if !matches([]string{`"x"`, `"abc"`}, tag) {
		t.Error("a second header line is not read")
	}
}

// TestEveryEncodingHoldsTheSameBytes reads an item, a list and a document in each
// encoding; each has a strong tag of its own that answers 304 for itself only.
func TestEveryEncodingHoldsTheSameBytes(t *testing.T) {
	w := newWorld(t)
	w.publish("edo", w.article("edo", "Casa"))
	unpack := map[string]func(io.Reader) io.Reader{
		"gzip": func(r io.Reader) io.Reader { z, err := gzip.NewReader(r); w.must(err); return z },
		"br":   func(r io.Reader) io.Reader { return brotli.NewReader(r) },
		"zstd": func(r io.Reader) io.Reader { z, err := zstd.NewReader(r); w.must(err); return z },
	}
	for _, path := range []string{"/api/v1/articles/casa", "/api/v1/articles?locale=it", "/openapi.json", "/api/v1/topics", "/api/v1/changes"} {
		plain := w.send("", "GET", path, "").want(t, 200)
		tags := map[string]string{plain.Header.Get("ETag"): ""}
		if plain.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %v", path, plain.Header)
		}
		for coding, reader := range unpack {
			for range 2 { // made, then kept
				a := w.send("", "GET", path, "", "Accept-Encoding", coding).want(t, 200)
				data, err := io.ReadAll(reader(strings.NewReader(string(a.body))))
				w.must(err)
				if a.Header.Get("Content-Encoding") != coding || string(data) != string(plain.body) {
					t.Errorf("%s in %s: other bytes", path, coding)
				}
				if other, twice := tags[a.Header.Get("ETag")]; twice && other != coding {
					t.Errorf("%s: %s and %q share the tag %s", path, coding, other, a.Header.Get("ETag"))
				}
				tags[a.Header.Get("ETag")] = coding
			}
		}
		for tag, coding := range tags {
			a := w.send("", "GET", path, "", "Accept-Encoding", or(coding, "identity"), "If-None-Match", tag).want(t, 304)
			if len(a.body) > 0 || a.Header.Get("ETag") != tag || a.Header.Get("Content-Type") != "" || a.Header.Get("Vary") == "" {
				t.Errorf("%s: a 304 with %v %q", path, a.Header, a.body)
			}
			w.send("", "GET", path, "", "Accept-Encoding", map[string]string{"gzip": "br"}[coding]+"", "If-None-Match", tag+"x").want(t, 200)
		}
		w.send("", "GET", path, "", "Accept-Encoding", "identity;q=0").problem(t, 406, codeNotAcceptable)
	}
}
