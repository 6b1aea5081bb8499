package site

import (
	"html/template"
	"time"
)

// The types of this file are what templates see. Their names are public: a theme
// relies on them. Every text is plain and is escaped by html/template, but for
// fields of type template.HTML, which hold what the catalogue's renderer or this
// package wrote. Every address (URL) is ready for an attribute: absolute within
// the site ("/it/news/x/", with the path of Config.BaseURL before it when it has
// one), or a whole one for other sites.

// Page is what a template is executed with: layout.html for the whole page, which
// includes the template of the page's kind.
type Page struct {
	Site *SiteView
	// Lang and Dir are of the page's furniture: "it", "ltr". Words is the language
	// of messages and labels, which "zh-Hans" has as "zh".
	Lang, Dir string
	// Kind names the template: home list article news practice service organization
	// event page territory region topic act acts territories topics showcase calendar
	// deadlines search accessibility privacy notfound gone failed languages moved; an
	// item whose type has no template of its own has Kind "item".
	Kind string
	// Section is a collection or a kind, for the marked entry of the navigation.
	Section string
	// Path is the page's place within the site: "/it/news/x/".
	Path               string
	Title, Description string
	// Canonical is a whole address; empty when the site has no BaseURL or the page
	// should not be indexed.
	Canonical string
	// Alternates are for <link rel="alternate" hreflang>: whole addresses, this page's
	// own language included. XDefault is the one for everybody else. Both are empty
	// without BaseURL.
	Alternates []Alternate
	XDefault   string
	// Languages is the menu of languages: this page in each, or where there is none
	// that language's home.
	Languages []LanguageLink
	NoIndex   bool
	// Picture is for og:image; nil when there is none.
	Picture *Picture
	Feeds   []FeedLink
	// Day is the build's civil day in Europe/Rome (2006-01-02) on pages that depend on
	// it: home, territories, calendar and deadlines. There is no year for a copyright
	// line, because every page would change with it.
	Day string
	// LD is a whole <script type="application/ld+json"> element, or empty. It is data
	// and no program.
	LD template.HTML
	// Crumbs lead from the home to this page, which is the last and has no URL.
	Crumbs []Link

	Item      *Item          // kinds of items
	List      *List          // list, showcase, and the past of the calendar
	Home      *Home          // home
	Territory *TerritoryView // region and territory
	Topic     *TopicView     // topic
	Act       *ActView       // act
	Groups    []LinkGroup    // territories, topics, acts
	Search    *SearchView    // search
	Calendar  *CalendarView  // calendar and deadlines
	Map       *MapView       // when something is on a map
	Preview   *PreviewView   // a draft shown to those who hold its address
	// Moved is where a page of kind moved leads.
	Moved *Link

	tongue *tongue
	frame  *frame
	menu   string
}

// SiteView is what all pages of one language share. It counts nothing, so that a
// new item does not change every page.
type SiteView struct {
	Name, Tagline string
	// BaseURL is Config.BaseURL; Host its host alone.
	BaseURL, Host string
	// API begins addresses of what Prassi answers itself (search, feeds); empty: the
	// same origin.
	API string
	// Key is that of a partner's site, empty for the national one.
	Key string
	// Home is the address of the language's front page, Search of its search form
	// (a GET with q).
	Home, Search string
	// Languages are the site's; Others are further languages of content, whose
	// address is the list of everything in them.
	Languages, Others []LanguageLink
	// Collections are those that have something in them, in the order of the
	// declarations.
	Collections []CollectionLink
	// Pages are those that their editors put into the menu, in its order.
	Pages []Link
	// Addresses of pages; Showcase is empty when nothing is in it.
	Territories, Topics, Acts, Showcase, Calendar, Deadlines, Accessibility, Privacy string
	// Tiles is a template of addresses ("https://…/{z}/{x}/{y}.png") with the words
	// that must stand beside it; empty: Outlines, the address of the provinces' shapes
	// (TopoJSON), which may be empty too.
	Tiles, TilesAttribution, Outlines string
	// Feeds are those of the whole site.
	Feeds                                            []FeedLink
	Publisher, Contact, SecurityContact, LegalNotice string
}

