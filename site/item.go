package site

import (
	"cmp"
	"encoding/json"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/schemas"
)

// reader makes views out of the catalogue's JSON, in a language of the furniture.
type reader struct {
	*Site
	*words
	home string // "/it/", with the path of BaseURL
	// link finds the page of a document; nil when there is none.
	link func(id string) *Link
	// topics and acts have pages when these say so; nil: all have.
	topic, act func(id string) bool
	item       *Item
	today      string
	// lang and dir are set on texts that are not in the page's language.
	lang, dir string
}

// Item makes the view of a document out of its long JSON, as the delivery API and
// catalog.Preview give it, for a reader of a language of the furniture.
func (s *Site) Item(raw []byte, lang string) (*Item, error) {
	t := s.tongue(lang)
	r := &reader{Site: s, words: t.words, home: s.prefix + "/" + t.tag + "/", today: s.today()}
	r.link = func(id string) *Link {
		e, ok := s.catalog.ByID(id, t.tag)
		sh := s.byType[""]
		if ok {
			sh = s.byType[e.Type()]
		}
		if sh == nil {
			return nil
		}
		l := &Link{Title: e.Title(), URL: r.home + sh.before + safeName(e.Slug()) + sh.after + "/"}
		if e.Locale() != t.tag {
			l.Lang, l.Dir = e.Locale(), s.direction(e.Locale())
		}
		return l
	}
	return r.read(raw)
}

