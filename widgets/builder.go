package widgets

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
)

// Lines are what somebody copies to show a widget.
type Lines struct {
	Element string `json:"element" doc:"The script and the element, with a link for readers without JavaScript."`
	Frame   string `json:"frame" doc:"The frame, for editors that take no script."`
	Space   string `json:"space" doc:"A rule for the page's style sheet that keeps the place free."`
	Policy  string `json:"policy" doc:"What a Content-Security-Policy of the page has to let through."`
	// Attributes are those of the element, in order.
	Attributes []Attribute `json:"attributes"`
	// Embed is the address of the frame.
	Embed string `json:"embed"`
}

// Attribute is one attribute of an element.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// elements are the widgets that there is an element of.
func elements() []string { return Names[:5] }

// attributes are those of the element that shows what is asked.
func (a *Ask) attributes() []Attribute {
	out := []Attribute{{"locale", a.Locale}}
	add := func(name, value string) {
		if value != "" {
			out = append(out, Attribute{name, value})
		}
	}
	if a.one() {
		add("slug", a.Slug)
	} else {
		add("territory", strings.Join(a.Territory, ","))
		if a.National {
			add("national", "true")
		}
		add("topic", strings.Join(a.Topic, ","))
		if a.Limit != DefaultLimit {
			add("limit", strconv.Itoa(a.Limit))
		}
	}
	add("partner", a.Partner)
	if a.Mode != Modes[0] {
		add("mode", a.Mode)
	}
	for _, name := range TokenNames {
		add(name, a.Tokens[name])
	}
	return out
}

// reserved is the height of an element, as src/v1.ts reserves it.
func (a *Ask) reserved() string {
	height := 6.75 + 6*float64(a.Limit)
	switch {
	case a.one():
		height = 18
	case a.Widget == "services":
		height = 17 + 6*float64(a.Limit)
	}
	return fmt.Sprintf("%grem", height)
}

// Lines makes what somebody copies; base is the public address of this server.
func (w *Widgets) Lines(a Ask, base string) (Lines, error) {
	script := w.files.list[Version+".js"]
	out := Lines{Attributes: a.attributes(), Embed: base + "/embed/" + a.Widget + "?" + a.query()}
	link, text := w.listPage(&a), messages.Text(a.Lang, "label_widget_all_"+a.Widget, nil)
	if a.one() {
		link, text = w.pageOf(a.Collection, a.Locale, a.Slug), messages.Text(a.Lang, "label_widget_read", nil)
		if d, err := w.card(&a, nil); err == nil {
			link, text = w.pageOf(a.Collection, d.Locale, d.Slug), d.Title
		}
	}
	if !strings.Contains(link, "://") {
		link = base + link
	}
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, "element.html", map[string]any{
		"Script": base + "/widgets/" + w.Build() + "/" + script.Name, "Integrity": script.Integrity,
		"Name": "prassi-" + a.Widget, "Attributes": out.Attributes, "Link": link, "Text": text,
	})
	if err != nil {
		return out, fmt.Errorf("widgets: element.html: %w", err)
	}
	// The name of an element is no place for a template's value: it is one of Names.
	out.Element = strings.NewReplacer("prassi-element", "prassi-"+a.Widget, "&#43;", "+").Replace(strings.TrimSpace(b.String()))
	width, height := frameSize(&a, 0, 0)
	if out.Frame, err = w.frame(&a, base, messages.Text(a.Lang, codeTitleOf, map[string]any{"name": w.siteName(a.Lang)}), width, height); err != nil {
		return out, err
	}
	out.Space = "prassi-" + a.Widget + " { display: block; min-height: " + a.reserved() + "; }"
	out.Policy = "script-src " + base + "; connect-src " + base
	return out, nil
}

// option is one choice of a form.
type option struct {
	Value, Text string
	Chosen      bool
}

// builderPage is what builder.html shows.
type builderPage struct {
	Lang, Dir, Locale, Title                                string
	Base, Style, Script, Client, Integrity, Self            string
	Widgets, Languages, Territories, Topics, Limits, Colour []option
	Speak                                                   []option // languages of the page itself
	Slug, Partner, Accent                                   string
	Wrong                                                   []string
	Lines                                                   Lines
	Element                                                 string
	Link, Text                                              string
}

// T says a text of the page in its language.
func (p builderPage) T(code string) string { return messages.Text(p.Lang, code, nil) }

