package opendata

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
)

// item is what is needed of a long item of the catalogue.
type item struct {
	ID          string                     `json:"id"`
	Collection  string                     `json:"collection"`
	Locale      string                     `json:"locale"`
	Title       string                     `json:"title"`
	Summary     string                     `json:"summary"`
	Territories []struct{ ISTAT string }   `json:"territories"`
	Topics      []term                     `json:"topics"`
	PublishedAt time.Time                  `json:"published_at"`
	UpdatedAt   time.Time                  `json:"updated_at"`
	Fields      map[string]json.RawMessage `json:"fields"`
	Links       struct{ Self string }      `json:"_links"`
}

type term struct{ ID, Label string }

type link struct{ ID, Title string }

type contact struct{ Name, Role, Email, Phone, Web string }

type place struct {
	Label, Address, Municipality string
	Lat, Lon                     *float64
	Approximate                  bool
}

type hoursRow struct {
	Days          []string
	Holidays      bool
	Opens, Closes string
	ValidFrom     string `json:"valid_from"`
	ValidTo       string `json:"valid_to"`
	Closed        bool
}

// read decodes a field into what into points at, and leaves that alone when the
// item lacks the field.
func read(it *item, name string, into any) error {
	raw := it.Fields[name]
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("opendata: %s of %s: %w", name, it.ID, err)
	}
	return nil
}

// document is a public document in all its languages; the first stands for it in
// what does not depend on a language.
type document struct {
	variants []*item
}

func (d *document) main() *item { return d.variants[0] }

var errNoVariant = errors.New("opendata: a document without a public variant")

// readDocument reads all variants of a document: Italian first, then English,
// then by tag.
func readDocument(entries []catalog.Entry) (*document, error) {
	if len(entries) == 0 {
		return nil, errNoVariant
	}
	d := &document{}
	var buf []byte
	for _, e := range entries {
		var err error
		if buf, err = e.AppendTo(buf[:0], catalog.Identity); err != nil {
			return nil, err
		}
		it := &item{}
		if err := json.Unmarshal(buf, it); err != nil {
			return nil, fmt.Errorf("opendata: %s: %w", e.ID(), err)
		}
		d.variants = append(d.variants, it)
	}
	rank := func(it *item) string { return map[string]string{"it": "0", "en": "1"}[it.Locale] + it.Locale }
	slices.SortFunc(d.variants, func(a, b *item) int { return strings.Compare(rank(a), rank(b)) })
	return d, nil
}

// texts gives what f says in each language, where it says something.
func (d *document) texts(f func(*item) string) []node {
	var out []node
	for _, it := range d.variants {
		if s := strings.TrimSpace(f(it)); s != "" {
			out = append(out, text(it.Locale, s))
		}
	}
	return out
}

// field gives a localised text field in each language.
func (d *document) field(name string) []node {
	return d.texts(func(it *item) string {
		var s string
		if read(it, name, &s) != nil {
			return ""
		}
		return s
	})
}

// put sets a property unless there is nothing to say.
func (n node) put(property string, v any) {
	switch v := v.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case []node:
		if len(v) == 0 {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	}
	n[property] = v
}
