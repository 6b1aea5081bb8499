package site

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/site/release"
)

// The pages of a small site are these.
func TestPagesOfASmallSite(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue(), func(o *Options) { o.Config.Languages = []string{"it", "en"} }), newStore(t))
	var got []string
	hashed := regexp.MustCompile(`-[0-9a-f]{12}\.`)
	for f := range b.Files() {
		line := hashed.ReplaceAllString(f.Path, "-HASH.")
		if strings.HasPrefix(line, "assets/") {
			if !f.Immutable {
				t.Errorf("%s has its hash in its name and is not immutable", f.Path)
			}
			continue
		}
		switch f.Status {
		case 301:
			line += " -> " + f.Location
		case 0, 200:
		default:
			line += " " + map[int]string{404: "404", 410: "410"}[f.Status]
		}
		got = append(got, line)
	}
	goldenFile(t, "small.golden", strings.Join(got, "\n")+"\n")
}

func TestAddresses(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue()), newStore(t))
	has := func(path string, want ...string) {
		t.Helper()
		text := file(t, b, path)
		for _, x := range want {
			if !strings.Contains(text, x) {
				t.Errorf("%s does not hold %s", path, x)
			}
		}
	}
	lacks := func(path string, not ...string) {
		t.Helper()
		text := file(t, b, path)
		for _, x := range not {
			if strings.Contains(text, x) {
				t.Errorf("%s holds %s", path, x)
			}
		}
	}
	// A translation, its original, and what everybody else gets.
	has("en/practices/shared-gardens/index.html", `<link rel="canonical" href="https://prassi.example/en/practices/shared-gardens/">`,
		`hreflang="it" href="https://prassi.example/it/practices/orti-condivisi/"`, `hreflang="en" href="https://prassi.example/en/practices/shared-gardens/"`,
		`hreflang="x-default" href="https://prassi.example/it/practices/orti-condivisi/"`)
	// A text that stands in for a translation.
	has("fr/practices/orti-condivisi/index.html", `<html lang="fr"`, `<link rel="canonical" href="https://prassi.example/it/practices/orti-condivisi/">`, `lang="it"`)
	lacks("fr/practices/orti-condivisi/index.html", "https://prassi.example/fr/practices/orti-condivisi/\"", `rel="alternate" hreflang`)
	has("ar/articles/kalimat/index.html", `<html lang="ar" dir="rtl"`)
	has("bn/services/sportello/index.html", `<html lang="en"`, `lang="bn"`, `<link rel="canonical" href="https://prassi.example/bn/services/sportello/">`)
	has("bn/index.html", "/bn/services/sportello/")
	has("it/territories/toscana/prato/index.html", "Prefettura di Prato", "/it/services/sportello/")
	has("sitemap.xml", "https://prassi.example/sitemaps/it-1.xml")
	has("sitemaps/it-1.xml", "<loc>https://prassi.example/it/practices/orti-condivisi/</loc>", `hreflang="en" href="https://prassi.example/en/practices/shared-gardens/"`)
	lacks("sitemaps/it-1.xml", "kalimat")
	has("robots.txt", "Sitemap: https://prassi.example/sitemap.xml")
	has(".well-known/security.txt", "Contact: mailto:security@prassi.example", "Expires: 2027-06-01T00:00:00Z")
	has("llms.txt", "# Prassi", "https://prassi.example/it/practices/")
	// A practice that names another was made after it.
	has("it/practices/orti-condivisi/index.html", "/it/practices/orti-di-milano/")
	has("it/practices/orti-di-milano/index.html", "/it/practices/orti-condivisi/")
	for path, want := range map[string]struct {
		status int
		to     string
	}{
		"it/articles/vecchio/index.html":         {301, "/it/articles/nuovo/"},
		"it/articles/doppione/index.html":        {301, "/it/articles/nuovo/"},
		"fr/articles/vecchio/index.html":         {301, "/fr/articles/nuovo/"},
		"en/practices/orti-condivisi/index.html": {301, "/en/practices/shared-gardens/"},
		"it/articles/via/index.html":             {410, ""},
		"it/404/index.html":                      {404, ""},
	} {
		f, ok := b.File(path)
		if !ok || f.Status != want.status || f.Location != want.to {
			t.Errorf("%s: %+v", path, f)
		}
	}
	has("it/articles/vecchio/index.html", `http-equiv="refresh"`, "/it/articles/nuovo/")
	// Every link within the site leads to a file, but for what the server answers itself.
	dead := map[string]string{}
	for f := range b.Files() {
		if !strings.HasSuffix(f.Path, ".html") {
			continue
		}
		for _, at := range links(t, file(t, b, f.Path)) {
			at, _, _ = strings.Cut(at, "#")
			at, _, _ = strings.Cut(at, "?")
			at = strings.TrimPrefix(at, "https://prassi.example")
			if !strings.HasPrefix(at, "/") || at == "" || strings.HasPrefix(at, "/cards/") || at == "/oembed" || strings.HasPrefix(at, "/media/") {
				continue
			}
			name := strings.TrimPrefix(at, "/")
			if strings.HasSuffix(name, "/") || name == "" {
				name += "index.html"
			}
			if _, ok := b.File(name); !ok {
				dead[at] = f.Path
			}
		}
	}
	for _, at := range slices.Sorted(maps.Keys(dead)) {
		t.Errorf("%s leads to %s, which is not there", dead[at], at)
	}
}