// LanguageLink leads to a language.
type LanguageLink struct {
	// Locale is for lang and hreflang attributes, Name how its speakers call it.
	Locale, Name, Dir, URL string
	// Current marks the language of this page.
	Current bool
}

// CollectionLink leads to a list of a type.
type CollectionLink struct {
	// Name is the collection ("practices"), Type its type ("practice").
	Name, Type, Label, URL string
}

// Alternate is the same content in another language.
type Alternate struct{ Locale, Name, Dir, URL string }

// Link leads somewhere. Lang is set when its title is in another language than
// the page; Dir with it.
type Link struct{ Title, URL, Lang, Dir string }

// LinkGroup is a list of links with a heading.
type LinkGroup struct {
	Title, URL, ID string
	Links          []CountedLink
}

// CountedLink says how many items are behind it.
type CountedLink struct {
	Link
	ID    string // ISTAT code, term or identifier
	Total int
}

// FeedLink is for <link rel="alternate"> and lists of feeds.
type FeedLink struct {
	// Type is the media type: application/rss+xml, application/atom+xml,
	// application/feed+json or text/calendar.
	Type, Title, URL string
}

// Picture is a picture for social networks: a whole address, pixels.
type Picture struct {
	URL           string
	Width, Height int
	Alt           string
}

// Image is a picture of an item.
type Image struct {
	Src string
	// Srcset and Webp are values of srcset attributes, in Src's own form and in
	// WebP; empty when there is one form only.
	Srcset, Webp  template.Srcset
	Alt           string
	Caption       string
	Credit        string
	Width, Height int // in pixels; 0 when unknown
}

// Item is a published document in one language, whole.
type Item struct {
	ID, Type, Collection, Slug string
	// Label is what the type is called in the reader's language.
	Label string
	// Locale and Dir are of the text.
	Locale, Dir         string
	URL, Title, Summary string
	// Foreign: the text is not in the reader's language. Elements that hold it need
	// lang and dir.
	Foreign      bool
	Territories  []TerritoryLink
	Topics       []TermLink
	Organization *Link
	Published    time.Time
	Updated      time.Time
	// Assurance is nil for types whose facts do not age.
	Assurance *Assurance
	// Revision is the hash of what was published.
	Revision string
	// State is the workflow's public state when there are several ("showcased").
	State      string
	HTML       template.HTML // the body
	TOC        []Heading
	References []Reference
	Image      *Image
	// Rows are all other fields that have a value, in declared order: what a template
	// that knows nothing of the type shows. See Row.
	Rows []*FieldRow
	// Places, Hours, Contacts and Deadlines are the same values that Rows has, from
	// the first field of their kind.
	Places    []PlaceView
	Hours     *HoursView
	Contacts  []ContactView
	Deadlines []DeadlineView
	// When is the span of days that puts the item into the calendar.
	When      *DateView
	Cancelled bool
	// Act is the legal act that a news item reports.
	Act *Reference
	// Related are the items that its editors named. Transfers are practices that name
	// this practice, TransferredFrom those of its own type that it names, CitedBy
	// everything else that names it.
	Related, Transfers, TransferredFrom, CitedBy []*Card
	// Shelves are, for an organisation, what it has published.
	Shelves []*Shelf
	// Alternates are its other languages.
	Alternates []Alternate

	rows map[string]*FieldRow
}

// Row finds a field's row by its name; nil when it has no value.
func (i *Item) Row(name string) *FieldRow { return i.rows[name] }

// Text is the value of a short field in words; empty when it has none.
func (i *Item) Text(name string) string {
	if r := i.rows[name]; r != nil {
		return r.Text
	}
	return ""
}

// FieldRow is a field with its value. What is set depends on Kind (the kinds of
// schemas); Text is set for all kinds that can be said in one line.
type FieldRow struct {
	Name, Label, Kind string
	// Section is the part of the form that the field belongs to, and its heading.
	Section, SectionLabel string
	// Lang and Dir are set when the value is a text in another language than the page.
	Lang, Dir string
	Text      string
	// URL is set for text that is an address: https:, http:, mailto: or tel:.
	URL        template.URL
	HTML       template.HTML   // markdown
	Terms      []TermLink      // choice, territory, language_list
	Links      []Link          // reference
	Rich       []RichRow       // rich_list
	Indicators []IndicatorView // indicators
	Places     []PlaceView     // place
	Contacts   []ContactView   // contact
	Dates      []DateView      // date, date_range
	References []Reference     // legal_reference
	Files      []FileView      // media that is no picture
	Images     []*Image        // media
	Hours      *HoursView      // opening_hours
	Money      *MoneyView      // money
	Number     *float64        // number
	Bool       *bool           // boolean
}