// Builder renders the page that makes the line to copy, in a language of the
// interface. What is wrong in the form is said on it.
func (w *Widgets) Builder(lang, base string, q url.Values) ([]byte, error) {
	name := q.Get("widget")
	if !slices.Contains(elements(), name) {
		name = Names[0]
	}
	if q.Get("locale") == "" {
		q.Set("locale", interfaceLocale(lang))
	}
	a, err := w.Parse(name, q)
	v := builderPage{
		Lang: lang, Locale: interfaceLocale(lang), Dir: direction(lang), Title: messages.Text(lang, "label_builder_title", nil), Base: w.base,
		Style: w.base + "/widgets/" + w.Build() + "/builder.css", Client: w.base + "/widgets/" + w.Build() + "/builder.js",
		Script: w.base + "/widgets/" + w.Build() + "/v1.js", Integrity: w.files.list[Version+".js"].Integrity,
		Self: w.base + "/widgets/", Slug: q.Get("slug"), Partner: q.Get("partner"), Accent: q.Get("accent"),
	}
	if p, ok := err.(*content.Problem); ok {
		for _, f := range p.Fields {
			v.Wrong = append(v.Wrong, messages.Text(lang, f.Code, f.Params))
		}
		if a, err = w.Parse(Names[0], url.Values{"locale": {interfaceLocale(lang)}}); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	if a.Partner != "" {
		if _, err := w.partner(&Ask{Widget: "practice", Partner: a.Partner}); err != nil {
			p := content.AsProblem(err)
			v.Wrong = append(v.Wrong, messages.Text(lang, p.Code, p.Params))
		}
	}
	if v.Lines, err = w.Lines(a, base); err != nil {
		return nil, err
	}
	v.Element = "prassi-" + a.Widget
	v.fill(w, a, name)
	v.Link, v.Text = w.listPage(&a), messages.Text(a.Lang, "label_widget_all_"+a.Widget, nil)
	if a.one() {
		v.Link, v.Text = w.pageOf(a.Collection, a.Locale, a.Slug), messages.Text(a.Lang, "label_widget_read", nil)
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "builder.html", v); err != nil {
		return nil, fmt.Errorf("widgets: builder.html: %w", err)
	}
	return b.Bytes(), nil
}

// fill makes the choices of the form.
func (v *builderPage) fill(w *Widgets, a Ask, name string) {
	for _, n := range elements() {
		v.Widgets = append(v.Widgets, option{n, v.T("label_widget_" + n), n == name})
	}
	for _, l := range w.schemas.Locales() {
		v.Languages = append(v.Languages, option{l.Tag, l.Name, l.Tag == a.Locale})
		if i := slices.Index(messages.Languages, strings.TrimSuffix(l.Tag, "-Hans")); i >= 0 {
			v.Speak = append(v.Speak, option{messages.Languages[i], l.Name, messages.Languages[i] == v.Lang})
		}
	}
	v.Territories = append(v.Territories, option{"", v.T("label_builder_territory_any"), len(a.Territory) == 0})
	for _, r := range w.territories.Regions() {
		v.Territories = append(v.Territories, option{r.ISTAT, r.Name, slices.Contains(a.Territory, r.ISTAT)})
	}
	for _, p := range w.territories.Provinces() {
		v.Territories = append(v.Territories, option{p.Acronym, p.Name + " (" + p.Acronym + ")", slices.Contains(a.Territory, p.ISTAT)})
	}
	v.Topics = append(v.Topics, option{"", v.T("label_builder_topic_any"), len(a.Topic) == 0})
	for _, x := range w.schemas.Taxonomies() {
		if x.Name != "practice_areas" && x.Name != "service_areas" {
			continue
		}
		for _, t := range x.Terms {
			v.Topics = append(v.Topics, option{t.ID, t.Label.In(v.Lang), slices.Contains(a.Topic, t.ID)})
		}
	}
	for n := 1; n <= MaxLimit; n++ {
		v.Limits = append(v.Limits, option{strconv.Itoa(n), strconv.Itoa(n), n == a.Limit || a.one() && n == DefaultLimit})
	}
	for _, m := range Modes {
		v.Colour = append(v.Colour, option{m, v.T("label_builder_mode_" + m), m == a.Mode})
	}
}

// Preview is the element on the page itself. Its name is one of Names, and its
// attributes are escaped here: a template knows no element by a value.
func (v builderPage) Preview() template.HTML {
	var b strings.Builder
	b.WriteString("<" + v.Element)
	for _, at := range v.Lines.Attributes {
		b.WriteString(" " + at.Name + `="` + template.HTMLEscapeString(at.Value) + `"`)
	}
	b.WriteString(`><a href="` + template.HTMLEscapeString(v.Link) + `">` + template.HTMLEscapeString(v.Text) + "</a></" + v.Element + ">")
	return template.HTML(b.String())
}
