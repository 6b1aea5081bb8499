package meiliindex

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/meilisearch/meilisearch-go"

	"github.com/prassi-cms/prassi/search"
)

// Names that the server knows.
const (
	metaID  = "prassi-meta"
	classes = search.Classes
	// between parts an act's value in the facet, so that its number begins it.
	between = "\u001f"
	// apart keeps words of a list from being neighbours, which phrases ask for:
	// Meilisearch takes a full stop for a border of sentences.
	apart = " . "
)

// record is a document as the server holds it.
type record map[string]any

// facetAttribute is the attribute of a facet, keyAttribute that of an order.
func facetAttribute(name string) string { return "f_" + name }
func keyAttribute(name string) string   { return "k_" + name }

// attribute is one of words (w) or stems (s) of a class, in a locale.
func attribute(kind string, class int, locale string) string {
	return kind + strconv.Itoa(class) + "_" + strings.ReplaceAll(locale, "-", "_")
}

func attributes(kind, locale string) (out []string) {
	for class := range classes {
		out = append(out, attribute(kind, class, locale))
	}
	return out
}

// languages are the locales that Meilisearch has rules for. What it does not
// know it would guess from a few words, and take Chinese for Japanese.
var languages = map[string]string{
	"it": "it", "en": "en", "fr": "fr", "es": "es", "ar": "ar", "zh-Hans": "zh", "bn": "bn", "de": "de", "fa": "fa", "fil": "tl",
	"hi": "hi", "pa": "pa", "pl": "pl", "pt": "pt", "ro": "ro", "ru": "ru", "si": "si", "sl": "sl", "sr": "sr", "ta": "ta", "ti": "am",
	"tr": "tr", "uk": "uk", "ur": "ur", "vi": "vi",
}

// declared are the server's settings for the declarations.
func declared(s *search.Settings) *meilisearch.Settings {
	out := &meilisearch.Settings{
		// What is asked for explicitly comes first; then the words; then what the
		// type's declaration says; then the newest.
		RankingRules:         []string{"sort", "words", "typo", "proximity", "attribute", "exactness", "boost:desc", "published:desc"},
		FilterableAttributes: []string{"_geo", "acts", "begins", "document", "ends", "locale", "locales", "owner", "part", "placed"},
		SortableAttributes:   []string{"_geo", "id", "published", "updated", keyAttribute(search.SortTitle)},
		TypoTolerance: &meilisearch.TypoTolerance{
			Enabled:             true,
			MinWordSizeForTypos: meilisearch.MinWordSizeForTypos{OneTypo: search.OneTypo, TwoTypos: search.TwoTypos},
			DisableOnWords:      []string{}, DisableOnAttributes: []string{}, DisableOnNumbers: true,
		},
		Faceting: &meilisearch.Faceting{
			MaxValuesPerFacet: search.MaxFacetValues,
			SortFacetValuesBy: map[string]meilisearch.SortFacetType{"*": meilisearch.SortFacetTypeCount},
		},
		// Totals end there too, so it is more than any installation has.
		Pagination: &meilisearch.Pagination{MaxTotalHits: 1_000_000},
	}
	for _, name := range s.Facets {
		out.FilterableAttributes = append(out.FilterableAttributes, facetAttribute(name))
	}
	for _, name := range s.Keys {
		out.SortableAttributes = append(out.SortableAttributes, keyAttribute(name))
	}
	for class := range classes {
		for _, locale := range s.Locales {
			out.SearchableAttributes = append(out.SearchableAttributes, attribute("w", class, locale), attribute("s", class, locale))
			out.TypoTolerance.DisableOnAttributes = append(out.TypoTolerance.DisableOnAttributes, attribute("s", class, locale))
		}
	}
	for _, locale := range s.Locales {
		if language := languages[locale]; language != "" {
			out.LocalizedAttributes = append(out.LocalizedAttributes, &meilisearch.LocalizedAttributes{
				Locales: []string{language}, AttributePatterns: append(attributes("w", locale), attributes("s", locale)...),
			})
		}
	}
	return out
}

// records makes the records of a document.
func (x *Index) records(d *search.Document) []record {
	published := d.Published.UnixMilli()
	begins, ends := published, published
	if !d.From.IsZero() {
		begins = d.From.UnixMilli()
		ends = begins
	}
	if !d.To.IsZero() {
		ends = d.To.UnixMilli() - 1
	}
	base := record{
		"owner": d.ID, "document": d.Document, "version": d.Version, "type": d.Type,
		"locale": d.Locale, "locales": locales(d), "slug": d.Slug, "title": d.Title, "published": published, "updated": d.Updated.UnixMilli(),
		"begins": begins, "ends": ends, "placed": len(d.Points) > 0, "boost": cmp.Or(x.settings.Boosts[d.Type], 1),
		keyAttribute(search.SortTitle): search.Fold(d.Title), "summary": d.Summary, "body": d.Body, "other": texts(d),
		"points": d.Points, "acts": acts(d),
	}
	for _, facet := range x.settings.Facets {
		if values := d.Values(facet); len(values) > 0 {
			base[facetAttribute(facet)] = values
		}
	}
	for _, name := range x.settings.Keys {
		if key := d.Keys[name]; key != "" {
			base[keyAttribute(name)] = key
		}
	}
	x.words(d, base)
	out := make([]record, max(len(d.Points), 1))
	for part := range out {
		r := maps.Clone(base)
		r["id"], r["part"] = partID(d.ID, part), part
		if part < len(d.Points) {
			r["_geo"] = map[string]float64{"lat": d.Points[part].Lat, "lng": d.Points[part].Lon}
		}
		out[part] = r
	}
	return out
}

