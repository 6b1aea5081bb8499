package site

import (
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/release"
)

// shape is what pages need to know of a type, from its declaration.
type shape struct {
	typ *schemas.Type
	// folder is where its list is: "news". before and after stand around an item's
	// slug.
	folder, before, after string
	fields                map[string]*schemas.Field
	sections              map[string]*schemas.Section
	calendar, image       string // names of fields, or empty
	deadlines, act        string
	facets                []*schemas.Field // to filter lists by
	meta                  []*schemas.Field // short facts on cards
}

// unshown are fields that are for machines, or for those who keep the item.
var unshown = map[string]bool{"sensitive": true, "assurer_email": true, "menu_order": true}

// headed are fields that the head of an item shows.
var headed = map[string]bool{"title": true, "summary": true, "body": true, "territories": true, "topics": true, "organization": true}

func newShape(t *schemas.Type) *shape {
	sh := &shape{typ: t, calendar: t.Route.Calendar, fields: map[string]*schemas.Field{}, sections: map[string]*schemas.Section{}}
	for _, s := range t.Form.Sections {
		sh.sections[s.Name] = s
	}
	sh.before, sh.after, _ = strings.Cut(t.Route.Path, "{slug}")
	sh.folder = strings.Trim(sh.before, "/")
	if sh.folder == "" {
		sh.folder = t.Collection
	}
	for _, f := range t.Fields {
		sh.fields[f.Name] = f
		if unshown[f.Name] || headed[f.Name] {
			continue
		}
		switch {
		case f.Kind == "media" && !f.Repeated && sh.image == "":
			sh.image = f.Name
		case f.Kind == "date_range" && f.Labelled && sh.deadlines == "":
			sh.deadlines = f.Name
		case f.Kind == "legal_reference" && sh.act == "":
			sh.act = f.Name
		case f.Name == sh.calendar:
		case f.List && (f.Kind == "choice" || f.Kind == "language_list" || f.Kind == "number" || f.Kind == "date_range"):
			sh.meta = append(sh.meta, f)
		}
		if f.Search.Facet && f.List && f.Kind == "choice" {
			sh.facets = append(sh.facets, f)
		}
	}
	return sh
}

// facts is what cards, lists and plans need of one published variant. It is read
// once from the catalogue's JSON and never changed.
type facts struct {
	entry   catalog.Entry
	shape   *shape
	id      string
	slug    string // safe for a path
	locale  string
	title   string
	summary string
	dir     string

	published     int64 // ms
	territories   []string
	topics        []string
	org, orgTitle string // id and title of the organisation
	image         string // JSON
	from, to      string // of the calendar
	cancelled     bool
	deadlines     []deadline
	ends          []string // last days of all its dates and spans
	acts          []citation
	links         []string            // ids of organisations that it names
	related       []string            // ids of other documents that it names
	choices       map[string][]string // by facet
	meta          []metaFact
	order         float64 // in the menu, or -1
	state         string
	unverified    bool
	points        []point
	tag           [sha256.Size]byte // of the entity tag
	card          release.Digest    // of what a card shows, but for addresses
	head          release.Digest    // of what a link shows: the title
	onMap         release.Digest    // of what a map shows
	// standing is of what decides where the variant stands: see place, backlinks, used.
	standing release.Digest
}

type deadline struct{ label, from, to string }

// day is the last day of a deadline.
func (d deadline) day() string {
	s := d.to
	if s == "" {
		s = d.from
	}
	day, _, _ := strings.Cut(s, "T")
	return day
}

type metaFact struct {
	field  *schemas.Field
	values []string
}

type point struct {
	lat, lon       string // as the catalogue wrote them
	label, address string
	municipality   string
	approximate    bool
}

// citation is a law that an item names; key is that of the act as a whole.
type citation struct {
	key                            string
	identifier, scheme, label, url string
	whole                          bool
}

// read takes the facts of an entry out of its JSON.
func (s *Site) read(e catalog.Entry, sh *shape, raw []byte) *facts {
	f := &facts{entry: e, shape: sh, id: e.ID(), slug: safeName(e.Slug()), locale: e.Locale(), title: e.Title(), published: e.PublishedAt().UnixMilli(), order: -1}
	f.dir = s.direction(f.locale)
	f.unverified = e.Stage() == schemas.StageUnverified
	members(raw, func(key string, v []byte) {
		switch key {
		case "summary":
			f.summary = text(v)
		case "territories":
			elements(v, func(v []byte) { f.territories = append(f.territories, member(v, "istat")) })
		case "topics":
			elements(v, func(v []byte) { f.topics = append(f.topics, member(v, "id")) })
		case "organization":
			f.org, f.orgTitle = member(v, "id"), member(v, "title")
		case "public_state":
			f.state = text(v)
		case "fields":
			members(v, func(name string, v []byte) { f.field(name, v) })
		case "references":
			elements(v, func(v []byte) { f.cite(v) })
		}
	})
	if f.org != "" {
		f.links = append(f.links, f.org)
	}
	f.digest()
	return f
}

