package site

import (
	"html/template"
	"strconv"
	"time"
)

// ldWriter writes JSON-LD with its keys in the order of the calls, so that the same
// page gives the same bytes.
type ldWriter struct {
	b     []byte
	first bool
}

func (w *ldWriter) open(c byte)  { w.b, w.first = append(w.b, c), true }
func (w *ldWriter) close(c byte) { w.b, w.first = append(w.b, c), false }

func (w *ldWriter) comma() {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
}

func (w *ldWriter) key(k string) {
	w.comma()
	w.b = append(append(append(w.b, '"'), k...), '"', ':')
}

func (w *ldWriter) object(f func()) { w.open('{'); f(); w.close('}') }

func (w *ldWriter) list(k string, n int, f func(i int)) {
	if n == 0 {
		return
	}
	w.key(k)
	w.open('[')
	for i := range n {
		w.comma()
		f(i)
	}
	w.close(']')
}

// str writes a pair unless the value is empty.
func (w *ldWriter) str(k, v string) {
	if v != "" {
		w.key(k)
		w.b = jsonText(w.b, v)
	}
}

func (w *ldWriter) node(k, typ string, f func()) {
	w.key(k)
	w.object(func() {
		w.str("@type", typ)
		f()
	})
}

func (w *ldWriter) number(k string, n float64) {
	w.key(k)
	w.b = strconv.AppendFloat(w.b, n, 'f', -1, 64)
}

// ldTypes are what schema.org calls the types of content.
var ldTypes = map[string]string{
	"article": "Article", "news": "NewsArticle", "practice": "Article", "event": "Event", "service": "GovernmentService",
	"organization": "Organization", "page": "WebPage",
}

// ld describes a page for search engines (schema.org): its item or law, and the
// crumbs that lead to it. It is empty for a page that should not be indexed.
func (s *Site) ld(pg *Page) template.HTML {
	if pg.NoIndex {
		return ""
	}
	var room [4096]byte
	w := &ldWriter{b: append(room[:0], `<script type="application/ld+json">`...), first: true}
	w.object(func() {
		w.str("@context", "https://schema.org")
		w.key("@graph")
		w.open('[')
		n := len(w.b)
		switch {
		case pg.Item != nil:
			w.comma()
			w.object(func() { s.ldItem(w, pg) })
		case pg.Act != nil:
			w.comma()
			w.object(func() {
				w.str("@type", "Legislation")
				w.str("name", pg.Act.Label)
				w.str("legislationIdentifier", pg.Act.Identifier)
				w.str("url", pg.Act.URL)
			})
		case pg.Kind == "home":
			w.comma()
			w.object(func() {
				w.str("@type", "WebSite")
				w.str("name", pg.Site.Name)
				w.str("description", pg.Site.Tagline)
				w.str("url", pg.Canonical)
				w.str("inLanguage", pg.Lang)
				if pg.Site.Publisher != "" {
					w.node("publisher", "Organization", func() { w.str("name", pg.Site.Publisher) })
				}
			})
		}
		if len(pg.Crumbs) > 1 {
			w.comma()
			w.object(func() {
				w.str("@type", "BreadcrumbList")
				w.list("itemListElement", len(pg.Crumbs), func(i int) {
					c := pg.Crumbs[i]
					w.object(func() {
						w.str("@type", "ListItem")
						w.number("position", float64(i+1))
						w.str("name", c.Title)
						if c.URL != "" {
							w.str("item", s.origin+c.URL)
						}
					})
				})
			})
		}
		if len(w.b) == n {
			w.b = append(w.b, `{"@type":"WebPage","name":`...)
			w.b = append(jsonText(w.b, pg.Title), '}')
		}
		w.close(']')
	})
	w.b = append(w.b, "</script>"...)
	return template.HTML(w.b)
}

// ldItem describes a document.
func (s *Site) ldItem(w *ldWriter, pg *Page) {
	it := pg.Item
	typ := ldTypes[it.Type]
	if typ == "" {
		typ = "WebPage"
	}
	w.str("@type", typ)
	title := "name"
	if typ == "Article" || typ == "NewsArticle" {
		title = "headline"
	}
	w.str(title, it.Title)
	w.str("description", it.Summary)
	w.str("inLanguage", it.Locale)
	address := pg.Canonical
	if address == "" {
		address = it.URL
	}
	w.str("url", address)
	if it.Image != nil {
		w.str("image", s.reach(it.Image.Src))
	} else if pg.Picture != nil {
		w.str("image", pg.Picture.URL)
	}
	organization := func(key string) {
		if o := it.Organization; o != nil {
			w.node(key, "Organization", func() {
				w.str("name", o.Title)
				if o.URL != "" {
					w.str("url", s.origin+o.URL)
				}
			})
		}
	}
	place := func(p PlaceView) {
		w.object(func() {
			w.str("@type", "Place")
			w.str("name", p.Label)
			w.str("address", p.Address)
			if p.Known {
				w.node("geo", "GeoCoordinates", func() {
					w.number("latitude", p.Lat)
					w.number("longitude", p.Lon)
				})
			}
		})
	}
	topics := func(key string) {
		w.list(key, len(it.Topics), func(i int) { w.b = jsonText(w.b, it.Topics[i].Label) })
	}
	switch typ {
	case "Article", "NewsArticle", "WebPage":
		w.str("datePublished", it.Published.UTC().Format(time.RFC3339))
		w.str("dateModified", it.Updated.UTC().Format(time.RFC3339))
		organization("author")
		if pg.Site.Publisher != "" {
			w.node("publisher", "Organization", func() { w.str("name", pg.Site.Publisher) })
		}
		topics("keywords")
		if it.Act != nil {
			w.node("about", "Legislation", func() {
				w.str("name", it.Act.Label)
				w.str("legislationIdentifier", it.Act.Identifier)
				w.str("url", it.Act.URL)
				w.str("legislationType", it.Text("act_type"))
				w.str("legislationPassedBy", it.Text("issuer"))
			})
		}
		w.list("citation", len(it.References), func(i int) {
			w.object(func() {
				w.str("@type", "Legislation")
				w.str("name", it.References[i].Label)
				w.str("legislationIdentifier", it.References[i].Identifier)
				w.str("url", it.References[i].URL)
			})
		})
		w.list("spatialCoverage", len(it.Territories), func(i int) { w.b = jsonText(w.b, it.Territories[i].Name) })
	case "Event":
		if it.When != nil {
			w.str("startDate", it.When.From)
			w.str("endDate", it.When.To)
		}
		status := "https://schema.org/EventScheduled"
		if it.Cancelled {
			status = "https://schema.org/EventCancelled"
		}
		w.str("eventStatus", status)
		w.list("location", len(it.Places), func(i int) { place(it.Places[i]) })
		organization("organizer")
	case "GovernmentService":
		organization("provider")
		topics("serviceType")
		w.list("areaServed", len(it.Territories), func(i int) { w.b = jsonText(w.b, it.Territories[i].Name) })
		if len(it.Places) > 0 {
			w.node("availableChannel", "ServiceChannel", func() {
				w.list("serviceLocation", len(it.Places), func(i int) { place(it.Places[i]) })
			})
		}
	case "Organization":
		w.list("location", len(it.Places), func(i int) { place(it.Places[i]) })
		if r := it.Row("website"); r != nil {
			w.str("sameAs", string(r.URL))
		}
	}
}

// reach makes a whole address of one that may be within the site.
func (s *Site) reach(address string) string {
	if len(address) > 0 && address[0] == '/' {
		return s.origin + address
	}
	return address
}
