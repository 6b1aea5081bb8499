package site

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"encoding/xml"

	"github.com/prassi-cms/prassi/site/release"
)

// global emits the files that belong to no language.
func (p *plan) global() {
	d := newDigester()
	first := p.editions[0]
	fixed := func(path, typ string, status int, inputs release.Digest, ed *edition, page func(*plan, *job) (*Page, error), data func(*plan, *job, []byte) ([]byte, error), arg any) {
		p.emit(&job{File: release.File{Path: path, Type: typ, Status: status, Inputs: inputs}, ed: ed, page: page, data: data, arg: arg})
	}
	for _, a := range p.Site.assets {
		p.emit(&job{File: release.File{Path: a.path, Type: a.typ, Immutable: true, Inputs: d.str(a.path, a.typ).sum()}, data: (*plan).assetFile, arg: a})
	}
	if a := p.outlines; a != nil {
		p.emit(&job{File: release.File{Path: a.path, Type: a.typ, Immutable: true, Inputs: d.str(a.path, a.typ).sum()}, data: (*plan).assetFile, arg: a})
	}
	english := p.editions[p.fallbackIndex()]
	fixed("index.html", "", 0, d.dig(english.print).str("languages").sum(), english, (*plan).languagesPage, nil, nil)
	// Hosts of plain files look for this name.
	fixed("404.html", "", 404, d.dig(first.print).str("404").sum(), first, (*plan).plainPage, nil, "notfound")
	fixed("robots.txt", textType, 0, d.str(string(p.fingerprint[:]), "robots").sum(), nil, nil, (*plan).robots, nil)
	d.dig(first.print).str("llms")
	fixed("llms.txt", textType, 0, d.sum(), first, nil, (*plan).llms, nil)
	if p.cfg.SecurityContact != "" {
		fixed(".well-known/security.txt", textType, 0, d.str(string(p.fingerprint[:]), "security", p.expires()).sum(), nil, nil, (*plan).security, nil)
	}
	if p.origin != "" {
		p.sitemaps(d)
	}
}

const textType = "text/plain; charset=utf-8"

func (p *plan) assetFile(j *job, dst []byte) ([]byte, error) { return j.arg.(*asset).data, nil }

// languagesPage is the front door: every language by its own name.
func (p *plan) languagesPage(j *job) (*Page, error) {
	ed := j.ed
	pg := p.page(ed, "languages", "languages", "", ed.text("site_title_languages"))
	pg.Path = "/"
	pg.Description = ed.view.Tagline
	p.everywhere(pg, ed, "")
	for i := range pg.Languages {
		pg.Languages[i].Current = false
	}
	if p.origin != "" {
		pg.Canonical = p.origin + p.prefix + "/"
	}
	pg.Title = ed.view.Name
	return pg, nil
}

func (p *plan) robots(_ *job, dst []byte) ([]byte, error) {
	dst = append(dst, "User-agent: *\n"...)
	for _, t := range p.tongues {
		dst = fmt.Appendf(dst, "Disallow: %s/%s/search/?\n", p.prefix, t.tag)
	}
	dst = append(dst, "Allow: /\n"...)
	if p.origin != "" {
		dst = fmt.Appendf(dst, "\nSitemap: %s%s/sitemap.xml\n", p.origin, p.prefix)
	}
	return dst, nil
}

