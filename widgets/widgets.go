package widgets

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
)

// Names are the widgets: the element of NAME is prassi-NAME, its frame
// /embed/NAME. A card shows one item of any collection; practice is the card of a
// practice. There is no element of card.
var Names = []string{"news", "practices", "practice", "services", "deadlines", "card"}

// TokenNames are the design tokens that widgets take, as attributes and as custom
// properties of CSS ("--prassi-accent").
var TokenNames = []string{"accent", "text", "background", "border", "radius", "font-size"}

// Modes are the colours that a widget may have; the first is what the reader's
// device says.
var Modes = []string{"auto", "light", "dark"}

// DefaultLimit is how many entries a list shows, MaxLimit the most.
const (
	DefaultLimit = 3
	MaxLimit     = 12
)

// Options are what Widgets stand on; Catalog and Schemas are needed.
type Options struct {
	Catalog     *catalog.Catalog
	Schemas     *schemas.Registry
	Territories *schemas.Territories // Schemas' own when nil
	Partners    *partners.Registry   // nil: there are none
	// Base is the public address of this server without a slash at its end; ""
	// makes relative addresses.
	Base string
	// Site is that of the pages of items; Base when empty.
	Site string
	Name schemas.Text // of the site; "Prassi" when empty
	// Outlines are the shapes of the provinces for maps, TopoJSON; nil has none.
	Outlines []byte
	// Tiles is where maps get their tiles from ("https://…/{z}/{x}/{y}.png"), with
	// what has to be said of them; "" asks nobody.
	Tiles, TilesAttribution string
	// Dir is where builds of the scripts are kept for pages that pin them by
	// their integrity; "" keeps none but the current.
	Dir   string
	Clock func() time.Time // time.Now when nil
}

// Widgets answers what the widgets ask. It is safe for concurrent use.
type Widgets struct {
	catalog     *catalog.Catalog
	schemas     *schemas.Registry
	territories *schemas.Territories
	partners    *partners.Registry
	base, site  string
	name        schemas.Text
	clock       func() time.Time
	files       *files
	deadlines   deadlines
}

// New makes Widgets. ErrNoAssets says that the scripts were not built.
func New(opt Options) (*Widgets, error) {
	w := &Widgets{
		catalog: opt.Catalog, schemas: opt.Schemas, territories: opt.Territories, partners: opt.Partners,
		base: strings.TrimRight(opt.Base, "/"), site: strings.TrimRight(opt.Site, "/"), name: opt.Name, clock: opt.Clock,
	}
	if w.territories == nil {
		w.territories = opt.Schemas.Territories()
	}
	if w.site == "" {
		w.site = w.base
	}
	if w.clock == nil {
		w.clock = time.Now
	}
	var err error
	w.files, err = newFiles(&opt)
	return w, err
}

// siteName is how the site is called in a language.
func (w *Widgets) siteName(lang string) string {
	if name := w.name.In(lang); name != "" {
		return name
	}
	return "Prassi"
}

// Ask is what a widget shows.
type Ask struct {
	Widget     string
	Locale     string // of the content, BCP 47
	Lang       string // of the words around it, one of messages.Languages
	Collection string // of a card
	Slug       string // of a card
	Territory  []string
	National   bool // beside Territory, what names no territory
	Topic      []string
	Limit      int
	Partner    string // key
	Mode       string // one of Modes
	Tokens     map[string]string
}

// Parameters are those that Parse knows, beside TokenNames.
var Parameters = []string{"locale", "territory", "national", "topic", "limit", "partner", "mode", "collection", "slug"}

var slugPattern = regexp.MustCompile(`^[\pL\pN]+([._~-]+[\pL\pN]+)*$`)

// Parse reads what is asked of a widget. Everything that is wrong is told at once,
// in a content.Problem: not_found for an unknown widget, otherwise invalid.
func (w *Widgets) Parse(widget string, q url.Values) (Ask, error) {
	a := Ask{Widget: widget, Locale: "it", Limit: DefaultLimit, Mode: Modes[0], Partner: q.Get("partner"), Slug: q.Get("slug"), Collection: q.Get("collection")}
	if !slices.Contains(Names, widget) {
		return a, &content.Problem{Class: content.NotFound, Code: codeNone, Params: map[string]any{"value": widget[:min(len(widget), 40)]}}
	}
	var bad faults
	if v := q.Get("locale"); v != "" {
		l, ok := w.schemas.Locale(v)
		if !ok {
			bad.value("/locale", "unknown_locale", v)
		}
		a.Locale = l.Tag
	}
	a.Lang = messages.Negotiate(a.Locale + ", en;q=0.1")
	list := func(name string) []string {
		var out []string
		for v := range strings.SplitSeq(q.Get(name), ",") {
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		}
		return out
	}
	for _, v := range list("territory") {
		if t, ok := w.territories.Lookup(v); ok {
			a.Territory = append(a.Territory, t.ISTAT)
		} else {
			bad.value("/territory", schemas.CodeUnknownTerritory, v)
		}
	}
	for _, v := range list("topic") {
		if t, ok := w.schemas.Term(v); ok {
			a.Topic = append(a.Topic, t.ID)
		} else {
			bad.value("/topic", schemas.CodeUnknownTerm, v)
		}
	}
	switch v := q.Get("national"); v {
	case "", "false":
	case "true":
		a.National = len(a.Territory) > 0 // alone it would mean something else
	default:
		bad.value("/national", schemas.CodeWrongType, v)
	}
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > MaxLimit {
			bad = append(bad, schemas.Issue{Path: "/limit", Code: schemas.CodeOutOfRange, Params: map[string]any{"min": 1, "max": MaxLimit}})
		}
		a.Limit = n
	}
	if v := q.Get("mode"); v != "" {
		if a.Mode = v; !slices.Contains(Modes, v) {
			bad.value("/mode", codeMode, v)
		}
	}
	for _, name := range TokenNames {
		v := q.Get(name)
		if v == "" {
			continue
		}
		value, ok := partners.Token(v)
		if !ok {
			bad.value("/"+name, codeToken, v)
			continue
		}
		if a.Tokens == nil {
			a.Tokens = map[string]string{}
		}
		a.Tokens[name] = value
	}
	w.parseCard(&a, &bad)
	return a, bad.problem()
}