// RichRow is a row of a rich list.
type RichRow struct {
	Title string
	HTML  template.HTML
}

// IndicatorView is a measure of a result: as texts, with decimals and grouping of
// the reader's language, empty when not given.
type IndicatorView struct {
	Name, Unit, Source      string
	Baseline, Target, Value string
	// Reached is how much of the way from Baseline (0 without one) to Target the
	// value has gone, in per cent from 0 to 100; -1 when that cannot be said.
	Reached int
}

// PlaceView is a place. Without coordinates, Lat and Lon are 0 and Known is false.
type PlaceView struct {
	Label, Address, Municipality string
	// Line is the address with the municipality, which many addresses end with already.
	Line               string
	Lat, Lon           float64
	Known, Approximate bool
	// Directions is a link to a map that others keep (OpenStreetMap); empty when the
	// place is not known exactly.
	Directions string
}

// ContactView is whom to ask.
type ContactView struct {
	Name, Role, Email, Phone string
	// Call is a tel: address. Web is what the link says, WebURL where it leads.
	Call        template.URL
	Web, WebURL string
}

// HoursView is when something is open, in words.
type HoursView struct {
	// Days are the seven days of the week from Monday.
	Days []HoursDay
	// Notes are rows with dates: holidays, closures, seasons.
	Notes []string
	// ISO is for data attributes: rows of "mo 09:00-13:00", parted by "; ".
	ISO string
}

// HoursDay is a day of the week. Spans is empty when it is closed.
type HoursDay struct {
	Day, Name string // "mo", "lunedì"
	Spans     []string
}

// DateView is a day, a moment or a span, in Italian time.
type DateView struct {
	Label string
	// From and To are ISO 8601 ("2027-03-21", "2027-03-21T10:00"); either may be empty.
	From, To string
	// Text says it in words.
	Text string
	// Past: it ended before the build's day.
	Past bool
}

// DeadlineView is something to do by a day.
type DeadlineView struct {
	Label string
	// From and To are in words, ISO is To for a datetime attribute.
	From, To, ISO string
	// Past: the day is over.
	Past bool
	// Item is set in lists of deadlines.
	Item *Card
}

// MoneyView is an amount.
type MoneyView struct{ Amount, Currency, Text string }

// FileView is a file to download.
type FileView struct {
	Title, URL, Type string
	// Size is in words ("1.2 MB"), Bytes the number.
	Size  string
	Bytes int64
}

// TerritoryLink leads to a territory's page.
type TerritoryLink struct {
	// Level is region, province or municipality.
	Name, ISTAT, Acronym, Level string
	// URL is empty when the site has no page of it; a municipality leads to its
	// province.
	URL string
}

// TermLink is a term with its label in the reader's language. URL is empty when
// there is no page of it.
type TermLink struct{ ID, Label, URL string }

// Assurance says when somebody confirmed that the facts are true.
type Assurance struct {
	// Date is in words, ISO for a datetime attribute; both empty when nobody did.
	Date, ISO  string
	Unverified bool
}

// Heading is one of the body's.
type Heading struct {
	Level    int
	ID, Text string
}

// Reference is a law that the text names.
type Reference struct {
	Identifier, Scheme, Label string
	// URL is the law's own address, Act that of this site's page about it.
	URL, Act string
}

// Card is an item in a list.
type Card struct {
	ID, Type, Collection string
	// Label is what the type is called.
	Label            string
	URL              string
	Locale, Dir      string
	Title, Summary   string
	Foreign          bool
	Date             time.Time
	DateText         string
	Territory, Topic string
	Organization     string
	Image            *Image
	// Meta are a few short facts: cost, languages, period, number of people.
	Meta       []string
	When       *DateView
	Cancelled  bool
	Deadline   *DeadlineView
	Unverified bool
	State      string
	// Snippet is the place in the text that search found, with <mark>; empty otherwise.
	Snippet template.HTML
}

