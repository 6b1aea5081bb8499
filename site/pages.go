package site

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/release"
)

// page begins a page of an edition: folder is its place, "it/news" or "it".
func (p *plan) page(ed *edition, kind, section, folder, title string) *Page {
	f := ed.frames[section]
	if f == nil {
		f = &frame{} // a section that nobody foresaw is made for this page alone
	}
	path := "/" + folder + "/"
	pg := &Page{
		Site: ed.view, Lang: ed.words.tag, Dir: ed.words.dir, Kind: kind, Section: section, Path: path, Title: title, Feeds: ed.view.Feeds,
		tongue: ed.tongue, frame: f,
	}
	return pg
}

// everywhere completes a page that has its like in every language, below /{tag}/;
// rest is "news/", or empty for the home.
func (p *plan) everywhere(pg *Page, ed *edition, rest string) *Page {
	pg.Languages = make([]LanguageLink, 0, len(p.tongues))
	for _, t := range p.tongues {
		l := LanguageLink{Locale: t.tag, Name: t.name, Dir: t.dir, URL: p.prefix + "/" + t.tag + "/" + rest, Current: t == ed.tongue}
		pg.Languages = append(pg.Languages, l)
		if p.origin != "" && !pg.NoIndex {
			pg.Alternates = append(pg.Alternates, Alternate{l.Locale, l.Name, l.Dir, p.origin + l.URL})
		}
	}
	if p.origin != "" && !pg.NoIndex {
		pg.Canonical = p.origin + p.prefix + pg.Path
		if rest == "" {
			pg.XDefault = p.origin + p.prefix + "/"
		} else {
			pg.XDefault = pg.Alternates[0].URL
		}
	}
	return pg
}

// alone completes a page without its like elsewhere: its languages lead to the
// same place rest of the others, and it has no alternates.
func (p *plan) alone(pg *Page, ed *edition, rest string) *Page {
	no := pg.NoIndex
	pg.NoIndex = true
	p.everywhere(pg, ed, rest)
	if pg.NoIndex = no; p.origin != "" && !no {
		pg.Canonical = p.origin + p.prefix + pg.Path
	}
	return pg
}

// crumbs lead to a page from the home.
func (p *plan) crumbs(pg *Page, ed *edition, links ...Link) {
	pg.Crumbs = append(make([]Link, 0, len(links)+2), Link{Title: ed.text("site_title_home"), URL: ed.view.Home})
	pg.Crumbs = append(append(pg.Crumbs, links...), Link{Title: pg.Title})
	pg.LD = p.ld(pg)
}

func (p *plan) add(ed *edition, file string, inputs release.Digest, view func(*plan, *job) (*Page, error), i int, arg any) {
	if p.stays(file, inputs) == nil {
		p.emit(&job{File: release.File{Path: file, Inputs: inputs}, ed: ed, page: view, i: int32(i), arg: arg})
	}
}

// homeFacts are what a front page shows.
type homeFacts struct {
	shelves   []shelfItems
	showcase  []int32
	events    []int32
	deadlines []dueItem
	topics    []counted
	regions   []counted
}

type counted struct {
	id    string
	total int
}

type dueItem struct {
	deadline
	i int32
}

// homes emits a language's front page.
func (p *plan) homes(d *digester, ed *edition) {
	h := &homeFacts{events: p.upcoming(ed, 4), deadlines: p.due(ed, 5), showcase: p.showcased(ed)}
	h.showcase = h.showcase[:min(len(h.showcase), 3)]
	d.dig(ed.print).str("home", p.day)
	for _, sh := range p.collections {
		if sh.calendar == "" {
			all := ed.lists[sh.typ.Collection]
			h.shelves = append(h.shelves, shelfItems{sh.typ.Collection, all})
			d.str(sh.typ.Collection).num(len(all))
			p.cards(d, ed, all[:min(len(all), homeShelf)])
		}
	}
	p.cards(d, ed, h.showcase)
	p.cards(d, ed, h.events)
	p.dueDigest(d, ed, h.deadlines)
	for _, t := range p.topics {
		h.topics = append(h.topics, counted{t.ID, total(ed.about[t.ID])})
	}
	for _, r := range p.places.regions {
		h.regions = append(h.regions, counted{r.ISTAT, total(ed.where[r.ISTAT])})
	}
	for _, c := range append(slices.Clone(h.topics), h.regions...) {
		d.str(c.id).num(c.total)
	}
	p.add(ed, ed.tag+"/index.html", d.sum(), (*plan).homePage, 0, h)
}