// field takes what is needed of one field.
func (f *facts) field(name string, v []byte) {
	sh := f.shape
	decl := sh.fields[name]
	switch {
	case decl == nil:
		return
	case name == sh.image:
		f.image = string(v)
	case name == sh.calendar:
		f.from, f.to = member(v, "from"), member(v, "to")
	case name == sh.deadlines:
		each(v, func(v []byte) {
			f.deadlines = append(f.deadlines, deadline{member(v, "label"), member(v, "from"), member(v, "to")})
		})
	case name == sh.typ.Route.Map:
		each(v, func(v []byte) { f.place(v) })
	case name == "cancelled":
		f.cancelled = string(v) == "true"
	case name == "menu_order":
		if n, ok := float(v); ok {
			f.order = n
		}
	case decl.Kind == "reference" && name != "organization":
		each(v, func(v []byte) {
			if id := member(v, "id"); member(v, "type") == "organization" {
				f.links = append(f.links, id)
			} else {
				f.related = append(f.related, id)
			}
		})
	}
	switch decl.Kind {
	case "date":
		each(v, func(v []byte) { f.ends = append(f.ends, text(v)) })
	case "date_range":
		each(v, func(v []byte) {
			f.ends = append(f.ends, deadline{from: member(v, "from"), to: member(v, "to")}.day())
		})
	}
	if slices.Contains(sh.facets, decl) {
		if f.choices == nil {
			f.choices = map[string][]string{}
		}
		each(v, func(v []byte) { f.choices[name] = append(f.choices[name], member(v, "id")) })
	}
	if slices.Contains(sh.meta, decl) {
		m := metaFact{field: decl}
		switch decl.Kind {
		case "choice":
			each(v, func(v []byte) { m.values = append(m.values, member(v, "id")) })
		case "date_range":
			each(v, func(v []byte) { m.values = append(m.values, member(v, "from"), member(v, "to")) })
		case "number":
			m.values = []string{string(v)}
		default:
			each(v, func(v []byte) { m.values = append(m.values, text(v)) })
		}
		f.meta = append(f.meta, m)
	}
}

// readPoint reads a place: what it is called, and where.
func readPoint(v []byte) (p point) {
	members(v, func(key string, v []byte) {
		switch key {
		case "lat":
			p.lat = string(v)
		case "lon":
			p.lon = string(v)
		case "label":
			p.label = text(v)
		case "address":
			p.address = text(v)
		case "municipality":
			p.municipality = text(v)
		case "approximate":
			p.approximate = string(v) == "true"
		}
	})
	return p
}

func (f *facts) place(v []byte) {
	if p := readPoint(v); p.lat != "" && p.lon != "" {
		f.points = append(f.points, p)
	}
}

// readCitation reads a reference to a law.
func readCitation(v []byte) (c citation) {
	members(v, func(key string, v []byte) {
		switch key {
		case "identifier":
			c.identifier = text(v)
		case "scheme":
			c.scheme = text(v)
		case "label":
			c.label = text(v)
		case "url":
			c.url = text(v)
		}
	})
	c.key = actKey(c.identifier)
	c.whole = !strings.Contains(c.identifier, "~")
	return c
}

// cite notes a law once, by the act as a whole.
func (f *facts) cite(v []byte) {
	c := readCitation(v)
	for i, was := range f.acts {
		if was.key == c.key {
			if c.whole && !was.whole {
				f.acts[i] = c
			}
			return
		}
	}
	f.acts = append(f.acts, c)
}

// actKey names the act that an identifier is of or in: without the article (after
// "~" in URN:NIR), and by year where some write the day.
func actKey(identifier string) string {
	whole, _, _ := strings.Cut(identifier, "~")
	whole, _, _ = strings.Cut(whole, "@")
	if strings.HasPrefix(whole, "urn:nir:") {
		if i := strings.LastIndexByte(whole, ':'); i >= 0 && len(whole) >= i+12 && whole[i+5] == '-' && whole[i+8] == '-' && whole[i+11] == ';' {
			whole = whole[:i+5] + whole[i+11:]
		}
	}
	return safeName(whole)
}

// maxName keeps a part of a path within what every file system takes.
const maxName = 120

// safeName makes a part of a path: what it is when it has only a-z, 0-9 and single
// hyphens, as slugs have. Anything else is written so, with a hash at its end, so
// that two names stay two.
func safeName(s string) string {
	good := s != "" && len(s) <= maxName && s[0] != '-' && s[len(s)-1] != '-'
	for i := 0; good && i < len(s); i++ {
		c := s[i]
		good = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if good && !deviceNames[s] {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < 80; i++ {
		switch c := s[i] | 0x20; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteByte(c)
		case b.Len() > 0 && b.String()[b.Len()-1] != '-':
			b.WriteByte('-')
		}
	}
	sum := sha256.Sum256([]byte(s))
	return strings.Trim(b.String()+"-"+fmt.Sprintf("%x", sum[:4]), "-")
}

// deviceNames are no names of files on Windows.
var deviceNames = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}