// read makes the view.
func (r *reader) read(raw []byte) (*Item, error) {
	it := &Item{rows: map[string]*FieldRow{}}
	r.item = it
	var fields, rendered []byte
	var alternates []byte
	var toc, refs, terms, places []byte
	err := catalog.Members(raw, func(key string, v []byte) error {
		switch key {
		case "id":
			it.ID = text(v)
		case "type":
			it.Type = text(v)
		case "collection":
			it.Collection = text(v)
		case "slug":
			it.Slug = text(v)
		case "locale":
			it.Locale = text(v)
		case "dir":
			it.Dir = text(v)
		case "title":
			it.Title = text(v)
		case "summary":
			it.Summary = text(v)
		case "published_at":
			it.Published = moment(v)
		case "updated_at":
			it.Updated = moment(v)
		case "public_state":
			it.State = text(v)
		case "html":
			it.HTML = template.HTML(text(v))
		case "organization":
			it.Organization = r.linkOf(v)
		case "assurance":
			it.Assurance = &Assurance{Unverified: member(v, "status") == "unverified"}
			if day := member(v, "date"); day != "" {
				it.Assurance.ISO, it.Assurance.Date = day, r.iso(day)
			}
		case "revision":
			it.Revision = member(v, "id")
		case "territories":
			places = v
		case "topics":
			terms = v
		case "fields":
			fields = v
		case "rendered":
			rendered = v
		case "toc":
			toc = v
		case "references":
			refs = v
		case "alternates":
			alternates = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	typ, ok := r.schemas.Type(it.Type)
	if ok {
		it.Label = r.label(typ.Label)
	}
	if it.Foreign = it.Locale != r.tag; it.Foreign {
		r.lang, r.dir = it.Locale, it.Dir
	}
	sh := r.byType[it.Type]
	if sh != nil {
		it.URL = r.home + sh.before + safeName(it.Slug) + sh.after + "/"
	}
	elements(places, func(v []byte) { it.Territories = append(it.Territories, r.territory(v)) })
	elements(terms, func(v []byte) { it.Topics = append(it.Topics, r.topicLink(member(v, "id"))) })
	elements(toc, func(v []byte) {
		h := Heading{}
		members(v, func(key string, v []byte) {
			switch key {
			case "level":
				h.Level, _ = strconv.Atoi(string(v))
			case "id":
				h.ID = text(v)
			case "text":
				h.Text = text(v)
			}
		})
		it.TOC = append(it.TOC, h)
	})
	elements(refs, func(v []byte) { it.References = append(it.References, r.reference(v)) })
	if ok && sh != nil {
		r.rows(sh, fields, rendered)
	}
	if alternates != nil {
		elements(alternates, func(v []byte) {
			locale := member(v, "locale")
			a := Alternate{Locale: locale, Name: r.languageName(locale), Dir: r.direction(locale)}
			if sh != nil {
				a.URL = r.prefix + "/" + locale + "/" + sh.before + safeName(member(v, "slug")) + sh.after + "/"
			}
			it.Alternates = append(it.Alternates, a)
		})
	}
	return it, nil
}

func moment(v []byte) time.Time {
	if len(v) < 2 {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, string(v[1:len(v)-1]))
	if err != nil {
		return time.Time{}
	}
	return t
}

// linkOf leads to a document that an item names: to its page where the site has
// one, else it is a title without an address.
func (r *reader) linkOf(v []byte) *Link {
	id := member(v, "id")
	if id == "" {
		return nil
	}
	if l := r.link(id); l != nil {
		return l
	}
	return &Link{Title: member(v, "title"), Lang: r.lang, Dir: r.dir}
}

func (r *reader) territory(v []byte) TerritoryLink {
	code := text(v)
	if code == "" {
		code = member(v, "istat")
	}
	l := TerritoryLink{ISTAT: code, Name: code}
	if t, ok := r.territories.Lookup(code); ok {
		l.Name, l.Acronym, l.Level = t.Name, t.Acronym, t.Level
	} else if len(v) > 0 && v[0] == '{' {
		if name := member(v, "name"); name != "" {
			l.Name = name
		}
		l.Level = member(v, "kind")
	}
	if t := r.places.own(code); t != nil {
		l.URL = r.home + t.path + "/"
	}
	return l
}

func (r *reader) topicLink(id string) TermLink {
	l := TermLink{ID: id, Label: id}
	if t, ok := r.schemas.Term(id); ok {
		l.Label = r.label(t.Label)
		if r.topic == nil || r.topic(id) {
			l.URL = r.home + "topics/" + safeName(id) + "/"
		}
	}
	return l
}

func (r *reader) reference(v []byte) Reference {
	c := readCitation(v)
	x := Reference{Identifier: c.identifier, Scheme: c.scheme, Label: cmp.Or(c.label, c.identifier), URL: c.url}
	if r.act == nil || r.act(c.key) {
		x.Act = r.home + "acts/" + c.key + "/"
	}
	return x
}

// rows reads the declared fields.
func (r *reader) rows(sh *shape, fields, rendered []byte) {
	it := r.item
	html := map[string][]byte{}
	members(rendered, func(key string, v []byte) { html[key] = v })
	members(fields, func(name string, v []byte) {
		f := sh.fields[name]
		if f == nil || headed[name] || unshown[name] || f.Kind == schemas.AttributesKind {
			return
		}
		row := &FieldRow{Name: name, Label: r.label(f.Label), Kind: f.Kind, Section: f.Form.Section}
		if s := sh.sections[row.Section]; s != nil {
			row.SectionLabel = r.label(s.Label)
		}
		r.value(row, f, v, html[name])
		it.rows[name] = row
		shown := true
		switch {
		case name == sh.image && len(row.Images) > 0:
			it.Image, shown = row.Images[0], false
		case name == sh.calendar && len(row.Dates) > 0:
			it.When, shown = &row.Dates[0], false
		case name == sh.deadlines:
			each(v, func(v []byte) {
				it.Deadlines = append(it.Deadlines, deadlineView(r.words, deadline{member(v, "label"), member(v, "from"), member(v, "to")}, r.today))
			})
		case name == sh.act && len(row.References) > 0:
			it.Act = &row.References[0]
		case name == "cancelled":
			it.Cancelled, shown = row.Bool != nil && *row.Bool, false
		}
		switch {
		case f.Kind == "place" && it.Places == nil:
			it.Places = row.Places
		case f.Kind == "opening_hours" && it.Hours == nil:
			it.Hours = row.Hours
		case f.Kind == "contact" && it.Contacts == nil:
			it.Contacts = row.Contacts
		}
		if shown {
			it.Rows = append(it.Rows, row)
		}
	})
}

// value reads a field's value by its kind.
func (r *reader) value(row *FieldRow, f *schemas.Field, v, html []byte) {
	switch f.Kind {
	case "text":
		each(v, func(v []byte) { row.Text = joined(row.Text, text(v)) })
		row.URL = textURL(f.Format, row.Text)
		if f.Localized {
			row.Lang, row.Dir = r.lang, r.dir
		}
	case "markdown":
		row.HTML, row.Lang, row.Dir = template.HTML(text(html)), r.lang, r.dir
	case "rich_list":
		row.Lang, row.Dir = r.lang, r.dir
		each(v, func(v []byte) { row.Rich = append(row.Rich, RichRow{Title: member(v, "title")}) })
		i := 0
		elements(html, func(v []byte) {
			if i < len(row.Rich) {
				row.Rich[i].HTML = template.HTML(text(v))
			}
			i++
		})
	case "choice":
		each(v, func(v []byte) {
			id := member(v, "id")
			l := TermLink{ID: id, Label: id}
			if t, ok := f.Term(id); ok {
				l.Label = r.label(t.Label)
			}
			row.Terms = append(row.Terms, l)
			row.Text = joined(row.Text, l.Label)
		})
	case "territory":
		each(v, func(v []byte) {
			t := r.territory(v)
			row.Terms = append(row.Terms, TermLink{t.ISTAT, t.Name, t.URL})
			row.Text = joined(row.Text, t.Name)
		})
	case "language_list":
		each(v, func(v []byte) {
			tag := text(v)
			row.Terms = append(row.Terms, TermLink{ID: tag, Label: r.languageName(tag)})
			row.Text = joined(row.Text, r.languageName(tag))
		})
	case "reference":
		each(v, func(v []byte) {
			if l := r.linkOf(v); l != nil {
				row.Links = append(row.Links, *l)
				row.Text = joined(row.Text, l.Title)
			}
		})
	case "date":
		each(v, func(v []byte) {
			d := DateView{From: text(v), Text: r.iso(text(v)), Past: isPast(text(v), r.today)}
			row.Dates = append(row.Dates, d)
			row.Text = joined(row.Text, d.Text)
		})
	case "date_range":
		each(v, func(v []byte) {
			d := DateView{Label: member(v, "label"), From: member(v, "from"), To: member(v, "to")}
			d.Text, d.Past = r.span(d.From, d.To), isPast(cmp.Or(d.To, d.From), r.today)
			row.Dates = append(row.Dates, d)
			row.Text = joined(row.Text, d.Text)
		})
	case "number":
		if n, ok := float(v); ok {
			row.Number, row.Text = &n, r.number(n)
		}
	case "boolean":
		b := string(v) == "true"
		row.Bool, row.Text = &b, r.yes(b)
	case "money":
		m := &MoneyView{Amount: member(v, "amount"), Currency: member(v, "currency")}
		m.Text = r.money(m.Amount, m.Currency)
		row.Money, row.Text = m, m.Text
	case "place":
		each(v, func(v []byte) { row.Places = append(row.Places, r.place(v)) })
	case "indicators":
		row.Lang, row.Dir = r.lang, r.dir
		each(v, func(v []byte) { row.Indicators = append(row.Indicators, r.indicator(v)) })
	case "contact":
		each(v, func(v []byte) { row.Contacts = append(row.Contacts, r.contact(v)) })
	case "legal_reference":
		each(v, func(v []byte) {
			x := r.reference(v)
			row.References = append(row.References, x)
			row.Text = joined(row.Text, x.Label)
		})
	case "opening_hours":
		row.Hours = r.hours(v)
	case "media":
		each(v, func(v []byte) {
			if img, file := r.mediaView(v); img != nil {
				row.Images = append(row.Images, img)
			} else if file != nil {
				row.Files = append(row.Files, *file)
			}
		})
	}
}

// joined adds to a text of several values.
func joined(s, more string) string {
	if s == "" || more == "" {
		return s + more
	}
	return s + ", " + more
}

// textURL is where a short text leads, by its declared format. It is marked as safe
// because templates know no tel:; what begins it is decided here.
func textURL(format, s string) template.URL {
	switch format {
	case "url", "link":
		if u, err := url.Parse(s); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			return template.URL(s)
		}
	case "email":
		return template.URL("mailto:" + s)
	case "phone":
		return "tel:" + template.URL(strings.Map(func(c rune) rune {
			if c == '+' || c >= '0' && c <= '9' {
				return c
			}
			return -1
		}, s))
	}
	return ""
}

func (r *reader) place(v []byte) PlaceView {
	at := readPoint(v)
	p := PlaceView{Label: at.label, Address: at.address, Approximate: at.approximate}
	if t, ok := r.territories.Lookup(at.municipality); ok {
		p.Municipality = t.Name
	}
	p.Line = p.Address
	if !strings.HasSuffix(strings.ToLower(p.Address), strings.ToLower(p.Municipality)) {
		p.Line = joined(p.Address, p.Municipality)
	}
	var okLat, okLon bool
	p.Lat, okLat = float([]byte(at.lat))
	p.Lon, okLon = float([]byte(at.lon))
	if p.Known = okLat && okLon; p.Known && !p.Approximate {
		p.Directions = "https://www.openstreetmap.org/?mlat=" + at.lat + "&mlon=" + at.lon + "#map=17/" + at.lat + "/" + at.lon
	}
	return p
}

func (r *reader) indicator(v []byte) IndicatorView {
	x := IndicatorView{Reached: -1}
	var base, target, value *float64
	read := func(v []byte, to **float64, words *string) {
		if n, ok := float(v); ok {
			*to, *words = &n, r.number(n)
		}
	}
	members(v, func(key string, v []byte) {
		switch key {
		case "name":
			x.Name = text(v)
		case "unit":
			x.Unit = text(v)
		case "source":
			x.Source = text(v)
		case "baseline":
			read(v, &base, &x.Baseline)
		case "target":
			read(v, &target, &x.Target)
		case "value":
			read(v, &value, &x.Value)
		}
	})
	if target != nil && value != nil {
		from := 0.0
		if base != nil {
			from = *base
		}
		if *target != from {
			x.Reached = int(max(0, min(100, 100*(*value-from)/(*target-from))))
		}
	}
	return x
}

func (r *reader) contact(v []byte) ContactView {
	c := ContactView{}
	members(v, func(key string, v []byte) {
		switch key {
		case "name":
			c.Name = text(v)
		case "role":
			c.Role = text(v)
		case "email":
			c.Email = text(v)
		case "phone":
			c.Phone = text(v)
		case "web":
			c.Web = text(v)
		}
	})
	if c.Phone != "" {
		c.Call = textURL("phone", c.Phone)
	}
	if c.Web != "" {
		if c.WebURL = string(textURL("url", c.Web)); c.WebURL == "" && !strings.Contains(c.Web, ":") && strings.Contains(c.Web, ".") {
			c.WebURL = string(textURL("url", "https://"+c.Web))
		}
	}
	return c
}

// hours says in words when something is open: the plain rows by day of the week,
// those with dates as notes.
func (r *reader) hours(v []byte) *HoursView {
	h := &HoursView{}
	for _, d := range weekdays {
		h.Days = append(h.Days, HoursDay{Day: d, Name: r.days[d]})
	}
	var iso []string
	each(v, func(v []byte) {
		var days []string
		var opens, closes, from, to string
		var closed, holidays bool
		members(v, func(key string, v []byte) {
			switch key {
			case "days":
				each(v, func(v []byte) { days = append(days, text(v)) })
			case "opens":
				opens = text(v)
			case "closes":
				closes = text(v)
			case "valid_from":
				from = text(v)
			case "valid_to":
				to = text(v)
			case "closed":
				closed = string(v) == "true"
			case "holidays":
				holidays = string(v) == "true"
			}
		})
		span := opens + "–" + closes
		var when []string
		if from != "" && from == to {
			when = append(when, r.iso(from))
		} else if from != "" || to != "" {
			when = append(when, r.span(from, to))
		}
		if len(when) > 0 || closed {
			for _, d := range days {
				when = append(when, r.days[d])
			}
		}
		if holidays {
			when = append(when, r.text("site_public_holidays"))
		}
		switch {
		case closed:
			h.Notes = append(h.Notes, r.text("site_closed_when", "when", strings.Join(when, ", ")))
		case from != "" || to != "":
			h.Notes = append(h.Notes, r.text("site_open_when", "when", strings.Join(when, ", "), "hours", span))
		default:
			for i := range h.Days {
				if slices.Contains(days, h.Days[i].Day) {
					h.Days[i].Spans = append(h.Days[i].Spans, span)
					iso = append(iso, h.Days[i].Day+" "+opens+"-"+closes)
				}
			}
			if holidays {
				h.Notes = append(h.Notes, r.text("site_open_when", "when", strings.Join(when, ", "), "hours", span))
			}
		}
	})
	for i := range h.Days {
		slices.Sort(h.Days[i].Spans)
	}
	h.ISO = strings.Join(iso, "; ")
	return h
}

// mediaFile is one form of a file.
type mediaFile struct {
	url, typ      string
	width, height int
	bytes         int64
}

// mediaView is a picture, or a file to download.
func (s *Site) mediaView(v []byte, w *words) (*Image, *FileView) {
	img := &Image{}
	var src, typ string
	var bytes int64
	var files []mediaFile
	members(v, func(key string, v []byte) {
		switch key {
		case "src":
			src = text(v)
		case "alt":
			img.Alt = text(v)
		case "caption":
			img.Caption = text(v)
		case "credit":
			img.Credit = text(v)
		case "type":
			typ = text(v)
		case "width":
			img.Width, _ = strconv.Atoi(string(v))
		case "height":
			img.Height, _ = strconv.Atoi(string(v))
		case "bytes":
			bytes, _ = strconv.ParseInt(string(v), 10, 64)
		case "files":
			elements(v, func(v []byte) {
				f := mediaFile{}
				members(v, func(key string, v []byte) {
					switch key {
					case "url":
						f.url = text(v)
					case "type":
						f.typ = text(v)
					case "width":
						f.width, _ = strconv.Atoi(string(v))
					case "height":
						f.height, _ = strconv.Atoi(string(v))
					case "bytes":
						f.bytes, _ = strconv.ParseInt(string(v), 10, 64)
					}
				})
				files = append(files, f)
			})
		}
	})
	for _, f := range files {
		if f.url == src {
			typ = f.typ
		}
	}
	if typ == "" {
		typ = types[strings.ToLower(extension(src))]
	}
	if !strings.HasPrefix(typ, "image/") {
		if src == "" {
			return nil, nil
		}
		f := &FileView{Title: cmp.Or(img.Caption, img.Alt, lastPart(src)), URL: s.media(src), Type: typ, Bytes: bytes}
		if bytes > 0 {
			f.Size = w.size(bytes)
		}
		return nil, f
	}
	img.Src = s.media(src)
	if len(files) > 1 {
		img.Srcset, img.Webp = s.srcset(files, typ), ""
		if typ != "image/webp" {
			img.Webp = s.srcset(files, "image/webp")
		}
	}
	return img, nil
}

func (r *reader) mediaView(v []byte) (*Image, *FileView) { return r.Site.mediaView(v, r.words) }

// srcset lists the forms of a type, the smallest first.
func (s *Site) srcset(files []mediaFile, typ string) template.Srcset {
	list := slices.DeleteFunc(slices.Clone(files), func(f mediaFile) bool { return f.typ != typ || f.width == 0 })
	slices.SortStableFunc(list, func(a, b mediaFile) int { return cmp.Compare(a.width, b.width) })
	var b strings.Builder
	for _, f := range list {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.media(f.url) + " " + strconv.Itoa(f.width) + "w")
	}
	return template.Srcset(b.String())
}

func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func extension(s string) string {
	s = lastPart(s)
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[i:]
	}
	return ""
}

