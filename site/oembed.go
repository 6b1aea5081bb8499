package site

import (
	"cmp"
	"html/template"
	"net/url"
)

// oembedLinks are what an item's page says of itself to editors of other sites (oEmbed
// 1.0, section 4, "Discovery"): where they learn what to show for its address. There
// is nothing to say of a page without a whole address, or one that is not public.
func oembedLinks(p *Page) (template.HTML, error) {
	if p.Item == nil || p.Canonical == "" || p.NoIndex || p.Preview != nil {
		return "", nil
	}
	at := cmp.Or(p.Site.API, p.Site.BaseURL) + "/oembed?format="
	page, title := "&url="+url.QueryEscape(p.Canonical), template.HTMLEscapeString(p.Title)
	var out string
	for _, f := range [...][2]string{{"application/json+oembed", "json"}, {"text/xml+oembed", "xml"}} {
		out += `<link rel="alternate" type="` + f[0] + `" href="` + template.HTMLEscapeString(at+f[1]+page) + `" title="` + title + "\">\n"
	}
	return template.HTML(out), nil
}
