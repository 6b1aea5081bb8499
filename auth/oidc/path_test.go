package oidc

import (
	"net/url"
	"strings"
	"testing"
)

// What may follow a sign-in, and what people have tried.
func TestLocalPath(t *testing.T) {
	for _, next := range []string{
		"/", "/admin/", "/admin/documents/7?locale=it&x=//y#top", "/it/notizie/caffe-e-pane", "/a%20b", "/a?next=https://evil.example/",
		"/a?x=%5c%0d%0a", "/a#//evil.example", "/~user/a.b/..c/d..", "/100%25", "/a:b@c", "/@evil.example", "/:80", "/a;b=c", "/" + strings.Repeat("a", maxNext-1),
	} {
		if got := LocalPath(next); got != next {
			t.Errorf("LocalPath(%q) = %q", next, got)
		}
	}
	for _, next := range []string{
		"", "admin", "./admin", "../admin", "?x", "#x", "*",
		"https://evil.example", "https:/evil.example", "https:evil.example", "HTTPS://evil.example", "http://prassi.example.org/",
		"//evil.example", "///evil.example", "////evil.example", "//evil.example\\@prassi.example.org", "//@evil.example", "//user:pw@evil.example/",
		"/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "/a\\..\\..\\evil.example", "/\\\\evil.example",
		"/%5cevil.example", "/%5C%5Cevil.example", "/%255cevil.example", "/%25255cevil.example", "/%2fevil.example", "/%2f%2fevil.example", "/%252fevil.example",
		"/a/%2f%2fevil.example", "/%09/evil.example", "/%0d%0aLocation:%20https://evil.example", "/%00", "/%7f", "/%25%30%61", "/%e2%80%8b/%2f/",
		"/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r\nLocation: https://evil.example", " //evil.example", "/ /evil.example", "\x00//evil.example", "/\x7f", "/a b",
		"/.//evil.example", "/..//evil.example", "/./\\evil.example", "/a/..//evil.example", "/a/../../evil.example", "/%2e%2e//evil.example", "/%2e/%2fevil.example", "/a//b", "/.", "/..", "/a/.", "/a/..", "/a/%2e%2e/b",
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "/javascript:alert(1)\n", "data:text/html,x", "vbscript:x", "blob:x", "mailto:a@b",
		"/\u2215evil.example", "/\u2044evil.example", "\u2044/evil.example", "/\uff0fevil.example", "/\uff3cevil.example", "/%ef%bc%8fevil.example", "/%e2%88%95evil.example", "/%ff", "/\u3002evil.example", "/\u202eevil.example", "/è",
		"//[::1]/", "//127.0.0.1", "//0x7f000001", "//evil.example:80#@prassi.example.org", "/%", "/%zz", "/a%",
		"/" + strings.Repeat("a", maxNext),
	} {
		if got := LocalPath(next); got != "/" {
			t.Errorf("LocalPath(%q) = %q", next, got)
		}
	}
}

// Wherever a next leads, it is on this server: for the standard library, and for
// a browser, which is laxer (WHATWG URL: backslashes are slashes, tabs and line
// ends are nothing), however often somebody on the way decodes it.
func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/admin/?a=b#c", "//evil.example", "/\\evil", "/%5cevil", "/\t/evil", "/%252f/evil", "/.//evil", "https://evil", "/a?//b", "/\uff0fevil"} {
		f.Add(s)
	}
	origin := must(url.Parse("https://prassi.example.org/auth/callback"))
	f.Fuzz(func(t *testing.T, next string) {
		got := LocalPath(next)
		if got != next && got != "/" {
			t.Fatalf("%q became %q", next, got)
		}
		if LocalPath(got) != got {
			t.Fatalf("%q is not stable", got)
		}
		if strings.ContainsAny(got, "\r\n\x00 \\") {
			t.Fatalf("%q in a header", got)
		}
		path := got
		for range 5 {
			for _, form := range []string{path, browser(path)} {
				u, err := origin.Parse(form)
				if err != nil {
					t.Fatalf("%q (from %q): %v", form, next, err)
				}
				if u.Scheme != "https" || u.Host != "prassi.example.org" || u.User != nil {
					t.Fatalf("%q (from %q) leads to %s", form, next, u)
				}
				if strings.HasPrefix(u.EscapedPath(), "//") || strings.HasPrefix(form, "//") {
					t.Fatalf("%q (from %q) is an address when it is taken apart", form, next)
				}
			}
			// The query is nobody's path, so only the path is decoded further.
			path, _, _ = strings.Cut(path, "#")
			path, _, _ = strings.Cut(path, "?")
			decoded, err := url.PathUnescape(path)
			if err != nil || strings.ContainsAny(decoded, "?#%") {
				break
			}
			path = decoded
		}
	})
}

// browser reads an address as browsers do before they resolve it.
func browser(s string) string {
	s = strings.Trim(s, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	path, rest := s, ""
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		path, rest = s[:i], s[i:]
	}
	return strings.ReplaceAll(path, "\\", "/") + rest
}

func BenchmarkLocalPath(b *testing.B) {
	for b.Loop() {
		LocalPath("/admin/documents/0192f3a4-aaaa-7bbb-8ccc-ddddeeeeffff?locale=it&tab=history#revision-7")
	}
}