// raws are buffers for the JSON of items, of which a view keeps nothing.
var raws = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10); return &b }}

// itemPage is the page of a document.
func (p *plan) itemPage(j *job) (*Page, error) {
	ed, i := j.ed, j.i
	x := &ed.items[i]
	buf := raws.Get().(*[]byte)
	defer raws.Put(buf)
	raw, err := x.f.entry.AppendTo((*buf)[:0], catalog.Identity)
	if err != nil {
		return nil, err
	}
	if cap(raw) <= maxBuffer {
		*buf = raw
	}
	r := &reader{Site: p.Site, words: ed.words, home: ed.view.Home, today: p.day}
	r.link = func(id string) *Link {
		if k, ok := p.byID[id]; ok && ed.items[k].f != nil {
			l := p.linkTo(ed, k)
			return &l
		}
		return nil
	}
	item, err := r.read(raw)
	if err != nil {
		return nil, err
	}
	item.URL = p.prefix + x.url
	if ed.other {
		item.Foreign = true
	}
	p.company(ed, item, i)
	d, sh := p.docs[i], x.f.shape
	pg := p.page(ed, p.kindOf(item.Type), item.Collection, strings.Trim(x.url, "/"), item.Title)
	pg.Item, pg.Description = item, item.Summary
	p.itemLanguages(pg, ed, d, i)
	pg.Picture = p.picture(item)
	if len(x.f.points) > 0 {
		pg.Map = p.mapView(ed, "", []int32{i})
		pg.Map.Points = string(p.appendPoints(nil, ed, []int32{i}))
	}
	p.crumbs(pg, ed, Link{Title: ed.label(sh.typ.Plural), URL: ed.view.Home + sh.folder + "/"})
	return pg, nil
}

