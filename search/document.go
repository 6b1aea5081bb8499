package search

import (
	"github.com/prassi-cms/prassi/geo"

	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Rome must be known on machines without a zone database
)

// Document is one published variant as an engine sees it. Texts are plain, not
// Markdown and not HTML. Coordinates are those that the public may know: who
// makes documents has replaced those of sensitive places.
type Document struct {
	// ID is unique among all documents of an index: DocumentID gives it.
	ID string `json:"id"`
	// Document is the id of the document, shared by its variants.
	Document string `json:"document"`
	// Version changes whenever the document below changes (the live revision's
	// hash, and that of the shared facts); verify compares it.
	Version string `json:"version"`
	Type    string `json:"type"`
	Locale  string `json:"locale"`
	// Locales are all those in which the document is published, Locale included.
	Locales []string `json:"locales,omitempty"`
	Slug    string   `json:"slug"`
	Title   string   `json:"title"`
	Summary string   `json:"summary,omitempty"`
	Body    string   `json:"body,omitempty"`
	// Texts are the other fields that are searched, with their weights; names of
	// the organisation, of topics and territories, and addresses too.
	Texts []Text `json:"texts,omitempty"`
	// Acts that the text cites.
	Acts []Act `json:"acts,omitempty"`
	// Facets are values by facet: those of Settings.Facets but FacetType,
	// FacetLocale and FacetYear, which follow from the document. Territories
	// carry their ancestors, so that a region finds what lies in it.
	Facets map[string][]string `json:"facets,omitempty"`
	// Points are the places on the map.
	Points []Point `json:"points,omitempty"`
	// Published and Updated are when the public first and last saw it change.
	Published time.Time `json:"published"`
	Updated   time.Time `json:"updated"`
	// From (included) and To (excluded) are the span that Query.From and To ask
	// for, in the field that the type declares; zero: the time of publication.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Keys are what Settings.Sorts compares for the fields of types, by name:
	// text that compares byte by byte (numbers padded, dates as 2006-01-02).
	Keys map[string]string `json:"keys,omitempty"`
}

// Text is a searched field of a document.
type Text struct {
	Weight int    `json:"weight"` // 1 to 10, as in schemas.SearchHint
	Text   string `json:"text"`
}

// Act is a cited act.
type Act struct {
	// Identifier is the machine-readable name without a partition, such as
	// urn:nir:stato:decreto.legislativo:1998-07-25;286, or a CELEX number.
	Identifier string `json:"identifier"`
	// Label is how people name it: D.Lgs. 286/1998.
	Label string `json:"label"`
}

// Key is the short form by which people look for an act, number and full year
// ("286/1998"); empty when the identifier has none.
func (a Act) Key() string { return ActKey(a.Identifier) }

// Name is the same whether an act is cited by its date or by its year alone; the
// identifier where that has no number and year.
func (a Act) Name() string {
	key := a.Key()
	if key == "" {
		return a.Identifier
	}
	return strings.Join(strings.SplitN(a.Identifier, ":", 5)[:4], ":") + ":" + key
}

// ActKey reads number and year out of a URN:NIR name.
func ActKey(identifier string) string {
	if !strings.HasPrefix(identifier, "urn:nir:") {
		return ""
	}
	parts := strings.SplitN(identifier, ":", 6) // urn:nir:authority:type:date;number
	if len(parts) < 5 {
		return ""
	}
	date, number, ok := strings.Cut(parts[4], ";")
	number, _, _ = strings.Cut(number, "~")
	if len(date) < 4 || !ok || number == "" || !digits(number) || !digits(date[:4]) {
		return ""
	}
	return number + "/" + date[:4]
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// DocumentID is the id of a variant in an index. Where the document's id is made
// of letters, digits and hyphens, so is this one, with an underscore: every
// engine takes that.
func DocumentID(document, locale string) string { return document + "_" + locale }

// Point is a place on Earth, Box a bounding box.
type (
	Point = geo.Point
	Box   = geo.Box
)

// rome is where days, and so years, begin and end.
var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is in the program
	}
	return zone
}()

// Values gives the values of a facet.
func (d *Document) Values(facet string) []string {
	switch facet {
	case FacetType:
		return []string{d.Type}
	case FacetLocale:
		return []string{d.Locale}
	case FacetYear:
		t := d.From
		if t.IsZero() {
			t = d.Published
		}
		if t.IsZero() {
			return nil
		}
		return []string{strconv.Itoa(t.In(rome).Year())}
	}
	return d.Facets[facet]
}

// Classes is how many classes of weight the engines tell apart.
const Classes = 3

// ClassOf is the class of a search weight from 1 to 10: 0 for what stands in
// titles, 1 in summaries, 2 elsewhere.
func ClassOf(weight int) int {
	switch {
	case weight >= 8:
		return 0
	case weight >= 4:
		return 1
	}
	return 2
}
