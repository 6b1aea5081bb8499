package site

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// words is how one language of the furniture says things. It is made once and read
// only.
type words struct {
	tag, dir, name string // "zh-Hans", "ltr", "简体中文"
	// lang is the language of messages: "zh".
	lang          string
	printer       *message.Printer
	months        [12]string
	days          map[string]string // by "mo"
	date, monthly [4]string         // literal texts around day, month and year, in their order
	dateOrder     []int
	monthlyOrder  []int
}

var weekdays = [...]string{"mo", "tu", "we", "th", "fr", "sa", "su"}

func newWords(l schemas.Locale) *words {
	w := &words{tag: l.Tag, dir: l.Dir, name: l.Name, lang: l.Tag, days: map[string]string{}}
	if w.lang, _, _ = strings.Cut(l.Tag, "-"); !speaks(w.lang) {
		w.lang = "en"
	}
	if w.dir == "" {
		w.dir = "ltr"
	}
	// Digits are those of Latin script in Arabic too, as messages has them.
	tag := language.Make(w.lang)
	if w.lang == "ar" {
		tag = language.MustParse("ar-u-nu-latn")
	}
	w.printer = message.NewPrinter(tag)
	for i := range w.months {
		w.months[i] = messages.Text(w.lang, "site_month_"+strconv.Itoa(i+1), nil)
	}
	for _, d := range weekdays {
		w.days[d] = messages.Text(w.lang, "site_day_"+d, nil)
	}
	w.date, w.dateOrder = pattern(w.text("site_date", "day", "@0", "month", "@1", "year", "@2"))
	w.monthly, w.monthlyOrder = pattern(w.text("site_month_year", "month", "@1", "year", "@2"))
	return w
}

// speaks reports that messages has words in a language.
func speaks(lang string) bool {
	for _, l := range messages.Languages {
		if l == lang {
			return true
		}
	}
	return false
}

// pattern cuts a date with marks @0 (day), @1 (month) and @2 (year) at the marks.
func pattern(s string) (texts [4]string, order []int) {
	for i := 0; ; {
		before, after, ok := strings.Cut(s, "@")
		texts[i] = before
		if !ok || after == "" || i == 3 {
			return texts, order
		}
		order = append(order, int(after[0]-'0'))
		s = after[1:]
		i++
	}
}

// text says a code; names and values of parameters follow.
func (w *words) text(code string, params ...any) string {
	if len(params) == 0 {
		return messages.Text(w.lang, code, nil)
	}
	m := make(map[string]any, len(params)/2)
	for i := 0; i+1 < len(params); i += 2 {
		name, _ := params[i].(string)
		m[name] = params[i+1]
	}
	return messages.Text(w.lang, code, m)
}

func (w *words) appendDay(b []byte, year int, month time.Month, day int, texts *[4]string, order []int) []byte {
	for i, part := range order {
		b = append(b, texts[i]...)
		switch part {
		case 0:
			b = strconv.AppendInt(b, int64(day), 10)
		case 1:
			b = append(b, w.months[month-1]...)
		default:
			b = strconv.AppendInt(b, int64(year), 10)
		}
	}
	return append(b, texts[len(order)]...)
}

// day writes a moment's day in Rome in words.
func (w *words) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	var room [64]byte
	y, m, d := t.In(content.Rome).Date()
	return string(w.appendDay(room[:0], y, m, d, &w.date, w.dateOrder))
}

// month writes "2027-03" in words.
func (w *words) month(iso string) string {
	t, err := time.Parse("2006-01", iso)
	if err != nil {
		return iso
	}
	return string(w.appendDay(nil, t.Year(), t.Month(), 1, &w.monthly, w.monthlyOrder))
}

// iso writes a day or a local time ("2027-03-21", "2027-03-21T10:00") in words;
// what is neither stays as it is.
func (w *words) iso(s string) string {
	day, clock, timed := strings.Cut(s, "T")
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return s
	}
	var room [64]byte
	out := string(w.appendDay(room[:0], t.Year(), t.Month(), t.Day(), &w.date, w.dateOrder))
	if timed {
		return w.text("site_date_time", "date", out, "time", clock)
	}
	return out
}

// span writes days or local times of which one may be empty.
func (w *words) span(from, to string) string {
	fromDay, fromTime, timed := strings.Cut(from, "T")
	toDay, toTime, _ := strings.Cut(to, "T")
	switch {
	case from == "" && to == "":
		return ""
	case to == "":
		return w.text("site_since", "from", w.iso(from))
	case from == "":
		return w.text("site_until", "to", w.iso(to))
	case from == to:
		return w.iso(from)
	case fromDay == toDay && timed:
		return w.text("site_date_time", "date", w.iso(fromDay), "time", fromTime+"–"+toTime)
	}
	return w.text("site_from_to", "from", w.iso(from), "to", w.iso(to))
}

// number writes a number with the language's marks.
func (w *words) number(f float64) string {
	return w.printer.Sprint(number.Decimal(f, number.MaxFractionDigits(4)))
}

