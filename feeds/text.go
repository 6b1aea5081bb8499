package feeds

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// plain makes one line of a text that people wrote. Control characters become
// spaces, what is no Unicode character goes, and so do the marks that turn the
// direction of everything after them (UAX #9, sections 2.1 to 2.4): in a list of
// titles they would turn the titles of others.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.Map(keep, s)), " ")
}

// lines is plain for a text of several lines.
func lines(s string) string {
	var out []string
	for _, line := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		out = append(out, plain(line))
	}
	return strings.Trim(strings.Join(out, "\n"), "\n")
}

func keep(r rune) rune {
	switch {
	case r == utf8.RuneError, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r&0xFFFE == 0xFFFE, r >= 0xFDD0 && r <= 0xFDEF:
		return -1
	case unicode.IsControl(r), r == 0x2028, r == 0x2029:
		return ' '
	}
	return r
}

// addresses are the attributes of the published HTML that hold one.
var addresses = map[string]bool{"href": true, "src": true, "cite": true, "poster": true}

// absolute writes the addresses in rendered HTML so that they mean the same in
// another program's window. Files are resolved against media, everything else
// against the item's page.
func absolute(text, page, media string) string {
	base, err := url.Parse(page)
	if err != nil || text == "" {
		return text
	}
	files, err := url.Parse(media + "/")
	if err != nil {
		return text
	}
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out.String()
		}
		raw := string(z.Raw())
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken || !strings.Contains(raw, "=") {
			out.WriteString(raw)
			continue
		}
		token, changed := z.Token(), false
		for i, a := range token.Attr {
			var whole string
			switch {
			case addresses[a.Key]:
				whole = resolve(a.Val, base, files)
			case a.Key == "srcset":
				whole = resolveSet(a.Val, base, files)
			default:
				continue
			}
			changed = changed || whole != a.Val
			token.Attr[i].Val = whole
		}
		if changed {
			raw = token.String()
		}
		out.WriteString(raw)
	}
}

func resolve(address string, base, files *url.URL) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() {
		return address
	}
	if strings.HasPrefix(u.Path, "/media/") && u.Host == "" {
		base = files
	}
	return base.ResolveReference(u).String()
}

// resolveSet resolves the candidates of a srcset; ours hold no commas.
func resolveSet(set string, base, files *url.URL) string {
	parts := strings.Split(set, ",")
	for i, p := range parts {
		fields := strings.Fields(p)
		if len(fields) > 0 {
			fields[0] = resolve(fields[0], base, files)
		}
		parts[i] = strings.Join(fields, " ")
	}
	return strings.Join(parts, ", ")
}
