package feeds

import (
	"bytes"
	"encoding/json"
)

// A JSON Feed 1.1 document (https://jsonfeed.org/version/1.1).
type jsonFeed struct {
	Version     string       `json:"version"`
	Title       string       `json:"title"`
	HomePageURL string       `json:"home_page_url"`
	FeedURL     string       `json:"feed_url"`
	Description string       `json:"description"`
	NextURL     string       `json:"next_url,omitempty"`
	Language    string       `json:"language"`
	Authors     []jsonAuthor `json:"authors"`
	Hubs        []jsonHub    `json:"hubs,omitempty"`
	Items       []jsonItem   `json:"items"`
}

type jsonAuthor struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

type jsonHub struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type jsonItem struct {
	ID            string           `json:"id"`
	URL           string           `json:"url"`
	Title         string           `json:"title"`
	ContentHTML   string           `json:"content_html,omitempty"`
	ContentText   string           `json:"content_text,omitempty"`
	Summary       string           `json:"summary,omitempty"`
	Image         string           `json:"image,omitempty"`
	DatePublished string           `json:"date_published"`
	DateModified  string           `json:"date_modified"`
	Authors       []jsonAuthor     `json:"authors"`
	Tags          []string         `json:"tags,omitempty"`
	Language      string           `json:"language"`
	Attachments   []jsonAttachment `json:"attachments,omitempty"`
}

type jsonAttachment struct {
	URL   string `json:"url"`
	Type  string `json:"mime_type"`
	Bytes int64  `json:"size_in_bytes,omitempty"`
}

func appendJSON(dst []byte, v *view) ([]byte, error) {
	f := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: v.Title, HomePageURL: v.Home, FeedURL: v.Self, Description: v.About,
		NextURL: v.Next, Language: v.Locale, Authors: []jsonAuthor{{Name: v.Site, URL: v.Home}}, Items: []jsonItem{},
	}
	if v.Hub != "" {
		f.Hubs = []jsonHub{{Type: "WebSub", URL: v.Hub}}
	}
	for _, it := range v.Items {
		x := jsonItem{
			ID: "urn:uuid:" + it.UUID, URL: it.Page, Title: it.Title, ContentHTML: it.Body, Summary: it.Summary,
			DatePublished: atomTime(it.PublishedAt), DateModified: atomTime(it.Updated), Authors: []jsonAuthor{{Name: it.Author}}, Language: it.Locale,
		}
		if x.ContentHTML == "" { // one of the two must be there
			if x.ContentText = it.Summary; x.ContentText == "" {
				x.ContentText = it.Title
			}
		}
		for _, t := range it.Topics {
			x.Tags = append(x.Tags, t.Label)
		}
		for _, t := range it.Territories {
			if name := plain(t.Name); name != "" {
				x.Tags = append(x.Tags, name)
			}
		}
		if im := it.Image; im != nil {
			x.Image = im.URL
			if im.Type != "" {
				x.Attachments = []jsonAttachment{{URL: im.URL, Type: im.Type, Bytes: im.Bytes}}
			}
		}
		f.Items = append(f.Items, x)
	}
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(f)
	return b.Bytes(), err
}
