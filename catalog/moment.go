package catalog

import "iter"

// Moment is the catalogue as it was when it was asked for: whoever reads much of
// it (a site's builder) sees no change in between.
type Moment struct{ s *snapshot }

// Moment gives the present one.
func (c *Catalog) Moment() Moment { return Moment{c.snap.Load()} }

// Cursor is the sequence number of the last event in it.
func (m Moment) Cursor() int64 { return m.s.cursor }

// All gives every public variant, by document id, then locale.
func (m Moment) All() iter.Seq[Entry] { return m.s.all() }

// Former is an address that an item does not have any more.
type Former struct {
	Collection, Slug, Locale string
	// ID is the document that stands for it now; empty when none is public.
	ID string
	// Withdrawn: nothing is public in that language under any slug.
	Withdrawn bool
}

// Former gives every address that was public and is not, in no order. An address
// that is another item's now is among them.
func (m Moment) Former() iter.Seq[Former] {
	return func(yield func(Former) bool) {
		m.s.docs.all(func(_ string, r *record) bool {
			kept := m.s.kept(r)
			id := ""
			if len(kept.variants) > 0 {
				id = kept.id
			}
			for _, v := range r.variants {
				for _, slug := range v.former {
					if !yield(Former{Collection: r.collection, Slug: slug, Locale: v.locale, ID: id}) {
						return false
					}
				}
			}
			for _, g := range r.gone {
				for _, slug := range g.slugs {
					if !yield(Former{Collection: r.collection, Slug: slug, Locale: g.locale, ID: id, Withdrawn: true}) {
						return false
					}
				}
			}
			return true
		})
	}
}

// Media are the files that the live revisions of the document use. They must not
// be changed.
func (e Entry) Media() []*Media { return e.v.rec.media }

// Members calls f with every member of a JSON object in order: the key as it is
// written, without its quotation marks, and the value's bytes. It checks brackets
// and strings and leaves the rest to who reads the values; what is not an object is
// an error, and so is f's.
func Members(object []byte, f func(key string, value []byte) error) error {
	return members(object, f)
}

// Elements calls f with the bytes of every element of a JSON array in order. What
// is not an array has none; so has what comes after a damaged element.
func Elements(array []byte, f func(value []byte)) {
	i := space(array, 0)
	if i >= len(array) || array[i] != '[' {
		return
	}
	for i = space(array, i+1); i < len(array) && array[i] != ']'; {
		end := skipValue(array, i)
		if end < 0 {
			return
		}
		f(array[i:end])
		if i = space(array, end); i < len(array) && array[i] == ',' {
			i = space(array, i+1)
		}
	}
}
