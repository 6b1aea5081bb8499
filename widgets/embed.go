package widgets

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/partners"
)

//go:embed pages src/_style.css
var pageFiles embed.FS

var pages = template.Must(template.New("").ParseFS(pageFiles, "pages/*.html"))

// row is one entry of a list, or the card.
type row struct {
	Title, URL, Locale, Dir string
	Foreign                 bool // its text is not in the language of the widget
	Summary                 string
	Meta                    []string
}

// embedPage is what embed.html shows.
type embedPage struct {
	Lang, Dir, Mode, Title, Heading string
	Base, Style, Tokens             string // addresses of style sheets
	Rows                            []row
	One                             bool
	All, AllText, Empty             string
}

// Frame is a rendered frame.
type Frame struct {
	HTML []byte
	Lang string
	// Ancestors are the origins that may show it; nil means every one.
	Ancestors []string
	// Timely: it changes with the clock.
	Timely bool
}

// Embed renders the frame of a widget, which works without JavaScript. It returns
// a content.Problem: partner_unknown, partner_outside, or not_found and gone for a
// card.
func (w *Widgets) Embed(a Ask) (Frame, error) {
	out := Frame{Lang: a.Lang, Timely: a.Widget == "deadlines"}
	p, err := w.partner(&a)
	if err != nil {
		return out, err
	}
	if p != nil {
		out.Ancestors = append([]string{}, p.Origins...)
	}
	rows, err := w.rows(&a, p)
	if err != nil {
		return out, err
	}
	v := embedPage{
		Lang: interfaceLocale(a.Lang), Dir: direction(a.Lang), Mode: a.Mode, Rows: rows, One: a.one(), Base: w.base,
		Heading: messages.Text(a.Lang, "label_widget_"+a.Widget, nil), Style: w.base + "/widgets/" + w.Build() + "/style.css",
		Empty: messages.Text(a.Lang, "widget_empty", nil),
	}
	if v.One {
		v.All, v.AllText = rows[0].URL, messages.Text(a.Lang, "label_widget_read", nil)
	} else {
		v.All, v.AllText = w.listPage(&a), messages.Text(a.Lang, "label_widget_all_"+a.Widget, nil)
	}
	v.Title = v.Heading + " · " + w.siteName(a.Lang)
	if len(a.Tokens) > 0 {
		v.Tokens = w.base + "/widgets/tokens.css?" + tokenQuery(a.Tokens)
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "embed.html", v); err != nil {
		return out, fmt.Errorf("widgets: embed.html: %w", err)
	}
	out.HTML = b.Bytes()
	return out, nil
}

// Refused renders the frame of what is not shown: why, and the way to the site.
func (w *Widgets) Refused(a Ask, p *content.Problem) ([]byte, error) {
	v := embedPage{
		Lang: interfaceLocale(a.Lang), Dir: direction(a.Lang), Mode: a.Mode, Base: w.base,
		Heading: messages.Title(a.Lang, p.Code), Empty: messages.Text(a.Lang, p.Code, p.Params),
		Style: w.base + "/widgets/" + w.Build() + "/style.css", All: w.site + "/" + interfaceLocale(a.Lang) + "/", AllText: w.siteName(a.Lang),
	}
	v.Title = v.Heading + " · " + v.AllText
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "embed.html", v); err != nil {
		return nil, fmt.Errorf("widgets: embed.html: %w", err)
	}
	return b.Bytes(), nil
}

// partner finds the partner of what is asked, and bounds it by the filter.
func (w *Widgets) partner(a *Ask) (*partners.Partner, error) {
	if a.Partner == "" {
		return nil, nil
	}
	if w.partners == nil {
		return nil, &content.Problem{Class: content.Forbidden, Code: "partner_unknown", Params: map[string]any{"key": a.Partner}}
	}
	p, err := w.partners.Admit(a.Partner, "")
	if err != nil || a.one() {
		return p, err
	}
	within, err := w.partners.Within(p, a.Collection, partners.Asked{Territories: a.Territory, Topics: a.Topic, National: a.National})
	a.Territory, a.Topic, a.National = within.Territories, within.Topics, within.National
	return p, err
}

