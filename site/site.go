package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/url"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/site/release"
)

// formatVersion grows whenever pages change for a reason that nothing else in
// their digests names: with the Go code of this package.
const formatVersion = 1

// DefaultLanguages are those of the interface.
var DefaultLanguages = []string{"it", "en", "fr", "es", "ar", "zh-Hans"}

// Config says which site it is. The zero value is the national one, without an
// address of its own.
type Config struct {
	// Key is empty for the national site, otherwise a partner's key or a territory.
	Key string
	// BaseURL is "https://integrazione.example", perhaps with a path, no slash at its
	// end. Without it pages have no canonical address, and there is no sitemap.
	BaseURL string
	// Name is "Prassi" when empty.
	Name schemas.Text
	// Languages are those of the pages' furniture; empty: DefaultLanguages.
	Languages []string
	// NoFallback leaves out of a language what is not written in it.
	NoFallback bool
	// Collections are those that are shown; empty: all types with a route.
	Collections []string
	// Territories (codes or acronyms), Topics and Organizations (slugs or ids) narrow
	// what is shown; each is a list of alternatives, empty for all.
	Territories, Topics, Organizations []string
	// National shows, beside Territories, what names no territory.
	National bool
	// Tokens are custom properties of CSS over those of the theme; see CheckTokens.
	Tokens map[string]string
	// API begins the addresses of what a program answers: the search, feeds and
	// pictures for social networks; empty: the same origin.
	API string
	// Answered says that a program answers at the site's own origin: pages of a
	// territory and a topic lead to its feeds, as they do with API.
	Answered bool
	// Cards says that the pictures for social networks lie beside the pages (see
	// Pictures): those of a copy lead to its own domain, and not to API.
	Cards bool
	// MediaBase replaces "/media" in addresses of files.
	MediaBase string
	// Tiles is a template of addresses of map tiles, TilesAttribution the words that
	// must stand beside it; empty: outlines of the provinces.
	Tiles, TilesAttribution string
	// Publisher, Contact (an e-mail address) and LegalNotice (an address) are for the
	// accessibility statement and the privacy page.
	Publisher, Contact, LegalNotice string
	// SecurityContact (RFC 9116: mailto: or https:) makes /.well-known/security.txt.
	SecurityContact string
	// Hub is the WebSub hub that feeds name; empty: none.
	Hub string
}

// Options say what a Site is made from.
type Options struct {
	Catalog *catalog.Catalog // nil: see Show
	// Schemas are the declarations; nil means schemas.Default().
	Schemas *schemas.Registry
	// Territories replaces those of Schemas, when municipalities were imported.
	Territories *schemas.Territories
	// Outlines are the shapes of the provinces (TopoJSON), or nil.
	Outlines []byte
	// Theme is how it looks; nil means the default.
	Theme  *Theme
	Config Config
	// Clock gives the day of a build; nil means time.Now.
	Clock func() time.Time
	// Logger tells of items that cannot be shown; nil means silence.
	Logger *slog.Logger
	// Workers are how many pages are rendered at a time; 0 means GOMAXPROCS.
	Workers int
	// Beside says that a server answers meanwhile: a build gives way after each page, and
	// one from nothing, which takes long, is made by half of the workers.
	Beside bool
}

// Site is a public site. Render and Item may be called from any goroutine; builds
// take turns.
type Site struct {
	catalog     *catalog.Catalog
	schemas     *schemas.Registry
	territories *schemas.Territories
	theme       *Theme
	cfg         Config
	clock       func() time.Time
	log         *slog.Logger
	workers     int
	beside      bool

	origin, prefix string // "https://x.example" and "/path" of BaseURL
	shapes         []*shape
	byType         map[string]*shape
	tongues        []*tongue // of Config.Languages
	fallback       *tongue   // for texts in other languages
	tokens         map[string]string
	assets         map[string]*asset
	outlines       *asset
	places         *gazetteer
	fingerprint    [sha256.Size]byte

	mu     sync.Mutex // the builder's; guards what follows
	known  []doc      // facts of the last plan, by document
	before *plan      // of the build that is s.built
	built  *release.Build
	memory feedMemory
	frames sync.Map // *SiteView's digest → *frame, of the last build
	last   sync.Map // words tag → *SiteView, of the last build, for Render
}