// parseCard reads what only a card has.
func (w *Widgets) parseCard(a *Ask, bad *faults) {
	switch a.Widget {
	case "practice":
		a.Collection = "practices"
	case "card":
		if t, ok := w.schemas.TypeByCollection(a.Collection); !ok || t.Route.Path == "" {
			bad.value("/collection", codeCollection, a.Collection)
		}
	default:
		a.Collection, a.Slug = a.Widget, ""
		if a.Widget == "deadlines" {
			a.Collection = "news"
		}
		return
	}
	a.Limit, a.Territory, a.Topic = 1, nil, nil
	if a.Slug == "" || len(a.Slug) > content.MaxSlug || !slugPattern.MatchString(a.Slug) {
		*bad = append(*bad, schemas.Issue{Path: "/slug", Code: codeSlug})
	}
}

// one says whether a widget shows one item.
func (a *Ask) one() bool { return a.Widget == "practice" || a.Widget == "card" }

// query gives what is asked as a query of an address, canonical, so that equal
// widgets have equal addresses.
func (a *Ask) query() string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("locale", a.Locale)
	set("territory", strings.Join(a.Territory, ","))
	if a.National {
		set("national", "true")
	}
	set("topic", strings.Join(a.Topic, ","))
	set("partner", a.Partner)
	if a.one() {
		set("slug", a.Slug)
	} else {
		set("limit", strconv.Itoa(a.Limit))
	}
	if a.Widget == "card" {
		set("collection", a.Collection)
	}
	if a.Mode != Modes[0] {
		set("mode", a.Mode)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Tokens)) {
		set(name, a.Tokens[name])
	}
	return q.Encode()
}

// document is what widgets read of an item.
type document struct {
	ID          string `json:"id"`
	Collection  string `json:"collection"`
	Slug        string `json:"slug"`
	Locale      string `json:"locale"`
	Dir         string `json:"dir"`
	Title       string `json:"title"`
	Summary     string `json:"summary"`
	Territories []struct {
		ISTAT string `json:"istat"`
		Name  string `json:"name"`
	} `json:"territories"`
	Topics []struct {
		ID    string `json:"id"`
		Label string `json:"label"`
	} `json:"topics"`
	Organization *struct {
		ID    string `json:"id"`
		Slug  string `json:"slug"`
		Title string `json:"title"`
	} `json:"organization"`
	PublishedAt time.Time `json:"published_at"`
	Assurance   *struct {
		Status string `json:"status"`
	} `json:"assurance"`
	Fields map[string]json.RawMessage `json:"fields"`
}

func read(e catalog.Entry) (document, error) {
	var d document
	err := json.Unmarshal(e.AppendSummary(nil), &d)
	return d, err
}

// asked is what a partner's filter looks at.
func (d *document) asked() partners.Asked {
	var out partners.Asked
	for _, t := range d.Territories {
		out.Territories = append(out.Territories, t.ISTAT)
	}
	for _, t := range d.Topics {
		out.Topics = append(out.Topics, t.ID)
	}
	if d.Organization != nil {
		out.Organizations = []string{d.Organization.ID, d.Organization.Slug}
	}
	return out
}

// Of gives what a partner's filter looks at of an item.
func Of(e catalog.Entry) (partners.Asked, error) {
	d, err := read(e)
	return d.asked(), err
}

// fallback are the languages to take, in order, where the one that is asked for
// is missing.
func fallback(locale string) []string {
	return slices.DeleteFunc([]string{"it", "en"}, func(l string) bool { return l == locale })
}

// pageOf is the address of an item's page. The rule is that of the static site:
// the language of the text, then the route that its type declares.
func (w *Widgets) pageOf(collection, locale, slug string) string {
	t, ok := w.schemas.TypeByCollection(collection)
	if !ok {
		return w.site + "/"
	}
	return w.site + "/" + locale + "/" + strings.ReplaceAll(t.Route.Path, "{slug}", url.PathEscape(slug)) + "/"
}

// listPage is the address of the page with everything of a widget.
func (w *Widgets) listPage(a *Ask) string {
	path := a.Collection
	if a.Widget == "deadlines" {
		path = a.Widget
	}
	return w.site + "/" + interfaceLocale(a.Lang) + "/" + path + "/"
}

// interfaceLocale is the tag under which the site has pages in a language of the
// interface.
func interfaceLocale(lang string) string {
	if lang == "zh" {
		return "zh-Hans"
	}
	return lang
}
