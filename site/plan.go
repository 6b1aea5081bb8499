package site

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/release"
)

// doc is a document with its public variants, by locale.
type doc struct {
	id       string
	variants []*facts
	// urls is the digest of its addresses in all editions.
	urls release.Digest
	// citedBy are documents that name it, and published those of an organisation, by
	// their index.
	citedBy, published []int32
}

// best is the variant in a locale; or else in Italian, English, or the first by
// tag, as the catalogue has it.
func (d *doc) best(locale string) *facts {
	for _, l := range [...]string{locale, "it", "en"} {
		if f := d.own(l); f != nil {
			return f
		}
	}
	return d.variants[0]
}

func (d *doc) own(locale string) *facts {
	for _, f := range d.variants {
		if f.locale == locale {
			return f
		}
	}
	return nil
}

// placed is a document in an edition; f is nil where it has no page.
type placed struct {
	f       *facts
	url     string // "/it/news/x/", below BaseURL's path
	foreign bool
	card    release.Digest // zero until it is asked for
	kept    *release.File  // the page that the last build kept, or nil
}

// file is where its page is: "it/news/x/index.html".
func (x *placed) file() string { return x.url[1:] + "index.html" }

// edition is the site in one language.
type edition struct {
	*tongue
	index int
	// tag is that of the addresses; other editions hold the texts of a language that
	// the furniture does not have.
	tag   string
	other bool
	items []placed
	lists map[string][]int32            // by collection, newest first
	where map[string]map[string][]int32 // by territory with a page, collection
	about map[string]map[string][]int32 // by topic, collection
	cited map[string]*act
	view  *SiteView
	print release.Digest
	// frames are by section.
	frames map[string]*frame
	gone   struct {
		once sync.Once
		body []byte
		err  error
	}
}

// act is a law and the items that name it.
type act struct {
	citation
	items []int32
}

// plan is every page of the site at one moment.
type plan struct {
	*Site
	moment   catalog.Moment
	day      string
	docs     []*doc
	byID     map[string]int32
	editions []*edition
	// collections, topics and acts that have pages: used in some edition.
	collections []*shape
	topics      []*schemas.Term
	acts        []string
	showcase    bool
	contents    map[string]release.Digest // by collection, "" for all: see content
	feedSource  *feeds.Source
	left        []catalog.Former // addresses that items had
	emit        func(*job)       // takes what has to be made

	// What the build over another one needs; base is nil for one from nothing.
	base *release.Build
	w    *release.Writer
	kept atomic.Int64
	// touched are the documents whose pages may differ from those that base has; nil
	// for all. See after.go.
	touched []bool
}

// choose gives the documents of a moment that the site shows, by id. Facts that were
// read before are used again.
func (s *Site) choose(m catalog.Moment) []doc {
	docs := make([]doc, 0, len(s.known)+64)
	var fresh []*facts
	old := s.known
	for e := range m.All() {
		sh := s.byType[e.Type()]
		if sh == nil {
			continue
		}
		id := e.ID()
		for len(old) > 0 && old[0].id < id {
			old = old[1:]
		}
		var f *facts
		if len(old) > 0 && old[0].id == id {
			f = old[0].of(e)
		}
		if f == nil {
			f = &facts{entry: e, shape: sh}
			fresh = append(fresh, f)
		}
		if n := len(docs); n > 0 && docs[n-1].id == id {
			docs[n-1].variants = append(docs[n-1].variants, f)
		} else {
			docs = append(docs, doc{id: id, variants: []*facts{f}})
		}
	}
	s.readAll(fresh)
	if slices.ContainsFunc(fresh, func(f *facts) bool { return f.id == "" }) { // unreadable
		docs = slices.DeleteFunc(docs, func(d doc) bool {
			return !slices.ContainsFunc(d.variants, func(f *facts) bool { return f.id != "" })
		})
		for i := range docs {
			docs[i].variants = slices.DeleteFunc(docs[i].variants, func(f *facts) bool { return f.id == "" })
		}
	}
	s.known = docs
	return s.filter(docs)
}