// company adds the items around an item.
func (p *plan) company(ed *edition, item *Item, i int32) {
	x, d := &ed.items[i], p.docs[i]
	for _, id := range x.f.related {
		k, ok := p.byID[id]
		if !ok || ed.items[k].f == nil || k == i {
			continue
		}
		c := p.cardView(ed, k)
		if c.Type == item.Type && item.Type == "practice" {
			item.TransferredFrom = append(item.TransferredFrom, c)
		} else {
			item.Related = append(item.Related, c)
		}
	}
	for _, k := range p.present(ed, d.citedBy, maxCited) {
		c := p.cardView(ed, k)
		if c.Type == item.Type && item.Type == "practice" {
			item.Transfers = append(item.Transfers, c)
		} else {
			item.CitedBy = append(item.CitedBy, c)
		}
	}
	if len(d.published) > 0 {
		for _, s := range p.shelvesOf(ed, d.published) {
			q := url.Values{"collection": {s.name}, "organization": {x.f.slug}}
			item.Shelves = append(item.Shelves, p.shelf(ed, s.name, s.all, shelfSize, ed.view.Search+"?"+q.Encode()))
		}
	}
}

// itemLanguages fills in where the document is in other languages. A text that
// stands in for a translation has its canonical address where it is at home, and is
// named by no hreflang.
func (p *plan) itemLanguages(pg *Page, ed *edition, d *doc, i int32) {
	item := pg.Item
	item.Alternates = nil
	for _, other := range p.editions {
		x := &other.items[i]
		if x.f == nil {
			if !other.other {
				pg.Languages = append(pg.Languages, LanguageLink{Locale: other.tag, Name: other.name, Dir: other.dir, URL: other.view.Home})
			}
			continue
		}
		at := p.prefix + x.url
		own := x.f.locale == other.tag
		if !other.other || own {
			l := LanguageLink{Locale: other.tag, Name: p.languageName(other.tag), Dir: p.direction(other.tag), URL: at, Current: other == ed}
			pg.Languages = append(pg.Languages, l)
		}
		if own {
			a := Alternate{x.f.locale, p.languageName(x.f.locale), x.f.dir, at}
			if x.f.locale != item.Locale {
				item.Alternates = append(item.Alternates, a)
			}
			if p.origin != "" {
				a.URL = p.origin + at
				if x.f.locale == item.Locale {
					pg.Canonical = a.URL
				}
				if x.f == d.best("") {
					pg.XDefault = a.URL
				}
				pg.Alternates = append(pg.Alternates, a)
			}
		}
	}
	if ed.tag != item.Locale {
		pg.Alternates, pg.XDefault = nil, ""
	}
}

