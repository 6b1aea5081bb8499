package oidc

import (
	"net/url"
	"strings"
)

// maxNext bounds where to go after sign-in, in bytes: it travels in a cookie,
// and browsers keep 4096 bytes of one.
const maxNext = 1024

// LocalPath gives next back if it is a path of this server, with its query and
// fragment, and "/" otherwise, so that the answer is always safe to redirect to.
//
// It accepts less than the standards (RFC 3986, WHATWG URL) allow, because
// browsers, proxies and libraries read the rest in different ways: one leading
// slash, printable ASCII without a backslash, and a path which, decoded as often
// as it can be, has no backslash, no control character, no empty and no dot
// segment.
func LocalPath(next string) string {
	if len(next) > maxNext || !strings.HasPrefix(next, "/") {
		return "/"
	}
	for i := range len(next) {
		if c := next[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return "/"
		}
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	path, _, _ := strings.Cut(next, "#")
	path, _, _ = strings.Cut(path, "?")
	for {
		for _, c := range path {
			if c < ' ' || c == 0x7f || c == '\\' || c == '\uFFFD' || isSlash(c) {
				return "/"
			}
		}
		segments := strings.Split(path[1:], "/")
		for i, s := range segments {
			last := i == len(segments)-1
			if s == "." || s == ".." || s == "" && !last {
				return "/"
			}
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			// What cannot be decoded further is text: "100%".
			break
		}
		path = decoded
	}
	return next
}

// isSlash says that a character looks like a slash or a backslash, or becomes
// one when it is normalised (NFKC).
func isSlash(c rune) bool {
	switch c {
	case '\u2044', '\u2215', '\u29f8', '\u29f5', '\u29f9', '\u2571', '\u2572', '\uff0f', '\uff3c', '\ufe68':
		return true
	}
	return false
}