// of gives the facts of exactly this entry, or nil.
func (d *doc) of(e catalog.Entry) *facts {
	for _, f := range d.variants {
		if f.entry == e {
			return f
		}
	}
	return nil
}

// readAll reads facts on all workers. What the disk does not give stays empty.
func (s *Site) readAll(list []*facts) {
	const share = 64
	var g errgroup.Group
	g.SetLimit(s.workers)
	for part := range slices.Chunk(list, share) {
		g.Go(s.safely(func() error {
			var buf []byte
			for _, f := range part {
				raw, err := f.entry.AppendTo(buf[:0], catalog.Identity)
				if err != nil {
					s.log.Error("an item cannot be read and is left out of the site", "document", f.entry.ID(), "locale", f.entry.Locale(), "error", err)
					continue
				}
				buf = raw
				*f = *s.read(f.entry, f.shape, raw)
			}
			return nil
		}))
	}
	if err := g.Wait(); err != nil {
		panic(err) // a fault of the program: the build fails, and what there was stays
	}
}

// filter keeps the documents that the configuration asks for.
func (s *Site) filter(docs []doc) []doc {
	c := &s.cfg
	docs = slices.Clone(docs) // what is known stays as it was read
	if len(c.Territories)+len(c.Topics)+len(c.Organizations) == 0 {
		return docs
	}
	orgs := map[string]bool{}
	if len(c.Organizations) > 0 { // among all: the site need not have pages of organisations
		for e := range s.catalog.All() {
			if e.Type() == "organization" && (slices.Contains(c.Organizations, e.ID()) || slices.Contains(c.Organizations, e.Slug())) {
				orgs[e.ID()] = true
			}
		}
	}
	return slices.DeleteFunc(docs, func(d doc) bool {
		f := d.variants[0]
		within := func(code string) bool {
			return slices.ContainsFunc(c.Territories, func(outer string) bool { return s.territories.Contains(outer, code) })
		}
		national := c.National && len(f.territories) == 0
		return len(c.Territories) > 0 && !national && !slices.ContainsFunc(f.territories, within) ||
			len(c.Topics) > 0 && !slices.ContainsFunc(f.topics, func(t string) bool { return slices.Contains(c.Topics, t) }) ||
			len(c.Organizations) > 0 && !orgs[f.org] && !orgs[f.id]
	})
}

// filtered reports that the site shows a part of the catalogue.
func (s *Site) filtered() bool {
	c := &s.cfg
	return len(c.Territories)+len(c.Topics)+len(c.Organizations)+len(c.Collections) > 0
}

// newPlan reads a moment and gives every document its addresses.
func (s *Site) newPlan(ctx context.Context, day string) (*plan, error) {
	return s.planAfter(ctx, day, nil)
}

// planAfter is newPlan, with the plan of the build before or nil.
func (s *Site) planAfter(ctx context.Context, day string, last *plan) (*plan, error) {
	p := &plan{Site: s, moment: s.catalog.Moment(), day: day}
	p.left = slices.Collect(p.moment.Former())
	docs := s.choose(p.moment)
	p.docs = make([]*doc, len(docs))
	for i := range docs {
		p.docs[i] = &docs[i]
	}
	if !p.follow(last) {
		if err := p.arrange(); err != nil {
			return nil, err
		}
	}
	p.feedSource, p.contents = p.source(), p.content()
	for _, ed := range p.editions {
		if ed.other {
			ed.view = p.editions[s.fallbackIndex()].view
		} else {
			ed.view = s.view(ed.tongue, p)
		}
		if err := p.printOf(ed); err != nil {
			return nil, err
		}
	}
	p.compare(last)
	return p, ctx.Err()
}