// homeShelf is how many items of a collection a front page shows.
const homeShelf = 6

func total(lists map[string][]int32) (n int) {
	for _, l := range lists {
		n += len(l)
	}
	return n
}

func (p *plan) homePage(j *job) (*Page, error) {
	ed, h := j.ed, j.arg.(*homeFacts)
	pg := p.page(ed, "home", "home", ed.tag, ed.view.Name)
	pg.Description, pg.Day = ed.view.Tagline, p.day
	home := &Home{Deadlines: p.deadlineViews(ed, h.deadlines)}
	for _, s := range h.shelves {
		if len(s.all) == 0 {
			continue
		}
		shelf := p.shelf(ed, s.name, s.all, homeShelf, ed.view.Home+p.shapeNamed(s.name).folder+"/")
		switch s.name {
		case "news":
			home.News = shelf
		case "practices":
			home.Practices = shelf
		case "services":
			home.Services = shelf
		case "articles":
			home.Articles = shelf
		default:
			home.Others = append(home.Others, shelf)
		}
	}
	home.Showcase, home.Events = p.cardViews(ed, h.showcase), p.cardViews(ed, h.events)
	for _, c := range h.topics {
		if t, ok := p.schemas.Term(c.id); ok && c.total > 0 {
			home.Topics = append(home.Topics, CountedLink{Link{Title: ed.label(t.Label), URL: ed.view.Topics + c.id + "/"}, c.id, c.total})
		}
	}
	for _, c := range h.regions {
		t := p.places.byCode[c.id]
		home.Regions = append(home.Regions, CountedLink{Link{Title: t.Name, URL: ed.view.Home + strings.TrimPrefix(t.path, "/") + "/"}, c.id, c.total})
	}
	pg.Home = home
	p.everywhere(pg, ed, "")
	pg.LD = p.ld(pg)
	return pg, nil
}

// shelf is the newest of a list; all is the address of the whole.
func (p *plan) shelf(ed *edition, collection string, list []int32, most int, all string) *Shelf {
	s := &Shelf{Collection: collection, Label: ed.label(p.shapeNamed(collection).typ.Plural), Total: len(list), Items: p.cardViews(ed, list[:min(len(list), most)])}
	if len(list) > most {
		s.All = all
	}
	return s
}

// upcoming are the next events, the soonest first; most 0 gives all.
func (p *plan) upcoming(ed *edition, most int) []int32 {
	var out []int32
	for _, sh := range p.collections {
		if sh.calendar == "" {
			continue
		}
		for _, i := range ed.lists[sh.typ.Collection] {
			if !p.past(ed.items[i].f.end()) {
				out = append(out, i)
			}
		}
	}
	ed.soonest(out)
	if most > 0 {
		out = out[:min(len(out), most)]
	}
	return out
}

// end is the last day of an event.
func (f *facts) end() string {
	if f.to != "" {
		return f.to
	}
	return f.from
}

// begin is its first.
func (f *facts) begin() string {
	if f.from != "" {
		return f.from
	}
	return f.to
}

func (ed *edition) soonest(list []int32) {
	slices.SortFunc(list, func(a, b int32) int {
		return cmp.Or(strings.Compare(ed.items[a].f.begin(), ed.items[b].f.begin()), cmp.Compare(a, b))
	})
}