// picture is the generated one for social networks; it needs a whole address.
func (p *plan) picture(item *Item) *Picture {
	base := cmp.Or(p.cfg.API, p.cfg.BaseURL)
	if p.cfg.Cards && p.cfg.BaseURL != "" {
		base = p.cfg.BaseURL
	}
	if base == "" {
		return nil
	}
	return &Picture{
		URL:   base + "/cards/" + item.Locale + "/" + item.Collection + "/" + url.PathEscape(item.Slug) + ".png",
		Width: 1200, Height: 630, Alt: item.Title,
	}
}

func (p *plan) cardViews(ed *edition, list []int32) []*Card {
	out := make([]*Card, len(list))
	for n, i := range list {
		out[n] = p.cardView(ed, i)
	}
	return out
}

// cardView is a document in a list.
func (p *plan) cardView(ed *edition, i int32) *Card {
	x := &ed.items[i]
	c := p.Site.card(ed.words, x.f, p.day)
	c.URL = p.prefix + x.url
	c.Foreign = c.Locale != ed.words.tag
	return c
}

// maxMetaValues bounds the values of one short fact.
const maxMetaValues = 4

// card says of a variant what lists show.
func (s *Site) card(w *words, f *facts, today string) *Card {
	c := &Card{
		ID: f.id, Type: f.shape.typ.Name, Collection: f.shape.typ.Collection, Label: w.label(f.shape.typ.Label),
		Locale: f.locale, Dir: f.dir, Title: f.title, Summary: f.summary, Foreign: f.locale != w.tag,
		Date: time.UnixMilli(f.published).UTC(), Organization: f.orgTitle, Cancelled: f.cancelled, Unverified: f.unverified, State: f.state,
	}
	c.DateText = w.day(c.Date)
	if f.from != "" || f.to != "" {
		c.When = &DateView{From: f.from, To: f.to, Text: w.span(f.from, f.to), Past: isPast(f.end(), today)}
	}
	if len(f.territories) > 0 {
		if t, ok := s.territories.Lookup(f.territories[0]); ok {
			c.Territory = t.Name
		} else if t := s.places.own(f.territories[0]); t != nil {
			c.Territory = t.Name
		}
	}
	if len(f.topics) > 0 {
		if t, ok := s.schemas.Term(f.topics[0]); ok {
			c.Topic = w.label(t.Label)
		}
	}
	if f.image != "" {
		c.Image, _ = s.mediaView([]byte(f.image), w)
	}
	for _, m := range f.meta {
		if said := s.meta(w, m); said != "" {
			c.Meta = append(c.Meta, said)
		}
	}
	// The next deadline, or the last that there was.
	for _, x := range f.deadlines {
		d := deadlineView(w, x, today)
		if c.Deadline == nil || c.Deadline.Past && !d.Past || c.Deadline.Past == d.Past && (d.ISO < c.Deadline.ISO) == !d.Past {
			c.Deadline = &d
		}
	}
	return c
}