func init() {
	for _, n := range "123456789" {
		deviceNames["com"+string(n)], deviceNames["lpt"+string(n)] = true, true
	}
}

// digester hashes texts with their lengths, so that two lists never look alike.
type digester struct{ buf []byte }

func newDigester() *digester { return &digester{buf: make([]byte, 0, 512)} }

func (d *digester) str(list ...string) *digester {
	for _, s := range list {
		d.buf = append(d.buf, byte(len(s)), byte(len(s)>>8), byte(len(s)>>16))
		d.buf = append(d.buf, s...)
	}
	return d
}

func (d *digester) num(n int) *digester {
	for range 8 {
		d.buf = append(d.buf, byte(n))
		n >>= 8
	}
	return d
}

func (d *digester) dig(x release.Digest) *digester {
	d.buf = append(d.buf, x[:]...)
	return d
}

// sum gives the digest of what was added and begins anew.
func (d *digester) sum() (out release.Digest) {
	full := sha256.Sum256(d.buf)
	d.buf = d.buf[:0]
	copy(out[:], full[:])
	return out
}

// sub gives the digest of what fill adds, and leaves what was added before.
func (d *digester) sub(fill func(*digester)) release.Digest {
	at := len(d.buf)
	fill(d)
	full := sha256.Sum256(d.buf[at:])
	d.buf = d.buf[:at]
	return release.Digest(full[:16])
}

func (f *facts) digest() {
	d := newDigester()
	f.head = d.str(f.title, f.locale).sum()
	d.str(f.title, f.summary, f.locale, f.orgTitle, f.image, f.from, f.to, f.state).num(int(f.published))
	d.num(len(f.territories)).str(f.territories...).num(len(f.topics)).str(f.topics...)
	for _, m := range f.meta {
		d.str(m.field.Name).num(len(m.values)).str(m.values...)
	}
	for _, x := range f.deadlines {
		d.str(x.label, x.from, x.to)
	}
	for _, flag := range []bool{f.cancelled, f.unverified} {
		if flag {
			d.num(1)
		} else {
			d.num(0)
		}
	}
	f.card = d.sum()
	d.str(f.title)
	for _, p := range f.points {
		d.str(p.lat, p.lon, p.label, p.address)
		if p.approximate {
			d.num(1)
		}
	}
	f.onMap = d.sum()
	d.str(f.slug, f.locale, f.shape.typ.Name, f.state).num(int(f.published))
	for _, list := range [][]string{f.territories, f.topics, f.links, f.related} {
		d.num(len(list)).str(list...)
	}
	for _, c := range f.acts {
		d.str(c.key, c.identifier, c.scheme, c.label, c.url)
	}
	f.standing = d.sum()
	f.tag = sha256.Sum256([]byte(f.entry.ETag(catalog.Identity)))
}

// gazetteer is the territories that have pages, with their paths.
type gazetteer struct {
	regions []*territory
	byCode  map[string]*territory
}

type territory struct {
	schemas.Territory
	path     string // "territories/toscana/prato"
	region   *territory
	children []*territory
}

func newGazetteer(t *schemas.Territories) *gazetteer {
	g := &gazetteer{byCode: map[string]*territory{}}
	taken := map[string]bool{}
	name := func(folder, s, or string) string {
		// Of two official names the Italian one comes first.
		s, _, _ = strings.Cut(s, "/")
		p := path.Join(folder, content.Slugify(s))
		if taken[p] {
			p = path.Join(folder, content.Slugify(s)+"-"+strings.ToLower(or))
		}
		taken[p] = true
		return p
	}
	for _, r := range t.Regions() {
		x := &territory{Territory: r, path: name("territories", r.Name, r.ISTAT)}
		g.regions, g.byCode[r.ISTAT] = append(g.regions, x), x
	}
	for _, p := range t.Provinces() {
		r := g.byCode[p.Parent]
		if r == nil {
			continue
		}
		x := &territory{Territory: p, path: name(r.path, p.Name, p.Acronym), region: r}
		r.children, g.byCode[p.ISTAT] = append(r.children, x), x
	}
	byName := func(a, b *territory) int { return strings.Compare(content.Slugify(a.Name), content.Slugify(b.Name)) }
	slices.SortFunc(g.regions, byName)
	for _, r := range g.regions {
		slices.SortFunc(r.children, byName)
	}
	return g
}

// own is the territory with a page that a code is in: itself, or a municipality's
// province.
func (g *gazetteer) own(code string) *territory {
	if t := g.byCode[code]; t != nil {
		return t
	}
	if len(code) > 3 {
		return g.byCode[code[:3]]
	}
	return nil
}