// llms is an index for language models (llmstxt.org).
func (p *plan) llms(j *job, dst []byte) ([]byte, error) {
	v := j.ed.view
	dst = fmt.Appendf(dst, "# %s\n\n> %s\n", oneLine(v.Name), oneLine(v.Tagline))
	for _, l := range v.Languages {
		dst = fmt.Appendf(dst, "\n## %s\n\n", oneLine(l.Name))
		ed := p.editions[slices.IndexFunc(p.editions, func(ed *edition) bool { return ed.tag == l.Locale })]
		for _, c := range ed.view.Collections {
			dst = fmt.Appendf(dst, "- [%s](%s): %s\n", oneLine(c.Label), p.origin+c.URL, oneLine(ed.label(p.shapeNamed(c.Name).typ.Help)))
		}
	}
	dst = fmt.Appendf(dst, "\n## API\n\n- [OpenAPI](%s)\n", cmp.Or(p.cfg.API, p.origin+p.prefix)+"/openapi.json")
	return dst, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// expires is when security.txt must have been renewed (RFC 9116, section 2.5.5):
// a first day of a month, at least six months ahead, so that it changes with the
// month and not with the day.
func (p *plan) expires() string {
	t, err := time.Parse(time.DateOnly, p.day)
	if err != nil { // made by today
		panic(err)
	}
	return time.Date(t.Year(), t.Month()+7, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
}

func (p *plan) security(_ *job, dst []byte) ([]byte, error) {
	dst = fmt.Appendf(dst, "Contact: %s\nExpires: %s\nPreferred-Languages: %s\n", oneLine(p.cfg.SecurityContact), p.expires(), strings.Join(p.cfg.Languages, ", "))
	if p.origin != "" {
		dst = fmt.Appendf(dst, "Canonical: %s%s/.well-known/security.txt\n", p.origin, p.prefix)
	}
	return dst, nil
}

// siteMapSize is how many addresses a sitemap holds (the protocol allows 50,000):
// few enough that a change writes little.
const siteMapSize = 1000

// siteMap is a part of the addresses of an edition.
type siteMap struct {
	path  string
	items []int32
	pages []string // or pages that are no items
}

// sitemaps emits the sitemaps (sitemaps.org) and their index.
func (p *plan) sitemaps(d *digester) {
	var all []*siteMap
	for _, ed := range p.editions {
		var own []int32
		for i := range ed.items {
			if f := ed.items[i].f; f != nil && f.locale == ed.tag {
				own = append(own, int32(i))
			}
		}
		n := 0
		for part := range slices.Chunk(own, siteMapSize) {
			n++
			m := &siteMap{path: "sitemaps/" + ed.tag + "-" + strconv.Itoa(n) + ".xml", items: part}
			d.str(string(p.fingerprint[:]), m.path)
			for _, i := range part {
				d.dig(p.docs[i].urls).str(ed.items[i].f.entry.LastModified().Format(time.DateOnly))
				for _, f := range p.docs[i].variants {
					d.str(f.locale)
				}
			}
			all = append(all, m)
			p.emit(&job{File: release.File{Path: m.path, Type: xmlType, Inputs: d.sum()}, ed: ed, data: (*plan).sitemap, arg: m})
		}
	}
	m := &siteMap{path: "sitemaps/pages.xml", pages: p.generalPages()}
	all = append(all, m)
	d.str(string(p.fingerprint[:]), m.path)
	d.str(m.pages...)
	p.emit(&job{File: release.File{Path: m.path, Type: xmlType, Inputs: d.sum()}, data: (*plan).pagesMap, arg: m})
	d.str(string(p.fingerprint[:]), "sitemap.xml")
	for _, m := range all {
		d.str(m.path)
	}
	p.emit(&job{File: release.File{Path: "sitemap.xml", Type: xmlType, Inputs: d.sum()}, data: (*plan).mapIndex, arg: all})
}

const xmlType = "application/xml; charset=utf-8"

// generalPages are the pages that are no items, below /{tag}/.
func (p *plan) generalPages() []string {
	out := []string{"", "territories/", "topics/", "acts/", "deadlines/", "accessibility/", "privacy/"}
	for _, sh := range p.collections {
		out = append(out, sh.folder+"/")
	}
	if p.showcase {
		out = append(out, "showcase/")
	}
	for _, r := range p.places.regions {
		out = append(out, r.path+"/")
		for _, c := range r.children {
			out = append(out, c.path+"/")
		}
	}
	for _, t := range p.topics {
		out = append(out, "topics/"+safeName(t.ID)+"/")
	}
	for _, key := range p.acts {
		out = append(out, "acts/"+key+"/")
	}
	return out
}

const mapHead = xml.Header + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">` + "\n"

func (p *plan) sitemap(j *job, dst []byte) ([]byte, error) {
	ed := j.ed
	dst = append(dst, mapHead...)
	for _, i := range j.arg.(*siteMap).items {
		x := &ed.items[i]
		dst = p.mapURL(dst, p.origin+p.prefix+x.url, x.f.entry.LastModified().Format(time.DateOnly), func(add func(locale, url string)) {
			if len(p.docs[i].variants) < 2 {
				return
			}
			for _, other := range p.editions {
				if y := &other.items[i]; y.f != nil && y.f.locale == other.tag {
					add(other.tag, p.origin+p.prefix+y.url)
				}
			}
		})
	}
	return append(dst, "</urlset>\n"...), nil
}

func (p *plan) pagesMap(j *job, dst []byte) ([]byte, error) {
	dst = append(dst, mapHead...)
	for _, rest := range j.arg.(*siteMap).pages {
		for _, t := range p.tongues {
			dst = p.mapURL(dst, p.origin+p.prefix+"/"+t.tag+"/"+rest, "", func(add func(locale, url string)) {
				for _, t := range p.tongues {
					add(t.tag, p.origin+p.prefix+"/"+t.tag+"/"+rest)
				}
			})
		}
	}
	return append(dst, "</urlset>\n"...), nil
}

func (p *plan) mapURL(dst []byte, url, day string, alternates func(add func(locale, url string))) []byte {
	dst = append(dst, "<url><loc>"...)
	dst = xmlText(dst, url)
	dst = append(dst, "</loc>"...)
	if day != "" {
		dst = append(append(append(dst, "<lastmod>"...), day...), "</lastmod>"...)
	}
	alternates(func(locale, url string) {
		dst = append(append(dst, `<xhtml:link rel="alternate" hreflang="`...), locale...)
		dst = append(dst, `" href="`...)
		dst = append(xmlText(dst, url), `"/>`...)
	})
	return append(dst, "</url>\n"...)
}

func (p *plan) mapIndex(j *job, dst []byte) ([]byte, error) {
	dst = append(dst, xml.Header+`<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`+"\n"...)
	for _, m := range j.arg.([]*siteMap) {
		dst = append(dst, "<sitemap><loc>"...)
		dst = xmlText(dst, p.origin+p.prefix+"/"+m.path)
		dst = append(dst, "</loc></sitemap>\n"...)
	}
	return append(dst, "</sitemapindex>\n"...), nil
}

// xmlText escapes for XML.
func xmlText(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, "&<>\"'") {
		return append(dst, s...)
	}
	b := bytes.NewBuffer(dst)
	_ = xml.EscapeText(b, []byte(s)) // a buffer
	return b.Bytes()
}

// mapView describes a map of items.
func (p *plan) mapView(ed *edition, data string, list []int32) *MapView {
	v := &MapView{Data: data}
	var west, south, east, north float64
	for _, i := range list {
		for _, pt := range ed.items[i].f.points {
			lat, ok := float([]byte(pt.lat))
			lon, good := float([]byte(pt.lon))
			if !ok || !good {
				continue
			}
			if v.Count++; v.Count == 1 {
				west, south, east, north = lon, lat, lon, lat
			}
			west, south, east, north = min(west, lon), min(south, lat), max(east, lon), max(north, lat)
		}
	}
	if v.Count > 0 {
		v.BBox = fmt.Sprintf("%g,%g,%g,%g", west, south, east, north)
	}
	return v
}

// mapFile emits the points of a collection (GeoJSON, RFC 7946).
func (p *plan) mapFile(d *digester, ed *edition, l *listing) {
	if len(l.mapped) == 0 {
		return
	}
	d.str(string(p.fingerprint[:]), ed.tag, l.rest)
	for _, i := range l.mapped {
		d.dig(ed.items[i].f.onMap).str(ed.items[i].url)
	}
	p.emit(&job{File: release.File{Path: ed.tag + "/" + l.rest + "map.json", Type: "application/geo+json", Inputs: d.sum()}, ed: ed, data: (*plan).mapData, arg: l.mapped})
}

func (p *plan) mapData(j *job, dst []byte) ([]byte, error) {
	return append(p.appendPoints(dst, j.ed, j.arg.([]int32)), '\n'), nil
}

// appendPoints appends a FeatureCollection of the places of items.
func (p *plan) appendPoints(dst []byte, ed *edition, list []int32) []byte {
	dst = append(dst, `{"type":"FeatureCollection","features":[`...)
	first := true
	for _, i := range list {
		x := &ed.items[i]
		for _, pt := range x.f.points {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(dst, `{"type":"Feature","geometry":{"type":"Point","coordinates":[`...)
			dst = append(append(append(dst, pt.lon...), ','), pt.lat...)
			dst = append(dst, `]},"properties":{"title":`...)
			dst = jsonText(dst, x.f.title)
			dst = append(dst, `,"url":`...)
			dst = jsonText(dst, p.prefix+x.url)
			dst = append(dst, `,"locale":"`+x.f.locale+`","dir":"`+x.f.dir+`"`...)
			if pt.label != "" {
				dst = jsonText(append(dst, `,"label":`...), pt.label)
			}
			if pt.address != "" {
				dst = jsonText(append(dst, `,"address":`...), pt.address)
			}
			if pt.approximate {
				dst = append(dst, `,"approximate":true`...)
			}
			dst = append(dst, `}}`...)
		}
	}
	return append(dst, "]}"...)
}

// former emits, for addresses that items had, pages that lead on (301) or say that
// nothing is there any more (410).
func (p *plan) former(d *digester, ed *edition) {
	// leads decides for one address; when several documents had it, the one that is
	// still there, then the first, wins whatever the order they come in.
	leads := map[string]int32{}
	note := func(collection, slug string, to int32) {
		sh := p.shapeNamed(collection)
		if sh == nil {
			return
		}
		url := "/" + ed.tag + "/" + sh.before + safeName(slug) + sh.after + "/"
		was, known := leads[url]
		if !known || to >= 0 && (was < 0 || to < was) {
			leads[url] = to
		}
	}
	for _, f := range p.left {
		i, ok := p.byID[f.ID]
		switch {
		case ok && ed.items[i].f != nil:
			if f.Locale == ed.tag || !p.cfg.NoFallback {
				note(f.Collection, f.Slug, i)
			}
		case !p.filtered() && (f.Locale == ed.tag || !p.cfg.NoFallback):
			note(f.Collection, f.Slug, -1)
		}
	}
	// A translation that came later has an address of its own; the page that stood
	// in for it was at another's.
	if !p.cfg.NoFallback {
		for i, x := range p.docs {
			if len(x.variants) < 2 || ed.items[i].f == nil {
				continue
			}
			for _, f := range x.variants {
				if f.slug != ed.items[i].f.slug {
					note(f.shape.typ.Collection, f.slug, int32(i))
				}
			}
		}
	}
	if len(leads) > 0 {
		for i := range ed.items {
			delete(leads, ed.items[i].url) // somebody else is there now
		}
	}
	for url, to := range leads {
		j := &job{File: release.File{Path: url[1:] + "index.html"}, ed: ed, i: to, arg: url}
		if to < 0 {
			j.Status, j.Inputs = 410, d.dig(ed.print).str("gone").sum()
			j.data = (*plan).goneFile
			j.Type = "text/html; charset=utf-8"
		} else {
			j.Status, j.Location = 301, p.prefix+ed.items[to].url
			j.Inputs = d.dig(ed.print).str("moved", j.Location).dig(ed.items[to].f.head).sum()
			j.page = (*plan).movedPage
		}
		p.emit(j)
	}
}

// movedPage leads on where the server does not.
func (p *plan) movedPage(j *job) (*Page, error) {
	ed := j.ed
	to := p.linkTo(ed, j.i)
	pg := p.page(ed, "moved", "moved", strings.Trim(j.arg.(string), "/"), ed.text("site_title_moved"))
	pg.NoIndex, pg.Moved = true, &to
	p.everywhere(pg, ed, "")
	pg.Canonical = p.whole(to.URL)
	return pg, nil
}

// goneFile is the same page at every address that is no more.
func (p *plan) goneFile(j *job, dst []byte) ([]byte, error) {
	g := &j.ed.gone
	g.once.Do(func() {
		page, err := p.plainPage(&job{ed: j.ed, arg: "gone"})
		if err != nil {
			g.err = err
			return
		}
		var b bytes.Buffer
		g.err = p.execute(&b, j.ed.tongue, page)
		g.body = b.Bytes()
	})
	return g.body, g.err
}
