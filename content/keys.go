package content

import (
	"encoding/json"
	"slices"

	"github.com/prassi-cms/prassi/content/access"
)

// The prefixes of terms that say which files are used, and which by the public.
const (
	termMedia     = "media:"
	termLiveMedia = "live-media:"
)

// The prefixes of terms that say how old the confirmation of a live document is
// ("assured:current", "assured:unverified", "assured:hidden"; what nobody ever
// confirmed has none, as what was written before confirmations were known), and
// what a document was merged into.
const (
	termAssured = "assured:"
	termMerged  = "merged:"
)

// keys computes what the store indexes.
func (s *Service) keys(d *Document) Keys {
	if d.Discarded {
		return Keys{}
	}
	k := Keys{Terms: []string{"all", "type:" + d.Type}}
	add := func(terms ...string) { k.Terms = append(k.Terms, terms...) }
	if d.Owner != "" {
		add("owner:" + d.Owner)
	}
	add("author:" + d.Author)
	for _, code := range d.territories() {
		add("territory:" + code)
		for _, outer := range s.places.Ancestors(code) {
			add("territory:" + outer)
		}
	}
	for i := range d.Variants {
		v := &d.Variants[i]
		add("state:"+v.State, "locale:"+v.Locale, "state:"+v.State+"@"+v.Locale)
		if !v.Live.IsZero() {
			add("live")
		}
		for _, slug := range append([]string{v.Slug, v.LiveSlug}, v.OldSlugs...) {
			if slug != "" {
				k.Slugs = append(k.Slugs, slugKey(d.Type, v.Locale, slug))
			}
		}
		for _, id := range v.Media {
			add(termMedia + id)
		}
		for _, id := range v.LiveMedia {
			add(termMedia+id, termLiveMedia+id)
		}
		for _, due := range v.Schedule {
			if k.Due.IsZero() || due.At.Before(k.Due) {
				k.Due = due.At
			}
		}
	}
	if d.Live() && d.Assured != nil {
		add(termAssured + stageName(d.Assured.Stage))
	}
	if d.MergedInto != "" {
		add(termMerged + d.MergedInto)
	}
	for _, id := range d.LiveMedia {
		add(termMedia+id, termLiveMedia+id)
	}
	slices.Sort(k.Terms)
	k.Terms = slices.Compact(k.Terms)
	slices.Sort(k.Slugs)
	k.Slugs = slices.Compact(k.Slugs)
	if v := d.mainVariant(); v != nil {
		k.Title = titleKey(v.Locale, v.Title)
	}
	return k
}

// mainVariant is the one a list shows when no language was asked for.
func (d *Document) mainVariant() *Variant {
	for _, l := range []string{"it", "en"} {
		if v := d.Variant(l); v != nil {
			return v
		}
	}
	if len(d.Variants) > 0 {
		return &d.Variants[0]
	}
	return nil
}

// territoriesOf reads the document's latest territories, as ISTAT codes.
func (s *Service) territoriesOf(d *Document) []string {
	var shared struct {
		Territories []string `json:"territories"`
	}
	if err := json.Unmarshal(d.Shared, &shared); err != nil {
		return nil
	}
	return shared.Territories
}

// where is what decides on changes: the document as it is now.
func (w *change) where() *access.Object {
	return &access.Object{Organization: w.doc.Owner, Territories: w.s.territoriesOf(w.doc), Locale: w.locale}
}

// whereOf is what decides on steps: the revision that a step is about.
func (w *change) whereOf(v *Variant) *access.Object {
	return &access.Object{Organization: w.doc.Owner, Territories: v.Territories, Locale: v.Locale}
}