// due are the next deadlines, the soonest first; most 0 gives all.
func (p *plan) due(ed *edition, most int) []dueItem {
	var out []dueItem
	for i := range ed.items {
		f := ed.items[i].f
		if f == nil {
			continue
		}
		for _, x := range f.deadlines {
			if !p.past(x.day()) {
				out = append(out, dueItem{x, int32(i)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b dueItem) int { return cmp.Or(strings.Compare(a.day(), b.day()), cmp.Compare(a.i, b.i)) })
	if most > 0 {
		out = out[:min(len(out), most)]
	}
	return out
}

func (p *plan) dueDigest(d *digester, ed *edition, list []dueItem) {
	d.num(len(list))
	for _, x := range list {
		d.str(x.label, x.from, x.to).dig(p.cardOf(d, ed, x.i))
	}
}

func (p *plan) deadlineViews(ed *edition, list []dueItem) []DeadlineView {
	out := make([]DeadlineView, 0, len(list))
	for _, x := range list {
		v := deadlineView(ed.words, x.deadline, p.day)
		v.Item = p.cardView(ed, x.i)
		out = append(out, v)
	}
	return out
}

func deadlineView(w *words, x deadline, today string) DeadlineView {
	v := DeadlineView{Label: x.label, ISO: x.to, Past: isPast(x.day(), today)}
	if x.to == "" {
		v.ISO = x.from
	}
	if x.from != "" {
		v.From = w.iso(x.from)
	}
	if x.to != "" {
		v.To = w.iso(x.to)
	}
	return v
}

func (p *plan) showcased(ed *edition) []int32 {
	var out []int32
	for i := range ed.items {
		if ed.items[i].f != nil && p.docs[i].showcased() {
			out = append(out, int32(i))
		}
	}
	ed.newest(out)
	return out
}

// listing is a list of items over several pages.
type listing struct {
	kind, section string
	rest          string // below /{tag}/: "news/", "territories/toscana/prato/services/"
	title, about  string
	shape         *shape // of a collection's own list
	list          []int32
	parents       []Link
	within        feeds.Query  // of the territory or the topic that it is a part of
	months        []monthItems // of a calendar
	mapped        []int32
	options       []filterFacts
	front         int // items on the front page
	pages         int // older pages
}

type monthItems struct {
	iso    string
	events []int32
	due    []dueItem
}

type filterFacts struct {
	name, label string
	options     []optionFacts
}

type optionFacts struct {
	value, label, url string
	count             int
}

// paged emits the pages of a list: the front with the newest 20 to 39, and older
// pages counted from the oldest, so that a new item changes the front alone.
func (p *plan) paged(d *digester, ed *edition, l *listing) {
	n := len(l.list)
	if n >= 2*pageSize {
		l.pages = n/pageSize - 1
	}
	l.front = n - l.pages*pageSize
	d.dig(ed.print).str(l.kind, l.rest, l.title).num(n)
	for _, x := range l.parents {
		d.str(x.Title, x.URL)
	}
	p.cards(d, ed, l.list[:l.front])
	for _, f := range l.options {
		d.str(f.name, f.label)
		for _, o := range f.options {
			d.str(o.value, o.url).num(o.count)
		}
	}
	for _, m := range l.months {
		d.str("month", m.iso)
		p.cards(d, ed, m.events)
		p.dueDigest(d, ed, m.due)
	}
	if l.months != nil {
		d.str(p.day)
	}
	for _, i := range l.mapped {
		d.dig(ed.items[i].f.onMap).str(ed.items[i].url)
	}
	folder := ed.tag + "/" + l.rest
	p.add(ed, folder+"index.html", d.sum(), (*plan).listPage, 0, l)
	for k := 1; k <= l.pages; k++ {
		d.dig(ed.print).str(l.kind, l.rest, l.title).num(k)
		if k == l.pages {
			d.str("newest")
		}
		for _, x := range l.parents {
			d.str(x.Title, x.URL)
		}
		p.cards(d, ed, l.older(k))
		p.add(ed, folder+"page/"+strconv.Itoa(k)+"/index.html", d.sum(), (*plan).listPage, k, l)
	}
}

// older are the items of page k, counted from the oldest.
func (l *listing) older(k int) []int32 {
	n := len(l.list)
	return l.list[n-k*pageSize : n-(k-1)*pageSize]
}

func (p *plan) listPage(j *job) (*Page, error) {
	ed, l, k := j.ed, j.arg.(*listing), int(j.i)
	base := p.prefix + "/" + ed.tag + "/" + l.rest
	folder, title := ed.tag+"/"+strings.TrimSuffix(l.rest, "/"), l.title
	kind, items := l.kind, l.list[:l.front]
	if k > 0 {
		folder += "/page/" + strconv.Itoa(k)
		title = ed.text("site_page_number", "title", l.title, "page", k)
		items, kind = l.older(k), "list"
	}
	pg := p.page(ed, kind, l.section, folder, title)
	view := &List{Items: p.cardViews(ed, items), Front: k == 0, Page: k, Empty: len(l.list) == 0}
	if k == 0 {
		view.Total, view.Pages = len(l.list), l.pages
		for i := l.pages; i >= 0; i-- {
			at := PageLink{Number: i, URL: base + "page/" + strconv.Itoa(i) + "/"}
			if i == 0 {
				at = PageLink{URL: base, Current: true}
				view.All = append([]PageLink{at}, view.All...)
				continue
			}
			view.All = append(view.All, at)
		}
		for _, f := range l.options {
			filter := Filter{Name: f.name, Label: f.label}
			for _, o := range f.options {
				filter.Options = append(filter.Options, FilterOption{Value: o.value, Label: o.label, URL: o.url, Count: o.count})
			}
			view.Filters = append(view.Filters, filter)
		}
	}
	next := func(n int, code string) *Link {
		if n == 0 {
			return &Link{Title: ed.text(code), URL: base}
		}
		return &Link{Title: ed.text(code), URL: base + "page/" + strconv.Itoa(n) + "/"}
	}
	switch {
	case k == 0 && l.pages > 0:
		view.Older = next(l.pages, "site_older")
	case k > 0:
		if k > 1 {
			view.Older = next(k-1, "site_older")
		}
		view.Newer = next((k+1)%(l.pages+1), "site_newer")
	}
	pg.List = view
	if l.within != (feeds.Query{}) {
		pg.Feeds = p.narrowFeeds(ed.tongue, l.within, l.title)
	} else if l.shape != nil {
		if feeds := p.feedLinks(ed.tongue, l.shape.typ.Collection, l.title); feeds != nil {
			pg.Feeds = feeds
		}
	}
	if l.about != "" {
		pg.Description = l.about
	}
	if l.months != nil && k == 0 {
		pg.Calendar, pg.Day = p.calendar(ed, l), p.day
	}
	if len(l.mapped) > 0 && k == 0 {
		pg.Map = p.mapView(ed, base+"map.json", l.mapped)
	}
	if k == 0 {
		p.everywhere(pg, ed, l.rest)
	} else {
		p.alone(pg, ed, l.rest)
	}
	parents := l.parents
	if k > 0 {
		parents = append(slices.Clip(parents), Link{Title: l.title, URL: base})
	}
	p.crumbs(pg, ed, parents...)
	return pg, nil
}

func (p *plan) calendar(ed *edition, l *listing) *CalendarView {
	v := &CalendarView{}
	for _, m := range l.months {
		month := CalendarMonth{ISO: m.iso, Title: ed.month(m.iso), Events: p.cardViews(ed, m.events), Deadlines: p.deadlineViews(ed, m.due)}
		v.Months = append(v.Months, month)
	}
	name := "deadlines"
	if l.shape != nil {
		name = l.shape.typ.Collection
	}
	v.Subscribe = p.feedAddress(ed.tag, name, feeds.ICS)
	return v
}

// collection emits the list of a type, and its map.
func (p *plan) collection(d *digester, ed *edition, sh *shape) {
	list := ed.lists[sh.typ.Collection]
	l := &listing{kind: "list", section: sh.typ.Collection, rest: sh.folder + "/", title: ed.label(sh.typ.Plural), about: ed.label(sh.typ.Help), shape: sh, list: list}
	if sh.calendar != "" {
		l.kind, l.months = "calendar", []monthItems{}
		var coming, past []int32
		for _, i := range list {
			if p.past(ed.items[i].f.end()) {
				past = append(past, i)
			} else {
				coming = append(coming, i)
			}
		}
		ed.soonest(coming)
		for _, i := range coming {
			// What has begun stands in this month.
			iso := max(ed.items[i].f.begin(), p.day)
			m := month(&l.months, iso)
			m.events = append(m.events, i)
		}
		// The past is kept by its last day, the latest first, so that it only grows at
		// its front.
		slices.SortFunc(past, func(a, b int32) int {
			return cmp.Or(strings.Compare(ed.items[b].f.end(), ed.items[a].f.end()), cmp.Compare(a, b))
		})
		l.list = past
	}
	if sh.typ.Route.Map != "" {
		for _, i := range list {
			if len(ed.items[i].f.points) > 0 {
				l.mapped = append(l.mapped, i)
			}
		}
		p.mapFile(d, ed, l)
	}
	l.options = p.filters(ed, sh, list)
	p.paged(d, ed, l)
}

// month finds or begins a month of a list that is in order.
func month(list *[]monthItems, iso string) *monthItems {
	iso = iso[:min(len(iso), len("2006-01"))]
	if n := len(*list); n == 0 || (*list)[n-1].iso != iso {
		*list = append(*list, monthItems{iso: iso})
	}
	return &(*list)[len(*list)-1]
}

// filters count the items of a list by territory, topic and the type's facets.
func (p *plan) filters(ed *edition, sh *shape, list []int32) []filterFacts {
	if len(list) == 0 {
		return nil
	}
	var out []filterFacts
	collection := sh.typ.Collection
	places := filterFacts{name: "territory", label: ed.text("site_territory")}
	for _, r := range p.places.regions {
		for _, t := range append([]*territory{r}, r.children...) {
			if n := len(ed.where[t.ISTAT][collection]); n > 0 {
				places.options = append(places.options, optionFacts{t.ISTAT, t.Name, p.within(ed, t.path, sh, n), n})
			}
		}
	}
	topics := filterFacts{name: "topic", label: ed.text("site_topic")}
	for _, t := range p.topics {
		if n := len(ed.about[t.ID][collection]); n > 0 {
			topics.options = append(topics.options, optionFacts{t.ID, ed.label(t.Label), p.within(ed, "topics/"+safeName(t.ID), sh, n), n})
		}
	}
	for _, f := range []filterFacts{places, topics} {
		if len(f.options) > 0 {
			out = append(out, f)
		}
	}
	for _, field := range sh.facets {
		counts := map[string]int{}
		for _, i := range list {
			for _, v := range ed.items[i].f.choices[field.Name] {
				counts[v]++
			}
		}
		f := filterFacts{name: field.Name, label: ed.label(field.Label)}
		for _, t := range field.Terms() {
			if counts[t.ID] > 0 {
				q := url.Values{"collection": {collection}, field.Name: {t.ID}}
				f.options = append(f.options, optionFacts{t.ID, ed.label(t.Label), ed.view.Search + "?" + q.Encode(), counts[t.ID]})
			}
		}
		if len(f.options) > 0 && field.Name != "topics" {
			out = append(out, f)
		}
	}
	return out
}

// within is where the items of a collection in a territory or topic are: a list of
// their own, or the shelf on its page.
func (p *plan) within(ed *edition, folder string, sh *shape, n int) string {
	base := ed.view.Home + folder + "/"
	if n > shelfSize {
		return base + sh.folder + "/"
	}
	return base + "#" + sh.typ.Collection
}

// territoryPages emits the index of territories and a page for each.
func (p *plan) territoryPages(d *digester, ed *edition) {
	d.dig(ed.print).str("territories")
	for _, r := range p.places.regions {
		for _, t := range append([]*territory{r}, r.children...) {
			d.num(total(ed.where[t.ISTAT]))
		}
	}
	p.add(ed, ed.tag+"/territories/index.html", d.sum(), (*plan).territoriesPage, 0, nil)
	for _, r := range p.places.regions {
		for _, t := range append([]*territory{r}, r.children...) {
			p.territory(d, ed, t)
		}
	}
}

func (p *plan) territoriesPage(j *job) (*Page, error) {
	ed := j.ed
	pg := p.page(ed, "territories", "territories", ed.tag+"/territories", ed.text("site_title_territories"))
	for _, r := range p.places.regions {
		g := LinkGroup{Title: r.Name, URL: ed.view.Home + r.path + "/", ID: r.ISTAT}
		for _, c := range r.children {
			g.Links = append(g.Links, p.placeLink(ed, c))
		}
		pg.Groups = append(pg.Groups, g)
	}
	p.everywhere(pg, ed, "territories/")
	p.crumbs(pg, ed)
	return pg, nil
}

func (p *plan) placeLink(ed *edition, t *territory) CountedLink {
	return CountedLink{Link{Title: t.Name, URL: ed.view.Home + t.path + "/"}, t.ISTAT, total(ed.where[t.ISTAT])}
}

// placeFacts are what the page of a territory shows.
type placeFacts struct {
	*territory
	shelves []shelfItems
	council int32 // -1: none
	dated   bool
}

// prefecture is the type of the organisations where Territorial Councils sit.
const prefecture = "prefecture"

func (p *plan) territory(d *digester, ed *edition, t *territory) {
	x := &placeFacts{territory: t, council: -1}
	lists := ed.where[t.ISTAT]
	d.dig(ed.print).str(t.path)
	for _, sh := range p.collections {
		all := lists[sh.typ.Collection]
		if len(all) == 0 {
			continue
		}
		shown := all
		if sh.calendar != "" {
			x.dated = true
			shown = nil
			for _, i := range all {
				if !p.past(ed.items[i].f.end()) {
					shown = append(shown, i)
				}
			}
			ed.soonest(shown)
		}
		if sh.typ.Name == "organization" && t.region != nil && x.council < 0 {
			for _, i := range all {
				if slices.Contains(ed.items[i].f.choices["organization_type"], prefecture) && slices.Contains(ed.items[i].f.territories, t.ISTAT) {
					x.council = i
					break
				}
			}
		}
		if len(shown) > 0 {
			x.shelves = append(x.shelves, shelfItems{sh.typ.Collection, shown})
			d.str(sh.typ.Collection).num(len(shown))
			p.cards(d, ed, shown[:min(len(shown), shelfSize)])
		}
		if len(shown) > shelfSize {
			p.subList(ed, t.path, t.Name, sh, shown, feeds.Query{Territory: t.ISTAT}, p.placeParents(ed, t, true))
		}
	}
	d.num(int(x.council))
	if x.council >= 0 {
		p.cards(d, ed, []int32{x.council})
	}
	for _, c := range t.children {
		d.num(total(ed.where[c.ISTAT]))
	}
	if x.dated {
		d.str(p.day)
	}
	p.add(ed, ed.tag+"/"+t.path+"/index.html", d.sum(), (*plan).territoryPage, 0, x)
}

// placeParents lead to a territory's page, itself included where it is one.
func (p *plan) placeParents(ed *edition, t *territory, self bool) []Link {
	out := []Link{{Title: ed.text("site_title_territories"), URL: ed.view.Territories}}
	if t.region != nil {
		out = append(out, Link{Title: t.region.Name, URL: ed.view.Home + t.region.path + "/"})
	}
	if self {
		out = append(out, Link{Title: t.Name, URL: ed.view.Home + t.path + "/"})
	}
	return out
}

// subList emits the whole list of a shelf.
func (p *plan) subList(ed *edition, folder, name string, sh *shape, list []int32, within feeds.Query, parents []Link) {
	within.Collection = sh.typ.Collection
	l := &listing{
		kind: "list", section: sh.typ.Collection, rest: folder + "/" + sh.folder + "/", list: list, within: within, parents: parents,
		title: ed.text("site_in_place", "label", ed.label(sh.typ.Plural), "place", name),
	}
	p.paged(newDigester(), ed, l)
}

func (p *plan) territoryPage(j *job) (*Page, error) {
	ed, x := j.ed, j.arg.(*placeFacts)
	kind := "territory"
	if x.region == nil {
		kind = "region"
	}
	pg := p.page(ed, kind, "territories", ed.tag+"/"+x.path, x.Name)
	pg.Description = ed.text("site_about_place", "place", x.Name)
	v := &TerritoryView{Name: x.Name, Level: x.Level, Acronym: x.Acronym, ISTAT: x.ISTAT, Lat: x.Lat, Lon: x.Lon}
	if x.region != nil {
		v.Region = &Link{Title: x.region.Name, URL: ed.view.Home + x.region.path + "/"}
	}
	for _, c := range x.children {
		v.Provinces = append(v.Provinces, p.placeLink(ed, c))
	}
	if x.council >= 0 {
		v.Council = p.cardView(ed, x.council)
	}
	for _, s := range x.shelves {
		shelf := p.shelf(ed, s.name, s.all, shelfSize, ed.view.Home+x.path+"/"+p.shapeNamed(s.name).folder+"/")
		v.Shelves = append(v.Shelves, shelf)
		for name, to := range map[string]**Shelf{"practices": &v.Practices, "services": &v.Services, "news": &v.News, "events": &v.Events, "organizations": &v.Organizations} {
			if name == s.name {
				*to = shelf
			}
		}
	}
	if x.dated {
		pg.Day = p.day
	}
	pg.Territory = v
	pg.Feeds = p.narrowFeeds(ed.tongue, feeds.Query{Territory: x.ISTAT}, x.Name)
	p.everywhere(pg, ed, x.path+"/")
	p.crumbs(pg, ed, p.placeParents(ed, x.territory, false)...)
	return pg, nil
}

// topicPages emits the index of topics and a page for each.
func (p *plan) topicPages(d *digester, ed *edition) {
	d.dig(ed.print).str("topics")
	for _, t := range p.topics {
		d.str(t.ID).num(total(ed.about[t.ID]))
	}
	p.add(ed, ed.tag+"/topics/index.html", d.sum(), (*plan).topicsPage, 0, nil)
	for _, t := range p.topics {
		folder := "topics/" + safeName(t.ID)
		d.dig(ed.print).str(folder)
		var shelves []shelfItems
		for _, sh := range p.collections {
			all := ed.about[t.ID][sh.typ.Collection]
			if len(all) == 0 {
				continue
			}
			shelves = append(shelves, shelfItems{sh.typ.Collection, all})
			d.str(sh.typ.Collection).num(len(all))
			p.cards(d, ed, all[:min(len(all), shelfSize)])
			if len(all) > shelfSize {
				p.subList(ed, folder, ed.label(t.Label), sh, all, feeds.Query{Topic: t.ID}, []Link{
					{Title: ed.text("site_title_topics"), URL: ed.view.Topics}, {Title: ed.label(t.Label), URL: ed.view.Home + folder + "/"},
				})
			}
		}
		p.add(ed, ed.tag+"/"+folder+"/index.html", d.sum(), (*plan).topicPage, 0, &topicFacts{t, folder, shelves})
	}
}

type topicFacts struct {
	*schemas.Term
	folder  string
	shelves []shelfItems
}

func (p *plan) topicsPage(j *job) (*Page, error) {
	ed := j.ed
	pg := p.page(ed, "topics", "topics", ed.tag+"/topics", ed.text("site_title_topics"))
	done := map[string]bool{}
	for _, x := range p.schemas.Taxonomies() {
		g := LinkGroup{Title: ed.label(x.Label), ID: x.Name}
		for _, t := range x.Terms {
			if !done[t.ID] && slices.Contains(p.topics, t) {
				done[t.ID] = true
				g.Links = append(g.Links, CountedLink{Link{Title: ed.label(t.Label), URL: ed.view.Topics + safeName(t.ID) + "/"}, t.ID, total(ed.about[t.ID])})
			}
		}
		if len(g.Links) > 0 {
			pg.Groups = append(pg.Groups, g)
		}
	}
	p.everywhere(pg, ed, "topics/")
	p.crumbs(pg, ed)
	return pg, nil
}

func (p *plan) topicPage(j *job) (*Page, error) {
	ed, x := j.ed, j.arg.(*topicFacts)
	label := ed.label(x.Label)
	pg := p.page(ed, "topic", "topics", ed.tag+"/"+x.folder, label)
	pg.Description = ed.text("site_about_topic", "topic", label)
	pg.Feeds = p.narrowFeeds(ed.tongue, feeds.Query{Topic: x.ID}, label)
	pg.Topic = &TopicView{ID: x.ID, Label: label, Help: ed.label(x.Help)}
	for _, s := range x.shelves {
		pg.Topic.Shelves = append(pg.Topic.Shelves, p.shelf(ed, s.name, s.all, shelfSize, ed.view.Home+x.folder+"/"+p.shapeNamed(s.name).folder+"/"))
	}
	p.everywhere(pg, ed, x.folder+"/")
	p.crumbs(pg, ed, Link{Title: ed.text("site_title_topics"), URL: ed.view.Topics})
	return pg, nil
}

// maxAct bounds the items on the page of a law.
const maxAct = 100

// actPages emits the index of laws and a page for each.
func (p *plan) actPages(d *digester, ed *edition) {
	d.dig(ed.print).str("acts")
	for _, key := range p.acts {
		if a := ed.cited[key]; a != nil {
			d.str(key, a.label).num(len(a.items))
		}
	}
	p.add(ed, ed.tag+"/acts/index.html", d.sum(), (*plan).actsPage, 0, nil)
	for _, key := range p.acts {
		a := ed.cited[key]
		if a == nil {
			a = p.anyAct(key)
		}
		list := a.items[:min(len(a.items), maxAct)]
		d.dig(ed.print).str("act", key, a.identifier, a.scheme, a.label, a.url)
		p.cards(d, ed, list)
		p.add(ed, ed.tag+"/acts/"+key+"/index.html", d.sum(), (*plan).actPage, 0, &act{a.citation, list})
	}
}

// anyAct is an act that no item of an edition names, as another edition calls it.
func (p *plan) anyAct(key string) *act {
	for _, ed := range p.editions {
		if a := ed.cited[key]; a != nil {
			return &act{citation: a.citation}
		}
	}
	return &act{citation: citation{key: key}}
}

func (p *plan) actsPage(j *job) (*Page, error) {
	ed := j.ed
	pg := p.page(ed, "acts", "acts", ed.tag+"/acts", ed.text("site_title_acts"))
	groups := map[string]*LinkGroup{}
	for _, key := range p.acts {
		if a := ed.cited[key]; a != nil {
			g := groups[a.scheme]
			if g == nil {
				g = &LinkGroup{ID: a.scheme, Title: strings.ToUpper(a.scheme)}
				groups[a.scheme] = g
			}
			g.Links = append(g.Links, CountedLink{Link{Title: a.label, URL: ed.view.Acts + key + "/"}, a.identifier, len(a.items)})
		}
	}
	for _, scheme := range slices.Sorted(maps.Keys(groups)) {
		pg.Groups = append(pg.Groups, *groups[scheme])
	}
	p.everywhere(pg, ed, "acts/")
	p.crumbs(pg, ed)
	return pg, nil
}

func (p *plan) actPage(j *job) (*Page, error) {
	ed, a := j.ed, j.arg.(*act)
	pg := p.page(ed, "act", "acts", ed.tag+"/acts/"+a.key, a.label)
	pg.Act = &ActView{Identifier: a.identifier, Scheme: a.scheme, Label: a.label, URL: a.url, Items: p.cardViews(ed, a.items)}
	p.everywhere(pg, ed, "acts/"+a.key+"/")
	p.crumbs(pg, ed, Link{Title: ed.text("site_title_acts"), URL: ed.view.Acts})
	return pg, nil
}

// fixed emits the pages that every language has.
func (p *plan) fixed(d *digester, ed *edition) {
	if p.showcase {
		p.paged(d, ed, &listing{kind: "showcase", section: "showcase", rest: "showcase/", title: ed.text("site_title_showcase"), about: ed.text("site_showcase_lead"), list: p.showcased(ed)})
	}
	due := &listing{kind: "deadlines", section: "deadlines", rest: "deadlines/", title: ed.text("site_title_deadlines"), months: []monthItems{}}
	for _, x := range p.due(ed, 0) {
		m := month(&due.months, x.day())
		m.due = append(m.due, x)
	}
	p.paged(d, ed, due)
	for _, kind := range [...]string{"search", "accessibility", "privacy"} {
		p.add(ed, ed.tag+"/"+kind+"/index.html", d.dig(ed.print).str(kind).sum(), (*plan).plainPage, 0, kind)
	}
	for _, x := range [...]struct {
		kind, code string
		status     int
	}{{"notfound", "404", 404}, {"gone", "410", 410}} {
		j := &job{File: release.File{Path: ed.tag + "/" + x.code + "/index.html", Status: x.status, Inputs: d.dig(ed.print).str(x.kind).sum()}, ed: ed, page: (*plan).plainPage, arg: x.kind}
		p.emit(j)
	}
}

// plainPage is a page whose words are the template's.
func (p *plan) plainPage(j *job) (*Page, error) {
	kind := j.arg.(string)
	ed := j.ed
	folder := map[string]string{"notfound": "404", "gone": "410"}[kind]
	if folder == "" {
		folder = kind
	}
	pg := p.page(ed, kind, kind, ed.tag+"/"+folder, ed.text("site_title_"+kind))
	switch kind {
	case "search":
		pg.Search = &SearchView{Radii: Radii(RadiusUsual)}
		p.everywhere(pg, ed, "search/")
	case "notfound", "gone":
		pg.NoIndex = true
		p.everywhere(pg, ed, "")
		for i := range pg.Languages {
			pg.Languages[i].Current = false
		}
	default:
		p.everywhere(pg, ed, kind+"/")
	}
	if !pg.NoIndex {
		p.crumbs(pg, ed)
	}
	return pg, nil
}

// otherLanguage emits the list of everything in a language that the furniture does
// not speak.
func (p *plan) otherLanguage(d *digester, ed *edition) {
	var all []int32
	for i := range ed.items {
		if ed.items[i].f != nil {
			all = append(all, int32(i))
		}
	}
	ed.newest(all)
	title := ed.text("site_everything_in", "language", p.languageName(ed.tag))
	l := &listing{kind: "list", section: "list", title: title, list: all}
	p.pagedOther(d, ed, l)
}

func (p *plan) pagedOther(d *digester, ed *edition, l *listing) {
	d.dig(ed.print).str(l.title).num(len(l.list))
	p.cards(d, ed, l.list)
	p.add(ed, ed.tag+"/index.html", d.sum(), (*plan).otherPage, 0, l)
}

func (p *plan) otherPage(j *job) (*Page, error) {
	ed, l := j.ed, j.arg.(*listing)
	pg := p.page(ed, "list", "list", ed.tag, l.title)
	pg.List = &List{Items: p.cardViews(ed, l.list), Total: len(l.list), Front: true, Empty: len(l.list) == 0}
	p.alone(pg, ed, "")
	p.crumbs(pg, ed)
	return pg, nil
}