// money writes an amount, a decimal text, with its currency.
func (w *words) money(amount, currency string) string {
	f, err := strconv.ParseFloat(amount, 64)
	if err != nil {
		return amount + " " + currency
	}
	digits := 2
	if f == float64(int64(f)) {
		digits = 0
	}
	n := w.printer.Sprint(number.Decimal(f, number.MinFractionDigits(digits), number.MaxFractionDigits(4)))
	if currency == "EUR" {
		currency = "€"
	}
	return n + " " + currency
}

// size writes a number of bytes.
func (w *words) size(n int64) string {
	switch {
	case n >= 1_000_000:
		return w.text("site_size_mb", "count", w.number(float64(n/100_000)/10))
	case n >= 1000:
		return w.text("site_size_kb", "count", w.number(float64((n+500)/1000)))
	}
	return w.text("site_size_bytes", "count", w.number(float64(n)))
}

func (w *words) yes(b bool) string {
	if b {
		return w.text("site_yes")
	}
	return w.text("site_no")
}

// label is a declared text in the language of the furniture.
func (w *words) label(t schemas.Text) string { return t.In(w.tag) }

// funcs are the template functions of the language; s gives addresses.
func (s *Site) funcs(w *words) template.FuncMap {
	return template.FuncMap{
		// oembed leads editors of other sites to what they may show of an item.
		"oembed": oembedLinks,
		// t says a code of messages, with names and values of parameters.
		"t": w.text,
		// date and datetime take a time.Time or an ISO text.
		"date": func(v any) string {
			switch v := v.(type) {
			case time.Time:
				return w.day(v)
			case string:
				day, _, _ := strings.Cut(v, "T")
				return w.iso(day)
			}
			return fmt.Sprint(v)
		},
		"datetime": func(v any) string {
			switch v := v.(type) {
			case time.Time:
				if v.IsZero() {
					return ""
				}
				return w.text("site_date_time", "date", w.day(v), "time", v.In(content.Rome).Format("15:04"))
			case string:
				return w.iso(v)
			}
			return fmt.Sprint(v)
		},
		// iso writes a time for a datetime attribute.
		"iso": func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.UTC().Format(time.RFC3339)
		},
		"number": func(v any) string {
			switch v := v.(type) {
			case int:
				return w.number(float64(v))
			case int64:
				return w.number(float64(v))
			case float64:
				return w.number(v)
			case *float64:
				if v != nil {
					return w.number(*v)
				}
				return ""
			}
			return fmt.Sprint(v)
		},
		"money": w.money,
		"size":  w.size,
		// asset gives the address of a file of the theme; empty when there is none.
		"asset": s.asset,
		// url gives the address of a path within the site: url "/it/news/".
		"url": s.address,
		// term gives the label of a term of the taxonomies.
		"term": func(id string) string {
			if t, ok := s.schemas.Term(id); ok {
				return w.label(t.Label)
			}
			return id
		},
		// label gives that of a type, or of a type's field: label "practice" "issue".
		"label": func(typ string, field ...string) string {
			t, ok := s.schemas.Type(typ)
			if !ok {
				return typ
			}
			if len(field) == 0 {
				return w.label(t.Label)
			}
			if f, ok := t.Field(field[0]); ok {
				return w.label(f.Label)
			}
			return field[0]
		},
		// plural gives the label of a collection, by type or collection.
		"plural": func(name string) string {
			if t, ok := s.schemas.Type(name); ok {
				return w.label(t.Plural)
			}
			if t, ok := s.schemas.TypeByCollection(name); ok {
				return w.label(t.Plural)
			}
			return name
		},
		// language gives what speakers call a language.
		"language": s.languageName,
		// lang gives the attributes lang and dir for a text in another language than
		// the page's, and nothing for one in the same: <h3 {{lang .Locale .Dir}}>.
		"lang": func(locale, dir string) template.HTMLAttr {
			if locale == "" || locale == w.tag {
				return ""
			}
			if dir == "" {
				dir = s.direction(locale)
			}
			return template.HTMLAttr(`lang="` + template.HTMLEscapeString(locale) + `" dir="` + template.HTMLEscapeString(dir) + `"`)
		},
		// header and footer give the pieces that all pages of a section share.
		"header": func(p *Page) (template.HTML, error) { return p.header() },
		"footer": func(p *Page) (template.HTML, error) { return p.footer() },
		// languagemenu stands in header.html and footer.html for languagemenu.html,
		// which is made for each page.
		"languagemenu": func() template.HTML { return languageMark },
		// radii are the distances of the form that asks what is nearby.
		"radii": func() []FilterOption { return Radii(RadiusUsual) },
		// dict makes a map for {{template "x" dict "name" value …}}.
		"dict": func(pairs ...any) (map[string]any, error) {
			if len(pairs)%2 != 0 {
				return nil, fmt.Errorf("dict takes pairs of names and values")
			}
			m := make(map[string]any, len(pairs)/2)
			for i := 0; i < len(pairs); i += 2 {
				name, ok := pairs[i].(string)
				if !ok {
					return nil, fmt.Errorf("dict takes pairs of names and values")
				}
				m[name] = pairs[i+1]
			}
			return m, nil
		},
		"list": func(values ...any) []any { return values },
		"add":  func(a, b int) int { return a + b },
		"join": strings.Join,
	}
}