// List is a page of a list. Only the front says how many items and pages there are,
// so that older pages stay what they are when an item is added.
type List struct {
	Items []*Card
	Total int
	// Front: the newest. Older pages count from the oldest: Page 1 of Pages is the
	// oldest.
	Front        bool
	Page, Pages  int
	Older, Newer *Link
	// All are links to every page, the newest first; on the front alone.
	All     []PageLink
	Filters []Filter
	// Empty: there is nothing in it at all.
	Empty bool
}

// PageLink is a page of a list.
type PageLink struct {
	Number  int // 0 is the front
	URL     string
	Current bool
}

// Filter is a way to narrow a list. Every option is a link: to a page of the site,
// or to the search.
type Filter struct {
	// Name is the parameter of the search.
	Name, Label string
	Options     []FilterOption
}

// FilterOption is a value of a filter.
type FilterOption struct {
	Value, Label, URL string
	Count             int
	Selected          bool
}

// Shelf is the newest of a collection.
type Shelf struct {
	Collection, Label string
	Items             []*Card
	Total             int
	// All is the address of the whole list; empty when Items is all.
	All string
}

// Home is the front page of a language.
type Home struct {
	News, Practices, Services, Articles *Shelf
	// Others are shelves of collections that have no field of their own here.
	Others    []*Shelf
	Showcase  []*Card
	Events    []*Card
	Deadlines []DeadlineView
	Topics    []CountedLink
	Regions   []CountedLink
}

// TerritoryView is a region or a province.
type TerritoryView struct {
	// Level is region or province.
	Name, Level, Acronym, ISTAT string
	Lat, Lon                    float64
	Region                      *Link         // of a province
	Provinces                   []CountedLink // of a region
	// Council is the prefecture, where the Territorial Council sits.
	Council *Card
	// Shelves are those that have something in them; the named ones are among them.
	Shelves                                          []*Shelf
	Practices, Services, News, Events, Organizations *Shelf
}

// TopicView is a term of the taxonomies of topics.
type TopicView struct {
	ID, Label, Help string
	Shelves         []*Shelf
}

// ActView is a law and what this site says of it.
type ActView struct {
	Identifier, Scheme, Label, URL string
	Items                          []*Card
}

// SearchView is the search form, and in answers of the server what was found.
type SearchView struct {
	Query string
	// Asked: somebody searched. Otherwise the form is empty.
	Asked   bool
	Results []*Card
	Total   int
	Filters []Filter
	// Hidden are values that the form must keep.
	Hidden []FilterOption
	// DidYouMean is a better spelling, with the address that searches for it.
	DidYouMean   *Link
	Older, Newer *Link
	Page, Pages  int
	// Failed: the search did not answer.
	Failed bool
	// Near is the place around which to look, Radii how far; NearUnknown: nobody knows
	// that place, and it was left out of the question.
	Near        string
	NearUnknown bool
	Radii       []FilterOption
	OpenNow     bool
}

// Radii are the distances that the search offers, labelled in kilometres,
// valued in metres; the chosen one is selected.
func Radii(chosen string) []FilterOption {
	out := make([]FilterOption, 0, 5)
	for _, km := range []string{"2", "5", "10", "25", "50"} {
		out = append(out, FilterOption{Value: km + "000", Label: km, Selected: km+"000" == chosen})
	}
	return out
}

// RadiusUsual is the distance that the form proposes, in metres.
const RadiusUsual = "10000"

// CalendarView is events, or deadlines, by month.
type CalendarView struct {
	Months []CalendarMonth
	// Subscribe is the address of the iCalendar file.
	Subscribe string
}

// CalendarMonth is a month of a calendar.
type CalendarMonth struct {
	ISO, Title string // "2027-03", "marzo 2027"
	Events     []*Card
	Deadlines  []DeadlineView
}

// MapView is a map. The same items are always in a list beside it.
type MapView struct {
	// Data is the address of a GeoJSON file (RFC 7946). On an item's page it is empty,
	// and Points is the GeoJSON itself.
	Data, Points string
	// BBox is "west,south,east,north" in degrees.
	BBox  string
	Count int
}

// PreviewView says that a page is a draft.
type PreviewView struct {
	// State is the workflow's state in words; Until is when the address ends, in words.
	State, Until string
	Number       int
}