// arrange gives every document its place in every edition.
func (p *plan) arrange() error {
	s := p.Site
	p.byID = make(map[string]int32, len(p.docs))
	for i, d := range p.docs {
		p.byID[d.id] = int32(i)
	}
	p.backlinks()
	others := map[string]bool{}
	for _, t := range s.tongues {
		p.editions = append(p.editions, &edition{tongue: t, tag: t.tag})
	}
	for _, d := range p.docs {
		for _, f := range d.variants {
			if !slices.Contains(s.cfg.Languages, f.locale) {
				others[f.locale] = true
			}
		}
	}
	for _, l := range s.schemas.Locales() {
		if others[l.Tag] {
			p.editions = append(p.editions, &edition{tongue: s.fallback, tag: l.Tag, other: true})
		}
	}
	var g errgroup.Group
	g.SetLimit(s.workers)
	for i, ed := range p.editions {
		ed.index = i
		g.Go(s.safely(func() error { p.place(ed); return nil }))
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.used()
	d := newDigester()
	for i, x := range p.docs {
		for _, ed := range p.editions {
			d.str(ed.items[i].url)
		}
		x.urls = d.sum()
	}
	return nil
}

func (s *Site) fallbackIndex() int { return slices.Index(s.tongues, s.fallback) }

// backlinks turns round who names whom.
func (p *plan) backlinks() {
	for i, d := range p.docs {
		f := d.variants[0]
		for _, id := range f.related {
			if j, ok := p.byID[id]; ok && int(j) != i {
				p.docs[j].citedBy = append(p.docs[j].citedBy, int32(i))
			}
		}
		for n, id := range f.links {
			if slices.Contains(f.links[:n], id) {
				continue
			}
			if j, ok := p.byID[id]; ok && int(j) != i {
				p.docs[j].published = append(p.docs[j].published, int32(i))
			}
		}
	}
}

// place gives every document its address in an edition, and sorts its lists.
func (p *plan) place(ed *edition) {
	ed.items = make([]placed, len(p.docs))
	ed.lists = map[string][]int32{}
	taken := make(map[string]struct{}, len(p.docs))
	// Those written in the language choose first; a text that stands in for a
	// translation gives way.
	for pass := range 2 {
		for i, d := range p.docs {
			own := d.own(ed.tag)
			f := own
			if pass == 1 {
				if own != nil || ed.other || p.cfg.NoFallback {
					continue
				}
				f = d.best(ed.tag)
			}
			if f == nil {
				continue
			}
			x := &ed.items[i]
			x.f, x.foreign = f, own == nil || ed.other
			x.url = f.address(ed, f.slug)
			if _, twice := taken[x.url]; twice {
				x.url = f.address(ed, f.slug+"-"+safeName(d.id))
			}
			taken[x.url] = struct{}{}
			ed.lists[f.shape.typ.Collection] = append(ed.lists[f.shape.typ.Collection], int32(i))
		}
	}
	for _, list := range ed.lists {
		ed.newest(list)
	}
	if ed.other {
		return
	}
	ed.where, ed.about, ed.cited = map[string]map[string][]int32{}, map[string]map[string][]int32{}, map[string]*act{}
	add := func(m map[string]map[string][]int32, key, collection string, i int32) {
		lists := m[key]
		if lists == nil {
			lists = map[string][]int32{}
			m[key] = lists
		}
		if n := len(lists[collection]); n == 0 || lists[collection][n-1] != i {
			lists[collection] = append(lists[collection], i)
		}
	}
	for collection, list := range ed.lists {
		for _, i := range list {
			f := ed.items[i].f
			for _, code := range f.territories {
				if t := p.places.own(code); t != nil {
					add(ed.where, t.ISTAT, collection, i)
					if t.region != nil {
						add(ed.where, t.region.ISTAT, collection, i)
					}
				}
			}
			for _, id := range f.topics {
				add(ed.about, id, collection, i)
			}
		}
	}
	for i := range ed.items {
		if f := ed.items[i].f; f != nil {
			for _, c := range f.acts {
				a := ed.cited[c.key]
				if a == nil {
					a = &act{citation: c}
					ed.cited[c.key] = a
				} else if better(c, a.citation) {
					a.citation = c
				}
				a.items = append(a.items, int32(i))
			}
		}
	}
	for _, a := range ed.cited {
		ed.newest(a.items)
	}
}

// better prefers the name of a whole act, then the more exact identifier.
func better(a, b citation) bool {
	if a.whole != b.whole {
		return a.whole
	}
	return cmp.Or(-cmp.Compare(len(a.identifier), len(b.identifier)), strings.Compare(a.identifier, b.identifier), strings.Compare(a.label, b.label)) < 0
}

// newest sorts by publication, the last first.
func (ed *edition) newest(list []int32) {
	slices.SortFunc(list, func(a, b int32) int {
		x, y := ed.items[a].f, ed.items[b].f
		if x.published != y.published {
			return cmp.Compare(y.published, x.published)
		}
		return cmp.Compare(a, b)
	})
}

// address is where a variant's page is in an edition, by a name.
func (f *facts) address(ed *edition, slug string) string {
	return "/" + ed.tag + "/" + f.shape.before + slug + f.shape.after + "/"
}

// used finds the collections, topics and acts that have pages: the same in every
// edition, so that a page has its like in every language.
func (p *plan) used() {
	topics, acts := map[string]bool{}, map[string]bool{}
	for _, ed := range p.editions {
		for id := range ed.about {
			topics[id] = true
		}
		for key := range ed.cited {
			acts[key] = true
		}
	}
	for _, sh := range p.shapes {
		if slices.ContainsFunc(p.editions, func(ed *edition) bool { return !ed.other && len(ed.lists[sh.typ.Collection]) > 0 }) {
			p.collections = append(p.collections, sh)
		}
	}
	for _, x := range p.schemas.Taxonomies() {
		for _, t := range x.Terms {
			if topics[t.ID] {
				p.topics = append(p.topics, t)
				delete(topics, t.ID)
			}
		}
	}
	for key := range acts {
		p.acts = append(p.acts, key)
	}
	slices.Sort(p.acts)
	for _, d := range p.docs {
		p.showcase = p.showcase || d.showcased()
	}
}

// showcased: a practice is chosen for the country in one language, and shown in all.
func (d *doc) showcased() bool {
	return slices.ContainsFunc(d.variants, func(f *facts) bool { return f.state == showcaseState })
}

// showcaseState is the public state of practices that the country shows.
const showcaseState = "showcased"

// printOf names what all pages of an edition depend on.
func (p *plan) printOf(ed *edition) error {
	view, err := json.Marshal(ed.view)
	if err != nil {
		return err
	}
	d := newDigester()
	d.str(string(p.fingerprint[:]), string(view), ed.tag)
	ed.print = d.sum()
	ed.frames = map[string]*frame{}
	if old, ok := p.Site.frames.Load(ed.tag); ok {
		if was := old.(*framesOf); was.print == ed.print {
			ed.frames = was.frames
		}
	}
	sections := []string{""}
	for _, sh := range p.shapes {
		sections = append(sections, sh.typ.Collection)
	}
	for _, s := range append(sections, kinds...) {
		if ed.frames[s] == nil {
			ed.frames[s] = &frame{}
		}
	}
	p.Site.frames.Store(ed.tag, &framesOf{ed.print, ed.frames})
	return nil
}

// framesOf keeps the pieces of an edition from one build to the next.
type framesOf struct {
	print  release.Digest
	frames map[string]*frame
}

// kinds are those of pages that are no items.
var kinds = []string{
	"home", "list", "languages", "territories", "region", "territory", "topics", "topic", "acts", "act", "showcase", "calendar",
	"deadlines", "search", "accessibility", "privacy", "notfound", "gone", "failed", "moved",
}

// view is what all pages of a language share; p is nil before the first build.
func (s *Site) view(t *tongue, p *plan) *SiteView {
	home := s.prefix + "/" + t.tag + "/"
	v := &SiteView{
		Name: t.label(s.cfg.Name), Tagline: t.text("site_tagline"), BaseURL: s.cfg.BaseURL, API: s.cfg.API, Key: s.cfg.Key,
		Home: home, Search: s.dynamic("/" + t.tag + "/search/"), Territories: home + "territories/", Topics: home + "topics/", Acts: home + "acts/",
		Deadlines: home + "deadlines/", Accessibility: home + "accessibility/", Privacy: home + "privacy/",
		Tiles: s.cfg.Tiles, TilesAttribution: s.cfg.TilesAttribution, Publisher: s.cfg.Publisher, Contact: s.cfg.Contact,
		SecurityContact: s.cfg.SecurityContact, LegalNotice: s.cfg.LegalNotice,
	}
	_, v.Host, _ = strings.Cut(s.origin, "://")
	if s.outlines != nil {
		v.Outlines = s.prefix + "/" + s.outlines.path
	}
	for _, l := range s.tongues {
		v.Languages = append(v.Languages, LanguageLink{Locale: l.tag, Name: l.name, Dir: l.dir, URL: s.prefix + "/" + l.tag + "/", Current: l == t})
	}
	shapes := s.shapes
	if p != nil {
		shapes = p.collections
		if p.showcase {
			v.Showcase = home + "showcase/"
		}
		for _, ed := range p.editions {
			if ed.other {
				v.Others = append(v.Others, LanguageLink{Locale: ed.tag, Name: s.languageName(ed.tag), Dir: s.direction(ed.tag), URL: s.prefix + "/" + ed.tag + "/"})
			}
		}
		ed := p.editions[slices.Index(s.tongues, t)]
		v.Pages = p.menu(ed)
	}
	for _, sh := range shapes {
		link := CollectionLink{Name: sh.typ.Collection, Type: sh.typ.Name, Label: t.label(sh.typ.Plural), URL: home + sh.folder + "/"}
		v.Collections = append(v.Collections, link)
		if sh.calendar != "" && v.Calendar == "" {
			v.Calendar = link.URL
		}
	}
	v.Feeds = s.feedLinks(t, "", v.Name)
	return v
}

// menu lists the pages with a place in the menu.
func (p *plan) menu(ed *edition) []Link {
	var list []int32
	for i := range ed.items {
		if f := ed.items[i].f; f != nil && f.order >= 0 {
			list = append(list, int32(i))
		}
	}
	slices.SortFunc(list, func(a, b int32) int {
		x, y := ed.items[a].f, ed.items[b].f
		return cmp.Or(cmp.Compare(x.order, y.order), strings.Compare(x.title, y.title), cmp.Compare(a, b))
	})
	var out []Link
	for _, i := range list[:min(len(list), maxMenu)] {
		out = append(out, p.linkTo(ed, i))
	}
	return out
}

const maxMenu = 12

// linkTo leads to a document's page in an edition.
func (p *plan) linkTo(ed *edition, i int32) Link {
	x := &ed.items[i]
	l := Link{Title: x.f.title, URL: p.prefix + x.url}
	if x.f.locale != ed.words.tag {
		l.Lang, l.Dir = x.f.locale, x.f.dir
	}
	return l
}

// cardOf is the digest of a card in an edition.
func (p *plan) cardOf(d *digester, ed *edition, i int32) release.Digest {
	x := &ed.items[i]
	if x.card == (release.Digest{}) {
		x.card = d.sub(func(d *digester) { d.dig(x.f.card).str(x.url).num(p.over(x.f)) })
	}
	return x.card
}

// cards adds the digests of a list.
func (p *plan) cards(d *digester, ed *edition, list []int32) {
	d.num(len(list))
	for _, i := range list {
		d.dig(p.cardOf(d, ed, i))
	}
}

func (p *plan) past(end string) bool { return isPast(end, p.day) }

// isPast says whether a day or a local time of Italy is before a day; as texts they
// sort as they are.
func isPast(end, today string) bool {
	day, _, _ := strings.Cut(end, "T")
	return day != "" && day < today
}

// over counts the days of an item that are past: with the passing of one of them,
// what is said of it changes.
func (p *plan) over(f *facts) (n int) {
	for _, end := range f.ends {
		if p.past(end) {
			n++
		}
	}
	return n
}

// job is a file of the site.
type job struct {
	release.File
	ed *edition
	// page gives the view of a page, data the bytes of anything else.
	page func(*plan, *job) (*Page, error)
	data func(*plan, *job, []byte) ([]byte, error)
	i    int32 // the document, or a number
	arg  any
}

// all emits every file of the site.
func (p *plan) all() error {
	var g errgroup.Group
	g.SetLimit(p.workers)
	for _, ed := range p.editions {
		g.Go(p.safely(func() error { p.edition(ed); return nil }))
	}
	g.Go(p.safely(func() error { p.global(); return nil }))
	return g.Wait()
}

// edition emits the files of one language.
func (p *plan) edition(ed *edition) {
	d := newDigester()
	p.items(d, ed)
	if ed.other {
		p.otherLanguage(d, ed)
		return
	}
	p.homes(d, ed)
	for _, sh := range p.collections {
		p.collection(d, ed, sh)
	}
	p.territoryPages(d, ed)
	p.topicPages(d, ed)
	p.actPages(d, ed)
	p.fixed(d, ed)
	p.former(d, ed)
	p.feeds(d, ed)
}

// items emits the pages of documents.
func (p *plan) items(d *digester, ed *edition) {
	for i := range ed.items {
		x := &ed.items[i]
		if x.f == nil {
			continue
		}
		if x.kept != nil && !p.touched[i] {
			x.kept = p.keep(x.kept)
			continue
		}
		doc := p.docs[i]
		d.dig(ed.print).str(string(x.f.tag[:])).dig(doc.urls).num(p.over(x.f))
		for _, id := range x.f.links {
			if j, ok := p.byID[id]; ok && ed.items[j].f != nil {
				d.dig(ed.items[j].f.head).str(ed.items[j].url)
			}
		}
		for _, id := range x.f.related {
			if j, ok := p.byID[id]; ok && ed.items[j].f != nil {
				d.dig(p.cardOf(d, ed, j))
			}
		}
		if len(doc.citedBy) > 0 {
			p.cards(d, ed, p.present(ed, doc.citedBy, maxCited))
		}
		if len(doc.published) > 0 {
			for _, s := range p.shelvesOf(ed, doc.published) {
				d.str(s.name).num(len(s.all))
				p.cards(d, ed, s.all[:min(len(s.all), shelfSize)])
			}
		}
		path, inputs := x.file(), d.sum()
		if x.kept = p.stays(path, inputs); x.kept == nil {
			p.emit(&job{File: release.File{Path: path, Inputs: inputs}, ed: ed, page: (*plan).itemPage, i: int32(i)})
		}
	}
}

// maxCited bounds the list of those who name an item.
const maxCited = 12

// present keeps what the edition has, newest first.
func (p *plan) present(ed *edition, list []int32, most int) []int32 {
	out := make([]int32, 0, len(list))
	for _, i := range list {
		if ed.items[i].f != nil {
			out = append(out, i)
		}
	}
	ed.newest(out)
	return out[:min(len(out), most)]
}

// shelfItems are the items of a collection among some.
type shelfItems struct {
	name string
	all  []int32
}

// shelvesOf sorts documents into collections.
func (p *plan) shelvesOf(ed *edition, list []int32) []shelfItems {
	var out []shelfItems
	all := p.present(ed, list, len(list))
	for _, sh := range p.collections {
		s := shelfItems{name: sh.typ.Collection}
		for _, i := range all {
			if ed.items[i].f.shape == sh {
				s.all = append(s.all, i)
			}
		}
		if len(s.all) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// shelfSize is how many items a shelf shows, pageSize how many a page of a list.
const (
	shelfSize = 12
	pageSize  = 20
)