// rows reads what a widget shows.
func (w *Widgets) rows(a *Ask, p *partners.Partner) ([]row, error) {
	switch {
	case a.one():
		d, err := w.card(a, p)
		if err != nil {
			return nil, err
		}
		return []row{w.row(a, d)}, nil
	case a.Widget == "deadlines":
		list, _, err := w.Deadlines(DeadlineQuery{Locale: a.Locale, Territory: a.Territory, National: a.National, Topic: a.Topic, Limit: a.Limit, Partner: p})
		out := make([]row, 0, len(list))
		for _, d := range list {
			out = append(out, row{
				Title: d.Label, URL: w.pageOf(d.Collection, d.Locale, d.Slug), Locale: d.Locale, Dir: d.Dir, Foreign: foreign(a, d.Locale),
				Meta: []string{when(a.Lang, d), d.Title},
			})
		}
		return out, err
	}
	q := catalog.Query{Collection: a.Collection, Locale: a.Locale, Fallback: fallback(a.Locale), Territory: a.Territory, National: a.National, Topic: a.Topic, Limit: a.Limit}
	if p != nil {
		q.Organization = p.Filter.Organizations
	}
	page, err := w.catalog.List(q)
	if err != nil {
		return nil, err
	}
	out := make([]row, 0, len(page.Entries))
	for _, e := range page.Entries {
		d, err := read(e)
		if err != nil {
			return nil, err
		}
		out = append(out, w.row(a, d))
	}
	return out, nil
}

// card finds the one item of a card.
func (w *Widgets) card(a *Ask, p *partners.Partner) (document, error) {
	missing := &content.Problem{Class: content.NotFound, Code: "not_found"}
	answer := w.catalog.Get(a.Collection, a.Slug, a.Locale)
	if answer.Outcome == catalog.Moved { // "/api/v1/practices/slug?locale=it"
		path, _, _ := strings.Cut(answer.To, "?")
		parts := strings.Split(path, "/")
		answer = w.catalog.Get(a.Collection, parts[len(parts)-1], a.Locale)
	}
	switch answer.Outcome {
	case catalog.Found:
	case catalog.Gone:
		return document{}, &content.Problem{Class: content.NotFound, Code: "gone"}
	default:
		return document{}, missing
	}
	d, err := read(answer.Entry)
	if err == nil && p != nil && !w.partners.Shows(p, a.Collection, d.asked()) {
		err = &content.Problem{Class: content.Forbidden, Code: "partner_outside", Params: map[string]any{"key": p.Key}}
	}
	return d, err
}

// row makes the entry of an item.
func (w *Widgets) row(a *Ask, d document) row {
	r := row{
		Title: d.Title, URL: w.pageOf(d.Collection, d.Locale, d.Slug), Locale: d.Locale, Dir: d.Dir, Foreign: foreign(a, d.Locale), Summary: d.Summary,
	}
	if d.Organization != nil && a.Collection != "news" {
		r.Meta = append(r.Meta, d.Organization.Title)
	}
	var places []string
	for _, t := range d.Territories {
		if t.Name != "" && len(places) < 3 {
			places = append(places, t.Name)
		}
	}
	if len(places) > 0 {
		r.Meta = append(r.Meta, strings.Join(places, ", "))
	}
	if a.Collection == "news" || a.Collection == "articles" {
		r.Meta = append(r.Meta, day(a.Lang, d.PublishedAt.In(rome).Format(time.DateOnly)))
	}
	if r.Foreign {
		r.Meta = append(r.Meta, messages.Text(a.Lang, codeLanguage, map[string]any{"language": w.languageName(d.Locale)}))
	}
	if d.Assurance != nil && d.Assurance.Status == "unverified" {
		r.Meta = append(r.Meta, messages.Text(a.Lang, "widget_unverified", nil))
	}
	return r
}

// foreign says whether a text is in another language than the words around it.
func foreign(a *Ask, locale string) bool {
	language, _, _ := strings.Cut(locale, "-")
	return language != a.Lang
}

// languageName is how a language calls itself.
func (w *Widgets) languageName(locale string) string {
	if l, ok := w.schemas.Locale(locale); ok {
		return l.Name
	}
	return locale
}

// when says a deadline in words.
func when(lang string, d Deadline) string {
	if d.To == "" {
		return messages.Text(lang, codeUntil, map[string]any{"date": day(lang, d.From)})
	}
	return messages.Text(lang, codeSince, map[string]any{"from": day(lang, d.From), "to": day(lang, d.To)})
}

// day says a day, or a local time of Italy, as the language writes it.
func day(lang, s string) string {
	layout := time.DateOnly
	if len(s) > len(layout) {
		layout = "2006-01-02T15:04"
	}
	t, err := time.ParseInLocation(layout, s, rome)
	if err != nil {
		return s
	}
	if layout == time.DateOnly {
		return messages.Day(lang, t)
	}
	return messages.Moment(lang, t)
}

func direction(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

// tokenQuery gives design tokens as a query.
func tokenQuery(tokens map[string]string) string {
	q := url.Values{}
	for name, value := range tokens {
		q.Set(name, value)
	}
	return q.Encode()
}

// TokensCSS is a style sheet of nothing but design tokens, whose values Parse has
// checked.
func TokensCSS(tokens map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString(":root{")
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		fmt.Fprintf(&b, "--prassi-%s:%s;", name, tokens[name])
	}
	b.WriteString("}\n")
	return b.Bytes()
}
