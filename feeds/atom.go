package feeds

import (
	"bytes"
	"encoding/xml"
	"time"
)

// An Atom document (RFC 4287). Names with a colon are written as they stand; the
// prefixes are declared at the root.
type atomFeed struct {
	XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang      string      `xml:"xml:lang,attr"`
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Subtitle  string      `xml:"subtitle"`
	Updated   string      `xml:"updated"`
	Author    atomPerson  `xml:"author"`
	Links     []atomLink  `xml:"link"`
	Generator string      `xml:"generator"`
	Entries   []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

type atomLink struct {
	Rel      string `xml:"rel,attr"`
	Type     string `xml:"type,attr,omitempty"`
	HrefLang string `xml:"hreflang,attr,omitempty"`
	Length   int64  `xml:"length,attr,omitempty"`
	Href     string `xml:"href,attr"`
}

type atomCategory struct {
	Term   string `xml:"term,attr"`
	Scheme string `xml:"scheme,attr"`
	Label  string `xml:"label,attr,omitempty"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type atomEntry struct {
	ID         string         `xml:"id"`
	Title      string         `xml:"title"`
	Updated    string         `xml:"updated"`
	Published  string         `xml:"published"`
	Author     atomPerson     `xml:"author"`
	Links      []atomLink     `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Summary    *atomText      `xml:"summary"`
	Content    *atomText      `xml:"content"`
}

// The vocabularies that categories come from, named once and for all.
const (
	schemeTopics      = "urn:prassi:topics"
	schemeTerritories = "urn:prassi:istat"
)

func appendAtom(dst []byte, v *view) ([]byte, error) {
	f := atomFeed{
		Lang: v.Locale, ID: v.ID, Title: v.Title, Subtitle: v.About, Updated: atomTime(v.Updated),
		Author: atomPerson{Name: v.Site, URI: v.Home}, Generator: "Prassi",
		Links: []atomLink{
			{Rel: "self", Type: "application/atom+xml", Href: v.Self},
			{Rel: "alternate", Type: "text/html", HrefLang: v.Locale, Href: v.Home},
		},
	}
	for _, l := range v.links() {
		f.Links = append(f.Links, atomLink{Rel: l[0], Href: l[1]})
	}
	for _, it := range v.Items {
		e := atomEntry{
			ID: "urn:uuid:" + it.UUID, Title: it.Title, Updated: atomTime(it.Updated), Published: atomTime(it.PublishedAt), Author: atomPerson{Name: it.Author},
			Links: []atomLink{{Rel: "alternate", Type: "text/html", HrefLang: it.Locale, Href: it.Page}},
		}
		if it.Image != nil && it.Image.Type != "" {
			e.Links = append(e.Links, atomLink{Rel: "enclosure", Type: it.Image.Type, Length: it.Image.Bytes, Href: it.Image.URL})
		}
		for _, t := range it.Topics {
			e.Categories = append(e.Categories, atomCategory{Term: t.ID, Scheme: schemeTopics, Label: t.Label})
		}
		for _, t := range it.Territories {
			e.Categories = append(e.Categories, atomCategory{Term: t.ISTAT, Scheme: schemeTerritories, Label: plain(t.Name)})
		}
		if it.Summary != "" {
			e.Summary = &atomText{Type: "text", Text: it.Summary}
		}
		if it.Body != "" {
			e.Content = &atomText{Type: "html", Text: it.Body}
		}
		f.Entries = append(f.Entries, e)
	}
	return appendXML(dst, f)
}

// links are those that a feed has beside itself and its page: the hub (WebSub,
// section 4) and the pages beside this one (RFC 5005, section 3).
func (v *view) links() (out [][2]string) {
	for _, l := range [][2]string{{"hub", v.Hub}, {"first", v.First}, {"previous", v.Previous}, {"next", v.Next}} {
		if l[1] != "" {
			out = append(out, l)
		}
	}
	return out
}

func atomTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// appendXML writes a document. What XML cannot hold is written as U+FFFD.
func appendXML(dst []byte, doc any) ([]byte, error) {
	b := bytes.NewBuffer(append(dst, xml.Header...))
	if err := xml.NewEncoder(b).Encode(doc); err != nil {
		return dst, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