// tongue is a language of the furniture with its templates.
type tongue struct {
	*words
	*templates
}

// New checks the configuration and parses the theme. It returns a *ThemeError when
// a template cannot be used.
func New(opt Options) (*Site, error) {
	s := &Site{
		catalog: opt.Catalog, schemas: opt.Schemas, territories: opt.Territories, theme: opt.Theme, cfg: opt.Config,
		clock: opt.Clock, log: opt.Logger, workers: opt.Workers, beside: opt.Beside, byType: map[string]*shape{},
		memory: feedMemory{tags: map[feeds.Query]feedTag{}},
	}
	if s.schemas == nil {
		s.schemas = schemas.Default()
	}
	if s.territories == nil {
		s.territories = s.schemas.Territories()
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.workers <= 0 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	if s.theme == nil {
		var err error
		if s.theme, err = LoadTheme(nil); err != nil {
			return nil, err
		}
	}
	if err := s.configure(); err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	tokens := map[string]string{}
	for _, m := range []map[string]string{s.theme.tokens, s.cfg.Tokens} {
		for k, v := range m {
			tokens[k] = v
		}
	}
	s.tokens, s.assets = tokens, s.theme.named(tokens)
	if len(opt.Outlines) > 0 {
		sum := sha256.Sum256(opt.Outlines)
		s.outlines = &asset{path: fmt.Sprintf("assets/provinces-%x.json", sum[:6]), typ: "application/json", data: opt.Outlines}
	}
	for _, t := range s.schemas.Types() {
		if t.Route.Path != "" && (len(s.cfg.Collections) == 0 || slices.Contains(s.cfg.Collections, t.Collection)) {
			sh := newShape(t)
			s.shapes, s.byType[t.Name] = append(s.shapes, sh), sh
		}
	}
	s.places = newGazetteer(s.territories)
	s.tongues = make([]*tongue, len(s.cfg.Languages))
	var g errgroup.Group
	for i, tag := range s.cfg.Languages {
		g.Go(func() error {
			l, _ := s.schemas.Locale(tag)
			w := newWords(l)
			set, err := s.theme.compile(s.funcs(w))
			s.tongues[i] = &tongue{w, set}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s.fallback = s.tongues[0]
	for _, t := range s.tongues {
		if t.tag == "en" {
			s.fallback = t
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, s.print()
}

// Show gives the site its catalogue, when Options had none: before anything else is
// asked of it.
func (s *Site) Show(c *catalog.Catalog) { s.catalog = c }

// configure completes and checks the configuration.
func (s *Site) configure() error {
	c := &s.cfg
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	c.API, c.MediaBase = strings.TrimRight(c.API, "/"), strings.TrimRight(c.MediaBase, "/")
	for name, address := range map[string]string{"BaseURL": c.BaseURL, "API": c.API} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || path.Clean("/"+u.Path) != "/"+strings.TrimPrefix(u.Path, "/") {
			return fmt.Errorf("%s: %q is not an address such as https://integrazione.example", name, address)
		}
		if name == "BaseURL" {
			s.origin, s.prefix = u.Scheme+"://"+u.Host, u.EscapedPath()
		}
	}
	if len(c.Languages) == 0 {
		c.Languages = DefaultLanguages
	}
	seen := map[string]bool{}
	for i, tag := range c.Languages {
		l, ok := s.schemas.Locale(tag)
		if !ok {
			return fmt.Errorf("language %q is not declared", tag)
		}
		if base, _, _ := strings.Cut(l.Tag, "-"); !speaks(base) {
			return fmt.Errorf("pages have no words in %q", tag)
		}
		if seen[l.Tag] {
			return fmt.Errorf("language %q is named twice", tag)
		}
		seen[l.Tag] = true
		if i == 0 {
			c.Languages = slices.Clone(c.Languages)
		}
		c.Languages[i] = l.Tag
	}
	for _, name := range c.Collections {
		if t, ok := s.schemas.TypeByCollection(name); !ok || t.Route.Path == "" {
			return fmt.Errorf("collection %q has no pages", name)
		}
	}
	for i, code := range c.Territories {
		t, ok := s.territories.Lookup(code)
		if !ok {
			return fmt.Errorf("territory %q is not known", code)
		}
		if i == 0 {
			c.Territories = slices.Clone(c.Territories)
		}
		c.Territories[i] = t.ISTAT
	}
	for _, id := range c.Topics {
		if _, ok := s.schemas.Term(id); !ok {
			return fmt.Errorf("topic %q is not known", id)
		}
	}
	if err := CheckTokens(c.Tokens); err != nil {
		return err
	}
	if len(c.Name) == 0 {
		c.Name = schemas.Text{"it": "Prassi"}
	}
	return nil
}

// check escapes every template once, which finds what parsing does not: a template
// that is not there, or one that ends inside a tag.
func (s *Site) check() error {
	t := s.tongues[0]
	all := map[string]*template.Template{"header": t.header, "footer": t.footer, "languagemenu": t.choose}
	for kind, page := range t.pages {
		all[kind] = page
	}
	for name, page := range all {
		var unsafe *template.Error
		if err := page.Execute(io.Discard, nothing{}); errors.As(err, &unsafe) {
			return themeError(err, name+".html")
		} else if err != nil && strings.Contains(err.Error(), "no such template") {
			return themeError(err, name+".html")
		}
	}
	return nil
}

// nothing makes a template fail at its first field, after it was escaped.
type nothing struct{}

// print names everything but the content that pages depend on.
func (s *Site) print() error {
	cfg, err := json.Marshal(s.cfg)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %x %s %s\n", formatVersion, program(), s.theme.print, s.schemas.Fingerprint(), cfg)
	for _, m := range s.territories.Municipalities() {
		fmt.Fprintln(h, m.ISTAT, m.Name)
	}
	if s.outlines != nil {
		fmt.Fprintln(h, s.outlines.path)
	}
	for _, t := range s.tongues {
		for _, code := range messagesOf(t.lang) {
			fmt.Fprintln(h, code)
		}
	}
	h.Sum(s.fingerprint[:0])
	return nil
}

// address puts the path of BaseURL before a path within the site.
func (s *Site) address(p string) string { return s.prefix + p }

// whole gives a whole address for an address of this site; empty without BaseURL.
func (s *Site) whole(address string) string {
	if s.origin == "" || address == "" {
		return ""
	}
	return s.origin + address
}

// asset gives the address of a file of the theme; empty when there is none.
func (s *Site) asset(name string) string {
	if a := s.assets[name]; a != nil {
		return s.prefix + "/" + a.path
	}
	return ""
}

// media gives the address of a file of ours.
func (s *Site) media(src string) string {
	if rest, ok := strings.CutPrefix(src, "/media/"); ok {
		if s.cfg.MediaBase != "" {
			return s.cfg.MediaBase + "/" + rest
		}
		return s.prefix + src
	}
	return src
}

// dynamic gives the address of what a program answers.
func (s *Site) dynamic(p string) string {
	if s.cfg.API != "" {
		return s.cfg.API + p
	}
	return s.prefix + p
}

func (s *Site) direction(locale string) string {
	if l, ok := s.schemas.Locale(locale); ok && l.Dir != "" {
		return l.Dir
	}
	return "ltr"
}

func (s *Site) languageName(tag string) string {
	if l, ok := s.schemas.Locale(tag); ok {
		return l.Name
	}
	return tag
}

// tongue finds the language of the furniture for a tag: that one, its base ("zh"
// for zh-Hans), else the fallback.
func (s *Site) tongue(tag string) *tongue {
	for _, t := range s.tongues {
		if t.tag == tag {
			return t
		}
	}
	for _, t := range s.tongues {
		if t.lang == tag {
			return t
		}
	}
	return s.fallback
}

// Languages are the languages of the furniture, as Config has them.
func (s *Site) Languages() []string { return slices.Clone(s.cfg.Languages) }

// today is the civil day in Rome.
func (s *Site) today() string { return s.clock().In(content.Rome).Format(time.DateOnly) }

// languageMark stands in a piece for the menu of languages.
const languageMark = "\x00languages\x00"

// frame is the pieces of one language and section: parts of a page around the menu
// of languages.
type frame struct {
	once           sync.Once
	header, footer []string
	err            error
}

// execute writes a page by its template. The error is a *ThemeError.
func (s *Site) execute(w io.Writer, t *tongue, p *Page) error {
	p.tongue = t
	page := t.pages[p.Kind]
	if page == nil {
		return &ThemeError{File: "templates/" + p.Kind + ".html", Err: errors.New("there is no such template")}
	}
	if b, ok := w.(*bytes.Buffer); ok && t.fast[p.Kind].execute(b, p) {
		return nil
	}
	if err := page.Execute(w, p); err != nil {
		return themeError(err, p.Kind+".html")
	}
	return nil
}

func (p *Page) header() (template.HTML, error) { return p.piece(true) }
func (p *Page) footer() (template.HTML, error) { return p.piece(false) }

// piece gives the header or footer, with this page's menu of languages in it.
func (p *Page) piece(header bool) (template.HTML, error) {
	f := p.frame
	if f == nil {
		f = &frame{}
	}
	f.once.Do(func() {
		shared := &Page{Site: p.Site, Lang: p.Lang, Dir: p.Dir, Section: p.Section, tongue: p.tongue}
		for _, x := range [...]struct {
			t  *template.Template
			to *[]string
		}{{p.tongue.templates.header, &f.header}, {p.tongue.templates.footer, &f.footer}} {
			var b bytes.Buffer
			if err := x.t.Execute(&b, shared); err != nil {
				f.err = themeError(err, x.t.Name())
				return
			}
			*x.to = strings.Split(b.String(), languageMark)
		}
	})
	if f.err != nil {
		return "", f.err
	}
	parts := f.footer
	if header {
		parts = f.header
	}
	if len(parts) == 1 {
		return template.HTML(parts[0]), nil
	}
	if p.menu == "" {
		b := newBuffer()
		defer giveBack(b)
		if !p.tongue.templates.menu.execute(b, p) {
			if err := p.tongue.choose.Execute(b, p); err != nil {
				return "", themeError(err, p.tongue.choose.Name())
			}
		}
		p.menu = b.String()
	}
	return template.HTML(strings.Join(parts, p.menu)), nil
}

// Render writes a page that is not in any build by the site's templates: answers of
// the search, previews, errors. The caller fills in Kind, Lang and what the kind
// shows; Render completes Site, Dir, Section and Languages where they are missing.
func (s *Site) Render(w io.Writer, p Page) error {
	t := s.tongue(p.Lang)
	p.Lang, p.Dir = t.tag, t.dir
	if p.Site == nil {
		p.Site = s.View(t.tag)
	}
	if p.Section == "" {
		p.Section = p.Kind
	}
	if p.Kind == "item" || t.pages[p.Kind] == nil && p.Item != nil {
		p.Kind = s.kindOf(p.Item.Type)
	}
	if p.Title == "" {
		p.Title = s.titleOf(t, p.Kind)
	}
	if p.Languages == nil {
		p.Languages = slices.Clone(p.Site.Languages)
		for i := range p.Languages {
			p.Languages[i].Current = p.Languages[i].Locale == t.tag
		}
	}
	// A page is whole or is not: nothing is written when a template fails.
	var b bytes.Buffer
	if err := s.execute(&b, t, &p); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// kindOf is the template of a type's items: its own, or the generic one.
func (s *Site) kindOf(typ string) string {
	if s.theme.has(typ) {
		return typ
	}
	return "item"
}

// View is what pages of a language share, as in the last build; before the first,
// what is known without one.
func (s *Site) View(lang string) *SiteView {
	t := s.tongue(lang)
	if v, ok := s.last.Load(t.tag); ok {
		return v.(*SiteView)
	}
	return s.view(t, nil)
}

// titleOf is what a kind of page is called.
func (s *Site) titleOf(t *tongue, kind string) string {
	code := "site_title_" + kind
	if title := t.text(code); title != code {
		return title
	}
	return t.label(s.cfg.Name)
}

// Media gives the files that pages show, each once, by id: what a target has to
// carry beside a build.
func (s *Site) Media(ctx context.Context) ([]*catalog.Media, error) {
	seen := map[string]bool{}
	var out []*catalog.Media
	s.mu.Lock()
	docs := s.choose(s.catalog.Moment())
	s.mu.Unlock()
	for _, d := range docs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, m := range d.variants[0].entry.Media() {
			if !seen[m.ID] {
				seen[m.ID] = true
				out = append(out, m)
			}
		}
	}
	slices.SortFunc(out, func(a, b *catalog.Media) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}
