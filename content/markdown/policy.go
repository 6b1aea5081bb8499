package markdown

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// address is what an address means to a reader.
type address int

const (
	addressRefused address = iota // a scheme that is not in the list, or none that can be told
	addressInside                 // relative: a page of the same site
	addressOutside                // another site
	addressMessage                // mail or telephone
)

// addressKind sorts addresses by an allow-list of schemes. The address is one
// that went through percent-encoding, so that blanks and control characters,
// which browsers pass over inside "java\nscript:", are already harmless; any
// that is left before the colon makes the scheme unknown.
func addressKind(url []byte) address {
	if len(url) == 0 {
		return addressInside
	}
	if bytes.HasPrefix(url, []byte("//")) {
		return addressOutside
	}
	end := bytes.IndexAny(url, ":/?#")
	if end < 0 || url[end] != ':' {
		return addressInside
	}
	switch strings.ToLower(string(url[:end])) {
	case "http", "https":
		return addressOutside
	case "mailto", "tel":
		return addressMessage
	}
	return addressRefused
}

// policy lets through what html.go writes. It is the second lock on the door:
// it knows nothing of Markdown and forgives no mistake made before it.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "p", "hr", "br", "blockquote", "ul", "ol", "li", "dl", "dt", "dd",
		"pre", "code", "em", "strong", "del", "sub", "sup", "span", "div", "aside", "section", "figure", "figcaption",
		"table", "thead", "tbody", "tr", "th", "td", "label")
	p.AllowNoAttrs().OnElements("span")

	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^noopener noreferrer$`)).OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowAttrs("title").OnElements("a", "img")

	p.AllowAttrs("id").Matching(regexp.MustCompile(`^`+IDPrefix+`[\p{L}\p{M}\p{Nd}_-]+$`)).
		OnElements("h1", "h2", "h3", "h4", "h5", "h6", "a", "li")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl)$`)).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[a-z]{2,3}$`)).Globally()

	class := func(values string, elements ...string) {
		p.AllowAttrs("class").Matching(regexp.MustCompile(`^(` + values + `)$`)).OnElements(elements...)
	}
	class(`ref|footnote-back`, "a")
	class(`footnote-ref`, "sup")
	class(`footnotes`, "section")
	class(`tasks`, "ul", "ol")
	class(`task`, "label")
	class(`callout callout-(note|tip|important|warning|caution)|pullquote`, "aside")
	class(`callout-title`, "p")
	class(`credit`, "div")
	class(`align-(left|center|right)`, "th", "td")
	class(`language-[a-z0-9+#-]+`, "code")

	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^col$`)).OnElements("th")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("disabled", "checked").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^doc-(noteref|backlink|endnotes)$`)).OnElements("a", "section")
	p.AllowAttrs("aria-label").OnElements("a", "aside", "section")
	return p
}()

// sanitize applies the policy.
func sanitize(html []byte) string {
	return string(policy.SanitizeBytes(html))
}
