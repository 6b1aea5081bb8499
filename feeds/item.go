package feeds

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/schemas"
)

// document is the part of an item's JSON, short or long, that feeds show.
type document struct {
	ID          string                     `json:"id"`
	Slug        string                     `json:"slug"`
	Locale      string                     `json:"locale"`
	Title       string                     `json:"title"`
	Summary     string                     `json:"summary"`
	Territories []territory                `json:"territories"`
	Topics      []term                     `json:"topics"`
	Org         *struct{ Title string }    `json:"organization"`
	PublishedAt time.Time                  `json:"published_at"`
	UpdatedAt   time.Time                  `json:"updated_at"`
	Fields      map[string]json.RawMessage `json:"fields"`
	HTML        string                     `json:"html"`
	Rendered    map[string]json.RawMessage `json:"rendered"`
}

type territory struct {
	ISTAT string `json:"istat"`
	Name  string `json:"name"`
}

type term struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// picture is a media value as the catalogue shows it.
type picture struct {
	Src   string `json:"src"`
	Type  string `json:"type"`
	Files []struct {
		URL   string `json:"url"`
		Type  string `json:"type"`
		Bytes int64  `json:"bytes"`
	} `json:"files"`
}

// item is what every format says of a published variant.
type item struct {
	document
	Page    string // address
	UUID    string
	Updated time.Time
	Author  string
	Body    string // HTML with whole addresses
	Image   *enclosure
}

// enclosure is a file that belongs to an item. Bytes is zero when it is not ours.
type enclosure struct {
	URL, Type string
	Bytes     int64
}

// read decodes an entry: its short form, or the long one with the text.
func (s *Source) read(e catalog.Entry, long bool) (*item, error) {
	raw := e.AppendSummary(nil)
	if long {
		var err error
		if raw, err = e.AppendTo(raw[:0], catalog.Identity); err != nil {
			return nil, err
		}
	}
	it := &item{}
	if err := json.Unmarshal(raw, &it.document); err != nil {
		return nil, fmt.Errorf("feeds: item %s: %w", e.ID(), err)
	}
	it.Title, it.Summary = plain(it.Title), lines(it.Summary)
	it.Page, it.UUID = s.Page(e), itemID(it.ID, it.Locale)
	if it.Updated = it.UpdatedAt; it.Updated.Before(it.PublishedAt) {
		it.Updated = it.PublishedAt
	}
	it.Author = s.name(it.Locale)
	if it.Org != nil {
		it.Author = plain(it.Org.Title)
	}
	for i := range it.Topics {
		it.Topics[i].Label = plain(it.Topics[i].Label)
	}
	if !long {
		return it, nil
	}
	if t, ok := s.Schemas.Type(e.Type()); ok {
		it.Body = absolute(it.text(t), it.Page, s.mediaBase())
		it.Image = s.image(it, t)
	}
	return it, nil
}

// text is the item's text: when it takes place, the body, and every other text
// under its label.
func (it *item) text(t *schemas.Type) string {
	var b strings.Builder
	if f, ok := t.Field(t.Route.Calendar); ok {
		for _, sp := range spans(it.Fields[f.Name]) {
			fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(sp.words(it.Locale, codeEnds)))
		}
	}
	b.WriteString(it.HTML)
	for _, f := range t.Fields {
		var text string
		if json.Unmarshal(it.Rendered[f.Name], &text) == nil && text != "" {
			fmt.Fprintf(&b, "\n<h2>%s</h2>\n%s", html.EscapeString(f.Label.In(it.Locale)), text)
		}
	}
	return strings.TrimSpace(b.String())
}

// image is the first picture of the item.
func (s *Source) image(it *item, t *schemas.Type) *enclosure {
	for _, f := range t.Fields {
		if f.Kind != "media" || f.Repeated {
			continue
		}
		var p picture
		if json.Unmarshal(it.Fields[f.Name], &p) != nil || p.Src == "" {
			continue
		}
		out := &enclosure{URL: p.Src, Type: p.Type}
		if len(p.Files) > 0 {
			out = &enclosure{URL: p.Files[0].URL, Type: p.Files[0].Type, Bytes: p.Files[0].Bytes}
		}
		if strings.HasPrefix(out.URL, "/") {
			out.URL = s.mediaBase() + out.URL
		}
		return out
	}
	return nil
}
