package webhooks

import (
	"encoding/json"
	"time"

	"github.com/prassi-cms/prassi/catalog"
)

// items is what is public now. Nothing else is ever said of an item.
type items interface {
	// now gives an item in exactly that language; false when it is not public.
	now(document, locale string) (item, bool)
	// kept gives the item that stands for one that was merged away.
	kept(document, locale string) (item, bool)
	// slug gives the last address of a variant that was withdrawn by that event;
	// empty when it is not known any more.
	slug(seq int64, document, locale string) (slug, url string)
	// terms gives the territories and topics of what is public of a document.
	terms(document string) (territories, topics []string)
}

// item is what a message says of a public item.
type item struct {
	ID         string `json:"id"`
	Type       string `json:"type,omitempty"`
	Collection string `json:"collection,omitempty"`
	Locale     string `json:"locale,omitempty"`
	Slug       string `json:"slug,omitempty"`
	Title      string `json:"title,omitempty"`
	// URL is the page for people, API where the item is read in full.
	URL string `json:"url,omitempty"`
	API string `json:"api_url,omitempty"`
}

// published is items over the catalogue.
type published struct {
	*catalog.Catalog
	base string                     // of addresses of the API
	page func(catalog.Entry) string // nil: there are no pages
}

func (p published) of(e catalog.Entry) item {
	out := item{ID: e.ID(), Type: e.Type(), Collection: e.Collection(), Locale: e.Locale(), Slug: e.Slug(), Title: e.Title(), API: p.base + e.URL()}
	if p.page != nil {
		out.URL = p.page(e)
	}
	return out
}

func (p published) now(document, locale string) (item, bool) {
	e, ok := p.ByID(document, locale)
	if !ok || e.Locale() != locale {
		return item{}, false
	}
	return p.of(e), true
}

func (p published) kept(document, locale string) (item, bool) {
	id, outcome := p.Kept(document)
	if outcome != catalog.Found && outcome != catalog.Moved {
		return item{}, false
	}
	e, ok := p.ByID(id, locale)
	if !ok {
		return item{}, false
	}
	return p.of(e), true
}

func (p published) slug(seq int64, document, locale string) (string, string) {
	list, _ := p.Changes(seq-1, 1)
	if len(list) == 1 && list[0].Seq == seq && list[0].ID == document && list[0].Locale == locale {
		return list[0].Slug, p.base + list[0].URL
	}
	return "", ""
}

func (p published) terms(document string) (territories, topics []string) {
	for _, e := range p.Variants(document) {
		var short struct {
			Territories []struct{ ISTAT string }
			Topics      []struct{ ID string }
		}
		if json.Unmarshal(e.AppendSummary(nil), &short) != nil {
			continue
		}
		for _, t := range short.Territories {
			territories = append(territories, t.ISTAT)
		}
		for _, t := range short.Topics {
			topics = append(topics, t.ID)
		}
	}
	return territories, topics
}

// message is the body of a request (Standard Webhooks, "Payload structure").
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// told is what a message says of an item.
type told struct {
	item
	// Seq is the place in the log, as in /api/v1/changes: of two messages about
	// one item the one with the greater Seq is the newer.
	Seq        int64 `json:"seq"`
	MergedInto *item `json:"merged_into,omitempty"`
}

// compose writes the body of a message. ok is false when there is nothing to say
// that is true: then nothing is sent.
func (h *Hooks) compose(d *Delivery) (body []byte, ok bool, err error) {
	m := message{Type: d.Event, Timestamp: d.At.UTC()}
	switch d.Event {
	case TestPing:
		m.Data = struct {
			Webhook string `json:"webhook"`
		}{d.Subscription}
	case BuildFinished:
		m.Data = struct {
			Build   string `json:"build"`
			Changed int    `json:"changed"`
		}{d.Build, d.Changed}
	case ItemPublished, ItemUpdated:
		i, public := h.items.now(d.Document, d.Locale)
		if !public { // the withdrawal follows
			return nil, false, nil
		}
		m.Data = told{item: i, Seq: d.Seq}
	default:
		_, public := h.items.now(d.Document, d.Locale)
		if public && d.Replay { // an old withdrawal of what came back
			return nil, false, nil
		}
		t := told{item: item{ID: d.Document, Type: d.Type, Collection: d.Collection, Locale: d.Locale}, Seq: d.Seq}
		t.Slug, t.API = h.items.slug(d.Seq, d.Document, d.Locale)
		if kept, ok := h.items.kept(d.Document, d.Locale); ok && d.Event == ItemMerged && kept.ID != d.Document {
			t.MergedInto = &kept
		}
		m.Data = t
	}
	body, err = json.Marshal(m)
	return body, err == nil, err
}