// The list of practices is narrowed by territory, area and target group, and a practice
// shows how far each indicator came.
func TestPracticesAreFoundAndMeasured(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue()), newStore(t))
	list, practice := file(t, b, "it/practices/index.html"), file(t, b, "it/practices/orti-condivisi/index.html")
	options := map[string][]string{}
	for n := range parsed(t, list).Descendants() {
		if n.Data == "option" && attr(n, "value") != "" {
			options[attr(n.Parent, "name")] = append(options[attr(n.Parent, "name")], attr(n, "value")+" "+n.FirstChild.Data)
		}
	}
	for name, want := range map[string][]string{
		"territory": {"03 Lombardia (1)", "015 Milano (1)", "09 Toscana (1)", "100 Prato (1)"}, "topic": {"women Donne (2)"}, "target_groups": {"families Famiglie (1)"},
	} {
		if !slices.Equal(options[name], want) {
			t.Errorf("%s: %q", name, options[name])
		}
	}
	if !strings.Contains(list, `action="/it/search/" method="get"`) || !strings.Contains(list, `<input type="hidden" name="collection" value="practices">`) {
		t.Error("without scripts the filters ask nobody")
	}
	var cells []string
	for n := range parsed(t, practice).Descendants() {
		if n.Data == "td" && n.FirstChild != nil {
			cells = append(cells, n.FirstChild.Data)
		}
	}
	if len(cells) < 3 || !slices.Equal(cells[:3], []string{"18", "57", "50"}) || !strings.Contains(practice, `<progress max="100" value="100" aria-label="Donne">`) {
		t.Errorf("of 18 to be 50, 57 came: %q", cells)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func links(t testing.TB, page string) (out []string) {
	t.Helper()
	for n := range parsed(t, page).Descendants() {
		for _, a := range n.Attr {
			if a.Key == "href" || a.Key == "src" || a.Key == "action" {
				out = append(out, a.Val)
			}
		}
	}
	return out
}

func parsed(t testing.TB, page string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Without an address of its own a site has no whole addresses; with a path, every
// address has it.
func TestBaseURL(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue(), func(o *Options) { o.Config.BaseURL = "" }), newStore(t))
	if text := file(t, b, "it/practices/orti-condivisi/index.html"); strings.Contains(text, `rel="canonical"`) || strings.Contains(text, "https://prassi.example") {
		t.Error("canonical without an address")
	}
	if _, ok := b.File("sitemap.xml"); ok {
		t.Error("a sitemap without addresses")
	}
	b, _ = build(t, w.site(w.catalogue(), func(o *Options) { o.Config.BaseURL = "https://comune.example/integrazione/" }), newStore(t))
	for f := range b.Files() {
		if strings.HasSuffix(f.Path, ".html") {
			for _, at := range links(t, file(t, b, f.Path)) {
				if strings.HasPrefix(at, "/") && !strings.HasPrefix(at, "/integrazione/") {
					t.Errorf("%s leads to %s", f.Path, at)
				}
			}
		}
	}
	for _, bad := range []string{"integrazione.example", "ftp://x.example", "https://x.example/?a", "https://x.example/../y", "https://u:p@x.example"} {
		if _, err := New(Options{Catalog: w.catalogue(), Config: Config{BaseURL: bad}}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// A partner's site shows what it asked for.
func TestFilters(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue(), func(o *Options) {
		o.Config.Territories, o.Config.Languages, o.Config.NoFallback = []string{"PO"}, []string{"it", "en"}, true
	}), newStore(t))
	for path, want := range map[string]bool{
		"it/practices/orti-condivisi/index.html": true, "en/practices/shared-gardens/index.html": true, "it/practices/orti-di-milano/index.html": false,
		"en/services/sportello/index.html": false, "it/services/sportello/index.html": true, "it/news/permessi/index.html": false,
		"fr/index.html": false, "bn/services/sportello/index.html": true, "it/articles/via/index.html": false, "feeds/it/all.rss": false,
	} {
		if _, ok := b.File(path); ok != want {
			t.Errorf("%s: %t", path, ok)
		}
	}
}

const course = `name: training_course
collection: training_courses
workflow: editorial
label: {it: Corso, en: Course, fr: Cours, es: Curso, ar: دورة, zh: 课程}
plural: {it: Corsi, en: Courses, fr: Cours, es: Cursos, ar: دورات, zh: 课程}
help: {it: Corsi, en: Courses, fr: Cours, es: Cursos, ar: دورات}
route: {path: "courses/{slug}"}
form:
  sections: [{use: main}, {use: classification}]
fields:
  - use: title
  - use: body
  - use: territories
  - name: hours
    kind: number
    integer: true
    label: {it: Ore, en: Hours, fr: Heures, es: Horas, ar: ساعات, zh: 课时}
    help: {it: Quante, en: How many, fr: Combien, es: Cuántas, ar: كم}
    form: {section: main}
`

// A type is one file, and its pages are there; one more template makes them its own.
func TestATypeIsOneFile(t *testing.T) {
	w := newWorld(t, declared(t, map[string]string{"types/training_course.yaml": course}))
	w.publish("training_course", id(1), "it", "italiano-a1", values{"title": "Italiano A1", "body": "Si **impara**.", "hours": 40, "territories": []any{"PO"}})
	b, _ := build(t, w.site(w.catalogue()), newStore(t))
	page := file(t, b, "it/courses/italiano-a1/index.html")
	for _, want := range []string{"Italiano A1", "<strong>impara</strong>", "Ore", "40"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for path, want := range map[string]string{
		"it/courses/index.html": "/it/courses/italiano-a1/", "it/territories/toscana/prato/index.html": "Corsi", "it/index.html": "/it/courses/", "fr/courses/italiano-a1/index.html": "Heures",
	} {
		if !strings.Contains(file(t, b, path), want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	theme, err := LoadTheme(fstest.MapFS{
		"templates/training_course.html": {Data: []byte(`<h1>{{.Item.Title}}: {{.Item.Text "hours"}} h</h1>{{.Item.HTML}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, _ = build(t, w.site(w.catalogue(), func(o *Options) { o.Theme = theme }), newStore(t))
	if page := file(t, b, "it/courses/italiano-a1/index.html"); !strings.Contains(page, "<h1>Italiano A1: 40 h</h1>") {
		t.Error("the type's own template is not used")
	}
}

// A theme that is wrong is named by file and line, and the build before stays.
func TestWrongThemes(t *testing.T) {
	w := example(t)
	for name, x := range map[string]struct {
		file, text string
		line       int
	}{
		"syntax":           {"templates/article.html", "<p>\n{{if}}\n</p>", 2},
		"unknown function": {"templates/_x.html", "\n\n{{magic}}", 3},
		"open tag":         {"templates/article.html", "<p>\n<a href={{.Title}}'{{if .Item}}\"{{end}}>", 0},
		"no such part":     {"templates/article.html", "<p>\n{{template \"absent\"}}", 2},
		"token":            {"theme.yaml", "tokens:\n  primary: 'red;}body{display:none'\n", 0},
		"yaml":             {"theme.yaml", "name: x\nwrong: y\n", 2},
		"name":             {"templates/../x.html", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			theme, err := LoadTheme(fstest.MapFS{x.file: {Data: []byte(x.text)}})
			if err == nil {
				_, err = New(Options{Catalog: w.catalogue(), Schemas: w.reg, Theme: theme})
			}
			var wrong *ThemeError
			if name == "name" {
				return
			}
			if !errors.As(err, &wrong) || wrong.File != x.file || x.line != 0 && wrong.Line != x.line {
				t.Errorf("%v (%+v)", err, wrong)
			}
		})
	}
	// What shows only when a page is made.
	store := newStore(t)
	was, _ := build(t, w.site(w.catalogue()), store)
	theme, err := LoadTheme(fstest.MapFS{"templates/article.html": {Data: []byte("<p>\n{{.Item.Missing}}</p>")}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = w.site(w.catalogue(), func(o *Options) { o.Theme = theme }).Build(ctx, store, "test")
	var wrong *ThemeError
	if !errors.As(err, &wrong) || wrong.File != "templates/article.html" || wrong.Line != 2 {
		t.Errorf("%v", err)
	}
	if store.Current() != was {
		t.Error("the build before is not on the air any more")
	}
}

// Tokens cannot leave their declaration.
func TestTokens(t *testing.T) {
	for value, want := range map[string]bool{
		"#0066cc": true, "'Titillium Web', sans-serif": true, "calc(1rem + 2px)": true, "rgb(0 0 0 / 50%)": true,
		"red;": false, "url(https://x.example/a)": false, "a}b": false, "</style>": false, "expression(1": false, "'": false, "a/*b": false, "\\65": false, "@import": false,
	} {
		if err := CheckTokens(map[string]string{"primary": value}); (err == nil) != want {
			t.Errorf("%q: %v", value, err)
		}
	}
	if CheckTokens(map[string]string{"a:b": "red"}) == nil {
		t.Error("a name with a colon is taken")
	}
}

// The words of the site are there in every language.
func TestWords(t *testing.T) {
	for _, tag := range DefaultLanguages {
		l, _ := small(t).Locale(tag)
		w := newWords(l)
		for _, c := range []struct{ got, not string }{
			{w.iso("2027-03-21"), "2027-03-21"}, {w.iso("2027-03-21T10:00"), "T"}, {w.span("2027-03-21T10:00", "2027-03-21T18:00"), "T"},
			{w.span("2027-03-21", ""), "-03"}, {w.span("", "2027-03-21"), "-03"}, {w.month("2027-03"), "-"}, {w.money("18500.00", "EUR"), "EUR"}, {w.size(1234567), "1234567"},
		} {
			if c.got == "" || strings.Contains(c.got, c.not) || strings.ContainsAny(c.got, "@{}[]") {
				t.Errorf("%s: %q", tag, c.got)
			}
		}
		for _, code := range ValueCodes {
			if messages.Text(w.lang, code, nil) == code {
				t.Errorf("%s lacks %s", tag, code)
			}
		}
	}
	l, _ := small(t).Locale("it")
	w := newWords(l)
	for got, want := range map[string]string{
		w.iso("2027-03-21"): "21 marzo 2027", w.span("2027-03-21T10:00", "2027-03-21T18:00"): "21 marzo 2027, ore 10:00–18:00", w.money("18500.00", "EUR"): "18.500 €", w.number(1234.5): "1.234,5",
	} {
		if got != want {
			t.Errorf("%q, wanted %q", got, want)
		}
	}
}

// JSON-LD says what the page is.
func TestStructuredData(t *testing.T) {
	w := example(t)
	b, _ := build(t, w.site(w.catalogue()), newStore(t))
	for path, want := range map[string]string{
		"it/practices/orti-condivisi/index.html": "Article", "it/news/permessi/index.html": "NewsArticle", "it/events/festa/index.html": "Event",
		"it/services/sportello/index.html": "GovernmentService", "it/organizations/orti-insieme/index.html": "Organization", "it/index.html": "WebSite",
	} {
		g := graph(t, file(t, b, path))
		if len(g) == 0 || g[0]["@type"] != want {
			t.Errorf("%s: %v", path, g)
		}
		if want != "WebSite" && (len(g) < 2 || g[1]["@type"] != "BreadcrumbList") {
			t.Errorf("%s: no crumbs", path)
		}
	}
	n := 0
	for f := range b.Files() {
		if strings.HasPrefix(f.Path, "it/acts/urn") {
			n++
			if g := graph(t, file(t, b, f.Path)); g[0]["@type"] != "Legislation" {
				t.Errorf("%s: %v", f.Path, g)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d pages of laws", n)
	}
}

// graph reads the JSON-LD of a page.
func graph(t testing.TB, page string) []map[string]any {
	t.Helper()
	var out struct {
		Graph []map[string]any `json:"@graph"`
	}
	for n := range parsed(t, page).Descendants() {
		if n.Type == html.ElementNode && n.Data == "script" && slices.Contains(n.Attr, html.Attribute{Key: "type", Val: "application/ld+json"}) {
			if err := json.Unmarshal([]byte(n.FirstChild.Data), &out); err != nil {
				t.Fatalf("%v in %s", err, n.FirstChild.Data)
			}
		}
	}
	return out.Graph
}

// Nothing of the site is outside of its folder, whatever slugs and titles say.
func TestPathsAreSafe(t *testing.T) {
	for _, s := range []string{"", "..", "../x", "a/b", "con", "-x", "x-", "ÀÈ", "a\x00b", strings.Repeat("x", 300), "CON", "a b", ".", "index.html", "\u202e"} {
		name := safeName(s)
		if err := release.CheckPath("it/news/" + name + "/index.html"); err != nil || strings.Contains(name, "/") || name == "" {
			t.Errorf("%q: %q, %v", s, name, err)
		}
	}
}

// Strings are read as encoding/json reads them.
func TestUnquote(t *testing.T) {
	for _, s := range []string{"", "a", "a\nb\t\"c\\d/", "\u0001", "\u2028", "è\r", "😀\n", "\\n"} {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(b); got != s {
			t.Errorf("%q: %q", s, got)
		}
		var again string
		if err := json.Unmarshal(jsonText(nil, s), &again); err != nil || again != s {
			t.Errorf("%q: %q, %v", s, again, err)
		}
	}
}
