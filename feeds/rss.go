package feeds

import (
	"encoding/xml"
	"strconv"
	"time"
)

// An RSS 2.0 document with the modules that its best-practices profile names:
// atom:link, content:encoded, dc:creator.
type rssDoc struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Content string     `xml:"xmlns:content,attr"`
	DC      string     `xml:"xmlns:dc,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title         string     `xml:"title"`
	Link          string     `xml:"link"`
	Description   string     `xml:"description"`
	Language      string     `xml:"language"`
	LastBuildDate string     `xml:"lastBuildDate"`
	Generator     string     `xml:"generator"`
	Docs          string     `xml:"docs"`
	TTL           int        `xml:"ttl"` // minutes
	Links         []atomLink `xml:"atom:link"`
	Items         []rssItem  `xml:"item"`
}

type rssItem struct {
	Title       string        `xml:"title"`
	Link        string        `xml:"link"`
	Description string        `xml:"description,omitempty"`
	Creator     string        `xml:"dc:creator"`
	Categories  []rssCategory `xml:"category"`
	Enclosure   *rssEnclosure `xml:"enclosure"`
	GUID        rssGUID       `xml:"guid"`
	PubDate     string        `xml:"pubDate"`
	Content     string        `xml:"content:encoded,omitempty"`
}

type rssCategory struct {
	Domain string `xml:"domain,attr"`
	Text   string `xml:",chardata"`
}

type rssEnclosure struct {
	URL    string `xml:"url,attr"`
	Length string `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

type rssGUID struct {
	IsPermaLink bool   `xml:"isPermaLink,attr"`
	Text        string `xml:",chardata"`
}

func appendRSS(dst []byte, v *view) ([]byte, error) {
	doc := rssDoc{
		Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/", DC: "http://purl.org/dc/elements/1.1/",
		Channel: rssChannel{
			Title: v.Title, Link: v.Home, Description: v.About, Language: v.Locale, LastBuildDate: rssTime(v.Updated),
			Generator: "Prassi", Docs: "https://www.rssboard.org/rss-specification", TTL: 15,
			Links: []atomLink{{Rel: "self", Type: "application/rss+xml", Href: v.Self}},
		},
	}
	for _, l := range v.links() {
		doc.Channel.Links = append(doc.Channel.Links, atomLink{Rel: l[0], Href: l[1]})
	}
	for _, it := range v.Items {
		x := rssItem{
			Title: it.Title, Link: it.Page, Description: it.Summary, Creator: it.Author,
			GUID: rssGUID{Text: "urn:uuid:" + it.UUID}, PubDate: rssTime(it.PublishedAt), Content: it.Body,
		}
		for _, t := range it.Topics {
			x.Categories = append(x.Categories, rssCategory{Domain: schemeTopics, Text: t.Label})
		}
		for _, t := range it.Territories {
			if name := plain(t.Name); name != "" {
				x.Categories = append(x.Categories, rssCategory{Domain: schemeTerritories, Text: name})
			}
		}
		if im := it.Image; im != nil && im.Type != "" && im.Bytes > 0 { // the length must be said
			x.Enclosure = &rssEnclosure{URL: im.URL, Length: strconv.FormatInt(im.Bytes, 10), Type: im.Type}
		}
		doc.Channel.Items = append(doc.Channel.Items, x)
	}
	return appendXML(dst, doc)
}

// rssTime is a date of RFC 822 with the four digits of the year that RSS prefers.
func rssTime(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
