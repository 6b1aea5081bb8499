package widgets

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// OEmbed is an answer of oEmbed 1.0 (oembed.com, section 2.3.4) of the type rich.
type OEmbed struct {
	XMLName      xml.Name `json:"-" xml:"oembed"`
	Type         string   `json:"type" xml:"type" enum:"rich"`
	Version      string   `json:"version" xml:"version"`
	Title        string   `json:"title" xml:"title"`
	AuthorName   string   `json:"author_name,omitempty" xml:"author_name,omitempty"`
	ProviderName string   `json:"provider_name" xml:"provider_name"`
	ProviderURL  string   `json:"provider_url" xml:"provider_url"`
	CacheAge     int      `json:"cache_age" xml:"cache_age" minimum:"0" doc:"Seconds."`
	HTML         string   `json:"html" xml:"html"`
	Width        int      `json:"width" xml:"width" minimum:"1" doc:"Pixels."`
	Height       int      `json:"height" xml:"height" minimum:"1" doc:"Pixels."`
}

// XML gives the answer as XML.
func (o *OEmbed) XML() ([]byte, error) {
	data, err := xml.Marshal(o)
	return append([]byte(`<?xml version="1.0" encoding="utf-8" standalone="yes"?>`+"\n"), data...), err
}

// Sizes of frames, in pixels.
const (
	frameWidth   = 600
	narrow       = 380 // below it lines are short and rows are higher
	maxFrameSide = 10_000
	cacheAge     = 3600
)

// frameSize is how much room the frame of a widget takes, within bounds (0: none).
func frameSize(a *Ask, maxWidth, maxHeight int) (width, height int) {
	width = frameWidth
	if maxWidth > 0 {
		width = min(width, maxWidth)
	}
	row := 104
	if width < narrow {
		row = 148
	}
	height = 132 + row*a.Limit
	if a.one() {
		height = 320
	}
	if maxHeight > 0 {
		height = min(height, maxHeight)
	}
	return width, height
}

// OEmbed answers for the address of an item's page or of a frame. here is the
// public address of this server, for when it is not configured. Problems:
// not_found for addresses that are not ours or name nothing public, forbidden for
// a draft's.
func (w *Widgets) OEmbed(address, here string, maxWidth, maxHeight int) (*OEmbed, error) {
	missing := &content.Problem{Class: content.NotFound, Code: "not_found"}
	path, query, ok := w.ours(address, here)
	if !ok {
		return nil, missing
	}
	if strings.HasPrefix(path, "/preview/") { // for those who hold the address only
		return nil, &content.Problem{Class: content.Unauthenticated, Code: "unauthenticated"}
	}
	a, err := w.asked(path, query)
	if err != nil {
		return nil, missing
	}
	p, err := w.partner(&a)
	if err != nil {
		return nil, err
	}
	base := w.base
	if base == "" {
		base = here
	}
	out := &OEmbed{
		Type: "rich", Version: "1.0", Title: messages.Text(a.Lang, "label_widget_"+a.Widget, nil),
		ProviderName: w.siteName(a.Lang), ProviderURL: base + "/", CacheAge: cacheAge,
	}
	if a.one() {
		d, err := w.card(&a, p)
		if err != nil {
			return nil, err
		}
		out.Title = d.Title
		if d.Organization != nil {
			out.AuthorName = d.Organization.Title
		}
	}
	out.Width, out.Height = frameSize(&a, maxWidth, maxHeight)
	out.HTML, err = w.frame(&a, base, out.Title, out.Width, out.Height)
	return out, err
}

// frame is the element that shows a widget in a frame.
func (w *Widgets) frame(a *Ask, base, title string, width, height int) (string, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, "frame.html", map[string]any{
		"Address": base + "/embed/" + a.Widget + "?" + a.query(), "Title": title, "Width": width, "Height": height,
	})
	if err != nil {
		return "", fmt.Errorf("widgets: frame.html: %w", err)
	}
	return strings.TrimSpace(b.String()), nil
}

// ours gives the path and the query of an address of this server, of the site, or of
// the site that was built for a partner.
func (w *Widgets) ours(address, here string) (path string, query url.Values, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(address) > 2000 {
		return "", nil, false
	}
	for _, base := range []string{w.base, w.site, here} {
		b, err := url.Parse(base)
		if base == "" || err != nil || !strings.EqualFold(b.Host, u.Host) {
			continue
		}
		if rest, in := strings.CutPrefix(u.EscapedPath(), strings.TrimRight(b.EscapedPath(), "/")); in && strings.HasPrefix(rest, "/") {
			query, err := url.ParseQuery(u.RawQuery)
			return rest, query, err == nil
		}
	}
	if w.partners != nil && w.partners.HasDomain(u.Host) && !strings.HasPrefix(u.EscapedPath(), "/embed/") {
		return u.EscapedPath(), nil, u.Path != ""
	}
	return "", nil, false
}

// asked gives the widget that stands for a page of ours.
func (w *Widgets) asked(path string, query url.Values) (Ask, error) {
	if name, ok := strings.CutPrefix(path, "/embed/"); ok {
		return w.Parse(name, query)
	}
	missing := &content.Problem{Class: content.NotFound, Code: "not_found"}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 {
		return Ask{}, missing
	}
	for _, t := range w.schemas.Types() {
		prefix, suffix, ok := strings.Cut(t.Route.Path, "{slug}")
		rest := strings.Join(parts[1:], "/")
		if !ok || !strings.HasPrefix(rest, prefix) || !strings.HasSuffix(rest, suffix) || len(rest) <= len(prefix)+len(suffix) {
			continue
		}
		slug, err := url.PathUnescape(rest[len(prefix) : len(rest)-len(suffix)])
		if err != nil || strings.Contains(slug, "/") {
			return Ask{}, missing
		}
		if w.catalog.Get(t.Collection, slug, parts[0]).Outcome == catalog.NotFound {
			return Ask{}, missing
		}
		q := url.Values{"locale": {parts[0]}, "slug": {slug}, "collection": {t.Collection}}
		if t.Collection == "practices" {
			return w.Parse("practice", q)
		}
		return w.Parse("card", q)
	}
	return Ask{}, missing
}

// Schemes are the patterns of addresses that OEmbed answers for, as oEmbed writes
// them.
func (w *Widgets) Schemes() []string {
	out := []string{w.base + "/embed/*"}
	for _, t := range w.schemas.Types() {
		if t.Route.Path != "" {
			out = append(out, w.site+"/*/"+strings.ReplaceAll(t.Route.Path, "{slug}", "*")+"/")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
