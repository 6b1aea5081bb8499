package freshness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// published is what the public sees of a document, or would if it were not
// hidden for its age: the live text in one language and the live facts, without
// what a sensitive document keeps to itself.
type published struct {
	locale   string // of the text
	language string // of messages about it
	title    string
	shared   schemas.Values
	values   schemas.Values // shared and text
}

// published reads the variant in that locale, or else the one that readers are
// shown instead.
func (k *Keeper) published(ctx context.Context, d *content.Document, locale string) (*published, error) {
	v := liveVariant(d, locale)
	if v == nil {
		return nil, fmt.Errorf("document %s: %w", d.ID, content.ErrNotFound)
	}
	revisions, err := k.store.RevisionsByHash(ctx, []string{v.Live.Hash, d.LiveShared.Hash})
	if err != nil {
		return nil, err
	}
	text, facts := revisions[0], revisions[1]
	typ, known := k.service.Schemas().Type(d.Type)
	if text == nil || facts == nil || !known {
		return nil, fmt.Errorf("document %s: %w", d.ID, errors.New("a live revision is missing"))
	}
	values := schemas.Values{}
	for _, part := range []json.RawMessage{facts.Shared, text.Localized} {
		if err := json.Unmarshal(part, &values); err != nil {
			return nil, fmt.Errorf("revision of %s: %w", d.ID, err)
		}
	}
	if d.Sensitive {
		values = typ.AsPrivate(values)
	}
	values = typ.Public(values, k.service.Territories())
	p := &published{locale: v.Locale, language: spoken(v.Locale), values: values}
	p.shared, _ = typ.Split(values)
	p.title, _ = values["title"].(string)
	return p, nil
}

// liveVariant gives the live variant in that language, else in Italian, English or
// whatever there is.
func liveVariant(d *content.Document, locale string) *content.Variant {
	for _, l := range []string{locale, "it", "en"} {
		for i := range d.Variants {
			if v := &d.Variants[i]; !v.Live.IsZero() && (v.Locale == l || spokenAs(v.Locale, l)) {
				return v
			}
		}
	}
	i := slices.IndexFunc(d.Variants, func(v content.Variant) bool { return !v.Live.IsZero() })
	if i < 0 {
		return nil
	}
	return &d.Variants[i]
}

// spokenAs says that a variant is in that language of messages.
func spokenAs(locale, language string) bool {
	return slices.Contains(messages.Languages, language) && len(locale) > len(language) && locale[:len(language)+1] == language+"-"
}

// title names a document in messages: that of its live variant, in plain letters.
func (k *Keeper) title(d *content.Document, locale string) string {
	if v := liveVariant(d, locale); v != nil {
		return plain(v.Title)
	}
	return ""
}