// partID is the id of a record. The ids of variants end in a locale, so none is
// that of another's part.
func partID(id string, part int) string {
	if part == 0 {
		return id
	}
	return id + "_part" + strconv.Itoa(part)
}

func locales(d *search.Document) []string {
	out := append([]string{d.Locale}, d.Locales...)
	slices.Sort(out)
	return slices.Compact(out)
}

func texts(d *search.Document) []string {
	out := []string{}
	for _, t := range d.Texts {
		out = append(out, t.Text)
	}
	return out
}

func acts(d *search.Document) []string {
	out := []string{}
	for _, a := range d.Acts {
		out = append(out, a.Key()+between+a.Label+between+a.Identifier)
	}
	return out
}

// words fills the searchable attributes.
func (x *Index) words(d *search.Document, r record) {
	class := map[string]int{} // of each stem, the best in which it stands
	w, s := [classes][]string{}, [classes][]string{}
	longer := [classes]map[string]bool{{}, {}, {}}
	add := func(weight int, text string) {
		if text == "" || weight <= 0 {
			return
		}
		at := search.ClassOf(weight)
		var words, stems strings.Builder
		for i, t := range search.Tokens(nil, text) {
			stem := search.Stem(d.Locale, t.Term)
			if i > 0 {
				words.WriteByte(' ')
				stems.WriteByte(' ')
			}
			words.WriteString(t.Term)
			stems.WriteString(stem)
			if stem != t.Term {
				longer[at][t.Term] = true
			}
			if best, ok := class[stem]; !ok || at < best {
				class[stem] = at
			}
		}
		w[at], s[at] = append(w[at], words.String()), append(s[at], stems.String())
	}
	add(x.weight(d.Type, "title", 10), d.Title)
	add(x.weight(d.Type, "summary", 6), d.Summary)
	add(x.weight(d.Type, "body", 3), d.Body)
	for _, t := range d.Texts {
		add(t.Weight, t.Text)
	}
	marks := [classes][]string{}
	for _, a := range d.Acts {
		marks[0] = append(marks[0], actMark(a.Identifier))
		if key := a.Key(); key != "" {
			marks[0] = append(marks[0], actMark(key))
		}
	}
	for group, at := range x.groups.of(d.Locale, class) {
		marks[at] = append(marks[at], groupMark(group))
	}
	for at := range classes {
		for _, more := range [][]string{slices.Sorted(maps.Keys(longer[at])), marks[at]} {
			if slices.Sort(more); len(more) > 0 {
				s[at] = append(s[at], strings.Join(slices.Compact(more), apart))
			}
		}
		if len(s[at]) > 0 {
			r[attribute("w", at, d.Locale)] = w[at]
			r[attribute("s", at, d.Locale)] = s[at]
		}
	}
}

func (x *Index) weight(typ, field string, usual int) int {
	return cmp.Or(x.settings.Weight(typ, field), usual)
}

// actMark and groupMark are words that no text has and no engine cuts: Latin
// letters only.
func actMark(act string) string {
	const letters = "abcdefghijklmnop"
	sum := sha256.Sum256([]byte(act))
	out := []byte("zqxact")
	for _, b := range sum[:12] {
		out = append(out, letters[b>>4], letters[b&15])
	}
	return string(out) + "z"
}

func groupMark(group int) string {
	out := []byte("zqxsyn")
	for _, c := range strconv.Itoa(group) {
		out = append(out, byte('a'+c-'0'))
	}
	return string(out) + "z"
}

// groups are the synonyms as stems.
type groups struct {
	ofLocale map[string][]alternative
	sizes    map[string]map[int]int // by locale and group, how many alternatives it has
}

type alternative struct {
	group int
	terms []string // without stop words
	stems []string
}

func newGroups(s *search.Settings) *groups {
	g := &groups{ofLocale: map[string][]alternative{}, sizes: map[string]map[int]int{}}
	for number, group := range s.Synonyms.Groups() {
		for locale, words := range group.Words {
			if g.sizes[locale] == nil {
				g.sizes[locale] = map[int]int{}
			}
			seen := map[string]bool{}
			for _, word := range words {
				a := alternative{group: number}
				for _, t := range search.Tokens(nil, word) {
					if !search.Stop(locale, t.Term) {
						a.terms, a.stems = append(a.terms, t.Term), append(a.stems, search.Stem(locale, t.Term))
					}
				}
				if key := strings.Join(a.terms, " "); !seen[key] {
					seen[key] = true
					g.ofLocale[locale] = append(g.ofLocale[locale], a)
					g.sizes[locale][number]++
				}
			}
		}
	}
	return g
}

// of gives the groups of which a text has all the words of an alternative, each
// with the best class in which it stands.
func (g *groups) of(locale string, class map[string]int) map[int]int {
	out := map[int]int{}
alternatives:
	for _, a := range g.ofLocale[locale] {
		worst := 0
		for _, stem := range a.stems {
			at, ok := class[stem]
			if !ok {
				continue alternatives
			}
			worst = max(worst, at)
		}
		if best, ok := out[a.group]; !ok || worst < best {
			out[a.group] = worst
		}
	}
	return out
}

// asked gives the groups that a unit asks for: those of which it has every
// alternative.
func (g *groups) asked(locale string, u search.Unit) (out []int) {
	have := map[string]bool{}
	for _, terms := range u.Alternatives {
		have[strings.Join(terms, " ")] = true
	}
	found := map[int]int{}
	for _, a := range g.ofLocale[locale] {
		if have[strings.Join(a.terms, " ")] {
			found[a.group]++
		}
	}
	for group, n := range found {
		if n == g.sizes[locale][group] {
			out = append(out, group)
		}
	}
	slices.Sort(out)
	return out
}
