package markdown

import (
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkSafe is the invariant of everything that Render returns, checked with a
// real HTML parser: only elements and attributes of the vocabulary, no script,
// no event handler, no address that runs, every element closed in order, every
// id prefixed and there once.
func checkSafe(t failer, out string) {
	t.Helper()
	var open []string
	ids := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(out))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Fatalf("not closed: %q in %q", open, out)
			}
			checkTree(t, out)
			return
		case html.StartTagToken:
			tok := z.Token()
			if !allowedElements[tok.Data] {
				t.Fatalf("element %q in %q", tok.Data, out)
			}
			for _, a := range tok.Attr {
				checkAttribute(t, tok.Data, a, ids, out)
			}
			if tok.Data == "a" {
				for _, o := range open {
					if o == "a" {
						t.Fatalf("a link in a link: %q", out)
					}
				}
			}
			if !voidElements[tok.Data] {
				open = append(open, tok.Data)
			}
			if len(open) > 300 {
				t.Fatalf("%d elements deep", len(open))
			}
		case html.EndTagToken:
			tok := z.Token()
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				t.Fatalf("</%s> closes %q in %q", tok.Data, open, out)
			}
			open = open[:len(open)-1]
		case html.TextToken:
		default:
			t.Fatalf("token %v (%q) in %q", kind, z.Raw(), out)
		}
	}
}

// checkTree parses as a browser would: whatever the parser makes of the
// bytes, it must be the same elements, in the same order, as are written.
func checkTree(t failer, out string) {
	t.Helper()
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(out), body)
	if err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	var parsed []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			parsed = append(parsed, n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	var written []string
	z := html.NewTokenizer(strings.NewReader(out))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		if kind == html.StartTagToken {
			name, _ := z.TagName()
			written = append(written, string(name))
		}
	}
	if strings.Join(parsed, " ") != strings.Join(written, " ") {
		t.Fatalf("a browser reads\n%q\nwhere is written\n%q\nin %q", parsed, written, out)
	}
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

var (
	voidElements    = set("br hr img input")
	allowedElements = set(`h1 h2 h3 h4 h5 h6 p hr br blockquote ul ol li dl dt dd pre code em strong del sub sup span div aside
		section figure figcaption table thead tbody tr th td label input a img`)
	allowedAttributes = map[string]map[string]bool{
		"a": set("href title rel class id role aria-label"), "img": set("src alt title loading"),
		"input": set("type disabled checked"), "ol": set("start class"), "ul": set("class"), "li": set("id"), "th": set("scope class"),
		"td": set("class"), "code": set("class"), "label": set("class"), "aside": set("class aria-label"),
		"section": set("class role aria-label"), "p": set("class"), "div": set("class"), "sup": set("class"),
		"h1": set("id"), "h2": set("id"), "h3": set("id"), "h4": set("id"), "h5": set("id"), "h6": set("id"),
	}
	classes = regexp.MustCompile(`^(ref|footnote-back|footnote-ref|footnotes|tasks|task|callout callout-[a-z]+|callout-title|pullquote|credit|align-[a-z]+|language-[a-z0-9+#-]+)$`)
)

func checkAttribute(t failer, element string, a html.Attribute, ids map[string]bool, out string) {
	t.Helper()
	if !allowedAttributes[element][a.Key] && a.Key != "dir" && a.Key != "lang" {
		t.Fatalf("attribute %s of <%s> in %q", a.Key, element, out)
	}
	switch a.Key {
	case "href", "src":
		// What browsers do before they look at the scheme (WHATWG URL,
		// basic parser): trim C0 and space, drop tabs and line breaks.
		v := strings.TrimFunc(a.Val, func(r rune) bool { return r <= ' ' })
		v = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(v)
		scheme, _, found := strings.Cut(v, ":")
		if found && !strings.ContainsAny(scheme, "/?#") {
			switch strings.ToLower(scheme) {
			case "http", "https":
			case "mailto", "tel":
				if a.Key == "src" {
					t.Fatalf("image at %q in %q", a.Val, out)
				}
			default:
				t.Fatalf("address %q in %q", a.Val, out)
			}
		}
		if _, err := url.Parse(a.Val); err != nil {
			t.Fatalf("address %q in %q: %v", a.Val, out, err)
		}
	case "class":
		if !classes.MatchString(a.Val) {
			t.Fatalf("class %q in %q", a.Val, out)
		}
	case "id":
		if !strings.HasPrefix(a.Val, IDPrefix) || len(a.Val) == len(IDPrefix) || strings.ContainsAny(a.Val, " \t\n\"'<>&") {
			t.Fatalf("id %q in %q", a.Val, out)
		}
		if ids[a.Val] {
			t.Fatalf("id %q twice in %q", a.Val, out)
		}
		ids[a.Val] = true
	case "dir":
		if a.Val != "ltr" && a.Val != "rtl" {
			t.Fatalf("dir %q in %q", a.Val, out)
		}
	}
}
