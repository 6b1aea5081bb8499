package api

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prassi-cms/prassi/content"
)

func TestParseQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"":                        "",
		"a=1":                     "",
		"a=1&b=2":                 "",
		"&&a=1&":                  "",
		"a":                       "",
		"a=%41+b":                 "",
		"c=1":                     "/c unknown_parameter",
		"A=1":                     "/A unknown_parameter",
		"a=1&a=1":                 "/a repeated_parameter",
		"a=%ff":                   "/a invalid_parameter",
		"a=%zz":                   "/a invalid_parameter",
		"a=%00":                   "/a invalid_parameter",
		"a=%0d%0aSet-Cookie:x":    "/a invalid_parameter",
		"%ff=1":                   "/ unknown_parameter",
		"a=\xff":                  "/a invalid_parameter",
		strings.Repeat("x", 9000): " too_long",
	} {
		_, err := parseQuery(raw, "a", "b")
		got := ""
		if p := content.AsProblem(err); p != nil {
			if p.Code != codeInvalidQuery || statusOf(p) != 400 || len(p.Fields) != 1 {
				t.Errorf("%.40q: %+v", raw, p)
				continue
			}
			got = p.Fields[0].Path + " " + p.Fields[0].Code
		}
		if got != want {
			t.Errorf("%.40q: %q, want %q", raw, got, want)
		}
	}
	if _, err := parseQuery(strings.Repeat("x=1&", 500), "a"); len(content.AsProblem(err).Fields) > maxParameters+1 {
		t.Error("the errors of one query are not bounded")
	}
}

func TestQueryNumbers(t *testing.T) {
	for text, want := range map[string]string{"5": "", "0": "out_of_range", "101": "out_of_range", "-1": "out_of_range",
		"99999999999999999999": "not_an_integer", "5.0": "not_an_integer", "": "not_an_integer", "0x5": "not_an_integer", "٥": "not_an_integer"} {
		q, err := parseQuery("limit="+url.QueryEscape(text), "limit")
		if err != nil {
			t.Fatal(err)
		}
		q.integer("limit", 20, 1, 100)
		got := ""
		if p := content.AsProblem(q.err()); p != nil {
			got = p.Fields[0].Code
		}
		if got != want {
			t.Errorf("limit=%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzParseQuery: nothing panics; what is taken is clean text that net/url reads
// alike, each parameter once.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=%41+b", "a=1&a=2", "c", "=", "a=%", "a;b=1", "&&&", "a=\x00", "limit=%F0%9F%98%80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw, "a", "b", "limit")
		if err != nil {
			p := content.AsProblem(err)
			if statusOf(p) != 400 {
				t.Fatalf("%q: %v", raw, err)
			}
			for _, i := range p.Fields {
				if !utf8.ValidString(i.Path) {
					t.Fatalf("%q: path %q", raw, i.Path)
				}
			}
			return
		}
		q.integer("limit", 1, 1, 10)
		if strings.Contains(raw, ";") {
			return // net/url refuses it, and we take it for a character
		}
		want, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("took %q, which net/url refuses: %v", raw, err)
		}
		for k, v := range want {
			if len(v) != 1 || q.text(k) != v[0] {
				t.Fatalf("%q: %s is %q, net/url has %q", raw, k, q.text(k), v)
			}
		}
	})
}