// meta says a short fact.
func (s *Site) meta(w *words, m metaFact) string {
	var out string
	more := max(0, len(m.values)-maxMetaValues)
	switch m.field.Kind {
	case "date_range":
		if len(m.values) >= 2 {
			return w.span(m.values[0], m.values[1])
		}
		return ""
	case "number":
		n, ok := float([]byte(m.values[0]))
		if !ok {
			return ""
		}
		return w.text("site_in_place", "label", w.label(m.field.Label), "place", w.number(n))
	case "choice":
		for _, id := range m.values[:len(m.values)-more] {
			if t, ok := m.field.Term(id); ok {
				out = joined(out, w.label(t.Label))
			}
		}
	default:
		for _, tag := range m.values[:len(m.values)-more] {
			name := s.languageName(tag)
			if s.direction(tag) != w.dir {
				name = "\u2068" + name + "\u2069" // FSI, PDI: what follows keeps its place
			}
			out = joined(out, name)
		}
	}
	if more > 0 {
		out += " +" + strconv.Itoa(more)
	}
	return out
}

// Card makes the view of an entry in a list, for answers of the search. It reads
// the entry; the error is the disk's. ok is false when the site does not show it.
func (s *Site) Card(e catalog.Entry, lang string) (c *Card, ok bool, err error) {
	sh := s.byType[e.Type()]
	if sh == nil {
		return nil, false, nil
	}
	raw, err := e.AppendTo(nil, catalog.Identity)
	if err != nil {
		return nil, false, err
	}
	t := s.tongue(lang)
	f := s.read(e, sh, raw)
	c = s.card(t.words, f, s.today())
	c.URL = s.prefix + "/" + t.tag + "/" + sh.before + f.slug + sh.after + "/"
	return c, true, nil
}

// messagesOf lists the sentences of a language that pages may say, for the
// fingerprint.
func messagesOf(lang string) (out []string) {
	for _, code := range messages.Codes(lang) {
		if strings.HasPrefix(code, "site_") {
			out = append(out, code+" "+messages.Text(lang, code, nil))
		}
	}
	return out
}

// jsonText appends a JSON string that may stand in an HTML script element: <, > and
// & are escaped, and so are the line separators of JavaScript.
func jsonText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return jsonSlow(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func jsonSlow(b []byte, s string) []byte {
	out, err := json.Marshal(s)
	if err != nil { // a string
		panic(err)
	}
	return append(b, out...)
}
